/* Templates: loaded, bound with defaults, evaluated and linted. */
#include <stdint.h>
#include <stdlib.h>
#include "stack.h"

static const struct field bucket_fields[] = {
	{.name = "BucketName", .kind = FIELD_STRING, .min = 3, .max = 63},
	{.name = "Count", .kind = FIELD_INTEGER, .max = 9},
	{.name = "Rate", .kind = FIELD_NUMBER},
	{.name = "On", .kind = FIELD_BOOL},
	{.name = "Policy", .kind = FIELD_JSON},
	{.name = "List", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "Map", .kind = FIELD_MAP},
	{.name = "Tags", .kind = FIELD_TAGS},
	{0},
};
static const struct attribute bucket_attributes[] = {{"Arn", NULL}, {0}};
static const struct type_schema bucket = {.name = "AWS::S3::Bucket",
	.fields = bucket_fields,
	.name_field = "BucketName",
	.attributes = bucket_attributes};
static const struct type_schema role = {.name = "AWS::IAM::Role", .attributes = bucket_attributes};
static const struct type_schema job = {.name = "AWS::Glue::Job", .fields = bucket_fields};
static const struct type_schema *const schemas[] = {&bucket, &role, &job};
static const struct schema_set types = {schemas, 3};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct stack_context ctx = {.project = "p",
		.account = "123456789012",
		.region = "eu-west-1",
		.partition = "aws"};
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	struct template *t =
		template_parse("t.yaml", (const char *)data, size, &types, &errors, &warnings);
	struct stack *s = t ? stack_bind("s", t, &ctx, NULL, 0, &errors, &warnings) : NULL;
	if (s)
		stack_lint(s, &errors, &warnings);
	if (!s && !errors.nr)
		abort();
	stack_free(s);
	err_list_release(&errors);
	err_list_release(&warnings);
	return 0;
}
