/* An execution from outside: its life, time, tasks, and the document it is kept as. */
#include "local_asl_run.h"

#include <stdlib.h>
#include <string.h>
#include "strbuf.h"

static const char *const status_names[] = {
	"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"};

const char *asl_status_name(enum asl_status status)
{
	return status_names[status];
}

enum asl_status asl_run_status(const struct asl_run *run)
{
	const char *name = json_get_str(run->doc, "status");
	size_t i = 0;

	while (i < ASL_ABORTED && strcmp(status_names[i], name) != 0)
		i++;
	return (enum asl_status)i;
}

/* --- flows --- */

static void look_up(struct asl_flow *flow)
{
	flow->def = json_get(json_get(flow->container, "States"), json_get_str(flow->f, "state"));
	flow->vars.own = json_get(flow->f, "vars");
	flow->vars.outer = flow->outer ? &flow->outer->vars : NULL;
}

void asl_flow_free(struct asl_flow *flow)
{
	struct asl_flow *outer;

	for (; flow; flow = outer) {
		outer = flow->outer;
		free(flow->id);
		free(flow);
	}
}

struct asl_flow *asl_flow_find(const struct asl_run *run, const char *id)
{
	struct asl_flow *flow = xcalloc(1, sizeof(*flow)), *kid;
	struct strvec parts = STRVEC_INIT;

	flow->f = json_get(run->doc, "root");
	flow->container = run->definition;
	flow->id = xstrdup("r");
	look_up(flow);
	strvec_split(&parts, id, '.');
	for (size_t i = 1; i < parts.nr && flow->f; i++) {
		kid = xcalloc(1, sizeof(*kid));
		kid->outer = flow;
		kid->f = json_get(json_get(flow->f, "kids"), parts.v[i]);
		kid->container =
			asl_kid_container(flow->def, (size_t)json_get_i64(kid->f, "index", 0));
		kid->id = xasprintf("%s.%s", flow->id, parts.v[i]);
		look_up(kid);
		flow = kid;
	}
	strvec_release(&parts);
	if (flow->f && flow->def)
		return flow;
	asl_flow_free(flow);
	return NULL;
}

static bool in_phase(const struct asl_flow *flow, const char *phase)
{
	const char *is = json_get_str(flow->f, "phase");

	return is && !strcmp(is, phase);
}

void asl_settle(struct asl_run *run)
{
	struct strvec left = STRVEC_INIT;
	struct asl_flow *flow;
	size_t i;

	for (i = 0; i < run->ready.nr && asl_running(run) && run->told < TOLD_BYTES_MAX; i++) {
		flow = asl_flow_find(run, run->ready.v[i]);
		if (flow && in_phase(flow, "enter"))
			asl_enter(run, flow);
		asl_flow_free(flow);
	}
	for (; i < run->ready.nr && asl_running(run); i++)
		strvec_push(&left, run->ready.v[i]);
	strvec_release(&run->ready);
	run->ready = left;
}

/* --- life --- */

static struct asl_run *new_run(const struct json *definition, const struct asl_host *host)
{
	struct asl_run *run = xcalloc(1, sizeof(*run));

	run->definition = definition;
	if (host)
		run->host = *host;
	run->events = json_array();
	run->actions = json_array();
	strvec_init(&run->ready);
	return run;
}

void asl_run_free(struct asl_run *run)
{
	if (!run)
		return;
	json_free(run->doc);
	json_free(run->events);
	json_free(run->actions);
	strvec_release(&run->ready);
	free(run);
}

static void tell_start(struct asl_run *run, const struct json *input)
{
	struct json *d = json_object(), *details = json_object();

	json_set(d, "input", asl_printed(input));
	json_set_bool(details, "truncated", false);
	json_set(d, "inputDetails", details);
	json_set_str(
		d, "roleArn", json_get_str(json_path(run->doc, "context.Execution"), "RoleArn"));
	asl_event(run, NULL, "ExecutionStarted", "executionStartedEventDetails", d);
}

void asl_set_time_out(struct asl_run *run)
{
	if (json_get(run->definition, "TimeoutSeconds"))
		json_set_i64(run->doc, "due",
			asl_now(&run->host) +
				json_get_i64(run->definition, "TimeoutSeconds", 0) * 1000);
}

struct asl_run *asl_run_start(const struct json *definition, const struct json *input,
	const struct json *context, const struct asl_host *host)
{
	struct asl_run *run = new_run(definition, host);
	struct json *c = context ? json_copy(context) : json_object(), *root = json_object();
	int64_t now = asl_now(&run->host);

	if (!json_is(json_get(c, "Execution"), JSON_OBJECT))
		json_set(c, "Execution", json_object());
	json_set(json_get(c, "Execution"), "Input", json_copy(input));
	run->doc = json_object();
	json_set_str(run->doc, "status", "RUNNING");
	json_set_i64(run->doc, "startedAt", now);
	json_set(run->doc, "context", c);
	json_set_str(root, "phase", "enter");
	json_set_str(root, "state", json_get_str(definition, "StartAt"));
	json_set(root, "input", input ? json_copy(input) : json_object());
	json_set(run->doc, "root", root);
	json_set_i64(json_get(c, "Execution"), "RedriveCount", 0);
	asl_set_time_out(run);
	tell_start(run, json_get(root, "input"));
	asl_ready(run, "r");
	asl_settle(run);
	return run;
}

/* A document that a run wrote has all that the engine takes for granted, in every flow. */
static bool flow_is_sound(const struct json *f)
{
	static const char *const within[] = {"kids", "rest"};
	const struct json *kid;

	if (!json_get_str(f, "state") || !json_get_str(f, "phase") || !json_get(f, "input"))
		return false;
	if (!strcmp(json_get_str(f, "phase"), "fork") &&
		json_len(json_get(f, "results")) != (size_t)json_get_i64(f, "total", -1))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(within); i++) {
		json_each(kid, json_get(f, within[i]))
		{
			if (!flow_is_sound(kid) ||
				strtoll(json_name(kid), NULL, 10) != json_get_i64(kid, "index", -1))
				return false;
		}
	}
	return true;
}

/* Those that were to be entered when the document was stored. */
static void find_ready(const struct json *f, const char *id, struct strvec *out)
{
	const struct json *kid;
	char *name;

	if (!strcmp(json_get_str(f, "phase"), "enter"))
		strvec_push(out, id);
	json_each(kid, json_get(f, "kids"))
	{
		name = xasprintf("%s.%s", id, json_name(kid));
		find_ready(kid, name, out);
		free(name);
	}
}

struct asl_run *asl_run_restore(const struct json *definition, const struct json *state,
	const struct asl_host *host, struct err *err)
{
	const struct json *root = json_get(state, "root");
	struct asl_run *run;

	if (!json_get_str(state, "status") || !json_is(json_get(state, "context"), JSON_OBJECT) ||
		!flow_is_sound(root)) {
		err_set(err, ERR_INVALID, "the document is no execution's state");
		return NULL;
	}
	run = new_run(definition, host);
	run->doc = json_copy(state);
	if (asl_running(run))
		find_ready(json_get(run->doc, "root"), "r", &run->ready);
	return run;
}

const struct json *asl_run_state(const struct asl_run *run)
{
	return run->doc;
}

const struct json *asl_run_output(const struct asl_run *run)
{
	return json_get(run->doc, "output");
}

const char *asl_run_error(const struct asl_run *run)
{
	return json_get_str(run->doc, "error");
}

const char *asl_run_cause(const struct asl_run *run)
{
	return json_get_str(run->doc, "cause");
}

static struct json *take(struct json **list)
{
	struct json *out = *list;

	*list = json_array();
	return out;
}

struct json *asl_run_take_events(struct asl_run *run)
{
	run->told = 0;
	return take(&run->events);
}

struct json *asl_run_take_actions(struct asl_run *run)
{
	return take(&run->actions);
}

void asl_run_end(struct asl_run *run, enum asl_status status, const char *error, const char *cause)
{
	static const char *const events[][2] = {
		[ASL_FAILED] = {"ExecutionFailed", "executionFailedEventDetails"},
		[ASL_TIMED_OUT] = {"ExecutionTimedOut", "executionTimedOutEventDetails"},
		[ASL_ABORTED] = {"ExecutionAborted", "executionAbortedEventDetails"}};

	if (!asl_running(run))
		return;
	json_set_str(run->doc, "status", status_names[status]);
	json_set_i64(run->doc, "stoppedAt", asl_now(&run->host));
	json_set_str(run->doc, "error", error);
	json_set_str(run->doc, "cause", cause);
	if (status == ASL_SUCCEEDED)
		return;
	asl_drop(run, json_get(run->doc, "root"), run->definition, false);
	asl_event(
		run, NULL, events[status][0], events[status][1], asl_failure(error, cause, false));
}

bool asl_run_abort(struct asl_run *run, const char *error, const char *cause)
{
	if (!asl_running(run))
		return false;
	asl_run_end(run, ASL_ABORTED, error, cause);
	return true;
}

/* --- time --- */

static const char *const dues[] = {"due", "taskDue", "beatDue"};

static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int64_t flow_due(const struct json *f)
{
	int64_t due = -1;
	const struct json *kid;

	for (size_t i = 0; i < ARRAY_SIZE(dues); i++)
		due = sooner(due, json_get_i64(f, dues[i], -1));
	json_each(kid, json_get(f, "kids")) due = sooner(due, flow_due(kid));
	return due;
}

int64_t asl_run_due(const struct asl_run *run)
{
	if (!asl_running(run))
		return -1;
	if (run->ready.nr)
		return 0;
	return sooner(json_get_i64(run->doc, "due", -1), flow_due(json_get(run->doc, "root")));
}

static void find_due(const struct json *f, const char *id, int64_t now, struct strvec *out)
{
	const struct json *kid;
	int64_t due;
	char *name;
	bool is_due = false;

	for (size_t i = 0; i < ARRAY_SIZE(dues); i++) {
		due = json_get_i64(f, dues[i], -1);
		is_due = is_due || (due >= 0 && due <= now);
	}
	if (is_due)
		strvec_push(out, id);
	json_each(kid, json_get(f, "kids"))
	{
		name = xasprintf("%s.%s", id, json_name(kid));
		find_due(kid, name, now, out);
		free(name);
	}
}

static void task_timed_out(struct asl_run *run, struct asl_flow *flow, const char *error)
{
	struct json *a = json_object();

	json_set_str(a, "action", "cancel");
	json_set_str(a, "id", json_get_str(flow->f, "task"));
	json_push(run->actions, a);
	asl_event_task(run, flow, ASL_TASK_TIMED_OUT, asl_failure(error, NULL, false));
	if (!asl_running(run))
		return;
	asl_phase(flow, "work");
	asl_state_failed(run, flow, error, NULL);
}

static void flow_is_due(struct asl_run *run, struct asl_flow *flow, int64_t now)
{
	int64_t task = json_get_i64(flow->f, "taskDue", -1);

	if (in_phase(flow, "wait")) {
		asl_phase(flow, "work");
		asl_state_done(run, flow, NULL);
	} else if (in_phase(flow, "retry")) {
		asl_phase(flow, "work");
		asl_work(run, flow);
	} else if (in_phase(flow, "task")) {
		task_timed_out(run, flow,
			task >= 0 && task <= now ? "States.Timeout" : "States.HeartbeatTimeout");
	}
}

void asl_run_tick(struct asl_run *run)
{
	int64_t now = asl_now(&run->host), due = json_get_i64(run->doc, "due", -1);
	struct strvec ids = STRVEC_INIT, again = STRVEC_INIT;
	struct asl_flow *flow;

	if (!asl_running(run))
		return;
	if (due >= 0 && due <= now) {
		asl_run_end(run, ASL_TIMED_OUT, NULL, NULL);
		return;
	}
	find_due(json_get(run->doc, "root"), "r", now, &ids);
	for (size_t i = 0; i < ids.nr && asl_running(run); i++) {
		flow = asl_flow_find(run, ids.v[i]);
		strvec_clear(&again);
		if (flow)
			find_due(flow->f, ids.v[i], now, &again);
		/* what another flow's time did may have ended this one */
		if (strvec_has(&again, ids.v[i]))
			flow_is_due(run, flow, now);
		asl_flow_free(flow);
	}
	strvec_release(&again);
	strvec_release(&ids);
	asl_settle(run);
}

/* --- tasks --- */

struct asl_flow *asl_task_find(const struct asl_run *run, const char *id)
{
	struct asl_flow *flow = NULL;
	const char *end = strchr(id, '#'), *task;
	char *name;

	if (!asl_running(run) || !end)
		return NULL;
	name = xstrndup(id, (size_t)(end - id));
	flow = asl_flow_find(run, name);
	free(name);
	task = flow ? json_get_str(flow->f, "task") : NULL;
	if (task && in_phase(flow, "task") && !strcmp(task, id))
		return flow;
	asl_flow_free(flow);
	return NULL;
}

bool asl_task_started(struct asl_run *run, const char *id, const char *worker)
{
	struct asl_flow *flow = asl_task_find(run, id);
	/* a map run is told of by asl_map_started */
	bool again =
		flow && (json_get_truth(flow->f, "started", false) || json_get(flow->f, "map"));
	struct json *extra = NULL;

	if (flow && !again) {
		json_set_bool(flow->f, "started", true);
		if (worker) {
			extra = json_object();
			json_set_str(extra, "workerName", worker);
		}
		asl_event_task(run, flow, ASL_TASK_STARTED, extra);
	}
	asl_flow_free(flow);
	return flow != NULL;
}

static struct json *with_output(const struct json *output)
{
	struct json *extra = json_object();

	json_set(extra, "output", output ? json_copy(output) : json_null());
	return extra;
}

bool asl_task_submitted(struct asl_run *run, const char *id, const struct json *output)
{
	struct asl_flow *flow = asl_task_find(run, id);

	if (flow && !json_get(flow->f, "map"))
		asl_event_task(run, flow, ASL_TASK_SUBMITTED, with_output(output));
	asl_flow_free(flow);
	return flow != NULL;
}

bool asl_task_heartbeat(struct asl_run *run, const char *id)
{
	struct asl_flow *flow = asl_task_find(run, id);
	int64_t seconds = flow ? json_get_i64(flow->f, "heartbeat", 0) : 0;

	if (seconds)
		json_set_i64(flow->f, "beatDue", asl_now(&run->host) + seconds * 1000);
	asl_flow_free(flow);
	return flow != NULL;
}

static void task_failed(
	struct asl_run *run, struct asl_flow *flow, const char *error, const char *cause)
{
	if (json_get(flow->f, "map")) {
		asl_map_failed(run, flow, error, cause);
		return;
	}
	asl_event_task(run, flow, ASL_TASK_FAILED, asl_failure(error, cause, false));
	asl_phase(flow, "work");
	if (asl_running(run))
		asl_state_failed(run, flow, error, cause);
}

bool asl_task_succeeded(struct asl_run *run, const char *id, const struct json *output)
{
	struct asl_flow *flow = asl_task_find(run, id);
	struct strbuf cause = STRBUF_INIT;
	const char *resource;

	if (!flow)
		return false;
	resource = json_get_str(flow->f, "resource");
	if (output && asl_too_big(output)) {
		strbuf_addf(&cause,
			"The state/task '%s' returned a result with a size exceeding the maximum "
			"number of bytes service limit.",
			resource ? resource : json_get_str(flow->f, "state"));
		task_failed(run, flow, "States.DataLimitExceeded", cause.buf);
	} else if (json_get(flow->f, "map")) {
		asl_map_succeeded(run, flow, output);
	} else {
		asl_event_task(run, flow, ASL_TASK_SUCCEEDED, with_output(output));
		/* the token stays: $$.Task.Token is there in ResultSelector, too */
		json_remove(flow->f, "task");
		if (asl_running(run))
			asl_state_done(run, flow, output ? json_copy(output) : json_null());
	}
	strbuf_release(&cause);
	asl_flow_free(flow);
	asl_settle(run);
	return true;
}

bool asl_task_failed(struct asl_run *run, const char *id, const char *error, const char *cause)
{
	struct asl_flow *flow = asl_task_find(run, id);

	if (!flow)
		return false;
	task_failed(run, flow, error, cause);
	asl_flow_free(flow);
	asl_settle(run);
	return true;
}

static void list_tasks(const struct json *f, struct json *out)
{
	const struct json *kid;
	struct json *a;

	if (json_get_str(f, "task")) {
		a = asl_start_action(f);
		json_set_bool(a, "started", json_get_truth(f, "started", false));
		json_push(out, a);
	}
	json_each(kid, json_get(f, "kids")) list_tasks(kid, out);
}

struct json *asl_run_tasks(const struct asl_run *run)
{
	struct json *out = json_array();

	if (asl_running(run))
		list_tasks(json_get(run->doc, "root"), out);
	return out;
}
