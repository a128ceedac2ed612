/*
 * Tasks between the engine and what they call: started and ended on the threads of the second pool, followed by kind and
 * reference, told of what came of them.
 */
#include "local_states_live.h"

#include "local_iam.h"
#include "local_states_map.h"
#include "log.h"
#include "xalloc.h"

#define RESOURCE_PREFIX "arn:aws:states:::"

/* --- the calling threads --- */

void states_call_free(struct states_call *call)
{
	if (!call)
		return;
	free(call->id);
	free(call->ref);
	free(call->kind);
	json_free(call->action);
	free(call->execution_arn);
	free(call->machine_arn);
	free(call->role_arn);
	free(call);
}

static void run_alone(struct local_cloud *cloud, void *payload)
{
	struct states_call *call = payload;

	call->run(cloud, call);
	states_call_free(call);
}

/* Calls that wait, perhaps for others of the pool: each has a thread of its own. */
static bool may_wait(const struct states_call *call)
{
	static const char *const waiting[] = {
		"sfn:startSyncExecution", "sfn:getActivityTask", "sqs:receiveMessage"};
	const char *resource = json_get_str(call->action, "resource");

	for (size_t i = 0; resource && i < ARRAY_SIZE(waiting); i++)
		if (ends_with(resource, waiting[i]))
			return true;
	return false;
}

void states_call_add(struct local_cloud *cloud, struct states_call *call)
{
	struct states_state *s = states_state(cloud);

	if (may_wait(call)) {
		local_task_spawn(cloud, run_alone, call);
		return;
	}
	pthread_mutex_lock(&s->lock);
	call->next = NULL;
	*s->call_last = call;
	s->call_last = &call->next;
	pthread_cond_signal(&s->calls);
	pthread_mutex_unlock(&s->lock);
}

void *states_caller_main(void *arg)
{
	struct local_cloud *cloud = arg;
	struct states_state *s = states_state(cloud);
	struct states_call *call;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->call && !s->stopping)
			pthread_cond_wait(&s->calls, &s->lock);
		if (s->stopping)
			break;
		call = s->call;
		s->call = call->next;
		if (!s->call)
			s->call_last = &s->call;
		s->nr_calling++;
		pthread_mutex_unlock(&s->lock);
		call->run(cloud, call);
		states_call_free(call);
		pthread_mutex_lock(&s->lock);
		s->nr_calling--;
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- a task's start and end --- */

static struct states_task task_of(struct local_cloud *cloud, const struct states_call *call)
{
	const char *resource = json_get_str(call->action, "resource"),
		   *action = json_get_str(call->action, "action");

	if (action && !strcmp(action, "map"))
		resource = "map";
	if (resource && starts_with(resource, RESOURCE_PREFIX))
		resource += strlen(RESOURCE_PREFIX);
	return (struct states_task){.cloud = cloud,
		.execution = call->execution,
		.id = call->id,
		.action = call->action,
		.resource = resource,
		.parameters = json_get(call->action, "parameters"),
		.token = json_get_str(call->action, "taskToken"),
		.execution_arn = call->execution_arn,
		.machine_arn = call->machine_arn,
		.role_arn = call->role_arn,
		.express = call->express,
		.again = call->again,
		.kind = call->kind,
		.ref = call->ref,
		.called_ms = call->called_ms};
}

static const struct states_integration *find_integration(const char *resource)
{
	static const struct states_integration *const tables[] = {
		&local_states_map_integration, states_sync_integrations, states_plain_integrations};

	for (size_t i = 0; resource && i < ARRAY_SIZE(tables); i++) {
		const struct states_integration *t = tables[i];

		for (; t->resource; t++) {
			if (ends_with(t->resource, ":") ? starts_with(resource, t->resource)
							: !strcmp(resource, t->resource))
				return t;
			if (i == 0)
				break;
		}
	}
	return NULL;
}

static void run_start(struct local_cloud *cloud, struct states_call *call)
{
	struct states_task t = task_of(cloud, call);
	const struct states_integration *i = find_integration(t.resource);
	char *cause;

	if (i) {
		i->start(&t);
		return;
	}
	cause = xasprintf("The local cloud has no integration for the resource '%s'",
		json_get_str(call->action, "resource"));
	states_task_failed(cloud, t.execution, t.id,
		strstr(t.resource ? t.resource : "", "lambda") ? "Lambda.AWSLambdaException"
							       : "States.TaskFailed",
		cause);
	free(cause);
}

/* By the kind of what it follows. */
static void cancel_followed(const struct states_task *t)
{
	if (!t->kind)
		return;
	if (!strcmp(t->kind, "map"))
		local_states_map_integration.cancel(t);
	else
		states_cancel_followed(t);
}

static void run_cancel(struct local_cloud *cloud, struct states_call *call)
{
	struct states_task t = task_of(cloud, call);

	cancel_followed(&t);
}

/* --- activities: nobody is called, a worker comes --- */

static int activity_there_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct states_call *call = payload;
	const char *arn = json_get_str(call->action, "resource");
	int row =
		sql_exists(cloud->db, err, "SELECT 1 FROM states_activity WHERE arn = ?", "s", arn);
	char *input;
	int ret;

	if (row == 0)
		return err_set(err, ERR_NOT_FOUND, "Activity Does Not Exist: '%s'", arn);
	if (row < 0 || !call->again || json_get_truth(call->action, "started", false))
		return row < 0 ? -1 : 0;
	/* a worker's poll may have died between taking it and saying so */
	input = states_print(json_get(call->action, "parameters"));
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO states_activity_task(activity_arn, execution, task, token, input) "
		"SELECT ?1, "
		"?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM states_activity_task WHERE "
		"execution = ?2 "
		"AND task = ?3)",
		"sisss", arn, call->execution, call->id, json_get_str(call->action, "taskToken"),
		input);
	free(input);
	return ret;
}

static void run_activity(struct local_cloud *cloud, struct states_call *call)
{
	struct err err = ERR_INIT;

	if (local_tx(cloud, activity_there_tx, call, &err) && err.code == ERR_NOT_FOUND)
		states_task_failed(cloud, call->execution, call->id,
			"StepFunctions.ActivityDoesNotExistException", err.text);
	err_release(&err);
}

void states_act(struct local_cloud *cloud, const struct states_exec *x, struct json *action,
	const char *kind, const char *ref, int64_t called_ms, bool again)
{
	const char *resource = json_get_str(action, "resource");
	bool cancel = !strcmp(json_get_str(action, "action"), "cancel");
	struct states_call *call;

	if ((cancel && !kind) || (again && kind && !strcmp(kind, "token"))) {
		json_free(action);
		return;
	}
	call = xcalloc(1, sizeof(*call));
	call->run = cancel                                       ? run_cancel
		    : resource && strstr(resource, ":activity:") ? run_activity
								 : run_start;
	call->execution = x->id;
	call->id = xstrdup(json_get_str(action, "id"));
	call->kind = xstrdup(kind);
	call->ref = xstrdup(ref);
	call->action = action;
	call->execution_arn = xstrdup(x->arn);
	call->machine_arn = xstrdup(x->revision->machine_arn);
	call->role_arn = xstrdup(x->revision->role_arn);
	call->express = x->express;
	call->again = again;
	call->called_ms = called_ms;
	states_call_add(cloud, call);
}

/* --- what an integration says of its task --- */

int states_principal(const struct states_task *t, struct local_principal *who, struct err *err)
{
	const char *session = strrchr(t->execution_arn, ':');
	char *name = NULL, *short_session;
	int ret;

	*who = (struct local_principal){0};
	if (local_iam_role_for_service(t->cloud, t->role_arn, "states.amazonaws.com", &name, err))
		return -1;
	short_session = xstrndup(session ? session + 1 : "states", 64);
	ret = local_iam_role_principal(t->cloud, name, short_session, who, err);
	free(short_session);
	free(name);
	return ret;
}

static void post(const struct states_task *t, enum states_tell tell, const struct json *output)
{
	struct states_message m = {
		.tell = tell, .task = xstrdup(t->id), .output = output ? json_copy(output) : NULL};

	states_post(t->cloud, t->execution, &m);
}

void states_task_started(const struct states_task *t)
{
	post(t, STATES_STARTED, NULL);
}

void states_map_started(const struct states_task *t, const char *map_run_arn, int64_t redrives)
{
	struct states_message m = {.tell = STATES_MAP_STARTED,
		.task = xstrdup(t->id),
		.error = xstrdup(map_run_arn),
		.number = redrives};

	states_post(t->cloud, t->execution, &m);
}

void states_task_submitted(const struct states_task *t, const struct json *output)
{
	post(t, STATES_SUBMITTED, output);
}

struct follow {
	const struct states_task *t;
	const char *kind, *ref;
};

static int follow_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct follow *f = payload;
	int64_t changed = 0;

	if (sql_run(cloud->db, &changed, err,
		    "UPDATE states_task SET kind = ?, ref = ? WHERE execution = ? AND id = ?",
		    "ssis", f->kind, f->ref, f->t->execution, f->t->id))
		return -1;
	return changed ? 0 : err_set(err, ERR_NOT_FOUND, "the task is gone");
}

int states_task_follow(
	const struct states_task *t, const char *kind, const char *ref, struct err *err)
{
	struct follow f = {t, kind, ref};
	struct err why = ERR_INIT;

	if (!local_tx(t->cloud, follow_tx, &f, &why))
		return 0;
	/* nobody waits any more: what was started meanwhile ends */
	if (why.code == ERR_NOT_FOUND) {
		struct states_task gone = *t;

		gone.kind = kind;
		gone.ref = ref;
		cancel_followed(&gone);
	} else {
		log_warn("%s: a task cannot be recorded: %s", t->execution_arn, why.text);
	}
	err_move(err, &why);
	return -1;
}

void states_task_succeeded(
	struct local_cloud *cloud, int64_t execution, const char *id, struct json *output)
{
	struct states_message m = {.tell = STATES_SUCCEEDED, .task = xstrdup(id), .output = output};

	states_post(cloud, execution, &m);
}

void states_task_failed(struct local_cloud *cloud, int64_t execution, const char *id,
	const char *error, const char *cause)
{
	struct states_message m = {.tell = STATES_FAILED,
		.task = xstrdup(id),
		.error = xstrdup(error),
		.cause = xstrdup(cause)};

	states_post(cloud, execution, &m);
}

/* --- followers --- */

struct follower {
	const char *kind, *ref;
	struct states_call *call; /* filled in */
};

/* Executions that are followed for their output as JSON have a kind of their own. */
static int follower_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct follower *f = payload;
	struct states_call *c = f->call;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT t.execution, t.id, t.called_ms, e.arn, r.machine_arn, r.role, e.express, "
		"t.kind FROM states_task t JOIN states_execution e ON e.id = t.execution "
		"JOIN states_revision r ON r.id = e.revision "
		"WHERE t.kind IN (?1, ?1 || ':2') AND t.ref = ?2",
		"ss", f->kind, f->ref);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		c->execution = sql_int(st, 0);
		c->id = sql_text_dup(st, 1);
		c->called_ms = sql_int(st, 2);
		c->execution_arn = sql_text_dup(st, 3);
		c->machine_arn = sql_text_dup(st, 4);
		c->role_arn = sql_text_dup(st, 5);
		c->express = sql_int(st, 6) != 0;
		free(c->kind);
		c->kind = sql_text_dup(st, 7);
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

bool states_follower(
	struct local_cloud *cloud, const char *kind, const char *ref, int64_t *execution, char **id)
{
	struct states_call *call = xcalloc(1, sizeof(*call));
	struct follower f = {kind, ref, call};
	struct err ignored = ERR_INIT;
	bool found = !local_tx(cloud, follower_tx, &f, &ignored) && call->id;

	*execution = call->execution;
	*id = found ? xstrdup(call->id) : NULL;
	states_call_free(call);
	err_release(&ignored);
	return found;
}

static void run_nudge(struct local_cloud *cloud, struct states_call *call)
{
	char *kind = xstrdup(call->kind);
	struct follower f = {kind, call->ref, call};
	struct err ignored = ERR_INIT;
	struct states_task t;

	if (!local_tx(cloud, follower_tx, &f, &ignored) && call->id) {
		t = task_of(cloud, call);
		states_check_followed(&t);
	}
	free(kind);
	err_release(&ignored);
}

void states_nudge(struct local_cloud *cloud, const char *kind, const char *ref)
{
	struct states_state *s = states_state(cloud);
	struct states_call *call;
	bool anybody;

	pthread_mutex_lock(&s->lock);
	anybody = s->live.nr > 0 && !s->stopping;
	pthread_mutex_unlock(&s->lock);
	if (!anybody)
		return;
	call = xcalloc(1, sizeof(*call));
	call->run = run_nudge;
	call->kind = xstrdup(kind);
	call->ref = xstrdup(ref);
	states_call_add(cloud, call);
}

static int followed_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct strvec *out = payload;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT kind, ref FROM states_task WHERE kind IN ('glue', 'athena', 'execution', "
		"'execution:2')",
		"");
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		strvec_push(out,
			starts_with(sql_text(st, 0), "execution") ? "execution" : sql_text(st, 0));
		strvec_push(out, sql_text(st, 1));
	}
	sql_done(st);
	return row;
}

void states_nudge_all(struct local_cloud *cloud)
{
	struct strvec list = STRVEC_INIT;
	struct err ignored = ERR_INIT;

	if (!local_tx(cloud, followed_tx, &list, &ignored))
		for (size_t i = 0; i + 1 < list.nr; i += 2)
			states_nudge(cloud, list.v[i], list.v[i + 1]);
	strvec_release(&list);
	err_release(&ignored);
}
