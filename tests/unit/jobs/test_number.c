#include "testing.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "number.h"
#include "xalloc.h"

static void check_int(const char *text, enum number_result want, int64_t value)
{
	int64_t got = 0;

	if (number_int64(text, strlen(text), &got) != want)
		fail_msg("'%s'", text);
	if (want == NUMBER_OK && got != value)
		fail_msg("'%s' is %lld", text, (long long)got);
}

static void test_number__integers_of_64_bits(void **state)
{
	static const char *const bad[] = {"9223372036854775808", "-9223372036854775809",
		"99999999999999999999999", "1.0", "1e3", "-", "+", "1 2", "0x10", "--1",
		"\xa0"
		"1",
		"1,000"};

	(void)state;
	check_int("0", NUMBER_OK, 0);
	check_int(" -12\t", NUMBER_OK, -12);
	check_int("+007", NUMBER_OK, 7);
	check_int("9223372036854775807", NUMBER_OK, INT64_MAX);
	check_int("-9223372036854775808", NUMBER_OK, INT64_MIN);
	check_int("", NUMBER_EMPTY, 0);
	check_int("  ", NUMBER_EMPTY, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_int(bad[i], NUMBER_BAD, 0);
}

static void test_number__doubles_are_the_nearest(void **state)
{
	static const char *const good[] = {"0", "-0.0", "163.3984835905267", "223.92861959032396",
		"1", ".5", "5.", "1e5", "1.7976931348623157e308", "4.9e-324", "-1E-7",
		"9007199254740992", "9007199254740993", "0.1234567890123456789",
		"123456789012345678901234567890", "0.000000000000000000000001",
		"0.30000000000000004"};
	static const char *const bad[] = {
		"1e400", "0x1p3", "1e", "1.2.3", "abc", "na", "infinit", "1 2", ".", "-", "nan(1)"};
	double got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		double want = strtod(good[i], NULL);

		assert_int_equal(number_double(good[i], strlen(good[i]), &got), NUMBER_OK);
		if (memcmp(&want, &got, sizeof(got)) != 0)
			fail_msg("'%s' is %.17g", good[i], got);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (number_double(bad[i], strlen(bad[i]), &got) != NUMBER_BAD)
			fail_msg("'%s'", bad[i]);
	assert_int_equal(number_double(" NaN ", 5, &got), NUMBER_OK);
	assert_true(isnan(got));
	assert_int_equal(number_double("-Inf", 4, &got), NUMBER_OK);
	assert_true(isinf(got));
	assert_int_equal(number_double("", 0, &got), NUMBER_EMPTY);
}
