#include "fields.h"

#include <math.h>
#include "strbuf.h"

static bool canonical_equal(const struct json *a, const struct json *b)
{
	struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
	json_print_canonical(a, &x);
	json_print_canonical(b, &y);
	bool equal = x.len == y.len && memcmp(x.buf, y.buf, x.len) == 0;
	strbuf_release(&x);
	strbuf_release(&y);
	return equal;
}

static bool document_equal(const struct json *a, const struct json *b)
{
	struct json *x = json_document(a), *y = json_document(b);
	bool equal = canonical_equal(x, y);
	json_free(x);
	json_free(y);
	return equal;
}

/* "arn:aws:iam::1:role/path/Name" and "path/Name" and "Name" are one role to whoever takes either. */
static const char *bare_name(const char *s)
{
	const char *slash = strrchr(s, '/');
	return slash ? slash + 1 : s;
}

static bool string_equal(const struct field *f, const struct json *a, const struct json *b)
{
	const char *x = json_scalar_text(a), *y = json_scalar_text(b);
	if (!x || !y)
		return json_equal(a, b);
	if (f->flags & F_LOWER)
		return iequals(x, y);
	if (f->flags & F_NAME_OR_ARN && starts_with(x, "arn:") != starts_with(y, "arn:"))
		return strcmp(bare_name(x), bare_name(y)) == 0;
	return strcmp(x, y) == 0;
}

static bool number_equal(const struct json *a, const struct json *b)
{
	const char *x = json_scalar_text(a), *y = json_scalar_text(b);
	if (!x || !y)
		return json_equal(a, b);
	return strcmp(x, y) == 0 || fabs(strtod(x, NULL) - strtod(y, NULL)) < 1e-9;
}

/* A member that cannot be read back, by a row of the map's own, equals its absence. */
static bool map_equal(const struct field *f, const struct json *a, const struct json *b)
{
	const struct json *e;
	size_t unread = 0;
	json_each(e, a)
	{
		const struct json *other = json_get(b, json_name(e));
		const struct field *row = f->fields ? schema_field(f->fields, json_name(e)) : NULL;
		const char *x = json_scalar_text(e), *y = json_scalar_text(other);
		if (row && !other && row->flags & F_WRITE_ONLY)
			unread++;
		else if (!x || !y || strcmp(x, y) != 0)
			return false;
	}
	return json_len(a) - unread == json_len(b);
}

static bool tags_equal(const struct json *a, const struct json *b)
{
	const struct json *x, *y;
	if (json_len(a) != json_len(b))
		return false;
	json_each(x, a)
	{
		bool found = false;
		const char *key = json_get_str(x, "Key");
		json_each(y, b)
		{
			const char *v = json_scalar_text(json_get(x, "Value")),
				   *w = json_scalar_text(json_get(y, "Value"));
			const char *other = json_get_str(y, "Key");
			if (key && other && strcmp(key, other) == 0)
				found = strcmp(v ? v : "", w ? w : "") == 0;
		}
		if (!found)
			return false;
	}
	return true;
}

static bool kind_equal(const struct field *f, enum field_kind kind, const struct json *wanted,
	const struct json *live);

static bool list_equal(const struct field *f, const struct json *a, const struct json *b)
{
	size_t nr = json_len(a), i = 0;
	bool equal = true;
	const struct json *x, *y;
	if (!json_is(a, JSON_ARRAY) || !json_is(b, JSON_ARRAY) || nr != json_len(b))
		return false;
	bool *taken = xcalloc(nr + 1, sizeof(*taken));
	json_each(x, a)
	{
		bool found = false;
		size_t j = 0;
		json_each(y, b)
		{
			if (!found && !taken[j] && (f->flags & F_UNORDERED || i == j) &&
				kind_equal(f, f->item, x, y))
				found = taken[j] = true;
			j++;
		}
		equal = equal && found;
		i++;
	}
	free(taken);
	return equal;
}

static bool empty_value(const struct json *v)
{
	const char *s = json_str(v);
	if (s)
		return !*s;
	return !v || json_is(v, JSON_NULL) ||
	       ((json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT)) && json_len(v) == 0);
}

static bool compared(const struct field *f, const struct json *live)
{
	return !f || live || !(f->flags & (F_WRITE_ONLY | F_LOCAL));
}

/* What is written as false, 0, "" or empty equals nothing: services leave such members out of replies. */
static bool member_equal(const struct field *f, const struct json *wanted, const struct json *live)
{
	if (!compared(f, live))
		return true;
	if (!live)
		return empty_value(wanted) ||
		       (f && f->kind == FIELD_BOOL && !json_truth(wanted, true));
	return f ? fields_equal(f, wanted, live) : json_equal(wanted, live);
}

static bool object_equal(
	const struct field *fields, const struct json *wanted, const struct json *live)
{
	const struct json *w;
	if (!json_is(wanted, JSON_OBJECT) || !json_is(live, JSON_OBJECT))
		return json_equal(wanted, live);
	json_each(w, wanted)
	{
		if (!member_equal(
			    schema_field(fields, json_name(w)), w, json_get(live, json_name(w))))
			return false;
	}
	return true;
}

static bool kind_equal(const struct field *f, enum field_kind kind, const struct json *wanted,
	const struct json *live)
{
	switch (kind) {
	case FIELD_STRING:
		return string_equal(f, wanted, live);
	case FIELD_INTEGER:
	case FIELD_NUMBER:
		return number_equal(wanted, live);
	case FIELD_BOOL:
		return json_truth(wanted, false) == json_truth(live, false);
	case FIELD_JSON:
		return document_equal(wanted, live);
	case FIELD_OBJECT:
		return f->fields ? object_equal(f->fields, wanted, live) : json_equal(wanted, live);
	case FIELD_LIST:
		return list_equal(f, wanted, live);
	case FIELD_MAP:
	case FIELD_TAG_MAP:
		return map_equal(f, wanted, live);
	case FIELD_TAGS:
		return tags_equal(wanted, live);
	}
	return json_equal(wanted, live);
}

bool fields_equal(const struct field *field, const struct json *wanted, const struct json *live)
{
	return kind_equal(field, field->kind, wanted, live);
}

static void add_change(struct json *diff, const char *prefix, const struct field *f,
	const char *name, const struct json *before, const struct json *after)
{
	struct json *c = json_object();
	char *path = *prefix ? xasprintf("%s.%s", prefix, name) : xstrdup(name);
	json_set_str(c, "path", path);
	json_set(c, "before", before ? json_copy(before) : json_null());
	json_set(c, "after", after ? json_copy(after) : json_null());
	json_set_str(c, "effect", f && f->flags & F_REPLACES ? "replace" : "update");
	json_push(diff, c);
	free(path);
}

/* Goes into objects, so that a change is named as narrowly as it can be; lists and maps are one value. */
static void diff_members(struct json *diff, const char *prefix, const struct field *fields,
	const struct json *wanted, const struct json *live)
{
	const struct json *w;
	json_each(w, wanted)
	{
		const struct field *f = schema_field(fields, json_name(w));
		const struct json *l = json_get(live, json_name(w));
		if (member_equal(f, w, l))
			continue;
		if (f && f->kind == FIELD_OBJECT && f->fields && json_is(w, JSON_OBJECT) &&
			json_is(l, JSON_OBJECT) && !(f->flags & F_REPLACES)) {
			char *path =
				*prefix ? xasprintf("%s.%s", prefix, f->name) : xstrdup(f->name);
			diff_members(diff, path, f->fields, w, l);
			free(path);
		} else {
			add_change(diff, prefix, f, json_name(w), l, w);
		}
	}
}

struct json *fields_diff(const struct field *fields, const struct json *wanted,
	const struct json *live, const struct field_default *defaults)
{
	struct json *diff = json_array();
	diff_members(diff, "", fields, wanted, live);
	for (; defaults && defaults->name; defaults++) {
		const struct field *f = schema_field(fields, defaults->name);
		const struct json *l = json_get(live, defaults->name);
		struct err err = ERR_INIT;
		if (!f || json_get(wanted, defaults->name) || empty_value(l))
			continue;
		struct json *usual = json_parse(defaults->value, strlen(defaults->value), &err);
		if (!usual)
			BUG("default of '%s': %s", defaults->name, err.text);
		if (empty_value(usual) || !fields_equal(f, usual, l))
			add_change(diff, "", f, defaults->name, l, NULL);
		json_free(usual);
	}
	return diff;
}

struct json *fields_changes(const struct field *fields, const struct json *wanted,
	const struct json *live, const struct field_default *defaults)
{
	struct json *diff = fields_diff(fields, wanted, live, defaults);
	const struct json *w;
	json_each(w, wanted)
	{
		const struct field *f = schema_field(fields, json_name(w));
		const struct json *l = json_get(live, json_name(w));
		if (f && l && !fields_changed(diff, f->name) && !fields_equal(f, l, w))
			add_change(diff, "", f, f->name, l, w);
	}
	return diff;
}

bool fields_changed(const struct json *diff, const char *property)
{
	const struct json *c;
	size_t len = strlen(property);
	json_each(c, diff)
	{
		const char *path = json_get_str(c, "path");
		if (starts_with(path, property) && (path[len] == '\0' || path[len] == '.'))
			return true;
	}
	return false;
}
