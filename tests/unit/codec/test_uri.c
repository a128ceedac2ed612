#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "uri.h"

static void test_uri__encode(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	uri_encode(&sb, "aZ09-._~ /+%\xc3\xa4\0*", 16, false);
	assert_string_equal(sb.buf, "aZ09-._~%20%2F%2B%25%C3%A4%00%2A");
	strbuf_clear(&sb);
	uri_encode(&sb, "a/b c", 5, true);
	assert_string_equal(sb.buf, "a/b%20c");
	strbuf_release(&sb);
}

static void test_uri__decode(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	struct err err = ERR_INIT;
	assert_ok(uri_decode(&sb, "a%2fb+%00", 9, false, &err), &err);
	assert_int_equal(sb.len, 5);
	assert_memory_equal(sb.buf, "a/b+\0", 5);
	strbuf_clear(&sb);
	assert_ok(uri_decode(&sb, "a+b%2B", 6, true, &err), &err);
	assert_string_equal(sb.buf, "a b+");
	static const char *const bad[] = {"%", "%2", "%zz", "a%2", "% 1", "%%20"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(uri_decode(&sb, bad[i], strlen(bad[i]), false, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_string_equal(sb.buf, "a b+");
	}
	err_release(&err);
	strbuf_release(&sb);
}

static void assert_uri(const char *text, const char *scheme, const char *host, int port,
	const char *path, const char *query)
{
	struct uri u = URI_INIT;
	struct err err = ERR_INIT;
	assert_ok(uri_parse(text, &u, &err), &err);
	assert_string_equal(u.scheme, scheme);
	assert_string_equal(u.host, host);
	assert_int_equal(u.port, port);
	assert_string_equal(u.path, path);
	if (query)
		assert_string_equal(u.query, query);
	else
		assert_null(u.query);
	uri_release(&u);
	uri_release(&u);
}

static void test_uri__parse(void **state)
{
	(void)state;
	assert_uri("http://localhost:4566", "http", "localhost", 4566, "/", NULL);
	assert_uri("HTTPS://s3.eu-west-1.amazonaws.com/b/k%20x?a=b&c", "https",
		"s3.eu-west-1.amazonaws.com", 0, "/b/k%20x", "a=b&c");
	assert_uri("http://[::1]:80/", "http", "[::1]", 80, "/", NULL);
	assert_uri("http://h?q", "http", "h", 0, "/", "q");
	assert_uri("http://h/?", "http", "h", 0, "/", "");
	static const char *const bad[] = {"", "http", "http:/x", "://x", "http://", "http:///x",
		"http://h:0", "http://h:65536", "http://h:", "http://h:8x", "http://[::1",
		"http://:80", "http://h/a b", "http://h/\n", "http://h/#f", "http://[::1]x",
		"1 ://x"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct uri u = URI_INIT;
		struct err err = ERR_INIT;
		if (!uri_parse(bad[i], &u, &err))
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(err.code, ERR_INVALID);
		assert_null(u.host);
		err_release(&err);
	}
}

/* A password in an endpoint must not come back in the message. */
static void test_uri__user_info_is_refused_in_silence(void **state)
{
	(void)state;
	struct uri u = URI_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(uri_parse("http://user:hunter2@h/", &u, &err), -1);
	assert_null(strstr(err.text, "hunter2"));
	err_release(&err);
}

static void test_uri__s3(void **state)
{
	(void)state;
	static const char *const cases[][3] = {{"s3://b/k", "b", "k"}, {"s3://b", "b", ""},
		{"s3://b/", "b", ""}, {"s3://b/a/b c?#", "b", "a/b c?#"}, {"s3://b//k", "b", "/k"}};
	struct err err = ERR_INIT;
	char *bucket = NULL, *key = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_ok(s3_uri_split(cases[i][0], &bucket, &key, &err), &err);
		assert_string_equal(bucket, cases[i][1]);
		assert_string_equal(key, cases[i][2]);
		free(bucket);
		free(key);
	}
	static const char *const bad[] = {"", "s3:/", "s3://", "s3:///k", "S3://b/k", "b/k"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(s3_uri_split(bad[i], &bucket, &key, &err), -1);
	err_release(&err);
}
