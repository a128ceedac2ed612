/*
 * RedriveExecution. The row says RUNNING again and nothing else changes: whoever drives an execution whose document has ended
 * while its row runs has the engine redrive it, at once or after a crash.
 */
#include "local_states_live.h"

#include "local_states_map.h"
#include "local_states_rows.h"
#include "xalloc.h"

#define REDRIVABLE_MS (INT64_C(14) * 86400000)

struct redrive {
	const char *arn, *token;
	bool by_map_run, again;
	int64_t id, now;
	/* of the row */
	char *status, *state, *revision, *map_run_arn, *last_token;
	int64_t stopped_ms, redriven_ms;
	bool express;
};

static void redrive_release(struct redrive *r)
{
	free(r->status);
	free(r->state);
	free(r->revision);
	free(r->map_run_arn);
	free(r->last_token);
}

static int load_tx(struct local_cloud *cloud, struct redrive *r, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id, status, state, revision, map_run_arn, redrive_token, stopped_ms, "
		"redrive_ms, express FROM states_execution WHERE arn = ?",
		"s", r->arn);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		r->id = sql_int(st, 0);
		r->status = sql_text_dup(st, 1);
		r->state = sql_text_dup(st, 2);
		r->revision = sql_text_dup(st, 3);
		r->map_run_arn = sql_text_dup(st, 4);
		r->last_token = sql_text_dup(st, 5);
		r->stopped_ms = sql_int(st, 6);
		r->redriven_ms = sql_int(st, 7);
		r->express = sql_int(st, 8) != 0;
	}
	sql_done(st);
	if (row == 0)
		local_fault(err, 400, "ExecutionDoesNotExist", "Execution Does Not Exist: '%s'",
			r->arn);
	return row > 0 ? 0 : -1;
}

#define not_redrivable(err, ...) local_fault(err, 400, "ExecutionNotRedrivable", __VA_ARGS__)

/* May the engine's part of it go on? */
static int ask_engine_tx(struct local_cloud *cloud, struct redrive *r, struct err *err)
{
	struct states_revision *revision = states_revision_get_tx(cloud, r->revision, err);
	struct json *state = states_parse(r->state);
	struct asl_run *run =
		revision ? asl_run_restore(revision->definition, state, NULL, err) : NULL;
	const char *why = run ? asl_run_not_redrivable(run) : NULL;
	int ret = run ? 0 : -1;

	if (why)
		ret = not_redrivable(err, "%s", why);
	asl_run_free(run);
	json_free(state);
	states_revision_done(cloud, revision);
	return ret;
}

static int check_tx(struct local_cloud *cloud, struct redrive *r, struct err *err)
{
	if (!strcmp(r->status, "RUNNING") || !strcmp(r->status, "SUCCEEDED") || !r->state)
		return not_redrivable(err, "Execution is %s and cannot be redriven", r->status);
	if (r->map_run_arn && !r->by_map_run)
		return not_redrivable(
			err, "Execution was started by a map run and is redriven with it");
	if (r->now - r->stopped_ms > REDRIVABLE_MS)
		return not_redrivable(
			err, "Execution has exceeded its redrivable period of 14 days");
	return ask_engine_tx(cloud, r, err);
}

static int redrive_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct redrive *r = payload;

	if (load_tx(cloud, r, err))
		return -1;
	if (r->token && r->last_token && !strcmp(r->token, r->last_token)) {
		r->again = true;
		return 0;
	}
	if (check_tx(cloud, r, err))
		return -1;
	r->redriven_ms = r->now;
	return sql_run(cloud->db, NULL, err,
		"UPDATE states_execution SET status = 'RUNNING', stopped_ms = 0, output = NULL, "
		"error = NULL, cause = NULL, redrive_count = redrive_count + 1, redrive_ms = ?, "
		"redrive_token = ? WHERE id = ?",
		"isi", r->now, r->token, r->id);
}

static int redrive(struct local_cloud *cloud, struct redrive *r, struct err *err)
{
	r->now = local_now_ms(cloud);
	/* whoever drove it to its end may still hold it in memory */
	if (local_tx(cloud, redrive_tx, r, err))
		return -1;
	if (r->again)
		return 0;
	states_live_gone(cloud, r->id);
	return states_live_add(cloud, r->id, false, err);
}

int states_redrive_child(struct local_cloud *cloud, const char *arn, struct err *err)
{
	struct redrive r = {.arn = arn, .by_map_run = true};
	int ret = redrive(cloud, &r, err);

	redrive_release(&r);
	return ret;
}

static int redrive_execution(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct redrive r = {.arn = json_get_str(req->in, "executionArn"),
		.token = json_get_str(req->in, "clientToken")};
	struct states_arn a;
	int ret;

	if (states_check_string(req->in, "executionArn", true, 1, 256, err) ||
		states_check_string(req->in, "clientToken", false, 1, 64, err) ||
		states_arn_parse(r.arn, "execution", &a, err))
		return -1;
	states_arn_release(&a);
	ret = redrive(cloud, &r, err);
	if (!ret) {
		*out = json_object();
		states_set_time(*out, "redriveDate", r.redriven_ms);
	}
	redrive_release(&r);
	return ret;
}

static const struct local_route routes[] = {
	{"RedriveExecution", redrive_execution, states_route_arn},
};

const struct local_service local_states_redrive_service = {"states", routes, ARRAY_SIZE(routes)};
