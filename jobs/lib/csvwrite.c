#include "csvwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "duckstream.h"
#include "fs.h"
#include "gzip_write.h"

#define BUFFER (256u << 10)
#define DAY_MS INT64_C(86400000)

void csv_add_field(struct strbuf *row, char delimiter, const char *text, size_t len)
{
	const char *end = text + len;
	bool quote = len == 0;

	for (const char *p = text; p < end && !quote; p++)
		quote = *p == delimiter || *p == '"' || *p == '\n' || *p == '\r';
	if (!quote) {
		strbuf_add(row, text, len);
		return;
	}
	strbuf_addquoted(row, text, len, '"');
}

/* --- a file --- */

struct csv_file {
	char *path;
	int fd;
	struct gzip_writer *gzip; /* NULL: plain */
};

static int write_packed(void *payload, const void *data, size_t len, struct err *err)
{
	struct csv_file *f = payload;

	return fs_write_all(f->fd, data, len, f->path, err);
}

struct csv_file *csv_file_new(const char *path, size_t threads, struct err *err)
{
	struct csv_file *f;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0) {
		err_errno(err, "%s", path);
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	f->path = xstrdup(path);
	f->fd = fd;
	if (ends_with(path, ".gz"))
		f->gzip = gzip_writer_new(write_packed, f, threads);
	return f;
}

int csv_file_write(struct csv_file *f, const void *text, size_t len, struct err *err)
{
	return f->gzip ? gzip_writer_write(f->gzip, text, len, err)
		       : fs_write_all(f->fd, text, len, f->path, err);
}

static void file_free(struct csv_file *f)
{
	gzip_writer_free(f->gzip);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

int csv_file_finish(struct csv_file *f, struct err *err)
{
	struct gzip_writer *gzip = f->gzip;
	int ret = 0;

	f->gzip = NULL;
	if (gzip)
		ret = gzip_writer_finish(gzip, err);
	if (close(f->fd) != 0 && ret == 0)
		ret = err_errno(err, "%s", f->path);
	f->fd = -1;
	if (ret != 0)
		unlink(f->path);
	file_free(f);
	return ret;
}

void csv_file_abort(struct csv_file *f)
{
	if (!f)
		return;
	unlink(f->path);
	file_free(f);
}

/* --- names --- */

void csv_names_add(struct csv_names *n, char delimiter, const char *text, size_t len)
{
	ALLOC_GROW(n->ends, n->nr, n->alloc);
	csv_add_field(&n->text, delimiter, text, len);
	n->ends[n->nr++] = n->text.len;
}

int csv_names_query(
	struct csv_names *n, struct duck *d, const char *sql, char delimiter, struct err *err)
{
	struct duck_stream *s = duck_stream_open(d, sql, err);
	duckdb_data_chunk chunk;
	int got = -1;

	while (s && (got = duck_stream_next(s, &chunk, err)) > 0) {
		idx_t rows = duckdb_data_chunk_get_size(chunk);
		duckdb_string_t *texts =
			duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));

		for (idx_t i = 0; i < rows; i++)
			csv_names_add(n, delimiter, duckdb_string_t_data(&texts[i]),
				duckdb_string_t_length(texts[i]));
	}
	duck_stream_close(s);
	return got;
}

void csv_names_release(struct csv_names *n)
{
	strbuf_release(&n->text);
	free(n->ends);
	*n = (struct csv_names)CSV_NAMES_INIT;
}

/* --- a query --- */

struct column {
	duckdb_type type;
	void *data; /* of the chunk */
	uint64_t *validity;
};

struct writer {
	const struct csv_copy *copy;
	struct csv_file *file;
	struct column *columns;
	size_t nr;
	struct strbuf text; /* rows not handed on yet */
	struct strbuf key;  /* of the row before */
	struct csv_copied *out;
};

/* n of at most 19 digits, at least `width`. */
static void add_digits(struct strbuf *sb, uint64_t n, size_t width)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n || sizeof(digits) - at < width);
	strbuf_add(sb, digits + at, sizeof(digits) - at);
}

static void add_integer(struct strbuf *sb, int64_t n)
{
	if (n < 0)
		strbuf_addch(sb, '-');
	add_digits(sb, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 1);
}

static void add_date(struct strbuf *sb, int32_t days)
{
	struct utc utc;

	utc_from_ms(days * DAY_MS, &utc);
	add_digits(sb, (uint64_t)utc.year, 4);
	strbuf_addch(sb, '-');
	add_digits(sb, (uint64_t)utc.month, 2);
	strbuf_addch(sb, '-');
	add_digits(sb, (uint64_t)utc.day, 2);
}

static void add_name(struct strbuf *sb, const struct csv_names *names, int32_t index)
{
	size_t i = (size_t)index, from = i ? names->ends[i - 1] : 0;

	strbuf_add(sb, names->text.buf + from, names->ends[i] - from);
}

static void add_value(struct writer *w, size_t c, idx_t row)
{
	const struct column *column = &w->columns[c];
	duckdb_string_t *text;

	if (column->validity && !duckdb_validity_row_is_valid(column->validity, row))
		return;
	switch (column->type) {
	case DUCKDB_TYPE_VARCHAR:
		text = (duckdb_string_t *)column->data + row;
		csv_add_field(&w->text, w->copy->delimiter, duckdb_string_t_data(text),
			duckdb_string_t_length(*text));
		break;
	case DUCKDB_TYPE_DATE:
		add_date(&w->text, ((int32_t *)column->data)[row]);
		break;
	case DUCKDB_TYPE_INTEGER:
		if (c == 0 && w->copy->names)
			add_name(&w->text, w->copy->names, ((int32_t *)column->data)[row]);
		else
			add_integer(&w->text, ((int32_t *)column->data)[row]);
		break;
	default: /* DUCKDB_TYPE_BIGINT: see check_types */
		add_integer(&w->text, ((int64_t *)column->data)[row]);
	}
}

/* The key of the row that begins at `from`, against the row's before. */
static void count_key(struct writer *w, size_t from)
{
	const char *key = w->text.buf + from;
	size_t len = w->text.len - from;

	if (w->out->rows && len == w->key.len && memcmp(key, w->key.buf, len) == 0) {
		w->out->repeated++;
		if (!w->out->example)
			w->out->example = xstrndup(key, len);
		return;
	}
	strbuf_clear(&w->key);
	strbuf_add(&w->key, key, len);
}

static int flush(struct writer *w, struct err *err)
{
	int ret = csv_file_write(w->file, w->text.buf, w->text.len, err);

	strbuf_clear(&w->text);
	return ret;
}

static int add_chunk(struct writer *w, duckdb_data_chunk chunk, struct err *err)
{
	idx_t rows = duckdb_data_chunk_get_size(chunk);

	for (size_t c = 0; c < w->nr; c++) {
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c);

		w->columns[c].data = duckdb_vector_get_data(vector);
		w->columns[c].validity = duckdb_vector_get_validity(vector);
	}
	for (idx_t row = 0; row < rows; row++) {
		size_t from = w->text.len;

		for (size_t c = 0; c < w->nr; c++) {
			if (c && c == w->copy->key_columns)
				count_key(w, from);
			if (c)
				strbuf_addch(&w->text, w->copy->delimiter);
			add_value(w, c, row);
		}
		if (w->copy->key_columns >= w->nr)
			count_key(w, from);
		strbuf_addch(&w->text, '\n');
		w->out->rows++;
		if (w->text.len >= BUFFER && flush(w, err) != 0)
			return -1;
	}
	return 0;
}

static void check_types(struct writer *w, struct duck_stream *s)
{
	w->nr = duck_stream_columns(s);
	w->columns = xcalloc(w->nr, sizeof(*w->columns));
	for (size_t c = 0; c < w->nr; c++) {
		duckdb_type type = w->columns[c].type = duck_stream_type(s, c);

		if (type != DUCKDB_TYPE_VARCHAR && type != DUCKDB_TYPE_DATE &&
			type != DUCKDB_TYPE_INTEGER && type != DUCKDB_TYPE_BIGINT)
			BUG("column %zu of '%s' is to be cast to VARCHAR", c, w->copy->sql);
	}
	if (w->nr != w->copy->header->nr)
		BUG("%zu columns, %zu names: '%s'", w->nr, w->copy->header->nr, w->copy->sql);
}

static void add_header(struct writer *w)
{
	const struct strvec *header = w->copy->header;

	for (size_t i = 0; i < header->nr; i++) {
		if (i)
			strbuf_addch(&w->text, w->copy->delimiter);
		csv_add_field(&w->text, w->copy->delimiter, header->v[i], strlen(header->v[i]));
	}
	strbuf_addch(&w->text, '\n');
}

static int copy_rows(struct writer *w, struct duck_stream *s, struct err *err)
{
	duckdb_data_chunk chunk;
	int got;

	check_types(w, s);
	add_header(w);
	while ((got = duck_stream_next(s, &chunk, err)) > 0)
		if (add_chunk(w, chunk, err) != 0)
			return -1;
	if (got == 0 && w->out->rows == 0)
		return err_set(err, ERR_NOT_FOUND, "there are no rows");
	return got == 0 ? flush(w, err) : -1;
}

int csv_copy(struct duck *d, const struct csv_copy *copy, const char *path, struct csv_copied *out,
	struct err *err)
{
	struct writer w = {.copy = copy, .text = STRBUF_INIT, .key = STRBUF_INIT, .out = out};
	struct duck_stream *s = duck_stream_open(d, copy->sql, err);
	int ret = -1;

	*out = (struct csv_copied){0};
	if (s && (w.file = csv_file_new(path, duck_threads(d), err)))
		ret = copy_rows(&w, s, err);
	if (ret == 0)
		ret = csv_file_finish(w.file, err);
	else
		csv_file_abort(w.file);
	duck_stream_close(s);
	if (ret != 0)
		csv_copied_release(out);
	strbuf_release(&w.text);
	strbuf_release(&w.key);
	free(w.columns);
	return ret;
}

void csv_copied_release(struct csv_copied *c)
{
	free(c->example);
	c->example = NULL;
}
