/* From what is wanted and what is live to what is to be done. Only reads. */
#include <stdlib.h>
#include <string.h>
#include "node.h"
#include "thrdpool.h"
#include "xalloc.h"

static const char *const action_names[] = {
	[ACTION_NONE] = "none",
	[ACTION_CREATE] = "create",
	[ACTION_UPDATE] = "update",
	[ACTION_REPLACE] = "replace",
	[ACTION_DELETE] = "delete",
	[ACTION_ADOPT] = "adopt",
	[ACTION_UPLOAD] = "upload",
	[ACTION_START] = "start",
	[ACTION_RETAIN] = "retain",
};
static const char *const status_names[] = {
	[STATUS_PLANNED] = "planned",
	[STATUS_RUNNING] = "running",
	[STATUS_DONE] = "done",
	[STATUS_FAILED] = "failed",
	[STATUS_SKIPPED] = "skipped",
};

const char *node_action_name(enum node_action a)
{
	return action_names[a];
}

const char *node_status_name(enum node_status s)
{
	return status_names[s];
}

void engine_set_action(struct node *n, enum node_action action, const char *reason)
{
	n->action = action;
	n->planned = true;
	free(n->reason);
	n->reason = xstrdup(reason);
}

/* "Parameters.K" covers "Parameters.K.x" and is covered by "Parameters". */
static bool path_overlaps(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), len = la < lb ? la : lb;

	return !strncmp(a, b, len) && (la == lb || (la > lb ? a[len] : b[len]) == '.');
}

static void mask_secrets(const struct node *n, struct json *changes)
{
	struct json *c;

	json_each(c, changes)
	{
		const char *path = json_get_str(c, "path");
		for (size_t i = 0; path && i < n->secret_paths.nr; i++) {
			if (!path_overlaps(path, n->secret_paths.v[i]))
				continue;
			if (json_get(c, "before"))
				json_set_str(c, "before", "****");
			if (json_get(c, "after"))
				json_set_str(c, "after", "****");
			break;
		}
	}
}

/* Puts one change back in `props`; false when it lies in something that is not there. */
static bool undo(struct json *props, const struct json *change)
{
	const char *path = json_get_str(change, "path"), *dot = strrchr(path, '.');
	const struct json *before = json_get(change, "before");
	char *outer = dot ? xstrndup(path, (size_t)(dot - path)) : NULL;
	struct json *at = outer ? json_path(props, outer) : props;
	const char *name = dot ? dot + 1 : path;

	free(outer);
	if (!json_is(at, JSON_OBJECT))
		return false;
	if (json_is(before, JSON_NULL))
		json_remove(at, name);
	else
		json_set(at, name, json_copy(before));
	return true;
}

/* Whether what was found is all that makes the digests differ. */
static bool changes_explain(const struct node *n)
{
	const char *live = json_get_str(n->live.tags, TAG_DIGEST);
	struct json *props = json_copy(n->props), *c;
	bool whole = live != NULL;
	char *digest;

	json_each(c, n->changes) whole = whole && undo(props, c);
	digest = whole ? engine_digest_of(n, props) : NULL;
	whole = digest && !strcmp(digest, live);
	free(digest);
	json_free(props);
	return whole;
}

/*
 * What cannot be read back shows in the digest only. When nothing else was found it must be that; a secret is also named
 * beside other changes, unless they alone explain the digest.
 */
static void add_unread(struct json *changes, const char *prefix, const struct field *fields,
	const struct json *props, const struct json *live, bool only_secrets)
{
	for (const struct field *f = fields; f && f->name; f++) {
		const struct json *wanted = json_get(props, f->name), *is = json_get(live, f->name);
		char *path = xasprintf("%s%s%s", prefix, *prefix ? "." : "", f->name);
		struct json *change;
		if (wanted && f->flags & F_WRITE_ONLY && !is &&
			(!only_secrets || f->flags & F_SECRET)) {
			change = json_object();
			json_set_str(change, "path", path);
			json_set(change, "before", json_null());
			json_set(change, "after", json_copy(wanted));
			json_set_str(change, "effect", "update");
			json_push(changes, change);
		} else if (f->fields && json_is(wanted, JSON_OBJECT) && json_is(is, JSON_OBJECT)) {
			add_unread(changes, path, f->fields, wanted, is, only_secrets);
		}
		free(path);
	}
}

static void add_unread_changes(struct node *n)
{
	bool found = json_len(n->changes) > 0;

	if (n->has_unknown || (found && changes_explain(n)))
		return;
	add_unread(n->changes, "", n->type->schema.fields, n->props, n->live.props, found);
	mask_secrets(n, n->changes);
}

static bool diff_node(struct engine *e, struct node *n)
{
	struct json *c;
	bool replace = false;

	json_free(n->changes);
	n->changes = json_array();
	e->opts.diff(n->type, n->props, n->live.props, n->changes);
	mask_secrets(n, n->changes);
	json_each(c, n->changes)
	{
		const char *effect = json_get_str(c, "effect");
		replace |= effect && !strcmp(effect, "replace");
	}
	return replace;
}

static void refuse_foreign(
	struct engine *e, struct node *n, enum owner owner, struct err_list *errors)
{
	struct err err = ERR_INIT;
	const char *project = json_get_str(n->live.tags, TAG_PROJECT);

	n->foreign = true;
	engine_set_action(n, ACTION_NONE, "exists and is not this project's");
	if (!n->in_scope)
		return;
	err_set(&err, ERR_NOT_OWNED, "%s '%s' exists and %s%s%s", n->type->schema.name, n->name,
		owner == OWNER_CLOUDFORMATION ? "belongs to a CloudFormation stack"
		: owner == OWNER_OTHER        ? "belongs to "
					      : "does not carry this project's tags",
		owner == OWNER_OTHER
			? (strcmp(project, e->opts.project->name) != 0 ? "project " : "resource ")
			: "",
		owner == OWNER_OTHER ? (strcmp(project, e->opts.project->name) != 0
						       ? project
						       : json_get_str(n->live.tags, TAG_LOGICAL_ID))
				     : "");
	err_hint(&err, "give the resource another name, or remove the one that exists");
	err_in(&err, n->stack, n->logical_id);
	n->status = STATUS_FAILED;
	err_copy(&n->err, &err);
	err_list_take(errors, &err);
}

/* The name that the record has for it where that is another one; borrowed, or NULL. */
static const char *recorded_other_name(const struct node *n)
{
	for (size_t i = 0; n->record && i < n->record->nr; i++) {
		const struct record_entry *entry = &n->record->v[i];
		if (!strcmp(entry->logical_id, n->logical_id) &&
			!strcmp(entry->type, n->type->schema.name) &&
			strcmp(entry->physical_id, n->name) != 0 && entry->state != RECORD_INTENT)
			return entry->physical_id;
	}
	return NULL;
}

static void classify_absent(struct node *n)
{
	const char *before = recorded_other_name(n);
	struct json *change;
	char *field;

	if (!before) {
		engine_set_action(n, ACTION_CREATE, "does not exist");
		return;
	}
	engine_set_action(n, ACTION_REPLACE, "its name changed");
	json_free(n->changes);
	n->changes = json_array();
	field = schema_name_path(&n->type->schema, n->props);
	if (!field)
		return;
	change = json_object();
	json_set_str(change, "path", field);
	free(field);
	json_set_str(change, "before", before);
	json_set_str(change, "after", n->name);
	json_set_str(change, "effect", "replace");
	json_push(n->changes, change);
	mask_secrets(n, n->changes);
}

static bool digest_matches(const struct node *n)
{
	const char *live = json_get_str(n->live.tags, TAG_DIGEST);

	return live && n->digest && !strcmp(live, n->digest);
}

static struct node *successor(const struct engine *e, const struct node *leftover)
{
	char *id = node_id(leftover);
	struct node *n = map_get(&e->by_id, id);

	free(id);
	return n && n != leftover && n->decl && n->type == leftover->type ? n : NULL;
}

bool engine_superseded(const struct node *n)
{
	const struct node *now = n->successor;

	return now && n->action == ACTION_DELETE && now->action == ACTION_REPLACE &&
	       n->status != STATUS_FAILED &&
	       !(n->status == STATUS_SKIPPED && now->status == STATUS_DONE);
}

static void classify_leftover(struct engine *e, struct node *n)
{
	enum owner owner = n->live.exists ? engine_owner(e, n) : OWNER_OURS;

	n->successor = successor(e, n);
	if (!n->live.exists && !(n->type->flags & T_ACTION)) {
		engine_set_action(n, ACTION_NONE, "gone already");
	} else if (n->type->flags & T_ACTION) {
		engine_set_action(n, ACTION_NONE, "nothing to undo");
	} else if (owner != OWNER_OURS && owner != OWNER_RENAMED) {
		n->foreign = true;
		engine_set_action(n, ACTION_NONE, "no longer this project's");
	} else if (n->successor &&
		   n->successor->decl->template->update_replace_policy == POLICY_RETAIN) {
		engine_set_action(n, ACTION_RETAIN, "UpdateReplacePolicy: Retain");
	} else if (n->retain) {
		engine_set_action(n, ACTION_RETAIN, "DeletionPolicy: Retain");
	} else {
		engine_set_action(n, ACTION_DELETE,
			n->successor ? "another took its place" : "no longer in the template");
	}
}

/* T_NO_TAGS: no digest to compare, so the live properties are. */
static void classify_untagged(struct engine *e, struct node *n)
{
	bool upload = n->type->flags & T_PSEUDO;

	if (!n->live.exists) {
		engine_set_action(n, upload ? ACTION_UPLOAD : ACTION_CREATE, "does not exist");
	} else if (diff_node(e, n)) {
		engine_set_action(
			n, ACTION_REPLACE, "a property that cannot be changed in place changed");
	} else if (json_len(n->changes)) {
		engine_set_action(n, upload ? ACTION_UPLOAD : ACTION_UPDATE, "properties changed");
	} else {
		engine_set_action(n, ACTION_NONE, "unchanged");
	}
}

static bool needs_full_read(struct engine *e, const struct node *n, bool full)
{
	if (n->leftover || !n->live.exists || n->full || (n->type->flags & T_ACTION))
		return false;
	return full || (engine_owner(e, n) == OWNER_OURS && !digest_matches(n) &&
			       json_get(n->live.tags, TAG_DIGEST));
}

/* Made by a run that died before it could put the tags on: the record says that we were about to. */
static bool begun(const struct node *n)
{
	const struct record_entry *entry = record_find(n->record, n->logical_id, n->name);

	return entry && entry->state == RECORD_INTENT && !json_len(n->live.tags);
}

static void classify(struct engine *e, struct node *n, struct err_list *errors)
{
	enum owner owner;

	if (n->leftover) {
		classify_leftover(e, n);
		return;
	}
	if (n->type->flags & T_ACTION)
		return;
	if (n->type->flags & T_NO_TAGS) {
		classify_untagged(e, n);
		return;
	}
	if (!n->live.exists || n->live.going) {
		classify_absent(n);
		return;
	}
	owner = engine_owner(e, n);
	if (owner == OWNER_NONE && begun(n)) {
		engine_set_action(n, ACTION_ADOPT, "an earlier run did not finish it");
	} else if (owner == OWNER_RENAMED) {
		engine_set_action(n, ACTION_ADOPT, "its logical id changed");
	} else if (owner != OWNER_OURS) {
		refuse_foreign(e, n, owner, errors);
	} else if (!json_get(n->live.tags, TAG_DIGEST)) {
		engine_set_action(n, ACTION_ADOPT, "an earlier run did not finish it");
	} else if (digest_matches(n)) {
		engine_set_action(n, ACTION_NONE, "unchanged");
		if (n->full)
			diff_node(e, n); /* drift */
	} else if (diff_node(e, n)) {
		engine_set_action(
			n, ACTION_REPLACE, "a property that cannot be changed in place changed");
	} else {
		add_unread_changes(n);
		engine_set_action(n, ACTION_UPDATE,
			n->has_unknown ? "depends on values that are not known yet"
				       : "properties changed");
	}
}

/* A crawler start is due when it never happened, or when something that it needs changes in this very run. */
static void classify_action(struct engine *e, size_t index)
{
	struct node *n = e->nodes[index];
	const struct depgraph_node *g = &e->graph.nodes[index];

	if (n->leftover || !(n->type->flags & T_ACTION))
		return;
	engine_set_action(n, n->live.exists ? ACTION_NONE : ACTION_START,
		n->live.exists ? "started before" : "never started");
	for (size_t i = 0; i < g->nr_needs; i++) {
		enum node_action a = e->nodes[g->needs[i]]->action;
		if (a != ACTION_NONE && a != ACTION_RETAIN)
			engine_set_action(n, ACTION_START, "what it crawls changed");
	}
}

static void read_full(void *item, size_t worker unused_arg, void *payload)
{
	struct node *n = item;

	if (engine_read_node(payload, n, READ_FULL, &n->err) < 0)
		n->status = STATUS_FAILED;
}

static int read_changed(struct engine *e, bool full, struct err_list *errors)
{
	void **items = xcalloc(e->nr + 1, sizeof(*items));
	size_t nr = 0, before = errors->nr;

	for (size_t i = 0; i < e->nr; i++)
		if (needs_full_read(e, e->nodes[i], full))
			items[nr++] = e->nodes[i];
	thrdpool_each(items, nr, e->opts.parallel ? e->opts.parallel : 16, read_full, e);
	for (size_t i = 0; i < nr; i++) {
		struct node *n = items[i];
		struct err copy = ERR_INIT;
		if (n->status != STATUS_FAILED)
			continue;
		err_copy(&copy, &n->err);
		err_list_take(errors, &copy);
	}
	free(items);
	return errors->nr > before ? -1 : 0;
}

/* Once what is live is known, attributes that only the cloud knows are too. */
static int evaluate_again(struct engine *e, struct err_list *errors)
{
	size_t *order = xcalloc(e->nr + 1, sizeof(*order)), before = errors->nr;

	depgraph_order(&e->graph, order);
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[order[i]];
		struct err err = ERR_INIT;
		if (n->leftover)
			continue;
		if ((n->has_unknown || n->has_secret) && engine_evaluate(e, n, &err) < 0) {
			err_in(&err, n->stack, n->logical_id);
			err_list_take(errors, &err);
		}
	}
	free(order);
	return errors->nr > before ? -1 : 0;
}

/* Until an update has succeeded, what is to be found is where the record says: a role that a policy is to leave. */
static void recall_fields(struct engine *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];
		const struct record_entry *entry =
			n->name ? record_find(n->record, n->logical_id, n->name) : NULL;
		if (entry && entry->fields && !n->recorded_fields)
			n->recorded_fields = json_copy(entry->fields);
	}
}

/* Nothing of the plan will be done. */
static void skip_all(struct engine *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];
		if (n->in_scope && n->status == STATUS_PLANNED && n->action != ACTION_NONE &&
			n->action != ACTION_RETAIN)
			n->status = STATUS_SKIPPED;
	}
}

int engine_plan(struct engine *e, bool full, struct err_list *errors, struct err_list *warnings)
{
	size_t before = errors->nr, *order;

	if (engine_load_records(e, errors) < 0)
		return -1;
	engine_add_leftovers(e, warnings);
	recall_fields(e);
	if (engine_build_graph(e, errors, warnings) < 0 || engine_observe(e, errors) < 0 ||
		evaluate_again(e, errors) < 0 || read_changed(e, full, errors) < 0)
		return -1;
	for (size_t i = 0; i < e->nr; i++)
		classify(e, e->nodes[i], errors);
	order = xcalloc(e->nr + 1, sizeof(*order));
	depgraph_order(&e->graph, order);
	for (size_t i = 0; i < e->nr; i++)
		classify_action(e, order[i]);
	free(order);
	if (errors->nr == before)
		return 0;
	skip_all(e);
	return -1;
}

bool engine_plan_has_changes(const struct engine *e)
{
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[i];
		if (n->in_scope && n->action != ACTION_NONE && n->action != ACTION_RETAIN)
			return true;
	}
	return false;
}

static bool loss_allowed(const struct engine *e, const struct node *n)
{
	char *id = node_id(n);
	const struct strvec *list = e->opts.allow_data_loss;
	bool allowed = list && (strvec_has(list, n->logical_id) || strvec_has(list, id));

	free(id);
	return allowed;
}

/* Whether what it does could lose data. */
static bool may_lose(const struct node *n)
{
	bool goes = n->action == ACTION_DELETE || (n->action == ACTION_REPLACE && n->live.exists);

	return n->in_scope && goes && (n->type->flags & T_DATA) && n->type->content;
}

static int ask_content(
	const struct engine *e, struct node *n, bool *has, char **what, struct err *err)
{
	struct resource r = node_resource(n);
	int ret;

	*has = false;
	*what = NULL;
	ret = n->type->content(e->opts.ctx, &r, has, what, err);
	n->loses = ret < 0 || *has;
	if (n->successor && n->loses)
		n->successor->loses = true;
	return ret;
}

void engine_foresee_data_loss(struct engine *e, struct err_list *warnings)
{
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];
		struct err err = ERR_INIT;
		char *what;
		bool has;

		if (!may_lose(n))
			continue;
		if (ask_content(e, n, &has, &what, &err) < 0) {
			err_in(&err, n->stack, n->logical_id);
			err_list_take(warnings, &err);
		}
		free(what);
	}
}

int engine_check_data_loss(struct engine *e, struct err_list *errors)
{
	size_t before = errors->nr;

	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];
		struct err err = ERR_INIT;
		char *what;
		bool has;

		if (!may_lose(n) || loss_allowed(e, n))
			continue;
		if (ask_content(e, n, &has, &what, &err) < 0) {
			err_in(&err, n->stack, n->logical_id);
			err_list_take(errors, &err);
		} else if (has) {
			err_set(&err, ERR_FAILED, "%s '%s' would be %s and holds %s",
				n->type->schema.name, n->name,
				n->action == ACTION_DELETE ? "deleted" : "replaced",
				what ? what : "data");
			err_named(&err, "DataLoss");
			err_hint(&err, "--allow-data-loss %s", n->logical_id);
			err_in(&err, n->stack, n->logical_id);
			err_list_take(errors, &err);
		}
		free(what);
	}
	if (errors->nr == before)
		return 0;
	skip_all(e);
	return -1;
}
