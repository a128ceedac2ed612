/*
 * AWS::SNS::TopicPolicy: the Policy attribute of one or more topics. A topic always has a policy; the one that it has
 * from the start is put back when this one goes, and counts as none.
 */
#include "types_internal.h"

#include "calls.h"
#include "fields.h"
#include "sns.h"

#define DEFAULT_ID "__default_policy_ID"

static const struct field policy_fields[] = {
	{.name = "PolicyDocument", .kind = FIELD_JSON, .flags = F_REQUIRED | F_JSON_TEXT},
	{.name = "Topics",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_REQUIRED | F_UNORDERED},
	{0},
};

static const struct attribute policy_attributes[] = {
	{.name = "Id", .format = "{name}"},
	{0},
};

/* The topic's own document; NULL when it has the one from the start. The caller's. */
static int get_one(
	const struct type_ctx *ctx, const char *topic, struct json **document, struct err *err)
{
	struct json *texts = NULL;
	int ret = sns_topic_attributes(ctx, topic, &texts, err);
	const char *id;

	*document = json_get(texts, "Policy") ? json_document(json_get(texts, "Policy")) : NULL;
	id = json_get_str(*document, "Id");
	if (id && !strcmp(id, DEFAULT_ID)) {
		json_free(*document);
		*document = NULL;
	}
	json_free(texts);
	return ret;
}

/* What SNS gives a new topic. */
static char *first_policy(const struct type_ctx *ctx, const char *topic)
{
	return xasprintf(
		"{\"Version\":\"2008-10-17\",\"Id\":\"" DEFAULT_ID "\",\"Statement\":[{\"Sid\":"
		"\"__default_statement_ID\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},"
		"\"Action\":[\"SNS:GetTopicAttributes\",\"SNS:SetTopicAttributes\",\"SNS:"
		"AddPermission\",\"SNS:RemovePermission\",\"SNS:DeleteTopic\",\"SNS:Subscribe\","
		"\"SNS:ListSubscriptionsByTopic\",\"SNS:Publish\"],\"Resource\":\"%s\","
		"\"Condition\":{\"StringEquals\":{\"AWS:SourceOwner\":\"%s\"}}}]}",
		topic, ctx->account);
}

static int put_one(
	const struct type_ctx *ctx, const char *topic, const char *policy, struct err *err)
{
	char *first = policy ? NULL : first_policy(ctx, topic);
	struct json *texts = json_strings("Policy", policy ? policy : first, NULL);
	struct err why = ERR_INIT;
	int ret = sns_set_topic(ctx, topic, texts, &why);

	if (ret && !policy && sns_missing(&why))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(texts);
	free(first);
	return ret;
}

static const char *const policy_record[] = {"Topics", NULL};

const struct attached_policy sns_topic_policy = {
	.type =
		{
			.schema =
				{
					.name = "AWS::SNS::TopicPolicy",
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
	.members = "Topics",
	.get = get_one,
	.put = put_one,
};
