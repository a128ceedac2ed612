#ifndef PARAMS_H
#define PARAMS_H

/* Parameters' types and values. */
#include "stack.h"

enum param_kind {
	PARAM_STRING,
	PARAM_NUMBER,
	PARAM_STRING_LIST,
	PARAM_NUMBER_LIST,
	PARAM_LOOKUP,      /* the value names a parameter of Systems Manager, whose value counts */
	PARAM_LOOKUP_LIST, /* the same, a list */
	PARAM_UNKNOWN
};
enum param_kind param_kind_of(const char *type);

/*
 * Fills s->parameters and s->secrets from `values` (strongest first) and defaults. Errors say where the value came
 * from, and never a NoEcho value. What may be unknown is as in struct stack_context. A Default is checked also where
 * another value counts. 0, or -1 when there was an error,
 * also one that stands in `errors` already.
 */
int params_bind(struct stack *s, const struct param_value *values, size_t nr,
	const struct stack_context *ctx, struct err_list *errors) must_check;
/* "a, b" gives two; "" gives one that is empty, as in CloudFormation. */
struct json *param_split_list(const char *text);
/* Systems Manager's value of a PARAM_LOOKUP, as its type wants it. */
struct json *param_looked_up(const struct template_parameter *p, const char *text);

#endif
