/* The Data API's view of the catalog: ListDatabases, ListSchemas, ListTables, DescribeTable. */
#include <unistd.h>
#include "fs.h"
#include "local_glue.h"
#include "local_objects.h"
#include "local_redshift.h"
#include "local_redshift_data.h"
#include "local_redshift_sql.h"
#include "local_services.h"

#define VISIBLE "schema_name NOT IN ('glueproj_rs', 'main', 'pg_toast')"

/* --- asking the database --- */

/* Lines of the worker's rows as one array of arrays of plain values. */
static struct json *plain_rows(const char *path, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct json *rows = NULL;

	if (!fs_read(path, 256u * 1024 * 1024, &text, err)) {
		struct strbuf all = STRBUF_INIT;
		strbuf_trim(&text);
		strbuf_replace(&text, "]\n[", "],[");
		strbuf_addf(&all, "[%s]", text.buf);
		rows = json_parse(all.buf, all.len, err);
		strbuf_release(&all);
	}
	strbuf_release(&text);
	return rows;
}

static const char *cell(const struct json *row, size_t i)
{
	const struct json *v = json_at(row, i);

	return json_scalar_text(json_first(v));
}

static struct json *ask(
	struct local_cloud *cloud, const struct redshift_place *p, const char *sql, struct err *err)
{
	char *path = local_scratch_path(cloud, ".rows");
	struct redshift_session *s = redshift_session_open(
		cloud, p->space.id, json_get_str(p->space.doc, "dbName"), err);
	struct json *req = json_object(), *reply = NULL, *rows = NULL;

	json_set_str(req, "op", "run");
	json_set_str(req, "sql", sql);
	json_set_str(req, "output", path);
	json_set_str(req, "format", "JSON");
	if (!s)
		json_free(req);
	else if (!redshift_session_call(s, req, &reply, err))
		rows = plain_rows(path, err);
	redshift_session_close(s);
	json_free(reply);
	unlink(path);
	free(path);
	return rows;
}

/* A place to ask, whose database is the one that is there. */
static int find_place(struct local_cloud *cloud, const struct local_request *req,
	struct redshift_place *p, struct err *err)
{
	const char *database = json_get_str(req->in, "ConnectedDatabase");

	if (redshift_place_find(cloud, req, p, err))
		return -1;
	if (!database)
		database = json_get_str(req->in, "Database");
	if (p->failed)
		return local_fault(err, 400, "DatabaseConnectionException", "%s", p->failed);
	if (database && strcmp(database, json_get_str(p->space.doc, "dbName")) != 0)
		return local_fault(err, 400, "DatabaseConnectionException",
			"FATAL: database \"%s\" does not exist", database);
	return 0;
}

/* --- pages --- */

typedef struct json *item_fn(const struct json *row);

struct listing {
	const struct local_request *req;
	const char *member;
	item_fn *item;
};

static struct json *page(
	const struct listing *l, const struct json *rows, int64_t from, int64_t limit)
{
	struct json *out = json_object(), *items = json_array();
	const struct json *row;
	int64_t at = 0;

	json_each(row, rows)
	{
		if (at >= from && at < from + limit)
			json_push(items, l->item(row));
		at++;
	}
	json_set(out, l->member, items);
	if (at > from + limit) {
		char *key = xasprintf("%lld", (long long)(from + limit)),
		     *token = local_token_make(key);
		json_set_str(out, "NextToken", token);
		free(token);
		free(key);
	}
	return out;
}

static int answer(struct local_cloud *cloud, const struct listing *l, const char *sql,
	struct json **out, struct err *err)
{
	struct redshift_place p = {0};
	struct err why = ERR_INIT;
	struct json *rows = NULL;
	char *after = NULL;
	int64_t limit;
	int r = redshift_page(l->req->in, "MaxResults", "NextToken", 1000, &limit, &after, err) ||
		find_place(cloud, l->req, &p, err);

	if (!r) {
		rows = ask(cloud, &p, sql, &why);
		if (!rows)
			r = local_fault(err, 500, "InternalServerException", "%s",
				why.text ? why.text : "the warehouse gave no answer");
		else
			*out = page(l, rows, after ? strtoll(after, NULL, 10) : 0, limit);
	}
	err_release(&why);
	json_free(rows);
	free(after);
	redshift_place_release(&p);
	return r ? -1 : 0;
}

static void add_pattern(
	struct strbuf *sql, const struct json *in, const char *member, const char *column)
{
	const char *pattern = json_get_str(in, member);

	if (!pattern || !*pattern)
		return;
	strbuf_addf(sql, " AND %s LIKE lower(", column);
	rs_literal(sql, pattern);
	strbuf_addstr(sql, ") ESCAPE '\\'");
}

static struct json *name_item(const struct json *row)
{
	return json_string(cell(row, 0));
}

static int list_databases(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct listing l = {req, "Databases", name_item};

	return answer(cloud, &l, "SELECT current_database()", out, err);
}

static int list_schemas(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct listing l = {req, "Schemas", name_item};
	struct strbuf sql = STRBUF_INIT;
	int r;

	strbuf_addstr(&sql, "SELECT schema_name FROM (SELECT schema_name FROM duckdb_schemas() "
			    "WHERE database_name = current_database() UNION SELECT 'pg_catalog' "
			    "UNION SELECT 'information_schema') AS s WHERE " VISIBLE);
	add_pattern(&sql, req->in, "SchemaPattern", "schema_name");
	strbuf_addstr(&sql, " ORDER BY 1");
	r = answer(cloud, &l, sql.buf, out, err);
	strbuf_release(&sql);
	return r;
}

static struct json *table_item(const struct json *row)
{
	struct json *t = json_object();

	json_set_str(t, "schema", cell(row, 0));
	json_set_str(t, "name", cell(row, 1));
	json_set_str(t, "type", cell(row, 2));
	return t;
}

static int list_tables(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct listing l = {req, "Tables", table_item};
	struct strbuf sql = STRBUF_INIT;
	int r;

	strbuf_addstr(&sql,
		"SELECT schema_name, table_name, kind FROM (SELECT schema_name, table_name, "
		"'TABLE' AS kind FROM duckdb_tables() WHERE database_name = current_database() "
		"UNION ALL SELECT schema_name, view_name, 'VIEW' FROM duckdb_views() WHERE "
		"database_name = current_database() AND NOT internal) AS t WHERE " VISIBLE);
	add_pattern(&sql, req->in, "SchemaPattern", "schema_name");
	add_pattern(&sql, req->in, "TablePattern", "table_name");
	strbuf_addstr(&sql, " ORDER BY 1, 2");
	r = answer(cloud, &l, sql.buf, out, err);
	strbuf_release(&sql);
	return r;
}

/* --- columns --- */

/* DuckDB's type names as those that the API tells, with their precision and scale. */
static const struct {
	const char *duck, *name;
	int precision, scale, length;
	bool is_signed;
} column_types[] = {
	{"BOOLEAN", "bool", 1, 0, 1, false},
	{"SMALLINT", "int2", 5, 0, 5, true},
	{"INTEGER", "int4", 10, 0, 10, true},
	{"BIGINT", "int8", 19, 0, 19, true},
	{"HUGEINT", "numeric", 38, 0, 38, true},
	{"FLOAT", "float4", 8, 8, 8, true},
	{"DOUBLE", "float8", 17, 17, 17, true},
	{"VARCHAR", "varchar", 65535, 0, 65535, false},
	{"DATE", "date", 13, 0, 13, false},
	{"TIME", "time", 15, 6, 15, false},
	{"TIMESTAMP", "timestamp", 29, 6, 29, false},
	{"TIMESTAMP WITH TIME ZONE", "timestamptz", 35, 6, 35, false},
};

static void set_type(struct json *c, const char *type, const char *length)
{
	long long bytes;
	int precision = 0, scale = 0;

	for (size_t i = 0; i < ARRAY_SIZE(column_types); i++) {
		if (strcmp(column_types[i].duck, type) != 0)
			continue;
		json_set_str(c, "typeName", column_types[i].name);
		json_set_i64(c, "precision", column_types[i].precision);
		json_set_i64(c, "scale", column_types[i].scale);
		json_set_i64(c, "length", column_types[i].length);
		json_set_bool(c, "isSigned", column_types[i].is_signed);
	}
	if (sscanf(type, "DECIMAL(%d,%d)", &precision, &scale) == 2) {
		json_set_str(c, "typeName", "numeric");
		json_set_i64(c, "precision", precision);
		json_set_i64(c, "scale", scale);
		json_set_i64(c, "length", precision);
		json_set_bool(c, "isSigned", true);
	}
	if (length && !strcmp(type, "VARCHAR") && !parse_int64(length, 0, 65535, &bytes)) {
		json_set_i64(c, "precision", bytes);
		json_set_i64(c, "length", bytes);
	}
}

static struct json *column_item(const struct json *row)
{
	struct json *c = json_object();
	const char *standard = cell(row, 5);
	bool has_default = json_get_str(json_at(row, 5), "stringValue") != NULL;

	json_set_str(c, "schemaName", cell(row, 0));
	json_set_str(c, "tableName", cell(row, 1));
	json_set_str(c, "name", cell(row, 2));
	json_set_str(c, "label", cell(row, 2));
	json_set_i64(c, "nullable", !strcmp(cell(row, 4), "true"));
	json_set_bool(c, "isCaseSensitive", !strcmp(cell(row, 3), "VARCHAR"));
	json_set_bool(c, "isCurrency", false);
	json_set_str(c, "columnDefault", has_default ? standard : NULL);
	set_type(c, cell(row, 3), json_get_str(json_at(row, 6), "stringValue"));
	return c;
}

/* The limit of a text is its check's. */
static const char columns_sql[] =
	"SELECT c.schema_name, c.table_name, c.column_name, c.data_type, c.is_nullable, "
	"c.column_default, (SELECT regexp_extract(max(k.expression), '<= ([0-9]+)', 1) FROM "
	"duckdb_constraints() AS k WHERE k.database_name = c.database_name AND k.schema_name = "
	"c.schema_name AND k.table_name = c.table_name AND k.constraint_type = 'CHECK' AND "
	"list_contains(k.constraint_column_names, c.column_name)) FROM duckdb_columns() AS c WHERE "
	"c.database_name = current_database() AND c." VISIBLE;

static int describe_table(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct listing l = {req, "ColumnList", column_item};
	const char *table = json_get_str(req->in, "Table"),
		   *schema = json_get_str(req->in, "Schema");
	struct strbuf sql = STRBUF_INIT;
	int r;

	strbuf_addstr(&sql, columns_sql);
	if (table && *table) {
		strbuf_addstr(&sql, " AND c.table_name = lower(");
		rs_literal(&sql, table);
		strbuf_addch(&sql, ')');
	}
	if (schema && *schema) {
		strbuf_addstr(&sql, " AND c.schema_name = lower(");
		rs_literal(&sql, schema);
		strbuf_addch(&sql, ')');
	}
	strbuf_addstr(&sql, " ORDER BY c.schema_name, c.table_name, c.column_index");
	r = answer(cloud, &l, sql.buf, out, err);
	if (!r)
		json_set_str(*out, "TableName", table);
	strbuf_release(&sql);
	return r;
}

static const struct local_route routes[] = {
	{"DescribeTable", describe_table, redshift_workgroup_arn},
	{"ListDatabases", list_databases, redshift_workgroup_arn},
	{"ListSchemas", list_schemas, redshift_workgroup_arn},
	{"ListTables", list_tables, redshift_workgroup_arn},
};

const struct local_service local_redshift_meta_service = {
	"redshift-data", routes, ARRAY_SIZE(routes)};
