/* Values of template nodes: literals, and functions through their table. */
#include <stdlib.h>
#include <string.h>
#include "coerce.h"
#include "dynref.h"
#include "evalall.h"
#include "intrinsics.h"
#include "params.h"

struct json *json_unknown(void)
{
	struct json *v = json_object();
	json_set_bool(v, "unknown", true);
	return v;
}

bool json_is_unknown(const struct json *v)
{
	return json_is(v, JSON_OBJECT) && json_len(v) == 1 && json_get_truth(v, "unknown", false);
}

bool json_has_unknown(const struct json *v)
{
	if (json_is_unknown(v))
		return true;
	if (!json_is(v, JSON_ARRAY) && !json_is(v, JSON_OBJECT))
		return false;
	struct json *e;
	json_each(e, v) if (json_has_unknown(e)) return true;
	return false;
}

void evaluation_release(struct evaluation *ev)
{
	strbuf_release(&ev->path);
}

int eval_fail(
	struct evaluation *ev, const struct yaml_node *at, struct err *err, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	err_at(err, ev->e->stack->template->file, at->line, at->column, ev->path.buf, "%s",
		text.buf);
	strbuf_release(&text);
	return -1;
}

int eval_place(struct evaluation *ev, const struct yaml_node *at, struct err *err)
{
	struct err inner = ERR_INIT;

	if (!err || err->code != ERR_USAGE || err->file)
		return -1;
	err_move(&inner, err);
	eval_fail(ev, at, err, "%s", inner.text);
	if (inner.hint)
		err_hint(err, "%s", inner.hint);
	err_release(&inner);
	return -1;
}

const char *eval_shown(const struct evaluation *ev, const char *text)
{
	return ev->e->has_secret ? "****" : text;
}

/* RFC 8259's numbers. */
static bool is_json_number(const char *s)
{
	size_t digits;
	if (*s == '-')
		s++;
	digits = strspn(s, "0123456789");
	if (!digits || (*s == '0' && digits > 1))
		return false;
	s += digits;
	if (*s == '.') {
		digits = strspn(++s, "0123456789");
		if (!digits)
			return false;
		s += digits;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '+' || *s == '-')
			s++;
		digits = strspn(s, "0123456789");
		if (!digits)
			return false;
		s += digits;
	}
	return !*s;
}

struct json *scalar_value(const struct yaml_node *n)
{
	switch (yaml_scalar_type(n)) {
	case YAML_T_NULL:
		return json_null();
	case YAML_T_BOOL:
		if (iequals(n->text, "true") || iequals(n->text, "false"))
			return json_bool(yaml_truth(n));
		return json_bool_text(yaml_truth(n), n->text);
	case YAML_T_INT:
	case YAML_T_FLOAT:
		/* 012, 0x1f, 1_000 and .5 are numbers in YAML only: their text is what counts. */
		if (is_json_number(n->text))
			return json_number_text(n->text);
		break;
	default:
		break;
	}
	return json_string_n(n->text, n->len);
}

/* --- names --- */
static const char *url_suffix(const char *partition)
{
	return partition && !strcmp(partition, "aws-cn") ? "amazonaws.com.cn" : "amazonaws.com";
}

static struct json *known_or_not(const char *text)
{
	return text ? json_string(text) : json_unknown();
}

/* False: no pseudo parameter. */
static bool eval_pseudo(const struct stack *s, const char *name, struct json **out)
{
	*out = NULL;
	if (!strcmp(name, "AWS::NoValue"))
		return true;
	if (!strcmp(name, "AWS::AccountId")) {
		*out = known_or_not(s->account);
	} else if (!strcmp(name, "AWS::Region")) {
		*out = known_or_not(s->region);
	} else if (!strcmp(name, "AWS::Partition")) {
		*out = json_string(s->partition ? s->partition : "aws");
	} else if (!strcmp(name, "AWS::StackName")) {
		*out = json_string(s->name);
	} else if (!strcmp(name, "AWS::StackId")) {
		*out = known_or_not(s->stack_id);
	} else if (!strcmp(name, "AWS::URLSuffix")) {
		*out = json_string(url_suffix(s->partition));
	} else if (!strcmp(name, "AWS::NotificationARNs")) {
		*out = json_array();
		for (size_t i = 0; i < s->notification_arns.nr; i++)
			json_push_str(*out, s->notification_arns.v[i]);
	}
	return *out != NULL;
}

int eval_reference(struct evaluation *ev, const struct yaml_node *at, const char *id,
	const char *attribute, struct json **out, struct err *err)
{
	const struct stack_resource *r = stack_find(ev->e->stack, id);
	if (!r) {
		const struct template_resource *t = template_find(ev->e->stack->template, id);
		if (!t)
			return eval_fail(ev, at, err,
				"'%s' is neither a parameter nor a resource of this template", id);
		if (ev->e->stack->guessed && ev->e->stack->may_guess) {
			*out = json_unknown();
			return 0;
		}
		eval_fail(ev, at, err, "resource '%s' is not there: its condition '%s' is false",
			id, t->condition ? t->condition : "");
		err_hint(err, "use Fn::If with that condition around the reference");
		return -1;
	}
	int ret = 1;
	*out = NULL;
	if (ev->e->ops && ev->e->ops->attribute)
		ret = ev->e->ops->attribute(ev->e->payload, r, attribute, out, err);
	if (ret > 0)
		*out = json_unknown();
	return ret < 0 ? eval_place(ev, at, err) : 0;
}

int eval_ask(struct evaluation *ev, const struct yaml_node *at, const struct eval_external *what,
	struct json **out, struct err *err)
{
	int ret = 1;
	*out = NULL;
	if (ev->e->ops && ev->e->ops->external)
		ret = ev->e->ops->external(ev->e->payload, what, out, err);
	if (ret > 0)
		*out = json_unknown();
	return ret < 0 ? eval_place(ev, at, err) : 0;
}

/* A parameter whose value names one of Systems Manager. */
static int eval_lookup(struct evaluation *ev, const struct yaml_node *at, const char *parameter,
	const char *name, struct json **out, struct err *err)
{
	const struct template *t = ev->e->stack->template;
	struct json *v;
	if (eval_ask(ev, at, &(struct eval_external){.kind = EXTERNAL_SSM_PARAMETER, .name = name},
		    &v, err))
		return -1;
	*out = v;
	for (size_t i = 0; json_str(v) && i < t->nr_parameters; i++) {
		if (strcmp(t->parameters[i].name, parameter) != 0)
			continue;
		*out = param_looked_up(&t->parameters[i], json_str(v));
		json_free(v);
		break;
	}
	return 0;
}

int eval_ref_name(struct evaluation *ev, const struct yaml_node *at, const char *name,
	struct json **out, struct err *err)
{
	const struct stack *s = ev->e->stack;
	const struct json *value = json_get(s->parameters, name);
	const char *lookup = json_get_str(s->lookups, name);
	if (lookup && *lookup)
		return eval_lookup(ev, at, name, lookup, out, err);
	if (value) {
		*out = json_copy(value);
		if (strvec_has(&s->secrets, name))
			ev->e->has_secret = true;
		return 0;
	}
	if (starts_with(name, "AWS::") && eval_pseudo(s, name, out))
		return 0;
	return eval_reference(ev, at, name, NULL, out, err);
}

/* --- nodes --- */
static void push_name(struct evaluation *ev, const char *name)
{
	/* Inside a function's arguments the place is the function's. */
	if (!ev->depth)
		strbuf_addf(&ev->path, "%s%s", ev->path.len ? "." : "", name);
}

static int eval_sequence(
	struct evaluation *ev, const struct yaml_node *n, struct json **out, struct err *err)
{
	struct json *array = json_array();
	for (size_t i = 0; i < n->nr; i++) {
		struct json *value = NULL;
		size_t len = ev->path.len;
		char index[24];
		snprintf(index, sizeof(index), "%zu", json_len(array));
		push_name(ev, index);
		int ret = eval_node(ev, n->items[i], &value, err);
		strbuf_setlen(&ev->path, len);
		if (ret) {
			json_free(array);
			return -1;
		}
		if (value)
			json_push(array, value);
	}
	*out = array;
	return 0;
}

static int eval_mapping(
	struct evaluation *ev, const struct yaml_node *n, struct json **out, struct err *err)
{
	struct json *object = json_object();
	for (size_t i = 0; i < n->nr; i++) {
		struct json *value = NULL;
		size_t len = ev->path.len;
		push_name(ev, n->pairs[i].key->text);
		int ret = eval_node(ev, n->pairs[i].value, &value, err);
		strbuf_setlen(&ev->path, len);
		if (ret) {
			json_free(object);
			return -1;
		}
		if (value)
			json_set(object, n->pairs[i].key->text, value);
	}
	*out = object;
	return 0;
}

static int call_function(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	const struct intrinsic *fn = call->fn;
	if (!fn->eval)
		return eval_fail(ev, call->node, err, "%s is not supported yet", call->name);
	if (fn->max_args && (call->arg->kind != YAML_SEQUENCE || call->arg->nr < fn->min_args ||
				    call->arg->nr > fn->max_args))
		return eval_fail(ev, call->arg, err, "%s takes a list of %zu to %zu values",
			call->name, fn->min_args, fn->max_args);
	return fn->eval(ev, call, out, err);
}

static void add_texts(struct strvec *texts, const struct json *v)
{
	struct json *e;
	if (json_str(v) && *json_str(v))
		strvec_push(texts, json_str(v));
	if (json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT))
		json_each(e, v) add_texts(texts, e);
}

static int eval_call(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	/* Fn::If only chooses: what it gives is evaluated as if it stood alone. */
	size_t deeper = call->fn->eval == eval_if ? 0 : 1;
	bool outermost = deeper && !ev->depth, before = ev->e->has_secret;
	if (outermost)
		ev->e->has_secret = false;
	ev->depth += deeper;
	int ret = call_function(ev, call, out, err);
	ev->depth -= deeper;
	if (outermost) {
		if (ev->e->has_secret && ev->secret_paths && ev->path.len > ev->root &&
			!strvec_has(ev->secret_paths, ev->path.buf + ev->root + 1))
			strvec_push(ev->secret_paths, ev->path.buf + ev->root + 1);
		if (ev->e->has_secret && ev->secret_texts)
			add_texts(ev->secret_texts, *out);
		ev->e->has_secret |= before;
	}
	return ret;
}

int eval_node(struct evaluation *ev, const struct yaml_node *n, struct json **out, struct err *err)
{
	struct call call;
	struct err own = ERR_INIT;
	struct err *e = ev->errors ? &own : err;
	int ret;

	*out = NULL;
	switch (call_of(n, ev->condition, &call)) {
	case CALL_KNOWN:
		ret = eval_call(ev, &call, out, e);
		break;
	case CALL_NONE:
		if (n->kind == YAML_SCALAR) {
			*out = scalar_value(n);
			return 0;
		}
		return n->kind == YAML_SEQUENCE ? eval_sequence(ev, n, out, err)
						: eval_mapping(ev, n, out, err);
	default:
		ret = eval_fail(ev, n, e, "unknown intrinsic function '%s'", call.name);
		break;
	}
	if (ret && ev->errors) {
		err_list_take(ev->errors, &own);
		json_free(*out);
		*out = json_unknown();
		return 0;
	}
	return ret;
}

/* --- for others --- */
int stack_eval(struct eval *e, const struct yaml_node *node, const char *path, struct json **out,
	struct err *err)
{
	struct evaluation ev = EVALUATION_INIT(e);
	strbuf_addstr(&ev.path, path ? path : "");
	ev.root = ev.path.len;
	int ret = eval_node(&ev, node, out, err);
	if (!ret && !*out)
		*out = json_null();
	if (!ret && references_resolve(&ev, NULL, node, out, err)) {
		json_free(*out);
		*out = NULL;
		ret = -1;
	}
	evaluation_release(&ev);
	return ret;
}

/* Values of F_SECRET rows are secret whatever went into them, a plain text too. */
static void mark_secret_fields(struct evaluation *ev, const struct field *fields,
	const struct json *props, const char *prefix)
{
	for (const struct field *f = fields; f && f->name; f++) {
		const struct json *v = json_get(props, f->name);
		if (!v || (!(f->flags & F_SECRET) && !(f->fields && json_is(v, JSON_OBJECT))))
			continue;
		char *path = xasprintf("%s%s%s", prefix, *prefix ? "." : "", f->name);
		if (!(f->flags & F_SECRET)) {
			mark_secret_fields(ev, f->fields, v, path);
		} else {
			ev->e->has_secret = true;
			if (ev->secret_paths && !strvec_has(ev->secret_paths, path))
				strvec_push(ev->secret_paths, path);
			const char *text = json_scalar_text(v);
			if (ev->secret_texts && text && *text)
				strvec_push(ev->secret_texts, text);
		}
		free(path);
	}
}

static int eval_properties(
	struct evaluation *ev, const struct stack_resource *r, struct json **out, struct err *err)
{
	strbuf_addf(&ev->path, "Resources.%s.Properties", r->template->logical_id);
	ev->root = ev->path.len;
	*out = NULL;
	if (r->template->properties && eval_node(ev, r->template->properties, out, err))
		return -1;
	if (!*out)
		*out = json_object();
	if (references_resolve(ev, r, NULL, out, err)) {
		json_free(*out);
		*out = NULL;
		return -1;
	}
	if (r->schema)
		mark_secret_fields(ev, r->schema->fields, *out, "");
	return 0;
}

int stack_eval_properties(
	struct eval *e, const struct stack_resource *r, struct json **out, struct err *err)
{
	struct evaluation ev = EVALUATION_INIT(e);
	int ret = eval_properties(&ev, r, out, err);
	if (!ret && r->schema)
		coerce_object(r->schema->fields, *out);
	evaluation_release(&ev);
	return ret;
}

int stack_eval_secrets(
	struct eval *e, const struct stack_resource *r, struct strvec *paths, struct err *err)
{
	struct evaluation ev = EVALUATION_INIT(e);
	struct json *props = NULL;
	ev.secret_paths = paths;
	int ret = eval_properties(&ev, r, &props, err);
	json_free(props);
	evaluation_release(&ev);
	return ret;
}

void eval_properties_collect(const struct stack_resource *r, struct json **out,
	struct strvec *secret_paths, struct err_list *errors)
{
	struct eval e = {.stack = r->stack};
	struct evaluation ev = EVALUATION_INIT(&e);
	ev.errors = errors;
	ev.secret_paths = secret_paths;
	/* With a list to put them on, errors do not come back. */
	if (eval_properties(&ev, r, out, NULL))
		*out = json_object();
	else if (r->schema)
		coerce_object(r->schema->fields, *out);
	evaluation_release(&ev);
}

void stack_secrets_ever(const struct stack_resource *r, struct strvec *paths)
{
	struct eval e = {.stack = r->stack};
	struct evaluation ev = EVALUATION_INIT(&e);
	struct err_list ignored = ERR_LIST_INIT;
	struct json *props = NULL;
	ev.errors = &ignored;
	ev.secret_paths = paths;
	ev.all_branches = true;
	if (!eval_properties(&ev, r, &props, NULL))
		json_free(props);
	err_list_release(&ignored);
	evaluation_release(&ev);
}

void eval_secret_texts(const struct stack_resource *r, struct strvec *texts)
{
	struct eval e = {.stack = r->stack};
	struct evaluation ev = EVALUATION_INIT(&e);
	struct err_list ignored = ERR_LIST_INIT;
	struct json *props = NULL;
	ev.errors = &ignored;
	ev.secret_texts = texts;
	if (!eval_properties(&ev, r, &props, NULL))
		json_free(props);
	err_list_release(&ignored);
	evaluation_release(&ev);
}

void eval_collect(const struct stack *s, const struct yaml_node *n, const char *path,
	struct json **out, struct err_list *errors)
{
	struct eval e = {.stack = s};
	struct evaluation ev = EVALUATION_INIT(&e);
	ev.errors = errors;
	strbuf_addstr(&ev.path, path);
	ev.root = ev.path.len;
	if (eval_node(&ev, n, out, NULL) || references_resolve(&ev, NULL, n, out, NULL))
		*out = NULL;
	evaluation_release(&ev);
}

/* --- what checks may see --- */
static void forget_at(struct json *v, const struct strvec *paths, struct strbuf *path)
{
	bool list = json_is(v, JSON_ARRAY);
	size_t i = 0, mark = path->len;
	struct json *next;
	if (!list && !json_is(v, JSON_OBJECT))
		return;
	for (struct json *e = json_first(v); e; e = next, i++) {
		next = json_next(e);
		if (list)
			strbuf_addf(path, "%s%zu", mark ? "." : "", i);
		else
			strbuf_addf(path, "%s%s", mark ? "." : "", json_name(e));
		if (strvec_has(paths, path->buf))
			json_replace(v, e, json_unknown());
		else
			forget_at(e, paths, path);
		strbuf_setlen(path, mark);
	}
}

void stack_forget_secrets(struct json *props, const struct strvec *paths)
{
	struct strbuf path = STRBUF_INIT;
	forget_at(props, paths, &path);
	strbuf_release(&path);
}
