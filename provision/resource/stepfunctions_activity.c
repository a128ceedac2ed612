#include "stepfunctions.h"

#include "ops.h"

static const struct field activity_fields[] = {
	{.name = "EncryptionConfiguration",
		.wire = "encryptionConfiguration",
		.kind = FIELD_OBJECT,
		.flags = F_REPLACES,
		.fields = states_encryption_fields},
	{.name = "Name",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 80},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{0},
};

static const struct field_default activity_defaults[] = {
	{"EncryptionConfiguration", "{\"Type\":\"AWS_OWNED_KEY\"}"},
	{0},
};

#define ACTIVITY_ARN "arn:{partition}:states:{region}:{account}:activity:{name}"
static const struct attribute activity_attributes[] = {
	{.name = "Arn", .format = ACTIVITY_ARN},
	{.name = "Name", .format = "{name}"},
	{0},
};

const struct json_type stepfunctions_activity = {
	.type =
		{
			.schema =
				{
					.name = "AWS::StepFunctions::Activity",
					.fields = activity_fields,
					.name_field = "Name",
					.name_case = NAME_LOWER_DASH,
					.name_max = 80,
					.attributes = activity_attributes,
					.ref_format = ACTIVITY_ARN,
					.name_pattern_hint =
						"1 to 80 characters without blanks, brackets and "
						"any of ? * \" # % \\ ^ | ~ ` $ & , ; : /",
					.name_ok = states_name_ok,
				},
			.flags = T_WHOLE,
			.defaults = activity_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = json_type_update, /* tags alone: all else replaces */
			.tag = json_type_tag,
			.destroy = json_type_destroy,
		},
	.create = &states_create_activity,
	.get = &states_describe_activity,
	.remove = &states_delete_activity,
	.create_name = "name",
	.get_name = "activityArn",
	.remove_name = "activityArn",
	.arn = ACTIVITY_ARN,
	.tagging = &states_tagging,
	.flags = JSON_BY_ARN,
};
