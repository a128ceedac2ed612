#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "strbuf.h"

static void test_strbuf__empty_owns_nothing(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	assert_string_equal(sb.buf, "");
	assert_int_equal(sb.alloc, 0);
	strbuf_clear(&sb);
	strbuf_add(&sb, NULL, 0);
	strbuf_trim(&sb);
	strbuf_replace(&sb, "a", "b");
	assert_int_equal(sb.alloc, 0);
	size_t len = 7;
	char *s = strbuf_detach(&sb, &len);
	assert_string_equal(s, "");
	assert_int_equal(len, 0);
	free(s);
	strbuf_release(&sb);
	strbuf_release(&sb);
}

static void test_strbuf__adds_keep_the_nul(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	for (int i = 0; i < 1000; i++) {
		strbuf_addf(&sb, "%d,", i);
		assert_int_equal(strlen(sb.buf), sb.len);
	}
	strbuf_add(&sb, "a\0b", 3);
	assert_int_equal(sb.buf[sb.len], '\0');
	assert_memory_equal(sb.buf + sb.len - 3, "a\0b", 3);
	strbuf_release(&sb);
}

static void test_strbuf__addf_longer_than_the_room(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	char *big = malloc(100001);
	memset(big, 'x', 100000);
	big[100000] = '\0';
	strbuf_addf(&sb, "<%s>", big);
	assert_int_equal(sb.len, 100002);
	assert_int_equal(sb.buf[100001], '>');
	free(big);
	strbuf_release(&sb);
}

static void test_strbuf__insert_and_remove(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	strbuf_addstr(&sb, "bd");
	strbuf_insert(&sb, 0, "a", 1);
	strbuf_insert(&sb, 2, "c", 1);
	strbuf_insert(&sb, 4, "e", 1);
	assert_string_equal(sb.buf, "abcde");
	strbuf_remove(&sb, 1, 3);
	assert_string_equal(sb.buf, "ae");
	strbuf_remove(&sb, 2, 0);
	strbuf_addchars(&sb, '-', 3);
	assert_string_equal(sb.buf, "ae---");
	strbuf_release(&sb);
}

static void test_strbuf__quoted(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	strbuf_addquoted(&sb, "it's", 4, '\'');
	strbuf_addquoted(&sb, "\"a\"\"", 4, '"');
	strbuf_addquoted(&sb, NULL, 0, '"');
	strbuf_addquoted(&sb, "ab'", 2, '\'');
	assert_string_equal(sb.buf, "'it''s'\"\"\"a\"\"\"\"\"\"\"'ab'");
	strbuf_release(&sb);
}

static void test_strbuf__trim_and_replace(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	strbuf_addstr(&sb, " \t a b \r\n");
	strbuf_trim(&sb);
	assert_string_equal(sb.buf, "a b");
	strbuf_clear(&sb);
	strbuf_addstr(&sb, "aaa-aa");
	strbuf_replace(&sb, "aa", "b");
	assert_string_equal(sb.buf, "ba-b");
	strbuf_replace(&sb, "b", "");
	assert_string_equal(sb.buf, "a-");
	strbuf_replace(&sb, "", "x");
	assert_string_equal(sb.buf, "a-");
	strbuf_release(&sb);
}

static void test_strbuf__prefixes(void **state)
{
	(void)state;
	assert_true(starts_with("abc", "ab"));
	assert_true(starts_with("abc", ""));
	assert_false(starts_with("ab", "abc"));
	assert_true(ends_with("abc", "bc"));
	assert_false(ends_with("c", "bc"));
	assert_true(iequals("Content-TYPE", "content-type"));
	assert_false(iequals("a", "ab"));
	assert_false(iequals("ab", "a"));
	assert_false(iequals("[", "{"));
}

static void test_strbuf__edit_distance(void **state)
{
	(void)state;
	assert_int_equal(edit_distance("", ""), 0);
	assert_int_equal(edit_distance("", "abc"), 3);
	assert_int_equal(edit_distance("kitten", "sitting"), 3);
	assert_int_equal(edit_distance("ab", "ba"), 1);
	assert_int_equal(edit_distance("Role", "role"), 1);
	assert_int_equal(edit_distance("ROle", "role"), 1);
	assert_int_equal(edit_distance("ROLE", "role"), 2);
	assert_int_equal(edit_distance("BucketNmae", "BucketName"), 1);
}

static void test_strbuf__glob(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *s;
		bool match;
	} cases[] = {
		{"*.csv", "a.csv", true},
		{"*.csv", "d/a.csv", false},
		{"*.csv", "a.csv.gz", false},
		{"data/*.csv", "data/a.csv", true},
		{"data/*", "data/a/b", false},
		{"**", "", true},
		{"**", "a/b/c", true},
		{"**/x", "x", true},
		{"**/x", "a/b/x", true},
		{"**/x", "a/bx", false},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"a/**/b", "a/xb", false},
		{"a/**", "a/b/c", true},
		{"a/**", "a", false},
		{"**/b/**/c", "b/x/b/c", true},
		{"**/*.csv", "d/e/f.csv", true},
		{"**.csv", "d/e/f.csv", true},
		{"a?c", "abc", true},
		{"a?c", "a/c", false},
		{"a?c", "ac", false},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[^a-c]x", "dx", true},
		{"[!a]x", "/x", false},
		{"[]x]", "]", true},
		{"[", "[", true},
		{"[a", "[a", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"*a*b*c", "xxaxxbxxc", true},
		{"*a*b*c", "xxaxxcxxb", false},
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (glob_match(cases[i].pattern, cases[i].s) != cases[i].match)
			fail_msg("'%s' against '%s'", cases[i].pattern, cases[i].s);
}

static void test_strbuf__glob_is_not_exponential(void **state)
{
	(void)state;
	struct strbuf s = STRBUF_INIT, p = STRBUF_INIT;
	strbuf_addchars(&s, 'a', 3000);
	for (int i = 0; i < 100; i++)
		strbuf_addstr(&p, i % 2 ? "*a" : "**a");
	strbuf_addstr(&p, "b");
	assert_false(glob_match(p.buf, s.buf));
	strbuf_release(&s);
	strbuf_release(&p);
}

static void test_strbuf__parse_int64(void **state)
{
	(void)state;
	long long n = 5;
	assert_int_equal(parse_int64("-9223372036854775808", INT64_MIN, INT64_MAX, &n), 0);
	assert_true(n == INT64_MIN);
	assert_int_equal(parse_int64("9223372036854775808", INT64_MIN, INT64_MAX, &n), -1);
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "0x1", "1.0", "11", "-1"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_int64(bad[i], 0, 10, &n), -1);
	assert_true(n == INT64_MIN);
	assert_int_equal(parse_int64("007", 0, 10, &n), 0);
	assert_int_equal(n, 7);
}

static void test_strbuf__controls_become_blanks(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	strbuf_blank_controls(&sb, 0, "");
	assert_int_equal(sb.alloc, 0);
	strbuf_add(&sb, "\033[1m\033]0;x\007\nA\x7f\tB\xc2\x9bm \xc3\x9b\xc2\xa0\xc2\0", 25);
	strbuf_blank_controls(&sb, 4, "\n\t");
	assert_int_equal(sb.len, 25);
	assert_memory_equal(sb.buf, "\033[1m ]0;x \nA \tB  m \xc3\x9b\xc2\xa0\xc2 ", 25);
	strbuf_blank_controls(&sb, 0, "");
	assert_memory_equal(sb.buf, " [1m ]0;x  A  B  m", 18);
	strbuf_release(&sb);
}
