#ifndef STORE_H
#define STORE_H

/*
 * Where records and the lease lie, behind a table: the project's home bucket in real life, a map in
 * tests. Keys are those of CONTRACT.md ("glueproj/v1/<project>/…"). A version is an opaque text (an ETag).
 * Every write is conditional. Hooks may be called from two threads at once (the lease's heartbeat is one).
 */
#include "err.h"
#include "strbuf.h"
#include "strvec.h"

struct record_store;

struct record_store_ops {
	/* ERR_NOT_FOUND where there is none, also when the whole store does not exist yet. *version is the caller's. */
	int (*get)(struct record_store *s, const char *key, struct strbuf *out, char **version,
		struct err *err);
	/* version NULL: the key must not exist. ERR_CONFLICT when that is not so. *new_version is the caller's. Makes the
	 * store when it is missing. */
	int (*put)(struct record_store *s, const char *key, const char *data, size_t len,
		const char *version, char **new_version, struct err *err);
	/* Missing is fine. */
	int (*remove)(struct record_store *s, const char *key, struct err *err);
	/* Keys that start with prefix; a store that does not exist gives none. */
	int (*list)(
		struct record_store *s, const char *prefix, struct strvec *keys, struct err *err);
};

struct record_store {
	const struct record_store_ops *ops;
	void *impl;
};

#endif
