/*
 * ResumeWorkflowRun: a new run that takes over the results of what is not run again. The chosen nodes are started; what
 * lies downstream of them follows by the usual rules.
 */
#include "local_workflow_run.h"

struct resume {
	struct local_cloud *cloud;
	const struct local_workflow_run *from;
	const char *to;
	struct strvec chosen, again; /* node ids: asked for; those and all downstream of them */
};

static bool runs_again(const struct resume *r, const char *type, const char *name)
{
	char *id = local_graph_node_id(r->from->workflow, type, name);
	bool again = strvec_has(&r->again, id);

	free(id);
	return again;
}

/* One action of the old run: taken over with its result, or left out. */
static int take_action(const struct resume *r, const char *trigger, int64_t index, const char *type,
	const char *name, struct err *err)
{
	if (runs_again(r, type, name))
		return 0;
	return sql_run(r->cloud->db, NULL, err,
		"INSERT INTO glue_action (workflow_run, trigger_name, idx, kind, name, ref, state, "
		"error) SELECT ?, trigger_name, idx, kind, name, ref, state, error FROM "
		"glue_action "
		"WHERE workflow_run = ? AND trigger_name = ? AND idx = ?",
		"sssi", r->to, r->from->id, trigger, index);
}

static int take_mark(const struct resume *r, const char *trigger, int64_t index, const char *type,
	const char *name, struct err *err)
{
	if (runs_again(r, type, name))
		return 0;
	return sql_run(r->cloud->db, NULL, err,
		"INSERT INTO glue_mark (scope, trigger_name, idx, kind, name, ref) SELECT ?, "
		"trigger_name, idx, kind, name, ref FROM glue_mark WHERE scope = ? AND "
		"trigger_name "
		"= ? AND idx = ?",
		"sssi", r->to, r->from->id, trigger, index);
}

typedef int take_fn(const struct resume *r, const char *trigger, int64_t index, const char *type,
	const char *name, struct err *err);

static int take_each(const struct resume *r, const char *trigger, const struct json *list,
	take_fn *take, struct err *err)
{
	struct json *e;
	int64_t index = 0;

	json_each(e, list)
	{
		const char *job = json_get_str(e, "JobName"),
			   *name = job ? job : json_get_str(e, "CrawlerName");

		if (take(r, trigger, index++, job ? "JOB" : "CRAWLER", name, err) != 0)
			return -1;
	}
	return 0;
}

static int take_over(const struct resume *r, struct err *err)
{
	struct json *t;

	json_each(t, r->from->triggers)
	{
		const char *name = json_get_str(t, "Name");

		if (take_each(r, name, json_get(t, "Actions"), take_action, err) != 0 ||
			take_each(r, name, json_path(t, "Predicate.Conditions"), take_mark, err) !=
				0)
			return -1;
		if (!runs_again(r, "TRIGGER", name) &&
			sql_run(r->cloud->db, NULL, err,
				"INSERT INTO glue_fired (workflow_run, trigger_name) SELECT ?, "
				"trigger_name FROM glue_fired WHERE workflow_run = ? AND "
				"trigger_name = ?",
				"sss", r->to, r->from->id, name) != 0)
			return -1;
	}
	return 0;
}

/* Starts the chosen actions of one trigger, and no others. */
static int restart_actions(const struct resume *r, const struct json *trigger,
	struct local_launch *launch, struct strvec *restarted, struct err *err)
{
	const struct json *actions = json_get(trigger, "Actions");
	bool *only = xcalloc(json_len(actions) + 1, sizeof(*only)), any = false;
	size_t index = 0;
	struct json *a;
	int ret = 0;

	json_each(a, actions)
	{
		const char *job = json_get_str(a, "JobName");
		char *id = local_graph_node_id(r->from->workflow, job ? "JOB" : "CRAWLER",
			job ? job : json_get_str(a, "CrawlerName"));

		if (strvec_has(&r->chosen, id) && !strvec_has(restarted, id) &&
			!runs_again(r, "TRIGGER", json_get_str(trigger, "Name"))) {
			only[index] = any = true;
			strvec_push(restarted, id);
		}
		free(id);
		index++;
	}
	if (any)
		ret = local_engine_fire_tx(r->cloud, trigger, only, false, r->from->workflow, r->to,
			NULL, launch, err);
	free(only);
	return ret;
}

/* Were all of them run before? Triggers cannot be chosen. */
static int check_chosen(const struct resume *r, const struct json *ids, struct err *err)
{
	struct sql_stmt *st = sql_query(r->cloud->db, err,
		"SELECT kind, name FROM glue_action WHERE workflow_run = ?", "s", r->from->id);
	struct strvec ran = STRVEC_INIT;
	struct json *id;
	int row = -1, ret = -1;

	while (st && (row = sql_step(st, err)) > 0)
		strvec_push_take(&ran,
			local_graph_node_id(r->from->workflow, sql_text(st, 0), sql_text(st, 1)));
	sql_done(st);
	if (row < 0)
		goto out;
	json_each(id, ids)
	{
		if (!strvec_has(&ran, json_str(id))) {
			glue_invalid(err, "Node %s was not run in workflow run %s", json_str(id),
				r->from->id);
			goto out;
		}
	}
	ret = 0;
out:
	strvec_release(&ran);
	return ret;
}

static int resume_from(struct local_cloud *cloud, struct local_workflow_call *c,
	const struct local_workflow_run *from, struct err *err)
{
	struct resume r = {cloud, from, NULL, STRVEC_INIT, STRVEC_INIT};
	struct local_workflow_run run = *from;
	struct json *graph = local_graph_make(from->workflow, from->triggers), *e;
	int ret = -1;

	c->new_id = local_id("wr_", 64);
	r.to = run.id = c->new_id;
	run.state = (char[]){"RUNNING"};
	run.previous = from->id;
	run.started_ms = local_now_ms(cloud);
	run.completed_ms = 0;
	run.error = NULL;
	json_each(e, json_get(c->req->in, "NodeIds"))
	{
		strvec_push(&r.chosen, json_str(e));
		strvec_push(&r.again, json_str(e));
	}
	local_graph_downstream(graph, &r.chosen, &r.again);
	if (check_chosen(&r, json_get(c->req->in, "NodeIds"), err) != 0 ||
		local_workflow_run_insert_tx(cloud, &run, err) != 0 || take_over(&r, err) != 0)
		goto out;
	json_each(e, from->triggers)
	{
		if (restart_actions(&r, e, &c->launch, &c->restarted, err) != 0)
			goto out;
	}
	ret = local_workflow_check_end_tx(cloud, r.to, err);
out:
	json_free(graph);
	strvec_release(&r.chosen);
	strvec_release(&r.again);
	return ret;
}

static int resume_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct local_workflow_call *c = payload;
	struct json *workflow = NULL;
	struct local_workflow_run from;
	bool full;
	int ret = -1;

	if (local_workflow_run_need_tx(cloud, c, &from, err) != 0)
		goto out;
	workflow = local_workflow_get_tx(cloud, c->name, err);
	if (!workflow || local_workflow_full_tx(cloud, workflow, &full, err) != 0)
		goto out;
	if (strcmp(from.state, "COMPLETED") != 0 && strcmp(from.state, "STOPPED") != 0)
		local_fault(err, 400, "IllegalWorkflowStateException",
			"Workflow run %s is in state %s and cannot be resumed", c->id, from.state);
	else if (full)
		local_fault(err, 400, "ConcurrentRunsExceededException",
			"Concurrent runs exceeded for workflow: %s", c->name);
	else
		ret = resume_from(cloud, c, &from, err);
out:
	json_free(workflow);
	local_workflow_run_release(&from);
	return ret;
}

int local_workflow_resume(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"NodeIds", GLUE_LIST, true, 1, 0, NULL, NULL},
		{0},
	};
	struct local_workflow_call c = LOCAL_WORKFLOW_CALL_INIT(req);
	struct json *nodes;
	int ret = -1;

	if (glue_check(local_workflow_run_fields, req->in, err) == 0 &&
		glue_check(fields, req->in, err) == 0)
		ret = local_tx(cloud, resume_tx, &c, err);
	if (ret == 0) {
		local_launch_go(cloud, &c.launch);
		nodes = json_array();
		for (size_t i = 0; i < c.restarted.nr; i++)
			json_push_str(nodes, c.restarted.v[i]);
		*out = json_object();
		json_set_str(*out, "RunId", c.new_id);
		json_set(*out, "NodeIds", nodes);
	}
	local_workflow_call_release(&c);
	return ret;
}
