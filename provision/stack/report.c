#include "report.h"

#include <stdlib.h>
#include "strbuf.h"
#include "yaml.h"

void report_v(struct err_list *list, const char *file, const struct yaml_node *node,
	const char *path, const char *fmt, va_list ap)
{
	if (!list)
		return;
	struct strbuf text = STRBUF_INIT;
	strbuf_vaddf(&text, fmt, ap);
	struct err e = ERR_INIT;
	err_at(&e, file, node ? node->line : 0, node ? node->column : 0, path, "%s", text.buf);
	err_list_take(list, &e);
	strbuf_release(&text);
}

void report(struct err_list *list, const char *file, const struct yaml_node *node, const char *path,
	const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report_v(list, file, node, path, fmt, ap);
	va_end(ap);
}

void report_hint(struct err_list *list, const char *fmt, ...)
{
	if (!list || !list->nr)
		return;
	struct strbuf text = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	err_hint(&list->v[list->nr - 1], "%s", text.buf);
	strbuf_release(&text);
}

bool report_suggest(struct err_list *list, const struct suggest *s)
{
	const char *near = suggest_near(s);
	if (near)
		report_hint(list, "did you mean '%s'?", near);
	return near != NULL;
}
