#ifndef WEBCALL_H
#define WEBCALL_H

/* What the clients of others' HTTP services share: which addresses may get a key, how one is kept out of texts, and trying again. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "clock.h"
#include "err.h"
#include "transport.h"

/* localhost, 127.0.0.0/8, ::1 (also in brackets). */
bool web_is_loopback(const char *host);

enum web_url_flags {
	WEB_URL_PLAIN = 1 << 0, /* neither query nor fragment */
};
/* https, or http on this machine, for nothing goes over a network in the clear. `what` begins the message ("the API's host"), and
 * `shown` is what was given. ERR_USAGE. */
int web_check_url(const char *url, unsigned flags, const char *what, const char *shown,
	struct err *err) must_check;
/* Printable ASCII, neither empty nor too long: ERR_USAGE. `what` begins the message ("the Exabel API key"). */
int web_check_key(const char *key, const char *what, struct err *err) must_check;
/* A text of the service's, fit to be shown: one line, and without the secrets (NULL-terminated). Malloc'd; NULL gives NULL. */
char *web_presentable(const char *text, const char *const *secrets);
/* As above, cut after so many bytes. */
char *web_excerpt(const char *text, size_t most, const char *const *secrets);
enum err_code web_code_of_status(int status);

/* Waits base_ms * 2^(attempt - 1), at most max_ms, by full jitter, at least least_ms. ERR_INTERRUPTED. */
int web_wait(const struct clock *clock, int64_t base_ms, int64_t max_ms, unsigned attempt,
	int64_t least_ms, struct err *err) must_check;

/* One attempt. On failure *least_ms is what the service wants waited (Retry-After), 0 where it tells nothing. */
typedef int web_once_fn(void *payload, int64_t *least_ms, struct err *err);
struct web_attempts {
	const struct clock *clock;
	unsigned max;
	_Atomic uint64_t *repeats; /* counted; NULL: not */
};
/*
 *   once -> 0 ----------------------------------------------------------> done
 *        -> ERR_THROTTLED, ERR_TRANSIENT, ERR_IO, ERR_AMBIGUOUS -> wait -> once
 *        -> ERR_TIMEOUT -> wait, once ----------------------------------> once
 *        -> another ----------------------------------------------------> error
 *
 * What is called this way may be sent twice. An ERR_AMBIGUOUS at the end is ERR_IO.
 */
int web_repeat(
	const struct web_attempts *a, web_once_fn *once, void *payload, struct err *err) must_check;

#endif
