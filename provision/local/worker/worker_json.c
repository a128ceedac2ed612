#include "worker_json.h"
#include "map.h"
#include "strvec.h"
#include <ctype.h>

/* A line of JSON as a tree, or why it is none. */

/* Deeper than codec's parser goes. */
#define MAX_DEPTH 130

struct extent {
	size_t end;  /* behind the value, 0: it does not end */
	size_t keys; /* of all objects in it */
	char open;   /* what is open where the line ends */
};

/* Behind the string that begins at `i`; len when it does not end. */
static size_t string_end(const char *s, size_t len, size_t i)
{
	for (i++; i < len && s[i] != '"'; i++)
		if (s[i] == '\\')
			i++;
	return i < len ? i + 1 : len;
}

/* Where the object or array that begins the text ends: what follows it does not count. */
static void measure(const char *s, size_t len, struct extent *e)
{
	char open[MAX_DEPTH];
	size_t depth = 0, i = 0;

	*e = (struct extent){0};
	while (i < len) {
		if (s[i] == '"') {
			i = string_end(s, len, i);
			continue;
		}
		e->keys += s[i] == ':';
		if (s[i] == '{' || s[i] == '[') {
			if (depth < MAX_DEPTH)
				open[depth] = s[i];
			depth++;
		} else if (s[i] == '}' || s[i] == ']') {
			if (!--depth) {
				e->end = i + 1;
				return;
			}
		}
		i++;
	}
	e->open = open[depth < MAX_DEPTH ? depth - 1 : 0];
}

static size_t members(const struct json *v)
{
	size_t n = json_is(v, JSON_OBJECT) ? json_len(v) : 0;
	struct json *e;

	if (json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY))
		json_each(e, v) n += members(e);
	return n;
}

/* A key that differs from another of its object in case alone. */
static const char *folded_twice(const struct json *v)
{
	struct map seen = MAP_INIT;
	const char *twice = NULL;
	struct json *e;

	if (!json_is(v, JSON_OBJECT) && !json_is(v, JSON_ARRAY))
		return NULL;
	json_each(e, v)
	{
		char *lower = json_is(v, JSON_OBJECT) ? xstrdup(json_name(e)) : NULL;
		if (lower) {
			lower_ascii(lower);
			if (map_has(&seen, lower))
				twice = json_name(e);
			map_put(&seen, lower, lower);
			free(lower);
		}
		if (!twice)
			twice = folded_twice(e);
		if (twice)
			break;
	}
	map_release(&seen);
	return twice;
}

/* The first key that its object has had before, as it is written. */
static char *written_twice(const char *s, size_t len)
{
	struct strvec *keys = xcalloc(MAX_DEPTH + 1, sizeof(*keys));
	size_t depth = 0, end, colon;
	char *twice = NULL;

	for (size_t i = 0; i < len && !twice; i++) {
		if (s[i] == '{' || s[i] == '[')
			strvec_clear(&keys[++depth]);
		else if (s[i] == '}' || s[i] == ']')
			depth--;
		if (s[i] != '"')
			continue;
		end = string_end(s, len, i);
		for (colon = end; colon < len && isspace((unsigned char)s[colon]);)
			colon++;
		if (colon < len && s[colon] == ':') {
			char *key = xstrndup(s + i + 1, end - i - 2);
			if (strvec_has(&keys[depth], key))
				twice = xstrdup(key);
			strvec_push_take(&keys[depth], key);
		}
		i = end - 1;
	}
	for (size_t i = 0; i <= MAX_DEPTH; i++)
		strvec_release(&keys[i]);
	free(keys);
	return twice;
}

static int malformed(const struct json_options *o, const char *why, struct err *err)
{
	return err_set(err, ERR_INVALID, "HIVE_CURSOR_ERROR: %s: %s",
		o->hive ? "JsonParseException" : "Row is not a valid JSON Object - JSONException",
		why);
}

static int not_ended(
	const struct json_options *o, const struct extent *e, size_t len, struct err *err)
{
	char *why = o->hive ? xasprintf("Unexpected end-of-input: expected close marker for %s",
				      e->open == '{' ? "OBJECT" : "ARRAY")
			    : xasprintf("%s at %zu [character %zu line 1]",
				      e->open == '{' ? "A JSONObject text must end with '}'"
						     : "Expected a ',' or ']'",
				      len + 1, len + 2);

	malformed(o, why, err);
	free(why);
	return -1;
}

static int check_keys(const struct json_options *o, const struct json *v, const char *s,
	const struct extent *e, struct err *err)
{
	char *twice = members(v) == e->keys ? NULL : written_twice(s, e->end), *why;
	const char *folded = !twice && o->fold && !o->hive ? folded_twice(v) : NULL;

	if (!twice && !folded)
		return 0;
	why = xasprintf("Duplicate key \"%s\"", twice ? twice : folded);
	malformed(o, why, err);
	free(why);
	free(twice);
	return -1;
}

static const char not_supported[] = "NOT_SUPPORTED: a row of JSON: ";

/* What Java reads and codec's parser refuses: never a row of nulls. */
static bool beyond_us(const char *why)
{
	static const char *const words[] = {"surrogate", "\\u0000", "nested deeper"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(why, words[i]))
			return true;
	return false;
}

static int parse(
	const struct json_options *o, const char *s, size_t len, struct json **out, struct err *err)
{
	struct err why = ERR_INIT;
	struct extent e;
	int r;

	measure(s, len, &e);
	if (!e.end)
		return not_ended(o, &e, len, err);
	*out = json_parse(s, e.end, &why);
	if (*out) {
		r = check_keys(o, *out, s, &e, err);
		if (!r)
			return 0;
		json_free(*out);
		*out = NULL;
		return r;
	}
	if (beyond_us(why.text))
		err_set(err, ERR_INVALID, "%s%s", not_supported, why.text);
	else
		malformed(o, why.text, err);
	err_release(&why);
	return -1;
}

int json_line(const struct json_options *o, const char *line, size_t len, struct json **out,
	struct err *err)
{
	struct err why = ERR_INIT;

	*out = NULL;
	for (; len && isspace((unsigned char)*line); line++)
		len--;
	for (; len && isspace((unsigned char)line[len - 1]);)
		len--;
	if (o->hive && (!len || *line != '{'))
		return malformed(o, "Start token not found where expected", err);
	if (!len || (*line != '{' && *line != '['))
		return 0;
	if (!parse(o, line, len, out, &why))
		return 0;
	if (!o->ignore || starts_with(why.text, not_supported)) {
		err_move(err, &why);
		return -1;
	}
	err_release(&why);
	return 0;
}

/* --- fields --- */
static bool with_underscores(const char *key, const char *name, bool fold)
{
	for (; *key && *name; key++, name++) {
		char a = *key == '.' ? '_' : *key, b = *name;
		if (fold) {
			a = (char)tolower((unsigned char)a);
			b = (char)tolower((unsigned char)b);
		}
		if (a != b)
			return false;
	}
	return *key == *name;
}

const struct json *json_field(const struct json_options *o, const struct json_type *t, size_t i,
	const struct json *v, struct json **at)
{
	const char *name = t->names[i];
	struct json *e;

	if (json_is(v, JSON_ARRAY))
		return json_at(v, i);
	e = *at ? json_next(*at) : NULL;
	for (size_t n = json_len(v); n; n--) {
		if (!e)
			e = json_first(v);
		if (o->fold ? iequals(json_name(e), name) : !strcmp(json_name(e), name))
			return *at = e;
		e = json_next(e);
	}
	if (o->dots && !t->mapped[i])
		json_each(e, v) if (with_underscores(json_name(e), name, o->fold)) return e;
	return NULL;
}
