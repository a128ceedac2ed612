/* IAM documents: what they allow, by cases; and which of them AWS refuses. */
#include "testing.h"

#include "local_policy.h"
#include "strbuf.h"

struct eval_case {
	const char *statements, *action, *resource, *context;
	enum policy_effect want;
};

#define ALLOW(rest) "{\"Effect\":\"Allow\"," rest "}"
#define DENY(rest) "{\"Effect\":\"Deny\"," rest "}"
#define OBJECT "arn:aws:s3:::lake/raw/a.csv"

static const struct eval_case cases[] = {
	{ALLOW("\"Action\":\"s3:GetObject\",\"Resource\":\"*\""), "s3:GetObject", OBJECT, NULL,
		POLICY_ALLOW},
	{ALLOW("\"Action\":\"S3:getobject\",\"Resource\":\"*\""), "s3:GetObject", OBJECT, NULL,
		POLICY_ALLOW},
	{ALLOW("\"Action\":[\"s3:Put*\",\"s3:G?tObject\"],\"Resource\":\"*\""), "s3:GetObject",
		OBJECT, NULL, POLICY_ALLOW},
	{ALLOW("\"Action\":\"s3:Get\",\"Resource\":\"*\""), "s3:GetObject", OBJECT, NULL,
		POLICY_NONE},
	{ALLOW("\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::lake\""), "s3:GetObject", OBJECT,
		NULL, POLICY_NONE},
	{ALLOW("\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::lake/*\""), "s3:GetObject", OBJECT,
		NULL, POLICY_ALLOW},
	{ALLOW("\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::LAKE/*\""), "s3:GetObject", OBJECT,
		NULL, POLICY_NONE},
	{ALLOW("\"NotAction\":\"iam:*\",\"Resource\":\"*\""), "s3:GetObject", OBJECT, NULL,
		POLICY_ALLOW},
	{ALLOW("\"NotAction\":\"iam:*\",\"Resource\":\"*\""), "iam:GetRole", "*", NULL,
		POLICY_NONE},
	{ALLOW("\"Action\":\"*\",\"NotResource\":\"arn:aws:s3:::lake/raw/*\""), "s3:GetObject",
		OBJECT, NULL, POLICY_NONE},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\"") "," DENY(
		 "\"Action\":\"s3:Get*\",\"Resource\":\"arn:aws:s3:::lake/raw/*\""),
		"s3:GetObject", OBJECT, NULL, POLICY_DENY},
	/* conditions */
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"a:b\":\"x\"}"
	       "}"),
		"s3:X", "*", "{\"A:B\":\"x\"}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"a:b\":["
	       "\"y\",\"x\"]}}"),
		"s3:X", "*", "{\"a:b\":\"x\"}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"a:b\":\"x\"}"
	       "}"),
		"s3:X", "*", "{}", POLICY_NONE},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEqualsIfExists\":{\"a:"
	       "b\":\"x\"}}"),
		"s3:X", "*", "{}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringNotEquals\":{\"a:b\":["
	       "\"x\",\"y\"]}}"),
		"s3:X", "*", "{\"a:b\":\"y\"}", POLICY_NONE},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringNotEquals\":{\"a:b\":"
	       "\"x\"}}"),
		"s3:X", "*", "{}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringLike\":{\"a:b\":\"r?w/"
	       "*\"}}"),
		"s3:X", "*", "{\"a:b\":\"raw/1\"}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Null\":{\"a:b\":\"true\"}}"),
		"s3:X", "*", "{}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Bool\":{\"aws:"
	       "SecureTransport\":\"false\"}}"),
		"s3:X", "*", "{\"aws:SecureTransport\":\"true\"}", POLICY_NONE},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"NumericLessThanEquals\":{\"s3:"
	       "max-keys\":\"10\"}}"),
		"s3:X", "*", "{\"s3:max-keys\":\"10\"}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"NumericLessThan\":{\"s3:max-"
	       "keys\":10}}"),
		"s3:X", "*", "{\"s3:max-keys\":\"10\"}", POLICY_NONE},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"DateGreaterThan\":{\"aws:"
	       "CurrentTime\":\"2026-01-01T00:00:00Z\"}}"),
		"s3:X", "*", "{\"aws:CurrentTime\":\"2026-11-21T00:00:00Z\"}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":"
	       "\"127.0.0.0/8\"}}"),
		"s3:X", "*", "{\"aws:SourceIp\":\"127.0.0.1\"}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":"
	       "\"10.0.0.0/9\"}}"),
		"s3:X", "*", "{\"aws:SourceIp\":\"10.128.0.1\"}", POLICY_NONE},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"NotIpAddress\":{\"aws:"
	       "SourceIp\":\"10.0.0.0/8\"}}"),
		"s3:X", "*", "{\"aws:SourceIp\":\"127.0.0.1\"}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"ForAllValues:StringEquals\":{"
	       "\"aws:TagKeys\":[\"a\",\"b\"]}}"),
		"s3:X", "*", "{\"aws:TagKeys\":[\"a\",\"c\"]}", POLICY_NONE},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"ForAnyValue:StringEquals\":{"
	       "\"aws:TagKeys\":[\"a\",\"b\"]}}"),
		"s3:X", "*", "{\"aws:TagKeys\":[\"a\",\"c\"]}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"ArnLike\":{\"aws:"
	       "PrincipalArn\":\"arn:aws:iam::*:role/x*\"}}"),
		"s3:X", "*", "{\"aws:PrincipalArn\":\"arn:aws:iam::1:role/xy\"}", POLICY_ALLOW},
	/* two keys must both hold */
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"a\":\"1\","
	       "\"b\":\"2\"}}"),
		"s3:X", "*", "{\"a\":\"1\",\"b\":\"3\"}", POLICY_NONE},
	/* what is not understood never allows and always denies */
	{ALLOW("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringSmells\":{\"a\":\"1\"}"
	       "}"),
		"s3:X", "*", "{\"a\":\"1\"}", POLICY_NONE},
	{DENY("\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringSmells\":{\"a\":\"1\"}}"),
		"s3:X", "*", "{\"a\":\"2\"}", POLICY_DENY},
	/* policy variables */
	{ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::lake/${aws:username}/*\""), "s3:X",
		"arn:aws:s3:::lake/me/a", "{\"aws:username\":\"me\"}", POLICY_ALLOW},
	{ALLOW("\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::lake/${aws:username}/*\""), "s3:X",
		"arn:aws:s3:::lake//a", "{}", POLICY_NONE},
};

static void test_local_policy__effects(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strbuf text = STRBUF_INIT;
		struct err err = ERR_INIT;
		struct policy_request q = {
			.action = cases[i].action, .resource = cases[i].resource};
		struct json *doc, *context = NULL;

		strbuf_addf(&text, "{\"Version\":\"2012-10-17\",\"Statement\":[%s]}",
			cases[i].statements);
		doc = json_parse(text.buf, text.len, &err);
		assert_non_null(doc);
		if (cases[i].context)
			context = json_parse(cases[i].context, strlen(cases[i].context), &err);
		q.context = context;
		if (policy_evaluate(doc, &q) != cases[i].want)
			fail_msg("case %zu: %s", i, text.buf);
		json_free(doc);
		json_free(context);
		strbuf_release(&text);
	}
}

static enum policy_effect trust(const char *principal, const struct policy_request *q)
{
	char *text = xasprintf("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":%s,"
			       "\"Action\":\"sts:AssumeRole\"}}",
		principal);
	struct err err = ERR_INIT;
	struct json *doc = json_parse(text, strlen(text), &err);
	enum policy_effect effect;

	assert_non_null(doc);
	effect = policy_evaluate(doc, q);
	json_free(doc);
	free(text);
	return effect;
}

static void test_local_policy__principals(void **state)
{
	struct policy_request glue = {.action = "sts:AssumeRole", .service = "glue.amazonaws.com"};
	struct policy_request root = {.action = "sts:AssumeRole",
		.account = "111122223333",
		.caller_arn = "arn:aws:iam::111122223333:root"};
	struct policy_request role = {.action = "sts:AssumeRole",
		.account = "111122223333",
		.caller_arn = "arn:aws:sts::111122223333:assumed-role/r/s",
		.caller_role = "arn:aws:iam::111122223333:role/r"};

	(void)state;
	assert_int_equal(trust("{\"Service\":\"glue.amazonaws.com\"}", &glue), POLICY_ALLOW);
	assert_int_equal(trust("{\"Service\":[\"x.amazonaws.com\",\"glue.amazonaws.com\"]}", &glue),
		POLICY_ALLOW);
	assert_int_equal(trust("{\"Service\":\"lambda.amazonaws.com\"}", &glue), POLICY_NONE);
	assert_int_equal(trust("{\"AWS\":\"*\"}", &glue), POLICY_NONE);
	assert_int_equal(trust("{\"Service\":\"glue.amazonaws.com\"}", &root), POLICY_NONE);
	assert_int_equal(trust("\"*\"", &root), POLICY_ALLOW);
	assert_int_equal(trust("{\"AWS\":\"111122223333\"}", &root), POLICY_ALLOW);
	assert_int_equal(
		trust("{\"AWS\":\"arn:aws:iam::111122223333:root\"}", &role), POLICY_ALLOW);
	assert_int_equal(trust("{\"AWS\":\"arn:aws:iam::999922223333:root\"}", &role), POLICY_NONE);
	assert_int_equal(
		trust("{\"AWS\":\"arn:aws:iam::111122223333:role/r\"}", &role), POLICY_ALLOW);
	assert_int_equal(
		trust("{\"AWS\":\"arn:aws:iam::111122223333:role/q\"}", &role), POLICY_NONE);
}

static void test_local_policy__wildcards(void **state)
{
	(void)state;
	assert_true(policy_match("", "", false));
	assert_true(policy_match("*", "", false));
	assert_true(policy_match("**a*", "xxa", false));
	assert_true(policy_match("a*b*c", "aXbXbXc", false));
	assert_false(policy_match("a*b*c", "aXbX", false));
	assert_false(policy_match("?", "", false));
	assert_false(policy_match("a", "ab", false));
	assert_true(policy_match("GET*", "getObject", true));
	/* no blow-up on what back-tracking matchers choke on */
	assert_false(policy_match("a*a*a*a*a*a*a*a*a*a*a*a*b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false));
}

static int check(const char *text, enum policy_kind kind, struct err *err)
{
	struct json *doc = NULL;
	int result = policy_check(text, kind, &doc, err);

	json_free(doc);
	return result;
}

#define TRUST                                                                                      \
	"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"glue.amazonaws.com\"}" \
	","                                                                                        \
	"\"Action\":\"sts:AssumeRole\"}]}"
#define IDENTITY "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}}"

static void test_local_policy__checks(void **state)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"Statement\":[]}",
		"{\"Statement\":[1]}",
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":1,\"Resource\":\"*\"}}",
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":[],\"Resource\":\"*\"}}",
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"NotAction\":\"s3:*\","
		"\"Resource\":\"*\"}}",
		"{\"Stmt\":1}", TRUST};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_ok(check(IDENTITY, POLICY_IDENTITY, &err), &err);
	assert_ok(check(TRUST, POLICY_TRUST, &err), &err);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(check(bad[i], POLICY_IDENTITY, &err), -1);
		assert_string_equal(err.aws_code, "MalformedPolicyDocument");
		err_release(&err);
	}
	assert_int_equal(check(IDENTITY, POLICY_TRUST, &err), -1);
	err_release(&err);
	assert_int_equal(check(IDENTITY, POLICY_MANAGED, &err), -1); /* says no version */
	assert_non_null(strstr(err.text, "version 2012-10-17"));
	err_release(&err);
}

/* Each refusal has its own words, and the first fault in IAM's order is the one that is told. */
static void test_local_policy__words(void **state)
{
	static const struct {
		const char *statement, *words;
	} refusals[] = {
		{"\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3::b\"", "legacy parsing"},
		{"\"Action\":\"s3:*\",\"Resource\":\"arn:x:s3:::b\"",
			"Partition \"x\" is not valid for resource \"arn:x:s3:::b\"."},
		{"\"Action\":\"s3:*\",\"Resource\":\"a:b:c\"",
			"Partition \"b\" is not valid for resource \"arn:b:c:*:*:*\"."},
		{"\"Action\":\"s3:*\",\"Resource\":\"arn:aws\"", "fully qualified"},
		{"\"Action\":\"s3:*\",\"Resource\":\"bucket\"", "ARN format"},
		{"\"Action\":\"a:b:c\",\"Resource\":\"*\"", "only one colon"},
		{"\"Action\":\"s3:*\",\"Resource\":\"*\",\"Sid\":1", "Syntax errors"},
		{"\"Action\":\"s3:*\",\"Resource\":\"*\",\"Condition\":{\"Like\":{\"a\":\"b\"}}",
			"Syntax errors"},
		{"\"Resource\":\"*\",\"Condition\":{\"DateEquals\":{\"a\":\"2026-1-1\"}}",
			"legacy parsing"},
		{"\"Resource\":\"*\",\"Condition\":{\"DateEquals\":{\"a\":\"2026-01-01T10:00:00Z\"}"
		 "}",
			"must contain actions"},
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		char *text = xasprintf(
			"{\"Statement\":{\"Effect\":\"Allow\",%s}}", refusals[i].statement);

		assert_int_equal(check(text, POLICY_IDENTITY, &err), -1);
		assert_non_null(strstr(err.text, refusals[i].words));
		err_release(&err);
		free(text);
	}
}
