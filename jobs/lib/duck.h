#ifndef DUCK_H
#define DUCK_H

/*
 * A DuckDB session for transforms: memory and threads from the run's limits, spills into the job's scratch folder,
 * no network, no extensions, no files outside the allowed folders, configuration locked.
 */
#include "job.h"
#include "strbuf.h"
#include "strvec.h"

struct duck;
/* `folders`: what may be read and written besides the job's scratch. `percent` of the run's memory is DuckDB's: the rest is
 * for the process and for what DuckDB does not count (readers' and writers' buffers). */
struct duck *duck_open(
	struct job *job, int percent, const struct strvec *folders, struct err *err) must_check;
/* A session of `memory_mb` (64 at least) and as many threads as that feeds, whatever the run may use. */
struct duck *duck_open_small(struct job *job, int64_t memory_mb, const struct strvec *folders,
	struct err *err) must_check;
/* As duck_open, with one thread: for inputs that are so small that starting others costs more than they do. */
struct duck *duck_open_single(
	struct job *job, int percent, const struct strvec *folders, struct err *err) must_check;
void duck_close(struct duck *d); /* NULL is fine */
/* The memory limit was reached, and there was nothing left to spill. */
bool duck_is_out_of_memory(const struct err *err);
/* One more connection to the same session, for another thread; closed by duck_close, before its origin. */
struct duck *duck_connect(struct duck *d, struct err *err) must_check;
size_t duck_threads(const struct duck *d);

/* Runs one statement. `rows` (may be NULL) is what COPY, INSERT and CREATE AS count. */
int duck_exec(struct duck *d, const char *sql, int64_t *rows, struct err *err) must_check;
/* All values of a query, row by row, as text; NULL where SQL has NULL. Call once for few rows, never for data. */
struct duck_rows {
	char **v; /* nr_rows * nr_columns */
	size_t nr_rows, nr_columns;
};
int duck_query(struct duck *d, const char *sql, struct duck_rows *out, struct err *err) must_check;
void duck_rows_release(struct duck_rows *r);

/* 'text' and "name" with quotes doubled, appended. */
void duck_add_text(struct strbuf *sql, const char *text);
void duck_add_name(struct strbuf *sql, const char *name);
/* ['a', 'b'] */
void duck_add_list(struct strbuf *sql, const struct strvec *texts);

/* For csvtable: the duckdb_connection behind it. */
void *duck_raw(struct duck *d);

#endif
