#ifndef TEMPLATE_PARTS_H
#define TEMPLATE_PARTS_H

/* The readers of a template's sections, and small helpers that they share. */
#include "intrinsics.h"

/* CloudFormation's quotas of one template. */
#define TEMPLATE_MAX_PARAMETERS 200
#define TEMPLATE_MAX_RESOURCES 500
#define TEMPLATE_MAX_OUTPUTS 200
#define TEMPLATE_MAX_MAPPINGS 200 /* also keys of one, and values of a key */

/* One allowed key of a mapping. */
struct part_key {
	const char *name;
	const char *
		refusal; /* known to CloudFormation, but not done: why or instead of what; NULL: fine */
	bool only_warn;
};

/* Errors for keys of `n` that the {0}-terminated table does not have; `what` as in "parameter", "resource". */
void part_check_keys(struct checker *c, const struct yaml_node *n, const struct part_key *keys,
	const char *what);
/* `n` is a mapping; NULL is not. Adds an error else. */
bool part_is_mapping(struct checker *c, const struct yaml_node *n, const char *what);
/* A member's text; NULL when it is missing, and with an error when it is no scalar. */
const char *part_text(struct checker *c, const struct yaml_node *n, const char *key);
/* Letters and digits only, as CloudFormation wants ids. */
void part_check_id(struct checker *c, const struct yaml_node *at, const char *id, const char *what);
/* The path becomes "A.B"; give the result to part_leave. */
size_t part_enter(struct checker *c, const char *name);
void part_check_count(struct checker *c, const struct yaml_node *n, const char *what, size_t max);
/* The text of Description; NULL where there is none. */
const char *part_description(struct checker *c, const struct yaml_node *n, size_t max_bytes);
void part_leave(struct checker *c, size_t mark);

void template_read_parameters(struct checker *c, struct template *t, const struct yaml_node *n);
void template_read_resources(struct checker *c, struct template *t, const struct yaml_node *n);
void template_check_resources(struct checker *c);

#endif
