#ifndef WORKER_H
#define WORKER_H

/*
 * The SQL worker: a process for one query of the local cloud's Athena. It reads frames from standard input and
 * writes frames to standard output: four bytes of length, big-endian, then a JSON document.
 *
 *   {"op":"parse","sql"}                    -> {"ok":true,"tree":"…"}: json_serialize_sql()'s text
 *   {"op":"run","sql","columns","scans","divisions","output","dirs","memory_mb","threads","temp_dir"}
 *                                           -> {"ok":true,"rows":n,"scanned":n} or {"ok":false,"error":"CODE: text"}
 *
 * It has no network, installs nothing, and opens only files below `dirs`. Killing it is the way to cancel.
 */
#include <duckdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "err.h"
#include "json.h"
#include "strbuf.h"

/* --- values --- */
/* Java's Double.toString and Float.toString. */
void format_double(struct strbuf *out, double d);
void format_float(struct strbuf *out, float f);

/* A column of a table of text: how its fields become values. */
struct text_column {
	duckdb_type type;
	int width, scale;  /* of decimals */
	duckdb_type store; /* of decimals: the integer they are kept in */
	bool used;
};
int text_column_init(struct text_column *c, const char *duck_type, struct err *err) must_check;
duckdb_logical_type text_column_type(const struct text_column *c);
/* Writes a field to a row of a vector; false when it is no such value (the row is null then). */
bool text_column_put(
	const struct text_column *c, duckdb_vector vector, idx_t row, const char *text, size_t len);
void vector_null(duckdb_vector vector, idx_t row);

/* One value of a result; null gives false and appends nothing. */
bool format_value(
	struct strbuf *out, duckdb_vector vector, duckdb_logical_type type, idx_t row, bool zoned);

/* --- tables of text --- */
struct text_file {
	const char *path;
	const struct json *values; /* of the partition keys */
};
struct text_scan {
	struct text_column *columns; /* partition keys last */
	size_t nr, nr_keys;
	struct text_file *files;
	size_t nr_files;
	char delimiter, quote, escape; /* NUL: none */
	bool strict;                   /* OpenCSVSerde: quoted, and bad values are errors */
	const char *null_text;
	int64_t skip_lines;
	struct json_scan *json; /* lines of JSON: worker_json.h; NULL: fields of text */
};
/* Lines of a file, gzip and zip unwrapped. */
struct line_reader;
struct line_reader *line_reader_open(const char *path, struct err *err) must_check;
/* 1: a line (borrowed, without its end), 0: the end, -1. *first: it is the first of its file (of each in a zip). */
int line_reader_next(struct line_reader *r, const char **line, size_t *len, bool *first,
	struct err *err) must_check;
void line_reader_free(struct line_reader *r);

/* --- the session --- */
struct session {
	duckdb_database db;
	duckdb_connection con;
	struct text_scan *text_scans; /* by scan's number */
	size_t nr_scans;
	int threads;
	uint64_t scanned;
};
/* Runs a statement; the result is the caller's when asked for. */
int session_query(
	struct session *s, const char *sql, duckdb_result *result, struct err *err) must_check;
/* "java_double", "java_float", "decdiv_…" */
int functions_register(struct session *s, const struct json *divisions, struct err *err) must_check;
int text_scan_register(struct session *s, struct err *err) must_check;
/* Makes the views t0, t1, … */
int scans_open(struct session *s, const struct json *scans, struct err *err) must_check;
void scans_release(struct session *s);
void sql_literal(struct strbuf *out, const char *text);
void sql_identifier(struct strbuf *out, const char *text);

/* --- frames and settings, shared by both modes (worker.c) --- */
struct json *worker_read_frame(struct err *err) must_check;
int worker_write_frame(const struct json *doc, struct err *err) must_check;
int worker_set_config(
	duckdb_config config, const char *name, const char *value, struct err *err) must_check;
/* `glueproj-sqlworker --resident`: worker_resident.h. Returns the exit code. */
int resident_main(void);

#endif
