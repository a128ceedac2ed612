#ifndef IAM_H
#define IAM_H

/* What roles, inline policies and managed policies share. Calls are the query protocol's: scalars come back as text. */
#include "json.h"
#include "type.h"

struct aws_op;

/* The text of a policy document that may be given as an object or as text; malloc'd. */
char *policy_text(const struct json *document);
/* One IAM call with string members, name/value pairs with NULL at the end; what IAM refuses because another change is
 * under way or a principal is not known yet is asked again. `missing_ok`: NoSuchEntity is success. */
int iam_call(const struct type_ctx *ctx, const struct aws_op *op, bool missing_ok, struct err *err,
	...) must_check __attribute__((sentinel));
int iam_send(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	bool missing_ok, struct err *err) must_check;
/* All pages of a list by one name; a missing owner gives an empty list. The caller's. */
int iam_list(const struct type_ctx *ctx, const struct aws_op *op, const char *key,
	const char *value, struct json **items, struct err *err) must_check;
/* Tags set and taken away, by RoleName or PolicyArn. */
int iam_set_tags(const struct type_ctx *ctx, const struct aws_op *op, const char *key,
	const char *value, const struct json *tags, struct err *err) must_check;
int iam_unset_tags(const struct type_ctx *ctx, const struct aws_op *op, const char *key,
	const char *value, const struct json *keys, struct err *err) must_check;
/* Is this string in the array? */
bool json_has_str(const struct json *array, const char *s);

#endif
