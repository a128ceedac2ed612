#include "testing.h"

#include <string.h>
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

/* Where a text is wanted 1.10 must not become 1.1, nor yes true; elsewhere a number stays one. */
static void test_plain__scalars_keep_what_was_written(void **state)
{
	(void)state;
	becomes(plain_value, "!Join ['', [1.10, yes, 012]]",
		"{'Fn::Join':['',['1.10','yes','012']]}");
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
