#include "variants.h"

#include <stdlib.h>
#include <string.h>
#include "evalall.h"
#include "intrinsics.h"

/* Enough for the templates that people write; each costs as much as a validate. */
#define MAX_VARIANTS 40

struct asker {
	const struct stack *s;
	const struct stack_context *ctx;
	const struct values *values;
	struct err_list *errors, *warnings;
	size_t asked;
};

/* --- which values --- */
static bool refers_to(const struct yaml_node *n, const char *name)
{
	struct call call;
	return call_of(n, true, &call) == CALL_KNOWN && call.fn->eval == eval_ref &&
	       call.arg->kind == YAML_SCALAR && !strcmp(call.arg->text, name);
}

static void add_compared(const struct yaml_node *n, const char *name, struct strvec *found)
{
	struct call call;
	if (call_of(n, true, &call) == CALL_KNOWN && call.fn->eval == eval_equals &&
		call.arg->kind == YAML_SEQUENCE && call.arg->nr == 2) {
		for (size_t i = 0; i < 2; i++) {
			const struct yaml_node *other = call.arg->items[1 - i];
			if (refers_to(call.arg->items[i], name) && other->kind == YAML_SCALAR &&
				!other->tag && !strvec_has(found, other->text))
				strvec_push(found, other->text);
		}
	}
	for (size_t i = 0; n->kind != YAML_SCALAR && i < n->nr; i++)
		add_compared(
			n->kind == YAML_SEQUENCE ? n->items[i] : n->pairs[i].value, name, found);
}

/* The values to try for a name that Conditions compare; none where they do not. */
static void candidates(
	const struct template *t, const char *name, const char *otherwise, struct strvec *found)
{
	if (t->conditions)
		add_compared(t->conditions, name, found);
	if (found->nr && otherwise && !strvec_has(found, otherwise))
		strvec_push(found, otherwise);
}

static void candidates_of_parameter(
	const struct template *t, const struct template_parameter *p, struct strvec *found)
{
	const struct yaml_node *allowed = p->allowed_values;
	candidates(t, p->name, NULL, found);
	if (!found->nr || !allowed)
		return;
	strvec_clear(found);
	for (size_t i = 0; i < allowed->nr; i++)
		strvec_push(found, allowed->items[i]->text);
}

/* --- one variant --- */
static bool told(const struct err_list *list, const struct err *e)
{
	for (size_t i = 0; i < list->nr; i++) {
		const struct err *o = &list->v[i];
		if (o->line == e->line && o->column == e->column && o->file && e->file &&
			!strcmp(o->file, e->file) && !strcmp(o->text, e->text))
			return true;
	}
	return false;
}

static void take_new(
	struct err_list *to, struct err_list *from, const char *name, const char *value)
{
	for (size_t i = 0; i < from->nr; i++) {
		if (told(to, &from->v[i]))
			continue;
		bool hinted = from->v[i].hint != NULL;
		err_list_take(to, &from->v[i]);
		if (!hinted)
			report_hint(to, "so it is when %s is %s", name, value);
	}
	err_list_release(from);
}

static void check_resources(
	const struct stack *s, struct err_list *errors, struct err_list *unevaluated)
{
	struct err_list no_warnings = ERR_LIST_INIT;
	for (size_t i = 0; i < s->nr_resources; i++) {
		struct json *props;
		eval_properties_collect(&s->resources[i], &props, NULL, unevaluated);
		stack_check_properties(&s->resources[i], props, errors, &no_warnings);
		json_free(props);
	}
	err_list_release(&no_warnings);
}

/* `value` NULL: `ctx` says what is other. */
static void try_value(struct asker *a, const struct stack_context *ctx,
	const struct param_value *value, const char *name, const char *text)
{
	struct err_list errors = ERR_LIST_INIT, unevaluated = ERR_LIST_INIT,
			ignored = ERR_LIST_INIT;
	struct values all = VALUES_INIT;
	struct template *t;

	if (a->asked++ >= MAX_VARIANTS)
		return;
	if (value)
		values_add_copy(&all, value);
	for (size_t i = 0; i < a->values->nr; i++)
		values_add_copy(&all, &a->values->v[i]);
	t = template_load(a->s->template->file, a->s->template->types, &ignored, &ignored);
	/* A value that breaks a constraint or a rule is one that never comes. */
	struct stack *s =
		t ? stack_bind(a->s->name, t, ctx, all.v, all.nr, &ignored, &ignored) : NULL;
	if (s)
		check_resources(s, &errors, &unevaluated);
	take_new(a->errors, &errors, name, text);
	take_new(a->warnings, &unevaluated, name, text);
	stack_free(s);
	values_release(&all);
	err_list_release(&ignored);
}

static void try_parameter(struct asker *a, const struct template_parameter *p)
{
	const char *now = json_scalar_text(json_get(a->s->parameters, p->name));
	struct strvec texts = STRVEC_INIT;
	if (!p->no_echo)
		candidates_of_parameter(a->s->template, p, &texts);
	for (size_t i = 0; i < texts.nr; i++) {
		const struct param_value value = {.name = (char *)(uintptr_t)p->name,
			.text = texts.v[i],
			.source = {.what = "Conditions"}};
		if (!now || strcmp(now, texts.v[i]) != 0)
			try_value(a, a->ctx, &value, p->name, texts.v[i]);
	}
	if (texts.nr && !p->allowed_values) {
		struct stack_context ctx = *a->ctx;
		ctx.other = p->name;
		try_value(a, &ctx, NULL, p->name, "another value");
	}
	strvec_release(&texts);
}

static void try_regions(struct asker *a)
{
	struct strvec texts = STRVEC_INIT;
	candidates(a->s->template, "AWS::Region", "eu-central-1", &texts);
	for (size_t i = 0; i < texts.nr; i++) {
		struct stack_context ctx = *a->ctx;
		ctx.region = texts.v[i];
		if (!a->ctx->region || strcmp(a->ctx->region, ctx.region) != 0)
			try_value(a, &ctx, NULL, "AWS::Region", texts.v[i]);
	}
	strvec_release(&texts);
}

void variants_check(const struct stack *s, const struct stack_context *ctx,
	const struct values *values, struct err_list *errors, struct err_list *warnings)
{
	struct stack_context own = *ctx;
	struct asker a = {
		.s = s, .ctx = &own, .values = values, .errors = errors, .warnings = warnings};

	own.lenient = true;
	for (size_t i = 0; i < s->template->nr_parameters; i++)
		try_parameter(&a, &s->template->parameters[i]);
	try_regions(&a);
}
