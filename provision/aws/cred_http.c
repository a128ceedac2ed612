/* Plain HTTP to those who give keys. Bodies hold secrets: they are wiped, and no message quotes them. */
#include "client_internal.h"
#include "cred_internal.h"
#include "endpoint.h"
#include "log.h"

#define MAX_REPLY (1u << 20)
#define USUAL_ATTEMPTS 3
#define USUAL_TIMEOUT_MS 10000
#define JITTER_BASE_MS 200

void cred_http_release(struct cred_http *req)
{
	for (size_t i = 0; i < req->headers.nr; i++)
		wipe(req->headers.v[i], strlen(req->headers.v[i]));
	strvec_release(&req->headers);
}

void cred_reply_release(struct http_reply *reply)
{
	wipe(reply->body.buf, reply->body.len);
	http_reply_release(reply);
}

static bool try_again(const struct cred_http *req, int ret, int status, const struct err *why)
{
	if (ret < 0)
		return why->code == ERR_IO || why->code == ERR_TIMEOUT ||
		       why->code == ERR_AMBIGUOUS;
	return status >= 500 || status == 429 || (req->any_error && status != 200);
}

static int send_once(const struct cred_ctx *ctx, const struct cred_http *req,
	struct http_reply *reply, struct err *err)
{
	int64_t timeout = req->timeout_ms ? req->timeout_ms : USUAL_TIMEOUT_MS;
	const struct http_request http = {
		.method = req->method,
		.url = req->url,
		.headers = req->headers,
		.body = req->body,
		.body_len = req->body ? strlen(req->body) : 0,
		.max_reply_bytes = MAX_REPLY,
		.connect_timeout_ms = timeout,
		.timeout_ms = timeout,
		.direct = req->direct,
	};
	wipe(reply->body.buf, reply->body.len);
	http_reply_clear(reply);
	return ctx->transport->ops->perform(ctx->transport, &http, reply, err);
}

int cred_http_send(const struct cred_ctx *ctx, const struct cred_http *req,
	struct http_reply *reply, struct err *err)
{
	unsigned most = req->attempts ? req->attempts : USUAL_ATTEMPTS;
	struct err why = ERR_INIT;
	int ret;
	for (unsigned i = 1;; i++) {
		err_release(&why);
		ret = send_once(ctx, req, reply, &why);
		if (i >= most || !try_again(req, ret, reply->status, &why))
			break;
		int64_t pause = req->pause_ms ? req->pause_ms : aws_jitter_ms(JITTER_BASE_MS, i);
		if (ctx->clock->sleep_ms(ctx->clock, pause) == 0)
			continue;
		ret = err_set(&why, ERR_INTERRUPTED, "interrupted");
		break;
	}
	if (ret < 0)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

/* The message that services put into an error's document under one name or other; NULL. */
static const char *message_of(const struct json *doc)
{
	static const char *const names[] = {"message", "Message", "error_description", "error"};
	const char *message = NULL;
	for (size_t i = 0; !message && i < ARRAY_SIZE(names); i++)
		message = json_get_str(doc, names[i]);
	return message;
}

struct json *cred_reply_json(const struct http_reply *reply, const char *what, struct err *err)
{
	/* The parser's text may quote what it does not like. */
	struct json *doc = json_parse(reply->body.buf, reply->body.len, NULL);
	const char *message = message_of(doc);
	if (reply->status == 200 && json_is(doc, JSON_OBJECT))
		return doc;
	if (reply->status == 200)
		err_set(err, ERR_DENIED, "%s gives no JSON object", what);
	else
		err_set(err, ERR_DENIED, "%s answers with HTTP %d%s%.300s", what, reply->status,
			message ? ": " : "", message ? message : "");
	if (err)
		err->http_status = reply->status;
	json_free(doc);
	return NULL;
}

/* The order of the AWS CLI: the service's variable, the common one, the profile's services section, the profile. */
static char *configured(const struct cred_ctx *ctx, const char *id)
{
	const char *ignore = cred_env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	const struct profile *p = profiles_find(&ctx->profiles.merged, ctx->profile);
	if (!ignore)
		ignore = profile_get(p, "ignore_configured_endpoint_urls");
	if (ignore && iequals(ignore, "true"))
		return NULL;
	char *variable = xasprintf("AWS_ENDPOINT_URL_%s", id);
	char *url = xstrdup(cred_env(variable));
	free(variable);
	if (!url)
		url = xstrdup(cred_env("AWS_ENDPOINT_URL"));
	if (!url)
		url = profile_services_endpoint(ctx->profile, id);
	return url ? url : xstrdup(profile_get(p, "endpoint_url"));
}

char *cred_endpoint(
	const struct cred_ctx *ctx, const char *id, const char *host, const char *region)
{
	char *url = configured(ctx, id);
	if (url) {
		size_t len = strlen(url);
		while (len && url[len - 1] == '/')
			url[--len] = '\0';
		return url;
	}
	bool china = !strcmp(endpoint_partition(region), "aws-cn");
	return xasprintf("https://%s.%s.amazonaws.com%s", host, region, china ? ".cn" : "");
}

int cred_parse_time(const char *text, int64_t *ms)
{
	if (!ends_with(text, "UTC"))
		return clock_parse(text, ms);
	struct strbuf iso = STRBUF_INIT;
	strbuf_add(&iso, text, strlen(text) - 3);
	strbuf_addch(&iso, 'Z');
	int ret = clock_parse(iso.buf, ms);
	strbuf_release(&iso);
	return ret;
}

static int take_string(const struct json *doc, const char *name, bool may_lack, const char *what,
	char **out, struct err *err)
{
	const char *value = json_get_str(doc, name);
	if (value && *value) {
		*out = xstrdup(value);
		return 0;
	}
	if (may_lack && (!json_get(doc, name) || json_is(json_get(doc, name), JSON_NULL) || value))
		return 0;
	return err_set(err, ERR_DENIED, "%s has no '%s'", what, name);
}

int cred_keys_from_json(const struct json *doc, const struct cred_names *names, const char *what,
	struct aws_keys *out, struct err *err)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	char *expires = NULL;
	int ret = -1;
	if (take_string(doc, names->id, false, what, &keys.access_key_id, err) < 0 ||
		take_string(doc, names->secret, false, what, &keys.secret_access_key, err) < 0 ||
		take_string(doc, names->token, names->may_lack, what, &keys.session_token, err) <
			0 ||
		(names->expiration && take_string(doc, names->expiration, names->may_lack, what,
					      &expires, err) < 0))
		goto out;
	if (expires && cred_parse_time(expires, &keys.expires_ms) < 0) {
		err_set(err, ERR_DENIED, "'%s' of %s is no time", names->expiration, what);
		goto out;
	}
	keys.account = xstrdup(json_get_str(doc, "AccountId"));
	aws_keys_release(out);
	*out = keys;
	keys = (struct aws_keys)AWS_KEYS_INIT;
	ret = 0;
out:
	aws_keys_release(&keys);
	free(expires);
	return ret;
}
