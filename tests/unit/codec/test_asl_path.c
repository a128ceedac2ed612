#include "asl_internal.h"

#include <string.h>
#include "testing.h"

static const char *const store =
	"{\"store\":{\"book\":[{\"t\":\"A\",\"p\":8.95,\"k\":\"x\"},{\"t\":\"B\",\"p\":12.99},"
	"{\"t\":\"C\",\"p\":8.99,\"i\":\"0-5\"},{\"t\":\"D\",\"p\":22.99}],\"color\":\"red\","
	"\"a b\":{\"c.d\":1}},\"n\":null,\"é\":2,\"a-b\":3}";

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text), NULL);

	assert_non_null(v);
	return v;
}

/* What stands at the path, as JSON; "none": nothing; "bad": it is no path. */
static const char *at(const char *path, const char *input)
{
	static struct strbuf sb = STRBUF_INIT;
	struct json *in = parse(input);
	struct json *vars = parse("{\"v\":{\"x\":[1,2]},\"w\":1}");
	struct json *outer = parse("{\"w\":2,\"o\":\"out\"}"), *found;
	struct asl_vars far = {outer, NULL}, near = {vars, &far};
	struct asl_scope s = {.input = in, .vars = &near};
	struct err err = ERR_INIT;

	s.context = parse("{\"Map\":{\"Item\":{\"Index\":4}}}");
	strbuf_clear(&sb);
	found = asl_path_get(path, &s, &err);
	if (found)
		json_print(found, &sb);
	else
		strbuf_addstr(&sb, err.code == ERR_NOT_FOUND ? "none" : "bad");
	asl_scope_release(&s);
	json_free(found);
	json_free(vars);
	json_free(outer);
	json_free(in);
	err_release(&err);
	return sb.buf;
}

static void test_asl_path__values(void **state)
{
	static const char *const cases[][2] = {
		{"$.store.color", "\"red\""},
		{"$['store']['color']", "\"red\""},
		{"$[\"store\"].color", "\"red\""},
		{"$.store['a b']['c.d']", "1"},
		{"$.n", "null"},
		{"$.n.x", "none"},
		{"$.é", "2"},
		{"$.a-b", "3"},
		{"$.store.nothing", "none"},
		{"$.store.book[0].t", "\"A\""},
		{"$.store.book[-1].t", "\"D\""},
		{"$.store.book[4]", "none"},
		{"$.store.book[*].t", "[\"A\",\"B\",\"C\",\"D\"]"},
		{"$.store.book[0,2].t", "[\"A\",\"C\"]"},
		{"$.store.book[1:3].t", "[\"B\",\"C\"]"},
		{"$.store.book[:2].t", "[\"A\",\"B\"]"},
		{"$.store.book[-2:].t", "[\"C\",\"D\"]"},
		{"$.store.book[::2].t", "[\"A\",\"C\"]"},
		{"$..t", "[\"A\",\"B\",\"C\",\"D\"]"},
		{"$.store..p", "[8.95,12.99,8.99,22.99]"},
		{"$.store.book[0].*", "[\"A\",8.95,\"x\"]"},
		{"$.store.book[0]['t','k']", "[\"A\",\"x\"]"},
		{"$.store.book[?(@.p < 10)].t", "[\"A\",\"C\"]"},
		{"$.store.book[?(@.i)].t", "[\"C\"]"},
		{"$.store.book[?(!(@.i) && @.p>=12.99)].t", "[\"B\",\"D\"]"},
		{"$.store.book[?(@.t == 'B' || @['t'] == \"D\")].p", "[12.99,22.99]"},
		{"$.store.book[?(@.t == $.none)].t", "[]"},
		{"$.store.book[?(@.p == $.store.book[0].p)].t", "[\"A\"]"},
		{"$.store.book.length()", "4"},
		{"$..nothing", "[]"},
		{"$v.x[1]", "2"},
		{"$w", "1"},
		{"$o", "\"out\""},
		{"$missing", "none"},
		{"$$.Map.Item.Index", "4"},
		{"$$.Map.Other", "none"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strcmp(at(cases[i][0], store), cases[i][1]) != 0)
			fail_msg("%s gives %s", cases[i][0], at(cases[i][0], store));
	}
	assert_string_equal(at("$", "[1]"), "[1]");
	assert_string_equal(at("$[0]", "[1]"), "1");
	assert_string_equal(at("$.a", "[{\"a\":1}]"), "none");
}

static void test_asl_path__what_is_no_path(void **state)
{
	static const char *const bad[] = {"", "a", "$.", "$..", "$.a.", "$[", "$[]", "$['a",
		"$[?(]", "$[?(@.a ==)]", "$[1", "$.a b", "@.a", "$.a]", "$[99999999999]",
		"$[0:2:0]", "$[?(@.a) && ]", "States.UUID()", "$.a || $.b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (asl_path_valid(bad[i], ASL_PATH_ANY))
			fail_msg("%s is taken for a path", bad[i]);
		assert_string_equal(at(bad[i], "{}"), "bad");
	}
}

static void test_asl_path__reference_paths(void **state)
{
	(void)state;
	assert_true(asl_path_valid("$.a.b[0]['c d']", ASL_PATH_REFERENCE));
	assert_true(asl_path_valid("$$.a", ASL_PATH_REFERENCE));
	assert_true(asl_path_valid("$v.a", ASL_PATH_REFERENCE));
	assert_false(asl_path_valid("$.a[*]", ASL_PATH_REFERENCE));
	assert_false(asl_path_valid("$.a[-1]", ASL_PATH_REFERENCE));
	assert_false(asl_path_valid("$..a", ASL_PATH_REFERENCE));
	assert_false(asl_path_valid("$.a[0,1]", ASL_PATH_REFERENCE));
	assert_false(asl_path_valid("$.a[0:1]", ASL_PATH_REFERENCE));
	assert_false(asl_path_valid("$.a[?(@.b)]", ASL_PATH_REFERENCE));
	assert_false(asl_path_valid("$.a.length()", ASL_PATH_REFERENCE));
	assert_false(asl_path_valid("$$.a", ASL_PATH_RESULT));
	assert_false(asl_path_valid("$v", ASL_PATH_RESULT));
}

/* A tree of arrays that each step doubles: the walk is bounded. */
static void test_asl_path__a_walk_is_bounded(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	for (int i = 0; i < 100; i++)
		strbuf_addstr(&sb, "[1,");
	strbuf_addstr(&sb, "1");
	for (int i = 0; i < 100; i++)
		strbuf_addstr(&sb, "]");
	assert_string_equal(at("$..*..*..*..*..*", sb.buf), "bad");
	strbuf_release(&sb);
}

static const char *put(const char *input, const char *path, const char *value)
{
	static struct strbuf sb = STRBUF_INIT;
	struct json *in = parse(input);
	struct err err = ERR_INIT;
	struct json *out = asl_path_put(in, path, parse(value), &err);

	strbuf_clear(&sb);
	if (out)
		json_print(out, &sb);
	else
		strbuf_addstr(&sb, err_name(&err));
	json_free(in);
	json_free(out);
	err_release(&err);
	return sb.buf;
}

static void test_asl_path__result_paths(void **state)
{
	(void)state;
	assert_string_equal(put("{\"a\":1}", "$", "2"), "2");
	assert_string_equal(put("{\"a\":1}", "$.b", "2"), "{\"a\":1,\"b\":2}");
	assert_string_equal(put("{\"a\":1}", "$.b.c.d", "2"), "{\"a\":1,\"b\":{\"c\":{\"d\":2}}}");
	assert_string_equal(put("{\"a\":[1,2]}", "$.a[1]", "3"), "{\"a\":[1,3]}");
	assert_string_equal(put("{\"a\":1}", "$.a", "{}"), "{\"a\":{}}");
	assert_string_equal(put("{\"a\":null}", "$.a.b", "1"), "{\"a\":{\"b\":1}}");
	assert_string_equal(put("{\"a\":1}", "$.a.b", "1"), "States.ResultPathMatchFailure");
	assert_string_equal(put("{\"a\":[1]}", "$.a[1]", "1"), "States.ResultPathMatchFailure");
	assert_string_equal(put("[1]", "$.a", "1"), "States.ResultPathMatchFailure");
}
