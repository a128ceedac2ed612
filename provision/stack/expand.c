#include "expand.h"

#include <stdlib.h>
#include <string.h>
#include "intrinsics.h"
#include "template_parts.h"

#define LOOP "Fn::ForEach::"
#define MAX_NODES 1000000
#define MAX_NESTED 100
#define MAX_TEXT ((size_t)1 << 20)

/* A Fn::ForEach at one of its values. */
struct loop {
	const char *name;
	char *in_text; /* for ${Name} */
	char *in_id;   /* for &{Name}: its letters and digits */
	const struct loop *outer;
};

struct expander {
	struct stack *s;
	struct template *t;
	struct checker checker; /* of what is evaluated on the way */
	const struct loop *loops;
	size_t nodes, depth;
	bool failed;
};

static struct yaml_node *copy(struct expander *x, const struct yaml_node *n);

/* --- is there anything to do? --- */
static bool is_text(const struct yaml_node *n)
{
	return n->kind == YAML_SCALAR && !n->tag;
}

/* Ref or Fn::GetAtt of a name that a function makes. */
static bool is_named_by_function(const struct call *call)
{
	const struct yaml_node *arg = call->arg;
	if (call->fn->eval == eval_ref)
		return !is_text(arg) && arg->kind != YAML_SEQUENCE;
	return call->fn->eval == eval_getatt && arg->kind == YAML_SEQUENCE && arg->nr == 2 &&
	       !is_text(arg->items[0]);
}

/* What of a resource must be a text in the end, and may be a function before. */
static bool is_policy(const char *key)
{
	return !strcmp(key, "Condition") || !strcmp(key, "DeletionPolicy") ||
	       !strcmp(key, "UpdateReplacePolicy");
}

static bool needs(const struct yaml_node *n)
{
	struct call call;
	if (call_of(n, false, &call) == CALL_KNOWN && is_named_by_function(&call))
		return true;
	for (size_t i = 0; n->kind != YAML_SCALAR && i < n->nr; i++) {
		const char *key = n->kind == YAML_MAPPING ? n->pairs[i].key->text : "";
		const struct yaml_node *v =
			n->kind == YAML_MAPPING ? n->pairs[i].value : n->items[i];
		if (starts_with(key, LOOP) ||
			(is_policy(key) && strcmp(key, "Condition") != 0 && !is_text(v)) ||
			needs(v))
			return true;
	}
	return false;
}

static const char *const sections[] = {"Resources", "Outputs", "Conditions"};

static bool is_section(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!strcmp(sections[i], name))
			return true;
	return false;
}

bool expand_is_needed(const struct yaml_node *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct yaml_node *n = yaml_get(root, sections[i]);
		if (n && needs(n))
			return true;
	}
	return false;
}

/* --- nodes --- */
static void *fail(struct expander *x, const struct yaml_node *at, const char *fmt, ...)
	printf_like(3, 4);
static void *fail(struct expander *x, const struct yaml_node *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	report_v(x->checker.errors, x->t->file, at, x->checker.path.buf, fmt, ap);
	va_end(ap);
	x->failed = true;
	return NULL;
}

static struct yaml_node *node_like(struct expander *x, const struct yaml_node *n)
{
	if (++x->nodes == MAX_NODES)
		fail(x, n, "Fn::ForEach stands for more than %d nodes", MAX_NODES);
	struct yaml_node *to = arena_alloc(&x->t->arena, sizeof(*to));
	*to = *n;
	return to;
}

static struct yaml_node *text_like(
	struct expander *x, const struct yaml_node *n, const char *tag, const char *text)
{
	struct yaml_node *to = node_like(x, n);
	to->kind = YAML_SCALAR;
	to->tag = tag;
	to->text = arena_strdup(&x->t->arena, text);
	to->len = strlen(text);
	to->plain = false;
	return to;
}

/* ${Name} and &{Name} of the loops around. A text that doubles with each loop is not made to its end. */
static void fill_in(const struct expander *x, struct strbuf *text)
{
	for (const struct loop *l = x->loops; l && text->len <= MAX_TEXT; l = l->outer) {
		char *dollar = xasprintf("${%s}", l->name),
		     *ampersand = xasprintf("&{%s}", l->name);
		strbuf_replace(text, dollar, l->in_text);
		strbuf_replace(text, ampersand, l->in_id);
		free(dollar);
		free(ampersand);
	}
}

static struct yaml_node *copy_scalar(struct expander *x, const struct yaml_node *n)
{
	struct yaml_node *to = node_like(x, n);
	if (!x->loops || !(strstr(n->text, "${") || strstr(n->text, "&{")))
		return to;
	struct strbuf text = STRBUF_INIT;
	strbuf_addstr(&text, n->text);
	fill_in(x, &text);
	if (text.len > MAX_TEXT) {
		strbuf_release(&text);
		return fail(x, n, "Fn::ForEach makes a text of more than 1 MiB");
	}
	to->text = arena_strndup(&x->t->arena, text.buf, text.len);
	to->len = text.len;
	strbuf_release(&text);
	return to;
}

/* --- what is evaluated --- */
/* A value that hangs on parameters alone; NULL with an error. An unknown one is given back as such. */
static struct json *value_of(struct expander *x, const struct yaml_node *n)
{
	struct eval e = {.stack = x->s};
	struct json *v = NULL;
	struct err err = ERR_INIT;
	size_t before = x->checker.errors->nr;

	check_node(&x->checker, n);
	if (x->checker.errors->nr > before) {
		x->failed = true;
		return NULL;
	}
	if (stack_eval(&e, n, x->checker.path.buf, &v, &err)) {
		err_list_take(x->checker.errors, &err);
		x->failed = true;
		return NULL;
	}
	if (!e.has_secret)
		return v;
	json_free(v);
	return fail(x, n, "a NoEcho value would show in a name");
}

/* A name; NULL with an error. */
static char *name_of(struct expander *x, const struct yaml_node *n)
{
	struct json *v = value_of(x, n);
	char *name = NULL;
	if (json_scalar_text(v) && !json_is(v, JSON_NULL))
		name = xstrdup(json_scalar_text(v));
	else if (v)
		fail(x, n,
			json_is_unknown(v) ? "this name is not known before set-up"
					   : "this must give a name");
	json_free(v);
	return name;
}

static struct yaml_node *named(struct expander *x, const struct yaml_node *n)
{
	struct yaml_node *from = copy(x, n);
	if (!from || is_text(from))
		return from;
	char *name = name_of(x, from);
	struct yaml_node *to = name ? text_like(x, n, NULL, name) : NULL;
	free(name);
	return to;
}

/* Ref or Fn::GetAtt with its name as a text. */
static struct yaml_node *copy_named(struct expander *x, const struct call *call)
{
	const struct yaml_node *arg = call->arg;
	if (call->fn->eval == eval_ref) {
		/* `!Ref {…}` and `Ref: !Sub …` alike */
		struct yaml_node *name = named(x, arg);
		return name ? text_like(x, call->node, "!Ref", name->text) : NULL;
	}
	struct yaml_node *to = node_like(x, call->node);
	to->kind = YAML_SEQUENCE;
	to->tag = "!GetAtt";
	to->nr = 2;
	to->items = arena_alloc(&x->t->arena, 2 * sizeof(*to->items));
	to->items[0] = named(x, arg->items[0]);
	to->items[1] = named(x, arg->items[1]);
	return to->items[0] && to->items[1] ? to : NULL;
}

/* The value of the loop that this names by Ref; NULL: it is no such thing. */
static const struct loop *loop_named(const struct expander *x, const struct call *call)
{
	for (const struct loop *l = x->loops; l; l = l->outer)
		if (call->fn->eval == eval_ref && is_text(call->arg) &&
			!strcmp(l->name, call->arg->text))
			return l;
	return NULL;
}

/* --- Fn::ForEach --- */
struct gathered {
	struct yaml_pair *pairs;
	size_t nr, alloc;
	struct map keys;
};

static void copy_pairs(struct expander *x, const struct yaml_node *n, struct gathered *g);

static void once(struct expander *x, const char *name, const char *value,
	const struct yaml_node *body, struct gathered *g)
{
	struct loop l = {.name = name, .in_text = xstrdup(value), .outer = x->loops};
	struct strbuf id = STRBUF_INIT;
	for (const char *p = value; *p; p++)
		if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= 'a' && *p <= 'z'))
			strbuf_addch(&id, *p);
	l.in_id = strbuf_detach(&id, NULL);
	x->loops = &l;
	copy_pairs(x, body, g);
	x->loops = l.outer;
	free(l.in_text);
	free(l.in_id);
}

/* The values to go through, as texts; NULL with an error. */
static struct json *collection_of(struct expander *x, const struct yaml_node *n)
{
	struct yaml_node *from = copy(x, n);
	struct json *list = from ? value_of(x, from) : NULL, *e;
	if (json_is_unknown(list) && x->s->only_checked) {
		/* Any two will do to see whether the rest is sound. */
		json_free(list);
		list = json_array();
		json_push_str(list, "aaaa");
		json_push_str(list, "bbbb");
	}
	if (!list)
		return NULL;
	bool ok = json_is(list, JSON_ARRAY) && !json_has_unknown(list);
	json_each(e, list) ok = ok && json_scalar_text(e) && !json_is(e, JSON_NULL);
	if (ok)
		return list;
	fail(x, n,
		json_has_unknown(list) ? "the values of Fn::ForEach are not known before set-up"
				       : "Fn::ForEach goes through a list of texts");
	json_free(list);
	return NULL;
}

static bool is_name(const char *text)
{
	return *text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789") == strlen(text);
}

static void expand_loop(struct expander *x, const struct yaml_pair *pair, struct gathered *g)
{
	const struct yaml_node *v = pair->value;
	struct json *e;
	if (v->kind != YAML_SEQUENCE || v->tag || v->nr != 3 || !is_text(v->items[0]) ||
		v->items[2]->kind != YAML_MAPPING) {
		fail(x, v, "%s takes a list of a name, the values, and a mapping", pair->key->text);
		report_hint(x->checker.errors, "write `%s: [Name, [a, b], {\"Id${Name}\": …}]`",
			pair->key->text);
		return;
	}
	if (!is_name(pair->key->text + strlen(LOOP)))
		fail(x, pair->key, "'%s' needs a name of letters and digits after '%s'",
			pair->key->text, LOOP);
	if (!is_name(v->items[0]->text))
		fail(x, v->items[0], "'%s' is not a name: letters and digits only",
			v->items[0]->text);
	for (const struct loop *l = x->loops; l; l = l->outer)
		if (!strcmp(l->name, v->items[0]->text))
			fail(x, v->items[0], "'%s' is the name of a loop around this one", l->name);
	struct json *list = x->failed ? NULL : collection_of(x, v->items[1]);
	json_each(e, list) if (!x->failed)
		once(x, v->items[0]->text, json_scalar_text(e), v->items[2], g);
	json_free(list);
}

static void add_pair(
	struct expander *x, struct gathered *g, struct yaml_node *key, struct yaml_node *value)
{
	const struct yaml_node *first = map_get(&g->keys, key->text);
	if (first) {
		fail(x, key, "Fn::ForEach makes '%s' twice (first on line %d)", key->text,
			first->line);
		report_hint(x->checker.errors,
			"put ${Name} or &{Name} of each loop into the key; &{Name} keeps letters "
			"and digits only");
		return;
	}
	map_put(&g->keys, key->text, key);
	ALLOC_GROW(g->pairs, g->nr, g->alloc);
	g->pairs[g->nr++] = (struct yaml_pair){key, value};
}

/*
 * A state machine's Branches are a list, and all that Fn::ForEach can make is a mapping: where nothing else stands there, the
 * values of that mapping are the list. CloudFormation itself has no way to say this.
 */
static bool is_looped_list(const struct expander *x, const char *key, const struct yaml_node *v)
{
	bool loops = v->kind == YAML_MAPPING && v->nr > 0;
	for (size_t i = 0; loops && i < v->nr; i++)
		loops = starts_with(v->pairs[i].key->text, LOOP);
	return loops && !strcmp(key, "Branches") && starts_with(x->checker.path.buf, "Resources.");
}

static void values_only(struct expander *x, struct yaml_node *n)
{
	struct yaml_pair *pairs = n->pairs;
	n->kind = YAML_SEQUENCE;
	n->items = arena_alloc(&x->t->arena, n->nr * sizeof(*n->items));
	for (size_t i = 0; i < n->nr; i++)
		n->items[i] = pairs[i].value;
}

static struct yaml_node *copy_value(
	struct expander *x, const struct yaml_node *key, const struct yaml_node *v)
{
	if (is_looped_list(x, key->text, v)) {
		struct yaml_node *to = copy(x, v);
		if (to)
			values_only(x, to);
		return to;
	}
	bool policy = is_policy(key->text) && starts_with(x->checker.path.buf, "Resources.") &&
		      x->depth == 2;
	return policy && !is_text(v) ? named(x, v) : copy(x, v);
}

static void copy_pairs(struct expander *x, const struct yaml_node *n, struct gathered *g)
{
	for (size_t i = 0; i < n->nr && !x->failed; i++) {
		const struct yaml_pair *pair = &n->pairs[i];
		size_t mark = part_enter(&x->checker, pair->key->text);
		if (starts_with(pair->key->text, LOOP)) {
			expand_loop(x, pair, g);
		} else {
			struct yaml_node *key = copy_scalar(x, pair->key);
			part_leave(&x->checker, mark);
			if (!key)
				break;
			part_enter(&x->checker, key->text);
			struct yaml_node *value = copy_value(x, key, pair->value);
			if (value)
				add_pair(x, g, key, value);
		}
		part_leave(&x->checker, mark);
	}
}

/* --- copies --- */
static struct yaml_node *copy_sequence(struct expander *x, const struct yaml_node *n, size_t as_is)
{
	struct yaml_node *to = node_like(x, n);
	to->items = arena_alloc(&x->t->arena, n->nr * sizeof(*to->items));
	for (size_t i = 0; i < n->nr; i++) {
		/* A condition's name is not made by loops. */
		to->items[i] = i < as_is ? n->items[i] : copy(x, n->items[i]);
		if (!to->items[i])
			return NULL;
	}
	return to;
}

static struct yaml_node *copy_mapping(struct expander *x, const struct yaml_node *n)
{
	struct yaml_node *to = node_like(x, n);
	struct gathered g = {0};
	copy_pairs(x, n, &g);
	to->nr = g.nr;
	to->pairs = arena_alloc(&x->t->arena, g.nr * sizeof(*g.pairs));
	if (g.nr)
		memcpy(to->pairs, g.pairs, g.nr * sizeof(*g.pairs));
	free(g.pairs);
	map_release(&g.keys);
	return x->failed ? NULL : to;
}

static struct yaml_node *copy_inside(struct expander *x, const struct yaml_node *n)
{
	struct call call;
	bool known = call_of(n, false, &call) == CALL_KNOWN;
	const struct loop *l = known ? loop_named(x, &call) : NULL;
	if (l)
		return text_like(x, n, NULL, l->in_text);
	if (known && is_named_by_function(&call))
		return copy_named(x, &call);
	if (n->kind == YAML_SCALAR)
		return copy_scalar(x, n);
	if (n->kind == YAML_SEQUENCE)
		return copy_sequence(x, n, known && call.fn->eval == eval_if);
	if (!known || call.fn->eval != eval_if || call.arg->kind != YAML_SEQUENCE || n->nr != 1)
		return copy_mapping(x, n);
	/* {Fn::If: […]} */
	struct yaml_node *to = node_like(x, n);
	to->pairs = arena_alloc(&x->t->arena, sizeof(*to->pairs));
	to->pairs[0] = (struct yaml_pair){n->pairs[0].key, copy_sequence(x, call.arg, 1)};
	return to->pairs[0].value ? to : NULL;
}

/* NULL once anything failed. */
static struct yaml_node *copy(struct expander *x, const struct yaml_node *n)
{
	if (x->failed)
		return NULL;
	if (x->depth == MAX_NESTED)
		return fail(x, n, "nested deeper than %d", MAX_NESTED);
	x->depth++;
	struct yaml_node *to = copy_inside(x, n);
	x->depth--;
	return x->failed ? NULL : to;
}

/* The template with the sections that loops may stand in copied; NULL with errors. */
static struct yaml_node *expand_root(struct expander *x)
{
	const struct yaml_node *from = x->t->root;
	struct yaml_node *root = node_like(x, from);
	root->pairs = arena_alloc(&x->t->arena, from->nr * sizeof(*root->pairs));
	for (size_t i = 0; i < from->nr && !x->failed; i++) {
		root->pairs[i] = from->pairs[i];
		if (!is_section(from->pairs[i].key->text))
			continue;
		strbuf_setlen(&x->checker.path, 0);
		part_enter(&x->checker, from->pairs[i].key->text);
		root->pairs[i].value = copy(x, from->pairs[i].value);
	}
	return x->failed ? NULL : root;
}

int template_expand(struct stack *s, struct err_list *errors, struct err_list *warnings)
{
	struct template *t = s->template;
	struct expander x = {.s = s, .t = t};

	if (!t->needs_values)
		return 0;
	x.checker = (struct checker){.t = t,
		.types = t->types,
		.errors = errors,
		.warnings = warnings,
		.path = STRBUF_INIT,
		.where = IN_NAMES};
	struct yaml_node *root = expand_root(&x);
	strbuf_release(&x.checker.path);
	return root ? template_read_expanded(t, root, errors, warnings) : -1;
}
