/*
 * Job runs ("Job runs", AWS Glue Web API Reference: StartJobRun, BatchStopJobRun, GetJobRun, GetJobRuns) and their life:
 *
 *   [WAITING ->] STARTING -> RUNNING -> SUCCEEDED | FAILED | TIMEOUT
 *                    \          \
 *                     `----------`-> STOPPING -> STOPPED         ERROR: Glue refused to start it for a trigger
 *
 * A FAILED run with retries left is followed by <first id>_attempt_<n>; triggers hear of the last attempt only.
 */
#include "local_glue.h"

#include "local_events.h"
#include "local_glue_connection.h"
#include "local_states.h"
#include "log.h"

#define ACTIVE_STATES "('STARTING', 'RUNNING', 'STOPPING')"

bool local_run_state_active(const char *state)
{
	return strcmp(state, "STARTING") == 0 || strcmp(state, "RUNNING") == 0 ||
	       strcmp(state, "STOPPING") == 0;
}

bool local_run_state_final(const char *state)
{
	return !local_run_state_active(state) && strcmp(state, "WAITING") != 0;
}

/* --- rows --- */

#define RUN_COLUMNS                                                                     \
	"id, doc, attempt, previous_id, trigger_name, state, started_ms, modified_ms, " \
	"completed_ms, executed_ms, error"

static struct json *row_run(struct sql_stmt *st, int64_t now, bool predecessors)
{
	struct json *run = json_object(), *doc = glue_doc(sql_text(st, 1)), *e;
	const char *state = sql_text(st, 5);
	int64_t executed = sql_int(st, 9);

	json_set_str(run, "Id", sql_text(st, 0));
	json_set_i64(run, "Attempt", sql_int(st, 2));
	json_set_str(run, "PreviousRunId", sql_text(st, 3));
	json_set_str(run, "TriggerName", sql_text(st, 4));
	json_each(e, doc) json_set(run, json_name(e), json_copy(e));
	if (!predecessors)
		json_set(run, "PredecessorRuns", json_array());
	glue_set_time(run, "StartedOn", sql_int(st, 6));
	glue_set_time(run, "LastModifiedOn", sql_int(st, 7));
	glue_set_time(run, "CompletedOn", sql_int(st, 8));
	json_set_str(run, "JobRunState", state);
	json_set_str(run, "ErrorMessage", sql_text(st, 10));
	if (strcmp(state, "RUNNING") == 0)
		executed = now - sql_int(st, 6);
	json_set_i64(run, "ExecutionTime", (executed + 500) / 1000);
	json_free(doc);
	return run;
}

void local_run_release(struct local_run *r)
{
	free(r->id);
	free(r->job);
	free(r->state);
	free(r->region);
	free(r->log_group);
	free(r->trigger);
	free(r->workflow);
	free(r->workflow_run);
	json_free(r->doc);
	json_free(r->spec);
	memset(r, 0, sizeof(*r));
}

static int load_tx(
	struct local_cloud *cloud, const char *id, struct local_run *out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT job, state, region, trigger_name, workflow, workflow_run, doc, spec, "
		"started_ms, attempt FROM glue_job_run WHERE id = ?",
		"s", id);
	int row;

	memset(out, 0, sizeof(*out));
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		out->id = xstrdup(id);
		out->job = xstrdup(sql_text(st, 0));
		out->state = xstrdup(sql_text(st, 1));
		out->region = xstrdup(sql_text(st, 2));
		out->trigger = xstrdup(sql_text(st, 3));
		out->workflow = xstrdup(sql_text(st, 4));
		out->workflow_run = xstrdup(sql_text(st, 5));
		out->doc = glue_doc(sql_text(st, 6));
		out->spec = glue_doc(sql_text(st, 7));
		out->started_ms = sql_int(st, 8);
		out->attempt = sql_int(st, 9);
		out->log_group = xstrdup(json_get_str(out->doc, "LogGroupName"));
	}
	sql_done(st);
	if (row == 0)
		err_set(err, ERR_NOT_FOUND, "job run %s is gone", id);
	return row > 0 ? 0 : -1;
}

int local_run_load(
	struct local_cloud *cloud, const char *id, struct local_run *out, struct err *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	if (local_tx_begin(cloud, err) != 0)
		return -1;
	ret = load_tx(cloud, id, out, err);
	local_tx_end(cloud);
	return ret;
}

/* --- starting --- */

static void put_arguments(struct json *to, const struct json *from)
{
	struct json *e;

	json_each(e, from) json_set(to, json_name(e), json_copy(e));
}

/* The job's own, the run's over them, then those that nobody may override. */
static struct json *merge_arguments(const struct json *job, const struct json *overrides)
{
	struct json *all = json_object();

	put_arguments(all, json_get(job, "DefaultArguments"));
	put_arguments(all, json_get(overrides, "Arguments"));
	put_arguments(all, json_get(job, "NonOverridableArguments"));
	return all;
}

static void copy_member(
	struct json *to, const char *name, const struct json *first, const struct json *second)
{
	const struct json *v = json_get(first, name);

	if (!v || json_is(v, JSON_NULL))
		v = json_get(second, name);
	if (v)
		json_set(to, name, json_copy(v));
}

static int merge_capacity(
	struct json *doc, const struct json *job, const struct json *overrides, struct err *err)
{
	bool job_workers = json_get(job, "WorkerType") != NULL;
	bool workers = json_get(overrides, "WorkerType") || json_get(overrides, "NumberOfWorkers");
	bool capacity = json_get(overrides, "MaxCapacity") ||
			json_get_i64(overrides, "AllocatedCapacity", 0) > 0;

	if (capacity && (workers || job_workers))
		return glue_invalid(err, "Please do not set Max Capacity if using Worker Type and "
					 "Number of Workers.");
	if (workers || (job_workers && !capacity)) {
		copy_member(doc, "WorkerType", overrides, job);
		copy_member(doc, "NumberOfWorkers", overrides, job);
	} else if (capacity) {
		copy_member(doc, "MaxCapacity", overrides, NULL);
		copy_member(doc, "AllocatedCapacity", overrides, NULL);
	} else {
		copy_member(doc, "MaxCapacity", job, NULL);
	}
	return local_job_capacity(doc, json_get_str(json_get(job, "Command"), "Name"), err);
}

/* The JobRun as far as it is known at the start. */
static int make_run(const struct json *job, const struct local_run_request *req, struct json **out,
	struct err *err)
{
	static const char *const either[] = {"Timeout", "SecurityConfiguration",
		"NotificationProperty", "ExecutionClass", "JobRunQueuingEnabled", NULL};
	static const char *const jobs[] = {"JobMode", "GlueVersion", "MaintenanceWindow", NULL};
	struct json *doc = json_object();
	bool python = strcmp(json_get_str(json_get(job, "Command"), "Name"), "pythonshell") == 0;

	json_set_str(doc, "JobName", req->job);
	json_set(doc, "Arguments", merge_arguments(job, req->overrides));
	for (size_t i = 0; either[i]; i++)
		copy_member(doc, either[i], req->overrides, job);
	for (size_t i = 0; jobs[i]; i++)
		copy_member(doc, jobs[i], job, NULL);
	copy_member(doc, "ExecutionRoleSessionPolicy", req->overrides, NULL);
	json_set_str(doc, "LogGroupName", python ? "/aws-glue/python-jobs" : "/aws-glue/jobs");
	json_set(doc, "PredecessorRuns",
		req->predecessors ? json_copy(req->predecessors) : json_array());
	if (merge_capacity(doc, job, req->overrides, err) != 0) {
		json_free(doc);
		return -1;
	}
	*out = doc;
	return 0;
}

static struct json *make_spec(const struct json *job)
{
	struct json *spec = json_object();

	copy_member(spec, "Role", job, NULL);
	copy_member(spec, "Command", job, NULL);
	copy_member(spec, "MaxRetries", job, NULL);
	copy_member(spec, "ExecutionProperty", job, NULL);
	return spec;
}

struct new_run {
	const char *id, *state, *region, *previous, *error;
	const struct json *doc, *spec;
	const struct local_cause *cause;
	int64_t attempt;
};

static int insert_run(struct local_cloud *cloud, const struct new_run *n, struct err *err)
{
	char *doc = glue_text(n->doc), *spec = glue_text(n->spec);
	int64_t now = local_now_ms(cloud);
	int ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO glue_job_run (id, job, state, attempt, previous_id, region, doc, "
		"spec, "
		"trigger_name, workflow, workflow_run, started_ms, modified_ms, completed_ms, "
		"executed_ms, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
		"sssisssssssiiis", n->id, json_get_str(n->doc, "JobName"), n->state, n->attempt,
		n->previous, n->region, doc, spec, n->cause->trigger_name, n->cause->workflow_name,
		n->cause->workflow_run_id, now, now, n->error ? now : (int64_t)0, n->error);

	free(doc);
	free(spec);
	return ret;
}

static int count_active_tx(struct local_cloud *cloud, const char *job, int64_t *n, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT COUNT(*) FROM glue_job_run WHERE job = ? AND job_deleted = 0 AND state "
		"IN " ACTIVE_STATES,
		"s", job);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	*n = row > 0 ? sql_int(st, 0) : 0;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int64_t max_concurrent(const struct json *job)
{
	return json_get_i64(json_get(job, "ExecutionProperty"), "MaxConcurrentRuns", 1);
}

/* STARTING, WAITING, or ConcurrentRunsExceededException. */
static int first_state(struct local_cloud *cloud, const struct json *job, const struct json *doc,
	const char **state, struct err *err)
{
	const char *name = json_get_str(job, "Name");
	int64_t active;

	*state = "STARTING";
	if (count_active_tx(cloud, name, &active, err) != 0)
		return -1;
	if (active < max_concurrent(job))
		return 0;
	*state = "WAITING";
	if (json_get_truth(doc, "JobRunQueuingEnabled", false))
		return 0;
	return local_fault(err, 400, "ConcurrentRunsExceededException",
		"Concurrent runs exceeded for %s", name);
}

int local_run_start_tx(struct local_cloud *cloud, const struct local_run_request *req,
	struct local_launch *launch, char **id, struct err *err)
{
	const char *previous = json_get_str(req->overrides, "JobRunId");
	struct json *job, *doc = NULL, *spec = NULL;
	char *region = NULL, *new_id = local_id("jr_", 64);
	struct new_run n = {.id = new_id, .cause = &req->cause, .previous = previous};
	struct local_run before = {0};
	int ret = -1;

	job = local_job_get_tx(cloud, req->job, &region, err);
	if (!job || make_run(job, req, &doc, err) != 0 ||
		local_connections_there_tx(cloud, job, err) != 0 ||
		first_state(cloud, job, doc, &n.state, err) != 0)
		goto out;
	if (previous && (load_tx(cloud, previous, &before, err) != 0 ||
				strcmp(before.job, req->job) != 0)) {
		glue_not_found(err, "Job run %s not found.", previous);
		goto out;
	}
	n.doc = doc;
	n.spec = spec = make_spec(job);
	n.region = req->region ? req->region : region;
	if (insert_run(cloud, &n, err) != 0)
		goto out;
	if (strcmp(n.state, "STARTING") == 0)
		strvec_push(&launch->runs, new_id);
	*id = new_id;
	new_id = NULL;
	ret = 0;
out:
	local_run_release(&before);
	json_free(job);
	json_free(doc);
	json_free(spec);
	free(region);
	free(new_id);
	return ret;
}

int local_run_error_tx(struct local_cloud *cloud, const struct local_run_request *req,
	const char *message, char **id, struct err *err)
{
	struct err ignored = ERR_INIT;
	struct json *job, *doc = NULL, *spec = NULL;
	struct new_run n = {.state = "ERROR", .cause = &req->cause, .error = message};
	char *region = NULL, *new_id;
	int ret = 0;

	*id = NULL;
	job = local_job_get_tx(cloud, req->job, &region, &ignored);
	if (!job || make_run(job, req, &doc, &ignored) != 0)
		goto out;
	new_id = local_id("jr_", 64);
	n.id = new_id;
	n.doc = doc;
	n.spec = spec = make_spec(job);
	n.region = region;
	ret = insert_run(cloud, &n, err);
	if (ret == 0)
		*id = new_id;
	else
		free(new_id);
out:
	json_free(job);
	json_free(doc);
	json_free(spec);
	free(region);
	err_release(&ignored);
	return ret;
}

int local_runs_start_waiting_tx(
	struct local_cloud *cloud, const char *job, struct local_launch *launch, struct err *err)
{
	struct err ignored = ERR_INIT;
	struct json *doc = local_job_get_tx(cloud, job, NULL, &ignored);
	struct strvec ids = STRVEC_INIT;
	struct sql_stmt *st = NULL;
	int64_t active;
	int row = 0, ret = -1;

	err_release(&ignored);
	if (!doc)
		return 0;
	if (count_active_tx(cloud, job, &active, err) != 0)
		goto out;
	if (active < max_concurrent(doc)) {
		st = sql_query(cloud->db, err,
			"SELECT id FROM glue_job_run WHERE job = ? AND state = 'WAITING' AND "
			"job_deleted = 0 ORDER BY seq LIMIT ?",
			"si", job, max_concurrent(doc) - active);
		while (st && (row = sql_step(st, err)) > 0)
			strvec_push(&ids, sql_text(st, 0));
		sql_done(st);
		if (!st || row < 0)
			goto out;
	}
	for (size_t i = 0; i < ids.nr; i++) {
		if (sql_run(cloud->db, NULL, err,
			    "UPDATE glue_job_run SET state = 'STARTING', started_ms = ? WHERE id = "
			    "?",
			    "is", local_now_ms(cloud), ids.v[i]) != 0)
			goto out;
		strvec_push(&launch->runs, ids.v[i]);
	}
	ret = 0;
out:
	strvec_release(&ids);
	json_free(doc);
	return ret;
}

/* --- the way to rest --- */

int local_run_running(
	struct local_cloud *cloud, const char *id, int64_t pgid, const char *born, struct err *err)
{
	int ret;

	if (local_tx_begin(cloud, err) != 0)
		return -1;
	ret = sql_run(cloud->db, NULL, err,
		"UPDATE glue_job_run SET state = CASE state WHEN 'STARTING' THEN 'RUNNING' ELSE "
		"state END, modified_ms = ?, pgid = ?, born = ? WHERE id = ?",
		"iiss", local_now_ms(cloud), pgid, born, id);
	ret = local_tx_finish(cloud, ret, err);
	return ret;
}

static int insert_retry(struct local_cloud *cloud, const struct local_run *run,
	struct local_launch *launch, struct err *err)
{
	const char *suffix = strstr(run->id, "_attempt_");
	char *base = suffix ? xstrndup(run->id, (size_t)(suffix - run->id)) : xstrdup(run->id);
	char *id = xasprintf("%s_attempt_%lld", base, (long long)run->attempt + 1);
	struct local_cause cause = {run->trigger, run->workflow, run->workflow_run};
	struct new_run n = {.id = id,
		.state = "STARTING",
		.region = run->region,
		.previous = run->id,
		.doc = run->doc,
		.spec = run->spec,
		.cause = &cause,
		.attempt = run->attempt + 1};
	int ret = insert_run(cloud, &n, err);

	if (ret == 0)
		strvec_push(&launch->runs, id);
	free(base);
	free(id);
	return ret;
}

/* A workflow run that is being stopped gets no more attempts. */
static bool may_retry(struct local_cloud *cloud, const struct local_run *run, const char *state)
{
	struct err ignored = ERR_INIT;
	struct sql_stmt *st;
	bool running = true;

	if (strcmp(state, "FAILED") != 0 ||
		run->attempt >= json_get_i64(run->spec, "MaxRetries", 0))
		return false;
	if (run->workflow_run) {
		st = sql_query(cloud->db, &ignored,
			"SELECT 1 FROM glue_workflow_run WHERE id = ? AND state = 'RUNNING'", "s",
			run->workflow_run);
		running = st && sql_step(st, &ignored) > 0;
		sql_done(st);
	}
	err_release(&ignored);
	return running;
}

/* The row as it ends; *gone when its job was deleted meanwhile. */
static int write_end(struct local_cloud *cloud, const struct local_run *run, const char *state,
	const char *error, int64_t executed_ms, bool *gone, struct err *err)
{
	int64_t now = local_now_ms(cloud), changed = 0;

	if (sql_run(cloud->db, &changed, err,
		    "DELETE FROM glue_job_run WHERE id = ? AND job_deleted = 1", "s", run->id) != 0)
		return -1;
	*gone = changed > 0;
	states_nudge(cloud, "glue", run->id);
	return sql_run(cloud->db, NULL, err,
		"UPDATE glue_job_run SET state = ?, error = ?, executed_ms = ?, modified_ms = ?, "
		"completed_ms = ?, pgid = 0 WHERE id = ?",
		"ssiiis", state, error, executed_ms, now, now, run->id);
}

static int end_tx(struct local_cloud *cloud, const struct local_run *run, const char *state,
	const char *error, int64_t executed_ms, bool retry, struct local_launch *launch,
	struct err *err)
{
	struct local_engine_event ev = {.name = run->job,
		.ref = run->id,
		.state = state,
		.cause = {run->trigger, run->workflow, run->workflow_run}};
	bool gone;

	if (write_end(cloud, run, state, error, executed_ms, &gone, err) != 0 ||
		local_event_job_tx(cloud, run->job, run->id, state, error, err) != 0)
		return -1;
	if (retry && !gone && may_retry(cloud, run, state))
		return insert_retry(cloud, run, launch, err);
	if (local_engine_ended_tx(cloud, &ev, launch, err) != 0)
		return -1;
	return local_runs_start_waiting_tx(cloud, run->job, launch, err);
}

void local_run_end(struct local_cloud *cloud, const struct local_run *run, const char *state,
	const char *error, int64_t executed_ms)
{
	for (bool said = false;; said = true) {
		struct local_launch launch = LOCAL_LAUNCH_INIT;
		struct err err = ERR_INIT;
		int ret = local_tx_begin(cloud, &err);

		if (ret == 0) {
			ret = end_tx(cloud, run, state, error, executed_ms, true, &launch, &err);
			if (ret == 0)
				ret = local_tx_commit(cloud, &err);
			local_tx_end(cloud);
		}
		if (ret == 0)
			local_launch_go(cloud, &launch);
		else if (!said)
			log_warn("the end of job run %s cannot be written: %s", run->id, err.text);
		local_launch_release(&launch);
		err_release(&err);
		/* a full disk may get room again; a stop leaves the rest to the next start */
		if (ret == 0 || !local_wait_until(cloud, local_now_ms(cloud) + 1000))
			return;
	}
}

/* --- after a crash --- */

static int recover_one(struct local_cloud *cloud, const char *id, struct err *err)
{
	static const char died[] =
		"The local cloud was ended while the run was under way, so the run was ended too.";
	struct local_launch launch = LOCAL_LAUNCH_INIT;
	struct local_run run = {0};
	bool stopping;
	int ret = -1;

	if (local_tx_begin(cloud, err) != 0)
		return -1;
	if (load_tx(cloud, id, &run, err) == 0) {
		stopping = strcmp(run.state, "STOPPING") == 0;
		ret = end_tx(cloud, &run, stopping ? "STOPPED" : "FAILED", stopping ? NULL : died,
			local_now_ms(cloud) - run.started_ms, true, &launch, err);
	}
	ret = local_tx_finish(cloud, ret, err);
	/* what was decided here is STARTING or PENDING in the tables: the start of the part finds it */
	local_launch_release(&launch);
	local_run_release(&run);
	return ret;
}

int local_runs_recover(struct local_cloud *cloud, struct err *err)
{
	struct strvec ids = STRVEC_INIT;
	struct sql_stmt *st;
	int row = -1, ret = -1;

	if (local_tx_begin(cloud, err) != 0)
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT id, pgid, born FROM glue_job_run WHERE state IN " ACTIVE_STATES
		" ORDER BY seq",
		"");
	while (st && (row = sql_step(st, err)) > 0) {
		local_runner_kill_leftover(sql_int(st, 1), sql_text(st, 2));
		strvec_push(&ids, sql_text(st, 0));
	}
	sql_done(st);
	local_tx_end(cloud);
	if (!st || row < 0)
		goto out;
	for (size_t i = 0; i < ids.nr; i++) {
		if (recover_one(cloud, ids.v[i], err) != 0)
			goto out;
	}
	ret = 0;
out:
	strvec_release(&ids);
	return ret;
}

/* --- stopping --- */

int local_run_stop_tx(struct local_cloud *cloud, const char *job, const char *id,
	struct local_launch *launch, char **state, struct err *err)
{
	struct local_run run;
	int ret = 0;

	*state = NULL;
	if (load_tx(cloud, id, &run, err) != 0)
		return -1;
	if (job && strcmp(job, run.job) != 0) {
		ret = err_set(err, ERR_NOT_FOUND, "run %s is not one of %s", id, job);
	} else if (strcmp(run.state, "WAITING") == 0) {
		ret = end_tx(cloud, &run, "STOPPED", NULL, 0, false, launch, err);
	} else if (local_run_state_active(run.state)) {
		ret = sql_run(cloud->db, NULL, err,
			"UPDATE glue_job_run SET state = 'STOPPING', modified_ms = ? WHERE id = ?",
			"is", local_now_ms(cloud), id);
		strvec_push(&launch->stop_runs, id);
	}
	if (ret == 0)
		*state = xstrdup(run.state);
	local_run_release(&run);
	return ret;
}

struct runs_call {
	const struct local_request *req;
	struct local_launch launch;
	struct json *out;
	char *id, *after;
	int64_t limit;
};

static void stop_error(
	struct json *errors, const char *job, const char *id, const char *code, const char *message)
{
	struct json *entry = json_object(), *detail = json_object();

	json_set_str(entry, "JobName", job);
	json_set_str(entry, "JobRunId", id);
	json_set_str(detail, "ErrorCode", code);
	json_set_str(detail, "ErrorMessage", message);
	json_set(entry, "ErrorDetail", detail);
	json_push(errors, entry);
}

static int stop_one(struct local_cloud *cloud, struct runs_call *c, const char *id,
	struct json *done, struct json *errors, struct err *err)
{
	const char *job = json_get_str(c->req->in, "JobName");
	struct err failed = ERR_INIT;
	struct json *entry;
	char *state = NULL, *text;

	if (local_run_stop_tx(cloud, job, id, &c->launch, &state, &failed) != 0) {
		if (failed.code != ERR_NOT_FOUND) {
			err_move(err, &failed);
			return -1;
		}
		text = xasprintf("Job run %s of job %s not found.", id, job);
		stop_error(errors, job, id, "EntityNotFoundException", text);
		free(text);
	} else if (local_run_state_final(state)) {
		text = xasprintf("Job run %s is in state %s and cannot be stopped.", id, state);
		stop_error(errors, job, id, "InvalidInputException", text);
		free(text);
	} else {
		entry = json_object();
		json_set_str(entry, "JobName", job);
		json_set_str(entry, "JobRunId", id);
		json_push(done, entry);
	}
	err_release(&failed);
	free(state);
	return 0;
}

static int stop_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct runs_call *c = payload;
	struct json *done = json_array(), *errors = json_array(), *id;

	c->out = json_object();
	json_set(c->out, "SuccessfulSubmissions", done);
	json_set(c->out, "Errors", errors);
	json_each(id, json_get(c->req->in, "JobRunIds"))
	{
		if (stop_one(cloud, c, json_str(id), done, errors, err) != 0)
			return -1;
	}
	return 0;
}

static int batch_stop_job_run(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"JobName", GLUE_STRING, true, 1, 255, NULL, NULL},
		{"JobRunIds", GLUE_LIST, true, 1, 25, NULL, NULL},
		{0},
	};
	struct runs_call c = {.req = req, .launch = LOCAL_LAUNCH_INIT};
	int ret = glue_check(fields, req->in, err);

	if (ret == 0)
		ret = local_tx(cloud, stop_tx, &c, err);
	if (ret == 0) {
		local_launch_go(cloud, &c.launch);
		*out = c.out;
	} else {
		json_free(c.out);
	}
	local_launch_release(&c.launch);
	return ret;
}

/* --- StartJobRun --- */

static const char *const classes[] = {"FLEX", "STANDARD", NULL};
static const struct glue_field notification_fields[] = {
	{"NotifyDelayAfter", GLUE_INT, false, 1, 0, NULL, NULL},
	{0},
};
static const struct glue_field start_fields[] = {
	{"JobName", GLUE_STRING, true, 1, 255, NULL, NULL},
	{"JobRunQueuingEnabled", GLUE_BOOL, false, 0, 0, NULL, NULL},
	{"JobRunId", GLUE_STRING, false, 1, 255, NULL, NULL},
	{"Arguments", GLUE_MAP, false, 0, 0, NULL, NULL},
	{"AllocatedCapacity", GLUE_INT, false, 0, 0, NULL, NULL},
	{"Timeout", GLUE_INT, false, 1, 10080, NULL, NULL},
	{"MaxCapacity", GLUE_DOUBLE, false, 0, 0, NULL, NULL},
	{"SecurityConfiguration", GLUE_STRING, false, 1, 255, NULL, NULL},
	{"NotificationProperty", GLUE_OBJECT, false, 0, 0, NULL, notification_fields},
	{"WorkerType", GLUE_STRING, false, 0, 0, local_worker_types, NULL},
	{"NumberOfWorkers", GLUE_INT, false, 1, 0, NULL, NULL},
	{"ExecutionClass", GLUE_STRING, false, 0, 0, classes, NULL},
	{"ExecutionRoleSessionPolicy", GLUE_STRING, false, 2, 2048, NULL, NULL},
	{0},
};

static int start_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct runs_call *c = payload;
	struct local_run_request run = {.job = json_get_str(c->req->in, "JobName"),
		.region = c->req->region,
		.overrides = c->req->in};

	return local_run_start_tx(cloud, &run, &c->launch, &c->id, err);
}

static int start_job_run(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct runs_call c = {.req = req, .launch = LOCAL_LAUNCH_INIT};
	int ret = glue_check(start_fields, req->in, err);

	if (ret == 0)
		ret = local_tx(cloud, start_tx, &c, err);
	if (ret == 0) {
		local_launch_go(cloud, &c.launch);
		*out = json_object();
		json_set_str(*out, "JobRunId", c.id);
	}
	local_launch_release(&c.launch);
	free(c.id);
	return ret;
}

/* --- reading --- */

static int get_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct runs_call *c = payload;
	const char *id = json_get_str(c->req->in, "RunId"),
		   *job = json_get_str(c->req->in, "JobName");
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT " RUN_COLUMNS
		" FROM glue_job_run WHERE id = ? AND job = ? AND job_deleted = 0",
		"ss", id, job);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		c->out = row_run(st, local_now_ms(cloud),
			json_get_truth(c->req->in, "PredecessorsIncluded", false));
	sql_done(st);
	if (row == 0)
		glue_not_found(err, "Job run %s not found.", id);
	return row > 0 ? 0 : -1;
}

static int get_job_run(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"JobName", GLUE_STRING, true, 1, 255, NULL, NULL},
		{"RunId", GLUE_STRING, true, 1, 255, NULL, NULL},
		{"PredecessorsIncluded", GLUE_BOOL, false, 0, 0, NULL, NULL},
		{0},
	};
	struct runs_call c = {.req = req};

	if (glue_check(fields, req->in, err) != 0 || local_tx(cloud, get_tx, &c, err) != 0)
		return -1;
	*out = json_object();
	json_set(*out, "JobRun", c.out);
	return 0;
}

/* Newest first; the token holds the sequence number of the last one shown. */
static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct runs_call *c = payload;
	const char *name = json_get_str(c->req->in, "JobName");
	struct json *job = local_job_get_tx(cloud, name, NULL, err), *list;
	long long before = INT64_MAX;
	int64_t last = 0, n = 0;
	struct sql_stmt *st;
	int row;

	if (!job)
		return -1;
	json_free(job);
	if (c->after && parse_int64(c->after, 0, INT64_MAX, &before) != 0)
		return glue_invalid(err, "The token is not valid");
	st = sql_query(cloud->db, err,
		"SELECT " RUN_COLUMNS
		", seq FROM glue_job_run WHERE job = ? AND job_deleted = 0 AND seq < ? "
		"ORDER BY seq DESC LIMIT ?",
		"sii", name, (int64_t)before, c->limit + 1);
	if (!st)
		return -1;
	c->out = json_object();
	list = json_array();
	json_set(c->out, "JobRuns", list);
	while ((row = sql_step(st, err)) > 0 && n < c->limit) {
		json_push(list, row_run(st, local_now_ms(cloud), false));
		last = sql_int(st, 11);
		n++;
	}
	sql_done(st);
	if (row > 0) {
		char *key = xasprintf("%lld", (long long)last), *token = local_token_make(key);

		json_set_str(c->out, "NextToken", token);
		free(key);
		free(token);
	}
	return row < 0 ? -1 : 0;
}

static int get_job_runs(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"JobName", GLUE_STRING, true, 1, 255, NULL, NULL},
		{0},
	};
	struct runs_call c = {.req = req};
	int ret = -1;

	if (glue_check(fields, req->in, err) == 0 &&
		glue_page(req->in, 200, &c.limit, &c.after, err) == 0)
		ret = local_tx(cloud, list_tx, &c, err);
	if (ret == 0)
		*out = c.out;
	else
		json_free(c.out);
	free(c.after);
	return ret;
}

int local_run_list_tx(struct local_cloud *cloud, const char *workflow_run, const char *job,
	const char *extra_id, struct json *array, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT " RUN_COLUMNS " FROM glue_job_run WHERE job = ? AND job_deleted = 0 AND "
		"(workflow_run = ? OR id = ?) ORDER BY seq",
		"sss", job, workflow_run, extra_id);
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0)
		json_push(array, row_run(st, local_now_ms(cloud), false));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static void job_arn(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	glue_arn(cloud, req->region, "job", json_get_str(req->in, "JobName"), arn);
}

static const struct local_route routes[] = {
	{"BatchStopJobRun", batch_stop_job_run, job_arn},
	{"GetJobRun", get_job_run, job_arn},
	{"GetJobRuns", get_job_runs, job_arn},
	{"StartJobRun", start_job_run, job_arn},
};

const struct local_service local_glue_runs_service = {"glue", routes, ARRAY_SIZE(routes)};
