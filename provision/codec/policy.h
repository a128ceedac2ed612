#ifndef POLICY_H
#define POLICY_H

/*
 * IAM policy documents ("Policy evaluation logic" and "IAM JSON policy element reference", IAM User Guide): what one
 * says, without a store. Wildcards, NotAction, NotResource, NotPrincipal, policy variables, conditions.
 */
#include <stdbool.h>
#include <stddef.h>
#include "json.h"

enum policy_effect { POLICY_NONE, POLICY_ALLOW, POLICY_DENY };

struct policy_request {
	const char *action;   /* "glue:GetTable" */
	const char *resource; /* an ARN or "*"; not looked at in trust policies */
	const struct json *
		context; /* {"aws:username": "…", "s3:prefix": …}: strings or arrays; may be NULL */
	/* Who asks, for policies with principals; either may be NULL. */
	const char *service;     /* "glue.amazonaws.com" */
	const char *account;     /* of the caller */
	const char *caller_arn;  /* arn:aws:sts::A:assumed-role/R/S, arn:aws:iam::A:root */
	const char *caller_role; /* arn:aws:iam::A:role/R when the caller is a role's session */
};

/* What one document says; an explicit deny beats an allow. A condition that is not understood never allows and
 * always denies. */
enum policy_effect policy_evaluate(const struct json *doc, const struct policy_request *q);
/* `*` and `?` over the whole string. */
bool policy_match(const char *pattern, const char *s, bool ignore_case);

/* The AWS-managed policies that pipelines attach, with what they allow; sorted by name. */
struct policy_managed {
	const char *
		name; /* "service-role/AWSGlueServiceRole": what stands behind arn:aws:iam::aws:policy/ */
	const char *id;
	const char *document;
};
extern const struct policy_managed policy_managed[];
extern const size_t policy_nr_managed;
/* By ARN, of any partition; NULL: not one of these. */
const struct policy_managed *policy_managed_find(const char *arn);

#endif
