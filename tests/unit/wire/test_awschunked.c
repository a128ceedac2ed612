#include "testing.h"
#include "awschunked.h"

/* The worked examples of the S3 API Reference: 66560 bytes of 'a' in chunks of 64 KiB. */
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define PLAIN_SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define TRAILER_SEED "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"

static void example_claim(struct sigv4_claim *claim, const char *seed)
{
	*claim = (struct sigv4_claim){.region = xstrdup("us-east-1"),
		.service = xstrdup("s3"),
		.signature = xstrdup(seed),
		.date = "20130524",
		.datetime = "20130524T000000Z"};
}

static void add_chunk(struct strbuf *body, size_t size, const char *signature)
{
	strbuf_addf(body, "%zx;chunk-signature=%s\r\n", size, signature);
	strbuf_addchars(body, 'a', size);
	if (size)
		strbuf_addstr(body, "\r\n");
}

static void plain_example(struct strbuf *body)
{
	add_chunk(body, 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
	add_chunk(body, 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
	add_chunk(body, 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
	strbuf_addstr(body, "\r\n");
}

/* Feeds `piece` bytes at a time; the error's name or "ok". */
static void decode(const char *kind, const char *seed, const struct strbuf *body, size_t piece,
	const char *wanted, struct strbuf *out, struct strbuf *trailers)
{
	struct sigv4_claim claim;
	struct err err = ERR_INIT;
	int ret = 0;
	example_claim(&claim, seed);
	struct awschunked *d = awschunked_new(kind, &claim, SECRET);
	for (size_t at = 0; ret == 0 && at < body->len; at += piece)
		ret = awschunked_feed(d, body->buf + at,
			body->len - at < piece ? body->len - at : piece, out, &err);
	if (ret == 0)
		ret = awschunked_finish(d, trailers, &err);
	assert_string_equal(ret ? err_name(&err) : "ok", wanted);
	awschunked_free(d);
	sigv4_claim_release(&claim);
	err_release(&err);
}

static void test_awschunked__signed_example_in_pieces(void **state)
{
	(void)state;
	struct strbuf body = STRBUF_INIT, out = STRBUF_INIT, trailers = STRBUF_INIT;
	static const size_t pieces[] = {1, 7, 4096, 1 << 20};
	plain_example(&body);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		strbuf_clear(&out);
		decode(SIGV4_STREAMING, PLAIN_SEED, &body, pieces[i], "ok", &out, &trailers);
		assert_int_equal(out.len, 66560);
		assert_int_equal(strspn(out.buf, "a"), 66560);
		assert_int_equal(trailers.len, 0);
	}
	strbuf_release(&body);
	strbuf_release(&out);
	strbuf_release(&trailers);
}

static void test_awschunked__signed_trailer_example(void **state)
{
	(void)state;
	struct strbuf body = STRBUF_INIT, out = STRBUF_INIT, trailers = STRBUF_INIT;
	add_chunk(&body, 65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
	add_chunk(&body, 1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
	add_chunk(&body, 0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
	size_t unsigned_len = body.len;
	strbuf_addstr(&body,
		"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
		"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n");
	decode(SIGV4_STREAMING_TRAILER, TRAILER_SEED, &body, 1000, "ok", &out, &trailers);
	assert_string_equal(trailers.buf, "x-amz-checksum-crc32c:sOO8/Q==\n");

	/* Another checksum under the same signature, and none at all. */
	char *checksum = strstr(body.buf, "sOO8");
	*checksum = 'x';
	decode(SIGV4_STREAMING_TRAILER, TRAILER_SEED, &body, 1000, "SignatureDoesNotMatch", &out,
		&trailers);
	strbuf_setlen(&body, unsigned_len);
	strbuf_addstr(&body, "\r\n");
	decode(SIGV4_STREAMING_TRAILER, TRAILER_SEED, &body, 1000, "SignatureDoesNotMatch", &out,
		&trailers);
	strbuf_release(&body);
	strbuf_release(&out);
	strbuf_release(&trailers);
}

static void test_awschunked__changed_and_cut_bodies(void **state)
{
	(void)state;
	struct strbuf body = STRBUF_INIT, out = STRBUF_INIT, trailers = STRBUF_INIT;
	plain_example(&body);
	body.buf[100] = 'b';
	decode(SIGV4_STREAMING, PLAIN_SEED, &body, 4096, "SignatureDoesNotMatch", &out, &trailers);
	body.buf[100] = 'a';
	decode(SIGV4_STREAMING, TRAILER_SEED, &body, 4096, "SignatureDoesNotMatch", &out,
		&trailers);
	static const size_t cuts[] = {1, 2, 3, 100, 1100, 66600};
	size_t whole = body.len;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		body.len = whole - cuts[i];
		decode(SIGV4_STREAMING, PLAIN_SEED, &body, 4096, "IncompleteBody", &out, &trailers);
	}
	body.len = whole;
	strbuf_addstr(&body, "x");
	decode(SIGV4_STREAMING, PLAIN_SEED, &body, 4096, "IncompleteBody", &out, &trailers);
	strbuf_release(&body);
	strbuf_release(&out);
	strbuf_release(&trailers);
}

static void check_unsigned(const char *text, const char *wanted, const char *payload)
{
	struct strbuf body = STRBUF_INIT, out = STRBUF_INIT, trailers = STRBUF_INIT;
	strbuf_addstr(&body, text);
	decode(SIGV4_UNSIGNED_TRAILER, PLAIN_SEED, &body, 3, wanted, &out, &trailers);
	if (payload) {
		assert_string_equal(out.buf, payload);
		assert_string_equal(trailers.buf, "x-amz-checksum-crc32:AAAA\n");
	}
	strbuf_release(&body);
	strbuf_release(&out);
	strbuf_release(&trailers);
}

static void test_awschunked__unsigned(void **state)
{
	(void)state;
	const char *end = "0\r\nX-Amz-Checksum-CRC32: AAAA \r\n\r\n";
	struct strbuf text = STRBUF_INIT;
	check_unsigned(end, "ok", "");
	strbuf_addf(&text, "4\r\n\r\n\r\n\r\nA\r\n0123456789\r\n%s", end);
	check_unsigned(text.buf, "ok", "\r\n\r\n0123456789");
	strbuf_release(&text);
	check_unsigned("4\r\nabcde\r\n0\r\n\r\n", "IncompleteBody", NULL);
	check_unsigned("x\r\n", "IncompleteBody", NULL);
	check_unsigned("-4\r\n", "IncompleteBody", NULL);
	check_unsigned("ffffffffffffffffff\r\n", "IncompleteBody", NULL);
	check_unsigned("0\r\nno colon\r\n\r\n", "IncompleteBody", NULL);
	check_unsigned("", "IncompleteBody", NULL);
}
