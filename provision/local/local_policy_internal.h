#ifndef LOCAL_POLICY_INTERNAL_H
#define LOCAL_POLICY_INTERNAL_H

/* What policy_check() asks of a policy's single values (local_policy_resource.c). */
#include <stdbool.h>
#include "err.h"
#include "json.h"

/* "StringEquals", "ForAnyValue:StringLikeIfExists": case counts. */
bool policy_operator_known(const char *name);
/* Do all values of date operators read as dates? */
bool policy_dates_parse(const struct json *conditions);
/* Has every ARN as many parts as it must? */
bool policy_resources_parse(const struct json *resources);
/* A string or an array of strings. `identity`: with the rules of IAM's own policies. */
int policy_check_resources(const struct json *resources, bool identity, struct err *err) must_check;

#endif
