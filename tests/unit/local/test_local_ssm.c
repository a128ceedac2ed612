#include "quoted_json.h"
#include "local_ssm.h"
#include "xalloc.h"

static void test_local_ssm__names_and_selectors(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name, *selector;
	} cases[] = {
		{"/a/b", "/a/b", NULL},
		{"/a/b:3", "/a/b", "3"},
		{"a:prod", "a", "prod"},
		{"a:", "a", ""},
		{"", "", NULL},
		{"arn:aws:ssm:eu-west-1:000000000000:parameter/a",
			"arn:aws:ssm:eu-west-1:000000000000:parameter/a", NULL},
		{"arn:aws:ssm:eu-west-1:000000000000:parameter/a:7",
			"arn:aws:ssm:eu-west-1:000000000000:parameter/a", "7"},
		{"arn:aws:ssm", "arn:aws:ssm", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *name, *selector;
		ssm_split_name(cases[i].text, &name, &selector);
		assert_string_equal(name, cases[i].name);
		if (cases[i].selector)
			assert_string_equal(selector, cases[i].selector);
		else
			assert_null(selector);
		free(name);
		free(selector);
	}
}

static void test_local_ssm__names_that_may_be(void **state)
{
	(void)state;
	static const struct {
		const char *name, *code;
	} cases[] = {
		{"a", NULL},
		{"/a", NULL},
		{"/a/b.c_d-e/F9", NULL},
		{"lake-aws", NULL},
		{"/lake/aws", NULL},
		{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", NULL},
		{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "HierarchyLevelLimitExceededException"},
		{"aws.x", "ValidationException"},
		{"SSM", "ValidationException"},
		{"/sSm/x", "ValidationException"},
		{"/aws/x", "AccessDeniedException"},
		{"a/b", "ValidationException"},
		{"/a/", "ValidationException"},
		{"//a", "ValidationException"},
		{"a b", "ValidationException"},
		{"a:1", "ValidationException"},
		{"\303\244", "ValidationException"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		int ret = ssm_check_name(cases[i].name, &err);
		if (ret != (cases[i].code ? -1 : 0))
			fail_msg("%s: %d", cases[i].name, ret);
		if (ret)
			assert_string_equal(err.aws_code, cases[i].code);
		err_release(&err);
	}
}

static void test_local_ssm__paths(void **state)
{
	(void)state;
	static const struct {
		const char *path, *name;
		bool next, deep;
	} cases[] = {
		{"/a", "/a/b", true, true},
		{"/a/", "/a/b", true, true},
		{"/a", "/a/b/c", false, true},
		{"/a", "/ab", false, false},
		{"/a", "/ab/c", false, false},
		{"/a", "/a", false, false},
		{"/", "/a", true, true},
		{"/", "a", true, true},
		{"/", "/a/b", false, true},
		{"/a/b", "/a/b/c", true, true},
		{"/a/b", "/a/c", false, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (ssm_below(cases[i].path, cases[i].name, false) != cases[i].next ||
			ssm_below(cases[i].path, cases[i].name, true) != cases[i].deep)
			fail_msg("%s %s", cases[i].path, cases[i].name);
}

static void test_local_ssm__filters(void **state)
{
	(void)state;
	static const char entry[] = "{'Name':'/prod/key','Type':'SecureString','KeyId':'alias/k',"
				    "'Tier':'Standard','DataType':'text','Tags':{'Team':'blue'}}";
	static const struct {
		const char *filters;
		bool match;
	} cases[] = {
		{"[]", true}, {"[{'Key':'Name','Values':['/prod/key']}]", true},
		{"[{'Key':'Name','Values':['prod/key']}]", true},
		{"[{'Key':'Name','Values':['/prod']}]", false},
		{"[{'Key':'Name','Option':'BeginsWith','Values':['x','/prod']}]", true},
		{"[{'Key':'Name','Option':'Contains','Values':['d/k']}]", true},
		{"[{'Key':'Name','Option':'Contains','Values':['D/K']}]", false},
		{"[{'Key':'Name','Option':'Contains','Values':['/pro']}]", true},
		{"[{'Key':'Path','Values':['/prod']}]", true},
		{"[{'Key':'Path','Values':['/']}]", false},
		{"[{'Key':'Path','Option':'Recursive','Values':['/']}]", true},
		{"[{'Key':'Type','Values':['String']}]", false},
		{"[{'Key':'KeyId','Option':'BeginsWith','Values':['alias/']}]", true},
		{"[{'Key':'tag:Team'}]", true}, {"[{'Key':'tag:team'}]", false},
		{"[{'Key':'tag:Team','Values':['red','blue']}]", true},
		{"[{'Key':'tag:Team','Values':['red']}]", false},
		{"[{'Key':'Tier','Values':['Standard']},{'Key':'DataType','Values':['x']}]", false},
		{"[{'Key':'Label','Values':['any']}]", true}, /* the caller's */
	};
	struct json *e = js(entry);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *f = js(cases[i].filters);
		if (ssm_filters_match(f, e) != cases[i].match)
			fail_msg("%s", cases[i].filters);
		json_free(f);
	}
	json_free(e);
}

static void test_local_ssm__filters_refused(void **state)
{
	(void)state;
	static const struct {
		const char *filters, *describe, *by_path;
	} cases[] = {
		{"[{'Key':'Type','Values':['String']}]", NULL, NULL},
		{"[{'Key':'Label','Values':['x']}]", "InvalidFilterKey", NULL},
		{"[{'Key':'Name','Values':['x']}]", NULL, "InvalidFilterKey"},
		{"[{'Key':'tag:x'}]", NULL, "InvalidFilterKey"},
		{"[{'Key':'tag:'}]", "ValidationException", "ValidationException"},
		{"[{'Values':['x']}]", "ValidationException", "ValidationException"},
		{"[{'Key':'Type'}]", "InvalidFilterValue", "InvalidFilterValue"},
		{"[{'Key':'Type','Values':[1]}]", "ValidationException", "ValidationException"},
		{"[{'Key':'Type','Values':['']}]", "ValidationException", "ValidationException"},
		{"[{'Key':'Type','Values':['x']}]", "InvalidFilterValue", "InvalidFilterValue"},
		{"[{'Key':'Type','Option':'Contains','Values':['String']}]", "InvalidFilterOption",
			"InvalidFilterOption"},
		{"[{'Key':'Path','Option':'Equals','Values':['/x']}]", "InvalidFilterOption",
			"InvalidFilterKey"},
		{"[{'Key':'KeyId','Values':['x']},{'Key':'KeyId','Values':['y']}]",
			"InvalidFilterKey", "InvalidFilterKey"},
	};
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		bool by_path = i % 2;
		const char *code = by_path ? cases[i / 2].by_path : cases[i / 2].describe;
		struct json *f = js(cases[i / 2].filters);
		int ret = ssm_check_filters(f, by_path ? SSM_BY_PATH : SSM_DESCRIBE, &err);
		if (ret != (code ? -1 : 0))
			fail_msg("%s: %d", cases[i / 2].filters, ret);
		if (ret)
			assert_string_equal(err.aws_code, code);
		err_release(&err);
		json_free(f);
	}
}
