/* Activities and their workers, and who else holds a task's token (GetActivityTask, SendTaskSuccess, SendTaskFailure, …). */
#include "local_states_live.h"

#include <time.h>
#include "local_states_rows.h"
#include "xalloc.h"

#define POLL_S 60

/* --- activities as such --- */

struct activity {
	const struct local_request *req;
	const char *name, *arn, *worker;
	char *new_arn;
	struct json *out;
	int64_t created_ms, limit, after;
	bool found;
	/* a task that was taken */
	int64_t execution;
	char *task, *token, *input;
};

static int find_activity_tx(
	struct local_cloud *cloud, struct activity *a, const char *arn, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT name, created_ms, encryption FROM states_activity WHERE arn = ?", "s", arn);
	int row = st ? sql_step(st, err) : -1;

	a->found = row > 0;
	if (row > 0 && a->out) {
		struct json *encryption = states_parse(sql_text(st, 2));

		json_set_str(a->out, "activityArn", arn);
		json_set_str(a->out, "name", sql_text(st, 0));
		states_set_time(a->out, "creationDate", sql_int(st, 1));
		json_set(a->out, "encryptionConfiguration", encryption);
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int no_activity(const char *arn, struct err *err)
{
	return local_fault(err, 400, "ActivityDoesNotExist", "Activity Does Not Exist: '%s'", arn);
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct activity *a = payload;
	struct json *tags = NULL;
	int64_t now = local_now_ms(cloud);
	char *encryption;
	int ret;

	if (find_activity_tx(cloud, a, a->new_arn, err))
		return -1;
	json_remove(a->out, "name");
	json_remove(a->out, "encryptionConfiguration");
	if (a->found)
		return 0;
	if (states_tags_read(json_get(a->req->in, "tags"), &tags, err))
		return -1;
	encryption = states_print(json_get(a->req->in, "encryptionConfiguration"));
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO states_activity(arn, name, region, encryption, created_ms) VALUES(?, "
		"?, ?, "
		"?, ?)",
		"ssssi", a->new_arn, a->name, a->req->region, encryption, now);
	if (!ret)
		ret = local_tags_set(cloud, a->new_arn, tags, err);
	free(encryption);
	json_free(tags);
	json_set_str(a->out, "activityArn", a->new_arn);
	states_set_time(a->out, "creationDate", now);
	return ret;
}

static int create_activity(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct activity a = {.req = req, .name = json_get_str(req->in, "name")};
	int ret;

	if (states_check_string(req->in, "name", true, 1, 80, err) ||
		states_check_name(a.name, err) || states_check_encryption(req->in, err))
		return -1;
	a.new_arn = local_arn(cloud, "states", req->region, "activity:%s", a.name);
	a.out = json_object();
	ret = local_tx(cloud, create_tx, &a, err);
	if (ret)
		json_free(a.out);
	else
		*out = a.out;
	free(a.new_arn);
	return ret;
}

static int check_arn(const struct local_request *req, struct activity *a, struct err *err)
{
	struct states_arn parsed;

	a->arn = json_get_str(req->in, "activityArn");
	if (states_check_string(req->in, "activityArn", true, 1, 256, err) ||
		states_arn_parse(a->arn, "activity", &parsed, err))
		return -1;
	states_arn_release(&parsed);
	return 0;
}

static int describe_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct activity *a = payload;

	if (find_activity_tx(cloud, a, a->arn, err))
		return -1;
	return a->found ? 0 : no_activity(a->arn, err);
}

static int describe_activity(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct activity a = {.req = req};

	if (check_arn(req, &a, err))
		return -1;
	a.out = json_object();
	if (local_tx(cloud, describe_tx, &a, err)) {
		json_free(a.out);
		return -1;
	}
	*out = a.out;
	return 0;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct activity *a = payload;

	if (sql_run(cloud->db, NULL, err, "DELETE FROM states_activity WHERE arn = ?", "s",
		    a->arn) ||
		sql_run(cloud->db, NULL, err,
			"DELETE FROM states_activity_task WHERE activity_arn = ?", "s", a->arn))
		return -1;
	return local_tags_clear(cloud, a->arn, err);
}

static int delete_activity(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct activity a = {.req = req};

	return check_arn(req, &a, err) || local_tx(cloud, delete_tx, &a, err) ? -1 : 0;
}

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct activity *a = payload;
	struct json *list = json_array();
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT seq, arn, name, created_ms FROM states_activity WHERE region = ? AND seq > "
		"? "
		"ORDER BY seq LIMIT ?",
		"sii", a->req->region, a->after, a->limit + 1);
	int64_t n = 0, last = 0;
	int row = -1;

	json_set(a->out, "activities", list);
	while (st && (row = sql_step(st, err)) > 0 && n++ < a->limit) {
		struct json *o = json_object();

		last = sql_int(st, 0);
		json_set_str(o, "activityArn", sql_text(st, 1));
		json_set_str(o, "name", sql_text(st, 2));
		states_set_time(o, "creationDate", sql_int(st, 3));
		json_push(list, o);
	}
	sql_done(st);
	if (row > 0)
		states_set_token(a->out, NULL, last);
	return row < 0 ? -1 : 0;
}

static int list_activities(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct activity a = {.req = req};

	if (states_page(req->in, NULL, &a.limit, &a.after, err))
		return -1;
	a.out = json_object();
	if (local_tx(cloud, list_tx, &a, err)) {
		json_free(a.out);
		return -1;
	}
	*out = a.out;
	return 0;
}

/* --- workers --- */

static int take_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct activity *a = payload;
	struct sql_stmt *st;
	int64_t seq = 0;
	int row;

	if (find_activity_tx(cloud, a, a->arn, err))
		return -1;
	if (!a->found)
		return no_activity(a->arn, err);
	st = sql_query(cloud->db, err,
		"SELECT seq, execution, task, token, input FROM states_activity_task WHERE "
		"activity_arn "
		"= ? ORDER BY seq LIMIT 1",
		"s", a->arn);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		seq = sql_int(st, 0);
		a->execution = sql_int(st, 1);
		a->task = sql_text_dup(st, 2);
		a->token = sql_text_dup(st, 3);
		a->input = sql_text_dup(st, 4);
	}
	sql_done(st);
	if (row <= 0)
		return row;
	return sql_run(
		cloud->db, NULL, err, "DELETE FROM states_activity_task WHERE seq = ?", "i", seq);
}

static void task_release(struct activity *a)
{
	free(a->task);
	free(a->token);
	free(a->input);
	a->task = a->token = a->input = NULL;
}

/* One that is still waited for; its start is in the history then. */
static int take_task(struct local_cloud *cloud, struct activity *a, struct err *err)
{
	for (;;) {
		struct states_message m = {.tell = STATES_WORKER};

		if (local_tx(cloud, take_tx, a, err))
			return -1;
		if (!a->task)
			return 0;
		m.task = xstrdup(a->task);
		m.worker = xstrdup(a->worker);
		if (states_ask(cloud, a->execution, &m))
			return 0;
		task_release(a);
	}
}

/* Looks again after each turn of an execution, for as long as a poll lasts. */
static int poll_task(struct local_cloud *cloud, struct activity *a, struct err *err)
{
	struct states_state *s = states_state(cloud);
	const struct clock *clock = clock_system();
	int64_t end = clock->mono_ms(clock) + POLL_S * 1000;
	int ret;

	while (!(ret = take_task(cloud, a, err)) && !a->task && clock->mono_ms(clock) < end &&
		!local_stopping(cloud)) {
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec += 1;
		pthread_mutex_lock(&s->lock);
		pthread_cond_timedwait(&s->told, &s->lock, &ts);
		pthread_mutex_unlock(&s->lock);
	}
	return ret;
}

static int get_task(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct activity a = {.req = req, .worker = json_get_str(req->in, "workerName")};
	int ret;

	if (check_arn(req, &a, err) ||
		states_check_string(req->in, "workerName", false, 1, 80, err))
		return -1;
	ret = poll_task(cloud, &a, err);
	if (!ret) {
		*out = json_object();
		json_set_str(*out, "taskToken", a.token);
		json_set_str(*out, "input", a.input);
	}
	task_release(&a);
	return ret;
}

/* --- tokens --- */

struct token {
	const char *token;
	int64_t execution;
	char *task;
};

static int find_token_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct token *t = payload;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT execution, task FROM states_token WHERE token = ?", "s", t->token);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		t->execution = sql_int(st, 0);
		t->task = sql_text_dup(st, 1);
	}
	sql_done(st);
	if (row == 0)
		local_fault(err, 400, "InvalidToken", "Invalid Token: 'Invalid token'");
	return row > 0 ? 0 : -1;
}

/* Takes the message's members. */
static int tell(struct local_cloud *cloud, const struct local_request *req,
	struct states_message *m, struct err *err)
{
	struct token t = {.token = json_get_str(req->in, "taskToken")};

	if (states_check_string(req->in, "taskToken", true, 1, 2048, err) ||
		local_tx(cloud, find_token_tx, &t, err)) {
		json_free(m->output);
		free(m->error);
		free(m->cause);
		return -1;
	}
	m->task = t.task;
	if (states_ask(cloud, t.execution, m))
		return 0;
	return local_fault(
		err, 400, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
}

static int send_success(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *output = json_get_str(req->in, "output");
	struct states_message m = {.tell = STATES_SUCCEEDED};

	if (states_check_string(req->in, "output", true, 0, ASL_PAYLOAD_BYTES_MAX, err))
		return -1;
	m.output = states_parse(output);
	if (!m.output)
		return local_fault(err, 400, "InvalidOutput",
			"Invalid Output: 'The output is not valid JSON'");
	return tell(cloud, req, &m, err);
}

static int send_failure(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct states_message m = {.tell = STATES_FAILED};

	if (states_check_string(req->in, "error", false, 0, 256, err) ||
		states_check_string(req->in, "cause", false, 0, 32768, err))
		return -1;
	m.error = xstrdup(json_get_str(req->in, "error"));
	m.cause = xstrdup(json_get_str(req->in, "cause"));
	return tell(cloud, req, &m, err);
}

static int send_heartbeat(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct states_message m = {.tell = STATES_HEARTBEAT};

	return tell(cloud, req, &m, err);
}

static void new_arn(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "name");
	char *text = local_arn(cloud, "states", req->region, "activity:%s", name ? name : "");

	strbuf_addstr(arn, text);
	free(text);
}

static const struct local_route activity_routes[] = {
	{"CreateActivity", create_activity, new_arn},
	{"DeleteActivity", delete_activity, states_route_arn},
	{"DescribeActivity", describe_activity, states_route_arn},
	{"GetActivityTask", get_task, states_route_arn},
	{"ListActivities", list_activities, NULL},
};

static const struct local_route task_routes[] = {
	{"SendTaskFailure", send_failure, NULL},
	{"SendTaskHeartbeat", send_heartbeat, NULL},
	{"SendTaskSuccess", send_success, NULL},
};

const struct local_service local_states_activity_service = {
	"states", activity_routes, ARRAY_SIZE(activity_routes)};
const struct local_service local_states_task_service = {
	"states", task_routes, ARRAY_SIZE(task_routes)};
