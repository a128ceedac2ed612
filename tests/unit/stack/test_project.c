#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fake_types.h"
#include "fs.h"
#include "project.h"
#include "strbuf.h"

static const char template_text[] =
	"Parameters:\n"
	"  Name: {Type: String, Default: from-default}\n"
	"  Zones: {Type: CommaDelimitedList, Default: z}\n"
	"  Secret: {Type: String, NoEcho: true, Default: none}\n"
	"Resources:\n"
	"  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Name}}\n"
	"Outputs:\n"
	"  Out: {Value: !Ref Bucket}\n";
static const char project_text[] = "Project: lake\n"
				   "Region: eu-central-1\n"
				   "Config: config.yaml\n"
				   "Artifacts: s3://${Name}/artifacts/\n"
				   "Stacks:\n"
				   "  - one\n"
				   "  - {Name: two, Template: other.yaml, Parameters: two.json}\n"
				   "Uploads:\n"
				   "  - {From: \"data/*.csv\", To: \"s3://${Name}/in/\"}\n"
				   "AfterSetup:\n"
				   "  - {StartCrawler: \"${Out}\"}\n";
static const char other_text[] =
	"Parameters: {Name: {Type: String}, Only: {Type: Number, Default: 1}}\n"
	"Resources: {B: {Type: AWS::S3::Bucket}}\n";

static void put(const char *dir, const char *name, const char *text)
{
	struct err err = ERR_INIT;
	char *path = fs_join(dir, name), *parent = fs_dirname(path);
	assert_ok(fs_mkdir_p(parent, 0755, &err), &err);
	assert_ok(fs_write_atomic(path, text, strlen(text), 0644, &err), &err);
	free(path);
	free(parent);
}

/* A project in a folder of its own. */
struct fixture {
	char *dir;
	struct project *p;
	struct err_list errors, warnings;
	struct strvec sets;
	struct project_opts opts;
};

static void fixture_init(struct fixture *f)
{
	struct err err = ERR_INIT;
	memset(f, 0, sizeof(*f));
	strvec_init(&f->sets);
	f->dir = fs_mkdtemp(NULL, "glueproj-project-", &err);
	assert_non_null(f->dir);
	put(f->dir, "glueproj.yaml", project_text);
	put(f->dir, "one.yaml", template_text);
	put(f->dir, "other.yaml", other_text);
	put(f->dir, "two.json", "[{\"ParameterKey\": \"Only\", \"ParameterValue\": \"3.0\"}]");
	put(f->dir, "config.yaml", "Name: from-config\n");
	put(f->dir, "data/a.csv", "1");
	put(f->dir, "data/b.csv", "2");
	put(f->dir, "data/c.txt", "3");
	f->opts = (struct project_opts){.path = f->dir, .sets = &f->sets};
}

static void fixture_release(struct fixture *f)
{
	struct err err = ERR_INIT;
	project_free(f->p);
	err_list_release(&f->errors);
	err_list_release(&f->warnings);
	strvec_release(&f->sets);
	assert_ok(fs_remove_tree(f->dir, &err), &err);
	free(f->dir);
}

static bool load(struct fixture *f)
{
	f->p = project_load(&f->opts, &f->errors);
	return f->p &&
	       !project_bind(f->p, &f->opts, &fake_context, &fake_types, &f->errors, &f->warnings);
}

static void must_load(struct fixture *f)
{
	if (!load(f))
		fail_msg("%s", f->errors.v[0].text);
	assert_int_equal(f->errors.nr, 0);
}

/* The only error holds this text, at that place of that file (NULL: none), with a hint that holds `hint`. */
static void must_fail(struct fixture *f, const char *text, const char *file, int line, int column,
	const char *hint)
{
	if (load(f))
		fail_msg("no error, wanted '%s'", text);
	const struct err *e = &f->errors.v[0];
	if (f->errors.nr != 1 || !strstr(e->text, text))
		fail_msg("%zu errors, the first '%s', wanted '%s'", f->errors.nr, e->text, text);
	assert_int_equal(err_exit_code(e), 2);
	if (file && (!e->file || !ends_with(e->file, file)))
		fail_msg("'%s' is at '%s'", text, e->file);
	if (!file)
		assert_null(e->file);
	assert_int_equal(e->line, line);
	assert_int_equal(e->column, column);
	if (hint && (!e->hint || !strstr(e->hint, hint)))
		fail_msg("'%s' has the hint '%s'", text, e->hint);
}

static const char *name_of(const struct fixture *f, const char *stack)
{
	return json_get_str(project_stack(f->p, stack)->parameters, "Name");
}

static void test_project__reads_all_of_the_file(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	must_load(&f);
	assert_string_equal(f.p->name, "lake");
	assert_string_equal(f.p->region, "eu-central-1");
	assert_null(f.p->home);
	assert_string_equal(f.p->artifacts, "s3://${Name}/artifacts/");
	assert_int_equal(f.p->nr_stacks, 2);
	assert_string_equal(f.p->stacks[0]->name, "one");
	assert_int_equal(f.p->nr_uploads, 1);
	assert_int_equal(f.p->uploads[0].files.nr, 2);
	assert_true(ends_with(f.p->uploads[0].files.v[0], "data/a.csv"));
	assert_true(ends_with(f.p->uploads[0].base, "/data"));
	assert_int_equal(f.p->uploads[0].line, 9);
	assert_int_equal(f.p->nr_actions, 1);
	assert_string_equal(f.p->actions[0].kind, "StartCrawler");
	assert_string_equal(f.p->actions[0].target, "${Out}");
	assert_string_equal(json_get_str(f.p->stacks[1]->parameters, "Only"), "3.0");
	fixture_release(&f);
}

static void test_project__values_come_in_order_of_strength(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "two.json",
		"{\"Parameters\": {\"Only\": 2, \"Name\": \"from-file\"}, \"Tags\": {}}");
	must_load(&f);
	assert_string_equal(name_of(&f, "two"), "from-config");
	project_free(f.p);

	put(f.dir, "config.yaml", "Zones: [a, 3.0]\n");
	must_load(&f);
	assert_string_equal(name_of(&f, "two"), "from-file");
	assert_string_equal(name_of(&f, "one"), "from-default");
	const struct json *zones = json_get(project_stack(f.p, "one")->parameters, "Zones");
	assert_int_equal(json_len(zones), 2);
	assert_string_equal(json_str(json_at(zones, 1)), "3.0");
	project_free(f.p);

	setenv("GLUEPROJ_PARAM_Name", "from-env", 1);
	must_load(&f);
	assert_string_equal(name_of(&f, "two"), "from-env");
	project_free(f.p);

	strvec_push(&f.sets, "Name=first");
	strvec_push(&f.sets, "Name=from=set");
	must_load(&f);
	assert_string_equal(name_of(&f, "one"), "from=set");
	assert_string_equal(name_of(&f, "two"), "from=set");
	unsetenv("GLUEPROJ_PARAM_Name");
	fixture_release(&f);
}

static void test_project__values_come_from_files_and_environment(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "secret.txt", "s3cr3t\n");
	put(f.dir, "config.yaml",
		"Secret: !File secret.txt\nName: !Env GLUEPROJ_TEST_NAME\n"
		"Zones: [!Env GLUEPROJ_TEST_NAME, b]\n");
	setenv("GLUEPROJ_TEST_NAME", "env-name", 1);
	must_load(&f);
	assert_string_equal(name_of(&f, "one"), "env-name");
	assert_string_equal(
		json_get_str(project_stack(f.p, "one")->parameters, "Secret"), "s3cr3t");
	project_free(f.p);
	f.p = NULL;

	char *path = fs_join(f.dir, "secret.txt");
	put(f.dir, "config.yaml", "Name: x\n");
	char *set = xasprintf("Secret=@%s", path);
	strvec_push(&f.sets, set);
	must_load(&f);
	assert_string_equal(
		json_get_str(project_stack(f.p, "one")->parameters, "Secret"), "s3cr3t");
	project_free(f.p);

	strvec_clear(&f.sets);
	put(f.dir, "config.yaml", "Name: x\nSecret: !Env GLUEPROJ_NOT_SET\n");
	must_fail(&f, "'GLUEPROJ_NOT_SET' is not set", "config.yaml", 2, 9, "Secret");
	free(path);
	free(set);
	fixture_release(&f);
}

static void test_project__bad_config_and_parameters_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *file, *text, *error, *at;
		int line, column;
		const char *hint;
	} cases[] = {
		{"config.yaml", "Name: x\nNmae: x\n", "unknown config key \'Nmae\'", "config.yaml",
			2, 1, "Name"},
		{"config.yaml", "Name: {a: b}\n", "no stack has a mapping of that name",
			"config.yaml", 1, 1, NULL},
		{"config.yaml", "Name:\n", "has no value", "config.yaml", 1, 6,
			"leave the key out"},
		{"config.yaml", "Name: !Ref x\n", "'!Ref' is unknown", "config.yaml", 1, 7, "!Env"},
		{"config.yaml", "Name: !File nowhere\n", "nowhere", "config.yaml", 1, 7, "Name"},
		{"config.yaml", "Zones: [\"a,b\"]\n", "holds a comma", "config.yaml", 1, 9, NULL},
		{"config.yaml", "- a\n", "must be a mapping", "config.yaml", 1, 1, NULL},
		{"config.yaml", "Name: x\nOnly: many\n", "'many' is not a number", "config.yaml", 2,
			1, NULL},
		{"two.json", "[{\"ParameterKey\": \"Onyl\", \"ParameterValue\": \"1\"}]",
			"no parameter 'Onyl'", "two.json", 1, 45, "Only"},
		{"two.json", "[{\"ParameterKey\": \"Only\"}]", "must be {", "two.json", 1, 2, NULL},
		{"two.json", "[{\"ParameterKey\": \"Only\", \"UsePreviousValue\": true}]",
			"UsePreviousValue", "two.json", 1, 47, NULL},
		{"two.json", "{\"a\": 1}", "not a parameter file", "two.json", 1, 1,
			"ParameterKey"},
		{"two.json", "[\"Only\"]", "Name=Value", "two.json", 1, 2, NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		fixture_init(&f);
		put(f.dir, cases[i].file, cases[i].text);
		must_fail(&f, cases[i].error, cases[i].at, cases[i].line, cases[i].column,
			cases[i].hint);
		fixture_release(&f);
	}
}

/* A template with a mapping, and what its branches of `Only` are made of. */
static const char mapped_text[] = "Transform: AWS::LanguageExtensions\n"
				  "Parameters:\n"
				  "  Coins: {Type: CommaDelimitedList}\n"
				  "Mappings:\n"
				  "  Coins: {XYZ: {File: none, Drop: Y}}\n"
				  "Resources:\n"
				  "  Fn::ForEach::All:\n"
				  "  - Coin\n"
				  "  - !Ref Coins\n"
				  "  - \"Role${Coin}\":\n"
				  "      Type: AWS::IAM::Role\n"
				  "      Properties:\n"
				  "        RoleName: !FindInMap [Coins, !Ref Coin, File]\n"
				  "        AssumeRolePolicyDocument: {}\n";

static void test_project__a_map_fills_the_mapping_of_its_name(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "glueproj.yaml", "Project: p\nConfig: config.yaml\nStacks: [one]\n");
	put(f.dir, "one.yaml", mapped_text);
	put(f.dir, "config.yaml",
		"Coins:\n  BTC: {File: bitcoin}\n  XMR: {File: monero, Drop: N}\n");
	must_load(&f);
	const struct stack *one = project_stack(f.p, "one");
	assert_int_equal(json_len(json_get(one->parameters, "Coins")), 2);
	assert_non_null(stack_find(one, "RoleBTC"));
	assert_non_null(stack_find(one, "RoleXMR"));
	assert_null(stack_find(one, "RoleXYZ"));
	project_free(f.p);

	/* some of them only */
	strvec_push(&f.sets, "Coins=XMR");
	must_load(&f);
	assert_null(stack_find(project_stack(f.p, "one"), "RoleBTC"));
	fixture_release(&f);
}

static void test_project__bad_maps_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
		int line, column;
		const char *hint;
	} cases[] = {
		{"Coins:\n  BTC: {File: a}\n  BTC: {File: b}\n", "BTC", 3, 3, NULL},
		{"Coins:\n  BTC: {Fiel: a, File: b}\n", "unknown name 'Fiel'", 2, 9, "File"},
		{"Coins:\n  BTC: {File: {a: b}}\n", "a text or a list of texts", 2, 15, NULL},
		{"Coins:\n  BTC: {File: !Env X}\n", "a text or a list of texts", 2, 15, NULL},
		{"Coins:\n  BTC: bitcoin\n", "must be a mapping", 2, 8, NULL},
		{"Coins:\n  \"B,C\": {File: x}\n", "'B,C' is not a", 2, 3, NULL},
		{"Coins: {}\n", "a mapping needs keys", 1, 8, NULL},
		{"Coin: {a: {File: b}}\n", "no stack has a mapping of that name", 1, 1, "Coins"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		fixture_init(&f);
		put(f.dir, "glueproj.yaml", "Project: p\nConfig: config.yaml\nStacks: [one]\n");
		put(f.dir, "one.yaml", mapped_text);
		put(f.dir, "config.yaml", cases[i].text);
		assert_false(load(&f));
		const struct err *e = &f.errors.v[0];
		if (!strstr(e->text, cases[i].error) || !e->file ||
			!ends_with(e->file, "config.yaml") || e->line != cases[i].line ||
			e->column != cases[i].column)
			fail_msg("case %zu: %s:%d:%d: %s", i, e->file, e->line, e->column, e->text);
		if (cases[i].hint && (!e->hint || !strstr(e->hint, cases[i].hint)))
			fail_msg("case %zu: hint '%s'", i, e->hint);
		fixture_release(&f);
	}
}

static void test_project__bad_sets_and_environment_are_named(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	strvec_push(&f.sets, "Nme=x");
	must_fail(&f, "--set: no stack has a parameter 'Nme'", NULL, 0, 0, "Name");
	fixture_release(&f);

	fixture_init(&f);
	strvec_push(&f.sets, "s3cr3t");
	must_fail(&f, "--set takes NAME=VALUE", NULL, 0, 0, NULL);
	assert_null(strstr(f.errors.v[0].text, "s3cr3t"));
	fixture_release(&f);

	fixture_init(&f);
	strvec_push(&f.sets, "Name=@/nowhere/at/all");
	must_fail(&f, "/nowhere/at/all", NULL, 0, 0, NULL);
	fixture_release(&f);

	fixture_init(&f);
	setenv("GLUEPROJ_PARAM_Nothing", "x", 1);
	must_fail(&f, "GLUEPROJ_PARAM_Nothing: no stack", NULL, 0, 0, NULL);
	unsetenv("GLUEPROJ_PARAM_Nothing");
	fixture_release(&f);
}

static void test_project__bad_project_files_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
		int line, column;
		const char *hint;
	} cases[] = {
		{"Project: a\nStack: []\nStacks: [one]\n", "unknown key 'Stack'", 2, 1, "Stacks"},
		{"Project: a b\nStacks: [one]\n", "not a project name", 1, 10, NULL},
		{"Stacks: [one]\n", "'Project' is missing", 1, 1, NULL},
		{"Project: a\n", "needs a list of Stacks", 0, 0, NULL},
		{"Project: a\nStacks: [one, one]\n", "is there twice", 2, 15, NULL},
		{"Project: a\nStacks: [a_b]\n", "not a stack name", 2, 10, NULL},
		{"Project: a\nStacks: [{Name: one, Templat: x}]\n", "unknown key 'Templat'", 2, 22,
			"Template"},
		{"Project: a\nStacks: [one]\nUploads: [{From: 'x/*', To: 's3://b/'}]\n",
			"'x/*' matches no file", 3, 18, NULL},
		{"Project: a\nStacks: [one]\nUploads: [{From: 'data/*', To: 's3://b/k'}]\n",
			"matches 3 files", 3, 18, "end it with '/'"},
		{"Project: a\nStacks: [one]\nUploads: [{From: 'data/*', To: 'b/k'}]\n",
			"not an s3:// address", 3, 32, NULL},
		{"Project: a\nStacks: [one]\nAfterSetup: [{StartCrawlr: x}]\n",
			"unknown key 'StartCrawlr'", 3, 15, "StartCrawler"},
		{"Project: a\nStacks: [one]\nArtifacts: bucket\n", "not an s3:// address", 3, 12,
			NULL},
		{"Project: a\nHome: [x]\nStacks: [one]\n", "'Home' must be a text", 2, 7, NULL},
		{"Project: a\nStacks: [{Name: one\n", "did not find expected", 3, 1, NULL},
		{"[]\n", "must be a mapping", 1, 1, NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		fixture_init(&f);
		put(f.dir, "glueproj.yaml", cases[i].text);
		must_fail(&f, cases[i].error, "glueproj.yaml", cases[i].line, cases[i].column,
			cases[i].hint);
		fixture_release(&f);
	}
}

static void test_project__uploads_know_folders_and_deep_patterns(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "data/deep/d.csv", "4");
	put(f.dir, "glueproj.yaml",
		"Project: a\nStacks: [one]\nUploads:\n"
		"  - {From: data/, To: 's3://b/'}\n"
		"  - {From: 'data/**/*.csv', To: 's3://b/'}\n"
		"  - {From: [data/a.csv, data/c.txt], To: 's3://b/x'}\n");
	must_load(&f);
	assert_int_equal(f.p->nr_uploads, 4);
	assert_int_equal(f.p->uploads[0].files.nr, 4);
	assert_int_equal(f.p->uploads[1].files.nr, 3);
	assert_int_equal(f.p->uploads[2].files.nr, 1);
	assert_true(ends_with(f.p->uploads[1].base, "/data"));
	project_free(f.p);

	put(f.dir, "glueproj.yaml",
		"Project: a\nStacks: [one]\nUploads: [{From: 'gone/*', To: 's3://b/'}]\n");
	f.opts.lenient_uploads = true;
	must_load(&f);
	assert_int_equal(f.p->uploads[0].files.nr, 0);
	fixture_release(&f);
}

static void test_project__one_template_is_a_project_of_its_own(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	char *template = fs_join(f.dir, "other.yaml"), *parameters = fs_join(f.dir, "p.json");
	put(f.dir, "p.json", "[\"Name=x\", \"Only=4\"]");
	f.opts = (struct project_opts){
		.template_path = template, .parameters_path = parameters, .stack_name = "alone"};
	must_load(&f);
	assert_string_equal(f.p->name, "alone");
	assert_null(f.p->file);
	assert_string_equal(name_of(&f, "alone"), "x");
	project_free(f.p);
	f.opts.project_name = "other";
	must_load(&f);
	assert_string_equal(f.p->name, "other");
	project_free(f.p);
	f.opts.template_path = "/nowhere.yaml";
	must_fail(&f, "/nowhere.yaml", NULL, 0, 0, NULL);
	free(template);
	free(parameters);
	fixture_release(&f);
}

static void test_project__is_found_in_a_parent_folder(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	char *old = getcwd(NULL, 0), *deep = fs_join(f.dir, "data");
	assert_int_equal(chdir(deep), 0);
	f.opts.path = NULL;
	must_load(&f);
	assert_string_equal(f.p->name, "lake");
	assert_int_equal(chdir(old), 0);
	free(old);
	free(deep);
	fixture_release(&f);
}

static int give_output(void *payload, const char *output, char **value, struct err *err unused_arg)
{
	assert_string_equal(output, "Out");
	if (!payload)
		return 1;
	*value = xstrdup(payload);
	return 0;
}

static void test_project__expands_names_in_its_settings(void **state)
{
	(void)state;
	struct fixture f;
	struct err err = ERR_INIT;
	char *out = NULL;
	char value[] = "crawler";
	fixture_init(&f);
	must_load(&f);
	assert_ok(project_expand(f.p, "s3://${Name}/${AWS::Region}-${AWS::AccountId}/${!x}/$y",
			  give_output, NULL, &out, &err),
		&err);
	assert_string_equal(out, "s3://from-config/eu-west-1-123456789012/${x}/$y");
	free(out);
	assert_int_equal(project_expand(f.p, "${Out}", give_output, NULL, &out, &err), 1);
	assert_ok(project_expand(f.p, "<${Out}>", give_output, value, &out, &err), &err);
	assert_string_equal(out, "<crawler>");
	free(out);
	assert_int_equal(project_expand(f.p, "${Nmae}", give_output, NULL, &out, &err), -1);
	assert_string_equal(err.hint, "did you mean 'Name'?");
	assert_int_equal(err_exit_code(&err), 2);
	assert_int_equal(project_expand(f.p, "${Secret}", give_output, NULL, &out, &err), -1);
	assert_non_null(strstr(err.text, "NoEcho"));
	assert_int_equal(project_expand(f.p, "${open", give_output, NULL, &out, &err), -1);
	err_release(&err);
	project_free(f.p);

	put(f.dir, "config.yaml", "{}\n");
	put(f.dir, "two.json", "[\"Name=from-two\"]");
	must_load(&f);
	assert_int_equal(project_expand(f.p, "${Name}", give_output, NULL, &out, &err), -1);
	assert_non_null(strstr(err.text, "two values: 'from-default' in stack 'one', 'from-two'"));
	assert_int_equal(err_exit_code(&err), 2);
	err_release(&err);
	fixture_release(&f);
}

/* What only Systems Manager knows is unknown, not empty. */
static void test_project__names_that_systems_manager_has(void **state)
{
	(void)state;
	struct fixture f;
	struct stack_context ctx = fake_context;
	struct err err = ERR_INIT;
	char *out = NULL;
	fixture_init(&f);
	put(f.dir, "one.yaml",
		"Parameters:\n"
		"  Name: {Type: String, Default: x}\n"
		"  Kept: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a/b}\n"
		"  Many: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /a/c}\n"
		"Resources: {B: {Type: AWS::S3::Bucket}}\n");
	put(f.dir, "glueproj.yaml", "Project: a\nStacks: [one]\n");
	put(f.dir, "config.yaml", "{}\n");
	must_load(&f);
	assert_int_equal(project_expand(f.p, "s3://${Kept}/", NULL, NULL, &out, &err), 1);
	assert_int_equal(project_expand(f.p, "${Many}", NULL, NULL, &out, &err), 1);
	assert_int_equal(project_expand(f.p, "${Kept}${Nmae}", NULL, NULL, &out, &err), -1);
	err_release(&err);
	project_free(f.p);

	put(f.dir, "glueproj.yaml",
		"Project: a\nStacks: [one]\n"
		"Uploads: [{From: 'data/${Kept}', To: 's3://b/'}]\n");
	must_fail(&f, "'data/${Kept}' is not known before set-up", "glueproj.yaml", 3, 18, NULL);
	project_free(f.p);
	err_list_release(&f.errors);
	f.p = project_load(&f.opts, &f.errors);
	ctx.account = NULL;
	assert_int_equal(project_bind(f.p, &f.opts, &ctx, &fake_types, &f.errors, &f.warnings), 0);
	assert_int_equal(f.p->uploads[0].files.nr, 0);
	assert_int_equal(f.warnings.nr, 1);
	assert_non_null(strstr(f.warnings.v[0].text, "'data/${Kept}' is not looked for"));
	fixture_release(&f);
}

static const char named_text[] = "Project: lake\n"
				 "Region: ${Where}\n"
				 "Config: config.yaml\n"
				 "Home: home-${Team}\n"
				 "Artifacts: ${Place}artifacts/\n"
				 "Stacks: [{Name: one, Template: one.yaml}]\n"
				 "Uploads:\n"
				 "  - {From: \"${Folder}/*.csv\", To: \"s3://${Name}/${Team}/\"}\n"
				 "AfterSetup: [{StartCrawler: \"${Team}-crawler\"}]\n";
static const char named_values[] = "Name: b\nWhere: eu-west-2\nTeam: red\nPlace: s3://x/\n"
				   "Folder: data\n";

static void expands_to(const struct fixture *f, const char *text, const char *expected)
{
	struct err err = ERR_INIT;
	char *out = NULL;
	assert_ok(project_expand(f->p, text, NULL, NULL, &out, &err), &err);
	assert_string_equal(out, expected);
	free(out);
}

static void test_project__its_own_names_may_be_config_keys(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "glueproj.yaml", named_text);
	put(f.dir, "config.yaml", named_values);
	put(f.dir, "more/d.csv", "4");
	must_load(&f);
	assert_string_equal(f.p->region, "eu-west-2");
	expands_to(&f, f.p->home, "home-red");
	expands_to(&f, f.p->artifacts, "s3://x/artifacts/");
	expands_to(&f, f.p->uploads[0].to, "s3://b/red/");
	assert_int_equal(f.p->uploads[0].files.nr, 2);
	assert_string_equal(f.p->uploads[0].pattern, "data/*.csv");
	assert_true(ends_with(f.p->uploads[0].base, "/data"));
	expands_to(&f, f.p->actions[0].target, "red-crawler");
	project_free(f.p);

	setenv("GLUEPROJ_PARAM_Team", "blue", 1);
	strvec_push(&f.sets, "Where=eu-north-1");
	strvec_push(&f.sets, "Folder=more");
	must_load(&f);
	assert_string_equal(f.p->region, "eu-north-1");
	expands_to(&f, "${Team}${Name}", "blueb");
	assert_int_equal(f.p->uploads[0].files.nr, 1);
	assert_true(ends_with(f.p->uploads[0].files.v[0], "more/d.csv"));
	strvec_push(&f.sets, "Team=green");
	project_free(f.p);
	must_load(&f);
	expands_to(&f, "${Team}", "green");
	unsetenv("GLUEPROJ_PARAM_Team");
	fixture_release(&f);
}

static void test_project__a_region_may_be_empty_or_given_otherwise(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "glueproj.yaml", named_text);
	put(f.dir, "config.yaml", "Name: b\nTeam: red\nPlace: s3://x/\nFolder: data\n");
	must_fail(&f, "'${Where}' has no value", "glueproj.yaml", 2, 9, "--region");
	assert_null(f.p);
	err_list_release(&f.errors);
	f.opts.region = "eu-south-1";
	must_load(&f);
	assert_null(f.p->region);
	project_free(f.p);
	f.opts.region = NULL;
	f.opts.no_values = true;
	f.p = project_load(&f.opts, &f.errors);
	assert_non_null(f.p);
	assert_null(f.p->region);
	project_free(f.p);
	f.opts.no_values = false;
	put(f.dir, "config.yaml",
		"Name: b\nWhere: \"\"\nTeam: red\nPlace: s3://x/\nFolder: data\n");
	must_load(&f);
	assert_null(f.p->region);
	project_free(f.p);
	put(f.dir, "config.yaml",
		"Name: b\nWhere: !Env GLUEPROJ_NOT_SET\nTeam: red\nPlace: s3://x/\nFolder: data\n");
	must_fail(&f, "'GLUEPROJ_NOT_SET' is not set", "config.yaml", 2, 8, "export");
	err_list_release(&f.errors);
	strvec_push(&f.sets, "Where=eu-west-3");
	must_load(&f);
	assert_string_equal(f.p->region, "eu-west-3");
	fixture_release(&f);
}

static void test_project__wrong_names_of_its_own_have_a_place(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *text, *file;
		int line, column;
		const char *hint;
	} cases[] = {
		{"${Where}", "${AWS::Region}", "is not known where", "glueproj.yaml", 2, 9, NULL},
		{"${Where}", "${Where", "'${' without '}'", "glueproj.yaml", 2, 9, NULL},
		{"${Where}", "${Secret}", "NoEcho", "glueproj.yaml", 2, 9, NULL},
		{"${Folder}/*", "${Foldr}/*", "unknown config key 'Folder'", "config.yaml", 5, 1,
			"did you mean 'Foldr'?"},
		{"${Folder}/*", "data/${Folder}/*", "matches no file", "glueproj.yaml", 8, 12,
			"data/data"},
		{"${Folder}/*", "${Out}/*", "config key 'Folder'", "config.yaml", 5, 1, NULL},
		{"${Folder}/*", "${Folder}${Out}/*", "not known before set-up", "glueproj.yaml", 8,
			12, NULL},
		{"${Folder}/*", "${Folder}${Nothing}/*", "nor a config key", "glueproj.yaml", 8, 12,
			NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		struct strbuf text = STRBUF_INIT;
		fixture_init(&f);
		strbuf_addstr(&text, named_text);
		strbuf_replace(&text, cases[i].from, cases[i].to);
		put(f.dir, "glueproj.yaml", text.buf);
		put(f.dir, "config.yaml", named_values);
		if (!strcmp(cases[i].to, "${Secret}")) {
			put(f.dir, "config.yaml",
				"Name: b\nSecret: x\nTeam: red\nPlace: s3://x/\nFolder: data\n");
		} else if (starts_with(cases[i].from, "${Where}")) {
			put(f.dir, "config.yaml",
				"Name: b\nTeam: red\nPlace: s3://x/\nFolder: data\n");
		}
		must_fail(&f, cases[i].text, cases[i].file, cases[i].line, cases[i].column,
			cases[i].hint);
		strbuf_release(&text);
		fixture_release(&f);
	}
}

static void test_project__a_missing_value_may_come_from_elsewhere(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "config.yaml", "Name: !Env GLUEPROJ_NOT_SET\n");
	must_fail(&f, "'GLUEPROJ_NOT_SET' is not set", "config.yaml", 1, 7, "--set Name=@FILE");
	err_list_release(&f.errors);
	project_free(f.p);
	strvec_push(&f.sets, "Name=given");
	must_load(&f);
	assert_string_equal(name_of(&f, "two"), "given");
	project_free(f.p);
	strvec_clear(&f.sets);
	put(f.dir, "config.yaml", "Name: !File nothing\n");
	must_fail(&f, "nothing", "config.yaml", 1, 7, NULL);
	err_list_release(&f.errors);
	project_free(f.p);
	put(f.dir, "config.yaml", "Name: n\nZones: [a, !Env GLUEPROJ_NOT_SET]\n");
	must_fail(&f, "'GLUEPROJ_NOT_SET' is not set", "config.yaml", 2, 12, "Zones");
	fixture_release(&f);
}

static void test_project__what_reads_needs_no_secrets(void **state)
{
	(void)state;
	static const char one[] =
		"Parameters:\n"
		"  Name: {Type: String}\n"
		"  Secret: {Type: String, NoEcho: true, MinLength: 8}\n"
		"  Secrets: {Type: CommaDelimitedList, NoEcho: true}\n"
		"Rules: {R: {Assertions: [{Assert: !Equals [!Ref Secret, abcdefgh]}]}}\n"
		"Conditions:\n"
		"  Empty: !Equals [!Ref Secret, \"\"]\n"
		"  Given: !Not [!Condition Empty]\n"
		"Resources:\n"
		"  Bucket: {Type: AWS::S3::Bucket, Condition: Given, Properties: {BucketName: !Ref "
		"Name}}\n"
		"  Other: {Type: AWS::S3::Bucket, Condition: Empty}\n"
		"  Job:\n"
		"    Type: AWS::Glue::Job\n"
		"    Properties: {Role: r, Command: {Name: glueetl}, DefaultArguments: {--k: !Sub "
		"\"x${Secret}\", "
		"--l: !Join [\",\", !Ref Secrets], --m: !Select [0, !Ref Secrets]}}\n";
	struct stack_context reads = fake_context;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "glueproj.yaml", "Project: lake\nConfig: config.yaml\nStacks: [one]\n");
	put(f.dir, "one.yaml", one);
	put(f.dir, "config.yaml", "Name: n\nSecret: !Env GLUEPROJ_NOT_SET\n");
	assert_false(load(&f));
	assert_int_equal(f.errors.nr, 2);
	err_list_release(&f.errors);
	project_free(f.p);

	reads.secrets_may_be_unknown = true;
	f.p = project_load(&f.opts, &f.errors);
	assert_non_null(f.p);
	assert_int_equal(
		project_bind(f.p, &f.opts, &reads, &fake_types, &f.errors, &f.warnings), 0);
	const struct stack *s = project_stack(f.p, "one");
	assert_true(s->secrets_unknown);
	assert_int_equal(f.warnings.nr, 0);
	assert_non_null(stack_find(s, "Bucket"));
	assert_null(stack_find(s, "Other"));
	struct eval e = {.stack = s};
	struct err err = ERR_INIT;
	struct json *props = NULL;
	assert_ok(stack_eval_properties(&e, stack_find(s, "Job"), &props, &err), &err);
	assert_true(e.has_secret);
	struct json *arg;
	json_each(arg, json_get(props, "DefaultArguments")) assert_true(json_is_unknown(arg));
	json_free(props);
	project_free(f.p);

	/* What is no secret is still needed. */
	put(f.dir, "config.yaml", "Name: !Env GLUEPROJ_NOT_SET\n");
	f.p = project_load(&f.opts, &f.errors);
	assert_int_equal(
		project_bind(f.p, &f.opts, &reads, &fake_types, &f.errors, &f.warnings), -1);
	assert_int_equal(f.errors.nr, 1);
	assert_non_null(strstr(f.errors.v[0].text, "GLUEPROJ_NOT_SET"));
	fixture_release(&f);
}

static void test_project__errors_of_all_stacks_come_together(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f);
	put(f.dir, "one.yaml",
		"Resources: {A: {Type: AWS::S3::Bucket, Properties: {X: !Ref Nope}}}\n");
	put(f.dir, "other.yaml", "Resources: {A: {Type: AWS::S3::Buckets}}\n");
	assert_false(load(&f));
	assert_int_equal(f.errors.nr, 2);
	assert_true(ends_with(f.errors.v[0].file, "one.yaml"));
	assert_true(ends_with(f.errors.v[1].file, "other.yaml"));
	fixture_release(&f);
}
