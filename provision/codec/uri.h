#ifndef URI_H
#define URI_H

/* RFC 3986 pieces as AWS uses them: unreserved bytes stay, all others are %XX in upper case. */
#include <stdbool.h>
#include <stddef.h>
#include "err.h"
#include "strbuf.h"

void uri_encode(struct strbuf *sb, const char *s, size_t len, bool keep_slash);
/* %XX decoded; '+' becomes a blank when `form`. -1 (ERR_INVALID) on a broken escape. */
int uri_decode(struct strbuf *sb, const char *s, size_t len, bool form, struct err *err) must_check;

/* scheme://[user@]host[:port][/path][?query]; members malloc'd; user info is refused. */
struct uri {
	char *scheme, *host, *path,
		*query; /* path at least "/", query NULL when there is none; both still encoded */
	int port;       /* 0: none given */
};
#define URI_INIT  \
	{         \
		0 \
	}
int uri_parse(const char *text, struct uri *out, struct err *err) must_check;
void uri_release(struct uri *u);

/* "s3://bucket/key" in two; key may be empty. Malloc'd, caller's. ERR_INVALID for anything else. */
int s3_uri_split(const char *uri, char **bucket, char **key, struct err *err) must_check;

#endif
