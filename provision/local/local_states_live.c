/*
 * Executions in memory, and who drives them. An execution is on the ready list or busy or neither; whoever takes it from the
 * list applies its messages, writes what came of them in one transaction, and then acts.
 */
#include "local_states_live.h"

#include "log.h"
#include "xalloc.h"

/* Followed things say when they end; this is for what was missed. */
#define LOOK_AGAIN_MS 30000

static int64_t host_now(void *payload)
{
	return local_now_ms(payload);
}

static void key_of(int64_t id, char *key, size_t size)
{
	snprintf(key, size, "%lld", (long long)id);
}

/* Under the lock. */
static struct states_exec *find_live(struct states_state *s, int64_t id)
{
	char key[32];

	key_of(id, key, sizeof(key));
	return map_get(&s->live, key);
}

static void message_release(struct states_message *m)
{
	free(m->task);
	free(m->error);
	free(m->cause);
	free(m->worker);
	json_free(m->output);
}

static void exec_free(struct local_cloud *cloud, struct states_exec *x)
{
	if (!x)
		return;
	asl_run_free(x->run);
	states_revision_done(cloud, x->revision);
	free(x->arn);
	free(x->name);
	free(x->region);
	free(x->log_stream);
	free(x->map_run_arn);
	free(x->trace);
	free(x->input);
	free(x);
}

/* Under the lock. */
static void make_ready(struct states_state *s, struct states_exec *x)
{
	if (x->queued || x->busy)
		return;
	x->queued = true;
	x->next_ready = NULL;
	*s->ready_last = x;
	s->ready_last = &x->next_ready;
	pthread_cond_signal(&s->work);
}

/* --- messages --- */

/* Under the lock; takes. False: nobody is there to take it. */
static bool put_message(struct states_state *s, int64_t execution, const struct states_message *m)
{
	struct states_exec *x = find_live(s, execution);
	struct states_message *copy;

	if (!x || x->ended || s->stopping)
		return false;
	copy = xmalloc(sizeof(*copy));
	*copy = *m;
	copy->next = NULL;
	*x->last = copy;
	x->last = &copy->next;
	/* what has started will soon say more; both go into one transaction */
	if (m->tell != STATES_STARTED)
		make_ready(s, x);
	return true;
}

void states_post(struct local_cloud *cloud, int64_t execution, const struct states_message *m)
{
	struct states_state *s = states_state(cloud);
	struct states_message left = *m;
	bool put;

	pthread_mutex_lock(&s->lock);
	put = put_message(s, execution, m);
	pthread_mutex_unlock(&s->lock);
	if (!put)
		message_release(&left);
}

bool states_ask(struct local_cloud *cloud, int64_t execution, const struct states_message *m)
{
	struct states_state *s = states_state(cloud);
	struct states_message message = *m;
	struct states_wait wait = {0};
	bool put;

	message.wait = &wait;
	pthread_mutex_lock(&s->lock);
	put = put_message(s, execution, &message);
	while (put && !wait.done)
		pthread_cond_wait(&s->told, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (!put)
		message_release(&message);
	return wait.result;
}

void states_live_begun(struct local_cloud *cloud, int64_t id)
{
	struct states_state *s = states_state(cloud);
	const struct states_exec *x;

	pthread_mutex_lock(&s->lock);
	while ((x = find_live(s, id)) && !x->begun && !s->stopping)
		pthread_cond_wait(&s->told, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

bool states_live_gone(struct local_cloud *cloud, int64_t id)
{
	struct states_state *s = states_state(cloud);
	bool gone;

	pthread_mutex_lock(&s->lock);
	while (!(gone = !find_live(s, id)) && !s->stopping)
		pthread_cond_wait(&s->told, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return gone;
}

void states_doom(struct local_cloud *cloud, const char *machine_arn)
{
	struct states_state *s = states_state(cloud);
	struct map_entry *e;

	pthread_mutex_lock(&s->lock);
	map_for_each(&s->live, e)
	{
		struct states_exec *x = e->value;

		if (!strcmp(x->revision->machine_arn, machine_arn))
			x->doomed = true;
	}
	pthread_mutex_unlock(&s->lock);
}

/* --- one turn --- */

static struct json *context_of(const struct states_exec *x)
{
	struct json *context = json_object(), *e = json_object(), *m = json_object();
	const char *name = strrchr(x->revision->machine_arn, ':');
	struct strbuf sb = STRBUF_INIT;

	json_set_str(e, "Id", x->arn);
	json_set_str(e, "Name", x->name);
	json_set_str(e, "RoleArn", x->revision->role_arn);
	clock_add_iso(&sb, x->started_ms, true);
	json_set_str(e, "StartTime", sb.buf);
	json_set_i64(e, "RedriveCount", x->redrives);
	json_set(context, "Execution", e);
	json_set_str(m, "Id", x->revision->machine_arn);
	json_set_str(m, "Name", name ? name + 1 : x->revision->machine_arn);
	json_set(context, "StateMachine", m);
	strbuf_release(&sb);
	return context;
}

static void begin_run(struct states_exec *x)
{
	struct json *context = context_of(x), *input = states_parse(x->input);

	x->run = asl_run_start(x->revision->definition, input, context, &x->host);
	json_free(input);
	json_free(context);
}

static bool apply_message(struct states_exec *x, const struct states_message *m)
{
	struct asl_run *run = x->run;

	switch (m->tell) {
	case STATES_TICK:
		return true;
	case STATES_STARTED:
	case STATES_WORKER:
		return asl_task_started(run, m->task, m->worker);
	case STATES_SUBMITTED:
		return asl_task_submitted(run, m->task, m->output);
	case STATES_SUCCEEDED:
		return asl_task_succeeded(run, m->task, m->output);
	case STATES_FAILED:
		return asl_task_failed(run, m->task, m->error, m->cause);
	case STATES_HEARTBEAT:
		return asl_task_heartbeat(run, m->task);
	case STATES_ABORT:
		return asl_run_abort(run, m->error, m->cause);
	case STATES_MAP_STARTED:
		return asl_map_started(run, m->task, m->error, m->number);
	}
	return false;
}

/* What a turn has to write and to do. */
struct turn {
	struct local_cloud *cloud;
	struct states_exec *x;
	struct json *events, *actions;
	struct strvec kinds, refs; /* as actions: what the cancelled ones follow; "" none */
	int64_t now;
	bool ended, begins;
};

static int write_events_tx(struct turn *t, struct err *err)
{
	const struct json *e;
	char *text;
	int ret = 0;

	if (t->x->express)
		return 0;
	json_each(e, t->events)
	{
		text = states_print(e);
		ret = sql_run(t->cloud->db, NULL, err,
			"INSERT INTO states_event(execution, id, doc) VALUES(?, ?, ?)", "iis",
			t->x->id, json_get_i64(e, "id", 0), text);
		free(text);
		if (ret)
			return -1;
	}
	return 0;
}

static int start_task_tx(struct turn *t, const struct json *action, struct err *err)
{
	const char *id = json_get_str(action, "id"), *token = json_get_str(action, "taskToken"),
		   *resource = json_get_str(action, "resource");
	char *input;
	int ret;

	if (sql_run(t->cloud->db, NULL, err,
		    "INSERT OR IGNORE INTO states_task(execution, id, called_ms) VALUES(?, ?, ?)",
		    "isi", t->x->id, id, t->now))
		return -1;
	if (token && sql_run(t->cloud->db, NULL, err,
			     "INSERT OR REPLACE INTO states_token(token, execution, task) "
			     "VALUES(?, ?, ?)",
			     "sis", token, t->x->id, id))
		return -1;
	if (!resource || !strstr(resource, ":activity:"))
		return 0;
	input = states_print(json_get(action, "parameters"));
	ret = sql_run(t->cloud->db, NULL, err,
		"INSERT INTO states_activity_task(activity_arn, execution, task, token, input) "
		"VALUES(?, ?, ?, ?, ?)",
		"sisss", resource, t->x->id, id, token, input);
	free(input);
	return ret;
}

static int cancel_task_tx(struct turn *t, const char *id, struct err *err)
{
	struct sql_stmt *st = sql_query(t->cloud->db, err,
		"SELECT kind, ref FROM states_task WHERE execution = ? AND id = ?", "is", t->x->id,
		id);
	int row = st ? sql_step(st, err) : -1;
	const char *kind = row > 0 ? sql_text(st, 0) : NULL;

	strvec_push(&t->kinds, kind ? kind : "");
	strvec_push(&t->refs, kind ? sql_text(st, 1) : "");
	sql_done(st);
	if (row < 0 || sql_run(t->cloud->db, NULL, err,
			       "DELETE FROM states_task WHERE execution = ? AND id = ?", "is",
			       t->x->id, id))
		return -1;
	return sql_run(t->cloud->db, NULL, err,
		"DELETE FROM states_activity_task WHERE execution = ? AND task = ?", "is", t->x->id,
		id);
}

static int write_tasks_tx(struct turn *t, struct err *err)
{
	const struct json *a;

	strvec_clear(&t->kinds);
	strvec_clear(&t->refs);
	json_each(a, t->actions)
	{
		if (!strcmp(json_get_str(a, "action"), "cancel")) {
			if (cancel_task_tx(t, json_get_str(a, "id"), err))
				return -1;
			continue;
		}
		strvec_push(&t->kinds, "");
		strvec_push(&t->refs, "");
		if (start_task_tx(t, a, err))
			return -1;
	}
	return 0;
}

/* Tasks that were told of are no longer in flight: their rows go. */
static int forget_tasks_tx(struct turn *t, const struct states_message *m, struct err *err)
{
	for (; m; m = m->next) {
		if (m->tell != STATES_SUCCEEDED && m->tell != STATES_FAILED)
			continue;
		if (sql_run(t->cloud->db, NULL, err,
			    "DELETE FROM states_task WHERE execution = ? AND id = ?", "is",
			    t->x->id, m->task))
			return -1;
	}
	return 0;
}

static int write_row_tx(struct turn *t, struct err *err)
{
	struct asl_run *run = t->x->run;
	enum asl_status status = asl_run_status(run);
	/* what did not succeed can be redriven from where it stopped */
	bool keep = status != ASL_SUCCEEDED && (!t->ended || !t->x->express);
	char *state = keep ? states_print(asl_run_state(run)) : NULL;
	char *output = status == ASL_SUCCEEDED ? states_print(asl_run_output(run)) : NULL;
	int ret = sql_run(t->cloud->db, NULL, err,
		"UPDATE states_execution SET status = ?, state = ?, output = ?, error = ?, cause = "
		"?, "
		"stopped_ms = ? WHERE id = ?",
		"sssssii", asl_status_name(status), state, output, asl_run_error(run),
		asl_run_cause(run), t->ended ? t->now : 0, t->x->id);

	free(state);
	free(output);
	return ret;
}

static int tell_tx(struct turn *t, struct err *err)
{
	if (t->begins && states_tell_tx(t->cloud, t->x, ASL_RUNNING, t->now, err))
		return -1;
	return t->ended ? states_tell_tx(t->cloud, t->x, asl_run_status(t->x->run), t->now, err)
			: 0;
}

static int write_turn(struct turn *t, const struct states_message *messages, struct err *err)
{
	int ret = -1;

	if (local_tx_begin(t->cloud, err))
		return -1;
	if (forget_tasks_tx(t, messages, err) || write_events_tx(t, err) ||
		write_tasks_tx(t, err) || write_row_tx(t, err) || tell_tx(t, err))
		goto out;
	if (t->ended && (sql_run(t->cloud->db, NULL, err,
				 "DELETE FROM states_task WHERE execution = ?", "i", t->x->id) ||
				sql_run(t->cloud->db, NULL, err,
					"DELETE FROM states_activity_task WHERE execution = ?", "i",
					t->x->id) ||
				states_machine_reap_tx(t->cloud, t->x->revision->machine_arn, err)))
		goto out;
	ret = local_tx_commit(t->cloud, err);
out:
	local_tx_end(t->cloud);
	return ret;
}

/* Until it is written; false: the cloud is stopping, and the next start goes on from what was written last. */
static bool write_for_sure(struct turn *t, const struct states_message *messages)
{
	for (bool said = false;; said = true) {
		struct err err = ERR_INIT;
		int ret = write_turn(t, messages, &err);

		if (ret && !said)
			log_warn("execution %s cannot be written: %s", t->x->arn, err.text);
		err_release(&err);
		if (!ret)
			return true;
		if (!local_wait_until(t->cloud, local_now_ms(t->cloud) + 1000))
			return false;
	}
}

static bool is_told(const struct states_message *m, const char *task)
{
	for (; m; m = m->next)
		if ((m->tell == STATES_SUCCEEDED || m->tell == STATES_FAILED) &&
			!strcmp(m->task, task))
			return true;
	return false;
}

static bool is_among(const struct json *actions, const char *task)
{
	const struct json *a;

	json_each(a, actions) if (!strcmp(json_get_str(a, "id"), task)) return true;
	return false;
}

/* The tasks that an end leaves behind, as cancel actions. */
static void cancel_tasks_left(struct turn *t, const struct states_message *messages)
{
	struct err ignored = ERR_INIT;
	struct sql_stmt *st;
	struct json *a;

	if (local_tx_begin(t->cloud, &ignored))
		goto out;
	st = sql_query(t->cloud->db, &ignored, "SELECT id FROM states_task WHERE execution = ?",
		"i", t->x->id);
	while (st && sql_step(st, &ignored) > 0) {
		if (is_told(messages, sql_text(st, 0)) || is_among(t->actions, sql_text(st, 0)))
			continue;
		a = json_object();
		json_set_str(a, "action", "cancel");
		json_set_str(a, "id", sql_text(st, 0));
		json_push(t->actions, a);
	}
	sql_done(st);
out:
	local_tx_end(t->cloud);
	err_release(&ignored);
}

static void tell_end(struct local_cloud *cloud, struct states_exec *x)
{
	struct states_end end = {.arn = x->arn,
		.map_run_arn = x->map_run_arn,
		.status = asl_status_name(asl_run_status(x->run)),
		.output = asl_run_output(x->run),
		.error = asl_run_error(x->run),
		.cause = asl_run_cause(x->run)};

	if (x->map_run_arn)
		local_states_map_ended(cloud, &end);
	states_nudge(cloud, "execution", x->arn);
}

static void act(struct turn *t, bool again)
{
	struct json *a = json_first(t->actions), *next;
	size_t i = 0;

	for (; a; a = next, i++) {
		next = json_next(a);
		states_act(t->cloud, t->x, json_copy(a), *t->kinds.v[i] ? t->kinds.v[i] : NULL,
			*t->kinds.v[i] ? t->refs.v[i] : NULL, t->now, again);
	}
}

/* True: the execution has ended and everything is written. */
static bool take_turn(struct local_cloud *cloud, struct states_exec *x,
	struct states_message *messages, bool *written)
{
	struct turn t = {.cloud = cloud, .x = x, .now = local_now_ms(cloud)};
	bool doomed;

	strvec_init(&t.kinds);
	strvec_init(&t.refs);
	t.begins = !x->run || asl_run_status(x->run) != ASL_RUNNING;
	if (!x->run)
		begin_run(x);
	else if (t.begins)
		/* its row runs: see local_states_redrive.c */
		(void)asl_run_redrive(x->run, NULL);
	for (struct states_message *m = messages; m; m = m->next) {
		bool result = apply_message(x, m);

		if (m->wait)
			m->wait->result = result;
	}
	asl_run_tick(x->run);
	pthread_mutex_lock(&states_state(cloud)->lock);
	doomed = x->doomed;
	pthread_mutex_unlock(&states_state(cloud)->lock);
	if (doomed)
		(void)asl_run_abort(x->run, NULL, NULL);
	t.ended = asl_run_status(x->run) != ASL_RUNNING;
	t.events = asl_run_take_events(x->run);
	t.actions = asl_run_take_actions(x->run);
	if (t.ended)
		cancel_tasks_left(&t, messages);
	*written = write_for_sure(&t, messages);
	if (*written) {
		states_log_events(cloud, x, t.events);
		if (t.begins || t.ended)
			states_told(cloud, x);
		act(&t, false);
	}
	json_free(t.events);
	json_free(t.actions);
	strvec_release(&t.kinds);
	strvec_release(&t.refs);
	return t.ended && *written;
}

/* --- the driving threads --- */

/* Under the lock. */
static struct states_exec *next_ready(struct states_state *s)
{
	struct states_exec *x;

	while (!s->ready && !s->stopping)
		pthread_cond_wait(&s->work, &s->lock);
	if (s->stopping)
		return NULL;
	x = s->ready;
	s->ready = x->next_ready;
	if (!s->ready)
		s->ready_last = &s->ready;
	x->queued = false;
	x->busy = true;
	return x;
}

static struct states_message *take_messages(struct states_exec *x)
{
	struct states_message *list = x->messages;

	x->messages = NULL;
	x->last = &x->messages;
	return list;
}

/* Under the lock: whoever waits learns of it, and the list is freed. */
static void messages_done(struct states_state *s, struct states_message *list, bool written)
{
	struct states_message *next;

	for (; list; list = next) {
		next = list->next;
		if (list->wait) {
			list->wait->done = true;
			if (!written)
				list->wait->result = false;
		}
		message_release(list);
		free(list);
	}
	pthread_cond_broadcast(&s->told);
}

static void remove_live(struct states_state *s, struct states_exec *x)
{
	char key[32];

	key_of(x->id, key, sizeof(key));
	map_remove(&s->live, key);
}

/* Under the lock. */
static void sleep_until_due(
	struct local_cloud *cloud, struct states_state *s, struct states_exec *x)
{
	x->due = asl_run_due(x->run);
	if (x->due == 0) {
		x->due = -1;
		make_ready(s, x);
	}
	if (x->due < 0 || (s->timer_until >= 0 && x->due >= s->timer_until))
		return;
	s->timer_until = x->due;
	local_wake_all(cloud);
}

static void drive(struct local_cloud *cloud, struct states_state *s, struct states_exec *x)
{
	struct states_message *messages = take_messages(x);
	bool ended, written;

	pthread_mutex_unlock(&s->lock);
	ended = take_turn(cloud, x, messages, &written);
	if (ended)
		tell_end(cloud, x);
	pthread_mutex_lock(&s->lock);
	x->begun = true;
	messages_done(s, messages, written);
	x->busy = false;
	if (ended) {
		x->ended = true;
		remove_live(s, x);
		messages_done(s, take_messages(x), false);
		pthread_cond_broadcast(&s->told);
		pthread_mutex_unlock(&s->lock);
		exec_free(cloud, x);
		pthread_mutex_lock(&s->lock);
		return;
	}
	sleep_until_due(cloud, s, x);
	for (struct states_message *m = x->messages; m; m = m->next) {
		if (m->tell != STATES_STARTED) {
			make_ready(s, x);
			break;
		}
	}
}

void *states_driver_main(void *arg)
{
	struct local_cloud *cloud = arg;
	struct states_state *s = states_state(cloud);
	struct states_exec *x;

	pthread_mutex_lock(&s->lock);
	while ((x = next_ready(s)))
		drive(cloud, s, x);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

void states_live_clear(struct local_cloud *cloud)
{
	struct states_state *s = states_state(cloud);
	struct states_call *call;
	struct map_entry *e;

	map_for_each(&s->live, e)
	{
		struct states_exec *x = e->value;

		pthread_mutex_lock(&s->lock);
		messages_done(s, take_messages(x), false);
		pthread_mutex_unlock(&s->lock);
		exec_free(cloud, x);
	}
	while ((call = s->call)) {
		s->call = call->next;
		states_call_free(call);
	}
	map_release(&s->live);
}

/* --- time --- */

/* Under the lock: what is due becomes ready; gives when the next one is. */
static int64_t wake_due(struct states_state *s, int64_t now)
{
	struct map_entry *e;
	int64_t next = -1;

	map_for_each(&s->live, e)
	{
		struct states_exec *x = e->value;

		if (x->due < 0)
			continue;
		if (x->due <= now) {
			x->due = -1;
			make_ready(s, x);
			if (x->busy)
				x->due = now + 10;
		}
		if (x->due >= 0 && (next < 0 || x->due < next))
			next = x->due;
	}
	return next;
}

void *states_timer_main(void *arg)
{
	struct local_cloud *cloud = arg;
	struct states_state *s = states_state(cloud);
	unsigned long wakes;
	int64_t now, next, looked = local_now_ms(cloud);

	do {
		wakes = local_wakes(cloud);
		now = local_now_ms(cloud);
		if (now - looked >= LOOK_AGAIN_MS) {
			states_nudge_all(cloud);
			looked = now;
		}
		pthread_mutex_lock(&s->lock);
		next = wake_due(s, now);
		s->timer_until = next;
		if (next < 0 || next > now + LOOK_AGAIN_MS)
			next = now + LOOK_AGAIN_MS;
		pthread_mutex_unlock(&s->lock);
	} while (local_wait_since(cloud, next, wakes));
	return NULL;
}

/* --- coming to life --- */

static int load_tx(
	struct local_cloud *cloud, int64_t id, struct states_exec *x, char **state, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT arn, name, revision, express, state, input, map_run_arn, trace, "
		"started_ms, "
		"redrive_count FROM states_execution WHERE id = ?",
		"i", id);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		x->arn = sql_text_dup(st, 0);
		x->name = sql_text_dup(st, 1);
		x->revision = states_revision_get_tx(cloud, sql_text(st, 2), err);
		x->express = sql_int(st, 3) != 0;
		*state = sql_text_dup(st, 4);
		x->input = sql_text_dup(st, 5);
		x->map_run_arn = sql_text_dup(st, 6);
		x->trace = sql_text_dup(st, 7);
		x->started_ms = sql_int(st, 8);
		x->redrives = sql_int(st, 9);
	}
	sql_done(st);
	if (row == 0)
		err_set(err, ERR_NOT_FOUND, "there is no execution %lld", (long long)id);
	return row > 0 && x->revision ? 0 : -1;
}

static int restore(struct states_exec *x, const char *state, struct err *err)
{
	struct json *doc = states_parse(state);

	x->run = asl_run_restore(x->revision->definition, doc, &x->host, err);
	json_free(doc);
	return x->run ? 0 : -1;
}

/* Tasks in flight are started again; each says what it was following. */
static void start_again(struct local_cloud *cloud, struct states_exec *x)
{
	struct json *tasks = asl_run_tasks(x->run), *a, *next;

	for (a = json_first(tasks); a; a = next) {
		struct err ignored = ERR_INIT;
		char *kind = NULL, *ref = NULL;
		int64_t called_ms = 0;
		struct sql_stmt *st = NULL;

		next = json_next(a);
		if (!local_tx_begin(cloud, &ignored))
			st = sql_query(cloud->db, &ignored,
				"SELECT kind, ref, called_ms FROM states_task WHERE execution = ? "
				"AND "
				"id = ?",
				"is", x->id, json_get_str(a, "id"));
		if (st && sql_step(st, &ignored) > 0) {
			kind = sql_text_dup(st, 0);
			ref = sql_text_dup(st, 1);
			called_ms = sql_int(st, 2);
		}
		sql_done(st);
		local_tx_end(cloud);
		states_act(cloud, x, json_copy(a), kind, ref, called_ms, true);
		free(kind);
		free(ref);
		err_release(&ignored);
	}
	json_free(tasks);
}

int states_live_add(struct local_cloud *cloud, int64_t id, bool again, struct err *err)
{
	struct states_state *s = states_state(cloud);
	struct states_exec *x = xcalloc(1, sizeof(*x));
	struct states_arn arn = {0};
	char *state = NULL, key[32];
	int ret;

	x->id = id;
	x->due = -1;
	x->last = &x->messages;
	ret = local_tx_begin(cloud, err);
	if (!ret)
		ret = load_tx(cloud, id, x, &state, err);
	local_tx_end(cloud);
	if (!ret)
		ret = states_arn_parse(x->arn, "execution|express", &arn, err);
	if (ret)
		goto fail;
	x->region = xstrdup(arn.region);
	x->host = (struct asl_host){.now_ms = host_now, .payload = cloud, .region = x->region};
	if (state && restore(x, state, err))
		goto fail;
	key_of(id, key, sizeof(key));
	pthread_mutex_lock(&s->lock);
	x->busy = true;
	map_put(&s->live, key, x);
	pthread_mutex_unlock(&s->lock);
	if (again && x->run)
		start_again(cloud, x);
	pthread_mutex_lock(&s->lock);
	x->busy = false;
	make_ready(s, x);
	pthread_mutex_unlock(&s->lock);
	states_arn_release(&arn);
	free(state);
	return 0;
fail:
	states_arn_release(&arn);
	exec_free(cloud, x);
	free(state);
	return -1;
}
