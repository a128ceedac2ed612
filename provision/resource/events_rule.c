/*
 * AWS::Events::Rule with its targets. A rule is replaced whole by PutRule; targets are put and removed by their ids, and all
 * of them go before the rule does. Tags are set by calls of their own: PutRule on a rule that is there ignores them.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"
#include "tags.h"

#define CALL_MAX 100
#define SERVICE "events.amazonaws.com"
#define TARGETS_MAX 5 /* of a rule, unless the account has a higher quota */

static const char *const states[] = {
	"ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", NULL};

static const struct field dead_letter_fields[] = {
	{.name = "Arn", .kind = FIELD_STRING, .min = 1, .max = 1600},
	{0},
};
static const struct field retry_fields[] = {
	{.name = "MaximumEventAgeInSeconds", .kind = FIELD_INTEGER, .min = 60, .max = 86400},
	{.name = "MaximumRetryAttempts", .kind = FIELD_INTEGER, .min = 0, .max = 185},
	{0},
};
static const struct field transformer_fields[] = {
	{.name = "InputPathsMap", .kind = FIELD_MAP},
	{.name = "InputTemplate", .kind = FIELD_STRING, .flags = F_REQUIRED, .min = 1, .max = 8192},
	{0},
};
static const struct field sqs_fields[] = {
	{.name = "MessageGroupId", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};
static const struct field target_fields[] = {
	{.name = "AppSyncParameters", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "Arn", .kind = FIELD_STRING, .flags = F_REQUIRED, .min = 1, .max = 1600},
	{.name = "BatchParameters", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "DeadLetterConfig", .kind = FIELD_OBJECT, .fields = dead_letter_fields},
	{.name = "EcsParameters", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "HttpParameters", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "Id",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.min = 1,
		.max = 64,
		.pattern = "[._A-Za-z0-9-]+"},
	{.name = "Input", .kind = FIELD_STRING, .max = 8192},
	{.name = "InputPath", .kind = FIELD_STRING, .max = 256},
	{.name = "InputTransformer", .kind = FIELD_OBJECT, .fields = transformer_fields},
	{.name = "KinesisParameters", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "RedshiftDataParameters", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "RetryPolicy", .kind = FIELD_OBJECT, .fields = retry_fields},
	{.name = "RoleArn", .kind = FIELD_STRING, .min = 1, .max = 1600},
	{.name = "RunCommandParameters", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "SageMakerPipelineParameters", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "SqsParameters", .kind = FIELD_OBJECT, .fields = sqs_fields},
	{0},
};

static const struct field rule_fields[] = {
	{.name = "Description", .kind = FIELD_STRING, .max = 512},
	{.name = "EventBusName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_NAME_OR_ARN,
		.min = 1,
		.max = 256,
		.pattern = "(arn:.+:event-bus/)?[/._A-Za-z0-9-]+"},
	{.name = "EventPattern", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES | F_LOCAL, .min = 1, .max = 64},
	{.name = "RoleArn", .kind = FIELD_STRING, .min = 1, .max = 1600},
	{.name = "ScheduleExpression",
		.kind = FIELD_STRING,
		.max = 256,
		.pattern = "(rate\\(.+\\)|cron\\(.+\\))?"},
	{.name = "State", .kind = FIELD_STRING, .values = states},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{.name = "Targets",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = target_fields},
	{0},
};

static const struct field_default rule_defaults[] = {
	{"Description", "\"\""},
	{"EventPattern", "\"\""},
	{"RoleArn", "\"\""},
	{"ScheduleExpression", "\"\""},
	{"State", "\"ENABLED\""},
	{"Targets", "[]"},
	{0},
};

/* On another bus than the default one, its name is part of both. */
static const struct attribute rule_attributes[] = {
	{.name = "Arn"},
	{.name = "Id"},
	{.name = "RuleName", .format = "{name}"},
	{0},
};

static bool rule_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= 64 &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "._-")] == '\0';
}

static void check_targets(
	const struct json *targets, const struct lint_place *place, struct err_list *errors)
{
	const struct json *t, *other;

	if (json_is(targets, JSON_ARRAY) && json_len(targets) > TARGETS_MAX)
		lint_error(place, errors, "Targets", "a rule has at most %d targets", TARGETS_MAX);
	json_each(t, json_is(targets, JSON_ARRAY) ? targets : NULL)
	{
		const char *id = known_str(t, "Id");
		int inputs = is_given(t, "Input") + is_given(t, "InputPath") +
			     is_given(t, "InputTransformer");

		if (inputs > 1)
			lint_error(place, errors, "Targets",
				"Input, InputPath and InputTransformer exclude each other");
		json_each(other, targets)
		{
			const char *theirs = known_str(other, "Id");

			if (other == t)
				break;
			if (id && theirs && !strcmp(id, theirs))
				lint_error(place, errors, "Targets", "two targets have the Id '%s'",
					id);
		}
	}
}

static void rule_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const char *schedule = known_str(props, "ScheduleExpression"),
		   *bus = known_str(props, "EventBusName"), *problem = NULL;

	if (is_missing(props, "EventPattern") && is_missing(props, "ScheduleExpression"))
		lint_error(place, errors, "EventPattern",
			"a rule needs EventPattern or ScheduleExpression");
	if (schedule && starts_with(schedule, "cron("))
		problem = cron_problem(schedule);
	else if (schedule && !(starts_with(schedule, "rate(") && ends_with(schedule, ")")))
		problem = "must look like cron(15 12 * * ? *) or rate(5 minutes)";
	if (problem)
		lint_error(place, errors, "ScheduleExpression", "the schedule %s", problem);
	if (schedule && bus && strcmp(bus, "default") != 0 && !ends_with(bus, "event-bus/default"))
		lint_error(place, errors, "ScheduleExpression",
			"only rules of the default bus have schedules");
	check_targets(json_get(props, "Targets"), place, errors);
}

/* --- names --- */

static const char *bus_of(const struct resource *r)
{
	const char *bus = json_get_str(r->props, "EventBusName");

	return bus ? bus : json_get_str(r->record_props, "EventBusName");
}

/* {`member`: the rule's name, "EventBusName"}; the caller's. */
static struct json *request(const struct resource *r, const char *member)
{
	return json_strings(member, r->name, "EventBusName", bus_of(r), NULL);
}

static int describe(
	const struct type_ctx *ctx, const struct resource *r, struct json **out, struct err *err)
{
	struct json *in = request(r, "Name");
	int ret = call_if_there(ctx, &events_describe_rule, in, out, err);

	json_free(in);
	return ret;
}

static char *rule_id(const struct json *live)
{
	const char *bus = json_get_str(live, "EventBusName"), *name = json_get_str(live, "Name");

	return bus && strcmp(bus, "default") != 0 ? xasprintf("%s|%s", bus, name) : xstrdup(name);
}

/* --- read --- */

static int read_props(const struct type_ctx *ctx, const struct resource *r, const struct json *live,
	struct resource_state *out, struct err *err)
{
	struct json *in = request(r, "Rule"), *targets = NULL, *doc = json_copy(live);
	const char *pattern = json_get_str(live, "EventPattern");
	struct err ignored = ERR_INIT;
	int ret = list_if_there(ctx, &events_list_targets_by_rule, in, &targets, err);

	if (!ret) {
		if (pattern)
			json_set(doc, "EventPattern",
				json_parse(pattern, strlen(pattern), &ignored));
		json_set(doc, "Targets", targets);
		targets = NULL;
		out->props = fields_from_api(rule_fields, doc, r->props);
		json_set_str(out->props, "Name", r->name);
		json_set(out->props, "Tags", tags_property(&r->type->schema, out->tags));
	}
	err_release(&ignored);
	json_free(in);
	json_free(targets);
	json_free(doc);
	return ret;
}

static int rule_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	struct json *live = NULL, *in, *list = NULL;
	char *id;
	int ret = describe(ctx, r, &live, err);

	if (ret || !live)
		return ret;
	in = json_strings("ResourceARN", json_get_str(live, "Arn"), NULL);
	ret = list_if_there(ctx, &events_list_tags_for_resource, in, &list, err);
	json_free(in);
	if (!ret) {
		id = rule_id(live);
		out->exists = true;
		out->tags = tags_from_list(list);
		out->attrs = json_strings("Arn", json_get_str(live, "Arn"), "Id", id, NULL);
		free(id);
		if (depth == READ_FULL)
			ret = read_props(ctx, r, live, out, err);
	}
	json_free(list);
	json_free(live);
	return ret;
}

/* --- targets --- */

/* PutTargets and RemoveTargets answer 200 for what they did not do. */
static int check_failed(const struct json *out, const char *doing, struct err *err)
{
	const struct json *f = json_first(json_get(out, "FailedEntries"));
	const char *code = json_get_str(f, "ErrorCode"), *text = json_get_str(f, "ErrorMessage");

	if (json_get_i64(out, "FailedEntryCount", 0) == 0)
		return 0;
	/* a target that is gone is removed */
	if (code && !strcmp(code, "ResourceNotFoundException") && !strcmp(doing, "remove"))
		return 0;
	err_set(err, ERR_FAILED, "cannot %s target '%s': %s", doing,
		json_get_str(f, "TargetId") ? json_get_str(f, "TargetId") : "?",
		text ? text : "no reason given");
	return code ? err_named(err, code) : -1;
}

/* A role that targets are reached by, which EventBridge tries to assume; the first stands for all. NULL: none has one. */
static const char *a_role(const struct json *targets)
{
	const struct json *t;

	json_each(t, targets)
	{
		if (json_get_str(t, "RoleArn"))
			return json_get_str(t, "RoleArn");
	}
	return NULL;
}

/* A list in calls of at most a hundred. */
static int in_calls(const struct type_ctx *ctx, const struct resource *r, const struct aws_op *op,
	const char *member, const struct json *list, const char *doing, struct err *err)
{
	const char *role = a_role(list);
	const struct json *e = json_first(list);
	int ret = 0;

	while (e && !ret) {
		struct json *in = request(r, "Rule"), *some = json_array(), *out = NULL;
		size_t nr = 0;

		for (; e && nr < CALL_MAX; e = json_next(e), nr++)
			json_push(some, json_copy(e));
		json_set(in, member, some);
		ret = call_with_role(ctx, op, in, role, SERVICE, &out, err);
		if (!ret)
			ret = check_failed(out, doing, err);
		json_free(in);
		json_free(out);
	}
	return ret;
}

static bool has_id(const struct json *targets, const char *id)
{
	const struct json *t;

	json_each(t, targets)
	{
		const char *theirs = json_get_str(t, "Id");

		if (theirs && !strcmp(theirs, id))
			return true;
	}
	return false;
}

/* Ids of the live targets that are not wanted (NULL: none is) go. */
static int remove_targets(const struct type_ctx *ctx, const struct resource *r,
	const struct json *wanted, struct err *err)
{
	struct json *in = request(r, "Rule"), *live = NULL, *ids = json_array();
	const struct json *t;
	int ret = list_if_there(ctx, &events_list_targets_by_rule, in, &live, err);

	json_each(t, live)
	{
		if (!has_id(wanted, json_get_str(t, "Id")))
			json_push_str(ids, json_get_str(t, "Id"));
	}
	if (!ret)
		ret = in_calls(ctx, r, &events_remove_targets, "Ids", ids, "remove", err);
	json_free(in);
	json_free(live);
	json_free(ids);
	return ret;
}

/* --- write --- */

static int set_tags(const struct type_ctx *ctx, const struct resource *r, const struct json *set,
	const struct json *unset, struct err *err)
{
	struct json *live = NULL, *in;
	int ret;

	if (!json_len(set) && !json_len(unset))
		return 0;
	ret = describe(ctx, r, &live, err);
	if (!ret && !live)
		ret = err_set(err, ERR_NOT_FOUND, "rule '%s' is gone", r->name);
	in = json_strings("ResourceARN", json_get_str(live, "Arn"), NULL);
	if (!ret && json_len(unset)) {
		json_set(in, "TagKeys", json_copy(unset));
		ret = aws_call(ctx->aws, &events_untag_resource, in, NULL, err);
		json_remove(in, "TagKeys");
	}
	if (!ret && json_len(set)) {
		json_set(in, "Tags", tags_to_list(set));
		ret = aws_call(ctx->aws, &events_tag_resource, in, NULL, err);
	}
	json_free(in);
	json_free(live);
	return ret;
}

static int rule_tag(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	return set_tags(ctx, r, tags, NULL, err);
}

/* The rule, as it is wanted; with tags when it is new. */
static int put(
	const struct type_ctx *ctx, const struct resource *r, bool with_tags, struct err *err)
{
	struct json *in = fields_to_api(rule_fields, r->props), *targets, *tags;
	const char *role = json_get_str(r->props, "RoleArn");
	int ret;

	targets = json_detach(in, "Targets");
	json_set_str(in, "Name", r->name);
	if (with_tags) {
		tags = tags_wanted(r, false);
		json_set(in, "Tags", tags_to_list(tags));
		json_free(tags);
	}
	ret = call_with_role(ctx, &events_put_rule, in, role, SERVICE, NULL, err);
	if (!ret)
		ret = in_calls(ctx, r, &events_put_targets, "Targets", targets, "put", err);
	json_free(in);
	json_free(targets);
	return ret;
}

static int rule_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct resource_state live = RESOURCE_STATE_INIT;
	int ret = rule_read(ctx, r, READ_TAGS, &live, err);

	/* PutRule takes over whatever has the name */
	if (!ret && live.exists && !tags_own(live.tags, r))
		ret = err_set(err, ERR_EXISTS, "rule '%s' exists", r->name);
	if (!ret)
		ret = put(ctx, r, !live.exists, err);
	if (!ret && live.exists)
		ret = remove_targets(ctx, r, json_get(r->props, "Targets"), err);
	resource_state_release(&live);
	return ret;
}

static int rule_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *wanted = tags_wanted(r, false), *set = NULL, *unset = NULL;
	int ret = put(ctx, r, false, err);

	if (!ret)
		ret = remove_targets(ctx, r, json_get(r->props, "Targets"), err);
	tags_diff(wanted, live->tags, &set, &unset);
	if (!ret)
		ret = set_tags(ctx, r, set, unset, err);
	json_free(wanted);
	json_free(set);
	json_free(unset);
	return ret;
}

static int rule_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = request(r, "Name"), *out = NULL;
	int ret = remove_targets(ctx, r, NULL, err);

	if (!ret)
		ret = call_if_there(ctx, &events_delete_rule, in, &out, err);
	json_free(in);
	json_free(out);
	return ret;
}

/* Before it goes it starts nothing more. */
static int rule_quiesce(const struct type_ctx *ctx, const struct resource *r, bool going,
	unused_arg struct json **resume, struct err *err)
{
	struct json *in, *out = NULL;
	int ret;

	if (!going)
		return 0;
	in = request(r, "Name");
	ret = call_if_there(ctx, &events_disable_rule, in, &out, err);
	json_free(in);
	json_free(out);
	return ret;
}

static const char *const rule_record[] = {"EventBusName", NULL};

const struct resource_type events_rule_type = {
	.schema =
		{
			.name = "AWS::Events::Rule",
			.fields = rule_fields,
			.name_field = "Name",
			.name_case = NAME_LOWER_DASH,
			.name_max = 64,
			.attributes = rule_attributes,
			.ref_attribute = "Id",
			.name_pattern_hint = "1 to 64 letters of ASCII, digits and any of . - _",
			.name_ok = rule_name_ok,
			.check = rule_check,
		},
	.record_fields = rule_record,
	.defaults = rule_defaults,
	.read = rule_read,
	.create = rule_create,
	.update = rule_update,
	.tag = rule_tag,
	.destroy = rule_destroy,
	.quiesce = rule_quiesce,
};
