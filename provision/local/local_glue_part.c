/* The part of the cloud that holds jobs, runs, triggers and workflows: tables, recovery, the scheduler's thread. */
#include "local_glue.h"

#include "log.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS glue_job (name TEXT PRIMARY KEY, region TEXT NOT NULL, doc "
	"TEXT "
	"NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS glue_job_run (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT "
	"NOT "
	"NULL UNIQUE, job TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, "
	"previous_id "
	"TEXT, region TEXT NOT NULL, doc TEXT NOT NULL, spec TEXT NOT NULL, trigger_name TEXT, "
	"workflow TEXT, workflow_run TEXT, started_ms INTEGER, modified_ms INTEGER, completed_ms "
	"INTEGER, executed_ms INTEGER, error TEXT, job_deleted INTEGER NOT NULL DEFAULT 0, pgid "
	"INTEGER NOT NULL DEFAULT 0, born TEXT);"
	"CREATE INDEX IF NOT EXISTS glue_job_run_job ON glue_job_run (job, seq);"
	"CREATE INDEX IF NOT EXISTS glue_job_run_live ON glue_job_run (state) WHERE state IN "
	"('STARTING', 'RUNNING', 'STOPPING', 'WAITING');"
	"CREATE INDEX IF NOT EXISTS glue_job_run_wf ON glue_job_run (workflow_run) WHERE "
	"workflow_run IS NOT NULL;"
	"CREATE TABLE IF NOT EXISTS glue_trigger (name TEXT PRIMARY KEY, region TEXT NOT NULL, "
	"workflow TEXT, doc TEXT NOT NULL, state TEXT NOT NULL, next_state TEXT, next_ms INTEGER "
	"NOT "
	"NULL DEFAULT 0, fire_ms INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS glue_mark (scope TEXT NOT NULL, trigger_name TEXT NOT NULL, "
	"idx "
	"INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, ref TEXT, PRIMARY KEY (scope, "
	"trigger_name, idx)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS glue_fired (workflow_run TEXT NOT NULL, trigger_name TEXT NOT "
	"NULL, PRIMARY KEY (workflow_run, trigger_name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS glue_action (workflow_run TEXT NOT NULL, trigger_name TEXT NOT "
	"NULL, idx INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, ref TEXT, state TEXT "
	"NOT "
	"NULL, error TEXT, PRIMARY KEY (workflow_run, trigger_name, idx)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS glue_workflow (name TEXT PRIMARY KEY, region TEXT NOT NULL, "
	"doc "
	"TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS glue_workflow_run (seq INTEGER PRIMARY KEY AUTOINCREMENT, id "
	"TEXT "
	"NOT NULL UNIQUE, workflow TEXT NOT NULL, state TEXT NOT NULL, previous_id TEXT, "
	"properties "
	"TEXT NOT NULL, triggers TEXT NOT NULL, started_ms INTEGER, completed_ms INTEGER, error "
	"TEXT);"
	"CREATE INDEX IF NOT EXISTS glue_workflow_run_wf ON glue_workflow_run (workflow, seq);";

static void *state_new(void)
{
	struct local_glue_state *s = xcalloc(1, sizeof(*s));
	const char *pause = getenv("GLUEPROJ_LOCAL_PAUSE_MS");
	long long ms;

	pthread_mutex_init(&s->lock, NULL);
	strvec_init(&s->held);
	s->runner = local_runner_new();
	s->pause_ms = pause && parse_int64(pause, 0, 60000, &ms) == 0 ? ms : 100;
	return s;
}

static void state_free(void *state)
{
	struct local_glue_state *s = state;

	if (!s)
		return;
	local_runner_free(s->runner);
	strvec_release(&s->held);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct local_glue_state *local_glue_state(struct local_cloud *cloud)
{
	return local_part_state(cloud, &local_glue_part);
}

struct local_runner *local_runner_of(struct local_cloud *cloud)
{
	return local_glue_state(cloud)->runner;
}

/* --- recovery: what a crash left between a decision and its start --- */

static int recover(struct local_cloud *cloud, struct err *err)
{
	local_runner_clean(cloud);
	return local_runs_recover(cloud, err);
}

/* A crawl that the tables call running, by the time the crawler part has recovered. */
struct open_crawl {
	char *run, *trigger, *workflow, *crawler, *ref;
};

struct leftovers {
	struct local_launch launch;
	struct open_crawl *open;
	size_t nr, alloc;
	struct strvec runs; /* workflow runs that are not over */
};

static void leftovers_release(struct leftovers *l)
{
	local_launch_release(&l->launch);
	for (size_t i = 0; i < l->nr; i++) {
		free(l->open[i].run);
		free(l->open[i].trigger);
		free(l->open[i].workflow);
		free(l->open[i].crawler);
		free(l->open[i].ref);
	}
	free(l->open);
	strvec_release(&l->runs);
}

static int collect(struct local_cloud *cloud, const char *sql, struct strvec *out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err, sql, "");
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0)
		strvec_push(out, sql_text(st, 0));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int collect_crawls(struct local_cloud *cloud, struct leftovers *l, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT a.workflow_run, a.trigger_name, r.workflow, a.name, a.ref, a.state, a.idx "
		"FROM glue_action a JOIN glue_workflow_run r ON r.id = a.workflow_run WHERE a.kind "
		"= 'CRAWLER' AND a.state IN ('PENDING', 'RUNNING')",
		"");
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0) {
		struct local_launch *launch = &l->launch;

		if (strcmp(sql_text(st, 5), "PENDING") == 0) {
			ALLOC_GROW(launch->crawls, launch->nr, launch->alloc);
			launch->crawls[launch->nr++] =
				(struct local_launch_crawl){.crawler = xstrdup(sql_text(st, 3)),
					.trigger = xstrdup(sql_text(st, 1)),
					.workflow = xstrdup(sql_text(st, 2)),
					.workflow_run = xstrdup(sql_text(st, 0)),
					.action = sql_int(st, 6)};
			continue;
		}
		ALLOC_GROW(l->open, l->nr, l->alloc);
		l->open[l->nr++] = (struct open_crawl){.run = xstrdup(sql_text(st, 0)),
			.trigger = xstrdup(sql_text(st, 1)),
			.workflow = xstrdup(sql_text(st, 2)),
			.crawler = xstrdup(sql_text(st, 3)),
			.ref = xstrdup(sql_text(st, 4))};
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int collect_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct leftovers *l = payload;
	struct strvec jobs = STRVEC_INIT;
	int ret = -1;

	/* schedules that came due while nothing was running are not made up for */
	if (sql_run(cloud->db, NULL, err, "UPDATE glue_trigger SET fire_ms = 1 WHERE fire_ms > 0",
		    "") != 0 ||
		collect(cloud, "SELECT DISTINCT job FROM glue_job_run WHERE state = 'WAITING'",
			&jobs, err) != 0)
		goto out;
	for (size_t i = 0; i < jobs.nr; i++) {
		struct local_launch ignored = LOCAL_LAUNCH_INIT;
		int failed = local_runs_start_waiting_tx(cloud, jobs.v[i], &ignored, err);

		local_launch_release(&ignored);
		if (failed)
			goto out;
	}
	if (collect(cloud, "SELECT id FROM glue_job_run WHERE state = 'STARTING' ORDER BY seq",
		    &l->launch.runs, err) != 0 ||
		collect(cloud,
			"SELECT id FROM glue_workflow_run WHERE state IN ('RUNNING', 'STOPPING')",
			&l->runs, err) != 0)
		goto out;
	ret = collect_crawls(cloud, l, err);
out:
	strvec_release(&jobs);
	return ret;
}

static void settle_crawl(struct local_cloud *cloud, const struct open_crawl *c)
{
	struct local_cause cause = {c->trigger, c->workflow, c->run};
	struct json *crawl = NULL;
	struct err err = ERR_INIT;
	const char *state = "FAILED";

	if (c->ref && local_crawl_describe(cloud, c->ref, &crawl, &err) == 0)
		state = json_get_str(crawl, "State");
	if (state && strcmp(state, "RUNNING") != 0 && strcmp(state, "CANCELLING") != 0)
		local_workflow_crawl_ended(cloud, c->crawler, c->ref ? c->ref : "", state, &cause);
	json_free(crawl);
	err_release(&err);
}

static int check_ends_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct strvec *runs = payload;

	for (size_t i = 0; i < runs->nr; i++) {
		if (local_workflow_check_end_tx(cloud, runs->v[i], err) != 0)
			return -1;
	}
	return 0;
}

int local_engine_recover(struct local_cloud *cloud, struct err *err)
{
	struct leftovers l = {.launch = LOCAL_LAUNCH_INIT, .runs = STRVEC_INIT};
	int ret = local_tx(cloud, collect_tx, &l, err);

	if (ret == 0) {
		for (size_t i = 0; i < l.nr; i++)
			settle_crawl(cloud, &l.open[i]);
		local_launch_go(cloud, &l.launch);
		ret = local_tx(cloud, check_ends_tx, &l.runs, err);
	}
	leftovers_release(&l);
	return ret;
}

/* --- the scheduler: fires SCHEDULED triggers when their time has come --- */

struct due {
	struct local_launch launch;
	int64_t next_ms; /* of the first one to come; 0: none */
};

static int fire_due(struct local_cloud *cloud, const struct json *trigger, bool late,
	struct local_launch *launch, struct err *err)
{
	const char *workflow = json_get_str(trigger, "WorkflowName"),
		   *name = json_get_str(trigger, "Name");
	int64_t next = 0;
	char *run = NULL;
	int ret;

	if (local_schedule_next(
		    json_get_str(trigger, "Schedule"), local_now_ms(cloud), &next, err) != 0) {
		log_warn("trigger '%s' will not fire again: %s", name, err->text);
		err_release(err);
	}
	ret = sql_run(cloud->db, NULL, err, "UPDATE glue_trigger SET fire_ms = ? WHERE name = ?",
		"is", next, name);
	if (ret != 0 || late)
		return ret;
	if (!workflow)
		return local_engine_fire_tx(
			cloud, trigger, NULL, false, NULL, NULL, NULL, launch, err);
	ret = local_workflow_start_tx(cloud, workflow, NULL, true, launch, &run, err);
	free(run);
	if (ret != 0 && err->aws_code) {
		log_warn("trigger '%s': %s", name, err->text);
		err_release(err);
		ret = 0;
	}
	return ret;
}

static int due_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct due *d = payload;
	struct json *due = json_array(), *t;
	struct sql_stmt *st;
	int row = -1, ret = -1;

	if (local_triggers_settle_tx(cloud, err) != 0)
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT doc, fire_ms FROM glue_trigger WHERE fire_ms > 0 AND fire_ms <= ? AND "
		"state = 'ACTIVATED'",
		"i", local_now_ms(cloud));
	while (st && (row = sql_step(st, err)) > 0) {
		struct json *doc = glue_doc(sql_text(st, 0));

		json_set_bool(doc, "Late", sql_int(st, 1) == 1);
		json_push(due, doc);
	}
	sql_done(st);
	if (row < 0)
		goto out;
	json_each(t, due)
	{
		if (fire_due(cloud, t, json_get_truth(t, "Late", false), &d->launch, err) != 0)
			goto out;
	}
	/* one that is about to be ACTIVATED is looked at again soon */
	st = sql_query(cloud->db, err,
		"SELECT min(max(fire_ms, CASE state WHEN 'ACTIVATED' THEN 0 ELSE next_ms END)) "
		"FROM "
		"glue_trigger WHERE fire_ms > 0 AND state <> 'DELETING'",
		"");
	if (!st)
		goto out;
	ret = sql_step(st, err) < 0 ? -1 : 0;
	d->next_ms = ret == 0 ? sql_int(st, 0) : 0;
	sql_done(st);
out:
	json_free(due);
	return ret;
}

static void *scheduler_main(void *arg)
{
	struct local_cloud *cloud = arg;

	for (;;) {
		struct due d = {.launch = LOCAL_LAUNCH_INIT};
		struct err err = ERR_INIT;
		int64_t now, until;

		if (local_tx(cloud, due_tx, &d, &err) == 0)
			local_launch_go(cloud, &d.launch);
		else
			log_warn("schedules: %s", err.text);
		local_launch_release(&d.launch);
		now = local_now_ms(cloud);
		until = err.code ? now + 1000 : d.next_ms ? d.next_ms : now + 3600 * 1000;
		err_release(&err);
		if (until <= now)
			until = now + 50;
		/* a change just before the wait begins would go unnoticed: never sleep long */
		if (until > now + 2000)
			until = now + 2000;
		if (!local_wait_until(cloud, until))
			return NULL;
	}
}

static int start(struct local_cloud *cloud, struct err *err)
{
	struct local_glue_state *s = local_glue_state(cloud);

	if (local_engine_recover(cloud, err) != 0)
		return -1;
	if (pthread_create(&s->scheduler, NULL, scheduler_main, cloud) != 0)
		return err_set(err, ERR_FAILED, "cannot start the scheduler's thread");
	s->scheduler_runs = true;
	return 0;
}

static void stop(struct local_cloud *cloud)
{
	struct local_glue_state *s = local_glue_state(cloud);

	if (!s->scheduler_runs)
		return;
	local_wake_all(cloud);
	pthread_join(s->scheduler, NULL);
	s->scheduler_runs = false;
}

static bool busy(struct local_cloud *cloud)
{
	return local_any(cloud,
		"SELECT 1 FROM glue_trigger WHERE fire_ms > 0 UNION ALL SELECT 1 FROM "
		"glue_workflow_run WHERE state IN ('RUNNING', 'STOPPING') UNION ALL SELECT 1 FROM "
		"glue_job_run WHERE state IN ('STARTING', 'RUNNING', 'STOPPING', 'WAITING') LIMIT "
		"1");
}

const struct local_part local_glue_part = {
	.name = "glue",
	.schema = schema,
	.recover = recover,
	.start = start,
	.stop = stop,
	.busy = busy,
	.state_new = state_new,
	.state_free = state_free,
};
