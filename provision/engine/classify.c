/* What is live, whose it is, and what the record remembers: the reading half of the engine. */
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "hex.h"
#include "node.h"
#include "thrdpool.h"
#include "xalloc.h"

#define DIGEST_PREFIX "v1:"

/* Digest of type and properties. One that a NoEcho value went into is keyed, so that it tells nothing about the value. */
char *engine_digest_of(const struct node *n, const struct json *props)
{
	struct strbuf text = STRBUF_INIT, hex = STRBUF_INIT;
	unsigned char mac[SHA256_BYTES];

	if (n->has_secret && !n->record)
		return NULL;
	strbuf_addf(&text, "%s\n", n->type->schema.name);
	json_print_canonical(props, &text);
	if (n->has_secret)
		digest_hmac_sha256(n->record->secret_key, strlen(n->record->secret_key), text.buf,
			text.len, mac);
	else
		digest_sha256(text.buf, text.len, mac);
	strbuf_addstr(&hex, DIGEST_PREFIX);
	hex_encode(&hex, mac, sizeof(mac));
	wipe(text.buf, text.len);
	strbuf_release(&text);
	return strbuf_detach(&hex, NULL);
}

void engine_digest(struct node *n)
{
	free(n->digest);
	n->digest = engine_digest_of(n, n->props);
}

static bool declared(const struct engine *e, const char *stack, const char *logical_id)
{
	char *id = xasprintf("%s/%s", stack, logical_id);
	const struct node *n = map_get(&e->by_id, id);

	free(id);
	return n && !n->leftover;
}

enum owner engine_owner(const struct engine *e, const struct node *n)
{
	const char *project, *stack, *logical;
	struct json *tag;

	if (n->type->flags & (T_NO_TAGS | T_PSEUDO))
		return OWNER_OURS;
	json_each(
		tag, n->live.tags) if (starts_with(json_name(tag),
					       "aws:cloudformation:")) return OWNER_CLOUDFORMATION;
	project = json_get_str(n->live.tags, TAG_PROJECT);
	stack = json_get_str(n->live.tags, TAG_STACK);
	logical = json_get_str(n->live.tags, TAG_LOGICAL_ID);
	if (!project || !stack || !logical)
		return OWNER_NONE;
	if (strcmp(project, e->opts.project->name) != 0)
		return OWNER_OTHER;
	if (!strcmp(stack, n->stack) && !strcmp(logical, n->logical_id))
		return OWNER_OURS;
	return declared(e, stack, logical) ? OWNER_OTHER : OWNER_RENAMED;
}

int engine_read_node(struct engine *e, struct node *n, enum read_depth depth, struct err *err)
{
	struct resource r = node_resource(n);
	struct resource_state state = RESOURCE_STATE_INIT;

	if (!n->name)
		return 0;
	if (n->type->flags & T_NO_TAGS)
		depth = READ_FULL;
	if (n->type->read(e->opts.ctx, &r, depth, &state, err) < 0) {
		resource_state_release(&state);
		err_in(err, n->stack, n->logical_id);
		return -1;
	}
	resource_state_release(&n->live);
	n->live = state;
	n->read = true;
	n->full = depth == READ_FULL;
	return 0;
}

static void observe_one(void *item, size_t worker unused_arg, void *payload)
{
	struct node *n = item;

	if (engine_read_node(payload, n, READ_TAGS, &n->err) < 0)
		n->status = STATUS_FAILED;
}

int engine_observe(struct engine *e, struct err_list *errors)
{
	size_t before = errors->nr;

	thrdpool_each(
		(void **)e->nodes, e->nr, e->opts.parallel ? e->opts.parallel : 16, observe_one, e);
	for (size_t i = 0; i < e->nr; i++) {
		struct node *n = e->nodes[i];
		struct err copy = ERR_INIT;
		if (n->status != STATUS_FAILED)
			continue;
		err_copy(&copy, &n->err);
		err_list_take(errors, &copy);
	}
	return errors->nr > before ? -1 : 0;
}

/* --- records --- */

static struct record *record_of(const struct engine *e, const char *stack)
{
	for (size_t i = 0; i < e->nr_records; i++)
		if (!strcmp(e->records[i]->stack, stack))
			return e->records[i];
	return NULL;
}

struct load {
	struct engine *e;
	const char *stack;
	struct record *record;
	struct err err;
};

static void load_one(void *item, size_t worker unused_arg, void *payload unused_arg)
{
	struct load *l = item;
	const struct type_ctx *ctx = l->e->opts.ctx;

	l->record = record_load(l->e->opts.store, l->e->opts.project->name, l->stack, ctx->account,
		ctx->region, &l->err);
}

int engine_load_records(struct engine *e, struct err_list *errors)
{
	struct strvec names = STRVEC_INIT;
	struct err err = ERR_INIT;
	struct load *loads;
	void **items;
	int ret = 0;

	if (e->records_loaded)
		return 0;
	for (size_t i = 0; i < e->opts.project->nr_stacks; i++)
		strvec_push(&names, e->opts.project->stacks[i]->name);
	struct strvec stored = STRVEC_INIT;
	if (record_stacks(e->opts.store, e->opts.project->name, &stored, &err) < 0) {
		err_list_take(errors, &err);
		strvec_release(&stored);
		strvec_release(&names);
		return -1;
	}
	for (size_t i = 0; i < stored.nr; i++)
		if (!strvec_has(&names, stored.v[i]))
			strvec_push(&names, stored.v[i]);
	strvec_release(&stored);

	loads = xcalloc(names.nr + 1, sizeof(*loads));
	items = xcalloc(names.nr + 1, sizeof(*items));
	for (size_t i = 0; i < names.nr; i++) {
		loads[i] = (struct load){.e = e, .stack = names.v[i]};
		items[i] = &loads[i];
	}
	thrdpool_each(items, names.nr, 8, load_one, NULL);
	e->records = xcalloc(names.nr + 1, sizeof(*e->records));
	for (size_t i = 0; i < names.nr; i++) {
		if (loads[i].record) {
			e->records[e->nr_records++] = loads[i].record;
		} else {
			err_list_take(errors, &loads[i].err);
			ret = -1;
		}
	}
	free(loads);
	free(items);
	strvec_release(&names);
	for (size_t i = 0; i < e->nr; i++)
		e->nodes[i]->record = record_of(e, e->nodes[i]->stack);
	e->records_loaded = !ret;
	return ret;
}

static bool still_declared(
	const struct engine *e, const struct record *r, const struct record_entry *entry)
{
	for (size_t i = 0; i < e->nr; i++) {
		const struct node *n = e->nodes[i];
		if (!n->leftover && n->name && !strcmp(n->type->schema.name, entry->type) &&
			!strcmp(n->name, entry->physical_id) &&
			(!(n->type->flags & T_NO_TAGS) || !strcmp(n->stack, r->stack)))
			return true;
	}
	return false;
}

void engine_add_leftovers(struct engine *e, struct err_list *warnings)
{
	for (size_t i = 0; i < e->nr_records; i++) {
		struct record *r = e->records[i];
		for (size_t k = 0; k < r->nr; k++) {
			const struct record_entry *entry = &r->v[k];
			const struct resource_type *type = e->opts.find_type(entry->type);
			struct node *n;
			char *id;

			if (still_declared(e, r, entry))
				continue;
			if (!type) {
				struct err err = ERR_INIT;
				err_set(&err, ERR_FAILED,
					"the record of stack '%s' names '%s' of type %s, which "
					"this glueproj "
					"does not know: it stays",
					r->stack, entry->physical_id, entry->type);
				err_in(&err, r->stack, entry->logical_id);
				err_list_take(warnings, &err);
				continue;
			}
			n = engine_add_node(e, type, r->stack, entry->logical_id);
			n->name = xstrdup(entry->physical_id);
			n->leftover = true;
			n->retain = entry->retain;
			n->record = r;
			n->record_fields = json_copy(entry->fields);
			id = node_id(n);
			if (!map_has(&e->by_id, id))
				map_put(&e->by_id, id, n);
			free(id);
		}
	}
}

struct save {
	struct record *record;
	struct record_store *store;
	struct err err;
	int result;
};

static void save_one(void *item, size_t worker unused_arg, void *payload unused_arg)
{
	struct save *s = item;

	s->result = record_save(s->record, s->store, &s->err);
}

int engine_save_records(struct engine *e, struct err *err)
{
	struct save *saves = xcalloc(e->nr_records + 1, sizeof(*saves));
	void **items = xcalloc(e->nr_records + 1, sizeof(*items));
	int ret = 0;

	for (size_t i = 0; i < e->nr_records; i++) {
		saves[i] = (struct save){.record = e->records[i], .store = e->opts.store};
		items[i] = &saves[i];
	}
	thrdpool_each(items, e->nr_records, 8, save_one, NULL);
	for (size_t i = 0; i < e->nr_records; i++) {
		if (saves[i].result < 0 && !ret) {
			err_move(err, &saves[i].err);
			ret = -1;
		}
		err_release(&saves[i].err);
	}
	free(saves);
	free(items);
	return ret;
}
