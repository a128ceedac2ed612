#include "pg.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "job.h"
#include "pg_internal.h"

#define STATE "SQLSTATE "
#define POLL_MS 500
/* To hear from the server that a statement was cancelled. */
#define CANCEL_WAIT_MS 5000

/* --- errors --- */

/* One line: "ERROR:  text\nDETAIL: …" without the server's own severity. */
static void add_line(struct strbuf *out, const char *text)
{
	for (; text && *text; text++)
		strbuf_addch(out, (unsigned char)*text < ' ' ? ' ' : *text);
	strbuf_trim(out);
}

static enum err_code code_of(const char *state)
{
	static const struct {
		const char *prefix;
		enum err_code code;
	} codes[] = {
		{"08", ERR_IO},
		{"28", ERR_DENIED},
		{"42501", ERR_DENIED},
		{"3D000", ERR_NOT_FOUND},
		{"3F000", ERR_NOT_FOUND},
		{"42P01", ERR_NOT_FOUND},
		{"42P07", ERR_EXISTS},
		{"55P03", ERR_CONFLICT},
		{"40", ERR_CONFLICT},
		{"2BP01", ERR_CONFLICT},
		{"57P0", ERR_IO},
		{"53", ERR_TRANSIENT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (starts_with(state, codes[i].prefix))
			return codes[i].code;
	return ERR_FAILED;
}

static int lost(const struct pg *p, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret;

	add_line(&text, PQerrorMessage(p->connection));
	ret = err_set(err, ERR_IO, "%s: the connection broke: %s", p->shown,
		text.len ? text.buf : "no reason given");
	strbuf_release(&text);
	return ret;
}

static int fail_of_result(const struct pg *p, const PGresult *result, struct err *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	struct strbuf line = STRBUF_INIT;
	char *named;

	/* Without a state libpq speaks itself: the server is gone. */
	if (!state || !text)
		return lost(p, err);
	add_line(&line, text);
	if (detail) {
		strbuf_addstr(&line, ": ");
		add_line(&line, detail);
	}
	err_set(err, code_of(state), "%s: %s", p->shown, line.buf);
	named = xasprintf(STATE "%s", state);
	err_named(err, named);
	free(named);
	if (hint)
		err_hint(err, "%s", hint);
	strbuf_release(&line);
	return -1;
}

bool pg_is_state(const struct err *err, const char *sqlstate)
{
	return err->name && starts_with(err->name, STATE) &&
	       strcmp(err->name + strlen(STATE), sqlstate) == 0;
}

/* --- waiting --- */

static void *send_cancel(void *request)
{
	char why[256];

	(void)PQcancel(request, why, sizeof(why));
	PQfreeCancel(request);
	return NULL;
}

/* On a connection of its own, which a server that hangs would hold for ever: nobody waits for it. */
static void cancel(struct pg *p)
{
	PGcancel *request = PQgetCancel(p->connection);
	pthread_t thread;

	if (!request)
		return;
	if (pthread_create(&thread, NULL, send_cancel, request) == 0)
		pthread_detach(thread);
	else
		PQfreeCancel(request);
}

/* Until the socket may be read (or written, where that is asked for). */
static int wait_socket(struct pg *p, bool write, struct err *err)
{
	struct pollfd fd = {
		.fd = PQsocket(p->connection), .events = (short)(POLLIN | (write ? POLLOUT : 0))};

	if (job_check_interrupt(err) != 0)
		return -1;
	if (fd.fd < 0)
		return lost(p, err);
	(void)poll(&fd, 1, POLL_MS);
	return job_check_interrupt(err);
}

/* All that was queued goes out. */
static int flush(struct pg *p, struct err *err)
{
	int left;

	while ((left = PQflush(p->connection)) > 0) {
		if (wait_socket(p, true, err) != 0)
			return -1;
		if (!PQconsumeInput(p->connection))
			return lost(p, err);
	}
	return left < 0 ? lost(p, err) : 0;
}

/* The next result, NULL at the end of a statement's. */
static int next_result(struct pg *p, PGresult **result, struct err *err)
{
	*result = NULL;
	if (flush(p, err) != 0)
		return -1;
	while (PQisBusy(p->connection)) {
		if (wait_socket(p, false, err) != 0)
			return -1;
		if (!PQconsumeInput(p->connection))
			return lost(p, err);
	}
	*result = PQgetResult(p->connection);
	return 0;
}

/* After an interruption: the server is told, and what it still says is thrown away, for a while. */
static void give_up(struct pg *p)
{
	const struct clock *clock = clock_system();
	int64_t until = clock->mono_ms(clock) + CANCEL_WAIT_MS;
	bool copying;
	PGresult *result;

	if (PQtransactionStatus(p->connection) != PQTRANS_ACTIVE)
		return;
	if (PQisBusy(p->connection))
		cancel(p);
	for (;;) {
		struct pollfd fd = {.fd = PQsocket(p->connection), .events = POLLIN};

		(void)PQflush(p->connection);
		while (!PQisBusy(p->connection)) {
			result = PQgetResult(p->connection);
			if (!result)
				return;
			copying = PQresultStatus(result) == PGRES_COPY_IN;
			PQclear(result);
			if (copying && PQputCopyEnd(p->connection, "given up") <= 0)
				break;
		}
		if (fd.fd < 0 || clock->mono_ms(clock) > until)
			return;
		(void)poll(&fd, 1, 100);
		if (!PQconsumeInput(p->connection))
			return;
	}
}

/* --- connecting --- */

static int poll_connection(struct pg *p, int64_t until_ms, struct err *err)
{
	const struct clock *clock = clock_system();
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
		struct pollfd fd = {.fd = PQsocket(p->connection),
			.events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};

		if (job_check_interrupt(err) != 0)
			return -1;
		if (clock->mono_ms(clock) > until_ms)
			return err_set(err, ERR_IO, "%s does not answer", p->shown);
		if (fd.fd >= 0 && poll(&fd, 1, POLL_MS) == 0)
			continue;
		state = PQconnectPoll(p->connection);
	}
	return 0;
}

/* libpq keeps no SQLSTATE of a refused start-up: its text tells. */
static int refused(struct pg *p, struct err *err)
{
	const char *text = PQerrorMessage(p->connection);
	struct strbuf line = STRBUF_INIT;
	enum err_code code = ERR_IO;

	add_line(&line, text);
	if (strstr(text, "authentication failed") || strstr(text, "no password supplied") ||
		strstr(text, "no pg_hba.conf entry"))
		code = ERR_DENIED;
	else if (strstr(text, "does not exist"))
		code = ERR_NOT_FOUND;
	err_set(err, code, "%s: cannot connect: %s", p->shown, line.buf);
	strbuf_release(&line);
	return -1;
}

static char *show(PGconn *c)
{
	const char *user = PQuser(c), *host = PQhost(c), *port = PQport(c), *database = PQdb(c);

	return xasprintf("%s@%s:%s/%s", user ? user : "", host && *host ? host : "localhost",
		port ? port : "", database ? database : "");
}

static void ignore_notice(unused_arg void *payload, unused_arg const PGresult *result)
{
}

struct pg *pg_connect_parameters(
	const char *const *names, const char *const *values, int timeout_s, struct err *err)
{
	const struct clock *clock = clock_system();
	struct pg *p = xcalloc(1, sizeof(*p));
	int ret = -1;

	p->connection = PQconnectStartParams(names, values, 0);
	if (!p->connection)
		abort();
	p->shown = show(p->connection);
	PQsetNoticeReceiver(p->connection, ignore_notice, NULL);
	if (PQstatus(p->connection) != CONNECTION_BAD)
		ret = poll_connection(p, clock->mono_ms(clock) + timeout_s * INT64_C(1000), err);
	else
		ret = 0;
	if (ret == 0 && PQstatus(p->connection) != CONNECTION_OK)
		ret = refused(p, err);
	if (ret == 0 && PQsetnonblocking(p->connection, 1) != 0)
		ret = lost(p, err);
	if (ret == 0)
		return p;
	pg_close(p);
	return NULL;
}

void pg_close(struct pg *p)
{
	if (!p)
		return;
	PQfinish(p->connection);
	free(p->shown);
	free(p);
}

const char *pg_shown(const struct pg *p)
{
	return p->shown;
}

/* --- statements --- */

static void take_rows(const PGresult *result, struct pg_rows *out)
{
	long long n;

	out->nr_rows = (size_t)PQntuples(result);
	out->nr_columns = (size_t)PQnfields(result);
	out->v = xcalloc(out->nr_rows * out->nr_columns + 1, sizeof(*out->v));
	for (size_t r = 0; r < out->nr_rows; r++)
		for (size_t c = 0; c < out->nr_columns; c++)
			if (!PQgetisnull(result, (int)r, (int)c))
				out->v[r * out->nr_columns + c] =
					xstrdup(PQgetvalue(result, (int)r, (int)c));
	if (parse_int64(PQcmdTuples((PGresult *)result), 0, INT64_MAX, &n) == 0)
		out->affected = n;
}

void pg_rows_release(struct pg_rows *r)
{
	for (size_t i = 0; i < r->nr_rows * r->nr_columns; i++)
		free(r->v[i]);
	free(r->v);
	*r = (struct pg_rows)PG_ROWS_INIT;
}

/* Reads results to their end; the first error counts. Stops at the start of a COPY. */
static int gather(struct pg *p, struct pg_rows *out, bool *copying, struct err *err)
{
	PGresult *result;
	int ret = 0;

	for (;;) {
		ExecStatusType status;

		if (next_result(p, &result, err) != 0)
			return -1;
		if (!result)
			return ret;
		status = PQresultStatus(result);
		if (status == PGRES_COPY_IN && copying) {
			*copying = true;
			PQclear(result);
			return ret;
		}
		/* A script of comments alone is none that failed. */
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
			status != PGRES_EMPTY_QUERY && ret == 0)
			ret = fail_of_result(p, result, err);
		else if (out && ret == 0 && !out->v)
			take_rows(result, out);
		PQclear(result);
		if (PQstatus(p->connection) == CONNECTION_BAD)
			return ret ? ret : lost(p, err);
	}
}

/* What was sent is brought to its end. */
static int finish(struct pg *p, struct pg_rows *out, bool *copying, struct err *err)
{
	struct err why = ERR_INIT;
	int ret = gather(p, out, copying, &why);

	if (ret == 0)
		return 0;
	if (why.code == ERR_INTERRUPTED)
		give_up(p);
	err_move(err, &why);
	return -1;
}

static int run(struct pg *p, const char *sql, const char *const *parameters, size_t nr,
	struct pg_rows *out, bool *copying, struct err *err)
{
	if (job_check_interrupt(err) != 0)
		return -1;
	if (!PQsendQueryParams(p->connection, sql, (int)nr, NULL, parameters, NULL, NULL, 0))
		return lost(p, err);
	return finish(p, out, copying, err);
}

int pg_script(struct pg *p, const char *sql, struct err *err)
{
	if (job_check_interrupt(err) != 0)
		return -1;
	if (!PQsendQuery(p->connection, sql))
		return lost(p, err);
	return finish(p, NULL, NULL, err);
}

int pg_query(struct pg *p, const char *sql, const char *const *parameters, size_t nr,
	struct pg_rows *out, struct err *err)
{
	if (out)
		*out = (struct pg_rows)PG_ROWS_INIT;
	return run(p, sql, parameters, nr, out, NULL, err);
}

int pg_exec(struct pg *p, const char *sql, struct err *err)
{
	return run(p, sql, NULL, 0, NULL, NULL, err);
}

int pg_begin(struct pg *p, struct err *err)
{
	return pg_exec(p, "BEGIN", err);
}

int pg_commit(struct pg *p, struct err *err)
{
	struct err why = ERR_INIT;

	if (pg_exec(p, "COMMIT", &why) == 0)
		return 0;
	if (why.code == ERR_IO)
		why.code = ERR_AMBIGUOUS;
	err_move(err, &why);
	return err_wrap(err, "commit");
}

void pg_rollback(struct pg *p)
{
	PGresult *result;

	give_up(p);
	if (PQtransactionStatus(p->connection) == PQTRANS_IDLE ||
		PQstatus(p->connection) != CONNECTION_OK ||
		PQtransactionStatus(p->connection) == PQTRANS_ACTIVE)
		return;
	PQsetnonblocking(p->connection, 0);
	result = PQexec(p->connection, "ROLLBACK");
	PQclear(result);
	PQsetnonblocking(p->connection, 1);
}

/* --- COPY --- */

int pg_copy_begin(struct pg *p, const char *sql, struct err *err)
{
	bool copying = false;

	if (run(p, sql, NULL, 0, NULL, &copying, err) != 0)
		return -1;
	return copying ? 0 : err_set(err, ERR_INVALID, "%s: no COPY FROM STDIN", p->shown);
}

/* The server has ended the COPY by itself: why. */
static int copy_broke(struct pg *p, struct err *err)
{
	struct err why = ERR_INIT;

	if (gather(p, NULL, NULL, &why) != 0)
		err_move(err, &why);
	else
		lost(p, err);
	return -1;
}

int pg_copy_write(struct pg *p, const void *data, size_t len, struct err *err)
{
	int sent;

	while ((sent = PQputCopyData(p->connection, data, (int)len)) == 0) {
		if (wait_socket(p, true, err) != 0)
			return -1;
		if (!PQconsumeInput(p->connection))
			return lost(p, err);
	}
	return sent > 0 ? 0 : copy_broke(p, err);
}

int pg_copy_end(struct pg *p, int64_t *rows, struct err *err)
{
	struct pg_rows told = PG_ROWS_INIT;
	int sent, ret;

	while ((sent = PQputCopyEnd(p->connection, NULL)) == 0)
		if (wait_socket(p, true, err) != 0)
			return -1;
	if (sent < 0)
		return copy_broke(p, err);
	ret = gather(p, &told, NULL, err);
	*rows = told.affected;
	pg_rows_release(&told);
	return ret;
}

void pg_add_name(struct pg *p, struct strbuf *sql, const char *name)
{
	char *quoted = PQescapeIdentifier(p->connection, name, strlen(name));

	/* Only text that is none in the session's encoding has no quoted form; such names are refused by whoever asks. */
	strbuf_addstr(sql, quoted ? quoted : "\"\"");
	PQfreemem(quoted);
}
