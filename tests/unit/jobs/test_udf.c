#include "testing.h"

#include <math.h>
#include <string.h>
#include "udf.h"
#include "xalloc.h"

#define DAY INT64_C(86400000000)

static void check_long(const char *text, enum udf_result want, int64_t value)
{
	const char *why = NULL;
	int64_t got = 0;

	if (udf_long(text, strlen(text), &got, &why) != want)
		fail_msg("'%s'", text);
	if (want == UDF_OK && got != value)
		fail_msg("'%s' is %lld", text, (long long)got);
	assert_true((want == UDF_BAD) == (why != NULL));
}

static void test_udf__long_is_int(void **state)
{
	(void)state;
	check_long("", UDF_NULL, 0);
	check_long(" \t\x1c\xc2\xa0\xe3\x80\x80", UDF_NULL, 0);
	check_long(" -7\n", UDF_OK, -7);
	check_long("+1_000", UDF_OK, 1000);
	check_long("9223372036854775807", UDF_OK, INT64_MAX);
	check_long("-9223372036854775808", UDF_OK, INT64_MIN);
	check_long("9223372036854775808", UDF_BAD, 0);
	check_long("00000000000000000000000000007", UDF_OK, 7);
	check_long("\xd9\xa3\xd9\xa4", UDF_OK, 34); /* Arabic-Indic */
	check_long("\xf0\x9d\x9f\xbf", UDF_OK, 9);  /* mathematical monospace */
	check_long("\x1c"
		   "5",
		UDF_BAD, 0);
	check_long("1__0", UDF_BAD, 0);
	check_long("_1", UDF_BAD, 0);
	check_long("1_", UDF_BAD, 0);
	check_long("1.0", UDF_BAD, 0);
	check_long("0x10", UDF_BAD, 0);
	check_long("+ 5", UDF_BAD, 0);
	check_long("\xe2\x80\x83", UDF_NULL, 0);
	check_long("\xe2\x80\x8b", UDF_BAD, 0); /* no white space of Python's */
}

static void check_double(const char *text, enum udf_result want, double value)
{
	const char *why = NULL;
	double got = 0;

	if (udf_double(text, strlen(text), &got, &why) != want)
		fail_msg("'%s'", text);
	if (want == UDF_OK && memcmp(&got, &value, sizeof(got)) != 0)
		fail_msg("'%s' is %a", text, got);
}

static void test_udf__double_is_float(void **state)
{
	double nan = 0;
	const char *why;

	(void)state;
	check_double("  ", UDF_NULL, 0);
	check_double("-0.0", UDF_OK, -0.0);
	check_double("1_0.2_5e1_0", UDF_OK, 10.25e10);
	check_double("9007199254740993", UDF_OK, 9007199254740992.0);
	check_double("4.9e-324", UDF_OK, 4.9e-324);
	check_double("1e999", UDF_OK, (double)INFINITY);
	check_double("-1e999", UDF_OK, -(double)INFINITY);
	check_double("iNfInItY", UDF_OK, (double)INFINITY);
	check_double("\v.5\f", UDF_OK, 0.5);
	check_double("5.", UDF_OK, 5);
	check_double("0x1p3", UDF_BAD, 0);
	check_double("nan(1)", UDF_BAD, 0);
	check_double("1,5", UDF_BAD, 0);
	check_double("1._5", UDF_BAD, 0);
	check_double("1e", UDF_BAD, 0);
	check_double(".", UDF_BAD, 0);
	assert_int_equal(udf_double("-NaN", 4, &nan, &why), UDF_OK);
	assert_true(isnan(nan));
}

static void check_time(const char *text, enum udf_result want, int64_t micros, int64_t day)
{
	const char *why = NULL;
	int64_t got = 0;
	int32_t days = 0;

	if (udf_timestamp(text, strlen(text), &got, &why) != want)
		fail_msg("'%s'", text);
	if (want == UDF_OK && got != micros)
		fail_msg("'%s' is %lld", text, (long long)got);
	if (want != UDF_OK)
		return;
	assert_int_equal(udf_date(text, strlen(text), &days, &why), UDF_OK);
	if (days != day)
		fail_msg("'%s' is on %d", text, (int)days);
}

static void test_udf__times_are_iso_8601(void **state)
{
	(void)state;
	check_time(" ", UDF_NULL, 0, 0);
	check_time("1970-01-02", UDF_OK, DAY, 1);
	check_time("19700102", UDF_OK, DAY, 1);
	check_time("1970", UDF_OK, 0, 0);
	check_time("1970-02", UDF_OK, 31 * DAY, 31);
	check_time("1970-002", UDF_OK, DAY, 1);
	check_time("1970-W01-4", UDF_OK, 0, 0);
	check_time("2020W537", UDF_OK, 18630 * DAY, 18630);
	/* the day as written, the time of UTC */
	check_time("1970-01-01 23:00-04:00", UDF_OK, DAY + 3 * INT64_C(3600000000), 0);
	check_time("1970-01-01T24:00", UDF_OK, DAY, 1);
	check_time("1970-01-01 00:00:00.1234567", UDF_OK, 123456, 0);
	check_time("1970-01-01x000000,5Z", UDF_OK, 500000, 0);
	check_time("0001-01-01", UDF_OK, -719162 * DAY, -719162);
	check_time("0001-01-01T00:00+00:01", UDF_BAD, 0, 0);
	check_time("9999-12-31T24:00", UDF_BAD, 0, 0);
	check_time("1970-01", UDF_OK, 0, 0);
	check_time("197001", UDF_BAD, 0, 0);
	check_time("1970-02-29", UDF_BAD, 0, 0);
	check_time("1970-01-01T", UDF_BAD, 0, 0);
	check_time("1970-01-01T24:01", UDF_BAD, 0, 0);
	check_time("1970-01-01T00:00:60", UDF_BAD, 0, 0);
	check_time("1970-01-01T00:00 Z", UDF_BAD, 0, 0);
	check_time("1970-01-01T00:00+24:00", UDF_BAD, 0, 0);
	check_time("1970-01-01\xc3\xa9", UDF_BAD, 0, 0);
}
