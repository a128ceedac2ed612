/* What each intrinsic function gives. Arguments' shapes were checked when the template was loaded; see intrinsics.h. */
#include <stdlib.h>
#include <string.h>
#include "base64.h"
#include "intrinsics.h"

/* A text with a reference to a secret in it is one, whatever else goes into it. */
static void note_reference(struct evaluation *ev, const char *text)
{
	if (strstr(text, "{{resolve:secretsmanager") || ends_with(text, "{{resolve:"))
		ev->e->has_secret = true;
}

/* A scalar's text appended to sb; *unknown is set instead where it is not known. */
static int add_text(struct evaluation *ev, const struct yaml_node *at, const struct json *v,
	const char *what, struct strbuf *sb, bool *unknown, struct err *err)
{
	const char *text = json_scalar_text(v);
	if (json_has_unknown(v)) {
		*unknown = true;
		return 0;
	}
	if (!v)
		return eval_fail(ev, at, err, "%s is AWS::NoValue", what);
	if (!text) {
		eval_fail(ev, at, err, "%s is %s, not a text", what,
			json_is(v, JSON_ARRAY) ? "a list" : "a mapping");
		if (json_is(v, JSON_ARRAY))
			err_hint(err, "use Fn::Join or Fn::Select to make a text of it");
		return -1;
	}
	note_reference(ev, text);
	strbuf_addstr(sb, text);
	return 0;
}

int eval_text(struct evaluation *ev, const struct yaml_node *n, const char *what, struct strbuf *sb,
	bool *unknown, struct err *err)
{
	struct json *v;
	if (eval_node(ev, n, &v, err))
		return -1;
	int ret = add_text(ev, n, v, what, sb, unknown, err);
	json_free(v);
	return ret;
}

int eval_list(struct evaluation *ev, const struct call *call, const struct yaml_node *n,
	struct json **out, struct err *err)
{
	if (eval_node(ev, n, out, err))
		return -1;
	if (json_is(*out, JSON_ARRAY))
		return 0;
	bool unknown = json_is_unknown(*out);
	json_free(*out);
	*out = NULL;
	return unknown ? 0 : eval_fail(ev, n, err, "%s needs a list here", call->name);
}

static struct json *text_result(struct strbuf *sb, bool unknown)
{
	return unknown ? json_unknown() : json_string_n(sb->buf, sb->len);
}

int eval_ref(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	if (call->arg->kind != YAML_SCALAR)
		return eval_fail(ev, call->arg, err, "%s takes a name", call->name);
	return eval_ref_name(ev, call->arg, call->arg->text, out, err);
}

int eval_getatt(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	char *id = NULL, *attribute = NULL;
	const struct yaml_node *attribute_node;
	struct strbuf name = STRBUF_INIT;
	bool unknown = false;
	int ret = -1;

	if (!getatt_parts(call, &id, &attribute_node, &attribute)) {
		eval_fail(ev, call->arg, err, "%s takes a resource and one of its attributes",
			call->name);
		goto out;
	}
	if (attribute)
		strbuf_addstr(&name, attribute);
	else if (eval_text(ev, attribute_node, "the attribute", &name, &unknown, err))
		goto out;
	if (unknown) {
		*out = json_unknown();
		ret = 0;
		goto out;
	}
	ret = eval_reference(ev, call->arg, id, name.buf, out, err);
out:
	free(id);
	free(attribute);
	strbuf_release(&name);
	return ret;
}

/* --- Sub --- */
static int sub_value(struct evaluation *ev, const struct yaml_node *at,
	const struct yaml_node *variables, const char *name, struct json **out, struct err *err)
{
	const struct yaml_node *variable = yaml_get(variables, name);
	if (variable)
		return eval_node(ev, variable, out, err);
	const char *dot = strchr(name, '.');
	if (!dot)
		return eval_ref_name(ev, at, name, out, err);
	char *id = xstrndup(name, (size_t)(dot - name));
	int ret = eval_reference(ev, at, id, dot + 1, out, err);
	free(id);
	return ret;
}

static int sub_add(struct evaluation *ev, const struct yaml_node *at,
	const struct yaml_node *variables, const struct sub_piece *piece, struct strbuf *sb,
	bool *unknown, struct err *err)
{
	if (piece->kind != SUB_NAME) {
		strbuf_add(sb, piece->text, piece->len);
		return 0;
	}
	struct json *v = NULL;
	char *name = xstrndup(piece->text, piece->len), *what = xasprintf("'${%s}'", name);
	int ret = sub_value(ev, at, variables, name, &v, err);
	if (!ret)
		ret = add_text(ev, at, v, what, sb, unknown, err);
	json_free(v);
	free(name);
	free(what);
	return ret;
}

int eval_sub(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	const struct yaml_node *text = call->arg, *variables = NULL;
	struct strbuf sb = STRBUF_INIT;
	struct sub_piece piece;
	bool unknown = false;

	if (text->kind == YAML_SEQUENCE && text->nr == 2) {
		variables = text->items[1];
		text = text->items[0];
	}
	if (text->kind != YAML_SCALAR)
		return eval_fail(ev, call->arg, err, "%s takes a text", call->name);
	note_reference(ev, text->text);
	for (const char *p = text->text; sub_next(&p, &piece);) {
		if (sub_add(ev, text, variables, &piece, &sb, &unknown, err)) {
			strbuf_release(&sb);
			return -1;
		}
	}
	*out = text_result(&sb, unknown);
	strbuf_release(&sb);
	return 0;
}

/* --- texts and lists --- */
int eval_join(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	struct json *list = NULL, *e;
	bool unknown = false, first = true;
	int ret = -1;

	if (eval_list(ev, call, call->arg->items[1], &list, err))
		goto out;
	unknown = !list;
	json_each(e, list)
	{
		if (!first)
			strbuf_addstr(&sb, call->arg->items[0]->text);
		first = false;
		if (add_text(ev, call->arg->items[1], e, "a value to join", &sb, &unknown, err))
			goto out;
	}
	*out = text_result(&sb, unknown);
	ret = 0;
out:
	json_free(list);
	strbuf_release(&sb);
	return ret;
}

int eval_select(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct strbuf index = STRBUF_INIT;
	struct json *list = NULL;
	bool unknown = false;
	long long i;
	int ret = -1;

	if (eval_text(ev, call->arg->items[0], "the index", &index, &unknown, err) ||
		eval_list(ev, call, call->arg->items[1], &list, err))
		goto out;
	if (unknown || !list) {
		*out = json_unknown();
		ret = 0;
		goto out;
	}
	if (parse_int64(index.buf, 0, INT64_MAX, &i)) {
		eval_fail(ev, call->arg->items[0], err, "'%s' is not an index",
			eval_shown(ev, index.buf));
		goto out;
	}
	const struct json *found = json_at(list, (size_t)i);
	if (!found) {
		eval_fail(ev, call->arg->items[0], err,
			"there is no value number %s in a list of %zu (the first is 0)",
			eval_shown(ev, index.buf), json_len(list));
		goto out;
	}
	*out = json_copy(found);
	ret = 0;
out:
	json_free(list);
	strbuf_release(&index);
	return ret;
}

int eval_split(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	const char *delimiter = call->arg->items[0]->text;
	struct strbuf text = STRBUF_INIT;
	bool unknown = false;

	if (call->arg->items[0]->kind != YAML_SCALAR || !*delimiter)
		return eval_fail(ev, call->arg, err, "%s needs a delimiter", call->name);
	if (eval_text(ev, call->arg->items[1], "the text to split", &text, &unknown, err)) {
		strbuf_release(&text);
		return -1;
	}
	if (unknown) {
		*out = json_unknown();
	} else {
		*out = json_array();
		const char *p = text.buf, *end;
		for (; (end = strstr(p, delimiter)) != NULL; p = end + strlen(delimiter))
			json_push(*out, json_string_n(p, (size_t)(end - p)));
		json_push(*out, json_string(p));
	}
	strbuf_release(&text);
	return 0;
}

int eval_base64(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct strbuf text = STRBUF_INIT, encoded = STRBUF_INIT;
	bool unknown = false;
	int ret = eval_text(ev, call->arg, "the text", &text, &unknown, err);
	if (!ret) {
		base64_encode(&encoded, text.buf, text.len);
		*out = text_result(&encoded, unknown);
	}
	strbuf_release(&text);
	strbuf_release(&encoded);
	return ret;
}

int eval_length(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct json *v;
	if (eval_node(ev, call->arg, &v, err))
		return -1;
	bool unknown = json_is_unknown(v), list = json_is(v, JSON_ARRAY);
	if (unknown || list)
		*out = unknown ? json_unknown() : json_int((int64_t)json_len(v));
	json_free(v);
	return unknown || list ? 0 : eval_fail(ev, call->arg, err, "%s takes a list", call->name);
}

int eval_to_json(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct json *v;
	struct strbuf sb = STRBUF_INIT;
	if (eval_node(ev, call->arg, &v, err))
		return -1;
	if (json_has_unknown(v)) {
		*out = json_unknown();
	} else {
		json_print(v, &sb);
		*out = json_string_n(sb.buf, sb.len);
	}
	json_free(v);
	strbuf_release(&sb);
	return 0;
}

/* --- mappings, imports --- */
static struct json *literal(const struct yaml_node *n)
{
	if (n->kind == YAML_SCALAR)
		return scalar_value(n);
	struct json *array = json_array();
	for (size_t i = 0; n->kind == YAML_SEQUENCE && i < n->nr; i++)
		json_push(array, literal(n->items[i]));
	return array;
}

int eval_find_in_map(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	const struct yaml_node *args = call->arg, *at = ev->e->stack->template->mappings;
	struct strbuf key = STRBUF_INIT;
	bool unknown = false;
	int ret = -1;

	for (size_t i = 0; i < 3 && (at || !i); i++) {
		strbuf_clear(&key);
		if (eval_text(ev, args->items[i], "a key", &key, &unknown, err))
			goto out;
		if (unknown) {
			*out = json_unknown();
			ret = 0;
			goto out;
		}
		const struct yaml_node *next = yaml_get(at, key.buf);
		if (!next && args->nr < 4) {
			eval_fail(ev, args->items[i], err,
				i ? "there is no key '%s' in the mapping"
				  : "mapping '%s' is not defined",
				eval_shown(ev, key.buf));
			goto out;
		}
		at = next;
	}
	if (at) {
		*out = literal(at);
		ret = 0;
	} else if (args->nr == 4 && yaml_get(args->items[3], "DefaultValue")) {
		ret = eval_node(ev, yaml_get(args->items[3], "DefaultValue"), out, err);
	} else {
		eval_fail(ev, args, err, "%s finds nothing", call->name);
		if (args->nr == 4)
			err_hint(err, "the fourth value must be {DefaultValue: …}");
	}
out:
	strbuf_release(&key);
	return ret;
}

int eval_import(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct strbuf name = STRBUF_INIT;
	bool unknown = false;
	int ret = eval_text(ev, call->arg, "the export's name", &name, &unknown, err);
	if (!ret) {
		ret = 1;
		*out = NULL;
		if (!unknown && ev->e->ops && ev->e->ops->import)
			ret = ev->e->ops->import(ev->e->payload, name.buf, out, err);
		if (ret < 0)
			eval_place(ev, call->arg, err);
		if (ret > 0)
			*out = json_unknown();
	}
	strbuf_release(&name);
	return ret < 0 ? -1 : 0;
}

/* --- conditions --- */
static int condition_by_name(struct evaluation *ev, const struct yaml_node *n, const char *fn,
	bool *value, struct err *err)
{
	if (n->kind != YAML_SCALAR)
		return eval_fail(ev, n, err, "%s takes the name of a condition", fn);
	const struct json *v = json_get(ev->e->stack->conditions, n->text);
	if (!v)
		return eval_fail(ev, n, err, "condition '%s' is not defined", n->text);
	*value = json_truth(v, false);
	return 0;
}

int eval_if(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	bool value;
	if (condition_by_name(ev, call->arg->items[0], call->name, &value, err))
		return -1;
	if (ev->all_branches) {
		struct err ignored = ERR_INIT;
		struct json *other = NULL;
		if (eval_node(ev, call->arg->items[value ? 2 : 1], &other, &ignored))
			err_release(&ignored);
		json_free(other);
	}
	return eval_node(ev, call->arg->items[value ? 1 : 2], out, err);
}

int eval_condition(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	bool value;
	if (condition_by_name(ev, call->arg, call->name, &value, err))
		return -1;
	*out = json_bool(value);
	return 0;
}

/* And, Or: `decides` is the operand that settles it alone. */
static int eval_logic(struct evaluation *ev, const struct call *call, bool decides,
	struct json **out, struct err *err)
{
	bool decided = false, unknown = false;
	for (size_t i = 0; i < call->arg->nr; i++) {
		const struct yaml_node *n = call->arg->items[i];
		struct json *v;
		if (eval_node(ev, n, &v, err))
			return -1;
		bool is_unknown = json_is_unknown(v), truth = json_truth(v, false);
		bool is_bool = json_is(v, JSON_BOOL) || is_unknown ||
			       json_truth(v, false) == json_truth(v, true);
		json_free(v);
		if (!is_bool)
			return eval_fail(
				ev, n, err, "%s takes conditions, true or false", call->name);
		unknown |= is_unknown;
		decided |= !is_unknown && truth == decides;
	}
	if (decided)
		*out = json_bool(decides);
	else
		*out = unknown ? json_unknown() : json_bool(!decides);
	return 0;
}

int eval_and(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	return eval_logic(ev, call, false, out, err);
}

int eval_or(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	return eval_logic(ev, call, true, out, err);
}

int eval_not(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	struct json *v = NULL;
	/* Of one operand, And gives that operand. */
	if (eval_logic(ev, call, false, &v, err))
		return -1;
	*out = json_is_unknown(v) ? json_unknown() : json_bool(!json_truth(v, false));
	json_free(v);
	return 0;
}

bool eval_same(const struct json *a, const struct json *b)
{
	const char *x = json_scalar_text(a), *y = json_scalar_text(b);
	return x && y ? !strcmp(x, y) : json_equal(a, b);
}

int eval_equals(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	const struct stack *s = ev->e->stack;
	struct json *a = NULL, *b = NULL;
	int ret = -1;
	if (eval_node(ev, call->arg->items[0], &a, err) ||
		eval_node(ev, call->arg->items[1], &b, err))
		goto out;
	if ((json_has_unknown(a) || json_has_unknown(b)) &&
		((ev->e->has_secret && s->secrets_unknown) || s->other))
		*out = json_bool(false); /* a secret that is not at hand is not empty, nor "none" */
	else if (json_has_unknown(a) || json_has_unknown(b))
		*out = json_unknown();
	else
		*out = json_bool(eval_same(a, b));
	ret = 0;
out:
	json_free(a);
	json_free(b);
	return ret;
}
