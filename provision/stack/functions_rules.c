/* What only Rules may ask. */
#include <string.h>
#include "intrinsics.h"

static bool contains(const struct json *list, const struct json *v)
{
	struct json *e;
	json_each(e, list) if (eval_same(e, v)) return true;
	return false;
}

enum membership { LIST_HAS_VALUE, ALL_EQUAL_VALUE, ALL_IN_LIST };

static int eval_membership(struct evaluation *ev, const struct call *call, enum membership kind,
	struct json **out, struct err *err)
{
	struct json *list = NULL, *other = NULL, *e;
	int ret = -1;
	bool yes = kind != LIST_HAS_VALUE;

	if (eval_list(ev, call, call->arg->items[0], &list, err) ||
		eval_node(ev, call->arg->items[1], &other, err))
		goto out;
	ret = 0;
	if (!list || json_has_unknown(list) || json_has_unknown(other)) {
		*out = json_unknown();
		goto out;
	}
	if (kind == LIST_HAS_VALUE)
		yes = contains(list, other);
	else
		json_each(e, list) yes =
			yes && (kind == ALL_EQUAL_VALUE ? eval_same(e, other) : contains(other, e));
	*out = json_bool(yes);
out:
	json_free(list);
	json_free(other);
	return ret;
}

int eval_contains(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	return eval_membership(ev, call, LIST_HAS_VALUE, out, err);
}

int eval_each_equals(
	struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	return eval_membership(ev, call, ALL_EQUAL_VALUE, out, err);
}

int eval_each_in(struct evaluation *ev, const struct call *call, struct json **out, struct err *err)
{
	return eval_membership(ev, call, ALL_IN_LIST, out, err);
}

/* The values of all parameters of a type. */
int eval_ref_all(struct evaluation *ev, const struct call *call, struct json **out,
	struct err *err unused_arg)
{
	const struct template *t = ev->e->stack->template;
	*out = json_array();
	for (size_t i = 0; i < t->nr_parameters; i++) {
		const struct json *v = json_get(ev->e->stack->parameters, t->parameters[i].name);
		if (!strcmp(t->parameters[i].type, call->arg->text) && v)
			json_push(*out, json_copy(v));
	}
	return 0;
}

int eval_value_of(struct evaluation *ev unused_arg, const struct call *call unused_arg,
	struct json **out, struct err *err unused_arg)
{
	*out = json_unknown();
	return 0;
}
