/* tables: the catalog's tables, their columns and partitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "ops.h"

static int databases(struct session *s, struct strvec *names, struct err *err)
{
	struct json *list = NULL, *db;
	int ret;

	if (s->o.database) {
		strvec_push(names, s->o.database);
		return 0;
	}
	project_names(s, "AWS::Glue::Database", names);
	if (names->nr)
		return 0;
	ret = aws_call_all(s->aws, &glue_get_databases, NULL, &list, err);
	json_each(db, list) if (json_get_str(db, "Name"))
		strvec_push(names, json_get_str(db, "Name"));
	json_free(list);
	return ret;
}

static struct json *columns_json(const struct json *list)
{
	struct json *out = json_array(), *c;

	json_each(c, list)
	{
		struct json *j = json_object();
		json_set_str(j, "name", json_get_str(c, "Name"));
		json_set_str(j, "type", json_get_str(c, "Type"));
		json_push(out, j);
	}
	return out;
}

static int count_partitions(
	struct session *s, const char *database, const char *table, int64_t *nr, struct err *err)
{
	struct json *in = json_object(), *list = NULL;
	int ret;

	json_set_str(in, "DatabaseName", database);
	json_set_str(in, "TableName", table);
	json_set_bool(in, "ExcludeColumnSchema", true);
	ret = aws_call_all(s->aws, &glue_get_partitions, in, &list, err);
	*nr = (int64_t)json_len(list);
	json_free(list);
	json_free(in);
	return ret;
}

static int add_table(struct session *s, const char *database, const struct json *t,
	struct json *tables, struct err *err)
{
	struct json *j = json_object();
	const char *name = json_get_str(t, "Name");
	const char *classification = json_str(json_path(t, "Parameters.classification"));
	int64_t partitions = 0;

	if (json_len(json_get(t, "PartitionKeys")) &&
		count_partitions(s, database, name, &partitions, err) < 0) {
		json_free(j);
		return -1;
	}
	json_set_str(j, "database", database);
	json_set_str(j, "name", name);
	json_set_str(j, "type", json_get_str(t, "TableType"));
	json_set(j, "classification", classification ? json_string(classification) : json_null());
	json_set_str(j, "location", json_str(json_path(t, "StorageDescriptor.Location")));
	json_set(j, "columns", columns_json(json_path(t, "StorageDescriptor.Columns")));
	json_set(j, "partition_keys", columns_json(json_get(t, "PartitionKeys")));
	json_set_i64(j, "partitions", partitions);
	json_set(j, "parameters",
		json_get(t, "Parameters") ? json_copy(json_get(t, "Parameters")) : json_object());
	json_push(tables, j);
	return 0;
}

static int tables_of(struct session *s, const char *database, struct json *tables, struct err *err)
{
	struct json *in = json_object(), *list = NULL, *t;
	const char *only = s->operands.nr ? s->operands.v[0] : NULL;
	int ret;

	json_set_str(in, "DatabaseName", database);
	ret = aws_call_all(s->aws, &glue_get_tables, in, &list, err);
	if (ret < 0)
		err_wrap(err, "database '%s'", database);
	json_each(t, list)
	{
		if (ret < 0)
			break;
		if (!only || iequals(only, json_get_str(t, "Name")))
			ret = add_table(s, database, t, tables, err);
	}
	json_free(in);
	json_free(list);
	return ret;
}

static void print_table(const struct json *t)
{
	struct table *columns = table_new(4);
	struct json *c;

	printf("%s.%s  %s  %s", json_get_str(t, "database"), json_get_str(t, "name"),
		json_get_str(t, "classification") ? json_get_str(t, "classification") : "-",
		json_get_str(t, "location") ? json_get_str(t, "location") : "-");
	if (json_len(json_get(t, "partition_keys")))
		printf("  %lld partitions", (long long)json_get_i64(t, "partitions", 0));
	printf("\n");
	json_each(c, json_get(t, "columns")) table_row(columns,
		(const char *[]){"  ", json_get_str(c, "name"), json_get_str(c, "type"), ""});
	json_each(c, json_get(t, "partition_keys"))
		table_row(columns, (const char *[]){"  ", json_get_str(c, "name"),
					   json_get_str(c, "type"), "(partition)"});
	table_print(columns, false);
	printf("\n");
}

int cmd_tables(struct session *s)
{
	struct strvec names = STRVEC_INIT;
	struct json *tables = json_array(), *t;
	struct err err = ERR_INIT;
	int ret = databases(s, &names, &err);

	for (size_t i = 0; !ret && i < names.nr; i++)
		ret = tables_of(s, names.v[i], tables, &err);
	if (!ret && s->operands.nr && !json_len(tables))
		ret = err_set(&err, ERR_NOT_FOUND, "there is no table '%s'", s->operands.v[0]);
	if (!s->json) {
		json_each(t, tables) print_table(t);
		if (!ret && !json_len(tables))
			printf("no tables\n");
	}
	json_set(s->doc, "tables", tables);
	strvec_release(&names);
	return ret ? session_fail(s, &err) : 0;
}
