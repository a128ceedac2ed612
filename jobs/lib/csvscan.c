/*
 * States of the cutter, at a byte: START (of a field), PLAIN (inside an unquoted field, or behind the closing quote of
 * one), QUOTED (inside quotes), QUOTE (behind a quote inside quotes: it closes, or is the first of two), ESCAPED (behind
 * an escape inside quotes).
 *   START   -quote-> QUOTED    -delimiter|LF-> START   -other-> PLAIN
 *   PLAIN   -delimiter|LF-> START
 *   QUOTED  -quote-> QUOTE     -escape-> ESCAPED
 *   QUOTE   -quote-> QUOTED    -delimiter|LF-> START   -other-> PLAIN
 *   ESCAPED -any-> QUOTED
 * A row ends with an LF that leads to START.
 */
#include "csvscan.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (512u << 10)
#define MAX_ROW (64u << 20)

const struct csv_dialect csv_comma = CSV_DIALECT_COMMA;

int csv_dialect_check(const struct csv_dialect *d, struct err *err)
{
	const char letters[] = {d->delimiter, d->quote, d->escape};
	static const char *const names[] = {"delimiter", "quote", "escape"};

	if (!d->delimiter)
		return err_set(err, ERR_INVALID, "a CSV needs a delimiter");
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (letters[i] == '\n' || letters[i] == '\r')
			return err_set(
				err, ERR_INVALID, "a line end cannot be the %s of a CSV", names[i]);
	if (d->delimiter == d->quote || d->delimiter == d->escape)
		return err_set(err, ERR_INVALID, "the CSV's delimiter '%c' is its %s too",
			d->delimiter, d->delimiter == d->quote ? "quote" : "escape");
	return 0;
}

void csv_cutter_init(
	struct csv_cutter *c, const struct csv_dialect *dialect, csv_read_fn *read, void *payload)
{
	memset(c, 0, sizeof(*c));
	c->dialect = *dialect;
	/* A quote that escapes is what "" is anyway. */
	if (c->dialect.escape == c->dialect.quote)
		c->dialect.escape = '\0';
	c->read = read;
	c->payload = payload;
	c->chunk_bytes = CHUNK_BYTES;
	c->max_row = MAX_ROW;
	strbuf_init(&c->pending);
	pthread_mutex_init(&c->lock, NULL);
}

void csv_cutter_release(struct csv_cutter *c)
{
	strbuf_release(&c->pending);
	pthread_mutex_destroy(&c->lock);
}

static bool is_quote(const struct csv_dialect *d, char b)
{
	return b == d->quote && d->quote;
}

static bool ends_field(const struct csv_dialect *d, char b)
{
	return b == d->delimiter || b == '\n';
}

static enum csv_state step(const struct csv_dialect *d, enum csv_state state, char b)
{
	switch (state) {
	case CSV_START:
		if (is_quote(d, b))
			return CSV_QUOTED;
		return ends_field(d, b) ? CSV_START : CSV_PLAIN;
	case CSV_PLAIN:
		return ends_field(d, b) ? CSV_START : CSV_PLAIN;
	case CSV_QUOTED:
		if (is_quote(d, b))
			return CSV_QUOTE;
		return b == d->escape && d->escape ? CSV_ESCAPED : CSV_QUOTED;
	case CSV_QUOTE:
		if (is_quote(d, b))
			return CSV_QUOTED;
		return ends_field(d, b) ? CSV_START : CSV_PLAIN;
	case CSV_ESCAPED:
		return CSV_QUOTED;
	}
	return state;
}

/* From `i` on, outside of quotes: up to the next quote. */
static size_t scan_plain(struct csv_cutter *c, size_t i)
{
	const char *buf = c->pending.buf;
	size_t to = c->pending.len;
	const char *quote = c->dialect.quote ? memchr(buf + i, c->dialect.quote, to - i) : NULL;
	size_t stop = quote ? (size_t)(quote - buf) : to;
	const char *last;

	if (stop == i)
		return i;
	last = memrchr(buf + i, '\n', stop - i);
	if (last)
		c->row_end = (size_t)(last - buf) + 1;
	c->state = ends_field(&c->dialect, buf[stop - 1]) ? CSV_START : CSV_PLAIN;
	return stop;
}

/* Looks at what is new in pending: where its last row ends. */
static void scan(struct csv_cutter *c)
{
	const char *buf = c->pending.buf;
	size_t i = c->scanned, to = c->pending.len;

	c->scanned = to;
	while (i < to) {
		if (c->state == CSV_START || c->state == CSV_PLAIN) {
			i = scan_plain(c, i);
		} else if (c->state == CSV_QUOTED && !c->dialect.escape) {
			const char *quote = memchr(buf + i, c->dialect.quote, to - i);

			i = quote ? (size_t)(quote - buf) : to;
		}
		if (i == to)
			break;
		c->state = step(&c->dialect, c->state, buf[i]);
		if (c->state == CSV_START && buf[i] == '\n')
			c->row_end = i + 1;
		i++;
	}
}

static int fill(struct csv_cutter *c, struct err *err)
{
	while (!c->ended && (c->pending.len < c->chunk_bytes || c->row_end == 0)) {
		const void *block = NULL;
		ssize_t n = c->read(c->payload, &block, err);

		if (n < 0)
			return -1;
		if (n == 0)
			c->ended = true;
		strbuf_add(&c->pending, block, (size_t)n);
		scan(c);
		if (c->row_end == 0 && c->pending.len > c->max_row)
			return err_set(err, ERR_INVALID,
				"a row of the CSV is longer than %zu MB: is a quote not closed?",
				c->max_row >> 20);
	}
	return 0;
}

static int take(struct csv_cutter *c, struct strbuf *chunk, int64_t *offset, struct err *err)
{
	size_t len;

	strbuf_clear(chunk);
	if (fill(c, err) != 0) {
		c->ended = true;
		strbuf_clear(&c->pending);
		return -1;
	}
	len = c->ended ? c->pending.len : c->row_end;
	if (!c->started && c->pending.len >= 3 && memcmp(c->pending.buf, "\xef\xbb\xbf", 3) == 0) {
		/* The cutter took the mark for plain text: a quoted first name needs another look. */
		strbuf_remove(&c->pending, 0, 3);
		c->scanned = c->row_end = 0;
		c->state = CSV_START;
		c->started = true;
		scan(c);
		return take(c, chunk, offset, err);
	}
	c->started = true;
	strbuf_add(chunk, c->pending.buf, len);
	strbuf_remove(&c->pending, 0, len);
	c->scanned = c->pending.len;
	c->row_end = 0;
	if (offset)
		*offset = c->given;
	c->given += (int64_t)len;
	return len > 0;
}

int csv_cutter_take(struct csv_cutter *c, struct strbuf *chunk, int64_t *offset, struct err *err)
{
	int ret;

	pthread_mutex_lock(&c->lock);
	ret = take(c, chunk, offset, err);
	pthread_mutex_unlock(&c->lock);
	return ret;
}

/* --- the fields of a row; inlined for the comma, whose letters are then constants --- */

#define inlined static inline __attribute__((always_inline))

/* Behind the closing quote, or from the start: all up to the delimiter or line end. `to` is where it goes in place. */
inlined char *read_plain(char delimiter, char *at, char *end, char *to, size_t *len)
{
	char *from = at;

	while (at < end && *at != delimiter && *at != '\n')
		at++;
	*len = (size_t)(at - from);
	if (at < end && *at == '\n' && *len && at[-1] == '\r')
		(*len)--;
	if (to != from)
		memmove(to, from, *len);
	return at;
}

/* The next quote or escape; end where there is none. */
static char *find_mark(const struct csv_dialect *d, char *at, char *end)
{
	char *quote;

	if (!d->escape) {
		quote = memchr(at, d->quote, (size_t)(end - at));
		return quote ? quote : end;
	}
	while (at < end && *at != d->quote && *at != d->escape)
		at++;
	return at;
}

static char *read_quoted(const struct csv_dialect *d, char *at, char *end, struct csv_field *field)
{
	char *to = ++at;
	size_t rest;

	field->text = to;
	field->null = false;
	while (at < end) {
		char *mark = find_mark(d, at, end);
		size_t n = (size_t)(mark - at);
		bool escaped;

		if (to != at)
			memmove(to, at, n);
		to += n;
		at = mark;
		if (at == end)
			break;
		escaped = *at != d->quote;
		at++;
		if (at < end && (*at == d->quote || (escaped && *at == d->escape)))
			*to++ = *at++;
		else if (escaped)
			*to++ = d->escape;
		else
			break;
	}
	at = read_plain(d->delimiter, at, end, to, &rest);
	field->len = (size_t)(to - field->text) + rest;
	return at;
}

inlined char *read_field(const struct csv_dialect *d, char *at, char *end, struct csv_field *field)
{
	if (at < end && *at == d->quote && d->quote)
		return read_quoted(d, at, end, field);
	field->text = at;
	at = read_plain(d->delimiter, at, end, at, &field->len);
	field->null = field->len == 0;
	return at;
}

inlined size_t read_row(
	const struct csv_dialect *d, char **at, char *end, struct csv_field *fields, size_t max)
{
	struct csv_field extra, first = {0};
	char *p = *at;
	size_t nr = 0;

	while (p < end) {
		struct csv_field *field = nr < max ? &fields[nr] : &extra;

		p = read_field(d, p, end, field);
		if (nr++ == 0)
			first = *field;
		if (p < end && *p++ == d->delimiter) {
			/* A delimiter at the very end has an empty field behind it. */
			if (p == end) {
				field = nr < max ? &fields[nr] : &extra;
				*field = (struct csv_field){p, 0, true};
				nr++;
			} else {
				continue;
			}
		}
		if (nr > 1 || !first.null)
			break;
		nr = 0;
	}
	*at = p;
	return nr;
}

size_t csv_read_row(const struct csv_dialect *dialect, char **at, char *end,
	struct csv_field *fields, size_t max)
{
	static const struct csv_dialect comma = CSV_DIALECT_COMMA;
	const struct csv_dialect local = *dialect;

	if (local.delimiter == ',' && local.quote == '"' && !local.escape)
		return read_row(&comma, at, end, fields, max);
	return read_row(&local, at, end, fields, max);
}
