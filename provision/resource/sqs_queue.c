/*
 * AWS::SQS::Queue. All its properties are attributes, texts by name. Its URL is asked for by its name; a name rests for
 * a minute after its queue is deleted, and a create waits for that.
 */
#include "types_internal.h"

#include "attribute_texts.h"
#include "calls.h"
#include "client.h"
#include "ops.h"
#include "sqs.h"
#include "strbuf.h"
#include "tags.h"

#define NAME_BUSY_MS (90 * 1000)

static const char *const scopes[] = {"queue", "messageGroup", NULL};
static const char *const limits[] = {"perQueue", "perMessageGroupId", NULL};

static const struct field redrive_fields[] = {
	{.name = "deadLetterTargetArn", .kind = FIELD_STRING},
	{.name = "maxReceiveCount", .kind = FIELD_INTEGER},
	{0},
};

static const struct field queue_fields[] = {
	{.name = "ContentBasedDeduplication", .kind = FIELD_BOOL},
	{.name = "DeduplicationScope", .kind = FIELD_STRING, .values = scopes},
	{.name = "DelaySeconds", .kind = FIELD_INTEGER, .min = 0, .max = 900},
	{.name = "FifoQueue", .kind = FIELD_BOOL, .flags = F_REPLACES},
	{.name = "FifoThroughputLimit", .kind = FIELD_STRING, .values = limits},
	{.name = "KmsDataKeyReusePeriodSeconds", .kind = FIELD_INTEGER, .min = 60, .max = 86400},
	{.name = "KmsMasterKeyId", .kind = FIELD_STRING},
	{.name = "MaximumMessageSize", .kind = FIELD_INTEGER, .min = 1024, .max = 1048576},
	{.name = "MessageRetentionPeriod", .kind = FIELD_INTEGER, .min = 60, .max = 1209600},
	{.name = "QueueName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 80},
	{.name = "ReceiveMessageWaitTimeSeconds", .kind = FIELD_INTEGER, .min = 0, .max = 20},
	{.name = "RedriveAllowPolicy", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "RedrivePolicy", .kind = FIELD_OBJECT, .fields = redrive_fields},
	{.name = "SqsManagedSseEnabled", .kind = FIELD_BOOL},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{.name = "VisibilityTimeout", .kind = FIELD_INTEGER, .min = 0, .max = 43200},
	{0},
};

static const struct field_default queue_defaults[] = {
	{"ContentBasedDeduplication", "false"},
	{"DeduplicationScope", "\"queue\""},
	{"DelaySeconds", "0"},
	{"FifoThroughputLimit", "\"perQueue\""},
	{"KmsMasterKeyId", "\"\""},
	{"MessageRetentionPeriod", "345600"},
	{"ReceiveMessageWaitTimeSeconds", "0"},
	{"RedriveAllowPolicy", "\"\""},
	{"RedrivePolicy", "\"\""},
	{"VisibilityTimeout", "30"},
	{0},
};

static const struct attribute queue_attributes[] = {
	{.name = "Arn", .format = "arn:{partition}:sqs:{region}:{account}:{name}"},
	{.name = "QueueName", .format = "{name}"},
	{.name = "QueueUrl"}, /* what SQS says */
	{0},
};

static bool queue_name_ok(const char *name)
{
	size_t len = strlen(name),
	       good = strspn(
		       name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return len >= 1 && len <= 80 && good > 0 && (!name[good] || !strcmp(name + good, ".fifo"));
}

static void queue_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	static const char *const fifo_only[] = {
		"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"};
	const char *name = known_str(props, "QueueName"), *text = known_str(props, "FifoQueue");
	bool fifo = json_truth(json_get(props, "FifoQueue"), false);
	const struct json *redrive = json_get(props, "RedrivePolicy");

	if (text && fifo && is_missing(props, "QueueName"))
		lint_error(place, errors, "FifoQueue",
			"a FIFO queue needs a QueueName, which ends in .fifo");
	if (name && (text || is_missing(props, "FifoQueue")) && fifo != ends_with(name, ".fifo"))
		lint_error(place, errors, "QueueName",
			"the name of a FIFO queue ends in .fifo, and of no other");
	for (size_t i = 0; i < ARRAY_SIZE(fifo_only); i++)
		if (is_given(props, fifo_only[i]) && is_missing(props, "FifoQueue"))
			lint_error(place, errors, fifo_only[i], "only FIFO queues have it");
	if (json_is(redrive, JSON_OBJECT) && !json_is_unknown(redrive) &&
		(is_missing(redrive, "deadLetterTargetArn") ||
			is_missing(redrive, "maxReceiveCount")))
		lint_error(place, errors, "RedrivePolicy",
			"a redrive policy has deadLetterTargetArn and maxReceiveCount");
}

/* --- read --- */

bool sqs_missing(const struct err *err)
{
	static const char *const codes[] = {
		"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", NULL};

	return err_is_missing(err) || err_is_any(err, codes);
}

/* Success with *out NULL when the queue is not there. */
static int ask(const struct type_ctx *ctx, const struct aws_op *op, const struct json *in,
	struct json **out, struct err *err)
{
	struct err why = ERR_INIT;
	int ret = aws_call(ctx->aws, op, in, out, &why);

	if (ret && sqs_missing(&why)) {
		*out = NULL;
		ret = 0;
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

static int url_of(const struct type_ctx *ctx, const struct resource *r, char **url, struct err *err)
{
	struct json *in = json_strings("QueueName", r->name, NULL), *out = NULL;
	int ret = ask(ctx, &sqs_get_queue_url, in, &out, err);

	*url = !ret && out ? xstrdup(json_get_str(out, "QueueUrl")) : NULL;
	json_free(in);
	json_free(out);
	return ret;
}

int sqs_attributes(const struct type_ctx *ctx, const char *url, struct json **out, struct err *err)
{
	struct json *in = json_strings("QueueUrl", url, NULL), *names = json_array(), *reply = NULL;
	int ret;

	json_push_str(names, "All");
	json_set(in, "AttributeNames", names);
	ret = ask(ctx, &sqs_get_queue_attributes, in, &reply, err);
	*out = reply ? json_detach(reply, "Attributes") : NULL;
	json_free(in);
	json_free(reply);
	return ret;
}

static int read_live(const struct type_ctx *ctx, const struct resource *r, const char *url,
	enum read_depth depth, struct resource_state *out, struct err *err)
{
	struct json *in = json_strings("QueueUrl", url, NULL), *reply = NULL, *texts = NULL;
	int ret = ask(ctx, &sqs_list_queue_tags, in, &reply, err);

	json_free(in);
	if (ret || !reply) /* it went between the calls */
		return ret;
	out->tags = tags_merge(NULL, json_get(reply, "Tags"));
	json_free(reply);
	out->attrs = json_strings("QueueUrl", url, NULL);
	out->exists = true;
	if (depth != READ_FULL)
		return 0;
	ret = sqs_attributes(ctx, url, &texts, err);
	if (!ret && !texts)
		out->exists = false;
	if (!ret && texts) {
		/* SQS says nothing of a queue that is not FIFO, or that a key of its own encrypts */
		if (!json_get(texts, "FifoQueue"))
			json_set_str(texts, "FifoQueue", "false");
		out->props = attribute_props(queue_fields, texts);
		json_set_str(out->props, "QueueName", r->name);
		json_set(out->props, "Tags", tags_property(&r->type->schema, out->tags));
	}
	json_free(texts);
	return ret;
}

static int queue_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	char *url;
	int ret = url_of(ctx, r, &url, err);

	if (!ret && url)
		ret = read_live(ctx, r, url, depth, out, err);
	free(url);
	return ret;
}

/* --- write --- */

static int set_tags(const struct type_ctx *ctx, const char *url, const struct json *set,
	const struct json *unset, struct err *err)
{
	struct json *in = json_strings("QueueUrl", url, NULL);
	int ret = 0;

	if (json_len(unset)) {
		json_set(in, "TagKeys", json_copy(unset));
		ret = aws_call(ctx->aws, &sqs_untag_queue, in, NULL, err);
		json_remove(in, "TagKeys");
	}
	if (!ret && json_len(set)) {
		json_set(in, "Tags", json_copy(set));
		ret = aws_call(ctx->aws, &sqs_tag_queue, in, NULL, err);
	}
	json_free(in);
	return ret;
}

static int queue_tag(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	char *url;
	int ret = url_of(ctx, r, &url, err);

	if (!ret && !url)
		ret = err_set(err, ERR_NOT_FOUND, "queue '%s' is gone", r->name);
	if (!ret)
		ret = set_tags(ctx, url, tags, NULL, err);
	free(url);
	return ret;
}

int sqs_set_attributes(
	const struct type_ctx *ctx, const char *url, const struct json *texts, struct err *err)
{
	struct json *in = json_strings("QueueUrl", url, NULL);
	int ret = 0;

	if (json_len(texts)) {
		json_set(in, "Attributes", json_copy(texts));
		ret = aws_call(ctx->aws, &sqs_set_queue_attributes, in, NULL, err);
	}
	json_free(in);
	return ret;
}

static int queue_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *texts = attribute_changes(queue_fields, r->props, live->props, queue_defaults);
	struct json *wanted = tags_wanted(r, false), *set = NULL, *unset = NULL;
	const char *url = json_get_str(live->attrs, "QueueUrl");
	int ret;

	json_remove(texts, "FifoQueue");
	ret = sqs_set_attributes(ctx, url, texts, err);
	tags_diff(wanted, live->tags, &set, &unset);
	if (!ret)
		ret = set_tags(ctx, url, set, unset, err);
	json_free(texts);
	json_free(wanted);
	json_free(set);
	json_free(unset);
	return ret;
}

/* It is there with other attributes. When its tags say that it is ours, an earlier run made it. */
static int complete(
	const struct type_ctx *ctx, const struct resource *r, struct err *there, struct err *err)
{
	struct resource_state live = RESOURCE_STATE_INIT;
	struct json *digest;
	int ret = queue_read(ctx, r, READ_FULL, &live, err);

	if (!ret && (!live.exists || !tags_own(live.tags, r))) {
		there->code = ERR_EXISTS;
		err_move(err, there);
		ret = -1;
	}
	if (!ret)
		ret = queue_update(ctx, r, &live, err);
	if (!ret) {
		digest = json_strings(TAG_DIGEST, json_get_str(r->owner_tags, TAG_DIGEST), NULL);
		ret = queue_tag(ctx, r, digest, err);
		json_free(digest);
	}
	resource_state_release(&live);
	return ret;
}

static int queue_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	static const char *const resting[] = {
		"QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", NULL};
	static const char *const there[] = {"QueueNameExists", "QueueAlreadyExists", NULL};
	struct json *in = json_strings("QueueName", r->name, NULL),
		    *texts = attribute_texts(queue_fields, r->props);
	struct err why = ERR_INIT;
	int ret;

	/* a queue that is not FIFO has no such attribute, not even with "false" */
	if (!json_truth(json_get(texts, "FifoQueue"), false))
		json_remove(texts, "FifoQueue");
	if (json_len(texts))
		json_set(in, "Attributes", json_copy(texts));
	json_set(in, "tags", tags_wanted(r, true));
	ret = call_unless_busy(ctx, &sqs_create_queue, in, resting, NAME_BUSY_MS, NULL, &why);
	if (ret && err_is_any(&why, there))
		ret = complete(ctx, r, &why, err);
	else if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	json_free(texts);
	return ret;
}

static int queue_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in, *out = NULL;
	char *url;
	int ret = url_of(ctx, r, &url, err);

	if (ret || !url)
		return ret;
	in = json_strings("QueueUrl", url, NULL);
	ret = ask(ctx, &sqs_delete_queue, in, &out, err);
	json_free(in);
	json_free(out);
	free(url);
	return ret;
}

/* A deletion takes up to a minute, in which the queue may still show. */
static int queue_settle(
	const struct type_ctx *ctx, const struct resource *r, bool gone, struct err *err)
{
	struct wait w;
	char *url;
	int ret;

	wait_begin(&w, ctx, WAIT_LONG_MS);
	for (;;) {
		ret = url_of(ctx, r, &url, err);
		bool there = url != NULL;

		free(url);
		if (ret || there != gone)
			return ret;
		if (wait_pause(&w, err, "queue '%s' to %s", r->name, gone ? "go" : "show"))
			return -1;
	}
}

static int queue_content(const struct type_ctx *ctx, const struct resource *r, bool *has,
	char **what, struct err *err)
{
	static const char *const counts[] = {"ApproximateNumberOfMessages",
		"ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"};
	struct json *texts = NULL;
	int64_t nr = 0;
	char *url;
	int ret = url_of(ctx, r, &url, err);

	if (!ret && url)
		ret = sqs_attributes(ctx, url, &texts, err);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		nr += json_get_i64(texts, counts[i], 0);
	*has = nr > 0;
	if (!ret && nr > 0)
		*what = xasprintf("%lld message%s", (long long)nr, nr == 1 ? "" : "s");
	json_free(texts);
	free(url);
	return ret;
}

/* They go with the queue. */
static int queue_empty(unused_arg const struct type_ctx *ctx, unused_arg const struct resource *r,
	unused_arg struct err *err)
{
	return 0;
}

const struct resource_type sqs_queue_type = {
	.schema =
		{
			.name = "AWS::SQS::Queue",
			.fields = queue_fields,
			.name_field = "QueueName",
			.name_case = NAME_LOWER_DASH,
			.name_max = 80,
			.attributes = queue_attributes,
			.ref_attribute = "QueueUrl",
			.name_pattern_hint = "1 to 80 letters of ASCII, digits, - and _, with "
					     ".fifo for a FIFO queue",
			.name_ok = queue_name_ok,
			.check = queue_check,
		},
	.flags = T_WHOLE | T_DATA,
	.defaults = queue_defaults,
	.read = queue_read,
	.create = queue_create,
	.update = queue_update,
	.tag = queue_tag,
	.destroy = queue_destroy,
	.settle = queue_settle,
	.content = queue_content,
	.empty = queue_empty,
};
