#ifndef LINT_RIGHTS_H
#define LINT_RIGHTS_H

/*
 * What a role of the project may do, as its policies in the templates say ("Policy evaluation logic"). In doubt (a
 * condition, a value that is not known yet, a policy that is not in the templates) it may: only what is surely missing
 * is told.
 */
#include "lint_internal.h"

struct rights {
	struct json **docs;
	bool *of_aws; /* AWS's own: its ARNs have partition aws */
	size_t nr, alloc, alloc_of_aws;
	bool open; /* some policy is not known */
};

/* All policies of a role: inline, attached, and those that name it. For rights_release. */
void rights_of_role(const struct lint *l, const struct lint_resource *role, struct rights *out);
void rights_release(struct rights *r);
/* Some resource whose ARN is "arn:PARTITION:" and something that begins with `resource` ("s3:::bucket/raw/"), or is
 * just that when `exact`. */
bool rights_allow(const struct rights *r, const char *partition, const char *action,
	const char *resource, bool exact);
/* Does one document surely or perhaps allow it? (the inner part, for tests) */
bool rights_doc_allows(const struct json *doc, const char *action, const char *arn, bool exact);
bool rights_doc_denies(const struct json *doc, const char *action, const char *arn, bool exact);

#endif
