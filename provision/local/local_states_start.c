/* How executions come to be and are ended: StartExecution, StartSyncExecution, StopExecution. */
#include "local_states_live.h"

#include "local_states_rows.h"
#include "log.h"
#include "xalloc.h"

#define DAY_MS INT64_C(86400000)
#define KEPT_MS (90 * DAY_MS)
#define KEPT_EXPRESS_MS INT64_C(600000)

struct start {
	const struct states_start *s;
	struct states_machine m;
	char *arn, *name, *input, *revision;
	const struct json *document;
	bool express, again;
	int64_t id, started_ms;
};

static void start_release(struct start *k)
{
	states_machine_release(&k->m);
	free(k->arn);
	free(k->name);
	free(k->input);
	free(k->revision);
}

/* Ended executions are kept for ninety days; those of an express machine until whoever waited for them has read them. */
static int purge_tx(struct local_cloud *cloud, struct err *err)
{
	int64_t now = local_now_ms(cloud);

	/* those that run have not stopped: 0 */
	if (sql_run(cloud->db, NULL, err,
		    "DELETE FROM states_execution WHERE stopped_ms > 0 AND stopped_ms < ?", "i",
		    now - KEPT_MS))
		return -1;
	return sql_run(cloud->db, NULL, err,
		"DELETE FROM states_execution WHERE express = 1 AND map_run_arn IS NULL AND "
		"stopped_ms > 0 AND stopped_ms < ?",
		"i", now - KEPT_EXPRESS_MS);
}

static void make_arn(struct local_cloud *cloud, struct start *k)
{
	struct states_arn a;
	struct err ignored = ERR_INIT;
	char *uuid = local_uuid();

	k->name = xstrdup(k->s->name ? k->s->name : uuid);
	if (!states_arn_parse(k->m.arn, "stateMachine", &a, &ignored)) {
		if (k->express)
			k->arn = local_arn(cloud, "states", a.region, "express:%s%s%s:%s:%s",
				a.machine, k->s->label ? "/" : "", k->s->label ? k->s->label : "",
				k->name, uuid);
		else
			k->arn = local_arn(cloud, "states", a.region, "execution:%s%s%s:%s",
				a.machine, k->s->label ? "/" : "", k->s->label ? k->s->label : "",
				k->name);
	}
	states_arn_release(&a);
	err_release(&ignored);
	free(uuid);
}

/* An execution of that name: the same again, or another. 1: it is there, 0, -1. */
static int find_same_tx(struct local_cloud *cloud, struct start *k, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id, input, status, started_ms FROM states_execution WHERE arn = ?", "s",
		k->arn);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		struct json *input = states_parse(sql_text(st, 1));
		bool same = json_equal(input, k->document);

		/* a map run's children are asked for again after a crash, also when they have ended */
		if (!same || (strcmp(sql_text(st, 2), "RUNNING") != 0 && !k->s->map_run_arn))
			row = local_fault(err, 400, "ExecutionAlreadyExists",
				"Execution Already Exists: '%s'", k->arn);
		k->again = true;
		k->started_ms = sql_int(st, 3);
		json_free(input);
	}
	sql_done(st);
	return row;
}

static int map_revision_tx(struct local_cloud *cloud, struct start *k, struct err *err)
{
	char *definition = states_print(k->s->definition);
	int ret = sql_run(cloud->db, NULL, err,
		"INSERT OR IGNORE INTO states_revision(id, machine_arn, label, definition, role, "
		"tracing, "
		"created_ms, express) VALUES(?, ?, ?, ?, ?, 0, ?, ?)",
		"sssssii", k->s->map_run_arn, k->m.arn, k->s->label, definition, k->s->role_arn,
		local_now_ms(cloud), (int64_t)k->express);

	free(definition);
	return ret;
}

static int insert_tx(struct local_cloud *cloud, struct start *k, struct err *err)
{
	if (k->s->map_run_arn && map_revision_tx(cloud, k, err))
		return -1;
	if (sql_run(cloud->db, NULL, err,
		    "INSERT INTO states_execution(arn, name, machine_arn, version_arn, alias_arn, "
		    "revision, express, status, input, trace, started_ms, map_run_arn, items) "
		    "VALUES(?, "
		    "?, ?, ?, ?, ?, ?, 'RUNNING', ?, ?, ?, ?, ?)",
		    "ssssssissisi", k->arn, k->name, k->m.arn, k->m.version_arn, k->m.alias_arn,
		    k->s->map_run_arn ? k->s->map_run_arn : k->m.revision, (int64_t)k->express,
		    k->input, k->s->trace, k->started_ms, k->s->map_run_arn, k->s->items))
		return -1;
	k->id = sql_last_rowid(cloud->db);
	return 0;
}

static int start_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct start *k = payload;
	int row;

	if (states_machine_find_tx(cloud, k->s->machine_arn, &k->m, err))
		return -1;
	/* what a map run of a dying machine has left to do is its own business */
	if (!strcmp(k->m.status, "DELETING"))
		return local_fault(err, 400, "StateMachineDeleting",
			"State Machine is being deleted: '%s'", k->m.arn);
	k->express = k->s->map_run_arn ? k->s->express : states_is_express(&k->m);
	make_arn(cloud, k);
	if (purge_tx(cloud, err))
		return -1;
	row = find_same_tx(cloud, k, err);
	return row ? (row > 0 ? 0 : -1) : insert_tx(cloud, k, err);
}

static int start(struct local_cloud *cloud, struct start *k, struct err *err)
{
	k->started_ms = local_now_ms(cloud);
	if (local_tx(cloud, start_tx, k, err))
		return -1;
	if (k->again)
		return 0;
	if (states_live_add(cloud, k->id, false, err))
		return -1;
	/* children of a map run are started one after the other by one thread */
	if (!k->s->map_run_arn)
		states_live_begun(cloud, k->id);
	return 0;
}

int states_start(struct local_cloud *cloud, const struct states_start *s, char **arn,
	int64_t *started_ms, struct err *err)
{
	struct start k = {.s = s, .document = s->input, .input = states_print(s->input)};
	int ret;

	if (s->name && states_check_name(s->name, err)) {
		start_release(&k);
		return -1;
	}
	ret = start(cloud, &k, err);
	if (!ret && arn) {
		*arn = k.arn;
		k.arn = NULL;
	}
	if (started_ms)
		*started_ms = k.started_ms;
	start_release(&k);
	return ret;
}

/* --- routes --- */

/* The input as it was written; *document is what it says. */
static int read_input(
	const struct json *in, const char **text, struct json **document, struct err *err)
{
	struct err why = ERR_INIT;

	*text = json_get_str(in, "input") ? json_get_str(in, "input") : "{}";
	if (strlen(*text) > ASL_PAYLOAD_BYTES_MAX)
		return states_invalid(err,
			"1 validation error detected: Value at 'input' failed to satisfy "
			"constraint: "
			"Member must have length less than or equal to %d",
			ASL_PAYLOAD_BYTES_MAX);
	*document = json_parse(*text, strlen(*text), &why);
	if (!*document)
		local_fault(err, 400, "InvalidExecutionInput",
			"Invalid State Machine Execution Input: '%s'", why.text);
	err_release(&why);
	return *document ? 0 : -1;
}

static int start_request(const struct local_request *req, struct start *k, struct states_start *s,
	struct json **document, struct err *err)
{
	const char *text;

	if (states_check_string(req->in, "stateMachineArn", true, 1, 256, err) ||
		states_check_string(req->in, "name", false, 1, 80, err) ||
		states_check_string(req->in, "traceHeader", false, 0, 256, err) ||
		(json_get_str(req->in, "name") &&
			states_check_name(json_get_str(req->in, "name"), err)) ||
		read_input(req->in, &text, document, err))
		return -1;
	*s = (struct states_start){.machine_arn = json_get_str(req->in, "stateMachineArn"),
		.name = json_get_str(req->in, "name"),
		.trace = json_get_str(req->in, "traceHeader")};
	*k = (struct start){.s = s, .document = *document, .input = xstrdup(text)};
	return 0;
}

static int start_execution(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *document = NULL;
	struct states_start s;
	struct start k = {0};
	int ret = start_request(req, &k, &s, &document, err);

	if (!ret)
		ret = start(cloud, &k, err);
	if (!ret) {
		*out = json_object();
		json_set_str(*out, "executionArn", k.arn);
		states_set_time(*out, "startDate", k.started_ms);
	}
	json_free(document);
	start_release(&k);
	return ret;
}

static void set_sync_reply(struct json *o, const struct json *described)
{
	static const char *const members[] = {"executionArn", "stateMachineArn", "name",
		"startDate", "stopDate", "status", "error", "cause", "input", "inputDetails",
		"output", "outputDetails", "traceHeader"};
	struct json *billing = json_object();
	double seconds = json_dbl(json_get(described, "stopDate"), 0) -
			 json_dbl(json_get(described, "startDate"), 0);

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_get(described, members[i]))
			json_set(o, members[i], json_copy(json_get(described, members[i])));
	json_set_i64(billing, "billedMemoryUsedInMB", 64);
	json_set_i64(billing, "billedDurationInMilliseconds", (int64_t)(seconds * 10 + 1) * 100);
	json_set(o, "billingDetails", billing);
}

static int check_is_express(struct local_cloud *cloud, const char *arn, struct err *err)
{
	struct states_machine m = {0};
	int ret = local_tx_begin(cloud, err);

	if (!ret)
		ret = states_machine_find_tx(cloud, arn, &m, err);
	local_tx_end(cloud);
	if (!ret && !states_is_express(&m))
		ret = local_fault(err, 400, "StateMachineTypeNotSupported",
			"This operation is not supported by this type of state machine");
	states_machine_release(&m);
	return ret;
}

static int start_sync(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct json *document = NULL, *described = NULL;
	struct states_start s;
	struct start k = {0};
	int ret = start_request(req, &k, &s, &document, err);

	if (!ret)
		ret = check_is_express(cloud, s.machine_arn, err);
	if (!ret)
		ret = start(cloud, &k, err);
	if (!ret && !states_live_gone(cloud, k.id))
		ret = local_fault(
			err, 503, "ServiceUnavailable", "The local cloud is being ended.");
	if (!ret) {
		described = states_describe(cloud, k.arn, err);
		ret = described ? 0 : -1;
	}
	if (!ret) {
		*out = json_object();
		set_sync_reply(*out, described);
	}
	json_free(described);
	json_free(document);
	start_release(&k);
	return ret;
}

/* --- stop --- */

struct stop {
	const char *arn;
	int64_t id, stopped_ms;
	char *status;
};

static int find_stop_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct stop *k = payload;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id, status, stopped_ms FROM states_execution WHERE arn = ?", "s", k->arn);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		k->id = sql_int(st, 0);
		free(k->status);
		k->status = sql_text_dup(st, 1);
		k->stopped_ms = sql_int(st, 2);
	}
	sql_done(st);
	if (row == 0)
		local_fault(err, 400, "ExecutionDoesNotExist", "Execution Does Not Exist: '%s'",
			k->arn);
	return row > 0 ? 0 : -1;
}

int states_stop(struct local_cloud *cloud, const char *arn, const char *error, const char *cause,
	int64_t *stopped_ms, struct err *err)
{
	struct stop k = {.arn = arn};
	int ret = local_tx(cloud, find_stop_tx, &k, err);

	if (!ret && !strcmp(k.status, "RUNNING")) {
		struct states_message m = {
			.tell = STATES_ABORT, .error = xstrdup(error), .cause = xstrdup(cause)};

		(void)states_ask(cloud, k.id, &m);
		ret = local_tx(cloud, find_stop_tx, &k, err);
		if (!ret && !k.stopped_ms)
			ret = local_fault(
				err, 503, "ServiceUnavailable", "The local cloud is being ended.");
	}
	if (stopped_ms)
		*stopped_ms = k.stopped_ms;
	free(k.status);
	return ret;
}

static int stop_execution(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *arn = json_get_str(req->in, "executionArn");
	struct states_arn a;
	int64_t stopped_ms;

	if (states_check_string(req->in, "executionArn", true, 1, 256, err) ||
		states_check_string(req->in, "error", false, 0, 256, err) ||
		states_check_string(req->in, "cause", false, 0, 32768, err) ||
		states_arn_parse(arn, "execution", &a, err))
		return -1;
	states_arn_release(&a);
	if (states_stop(cloud, arn, json_get_str(req->in, "error"), json_get_str(req->in, "cause"),
		    &stopped_ms, err))
		return -1;
	*out = json_object();
	states_set_time(*out, "stopDate", stopped_ms);
	return 0;
}

static const struct local_route routes[] = {
	{"StartExecution", start_execution, states_route_arn},
	{"StartSyncExecution", start_sync, states_route_arn},
	{"StopExecution", stop_execution, states_route_arn},
};

const struct local_service local_states_start_service = {"states", routes, ARRAY_SIZE(routes)};
