#include "testing.h"

#include <string.h>
#include "strbuf.h"
#include "yaml.h"

/* `values` is split at '|'; more than one, or a leading '|', makes a list. */
static int set(
	const char *text, const char *key, const char *values, struct strbuf *out, struct err *err)
{
	const char *list[8];
	char copy[200];
	size_t nr = 0;
	bool is_list = *values == '|';
	snprintf(copy, sizeof(copy), "%s", values + is_list);
	for (char *p = copy; p && (*p || !is_list || nr);) {
		char *bar = strchr(p, '|');
		if (bar)
			*bar = '\0';
		list[nr++] = p;
		p = bar ? bar + 1 : NULL;
	}
	return yaml_edit_set("c.yaml", text, strlen(text), key, list, nr, is_list, out, err);
}

static void assert_set(const char *text, const char *key, const char *values, const char *want)
{
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;
	assert_ok(set(text, key, values, &out, &err), &err);
	assert_string_equal(out.buf, want);
	strbuf_release(&out);
}

static void test_yaml_edit__replaces_scalars(void **state)
{
	(void)state;
	assert_set("# top\na: 1 # one\n\nb: 2\n", "a", "x y", "# top\na: x y # one\n\nb: 2\n");
	assert_set("a:   'old'   # c\nb: 2", "a", "new", "a:   new   # c\nb: 2");
	assert_set("a: 1\r\nb: 2\r\n", "b", "3", "a: 1\r\nb: 3\r\n");
	assert_set("\xc3\xa4: \xe2\x82\xac # \xc3\xb6\nb: 2 # z\n", "b", "\xc3\xbc",
		"\xc3\xa4: \xe2\x82\xac # \xc3\xb6\nb: \xc3\xbc # z\n");
	assert_set("\xef\xbb\xbf"
		   "a: 1\n",
		"a", "2",
		"\xef\xbb\xbf"
		"a: 2\n");
	assert_set("a: !Env KEY # secret\nb: 1\n", "a", "v", "a: v # secret\nb: 1\n");
	assert_set("'a': 1\n", "a", "2", "'a': 2\n");
	assert_set("x: {a: 1}\na: 2\n", "a", "3", "x: {a: 1}\na: 3\n");
}

static void test_yaml_edit__fills_empty_values(void **state)
{
	(void)state;
	assert_set("a:\nb: 2\n", "a", "x", "a: x\nb: 2\n");
	assert_set("a:   # todo\nb: 2\n", "a", "x", "a: x   # todo\nb: 2\n");
	assert_set("b: 2\na:", "a", "x", "b: 2\na: x");
	assert_set("b: 2\na: \"\"\n", "a", "x", "b: 2\na: x\n");
}

static void test_yaml_edit__replaces_collections(void **state)
{
	(void)state;
	assert_set("a: [1, 2] # l\nb: 1\n", "a", "|x|y, z", "a: [x, \"y, z\"] # l\nb: 1\n");
	assert_set("a: # why\n  # how\n  - 1\n  - 2\n# b's\nb: 1\n", "a", "|x|y",
		"a: # why\n  # how\n  [x, y]\n# b's\nb: 1\n");
	assert_set("a:\n- 1\n- 2\n\n# b's\nb: 1\n", "a", "|x", "a:\n  [x]\n\n# b's\nb: 1\n");
	assert_set("a:\n- 1\n- 2\nb: 1\n", "a", "x", "a:\n  x\nb: 1\n");
	assert_set("a:\n  c: {d: [1]}\n  e: f\n# end\n", "a", "x", "a:\n  x\n# end\n");
	assert_set("a: |\n  line\n  line\nb: 1\n", "a", "x", "a: x\nb: 1\n");
	assert_set("a: 1\n", "a", "|", "a: []\n");
}

static void test_yaml_edit__appends(void **state)
{
	(void)state;
	assert_set("", "a", "x", "a: x\n");
	assert_set("# c", "a", "x", "# c\na: x\n");
	assert_set("a: 1\n# end\n", "b", "|x|y", "a: 1\n# end\nb: [x, y]\n");
	assert_set("a: 1\r\n", "b", "2", "a: 1\r\nb: 2\r\n");
	assert_set("---\na: 1\n...\n", "b", "2", "---\na: 1\nb: 2\n...\n");
	assert_set("  a: 1\n", "b", "2", "  a: 1\n  b: 2\n");
	assert_set("a: |\n  text\n", "b", "2", "a: |\n  text\nb: 2\n");
	assert_set("a: 1\n", "b c: d", "2", "a: 1\n\"b c: d\": 2\n");
}

static void test_yaml_edit__flow_roots(void **state)
{
	(void)state;
	assert_set("{\"a\": 1, \"b\": \"x\"}\n", "b", "y", "{\"a\": 1, \"b\": \"y\"}\n");
	assert_set("{\"a\": 1}\n", "a", "2", "{\"a\": 2}\n");
	assert_set("{\"a\": 1\n}\n", "c", "z", "{\"a\": 1, \"c\": \"z\"\n}\n");
	assert_set("{a: 1,}\n", "c", "|z|true", "{a: 1, \"c\": [\"z\", true],}\n");
	assert_set("{}\n", "c", "z", "{\"c\": \"z\"}\n");
	assert_set("{\"a\": [1, {\"b\": 2}]}", "c", "3", "{\"a\": [1, {\"b\": 2}], \"c\": 3}");
}

static void test_yaml_edit__quotes_when_needed(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"", "\"\""}, {"~", "\"~\""}, {"null", "\"null\""},
		{"3.0", "3.0"}, {"-5", "-5"}, {"true", "true"}, {"a#b", "\"a#b\""},
		{"a: b", "\"a: b\""}, {"a:", "\"a:\""}, {"s3://bucket/key", "s3://bucket/key"},
		{" a", "\" a\""}, {"a ", "\"a \""}, {"- a", "\"- a\""}, {"-a", "\"-a\""},
		{"*a", "\"*a\""}, {"&a", "\"&a\""}, {"!a", "\"!a\""}, {"[a", "\"[a\""},
		{"%a", "\"%a\""}, {"@a", "\"@a\""}, {"`a", "\"`a\""}, {"a\"b\\", "\"a\\\"b\\\\\""},
		{"a\nb\tc", "\"a\\nb\\tc\""}, {"\x01", "\"\\u0001\""}, {"'a'", "\"'a'\""},
		{"---", "\"---\""}, {"2026-11-21", "2026-11-21"}, {"a, b", "\"a, b\""},
		{"a  b", "a  b"}, {"${X}", "\"${X}\""}, {"=", "\"=\""}, {"<<", "\"<<\""}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strbuf out = STRBUF_INIT, want = STRBUF_INIT;
		struct err err = ERR_INIT;
		const char *value = cases[i][0];
		assert_ok(yaml_edit_set("c", "k: 1\n", 5, "k", &value, 1, false, &out, &err), &err);
		strbuf_addf(&want, "k: %s\n", cases[i][1]);
		assert_string_equal(out.buf, want.buf);
		strbuf_release(&out);
		strbuf_release(&want);
	}
}

static void test_yaml_edit__refuses_what_would_break(void **state)
{
	(void)state;
	static const char *const texts[] = {"a: &x 1\nb: *x\n", "- a\n", "a: 1\na: 2\n", "a: [\n",
		"{\"a\": \"\\ud83d\\ude00\"}"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct strbuf out = STRBUF_INIT;
		struct err err = ERR_INIT;
		assert_int_equal(set(texts[i], "a", "v", &out, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_string_equal(err.file, "c.yaml");
		assert_int_equal(out.len, 0);
		err_release(&err);
		strbuf_release(&out);
	}
}
