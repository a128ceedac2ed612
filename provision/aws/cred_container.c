/*
 * "Container credential provider" of the AWS SDKs' reference guide: ECS, EKS Pod Identity, Glue. The environment names
 * an address on this host or next to it; whatever else it names gets no request, as the reply would be trusted.
 */
#include <arpa/inet.h>
#include "cred_internal.h"
#include "fs.h"
#include "uri.h"

#define TASK_HOST "http://169.254.170.2"
#define TIMEOUT_MS 2000
#define PAUSE_MS 1000
#define MAX_TOKEN (64u << 10)

static bool allowed_host(const char *host)
{
	static const char *const hosts[] = {
		"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"};
	struct in6_addr v6;
	struct in_addr v4;
	char *bare = xstrdup(*host == '[' ? host + 1 : host);
	bare[strcspn(bare, "]")] = '\0';
	bool allowed = inet_pton(AF_INET, bare, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
	allowed = allowed || (inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		allowed = allowed || !strcmp(bare, hosts[i]);
	free(bare);
	return allowed;
}

static int check_url(const char *url, struct err *err)
{
	struct uri uri = URI_INIT;
	int ret = uri_parse(url, &uri, err);
	bool https = ret == 0 && !strcmp(uri.scheme, "https");
	if (ret == 0 && !https && (strcmp(uri.scheme, "http") != 0 || !allowed_host(uri.host)))
		ret = err_set(err, ERR_DENIED,
			"host '%s' is not one that keys are taken from over plain HTTP: a loopback "
			"address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]",
			uri.host);
	uri_release(&uri);
	return ret;
}

/* Read at each request: the file's content is changed from time to time. */
static int push_authorization(struct strvec *headers, struct err *err)
{
	const char *path = cred_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = cred_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	struct strbuf text = STRBUF_INIT;
	int ret = 0;
	if (path) {
		ret = fs_read(path, MAX_TOKEN, &text, err);
		err_wrap(ret < 0 ? err : NULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
		token = text.buf;
	}
	if (ret == 0 && token && strpbrk(token, "\r\n"))
		ret = err_set(err, ERR_DENIED, "the authorization token in %s has a line end in it",
			path ? path : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (ret == 0 && token)
		strvec_pushf(headers, "Authorization: %s", token);
	wipe(text.buf, text.len);
	strbuf_release(&text);
	return ret;
}

static int ask(const struct cred_ctx *ctx, const char *url, struct aws_keys *out, struct err *err)
{
	static const struct cred_names names = {
		"AccessKeyId", "SecretAccessKey", "Token", "Expiration", false};
	struct cred_http req = CRED_HTTP_INIT;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct json *doc = NULL;
	int ret = -1;
	req.method = "GET";
	req.url = url;
	req.timeout_ms = TIMEOUT_MS;
	req.pause_ms = PAUSE_MS;
	req.direct = true;
	req.any_error = true;
	strvec_push(&req.headers, "Accept: application/json");
	if (check_url(url, err) == 0 && push_authorization(&req.headers, err) == 0 &&
		cred_http_send(ctx, &req, &reply, err) == 0)
		doc = cred_reply_json(&reply, "it", err);
	if (doc)
		ret = cred_keys_from_json(doc, &names, "its reply", out, err);
	json_free(doc);
	cred_http_release(&req);
	cred_reply_release(&reply);
	return ret;
}

struct container_provider {
	struct cred_provider base;
	char *url;
};

static int container_fetch(
	struct cred_provider *base, unused_arg bool forced, struct aws_keys *out, struct err *err)
{
	const struct container_provider *p = (struct container_provider *)base;
	if (ask(base->ctx, p->url, out, err) == 0)
		return 0;
	if (err && err->code != ERR_INTERRUPTED)
		err->code = ERR_DENIED;
	err_wrap(err, "the container's credentials endpoint %s", p->url);
	return err_hint(err, "it is named by AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or "
			     "AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

static void container_free(struct cred_provider *base)
{
	struct container_provider *p = (struct container_provider *)base;
	free(p->url);
	free(p);
}

static const struct cred_provider_ops container_ops = {container_fetch, container_free};

struct aws_credentials *cred_from_container(const struct cred_ctx *ctx, struct err *err)
{
	const char *relative = cred_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = cred_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	struct aws_keys keys = AWS_KEYS_INIT;
	if (!relative && !full)
		return NULL;
	struct container_provider *p = xcalloc(1, sizeof(*p));
	p->base = (struct cred_provider){&container_ops, ctx};
	p->url = relative ? xasprintf("%s%s%s", TASK_HOST, *relative == '/' ? "" : "/", relative)
			  : xstrdup(full);
	struct aws_credentials *c = cred_refreshing(
		ctx->clock, &p->base, xasprintf("the container's credentials endpoint %s", p->url));
	if (container_fetch(&p->base, false, &keys, err) == 0) {
		cred_refreshing_seed(c, &keys);
		return c;
	}
	aws_credentials_free(c);
	return NULL;
}
