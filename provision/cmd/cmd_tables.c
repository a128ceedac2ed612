/* tables: the catalog's tables, their columns and partitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "cmd.h"
#include "ops.h"
#include "run_parts.h"

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

/* A number that stands in the parameters as text; null where there is none. */
static struct json *counted(const struct json *t, const char *name)
{
	const char *text = json_get_str(json_get(t, "Parameters"), name);
	long long n = 0;

	return text && parse_int64(text, 0, INT64_MAX, &n) == 0 ? json_int(n) : json_null();
}

static struct json *serde_json(const struct json *t)
{
	const struct json *serde = json_path(t, "StorageDescriptor.SerdeInfo");
	const struct json *parameters = json_get(serde, "Parameters");
	const char *library = json_get_str(serde, "SerializationLibrary");
	struct json *out = json_object();

	json_set(out, "library", library ? json_string(library) : json_null());
	json_set(out, "parameters", parameters ? json_copy(parameters) : json_object());
	return out;
}

/* What the crawler counted, how the data are read, and when the table changed. */
static void add_facts(const struct json *t, struct json *j)
{
	int64_t updated = run_ms_of(json_get(t, "UpdateTime"));
	struct strbuf time = STRBUF_INIT;

	if (updated)
		clock_add_iso(&time, updated, true);
	json_set(j, "records", counted(t, "recordCount"));
	json_set(j, "average_record_size", counted(t, "averageRecordSize"));
	json_set(j, "updated", time.len ? json_string(time.buf) : json_null());
	json_set(j, "serde", serde_json(t));
	strbuf_release(&time);
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
	add_facts(t, j);
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

/* The last piece of a Java class's name. */
static const char *short_name(const char *library)
{
	const char *dot = library ? strrchr(library, '.') : NULL;

	return dot ? dot + 1 : library;
}

/* A parameter's value as one word: control characters as escapes, in quotes where blanks or quotes stand in it. */
static void add_parameter(struct strbuf *line, const struct json *p)
{
	const char *value = json_str(p) ? json_str(p) : "";
	bool quote = !*value || strpbrk(value, " \t\"'\\;");

	strbuf_addf(line, " %s=%s", json_name(p), quote ? "'" : "");
	for (; *value; value++) {
		if (*value == '\t')
			strbuf_addstr(line, "\\t");
		else if ((unsigned char)*value < 0x20)
			strbuf_addf(line, "\\u%04x", (unsigned)(unsigned char)*value);
		else
			strbuf_addch(line, *value);
	}
	strbuf_addstr(line, quote ? "'" : "");
}

static void print_facts(const struct json *t)
{
	const struct json *serde = json_get(t, "serde"), *p;
	int64_t records = json_get_i64(t, "records", -1),
		average = json_get_i64(t, "average_record_size", -1);
	const char *library = short_name(json_get_str(serde, "library"));
	struct strbuf line = STRBUF_INIT;

	if (records >= 0)
		strbuf_addf(&line, ", records %lld", (long long)records);
	if (average >= 0)
		strbuf_addf(&line, ", average size %lld bytes", (long long)average);
	if (json_get_str(t, "updated"))
		strbuf_addf(&line, ", updated %s", json_get_str(t, "updated"));
	if (line.len)
		printf("  %s\n", line.buf + 2);
	strbuf_clear(&line);
	json_each(p, json_get(serde, "parameters")) add_parameter(&line, p);
	if (library || line.len)
		printf("  serde %s%s\n", library ? library : "-", line.buf);
	strbuf_release(&line);
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
	print_facts(t);
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
