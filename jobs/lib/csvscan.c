/*
 * States of the cutter, at a byte: START (of a field), PLAIN (inside an unquoted field, or behind the closing quote of
 * one), QUOTED (inside quotes), QUOTE (behind a quote inside quotes: it closes, or is the first of two).
 *   START  -'"'-> QUOTED   -','|LF-> START   -other-> PLAIN
 *   PLAIN  -','|LF-> START
 *   QUOTED -'"'-> QUOTE
 *   QUOTE  -'"'-> QUOTED   -','|LF-> START   -other-> PLAIN
 * A row ends with an LF that leads to START.
 */
#include "csvscan.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (512u << 10)
#define MAX_ROW (64u << 20)

void csv_cutter_init(struct csv_cutter *c, csv_read_fn *read, void *payload)
{
	memset(c, 0, sizeof(*c));
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

static enum csv_state step(enum csv_state state, char b)
{
	switch (state) {
	case CSV_START:
		if (b == '"')
			return CSV_QUOTED;
		return b == ',' || b == '\n' ? CSV_START : CSV_PLAIN;
	case CSV_PLAIN:
		return b == ',' || b == '\n' ? CSV_START : CSV_PLAIN;
	case CSV_QUOTED:
		return b == '"' ? CSV_QUOTE : CSV_QUOTED;
	case CSV_QUOTE:
		if (b == '"')
			return CSV_QUOTED;
		return b == ',' || b == '\n' ? CSV_START : CSV_PLAIN;
	}
	return state;
}

/* Looks at what is new in pending: where its last row ends. */
static void scan(struct csv_cutter *c)
{
	const char *buf = c->pending.buf;
	size_t from = c->scanned, to = c->pending.len;
	const char *last;

	c->scanned = to;
	if (from == to)
		return;
	if ((c->state == CSV_START || c->state == CSV_PLAIN) &&
		!memchr(buf + from, '"', to - from)) {
		last = memrchr(buf + from, '\n', to - from);
		if (last)
			c->row_end = (size_t)(last - buf) + 1;
		c->state = buf[to - 1] == ',' || buf[to - 1] == '\n' ? CSV_START : CSV_PLAIN;
		return;
	}
	for (size_t i = from; i < to; i++) {
		c->state = step(c->state, buf[i]);
		if (c->state == CSV_START && buf[i] == '\n')
			c->row_end = i + 1;
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

static int take(struct csv_cutter *c, struct strbuf *chunk, struct err *err)
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
		return take(c, chunk, err);
	}
	c->started = true;
	strbuf_add(chunk, c->pending.buf, len);
	strbuf_remove(&c->pending, 0, len);
	c->scanned = c->pending.len;
	c->row_end = 0;
	return len > 0;
}

int csv_cutter_take(struct csv_cutter *c, struct strbuf *chunk, struct err *err)
{
	int ret;

	pthread_mutex_lock(&c->lock);
	ret = take(c, chunk, err);
	pthread_mutex_unlock(&c->lock);
	return ret;
}

/* Behind the closing quote, or from the start: all up to the comma or line end. `to` is where it goes in place. */
static char *read_plain(char *at, char *end, char *to, size_t *len)
{
	char *from = at;

	while (at < end && *at != ',' && *at != '\n')
		at++;
	*len = (size_t)(at - from);
	if (at < end && *at == '\n' && *len && at[-1] == '\r')
		(*len)--;
	if (to != from)
		memmove(to, from, *len);
	return at;
}

static char *read_quoted(char *at, char *end, struct csv_field *field)
{
	char *to = ++at;
	size_t rest;

	field->text = to;
	field->null = false;
	while (at < end) {
		char *quote = memchr(at, '"', (size_t)(end - at));
		size_t n = (size_t)((quote ? quote : end) - at);

		if (to != at)
			memmove(to, at, n);
		to += n;
		at += n;
		if (!quote)
			break;
		at++;
		if (at == end || *at != '"')
			break;
		*to++ = '"';
		at++;
	}
	at = read_plain(at, end, to, &rest);
	field->len = (size_t)(to - field->text) + rest;
	return at;
}

static char *read_field(char *at, char *end, struct csv_field *field)
{
	if (at < end && *at == '"')
		return read_quoted(at, end, field);
	field->text = at;
	at = read_plain(at, end, at, &field->len);
	field->null = field->len == 0;
	return at;
}

size_t csv_read_row(char **at, char *end, struct csv_field *fields, size_t max)
{
	struct csv_field extra, first = {0};
	char *p = *at;
	size_t nr = 0;

	while (p < end) {
		struct csv_field *field = nr < max ? &fields[nr] : &extra;

		p = read_field(p, end, field);
		if (nr++ == 0)
			first = *field;
		if (p < end && *p++ == ',') {
			/* A comma at the very end has an empty field behind it. */
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
