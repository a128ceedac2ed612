#include "record.h"

#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "hex.h"
#include "xalloc.h"

#define RECORD_VERSION 1
#define SECRET_KEY_BYTES 32

static const char *const state_names[] = {
	[RECORD_INTENT] = "intent", [RECORD_DONE] = "done", [RECORD_DELETING] = "deleting"};

static char *record_key(const char *project, const char *stack)
{
	return xasprintf("glueproj/v1/%s/stacks/%s.json", project, stack);
}

static void entry_release(struct record_entry *e)
{
	free(e->logical_id);
	free(e->type);
	free(e->physical_id);
	free(e->digest);
	strvec_release(&e->needs);
	json_free(e->fields);
}

void record_free(struct record *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nr; i++)
		entry_release(&r->v[i]);
	free(r->v);
	free(r->project);
	free(r->stack);
	free(r->account);
	free(r->region);
	free(r->key);
	free(r->version);
	json_free(r->outputs);
	json_free(r->exports);
	json_free(r->runs);
	free_secret(r->secret_key);
	free(r);
}

static char *new_secret_key(void)
{
	unsigned char bytes[SECRET_KEY_BYTES];
	struct strbuf sb = STRBUF_INIT;

	digest_random(bytes, sizeof(bytes));
	hex_encode(&sb, bytes, sizeof(bytes));
	wipe(bytes, sizeof(bytes));
	return strbuf_detach(&sb, NULL);
}

static enum record_state state_from_name(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(state_names); i++)
		if (!strcmp(name, state_names[i]))
			return (enum record_state)i;
	return RECORD_INTENT;
}

static struct record_entry *add_entry(struct record *r)
{
	ALLOC_GROW(r->v, r->nr, r->alloc);
	struct record_entry *e = &r->v[r->nr++];
	*e = (struct record_entry){.needs = STRVEC_INIT};
	return e;
}

static void entry_from_json(struct record *r, const struct json *j)
{
	struct record_entry *e;
	struct json *need;

	if (!json_get_str(j, "logical_id") || !json_get_str(j, "type") ||
		!json_get_str(j, "physical_id"))
		return;
	e = add_entry(r);
	e->logical_id = xstrdup(json_get_str(j, "logical_id"));
	e->type = xstrdup(json_get_str(j, "type"));
	e->physical_id = xstrdup(json_get_str(j, "physical_id"));
	e->state = state_from_name(json_get_str(j, "state"));
	e->digest = xstrdup(json_get_str(j, "digest"));
	e->retain = json_get_truth(j, "retain", false);
	e->fields = json_copy(json_get(j, "fields"));
	json_each(need, json_get(j, "needs")) if (json_str(need))
		strvec_push(&e->needs, json_str(need));
}

static int record_from_json(struct record *r, const struct json *doc, struct err *err)
{
	const char *project = json_get_str(doc, "project");
	struct json *j;

	if (json_get_i64(doc, "version", 0) != RECORD_VERSION)
		return err_set(err, ERR_FAILED,
			"record '%s' has version %lld, this glueproj knows version %d", r->key,
			(long long)json_get_i64(doc, "version", 0), RECORD_VERSION);
	if (!project || strcmp(project, r->project) != 0)
		return err_set(err, ERR_FAILED, "record '%s' belongs to project '%s'", r->key,
			project ? project : "");
	r->serial = json_get_i64(doc, "serial", 0);
	json_each(j, json_get(doc, "resources")) entry_from_json(r, j);
	json_free(r->outputs);
	r->outputs = json_is(json_get(doc, "outputs"), JSON_OBJECT)
			     ? json_copy(json_get(doc, "outputs"))
			     : json_object();
	json_free(r->exports);
	r->exports = json_is(json_get(doc, "exports"), JSON_OBJECT)
			     ? json_copy(json_get(doc, "exports"))
			     : json_object();
	json_free(r->runs);
	r->runs = json_is(json_get(doc, "runs"), JSON_ARRAY) ? json_copy(json_get(doc, "runs"))
							     : json_array();
	if (json_get_str(doc, "secret_key")) {
		free_secret(r->secret_key);
		r->secret_key = xstrdup(json_get_str(doc, "secret_key"));
	}
	return 0;
}

struct record *record_load(struct record_store *store, const char *project, const char *stack,
	const char *account, const char *region, struct err *err)
{
	struct record *r = xcalloc(1, sizeof(*r));
	struct strbuf text = STRBUF_INIT;
	struct json *doc = NULL;
	struct err e = ERR_INIT;
	int ret = -1;

	r->project = xstrdup(project);
	r->stack = xstrdup(stack);
	r->account = xstrdup(account);
	r->region = xstrdup(region);
	r->key = record_key(project, stack);
	r->outputs = json_object();
	r->exports = json_object();
	r->runs = json_array();
	r->secret_key = new_secret_key();
	if (store->ops->get(store, r->key, &text, &r->version, &e) < 0) {
		if (e.code != ERR_NOT_FOUND) {
			err_move(err, &e);
			goto out;
		}
		ret = 0;
		goto out;
	}
	doc = json_parse(text.buf, text.len, err);
	if (!doc) {
		err_wrap(err, "record '%s' is damaged", r->key);
		err_hint(err, "remove it: tags and names rebuild it");
		goto out;
	}
	ret = record_from_json(r, doc, err);
out:
	err_release(&e);
	json_free(doc);
	strbuf_release(&text);
	if (ret < 0) {
		record_free(r);
		return NULL;
	}
	return r;
}

static struct json *entry_to_json(const struct record_entry *e)
{
	struct json *j = json_object();
	struct json *needs;

	json_set_str(j, "logical_id", e->logical_id);
	json_set_str(j, "type", e->type);
	json_set_str(j, "physical_id", e->physical_id);
	json_set_str(j, "state", state_names[e->state]);
	json_set_str(j, "digest", e->digest);
	if (e->retain)
		json_set_bool(j, "retain", true);
	if (e->needs.nr) {
		needs = json_array();
		for (size_t i = 0; i < e->needs.nr; i++)
			json_push_str(needs, e->needs.v[i]);
		json_set(j, "needs", needs);
	}
	if (e->fields)
		json_set(j, "fields", json_copy(e->fields));
	return j;
}

int record_save(struct record *r, struct record_store *store, struct err *err)
{
	struct json *doc, *list;
	struct strbuf text = STRBUF_INIT;
	char *version = NULL;
	int ret;

	if (!r->dirty)
		return 0;
	doc = json_object();
	json_set_i64(doc, "version", RECORD_VERSION);
	json_set_str(doc, "project", r->project);
	json_set_str(doc, "stack", r->stack);
	json_set_str(doc, "account", r->account);
	json_set_str(doc, "region", r->region);
	json_set_i64(doc, "serial", r->serial + 1);
	list = json_array();
	for (size_t i = 0; i < r->nr; i++)
		json_push(list, entry_to_json(&r->v[i]));
	json_set(doc, "resources", list);
	json_set(doc, "outputs", json_copy(r->outputs));
	json_set(doc, "exports", json_copy(r->exports));
	json_set(doc, "runs", json_copy(r->runs));
	json_set_str(doc, "secret_key", r->secret_key);
	json_print_pretty(doc, &text);
	strbuf_addch(&text, '\n');
	json_free(doc);

	ret = store->ops->put(store, r->key, text.buf, text.len, r->version, &version, err);
	if (!ret) {
		r->serial++;
		r->dirty = false;
		free(r->version);
		r->version = version;
	} else {
		err_wrap(err, "record '%s'", r->key);
	}
	strbuf_release(&text);
	return ret;
}

int record_remove(struct record *r, struct record_store *store, struct err *err)
{
	if (store->ops->remove(store, r->key, err) < 0)
		return err_wrap(err, "record '%s'", r->key);
	for (size_t i = 0; i < r->nr; i++)
		entry_release(&r->v[i]);
	r->nr = 0;
	free(r->version);
	r->version = NULL;
	r->dirty = false;
	return 0;
}

struct record_entry *record_find(
	const struct record *r, const char *logical_id, const char *physical_id)
{
	for (size_t i = 0; i < r->nr; i++)
		if (!strcmp(r->v[i].logical_id, logical_id) &&
			(!physical_id || !strcmp(r->v[i].physical_id, physical_id)))
			return &r->v[i];
	return NULL;
}

struct record_entry *record_put(
	struct record *r, const char *logical_id, const char *type, const char *physical_id)
{
	struct record_entry *e = record_find(r, logical_id, physical_id);

	if (e && !strcmp(e->type, type))
		return e;
	if (!e) {
		e = add_entry(r);
		e->logical_id = xstrdup(logical_id);
		e->physical_id = xstrdup(physical_id);
	}
	free(e->type);
	e->type = xstrdup(type);
	r->dirty = true;
	return e;
}

void record_set_state(
	struct record *r, struct record_entry *e, enum record_state state, const char *digest)
{
	if (e->state != state) {
		e->state = state;
		r->dirty = true;
	}
	if ((digest && (!e->digest || strcmp(e->digest, digest) != 0)) || (!digest && e->digest)) {
		free(e->digest);
		e->digest = xstrdup(digest);
		r->dirty = true;
	}
}

void record_drop(struct record *r, const char *logical_id, const char *physical_id)
{
	struct record_entry *e = record_find(r, logical_id, physical_id);

	if (!e)
		return;
	entry_release(e);
	memmove(e, e + 1, (size_t)(r->v + r->nr - (e + 1)) * sizeof(*e));
	r->nr--;
	r->dirty = true;
}

int record_stacks(
	struct record_store *store, const char *project, struct strvec *stacks, struct err *err)
{
	char *prefix = xasprintf("glueproj/v1/%s/stacks/", project);
	struct strvec keys = STRVEC_INIT;
	int ret = store->ops->list(store, prefix, &keys, err);

	for (size_t i = 0; !ret && i < keys.nr; i++) {
		const char *name = keys.v[i] + strlen(prefix);
		if (ends_with(name, ".json") && !strchr(name, '/'))
			strvec_push_take(stacks, xstrndup(name, strlen(name) - strlen(".json")));
	}
	strvec_release(&keys);
	free(prefix);
	return ret;
}
