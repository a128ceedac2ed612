#include "local_states_live.h"
#include "quoted_json.h"
#include "testing.h"

static void test_local_states_names__parts_of_arns(void **state)
{
	static const char machine[] = "arn:aws:states:eu-west-1:000000000000:stateMachine:m:3";
	static const char child[] = "arn:aws:states:eu-west-1:000000000000:execution:m/label:run";
	static const char express[] = "arn:aws-cn:states:r:0:express:m:run:id";
	struct err err = ERR_INIT;
	struct states_arn a;

	(void)state;
	assert_int_equal(states_arn_parse(machine, "stateMachine", &a, &err), 0);
	assert_string_equal(a.region, "eu-west-1");
	assert_string_equal(a.machine, "m");
	assert_string_equal(a.qualifier, "3");
	assert_null(a.label);
	states_arn_release(&a);
	assert_int_equal(states_arn_parse(child, "execution|express", &a, &err), 0);
	assert_string_equal(a.machine, "m");
	assert_string_equal(a.label, "label");
	assert_string_equal(a.qualifier, "run");
	states_arn_release(&a);
	assert_int_equal(states_arn_parse(express, "execution|express", &a, &err), 0);
	assert_string_equal(a.rest, "id");
	states_arn_release(&a);
}

static void test_local_states_names__no_arns(void **state)
{
	static const char *const bad[] = {"", "m", "arn:aws:states", "arn:aws:glue:r:a:job:m",
		"arn:aws:states:r:a:stateMachine:", "arn:aws:states:r:a:activity:m"};
	struct states_arn a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(states_arn_parse(bad[i], "stateMachine", &a, &err), -1);
		assert_string_equal(err.aws_code, "InvalidArn");
		err_release(&err);
	}
	/* an execution has a name */
	assert_int_equal(
		states_arn_parse("arn:aws:states:r:a:execution:m", "execution", &a, NULL), -1);
}

static void test_local_states_names__names(void **state)
{
	static const char *const bad[] = {"", " ", "a b", "a<b", "a[", "a?", "a*", "a\"", "a#",
		"a%", "a\\", "a^", "a|", "a~", "a`", "a$", "a&", "a,", "a;", "a:", "a/", "a\n",
		"a\x7f", "a\xc2\x85", "a\xef\xbf\xbe"};
	struct strbuf long_one = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(states_check_name(bad[i], NULL), -1);
	assert_int_equal(states_check_name("a-b_c.d(e)'!@=+\xc3\xbc", NULL), 0);
	for (int i = 0; i < 80; i++)
		strbuf_addstr(&long_one, "\xc3\xbc");
	assert_int_equal(states_check_name(long_one.buf, NULL), 0);
	strbuf_addch(&long_one, 'x');
	assert_int_equal(states_check_name(long_one.buf, NULL), -1);
	strbuf_release(&long_one);
}

static void test_local_states_names__pages(void **state)
{
	struct json *in = js("{}"), *out = json_object();
	int64_t limit, after;

	(void)state;
	assert_int_equal(states_page(in, "a", &limit, &after, NULL), 0);
	assert_int_equal(limit, 100);
	assert_int_equal(after, 0);
	states_set_token(out, "a", 42);
	json_set_i64(out, "maxResults", 7);
	assert_int_equal(states_page(out, "a", &limit, &after, NULL), 0);
	assert_int_equal(limit, 7);
	assert_int_equal(after, 42);
	/* of another question */
	assert_int_equal(states_page(out, "b", &limit, &after, NULL), -1);
	json_set_str(out, "nextToken", "nonsense");
	assert_int_equal(states_page(out, "a", &limit, &after, NULL), -1);
	json_set_i64(in, "maxResults", 1001);
	assert_int_equal(states_page(in, "a", &limit, &after, NULL), -1);
	json_free(in);
	json_free(out);
}

static void test_local_states_names__members_of_the_sdk(void **state)
{
	const struct states_sdk *sfn = states_sdk_find("sfn", 3),
				*glue = states_sdk_find("Glue", 4);
	struct json *in = js("{'StateMachineArn': 'a', 'Tags': [{'Key': 'K', 'Value': 'V'}]}"),
		    *want = js("{'stateMachineArn': 'a', 'tags': [{'Key': 'K', 'Value': 'V'}]}"),
		    *got;

	(void)state;
	assert_null(states_sdk_find("nothing", 7));
	got = states_sdk_request(sfn, in);
	assert_string_equal(json_get_str(got, "stateMachineArn"), "a");
	assert_non_null(json_get(got, "tags"));
	json_free(got);
	/* Glue's members stand as they are */
	got = states_sdk_request(glue, in);
	assert_true(json_equal(got, in));
	json_free(got);
	json_free(in);
	json_free(want);
}

static void test_local_states_names__times_of_the_sdk(void **state)
{
	const struct states_sdk *glue = states_sdk_find("glue", 4);
	struct json *out = js("{'Job': {'CreatedOn': 1700000000.5, 'Timeout': 2880, 'Name': 'x'}}"),
		    *text = js("{'Job': {'CreatedOn': '2023-11-14T22:13:20.500Z', 'Timeout': 2880, "
			       "'Name': 'x'}}"),
		    *ms = js("{'Job': {'CreatedOn': 1700000000500, 'Timeout': 2880, 'Name': 'x'}}"),
		    *got;

	(void)state;
	got = states_sdk_reply(glue, out);
	assert_true(json_equal(got, text));
	json_free(got);
	got = states_sdk_document(out);
	assert_true(json_equal(got, ms));
	json_free(got);
	json_free(out);
	json_free(text);
	json_free(ms);
}

static void test_local_states_names__errors_of_the_sdk(void **state)
{
	static const char *const errors[][2] = {
		{"EntityNotFoundException", "X.EntityNotFoundException"},
		{"ExecutionAlreadyExists", "X.ExecutionAlreadyExistsException"},
		{"AWS.SimpleQueueService.NonExistentQueue", "X.NonExistentQueueException"}};
	char *got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		got = states_sdk_error("X", errors[i][0]);
		assert_string_equal(got, errors[i][1]);
		free(got);
	}
	assert_true(states_sdk_reads("ListTables"));
	assert_false(states_sdk_reads("GetActivityTask"));
	assert_false(states_sdk_reads("StartCrawler"));
}
