#include "duck.h"

#include <duckdb.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"

/* A thread that spills holds a block for each of its partitions, and a Parquet writer a row group: measured. */
#define MB_PER_THREAD 256

#define OUT_OF_MEMORY "OutOfMemory"

struct duck {
	duckdb_database database; /* NULL: a second connection */
	duckdb_connection connection;
	size_t threads;
	int64_t memory_mb;
};

void duck_add_text(struct strbuf *sql, const char *text)
{
	strbuf_addquoted(sql, text, strlen(text), '\'');
}

void duck_add_name(struct strbuf *sql, const char *name)
{
	strbuf_addquoted(sql, name, strlen(name), '"');
}

void duck_add_list(struct strbuf *sql, const struct strvec *texts)
{
	strbuf_addch(sql, '[');
	for (size_t i = 0; i < texts->nr; i++) {
		strbuf_addstr(sql, i ? ", " : "");
		duck_add_text(sql, texts->v[i]);
	}
	strbuf_addch(sql, ']');
}

/* One line, without DuckDB's pointer at the place in the SQL, which is ours and not the user's. */
static int fail(const char *why, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret;

	strbuf_add(&text, why ? why : "unknown error", why ? strcspn(why, "\n") : 13);
	ret = err_set(err, ERR_FAILED, "%s", text.buf);
	if (strstr(text.buf, "Out of Memory")) {
		err_named(err, OUT_OF_MEMORY);
		err_hint(err, "give the job more capacity, or more room in TMPDIR");
	}
	strbuf_release(&text);
	return ret;
}

bool duck_is_out_of_memory(const struct err *err)
{
	return err->name && strcmp(err->name, OUT_OF_MEMORY) == 0;
}

/* Runs task by task, so that a signal is heard. */
static int execute(
	struct duck *d, duckdb_pending_result pending, duckdb_result *result, struct err *err)
{
	duckdb_pending_state state = DUCKDB_PENDING_RESULT_NOT_READY;

	while (!duckdb_pending_execution_is_finished(state)) {
		if (clock_interrupted()) {
			duckdb_interrupt(d->connection);
			return job_check_interrupt(err);
		}
		state = duckdb_pending_execute_task(pending);
	}
	if (state == DUCKDB_PENDING_ERROR)
		return fail(duckdb_pending_error(pending), err);
	if (duckdb_execute_pending(pending, result) != DuckDBSuccess) {
		fail(duckdb_result_error(result), err);
		duckdb_destroy_result(result);
		return -1;
	}
	return 0;
}

static int run(struct duck *d, const char *sql, duckdb_result *result, struct err *err)
{
	duckdb_prepared_statement statement = NULL;
	duckdb_pending_result pending = NULL;
	int ret = -1;

	if (duckdb_prepare(d->connection, sql, &statement) != DuckDBSuccess)
		fail(duckdb_prepare_error(statement), err);
	else if (duckdb_pending_prepared(statement, &pending) != DuckDBSuccess)
		fail(duckdb_pending_error(pending), err);
	else
		ret = execute(d, pending, result, err);
	duckdb_destroy_pending(&pending);
	duckdb_destroy_prepare(&statement);
	return ret;
}

int duck_exec(struct duck *d, const char *sql, int64_t *rows, struct err *err)
{
	duckdb_result result;

	if (run(d, sql, &result, err) != 0)
		return -1;
	if (rows)
		*rows = duckdb_row_count(&result) ? duckdb_value_int64(&result, 0, 0) : 0;
	duckdb_destroy_result(&result);
	return 0;
}

int duck_query(struct duck *d, const char *sql, struct duck_rows *out, struct err *err)
{
	duckdb_result result;

	*out = (struct duck_rows){0};
	if (run(d, sql, &result, err) != 0)
		return -1;
	out->nr_rows = duckdb_row_count(&result);
	out->nr_columns = duckdb_column_count(&result);
	out->v = xcalloc(out->nr_rows * out->nr_columns + 1, sizeof(*out->v));
	for (size_t r = 0; r < out->nr_rows; r++) {
		for (size_t c = 0; c < out->nr_columns; c++) {
			char *text = duckdb_value_is_null(&result, c, r)
					     ? NULL
					     : duckdb_value_varchar(&result, c, r);

			out->v[r * out->nr_columns + c] = xstrdup(text);
			duckdb_free(text);
		}
	}
	duckdb_destroy_result(&result);
	return 0;
}

void duck_rows_release(struct duck_rows *r)
{
	for (size_t i = 0; i < r->nr_rows * r->nr_columns; i++)
		free(r->v[i]);
	free(r->v);
	*r = (struct duck_rows){0};
}

/* What may be set before the database is there costs nothing; each SET costs as much as a small query. */
static duckdb_config settings_of(const struct duck *d, const struct job *job)
{
	char *memory = xasprintf("%lldMiB", (long long)d->memory_mb);
	char *threads = xasprintf("%zu", d->threads), *spill = xasprintf("%s/spill", job->tmp);
	const char *const settings[][2] = {{"memory_limit", memory}, {"threads", threads},
		{"temp_directory", spill}, {"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"}, {"preserve_insertion_order", "false"}};
	duckdb_config config = NULL;

	if (duckdb_create_config(&config) != DuckDBSuccess)
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (duckdb_set_config(config, settings[i][0], settings[i][1]) != DuckDBSuccess)
			BUG("DuckDB has no setting '%s'", settings[i][0]);
	free(memory);
	free(threads);
	free(spill);
	return config;
}

static int close_in(
	struct duck *d, const struct job *job, const struct strvec *folders, struct err *err)
{
	static const char *const settings[] = {
		"SET enable_external_access = false", "SET lock_configuration = true"};
	struct strbuf sql = STRBUF_INIT;
	struct strvec allowed = STRVEC_INIT;
	int ret;

	strvec_pushf(&allowed, "%s/", job->tmp);
	for (size_t i = 0; folders && i < folders->nr; i++)
		strvec_pushf(&allowed, "%s/", folders->v[i]);
	strbuf_addstr(&sql, "SET allowed_directories = ");
	duck_add_list(&sql, &allowed);
	ret = duck_exec(d, sql.buf, NULL, err);
	for (size_t i = 0; i < ARRAY_SIZE(settings) && ret == 0; i++)
		ret = duck_exec(d, settings[i], NULL, err);
	strvec_release(&allowed);
	strbuf_release(&sql);
	return ret;
}

static size_t threads_for(const struct job *job, int64_t memory_mb)
{
	size_t most = (size_t)(memory_mb / MB_PER_THREAD);

	if (most < 1)
		most = 1;
	return job->cpus < most ? job->cpus : most;
}

static struct duck *open_with(struct job *job, int64_t memory_mb, bool single,
	const struct strvec *folders, struct err *err)
{
	struct duck *d = xcalloc(1, sizeof(*d));
	duckdb_config config;
	duckdb_state state;
	char *why = NULL;

	d->memory_mb = memory_mb;
	if (d->memory_mb < 64)
		d->memory_mb = 64;
	d->threads = single ? 1 : threads_for(job, d->memory_mb);
	config = settings_of(d, job);
	state = duckdb_open_ext(NULL, &d->database, config, &why);
	duckdb_destroy_config(&config);
	if (state != DuckDBSuccess ||
		duckdb_connect(d->database, &d->connection) != DuckDBSuccess) {
		fail(why ? why : "cannot open DuckDB", err);
		duckdb_free(why);
		duck_close(d);
		return NULL;
	}
	if (close_in(d, job, folders, err) != 0) {
		duck_close(d);
		return NULL;
	}
	return d;
}

struct duck *duck_open(struct job *job, int percent, const struct strvec *folders, struct err *err)
{
	return open_with(job, job->memory_mb * percent / 100, false, folders, err);
}

struct duck *duck_open_single(
	struct job *job, int percent, const struct strvec *folders, struct err *err)
{
	return open_with(job, job->memory_mb * percent / 100, true, folders, err);
}

struct duck *duck_open_small(
	struct job *job, int64_t memory_mb, const struct strvec *folders, struct err *err)
{
	return open_with(job, memory_mb, false, folders, err);
}

struct duck *duck_connect(struct duck *d, struct err *err)
{
	struct duck *other = xcalloc(1, sizeof(*other));

	other->threads = d->threads;
	if (duckdb_connect(d->database, &other->connection) == DuckDBSuccess)
		return other;
	free(other);
	fail("cannot connect to DuckDB", err);
	return NULL;
}

void duck_close(struct duck *d)
{
	if (!d)
		return;
	duckdb_disconnect(&d->connection);
	if (d->database)
		duckdb_close(&d->database);
	free(d);
}

size_t duck_threads(const struct duck *d)
{
	return d->threads;
}

void *duck_raw(struct duck *d)
{
	return d->connection;
}
