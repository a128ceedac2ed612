/* plan, status, outputs and validate: what reads only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

static char *value_text(const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;

	if (!v)
		return xstrdup("(none)");
	if (json_is_unknown(v))
		return xstrdup("(known after set-up)");
	json_print(v, &sb);
	return strbuf_detach(&sb, NULL);
}

static void print_properties(const struct json *change)
{
	struct json *p;

	json_each(p, json_get(change, "properties"))
	{
		char *before = value_text(json_get(p, "before")),
		     *after = value_text(json_get(p, "after"));
		printf("      %s: %s -> %s%s\n", json_get_str(p, "path"), before, after,
			!strcmp(json_get_str(p, "effect") ? json_get_str(p, "effect") : "",
				"replace")
				? "  (replaces)"
				: "");
		free(before);
		free(after);
	}
}

void plan_print(const struct json *list, const char *title)
{
	struct json *c;

	json_each(c, list)
	{
		printf("  %s %s/%s  %s", title ? title : json_get_str(c, "action"),
			json_get_str(c, "stack"), json_get_str(c, "logical_id"),
			json_get_str(c, "type"));
		if (json_get_str(c, "physical_id"))
			printf("  %s", json_get_str(c, "physical_id"));
		printf("  (%s)%s\n", json_get_str(c, "reason"),
			json_get_truth(c, "data_loss", false) ? "  DATA LOSS" : "");
		print_properties(c);
	}
}

int cmd_plan(struct session *s)
{
	struct engine_opts opts = {0};
	struct engine *e = session_engine(s, &opts, false);
	bool changes;
	int ret;

	if (!e)
		return -1;
	ret = engine_plan(e, s->o.drift, &s->errors, &s->warnings);
	engine_foresee_data_loss(e, &s->warnings);
	engine_report_plan(e, s->doc, s->o.drift);
	plan_hide_secrets(s, json_get(s->doc, "changes"));
	plan_hide_secrets(s, json_get(s->doc, "drift"));
	changes = engine_plan_has_changes(e);
	engine_free(e);
	if (!s->json) {
		plan_print(json_get(s->doc, "changes"), NULL);
		plan_print(json_get(s->doc, "drift"), "drift");
		if (!changes && !ret)
			printf("plan: nothing to do\n");
		else
			printf("plan: %zu change%s\n", json_len(json_get(s->doc, "changes")),
				json_len(json_get(s->doc, "changes")) == 1 ? "" : "s");
	}
	return !ret && changes && s->o.detailed_exitcode ? EXIT_CHANGES : ret;
}

static int check_stack_operand(struct session *s, const char **stack)
{
	struct err err = ERR_INIT;

	*stack = s->operands.nr ? s->operands.v[0] : NULL;
	if (!*stack || project_stack(s->project, *stack))
		return 0;
	err_set(&err, ERR_USAGE, "project '%s' has no stack '%s'", s->project->name, *stack);
	return session_fail(s, &err);
}

/* Whose something is, is what status tells: it is not a failure here. */
static int forgive_foreign(struct session *s, int ret)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->errors.nr; i++) {
		if (s->errors.v[i].code == ERR_NOT_OWNED)
			err_release(&s->errors.v[i]);
		else
			s->errors.v[kept++] = s->errors.v[i];
	}
	s->errors.nr = kept;
	return kept ? -1 : (ret < 0 ? 0 : ret);
}

static bool hangs_on_secret(const struct stack *stack, const char *logical_id)
{
	const struct stack_resource *r = stack_find(stack, logical_id);
	struct eval eval = {.stack = stack};
	struct json *props = NULL;
	struct err ignored = ERR_INIT;
	bool secret = r && !stack_eval_properties(&eval, r, &props, &ignored) && eval.has_secret;

	err_release(&ignored);
	json_free(props);
	return secret;
}

/* Without the secrets nobody can say whether what was made of them is still the same. */
static void admit_ignorance(struct session *s)
{
	struct json *list, *r;

	json_each(list, json_get(s->doc, "stacks"))
	{
		const struct stack *stack = project_stack(s->project, json_get_str(list, "name"));

		if (!stack || !stack->secrets_unknown)
			continue;
		json_each(r, json_get(list, "resources"))
		{
			const char *state = json_get_str(r, "state");

			if (state && !strcmp(state, "changed") &&
				hangs_on_secret(stack, json_get_str(r, "logical_id")))
				json_set_str(r, "state", "unknown");
		}
	}
}

int cmd_status(struct session *s)
{
	struct engine_opts opts = {0};
	struct json *stack, *r;
	struct engine *e;
	int ret;

	if (check_stack_operand(s, &opts.only_stack) < 0)
		return -1;
	e = session_engine(s, &opts, false);
	if (!e)
		return -1;
	ret = forgive_foreign(s, engine_plan(e, false, &s->errors, &s->warnings));
	engine_report_status(e, s->doc);
	engine_free(e);
	admit_ignorance(s);
	if (!s->json) {
		struct table *t = table_new(5);
		table_row(t, (const char *[]){"STACK", "RESOURCE", "TYPE", "STATE", "NAME"});
		json_each(stack, json_get(s->doc, "stacks"))
			json_each(r, json_get(stack, "resources")) table_row(t,
				(const char *[]){json_get_str(stack, "name"),
					json_get_str(r, "logical_id"), json_get_str(r, "type"),
					json_get_str(r, "state"), json_get_str(r, "physical_id")});
		table_print(t, true);
	}
	return ret;
}

int cmd_outputs(struct session *s)
{
	struct engine_opts opts = {0};
	struct json *outputs, *stack, *o;
	struct err err = ERR_INIT;
	struct engine *e;
	int ret;

	if (check_stack_operand(s, &opts.only_stack) < 0)
		return -1;
	e = session_engine(s, &opts, false);
	if (!e)
		return -1;
	ret = forgive_foreign(s, engine_plan(e, false, &s->errors, &s->warnings));
	outputs = ret ? NULL : engine_outputs(e, &err);
	engine_free(e);
	if (!outputs)
		return err.code ? session_fail(s, &err) : ret;
	if (!s->json)
		json_each(stack, outputs) json_each(o, stack)
			printf("%s.%s=%s\n", json_name(stack), json_name(o), json_str(o));
	json_set(s->doc, "outputs", outputs);
	return 0;
}

int cmd_validate(struct session *s)
{
	struct engine *e;
	size_t resources = 0;

	if (s->o.list_rules)
		return lint_list_rules(s);
	e = session_engine(s, &(struct engine_opts){0}, false);
	if (!e)
		return -1;
	engine_free(e);
	for (size_t i = 0; i < s->project->nr_stacks; i++)
		resources += s->project->stacks[i]->nr_resources;
	if (!s->json)
		printf("valid: %zu stacks, %zu resources\n", s->project->nr_stacks, resources);
	return 0;
}
