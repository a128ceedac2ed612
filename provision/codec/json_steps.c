#include "json_steps.h"
#include <ctype.h>

#define MAX_STEPS 64

static struct json_path_step *add_step(struct json_path *p)
{
	ALLOC_GROW(p->v, p->nr, p->alloc);
	p->v[p->nr] = (struct json_path_step){.at = -1};
	return &p->v[p->nr++];
}

/* Behind a '.'; how many characters, 0: none that fit. */
static size_t dotted(struct json_path *p, const char *s)
{
	size_t len = strcspn(s, ".[]");

	if (!len)
		return 0;
	if (len == 1 && *s == '*')
		add_step(p)->all = true;
	else
		add_step(p)->name = xstrndup(s, len);
	return len;
}

/* Behind a '['. */
static size_t bracketed(struct json_path *p, const char *s)
{
	const char *end;
	size_t digits = strspn(s, "0123456789");

	if (s[0] == '*' && s[1] == ']') {
		add_step(p)->all = true;
		return 2;
	}
	if (digits && digits < 10 && s[digits] == ']') {
		add_step(p)->at = strtoll(s, NULL, 10);
		return digits + 1;
	}
	if (*s != '\'' && *s != '"')
		return 0;
	end = strchr(s + 1, *s);
	if (!end || end[1] != ']' || end == s + 1)
		return 0;
	add_step(p)->name = xstrndup(s + 1, (size_t)(end - s - 1));
	return (size_t)(end - s) + 2;
}

int json_path_parse(struct json_path *p, const char *text, struct err *err)
{
	const char *at = text;
	size_t n;

	*p = (struct json_path)JSON_PATH_INIT;
	if (*at++ != '$')
		return err_set(err, ERR_INVALID, "JSON path '%s' does not begin with $", text);
	for (; *at; at += n + 1) {
		n = p->nr == MAX_STEPS ? 0
		    : *at == '.'       ? dotted(p, at + 1)
		    : *at == '['       ? bracketed(p, at + 1)
				       : 0;
		if (n)
			continue;
		json_path_release(p);
		return err_set(err, ERR_INVALID,
			"JSON path '%s' is not understood at character %zu (there are .name, "
			"['name'], [0], .* and [*])",
			text, (size_t)(at - text) + 1);
	}
	return 0;
}

void json_path_release(struct json_path *p)
{
	for (size_t i = 0; i < p->nr; i++)
		free(p->v[i].name);
	free(p->v);
	*p = (struct json_path)JSON_PATH_INIT;
}

static void walk(const struct json_path *p, size_t step, const struct json *v, json_path_fn *fn,
	void *payload)
{
	const struct json_path_step *s = &p->v[step];
	struct json *e;

	if (!v)
		return;
	if (step == p->nr) {
		fn(v, payload);
		return;
	}
	if (s->all) {
		if (json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT))
			json_each(e, v) walk(p, step + 1, e, fn, payload);
	} else if (s->name) {
		walk(p, step + 1, json_get(v, s->name), fn, payload);
	} else if (json_is(v, JSON_ARRAY)) {
		walk(p, step + 1, json_at(v, (size_t)s->at), fn, payload);
	}
}

void json_path_walk(
	const struct json_path *p, const struct json *root, json_path_fn *fn, void *payload)
{
	walk(p, 0, root, fn, payload);
}
