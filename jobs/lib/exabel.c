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

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "joblog.h"
#include "uri.h"

#define MAX_ATTEMPTS 6
#define TRANSIENT_BASE_MS 200
#define THROTTLE_BASE_MS 500
#define MAX_DELAY_MS 20000
#define MAX_RETRY_AFTER_MS 60000
#define MAX_TIMEOUTS 2
#define EXCERPT 120
#define MAX_KEY 4096

struct exabel {
	char *url, *key, *agent;
	struct http_transport *transport;
	const struct clock *clock;
	unsigned max_attempts;
	_Atomic uint64_t requests, repeats;
};

/* --- where to --- */

static bool is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	char *bare = *host == '[' ? xstrndup(host + 1, strcspn(host + 1, "]")) : xstrdup(host);
	bool loopback = iequals(bare, "localhost") ||
			(inet_pton(AF_INET, bare, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) ||
			(inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));

	free(bare);
	return loopback;
}

static int check_url(const char *url, const char *given, struct err *err)
{
	struct uri uri = URI_INIT;
	struct err why = ERR_INIT;
	int ret = 0;

	if (uri_parse(url, &uri, &why) != 0)
		ret = err_set(
			err, ERR_USAGE, "the API's host '%s' cannot be used: %s", given, why.text);
	else if (uri.query || strchr(uri.path, '#'))
		ret = err_set(
			err, ERR_USAGE, "the API's host '%s' has more than an address", given);
	else if (strcmp(uri.scheme, "http") == 0 && !is_loopback(uri.host))
		ret = err_set(err, ERR_USAGE,
			"the API's host '%s' is not on this machine: it would get the key in the "
			"clear; use https://",
			given);
	else if (strcmp(uri.scheme, "http") != 0 && strcmp(uri.scheme, "https") != 0)
		ret = err_set(err, ERR_USAGE,
			"the API's host '%s' is no host, host:port, https:// or http:// address",
			given);
	err_release(&why);
	uri_release(&uri);
	return ret;
}

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
	else if (check_url(url, host, err) == 0)
		return url;
	free(url);
	return NULL;
}

static int check_key(const char *key, struct err *err)
{
	size_t len = strlen(key);

	for (const char *c = key; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return err_set(err, ERR_USAGE,
				"the Exabel API key holds a character that no key has (at %zu)",
				(size_t)(c - key) + 1);
	if (len == 0 || len > MAX_KEY)
		return err_set(err, ERR_USAGE, "the Exabel API key is %s",
			len ? "too long to be one" : "empty");
	return 0;
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
	if (!e->url || check_key(e->key, err) != 0)
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

static enum err_code code_of_status(int status)
{
	switch (status) {
	case 400:
	case 413:
	case 422:
		return ERR_INVALID;
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_EXISTS;
	case 429:
		return ERR_THROTTLED;
	case 501:
		return ERR_FAILED;
	default:
		return status >= 500 ? ERR_TRANSIENT : ERR_FAILED;
	}
}

/* --- what came back --- */

char *exabel_presentable(const struct exabel *e, const char *text)
{
	struct strbuf sb = STRBUF_INIT;

	if (!text)
		return NULL;
	strbuf_addstr(&sb, text);
	strbuf_replace(&sb, e->key, "****");
	for (size_t i = 0; i < sb.len; i++)
		if ((unsigned char)sb.buf[i] < ' ' || sb.buf[i] == 0x7f)
			sb.buf[i] = ' ';
	strbuf_trim(&sb);
	return strbuf_detach(&sb, NULL);
}

/* The first characters of what is no JSON. */
static char *excerpt(const struct exabel *e, const struct strbuf *body)
{
	char *text = exabel_presentable(e, body->buf), *cut;
	size_t len = strlen(text);

	if (len <= EXCERPT)
		return text;
	len = EXCERPT;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	cut = xasprintf("%.*s…", (int)len, text);
	free(text);
	return cut;
}

/* {"code", "message", "details"}, as gRPC's gateway has it; or whatever stands between. */
static int set_error(const struct exabel *e, const struct exabel_request *req,
	const struct http_reply *reply, struct err *err)
{
	struct json *body = json_parse(reply->body.buf, reply->body.len, NULL);
	const char *message = json_get_str(body, "message");
	int64_t rpc = json_get_i64(body, "code", EXABEL_UNKNOWN);
	enum err_code code = code_of_status(reply->status);
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

/* Seconds, or a date; 0 where there is none. */
static int64_t retry_after_ms(const struct exabel *e, const struct http_reply *reply)
{
	const char *text = http_reply_header(reply, "retry-after");
	long long seconds;
	int64_t ms = 0, then;

	if (!text)
		return 0;
	if (parse_int64(text, 0, INT32_MAX, &seconds) == 0)
		ms = seconds * 1000;
	else if (clock_parse(text, &then) == 0)
		ms = then - e->clock->now_ms(e->clock);
	return ms < 0 ? 0 : ms > MAX_RETRY_AFTER_MS ? MAX_RETRY_AFTER_MS : ms;
}

int exabel_wait(struct exabel *e, int64_t base_ms, int64_t max_ms, unsigned attempt,
	int64_t least_ms, struct err *err)
{
	int64_t most = base_ms, delay;
	uint32_t random;

	for (unsigned i = 1; i < attempt && most < max_ms; i++)
		most *= 2;
	if (most > max_ms)
		most = max_ms;
	digest_random(&random, sizeof(random));
	delay = (int64_t)((uint64_t)most * random >> 32);
	if (delay < least_ms)
		delay = least_ms;
	if (e->clock->sleep_ms(e->clock, delay) != 0)
		return err_set(err, ERR_INTERRUPTED, "stopped by a signal");
	return 0;
}

static bool is_worth_another(const struct err *err, unsigned *timeouts)
{
	switch (err->code) {
	case ERR_THROTTLED:
	case ERR_TRANSIENT:
	case ERR_IO:
	case ERR_AMBIGUOUS:
		return true;
	case ERR_TIMEOUT:
		return ++*timeouts < MAX_TIMEOUTS;
	default:
		return false;
	}
}

int exabel_perform(
	struct exabel *e, const struct exabel_request *req, struct json **out, struct err *err)
{
	struct http_reply reply = HTTP_REPLY_INIT;
	struct err why = ERR_INIT;
	unsigned timeouts = 0;
	int ret = -1;

	for (unsigned attempt = 1;; attempt++) {
		int64_t base = TRANSIENT_BASE_MS, least = 0;

		err_release(&why);
		if (send_once(e, req, &reply, &why) == 0) {
			if (reply.status == 200) {
				ret = read_reply(e, req, &reply, out, &why);
				break;
			}
			set_error(e, req, &reply, &why);
			base = why.code == ERR_THROTTLED ? THROTTLE_BASE_MS : base;
			least = retry_after_ms(e, &reply);
		}
		if (!is_worth_another(&why, &timeouts))
			break;
		if (attempt >= e->max_attempts) {
			err_wrap(&why, "after %u attempts", attempt);
			break;
		}
		job_log(JOB_WARN, "again", "attempt=%u error=\"%s\"", attempt, why.text);
		if (exabel_wait(e, base, MAX_DELAY_MS, attempt, least, &why) != 0)
			break;
		atomic_fetch_add(&e->repeats, 1);
	}
	if (ret != 0 && why.code == ERR_AMBIGUOUS)
		why.code = ERR_IO;
	if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	http_reply_release(&reply);
	return ret;
}
