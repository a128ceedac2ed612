/* Databases of the Data Catalog ("Databases", AWS Glue Web API Reference). */
#include "local_catalog_store.h"

static void database_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "Name");

	if (!name)
		name = json_str(json_path(req->in, "DatabaseInput.Name"));
	glue_arn(cloud, req->region, "database", name, arn);
}

struct call {
	const struct local_request *req;
	char *name;
	struct json *out;
};

static int check_database(const struct json *input, struct err *err)
{
	if (!json_is(input, JSON_OBJECT))
		return glue_invalid(err, "1 validation error detected: Value null at "
					 "'databaseInput' failed to satisfy "
					 "constraint: Member must not be null");
	return catalog_check_name(json_get_str(input, "Name"), "databaseInput.name", err);
}

static char *stored_database(const struct json *input, const char *name)
{
	struct json *doc = json_copy(input), *grants, *grant, *who, *all;
	char *text;

	json_set_str(doc, "Name", name);
	if (!json_get(doc, "CreateTableDefaultPermissions")) {
		grants = json_array();
		grant = json_object();
		who = json_object();
		all = json_array();
		json_set_str(who, "DataLakePrincipalIdentifier", "IAM_ALLOWED_PRINCIPALS");
		json_push_str(all, "ALL");
		json_set(grant, "Principal", who);
		json_set(grant, "Permissions", all);
		json_push(grants, grant);
		json_set(doc, "CreateTableDefaultPermissions", grants);
	}
	text = glue_text(doc);
	json_free(doc);
	return text;
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	struct strbuf arn = STRBUF_INIT;
	char *text = stored_database(json_get(k->req->in, "DatabaseInput"), k->name);
	int r = sql_run(cloud->db, NULL, err,
		"INSERT INTO catalog_database (name, doc, created_ms) VALUES (?, ?, ?)", "ssi",
		k->name, text, local_now_ms(cloud));

	if (r && err->code == ERR_EXISTS)
		local_fault(err, 400, "AlreadyExistsException", "Database already exists.");
	glue_arn(cloud, k->req->region, "database", k->name, &arn);
	if (!r)
		r = local_tags_set(cloud, arn.buf, json_get(k->req->in, "Tags"), err);
	strbuf_release(&arn);
	free(text);
	return r;
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	char *text = stored_database(json_get(k->req->in, "DatabaseInput"), k->name);
	int64_t changed = 0;
	int r = sql_run(cloud->db, &changed, err,
		"UPDATE catalog_database SET doc = ? WHERE name = ?", "ss", text, k->name);

	free(text);
	if (!r && !changed)
		return glue_not_found(err, "Database %s not found.", k->name);
	return r;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	static const char *const rows[] = {"DELETE FROM catalog_partition WHERE db = ?",
		"DELETE FROM catalog_version WHERE db = ?",
		"DELETE FROM catalog_table WHERE db = ?",
		"DELETE FROM catalog_database WHERE name = ?"};
	struct call *k = payload;
	struct strbuf arn = STRBUF_INIT;
	struct json *old;
	int r = 0;

	if (catalog_database_tx(cloud, k->name, &old, err))
		return -1;
	json_free(old);
	for (size_t i = 0; !r && i < ARRAY_SIZE(rows); i++)
		r = sql_run(cloud->db, NULL, err, rows[i], "s", k->name);
	glue_arn(cloud, k->req->region, "database", k->name, &arn);
	if (!r)
		r = local_tags_clear(cloud, arn.buf, err);
	strbuf_release(&arn);
	return r;
}

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	return catalog_database_tx(cloud, k->name, &k->out, err);
}

static int run(struct local_cloud *cloud, const struct local_request *req, local_tx_fn *fn,
	bool input, const char *name_member, struct json **out, struct err *err)
{
	struct call k = {.req = req};
	const struct json *db = json_get(req->in, "DatabaseInput");
	int r;

	if (input && check_database(db, err))
		return -1;
	if (glue_check_tags(json_get(req->in, "Tags"), err))
		return -1;
	k.name = name_member ? catalog_name(req->in, name_member, err)
			     : catalog_name(db, "Name", err);
	if (!k.name)
		return -1;
	r = local_tx(cloud, fn, &k, err);
	free(k.name);
	if (!r && k.out) {
		*out = json_object();
		json_set(*out, "Database", k.out);
	}
	return r;
}

static int create_database(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return run(cloud, req, create_tx, true, NULL, out, err);
}

static int update_database(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return run(cloud, req, update_tx, true, "Name", out, err);
}

static int delete_database(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return run(cloud, req, delete_tx, false, "Name", out, err);
}

static int get_database(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return run(cloud, req, get_tx, false, "Name", out, err);
}

static int get_databases(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *list = json_array();
	struct sql_stmt *st = NULL;
	char *after = NULL, *token;
	int64_t limit;
	int r = -1, row = -1;

	if (glue_page(req->in, 100, &limit, &after, err) || local_tx_begin(cloud, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT doc, created_ms FROM catalog_database WHERE name > ? ORDER BY name LIMIT ?",
		"si", after ? after : "", limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(list) < limit) {
		struct json *doc = glue_doc(sql_text(st, 0));
		glue_set_time(doc, "CreateTime", sql_int(st, 1));
		json_set_str(doc, "CatalogId", cloud->account);
		json_push(list, doc);
	}
	sql_done(st);
	local_tx_end(cloud);
	if (row < 0)
		goto out;
	*out = json_object();
	if (row > 0) {
		token = local_token_make(json_get_str(json_at(list, json_len(list) - 1), "Name"));
		json_set_str(*out, "NextToken", token);
		free(token);
	}
	json_set(*out, "DatabaseList", list);
	list = NULL;
	r = 0;
out:
	free(after);
	json_free(list);
	return r;
}

/* --- for others than the API --- */

/* What a call of the API would say, so that rows and tags are made and lost in one way. */
static int as_request(struct local_cloud *cloud, const char *operation, struct json *in,
	local_handler_fn *handler, struct err *err)
{
	struct local_request req = {.operation = operation, .region = cloud->region, .in = in};
	struct json *out = NULL;
	int r = handler(cloud, &req, &out, err);

	json_free(out);
	json_free(in);
	return r;
}

int local_catalog_create_database(
	struct local_cloud *cloud, const struct json *input, struct err *err)
{
	struct json *in = json_object();

	json_set(in, "DatabaseInput", json_copy(input));
	return as_request(cloud, "CreateDatabase", in, create_database, err);
}

int local_catalog_delete_database(struct local_cloud *cloud, const char *database, struct err *err)
{
	struct json *in = json_object();

	json_set_str(in, "Name", database);
	return as_request(cloud, "DeleteDatabase", in, delete_database, err);
}

static const struct local_route routes[] = {
	{"CreateDatabase", create_database, database_arn},
	{"DeleteDatabase", delete_database, database_arn},
	{"GetDatabase", get_database, database_arn},
	{"GetDatabases", get_databases, NULL},
	{"UpdateDatabase", update_database, database_arn},
};

const struct local_service local_catalog_service = {"glue", routes, ARRAY_SIZE(routes)};
