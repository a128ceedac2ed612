/*
 * AWS::Logs::LogGroup. Its events are data: a group that has any goes with a set-up only when that is allowed. What is
 * no part of CreateLogGroup (how long events are kept) comes after it, and the digest then last.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"

static const char *const days[] = {"1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180",
	"365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653", NULL};
static const char *const classes[] = {"DELIVERY", "INFREQUENT_ACCESS", "STANDARD", NULL};

static const struct field group_fields[] = {
	{.name = "BearerTokenAuthenticationEnabled", .kind = FIELD_BOOL, .flags = F_UNSUPPORTED},
	{.name = "DataProtectionPolicy", .kind = FIELD_JSON, .flags = F_UNSUPPORTED},
	{.name = "DeletionProtectionEnabled",
		.wire = "deletionProtectionEnabled",
		.kind = FIELD_BOOL},
	{.name = "FieldIndexPolicies", .kind = FIELD_LIST, .flags = F_UNSUPPORTED},
	{.name = "KmsKeyId",
		.wire = "kmsKeyId",
		.kind = FIELD_STRING,
		.max = 256,
		.pattern = "arn:[a-z0-9-]+:kms:[a-z0-9-]+:\\d{12}:(key|alias)/.+"},
	/* a group stays what it was made */
	{.name = "LogGroupClass",
		.wire = "logGroupClass",
		.kind = FIELD_STRING,
		.flags = F_REPLACES,
		.values = classes},
	{.name = "LogGroupName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 512,
		.pattern = "[.\\-_/#A-Za-z0-9]{1,512}"},
	{.name = "ResourcePolicyDocument", .kind = FIELD_JSON, .flags = F_UNSUPPORTED},
	{.name = "RetentionInDays",
		.wire = "retentionInDays",
		.kind = FIELD_INTEGER,
		.values = days},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{0},
};

static const struct field_default group_defaults[] = {
	{"DeletionProtectionEnabled", "false"},
	{"KmsKeyId", "\"\""},
	{"LogGroupClass", "\"STANDARD\""},
	{"RetentionInDays", "0"}, /* for ever */
	{0},
};

static const struct attribute group_attributes[] = {
	{.name = "Arn", .format = "arn:{partition}:logs:{region}:{account}:log-group:{name}:*"},
	{0},
};

static bool group_name_ok(const char *name)
{
	size_t len = strlen(name);
	return len && len <= 512 &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "._/#-")];
}

/* There is no call that gets one group: those are listed whose names begin so. */
static int group_fetch(
	const struct type_ctx *ctx, const struct resource *r, struct json **out, struct err *err)
{
	struct json *in = json_strings("logGroupNamePrefix", r->name, NULL), *groups = NULL, *g;
	int ret = list_if_there(ctx, &logs_describe_log_groups, in, &groups, err);
	*out = NULL;
	json_each(g, groups)
	{
		const char *name = json_get_str(g, "logGroupName");
		if (!*out && name && strcmp(name, r->name) == 0)
			*out = json_copy(g);
	}
	json_free(in);
	json_free(groups);
	return ret;
}

static void group_to_create(unused_arg const struct resource *r, struct json *in)
{
	json_remove(in, "retentionInDays");
}

/* --- how long events are kept, and by which key they are enciphered --- */

static int call_on_group(const struct type_ctx *ctx, const struct resource *r,
	const struct aws_op *op, const char *member, struct json *value, struct err *err)
{
	struct json *in = json_strings("logGroupName", r->name, NULL);
	if (value)
		json_set(in, member, value);
	int ret = aws_call(ctx->aws, op, in, NULL, err);
	json_free(in);
	return ret;
}

static int set_retention(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	int64_t keep = json_get_i64(r->props, "RetentionInDays", 0);
	if (!keep)
		return call_on_group(ctx, r, &logs_delete_retention_policy, NULL, NULL, err);
	return call_on_group(
		ctx, r, &logs_put_retention_policy, "retentionInDays", json_int(keep), err);
}

static int set_key(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	const char *key = json_get_str(r->props, "KmsKeyId");
	if (!key || !*key)
		return call_on_group(ctx, r, &logs_disassociate_kms_key, NULL, NULL, err);
	return call_on_group(ctx, r, &logs_associate_kms_key, "kmsKeyId", json_string(key), err);
}

static int set_protection(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = json_strings("logGroupIdentifier", r->name, NULL);
	json_set_bool(in, "deletionProtectionEnabled",
		json_get_truth(r->props, "DeletionProtectionEnabled", false));
	int ret = aws_call(ctx->aws, &logs_put_log_group_deletion_protection, in, NULL, err);
	json_free(in);
	return ret;
}

static bool group_unfinished(const struct resource *r)
{
	return json_get_i64(r->props, "RetentionInDays", 0) != 0;
}

static int group_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	static const struct {
		const char *property;
		int (*set)(const struct type_ctx *ctx, const struct resource *r, struct err *err);
	} parts[] = {
		{"DeletionProtectionEnabled", set_protection},
		{"KmsKeyId", set_key},
		{"RetentionInDays", set_retention},
	};
	struct json *diff = fields_diff(group_fields, r->props, live->props, group_defaults);
	struct resource_state tags = *live;
	int ret = 0;
	for (size_t i = 0; !ret && i < ARRAY_SIZE(parts); i++)
		if (fields_changed(diff, parts[i].property))
			ret = parts[i].set(ctx, r, err);
	json_free(diff);
	if (ret)
		return -1;
	/* what is left for it are the tags */
	tags.props = json_copy(r->props);
	ret = json_type_update(ctx, r, &tags, err);
	json_free(tags.props);
	return ret;
}

/* --- its events --- */

static int group_content(const struct type_ctx *ctx, const struct resource *r, bool *has,
	char **what, struct err *err)
{
	struct json *in = json_strings("logGroupName", r->name, NULL), *streams = NULL, *s;
	size_t nr = 0;
	int ret = list_if_there(ctx, &logs_describe_log_streams, in, &streams, err);
	json_each(s, streams) nr += json_get(s, "lastEventTimestamp") != NULL ||
				    json_get(s, "firstEventTimestamp") != NULL ||
				    json_get(s, "lastIngestionTime") != NULL;
	*has = nr > 0;
	if (nr)
		*what = xasprintf("%zu log stream%s with events", nr, nr == 1 ? "" : "s");
	json_free(in);
	json_free(streams);
	return ret;
}

/* They go with it. */
static int group_empty(unused_arg const struct type_ctx *ctx, unused_arg const struct resource *r,
	unused_arg struct err *err)
{
	return 0;
}

static const struct json_tagging group_tagging = {
	.tag = &logs_tag_resource,
	.untag = &logs_untag_resource,
	.list = &logs_list_tags_for_resource,
	.arn = "resourceArn",
	.set = "tags",
	.unset = "tagKeys",
	.create = "tags",
};

static const char *const group_busy[] = {"OperationAbortedException", NULL};

const struct json_type logs_log_group = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Logs::LogGroup",
					.fields = group_fields,
					.name_field = "LogGroupName",
					.name_case = NAME_LOWER_DASH,
					.name_max = 512,
					.attributes = group_attributes,
					.name_pattern_hint =
						"1 to 512 letters, digits and any of . _ / # -",
					.name_ok = group_name_ok,
				},
			.flags = T_WHOLE | T_DATA,
			.defaults = group_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = group_update,
			.tag = json_type_tag,
			.destroy = json_type_destroy,
			.content = group_content,
			.empty = group_empty,
		},
	.create = &logs_create_log_group,
	.remove = &logs_delete_log_group,
	.create_name = "logGroupName",
	.remove_name = "logGroupName",
	/* tags go by the ARN without the ":*" of GetAtt */
	.arn = "arn:{partition}:logs:{region}:{account}:log-group:{name}",
	.tagging = &group_tagging,
	.busy = group_busy,
	.fetch = group_fetch,
	.to_create = group_to_create,
	.unfinished = group_unfinished,
	.finish = set_retention,
};
