#include "testing.h"

#include <string.h>
#include "transit_dfm.h"
#include "transit_migration.h"

static int add(struct migrations *m, const char *file, const char *text, struct err *err)
{
	return migrations_add(m, file, text, strlen(text), err);
}

static void test_transit_migration__sections(void **state)
{
	struct migrations m = MIGRATIONS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(add(&m, "0002_b.sql", "-- up\n-- down\n", &err), 0);
	assert_int_equal(
		add(&m, "1_a_b.sql", "note\n  -- UP \r\nCREATE 1;\n-- up to here\n-- down\nDROP 1",
			&err),
		0);
	assert_int_equal(migrations_sort(&m, &err), 0);
	assert_int_equal(m.v[0].version, 1);
	assert_string_equal(m.v[0].name, "a_b");
	assert_string_equal(m.v[0].up, "CREATE 1;\n-- up to here\n");
	assert_string_equal(m.v[0].down, "DROP 1");
	assert_int_equal(strlen(m.v[0].checksum), 64);
	assert_ptr_equal(migrations_find(&m, 2), &m.v[1]);
	assert_null(migrations_find(&m, 3));
	migrations_release(&m);
	migrations_release(&m);
}

static void test_transit_migration__what_is_none(void **state)
{
	static const struct {
		const char *file, *text, *why;
	} cases[] = {
		{"a.sql", "", "not named"},
		{"0001.sql", "", "not named"},
		{"0001_.sql", "", "not named"},
		{"0000_a.sql", "", "not named"},
		{"9999999999_a.sql", "", "not named"},
		{"0001_a.sql", "", "'-- up' is missing"},
		{"0001_a.sql", "-- up\n", "'-- down' is missing"},
		{"0001_a.sql", "-- up\n-- down\n-- Up\n", "stands twice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct migrations m = MIGRATIONS_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(add(&m, cases[i].file, cases[i].text, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		assert_non_null(strstr(err.text, cases[i].why));
		err_release(&err);
		migrations_release(&m);
	}
}

static void test_transit_migration__descriptions(void **state)
{
	static const char text[] =
		"{\"dataInfo\":{\"columns\":[{\"name\":\"A_b\"},{\"name\":\"C\"}]}}";
	struct strvec names = STRVEC_INIT, table = STRVEC_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(transit_dfm_columns(text, strlen(text), &names, &err), 0);
	assert_int_equal(names.nr, 2);
	assert_string_equal(names.v[0], "a_b");
	strvec_push(&table, "a_b");
	assert_int_equal(transit_dfm_compare(&names, &table, "t", &err), -1);
	strvec_push(&table, "c");
	err_release(&err);
	assert_int_equal(transit_dfm_compare(&names, &table, "t", &err), 0);
	assert_int_equal(transit_dfm_columns("{}", 2, &names, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	err_release(&err);
	strvec_release(&names);
	strvec_release(&table);
}
