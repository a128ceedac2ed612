/* Calls to STS on the way to keys: through a client of their own, with its endpoint rules, signing and retries. */
#include "client.h"
#include "cred_internal.h"

#define STS_ATTEMPTS 5

/* The outer client's transport, lent to the inner one, which would free it. */
static int lent_perform(struct http_transport *t, const struct http_request *req,
	struct http_reply *reply, struct err *err)
{
	struct http_transport *owner = t->impl;
	return owner->ops->perform(owner, req, reply, err);
}

static void lent_free(struct http_transport *t)
{
	t->impl = NULL;
}

static const struct http_transport_ops lent_ops = {lent_perform, lent_free};

/* For calls without a signature: nobody asks for these. */
static int no_keys_get(
	unused_arg struct aws_credentials *c, unused_arg struct aws_keys *out, struct err *err)
{
	return err_set(err, ERR_DENIED, "this call is not signed");
}

static void no_keys_free(unused_arg struct aws_credentials *c)
{
}

static const struct aws_credentials_ops no_keys_ops = {.get = no_keys_get, .free = no_keys_free};

struct aws_client *cred_sts_client(
	const struct cred_ctx *ctx, struct aws_credentials *base, struct err *err)
{
	struct http_transport *lent = xcalloc(1, sizeof(*lent));
	*lent = (struct http_transport){&lent_ops, ctx->transport};
	struct aws_config config = {
		.region = ctx->region,
		.profile = ctx->profile,
		.credentials = base ? base : cred_new(&no_keys_ops, xstrdup("none"), NULL),
		.transport = lent,
		.clock = ctx->clock,
		.max_attempts = STS_ATTEMPTS,
	};
	return aws_client_new(&config, err);
}

/* arn:aws:sts::ACCOUNT:assumed-role/… */
static char *account_of(const char *arn)
{
	for (int i = 0; arn && i < 4; i++) {
		arn = strchr(arn, ':');
		arn = arn ? arn + 1 : NULL;
	}
	return arn && strspn(arn, "0123456789") == 12 && arn[12] == ':' ? xstrndup(arn, 12) : NULL;
}

int cred_sts_keys(const struct json *reply, struct aws_keys *out, struct err *err)
{
	static const struct cred_names names = {
		"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", false};
	if (cred_keys_from_json(
		    json_get(reply, "Credentials"), &names, "the reply of STS", out, err) < 0)
		return -1;
	if (!out->account)
		out->account = account_of(json_str(json_path(reply, "AssumedRoleUser.Arn")));
	return 0;
}
