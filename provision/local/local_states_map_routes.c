/* DescribeMapRun, ListMapRuns, UpdateMapRun (AWS Step Functions API Reference). */
#include "local_states_live.h"
#include "local_states_map_work.h"
#include "local_states_rows.h"
#include "xalloc.h"

static int check_arn(const struct json *in, struct err *err)
{
	struct states_arn a;
	int rc = states_check_string(in, "mapRunArn", true, 1, 2000, err);

	if (rc == 0) {
		rc = states_arn_parse(json_get_str(in, "mapRunArn"), "mapRun", &a, err);
		states_arn_release(&a);
	}
	return rc;
}

static int need_run_tx(
	struct local_cloud *cloud, const struct json *in, struct map_run *out, struct err *err)
{
	const char *arn = json_get_str(in, "mapRunArn");
	int row = map_run_by_arn_tx(cloud, arn, out, err);

	return row ? (row > 0 ? 0 : -1)
		   : local_fault(err, 400, "ResourceNotFound", "Resource not found: '%s'", arn);
}

/* --- DescribeMapRun --- */

static struct json *no_counts(void)
{
	static const char *const names[] = {"pending", "running", "succeeded", "failed", "timedOut",
		"aborted", "total", "resultsWritten", "failuresNotRedrivable", "pendingRedrive"};
	struct json *o = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_set_i64(o, names[i], 0);
	return o;
}

static void add(struct json *o, const char *name, int64_t n)
{
	json_set_i64(o, name, json_get_i64(o, name, 0) + n);
}

static void add_status(struct json *o, const char *status, int64_t n, bool written)
{
	static const char *const names[][2] = {{"PENDING", "pending"}, {"RUNNING", "running"},
		{"SUCCEEDED", "succeeded"}, {"FAILED", "failed"}, {"TIMED_OUT", "timedOut"},
		{"ABORTED", "aborted"}, {"PENDING_REDRIVE", "pendingRedrive"}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i][0], status))
			add(o, names[i][1], n);
	}
	add(o, "total", n);
	if (written && !starts_with(status, "PENDING"))
		add(o, "resultsWritten", n);
}

static int set_counts_tx(struct local_cloud *cloud, const struct map_run *r, bool written,
	struct json *out, struct err *err)
{
	struct json *items = no_counts(), *children = no_counts();
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT status, count(*), sum(items) FROM states_map_child WHERE run = ? GROUP BY "
		"status",
		"i", r->id);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		add_status(children, sql_text(st, 0), sql_int(st, 1), written);
		add_status(items, sql_text(st, 0), sql_int(st, 2), written);
	}
	sql_done(st);
	json_set(out, "itemCounts", items);
	json_set(out, "executionCounts", children);
	return row;
}

struct describe {
	const struct json *in;
	struct json *out;
};

static int describe_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct describe *d = payload;
	struct json *o = d->out;
	struct map_run r;
	struct sql_stmt *st;
	bool written = false;
	int rc = need_run_tx(cloud, d->in, &r, err);

	if (rc != 0)
		return -1;
	json_set_str(o, "mapRunArn", r.arn);
	json_set_str(o, "executionArn", r.execution_arn);
	json_set_str(o, "status", r.status);
	json_set_i64(o, "maxConcurrency", r.most);
	json_set_dbl(o, "toleratedFailurePercentage",
		r.tolerated_percentage < 0 ? 0 : r.tolerated_percentage);
	json_set_i64(o, "toleratedFailureCount", r.tolerated < 0 ? 0 : r.tolerated);
	json_set_i64(o, "redriveCount", r.redrives);
	st = sql_query(cloud->db, err,
		"SELECT started_ms, stopped_ms, redrive_ms, written FROM states_map_run WHERE id = "
		"?",
		"i", r.id);
	rc = st && sql_step(st, err) > 0 ? 0 : -1;
	if (rc == 0) {
		states_set_time(o, "startDate", sql_int(st, 0));
		states_set_time(o, "stopDate", sql_int(st, 1));
		states_set_time(o, "redriveDate", sql_int(st, 2));
		written = sql_int(st, 3) != 0;
	}
	sql_done(st);
	if (rc == 0)
		rc = set_counts_tx(cloud, &r, written, o, err);
	map_run_release(&r);
	return rc;
}

static int describe_map_run(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct describe d = {req->in, json_object()};

	if (check_arn(req->in, err) == 0 && local_tx(cloud, describe_tx, &d, err) == 0) {
		*out = d.out;
		return 0;
	}
	json_free(d.out);
	return -1;
}

/* --- ListMapRuns --- */

struct list {
	const char *execution_arn;
	int64_t limit, after;
	struct json *out;
};

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct list *l = payload;
	struct json *runs = json_array(), *o;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id FROM states_execution WHERE arn = ?", "s", l->execution_arn);
	int64_t last = 0;
	int row = st ? sql_step(st, err) : -1;

	sql_done(st);
	json_set(l->out, "mapRuns", runs);
	if (!row)
		return local_fault(err, 400, "ExecutionDoesNotExist",
			"Execution Does Not Exist: '%s'", l->execution_arn);
	st = row < 0 ? NULL
		     : sql_query(cloud->db, err,
			       "SELECT id, arn, machine_arn, started_ms, stopped_ms FROM "
			       "states_map_run "
			       "WHERE execution_arn = ? AND (? = 0 OR id < ?) ORDER BY id DESC "
			       "LIMIT ?",
			       "siii", l->execution_arn, l->after, l->after, l->limit + 1);
	row = -1;
	while (st && (row = sql_step(st, err)) > 0) {
		if ((int64_t)json_len(runs) == l->limit) {
			states_set_token(l->out, NULL, last);
			row = 0;
			break;
		}
		last = sql_int(st, 0);
		o = json_object();
		json_set_str(o, "executionArn", l->execution_arn);
		json_set_str(o, "mapRunArn", sql_text(st, 1));
		json_set_str(o, "stateMachineArn", sql_text(st, 2));
		states_set_time(o, "startDate", sql_int(st, 3));
		states_set_time(o, "stopDate", sql_int(st, 4));
		json_push(runs, o);
	}
	sql_done(st);
	return row;
}

static int list_map_runs(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct list l = {json_get_str(req->in, "executionArn"), 0, 0, NULL};
	struct states_arn a;

	if (states_check_string(req->in, "executionArn", true, 1, 256, err) != 0 ||
		states_page(req->in, NULL, &l.limit, &l.after, err) != 0 ||
		states_arn_parse(l.execution_arn, "execution", &a, err) != 0)
		return -1;
	states_arn_release(&a);
	l.out = json_object();
	if (local_tx(cloud, list_tx, &l, err) == 0) {
		*out = l.out;
		return 0;
	}
	json_free(l.out);
	return -1;
}

/* --- UpdateMapRun --- */

struct update {
	const struct json *in;
	int64_t run;
};

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct update *u = payload;
	const struct json *percent = json_get(u->in, "toleratedFailurePercentage");
	struct map_run r;
	int rc = need_run_tx(cloud, u->in, &r, err);

	if (rc != 0)
		return -1;
	u->run = r.id;
	if (strcmp(r.status, "RUNNING") != 0)
		rc = states_invalid(err, "Map Run is not running: '%s'", r.arn);
	else
		rc = sql_run(cloud->db, NULL, err,
			"UPDATE states_map_run SET most = ?, tolerated = ?, tolerated_percentage = "
			"? "
			"WHERE id = ?",
			"iidi", json_get_i64(u->in, "maxConcurrency", r.most),
			json_get_i64(u->in, "toleratedFailureCount", r.tolerated),
			percent ? json_dbl(percent, -1) : r.tolerated_percentage, r.id);
	map_run_release(&r);
	return rc;
}

static int update_map_run(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct {
		const char *name;
		double most;
	} limits[] = {{"maxConcurrency", 10000}, {"toleratedFailureCount", 1e15},
		{"toleratedFailurePercentage", 100}};
	struct update u = {.in = req->in};
	const struct json *v;
	bool any = false;

	if (check_arn(req->in, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		v = json_get(req->in, limits[i].name);
		any = any || v;
		if (v && (!json_is(v, JSON_NUMBER) || json_dbl(v, -1) < 0 ||
				 json_dbl(v, -1) > limits[i].most))
			return states_invalid(err,
				"1 validation error detected: Value at '%s' failed to satisfy "
				"constraint: Member must be between 0 and %.0f",
				limits[i].name, limits[i].most);
	}
	if (!any)
		return states_invalid(err,
			"At least one of maxConcurrency, toleratedFailureCount and "
			"toleratedFailurePercentage must be given");
	if (local_tx(cloud, update_tx, &u, err) != 0)
		return -1;
	map_kick(cloud, u.run);
	*out = json_object();
	return 0;
}

static void run_arn(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *text = json_get_str(req->in, "mapRunArn");

	(void)cloud;
	strbuf_addstr(arn, text ? text : "*");
}

static const struct local_route routes[] = {
	{"DescribeMapRun", describe_map_run, run_arn},
	{"ListMapRuns", list_map_runs, states_route_arn},
	{"UpdateMapRun", update_map_run, run_arn},
};

const struct local_service local_states_map_service = {"states", routes, ARRAY_SIZE(routes)};
