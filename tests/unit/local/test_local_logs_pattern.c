#include "local_logs_store.h"

#include <string.h>
#include "testing.h"

static void test_local_logs_pattern__terms(void **state)
{
	static const struct {
		const char *pattern, *message;
		bool want;
	} cases[] = {
		{"", "anything", true},
		{"ERROR", "an ERROR here", true},
		{"ERROR", "an error here", false},
		{"a b", "b and a", true},
		{"a b", "only x: b", false},
		{"\"two words\"", "has two words", true},
		{"\"two words\"", "words two", false},
		{"\"a \\\" quote\"", "x a \" quote y", true},
		{"-DEBUG", "DEBUG x", false},
		{"x -DEBUG", "INFO x", true},
		{"?WARN ?ERROR", "WARN", true},
		{"?WARN ?ERROR", "INFO", false},
		{"-\"not this\"", "is not this", false},
		{"   spaced   ", "spaced", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		struct logs_pattern *p = logs_pattern_new(cases[i].pattern, &err);

		assert_non_null(p);
		if (logs_pattern_matches(p, cases[i].message) != cases[i].want)
			fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].message);
		logs_pattern_free(p);
	}
}

static void test_local_logs_pattern__refuses_what_it_does_not_know(void **state)
{
	static const char *const bad[] = {"{ $.x = 1 }", "[a, b]", "%reg%", "\"open", "-\"open"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;

		assert_null(logs_pattern_new(bad[i], &err));
		assert_string_equal(err.aws_code, "InvalidParameterException");
		err_release(&err);
	}
}
