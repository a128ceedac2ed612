#include "testing.h"
#include "sigv4.h"

#define NOW_MS 1795253165000LL /* 2026-11-21T09:26:05Z */
static const struct sigv4_keys keys = {"AKID", "very-secret-key", "token"};

struct signed_request {
	struct sigv4_header headers[5];
	struct sigv4_request req;
	struct strbuf authorization;
};

static void sign(struct signed_request *s, int64_t at_ms)
{
	struct sigv4_state st = SIGV4_STATE_INIT;
	static struct sigv4_scope scope;
	sigv4_scope_init(&scope, at_ms, "eu-west-1", "glue");
	memset(s, 0, sizeof(*s));
	strbuf_init(&s->authorization);
	s->headers[0] = (struct sigv4_header){"Host", "localhost:4566"};
	s->headers[1] = (struct sigv4_header){"X-Amz-Date", scope.datetime};
	s->headers[2] = (struct sigv4_header){"X-Amz-Security-Token", "token"};
	s->req = (struct sigv4_request){.method = "POST",
		.path = "/",
		.headers = s->headers,
		.nr_headers = 3,
		.payload_hash = SIGV4_EMPTY_SHA256};
	sigv4_sign(&st, &s->req, &scope, &keys, &s->authorization);
	s->headers[3] = (struct sigv4_header){"Authorization", s->authorization.buf};
	s->req.nr_headers = 4;
	sigv4_state_release(&st);
}

/* The error's name, or "ok". */
static void check(
	const struct signed_request *s, const char *secret, int64_t now_ms, const char *wanted)
{
	struct sigv4_claim claim = SIGV4_CLAIM_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(sigv4_claim_parse(&s->req, &claim, &err), 1);
	assert_string_equal(claim.access_key_id, "AKID");
	assert_string_equal(claim.session_token, "token");
	assert_string_equal(claim.region, "eu-west-1");
	assert_string_equal(claim.service, "glue");
	int ret = sigv4_verify(&s->req, &claim, secret, now_ms, &err);
	assert_string_equal(ret ? err_name(&err) : "ok", wanted);
	err_release(&err);
	sigv4_claim_release(&claim);
}

static void test_sigv4_verify__good_bad_and_late(void **state)
{
	(void)state;
	struct signed_request s;
	sign(&s, NOW_MS);
	check(&s, keys.secret_access_key, NOW_MS, "ok");
	check(&s, keys.secret_access_key, NOW_MS + 899000, "ok");
	check(&s, keys.secret_access_key, NOW_MS + 901000, "RequestTimeTooSkewed");
	check(&s, keys.secret_access_key, NOW_MS - 901000, "RequestTimeTooSkewed");
	check(&s, "other", NOW_MS, "SignatureDoesNotMatch");
	s.req.payload_hash = SIGV4_UNSIGNED_PAYLOAD;
	check(&s, keys.secret_access_key, NOW_MS, "SignatureDoesNotMatch");
	strbuf_release(&s.authorization);
}

static void test_sigv4_verify__an_added_amz_header_is_refused(void **state)
{
	(void)state;
	struct signed_request s;
	sign(&s, NOW_MS);
	s.headers[4] = (struct sigv4_header){"X-Amz-Acl", "public-read"};
	s.req.nr_headers = 5;
	check(&s, keys.secret_access_key, NOW_MS, "AccessDenied");
	strbuf_release(&s.authorization);
}

static void check_malformed(
	const char *authorization, const char *query, bool s3, const char *wanted)
{
	const struct sigv4_header headers[] = {{"Host", "h"}, {"X-Amz-Date", "20261121T092605Z"},
		{"Authorization", authorization ? authorization : ""}};
	const struct sigv4_request req = {.method = "GET",
		.path = "/",
		.query = query,
		.headers = headers,
		.nr_headers = authorization ? 3 : 2,
		.s3 = s3};
	struct sigv4_claim claim = SIGV4_CLAIM_INIT;
	struct err err = ERR_INIT;
	int ret = sigv4_claim_parse(&req, &claim, &err);
	if (wanted) {
		assert_int_equal(ret, -1);
		assert_string_equal(err_name(&err), wanted);
		assert_null(claim.access_key_id);
	} else {
		assert_int_equal(ret, 0);
	}
	err_release(&err);
	sigv4_claim_release(&claim);
}

#define CREDENTIAL "Credential=A/20261121/r/s3/aws4_request"
#define SIG SIGV4_EMPTY_SHA256

static void test_sigv4_verify__malformed_claims(void **state)
{
	(void)state;
	const char *header = "AuthorizationHeaderMalformed",
		   *query = "AuthorizationQueryParametersError";
	check_malformed(NULL, NULL, true, NULL);
	check_malformed(NULL, "prefix=x", true, NULL);
	check_malformed("", NULL, true, "InvalidArgument");
	check_malformed("Basic eA==", NULL, true, "InvalidArgument");
	check_malformed("AWS a:b", NULL, true, "InvalidRequest");
	check_malformed("AWS4-HMAC-SHA256", NULL, true, "InvalidArgument");
	check_malformed("AWS4-HMAC-SHA256 ", NULL, true, header);
	check_malformed("AWS4-HMAC-SHA256 " CREDENTIAL, NULL, true, header);
	check_malformed("AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=host,Signature=xyz", NULL,
		true, header);
	check_malformed("AWS4-HMAC-SHA256 " CREDENTIAL ",SignedHeaders=date,Signature=" SIG, NULL,
		true, header);
	check_malformed("AWS4-HMAC-SHA256 Credential=A/20261120/r/s3/aws4_request,"
			"SignedHeaders=host,Signature=" SIG,
		NULL, true, header);
	check_malformed("AWS4-HMAC-SHA256 Credential=A/r/s3/aws4_request,"
			"SignedHeaders=host,Signature=" SIG,
		NULL, false, "IncompleteSignature");
	check_malformed(NULL, "X-Amz-Algorithm=AWS4-HMAC-SHA256", true, query);
	check_malformed(NULL, "X-Amz-Algorithm=other", true, query);
	check_malformed(NULL, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=1&X-Amz-Expires=2",
		true, query);
	check_malformed("AWS4-HMAC-SHA256 Credential=A/20261121/r/glue/aws4_request,"
			"SignedHeaders=date,Signature=" SIG,
		NULL, false, "SignatureDoesNotMatch");
	check_malformed(NULL, "AWSAccessKeyId=a&Signature=b&Expires=1", true, "InvalidRequest");
	check_malformed(
		"AWS4-HMAC-SHA256 x", "X-Amz-Algorithm=AWS4-HMAC-SHA256", true, "InvalidArgument");
}
