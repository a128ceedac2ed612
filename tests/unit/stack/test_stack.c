#include "testing.h"
#include "quoted_json.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "fake_types.h"
#include "fs.h"
#include "intrinsics.h"
#include "project.h"
#include "strbuf.h"

static void test_stack__table_of_intrinsics_is_sorted_and_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_intrinsics; i++) {
		const struct intrinsic *fn = &intrinsics[i];
		if (i)
			assert_true(strcmp(intrinsics[i - 1].name, fn->name) < 0);
		if (fn->tag)
			assert_string_equal(fn->tag + 1,
				starts_with(fn->name, "Fn::") ? fn->name + 4 : fn->name);
		assert_true((fn->eval == NULL) == ((fn->flags & FN_BESIDE) != 0));
		assert_true(fn->min_args <= fn->max_args);
		assert_true(fn->check || fn->max_args);
	}
}

static struct stack *bind_text(const char *text, struct err_list *errors, struct err_list *warnings)
{
	struct template *t =
		template_parse("t.yaml", text, strlen(text), &fake_types, errors, warnings);
	return t ? stack_bind("s", t, &fake_context, NULL, 0, errors, warnings) : NULL;
}

static void test_stack__five_hundred_resources_bind_in_milliseconds(void **state)
{
	(void)state;
	struct strbuf text = STRBUF_INIT;
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	struct timespec from, to;
	strbuf_addstr(&text, "Resources:\n");
	for (int i = 0; i < 500; i++) {
		strbuf_addf(&text,
			"  SomeJobOfTheLake%d:\n    Type: AWS::Glue::Job\n    Properties:\n", i);
		strbuf_addf(&text,
			"      Role: !Sub '${AWS::Partition}-r'\n      Command: {Name: glueetl}\n");
		strbuf_addstr(&text, "      Connections:\n");
		for (int j = i > 5 ? i - 5 : 0; j < i; j++)
			strbuf_addf(&text, "        - !Sub 'x-${SomeJobOfTheLake%d}'\n", j);
		if (!i)
			strbuf_addstr(&text, "        - none\n");
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	struct stack *s = bind_text(text.buf, &errors, &warnings);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_non_null(s);
	assert_int_equal(s->nr_resources, 500);
	assert_int_equal(s->resources[499].refs.nr, 5);
	double ms =
		(double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	print_message("500 resources: %.1f ms\n", ms);
	assert_true(ms < 500);
	stack_free(s);
	strbuf_release(&text);
}

static void test_stack__the_sales_lake_loads_as_it_is(void **state)
{
	(void)state;
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	struct strvec sets = STRVEC_INIT;
	char file[] = __FILE__;
	char *dir = xasprintf("%s/../../../stacks/sales-lake", dirname(file));
	const struct project_opts opts = {.path = dir, .sets = &sets};
	if (!fs_is_dir(dir))
		skip();
	struct project *p = project_load(&opts, &errors);
	if (!p || project_bind(p, &opts, &fake_context, NULL, &errors, &warnings))
		fail_msg("%s:%d: %s", errors.v[0].file, errors.v[0].line, errors.v[0].text);
	assert_int_equal(warnings.nr, 0);
	assert_int_equal(p->nr_stacks, 4);
	for (size_t i = 0; i < p->nr_stacks; i++)
		assert_true(p->stacks[i]->nr_resources > 0);
	project_free(p);
	free(dir);
}

static int asked; /* how often */

static int systems_manager(
	void *payload, const struct eval_external *what, struct json **out, struct err *err)
{
	assert_int_equal(what->kind, EXTERNAL_SSM_PARAMETER);
	assert_null(what->version);
	asked++;
	if (!payload)
		return 1;
	if (strcmp(what->name, "/lake/zone") != 0)
		return err_set(err, ERR_NOT_FOUND, "no '%s'", what->name);
	*out = json_string(payload);
	return 0;
}

static struct stack *bind_looked_up(
	struct stack_context ctx, char *name, char *value, struct err_list *errors)
{
	static const char text[] =
		"Parameters:\n"
		"  Zone: {Type: AWS::SSM::Parameter::Value<String>}\n"
		"Conditions:\n"
		"  Raw: !Equals [!Ref Zone, raw]\n"
		"  Clean: !Not [!Equals [!Ref Zone, raw]]\n"
		"Resources:\n"
		"  A: {Type: AWS::S3::Bucket, Condition: Raw}\n"
		"  B: {Type: AWS::S3::Bucket, Condition: Clean}\n"
		"  C: {Type: AWS::S3::Bucket, Properties: {BucketName: !If [Raw, !Ref A, !Ref "
		"B]}}\n";
	char zone[] = "Zone";
	const struct param_value given = {.name = zone, .text = name};
	struct err_list warnings = ERR_LIST_INIT;
	struct template *t =
		template_parse("t.yaml", text, strlen(text), &fake_types, errors, &warnings);

	ctx.external = systems_manager;
	ctx.external_payload = value;
	asked = 0;
	struct stack *s = t ? stack_bind("s", t, &ctx, &given, 1, errors, &warnings) : NULL;
	err_list_release(&warnings);
	return s;
}

static void test_stack__conditions_on_looked_up_values(void **state)
{
	(void)state;
	struct err_list errors = ERR_LIST_INIT;
	struct stack_context ctx = fake_context;
	char raw[] = "raw", clean[] = "clean", zone[] = "/lake/zone", other[] = "/other";

	struct stack *s = bind_looked_up(ctx, zone, raw, &errors);
	assert_non_null(s);
	assert_true(stack_find(s, "A") && !stack_find(s, "B") && asked == 1);
	assert_string_equal(json_get_str(s->parameters, "Zone"), "raw");
	stack_free(s);
	s = bind_looked_up(ctx, zone, clean, &errors);
	assert_true(s && !stack_find(s, "A") && stack_find(s, "B"));
	stack_free(s);

	assert_null(bind_looked_up(ctx, other, raw, &errors));
	assert_int_equal(errors.nr, 1);
	assert_string_equal(errors.v[0].text, "parameter 'Zone' of stack 's': no '/other'");
	assert_int_equal(errors.v[0].code, ERR_NOT_FOUND);
	err_list_release(&errors);

	/* what goes needs no values */
	ctx.secrets_may_be_unknown = true;
	s = bind_looked_up(ctx, other, raw, &errors);
	assert_true(s && s->guessed && !errors.nr);
	stack_free(s);

	/* before the account is known, nothing that follows from guesses is told */
	ctx = (struct stack_context){.project = "lake", .region = "eu-west-1", .bound_again = true};
	s = bind_looked_up(ctx, zone, NULL, &errors);
	assert_true(s && s->guessed && !errors.nr);
	stack_free(s);
}

static void test_stack__an_evaluation_hook_that_fails_ends_it(void **state)
{
	(void)state;
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	struct stack *s =
		bind_text("Resources:\n  A: {Type: AWS::S3::Bucket, Properties: {BucketName: "
			  "!ImportValue x}}\n",
			&errors, &warnings);
	assert_non_null(s);
	struct eval e = {.stack = s};
	struct json *props;
	struct err err = ERR_INIT;
	assert_ok(stack_eval_properties(&e, stack_find(s, "A"), &props, &err), &err);
	assert_true(json_is_unknown(json_get(props, "BucketName")));
	assert_true(json_has_unknown(props));
	assert_false(json_is_unknown(props));
	assert_null(stack_find(s, "B"));
	json_free(props);
	stack_free(s);
}

static void test_stack__a_name_in_one_of_several_places(void **state)
{
	static const struct type_schema several = {.name_field = "A.Name|B.Name"};
	static const struct type_schema none = {.name = "Nameless"};
	static const struct {
		const char *props, *path;
	} cases[] = {{"{'B':{'Name':'x'}}", "B.Name"}, {"{'A':{}}", "A.Name"}, {"{}", "A.Name"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *props = js(cases[i].props);
		char *path = schema_name_path(&several, props);
		assert_string_equal(path, cases[i].path);
		free(path);
		json_free(props);
	}
	assert_null(schema_name_path(&none, NULL));
}

static void test_stack__formats_fill_in_names_and_properties(void **state)
{
	(void)state;
	struct json *props = json_object();
	json_set_str(props, "Path", "/x/");
	char *s =
		schema_format("arn:{partition}:iam::{account}:role{Path}{name}-{Nothing}-{region}{",
			"aws", "eu-west-1", "12", "r", props);
	assert_string_equal(s, "arn:aws:iam::12:role/x/r--eu-west-1{");
	free(s);
	json_free(props);
}
