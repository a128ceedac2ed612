#ifndef CSVTABLE_H
#define CSVTABLE_H

/*
 * CSV as a table in DuckDB, read by all of its threads; each column by its type: text, or converted, with null for what does
 * not convert (lenient types), or an error (strict types). Bytes that are no UTF-8 become U+FFFD. Short rows end in
 * nulls, what a row has too much does not count. Only the columns that a query asks for are made.
 */
#include "csvfeed.h"
#include "csvscan.h"
#include "duck.h"

enum csv_type {
	CSV_TEXT,
	/* lenient */
	CSV_INT32,
	CSV_DECIMAL_10_2,
	CSV_DATE_MDY,
	/* strict; an empty one is null, but for days */
	CSV_INT64,
	CSV_DOUBLE,
	CSV_DAY, /* dates.h */
};

/* A column that every table has besides its own: see csv_row_id. */
#define CSV_ROW_ID "row id"
/* An input's index, and how many bytes stand before the row in it. */
static inline size_t csv_row_input(int64_t row_id)
{
	return (size_t)(row_id >> 40);
}
static inline int64_t csv_row_offset(int64_t row_id)
{
	return row_id & ((INT64_C(1) << 40) - 1);
}
#define CSV_MAX_INPUTS ((size_t)1 << 23)

struct csv_table;

/* --- one stream, its columns by its own header --- */
struct csv_rule {
	const char *name; /* of the column, renamed */
	enum csv_type type;
};
/* ' ' becomes '_', upper case lower. */
void csv_rename(struct strbuf *name);
/* Reads the header; names go through csv_rename, columns without a rule are text. `rules` ends with {0}, and is
 * borrowed. An empty input and two columns with one name are ERR_INVALID. Can be read once. */
struct csv_table *csv_table_open(
	csv_read_fn *read, void *payload, const struct csv_rule *rules, struct err *err) must_check;

/* --- many inputs, columns by their reader --- */
struct csv_column {
	const char *name; /* in SQL; copied */
	enum csv_type type;
};
/* At most CSV_MAX_INPUTS. Every scan of a query opens the inputs anew. */
struct csv_table *csv_table_new(const struct csv_feed_ops *ops, void *payload, size_t nr_inputs,
	const struct csv_column *columns, size_t nr_columns);

/* About how many rows there are, so that DuckDB joins from the right side. */
void csv_table_expect(struct csv_table *t, int64_t rows);
/* Makes `SELECT … FROM name()` possible, once. */
int csv_table_register(
	struct csv_table *t, struct duck *d, const char *name, struct err *err) must_check;
const struct strvec *csv_table_columns(const struct csv_table *t);
/* Rows read so far. */
int64_t csv_table_rows(const struct csv_table *t);
/* Why the stream broke, if it did: moves it into err, -1. */
int csv_table_error(struct csv_table *t, struct err *err);
/* A value that a strict type could not take. */
struct csv_bad_value {
	int64_t row_id;
	size_t column;
	char *value; /* as UTF-8, cut where it is long */
};
/* The first one that was met; NULL when there is none. Borrowed. */
const struct csv_bad_value *csv_table_bad_value(const struct csv_table *t);
void csv_table_free(struct csv_table *t); /* after the session is closed; NULL is fine */

#endif
