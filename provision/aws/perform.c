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
#include <arpa/inet.h>
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
#define MAX_NONSENSE 3 /* where no reply has made sense yet: what answers is no AWS */
#define CONNECT_TIMEOUT_MS 3100
/* Until a client has had any reply at all, silence means that the endpoint is wrong rather than slow. */
#define FIRST_TIMEOUT_MS 8000
#define TIMEOUT_MS 60000
#define MIN_SKEW_MS (4 * 60 * 1000)

struct call {
	struct aws_client *client;
	const struct aws_request *req;
	struct http_reply *reply;
	unsigned attempt, unsent, timeouts, nonsense;
	int64_t started_ms, skew_used_ms, delay_ms;
	bool redirected, skew_corrected, renewed;
	char *key_id;      /* the request is signed with */
	int paid;          /* for the retry under way */
	bool owes;         /* nothing could be paid: tries again in turn */
	bool has_turn;     /* holds quota.turn */
	bool gave_up;      /* the quota is used up */
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

static const char *endpoint_override(const struct call *call)
{
	const struct client_endpoint *e =
		client_settings_endpoint(&call->client->settings, call->req->svc->id);
	return e ? e->url : NULL;
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

/* "https://host" of the user's, with the bucket before the host or behind it. */
static int override_url(struct call *call, const char *override, struct err *err)
{
	const struct client_settings *set = &call->client->settings;
	const char *bucket = call->req->bucket, *host = strstr(override, "://") + 3;
	struct uri uri = URI_INIT;
	struct in6_addr address;
	if (!bucket) {
		strbuf_addstr(&call->url, override);
		return 0;
	}
	if (uri_parse(override, &uri, err) < 0)
		return -1;
	bool named = uri.host[0] != '[' && inet_pton(AF_INET, uri.host, &address) != 1;
	if (set->s3_style == S3_STYLE_VIRTUAL && named && endpoint_bucket_in_host(bucket)) {
		strbuf_add(&call->url, override, (size_t)(host - override));
		strbuf_addf(&call->url, "%s.%s", bucket, host);
	} else {
		strbuf_addf(&call->url, "%s/", override);
		uri_encode(&call->url, bucket, strlen(bucket), false);
	}
	uri_release(&uri);
	return 0;
}

static int aws_url(struct call *call, struct err *err)
{
	const struct client_settings *set = &call->client->settings;
	const struct wire_service *svc = call->req->svc;
	bool s3 = !strcmp(svc->id, "s3");
	struct endpoint_query q = {.region = call->client->region, .bucket = call->req->bucket};
	const char *signing;
	if (s3)
		q.region = call->region;
	if (set->fips)
		q.variants |= ENDPOINT_FIPS;
	if (s3 ? set->s3_dualstack : set->dualstack)
		q.variants |= ENDPOINT_DUALSTACK;
	if (s3 ? set->s3_global : set->sts_global)
		q.variants |= ENDPOINT_GLOBAL;
	if (set->s3_style == S3_STYLE_PATH)
		q.variants |= ENDPOINT_PATH_STYLE;
	if (endpoint_resolve(svc, &q, &call->url, &signing, err) < 0)
		return -1;
	if (strcmp(signing, call->region) != 0) {
		free(call->region);
		call->region = xstrdup(signing);
	}
	return 0;
}

static int find_url(struct call *call, struct err *err)
{
	const struct aws_request *req = call->req;
	const char *override = endpoint_override(call);
	struct uri uri = URI_INIT;

	find_region(call);
	strbuf_clear(&call->url);
	strbuf_clear(&call->host);
	if ((override ? override_url(call, override, err) : aws_url(call, err)) < 0 ||
		uri_parse(call->url.buf, &uri, err) < 0)
		return -1;
	strbuf_addstr(&call->host, uri.host);
	if (uri.port && uri.port != (!strcmp(uri.scheme, "https") ? 443 : 80))
		strbuf_addf(&call->host, ":%d", uri.port);
	uri_release(&uri);
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
	free(call->key_id);
	call->key_id = keys.access_key_id;
	keys.access_key_id = NULL;
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

static bool repeatable(const struct call *call)
{
	return call->req->flags & (AWS_OP_READ | AWS_OP_IDEMPOTENT);
}

/* "adaptive": no faster than the service takes it. */
static int keep_pace(struct call *call, struct err *err)
{
	struct aws_client *c = call->client;
	if (c->settings.retry_mode != RETRY_MODE_ADAPTIVE)
		return 0;
	int64_t wait_ms = retry_pace_reserve(&c->pace, c->clock->mono_ms(c->clock));
	if (wait_ms <= 0 || c->clock->sleep_ms(c->clock, wait_ms) == 0)
		return 0;
	call->ours_failed = true;
	return err_set(err, ERR_INTERRUPTED, "interrupted while keeping to the service's pace");
}

static int send_once(struct call *call, struct err *err)
{
	const struct aws_request *req = call->req;
	struct aws_client *c = call->client;
	struct http_request http = HTTP_REQUEST_INIT;
	int ret = -1;

	call->attempt++;
	call->ours_failed = false;
	http_reply_clear(call->reply);
	/* Before it is signed: a signature lives five minutes. */
	if (keep_pace(call, err) < 0)
		goto out;
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
	http.once = !repeatable(call);
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

static bool attempts_left(const struct call *call)
{
	return call->attempt < (unsigned)call->client->max_attempts;
}

/* Where the address that does not answer was set. */
static void hint_endpoint(const struct call *call, struct err *err)
{
	const struct client_endpoint *e =
		client_settings_endpoint(&call->client->settings, call->req->svc->id);
	if (e && !err->hint)
		err_hint(err, "is something listening there? the address is the one given as %s",
			e->origin);
}

/*
 * Whether another attempt may be made and is paid for. Where nothing is left to pay with, a service that fails is left
 * alone; one that throttles is alive, and is asked again by one call at a time, so that a long set-up goes on slowly.
 */
static bool pay(struct call *call, int cost, bool throttle)
{
	struct aws_client *c = call->client;
	if (!attempts_left(call))
		return false;
	call->paid = 0;
	if (c->settings.retry_mode == RETRY_MODE_LEGACY)
		return true;
	if (retry_quota_take(&c->quota, cost)) {
		call->paid = cost;
		return true;
	}
	call->owes = throttle;
	call->gave_up = !throttle;
	return throttle;
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
		if (patient && pay(call, RETRY_COST, false))
			return VERDICT_AGAIN;
		hint_endpoint(call, err);
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
	if (pay(call, err->code == ERR_TIMEOUT ? RETRY_COST_TIMEOUT : RETRY_COST, false))
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

/* The region in "bucket.s3-eu-west-1.amazonaws.com" or "bucket.s3.eu-west-1.amazonaws.com"; malloc'd or NULL. */
static char *region_of_host(const struct call *call, const char *host)
{
	size_t len = strlen(call->req->bucket);
	if (!strncmp(host, call->req->bucket, len) && host[len] == '.')
		host += len + 1;
	if (!starts_with(host, "s3-") && !starts_with(host, "s3."))
		return NULL;
	host += strlen("s3-");
	return xstrndup(host, strcspn(host, "."));
}

static void leave_turn(struct call *call)
{
	if (call->has_turn)
		pthread_mutex_unlock(&call->client->quota.turn);
	call->has_turn = false;
}

/* A question about the call's bucket in the middle of the call; what matters is the reply, be it an error. */
static void ask(struct call *call, const char *operation, const char *method, const char *query,
	struct http_reply *reply)
{
	struct err ignored = ERR_INIT;
	const struct aws_request req = {.svc = call->req->svc,
		.operation = operation,
		.flags = AWS_OP_READ,
		.method = method,
		.bucket = call->req->bucket,
		.path = "/",
		.query = query,
		.asks = true};
	/* The question may have to wait for it itself. */
	leave_turn(call);
	if (aws_perform(call->client, &req, reply, &ignored) < 0)
		err_release(&ignored);
}

/* The replies to HEAD have no body to name the region; the one to HeadBucket has it in its head, whatever its status. */
static char *ask_region(struct call *call)
{
	struct http_reply reply = HTTP_REPLY_INIT;
	ask(call, "HeadBucket", "HEAD", NULL, &reply);
	char *region = xstrdup(http_reply_header(&reply, "x-amz-bucket-region"));
	http_reply_release(&reply);
	return region;
}

/* The region where the bucket is, when the reply says that it is not where it was asked for; malloc'd or NULL. */
static char *other_region(struct call *call, const struct wire_error *e)
{
	int status = call->reply->status;
	bool moved = status == 301 || status == 307;
	char *region = NULL;
	if (!call->req->bucket || (!moved && status != 400 && status != 403))
		return NULL;
	region = xstrdup(http_reply_header(call->reply, "x-amz-bucket-region"));
	if (!region && e->extra && !strcmp(e->code, "AuthorizationHeaderMalformed"))
		region = xstrdup(e->extra);
	if (!region && e->extra && moved)
		region = strchr(e->extra, '.') ? region_of_host(call, e->extra) : xstrdup(e->extra);
	if (!region && (moved || (status == 400 && !strcmp(call->req->method, "HEAD"))))
		region = ask_region(call);
	if (region && endpoint_region_valid(region) && strcmp(region, call->region) != 0)
		return region;
	free(region);
	return NULL;
}

static bool redirect(struct call *call, const struct wire_error *e)
{
	struct aws_client *c = call->client;
	bool done = call->redirected || call->req->asks;
	char *region = done ? NULL : other_region(call, e);
	if (!region)
		return false;
	call->redirected = true;
	free(call->region);
	call->region = region;
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

static bool wait_and_retry(struct call *call, enum aws_retry retry)
{
	const struct clock *clock = call->client->clock;
	bool throttle = retry == AWS_RETRY_THROTTLE;
	if (!pay(call, retry == AWS_RETRY_TIMEOUT ? RETRY_COST_TIMEOUT : RETRY_COST, throttle))
		return false;
	call->delay_ms =
		aws_jitter_ms(throttle ? THROTTLE_BASE_MS : TRANSIENT_BASE_MS, call->attempt);
	int64_t least = retry_after_ms(http_reply_header(call->reply, "retry-after"),
		http_reply_header(call->reply, "x-amz-retry-after"), clock->now_ms(clock));
	if (call->delay_ms < least)
		call->delay_ms = least;
	return true;
}

/* A HEAD that is refused for its date says no more than 403. */
static bool may_be_skew(const struct call *call, const struct aws_verdict *v)
{
	return v->retry == AWS_RETRY_SKEW ||
	       (call->reply->status == 403 && !strcmp(call->req->method, "HEAD"));
}

static void fill_error(
	struct call *call, const struct wire_error *e, enum err_code code, struct err *err)
{
	err_set(err, code, "%s", e->message);
	err->aws_code = xstrdup(e->code);
	err->http_status = call->reply->status;
	set_request_id(call, e, err);
	if (code == ERR_AMBIGUOUS && (call->req->flags & AWS_OP_STARTS))
		err_hint(err, "it may have started all the same: look before starting it again");
	if (aws_error_is_identity(e->code) && !(call->req->flags & AWS_OP_UNSIGNED))
		err_hint(err, "the keys come from: %s", call->client->credentials->source);
}

/* An answer that is no reason to try again fills the quota, be it yes or no; the last retry's price comes back. */
static void settle_quota(struct call *call, enum aws_retry retry)
{
	struct aws_client *c = call->client;
	bool answered = retry == AWS_RETRY_NO || retry == AWS_RETRY_SKEW;
	if (c->settings.retry_mode == RETRY_MODE_ADAPTIVE)
		retry_pace_note(&c->pace, c->clock->mono_ms(c->clock), retry == AWS_RETRY_THROTTLE);
	if (answered && c->settings.retry_mode != RETRY_MODE_LEGACY)
		retry_quota_give(&c->quota, call->paid ? call->paid : RETRY_REFUND);
	if (answered)
		call->paid = 0;
}

static bool may_have_started(const struct call *call)
{
	return (call->req->flags & AWS_OP_STARTS) && call->reply->status >= 500 &&
	       call->reply->status != 503;
}

/* A HEAD's 400 does not say why; a GET does, and renews the keys itself if it is they. */
static bool others_by_now(struct call *call)
{
	struct aws_credentials *credentials = call->client->credentials;
	struct http_reply reply = HTTP_REPLY_INIT;
	struct aws_keys keys = AWS_KEYS_INIT;
	struct err ignored = ERR_INIT;
	ask(call, "ListObjectsV2", "GET", "list-type=2&max-keys=0", &reply);
	bool others = credentials->ops->get(credentials, &keys, &ignored) == 0 &&
		      strcmp(keys.access_key_id, call->key_id) != 0;
	err_release(&ignored);
	http_reply_release(&reply);
	aws_keys_release(&keys);
	return others;
}

/* Keys that have ended before their time, once: the next attempt is signed with others. */
static bool renew_keys(struct call *call, const struct wire_error *e)
{
	struct aws_credentials *credentials = call->client->credentials;
	/* The reply to a HEAD has no body to say it in. */
	bool untold = !strcmp(call->req->method, "HEAD") && call->reply->status == 400;
	if (call->renewed || !call->key_id || !credentials->ops->expire ||
		(!untold && strcmp(e->code, "ExpiredToken") != 0 &&
			strcmp(e->code, "ExpiredTokenException") != 0))
		return false;
	call->renewed = true;
	if (untold)
		return call->req->bucket && !call->req->asks && others_by_now(call);
	return credentials->ops->expire(credentials, call->key_id);
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
	if (redirect(call, &e) || renew_keys(call, &e)) {
		verdict = VERDICT_AGAIN;
	} else if (may_be_skew(call, &v)) {
		if (correct_skew(call))
			verdict = VERDICT_AGAIN;
	} else if ((v.retry == AWS_RETRY_TIMEOUT && !repeatable(call)) ||
		   (v.retry == AWS_RETRY_TRANSIENT && may_have_started(call))) {
		v.code = ERR_AMBIGUOUS;
	} else if (v.retry != AWS_RETRY_NO && wait_and_retry(call, v.retry)) {
		verdict = VERDICT_AGAIN;
	}
	settle_quota(call, v.retry);
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

/* A "200 OK" of something in between, or a document that was cut: what was asked may have happened. */
static enum verdict judge_nonsense(struct call *call, struct err *err)
{
	err->code = ERR_AMBIGUOUS;
	enum verdict verdict = VERDICT_FAIL;
	if (!repeatable(call) || call->client->understood || ++call->nonsense < MAX_NONSENSE)
		verdict = judge_silence(call, err);
	if (verdict == VERDICT_FAIL && repeatable(call))
		err->code = ERR_FAILED;
	err->http_status = call->reply->status;
	return verdict;
}

static enum verdict attempt(struct call *call, struct err *err)
{
	if (send_once(call, err) < 0)
		return judge_silence(call, err);
	int status = call->reply->status;
	if (status >= 200 && status < 300 && !error_in_ok(call)) {
		const struct aws_request *req = call->req;
		if (req->understand && req->understand(req->payload, call->reply, err) < 0)
			return judge_nonsense(call, err);
		call->client->understood = true;
		settle_quota(call, AWS_RETRY_NO);
		return VERDICT_DONE;
	}
	return judge_error(call, err);
}

/* Waits before the next attempt; -1 when the user has had enough. */
static int pause_call(struct call *call, struct err *err)
{
	const struct clock *clock = call->client->clock;
	if (call->owes) {
		pthread_mutex_lock(&call->client->quota.turn);
		call->has_turn = true;
		call->owes = false;
	}
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
		leave_turn(&call);
		if (verdict != VERDICT_AGAIN || pause_call(&call, &last) < 0)
			break;
	}
	leave_turn(&call);
	if (call.gave_up && !last.hint)
		err_hint(
			&last, "too many calls failed: no more are tried again until some succeed");
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
	free(call.key_id);
	return verdict == VERDICT_DONE ? 0 : -1;
}
