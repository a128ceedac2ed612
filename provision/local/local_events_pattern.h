#ifndef LOCAL_EVENTS_PATTERN_H
#define LOCAL_EVENTS_PATTERN_H

/*
 * Event patterns ("Amazon EventBridge event patterns", "Comparison operators for use in event patterns", EventBridge
 * User Guide), and the operators that SNS's filter policies share with them. Pure functions.
 */
#include <stdbool.h>
#include "err.h"
#include "json.h"

/* A pattern's text as a document; NULL with ERR_INVALID and AWS's reason. */
struct json *events_pattern_parse(const char *text, struct err *err) must_check;
int events_pattern_check(const struct json *pattern, struct err *err) must_check;
bool events_pattern_match(const struct json *pattern, const struct json *event);

/* One rule of a pattern's list ("a", 1, null, {"prefix": "a"}) and one value; value NULL: nothing stands there. */
bool events_rule_match(const struct json *rule, const struct json *value);
/* Is it one that exists, with the right kind of operand? */
int events_rule_check(const struct json *rule, struct err *err) must_check;

#endif
