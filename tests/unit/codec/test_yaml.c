#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "fs.h"
#include "strbuf.h"
#include "yaml.h"

static struct arena arena;

/* The tree as one line: tags as written, quoted scalars in '', null children as nothing. */
static void dump(const struct yaml_node *n, struct strbuf *sb)
{
	if (n->tag)
		strbuf_addf(sb, "%s ", n->tag);
	if (n->kind == YAML_SCALAR) {
		strbuf_addf(sb, n->plain ? "%s" : "'%s'", n->text);
		return;
	}
	strbuf_addch(sb, n->kind == YAML_SEQUENCE ? '[' : '{');
	for (size_t i = 0; i < n->nr; i++) {
		if (i)
			strbuf_addch(sb, ',');
		if (n->kind == YAML_MAPPING) {
			dump(n->pairs[i].key, sb);
			strbuf_addch(sb, ':');
		}
		dump(n->kind == YAML_SEQUENCE ? n->items[i] : n->pairs[i].value, sb);
	}
	strbuf_addch(sb, n->kind == YAML_SEQUENCE ? ']' : '}');
}

static struct yaml_node *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct yaml_node *n = yaml_parse(&arena, "f.yaml", text, strlen(text), &err);
	if (!n)
		fail_msg("%s: %d:%d: %s", text, err.line, err.column, err.text);
	return n;
}

static void assert_tree(const char *text, const char *want)
{
	struct strbuf sb = STRBUF_INIT;
	dump(parse(text), &sb);
	assert_string_equal(sb.buf, want);
	strbuf_release(&sb);
	arena_release(&arena);
}

static void assert_error_in(
	const char *file, const char *text, int line, int column, const char *part)
{
	struct err err = ERR_INIT;
	if (yaml_parse(&arena, file, text, strlen(text), &err))
		fail_msg("taken: %s", text);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.file, file);
	if (err.line != line || err.column != column || !strstr(err.text, part))
		fail_msg("%s: %d:%d: %s", text, err.line, err.column, err.text);
	err_release(&err);
	arena_release(&arena);
}

static void assert_error(const char *text, int line, int column, const char *part)
{
	assert_error_in("f.yaml", text, line, column, part);
}

static void test_yaml__empty_documents(void **state)
{
	(void)state;
	assert_tree("", "{}");
	assert_tree("# only a comment\n", "{}");
	assert_tree("---\n", "{}");
	assert_tree("--- ~\n...\n", "{}");
	assert_tree("\xef\xbb\xbf", "{}");
}

static void test_yaml__short_forms_of_cloudformation(void **state)
{
	(void)state;
	assert_tree("Statement:\n  - Effect: Allow\n    Resource: [ {a: !Ref B,}, ]\n",
		"{Statement:[{Effect:Allow,Resource:[{a:!Ref B}]}]}");
	assert_tree("[ {Resource: !Sub \"x\", Action: [ \"s3:Get*\", ],}, !GetAtt A.Arn, ]",
		"[{Resource:!Sub 'x',Action:['s3:Get*']},!GetAtt A.Arn]");
	assert_tree("a: !Join [ \",\", [ !Ref A, 'b' ] ]", "{a:!Join [',',[!Ref A,'b']]}");
	assert_tree("a: !If\n  - C\n  - !Ref A\n  - !Ref AWS::NoValue\n",
		"{a:!If [C,!Ref A,!Ref AWS::NoValue]}");
	assert_tree("a: !Sub\n  - ${X}\n  - {X: !Ref Y}\n", "{a:!Sub [${X},{X:!Ref Y}]}");
	assert_tree("a: !Equals [!Ref E, prod]", "{a:!Equals [!Ref E,prod]}");
	assert_tree("{Type: AWS::S3::Bucket, x: a:b}", "{Type:AWS::S3::Bucket,x:a:b}");
	assert_tree("Fn::Sub: \"arn:${AWS::Partition}\"", "{Fn::Sub:'arn:${AWS::Partition}'}");
}

static void test_yaml__block_scalars(void **state)
{
	(void)state;
	assert_tree("a: |\n  x\n    y\n\n  z\nb: 1\n", "{a:'x\n  y\n\nz\n',b:1}");
	assert_tree("a: |-\n  x\n  y\n\nb: >-\n  x\n  y\n\n  z\n", "{a:'x\ny',b:'x y\nz'}");
	assert_tree("a: |+\n  x\n\nb: !Sub |\n  ${A}\n", "{a:'x\n\n',b:!Sub '${A}\n'}");
	assert_tree("a: |2\n   x\n", "{a:' x\n'}");
	assert_tree("a: \"x\\\n  y\\u00e4\\n\"\n", "{a:'xy\xc3\xa4\n'}");
	assert_tree("a: x\n  y\n", "{a:x y}");
	assert_tree("a: 'it''s'\r\nb: c\r\n", "{a:'it's',b:c}");
}

static void test_yaml__merge_keys(void **state)
{
	(void)state;
	assert_tree("base: &b {x: 1, y: 2}\nc:\n  z: 0\n  <<: *b\n  y: 3\n",
		"{base:{x:1,y:2},c:{z:0,x:1,y:3}}");
	assert_tree("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}\n",
		"{a:{x:1},b:{x:2,y:2},c:{x:1,y:2,z:3}}");
	assert_tree("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n",
		"{a:{x:1},b:{x:1,y:2},c:{x:1,y:2}}");
}

static void test_yaml__quoted_merge_key_is_a_key(void **state)
{
	(void)state;
	assert_tree("c: {\"<<\": 1}\n", "{c:{'<<':1}}");
	assert_error("a: {<<: 5}\n", 1, 9, "merge key");
	assert_error("a: {<<: [5]}\n", 1, 10, "merge key");
}

static void test_yaml__aliases_share_nodes(void **state)
{
	(void)state;
	struct yaml_node *n = parse("a: &x [1]\nb: *x\n");
	assert_ptr_equal(yaml_get(n, "a"), yaml_get(n, "b"));
	arena_release(&arena);
	assert_error("a: *none\n", 1, 4, "unknown alias '*none'");
	assert_error("a: &x\n  b: *x\n", 2, 6, "'*x' stands within");
	assert_error("&x [ *x ]\n", 1, 6, "'*x' stands within");
}

static void test_yaml__alias_bomb(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	strbuf_addstr(&sb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 10; i++) {
		strbuf_addf(&sb, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			strbuf_addf(&sb, "*a%d,", i - 1);
		strbuf_addstr(&sb, "]\n");
	}
	assert_error(sb.buf, 6, 5, "aliases stand for more than 1000000 nodes");
	strbuf_clear(&sb);
	strbuf_addstr(&sb, "b: &b {");
	for (int i = 0; i < 2000; i++)
		strbuf_addf(&sb, "k%d: v, ", i);
	strbuf_addstr(&sb, "}\nl:\n");
	for (int i = 0; i < 600; i++)
		strbuf_addstr(&sb, "- {<<: *b}\n");
	assert_error(sb.buf, 1, 4, "more than 1000000 nodes");
	strbuf_release(&sb);
}

static void test_yaml__errors_have_places(void **state)
{
	(void)state;
	assert_error(
		"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", 5, 3, "duplicate key 'c' (first on line 3)");
	assert_error("a: 1\n--- \nb: 2\n", 2, 1, "second document");
	assert_error("a: b: c\n", 1, 5, "mapping values are not allowed");
	assert_error("a:\n\t- b\n", 2, 1, "");
	assert_error("a: [1, 2\nb: 3\n", 2, 2, "");
	assert_error("? [a]\n: b\n", 1, 3, "must be a scalar");
	assert_error("a: \"x\n", 2, 1, "");
	assert_error("a: !!binary aGk=\n", 1, 4, "unsupported tag");
	assert_error("a: \x01\n", 1, 4, "control characters");
	assert_error("\"a\\0b\": 1\n", 1, 1, "NUL");
}

static void test_yaml__deep_nesting(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	strbuf_addstr(&sb, "a: ");
	strbuf_addchars(&sb, '[', 99);
	strbuf_addchars(&sb, ']', 99);
	parse(sb.buf);
	arena_release(&arena);
	strbuf_clear(&sb);
	strbuf_addstr(&sb, "a: ");
	strbuf_addchars(&sb, '[', 100);
	assert_error(sb.buf, 1, 103, "deeper than 100");
	strbuf_clear(&sb);
	strbuf_addchars(&sb, '[', 200000);
	assert_error_in("f.json", sb.buf, 1, 101, "deeper than 100");
	strbuf_clear(&sb);
	for (int i = 0; i < 101; i++)
		strbuf_addstr(&sb, "- ");
	assert_error(sb.buf, 1, 201, "deeper than 100");
	strbuf_release(&sb);
}

static void test_yaml__many_keys(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	for (int i = 0; i < 20000; i++)
		strbuf_addf(&sb, "key%d: %d\n", i, i);
	struct yaml_node *n = parse(sb.buf);
	assert_int_equal(n->nr, 20000);
	assert_string_equal(yaml_get(n, "key19999")->text, "19999");
	assert_int_equal(yaml_get(n, "key19999")->line, 20000);
	assert_int_equal(yaml_get(n, "key19999")->column, 11);
	assert_null(yaml_get(n, "key20000"));
	assert_null(yaml_get(yaml_get(n, "key1"), "x"));
	assert_null(yaml_get(NULL, "x"));
	arena_release(&arena);
	strbuf_release(&sb);
}

static void test_yaml__json_files(void **state)
{
	(void)state;
	assert_tree("{\n\t\"a\"\t:\t[1,\ttrue,null,\"x\"],\r\n\t\"e\":\"\\ud83d\\ude00\\/\"}",
		"{'a':[1,true,null,'x'],'e':'\xf0\x9f\x98\x80/'}");
	assert_tree("\xef\xbb\xbf [ {\"ParameterKey\": \"A\",\t\"ParameterValue\": \"\"} ]\n",
		"[{'ParameterKey':'A','ParameterValue':''}]");
	struct yaml_node *n = parse("{\"a\": 1,\n \"b\": {\"c\": \"x\\u0000y\"}}");
	struct yaml_node *c = yaml_get(yaml_get(n, "b"), "c");
	assert_int_equal(c->len, 3);
	assert_memory_equal(c->text, "x\0y", 3);
	assert_int_equal(c->line, 2);
	assert_int_equal(c->column, 13);
	assert_int_equal(n->pairs[1].key->column, 2);
	arena_release(&arena);
}

static void test_yaml__json_errors(void **state)
{
	(void)state;
	assert_error_in(
		"f.json", "{\"a\": 1,\n \"a\": 2}", 2, 2, "duplicate key 'a' (first on line 1)");
	assert_error_in("f.json", "{\"a\": 1,}", 1, 9, "member's name");
	assert_error_in("f.json", "{\"a\": !Ref b}", 1, 7, "unexpected '!'");
	assert_error_in("f.json", "{\"a\": 1} x", 1, 10, "unexpected 'x'");
	assert_error_in("f.json", "[1", 1, 3, "found the end");
	/* Neither JSON nor YAML: the reader that came further speaks. */
	assert_error("{\"a\": \"\\ud83d\\ude00\",\n\"b\": [1, 2}", 2, 11, "',' or ']'");
}

static void test_yaml__scalar_types(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum yaml_type type;
	} cases[] = {{"~", YAML_T_NULL}, {"null", YAML_T_NULL}, {"NULL", YAML_T_NULL},
		{"true", YAML_T_BOOL}, {"False", YAML_T_BOOL}, {"TRUE", YAML_T_BOOL},
		{"tRUE", YAML_T_STRING}, {"yes", YAML_T_BOOL}, {"No", YAML_T_BOOL},
		{"ON", YAML_T_BOOL}, {"off", YAML_T_BOOL}, {"yEs", YAML_T_STRING},
		{"oN", YAML_T_STRING}, {"OFf", YAML_T_STRING}, {"y", YAML_T_STRING},
		{"'yes'", YAML_T_STRING}, {"!!str yes", YAML_T_STRING}, {"nULL", YAML_T_STRING},
		{"1", YAML_T_INT}, {"-17", YAML_T_INT}, {"0", YAML_T_INT},
		{"18446744073709551616", YAML_T_INT}, {"012", YAML_T_STRING},
		{"0x1f", YAML_T_STRING}, {"1_000", YAML_T_STRING}, {"1:30", YAML_T_STRING},
		{"+1", YAML_T_STRING}, {"3.0", YAML_T_FLOAT}, {"1e5", YAML_T_FLOAT},
		{".5", YAML_T_STRING}, {"'1'", YAML_T_STRING}, {"!!str 1", YAML_T_STRING},
		{"! 1", YAML_T_STRING}, {"!!int '1'", YAML_T_INT}, {"2012-10-17", YAML_T_STRING},
		{"\"\"", YAML_T_STRING}, {"", YAML_T_NULL}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strbuf sb = STRBUF_INIT;
		strbuf_addf(&sb, "a: %s\n", cases[i].text);
		if (yaml_scalar_type(yaml_get(parse(sb.buf), "a")) != cases[i].type)
			fail_msg("%s", cases[i].text);
		strbuf_release(&sb);
		arena_release(&arena);
	}
	assert_int_equal(yaml_scalar_type(NULL), YAML_T_STRING);
}

static void test_yaml__load(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	char *dir = fs_mkdtemp(NULL, "test-yaml-", &err), *path = fs_join(dir, "a.yaml");
	assert_ok(fs_write_atomic(path, "a: [1, 2]\n", 10, 0644, &err), &err);
	struct yaml_node *n = yaml_load(&arena, path, 10, &err);
	assert_non_null(n);
	assert_int_equal(yaml_get(n, "a")->nr, 2);
	assert_null(yaml_load(&arena, path, 9, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_null(yaml_load(&arena, "/nonexistent/x.yaml", 9, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	err_release(&err);
	arena_release(&arena);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(path);
	free(dir);
}
