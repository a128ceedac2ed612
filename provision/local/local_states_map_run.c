/*
 * Map runs at work: one thread starts children, counts ends, stops what is to be stopped, writes results and tells the task. All that
 * is known is in the store (local_states_map_rows.h), so that a run goes on after a restart from where its rows are.
 */
#include <pthread.h>

#include "local_iam.h"
#include "local_states_live.h"
#include "local_states_map_work.h"
#include "log.h"
#include "xalloc.h"

/* AWS starts up to 10000 children at a time; here each may be a process. */
#define CONCURRENCY_MAX 1000

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS states_map_run (id INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT "
	"NOT "
	"NULL UNIQUE, execution INTEGER NOT NULL REFERENCES states_execution(id) ON DELETE "
	"CASCADE, "
	"execution_arn TEXT NOT NULL, machine_arn TEXT NOT NULL, role_arn TEXT, task TEXT NOT "
	"NULL, "
	"state TEXT NOT NULL, label TEXT NOT NULL, action TEXT NOT NULL, status TEXT NOT NULL, "
	"phase "
	"TEXT NOT NULL, outcome TEXT, error TEXT, cause TEXT, express INTEGER NOT NULL, most "
	"INTEGER "
	"NOT NULL, tolerated INTEGER NOT NULL, tolerated_percentage REAL NOT NULL, started_ms "
	"INTEGER "
	"NOT NULL, stopped_ms INTEGER NOT NULL DEFAULT 0, redrive_count INTEGER NOT NULL DEFAULT "
	"0, "
	"redrive_ms INTEGER NOT NULL DEFAULT 0, written INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX IF NOT EXISTS states_map_run_execution ON states_map_run (execution, task);"
	"CREATE INDEX IF NOT EXISTS states_map_run_arn ON states_map_run (execution_arn, id);"
	"CREATE TABLE IF NOT EXISTS states_map_child (run INTEGER NOT NULL REFERENCES "
	"states_map_run(id) "
	"ON DELETE CASCADE, number INTEGER NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL, "
	"items "
	"INTEGER NOT NULL, status TEXT NOT NULL, arn TEXT, output TEXT, error TEXT, cause TEXT, "
	"started_ms INTEGER NOT NULL DEFAULT 0, stopped_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY "
	"(run, number)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS states_map_child_status ON states_map_child (run, status);";

struct state {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct strvec queue; /* run ids */
	pthread_t thread;
	bool runs, stopping, working;
};

static void *state_new(void)
{
	struct state *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	strvec_init(&s->queue);
	return s;
}

static void state_free(void *state)
{
	struct state *s = state;

	if (!s)
		return;
	strvec_release(&s->queue);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void map_kick(struct local_cloud *cloud, int64_t run)
{
	struct state *s = local_part_state(cloud, &local_states_map_part);
	char id[32];

	snprintf(id, sizeof(id), "%lld", (long long)run);
	pthread_mutex_lock(&s->lock);
	if (!strvec_has(&s->queue, id))
		strvec_push(&s->queue, id);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* --- rows --- */

void map_run_release(struct map_run *r)
{
	free(r->arn);
	free(r->execution_arn);
	free(r->machine_arn);
	free(r->role_arn);
	free(r->task);
	free(r->state);
	free(r->label);
	free(r->status);
	free(r->phase);
	free(r->outcome);
	free(r->error);
	free(r->cause);
	json_free(r->action);
	*r = (struct map_run){0};
}

static void read_run(struct sql_stmt *st, struct map_run *r)
{
	r->id = sql_int(st, 0);
	r->arn = sql_text_dup(st, 1);
	r->execution = sql_int(st, 2);
	r->execution_arn = sql_text_dup(st, 3);
	r->machine_arn = sql_text_dup(st, 4);
	r->role_arn = sql_text_dup(st, 5);
	r->task = sql_text_dup(st, 6);
	r->state = sql_text_dup(st, 7);
	r->label = sql_text_dup(st, 8);
	r->action = states_parse(sql_text(st, 9));
	r->status = sql_text_dup(st, 10);
	r->phase = sql_text_dup(st, 11);
	r->outcome = sql_text_dup(st, 12);
	r->error = sql_text_dup(st, 13);
	r->cause = sql_text_dup(st, 14);
	r->express = sql_int(st, 15) != 0;
	r->most = sql_int(st, 16);
	r->tolerated = sql_int(st, 17);
	r->tolerated_percentage = sql_double(st, 18);
	r->redrives = sql_int(st, 19);
}

#define RUN_COLUMNS                                                                             \
	"SELECT id, arn, execution, execution_arn, machine_arn, role_arn, task, state, label, " \
	"action, status, phase, outcome, error, cause, express, most, tolerated, "              \
	"tolerated_percentage, redrive_count FROM states_map_run WHERE "

static int found(struct sql_stmt *st, struct map_run *out, struct err *err)
{
	int row = st ? sql_step(st, err) : -1;

	*out = (struct map_run){0};
	if (row > 0)
		read_run(st, out);
	sql_done(st);
	return row;
}

int map_run_by_arn_tx(
	struct local_cloud *cloud, const char *arn, struct map_run *out, struct err *err)
{
	return found(sql_query(cloud->db, err, RUN_COLUMNS "arn = ?", "s", arn), out, err);
}

int map_run_by_task_tx(struct local_cloud *cloud, int64_t execution, const char *task,
	struct map_run *out, struct err *err)
{
	return found(sql_query(cloud->db, err, RUN_COLUMNS "execution = ? AND task = ?", "is",
			     execution, task),
		out, err);
}

static int map_run_by_id_tx(
	struct local_cloud *cloud, int64_t id, struct map_run *out, struct err *err)
{
	return found(sql_query(cloud->db, err, RUN_COLUMNS "id = ?", "i", id), out, err);
}

static int count_tx(struct local_cloud *cloud, int64_t run, struct map_counts *c, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT status, count(*), sum(items) FROM states_map_child WHERE run = ? GROUP BY "
		"status",
		"i", run);
	const char *status;
	int row = -1;

	*c = (struct map_counts){0};
	while (st && (row = sql_step(st, err)) > 0) {
		status = sql_text(st, 0);
		c->children += sql_int(st, 1);
		c->items += sql_int(st, 2);
		if (!strcmp(status, "RUNNING"))
			c->running += sql_int(st, 1);
		else if (starts_with(status, "PENDING"))
			c->pending += sql_int(st, 1);
		else if (strcmp(status, "SUCCEEDED") != 0)
			c->failed_items += sql_int(st, 2);
	}
	sql_done(st);
	return row;
}

/* --- what is to be done next --- */

/* Too many items failed. */
static bool is_exceeded(const struct map_run *r, const struct map_counts *c)
{
	bool none = r->tolerated < 0 && r->tolerated_percentage < 0;

	if (none)
		return c->failed_items > 0;
	return (r->tolerated >= 0 && c->failed_items > r->tolerated) ||
	       (r->tolerated_percentage >= 0 && c->items &&
		       (double)c->failed_items * 100 / (double)c->items > r->tolerated_percentage);
}

static int set_phase_tx(struct local_cloud *cloud, const struct map_run *r, const char *phase,
	const char *outcome, const char *error, const char *cause, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"UPDATE states_map_run SET phase = ?, outcome = ?, error = ?, cause = ? WHERE id = "
		"?",
		"ssssi", phase, outcome, error, cause, r->id);
}

enum next { NEXT_WAIT, NEXT_CHILD, NEXT_STOP, NEXT_END, NEXT_GONE };

struct turn {
	struct local_cloud *cloud;
	int64_t id;
	struct map_run run;
	struct map_counts counts;
	enum next next;
	/* the child that is to be started */
	int64_t number, items;
	char *name, *input, *arn;
	bool again;
};

static void turn_release(struct turn *t)
{
	map_run_release(&t->run);
	free(t->name);
	free(t->input);
	free(t->arn);
}

/* Takes the next child; its row says RUNNING from now on. */
static int take_child_tx(struct turn *t, struct err *err)
{
	struct sql_stmt *st = sql_query(t->cloud->db, err,
		"SELECT number, name, input, items, arn, status FROM states_map_child WHERE run = "
		"? "
		"AND status IN ('PENDING', 'PENDING_REDRIVE') ORDER BY number LIMIT 1",
		"i", t->id);
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		t->number = sql_int(st, 0);
		t->name = sql_text_dup(st, 1);
		t->input = sql_text_dup(st, 2);
		t->items = sql_int(st, 3);
		t->arn = sql_text_dup(st, 4);
		t->again = !strcmp(sql_text(st, 5), "PENDING_REDRIVE") && t->arn && !t->run.express;
		t->next = NEXT_CHILD;
	}
	sql_done(st);
	if (row > 0 && !t->again && t->arn) {
		/* an express child is not redriven but made anew */
		free(t->name);
		t->name = local_uuid();
		free(t->arn);
		t->arn = NULL;
	}
	if (row > 0)
		row = sql_run(t->cloud->db, NULL, err,
			"UPDATE states_map_child SET status = 'RUNNING', name = ?, arn = ?, error "
			"= "
			"NULL, cause = NULL, started_ms = ?, stopped_ms = 0 WHERE run = ? AND "
			"number = ?",
			"ssiii", t->name, t->arn, local_now_ms(t->cloud), t->id, t->number);
	return row;
}

static int look_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct turn *t = payload;
	struct map_run *r = &t->run;
	int64_t most;
	int row = map_run_by_id_tx(cloud, t->id, r, err);

	t->next = row ? NEXT_WAIT : NEXT_GONE;
	if (row <= 0)
		return row;
	if (!strcmp(r->phase, "READ") || !strcmp(r->phase, "DONE"))
		return 0;
	if (count_tx(cloud, r->id, &t->counts, err) != 0)
		return -1;
	if (!strcmp(r->phase, "STOP")) {
		t->next = t->counts.running ? NEXT_STOP : NEXT_END;
		return 0;
	}
	if (is_exceeded(r, &t->counts)) {
		t->next = NEXT_STOP;
		return set_phase_tx(cloud, r, "STOP", "FAILED",
			"States.ExceedToleratedFailureThreshold",
			"The specified tolerated failure threshold was exceeded", err);
	}
	most = r->most && r->most < CONCURRENCY_MAX ? r->most : CONCURRENCY_MAX;
	if (!t->counts.pending && !t->counts.running)
		t->next = NEXT_END;
	else if (t->counts.pending && t->counts.running < most)
		return take_child_tx(t, err);
	return 0;
}

/* --- children --- */

struct child_end {
	int64_t run, number;
	const char *arn, *status, *error, *cause;
};

static int child_failed_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct child_end *e = payload;

	return sql_run(cloud->db, NULL, err,
		"UPDATE states_map_child SET status = ?, error = ?, cause = ?, arn = coalesce(?, "
		"arn), "
		"stopped_ms = ? WHERE run = ? AND number = ?",
		"ssssiii", e->status, e->error, e->cause, e->arn, local_now_ms(cloud), e->run,
		e->number);
}

static int child_named_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct child_end *e = payload;

	return sql_run(cloud->db, NULL, err,
		"UPDATE states_map_child SET arn = ? WHERE run = ? AND number = ?", "sii", e->arn,
		e->run, e->number);
}

static void parent_definition(struct turn *t, struct json **out)
{
	struct err ignored = ERR_INIT;
	struct sql_stmt *st;

	*out = NULL;
	if (local_tx_begin(t->cloud, &ignored) == 0) {
		st = sql_query(t->cloud->db, &ignored,
			"SELECT r.definition FROM states_execution e JOIN states_revision r ON "
			"r.id = "
			"e.revision WHERE e.id = ?",
			"i", t->run.execution);
		if (st && sql_step(st, &ignored) > 0)
			*out = states_parse(sql_text(st, 0));
		sql_done(st);
		local_tx_end(t->cloud);
	}
	err_release(&ignored);
}

static int start_new(struct turn *t, struct err *err)
{
	struct json *definition, *input = states_parse(t->input);
	struct states_start s = {.machine_arn = t->run.machine_arn,
		.name = t->name,
		.input = input,
		.map_run_arn = t->run.arn,
		.label = t->run.label,
		.role_arn = t->run.role_arn,
		.express = t->run.express,
		.items = t->items};
	struct child_end named = {.run = t->id, .number = t->number};
	char *arn = NULL;
	int rc;

	parent_definition(t, &definition);
	s.definition = asl_map_definition(definition, t->run.state);
	rc = states_start(t->cloud, &s, &arn, NULL, err);
	named.arn = arn;
	if (rc == 0)
		rc = local_tx(t->cloud, child_named_tx, &named, err);
	free(arn);
	json_free(input);
	json_free(definition);
	return rc;
}

static void start_child(struct turn *t)
{
	struct err err = ERR_INIT, ignored = ERR_INIT;
	struct child_end e = {.run = t->id, .number = t->number, .status = "FAILED"};

	if ((t->again ? states_redrive_child(t->cloud, t->arn, &err) : start_new(t, &err)) != 0) {
		e.error = err_name(&err);
		e.cause = err.text;
		if (local_tx(t->cloud, child_failed_tx, &e, &ignored) != 0)
			log_error("map run %s: %s", t->run.arn, ignored.text);
	}
	err_release(&err);
	err_release(&ignored);
}

/* Children that run are stopped; they end by themselves, which is heard of. */
static void stop_children(struct turn *t)
{
	struct strvec arns = STRVEC_INIT;
	struct err ignored = ERR_INIT;
	struct sql_stmt *st;

	if (local_tx_begin(t->cloud, &ignored) == 0) {
		st = sql_query(t->cloud->db, &ignored,
			"SELECT arn FROM states_map_child WHERE run = ? AND status = 'RUNNING' AND "
			"arn "
			"IS NOT NULL",
			"i", t->id);
		while (st && sql_step(st, &ignored) > 0)
			strvec_push(&arns, sql_text(st, 0));
		sql_done(st);
		local_tx_end(t->cloud);
	}
	for (size_t i = 0; i < arns.nr; i++) {
		err_release(&ignored);
		/* one that is over already has told so, or will */
		if (states_stop(t->cloud, arns.v[i], NULL, NULL, NULL, &ignored) != 0)
			continue;
	}
	strvec_release(&arns);
	err_release(&ignored);
}

/* --- the end --- */

struct ending {
	const struct map_run *run;
	const char *status, *error, *cause;
	bool written;
};

static int end_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct ending *e = payload;

	return sql_run(cloud->db, NULL, err,
		"UPDATE states_map_run SET phase = 'DONE', status = ?, error = ?, cause = ?, "
		"stopped_ms = ?, written = ? WHERE id = ?",
		"sssiii", e->status, e->error, e->cause, local_now_ms(cloud), (int64_t)e->written,
		e->run->id);
}

/* The principal that reads and writes: the role of the machine. */
int map_principal(struct local_cloud *cloud, const struct map_run *r, struct local_principal *who,
	struct err *err)
{
	struct states_task t = {.cloud = cloud,
		.execution = r->execution,
		.id = r->task,
		.action = r->action,
		.execution_arn = r->execution_arn,
		.machine_arn = r->machine_arn,
		.role_arn = r->role_arn};

	return states_principal(&t, who, err);
}

struct json *map_results(struct local_cloud *cloud, const struct map_run *r, struct err *err)
{
	struct local_principal who = {0};
	struct json *out;

	if (map_principal(cloud, r, &who, err) != 0)
		return NULL;
	out = map_write(cloud, &who, r, err);
	local_principal_release(&who);
	return out;
}

static void end_run(struct turn *t)
{
	const struct map_run *r = &t->run;
	struct ending e = {.run = r, .status = r->outcome ? r->outcome : "SUCCEEDED"};
	struct err err = ERR_INIT, ignored = ERR_INIT;
	bool wanted = strcmp(e.status, "ABORTED") != 0;
	struct json *out = wanted ? map_results(t->cloud, r, &err) : NULL;

	e.error = r->error;
	e.cause = r->cause;
	e.written = out && json_get(json_get(r->action, "writer"), "resource");
	if (!out && wanted && !e.error) {
		e.status = "FAILED";
		e.error = err_name(&err);
		e.cause = err.text;
	}
	if (local_tx(t->cloud, end_tx, &e, &ignored) != 0)
		log_error("map run %s: %s", r->arn, ignored.text);
	else if (!strcmp(e.status, "SUCCEEDED"))
		states_task_succeeded(t->cloud, r->execution, r->task, json_copy(out));
	else if (wanted)
		states_task_failed(t->cloud, r->execution, r->task, e.error, e.cause);
	json_free(out);
	err_release(&err);
	err_release(&ignored);
}

/* True: there is more to do at once. */
static bool work(struct local_cloud *cloud, int64_t id)
{
	struct turn t = {.cloud = cloud, .id = id};
	struct err err = ERR_INIT;
	enum next next = NEXT_WAIT;

	if (local_tx(cloud, look_tx, &t, &err) != 0) {
		log_error("map run %lld: %s", (long long)id, err.text);
	} else {
		next = t.next;
		if (next == NEXT_CHILD)
			start_child(&t);
		else if (next == NEXT_STOP)
			stop_children(&t);
		else if (next == NEXT_END)
			end_run(&t);
	}
	/* the phase has changed: none may be left that could end */
	if (next == NEXT_STOP && !t.counts.running)
		next = NEXT_CHILD;
	turn_release(&t);
	err_release(&err);
	return next == NEXT_CHILD;
}

static void *thread_main(void *payload)
{
	struct local_cloud *cloud = payload;
	struct state *s = local_part_state(cloud, &local_states_map_part);
	int64_t id;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		s->working = false;
		if (!s->queue.nr) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		id = strtoll(s->queue.v[0], NULL, 10);
		strvec_remove(&s->queue, 0);
		s->working = true;
		pthread_mutex_unlock(&s->lock);
		/* one child each in turn, so that a long run does not hold up the others */
		if (work(cloud, id))
			map_kick(cloud, id);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int start(struct local_cloud *cloud, struct err *err)
{
	struct state *s = local_part_state(cloud, &local_states_map_part);

	s->runs = !pthread_create(&s->thread, NULL, thread_main, cloud);
	return s->runs ? 0 : err_errno(err, "start a thread");
}

static void stop(struct local_cloud *cloud)
{
	struct state *s = local_part_state(cloud, &local_states_map_part);

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->runs)
		pthread_join(s->thread, NULL);
}

static bool busy(struct local_cloud *cloud)
{
	struct state *s = local_part_state(cloud, &local_states_map_part);
	bool any;

	pthread_mutex_lock(&s->lock);
	any = s->queue.nr || s->working;
	pthread_mutex_unlock(&s->lock);
	return any;
}

/* --- ends of children --- */

static int ended_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct map_ended *m = payload;
	const struct states_end *e = m->end;
	struct sql_stmt *st = sql_query(
		cloud->db, err, "SELECT id FROM states_map_run WHERE arn = ?", "s", e->map_run_arn);
	int row = st ? sql_step(st, err) : -1;
	char *output = states_print(e->output);

	m->run = row > 0 ? sql_int(st, 0) : 0;
	sql_done(st);
	if (row > 0)
		row = sql_run(cloud->db, NULL, err,
			"UPDATE states_map_child SET status = ?, output = ?, error = ?, cause = ?, "
			"arn = "
			"?, stopped_ms = ? WHERE run = ? AND status = 'RUNNING' AND (arn = ? OR "
			"(arn IS "
			"NULL AND instr(?, name) > 0))",
			"sssssiiss", e->status, output, e->error, e->cause, e->arn,
			local_now_ms(cloud), m->run, e->arn, e->arn);
	free(output);
	return row;
}

void local_states_map_ended(struct local_cloud *cloud, const struct states_end *end)
{
	struct map_ended m = {.end = end};
	struct err err = ERR_INIT;

	if (local_tx(cloud, ended_tx, &m, &err) != 0)
		log_error("map run %s: %s", end->map_run_arn, err.text);
	else if (m.run)
		map_kick(cloud, m.run);
	err_release(&err);
}

const struct local_part local_states_map_part = {
	.name = "states-map",
	.schema = schema,
	.start = start,
	.stop = stop,
	.busy = busy,
	.state_new = state_new,
	.state_free = state_free,
};
