#include "testing.h"
#include "cloud_script.h"
#include "fields.h"
#include "types_internal.h"

static const struct field inner[] = {
	{.name = "Days", .wire = "Keep/Days", .kind = FIELD_INTEGER},
	{.name = "Marker", .wire = "Keep/Marker", .kind = FIELD_BOOL},
	{.name = "Label", .kind = FIELD_STRING},
	{0},
};
static const struct field rows[] = {
	{.name = "Count", .kind = FIELD_INTEGER},
	{.name = "Ratio", .kind = FIELD_NUMBER},
	{.name = "On", .kind = FIELD_BOOL},
	{.name = "Text", .wire = "text", .kind = FIELD_STRING},
	{.name = "Doc", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "Map", .kind = FIELD_MAP},
	{.name = "Names", .kind = FIELD_LIST, .item = FIELD_STRING, .flags = F_UNORDERED},
	{.name = "Rules",
		.wire = "Rule",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.fields = inner},
	{.name = "Rule0",
		.wire = "Rule",
		.kind = FIELD_OBJECT,
		.flags = F_WRITE_ONLY,
		.fields = inner},
	{.name = "Role", .kind = FIELD_STRING, .flags = F_NAME_OR_ARN},
	{.name = "Db", .kind = FIELD_STRING, .flags = F_LOWER},
	{.name = "Kind", .kind = FIELD_STRING, .flags = F_REPLACES},
	{.name = "Mine", .kind = FIELD_STRING, .flags = F_LOCAL},
	{.name = "Tags", .kind = FIELD_TAGS},
	{0},
};

static void test_fields__to_api(void **state)
{
	(void)state;
	struct json *props = js("{'Count':'10.0','Ratio':'0.0625','On':'true','Text':3.0,"
				"'Doc':{'Version':1.0},'Map':{'--n':5,'b':true},'Names':['a'],"
				"'Rules':[{'Days':'7','Marker':false}],'Db':'ETL_Db','Mine':'x',"
				"'Tags':[{'Key':'a','Value':'b'}],'New':{'any':1}}");
	assert_json(fields_to_api(rows, props),
		"{'Count':10,'Ratio':0.0625,'On':true,'text':'3.0','Doc':'{\\\"Version\\\":1.0}',"
		"'Map':{'--n':'5','b':'true'},'Names':['a'],"
		"'Rule':[{'Keep':{'Days':7,'Marker':false}}],'Db':'etl_db','New':{'any':1}}");
	json_free(props);
}

static void test_fields__two_rows_one_member(void **state)
{
	(void)state;
	struct json *props = js("{'Rules':[{'Days':1}],'Rule0':{'Days':2}}");
	assert_json(
		fields_to_api(rows, props), "{'Rule':[{'Keep':{'Days':1}},{'Keep':{'Days':2}}]}");
	json_free(props);
	props = js("{'Rule0':{'Days':2}}");
	assert_json(fields_to_api(rows, props), "{'Rule':{'Keep':{'Days':2}}}");
	json_free(props);
}

static void test_fields__from_api(void **state)
{
	(void)state;
	/* as the query and XML protocols have it: text everywhere, one instead of a list */
	struct json *reply =
		js("{'Count':'10','On':'true','text':'3.0','Doc':'%7B%22a%22%3A1%7D',"
		   "'Rule':{'Keep':{'Days':'7','Marker':'true'}},'New':'n','CreatedOn':1}");
	struct json *wanted = js("{'New':'m'}");
	assert_json(fields_from_api(rows, reply, wanted),
		"{'Count':10,'On':true,'Text':'3.0','Doc':{'a':1},"
		"'Rules':[{'Days':7,'Marker':true}],'New':'n'}");
	json_free(reply);
	json_free(wanted);
}

static size_t nr_changes(const char *wanted, const char *live, const struct field_default *defaults)
{
	struct json *w = js(wanted), *l = js(live), *d = fields_diff(rows, w, l, defaults);
	size_t nr = json_len(d);
	json_free(w);
	json_free(l);
	json_free(d);
	return nr;
}

static void test_fields__diff_same(void **state)
{
	(void)state;
	assert_int_equal(nr_changes("{'Names':['a','b']}", "{'Names':['b','a']}", NULL), 0);
	assert_int_equal(nr_changes("{'Names':['a','a']}", "{'Names':['b','a']}", NULL), 1);
	assert_int_equal(nr_changes("{'Count':'5'}", "{'Count':5}", NULL), 0);
	assert_int_equal(nr_changes("{'Ratio':2}", "{'Ratio':2.0}", NULL), 0);
	assert_int_equal(nr_changes("{'Doc':'{ \\\"b\\\": 1, \\\"a\\\": [2]}'}",
				 "{'Doc':{'a':[2],'b':1}}", NULL),
		0);
	assert_int_equal(nr_changes("{'Doc':{'a':[2,1]}}", "{'Doc':{'a':[1,2]}}", NULL), 1);
	assert_int_equal(nr_changes("{'Role':'arn:aws:iam::1:role/p/R'}", "{'Role':'R'}", NULL), 0);
	assert_int_equal(nr_changes("{'Role':'R'}", "{'Role':'arn:aws:iam::1:role/p/R'}", NULL), 0);
	assert_int_equal(nr_changes("{'Role':'arn:aws:iam::1:role/R'}",
				 "{'Role':'arn:aws:iam::2:role/R'}", NULL),
		1);
	assert_int_equal(nr_changes("{'Db':'ETL'}", "{'Db':'etl'}", NULL), 0);
	/* what only AWS has filled in is no difference; what AWS leaves out is none either */
	assert_int_equal(nr_changes("{'Text':'a'}", "{'Text':'a','Count':3}", NULL), 0);
	assert_int_equal(nr_changes("{'On':false,'Names':[]}", "{}", NULL), 0);
	assert_int_equal(nr_changes("{'Mine':'x'}", "{}", NULL), 0);
	assert_int_equal(nr_changes("{'Rule0':{'Days':1}}", "{}", NULL), 0);
}

static void test_fields__diff_paths(void **state)
{
	(void)state;
	static const struct field_default defaults[] = {
		{"Text", "\"\""}, {"Count", "1"}, {"Map", "{}"}, {0}};
	struct json *w = js("{'Kind':'B','Ratio':1}");
	struct json *l = js("{'Kind':'A','Ratio':1,'Text':'old','Count':1,'Map':{'a':'b'}}");
	assert_json(fields_diff(rows, w, l, defaults),
		"[{'path':'Kind','before':'A','after':'B','effect':'replace'},"
		"{'path':'Text','before':'old','after':null,'effect':'update'},"
		"{'path':'Map','before':{'a':'b'},'after':null,'effect':'update'}]");
	json_free(w);
	json_free(l);
}

static void test_fields__changes_inside(void **state)
{
	(void)state;
	struct json *w = js("{'Rules':[{'Days':1}]}");
	struct json *l = js("{'Rules':[{'Days':1,'Label':'gone from the template'}]}");
	assert_json(fields_diff(rows, w, l, NULL), "[]");
	struct json *d = fields_changes(rows, w, l, NULL);
	assert_true(fields_changed(d, "Rules"));
	json_free(d);
	json_free(w);
	json_free(l);
}
