/* Visits of states out of an execution's events. */
#include "exec_history.h"
#include <stdlib.h>
#include <string.h>

#define MAX_EVENT_ID 1000000 /* AWS ends executions at 25,000 */

enum lane_kind {
	LANE_BETWEEN, /* before or after a state, in what `at` is */
	LANE_IN,      /* in the state itself */
	LANE_FORK,    /* what comes next is a new branch of it */
};

/* Where an event happened. */
struct lane {
	enum lane_kind kind;
	size_t at; /* a visit, or NO_VISIT */
	int64_t branch, iteration;
	size_t left; /* LANE_BETWEEN: the state that came before, or NO_VISIT */
};

static const struct lane top = {LANE_BETWEEN, NO_VISIT, -1, -1, NO_VISIT};

void exec_history_init(struct exec_history *h)
{
	*h = (struct exec_history){.last_failed = NO_VISIT};
}

void exec_history_drop_happenings(struct exec_history *h)
{
	for (size_t i = 0; i < h->nr_happenings; i++) {
		free(h->happenings[i].error);
		free(h->happenings[i].cause);
	}
	h->nr_happenings = 0;
}

void exec_history_release(struct exec_history *h)
{
	exec_history_drop_happenings(h);
	for (size_t i = 0; i < h->nr; i++) {
		struct visit *v = &h->visits[i];
		char *texts[] = {v->name, v->type, v->input, v->error, v->cause, v->resource,
			v->job, v->run_id};
		for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
			free(texts[k]);
	}
	for (size_t i = 0; i < h->nr_runs; i++) {
		free(h->runs[i].job);
		free(h->runs[i].id);
	}
	free(h->visits);
	free(h->happenings);
	free(h->runs);
	free(h->lanes);
	free(h->state);
	free(h->error);
	free(h->cause);
	exec_history_init(h);
}

const char *visit_state_name(enum visit_state state)
{
	static const char *const names[] = {
		"RUNNING", "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"};

	return names[state];
}

bool visit_is_container(const struct visit *v)
{
	return !strcmp(v->type, "Parallel") || !strcmp(v->type, "Map");
}

static void set_text(char **to, const char *text)
{
	if (!text || *to == text)
		return;
	free(*to);
	*to = xstrdup(text);
}

static struct happening *happened(
	struct exec_history *h, enum happening_kind kind, size_t visit, int64_t ms)
{
	struct happening *new;

	ALLOC_GROW(h->happenings, h->nr_happenings, h->alloc_happenings);
	new = &h->happenings[h->nr_happenings++];
	*new = (struct happening){
		.kind = kind, .visit = visit, .ms = ms, .attempt = h->visits[visit].attempts};
	return new;
}

/* --- looking --- */

static bool lies_in(const struct exec_history *h, size_t visit, size_t container)
{
	for (; visit != NO_VISIT; visit = h->visits[visit].parent)
		if (visit == container)
			return true;
	return false;
}

/* The nearest open visit at or around `at` of that type (NULL: any) and name (NULL: any). */
static size_t around(const struct exec_history *h, size_t at, const char *type, const char *name)
{
	for (; at != NO_VISIT; at = h->visits[at].parent) {
		const struct visit *v = &h->visits[at];
		if (!v->left_ms && (!type || !strcmp(v->type, type)) &&
			(!name || !strcmp(v->name, name)))
			return at;
	}
	return NO_VISIT;
}

static size_t newest_open(const struct exec_history *h, const char *name)
{
	for (size_t i = h->nr; i-- > 0;)
		if (!h->visits[i].left_ms && !strcmp(h->visits[i].name, name))
			return i;
	return NO_VISIT;
}

/* --- changing --- */

static void close_visit(struct exec_history *h, size_t at, enum visit_state state, int64_t ms)
{
	struct visit *v = &h->visits[at];

	if (v->left_ms)
		return;
	v->left_ms = ms;
	v->state = state;
	happened(h, HAPPENED_LEFT, at, ms);
}

/* What lies in a container that is over; `iteration` -1: all of it. */
static void close_inside(struct exec_history *h, size_t container, int64_t iteration, int64_t ms)
{
	for (size_t i = container + 1; i < h->nr; i++) {
		size_t way = i;
		if (h->visits[i].left_ms || !lies_in(h, i, container))
			continue;
		while (h->visits[way].parent != container)
			way = h->visits[way].parent;
		if (iteration >= 0 && h->visits[way].iteration != iteration)
			continue;
		close_visit(h, i, h->visits[i].failed ? VISIT_FAILED : VISIT_ABORTED, ms);
	}
}

static void fail_visit(
	struct exec_history *h, size_t at, const char *error, const char *cause, int64_t ms)
{
	const struct visit *inner = h->last_failed == NO_VISIT ? NULL : &h->visits[h->last_failed];
	struct visit *v = &h->visits[at];
	struct happening *new;

	/* A container fails by what failed in it; the events do not say it again. */
	if (!error && inner && h->last_failed != at && lies_in(h, h->last_failed, at)) {
		error = inner->error;
		cause = inner->cause;
	}
	v->failed = true;
	set_text(&v->error, error ? error : "");
	set_text(&v->cause, cause ? cause : "");
	h->last_failed = at;
	new = happened(h, HAPPENED_FAILED, at, ms);
	new->error = xstrdup(v->error);
	new->cause = xstrdup(v->cause);
}

/* --- events --- */

static struct lane in(size_t at)
{
	return (struct lane){LANE_IN, at, -1, -1, NO_VISIT};
}

static struct lane after(const struct exec_history *h, size_t at)
{
	const struct visit *v = &h->visits[at];

	return (struct lane){LANE_BETWEEN, v->parent, v->branch, v->iteration, at};
}

struct event {
	const char *type;
	const struct json *details; /* the one member that ends so; NULL: none */
	int64_t id, ms;
	struct lane from;
};

static struct lane take_entered(struct exec_history *h, const struct event *e)
{
	const char *name = json_get_str(e->details, "name");
	struct lane from = e->from;
	struct visit *v;

	if (from.kind == LANE_IN && from.at != NO_VISIT) {
		/* It went on from a failure without saying that it left. */
		size_t left = from.at;
		h->visits[left].caught = h->visits[left].failed;
		close_visit(
			h, left, h->visits[left].failed ? VISIT_FAILED : VISIT_SUCCEEDED, e->ms);
		from = after(h, left);
	}
	if (from.kind == LANE_FORK)
		from.branch = (int64_t)h->visits[from.at].branches++;
	ALLOC_GROW(h->visits, h->nr, h->alloc);
	v = &h->visits[h->nr];
	*v = (struct visit){.name = xstrdup(name ? name : "?"),
		.type = xstrndup(e->type, strlen(e->type) - strlen("StateEntered")),
		.parent = from.at,
		.depth = from.at == NO_VISIT ? 0 : h->visits[from.at].depth + 1,
		.branch = from.branch,
		.iteration = from.iteration,
		.entered_ms = e->ms,
		.next = NO_VISIT};
	if (visit_is_container(v))
		v->input = xstrdup(json_get_str(e->details, "input"));
	if (from.left != NO_VISIT && h->visits[from.left].caught)
		h->visits[from.left].next = h->nr;
	h->nr++;
	happened(h, HAPPENED_ENTERED, h->nr - 1, e->ms);
	return in(h->nr - 1);
}

static struct json *inner(const struct json *details, const char *member);

/* The error that a Catch put into the output, wherever its ResultPath says: what was there before is another's. */
static const struct json *new_error(const struct json *output, const struct json *input, int depth)
{
	const char *error = json_get_str(output, "Error"), *cause = json_get_str(output, "Cause"),
		   *old = json_get_str(input, "Cause");
	const struct json *m, *found;

	if (!json_is(output, JSON_OBJECT) || depth > 4)
		return NULL;
	if (error && cause &&
		(!old || strcmp(old, cause) != 0 ||
			!json_equal(json_get(input, "Error"), json_get(output, "Error"))))
		return output;
	json_each(m, output)
	{
		found = new_error(m, json_get(input, json_name(m)), depth + 1);
		if (found)
			return found;
	}
	return NULL;
}

/* The events do not say what a Fail state in a branch failed with; a caught error shows in the output. */
static void error_of_output(struct exec_history *h, size_t at, const struct json *details)
{
	struct visit *v = &h->visits[at];
	struct json *output = inner(details, "output"),
		    *input = v->input ? json_parse(v->input, strlen(v->input), NULL) : NULL;
	const struct json *e = new_error(output, input, 0);

	v->late_error = e != NULL;
	for (size_t i = at; e && i < h->nr; i++) {
		struct visit *inside = &h->visits[i];
		if (!inside->failed || *inside->error || !lies_in(h, i, at))
			continue;
		set_text(&inside->error, json_get_str(e, "Error"));
		set_text(&inside->cause, json_get_str(e, "Cause"));
	}
	json_free(output);
	json_free(input);
}

static struct lane take_exited(struct exec_history *h, const struct event *e)
{
	const char *name = json_get_str(e->details, "name");
	size_t at = around(h, e->from.at, NULL, name ? name : "");
	struct visit *v;

	if (at == NO_VISIT)
		at = newest_open(h, name ? name : "");
	if (at == NO_VISIT)
		return e->from;
	v = &h->visits[at];
	v->caught = v->failed;
	if (v->failed && !*v->error)
		error_of_output(h, at, e->details);
	free(v->input);
	v->input = NULL;
	close_inside(h, at, -1, e->ms);
	close_visit(h, at, h->visits[at].failed ? VISIT_FAILED : VISIT_SUCCEEDED, e->ms);
	return after(h, at);
}

/* A Fail state says by its name alone that it failed. */
static void fail_state(struct exec_history *h, const struct event *e)
{
	size_t at = e->from.at;

	if (e->from.kind != LANE_IN || strcmp(h->visits[at].type, "Fail") != 0 ||
		h->visits[at].failed)
		return;
	fail_visit(h, at, "", "", e->ms);
}

/* ParallelStateStarted, MapStateSucceeded, TaskStateAborted, … */
static struct lane take_state_event(struct exec_history *h, const struct event *e)
{
	const char *mark = strstr(e->type, "State"), *what = mark + strlen("State");
	char *type = xstrndup(e->type, (size_t)(mark - e->type));
	size_t at = around(h, e->from.at, type, NULL);

	free(type);
	if (at == NO_VISIT)
		return e->from;
	if (!strcmp(what, "Started")) {
		struct visit *v = &h->visits[at];
		v->attempts++;
		v->branches = 0;
		v->items = (size_t)json_get_i64(e->details, "length", 0);
		if (v->failed)
			happened(h, HAPPENED_AGAIN, at, e->ms);
		v->failed = false;
		return (struct lane){LANE_FORK, at, -1, -1, NO_VISIT};
	}
	if (!strcmp(what, "Failed")) {
		/* One that failed already is not meant: its parent is. */
		while (at != NO_VISIT && h->visits[at].failed)
			at = around(h, h->visits[at].parent, h->visits[at].type, NULL);
		if (at == NO_VISIT)
			return e->from;
		fail_state(h, e);
		close_inside(h, at, -1, e->ms);
		fail_visit(h, at, NULL, NULL, e->ms);
	} else if (!strcmp(what, "Aborted")) {
		close_visit(h, at, VISIT_ABORTED, e->ms);
		return after(h, at);
	}
	return in(at);
}

static struct lane take_iteration(struct exec_history *h, const struct event *e)
{
	const char *what = e->type + strlen("MapIteration");
	size_t at = around(h, e->from.at, "Map", json_get_str(e->details, "name"));
	int64_t index = json_get_i64(e->details, "index", -1);

	if (at == NO_VISIT)
		return e->from;
	if (!strcmp(what, "Started"))
		return (struct lane){LANE_BETWEEN, at, -1, index, NO_VISIT};
	if (!strcmp(what, "Failed"))
		fail_state(h, e);
	close_inside(h, at, index, e->ms);
	return in(at);
}

/* --- tasks --- */

/* Documents inside of documents: a task's parameters and output are texts. */
static struct json *inner(const struct json *details, const char *member)
{
	const char *text = json_get_str(details, member);
	struct json *v = text ? json_parse(text, strlen(text), NULL) : NULL;

	return v;
}

/* Told when it is submitted, and again when it ends. */
static void add_job_run(struct exec_history *h, const struct visit *v)
{
	if (!v->job || !v->run_id || !starts_with(v->run_id, "jr_"))
		return;
	for (size_t i = h->nr_runs; i-- > 0;)
		if (!strcmp(h->runs[i].id, v->run_id))
			return;
	ALLOC_GROW(h->runs, h->nr_runs, h->alloc_runs);
	h->runs[h->nr_runs++] = (struct job_run){xstrdup(v->job), xstrdup(v->run_id)};
}

/* What was started: a job run, an execution, a query. */
static void take_run_id(struct exec_history *h, struct visit *v, const struct json *details)
{
	static const char *const members[] = {
		"JobRunId", "Id", "ExecutionArn", "QueryExecutionId", "executionArn"};
	struct json *output = inner(details, "output"), *cause = inner(details, "cause");

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *id = json_get_str(output, members[i]);
		id = id ? id : json_get_str(cause, members[i]);
		if (!id)
			continue;
		set_text(&v->run_id, id);
		break;
	}
	if (v->job || json_get_str(cause, "JobRunState"))
		set_text(&v->job, json_get_str(cause, "JobName"));
	add_job_run(h, v);
	json_free(output);
	json_free(cause);
}

static void take_scheduled(struct exec_history *h, size_t at, const struct event *e)
{
	struct visit *v = &h->visits[at];
	const char *type = json_get_str(e->details, "resourceType"),
		   *resource = json_get_str(e->details, "resource");
	struct json *parameters = inner(e->details, "parameters");

	v->attempts++;
	if (type && resource && !v->resource)
		v->resource = xasprintf("%s:%s", type, resource);
	if (v->resource && starts_with(v->resource, "glue:startJobRun"))
		set_text(&v->job, json_get_str(parameters, "JobName"));
	if (v->failed)
		happened(h, HAPPENED_AGAIN, at, e->ms);
	v->failed = false;
	json_free(parameters);
}

static bool is_failure(const char *type)
{
	return ends_with(type, "Failed") || ends_with(type, "TimedOut");
}

/* TaskScheduled, LambdaFunctionFailed, ActivityTimedOut, MapRunStarted, … */
static struct lane take_other(struct exec_history *h, const struct event *e)
{
	size_t at = e->from.kind == LANE_IN ? e->from.at : around(h, e->from.at, NULL, NULL);

	if (at == NO_VISIT || h->visits[at].left_ms)
		return e->from;
	if (ends_with(e->type, "Scheduled")) {
		take_scheduled(h, at, e);
	} else if (is_failure(e->type)) {
		const char *error = json_get_str(e->details, "error");
		take_run_id(h, &h->visits[at], e->details);
		if (!error && ends_with(e->type, "TimedOut"))
			error = "States.Timeout";
		fail_visit(h, at, error, json_get_str(e->details, "cause"), e->ms);
	} else if (starts_with(e->type, "Task")) {
		take_run_id(h, &h->visits[at], e->details);
	} else if (starts_with(e->type, "MapRun")) {
		set_text(&h->visits[at].run_id, json_get_str(e->details, "mapRunArn"));
	}
	return (struct lane){e->from.kind, at, e->from.branch, e->from.iteration, e->from.left};
}

/* --- the execution --- */

static void fail_open(struct exec_history *h, const struct event *e)
{
	size_t at = e->from.at == NO_VISIT ? NO_VISIT : around(h, e->from.at, NULL, NULL);

	if (at != NO_VISIT && !h->visits[at].failed)
		fail_visit(h, at, h->error, h->cause, e->ms);
	/* What a Fail state in a branch failed with, too. */
	for (size_t i = 0; i < h->nr; i++) {
		struct visit *v = &h->visits[i];
		size_t way = i;
		while (way != NO_VISIT && !h->visits[way].caught)
			way = h->visits[way].parent;
		if (way != NO_VISIT || !v->failed || *v->error)
			continue;
		set_text(&v->error, h->error);
		set_text(&v->cause, h->cause);
	}
}

static void reopen(struct exec_history *h)
{
	free(h->state);
	free(h->error);
	free(h->cause);
	h->state = h->error = h->cause = NULL;
	h->ended_ms = 0;
}

static struct lane take_execution(struct exec_history *h, const struct event *e)
{
	static const struct {
		const char *type, *state;
	} ends[] = {{"ExecutionSucceeded", "SUCCEEDED"}, {"ExecutionFailed", "FAILED"},
		{"ExecutionAborted", "ABORTED"}, {"ExecutionTimedOut", "TIMED_OUT"}};

	if (!strcmp(e->type, "ExecutionStarted"))
		h->started_ms = e->ms;
	if (!strcmp(e->type, "ExecutionRedriven"))
		reopen(h);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (strcmp(e->type, ends[i].type) != 0)
			continue;
		set_text(&h->error, json_get_str(e->details, "error"));
		set_text(&h->cause, json_get_str(e->details, "cause"));
		if (!strcmp(ends[i].state, "FAILED"))
			fail_open(h, e);
		exec_history_close(h, ends[i].state, e->ms);
	}
	return e->from;
}

void exec_history_close(struct exec_history *h, const char *state, int64_t ms)
{
	enum visit_state rest = !strcmp(state, "TIMED_OUT")   ? VISIT_TIMED_OUT
				: !strcmp(state, "SUCCEEDED") ? VISIT_SUCCEEDED
							      : VISIT_ABORTED;

	for (size_t i = h->nr; i-- > 0;)
		close_visit(h, i, h->visits[i].failed ? VISIT_FAILED : rest, ms);
	set_text(&h->state, state);
	h->ended_ms = ms;
}

static const struct json *details_of(const struct json *event)
{
	const struct json *m;

	json_each(m, event) if (ends_with(json_name(m), "EventDetails")) return m;
	return NULL;
}

static struct lane take(struct exec_history *h, const struct event *e)
{
	if (ends_with(e->type, "StateEntered"))
		return take_entered(h, e);
	if (ends_with(e->type, "StateExited"))
		return take_exited(h, e);
	if (starts_with(e->type, "MapIteration"))
		return take_iteration(h, e);
	if (starts_with(e->type, "Execution"))
		return take_execution(h, e);
	if (strstr(e->type, "State"))
		return take_state_event(h, e);
	return take_other(h, e);
}

void exec_history_take(struct exec_history *h, const struct json *event)
{
	struct event e = {.type = json_get_str(event, "type"),
		.details = details_of(event),
		.id = json_get_i64(event, "id", 0),
		.ms = (int64_t)(json_dbl(json_get(event, "timestamp"), 0) * 1000.0 + 0.5)};
	int64_t previous = json_get_i64(event, "previousEventId", 0);

	if (!e.type || e.id <= h->last_id || e.id > MAX_EVENT_ID)
		return;
	if ((size_t)e.id >= h->alloc_lanes) {
		size_t alloc = ((size_t)e.id + 1) * 2;
		h->lanes = xreallocarray(h->lanes, alloc, sizeof(*h->lanes));
		for (size_t i = h->alloc_lanes; i < alloc; i++)
			h->lanes[i] = top;
		h->alloc_lanes = alloc;
	}
	e.from = previous > 0 && previous < e.id ? h->lanes[previous] : top;
	h->lanes[e.id] = take(h, &e);
	h->last_id = e.id;
}

/* --- causes --- */

static char *in_words(const struct json *c)
{
	const char *job = json_get_str(c, "JobName"), *state = json_get_str(c, "JobRunState"),
		   *message = json_get_str(c, "ErrorMessage"),
		   *arn = json_get_str(c, "ExecutionArn");
	const char *reason = json_str(json_path(c, "QueryExecution.Status.StateChangeReason"));

	if (job && state)
		return xasprintf(
			"job %s %s%s%s", job, state, message ? ": " : "", message ? message : "");
	if (arn) {
		const char *error = json_get_str(c, "Error"), *cause = json_get_str(c, "Cause");
		const char *colon = strrchr(arn, ':');
		char *why = cause_in_words(cause ? cause : ""), *text;
		text = xasprintf("execution %s %s%s%s%s%s", colon ? colon + 1 : arn,
			json_get_str(c, "Status") ? json_get_str(c, "Status") : "FAILED",
			error ? ": " : "", error ? error : "", *why ? ": " : "", why);
		free(why);
		return text;
	}
	message = json_get_str(c, "errorMessage");
	return xstrdup(reason ? reason : message);
}

char *cause_in_words(const char *cause)
{
	struct json *c = json_parse(cause, strlen(cause), NULL);
	char *text = json_is(c, JSON_OBJECT) ? in_words(c) : NULL;
	struct strbuf line = STRBUF_INIT;

	json_free(c);
	text = text ? text : xstrdup(cause);
	strbuf_addstr(&line, text);
	free(text);
	strbuf_blank_controls(&line, 0, "");
	return strbuf_detach(&line, NULL);
}
