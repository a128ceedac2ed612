/*
 * Which triggers fire when a job run or crawl has come to rest ("AWS Glue triggers" and "Overview of workflows", AWS
 * Glue Developer Guide):
 * - only what a trigger had started counts; a run that somebody started by hand fires nothing;
 * - what was started in a workflow run counts in that run alone, what was started outside of workflows only there;
 * - a trigger must be ACTIVATED; in a workflow run it fires once; outside it starts anew after each firing.
 *
 * Each met condition is a row of glue_mark (scope: the workflow run, '' outside). Marks, firing, the new runs and the
 * workflow run's end are one transaction, so that a crash finds either all or nothing of them. Within a workflow run
 * each action is a row of glue_action:   PENDING (crawls: to be started) -> RUNNING -> the last state | ERROR
 */
#include "local_glue.h"

#include "local_events.h"
#include "log.h"

/* --- pure rules --- */

bool local_condition_matches(const struct json *condition, const struct local_engine_event *ev)
{
	const char *name = json_get_str(condition, ev->crawl ? "CrawlerName" : "JobName");
	const char *state = json_get_str(condition, ev->crawl ? "CrawlState" : "State");

	return name && state && strcmp(name, ev->name) == 0 && strcmp(state, ev->state) == 0;
}

bool local_predicate_met(const struct json *predicate, const bool *met)
{
	const char *logical = json_get_str(predicate, "Logical");
	size_t n = json_len(json_get(predicate, "Conditions")), have = 0;

	for (size_t i = 0; i < n; i++)
		have += met[i];
	if (n == 0)
		return false;
	return logical && strcmp(logical, "ANY") == 0 ? have > 0 : have == n;
}

/* --- firing --- */

struct firing {
	struct local_cloud *cloud;
	const struct json *trigger;
	const char *name, *workflow, *workflow_run;
	const struct json *predecessors;
	struct local_launch *launch;
	bool strict;
};

static int insert_action(const struct firing *f, int64_t index, const char *kind, const char *name,
	const char *ref, const char *state, const char *error, struct err *err)
{
	if (!f->workflow_run)
		return 0;
	return sql_run(f->cloud->db, NULL, err,
		"INSERT OR REPLACE INTO glue_action (workflow_run, trigger_name, idx, kind, name, "
		"ref, state, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		"ssisssss", f->workflow_run, f->name, index, kind, name, ref, state, error);
}

/* Glue said no to this run: in a workflow that shows as an action in ERROR, outside as a run in ERROR. */
static int refused(const struct firing *f, int64_t index, const struct local_run_request *run,
	struct err *why, struct err *err)
{
	char *message, *id = NULL;
	int ret;

	if (!why->aws_code || f->strict) {
		err_move(err, why);
		return -1;
	}
	message = xasprintf("%s: %s", why->aws_code, why->text);
	log_warn("trigger '%s' could not start job '%s': %s", f->name, run->job, message);
	ret = local_run_error_tx(f->cloud, run, message, &id, err);
	if (ret == 0)
		ret = insert_action(f, index, "JOB", run->job, id, "ERROR", message, err);
	free(message);
	free(id);
	err_release(why);
	return ret;
}

static int fire_job(
	const struct firing *f, int64_t index, const struct json *action, struct err *err)
{
	struct local_run_request run = {.job = json_get_str(action, "JobName"),
		.overrides = action,
		.predecessors = f->predecessors,
		.cause = {f->name, f->workflow, f->workflow_run}};
	struct err why = ERR_INIT;
	char *id = NULL;
	int ret;

	if (local_run_start_tx(f->cloud, &run, f->launch, &id, &why) != 0)
		return refused(f, index, &run, &why, err);
	ret = insert_action(f, index, "JOB", run.job, id, "RUNNING", NULL, err);
	free(id);
	return ret;
}

static int fire_crawler(
	const struct firing *f, int64_t index, const struct json *action, struct err *err)
{
	struct local_launch *l = f->launch;
	const char *name = json_get_str(action, "CrawlerName");

	ALLOC_GROW(l->crawls, l->nr, l->alloc);
	l->crawls[l->nr++] = (struct local_launch_crawl){.crawler = xstrdup(name),
		.trigger = xstrdup(f->name),
		.workflow = xstrdup(f->workflow),
		.workflow_run = xstrdup(f->workflow_run),
		.action = index};
	return insert_action(f, index, "CRAWLER", name, NULL, "PENDING", NULL, err);
}

int local_engine_fire_tx(struct local_cloud *cloud, const struct json *trigger, const bool *only,
	bool strict, const char *workflow, const char *workflow_run,
	const struct json *predecessors, struct local_launch *launch, struct err *err)
{
	struct firing f = {cloud, trigger, json_get_str(trigger, "Name"), workflow, workflow_run,
		predecessors, launch, strict};
	struct json *action;
	int64_t index = 0;

	if (workflow_run && sql_run(cloud->db, NULL, err,
				    "INSERT OR IGNORE INTO glue_fired (workflow_run, trigger_name) "
				    "VALUES (?, ?)",
				    "ss", workflow_run, f.name) != 0)
		return -1;
	json_each(action, json_get(trigger, "Actions"))
	{
		int ret = 0;

		if (!only || only[index])
			ret = json_get_str(action, "JobName")
				      ? fire_job(&f, index, action, err)
				      : fire_crawler(&f, index, action, err);
		if (ret != 0)
			return -1;
		index++;
	}
	return 0;
}

/* --- marks --- */

static int mark(struct local_cloud *cloud, const char *scope, const struct json *trigger,
	const struct local_engine_event *ev, bool *any, struct err *err)
{
	struct json *c;
	int64_t index = 0;

	*any = false;
	json_each(c, json_path(trigger, "Predicate.Conditions"))
	{
		if (local_condition_matches(c, ev)) {
			*any = true;
			if (sql_run(cloud->db, NULL, err,
				    "INSERT OR REPLACE INTO glue_mark (scope, trigger_name, idx, "
				    "kind, name, ref) VALUES (?, ?, ?, ?, ?, ?)",
				    "ssisss", scope, json_get_str(trigger, "Name"), index,
				    ev->crawl ? "CRAWLER" : "JOB", ev->name, ev->ref) != 0)
				return -1;
		}
		index++;
	}
	return 0;
}

/* Which conditions are met, and by which job runs. */
static int read_marks(struct local_cloud *cloud, const char *scope, const struct json *trigger,
	bool *met, size_t n, struct json *predecessors, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT idx, kind, name, ref FROM glue_mark WHERE scope = ? AND trigger_name = ? "
		"ORDER BY idx",
		"ss", scope, json_get_str(trigger, "Name"));
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0) {
		int64_t index = sql_int(st, 0);
		struct json *p;

		if (index >= 0 && (size_t)index < n)
			met[index] = true;
		if (strcmp(sql_text(st, 1), "JOB") != 0)
			continue;
		p = json_object();
		json_set_str(p, "JobName", sql_text(st, 2));
		json_set_str(p, "RunId", sql_text(st, 3));
		json_push(predecessors, p);
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

/* 1 when the query has a row. */
static int has_row(
	struct local_cloud *cloud, struct err *err, const char *sql, const char *a, const char *b)
{
	struct sql_stmt *st = sql_query(cloud->db, err, sql, "ss", a, b);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	sql_done(st);
	return row;
}

/* May it fire now: active, and in a workflow run not fired before? */
static int may_fire(
	struct local_cloud *cloud, const char *run, const struct json *trigger, struct err *err)
{
	const char *name = json_get_str(trigger, "Name");
	int fired, active;

	active = has_row(cloud, err, "SELECT 1 FROM glue_trigger WHERE name = ? AND state = ?",
		name, "ACTIVATED");
	if (active <= 0 || !run)
		return active;
	fired = has_row(cloud, err,
		"SELECT 1 FROM glue_fired WHERE workflow_run = ? AND trigger_name = ?", run, name);
	return fired < 0 ? -1 : !fired;
}

/* One conditional trigger hears of the event. */
static int hear(struct local_cloud *cloud, const struct json *trigger, const char *workflow,
	const char *run, const struct local_engine_event *ev, struct local_launch *launch,
	struct err *err)
{
	const char *scope = run ? run : "";
	size_t n = json_len(json_path(trigger, "Predicate.Conditions"));
	struct json *predecessors = NULL;
	bool any, *met = NULL;
	int may, ret = -1;

	if (strcmp(json_get_str(trigger, "Type"), "CONDITIONAL") != 0)
		return 0;
	may = may_fire(cloud, run, trigger, err);
	if (may <= 0)
		return may;
	if (mark(cloud, scope, trigger, ev, &any, err) != 0)
		return -1;
	if (!any)
		return 0;
	met = xcalloc(n, sizeof(*met));
	predecessors = json_array();
	if (read_marks(cloud, scope, trigger, met, n, predecessors, err) != 0)
		goto out;
	ret = 0;
	if (!local_predicate_met(json_get(trigger, "Predicate"), met))
		goto out;
	ret = sql_run(cloud->db, NULL, err,
		"DELETE FROM glue_mark WHERE scope = ? AND scope = '' AND trigger_name = ?", "ss",
		scope, json_get_str(trigger, "Name"));
	if (ret == 0)
		ret = local_engine_fire_tx(
			cloud, trigger, NULL, false, workflow, run, predecessors, launch, err);
out:
	free(met);
	json_free(predecessors);
	return ret;
}

/* --- the end of a run or crawl --- */

static int end_action(
	struct local_cloud *cloud, const struct local_engine_event *ev, struct err *err)
{
	if (ev->crawl)
		return sql_run(cloud->db, NULL, err,
			"UPDATE glue_action SET state = ?, ref = ? WHERE workflow_run = ? AND "
			"trigger_name = ? AND kind = 'CRAWLER' AND name = ? AND state IN "
			"('PENDING', 'RUNNING')",
			"sssss", ev->state, ev->ref, ev->cause.workflow_run_id,
			ev->cause.trigger_name, ev->name);
	return sql_run(cloud->db, NULL, err,
		"UPDATE glue_action SET state = ?1, ref = ?2 WHERE workflow_run = ?3 AND kind = "
		"'JOB' AND (ref = ?2 OR ?2 LIKE ref || '\\_attempt\\_%' ESCAPE '\\')",
		"sss", ev->state, ev->ref, ev->cause.workflow_run_id);
}

/* The triggers that the run started with; *running is false when no more of them may fire. NULL: no such run. */
static int run_triggers(struct local_cloud *cloud, const char *run, struct json **out,
	bool *running, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT triggers, state FROM glue_workflow_run WHERE id = ?", "s", run);
	int row;

	*out = NULL;
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		*out = glue_doc(sql_text(st, 0));
		*running = strcmp(sql_text(st, 1), "RUNNING") == 0;
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

int local_engine_ended_tx(struct local_cloud *cloud, const struct local_engine_event *ev,
	struct local_launch *launch, struct err *err)
{
	const char *run = ev->cause.workflow_run_id;
	struct json *triggers = NULL, *t;
	bool running = true;
	int ret = 0;

	if (!ev->cause.trigger_name)
		return 0;
	if (local_triggers_settle_tx(cloud, err) != 0)
		return -1;
	if (run)
		ret = run_triggers(cloud, run, &triggers, &running, err);
	else
		ret = local_triggers_list_tx(cloud, "", &triggers, err);
	if (ret == 0 && run)
		ret = end_action(cloud, ev, err);
	if (ret == 0 && running) {
		json_each(t, triggers)
		{
			if (ret == 0)
				ret = hear(cloud, t, ev->cause.workflow_name, run, ev, launch, err);
		}
	}
	if (ret == 0 && run && triggers)
		ret = local_workflow_check_end_tx(cloud, run, err);
	json_free(triggers);
	return ret;
}

static void tell(struct local_cloud *cloud, const struct local_engine_event *ev)
{
	for (bool said = false;; said = true) {
		struct local_launch launch = LOCAL_LAUNCH_INIT;
		struct err err = ERR_INIT;
		int ret = local_tx_begin(cloud, &err);

		if (ret == 0) {
			ret = local_engine_ended_tx(cloud, ev, &launch, &err);
			if (ret == 0 && ev->crawl)
				ret = local_event_crawl_tx(cloud, ev->name, ev->state, &err);
			if (ret == 0)
				ret = local_tx_commit(cloud, &err);
			local_tx_end(cloud);
		}
		if (ret == 0)
			local_launch_go(cloud, &launch);
		else if (!said)
			log_warn("the end of '%s' cannot be told to its triggers: %s", ev->name,
				err.text);
		local_launch_release(&launch);
		err_release(&err);
		if (ret == 0 || !local_wait_until(cloud, local_now_ms(cloud) + 1000))
			return;
	}
}

void local_workflow_job_ended(struct local_cloud *cloud, const char *job, const char *run_id,
	const char *state, const struct local_cause *cause)
{
	struct local_engine_event ev = {
		.name = job, .ref = run_id, .state = state, .cause = *cause};

	tell(cloud, &ev);
}

void local_workflow_crawl_ended(struct local_cloud *cloud, const char *crawler,
	const char *crawl_id, const char *state, const struct local_cause *cause)
{
	struct local_engine_event ev = {
		.crawl = true, .name = crawler, .ref = crawl_id, .state = state, .cause = *cause};

	tell(cloud, &ev);
}

/* --- starting what was decided --- */

/* Writes how the start of a crawl went; *mine false when the action was stopped before. */
struct crawl_note {
	const struct local_launch_crawl *crawl;
	const char *from, *to, *ref, *error;
	int64_t changed;
};

static int note_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct crawl_note *n = payload;

	if (sql_run(cloud->db, &n->changed, err,
		    "UPDATE glue_action SET state = ?, ref = ?, error = ? WHERE workflow_run = ? "
		    "AND trigger_name = ? AND idx = ? AND state = ?",
		    "sssssis", n->to, n->ref, n->error, n->crawl->workflow_run, n->crawl->trigger,
		    n->crawl->action, n->from) != 0)
		return -1;
	return strcmp(n->to, "ERROR") == 0
		       ? local_workflow_check_end_tx(cloud, n->crawl->workflow_run, err)
		       : 0;
}

static bool note(struct local_cloud *cloud, const struct local_launch_crawl *crawl,
	const char *from, const char *to, const char *ref, const char *error)
{
	struct crawl_note n = {crawl, from, to, ref, error, 0};
	struct err err = ERR_INIT;

	if (crawl->workflow_run && local_tx(cloud, note_tx, &n, &err) != 0)
		log_warn("crawl of '%s': %s", crawl->crawler, err.text);
	err_release(&err);
	return !crawl->workflow_run || n.changed > 0;
}

static void launch_crawl(struct local_cloud *cloud, const struct local_launch_crawl *crawl)
{
	struct local_cause cause = {crawl->trigger, crawl->workflow, crawl->workflow_run};
	struct err err = ERR_INIT;
	char *id = NULL, *message;

	/* claimed first: the crawl may end before its start returns */
	if (!note(cloud, crawl, "PENDING", "RUNNING", NULL, NULL))
		return;
	if (local_crawler_start(cloud, crawl->crawler, &cause, &id, &err) == 0) {
		note(cloud, crawl, "RUNNING", "RUNNING", id, NULL);
	} else {
		message = xasprintf("%s: %s", err_name(&err), err.text);
		log_warn("trigger '%s' could not start crawler '%s': %s", crawl->trigger,
			crawl->crawler, message);
		note(cloud, crawl, "RUNNING", "ERROR", NULL, message);
		free(message);
	}
	free(id);
	err_release(&err);
}

void local_launch_go(struct local_cloud *cloud, struct local_launch *l)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < l->runs.nr; i++)
		local_runner_launch(cloud, l->runs.v[i]);
	for (size_t i = 0; i < l->nr; i++)
		launch_crawl(cloud, &l->crawls[i]);
	for (size_t i = 0; i < l->stop_runs.nr; i++)
		local_runner_stop(cloud, l->stop_runs.v[i]);
	for (size_t i = 0; i < l->stop_crawlers.nr; i++) {
		if (local_crawler_stop(cloud, l->stop_crawlers.v[i], &err) != 0)
			log_warn("crawler '%s' cannot be stopped: %s", l->stop_crawlers.v[i],
				err.text);
		err_release(&err);
	}
	local_launch_release(l);
}
