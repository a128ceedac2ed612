/* A template and its values become a stack. */
#include "stack.h"

#include <stdlib.h>
#include <string.h>
#include "conditions.h"
#include "expand.h"
#include "evalall.h"
#include "params.h"
#include "refs.h"
#include "report.h"

static struct stack *stack_new(
	const char *name, struct template *t, const struct stack_context *ctx)
{
	struct stack *s = xcalloc(1, sizeof(*s));
	s->name = xstrdup(name);
	s->template = t;
	s->account = xstrdup(ctx->account);
	s->region = xstrdup(ctx->region);
	s->partition = xstrdup(ctx->partition ? ctx->partition : "aws");
	s->only_checked = ctx->only_checked;
	s->may_guess = ctx->secrets_may_be_unknown || ctx->bound_again;
	if (ctx->account && ctx->region)
		s->stack_id =
			xasprintf("arn:%s:cloudformation:%s:%s:stack/%s-%s/glueproj", s->partition,
				s->region, s->account, ctx->project ? ctx->project : name, name);
	strvec_init(&s->secrets);
	strvec_init(&s->notification_arns);
	map_init(&s->index, NULL);
	return s;
}

void stack_free(struct stack *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_resources; i++) {
		strvec_release(&s->resources[i].refs);
		strvec_release(&s->resources[i].imports);
		strvec_release(&s->resources[i].secrets);
	}
	free(s->resources);
	map_release(&s->index);
	template_free(s->template);
	json_free(s->parameters);
	json_free(s->lookups);
	json_free(s->conditions);
	strvec_release(&s->secrets);
	strvec_release(&s->notification_arns);
	free(s->name);
	free(s->account);
	free(s->region);
	free(s->partition);
	free(s->stack_id);
	free(s);
}

const struct stack_resource *stack_find(const struct stack *s, const char *logical_id)
{
	return map_get(&s->index, logical_id);
}

bool stack_condition(const struct stack *s, const char *condition)
{
	return !condition || json_get_truth(s->conditions, condition, false);
}

static void add_live_resources(struct stack *s)
{
	const struct template *t = s->template;
	s->resources = xcalloc(t->nr_resources + 1, sizeof(*s->resources));
	for (size_t i = 0; i < t->nr_resources; i++) {
		if (!stack_condition(s, t->resources[i].condition))
			continue;
		struct stack_resource *r = &s->resources[s->nr_resources++];
		r->template = &t->resources[i];
		r->schema = schema_find(t->types, r->template->type);
		r->stack = s;
		strvec_init(&r->refs);
		strvec_init(&r->imports);
		strvec_init(&r->secrets);
		map_put(&s->index, r->template->logical_id, r);
	}
	for (size_t i = 0; i < s->nr_resources; i++)
		refs_collect(&s->resources[i]);
}

/* Evaluates everything once with nothing known about resources: what fails now would fail in the middle of a set-up. */
static void try_all(const struct stack *s, struct err_list *errors)
{
	struct json *v;
	for (size_t i = 0; i < s->nr_resources; i++) {
		eval_properties_collect(&s->resources[i], &v, NULL, errors);
		json_free(v);
	}
	for (size_t i = 0; i < s->template->nr_outputs; i++) {
		const struct template_output *o = &s->template->outputs[i];
		if (!stack_condition(s, o->condition))
			continue;
		char *path = xasprintf("Outputs.%s.Value", o->name);
		eval_collect(s, o->value, path, &v, errors);
		if ((json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT)) && !json_is_unknown(v)) {
			report(errors, s->template->file, o->value, path,
				"an output must be a text, not a %s",
				json_is(v, JSON_ARRAY) ? "list" : "mapping");
			report_hint(errors, "Fn::Join or Fn::ToJsonString makes a text of it");
		}
		json_free(v);
		free(path);
		if (!o->export_name)
			continue;
		path = xasprintf("Outputs.%s.Export.Name", o->name);
		eval_collect(s, o->export_name, path, &v, errors);
		json_free(v);
		free(path);
	}
}

struct stack *stack_bind(const char *name, struct template *t, const struct stack_context *ctx,
	const struct param_value *values, size_t nr_values, struct err_list *errors,
	struct err_list *warnings)
{
	struct stack *s = stack_new(name, t, ctx);
	size_t before = errors->nr;
	bool bound = false;

	/* Each stage needs the one before: its errors alone are worth reading. */
	if (params_bind(s, values, nr_values, ctx, errors) ||
		template_expand(s, errors, warnings) || conditions_bind(s, errors, warnings) ||
		(!s->secrets_unknown && rules_check(s, errors, warnings)))
		goto out;
	add_live_resources(s);
	/* What follows from a guess is not to be told. */
	if (!s->guessed || !s->may_guess) {
		if (refs_check_cycles(s, errors))
			goto out;
		if (!ctx->lenient)
			try_all(s, errors);
	}
	bound = errors->nr == before;
	err_list_unique(errors, before);
out:
	if (!bound) {
		stack_free(s);
		return NULL;
	}
	return s;
}
