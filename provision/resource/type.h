#ifndef TYPE_H
#define TYPE_H

/*
 * A resource type: its schema and what can be done with one resource. The engine knows resources only through
 * this header. Hooks run on worker threads, one at a time for a resource; they never touch the graph, the record or
 * another resource, and they may be run again after a crash at any point: every hook finds out what is
 * there and goes on from that. A NULL hook is not needed.
 *
 * The order of a create is the engine's: journal "intent" – create() with owner tags and sub-calls – tag() with the
 * digest, last – journal "done". A type with T_WHOLE is made by one call: create() puts the digest with the owner tags.
 */
#include <stdbool.h>
#include "err.h"
#include "json.h"
#include "schema.h"

struct aws_client;
struct clock;

#define TAG_PROJECT "glueproj:project"
#define TAG_STACK "glueproj:stack"
#define TAG_LOGICAL_ID "glueproj:logical-id"
#define TAG_DIGEST "glueproj:digest"

enum type_flags {
	T_WHOLE = 1 << 0, /* one call makes it whole, tags included */
	T_NO_TAGS =
		1
		<< 1, /* cannot carry tags: owned by name, inside an owned parent, or by the record */
	T_PSEUDO = 1 << 2, /* glueproj's own: uploads, programs, crawler starts */
	T_DATA = 1 << 3,   /* may hold data: content() is asked before it goes */
	T_ACTION = 1 << 4, /* done at set-up and never undone: crawler starts */
	T_ROLE =
		1
		<< 5, /* others assume it: calls right after its creation are retried by the table of messages */
};

/* What hooks may use besides the resource. Shared by all threads, read-only. */
struct type_ctx {
	struct aws_client *aws;
	const struct clock *clock;
	const char *project, *account, *region, *partition;
	/* A line of progress for people ("emptying bucket: 12,000 objects"); may be called from any thread; never NULL. */
	void (*note)(void *payload, const char *stack, const char *logical_id, const char *text);
	void *note_payload;
	bool interrupted_is_error; /* waits end early with ERR_INTERRUPTED when clock_interrupted() */
};

struct resource_type;
struct field_default;

/* One resource as a hook sees it. Borrowed for the call. */
struct resource {
	const struct resource_type *type;
	const char *stack, *logical_id;
	const char *name;         /* physical name, known before the first call */
	const struct json *props; /* wanted, resolved and checked; NULL when it is only to go */
	const struct json *
		owner_tags; /* {"glueproj:project":…, "glueproj:stack":…, "glueproj:logical-id":…}, with the digest for T_WHOLE */
	const struct json *
		record_props; /* what the record keeps to find it again: type->record_fields; NULL: nothing */
};

/* What is live. */
struct resource_state {
	bool exists;
	bool going;        /* being deleted */
	struct json *tags; /* all tags {"k":"v"}; NULL where T_NO_TAGS */
	struct json *
		props; /* READ_FULL: live properties in CloudFormation's shape, as far as the schema knows them */
	struct json *attrs; /* GetAtt values that have no format */
};
#define RESOURCE_STATE_INIT \
	{                   \
		0           \
	}
static inline void resource_state_release(struct resource_state *s)
{
	json_free(s->tags);
	json_free(s->props);
	json_free(s->attrs);
	*s = (struct resource_state){0};
}

enum read_depth {
	READ_TAGS, /* existence, tags, attrs: at most two calls */
	READ_FULL, /* props too */
};

struct resource_type {
	struct type_schema schema;
	unsigned flags; /* enum type_flags */
	/* NULL-terminated property names to keep in the record ("Roles" of a policy): what delete needs and the name does not tell */
	const char *const *record_fields;
	/* what AWS fills in for properties that nobody set ({0}-terminated, fields.h); NULL: nothing known */
	const struct field_default *defaults;

	/* Reads it. Missing is success with exists false. DENIED means it is there but somebody else's (S3 403), or we may not look. */
	int (*read)(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
		struct resource_state *out, struct err *err);
	/* Makes it, or completes what an earlier create left half done (it exists with our owner tags then). ERR_EXISTS: somebody
	 * made it in between; ERR_AMBIGUOUS: the engine reads and decides. */
	int (*create)(const struct type_ctx *ctx, const struct resource *r, struct err *err);
	/* Brings the live one to r->props in place. `live` is what read(READ_FULL) gave. */
	int (*update)(const struct type_ctx *ctx, const struct resource *r,
		const struct resource_state *live, struct err *err);
	/* Sets these tags (digest, owner tags at adoption); others stay. NULL where T_NO_TAGS. */
	int (*tag)(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
		struct err *err);
	/* Removes it with what hangs on it; missing is success. May be asynchronous on AWS: settle() waits. */
	int (*destroy)(const struct type_ctx *ctx, const struct resource *r, struct err *err);
	/* Waits for a resting state after create or update (gone false), or until it is gone. */
	int (*settle)(
		const struct type_ctx *ctx, const struct resource *r, bool gone, struct err *err);
	/* Stops what runs before it changes or goes (triggers, runs, crawls) and waits. *resume (may stay NULL) is what
	 * resume() needs to put the old state back after an update; caller's. `going` false: for an update. */
	int (*quiesce)(const struct type_ctx *ctx, const struct resource *r, bool going,
		struct json **resume, struct err *err);
	int (*resume)(const struct type_ctx *ctx, const struct resource *r,
		const struct json *resume, struct err *err);
	/* T_DATA: does it hold data that is not ours to lose? *what for people: "1,204 objects"; malloc'd. */
	int (*content)(const struct type_ctx *ctx, const struct resource *r, bool *has, char **what,
		struct err *err);
	/* Empties it; only teardown and delete call this, before destroy. */
	int (*empty)(const struct type_ctx *ctx, const struct resource *r, struct err *err);
	/*
	 * At teardown, before destroy: what the pipeline made through it that no stack names (a crawler's tables, a job's log
	 * streams). Each removed thing is an object {"type","physical_id"} pushed to `gone`. Only what is proven its own.
	 */
	int (*sweep)(const struct type_ctx *ctx, const struct resource *r, struct json *gone,
		struct err *err);
	/* A key under which only one write at a time may be under way ("workflow/etl_workflow"); malloc'd; NULL: none. */
	char *(*serial)(const struct resource *r);
};

/* All types, {NULL}-terminated, sorted by name; and their schemas for stack/. */
extern const struct resource_type *const resource_types[];
const struct schema_set *resource_schemas(void);
const struct resource_type *resource_type_find(const char *name);

/* What differs between wanted and live properties of a type, defaults included: pushes {"path","before","after",
 * "effect":"update|replace"} to `changes`. What engine_opts.diff wants. */
void resource_diff(const struct resource_type *type, const struct json *wanted,
	const struct json *live, struct json *changes);

/* Pseudo types; their properties are made by package/ and cmd/:
 * Glueproj::Upload  {From: path, Bucket, Key, Sha256, Size, Owner?: expected bucket owner, Keep?: not removed at teardown}
 * Glueproj::Crawl   {CrawlerName} */
extern const struct resource_type upload_type, crawl_type;

/*
 * Proof at the end of a teardown: what the cloud still has that carries this project's tags or name prefix, from calls
 * that list (roles by path and prefix, the tagging service as a hint). Pushes {"type","physical_id","reason"} to `left`.
 */
int resource_sweep_project(
	const struct type_ctx *ctx, struct json *left, struct err *err) must_check;

#endif
