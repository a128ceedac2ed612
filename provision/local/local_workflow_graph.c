/* The graph of a workflow ("Workflow graph", AWS Glue Web API Reference): triggers, and the jobs and crawlers that they
 * start or wait for. One node for each name; an edge from a trigger to what it starts, and to it from what it waits for. */
#include "local_glue.h"

#include "digest.h"

char *local_graph_node_id(const char *workflow, const char *type, const char *name)
{
	struct strbuf text = STRBUF_INIT, id = STRBUF_INIT;

	strbuf_addf(&text, "%s\n%s\n%s", workflow, type, name);
	strbuf_addstr(&id, "wnode_");
	digest_sha256_hex(text.buf, text.len, &id);
	strbuf_release(&text);
	return strbuf_detach(&id, NULL);
}

static void add_node(struct json *nodes, const char *workflow, const char *type, const char *name,
	const struct json *trigger)
{
	char *id = local_graph_node_id(workflow, type, name);
	struct json *node, *details = json_object();

	json_each(node, nodes)
	{
		if (strcmp(json_get_str(node, "UniqueId"), id) == 0) {
			json_free(details);
			free(id);
			return;
		}
	}
	node = json_object();
	json_set_str(node, "Type", type);
	json_set_str(node, "Name", name);
	json_set_str(node, "UniqueId", id);
	if (trigger) {
		json_set(details, "Trigger", json_copy(trigger));
		json_set(node, "TriggerDetails", details);
	} else {
		bool job = strcmp(type, "JOB") == 0;

		json_set(details, job ? "JobRuns" : "Crawls", json_array());
		json_set(node, job ? "JobDetails" : "CrawlerDetails", details);
	}
	json_push(nodes, node);
	free(id);
}

/* Adds the job or crawler that an action or condition names, and its edge from or to the trigger. */
static void add_target(struct json *nodes, struct json *edges, const char *workflow,
	const struct json *part, const char *trigger, bool action)
{
	const char *job = json_get_str(part, "JobName"),
		   *name = job ? job : json_get_str(part, "CrawlerName"),
		   *type = job ? "JOB" : "CRAWLER";
	char *here = local_graph_node_id(workflow, "TRIGGER", trigger);
	char *there;
	struct json *edge, *e;
	bool known = false;

	if (!name) {
		free(here);
		return;
	}
	there = local_graph_node_id(workflow, type, name);
	add_node(nodes, workflow, type, name, NULL);
	edge = json_object();
	json_set_str(edge, "SourceId", action ? here : there);
	json_set_str(edge, "DestinationId", action ? there : here);
	json_each(e, edges) known = known || json_equal(e, edge);
	if (known)
		json_free(edge);
	else
		json_push(edges, edge);
	free(here);
	free(there);
}

struct json *local_graph_make(const char *workflow, const struct json *triggers)
{
	struct json *graph = json_object(), *nodes = json_array(), *edges = json_array(), *t, *e;

	json_each(t, triggers) add_node(nodes, workflow, "TRIGGER", json_get_str(t, "Name"), t);
	json_each(t, triggers)
	{
		const char *name = json_get_str(t, "Name");

		json_each(e, json_get(t, "Actions"))
			add_target(nodes, edges, workflow, e, name, true);
		json_each(e, json_path(t, "Predicate.Conditions"))
			add_target(nodes, edges, workflow, e, name, false);
	}
	json_set(graph, "Nodes", nodes);
	json_set(graph, "Edges", edges);
	return graph;
}

void local_graph_downstream(const struct json *graph, const struct strvec *from, struct strvec *out)
{
	struct strvec todo = STRVEC_INIT;
	struct json *e;

	for (size_t i = 0; i < from->nr; i++)
		strvec_push(&todo, from->v[i]);
	for (size_t i = 0; i < todo.nr; i++) {
		json_each(e, json_get(graph, "Edges"))
		{
			const char *to = json_get_str(e, "DestinationId");

			if (strcmp(json_get_str(e, "SourceId"), todo.v[i]) != 0 ||
				strvec_has(out, to))
				continue;
			strvec_push(out, to);
			strvec_push(&todo, to);
		}
	}
	strvec_release(&todo);
}

static const struct {
	const char *state, *member;
} counted[] = {
	{"SUCCEEDED", "SucceededActions"},
	{"FAILED", "FailedActions"},
	{"TIMEOUT", "TimeoutActions"},
	{"STOPPED", "StoppedActions"},
	{"CANCELLED", "StoppedActions"},
	{"ERROR", "ErroredActions"},
	{"WAITING", "WaitingActions"},
	{"RUNNING", "RunningActions"},
	{"STARTING", "RunningActions"},
	{"STOPPING", "RunningActions"},
	{"CANCELLING", "RunningActions"},
	{"PENDING", "RunningActions"},
};

struct json *local_statistics_new(size_t total)
{
	struct json *s = json_object();

	json_set_i64(s, "TotalActions", (int64_t)total);
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
		json_set_i64(s, counted[i].member, 0);
	return s;
}

void local_statistics_count(struct json *statistics, const char *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		const char *member = counted[i].member;

		if (strcmp(counted[i].state, state) == 0)
			json_set_i64(statistics, member, json_get_i64(statistics, member, 0) + 1);
	}
}
