/* query --warehouse: one statement through the Redshift Data API. */
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "ops.h"

#define DATABASE_OF_AWS "dev" /* of a namespace whose maker named none */

static int only_workgroup(struct session *s, char **workgroup, struct err *err)
{
	struct strvec names = STRVEC_INIT;

	if (s->o.workgroup) {
		*workgroup = xstrdup(s->o.workgroup);
		return 0;
	}
	project_names(s, "AWS::RedshiftServerless::Workgroup", &names);
	if (names.nr == 1) {
		*workgroup = xstrdup(names.v[0]);
	} else {
		err_set(err, ERR_USAGE,
			names.nr ? "the project has %zu Redshift work groups"
				 : "the project has no Redshift work group",
			names.nr);
		err_hint(err, "name one by --workgroup");
	}
	strvec_release(&names);
	return *workgroup ? 0 : -1;
}

/* The database that the work group's namespace was made with. */
static int database_of(struct session *s, const char *workgroup, char **database, struct err *err)
{
	struct json *found = NULL, *namespace = NULL;
	int ret = call_with(
		s, &redshift_get_workgroup, &found, err, "workgroupName", workgroup, NULL);

	if (!ret)
		ret = call_with(s, &redshift_get_namespace, &namespace, err, "namespaceName",
			json_str(json_path(found, "workgroup.namespaceName")), NULL);
	if (!ret) {
		const char *name = json_str(json_path(namespace, "namespace.dbName"));
		*database = xstrdup(name ? name : DATABASE_OF_AWS);
	}
	json_free(found);
	json_free(namespace);
	return ret;
}

static void cancel(struct session *s, const char *id)
{
	struct err ignored = ERR_INIT;

	if (call_with(s, &redshift_data_cancel_statement, NULL, &ignored, "Id", id, NULL) < 0)
		err_release(&ignored);
}

/* Until it rests. */
static int await(struct session *s, const char *id, bool *has_rows, struct err *err)
{
	struct poll p;

	poll_start(s, &p, "redshift-data", s->o.timeout_s);
	for (;;) {
		struct json *out = NULL;

		if (call_with(s, &redshift_data_describe_statement, &out, err, "Id", id, NULL) < 0)
			return -1;
		const char *status = json_get_str(out, "Status"), *why = json_get_str(out, "Error");
		bool over = status && !strcmp(status, "FINISHED");
		int ret = 0;
		if (status && (!strcmp(status, "FAILED") || !strcmp(status, "ABORTED"))) {
			ret = err_set(err, ERR_FAILED, "statement %s %s: %s", id, status,
				why ? why : "no reason given");
			err_named(err, "QueryFailed");
		}
		*has_rows = json_get_truth(out, "HasResultSet", false);
		json_free(out);
		if (ret || over)
			return ret;
		if (poll_wait(s, &p, err) < 0) {
			cancel(s, id);
			return -1;
		}
	}
}

/* A field is an object whose one member says what it is. */
static struct json *cell_of(const struct json *field)
{
	const struct json *v = json_first(field);

	if (!v || !strcmp(json_name(v), "isNull"))
		return json_null();
	return json_string(json_scalar_text(v) ? json_scalar_text(v) : "");
}

static void add_page(const struct json *page, struct json *columns, struct json *rows)
{
	struct json *c, *record, *field;

	if (!json_len(columns))
		json_each(c, json_get(page, "ColumnMetadata"))
		{
			struct json *column = json_object();
			json_set_str(column, "name", json_get_str(c, "name"));
			json_set_str(column, "type", json_get_str(c, "typeName"));
			json_push(columns, column);
		}
	json_each(record, json_get(page, "Records"))
	{
		struct json *row = json_array();
		json_each(field, record) json_push(row, cell_of(field));
		json_push(rows, row);
	}
}

static int read_rows(
	struct session *s, const char *id, struct json *columns, struct json *rows, struct err *err)
{
	char *token = NULL;
	int ret;

	do {
		struct json *in = json_object(), *page = NULL;

		json_set_str(in, "Id", id);
		json_set_str(in, "NextToken", token);
		free(token);
		token = NULL;
		ret = aws_call(s->aws, &redshift_data_get_statement_result, in, &page, err);
		if (!ret) {
			add_page(page, columns, rows);
			token = xstrdup(json_get_str(page, "NextToken"));
		}
		json_free(in);
		json_free(page);
	} while (!ret && token);
	free(token);
	return ret;
}

int query_warehouse(struct session *s, const char *sql, char **id, struct json *columns,
	struct json *rows, struct err *err)
{
	char *workgroup = NULL, *database = s->o.database ? xstrdup(s->o.database) : NULL;
	struct json *in = NULL, *out = NULL;
	bool has_rows = false;
	int ret = -1;

	if (only_workgroup(s, &workgroup, err) ||
		(!database && database_of(s, workgroup, &database, err)))
		goto out;
	in = json_object();
	json_set_str(in, "WorkgroupName", workgroup);
	json_set_str(in, "Database", database);
	json_set_str(in, "SecretArn", s->o.secret);
	json_set_str(in, "Sql", sql);
	if (aws_call(s->aws, &redshift_data_execute_statement, in, &out, err))
		goto out;
	*id = xstrdup(json_get_str(out, "Id"));
	ret = await(s, *id, &has_rows, err);
	if (!ret && has_rows)
		ret = read_rows(s, *id, columns, rows, err);
out:
	free(workgroup);
	free(database);
	json_free(in);
	json_free(out);
	return ret;
}
