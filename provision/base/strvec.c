#include "strvec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "strbuf.h"

char *strvec_empty[1];

void strvec_init(struct strvec *sv)
{
	sv->v = strvec_empty;
	sv->nr = sv->alloc = 0;
}

void strvec_release(struct strvec *sv)
{
	if (!sv)
		return;
	strvec_clear(sv);
	if (sv->alloc)
		free(sv->v);
	strvec_init(sv);
}

void strvec_clear(struct strvec *sv)
{
	for (size_t i = 0; i < sv->nr; i++) {
		free(sv->v[i]);
		sv->v[i] = NULL;
	}
	sv->nr = 0;
}

void strvec_push_take(struct strvec *sv, char *s)
{
	if (sv->nr + 2 > sv->alloc) {
		size_t alloc = sv->alloc ? sv->alloc * 2 : 8;
		sv->v = xreallocarray(sv->alloc ? sv->v : NULL, alloc, sizeof(*sv->v));
		sv->alloc = alloc;
	}
	sv->v[sv->nr++] = s;
	sv->v[sv->nr] = NULL;
}

const char *strvec_push(struct strvec *sv, const char *s)
{
	char *copy = xstrdup(s);
	strvec_push_take(sv, copy);
	return copy;
}

const char *strvec_pushf(struct strvec *sv, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	strvec_push_take(sv, strbuf_detach(&sb, NULL));
	return sv->v[sv->nr - 1];
}

void strvec_remove(struct strvec *sv, size_t i)
{
	if (i >= sv->nr)
		BUG("strvec_remove(%zu) of %zu", i, sv->nr);
	free(sv->v[i]);
	memmove(sv->v + i, sv->v + i + 1, (sv->nr - i) * sizeof(*sv->v));
	sv->nr--;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strvec_sort(struct strvec *sv)
{
	if (sv->nr > 1)
		qsort(sv->v, sv->nr, sizeof(*sv->v), compare);
}

bool strvec_has(const struct strvec *sv, const char *s)
{
	for (size_t i = 0; i < sv->nr; i++)
		if (!strcmp(sv->v[i], s))
			return true;
	return false;
}

void strvec_split(struct strvec *sv, const char *s, char sep)
{
	if (!*s)
		return;
	for (;;) {
		const char *end = strchrnul(s, sep);
		strvec_push_take(sv, xstrndup(s, (size_t)(end - s)));
		if (!*end)
			return;
		s = end + 1;
	}
}

char *strvec_join(const struct strvec *sv, const char *sep)
{
	struct strbuf sb = STRBUF_INIT;
	for (size_t i = 0; i < sv->nr; i++) {
		if (i)
			strbuf_addstr(&sb, sep);
		strbuf_addstr(&sb, sv->v[i]);
	}
	return strbuf_detach(&sb, NULL);
}

char **strvec_detach(struct strvec *sv)
{
	char **v = sv->alloc ? sv->v : xcalloc(1, sizeof(*v));
	strvec_init(sv);
	return v;
}
