#ifndef POLICY_INTERNAL_H
#define POLICY_INTERNAL_H

#include "policy.h"
#include "strbuf.h"

enum policy_truth { POLICY_FALSE, POLICY_TRUE, POLICY_UNKNOWN };

/* The whole Condition block of a statement; NULL is true. */
enum policy_truth policy_conditions(const struct json *block, const struct json *context);
/* ${aws:username} and the like replaced; false when a variable has no value. */
bool policy_expand(const char *text, const struct json *context, struct strbuf *out);

#endif
