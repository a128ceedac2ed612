#ifndef LINT_H
#define LINT_H

/*
 * Glue lint: what AWS would refuse, or take and never run, found in all stacks of a project before any call. Values that
 * are not known yet are not guessed about. Errors are what AWS refuses; all else is a warning. A resource switches rules
 * off by `Metadata: {Glueproj: {Ignore: [GL004]}}`, a template by the same in its own Metadata.
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"
#include "json.h"
#include "stack.h"

struct lint;

/* One declared resource, evaluated as far as it can be; all borrowed. */
struct lint_resource {
	const struct stack_resource *decl;
	const char *name; /* physical; NULL: not known yet */
	const struct json *props;
	const struct strvec
		*secret_paths; /* of properties that a NoEcho value went into; NULL: none */
};

struct lint_input {
	const struct lint_resource *v; /* of all stacks, in set-up order */
	size_t nr;
	struct stack *const *stacks; /* of the project: what they export */
	size_t nr_stacks;
	const char *partition, *region, *account;
	const char *artifacts; /* "s3://bucket/prefix/" of programs and scripts; NULL: not known */
	int64_t now_ms;
	/* Does the bundled program of that name open DuckDB? NULL: nobody knows. */
	bool (*opens_duckdb)(void *payload, const char *program);
	void *payload;
};

enum lint_severity { LINT_WARNING, LINT_ERROR };

/* A rule judges a definition alone (`one`, for resources of `type`) or all resources together (`all`). */
struct lint_rule {
	const char *id, *title;
	enum lint_severity severity;
	const char *type;
	void (*one)(struct lint *l, const struct lint_resource *r);
	void (*all)(struct lint *l);
	const char *code; /* ERR's "code"; NULL: "Usage", as for all other faults in a template */
};
/* {0}-terminated, by id. */
extern const struct lint_rule lint_rules[];

/*
 * All rules but those that the types' own checks ran already: errors on single definitions. Warnings of others that a
 * rule stands for ("PlainSecret") get its id, or go where it is switched off.
 */
void lint_run(const struct lint_input *in, struct err_list *errors, struct err_list *warnings);

#endif
