/* The format of the shared files; pure. */
#include "profile.h"
#include "strbuf.h"

#define NESTED '\n' /* between a setting and one nested in it: stands in no name */

static void free_setting(void *value)
{
	struct profile_setting *s = value;
	free_secret(s->value);
	free(s);
}

void profile_init(struct profile *p)
{
	*p = (struct profile){0};
	map_init(&p->settings, free_setting);
}

void profile_release(struct profile *p)
{
	map_release(&p->settings);
	p->found = false;
}

const struct profile_setting *profile_setting(const struct profile *p, const char *name)
{
	return p ? map_get(&p->settings, name) : NULL;
}

const char *profile_get(const struct profile *p, const char *name)
{
	const struct profile_setting *s = profile_setting(p, name);
	return s ? s->value : NULL;
}

const char *profile_get_nested(const struct profile *p, const char *parent, const char *name)
{
	char *key = xasprintf("%s%c%s", parent, NESTED, name);
	const char *value = profile_get(p, key);
	free(key);
	return value;
}

static void put(struct profile *p, const char *name, const char *value, const char *file, int line)
{
	struct profile_setting *s = xcalloc(1, sizeof(*s));
	s->value = xstrdup(value);
	s->file = file;
	s->line = line;
	map_put(&p->settings, name, s);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Gives the section that lines go into from here on, by what stands between the brackets; NULL: none that is wanted. */
typedef struct profile *section_fn(void *payload, const char *inner);

struct parser {
	section_fn *begin;
	void *payload;
	const char *file;
	struct profile *into; /* NULL: lines are passed over */
	struct strbuf last;   /* the setting that deeper lines go on with; empty: none */
	size_t indent;        /* of that setting */
	int line;
};

static void begin_section(struct parser *ps, const struct strbuf *line)
{
	const char *end = memrchr(line->buf, ']', line->len);
	ps->into = NULL;
	strbuf_clear(&ps->last);
	if (!end)
		return;
	struct strbuf inner = STRBUF_INIT;
	strbuf_add(&inner, line->buf + 1, (size_t)(end - line->buf) - 1);
	strbuf_trim(&inner);
	ps->into = ps->begin(ps->payload, inner.buf);
	if (ps->into && !ps->into->found) {
		ps->into->found = true;
		ps->into->file = ps->file;
		ps->into->line = ps->line;
	}
	strbuf_release(&inner);
}

/* "name = value" or "name: value"; a comment behind a blank goes, but for commands, whose words may begin so. */
static bool split_setting(const struct strbuf *line, struct strbuf *name, struct strbuf *value)
{
	size_t at = strcspn(line->buf, "=:");
	if (!line->buf[at])
		return false;
	strbuf_add(name, line->buf, at);
	strbuf_trim(name);
	lower_ascii(name->buf);
	bool command = !strcmp(name->buf, "credential_process");
	for (const char *c = line->buf + at + 1; *c; c++) {
		if (!command && is_blank(*c) && (c[1] == '#' || c[1] == ';'))
			break;
		strbuf_addch(value, *c);
	}
	strbuf_trim(value);
	return name->len > 0;
}

/* A line deeper than the setting above. */
static void go_on(struct parser *ps, const struct strbuf *line)
{
	const struct profile_setting *parent = profile_setting(ps->into, ps->last.buf);
	struct strbuf name = STRBUF_INIT, value = STRBUF_INIT, text = STRBUF_INIT;
	if (*parent->value) {
		strbuf_addf(&text, "%s\n%s", parent->value, line->buf);
		put(ps->into, ps->last.buf, text.buf, parent->file, parent->line);
	} else if (split_setting(line, &name, &value)) {
		strbuf_addf(&text, "%s%c%s", ps->last.buf, NESTED, name.buf);
		put(ps->into, text.buf, value.buf, ps->file, ps->line);
	}
	wipe(value.buf, value.len);
	wipe(text.buf, text.len);
	strbuf_release(&name);
	strbuf_release(&value);
	strbuf_release(&text);
}

static void take_line(struct parser *ps, const struct strbuf *line, size_t indent)
{
	struct strbuf name = STRBUF_INIT, value = STRBUF_INIT;
	if (ps->into && ps->last.len && indent > ps->indent) {
		go_on(ps, line);
		return;
	}
	if (line->buf[0] == '[') {
		begin_section(ps, line);
	} else if (ps->into && split_setting(line, &name, &value)) {
		put(ps->into, name.buf, value.buf, ps->file, ps->line);
		strbuf_swap(&ps->last, &name);
		ps->indent = indent;
	}
	wipe(value.buf, value.len);
	strbuf_release(&name);
	strbuf_release(&value);
}

static void parse(struct parser *ps, const char *text, size_t len)
{
	const char *end = text + len;
	struct strbuf line = STRBUF_INIT;
	strbuf_init(&ps->last);
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text), indent = 0;
		while (indent < n && is_blank(text[indent]))
			indent++;
		ps->line++;
		strbuf_clear(&line);
		strbuf_add(&line, text, n);
		strbuf_trim(&line);
		text += n + (newline ? 1 : 0);
		if (line.len && line.buf[0] != '#' && line.buf[0] != ';')
			take_line(ps, &line, indent);
	}
	wipe(line.buf, line.len);
	strbuf_release(&line);
	strbuf_release(&ps->last);
}

/* The name in "[KIND name]", without its quotes; NULL when it is no such section. Malloc'd. */
static char *name_of(const char *inner, const char *kind)
{
	struct strbuf name = STRBUF_INIT;
	size_t n = strlen(kind);
	if (n && (!starts_with(inner, kind) || !is_blank(inner[n])))
		return NULL;
	strbuf_addstr(&name, inner + n);
	strbuf_trim(&name);
	if (name.len >= 2 && (name.buf[0] == '"' || name.buf[0] == '\'') &&
		name.buf[name.len - 1] == name.buf[0]) {
		strbuf_setlen(&name, name.len - 1);
		strbuf_remove(&name, 0, 1);
	}
	return strbuf_detach(&name, NULL);
}

/* The profile that a section is; NULL: it is none. Malloc'd. */
static char *profile_of(const char *inner, bool config_file)
{
	if (!config_file)
		return name_of(inner, "");
	return !strcmp(inner, "default") ? xstrdup(inner) : name_of(inner, "profile");
}

/* --- one profile --- */

struct wanted {
	const char *name;
	bool config_file;
	struct profile *p;
};

static struct profile *begin_wanted(void *payload, const char *inner)
{
	const struct wanted *w = payload;
	char *name = profile_of(inner, w->config_file);
	bool same = name && !strcmp(name, w->name);
	free(name);
	return same ? w->p : NULL;
}

void profile_parse(
	const char *text, size_t len, bool config_file, const char *name, struct profile *p)
{
	struct wanted wanted = {name, config_file, p};
	struct parser ps = {.begin = begin_wanted, .payload = &wanted};
	parse(&ps, text, len);
}

/* --- all of them --- */

static void free_profile(void *value)
{
	profile_release(value);
	free(value);
}

void profiles_init(struct profiles *ps)
{
	*ps = (struct profiles){0};
	map_init(&ps->config, free_profile);
	map_init(&ps->credentials, free_profile);
	map_init(&ps->merged, free_profile);
	map_init(&ps->sso_sessions, free_profile);
	map_init(&ps->services, free_profile);
}

void profiles_release(struct profiles *ps)
{
	map_release(&ps->config);
	map_release(&ps->credentials);
	map_release(&ps->merged);
	map_release(&ps->sso_sessions);
	map_release(&ps->services);
	free(ps->config_path);
	free(ps->credentials_path);
	ps->config_path = ps->credentials_path = NULL;
}

const struct profile *profiles_find(const struct map *sections, const char *name)
{
	return map_get(sections, name);
}

static struct profile *section(struct map *sections, const char *name)
{
	struct profile *p = map_get(sections, name);
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		profile_init(p);
		map_put(sections, name, p);
	}
	return p;
}

struct all {
	struct profiles *ps;
	bool config_file;
};

static struct profile *begin_any(void *payload, const char *inner)
{
	const struct all *all = payload;
	struct profiles *ps = all->ps;
	struct map *sections = all->config_file ? &ps->config : &ps->credentials;
	char *name = profile_of(inner, all->config_file);
	if (!name && (name = name_of(inner, "sso-session")) != NULL)
		sections = &ps->sso_sessions;
	if (!name && (name = name_of(inner, "services")) != NULL)
		sections = &ps->services;
	struct profile *p = name ? section(sections, name) : NULL;
	free(name);
	return p;
}

void profiles_parse(struct profiles *ps, const char *text, size_t len, bool config_file)
{
	struct all all = {ps, config_file};
	struct parser parser = {.begin = begin_any,
		.payload = &all,
		.file = config_file ? ps->config_path : ps->credentials_path};
	parse(&parser, text, len);
}

void profiles_merge(struct profiles *ps)
{
	struct map *const files[] = {&ps->config, &ps->credentials};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct map_entry *e, *f;
		map_for_each(files[i], e)
		{
			const struct profile *from = e->value;
			struct profile *to = section(&ps->merged, e->key);
			if (!to->found) {
				to->found = true;
				to->file = from->file;
				to->line = from->line;
			}
			map_for_each(&from->settings, f)
			{
				const struct profile_setting *s = f->value;
				put(to, f->key, s->value, s->file, s->line);
			}
		}
	}
}
