/*
 * One request to the Exabel API, from body to verdict:
 *
 *   send -> 200, JSON -------------------------------------------------> done
 *        -> 200, no JSON; 4xx ----------------------------------------> error
 *        -> 429, 5xx (but 501) -> wait (full jitter, Retry-After) ------> send
 *        -> no connection, or it broke -> wait ------------------------> send
 *        -> silence until the time-out -> wait, once ------------------> send
 *
 * Every call of this API may be sent twice: searches read, an import writes the same values to the same points, and a
 * signal that is there already is fine.
 */
#include "exabel_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "retry.h"
#include "webcall.h"

#define MAX_ATTEMPTS 6
#define EXCERPT 120

struct exabel {
	char *url, *key, *agent;
	struct http_transport *transport;
	const struct clock *clock;
	unsigned max_attempts;
	_Atomic uint64_t requests, repeats;
};

/* --- where to --- */

static char *make_url(const char *host, struct err *err)
{
	bool bare = !strstr(host, "://");
	char *url = bare ? xasprintf("https://%s", host) : xstrdup(host);
	size_t len = strlen(url);

	while (len && url[len - 1] == '/')
		url[--len] = '\0';
	if (bare && (!*host || strchr(url + strlen("https://"), '/')))
		err_set(err, ERR_USAGE,
			"the API's host '%s' is neither a host's name nor an address", host);
	else if (web_check_url(url, WEB_URL_PLAIN, "the API's host", host, err) == 0)
		return url;
	free(url);
	return NULL;
}

struct exabel *exabel_new(struct exabel_config *config, struct err *err)
{
	struct exabel *e = xcalloc(1, sizeof(*e));

	e->key = config->key ? config->key : xstrdup("");
	e->transport = config->transport;
	e->clock = config->clock ? config->clock : clock_system();
	e->max_attempts = config->max_attempts > 0 ? (unsigned)config->max_attempts : MAX_ATTEMPTS;
	e->agent = xasprintf("User-Agent: glueproj%s%s/" GLUEPROJ_VERSION, config->agent ? "-" : "",
		config->agent ? config->agent : "");
	config->key = NULL;
	config->transport = NULL;
	e->url = make_url(config->host, err);
	if (!e->url || web_check_key(e->key, "the Exabel API key", err) != 0)
		goto fail;
	if (!e->transport)
		e->transport = http_transport_curl(err);
	if (e->transport)
		return e;
fail:
	exabel_free(e);
	return NULL;
}

void exabel_free(struct exabel *e)
{
	if (!e)
		return;
	if (e->transport)
		http_transport_free(e->transport);
	free_secret(e->key);
	free(e->agent);
	free(e->url);
	free(e);
}

const char *exabel_url(const struct exabel *e)
{
	return e->url;
}

const struct clock *exabel_clock(const struct exabel *e)
{
	return e->clock;
}

uint64_t exabel_requests(const struct exabel *e)
{
	return atomic_load(&((struct exabel *)e)->requests);
}

uint64_t exabel_repeats(const struct exabel *e)
{
	return atomic_load(&((struct exabel *)e)->repeats);
}

/* --- codes --- */

const char *exabel_code_name(int64_t code)
{
	static const char *const names[] = {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT",
		"DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
		"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"};

	return code >= 0 && code < (int64_t)ARRAY_SIZE(names) ? names[code] : "UNRECOGNIZED";
}

bool exabel_code_is_transient(int64_t code)
{
	switch (code) {
	case EXABEL_CANCELLED:
	case EXABEL_UNKNOWN:
	case EXABEL_DEADLINE_EXCEEDED:
	case EXABEL_RESOURCE_EXHAUSTED:
	case EXABEL_ABORTED:
	case EXABEL_INTERNAL:
	case EXABEL_UNAVAILABLE:
		return true;
	default:
		return false;
	}
}

/* --- what came back --- */

char *exabel_presentable(const struct exabel *e, const char *text)
{
	return web_presentable(text, (const char *const[]){e->key, NULL});
}

/* The first characters of what is no JSON. */
static char *excerpt(const struct exabel *e, const struct strbuf *body)
{
	return web_excerpt(body->buf, EXCERPT, (const char *const[]){e->key, NULL});
}

/* {"code", "message", "details"}, as gRPC's gateway has it; or whatever stands between. */
static int set_error(const struct exabel *e, const struct exabel_request *req,
	const struct http_reply *reply, struct err *err)
{
	struct json *body = json_parse(reply->body.buf, reply->body.len, NULL);
	const char *message = json_get_str(body, "message");
	int64_t rpc = json_get_i64(body, "code", EXABEL_UNKNOWN);
	enum err_code code = web_code_of_status(reply->status);
	char *text = message ? exabel_presentable(e, message) : excerpt(e, &reply->body);

	if (code == ERR_EXISTS && rpc == EXABEL_ABORTED)
		code = ERR_CONFLICT;
	err_set(err, code, "%s: %sHTTP %d%s%s%s%s", req->call,
		code == ERR_DENIED ? "the API key was refused: " : "", reply->status,
		message ? " " : "", message ? exabel_code_name(rpc) : "", *text ? ": " : "", text);
	err->http_status = reply->status;
	free(text);
	json_free(body);
	return -1;
}

static int read_reply(const struct exabel *e, const struct exabel_request *req,
	const struct http_reply *reply, struct json **out, struct err *err)
{
	struct json *body = json_parse(reply->body.buf, reply->body.len, NULL);
	char *text;

	if (json_is(body, JSON_OBJECT)) {
		*out = body;
		return 0;
	}
	json_free(body);
	text = excerpt(e, &reply->body);
	err_set(err, ERR_INVALID, "%s: the answer of %s is no JSON object: '%s'", req->call, e->url,
		text);
	err->http_status = reply->status;
	free(text);
	return -1;
}

/* --- sending --- */

static int send_once(struct exabel *e, const struct exabel_request *req, struct http_reply *reply,
	struct err *err)
{
	struct http_request http = HTTP_REQUEST_INIT;
	char *url = xasprintf("%s%s", e->url, req->path);
	char *key = xasprintf("X-Api-Key: %s", e->key);
	int ret;

	http.method = req->method;
	http.url = url;
	http.body = req->body;
	http.body_len = req->body_len;
	http.timeout_ms = req->timeout_ms;
	strvec_push(&http.headers, "Accept: application/json");
	if (req->body)
		strvec_push(&http.headers, "Content-Type: application/json");
	strvec_push(&http.headers, e->agent);
	strvec_push_take(&http.headers, key);
	http_reply_clear(reply);
	atomic_fetch_add(&e->requests, 1);
	ret = e->transport->ops->perform(e->transport, &http, reply, err);
	if (ret != 0)
		err_wrap(err, "%s", req->call);
	wipe(key, strlen(key));
	http_request_release(&http);
	free(url);
	return ret;
}

int exabel_wait(struct exabel *e, int64_t base_ms, int64_t max_ms, unsigned attempt,
	int64_t least_ms, struct err *err)
{
	return web_wait(e->clock, base_ms, max_ms, attempt, least_ms, err);
}

struct performing {
	struct exabel *exabel;
	const struct exabel_request *request;
	struct http_reply reply;
	struct json **out;
};

static int perform_once(void *payload, int64_t *least_ms, struct err *err)
{
	struct performing *p = payload;
	struct exabel *e = p->exabel;

	if (send_once(e, p->request, &p->reply, err) != 0)
		return -1;
	if (p->reply.status == 200)
		return read_reply(e, p->request, &p->reply, p->out, err);
	*least_ms = retry_after_ms(
		http_reply_header(&p->reply, "retry-after"), NULL, e->clock->now_ms(e->clock));
	return set_error(e, p->request, &p->reply, err);
}

int exabel_perform(
	struct exabel *e, const struct exabel_request *req, struct json **out, struct err *err)
{
	const struct web_attempts attempts = {e->clock, e->max_attempts, &e->repeats};
	struct performing p = {e, req, HTTP_REPLY_INIT, out};
	int ret = web_repeat(&attempts, perform_once, &p, err);

	http_reply_release(&p.reply);
	return ret;
}
