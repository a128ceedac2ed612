#include "testing.h"
#include "scripted.h"
#include <unistd.h>
#include "fs.h"
#include "s3.h"

#define LOCAL "http://127.0.0.1:4566"

static void done(struct script *s, struct aws_client *c, struct err *err)
{
	assert_int_equal(s->at, s->nr);
	err_release(err);
	aws_client_free(c);
	script_release(s);
}

static void test_s3__put_object_carries_its_hash(void **state)
{
	(void)state;
	SCRIPT(s, {200, "etag: \"e1\"", NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	char *etag = NULL;
	const struct s3_put_opts opts = {.content_type = "text/plain", .owner = "123"};
	assert_ok(s3_put_object(c, "b", "a b/\xc3\xa4+?#", "hello", 5, &opts, &etag, &err), &err);
	assert_string_equal(etag, "\"e1\"");
	free(etag);
	assert_string_equal(s.sent.v[0], "PUT " LOCAL "/b/a%20b/%C3%A4%2B%3F%23");
	const char *head = s.heads.v[0];
	assert_non_null(
		strstr(head, "x-amz-content-sha256: "
			     "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));
	assert_non_null(strstr(
		head, "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="));
	assert_non_null(strstr(head, "x-amz-expected-bucket-owner: 123"));
	assert_non_null(strstr(head, "Content-Type: text/plain"));
	assert_null(strstr(head, "If-"));
	done(&s, c, &err);
}

static void test_s3__addresses(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, NULL}, {200, NULL, NULL}, {200, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	assert_ok(s3_head_bucket(c, "plain", NULL, &err), &err);
	assert_ok(s3_head_bucket(c, "dotted.name", NULL, &err), &err);
	assert_ok(s3_head_object(c, "plain", "../x//y", NULL, NULL, &err), &err);
	assert_string_equal(s.sent.v[0], "HEAD https://plain.s3.eu-west-1.amazonaws.com/");
	assert_string_equal(s.sent.v[1], "HEAD https://s3.eu-west-1.amazonaws.com/dotted.name/");
	assert_string_equal(s.sent.v[2], "HEAD https://plain.s3.eu-west-1.amazonaws.com/../x//y");
	done(&s, c, &err);
}

static void test_s3__redirect_is_followed_once_and_remembered(void **state)
{
	(void)state;
	SCRIPT(s, {301, "x-amz-bucket-region: us-west-2", NULL}, {200, NULL, NULL},
		{200, NULL, NULL},
		{400, NULL,
			"<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message>"
			"<Region>eu-north-1</Region></Error>"},
		{200, NULL, "x"}, {301, "x-amz-bucket-region: us-west-1", NULL},
		{301, "x-amz-bucket-region: us-west-2", NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", NULL);
	struct err err = ERR_INIT;
	struct strbuf out = STRBUF_INIT;
	assert_ok(s3_head_bucket(c, "buck", NULL, &err), &err);
	assert_ok(s3_head_bucket(c, "buck", NULL, &err), &err);
	assert_string_equal(s.sent.v[1], "HEAD https://buck.s3.us-west-2.amazonaws.com/");
	assert_non_null(strstr(s.heads.v[1], "/us-west-2/s3/aws4_request"));
	assert_string_equal(s.sent.v[2], s.sent.v[1]);
	assert_ok(s3_get_object(c, "buck2", "k", NULL, 0, &out, NULL, &err), &err);
	assert_string_equal(s.sent.v[4], "GET https://buck2.s3.eu-north-1.amazonaws.com/k");
	assert_int_equal(s3_head_bucket(c, "buck3", NULL, &err), -1);
	assert_int_equal(err.http_status, 301);
	strbuf_release(&out);
	done(&s, c, &err);
}

static void test_s3__head_errors_are_for_people(void **state)
{
	(void)state;
	SCRIPT(s, {404, "x-amz-request-id: r", NULL}, {403, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	assert_int_equal(s3_head_object(c, "b", "k", NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.text, "there is no 's3://b/k'");
	assert_string_equal(err.request_id, "r");
	assert_string_equal(err.operation, "HeadObject");
	assert_int_equal(s3_head_bucket(c, "b", NULL, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	done(&s, c, &err);
}

static void test_s3__conditional_put(void **state)
{
	(void)state;
	const struct s3_put_opts fresh = {.if_none_match = true}, same = {.if_match = "\"e\""};
	SCRIPT(s, {412, NULL, "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>"},
		{200, "etag: \"other\"", NULL},
		{409, NULL,
			"<Error><Code>ConditionalRequestConflict</Code><Message>m</Message></"
			"Error>"},
		{404, NULL, NULL},
		/* Something in between sent it twice. */
		{412, NULL, "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>"},
		{200, "etag: \"5d41402abc4b2a76b9719d911017c592\"", NULL},
		/* The answer is lost: sent again, it fails on its own success, and what stands there is ours. */
		{0, NULL, NULL, ERR_AMBIGUOUS, 0},
		{412, NULL, "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>"},
		{200, "etag: \"5d41402abc4b2a76b9719d911017c592\"", NULL},
		/* A 500 that had done its work. */
		{500, NULL, "<Error><Code>InternalError</Code><Message>m</Message></Error>"},
		{412, NULL, "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>"},
		{200, "etag: \"5d41402abc4b2a76b9719d911017c592\"", NULL},
		/* It had not arrived. */
		{0, NULL, NULL, ERR_AMBIGUOUS, 0}, {200, "etag: \"e\"", NULL},
		/* Somebody else's. */
		{0, NULL, NULL, ERR_AMBIGUOUS, 0},
		{412, NULL, "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>"},
		{200, "etag: \"other\"", NULL},
		/* It arrived, and nobody answered. */
		{0, NULL, NULL, ERR_TIMEOUT, 0}, {0, NULL, NULL, ERR_TIMEOUT, 0},
		{0, NULL, NULL, ERR_TIMEOUT, 0},
		{200, "etag: \"5d41402abc4b2a76b9719d911017c592\"", NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	assert_int_equal(s3_put_object(c, "b", "k", "hello", 5, &fresh, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_non_null(strstr(s.heads.v[0], "If-None-Match: *"));
	assert_int_equal(s3_put_object(c, "b", "k", "hello", 5, &same, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_non_null(strstr(s.heads.v[2], "If-Match: \"e\""));
	err_release(&err);
	assert_ok(s3_put_object(c, "b", "k", "hello", 5, &same, NULL, &err), &err);
	assert_ok(s3_put_object(c, "b", "k", "hello", 5, &fresh, NULL, &err), &err);
	assert_ok(s3_put_object(c, "b", "k", "hello", 5, &same, NULL, &err), &err);
	assert_ok(s3_put_object(c, "b", "k", "hello", 5, &same, NULL, &err), &err);
	assert_int_equal(s3_put_object(c, "b", "k", "hello", 5, &fresh, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	err_release(&err);
	assert_ok(s3_put_object(c, "b", "k", "hello", 5, &same, NULL, &err), &err);
	done(&s, c, &err);
}

static void test_s3__listing(void **state)
{
	(void)state;
	SCRIPT(s,
		{200, NULL,
			"<ListBucketResult><IsTruncated>true</IsTruncated>"
			"<NextContinuationToken>t+/</NextContinuationToken>"
			"<Contents><Key>a%0A+b%2B</Key><Size>5000000000</Size>"
			"<LastModified>2026-11-21T09:26:05.000Z</LastModified>"
			"<ETag>&quot;e&quot;</ETag></Contents></ListBucketResult>"},
		{200, NULL,
			"<ListBucketResult><IsTruncated>false</IsTruncated>"
			"<CommonPrefixes><Prefix>p%2F</Prefix></CommonPrefixes>"
			"</ListBucketResult>"},
		{200, NULL,
			"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	struct s3_objects out = S3_OBJECTS_INIT;
	assert_ok(s3_list_objects_v2(c, "b", "x y", "/", 0, NULL, &out, &err), &err);
	assert_int_equal(out.nr, 1);
	assert_string_equal(out.v[0].key, "a\n b+");
	assert_string_equal(out.v[0].etag, "\"e\"");
	assert_true(out.v[0].size == 5000000000LL);
	assert_true(out.v[0].modified_ms == 1795253165000LL);
	assert_string_equal(out.prefixes.v[0], "p/");
	assert_string_equal(s.sent.v[0],
		"GET " LOCAL
		"/b/?list-type=2&encoding-type=url&max-keys=1000&prefix=x%20y&delimiter=%2F");
	assert_true(ends_with(s.sent.v[1], "&continuation-token=t%2B%2F"));
	assert_int_equal(s3_list_objects_v2(c, "b", NULL, NULL, 0, NULL, &out, &err), -1);
	s3_objects_release(&out);
	done(&s, c, &err);
}

static void test_s3__delete_objects(void **state)
{
	(void)state;
	SCRIPT(s, {204, NULL, NULL},
		{200, NULL,
			"<DeleteResult><Error><Key>a&amp;b</Key><Code>InternalError</Code>"
			"<Message>again</Message></Error><Error><Key>d</Key>"
			"<Code>AccessDenied</Code><Message>no</Message></Error>"
			"<Error><Key>e</Key><Code>NoSuchVersion</Code></Error></DeleteResult>"},
		{200, NULL, "<DeleteResult/>"});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	char a[] = "a&b", odd[] = "odd\x01key", d[] = "d", e[] = "e", v[] = "v1";
	const struct s3_object objects[] = {
		{.key = a, .version_id = v}, {.key = odd}, {.key = d}, {.key = e}};
	assert_int_equal(s3_delete_objects(c, "b", objects, 4, NULL, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	assert_true(err_is_aws(&err, "AccessDenied"));
	assert_non_null(strstr(err.text, "'d'"));
	assert_string_equal(s.sent.v[0], "DELETE " LOCAL "/b/odd%01key");
	assert_string_equal(s.sent.v[1], "POST " LOCAL "/b/?delete");
	assert_non_null(strstr(s.heads.v[1], "Content-MD5: "));
	assert_non_null(strstr(
		s.bodies.v[1], "<Object><Key>a&amp;b</Key><VersionId>v1</VersionId></Object>"));
	assert_null(strstr(s.bodies.v[2], "<Key>d</Key>"));
	assert_non_null(strstr(s.bodies.v[2], "<Key>a&amp;b</Key>"));
	done(&s, c, &err);
}

static void count_progress(uint64_t n, void *payload)
{
	*(uint64_t *)payload = n;
}

static void test_s3__empty_bucket(void **state)
{
	(void)state;
	SCRIPT(s,
		{200, NULL,
			"<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>a</Key>"
			"<VersionId>1</VersionId></Version><DeleteMarker><Key>b</Key>"
			"<VersionId>2</VersionId></DeleteMarker></ListVersionsResult>"},
		{200, NULL, "<DeleteResult/>"},
		{200, NULL,
			"<ListVersionsResult><IsTruncated>false</IsTruncated>"
			"</ListVersionsResult>"},
		{200, NULL,
			"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload>"
			"<Key>k%20</Key><UploadId>u</UploadId></Upload>"
			"</ListMultipartUploadsResult>"},
		{204, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	uint64_t deleted = 0;
	assert_ok(s3_empty_bucket(c, "b", NULL, "123", 1, count_progress, &deleted, &err), &err);
	assert_int_equal(deleted, 2);
	assert_string_equal(s.sent.v[4], "DELETE " LOCAL "/b/k%20?uploadId=u");
	done(&s, c, &err);
}

static void test_s3__create_bucket_location(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, NULL}, {200, NULL, NULL},
		{409, NULL,
			"<Error><Code>BucketAlreadyOwnedByYou</Code><Message>m</Message></Error>"});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	assert_ok(s3_create_bucket(c, "b", true, &err), &err);
	assert_non_null(
		strstr(s.bodies.v[0], "<LocationConstraint>eu-west-1</LocationConstraint>"));
	assert_non_null(strstr(s.heads.v[0], "x-amz-bucket-object-lock-enabled: true"));
	aws_client_free(c);
	c = script_client(&s, "us-east-1", LOCAL);
	assert_ok(s3_create_bucket(c, "b", false, &err), &err);
	assert_string_equal(s.bodies.v[1], "");
	assert_int_equal(s3_create_bucket(c, "b", false, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	done(&s, c, &err);
}

static void test_s3__bucket_configs(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, NULL}, {200, NULL, "<Tagging/>"},
		{404, NULL,
			"<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code>"
			"<Message>m</Message></Error>"},
		{204, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	struct strbuf body = STRBUF_INIT;
	assert_ok(s3_put_bucket_config(c, "b", "policy", "{}", "123", &err), &err);
	assert_string_equal(s.sent.v[0], "PUT " LOCAL "/b/?policy");
	assert_non_null(strstr(s.heads.v[0], "Content-MD5: mZFLkyvTelC5g8XnyQrpOw=="));
	assert_non_null(strstr(s.heads.v[0], "Content-Type: application/json"));
	assert_ok(s3_get_bucket_config(c, "b", "tagging", NULL, &body, &err), &err);
	assert_string_equal(body.buf, "<Tagging/>");
	assert_int_equal(s3_get_bucket_config(c, "b", "encryption", NULL, &body, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.operation, "GetBucketEncryption");
	assert_ok(s3_delete_bucket_config(c, "b", "publicAccessBlock", NULL, &err), &err);
	strbuf_release(&body);
	done(&s, c, &err);
}

static void test_s3__error_under_a_200(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, "<Error><Code>InternalError</Code><Message>m</Message></Error>"},
		{200, NULL, "<CopyObjectResult/>"},
		{200, NULL, "<Error><Code>AccessDenied</Code><Message>m</Message></Error>"});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	assert_ok(s3_copy_object(c, "from", "a b", "to", "c", &err), &err);
	assert_non_null(strstr(s.heads.v[0], "x-amz-copy-source: /from/a%20b"));
	assert_int_equal(s3_copy_object(c, "from", "a b", "to", "c", &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	done(&s, c, &err);
}

static int take_begin(void *payload, int status, const struct strvec *headers, struct err *err)
{
	(void)status;
	(void)headers;
	(void)err;
	strbuf_clear(payload);
	return 0;
}

static int take_bytes(void *payload, const void *data, size_t len, struct err *err)
{
	(void)err;
	strbuf_add(payload, data, len);
	return 0;
}

static int refuse_bytes(void *payload, const void *data, size_t len, struct err *err)
{
	(void)payload;
	(void)data;
	(void)len;
	return err_set(err, ERR_IO, "disk full");
}

static void test_s3__a_broken_download_goes_on(void **state)
{
	(void)state;
	SCRIPT(s, {0, "etag: \"e\"\ncontent-length: 10", "0123456789", ERR_AMBIGUOUS, 4},
		{0, "content-range: bytes 4-9/10", "456789", ERR_TIMEOUT, 3},
		{206, "content-range: bytes 7-9/10", "789"}, {0, NULL, "x", ERR_AMBIGUOUS, 1});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	struct strbuf out = STRBUF_INIT;
	const struct http_sink sink = {take_begin, take_bytes, &out};
	assert_ok(s3_get_object_to(c, "b", "k", &sink, &err), &err);
	assert_string_equal(out.buf, "0123456789");
	assert_null(strstr(s.heads.v[0], "Range:"));
	assert_non_null(strstr(s.heads.v[1], "Range: bytes=4-\nIf-Match: \"e\""));
	assert_non_null(strstr(s.heads.v[2], "Range: bytes=7-\n"));
	const struct http_sink full = {NULL, refuse_bytes, NULL};
	assert_int_equal(s3_get_object_to(c, "b", "k", &full, &err), -1);
	assert_string_equal(err.text, "disk full");
	strbuf_release(&out);
	done(&s, c, &err);
}

static void test_s3__files(void **state)
{
	(void)state;
	SCRIPT(s, {500, NULL, NULL}, {200, NULL, NULL},
		{200, "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
			"hello"},
		{200, "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
			"hullo"});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	struct strbuf text = STRBUF_INIT;
	char *dir = fs_mkdtemp(NULL, "s3-", &err), *path = fs_join(dir, "f"),
	     *out = fs_join(dir, "o");
	assert_ok(fs_write_atomic(path, "hello", 5, 0600, &err), &err);
	assert_ok(s3_put_file(c, "b", "k", path, NULL, &err), &err);
	/* Rewound before the second attempt. */
	assert_string_equal(s.bodies.v[0], "hello");
	assert_string_equal(s.bodies.v[1], "hello");
	assert_ok(s3_get_file(c, "b", "k", out, &err), &err);
	assert_ok(fs_read(out, 100, &text, &err), &err);
	assert_string_equal(text.buf, "hello");
	assert_int_equal(s3_get_file(c, "b", "k", out, &err), -1);
	assert_non_null(strstr(err.text, "checksum"));
	err_release(&err);
	assert_int_equal(s3_put_file(c, "b", "k", dir, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(s3_put_file(c, "b", "k", "/nonexistent", NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	err_release(&err);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	free(path);
	free(out);
	strbuf_release(&text);
	done(&s, c, &err);
}

#define CREATED                                                                   \
	{                                                                         \
		200, NULL,                                                        \
			"<InitiateMultipartUploadResult><UploadId>u</UploadId></" \
			"InitiateMultipartUploadResult>"                          \
	}

static void test_s3__small_upload_is_one_put(void **state)
{
	(void)state;
	SCRIPT(s, {200, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	struct s3_upload *u = s3_upload_new(c, "b", "k", NULL);
	assert_ok(s3_upload_write(u, "hel", 3, &err), &err);
	assert_ok(s3_upload_write(u, "lo", 2, &err), &err);
	assert_ok(s3_upload_finish(u, &err), &err);
	assert_string_equal(s.sent.v[0], "PUT " LOCAL "/b/k");
	assert_string_equal(s.bodies.v[0], "hello");
	u = s3_upload_new(c, "b", "k", NULL);
	assert_ok(s3_upload_write(u, "x", 1, &err), &err);
	s3_upload_abort(u);
	s3_upload_abort(NULL);
	done(&s, c, &err);
}

static void test_s3__large_upload_in_parts(void **state)
{
	(void)state;
	SCRIPT(s, CREATED, {200, "etag: \"p\"", NULL}, {200, "etag: \"p\"", NULL},
		{200, NULL, "<CompleteMultipartUploadResult/>"}, CREATED,
		{200, "etag: \"p\"", NULL},
		{403, NULL, "<Error><Code>AccessDenied</Code><Message>m</Message></Error>"},
		{204, NULL, NULL});
	struct aws_client *c = script_client(&s, "eu-west-1", LOCAL);
	struct err err = ERR_INIT;
	size_t len = (16u << 20) + 1;
	char *data = xmalloc(len);
	memset(data, 'x', len);
	for (int i = 0; i < 2; i++) {
		struct s3_upload *u = s3_upload_new(c, "b", "k", NULL);
		assert_ok(s3_upload_write(u, data, len, &err), &err);
		int ret = s3_upload_finish(u, &err);
		assert_int_equal(ret, i ? -1 : 0);
	}
	free(data);
	/* Side by side: either may come first. */
	size_t last = ends_with(s.sent.v[2], "partNumber=2&uploadId=u") ? 2 : 1;
	assert_string_equal(s.sent.v[last], "PUT " LOCAL "/b/k?partNumber=2&uploadId=u");
	assert_string_equal(s.bodies.v[last], "x");
	assert_string_equal(s.sent.v[3 - last], "PUT " LOCAL "/b/k?partNumber=1&uploadId=u");
	assert_int_equal(strlen(s.bodies.v[3 - last]), 16u << 20);
	assert_non_null(strstr(s.bodies.v[3], "<Part><ETag>&quot;p&quot;</ETag><ChecksumSHA256>"));
	assert_non_null(strstr(s.bodies.v[3], "<PartNumber>2</PartNumber></Part>"));
	assert_string_equal(s.sent.v[7], "DELETE " LOCAL "/b/k?uploadId=u");
	assert_int_equal(err.code, ERR_DENIED);
	done(&s, c, &err);
}
