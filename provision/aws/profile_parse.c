/* The format of the shared files; pure. */
#include "profile.h"
#include "strbuf.h"

static void free_value(void *value)
{
	free_secret(value);
}

void profile_init(struct profile *p)
{
	map_init(&p->settings, free_value);
	p->found = false;
}

void profile_release(struct profile *p)
{
	map_release(&p->settings);
	p->found = false;
}

const char *profile_get(const struct profile *p, const char *name)
{
	return map_get(&p->settings, name);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "[profile x]", "[default]" of a config file, "[x]" of the other; quotes around x are dropped. */
static bool is_section(const struct strbuf *line, bool config_file, const char *name)
{
	struct strbuf inner = STRBUF_INIT;
	const char *end = memchr(line->buf, ']', line->len);
	bool same = false;
	if (!end)
		return false;
	strbuf_add(&inner, line->buf + 1, (size_t)(end - line->buf) - 1);
	strbuf_trim(&inner);
	bool prefixed = config_file && starts_with(inner.buf, "profile") && is_blank(inner.buf[7]);
	if (prefixed) {
		strbuf_remove(&inner, 0, strlen("profile "));
		strbuf_trim(&inner);
	}
	if (inner.len >= 2 && (inner.buf[0] == '"' || inner.buf[0] == '\'') &&
		inner.buf[inner.len - 1] == inner.buf[0]) {
		strbuf_setlen(&inner, inner.len - 1);
		strbuf_remove(&inner, 0, 1);
	}
	if (prefixed || !config_file || !strcmp(name, "default"))
		same = !strcmp(inner.buf, name);
	strbuf_release(&inner);
	return same;
}

/* "name = value", with an optional comment behind a blank. */
static void take_setting(struct strbuf *line, struct profile *p)
{
	char *eq = memchr(line->buf, '=', line->len);
	if (!eq)
		return;
	struct strbuf name = STRBUF_INIT, value = STRBUF_INIT;
	strbuf_add(&name, line->buf, (size_t)(eq - line->buf));
	strbuf_trim(&name);
	lower_ascii(name.buf);
	for (const char *c = eq + 1; *c && !(is_blank(*c) && (c[1] == '#' || c[1] == ';')); c++)
		strbuf_addch(&value, *c);
	strbuf_trim(&value);
	if (*name.buf)
		map_put(&p->settings, name.buf, xstrdup(value.buf));
	wipe(value.buf, value.len);
	strbuf_release(&name);
	strbuf_release(&value);
}

void profile_parse(
	const char *text, size_t len, bool config_file, const char *name, struct profile *p)
{
	const char *end = text + len;
	bool inside = false;
	struct strbuf line = STRBUF_INIT;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		bool nested = n && is_blank(*text);
		strbuf_clear(&line);
		strbuf_add(&line, text, n);
		strbuf_trim(&line);
		text += n + (newline ? 1 : 0);
		if (!line.len || line.buf[0] == '#' || line.buf[0] == ';' || nested)
			continue;
		if (line.buf[0] == '[') {
			inside = is_section(&line, config_file, name);
			p->found = p->found || inside;
		} else if (inside) {
			take_setting(&line, p);
		}
	}
	wipe(line.buf, line.len);
	strbuf_release(&line);
}
