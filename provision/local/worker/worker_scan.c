#include "worker_json.h"
#include "map.h"

/*
 * The views t0, t1, … over a catalog table's files. A request's scan is {"kind":"csv"|"json"|"parquet","alias":n,
 * "columns":[{"name","type","used"}],"nr_keys":n,"files":[{"path","size","values":[…]}],"prune":["condition"…],
 * "csv":{"delimiter","quote","escape","strict","null","skip"},
 * "json":{"hive","fold","dots","ignore","mapping":{column: key}}}; types are DuckDB's.
 */

void sql_literal(struct strbuf *out, const char *text)
{
	strbuf_addquoted(out, text, strlen(text), '\'');
}

void sql_identifier(struct strbuf *out, const char *text)
{
	strbuf_addquoted(out, text, strlen(text), '"');
}

/* --- the list of files as a table files<i>(path, size, v0, v1, …), values as text --- */
static int append_files(
	struct session *s, const char *table, const struct json *files, struct err *err)
{
	duckdb_appender a;
	struct json *f, *v;

	if (duckdb_appender_create(s->con, NULL, table, &a) == DuckDBError)
		return err_set(err, ERR_FAILED, "cannot list the files");
	json_each(f, files)
	{
		duckdb_append_varchar(a, json_get_str(f, "path"));
		duckdb_append_int64(a, json_get_i64(f, "size", 0));
		json_each(v, json_get(f, "values"))
		{
			const char *text = json_str(v);
			if (text && strcmp(text, "__HIVE_DEFAULT_PARTITION__"))
				duckdb_append_varchar(a, text);
			else
				duckdb_append_null(a);
		}
		if (duckdb_appender_end_row(a) == DuckDBError)
			break;
	}
	if (duckdb_appender_close(a) == DuckDBError) {
		err_set(err, ERR_FAILED, "cannot list the files: %s", duckdb_appender_error(a));
		duckdb_appender_destroy(&a);
		return -1;
	}
	duckdb_appender_destroy(&a);
	return 0;
}

static int make_file_table(
	struct session *s, size_t i, const struct json *scan, int64_t nr_keys, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	char *table = xasprintf("files%zu", i);
	int r;

	strbuf_addf(&sql, "CREATE TEMP TABLE %s (path VARCHAR, size BIGINT", table);
	for (int64_t k = 0; k < nr_keys; k++)
		strbuf_addf(&sql, ", v%lld VARCHAR", (long long)k);
	strbuf_addch(&sql, ')');
	r = session_query(s, sql.buf, NULL, err);
	if (!r)
		r = append_files(s, table, json_get(scan, "files"), err);
	strbuf_release(&sql);
	free(table);
	return r;
}

/* ", TRY_CAST(v0 AS T) AS c5, …" */
static void key_columns(struct strbuf *sql, const struct json *columns, int64_t nr_keys)
{
	size_t from = json_len(columns) - (size_t)nr_keys;

	for (int64_t k = 0; k < nr_keys; k++)
		strbuf_addf(sql, ", TRY_CAST(v%lld AS %s) AS c%zu", (long long)k,
			json_get_str(json_at(columns, from + (size_t)k), "type"), from + (size_t)k);
}

/* Drops the files that the conditions on partition keys rule out; one that fails here is left to the query. */
static void prune(struct session *s, size_t i, const struct json *scan, int64_t nr_keys)
{
	struct strbuf sql = STRBUF_INIT;
	struct err ignored = ERR_INIT;
	struct json *cond;

	json_each(cond, json_get(scan, "prune"))
	{
		strbuf_clear(&sql);
		strbuf_addf(&sql,
			"DELETE FROM files%zu WHERE path NOT IN (SELECT path FROM (SELECT path", i);
		key_columns(&sql, json_get(scan, "columns"), nr_keys);
		strbuf_addf(&sql, " FROM files%zu) AS r%lld WHERE %s)", i,
			(long long)json_get_i64(scan, "alias", 0), json_str(cond));
		if (session_query(s, sql.buf, NULL, &ignored))
			err_release(&ignored);
	}
	strbuf_release(&sql);
}

/* The paths that are left, in order; the caller frees the list with json_free(). */
static int remaining(
	struct session *s, size_t i, const struct json *scan, struct json **out, struct err *err)
{
	char *sql = xasprintf("SELECT path FROM files%zu", i);
	struct map left = MAP_INIT;
	duckdb_result result;
	duckdb_data_chunk chunk;
	struct strbuf path = STRBUF_INIT;
	struct json *f;
	int r = session_query(s, sql, &result, err);

	free(sql);
	if (r)
		return -1;
	while ((chunk = duckdb_fetch_chunk(result))) {
		duckdb_vector v = duckdb_data_chunk_get_vector(chunk, 0);
		duckdb_logical_type type = duckdb_vector_get_column_type(v);
		for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
			strbuf_clear(&path);
			format_value(&path, v, type, row, false);
			map_put(&left, path.buf, &left);
		}
		duckdb_destroy_logical_type(&type);
		duckdb_destroy_data_chunk(&chunk);
	}
	duckdb_destroy_result(&result);
	*out = json_array();
	json_each(f, json_get(scan, "files")) if (map_has(&left, json_get_str(f, "path")))
		json_push(*out, json_copy(f));
	map_release(&left);
	strbuf_release(&path);
	return 0;
}

/* --- Parquet --- */
static void path_list(struct strbuf *out, const struct json *files)
{
	struct json *f;

	strbuf_addch(out, '[');
	json_each(f, files)
	{
		strbuf_addstr(out, f == json_first(files) ? "" : ", ");
		sql_literal(out, json_get_str(f, "path"));
	}
	strbuf_addch(out, ']');
}

static bool has_type(const struct json *columns, const char *type)
{
	struct json *c;

	json_each(c, columns) if (!strcmp(json_get_str(c, "type"), type)) return true;
	return false;
}

static void parquet_call(struct strbuf *out, const struct json *scan, const struct json *files)
{
	strbuf_addstr(out, "read_parquet(");
	path_list(out, files);
	strbuf_addf(out, ", hive_partitioning = false, filename = true%s%s)",
		json_len(files) > 1 ? ", union_by_name = true" : "",
		has_type(json_get(scan, "columns"), "BLOB") ? "" : ", binary_as_string = true");
}

/* The columns that the files really have: lower-case name -> name as written. */
static int parquet_names(struct session *s, const char *call, struct map *names, struct err *err)
{
	char *sql = xasprintf("SELECT * FROM %s LIMIT 0", call);
	duckdb_result result;
	int r = session_query(s, sql, &result, err);

	free(sql);
	if (r)
		return -1;
	for (idx_t i = 0; i < duckdb_column_count(&result); i++) {
		const char *name = duckdb_column_name(&result, i);
		char *lower = xstrdup(name);
		lower_ascii(lower);
		if (!map_has(names, lower))
			map_put(names, lower, xstrdup(name));
		free(lower);
	}
	duckdb_destroy_result(&result);
	return 0;
}

static void parquet_view(struct strbuf *sql, size_t i, const struct json *scan, int64_t nr_keys,
	const char *call, const struct map *names)
{
	const struct json *columns = json_get(scan, "columns");
	size_t nr = json_len(columns) - (size_t)nr_keys, at = 0;
	struct json *c;

	strbuf_addf(sql, "CREATE TEMP VIEW t%zu AS SELECT ", i);
	json_each(c, columns)
	{
		const char *name = map_get(names, json_get_str(c, "name"));
		if (at == nr)
			break;
		strbuf_addf(sql, "%sCAST(", at ? ", " : "");
		if (name)
			sql_identifier(sql, name);
		else
			strbuf_addstr(sql, "NULL");
		strbuf_addf(sql, " AS %s) AS c%zu", json_get_str(c, "type"), at++);
	}
	if (nr_keys) {
		struct strbuf keys = STRBUF_INIT;
		key_columns(&keys, columns, nr_keys);
		strbuf_addstr(sql, keys.buf + (nr ? 0 : 2));
		strbuf_release(&keys);
	}
	strbuf_addf(sql, " FROM %s AS f", call);
	if (nr_keys)
		strbuf_addf(sql, " JOIN files%zu AS m ON f.filename = m.path", i);
}

/* Bytes of the column chunks that the query reads, as Athena counts them. */
static int parquet_bytes(
	struct session *s, const struct json *scan, const struct json *files, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	struct json *c;
	duckdb_result result;
	bool any = false;
	int r;

	strbuf_addstr(&sql, "SELECT CAST(coalesce(sum(total_compressed_size), 0) AS BIGINT) FROM "
			    "parquet_metadata(");
	path_list(&sql, files);
	strbuf_addstr(&sql, ") WHERE lower(split_part(path_in_schema, ', ', 1)) IN (");
	json_each(c, json_get(scan, "columns"))
	{
		if (!json_get_truth(c, "used", false))
			continue;
		strbuf_addstr(&sql, any ? ", " : "");
		sql_literal(&sql, json_get_str(c, "name"));
		any = true;
	}
	strbuf_addch(&sql, ')');
	r = any ? session_query(s, sql.buf, &result, err) : 0;
	if (any && !r) {
		s->scanned += (uint64_t)duckdb_value_int64(&result, 0, 0);
		duckdb_destroy_result(&result);
	}
	strbuf_release(&sql);
	return r;
}

static int open_parquet(struct session *s, size_t i, const struct json *scan, int64_t nr_keys,
	const struct json *files, struct err *err)
{
	struct strbuf call = STRBUF_INIT, sql = STRBUF_INIT;
	struct map names;
	int r = -1;

	map_init(&names, free);
	parquet_call(&call, scan, files);
	if (parquet_names(s, call.buf, &names, err) || parquet_bytes(s, scan, files, err))
		goto out;
	parquet_view(&sql, i, scan, nr_keys, call.buf, &names);
	r = session_query(s, sql.buf, NULL, err);
out:
	map_release(&names);
	strbuf_release(&call);
	strbuf_release(&sql);
	return r;
}

/* --- text --- */
static char letter(const struct json *csv, const char *name)
{
	const char *text = json_get_str(csv, name);

	return text ? *text : '\0';
}

/* Columns of lines of JSON are read by their own types, only the partition's keys by these. */
static int text_columns(struct text_scan *t, const struct json *columns, struct err *err)
{
	struct json *c;
	size_t i = 0;

	json_each(c, columns)
	{
		struct text_column *column = &t->columns[i++];
		struct err why = ERR_INIT;
		column->used = json_get_truth(c, "used", false);
		if (!text_column_init(column, json_get_str(c, "type"), &why))
			continue;
		if (column->used && (!t->json || i > t->nr - t->nr_keys)) {
			err_move(err, &why);
			return -1;
		}
		err_release(&why);
		column->type = DUCKDB_TYPE_VARCHAR;
	}
	return 0;
}

static int open_text(struct session *s, size_t i, const struct json *scan, int64_t nr_keys,
	struct json *files, struct err *err)
{
	const struct json *columns = json_get(scan, "columns"), *csv = json_get(scan, "csv");
	const struct json *json = json_get(scan, "json");
	struct text_scan *t = &s->text_scans[i];
	struct json *f;
	char *sql;
	int r;

	t->nr = json_len(columns);
	t->nr_keys = (size_t)nr_keys;
	t->columns = xcalloc(t->nr + 1, sizeof(*t->columns));
	t->files = xcalloc(json_len(files) + 1, sizeof(*t->files));
	t->delimiter = letter(csv, "delimiter");
	t->quote = letter(csv, "quote");
	t->escape = letter(csv, "escape");
	t->strict = json_get_truth(csv, "strict", false);
	t->null_text = json_get_str(csv, "null");
	t->skip_lines = json_get_i64(csv, "skip", 0);
	if (json && !(t->json = json_scan_new(s, json, columns, t->nr - t->nr_keys, err)))
		return -1;
	if (text_columns(t, columns, err))
		return -1;
	json_each(f, files)
	{
		struct text_file *file = &t->files[t->nr_files++];
		file->path = json_get_str(f, "path");
		file->values = json_get(f, "values");
		s->scanned += (uint64_t)json_get_i64(f, "size", 0);
	}
	sql = xasprintf("CREATE TEMP VIEW t%zu AS SELECT * FROM text_scan(%zu)", i, i);
	r = session_query(s, sql, NULL, err);
	free(sql);
	return r;
}

static int open_empty(struct session *s, size_t i, const struct json *scan, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	struct json *c;
	size_t at = 0;
	int r;

	strbuf_addf(&sql, "CREATE TEMP VIEW t%zu AS SELECT ", i);
	json_each(c, json_get(scan, "columns"))
	{
		strbuf_addf(&sql, "%sCAST(NULL AS %s) AS c%zu", at ? ", " : "",
			json_get_str(c, "type"), at);
		at++;
	}
	strbuf_addstr(&sql, " WHERE false");
	r = session_query(s, sql.buf, NULL, err);
	strbuf_release(&sql);
	return r;
}

static int open_scan(
	struct session *s, size_t i, const struct json *scan, struct json **kept, struct err *err)
{
	int64_t nr_keys = json_get_i64(scan, "nr_keys", 0);
	const char *kind = json_get_str(scan, "kind");

	if (make_file_table(s, i, scan, nr_keys, err))
		return -1;
	prune(s, i, scan, nr_keys);
	if (remaining(s, i, scan, kept, err))
		return -1;
	if (!json_len(*kept))
		return open_empty(s, i, scan, err);
	if (!strcmp(kind, "parquet"))
		return open_parquet(s, i, scan, nr_keys, *kept, err);
	return open_text(s, i, scan, nr_keys, *kept, err);
}

static struct json *kept_files; /* lives as long as the process: text scans borrow from it */

int scans_open(struct session *s, const struct json *scans, struct err *err)
{
	struct json *scan;
	size_t i = 0;

	s->nr_scans = json_len(scans);
	s->text_scans = xcalloc(s->nr_scans + 1, sizeof(*s->text_scans));
	kept_files = json_array();
	json_each(scan, scans)
	{
		struct json *kept = NULL;
		int r = open_scan(s, i++, scan, &kept, err);
		json_push(kept_files, kept);
		if (r)
			return -1;
	}
	return 0;
}

void scans_release(struct session *s)
{
	for (size_t i = 0; i < s->nr_scans; i++) {
		json_scan_free(s->text_scans[i].json);
		free(s->text_scans[i].columns);
		free(s->text_scans[i].files);
	}
	free(s->text_scans);
	json_free(kept_files);
	kept_files = NULL;
}
