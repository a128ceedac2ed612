/*
 * AWS::SNS::Subscription. SNS names it itself; it is found as the one of its topic with that protocol and endpoint, which
 * make another subscription when they change. It carries no tags: it is ours in a topic that is ours.
 */
#include "types_internal.h"

#include "attribute_texts.h"
#include "calls.h"
#include "client.h"
#include "ops.h"
#include "sns.h"

static const char *const scopes[] = {"MessageAttributes", "MessageBody", NULL};

static const struct field subscription_fields[] = {
	{.name = "DeliveryPolicy", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "Endpoint", .kind = FIELD_STRING, .flags = F_REPLACES},
	{.name = "FilterPolicy", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "FilterPolicyScope", .kind = FIELD_STRING, .values = scopes},
	{.name = "Protocol", .kind = FIELD_STRING, .flags = F_REQUIRED | F_REPLACES},
	{.name = "RawMessageDelivery", .kind = FIELD_BOOL},
	{.name = "RedrivePolicy", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "Region", .kind = FIELD_STRING, .flags = F_UNSUPPORTED},
	{.name = "ReplayPolicy", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "SubscriptionRoleArn", .kind = FIELD_STRING},
	{.name = "TopicArn", .kind = FIELD_STRING, .flags = F_REQUIRED | F_REPLACES},
	{0},
};

static const struct field_default subscription_defaults[] = {
	{"DeliveryPolicy", "\"\""},
	{"FilterPolicy", "\"\""},
	{"FilterPolicyScope", "\"MessageAttributes\""},
	{"RawMessageDelivery", "false"},
	{"RedrivePolicy", "\"\""},
	{0},
};

static const struct attribute subscription_attributes[] = {
	{.name = "Arn"}, /* SNS makes it up */
	{0},
};

static const char *remembered(const struct resource *r, const char *name)
{
	const char *v = json_get_str(r->props, name);

	return v ? v : json_get_str(r->record_props, name);
}

/* The ARN, "" while it waits to be confirmed; NULL: not there. malloc'd. */
static int find(const struct type_ctx *ctx, const struct resource *r, char **arn, struct err *err)
{
	const char *topic = remembered(r, "TopicArn"), *protocol = remembered(r, "Protocol"),
		   *endpoint = remembered(r, "Endpoint");
	struct json *live = NULL;
	const struct json *s;
	int ret;

	*arn = NULL;
	/* what is not known yet is not there */
	if (!topic || !protocol)
		return 0;
	ret = sns_subscriptions(ctx, topic, &live, err);
	json_each(s, live)
	{
		const char *theirs = json_get_str(s, "Endpoint");

		if (*arn || strcmp(json_get_str(s, "Protocol"), protocol) != 0 ||
			strcmp(theirs ? theirs : "", endpoint ? endpoint : "") != 0)
			continue;
		*arn = xstrdup(sns_is_pending(s) ? "" : json_get_str(s, "SubscriptionArn"));
	}
	json_free(live);
	return ret;
}

/* All attributes; *out NULL when it is gone. */
static int describe(const struct type_ctx *ctx, const char *arn, struct json **out, struct err *err)
{
	struct json *in = json_strings("SubscriptionArn", arn, NULL), *reply = NULL;
	struct err why = ERR_INIT;
	int ret = aws_call(ctx->aws, &sns_get_subscription_attributes, in, &reply, &why);

	*out = ret ? NULL : json_detach(reply, "Attributes");
	if (ret && sns_missing(&why))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	json_free(reply);
	return ret;
}

static int subscription_read(const struct type_ctx *ctx, const struct resource *r,
	enum read_depth depth, struct resource_state *out, struct err *err)
{
	struct json *texts = NULL;
	char *arn;
	int ret = find(ctx, r, &arn, err);

	if (ret || !arn)
		goto out;
	out->exists = true;
	out->attrs = json_strings("Arn", *arn ? arn : "PendingConfirmation", NULL);
	if (depth != READ_FULL)
		goto out;
	if (*arn)
		ret = describe(ctx, arn, &texts, err);
	if (!ret && *arn && !texts)
		out->exists = false;
	/* one that nobody has confirmed shows no more than what it was made with */
	out->props = texts ? attribute_props(subscription_fields, texts) : json_copy(r->props);
out:
	json_free(texts);
	free(arn);
	return ret;
}

static int set_all(
	const struct type_ctx *ctx, const char *arn, const struct json *texts, struct err *err)
{
	const struct json *t;
	int ret = 0;

	json_each(t, texts)
	{
		struct json *in = json_strings("SubscriptionArn", arn, "AttributeName",
			json_name(t), "AttributeValue", json_str(t), NULL);

		if (!ret)
			ret = aws_call(ctx->aws, &sns_set_subscription_attributes, in, NULL, err);
		json_free(in);
	}
	return ret;
}

/* The scope before the policy that it says how to read. */
static void scope_first(struct json **texts)
{
	struct json *scope = json_detach(*texts, "FilterPolicyScope"), *ordered;
	const struct json *t;

	if (!scope)
		return;
	ordered = json_object();
	json_set(ordered, "FilterPolicyScope", scope);
	json_each(t, *texts) json_set(ordered, json_name(t), json_copy(t));
	json_free(*texts);
	*texts = ordered;
}

/* One that waits to be confirmed cannot be ended; SNS forgets it after some days, or with its topic. */
static int subscription_destroy(
	const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct err why = ERR_INIT;
	struct json *in;
	char *arn;
	int ret = find(ctx, r, &arn, err);

	if (!ret && arn && *arn) {
		in = json_strings("SubscriptionArn", arn, NULL);
		ret = aws_call(ctx->aws, &sns_unsubscribe, in, NULL, &why);
		if (ret && sns_missing(&why))
			ret = 0;
		if (ret)
			err_move(err, &why);
		json_free(in);
	} else if (!ret && arn) {
		type_note(ctx, r, "nobody has confirmed it: it goes with its topic");
	}
	err_release(&why);
	free(arn);
	return ret;
}

/* What it was before, by the record, when topic, protocol or endpoint are others now: another subscription, which goes. */
static int drop_former(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	static const char *const own[] = {"TopicArn", "Protocol", "Endpoint"};
	struct resource before = *r;
	bool same = true;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		const char *then = json_get_str(r->record_props, own[i]),
			   *now = json_get_str(r->props, own[i]);

		same = same && strcmp(then ? then : "", now ? now : "") == 0;
	}
	if (same || !r->record_props)
		return 0;
	before.props = NULL;
	return subscription_destroy(ctx, &before, err);
}

static int subscription_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *texts = attribute_changes(
		subscription_fields, r->props, live->props, subscription_defaults);
	const char *arn = json_get_str(live->attrs, "Arn");
	int ret;

	scope_first(&texts);
	ret = arn && sns_is_pending(live->attrs) && !strstr(arn, ":")
		      ? 0
		      : set_all(ctx, arn, texts, err);
	if (!ret)
		ret = drop_former(ctx, r, err);
	json_free(texts);
	return ret;
}

static int subscription_create(
	const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	static const char *const own[] = {"TopicArn", "Protocol", "Endpoint"};
	struct json *in = json_object(), *texts = attribute_texts(subscription_fields, r->props);
	struct resource_state live = RESOURCE_STATE_INIT;
	struct err why = ERR_INIT;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		json_set_str(in, own[i], json_get_str(texts, own[i]));
		json_remove(texts, own[i]);
	}
	if (json_len(texts))
		json_set(in, "Attributes", json_copy(texts));
	json_set_str(in, "ReturnSubscriptionArn", "true");
	ret = aws_call(ctx->aws, &sns_subscribe, in, NULL, &why);
	/* the same endpoint is subscribed with other attributes */
	if (ret && why.text && strstr(why.text, "already exists")) {
		ret = subscription_read(ctx, r, READ_FULL, &live, err);
		if (!ret)
			ret = subscription_update(ctx, r, &live, err);
	} else if (ret) {
		err_move(err, &why);
	} else {
		ret = drop_former(ctx, r, err);
	}
	err_release(&why);
	resource_state_release(&live);
	json_free(in);
	json_free(texts);
	return ret;
}

static const char *const subscription_record[] = {"TopicArn", "Protocol", "Endpoint", NULL};

const struct resource_type sns_subscription_type = {
	.schema =
		{
			.name = "AWS::SNS::Subscription",
			.fields = subscription_fields,
			.name_case = NAME_LOWER_DASH,
			.name_max = 128,
			.attributes = subscription_attributes,
			.ref_attribute = "Arn",
		},
	.flags = T_NO_TAGS,
	.record_fields = subscription_record,
	.defaults = subscription_defaults,
	.read = subscription_read,
	.create = subscription_create,
	.update = subscription_update,
	.destroy = subscription_destroy,
};
