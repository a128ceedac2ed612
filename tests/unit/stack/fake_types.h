#ifndef FAKE_TYPES_H
#define FAKE_TYPES_H

/* A small set of resource types for the tests: two real names so that templates read as usual. */
#include <string.h>
#include "schema.h"
#include "stack.h"

static const struct field fake_command_fields[] = {
	{.name = "Name",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.values = (const char *const[]){"glueetl", "pythonshell", NULL}},
	{.name = "ScriptLocation", .kind = FIELD_STRING},
	{.name = "PythonVersion", .kind = FIELD_STRING},
	{0},
};

static const struct field fake_job_fields[] = {
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES},
	{.name = "Role", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Command",
		.kind = FIELD_OBJECT,
		.flags = F_REQUIRED,
		.fields = fake_command_fields},
	{.name = "MaxRetries", .kind = FIELD_INTEGER, .max = 10},
	{.name = "MaxCapacity", .kind = FIELD_NUMBER},
	{.name = "GlueVersion", .kind = FIELD_STRING},
	{.name = "WorkerType",
		.kind = FIELD_STRING,
		.values = (const char *const[]){"Standard", "G.1X", "G.2X", NULL}},
	{.name = "DefaultArguments", .kind = FIELD_JSON},
	{.name = "Connections", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "Enabled", .kind = FIELD_BOOL},
	{.name = "Password", .kind = FIELD_STRING, .flags = F_SECRET, .min = 4, .max = 20},
	{.name = "Tags", .kind = FIELD_TAG_MAP},
	{.name = "MaintenanceWindow", .kind = FIELD_STRING, .flags = F_UNSUPPORTED},
	{0},
};

static const struct field fake_role_fields[] = {
	{.name = "RoleName", .kind = FIELD_STRING, .flags = F_REPLACES},
	{.name = "AssumeRolePolicyDocument", .kind = FIELD_JSON, .flags = F_REQUIRED},
	{.name = "ManagedPolicyArns", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "Tags", .kind = FIELD_TAGS},
	{0},
};

static const struct field fake_bucket_fields[] = {
	{.name = "BucketName", .kind = FIELD_STRING, .flags = F_REPLACES},
	{.name = "Tags", .kind = FIELD_TAGS},
	{0},
};

static const struct attribute fake_role_attributes[] = {
	{"Arn", "arn:{partition}:iam::{account}:role/{name}"},
	{"RoleId", NULL},
	{0},
};
static const struct attribute fake_bucket_attributes[] = {
	{"Arn", "arn:{partition}:s3:::{name}"},
	{"DomainName", "{name}.s3.amazonaws.com"},
	{0},
};

static bool fake_bucket_name_ok(const char *name)
{
	return strlen(name) >= 3 && !strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
}

/* A check of its own: a job called "forbidden" is refused. */
static void fake_job_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const char *name = json_get_str(props, "Name");
	if (name && !strcmp(name, "forbidden"))
		lint_error(place, errors, "Name", "'%s' is refused by the type's own check", name);
	const char *script = json_str(json_path(props, "Command.ScriptLocation"));
	if (script && !strcmp(script, "nowhere"))
		lint_error(place, errors, "Command.ScriptLocation", "'%s' leads nowhere", script);
}

static const struct type_schema fake_job = {
	.name = "AWS::Glue::Job",
	.fields = fake_job_fields,
	.name_field = "Name",
	.name_max = 255,
	.check = fake_job_check,
};
static const struct type_schema fake_role = {
	.name = "AWS::IAM::Role",
	.fields = fake_role_fields,
	.name_field = "RoleName",
	.name_max = 64,
	.attributes = fake_role_attributes,
};
static const struct type_schema fake_bucket = {
	.name = "AWS::S3::Bucket",
	.fields = fake_bucket_fields,
	.name_field = "BucketName",
	.name_case = NAME_LOWER_DASH,
	.name_max = 63,
	.attributes = fake_bucket_attributes,
	.name_ok = fake_bucket_name_ok,
	.name_pattern_hint = "3 to 63 lower case letters, digits, dots and dashes",
};

static const struct type_schema *const fake_schemas[] = {&fake_bucket, &fake_role, &fake_job};
static const struct schema_set fake_types = {fake_schemas, 3};

static const struct stack_context fake_context = {
	.project = "lake", .account = "123456789012", .region = "eu-west-1", .partition = "aws"};

#endif
