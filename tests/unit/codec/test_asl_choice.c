#include "asl_internal.h"

#include <string.h>
#include "testing.h"

static const char *const input =
	"{\"s\":\"log-2026.txt\",\"star\":\"a*b\",\"n\":7,\"m\":7.5,\"t\":true,\"z\":null,"
	"\"at\":\"2026-11-21T09:00:00Z\",\"same\":\"2026-11-21T10:00:00+01:00\","
	"\"later\":\"2026-11-21T09:00:00.500Z\",\"o\":{}}";

static int holds(const char *rule, struct err *err)
{
	struct json *in = json_parse(input, strlen(input), NULL);
	struct json *r = json_parse(rule, strlen(rule), NULL);
	struct asl_scope s = {.input = in};
	int rc;

	assert_non_null(r);
	rc = asl_choice(r, &s, err);
	json_free(in);
	json_free(r);
	return rc;
}

/* Variable, comparator, operand, and what comes of it. */
static const struct {
	const char *variable, *comparator, *operand;
	int want;
} cases[] = {
	{"$.s", "StringEquals", "\"log-2026.txt\"", 1},
	{"$.s", "StringEquals", "\"log\"", 0},
	{"$.n", "StringEquals", "\"7\"", 0},
	{"$.s", "StringEqualsPath", "\"$.s\"", 1},
	{"$.s", "StringLessThan", "\"m\"", 1},
	{"$.s", "StringLessThanPath", "\"$.at\"", 0},
	{"$.s", "StringLessThanEquals", "\"log-2026.txt\"", 1},
	{"$.s", "StringLessThanEqualsPath", "\"$.s\"", 1},
	{"$.s", "StringGreaterThan", "\"a\"", 1},
	{"$.s", "StringGreaterThanPath", "\"$.s\"", 0},
	{"$.s", "StringGreaterThanEquals", "\"z\"", 0},
	{"$.s", "StringGreaterThanEqualsPath", "\"$.s\"", 1},
	{"$.s", "StringMatches", "\"log-*.txt\"", 1},
	{"$.s", "StringMatches", "\"*\"", 1},
	{"$.s", "StringMatches", "\"*2*6*\"", 1},
	{"$.s", "StringMatches", "\"*.csv\"", 0},
	{"$.s", "StringMatches", "\"log-????.txt\"", 0},
	{"$.star", "StringMatches", "\"a\\\\*b\"", 1},
	{"$.s", "StringMatches", "\"log\\\\*\"", 0},
	{"$.n", "StringMatches", "\"*\"", 0},
	{"$.n", "NumericEquals", "7.0", 1},
	{"$.n", "NumericEqualsPath", "\"$.m\"", 0},
	{"$.n", "NumericLessThan", "7.1", 1},
	{"$.n", "NumericLessThanPath", "\"$.m\"", 1},
	{"$.n", "NumericLessThanEquals", "7", 1},
	{"$.m", "NumericLessThanEqualsPath", "\"$.n\"", 0},
	{"$.n", "NumericGreaterThan", "7", 0},
	{"$.m", "NumericGreaterThanPath", "\"$.n\"", 1},
	{"$.n", "NumericGreaterThanEquals", "7", 1},
	{"$.n", "NumericGreaterThanEqualsPath", "\"$.m\"", 0},
	{"$.s", "NumericEquals", "7", 0},
	{"$.t", "BooleanEquals", "true", 1},
	{"$.t", "BooleanEquals", "false", 0},
	{"$.t", "BooleanEqualsPath", "\"$.t\"", 1},
	{"$.s", "BooleanEquals", "true", 0},
	{"$.at", "TimestampEquals", "\"2026-11-21T11:00:00+02:00\"", 1},
	{"$.at", "TimestampEqualsPath", "\"$.same\"", 1},
	{"$.at", "TimestampLessThan", "\"2026-11-21T09:00:00.1Z\"", 1},
	{"$.at", "TimestampLessThanPath", "\"$.later\"", 1},
	{"$.at", "TimestampLessThanEquals", "\"2026-11-21T09:00:00Z\"", 1},
	{"$.at", "TimestampLessThanEqualsPath", "\"$.same\"", 1},
	{"$.at", "TimestampGreaterThan", "\"2020-01-01T00:00:00Z\"", 1},
	{"$.at", "TimestampGreaterThanPath", "\"$.later\"", 0},
	{"$.at", "TimestampGreaterThanEquals", "\"2026-11-21T09:00:00Z\"", 1},
	{"$.later", "TimestampGreaterThanEqualsPath", "\"$.at\"", 1},
	{"$.s", "TimestampEquals", "\"2026-11-21T09:00:00Z\"", 0},
	{"$.z", "IsNull", "true", 1},
	{"$.s", "IsNull", "false", 1},
	{"$.z", "IsPresent", "true", 1},
	{"$.nope", "IsPresent", "false", 1},
	{"$.nope", "IsPresent", "true", 0},
	{"$.n", "IsNumeric", "true", 1},
	{"$.s", "IsNumeric", "true", 0},
	{"$.s", "IsString", "true", 1},
	{"$.t", "IsBoolean", "true", 1},
	{"$.at", "IsTimestamp", "true", 1},
	{"$.s", "IsTimestamp", "false", 1},
};

static void test_asl_choice__every_comparator(void **state)
{
	struct err err = ERR_INIT;
	char *rule;
	int got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		rule = xasprintf("{\"Variable\":\"%s\",\"%s\":%s,\"Next\":\"N\"}",
			cases[i].variable, cases[i].comparator, cases[i].operand);
		assert_non_null(asl_comparator(cases[i].comparator));
		got = holds(rule, &err);
		if (got != cases[i].want)
			fail_msg("%s: %d", rule, got);
		free(rule);
	}
	assert_null(asl_comparator("And"));
	assert_null(asl_comparator("StringMatchesPath"));
	assert_null(asl_comparator("IsPresentPath"));
}

static void test_asl_choice__combinations(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(holds("{\"Not\":{\"Variable\":\"$.n\",\"NumericEquals\":7}}", &err), 0);
	assert_int_equal(holds("{\"And\":[{\"Variable\":\"$.n\",\"IsPresent\":true},{\"Variable\":"
			       "\"$.n\",\"NumericLessThan\":9}]}",
				 &err),
		1);
	assert_int_equal(holds("{\"Or\":[{\"Variable\":\"$.n\",\"NumericEquals\":1},{\"Not\":{"
			       "\"Variable\":\"$.x\",\"IsPresent\":true}}]}",
				 &err),
		1);
	/* what decides ends the looking */
	assert_int_equal(holds("{\"And\":[{\"Variable\":\"$.x\",\"IsPresent\":true},{\"Variable\":"
			       "\"$.x\",\"NumericLessThan\":9}]}",
				 &err),
		0);
	assert_int_equal(holds("{\"Variable\":\"$.x\",\"NumericEquals\":1}", &err), -1);
	assert_string_equal(err_name(&err), "States.Runtime");
	assert_string_equal(err.text, "Invalid path '$.x': The choice state's condition path "
				      "references an invalid value.");
	assert_int_equal(holds("{\"Variable\":\"$.n\",\"NumericEqualsPath\":\"$.x\"}", &err), -1);
	err_release(&err);
}

static void test_asl_choice__timestamps(void **state)
{
	static const char *const bad[] = {"", "2026-11-21", "2026-11-21T09:00Z",
		"2026-11-21T09:00:00", "2026-11-21 09:00:00Z", "2026-11-21t09:00:00Z",
		"2026-11-21T09:00:00.Z", "2026-11-21T09:00:00+0100", "2026-11-21T09:00:00Zx"};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (asl_timestamp(bad[i], &ms) == 0)
			fail_msg("'%s' is taken for a timestamp", bad[i]);
	}
	assert_int_equal(asl_timestamp("1970-01-01T01:00:00.250+01:00", &ms), 0);
	assert_int_equal(ms, 250);
}
