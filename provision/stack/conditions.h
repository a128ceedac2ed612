#ifndef CONDITIONS_H
#define CONDITIONS_H

/* The Conditions and Rules sections, once parameters have values. */
#include "stack.h"

/* Fills s->conditions. What hangs on the account while that is unknown is taken as false, with a warning. */
int conditions_bind(struct stack *s, struct err_list *errors, struct err_list *warnings) must_check;
/* An error for every assertion that does not hold. */
int rules_check(struct stack *s, struct err_list *errors, struct err_list *warnings) must_check;

#endif
