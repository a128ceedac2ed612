/* The project's resources, and a Glue workflow's triggers, as drawings. */
#include <stdlib.h>
#include <string.h>
#include "graph_parts.h"
#include "json.h"

struct scene {
	struct drawing *d;
	const char *only; /* of one stack, or workflow */
};

/* --- resources --- */

static char *vertex_id(const struct engine_vertex *v)
{
	return xasprintf("%s/%s", v->stack, v->logical_id);
}

static void draw_vertex(const struct scene *scene, const struct engine_vertex *v, const char *id)
{
	char *label = xasprintf("%s\n%s", v->logical_id, v->type);
	bool mine = !scene->only || !strcmp(scene->only, v->stack);

	draw_node(scene->d, id, label, DRAW_BOX, mine ? DRAW_PLAIN : DRAW_FAINT);
	free(label);
}

static void take_vertex(void *payload, const struct engine_vertex *v,
	const struct engine_vertex *needs, size_t nr_needs)
{
	const struct scene *scene = payload;
	char *id = vertex_id(v);

	if (!scene->only || !strcmp(scene->only, v->stack)) {
		draw_vertex(scene, v, id);
		for (size_t i = 0; i < nr_needs; i++) {
			char *need = vertex_id(&needs[i]);
			if (scene->only && strcmp(scene->only, needs[i].stack) != 0)
				draw_vertex(scene, &needs[i], need);
			draw_edge(scene->d, id, need, NULL, DRAW_SOLID);
			free(need);
		}
	}
	free(id);
}

void graph_resources(const struct engine *e, const char *stack, struct drawing *d)
{
	struct scene scene = {d, stack};

	engine_graph(e, take_vertex, &scene);
}

/* --- workflows --- */

/* A job or crawler that a trigger starts or waits for; *id is the caller's. False: it names none. */
static bool draw_runner(struct drawing *d, const struct json *from, char **id)
{
	const char *job = json_get_str(from, "JobName"),
		   *crawler = json_get_str(from, "CrawlerName");
	char *label;

	if (!job && !crawler)
		return false;
	*id = xasprintf("%s %s", job ? "job" : "crawler", job ? job : crawler);
	label = xasprintf("%s\n%s", job ? job : crawler, job ? "job" : "crawler");
	draw_node(d, *id, label, job ? DRAW_BOX : DRAW_OVAL, DRAW_PLAIN);
	free(label);
	return true;
}

static char *trigger_label(const char *name, const struct json *props)
{
	const char *type = json_get_str(props, "Type"), *schedule = json_get_str(props, "Schedule"),
		   *logical = json_str(json_path(props, "Predicate.Logical"));
	size_t conditions = json_len(json_path(props, "Predicate.Conditions"));
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "%s\n", name);
	if (schedule)
		strbuf_addstr(&sb, schedule);
	else if (type && !strcmp(type, "ON_DEMAND"))
		strbuf_addstr(&sb, "on demand");
	else if (type && !strcmp(type, "EVENT"))
		strbuf_addstr(&sb, "on events");
	else if (conditions > 1)
		strbuf_addstr(&sb, logical && !strcmp(logical, "ANY") ? "when any" : "when all");
	else
		strbuf_addstr(&sb, "then");
	return strbuf_detach(&sb, NULL);
}

static void draw_trigger(struct drawing *d, const char *name, const struct json *props)
{
	char *trigger = xasprintf("trigger %s", name), *label = trigger_label(name, props), *id;
	const struct json *c;

	draw_node(d, trigger, label, DRAW_ROUND, DRAW_PLAIN);
	json_each(c, json_path(props, "Predicate.Conditions"))
	{
		const char *state = json_get_str(c, "State");
		if (!draw_runner(d, c, &id))
			continue;
		state = state ? state : json_get_str(c, "CrawlState");
		draw_edge(d, id, trigger, state,
			state && strcmp(state, "SUCCEEDED") != 0 ? DRAW_DASHED : DRAW_SOLID);
		free(id);
	}
	json_each(c, json_get(props, "Actions"))
	{
		if (!draw_runner(d, c, &id))
			continue;
		draw_edge(d, trigger, id, NULL, DRAW_SOLID);
		free(id);
	}
	free(trigger);
	free(label);
}

static void take_trigger(void *payload, const struct engine_resource *r)
{
	const struct scene *scene = payload;
	const char *workflow = json_get_str(r->props, "WorkflowName");

	if (!strcmp(r->decl->template->type, "AWS::Glue::Trigger") && workflow &&
		!strcmp(workflow, scene->only))
		draw_trigger(scene->d, r->name ? r->name : r->decl->template->logical_id, r->props);
}

void graph_workflow(const struct engine *e, const char *workflow, struct drawing *d)
{
	struct scene scene = {d, workflow};

	engine_look(e, take_trigger, &scene);
}
