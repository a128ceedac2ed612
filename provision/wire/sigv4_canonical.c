/* The first stage of SigV4: the canonical request ("Create a canonical request" in the IAM User Guide). */
#include "sigv4.h"
#include "sigv4_internal.h"
#include "uri.h"

struct canonical_pair {
	struct strbuf name, value;
};

struct canonical_header {
	char *name; /* lower case */
	const char *value;
	size_t place; /* in the request: equal names keep their order */
};

/* What proxies change, and hop-by-hop headers. Sorted. */
static const char *const unsigned_headers[] = {
	"authorization",
	"connection",
	"expect",
	"keep-alive",
	"proxy-authenticate",
	"proxy-authorization",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
	"user-agent",
	"x-amzn-trace-id",
};

static bool is_unsigned(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(unsigned_headers); i++)
		if (!strcmp(unsigned_headers[i], name))
			return true;
	return false;
}

/* Decoded where it can be, then encoded once: "%7e", "~" and "%7E" are one path. */
static void add_recoded(struct strbuf *out, const char *s, size_t len, bool keep_slash, bool form)
{
	struct strbuf raw = STRBUF_INIT;
	if (uri_decode(&raw, s, len, form, NULL) == 0) {
		uri_encode(out, raw.buf, raw.len, keep_slash);
	} else {
		uri_encode(out, s, len, keep_slash);
	}
	strbuf_release(&raw);
}

/* Dot segments and empty segments go, as AWS has it (RFC 3986, 5.2.4, and consecutive slashes). */
static void add_normalized(struct strbuf *out, const char *path)
{
	size_t start = out->len;
	const char *p = path;
	if (*p == '/')
		strbuf_addch(out, '/');
	size_t root = out->len;
	while (*p) {
		size_t n = strcspn(p, "/");
		if (n == 2 && !strncmp(p, "..", 2)) {
			while (out->len > root && out->buf[out->len - 1] != '/')
				strbuf_setlen(out, out->len - 1);
			if (out->len > root)
				strbuf_setlen(out, out->len - 1);
		} else if (n && !(n == 1 && *p == '.')) {
			if (out->len > root)
				strbuf_addch(out, '/');
			strbuf_add(out, p, n);
		}
		p += n;
		if (*p == '/')
			p++;
	}
	size_t len = strlen(path);
	if (out->len > root && len && path[len - 1] == '/')
		strbuf_addch(out, '/');
	if (out->len == start)
		strbuf_addch(out, '/');
}

static void add_canonical_path(struct strbuf *out, const struct sigv4_request *req)
{
	const char *path = req->path && *req->path ? req->path : "/";
	if (req->s3) {
		add_recoded(out, path, strlen(path), true, false);
		return;
	}
	struct strbuf plain = STRBUF_INIT;
	if (req->no_normalize) {
		strbuf_addstr(&plain, path);
	} else {
		add_normalized(&plain, path);
	}
	uri_encode(out, plain.buf, plain.len, true);
	strbuf_release(&plain);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct canonical_pair *x = a, *y = b;
	int order = strcmp(x->name.buf, y->name.buf);
	return order ? order : strcmp(x->value.buf, y->value.buf);
}

void sigv4_add_canonical_query(struct strbuf *out, const char *query, const char *skip)
{
	struct canonical_pair *pairs = NULL;
	size_t nr = 0, alloc = 0;
	for (const char *p = query ? query : ""; *p;) {
		size_t len = strcspn(p, "&");
		const char *eq = memchr(p, '=', len);
		size_t name_len = eq ? (size_t)(eq - p) : len;
		if (len) {
			ALLOC_GROW(pairs, nr, alloc);
			struct canonical_pair *pair = &pairs[nr];
			strbuf_init(&pair->name);
			strbuf_init(&pair->value);
			add_recoded(&pair->name, p, name_len, false, true);
			if (eq)
				add_recoded(&pair->value, eq + 1, len - name_len - 1, false, true);
			if (skip && !strcmp(pair->name.buf, skip)) {
				strbuf_release(&pair->name);
				strbuf_release(&pair->value);
			} else {
				nr++;
			}
		}
		p += len;
		if (*p == '&')
			p++;
	}
	if (nr)
		qsort(pairs, nr, sizeof(*pairs), compare_pairs);
	for (size_t i = 0; i < nr; i++) {
		if (i)
			strbuf_addch(out, '&');
		strbuf_add(out, pairs[i].name.buf, pairs[i].name.len);
		strbuf_addch(out, '=');
		strbuf_add(out, pairs[i].value.buf, pairs[i].value.len);
		strbuf_release(&pairs[i].name);
		strbuf_release(&pairs[i].value);
	}
	free(pairs);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

/* Outer blanks go, inner runs become one. */
static void add_header_value(struct strbuf *out, const char *value)
{
	size_t start = out->len;
	for (const char *p = value; *p;) {
		while (*p && is_blank(*p))
			p++;
		const char *word = p;
		while (*p && !is_blank(*p))
			p++;
		if (p == word)
			break;
		if (out->len > start)
			strbuf_addch(out, ' ');
		strbuf_add(out, word, (size_t)(p - word));
	}
}

static int compare_headers(const void *a, const void *b)
{
	const struct canonical_header *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	if (order)
		return order;
	return x->place < y->place ? -1 : x->place > y->place;
}

static void add_one_header(
	struct sigv4_state *s, const char *name, const struct canonical_header *headers, size_t nr)
{
	struct strbuf *out = &s->canonical_request;
	bool first = true;
	strbuf_addstr(out, name);
	strbuf_addch(out, ':');
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(headers[i].name, name) != 0)
			continue;
		if (!first)
			strbuf_addch(out, ',');
		first = false;
		add_header_value(out, headers[i].value);
	}
	strbuf_addch(out, '\n');
	if (s->signed_headers.len)
		strbuf_addch(&s->signed_headers, ';');
	strbuf_addstr(&s->signed_headers, name);
}

static void add_canonical_headers(
	struct sigv4_state *s, const struct sigv4_request *req, const char *const *only)
{
	size_t nr = 0;
	struct canonical_header *headers = xcalloc(req->nr_headers + 1, sizeof(*headers));
	for (size_t i = 0; i < req->nr_headers; i++) {
		char *name = xstrdup(req->headers[i].name);
		lower_ascii(name);
		if (!only && is_unsigned(name)) {
			free(name);
			continue;
		}
		headers[nr] = (struct canonical_header){name, req->headers[i].value, i};
		nr++;
	}
	qsort(headers, nr, sizeof(*headers), compare_headers);
	for (size_t i = 0; only && only[i]; i++)
		add_one_header(s, only[i], headers, nr);
	for (size_t i = 0; !only && i < nr; i++)
		if (!i || strcmp(headers[i].name, headers[i - 1].name) != 0)
			add_one_header(s, headers[i].name, headers, nr);
	for (size_t i = 0; i < nr; i++)
		free(headers[i].name);
	free(headers);
}

void sigv4_canonical(struct sigv4_state *s, const struct sigv4_request *req,
	const char *const *only, const char *skip_query)
{
	struct strbuf *out = &s->canonical_request;
	strbuf_clear(out);
	strbuf_clear(&s->signed_headers);
	strbuf_addstr(out, req->method);
	strbuf_addch(out, '\n');
	add_canonical_path(out, req);
	strbuf_addch(out, '\n');
	sigv4_add_canonical_query(out, req->query, skip_query);
	strbuf_addch(out, '\n');
	add_canonical_headers(s, req, only);
	strbuf_addch(out, '\n');
	strbuf_add(out, s->signed_headers.buf, s->signed_headers.len);
	strbuf_addch(out, '\n');
	strbuf_addstr(out, req->payload_hash ? req->payload_hash : SIGV4_EMPTY_SHA256);
}

void sigv4_canonical_request(
	struct sigv4_state *s, const struct sigv4_request *req, const char *const *only)
{
	sigv4_canonical(s, req, only, NULL);
}
