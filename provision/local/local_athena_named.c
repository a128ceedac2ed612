/* Named queries ("CreateNamedQuery" and its kin, Amazon Athena API Reference). */
#include "local_athena.h"

struct call {
	const struct json *in;
	char *id;
	struct json *doc;
};

static const char *group_of(const struct json *in)
{
	const char *group = json_get_str(in, "WorkGroup");

	return group ? group : "primary";
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	static const char *const members[] = {"Name", "Description", "Database", "QueryString"};
	struct call *k = payload;
	struct json *group = athena_group_tx(cloud, group_of(k->in), err), *doc;
	char *text;
	int r;

	if (!group)
		return -1;
	json_free(group);
	doc = json_object();
	k->id = local_uuid();
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		json_set_str(doc, members[i], json_get_str(k->in, members[i]));
	json_set_str(doc, "NamedQueryId", k->id);
	json_set_str(doc, "WorkGroup", group_of(k->in));
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err,
		"INSERT INTO athena_named (id, workgroup, doc) VALUES (?, ?, ?)", "sss", k->id,
		group_of(k->in), text);
	free(text);
	json_free(doc);
	return r;
}

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;
	struct sql_stmt *st = sql_query(cloud->db, err, "SELECT doc FROM athena_named WHERE id = ?",
		"s", k->id ? k->id : "");
	int row = st ? sql_step(st, err) : -1;

	if (row > 0)
		k->doc = glue_doc(sql_text(st, 0));
	sql_done(st);
	if (row == 0)
		return athena_invalid(err, "Named query %s does not exist", k->id ? k->id : "");
	return row > 0 ? 0 : -1;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct call *k = payload;

	if (get_tx(cloud, k, err))
		return -1;
	json_free(k->doc);
	return sql_run(cloud->db, NULL, err, "DELETE FROM athena_named WHERE id = ?", "s", k->id);
}

static int create_named(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct call k = {.in = req->in};
	int r;

	if (!json_get_str(req->in, "Name") || !json_get_str(req->in, "Database") ||
		!json_get_str(req->in, "QueryString"))
		return athena_invalid(err, "Name, Database and QueryString are required");
	r = local_tx(cloud, create_tx, &k, err);
	if (!r) {
		*out = json_object();
		json_set_str(*out, "NamedQueryId", k.id);
	}
	free(k.id);
	return r;
}

static int get_named(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct call k = {.in = req->in, .id = (char *)json_get_str(req->in, "NamedQueryId")};

	if (local_tx(cloud, get_tx, &k, err))
		return -1;
	*out = json_object();
	json_set(*out, "NamedQuery", k.doc);
	return 0;
}

static int delete_named(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct call k = {.in = req->in, .id = (char *)json_get_str(req->in, "NamedQueryId")};

	return local_tx(cloud, delete_tx, &k, err);
}

static int list_named(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct json *ids = json_array(), *group = NULL;
	struct sql_stmt *st = NULL;
	char *after, *token;
	int64_t limit;
	int row = -1;

	if (athena_page(req->in, 50, &limit, &after, err))
		goto out;
	if (local_tx_begin(cloud, err)) {
		free(after);
		goto out;
	}
	if ((group = athena_group_tx(cloud, group_of(req->in), err)))
		st = sql_query(cloud->db, err,
			"SELECT id FROM athena_named WHERE workgroup = ? AND id > ? ORDER BY id "
			"LIMIT ?",
			"ssi", group_of(req->in), after ? after : "", limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(ids) < limit)
		json_push_str(ids, sql_text(st, 0));
	sql_done(st);
	local_tx_end(cloud);
	json_free(group);
	free(after);
	if (row < 0)
		goto out;
	*out = json_object();
	if (row > 0) {
		token = local_token_make(json_str(json_at(ids, json_len(ids) - 1)));
		json_set_str(*out, "NextToken", token);
		free(token);
	}
	json_set(*out, "NamedQueryIds", ids);
	return 0;
out:
	json_free(ids);
	return -1;
}

static int batch_named(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err unused_arg)
{
	struct json *found = json_array(), *missing = json_array(), *id;

	json_each(id, json_get(req->in, "NamedQueryIds"))
	{
		struct call k = {.in = req->in, .id = (char *)json_str(id)};
		struct err why = ERR_INIT;
		if (!local_tx(cloud, get_tx, &k, &why)) {
			json_push(found, k.doc);
		} else {
			struct json *m = json_object();
			json_set_str(m, "NamedQueryId", k.id);
			json_set_str(m, "ErrorCode", "INTERNAL_FAILURE");
			json_set_str(m, "ErrorMessage", why.text);
			json_push(missing, m);
			err_release(&why);
		}
	}
	*out = json_object();
	json_set(*out, "NamedQueries", found);
	json_set(*out, "UnprocessedNamedQueryIds", missing);
	return 0;
}

static const struct local_route routes[] = {
	{"BatchGetNamedQuery", batch_named, NULL},
	{"CreateNamedQuery", create_named, NULL},
	{"DeleteNamedQuery", delete_named, NULL},
	{"GetNamedQuery", get_named, NULL},
	{"ListNamedQueries", list_named, NULL},
};

const struct local_service local_athena_named_service = {"athena", routes, ARRAY_SIZE(routes)};
