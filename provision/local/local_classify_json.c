#include "local_classify.h"
#include "strbuf.h"
#include <ctype.h>

/* JSON, one object a line: columns are the members of all lines, in order of appearance. */
#define MAX_LINES 1000
#define MAX_DEPTH 16

static void type_of(const struct json *v, struct strbuf *out, int depth)
{
	struct json *m;

	switch (json_kind(v)) {
	case JSON_BOOL:
		strbuf_addstr(out, "boolean");
		break;
	case JSON_NUMBER: {
		const char *text = json_scalar_text(v);
		long long n;
		bool whole = !strpbrk(text, ".eE");
		strbuf_addstr(out, !whole                                               ? "double"
				   : parse_int64(text, -2147483648LL, 2147483647LL, &n) ? "bigint"
											: "int");
		break;
	}
	case JSON_ARRAY:
		strbuf_addstr(out, "array<");
		type_of(json_first(v), out, depth + 1);
		strbuf_addch(out, '>');
		break;
	case JSON_OBJECT:
		if (depth > MAX_DEPTH || !json_len(v)) {
			strbuf_addstr(out, "string");
			break;
		}
		strbuf_addstr(out, "struct<");
		json_each(m, v)
		{
			strbuf_addf(out, "%s%s:", m == json_first(v) ? "" : ",", json_name(m));
			type_of(m, out, depth + 1);
		}
		strbuf_addch(out, '>');
		break;
	default:
		strbuf_addstr(out, "string");
	}
}

static const char *wider(const char *a, const char *b)
{
	static const char *const order[] = {"int", "bigint", "double"};
	size_t ia = ARRAY_SIZE(order), ib = ia;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (!strcmp(order[i], a))
			ia = i;
		if (!strcmp(order[i], b))
			ib = i;
	}
	if (!strcmp(a, b))
		return a;
	if (ia == ARRAY_SIZE(order) || ib == ARRAY_SIZE(order))
		return "string";
	return order[ia > ib ? ia : ib];
}

static struct json *find(struct json *columns, const char *name)
{
	struct json *c;

	json_each(c, columns) if (!strcmp(json_get_str(c, "Name"), name)) return c;
	return NULL;
}

static void merge(struct json *columns, const struct json *object)
{
	struct strbuf type = STRBUF_INIT;
	struct json *m, *c;

	json_each(m, object)
	{
		char *name = xstrdup(json_name(m));
		lower_ascii(name);
		strbuf_clear(&type);
		type_of(m, &type, 0);
		c = find(columns, name);
		if (!c) {
			c = json_object();
			json_set_str(c, "Name", name);
			json_set_str(c, "Type", type.buf);
			json_push(columns, c);
		} else if (!json_is(m, JSON_NULL)) {
			json_set_str(c, "Type", wider(json_get_str(c, "Type"), type.buf));
		}
		free(name);
	}
	strbuf_release(&type);
}

bool classify_json(const char *data, size_t len, bool whole, struct classified *out)
{
	struct json *columns = json_array();
	struct err ignored = ERR_INIT;
	int64_t lines = 0;
	size_t at = 0;

	while (at < len && lines < MAX_LINES) {
		const char *nl = memchr(data + at, '\n', len - at);
		size_t end = nl ? (size_t)(nl - data) : len;
		struct json *v;
		if (!nl && !whole)
			break;
		while (at < end && isspace((unsigned char)data[at]))
			at++;
		if (at == end) {
			at = end + 1;
			continue;
		}
		v = json_parse(data + at, end - at, &ignored);
		if (!json_is(v, JSON_OBJECT)) {
			json_free(v);
			lines = 0;
			break;
		}
		merge(columns, v);
		json_free(v);
		lines++;
		at = end + 1;
	}
	err_release(&ignored);
	if (!lines || !json_len(columns)) {
		json_free(columns);
		return false;
	}
	out->classification = "json";
	out->columns = columns;
	out->record_size = (int64_t)(at < len ? at : len) / lines;
	out->records = (int64_t)len / (out->record_size ? out->record_size : 1);
	return true;
}
