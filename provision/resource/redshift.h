#ifndef REDSHIFT_H
#define REDSHIFT_H

/*
 * What a namespace and a workgroup of Redshift Serverless have in common: an ARN with an id that only the service knows, tags
 * by that ARN in lower-case members, states that pass, and ConflictException for "in a moment" and for "is there".
 */
#include "fields.h"
#include "type.h"

struct aws_op;

struct redshift_kind {
	const struct aws_op *create, *get, *update, *remove;
	const char *out;   /* the reply's member: "namespace" */
	const char *name;  /* the request's member: "namespaceName" */
	const char *arn;   /* the definition's member */
	const char *title; /* "Namespace": GetAtt's first part */
	const struct field *fields;
	const struct field_default *defaults;
};

/* The live definition, tags and attributes; *definition (may be NULL) is the caller's. */
int redshift_read(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, enum read_depth depth, struct resource_state *out,
	struct json **definition, struct err *err) must_check;
/* A call that waits while another operation runs; `role` (may be NULL) may be seconds old. */
int redshift_call(const struct type_ctx *ctx, const struct resource *r, const struct aws_op *op,
	const struct json *in, const char *role, struct err *err) must_check;
/* Creates with all tags, or completes what an earlier run left. */
int redshift_create(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, struct json *in, const char *role, struct err *err) must_check;
int redshift_tag(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, const struct json *tags, struct err *err) must_check;
/* Tags to what the template wants. */
int redshift_bring_tags(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, const struct resource_state *live, struct err *err) must_check;
int redshift_destroy(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, const struct json *more, struct err *err) must_check;
/* Until it is AVAILABLE, or gone. */
int redshift_settle(const struct type_ctx *ctx, const struct redshift_kind *k,
	const struct resource *r, bool gone, struct err *err) must_check;
bool redshift_name_ok(const char *name);

/* For the sweep: the name of what an ARN names; NULL when it is gone or may not be looked at. Malloc'd. */
char *redshift_name_of_arn(const struct type_ctx *ctx, const char *arn);

/* The workgroup of a namespace; *name NULL: there is none. Malloc'd. */
int redshift_workgroup_of(
	const struct type_ctx *ctx, const char *space, char **name, struct err *err) must_check;

#endif
