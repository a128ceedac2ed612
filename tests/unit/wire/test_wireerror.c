#include "testing.h"
#include "protocol.h"

static void check(enum wire_protocol p, int status, const char *type, const char *body,
	const char *code, const char *message, const char *request_id, const char *extra)
{
	struct wire_error e = WIRE_ERROR_INIT;
	wire_error_parse(p, status, type, body, strlen(body), &e);
	assert_string_equal(e.code, code);
	assert_string_equal(e.message, message);
	assert_string_equal(e.request_id ? e.request_id : "-", request_id);
	assert_string_equal(e.extra ? e.extra : "-", extra);
	wire_error_release(&e);
}

static void test_wireerror__json(void **state)
{
	(void)state;
	check(WIRE_JSON_11, 400, NULL,
		"{\"__type\":\"EntityNotFoundException\",\"Message\":\"no\"}",
		"EntityNotFoundException", "no", "-", "-");
	check(WIRE_JSON_10, 400, NULL,
		"{\"__type\":\"com.amazonaws.states#X\",\"message\":\"a\\nb\"}", "X", "a b", "-",
		"-");
	check(WIRE_JSON_11, 400, "ThrottlingException:http://internal/", "{}",
		"ThrottlingException", "the service answered with HTTP status 400", "-", "-");
	check(WIRE_JSON_11, 502, NULL, "<html>\n<b>Bad   Gateway</b></html>", "HTTP502",
		"<html> <b>Bad Gateway</b></html>", "-", "-");
	check(WIRE_JSON_11, 500, NULL, "[1]", "HTTP500", "[1]", "-", "-");
	check(WIRE_JSON_11, 500, NULL, "", "HTTP500", "the service answered with HTTP status 500",
		"-", "-");
}

static void test_wireerror__xml(void **state)
{
	(void)state;
	check(WIRE_QUERY, 404, NULL,
		"<ErrorResponse xmlns=\"u\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>"
		"<Message>m</Message></Error><RequestId>r</RequestId></ErrorResponse>",
		"NoSuchEntity", "m", "r", "-");
	check(WIRE_QUERY, 400, NULL,
		"<Response><Errors><Error><Code>A</Code><Message>b</Message></Error></Errors>"
		"<RequestID>r</RequestID></Response>",
		"A", "b", "r", "-");
	check(WIRE_REST_XML, 301, NULL,
		"<?xml version=\"1.0\"?><Error><Code>PermanentRedirect</Code><Message>m</Message>"
		"<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint><RequestId>r</RequestId></Error>",
		"PermanentRedirect", "m", "r", "b.s3.eu-west-1.amazonaws.com");
	check(WIRE_REST_XML, 400, NULL,
		"<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message>"
		"<Region>eu-west-1</Region></Error>",
		"AuthorizationHeaderMalformed", "m", "-", "eu-west-1");
	check(WIRE_REST_XML, 404, NULL, "", "HTTP404", "the service answered with HTTP status 404",
		"-", "-");
	check(WIRE_REST_XML, 503, NULL, "busy", "HTTP503", "busy", "-", "-");
}

static void test_wireerror__a_long_body_is_cut_between_characters(void **state)
{
	(void)state;
	struct strbuf body = STRBUF_INIT;
	struct wire_error e = WIRE_ERROR_INIT;
	strbuf_addch(&body, 'x');
	for (int i = 0; i < 1000; i++)
		strbuf_addstr(&body, "ä");
	wire_error_parse(WIRE_REST_XML, 500, NULL, body.buf, body.len, &e);
	assert_true(strlen(e.message) < 210);
	assert_true(ends_with(e.message, "ä..."));
	wire_error_release(&e);
	strbuf_release(&body);
}

static void test_wireerror__print_is_read_back(void **state)
{
	(void)state;
	static const char *const ids[] = {"s3", "iam", "glue", "states"};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const struct wire_service *svc = wire_service_find(ids[i]);
		struct strbuf body = STRBUF_INIT;
		wire_error_print(svc, "SomeCode", "a <b> & \"c\"", "/b/k", "req", &body);
		check(svc->protocol, 400, NULL, body.buf, "SomeCode", "a <b> & \"c\"",
			i < 2 ? "req" : "-", "-");
		strbuf_release(&body);
	}
}
