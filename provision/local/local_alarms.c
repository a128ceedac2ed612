/* Metric alarms: put, described, switched, tagged and deleted. They are judged in local_alarms_eval.c. */
#include "local_alarms.h"

#include <stdlib.h>
#include "local_glue.h"
#include "local_iam.h"
#include "strvec.h"
#include "xalloc.h"

#define DAY_S 86400
#define ACTIONS_MAX 5
#define NAMES_MAX 100

static char *alarm_arn(struct local_cloud *cloud, const char *region, const char *name)
{
	return local_arn(cloud, "cloudwatch", region, "alarm:%s", name);
}

static int fail_missing(struct err *err)
{
	return local_fault(err, 404, "ResourceNotFound", "The alarm does not exist");
}

const char *local_alarms_query_code(const char *code)
{
	static const struct {
		const char *code, *query;
	} rows[] = {
		{"AccessDeniedException", "AccessDenied"},
		{"InvalidFormatFault", "InvalidFormat"},
		{"InvalidParameterCombinationException", "InvalidParameterCombination"},
		{"InvalidParameterValueException", "InvalidParameterValue"},
		{"MissingRequiredParameterException", "MissingParameter"},
		{"ValidationException", "ValidationError"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].code, code))
			return rows[i].query;
	return code;
}

/* [{Key,Value}] as a map. */
static int read_tags(const struct json *list, struct json **tags, struct err *err)
{
	const struct json *t;

	if (json_len(list) > 50)
		return cw_bad_value(err, "A resource can have at most 50 tags.");
	*tags = json_object();
	json_each(t, list)
	{
		const char *key = json_get_str(t, "Key"), *value = json_get_str(t, "Value");

		if (!key || !*key || strlen(key) > 512 || !value || strlen(value) > 1024 ||
			starts_with(key, "aws:"))
			return cw_bad_value(err, "The tag '%s' is invalid.", key ? key : "null");
		json_set_str(*tags, key, value);
	}
	return 0;
}

static struct json *tag_list(const struct json *tags)
{
	struct json *list = json_array();
	const struct json *t;

	json_each(t, tags)
	{
		struct json *one = json_object();

		json_set_str(one, "Key", json_name(t));
		json_set_str(one, "Value", json_str(t));
		json_push(list, one);
	}
	return list;
}

/* --- PutMetricAlarm --- */

/* What an alarm keeps of the request; the tags are kept apart. */
static const char *const members[] = {"AlarmDescription", "ActionsEnabled", "OKActions",
	"AlarmActions", "InsufficientDataActions", "MetricName", "Namespace", "Statistic",
	"ExtendedStatistic", "Dimensions", "Period", "Unit", "EvaluationPeriods",
	"DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData",
	"EvaluateLowSampleCountPercentile", "Metrics", "ThresholdMetricId"};
/* Lists that DescribeAlarms always has. */
static const char *const lists[] = {
	"OKActions", "AlarmActions", "InsufficientDataActions", "Dimensions"};

static bool one_of(const char *text, const char *const *values)
{
	for (; *values; values++)
		if (!strcmp(text, *values))
			return true;
	return false;
}

static int check_actions(const struct json *in, const char *member, struct err *err)
{
	const struct json *list = json_get(in, member), *a;

	if (json_len(list) > ACTIONS_MAX)
		return cw_invalid(
			err, "The collection %s must not have a size greater than 5", member);
	json_each(a, list)
	{
		if (!json_str(a) || !starts_with(json_str(a), "arn:") || strlen(json_str(a)) > 1024)
			return cw_invalid(
				err, "Invalid arn syntax: %s", json_str(a) ? json_str(a) : "null");
	}
	return 0;
}

/* An alarm on one metric; *period_s. */
static int check_metric(const struct json *in, int64_t *period_s, struct err *err)
{
	const char *statistic = json_get_str(in, "Statistic"),
		   *extended = json_get_str(in, "ExtendedStatistic"),
		   *namespace = json_get_str(in, "Namespace"), *unit = json_get_str(in, "Unit");
	char *dimensions = NULL;
	int ret;

	*period_s = json_get_i64(in, "Period", 0);
	if (!json_get_str(in, "MetricName") || !namespace)
		return cw_invalid(err, "MetricName and Namespace must not be null");
	if (!*namespace || *namespace == ':')
		return cw_invalid(
			err, "The value '%s' for parameter Namespace is invalid", namespace);
	if (!statistic == !extended)
		return cw_invalid(
			err, "Exactly one of Statistic or ExtendedStatistic must be specified");
	if (statistic && !cw_statistic_ok(statistic, false))
		return cw_invalid(err,
			"1 validation error detected: Value '%s' at 'statistic' failed to satisfy "
			"constraint: Member must satisfy enum value set: [Maximum, SampleCount, "
			"Sum, "
			"Minimum, Average]",
			statistic);
	if (extended && (*extended != 'p' || !cw_statistic_ok(extended, true)))
		return cw_invalid(err,
			"The value '%s' for parameter ExtendedStatistic is not supported",
			extended);
	if (*period_s != 10 && *period_s != 20 && *period_s != 30 &&
		(*period_s <= 0 || *period_s % 60 || *period_s > 7 * DAY_S))
		return cw_invalid(err, "Invalid Period: it must be 10, 20, 30 or a multiple of 60, "
				       "and a week at most");
	if (unit && !cw_unit_ok(unit))
		return cw_invalid(err, "The value '%s' for parameter Unit is invalid", unit);
	ret = cw_dimensions(json_get(in, "Dimensions"), &dimensions, err);
	free(dimensions);
	return ret;
}

static int check_periods(const struct json *in, int64_t period_s, struct err *err)
{
	int64_t nr = json_get_i64(in, "EvaluationPeriods", 0),
		points = json_get_i64(in, "DatapointsToAlarm", nr);
	int64_t most = period_s >= 3600 ? 7 * DAY_S : DAY_S;

	if (nr < 1)
		return cw_invalid(err,
			"1 validation error detected: Value '%lld' at 'evaluationPeriods' failed "
			"to "
			"satisfy constraint: Member must have value greater than or equal to 1",
			(long long)nr);
	if (points < 1 || points > nr)
		return cw_invalid(err, "DatapointsToAlarm must be from 1 to EvaluationPeriods");
	if (nr > most / period_s)
		return cw_invalid(err,
			"Metrics cannot be checked across more than %s (EvaluationPeriods * Period "
			"must be <= %lld).",
			most == DAY_S ? "a day" : "a week", (long long)most);
	return 0;
}

static int check_threshold(const struct json *in, struct err *err)
{
	static const char *const operators[] = {"GreaterThanOrEqualToThreshold",
		"GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold", NULL};
	static const char *const bands[] = {"LessThanLowerOrGreaterThanUpperThreshold",
		"LessThanLowerThreshold", "GreaterThanUpperThreshold", NULL};
	static const char *const treats[] = {
		"breaching", "notBreaching", "ignore", "missing", NULL};
	const char *compare = json_get_str(in, "ComparisonOperator"),
		   *treat = json_get_str(in, "TreatMissingData");

	if (treat && !one_of(treat, treats))
		return cw_invalid(err, "Invalid option for TreatMissingData: %s", treat);
	if (compare && one_of(compare, bands))
		return json_get_str(in, "ThresholdMetricId")
			       ? 0
			       : cw_invalid(err, "%s needs ThresholdMetricId", compare);
	if (!compare || !one_of(compare, operators))
		return cw_invalid(err,
			"1 validation error detected: Value '%s' at 'comparisonOperator' failed to "
			"satisfy constraint: Member must satisfy enum value set: "
			"[GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, "
			"LessThanOrEqualToThreshold]",
			compare ? compare : "null");
	if (!json_is(json_get(in, "Threshold"), JSON_NUMBER))
		return cw_invalid(err, "Threshold must not be null");
	return 0;
}

static int check_alarm(const struct json *in, struct err *err)
{
	const char *name = json_get_str(in, "AlarmName"),
		   *description = json_get_str(in, "AlarmDescription");
	static const char *const later[] = {"EvaluationCriteria", "EvaluationInterval",
		"EvaluationWindow", "WarmUpConfiguration"};
	int64_t period = 0;

	if (!name || !*name || strlen(name) > 255)
		return cw_invalid(err,
			"1 validation error detected: Value '%.300s' at 'alarmName' failed to "
			"satisfy "
			"constraint: Member must have length from 1 to 255",
			name ? name : "null");
	if (description && strlen(description) > 1024)
		return cw_invalid(
			err, "AlarmDescription must have length less than or equal to 1024");
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (json_get(in, later[i]))
			return cw_invalid(err, "%s is not supported by the local cloud", later[i]);
	for (size_t i = 0; i < 3; i++)
		if (check_actions(in, lists[i], err))
			return -1;
	if (json_get(in, "Metrics")) {
		if (json_get(in, "MetricName") || json_get(in, "Namespace") ||
			json_get(in, "Period") || json_get(in, "Statistic"))
			return cw_invalid(err,
				"Metrics and MetricName, Namespace, Dimensions, Period, "
				"Unit, Statistic or ExtendedStatistic exclude each "
				"other");
		/* one with a band returns the metric and the band */
		if (cw_check_queries(json_get(in, "Metrics"), !json_get(in, "ThresholdMetricId"),
			    &period, err))
			return -1;
		period /= 1000;
	} else if (check_metric(in, &period, err)) {
		return -1;
	}
	return check_threshold(in, err) || check_periods(in, period, err) ? -1 : 0;
}

static struct json *definition_of(const struct json *in)
{
	struct json *doc = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_get(in, members[i]) && !json_is(json_get(in, members[i]), JSON_NULL))
			json_set(doc, members[i], json_copy(json_get(in, members[i])));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (!json_get(doc, lists[i]))
			json_set(doc, lists[i], json_array());
	if (!json_get(doc, "ActionsEnabled"))
		json_set_bool(doc, "ActionsEnabled", true);
	return doc;
}

/* 1 there, 0 not. */
static int exists_tx(
	struct local_cloud *cloud, const char *region, const char *name, struct err *err)
{
	return sql_exists(cloud->db, err, "SELECT 1 FROM cw_alarm WHERE region = ? AND name = ?",
		"ss", region, name);
}

static int write_alarm_tx(struct local_cloud *cloud, const struct local_call *c, const char *name,
	const struct json *doc, struct err *err)
{
	char *text = glue_text(doc);
	int ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO cw_alarm (region, name, definition, state, reason, configured_ms, "
		"updated_ms, moved_ms) VALUES (?1, ?2, ?3, 'INSUFFICIENT_DATA', 'Unchecked: "
		"Initial "
		"alarm creation', ?4, ?4, ?4) ON CONFLICT DO UPDATE SET definition = "
		"excluded.definition, configured_ms = excluded.configured_ms",
		"sssi", c->req->region, name, text, c->now_ms);

	free(text);
	return ret;
}

static int put_alarm_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	const char *name = json_get_str(c->in, "AlarmName");
	struct json *doc = NULL, *tags = NULL;
	char *arn = NULL;
	int there, ret = -1;

	if (check_alarm(c->in, err) || read_tags(json_get(c->in, "Tags"), &tags, err) ||
		(there = exists_tx(cloud, c->req->region, name, err)) < 0)
		goto out;
	doc = definition_of(c->in);
	if (write_alarm_tx(cloud, c, name, doc, err) ||
		cw_history_tx(cloud, c->req->region, name, "ConfigurationUpdate",
			there ? "Alarm updated" : "Alarm created", doc, err))
		goto out;
	/* those of an alarm that is there already change by TagResource alone */
	arn = alarm_arn(cloud, c->req->region, name);
	ret = there ? 0 : local_tags_set(cloud, arn, tags, err);
	c->wake = local_metric_arrived;
out:
	json_free(doc);
	json_free(tags);
	free(arn);
	return ret;
}
LOCAL_HANDLER(put_alarm, put_alarm_tx)

/* --- DescribeAlarms --- */

#define ALARM_COLUMNS \
	"name, definition, state, reason, reason_data, configured_ms, updated_ms, moved_ms"

static struct json *show(struct local_cloud *cloud, const char *region, struct sql_stmt *st)
{
	struct json *alarm = glue_doc(sql_text(st, 1));
	char *arn = alarm_arn(cloud, region, sql_text(st, 0));

	if (json_get(alarm, "Metrics"))
		json_remove(alarm, "Dimensions");
	json_set_str(alarm, "AlarmName", sql_text(st, 0));
	json_set_str(alarm, "AlarmArn", arn);
	json_set_str(alarm, "StateValue", sql_text(st, 2));
	json_set_str(alarm, "StateReason", sql_text(st, 3));
	json_set_str(alarm, "StateReasonData", sql_text(st, 4));
	glue_set_time(alarm, "AlarmConfigurationUpdatedTimestamp", sql_int(st, 5));
	glue_set_time(alarm, "StateUpdatedTimestamp", sql_int(st, 6));
	glue_set_time(alarm, "StateTransitionedTimestamp", sql_int(st, 7));
	free(arn);
	return alarm;
}

static bool any_action_begins(const struct json *alarm, const char *prefix)
{
	const struct json *a;

	for (size_t i = 0; i < 3; i++)
		json_each(a, json_get(alarm, lists[i])) if (starts_with(json_str(a),
								    prefix)) return true;
	return false;
}

static bool wanted(const struct json *in, const struct json *alarm)
{
	const struct json *names = json_get(in, "AlarmNames"), *n;
	const char *name = json_get_str(alarm, "AlarmName"),
		   *prefix = json_get_str(in, "AlarmNamePrefix"),
		   *state = json_get_str(in, "StateValue"),
		   *action = json_get_str(in, "ActionPrefix");
	bool named = !json_len(names);

	json_each(n, names) named = named || (json_str(n) && !strcmp(json_str(n), name));
	return named && (!prefix || starts_with(name, prefix)) &&
	       (!state || !strcmp(json_get_str(alarm, "StateValue"), state)) &&
	       (!action || any_action_begins(alarm, action));
}

static bool wants_metric_alarms(const struct json *in)
{
	const struct json *types = json_get(in, "AlarmTypes"), *t;
	bool metric = !json_len(types);

	json_each(t, types) metric = metric || (json_str(t) && !strcmp(json_str(t), "MetricAlarm"));
	return metric && !json_get(in, "ChildrenOfAlarmName") &&
	       !json_get(in, "ParentsOfAlarmName");
}

static int check_describe(const struct json *in, int64_t *most, struct err *err)
{
	*most = json_get_i64(in, "MaxRecords", 50);
	if (*most < 1 || *most > 100)
		return cw_invalid(err,
			"1 validation error detected: Value '%lld' at 'maxRecords' failed to "
			"satisfy "
			"constraint: Member must have value %s",
			(long long)*most,
			*most < 1 ? "greater than or equal to 1" : "less than or equal to 100");
	if (json_len(json_get(in, "AlarmNames")) > NAMES_MAX)
		return cw_invalid(err, "AlarmNames must have at most 100 members");
	if (json_len(json_get(in, "AlarmNames")) && json_get(in, "AlarmNamePrefix"))
		return cw_invalid(
			err, "AlarmNamePrefix and AlarmNames must not be both specified.");
	return 0;
}

static int describe_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	struct json *alarms = json_array(), *one;
	char *after = NULL, *last = NULL, *token;
	struct sql_stmt *st = NULL;
	int64_t most;
	int row = -1;

	if (check_describe(c->in, &most, err) ||
		local_token_read(json_get_str(c->in, "NextToken"), "InvalidNextToken", &after, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT " ALARM_COLUMNS
		" FROM cw_alarm WHERE region = ? AND name > ? ORDER BY name",
		"ss", c->req->region, after ? after : "");
	row = st ? 1 : -1;
	while (st && json_len(alarms) < (size_t)most && (row = sql_step(st, err)) > 0) {
		free(last);
		last = xstrdup(sql_text(st, 0));
		one = show(cloud, c->req->region, st);
		if (wants_metric_alarms(c->in) && wanted(c->in, one))
			json_push(alarms, one);
		else
			json_free(one);
	}
	/* is there anything behind the page? */
	if (row > 0)
		row = sql_step(st, err);
	sql_done(st);
	if (row < 0)
		goto out;
	c->out = json_object();
	json_set(c->out, "MetricAlarms", alarms);
	json_set(c->out, "CompositeAlarms", json_array());
	alarms = NULL;
	if (row > 0) {
		token = local_token_make(last);
		json_set_str(c->out, "NextToken", token);
		free(token);
	}
out:
	json_free(alarms);
	free(after);
	free(last);
	return row < 0 ? -1 : 0;
}

static bool same_text(const struct json *a, const struct json *b, const char *member)
{
	const char *x = json_get_str(a, member), *y = json_get_str(b, member);

	return x ? y && !strcmp(x, y) : !y;
}

static int for_metric_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	struct json *alarms = json_array();
	char *want = NULL, *have;
	struct sql_stmt *st = NULL;
	int row = -1;

	if (!json_get_str(c->in, "MetricName") || !json_get_str(c->in, "Namespace"))
		cw_invalid(err, "MetricName and Namespace must not be null");
	else if (!cw_dimensions(json_get(c->in, "Dimensions"), &want, err))
		st = sql_query(cloud->db, err,
			"SELECT " ALARM_COLUMNS " FROM cw_alarm WHERE region = ? ORDER BY name",
			"s", c->req->region);
	while (st && (row = sql_step(st, err)) > 0) {
		struct json *one = show(cloud, c->req->region, st);
		bool fits = same_text(c->in, one, "MetricName") &&
			    same_text(c->in, one, "Namespace") &&
			    (!json_get(c->in, "Statistic") || same_text(c->in, one, "Statistic")) &&
			    (!json_get(c->in, "Period") || json_get_i64(c->in, "Period", 0) ==
								   json_get_i64(one, "Period", 0));

		if (fits && !cw_dimensions(json_get(one, "Dimensions"), &have, NULL)) {
			fits = !strcmp(want, have);
			free(have);
		}
		if (fits)
			json_push(alarms, one);
		else
			json_free(one);
	}
	sql_done(st);
	free(want);
	if (row < 0) {
		json_free(alarms);
		return -1;
	}
	c->out = json_object();
	json_set(c->out, "MetricAlarms", alarms);
	return 0;
}

/* --- DescribeAlarmHistory --- */

static int history_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	const char *by = json_get_str(c->in, "ScanBy");
	bool rising = by && !strcmp(by, "TimestampAscending");
	int64_t most = json_get_i64(c->in, "MaxRecords", 100), from = 0, to = INT64_MAX, last = 0,
		at;
	struct json *items = json_array(), *one;
	char *after = NULL, *token, *text;
	struct sql_stmt *st = NULL;
	int row = -1;

	if (most < 1 || most > 100)
		cw_invalid(err, "MaxRecords must be from 1 to 100");
	else if (!cw_time(c->in, "StartDate", &from, err) && !cw_time(c->in, "EndDate", &to, err) &&
		 !local_token_read(
			 json_get_str(c->in, "NextToken"), "InvalidNextToken", &after, err)) {
		at = after ? strtoll(after, NULL, 10) : rising ? 0 : INT64_MAX;
		st = sql_query(cloud->db, err,
			rising ? "SELECT id, name, time_ms, type, summary, data FROM cw_history "
				 "WHERE "
				 "region = ?1 AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR "
				 "type = "
				 "?3) AND time_ms >= ?4 AND time_ms <= ?5 AND id > ?6 ORDER BY id"
			       : "SELECT id, name, time_ms, type, summary, data FROM cw_history "
				 "WHERE "
				 "region = ?1 AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR "
				 "type = "
				 "?3) AND time_ms >= ?4 AND time_ms <= ?5 AND id < ?6 ORDER BY id "
				 "DESC",
			"sssiii", c->req->region, json_get_str(c->in, "AlarmName"),
			json_get_str(c->in, "HistoryItemType"), from, to, at);
	}
	while (st && (row = sql_step(st, err)) > 0 && json_len(items) < (size_t)most) {
		last = sql_int(st, 0);
		one = json_object();
		json_set_str(one, "AlarmName", sql_text(st, 1));
		json_set_str(one, "AlarmType", "MetricAlarm");
		glue_set_time(one, "Timestamp", sql_int(st, 2));
		json_set_str(one, "HistoryItemType", sql_text(st, 3));
		json_set_str(one, "HistorySummary", sql_text(st, 4));
		json_set_str(one, "HistoryData", sql_text(st, 5));
		json_push(items, one);
	}
	sql_done(st);
	free(after);
	if (row < 0) {
		json_free(items);
		return -1;
	}
	c->out = json_object();
	json_set(c->out, "AlarmHistoryItems", items);
	if (row > 0) {
		text = xasprintf("%lld", (long long)last);
		token = local_token_make(text);
		json_set_str(c->out, "NextToken", token);
		free(token);
		free(text);
	}
	return 0;
}

/* --- deleting and switching --- */

static int check_names(const struct json *in, struct err *err)
{
	const struct json *n;

	if (!json_len(json_get(in, "AlarmNames")) ||
		json_len(json_get(in, "AlarmNames")) > NAMES_MAX)
		return cw_invalid(err, "AlarmNames must have from 1 to 100 members");
	json_each(n, json_get(in, "AlarmNames"))
	{
		if (!json_str(n) || !*json_str(n))
			return cw_invalid(err, "AlarmNames must hold names");
	}
	return 0;
}

/* Of several alarms some may be missing; of one it is an error. */
static int delete_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	const struct json *names = json_get(c->in, "AlarmNames"), *n;

	if (check_names(c->in, err))
		return -1;
	json_each(n, names)
	{
		char *arn = alarm_arn(cloud, c->req->region, json_str(n));
		int64_t nr = 0;
		int ret = sql_run(cloud->db, &nr, err,
			"DELETE FROM cw_alarm WHERE region = ? AND name = ?", "ss", c->req->region,
			json_str(n));

		if (!ret && nr)
			ret = local_tags_clear(cloud, arn, err);
		free(arn);
		if (ret)
			return -1;
		if (!nr && json_len(names) == 1)
			return fail_missing(err);
	}
	return 0;
}

static int switch_actions(struct local_cloud *cloud, struct local_call *c, bool on, struct err *err)
{
	const struct json *n;

	if (check_names(c->in, err))
		return -1;
	json_each(n, json_get(c->in, "AlarmNames"))
	{
		if (sql_run(cloud->db, NULL, err,
			    on ? "UPDATE cw_alarm SET definition = json_set(definition, "
				 "'$.ActionsEnabled', json('true')) WHERE region = ? AND name = ?"
			       : "UPDATE cw_alarm SET definition = json_set(definition, "
				 "'$.ActionsEnabled', json('false')) WHERE region = ? AND name = ?",
			    "ss", c->req->region, json_str(n)))
			return -1;
	}
	return 0;
}

static int enable_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	return switch_actions(cloud, c, true, err);
}

static int disable_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	return switch_actions(cloud, c, false, err);
}

/* --- SetAlarmState --- */

static int set_state(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	static const char *const states[] = {"OK", "ALARM", "INSUFFICIENT_DATA", NULL};
	const char *name = json_get_str(req->in, "AlarmName"),
		   *state = json_get_str(req->in, "StateValue"),
		   *reason = json_get_str(req->in, "StateReason"),
		   *data = json_get_str(req->in, "StateReasonData");
	struct json *todo, *parsed;
	struct err broken = ERR_INIT;
	int row, ret = -1;

	*out = NULL;
	if (!state || !one_of(state, states))
		return cw_invalid(err,
			"1 validation error detected: Value '%s' at 'stateValue' failed to satisfy "
			"constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, "
			"ALARM, OK]",
			state ? state : "null");
	if (!name || !reason)
		return cw_invalid(err, "%s must not be null", name ? "StateReason" : "AlarmName");
	parsed = data ? json_parse(data, strlen(data), &broken) : NULL;
	if (data && !parsed) {
		err_release(&broken);
		return local_fault(
			err, 400, "InvalidFormatFault", "StateReasonData is not valid JSON");
	}
	json_free(parsed);
	todo = json_array();
	if (local_tx_begin(cloud, err))
		goto out;
	row = exists_tx(cloud, req->region, name, err);
	if (row == 0)
		fail_missing(err);
	else if (row > 0 &&
		 !cw_set_state_tx(cloud, req->region, name, state, reason, data, todo, err))
		ret = local_tx_commit(cloud, err);
	local_tx_end(cloud);
	if (!ret)
		cw_do_actions(cloud, todo);
out:
	json_free(todo);
	return ret;
}

/* --- tags --- */

/* The alarm that ResourceARN names is there. */
static int tagged_tx(
	struct local_cloud *cloud, struct local_call *c, const char **arn, struct err *err)
{
	char *prefix = alarm_arn(cloud, c->req->region, "");
	int row = 0;

	*arn = json_get_str(c->in, "ResourceARN");
	if (*arn && starts_with(*arn, prefix))
		row = exists_tx(cloud, c->req->region, *arn + strlen(prefix), err);
	free(prefix);
	if (row)
		return row < 0 ? -1 : 0;
	if (!*arn || !starts_with(*arn, "arn:"))
		return cw_bad_value(err, "The value %s for parameter ResourceARN is invalid.",
			*arn ? *arn : "null");
	return local_fault(
		err, 404, "ResourceNotFoundException", "The resource %s does not exist", *arn);
}

static int tag_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	struct json *tags = NULL;
	const char *arn;
	int ret = -1;

	if (!tagged_tx(cloud, c, &arn, err) && !read_tags(json_get(c->in, "Tags"), &tags, err))
		ret = local_tags_set(cloud, arn, tags, err);
	json_free(tags);
	return ret;
}

static int untag_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	const char *arn;

	return tagged_tx(cloud, c, &arn, err)
		       ? -1
		       : local_tags_remove(cloud, arn, json_get(c->in, "TagKeys"), err);
}

static int list_tags_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	struct json *tags = NULL;
	const char *arn;

	if (tagged_tx(cloud, c, &arn, err) || local_tags_get(cloud, arn, &tags, err))
		return -1;
	c->out = json_object();
	json_set(c->out, "Tags", tag_list(tags));
	json_free(tags);
	return 0;
}

LOCAL_HANDLER(describe, describe_tx)
LOCAL_HANDLER(describe_for_metric, for_metric_tx)
LOCAL_HANDLER(describe_history, history_tx)
LOCAL_HANDLER(delete_alarms, delete_tx)
LOCAL_HANDLER(enable_actions, enable_tx)
LOCAL_HANDLER(disable_actions, disable_tx)
LOCAL_HANDLER(tag_resource, tag_tx)
LOCAL_HANDLER(untag_resource, untag_tx)
LOCAL_HANDLER(list_tags, list_tags_tx)

static void arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	/* The member that the operation goes by: another one beside it must not answer for it. */
	bool tags = strstr(req->operation, "Resource") != NULL;
	const char *given = tags ? json_get_str(req->in, "ResourceARN") : NULL,
		   *name = tags ? NULL : json_get_str(req->in, "AlarmName");
	char *text = alarm_arn(cloud, req->region, name ? name : "*");

	strbuf_addstr(arn, given ? given : text);
	free(text);
}

/* Of AlarmNames: the first that the caller's policies do not allow, or else the first. */
static void arn_of_names(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	char *action = xasprintf("cloudwatch:%s", req->operation);
	const struct json *n;

	json_each(n, json_get(req->in, "AlarmNames"))
	{
		char *text = json_str(n) ? alarm_arn(cloud, req->region, json_str(n)) : NULL;
		bool allowed = !text || local_iam_allows(cloud, req->who, action, text);

		if (text && (!arn->len || !allowed)) {
			strbuf_clear(arn);
			strbuf_addstr(arn, text);
		}
		free(text);
		if (!allowed)
			break;
	}
	free(action);
}

static const struct local_route routes[] = {
	{"DeleteAlarms", delete_alarms, arn_of_names},
	{"DescribeAlarmHistory", describe_history, arn_of},
	{"DescribeAlarms", describe, arn_of},
	{"DescribeAlarmsForMetric", describe_for_metric, arn_of},
	{"DisableAlarmActions", disable_actions, arn_of_names},
	{"EnableAlarmActions", enable_actions, arn_of_names},
	{"ListTagsForResource", list_tags, arn_of},
	{"PutMetricAlarm", put_alarm, arn_of},
	{"SetAlarmState", set_state, arn_of},
	{"TagResource", tag_resource, arn_of},
	{"UntagResource", untag_resource, arn_of},
};
const struct local_service local_alarms_service = {"monitoring", routes, ARRAY_SIZE(routes)};
