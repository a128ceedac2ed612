/* What a state does: input, work, result, retry, catch, and on to the next. See local_asl_run.h for the phases. */
#include "local_asl_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base64.h"
#include "clock.h"
#include "strbuf.h"

#define TIMEOUT_MAX 99999999
#define TOKEN_BYTES 48

bool asl_running(const struct asl_run *run)
{
	return !strcmp(json_get_str(run->doc, "status"), "RUNNING");
}

static bool too_deep(const struct json *v, int levels)
{
	const struct json *e;

	json_each(e, v)
	{
		if (!levels || too_deep(e, levels - 1))
			return true;
	}
	return false;
}

size_t asl_printed_bytes(const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;
	size_t len;

	json_print(v, &sb);
	len = sb.len;
	strbuf_release(&sb);
	return len;
}

bool asl_too_big(const struct json *v)
{
	return too_deep(v, ASL_DEPTH_MAX) || asl_printed_bytes(v) > ASL_PAYLOAD_BYTES_MAX;
}

void asl_phase(struct asl_flow *flow, const char *phase)
{
	static const char *const kept[] = {"state", "input", "vars", "last", "entered",
		"enteredEvent", "attempt", "retries", "index", "item"};
	struct json *e = json_first(flow->f), *next;
	bool keep;

	for (; e; e = next) {
		next = json_next(e);
		keep = false;
		for (size_t i = 0; i < ARRAY_SIZE(kept) && !keep; i++)
			keep = !strcmp(json_name(e), kept[i]);
		if (!keep)
			json_remove(flow->f, json_name(e));
	}
	json_set_str(flow->f, "phase", phase);
}

void asl_ready(struct asl_run *run, const char *flow_id)
{
	strvec_push(&run->ready, flow_id);
}

/* --- visits --- */

static const struct json *item_of(const struct asl_visit *v, int64_t *index)
{
	*index = v->index;
	if (v->item)
		return v->item;
	for (const struct asl_flow *flow = v->flow; flow; flow = flow->outer) {
		*index = json_get_i64(flow->f, "index", 0);
		if (json_get(flow->f, "item"))
			return json_get(flow->f, "item");
	}
	return NULL;
}

static struct json *make_context(void *payload)
{
	const struct asl_visit *v = payload;
	struct json *c = json_copy(json_get(v->run->doc, "context")), *o, *map;
	struct strbuf sb = STRBUF_INIT;
	const struct json *item;
	int64_t index;

	o = json_object();
	clock_add_iso(&sb, json_get_i64(v->flow->f, "entered", 0), true);
	json_set_str(o, "EnteredTime", sb.buf);
	json_set_str(o, "Name", json_get_str(v->flow->f, "state"));
	json_set_i64(o, "RetryCount", json_get_i64(v->flow->f, "attempt", 0));
	json_set(c, "State", o);
	if (json_get_str(v->flow->f, "token")) {
		o = json_object();
		json_set_str(o, "Token", json_get_str(v->flow->f, "token"));
		json_set(c, "Task", o);
	}
	item = item_of(v, &index);
	if (item) {
		o = json_object();
		json_set_i64(o, "Index", index);
		json_set(o, "Value", json_copy(item));
		map = json_object();
		json_set(map, "Item", o);
		json_set(c, "Map", map);
	}
	strbuf_release(&sb);
	return c;
}

/* InputPath or OutputPath: missing is all, null is {}. */
static struct json *through_path(
	struct asl_visit *v, const char *name, const struct json *whole, struct err *err)
{
	const struct json *path = json_get(v->flow->def, name);
	struct err why = ERR_INIT;
	struct json *out;

	if (!path)
		return json_copy(whole);
	if (!json_str(path))
		return json_object();
	v->scope.input = whole;
	out = asl_path_get(json_str(path), &v->scope, &why);
	if (!out && asl_is_data_limit(&why))
		err_move(err, &why);
	else if (!out)
		asl_fail(err, ASL_RUNTIME, "Invalid path '%s' : %s", json_str(path), why.text);
	err_release(&why);
	return out;
}

int asl_visit_begin(
	struct asl_visit *v, struct asl_run *run, struct asl_flow *flow, struct err *err)
{
	*v = (struct asl_visit){.run = run, .flow = flow};
	v->scope = (struct asl_scope){.vars = &flow->vars,
		.make_context = make_context,
		.payload = v,
		.host = &run->host};
	v->effective = json_get(flow->f, "input");
	if (json_get(flow->def, "InputPath")) {
		v->made = through_path(v, "InputPath", v->effective, err);
		v->effective = v->made;
	}
	v->scope.input = v->effective;
	return v->effective ? 0 : -1;
}

void asl_visit_end(struct asl_visit *v)
{
	asl_scope_release(&v->scope);
	json_free(v->made);
}

int asl_visit_number(struct asl_visit *v, const struct json *def, const char *name, int64_t min,
	int64_t otherwise, int64_t *out, struct err *err)
{
	char *path_name = xasprintf("%sPath", name);
	const char *path = json_get_str(def, path_name);
	const struct json *n = json_get(def, name);
	struct json *made = NULL;
	double d;
	int rc = 0;

	*out = otherwise;
	if (path) {
		made = asl_expression(path, path_name, &v->scope, err);
		rc = made ? 0 : -1;
		n = made;
	}
	if (n && rc == 0) {
		d = json_dbl(n, -1);
		if (!json_is(n, JSON_NUMBER) || d != floor(d) || d < (double)min || d > TIMEOUT_MAX)
			rc = asl_fail(err, ASL_RUNTIME,
				"The %s parameter must be an integer between %lld and %d",
				path ? path_name : name, (long long)min, TIMEOUT_MAX);
		else
			*out = (int64_t)d;
	}
	json_free(made);
	free(path_name);
	return rc;
}

int asl_visit_percentage(
	struct asl_visit *v, const struct json *def, const char *name, double *out, struct err *err)
{
	char *path_name = xasprintf("%sPath", name);
	const char *path = json_get_str(def, path_name);
	struct json *made = path ? asl_expression(path, path_name, &v->scope, err) : NULL;
	const struct json *n = path ? made : json_get(def, name);
	int rc = path && !made ? -1 : 0;

	*out = json_dbl(n, -1);
	if (n && (!json_is(n, JSON_NUMBER) || *out < 0 || *out > 100))
		rc = asl_fail(err, ASL_RUNTIME,
			"The %s parameter must be a number between 0 and 100",
			path ? path_name : name);
	json_free(made);
	free(path_name);
	return rc;
}

struct json *asl_visit_parameters(struct asl_visit *v, struct err *err)
{
	const struct json *t = json_get(v->flow->def, "Parameters");

	return t ? asl_template(t, &v->scope, err) : json_copy(v->effective);
}

/* --- the end of a state --- */

static void too_big(struct asl_run *run, struct asl_flow *flow)
{
	char *cause = xasprintf("The state/task '%s' returned a result with a size exceeding the "
				"maximum number of bytes service limit.",
		json_get_str(flow->f, "state"));

	asl_state_failed(run, flow, "States.DataLimitExceeded", cause);
	free(cause);
}

static void flow_done(struct asl_run *run, struct asl_flow *flow, struct json *output)
{
	struct json *d;

	if (flow->outer) {
		asl_kid_done(run, flow, output);
		return;
	}
	flow->gone = true;
	d = json_object();
	json_set(d, "output", asl_printed(output));
	json_set(run->doc, "output", output);
	asl_event(run, flow->f, "ExecutionSucceeded", "executionSucceededEventDetails", d);
	asl_run_end(run, ASL_SUCCEEDED, NULL, NULL);
}

/* Assign's variables, which the flow has from now on. NULL `assign`: none. */
static int assign(
	struct asl_visit *v, const struct json *assign, struct json **made, struct err *err)
{
	const struct json *e;
	struct json *vars;

	*made = NULL;
	if (!assign)
		return 0;
	*made = asl_template(assign, &v->scope, err);
	if (!*made)
		return -1;
	if (asl_too_big(*made))
		return asl_fail(err, "States.DataLimitExceeded",
			"The variables that the state assigns exceed the maximum number of bytes "
			"service limit.");
	vars = json_get(v->flow->f, "vars");
	if (!vars) {
		json_set(v->flow->f, "vars", json_object());
		vars = json_get(v->flow->f, "vars");
		v->flow->vars.own = vars;
	}
	json_each(e, *made) json_set(vars, json_name(e), json_copy(e));
	return 0;
}

/* Leaves the state with `output` (taken) for `next`; NULL: the flow ends. */
static void leave(struct asl_run *run, struct asl_flow *flow, struct json *output,
	const struct json *assigned, const char *next)
{
	asl_event_exited(run, flow, output, assigned);
	if (!asl_running(run)) {
		json_free(output);
		return;
	}
	if (!next) {
		flow_done(run, flow, output);
		return;
	}
	json_set_str(flow->f, "state", next);
	json_set(flow->f, "input", output);
	asl_phase(flow, "enter");
	asl_ready(run, flow->id);
}

/* ResultPath of a state or a catcher: `result` (taken) in the raw input. */
static struct json *place(const struct asl_flow *flow, const struct json *holder,
	struct json *result, struct err *err)
{
	const struct json *path = json_get(holder, "ResultPath"), *raw = json_get(flow->f, "input");

	if (!path)
		return result;
	if (json_str(path))
		return asl_path_put(raw, json_str(path), result, err);
	json_free(result);
	return json_copy(raw);
}

/* `result` (taken) through ResultSelector, Assign, ResultPath, OutputPath. NULL: err. */
static struct json *shape(struct asl_visit *v, struct json *result, const struct json *vars,
	struct json **assigned, struct err *err)
{
	const struct json *selector = json_get(v->flow->def, "ResultSelector");
	struct json *placed, *out;

	if (selector) {
		v->scope.input = result;
		placed = asl_template(selector, &v->scope, err);
		json_free(result);
		result = placed;
	}
	if (!result)
		return NULL;
	v->scope.input = result;
	placed = json_copy(result);
	if (assign(v, vars, assigned, err) != 0) {
		json_free(result);
		json_free(placed);
		return NULL;
	}
	placed = place(v->flow, v->flow->def, placed, err);
	out = placed ? through_path(v, "OutputPath", placed, err) : NULL;
	json_free(placed);
	json_free(result);
	return out;
}

static void finish(struct asl_visit *v, struct json *result, const struct json *vars,
	const char *next, struct err *err)
{
	struct json *assigned = NULL, *out = shape(v, result, vars, &assigned, err);

	if (!out)
		asl_state_error(v->run, v->flow, err);
	else if (asl_too_big(out)) {
		json_free(out);
		too_big(v->run, v->flow);
	} else {
		leave(v->run, v->flow, out, assigned, next);
	}
	json_free(assigned);
}

void asl_state_done(struct asl_run *run, struct asl_flow *flow, struct json *result)
{
	struct err err = ERR_INIT;
	struct asl_visit v;

	if (asl_visit_begin(&v, run, flow, &err) == 0)
		finish(&v, result ? result : json_copy(v.effective), json_get(flow->def, "Assign"),
			json_get_str(flow->def, "Next"), &err);
	else {
		json_free(result);
		asl_state_error(run, flow, &err);
	}
	asl_visit_end(&v);
	err_release(&err);
}

/* --- failures --- */

static bool is_one_of(const struct json *names, const char *error)
{
	bool timeout =
		!strcmp(error, "States.Timeout") || !strcmp(error, "States.HeartbeatTimeout");
	bool terminal = !strcmp(error, "States.DataLimitExceeded");
	const struct json *e;
	const char *name;

	json_each(e, names)
	{
		name = json_str(e) ? json_str(e) : "";
		if (!strcmp(name, error) || (!strcmp(name, "States.Timeout") && timeout) ||
			(!strcmp(name, "States.ALL") && !terminal) ||
			(!strcmp(name, "States.TaskFailed") && !terminal && !timeout))
			return true;
	}
	return false;
}

static int64_t pause_ms(const struct asl_run *run, const struct json *retrier, int64_t used)
{
	double interval = json_dbl(json_get(retrier, "IntervalSeconds"), 1);
	double rate = json_dbl(json_get(retrier, "BackoffRate"), 2);
	double most = json_dbl(json_get(retrier, "MaxDelaySeconds"), TIMEOUT_MAX);
	const char *jitter = json_get_str(retrier, "JitterStrategy");
	double seconds = fmin(fmin(interval * pow(rate, (double)used), most), TIMEOUT_MAX);
	uint32_t chance;

	if (jitter && !strcmp(jitter, "FULL")) {
		asl_random(&run->host, &chance, sizeof(chance));
		seconds *= chance / 4294967296.0;
	}
	return (int64_t)(seconds * 1000);
}

/* True: the state is tried again. The first retrier that knows the error decides. */
static bool retry(struct asl_run *run, struct asl_flow *flow, const char *error)
{
	struct json *retries = json_get(flow->f, "retries");
	const struct json *r;
	char number[32];
	int64_t used;
	int i = 0;

	json_each(r, json_get(flow->def, "Retry"))
	{
		snprintf(number, sizeof(number), "%d", i++);
		if (!is_one_of(json_get(r, "ErrorEquals"), error))
			continue;
		used = json_get_i64(retries, number, 0);
		if (used >= json_get_i64(r, "MaxAttempts", 3))
			return false;
		asl_phase(flow, "retry");
		json_set_i64(flow->f, "due", asl_now(&run->host) + pause_ms(run, r, used));
		json_set_i64(flow->f, "attempt", json_get_i64(flow->f, "attempt", 0) + 1);
		if (!retries) {
			json_set(flow->f, "retries", json_object());
			retries = json_get(flow->f, "retries");
		}
		json_set_i64(retries, number, used + 1);
		return true;
	}
	return false;
}

static void fail_flow(
	struct asl_run *run, struct asl_flow *flow, const char *error, const char *cause)
{
	if (flow->outer) {
		asl_kid_failed(run, flow, error, cause);
		return;
	}
	flow->gone = true;
	asl_run_end(run, ASL_FAILED, error, cause);
}

static void caught(struct asl_run *run, struct asl_flow *flow, const struct json *catcher,
	const char *error, const char *cause)
{
	struct json *output = asl_failure(error, cause, true), *assigned = NULL, *placed = NULL;
	struct err err = ERR_INIT;
	struct asl_visit v;

	if (asl_visit_begin(&v, run, flow, &err) == 0) {
		v.scope.input = output;
		if (assign(&v, json_get(catcher, "Assign"), &assigned, &err) == 0)
			placed = place(flow, catcher, json_copy(output), &err);
	}
	if (placed)
		leave(run, flow, placed, assigned, json_get_str(catcher, "Next"));
	else
		fail_flow(run, flow, err_name(&err), err.text);
	asl_visit_end(&v);
	json_free(assigned);
	json_free(output);
	err_release(&err);
}

void asl_state_failed(
	struct asl_run *run, struct asl_flow *flow, const char *error, const char *cause)
{
	const char *name = error ? error : "";
	const struct json *c;

	if (!strcmp(name, ASL_RUNTIME)) {
		flow->gone = true;
		asl_run_end(run, ASL_FAILED, error, cause);
		return;
	}
	if (retry(run, flow, name))
		return;
	json_each(c, json_get(flow->def, "Catch"))
	{
		if (is_one_of(json_get(c, "ErrorEquals"), name)) {
			caught(run, flow, c, error, cause);
			return;
		}
	}
	fail_flow(run, flow, error, cause);
}

void asl_state_error(struct asl_run *run, struct asl_flow *flow, const struct err *err)
{
	char *cause = xasprintf("An error occurred while executing the state '%s' (entered at the "
				"event id #%lld). %s",
		json_get_str(flow->f, "state"), (long long)json_get_i64(flow->f, "enteredEvent", 0),
		err->text);

	asl_state_failed(run, flow, err_name(err), cause);
	free(cause);
}

/* --- the states --- */

/* -1: err holds why the state failed. On 0 the flow may be gone. */
typedef int work_fn(struct asl_visit *v, struct err *err);

static int work_pass(struct asl_visit *v, struct err *err)
{
	const struct json *def = v->flow->def, *fixed = json_get(def, "Result");
	struct json *result = fixed ? json_copy(fixed) : asl_visit_parameters(v, err);

	if (!result)
		return -1;
	finish(v, result, json_get(def, "Assign"), json_get_str(def, "Next"), err);
	return 0;
}

static int work_succeed(struct asl_visit *v, struct err *err)
{
	finish(v, json_copy(v->effective), NULL, NULL, err);
	return 0;
}

/* Error or Cause, or what its path or function gives; an unset one stays NULL. */
static int fail_text(struct asl_visit *v, const char *name, char **out, struct err *err)
{
	char *path_name = xasprintf("%sPath", name);
	const char *path = json_get_str(v->flow->def, path_name);
	struct json *made = NULL;
	int rc = 0;

	if (path) {
		made = asl_expression(path, path_name, &v->scope, err);
		rc = made ? 0 : -1;
		if (made && !json_str(made))
			rc = asl_fail(err, ASL_RUNTIME,
				"The %s field must refer to a string, but '%s' does not", path_name,
				path);
	}
	if (rc == 0 && path)
		*out = xstrdup(json_str(made));
	else if (rc == 0)
		*out = xstrdup(json_get_str(v->flow->def, name));
	json_free(made);
	free(path_name);
	return rc;
}

static int work_fail(struct asl_visit *v, struct err *err)
{
	char *error = NULL, *cause = NULL;
	int rc = -1;

	if (fail_text(v, "Error", &error, err) == 0 && fail_text(v, "Cause", &cause, err) == 0) {
		fail_flow(v->run, v->flow, error, cause);
		rc = 0;
	}
	free(error);
	free(cause);
	return rc;
}

static int wait_until(struct asl_visit *v, int64_t *due, struct err *err)
{
	const struct json *def = v->flow->def;
	const char *path = json_get_str(def, "TimestampPath"),
		   *text = json_get_str(def, "Timestamp");
	struct json *made = NULL;
	int64_t seconds;
	int rc = 0;

	if (!path && !text) {
		if (asl_visit_number(v, def, "Seconds", 0, 0, &seconds, err) != 0)
			return -1;
		*due = asl_now(&v->run->host) + seconds * 1000;
		return 0;
	}
	if (path) {
		made = asl_expression(path, "TimestampPath", &v->scope, err);
		text = json_str(made);
		rc = made ? 0 : -1;
	}
	if (rc == 0 && (!text || asl_timestamp(text, due) != 0))
		rc = asl_fail(err, ASL_RUNTIME,
			"The TimestampPath parameter does not reference a valid ISO-8601 extended "
			"offset date-time format string: %s == %s",
			path ? path : "Timestamp", text ? text : "(no string)");
	json_free(made);
	return rc;
}

static int work_wait(struct asl_visit *v, struct err *err)
{
	int64_t due;

	if (wait_until(v, &due, err) != 0)
		return -1;
	asl_phase(v->flow, "wait");
	json_set_i64(v->flow->f, "due", due);
	return 0;
}

static int work_choice(struct asl_visit *v, struct err *err)
{
	const struct json *def = v->flow->def, *rule, *vars = json_get(def, "Assign");
	const char *next = json_get_str(def, "Default");
	int rc = 0;

	json_each(rule, json_get(def, "Choices"))
	{
		rc = asl_choice(rule, &v->scope, err);
		if (rc < 0)
			return -1;
		if (rc > 0) {
			next = json_get_str(rule, "Next");
			vars = json_get(rule, "Assign");
			break;
		}
	}
	if (!next)
		return asl_fail(err, "States.NoChoiceMatched",
			"Failed to transition out of the state. The state does not point to a next "
			"state.");
	finish(v, json_copy(v->effective), vars, next, err);
	return 0;
}

static void make_token(struct asl_visit *v)
{
	unsigned char bytes[TOKEN_BYTES];
	struct strbuf sb = STRBUF_INIT;

	asl_random(&v->run->host, bytes, sizeof(bytes));
	base64_encode(&sb, bytes, sizeof(bytes));
	json_set_str(v->flow->f, "token", sb.buf);
	strbuf_release(&sb);
}

/* TimeoutSeconds, HeartbeatSeconds */
static int set_limits(struct asl_visit *v, struct err *err)
{
	const struct json *def = v->flow->def;
	struct json *f = v->flow->f;
	int64_t n, now = asl_now(&v->run->host);

	if (asl_visit_number(v, def, "TimeoutSeconds", 1, 0, &n, err) != 0)
		return -1;
	if (n) {
		json_set_i64(f, "timeout", n);
		json_set_i64(f, "taskDue", now + n * 1000);
	}
	if (asl_visit_number(v, def, "HeartbeatSeconds", 1, 0, &n, err) != 0)
		return -1;
	if (n) {
		json_set_i64(f, "heartbeat", n);
		json_set_i64(f, "beatDue", now + n * 1000);
	}
	return 0;
}

struct json *asl_start_action(const struct json *f)
{
	const struct json *map = json_get(f, "map");
	static const char *const members[][2] = {{"task", "id"}, {"state", "state"},
		{"resource", "resource"}, {"parameters", "parameters"},
		{"timeout", "timeoutSeconds"}, {"heartbeat", "heartbeatSeconds"},
		{"token", "taskToken"}};
	struct json *a = map ? json_copy(map) : json_object();

	json_set_str(a, "action", map ? "map" : "start");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (json_get(f, members[i][0]))
			json_set(a, members[i][1], json_copy(json_get(f, members[i][0])));
	}
	return a;
}

char *asl_task_id(struct asl_run *run, const struct asl_flow *flow)
{
	int64_t n = json_get_i64(run->doc, "counter", 0) + 1;

	json_set_i64(run->doc, "counter", n);
	return xasprintf("%s#%lld", flow->id, (long long)n);
}

static int work_task(struct asl_visit *v, struct err *err)
{
	const char *resource = json_get_str(v->flow->def, "Resource");
	struct json *f = v->flow->f, *parameters;
	char *id;

	asl_phase(v->flow, "task");
	if (ends_with(resource, ".waitForTaskToken") || strstr(resource, ":activity:"))
		make_token(v);
	parameters = asl_visit_parameters(v, err);
	if (!parameters || set_limits(v, err) != 0) {
		json_free(parameters);
		return -1;
	}
	if (asl_too_big(parameters)) {
		json_free(parameters);
		too_big(v->run, v->flow);
		return 0;
	}
	id = asl_task_id(v->run, v->flow);
	json_set_str(f, "task", id);
	json_set_str(f, "resource", resource);
	json_set(f, "parameters", parameters);
	free(id);
	asl_event_task(v->run, v->flow, ASL_TASK_SCHEDULED, NULL);
	if (asl_running(v->run))
		json_push(v->run->actions, asl_start_action(f));
	return 0;
}

static const struct {
	const char *type;
	work_fn *work;
} works[] = {
	{"Choice", work_choice},
	{"Fail", work_fail},
	{"Map", asl_map},
	{"Parallel", asl_parallel},
	{"Pass", work_pass},
	{"Succeed", work_succeed},
	{"Task", work_task},
	{"Wait", work_wait},
};

void asl_work(struct asl_run *run, struct asl_flow *flow)
{
	const char *type = json_get_str(flow->def, "Type");
	struct err err = ERR_INIT;
	struct asl_visit v;
	int rc;

	rc = asl_visit_begin(&v, run, flow, &err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(works); i++) {
		if (type && !strcmp(works[i].type, type)) {
			rc = works[i].work(&v, &err);
			break;
		}
	}
	asl_visit_end(&v);
	if (rc != 0)
		asl_state_error(run, flow, &err);
	err_release(&err);
}

void asl_enter(struct asl_run *run, struct asl_flow *flow)
{
	json_remove(flow->f, "retries");
	json_remove(flow->f, "attempt");
	json_set_i64(flow->f, "entered", asl_now(&run->host));
	json_set_i64(flow->f, "enteredEvent", asl_event_entered(run, flow));
	if (!asl_running(run))
		return;
	asl_phase(flow, "work");
	if (asl_too_big(json_get(flow->f, "input")))
		too_big(run, flow);
	else
		asl_work(run, flow);
}
