/* Templates: loaded, bound with defaults, evaluated and linted. */
#include <stdint.h>
#include <stdlib.h>
#include "stack.h"
#include "strbuf.h"

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

/* A cloud that knows everything: what it is asked for, as JSON that holds itself. */
static int answer(void *payload unused_arg, const struct eval_external *what, struct json **out,
	struct err *err unused_arg)
{
	struct strbuf sb = STRBUF_INIT;
	strbuf_addf(&sb, "{\"key\":\"{{resolve:ssm:%s}}\"}", what->name);
	*out = json_string(sb.buf);
	strbuf_release(&sb);
	return 0;
}

static void evaluate(const struct stack *s)
{
	static const struct eval_ops ops = {.external = answer};
	for (size_t i = 0; i < s->nr_resources; i++) {
		struct eval e = {.stack = s, .ops = &ops};
		struct json *props = NULL;
		struct err err = ERR_INIT;
		if (!stack_eval_properties(&e, &s->resources[i], &props, &err))
			json_free(props);
		err_release(&err);
	}
}

static void run(const uint8_t *data, size_t size, bool only_checked)
{
	const struct stack_context ctx = {.project = "p",
		.account = "123456789012",
		.region = "eu-west-1",
		.partition = "aws",
		.only_checked = only_checked};
	struct err_list errors = ERR_LIST_INIT, warnings = ERR_LIST_INIT;
	struct template *t =
		template_parse("t.yaml", (const char *)data, size, &types, &errors, &warnings);
	struct stack *s = t ? stack_bind("s", t, &ctx, NULL, 0, &errors, &warnings) : NULL;
	if (s) {
		stack_lint(s, &errors, &warnings);
		evaluate(s);
	}
	if (!s && !errors.nr)
		abort();
	stack_free(s);
	err_list_release(&errors);
	err_list_release(&warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(data, size, false);
	run(data, size, true);
	return 0;
}
