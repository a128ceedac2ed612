#include "json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json_lex.h"

/*
 * A value is a cJSON node. A number node carries its text in valuestring besides cJSON's double,
 * and so does a bool that was written as another word; cJSON copies and frees that member whatever the node's kind.
 */
struct json {
	cJSON node;
};

static struct json *wrap(cJSON *node)
{
	return (struct json *)node;
}

static cJSON *must(cJSON *node)
{
	if (!node)
		BUG("out of memory");
	return node;
}

static cJSON *inside(const struct json *v)
{
	return v ? (cJSON *)&v->node : NULL;
}

struct json *json_null(void)
{
	return wrap(must(cJSON_CreateNull()));
}

struct json *json_bool(bool b)
{
	return wrap(must(cJSON_CreateBool(b)));
}

struct json *json_bool_text(bool b, const char *text)
{
	struct json *v = json_bool(b);
	v->node.valuestring = xstrdup(text);
	return v;
}

struct json *json_number_text(const char *text)
{
	size_t len = strlen(text);
	if (!len || json_number_len(text, len) != len)
		BUG("'%s' is no JSON number", text);
	cJSON *node = must(cJSON_CreateNumber(strtod(text, NULL)));
	node->valuestring = xstrdup(text);
	return wrap(node);
}

struct json *json_int(int64_t n)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)n);
	return json_number_text(text);
}

/* The shortest text that reads back as the same double; what JSON cannot say is null. */
struct json *json_double(double d)
{
	char text[40];
	if (!isfinite(d))
		return json_null();
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) >= d && strtod(text, NULL) <= d)
			break;
	}
	return json_number_text(text);
}

struct json *json_string(const char *s)
{
	return s ? wrap(must(cJSON_CreateString(s))) : json_null();
}

struct json *json_string_n(const char *s, size_t len)
{
	struct strbuf sb = STRBUF_INIT;
	strbuf_add(&sb, s, len);
	for (char *nul; (nul = memchr(sb.buf, '\0', sb.len)) != NULL;) {
		size_t at = (size_t)(nul - sb.buf);
		strbuf_remove(&sb, at, 1);
		strbuf_insert(&sb, at, "\xef\xbf\xbd", 3);
	}
	struct json *v = json_string(sb.buf);
	strbuf_release(&sb);
	return v;
}

struct json *json_array(void)
{
	return wrap(must(cJSON_CreateArray()));
}

struct json *json_object(void)
{
	return wrap(must(cJSON_CreateObject()));
}

struct json *json_copy(const struct json *v)
{
	if (!v)
		return NULL;
	cJSON *copy = must(cJSON_Duplicate(inside(v), true));
	cJSON_free(copy->string); /* a copy stands under no name yet */
	copy->string = NULL;
	return wrap(copy);
}

void json_free(struct json *v)
{
	cJSON_Delete(inside(v));
}

enum json_kind json_kind(const struct json *v)
{
	if (!v)
		return JSON_NULL;
	switch (v->node.type & 0xff) {
	case cJSON_True:
	case cJSON_False:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

bool json_is(const struct json *v, enum json_kind kind)
{
	return v && json_kind(v) == kind;
}

const char *json_str(const struct json *v)
{
	return json_is(v, JSON_STRING) ? v->node.valuestring : NULL;
}

int64_t json_i64(const struct json *v, int64_t otherwise)
{
	if (!json_is(v, JSON_NUMBER) && !json_is(v, JSON_STRING))
		return otherwise;
	long long n = 0;
	if (!parse_int64(v->node.valuestring, INT64_MIN, INT64_MAX, &n))
		return n;
	/* 3.0 and 1e3 are integers too; beyond 2^53 a double no longer tells which. */
	double d = v->node.valuedouble;
	if (json_is(v, JSON_NUMBER) && fabs(d) <= 9007199254740992.0 && !(d < floor(d)) &&
		!(d > floor(d)))
		return (int64_t)d;
	return otherwise;
}

double json_dbl(const struct json *v, double otherwise)
{
	if (json_is(v, JSON_NUMBER))
		return v->node.valuedouble;
	const char *s = json_str(v);
	if (!s || !*s || json_number_len(s, strlen(s)) != strlen(s))
		return otherwise;
	return strtod(s, NULL);
}

bool json_truth(const struct json *v, bool otherwise)
{
	const char *s = json_str(v);
	if (json_is(v, JSON_BOOL))
		return cJSON_IsTrue(inside(v));
	if (s && iequals(s, "true"))
		return true;
	return s && iequals(s, "false") ? false : otherwise;
}

const char *json_scalar_text(const struct json *v)
{
	if (json_is(v, JSON_STRING) || json_is(v, JSON_NUMBER))
		return v->node.valuestring;
	if (json_is(v, JSON_BOOL) && v->node.valuestring)
		return v->node.valuestring;
	if (json_is(v, JSON_BOOL))
		return cJSON_IsTrue(inside(v)) ? "true" : "false";
	return NULL;
}

static bool is_container(const struct json *v)
{
	return json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT);
}

struct json *json_first(const struct json *v)
{
	return is_container(v) ? wrap(v->node.child) : NULL;
}

struct json *json_next(const struct json *e)
{
	return e ? wrap(e->node.next) : NULL;
}

size_t json_len(const struct json *v)
{
	size_t n = 0;
	const struct json *e;
	json_each(e, v) n++;
	return n;
}

struct json *json_at(const struct json *v, size_t i)
{
	struct json *e = json_first(v);
	while (e && i--)
		e = json_next(e);
	return e;
}

const char *json_name(const struct json *member)
{
	return member ? member->node.string : NULL;
}

struct json *json_get(const struct json *obj, const char *name)
{
	if (!json_is(obj, JSON_OBJECT) || !name)
		return NULL;
	return wrap(cJSON_GetObjectItemCaseSensitive(inside(obj), name));
}

struct json *json_path(const struct json *v, const char *path)
{
	struct json *at = wrap(inside(v));
	while (at && *path) {
		size_t len = strcspn(path, ".");
		char *part = xstrndup(path, len);
		long long i = 0;
		if (json_is(at, JSON_ARRAY))
			at = parse_int64(part, 0, INT64_MAX, &i) ? NULL : json_at(at, (size_t)i);
		else
			at = json_get(at, part);
		free(part);
		path += len + (path[len] == '.');
	}
	return at;
}

const char *json_get_str(const struct json *obj, const char *name)
{
	return json_str(json_get(obj, name));
}

int64_t json_get_i64(const struct json *obj, const char *name, int64_t otherwise)
{
	return json_i64(json_get(obj, name), otherwise);
}

bool json_get_truth(const struct json *obj, const char *name, bool otherwise)
{
	return json_truth(json_get(obj, name), otherwise);
}

/* --- building --- */

static void forget_name(cJSON *node)
{
	cJSON_free(node->string);
	node->string = NULL;
}

void json_set(struct json *obj, const char *name, struct json *value)
{
	if (!value)
		return;
	if (!json_is(obj, JSON_OBJECT))
		BUG("json_set('%s') on something that is no object", name);
	struct json *old = json_get(obj, name);
	if (old == value)
		return;
	if (old)
		json_replace(obj, old, value);
	else
		json_append(obj, name, value);
}

void json_append(struct json *obj, const char *name, struct json *value)
{
	if (!cJSON_AddItemToObject(inside(obj), name, inside(value)))
		BUG("cannot add member '%s'", name);
}

void json_push(struct json *array, struct json *value)
{
	if (!value)
		return;
	if (!json_is(array, JSON_ARRAY))
		BUG("json_push on something that is no array");
	forget_name(inside(value));
	cJSON_AddItemToArray(inside(array), inside(value));
}

void json_set_str(struct json *obj, const char *name, const char *s)
{
	if (s)
		json_set(obj, name, json_string(s));
}

void json_set_i64(struct json *obj, const char *name, int64_t n)
{
	json_set(obj, name, json_int(n));
}

void json_set_dbl(struct json *obj, const char *name, double d)
{
	json_set(obj, name, json_double(d));
}

void json_set_bool(struct json *obj, const char *name, bool b)
{
	json_set(obj, name, json_bool(b));
}

void json_push_str(struct json *array, const char *s)
{
	json_push(array, json_string(s));
}

void json_remove(struct json *obj, const char *name)
{
	json_free(json_detach(obj, name));
}

struct json *json_detach(struct json *obj, const char *name)
{
	struct json *member = json_get(obj, name);
	if (!member)
		return NULL;
	cJSON_DetachItemViaPointer(inside(obj), inside(member));
	forget_name(inside(member));
	return member;
}

void json_replace(struct json *parent, struct json *old, struct json *value)
{
	cJSON *node = inside(value);
	if (old == value)
		return;
	forget_name(node);
	if (old->node.string)
		node->string = xstrdup(old->node.string);
	if (!cJSON_ReplaceItemViaPointer(inside(parent), inside(old), node))
		BUG("json_replace failed");
}
