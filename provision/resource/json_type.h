#ifndef JSON_TYPE_H
#define JSON_TYPE_H

/*
 * A resource type of a service that speaks JSON documents: create, get, update, delete and tags by name, all from one
 * row of operations and member names; the field rows make the documents. Hooks only where AWS is odd. To add a type:
 * field rows, one struct json_type with these functions as hooks, and a line in resource_types[].
 */
#include "fields.h"
#include "type.h"

struct aws_op;

struct json_tagging {
	const struct aws_op *tag, *untag, *list;
	const char *arn;    /* member that names the resource: "ResourceArn" */
	const char *set;    /* member with the tags to set */
	const char *unset;  /* member with the keys to take away */
	bool as_list;       /* [{Key,Value}] instead of a map */
	bool lower;         /* of [{key,value}] */
	const char *create; /* the create call's member with the tags; NULL: "Tags" */
};
extern const struct json_tagging glue_tagging, athena_tagging;

enum json_type_flags {
	JSON_UPDATE_WHOLE =
		1 << 0,       /* the update call replaces the whole definition: send all of it */
	JSON_BY_ARN = 1 << 1, /* get, update and remove go by ARN, create by name */
	JSON_UPDATE_ALWAYS =
		1 << 2, /* an update is sent even where nothing that can be read differs */
};

struct json_type {
	struct resource_type type; /* first: hooks get back from r->type to this */
	const struct aws_op *create, *get, *update, *remove;
	const char *get_out; /* the reply's member with the definition */
	const char *
		update_in; /* the update's member that takes the definition; NULL: the request itself */
	/* where the name stands; a path for create */
	const char *create_name, *get_name, *update_name, *remove_name;
	const char *arn; /* as in struct attribute */
	const struct json_tagging *tagging;
	unsigned flags;           /* enum json_type_flags */
	const char *role;         /* property that names a role which may be new */
	const char *role_service; /* who must be able to assume it; NULL: glue.amazonaws.com */
	const char *const
		*busy; /* codes that mean "in a moment" on create, update and delete; NULL: none */

	/* All optional. `in` is the request's definition, to be changed in place. */
	bool (*missing)(const struct err *err); /* an error that means: not there */
	/* Instead of the get call: the definition, *out NULL when it is not there. */
	int (*fetch)(const struct type_ctx *ctx, const struct resource *r, struct json **out,
		struct err *err);
	struct json *(*reshape)(
		const struct json *definition); /* the reply as the rows want it; new */
	void (*look)(const struct resource *r, const struct json *definition,
		struct resource_state *out); /* going, attrs, properties that no row can say */
	void (*to_create)(const struct resource *r, struct json *in);
	void (*to_update)(const struct resource *r, const struct json *live,
		const struct json *diff, struct json *in);
	/* After those two: what only calls can tell. */
	int (*fill)(const struct type_ctx *ctx, const struct resource *r, struct json *in,
		struct err *err);
	/* What create needs besides the one call; `unfinished` says whether. The digest tag then comes last. */
	bool (*unfinished)(const struct resource *r);
	int (*finish)(const struct type_ctx *ctx, const struct resource *r, struct err *err);
};

/* Hooks for struct resource_type. */
int json_type_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err);
int json_type_create(const struct type_ctx *ctx, const struct resource *r, struct err *err);
int json_type_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err);
int json_type_tag(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err);
int json_type_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err);

/* The definition of the live one; *out NULL when it is missing. The caller's. */
int json_type_get(const struct type_ctx *ctx, const struct resource *r, struct json **out,
	struct err *err) must_check;
/* All tags of anything that this service tags; ERR_NOT_FOUND when it is gone. The caller's. */
int json_tags_get(const struct type_ctx *ctx, const struct json_tagging *t, const char *arn,
	struct json **tags, struct err *err) must_check;

#endif
