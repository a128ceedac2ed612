/* Setting up: what the plan says, in parallel, so that it can be cut off anywhere and run again. */
#include <stdlib.h>
#include <string.h>
#include "node.h"
#include "xalloc.h"

/* How often a create is looked at again after an answer that tells nothing. */
#define MAX_CREATE_TRIES 10

static bool acts(const struct node *n)
{
	return n->in_scope && !n->leftover && n->action != ACTION_NONE &&
	       n->action != ACTION_RETAIN;
}

static bool wants_forward(struct engine *e unused_arg, struct node *n)
{
	return acts(n);
}

static bool wants_leftover(struct engine *e unused_arg, struct node *n)
{
	return n->in_scope && n->leftover && n->action == ACTION_DELETE;
}

static int ready(struct engine *e, struct node *n, struct err *err)
{
	if (!n->has_unknown)
		return 0;
	if (engine_evaluate(e, n, err) < 0)
		return -1;
	if (n->has_unknown)
		return err_set(err, ERR_FAILED, "a value that it needs is still not known");
	return 0;
}

static int settle(struct engine *e, const struct node *n, bool gone, struct err *err)
{
	struct resource r = node_resource(n);

	return n->type->settle ? n->type->settle(e->opts.ctx, &r, gone, err) : 0;
}

/* The digest goes on last: what died before it is seen as unfinished. */
static int put_tags(struct engine *e, struct node *n, struct err *err)
{
	struct resource r = node_resource(n);
	struct json *tags;
	int ret;

	if (!n->type->tag || (n->type->flags & T_NO_TAGS))
		return 0;
	tags = json_copy(n->owner_tags);
	json_set_str(tags, TAG_DIGEST, n->digest);
	ret = n->type->tag(e->opts.ctx, &r, tags, err);
	json_free(tags);
	return ret;
}

/* After "it exists" or an answer that never came: is it ours to complete? */
static int look_after_create(struct engine *e, struct node *n, struct err *err)
{
	struct err why = ERR_INIT;
	enum owner owner;

	err_move(&why, err);
	if (engine_read_node(e, n, READ_TAGS, err) < 0) {
		err_release(&why);
		return -1;
	}
	owner = n->live.exists ? engine_owner(e, n) : OWNER_OURS;
	err_release(&why);
	if (owner == OWNER_OURS || owner == OWNER_RENAMED)
		return 0;
	return err_set(err, ERR_NOT_OWNED, "%s '%s' exists and is not this project's",
		n->type->schema.name, n->name);
}

static int create(struct engine *e, struct node *n, struct err *err)
{
	struct resource r;

	if (n->live.going && settle(e, n, true, err) < 0)
		return -1;
	if ((n->type->flags & T_WHOLE) && n->digest)
		json_set_str(n->owner_tags, TAG_DIGEST, n->digest);
	r = node_resource(n);
	for (int tries = 1; n->type->create(e->opts.ctx, &r, err) < 0; tries++) {
		if ((err->code != ERR_AMBIGUOUS && err->code != ERR_EXISTS) ||
			tries == MAX_CREATE_TRIES)
			return -1;
		if (look_after_create(e, n, err) < 0)
			return -1;
	}
	return settle(e, n, false, err);
}

static int stop_it(
	struct engine *e, const struct node *n, bool going, struct json **resume, struct err *err)
{
	struct resource r = node_resource(n);

	return n->type->quiesce ? n->type->quiesce(e->opts.ctx, &r, going, resume, err) : 0;
}

static int remove_it(struct engine *e, struct node *n, struct err *err)
{
	struct resource r = node_resource(n);

	if (stop_it(e, n, true, NULL, err) < 0)
		return -1;
	/* Only what passed the data-loss gate comes here. */
	if (n->type->empty && (n->type->flags & T_DATA) && n->type->empty(e->opts.ctx, &r, err) < 0)
		return -1;
	if (n->type->destroy && n->type->destroy(e->opts.ctx, &r, err) < 0 &&
		err->code != ERR_NOT_FOUND)
		return -1;
	err_release(err);
	return settle(e, n, true, err);
}

/* Brings the live one to what is wanted; whatever happens, what was stopped is put back. */
static int update(struct engine *e, struct node *n, struct err *err)
{
	struct resource r = node_resource(n);
	struct json *resume = NULL;
	struct err second = ERR_INIT;
	int ret;

	ret = stop_it(e, n, false, &resume, err);
	if (!ret && n->type->update)
		ret = n->type->update(e->opts.ctx, &r, &n->live, err);
	if (!ret)
		ret = settle(e, n, false, err);
	if (!ret)
		ret = put_tags(e, n, err);
	if (n->type->resume && n->type->resume(e->opts.ctx, &r, resume, ret ? &second : err) < 0 &&
		!ret)
		ret = -1;
	err_release(&second);
	json_free(resume);
	return ret;
}

static int adopt(struct engine *e, struct node *n, struct err *err)
{
	struct json *changes;
	size_t nr;

	if (create(e, n, err) < 0 || engine_read_node(e, n, READ_FULL, err) < 0)
		return -1;
	changes = json_array();
	e->opts.diff(n->type, n->props, n->live.props, changes);
	nr = json_len(changes);
	json_free(changes);
	return nr ? update(e, n, err) : put_tags(e, n, err);
}

static int create_and_tag(struct engine *e, struct node *n, struct err *err)
{
	if (create(e, n, err) < 0)
		return -1;
	return (n->type->flags & T_WHOLE) ? 0 : put_tags(e, n, err);
}

static int update_unless_same(struct engine *e, struct node *n, struct err *err)
{
	const char *live = json_get_str(n->live.tags, TAG_DIGEST);

	/* A plan could not tell while a value was unknown; now it shows. */
	if (live && n->digest && !strcmp(live, n->digest))
		return 0;
	return update(e, n, err);
}

static int replace(struct engine *e, struct node *n, struct err *err)
{
	if (n->live.exists) {
		if (n->decl && n->decl->template->update_replace_policy == POLICY_RETAIN)
			return err_set(err, ERR_CONFLICT,
				"it must be replaced under the same name, and UpdateReplacePolicy "
				"says to keep the old one");
		if (remove_it(e, n, err) < 0)
			return -1;
		resource_state_release(&n->live);
	}
	return create_and_tag(e, n, err);
}

static int work(struct engine *e, struct node *n, struct err *err)
{
	int ret;

	switch (n->action) {
	case ACTION_CREATE:
		ret = create_and_tag(e, n, err);
		break;
	case ACTION_ADOPT:
		ret = adopt(e, n, err);
		break;
	case ACTION_UPDATE:
		ret = update_unless_same(e, n, err);
		break;
	case ACTION_REPLACE:
		ret = replace(e, n, err);
		break;
	case ACTION_UPLOAD:
	case ACTION_START:
		ret = create(e, n, err);
		break;
	case ACTION_DELETE:
		ret = remove_it(e, n, err);
		break;
	default:
		BUG("no work for action %d", (int)n->action);
	}
	if (!ret && (n->attrs_wanted || n->type->schema.ref_attribute) &&
		n->action != ACTION_DELETE)
		ret = engine_read_node(e, n, READ_TAGS, err);
	return ret;
}

/* --- the journal --- */

static void sync_needs(struct engine *e, size_t index, struct record_entry *entry, struct record *r)
{
	const struct depgraph_node *g = &e->graph.nodes[index];
	struct strvec needs = STRVEC_INIT;
	bool same;

	for (size_t i = 0; i < g->nr_needs; i++)
		strvec_push_take(&needs, node_id(e->nodes[g->needs[i]]));
	strvec_sort(&needs);
	same = needs.nr == entry->needs.nr;
	for (size_t i = 0; same && i < needs.nr; i++)
		same = !strcmp(needs.v[i], entry->needs.v[i]);
	if (same) {
		strvec_release(&needs);
		return;
	}
	strvec_release(&entry->needs);
	entry->needs = needs;
	r->dirty = true;
}

static void sync_entry(struct engine *e, size_t index, enum record_state state, const char *digest)
{
	struct node *n = e->nodes[index];
	struct record_entry *entry =
		record_put(n->record, n->logical_id, n->type->schema.name, n->name);

	record_set_state(n->record, entry, state, digest);
	if (entry->retain != n->retain) {
		entry->retain = n->retain;
		n->record->dirty = true;
	}
	if (n->record_fields && !json_equal(entry->fields, n->record_fields)) {
		json_free(entry->fields);
		entry->fields = json_copy(n->record_fields);
		n->record->dirty = true;
	}
	sync_needs(e, index, entry, n->record);
}

/* Before the first change: what is about to be made or to go. */
static void write_intents(struct engine *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];
		struct record_entry *entry = record_find(n->record, n->logical_id, n->name);

		if (!n->in_scope || n->foreign)
			continue;
		if (n->leftover && n->action == ACTION_DELETE && entry)
			record_set_state(n->record, entry, RECORD_DELETING, NULL);
		else if (acts(n) && (!entry || entry->state != RECORD_DONE))
			sync_entry(e, i, RECORD_INTENT, NULL);
	}
}

/* After the run: what stands, what is gone. */
static void write_results(struct engine *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];

		if (!n->in_scope)
			continue;
		if (n->leftover) {
			bool gone = n->action == ACTION_NONE || n->action == ACTION_RETAIN ||
				    (n->action == ACTION_DELETE && n->status == STATUS_DONE);
			if (gone)
				record_drop(n->record, n->logical_id, n->name);
		} else if (!n->foreign && (!acts(n) || n->status == STATUS_DONE)) {
			sync_entry(e, i, RECORD_DONE, n->digest);
		}
	}
}

/* What stacks of other projects may import: {"export name": "value"}. */
static struct json *exports_of(
	const struct engine *e, const struct stack *s, const struct json *outputs)
{
	struct json *exports = json_object();
	const struct map_entry *entry;

	map_for_each(&e->by_export, entry)
	{
		const struct export_ref *ref = entry->value;
		const char *value =
			ref->stack == s ? json_get_str(outputs, ref->output->name) : NULL;
		if (value)
			json_set_str(exports, entry->key, value);
	}
	return exports;
}

static void keep_outputs(struct record *r, const struct json *outputs, struct json *exports)
{
	if (json_equal(r->outputs, outputs) && json_equal(r->exports, exports)) {
		json_free(exports);
		return;
	}
	json_free(r->outputs);
	json_free(r->exports);
	r->outputs = json_copy(outputs);
	r->exports = exports;
	r->dirty = true;
}

static void write_outputs(struct engine *e, struct err_list *errors)
{
	for (size_t i = 0; i < e->opts.project->nr_stacks; i++) {
		const struct stack *s = e->opts.project->stacks[i];
		struct err err = ERR_INIT;
		struct json *outputs;
		bool unknown;

		if (e->opts.only_stack && strcmp(e->opts.only_stack, s->name) != 0)
			continue;
		outputs = engine_stack_outputs(e, s, &unknown, &err);
		if (!outputs) {
			err_in(&err, s->name, NULL);
			err_list_take(errors, &err);
			continue;
		}
		for (size_t k = 0; k < e->nr_records; k++) {
			struct record *r = e->records[k];
			if (!strcmp(r->stack, s->name))
				keep_outputs(r, outputs, exports_of(e, s, outputs));
		}
		json_free(outputs);
	}
}

/* A stack that is no longer in the project and of which nothing stands has no record either. */
static int drop_empty_records(struct engine *e, struct err *err)
{
	for (size_t i = 0; i < e->nr_records; i++) {
		struct record *r = e->records[i];
		if (!r->nr && r->version && !project_stack(e->opts.project, r->stack) &&
			record_remove(r, e->opts.store, err) < 0)
			return -1;
	}
	return 0;
}

static size_t count_failures(const struct engine *e)
{
	size_t nr = 0;

	for (size_t i = 0; i < e->nr; i++)
		if (e->nodes[i]->in_scope && (e->nodes[i]->status == STATUS_FAILED ||
						     e->nodes[i]->status == STATUS_SKIPPED))
			nr++;
	return nr;
}

static void collect_errors(const struct engine *e, struct err_list *errors)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct err copy = ERR_INIT;
		if (e->nodes[i]->status != STATUS_FAILED)
			continue;
		err_copy(&copy, &e->nodes[i]->err);
		err_list_take(errors, &copy);
	}
}

/* With one stack alone, what it needs of the others must stand already. */
static int check_needs(const struct engine *e, struct err_list *errors)
{
	size_t before = errors->nr;

	if (!e->opts.only_stack && !e->opts.only_uploads)
		return 0;
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[i];
		const struct depgraph_node *g = &e->graph.nodes[i];
		if (!acts(n))
			continue;
		for (size_t k = 0; k < g->nr_needs; k++) {
			const struct node *need = e->nodes[g->needs[k]];
			struct err err = ERR_INIT;
			if (need->in_scope || need->live.exists || (need->type->flags & T_PSEUDO))
				continue;
			err_set(&err, ERR_NOT_FOUND,
				"it needs '%s' of stack '%s', which does not exist",
				need->logical_id, need->stack);
			err_hint(&err, "glueproj create %s", need->stack);
			err_in(&err, n->stack, n->logical_id);
			err_list_take(errors, &err);
		}
	}
	return errors->nr > before ? -1 : 0;
}

int engine_apply(struct engine *e, struct err_list *errors, struct err_list *warnings unused_arg)
{
	static const struct sched_ops forward = {
		.wants = wants_forward, .ready = ready, .work = work, .failures_block = true};
	static const struct sched_ops leftovers = {
		.wants = wants_leftover, .work = work, .backward = true, .failures_block = true};
	size_t before = errors->nr;
	struct err err = ERR_INIT;

	if (check_needs(e, errors) < 0)
		return -1;
	if (engine_plan_has_changes(e)) {
		write_intents(e);
		if (engine_save_records(e, &err) < 0) {
			err_list_take(errors, &err);
			return -1;
		}
		engine_run(e, &forward);
		/* What nothing names any more goes last, and only when everything that may have used it was changed. */
		if (!count_failures(e))
			engine_run(e, &leftovers);
		collect_errors(e, errors);
	}
	write_results(e);
	if (!count_failures(e))
		write_outputs(e, errors);
	if (engine_save_records(e, &err) < 0 || drop_empty_records(e, &err) < 0)
		err_list_take(errors, &err);
	return errors->nr > before || count_failures(e) ? -1 : 0;
}
