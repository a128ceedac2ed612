#include "webcall.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "joblog.h"
#include "uri.h"

#define TRANSIENT_BASE_MS 200
#define THROTTLE_BASE_MS 500
#define MAX_DELAY_MS 20000
#define MAX_TIMEOUTS 2
#define MAX_KEY 4096

bool web_is_loopback(const char *host)
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

int web_check_url(
	const char *url, unsigned flags, const char *what, const char *shown, struct err *err)
{
	struct uri uri = URI_INIT;
	struct err why = ERR_INIT;
	int ret = 0;

	if (uri_parse(url, &uri, &why) != 0)
		ret = err_set(err, ERR_USAGE, "%s '%s' cannot be used: %s", what, shown, why.text);
	else if (flags & WEB_URL_PLAIN && (uri.query || strchr(uri.path, '#')))
		ret = err_set(err, ERR_USAGE, "%s '%s' has more than an address", what, shown);
	else if (strcmp(uri.scheme, "http") == 0 && !web_is_loopback(uri.host))
		ret = err_set(err, ERR_USAGE,
			"%s '%s' is not on this machine: it would get the key in the clear; use "
			"https://",
			what, shown);
	else if (strcmp(uri.scheme, "http") != 0 && strcmp(uri.scheme, "https") != 0)
		ret = err_set(err, ERR_USAGE,
			"%s '%s' is no host, host:port, https:// or http:// address", what, shown);
	err_release(&why);
	uri_release(&uri);
	return ret;
}

int web_check_key(const char *key, const char *what, struct err *err)
{
	size_t len = strlen(key);

	for (const char *c = key; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return err_set(err, ERR_USAGE,
				"%s holds a character that no key has (at %zu)", what,
				(size_t)(c - key) + 1);
	if (len == 0 || len > MAX_KEY)
		return err_set(
			err, ERR_USAGE, "%s is %s", what, len ? "too long to be one" : "empty");
	return 0;
}

char *web_presentable(const char *text, const char *const *secrets)
{
	struct strbuf sb = STRBUF_INIT;

	if (!text)
		return NULL;
	strbuf_addstr(&sb, text);
	for (; *secrets; secrets++)
		if (**secrets)
			strbuf_replace(&sb, *secrets, "****");
	for (size_t i = 0; i < sb.len; i++)
		if ((unsigned char)sb.buf[i] < ' ' || sb.buf[i] == 0x7f)
			sb.buf[i] = ' ';
	strbuf_trim(&sb);
	return strbuf_detach(&sb, NULL);
}

char *web_excerpt(const char *text, size_t most, const char *const *secrets)
{
	char *shown = web_presentable(text, secrets), *cut;
	size_t len = most;

	if (!shown || strlen(shown) <= most)
		return shown;
	while (len && ((unsigned char)shown[len] & 0xc0) == 0x80)
		len--;
	cut = xasprintf("%.*s…", (int)len, shown);
	free(shown);
	return cut;
}

enum err_code web_code_of_status(int status)
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

/* --- trying again --- */

int web_wait(const struct clock *clock, int64_t base_ms, int64_t max_ms, unsigned attempt,
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
	if (clock->sleep_ms(clock, delay) != 0)
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

int web_repeat(const struct web_attempts *a, web_once_fn *once, void *payload, struct err *err)
{
	struct err why = ERR_INIT;
	unsigned timeouts = 0;
	int ret;

	for (unsigned attempt = 1;; attempt++) {
		int64_t least = 0;

		err_release(&why);
		ret = once(payload, &least, &why);
		if (ret == 0 || !is_worth_another(&why, &timeouts))
			break;
		if (attempt >= a->max) {
			err_wrap(&why, "after %u attempts", attempt);
			break;
		}
		job_log(JOB_WARN, "again", "attempt=%u error=\"%s\"", attempt, why.text);
		if (web_wait(a->clock,
			    why.code == ERR_THROTTLED ? THROTTLE_BASE_MS : TRANSIENT_BASE_MS,
			    MAX_DELAY_MS, attempt, least, &why) != 0)
			break;
		if (a->repeats)
			atomic_fetch_add(a->repeats, 1);
	}
	if (ret != 0 && why.code == ERR_AMBIGUOUS)
		why.code = ERR_IO;
	if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	return ret;
}
