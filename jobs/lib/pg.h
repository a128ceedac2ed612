#ifndef PG_H
#define PG_H

/*
 * A PostgreSQL session (libpq): connect, statements with parameters, COPY in, transactions. Every wait hears signals: what runs is
 * then cancelled, ERR_INTERRUPTED. One thread a session.
 *
 * Errors: the server's message on one line with its detail, its hint as hint, and its SQLSTATE as the error's name ("SQLSTATE 42P01"), for
 * pg_is_state. Codes: ERR_DENIED (28xxx, 42501), ERR_NOT_FOUND (no such database, schema, table), ERR_EXISTS, ERR_CONFLICT (locks,
 * deadlocks, dependants), ERR_IO (the server cannot be reached or went away), else ERR_FAILED.
 * A password is in no message: what cannot be read as a connection string is not repeated.
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"
#include "json.h"
#include "strbuf.h"

struct pg;

/* By a connection string of libpq's ("host=… password=…" or postgresql://…). `what` names it in messages. */
struct pg *pg_connect_text(const char *conninfo, const char *what, struct err *err) must_check;
/* By members as in secrets of Amazon RDS: host, port, username (user), password, dbname (database), and libpq's sslmode, sslrootcert,
 * connect_timeout, options, target_session_attrs, channel_binding. Others do not count. */
struct pg *pg_connect_json(const struct json *secret, const char *what, struct err *err) must_check;
/* By libpq's environment and files: PGHOST, PGSERVICE, PGPASSFILE… */
struct pg *pg_connect_environment(struct err *err) must_check;
/* What is open is rolled back by the server. NULL is fine. */
void pg_close(struct pg *p);
/* "user@host:port/database" for messages; borrowed. */
const char *pg_shown(const struct pg *p);

bool pg_is_state(const struct err *err, const char *sqlstate);

/* All values as text, row by row; NULL where SQL has NULL. */
struct pg_rows {
	char **v; /* nr_rows * nr_columns */
	size_t nr_rows, nr_columns;
	int64_t affected; /* rows that INSERT, UPDATE, DELETE, COPY tell of */
};
#define PG_ROWS_INIT \
	{            \
		0    \
	}
void pg_rows_release(struct pg_rows *r);
/* One statement; `parameters` are texts or NULL ($1…). `out` may be NULL. */
int pg_query(struct pg *p, const char *sql, const char *const *parameters, size_t nr,
	struct pg_rows *out, struct err *err) must_check;
/* One statement without parameters or rows. */
int pg_exec(struct pg *p, const char *sql, struct err *err) must_check;

/* Statements with ';' between them, whose rows do not count; they end at the first error. */
int pg_script(struct pg *p, const char *sql, struct err *err) must_check;

/* After pg_begin all is one until pg_commit; pg_rollback in any state, errors do not count. A session that breaks in the commit
 * itself is ERR_AMBIGUOUS: it may have happened. */
int pg_begin(struct pg *p, struct err *err) must_check;
int pg_commit(struct pg *p, struct err *err) must_check;
void pg_rollback(struct pg *p);

/* COPY … FROM STDIN: begin, any number of writes, then end (*rows: how many were taken) or, after an error, pg_rollback. */
int pg_copy_begin(struct pg *p, const char *sql, struct err *err) must_check;
int pg_copy_write(struct pg *p, const void *data, size_t len, struct err *err) must_check;
int pg_copy_end(struct pg *p, int64_t *rows, struct err *err) must_check;

/* A name as SQL, quoted by the server's own rules, appended. */
void pg_add_name(struct pg *p, struct strbuf *sql, const char *name);

#endif
