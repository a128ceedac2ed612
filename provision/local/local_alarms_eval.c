/*
 * Judging alarms: "Configuring how CloudWatch alarms treat missing data" and "Evaluating an alarm" of the Amazon CloudWatch
 * User Guide. The last periods are looked at: as many as EvaluationPeriods says and two more, from which values are taken
 * when newer ones are missing. The period that is under way counts once it has a value.
 */
#include "local_alarms.h"

#include <math.h>
#include <stdlib.h>
#include "clock.h"
#include "local_glue.h"
#include "local_iam.h"
#include "log.h"
#include "xalloc.h"

#define MINUTE_MS INT64_C(60000)
#define MORE_PERIODS 2
#define SHOWN_MAX 10

/* --- states --- */

int cw_history_tx(struct local_cloud *cloud, const char *region, const char *name, const char *type,
	const char *summary, const struct json *data, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret;

	json_print(data, &text);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO cw_history (region, name, time_ms, type, summary, data) VALUES (?, ?, "
		"?, "
		"?, ?, ?)",
		"ssisss", region, name, local_now_ms(cloud), type, summary, text.buf);
	strbuf_release(&text);
	return ret;
}

/* One alarm as a row. */
struct alarm {
	char *region, *name, *state, *reason;
	struct json *definition;
	int64_t configured_ms;
};

static void alarm_release(struct alarm *a)
{
	free(a->region);
	free(a->name);
	free(a->state);
	free(a->reason);
	json_free(a->definition);
	*a = (struct alarm){0};
}

static void read_row(struct sql_stmt *st, struct alarm *a)
{
	*a = (struct alarm){xstrdup(sql_text(st, 0)), xstrdup(sql_text(st, 1)),
		xstrdup(sql_text(st, 2)), xstrdup(sql_text(st, 3)), glue_doc(sql_text(st, 4)),
		sql_int(st, 5)};
}

#define ALARM_SELECT "SELECT region, name, state, reason, definition, configured_ms FROM cw_alarm "

static void set_iso(struct json *doc, const char *member, int64_t ms)
{
	struct strbuf text = STRBUF_INIT;

	clock_add_iso(&text, ms, true);
	/* as CloudWatch writes it: 2026-11-21T19:00:00.000+0000 */
	if (text.len && text.buf[text.len - 1] == 'Z') {
		strbuf_setlen(&text, text.len - 1);
		strbuf_addstr(&text, "+0000");
	}
	json_set_str(doc, member, text.buf);
	strbuf_release(&text);
}

/* What a notification says of what the alarm watches. */
static struct json *trigger_of(const struct json *definition)
{
	static const char *const same[] = {"MetricName", "Namespace", "Unit", "Period",
		"EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold",
		"TreatMissingData", "EvaluateLowSampleCountPercentile", "Metrics"};
	const char *statistic = json_get_str(definition, "Statistic");
	struct json *trigger = json_object(), *dimensions = json_array();
	const struct json *d;

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (json_get(definition, same[i]))
			json_set(trigger, same[i], json_copy(json_get(definition, same[i])));
	if (statistic) {
		char *upper = xstrdup(statistic);

		for (char *p = upper; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		json_set_str(trigger, "StatisticType", "Statistic");
		json_set_str(trigger, "Statistic", upper);
		free(upper);
	} else if (json_get(definition, "ExtendedStatistic")) {
		json_set_str(trigger, "StatisticType", "ExtendedStatistic");
		json_set_str(trigger, "ExtendedStatistic",
			json_get_str(definition, "ExtendedStatistic"));
	}
	json_each(d, json_get(definition, "Dimensions"))
	{
		struct json *one = json_object();

		json_set_str(one, "value", json_get_str(d, "Value"));
		json_set_str(one, "name", json_get_str(d, "Name"));
		json_push(dimensions, one);
	}
	json_set(trigger, "Dimensions", dimensions);
	return trigger;
}

/* The message of a notification, without its place among the actions. */
static struct json *message_of(
	struct local_cloud *cloud, const struct alarm *a, const char *state, const char *reason)
{
	static const char *const lists[] = {"OKActions", "AlarmActions", "InsufficientDataActions"};
	struct json *m = json_object();
	const char *description = json_get_str(a->definition, "AlarmDescription");
	char *arn = local_arn(cloud, "cloudwatch", a->region, "alarm:%s", a->name);

	json_set_str(m, "AlarmName", a->name);
	json_set(m, "AlarmDescription", description ? json_string(description) : json_null());
	json_set_str(m, "AWSAccountId", cloud->account);
	set_iso(m, "AlarmConfigurationUpdatedTimestamp", a->configured_ms);
	json_set_str(m, "NewStateValue", state);
	json_set_str(m, "NewStateReason", reason);
	set_iso(m, "StateChangeTime", local_now_ms(cloud));
	json_set_str(m, "Region", a->region);
	json_set_str(m, "AlarmArn", arn);
	json_set_str(m, "OldStateValue", a->state);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_set(m, lists[i], json_copy(json_get(a->definition, lists[i])));
	json_set(m, "Trigger", trigger_of(a->definition));
	free(arn);
	return m;
}

static int plan_actions_tx(struct local_cloud *cloud, const struct alarm *a, const char *state,
	const char *reason, struct json *todo, struct err *err)
{
	const char *member = !strcmp(state, "OK")      ? "OKActions"
			     : !strcmp(state, "ALARM") ? "AlarmActions"
						       : "InsufficientDataActions";
	const struct json *action;
	int ret = 0;

	if (!json_get_truth(a->definition, "ActionsEnabled", true))
		return 0;
	json_each(action, json_get(a->definition, member))
	{
		struct json *one = json_object();
		struct strbuf text = STRBUF_INIT;

		if (ret) {
			json_free(one);
			break;
		}
		json_set_str(one, "action", json_str(action));
		json_set_str(one, "name", a->name);
		json_set_str(one, "region", a->region);
		json_set(one, "message", message_of(cloud, a, state, reason));
		json_print(one, &text);
		ret = sql_run(cloud->db, NULL, err, "INSERT INTO cw_action (doc) VALUES (?)", "s",
			text.buf);
		if (!ret)
			json_set_i64(one, "id", sql_last_rowid(cloud->db));
		json_push(todo, one);
		strbuf_release(&text);
	}
	return ret;
}

/* `reason_data` is text, NULL: none. */
static int move_tx(struct local_cloud *cloud, const struct alarm *a, const char *state,
	const char *reason, const char *reason_data, struct json *todo, struct err *err)
{
	bool moved = strcmp(a->state, state) != 0;
	int64_t now_ms = local_now_ms(cloud);
	struct json *data, *old, *new;
	char *summary;
	int ret;

	if (sql_run(cloud->db, NULL, err,
		    "UPDATE cw_alarm SET state = ?3, reason = ?4, reason_data = ?5, updated_ms = "
		    "?6, "
		    "moved_ms = iif(?7, ?6, moved_ms) WHERE region = ?1 AND name = ?2",
		    "sssssii", a->region, a->name, state, reason, reason_data, now_ms,
		    (int64_t)moved))
		return -1;
	if (!moved)
		return 0;
	data = json_object();
	old = json_object();
	new = json_object();
	summary = xasprintf("Alarm updated from %s to %s", a->state, state);
	json_set_str(data, "version", "1.0");
	json_set_str(old, "stateValue", a->state);
	json_set_str(old, "stateReason", a->reason);
	json_set(data, "oldState", old);
	json_set_str(new, "stateValue", state);
	json_set_str(new, "stateReason", reason);
	json_set(data, "newState", new);
	ret = cw_history_tx(cloud, a->region, a->name, "StateUpdate", summary, data, err);
	json_free(data);
	free(summary);
	return ret ? ret : plan_actions_tx(cloud, a, state, reason, todo, err);
}

int cw_set_state_tx(struct local_cloud *cloud, const char *region, const char *name,
	const char *state, const char *reason, const char *reason_data, struct json *todo,
	struct err *err)
{
	struct sql_stmt *st = sql_query(
		cloud->db, err, ALARM_SELECT "WHERE region = ? AND name = ?", "ss", region, name);
	struct alarm a = {0};
	int row = st ? sql_step(st, err) : -1;

	if (row > 0)
		read_row(st, &a);
	sql_done(st);
	if (row > 0)
		row = move_tx(cloud, &a, state, reason, reason_data, todo, err) ? -1 : 0;
	alarm_release(&a);
	return row;
}

/* --- actions --- */

/* The local cloud knows topics; machines that stop or scale are not here. */
static int act(struct local_cloud *cloud, const struct json *one, struct err *err)
{
	const char *arn = json_get_str(one, "action");
	const struct json *message = json_get(one, "message");
	struct local_principal root = {.account = xstrdup(cloud->account),
		.arn = xasprintf("arn:aws:iam::%s:root", cloud->account)};
	struct json *in, *out = NULL;
	struct strbuf text = STRBUF_INIT;
	char *subject;
	int ret;

	if (!starts_with(arn, "arn:aws:sns:")) {
		local_principal_release(&root);
		return err_set(err, ERR_INVALID, "the local cloud does not do this action");
	}
	in = json_object();
	subject = xasprintf("%s: \"%.60s\" in %s", json_get_str(message, "NewStateValue"),
		json_get_str(one, "name"), json_get_str(one, "region"));
	json_print(message, &text);
	json_set_str(in, "TopicArn", arn);
	json_set_str(in, "Subject", subject);
	json_set_str(in, "Message", text.buf);
	ret = local_invoke(cloud, &root, "sns", "Publish", in, &out, err);
	json_free(in);
	json_free(out);
	strbuf_release(&text);
	free(subject);
	local_principal_release(&root);
	return ret;
}

static void note_action(struct local_cloud *cloud, const struct json *one, const struct err *why)
{
	struct json *data = json_object();
	struct err err = ERR_INIT;
	char *summary = xasprintf("%s action %s",
		why ? "Failed to execute" : "Successfully executed", json_get_str(one, "action"));

	json_set_str(data, "actionState", why ? "Failed" : "Succeeded");
	json_set_str(data, "notificationResource", json_get_str(one, "action"));
	json_set_str(data, "error", why ? why->text : NULL);
	if (local_tx_begin(cloud, &err) == 0) {
		if (cw_history_tx(cloud, json_get_str(one, "region"), json_get_str(one, "name"),
			    "Action", summary, data, &err) == 0 &&
			sql_run(cloud->db, NULL, &err, "DELETE FROM cw_action WHERE id = ?", "i",
				json_get_i64(one, "id", 0)) == 0)
			(void)!local_tx_commit(cloud, &err);
		local_tx_end(cloud);
	}
	err_release(&err);
	json_free(data);
	free(summary);
}

void cw_do_actions(struct local_cloud *cloud, const struct json *todo)
{
	const struct json *one;

	json_each(one, todo)
	{
		struct err why = ERR_INIT;
		int ret = act(cloud, one, &why);

		note_action(cloud, one, ret ? &why : NULL);
		err_release(&why);
	}
}

int cw_actions_left(struct local_cloud *cloud, struct json **todo, struct err *err)
{
	struct sql_stmt *st;
	int row = -1;

	*todo = json_array();
	if (local_tx_begin(cloud, err))
		return -1;
	st = sql_query(cloud->db, err, "SELECT id, doc FROM cw_action ORDER BY id", "");
	while (st && (row = sql_step(st, err)) > 0) {
		struct json *one = glue_doc(sql_text(st, 1));

		json_set_i64(one, "id", sql_int(st, 0));
		json_push(*todo, one);
	}
	sql_done(st);
	local_tx_end(cloud);
	return row;
}

/* --- judging --- */

struct judged {
	const struct alarm *a;
	int64_t period_ms, from_ms;
	size_t nr;      /* of the values that were read */
	double *values; /* NaN: missing */
	bool *counted;  /* those that the judgement stands on */
	size_t last;    /* one behind the last period that counts */
};

static bool breaches(const struct json *definition, double value)
{
	const char *compare = json_get_str(definition, "ComparisonOperator");
	double threshold = json_dbl(json_get(definition, "Threshold"), 0);

	if (!strcmp(compare, "GreaterThanOrEqualToThreshold"))
		return value >= threshold;
	if (!strcmp(compare, "GreaterThanThreshold"))
		return value > threshold;
	if (!strcmp(compare, "LessThanThreshold"))
		return value < threshold;
	return value <= threshold;
}

static const char *returned_id(const struct json *metrics)
{
	const struct json *q;

	json_each(q, metrics) if (json_get_truth(q, "ReturnData", true)) return json_get_str(
		q, "Id");
	return "";
}

static int read_values_tx(struct local_cloud *cloud, struct judged *j, struct err *err)
{
	const struct json *d = j->a->definition, *metrics = json_get(d, "Metrics");
	const char *statistic = json_get_str(d, "Statistic");
	struct cw_bucket *buckets;
	char *dimensions = NULL;
	int ret;

	if (metrics) {
		struct cw_math m = {j->a->region, metrics, j->from_ms, j->period_ms, j->nr, 0};

		return cw_series_of_tx(cloud, &m, returned_id(metrics), j->values, err);
	}
	if (!statistic)
		statistic = json_get_str(d, "ExtendedStatistic");
	if (cw_dimensions(json_get(d, "Dimensions"), &dimensions, err))
		return -1;
	buckets = xcalloc(j->nr, sizeof(*buckets));
	struct cw_query q = {j->a->region, json_get_str(d, "Namespace"),
		json_get_str(d, "MetricName"), json_get_str(d, "Unit"), dimensions, j->from_ms,
		j->period_ms, j->nr, *statistic == 'p'};
	ret = cw_read_tx(cloud, &q, buckets, err);
	for (size_t i = 0; i < j->nr; i++) {
		j->values[i] =
			!ret && buckets[i].any ? cw_bucket_value(&buckets[i], statistic) : NAN;
		cw_bucket_release(&buckets[i]);
	}
	free(buckets);
	free(dimensions);
	return ret;
}

/*
 * The table of the user guide. The newest `n` values decide; where there are fewer, the rest is as the alarm says:
 * breaching or not, or left out ("missing"), or left out unless that alone would raise the alarm ("ignore").
 */
static const char *judge(struct judged *j, size_t n, size_t needed, size_t *bad)
{
	const char *treat = json_get_str(j->a->definition, "TreatMissingData");
	size_t have = 0, filled;

	*bad = 0;
	treat = treat ? treat : "missing";
	for (size_t i = j->last; i-- > 0 && have < n;) {
		if (isnan(j->values[i]))
			continue;
		j->counted[i] = true;
		have++;
		*bad += breaches(j->a->definition, j->values[i]);
	}
	filled = n - have;
	if (!strcmp(treat, "breaching"))
		*bad += filled;
	if (*bad >= needed)
		return "ALARM";
	if (!strcmp(treat, "breaching") || !strcmp(treat, "notBreaching"))
		return "OK";
	if (!have)
		return !strcmp(treat, "ignore") ? j->a->state : "INSUFFICIENT_DATA";
	if (*bad == have && filled)
		return !strcmp(treat, "ignore") ? j->a->state : "ALARM";
	return "OK";
}

static void add_number(struct strbuf *text, double d)
{
	strbuf_addf(text, d == floor(d) && fabs(d) < 1e15 ? "%.1f" : "%.15g", d);
}

static const char *comparison(const struct json *definition, bool bad)
{
	const char *compare = json_get_str(definition, "ComparisonOperator");
	bool greater = starts_with(compare, "Greater"), equal = strstr(compare, "OrEqual");

	if (bad)
		return greater ? equal ? "greater than or equal to" : "greater than"
		       : equal ? "less than or equal to"
			       : "less than";
	return greater ? equal ? "not greater than or equal to" : "not greater than"
	       : equal ? "not less than or equal to"
		       : "not less than";
}

static void add_values(const struct judged *j, struct strbuf *text, size_t *nr)
{
	for (size_t i = j->last; i-- > 0;) {
		struct utc u;

		if (!j->counted[i] || ++*nr > SHOWN_MAX)
			continue;
		utc_from_ms(j->from_ms + j->period_ms * (int64_t)i, &u);
		strbuf_addstr(text, *nr > 1 ? ", " : "");
		add_number(text, j->values[i]);
		strbuf_addf(text, " (%02d/%02d/%02d %02d:%02d:00)", u.day, u.month, u.year % 100,
			u.hour, u.minute);
	}
}

/* "Threshold Crossed: 1 out of the last 1 datapoints [5.0 (21/11/26 19:02:00)] was greater than the threshold (1.0) …" */
static void explain(const struct judged *j, const char *state, size_t n, size_t needed, size_t bad,
	struct strbuf *text)
{
	const struct json *d = j->a->definition;
	bool alarm = !strcmp(state, "ALARM");
	struct strbuf values = STRBUF_INIT;
	size_t nr = 0, told = alarm ? bad : n - (bad < n ? bad : n);

	add_values(j, &values, &nr);
	if (!strcmp(state, "INSUFFICIENT_DATA")) {
		strbuf_addf(text, "Insufficient Data: %zu datapoint%s %s unknown.", n,
			n == 1 ? "" : "s", n == 1 ? "was" : "were");
	} else if (!nr) {
		strbuf_addf(text,
			"Threshold Crossed: no datapoints were received for %zu period%s and %zu "
			"missing datapoint%s %s treated as [%s].",
			n, n == 1 ? "" : "s", n, n == 1 ? "" : "s", n == 1 ? "was" : "were",
			alarm ? "Breaching" : "NonBreaching");
	} else {
		strbuf_addf(text,
			"Threshold Crossed: %zu out of the last %zu datapoints [%s] %s %s the "
			"threshold (",
			told, n, values.buf, told == 1 ? "was" : "were", comparison(d, alarm));
		add_number(text, json_dbl(json_get(d, "Threshold"), 0));
		strbuf_addf(text, ") (minimum %zu datapoint%s for %s transition).",
			alarm ? needed : n - needed + 1,
			(alarm ? needed : n - needed + 1) == 1 ? "" : "s",
			alarm ? "OK -> ALARM" : "ALARM -> OK");
	}
	strbuf_release(&values);
}

static char *reason_data(struct local_cloud *cloud, const struct judged *j)
{
	const struct json *d = j->a->definition;
	struct json *doc = json_object(), *recent = json_array();
	struct strbuf text = STRBUF_INIT;

	json_set_str(doc, "version", "1.0");
	set_iso(doc, "queryDate", local_now_ms(cloud));
	if (json_get(d, "Statistic"))
		json_set_str(doc, "statistic", json_get_str(d, "Statistic"));
	json_set_i64(doc, "period", j->period_ms / 1000);
	for (size_t i = 0; i < j->last; i++)
		if (j->counted[i])
			json_push(recent, json_double(j->values[i]));
	json_set(doc, "recentDatapoints", recent);
	json_set(doc, "threshold", json_copy(json_get(d, "Threshold")));
	json_print(doc, &text);
	json_free(doc);
	return strbuf_detach(&text, NULL);
}

static int64_t period_of(const struct json *definition)
{
	int64_t period_ms = json_get_i64(definition, "Period", 60) * 1000;
	struct err ignored = ERR_INIT;

	if (json_get(definition, "Metrics") &&
		cw_check_queries(json_get(definition, "Metrics"), false, &period_ms, &ignored))
		period_ms = MINUTE_MS;
	err_release(&ignored);
	return period_ms;
}

static int judge_tx(
	struct local_cloud *cloud, const struct alarm *a, struct json *todo, struct err *err)
{
	size_t n = (size_t)json_get_i64(a->definition, "EvaluationPeriods", 1), bad,
	       needed = (size_t)json_get_i64(a->definition, "DatapointsToAlarm", (int64_t)n);
	struct judged j = {.a = a, .period_ms = period_of(a->definition)};
	int64_t under_way = local_now_ms(cloud) / j.period_ms * j.period_ms;
	struct strbuf reason = STRBUF_INIT;
	struct err why = ERR_INIT;
	const char *state;
	char *data = NULL;
	int ret = 0;

	/* the local cloud has no models of what is usual: such an alarm stays as it is */
	if (json_get(a->definition, "ThresholdMetricId"))
		return 0;
	j.nr = n + MORE_PERIODS + 1;
	j.from_ms = under_way - j.period_ms * (int64_t)(j.nr - 1);
	j.values = xcalloc(j.nr, sizeof(*j.values));
	j.counted = xcalloc(j.nr, sizeof(*j.counted));
	if (read_values_tx(cloud, &j, &why)) {
		/* an expression that cannot be carried out is no fault of the cloud's */
		if (why.aws_code && strcmp(a->state, "INSUFFICIENT_DATA") != 0)
			ret = move_tx(cloud, a, "INSUFFICIENT_DATA", why.text, NULL, todo, err);
		else if (!why.aws_code)
			ret = -1;
		if (ret && !why.aws_code)
			err_move(err, &why);
		goto out;
	}
	/* the period under way, or else an oldest one, is one too many */
	j.last = isnan(j.values[j.nr - 1]) ? j.nr - 1 : j.nr;
	if (j.last == j.nr)
		j.values[0] = NAN;
	state = judge(&j, n, needed, &bad);
	if (strcmp(state, a->state) != 0) {
		explain(&j, state, n, needed, bad, &reason);
		data = reason_data(cloud, &j);
		ret = move_tx(cloud, a, state, reason.buf, data, todo, err);
	}
out:
	err_release(&why);
	strbuf_release(&reason);
	free(data);
	free(j.values);
	free(j.counted);
	return ret;
}

struct alarms {
	struct alarm *v;
	size_t nr, alloc;
};

static int read_alarms_tx(struct local_cloud *cloud, struct alarms *all, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err, ALARM_SELECT "ORDER BY region, name", "");
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		ALLOC_GROW(all->v, all->nr, all->alloc);
		read_row(st, &all->v[all->nr++]);
	}
	sql_done(st);
	return row;
}

void cw_judge_all(struct local_cloud *cloud)
{
	struct alarms all = {0};
	struct json *todo = json_array();
	struct err err = ERR_INIT;
	int ret = local_tx_begin(cloud, &err);

	if (!ret) {
		ret = read_alarms_tx(cloud, &all, &err);
		for (size_t i = 0; !ret && i < all.nr; i++)
			ret = judge_tx(cloud, &all.v[i], todo, &err);
		if (!ret)
			ret = local_tx_commit(cloud, &err);
		local_tx_end(cloud);
	}
	if (!ret)
		cw_do_actions(cloud, todo);
	else
		log_warn("alarms: %s", err.text);
	for (size_t i = 0; i < all.nr; i++)
		alarm_release(&all.v[i]);
	free(all.v);
	json_free(todo);
	err_release(&err);
}

int64_t cw_next_judgement(struct local_cloud *cloud)
{
	int64_t now_ms = local_now_ms(cloud), every = MINUTE_MS;
	struct err err = ERR_INIT;
	struct sql_stmt *st;
	bool any = false;

	if (local_tx_begin(cloud, &err) == 0) {
		st = sql_query(cloud->db, &err,
			"SELECT count(*), min(ifnull(json_extract(definition, '$.Period'), 60)) "
			"FROM "
			"cw_alarm",
			"");
		if (st && sql_step(st, &err) > 0 && sql_int(st, 0)) {
			any = true;
			if (sql_int(st, 1) < 60)
				every = 10 * 1000;
		}
		sql_done(st);
		local_tx_end(cloud);
	}
	err_release(&err);
	return any ? (now_ms / every + 1) * every : INT64_MAX;
}
