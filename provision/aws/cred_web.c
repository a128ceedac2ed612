/*
 * Web identity: a token of somebody whom the role trusts is exchanged for keys (AssumeRoleWithWebIdentity, unsigned).
 * The token is a file that others keep fresh, as in EKS, read at each exchange; or GitHub Actions gives one for each
 * exchange as long as the workflow's job runs ("OpenID Connect" of its documentation), so that a set-up that takes
 * longer than the keys goes on.
 */
#include "client.h"
#include "cred_internal.h"
#include "fs.h"
#include "ops.h"

#define MAX_TOKEN (64u << 10)
#define AUDIENCE "sts.amazonaws.com"

struct web_provider {
	struct cred_provider base;
	char *role_arn, *session_name;
	char *token_file; /* NULL: GitHub Actions */
	struct aws_client *sts;
};

static int read_file(const struct web_provider *p, struct strbuf *token, struct err *err)
{
	if (fs_read(p->token_file, MAX_TOKEN, token, err) < 0)
		return err_wrap(err, "the web identity token");
	strbuf_trim(token);
	if (!token->len)
		return err_set(
			err, ERR_DENIED, "the web identity token '%s' is empty", p->token_file);
	return 0;
}

static int take_github_token(const struct http_reply *reply, struct strbuf *token, struct err *err)
{
	struct json *doc = cred_reply_json(reply, "GitHub's token service", err);
	const char *value = json_get_str(doc, "value");
	int ret = doc ? 0 : -1;
	if (doc && (!value || !*value))
		ret = err_set(
			err, ERR_DENIED, "the reply of GitHub's token service has no 'value'");
	else if (doc)
		strbuf_addstr(token, value);
	json_free(doc);
	return ret;
}

static int ask_github(const struct web_provider *p, struct strbuf *token, struct err *err)
{
	struct cred_http req = CRED_HTTP_INIT;
	struct http_reply reply = HTTP_REPLY_INIT;
	const char *address = cred_env("ACTIONS_ID_TOKEN_REQUEST_URL");
	const char *bearer = cred_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
	if (!address || !bearer)
		return err_set(err, ERR_DENIED, "ACTIONS_ID_TOKEN_REQUEST_URL is no longer set");
	char *url = xasprintf("%s%caudience=" AUDIENCE, address, strchr(address, '?') ? '&' : '?');
	req.method = "GET";
	req.url = url;
	strvec_pushf(&req.headers, "Authorization: bearer %s", bearer);
	strvec_push(&req.headers, "Accept: application/json; api-version=2.0");
	int ret = cred_http_send(p->base.ctx, &req, &reply, err);
	if (ret == 0)
		ret = take_github_token(&reply, token, err);
	if (ret < 0)
		err_wrap(err, "GitHub Actions' OIDC token");
	cred_http_release(&req);
	cred_reply_release(&reply);
	free(url);
	return ret;
}

static int exchange(
	const struct web_provider *p, const char *token, struct aws_keys *out, struct err *err)
{
	const struct clock *clock = p->base.ctx->clock;
	struct json *in = json_object(), *reply = NULL;
	char *name = p->session_name
			     ? xstrdup(p->session_name)
			     : xasprintf("glueproj-%lld", (long long)(clock->now_ms(clock) / 1000));
	json_set_str(in, "RoleArn", p->role_arn);
	json_set_str(in, "RoleSessionName", name);
	json_set_str(in, "WebIdentityToken", token);
	int ret = aws_call(p->sts, &sts_assume_role_with_web_identity, in, &reply, err);
	if (ret == 0)
		ret = cred_sts_keys(reply, out, err);
	json_free(reply);
	json_free(in);
	free(name);
	return ret;
}

static int web_fetch(
	struct cred_provider *base, unused_arg bool forced, struct aws_keys *out, struct err *err)
{
	const struct web_provider *p = (struct web_provider *)base;
	struct strbuf token = STRBUF_INIT;
	int ret = p->token_file ? read_file(p, &token, err) : ask_github(p, &token, err);
	if (ret == 0)
		ret = exchange(p, token.buf, out, err);
	if (ret < 0 && err) {
		if (err->code == ERR_IO || err->code == ERR_NOT_FOUND)
			err->code = ERR_DENIED;
		err_wrap(err, "web identity for role %s", p->role_arn);
	}
	wipe(token.buf, token.len);
	strbuf_release(&token);
	return ret;
}

static void web_free(struct cred_provider *base)
{
	struct web_provider *p = (struct web_provider *)base;
	aws_client_free(p->sts);
	free(p->role_arn);
	free(p->session_name);
	free(p->token_file);
	free(p);
}

static const struct cred_provider_ops web_ops = {web_fetch, web_free};

static const char *setting(
	const struct profile *p, const char *variable, const char *name, bool use_env)
{
	const char *value = use_env ? getenv(variable) : NULL;
	return value ? value : profile_get(p, name);
}

struct aws_credentials *cred_from_web_identity(
	const struct cred_ctx *ctx, const char *profile, bool use_env, struct err *err)
{
	const struct profile *p = profiles_find(&ctx->profiles.merged, profile);
	const char *file =
		setting(p, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file", use_env);
	const char *role = setting(p, "AWS_ROLE_ARN", "role_arn", use_env);
	const char *name = setting(p, "AWS_ROLE_SESSION_NAME", "role_session_name", use_env);
	bool from_env = use_env && cred_env("AWS_WEB_IDENTITY_TOKEN_FILE");
	bool github = use_env && cred_env("ACTIONS_ID_TOKEN_REQUEST_URL") &&
		      cred_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN") && cred_env("AWS_ROLE_ARN");
	char *source;
	/* A token file is what was set up for AWS; GitHub's variables are there in every workflow that may ask. */
	if (file && *file)
		github = false;
	else if (!github)
		return NULL;
	if (!role || !*role) {
		err_set(err, ERR_DENIED,
			"%s is set, but no role: neither AWS_ROLE_ARN nor role_arn",
			from_env ? "AWS_WEB_IDENTITY_TOKEN_FILE" : "web_identity_token_file");
		return NULL;
	}
	struct web_provider *w = xcalloc(1, sizeof(*w));
	w->base = (struct cred_provider){&web_ops, ctx};
	w->role_arn = xstrdup(role);
	w->session_name = xstrdup(name && *name ? name : github ? "GitHubActions" : NULL);
	w->token_file = xstrdup(github ? NULL : file);
	w->sts = cred_sts_client(ctx, NULL, err);
	if (!w->sts) {
		web_free(&w->base);
		return NULL;
	}
	if (github)
		source = xasprintf("GitHub Actions' OIDC (role %s)", role);
	else if (from_env)
		source = xasprintf("web identity token '%s' (role %s)", file, role);
	else
		source = xasprintf(
			"profile '%s' (role %s via web identity token '%s')", profile, role, file);
	return cred_refreshing(ctx->clock, &w->base, source);
}
