#include "testing.h"

#include <string.h>
#include "dates.h"
#include "duck.h"

static const char *const good[] = {"2020-06-02", "2020/06/02", "20200602", "2020-06-02T00:00",
	"2020-06-02 00:00", "2020-06-02T00:00:00", "20200602T00:00:00Z", "2020/06/02 00:00:00.0",
	"2020-06-02T00:00:00.000000Z", "2020-06-02T00:00:00+00:00", "2020-06-02 00:00Z",
	"2020-06-02 00:00:00.000+00:00"};

static const char *const bad[] = {"", "06/02/2020", "02.06.2020", "2020-6-2", "2020-06-2",
	"2020-06-02 ", " 2020-06-02", "2020-06/02", "2020/06-02", "202006-02", "2020-0602",
	"2020-06-02Z", "2020-06-02T", "2020-06-02T00", "2020-06-02T00:0",
	"2020-06-02T00:00:", "2020-06-02T00:00:0", "2020-06-02T00:00:00.", "2020-06-02T00:00:00.1",
	"2020-06-02T00:00:01", "2020-06-02T12:30", "2020-06-02T00:00:00+01:00",
	"2020-06-02T00:00:00-00:00", "2020-06-02T00:00:00ZZ", "2020-06-02T00:00:00Z+00:00",
	"2020-06-02t00:00", "2020-13-01", "2020-00-01", "2020-01-00", "2020-02-30", "2019-02-29",
	"1900-02-29", "0000-01-01", "+2020-01-01", "-2020-01-01", "12020-01-01", "2020", "202006",
	"202006022", "x", "epoch", "infinity", "NULL", "2020-06-02\n"};

static void test_dates__forms_of_one_day(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int32_t days = -1;

		if (!dates_parse(good[i], strlen(good[i]), &days) || days != 18415)
			fail_msg("'%s' gives %d", good[i], days);
	}
}

static void test_dates__all_else_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int32_t days = 77;

		if (dates_parse(bad[i], strlen(bad[i]), &days) || days != 77)
			fail_msg("'%s' gives %d", bad[i], days);
	}
}

static void test_dates__no_byte_behind_the_end_is_read(void **state)
{
	static const char text[] = "2020-06-02T00:00:00.000+00:00";
	int32_t days;

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		char *copy = xmalloc(len ? len : 1); /* for the sanitizer */
		bool whole =
			len == 10 || len == 16 || len == 19 || (len > 20 && len < 24) || len == 29;

		memcpy(copy, text, len);
		if (dates_parse(copy, len, &days) != whole)
			fail_msg("the first %zu bytes", len);
		free(copy);
	}
}

static void test_dates__every_day_there_and_back(void **state)
{
	struct strbuf sb = STRBUF_INIT;
	int32_t last = -719162 + 3652059 - 1, days;

	(void)state;
	for (int32_t day = -719162; day <= last; day++) {
		strbuf_clear(&sb);
		dates_add(&sb, day);
		if (!dates_parse(sb.buf, sb.len, &days) || days != day)
			fail_msg("day %d is '%s', which is %d", day, sb.buf, days);
	}
	assert_string_equal(sb.buf, "9999-12-31");
	strbuf_release(&sb);
}

static void test_dates__sql_has_the_same_rule(void **state)
{
	struct strbuf sql = STRBUF_INIT;
	struct duck_rows rows = {0};
	struct err err = ERR_INIT;
	struct job job;
	struct duck *d;

	(void)state;
	assert_ok(job_open(&job, "test", &err), &err);
	d = duck_open(&job, 50, NULL, &err);
	assert_non_null(d);
	assert_ok(dates_register(d, &err), &err);
	strbuf_addstr(&sql, "SELECT ");
	dates_add_sql(&sql, "t");
	strbuf_addstr(&sql, "::VARCHAR FROM (VALUES (0, NULL)");
	for (size_t i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); i++) {
		strbuf_addf(&sql, ", (%zu, ", i + 1);
		duck_add_text(&sql, i < ARRAY_SIZE(good) ? good[i] : bad[i - ARRAY_SIZE(good)]);
		strbuf_addch(&sql, ')');
	}
	strbuf_addstr(&sql, ") AS v(i, t) ORDER BY i");
	assert_ok(duck_query(d, sql.buf, &rows, &err), &err);
	assert_int_equal(rows.nr_rows, 1 + ARRAY_SIZE(good) + ARRAY_SIZE(bad));
	for (size_t i = 0; i < rows.nr_rows; i++) {
		if (i >= 1 && i <= ARRAY_SIZE(good))
			assert_string_equal(rows.v[i], "2020-06-02");
		else
			assert_null(rows.v[i]);
	}
	duck_rows_release(&rows);
	strbuf_release(&sql);
	duck_close(d);
	job_close(&job);
}
