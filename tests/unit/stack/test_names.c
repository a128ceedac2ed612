#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "project.h"

static void check(const char *project, const char *stack, const char *id, enum name_case c,
	size_t max, const char *expected)
{
	char *name = derive_name(project, stack, id, "123456789012", "eu-west-1", c, max);
	assert_string_equal(name, expected);
	free(name);
}

/* The hashes come from: printf 'lake\0infra\0RawBucket\000123456789012\0eu-west-1' | sha256sum, and so on. */
static void test_names__are_project_stack_id_and_hash(void **state)
{
	(void)state;
	check("lake", "infra", "RawBucket", NAME_LOWER_DASH, 63, "lake-infra-rawbucket-e85c4b25");
	check("lake", "infra", "RawBucket", NAME_ANY, 0, "lake-infra-rawbucket-e85c4b25");
	check("lake", "infra", "RawBucket", NAME_LOWER_UNDERSCORE, 255,
		"lake_infra_rawbucket_e85c4b25");
	check("My_Lake..2", "infra", "Raw", NAME_LOWER_DASH, 63, "my-lake-2-infra-raw-8e60a9c2");
}

static void test_names__lose_their_middle_when_too_long(void **state)
{
	(void)state;
	/* 24 - 9 = 15 bytes of "lake-infra-rawbucket" stay: the first 8 and the last 7. */
	check("lake", "infra", "RawBucket", NAME_LOWER_DASH, 24, "lake-infwbucket-e85c4b25");
	for (size_t max = 9; max < 40; max++) {
		char *name = derive_name(
			"lake", "infra", "RawBucket", "123456789012", "eu-west-1", NAME_ANY, max);
		assert_true(strlen(name) <= max);
		assert_null(strstr(name, "--"));
		assert_true(name[0] != '-');
		assert_string_equal(name + strlen(name) - 8, "e85c4b25");
		free(name);
	}
}

static void test_names__differ_by_every_part(void **state)
{
	(void)state;
	char *a = derive_name("a", "b-c", "D", "1", "r", NAME_ANY, 20);
	char *b = derive_name("a-b", "c", "D", "1", "r", NAME_ANY, 20);
	char *c = derive_name("a", "b-c", "D", "2", "r", NAME_ANY, 20);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
	free(a);
	free(b);
	free(c);
}
