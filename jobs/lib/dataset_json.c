/*
 * A reader of JSON's grammar, a byte at a time: what opens and closes, and what may come next. It follows the path's steps
 * down, copies the values at its end without their blanks, and leaves numbers, words and escapes to who reads the records.
 */
#include "dataset_json.h"

#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "json_steps.h"
#include "map.h"
#include "strbuf.h"

#define HEAD_BYTES (64u << 10)
#define OUT_BYTES (256u << 10)
#define MAX_RECORD (60u << 20)
#define MAX_DEPTH 1000

enum wanted {
	WANT_VALUE,     /* outermost: or the end */
	WANT_FIRST,     /* of an array: a value or its end */
	WANT_FIRST_KEY, /* of an object: a key or its end */
	WANT_KEY,
	WANT_COLON,
	WANT_COMMA, /* or the end */
};

struct level {
	bool object;
	bool live;     /* on the path so far */
	size_t steps;  /* of the path that led here */
	int64_t index; /* of an array's element */
};

struct name {
	const char *spelling; /* as the record is to have it */
	uint64_t seen;        /* the last record that had it */
	size_t at;            /* in the list of names */
};

struct json_feed {
	const struct json_feed_how *how;
	csv_read_fn *read;
	void *payload;
	const char *shown;
	struct json_path path, elements; /* elements: [*] */
	bool has_path;
	const struct json_path *steps; /* of the current outermost value */
	const char *wrap_array, *wrap; /* columns of records that are no objects; NULL: none */
	struct map names;              /* lower case -> struct name */

	struct level *levels;
	size_t depth, alloc;
	enum wanted wanted;
	bool in_string, in_key, escaped, in_scalar;
	struct strbuf key; /* the current one, as written, without its quotes */
	size_t line, character, value_line, value_character;

	bool capturing, closing; /* closing: the record is wrapped */
	size_t record_depth;
	uint64_t record_nr;
	struct strbuf record, out;

	bool sniffing, renamed, uneven; /* uneven: other than an object a line */
	size_t last_root_line;

	bool decided, lines, ended, head_given;
	struct strbuf head;
	size_t given;    /* of `out`: lines that the reader has now */
	size_t expected; /* the name that may come next in a line */
};

static int fail(const struct json_feed *f, struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "'%s' line %zu, character %zu: no JSON object: %s",
		f->shown, f->line, f->character, what);
}

/* --- names --- */

static void add_name(struct json_feed *f, const char *spelling, size_t at)
{
	struct name *n = xcalloc(1, sizeof(*n));
	char *lower = xstrdup(spelling);

	n->spelling = spelling;
	n->at = at;
	lower_ascii(lower);
	map_put(&f->names, lower, n);
	free(lower);
}

struct json_feed *json_feed_new(const struct json_feed_how *how, csv_read_fn *read, void *payload,
	const char *shown, struct err *err)
{
	struct json_feed *f = xcalloc(1, sizeof(*f));

	f->how = how;
	f->read = read;
	f->payload = payload;
	f->shown = shown;
	f->line = 1;
	strbuf_init(&f->key);
	strbuf_init(&f->record);
	strbuf_init(&f->out);
	strbuf_init(&f->head);
	map_init(&f->names, free);
	for (size_t i = 0; i < how->nr_names; i++)
		add_name(f, how->names[i], i);
	f->wrap = map_has(&f->names, "record") ? "record" : NULL;
	f->wrap_array = how->whole_arrays ? "array" : f->wrap;
	f->has_path = how->path != NULL;
	if (json_path_parse(&f->elements, "$[*]", err) == 0 &&
		(!how->path || json_path_parse(&f->path, how->path, err) == 0))
		return f;
	json_feed_free(f);
	return NULL;
}

void json_feed_free(struct json_feed *f)
{
	if (!f)
		return;
	json_path_release(&f->path);
	json_path_release(&f->elements);
	map_release(&f->names);
	strbuf_release(&f->key);
	strbuf_release(&f->record);
	strbuf_release(&f->out);
	strbuf_release(&f->head);
	free(f->levels);
	free(f);
}

void *json_feed_payload(const struct json_feed *f)
{
	return f->payload;
}

/* The key without its escapes; malloc'd. */
static char *plain_key(const struct json_feed *f)
{
	struct strbuf quoted = STRBUF_INIT;
	struct json *v;
	char *plain;

	if (!memchr(f->key.buf, '\\', f->key.len))
		return xstrndup(f->key.buf, f->key.len);
	strbuf_addf(&quoted, "\"%s\"", f->key.buf);
	v = json_parse(quoted.buf, quoted.len, NULL);
	plain = xstrdup(v && json_str(v) ? json_str(v) : f->key.buf);
	json_free(v);
	strbuf_release(&quoted);
	return plain;
}

/* A member of a record, by the name that the data set has for it. */
static int record_key(struct json_feed *f, struct err *err)
{
	char *plain = plain_key(f), *lower = xstrdup(plain);
	struct name *n;
	struct json *spelling;
	int ret = 0;

	lower_ascii(lower);
	n = map_get(&f->names, lower);
	if (n && n->seen == f->record_nr) {
		ret = err_set(err, ERR_INVALID,
			"'%s' line %zu, character %zu: '%s' stands twice in one object, as one "
			"column",
			f->shown, f->line, f->character, plain);
	} else if (n && strcmp(plain, n->spelling) != 0) {
		f->renamed = true;
		spelling = json_string(n->spelling);
		json_print(spelling, &f->record);
		json_free(spelling);
	} else {
		strbuf_addf(&f->record, "\"%s\"", f->key.buf);
	}
	if (n)
		n->seen = f->record_nr;
	free(plain);
	free(lower);
	return ret;
}

/* --- records --- */

static bool fits_step(const struct json_feed *f, const struct level *above)
{
	const struct json_path_step *s = &f->steps->v[above->steps];
	char *plain;
	bool same;

	if (s->all)
		return true;
	if (!above->object)
		return !s->name && s->at == above->index;
	if (!s->name)
		return false;
	plain = plain_key(f);
	same = strcmp(plain, s->name) == 0;
	free(plain);
	return same;
}

static int begin_record(struct json_feed *f, char first, struct err *err)
{
	const char *name = first == '[' ? f->wrap_array : f->wrap;

	f->capturing = true;
	f->record_depth = f->depth;
	f->record_nr++;
	strbuf_clear(&f->record);
	f->closing = first != '{' && first != 'n' && name;
	if (f->closing)
		strbuf_addf(&f->record, "{\"%s\":", name);
	else if (first != '{' && first != 'n')
		return fail(f, err, "an object is to stand here");
	return 0;
}

static void end_record(struct json_feed *f)
{
	f->capturing = false;
	/* A null among the records says nothing. */
	if (strcmp(f->record.buf, "null") == 0)
		return;
	if (f->closing)
		strbuf_addch(&f->record, '}');
	strbuf_addch(&f->record, '\n');
	strbuf_add(&f->out, f->record.buf, f->record.len);
}

/* A value begins with `first`; *level is what a container would be. */
static int begin_value(struct json_feed *f, char first, struct level *level, struct err *err)
{
	const struct level *above = f->depth ? &f->levels[f->depth - 1] : NULL;

	*level = (struct level){.object = first == '{', .live = true};
	if (!above) {
		if (first != '{' && first != '[')
			return fail(f, err, "an object or an array is to stand here");
		f->uneven = f->uneven || first != '{' || f->last_root_line == f->line;
		f->value_line = f->line;
		f->value_character = f->character;
		f->steps = f->has_path || first == '{' || f->wrap_array ? &f->path : &f->elements;
	} else {
		level->live = !f->capturing && above->live && above->steps < f->steps->nr &&
			      fits_step(f, above);
		level->steps = above->steps + 1;
	}
	if (!f->capturing && level->live && level->steps == f->steps->nr)
		return begin_record(f, first, err);
	return 0;
}

static void end_value(struct json_feed *f)
{
	f->wanted = f->depth ? WANT_COMMA : WANT_VALUE;
	if (!f->depth) {
		f->uneven = f->uneven || f->value_line != f->line;
		f->last_root_line = f->line;
	}
	if (f->capturing && f->depth == f->record_depth)
		end_record(f);
}

/* --- the grammar --- */

static bool wants_value(const struct json_feed *f)
{
	return f->wanted == WANT_VALUE || f->wanted == WANT_FIRST;
}

static int open_container(struct json_feed *f, char b, struct err *err)
{
	struct level level;

	if (!wants_value(f))
		return fail(f, err, "a value is not expected here");
	if (f->depth == MAX_DEPTH)
		return fail(f, err, "it is nested too deep");
	if (begin_value(f, b, &level, err) != 0)
		return -1;
	ALLOC_GROW(f->levels, f->depth, f->alloc);
	f->levels[f->depth++] = level;
	f->wanted = b == '{' ? WANT_FIRST_KEY : WANT_FIRST;
	return 0;
}

static int close_container(struct json_feed *f, char b, struct err *err)
{
	bool object = b == '}';

	if (!f->depth || f->levels[f->depth - 1].object != object ||
		(f->wanted != WANT_COMMA && f->wanted != (object ? WANT_FIRST_KEY : WANT_FIRST)))
		return fail(f, err, "brackets do not fit");
	if (f->capturing)
		strbuf_addch(&f->record, b);
	f->depth--;
	end_value(f);
	return 0;
}

static int comma(struct json_feed *f, struct err *err)
{
	struct level *in = f->depth ? &f->levels[f->depth - 1] : NULL;

	if (!in || f->wanted != WANT_COMMA)
		return fail(f, err, "a comma is not expected here");
	in->index++;
	f->wanted = in->object ? WANT_KEY : WANT_VALUE;
	return 0;
}

static int open_string(struct json_feed *f, struct err *err)
{
	struct level level;

	f->in_string = true;
	f->in_key = f->wanted == WANT_FIRST_KEY || f->wanted == WANT_KEY;
	strbuf_clear(&f->key);
	if (f->in_key)
		return 0;
	if (!wants_value(f))
		return fail(f, err, "a comma or a bracket is missing");
	return begin_value(f, '"', &level, err);
}

static int close_key(struct json_feed *f, struct err *err)
{
	f->wanted = WANT_COLON;
	if (!f->capturing)
		return 0;
	if (f->depth == f->record_depth + 1)
		return record_key(f, err);
	strbuf_addf(&f->record, "\"%s\"", f->key.buf);
	return 0;
}

/* Inside a string, from `p` on; gives the byte behind what has been read. NULL: an error. */
static const char *string_bytes(
	struct json_feed *f, const char *p, const char *end, struct err *err)
{
	struct strbuf *to = f->in_key ? &f->key : f->capturing ? &f->record : NULL;
	const char *from = p;
	bool closed = false;

	for (; p < end && !closed; p++) {
		if (*p == '\n' || !*p) {
			f->character += (size_t)(p - from) + 1;
			fail(f, err, *p ? "a text ends with its line" : "a text has a NUL byte");
			return NULL;
		}
		if (f->escaped)
			f->escaped = false;
		else if (*p == '\\')
			f->escaped = true;
		else
			closed = *p == '"';
	}
	f->character += (size_t)(p - from);
	if (to)
		strbuf_add(to, from, (size_t)(p - from) - (closed && f->in_key));
	if (!closed)
		return p;
	f->in_string = false;
	if (f->in_key)
		return close_key(f, err) == 0 ? p : NULL;
	end_value(f);
	return p;
}

static int scalar_byte(struct json_feed *f, char b, struct err *err)
{
	struct level level;

	if (!f->in_scalar) {
		if (!wants_value(f))
			return fail(f, err, "a comma, a bracket or a quote is missing");
		if (!b || !strchr("-0123456789tfn", b))
			return fail(f, err, "a value is to stand here");
		f->in_scalar = true;
		if (begin_value(f, b, &level, err) != 0)
			return -1;
	}
	if (f->capturing)
		strbuf_addch(&f->record, b);
	return 0;
}

static int structure_byte(struct json_feed *f, char b, struct err *err)
{
	int ret = 0;

	switch (b) {
	case '{':
	case '[':
		ret = open_container(f, b, err);
		break;
	case '}':
	case ']':
		return close_container(f, b, err);
	case ',':
		ret = comma(f, err);
		break;
	case ':':
		if (f->wanted != WANT_COLON)
			return fail(f, err, "a colon is not expected here");
		f->wanted = WANT_VALUE;
		break;
	case '"':
		ret = open_string(f, err);
		if (f->in_key)
			return ret;
		break;
	default:
		return scalar_byte(f, b, err);
	}
	if (ret == 0 && f->capturing)
		strbuf_addch(&f->record, b);
	return ret;
}

static bool ends_scalar(char b)
{
	return b == ',' || b == '}' || b == ']' || b == ':' || b == '{' || b == '[' || b == '"';
}

/* A byte outside of strings. */
static int plain_byte(struct json_feed *f, char b, struct err *err)
{
	bool blank = b == ' ' || b == '\n' || b == '\r' || b == '\t';

	if (f->in_scalar && (blank || ends_scalar(b))) {
		f->in_scalar = false;
		end_value(f);
	}
	f->character++;
	if (b == '\n') {
		f->line++;
		f->character = 0;
	}
	return blank ? 0 : structure_byte(f, b, err);
}

static int take_bytes(struct json_feed *f, const char *p, size_t len, struct err *err)
{
	const char *end = p + len;

	while (p < end) {
		if (f->in_string) {
			p = string_bytes(f, p, end, err);
			if (!p)
				return -1;
		} else if (plain_byte(f, *p++, err) != 0) {
			return -1;
		}
		if (f->record.len > MAX_RECORD || f->key.len > MAX_RECORD)
			return err_set(err, ERR_INVALID,
				"'%s': a JSON value is longer than %u MB; a classifier's path, as "
				"$[*], makes what is in it records",
				f->shown, MAX_RECORD >> 20);
	}
	return 0;
}

static int end_bytes(const struct json_feed *f, struct err *err)
{
	if (!f->depth && !f->in_string)
		return 0;
	return err_set(err, ERR_INVALID,
		"'%s' line %zu: no JSON object: the file ends in the middle of the value that "
		"begins in line %zu, character %zu",
		f->shown, f->line, f->value_line, f->value_character);
}

/* --- lines --- */

/* The file's first bytes, without a byte order mark. */
static int read_head(struct json_feed *f, struct err *err)
{
	while (!f->ended && f->head.len < HEAD_BYTES) {
		const void *block = NULL;
		ssize_t n = f->read(f->payload, &block, err);

		if (n < 0)
			return -1;
		f->ended = n == 0;
		strbuf_add(&f->head, block, (size_t)n);
	}
	if (starts_with(f->head.buf, "\xef\xbb\xbf"))
		strbuf_remove(&f->head, 0, 3);
	return 0;
}

/* Does each line, but for the last one if it may be cut, hold an object that calls all by its name? */
static bool holds_lines(const struct json_feed *f)
{
	const char *last = memrchr(f->head.buf, '\n', f->head.len);
	size_t len = last ? (size_t)(last - f->head.buf) + 1 : f->ended ? f->head.len : 0;
	struct json_feed *sniff;
	struct err why = ERR_INIT;
	bool lines = false;

	if (f->has_path || !len)
		return false;
	sniff = json_feed_new(f->how, NULL, NULL, f->shown, &why);
	if (sniff && take_bytes(sniff, f->head.buf, len, &why) == 0)
		lines = !sniff->depth && !sniff->renamed && !sniff->uneven;
	json_feed_free(sniff);
	err_release(&why);
	return lines;
}

static ssize_t read_records(struct json_feed *f, const void **block, struct err *err)
{
	strbuf_clear(&f->out);
	if (!f->head_given) {
		f->head_given = true;
		if (take_bytes(f, f->head.buf, f->head.len, err) != 0)
			return -1;
		if (f->ended && end_bytes(f, err) != 0)
			return -1;
		strbuf_release(&f->head);
	}
	while (!f->ended && f->out.len < OUT_BYTES) {
		const void *more = NULL;
		ssize_t n = f->read(f->payload, &more, err);

		if (n < 0 || take_bytes(f, more, (size_t)n, err) != 0)
			return -1;
		f->ended = n == 0;
		if (f->ended && end_bytes(f, err) != 0)
			return -1;
	}
	*block = f->out.buf;
	return (ssize_t)f->out.len;
}

/* The quote that ends the text which begins at `from`; NULL: none. */
static const char *text_end(const char *from, const char *end)
{
	const char *q = from;

	while ((q = memchr(q, '"', (size_t)(end - q)))) {
		const char *slash = q;

		while (slash > from && slash[-1] == '\\')
			slash--;
		if ((q - slash) % 2 == 0)
			return q;
		q++;
	}
	return NULL;
}

/* Is the text at `s`, whose quote is `close`, a key that may be a column by another spelling? Escapes may hide one. */
static bool respells(struct json_feed *f, const char *s, const char *close, const char *end)
{
	size_t len = (size_t)(close - s);
	const char *expected = f->how->nr_names ? f->how->names[f->expected] : "";
	const struct name *n;

	if (strlen(expected) == len && !memcmp(expected, s, len)) {
		f->expected = (f->expected + 1) % (f->how->nr_names ? f->how->nr_names : 1);
		return false;
	}
	for (close++; close < end && (*close == ' ' || *close == '\t'); close++)
		;
	if (close == end || *close != ':')
		return false;
	if (memchr(s, '\\', len))
		return true;
	strbuf_clear(&f->key);
	strbuf_add(&f->key, s, len);
	lower_ascii(f->key.buf);
	n = map_get(&f->names, f->key.buf);
	if (n)
		f->expected = (n->at + 1) % f->how->nr_names;
	return n && (strlen(n->spelling) != len || memcmp(n->spelling, s, len) != 0);
}

/* How many bytes are lines that call all by its name. A text ends with its line: each line is looked at by itself. */
static size_t named_lines(struct json_feed *f, size_t whole)
{
	const char *line = f->out.buf, *end = line + whole;

	while (line < end) {
		const char *nl = memchr(line, '\n', (size_t)(end - line)), *p = line, *close;
		const char *line_end = nl ? nl : end;

		while ((p = memchr(p, '"', (size_t)(line_end - p)))) {
			close = text_end(p + 1, line_end);
			if (!close)
				break;
			if (respells(f, p + 1, close, line_end))
				return (size_t)(line - f->out.buf);
			p = close + 1;
		}
		f->line += nl != NULL;
		line = nl ? nl + 1 : end;
	}
	return whole;
}

/* More bytes, until there is a whole line; gives the length of the whole ones, -1. */
static ssize_t more_lines(struct json_feed *f, struct err *err)
{
	const char *last;

	strbuf_remove(&f->out, 0, f->given);
	f->given = 0;
	do {
		const void *more = f->head.buf;
		ssize_t n = (ssize_t)f->head.len;

		if (f->head_given)
			n = f->ended ? 0 : f->read(f->payload, &more, err);
		if (n < 0)
			return -1;
		f->ended = f->ended || (f->head_given && !n);
		f->head_given = true;
		strbuf_add(&f->out, more, (size_t)n);
		last = memrchr(f->out.buf, '\n', f->out.len);
	} while (!last && !f->ended && f->out.len < MAX_RECORD);
	return f->ended || !last ? (ssize_t)f->out.len : last + 1 - f->out.buf;
}

static ssize_t read_lines(struct json_feed *f, const void **block, struct err *err)
{
	ssize_t whole = more_lines(f, err);

	if (whole <= 0)
		return whole;
	f->given = named_lines(f, (size_t)whole);
	if (f->given < (size_t)whole) {
		/* from here on it is read as JSON of any layout */
		f->lines = false;
		f->head_given = false;
		strbuf_clear(&f->head);
		strbuf_add(&f->head, f->out.buf + f->given, f->out.len - f->given);
	}
	if (!f->given)
		return read_records(f, block, err);
	*block = f->out.buf;
	return (ssize_t)f->given;
}

ssize_t json_feed_read(void *feed, const void **block, struct err *err)
{
	struct json_feed *f = feed;

	if (!f->decided) {
		if (read_head(f, err) != 0)
			return -1;
		f->lines = holds_lines(f);
		f->decided = true;
	}
	return f->lines ? read_lines(f, block, err) : read_records(f, block, err);
}
