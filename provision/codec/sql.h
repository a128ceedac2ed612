#ifndef SQL_H
#define SQL_H

/*
 * SQLite for the local cloud's control plane. A database handle may be used by one thread at a time:
 * the owner locks. WAL, synchronous=NORMAL, foreign keys on: what was committed survives kill -9.
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct sql_db;
struct sql_stmt;

struct sql_db *sql_open(const char *path, struct err *err) must_check;
void sql_close(struct sql_db *db);
/* One or more statements without parameters or rows. A full disk gives ERR_IO with "disk is full" in the text. */
int sql_exec(struct sql_db *db, const char *sql, struct err *err) must_check;
int sql_begin(struct sql_db *db, struct err *err) must_check; /* IMMEDIATE; may not nest */
int sql_commit(struct sql_db *db, struct err *err) must_check;
void sql_rollback(struct sql_db *db); /* fine when nothing is open */

/*
 * A statement from the handle's cache. `types` has a letter for each parameter, in order:
 * s const char * (NULL = null), i int64_t, d double, b const void * and size_t (two arguments), n nothing (null).
 * Strings are copied. Always give it back with sql_done().
 */
struct sql_stmt *sql_query(
	struct sql_db *db, struct err *err, const char *sql, const char *types, ...) must_check;
/* 1: a row, 0: no more, -1. */
int sql_step(struct sql_stmt *st, struct err *err) must_check;
void sql_done(struct sql_stmt *st); /* NULL is fine */
/* Borrowed until the next step. */
const char *sql_text(struct sql_stmt *st, int column); /* NULL for null */
/* Malloc'd; NULL for null and for "". */
char *sql_text_dup(struct sql_stmt *st, int column);
int64_t sql_int(struct sql_stmt *st, int column);
double sql_double(struct sql_stmt *st, int column);
const void *sql_blob(struct sql_stmt *st, int column, size_t *len);
bool sql_is_null(struct sql_stmt *st, int column);
/* Query, step to the end, done. ERR_EXISTS on a unique constraint. `changed` may be NULL. */
int sql_run(struct sql_db *db, int64_t *changed, struct err *err, const char *sql,
	const char *types, ...) must_check;
/* Has the query a row? 1, 0, -1. */
int sql_exists(
	struct sql_db *db, struct err *err, const char *sql, const char *types, ...) must_check;
int64_t sql_last_rowid(struct sql_db *db);

#endif
