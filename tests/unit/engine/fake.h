#ifndef FAKE_H
#define FAKE_H

/*
 * A cloud of one map for the engine's tests: type "Fake::Thing" with a name, a value that changes in place, a kind that
 * replaces, and a reference. Every hook call counts; a call can be made the last one ("the process dies here").
 */
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include "engine.h"
#include "clock.h"
#include "map.h"
#include "stack.h"
#include "testing.h"

struct fake_cloud {
	struct map things;  /* name to struct json {"props","tags"} */
	struct map objects; /* the record store: key to text */
	struct map versions;
	size_t calls, writes;
	size_t die_after; /* 0: never; else every call after so many fails */
	struct strvec log;
	pthread_mutex_t lock;
	bool quiesced;
};

static struct fake_cloud fake;

static void free_json(void *v)
{
	json_free(v);
}

static void fake_reset(void)
{
	map_release(&fake.things);
	map_release(&fake.objects);
	map_release(&fake.versions);
	strvec_release(&fake.log);
	fake = (struct fake_cloud){.log = STRVEC_INIT};
	map_init(&fake.things, free_json);
	map_init(&fake.objects, free);
	map_init(&fake.versions, free);
	pthread_mutex_init(&fake.lock, NULL);
}

/* Under the lock: false when the process is dead by now. */
static bool fake_call(struct err *err)
{
	fake.calls++;
	if (!fake.die_after || fake.calls <= fake.die_after)
		return true;
	err_set(err, ERR_IO, "dead");
	return false;
}

static int fake_read(const struct type_ctx *ctx unused_arg, const struct resource *r,
	enum read_depth depth, struct resource_state *out, struct err *err)
{
	int ret = -1;

	pthread_mutex_lock(&fake.lock);
	if (fake_call(err)) {
		struct json *t = map_get(&fake.things, r->name);
		ret = 0;
		out->exists = t != NULL;
		if (t) {
			out->tags = json_copy(json_get(t, "tags"));
			out->attrs = json_object();
			json_set_str(out->attrs, "Serial", "s-1");
			if (depth == READ_FULL)
				out->props = json_copy(json_get(t, "props"));
		}
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int fake_write(const struct resource *r, const char *verb, struct err *err)
{
	if (!fake_call(err))
		return -1;
	fake.writes++;
	strvec_pushf(&fake.log, "%s %s", verb, r->name);
	return 0;
}

static int fake_create(
	const struct type_ctx *ctx unused_arg, const struct resource *r, struct err *err)
{
	struct json *t;
	int ret;

	pthread_mutex_lock(&fake.lock);
	ret = fake_write(r, "create", err);
	if (!ret && !map_has(&fake.things, r->name)) {
		t = json_object();
		json_set(t, "props", json_copy(r->props));
		json_set(t, "tags", json_copy(r->owner_tags));
		map_put(&fake.things, r->name, t);
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int fake_update(const struct type_ctx *ctx unused_arg, const struct resource *r,
	const struct resource_state *live unused_arg, struct err *err)
{
	int ret;

	pthread_mutex_lock(&fake.lock);
	ret = fake_write(r, "update", err);
	if (!ret)
		json_set(map_get(&fake.things, r->name), "props", json_copy(r->props));
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int fake_tag(const struct type_ctx *ctx unused_arg, const struct resource *r,
	const struct json *tags, struct err *err)
{
	struct json *tag;
	int ret;

	pthread_mutex_lock(&fake.lock);
	ret = fake_write(r, "tag", err);
	if (!ret)
		json_each(tag, tags) json_set_str(json_get(map_get(&fake.things, r->name), "tags"),
			json_name(tag), json_str(tag));
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int fake_destroy(
	const struct type_ctx *ctx unused_arg, const struct resource *r, struct err *err)
{
	int ret;

	pthread_mutex_lock(&fake.lock);
	ret = fake_write(r, "destroy", err);
	if (!ret)
		map_remove(&fake.things, r->name);
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int fake_content(const struct type_ctx *ctx unused_arg, const struct resource *r, bool *has,
	char **what, struct err *err)
{
	int ret = -1;

	pthread_mutex_lock(&fake.lock);
	if (fake_call(err)) {
		struct json *t = map_get(&fake.things, r->name);
		const char *value = json_str(json_path(t, "props.Value"));
		ret = 0;
		*has = value && !strcmp(value, "precious");
		if (*has)
			*what = xstrdup("3 objects");
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static const struct field fake_fields[] = {
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES},
	{.name = "Value", .kind = FIELD_STRING},
	{.name = "Kind", .kind = FIELD_STRING, .flags = F_REPLACES},
	{.name = "Uses", .kind = FIELD_STRING, .names = "Fake::Thing"},
	{0},
};
static const struct attribute fake_attributes[] = {
	{"Arn", "arn:{partition}:fake:{region}:{account}:thing/{name}"}, {"Serial", NULL}, {0}};
static const struct resource_type fake_thing = {
	.schema = {.name = "Fake::Thing",
		.fields = fake_fields,
		.name_field = "Name",
		.name_case = NAME_LOWER_DASH,
		.name_max = 63,
		.attributes = fake_attributes},
	.flags = T_DATA,
	.read = fake_read,
	.create = fake_create,
	.update = fake_update,
	.tag = fake_tag,
	.destroy = fake_destroy,
	.content = fake_content,
};
static const struct type_schema *const fake_schema_list[] = {&fake_thing.schema};
static const struct schema_set fake_schemas = {fake_schema_list, 1};

static const struct resource_type *fake_find(const char *name)
{
	return strcmp(name, "Fake::Thing") ? NULL : &fake_thing;
}

static void fake_diff(const struct resource_type *type, const struct json *wanted,
	const struct json *live, struct json *changes)
{
	for (const struct field *f = type->schema.fields; f->name; f++) {
		struct json *a = json_get(live, f->name), *b = json_get(wanted, f->name), *c;
		if (json_equal(a, b) && !a == !b)
			continue;
		c = json_object();
		json_set_str(c, "path", f->name);
		json_set(c, "before", a ? json_copy(a) : json_null());
		json_set(c, "after", b ? json_copy(b) : json_null());
		json_set_str(c, "effect", f->flags & F_REPLACES ? "replace" : "update");
		json_push(changes, c);
	}
}

/* --- the store --- */

static int store_get(struct record_store *s unused_arg, const char *key, struct strbuf *out,
	char **version, struct err *err)
{
	int ret = -1;

	pthread_mutex_lock(&fake.lock);
	if (fake_call(err)) {
		const char *text = map_get(&fake.objects, key);
		if (text) {
			strbuf_addstr(out, text);
			*version = xstrdup(map_get(&fake.versions, key));
			ret = 0;
		} else {
			err_set(err, ERR_NOT_FOUND, "no '%s'", key);
		}
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int store_put(struct record_store *s unused_arg, const char *key, const char *data,
	size_t len, const char *version, char **new_version, struct err *err)
{
	static int next;
	int ret = -1;

	pthread_mutex_lock(&fake.lock);
	if (fake_call(err)) {
		const char *now = map_get(&fake.versions, key);
		if ((version && (!now || strcmp(now, version) != 0)) || (!version && now)) {
			err_set(err, ERR_CONFLICT, "changed");
		} else {
			fake.writes++;
			map_put(&fake.objects, key, xstrndup(data, len));
			map_put(&fake.versions, key, xasprintf("%d", ++next));
			*new_version = xstrdup(map_get(&fake.versions, key));
			ret = 0;
		}
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int store_remove(struct record_store *s unused_arg, const char *key, struct err *err)
{
	int ret = -1;

	pthread_mutex_lock(&fake.lock);
	if (fake_call(err)) {
		fake.writes++;
		map_remove(&fake.objects, key);
		map_remove(&fake.versions, key);
		ret = 0;
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static int store_list(
	struct record_store *s unused_arg, const char *prefix, struct strvec *keys, struct err *err)
{
	struct map_entry *e;
	int ret = -1;

	pthread_mutex_lock(&fake.lock);
	if (fake_call(err)) {
		map_for_each(&fake.objects, e) if (starts_with(e->key, prefix))
			strvec_push(keys, e->key);
		ret = 0;
	}
	pthread_mutex_unlock(&fake.lock);
	return ret;
}

static const struct record_store_ops store_ops = {store_get, store_put, store_remove, store_list};
static struct record_store fake_store = {&store_ops, NULL};

/* --- a project of one stack out of a template's text --- */

static void no_note(void *p unused_arg, const char *a unused_arg, const char *b unused_arg,
	const char *c unused_arg)
{
}

struct world {
	struct project project;
	struct stack *stacks[1];
	struct type_ctx ctx;
	struct engine *e;
	struct err_list errors, warnings;
};

static void world_open(struct world *w, const char *template, const struct engine_opts *base)
{
	struct stack_context sc = {.project = "demo",
		.account = "111122223333",
		.region = "eu-west-1",
		.partition = "aws"};
	struct template *t;
	struct engine_opts opts = base ? *base : (struct engine_opts){0};

	*w = (struct world){.errors = ERR_LIST_INIT, .warnings = ERR_LIST_INIT};
	t = template_parse(
		"t.yaml", template, strlen(template), &fake_schemas, &w->errors, &w->warnings);
	if (!t)
		fail_msg("template: %s", w->errors.v[0].text);
	w->stacks[0] = stack_bind("s", t, &sc, NULL, 0, &w->errors, &w->warnings);
	if (!w->stacks[0])
		fail_msg("bind: %s", w->errors.v[0].text);
	w->project.name = xstrdup("demo");
	w->project.stacks = w->stacks;
	w->project.nr_stacks = 1;
	w->ctx = (struct type_ctx){.clock = clock_system(),
		.project = "demo",
		.account = "111122223333",
		.region = "eu-west-1",
		.partition = "aws",
		.note = no_note};
	opts.project = &w->project;
	opts.ctx = &w->ctx;
	opts.store = &fake_store;
	opts.find_type = fake_find;
	opts.diff = fake_diff;
	opts.parallel = 4;
	w->e = engine_new(&opts, NULL, 0, &w->errors, &w->warnings);
}

static void world_close(struct world *w)
{
	engine_free(w->e);
	stack_free(w->stacks[0]);
	free(w->project.name);
	err_list_release(&w->errors);
	err_list_release(&w->warnings);
}

/* Set up or tear down in one go; the number of errors. */
static size_t setup(const char *template)
{
	struct world w;
	size_t nr;

	world_open(&w, template, NULL);
	assert_non_null(w.e);
	if (engine_plan(w.e, false, &w.errors, &w.warnings) == 0 &&
		engine_check_data_loss(w.e, &w.errors) == 0 &&
		engine_apply(w.e, &w.errors, &w.warnings) < 0 && !w.errors.nr)
		fail_msg("apply failed without an error");
	nr = w.errors.nr;
	world_close(&w);
	return nr;
}

static size_t teardown(const char *template)
{
	struct world w;
	size_t nr;

	world_open(&w, template, NULL);
	assert_non_null(w.e);
	if (engine_teardown(w.e, &w.errors, &w.warnings) < 0 && !w.errors.nr)
		nr = 1;
	else
		nr = w.errors.nr;
	world_close(&w);
	return nr;
}

#endif
