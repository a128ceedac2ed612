#include "testing.h"
#include <pthread.h>
#include <stdatomic.h>
#include "scripted.h"
#include "client_internal.h"
#include "ops.h"
#include "s3.h"

#define THROTTLED                                                                               \
	{                                                                                       \
		400, NULL, "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}" \
	}
#define BROKEN                                                         \
	{                                                              \
		500, NULL, "{\"__type\":\"InternalServiceException\"}" \
	}
#define FINE                    \
	{                       \
		200, NULL, "{}" \
	}

/* --- the quota --- */

static void test_retry__quota_pays_and_is_paid_back(void **state)
{
	(void)state;
	SCRIPT(s, THROTTLED, BROKEN, FINE, FINE,
		{400, NULL, "{\"__type\":\"EntityNotFoundException\"}"},
		{0, NULL, NULL, ERR_TIMEOUT}, FINE);
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_int_equal(c->quota.tokens, 500);
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	/* Two retries of 5, of which the last one's price came back. */
	assert_int_equal(c->quota.tokens, 495);
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	assert_int_equal(c->quota.tokens, 496);
	assert_int_equal(aws_call(c, &glue_get_job, NULL, NULL, &err), -1);
	assert_int_equal(c->quota.tokens, 497);
	c->quota.tokens = 400;
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	assert_int_equal(c->quota.tokens, 400);
	assert_int_equal(s.at, s.nr);
	err_release(&err);
	aws_client_free(c);
	script_release(&s);
}

static void test_retry__an_empty_quota_leaves_what_is_down_alone(void **state)
{
	(void)state;
	SCRIPT(s, BROKEN, BROKEN);
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	c->quota.tokens = 5;
	assert_int_equal(aws_call(c, &glue_get_job, NULL, NULL, &err), -1);
	assert_int_equal(s.at, 2);
	assert_int_equal(err.code, ERR_TRANSIENT);
	assert_non_null(strstr(err.hint, "too many calls failed"));
	assert_int_equal(c->quota.tokens, 0);
	err_release(&err);
	aws_client_free(c);
	script_release(&s);
}

static void test_retry__an_empty_quota_does_not_end_what_is_throttled(void **state)
{
	(void)state;
	SCRIPT(s, THROTTLED, THROTTLED, THROTTLED, FINE, FINE);
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	c->quota.tokens = 4;
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	assert_int_equal(s.at, 4);
	assert_int_equal(c->quota.tokens, 5);
	/* The turn was given back. */
	assert_int_equal(pthread_mutex_trylock(&c->quota.turn), 0);
	pthread_mutex_unlock(&c->quota.turn);
	assert_ok(aws_call(c, &glue_get_job, NULL, NULL, &err), &err);
	err_release(&err);
	aws_client_free(c);
	script_release(&s);
}

static void test_retry__modes_and_attempts_of_the_settings(void **state)
{
	(void)state;
	SCRIPT(s, BROKEN, BROKEN, BROKEN, BROKEN);
	struct err err = ERR_INIT;
	struct aws_config config = {.region = "eu-west-1",
		.credentials = aws_credentials_static("a", "b", NULL, "s"),
		.transport = scripted_transport(&s),
		.clock = &s.clock};
	setenv("AWS_MAX_ATTEMPTS", "4", 1);
	setenv("AWS_RETRY_MODE", "legacy", 1);
	setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	struct aws_client *c = aws_client_new(&config, &err);
	assert_non_null(c);
	c->quota.tokens = 0;
	assert_int_equal(aws_call(c, &glue_get_job, NULL, NULL, &err), -1);
	assert_int_equal(s.at, 4);
	unsetenv("AWS_MAX_ATTEMPTS");
	unsetenv("AWS_RETRY_MODE");
	unsetenv("AWS_CONFIG_FILE");
	err_release(&err);
	aws_client_free(c);
	script_release(&s);
}

/* --- a busy service and many threads --- */

#define CALLS 200
#define THREADS 16

struct busy {
	_Atomic unsigned seed, sent, throttled;
	unsigned percent;
	struct aws_client *c;
	_Atomic unsigned next, failed;
};

/* The same for each run, whatever the order of the threads: a hash of the request's number. */
static bool unlucky(struct busy *b)
{
	unsigned n = ++b->sent;
	n = (n ^ 61u) ^ (n >> 16);
	n *= 9u;
	n = (n ^ (n >> 4)) * 0x27d4eb2du;
	return (n ^ (n >> 15)) % 100 < b->percent;
}

static int busy_perform(struct http_transport *t, unused_arg const struct http_request *req,
	struct http_reply *reply, unused_arg struct err *err)
{
	struct busy *b = t->impl;
	http_reply_clear(reply);
	reply->status = 200;
	strbuf_addstr(&reply->body, "{}");
	if (unlucky(b)) {
		b->throttled++;
		reply->status = 400;
		strbuf_clear(&reply->body);
		strbuf_addstr(&reply->body, "{\"__type\":\"ThrottlingException\"}");
	}
	return 0;
}

static void busy_free(struct http_transport *t)
{
	t->impl = NULL;
}

static int64_t busy_now(unused_arg const struct clock *c)
{
	return 1795253165000LL;
}

static int busy_sleep(unused_arg const struct clock *c, unused_arg int64_t ms)
{
	sched_yield();
	return 0;
}

static void *busy_worker(void *payload)
{
	struct busy *b = payload;
	while (b->next++ < CALLS)
		if (aws_call(b->c, &glue_get_job, NULL, NULL, NULL) < 0)
			b->failed++;
	return NULL;
}

static void run_busy(struct busy *b, int tokens)
{
	static const struct http_transport_ops ops = {busy_perform, busy_free};
	static const struct clock clock = {busy_now, busy_now, busy_sleep, NULL};
	struct http_transport *t = xcalloc(1, sizeof(*t));
	struct err err = ERR_INIT;
	pthread_t threads[THREADS];
	t->ops = &ops;
	t->impl = b;
	struct aws_config config = {.region = "eu-west-1",
		.credentials = aws_credentials_static("a", "b", NULL, "s"),
		.transport = t,
		.clock = &clock,
		.max_attempts = 40,
		.ignore_environment = true};
	b->c = aws_client_new(&config, &err);
	assert_non_null(b->c);
	b->c->quota.tokens = tokens;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, busy_worker, b), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	aws_client_free(b->c);
}

static void test_retry__a_long_set_up_is_not_starved(void **state)
{
	(void)state;
	/* From a full quota at 30 %, and from none at all at 60 %. */
	static const struct {
		unsigned percent;
		int tokens;
	} cases[] = {{30, RETRY_QUOTA_TOKENS}, {60, 0}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct busy b = {.percent = cases[i].percent};
		run_busy(&b, cases[i].tokens);
		assert_int_equal(b.failed, 0);
		assert_int_equal(b.sent - b.throttled, CALLS);
		assert_true(b.throttled * 100 > b.sent * (cases[i].percent - 10));
	}
}

/* --- the pace of "adaptive" --- */

static void test_retry__pace_follows_throttles(void **state)
{
	(void)state;
	struct retry_pace p;
	int64_t now = 1000000;
	retry_pace_init(&p);
	/* 100 requests a second, unhindered. */
	for (int i = 0; i < 200; i++, now += 10) {
		assert_int_equal(retry_pace_reserve(&p, now), 0);
		retry_pace_note(&p, now, false);
	}
	assert_false(p.enabled);
	retry_pace_note(&p, now, true);
	assert_true(p.enabled);
	assert_true(p.rate > 60 && p.rate < 75);
	double after_throttle = p.rate;
	int64_t waited = 0;
	for (int i = 0; i < 100; i++)
		waited = retry_pace_reserve(&p, now);
	/* The hundredth has to wait until its token has come. */
	assert_true(waited > 1000 && waited < 2000);
	for (int i = 0; i < 300; i++, now += 15)
		retry_pace_note(&p, now, false);
	assert_true(p.rate > after_throttle);
	retry_pace_note(&p, now, true);
	for (int i = 0; i < 50; i++)
		retry_pace_note(&p, now, true);
	assert_true(p.rate >= 0.5);
	retry_pace_release(&p);
}

/* --- what the service asks for --- */

static void test_retry__retry_after(void **state)
{
	(void)state;
	const int64_t now = 1795253165000LL; /* 2026-11-21T09:26:05Z */
	assert_int_equal(retry_after_ms(NULL, NULL, now), 0);
	assert_int_equal(retry_after_ms("7", NULL, now), 7000);
	assert_int_equal(retry_after_ms("3600", NULL, now), 60000);
	assert_int_equal(retry_after_ms("99999999999999999999", NULL, now), 0);
	assert_int_equal(retry_after_ms("Sat, 21 Nov 2026 09:26:10 GMT", NULL, now), 5000);
	assert_int_equal(retry_after_ms("Sat, 21 Nov 2026 09:26:00 GMT", NULL, now), 0);
	assert_int_equal(retry_after_ms("soon", NULL, now), 0);
	assert_int_equal(retry_after_ms("-1", NULL, now), 0);
	assert_int_equal(retry_after_ms("7", "1500", now), 1500);
	assert_int_equal(retry_after_ms("7", "x", now), 7000);
}

static void test_retry__waits_are_fully_jittered(void **state)
{
	(void)state;
	int64_t most = 0, least = INT64_MAX;
	for (int i = 0; i < 2000; i++) {
		int64_t ms = aws_jitter_ms(500, 3);
		assert_true(ms >= 0 && ms < 2000);
		if (ms > most)
			most = ms;
		if (ms < least)
			least = ms;
		assert_true(aws_jitter_ms(500, 60) < 20000);
	}
	assert_true(least < 100 && most > 1900);
}

/* --- what is not sent twice --- */

static void test_retry__a_start_that_may_have_happened_is_the_callers(void **state)
{
	(void)state;
	SCRIPT(s, THROTTLED, {503, NULL, "busy"}, BROKEN);
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_int_equal(aws_call(c, &glue_start_job_run, NULL, NULL, &err), -1);
	assert_int_equal(s.at, 3);
	assert_int_equal(err.code, ERR_AMBIGUOUS);
	assert_non_null(strstr(err.hint, "may have started"));
	err_release(&err);
	aws_client_free(c);
	script_release(&s);
}

/* --- clocks --- */

static void test_retry__a_skewed_head_is_signed_anew_for_all(void **state)
{
	(void)state;
	static const char ahead[] = "date: Sat, 21 Nov 2026 10:26:05 GMT";
	SCRIPT(s, {403, ahead, NULL}, {200, ahead, NULL}, {200, NULL, NULL},
		{403, "date: Sat, 21 Nov 2026 10:26:06 GMT", NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_ok(s3_head_bucket(c, "data", NULL, &err), &err);
	assert_non_null(strstr(s.heads.v[0], "X-Amz-Date: 20261121T092605Z"));
	assert_non_null(strstr(s.heads.v[1], "X-Amz-Date: 20261121T102605Z"));
	assert_ok(s3_head_bucket(c, "data", NULL, &err), &err);
	assert_non_null(strstr(s.heads.v[2], "X-Amz-Date: 20261121T102605Z"));
	/* With the right time, no is no. */
	assert_int_equal(s3_head_bucket(c, "data", NULL, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	assert_int_equal(s.at, s.nr);
	err_release(&err);
	aws_client_free(c);
	script_release(&s);
}

/* --- where buckets are --- */

static void test_retry__redirects_of_s3_without_a_region_in_the_head(void **state)
{
	(void)state;
	SCRIPT(s,
		{301, NULL,
			"<Error><Code>PermanentRedirect</Code><Message>m</Message>"
			"<Endpoint>data.s3-us-west-2.amazonaws.com</Endpoint></Error>"},
		{200, NULL, "x"},
		{307, NULL,
			"<Error><Code>TemporaryRedirect</Code><Message>m</Message>"
			"<Endpoint>next.s3.eu-north-1.amazonaws.com</Endpoint></Error>"},
		{200, NULL, "x"},
		/* HEAD has no body: HeadBucket is asked, and its head read whatever its status. */
		{400, NULL, NULL}, {403, "x-amz-bucket-region: sa-east-1", NULL}, {200, NULL, NULL},
		/* Nobody says where it is. */
		{400, NULL, NULL}, {400, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	struct strbuf out = STRBUF_INIT;
	assert_ok(s3_get_object(c, "data", "k", NULL, 0, &out, NULL, &err), &err);
	assert_string_equal(s.sent.v[1], "GET https://data.s3.us-west-2.amazonaws.com/k");
	assert_non_null(strstr(s.heads.v[1], "/us-west-2/s3/aws4_request"));
	assert_ok(s3_get_object(c, "next", "k", NULL, 0, &out, NULL, &err), &err);
	assert_string_equal(s.sent.v[3], "GET https://next.s3.eu-north-1.amazonaws.com/k");
	assert_ok(s3_head_object(c, "third", "k", NULL, NULL, &err), &err);
	assert_string_equal(s.sent.v[5], "HEAD https://third.s3.eu-west-1.amazonaws.com/");
	assert_string_equal(s.sent.v[6], "HEAD https://third.s3.sa-east-1.amazonaws.com/k");
	assert_int_equal(s3_head_object(c, "fourth", "k", NULL, NULL, &err), -1);
	assert_int_equal(s.at, s.nr);
	strbuf_release(&out);
	err_release(&err);
	aws_client_free(c);
	script_release(&s);
}
