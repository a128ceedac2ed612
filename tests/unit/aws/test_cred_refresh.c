#include "testing.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "scripted.h"
#include "cred_internal.h"

#define NOW 1795253165000LL
#define MINUTE 60000LL
#define THREADS 16

/* A provider that counts, fails when told to, and notices two threads in it at once. */
struct counting {
	struct cred_provider base;
	_Atomic int fetches, inside;
	_Atomic bool failing;
	int64_t life_ms; /* 0: for ever */
	int64_t takes_us;
	bool forced;
	struct script *script;
};

static int counting_fetch(
	struct cred_provider *base, bool forced, struct aws_keys *out, struct err *err)
{
	struct counting *p = (struct counting *)base;
	assert_int_equal(p->inside++, 0);
	int n = ++p->fetches;
	p->forced = forced;
	if (p->takes_us)
		usleep((useconds_t)p->takes_us);
	if (!p->failing) {
		out->access_key_id = xasprintf("AK%d", n);
		out->secret_access_key = xasprintf("hush%d", n);
		out->expires_ms = p->life_ms ? p->script->now_ms + p->life_ms : 0;
	}
	p->inside--;
	return p->failing ? err_set(err, ERR_DENIED, "no keys today, %d", n) : 0;
}

static void counting_free(struct cred_provider *base)
{
	((struct counting *)base)->base.ctx = NULL;
}

static const struct cred_provider_ops counting_ops = {counting_fetch, counting_free};

struct bench {
	struct script script;
	struct counting provider;
	struct aws_credentials *c;
};

static void bench_init(struct bench *b, int64_t life_ms)
{
	script_init(&b->script, NULL, 0);
	b->provider = (struct counting){.base = {&counting_ops, NULL}, .life_ms = life_ms};
	b->provider.script = &b->script;
	b->c = cred_refreshing(&b->script.clock, &b->provider.base, xstrdup("the bench"));
}

static void bench_release(struct bench *b)
{
	aws_credentials_free(b->c);
	script_release(&b->script);
}

/* The number in the key's id; -1 when there is none. */
static int ask(struct bench *b, struct err *err)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	long long n = -1;
	if (b->c->ops->get(b->c, &keys, err) == 0) {
		assert_true(!keys.expires_ms || keys.expires_ms > b->script.now_ms);
		assert_int_equal(parse_int64(keys.access_key_id + 2, 0, 1000, &n), 0);
	}
	aws_keys_release(&keys);
	return (int)n;
}

static void after(struct bench *b, int64_t ms)
{
	b->script.now_ms += ms;
}

static void test_cred_refresh__before_the_end_and_not_too_early(void **state)
{
	(void)state;
	struct bench b;
	struct err err = ERR_INIT;
	bench_init(&b, 60 * MINUTE);
	assert_int_equal(ask(&b, &err), 1);
	after(&b, 45 * MINUTE);
	assert_int_equal(ask(&b, &err), 1);
	after(&b, 1);
	assert_int_equal(ask(&b, &err), 2);
	after(&b, 61 * MINUTE);
	assert_int_equal(ask(&b, &err), 3);
	bench_release(&b);
	/* Keys that never end are fetched once; keys of a short life not at each call. */
	bench_init(&b, 0);
	ask(&b, &err);
	after(&b, 1000 * 60 * MINUTE);
	assert_int_equal(ask(&b, &err), 1);
	bench_release(&b);
	bench_init(&b, 2 * MINUTE);
	for (int i = 0; i < 30; i++) {
		ask(&b, &err);
		after(&b, MINUTE / 10);
	}
	assert_true(b.provider.fetches > 1 && b.provider.fetches < 5);
	bench_release(&b);
}

static void test_cred_refresh__a_failure_counts_when_the_keys_have_ended(void **state)
{
	(void)state;
	struct bench b;
	struct err err = ERR_INIT;
	bench_init(&b, 60 * MINUTE);
	assert_int_equal(ask(&b, &err), 1);
	b.provider.failing = true;
	after(&b, 46 * MINUTE);
	assert_int_equal(ask(&b, &err), 1);
	assert_int_equal(b.provider.fetches, 2);
	/* Not tried again at once. */
	assert_int_equal(ask(&b, &err), 1);
	assert_int_equal(b.provider.fetches, 2);
	after(&b, 8 * MINUTE);
	assert_int_equal(ask(&b, &err), 1);
	assert_int_equal(b.provider.fetches, 3);
	after(&b, 6 * MINUTE);
	assert_int_equal(ask(&b, &err), -1);
	assert_string_equal(err.text, "no keys today, 4");
	err_release(&err);
	b.provider.failing = false;
	assert_int_equal(ask(&b, &err), 5);
	bench_release(&b);
}

static void test_cred_refresh__expired_when_they_come(void **state)
{
	(void)state;
	struct bench b;
	struct err err = ERR_INIT;
	bench_init(&b, -1);
	assert_int_equal(ask(&b, &err), -1);
	assert_non_null(strstr(err.text, "the bench have expired at 2026-11-21T09:26:04Z"));
	assert_non_null(err.hint);
	err_release(&err);
	bench_release(&b);
}

static void test_cred_refresh__refused_keys(void **state)
{
	(void)state;
	struct bench b;
	struct err err = ERR_INIT;
	bench_init(&b, 60 * MINUTE);
	assert_int_equal(ask(&b, &err), 1);
	assert_false(b.provider.forced);
	assert_true(b.c->ops->expire(b.c, "AK1"));
	assert_int_equal(ask(&b, &err), 2);
	assert_true(b.provider.forced);
	/* Somebody who comes late with the old ones. */
	assert_true(b.c->ops->expire(b.c, "AK1"));
	assert_int_equal(ask(&b, &err), 2);
	/* What AWS refuses is not sent again, whatever its time says. */
	b.provider.failing = true;
	assert_true(b.c->ops->expire(b.c, "AK2"));
	assert_int_equal(ask(&b, &err), -1);
	assert_string_equal(err.text, "no keys today, 3");
	err_release(&err);
	bench_release(&b);
}

struct crowd {
	struct bench b;
	pthread_barrier_t gate;
	_Atomic int got[8], none;
};

static void *one_of_many(void *payload)
{
	struct crowd *crowd = payload;
	struct err err = ERR_INIT;
	pthread_barrier_wait(&crowd->gate);
	int n = ask(&crowd->b, &err);
	if (n < 0)
		crowd->none++;
	else
		crowd->got[n]++;
	err_release(&err);
	return NULL;
}

static void all_ask(struct crowd *crowd)
{
	pthread_t threads[THREADS];
	for (size_t i = 0; i < ARRAY_SIZE(crowd->got); i++)
		crowd->got[i] = 0;
	crowd->none = 0;
	pthread_barrier_init(&crowd->gate, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, crowd), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&crowd->gate);
}

static void test_cred_refresh__once_for_all_threads(void **state)
{
	(void)state;
	struct crowd crowd = {.none = 0};
	bench_init(&crowd.b, 60 * MINUTE);
	crowd.b.provider.takes_us = 30000;
	all_ask(&crowd);
	assert_int_equal(crowd.got[1], THREADS);
	/* Advisory: one renews, the others go on with what lives. */
	after(&crowd.b, 47 * MINUTE);
	all_ask(&crowd);
	assert_int_equal(crowd.b.provider.fetches, 2);
	assert_true(crowd.got[2] >= 1 && crowd.got[1] + crowd.got[2] == THREADS);
	/* Mandatory: all wait for the one. */
	after(&crowd.b, 52 * MINUTE);
	all_ask(&crowd);
	assert_int_equal(crowd.got[3], THREADS);
	/* A failure is everybody's, and the provider is not asked by each of them. */
	crowd.b.provider.failing = true;
	after(&crowd.b, 90 * MINUTE);
	all_ask(&crowd);
	assert_int_equal(crowd.none, THREADS);
	assert_true(crowd.b.provider.fetches < 3 + THREADS);
	bench_release(&crowd.b);
}
