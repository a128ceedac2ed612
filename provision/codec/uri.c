#include "uri.h"

#include <stdlib.h>
#include <string.h>
#include "hex.h"

static bool is_alnum(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_unreserved(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void uri_encode(struct strbuf *sb, const char *s, size_t len, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (is_unreserved(s[i]) || (c == '/' && keep_slash)) {
			strbuf_addch(sb, s[i]);
			continue;
		}
		strbuf_addch(sb, '%');
		strbuf_addch(sb, digits[c >> 4]);
		strbuf_addch(sb, digits[c & 15]);
	}
}

int uri_decode(struct strbuf *sb, const char *s, size_t len, bool form, struct err *err)
{
	size_t before = sb->len;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%') {
			if (len - i < 3 || hex_decode(sb, s + i + 1, 2)) {
				strbuf_setlen(sb, before);
				return err_set(err, ERR_INVALID, "broken escape at byte %zu", i);
			}
			i += 2;
		} else {
			strbuf_addch(sb, form && s[i] == '+' ? ' ' : s[i]);
		}
	}
	return 0;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return true;
	return false;
}

/* "host", "host:port", "[::1]:port" */
static int parse_authority(const char *s, size_t len, struct uri *out)
{
	const char *end = s + len, *host_end = s;
	if (len && *s == '[') {
		host_end = memchr(s, ']', len);
		if (!host_end)
			return -1;
		host_end++;
	} else {
		while (host_end < end && *host_end != ':')
			host_end++;
	}
	if (host_end == s)
		return -1;
	if (host_end < end) {
		long long port = 0;
		char *digits = xstrndup(host_end + 1, (size_t)(end - host_end - 1));
		int bad = *host_end != ':' || parse_int64(digits, 1, 65535, &port);
		free(digits);
		if (bad)
			return -1;
		out->port = (int)port;
	}
	out->host = xstrndup(s, (size_t)(host_end - s));
	return 0;
}

static size_t scheme_len(const char *text)
{
	size_t n = 0;
	while (is_alnum(text[n]) || (n && (text[n] == '+' || text[n] == '-' || text[n] == '.')))
		n++;
	return strncmp(text + n, "://", 3) != 0 ? 0 : n;
}

int uri_parse(const char *text, struct uri *out, struct err *err)
{
	struct uri u = URI_INIT;
	size_t n = scheme_len(text);
	if (!n || has_control(text))
		goto bad;
	const char *authority = text + n + 3;
	size_t len = strcspn(authority, "/?#");
	const char *rest = authority + len;
	if (memchr(authority, '@', len)) {
		uri_release(&u);
		return err_set(err, ERR_INVALID, "a URI may not hold a user name or password");
	}
	u.scheme = xstrndup(text, n);
	lower_ascii(u.scheme);
	if (parse_authority(authority, len, &u) || strchr(rest, '#'))
		goto bad;
	size_t path_len = strcspn(rest, "?");
	u.path = path_len ? xstrndup(rest, path_len) : xstrdup("/");
	if (rest[path_len])
		u.query = xstrdup(rest + path_len + 1);
	*out = u;
	return 0;
bad:
	uri_release(&u);
	return err_set(err, ERR_INVALID, "'%s' is no URI", text);
}

void uri_release(struct uri *u)
{
	if (!u)
		return;
	free(u->scheme);
	free(u->host);
	free(u->path);
	free(u->query);
	*u = (struct uri)URI_INIT;
}

int s3_uri_split(const char *uri, char **bucket, char **key, struct err *err)
{
	const char *start = uri + strlen("s3://");
	if (!starts_with(uri, "s3://") || !*start || *start == '/')
		return err_set(err, ERR_INVALID, "'%s' is no s3://bucket/key", uri);
	size_t len = strcspn(start, "/");
	*bucket = xstrndup(start, len);
	*key = xstrdup(start[len] ? start + len + 1 : "");
	return 0;
}
