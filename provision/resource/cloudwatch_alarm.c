/*
 * AWS::CloudWatch::Alarm. PutMetricAlarm makes and overwrites alike, so before one is made it is looked whether somebody
 * else's stands under the name. Tags of an alarm that is there change by TagResource alone.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"
#include "tags.h"

static const char *const units[] = {"Bits", "Bits/Second", "Bytes", "Bytes/Second", "Count",
	"Count/Second", "Gigabits", "Gigabits/Second", "Gigabytes", "Gigabytes/Second", "Kilobits",
	"Kilobits/Second", "Kilobytes", "Kilobytes/Second", "Megabits", "Megabits/Second",
	"Megabytes", "Megabytes/Second", "Microseconds", "Milliseconds", "None", "Percent",
	"Seconds", "Terabits", "Terabits/Second", "Terabytes", "Terabytes/Second", NULL};
static const char *const operators[] = {"GreaterThanOrEqualToThreshold", "GreaterThanThreshold",
	"GreaterThanUpperThreshold", "LessThanLowerOrGreaterThanUpperThreshold",
	"LessThanLowerThreshold", "LessThanOrEqualToThreshold", "LessThanThreshold", NULL};
static const char *const statistics[] = {
	"Average", "Maximum", "Minimum", "SampleCount", "Sum", NULL};
static const char *const treats[] = {"breaching", "ignore", "missing", "notBreaching", NULL};

static const struct field dimension_fields[] = {
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REQUIRED, .min = 1, .max = 255},
	{.name = "Value", .kind = FIELD_STRING, .flags = F_REQUIRED, .min = 1, .max = 1024},
	{0},
};
#define DIMENSIONS                                                              \
	{                                                                       \
		.name = "Dimensions", .kind = FIELD_LIST, .item = FIELD_OBJECT, \
		.flags = F_UNORDERED, .fields = dimension_fields                \
	}
static const struct field metric_fields[] = {
	DIMENSIONS,
	{.name = "MetricName", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "Namespace", .kind = FIELD_STRING, .min = 1, .max = 255, .pattern = "[^:].*"},
	{0},
};
static const struct field metric_stat_fields[] = {
	{.name = "Metric", .kind = FIELD_OBJECT, .flags = F_REQUIRED, .fields = metric_fields},
	{.name = "Period", .kind = FIELD_INTEGER, .flags = F_REQUIRED, .min = 1},
	{.name = "Stat", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{.name = "Unit", .kind = FIELD_STRING, .values = units},
	{0},
};
static const struct field query_fields[] = {
	{.name = "AccountId", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "Expression", .kind = FIELD_STRING, .min = 1, .max = 2048},
	{.name = "Id",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.min = 1,
		.max = 255,
		.pattern = "([a-z])([A-Za-z0-9_]*)"},
	{.name = "Label", .kind = FIELD_STRING},
	{.name = "MetricStat", .kind = FIELD_OBJECT, .fields = metric_stat_fields},
	{.name = "Period", .kind = FIELD_INTEGER, .min = 1},
	{.name = "ReturnData", .kind = FIELD_BOOL},
	{0},
};

#define ACTIONS(n)                                                                         \
	{                                                                                  \
		.name = n, .kind = FIELD_LIST, .item = FIELD_STRING, .flags = F_UNORDERED, \
		.names = "AWS::SNS::Topic"                                                 \
	}
static const struct field alarm_fields[] = {
	{.name = "ActionConfiguration", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "ActionsEnabled", .kind = FIELD_BOOL},
	ACTIONS("AlarmActions"),
	{.name = "AlarmDescription", .kind = FIELD_STRING, .max = 1024},
	{.name = "AlarmName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 255},
	{.name = "ComparisonOperator", .kind = FIELD_STRING, .values = operators},
	{.name = "DatapointsToAlarm", .kind = FIELD_INTEGER, .min = 1},
	DIMENSIONS,
	{.name = "EvaluateLowSampleCountPercentile", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "EvaluationCriteria", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "EvaluationInterval", .kind = FIELD_INTEGER, .flags = F_UNSUPPORTED},
	{.name = "EvaluationPeriods", .kind = FIELD_INTEGER, .min = 1},
	{.name = "EvaluationWindow", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "ExtendedStatistic", .kind = FIELD_STRING},
	ACTIONS("InsufficientDataActions"),
	{.name = "MetricName", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "Metrics",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = query_fields},
	{.name = "Namespace", .kind = FIELD_STRING, .min = 1, .max = 255, .pattern = "[^:].*"},
	ACTIONS("OKActions"),
	{.name = "Period", .kind = FIELD_INTEGER, .min = 1},
	{.name = "Statistic", .kind = FIELD_STRING, .values = statistics},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{.name = "Threshold", .kind = FIELD_NUMBER},
	{.name = "ThresholdMetricId", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "TreatMissingData", .kind = FIELD_STRING, .values = treats, .min = 1, .max = 255},
	{.name = "Unit", .kind = FIELD_STRING, .values = units},
	{.name = "WarmUpConfiguration", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{0},
};

static const struct field_default alarm_defaults[] = {
	{"ActionsEnabled", "true"},
	{"AlarmActions", "[]"},
	{"AlarmDescription", "\"\""},
	{"Dimensions", "[]"},
	{"InsufficientDataActions", "[]"},
	{"OKActions", "[]"},
	{"TreatMissingData", "\"missing\""},
	{0},
};

#define ALARM_ARN "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"
static const struct attribute alarm_attributes[] = {
	{.name = "Arn", .format = ALARM_ARN},
	{0},
};

static bool alarm_name_ok(const char *name)
{
	size_t len = strlen(name);
	return len && len <= 255;
}

static void alarm_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	static const char *const single[] = {
		"MetricName", "Namespace", "Period", "Statistic", "ExtendedStatistic", "Unit"};
	const struct json *m;
	size_t i = 0;
	if (is_given(props, "Statistic") && is_given(props, "ExtendedStatistic"))
		lint_error(place, errors, "Statistic",
			"Statistic and ExtendedStatistic exclude each other");
	if (!is_given(props, "Metrics")) {
		if (is_missing(props, "MetricName"))
			lint_error(place, errors, NULL,
				"an alarm watches either MetricName or Metrics");
		return;
	}
	for (size_t k = 0; k < ARRAY_SIZE(single); k++)
		if (is_given(props, single[k]))
			lint_error(place, errors, single[k], "Metrics and %s exclude each other",
				single[k]);
	json_each(m, json_get(props, "Metrics"))
	{
		char *path = xasprintf("Metrics.%zu", i++);
		if (is_given(m, "MetricStat") == is_given(m, "Expression"))
			lint_error(place, errors, path,
				"exactly one of MetricStat and Expression must be given");
		free(path);
	}
}

/* --- calls --- */

static int alarm_fetch(
	const struct type_ctx *ctx, const struct resource *r, struct json **out, struct err *err)
{
	struct json *in = json_object(), *names = json_array(), *types = json_array(),
		    *reply = NULL;
	json_push_str(names, r->name);
	json_push_str(types, "MetricAlarm");
	json_set(in, "AlarmNames", names);
	json_set(in, "AlarmTypes", types);
	int ret = aws_call(ctx->aws, &monitoring_describe_alarms, in, &reply, err);
	*out = ret ? NULL : json_copy(json_at(json_get(reply, "MetricAlarms"), 0));
	json_free(in);
	json_free(reply);
	return ret;
}

/* Somebody may have made one of that name since the plan was made: that one must not be overwritten. */
static int alarm_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct resource_state live = RESOURCE_STATE_INIT;
	const char *digest = json_get_str(r->owner_tags, TAG_DIGEST);
	int ret = json_type_read(ctx, r, READ_FULL, &live, err);
	if (!ret && !live.exists) {
		ret = json_type_create(ctx, r, err);
	} else if (!ret && !tags_own(live.tags, r)) {
		ret = err_set(err, ERR_EXISTS, "alarm '%s' is there already", r->name);
	} else if (!ret) {
		struct json *tags = json_strings(TAG_DIGEST, digest, NULL);
		ret = json_type_update(ctx, r, &live, err);
		if (!ret)
			ret = json_type_tag(ctx, r, tags, err);
		json_free(tags);
	}
	resource_state_release(&live);
	return ret;
}

static int alarm_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = json_object(), *names = json_array();
	json_push_str(names, r->name);
	json_set(in, "AlarmNames", names);
	int ret = call_if_there(ctx, &monitoring_delete_alarms, in, NULL, err);
	json_free(in);
	return ret;
}

static const struct json_tagging alarm_tagging = {
	.tag = &monitoring_tag_resource,
	.untag = &monitoring_untag_resource,
	.list = &monitoring_list_tags_for_resource,
	.arn = "ResourceARN",
	.set = "Tags",
	.unset = "TagKeys",
	.as_list = true,
};

static const char *const alarm_busy[] = {"ConcurrentModificationException", NULL};

const struct json_type cloudwatch_alarm = {
	.type =
		{
			.schema =
				{
					.name = "AWS::CloudWatch::Alarm",
					.fields = alarm_fields,
					.name_field = "AlarmName",
					.name_case = NAME_LOWER_DASH,
					.name_max = 255,
					.attributes = alarm_attributes,
					.name_pattern_hint = "1 to 255 characters",
					.name_ok = alarm_name_ok,
					.check = alarm_check,
				},
			.flags = T_WHOLE,
			.defaults = alarm_defaults,
			.read = json_type_read,
			.create = alarm_create,
			.update = json_type_update,
			.tag = json_type_tag,
			.destroy = alarm_destroy,
		},
	.create = &monitoring_put_metric_alarm,
	.update = &monitoring_put_metric_alarm,
	.create_name = "AlarmName",
	.update_name = "AlarmName",
	.arn = ALARM_ARN,
	.tagging = &alarm_tagging,
	.flags = JSON_UPDATE_WHOLE | JSON_UPDATE_ALWAYS,
	.busy = alarm_busy,
	.fetch = alarm_fetch,
};
