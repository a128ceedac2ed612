#include "testing.h"
#include "sigv4.h"

/* The worked examples of the S3 API Reference ("Signature calculations for the Authorization header"). */
#define EXAMPLE_MS 1369353600000LL
static const struct sigv4_keys example_keys = {
	"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL};

static void sign_example(const struct sigv4_request *req, const char *wanted)
{
	struct sigv4_state s = SIGV4_STATE_INIT;
	struct sigv4_scope scope;
	struct strbuf authorization = STRBUF_INIT;
	sigv4_scope_init(&scope, EXAMPLE_MS, "us-east-1", "s3");
	sigv4_sign(&s, req, &scope, &example_keys, &authorization);
	assert_string_equal(s.signature, wanted);
	assert_true(ends_with(authorization.buf, wanted));
	strbuf_release(&authorization);
	sigv4_state_release(&s);
}

static void test_sigv4__s3_get_object(void **state)
{
	(void)state;
	const struct sigv4_header headers[] = {
		{"Host", "examplebucket.s3.amazonaws.com"},
		{"Range", "bytes=0-9"},
		{"x-amz-content-sha256", SIGV4_EMPTY_SHA256},
		{"x-amz-date", "20130524T000000Z"},
	};
	const struct sigv4_request req = {.method = "GET",
		.path = "/test.txt",
		.headers = headers,
		.nr_headers = 4,
		.payload_hash = SIGV4_EMPTY_SHA256,
		.s3 = true};
	sign_example(&req, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void test_sigv4__s3_put_object_path_is_encoded_once(void **state)
{
	(void)state;
	const char *hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	const struct sigv4_header headers[] = {
		{"Host", "examplebucket.s3.amazonaws.com"},
		{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
		{"x-amz-date", "20130524T000000Z"},
		{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
		{"x-amz-content-sha256", hash},
	};
	struct sigv4_request req = {.method = "PUT",
		.path = "/test%24file.text",
		.headers = headers,
		.nr_headers = 5,
		.payload_hash = hash,
		.s3 = true};
	const char *wanted = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
	sign_example(&req, wanted);
	req.path = "/test$file.text";
	sign_example(&req, wanted);
}

static void test_sigv4__s3_query(void **state)
{
	(void)state;
	const struct sigv4_header headers[] = {
		{"Host", "examplebucket.s3.amazonaws.com"},
		{"x-amz-content-sha256", SIGV4_EMPTY_SHA256},
		{"x-amz-date", "20130524T000000Z"},
	};
	struct sigv4_request req = {.method = "GET",
		.path = "/",
		.query = "lifecycle",
		.headers = headers,
		.nr_headers = 3,
		.payload_hash = SIGV4_EMPTY_SHA256,
		.s3 = true};
	sign_example(&req, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
	req.query = "prefix=J&max-keys=2";
	sign_example(&req, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void test_sigv4__presigned_get(void **state)
{
	(void)state;
	const struct sigv4_header headers[] = {{"host", "examplebucket.s3.amazonaws.com"}};
	const struct sigv4_request req = {.method = "GET",
		.path = "/test.txt",
		.headers = headers,
		.nr_headers = 1,
		.payload_hash = SIGV4_UNSIGNED_PAYLOAD,
		.s3 = true};
	struct sigv4_state s = SIGV4_STATE_INIT;
	struct sigv4_scope scope;
	struct strbuf query = STRBUF_INIT;
	sigv4_scope_init(&scope, EXAMPLE_MS, "us-east-1", "s3");
	sigv4_presign(&s, &req, &scope, &example_keys, 86400, &query);
	assert_string_equal(query.buf,
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
		"%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
		"X-Amz-SignedHeaders=host&X-Amz-Signature="
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	strbuf_release(&query);
	sigv4_state_release(&s);
}

static void check_path(const char *path, bool s3, const char *wanted)
{
	struct sigv4_state s = SIGV4_STATE_INIT;
	const struct sigv4_request req = {.method = "GET", .path = path, .s3 = s3};
	struct strbuf text = STRBUF_INIT;
	sigv4_canonical_request(&s, &req, NULL);
	strbuf_addf(&text, "GET\n%s\n\n\n\n" SIGV4_EMPTY_SHA256, wanted);
	assert_string_equal(s.canonical_request.buf, text.buf);
	strbuf_release(&text);
	sigv4_state_release(&s);
}

static void test_sigv4__paths(void **state)
{
	(void)state;
	check_path("", false, "/");
	check_path("/", false, "/");
	check_path("//a//./b/../c/", false, "/a/c/");
	check_path("/..", false, "/");
	check_path("/../../x", false, "/x");
	check_path("/a%20b", false, "/a%2520b");
	check_path("", true, "/");
	check_path("//a//./b/../c/", true, "//a//./b/../c/");
	check_path("/a%20b", true, "/a%20b");
	check_path("/a b%7e%c3%A4(1)", true, "/a%20b~%C3%A4%281%29");
	check_path("/100%", true, "/100%25");
}

static void test_sigv4__header_values_and_order(void **state)
{
	(void)state;
	const struct sigv4_header headers[] = {
		{"X-B", "  b \t b  "},
		{"Host", "h"},
		{"x-a", "2"},
		{"X-A", "1"},
		{"Authorization", "secret"},
		{"User-Agent", "me"},
	};
	const struct sigv4_request req = {.method = "GET", .headers = headers, .nr_headers = 6};
	struct sigv4_state s = SIGV4_STATE_INIT;
	sigv4_canonical_request(&s, &req, NULL);
	assert_string_equal(s.signed_headers.buf, "host;x-a;x-b");
	assert_non_null(strstr(s.canonical_request.buf, "\nhost:h\nx-a:2,1\nx-b:b b\n\n"));
	sigv4_state_release(&s);
}

static void test_sigv4__query_is_sorted_by_name_then_value(void **state)
{
	(void)state;
	const struct sigv4_request req = {
		.method = "GET", .query = "b=2&a-b=1&a=2&a=1&c&d=x+y&e=%2b"};
	struct sigv4_state s = SIGV4_STATE_INIT;
	sigv4_canonical_request(&s, &req, NULL);
	assert_non_null(strstr(s.canonical_request.buf, "\na=1&a=2&a-b=1&b=2&c=&d=x%20y&e=%2B\n"));
	sigv4_state_release(&s);
}
