#include "err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "strbuf.h"

/* What programs see of each code, and with which code the process ends. */
static const struct {
	const char *name;
	int exit_code;
} codes[] = {
	[ERR_NONE] = {"None", 0},
	[ERR_FAILED] = {"Failed", 1},
	[ERR_NOT_FOUND] = {"NotFound", 1},
	[ERR_EXISTS] = {"Exists", 1},
	[ERR_NOT_OWNED] = {"NotOwned", 1},
	[ERR_THROTTLED] = {"Throttled", 1},
	[ERR_DENIED] = {"Denied", 1},
	[ERR_INVALID] = {"Invalid", 1},
	[ERR_CONFLICT] = {"Conflict", 1},
	[ERR_TRANSIENT] = {"Transient", 1},
	[ERR_AMBIGUOUS] = {"Ambiguous", 1},
	[ERR_IO] = {"IO", 1},
	[ERR_USAGE] = {"Usage", 2},
	[ERR_LEASE] = {"LeaseHeld", 4},
	[ERR_INTERRUPTED] = {"Interrupted", 130},
	[ERR_TIMEOUT] = {"Timeout", 1},
};

void err_release(struct err *e)
{
	if (!e)
		return;
	free(e->text);
	free(e->hint);
	free(e->name);
	free(e->rule);
	free(e->file);
	free(e->path);
	free(e->stack);
	free(e->logical_id);
	free(e->operation);
	free(e->aws_code);
	free(e->request_id);
	*e = (struct err)ERR_INIT;
}

void err_move(struct err *to, struct err *from)
{
	if (to == from)
		return;
	if (!to) {
		err_release(from);
		return;
	}
	err_release(to);
	if (!from)
		return;
	*to = *from;
	*from = (struct err)ERR_INIT;
}

void err_copy(struct err *to, const struct err *from)
{
	if (!to || to == from)
		return;
	err_release(to);
	if (!from)
		return;
	*to = *from;
	to->text = xstrdup(from->text);
	to->hint = xstrdup(from->hint);
	to->name = xstrdup(from->name);
	to->rule = xstrdup(from->rule);
	to->file = xstrdup(from->file);
	to->path = xstrdup(from->path);
	to->stack = xstrdup(from->stack);
	to->logical_id = xstrdup(from->logical_id);
	to->operation = xstrdup(from->operation);
	to->aws_code = xstrdup(from->aws_code);
	to->request_id = xstrdup(from->request_id);
}

static char *vformat(const char *fmt, va_list ap)
{
	struct strbuf sb = STRBUF_INIT;
	strbuf_vaddf(&sb, fmt, ap);
	return strbuf_detach(&sb, NULL);
}

/* The text is made before the old one goes: the arguments may point into it. */
static int set_text(struct err *e, enum err_code code, char *text)
{
	err_release(e);
	e->code = code;
	e->text = text;
	return -1;
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	if (!e)
		return -1;
	va_start(ap, fmt);
	char *text = vformat(fmt, ap);
	va_end(ap);
	return set_text(e, code, text);
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	char reason[128];
	va_list ap;
	if (!e)
		return -1;
	va_start(ap, fmt);
	char *what = vformat(fmt, ap);
	va_end(ap);
	const char *why = strerror_r(saved, reason, sizeof(reason));
	set_text(e, saved == ENOENT ? ERR_NOT_FOUND : ERR_IO, xasprintf("%s: %s", what, why));
	free(what);
	return -1;
}

int err_at(struct err *e, const char *file, int line, int column, const char *path, const char *fmt,
	...)
{
	va_list ap;
	if (!e)
		return -1;
	va_start(ap, fmt);
	char *text = vformat(fmt, ap);
	va_end(ap);
	char *file_copy = xstrdup(file), *path_copy = xstrdup(path);
	set_text(e, ERR_USAGE, text);
	e->file = file_copy;
	e->path = path_copy;
	e->line = line;
	e->column = column;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	va_list ap;
	if (!e)
		return -1;
	va_start(ap, fmt);
	char *context = vformat(fmt, ap);
	va_end(ap);
	char *text = e->text ? xasprintf("%s: %s", context, e->text) : xstrdup(context);
	free(context);
	free(e->text);
	e->text = text;
	if (e->code == ERR_NONE)
		e->code = ERR_FAILED;
	return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;
	if (!e)
		return -1;
	va_start(ap, fmt);
	char *hint = vformat(fmt, ap);
	va_end(ap);
	free(e->hint);
	e->hint = hint;
	return -1;
}

static void replace(char **member, const char *value)
{
	char *copy = xstrdup(value);
	free(*member);
	*member = copy;
}

int err_named(struct err *e, const char *name)
{
	if (e)
		replace(&e->name, name);
	return -1;
}

int err_rule(struct err *e, const char *rule)
{
	if (e)
		replace(&e->rule, rule);
	return -1;
}

void err_in(struct err *e, const char *stack, const char *logical_id)
{
	if (!e)
		return;
	replace(&e->stack, stack);
	replace(&e->logical_id, logical_id);
}

const char *err_name(const struct err *e)
{
	if (e->name)
		return e->name;
	if (e->aws_code)
		return e->aws_code;
	return (size_t)e->code < ARRAY_SIZE(codes) ? codes[e->code].name : "Failed";
}

static void add_place(const struct err *e, struct strbuf *sb)
{
	strbuf_addstr(sb, e->file);
	if (e->line > 0)
		strbuf_addf(sb, ":%d", e->line);
	if (e->line > 0 && e->column > 0)
		strbuf_addf(sb, ":%d", e->column);
	strbuf_addstr(sb, ": error: ");
	if (e->path)
		strbuf_addf(sb, "%s: ", e->path);
}

static void add_subject(const struct err *e, struct strbuf *sb)
{
	if (e->stack)
		strbuf_addstr(sb, e->stack);
	if (e->stack && e->logical_id)
		strbuf_addch(sb, '/');
	if (e->logical_id)
		strbuf_addstr(sb, e->logical_id);
	if (e->stack || e->logical_id)
		strbuf_addstr(sb, ": ");
	if (e->operation)
		strbuf_addf(sb, "%s: ", e->operation);
	if (e->aws_code || e->name)
		strbuf_addf(sb, "%s: ", e->aws_code ? e->aws_code : e->name);
	else if (e->code == ERR_NOT_OWNED)
		strbuf_addf(sb, "%s: ", err_name(e));
}

char *err_format(const struct err *e)
{
	struct strbuf sb = STRBUF_INIT;
	if (e->file)
		add_place(e, &sb);
	else
		add_subject(e, &sb);
	strbuf_addstr(&sb, e->text ? e->text : "no error");
	if (e->request_id)
		strbuf_addf(&sb, " (request %s)", e->request_id);
	if (e->rule)
		strbuf_addf(&sb, " [%s]", e->rule);
	return strbuf_detach(&sb, NULL);
}

int err_exit_code(const struct err *e)
{
	return (size_t)e->code < ARRAY_SIZE(codes) ? codes[e->code].exit_code : 1;
}

void err_list_release(struct err_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->nr; i++)
		err_release(&l->v[i]);
	free(l->v);
	*l = (struct err_list)ERR_LIST_INIT;
}

void err_list_take(struct err_list *l, struct err *e)
{
	ALLOC_GROW(l->v, l->nr, l->alloc);
	l->v[l->nr++] = *e;
	*e = (struct err)ERR_INIT;
}

static bool is_same(const struct err *a, const struct err *b)
{
	return a->file && b->file && a->line == b->line && a->column == b->column &&
	       !strcmp(a->file, b->file) && !strcmp(a->text, b->text);
}

void err_list_unique(struct err_list *l, size_t from)
{
	size_t kept = from;
	for (size_t i = from; l && i < l->nr; i++) {
		size_t j = from;
		while (j < kept && !is_same(&l->v[j], &l->v[i]))
			j++;
		if (j < kept)
			err_release(&l->v[i]);
		else
			l->v[kept++] = l->v[i];
	}
	if (l && kept < l->nr)
		l->nr = kept;
}
