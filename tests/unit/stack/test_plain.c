#include "testing.h"

#include <string.h>
#include "fake_types.h"
#include "plain.h"
#include "quoted_json.h"

static void becomes(
	struct json *(*plain)(const struct yaml_node *), const char *yaml, const char *json)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct strbuf got = STRBUF_INIT, want = STRBUF_INIT;
	struct yaml_node *n = yaml_parse(&arena, "t.yaml", yaml, strlen(yaml), &err);
	struct json *v = n ? plain(n) : NULL, *w = js(json);

	assert_non_null(v);
	assert_non_null(w);
	json_print(v, &got);
	json_print(w, &want);
	assert_string_equal(got.buf, want.buf);
	json_free(v);
	json_free(w);
	strbuf_release(&got);
	strbuf_release(&want);
	arena_release(&arena);
}

static void test_plain__functions_get_their_long_form(void **state)
{
	(void)state;
	becomes(plain_value, "a: !Ref B", "{'a':{'Ref':'B'}}");
	becomes(plain_value, "!GetAtt A.B.C", "{'Fn::GetAtt':['A','B.C']}");
	becomes(plain_value, "Fn::GetAtt: A.B", "{'Fn::GetAtt':['A','B']}");
	becomes(plain_value, "!GetAtt [A, !Ref B]", "{'Fn::GetAtt':['A',{'Ref':'B'}]}");
	becomes(plain_value, "!Sub ['${A}', {A: !Ref B}]",
		"{'Fn::Sub':['${A}',{'A':{'Ref':'B'}}]}");
	becomes(plain_value, "!If [C, !Condition D, {Fn::Not: [{Condition: E}]}]",
		"{'Fn::If':['C',{'Condition':'D'},{'Fn::Not':[{'Condition':'E'}]}]}");
	becomes(plain_value, "Fn::ForEach::Jobs: [N, [a, b], {'Job${N}': {Type: X}}]",
		"{'Fn::ForEach::Jobs':['N',['a','b'],{'Job${N}':{'Type':'X'}}]}");
}

static struct json *plain_with_fields(const struct yaml_node *n)
{
	static const struct field inner[] = {{.name = "Version", .kind = FIELD_STRING}, {0}};
	static const struct field fields[] = {{.name = "Version", .kind = FIELD_STRING},
		{.name = "Seconds", .kind = FIELD_INTEGER},
		{.name = "Command", .kind = FIELD_OBJECT, .fields = inner},
		{.name = "Names", .kind = FIELD_LIST, .item = FIELD_STRING},
		{.name = "Texts", .kind = FIELD_MAP}, {.name = "Tags", .kind = FIELD_TAGS}, {0}};
	static const struct type_schema schema = {.name = "X", .fields = fields};

	return plain_resource(n, &schema);
}

static struct json *plain_loop_of_fakes(const struct yaml_node *n)
{
	return plain_loop(n, &fake_types);
}

/* Names that YAML has for true and false. */
static void test_plain__names_that_are_words_of_yaml(void **state)
{
	(void)state;
	becomes(plain_value, "!If [No, !Ref On, [!Condition Yes, 1.0]]",
		"{'Fn::If':['No',{'Ref':'On'},[{'Condition':'Yes'},1.0]]}");
	becomes(plain_with_fields, "{Condition: No, DependsOn: [Yes, On]}",
		"{'Condition':'No','DependsOn':['Yes','On']}");
}

static void test_plain__what_loops_make_has_its_types(void **state)
{
	(void)state;
	becomes(plain_loop_of_fakes,
		"[N, [a], {'J${N}': {Type: 'AWS::Glue::Job', Properties: {GlueVersion: 4.0}},"
		" 'Fn::ForEach::Inner': [M, [b], {'R${M}': {Type: 'AWS::IAM::Role', Properties: "
		"{Tags: [{Key: k, Value: 1.10}]}}}]}]",
		"['N',['a'],{'J${N}':{'Type':'AWS::Glue::Job','Properties':{'GlueVersion':'4.0'}},"
		"'Fn::ForEach::Inner':['M',['b'],{'R${M}':{'Type':'AWS::IAM::Role','Properties':"
		"{'Tags':[{'Key':'k','Value':'1.10'}]}}}]}]");
	becomes(plain_loop_of_fakes, "[N, 1.5]", "['N',1.5]");
}

/* What Fn::If chooses from stands where its value will. */
static void test_plain__properties_behind_conditions(void **state)
{
	(void)state;
	becomes(plain_with_fields,
		"Properties: {Version: !If [C, 4.0, !If [D, yes, 3]], Seconds: !If [C, '5', 6]}",
		"{'Properties':{'Version':{'Fn::If':['C','4.0',{'Fn::If':['D','yes','3']}]},"
		"'Seconds':{'Fn::If':['C',5,6]}}}");
	becomes(plain_with_fields,
		"Properties: {Command: !If [C, {Version: 3.10}, !Ref AWS::NoValue]}",
		"{'Properties':{'Command':{'Fn::If':['C',{'Version':'3.10'},{'Ref':'AWS::NoValue'}]"
		"}}}");
	becomes(plain_with_fields,
		"Properties: {Names: [!If [C, 1.10, x]], Texts: {a: !If [C, true, 1.0]}}",
		"{'Properties':{'Names':[{'Fn::If':['C','1.10','x']}],"
		"'Texts':{'a':{'Fn::If':['C','true','1.0']}}}}");
	becomes(plain_with_fields,
		"Properties: {Tags: [!If [C, {Key: k, Value: 1.10}, !Ref AWS::NoValue]]}",
		"{'Properties':{'Tags':[{'Fn::If':['C',{'Key':'k','Value':'1.10'},{'Ref':'AWS::"
		"NoValue'}]}]}}");
}

/* Where a text is wanted 1.10 must not become 1.1, nor yes true; elsewhere a number stays one. */
static void test_plain__scalars_keep_what_was_written(void **state)
{
	(void)state;
	becomes(plain_value, "!Join ['', [1.10, yes, 012]]",
		"{'Fn::Join':['',['1.10','yes','012']]}");
	becomes(plain_value, "!Join ['', [!If [C, 1.10, !If [D, yes, 2.0]]]]",
		"{'Fn::Join':['',[{'Fn::If':['C','1.10',{'Fn::If':['D','yes','2.0']}]}]]}");
	becomes(plain_outputs, "{A: {Value: 1.10, Condition: C}, B: {Value: !If [C, 2.0, 3]}}",
		"{'A':{'Value':'1.10','Condition':'C'},'B':{'Value':{'Fn::If':['C','2.0','3']}}}");
	becomes(plain_mappings, "{M: {1.10: {a: 1.10, b: 7, c: 0.5, d: true, e: [4.0, 1e5]}}}",
		"{'M':{'1.10':{'a':'1.10','b':7,'c':0.5,'d':true,'e':['4.0','1e5']}}}");
	becomes(plain_value, "!Equals [!Ref A, 3.0]", "{'Fn::Equals':[{'Ref':'A'},'3.0']}");
	becomes(plain_value, "{a: 7, b: true, c: '7', d: 2012-10-17}",
		"{'a':7,'b':true,'c':'7','d':'2012-10-17'}");
	becomes(plain_value, "!If [C, {Seconds: 5}, 3]", "{'Fn::If':['C',{'Seconds':5},3]}");
	becomes(plain_parameter,
		"{Type: Number, Default: 1.10, AllowedValues: [1.10, 2], MaxValue: 3}",
		"{'Type':'Number','Default':'1.10','AllowedValues':['1.10','2'],'MaxValue':3}");
}

static void test_plain__aliases_and_merges_are_written_out(void **state)
{
	(void)state;
	becomes(plain_value, "{a: &x {p: 1}, b: *x, c: {<<: *x, q: !Ref R}}",
		"{'a':{'p':1},'b':{'p':1},'c':{'p':1,'q':{'Ref':'R'}}}");
}

static void test_plain__loops_that_only_glueproj_knows(void **state)
{
	static const struct {
		const char *yaml;
		bool needs;
	} cases[] = {
		{"{P: {Branches: {'Fn::ForEach::B': [N, [a], {'${N}': {}}]}}}", true},
		{"{P: {Branches: [{StartAt: A}]}}", false},
		{"{P: {Result: {'Fn::ForEach::B': [N, [a], {'${N}': {}}]}}}", false},
		{"{P: {Branches: {Fn: x}}}", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena arena = ARENA_INIT;
		struct yaml_node *n =
			yaml_parse(&arena, "t.yaml", cases[i].yaml, strlen(cases[i].yaml), NULL);
		assert_non_null(n);
		assert_int_equal(plain_needs_expanding(n), cases[i].needs);
		arena_release(&arena);
	}
}
