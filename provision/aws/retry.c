#include "retry.h"
#include <math.h>
#include "clock.h"
#include "strbuf.h"

#define MAX_RETRY_AFTER_MS 60000
/* The constants of the SDKs' specification. */
#define BETA 0.7
#define CUBIC_SCALE 0.4
#define SMOOTH 0.8
#define MIN_RATE 0.5
#define COUNT_MS 500

void retry_quota_init(struct retry_quota *q)
{
	pthread_mutex_init(&q->lock, NULL);
	pthread_mutex_init(&q->turn, NULL);
	q->tokens = RETRY_QUOTA_TOKENS;
}

void retry_quota_release(struct retry_quota *q)
{
	pthread_mutex_destroy(&q->lock);
	pthread_mutex_destroy(&q->turn);
}

bool retry_quota_take(struct retry_quota *q, int cost)
{
	pthread_mutex_lock(&q->lock);
	bool enough = q->tokens >= cost;
	if (enough)
		q->tokens -= cost;
	pthread_mutex_unlock(&q->lock);
	return enough;
}

void retry_quota_give(struct retry_quota *q, int tokens)
{
	pthread_mutex_lock(&q->lock);
	q->tokens += tokens;
	if (q->tokens > RETRY_QUOTA_TOKENS)
		q->tokens = RETRY_QUOTA_TOKENS;
	pthread_mutex_unlock(&q->lock);
}

/* --- pace --- */

void retry_pace_init(struct retry_pace *p)
{
	*p = (struct retry_pace){.enabled = false};
	pthread_mutex_init(&p->lock, NULL);
}

void retry_pace_release(struct retry_pace *p)
{
	pthread_mutex_destroy(&p->lock);
}

static void refill(struct retry_pace *p, int64_t now_ms)
{
	if (now_ms > p->filled_ms)
		p->tokens += (double)(now_ms - p->filled_ms) / 1000 * p->rate;
	if (p->tokens > p->most)
		p->tokens = p->most;
	p->filled_ms = now_ms;
}

int64_t retry_pace_reserve(struct retry_pace *p, int64_t now_ms)
{
	int64_t wait_ms = 0;
	pthread_mutex_lock(&p->lock);
	if (p->enabled) {
		refill(p, now_ms);
		p->tokens -= 1;
		if (p->tokens < 0)
			wait_ms = (int64_t)ceil(-p->tokens / p->rate * 1000);
	}
	pthread_mutex_unlock(&p->lock);
	return wait_ms;
}

static void measure(struct retry_pace *p, int64_t now_ms)
{
	if (!p->counted_ms)
		p->counted_ms = now_ms;
	p->count++;
	int64_t passed = now_ms - p->counted_ms;
	if (passed < COUNT_MS)
		return;
	p->measured = p->count * 1000.0 / (double)passed * SMOOTH + p->measured * (1 - SMOOTH);
	p->count = 0;
	p->counted_ms = now_ms;
}

void retry_pace_note(struct retry_pace *p, int64_t now_ms, bool throttled)
{
	double rate;
	pthread_mutex_lock(&p->lock);
	measure(p, now_ms);
	if (throttled) {
		double used = p->measured;
		if (p->enabled && p->rate < used)
			used = p->rate;
		p->last_rate = used;
		p->window_s = cbrt(used * (1 - BETA) / CUBIC_SCALE);
		p->throttled_ms = now_ms;
		p->enabled = true;
		rate = used * BETA;
	} else {
		double since = (double)(now_ms - p->throttled_ms) / 1000 - p->window_s;
		rate = CUBIC_SCALE * since * since * since + p->last_rate;
	}
	if (p->enabled) {
		if (rate > 2 * p->measured)
			rate = 2 * p->measured;
		refill(p, now_ms);
		p->rate = rate > MIN_RATE ? rate : MIN_RATE;
		p->most = p->rate > 1 ? p->rate : 1;
		if (p->tokens > p->most)
			p->tokens = p->most;
	}
	pthread_mutex_unlock(&p->lock);
}

/* --- what the service asks for --- */

int64_t retry_after_ms(const char *retry_after, const char *amz_retry_after, int64_t now_ms)
{
	long long n = 0;
	int64_t at = 0;
	if (amz_retry_after && parse_int64(amz_retry_after, 0, INT64_MAX, &n) == 0)
		;
	else if (retry_after && parse_int64(retry_after, 0, INT64_MAX / 1000, &n) == 0)
		n *= 1000;
	else if (retry_after && clock_parse(retry_after, &at) == 0 && at > now_ms)
		n = at - now_ms;
	else
		n = 0;
	return n < MAX_RETRY_AFTER_MS ? n : MAX_RETRY_AFTER_MS;
}
