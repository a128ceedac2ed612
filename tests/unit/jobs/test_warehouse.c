#include "testing.h"

#include <string.h>
#include "warehouse.h"

static void test_warehouse__names_fold_and_staging_is_the_runs_own(void **state)
{
	struct warehouse_table a = WAREHOUSE_TABLE_INIT, b = WAREHOUSE_TABLE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(warehouse_table_init(&a, "Market_Data", "Btc_2", true, &err), 0);
	assert_int_equal(warehouse_table_init(&b, "_s", "Btc_2", false, &err), 0);
	assert_string_equal(a.schema, "market_data");
	assert_string_equal(a.name, "btc_2");
	assert_true(starts_with(a.staging, "btc_2__load_"));
	assert_string_not_equal(a.staging, b.staging);
	warehouse_table_release(&a);
	warehouse_table_release(&b);
	warehouse_table_release(&b);
}

static void test_warehouse__names_that_are_sql(void **state)
{
	static const char *const tickers[] = {"", "1a", "_a", "a b", "a\"b", "a;--", "a.b", "a'b",
		"\xc3\xa4", "abcdefghijklmnopqrstuvwxyzabcde"};
	static const char *const schemas[] = {"", "1a", "a b", "a\"b", "a;--", "a.b", "a'b",
		"s234567890123456789012345678901234567890123456789012345678901234"};
	struct warehouse_table t = WAREHOUSE_TABLE_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tickers); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(warehouse_table_init(&t, "s", tickers[i], false, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		err_release(&err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(warehouse_table_init(&t, schemas[i], "btc", false, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		err_release(&err);
	}
}
