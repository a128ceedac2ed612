#ifndef LOCAL_ALARMS_H
#define LOCAL_ALARMS_H

/*
 * Amazon CloudWatch inside the local cloud: metrics' data points and metric alarms (Amazon CloudWatch API Reference).
 * A data point is kept as a set of values at one second: count, sum, least and most. Alarms are judged on the cloud's
 * clock, once a minute and whenever a value comes in; what a change of state starts is done after its commit.
 *
 * Functions that end in _tx want to be called inside a transaction, all others outside of one.
 */
#include "local_cloud.h"
#include "strvec.h"

extern const struct local_part local_alarms_part;
extern const struct local_service local_alarms_service, local_metrics_service,
	local_metrics_read_service;

/*
 * One value of a metric at the cloud's time, in its own region: what a service of AWS says of itself ("AWS/States").
 * `dimensions` is [{"Name","Value"}] or NULL; `unit` NULL is None.
 */
int local_metric_put(struct local_cloud *cloud, const char *namespace, const char *name,
	const struct json *dimensions, double value, const char *unit, struct err *err) must_check;
/* The same inside a transaction; after its commit local_metric_arrived() has the alarms judged. */
int local_metric_put_tx(struct local_cloud *cloud, const char *namespace, const char *name,
	const struct json *dimensions, double value, const char *unit, struct err *err) must_check;
void local_metric_arrived(struct local_cloud *cloud);

/* What clients of the old query protocol know a fault by, for the header "x-amzn-query-error". */
const char *local_alarms_query_code(const char *code);

/* --- the rest is for local_alarms*.c and local_metrics*.c --- */
#define cw_invalid(err, ...) local_fault(err, 400, "ValidationException", __VA_ARGS__)
#define cw_bad_value(err, ...) local_fault(err, 400, "InvalidParameterValueException", __VA_ARGS__)
#define cw_bad_mix(err, ...) \
	local_fault(err, 400, "InvalidParameterCombinationException", __VA_ARGS__)
#define cw_missing(err, member)                                    \
	local_fault(err, 400, "MissingRequiredParameterException", \
		"The parameter %s is required and missing.", member)

#define CW_DIMENSIONS_MAX 30

/* Dimensions as one text, sorted by name; malloc'd. A fault where they are no list of names and values. */
int cw_dimensions(const struct json *list, char **text, struct err *err) must_check;
bool cw_unit_ok(const char *unit);
/* A member of a time: seconds or ISO 8601 text; 0 and *ms untouched where it is missing. */
int cw_time(const struct json *in, const char *member, int64_t *ms, struct err *err) must_check;
/* Is it one of a statistic's names, or (where allowed) a percentile "p99.9"? */
bool cw_statistic_ok(const char *statistic, bool percentiles);

/* The values of one period. */
struct cw_bucket {
	int64_t start_ms;
	bool any;
	double count, sum, least, most;
	struct cw_weighed {
		double value, weight;
	} * values; /* for percentiles */
	size_t nr, alloc;
};
void cw_bucket_release(struct cw_bucket *b);
/* By its name; the bucket has any. */
double cw_bucket_value(struct cw_bucket *b, const char *statistic);

struct cw_query {
	const char *region, *namespace, *name, *unit; /* unit NULL: any */
	const char *dimensions;                       /* cw_dimensions' text */
	int64_t from_ms, period_ms;                   /* `nr` periods from here */
	size_t nr;
	bool values; /* keep them, for percentiles */
};
/* Fills `nr` buckets, which the caller has zeroed and releases. */
int cw_read_tx(struct local_cloud *cloud, const struct cw_query *q, struct cw_bucket *buckets,
	struct err *err) must_check;
/* An expression over `nr` periods; `depth` guards against those that name themselves. */
struct cw_math {
	const char *region;
	const struct json *list;
	int64_t from_ms, period_ms;
	size_t nr;
	int depth;
};
/*
 * One query of MetricDataQueries or of an alarm's Metrics: by `id` of the list, NaN where there is no value. An expression
 * is carried out (local_metrics_math.c); what it names is looked up in the list.
 */
int cw_series_of_tx(struct local_cloud *cloud, const struct cw_math *m, const char *id,
	double *values, struct err *err) must_check;
int cw_math_tx(struct local_cloud *cloud, const struct cw_math *m, const char *expression,
	double *values, struct err *err) must_check;
/* Checks such a list and gives the greatest period in it, in ms. */
int cw_check_queries(
	const struct json *list, bool alarm, int64_t *period_ms, struct err *err) must_check;

/* local_alarms_eval.c: judges all alarms. Runs on the part's own thread. */
void cw_judge_all(struct local_cloud *cloud);
/* When the next judgement is due; INT64_MAX: there are no alarms. */
int64_t cw_next_judgement(struct local_cloud *cloud);
/*
 * A new state of an alarm: row and history. What it starts is pushed to `todo` as {action: …}, and stands in a table until
 * it is done.
 */
int cw_set_state_tx(struct local_cloud *cloud, const char *region, const char *name,
	const char *state, const char *reason, const char *reason_data, struct json *todo,
	struct err *err) must_check;
/* Publishes and the like, and writes the history of it. */
void cw_do_actions(struct local_cloud *cloud, const struct json *todo);
/* Those that stand in the table, for a server that starts; the caller's. */
int cw_actions_left(struct local_cloud *cloud, struct json **todo, struct err *err) must_check;
int cw_history_tx(struct local_cloud *cloud, const char *region, const char *name, const char *type,
	const char *summary, const struct json *data, struct err *err) must_check;

#endif
