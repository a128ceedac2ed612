#include "conditions.h"

#include <stdlib.h>
#include <string.h>
#include "intrinsics.h"

#define MAX_CHAIN 200

enum visit { UNSEEN, ON_PATH, DONE };

struct resolver {
	struct stack *s;
	const struct yaml_node *section;
	enum visit *state;
	size_t *chain; /* indices on the way */
	size_t depth;
	struct err_list *errors, *warnings;
	bool failed;
};

static void resolve(struct resolver *r, const struct yaml_node *at, size_t i);

static void need(struct resolver *r, const struct yaml_node *n)
{
	if (n->kind != YAML_SCALAR)
		return;
	for (size_t i = 0; i < r->section->nr; i++)
		if (!strcmp(r->section->pairs[i].key->text, n->text))
			resolve(r, n, i);
}

/* Resolves the conditions that a node refers to. */
static void resolve_inside(struct resolver *r, const struct yaml_node *n)
{
	struct call call;
	if (call_of(n, true, &call) == CALL_KNOWN) {
		if (call.fn->eval == eval_condition) {
			need(r, call.arg);
			return;
		}
		if (call.fn->eval == eval_if && call.arg->kind == YAML_SEQUENCE && call.arg->nr)
			need(r, call.arg->items[0]);
		n = call.arg;
		if (n != &call.untagged && call_of(n, true, &call) != CALL_NONE) {
			resolve_inside(r, n);
			return;
		}
	}
	for (size_t i = 0; n->kind != YAML_SCALAR && i < n->nr; i++)
		resolve_inside(r, n->kind == YAML_SEQUENCE ? n->items[i] : n->pairs[i].value);
}

static void fail_cycle(struct resolver *r, const struct yaml_node *at, size_t i)
{
	struct strbuf path = STRBUF_INIT;
	size_t from = 0;
	while (r->chain[from] != i)
		from++;
	for (; from < r->depth; from++)
		strbuf_addf(&path, "%s -> ", r->section->pairs[r->chain[from]].key->text);
	char *place = xasprintf("Conditions.%s", r->section->pairs[i].key->text);
	report(r->errors, r->s->template->file, at, place,
		"conditions refer to each other in a circle: %s%s", path.buf,
		r->section->pairs[i].key->text);
	free(place);
	strbuf_release(&path);
	r->failed = true;
}

static void evaluate(struct resolver *r, size_t i)
{
	const struct yaml_pair *pair = &r->section->pairs[i];
	struct eval e = {.stack = r->s};
	struct evaluation ev = EVALUATION_INIT(&e);
	struct json *v = NULL;
	struct err err = ERR_INIT;

	ev.condition = true;
	strbuf_addf(&ev.path, "Conditions.%s", pair->key->text);
	if (eval_node(&ev, pair->value, &v, &err)) {
		err_list_take(r->errors, &err);
		r->failed = true;
	} else {
		bool unknown = json_is_unknown(v) && !r->s->only_checked;
		if (unknown && r->s->account && !r->s->may_guess) {
			report(r->errors, r->s->template->file, pair->key, ev.path.buf,
				"condition '%s' hangs on a value that is only known in the cloud",
				pair->key->text);
			report_hint(r->errors, "conditions are decided before set-up: take a "
					       "parameter with the value itself");
			r->failed = true;
		} else if (unknown) {
			r->s->guessed = true;
			report(r->warnings, r->s->template->file, pair->key, ev.path.buf,
				"condition '%s' hangs on %s, which is not known here: taken as "
				"false",
				pair->key->text,
				json_len(r->s->lookups)
					? "the account, the region or Systems Manager"
					: "the account or region");
		}
		json_set_bool(r->s->conditions, pair->key->text, json_truth(v, false));
	}
	json_free(v);
	evaluation_release(&ev);
}

static void resolve(struct resolver *r, const struct yaml_node *at, size_t i)
{
	if (r->state[i] == DONE || r->failed)
		return;
	if (r->state[i] == ON_PATH) {
		fail_cycle(r, at, i);
		return;
	}
	if (r->depth == MAX_CHAIN) {
		report(r->errors, r->s->template->file, at, NULL,
			"conditions refer to each other over more than %d steps", MAX_CHAIN);
		r->failed = true;
		return;
	}
	r->state[i] = ON_PATH;
	r->chain[r->depth++] = i;
	resolve_inside(r, r->section->pairs[i].value);
	r->depth--;
	r->state[i] = DONE;
	if (!r->failed)
		evaluate(r, i);
}

int conditions_bind(struct stack *s, struct err_list *errors, struct err_list *warnings)
{
	struct resolver r = {
		.s = s, .section = s->template->conditions, .errors = errors, .warnings = warnings};
	size_t before = errors->nr;

	s->conditions = json_object();
	if (!r.section || !r.section->nr)
		return 0;
	r.state = xcalloc(r.section->nr, sizeof(*r.state));
	r.chain = xcalloc(MAX_CHAIN, sizeof(*r.chain));
	for (size_t i = 0; i < r.section->nr; i++) {
		resolve(&r, r.section->pairs[i].key, i);
		/* One that failed says so; those that need it would only repeat it. */
		if (r.failed)
			break;
	}
	free(r.state);
	free(r.chain);
	return errors->nr > before ? -1 : 0;
}

/* 1 true, 0 false, 2 unknown, -1 */
static int holds(struct stack *s, const struct yaml_node *n, const char *path, struct err *err)
{
	struct eval e = {.stack = s};
	struct evaluation ev = EVALUATION_INIT(&e);
	struct json *v = NULL;
	ev.condition = true;
	strbuf_addstr(&ev.path, path);
	int ret = eval_node(&ev, n, &v, err);
	if (!ret)
		ret = json_is_unknown(v) ? 2 : json_truth(v, false);
	json_free(v);
	evaluation_release(&ev);
	return ret;
}

static void check_rule(struct stack *s, const char *name, const struct yaml_node *rule,
	struct err_list *errors, struct err_list *warnings)
{
	const struct yaml_node *condition = yaml_get(rule, "RuleCondition");
	const struct yaml_node *list = yaml_get(rule, "Assertions");
	char *path = xasprintf("Rules.%s", name);
	struct err err = ERR_INIT;
	int applies = condition ? holds(s, condition, path, &err) : 1;
	if (applies < 0)
		err_list_take(errors, &err);
	for (size_t i = 0; applies == 1 && i < list->nr; i++) {
		const struct yaml_node *n = list->items[i];
		const struct yaml_node *text = yaml_get(n, "AssertDescription");
		int ok = holds(s, yaml_get(n, "Assert"), path, &err);
		if (ok < 0)
			err_list_take(errors, &err);
		else if (ok == 2 && !s->only_checked)
			report(warnings, s->template->file, n, path,
				"rule '%s' is not checked: it asks for what only the cloud knows",
				name);
		else if (!ok)
			report(errors, s->template->file, n, path, "rule '%s' is broken%s%s", name,
				text ? ": " : "", text ? text->text : "");
	}
	free(path);
}

int rules_check(struct stack *s, struct err_list *errors, struct err_list *warnings)
{
	const struct yaml_node *rules = s->template->rules;
	size_t before = errors->nr;
	for (size_t i = 0; rules && i < rules->nr; i++)
		check_rule(s, rules->pairs[i].key->text, rules->pairs[i].value, errors, warnings);
	return errors->nr > before ? -1 : 0;
}
