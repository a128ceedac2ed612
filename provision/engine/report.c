/* CONTRACT.md's documents out of nodes, in set-up order. */
#include <stdlib.h>
#include <string.h>
#include "err_json.h"
#include "node.h"
#include "xalloc.h"

static void set_str_or_null(struct json *obj, const char *name, const char *s)
{
	json_set(obj, name, s ? json_string(s) : json_null());
}

static bool shown(const struct node *n)
{
	/* What is gone from template and cloud is no news. */
	return n->in_scope && !(n->leftover && n->action == ACTION_NONE);
}

static enum node_status final_status(const struct node *n)
{
	if (!n->planned && n->status != STATUS_FAILED)
		return STATUS_SKIPPED;
	if (n->action == ACTION_NONE || n->action == ACTION_RETAIN)
		return n->status == STATUS_FAILED ? STATUS_FAILED : STATUS_DONE;
	return n->status;
}

/* As CloudFormation has it: what Ref gives, which for some types only the live resource knows. */
static void set_physical_id(struct json *j, const struct engine *e, const struct node *n)
{
	const struct type_schema *schema = &n->type->schema;
	const struct type_ctx *ctx = e->opts.ctx;
	const char *id =
		schema->ref_attribute ? json_get_str(n->live.attrs, schema->ref_attribute) : NULL;
	char *text = NULL;

	if (!id && n->name && schema->ref_format)
		id = text = schema_format(schema->ref_format, ctx->partition, ctx->region,
			ctx->account, n->name, n->props ? n->props : n->recorded_fields);
	set_str_or_null(j, "physical_id", id ? id : n->name);
	free(text);
}

static struct json *resource_json(const struct engine *e, const struct node *n)
{
	struct json *j = json_object();

	json_set_str(j, "logical_id", n->logical_id);
	json_set_str(j, "type", n->type->schema.name);
	set_physical_id(j, e, n);
	json_set_str(j, "action", node_action_name(n->action));
	json_set_str(j, "status", node_status_name(final_status(n)));
	json_set_dbl(j, "seconds", n->seconds);
	if (n->err.code)
		json_set(j, "error", err_to_json(&n->err));
	return j;
}

/* Names of all stacks that have something to show: the project's in order, then those that only the record knows. */
static void stack_names(const struct engine *e, struct strvec *names)
{
	for (size_t i = 0; i < e->opts.project->nr_stacks; i++) {
		const char *name = e->opts.project->stacks[i]->name;
		if (!e->opts.only_stack || !strcmp(e->opts.only_stack, name))
			strvec_push(names, name);
	}
	for (size_t i = 0; i < e->nr; i++)
		if (shown(e->nodes[i]) && !strvec_has(names, e->nodes[i]->stack))
			strvec_push(names, e->nodes[i]->stack);
}

typedef struct json *node_json_fn(const struct engine *e, const struct node *n);

static struct json *stacks_json(const struct engine *e, node_json_fn *make, bool outputs)
{
	struct json *stacks = json_array();
	struct strvec names = STRVEC_INIT;
	size_t *order = xcalloc(e->nr + 1, sizeof(*order));

	depgraph_order(&e->graph, order);
	stack_names(e, &names);
	for (size_t i = 0; i < names.nr; i++) {
		struct json *s = json_object(), *list = json_array();
		json_set_str(s, "name", names.v[i]);
		for (size_t k = 0; k < e->nr; k++) {
			const struct node *n = e->nodes[order[k]];
			if (shown(n) && !(make == resource_json && engine_superseded(n)) &&
				!strcmp(n->stack, names.v[i]))
				json_push(list, make(e, n));
		}
		json_set(s, "resources", list);
		if (outputs) {
			struct json *out = json_object();
			for (size_t k = 0; k < e->nr_records; k++)
				if (!strcmp(e->records[k]->stack, names.v[i])) {
					json_free(out);
					out = json_copy(e->records[k]->outputs);
				}
			json_set(s, "outputs", out);
		}
		json_push(stacks, s);
	}
	strvec_release(&names);
	free(order);
	return stacks;
}

struct tally {
	int64_t created, updated, replaced, unchanged, deleted, adopted, retained, failed, skipped;
};

static void count(const struct node *n, struct tally *t)
{
	enum node_status status = final_status(n);

	if (status == STATUS_FAILED) {
		t->failed++;
		return;
	}
	if (status == STATUS_SKIPPED) {
		t->skipped++;
		return;
	}
	switch (n->action) {
	case ACTION_CREATE:
	case ACTION_UPLOAD:
	case ACTION_START:
		t->created++;
		break;
	case ACTION_UPDATE:
		t->updated++;
		break;
	case ACTION_REPLACE:
		t->replaced++;
		break;
	case ACTION_DELETE:
		t->deleted++;
		break;
	case ACTION_ADOPT:
		t->adopted++;
		break;
	case ACTION_RETAIN:
		t->retained++;
		break;
	case ACTION_NONE:
		t->unchanged++;
		break;
	}
}

static struct json *summary_json(const struct engine *e, double seconds, uint64_t requests)
{
	struct json *j = json_object();
	struct tally t = {0};

	for (size_t i = 0; i < e->nr; i++)
		if (shown(e->nodes[i]) && !engine_superseded(e->nodes[i]))
			count(e->nodes[i], &t);
	json_set_i64(j, "created", t.created);
	json_set_i64(j, "updated", t.updated);
	json_set_i64(j, "replaced", t.replaced);
	json_set_i64(j, "unchanged", t.unchanged);
	json_set_i64(j, "deleted", t.deleted);
	json_set_i64(j, "adopted", t.adopted);
	json_set_i64(j, "retained", t.retained);
	json_set_i64(j, "failed", t.failed);
	json_set_i64(j, "skipped", t.skipped);
	json_set_i64(j, "requests", (int64_t)requests);
	json_set_dbl(j, "seconds", seconds);
	return j;
}

void engine_report(const struct engine *e, struct json *doc, double seconds, uint64_t requests)
{
	struct json *swept = json_array(), *item;

	json_set(doc, "stacks", stacks_json(e, resource_json, true));
	json_set(doc, "summary", summary_json(e, seconds, requests));
	json_set(doc, "left", json_copy(e->left));
	for (size_t i = 0; i < e->nr; i++)
		json_each(item, e->nodes[i]->swept) json_push(swept, json_copy(item));
	json_set(doc, "swept", swept);
}

static struct json *change_json(const struct engine *e, const struct node *n, bool drift)
{
	struct json *j = json_object();

	json_set_str(j, "stack", n->stack);
	json_set_str(j, "logical_id", n->logical_id);
	json_set_str(j, "type", n->type->schema.name);
	set_physical_id(j, e, n);
	json_set_str(j, "action", drift ? "update" : node_action_name(n->action));
	json_set_bool(j, "data_loss", !drift && n->loses);
	json_set_str(
		j, "reason", drift ? "the live resource differs from the template" : n->reason);
	json_set(j, "properties", n->changes ? json_copy(n->changes) : json_array());
	return j;
}

void engine_report_plan(const struct engine *e, struct json *doc, bool drift)
{
	struct json *changes = json_array(), *drifts = json_array();
	size_t *order = xcalloc(e->nr + 1, sizeof(*order));

	depgraph_order(&e->graph, order);
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[order[i]];
		if (!shown(n) || n->foreign || engine_superseded(n))
			continue;
		if (n->action != ACTION_NONE)
			json_push(changes, change_json(e, n, false));
		else if (json_len(n->changes))
			json_push(drifts, change_json(e, n, true));
	}
	free(order);
	json_set(doc, "changes", changes);
	if (drift)
		json_set(doc, "drift", drifts);
	else
		json_free(drifts);
}

static struct json *state_json(const struct engine *e, const struct node *n)
{
	struct json *j = json_object();
	const char *state = "present";

	if (!n->read)
		state = "unknown";
	else if (!n->live.exists)
		state = "absent";
	else if (n->foreign)
		state = "foreign";
	else if (n->action != ACTION_NONE && n->action != ACTION_RETAIN)
		state = "changed";
	json_set_str(j, "logical_id", n->logical_id);
	json_set_str(j, "type", n->type->schema.name);
	set_physical_id(j, e, n);
	json_set_str(j, "state", state);
	if (n->err.code)
		json_set(j, "error", err_to_json(&n->err));
	return j;
}

void engine_report_status(const struct engine *e, struct json *doc)
{
	json_set(doc, "stacks", stacks_json(e, state_json, true));
}

struct json *engine_outputs(struct engine *e, struct err *err)
{
	struct json *all = json_object();

	for (size_t i = 0; i < e->opts.project->nr_stacks; i++) {
		const struct stack *s = e->opts.project->stacks[i];
		bool unknown;
		struct json *outputs;

		if (e->opts.only_stack && strcmp(e->opts.only_stack, s->name) != 0)
			continue;
		outputs = engine_stack_outputs(e, s, &unknown, err);
		if (!outputs) {
			json_free(all);
			return NULL;
		}
		json_set(all, s->name, outputs);
	}
	return all;
}

int engine_output_value(void *engine, const char *output, char **value, struct err *err)
{
	struct engine *e = engine;

	for (size_t i = 0; i < e->opts.project->nr_stacks; i++) {
		const struct stack *s = e->opts.project->stacks[i];
		bool unknown;
		struct json *outputs = engine_stack_outputs(e, s, &unknown, err);

		if (!outputs)
			return -1;
		if (json_get_str(outputs, output)) {
			*value = xstrdup(json_get_str(outputs, output));
			json_free(outputs);
			return 0;
		}
		json_free(outputs);
	}
	return 1;
}

static struct engine_vertex vertex_of(const struct node *n)
{
	return (struct engine_vertex){n->stack, n->logical_id, n->type->schema.name};
}

void engine_graph(const struct engine *e, engine_vertex_fn *fn, void *payload)
{
	struct engine_vertex *needs = NULL;
	size_t alloc = 0;

	for (size_t i = 0; i < e->nr; i++) {
		struct engine_vertex v = vertex_of(e->nodes[i]);
		size_t nr = 0;
		for (size_t k = 0; k < e->graph.nodes[i].nr_needs; k++) {
			ALLOC_GROW(needs, nr, alloc);
			needs[nr++] = vertex_of(e->nodes[e->graph.nodes[i].needs[k]]);
		}
		fn(payload, &v, needs, nr);
	}
	free(needs);
}
