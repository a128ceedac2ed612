/* AWS's own policies: the table, and finding one. What documents say is tested with the local cloud, which checks them too. */
#include "testing.h"

#include "policy.h"

static void test_policy__managed_ones_are_sorted_and_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_nr_managed; i++) {
		const char *text = policy_managed[i].document;
		struct json *doc = json_parse(text, strlen(text), NULL);

		assert_non_null(doc);
		assert_true(json_len(json_get(doc, "Statement")) > 0);
		json_free(doc);
		if (i)
			assert_true(strcmp(policy_managed[i - 1].name, policy_managed[i].name) < 0);
	}
}

static void test_policy__managed_ones_are_found_in_any_partition(void **state)
{
	(void)state;
	static const struct {
		const char *arn, *name; /* NULL: none */
	} cases[] = {
		{"arn:aws:iam::aws:policy/AmazonS3FullAccess", "AmazonS3FullAccess"},
		{"arn:aws-cn:iam::aws:policy/service-role/AWSGlueServiceRole",
			"service-role/AWSGlueServiceRole"},
		{"arn:aws:iam::aws:policy/AWSGlueServiceRole", NULL},
		{"arn:aws:iam::111122223333:policy/AmazonS3FullAccess", NULL},
		{"AmazonS3FullAccess", NULL},
		{"arn:", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy_managed *p = policy_managed_find(cases[i].arn);

		if (!p != !cases[i].name || (p && strcmp(p->name, cases[i].name) != 0))
			fail_msg("case %zu: %s", i, cases[i].arn);
	}
}
