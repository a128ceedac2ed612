#include "testing.h"
#include "local_events_pattern.h"
#include "local_sqs.h"
#include "quoted_json.h"

static bool fits(const char *pattern, const char *event)
{
	struct err err = ERR_INIT;
	struct json *p = js(pattern), *e = js(event);
	bool match;

	if (events_pattern_check(p, &err))
		fail_msg("%s: %s", pattern, err.text);
	match = events_pattern_match(p, e);
	json_free(p);
	json_free(e);
	return match;
}

static void test_local_events_pattern__lists_and_depth(void **state)
{
	(void)state;
	assert_true(fits("{'a':['x']}", "{'a':['y','x']}"));
	assert_false(fits("{'a':['x']}", "{'a':{'b':'x'}}"));
	assert_true(fits("{'a':{'b':['x']}}", "{'a':[{'b':'y'},{'b':'x'}]}"));
	assert_true(fits("{'a':[{'exists':false}]}", "{'a':[]}"));
	assert_true(fits("{'a':[{'exists':false}]}", "{'a':{'b':1}}"));
	assert_false(fits("{'a':[null]}", "{}"));
	assert_true(fits("{'a':['']}", "{'a':''}"));
	/* as they are written */
	assert_false(fits("{'a':[300]}", "{'a':3.0e2}"));
	assert_true(fits("{'a':[{'numeric':['=',300]}]}", "{'a':3.0e2}"));
}

static void test_local_events_pattern__wildcards(void **state)
{
	(void)state;
	assert_true(fits("{'a':[{'wildcard':'*'}]}", "{'a':''}"));
	assert_true(fits("{'a':[{'wildcard':'a*b*c'}]}", "{'a':'aXbYbZc'}"));
	assert_false(fits("{'a':[{'wildcard':'a*b'}]}", "{'a':'aXbY'}"));
	assert_true(fits("{'a':[{'wildcard':'a\\\\*b'}]}", "{'a':'a*b'}"));
	assert_false(fits("{'a':[{'wildcard':'a\\\\*b'}]}", "{'a':'aXb'}"));
}

static void test_local_events_pattern__addresses(void **state)
{
	(void)state;
	assert_true(fits("{'a':[{'cidr':'10.0.0.0/9'}]}", "{'a':'10.127.255.255'}"));
	assert_false(fits("{'a':[{'cidr':'10.0.0.0/9'}]}", "{'a':'10.128.0.0'}"));
	assert_true(fits("{'a':[{'cidr':'2001:db8::/32'}]}", "{'a':'2001:db8::1'}"));
	assert_false(fits("{'a':[{'cidr':'10.0.0.0/9'}]}", "{'a':'::1'}"));
	assert_true(fits("{'a':[{'cidr':'0.0.0.0/0'}]}", "{'a':'1.2.3.4'}"));
}

/* The example of "Calculating the MD5 message digest": what boto3 checks as well. */
static void test_local_events_pattern__digests_of_messages(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;
	struct json *attributes = js("{'b':{'DataType':'String','StringValue':'x'},'a':{'DataType':"
				     "'Binary','BinaryValue':'AAE='}}");
	struct json *turned = js("{'a':{'DataType':'Binary','BinaryValue':'AAE='},'b':{'DataType':"
				 "'String','StringValue':'x'}}");

	sqs_md5_text("hello", &out);
	assert_string_equal(out.buf, "5d41402abc4b2a76b9719d911017c592");
	strbuf_clear(&out);
	sqs_md5_attributes(attributes, &out);
	char *first = strbuf_detach(&out, NULL);
	sqs_md5_attributes(turned, &out);
	assert_string_equal(first, out.buf); /* by name, in whatever order they came */
	free(first);
	strbuf_release(&out);
	json_free(attributes);
	json_free(turned);
}
