#include "testing.h"

#include <string.h>
#include "price.h"
#include "xalloc.h"

static void check(const char *text, enum price_result want, float value)
{
	float got = 0;

	if (price_parse(text, strlen(text), &got) != want)
		fail_msg("'%s'", text);
	if (want == PRICE_OK && got != value)
		fail_msg("'%s' is %.9g", text, (double)got);
}

static void test_price__numbers_with_and_without_thousands(void **state)
{
	(void)state;
	check("65,619.5", PRICE_OK, 65619.5f);
	check("65,859.9", PRICE_OK, 65859.8984375f);
	check("1,234,567", PRICE_OK, 1234567.0f);
	check("133.290", PRICE_OK, 133.29f);
	check("-1", PRICE_OK, -1.0f);
	check(" +7. ", PRICE_OK, 7.0f);
	check(".5", PRICE_OK, 0.5f);
	check("1e-3", PRICE_OK, 0.001f);
	check("16777217", PRICE_OK, 16777216.0f);
	/* rounded once: by way of a double it would be 1.0 */
	check("1.000000059604644775390626", PRICE_OK, 1.00000012f);
}

static void test_price__commas_that_part_no_thousands(void **state)
{
	static const char *const odd[] = {"1.234,5", "65619,5", "12,5", "1,2345", ",123", "1,,234",
		"1,234,5", "12,34,567", "1,234.567,8", "1.234.567,89", "1234,567"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		check(odd[i], PRICE_COMMAS, 0);
}

static void test_price__what_is_no_number(void **state)
{
	static const char *const none[] = {"", " ", "-", "+", ".", ",", "e5", "1e", "1e+", "n/a",
		"NaN", "inf", "0x10", "1 2", "--1", "1.2.3", "1e99", "$5", "a,b"};
	char digits[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		check(none[i], PRICE_NONE, 0);
	memset(digits, '1', sizeof(digits) - 1);
	digits[sizeof(digits) - 1] = '\0';
	check(digits, PRICE_NONE, 0);
	assert_int_equal(price_parse("1\0002", 3, &(float){0}), PRICE_NONE);
}
