/*
 * AWS::SQS::QueuePolicy: the Policy attribute of one or more queues, given by their URLs. It has no tags and no name
 * of its own in SQS: it is there when any of its queues has a policy.
 */
#include "types_internal.h"

#include "calls.h"
#include "iam.h"
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

/* URLs that are wanted, or that the record remembers; the caller's. */
static struct json *urls_of(const struct resource *r)
{
	const struct json *sides[] = {
		json_get(r->props, "Queues"), json_get(r->record_props, "Queues")};
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

/* The document shown is one that differs from the wanted, if any does. */
static int policy_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	const struct json *wanted = json_get(r->props, "PolicyDocument"), *u;
	struct json *all = urls_of(r), *have = json_array(), *shown = NULL;
	int ret = 0;

	json_each(u, all)
	{
		struct json *texts = NULL, *document;

		if (ret || (depth == READ_TAGS && out->exists))
			continue;
		ret = sqs_attributes(ctx, json_str(u), &texts, err);
		document =
			json_get(texts, "Policy") ? json_document(json_get(texts, "Policy")) : NULL;
		json_free(texts);
		if (!document)
			continue;
		out->exists = true;
		json_push_str(have, json_str(u));
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
		json_set(out->props, "Queues", json_copy(have));
	}
	json_free(all);
	json_free(have);
	json_free(shown);
	return ret;
}

static int put(const struct type_ctx *ctx, const char *url, const char *policy, struct err *err)
{
	struct json *texts = json_strings("Policy", policy, NULL);
	struct err why = ERR_INIT;
	int ret = sqs_set_attributes(ctx, url, texts, &why);

	/* what is gone has no policy any more */
	if (ret && !*policy && sqs_missing(&why))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(texts);
	return ret;
}

static int put_all(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	char *text = policy_text(json_get(r->props, "PolicyDocument"));
	const struct json *u;
	int ret = 0;

	json_each(u, json_get(r->props, "Queues"))
	{
		if (!ret && json_str(u))
			ret = put(ctx, json_str(u), text, err);
	}
	free(text);
	return ret;
}

/* From every queue that has or had it; `keep` NULL: from all. */
static int drop_from(const struct type_ctx *ctx, const struct resource *r, const struct json *keep,
	struct err *err)
{
	struct json *all = urls_of(r);
	const struct json *u;
	int ret = 0;

	json_each(u, all)
	{
		if (!ret && !json_has_str(json_get(keep, "Queues"), json_str(u)))
			ret = put(ctx, json_str(u), "", err);
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

static const char *const policy_record[] = {"Queues", NULL};

const struct resource_type sqs_queue_policy_type = {
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
	.read = policy_read,
	.create = put_all,
	.update = policy_update,
	.destroy = policy_destroy,
};
