/*
 * Map in mode DISTRIBUTED: the state as one action of the host, and what the host asks while it carries it out.
 * ("Using Map state in Distributed mode", AWS Step Functions Developer Guide.)
 */
#include "local_asl_run.h"

#include <stdlib.h>
#include <string.h>
#include "strbuf.h"

/* --- the action --- */

/* Parameters of a reader or writer, as they are for this visit. NULL: err. */
static struct json *called(struct asl_visit *v, const struct json *def, struct err *err)
{
	struct json *out = json_object(), *parameters = NULL;

	if (json_get(def, "Parameters")) {
		parameters = asl_template(json_get(def, "Parameters"), &v->scope, err);
		if (!parameters) {
			json_free(out);
			return NULL;
		}
	}
	json_set_str(out, "resource", json_get_str(def, "Resource"));
	json_set(out, "parameters", parameters);
	return out;
}

static int set_reader(struct asl_visit *v, struct json *a, struct err *err)
{
	const struct json *def = json_get(v->flow->def, "ItemReader");
	const struct json *config = json_get(def, "ReaderConfig");
	struct json *reader = called(v, def, err), *own;
	int64_t most;

	if (!reader)
		return -1;
	json_set(a, "reader", reader);
	own = config ? json_copy(config) : json_object();
	json_set(reader, "config", own);
	if (asl_visit_number(v, config, "MaxItems", 1, -1, &most, err) != 0)
		return -1;
	json_remove(own, "MaxItemsPath");
	if (most >= 0)
		json_set_i64(own, "MaxItems", most);
	return 0;
}

static int set_batcher(struct asl_visit *v, struct json *a, struct err *err)
{
	const struct json *def = json_get(v->flow->def, "ItemBatcher");
	struct json *b, *input;
	int64_t most, bytes;

	if (!def)
		return 0;
	b = json_object();
	json_set(a, "batcher", b);
	if (asl_visit_number(v, def, "MaxItemsPerBatch", 1, 0, &most, err) != 0 ||
		asl_visit_number(v, def, "MaxInputBytesPerBatch", 1, 0, &bytes, err) != 0)
		return -1;
	if (most)
		json_set_i64(b, "maxItems", most);
	if (bytes)
		json_set_i64(b, "maxBytes", bytes);
	if (!json_get(def, "BatchInput"))
		return 0;
	input = asl_template(json_get(def, "BatchInput"), &v->scope, err);
	json_set(b, "input", input);
	return input ? 0 : -1;
}

static int set_limits(struct asl_visit *v, struct json *a, struct err *err)
{
	const struct json *def = v->flow->def;
	int64_t most, count;
	double percent;

	if (asl_visit_number(v, def, "MaxConcurrency", 0, 0, &most, err) != 0 ||
		asl_visit_number(v, def, "ToleratedFailureCount", 0, -1, &count, err) != 0 ||
		asl_visit_percentage(v, def, "ToleratedFailurePercentage", &percent, err) != 0)
		return -1;
	json_set_i64(a, "maxConcurrency", most);
	if (count >= 0)
		json_set_i64(a, "toleratedFailureCount", count);
	if (percent >= 0)
		json_set_dbl(a, "toleratedFailurePercentage", percent);
	return 0;
}

/* Variables of all scopes, the inner ones first. */
static void set_scope(struct asl_visit *v, struct json *a)
{
	struct json *scope = json_object(), *vars = json_object();
	const struct json *e;

	for (const struct asl_vars *s = &v->flow->vars; s; s = s->outer) {
		json_each(e, s->own)
		{
			if (!json_get(vars, json_name(e)))
				json_set(vars, json_name(e), json_copy(e));
		}
	}
	json_set(scope, "input", json_copy(v->effective));
	json_set(scope, "context", v->scope.make_context(v->scope.payload));
	json_set(scope, "variables", vars);
	json_set(a, "scope", scope);
}

static int set_items(struct asl_visit *v, struct json *a, struct err *err)
{
	struct json *items;

	if (json_get(v->flow->def, "ItemReader"))
		return set_reader(v, a, err);
	items = asl_items(v, err);
	json_set(a, "items", items);
	return items ? 0 : -1;
}

static int set_writer(struct asl_visit *v, struct json *a, struct err *err)
{
	const struct json *def = json_get(v->flow->def, "ResultWriter");
	struct json *writer;

	if (!def)
		return 0;
	writer = called(v, def, err);
	if (!writer)
		return -1;
	if (json_get(def, "WriterConfig"))
		json_set(writer, "config", json_copy(json_get(def, "WriterConfig")));
	json_set(a, "writer", writer);
	return 0;
}

static struct json *evaluate(struct asl_visit *v, struct err *err)
{
	const struct json *def = v->flow->def, *selector = json_get(def, "ItemSelector");
	const char *type =
		json_get_str(json_path(def, "ItemProcessor.ProcessorConfig"), "ExecutionType");
	struct json *a = json_object();

	if (!selector)
		selector = json_get(def, "Parameters");
	json_set_str(a, "label", json_get_str(def, "Label"));
	json_set_str(a, "executionType", type ? type : "STANDARD");
	if (set_limits(v, a, err) != 0 || set_items(v, a, err) != 0 ||
		set_batcher(v, a, err) != 0 || set_writer(v, a, err) != 0) {
		json_free(a);
		return NULL;
	}
	if (selector) {
		json_set(a, "selector", json_copy(selector));
		set_scope(v, a);
	}
	return a;
}

int asl_map_distributed(struct asl_visit *v, struct err *err)
{
	struct json *f = v->flow->f, *a = evaluate(v, err), *d;
	const char *again = json_get_str(f, "redrivable");
	char *id;

	if (!a)
		return -1;
	if (again) {
		json_set_str(a, "mapRunArn", again);
		json_set_bool(a, "redrive", true);
	}
	asl_phase(v->flow, "task");
	if (!again) {
		d = json_object();
		json_set_i64(d, "length", 0);
		asl_event(v->run, f, "MapStateStarted", "mapStateStartedEventDetails", d);
	}
	id = asl_task_id(v->run, v->flow);
	json_set_str(f, "task", id);
	json_set(f, "map", a);
	free(id);
	if (asl_running(v->run))
		json_push(v->run->actions, asl_start_action(f));
	return 0;
}

/* --- what the host tells --- */

bool asl_map_started(struct asl_run *run, const char *id, const char *map_run_arn, int64_t redrives)
{
	struct asl_flow *flow = asl_task_find(run, id);
	struct json *map = flow ? json_get(flow->f, "map") : NULL, *d;
	bool again = json_get_truth(map, "redrive", false);

	if (map && !json_get_truth(flow->f, "started", false)) {
		json_set_bool(flow->f, "started", true);
		json_set_str(map, "mapRunArn", map_run_arn);
		d = json_object();
		json_set_str(d, "mapRunArn", map_run_arn);
		if (again)
			json_set_i64(d, "redriveCount", redrives);
		asl_event(run, flow->f, again ? "MapRunRedriven" : "MapRunStarted",
			again ? "mapRunRedrivenEventDetails" : "mapRunStartedEventDetails", d);
	}
	asl_flow_free(flow);
	return map != NULL;
}

void asl_map_succeeded(struct asl_run *run, struct asl_flow *flow, const struct json *output)
{
	asl_event(run, flow->f, "MapRunSucceeded", NULL, NULL);
	asl_event(run, flow->f, "MapStateSucceeded", NULL, NULL);
	asl_phase(flow, "work");
	if (asl_running(run))
		asl_state_done(run, flow, output ? json_copy(output) : json_array());
}

void asl_map_failed(
	struct asl_run *run, struct asl_flow *flow, const char *error, const char *cause)
{
	char *arn = xstrdup(json_get_str(json_get(flow->f, "map"), "mapRunArn"));

	asl_event(run, flow->f, "MapRunFailed", "mapRunFailedEventDetails",
		asl_failure(error, cause, false));
	asl_event(run, flow->f, "MapStateFailed", NULL, NULL);
	asl_phase(flow, "work");
	json_set_str(flow->f, "redrivable", arn);
	if (asl_running(run))
		asl_state_failed(run, flow, error, cause);
	free(arn);
}

/* --- what the host asks --- */

const struct json *asl_map_definition(const struct json *definition, const char *state)
{
	static const char *const processors[] = {"ItemProcessor", "Iterator"};
	const struct json *states = json_get(definition, "States"), *s, *b, *found;

	if (json_get(states, state))
		return json_get(json_get(states, state), "ItemProcessor");
	json_each(s, states)
	{
		json_each(b, json_get(s, "Branches"))
		{
			found = asl_map_definition(b, state);
			if (found)
				return found;
		}
		for (size_t i = 0; i < ARRAY_SIZE(processors); i++) {
			found = asl_map_definition(json_get(s, processors[i]), state);
			if (found)
				return found;
		}
	}
	return NULL;
}

struct item {
	const struct json *action, *value;
	int64_t index;
};

static struct json *item_context(void *payload)
{
	const struct item *item = payload;
	const char *source = json_get_str(item->action, "source");
	struct json *c = json_copy(json_path(item->action, "scope.context")), *map, *o;

	o = json_object();
	json_set_i64(o, "Index", item->index);
	json_set(o, "Value", json_copy(item->value));
	json_set_str(o, "Source", source ? source : "STATE_DATA");
	map = json_object();
	json_set(map, "Item", o);
	json_set(c, "Map", map);
	return c;
}

struct json *asl_map_item(
	const struct json *action, const struct json *item, int64_t index, struct err *err)
{
	const struct json *scope = json_get(action, "scope"), *t = json_get(action, "selector");
	struct asl_vars vars = {.own = json_get(scope, "variables")};
	struct item payload = {action, item, index};
	struct asl_scope s = {.input = json_get(scope, "input"),
		.vars = &vars,
		.make_context = item_context,
		.payload = &payload};
	struct json *out;

	if (!t)
		return json_copy(item);
	out = asl_template(t, &s, err);
	asl_scope_release(&s);
	return out;
}

static void push_child(struct json *out, struct json *input, size_t items)
{
	struct json *child = json_object();

	json_set(child, "input", input);
	json_set_i64(child, "items", (int64_t)items);
	json_push(out, child);
}

/* The batch's input: {BatchInput?, Items}. */
static struct json *batch_input(const struct json *batcher, struct json *items)
{
	struct json *input = json_object();

	if (json_get(batcher, "input"))
		json_set(input, "BatchInput", json_copy(json_get(batcher, "input")));
	json_set(input, "Items", items);
	return input;
}

struct json *asl_map_children(const struct json *action, struct json *inputs)
{
	const struct json *batcher = json_get(action, "batcher"), *e;
	int64_t most = json_get_i64(batcher, "maxItems", INT64_MAX);
	size_t bytes = (size_t)json_get_i64(batcher, "maxBytes", ASL_PAYLOAD_BYTES_MAX), len;
	struct json *out = json_array(), *list = NULL, *none = batch_input(batcher, json_array());
	size_t empty = asl_printed_bytes(none), size = 0, n = 0;

	json_free(none);
	json_each(e, inputs)
	{
		if (!batcher) {
			push_child(out, json_copy(e), 1);
			continue;
		}
		len = asl_printed_bytes(e) + 1;
		if (list && ((int64_t)n >= most || size + len > bytes)) {
			push_child(out, batch_input(batcher, list), n);
			list = NULL;
		}
		if (!list) {
			list = json_array();
			size = empty;
			n = 0;
		}
		json_push(list, json_copy(e));
		size += len;
		n++;
	}
	if (list)
		push_child(out, batch_input(batcher, list), n);
	json_free(inputs);
	return out;
}
