#include "local_states_map_rows.h"
#include "quoted_json.h"

/* The items as text, or the error. ' stands for " in the configuration only. */
static const char *items(const char *text, const char *config)
{
	static struct strbuf sb = STRBUF_INIT;
	struct json *c = js(config), *out;
	struct err err = ERR_INIT;

	strbuf_clear(&sb);
	out = map_items(text, strlen(text), c, &err);
	if (out)
		json_print(out, &sb);
	else
		strbuf_addf(&sb, "%s: %s", err_name(&err), err.text);
	json_free(out);
	json_free(c);
	err_release(&err);
	return sb.buf;
}

#define CSV "{'InputType':'CSV','CSVHeaderLocation':"

static void test_local_states_map_items__csv(void **state)
{
	(void)state;
	assert_string_equal(items("\xef\xbb\xbf"
				  "a,b\r\n1,\"x, \"\"y\"\"\"\r\n\r\n 2 \r\n3,4,5\n",
				    CSV "'FIRST_ROW'}"),
		"[{\"a\":\"1\",\"b\":\"x, \\\"y\\\"\"},{\"a\":\" 2 "
		"\",\"b\":\"\"},{\"a\":\"3\",\"b\":"
		"\"4\"}]");
	assert_string_equal(items("1|2\n3|4", CSV "'GIVEN','CSVHeaders':['p','q'],'CSVDelimiter':"
						  "'PIPE','MaxItems':1}"),
		"[{\"p\":\"1\",\"q\":\"2\"}]");
	assert_string_equal(items("a\tb\n1\t\n", CSV "'FIRST_ROW','CSVDelimiter':'TAB'}"),
		"[{\"a\":\"1\",\"b\":\"\"}]");
	assert_string_equal(items("a b\n1 2\n", CSV "'FIRST_ROW','CSVDelimiter':'SPACE'}"),
		"[{\"a\":\"1\",\"b\":\"2\"}]");
	assert_string_equal(items("", CSV "'FIRST_ROW'}"), "[]");
	assert_string_equal(items("a,b\n", CSV "'FIRST_ROW'}"), "[]");
	assert_true(starts_with(
		items("a\n\"x", CSV "'FIRST_ROW'}"), "States.ItemReaderFailed: The CSV file"));
}

static void test_local_states_map_items__json(void **state)
{
	(void)state;
	assert_string_equal(
		items("[1,{\"a\":2},null]", "{'InputType':'JSON','MaxItems':2}"), "[1,{\"a\":2}]");
	assert_string_equal(items("{\"a/b\":{\"c\":[[],[7]]}}",
				    "{'InputType':'JSON','ItemsPointer':'/a~1b/c/1'}"),
		"[7]");
	assert_string_equal(items("{}", "{'InputType':'JSON'}"),
		"States.ItemReaderFailed: The JSON file must hold an array");
	assert_true(starts_with(items("[1,", "{'InputType':'JSON'}"),
		"States.ItemReaderFailed: The JSON file cannot be read: "));
	assert_string_equal(
		items("1\n\n{\"a\":2}\r\n3", "{'InputType':'JSONL'}"), "[1,{\"a\":2},3]");
	assert_string_equal(items("1\n2\n{", "{'InputType':'JSONL','MaxItems':2}"), "[1,2]");
	assert_true(starts_with(items("1\n{\n", "{'InputType':'JSONL'}"),
		"States.ItemReaderFailed: Line 2 of the JSON Lines file cannot be read: "));
	assert_string_equal(items("", "{'InputType':'PARQUET'}"),
		"States.ItemReaderFailed: InputType 'PARQUET' is not read by the local cloud");
}
