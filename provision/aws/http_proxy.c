/* Proxies from the environment, as the AWS CLI reads it. */
#include "transport.h"
#include "uri.h"

void http_proxies_release(struct http_proxies *p)
{
	struct http_proxy *both[] = {&p->http, &p->https};
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		if (both[i]->password)
			wipe(both[i]->password, strlen(both[i]->password));
		free(both[i]->url);
		free(both[i]->place);
		free(both[i]->user);
		free(both[i]->password);
	}
	free(p->none);
	*p = (struct http_proxies)HTTP_PROXIES_INIT;
}

static const char *either(const char *lower, const char *upper, const char **origin)
{
	const char *value = getenv(lower);
	*origin = lower;
	if (!value) {
		value = getenv(upper);
		*origin = upper;
	}
	return value && *value ? value : NULL;
}

static char *decode(const char *text, size_t len)
{
	struct strbuf out = STRBUF_INIT;
	if (uri_decode(&out, text, len, false, NULL) < 0)
		strbuf_add(&out, text, len);
	return strbuf_detach(&out, NULL);
}

static void take_user(struct http_proxy *p, const char *info, size_t len)
{
	const char *colon = memchr(info, ':', len);
	size_t name = colon ? (size_t)(colon - info) : len;
	p->user = decode(info, name);
	if (colon)
		p->password = decode(colon + 1, len - name - 1);
}

/* "[scheme://][user[:password]@]host[:port][/]"; what is wrong is told without the part that is secret. */
static int parse_proxy(struct http_proxy *p, const char *text, const char *origin, struct err *err)
{
	static const char *const schemes[] = {
		"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
	const char *rest = strstr(text, "://");
	char *scheme = rest ? xstrndup(text, (size_t)(rest - text)) : xstrdup("http");
	bool known = false;
	rest = rest ? rest + 3 : text;
	size_t len = strcspn(rest, "/?#");
	/* No path, then, but a password with such a character, which would be told as the place. */
	bool cut = strchr(rest + len, '@');
	const char *at = memrchr(rest, '@', len);
	if (at) {
		take_user(p, rest, (size_t)(at - rest));
		len -= (size_t)(at + 1 - rest);
		rest = at + 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		known = known || iequals(scheme, schemes[i]);
	p->origin = origin;
	p->place = xstrndup(rest, len);
	p->url = xasprintf("%s://%s", scheme, p->place);
	free(scheme);
	if (!cut && known && len && strcspn(p->place, " \t\"<>\\^`{}|") == len)
		return 0;
	return err_set(err, ERR_USAGE,
		"%s: a proxy is http://[USER:PASSWORD@]HOST[:PORT], and that is not one", origin);
}

int http_proxies_from_environment(struct http_proxies *p, struct err *err)
{
	const char *origin, *all_origin, *ignored;
	const char *all = either("all_proxy", "ALL_PROXY", &all_origin);
	const char *http = either("http_proxy", "HTTP_PROXY", &origin);
	if ((http || all) &&
		parse_proxy(&p->http, http ? http : all, http ? origin : all_origin, err) < 0)
		return -1;
	const char *https = either("https_proxy", "HTTPS_PROXY", &origin);
	if ((https || all) &&
		parse_proxy(&p->https, https ? https : all, https ? origin : all_origin, err) < 0)
		return -1;
	p->none = xstrdup(either("no_proxy", "NO_PROXY", &ignored));
	return 0;
}
