#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "sigv4.h"
#include "strvec.h"

/* Lines: method, path, query, then "name: value" headers. */
#define MAX_HEADERS 32
#define NOW_MS 1795253165000LL /* 2026-11-21T09:26:05Z */

struct input {
	struct strvec lines;
	struct sigv4_header headers[MAX_HEADERS + 3];
	struct sigv4_request req;
};

static void read_input(struct input *in, const char *text, size_t size)
{
	char *copy = xstrndup(text, size);
	memset(in, 0, sizeof(*in));
	strvec_init(&in->lines);
	strvec_split(&in->lines, copy, '\n');
	free(copy);
	while (in->lines.nr < 3)
		strvec_push(&in->lines, "");
	size_t n = 0;
	for (size_t i = 3; i < in->lines.nr && n < MAX_HEADERS; i++) {
		char *colon = strchr(in->lines.v[i], ':');
		if (!colon)
			continue;
		*colon = '\0';
		in->headers[n++] = (struct sigv4_header){in->lines.v[i], colon + 1};
	}
	in->req = (struct sigv4_request){.method = in->lines.v[0],
		.path = in->lines.v[1],
		.query = in->lines.v[2],
		.headers = in->headers,
		.nr_headers = n,
		.s3 = size % 2};
}

static int verify(const struct sigv4_request *req)
{
	struct sigv4_claim claim = SIGV4_CLAIM_INIT;
	struct err err = ERR_INIT;
	int ret = sigv4_claim_parse(req, &claim, &err);
	if (ret < 0 && !err.name)
		abort();
	if (ret == 1 && (!claim.access_key_id || !claim.signed_headers || !claim.signature))
		abort();
	if (ret == 1)
		ret = sigv4_verify(req, &claim, "secret", NOW_MS, &err) == 0 ? 1 : -1;
	err_release(&err);
	sigv4_claim_release(&claim);
	return ret;
}

/* Headers that can stand in a request next to those that the signer wants. */
static bool is_ordinary(const char *name)
{
	static const char token[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	static const char *const taken[] = {"host", "date", "x-amz-date", "authorization"};
	if (!*name || strspn(name, token) != strlen(name))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (iequals(taken[i], name))
			return false;
	return true;
}

/* What we sign, we accept. */
static void round_trip(struct input *in)
{
	const struct sigv4_keys keys = {"AKID", "secret", NULL};
	struct sigv4_state s = SIGV4_STATE_INIT;
	struct sigv4_scope scope;
	struct strbuf authorization = STRBUF_INIT;
	size_t n = 0;
	sigv4_scope_init(&scope, NOW_MS, "eu-west-1", in->req.s3 ? "s3" : "glue");
	for (size_t i = 0; i < in->req.nr_headers; i++)
		if (is_ordinary(in->headers[i].name))
			in->headers[n++] = in->headers[i];
	in->headers[n++] = (struct sigv4_header){"Host", "h"};
	in->headers[n++] = (struct sigv4_header){"X-Amz-Date", scope.datetime};
	in->req.nr_headers = n;
	sigv4_sign(&s, &in->req, &scope, &keys, &authorization);
	if (verify(&in->req) == 0) { /* its query makes no claim of its own */
		in->headers[n++] = (struct sigv4_header){"Authorization", authorization.buf};
		in->req.nr_headers = n;
		if (verify(&in->req) != 1)
			abort();
	}
	sigv4_state_release(&s);
	strbuf_release(&authorization);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	read_input(&in, (const char *)data, size);
	verify(&in.req);
	round_trip(&in);
	strvec_release(&in.lines);
	return 0;
}
