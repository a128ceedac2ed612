/* Requests and replies, whatever carries them. */
#include "transport.h"

void http_request_release(struct http_request *r)
{
	for (size_t i = 0; i < r->headers.nr; i++)
		wipe(r->headers.v[i], strlen(r->headers.v[i]));
	strvec_release(&r->headers);
}

void http_reply_release(struct http_reply *r)
{
	strvec_release(&r->headers);
	strbuf_release(&r->body);
	r->status = 0;
}

void http_reply_clear(struct http_reply *r)
{
	strvec_clear(&r->headers);
	strbuf_clear(&r->body);
	r->status = 0;
}

const char *http_headers_get(const struct strvec *headers, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < headers->nr; i++) {
		const char *line = headers->v[i];
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		return line + strspn(line, " \t");
	}
	return NULL;
}

const char *http_reply_header(const struct http_reply *r, const char *name)
{
	return http_headers_get(&r->headers, name);
}

void http_transport_free(struct http_transport *t)
{
	if (!t)
		return;
	t->ops->free(t);
	free(t);
}
