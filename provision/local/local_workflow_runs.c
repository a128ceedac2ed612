/*
 * Runs of workflows ("Workflows", AWS Glue Web API Reference: StartWorkflowRun, StopWorkflowRun, ResumeWorkflowRun,
 * GetWorkflowRun(s), Get/PutWorkflowRunProperties).
 *
 *   RUNNING -> COMPLETED            nothing runs and nothing more can fire; whether all went well is in Statistics
 *   RUNNING -> STOPPING -> STOPPED  StopWorkflowRun
 *   ERROR                           a schedule found the workflow full
 *
 * A run keeps the triggers as they were when it began: they are its graph.
 */
#include "local_workflow_run.h"

void local_workflow_call_release(struct local_workflow_call *c)
{
	local_launch_release(&c->launch);
	strvec_release(&c->restarted);
	free(c->new_id);
	free(c->after);
}

/* --- rows --- */

void local_workflow_run_release(struct local_workflow_run *r)
{
	free(r->id);
	free(r->workflow);
	free(r->state);
	free(r->previous);
	free(r->error);
	json_free(r->properties);
	json_free(r->triggers);
	memset(r, 0, sizeof(*r));
}

/* 1 found, 0 not, -1. workflow NULL: any. */
static int load_tx(struct local_cloud *cloud, const char *workflow, const char *id,
	struct local_workflow_run *out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT workflow, state, previous_id, error, properties, triggers, started_ms, "
		"completed_ms FROM glue_workflow_run WHERE id = ?1 AND (?2 IS NULL OR workflow = "
		"?2)",
		"ss", id, workflow);
	int row;

	memset(out, 0, sizeof(*out));
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		out->id = xstrdup(id);
		out->workflow = xstrdup(sql_text(st, 0));
		out->state = xstrdup(sql_text(st, 1));
		out->previous = xstrdup(sql_text(st, 2));
		out->error = xstrdup(sql_text(st, 3));
		out->properties = glue_doc(sql_text(st, 4));
		out->triggers = glue_doc(sql_text(st, 5));
		out->started_ms = sql_int(st, 6);
		out->completed_ms = sql_int(st, 7);
	}
	sql_done(st);
	return row;
}

int local_workflow_run_need_tx(struct local_cloud *cloud, const struct local_workflow_call *c,
	struct local_workflow_run *out, struct err *err)
{
	int found = load_tx(cloud, c->name, c->id, out, err);

	if (found == 0)
		glue_not_found(err, "Entity not found");
	return found > 0 ? 0 : -1;
}

int local_workflow_run_insert_tx(
	struct local_cloud *cloud, const struct local_workflow_run *r, struct err *err)
{
	char *properties = glue_text(r->properties), *triggers = glue_text(r->triggers);
	int ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO glue_workflow_run (id, workflow, state, previous_id, properties, "
		"triggers, started_ms, completed_ms, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"ssssssiis", r->id, r->workflow, r->state, r->previous, properties, triggers,
		r->started_ms, r->completed_ms, r->error);

	free(properties);
	free(triggers);
	return ret;
}

int local_workflow_check_end_tx(
	struct local_cloud *cloud, const char *workflow_run, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"UPDATE glue_workflow_run SET state = CASE state WHEN 'STOPPING' THEN 'STOPPED' "
		"ELSE "
		"'COMPLETED' END, completed_ms = ?1 WHERE id = ?2 AND state IN ('RUNNING', "
		"'STOPPING') AND NOT EXISTS (SELECT 1 FROM glue_action WHERE workflow_run = ?2 AND "
		"state IN ('PENDING', 'RUNNING'))",
		"is", local_now_ms(cloud), workflow_run);
}

/* --- starting --- */

int local_workflow_full_tx(
	struct local_cloud *cloud, const struct json *workflow, bool *full, struct err *err)
{
	int64_t max = json_get_i64(workflow, "MaxConcurrentRuns", 0);
	struct sql_stmt *st;
	int row;

	*full = false;
	if (max <= 0)
		return 0;
	st = sql_query(cloud->db, err,
		"SELECT COUNT(*) FROM glue_workflow_run WHERE workflow = ? AND state IN "
		"('RUNNING', 'STOPPING')",
		"s", json_get_str(workflow, "Name"));
	if (!st)
		return -1;
	row = sql_step(st, err);
	*full = row > 0 && sql_int(st, 0) >= max;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

/* The one trigger that is not conditional. */
static const struct json *start_trigger(const struct json *triggers)
{
	struct json *t;

	json_each(t, triggers)
	{
		if (strcmp(json_get_str(t, "Type"), "CONDITIONAL") != 0 &&
			strcmp(json_get_str(t, "State"), "DELETING") != 0)
			return t;
	}
	return NULL;
}

static struct json *run_properties(const struct json *workflow, const struct json *over)
{
	struct json *all = json_object(), *e;

	json_each(e, json_get(workflow, "DefaultRunProperties"))
		json_set(all, json_name(e), json_copy(e));
	json_each(e, over) json_set(all, json_name(e), json_copy(e));
	return all;
}

int local_workflow_start_tx(struct local_cloud *cloud, const char *name,
	const struct json *properties, bool overrun, struct local_launch *launch, char **id,
	struct err *err)
{
	struct json *workflow = local_workflow_get_tx(cloud, name, err);
	struct local_workflow_run run = {0};
	const struct json *start;
	bool full;
	int ret = -1;

	*id = NULL;
	if (!workflow || local_triggers_list_tx(cloud, name, &run.triggers, err) != 0 ||
		local_workflow_full_tx(cloud, workflow, &full, err) != 0)
		goto out;
	start = start_trigger(run.triggers);
	if (!start) {
		glue_invalid(err, "Workflow %s has no starting trigger", name);
		goto out;
	}
	if (full && !overrun) {
		local_fault(err, 400, "ConcurrentRunsExceededException",
			"Concurrent runs exceeded for workflow: %s", name);
		goto out;
	}
	run.id = local_id("wr_", 64);
	run.workflow = xstrdup(name);
	run.state = xstrdup(full ? "ERROR" : "RUNNING");
	run.error = full ? xasprintf("Concurrent runs exceeded for workflow: %s", name) : NULL;
	run.properties = run_properties(workflow, properties);
	run.started_ms = local_now_ms(cloud);
	run.completed_ms = full ? run.started_ms : 0;
	ret = local_workflow_run_insert_tx(cloud, &run, err);
	if (ret == 0 && !full)
		ret = local_engine_fire_tx(
			cloud, start, NULL, false, name, run.id, NULL, launch, err);
	if (ret == 0 && !full)
		ret = local_workflow_check_end_tx(cloud, run.id, err);
	if (ret == 0)
		*id = xstrdup(run.id);
out:
	local_workflow_run_release(&run);
	json_free(workflow);
	return ret;
}

static int start_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct local_workflow_call *c = payload;

	return local_workflow_start_tx(cloud, c->name, json_get(c->req->in, "RunProperties"), false,
		&c->launch, &c->new_id, err);
}

static int start_workflow_run(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
		{"RunProperties", GLUE_MAP, false, 0, 0, NULL, NULL},
		{0},
	};
	struct local_workflow_call c = LOCAL_WORKFLOW_CALL_INIT(req);
	int ret = glue_check(fields, req->in, err);

	if (ret == 0)
		ret = local_tx(cloud, start_tx, &c, err);
	if (ret == 0) {
		local_launch_go(cloud, &c.launch);
		*out = json_object();
		json_set_str(*out, "RunId", c.new_id);
	}
	local_workflow_call_release(&c);
	return ret;
}

/* --- stopping --- */

static int collect_active(struct local_cloud *cloud, const char *run, struct strvec *jobs,
	struct strvec *crawlers, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id FROM glue_job_run WHERE workflow_run = ? AND state IN ('STARTING', "
		"'RUNNING', 'WAITING')",
		"s", run);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0)
		strvec_push(jobs, sql_text(st, 0));
	sql_done(st);
	if (row < 0)
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT name FROM glue_action WHERE workflow_run = ? AND kind = 'CRAWLER' AND "
		"state "
		"= 'RUNNING'",
		"s", run);
	row = -1;
	while (st && (row = sql_step(st, err)) > 0)
		strvec_push(crawlers, sql_text(st, 0));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int stop_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct local_workflow_call *c = payload;
	struct strvec jobs = STRVEC_INIT;
	struct local_workflow_run run;
	int ret = -1;

	if (local_workflow_run_need_tx(cloud, c, &run, err) != 0)
		goto out;
	if (strcmp(run.state, "RUNNING") != 0) {
		local_fault(err, 400, "IllegalWorkflowStateException",
			"Workflow run %s is in state %s and cannot be stopped", c->id, run.state);
		goto out;
	}
	if (collect_active(cloud, c->id, &jobs, &c->launch.stop_crawlers, err) != 0 ||
		sql_run(cloud->db, NULL, err,
			"UPDATE glue_workflow_run SET state = 'STOPPING' WHERE id = ?", "s",
			c->id) != 0 ||
		sql_run(cloud->db, NULL, err,
			"UPDATE glue_action SET state = 'STOPPED' WHERE workflow_run = ? AND state "
			"= 'PENDING'",
			"s", c->id) != 0)
		goto out;
	for (size_t i = 0; i < jobs.nr; i++) {
		char *state = NULL;
		int failed = local_run_stop_tx(cloud, NULL, jobs.v[i], &c->launch, &state, err);

		free(state);
		if (failed)
			goto out;
	}
	ret = local_workflow_check_end_tx(cloud, c->id, err);
out:
	local_workflow_run_release(&run);
	strvec_release(&jobs);
	return ret;
}

const struct glue_field local_workflow_run_fields[] = {
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
	{"RunId", GLUE_STRING, true, 1, 255, NULL, NULL},
	{"IncludeGraph", GLUE_BOOL, false, 0, 0, NULL, NULL},
	{0},
};

static int stop_workflow_run(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct local_workflow_call c = LOCAL_WORKFLOW_CALL_INIT(req);
	int ret = glue_check(local_workflow_run_fields, req->in, err);

	if (ret == 0)
		ret = local_tx(cloud, stop_tx, &c, err);
	if (ret == 0)
		local_launch_go(cloud, &c.launch);
	local_workflow_call_release(&c);
	return ret;
}

/* --- describing --- */

static size_t total_actions(const struct json *triggers)
{
	struct json *t;
	size_t n = 0;

	json_each(t, triggers) n += json_len(json_get(t, "Actions"));
	return n;
}

static struct json *statistics_tx(
	struct local_cloud *cloud, const struct local_workflow_run *run, struct err *err)
{
	struct json *s = local_statistics_new(total_actions(run->triggers));
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT CASE WHEN a.state = 'RUNNING' AND j.state IS NOT NULL THEN j.state ELSE "
		"a.state END FROM glue_action a LEFT JOIN glue_job_run j ON a.kind = 'JOB' AND "
		"j.id "
		"= a.ref AND j.state = 'WAITING' WHERE a.workflow_run = ?",
		"s", run->id);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0)
		local_statistics_count(s, sql_text(st, 0));
	sql_done(st);
	if (row == 0)
		return s;
	json_free(s);
	return NULL;
}

/* What became of one crawler in the run: [ref, error] of its actions. */
static int crawls_tx(struct local_cloud *cloud, const char *run, const char *crawler,
	struct json *list, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT ref, state, error FROM glue_action WHERE workflow_run = ? AND kind = "
		"'CRAWLER' AND name = ?",
		"ss", run, crawler);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		struct json *crawl = json_object();
		const char *state = sql_text(st, 1);

		json_set_str(crawl, "State",
			strcmp(state, "PENDING") == 0   ? "RUNNING"
			: strcmp(state, "STOPPED") == 0 ? "CANCELLED"
							: state);
		json_set_str(crawl, "ErrorMessage", sql_text(st, 2));
		json_set_str(crawl, "Ref", sql_text(st, 0));
		json_push(list, crawl);
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int job_runs_tx(struct local_cloud *cloud, const char *run, const char *job,
	struct json *list, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT ref FROM glue_action WHERE workflow_run = ? AND kind = 'JOB' AND name = ?",
		"ss", run, job);
	char *ref = NULL;
	int row, ret;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		ref = xstrdup(sql_text(st, 0));
	sql_done(st);
	ret = row < 0 ? -1 : local_run_list_tx(cloud, run, job, ref, list, err);
	free(ref);
	return ret;
}

static int graph_tx(struct local_cloud *cloud, const struct local_workflow_run *run,
	struct json *out, struct err *err)
{
	struct json *graph = local_graph_make(run->workflow, run->triggers), *node;

	json_set(out, "Graph", graph);
	json_each(node, json_get(graph, "Nodes"))
	{
		const char *type = json_get_str(node, "Type"), *name = json_get_str(node, "Name");
		int ret = 0;

		if (strcmp(type, "JOB") == 0)
			ret = job_runs_tx(
				cloud, run->id, name, json_path(node, "JobDetails.JobRuns"), err);
		else if (strcmp(type, "CRAWLER") == 0)
			ret = crawls_tx(cloud, run->id, name,
				json_path(node, "CrawlerDetails.Crawls"), err);
		if (ret != 0)
			return -1;
	}
	return 0;
}

int local_workflow_run_describe_tx(
	struct local_cloud *cloud, const char *id, bool graph, struct json **out, struct err *err)
{
	struct local_workflow_run run;
	struct json *statistics, *r;
	int found = load_tx(cloud, NULL, id, &run, err), ret = -1;

	*out = NULL;
	if (found == 0)
		glue_not_found(err, "Entity not found");
	if (found <= 0)
		return -1;
	statistics = statistics_tx(cloud, &run, err);
	if (!statistics)
		goto out;
	*out = r = json_object();
	json_set_str(r, "Name", run.workflow);
	json_set_str(r, "WorkflowRunId", run.id);
	json_set_str(r, "PreviousRunId", run.previous);
	json_set(r, "WorkflowRunProperties", json_copy(run.properties));
	glue_set_time(r, "StartedOn", run.started_ms);
	glue_set_time(r, "CompletedOn", run.completed_ms);
	json_set_str(r, "Status", run.state);
	json_set_str(r, "ErrorMessage", run.error);
	json_set(r, "Statistics", statistics);
	ret = graph ? graph_tx(cloud, &run, r, err) : 0;
out:
	local_workflow_run_release(&run);
	return ret;
}

/* Times and logs of the crawls come from the crawler part, outside of the transaction. */
static void fill_crawls(struct local_cloud *cloud, struct json *run)
{
	struct json *node, *crawl, *details, *e;

	json_each(node, json_path(run, "Graph.Nodes"))
	{
		json_each(crawl, json_path(node, "CrawlerDetails.Crawls"))
		{
			struct json *ref = json_detach(crawl, "Ref");
			struct err err = ERR_INIT;

			details = NULL;
			if (json_str(ref) && *json_str(ref) &&
				local_crawl_describe(cloud, json_str(ref), &details, &err) == 0) {
				json_each(e, details) json_set(crawl, json_name(e), json_copy(e));
			}
			json_free(details);
			json_free(ref);
			err_release(&err);
		}
	}
}

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct local_workflow_call *c = payload;
	struct local_workflow_run run;
	int ret = local_workflow_run_need_tx(cloud, c, &run, err);

	if (ret == 0)
		ret = local_workflow_run_describe_tx(cloud, c->id, c->graph, &c->out, err);
	local_workflow_run_release(&run);
	return ret;
}

static int get_workflow_run(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct local_workflow_call c = LOCAL_WORKFLOW_CALL_INIT(req);

	if (glue_check(local_workflow_run_fields, req->in, err) != 0)
		return -1;
	if (local_tx(cloud, get_tx, &c, err) != 0) {
		json_free(c.out);
		return -1;
	}
	fill_crawls(cloud, c.out);
	*out = json_object();
	json_set(*out, "Run", c.out);
	return 0;
}

static int list_ids(struct local_cloud *cloud, struct local_workflow_call *c, long long before,
	struct strvec *ids, struct strvec *keys, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id, seq FROM glue_workflow_run WHERE workflow = ? AND seq < ? ORDER BY seq "
		"DESC LIMIT ?",
		"sii", c->name, (int64_t)before, c->limit + 1);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		strvec_push(ids, sql_text(st, 0));
		strvec_pushf(keys, "%lld", (long long)sql_int(st, 1));
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

/* Newest first. */
static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct local_workflow_call *c = payload;
	struct json *workflow = local_workflow_get_tx(cloud, c->name, err), *list, *run;
	struct strvec ids = STRVEC_INIT, keys = STRVEC_INIT;
	long long before = INT64_MAX;
	int ret = -1;

	if (!workflow)
		return -1;
	json_free(workflow);
	if (c->after && parse_int64(c->after, 0, INT64_MAX, &before) != 0) {
		glue_invalid(err, "The token is not valid");
		goto out;
	}
	if (list_ids(cloud, c, before, &ids, &keys, err) != 0)
		goto out;
	c->out = json_object();
	list = json_array();
	json_set(c->out, "Runs", list);
	for (size_t i = 0; i < ids.nr && (int64_t)i < c->limit; i++) {
		ret = local_workflow_run_describe_tx(cloud, ids.v[i], c->graph, &run, err);
		json_push(list, run);
		if (ret != 0)
			goto out;
	}
	if ((int64_t)ids.nr > c->limit) {
		char *token = local_token_make(keys.v[c->limit - 1]);

		json_set_str(c->out, "NextToken", token);
		free(token);
	}
	ret = 0;
out:
	strvec_release(&ids);
	strvec_release(&keys);
	return ret;
}

static int get_workflow_runs(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
		{"IncludeGraph", GLUE_BOOL, false, 0, 0, NULL, NULL},
		{0},
	};
	struct local_workflow_call c = LOCAL_WORKFLOW_CALL_INIT(req);
	struct json *run;
	int ret = -1;

	if (glue_check(fields, req->in, err) == 0 &&
		glue_page(req->in, 1000, &c.limit, &c.after, err) == 0)
		ret = local_tx(cloud, list_tx, &c, err);
	if (ret == 0) {
		json_each(run, json_get(c.out, "Runs")) fill_crawls(cloud, run);
		*out = c.out;
	} else {
		json_free(c.out);
	}
	local_workflow_call_release(&c);
	return ret;
}

/* --- run properties --- */

static int get_properties_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct local_workflow_call *c = payload;
	struct local_workflow_run run;
	int ret = local_workflow_run_need_tx(cloud, c, &run, err);

	if (ret == 0)
		c->out = json_copy(run.properties);
	local_workflow_run_release(&run);
	return ret;
}

static int get_workflow_run_properties(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct local_workflow_call c = LOCAL_WORKFLOW_CALL_INIT(req);

	if (glue_check(local_workflow_run_fields, req->in, err) != 0 ||
		local_tx(cloud, get_properties_tx, &c, err) != 0)
		return -1;
	*out = json_object();
	json_set(*out, "RunProperties", c.out);
	return 0;
}

static int put_properties_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct local_workflow_call *c = payload;
	struct local_workflow_run run;
	struct json *e;
	char *text;
	int ret = local_workflow_run_need_tx(cloud, c, &run, err);

	if (ret == 0) {
		json_each(e, json_get(c->req->in, "RunProperties"))
			json_set(run.properties, json_name(e), json_copy(e));
		text = glue_text(run.properties);
		ret = sql_run(cloud->db, NULL, err,
			"UPDATE glue_workflow_run SET properties = ? WHERE id = ?", "ss", text,
			c->id);
		free(text);
	}
	local_workflow_run_release(&run);
	return ret;
}

static int put_workflow_run_properties(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	static const struct glue_field fields[] = {
		{"RunProperties", GLUE_MAP, true, 0, 0, NULL, NULL},
		{0},
	};
	struct local_workflow_call c = LOCAL_WORKFLOW_CALL_INIT(req);

	if (glue_check(local_workflow_run_fields, req->in, err) != 0 ||
		glue_check(fields, req->in, err) != 0)
		return -1;
	return local_tx(cloud, put_properties_tx, &c, err);
}

static void workflow_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	glue_arn(cloud, req->region, "workflow", json_get_str(req->in, "Name"), arn);
}

static const struct local_route routes[] = {
	{"GetWorkflowRun", get_workflow_run, workflow_arn},
	{"GetWorkflowRunProperties", get_workflow_run_properties, workflow_arn},
	{"GetWorkflowRuns", get_workflow_runs, workflow_arn},
	{"PutWorkflowRunProperties", put_workflow_run_properties, workflow_arn},
	{"ResumeWorkflowRun", local_workflow_resume, workflow_arn},
	{"StartWorkflowRun", start_workflow_run, workflow_arn},
	{"StopWorkflowRun", stop_workflow_run, workflow_arn},
};

const struct local_service local_glue_workflow_runs_service = {"glue", routes, ARRAY_SIZE(routes)};
