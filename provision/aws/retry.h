#ifndef RETRY_H
#define RETRY_H

/*
 * When a client may try again ("Retry behavior" in the AWS SDKs and Tools Reference Guide): a quota that retries are
 * paid from, so that a service that is down is not hammered, and the pace that "adaptive" keeps.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum retry_mode {
	RETRY_MODE_STANDARD,
	RETRY_MODE_LEGACY, /* no quota */
	RETRY_MODE_ADAPTIVE, /* standard, and requests are sent no faster than the service takes them */
};

#define RETRY_QUOTA_TOKENS 500
#define RETRY_COST 5
#define RETRY_COST_TIMEOUT 10
#define RETRY_REFUND \
	1 /* for a success at the first attempt; a later one gives back what its last retry cost */

/* Any thread. */
struct retry_quota {
	pthread_mutex_t lock;
	int tokens;
	/* Held by the one call that tries again without having paid. */
	pthread_mutex_t turn;
};
void retry_quota_init(struct retry_quota *q);
void retry_quota_release(struct retry_quota *q);
bool retry_quota_take(struct retry_quota *q, int cost);
void retry_quota_give(struct retry_quota *q, int tokens);

/* A token bucket whose rate follows CUBIC: down to 0.7 at a throttle, then back up. Idle until the first throttle. */
struct retry_pace {
	pthread_mutex_t lock;
	bool enabled;
	double rate, most, tokens; /* a second; burst; may be below 0: reserved ahead */
	double measured, last_rate, window_s;
	int64_t filled_ms, counted_ms, throttled_ms;
	unsigned count;
};
void retry_pace_init(struct retry_pace *p);
void retry_pace_release(struct retry_pace *p);
/* Reserves one request and returns how long to wait before it, in milliseconds. */
int64_t retry_pace_reserve(struct retry_pace *p, int64_t now_ms);
void retry_pace_note(struct retry_pace *p, int64_t now_ms, bool throttled);

/* "Retry-After" as seconds or as a date, or "x-amz-retry-after" in milliseconds; either may be NULL. 0 where there is
 * nothing to be understood; never more than a minute. */
int64_t retry_after_ms(const char *retry_after, const char *amz_retry_after, int64_t now_ms);

#endif
