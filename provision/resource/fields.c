#include "fields.h"

#include <ctype.h>
#include <math.h>
#include "strbuf.h"
#include "uri.h"

/* --- paths --- */

struct json *wire_get(const struct json *doc, const char *path)
{
	const char *slash;
	while ((slash = strchr(path, '/'))) {
		char *first = xstrndup(path, (size_t)(slash - path));
		doc = json_get(doc, first);
		free(first);
		path = slash + 1;
	}
	return json_get(doc, path);
}

/* Two rows may feed one member ("Transition" and "Transitions"): the second value joins the first in a list. */
static void set_or_join(struct json *doc, const char *name, struct json *value)
{
	struct json *old = json_get(doc, name);
	if (!old || (!json_is(old, JSON_ARRAY) && !json_is(value, JSON_ARRAY))) {
		json_set(doc, name, value);
		return;
	}
	struct json *joined = json_array(), *e;
	const struct json *const sides[] = {old, value};
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
		if (!json_is(sides[i], JSON_ARRAY)) {
			json_push(joined, json_copy(sides[i]));
			continue;
		}
		json_each(e, sides[i]) json_push(joined, json_copy(e));
	}
	json_free(value);
	json_set(doc, name, joined);
}

void wire_set(struct json *doc, const char *path, struct json *value)
{
	const char *slash;
	while ((slash = strchr(path, '/'))) {
		char *first = xstrndup(path, (size_t)(slash - path));
		struct json *next = json_get(doc, first);
		if (!json_is(next, JSON_OBJECT)) {
			json_set(doc, first, json_object());
			next = json_get(doc, first);
		}
		doc = next;
		free(first);
		path = slash + 1;
	}
	set_or_join(doc, path, value);
}

/* --- scalars --- */

static bool is_number(const char *s)
{
	char *end;
	if (!s || !(isdigit((unsigned char)*s) || *s == '-'))
		return false;
	double d = strtod(s, &end);
	return *end == '\0' && isfinite(d) && !strpbrk(s, "xXnN");
}

static struct json *number_value(const struct json *v)
{
	const char *s = json_str(v);
	return s && is_number(s) ? json_number_text(s) : json_copy(v);
}

/* "10.0" is an integer to CloudFormation and none to the services. */
static struct json *integer_value(const struct json *v)
{
	const char *text = json_scalar_text(v);
	long long n;
	if (!text || json_is(v, JSON_BOOL))
		return json_copy(v);
	if (parse_int64(text, INT64_MIN, INT64_MAX, &n) == 0)
		return json_int(n);
	if (is_number(text) && strtod(text, NULL) == floor(strtod(text, NULL)))
		return json_int((int64_t)strtod(text, NULL));
	return json_copy(v);
}

static struct json *bool_value(const struct json *v)
{
	const char *s = json_str(v);
	if (s && iequals(s, "true"))
		return json_bool(true);
	if (s && iequals(s, "false"))
		return json_bool(false);
	return json_copy(v);
}

static struct json *string_value(const struct json *v, bool lower)
{
	const char *text = json_scalar_text(v);
	if (!text)
		return json_copy(v);
	char *copy = xstrdup(text);
	if (lower)
		lower_ascii(copy);
	struct json *out = json_string(copy);
	free(copy);
	return out;
}

static struct json *map_value(const struct json *v)
{
	struct json *out, *e;
	if (!json_is(v, JSON_OBJECT))
		return json_copy(v);
	out = json_object();
	json_each(e, v) json_set(out, json_name(e), string_value(e, false));
	return out;
}

static struct json *parse_text(const char *text, size_t len)
{
	struct err ignored = ERR_INIT;
	struct json *v = json_parse(text, len, &ignored);
	err_release(&ignored);
	if (v && !json_is(v, JSON_OBJECT) && !json_is(v, JSON_ARRAY)) {
		json_free(v);
		v = NULL;
	}
	return v;
}

struct json *json_document(const struct json *v)
{
	const char *text = json_str(v);
	struct json *out = NULL;
	if (!text)
		return json_copy(v);
	out = parse_text(text, strlen(text));
	if (!out && strchr(text, '%')) {
		struct strbuf plain = STRBUF_INIT;
		struct err ignored = ERR_INIT;
		if (uri_decode(&plain, text, strlen(text), false, &ignored) == 0)
			out = parse_text(plain.buf, plain.len);
		err_release(&ignored);
		strbuf_release(&plain);
	}
	return out ? out : json_copy(v);
}

static struct json *json_text(const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;
	if (!json_is(v, JSON_OBJECT) && !json_is(v, JSON_ARRAY))
		return json_copy(v);
	json_print(v, &sb);
	struct json *out = json_string_n(sb.buf, sb.len);
	strbuf_release(&sb);
	return out;
}

/* --- both ways --- */

typedef struct json *object_fn(
	const struct field *fields, const struct json *v, const struct json *wanted);

static struct json *to_object(
	const struct field *fields, const struct json *v, unused_arg const struct json *wanted)
{
	return json_is(v, JSON_OBJECT) ? fields_to_api(fields, v) : json_copy(v);
}

static struct json *from_object(
	const struct field *fields, const struct json *v, const struct json *wanted)
{
	return fields_from_api(fields, v, wanted);
}

static struct json *convert(const struct field *f, enum field_kind kind, const struct json *v,
	object_fn *object, const struct json *wanted)
{
	struct json *out;
	const struct json *e;
	size_t i = 0;
	switch (kind) {
	case FIELD_STRING:
		return string_value(v, f->flags & F_LOWER);
	case FIELD_INTEGER:
		return integer_value(v);
	case FIELD_NUMBER:
		return number_value(v);
	case FIELD_BOOL:
		return bool_value(v);
	case FIELD_JSON:
		if (object == from_object)
			return json_document(v);
		return f->flags & F_JSON_TEXT ? json_text(v) : json_copy(v);
	case FIELD_MAP:
		return map_value(v);
	case FIELD_OBJECT:
		return f->fields ? object(f->fields, v, wanted) : json_copy(v);
	case FIELD_LIST:
		out = json_array();
		if (!json_is(v, JSON_ARRAY)) {
			json_push(out, convert(f, f->item, v, object, json_at(wanted, 0)));
			return out;
		}
		json_each(e, v)
			json_push(out, convert(f, f->item, e, object, json_at(wanted, i++)));
		return out;
	case FIELD_TAGS:
	case FIELD_TAG_MAP:
		break;
	}
	return json_copy(v);
}

static bool in_document(const struct field *f)
{
	return !(f->flags & F_LOCAL) && f->kind != FIELD_TAGS && f->kind != FIELD_TAG_MAP;
}

static const char *wire_of(const struct field *f)
{
	return f->wire ? f->wire : f->name;
}

struct json *fields_to_api(const struct field *fields, const struct json *props)
{
	struct json *doc = json_object();
	const struct json *v;
	json_each(v, props)
	{
		const struct field *f = schema_field(fields, json_name(v));
		if (json_is(v, JSON_NULL))
			continue;
		if (!f)
			json_set(doc, json_name(v), json_copy(v));
		else if (in_document(f))
			wire_set(doc, wire_of(f), convert(f, f->kind, v, to_object, NULL));
	}
	return doc;
}

struct json *fields_from_api(
	const struct field *fields, const struct json *reply, const struct json *wanted)
{
	struct json *props = json_object();
	const struct json *v;
	for (const struct field *f = fields; f->name; f++) {
		if (!in_document(f) || f->flags & F_WRITE_ONLY)
			continue;
		v = wire_get(reply, wire_of(f));
		if (v && !json_is(v, JSON_NULL))
			json_set(props, f->name,
				convert(f, f->kind, v, from_object, json_get(wanted, f->name)));
	}
	if (!json_is(wanted, JSON_OBJECT))
		return props;
	json_each(v, wanted)
	{
		const struct json *live = json_get(reply, json_name(v));
		if (!schema_field(fields, json_name(v)) && live)
			json_set(props, json_name(v), json_copy(live));
	}
	return props;
}
