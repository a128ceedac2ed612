#include "sql.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "map.h"
#include "xalloc.h"

/* How long a writer of another process (a second server that was just started) is waited for. */
#define BUSY_MS 10000

struct sql_stmt {
	sqlite3_stmt *raw;
	struct sql_db *db;
	bool cached, busy;
};

struct sql_db {
	sqlite3 *raw;
	struct map cache; /* text of a statement -> struct sql_stmt */
};

static int fail(struct sql_db *db, int rc, struct err *err)
{
	int extended = sqlite3_extended_errcode(db->raw);
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return err_set(err, ERR_IO, "database: disk is full");
	case SQLITE_CONSTRAINT:
		if (extended == SQLITE_CONSTRAINT_UNIQUE ||
			extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
			extended == SQLITE_CONSTRAINT_ROWID)
			return err_set(err, ERR_EXISTS, "database: %s", sqlite3_errmsg(db->raw));
		return err_set(err, ERR_CONFLICT, "database: %s", sqlite3_errmsg(db->raw));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_CONFLICT, "database: %s", sqlite3_errmsg(db->raw));
	default:
		return err_set(err, ERR_IO, "database: %s", sqlite3_errmsg(db->raw));
	}
}

static void free_stmt(void *value)
{
	struct sql_stmt *st = value;
	sqlite3_finalize(st->raw);
	free(st);
}

struct sql_db *sql_open(const char *path, struct err *err)
{
	struct sql_db *db = xcalloc(1, sizeof(*db));
	map_init(&db->cache, free_stmt);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
	int rc = sqlite3_open_v2(path, &db->raw, flags, NULL);
	if (!db->raw)
		BUG("out of memory");
	if (rc != SQLITE_OK) {
		fail(db, rc, err);
		goto fail;
	}
	sqlite3_extended_result_codes(db->raw, 1);
	sqlite3_busy_timeout(db->raw, BUSY_MS);
	if (sql_exec(db,
		    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
		    err))
		goto fail;
	return db;
fail:
	err_wrap(err, "cannot open '%s'", path);
	sql_close(db);
	return NULL;
}

void sql_close(struct sql_db *db)
{
	if (!db)
		return;
	map_release(&db->cache);
	sqlite3_close(db->raw);
	free(db);
}

int sql_exec(struct sql_db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : fail(db, rc, err);
}

int sql_begin(struct sql_db *db, struct err *err)
{
	return sql_exec(db, "BEGIN IMMEDIATE", err);
}

int sql_commit(struct sql_db *db, struct err *err)
{
	return sql_exec(db, "COMMIT", err);
}

void sql_rollback(struct sql_db *db)
{
	if (!sqlite3_get_autocommit(db->raw))
		sqlite3_exec(db->raw, "ROLLBACK", NULL, NULL, NULL);
}

/* A free statement of that text: the cached one, or a second one when that is in use. */
static struct sql_stmt *prepare(struct sql_db *db, const char *sql, struct err *err)
{
	struct sql_stmt *st = map_get(&db->cache, sql);
	if (st && !st->busy) {
		st->busy = true;
		return st;
	}
	sqlite3_stmt *raw = NULL;
	const char *tail = NULL;
	int rc = sqlite3_prepare_v3(db->raw, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, &tail);
	if (rc != SQLITE_OK) {
		fail(db, rc, err);
		return NULL;
	}
	if (!raw || tail[strspn(tail, " \t\r\n;")])
		BUG("not one statement: %s", sql);
	bool cached = !st;
	st = xcalloc(1, sizeof(*st));
	*st = (struct sql_stmt){.raw = raw, .db = db, .cached = cached, .busy = true};
	if (cached)
		map_put(&db->cache, sql, st);
	return st;
}

static int bind_one(sqlite3_stmt *raw, int i, char type, va_list *ap)
{
	const void *data;
	const char *s;
	switch (type) {
	case 's':
		s = va_arg(*ap, const char *);
		return s ? sqlite3_bind_text(raw, i, s, -1, SQLITE_TRANSIENT)
			 : sqlite3_bind_null(raw, i);
	case 'i':
		return sqlite3_bind_int64(raw, i, va_arg(*ap, int64_t));
	case 'd':
		return sqlite3_bind_double(raw, i, va_arg(*ap, double));
	case 'b':
		data = va_arg(*ap, const void *);
		return sqlite3_bind_blob64(
			raw, i, data ? data : "", va_arg(*ap, size_t), SQLITE_TRANSIENT);
	case 'n':
		return sqlite3_bind_null(raw, i);
	default:
		BUG("unknown parameter type '%c'", type);
	}
}

static struct sql_stmt *query(
	struct sql_db *db, struct err *err, const char *sql, const char *types, va_list *ap)
{
	struct sql_stmt *st = prepare(db, sql, err);
	if (!st)
		return NULL;
	if (!types)
		types = "";
	if ((size_t)sqlite3_bind_parameter_count(st->raw) != strlen(types))
		BUG("'%s' does not fit the parameters of: %s", types, sql);
	for (int i = 0; types[i]; i++) {
		int rc = bind_one(st->raw, i + 1, types[i], ap);
		if (rc != SQLITE_OK) {
			fail(db, rc, err);
			sql_done(st);
			return NULL;
		}
	}
	return st;
}

struct sql_stmt *sql_query(
	struct sql_db *db, struct err *err, const char *sql, const char *types, ...)
{
	va_list ap;
	va_start(ap, types);
	struct sql_stmt *st = query(db, err, sql, types, &ap);
	va_end(ap);
	return st;
}

int sql_step(struct sql_stmt *st, struct err *err)
{
	int rc = sqlite3_step(st->raw);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail(st->db, rc, err);
}

void sql_done(struct sql_stmt *st)
{
	if (!st)
		return;
	if (!st->cached) {
		free_stmt(st);
		return;
	}
	sqlite3_reset(st->raw);
	sqlite3_clear_bindings(st->raw); /* so that no secret stays behind */
	st->busy = false;
}

const char *sql_text(struct sql_stmt *st, int column)
{
	return (const char *)sqlite3_column_text(st->raw, column);
}

char *sql_text_dup(struct sql_stmt *st, int column)
{
	const char *text = sql_text(st, column);
	return text && *text ? xstrdup(text) : NULL;
}

int64_t sql_int(struct sql_stmt *st, int column)
{
	return sqlite3_column_int64(st->raw, column);
}

double sql_double(struct sql_stmt *st, int column)
{
	return sqlite3_column_double(st->raw, column);
}

const void *sql_blob(struct sql_stmt *st, int column, size_t *len)
{
	const void *data = sqlite3_column_blob(st->raw, column);
	*len = (size_t)sqlite3_column_bytes(st->raw, column);
	return data;
}

bool sql_is_null(struct sql_stmt *st, int column)
{
	return sqlite3_column_type(st->raw, column) == SQLITE_NULL;
}

int sql_run(struct sql_db *db, int64_t *changed, struct err *err, const char *sql,
	const char *types, ...)
{
	va_list ap;
	va_start(ap, types);
	struct sql_stmt *st = query(db, err, sql, types, &ap);
	va_end(ap);
	if (!st)
		return -1;
	int more = 1;
	while (more > 0)
		more = sql_step(st, err);
	if (!more && changed)
		*changed = sqlite3_changes64(db->raw);
	sql_done(st);
	return more;
}

int sql_exists(struct sql_db *db, struct err *err, const char *sql, const char *types, ...)
{
	va_list ap;
	va_start(ap, types);
	struct sql_stmt *st = query(db, err, sql, types, &ap);
	va_end(ap);
	int row = st ? sql_step(st, err) : -1;
	sql_done(st);
	return row;
}

int64_t sql_last_rowid(struct sql_db *db)
{
	return sqlite3_last_insert_rowid(db->raw);
}
