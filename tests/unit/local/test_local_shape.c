#include "testing.h"
#include "quoted_json.h"
#include "local_shape.h"

static void assert_union(const char *a, const char *b, const char *want)
{
	struct shape *x = shape_parse(a), *y = shape_parse(b);
	struct strbuf sb = STRBUF_INIT;

	shape_add(x, y);
	shape_print(x, &sb);
	assert_string_equal(sb.buf, want);
	strbuf_release(&sb);
	shape_free(x);
	shape_free(y);
}

static void test_local_shape__unions_of_types(void **state)
{
	static const struct {
		const char *a, *b, *want;
	} cases[] = {
		{"int", "int", "int"},
		{"int", "bigint", "bigint"},
		{"bigint", "double", "double"},
		{"smallint", "float", "float"},
		{"int", "string", "string"},
		{"boolean", "int", "string"},
		{"void", "date", "date"},
		{"date", "date", "date"},
		{"date", "timestamp", "string"},
		{"decimal(10,2)", "decimal(10,2)", "decimal(10,2)"},
		{"decimal(10,2)", "decimal(12,2)", "string"},
		{"array<int>", "array<double>", "array<double>"},
		{"array<void>", "array<struct<a:int>>", "array<struct<a:int>>"},
		{"array<int>", "int", "string"},
		{"struct<a:int,b:array<int>>", "struct<c:date,a:bigint>",
			"struct<a:bigint,b:array<int>,c:date>"},
		{"struct<a:struct<b:decimal(4,1)>>", "struct<a:struct<b:decimal(4,1),c:int>>",
			"struct<a:struct<b:decimal(4,1),c:int>>"},
		{"struct<a:int>", "string", "string"},
		{"map<string,int>", "map<string,int>", "map<string,int>"},
		{"map<string,int>", "map<string,double>", "string"},
		{"struct<a:map<string,int>>", "struct<b:int>", "struct<a:map<string,int>,b:int>"},
		{"struct<a:int", "struct<a:int", "struct<a:int"},
		{"struct<>", "struct<>", "struct<>"},
		{"struct<a:int,a:int>", "struct<a:int>", "string"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_union(cases[i].a, cases[i].b, cases[i].want);
}

static void test_local_shape__wide_structs_find_their_members(void **state)
{
	struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;

	(void)state;
	for (int i = 0; i < 100; i++) {
		strbuf_addf(&a, "%sc%d:int", i ? "," : "struct<", i);
		strbuf_addf(&b, "%sc%d:int", i ? "," : "struct<", 99 - i);
	}
	strbuf_addch(&a, '>');
	strbuf_addch(&b, '>');
	assert_union(a.buf, b.buf, a.buf);
	strbuf_release(&a);
	strbuf_release(&b);
}

static void test_local_shape__columns_merge_and_settle(void **state)
{
	struct json *a =
		js("[{'Name':'x','Type':'void'},{'Name':'void','Type':'struct<void:void>'}]");
	struct json *b = js("[{'Name':'y','Type':'array<void>'},{'Name':'x','Type':'int'}]");
	struct json *want =
		js("[{'Name':'x','Type':'int'},{'Name':'void','Type':'struct<void:string>'},"
		   "{'Name':'y','Type':'array<string>'}]");

	(void)state;
	columns_merge(a, b);
	columns_settle(a);
	assert_true(json_equal(a, want));
	json_free(a);
	json_free(b);
	json_free(want);
}
