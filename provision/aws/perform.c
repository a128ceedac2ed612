/*
 * One request to AWS, from address to verdict. Each attempt is resolved, signed and sent anew:
 *
 *   send -> reply 2xx ------------------------------------------------> done
 *        -> S3 says that the bucket lives elsewhere -> that region, once -> send
 *        -> the clock is off -> corrected, once ------------------------> send
 *        -> throttle, 5xx -> wait (full jitter, Retry-After) ------------> send
 *        -> nothing was sent -> up to three tries within five seconds ---> send
 *        -> sent, no answer -> READ and IDEMPOTENT: wait -> send; others: ERR_AMBIGUOUS
 *        -> everything else -------------------------------------------> error
 */
#include "awserror.h"
#include "client_internal.h"
#include "digest.h"
#include "endpoint.h"
#include "log.h"
#include "sigv4.h"
#include "uri.h"
#include "xml.h"

#define TRANSIENT_BASE_MS 100
#define THROTTLE_BASE_MS 500
#define MAX_DELAY_MS 20000
#define MAX_RETRY_AFTER_MS 60000
#define MAX_CONNECT_TRIES 3
#define MAX_CONNECT_MS 5000
#define MAX_TIMEOUT_TRIES 3
#define CONNECT_TIMEOUT_MS 3100
/* Until a client has had any reply at all, silence means that the endpoint is wrong rather than slow. */
#define FIRST_TIMEOUT_MS 8000
#define TIMEOUT_MS 60000
#define MIN_SKEW_MS (4 * 60 * 1000)

struct call {
	struct aws_client *client;
	const struct aws_request *req;
	struct http_reply *reply;
	unsigned attempt, unsent, timeouts;
	int64_t started_ms, skew_used_ms, delay_ms;
	bool redirected, skew_corrected;
	bool ours_failed;  /* the caller's sink or source, not the wire */
	bool sink_started; /* bytes are out: no repeating here */
	struct strbuf url, host;
	char *region; /* the request is signed for */
	struct http_sink sink;
	struct http_source source;
};

int64_t aws_jitter_ms(int64_t base_ms, unsigned attempt)
{
	int64_t most = base_ms;
	uint32_t random;
	for (unsigned i = 1; i < attempt && most < MAX_DELAY_MS; i++)
		most *= 2;
	if (most > MAX_DELAY_MS)
		most = MAX_DELAY_MS;
	digest_random(&random, sizeof(random));
	return (int64_t)((uint64_t)most * random >> 32);
}

/* --- where to --- */

static const char *endpoint_override(const struct aws_client *c, const struct wire_service *svc)
{
	if (c->endpoint_url)
		return c->endpoint_url;
	if (c->ignore_environment)
		return NULL;
	const char *url = endpoint_from_environment(svc);
	return url ? url : c->profile_endpoint;
}

static void find_region(struct call *call)
{
	struct aws_client *c = call->client;
	const char *region = NULL;
	if (call->region)
		return;
	if (call->req->bucket) {
		pthread_mutex_lock(&c->lock);
		region = map_get(&c->bucket_regions, call->req->bucket);
		call->region = xstrdup(region);
		pthread_mutex_unlock(&c->lock);
	}
	if (!call->region)
		call->region = xstrdup(endpoint_signing_region(call->req->svc, c->region));
}

/* A certificate covers one label: names with dots go into the path, as do all against an endpoint of the user's. */
static bool virtual_host(const char *bucket, const char *override)
{
	return bucket && !override && !strchr(bucket, '.');
}

static int find_url(struct call *call, struct err *err)
{
	const struct aws_request *req = call->req;
	const char *override = endpoint_override(call->client, req->svc);
	bool in_host = virtual_host(req->bucket, override);
	struct uri uri = URI_INIT;

	find_region(call);
	strbuf_clear(&call->url);
	strbuf_clear(&call->host);
	if (override) {
		if (endpoint_check(override, "endpoint", err) < 0)
			return -1;
		strbuf_addstr(&call->url, override);
		while (call->url.len && call->url.buf[call->url.len - 1] == '/')
			strbuf_setlen(&call->url, call->url.len - 1);
	} else {
		endpoint_default(req->svc, call->region, in_host ? req->bucket : NULL, &call->url);
	}
	if (uri_parse(call->url.buf, &uri, err) < 0)
		return -1;
	strbuf_addstr(&call->host, uri.host);
	if (uri.port && uri.port != (!strcmp(uri.scheme, "https") ? 443 : 80))
		strbuf_addf(&call->host, ":%d", uri.port);
	uri_release(&uri);
	if (req->bucket && !in_host) {
		strbuf_addch(&call->url, '/');
		uri_encode(&call->url, req->bucket, strlen(req->bucket), false);
	}
	strbuf_addstr(&call->url, req->path);
	if (req->query && *req->query)
		strbuf_addf(&call->url, "?%s", req->query);
	return 0;
}

/* --- signing --- */

static void push_headers(struct call *call, const struct sigv4_scope *scope,
	const struct aws_keys *keys, const char *payload_hash, struct strvec *headers)
{
	const struct aws_request *req = call->req;
	strvec_pushf(headers, "Host: %s", call->host.buf);
	strvec_pushf(headers, "X-Amz-Date: %s", scope->datetime);
	if (keys && keys->session_token)
		strvec_pushf(headers, "X-Amz-Security-Token: %s", keys->session_token);
	if (req->svc->protocol == WIRE_REST_XML)
		strvec_pushf(headers, "x-amz-content-sha256: %s", payload_hash);
	for (size_t i = 0; req->headers && i < req->headers->nr; i++)
		strvec_push(headers, req->headers->v[i]);
}

/* "Name: value" lines as SigV4 wants them; the names are cut in copies that `names` owns. */
static struct sigv4_header *split_headers(const struct strvec *headers, struct strvec *names)
{
	struct sigv4_header *v = xcalloc(headers->nr + 1, sizeof(*v));
	for (size_t i = 0; i < headers->nr; i++) {
		const char *line = headers->v[i];
		size_t len = strcspn(line, ":");
		strvec_push_take(names, xstrndup(line, len));
		v[i].name = names->v[i];
		v[i].value = line[len] ? line + len + 1 : "";
	}
	return v;
}

static void sign(struct call *call, const struct sigv4_scope *scope, const struct aws_keys *keys,
	const char *payload_hash, struct strvec *headers)
{
	const struct aws_request *req = call->req;
	struct sigv4_state state = SIGV4_STATE_INIT;
	struct strvec names = STRVEC_INIT;
	struct strbuf line = STRBUF_INIT, path = STRBUF_INIT;
	struct sigv4_header *v = split_headers(headers, &names);
	const struct sigv4_keys signing = {
		keys->access_key_id, keys->secret_access_key, keys->session_token};
	/* The path on the wire: what stands behind the host. */
	const char *start = strstr(call->url.buf, "://") + 3;
	start += strcspn(start, "/?");
	strbuf_add(&path, start, strcspn(start, "?"));
	const struct sigv4_request signable = {
		.method = req->method,
		.path = path.buf,
		.query = req->query,
		.headers = v,
		.nr_headers = headers->nr,
		.payload_hash = payload_hash,
		.s3 = !strcmp(req->svc->id, "s3"),
	};
	strbuf_addstr(&line, "Authorization: ");
	sigv4_sign(&state, &signable, scope, &signing, &line);
	strvec_push_take(headers, strbuf_detach(&line, NULL));
	free(v);
	strvec_release(&names);
	strbuf_release(&path);
	sigv4_state_release(&state);
}

static int sign_attempt(struct call *call, struct strvec *headers, struct err *err)
{
	const struct aws_request *req = call->req;
	struct aws_client *c = call->client;
	struct aws_keys keys = AWS_KEYS_INIT;
	struct sigv4_scope scope;
	struct strbuf hash = STRBUF_INIT;
	bool anonymous = req->flags & AWS_OP_UNSIGNED;

	if (!anonymous && c->credentials->ops->get(c->credentials, &keys, err) < 0) {
		call->ours_failed = true;
		return -1;
	}
	if (req->payload_hash)
		strbuf_addstr(&hash, req->payload_hash);
	else
		digest_sha256_hex(req->body ? req->body : "", req->body_len, &hash);
	call->skew_used_ms = c->skew_ms;
	sigv4_scope_init(&scope, c->clock->now_ms(c->clock) + call->skew_used_ms, call->region,
		req->svc->signing_name);
	push_headers(call, &scope, anonymous ? NULL : &keys, hash.buf, headers);
	if (!anonymous)
		sign(call, &scope, &keys, hash.buf, headers);
	strbuf_release(&hash);
	aws_keys_release(&keys);
	return 0;
}

/* --- the caller's sink and source, watched --- */

static int sink_begin(void *payload, int status, const struct strvec *headers, struct err *err)
{
	struct call *call = payload;
	const struct http_sink *sink = call->req->sink;
	if (sink->begin && sink->begin(sink->payload, status, headers, err) < 0) {
		call->ours_failed = true;
		return -1;
	}
	return 0;
}

static int sink_write(void *payload, const void *data, size_t len, struct err *err)
{
	struct call *call = payload;
	const struct http_sink *sink = call->req->sink;
	call->sink_started = true;
	if (sink->write(sink->payload, data, len, err) < 0) {
		call->ours_failed = true;
		return -1;
	}
	return 0;
}

static ssize_t source_read(void *payload, void *buf, size_t len, struct err *err)
{
	struct call *call = payload;
	const struct http_source *source = call->req->source;
	ssize_t n = source->read(source->payload, buf, len, err);
	if (n < 0)
		call->ours_failed = true;
	return n;
}

static int source_rewind(void *payload, struct err *err)
{
	struct call *call = payload;
	const struct http_source *source = call->req->source;
	if (!source->rewind)
		return err_set(err, ERR_FAILED, "what is being sent cannot be read again");
	return source->rewind(source->payload, err);
}

/* --- sending --- */

static int send_once(struct call *call, struct err *err)
{
	const struct aws_request *req = call->req;
	struct aws_client *c = call->client;
	struct http_request http = HTTP_REQUEST_INIT;
	int ret = -1;

	call->attempt++;
	call->ours_failed = false;
	http_reply_clear(call->reply);
	if (find_url(call, err) < 0 || sign_attempt(call, &http.headers, err) < 0 ||
		(call->attempt > 1 && req->source && source_rewind(call, err) < 0)) {
		call->ours_failed = true;
		goto out;
	}
	http.method = req->method;
	http.url = call->url.buf;
	http.body = req->body;
	http.body_len = req->body_len;
	http.source = req->source ? &call->source : NULL;
	http.sink = req->sink ? &call->sink : NULL;
	http.max_reply_bytes = req->max_reply_bytes;
	http.connect_timeout_ms = CONNECT_TIMEOUT_MS;
	http.timeout_ms = c->answered ? TIMEOUT_MS : FIRST_TIMEOUT_MS;
	c->requests++;
	ret = c->transport->ops->perform(c->transport, &http, call->reply, err);
	if (ret == 0)
		c->answered = true;
out:
	http_request_release(&http);
	return ret;
}

/* --- verdicts --- */

enum verdict { VERDICT_DONE, VERDICT_FAIL, VERDICT_AGAIN };

static bool repeatable(const struct call *call)
{
	return call->req->flags & (AWS_OP_READ | AWS_OP_IDEMPOTENT);
}

static bool attempts_left(const struct call *call)
{
	return call->attempt < (unsigned)call->client->max_attempts;
}

/* No HTTP reply came. */
static enum verdict judge_silence(struct call *call, struct err *err)
{
	const struct clock *clock = call->client->clock;
	if (call->ours_failed || call->sink_started)
		return VERDICT_FAIL;
	call->delay_ms = aws_jitter_ms(TRANSIENT_BASE_MS, call->attempt);
	if (err->code == ERR_IO) {
		bool patient = ++call->unsent < MAX_CONNECT_TRIES &&
			       clock->mono_ms(clock) - call->started_ms < MAX_CONNECT_MS;
		if (patient && attempts_left(call))
			return VERDICT_AGAIN;
		if (!err->hint && endpoint_override(call->client, call->req->svc))
			err_hint(err, "is something listening there? the address is the endpoint "
				      "that was given");
		return VERDICT_FAIL;
	}
	if (err->code != ERR_AMBIGUOUS && err->code != ERR_TIMEOUT)
		return VERDICT_FAIL;
	if (!repeatable(call)) {
		err->code = ERR_AMBIGUOUS;
		return VERDICT_FAIL;
	}
	unsigned most = call->client->answered ? MAX_TIMEOUT_TRIES : 1;
	if (err->code == ERR_TIMEOUT && ++call->timeouts >= most)
		return VERDICT_FAIL;
	if (attempts_left(call))
		return VERDICT_AGAIN;
	if (err->code == ERR_AMBIGUOUS)
		err->code = ERR_IO;
	return VERDICT_FAIL;
}

static void set_request_id(struct call *call, const struct wire_error *e, struct err *err)
{
	const char *id = e->request_id;
	static const char *const names[] = {
		"x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"};
	for (size_t i = 0; !id && i < ARRAY_SIZE(names); i++)
		id = http_reply_header(call->reply, names[i]);
	err->request_id = xstrdup(id);
}

/* The region where the bucket is, when the reply says that it is not where it was asked for. */
static const char *other_region(const struct call *call, const struct wire_error *e)
{
	const char *region = http_reply_header(call->reply, "x-amz-bucket-region");
	int status = call->reply->status;
	if (!call->req->bucket ||
		(status != 301 && status != 307 && status != 400 && status != 403))
		return NULL;
	if (!region && (!strcmp(e->code, "AuthorizationHeaderMalformed") ||
			       !strcmp(e->code, "PermanentRedirect")))
		region = e->extra;
	if (!region || !endpoint_region_valid(region) || !strcmp(region, call->region))
		return NULL;
	return region;
}

static bool redirect(struct call *call, const struct wire_error *e)
{
	struct aws_client *c = call->client;
	const char *region = other_region(call, e);
	if (!region || call->redirected)
		return false;
	call->redirected = true;
	free(call->region);
	call->region = xstrdup(region);
	pthread_mutex_lock(&c->lock);
	map_put(&c->bucket_regions, call->req->bucket, xstrdup(region));
	pthread_mutex_unlock(&c->lock);
	return true;
}

static bool correct_skew(struct call *call)
{
	struct aws_client *c = call->client;
	const char *date = http_reply_header(call->reply, "date");
	int64_t theirs;
	if (call->skew_corrected || !date || clock_parse(date, &theirs) < 0)
		return false;
	int64_t skew = theirs - c->clock->now_ms(c->clock);
	int64_t off = skew - call->skew_used_ms;
	if (off < MIN_SKEW_MS && off > -MIN_SKEW_MS)
		return false;
	call->skew_corrected = true;
	c->skew_ms = skew;
	return true;
}

/* Retry-After in seconds, x-amz-retry-after in milliseconds; 0 where there is none. */
static int64_t retry_after_ms(const struct call *call)
{
	const char *seconds = http_reply_header(call->reply, "retry-after");
	const char *ms = http_reply_header(call->reply, "x-amz-retry-after");
	long long n = 0;
	if (ms && parse_int64(ms, 0, MAX_RETRY_AFTER_MS, &n) == 0)
		return n;
	if (seconds && parse_int64(seconds, 0, MAX_RETRY_AFTER_MS / 1000, &n) == 0)
		return n * 1000;
	return 0;
}

static bool wait_and_retry(struct call *call, enum aws_retry retry)
{
	bool throttle = retry == AWS_RETRY_THROTTLE;
	if (!attempts_left(call))
		return false;
	call->delay_ms =
		aws_jitter_ms(throttle ? THROTTLE_BASE_MS : TRANSIENT_BASE_MS, call->attempt);
	int64_t least = retry_after_ms(call);
	if (call->delay_ms < least)
		call->delay_ms = least;
	return true;
}

static void fill_error(
	struct call *call, const struct wire_error *e, enum err_code code, struct err *err)
{
	err_set(err, code, "%s", e->message);
	err->aws_code = xstrdup(e->code);
	err->http_status = call->reply->status;
	set_request_id(call, e, err);
	if (aws_error_is_identity(e->code) && !(call->req->flags & AWS_OP_UNSIGNED))
		err_hint(err, "the keys come from: %s", call->client->credentials->source);
}

/* A reply that is no success. */
static enum verdict judge_error(struct call *call, struct err *err)
{
	struct http_reply *reply = call->reply;
	struct wire_error e = WIRE_ERROR_INIT;
	enum verdict verdict = VERDICT_FAIL;
	int status = reply->status;
	wire_error_parse(call->req->svc->protocol, status,
		http_reply_header(reply, "x-amzn-errortype"), reply->body.buf, reply->body.len, &e);
	/* An error inside a 200 is one of the server's. */
	struct aws_verdict v =
		aws_error_classify(status >= 200 && status < 300 ? 500 : status, e.code, e.message);
	call->delay_ms = 0;
	if (redirect(call, &e)) {
		verdict = VERDICT_AGAIN;
	} else if (v.retry == AWS_RETRY_SKEW) {
		if (correct_skew(call))
			verdict = VERDICT_AGAIN;
	} else if (v.retry == AWS_RETRY_TIMEOUT && !repeatable(call)) {
		v.code = ERR_AMBIGUOUS;
	} else if (v.retry != AWS_RETRY_NO && wait_and_retry(call, v.retry)) {
		verdict = VERDICT_AGAIN;
	}
	fill_error(call, &e, v.code, err);
	wire_error_release(&e);
	return verdict;
}

/* "<?xml …?><Error>": what CopyObject and CompleteMultipartUpload may answer under a 200. */
static bool error_in_ok(const struct call *call)
{
	const struct strbuf *body = &call->reply->body;
	if (!call->req->error_in_ok)
		return false;
	struct xml_doc *doc = xml_parse(body->buf, body->len, NULL);
	bool error = !doc || !xml_root(doc) || !strcmp(xml_name(xml_root(doc)), "Error");
	if (doc)
		xml_free(doc);
	return error;
}

static enum verdict attempt(struct call *call, struct err *err)
{
	if (send_once(call, err) < 0)
		return judge_silence(call, err);
	int status = call->reply->status;
	if (status >= 200 && status < 300 && !error_in_ok(call))
		return VERDICT_DONE;
	return judge_error(call, err);
}

/* Waits before the next attempt; -1 when the user has had enough. */
static int pause_call(struct call *call, struct err *err)
{
	const struct clock *clock = call->client->clock;
	if (call->delay_ms <= 0)
		return 0;
	log_verbose("%s %s: %s; attempt %u in %.1f s", call->req->svc->id, call->req->operation,
		err->aws_code ? err->aws_code : err->text, call->attempt + 1,
		(double)call->delay_ms / 1000);
	if (clock->sleep_ms(clock, call->delay_ms) == 0)
		return 0;
	err_release(err);
	return err_set(err, ERR_INTERRUPTED, "interrupted while waiting to try again");
}

static void call_init(struct call *call, struct aws_client *c, const struct aws_request *req,
	struct http_reply *reply)
{
	*call = (struct call){.client = c, .req = req, .reply = reply};
	strbuf_init(&call->url);
	strbuf_init(&call->host);
	call->started_ms = c->clock->mono_ms(c->clock);
	call->sink = (struct http_sink){sink_begin, sink_write, call};
	if (req->source)
		call->source =
			(struct http_source){source_read, source_rewind, call, req->source->size};
}

int aws_perform(struct aws_client *c, const struct aws_request *req, struct http_reply *reply,
	struct err *err)
{
	struct call call;
	struct err last = ERR_INIT;
	enum verdict verdict;
	call_init(&call, c, req, reply);
	for (;;) {
		err_release(&last);
		verdict = attempt(&call, &last);
		if (verdict != VERDICT_AGAIN || pause_call(&call, &last) < 0)
			break;
	}
	if (req->attempts)
		*req->attempts = call.attempt;
	if (verdict != VERDICT_DONE) {
		if (!call.ours_failed || last.http_status) {
			free(last.operation);
			last.operation = xstrdup(req->operation);
		}
		err_move(err, &last);
	}
	err_release(&last);
	strbuf_release(&call.url);
	strbuf_release(&call.host);
	free(call.region);
	return verdict == VERDICT_DONE ? 0 : -1;
}
