/* Tables of the Data Catalog ("Tables", AWS Glue Web API Reference). */
#include "local_catalog_store.h"
#include <regex.h>

static void table_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *db = json_get_str(req->in, "DatabaseName");
	const char *name = json_get_str(req->in, "Name");
	char *path;

	if (!name)
		name = json_str(json_path(req->in, "TableInput.Name"));
	if (!name)
		name = json_get_str(req->in, "TableName");
	path = xasprintf("%s/%s", db ? db : "*", name ? name : "*");
	glue_arn(cloud, req->region, "table", path, arn);
	free(path);
}

struct call {
	const struct local_request *req;
	const char *database, *name;
	struct json *out;
};

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_table_create_tx(cloud, k->database, json_get(k->req->in, "TableInput"),
		k->req->who ? k->req->who->arn : NULL, err);
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_table_update_tx(cloud, k->database, json_get(k->req->in, "TableInput"),
		json_get_truth(k->req->in, "SkipArchive", false), err);
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_table_delete_tx(cloud, k->database, k->name, err);
}

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_table_tx(cloud, k->database, k->name, &k->out, err);
}

/* fn with the request's database and, when `member` is given, table. */
static int run(struct local_cloud *cloud, const struct local_request *req, local_tx_fn *fn,
	const char *member, struct json **doc, struct err *err)
{
	struct call k = {.req = req};
	char *db = catalog_name(req->in, "DatabaseName", err);
	char *name = db && member ? catalog_name(req->in, member, err) : NULL;
	int r = -1;

	k.database = db;
	k.name = name;
	if (db && (name || !member))
		r = local_tx(cloud, fn, &k, err);
	free(db);
	free(name);
	if (!r && doc)
		*doc = k.out;
	return r;
}

static int create_table(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return run(cloud, req, create_tx, NULL, NULL, err);
}

static int update_table(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return run(cloud, req, update_tx, NULL, NULL, err);
}

static int delete_table(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return run(cloud, req, delete_tx, "Name", NULL, err);
}

static int get_table(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct json *doc;

	if (run(cloud, req, get_tx, "Name", &doc, err))
		return -1;
	*out = json_object();
	json_set(*out, "Table", doc);
	return 0;
}

static struct json *batch_error(const char *name, const struct err *why)
{
	struct json *e = json_object(), *detail = json_object();

	json_set_str(e, "TableName", name);
	json_set_str(
		detail, "ErrorCode", why->aws_code ? why->aws_code : "InternalServiceException");
	json_set_str(detail, "ErrorMessage", why->text);
	json_set(e, "ErrorDetail", detail);
	return e;
}

static int batch_delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	struct json *name, *db;

	if (catalog_database_tx(cloud, k->database, &db, err))
		return -1;
	json_free(db);
	k->out = json_array();
	json_each(name, json_get(k->req->in, "TablesToDelete"))
	{
		struct err why = ERR_INIT;
		char *lower = xstrdup(json_str(name) ? json_str(name) : "");
		lower_ascii(lower);
		if (catalog_table_delete_tx(cloud, k->database, lower, &why))
			json_push(k->out, batch_error(lower, &why));
		err_release(&why);
		free(lower);
	}
	return 0;
}

static int batch_delete_table(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *errors = NULL;

	if (json_len(json_get(req->in, "TablesToDelete")) > 100)
		return glue_invalid(err,
			"1 validation error detected: Value at 'tablesToDelete' failed to satisfy "
			"constraint: Member must have length less than or equal to 100");
	if (run(cloud, req, batch_delete_tx, NULL, &errors, err))
		return -1;
	*out = json_object();
	json_set(*out, "Errors", errors);
	return 0;
}

/* --- lists --- */
struct list {
	const char *database, *after;
	int64_t limit;
	regex_t *regex;
	struct json *found;
	bool more;
};

/* Whole-name match, as Java's matches() does. */
static bool name_matches(const regex_t *regex, const char *name)
{
	return !regex || regexec(regex, name, 0, NULL, 0) == 0;
}

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct list *l = payload;
	struct json *all = json_array(), *t, *db;
	int r = catalog_database_tx(cloud, l->database, &db, err);

	if (!r) {
		json_free(db);
		r = catalog_tables_tx(cloud, l->database, l->after, INT64_MAX, all, err);
	}
	json_each(t, all)
	{
		if (!name_matches(l->regex, json_get_str(t, "Name")))
			continue;
		l->more = (int64_t)json_len(l->found) == l->limit;
		if (l->more)
			break;
		json_push(l->found, json_copy(t));
	}
	json_free(all);
	return r;
}

static int compile(const char *expression, regex_t *regex, struct err *err)
{
	/* a star that repeats nothing but letters is a glob's to Glue: "sales*", "*_raw" */
	struct strbuf whole = STRBUF_INIT;
	int r;

	strbuf_addstr(&whole, "^(");
	for (const char *c = expression; *c; c++) {
		if (*c == '*' && (c == expression || !strchr(".)]*", c[-1])) &&
			!(c >= expression + 2 && c[-2] == '\\'))
			strbuf_addch(&whole, '.');
		strbuf_addch(&whole, *c);
	}
	strbuf_addstr(&whole, ")$");
	r = regcomp(regex, whole.buf, REG_EXTENDED | REG_NOSUB | REG_ICASE);
	strbuf_release(&whole);
	return r ? glue_invalid(err, "'%s' is no valid pattern", expression) : 0;
}

static void list_reply(struct list *l, struct json **out)
{
	*out = json_object();
	if (l->more) {
		char *token = local_token_make(
			json_get_str(json_at(l->found, json_len(l->found) - 1), "Name"));
		json_set_str(*out, "NextToken", token);
		free(token);
	}
	json_set(*out, "TableList", l->found);
	l->found = NULL;
}

static int get_tables(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	const char *expression = json_get_str(req->in, "Expression");
	struct list l = {.found = json_array()};
	char *db = catalog_name(req->in, "DatabaseName", err), *after = NULL;
	regex_t regex;
	int r = -1;

	l.database = db;
	if (!db || glue_page(req->in, 100, &l.limit, &after, err))
		goto out;
	if (expression && *expression) {
		if (compile(expression, &regex, err))
			goto out;
		l.regex = &regex;
	}
	l.after = after;
	r = local_tx(cloud, list_tx, &l, err);
	if (!r)
		list_reply(&l, out);
	if (l.regex)
		regfree(&regex);
out:
	json_free(l.found);
	free(db);
	free(after);
	return r;
}

/* --- versions: the current one and those that updates archived --- */
static int versions_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	struct json *now, *v;
	struct sql_stmt *st;
	int row = -1;

	if (catalog_table_tx(cloud, k->database, k->name, &now, err))
		return -1;
	k->out = json_array();
	v = json_object();
	json_set_str(v, "VersionId", json_get_str(now, "VersionId"));
	json_set(v, "Table", now);
	json_push(k->out, v);
	st = sql_query(cloud->db, err,
		"SELECT doc, version, updated_ms FROM catalog_version WHERE db = ? AND name = ? "
		"ORDER BY "
		"version DESC",
		"ss", k->database, k->name);
	while (st && (row = sql_step(st, err)) > 0) {
		struct json *doc = glue_doc(sql_text(st, 0));
		char *id = xasprintf("%lld", (long long)sql_int(st, 1));
		json_set_str(doc, "DatabaseName", k->database);
		json_set_str(doc, "VersionId", id);
		glue_set_time(doc, "UpdateTime", sql_int(st, 2));
		v = json_object();
		json_set_str(v, "VersionId", id);
		json_set(v, "Table", doc);
		json_push(k->out, v);
		free(id);
	}
	sql_done(st);
	return row;
}

/* The newest first; a page's token is the version that the page before ended with. */
static void page_versions(
	const struct json *all, const char *after, int64_t limit, struct json *out)
{
	struct json *page = json_array(), *v;
	const char *id = NULL;
	bool on = !after;
	char *next;

	json_each(v, all)
	{
		if (on && (int64_t)json_len(page) == limit) {
			next = local_token_make(id);
			json_set_str(out, "NextToken", next);
			free(next);
			break;
		}
		id = json_get_str(v, "VersionId");
		if (on)
			json_push(page, json_copy(v));
		else
			on = !strcmp(id, after);
	}
	json_set(out, "TableVersions", page);
}

static int get_table_versions(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *versions = NULL;
	char *after = NULL;
	int64_t limit;
	int result = -1;

	if (!glue_page(req->in, 100, &limit, &after, err) &&
		!run(cloud, req, versions_tx, "TableName", &versions, err)) {
		*out = json_object();
		page_versions(versions, after, limit, *out);
		json_free(versions);
		result = 0;
	}
	free(after);
	return result;
}

static int get_table_version(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *id = json_get_str(req->in, "VersionId");
	struct json *versions, *v;

	if (id && (!*id || id[strspn(id, "0123456789")]))
		return glue_invalid(err, "'%s' is not a valid version", id);
	if (run(cloud, req, versions_tx, "TableName", &versions, err))
		return -1;
	json_each(v, versions)
	{
		if (id && strcmp(id, json_get_str(v, "VersionId")))
			continue;
		*out = json_object();
		json_set(*out, "TableVersion", json_copy(v));
		break;
	}
	json_free(versions);
	return *out ? 0 : glue_not_found(err, "Version %s not found.", id);
}

static const struct local_route routes[] = {
	{"BatchDeleteTable", batch_delete_table, table_arn},
	{"CreateTable", create_table, table_arn},
	{"DeleteTable", delete_table, table_arn},
	{"GetTable", get_table, table_arn},
	{"GetTableVersion", get_table_version, table_arn},
	{"GetTableVersions", get_table_versions, table_arn},
	{"GetTables", get_tables, table_arn},
	{"UpdateTable", update_table, table_arn},
};

const struct local_service local_catalog_table_service = {"glue", routes, ARRAY_SIZE(routes)};
