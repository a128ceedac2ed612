/*
 * Properties as they will be, as far as anybody can say before set-up. The engine waits for what only the live resource
 * tells; an ARN that AWS makes of account and name by rule can be told now, and is good enough to see which resource is
 * meant.
 */
#include "lint_eval.h"

#include <stdlib.h>
#include <string.h>
#include "map.h"
#include "strbuf.h"

struct lint_eval {
	const struct lint_input *in;
	struct map by_decl;   /* "stack/logical-id" to struct lint_resource */
	struct map by_export; /* export name to struct exported */
	unsigned imports;     /* within each other */
};
/* An export may be made of an import; one that is made of itself has no end. */
#define MAX_IMPORTS 32

struct exported {
	const struct stack *stack;
	const struct yaml_node *value;
};

/* What the types' tables leave to the live resource; attribute NULL: Ref. */
static const struct {
	const char *type, *attribute, *format;
} by_rule[] = {
	{TYPE_ROLE, "Arn", "arn:{partition}:iam::{account}:role{Path|/}{name}"},
	{"AWS::IAM::ManagedPolicy", NULL, "arn:{partition}:iam::{account}:policy{Path|/}{name}"},
	{"AWS::IAM::ManagedPolicy", "PolicyArn",
		"arn:{partition}:iam::{account}:policy{Path|/}{name}"},
	{"AWS::SecretsManager::Secret", NULL,
		"arn:{partition}:secretsmanager:{region}:{account}:secret:{name}"},
};

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static const char *format_of(const struct stack_resource *r, const char *attribute)
{
	const struct attribute *a = r->schema ? r->schema->attributes : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(by_rule); i++)
		if (!strcmp(by_rule[i].type, r->template->type) &&
			same(by_rule[i].attribute, attribute))
			return by_rule[i].format;
	if (!attribute && r->schema && !r->schema->ref_format && !r->schema->ref_attribute)
		return "{name}";
	if (!attribute)
		return r->schema ? r->schema->ref_format : NULL;
	while (a && a->name && strcmp(a->name, attribute) != 0)
		a++;
	return a && a->name ? a->format : NULL;
}

static char *id_of(const struct stack_resource *r)
{
	return xasprintf("%s/%s", r->stack->name, r->template->logical_id);
}

static int attribute_of(void *payload, const struct stack_resource *r, const char *attribute,
	struct json **out, unused_arg struct err *err)
{
	const struct lint_eval *e = payload;
	const char *format = format_of(r, attribute);
	char *id = id_of(r), *text;
	const struct lint_resource *found = map_get(&e->by_decl, id);

	free(id);
	if (!found || !found->name || !format)
		return 1;
	text = schema_format(
		format, e->in->partition, e->in->region, e->in->account, found->name, found->props);
	*out = json_string(text);
	free(text);
	return 0;
}

static int import_of(void *payload, const char *name, struct json **out, struct err *err);

static const struct eval_ops ops = {.attribute = attribute_of, .import = import_of};

static int import_of(void *payload, const char *name, struct json **out, struct err *err)
{
	struct lint_eval *e = payload;
	const struct exported *x = map_get(&e->by_export, name);
	struct eval eval = {.stack = x ? x->stack : NULL, .ops = &ops, .payload = e};
	int ret;

	if (!x || e->imports == MAX_IMPORTS)
		return 1;
	e->imports++;
	ret = stack_eval(&eval, x->value, "Outputs", out, err);
	e->imports--;
	if (ret < 0)
		return -1;
	if (!eval.has_secret && !json_has_unknown(*out))
		return 0;
	json_free(*out);
	*out = NULL;
	return 1;
}

static void collect_exports(struct lint_eval *e, const struct stack *s)
{
	for (size_t i = 0; i < s->template->nr_outputs; i++) {
		const struct template_output *o = &s->template->outputs[i];
		struct eval eval = {.stack = s};
		struct json *name = NULL;
		struct err ignored = ERR_INIT;

		if (o->export_name && stack_condition(s, o->condition) &&
			!stack_eval(&eval, o->export_name, "Outputs", &name, &ignored) &&
			json_str(name) && !map_has(&e->by_export, json_str(name))) {
			struct exported *x = xcalloc(1, sizeof(*x));

			*x = (struct exported){s, o->value};
			map_put(&e->by_export, json_str(name), x);
		}
		json_free(name);
		err_release(&ignored);
	}
}

static struct json *evaluate(struct lint_eval *e, const struct lint_resource *r)
{
	struct eval eval = {.stack = r->decl->stack, .ops = &ops, .payload = e};
	struct json *props = NULL;
	struct err ignored = ERR_INIT;

	if (!json_has_unknown(r->props) || stack_eval_properties(&eval, r->decl, &props, &ignored))
		props = json_copy(r->props);
	err_release(&ignored);
	return props;
}

struct lint_resource *lint_evaluate(const struct lint_input *in)
{
	struct lint_eval e = {.in = in};
	struct lint_resource *v = xcalloc(in->nr ? in->nr : 1, sizeof(*v));

	map_init(&e.by_decl, NULL);
	map_init(&e.by_export, free);
	for (size_t i = 0; i < in->nr_stacks; i++)
		collect_exports(&e, in->stacks[i]);
	for (size_t i = 0; i < in->nr; i++) {
		char *id = id_of(in->v[i].decl);

		map_put(&e.by_decl, id, (void *)(uintptr_t)&in->v[i]);
		free(id);
	}
	for (size_t i = 0; i < in->nr; i++) {
		v[i] = in->v[i];
		struct json *props = evaluate(&e, &in->v[i]);
		if (in->v[i].secret_paths)
			stack_forget_secrets(props, in->v[i].secret_paths);
		v[i].props = props;
	}
	map_release(&e.by_decl);
	map_release(&e.by_export);
	return v;
}

void lint_evaluated_free(struct lint_resource *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		json_free((struct json *)(uintptr_t)v[i].props);
	free(v);
}
