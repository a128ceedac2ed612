/*
 * IAM Identity Center: `aws sso login` leaves a token in ~/.aws/sso/cache; the portal gives a role's keys for it
 * (GetRoleCredentials). A token of an sso-session is renewed before it ends (SSO OIDC CreateToken) and written back
 * as the AWS CLI does, which finds it there; one of a profile's own sso_start_url is not, as it has no refresh token.
 */
#include "cred_internal.h"
#include "log.h"
#include "uri.h"

#define REFRESH_WINDOW_MS (15 * 60 * 1000)

struct sso_provider {
	struct cred_provider base;
	char *profile, *session; /* session NULL: the profile's own start URL */
	char *start_url, *region, *account, *role;
	char *cache; /* path of the token's file */
};

static int login_again(const struct sso_provider *p, struct err *err, const char *why)
{
	err_set(err, ERR_DENIED, "profile '%s': the IAM Identity Center token in '%s' %s",
		p->profile, p->cache, why);
	return err_hint(err, "aws sso login --profile %s", p->profile);
}

/* --- the token --- */

/* What is left of it; 0 or less: it has ended. */
static int64_t left_ms(const struct sso_provider *p, const struct json *token, const char *name)
{
	const char *expires = json_get_str(token, name);
	const struct clock *clock = p->base.ctx->clock;
	int64_t at;
	if (!expires || cred_parse_time(expires, &at) < 0)
		return 0;
	return at - clock->now_ms(clock);
}

static struct json *read_token(const struct sso_provider *p, struct err *err)
{
	struct json *token = cred_cache_read(p->cache);
	if (!token)
		login_again(p, err, "is not there");
	else if (!json_get_str(token, "accessToken") || !json_get_str(token, "expiresAt"))
		login_again(p, err, "is incomplete");
	else
		return token;
	json_free(token);
	return NULL;
}

static bool can_renew(const struct sso_provider *p, const struct json *token)
{
	static const char *const names[] = {"refreshToken", "clientId", "clientSecret"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!json_get_str(token, names[i]))
			return false;
	return p->session && left_ms(p, token, "registrationExpiresAt") > 0;
}

static struct json *create_token(
	const struct sso_provider *p, const struct json *token, struct err *err)
{
	struct cred_http req = CRED_HTTP_INIT;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct strbuf body = STRBUF_INIT;
	char *address = cred_endpoint(p->base.ctx, "SSO_OIDC", "oidc", p->region);
	char *url = xasprintf("%s/token", address);
	struct json *in = json_object(), *out = NULL;
	json_set_str(in, "clientId", json_get_str(token, "clientId"));
	json_set_str(in, "clientSecret", json_get_str(token, "clientSecret"));
	json_set_str(in, "grantType", "refresh_token");
	json_set_str(in, "refreshToken", json_get_str(token, "refreshToken"));
	json_print(in, &body);
	req.method = "POST";
	req.url = url;
	req.body = body.buf;
	strvec_push(&req.headers, "Content-Type: application/json");
	if (cred_http_send(p->base.ctx, &req, &reply, err) == 0)
		out = cred_reply_json(&reply, "CreateToken", err);
	if (out && (!json_get_str(out, "accessToken") || json_get_i64(out, "expiresIn", 0) <= 0)) {
		err_set(err, ERR_DENIED, "the reply of CreateToken is incomplete");
		json_free(out);
		out = NULL;
	}
	wipe(body.buf, body.len);
	strbuf_release(&body);
	cred_http_release(&req);
	cred_reply_release(&reply);
	json_free(in);
	free(url);
	free(address);
	return out;
}

/* The file's new content, of what CreateToken gave. */
static struct json *renewed(
	const struct sso_provider *p, const struct json *token, const struct json *reply)
{
	static const char *const kept[] = {"clientId", "clientSecret", "registrationExpiresAt"};
	const struct clock *clock = p->base.ctx->clock;
	struct json *fresh = json_object();
	struct strbuf at = STRBUF_INIT;
	clock_add_iso(
		&at, clock->now_ms(clock) + json_get_i64(reply, "expiresIn", 0) * 1000, false);
	json_set_str(fresh, "startUrl", p->start_url);
	json_set_str(fresh, "region", p->region);
	json_set_str(fresh, "accessToken", json_get_str(reply, "accessToken"));
	json_set_str(fresh, "expiresAt", at.buf);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		json_set_str(fresh, kept[i], json_get_str(token, kept[i]));
	json_set_str(fresh, "refreshToken", json_get_str(reply, "refreshToken"));
	strbuf_release(&at);
	return fresh;
}

/*
 * A token that lives, the caller's. One that cannot be renewed is used up to its end. Another process may have
 * renewed it at the same time and so ended our refresh token: then the file holds a better one by now.
 */
static struct json *live_token(const struct sso_provider *p, struct err *err)
{
	struct json *token = read_token(p, err);
	struct err why = ERR_INIT;
	if (token && left_ms(p, token, "expiresAt") < REFRESH_WINDOW_MS && can_renew(p, token)) {
		struct json *reply = create_token(p, token, &why);
		struct json *better = reply ? renewed(p, token, reply) : cred_cache_read(p->cache);
		if (reply && cred_cache_write(p->cache, better, &why) < 0)
			log_warn("the new IAM Identity Center token is not kept: %s", why.text);
		if (left_ms(p, better, "expiresAt") > left_ms(p, token, "expiresAt")) {
			json_free(token);
			token = better;
			better = NULL;
		}
		json_free(better);
		json_free(reply);
	}
	if (token && left_ms(p, token, "expiresAt") <= 0) {
		login_again(p, err, "has expired");
		if (err && why.text)
			err_wrap(err, "%s", why.text);
		json_free(token);
		token = NULL;
	}
	err_release(&why);
	return token;
}

/* --- the keys --- */

static int role_keys(
	const struct sso_provider *p, const struct json *doc, struct aws_keys *out, struct err *err)
{
	static const struct cred_names names = {
		"accessKeyId", "secretAccessKey", "sessionToken", NULL, false};
	const struct json *keys = json_get(doc, "roleCredentials");
	int64_t expires = json_get_i64(keys, "expiration", 0);
	if (expires <= 0)
		return err_set(
			err, ERR_DENIED, "the reply of GetRoleCredentials has no 'expiration'");
	if (cred_keys_from_json(keys, &names, "the reply of GetRoleCredentials", out, err) < 0)
		return -1;
	out->expires_ms = expires;
	out->account = xstrdup(p->account);
	return 0;
}

static int get_role_credentials(const struct sso_provider *p, const struct json *token,
	struct aws_keys *out, struct err *err)
{
	struct cred_http req = CRED_HTTP_INIT;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct strbuf url = STRBUF_INIT;
	struct json *doc = NULL;
	char *address = cred_endpoint(p->base.ctx, "SSO", "portal.sso", p->region);
	strbuf_addf(&url, "%s/federation/credentials?role_name=", address);
	uri_encode(&url, p->role, strlen(p->role), false);
	strbuf_addstr(&url, "&account_id=");
	uri_encode(&url, p->account, strlen(p->account), false);
	req.method = "GET";
	req.url = url.buf;
	strvec_pushf(
		&req.headers, "x-amz-sso_bearer_token: %s", json_get_str(token, "accessToken"));
	int ret = cred_http_send(p->base.ctx, &req, &reply, err);
	if (ret == 0 && reply.status == 401)
		ret = login_again(p, err, "is refused");
	else if (ret == 0)
		doc = cred_reply_json(&reply, "GetRoleCredentials", err);
	if (ret == 0)
		ret = doc ? role_keys(p, doc, out, err) : -1;
	json_free(doc);
	cred_http_release(&req);
	cred_reply_release(&reply);
	strbuf_release(&url);
	free(address);
	return ret;
}

static int sso_fetch(
	struct cred_provider *base, unused_arg bool forced, struct aws_keys *out, struct err *err)
{
	const struct sso_provider *p = (struct sso_provider *)base;
	struct json *token = live_token(p, err);
	int ret = token ? get_role_credentials(p, token, out, err) : -1;
	json_free(token);
	if (ret < 0 && err && !err->hint) {
		if (err->code != ERR_INTERRUPTED)
			err->code = ERR_DENIED;
		err_wrap(err, "profile '%s': role '%s' in account %s", p->profile, p->role,
			p->account);
	}
	return ret;
}

static void sso_free(struct cred_provider *base)
{
	struct sso_provider *p = (struct sso_provider *)base;
	free(p->profile);
	free(p->session);
	free(p->start_url);
	free(p->region);
	free(p->account);
	free(p->role);
	free(p->cache);
	free(p);
}

static const struct cred_provider_ops sso_ops = {sso_fetch, sso_free};

/* --- what the files say --- */

/* What a profile and its session both say must agree; either may leave it out. */
static const char *from_either(
	const struct profile *p, const struct profile *session, const char *name, struct err *err)
{
	const struct profile_setting *a = profile_setting(p, name),
				     *b = profile_setting(session, name);
	if (a && b && strcmp(a->value, b->value) != 0) {
		err_set(err, ERR_DENIED, "%s:%d: %s is '%s' here and '%s' in the sso-session",
			a->file, a->line, name, a->value, b->value);
		return NULL;
	}
	const char *value = b ? b->value : a ? a->value : NULL;
	if (value && *value)
		return value;
	err_set(err, ERR_DENIED, "%s:%d: this profile uses IAM Identity Center and lacks %s",
		p->file, p->line, name);
	return NULL;
}

static const struct profile *find_session(
	const struct cred_ctx *ctx, const struct profile_setting *name, struct err *err)
{
	const struct profile *session = profiles_find(&ctx->profiles.sso_sessions, name->value);
	if (!session)
		err_set(err, ERR_DENIED, "%s:%d: there is no section [sso-session %s]", name->file,
			name->line, name->value);
	return session;
}

struct aws_credentials *cred_from_sso(
	const struct cred_ctx *ctx, const char *profile, struct err *err)
{
	const struct profile *p = profiles_find(&ctx->profiles.merged, profile);
	const struct profile_setting *named = profile_setting(p, "sso_session");
	const struct profile *session = NULL;
	const char *start_url = NULL, *region = NULL, *account = NULL, *role = NULL;
	if (!profile_get(p, "sso_role_name") && !profile_get(p, "sso_account_id"))
		return NULL;
	if (named && !(session = find_session(ctx, named, err)))
		return NULL;
	if (!(role = from_either(p, session, "sso_role_name", err)) ||
		!(account = from_either(p, session, "sso_account_id", err)) ||
		!(start_url = from_either(p, session, "sso_start_url", err)) ||
		!(region = from_either(p, session, "sso_region", err))) {
		err_hint(err, "aws configure sso --profile %s", profile);
		return NULL;
	}
	struct sso_provider *s = xcalloc(1, sizeof(*s));
	s->base = (struct cred_provider){&sso_ops, ctx};
	s->profile = xstrdup(profile);
	s->session = xstrdup(named ? named->value : NULL);
	s->start_url = xstrdup(start_url);
	s->region = xstrdup(region);
	s->account = xstrdup(account);
	s->role = xstrdup(role);
	s->cache = cred_cache_path("sso/cache", named ? named->value : start_url);
	return cred_refreshing(ctx->clock, &s->base,
		xasprintf("profile '%s' (IAM Identity Center role '%s' in account %s)", profile,
			role, account));
}
