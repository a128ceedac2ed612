#ifndef PARAMS_H
#define PARAMS_H

/* Parameters' types and values. */
#include "stack.h"

enum param_kind {
	PARAM_STRING,
	PARAM_NUMBER,
	PARAM_STRING_LIST,
	PARAM_NUMBER_LIST,
	PARAM_UNKNOWN,
	PARAM_MISSING
};
/* PARAM_MISSING: CloudFormation has it, glueproj does not. */
enum param_kind param_kind_of(const char *type);

/*
 * Fills s->parameters and s->secrets from `values` (strongest first) and defaults. Errors say where the value came
 * from, and never a NoEcho value. `may_be_unknown`: NoEcho parameters without a value. 0, or -1 when there was an error,
 * also one that stands in `errors` already.
 */
int params_bind(struct stack *s, const struct param_value *values, size_t nr, bool may_be_unknown,
	struct err_list *errors) must_check;

#endif
