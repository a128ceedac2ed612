#include "iam.h"

#include <stdarg.h>
#include "calls.h"
#include "client.h"
#include "strbuf.h"
#include "tags.h"

char *policy_text(const struct json *document)
{
	struct strbuf sb = STRBUF_INIT;
	if (json_str(document))
		return xstrdup(json_str(document));
	json_print(document, &sb);
	return strbuf_detach(&sb, NULL);
}

/* A principal in a trust policy may be a role of this very run that IAM does not know everywhere yet. */
static bool principal_is_new(const struct err *err)
{
	return err->text && err_is_aws(err, "MalformedPolicyDocument") &&
	       strcasestr(err->text, "Invalid principal in policy");
}

int iam_send(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	bool missing_ok, struct err *err)
{
	static const char *const busy[] = {"EntityTemporarilyUnmodifiable",
		"ConcurrentModification", "ConcurrentModificationException", NULL};
	struct err last = ERR_INIT, late = ERR_INIT;
	struct wait w;
	int ret;
	wait_begin(&w, ctx, 60 * 1000);
	while ((ret = aws_call(ctx->aws, op, in, NULL, &last)) &&
		(err_is_any(&last, busy) || principal_is_new(&last))) {
		if (wait_pause(&w, &late, "%s", op->name)) {
			if (late.code == ERR_INTERRUPTED)
				err_move(&last, &late);
			break;
		}
	}
	if (ret && missing_ok && err_is_missing(&last))
		ret = 0;
	if (ret)
		err_move(err, &last);
	err_release(&last);
	err_release(&late);
	return ret;
}

int iam_call(
	const struct type_ctx *ctx, const struct aws_op *op, bool missing_ok, struct err *err, ...)
{
	struct json *in = json_object();
	const char *name;
	va_list ap;
	va_start(ap, err);
	while ((name = va_arg(ap, const char *)))
		json_set_str(in, name, va_arg(ap, const char *));
	va_end(ap);
	int ret = iam_send(ctx, op, in, missing_ok, err);
	json_free(in);
	return ret;
}

int iam_list(const struct type_ctx *ctx, const struct aws_op *op, const char *key,
	const char *value, struct json **items, struct err *err)
{
	struct json *in = json_strings(key, value, NULL);
	int ret = list_if_there(ctx, op, in, items, err);
	json_free(in);
	return ret;
}

int iam_set_tags(const struct type_ctx *ctx, const struct aws_op *op, const char *key,
	const char *value, const struct json *tags, struct err *err)
{
	if (!json_len(tags))
		return 0;
	struct json *in = json_strings(key, value, NULL);
	json_set(in, "Tags", tags_to_list(tags));
	int ret = iam_send(ctx, op, in, false, err);
	json_free(in);
	return ret;
}

int iam_unset_tags(const struct type_ctx *ctx, const struct aws_op *op, const char *key,
	const char *value, const struct json *keys, struct err *err)
{
	if (!json_len(keys))
		return 0;
	struct json *in = json_strings(key, value, NULL);
	json_set(in, "TagKeys", json_copy(keys));
	int ret = iam_send(ctx, op, in, false, err);
	json_free(in);
	return ret;
}

bool json_has_str(const struct json *array, const char *s)
{
	const struct json *e;
	json_each(e, array)
	{
		if (json_str(e) && strcmp(json_str(e), s) == 0)
			return true;
	}
	return false;
}
