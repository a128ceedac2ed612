#ifndef REPORT_H
#define REPORT_H

/* Errors and warnings about the user's files: each has a place, many are gathered before anything is done. */
#include <stdarg.h>
#include <stdbool.h>
#include "err.h"
#include "suggest.h"

struct yaml_node;

/* Appends one with code ERR_USAGE; `node` NULL: no line; `path` NULL: none. A NULL list drops it. */
void report(struct err_list *list, const char *file, const struct yaml_node *node, const char *path,
	const char *fmt, ...) printf_like(5, 6);
void report_v(struct err_list *list, const char *file, const struct yaml_node *node,
	const char *path, const char *fmt, va_list ap);
/* Adds a hint to the error that was appended last. */
void report_hint(struct err_list *list, const char *fmt, ...) printf_like(2, 3);
/* "did you mean 'X'?" when something is near; true when it was. */
bool report_suggest(struct err_list *list, const struct suggest *s);

#endif
