/* The distributed Map as a task: from the engine's action to a map run with its children, and what is asked of map runs. */
#include "local_states_map.h"

#include "local_iam.h"
#include "local_states_live.h"
#include "local_states_map_work.h"
#include "log.h"
#include "xalloc.h"

#define REST_MS 20 /* between two looks at a run that is coming to rest */

struct begin {
	const struct states_task *task;
	struct map_run run;
	struct json *children; /* NULL: there are rows of them */
	bool found, redrive;
};

/* --- a new one --- */

static char *new_arn(struct local_cloud *cloud, const char *machine_arn, const char *label)
{
	struct states_arn a;
	struct err ignored = ERR_INIT;
	char *uuid = local_uuid(), *arn = NULL;

	if (states_arn_parse(machine_arn, "stateMachine", &a, &ignored) == 0)
		arn = local_arn(
			cloud, "states", a.region, "mapRun:%s/%s:%s", a.machine, label, uuid);
	states_arn_release(&a);
	err_release(&ignored);
	free(uuid);
	return arn;
}

static int insert_tx(struct local_cloud *cloud, struct begin *b, struct err *err)
{
	const struct states_task *t = b->task;
	const struct json *a = t->action;
	const char *label = json_get_str(a, "label"), *type = json_get_str(a, "executionType");
	const struct json *percent = json_get(a, "toleratedFailurePercentage");
	char *made = label ? xstrdup(label) : local_id("", 32), *action = states_print(a);
	char *arn = new_arn(cloud, t->machine_arn, made);
	int rc = sql_run(cloud->db, NULL, err,
		"INSERT INTO states_map_run(arn, execution, execution_arn, machine_arn, role_arn, "
		"task, "
		"state, label, action, status, phase, express, most, tolerated, "
		"tolerated_percentage, "
		"started_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 'RUNNING', 'READ', ?, ?, ?, ?, ?)",
		"sisssssssiiidi", arn, t->execution, t->execution_arn, t->machine_arn, t->role_arn,
		t->id, json_get_str(a, "state"), made, action,
		(int64_t)(type && !strcmp(type, "EXPRESS")), json_get_i64(a, "maxConcurrency", 0),
		json_get_i64(a, "toleratedFailureCount", -1), json_dbl(percent, -1),
		local_now_ms(cloud));

	if (rc == 0)
		rc = map_run_by_arn_tx(cloud, arn, &b->run, err) > 0 ? 0 : -1;
	free(arn);
	free(made);
	free(action);
	return rc;
}

/* --- one that was there --- */

/* A run that died with its parent or failed: its children go on where they did not succeed. */
static int redrive_tx(struct local_cloud *cloud, struct begin *b, struct err *err)
{
	const struct map_run *r = &b->run;

	if (sql_run(cloud->db, NULL, err,
		    "UPDATE states_map_run SET task = ?, status = 'RUNNING', phase = CASE WHEN "
		    "EXISTS "
		    "(SELECT 1 FROM states_map_child WHERE run = ?) THEN 'RUN' ELSE 'READ' END, "
		    "outcome "
		    "= NULL, error = NULL, cause = NULL, stopped_ms = 0, written = 0, "
		    "redrive_count = "
		    "redrive_count + 1, redrive_ms = ? WHERE id = ?",
		    "siii", b->task->id, r->id, local_now_ms(cloud), r->id) != 0)
		return -1;
	return sql_run(cloud->db, NULL, err,
		"UPDATE states_map_child SET status = CASE WHEN arn IS NULL THEN 'PENDING' ELSE "
		"'PENDING_REDRIVE' END WHERE run = ? AND status IN ('FAILED', 'TIMED_OUT', "
		"'ABORTED')",
		"i", r->id);
}

/* After a restart: children that were about to be started, and ends that nobody heard of. */
static int reconcile_tx(struct local_cloud *cloud, const struct map_run *r, struct err *err)
{
	if (sql_run(cloud->db, NULL, err,
		    "UPDATE states_map_child AS c SET arn = (SELECT e.arn FROM states_execution e "
		    "WHERE "
		    "e.map_run_arn = ? AND e.name = c.name) WHERE run = ? AND status = 'RUNNING' "
		    "AND arn "
		    "IS NULL",
		    "si", r->arn, r->id) != 0 ||
		sql_run(cloud->db, NULL, err,
			"UPDATE states_map_child SET status = 'PENDING' WHERE run = ? AND status = "
			"'RUNNING' AND arn IS NULL",
			"i", r->id) != 0)
		return -1;
	return sql_run(cloud->db, NULL, err,
		"UPDATE states_map_child AS c SET status = e.status, output = e.output, error = "
		"e.error, "
		"cause = e.cause, stopped_ms = e.stopped_ms FROM states_execution e WHERE e.arn = "
		"c.arn "
		"AND c.run = ? AND c.status = 'RUNNING' AND e.status <> 'RUNNING'",
		"i", r->id);
}

static int begin_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct begin *b = payload;
	const struct states_task *t = b->task;
	const char *arn = json_get_str(t->action, "mapRunArn");
	int row;

	map_run_release(&b->run);
	row = map_run_by_task_tx(cloud, t->execution, t->id, &b->run, err);
	if (row < 0)
		return -1;
	if (row > 0) {
		b->found = true;
		return reconcile_tx(cloud, &b->run, err);
	}
	b->redrive = json_get_truth(t->action, "redrive", false);
	row = b->redrive && arn ? map_run_by_arn_tx(cloud, arn, &b->run, err) : 0;
	if (row < 0)
		return -1;
	if (!row) {
		b->redrive = false;
		return insert_tx(cloud, b, err);
	}
	if (strcmp(b->run.phase, "DONE") != 0)
		return 0; /* it is still coming to rest */
	if (redrive_tx(cloud, b, err) != 0)
		return -1;
	map_run_release(&b->run);
	return map_run_by_arn_tx(cloud, arn, &b->run, err) > 0 ? 0 : -1;
}

/* --- children --- */

static int child_tx(struct local_cloud *cloud, const struct map_run *r, int64_t number,
	const struct json *child, struct err *err)
{
	char *input = states_print(json_get(child, "input")), *name = local_uuid();
	int rc = sql_run(cloud->db, NULL, err,
		"INSERT INTO states_map_child(run, number, name, input, items, status) VALUES(?, "
		"?, ?, "
		"?, ?, 'PENDING')",
		"iissi", r->id, number, name, input, json_get_i64(child, "items", 1));

	free(input);
	free(name);
	return rc;
}

static int children_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct begin *b = payload;
	struct json *kept = json_copy(b->run.action);
	const struct json *e;
	int64_t number = 0;
	char *action;
	int rc = 0;

	json_remove(kept, "items");
	json_remove(kept, "scope");
	action = states_print(kept);
	for (e = json_first(b->children); e && rc == 0; e = json_next(e))
		rc = child_tx(cloud, &b->run, number++, e, err);
	/* nobody may want it any more */
	if (rc == 0)
		rc = sql_run(cloud->db, NULL, err,
			"UPDATE states_map_run SET action = ?, phase = 'RUN' WHERE id = ? AND "
			"phase = "
			"'READ'",
			"si", action, b->run.id);
	free(action);
	json_free(kept);
	return rc;
}

struct refusal {
	const struct map_run *run;
	const struct err *why;
};

static int refuse_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct refusal *f = payload;

	return sql_run(cloud->db, NULL, err,
		"UPDATE states_map_run SET phase = 'DONE', status = 'FAILED', error = ?, cause = "
		"?, "
		"stopped_ms = ? WHERE id = ?",
		"ssii", err_name(f->why), f->why->text, local_now_ms(cloud), f->run->id);
}

static int read_children(struct begin *b, struct err *err)
{
	const struct states_task *t = b->task;
	struct local_principal who = {0};
	int rc = states_principal(t, &who, err);

	if (rc == 0) {
		/* a redriven run reads what the action says now */
		json_free(b->run.action);
		b->run.action = json_copy(t->action);
		b->children = map_read(t->cloud, &who, b->run.action, err);
		rc = b->children ? local_tx(t->cloud, children_tx, b, err) : -1;
	}
	local_principal_release(&who);
	return rc;
}

static void tell_over(const struct states_task *t, const struct map_run *r)
{
	struct err err = ERR_INIT;
	struct json *out = NULL;

	if (!strcmp(r->status, "SUCCEEDED"))
		out = map_results(t->cloud, r, &err);
	if (out)
		states_task_succeeded(t->cloud, t->execution, t->id, out);
	else
		states_task_failed(t->cloud, t->execution, t->id,
			r->error ? r->error : err_name(&err), r->error ? r->cause : err.text);
	err_release(&err);
}

static void start(const struct states_task *t)
{
	struct begin b = {.task = t};
	struct err err = ERR_INIT, ignored = ERR_INIT;
	struct refusal refusal = {&b.run, &err};
	int rc = local_tx(t->cloud, begin_tx, &b, &err);

	while (rc == 0 && b.redrive && strcmp(b.run.task, t->id) != 0) {
		if (!local_wait_until(t->cloud, local_now_ms(t->cloud) + REST_MS))
			goto out;
		rc = local_tx(t->cloud, begin_tx, &b, &err);
	}
	if (rc == 0)
		states_map_started(t, b.run.arn, b.run.redrives);
	if (rc == 0)
		rc = states_task_follow(t, "map", b.run.arn, &err);
	if (rc == 0 && !strcmp(b.run.phase, "READ")) {
		rc = read_children(&b, &err);
		if (rc != 0 && local_tx(t->cloud, refuse_tx, &refusal, &ignored) != 0)
			log_error("map run %s: %s", b.run.arn, ignored.text);
	}
	if (rc != 0)
		states_task_failed(t->cloud, t->execution, t->id, err_name(&err), err.text);
	else if (!strcmp(b.run.phase, "DONE"))
		tell_over(t, &b.run);
	else
		map_kick(t->cloud, b.run.id);
out:
	json_free(b.children);
	map_run_release(&b.run);
	err_release(&err);
	err_release(&ignored);
}

/* --- nobody waits any more --- */

static int cancel_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct begin *b = payload;
	int row = map_run_by_task_tx(cloud, b->task->execution, b->task->id, &b->run, err);

	if (row <= 0 || !strcmp(b->run.phase, "DONE"))
		return row < 0 ? -1 : 0;
	return sql_run(cloud->db, NULL, err,
		"UPDATE states_map_run SET phase = 'STOP', outcome = 'ABORTED' WHERE id = ?", "i",
		b->run.id);
}

static void cancel(const struct states_task *t)
{
	struct begin b = {.task = t};
	struct err err = ERR_INIT;

	if (local_tx(t->cloud, cancel_tx, &b, &err) != 0)
		log_error("map run of '%s': %s", t->execution_arn, err.text);
	else if (b.run.id)
		map_kick(t->cloud, b.run.id);
	map_run_release(&b.run);
	err_release(&err);
}

const struct states_integration local_states_map_integration = {
	.resource = "map",
	.start = start,
	.cancel = cancel,
};
