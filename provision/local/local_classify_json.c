#include "local_classify.h"
#include "local_shape.h"
#include "map.h"
#include "strbuf.h"
#include <ctype.h>

/*
 * JSON: one value after the other, on a line each or over many lines. Columns are the members of all objects, in order of
 * appearance. An array is one column "array", as in Glue; a classifier's path makes its elements records.
 */
#define MAX_VALUES 1000
#define MAX_NESTING 128

struct cursor {
	const char *data;
	size_t len, at;
};

/* --- where a value ends --- */
/* What has been opened and where a value that is cut may be closed. */
struct nesting {
	char closers[MAX_NESTING], safe_closers[MAX_NESTING];
	size_t depth, safe_depth, safe; /* safe: bytes that are complete but for the closers */
	bool quoted;
};

static void mark_safe(struct nesting *n, size_t bytes)
{
	n->safe = bytes;
	n->safe_depth = n->depth;
	memcpy(n->safe_closers, n->closers, n->depth);
}

/* The byte behind the object or array at `at`; 0: it does not end, -1: it is nested too deep or closed wrongly. */
static ssize_t value_end(const struct cursor *c, struct nesting *n)
{
	*n = (struct nesting){.depth = 0};
	for (size_t i = c->at; i < c->len; i++) {
		char ch = c->data[i];
		if (n->quoted) {
			if (ch == '\\')
				i++;
			else if (ch == '"')
				n->quoted = false;
		} else if (ch == '"') {
			n->quoted = true;
		} else if (ch == '{' || ch == '[') {
			if (n->depth == MAX_NESTING)
				return -1;
			n->closers[n->depth++] = ch == '{' ? '}' : ']';
			mark_safe(n, i + 1);
		} else if (ch == '}' || ch == ']') {
			if (n->closers[--n->depth] != ch)
				return -1;
			if (!n->depth)
				return (ssize_t)i + 1;
		} else if (ch == ',') {
			mark_safe(n, i);
		}
	}
	return 0;
}

/* What there is of a value that the sample cuts, closed. */
static struct json *parse_cut(const struct cursor *c, const struct nesting *n)
{
	struct strbuf text = STRBUF_INIT;
	struct err ignored = ERR_INIT;
	struct json *v;

	strbuf_add(&text, c->data + c->at, n->safe - c->at);
	for (size_t i = n->safe_depth; i-- > 0;)
		strbuf_addch(&text, n->safe_closers[i]);
	v = json_parse(text.buf, text.len, &ignored);
	err_release(&ignored);
	strbuf_release(&text);
	return v;
}

static size_t line_of(const struct cursor *c, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at && i < c->len; i++)
		line += c->data[i] == '\n';
	return line;
}

/* --- what the values say --- */
struct reader {
	struct cursor in;
	bool whole;
	const struct classifier *how;
	struct shape *shape; /* of the records */
	struct shape *bare;  /* of records that are no objects */
	int64_t records, values;
	bool arrays;
	char *problem, *twice;
};

/* Names that differ in case only are one column, which no reader can fill from both. */
static void find_twice(struct reader *r, const struct json *v)
{
	struct map seen = MAP_INIT;
	struct json *m;

	map_init(&seen, NULL);
	json_each(m, v)
	{
		char *lower = xstrdup(json_name(m));

		lower_ascii(lower);
		if (!r->twice && map_has(&seen, lower))
			r->twice = xstrdup(json_name(m));
		map_put(&seen, lower, r);
		free(lower);
	}
	map_release(&seen);
}

static void add_record(const struct json *v, void *payload)
{
	struct reader *r = payload;

	if (json_is(v, JSON_OBJECT)) {
		shape_add_value(r->shape, v, true);
		if (!r->twice)
			find_twice(r, v);
	} else {
		shape_add_value(r->bare, v, false);
	}
	r->records++;
}

static void add_root(struct reader *r, const struct json *v)
{
	r->values++;
	if (r->how)
		json_path_walk(&r->how->path, v, add_record, r);
	else
		add_record(v, r);
}

static void set_problem(struct reader *r, const char *what)
{
	r->problem = xasprintf("%s that begins in line %zu", what, line_of(&r->in, r->in.at));
}

/* 1: one more; 0: no more. */
static int read_value(struct reader *r)
{
	struct cursor *c = &r->in;
	struct nesting n;
	struct err bad = ERR_INIT;
	struct json *v;
	ssize_t end;

	while (c->at < c->len && isspace((unsigned char)c->data[c->at]))
		c->at++;
	if (c->at == c->len)
		return 0;
	if (c->data[c->at] != '{' && c->data[c->at] != '[') {
		set_problem(r, "there is no JSON object or array in the text");
		return 0;
	}
	end = value_end(c, &n);
	if (!end && !r->whole) {
		/* the sample's end; what came before says enough */
		v = r->values ? NULL : parse_cut(c, &n);
		if (v)
			add_root(r, v);
		json_free(v);
		c->at = c->len;
		return 0;
	}
	if (end <= 0) {
		set_problem(r, end ? "brackets do not fit in the JSON value"
				   : "the file ends in the middle of the JSON value");
		return 0;
	}
	v = json_parse(c->data + c->at, (size_t)end - c->at, &bad);
	if (!v) {
		char *what = xasprintf("%s, counted from the JSON value", bad.text);
		set_problem(r, what);
		free(what);
		err_release(&bad);
		return 0;
	}
	add_root(r, v);
	json_free(v);
	c->at = (size_t)end;
	return r->values < MAX_VALUES;
}

static struct json *columns_of(const struct reader *r)
{
	struct json *columns = shape_columns(r->shape), *c;
	struct strbuf type = STRBUF_INIT;

	shape_print(r->bare, &type);
	if (strcmp(type.buf, "void")) {
		c = json_object();
		json_set_str(c, "Name", shape_is_array(r->bare) ? "array" : "record");
		json_set_str(c, "Type", type.buf);
		json_push(columns, c);
	}
	strbuf_release(&type);
	return columns;
}

static void fill(const struct reader *r, struct classified *out)
{
	int64_t read = (int64_t)r->in.at;

	out->classification = "json";
	free(out->twice);
	out->twice = xstrdup(r->twice);
	out->json_path = r->how ? xstrdup(r->how->path_text) : NULL;
	out->record_size = read / (r->records ? r->records : 1);
	out->records = (int64_t)r->in.len / (out->record_size ? out->record_size : 1);
}

bool classify_json(const char *data, size_t len, bool whole, const struct classifier *how,
	struct classified *out)
{
	struct reader r = {.in = {data, len, 0},
		.whole = whole,
		.how = how,
		.shape = shape_new(),
		.bare = shape_new()};
	bool ok;

	while (read_value(&r) > 0)
		;
	ok = !r.problem && r.records;
	if (ok) {
		out->columns = columns_of(&r);
		ok = json_len(out->columns) > 0;
	}
	if (ok) {
		fill(&r, out);
	} else {
		json_free(out->columns);
		out->columns = NULL;
		if (r.problem && !out->problem) {
			out->problem = r.problem;
			r.problem = NULL;
		}
	}
	free(r.problem);
	free(r.twice);
	shape_free(r.shape);
	shape_free(r.bare);
	return ok;
}
