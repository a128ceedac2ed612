#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "awschunked.h"

static int decode(const char *kind, const struct sigv4_claim *claim, const uint8_t *data,
	size_t size, size_t piece, struct strbuf *out)
{
	struct awschunked *d = awschunked_new(kind, claim, claim ? "secret" : NULL);
	struct strbuf trailers = STRBUF_INIT;
	struct err err = ERR_INIT;
	int ret = 0;
	for (size_t at = 0; ret == 0 && at < size; at += piece)
		ret = awschunked_feed(
			d, data + at, size - at < piece ? size - at : piece, out, &err);
	if (ret == 0)
		ret = awschunked_finish(d, &trailers, &err);
	if (ret < 0 && !err.name)
		abort();
	awschunked_free(d);
	strbuf_release(&trailers);
	err_release(&err);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char region[] = "eu-west-1", service[] = "s3", signature[] = SIGV4_EMPTY_SHA256;
	const struct sigv4_claim claim = {.region = region,
		.service = service,
		.signature = signature,
		.date = "20261121",
		.datetime = "20261121T092605Z"};
	struct strbuf whole = STRBUF_INIT, bytes = STRBUF_INIT;
	/* However it comes, it is the same body. */
	int a = decode(SIGV4_UNSIGNED_TRAILER, NULL, data, size, size + 1, &whole);
	int b = decode(SIGV4_UNSIGNED_TRAILER, NULL, data, size, 1, &bytes);
	if (a != b || whole.len > size ||
		(a == 0 &&
			(whole.len != bytes.len || memcmp(whole.buf, bytes.buf, whole.len) != 0)))
		abort();
	strbuf_clear(&whole);
	decode(SIGV4_STREAMING, &claim, data, size, 7, &whole);
	decode(SIGV4_STREAMING_TRAILER, &claim, data, size, 64, &whole);
	strbuf_release(&whole);
	strbuf_release(&bytes);
	return 0;
}
