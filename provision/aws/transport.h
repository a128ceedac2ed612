#ifndef TRANSPORT_H
#define TRANSPORT_H

/*
 * One HTTP exchange, behind a table so that tests pass a scripted one. The libcurl transport keeps connections per
 * `worker` slot and reuses them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "strbuf.h"
#include "strvec.h"

/* Gives the next bytes of a body being sent; 0 at its end, -1. Rewound by `rewind` before a retry. */
struct http_source {
	ssize_t (*read)(void *payload, void *buf, size_t len, struct err *err);
	int (*rewind)(void *payload, struct err *err);
	void *payload;
	int64_t size; /* -1: unknown, chunked transfer */
};

/* Takes the bytes of a 2xx body; error bodies always go to `body`. `begin` comes before the first byte of each attempt. */
struct http_sink {
	int (*begin)(void *payload, int status, const struct strvec *headers,
		struct err *err); /* may be NULL */
	int (*write)(void *payload, const void *data, size_t len, struct err *err);
	void *payload;
};

struct http_request {
	const char *method;
	const char *url;
	struct strvec headers; /* "Name: value" */
	const void *body;      /* borrowed; or `source` */
	size_t body_len;
	const struct http_source *source;
	const struct http_sink *sink; /* NULL: the body goes to the reply */
	size_t max_reply_bytes;       /* 0: 64 MiB */
	int64_t connect_timeout_ms,
		timeout_ms;    /* timeout: no byte for that long; 0: 10 s and 60 s */
	bool follow_redirects; /* plain downloads only */
	bool once; /* a body that was sent is not sent again, not even over a new connection for one that died */
	bool direct;        /* never through a proxy: link-local addresses */
	bool interruptible; /* a signal ends it, ERR_INTERRUPTED: for what may be left at any point */
};
#define HTTP_REQUEST_INIT              \
	{                              \
		.headers = STRVEC_INIT \
	}
void http_request_release(struct http_request *r);

struct http_reply {
	int status;
	struct strvec headers; /* "name: value", names in lower case */
	struct strbuf body;
};
#define HTTP_REPLY_INIT                     \
	{                                   \
		0, STRVEC_INIT, STRBUF_INIT \
	}
void http_reply_release(struct http_reply *r);
void http_reply_clear(struct http_reply *r);
/* NULL when missing; borrowed. */
const char *http_reply_header(const struct http_reply *r, const char *name);
const char *http_headers_get(const struct strvec *headers, const char *name);

struct http_transport;
struct http_transport_ops {
	/* ERR_IO: nothing was sent for sure (could not connect, name unknown); ERR_AMBIGUOUS: it may have arrived;
	 * ERR_TIMEOUT: it was sent, no answer in time. An HTTP status of any kind is success. */
	int (*perform)(struct http_transport *t, const struct http_request *req,
		struct http_reply *reply, struct err *err);
	void (*free)(struct http_transport *t);
};
struct http_transport {
	const struct http_transport_ops *ops;
	void *impl;
};

/* A proxy without its password, which is handed on apart and shown nowhere. */
struct http_proxy {
	char *url, *place;     /* "http://proxy:3128" and "proxy:3128"; NULL: none */
	char *user, *password; /* decoded; NULL: none */
	const char *origin;    /* "HTTPS_PROXY"; static */
};
struct http_proxies {
	struct http_proxy http, https; /* by the scheme of the request */
	char *none;                    /* hosts that are reached directly, comma separated; NULL */
};
#define HTTP_PROXIES_INIT    \
	{                    \
		.none = NULL \
	}
/* http_proxy, https_proxy, all_proxy and no_proxy; the lower-case one wins, as it does in the AWS CLI. */
int http_proxies_from_environment(struct http_proxies *p, struct err *err) must_check;
void http_proxies_release(struct http_proxies *p);

struct http_options {
	const char *ca_bundle;              /* file or folder of PEM; NULL: the system's */
	const struct http_proxies *proxies; /* copied; NULL: none */
};
/* libcurl; any number of threads. A loopback address is never asked for through a proxy. */
struct http_transport *http_transport_curl_with(
	const struct http_options *opts, struct err *err) must_check;
/* With AWS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE, and the environment's proxies. */
struct http_transport *http_transport_curl(struct err *err) must_check;
void http_transport_free(struct http_transport *t);

#endif
