/* Workflows ("Workflows", AWS Glue Web API Reference: CreateWorkflow, UpdateWorkflow, DeleteWorkflow, GetWorkflow,
 * ListWorkflows, BatchGetWorkflows). Deleting one leaves its triggers and jobs alone; its runs go with it. */
#include "local_glue.h"

#define NAME_FIELD                                            \
	{                                                     \
		"Name", GLUE_STRING, true, 1, 255, NULL, NULL \
	}
#define BODY_FIELDS                                                          \
	{"Description", GLUE_STRING, false, 0, 120000, NULL, NULL},          \
		{"DefaultRunProperties", GLUE_MAP, false, 0, 0, NULL, NULL}, \
		{"MaxConcurrentRuns", GLUE_INT, false, 1, 1000, NULL, NULL}, \
	{                                                                    \
		0                                                            \
	}

static const struct glue_field create_fields[] = {NAME_FIELD, BODY_FIELDS};
static const struct glue_field get_fields[] = {
	NAME_FIELD,
	{"IncludeGraph", GLUE_BOOL, false, 0, 0, NULL, NULL},
	{0},
};

struct workflow_call {
	const struct local_request *req;
	const char *name;
	struct json *doc, *out;
	char *after;
	int64_t limit;
	bool graph;
};

/* 1 found, 0 not, -1. */
static int find_tx(struct local_cloud *cloud, const char *name, struct json **out, char **region,
	struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, created_ms, modified_ms, region FROM glue_workflow WHERE name = ?",
		"s", name);
	int row;

	*out = NULL;
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		*out = glue_doc(sql_text(st, 0));
		glue_set_time(*out, "CreatedOn", sql_int(st, 1));
		glue_set_time(*out, "LastModifiedOn", sql_int(st, 2));
		if (region)
			*region = xstrdup(sql_text(st, 3));
	}
	sql_done(st);
	return row;
}

struct json *local_workflow_get_tx(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct json *doc;
	int found = find_tx(cloud, name, &doc, NULL, err);

	if (found == 0)
		glue_not_found(err, "Entity not found");
	return doc;
}

static struct json *name_reply(const char *name)
{
	struct json *out = json_object();

	json_set_str(out, "Name", name);
	return out;
}

/* --- writing --- */

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct workflow_call *c = payload;
	struct strbuf arn = STRBUF_INIT;
	char *text = glue_text(c->doc);
	int64_t now = local_now_ms(cloud);
	struct err sql = ERR_INIT;
	int ret;

	glue_arn(cloud, c->req->region, "workflow", c->name, &arn);
	ret = sql_run(cloud->db, NULL, &sql,
		"INSERT INTO glue_workflow (name, region, doc, created_ms, modified_ms) VALUES "
		"(?, ?, ?, ?, ?)",
		"sssii", c->name, c->req->region, text, now, now);
	if (ret != 0 && sql.code == ERR_EXISTS)
		ret = local_fault(err, 400, "AlreadyExistsException",
			"Workflow with name %s already exists", c->name);
	else if (ret != 0)
		err_move(err, &sql);
	else
		ret = local_tags_set(cloud, arn.buf, json_get(c->req->in, "Tags"), err);
	strbuf_release(&arn);
	err_release(&sql);
	free(text);
	return ret;
}

static int create_workflow(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct workflow_call c = {.req = req, .name = json_get_str(req->in, "Name")};
	int ret;

	if (glue_check(create_fields, req->in, err) != 0 ||
		glue_check_tags(json_get(req->in, "Tags"), err) != 0)
		return -1;
	c.doc = glue_pick(create_fields, req->in);
	ret = local_tx(cloud, create_tx, &c, err);
	json_free(c.doc);
	if (ret == 0)
		*out = name_reply(c.name);
	return ret;
}

/* Members that are not given stay as they are. */
static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct workflow_call *c = payload;
	struct json *doc = local_workflow_get_tx(cloud, c->name, err), *e;
	char *text;
	int ret;

	if (!doc)
		return -1;
	json_each(e, c->doc) json_set(doc, json_name(e), json_copy(e));
	json_remove(doc, "CreatedOn");
	json_remove(doc, "LastModifiedOn");
	text = glue_text(doc);
	ret = sql_run(cloud->db, NULL, err,
		"UPDATE glue_workflow SET doc = ?, modified_ms = ? WHERE name = ?", "sis", text,
		local_now_ms(cloud), c->name);
	free(text);
	json_free(doc);
	return ret;
}

static int update_workflow(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct workflow_call c = {.req = req, .name = json_get_str(req->in, "Name")};
	int ret;

	if (glue_check(create_fields, req->in, err) != 0)
		return -1;
	c.doc = glue_pick(create_fields, req->in);
	ret = local_tx(cloud, update_tx, &c, err);
	json_free(c.doc);
	if (ret == 0)
		*out = name_reply(c.name);
	return ret;
}

/* What its runs still do is no longer anybody's business here: their ends find no run and change nothing. */
static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	static const char *const tables[] = {
		"DELETE FROM glue_action WHERE workflow_run IN (SELECT id FROM glue_workflow_run "
		"WHERE workflow = ?)",
		"DELETE FROM glue_fired WHERE workflow_run IN (SELECT id FROM glue_workflow_run "
		"WHERE workflow = ?)",
		"DELETE FROM glue_mark WHERE scope IN (SELECT id FROM glue_workflow_run WHERE "
		"workflow = ?)",
		"DELETE FROM glue_workflow_run WHERE workflow = ?",
		"DELETE FROM glue_workflow WHERE name = ?",
	};
	struct workflow_call *c = payload;
	struct strbuf arn = STRBUF_INIT;
	char *region = NULL;
	int found = find_tx(cloud, c->name, &c->doc, &region, err), ret = found < 0 ? -1 : 0;

	if (found > 0) {
		glue_arn(cloud, region, "workflow", c->name, &arn);
		ret = local_tags_clear(cloud, arn.buf, err);
		for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(tables); i++)
			ret = sql_run(cloud->db, NULL, err, tables[i], "s", c->name);
	}
	strbuf_release(&arn);
	free(region);
	return ret;
}

static int delete_workflow(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct workflow_call c = {.req = req, .name = json_get_str(req->in, "Name")};
	int ret;

	if (glue_check(get_fields, req->in, err) != 0)
		return -1;
	if (!local_workflow_hold(cloud, c.name))
		return local_fault(err, 400, "ConcurrentModificationException",
			"Workflow %s is being modified", c.name);
	ret = local_tx(cloud, delete_tx, &c, err);
	local_workflow_let_go(cloud, c.name);
	json_free(c.doc);
	if (ret == 0)
		*out = name_reply(c.name);
	return ret;
}

/* --- reading --- */

static int last_run_tx(
	struct local_cloud *cloud, const char *name, bool graph, struct json **run, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id FROM glue_workflow_run WHERE workflow = ? ORDER BY seq DESC LIMIT 1",
		"s", name);
	char *id = NULL;
	int row, ret = 0;

	*run = NULL;
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		id = xstrdup(sql_text(st, 0));
	sql_done(st);
	if (id)
		ret = local_workflow_run_describe_tx(cloud, id, graph, run, err);
	free(id);
	return row < 0 ? -1 : ret;
}

/* 1 described into *out, 0 no such workflow, -1. */
static int describe_tx(
	struct local_cloud *cloud, const char *name, bool graph, struct json **out, struct err *err)
{
	struct json *triggers = NULL, *run = NULL;
	int found = find_tx(cloud, name, out, NULL, err);

	if (found <= 0)
		return found;
	if (last_run_tx(cloud, name, graph, &run, err) != 0 ||
		(graph && local_triggers_list_tx(cloud, name, &triggers, err) != 0)) {
		json_free(run);
		return -1;
	}
	json_set(*out, "LastRun", run);
	if (graph)
		json_set(*out, "Graph", local_graph_make(name, triggers));
	json_free(triggers);
	return 1;
}

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct workflow_call *c = payload;
	int found = describe_tx(cloud, c->name, c->graph, &c->out, err);

	if (found == 0)
		glue_not_found(err, "Entity not found");
	return found > 0 ? 0 : -1;
}

static int get_workflow(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct workflow_call c = {.req = req,
		.name = json_get_str(req->in, "Name"),
		.graph = json_get_truth(req->in, "IncludeGraph", false)};

	if (glue_check(get_fields, req->in, err) != 0)
		return -1;
	if (local_tx(cloud, get_tx, &c, err) != 0) {
		json_free(c.out);
		return -1;
	}
	*out = json_object();
	json_set(*out, "Workflow", c.out);
	return 0;
}

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct workflow_call *c = payload;
	struct json *list = json_array();
	char *last = NULL;
	int64_t n = 0;
	struct sql_stmt *st;
	int row;

	c->out = json_object();
	json_set(c->out, "Workflows", list);
	st = sql_query(cloud->db, err,
		"SELECT name FROM glue_workflow WHERE name > ? ORDER BY name LIMIT ?", "si",
		c->after ? c->after : "", c->limit + 1);
	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0) {
		if (n++ == c->limit) {
			char *token = local_token_make(last);

			json_set_str(c->out, "NextToken", token);
			free(token);
			break;
		}
		free(last);
		last = xstrdup(sql_text(st, 0));
		json_push_str(list, last);
	}
	sql_done(st);
	free(last);
	return row < 0 ? -1 : 0;
}

static int list_workflows(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct workflow_call c = {.req = req};
	int ret = -1;

	if (glue_page(req->in, 25, &c.limit, &c.after, err) == 0)
		ret = local_tx(cloud, list_tx, &c, err);
	if (ret == 0)
		*out = c.out;
	else
		json_free(c.out);
	free(c.after);
	return ret;
}

static int batch_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct workflow_call *c = payload;
	struct json *found = json_array(), *missing = json_array(), *name;

	c->out = json_object();
	json_set(c->out, "Workflows", found);
	json_set(c->out, "MissingWorkflows", missing);
	json_each(name, json_get(c->req->in, "Names"))
	{
		struct json *doc = NULL;
		int have = describe_tx(cloud, json_str(name), c->graph, &doc, err);

		if (have < 0) {
			json_free(doc);
			return -1;
		}
		if (have > 0)
			json_push(found, doc);
		else
			json_push_str(missing, json_str(name));
	}
	return 0;
}

static int batch_get_workflows(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"Names", GLUE_LIST, true, 1, 25, NULL, NULL},
		{"IncludeGraph", GLUE_BOOL, false, 0, 0, NULL, NULL},
		{0},
	};
	struct workflow_call c = {
		.req = req, .graph = json_get_truth(req->in, "IncludeGraph", false)};

	if (glue_check(fields, req->in, err) != 0)
		return -1;
	if (local_tx(cloud, batch_tx, &c, err) != 0) {
		json_free(c.out);
		return -1;
	}
	*out = c.out;
	return 0;
}

static void workflow_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	glue_arn(cloud, req->region, "workflow", json_get_str(req->in, "Name"), arn);
}

static const struct local_route routes[] = {
	{"BatchGetWorkflows", batch_get_workflows, NULL},
	{"CreateWorkflow", create_workflow, workflow_arn},
	{"DeleteWorkflow", delete_workflow, workflow_arn},
	{"GetWorkflow", get_workflow, workflow_arn},
	{"ListWorkflows", list_workflows, NULL},
	{"UpdateWorkflow", update_workflow, workflow_arn},
};

const struct local_service local_glue_workflows_service = {"glue", routes, ARRAY_SIZE(routes)};
