#include "asl_internal.h"

#include <string.h>
#include "testing.h"

static const char *const input = "{\"a\":[1,2,2,3,\"x\",null],\"n\":7,\"s\":\"Ann\",\"o\":{\"k\":["
				 "1,{\"z\":null}]},\"t\":\"{} is {}\"}";

static void fixed_bytes(void *payload, void *out, size_t len)
{
	(void)payload;
	memset(out, 0xab, len);
}

/* The result as JSON, or "ERROR: CAUSE". */
static const char *run(const char *text)
{
	static struct strbuf sb = STRBUF_INIT;
	struct asl_host host = {.random = fixed_bytes};
	struct json *in = json_parse(input, strlen(input), NULL), *v;
	struct asl_scope s = {.input = in, .host = &host};
	struct err err = ERR_INIT;

	strbuf_clear(&sb);
	v = asl_intrinsic(text, &s, &err);
	if (v)
		json_print(v, &sb);
	else
		strbuf_addf(&sb, "%s: %s", err_name(&err), err.text);
	json_free(v);
	json_free(in);
	err_release(&err);
	return sb.buf;
}

static void test_asl_intrinsic__values(void **state)
{
	static const char *const cases[][2] = {
		{"States.Format('Hello, {}! You are {}', $.s, $.n)", "\"Hello, Ann! You are 7\""},
		{"States.Format('{}{}', $.o, 'it\\'s')",
			"\"{\\\"k\\\":[1,{\\\"z\\\":null}]}it's\""},
		{"States.Format('\\{\\} \\\\ {}', null)", "\"{} \\\\ null\""},
		{"States.Format($.t, 'sky', true)", "\"sky is true\""},
		{"States.Format('é')", "\"é\""},
		{"States.StringToJson('[1,\"a\"]')", "[1,\"a\"]"},
		{"States.JsonToString($.o)", "\"{\\\"k\\\":[1,{\\\"z\\\":null}]}\""},
		{"States.Array()", "[]"},
		{"States.Array('a', 1, -2.5, $.o, States.Array(1))",
			"[\"a\",1,-2.5,{\"k\":[1,{\"z\":null}]},[1]]"},
		{"States.ArrayPartition($.a, 4)", "[[1,2,2,3],[\"x\",null]]"},
		{"States.ArrayContains($.a, 'x')", "true"},
		{"States.ArrayContains($.a, 9)", "false"},
		{"States.ArrayRange(1, 9, 2)", "[1,3,5,7,9]"},
		{"States.ArrayRange(5, 1, -2)", "[5,3,1]"},
		{"States.ArrayRange(5, 1, 1)", "[]"},
		{"States.ArrayGetItem($.a, 4)", "\"x\""},
		{"States.ArrayLength($.a)", "6"},
		{"States.ArrayUnique($.a)", "[1,2,3,\"x\",null]"},
		{"States.Base64Encode('Data to encode')", "\"RGF0YSB0byBlbmNvZGU=\""},
		{"States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "\"Data to encode\""},
		{"States.Hash('abc', 'MD5')", "\"900150983cd24fb0d6963f7d28e17f72\""},
		{"States.Hash('abc', 'SHA-1')", "\"a9993e364706816aba3e25717850c26c9cd0d89d\""},
		{"States.Hash('abc', 'SHA-384')",
			"\"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
			"8086072ba1e7cc2358baeca134c825a7\""},
		{"States.JsonMerge($.o, States.StringToJson('{\"q\":1}'), false)",
			"{\"k\":[1,{\"z\":null}],\"q\":1}"},
		{"States.MathAdd($.n, -1)", "6"},
		{"States.MathAdd(1.5, 1)", "3"},
		{"States.MathRandom(3, 4)", "3"},
		{"States.StringSplit('1,2,;3', ',;')", "[\"1\",\"2\",\"3\"]"},
		{"States.UUID()", "\"abababab-abab-4bab-abab-abababababab\""},
		{"States.ArrayLength( States.ArrayRange(1,$.n,1) )", "7"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strcmp(run(cases[i][0]), cases[i][1]) != 0)
			fail_msg("%s gives %s", cases[i][0], run(cases[i][0]));
		assert_true(asl_intrinsic_valid(cases[i][0]));
	}
	assert_string_equal(
		run("States.MathRandom(1, 1000, 5)"), run("States.MathRandom(1, 1000, 5)"));
}

static void test_asl_intrinsic__errors(void **state)
{
	static const char *const cases[] = {"States.Format('{}')", "States.Format('{} {}', 1)",
		"States.Format('x', 1)", "States.Format('{x}', 1)", "States.Format($.n)",
		"States.StringToJson('{')", "States.StringToJson($.n)",
		"States.ArrayPartition($.a, 0)", "States.ArrayPartition($.n, 1)",
		"States.ArrayContains($.s, 1)", "States.ArrayRange(1, 2, 0)",
		"States.ArrayRange(1, 2000, 1)", "States.ArrayGetItem($.a, 6)",
		"States.ArrayGetItem($.a, -1)", "States.ArrayLength($.s)",
		"States.Base64Decode('*')", "States.Hash('a', 'MD4')",
		"States.JsonMerge($.o, $.o, true)", "States.JsonMerge($.a, $.o, false)",
		"States.MathRandom(4, 4)", "States.MathAdd('1', 2)", "States.StringSplit(1, ',')"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(asl_intrinsic_valid(cases[i]));
		if (!starts_with(run(cases[i]), "States.IntrinsicFailure: The function '"))
			fail_msg("%s gives %s", cases[i], run(cases[i]));
	}
	assert_true(starts_with(run("States.Format('{}', $.none)"),
		"States.Runtime: The JsonPath argument for the field '$.none' could not be found "
		"in "
		"the input '{\"a\":"));
}

static void test_asl_intrinsic__syntax(void **state)
{
	static const char *const bad[] = {"States.Format", "States.Format(", "States.Format('a'",
		"States.Format('a' 'b')", "States.Format('a) ", "States.Nope()", "States.UUID(1)",
		"States.UUID() x", "States.Array(abc)", "States.Array(1,)", "States.Array($.)",
		"States.MathAdd(1)",
		"States.Array(States.Array(States.Array(States.Array(States."
		"Array(States.Array(States.Array(States.Array(States.Array("
		"States.Array(States.Array()))))))))))"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (asl_intrinsic_valid(bad[i]))
			fail_msg("%s is taken for a function", bad[i]);
		assert_true(starts_with(run(bad[i]), "States.IntrinsicFailure: "));
	}
}

static void test_asl_intrinsic__templates(void **state)
{
	static const char template[] = "{\"a.$\":\"$.n\",\"b\":[{\"c.$\":\"States.Format('{}', "
				       "$.s)\"},\"$.n\"],\"d\":{\"e\":1},\".$\":2}";
	struct json *t = json_parse(template, strlen(template), NULL), *v;
	struct json *in = json_parse(input, strlen(input), NULL);
	struct asl_scope s = {.input = in};
	struct strbuf sb = STRBUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	v = asl_template(t, &s, &err);
	json_print(v, &sb);
	assert_string_equal(
		sb.buf, "{\"a\":7,\"b\":[{\"c\":\"Ann\"},\"$.n\"],\"d\":{\"e\":1},\".$\":2}");
	json_free(v);
	json_free(t);
	t = json_parse("{\"J.$\":\"$.Job\"}", 15, NULL);
	assert_non_null(t);
	assert_null(asl_template(t, &s, &err));
	assert_string_equal(err_name(&err), "States.Runtime");
	assert_true(starts_with(err.text, "The JSONPath '$.Job' specified for the field 'J.$' "
					  "could not be found in the input '{"));
	json_free(t);
	json_free(in);
	err_release(&err);
	strbuf_release(&sb);
}
