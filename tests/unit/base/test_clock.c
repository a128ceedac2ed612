#include "testing.h"

#include <pthread.h>
#include <time.h>
#include "clock.h"

static void test_clock__writes(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	clock_add_iso(&sb, INT64_C(1795253165123), true);
	assert_string_equal(sb.buf, "2026-11-21T09:26:05.123Z");
	strbuf_clear(&sb);
	clock_add_iso(&sb, INT64_C(1795253165123), false);
	assert_string_equal(sb.buf, "2026-11-21T09:26:05Z");
	strbuf_clear(&sb);
	clock_add_amz(&sb, INT64_C(1795253165123));
	assert_string_equal(sb.buf, "20261121T092605Z");
	strbuf_clear(&sb);
	clock_add_http(&sb, INT64_C(1795253165123));
	assert_string_equal(sb.buf, "Sat, 21 Nov 2026 09:26:05 GMT");
	strbuf_clear(&sb);
	clock_add_iso(&sb, -1, true);
	assert_string_equal(sb.buf, "1969-12-31T23:59:59.999Z");
	strbuf_release(&sb);
}

/* The C library is the oracle. */
static void test_clock__calendar(void **state)
{
	(void)state;
	for (int64_t s = INT64_C(-70000000000); s < INT64_C(250000000000); s += 86399 * 97) {
		time_t t = (time_t)s;
		struct tm tm;
		struct utc u;
		assert_non_null(gmtime_r(&t, &tm));
		utc_from_ms(s * 1000 + 7, &u);
		assert_int_equal(u.year, tm.tm_year + 1900);
		assert_int_equal(u.month, tm.tm_mon + 1);
		assert_int_equal(u.day, tm.tm_mday);
		assert_int_equal(u.hour, tm.tm_hour);
		assert_int_equal(u.minute, tm.tm_min);
		assert_int_equal(u.second, tm.tm_sec);
		assert_int_equal(u.weekday, tm.tm_wday);
		assert_int_equal(u.ms, 7);
		assert_true(utc_to_ms(&u) == s * 1000 + 7);
	}
}

static void test_clock__fields_out_of_range(void **state)
{
	(void)state;
	struct utc u = {.year = 2026, .month = 14, .day = 0, .hour = 25, .minute = -1};
	struct tm tm = {.tm_year = 126, .tm_mon = 13, .tm_mday = 0, .tm_hour = 25, .tm_min = -1};
	assert_true(utc_to_ms(&u) == (int64_t)timegm(&tm) * 1000);
	u = (struct utc){.year = 2026, .month = -11, .day = 1};
	tm = (struct tm){.tm_year = 126, .tm_mon = -12, .tm_mday = 1};
	assert_true(utc_to_ms(&u) == (int64_t)timegm(&tm) * 1000);
}

static void test_clock__parses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"2026-11-21T09:26:05Z", 1795253165000},
		{"2026-11-21T09:26:05.123456Z", 1795253165123},
		{"2026-11-21T09:26:05.1Z", 1795253165100},
		{"2026-11-21T09:26:05", 1795253165000},
		{"2026-11-21 09:26:05", 1795253165000},
		{"2026-11-21T11:26:05+02:00", 1795253165000},
		{"2026-11-21T04:56:05-0430", 1795253165000},
		{"2026-11-21T10:26:05+01", 1795253165000},
		{"2026-11-21T09:26Z", 1795253160000},
		{"2026-11-21", 1795219200000},
		{"20261121T092605Z", 1795253165000},
		{"Sat, 21 Nov 2026 09:26:05 GMT", 1795253165000},
		{"2024-02-29", 1709164800000},
		{"1969-12-31T23:59:59Z", -1000},
		{"2016-12-31T23:59:60Z", 1483228800000},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ms = 0;
		if (clock_parse(cases[i].text, &ms) || ms != cases[i].ms)
			fail_msg("%s: %lld", cases[i].text, (long long)ms);
	}
}

static void test_clock__refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "x", "2026", "2026-13-01", "2026-02-30", "2025-02-29",
		"1900-02-29", "2026-11-21T", "2026-11-21T24:00:00Z", "2026-11-21T09:60:00Z",
		"2026-11-21T09:26:05.Z", "2026-11-21T09:26:05Zx", "2026-11-21T09:26:05+2:00",
		"2026-11-21T09:26:05+25:00", "2026-11-21T09:26:05+02:", "20261121T092605",
		"Sat, 21 Nov 2026 09:26:05", "Xxx, 21 Nov 2026 09:26:05 GMT",
		"Sat, 21 Foo 2026 09:26:05 GMT", "2026-00-10", "2026-01-00", " 2026-01-01"};
	int64_t ms = 42;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!clock_parse(bad[i], &ms))
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(ms, 42);
}

static void *sleep_long(void *arg)
{
	int *ret = arg;
	*ret = clock_system()->sleep_ms(clock_system(), 60000);
	return NULL;
}

/* Runs last: an interrupt is for ever. */
static void test_clock__sleep_and_interrupt(void **state)
{
	(void)state;
	const struct clock *c = clock_system();
	int64_t start = c->mono_ms(c);
	assert_int_equal(c->sleep_ms(c, 30), 0);
	assert_true(c->mono_ms(c) - start >= 30);
	assert_int_equal(c->sleep_ms(c, 0), 0);
	assert_true(c->now_ms(c) > INT64_C(1700000000000));
	pthread_t t[2];
	int ret[2] = {0, 0};
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, sleep_long, &ret[i]), 0);
	c->sleep_ms(c, 20);
	assert_false(clock_interrupted());
	clock_interrupt();
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(ret[i], -1);
	}
	assert_true(clock_interrupted());
	assert_int_equal(c->sleep_ms(c, 60000), -1);
	assert_true(c->mono_ms(c) - start < 30000);
}
