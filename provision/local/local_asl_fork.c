/* Parallel and Map: flows within a flow. */
#include "local_asl_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONCURRENCY_MAX 40 /* of an inline Map, whatever it asks for */
/* Ours, of what a Parallel gives to all its branches: it is written with each step. */
#define FORK_BYTES_MAX ((size_t)64 * 1024 * 1024)

static bool is_map(const struct asl_flow *flow)
{
	const char *type = json_get_str(flow->def, "Type");

	return type && !strcmp(type, "Map");
}

/* The definition of kid number `index` of a Parallel or Map. */
const struct json *asl_kid_container(const struct json *def, size_t index)
{
	const struct json *branches = json_get(def, "Branches");

	if (branches)
		return json_at(branches, index);
	if (json_get(def, "ItemProcessor"))
		return json_get(def, "ItemProcessor");
	return json_get(def, "Iterator");
}

/* One of `state`'s, whose definition is `def`, with all that it has under way. */
static void drop_kid(
	struct asl_run *run, const struct json *def, const char *state, struct json *kid, bool tell)
{
	int64_t index = json_get_i64(kid, "index", 0);
	const char *type = json_get_str(def, "Type");

	asl_drop(run, kid, asl_kid_container(def, (size_t)index), tell);
	if (tell && type && !strcmp(type, "Map"))
		asl_event_iteration(run, kid, "Aborted", state, index);
}

void asl_drop(struct asl_run *run, struct json *f, const struct json *container, bool tell)
{
	const struct json *def = json_get(json_get(container, "States"), json_get_str(f, "state"));
	const char *type = json_get_str(def, "Type");
	struct json *kid, *a;

	json_each(kid, json_get(f, "kids"))
	{
		drop_kid(run, def, json_get_str(f, "state"), kid, tell);
	}
	if (json_get_str(f, "task")) {
		a = json_object();
		json_set_str(a, "action", "cancel");
		json_set_str(a, "id", json_get_str(f, "task"));
		json_push(run->actions, a);
	}
	if (tell && json_get(f, "map"))
		asl_event(run, f, "MapRunAborted", NULL, NULL);
	if (tell && type && (json_get(f, "kids") || json_get_str(f, "task") || json_get(f, "due")))
		asl_event_state(run, f, type, "Aborted");
}

/* A kid that did not succeed: for asl_run_redrive. Takes it. */
static void keep_rest(struct asl_flow *flow, const char *number, struct json *kid)
{
	if (!json_get(flow->f, "rest"))
		json_set(flow->f, "rest", json_object());
	json_set(json_get(flow->f, "rest"), number, kid);
}

static void drop_kids(struct asl_run *run, struct asl_flow *flow)
{
	struct json *kid;

	json_each(kid, json_get(flow->f, "kids"))
	{
		drop_kid(run, flow->def, json_get_str(flow->f, "state"), kid, true);
		keep_rest(flow, json_name(kid), json_copy(kid));
	}
	json_remove(flow->f, "kids");
}

/* Begins kid number `index` with `input` (taken). */
static void begin_kid(struct asl_run *run, struct asl_flow *flow, size_t index, struct json *input,
	const struct json *item)
{
	const struct json *container = asl_kid_container(flow->def, index);
	char number[32], *id = xasprintf("%s.%zu", flow->id, index);
	struct json *kid = json_object();

	snprintf(number, sizeof(number), "%zu", index);
	json_set_str(kid, "phase", "enter");
	json_set_str(kid, "state", json_get_str(container, "StartAt"));
	json_set(kid, "input", input);
	json_set_i64(kid, "last", json_get_i64(flow->f, "forked", 0));
	json_set_i64(kid, "index", (int64_t)index);
	if (item)
		json_set(kid, "item", json_copy(item));
	json_set(json_get(flow->f, "kids"), number, kid);
	if (is_map(flow))
		asl_event_iteration(
			run, kid, "Started", json_get_str(flow->f, "state"), (int64_t)index);
	asl_ready(run, id);
	free(id);
}

static void fork_done(struct asl_run *run, struct asl_flow *flow)
{
	const struct json *all = json_get(flow->f, "results"), *skip = json_get(flow->f, "lost"),
			  *e;
	struct json *results = json_array();
	int64_t bytes = json_get_i64(flow->f, "bytes", 0);
	char number[32];
	size_t i = 0;

	json_each(e, all)
	{
		snprintf(number, sizeof(number), "%zu", i++);
		if (!json_get(skip, number))
			json_push(results, json_copy(e));
	}
	asl_event_state(run, flow->f, is_map(flow) ? "Map" : "Parallel", "Succeeded");
	if (!asl_running(run)) {
		json_free(results);
		return;
	}
	asl_phase(flow, "work");
	if (bytes > ASL_PAYLOAD_BYTES_MAX || asl_too_big(results)) {
		json_free(results);
		asl_state_failed(run, flow, "States.DataLimitExceeded",
			"The results of the branches exceed the maximum number of bytes service "
			"limit.");
		return;
	}
	asl_state_done(run, flow, results);
}

/* Item number `index` and what the iteration gets for it; NULL: err. */
static struct json *iteration_input(
	struct asl_visit *v, const struct json *item, size_t index, struct err *err)
{
	const struct json *t = json_get(v->flow->def, "ItemSelector");
	struct json *out;

	if (!t)
		t = json_get(v->flow->def, "Parameters");
	if (!t || !item)
		return item ? json_copy(item) : json_object();
	v->item = item;
	v->index = (int64_t)index;
	out = asl_template(t, &v->scope, err);
	asl_scope_release(&v->scope);
	v->item = NULL;
	return out;
}

/* Begins as many iterations as may run. */
static int begin_iterations(struct asl_visit *v, struct err *err)
{
	struct json *f = v->flow->f, *input;
	int64_t most = json_get_i64(f, "most", CONCURRENCY_MAX);
	int64_t next = json_get_i64(f, "next", 0), total = json_get_i64(f, "total", 0);
	bool batched = json_get(v->flow->def, "ItemBatcher") != NULL;
	const struct json *item = json_at(json_get(f, "items"), (size_t)next);

	for (; next < total && (int64_t)json_len(json_get(f, "kids")) < most; next++) {
		input = batched ? json_copy(item) : iteration_input(v, item, (size_t)next, err);
		if (!input)
			return -1;
		begin_kid(v->run, v->flow, (size_t)next, input, item);
		item = json_next(item);
		json_set_i64(f, "next", next + 1);
		if (!asl_running(v->run))
			return 0;
	}
	return 0;
}

static void begin_fork(struct asl_visit *v, const char *type, size_t total, int64_t most)
{
	struct json *f = v->flow->f, *results = json_array(), *d = NULL;
	char *name = xasprintf("%sStateStarted", type);

	for (size_t i = 0; i < total; i++)
		json_push(results, json_null());
	json_set(f, "kids", json_object());
	json_set(f, "results", results);
	json_set_i64(f, "next", 0);
	json_set_i64(f, "done", 0);
	json_set_i64(f, "total", (int64_t)total);
	json_set_i64(f, "most", most);
	if (!strcmp(type, "Map")) {
		d = json_object();
		json_set_i64(d, "length", (int64_t)total);
	}
	json_set_i64(f, "forked", asl_event(v->run, f, name, "mapStateStartedEventDetails", d));
	free(name);
}

int asl_parallel(struct asl_visit *v, struct err *err)
{
	size_t total = json_len(json_get(v->flow->def, "Branches"));
	struct json *input = asl_visit_parameters(v, err);

	if (!input)
		return -1;
	if (total * asl_printed_bytes(input) > FORK_BYTES_MAX) {
		json_free(input);
		return asl_fail(err, ASL_DATA_LIMIT,
			"The inputs of all branches exceed the maximum number of bytes service "
			"limit.");
	}
	asl_phase(v->flow, "fork");
	begin_fork(v, "Parallel", total, (int64_t)total);
	for (size_t i = 0; i < total && asl_running(v->run); i++)
		begin_kid(v->run, v->flow, i, json_copy(input), NULL);
	json_free(input);
	return 0;
}

/* ItemBatcher: the items as inputs of {BatchInput, Items}, each within the two limits. `items` is taken. */
static struct json *batches(struct asl_visit *v, struct json *items, struct err *err)
{
	const struct json *batcher = json_get(v->flow->def, "ItemBatcher");
	struct json *out = json_array(), *common = NULL, *batch = NULL, *input, *list = NULL, *e;
	int64_t most, bytes, n = 0;
	size_t i = 0, size = 0, len;

	if (asl_visit_number(v, batcher, "MaxItemsPerBatch", 1, 0, &most, err) != 0 ||
		asl_visit_number(v, batcher, "MaxInputBytesPerBatch", 1, 0, &bytes, err) != 0)
		goto fail;
	if (json_get(batcher, "BatchInput")) {
		common = asl_template(json_get(batcher, "BatchInput"), &v->scope, err);
		if (!common)
			goto fail;
	}
	json_each(e, items)
	{
		input = iteration_input(v, e, i++, err);
		if (!input)
			goto fail;
		len = asl_printed_bytes(input) + 1;
		if (!batch || (most && n >= most) || (bytes && (int64_t)(size + len) > bytes)) {
			batch = json_object();
			if (common)
				json_set(batch, "BatchInput", json_copy(common));
			json_set(batch, "Items", json_array());
			list = json_get(batch, "Items");
			json_push(out, batch);
			size = 0;
			n = 0;
		}
		json_push(list, input);
		size += len;
		n++;
	}
	json_free(common);
	json_free(items);
	return out;
fail:
	json_free(common);
	json_free(items);
	json_free(out);
	return NULL;
}

struct json *asl_items(struct asl_visit *v, struct err *err)
{
	const char *path = json_get_str(v->flow->def, "ItemsPath");
	struct json *items = asl_expression(path ? path : "$", "ItemsPath", &v->scope, err);

	if (items && !json_is(items, JSON_ARRAY)) {
		json_free(items);
		asl_fail(err, ASL_RUNTIME, "Reference path \"%s\" must point to array.",
			path ? path : "$");
		return NULL;
	}
	return items;
}

/* How many iterations may fail: kept in the flow where the state says. */
static int tolerance(struct asl_visit *v, size_t total, struct err *err)
{
	const struct json *def = v->flow->def;
	struct json *f = v->flow->f;
	int64_t count, most;
	double percent;

	if (asl_visit_number(v, def, "ToleratedFailureCount", 0, -1, &count, err) != 0 ||
		asl_visit_percentage(v, def, "ToleratedFailurePercentage", &percent, err) != 0)
		return -1;
	most = (int64_t)(percent * (double)total / 100);
	if (percent >= 0 && (count < 0 || most < count))
		count = most;
	if (count >= 0)
		json_set_i64(f, "tolerated", count);
	return 0;
}

int asl_map(struct asl_visit *v, struct err *err)
{
	struct json *items;
	int64_t most;
	size_t total;

	if (asl_map_is_distributed(v->flow->def))
		return asl_map_distributed(v, err);
	items = asl_items(v, err);
	if (items && json_get(v->flow->def, "ItemBatcher"))
		items = batches(v, items, err);
	if (!items)
		return -1;
	total = json_len(items);
	asl_phase(v->flow, "fork");
	json_set(v->flow->f, "items", items);
	if (asl_visit_number(v, v->flow->def, "MaxConcurrency", 0, 0, &most, err) != 0 ||
		tolerance(v, total, err) != 0)
		return -1;
	begin_fork(v, "Map", total, most && most < CONCURRENCY_MAX ? most : CONCURRENCY_MAX);
	if (!asl_running(v->run))
		return 0;
	if (!total)
		fork_done(v->run, v->flow);
	else if (begin_iterations(v, err) != 0)
		return -1;
	return 0;
}

void asl_fork_again(struct asl_run *run, struct asl_flow *flow)
{
	struct json *f = flow->f;
	struct err err = ERR_INIT;
	struct asl_visit v;
	int rc = 0;

	if (!is_map(flow) || json_get_i64(f, "next", 0) >= json_get_i64(f, "total", 0))
		return;
	rc = asl_visit_begin(&v, run, flow, &err);
	if (rc == 0)
		rc = begin_iterations(&v, &err);
	asl_visit_end(&v);
	if (rc != 0) {
		drop_kids(run, flow);
		asl_state_error(run, flow, &err);
	}
	err_release(&err);
}

/* One kid less: more of them, or the end. */
static void go_on(struct asl_run *run, struct asl_flow *flow)
{
	int64_t done = json_get_i64(flow->f, "done", 0) + 1;

	json_set_i64(flow->f, "done", done);
	if (done == json_get_i64(flow->f, "total", 0))
		fork_done(run, flow);
	else
		asl_fork_again(run, flow);
}

/* Takes the kid out; its number. What it was told last is the fork's last event. */
static size_t remove_kid(
	struct asl_run *run, struct asl_flow *kid, const char *iteration, bool keep)
{
	struct asl_flow *flow = kid->outer;
	size_t index = (size_t)json_get_i64(kid->f, "index", 0);
	char number[32];

	snprintf(number, sizeof(number), "%zu", index);
	if (is_map(flow))
		asl_event_iteration(
			run, kid->f, iteration, json_get_str(flow->f, "state"), (int64_t)index);
	json_set_i64(flow->f, "last", json_get_i64(kid->f, "last", 0));
	if (keep)
		keep_rest(flow, number, json_detach(json_get(flow->f, "kids"), number));
	else
		json_remove(json_get(flow->f, "kids"), number);
	kid->gone = true;
	return index;
}

void asl_kid_done(struct asl_run *run, struct asl_flow *kid, struct json *output)
{
	struct asl_flow *flow = kid->outer;
	size_t index = remove_kid(run, kid, "Succeeded", false);
	struct json *results = json_get(flow->f, "results");
	size_t bytes = (size_t)json_get_i64(flow->f, "bytes", 0);

	/* what is too much already is not kept: the state will fail */
	if (bytes <= ASL_PAYLOAD_BYTES_MAX)
		bytes += asl_printed_bytes(output);
	json_set_i64(flow->f, "bytes", (int64_t)bytes);
	if (bytes <= ASL_PAYLOAD_BYTES_MAX)
		json_replace(results, json_at(results, index), output);
	else
		json_free(output);
	if (asl_running(run))
		go_on(run, flow);
}

void asl_kid_failed(struct asl_run *run, struct asl_flow *kid, const char *error, const char *cause)
{
	struct asl_flow *flow = kid->outer;
	char *e = xstrdup(error), *c = xstrdup(cause), number[32];
	int64_t failed = json_get_i64(flow->f, "failed", 0) + 1;
	bool tolerant = json_get(flow->f, "tolerated") != NULL;
	bool lost = tolerant && failed <= json_get_i64(flow->f, "tolerated", 0);
	size_t index = remove_kid(run, kid, "Failed", !lost);

	snprintf(number, sizeof(number), "%zu", index);
	json_set_i64(flow->f, "failed", failed);
	if (lost) {
		if (!json_get(flow->f, "lost"))
			json_set(flow->f, "lost", json_object());
		json_set_bool(json_get(flow->f, "lost"), number, true);
		go_on(run, flow);
	} else if (asl_running(run)) {
		drop_kids(run, flow);
		asl_event_state(run, flow->f, is_map(flow) ? "Map" : "Parallel", "Failed");
		if (asl_running(run))
			asl_state_failed(run, flow,
				tolerant ? "States.ExceedToleratedFailureThreshold" : e,
				tolerant ? "The specified tolerated failure threshold was exceeded"
					 : c);
	}
	free(e);
	free(c);
}
