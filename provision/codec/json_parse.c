#include "json.h"

#include <string.h>
#include "json_lex.h"
#include "map.h"

#define MAX_DEPTH 128
/* Above so many members a map finds the duplicates, so that time stays linear. */
#define SMALL_OBJECT 16

struct reader {
	struct json_lex lex;
	struct err *err;
	int depth, depth_max;
};

static struct json *read_value(struct reader *r);

static int advance(struct reader *r)
{
	return json_lex_next(&r->lex, r->err);
}

/* The current string token's text, which must hold no NUL. */
static int check_string(struct reader *r)
{
	if (strlen(r->lex.value.buf) == r->lex.value.len)
		return 0;
	return json_lex_error(&r->lex, r->err, "a string with \\u0000 in it is not supported");
}

static struct json *read_array(struct reader *r)
{
	struct json *array = json_array();
	if (advance(r))
		goto fail;
	if (r->lex.kind == JSON_TOKEN_CLOSE_ARRAY)
		return array;
	for (;;) {
		struct json *v = read_value(r);
		if (!v)
			goto fail;
		json_push(array, v);
		if (advance(r))
			goto fail;
		if (r->lex.kind == JSON_TOKEN_CLOSE_ARRAY)
			return array;
		if (r->lex.kind != JSON_TOKEN_COMMA) {
			json_lex_unexpected(&r->lex, "',' or ']'", r->err);
			goto fail;
		}
		if (advance(r))
			goto fail;
	}
fail:
	json_free(array);
	return NULL;
}

/* An object under construction, with its members by name once there are many. */
struct members {
	struct json *obj;
	struct map by_name;
	size_t nr;
};

static struct json *find_member(struct members *m, const char *name)
{
	return m->nr < SMALL_OBJECT ? json_get(m->obj, name) : map_get(&m->by_name, name);
}

/* The last of two members with one name wins, at the first one's place. */
static void add_member(struct members *m, const char *name, struct json *value)
{
	struct json *old = find_member(m, name);
	if (old)
		json_replace(m->obj, old, value);
	else
		json_append(m->obj, name, value);
	m->nr += !old;
	if (m->nr == SMALL_OBJECT && !old) {
		struct json *e;
		json_each(e, m->obj) map_put(&m->by_name, json_name(e), e);
	} else if (m->nr >= SMALL_OBJECT) {
		map_put(&m->by_name, name, value);
	}
}

static int read_member(struct reader *r, struct members *m)
{
	if (r->lex.kind != JSON_TOKEN_STRING)
		return json_lex_unexpected(&r->lex, "a member's name in quotes", r->err);
	if (check_string(r))
		return -1;
	char *name = strbuf_detach(&r->lex.value, NULL);
	int ret = -1;
	if (advance(r))
		goto out;
	if (r->lex.kind != JSON_TOKEN_COLON) {
		json_lex_unexpected(&r->lex, "':'", r->err);
		goto out;
	}
	if (advance(r))
		goto out;
	struct json *v = read_value(r);
	if (!v)
		goto out;
	add_member(m, name, v);
	ret = advance(r);
out:
	free(name);
	return ret;
}

static struct json *read_object(struct reader *r)
{
	struct members m = {.obj = json_object()};
	bool good = false;
	if (advance(r))
		goto out;
	if (r->lex.kind == JSON_TOKEN_CLOSE_OBJECT) {
		good = true;
		goto out;
	}
	while (!read_member(r, &m)) {
		if (r->lex.kind == JSON_TOKEN_CLOSE_OBJECT) {
			good = true;
			break;
		}
		if (r->lex.kind != JSON_TOKEN_COMMA) {
			json_lex_unexpected(&r->lex, "',' or '}'", r->err);
			break;
		}
		if (advance(r))
			break;
	}
out:
	map_release(&m.by_name);
	if (good)
		return m.obj;
	json_free(m.obj);
	return NULL;
}

static struct json *read_nested(struct reader *r)
{
	if (r->depth >= r->depth_max) {
		json_lex_error(&r->lex, r->err, "nested deeper than %d", r->depth_max);
		return NULL;
	}
	r->depth++;
	struct json *v = r->lex.kind == JSON_TOKEN_OPEN_ARRAY ? read_array(r) : read_object(r);
	r->depth--;
	return v;
}

/* The value that starts with the current token; its last token is current afterwards. */
static struct json *read_value(struct reader *r)
{
	switch (r->lex.kind) {
	case JSON_TOKEN_OPEN_OBJECT:
	case JSON_TOKEN_OPEN_ARRAY:
		return read_nested(r);
	case JSON_TOKEN_STRING:
		return check_string(r) ? NULL : json_string(r->lex.value.buf);
	case JSON_TOKEN_NUMBER:
		return json_number_text(r->lex.value.buf);
	case JSON_TOKEN_TRUE:
	case JSON_TOKEN_FALSE:
		return json_bool(r->lex.kind == JSON_TOKEN_TRUE);
	case JSON_TOKEN_NULL:
		return json_null();
	default:
		json_lex_unexpected(&r->lex, "a value", r->err);
		return NULL;
	}
}

struct json *json_parse(const char *text, size_t len, struct err *err)
{
	return json_parse_deep(text, len, MAX_DEPTH, err);
}

struct json *json_parse_deep(const char *text, size_t len, int depth_max, struct err *err)
{
	struct err why = ERR_INIT;
	struct reader r = {.err = &why, .depth_max = depth_max};
	json_lex_init(&r.lex, NULL, text, len);
	struct json *v = advance(&r) ? NULL : read_value(&r);
	if (v && !advance(&r) && r.lex.kind != JSON_TOKEN_END)
		json_lex_unexpected(&r.lex, "the end of the text", &why);
	if (why.code != ERR_NONE) {
		json_free(v);
		v = NULL;
		why.code = ERR_INVALID; /* a reply or record is nobody's input file */
		err_wrap(&why, "invalid JSON at line %d, column %d", why.line, why.column);
		err_move(err, &why);
	}
	json_lex_release(&r.lex);
	return v;
}
