/* Executions as they are read: DescribeExecution, ListExecutions, GetExecutionHistory, DescribeStateMachineForExecution. */
#include "local_states_live.h"

#include "local_states_rows.h"
#include "xalloc.h"

#define DAY_MS INT64_C(86400000)
#define REDRIVABLE_MS (14 * DAY_MS)

#define EXECUTION_COLUMNS                                                                       \
	"id, arn, machine_arn, version_arn, alias_arn, name, status, started_ms, stopped_ms, "  \
	"input, "                                                                               \
	"output, error, cause, trace, map_run_arn, items, redrive_count, redrive_ms, express, " \
	"revision"
enum column {
	C_ID,
	C_ARN,
	C_MACHINE,
	C_VERSION,
	C_ALIAS,
	C_NAME,
	C_STATUS,
	C_STARTED,
	C_STOPPED,
	C_INPUT,
	C_OUTPUT,
	C_ERROR,
	C_CAUSE,
	C_TRACE,
	C_MAP_RUN,
	C_ITEMS,
	C_REDRIVES,
	C_REDRIVEN,
	C_EXPRESS,
	C_REVISION
};

/* What both the list and the description have. */
static struct json *row_summary(struct sql_stmt *st)
{
	struct json *o = json_object();

	json_set_str(o, "executionArn", sql_text(st, C_ARN));
	json_set_str(o, "stateMachineArn", sql_text(st, C_MACHINE));
	json_set_str(o, "name", sql_text(st, C_NAME));
	json_set_str(o, "status", sql_text(st, C_STATUS));
	states_set_time(o, "startDate", sql_int(st, C_STARTED));
	states_set_time(o, "stopDate", sql_int(st, C_STOPPED));
	json_set_str(o, "mapRunArn", sql_text(st, C_MAP_RUN));
	json_set_str(o, "stateMachineVersionArn", sql_text(st, C_VERSION));
	json_set_str(o, "stateMachineAliasArn", sql_text(st, C_ALIAS));
	json_set_i64(o, "redriveCount", sql_int(st, C_REDRIVES));
	states_set_time(o, "redriveDate", sql_int(st, C_REDRIVEN));
	return o;
}

static void set_payload(struct json *o, const char *name, const char *text)
{
	char *details_name = xasprintf("%sDetails", name);
	struct json *details = json_object();

	json_set_bool(details, "included", true);
	if (text) {
		json_set_str(o, name, text);
		json_set(o, details_name, details);
	} else {
		json_free(details);
	}
	free(details_name);
}

static void set_redrive(struct json *o, struct sql_stmt *st, int64_t now)
{
	const char *status = sql_text(st, C_STATUS);
	const char *redrive = "NOT_REDRIVABLE";
	char *reason = NULL;

	if (!strcmp(status, "RUNNING") || !strcmp(status, "SUCCEEDED"))
		reason = xasprintf("Execution is %s and cannot be redriven", status);
	else if (now - sql_int(st, C_STOPPED) > REDRIVABLE_MS)
		reason = xstrdup("Execution has exceeded its redrivable period of 14 days");
	else
		redrive = sql_text(st, C_MAP_RUN) ? "REDRIVABLE_BY_MAP_RUN" : "REDRIVABLE";
	json_set_str(o, "redriveStatus", redrive);
	json_set_str(o, "redriveStatusReason", reason);
	free(reason);
}

static struct json *row_description(struct sql_stmt *st, int64_t now)
{
	struct json *o = row_summary(st);

	set_payload(o, "input", sql_text(st, C_INPUT));
	set_payload(o, "output", sql_text(st, C_OUTPUT));
	json_set_str(o, "error", sql_text(st, C_ERROR));
	json_set_str(o, "cause", sql_text(st, C_CAUSE));
	json_set_str(o, "traceHeader", sql_text(st, C_TRACE));
	if (!sql_int(st, C_EXPRESS))
		set_redrive(o, st, now);
	return o;
}

struct describe {
	const char *arn;
	struct json *out;
	char *revision;
};

static int describe_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct describe *d = payload;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT " EXECUTION_COLUMNS " FROM states_execution WHERE arn = ?", "s", d->arn);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		d->out = row_description(st, local_now_ms(cloud));
		d->revision = sql_text_dup(st, C_REVISION);
	}
	sql_done(st);
	if (row == 0)
		local_fault(err, 400, "ExecutionDoesNotExist", "Execution Does Not Exist: '%s'",
			d->arn);
	return row > 0 ? 0 : -1;
}

struct json *states_describe(struct local_cloud *cloud, const char *arn, struct err *err)
{
	struct describe d = {.arn = arn};

	if (local_tx(cloud, describe_tx, &d, err)) {
		json_free(d.out);
		d.out = NULL;
	}
	free(d.revision);
	return d.out;
}

static int check_arn(const struct local_request *req, struct err *err)
{
	const char *arn = json_get_str(req->in, "executionArn");
	struct states_arn a;
	int ret = -1;

	if (!states_check_string(req->in, "executionArn", true, 1, 256, err))
		ret = states_arn_parse(arn, "execution", &a, err);
	if (!ret)
		states_arn_release(&a);
	return ret;
}

static int describe_execution(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *included = json_get_str(req->in, "includedData");

	if (check_arn(req, err))
		return -1;
	*out = states_describe(cloud, json_get_str(req->in, "executionArn"), err);
	if (*out && included && !strcmp(included, "METADATA_ONLY")) {
		static const char *const data[] = {
			"input", "output", "error", "cause", "inputDetails", "outputDetails"};

		for (size_t i = 0; i < ARRAY_SIZE(data); i++)
			json_remove(*out, data[i]);
	}
	return *out ? 0 : -1;
}

/* --- DescribeStateMachineForExecution --- */

static int describe_revision_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct describe *d = payload;
	struct states_revision *r;
	struct json *o = json_object();
	const char *name;

	if (describe_tx(cloud, d, err)) {
		json_free(o);
		return -1;
	}
	r = states_revision_get_tx(cloud, d->revision, err);
	if (!r) {
		json_free(o);
		return -1;
	}
	name = strrchr(r->machine_arn, ':') + 1;
	if (r->label) {
		char *arn = xasprintf("%s/%s", r->machine_arn, r->label),
		     *full = xasprintf("%s/%s", name, r->label);

		json_set_str(o, "stateMachineArn", arn);
		json_set_str(o, "name", full);
		json_set_str(o, "label", r->label);
		json_set_str(o, "mapRunArn", json_get_str(d->out, "mapRunArn"));
		free(arn);
		free(full);
	} else {
		json_set_str(o, "stateMachineArn", r->machine_arn);
		json_set_str(o, "name", name);
	}
	json_set_str(o, "definition", r->definition_text);
	json_set_str(o, "roleArn", r->role_arn);
	states_set_time(o, "updateDate", r->created_ms);
	states_set_logging(o, r->logging);
	states_set_tracing(o, r->tracing);
	if (!r->label)
		json_set_str(o, "revisionId", r->id);
	states_revision_done(cloud, r);
	json_free(d->out);
	d->out = o;
	return 0;
}

static int describe_for_execution(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct describe d = {.arn = json_get_str(req->in, "executionArn")};
	int ret = check_arn(req, err);

	if (!ret)
		ret = local_tx(cloud, describe_revision_tx, &d, err);
	free(d.revision);
	if (ret)
		json_free(d.out);
	else
		*out = d.out;
	return ret;
}

/* --- ListExecutions --- */

struct list {
	char *scope;
	const char *machine_arn, *map_run_arn, *status, *redrive;
	struct states_machine m;
	struct json *out;
	int64_t limit, before;
};

static int find_listed_tx(struct local_cloud *cloud, struct list *l, struct err *err)
{
	if (l->map_run_arn)
		return 0;
	if (states_machine_find_tx(cloud, l->machine_arn, &l->m, err))
		return -1;
	if (!states_is_express(&l->m))
		return 0;
	return local_fault(err, 400, "StateMachineTypeNotSupported",
		"This operation is not supported by this type of state machine");
}

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct list *l = payload;
	struct json *list = json_array();
	struct sql_stmt *st;
	int64_t n = 0, last = 0;
	int row = -1;

	json_set(l->out, "executions", list);
	if (find_listed_tx(cloud, l, err))
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT " EXECUTION_COLUMNS
		" FROM states_execution WHERE (map_run_arn = ?1 OR (?1 IS "
		"NULL AND machine_arn = ?2 AND map_run_arn IS NULL)) AND (?3 IS NULL OR "
		"version_arn = ?3) "
		"AND (?4 IS NULL OR status = ?4) AND (?5 IS NULL OR (redrive_count > 0) = (?5 = "
		"'REDRIVEN')) AND (?6 = 0 OR id < ?6) ORDER BY id DESC LIMIT ?7",
		"sssssii", l->map_run_arn, l->m.arn, l->m.version_arn, l->status, l->redrive,
		l->before, l->limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && n++ < l->limit) {
		struct json *e = row_summary(st);

		if (sql_int(st, C_ITEMS))
			json_set_i64(e, "itemCount", sql_int(st, C_ITEMS));
		last = sql_int(st, C_ID);
		json_push(list, e);
	}
	sql_done(st);
	if (row > 0)
		states_set_token(l->out, l->scope, last);
	return row < 0 ? -1 : 0;
}

static int check_list(const struct local_request *req, struct list *l, struct err *err)
{
	static const char *const statuses[] = {
		"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"};
	bool known = !l->status;

	for (size_t i = 0; !known && i < ARRAY_SIZE(statuses); i++)
		known = !strcmp(statuses[i], l->status);
	if (!known)
		return states_invalid(err,
			"1 validation error detected: Value '%s' at 'statusFilter' failed to "
			"satisfy "
			"constraint: Member must satisfy enum value set: [RUNNING, SUCCEEDED, "
			"FAILED, "
			"TIMED_OUT, ABORTED, PENDING_REDRIVE]",
			l->status);
	if (l->redrive && strcmp(l->redrive, "REDRIVEN") && strcmp(l->redrive, "NOT_REDRIVEN"))
		return states_invalid(err,
			"1 validation error detected: Value '%s' at 'redriveFilter' failed to "
			"satisfy "
			"constraint: Member must satisfy enum value set: [REDRIVEN, NOT_REDRIVEN]",
			l->redrive);
	if (!l->machine_arn == !l->map_run_arn)
		return states_invalid(
			err, "Must specify exactly one of 'stateMachineArn' or 'mapRunArn'");
	l->scope = xasprintf("%s %s %s", l->map_run_arn ? l->map_run_arn : l->machine_arn,
		l->status ? l->status : "", l->redrive ? l->redrive : "");
	return states_page(req->in, l->scope, &l->limit, &l->before, err);
}

static int list_executions(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct list l = {.machine_arn = json_get_str(req->in, "stateMachineArn"),
		.map_run_arn = json_get_str(req->in, "mapRunArn"),
		.status = json_get_str(req->in, "statusFilter"),
		.redrive = json_get_str(req->in, "redriveFilter")};
	int ret;

	if (check_list(req, &l, err)) {
		free(l.scope);
		return -1;
	}
	l.out = json_object();
	ret = local_tx(cloud, list_tx, &l, err);
	free(l.scope);
	states_machine_release(&l.m);
	if (ret)
		json_free(l.out);
	else
		*out = l.out;
	return ret;
}

/* --- GetExecutionHistory --- */

struct history {
	const char *arn;
	char *scope;
	bool reverse, data;
	struct json *out;
	int64_t limit, after;
};

/* As the reply has it: the time in seconds; without data when that is not wanted. */
static struct json *show_event(const char *text, bool data)
{
	static const char *const payloads[] = {"input", "output", "parameters", "inputDetails",
		"outputDetails", "assignedVariables", "assignedVariablesDetails"};
	struct json *e = states_parse(text), *d;
	int64_t ms = json_get_i64(e, "timestamp", 0);

	json_set_dbl(e, "timestamp", (double)ms / 1000);
	json_each(d, e)
	{
		for (size_t i = 0; !data && i < ARRAY_SIZE(payloads); i++)
			if (json_is(d, JSON_OBJECT))
				json_remove(d, payloads[i]);
	}
	return e;
}

static int history_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	static const char forward[] =
		"SELECT id, doc FROM states_event WHERE execution = ? AND id > ? "
		"ORDER BY id LIMIT ?";
	static const char backward[] =
		"SELECT id, doc FROM states_event WHERE execution = ? AND id < ? "
		"ORDER BY id DESC LIMIT ?";
	struct history *h = payload;
	struct json *list = json_array();
	struct sql_stmt *st = sql_query(
		cloud->db, err, "SELECT id FROM states_execution WHERE arn = ?", "s", h->arn);
	int row = st ? sql_step(st, err) : -1;
	int64_t id = row > 0 ? sql_int(st, 0) : 0, n = 0, last = 0;

	sql_done(st);
	json_set(h->out, "events", list);
	if (row == 0)
		return local_fault(err, 400, "ExecutionDoesNotExist",
			"Execution Does Not Exist: '%s'", h->arn);
	if (row < 0)
		return -1;
	st = sql_query(cloud->db, err, h->reverse ? backward : forward, "iii", id,
		h->reverse && !h->after ? INT64_MAX : h->after, h->limit + 1);
	row = -1;
	while (st && (row = sql_step(st, err)) > 0 && n++ < h->limit) {
		last = sql_int(st, 0);
		json_push(list, show_event(sql_text(st, 1), h->data));
	}
	sql_done(st);
	if (row > 0)
		states_set_token(h->out, h->scope, last);
	return row < 0 ? -1 : 0;
}

static int get_history(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct history h = {.arn = json_get_str(req->in, "executionArn"),
		.reverse = json_get_truth(req->in, "reverseOrder", false),
		.data = json_get_truth(req->in, "includeExecutionData", true)};
	int ret;

	if (check_arn(req, err))
		return -1;
	h.scope = xasprintf("%s %d", h.arn, h.reverse);
	if (states_page(req->in, h.scope, &h.limit, &h.after, err)) {
		free(h.scope);
		return -1;
	}
	h.out = json_object();
	ret = local_tx(cloud, history_tx, &h, err);
	free(h.scope);
	if (ret)
		json_free(h.out);
	else
		*out = h.out;
	return ret;
}

static const struct local_route routes[] = {
	{"DescribeExecution", describe_execution, states_route_arn},
	{"DescribeStateMachineForExecution", describe_for_execution, states_route_arn},
	{"GetExecutionHistory", get_history, states_route_arn},
	{"ListExecutions", list_executions, states_route_arn},
};

const struct local_service local_states_execution_service = {"states", routes, ARRAY_SIZE(routes)};
