/*
 * Taking down: first everything that may still write is brought to rest, then the graph is walked backwards, then every
 * name is read again: that is the proof.
 */
#include <stdlib.h>
#include <string.h>
#include "node.h"
#include "thrdpool.h"
#include "xalloc.h"

/* This project made it, and nothing on it says so any more. What another owner's tags are on, somebody made anew. */
static bool lost_its_tags(const struct node *n, enum owner owner)
{
	const struct record_entry *entry;

	if (owner != OWNER_NONE || !n->record || n->live.going)
		return false;
	entry = record_find(n->record, n->logical_id, n->name);
	return entry && entry->state != RECORD_INTENT;
}

static void classify_for_teardown(struct engine *e, struct node *n)
{
	enum owner owner;

	engine_set_action(n, ACTION_NONE, "does not exist");
	if (!n->in_scope || (!n->live.exists && !n->live.going) || (n->type->flags & T_ACTION))
		return;
	owner = engine_owner(e, n);
	if (n->live.going && owner == OWNER_NONE) {
		/* On its way out, tags first: an earlier run asked for it, or nobody needs to. */
		engine_set_action(n, ACTION_DELETE, "teardown");
	} else if (owner != OWNER_OURS && owner != OWNER_RENAMED) {
		n->foreign = true;
		n->lost_tags = lost_its_tags(n, owner);
		engine_set_action(n, ACTION_NONE,
			n->lost_tags ? "it does not carry this project's tags any more"
				     : "not this project's");
	} else if (n->retain) {
		engine_set_action(n, ACTION_RETAIN, "DeletionPolicy: Retain");
	} else if (e->opts.keep_data && (n->type->flags & T_DATA)) {
		engine_set_action(n, ACTION_RETAIN, "--keep-data");
	} else {
		engine_set_action(n, ACTION_DELETE, "teardown");
	}
}

/* An upload stays with the bucket that stays. */
static void keep_with_container(struct engine *e, size_t index)
{
	struct node *n = e->nodes[index];
	const struct depgraph_node *g = &e->graph.nodes[index];

	if (n->action != ACTION_DELETE || !(n->type->flags & T_PSEUDO))
		return;
	for (size_t i = 0; i < g->nr_needs; i++)
		if (e->nodes[g->needs[i]]->action == ACTION_RETAIN)
			engine_set_action(n, ACTION_RETAIN, "it lies in a bucket that stays");
}

static int plan_teardown(struct engine *e, struct err_list *errors, struct err_list *warnings)
{
	if (engine_load_records(e, errors) < 0)
		return -1;
	engine_add_leftovers(e, warnings);
	if (engine_build_graph(e, errors, warnings) < 0 || engine_observe(e, errors) < 0)
		return -1;
	for (size_t i = 0; i < e->nr; i++)
		classify_for_teardown(e, e->nodes[i]);
	for (size_t i = 0; i < e->nr; i++)
		keep_with_container(e, i);
	e->teardown_planned = true;
	return 0;
}

/* A stack that others stand on cannot go alone. */
static int check_not_used(struct engine *e, struct err_list *errors)
{
	size_t before = errors->nr;

	for (size_t i = 0; e->opts.only_stack && i < e->nr; i++) {
		const struct node *n = e->nodes[i];
		const struct depgraph_node *g = &e->graph.nodes[i];
		if (n->action != ACTION_DELETE)
			continue;
		for (size_t k = 0; k < g->nr_needed_by; k++) {
			const struct node *user = e->nodes[g->needed_by[k]];
			struct err err = ERR_INIT;
			if (user->in_scope || !user->live.exists || user->foreign ||
				(user->type->flags & T_PSEUDO))
				continue;
			err_set(&err, ERR_CONFLICT, "'%s' of stack '%s' still needs it",
				user->logical_id, user->stack);
			err_named(&err, "InUse");
			err_hint(&err, "delete stack '%s' first", user->stack);
			err_in(&err, n->stack, n->logical_id);
			err_list_take(errors, &err);
		}
	}
	return errors->nr > before ? -1 : 0;
}

int engine_teardown_preview(
	struct engine *e, size_t *resources, struct strvec *data, struct err *err)
{
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	int ret = plan_teardown(e, &errors, &warnings);

	*resources = 0;
	if (ret < 0 && errors.nr)
		err_move(err, &errors.v[0]);
	for (size_t i = 0; !ret && i < e->nr; i++) {
		struct node *n = e->nodes[i];
		struct resource r = node_resource(n);
		bool has = false;
		char *what = NULL;

		if (n->action != ACTION_DELETE)
			continue;
		++*resources;
		if ((n->type->flags & T_DATA) && n->type->content &&
			n->type->content(e->opts.ctx, &r, &has, &what, err) < 0)
			ret = -1;
		if (has)
			strvec_pushf(data, "%s '%s' holds %s", n->type->schema.name, n->name,
				what ? what : "data");
		free(what);
	}
	err_list_release(&errors);
	err_list_release(&warnings);
	return ret;
}

static bool wants_rest(struct engine *e unused_arg, struct node *n)
{
	return n->action == ACTION_DELETE && n->type->quiesce;
}

static int rest(struct engine *e, struct node *n, struct err *err)
{
	struct resource r = node_resource(n);

	return n->type->quiesce(e->opts.ctx, &r, true, NULL, err);
}

static bool wants_removal(struct engine *e unused_arg, struct node *n)
{
	return n->action == ACTION_DELETE;
}

static bool goes_with_its_bucket(const struct engine *e, const struct node *n)
{
	if (!(n->type->flags & T_PSEUDO))
		return false;
	const struct depgraph_node *g = &e->graph.nodes[n->index];
	for (size_t i = 0; i < g->nr_needs; i++) {
		const struct node *need = e->nodes[g->needs[i]];
		if (need->action == ACTION_DELETE && (need->type->flags & T_DATA) &&
			need->type->empty)
			return true;
	}
	return false;
}

static int remove_node(struct engine *e, struct node *n, struct err *err)
{
	struct resource r = node_resource(n);
	const struct type_ctx *ctx = e->opts.ctx;

	if (goes_with_its_bucket(e, n))
		return 0;
	if (n->live.going)
		return n->type->settle ? n->type->settle(ctx, &r, true, err) : 0;
	if (n->type->sweep && !e->opts.keep_data) {
		json_free(n->swept);
		n->swept = json_array();
		if (n->type->sweep(ctx, &r, n->swept, err) < 0)
			return err_wrap(err, "removing what it made");
	}
	if (n->type->empty && (n->type->flags & T_DATA) && n->type->empty(ctx, &r, err) < 0)
		return -1;
	if (n->type->destroy && n->type->destroy(ctx, &r, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		err_release(err);
	}
	return n->type->settle ? n->type->settle(ctx, &r, true, err) : 0;
}

static void mark_deleting(struct engine *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];
		struct record_entry *entry;
		/* An empty record needs no journal: its names come from the templates again. */
		if (n->action != ACTION_DELETE || !n->record->version)
			continue;
		entry = record_put(n->record, n->logical_id, n->type->schema.name, n->name);
		record_set_state(n->record, entry, RECORD_DELETING, NULL);
	}
}

/* --- the proof --- */

static void add_left(struct engine *e, const struct node *n, const char *reason)
{
	struct json *left = json_object();

	json_set_str(left, "type", n->type->schema.name);
	json_set_str(left, "physical_id", n->name);
	json_set_str(left, "stack", n->stack);
	json_set_str(left, "logical_id", n->logical_id);
	json_set_str(left, "reason", reason);
	json_push(e->left, left);
}

static void read_again(void *item, size_t worker unused_arg, void *payload)
{
	struct node *n = item;
	struct err err = ERR_INIT;

	n->read = false;
	if (engine_read_node(payload, n, READ_TAGS, &err) < 0 && !n->err.code) {
		err_move(&n->err, &err);
		n->status = STATUS_FAILED;
	}
	err_release(&err);
}

static void prove_names(struct engine *e)
{
	void **items = xcalloc(e->nr + 1, sizeof(*items));
	size_t nr = 0;

	for (size_t i = 0; i < e->nr; i++)
		if (e->nodes[i]->action == ACTION_DELETE)
			items[nr++] = e->nodes[i];
	thrdpool_each(items, nr, e->opts.parallel ? e->opts.parallel : 16, read_again, e);
	for (size_t i = 0; i < nr; i++) {
		const struct node *n = items[i];
		if (n->read && (!n->live.exists || n->live.going))
			continue;
		add_left(e, n, n->err.text ? n->err.text : "it still exists");
	}
	for (size_t i = 0; i < e->nr; i++)
		if (e->nodes[i]->lost_tags)
			add_left(e, e->nodes[i],
				"the record says that this project made it, but its tags do not: "
				"remove it by hand, or put its glueproj: tags back");
	free(items);
}

static bool kept(const struct engine *e, const char *type, const char *name)
{
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[i];
		if (n->name && !strcmp(n->name, name) && !strcmp(n->type->schema.name, type) &&
			(n->action != ACTION_DELETE || json_len(e->left)))
			return true;
	}
	return false;
}

static int prove_marks(struct engine *e, struct err *err)
{
	struct json *found, *item;
	int ret;

	if (!e->opts.sweep || e->opts.only_stack)
		return 0;
	found = json_array();
	ret = e->opts.sweep(e->opts.ctx, found, err);
	json_each(item, found)
	{
		const char *type = json_get_str(item, "type"),
			   *name = json_get_str(item, "physical_id");
		if (!type || !name || !kept(e, type, name))
			json_push(e->left, json_copy(item));
	}
	json_free(found);
	return ret;
}

static int close_records(struct engine *e, struct err *err)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];
		bool gone = n->action == ACTION_NONE ||
			    (n->action == ACTION_DELETE && n->status == STATUS_DONE);
		if (n->in_scope && gone && !n->lost_tags && n->name)
			record_drop(n->record, n->logical_id, n->name);
	}
	for (size_t i = 0; i < e->nr_records; i++) {
		struct record *r = e->records[i];
		size_t standing = 0;
		for (size_t k = 0; k < r->nr; k++)
			standing += !r->v[k].retain;
		if (e->opts.only_stack && strcmp(e->opts.only_stack, r->stack) != 0)
			continue;
		if (!standing && r->version && record_remove(r, e->opts.store, err) < 0)
			return -1;
	}
	/* An emptied record that was never stored is no news. */
	for (size_t i = 0; i < e->nr_records; i++)
		if (!e->records[i]->version && !e->records[i]->nr)
			e->records[i]->dirty = false;
	return engine_save_records(e, err);
}

static void collect_failures(const struct engine *e, struct err_list *errors)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct err copy = ERR_INIT;
		if (e->nodes[i]->status != STATUS_FAILED || !e->nodes[i]->err.code)
			continue;
		err_copy(&copy, &e->nodes[i]->err);
		err_list_take(errors, &copy);
	}
}

/* A failed attempt to bring something to rest is forgotten: its removal tells whether it mattered. */
static void forget_failures(struct engine *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		err_release(&e->nodes[i]->err);
		e->nodes[i]->status = STATUS_PLANNED;
	}
}

static void tell_left(const struct engine *e, struct err_list *errors)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_FAILED, "%zu of what the project made %s left", json_len(e->left),
		json_len(e->left) == 1 ? "is" : "are");
	err_named(&err, "Left");
	err_list_take(errors, &err);
}

int engine_teardown(struct engine *e, struct err_list *errors, struct err_list *warnings)
{
	static const struct sched_ops quiesce = {
		.wants = wants_rest, .work = rest, .backward = true, .quiet = true};
	static const struct sched_ops removal = {.wants = wants_removal,
		.work = remove_node,
		.backward = true,
		.failures_block = true};
	size_t before = errors->nr;
	struct err err = ERR_INIT;

	if (!e->teardown_planned && plan_teardown(e, errors, warnings) < 0)
		return -1;
	if (check_not_used(e, errors) < 0)
		return -1;
	mark_deleting(e);
	if (engine_save_records(e, &err) < 0) {
		err_list_take(errors, &err);
		return -1;
	}
	engine_run(e, &quiesce);
	forget_failures(e);
	engine_run(e, &removal);
	collect_failures(e, errors);
	prove_names(e);
	if (prove_marks(e, &err) < 0) {
		err_wrap(&err, "proving that nothing is left");
		err_list_take(errors, &err);
	}
	if (close_records(e, &err) < 0)
		err_list_take(errors, &err);
	if (json_len(e->left) && errors->nr == before)
		tell_left(e, errors);
	return errors->nr > before ? -1 : 0;
}
