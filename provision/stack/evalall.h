#ifndef EVALALL_H
#define EVALALL_H

/* Evaluation that does not stop at the first error: resources are unknown, errors are gathered, what failed is unknown. */
#include "stack.h"

/* As stack_eval_properties; `secret_paths` as stack_eval_secrets gives them, may be NULL. */
void eval_properties_collect(const struct stack_resource *r, struct json **out,
	struct strvec *secret_paths, struct err_list *errors);
/* Where a property was written: the nearest thing that is there. */
const struct yaml_node *locate_property(const struct stack_resource *r, const char *path);
/* Appends every text in the properties that a NoEcho value went into, also what was cut out of one or encoded. */
void eval_secret_texts(const struct stack_resource *r, struct strvec *texts);
/* *out NULL: AWS::NoValue. */
void eval_collect(const struct stack *s, const struct yaml_node *n, const char *path,
	struct json **out, struct err_list *errors);

#endif
