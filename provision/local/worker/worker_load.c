/* COPY and UNLOAD: rows between the loader, which sees files, and the warehouse, which sees none. */
#include "worker_resident.h"

/* --- the target --- */

struct target {
	char *name; /* schema.table, for messages */
	struct {
		char **name, **type;
		size_t nr;
	} columns;
};

static void target_release(struct target *t)
{
	for (size_t i = 0; i < t->columns.nr; i++) {
		free(t->columns.name[i]);
		free(t->columns.type[i]);
	}
	free(t->columns.name);
	free(t->columns.type);
	free(t->name);
}

static void target_add(struct target *t, char *name, char *type)
{
	t->columns.name = xrealloc(t->columns.name, (t->columns.nr + 1) * sizeof(char *));
	t->columns.type = xrealloc(t->columns.type, (t->columns.nr + 1) * sizeof(char *));
	t->columns.name[t->columns.nr] = name;
	t->columns.type[t->columns.nr++] = type;
}

static char *varchar_at(duckdb_result *result, idx_t column, idx_t row)
{
	char *text = duckdb_value_varchar(result, column, row), *copy = xstrdup(text);

	duckdb_free(text);
	return copy;
}

/* Every column of the table, in order. */
static int target_read(struct resident_session *s, const char *schema, const char *table,
	struct target *t, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	duckdb_result result;
	int r;

	strbuf_addstr(&sql, "SELECT column_name, data_type FROM duckdb_columns() WHERE "
			    "database_name = current_database() AND schema_name = ");
	sql_literal(&sql, schema);
	strbuf_addstr(&sql, " AND table_name = ");
	sql_literal(&sql, table);
	strbuf_addstr(&sql, " ORDER BY column_index");
	r = resident_exec(s->con, sql.buf, &result, err);
	strbuf_release(&sql);
	if (r)
		return -1;
	for (idx_t i = 0; i < duckdb_row_count(&result); i++)
		target_add(t, varchar_at(&result, 0, i), varchar_at(&result, 1, i));
	duckdb_destroy_result(&result);
	if (!t->columns.nr)
		return err_set(
			err, ERR_NOT_FOUND, "ERROR: Cannot COPY into nonexistent table %s", table);
	return 0;
}

/* Keeps the columns that the statement names, in its order. */
static int target_pick(struct target *t, const struct json *names, struct err *err)
{
	struct target picked = {.name = xstrdup(t->name)};
	const struct json *n;

	json_each(n, names)
	{
		size_t i = 0;
		while (i < t->columns.nr && strcmp(t->columns.name[i], json_str(n)) != 0)
			i++;
		if (i == t->columns.nr) {
			err_set(err, ERR_INVALID,
				"ERROR: column \"%s\" of relation \"%s\" does not exist",
				json_str(n), t->name);
			target_release(&picked);
			return -1;
		}
		target_add(&picked, xstrdup(t->columns.name[i]), xstrdup(t->columns.type[i]));
	}
	target_release(t);
	*t = picked;
	return 0;
}

/* --- one file's select --- */

/* What Parquet's type and the column's must have in common. */
static const struct {
	const char *type, *class, *parquet;
} classes[] = {
	{"BOOLEAN", "boolean", "boolean"},
	{"TINYINT", "int32", "int32"},
	{"SMALLINT", "int32", "int32"},
	{"INTEGER", "int32", "int32"},
	{"UTINYINT", "int32", "int32"},
	{"USMALLINT", "int32", "int32"},
	{"UINTEGER", "int32", "int32"},
	{"BIGINT", "int64", "int64"},
	{"UBIGINT", "int64", "int64"},
	{"FLOAT", "float", "float"},
	{"DOUBLE", "double", "double"},
	{"VARCHAR", "byte_array", "byte_array"},
	{"BLOB", "byte_array", "byte_array"},
	{"DATE", "date", "int32"},
	{"TIMESTAMP", "timestamp", "int64"},
	{"TIMESTAMP_S", "timestamp", "int64"},
	{"TIMESTAMP_MS", "timestamp", "int64"},
	{"TIMESTAMP_NS", "timestamp", "int64"},
	{"TIMESTAMP WITH TIME ZONE", "timestamp", "int64"},
};

static const char *class_of(const char *type, const char **parquet)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].type, type)) {
			*parquet = classes[i].parquet;
			return classes[i].class;
		}
	*parquet = starts_with(type, "DECIMAL") ? "fixed_len_byte_array" : "group";
	return starts_with(type, "DECIMAL") ? "decimal" : type;
}

/* Redshift's name of a column's type, for messages. */
static const char *redshift_type(const char *type)
{
	static const struct {
		const char *duck, *name;
	} names[] = {
		{"DOUBLE", "DOUBLE PRECISION"},
		{"FLOAT", "REAL"},
		{"TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].duck, type))
			return names[i].name;
	return type;
}

static int check_parquet(duckdb_connection con, const char *path, const char *name,
	const struct target *t, struct strbuf *list, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	duckdb_result result;
	int r;

	strbuf_addstr(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "
			    "read_parquet(");
	sql_literal(&sql, path);
	strbuf_addstr(&sql, ", binary_as_string = true, hive_partitioning = false))");
	r = resident_exec(con, sql.buf, &result, err);
	strbuf_release(&sql);
	if (r) {
		char *why = xstrdup(err->text);
		err_set(err, ERR_INVALID,
			"ERROR: Spectrum Scan Error. File '%s' is not a valid Parquet file: %s",
			name, why);
		free(why);
		return -1;
	}
	if (duckdb_row_count(&result) != t->columns.nr)
		r = err_set(err, ERR_INVALID,
			"ERROR: Spectrum Scan Error. Unmatched number of columns between table and "
			"file. Table columns: %zu, Data columns: %llu, File name: %s",
			t->columns.nr, (unsigned long long)duckdb_row_count(&result), name);
	for (idx_t i = 0; !r && i < t->columns.nr; i++) {
		char *column = varchar_at(&result, 0, i), *type = varchar_at(&result, 1, i);
		const char *theirs, *ours, *parquet, *unused;

		theirs = class_of(type, &parquet);
		ours = class_of(t->columns.type[i], &unused);
		if (strcmp(theirs, ours) != 0)
			r = err_set(err, ERR_INVALID,
				"ERROR: Spectrum Scan Error. File '%s' has an incompatible Parquet "
				"schema for column '%s.%s'. Column type: %s, Parquet schema: "
				"optional %s %s [i:%llu d:1 r:0]",
				name, name, column, redshift_type(t->columns.type[i]), parquet,
				column, (unsigned long long)i);
		strbuf_addf(list, "%sCAST(", i ? ", " : "");
		sql_identifier(list, column);
		strbuf_addf(list, " AS %s)", t->columns.type[i]);
		free(column);
		free(type);
	}
	duckdb_destroy_result(&result);
	return r;
}

static void add_option(
	struct strbuf *sql, const char *name, const struct json *options, const char *member)
{
	const char *value = json_get_str(options, member);

	if (!value)
		return;
	strbuf_addf(sql, ", %s = ", name);
	sql_literal(sql, value);
}

/* Fields come as text, so that the empty one is what Redshift makes of it. */
static void csv_select(struct strbuf *sql, const char *path, bool gzip, const struct target *t,
	const struct json *options)
{
	bool empty_is_null = json_get_truth(options, "emptyasnull", false);

	strbuf_addstr(sql, "SELECT ");
	for (size_t i = 0; i < t->columns.nr; i++) {
		bool text = !strcmp(t->columns.type[i], "VARCHAR");
		strbuf_addf(sql, "%sCAST(", i ? ", " : "");
		if (text && !empty_is_null)
			strbuf_addf(sql, "c%zu", i);
		else
			strbuf_addf(sql, "NULLIF(%sc%zu%s, '')", text ? "" : "trim(", i,
				text ? "" : ")");
		strbuf_addf(sql, " AS %s)", t->columns.type[i]);
	}
	strbuf_addstr(sql, " FROM read_csv(");
	sql_literal(sql, path);
	strbuf_addf(sql, ", auto_detect = false, header = false, skip = %lld, compression = '%s'",
		(long long)json_get_i64(options, "ignoreheader", 0), gzip ? "gzip" : "none");
	add_option(sql, "delim", options, "delimiter");
	add_option(sql, "quote", options, "quote");
	add_option(sql, "escape", options, "escape");
	add_option(sql, "nullstr", options, "null");
	strbuf_addstr(sql, ", columns = {");
	for (size_t i = 0; i < t->columns.nr; i++)
		strbuf_addf(sql, "%s'c%zu': 'VARCHAR'", i ? ", " : "", i);
	strbuf_addstr(sql, "}, allow_quoted_nulls = false)");
}

static void json_select(struct strbuf *sql, const char *path, bool gzip, const struct target *t)
{
	strbuf_addstr(sql, "SELECT ");
	for (size_t i = 0; i < t->columns.nr; i++) {
		strbuf_addstr(sql, i ? ", " : "");
		sql_identifier(sql, t->columns.name[i]);
	}
	strbuf_addstr(sql, " FROM read_json(");
	sql_literal(sql, path);
	strbuf_addf(sql, ", format = 'auto', compression = '%s', columns = {",
		gzip ? "gzip" : "uncompressed");
	for (size_t i = 0; i < t->columns.nr; i++) {
		strbuf_addstr(sql, i ? ", " : "");
		sql_literal(sql, t->columns.name[i]);
		strbuf_addstr(sql, ": ");
		sql_literal(sql, t->columns.type[i]);
	}
	strbuf_addstr(sql, "})");
}

static int file_select(duckdb_connection con, const struct json *req, const struct json *file,
	const struct target *t, struct strbuf *sql, struct err *err)
{
	const char *format = json_get_str(req, "format"), *path = json_get_str(file, "path");
	const struct json *options = json_get(req, "options");
	bool gzip = json_get_truth(file, "gzip", false);
	struct strbuf list = STRBUF_INIT;
	int r = 0;

	if (!strcmp(format, "PARQUET")) {
		r = check_parquet(con, path, json_get_str(file, "name"), t, &list, err);
		strbuf_addf(sql, "SELECT %s FROM read_parquet(", list.buf);
		sql_literal(sql, path);
		strbuf_addstr(sql, ", binary_as_string = true, hive_partitioning = false)");
	} else if (!strcmp(format, "JSON")) {
		json_select(sql, path, gzip, t);
	} else {
		csv_select(sql, path, gzip, t, options);
	}
	strbuf_release(&list);
	return r;
}

/* --- moving rows --- */

static int streaming(duckdb_connection con, const char *sql, duckdb_result *result, struct err *err)
{
	struct resident_session s = {.con = con};

	return resident_query(&s, sql, result, err);
}

static int move_rows(duckdb_result *from, duckdb_appender to, const atomic_bool *cancelled,
	int64_t *rows, struct err *err)
{
	duckdb_data_chunk chunk;
	int r = 0;

	while (!r && (chunk = duckdb_fetch_chunk(*from))) {
		idx_t size = duckdb_data_chunk_get_size(chunk);
		if (size && duckdb_append_data_chunk(to, chunk) == DuckDBError)
			r = err_set(err, ERR_INVALID, "%s", duckdb_appender_error(to));
		*rows += (int64_t)size;
		duckdb_destroy_data_chunk(&chunk);
		if (!size)
			break;
		if (!r && atomic_load(cancelled))
			r = err_set(err, ERR_FAILED, "INTERRUPT Error: Interrupted!");
	}
	if (!r && duckdb_result_error(from))
		r = err_set(err, ERR_INVALID, "%s", duckdb_result_error(from));
	return r;
}

/* What the file has and the column does not take. */
static int load_error(const struct target *t, const char *file, struct err *err)
{
	char *why = xstrdup(err->text);

	if (starts_with(why, "Conversion Error") || starts_with(why, "Invalid Input Error"))
		err_set(err, ERR_INVALID,
			"ERROR: Load into table '%s' failed. Check 'sys_load_error_detail' system "
			"table for details. File '%s': %.*s",
			t->name, file, (int)strcspn(why, "\n"), why);
	free(why);
	return -1;
}

static int load_file(duckdb_connection loader, duckdb_appender appender, const struct json *req,
	const struct json *file, const struct target *t, const atomic_bool *cancelled,
	int64_t *rows, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	duckdb_result result;
	int r = file_select(loader, req, file, t, &sql, err);

	if (!r) {
		r = streaming(loader, sql.buf, &result, err);
		if (!r) {
			r = move_rows(&result, appender, cancelled, rows, err);
			duckdb_destroy_result(&result);
		}
		if (r)
			load_error(t, json_get_str(file, "name"), err);
	}
	strbuf_release(&sql);
	return r;
}

static int open_appender(struct resident_session *s, const char *schema, const char *table,
	const struct target *t, bool some, duckdb_appender *appender, struct err *err)
{
	if (duckdb_appender_create(s->con, schema, table, appender) == DuckDBError)
		return err_set(err, ERR_INVALID, "%s",
			*appender ? duckdb_appender_error(*appender) : "cannot append");
	for (size_t i = 0; some && i < t->columns.nr; i++)
		if (duckdb_appender_add_column(*appender, t->columns.name[i]) == DuckDBError)
			return err_set(err, ERR_INVALID, "%s", duckdb_appender_error(*appender));
	return 0;
}

int resident_load(
	struct resident_session *s, const struct json *req, struct json *reply, struct err *err)
{
	const char *schema = json_get_str(req, "schema"), *table = json_get_str(req, "table");
	const struct json *names = json_get(req, "columns"), *file;
	struct target t = {.name = xstrdup(table)};
	duckdb_connection loader = NULL;
	duckdb_appender appender = NULL;
	int64_t rows = 0;
	int r = -1;

	if (target_read(s, schema, table, &t, err) || (names && target_pick(&t, names, err)) ||
		resident_loader(&loader, err) ||
		open_appender(s, schema, table, &t, names != NULL, &appender, err))
		goto out;
	json_each(file, json_get(req, "files"))
	{
		if (load_file(loader, appender, req, file, &t, &s->cancelled, &rows, err))
			goto out;
	}
	if (duckdb_appender_close(appender) == DuckDBError) {
		err_set(err, ERR_INVALID, "%s", duckdb_appender_error(appender));
		goto out;
	}
	json_set_i64(reply, "rows", rows);
	r = 0;
out:
	duckdb_appender_destroy(&appender);
	duckdb_disconnect(&loader);
	target_release(&t);
	return r;
}

/* --- unload --- */

static int create_like(
	duckdb_connection loader, duckdb_result *result, const char *table, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int r = 0;

	strbuf_addf(&sql, "CREATE TEMP TABLE %s (", table);
	for (idx_t i = 0; !r && i < duckdb_column_count(result); i++) {
		duckdb_logical_type type = duckdb_column_logical_type(result, i);
		const char *name = record_type_name(type);

		strbuf_addstr(&sql, i ? ", " : "");
		sql_identifier(&sql, duckdb_column_name(result, i));
		if (!name)
			r = err_set(err, ERR_INVALID,
				"ERROR: column \"%s\" has a type that cannot be unloaded",
				duckdb_column_name(result, i));
		else if (!strcmp(name, "numeric"))
			strbuf_addf(&sql, " DECIMAL(%d, %d)", duckdb_decimal_width(type),
				duckdb_decimal_scale(type));
		else if (duckdb_get_type_id(type) == DUCKDB_TYPE_HUGEINT)
			strbuf_addstr(&sql, " HUGEINT");
		else
			strbuf_addf(&sql, " %s",
				!strcmp(name, "varbyte")   ? "BLOB"
				: !strcmp(name, "unknown") ? "VARCHAR"
							   : name);
		duckdb_destroy_logical_type(&type);
	}
	strbuf_addstr(&sql, ")");
	if (!r)
		r = resident_exec(loader, sql.buf, NULL, err);
	strbuf_release(&sql);
	return r;
}

static int copy_out(duckdb_connection loader, const struct json *req, struct err *err)
{
	const struct json *options = json_get(req, "options");
	struct strbuf sql = STRBUF_INIT;
	int r;

	strbuf_addstr(&sql, "COPY unloaded TO ");
	sql_literal(&sql, json_get_str(req, "output"));
	if (!strcmp(json_get_str(req, "format"), "PARQUET")) {
		strbuf_addstr(&sql, " (FORMAT parquet, COMPRESSION snappy)");
	} else {
		strbuf_addf(&sql, " (FORMAT csv, HEADER %s, DELIMITER ",
			json_get_truth(options, "header", false) ? "true" : "false");
		sql_literal(&sql, json_get_str(options, "delimiter"));
		strbuf_addstr(&sql, ", NULLSTR ");
		sql_literal(&sql, json_get_str(options, "null"));
		strbuf_addf(&sql, ", COMPRESSION %s)",
			json_get_truth(options, "gzip", false) ? "gzip" : "none");
	}
	r = resident_exec(loader, sql.buf, NULL, err);
	strbuf_release(&sql);
	return r;
}

int resident_unload(
	struct resident_session *s, const struct json *req, struct json *reply, struct err *err)
{
	duckdb_connection loader = NULL;
	duckdb_appender appender = NULL;
	duckdb_result result;
	int64_t rows = 0;
	int r = -1;

	if (resident_query(s, json_get_str(req, "sql"), &result, err))
		return -1;
	if (resident_loader(&loader, err) || create_like(loader, &result, "unloaded", err))
		goto out;
	if (duckdb_appender_create_ext(loader, "temp", NULL, "unloaded", &appender) ==
		DuckDBError) {
		err_set(err, ERR_FAILED, "%s", duckdb_appender_error(appender));
		goto out;
	}
	if (move_rows(&result, appender, &s->cancelled, &rows, err))
		goto out;
	if (duckdb_appender_close(appender) == DuckDBError) {
		err_set(err, ERR_FAILED, "%s", duckdb_appender_error(appender));
		goto out;
	}
	r = copy_out(loader, req, err);
	json_set_i64(reply, "rows", rows);
out:
	duckdb_appender_destroy(&appender);
	duckdb_destroy_result(&result);
	duckdb_disconnect(&loader);
	return r;
}
