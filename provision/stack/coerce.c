#include "coerce.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "stack.h"

static void coerce(
	const struct field *f, enum field_kind kind, struct json *parent, struct json *v);
static void coerce_fields(const struct field *fields, struct json *object);

/* "12", "012" and "12.0" are integers; out of 64 bits is not. */
static struct json *to_integer(const struct json *v)
{
	const char *text = json_scalar_text(v);
	long long n;
	if (!text || json_is(v, JSON_BOOL))
		return NULL;
	size_t len = strlen(text);
	size_t whole = strcspn(text, ".");
	if (whole < len && whole && strspn(text + whole + 1, "0") == len - whole - 1)
		len = whole;
	char *digits = xstrndup(text, len);
	int ret = parse_int64(digits, INT64_MIN, INT64_MAX, &n);
	free(digits);
	return ret ? NULL : json_int(n);
}

static struct json *to_number(const struct json *v)
{
	const char *text = json_str(v);
	char *end;
	if (!text || !*text || strspn(text, "+-.0123456789eE") != strlen(text))
		return NULL;
	errno = 0;
	double d = strtod(text, &end);
	if (errno || *end || !isfinite(d))
		return NULL;
	struct json *as_integer = to_integer(v);
	return as_integer ? as_integer : json_double(d);
}

static struct json *to_bool(const struct json *v)
{
	const char *text = json_str(v);
	if (text && (iequals(text, "true") || iequals(text, "false")))
		return json_bool(iequals(text, "true"));
	return NULL;
}

static struct json *to_string(const struct json *v)
{
	return json_is(v, JSON_NUMBER) || json_is(v, JSON_BOOL) ? json_string(json_scalar_text(v))
								: NULL;
}

static struct json *convert_scalar(enum field_kind kind, const struct json *v)
{
	switch (kind) {
	case FIELD_STRING:
		return to_string(v);
	case FIELD_INTEGER:
		return to_integer(v);
	case FIELD_NUMBER:
		return to_number(v);
	case FIELD_BOOL:
		return to_bool(v);
	default:
		return NULL;
	}
}

static void coerce_members(struct json *object, enum field_kind kind)
{
	struct json *next;
	for (struct json *e = json_first(object); e; e = next) {
		next = json_next(e);
		coerce(NULL, kind, object, e);
	}
}

/* The list of a {"Fn::If": [condition, yes, no]}, which only unevaluated values have: what it chooses from is what it gives. */
static struct json *choices_of(const struct json *v)
{
	struct json *list =
		json_is(v, JSON_OBJECT) && json_len(v) == 1 ? json_get(v, "Fn::If") : NULL;
	return json_is(list, JSON_ARRAY) && json_len(list) == 3 ? list : NULL;
}

static void coerce_tag(struct json *tag)
{
	struct json *choices = choices_of(tag);
	for (size_t i = 1; choices && i < 3; i++)
		coerce_tag(json_at(choices, i));
	if (!choices && json_is(tag, JSON_OBJECT) && !json_is_unknown(tag))
		coerce_members(tag, FIELD_STRING);
}

static void coerce_tags(struct json *list)
{
	struct json *tag;
	json_each(tag, list) coerce_tag(tag);
}

static void coerce_items(const struct field *f, struct json *list)
{
	struct json *next;
	for (struct json *e = json_first(list); e; e = next) {
		next = json_next(e);
		coerce(f, f->item, list, e);
	}
}

static void coerce(const struct field *f, enum field_kind kind, struct json *parent, struct json *v)
{
	struct json *choices = choices_of(v);
	if (json_is_unknown(v))
		return;
	for (size_t i = 1; choices && i < 3; i++)
		coerce(f, kind, choices, json_at(choices, i));
	if (choices)
		return;
	struct json *converted = convert_scalar(kind, v);
	if (converted) {
		json_replace(parent, v, converted);
		return;
	}
	if (kind == FIELD_OBJECT && f && json_is(v, JSON_OBJECT))
		coerce_fields(f->fields, v);
	else if (kind == FIELD_LIST && f && json_is(v, JSON_ARRAY))
		coerce_items(f, v);
	else if (kind == FIELD_TAGS && json_is(v, JSON_ARRAY))
		coerce_tags(v);
	else if ((kind == FIELD_MAP || kind == FIELD_TAG_MAP) && json_is(v, JSON_OBJECT))
		coerce_members(v, FIELD_STRING);
}

/* `yes` where no row asks for a text is true, and no more than that. */
static void settle_bools(struct json *parent, struct json *v)
{
	struct json *next;
	if (json_is(v, JSON_BOOL)) {
		json_replace(parent, v, json_bool(json_truth(v, false)));
		return;
	}
	if (!json_is(v, JSON_ARRAY) && !json_is(v, JSON_OBJECT))
		return;
	for (struct json *e = json_first(v); e; e = next) {
		next = json_next(e);
		settle_bools(v, e);
	}
}

static void coerce_fields(const struct field *fields, struct json *object)
{
	struct json *next;
	if (!json_is(object, JSON_OBJECT) || json_is_unknown(object))
		return;
	for (struct json *e = json_first(object); e; e = next) {
		next = json_next(e);
		const struct field *f = schema_field(fields, json_name(e));
		if (f)
			coerce(f, f->kind, object, e);
	}
}

void coerce_object(const struct field *fields, struct json *object)
{
	coerce_fields(fields, object);
	settle_bools(NULL, object);
}
