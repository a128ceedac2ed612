/* CloudFormation's quotas: what just fits is taken, one more is an error that says so. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "fake_types.h"
#include "fs.h"
#include "strbuf.h"

#define BUCKET "Resources: {B: {Type: 'AWS::S3::Bucket'}}\n"

static void add_resources(struct strbuf *sb, size_t n)
{
	strbuf_addstr(sb, "Resources:\n");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sb, "  B%zu: {Type: 'AWS::S3::Bucket'}\n", i);
}

static void add_loop(struct strbuf *sb, size_t n)
{
	strbuf_addstr(sb, "Transform: AWS::LanguageExtensions\nResources:\n"
			  "  Fn::ForEach::All:\n  - Name\n  - [");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sb, "%sb%zu", i ? "," : "", i);
	strbuf_addstr(sb, "]\n  - 'B${Name}': {Type: 'AWS::S3::Bucket'}\n");
}

static void add_parameters(struct strbuf *sb, size_t n)
{
	strbuf_addstr(sb, BUCKET "Parameters:\n");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sb, "  P%zu: {Type: String, Default: x}\n", i);
}

static void add_outputs(struct strbuf *sb, size_t n)
{
	strbuf_addstr(sb, BUCKET "Outputs:\n");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sb, "  O%zu: {Value: x}\n", i);
}

static void add_mappings(struct strbuf *sb, size_t n)
{
	strbuf_addstr(sb, BUCKET "Mappings:\n");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sb, "  M%zu: {a: {b: c}}\n", i);
}

static void add_keys(struct strbuf *sb, size_t n)
{
	strbuf_addstr(sb, BUCKET "Mappings:\n  M:\n");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sb, "    k%zu: {b: c}\n", i);
}

static void add_values(struct strbuf *sb, size_t n)
{
	strbuf_addstr(sb, BUCKET "Mappings:\n  M:\n    k:\n");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sb, "      v%zu: c\n", i);
}

static struct stack *bind(const char *text, size_t len, struct err_list *errors)
{
	struct err_list warnings = ERR_LIST_INIT;
	struct template *t = template_parse("t.yaml", text, len, &fake_types, errors, &warnings);
	struct stack *s = t ? stack_bind("s", t, &fake_context, NULL, 0, errors, &warnings) : NULL;
	err_list_release(&warnings);
	return s;
}

static void test_quotas__of_what_is_counted(void **state)
{
	(void)state;
	static const struct {
		void (*add)(struct strbuf *sb, size_t n);
		size_t most;
		const char *error;
	} cases[] = {
		{add_resources, 500, "501 resources: CloudFormation takes 500"},
		{add_loop, 500, "501 resources: CloudFormation takes 500"},
		{add_parameters, 200, "201 parameters: CloudFormation takes 200"},
		{add_outputs, 200, "201 outputs: CloudFormation takes 200"},
		{add_mappings, 200, "201 mappings: CloudFormation takes 200"},
		{add_keys, 200, "201 keys of a mapping: CloudFormation takes 200"},
		{add_values, 200, "201 values of a mapping's key: CloudFormation takes 200"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strbuf text = STRBUF_INIT;
		struct err_list errors = ERR_LIST_INIT;
		cases[i].add(&text, cases[i].most);
		struct stack *s = bind(text.buf, text.len, &errors);
		if (!s || errors.nr)
			fail_msg("case %zu: %s", i, errors.nr ? errors.v[0].text : "no stack");
		assert_int_equal(s->nr_resources, i < 2 ? 500 : 1);
		stack_free(s);
		strbuf_clear(&text);
		cases[i].add(&text, cases[i].most + 1);
		assert_null(bind(text.buf, text.len, &errors));
		assert_int_equal(errors.nr, 1);
		assert_string_equal(errors.v[0].text, cases[i].error);
		assert_true(errors.v[0].line > 0);
		assert_int_equal(err_exit_code(&errors.v[0]), 2);
		err_list_release(&errors);
		strbuf_release(&text);
	}
}

static void test_quotas__of_a_templates_size(void **state)
{
	(void)state;
	static const size_t most = 1 << 20;
	struct err err = ERR_INIT;
	char *dir = fs_mkdtemp(NULL, "glueproj-quota-", &err), *path = fs_join(dir, "t.yaml");
	struct strbuf text = STRBUF_INIT;
	strbuf_addstr(&text, BUCKET "# ");
	while (text.len < most)
		strbuf_addch(&text, 'x');
	for (size_t more = 0; more < 2; more++) {
		struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
		assert_ok(fs_write_atomic(path, text.buf, text.len, 0644, &err), &err);
		struct template *t = template_load(path, &fake_types, &errors, &warnings);
		assert_int_equal(!t, more);
		assert_int_equal(errors.nr, more);
		if (more) {
			assert_non_null(strstr(errors.v[0].text, "1048576 bytes"));
			assert_int_equal(err_exit_code(&errors.v[0]), 2);
		}
		template_free(t);
		err_list_release(&errors);
		strbuf_addch(&text, 'x');
	}
	strbuf_release(&text);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(path);
	free(dir);
}
