/*
 * AWS::SNS::TopicPolicy: the Policy attribute of one or more topics. A topic always has a policy; the one that it has
 * from the start is put back when this one goes, and counts as none.
 */
#include "types_internal.h"

#include "calls.h"
#include "iam.h"
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

/* ARNs that are wanted, or that the record remembers; the caller's. */
static struct json *topics_of(const struct resource *r)
{
	const struct json *sides[] = {
		json_get(r->props, "Topics"), json_get(r->record_props, "Topics")};
	struct json *all = json_array();
	const struct json *e;

	for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
		json_each(e, sides[i])
		{
			if (json_str(e) && !json_has_str(all, json_str(e)))
				json_push_str(all, json_str(e));
		}
	}
	return all;
}

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

/* The document shown is one that differs from the wanted, if any does. */
static int policy_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	const struct json *wanted = json_get(r->props, "PolicyDocument"), *t;
	struct json *all = topics_of(r), *have = json_array(), *shown = NULL;
	int ret = 0;

	json_each(t, all)
	{
		struct json *document = NULL;

		if (ret || (depth == READ_TAGS && out->exists))
			continue;
		ret = get_one(ctx, json_str(t), &document, err);
		if (!document)
			continue;
		out->exists = true;
		json_push_str(have, json_str(t));
		if (!shown || !fields_equal(&policy_fields[0], wanted, document)) {
			json_free(shown);
			shown = document;
		} else {
			json_free(document);
		}
	}
	if (depth == READ_FULL) {
		out->props = json_object();
		json_set(out->props, "PolicyDocument", json_copy(shown));
		json_set(out->props, "Topics", json_copy(have));
	}
	json_free(all);
	json_free(have);
	json_free(shown);
	return ret;
}

static int put(const struct type_ctx *ctx, const char *topic, const char *policy, bool gone_ok,
	struct err *err)
{
	struct json *texts = json_strings("Policy", policy, NULL);
	struct err why = ERR_INIT;
	int ret = sns_set_topic(ctx, topic, texts, &why);

	if (ret && gone_ok && sns_missing(&why))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
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

static int put_all(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	char *text = policy_text(json_get(r->props, "PolicyDocument"));
	const struct json *t;
	int ret = 0;

	json_each(t, json_get(r->props, "Topics"))
	{
		if (!ret && json_str(t))
			ret = put(ctx, json_str(t), text, false, err);
	}
	free(text);
	return ret;
}

/* From every topic that has or had it; `keep` NULL: from all. */
static int drop_from(const struct type_ctx *ctx, const struct resource *r, const struct json *keep,
	struct err *err)
{
	struct json *all = topics_of(r);
	const struct json *t;
	int ret = 0;

	json_each(t, all)
	{
		if (ret || json_has_str(json_get(keep, "Topics"), json_str(t)))
			continue;
		char *text = first_policy(ctx, json_str(t));
		ret = put(ctx, json_str(t), text, true, err);
		free(text);
	}
	json_free(all);
	return ret;
}

static int policy_update(const struct type_ctx *ctx, const struct resource *r,
	unused_arg const struct resource_state *live, struct err *err)
{
	return put_all(ctx, r, err) ? -1 : drop_from(ctx, r, r->props, err);
}

static int policy_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	return drop_from(ctx, r, NULL, err);
}

static const char *const policy_record[] = {"Topics", NULL};

const struct resource_type sns_topic_policy_type = {
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
	.read = policy_read,
	.create = put_all,
	.update = policy_update,
	.destroy = policy_destroy,
};
