#include "pricefile.h"

#include <duckdb.h>
#include <stdlib.h>
#include <string.h>
#include "convert.h"
#include "csvscan.h"
#include "dates.h"
#include "number.h"
#include "price.h"
#include "stream.h"
#include "utf8.h"

#define MAX_COLUMNS 64
#define MAX_SHOWN 60

struct loader {
	const char *location;
	enum price_kind kind;
	struct price_counts *counts;
	struct csv_cutter cutter;
	struct strbuf chunk;
	char *at;
	struct csv_field fields[MAX_COLUMNS];
	int64_t line, next_line; /* of the row in `fields`, and behind it */
	size_t columns;          /* of the header */
	int32_t last;            /* day of the row before */
	int rises;               /* -1, 0 (not known yet), 1 */
	duckdb_appender appender;
	duckdb_data_chunk out;
	idx_t filled;
};

void price_counts_release(struct price_counts *c)
{
	free(c->bad_value);
	free(c->repeated_day);
	*c = (struct price_counts)PRICE_COUNTS_INIT;
}

static char *shown(const struct csv_field *f)
{
	struct strbuf text = STRBUF_INIT;
	size_t len = f->len > MAX_SHOWN ? MAX_SHOWN : f->len;

	utf8_repair(f->text, len, &text);
	if (len < f->len)
		strbuf_addstr(&text, "...");
	return strbuf_detach(&text, NULL);
}

/* --- rows and their lines --- */

static bool is_blank(const struct csv_field *fields, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		for (size_t c = 0; c < fields[i].len; c++)
			if ((unsigned char)fields[i].text[c] > ' ')
				return false;
	return true;
}

static void skip_empty_lines(struct loader *l)
{
	for (; *l->at == '\n' || (*l->at == '\r' && l->at[1] == '\n'); l->at++)
		l->next_line += *l->at == '\n';
}

static size_t stored(size_t nr)
{
	return nr < MAX_COLUMNS ? nr : MAX_COLUMNS;
}

/* The next row that is not blank, with the number of its columns; 0 at the end. */
static int next_row(struct loader *l, size_t *nr, struct err *err)
{
	int got = 1;

	for (;;) {
		skip_empty_lines(l);
		l->line = l->next_line;
		*nr = csv_read_row(
			&csv_comma, &l->at, l->chunk.buf + l->chunk.len, l->fields, MAX_COLUMNS);
		if (*nr == 0) {
			got = csv_cutter_take(&l->cutter, &l->chunk, NULL, err);
			l->at = l->chunk.buf;
			if (got < 0)
				return err_wrap(err, "'%s'", l->location);
			if (got == 0)
				return 0;
			continue;
		}
		l->next_line++;
		for (size_t i = 0; i < stored(*nr); i++)
			for (size_t c = 0; c < l->fields[i].len; c++)
				l->next_line += l->fields[i].text[c] == '\n';
		if (!is_blank(l->fields, stored(*nr)))
			return 1;
	}
}

static int read_header(struct loader *l, struct err *err)
{
	int got = next_row(l, &l->columns, err);

	if (got < 0)
		return -1;
	if (got == 0)
		return err_set(err, ERR_INVALID, "'%s' is empty: not even a header", l->location);
	if (l->columns < 2)
		return err_set(err, ERR_INVALID,
			"'%s' line %lld: the header has one column, and at least a date and a %s "
			"are wanted, with ',' in between",
			l->location, (long long)l->line,
			l->kind == PRICE_HISTORY ? "price" : "number");
	return 0;
}

static int check_columns(const struct loader *l, size_t nr, struct err *err)
{
	if (nr == l->columns)
		return 0;
	return err_set(err, ERR_INVALID, "'%s' line %lld has %zu column%s, its header %zu%s",
		l->location, (long long)l->line, nr, nr == 1 ? "" : "s", l->columns,
		nr > l->columns ? ": is a number with ',' not quoted?" : "");
}

/* --- values --- */

static int read_day(struct loader *l, int32_t *day, struct err *err)
{
	const struct csv_field *f = &l->fields[0];
	bool ok = l->kind == PRICE_HISTORY ? convert_date_mdy(f->text, f->len, day)
					   : dates_parse(f->text, f->len, day);
	char *text;

	if (ok)
		return 0;
	text = shown(f);
	err_set(err, ERR_INVALID, "'%s' line %lld: '%s' is no date (%s)", l->location,
		(long long)l->line, text, l->kind == PRICE_HISTORY ? "MM/dd/yyyy" : "yyyy-MM-dd");
	free(text);
	return -1;
}

/* 1 and a value, 0: null, -1. */
static int read_price(struct loader *l, float *price, struct err *err)
{
	const struct csv_field *f = &l->fields[1];
	enum price_result got = price_parse(f->text, f->len, price);
	char *text;

	if (got == PRICE_OK) {
		l->counts->missing += *price == -1.0f;
		return 1;
	}
	if (got == PRICE_NONE)
		return 0;
	text = shown(f);
	err_set(err, ERR_INVALID,
		"'%s' line %lld: the price '%s' cannot be told: ',' parts thousands, and '.' comes "
		"before the fraction",
		l->location, (long long)l->line, text);
	free(text);
	return -1;
}

static int read_interest(struct loader *l, int32_t *interest)
{
	const struct csv_field *f = &l->fields[1];
	int64_t n;

	if (number_int64(f->text, f->len, &n) != NUMBER_OK || n > INT32_MAX || n < INT32_MIN)
		return 0;
	*interest = (int32_t)n;
	return 1;
}

static void note_order(struct loader *l, int32_t day)
{
	struct price_counts *c = l->counts;
	int rises = day > l->last ? 1 : -1;

	if (c->rows == 0)
		c->ordered = true;
	else if (day == l->last)
		c->ordered = false;
	else if (l->rises == 0)
		l->rises = rises;
	else if (l->rises != rises) {
		c->ordered = false;
		if (!c->unordered_line)
			c->unordered_line = l->line;
	}
	l->last = day;
	c->rows++;
}

static void note_bad(struct loader *l)
{
	if (l->counts->bad++)
		return;
	l->counts->bad_line = l->line;
	l->counts->bad_value = shown(&l->fields[1]);
}

/* --- into the table --- */

static int append_chunk(struct loader *l, struct err *err)
{
	duckdb_data_chunk_set_size(l->out, l->filled);
	if (l->filled && duckdb_append_data_chunk(l->appender, l->out) != DuckDBSuccess)
		return err_set(err, ERR_FAILED, "%s", duckdb_appender_error(l->appender));
	duckdb_data_chunk_reset(l->out);
	l->filled = 0;
	return 0;
}

static void *column_of(struct loader *l, idx_t column)
{
	return duckdb_vector_get_data(duckdb_data_chunk_get_vector(l->out, column));
}

static void set_null(struct loader *l, idx_t column)
{
	duckdb_vector vector = duckdb_data_chunk_get_vector(l->out, column);

	duckdb_vector_ensure_validity_writable(vector);
	duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), l->filled);
}

static int put_row(struct loader *l, struct err *err)
{
	int32_t day;
	int got;

	if (read_day(l, &day, err) != 0)
		return -1;
	if (l->kind == PRICE_HISTORY)
		got = read_price(l, (float *)column_of(l, 1) + l->filled, err);
	else
		got = read_interest(l, (int32_t *)column_of(l, 1) + l->filled);
	if (got < 0)
		return -1;
	if (got == 0) {
		note_bad(l);
		set_null(l, 1);
	}
	note_order(l, day);
	((int32_t *)column_of(l, 0))[l->filled] = day;
	((int64_t *)column_of(l, 2))[l->filled] = l->line;
	if (++l->filled == duckdb_vector_size())
		return append_chunk(l, err);
	return 0;
}

static int put_rows(struct loader *l, struct err *err)
{
	size_t nr;
	int got;

	if (read_header(l, err) != 0)
		return -1;
	while ((got = next_row(l, &nr, err)) > 0)
		if (check_columns(l, nr, err) != 0 || put_row(l, err) != 0)
			return -1;
	return got < 0 ? -1 : append_chunk(l, err);
}

static int open_table(struct loader *l, struct duck *d, const char *table, struct err *err)
{
	duckdb_logical_type types[] = {duckdb_create_logical_type(DUCKDB_TYPE_DATE),
		duckdb_create_logical_type(
			l->kind == PRICE_HISTORY ? DUCKDB_TYPE_FLOAT : DUCKDB_TYPE_INTEGER),
		duckdb_create_logical_type(DUCKDB_TYPE_BIGINT)};
	char *sql = xasprintf("CREATE TABLE %s (day DATE, value %s, line BIGINT)", table,
		l->kind == PRICE_HISTORY ? "FLOAT" : "INTEGER");
	int ret = duck_exec(d, sql, NULL, err);

	free(sql);
	l->out = duckdb_create_data_chunk(types, ARRAY_SIZE(types));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		duckdb_destroy_logical_type(&types[i]);
	if (ret == 0 &&
		duckdb_appender_create(duck_raw(d), NULL, table, &l->appender) != DuckDBSuccess)
		ret = err_set(err, ERR_FAILED, "%s", duckdb_appender_error(l->appender));
	return ret;
}

/* Only where the order does not show that there are none. */
static int count_repeated(
	struct duck *d, const char *table, struct price_counts *counts, struct err *err)
{
	struct duck_rows rows = {0};
	char *sql;
	long long n = 0;
	int ret;

	if (counts->ordered || counts->rows == 0)
		return 0;
	sql = xasprintf("SELECT count(*), min(day) FROM (SELECT day FROM %s GROUP BY day HAVING "
			"count(*) > 1)",
		table);
	ret = duck_query(d, sql, &rows, err);
	free(sql);
	if (ret == 0 && parse_int64(rows.v[0], 0, INT64_MAX, &n) == 0)
		counts->repeated_day = xstrdup(rows.v[1]);
	counts->repeated = n;
	duck_rows_release(&rows);
	return ret;
}

int price_load(struct job *job, struct duck *d, const char *location, enum price_kind kind,
	const char *table, struct price_counts *counts, struct err *err)
{
	struct loader l = {.location = location, .kind = kind, .counts = counts, .next_line = 1};
	struct stream *stream = stream_open_unpacked(job, location, err);
	int ret = -1;

	if (!stream)
		return -1;
	csv_cutter_init(&l.cutter, &csv_comma, stream_read, stream);
	strbuf_init(&l.chunk);
	l.at = l.chunk.buf;
	if (open_table(&l, d, table, err) == 0)
		ret = put_rows(&l, err);
	if (ret == 0 && duckdb_appender_close(l.appender) != DuckDBSuccess)
		ret = err_set(err, ERR_FAILED, "%s", duckdb_appender_error(l.appender));
	if (ret == 0)
		ret = count_repeated(d, table, counts, err);
	duckdb_appender_destroy(&l.appender);
	duckdb_destroy_data_chunk(&l.out);
	csv_cutter_release(&l.cutter);
	strbuf_release(&l.chunk);
	stream_close(stream);
	return ret;
}
