/* SELECT: parsed by the worker, compiled here, run by the worker over the objects' own files. */
#include "local_athena.h"
#include "fs.h"
#include "local_catalog.h"
#include "local_objects.h"
#include <unistd.h>

/* --- the worker of a query, which StopQueryExecution may kill at any time --- */
static struct local_worker *hire(struct athena_query *q, struct err *err)
{
	struct local_worker *w = local_worker_start(err);

	if (!w) {
		err_wrap(err, "GENERIC_INTERNAL_ERROR");
		return NULL;
	}
	pthread_mutex_lock(&q->lock);
	q->worker = w;
	if (q->cancelled)
		local_worker_kill(w);
	pthread_mutex_unlock(&q->lock);
	return w;
}

void athena_dismiss(struct athena_query *q)
{
	struct local_worker *w;

	pthread_mutex_lock(&q->lock);
	w = q->worker;
	q->worker = NULL;
	pthread_mutex_unlock(&q->lock);
	local_worker_free(w);
}

/* A reply that says no becomes the error. */
static int ask(
	struct athena_query *q, const struct json *request, struct json **reply, struct err *err)
{
	const char *why;

	*reply = NULL;
	if (local_worker_call(q->worker, request, reply, err))
		return err_wrap(err, "GENERIC_INTERNAL_ERROR");
	if (json_get_truth(*reply, "ok", false))
		return 0;
	why = json_get_str(*reply, "error");
	return err_set(err, ERR_INVALID, "%s", why ? why : "GENERIC_INTERNAL_ERROR");
}

/* --- parse and compile --- */
static int find_table(
	void *payload, const char *database, const char *table, struct json **doc, struct err *err)
{
	struct athena_query *q = payload;
	char *arn = local_arn(q->cloud, "glue", q->cloud->region, "table/%s/%s", database, table);
	int r = athena_may(q, "glue:GetTable", arn, err);

	free(arn);
	return r ? -1 : local_catalog_table(q->cloud, database, table, doc, err);
}

static int parse(void *payload, const char *sql, struct json **tree, struct err *err)
{
	struct athena_query *q = payload;
	struct json *request = json_object(), *reply = NULL;
	struct strbuf prepared = STRBUF_INIT;
	const char *text;
	int r = -1;

	if (sqlmap_prepare(sql, &prepared, err))
		goto out;
	json_set_str(request, "op", "parse");
	json_set_str(request, "sql", prepared.buf);
	if (ask(q, request, &reply, err))
		goto out;
	text = json_get_str(reply, "tree");
	*tree = text ? json_parse(text, strlen(text), err) : NULL;
	if (!*tree)
		err_set(err, ERR_INVALID, "NOT_SUPPORTED: a query that is nested so deeply");
	else
		r = 0;
out:
	json_free(request);
	json_free(reply);
	strbuf_release(&prepared);
	return r;
}

/* --- the request to run --- */
static void add_duck_type(struct json *obj, const struct sqltype *t)
{
	struct strbuf sb = STRBUF_INIT;

	sqltype_duck(t, &sb);
	json_set_str(obj, "type", sb.buf);
	strbuf_release(&sb);
}

static struct json *scan_columns(const struct sqlplan_scan *scan)
{
	struct json *list = json_array();

	for (size_t i = 0; i < scan->nr_columns; i++) {
		struct json *c = json_object();
		json_set_str(c, "name", scan->columns[i].name);
		add_duck_type(c, scan->columns[i].type);
		json_set_bool(c, "used", scan->columns[i].used);
		json_push(list, c);
	}
	return list;
}

/* The first character of a serde's parameter, with Hive's spellings "\t", "\001", "1". */
static void set_letter(struct json *csv, const char *name, const char *text)
{
	char ch[2] = {text ? *text : '\0', '\0'};

	if (text && *text == '\\' && text[1])
		ch[0] = text[1] == 't'                     ? '\t'
			: text[1] == 'n'                   ? '\n'
			: text[1] >= '0' && text[1] <= '7' ? (char)strtol(text + 1, NULL, 8)
							   : text[1];
	else if (text && text[0] >= '0' && text[0] <= '9')
		ch[0] = (char)strtol(text, NULL, 10);
	json_set_str(csv, name, ch);
}

static const char *parameter(const struct json *p, const char *name, const char *otherwise)
{
	const char *v = json_get_str(p, name);

	return v ? v : otherwise;
}

static struct json *lazy_simple(const struct json *p)
{
	struct json *csv = json_object();

	set_letter(csv, "delimiter",
		parameter(p, "field.delim", parameter(p, "serialization.format", "\1")));
	set_letter(csv, "escape", parameter(p, "escape.delim", NULL));
	json_set_str(csv, "null", parameter(p, "serialization.null.format", "\\N"));
	return csv;
}

static struct json *open_csv(const struct json *p)
{
	struct json *csv = json_object();

	set_letter(csv, "delimiter", parameter(p, "separatorChar", ","));
	set_letter(csv, "quote", parameter(p, "quoteChar", "\""));
	set_letter(csv, "escape", parameter(p, "escapeChar", "\\\\"));
	json_set_bool(csv, "strict", true);
	return csv;
}

static bool is_true(const struct json *p, const char *name, bool otherwise)
{
	const char *v = json_get_str(p, name);

	return v ? iequals(v, "true") : otherwise;
}

/* "mapping.COLUMN" = key, by column. */
static struct json *json_mapping(const struct json *p)
{
	static const char word[] = "mapping.";
	struct json *mapping = json_object(), *e;

	json_each(e, p)
	{
		char *name = xstrdup(json_name(e));
		lower_ascii(name);
		if (starts_with(name, word) && json_str(e))
			json_set_str(mapping, name + strlen(word), json_str(e));
		free(name);
	}
	return mapping;
}

static struct json *json_serde(const struct json *p, bool hive)
{
	struct json *out = json_object();

	json_set_bool(out, "hive", hive);
	json_set_bool(out, "fold", hive || is_true(p, "case.insensitive", true));
	json_set_bool(out, "dots", !hive && is_true(p, "dots.in.keys", false));
	json_set_bool(out, "ignore", !hive && is_true(p, "ignore.malformed.json", false));
	json_set(out, "mapping", hive ? json_object() : json_mapping(p));
	return out;
}

static int64_t header_lines(const struct sqlplan_scan *scan)
{
	return json_i64(json_get(json_get(scan->doc, "Parameters"), "skip.header.line.count"), 0);
}

/* Lines of JSON; 1: the table is none. */
static int json_format(const struct sqlplan_scan *scan, const char *library, const struct json *p,
	struct json *out, struct err *err)
{
	bool hive = library && !strcmp(library, "org.apache.hive.hcatalog.data.JsonSerDe");
	struct json *csv;

	if (!hive && (!library || strcmp(library, "org.openx.data.jsonserde.JsonSerDe")))
		return 1;
	if (json_get(p, "timestamp.formats"))
		return err_set(err, ERR_INVALID,
			"NOT_SUPPORTED: table '%s.%s' has 'timestamp.formats'", scan->database,
			scan->table);
	csv = json_object();
	json_set_i64(csv, "skip", header_lines(scan));
	json_set_str(out, "kind", "json");
	json_set(out, "csv", csv);
	json_set(out, "json", json_serde(p, hive));
	return 0;
}

static int scan_format(const struct sqlplan_scan *scan, struct json *out, struct err *err)
{
	const struct json *serde = json_path(scan->doc, "StorageDescriptor.SerdeInfo");
	const char *library = json_get_str(serde, "SerializationLibrary");
	const struct json *p = json_get(serde, "Parameters");
	struct json *csv;
	int r;

	if (library && strstr(library, "ParquetHiveSerDe")) {
		json_set_str(out, "kind", "parquet");
		return 0;
	}
	if ((r = json_format(scan, library, p, out, err)) <= 0)
		return r;
	if (library && strstr(library, "LazySimpleSerDe"))
		csv = lazy_simple(p);
	else if (library && strstr(library, "OpenCSVSerde"))
		csv = open_csv(p);
	else
		return err_set(err, ERR_INVALID, "NOT_SUPPORTED: table '%s.%s' has the serde '%s'",
			scan->database, scan->table, library ? library : "");
	json_set_i64(csv, "skip", header_lines(scan));
	json_set_str(out, "kind", "csv");
	json_set(out, "csv", csv);
	return 0;
}

static int add_scan(struct athena_query *q, const struct sqlplan_scan *scan, struct json *scans,
	struct err *err)
{
	struct json *out = json_object(), *prune = json_array(), *files = NULL;

	json_push(scans, out);
	json_set_i64(out, "alias", scan->alias);
	json_set_i64(out, "nr_keys", (int64_t)scan->nr_partition_keys);
	json_set(out, "columns", scan_columns(scan));
	for (size_t i = 0; i < scan->prune.nr; i++)
		json_push_str(prune, scan->prune.v[i]);
	json_set(out, "prune", prune);
	if (scan_format(scan, out, err) || athena_files(q, scan->doc, &files, err))
		return -1;
	json_set(out, "files", files);
	return 0;
}

struct json *athena_column(const char *name, const char *type, int precision, int scale)
{
	struct json *c = json_object();

	json_set_str(c, "CatalogName", "hive");
	json_set_str(c, "SchemaName", "");
	json_set_str(c, "TableName", "");
	json_set_str(c, "Name", name);
	json_set_str(c, "Label", name);
	json_set_str(c, "Type", type);
	json_set_i64(c, "Precision", precision);
	json_set_i64(c, "Scale", scale);
	json_set_str(c, "Nullable", "UNKNOWN");
	json_set_bool(c, "CaseSensitive", !strcmp(type, "varchar") || !strcmp(type, "char"));
	return c;
}

static struct json *result_columns(struct athena_query *q, const struct sqlplan *plan)
{
	struct json *list = json_array();

	q->columns = json_array();
	for (size_t i = 0; i < plan->nr_columns; i++) {
		struct json *c = json_object();
		struct strbuf type = STRBUF_INIT;
		int precision, scale;
		const char *athena = sqltype_athena(plan->columns[i].type, &precision, &scale);
		json_push(
			q->columns, athena_column(plan->columns[i].name, athena, precision, scale));
		sqltype_print(plan->columns[i].type, &type);
		json_set_str(c, "name", plan->columns[i].name);
		json_set_str(c, "type", type.buf);
		json_push(list, c);
		strbuf_release(&type);
	}
	return list;
}

static void add_limits(struct athena_query *q, struct json *request, const char *spill)
{
	struct json *dirs = json_array();
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t mb = (int64_t)pages / 1024 * page / 1024 / 4;
	char *objects = xasprintf("%s/objects/", q->cloud->dir);

	json_push_str(dirs, objects);
	json_push_str(dirs, spill);
	json_set(request, "dirs", dirs);
	json_set_i64(request, "memory_mb", mb < 256 ? 256 : mb > 8192 ? 8192 : mb);
	json_set_i64(request, "threads", cpus < 1 ? 1 : cpus > 8 ? 8 : cpus);
	json_set_str(request, "temp_dir", spill);
	free(objects);
}

static int run_plan(struct athena_query *q, const struct sqlplan *plan, const char *path,
	const char *spill, struct err *err)
{
	struct json *request = json_object(), *scans = json_array(), *divisions = json_array();
	struct json *reply = NULL;
	int r = 0;

	json_set_str(request, "op", "run");
	json_set_str(request, "sql", plan->sql);
	json_set_str(request, "output", path);
	json_set(request, "columns", result_columns(q, plan));
	for (size_t i = 0; i < plan->divisions.nr; i++)
		json_push_str(divisions, plan->divisions.v[i]);
	json_set(request, "divisions", divisions);
	json_set(request, "scans", scans);
	add_limits(q, request, spill);
	for (size_t i = 0; !r && i < plan->nr_scans; i++)
		r = add_scan(q, plan->scans[i], scans, err);
	if (!r)
		r = ask(q, request, &reply, err);
	q->rows = json_get_i64(reply, "rows", 0);
	q->scanned = json_get_i64(reply, "scanned", 0);
	json_free(reply);
	json_free(request);
	return r;
}

int athena_compile(struct athena_query *q, const char *sql, struct sqlplan *plan, struct err *err)
{
	struct sqlmap_env env = {.sql = sql,
		.database = q->database,
		.now_ms = local_now_ms(q->cloud),
		.table = find_table,
		.parse = parse,
		.payload = q};
	struct json *tree = NULL;
	int r;

	if (!hire(q, err))
		return -1;
	r = parse(q, sql, &tree, err);
	if (tree)
		json_push(plan->kept, tree);
	return r ? -1 : sqlmap_compile(tree, &env, plan, err);
}

int athena_run_select(struct athena_query *q, const char *path, struct err *err)
{
	char *spill = local_scratch_path(q->cloud, ".spill"), *name = NULL;
	struct sqlplan plan;
	struct err ignored = ERR_INIT;
	int r = -1;

	sqlplan_init(&plan);
	if (athena_statement(q->sql, &name) == 'N')
		err_set(err, ERR_INVALID, "NOT_SUPPORTED: line 1:1: %s", name);
	else if (!athena_compile(q, q->sql, &plan, err))
		r = run_plan(q, &plan, path, spill, err);
	athena_dismiss(q);
	if (fs_remove_tree(spill, &ignored))
		err_release(&ignored);
	free(spill);
	free(name);
	sqlplan_release(&plan);
	return r;
}
