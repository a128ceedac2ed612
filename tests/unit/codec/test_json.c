#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"

static struct json *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct json *v = json_parse(text, strlen(text), &err);
	if (!v)
		fail_msg("%s: %s", text, err.text);
	return v;
}

static void assert_prints(const struct json *v, const char *want)
{
	struct strbuf sb = STRBUF_INIT;
	json_print(v, &sb);
	assert_string_equal(sb.buf, want);
	strbuf_release(&sb);
}

static void assert_round(const char *text, const char *want)
{
	struct json *v = parse(text);
	assert_prints(v, want);
	json_free(v);
}

static void assert_refused(const char *text, size_t len, int line, int column, const char *part)
{
	struct err err = ERR_INIT;
	struct json *v = json_parse(text, len, &err);
	if (v)
		fail_msg("taken: %s", text);
	assert_int_equal(err.code, ERR_INVALID);
	if (err.line != line || err.column != column || !strstr(err.text, part))
		fail_msg("%s: %d:%d: %s", text, err.line, err.column, err.text);
	err_release(&err);
}

static void test_json__numbers_keep_their_text(void **state)
{
	(void)state;
	static const char *const texts[] = {"0", "-0", "9007199254740993", "9223372036854775807",
		"18446744073709551616", "3.0", "1e400", "-1E-400", "1.000000000000000000001",
		"0.1000000000000000055511151231257827021181583404541015625e+10",
		"1234567890123456789012345678901234567890123456789012345678901234567890123"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_round(texts[i], texts[i]);
		struct json *v = parse(texts[i]);
		assert_int_equal(json_kind(v), JSON_NUMBER);
		assert_string_equal(json_scalar_text(v), texts[i]);
		struct json *copy = json_copy(v);
		json_free(v);
		assert_string_equal(json_scalar_text(copy), texts[i]);
		json_free(copy);
	}
}

static void test_json__integers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t n;
	} cases[] = {{"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN},
		{"9007199254740993", 9007199254740993}, {"3.0", 3}, {"1e3", 1000}, {"3.5", -7},
		{"9223372036854775808", -7}, {"1e400", -7}, {"\"42\"", 42}, {"\"4x\"", -7},
		{"\"\"", -7}, {"true", -7}, {"null", -7}, {"[]", -7}, {"-0", 0}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *v = parse(cases[i].text);
		if (json_i64(v, -7) != cases[i].n)
			fail_msg("%s", cases[i].text);
		json_free(v);
	}
	assert_int_equal(json_i64(NULL, -7), -7);
}

static void test_json__refuses_what_is_no_json(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int line, column;
		const char *part;
	} cases[] = {
		{"", 1, 1, "expected a value, found the end"},
		{"  \n ", 2, 2, "expected a value"},
		{"{\n\t\"a\": 1,\n\t\"b\": }", 3, 7, "expected a value, found '}'"},
		{"[1,]", 1, 4, "expected a value, found ']'"},
		{"[1 2]", 1, 4, "expected ',' or ']', found a number"},
		{"{\"a\":1,}", 1, 8, "expected a member's name"},
		{"{a:1}", 1, 2, "unexpected 'a'"},
		{"{\"a\" 1}", 1, 6, "expected ':'"},
		{"[", 1, 2, "found the end"},
		{"01", 1, 1, "no JSON number"},
		{"1.", 1, 1, "no JSON number"},
		{".5", 1, 1, "unexpected '.'"},
		{"+1", 1, 1, "unexpected '+'"},
		{"-", 1, 1, "no JSON number"},
		{"1e", 1, 1, "no JSON number"},
		{"1 1", 1, 3, "expected the end"},
		{"tru", 1, 1, "unexpected 'tru'"},
		{"nullx", 1, 1, "unexpected 'nullx'"},
		{"NaN", 1, 1, "unexpected 'NaN'"},
		{"'a'", 1, 1, "unexpected '''"},
		{"\"a", 1, 1, "no end"},
		{"\"\t\"", 1, 2, "control character"},
		{"\"\\x\"", 1, 2, "unknown escape"},
		{"\"\\u12g4\"", 1, 2, "four hexadecimal"},
		{"\"\\ud800\"", 1, 2, "surrogate"},
		{"\"\\udc00\"", 1, 2, "surrogate"},
		{"\"\\ud800\\u0041\"", 1, 2, "surrogate"},
		{"\"\xff\"", 1, 2, "UTF-8"},
		{"\"\xc0\xaf\"", 1, 2, "UTF-8"},
		{"\"\xed\xa0\x80\"", 1, 2, "UTF-8"},
		{"\"\xf4\x90\x80\x80\"", 1, 2, "UTF-8"},
		{"\"\xe2\x82\"", 1, 2, "UTF-8"},
		{"\"\xc3\xa4\xe2\x82\xac\xff\"", 1, 4, "UTF-8"}, /* columns count characters */
		{"{\"a\":\"x\\u0000y\"}", 1, 6, "\\u0000"},
		{"{\"a\\u0000\":1}", 1, 2, "\\u0000"},
		{"// c\n1", 1, 1, "unexpected '/'"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].column,
			cases[i].part);
	assert_refused("1\0", 2, 1, 2, "unexpected byte 0x00");
	assert_refused("\"\\u12", 5, 1, 2, "four hexadecimal");
	assert_refused("\"\\", 2, 1, 2, "unknown escape");
}

static void test_json__depth(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	strbuf_addchars(&sb, '[', 128);
	strbuf_addchars(&sb, ']', 128);
	json_free(parse(sb.buf));
	strbuf_clear(&sb);
	for (int i = 0; i < 129; i++)
		strbuf_addstr(&sb, "{\"a\":");
	assert_refused(sb.buf, sb.len, 1, 128 * 5 + 1, "deeper than 128");
	strbuf_clear(&sb);
	strbuf_addchars(&sb, '[', 1000000);
	assert_refused(sb.buf, sb.len, 1, 129, "deeper than 128");
	strbuf_release(&sb);
}

static void test_json__strings(void **state)
{
	(void)state;
	assert_round("\"\\u00e4\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\\u0001\"",
		"\"\xc3\xa4\xf0\x9f\x98\x80/\\b\\f\\n\\r\\t\\\"\\\\\\u0001\"");
	assert_round("\xef\xbb\xbf[1]", "[1]");
	struct json *v = json_string("a\xff\xfe"
				     "b\x7f");
	assert_prints(v, "\"a\xef\xbf\xbd\xef\xbf\xbd"
			 "b\\u007f\"");
	json_free(v);
	v = json_string_n("a\0b", 3);
	assert_string_equal(json_str(v), "a\xef\xbf\xbd"
					 "b");
	json_free(v);
	v = json_string_n("abc", 2);
	assert_string_equal(json_str(v), "ab");
	json_free(v);
	v = json_string(NULL);
	assert_prints(v, "null");
	json_free(v);
}

static void test_json__duplicates_last_wins_in_place(void **state)
{
	(void)state;
	assert_round("{\"a\":1,\"b\":2,\"a\":3,\"A\":4}", "{\"a\":3,\"b\":2,\"A\":4}");
	struct strbuf sb = STRBUF_INIT;
	strbuf_addstr(&sb, "{");
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 3000; i++)
			strbuf_addf(&sb, "\"k%d\":%d,", i, i + round);
	strbuf_addstr(&sb, "\"last\":0}");
	struct json *v = parse(sb.buf);
	assert_int_equal(json_len(v), 3001);
	assert_string_equal(json_name(json_at(v, 15)), "k15");
	assert_string_equal(json_name(json_at(v, 16)), "k16");
	assert_int_equal(json_get_i64(v, "k15", 0), 17);
	assert_int_equal(json_get_i64(v, "k2999", 0), 3001);
	json_free(v);
	strbuf_release(&sb);
}

static void test_json__getters_take_anything(void **state)
{
	(void)state;
	struct json *v =
		parse("{\"s\":\"x\",\"n\":1,\"t\":\"TRUE\",\"a\":[{\"b\":[5,6]}],\"z\":null}");
	struct json *e;
	assert_null(json_get(NULL, "a"));
	assert_null(json_get(json_get(v, "s"), "a"));
	assert_null(json_get(v, "S"));
	assert_null(json_get(v, NULL));
	assert_null(json_at(v, 5));
	assert_null(json_get_str(v, "n"));
	assert_null(json_scalar_text(json_get(v, "a")));
	assert_null(json_scalar_text(NULL));
	assert_true(json_get_truth(v, "t", false));
	assert_false(json_get_truth(v, "s", false));
	assert_true(json_get_truth(v, "none", true));
	assert_int_equal(json_i64(json_path(v, "a.0.b.1"), 0), 6);
	assert_null(json_path(v, "a.1.b"));
	assert_null(json_path(v, "a.x"));
	assert_null(json_path(v, "s.x"));
	assert_ptr_equal(json_path(v, ""), v);
	assert_null(json_path(NULL, "a"));
	assert_int_equal(json_kind(NULL), JSON_NULL);
	assert_false(json_is(NULL, JSON_NULL));
	assert_true(json_is(json_get(v, "z"), JSON_NULL));
	assert_int_equal(json_len(NULL), 0);
	assert_null(json_first(json_get(v, "s")));
	assert_null(json_name(json_at(json_get(v, "a"), 0)));
	size_t n = 0;
	json_each(e, v) n++;
	assert_int_equal(n, 5);
	assert_null(json_copy(NULL));
	json_free(NULL);
	json_free(v);
}

static void test_json__building(void **state)
{
	(void)state;
	struct json *o = json_object();
	json_set_str(o, "a", "x");
	json_set_i64(o, "b", INT64_MIN);
	json_set_bool(o, "c", false);
	json_set_dbl(o, "d", 0.1);
	json_set_str(o, "none", NULL);
	json_set(o, "none", NULL);
	json_set(o, "a", json_array()); /* keeps its place */
	json_push_str(json_get(o, "a"), "y");
	json_push(json_get(o, "a"), NULL);
	assert_prints(o, "{\"a\":[\"y\"],\"b\":-9223372036854775808,\"c\":false,\"d\":0.1}");
	json_remove(o, "b");
	json_remove(o, "b");
	struct json *d = json_detach(o, "d");
	assert_null(json_name(d));
	json_push(json_get(o, "a"), d);
	assert_null(json_detach(o, "d"));
	json_set(o, "c", json_copy(json_get(o, "a")));
	json_push(json_get(o, "c"), json_copy(json_get(o, "a")));
	assert_prints(o, "{\"a\":[\"y\",0.1],\"c\":[\"y\",0.1,[\"y\",0.1]]}");
	assert_null(json_name(json_at(json_get(o, "c"), 2)));
	json_set(o, "a", json_get(o, "a")); /* itself */
	assert_int_equal(json_len(json_get(o, "a")), 2);
	json_free(o);
}

static void test_json__replace_keeps_name_and_place(void **state)
{
	(void)state;
	struct json *v = parse("{\"a\":1,\"b\":[1,2,3],\"c\":3}");
	json_replace(v, json_get(v, "b"), json_string("x"));
	json_replace(v, json_get(v, "c"), json_array());
	json_replace(v, json_get(v, "a"), json_object());
	json_set_i64(v, "d", 4);
	assert_prints(v, "{\"a\":{},\"b\":\"x\",\"c\":[],\"d\":4}");
	json_free(v);
	v = parse("[1]");
	json_replace(v, json_at(v, 0), json_int(2));
	json_push(v, json_int(3));
	json_replace(v, json_at(v, 1), json_int(4));
	json_push(v, json_int(5));
	assert_prints(v, "[2,4,5]");
	json_free(v);
}

static void test_json__doubles(void **state)
{
	(void)state;
	static const struct {
		double d;
		const char *text;
	} cases[] = {{0.1, "0.1"}, {1.0, "1"}, {1e21, "1e+21"}, {-0.5, "-0.5"},
		{5e-324, "4.94065645841247e-324"}, {1.0 / 3, "0.3333333333333333"},
		{INFINITY, "null"}, {NAN, "null"}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *v = json_double(cases[i].d);
		assert_prints(v, cases[i].text);
		json_free(v);
	}
	struct json *v = parse("[1e400,\"2.5\",\"x\",0.25]");
	assert_true(isinf(json_dbl(json_at(v, 0), 0)));
	assert_true(fabs(json_dbl(json_at(v, 1), 0) - 2.5) < 1e-9);
	assert_true(fabs(json_dbl(json_at(v, 2), 7) - 7) < 1e-9);
	assert_true(fabs(json_dbl(json_at(v, 3), 7) - 0.25) < 1e-9);
	json_free(v);
}

static void test_json__pretty(void **state)
{
	(void)state;
	struct json *v = parse("{\"a\":[1,{}],\"b\":[],\"c\":{\"d\":null}}");
	struct strbuf sb = STRBUF_INIT;
	json_print_pretty(v, &sb);
	assert_string_equal(sb.buf, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": [],\n"
				    "  \"c\": {\n    \"d\": null\n  }\n}");
	strbuf_release(&sb);
	json_free(v);
}

static void test_json__canonical(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"{\"b\":1,\"a\":{\"d\":[],\"c\":2}}", "{\"a\":{\"c\":2,\"d\":[]},\"b\":1}"},
		{"[1,1.0,1e0,10e-1,0.1e1]", "[1,1,1,1,1]"},
		{"[-0,0.0,0e99,-0.000]", "[0,0,0,0]"},
		{"[100,1e2,1.00e2]", "[100,100,100]"},
		{"[0.001,1e-3,-1.50]", "[0.001,0.001,-1.5]"},
		{"[1e20,1e21,1e22,123e19]", "[100000000000000000000,1e+21,1e+22,1.23e+21]"},
		{"[1e-6,1e-7,1.5e-7]", "[0.000001,1e-7,1.5e-7]"},
		{"[9007199254740993,9007199254740992.0]", "[9007199254740993,9007199254740992]"},
		{"[1e99999999999999999999]", "[1e+999999999999999]"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *v = parse(cases[i][0]);
		struct strbuf sb = STRBUF_INIT;
		json_print_canonical(v, &sb);
		assert_string_equal(sb.buf, cases[i][1]);
		strbuf_release(&sb);
		json_free(v);
	}
}

static void assert_equality(const char *a, const char *b, bool same)
{
	struct json *left = parse(a), *right = parse(b);
	if (json_equal(left, right) != same)
		fail_msg("%s and %s", a, b);
	json_free(left);
	json_free(right);
}

static void test_json__equal(void **state)
{
	(void)state;
	assert_equality("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1e0}", true);
	assert_equality("[1,2]", "[2,1]", false);
	assert_equality("1", "\"1\"", false);
	assert_equality("9007199254740993", "9007199254740992", false);
	assert_equality("{}", "[]", false);
	assert_equality("{\"a\":null}", "{}", false);
	assert_true(json_equal(NULL, NULL));
}

static void test_json__a_bool_keeps_the_word(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	struct json *list = json_array(), *copy;
	json_push(list, json_bool_text(true, "yes"));
	json_push(list, json_bool_text(false, "Off"));
	copy = json_copy(list);
	assert_true(json_equal(list, copy));
	assert_true(json_truth(json_at(copy, 0), false));
	assert_string_equal(json_scalar_text(json_at(copy, 1)), "Off");
	json_print_canonical(copy, &sb);
	assert_string_equal(sb.buf, "[true,false]");
	json_replace(copy, json_at(copy, 0), json_bool(true));
	assert_string_equal(json_scalar_text(json_at(copy, 0)), "true");
	assert_true(json_equal(list, copy));
	json_free(list);
	json_free(copy);
	strbuf_release(&sb);
}
