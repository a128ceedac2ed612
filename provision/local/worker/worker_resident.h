#ifndef WORKER_RESIDENT_H
#define WORKER_RESIDENT_H

/*
 * The SQL worker as a warehouse: one process for one database file, kept while the cloud runs. Frames as in worker.h; a
 * request names its session, and its reply carries the same number, so that sessions run side by side.
 *
 *   {"op":"open","session":0,"path","dirs":[…],"memory_mb","threads","temp_dir"}
 *   {"op":"run","session":n,"sql","output","format":"JSON"|"CSV","max_bytes"}
 *                        -> {"session":n,"ok":true,"columns":[…]|absent,"rows":n,"bytes":n}
 *   {"op":"load","session":n,"schema","table","columns":[…]|absent,"format","options":{…},"files":[{"path","name","gzip"}]}
 *                        -> {"session":n,"ok":true,"rows":n}
 *   {"op":"unload","session":n,"sql","output","format","options":{…}} -> {"session":n,"ok":true,"rows":n}
 *   {"op":"cancel","session":n}      no reply; the statement under way ends with an error
 *   {"op":"close","session":n}       rolls back what is open
 *
 * A failed one is {"session":n,"ok":false,"error":"…"}: DuckDB's words, or Redshift's where they begin with "ERROR: ".
 *
 * Two databases are open. The warehouse has no access to any file but its own: no statement of a user gets at one. The
 * loader is empty, runs none of the user's text, and reads and writes files below `dirs`; rows go from one to the other.
 * The process ends when its standard input does, whatever runs: what was committed is in the write-ahead log.
 */
#include <stdatomic.h>
#include "worker.h"

struct resident_session {
	int64_t id;
	duckdb_connection con;
	atomic_bool cancelled;
	struct resident_session *next;
};

/* A result to rows: one JSON array a line, or CSV. Fills columns, rows and bytes of the reply (worker_record.c). */
int record_result(duckdb_result *result, const struct json *req, const atomic_bool *cancelled,
	struct json *reply, struct err *err) must_check;
/* Redshift's name of a type: "int4"; for messages and CREATE. */
const char *record_type_name(duckdb_logical_type type);

/* Runs one statement with streaming; the result is the caller's. */
int resident_query(struct resident_session *s, const char *sql, duckdb_result *result,
	struct err *err) must_check;
/* As session_query, on any connection, errors in DuckDB's words. */
int resident_exec(
	duckdb_connection con, const char *sql, duckdb_result *result, struct err *err) must_check;
/* "glueproj_avg", which AVG is written as (worker_avg.c). */
int resident_functions(duckdb_connection con, struct err *err) must_check;
/* A new connection to the loader. */
int resident_loader(duckdb_connection *con, struct err *err) must_check;

int resident_load(struct resident_session *s, const struct json *req, struct json *reply,
	struct err *err) must_check;
int resident_unload(struct resident_session *s, const struct json *req, struct json *reply,
	struct err *err) must_check;

#endif
