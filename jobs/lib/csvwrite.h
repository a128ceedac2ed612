#ifndef CSVWRITE_H
#define CSVWRITE_H

/*
 * CSV as the steps hand it on: '\n', quotes only where needed, null as nothing (an empty text as ""). A file whose name
 * ends in ".gz" is gzip. Paths are scratch: a place gets the file by runfolder_put.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "duck.h"
#include "strbuf.h"

/* One field, appended. */
void csv_add_field(struct strbuf *row, char delimiter, const char *text, size_t len);

/* --- a file, from text --- */
struct csv_file;
/* `threads` pack where it is gzip. */
struct csv_file *csv_file_new(const char *path, size_t threads, struct err *err) must_check;
int csv_file_write(struct csv_file *f, const void *text, size_t len, struct err *err) must_check;
int csv_file_finish(struct csv_file *f, struct err *err) must_check; /* frees f either way */
void csv_file_abort(struct csv_file *f); /* removes the file; NULL is fine */

/* --- many texts behind numbers: what repeats in millions of rows need not pass through a sort --- */
struct csv_names {
	struct strbuf text; /* fields, ready to be written */
	size_t *ends;
	size_t nr, alloc;
};
#define CSV_NAMES_INIT                  \
	{                               \
		STRBUF_INIT, NULL, 0, 0 \
	}
/* Gets the next number, from 0. */
void csv_names_add(struct csv_names *n, char delimiter, const char *text, size_t len);
/* All rows of a query with one VARCHAR column. */
int csv_names_query(struct csv_names *n, struct duck *d, const char *sql, char delimiter,
	struct err *err) must_check;
void csv_names_release(struct csv_names *n);

/* --- a file, from a query: its rows in its order; memory is the query's own --- */
struct csv_copy {
	const char
		*sql; /* gives VARCHAR, DATE, INTEGER and BIGINT columns; others are to be cast */
	char delimiter;
	const struct strvec *header;
	const struct csv_names *names; /* NULL, or the texts of column 0, which is INTEGER */
	/* Rows that are equal in so many first columns to the row before are counted; 0: none. */
	size_t key_columns;
};
struct csv_copied {
	int64_t rows, repeated;
	char *example; /* the first repeated key, as it stands in the file; NULL; malloc'd */
};
/* A failure leaves no file. ERR_NOT_FOUND when the query gives no row: no file either. */
int csv_copy(struct duck *d, const struct csv_copy *copy, const char *path, struct csv_copied *out,
	struct err *err) must_check;
void csv_copied_release(struct csv_copied *c);

#endif
