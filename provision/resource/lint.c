/* The table of rules, and what runs them. */
#include "lint_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "lint_eval.h"

#define ONE(type, fn) (type), (fn), NULL
#define ALL(fn) NULL, NULL, (fn)

const struct lint_rule lint_rules[] = {
	{"GL000", "Ignore names a rule that there is", LINT_WARNING, ALL(lint_unknown_rule), NULL},
	/* triggers and workflows */
	{"GL001", "a workflow has one start trigger", LINT_ERROR, ALL(lint_one_start), NULL},
	{"GL002", "a workflow with triggers has a start trigger", LINT_WARNING, ALL(lint_no_start),
		NULL},
	{"GL003", "a trigger waits for what its workflow starts", LINT_WARNING,
		ALL(lint_unreachable), NULL},
	{"GL004", "a trigger waits for nothing that a schedule or another chain starts",
		LINT_WARNING, ALL(lint_started_elsewhere), NULL},
	{"GL005", "triggers do not wait for each other in a circle", LINT_WARNING, ALL(lint_circle),
		NULL},
	{"GL006", "a job is not both in predicate and actions", LINT_ERROR,
		ONE(TYPE_TRIGGER, lint_awaits_itself), NULL},
	{"GL007", "a trigger starts at most two crawlers", LINT_ERROR,
		ONE(TYPE_TRIGGER, lint_crawlers_per_trigger), NULL},
	{"GL008", "a predicate's conditions are whole", LINT_ERROR,
		ONE(TYPE_TRIGGER, lint_conditions), NULL},
	{"GL009", "an action starts a job or a crawler", LINT_ERROR,
		ONE(TYPE_TRIGGER, lint_actions), NULL},
	{"GL010", "a trigger's properties go with its type", LINT_ERROR,
		ONE(TYPE_TRIGGER, lint_trigger_type), NULL},
	{"GL011", "a trigger's schedule is a cron expression of six fields", LINT_ERROR,
		ONE(TYPE_TRIGGER, lint_trigger_schedule), NULL},
	{"GL012", "StartOnCreation is for SCHEDULED and CONDITIONAL triggers", LINT_WARNING,
		ONE(TYPE_TRIGGER, lint_start_on_creation), NULL},
	{"GL013", "a conditional trigger is activated", LINT_WARNING,
		ONE(TYPE_TRIGGER, lint_never_activated), NULL},
	{"GL014", "a job with one run at a time is not started twice at once", LINT_WARNING,
		ALL(lint_two_starts_at_once), NULL},
	{"GL015", "a crawler's action has no Arguments and no Timeout", LINT_WARNING,
		ONE(TYPE_TRIGGER, lint_crawler_arguments), NULL},
	{"GL016", "a crawler is started by its schedule or by triggers, not by both", LINT_WARNING,
		ALL(lint_two_schedules), NULL},
	/* jobs */
	{"GL020", "WorkerType with NumberOfWorkers, or MaxCapacity", LINT_ERROR,
		ONE(TYPE_JOB, lint_capacity), NULL},
	{"GL021", "a pythonshell job has MaxCapacity 0.0625 or 1", LINT_ERROR,
		ONE(TYPE_JOB, lint_shell_capacity), NULL},
	{"GL022", "a job's Command has Name and ScriptLocation", LINT_ERROR,
		ONE(TYPE_JOB, lint_command), NULL},
	{"GL023", "GlueVersion is not past its end of support", LINT_WARNING,
		ONE(TYPE_JOB, lint_glue_version), NULL},
	{"GL024", "PythonVersion is not past its end of support", LINT_WARNING,
		ONE(TYPE_JOB, lint_python_version), NULL},
	{"GL025", "a DuckDB program has more than 0.0625 DPU", LINT_WARNING,
		ONE(TYPE_JOB, lint_small_duckdb), NULL},
	{"GL026", "no secret stands in plain in arguments", LINT_WARNING, ALL(lint_plain_secret),
		"PlainSecret"},
	{"GL027", "a job's time-out is less than seven days", LINT_WARNING,
		ONE(TYPE_JOB, lint_timeout), NULL},
	{"GL028", "a delay is notified before the time-out", LINT_WARNING,
		ONE(TYPE_JOB, lint_notification), NULL},
	/* roles */
	{"GL040", "a job's or crawler's role trusts glue.amazonaws.com", LINT_ERROR,
		ALL(lint_trust), NULL},
	{"GL041", "a job's role may read its program", LINT_WARNING, ALL(lint_program_right), NULL},
	{"GL042", "a role may read its sources and write its targets", LINT_WARNING,
		ALL(lint_data_right), NULL},
	{"GL043", "a role may write its logs", LINT_WARNING, ALL(lint_log_right), NULL},
	{"GL044", "who makes jobs and crawlers may pass their role", LINT_WARNING,
		ALL(lint_pass_role), NULL},
	/* crawlers and the catalog */
	{"GL060", "a crawler has targets", LINT_ERROR, ONE(TYPE_CRAWLER, lint_targets), NULL},
	{"GL061", "a crawler's schedule is a cron expression of six fields", LINT_ERROR,
		ONE(TYPE_CRAWLER, lint_crawler_schedule), NULL},
	{"GL062", "a crawler's Configuration is JSON that Glue knows", LINT_ERROR,
		ONE(TYPE_CRAWLER, lint_configuration), NULL},
	{"GL063", "a crawl of new folders only logs schema changes", LINT_ERROR,
		ONE(TYPE_CRAWLER, lint_new_folders_only), NULL},
	{"GL064", "a crawler's table level is not above its targets", LINT_WARNING,
		ONE(TYPE_CRAWLER, lint_table_level), NULL},
	{"GL065", "a crawler's target is in a bucket that there can be", LINT_WARNING,
		ONE(TYPE_CRAWLER, lint_crawled_bucket), NULL},
	{"GL066", "names of databases are in lower case", LINT_WARNING, ALL(lint_lower_case), NULL},
	/* state machines */
	{"GL080", "a state machine's definition is one that AWS takes", LINT_ERROR,
		ALL(lint_definition), NULL},
	{"GL081", "a definition's fields do what they seem to", LINT_WARNING,
		ALL(lint_definition_fields), NULL},
	{"GL082", "a definition's ${Name} is among DefinitionSubstitutions", LINT_WARNING,
		ALL(lint_substitutions), NULL},
	{"GL083", "a definition starts jobs that there are", LINT_WARNING,
		ALL(lint_definition_jobs), NULL},
	{"GL084", "the local cloud runs what a definition asks for", LINT_WARNING,
		ALL(lint_local_definition), NULL},
	{0},
};

/* --- switching off --- */

static bool names_rule(const struct yaml_node *metadata, const char *id)
{
	const struct yaml_node *list = yaml_get(yaml_get(metadata, "Glueproj"), "Ignore");

	if (list && list->kind == YAML_SCALAR)
		return strcmp(list->text, id) == 0;
	for (size_t i = 0; list && list->kind == YAML_SEQUENCE && i < list->nr; i++)
		if (list->items[i]->kind == YAML_SCALAR && !strcmp(list->items[i]->text, id))
			return true;
	return false;
}

bool lint_ignored(const struct lint_rule *rule, const struct stack_resource *r)
{
	return names_rule(r->template->metadata, rule->id) ||
	       names_rule(r->stack->template->metadata, rule->id);
}

/* --- findings --- */

void lint_say(struct lint *l, const struct lint_resource *r, const char *path, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	struct err *last;
	va_list ap;

	if (lint_ignored(l->rule, r->decl))
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	lint_error(&(struct lint_place){r->decl}, l->list, path, "%s", text.buf);
	strbuf_release(&text);
	last = &l->list->v[l->list->nr - 1];
	err_rule(last, l->rule->id);
	if (l->rule->code)
		err_named(last, l->rule->code);
}

void lint_hint(struct lint *l, const struct lint_resource *r, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	struct err_list hidden = ERR_LIST_INIT;
	va_list ap;

	if (lint_ignored(l->rule, r->decl))
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	/* lint_error knows what must not be shown */
	lint_error(&(struct lint_place){r->decl}, &hidden, "", "%s", text.buf);
	err_hint(&l->list->v[l->list->nr - 1], "%s", hidden.v[0].text);
	err_list_release(&hidden);
	strbuf_release(&text);
}

/* --- finding resources --- */

bool lint_is(const struct lint_resource *r, const char *type)
{
	return strcmp(r->decl->template->type, type) == 0;
}

const struct lint_resource *lint_find(const struct lint *l, const char *type, const char *name)
{
	const char *tail = name && starts_with(name, "arn:") ? strrchr(name, '/') : NULL;
	char *key = name ? xasprintf("%s\n%s", type, tail ? tail + 1 : name) : NULL;
	const struct lint_resource *r = key ? map_get(&l->shared->by_name, key) : NULL;

	free(key);
	return r;
}

/* --- running --- */

/* An id that no rule has hides nothing, and somebody thinks that it does. */
static void check_ignored(struct lint *l, const struct lint_resource *r, const char *id)
{
	for (const struct lint_rule *k = lint_rules; k->id; k++)
		if (!strcmp(k->id, id))
			return;
	lint_say(l, r, "", "Metadata.Glueproj.Ignore names '%s', which is no rule", id);
	lint_hint(l, r, "glueproj validate --list-rules shows them");
}

void lint_unknown_rule(struct lint *l)
{
	const struct lint_resource *r;

	lint_each(r, l)
	{
		const struct yaml_node *list =
			yaml_get(yaml_get(r->decl->template->metadata, "Glueproj"), "Ignore");

		if (list && list->kind == YAML_SCALAR)
			check_ignored(l, r, list->text);
		for (size_t i = 0; list && list->kind == YAML_SEQUENCE && i < list->nr; i++)
			if (list->items[i]->kind == YAML_SCALAR)
				check_ignored(l, r, list->items[i]->text);
	}
}

static void check_definition(const char *type, const struct json *props,
	const struct lint_place *place, struct err_list *errors)
{
	const struct lint_resource r = {.decl = place->resource, .props = props};

	for (const struct lint_rule *k = lint_rules; k->id; k++) {
		struct lint l = {.rule = k, .list = errors};

		if (k->one && k->severity == LINT_ERROR && !strcmp(k->type, type))
			k->one(&l, &r);
	}
}

void lint_check_trigger(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	check_definition(TYPE_TRIGGER, props, place, errors);
}

void lint_check_job(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	check_definition(TYPE_JOB, props, place, errors);
}

void lint_check_crawler(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	check_definition(TYPE_CRAWLER, props, place, errors);
}

static const struct lint_resource *resource_of(const struct lint_input *in, const struct err *e)
{
	for (size_t i = 0; e->stack && e->logical_id && i < in->nr; i++)
		if (!strcmp(in->v[i].decl->template->logical_id, e->logical_id) &&
			!strcmp(in->v[i].decl->stack->name, e->stack))
			return &in->v[i];
	return NULL;
}

/* What stack/ warned of under a rule's code is that rule's. */
static void adopt(const struct lint_input *in, const struct lint_rule *rule, struct err_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->nr; i++) {
		struct err *e = &list->v[i];
		const struct lint_resource *r = resource_of(in, e);

		if (strcmp(err_name(e), rule->code) == 0) {
			err_rule(e, rule->id);
			if (r && lint_ignored(rule, r->decl)) {
				err_release(e);
				continue;
			}
		}
		list->v[kept++] = *e;
	}
	list->nr = kept;
}

static void index_names(const struct lint_input *in, struct map *by_name)
{
	map_init(by_name, NULL);
	for (size_t i = 0; i < in->nr; i++) {
		char *key = in->v[i].name ? xasprintf("%s\n%s", in->v[i].decl->template->type,
						    in->v[i].name)
					  : NULL;

		if (key && !map_has(by_name, key))
			map_put(by_name, key, (void *)(uintptr_t)&in->v[i]);
		free(key);
	}
}

static void run_rule(struct lint *l, const struct lint_rule *k)
{
	const struct lint_resource *r;

	if (k->all)
		k->all(l);
	if (k->one && k->severity == LINT_WARNING)
		lint_each(r, l) if (lint_is(r, k->type)) k->one(l, r);
}

void lint_run(const struct lint_input *in, struct err_list *errors, struct err_list *warnings)
{
	struct lint_resource *v = lint_evaluate(in);
	struct lint_input known = *in;
	struct lint_shared shared = {.flow = NULL};
	size_t before = errors->nr, before_warnings = warnings ? warnings->nr : 0;

	known.v = v;
	index_names(&known, &shared.by_name);
	for (const struct lint_rule *k = lint_rules; k->id; k++) {
		struct lint l = {.in = &known,
			.shared = &shared,
			.rule = k,
			.list = k->severity == LINT_ERROR ? errors : warnings};

		if (k->code)
			adopt(in, k, warnings);
		run_rule(&l, k);
	}
	flow_free(shared.flow);
	map_release(&shared.by_name);
	lint_evaluated_free(v, in->nr);
	err_list_unique(errors, before);
	err_list_unique(warnings, before_warnings);
}
