/* Metrics: data points come in here, and are added up by period. What is asked of them is local_metrics_read.c. */
#include "local_alarms.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "clock.h"
#include "xalloc.h"

#define SECOND_MS INT64_C(1000)
#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define VALUES_MAX 150
#define METRICS_MAX 1000

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS cw_metric (id INTEGER PRIMARY KEY, region TEXT NOT NULL, "
	"namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL, last_ms INTEGER "
	"NOT NULL, UNIQUE (region, namespace, name, dimensions));"
	"CREATE TABLE IF NOT EXISTS cw_point (metric_id INTEGER NOT NULL REFERENCES cw_metric(id) "
	"ON DELETE CASCADE, time_ms INTEGER NOT NULL, unit TEXT NOT NULL, count REAL NOT NULL, sum "
	"REAL NOT NULL, least REAL NOT NULL, most REAL NOT NULL);"
	"CREATE INDEX IF NOT EXISTS cw_point_time ON cw_point (metric_id, time_ms);"
	"CREATE TABLE IF NOT EXISTS cw_alarm (region TEXT NOT NULL, name TEXT NOT NULL, definition "
	"TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, reason_data TEXT, configured_ms "
	"INTEGER NOT NULL, updated_ms INTEGER NOT NULL, moved_ms INTEGER NOT NULL, PRIMARY KEY "
	"(region, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS cw_history (id INTEGER PRIMARY KEY, region TEXT NOT NULL, name "
	"TEXT NOT NULL, time_ms INTEGER NOT NULL, type TEXT NOT NULL, summary TEXT NOT NULL, data "
	"TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS cw_history_name ON cw_history (region, name);"
	"CREATE TABLE IF NOT EXISTS cw_action (id INTEGER PRIMARY KEY AUTOINCREMENT, doc TEXT NOT "
	"NULL);";

/* --- input --- */

bool cw_unit_ok(const char *unit)
{
	static const char *const units[] = {"Seconds", "Microseconds", "Milliseconds", "Bytes",
		"Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits",
		"Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second",
		"Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second",
		"Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second",
		"Count/Second", "None"};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(unit, units[i]))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct json *const *x = a, *const *y = b;

	return strcmp(json_get_str(*x, "Name"), json_get_str(*y, "Name"));
}

int cw_dimensions(const struct json *list, char **text, struct err *err)
{
	const struct json *sorted[CW_DIMENSIONS_MAX], *d;
	struct strbuf sb = STRBUF_INIT;
	struct json *out;
	size_t nr = 0;

	*text = NULL;
	if (json_len(list) > CW_DIMENSIONS_MAX)
		return cw_bad_value(err, "The collection Dimensions must not have a size greater "
					 "than 30.");
	json_each(d, list)
	{
		const char *name = json_get_str(d, "Name"), *value = json_get_str(d, "Value");

		if (!name || !value)
			return cw_missing(err,
				name ? "Dimensions.member.1.Value" : "Dimensions.member.1.Name");
		if (!*name || !*value || strlen(name) > 255 || strlen(value) > 1024 || *name == ':')
			return cw_bad_value(err, "The value %s for a dimension is invalid.",
				*value ? value : "''");
		sorted[nr++] = d;
	}
	qsort(sorted, nr, sizeof(*sorted), by_name);
	out = json_array();
	for (size_t i = 0; i < nr; i++) {
		struct json *one = json_object();

		json_set_str(one, "Name", json_get_str(sorted[i], "Name"));
		json_set_str(one, "Value", json_get_str(sorted[i], "Value"));
		json_push(out, one);
	}
	json_print(out, &sb);
	json_free(out);
	*text = strbuf_detach(&sb, NULL);
	return 0;
}

int cw_time(const struct json *in, const char *member, int64_t *ms, struct err *err)
{
	const struct json *v = json_get(in, member);

	if (!v || json_is(v, JSON_NULL))
		return 0;
	if (json_is(v, JSON_NUMBER) && fabs(json_dbl(v, 0)) < 1e11) {
		*ms = (int64_t)llround(json_dbl(v, 0) * 1000);
		return 0;
	}
	if (json_str(v) && clock_parse(json_str(v), ms) == 0)
		return 0;
	return cw_bad_value(err, "The parameter %s must be a date and time.", member);
}

/* --- writing --- */

static int metric_id_tx(struct local_cloud *cloud, const char *region, const char *namespace,
	const char *name, const char *dimensions, int64_t *id, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"INSERT INTO cw_metric (region, namespace, name, dimensions, last_ms) VALUES "
		"(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_ms = excluded.last_ms RETURNING id",
		"ssssi", region, namespace, name, dimensions, local_now_ms(cloud));
	int row = st ? sql_step(st, err) : -1;

	*id = row > 0 ? sql_int(st, 0) : 0;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

struct set {
	double count, sum, least, most;
};

static int add_set_tx(struct local_cloud *cloud, int64_t metric, int64_t time_ms, const char *unit,
	const struct set *s, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"INSERT INTO cw_point (metric_id, time_ms, unit, count, sum, least, most) VALUES "
		"(?, ?, ?, ?, ?, ?, ?)",
		"iisdddd", metric, time_ms / SECOND_MS * SECOND_MS, unit ? unit : "None", s->count,
		s->sum, s->least, s->most);
}

static int put_tx(struct local_cloud *cloud, const char *namespace, const char *name,
	const struct json *dimensions, double value, const char *unit, struct err *err)
{
	struct set s = {1, value, value, value};
	char *text;
	int64_t id;
	int ret = -1;

	if (cw_dimensions(dimensions, &text, err))
		return -1;
	if (metric_id_tx(cloud, cloud->region, namespace, name, text, &id, err) == 0)
		ret = add_set_tx(cloud, id, local_now_ms(cloud), unit, &s, err);
	free(text);
	return ret;
}

int local_metric_put_tx(struct local_cloud *cloud, const char *namespace, const char *name,
	const struct json *dimensions, double value, const char *unit, struct err *err)
{
	return put_tx(cloud, namespace, name, dimensions, value, unit, err);
}

int local_metric_put(struct local_cloud *cloud, const char *namespace, const char *name,
	const struct json *dimensions, double value, const char *unit, struct err *err)
{
	int ret;

	if (local_tx_begin(cloud, err))
		return -1;
	ret = put_tx(cloud, namespace, name, dimensions, value, unit, err);
	ret = local_tx_finish(cloud, ret, err);
	if (!ret)
		local_metric_arrived(cloud);
	return ret;
}

/* --- PutMetricData --- */

static int read_number(const struct json *v, const char *what, double *out, struct err *err)
{
	double d = json_dbl(v, NAN);

	/* the range that CloudWatch takes */
	if (!isfinite(d) || fabs(d) > 0x1p360)
		return cw_bad_value(err, "The value %s for parameter %s is invalid.",
			json_scalar_text(v) ? json_scalar_text(v) : "null", what);
	*out = d;
	return 0;
}

static int put_values_tx(struct local_cloud *cloud, int64_t metric, int64_t time_ms,
	const struct json *datum, struct err *err)
{
	const struct json *values = json_get(datum, "Values"), *counts = json_get(datum, "Counts");
	const char *unit = json_get_str(datum, "Unit");

	if (json_len(values) > VALUES_MAX)
		return cw_bad_value(err,
			"The collection MetricData.member.1.Values must not have a "
			"size greater than 150.");
	if (counts && json_len(counts) != json_len(values))
		return cw_bad_value(err, "The parameters MetricData.member.1.Values and "
					 "MetricData.member.1.Counts must be of the same size.");
	for (size_t i = 0; i < json_len(values); i++) {
		double value, count = 1;
		struct set s;

		if (read_number(json_at(values, i), "MetricData.member.1.Values", &value, err) ||
			(counts && read_number(json_at(counts, i), "MetricData.member.1.Counts",
					   &count, err)))
			return -1;
		s = (struct set){count, value * count, value, value};
		if (add_set_tx(cloud, metric, time_ms, unit, &s, err))
			return -1;
	}
	return 0;
}

static int put_statistics_tx(struct local_cloud *cloud, int64_t metric, int64_t time_ms,
	const struct json *datum, struct err *err)
{
	const struct json *stats = json_get(datum, "StatisticValues");
	struct set s;

	if (read_number(json_get(stats, "SampleCount"), "SampleCount", &s.count, err) ||
		read_number(json_get(stats, "Sum"), "Sum", &s.sum, err) ||
		read_number(json_get(stats, "Minimum"), "Minimum", &s.least, err) ||
		read_number(json_get(stats, "Maximum"), "Maximum", &s.most, err))
		return -1;
	if (s.count <= 0 || s.least > s.most)
		return cw_bad_value(err,
			"The value of parameter MetricData.member.1.StatisticValues "
			"is invalid.");
	return add_set_tx(cloud, metric, time_ms, json_get_str(datum, "Unit"), &s, err);
}

static int check_datum(const struct json *datum, int64_t now_ms, int64_t *time_ms, struct err *err)
{
	const char *name = json_get_str(datum, "MetricName"), *unit = json_get_str(datum, "Unit");
	int64_t resolution = json_get_i64(datum, "StorageResolution", 60);
	int kinds = (json_get(datum, "Value") != NULL) + (json_get(datum, "Values") != NULL) +
		    (json_get(datum, "StatisticValues") != NULL);

	*time_ms = now_ms;
	if (!name || !*name)
		return cw_missing(err, "MetricData.member.1.MetricName");
	if (strlen(name) > 255)
		return cw_bad_value(err, "The parameter MetricData.member.1.MetricName must be "
					 "shorter than 256 characters.");
	if (unit && !cw_unit_ok(unit))
		return cw_bad_value(err,
			"The parameter MetricData.member.1.Unit must be a value in "
			"the set of units.");
	if (resolution != 1 && resolution != 60)
		return cw_bad_value(
			err, "The value of parameter StorageResolution must be 1 or 60.");
	if (kinds == 0)
		return cw_missing(err, "MetricData.member.1.Value");
	if (kinds > 1)
		return cw_bad_mix(err, "The parameters MetricData.member.1.Value, Values and "
				       "StatisticValues are mutually exclusive and you have "
				       "specified more than one.");
	if (cw_time(datum, "Timestamp", time_ms, err))
		return -1;
	if (*time_ms > now_ms + 2 * HOUR_MS || *time_ms < now_ms - 14 * DAY_MS)
		return cw_bad_value(err,
			"The parameter MetricData.member.1.Timestamp must specify a "
			"time within the past two weeks and the next two hours.");
	return 0;
}

static int put_datum_tx(struct local_cloud *cloud, struct local_call *c, const char *namespace,
	const struct json *datum, struct err *err)
{
	char *dimensions = NULL;
	int64_t time_ms, metric;
	double value;
	int ret = -1;

	if (check_datum(datum, c->now_ms, &time_ms, err) ||
		cw_dimensions(json_get(datum, "Dimensions"), &dimensions, err) ||
		metric_id_tx(cloud, c->req->region, namespace, json_get_str(datum, "MetricName"),
			dimensions, &metric, err))
		goto out;
	if (json_get(datum, "Values")) {
		ret = put_values_tx(cloud, metric, time_ms, datum, err);
	} else if (json_get(datum, "StatisticValues")) {
		ret = put_statistics_tx(cloud, metric, time_ms, datum, err);
	} else if (read_number(json_get(datum, "Value"), "MetricData.member.1.Value", &value,
			   err) == 0) {
		struct set s = {1, value, value, value};

		ret = add_set_tx(cloud, metric, time_ms, json_get_str(datum, "Unit"), &s, err);
	}
out:
	free(dimensions);
	return ret;
}

static int put_metric_data_tx(struct local_cloud *cloud, struct local_call *c, struct err *err)
{
	const char *namespace = json_get_str(c->in, "Namespace");
	const struct json *data = json_get(c->in, "MetricData"), *datum;

	if (!namespace || !*namespace)
		return cw_missing(err, "Namespace");
	if (starts_with(namespace, "AWS/") || *namespace == ':' || strlen(namespace) > 255)
		return cw_bad_value(
			err, "The value %.80s for parameter Namespace is invalid.", namespace);
	if (json_get(c->in, "EntityMetricData"))
		return cw_bad_value(err, "EntityMetricData is not supported by the local cloud.");
	if (!json_len(data))
		return cw_missing(err, "MetricData");
	if (json_len(data) > METRICS_MAX)
		return cw_bad_value(
			err, "The collection MetricData must not have a size greater than 1000.");
	json_each(datum, data)
	{
		if (put_datum_tx(cloud, c, namespace, datum, err))
			return -1;
	}
	c->wake = local_metric_arrived;
	return 0;
}
LOCAL_HANDLER(put_metric_data, put_metric_data_tx)

/* --- adding up --- */

void cw_bucket_release(struct cw_bucket *b)
{
	free(b->values);
	*b = (struct cw_bucket){0};
}

static void bucket_add(struct cw_bucket *b, const struct set *s, bool values)
{
	if (!b->any || s->least < b->least)
		b->least = s->least;
	if (!b->any || s->most > b->most)
		b->most = s->most;
	b->any = true;
	b->count += s->count;
	b->sum += s->sum;
	if (!values)
		return;
	ALLOC_GROW(b->values, b->nr, b->alloc);
	b->values[b->nr++] = (struct cw_weighed){s->sum / s->count, s->count};
}

int cw_read_tx(struct local_cloud *cloud, const struct cw_query *q, struct cw_bucket *buckets,
	struct err *err)
{
	int64_t to_ms = q->from_ms + q->period_ms * (int64_t)q->nr;
	struct sql_stmt *st;
	int row;

	for (size_t i = 0; i < q->nr; i++)
		buckets[i].start_ms = q->from_ms + q->period_ms * (int64_t)i;
	st = sql_query(cloud->db, err,
		"SELECT p.time_ms, p.count, p.sum, p.least, p.most FROM cw_metric m JOIN cw_point "
		"p "
		"ON p.metric_id = m.id WHERE m.region = ?1 AND m.namespace = ?2 AND m.name = ?3 "
		"AND "
		"m.dimensions = ?4 AND p.time_ms >= ?5 AND p.time_ms < ?6 AND (?7 IS NULL OR "
		"p.unit "
		"= ?7)",
		"ssssiis", q->region, q->namespace, q->name, q->dimensions, q->from_ms, to_ms,
		q->unit);
	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0) {
		struct set s = {
			sql_double(st, 1), sql_double(st, 2), sql_double(st, 3), sql_double(st, 4)};

		bucket_add(&buckets[(sql_int(st, 0) - q->from_ms) / q->period_ms], &s, q->values);
	}
	sql_done(st);
	return row;
}

bool cw_statistic_ok(const char *statistic, bool percentiles)
{
	static const char *const names[] = {"Average", "Maximum", "Minimum", "SampleCount", "Sum"};
	char *end;
	double p;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(statistic, names[i]))
			return true;
	if (!percentiles || *statistic != 'p' || statistic[1] < '0' || statistic[1] > '9')
		return false;
	p = strtod(statistic + 1, &end);
	return !*end && p >= 0 && p <= 100;
}

static int by_value(const void *a, const void *b)
{
	const struct cw_weighed *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

/* The least value that `p` percent of the samples do not exceed. */
static double percentile(struct cw_bucket *b, double p)
{
	double want = p / 100 * b->count, seen = 0;

	if (b->nr)
		qsort(b->values, b->nr, sizeof(*b->values), by_value);
	for (size_t i = 0; i < b->nr; i++) {
		seen += b->values[i].weight;
		if (seen >= want)
			return b->values[i].value;
	}
	return b->most;
}

double cw_bucket_value(struct cw_bucket *b, const char *statistic)
{
	switch (*statistic) {
	case 'A':
		return b->sum / b->count;
	case 'M':
		return statistic[1] == 'a' ? b->most : b->least;
	case 'S':
		return statistic[1] == 'u' ? b->sum : b->count;
	default:
		return percentile(b, strtod(statistic + 1, NULL));
	}
}

static const struct local_route routes[] = {
	{"PutMetricData", put_metric_data, NULL},
};
const struct local_service local_metrics_service = {"monitoring", routes, ARRAY_SIZE(routes)};

/* What is older than CloudWatch keeps it. */
static int recover(struct local_cloud *cloud, struct err *err)
{
	int64_t now_ms = local_now_ms(cloud);
	int ret;

	if (local_tx_begin(cloud, err))
		return -1;
	ret = sql_run(cloud->db, NULL, err, "DELETE FROM cw_point WHERE time_ms < ?", "i",
		now_ms - 455 * DAY_MS);
	if (!ret)
		ret = sql_run(cloud->db, NULL, err, "DELETE FROM cw_history WHERE time_ms < ?", "i",
			now_ms - 30 * DAY_MS);
	ret = local_tx_finish(cloud, ret, err);
	return ret;
}

/* --- the thread that judges --- */

struct alarms_state {
	pthread_t thread;
	bool running;
	atomic_bool arrived;
	struct json *left; /* actions that the last server did not get to */
};

static void *state_new(void)
{
	return xcalloc(1, sizeof(struct alarms_state));
}

static void state_free(void *payload)
{
	struct alarms_state *s = payload;

	if (s)
		json_free(s->left);
	free(s);
}

static void *watch(void *payload)
{
	struct local_cloud *cloud = payload;
	struct alarms_state *s = local_part_state(cloud, &local_alarms_part);
	int64_t until_ms = 0;

	cw_do_actions(cloud, s->left);
	while (!local_stopping(cloud)) {
		unsigned long wakes = local_wakes(cloud);
		bool arrived = atomic_exchange(&s->arrived, false);

		if (arrived || local_now_ms(cloud) >= until_ms) {
			cw_judge_all(cloud);
			until_ms = cw_next_judgement(cloud);
			continue;
		}
		if (!local_wait_since(cloud, until_ms, wakes))
			break;
	}
	return NULL;
}

static int start(struct local_cloud *cloud, struct err *err)
{
	struct alarms_state *s = local_part_state(cloud, &local_alarms_part);
	int rc;

	if (cw_actions_left(cloud, &s->left, err))
		return -1;
	rc = pthread_create(&s->thread, NULL, watch, cloud);
	if (rc)
		return err_set(err, ERR_IO, "alarms: cannot start a thread: %s", strerror(rc));
	s->running = true;
	return 0;
}

static void stop(struct local_cloud *cloud)
{
	struct alarms_state *s = local_part_state(cloud, &local_alarms_part);

	if (s->running)
		pthread_join(s->thread, NULL);
	s->running = false;
}

void local_metric_arrived(struct local_cloud *cloud)
{
	struct alarms_state *s = local_part_state(cloud, &local_alarms_part);

	atomic_store(&s->arrived, true);
	local_wake_all(cloud);
}

const struct local_part local_alarms_part = {.name = "alarms",
	.schema = schema,
	.recover = recover,
	.start = start,
	.stop = stop,
	.state_new = state_new,
	.state_free = state_free};
