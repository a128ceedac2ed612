/* AWS::SNS::Topic. All its properties are attributes, texts by name; its subscriptions may stand in it, and go with it. */
#include "types_internal.h"

#include "attribute_texts.h"
#include "calls.h"
#include "client.h"
#include "ops.h"
#include "sns.h"
#include "strbuf.h"
#include "tags.h"

static const char *const tracing[] = {"PassThrough", "Active", NULL};
static const char *const signature_versions[] = {"1", "2", NULL};
static const char *const throughput_scopes[] = {"Topic", "MessageGroup", NULL};

static const struct field subscription_fields[] = {
	{.name = "Endpoint", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Protocol", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};

static const struct field topic_fields[] = {
	{.name = "ArchivePolicy", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "ContentBasedDeduplication", .kind = FIELD_BOOL},
	{.name = "DataProtectionPolicy", .kind = FIELD_JSON, .flags = F_UNSUPPORTED},
	{.name = "DeliveryStatusLogging", .kind = FIELD_LIST, .flags = F_UNSUPPORTED},
	{.name = "DisplayName", .kind = FIELD_STRING, .max = 100},
	{.name = "FifoThroughputScope", .kind = FIELD_STRING, .values = throughput_scopes},
	{.name = "FifoTopic", .kind = FIELD_BOOL, .flags = F_REPLACES},
	{.name = "KmsMasterKeyId", .kind = FIELD_STRING, .max = 2048},
	{.name = "MaximumMessageSize", .kind = FIELD_INTEGER, .flags = F_UNSUPPORTED},
	{.name = "SignatureVersion", .kind = FIELD_STRING, .values = signature_versions},
	{.name = "Subscription",
		.kind = FIELD_LIST,
		.flags = F_LOCAL | F_UNORDERED,
		.item = FIELD_OBJECT,
		.fields = subscription_fields},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{.name = "TopicName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 256},
	{.name = "TracingConfig", .kind = FIELD_STRING, .values = tracing},
	{0},
};

static const struct field_default topic_defaults[] = {
	{"ContentBasedDeduplication", "false"},
	{"DisplayName", "\"\""},
	{"KmsMasterKeyId", "\"\""},
	{"SignatureVersion", "\"1\""},
	{"TracingConfig", "\"PassThrough\""},
	{0},
};

#define TOPIC_ARN "arn:{partition}:sns:{region}:{account}:{name}"

static const struct attribute topic_attributes[] = {
	{.name = "TopicArn", .format = TOPIC_ARN},
	{.name = "TopicName", .format = "{name}"},
	{0},
};

static bool topic_name_ok(const char *name)
{
	size_t len = strlen(name),
	       good = strspn(
		       name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return len >= 1 && len <= 256 && good > 0 && (!name[good] || !strcmp(name + good, ".fifo"));
}

static void topic_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const char *name = known_str(props, "TopicName"), *text = known_str(props, "FifoTopic");
	bool fifo = json_truth(json_get(props, "FifoTopic"), false);

	if (text && fifo && is_missing(props, "TopicName"))
		lint_error(place, errors, "FifoTopic",
			"a FIFO topic needs a TopicName, which ends in .fifo");
	if (name && (text || is_missing(props, "FifoTopic")) && fifo != ends_with(name, ".fifo"))
		lint_error(place, errors, "TopicName",
			"the name of a FIFO topic ends in .fifo, and of no other");
	if (is_given(props, "ContentBasedDeduplication") && is_missing(props, "FifoTopic"))
		lint_error(place, errors, "ContentBasedDeduplication", "only FIFO topics have it");
}

/* --- shared --- */

bool sns_missing(const struct err *err)
{
	static const char *const codes[] = {"NotFound", "NotFoundException", NULL};

	return err_is_missing(err) || err_is_any(err, codes);
}

int sns_topic_attributes(
	const struct type_ctx *ctx, const char *arn, struct json **out, struct err *err)
{
	struct json *in = json_strings("TopicArn", arn, NULL), *reply = NULL;
	struct err why = ERR_INIT;
	int ret = aws_call(ctx->aws, &sns_get_topic_attributes, in, &reply, &why);

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

int sns_set_topic(
	const struct type_ctx *ctx, const char *arn, const struct json *texts, struct err *err)
{
	const struct json *t;
	int ret = 0;

	json_each(t, texts)
	{
		struct json *in = json_strings("TopicArn", arn, "AttributeName", json_name(t),
			"AttributeValue", json_str(t), NULL);

		if (!ret)
			ret = aws_call(ctx->aws, &sns_set_topic_attributes, in, NULL, err);
		json_free(in);
	}
	return ret;
}

int sns_subscriptions(
	const struct type_ctx *ctx, const char *topic, struct json **out, struct err *err)
{
	struct json *in = json_strings("TopicArn", topic, NULL);
	struct err why = ERR_INIT;
	int ret = aws_call_all(ctx->aws, &sns_list_subscriptions_by_topic, in, out, &why);

	if (ret && sns_missing(&why)) {
		*out = json_array();
		ret = 0;
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	return ret;
}

bool sns_is_pending(const struct json *subscription)
{
	const char *arn = json_get_str(subscription, "SubscriptionArn");

	return !arn || !starts_with(arn, "arn:");
}

static char *arn_of(const struct type_ctx *ctx, const struct resource *r)
{
	return schema_format(TOPIC_ARN, ctx->partition, ctx->region, ctx->account, r->name, NULL);
}

/* --- read --- */

/* The live subscriptions that the template names, as it has them. */
static int read_subscriptions(const struct type_ctx *ctx, const struct resource *r, const char *arn,
	struct json *props, struct err *err)
{
	struct json *live = NULL, *shown = json_array(), *one;
	const struct json *w, *s;
	int ret;

	if (!json_len(json_get(r->props, "Subscription"))) {
		json_free(shown);
		return 0;
	}
	ret = sns_subscriptions(ctx, arn, &live, err);
	json_each(w, json_get(r->props, "Subscription"))
	{
		const char *endpoint = json_get_str(w, "Endpoint"),
			   *protocol = json_get_str(w, "Protocol");

		json_each(s, live)
		{
			if (!endpoint || !protocol ||
				strcmp(json_get_str(s, "Endpoint"), endpoint) != 0 ||
				strcmp(json_get_str(s, "Protocol"), protocol) != 0)
				continue;
			one = json_strings("Endpoint", endpoint, "Protocol", protocol, NULL);
			json_push(shown, one);
		}
	}
	json_set(props, "Subscription", shown);
	json_free(live);
	return ret;
}

static int read_tags(
	const struct type_ctx *ctx, const char *arn, struct json **tags, struct err *err)
{
	struct json *in = json_strings("ResourceArn", arn, NULL), *list = NULL;
	struct err why = ERR_INIT;
	int ret = aws_call_all(ctx->aws, &sns_list_tags_for_resource, in, &list, &why);

	*tags = ret ? NULL : tags_from_list(list);
	if (ret && sns_missing(&why))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	json_free(list);
	return ret;
}

static int topic_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	struct json *texts = NULL;
	char *arn = arn_of(ctx, r);
	int ret = read_tags(ctx, arn, &out->tags, err);

	if (ret || !out->tags)
		goto out;
	out->exists = true;
	if (depth != READ_FULL)
		goto out;
	ret = sns_topic_attributes(ctx, arn, &texts, err);
	if (!ret && !texts)
		out->exists = false;
	if (!ret && texts) {
		if (!json_get(texts, "FifoTopic"))
			json_set_str(texts, "FifoTopic", "false");
		out->props = attribute_props(topic_fields, texts);
		json_set_str(out->props, "TopicName", r->name);
		json_set(out->props, "Tags", tags_property(&r->type->schema, out->tags));
		ret = read_subscriptions(ctx, r, arn, out->props, err);
	}
out:
	json_free(texts);
	free(arn);
	return ret;
}

/* --- write --- */

static int set_tags(const struct type_ctx *ctx, const char *arn, const struct json *set,
	const struct json *unset, struct err *err)
{
	struct json *in = json_strings("ResourceArn", arn, NULL);
	int ret = 0;

	if (json_len(unset)) {
		json_set(in, "TagKeys", json_copy(unset));
		ret = aws_call(ctx->aws, &sns_untag_resource, in, NULL, err);
		json_remove(in, "TagKeys");
	}
	if (!ret && json_len(set)) {
		json_set(in, "Tags", tags_to_list(set));
		ret = aws_call(ctx->aws, &sns_tag_resource, in, NULL, err);
	}
	json_free(in);
	return ret;
}

static int topic_tag(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	char *arn = arn_of(ctx, r);
	int ret = set_tags(ctx, arn, tags, NULL, err);

	free(arn);
	return ret;
}

static int subscribe_all(
	const struct type_ctx *ctx, const struct resource *r, const char *arn, struct err *err)
{
	const struct json *s;
	int ret = 0;

	json_each(s, json_get(r->props, "Subscription"))
	{
		struct json *in = json_strings("TopicArn", arn, "Endpoint",
			json_get_str(s, "Endpoint"), "Protocol", json_get_str(s, "Protocol"), NULL);

		if (!ret)
			ret = aws_call(ctx->aws, &sns_subscribe, in, NULL, err);
		json_free(in);
	}
	return ret;
}

static bool is_wanted(const struct json *wanted, const struct json *s)
{
	const struct json *w;

	json_each(w, wanted)
	{
		const char *endpoint = json_get_str(w, "Endpoint"),
			   *protocol = json_get_str(w, "Protocol");

		if (endpoint && protocol && !strcmp(endpoint, json_get_str(s, "Endpoint")) &&
			!strcmp(protocol, json_get_str(s, "Protocol")))
			return true;
	}
	return false;
}

/* Those that stood in the template before, by the record, and do so no more. */
static int unsubscribe_gone(
	const struct type_ctx *ctx, const struct resource *r, const char *arn, struct err *err)
{
	const struct json *before = json_get(r->record_props, "Subscription"), *s;
	struct json *live = NULL;
	int ret = 0;

	if (!json_len(before))
		return 0;
	ret = sns_subscriptions(ctx, arn, &live, err);
	json_each(s, live)
	{
		if (ret || sns_is_pending(s) || !is_wanted(before, s) ||
			is_wanted(json_get(r->props, "Subscription"), s))
			continue;
		struct json *in =
			json_strings("SubscriptionArn", json_get_str(s, "SubscriptionArn"), NULL);
		ret = aws_call(ctx->aws, &sns_unsubscribe, in, NULL, err);
		json_free(in);
	}
	json_free(live);
	return ret;
}

static int topic_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *texts = attribute_changes(topic_fields, r->props, live->props, topic_defaults);
	struct json *wanted = tags_wanted(r, false), *set = NULL, *unset = NULL;
	char *arn = arn_of(ctx, r);
	int ret;

	json_remove(texts, "FifoTopic");
	ret = sns_set_topic(ctx, arn, texts, err);
	tags_diff(wanted, live->tags, &set, &unset);
	if (!ret)
		ret = set_tags(ctx, arn, set, unset, err);
	if (!ret)
		ret = subscribe_all(ctx, r, arn, err);
	if (!ret)
		ret = unsubscribe_gone(ctx, r, arn, err);
	json_free(texts);
	json_free(wanted);
	json_free(set);
	json_free(unset);
	free(arn);
	return ret;
}

/* It is there with other attributes or tags. When its tags say that it is ours, an earlier run made it. */
static int complete(
	const struct type_ctx *ctx, const struct resource *r, struct err *there, struct err *err)
{
	struct resource_state live = RESOURCE_STATE_INIT;
	int ret = topic_read(ctx, r, READ_FULL, &live, err);

	if (!ret && (!live.exists || !tags_own(live.tags, r))) {
		there->code = ERR_EXISTS;
		err_move(err, there);
		ret = -1;
	}
	if (!ret)
		ret = topic_update(ctx, r, &live, err);
	resource_state_release(&live);
	return ret;
}

static int topic_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = json_strings("Name", r->name, NULL),
		    *texts = attribute_texts(topic_fields, r->props), *tags = tags_wanted(r, false);
	struct err why = ERR_INIT;
	char *arn = arn_of(ctx, r);
	int ret;

	if (!json_truth(json_get(texts, "FifoTopic"), false))
		json_remove(texts, "FifoTopic");
	if (json_len(texts))
		json_set(in, "Attributes", json_copy(texts));
	json_set(in, "Tags", tags_to_list(tags));
	ret = aws_call(ctx->aws, &sns_create_topic, in, NULL, &why);
	if (ret && why.text && strstr(why.text, "already exists"))
		ret = complete(ctx, r, &why, err);
	else if (ret)
		err_move(err, &why);
	else
		ret = subscribe_all(ctx, r, arn, err);
	err_release(&why);
	json_free(in);
	json_free(texts);
	json_free(tags);
	free(arn);
	return ret;
}

/* Its subscriptions first: those that are left behind would show, without their topic, for days. */
static int topic_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in, *live = NULL;
	const struct json *s;
	char *arn = arn_of(ctx, r);
	int ret = sns_subscriptions(ctx, arn, &live, err);

	json_each(s, live)
	{
		if (ret || sns_is_pending(s))
			continue;
		in = json_strings("SubscriptionArn", json_get_str(s, "SubscriptionArn"), NULL);
		ret = aws_call(ctx->aws, &sns_unsubscribe, in, NULL, err);
		json_free(in);
	}
	if (!ret) {
		struct err why = ERR_INIT;

		in = json_strings("TopicArn", arn, NULL);
		ret = aws_call(ctx->aws, &sns_delete_topic, in, NULL, &why);
		if (ret && sns_missing(&why))
			ret = 0;
		if (ret)
			err_move(err, &why);
		err_release(&why);
		json_free(in);
	}
	json_free(live);
	free(arn);
	return ret;
}

static const char *const topic_record[] = {"Subscription", NULL};

const struct resource_type sns_topic_type = {
	.schema =
		{
			.name = "AWS::SNS::Topic",
			.fields = topic_fields,
			.name_field = "TopicName",
			.name_case = NAME_LOWER_DASH,
			.name_max = 256,
			.attributes = topic_attributes,
			.ref_format = TOPIC_ARN,
			.name_pattern_hint =
				"1 to 256 letters of ASCII, digits, - and _, with .fifo "
				"for a FIFO topic",
			.name_ok = topic_name_ok,
			.check = topic_check,
		},
	.record_fields = topic_record,
	.defaults = topic_defaults,
	.read = topic_read,
	.create = topic_create,
	.update = topic_update,
	.tag = topic_tag,
	.destroy = topic_destroy,
};
