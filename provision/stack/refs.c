#include "refs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "intrinsics.h"

static void walk(struct stack_resource *r, const struct yaml_node *n);

static void add_ref(struct stack_resource *r, const char *id, size_t len)
{
	char *name = xstrndup(id, len);
	if (stack_find(r->stack, name) && !strvec_has(&r->refs, name))
		strvec_push(&r->refs, name);
	free(name);
}

static void add_import(struct stack_resource *r, const struct yaml_node *arg)
{
	struct eval e = {.stack = r->stack};
	struct json *v = NULL;
	struct err err = ERR_INIT;
	if (!stack_eval(&e, arg, NULL, &v, &err)) {
		const char *name = json_scalar_text(v);
		if (name && !strvec_has(&r->imports, name))
			strvec_push(&r->imports, name);
	}
	err_release(&err);
	json_free(v);
}

static void walk_sub(struct stack_resource *r, const struct yaml_node *arg)
{
	const struct yaml_node *text = arg, *variables = NULL;
	struct sub_piece piece;
	if (arg->kind == YAML_SEQUENCE && arg->nr == 2) {
		text = arg->items[0];
		variables = arg->items[1];
		walk(r, variables);
	}
	if (text->kind != YAML_SCALAR)
		return;
	for (const char *p = text->text; sub_next(&p, &piece);) {
		if (piece.kind != SUB_NAME)
			continue;
		char *name = xstrndup(piece.text, piece.len);
		if (!yaml_get(variables, name))
			add_ref(r, name, strcspn(name, "."));
		free(name);
	}
}

static void walk_children(struct stack_resource *r, const struct yaml_node *n)
{
	for (size_t i = 0; n->kind != YAML_SCALAR && i < n->nr; i++)
		walk(r, n->kind == YAML_SEQUENCE ? n->items[i] : n->pairs[i].value);
}

static void walk_call(struct stack_resource *r, const struct call *call)
{
	const struct yaml_node *arg = call->arg;
	char *id, *attribute;
	if (call->fn->eval == eval_ref) {
		if (arg->kind == YAML_SCALAR)
			add_ref(r, arg->text, strlen(arg->text));
		return;
	}
	if (call->fn->eval == eval_getatt) {
		const struct yaml_node *attribute_node;
		if (getatt_parts(call, &id, &attribute_node, &attribute)) {
			add_ref(r, id, strlen(id));
			if (!attribute)
				walk(r, attribute_node);
		}
		free(id);
		free(attribute);
		return;
	}
	if (call->fn->eval == eval_sub) {
		walk_sub(r, arg);
		return;
	}
	if (call->fn->eval == eval_import)
		add_import(r, arg);
	walk(r, arg);
}

static void walk(struct stack_resource *r, const struct yaml_node *n)
{
	struct call call;
	n = refs_chosen(r->stack, n);
	if (call_of(n, false, &call) == CALL_KNOWN)
		walk_call(r, &call);
	else
		walk_children(r, n);
}

const struct yaml_node *refs_chosen(const struct stack *s, const struct yaml_node *n)
{
	struct call call;
	while (call_of(n, false, &call) == CALL_KNOWN && call.fn->eval == eval_if &&
		call.arg->kind == YAML_SEQUENCE && call.arg->nr == 3 &&
		call.arg->items[0]->kind == YAML_SCALAR)
		n = call.arg->items[stack_condition(s, call.arg->items[0]->text) ? 1 : 2];
	return n;
}

static int note_external(void *payload, const struct eval_external *what,
	struct json **out unused_arg, struct err *err unused_arg)
{
	struct stack_resource *r = payload;
	char *key = what->type ? xasprintf("%s\n%s", what->type, what->name) : NULL;
	if (key && !strvec_has(&r->secrets, key))
		strvec_push(&r->secrets, key);
	free(key);
	return 1;
}

static void note_secrets(struct stack_resource *r)
{
	static const struct eval_ops ops = {.external = note_external};
	struct eval e = {.stack = r->stack, .ops = &ops, .payload = r};
	struct json *props = NULL;
	struct err told_later = ERR_INIT;
	if (!stack_eval_properties(&e, r, &props, &told_later))
		json_free(props);
	err_release(&told_later);
}

void refs_collect(struct stack_resource *r)
{
	if (r->template->properties)
		walk(r, r->template->properties);
	for (const char **d = r->template->depends_on; *d; d++)
		add_ref(r, *d, strlen(*d));
	note_secrets(r);
}

void stack_refs(const struct stack *s, const struct yaml_node *node, struct strvec *ids)
{
	struct stack_resource r = {
		.stack = (struct stack *)(uintptr_t)s, .refs = STRVEC_INIT, .imports = STRVEC_INIT};

	walk(&r, node);
	for (size_t i = 0; i < r.refs.nr; i++)
		if (!strvec_has(ids, r.refs.v[i]))
			strvec_push(ids, r.refs.v[i]);
	strvec_release(&r.refs);
	strvec_release(&r.imports);
}

static void fail_cycle(
	const struct stack *s, const size_t *cycle, size_t len, struct err_list *errors)
{
	struct strbuf way = STRBUF_INIT, path = STRBUF_INIT;
	for (size_t i = 0; i <= len; i++)
		strbuf_addf(&way, "%s%s", i ? " -> " : "",
			s->resources[cycle[i % len]].template->logical_id);
	const struct template_resource *first = s->resources[cycle[0]].template;
	strbuf_addf(&path, "Resources.%s", first->logical_id);
	report(errors, s->template->file, first->node, path.buf,
		"resources depend on each other in a circle: %s", way.buf);
	report_hint(errors,
		"each waits for the one after the arrow; take away one reference or DependsOn");
	strbuf_release(&way);
	strbuf_release(&path);
}

int refs_check_cycles(const struct stack *s, struct err_list *errors)
{
	struct depgraph g;
	size_t *cycle = NULL, len = 0, before = errors->nr;

	depgraph_init(&g, s->nr_resources);
	for (size_t i = 0; i < s->nr_resources; i++) {
		const struct stack_resource *r = &s->resources[i];
		for (size_t j = 0; j < r->refs.nr; j++) {
			size_t to = (size_t)(stack_find(s, r->refs.v[j]) - s->resources);
			depgraph_add(&g, i, to);
			if (to == i)
				fail_cycle(s, &i, 1, errors);
		}
	}
	if (depgraph_cycle(&g, &cycle, &len))
		fail_cycle(s, cycle, len, errors);
	free(cycle);
	depgraph_release(&g);
	return errors->nr > before ? -1 : 0;
}
