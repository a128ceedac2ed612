/*
 * Keys that end, kept and renewed once for all threads. What a thread that wants keys finds:
 *
 *   plenty of time left ---------------------------------------> they are given
 *   less than ADVISORY_MS, nobody renews ----------------------> it renews
 *   less than ADVISORY_MS, somebody renews --------------------> they are given
 *   less than MANDATORY_MS (or none, or AWS refused them), ----> it waits, and then sees what came of it
 *   somebody renews
 *
 * A failure to renew is no failure while the old keys live; it is tried again after a while. Once they have ended it
 * is everybody's who waited. Expired keys are never given. One thread at a time is in the provider (`renewing`);
 * the lock is not held meanwhile.
 */
#include <pthread.h>
#include "cred_internal.h"
#include "log.h"

#define ADVISORY_MS (15 * 60 * 1000)
#define MANDATORY_MS (10 * 60 * 1000)
/* Keys that live for less than this are renewed in the last half and third of their life, rather than at each call. */
#define SHORT_LIFE_MS (2 * (int64_t)ADVISORY_MS)
#define MAX_PAUSE_MS (60 * 1000)

struct refreshing {
	const struct clock *clock;
	struct cred_provider *provider;
	pthread_mutex_t lock;
	pthread_cond_t done;
	/* all below under lock */
	struct aws_keys keys;  /* access_key_id NULL: none yet */
	int64_t life_ms;       /* what they had left when they came */
	int64_t not_before_ms; /* after a failure that was none */
	bool renewing, refused;
	uint64_t rounds; /* renewals that have ended */
	struct err last; /* of the last one; code ERR_NONE: it went well */
};

static int64_t window_ms(const struct refreshing *r, bool mandatory)
{
	if (r->life_ms >= SHORT_LIFE_MS)
		return mandatory ? MANDATORY_MS : ADVISORY_MS;
	return r->life_ms / (mandatory ? 3 : 2);
}

enum need { NEED_NONE, NEED_SOON, NEED_NOW };

static enum need need_of(const struct refreshing *r)
{
	if (!r->keys.access_key_id || r->refused)
		return NEED_NOW;
	if (!r->keys.expires_ms)
		return NEED_NONE;
	int64_t now = r->clock->now_ms(r->clock), left = r->keys.expires_ms - now;
	if (left <= 0)
		return NEED_NOW;
	if (left >= window_ms(r, false) || now < r->not_before_ms)
		return NEED_NONE;
	return left < window_ms(r, true) ? NEED_NOW : NEED_SOON;
}

static bool usable(const struct refreshing *r)
{
	return r->keys.access_key_id && !r->refused &&
	       (!r->keys.expires_ms || r->keys.expires_ms > r->clock->now_ms(r->clock));
}

static void take_keys(struct refreshing *r, struct aws_keys *keys)
{
	aws_keys_release(&r->keys);
	r->keys = *keys;
	*keys = (struct aws_keys)AWS_KEYS_INIT;
	r->life_ms = r->keys.expires_ms - r->clock->now_ms(r->clock);
	r->refused = false;
	r->not_before_ms = 0;
}

/* Under the lock, which is let go while the provider works. */
static void renew(struct refreshing *r, const char *source)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	struct err why = ERR_INIT;
	bool forced = r->refused;
	r->renewing = true;
	pthread_mutex_unlock(&r->lock);
	int ret = r->provider->ops->fetch(r->provider, forced, &keys, &why);
	if (ret == 0 && keys.expires_ms && keys.expires_ms <= r->clock->now_ms(r->clock)) {
		struct strbuf at = STRBUF_INIT;
		clock_add_iso(&at, keys.expires_ms, false);
		ret = err_set(
			&why, ERR_DENIED, "the keys of %s have expired at %s", source, at.buf);
		err_hint(&why, "sign in again, or set new ones; is this machine's clock right?");
		strbuf_release(&at);
	}
	pthread_mutex_lock(&r->lock);
	if (ret == 0) {
		take_keys(r, &keys);
	} else if (usable(r)) {
		int64_t left = r->keys.expires_ms - r->clock->now_ms(r->clock);
		int64_t pause = left / 4 < MAX_PAUSE_MS ? left / 4 : MAX_PAUSE_MS;
		r->not_before_ms = r->clock->now_ms(r->clock) + pause;
		log_verbose("the keys of %s are not renewed yet: %s", source, why.text);
	}
	err_move(&r->last, &why);
	r->renewing = false;
	r->rounds++;
	pthread_cond_broadcast(&r->done);
	aws_keys_release(&keys);
	err_release(&why);
}

static int refreshing_get(struct aws_credentials *c, struct aws_keys *out, struct err *err)
{
	struct refreshing *r = c->impl;
	int ret = 0;
	pthread_mutex_lock(&r->lock);
	for (;;) {
		enum need need = need_of(r);
		if (need == NEED_NONE || (need == NEED_SOON && r->renewing))
			break;
		if (!r->renewing) {
			renew(r, c->source);
			break;
		}
		uint64_t round = r->rounds;
		while (r->rounds == round)
			pthread_cond_wait(&r->done, &r->lock);
		if (r->last.code != ERR_NONE)
			break;
	}
	if (usable(r)) {
		aws_keys_copy(out, &r->keys);
	} else {
		ret = -1;
		if (r->last.code != ERR_NONE)
			err_copy(err, &r->last);
		else
			err_set(err, ERR_DENIED, "the keys of %s have expired", c->source);
	}
	pthread_mutex_unlock(&r->lock);
	return ret;
}

/* Threads come one after the other with the same refused keys: only those that are still kept count. */
static bool refreshing_expire(struct aws_credentials *c, const char *access_key_id)
{
	struct refreshing *r = c->impl;
	pthread_mutex_lock(&r->lock);
	if (r->keys.access_key_id && !strcmp(r->keys.access_key_id, access_key_id))
		r->refused = true;
	pthread_mutex_unlock(&r->lock);
	return true;
}

static void refreshing_free(struct aws_credentials *c)
{
	struct refreshing *r = c->impl;
	cred_provider_free(r->provider);
	aws_keys_release(&r->keys);
	err_release(&r->last);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->done);
	free(r);
}

static const struct aws_credentials_ops refreshing_ops = {
	.get = refreshing_get, .expire = refreshing_expire, .free = refreshing_free};

struct aws_credentials *cred_refreshing(
	const struct clock *clock, struct cred_provider *provider, char *source)
{
	struct refreshing *r = xcalloc(1, sizeof(*r));
	r->clock = clock;
	r->provider = provider;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->done, NULL);
	return cred_new(&refreshing_ops, source, r);
}

void cred_refreshing_seed(struct aws_credentials *c, struct aws_keys *keys)
{
	take_keys(c->impl, keys);
}
