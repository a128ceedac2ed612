#include "testing.h"

#include <stdlib.h>
#include "strvec.h"

static void test_strvec__split_and_join(void **state)
{
	(void)state;
	struct strvec sv = STRVEC_INIT;
	assert_null(sv.v[0]);
	strvec_split(&sv, "", ',');
	assert_int_equal(sv.nr, 0);
	strvec_split(&sv, "a,,b", ',');
	assert_int_equal(sv.nr, 3);
	assert_string_equal(sv.v[1], "");
	assert_null(sv.v[3]);
	char *s = strvec_join(&sv, "; ");
	assert_string_equal(s, "a; ; b");
	free(s);
	strvec_clear(&sv);
	strvec_split(&sv, ",", ',');
	assert_int_equal(sv.nr, 2);
	strvec_release(&sv);
	s = strvec_join(&sv, ",");
	assert_string_equal(s, "");
	free(s);
}

static void test_strvec__sort_remove_detach(void **state)
{
	(void)state;
	struct strvec sv = STRVEC_INIT;
	for (int i = 99; i >= 0; i--)
		strvec_pushf(&sv, "%02d", i);
	strvec_sort(&sv);
	assert_string_equal(sv.v[0], "00");
	assert_string_equal(sv.v[99], "99");
	assert_true(strvec_has(&sv, "42"));
	strvec_remove(&sv, 42);
	assert_false(strvec_has(&sv, "42"));
	strvec_remove(&sv, 98);
	assert_int_equal(sv.nr, 98);
	assert_null(sv.v[98]);
	char **v = strvec_detach(&sv);
	assert_int_equal(sv.nr, 0);
	assert_null(sv.v[0]);
	for (char **p = v; *p; p++)
		free(*p);
	free(v);
	v = strvec_detach(&sv);
	assert_null(v[0]);
	free(v);
	strvec_release(&sv);
}
