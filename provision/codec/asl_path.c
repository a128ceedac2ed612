/*
 * Paths of the Amazon States Language: JSONPath over the input ($), the context object ($$) and variables ($name), with
 * names, indices, unions, slices, wildcards, descent, filters and length().
 */
#include "asl_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "strbuf.h"

#define HITS_MAX 200000
#define FILTER_DEPTH_MAX 32

enum step_kind { STEP_NAME, STEP_INDEX, STEP_WILD, STEP_SLICE, STEP_FILTER, STEP_LENGTH };

struct filter;

struct step {
	struct step *next;
	struct step *also; /* union: $['a','b'], $[0,2] */
	enum step_kind kind;
	bool deep; /* .. stands before it */
	char *name;
	long index, from, to, stride;
	bool has_from, has_to;
	struct filter *filter;
};

enum root_kind { ROOT_INPUT, ROOT_CONTEXT, ROOT_VARIABLE, ROOT_ITEM };

struct path {
	enum root_kind root;
	char *variable;
	struct step *steps, **tail;
	bool many; /* may name several values */
};

enum filter_kind { FILTER_OR, FILTER_AND, FILTER_NOT, FILTER_COMPARE, FILTER_EXISTS };
enum filter_op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT };
static const char *const filter_ops[] = {"==", "!=", "<=", ">=", "<", ">"};

struct operand {
	struct path *path; /* or a literal */
	struct json *literal;
};

struct filter {
	enum filter_kind kind;
	enum filter_op op;
	struct filter *a, *b;
	struct operand left, right;
};

struct parser {
	struct arena *arena;
	const char *p;
	int depth;
	struct json *literals; /* an array that owns them */
};

struct hits {
	const struct json **v;
	size_t nr, alloc;
	bool full;
};

struct lookup {
	struct asl_scope *scope;
	const struct json *root;
	struct json *made; /* an array: values that no document holds */
	size_t work;
};

static struct path *parse_path(struct parser *ps);
static void walk(
	struct lookup *l, const struct path *path, const struct json *root, struct hits *out);

static void skip_blanks(struct parser *ps)
{
	while (*ps->p == ' ' || *ps->p == '\t')
		ps->p++;
}

static bool take(struct parser *ps, const char *text)
{
	if (!starts_with(ps->p, text))
		return false;
	ps->p += strlen(text);
	return true;
}

/* 'text' or "text", with \ before what it hides. NULL: none. */
static char *parse_quoted(struct parser *ps)
{
	char quote = *ps->p, *out;
	struct strbuf sb = STRBUF_INIT;

	if (quote != '\'' && quote != '"')
		return NULL;
	for (ps->p++; *ps->p && *ps->p != quote; ps->p++) {
		if (*ps->p == '\\' && ps->p[1])
			ps->p++;
		strbuf_addch(&sb, *ps->p);
	}
	out = *ps->p ? arena_strdup(ps->arena, sb.buf) : NULL;
	if (*ps->p)
		ps->p++;
	strbuf_release(&sb);
	return out;
}

static int parse_index(struct parser *ps, long *out)
{
	char *end;

	if (*ps->p != '-' && (*ps->p < '0' || *ps->p > '9'))
		return -1;
	errno = 0;
	*out = strtol(ps->p, &end, 10);
	if (errno || end == ps->p || *out > INT_MAX || *out < -INT_MAX)
		return -1;
	ps->p = end;
	return 0;
}

static struct operand *parse_operand(struct parser *ps, struct operand *o)
{
	const char *start;
	char *text, *end;

	skip_blanks(ps);
	if (*ps->p == '@' || *ps->p == '$') {
		o->path = parse_path(ps);
		return o->path ? o : NULL;
	}
	if (*ps->p == '\'' || *ps->p == '"') {
		text = parse_quoted(ps);
		o->literal = text ? json_string(text) : NULL;
	} else if (take(ps, "true")) {
		o->literal = json_bool(true);
	} else if (take(ps, "false")) {
		o->literal = json_bool(false);
	} else if (take(ps, "null")) {
		o->literal = json_null();
	} else if (strchr("-0123456789", *ps->p) && *ps->p) {
		start = ps->p;
		o->literal = json_double(strtod(start, &end));
		ps->p = end;
	}
	if (!o->literal)
		return NULL;
	json_push(ps->literals, o->literal);
	return o;
}

static struct filter *parse_or(struct parser *ps);

static struct filter *new_filter(
	struct parser *ps, enum filter_kind kind, struct filter *a, struct filter *b)
{
	struct filter *f = arena_alloc(ps->arena, sizeof(*f));

	f->kind = kind;
	f->a = a;
	f->b = b;
	return f;
}

static struct filter *parse_comparison(struct parser *ps)
{
	struct filter *f = new_filter(ps, FILTER_EXISTS, NULL, NULL);

	if (!parse_operand(ps, &f->left))
		return NULL;
	skip_blanks(ps);
	for (size_t i = 0; i < ARRAY_SIZE(filter_ops); i++) {
		if (!take(ps, filter_ops[i]))
			continue;
		f->kind = FILTER_COMPARE;
		f->op = (enum filter_op)i;
		return parse_operand(ps, &f->right) ? f : NULL;
	}
	return f->left.path ? f : NULL;
}

static struct filter *parse_not(struct parser *ps)
{
	struct filter *f;

	skip_blanks(ps);
	if (*ps->p == '!' && ps->p[1] != '=') {
		ps->p++;
		if (++ps->depth > FILTER_DEPTH_MAX)
			return NULL;
		f = parse_not(ps);
		ps->depth--;
		return f ? new_filter(ps, FILTER_NOT, f, NULL) : NULL;
	}
	if (take(ps, "(")) {
		f = parse_or(ps);
		skip_blanks(ps);
		return f && take(ps, ")") ? f : NULL;
	}
	return parse_comparison(ps);
}

static struct filter *parse_and(struct parser *ps)
{
	struct filter *f = parse_not(ps), *g;

	for (skip_blanks(ps); f && take(ps, "&&"); skip_blanks(ps)) {
		g = parse_not(ps);
		f = g ? new_filter(ps, FILTER_AND, f, g) : NULL;
	}
	return f;
}

static struct filter *parse_or(struct parser *ps)
{
	struct filter *f, *g;

	if (++ps->depth > FILTER_DEPTH_MAX)
		return NULL;
	f = parse_and(ps);
	for (skip_blanks(ps); f && take(ps, "||"); skip_blanks(ps)) {
		g = parse_and(ps);
		f = g ? new_filter(ps, FILTER_OR, f, g) : NULL;
	}
	ps->depth--;
	return f;
}

/* What stands in brackets, one piece of a union. */
static int parse_piece(struct parser *ps, struct step *s)
{
	skip_blanks(ps);
	s->stride = 1;
	if (*ps->p == '\'' || *ps->p == '"') {
		s->kind = STEP_NAME;
		s->name = parse_quoted(ps);
		return s->name ? 0 : -1;
	}
	if (take(ps, "*")) {
		s->kind = STEP_WILD;
		return 0;
	}
	if (take(ps, "?")) {
		s->kind = STEP_FILTER;
		skip_blanks(ps);
		if (*ps->p != '(')
			return -1;
		s->filter = parse_or(ps);
		return s->filter ? 0 : -1;
	}
	s->has_from = parse_index(ps, &s->from) == 0;
	skip_blanks(ps);
	if (!take(ps, ":")) {
		s->kind = STEP_INDEX;
		s->index = s->from;
		return s->has_from ? 0 : -1;
	}
	s->kind = STEP_SLICE;
	skip_blanks(ps);
	s->has_to = parse_index(ps, &s->to) == 0;
	skip_blanks(ps);
	if (take(ps, ":") && (parse_index(ps, &s->stride) != 0 || s->stride < 1))
		return -1;
	return 0;
}

static int parse_brackets(struct parser *ps, struct path *path, bool deep)
{
	struct step *first = NULL, **at = &first;

	do {
		*at = arena_alloc(ps->arena, sizeof(**at));
		(*at)->deep = deep;
		if (parse_piece(ps, *at) != 0)
			return -1;
		if ((*at)->kind != STEP_NAME && (*at)->kind != STEP_INDEX)
			path->many = true;
		at = &(*at)->also;
		skip_blanks(ps);
	} while (take(ps, ","));
	if (!take(ps, "]"))
		return -1;
	if (deep || first->also)
		path->many = true;
	*path->tail = first;
	path->tail = &first->next;
	return 0;
}

static int parse_dotted(struct parser *ps, struct path *path, bool deep)
{
	struct step *s = arena_alloc(ps->arena, sizeof(*s));
	size_t len = strcspn(ps->p, " \t\r\n.[](),=!<>&|'\"");

	if (!len)
		return -1;
	s->deep = deep;
	s->stride = 1;
	if (deep)
		path->many = true;
	if (len == 1 && *ps->p == '*') {
		s->kind = STEP_WILD;
		path->many = true;
	} else if (starts_with(ps->p, "length()")) {
		s->kind = STEP_LENGTH;
		len += 2;
	} else {
		s->kind = STEP_NAME;
		s->name = arena_strndup(ps->arena, ps->p, len);
	}
	ps->p += len;
	*path->tail = s;
	path->tail = &s->next;
	return 0;
}

static bool is_name_byte(unsigned char c)
{
	return c >= 0x80 || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static int parse_root(struct parser *ps, struct path *path)
{
	const char *start;

	path->root = ROOT_INPUT;
	if (take(ps, "@")) {
		path->root = ROOT_ITEM;
	} else if (take(ps, "$$")) {
		path->root = ROOT_CONTEXT;
	} else if (take(ps, "$")) {
		for (start = ps->p; is_name_byte((unsigned char)*ps->p);)
			ps->p++;
		if (ps->p > start) {
			path->root = ROOT_VARIABLE;
			path->variable = arena_strndup(ps->arena, start, (size_t)(ps->p - start));
		}
	} else {
		return -1;
	}
	return 0;
}

/* Stops at the first byte that cannot belong to the path. */
static struct path *parse_path(struct parser *ps)
{
	struct path *path = arena_alloc(ps->arena, sizeof(*path));
	bool deep;
	int rc;

	path->tail = &path->steps;
	if (parse_root(ps, path) != 0)
		return NULL;
	for (;;) {
		deep = take(ps, "..");
		if (take(ps, "["))
			rc = parse_brackets(ps, path, deep);
		else if (deep || take(ps, "."))
			rc = parse_dotted(ps, path, deep);
		else
			return path;
		if (rc != 0)
			return NULL;
	}
}

static void parser_init(struct parser *ps, struct arena *arena, const char *text)
{
	*ps = (struct parser){.arena = arena, .p = text, .literals = json_array()};
}

bool asl_path_valid(const char *text, enum asl_path_kind kind)
{
	struct arena arena = ARENA_INIT;
	struct parser ps;
	struct path *path;
	bool ok;

	parser_init(&ps, &arena, text);
	path = *text == '$' ? parse_path(&ps) : NULL;
	ok = path && !*ps.p;
	if (ok && kind != ASL_PATH_ANY) {
		ok = !path->many && (kind != ASL_PATH_RESULT || path->root == ROOT_INPUT);
		for (const struct step *s = path->steps; s; s = s->next)
			ok = ok &&
			     (s->kind == STEP_NAME || (s->kind == STEP_INDEX && s->index >= 0));
	}
	json_free(ps.literals);
	arena_release(&arena);
	return ok;
}

int asl_path_skip(const char **text)
{
	struct arena arena = ARENA_INIT;
	struct parser ps;
	struct path *path;

	parser_init(&ps, &arena, *text);
	path = parse_path(&ps);
	*text = ps.p;
	json_free(ps.literals);
	arena_release(&arena);
	return path ? 0 : -1;
}

/* --- evaluation --- */

static void hit(struct hits *h, const struct json *v)
{
	if (!v)
		return;
	if (h->nr >= HITS_MAX) {
		h->full = true;
		return;
	}
	ALLOC_GROW(h->v, h->nr, h->alloc);
	h->v[h->nr++] = v;
}

static bool numbers_compare(enum filter_op op, double a, double b)
{
	switch (op) {
	case OP_EQ:
		return a == b;
	case OP_NE:
		return a != b;
	case OP_LE:
		return a <= b;
	case OP_GE:
		return a >= b;
	case OP_LT:
		return a < b;
	case OP_GT:
		return a > b;
	}
	return false;
}

static bool values_compare(enum filter_op op, const struct json *a, const struct json *b)
{
	if (json_is(a, JSON_NUMBER) && json_is(b, JSON_NUMBER))
		return numbers_compare(op, json_dbl(a, 0), json_dbl(b, 0));
	if (op == OP_EQ || op == OP_NE)
		return (a && b && json_equal(a, b)) == (op == OP_EQ);
	if (json_is(a, JSON_STRING) && json_is(b, JSON_STRING))
		return numbers_compare(op, strcmp(json_str(a), json_str(b)), 0);
	return false;
}

/* The operand's one value; NULL: none. */
static const struct json *operand_value(
	struct lookup *l, const struct operand *o, const struct json *item)
{
	struct hits h = {0};
	const struct json *v;

	if (!o->path)
		return o->literal;
	walk(l, o->path, item, &h);
	v = h.nr ? h.v[0] : NULL;
	free(h.v);
	return v;
}

static bool filter_holds(struct lookup *l, const struct filter *f, const struct json *item)
{
	switch (f->kind) {
	case FILTER_OR:
		return filter_holds(l, f->a, item) || filter_holds(l, f->b, item);
	case FILTER_AND:
		return filter_holds(l, f->a, item) && filter_holds(l, f->b, item);
	case FILTER_NOT:
		return !filter_holds(l, f->a, item);
	case FILTER_EXISTS:
		return operand_value(l, &f->left, item) != NULL;
	case FILTER_COMPARE:
		return values_compare(
			f->op, operand_value(l, &f->left, item), operand_value(l, &f->right, item));
	}
	return false;
}

static void apply_slice(const struct step *s, const struct json *v, struct hits *out)
{
	long n = (long)json_len(v), from = s->has_from ? s->from : 0, to = s->has_to ? s->to : n,
	     i = 0;
	const struct json *e;

	if (from < 0)
		from = from + n < 0 ? 0 : from + n;
	if (to < 0)
		to += n;
	json_each(e, v)
	{
		if (i >= from && i < to && (i - from) % s->stride == 0)
			hit(out, e);
		i++;
	}
}

static void apply_one(
	struct lookup *l, const struct step *s, const struct json *v, struct hits *out)
{
	bool array = json_is(v, JSON_ARRAY), holds = array || json_is(v, JSON_OBJECT);
	const struct json *e;
	struct json *n;
	long i;

	if (++l->work > 10 * HITS_MAX) {
		out->full = true;
		return;
	}
	if (s->kind == STEP_NAME) {
		hit(out, array ? NULL : json_get(v, s->name));
	} else if (s->kind == STEP_INDEX && array) {
		i = s->index < 0 ? s->index + (long)json_len(v) : s->index;
		hit(out, i < 0 ? NULL : json_at(v, (size_t)i));
	} else if (s->kind == STEP_SLICE && array) {
		apply_slice(s, v, out);
	} else if (s->kind == STEP_LENGTH && holds) {
		n = json_int((int64_t)json_len(v));
		json_push(l->made, n);
		hit(out, n);
	} else if (s->kind == STEP_WILD && holds) {
		json_each(e, v) hit(out, e);
	} else if (s->kind == STEP_FILTER && array) {
		json_each(e, v)
		{
			if (filter_holds(l, s->filter, e))
				hit(out, e);
		}
	} else if (s->kind == STEP_FILTER && holds && filter_holds(l, s->filter, v)) {
		hit(out, v);
	}
}

static void apply(struct lookup *l, const struct step *s, const struct json *v, struct hits *out)
{
	const struct json *e;

	for (const struct step *piece = s; piece && !out->full; piece = piece->also)
		apply_one(l, piece, v, out);
	if (!s->deep || out->full || (!json_is(v, JSON_ARRAY) && !json_is(v, JSON_OBJECT)))
		return;
	json_each(e, v) apply(l, s, e, out);
}

static const struct json *root_value(
	struct lookup *l, const struct path *path, const struct json *item)
{
	const struct json *v = NULL;

	switch (path->root) {
	case ROOT_INPUT:
		return l->scope->input;
	case ROOT_ITEM:
		return item;
	case ROOT_CONTEXT:
		if (!l->scope->context && l->scope->make_context)
			l->scope->context = l->scope->make_context(l->scope->payload);
		return l->scope->context;
	case ROOT_VARIABLE:
		for (const struct asl_vars *vars = l->scope->vars; vars && !v; vars = vars->outer)
			v = json_get(vars->own, path->variable);
		return v;
	}
	return NULL;
}

static void walk(
	struct lookup *l, const struct path *path, const struct json *item, struct hits *out)
{
	struct hits now = {0}, then = {0};

	hit(&now, root_value(l, path, item));
	for (const struct step *s = path->steps; s; s = s->next) {
		then = (struct hits){.full = now.full};
		for (size_t i = 0; i < now.nr && !then.full; i++)
			apply(l, s, now.v[i], &then);
		free(now.v);
		now = then;
	}
	*out = now;
}

static struct json *collect(
	struct lookup *l, const struct path *path, const char *text, struct err *err)
{
	struct json *out = NULL;
	struct hits h = {0};
	bool over = false;

	walk(l, path, NULL, &h);
	if (h.full) {
		err_set(err, ERR_FAILED, "the path '%s' names too many values", text);
	} else if (path->many) {
		out = json_array();
		for (size_t i = 0; i < h.nr && !over; i++) {
			over = asl_charge(l->scope, h.v[i], err) != 0;
			if (!over)
				json_push(out, json_copy(h.v[i]));
		}
	} else if (h.nr) {
		over = asl_charge(l->scope, h.v[0], err) != 0;
		out = over ? NULL : json_copy(h.v[0]);
	} else {
		err_set(err, ERR_NOT_FOUND, "no results for path: %s", text);
	}
	if (over) {
		json_free(out);
		out = NULL;
	}
	free(h.v);
	return out;
}

struct json *asl_path_get_at(const char **text, struct asl_scope *s, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct lookup l = {.scope = s};
	struct json *out = NULL;
	struct parser ps;
	struct path *path;
	char *seen;

	parser_init(&ps, &arena, *text);
	path = parse_path(&ps);
	seen = arena_strndup(&arena, *text, (size_t)(ps.p - *text));
	*text = ps.p;
	if (path && path->root != ROOT_ITEM) {
		l.made = json_array();
		out = collect(&l, path, seen, err);
		json_free(l.made);
	} else {
		err_set(err, ERR_INVALID, "'%s' is not a path", seen);
	}
	json_free(ps.literals);
	arena_release(&arena);
	return out;
}

struct json *asl_path_get(const char *text, struct asl_scope *s, struct err *err)
{
	const char *p = text;
	struct json *out;

	if (!asl_path_valid(text, ASL_PATH_ANY)) {
		err_set(err, ERR_INVALID, "'%s' is not a path", text);
		return NULL;
	}
	out = asl_path_get_at(&p, s, err);
	return out;
}

/* --- ResultPath --- */

/* The place that step `s` names in `at`, made as an object where nothing stands. NULL: it cannot be. */
static struct json *descend(struct json *at, const struct step *s)
{
	struct json *v;

	if (s->kind == STEP_INDEX)
		return json_is(at, JSON_ARRAY) ? json_at(at, (size_t)s->index) : NULL;
	if (!json_is(at, JSON_OBJECT))
		return NULL;
	v = json_get(at, s->name);
	if (!v || (s->next && json_is(v, JSON_NULL))) {
		json_set(at, s->name, json_object());
		v = json_get(at, s->name);
	}
	return v;
}

static struct json *put_at(struct json *root, const struct step *s, struct json *value)
{
	struct json *at = root, *old;

	for (; at && s->next; s = s->next)
		at = descend(at, s);
	if (!at)
		return NULL;
	if (s->kind == STEP_NAME && json_is(at, JSON_OBJECT)) {
		json_set(at, s->name, value);
		return root;
	}
	old = s->kind == STEP_INDEX && json_is(at, JSON_ARRAY) ? json_at(at, (size_t)s->index)
							       : NULL;
	if (!old)
		return NULL;
	json_replace(at, old, value);
	return root;
}

struct json *asl_path_put(
	const struct json *input, const char *path, struct json *value, struct err *err)
{
	struct json *root = json_copy(input), *out = NULL;
	struct arena arena = ARENA_INIT;
	struct strbuf sb = STRBUF_INIT;
	struct path *parsed;
	struct parser ps;

	parser_init(&ps, &arena, path);
	parsed = parse_path(&ps);
	if (parsed && !parsed->steps)
		out = value;
	else if (parsed)
		out = put_at(root, parsed->steps, value);
	if (!out) {
		json_print(input, &sb);
		asl_fail(err, "States.ResultPathMatchFailure",
			"Unable to apply ResultPath '%s' to input '%s'", path, sb.buf);
		json_free(value);
	}
	if (out != root)
		json_free(root);
	strbuf_release(&sb);
	json_free(ps.literals);
	arena_release(&arena);
	return out;
}
