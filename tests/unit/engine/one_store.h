#ifndef ONE_STORE_H
#define ONE_STORE_H

/* A record store of one map, with versions; for tests of what lies in it. */
#include <stdlib.h>
#include <string.h>
#include "map.h"
#include "store.h"
#include "testing.h"
#include "xalloc.h"

struct one_store {
	struct record_store store;
	struct map objects, versions;
	int next;
	/* Called before each put, as somebody who is faster. */
	void (*before_put)(struct one_store *s);
};

static void one_put(struct one_store *s, const char *key, const char *data, size_t len)
{
	map_put(&s->objects, key, xstrndup(data, len));
	map_put(&s->versions, key, xasprintf("v%d", ++s->next));
}

static int one_store_get(struct record_store *store, const char *key, struct strbuf *out,
	char **version, struct err *err)
{
	struct one_store *s = store->impl;

	if (!map_has(&s->objects, key))
		return err_set(err, ERR_NOT_FOUND, "no '%s'", key);
	strbuf_addstr(out, map_get(&s->objects, key));
	*version = xstrdup(map_get(&s->versions, key));
	return 0;
}

static int one_store_put(struct record_store *store, const char *key, const char *data, size_t len,
	const char *version, char **new_version, struct err *err)
{
	struct one_store *s = store->impl;
	const char *now;

	if (s->before_put)
		s->before_put(s);
	now = map_get(&s->versions, key);
	if (version ? !now || strcmp(now, version) != 0 : now != NULL)
		return err_set(err, ERR_CONFLICT, "'%s' was changed", key);
	one_put(s, key, data, len);
	*new_version = xstrdup(map_get(&s->versions, key));
	return 0;
}

static int one_store_remove(struct record_store *store, const char *key, struct err *err unused_arg)
{
	struct one_store *s = store->impl;

	map_remove(&s->objects, key);
	map_remove(&s->versions, key);
	return 0;
}

static int one_store_list(struct record_store *store, const char *prefix, struct strvec *keys,
	struct err *err unused_arg)
{
	struct one_store *s = store->impl;
	struct map_entry *e;

	map_for_each(&s->objects, e) if (starts_with(e->key, prefix)) strvec_push(keys, e->key);
	return 0;
}

static void one_store_open(struct one_store *s)
{
	static const struct record_store_ops ops = {
		one_store_get, one_store_put, one_store_remove, one_store_list};

	*s = (struct one_store){.store = {&ops, s}};
	map_init(&s->objects, free);
	map_init(&s->versions, free);
}

static void one_store_close(struct one_store *s)
{
	map_release(&s->objects);
	map_release(&s->versions);
}

#endif
