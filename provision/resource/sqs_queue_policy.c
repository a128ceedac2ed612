/*
 * AWS::SQS::QueuePolicy: the Policy attribute of one or more queues, given by their URLs. It has no tags and no name
 * of its own in SQS: it is there when any of its queues has a policy.
 */
#include "types_internal.h"

#include "calls.h"
#include "fields.h"
#include "sqs.h"

static const struct field policy_fields[] = {
	{.name = "PolicyDocument", .kind = FIELD_JSON, .flags = F_REQUIRED | F_JSON_TEXT},
	{.name = "Queues",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_REQUIRED | F_UNORDERED},
	{0},
};

static const struct attribute policy_attributes[] = {
	{.name = "Id", .format = "{name}"},
	{0},
};

/* The queue's own document. */
static int get_one(
	const struct type_ctx *ctx, const char *url, struct json **document, struct err *err)
{
	struct json *texts = NULL;
	int ret = sqs_attributes(ctx, url, &texts, err);

	*document = json_get(texts, "Policy") ? json_document(json_get(texts, "Policy")) : NULL;
	json_free(texts);
	return ret;
}

static int put_one(const struct type_ctx *ctx, const char *url, const char *policy, struct err *err)
{
	struct json *texts = json_strings("Policy", policy ? policy : "", NULL);
	struct err why = ERR_INIT;
	int ret = sqs_set_attributes(ctx, url, texts, &why);

	/* what is gone has no policy any more */
	if (ret && !policy && sqs_missing(&why))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(texts);
	return ret;
}

static const char *const policy_record[] = {"Queues", NULL};

const struct attached_policy sqs_queue_policy = {
	.type =
		{
			.schema =
				{
					.name = "AWS::SQS::QueuePolicy",
					.fields = policy_fields,
					.name_case = NAME_LOWER_DASH,
					.name_max = 128,
					.attributes = policy_attributes,
				},
			.flags = T_NO_TAGS,
			.record_fields = policy_record,
			.read = attached_policy_read,
			.create = attached_policy_create,
			.update = attached_policy_update,
			.destroy = attached_policy_destroy,
		},
	.members = "Queues",
	.get = get_one,
	.put = put_one,
};
