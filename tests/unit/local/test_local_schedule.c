#include "local_workflow.h"

#include "clock.h"
#include "testing.h"

/* The next time after `after` as text; "invalid" when the schedule is none. */
static const char *next(const char *schedule, const char *after)
{
	static struct strbuf sb = STRBUF_INIT;
	struct err err = ERR_INIT;
	int64_t from, to;

	strbuf_clear(&sb);
	assert_int_equal(clock_parse(after, &from), 0);
	if (local_schedule_next(schedule, from, &to, &err) != 0) {
		assert_int_equal(err.code, ERR_INVALID);
		assert_non_null(err.text);
		err_release(&err);
		return "invalid";
	}
	clock_add_iso(&sb, to, false);
	return sb.buf;
}

static void test_local_schedule__cron_fields(void **state)
{
	static const struct {
		const char *schedule, *after, *want;
	} cases[] = {
		{"cron(0 12 * * ? *)", "2026-11-21T09:00:00Z", "2026-11-21T12:00:00Z"},
		{"cron(0 12 * * ? *)", "2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"},
		{"cron(0 12 * * ? *)", "2026-11-21T11:59:59Z", "2026-11-21T12:00:00Z"},
		{"cron(15 12 * * ? *)", "2026-12-31T12:15:01Z", "2027-01-01T12:15:00Z"},
		{"cron(0/5 8-17 ? * MON-FRI *)", "2026-11-20T17:55:00Z", "2026-11-23T08:00:00Z"},
		{"cron(0,30 * * * ? *)", "2026-11-21T09:10:00Z", "2026-11-21T09:30:00Z"},
		{"cron(0 8 1 * ? *)", "2026-11-21T09:00:00Z", "2026-12-01T08:00:00Z"},
		{"cron(0 0 29 2 ? *)", "2026-11-21T09:00:00Z", "2028-02-29T00:00:00Z"},
		{"cron(0 0 L * ? *)", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"},
		{"cron(0 0 LW * ? *)", "2026-02-01T00:00:00Z", "2026-02-27T00:00:00Z"},
		{"cron(0 0 15W * ? *)", "2026-11-01T00:00:00Z", "2026-11-16T00:00:00Z"},
		{"cron(0 0 1W * ? *)", "2026-07-31T12:00:00Z", "2026-08-03T00:00:00Z"},
		{"cron(0 0 ? * 6#2 *)", "2026-11-01T00:00:00Z", "2026-11-13T00:00:00Z"},
		{"cron(0 0 ? * 6L *)", "2026-11-01T00:00:00Z", "2026-11-27T00:00:00Z"},
		{"cron(0 0 ? * SUN *)", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
		{"cron(0 0 1 JAN,JUL ? 2030-2031)", "2026-11-21T00:00:00Z", "2030-01-01T00:00:00Z"},
		{"cron( 0  12 * * ? * )", "2026-11-21T09:00:00Z", "2026-11-21T12:00:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(next(cases[i].schedule, cases[i].after), cases[i].want);
}

static void test_local_schedule__rates(void **state)
{
	(void)state;
	assert_string_equal(
		next("rate(5 minutes)", "2026-11-21T09:00:00Z"), "2026-11-21T09:05:00Z");
	assert_string_equal(next("rate(1 day)", "2026-11-21T09:00:00Z"), "2026-11-22T09:00:00Z");
	assert_string_equal(next("rate(1 hours)", "2026-11-21T09:00:00Z"), "invalid");
	assert_string_equal(next("rate(2 hour)", "2026-11-21T09:00:00Z"), "invalid");
	assert_string_equal(next("rate(0 days)", "2026-11-21T09:00:00Z"), "invalid");
	assert_string_equal(next("rate(5)", "2026-11-21T09:00:00Z"), "invalid");
}

static void test_local_schedule__refuses(void **state)
{
	static const char *const bad[] = {"", "cron", "cron(", "cron()", "12 * * * *",
		"cron(0 12 * * *)", "cron(0 12 * * * *)", "cron(0 12 ? * ? *)",
		"cron(60 12 * * ? *)", "cron(0 24 * * ? *)", "cron(0 12 0 * ? *)",
		"cron(0 12 * 13 ? *)", "cron(0 12 ? * 8 *)", "cron(0 12 ? * FRI#6 *)",
		"cron(5-1 12 * * ? *)", "cron(*/0 12 * * ? *)", "cron(0 12 * * ? 1969)",
		"cron(0 12 31 2 ? *)", "cron(0 12 * * ? 2020)", "cron(, 12 * * ? *)", "rate()",
		"at(2026-01-01)"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *got = next(bad[i], "2026-11-21T09:00:00Z");

		if (strcmp(got, "invalid") != 0)
			fail_msg("'%s' was taken: %s", bad[i], got);
	}
}
