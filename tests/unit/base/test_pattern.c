#include "testing.h"

#include <string.h>
#include "pattern.h"
#include "strbuf.h"

static int match(const char *pattern, const char *text)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const struct pattern *p = pattern_compile(&a, pattern, &err);
	if (!p)
		fail_msg("'%s': %s", pattern, err.text);
	int ret = pattern_match(p, text);
	arena_release(&a);
	return ret;
}

static enum err_code refused(const char *pattern)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	assert_null(pattern_compile(&a, pattern, &err));
	assert_non_null(err.text);
	enum err_code code = err.code;
	err_release(&err);
	arena_release(&a);
	return code;
}

static void test_pattern__matches_the_whole_text_as_java_does(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		int ret;
	} cases[] = {
		{"", "", 1},
		{"", "a", 0},
		{"a", "ab", 0},
		{"a|ab", "ab", 1},
		{"^[a-z][a-z0-9-]*$", "sales-lake", 1},
		{"^[a-z][a-z0-9-]*$", "Sales", 0},
		{"[a-zA-Z][a-zA-Z0-9]*", "a1B", 1},
		{"\\d{3}-\\d{2,}", "123-4567", 1},
		{"\\d{3}-\\d{2,}", "123-4", 0},
		{"\\D+\\W?\\S*", "abc-x", 1},
		{"[^\\s]+", "a b", 0},
		{"[\\D]", "5", 0},
		{"[\\D]", "x", 1},
		{"[^\\D]", "5", 1},
		{"[\\w.-]+@[\\w-]+\\.com", "some.one-else@mail.com", 1},
		{"(?:ab)+c?", "ababc", 1},
		{"(ab){2,3}", "ab", 0},
		{"(ab){2,3}", "ababab", 1},
		{"(ab){2,3}", "abababab", 0},
		{"(?=.*[A-Z])(?=.*\\d).{8,}", "abcdefG1", 1},
		{"(?=.*[A-Z])(?=.*\\d).{8,}", "abcdefg1", 0},
		{"(?!aws:).*", "aws:tag", 0},
		{"(?!aws:).*", "mine", 1},
		{".*?x", "aaxbx", 1},
		{"a*+a", "aaa", 0},
		{"(a|b|)*", "abab", 1},
		{"(a*)*b", "aaab", 1},
		{"()*", "", 1},
		{"\\x41\\u0042[\\x20-\\x7E]*", "ABcd~", 1},
		{"[\\x20-\\x7E]*", "\xc3\xa9", 0},
		{".", "\xc3\xa9", 1},
		{"..", "\xc3\xa9", 0},
		{"[^a]", "\xf0\x9f\x98\x80", 1},
		{".", "\n", 0},
		{"[]a]+", "]a", 1},
		{"[a-]+", "-a", 1},
		{"a\\.b\\$\\{", "a.b${", 1},
		{"\\bfoo\\b.*", "foo bar", 1},
		{"\\bfoo\\b.*", "foobar", 0},
		{"s3://[a-z0-9.-]{3,63}/.*", "s3://bucket/key", 1},
		{".*\xc3", "\x80\x80\xc3", 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (match(cases[i].pattern, cases[i].text) != cases[i].ret)
			fail_msg("'%s' on '%s' is not %d", cases[i].pattern, cases[i].text,
				cases[i].ret);
}

static void test_pattern__refuses_wrong_and_unsupported_ones(void **state)
{
	(void)state;
	static const char *const wrong[] = {"(", ")", "a)", "[a", "[", "*a", "a{2", "a{3,2}", "\\",
		"[z-a]", "a{99999999}", "\\xg0", "(?"};
	static const char *const unsupported[] = {
		"(a)\\1", "(?<=a)b", "(?i)a", "\\p{L}", "[a&&b]", "[a[b]]"};
	for (size_t i = 0; i < ARRAY_SIZE(wrong) - 1; i++)
		if (refused(wrong[i]) != ERR_INVALID)
			fail_msg("'%s' is not ERR_INVALID", wrong[i]);
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
		if (refused(unsupported[i]) != ERR_FAILED)
			fail_msg("'%s' is not ERR_FAILED", unsupported[i]);
}

static void test_pattern__gives_up_instead_of_running_for_ever(void **state)
{
	(void)state;
	struct strbuf text = STRBUF_INIT;
	strbuf_addchars(&text, 'a', 60);
	strbuf_addch(&text, '!');
	assert_int_equal(match("(a|a)*", text.buf), -1);
	assert_int_equal(match("(a+)+", text.buf), -1);
	strbuf_clear(&text);
	strbuf_addchars(&text, 'a', 4096);
	assert_int_equal(match("[a-z]*", text.buf), 1);
	/* what a repetition eats counts, too: each of these would look at a hundred thousand letters at each of them */
	strbuf_addchars(&text, 'a', 100000);
	assert_int_equal(match("[a-z]*", text.buf), 1);
	assert_int_equal(match(".*?(?:a++b).*", text.buf), -1);
	assert_int_equal(match(".*?(?:a{50000,}+b).*", text.buf), -1);
	assert_int_equal(match(".*?(?:a{50000,}?b).*", text.buf), -1);
	strbuf_release(&text);
}
