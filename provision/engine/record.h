#ifndef RECORD_H
#define RECORD_H

/*
 * One stack's record: a journal of what glueproj is about to make, has made, or is removing. It is not
 * the truth (tags and names in the cloud are); it finds what the template no longer names and what cannot carry
 * tags. Changed by conditional writes only; `serial` counts them. It never holds a parameter's value.
 */
#include <stdbool.h>
#include <stdint.h>
#include "json.h"
#include "store.h"

enum record_state { RECORD_INTENT, RECORD_DONE, RECORD_DELETING };

struct record_entry {
	char *logical_id, *type, *physical_id;
	enum record_state state;
	char *digest;        /* NULL: none yet */
	bool retain;         /* DeletionPolicy: Retain */
	struct strvec needs; /* "stack/logical-id": edges, for a teardown without the template */
	struct json *
		fields; /* what the type needs to find it again (type->record_fields); NULL: nothing */
};

struct record {
	char *project, *stack, *account, *region;
	char *key, *version; /* version NULL: not stored yet */
	int64_t serial;
	struct record_entry *v;
	size_t nr, alloc;
	struct json *outputs; /* {"Name":"Value"} */
	struct json *exports; /* {"Export name":"Value"}: what stacks of other projects import */
	struct json *runs;    /* array, newest last */
	char *secret_key; /* hex; random, made with the record: NoEcho values enter digests under it */
	bool dirty;
};

/* Reads, or makes an empty one that is not stored. A record of another version or project is ERR_FAILED. Caller's. */
struct record *record_load(struct record_store *store, const char *project, const char *stack,
	const char *account, const char *region, struct err *err) must_check;
/* Writes when dirty. ERR_CONFLICT: somebody else wrote it since. */
int record_save(struct record *r, struct record_store *store, struct err *err) must_check;
/* Removes the stored object; the record is empty and unstored afterwards. */
int record_remove(struct record *r, struct record_store *store, struct err *err) must_check;
void record_free(struct record *r);

/* The entry or NULL; borrowed until the next record_put. */
struct record_entry *record_find(
	const struct record *r, const char *logical_id, const char *physical_id);
/* Finds by logical and physical id or adds one (state intent); marks dirty when something changes. */
struct record_entry *record_put(
	struct record *r, const char *logical_id, const char *type, const char *physical_id);
void record_set_state(
	struct record *r, struct record_entry *e, enum record_state state, const char *digest);
void record_drop(struct record *r, const char *logical_id, const char *physical_id);

/* Names of all stacks that have a record in the store. */
int record_stacks(struct record_store *store, const char *project, struct strvec *stacks,
	struct err *err) must_check;

#endif
