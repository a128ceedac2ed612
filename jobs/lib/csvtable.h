#ifndef CSVTABLE_H
#define CSVTABLE_H

/*
 * A CSV stream with a header as a table in DuckDB, read by all of its threads; each column by its rule: text, or
 * converted, with null for what does not convert. Bytes that are no UTF-8 become U+FFFD. Short rows end in nulls, what
 * a row has too much does not count.
 */
#include "csvscan.h"
#include "duck.h"

enum csv_type { CSV_TEXT, CSV_INT32, CSV_DECIMAL_10_2, CSV_DATE_MDY };
struct csv_rule {
	const char *name; /* of the column, renamed */
	enum csv_type type;
};
/* ' ' becomes '_', upper case lower. */
void csv_rename(struct strbuf *name);

struct csv_table;
/* Reads the header; names go through csv_rename, columns without a rule are text. `rules` ends with {0}, and is
 * borrowed. An empty input and two columns with one name are ERR_INVALID. */
struct csv_table *csv_table_open(
	csv_read_fn *read, void *payload, const struct csv_rule *rules, struct err *err) must_check;
/* Makes `SELECT … FROM name()` possible, once. */
int csv_table_register(
	struct csv_table *t, struct duck *d, const char *name, struct err *err) must_check;
const struct strvec *csv_table_columns(const struct csv_table *t);
/* Rows read so far. */
int64_t csv_table_rows(const struct csv_table *t);
/* Why the stream broke, if it did: moves it into err, -1. */
int csv_table_error(struct csv_table *t, struct err *err);
void csv_table_free(struct csv_table *t); /* after the session is closed; NULL is fine */

#endif
