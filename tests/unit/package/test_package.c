#include "testing.h"

#include <string.h>
#include "fs.h"
#include "package.h"

static const struct field job_fields[] = {{.name = "Command", .kind = FIELD_JSON},
	{.name = "DefaultArguments", .kind = FIELD_JSON}, {0}};
static const struct field bucket_fields[] = {{0}};
static const struct type_schema job_type = {
	.name = "AWS::Glue::Job", .fields = job_fields, .name_max = 255};
static const struct type_schema bucket_type = {
	.name = "AWS::S3::Bucket", .fields = bucket_fields, .name_max = 63};
static const struct type_schema *const type_list[] = {&job_type, &bucket_type};
static const struct schema_set types = {type_list, 2};
static const struct stack_context context = {
	.project = "p", .account = "000000000000", .region = "eu-west-1", .partition = "aws"};

/* A project of one stack "s" with this template, and a folder with the program "clean". */
struct fixture {
	char *dir, *programs, *cache;
	struct project *project;
	struct project_opts opts;
	struct strvec sets;
	struct err_list errors, warnings;
	struct err err;
	struct package *package;
};

static void put(const char *dir, const char *name, const char *text, size_t len, mode_t mode)
{
	struct err err = ERR_INIT;
	char *path = fs_join(dir, name), *parent = fs_dirname(path);

	assert_ok(fs_mkdir_p(parent, 0755, &err), &err);
	assert_ok(fs_write_atomic(path, text, len, mode, &err), &err);
	free(path);
	free(parent);
}

static void open_fixture(struct fixture *f, const char *template)
{
	static const char project[] = "Project: p\nStacks: [{Name: s, Template: sub/t.yaml}]\n";
	struct strbuf program = STRBUF_INIT;

	memset(f, 0, sizeof(*f));
	strvec_init(&f->sets);
	f->dir = fs_mkdtemp(NULL, "package-", &f->err);
	assert_non_null(f->dir);
	f->programs = fs_join(f->dir, "programs");
	f->cache = fs_join(f->dir, "cache");
	assert_ok(fs_read("/bin/echo", 64 << 20, &program, &f->err), &f->err);
	put(f->programs, "clean", program.buf, program.len, 0755);
	put(f->programs, "README", "no program", 10, 0755);
	put(f->programs, "data", program.buf, program.len, 0644);
	put(f->dir, "glueproj.yaml", project, strlen(project), 0644);
	put(f->dir, "sub/t.yaml", template, strlen(template), 0644);
	put(f->dir, "sub/etl/a.py", "print(1)\n", 9, 0644);
	f->opts = (struct project_opts){.path = f->dir, .sets = &f->sets};
	f->project = project_load(&f->opts, &f->errors);
	if (!f->project ||
		project_bind(f->project, &f->opts, &context, &types, &f->errors, &f->warnings) != 0)
		fail_msg("%s", f->errors.v[0].text);
	strbuf_release(&program);
}

static bool make(struct fixture *f)
{
	const struct package_opts opts = {.project = f->project,
		.programs_dir = f->programs,
		.cache_dir = f->cache,
		.artifacts = "s3://b/pre/",
		.any_machine = true};

	f->package = package_new(&opts, &f->errors, &f->warnings);
	return f->package;
}

static void close_fixture(struct fixture *f)
{
	package_free(f->package);
	project_free(f->project);
	err_list_release(&f->errors);
	err_list_release(&f->warnings);
	err_release(&f->err);
	strvec_release(&f->sets);
	assert_ok(fs_remove_tree(f->dir, &f->err), &f->err);
	free(f->dir);
	free(f->programs);
	free(f->cache);
}

static const struct package_artifact *artifact(const struct fixture *f, const char *prefix)
{
	size_t nr;
	const struct package_artifact *v = package_artifacts(f->package, &nr);

	for (size_t i = 0; i < nr; i++)
		if (starts_with(v[i].logical_id, prefix))
			return &v[i];
	return NULL;
}

static struct json *prepare(struct fixture *f, const char *id, const char *props)
{
	struct json *doc = json_parse(props, strlen(props), &f->err);

	assert_non_null(doc);
	assert_ok(package_prepare(f->package, stack_find(f->project->stacks[0], id), doc, &f->err),
		&f->err);
	return doc;
}

static void test_package__programs_become_bundle_and_launcher(void **state)
{
	static const char template[] =
		"Parameters: {P: {Type: String, Default: clean}}\n"
		"Conditions: {Yes: !Equals [1, 1], No: !Equals [1, 2]}\n"
		"Resources:\n"
		"  A: {Type: AWS::Glue::Job, Properties: {Command: {ScriptLocation: !Ref P}}}\n"
		"  B: {Type: AWS::Glue::Job, Properties: {Command: !If [Yes, {ScriptLocation: "
		"clean}, {}]}}\n"
		"  C: {Type: AWS::Glue::Job, Condition: No, Properties: {Command: {ScriptLocation: "
		"none}}}\n";
	const struct package_artifact *bundle, *launcher;
	struct fixture f;
	struct json *doc;
	char *want;
	size_t nr;

	(void)state;
	open_fixture(&f, template);
	if (!make(&f))
		fail_msg("%s", f.errors.v[0].text);
	package_artifacts(f.package, &nr);
	assert_int_equal(nr, 2);
	bundle = artifact(&f, "Program-");
	launcher = artifact(&f, "Launcher-");
	assert_non_null(bundle);
	assert_non_null(launcher);
	assert_string_equal(bundle->stack, "s");
	assert_string_equal(bundle->bucket, "b");
	assert_int_equal(strlen(bundle->logical_id), strlen("Program-") + 8);
	want = xasprintf("pre/programs/%s.tar.gz", bundle->sha256);
	assert_string_equal(bundle->key, want);
	free(want);
	want = xasprintf("pre/launcher/%s.py", launcher->sha256);
	assert_string_equal(launcher->key, want);
	free(want);
	doc = prepare(&f, "A", "{\"Command\":{\"Name\":\"x\",\"ScriptLocation\":\"clean\"}}");
	want = xasprintf("s3://b/%s", launcher->key);
	assert_string_equal(json_str(json_path(doc, "Command.ScriptLocation")), want);
	free(want);
	want = xasprintf("s3://b/%s", bundle->key);
	assert_string_equal(json_str(json_path(doc, "DefaultArguments.--glueproj-bundle")), want);
	assert_string_equal(
		json_str(json_path(doc, "DefaultArguments.--glueproj-program")), "clean");
	free(want);
	json_free(doc);
	close_fixture(&f);
}

static void test_package__scripts_go_by_content_and_addresses_stay(void **state)
{
	static const char template[] =
		"Resources:\n"
		"  A: {Type: AWS::Glue::Job, Properties: {Command: {ScriptLocation: etl/a.py}}}\n"
		"  B: {Type: AWS::Glue::Job, Properties: {Command: {ScriptLocation: ./etl/a.py}}}\n"
		"  C: {Type: AWS::Glue::Job, Properties: {Command: {ScriptLocation: "
		"s3://x/y.py}}}\n"
		"  D: {Type: AWS::Glue::Job, Properties: {Command: {ScriptLocation: !Sub "
		"\"s3://${E}/z\"}}}\n"
		"  E: {Type: AWS::S3::Bucket}\n";
	const struct package_artifact *script;
	struct fixture f;
	struct json *doc;
	const char *late;
	char *want;
	size_t nr;

	(void)state;
	open_fixture(&f, template);
	if (!make(&f))
		fail_msg("%s", f.errors.v[0].text);
	package_artifacts(f.package, &nr);
	assert_int_equal(nr, 1);
	script = artifact(&f, "Script-a.py-");
	assert_non_null(script);
	want = xasprintf("pre/scripts/%s/a.py", script->sha256);
	assert_string_equal(script->key, want);
	free(want);
	want = xasprintf("s3://b/%s", script->key);
	doc = prepare(&f, "B", "{\"Command\":{\"ScriptLocation\":\"./etl/a.py\"}}");
	assert_string_equal(json_str(json_path(doc, "Command.ScriptLocation")), want);
	assert_null(json_get(doc, "DefaultArguments"));
	json_free(doc);
	free(want);
	doc = prepare(&f, "D", "{\"Command\":{\"ScriptLocation\":\"s3://x/z\"}}");
	assert_string_equal(json_str(json_path(doc, "Command.ScriptLocation")), "s3://x/z");
	json_free(doc);
	doc = prepare(&f, "E", "{\"Command\":{\"ScriptLocation\":\"clean\"}}");
	assert_string_equal(json_str(json_path(doc, "Command.ScriptLocation")), "clean");
	json_free(doc);
	/* What could not be bundled in time is an error, not a job that cannot start. */
	late = "{\"Command\":{\"ScriptLocation\":\"clean\"}}";
	doc = json_parse(late, strlen(late), &f.err);
	assert_int_equal(
		package_prepare(f.package, stack_find(f.project->stacks[0], "D"), doc, &f.err), -1);
	assert_int_equal(f.err.code, ERR_USAGE);
	json_free(doc);
	close_fixture(&f);
}

static void refuse(const char *location, const char *text, const char *hint)
{
	char *template = xasprintf("Resources:\n  A:\n    Type: AWS::Glue::Job\n    Properties:\n  "
				   "    Command: {ScriptLocation: %s}\n",
		location);
	struct fixture f;
	const struct err *e;

	open_fixture(&f, template);
	assert_false(make(&f));
	assert_int_equal(f.errors.nr, 1);
	e = f.errors.v;
	if (!strstr(e->text, text))
		fail_msg("'%s' is not in '%s'", text, e->text);
	if (hint)
		assert_string_equal(e->hint, hint);
	assert_int_equal(e->code, ERR_USAGE);
	assert_int_equal(e->line, 5);
	assert_int_equal(e->column, 33);
	assert_string_equal(e->path, "Resources.A.Properties.Command.ScriptLocation");
	assert_string_equal(e->logical_id, "A");
	assert_true(ends_with(e->file, "sub/t.yaml"));
	close_fixture(&f);
	free(template);
}

static void test_package__what_is_missing_is_told_at_its_place(void **state)
{
	(void)state;
	refuse("claen", "no job program 'claen'; there are: clean", "did you mean 'clean'?");
	refuse("data", "no job program 'data'", NULL);
	refuse("README", "no job program 'README'", NULL);
	refuse("etl/b.py", "etl/b.py", NULL);
	refuse("b.scala", "b.scala", NULL);
	refuse("etl/", "is a folder", NULL);
}
