#include "local_grok.h"
#include "strbuf.h"
#include "testing.h"

static struct grok *compile(const char *pattern, const char *custom)
{
	struct err err = ERR_INIT;
	struct grok *g = grok_compile(pattern, custom, &err);

	if (!g)
		fail_msg("%s", err.text);
	return g;
}

static void refuses(const char *pattern, const char *custom, const char *why)
{
	struct err err = ERR_INIT;

	assert_null(grok_compile(pattern, custom, &err));
	if (!strstr(err.text, why))
		fail_msg("'%s' is not in '%s'", why, err.text);
	err_release(&err);
}

static void knows(const char *pattern, const char *line, bool wanted)
{
	struct strbuf named = STRBUF_INIT;
	struct grok *g;

	strbuf_addf(&named, "^%s$", pattern);
	strbuf_insert(&named, strlen("^%{") + strcspn(pattern + 2, ":}"), ":x", 2);
	g = compile(named.buf, NULL);
	if (grok_match(g, line) != wanted)
		fail_msg("'%s' on '%s'", named.buf, line);
	grok_free(g);
	strbuf_release(&named);
}

static void test_local_grok__columns(void **state)
{
	struct grok *g = compile("%{A:First:long} (?<second>[0-9]+) %{A:first} %{A} (?>%{A::int})",
		"  A  [a-z ]+ \r\n\nB %{A:in_it}");
	struct strbuf text = STRBUF_INIT;

	(void)state;
	json_print(grok_columns(g), &text);
	assert_string_equal(text.buf, "[{\"Name\":\"first\",\"Type\":\"bigint\"},{\"Name\":"
				      "\"second\",\"Type\":\"string\"}]");
	grok_free(g);
	strbuf_clear(&text);
	g = compile("%{B:b}", "A x\nB %{A:in_it:byte}");
	json_print(grok_columns(g), &text);
	assert_string_equal(text.buf,
		"[{\"Name\":\"b\",\"Type\":\"string\"},{\"Name\":\"in_it\",\"Type\":\"tinyint\"}]");
	assert_true(grok_match(g, "axa"));
	assert_false(grok_match(g, "aa"));
	grok_free(g);
	strbuf_release(&text);
}

static void test_local_grok__built_in_patterns(void **state)
{
	static const struct {
		const char *name, *yes, *no;
	} rows[] = {
		{"%{INT}", "-12", "1.5"},
		{"%{NUMBER}", "+12.5", "1.2.3"},
		{"%{BASE16NUM}", "0xAf", "xyz"},
		{"%{BOOLEAN}", "True", "yes"},
		{"%{POSINT}", "10", "0"},
		{"%{WORD}", "a_1", "a b"},
		{"%{QUOTEDSTRING}", "\"a \\\" b\"", "\"a"},
		{"%{UUID}", "01234567-89ab-cdef-0123-456789abcdef", "01234567"},
		{"%{MAC}", "00:1a:2B:3c:4d:5e", "00:1a"},
		{"%{IP}", "255.10.0.1", "256.10.0.1"},
		{"%{IP}", "fe80::1",
			"1::2::"
			"x"},
		{"%{HOSTPORT}", "web-1.example.com:80", "web:"},
		{"%{PATH}", "/var/log/x.log", "var"},
		{"%{PATH}", "C:\\x\\y", "C"},
		{"%{URI}", "https://u:p@example.com:8080/a/b?c=d&e", "//a"},
		{"%{MONTH}", "September", "Sept."},
		{"%{DAY}", "Tuesday", "Day"},
		{"%{TIME}", "23:59:60.123", "24:00"},
		{"%{DATE_US}", "12/31/2020", "31/31/2020"},
		{"%{TIMESTAMP_ISO8601}", "2020-12-31T23:59:59.5+01:00", "2020-13-01T00:00"},
		{"%{HTTPDATE}", "10/Oct/2000:13:55:36 -0700", "10-10-2000"},
		{"%{SYSLOGBASE}", "Oct  1 13:55:36 host-1 sshd[12]:", "Oct host"},
		{"%{LOGLEVEL}", "WARNING", "LOUD"},
		{"%{COMBINEDAPACHELOG}",
			"h - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\"",
			"h - -"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		knows(rows[i].name, rows[i].yes, true);
		knows(rows[i].name, rows[i].no, false);
	}
}

static void test_local_grok__what_is_wrong(void **state)
{
	(void)state;
	refuses("plain", NULL, "names no column");
	refuses("%{WROD:w}", NULL, "there is no pattern 'WROD'");
	refuses("%{WORD:w", NULL, "is not %{PATTERN:column:type}");
	refuses("%{WORD:w:int:x}", NULL, "is not %{PATTERN");
	refuses("%{WORD:w:uuid}", NULL, "'uuid' of %{");
	refuses("%{A:a}", "A %{B}\nB %{A}", "has itself in it");
	refuses("%{A:a}", "A", "has no expression");
	refuses("%{WORD:w}(?<=x)", NULL, "more than the local cloud knows");
	refuses("%{WORD:w})", NULL, "')' without '('");
}
