#include "plain.h"

#include <stdlib.h>
#include <string.h>
#include "coerce.h"
#include "intrinsics.h"

#define LOOP "Fn::ForEach::"

bool plain_is_loop(const char *key)
{
	return starts_with(key, LOOP);
}

/* --- values --- */
static struct json *value_of(const struct yaml_node *n, bool as_text);

/* What these are given is text to them: 1.10 and `yes` keep what was written. */
static bool takes_texts(const struct intrinsic *fn)
{
	return fn->eval == eval_join || fn->eval == eval_sub || fn->eval == eval_equals ||
	       fn->eval == eval_select || fn->eval == eval_split || fn->eval == eval_find_in_map;
}

/* A condition may be called No. */
static void name_condition(const struct call *call, struct json *arg)
{
	const struct yaml_node *n = call->arg;

	if (call->fn->eval == eval_if && n->kind == YAML_SEQUENCE && n->nr &&
		n->items[0]->kind == YAML_SCALAR && json_first(arg))
		json_replace(arg, json_first(arg), value_of(n->items[0], true));
}

static struct json *scalar_of(const struct yaml_node *n, bool as_text)
{
	struct json *v = scalar_value(n);
	const char *text = json_scalar_text(v);
	if (!as_text || !text)
		return v;
	struct json *s = json_string(text);
	json_free(v);
	return s;
}

static struct json *call_value(const struct call *call, bool as_text)
{
	char *id = NULL, *attribute = NULL;
	const struct yaml_node *node;
	struct json *out = json_object(), *arg = NULL;

	if (call->fn->eval == eval_getatt && call->arg->kind == YAML_SCALAR &&
		getatt_parts(call, &id, &node, &attribute)) {
		arg = json_array();
		json_push_str(arg, id);
		json_push_str(arg, attribute);
	}
	if (!arg)
		arg = value_of(call->arg,
			as_text || takes_texts(call->fn) || call->arg->kind == YAML_SCALAR);
	name_condition(call, arg);
	/* A loop's key has its own name behind the function's. */
	json_set(out, call->node->tag ? call->fn->name : call->node->pairs[0].key->text, arg);
	free(id);
	free(attribute);
	return out;
}

static struct json *value_of(const struct yaml_node *n, bool as_text)
{
	struct call call;
	struct json *out;

	if (call_of(n, false, &call) == CALL_KNOWN && (n->tag || n->nr == 1))
		return call_value(&call, as_text);
	if (n->kind == YAML_SCALAR)
		return scalar_of(n, as_text);
	out = n->kind == YAML_MAPPING ? json_object() : json_array();
	for (size_t i = 0; i < n->nr; i++) {
		if (n->kind == YAML_MAPPING)
			json_set(out, n->pairs[i].key->text, value_of(n->pairs[i].value, as_text));
		else
			json_push(out, value_of(n->items[i], as_text));
	}
	return out;
}

struct json *plain_value(const struct yaml_node *n)
{
	return value_of(n, false);
}

struct json *plain_parameter(const struct yaml_node *n)
{
	static const char *const texts[] = {"Default", "AllowedValues"};
	struct json *out = plain_value(n);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct yaml_node *v = yaml_get(n, texts[i]);
		if (v)
			json_set(out, texts[i], value_of(v, true));
	}
	return out;
}

struct json *plain_outputs(const struct yaml_node *n)
{
	return value_of(n, true);
}

/* A number that CloudFormation would write in another way than the template, as 1.10, becomes a text. */
static void keep_spelling(struct json *parent, struct json *v)
{
	struct strbuf plain = STRBUF_INIT;
	struct json *next, *number;
	const char *text = json_is(v, JSON_NUMBER) ? json_scalar_text(v) : NULL;

	if (text && text[strspn(text, "-0123456789")]) {
		number = json_double(json_dbl(v, 0));
		json_print(number, &plain);
		json_free(number);
		if (strcmp(plain.buf, text) != 0)
			json_replace(parent, v, json_string(text));
	}
	for (struct json *e = text ? NULL : json_first(v); e; e = next) {
		next = json_next(e);
		keep_spelling(v, e);
	}
	strbuf_release(&plain);
}

struct json *plain_mappings(const struct yaml_node *n)
{
	struct json *out = plain_value(n);

	keep_spelling(NULL, out);
	return out;
}

struct json *plain_resource(const struct yaml_node *n, const struct type_schema *schema)
{
	static const char *const names[] = {"Condition", "DependsOn"};
	struct json *out = plain_value(n), *properties = json_get(out, "Properties");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (yaml_get(n, names[i]))
			json_set(out, names[i], value_of(yaml_get(n, names[i]), true));
	if (schema && properties)
		coerce_object(schema->fields, properties);
	return out;
}

struct json *plain_loop(const struct yaml_node *n, const struct schema_set *types)
{
	const struct yaml_node *made =
		n->kind == YAML_SEQUENCE && n->nr == 3 && n->items[2]->kind == YAML_MAPPING
			? n->items[2]
			: NULL;
	struct json *out = plain_value(n);

	for (size_t i = 0; made && i < made->nr; i++) {
		const char *key = made->pairs[i].key->text;
		const struct yaml_node *v = made->pairs[i].value,
				       *type = v->kind == YAML_MAPPING ? yaml_get(v, "Type") : NULL;
		if (plain_is_loop(key))
			json_set(json_at(out, 2), key, plain_loop(v, types));
		else if (type && type->kind == YAML_SCALAR)
			json_set(json_at(out, 2), key,
				plain_resource(v, schema_find(types, type->text)));
	}
	return out;
}

bool plain_needs_expanding(const struct yaml_node *n)
{
	for (size_t i = 0; n->kind != YAML_SCALAR && i < n->nr; i++) {
		bool map = n->kind == YAML_MAPPING;
		const struct yaml_node *v = map ? n->pairs[i].value : n->items[i];
		if (map && !strcmp(n->pairs[i].key->text, "Branches") && v->kind == YAML_MAPPING &&
			v->nr && plain_is_loop(v->pairs[0].key->text))
			return true;
		if (plain_needs_expanding(v))
			return true;
	}
	return false;
}

/* --- texts of the project file --- */
struct text_parts {
	const struct project *p;
	const struct stack *s;
	struct strvec *exports;
	struct strbuf plain, sub; /* without and with names */
	struct json *names;       /* of Fn::Sub's second value */
	bool has_names;
};

static void add_literal(struct text_parts *t, const char *text)
{
	struct strbuf escaped = STRBUF_INIT;

	strbuf_addstr(&t->plain, text);
	strbuf_addstr(&escaped, text);
	strbuf_replace(&escaped, "${", "${!");
	strbuf_addstr(&t->sub, escaped.buf);
	strbuf_release(&escaped);
}

static void add_name(struct text_parts *t, const char *name, struct json *value)
{
	strbuf_addf(&t->sub, "${%s}", name);
	t->has_names = true;
	json_set(t->names, name, value);
}

static const struct template_output *find_output(const struct stack *s, const char *name)
{
	for (size_t i = 0; s && i < s->template->nr_outputs; i++) {
		const struct template_output *o = &s->template->outputs[i];
		if (!strcmp(o->name, name) && stack_condition(s, o->condition))
			return o;
	}
	return NULL;
}

char *plain_export_name(const struct project *p, const char *stack, const char *output)
{
	return xasprintf("%s-%s-%s", p->name, stack, output);
}

/* {"Fn::ImportValue": …} of another stack's output. */
static struct json *import_of(struct text_parts *t, const struct stack *from,
	const struct template_output *o, struct err *err)
{
	struct eval e = {.stack = from};
	struct json *import = NULL, *v = NULL;
	char *name = NULL, *key;

	if (!o->export_name) {
		key = xasprintf("%s\n%s", from->name, o->name);
		if (!strvec_has(t->exports, key))
			strvec_push(t->exports, key);
		free(key);
		name = plain_export_name(t->p, from->name, o->name);
	} else if (!stack_eval(&e, o->export_name, NULL, &v, err)) {
		if (json_str(v))
			name = xstrdup(json_str(v));
		else
			err_set(err, ERR_USAGE,
				"the export of output '%s' of stack '%s' has a name that is not "
				"known "
				"without a cloud: stack '%s' cannot import it",
				o->name, from->name, t->s->name);
	}
	if (name) {
		import = json_object();
		json_set_str(import, "Fn::ImportValue", name);
	}
	json_free(v);
	free(name);
	return import;
}

const struct stack *plain_output_stack(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->nr_stacks; i++)
		if (find_output(p->stacks[i], name))
			return p->stacks[i];
	return NULL;
}

static int add_output(struct text_parts *t, const char *name, struct err *err)
{
	const struct template_output *o = find_output(t->s, name);
	const struct stack *from = plain_output_stack(t->p, name);
	struct json *value;

	if (!o && !from)
		return err_set(err, ERR_USAGE, "'${%s}' is not known without a cloud", name);
	value = o ? plain_value(o->value) : import_of(t, from, find_output(from, name), err);
	if (!value)
		return -1;
	add_name(t, name, value);
	return 0;
}

static bool stays_a_name(const struct text_parts *t, const char *name)
{
	return starts_with(name, "AWS::") || json_get_str(t->s->lookups, name) ||
	       json_str(json_get(t->s->parameters, name));
}

static int add_piece(struct text_parts *t, const struct sub_piece *piece, struct err *err)
{
	char *name = xstrndup(piece->text, piece->len), *text = NULL, *whole = NULL;
	int ret = 0;

	if (piece->kind == SUB_TEXT) {
		add_literal(t, name);
	} else if (piece->kind == SUB_BROKEN) {
		ret = err_set(err, ERR_USAGE, "'${' without '}'");
	} else if (stays_a_name(t, name)) {
		strbuf_addf(&t->sub, "${%s}", name);
		t->has_names = true;
	} else {
		whole = xasprintf("${%s}", name);
		ret = project_expand(t->p, whole, NULL, NULL, &text, err);
		if (!ret)
			add_literal(t, text);
		else if (ret > 0)
			ret = add_output(t, name, err);
	}
	free(name);
	free(text);
	free(whole);
	return ret;
}

struct json *plain_text(const struct project *p, const struct stack *s, const char *text,
	struct strvec *exports, struct err *err)
{
	struct text_parts t = {.p = p,
		.s = s,
		.exports = exports,
		.plain = STRBUF_INIT,
		.sub = STRBUF_INIT,
		.names = json_object()};
	struct json *out = NULL, *list;
	struct sub_piece piece;
	int ret = 0;

	for (const char *at = text; !ret && sub_next(&at, &piece);)
		ret = add_piece(&t, &piece, err);
	if (!ret && !t.has_names) {
		out = json_string(t.plain.buf);
	} else if (!ret) {
		out = json_object();
		list = json_array();
		if (json_len(t.names)) {
			json_push_str(list, t.sub.buf);
			json_push(list, json_copy(t.names));
			json_set(out, "Fn::Sub", list);
			list = NULL;
		} else {
			json_set_str(out, "Fn::Sub", t.sub.buf);
		}
		json_free(list);
	}
	json_free(t.names);
	strbuf_release(&t.plain);
	strbuf_release(&t.sub);
	return out;
}
