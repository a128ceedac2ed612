#include "testing.h"

#include <string.h>
#include "convert.h"
#include "xalloc.h"

#define NONE INT64_MIN

static void test_convert__ints_cut_fractions_and_know_32_bits(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {{"12.7", 12}, {"-12.7", -12}, {" 9 ", 9}, {"\t+5\r", 5}, {"12.", 12}, {"0", 0},
		{"007", 7}, {"2147483647", 2147483647}, {"-2147483648", -2147483648LL},
		{"2147483648", NONE}, {"-2147483649", NONE}, {"99999999999999999999999", NONE},
		{"", NONE}, {"  ", NONE}, {".5", NONE}, {"1e3", NONE}, {"n/a", NONE}, {"1 2", NONE},
		{"--1", NONE}, {"-", NONE}, {"1.x", NONE}, {"1,000", NONE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int32_t n = 77;
		bool ok = convert_int32(cases[i].text, strlen(cases[i].text), &n);

		if (ok != (cases[i].want != NONE) || (ok && n != cases[i].want))
			fail_msg("'%s': %d %d", cases[i].text, ok, n);
	}
}

static void test_convert__decimals_round_half_up_and_stop_at_ten_digits(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {{"1.005", 101}, {"1.004", 100}, {"-0.005", -1}, {"-0.004", 0},
		{"255.285", 25529}, {"99999999.99", 9999999999}, {"99999999.995", NONE},
		{"99999999.994", 9999999999}, {"100000000", NONE}, {"-99999999.99", -9999999999},
		{"1.5e2", 15000}, {"1e7", 1000000000}, {"1e8", NONE}, {"1e-3", 0}, {"5e-3", 1},
		{"5E-4", 0}, {"1e-999", 0}, {"0e999", 0}, {"0.0e+9", 0}, {"1e999", NONE},
		{"1e1000", NONE}, {".5", 50}, {"5.", 500}, {".", NONE}, {"", NONE}, {"   ", NONE},
		{" 7 ", 700}, {"$7", NONE}, {"1.2.3", NONE}, {"1e", NONE}, {"e5", NONE},
		{"nan", NONE}, {"inf", NONE}, {"000000000000000000000001", 100},
		{"0.000000000000000000000000001e27", 100}, {"123456789012e-6", 12345679}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t n = 77;
		bool ok = convert_decimal_10_2(cases[i].text, strlen(cases[i].text), &n);

		if (ok != (cases[i].want != NONE) || (ok && n != cases[i].want))
			fail_msg("'%s': %d %lld", cases[i].text, ok, (long long)n);
	}
}

static void test_convert__dates_follow_the_calendar(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {{"1/1/1970", 0}, {"12/31/1969", -1}, {"01/02/1970", 1}, {"1/02/1970", 1},
		{"2/29/2012", 15399}, {"2/29/2015", NONE}, {"2/29/1900", NONE},
		{"2/29/2000", 11016}, {"3/1/2000", 11017}, {"1/1/0001", -719162},
		{"12/31/9999", 2932896}, {"1/1/0000", NONE}, {"13/1/2014", NONE},
		{"0/1/2014", NONE}, {"1/32/2014", NONE}, {"1/0/2014", NONE}, {"4/31/2014", NONE},
		{"1/31/14", NONE}, {"1/31/20145", NONE}, {"001/1/2014", NONE}, {"2014-01-31", NONE},
		{" 1/1/1970", NONE}, {"1/1/1970 ", NONE}, {"", NONE}, {"/1/1970", NONE},
		{"1//1970", NONE}, {"1/1/", NONE}, {"1/1", NONE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int32_t n = 77;
		bool ok = convert_date_mdy(cases[i].text, strlen(cases[i].text), &n);

		if (ok != (cases[i].want != NONE) || (ok && n != cases[i].want))
			fail_msg("'%s': %d %d", cases[i].text, ok, n);
	}
}
