#include "duckstream.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"

struct duck_stream {
	duckdb_connection connection;
	duckdb_result result;
	duckdb_data_chunk chunk;
	bool has_result;
};

static int fail(const char *why, struct err *err)
{
	int ret;

	if (!why)
		why = "unknown error";
	ret = err_set(err, ERR_FAILED, "%.*s", (int)strcspn(why, "\n"), why);
	/* As duck_exec has it, for duck_is_out_of_memory. */
	if (strstr(why, "Out of Memory")) {
		err_named(err, "OutOfMemory");
		err_hint(err, "give the job more capacity, or more room in TMPDIR");
	}
	return ret;
}

/* Task by task, so that a signal is heard. */
static int execute(struct duck_stream *s, duckdb_pending_result pending, struct err *err)
{
	duckdb_pending_state state = DUCKDB_PENDING_RESULT_NOT_READY;

	while (!duckdb_pending_execution_is_finished(state)) {
		if (clock_interrupted()) {
			duckdb_interrupt(s->connection);
			return job_check_interrupt(err);
		}
		state = duckdb_pending_execute_task(pending);
	}
	if (state == DUCKDB_PENDING_ERROR)
		return fail(duckdb_pending_error(pending), err);
	s->has_result = true; /* to be destroyed, also when it is an error */
	if (duckdb_execute_pending(pending, &s->result) != DuckDBSuccess)
		return fail(duckdb_result_error(&s->result), err);
	return 0;
}

struct duck_stream *duck_stream_open(struct duck *d, const char *sql, struct err *err)
{
	struct duck_stream *s = xcalloc(1, sizeof(*s));
	duckdb_prepared_statement statement = NULL;
	duckdb_pending_result pending = NULL;
	int ret = -1;

	s->connection = duck_raw(d);
	if (duckdb_prepare(s->connection, sql, &statement) != DuckDBSuccess)
		fail(duckdb_prepare_error(statement), err);
	else if (duckdb_pending_prepared_streaming(statement, &pending) != DuckDBSuccess)
		fail(duckdb_pending_error(pending), err);
	else
		ret = execute(s, pending, err);
	duckdb_destroy_pending(&pending);
	duckdb_destroy_prepare(&statement);
	if (ret == 0)
		return s;
	duck_stream_close(s);
	return NULL;
}

size_t duck_stream_columns(struct duck_stream *s)
{
	return duckdb_column_count(&s->result);
}

duckdb_type duck_stream_type(struct duck_stream *s, size_t column)
{
	return duckdb_column_type(&s->result, column);
}

int duck_stream_next(struct duck_stream *s, duckdb_data_chunk *chunk, struct err *err)
{
	const char *why;

	do {
		if (job_check_interrupt(err) != 0)
			return -1;
		duckdb_destroy_data_chunk(&s->chunk);
		s->chunk = duckdb_fetch_chunk(s->result);
	} while (s->chunk && duckdb_data_chunk_get_size(s->chunk) == 0);
	*chunk = s->chunk;
	if (s->chunk)
		return 1;
	why = duckdb_result_error(&s->result);
	return why && *why ? fail(why, err) : 0;
}

void duck_stream_close(struct duck_stream *s)
{
	if (!s)
		return;
	duckdb_destroy_data_chunk(&s->chunk);
	if (s->has_result)
		duckdb_destroy_result(&s->result);
	free(s);
}
