#include "local_shape.h"
#include "map.h"
#include <ctype.h>

#define MAX_DEPTH 64
#define MAX_NUMBERS 6
/* from here on a struct finds its members by a map */
#define MANY_MEMBERS 32

/* The first six are numbers, each holding those before it. */
enum shape_kind {
	SHAPE_TINYINT,
	SHAPE_SMALLINT,
	SHAPE_INT,
	SHAPE_BIGINT,
	SHAPE_FLOAT,
	SHAPE_DOUBLE,
	SHAPE_VOID,
	SHAPE_BOOLEAN,
	SHAPE_STRING,
	SHAPE_OTHER, /* `text` */
	SHAPE_ARRAY, /* its one member is what it holds */
	SHAPE_STRUCT,
};

static const char *const simple[] = {
	"tinyint", "smallint", "int", "bigint", "float", "double", "void", "boolean", "string"};

struct shape {
	enum shape_kind kind;
	char *name;  /* as a member; NULL outermost */
	char *given; /* the name as first seen, where that is not `name` */
	char *text;
	struct shape **members;
	size_t nr, alloc;
	struct map by_name; /* of many members: to the member */
	bool mapped;
};

struct shape *shape_new(void)
{
	struct shape *s = xcalloc(1, sizeof(*s));

	s->kind = SHAPE_VOID;
	return s;
}

/* All but the name. */
static void become(struct shape *s, enum shape_kind kind)
{
	for (size_t i = 0; i < s->nr; i++)
		shape_free(s->members[i]);
	free(s->members);
	free(s->text);
	if (s->mapped)
		map_release(&s->by_name);
	*s = (struct shape){.kind = kind, .name = s->name, .given = s->given};
}

void shape_free(struct shape *s)
{
	if (!s)
		return;
	become(s, SHAPE_VOID);
	free(s->name);
	free(s->given);
	free(s);
}

/* --- members --- */
static struct shape *find_member(struct shape *s, const char *name, size_t hint)
{
	if (hint < s->nr && !strcmp(s->members[hint]->name, name))
		return s->members[hint];
	if (s->mapped)
		return map_get(&s->by_name, name);
	for (size_t i = 0; i < s->nr; i++)
		if (!strcmp(s->members[i]->name, name))
			return s->members[i];
	return NULL;
}

static struct shape *add_member(struct shape *s, const char *name)
{
	struct shape *m = shape_new();

	m->name = xstrdup(name);
	ALLOC_GROW(s->members, s->nr, s->alloc);
	s->members[s->nr++] = m;
	if (s->nr == MANY_MEMBERS) {
		map_init(&s->by_name, NULL);
		s->mapped = true;
		for (size_t i = 0; i < s->nr; i++)
			map_put(&s->by_name, s->members[i]->name, s->members[i]);
	} else if (s->mapped) {
		map_put(&s->by_name, name, m);
	}
	return m;
}

static struct shape *member(struct shape *s, const char *name, size_t hint)
{
	struct shape *m = find_member(s, name, hint);

	return m ? m : add_member(s, name);
}

/* --- merging --- */
/* `s` becomes what holds itself and `kind`; true when their members are to be merged. */
static bool widen(struct shape *s, enum shape_kind kind)
{
	if (kind == SHAPE_VOID || s->kind == SHAPE_STRING)
		return false;
	if (s->kind == SHAPE_VOID)
		s->kind = kind;
	else if (s->kind < MAX_NUMBERS && kind < MAX_NUMBERS)
		s->kind = kind > s->kind ? kind : s->kind;
	else if (s->kind != kind)
		become(s, SHAPE_STRING);
	return s->kind == SHAPE_ARRAY || s->kind == SHAPE_STRUCT;
}

static enum shape_kind number_kind(const char *text)
{
	long long n;

	if (strpbrk(text, ".eE") || parse_int64(text, INT64_MIN, INT64_MAX, &n))
		return SHAPE_DOUBLE;
	return n >= INT32_MIN && n <= INT32_MAX ? SHAPE_INT : SHAPE_BIGINT;
}

static void add_value(struct shape *s, const struct json *v, bool lower, int depth);

static void add_members(struct shape *s, const struct json *v, bool lower, int depth)
{
	struct json *m;
	size_t at = 0;

	json_each(m, v)
	{
		char *name = xstrdup(json_name(m));
		struct shape *of;
		if (lower)
			lower_ascii(name);
		of = member(s, name, at++);
		if (of->kind == SHAPE_VOID && !of->given && strcmp(name, json_name(m)) != 0)
			of->given = xstrdup(json_name(m));
		add_value(of, m, false, depth + 1);
		free(name);
	}
}

static void add_value(struct shape *s, const struct json *v, bool lower, int depth)
{
	struct json *e;

	switch (json_kind(v)) {
	case JSON_NULL:
		break;
	case JSON_BOOL:
		widen(s, SHAPE_BOOLEAN);
		break;
	case JSON_NUMBER:
		widen(s, number_kind(json_scalar_text(v)));
		break;
	case JSON_STRING:
		widen(s, SHAPE_STRING);
		break;
	case JSON_ARRAY:
		if (depth > MAX_DEPTH)
			widen(s, SHAPE_STRING);
		else if (widen(s, SHAPE_ARRAY))
			json_each(e, v) add_value(member(s, "", 0), e, false, depth + 1);
		break;
	case JSON_OBJECT:
		if (depth > MAX_DEPTH)
			widen(s, SHAPE_STRING);
		else if (widen(s, SHAPE_STRUCT))
			add_members(s, v, lower, depth);
		break;
	}
}

void shape_add_value(struct shape *s, const struct json *v, bool lower)
{
	add_value(s, v, lower, 0);
}

void shape_add(struct shape *into, const struct shape *from)
{
	bool was_void = into->kind == SHAPE_VOID;

	if (widen(into, from->kind)) {
		for (size_t i = 0; i < from->nr; i++)
			shape_add(member(into, from->members[i]->name, i), from->members[i]);
	} else if (into->kind == SHAPE_OTHER && from->kind == SHAPE_OTHER) {
		if (was_void)
			into->text = xstrdup(from->text);
		else if (strcmp(into->text, from->text))
			become(into, SHAPE_STRING);
	}
}

/* --- text --- */
void shape_print(const struct shape *s, struct strbuf *out)
{
	if (s->kind < ARRAY_SIZE(simple)) {
		strbuf_addstr(out, simple[s->kind]);
	} else if (s->kind == SHAPE_OTHER) {
		strbuf_addstr(out, s->text);
	} else if (s->kind == SHAPE_ARRAY) {
		strbuf_addstr(out, "array<");
		if (s->nr)
			shape_print(s->members[0], out);
		else
			strbuf_addstr(out, "void");
		strbuf_addch(out, '>');
	} else if (!s->nr) {
		strbuf_addstr(out, "void"); /* Hive has no struct without members */
	} else {
		strbuf_addstr(out, "struct<");
		for (size_t i = 0; i < s->nr; i++) {
			strbuf_addf(out, "%s%s:", i ? "," : "", s->members[i]->name);
			shape_print(s->members[i], out);
		}
		strbuf_addch(out, '>');
	}
}

/* Length of the type that `s` begins with: up to the ',' or '>' of what it stands in. */
static size_t type_length(const char *s, size_t len)
{
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '<' || s[i] == '(')
			depth++;
		else if ((s[i] == '>' || s[i] == ')') && depth-- == 0)
			return i;
		else if (s[i] == ',' && !depth)
			return i;
	}
	return len;
}

static void parse(struct shape *s, const char *text, size_t len, int depth);

/* "a:int,b:string"; false when it is not that. */
static bool parse_members(struct shape *s, const char *text, size_t len, int depth)
{
	size_t at = 0;

	while (at < len) {
		const char *colon = memchr(text + at, ':', len - at);
		size_t start = colon ? (size_t)(colon - text) + 1 : len, n;
		char *name;
		if (!colon || memchr(text + at, '<', start - at) ||
			memchr(text + at, ',', start - at))
			return false;
		n = type_length(text + start, len - start);
		name = xstrndup(text + at, start - 1 - at);
		if (!n || find_member(s, name, s->nr)) {
			free(name);
			return false;
		}
		parse(add_member(s, name), text + start, n, depth + 1);
		free(name);
		at = start + n + 1;
	}
	return len && at == len + 1;
}

static bool is_of(const char *text, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len > n + 1 && !strncmp(text, prefix, n) && text[len - 1] == '>';
}

static void parse(struct shape *s, const char *text, size_t len, int depth)
{
	for (size_t i = 0; i < ARRAY_SIZE(simple); i++)
		if (strlen(simple[i]) == len && !memcmp(simple[i], text, len)) {
			s->kind = (enum shape_kind)i;
			return;
		}
	if (depth < MAX_DEPTH && is_of(text, len, "array<") &&
		type_length(text + 6, len - 7) == len - 7) {
		s->kind = SHAPE_ARRAY;
		parse(add_member(s, ""), text + 6, len - 7, depth + 1);
		return;
	}
	if (depth < MAX_DEPTH && is_of(text, len, "struct<")) {
		s->kind = SHAPE_STRUCT;
		if (parse_members(s, text + 7, len - 8, depth))
			return;
		become(s, SHAPE_VOID);
	}
	s->kind = SHAPE_OTHER;
	s->text = xstrndup(text, len);
}

struct shape *shape_parse(const char *type)
{
	struct shape *s = shape_new();

	parse(s, type, strlen(type), 0);
	return s;
}

/* --- columns --- */
bool shape_is_struct(const struct shape *s)
{
	return s->kind == SHAPE_STRUCT;
}

bool shape_is_array(const struct shape *s)
{
	return s->kind == SHAPE_ARRAY;
}

struct json *shape_columns(const struct shape *s)
{
	struct json *columns = json_array();

	for (size_t i = 0; s->kind == SHAPE_STRUCT && i < s->nr; i++) {
		struct json *c = json_object();
		struct strbuf type = STRBUF_INIT;
		shape_print(s->members[i], &type);
		json_append(c, "Name", json_string(s->members[i]->name));
		json_append(c, "Type", json_string(type.buf));
		if (s->members[i]->given)
			json_append(c, "Path", json_string(s->members[i]->given));
		json_push(columns, c);
		strbuf_release(&type);
	}
	return columns;
}

static void merge_type(struct json *column, const char *type)
{
	const char *have = json_get_str(column, "Type");
	struct strbuf text = STRBUF_INIT;
	struct shape *a, *b;

	if (!strcmp(have, type))
		return;
	a = shape_parse(have);
	b = shape_parse(type);
	shape_add(a, b);
	shape_print(a, &text);
	json_set_str(column, "Type", text.buf);
	strbuf_release(&text);
	shape_free(a);
	shape_free(b);
}

void columns_merge(struct json *into, const struct json *from)
{
	struct map by_name = MAP_INIT;
	struct json *c, *have;

	json_each(c, into) map_put(&by_name, json_get_str(c, "Name"), c);
	json_each(c, from)
	{
		have = map_get(&by_name, json_get_str(c, "Name"));
		if (have)
			merge_type(have, json_get_str(c, "Type"));
		else
			json_push(into, json_copy(c));
	}
	map_release(&by_name);
}

/* "void" where it stands as a type: at the end of what comes before ',' or '>'. */
void columns_settle(struct json *columns)
{
	struct json *c;

	json_each(c, columns)
	{
		const char *type = json_get_str(c, "Type"), *at = type, *found;
		struct strbuf out = STRBUF_INIT;
		if (!strstr(type, "void"))
			continue;
		while ((found = strstr(at, "void"))) {
			bool starts = found == type || found[-1] == '<' || found[-1] == ':';
			bool ends = !found[4] || found[4] == '>' || found[4] == ',';
			strbuf_add(&out, at, (size_t)(found - at));
			strbuf_addstr(&out, starts && ends ? "string" : "void");
			at = found + 4;
		}
		strbuf_addstr(&out, at);
		json_set_str(c, "Type", out.buf);
		strbuf_release(&out);
	}
}
