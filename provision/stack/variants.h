#ifndef VARIANTS_H
#define VARIANTS_H

/*
 * What a template would be with other values of its parameters: those that AllowedValues list and that Conditions compare
 * with, one parameter at a time. Only `validate` asks: what stands behind a condition is checked before the day when it holds.
 */
#include "stack.h"
#include "values.h"

/* `s` is bound with `values`. Appends to `errors` what is wrong with properties and was not told yet, and to `warnings` what
 * cannot be evaluated then. */
void variants_check(const struct stack *s, const struct stack_context *ctx,
	const struct values *values, struct err_list *errors, struct err_list *warnings);

#endif
