#include "testing.h"
#include "local_catalog_store.h"

static struct json *keys(void)
{
	struct err err = ERR_INIT;
	static const char text[] =
		"[{\"Name\":\"Country\",\"Type\":\"string\"},{\"Name\":\"year\",\"Type\":\"int\"}]";

	return json_parse(text, strlen(text), &err);
}

static bool matches(const char *expression, const char *country, const char *year)
{
	struct json *k = keys(), *values = json_array();
	struct err err = ERR_INIT;
	struct catalog_filter *f = catalog_filter_new(expression, k, &err);
	bool yes;

	assert_non_null(f);
	json_push_str(values, country);
	json_push_str(values, year);
	yes = catalog_filter_matches(f, values);
	catalog_filter_free(f);
	json_free(values);
	json_free(k);
	return yes;
}

static void test_local_catalog_filter__operators(void **state)
{
	(void)state;
	assert_true(matches("country = 'Peru'", "Peru", "1"));
	assert_true(matches("COUNTRY='it''s'", "it's", "1"));
	assert_false(matches("country <> 'Peru'", "Peru", "1"));
	assert_true(matches("year > 9", "x", "10"));
	assert_true(matches("country > '9'", "x", "1"));
	assert_false(matches("country > '9'", "10", "1"));
	assert_true(matches("year between 2 and 11", "x", "10"));
	assert_true(matches("year in (1, 2, 10)", "x", "10"));
	assert_true(matches("country like 'P_r%'", "Peru", "1"));
	assert_true(matches("country not like 'P%' or year <= 1", "Peru", "1"));
	assert_true(matches("not (year = 1 and country = 'x')", "Peru", "1"));
	assert_true(matches("country is null", "__HIVE_DEFAULT_PARTITION__", "1"));
	assert_true(matches("country is not null", "x", "1"));
}

static void test_local_catalog_filter__bad_expressions(void **state)
{
	static const char *const bad[] = {"country", "country =", "= 1", "nokey = 1", "(year = 1",
		"year = 1)", "year in ()", "year between 1", "country = 'x", "year = 1 or", "not"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json *k = keys();
		struct err err = ERR_INIT;
		assert_null(catalog_filter_new(bad[i], k, &err));
		assert_int_equal(err.code, ERR_INVALID);
		err_release(&err);
		json_free(k);
	}
}
