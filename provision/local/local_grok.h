#ifndef LOCAL_GROK_H
#define LOCAL_GROK_H

/*
 * Grok patterns of Glue's classifiers ("Writing grok custom classifiers", AWS Glue developer guide): %{PATTERN},
 * %{PATTERN:column}, %{PATTERN:column:type}, (?<column>…), over Glue's built-in patterns and those of the classifier.
 */
#include <stddef.h>
#include "err.h"
#include "json.h"

struct grok;
/* `custom` (may be NULL): "NAME expression", one a line. ERR_INVALID for what is wrong in them, ERR_FAILED for what the
 * expressions' engine does not know (look-behind, back references). */
struct grok *grok_compile(const char *pattern, const char *custom, struct err *err) must_check;
void grok_free(struct grok *g); /* NULL is fine */
/* [{"Name","Type"}] in order of appearance; borrowed. */
const struct json *grok_columns(const struct grok *g);
/* Is the pattern in the line? */
bool grok_match(const struct grok *g, const char *line);

#endif
