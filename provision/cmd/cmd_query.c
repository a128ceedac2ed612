/* query: one statement through Athena or the warehouse, its rows as a table, CSV or JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "digest.h"
#include "hex.h"
#include "ops.h"

static char *first_name(struct session *s, const char *type, const char *otherwise)
{
	struct strvec names = STRVEC_INIT;
	char *name;

	project_names(s, type, &names);
	name = names.nr ? xstrdup(names.v[0]) : xstrdup(otherwise);
	strvec_release(&names);
	return name;
}

static int start_query(struct session *s, const char *sql, char **id, struct err *err)
{
	struct json *in = json_object(), *out = NULL;
	char *workgroup = s->o.workgroup ? xstrdup(s->o.workgroup)
					 : first_name(s, "AWS::Athena::WorkGroup", "primary");
	char *database =
		s->o.database ? xstrdup(s->o.database) : first_name(s, "AWS::Glue::Database", NULL);
	unsigned char random[32];
	struct strbuf token = STRBUF_INIT;
	int ret;

	digest_random(random, sizeof(random));
	hex_encode(&token, random, sizeof(random));
	json_set_str(in, "QueryString", sql);
	json_set_str(in, "ClientRequestToken", token.buf);
	json_set_str(in, "WorkGroup", workgroup);
	if (database) {
		struct json *context = json_object();
		json_set_str(context, "Database", database);
		json_set(in, "QueryExecutionContext", context);
	}
	ret = aws_call(s->aws, &athena_start_query_execution, in, &out, err);
	if (!ret)
		*id = xstrdup(json_get_str(out, "QueryExecutionId"));
	strbuf_release(&token);
	free(workgroup);
	free(database);
	json_free(in);
	json_free(out);
	return ret;
}

static void stop_query(struct session *s, const char *id)
{
	struct err ignored = ERR_INIT;

	if (aws_callf(s->aws, &athena_stop_query_execution, NULL, &ignored,
		    "{\"QueryExecutionId\":\"%s\"}", id) < 0)
		err_release(&ignored);
}

/* Until it rests. *execution is the caller's. */
static int await_query(struct session *s, const char *id, struct json **execution, struct err *err)
{
	struct poll p;

	poll_start(s, &p, "athena", s->o.timeout_s);
	for (;;) {
		struct json *out = NULL;
		const char *state, *reason;

		if (aws_callf(s->aws, &athena_get_query_execution, &out, err,
			    "{\"QueryExecutionId\":\"%s\"}", id) < 0)
			return -1;
		state = json_str(json_path(out, "QueryExecution.Status.State"));
		if (state && !strcmp(state, "SUCCEEDED")) {
			*execution = out;
			return 0;
		}
		if (state && (!strcmp(state, "FAILED") || !strcmp(state, "CANCELLED"))) {
			reason =
				json_str(json_path(out, "QueryExecution.Status.StateChangeReason"));
			err_set(err, ERR_FAILED, "query %s %s: %s", id, state,
				reason ? reason : "no reason given");
			err_named(err, "QueryFailed");
			json_free(out);
			return -1;
		}
		json_free(out);
		if (poll_wait(s, &p, err) < 0) {
			stop_query(s, id);
			return -1;
		}
	}
}

static void add_columns(const struct json *result_set, struct json *columns)
{
	struct json *c;

	json_each(c, json_path(result_set, "ResultSetMetadata.ColumnInfo"))
	{
		struct json *j = json_object();
		json_set_str(j, "name", json_get_str(c, "Name"));
		json_set_str(j, "type", json_get_str(c, "Type"));
		json_push(columns, j);
	}
}

/* Athena gives the column names as the first row of a SELECT's first page. */
static bool is_header(const struct json *row, const struct json *columns)
{
	size_t i = 0;
	struct json *cell;

	if (json_len(json_get(row, "Data")) != json_len(columns) || !json_len(columns))
		return false;
	json_each(cell, json_get(row, "Data"))
	{
		const char *v = json_get_str(cell, "VarCharValue"),
			   *name = json_get_str(json_at(columns, i++), "name");
		if (!v || !name || strcmp(v, name) != 0)
			return false;
	}
	return true;
}

static void add_row(const struct json *row, size_t width, struct json *rows)
{
	struct json *out = json_array(), *cell;

	json_each(cell, json_get(row, "Data"))
	{
		const char *v = json_get_str(cell, "VarCharValue");
		json_push(out, v ? json_string(v) : json_null());
	}
	while (json_len(out) < width)
		json_push(out, json_null());
	json_push(rows, out);
}

static int read_results(struct session *s, const char *id, bool select, struct json *columns,
	struct json *rows, struct err *err)
{
	char *token = NULL;
	bool first = true;
	int ret = 0;

	do {
		struct json *in = json_object(), *out = NULL, *row;
		bool head = first;

		json_set_str(in, "QueryExecutionId", id);
		json_set_str(in, "NextToken", token);
		ret = aws_call(s->aws, &athena_get_query_results, in, &out, err);
		if (first)
			add_columns(json_get(out, "ResultSet"), columns);
		json_each(row, json_path(out, "ResultSet.Rows"))
		{
			if (!(head && select && is_header(row, columns)))
				add_row(row, json_len(columns), rows);
			head = false;
		}
		first = false;
		free(token);
		token = xstrdup(json_get_str(out, "NextToken"));
		json_free(in);
		json_free(out);
	} while (!ret && token);
	free(token);
	return ret;
}

static void csv_cell(const char *s)
{
	if (!s)
		return;
	if (!strpbrk(s, ",\"\r\n") && *s) {
		fputs(s, stdout);
		return;
	}
	putchar('"');
	for (; *s; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

static void print_csv(const struct json *columns, const struct json *rows)
{
	struct json *c, *row, *cell;

	json_each(c, columns)
	{
		if (c != json_first(columns))
			putchar(',');
		csv_cell(json_get_str(c, "name"));
	}
	putchar('\n');
	json_each(row, rows)
	{
		json_each(cell, row)
		{
			if (cell != json_first(row))
				putchar(',');
			csv_cell(json_str(cell));
		}
		putchar('\n');
	}
}

static void print_rows(const struct json *columns, const struct json *rows)
{
	size_t width = json_len(columns), i;
	const char **cells = xcalloc(width + 1, sizeof(*cells));
	struct table *t = table_new(width);
	struct json *c, *row;

	i = 0;
	json_each(c, columns) cells[i++] = json_get_str(c, "name");
	table_row(t, cells);
	json_each(row, rows)
	{
		i = 0;
		json_each(c, row) if (i < width) cells[i++] = json_str(c);
		table_row(t, cells);
	}
	table_print(t, true);
	free(cells);
}

static int query_athena(struct session *s, char **id, struct json *columns, struct json *rows,
	int64_t *scanned, struct err *err)
{
	struct json *execution = NULL;
	int ret = start_query(s, s->operands.v[0], id, err);

	if (!ret)
		ret = await_query(s, *id, &execution, err);
	if (!ret) {
		const char *kind = json_str(json_path(execution, "QueryExecution.StatementType"));
		ret = read_results(s, *id, !kind || !strcmp(kind, "DML"), columns, rows, err);
	}
	*scanned =
		json_i64(json_path(execution, "QueryExecution.Statistics.DataScannedInBytes"), 0);
	json_free(execution);
	return ret;
}

int cmd_query(struct session *s)
{
	struct json *columns = json_array(), *rows = json_array();
	struct err err = ERR_INIT;
	char *id = NULL;
	int64_t scanned = 0; /* which the Data API does not tell */
	int ret = s->o.warehouse ? query_warehouse(s, s->operands.v[0], &id, columns, rows, &err)
				 : query_athena(s, &id, columns, rows, &scanned, &err);

	/* What makes a view or a table gives no columns. */
	if (!ret && !s->json && json_len(columns)) {
		if (s->o.csv)
			print_csv(columns, rows);
		else
			print_rows(columns, rows);
	}
	json_set(s->doc, "columns", columns);
	json_set(s->doc, "rows", rows);
	json_set(s->doc, "query_execution_id", id ? json_string(id) : json_null());
	json_set_i64(s->doc, "scanned_bytes", scanned);
	free(id);
	return ret ? session_fail(s, &err) : 0;
}
