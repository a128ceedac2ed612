#ifndef ATTACHED_POLICY_H
#define ATTACHED_POLICY_H

/*
 * A policy document that is an attribute of one or more things (topics, queues) and no thing of its own: no tags, no name. It is
 * there when any of them has a document; the record keeps which had it.
 */
#include "type.h"

struct attached_policy {
	struct resource_type type; /* first; its first field is PolicyDocument */
	const char *members;       /* the property that lists them: "Topics" */
	/* The one's own document, the caller's; NULL when it has none or is gone. */
	int (*get)(const struct type_ctx *ctx, const char *one, struct json **document,
		struct err *err);
	/* NULL: none; then what is gone is fine. */
	int (*put)(
		const struct type_ctx *ctx, const char *one, const char *policy, struct err *err);
};

/* Hooks for struct resource_type. */
int attached_policy_read(const struct type_ctx *ctx, const struct resource *r,
	enum read_depth depth, struct resource_state *out, struct err *err);
int attached_policy_create(const struct type_ctx *ctx, const struct resource *r, struct err *err);
int attached_policy_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err);
int attached_policy_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err);

#endif
