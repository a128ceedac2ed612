#ifndef LINT_EVAL_H
#define LINT_EVAL_H

#include "lint_internal.h"

/* The input's resources with more of their properties known; for lint_evaluated_free. */
struct lint_resource *lint_evaluate(const struct lint_input *in);
void lint_evaluated_free(struct lint_resource *v, size_t nr);

#endif
