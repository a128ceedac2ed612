#ifndef CSVSCAN_H
#define CSVSCAN_H

/*
 * A CSV stream cut into chunks of whole rows, for many threads: cutting is serial (and as fast as memchr where there
 * are no quotes), reading the fields of a chunk is each thread's own business. libcsv calls back for every field of
 * one stream and one thread, which is what bounded the clean job; so this is our own.
 *
 * By a dialect's letters: quotes with "" inside, LF or CRLF; line ends inside quotes belong to the field. A quote counts
 * only at the start of a field, an escape only inside quotes and before a quote or itself: else it is a letter. An
 * unquoted empty field is null, a quoted one is ''. Empty lines do not count.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "err.h"
#include "strbuf.h"

/* As archive_read_fn: the next bytes, 0 at the end, -1. */
typedef ssize_t csv_read_fn(void *payload, const void **block, struct err *err);

struct csv_dialect {
	char delimiter;
	char quote;  /* '\0': none */
	char escape; /* before a quote or itself inside quotes; '\0': none, only "" doubles */
};
#define CSV_DIALECT_COMMA      \
	{                      \
		',', '"', '\0' \
	}

/* Comma and '"'. */
extern const struct csv_dialect csv_comma;
/* ERR_INVALID, with the reason, for letters that are no dialect: two that are equal, a line end. */
int csv_dialect_check(const struct csv_dialect *d, struct err *err) must_check;

enum csv_state { CSV_START, CSV_PLAIN, CSV_QUOTED, CSV_QUOTE, CSV_ESCAPED };

struct csv_cutter {
	struct csv_dialect dialect;
	csv_read_fn *read;
	void *payload;
	pthread_mutex_t lock;
	struct strbuf pending;       /* not given out yet */
	size_t scanned, row_end;     /* of pending */
	enum csv_state state;        /* at `scanned` */
	size_t chunk_bytes, max_row; /* a chunk is at least that, where there is more */
	int64_t given;               /* bytes that went into chunks */
	bool started, ended;
};

/* `dialect` is copied. */
void csv_cutter_init(
	struct csv_cutter *c, const struct csv_dialect *dialect, csv_read_fn *read, void *payload);
void csv_cutter_release(struct csv_cutter *c);
/* 1 and whole rows in `chunk` (replaced), 0 at the end, -1. Any thread. A byte order mark is dropped. `offset` (may be
 * NULL): how many bytes stood before the chunk, a byte order mark not counted. */
int csv_cutter_take(
	struct csv_cutter *c, struct strbuf *chunk, int64_t *offset, struct err *err) must_check;

struct csv_field {
	const char *text; /* in the chunk; not terminated */
	size_t len;
	bool null;
};
/* Reads a row at *at (moved behind it), unescaping in place. Gives the number of its fields, of which at most `max` are
 * stored; 0 when nothing but empty lines is left. */
size_t csv_read_row(const struct csv_dialect *dialect, char **at, char *end,
	struct csv_field *fields, size_t max);

#endif
