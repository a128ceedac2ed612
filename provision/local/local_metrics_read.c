/* What is asked of metrics: ListMetrics, GetMetricStatistics, GetMetricData; and the queries of alarms. */
#include "local_alarms.h"

#include <math.h>
#include <stdlib.h>
#include "local_glue.h"
#include "xalloc.h"

#define LIST_PAGE 500
#define STATISTICS_MAX 1440
#define DATAPOINTS_MAX 100800
#define QUERIES_MAX 500
#define PERIOD_MAX_S (7 * 86400)
#define DAY_MS INT64_C(86400000)

/* --- ListMetrics --- */

/* Each filter has a name and perhaps a value. */
static bool dimensions_fit(const struct json *filters, const struct json *dimensions)
{
	const struct json *f, *d;

	json_each(f, filters)
	{
		const char *name = json_get_str(f, "Name"), *value = json_get_str(f, "Value");
		bool any = false;

		json_each(d, dimensions) any =
			any || (name && !strcmp(name, json_get_str(d, "Name")) &&
				       (!value || !strcmp(value, json_get_str(d, "Value"))));
		if (!any)
			return false;
	}
	return true;
}

/* The text of a column; BUG where it is broken. */
static struct json *column(struct sql_stmt *st, int i)
{
	return glue_doc(sql_text(st, i));
}

static int list_metrics_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	const char *namespace = json_get_str(c->in, "Namespace"),
		   *name = json_get_str(c->in, "MetricName");
	const char *recent = json_get_str(c->in, "RecentlyActive");
	struct json *metrics = json_array();
	char *after = NULL, *last = NULL, *token;
	struct sql_stmt *st;
	int row = -1;

	if (recent && strcmp(recent, "PT3H") != 0) {
		cw_bad_value(err, "The value %s for parameter RecentlyActive is invalid.", recent);
		goto out;
	}
	if (local_token_read(json_get_str(c->in, "NextToken"), "InvalidParameterValueException",
		    &after, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT id, namespace, name, dimensions FROM cw_metric WHERE region = ?1 AND (?2 "
		"IS "
		"NULL OR namespace = ?2) AND (?3 IS NULL OR name = ?3) AND id > ?4 AND last_ms >= "
		"?5 ORDER BY id",
		"sssii", c->req->region, namespace, name,
		after ? (int64_t)strtoll(after, NULL, 10) : 0,
		c->now_ms - (recent ? DAY_MS / 8 : 14 * DAY_MS));
	row = st ? 1 : -1;
	while (st && json_len(metrics) < LIST_PAGE && (row = sql_step(st, err)) > 0) {
		struct json *dimensions = column(st, 3), *one;

		free(last);
		last = xasprintf("%lld", (long long)sql_int(st, 0));
		if (!dimensions_fit(json_get(c->in, "Dimensions"), dimensions)) {
			json_free(dimensions);
			continue;
		}
		one = json_object();
		json_set_str(one, "Namespace", sql_text(st, 1));
		json_set_str(one, "MetricName", sql_text(st, 2));
		json_set(one, "Dimensions", dimensions);
		json_push(metrics, one);
	}
	sql_done(st);
	if (row < 0)
		goto out;
	c->out = json_object();
	json_set(c->out, "Metrics", metrics);
	metrics = NULL;
	if (row > 0) {
		token = local_token_make(last);
		json_set_str(c->out, "NextToken", token);
		free(token);
	}
out:
	json_free(metrics);
	free(after);
	free(last);
	return row < 0 ? -1 : 0;
}

/* --- periods --- */

static bool period_ok(int64_t seconds)
{
	return seconds == 1 || seconds == 5 || seconds == 10 || seconds == 20 || seconds == 30 ||
	       (seconds >= 60 && seconds % 60 == 0 && seconds <= PERIOD_MAX_S);
}

struct range {
	int64_t from_ms, to_ms, period_ms;
	size_t nr;
};

/* StartTime and EndTime; the periods begin at full multiples of their length. */
static int read_range(
	const struct json *in, int64_t period_s, size_t most, struct range *r, struct err *err)
{
	int64_t from = INT64_MIN, to = INT64_MIN;

	if (cw_time(in, "StartTime", &from, err) || cw_time(in, "EndTime", &to, err))
		return -1;
	if (from == INT64_MIN || to == INT64_MIN)
		return cw_missing(err, from == INT64_MIN ? "StartTime" : "EndTime");
	if (from >= to)
		return cw_bad_mix(
			err, "The parameter StartTime must be less than the parameter EndTime.");
	if (!period_ok(period_s))
		return cw_bad_value(err, "The parameter Period must be 1, 5, 10, 20, 30 or a "
					 "multiple of 60.");
	r->period_ms = period_s * 1000;
	r->from_ms = from / r->period_ms * r->period_ms;
	r->to_ms = to;
	if ((to - r->from_ms) / r->period_ms >= (int64_t)most)
		return cw_bad_mix(err,
			"You have requested up to %lld datapoints, which exceeds the limit of %zu. "
			"You may reduce the datapoints requested by increasing Period, or "
			"decreasing "
			"the time range.",
			(long long)((to - r->from_ms + r->period_ms - 1) / r->period_ms), most);
	r->nr = (size_t)((to - r->from_ms + r->period_ms - 1) / r->period_ms);
	return 0;
}

/* --- GetMetricStatistics --- */

static int check_statistics(const struct json *in, struct err *err)
{
	const struct json *plain = json_get(in, "Statistics"),
			  *extended = json_get(in, "ExtendedStatistics"), *s;

	if (!json_len(plain) && !json_len(extended))
		return cw_missing(err, "Statistics");
	if (json_len(plain) && json_len(extended))
		return cw_bad_mix(err, "The parameters Statistics and ExtendedStatistics are "
				       "mutually exclusive.");
	json_each(s, plain)
	{
		if (!json_str(s) || !cw_statistic_ok(json_str(s), false))
			return cw_bad_value(err,
				"The parameter Statistics.member.1 must be a value in "
				"the set [ SampleCount, Average, Sum, Minimum, Maximum "
				"].");
	}
	json_each(s, extended)
	{
		if (!json_str(s) || *json_str(s) != 'p' || !cw_statistic_ok(json_str(s), true))
			return cw_bad_value(err,
				"The value %s for parameter "
				"ExtendedStatistics.member.1 is not supported.",
				json_str(s) ? json_str(s) : "null");
	}
	return 0;
}

static struct json *datapoint(const struct json *in, struct cw_bucket *b, const char *unit)
{
	struct json *point = json_object(), *more = NULL;
	const struct json *s;

	glue_set_time(point, "Timestamp", b->start_ms);
	json_each(s, json_get(in, "Statistics"))
		json_set_dbl(point, json_str(s), cw_bucket_value(b, json_str(s)));
	json_each(s, json_get(in, "ExtendedStatistics"))
	{
		more = more ? more : json_object();
		json_set_dbl(more, json_str(s), cw_bucket_value(b, json_str(s)));
	}
	json_set(point, "ExtendedStatistics", more);
	json_set_str(point, "Unit", unit);
	return point;
}

/* Points of one unit. */
static int add_points_tx(struct local_cloud *cloud, const struct local_call *c,
	const struct range *r, const char *dimensions, const char *unit, struct json *points,
	struct err *err)
{
	struct cw_bucket *buckets = xcalloc(r->nr ? r->nr : 1, sizeof(*buckets));
	struct cw_query q = {c->req->region, json_get_str(c->in, "Namespace"),
		json_get_str(c->in, "MetricName"), unit, dimensions, r->from_ms, r->period_ms,
		r->nr, json_len(json_get(c->in, "ExtendedStatistics")) > 0};
	int ret = cw_read_tx(cloud, &q, buckets, err);

	for (size_t i = 0; i < r->nr; i++) {
		if (!ret && buckets[i].any && buckets[i].start_ms < r->to_ms)
			json_push(points, datapoint(c->in, &buckets[i], unit));
		cw_bucket_release(&buckets[i]);
	}
	free(buckets);
	return ret;
}

/* The units that a metric has. */
static int read_units_tx(struct local_cloud *cloud, const struct local_call *c,
	const char *dimensions, struct strvec *units, struct err *err)
{
	struct sql_stmt *st;
	int row;

	if (json_get_str(c->in, "Unit")) {
		strvec_push(units, json_get_str(c->in, "Unit"));
		return 0;
	}
	st = sql_query(cloud->db, err,
		"SELECT DISTINCT p.unit FROM cw_metric m JOIN cw_point p ON p.metric_id = m.id "
		"WHERE "
		"m.region = ? AND m.namespace = ? AND m.name = ? AND m.dimensions = ? ORDER BY 1",
		"ssss", c->req->region, json_get_str(c->in, "Namespace"),
		json_get_str(c->in, "MetricName"), dimensions);
	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0)
		strvec_push(units, sql_text(st, 0));
	sql_done(st);
	return row;
}

static int get_statistics_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	static const char *const required[] = {"Namespace", "MetricName"};
	struct strvec units = STRVEC_INIT;
	struct json *points = json_array();
	char *dimensions = NULL;
	struct range r;
	int ret = -1;

	for (size_t i = 0; i < ARRAY_SIZE(required); i++)
		if (!json_get_str(c->in, required[i])) {
			cw_missing(err, required[i]);
			goto out;
		}
	if (check_statistics(c->in, err) ||
		read_range(c->in, json_get_i64(c->in, "Period", 0), STATISTICS_MAX, &r, err) ||
		cw_dimensions(json_get(c->in, "Dimensions"), &dimensions, err) ||
		read_units_tx(cloud, c, dimensions, &units, err))
		goto out;
	ret = 0;
	for (size_t i = 0; !ret && i < units.nr; i++)
		ret = add_points_tx(cloud, c, &r, dimensions, units.v[i], points, err);
	c->out = json_object();
	json_set_str(c->out, "Label", json_get_str(c->in, "MetricName"));
	json_set(c->out, "Datapoints", points);
	points = NULL;
out:
	json_free(points);
	strvec_release(&units);
	free(dimensions);
	return ret;
}

/* --- queries: MetricStat or Expression --- */

static bool id_ok(const char *id)
{
	if (!id || *id < 'a' || *id > 'z' || strlen(id) > 255)
		return false;
	return !id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")];
}

static int check_stat(const struct json *stat, int64_t *period_s, struct err *err)
{
	const struct json *metric = json_get(stat, "Metric");
	const char *statistic = json_get_str(stat, "Stat"), *unit = json_get_str(stat, "Unit");

	if (!json_get_str(metric, "MetricName") || !json_get_str(metric, "Namespace"))
		return cw_invalid(
			err, "A MetricStat needs the MetricName and Namespace of its Metric");
	if (!statistic || !cw_statistic_ok(statistic, true))
		return cw_invalid(err, "The value '%s' for parameter Stat is not supported",
			statistic ? statistic : "null");
	if (unit && !cw_unit_ok(unit))
		return cw_invalid(err, "The value '%s' for parameter Unit is invalid", unit);
	*period_s = json_get_i64(stat, "Period", 0);
	return period_ok(*period_s) ? 0 : cw_invalid(err, "Invalid Period");
}

static bool seen_before(const struct json *list, const struct json *query)
{
	const char *id = json_get_str(query, "Id");

	for (const struct json *q = json_first(list); q != query; q = json_next(q))
		if (json_get_str(q, "Id") && !strcmp(json_get_str(q, "Id"), id))
			return true;
	return false;
}

int cw_check_queries(const struct json *list, bool alarm, int64_t *period_ms, struct err *err)
{
	const struct json *q;
	size_t returned = 0;

	*period_ms = 0;
	if (!json_len(list) || json_len(list) > QUERIES_MAX)
		return cw_invalid(
			err, "The number of metric data queries must be from 1 to %d", QUERIES_MAX);
	json_each(q, list)
	{
		const struct json *stat = json_get(q, "MetricStat");
		const char *id = json_get_str(q, "Id"), *expression = json_get_str(q, "Expression");
		int64_t period_s = json_get_i64(q, "Period", 0);

		if (!id_ok(id))
			return cw_invalid(err,
				"The value '%s' for parameter MetricDataQueries.member.Id must "
				"begin "
				"with a lower case letter and have only letters, digits and _",
				id ? id : "null");
		if (seen_before(list, q))
			return cw_invalid(err, "The id '%s' is used more than once", id);
		if (!stat == !expression)
			return cw_invalid(err,
				"Exactly one of MetricStat and Expression must be given for '%s'",
				id);
		if (stat && check_stat(stat, &period_s, err))
			return -1;
		if (period_s < 0 || period_s > PERIOD_MAX_S)
			return cw_invalid(err, "Invalid Period");
		if (period_s * 1000 > *period_ms)
			*period_ms = period_s * 1000;
		returned += json_get_truth(q, "ReturnData", true);
	}
	if (alarm && returned != 1)
		return cw_invalid(
			err, "Exactly one element of the metrics list should return data.");
	if (!*period_ms)
		return cw_invalid(err, "Period must not be null");
	return 0;
}

static int stat_series_tx(struct local_cloud *cloud, const struct cw_math *m,
	const struct json *stat, double *values, struct err *err)
{
	const struct json *metric = json_get(stat, "Metric");
	const char *statistic = json_get_str(stat, "Stat");
	struct cw_bucket *buckets = xcalloc(m->nr ? m->nr : 1, sizeof(*buckets));
	char *dimensions = NULL;
	int ret = cw_dimensions(json_get(metric, "Dimensions"), &dimensions, err);

	if (!ret) {
		struct cw_query q = {m->region, json_get_str(metric, "Namespace"),
			json_get_str(metric, "MetricName"), json_get_str(stat, "Unit"), dimensions,
			m->from_ms, m->period_ms, m->nr, *statistic == 'p'};

		ret = cw_read_tx(cloud, &q, buckets, err);
	}
	for (size_t i = 0; i < m->nr; i++) {
		values[i] = !ret && buckets[i].any ? cw_bucket_value(&buckets[i], statistic) : NAN;
		cw_bucket_release(&buckets[i]);
	}
	free(buckets);
	free(dimensions);
	return ret;
}

int cw_series_of_tx(struct local_cloud *cloud, const struct cw_math *m, const char *id,
	double *values, struct err *err)
{
	const struct json *q;

	json_each(q, m->list)
	{
		if (!json_get_str(q, "Id") || strcmp(json_get_str(q, "Id"), id) != 0)
			continue;
		if (json_get(q, "MetricStat"))
			return stat_series_tx(cloud, m, json_get(q, "MetricStat"), values, err);
		return cw_math_tx(cloud, m, json_get_str(q, "Expression"), values, err);
	}
	return cw_invalid(err, "There is no metric with the id '%s'", id);
}

/* --- GetMetricData --- */

static const char *label_of(const struct json *query)
{
	const char *label = json_get_str(query, "Label");

	if (!label)
		label = json_str(json_path(query, "MetricStat.Metric.MetricName"));
	return label ? label : json_get_str(query, "Id");
}

static int add_result_tx(struct local_cloud *cloud, const struct local_call *c,
	const struct json *query, const struct range *r, struct json *results, struct err *err)
{
	const char *by = json_get_str(c->in, "ScanBy");
	bool rising = by && !strcmp(by, "TimestampAscending");
	struct json *times = json_array(), *values = json_array(), *one = json_object();
	double *v = xcalloc(r->nr ? r->nr : 1, sizeof(*v));
	struct cw_math m = {c->req->region, json_get(c->in, "MetricDataQueries"), r->from_ms,
		r->period_ms, r->nr, 0};
	int ret = cw_series_of_tx(cloud, &m, json_get_str(query, "Id"), v, err);

	for (size_t k = 0; !ret && k < r->nr; k++) {
		size_t i = rising ? k : r->nr - 1 - k;

		if (isnan(v[i]))
			continue;
		json_push(times, json_int((r->from_ms + r->period_ms * (int64_t)i) / 1000));
		json_push(values, json_double(v[i]));
	}
	json_set_str(one, "Id", json_get_str(query, "Id"));
	json_set_str(one, "Label", label_of(query));
	json_set(one, "Timestamps", times);
	json_set(one, "Values", values);
	json_set_str(one, "StatusCode", "Complete");
	json_push(results, one);
	free(v);
	return ret;
}

static int get_data_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	const struct json *list = json_get(c->in, "MetricDataQueries"), *q;
	struct json *results;
	int64_t greatest;
	struct range r;
	int ret = 0;

	if (json_get_str(c->in, "NextToken"))
		return local_fault(
			err, 400, "InvalidNextToken", "The service returned no such token.");
	if (cw_check_queries(list, false, &greatest, err))
		return -1;
	results = json_array();
	json_each(q, list)
	{
		int64_t period_s = json_i64(json_path(q, "MetricStat.Period"),
			json_get_i64(q, "Period", greatest / 1000));

		if (ret || !json_get_truth(q, "ReturnData", true))
			continue;
		ret = read_range(c->in, period_s, DATAPOINTS_MAX, &r, err);
		if (!ret)
			ret = add_result_tx(cloud, c, q, &r, results, err);
	}
	c->out = json_object();
	json_set(c->out, "MetricDataResults", results);
	json_set(c->out, "Messages", json_array());
	return ret;
}

LOCAL_HANDLER(list_metrics, list_metrics_tx)
LOCAL_HANDLER(get_statistics, get_statistics_tx)
LOCAL_HANDLER(get_data, get_data_tx)

static const struct local_route routes[] = {
	{"GetMetricData", get_data, NULL},
	{"GetMetricStatistics", get_statistics, NULL},
	{"ListMetrics", list_metrics, NULL},
};
const struct local_service local_metrics_read_service = {"monitoring", routes, ARRAY_SIZE(routes)};
