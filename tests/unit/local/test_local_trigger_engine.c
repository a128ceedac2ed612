#include "local_glue.h"

#include <string.h>
#include "testing.h"

static struct json *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct json *v = json_parse(text, strlen(text), &err);

	if (!v)
		fail_msg("%s", err.text);
	return v;
}

static void test_local_trigger_engine__a_condition_hears_its_own_state_only(void **state)
{
	struct json *job = parse("{\"JobName\":\"a\",\"State\":\"SUCCEEDED\"}");
	struct json *crawl = parse("{\"CrawlerName\":\"a\",\"CrawlState\":\"SUCCEEDED\"}");
	struct local_engine_event ev = {.name = "a", .ref = "r", .state = "SUCCEEDED"};

	(void)state;
	assert_true(local_condition_matches(job, &ev));
	assert_false(local_condition_matches(crawl, &ev));
	ev.crawl = true;
	assert_false(local_condition_matches(job, &ev));
	assert_true(local_condition_matches(crawl, &ev));
	ev.state = "FAILED";
	assert_false(local_condition_matches(crawl, &ev));
	ev.state = "SUCCEEDED";
	ev.name = "A";
	assert_false(local_condition_matches(crawl, &ev));
	json_free(job);
	json_free(crawl);
}

static void test_local_trigger_engine__and_any(void **state)
{
	static const struct {
		const char *predicate;
		bool met[3], want;
	} cases[] = {
		{"{\"Logical\":\"AND\",\"Conditions\":[{},{},{}]}", {true, true, true}, true},
		{"{\"Logical\":\"AND\",\"Conditions\":[{},{},{}]}", {true, true, false}, false},
		{"{\"Logical\":\"ANY\",\"Conditions\":[{},{},{}]}", {false, true, false}, true},
		{"{\"Logical\":\"ANY\",\"Conditions\":[{},{},{}]}", {false, false, false}, false},
		{"{\"Conditions\":[{}]}", {true, false, false}, true},
		{"{\"Conditions\":[{}]}", {false, false, false}, false},
		{"{\"Logical\":\"AND\",\"Conditions\":[]}", {false, false, false}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *p = parse(cases[i].predicate);

		assert_int_equal(local_predicate_met(p, cases[i].met), cases[i].want);
		json_free(p);
	}
}

/* The text of the error that a definition gives; "" when it is fine. */
static char *verdict(const char *definition)
{
	struct json *doc = parse(definition);
	struct err err = ERR_INIT;
	char *text = local_trigger_check(doc, &err) ? xstrdup(err.text) : xstrdup("");

	if (*text)
		assert_string_equal(err.aws_code, "InvalidInputException");
	err_release(&err);
	json_free(doc);
	return text;
}

static void test_local_trigger_engine__definitions_are_checked(void **state)
{
	static const struct {
		const char *definition, *want; /* what the error holds; "" for none */
	} cases[] = {
		{"{\"Type\":\"ON_DEMAND\",\"Actions\":[{\"JobName\":\"a\"}]}", ""},
		{"{\"Type\":\"ON_DEMAND\",\"Actions\":[]}", "Actions cannot be null"},
		{"{\"Type\":\"ON_DEMAND\",\"Actions\":[{}]}",
			"either a job name or a crawler name"},
		{"{\"Type\":\"ON_DEMAND\",\"Actions\":[{\"CrawlerName\":\"a\"},{\"CrawlerName\":"
		 "\"b\"},"
		 "{\"CrawlerName\":\"c\"}]}",
			"at most 2 crawlers"},
		{"{\"Type\":\"SCHEDULED\",\"Actions\":[{\"JobName\":\"a\"}]}",
			"Schedule cannot be null"},
		{"{\"Type\":\"SCHEDULED\",\"Schedule\":\"cron(0 1 * * ? "
		 "*)\",\"Actions\":[{\"JobName\":"
		 "\"a\"}]}",
			""},
		{"{\"Type\":\"SCHEDULED\",\"Schedule\":\"rate(5 "
		 "minutes)\",\"Actions\":[{\"JobName\":"
		 "\"a\"}]}",
			"Invalid schedule"},
		{"{\"Type\":\"CONDITIONAL\",\"Actions\":[{\"JobName\":\"a\"}],\"Predicate\":{"
		 "\"Conditions\":[{\"LogicalOperator\":\"EQUALS\",\"JobName\":\"a\",\"State\":"
		 "\"FAILED\"}]}}",
			"Job cannot be a Predicate and Action"},
		{"{\"Type\":\"CONDITIONAL\",\"Actions\":[{\"JobName\":\"a\"}],\"Predicate\":{"
		 "\"Conditions\":[{\"LogicalOperator\":\"EQUALS\",\"CrawlerName\":\"c\",\"State\":"
		 "\"SUCCEEDED\"}]}}",
			"State cannot be null"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = verdict(cases[i].definition);

		if (*cases[i].want ? !strstr(got, cases[i].want) : *got)
			fail_msg("%s: '%s'", cases[i].definition, got);
		free(got);
	}
}
