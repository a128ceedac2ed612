/*
 * "Retrieve security credentials from instance metadata" of the EC2 user guide: a token is asked for with PUT (IMDSv2),
 * then the role's name, then its keys. Where the service knows no tokens it is asked without, unless that is forbidden.
 * Keys that the service gives although their time is over are what AWS still takes while it is in trouble: they are
 * used, and asked for again some minutes later ("static stability", as all of AWS's tools do).
 */
#include "cred_internal.h"
#include "digest.h"
#include "uri.h"

#define TOKEN_TTL "21600"
#define USUAL_TIMEOUT_S 1
#define MAX_NAME 1024
#define WINDOW_MS (15 * 60 * 1000)
#define EXTENSION_MIN_MS (2 * 60 * 1000)
#define EXTENSION_SPAN_MS (8 * 60 * 1000)

struct imds_provider {
	struct cred_provider base;
	char *url; /* without '/' at its end */
	int64_t timeout_ms;
	unsigned attempts;
	bool v1_disabled;
	char *role; /* of the last fetch */
};

static const char *setting(const struct cred_ctx *ctx, const char *variable, const char *name)
{
	const char *value = cred_env(variable);
	if (!value)
		value = profile_get(profiles_find(&ctx->profiles.merged, ctx->profile), name);
	return value && *value ? value : NULL;
}

static int number(const struct cred_ctx *ctx, const char *variable, const char *name,
	long long otherwise, long long *out, struct err *err)
{
	const char *text = setting(ctx, variable, name);
	*out = otherwise;
	if (!text || parse_int64(text, 1, 3600, out) == 0)
		return 0;
	return err_set(err, ERR_USAGE,
		"%s (or %s of the profile): '%s' is no number from 1 to 3600", variable, name,
		text);
}

static int find_url(const struct cred_ctx *ctx, char **out, struct err *err)
{
	const char *url =
		setting(ctx, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
	const char *mode = setting(ctx, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
		"ec2_metadata_service_endpoint_mode");
	struct uri uri = URI_INIT;
	bool six = mode && iequals(mode, "ipv6");
	if (mode && !six && !iequals(mode, "ipv4"))
		return err_set(err, ERR_USAGE,
			"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: '%s' is neither IPv4 nor IPv6",
			mode);
	if (!url)
		url = six ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
	if (uri_parse(url, &uri, err) < 0)
		return err_wrap(err, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	uri_release(&uri);
	*out = xstrdup(url);
	for (size_t len = strlen(url); len && url[len - 1] == '/'; len--)
		(*out)[len - 1] = '\0';
	return 0;
}

static int imds_send(const struct imds_provider *p, const char *method, const char *path,
	const char *header, const char *value, struct http_reply *reply, struct err *err)
{
	struct cred_http req = CRED_HTTP_INIT;
	char *url = xasprintf("%s%s", p->url, path);
	req.method = method;
	req.url = url;
	req.timeout_ms = p->timeout_ms;
	req.attempts = p->attempts;
	req.direct = true;
	if (value)
		strvec_pushf(&req.headers, "%s: %s", header, value);
	int ret = cred_http_send(p->base.ctx, &req, reply, err);
	cred_http_release(&req);
	free(url);
	return ret;
}

/* *token NULL: there are none here. */
static int get_token(const struct imds_provider *p, char **token, struct err *err)
{
	struct http_reply reply = HTTP_REPLY_INIT;
	struct err why = ERR_INIT;
	int ret = imds_send(p, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds",
		TOKEN_TTL, &reply, &why);
	if (ret < 0 && why.code == ERR_TIMEOUT) /* a hop limit of 1, seen from a container */
		ret = 0;
	else if (ret == 0 && reply.status == 200 && reply.body.len &&
		 !strpbrk(reply.body.buf, "\r\n"))
		*token = xstrdup(reply.body.buf);
	else if (ret == 0 && reply.status == 400)
		ret = err_set(&why, ERR_DENIED, "the token is refused with HTTP 400");
	if (ret == 0 && !*token && p->v1_disabled)
		ret = err_set(&why, ERR_DENIED,
			"there is no token for IMDSv2, and AWS_EC2_METADATA_V1_DISABLED is set");
	if (ret < 0)
		err_move(err, &why);
	err_release(&why);
	cred_reply_release(&reply);
	return ret;
}

static int get(const struct imds_provider *p, const char *token, const char *name,
	struct http_reply *reply, struct err *err)
{
	char *path = xasprintf("/latest/meta-data/iam/security-credentials/%s", name);
	int ret = imds_send(p, "GET", path, "X-aws-ec2-metadata-token", token, reply, err);
	free(path);
	return ret;
}

static int get_role(const struct imds_provider *p, const char *token, char **role, struct err *err)
{
	struct http_reply reply = HTTP_REPLY_INIT;
	int ret = get(p, token, "", &reply, err);
	if (ret == 0 && reply.status == 404)
		ret = err_set(err, ERR_DENIED, "the instance has no role");
	else if (ret == 0 && reply.status != 200)
		ret = err_set(err, ERR_DENIED, "it answers with HTTP %d", reply.status);
	strbuf_trim(&reply.body);
	if (ret == 0 && (!reply.body.len || reply.body.len > MAX_NAME ||
				strpbrk(reply.body.buf, " \t\r\n?#/")))
		ret = err_set(err, ERR_DENIED, "it gives no name of a role");
	if (ret == 0)
		*role = xstrdup(reply.body.buf);
	cred_reply_release(&reply);
	return ret;
}

static int get_keys(const struct imds_provider *p, const char *token, const char *role,
	struct aws_keys *out, struct err *err)
{
	static const struct cred_names names = {
		"AccessKeyId", "SecretAccessKey", "Token", "Expiration", false};
	struct http_reply reply = HTTP_REPLY_INIT;
	struct json *doc = NULL;
	int ret = get(p, token, role, &reply, err);
	if (ret == 0)
		doc = cred_reply_json(&reply, "it", err);
	const char *code = json_get_str(doc, "Code"), *message = json_get_str(doc, "Message");
	if (!doc)
		ret = -1;
	else if (!json_get(doc, "AccessKeyId") && code)
		ret = err_set(err, ERR_DENIED, "role '%s': %s%s%.300s", role, code,
			message ? ": " : "", message ? message : "");
	else
		ret = cred_keys_from_json(doc, &names, "its reply", out, err);
	json_free(doc);
	cred_reply_release(&reply);
	return ret;
}

static void extend(const struct imds_provider *p, struct aws_keys *keys)
{
	const struct clock *clock = p->base.ctx->clock;
	uint32_t random;
	digest_random(&random, sizeof(random));
	int64_t now = clock->now_ms(clock);
	int64_t more = WINDOW_MS + EXTENSION_MIN_MS +
		       (int64_t)((uint64_t)EXTENSION_SPAN_MS * random >> 32);
	if (keys->expires_ms <= now + more)
		keys->expires_ms = now + more;
}

static int imds_fetch(
	struct cred_provider *base, unused_arg bool forced, struct aws_keys *out, struct err *err)
{
	struct imds_provider *p = (struct imds_provider *)base;
	char *token = NULL, *role = NULL;
	int ret = -1;
	if (get_token(p, &token, err) == 0 && get_role(p, token, &role, err) == 0 &&
		get_keys(p, token, role, out, err) == 0)
		ret = 0;
	if (ret == 0) {
		extend(p, out);
		free(p->role);
		p->role = role;
		role = NULL;
	} else {
		if (err && err->code != ERR_INTERRUPTED)
			err->code = ERR_DENIED;
		err_wrap(err, "the instance's metadata at %s", p->url);
	}
	free_secret(token);
	free(role);
	return ret;
}

static void imds_free(struct cred_provider *base)
{
	struct imds_provider *p = (struct imds_provider *)base;
	free(p->url);
	free(p->role);
	free(p);
}

static const struct cred_provider_ops imds_ops = {imds_fetch, imds_free};

static struct imds_provider *imds_new(const struct cred_ctx *ctx, struct err *err)
{
	struct imds_provider *p = xcalloc(1, sizeof(*p));
	const char *v1 = setting(ctx, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled");
	long long seconds, attempts;
	p->base = (struct cred_provider){&imds_ops, ctx};
	p->v1_disabled = v1 && iequals(v1, "true");
	if (number(ctx, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", USUAL_TIMEOUT_S,
		    &seconds, err) == 0 &&
		number(ctx, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", 1,
			&attempts, err) == 0 &&
		find_url(ctx, &p->url, err) == 0) {
		p->timeout_ms = seconds * 1000;
		p->attempts = (unsigned)attempts;
		return p;
	}
	imds_free(&p->base);
	return NULL;
}

struct aws_credentials *cred_from_imds(const struct cred_ctx *ctx, char **why, struct err *err)
{
	const char *disabled = cred_env("AWS_EC2_METADATA_DISABLED");
	struct aws_keys keys = AWS_KEYS_INIT;
	struct err failure = ERR_INIT;
	*why = NULL;
	if (disabled && iequals(disabled, "true")) {
		*why = xstrdup("the instance's metadata (off by AWS_EC2_METADATA_DISABLED)");
		return NULL;
	}
	struct imds_provider *p = imds_new(ctx, err);
	if (!p)
		return NULL;
	if (imds_fetch(&p->base, false, &keys, &failure) < 0) {
		if (failure.code == ERR_INTERRUPTED)
			err_move(err, &failure);
		else
			*why = xstrdup(failure.text);
		err_release(&failure);
		imds_free(&p->base);
		return NULL;
	}
	struct aws_credentials *c = cred_refreshing(ctx->clock, &p->base,
		xasprintf("the instance's role '%s' (metadata at %s)", p->role, p->url));
	cred_refreshing_seed(c, &keys);
	return c;
}
