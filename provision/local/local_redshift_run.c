/*
 * A statement's run: its plan carried out in a session of the namespace's process, and what came of it stored.
 *
 * A batch is one transaction (or one after the other, with AUTO_COMMIT); a single statement that needs several of DuckDB's
 * is one too. Where two transactions are at the same table Redshift lets one wait; DuckDB refuses it, and it is run again.
 */
#include "digest.h"
#include "local_events.h"
#include "local_glue.h"
#include "local_redshift.h"
#include "local_redshift_sql.h"
#include "log.h"

#define AT_ONCE 8
#define MAX_RESULT_BYTES (INT64_C(100) * 1024 * 1024)
#define CONFLICT_MS 60000

bool redshift_cancelled(struct redshift_statement *q)
{
	bool yes;

	pthread_mutex_lock(&q->lock);
	yes = q->cancelled;
	pthread_mutex_unlock(&q->lock);
	return yes || local_stopping(q->cloud);
}

/* --- in the session --- */

static int exec(struct redshift_session *s, const char *sql, struct err *err)
{
	struct json *req = json_object();

	json_set_str(req, "op", "run");
	json_set_str(req, "sql", sql);
	return redshift_session_call(s, req, NULL, err);
}

static int run_sql(struct redshift_statement *q, struct redshift_session *s, const char *sql,
	const char *output, struct json **reply, struct err *err)
{
	struct json *req = json_object();

	json_set_str(req, "op", "run");
	json_set_str(req, "sql", sql);
	json_set_str(req, "output", output);
	json_set_str(req, "format", q->format);
	json_set_i64(req, "max_bytes", MAX_RESULT_BYTES);
	return redshift_session_call(s, req, reply, err);
}

static int run_plan(struct redshift_statement *q, struct redshift_session *s,
	const struct rs_plan *plan, const char *output, struct json **reply, struct err *err)
{
	switch (plan->what) {
	case RS_COPY:
		return redshift_run_copy(q, s, &plan->copy, reply, err);
	case RS_UNLOAD:
		return redshift_run_unload(q, s, &plan->copy, plan->sql.v[0], reply, err);
	case RS_RUN:
		for (size_t i = 0; i < plan->sql.nr; i++) {
			json_free(*reply);
			*reply = NULL;
			if (run_sql(q, s, plan->sql.v[i], output, reply, err))
				return -1;
		}
		return 0;
	default:
		return 0;
	}
}

/* What the transaction's words do here. `open`: the user's own transaction is under way; NULL: the batch is one. */
static int run_words(struct redshift_session *s, enum rs_what what, bool *open, struct err *err)
{
	if (what == RS_BEGIN) {
		if (!open || *open)
			return 0; /* there is one: a warning in Redshift */
		*open = true;
		return exec(s, "BEGIN TRANSACTION", err);
	}
	if (!open)
		return rs_refuse(err, "COMMIT or ROLLBACK in a batch that is one transaction");
	if (!*open)
		return 0;
	*open = false;
	return exec(s, what == RS_COMMIT ? "COMMIT" : "ROLLBACK", err);
}

/* The plan, in a transaction of its own where it needs one and none is open. */
static int run_alone(struct redshift_statement *q, struct redshift_session *s,
	const struct rs_plan *plan, bool inside, const char *output, struct json **reply,
	struct err *err)
{
	bool wrap = !inside && (plan->what == RS_COPY || plan->sql.nr > 1);
	struct err ignored = ERR_INIT;
	int r;

	if (wrap && exec(s, "BEGIN TRANSACTION", err))
		return -1;
	r = run_plan(q, s, plan, output, reply, err);
	if (wrap && !r)
		r = exec(s, "COMMIT", err);
	else if (wrap && exec(s, "ROLLBACK", &ignored))
		err_release(&ignored);
	return r;
}

/* One statement's text; the error is in Redshift's words, but for a conflict, which is seen by the caller first. */
static int run_text(struct redshift_statement *q, struct redshift_session *s, const char *sql,
	bool *open, bool inside, const char *output, struct json **reply, struct err *err)
{
	struct rs_plan plan = RS_PLAN_INIT;
	int r = rs_plan(sql, q->parameters, &plan, err);

	*reply = NULL;
	if (!r && (plan.what == RS_BEGIN || plan.what == RS_COMMIT || plan.what == RS_ROLLBACK))
		r = run_words(s, plan.what, open, err);
	else if (!r)
		r = run_alone(q, s, &plan, inside || (open && *open), output, reply, err);
	rs_plan_release(&plan);
	return r;
}

static bool is_conflict(const struct err *err)
{
	return err->text &&
	       (strstr(err->text, "write-write conflict") || strstr(err->text, "Conflict on") ||
		       strstr(err->text, "conflict on") ||
		       strstr(err->text, "Transaction conflict"));
}

/* Before the next try; false: enough. */
static bool pause_for(struct redshift_statement *q, int64_t until_ms)
{
	const struct clock *system = clock_system();
	unsigned char dice;

	digest_random(&dice, 1);
	if (redshift_cancelled(q) || system->mono_ms(system) >= until_ms)
		return false;
	system->sleep_ms(system, 5 + dice / 8);
	return true;
}

static int64_t give_up_ms(void)
{
	return clock_system()->mono_ms(clock_system()) + CONFLICT_MS;
}

static void to_redshift(const char *sql, struct err *err)
{
	char *text = is_conflict(err)
			     ? xstrdup("ERROR: 1023 DETAIL: Serializable isolation violation on "
				       "table in Redshift")
			     : rs_error(err->text ? err->text : "the statement failed", sql);

	err_set(err, ERR_INVALID, "%s", text);
	free(text);
}

/* --- what came of it --- */

static void store_columns(struct redshift_statement *q, const char *id, const struct json *columns)
{
	struct err err = ERR_INIT;
	char *text = glue_text(columns);

	if (local_tx_begin(q->cloud, &err) == 0) {
		if (sql_run(q->cloud->db, NULL, &err,
			    "INSERT OR REPLACE INTO redshift_result (id, columns) VALUES (?, ?)",
			    "ss", id, text) ||
			local_tx_commit(q->cloud, &err))
			log_warn("statement %s: %s", id, err.text);
		local_tx_end(q->cloud);
	}
	err_release(&err);
	free(text);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A statement's or sub-statement's figures from the worker's reply. */
static void describe(struct json *doc, const struct json *reply, int64_t begun_ns)
{
	bool rows = json_get(reply, "columns") != NULL;

	json_set_i64(doc, "Duration", now_ns() - begun_ns);
	json_set_bool(doc, "HasResultSet", rows);
	json_set_i64(doc, "ResultRows", json_get_i64(reply, "rows", 0));
	json_set_i64(doc, "ResultSize", json_get_i64(reply, "bytes", 0));
}

static void no_result(struct json *doc)
{
	json_set_bool(doc, "HasResultSet", false);
	json_set_i64(doc, "ResultRows", -1);
	json_set_i64(doc, "ResultSize", -1);
}

static void finished(struct redshift_statement *q, const char *id, struct json *doc,
	const struct json *reply, int64_t begun_ns)
{
	describe(doc, reply, begun_ns);
	if (json_get(reply, "columns"))
		store_columns(q, id, json_get(reply, "columns"));
}

/* --- one --- */

static int run_single(
	struct redshift_statement *q, struct redshift_session *s, struct json *doc, struct err *err)
{
	const char *sql = json_str(json_at(q->sqls, 0));
	char *output = redshift_result_path(q->cloud, q->id);
	int64_t until = give_up_ms(), begun = now_ns();
	struct json *reply = NULL;
	bool open = false;
	int r;

	while ((r = run_text(q, s, sql, &open, false, output, &reply, err)) && is_conflict(err) &&
		pause_for(q, until))
		err_release(err);
	if (r)
		to_redshift(sql, err);
	else
		finished(q, q->id, doc, reply, begun);
	json_free(reply);
	free(output);
	return r;
}

/* --- a batch --- */

static char *sub_id(const struct redshift_statement *q, size_t i)
{
	return xasprintf("%s:%zu", q->id, i + 1);
}

static struct json *sub_doc(const struct redshift_statement *q, size_t i)
{
	struct json *sub = json_object();
	char *id = sub_id(q, i);
	int64_t now = local_now_ms(q->cloud);

	json_set_str(sub, "Id", id);
	json_set_str(sub, "QueryString", json_str(json_at(q->sqls, i)));
	json_set_str(sub, "Status", "ABORTED");
	json_set_i64(sub, "RedshiftQueryId", -1);
	glue_set_time(sub, "CreatedAt", now);
	glue_set_time(sub, "UpdatedAt", now);
	no_result(sub);
	free(id);
	return sub;
}

/* Fills `subs` with one document for each; *failed is the one that failed. */
static int run_subs(struct redshift_statement *q, struct redshift_session *s, struct json *subs,
	size_t *failed, struct err *err)
{
	bool open = false;
	size_t nr = json_len(q->sqls);
	int r = 0;

	for (size_t i = 0; i < nr; i++) {
		const char *sql = json_str(json_at(q->sqls, i));
		struct json *sub = sub_doc(q, i), *reply = NULL;
		char *id = sub_id(q, i), *output = redshift_result_path(q->cloud, id);
		int64_t begun = now_ns();

		json_push(subs, sub);
		if (!r && !(r = run_text(q, s, sql, q->auto_commit ? &open : NULL, !q->auto_commit,
				    output, &reply, err))) {
			json_set_str(sub, "Status", "FINISHED");
			finished(q, id, sub, reply, begun);
		} else if (*failed == nr) {
			*failed = i;
		}
		json_free(reply);
		free(output);
		free(id);
	}
	return r;
}

static int run_transaction(struct redshift_statement *q, struct redshift_session *s,
	struct json *subs, size_t *failed, struct err *err)
{
	struct err ignored = ERR_INIT;
	int r;

	if (q->auto_commit)
		return run_subs(q, s, subs, failed, err);
	if (exec(s, "BEGIN TRANSACTION", err))
		return -1;
	r = run_subs(q, s, subs, failed, err);
	if (!r)
		r = exec(s, "COMMIT", err);
	else if (exec(s, "ROLLBACK", &ignored))
		err_release(&ignored);
	return r;
}

static void batch_error(
	struct redshift_statement *q, struct json *subs, size_t failed, struct err *err)
{
	struct json *sub = json_at(subs, failed);
	char *text;

	to_redshift(sub ? json_get_str(sub, "QueryString") : "", err);
	if (!sub)
		return;
	if (!redshift_cancelled(q)) {
		json_set_str(sub, "Status", "FAILED");
		json_set_str(sub, "Error", err->text);
	}
	text = xasprintf("Query #%zu failed with %s", failed + 1, err->text);
	err_set(err, ERR_INVALID, "%s", text);
	free(text);
}

static int run_batch(
	struct redshift_statement *q, struct redshift_session *s, struct json *doc, struct err *err)
{
	int64_t until = give_up_ms(), begun = now_ns();
	struct json *subs = NULL, *e;
	size_t failed;
	int r;
	bool any = false;

	for (;;) {
		json_free(subs);
		subs = json_array();
		failed = json_len(q->sqls);
		r = run_transaction(q, s, subs, &failed, err);
		if (!r || q->auto_commit || !is_conflict(err) || !pause_for(q, until))
			break;
		err_release(err);
	}
	if (r)
		batch_error(q, subs, failed, err);
	json_each(e, subs) any |= json_get_truth(e, "HasResultSet", false);
	json_set_i64(doc, "Duration", now_ns() - begun);
	json_set_bool(doc, "HasResultSet", any);
	json_set(doc, "SubStatements", subs);
	return r;
}

/* --- the task --- */

/* Waits for a slot; false when the cloud stops. */
static bool enter(struct redshift_statement *q)
{
	struct redshift_state *s = redshift_state(q->cloud);
	bool go;

	pthread_mutex_lock(&s->lock);
	while (s->running >= AT_ONCE && !s->stopping && !q->cancelled)
		pthread_cond_wait(&s->changed, &s->lock);
	s->running++;
	go = !s->stopping;
	pthread_mutex_unlock(&s->lock);
	return go;
}

static void leave(struct redshift_statement *q)
{
	struct redshift_state *s = redshift_state(q->cloud);

	pthread_mutex_lock(&s->lock);
	s->running--;
	s->nr_active--;
	for (struct redshift_statement **p = &s->active; *p; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			break;
		}
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void state(struct redshift_statement *q, const char *status, struct json *changes)
{
	struct redshift_state *s = redshift_state(q->cloud);
	struct err err = ERR_INIT;

	if (redshift_store_state(q, status, changes, &err))
		log_warn("statement %s: %s", q->id, err.text);
	pthread_mutex_lock(&s->lock);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	err_release(&err);
}

/* The session is where a cancel finds it, for as long as it is open. */
static struct redshift_session *open_session(struct redshift_statement *q, struct err *err)
{
	struct redshift_session *s =
		redshift_session_open(q->cloud, q->namespace_id, q->database, err);

	pthread_mutex_lock(&q->lock);
	q->session = s;
	pthread_mutex_unlock(&q->lock);
	if (!s && err->text && !starts_with(err->text, "ERROR"))
		err_wrap(err, "ERROR: the warehouse does not start");
	return s;
}

static void close_session(struct redshift_statement *q, struct redshift_session *s)
{
	pthread_mutex_lock(&q->lock);
	q->session = NULL;
	pthread_mutex_unlock(&q->lock);
	redshift_session_close(s);
}

static int execute(struct redshift_statement *q, struct json *doc, struct err *err)
{
	struct redshift_session *s;
	int r;

	if (q->failed)
		return err_set(err, ERR_INVALID, "%s", q->failed);
	s = open_session(q, err);
	if (!s)
		return -1;
	r = q->batch ? run_batch(q, s, doc, err) : run_single(q, s, doc, err);
	close_session(q, s);
	return r;
}

/* "Redshift Data Statement Status Change", for those who asked for it. */
static void tell(struct redshift_statement *q, const char *status, const struct json *doc)
{
	struct json *detail = json_object(), *resources = json_array();

	json_push_str(resources, q->workgroup_arn);
	json_set_str(detail, "principal", q->who.arn);
	json_set_str(detail, "statementName", q->name ? q->name : "");
	json_set_str(detail, "statementId", q->id);
	json_set_i64(detail, "redshiftQueryId", -1);
	json_set_str(detail, "state", status);
	json_set_i64(detail, "rows", json_get_i64(doc, "ResultRows", -1));
	json_set_i64(detail, "expireAt", local_now_ms(q->cloud) / 1000 + 86400);
	if (q->with_event)
		local_event_put(q->cloud, "aws.redshift-data",
			"Redshift Data Statement Status Change", resources, detail);
	json_free(resources);
	json_free(detail);
}

static void finish(struct redshift_statement *q, const char *status, struct json *doc)
{
	state(q, status, doc);
	tell(q, status, doc);
}

void redshift_run(struct local_cloud *cloud, void *payload)
{
	struct redshift_statement *q = payload;
	struct json *doc = json_object();
	struct err err = ERR_INIT;
	int r = -1;

	no_result(doc);
	if (enter(q) && !redshift_cancelled(q)) {
		state(q, "PICKED", NULL);
		state(q, "STARTED", NULL);
		r = execute(q, doc, &err);
	}
	if (!r) {
		finish(q, "FINISHED", doc);
	} else if (local_stopping(cloud)) {
		; /* the next start says how it ended */
	} else if (redshift_cancelled(q)) {
		finish(q, "ABORTED", doc);
	} else {
		json_set_str(doc, "Error", err.text);
		finish(q, "FAILED", doc);
	}
	leave(q);
	json_free(doc);
	err_release(&err);
	redshift_statement_free(q);
}

/* --- the list --- */

void redshift_statement_free(struct redshift_statement *q)
{
	free(q->id);
	free(q->namespace_id);
	free(q->namespace_name);
	free(q->workgroup);
	free(q->database);
	free(q->region);
	free(q->name);
	free(q->workgroup_arn);
	free(q->failed);
	json_free(q->sqls);
	json_free(q->parameters);
	local_principal_release(&q->who);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

void redshift_launch(struct local_cloud *cloud, struct redshift_statement *q)
{
	struct redshift_state *s = redshift_state(cloud);

	pthread_mutex_lock(&s->lock);
	q->next = s->active;
	s->active = q;
	s->nr_active++;
	pthread_mutex_unlock(&s->lock);
	local_task_spawn(cloud, redshift_run, q);
}

bool redshift_cancel(struct local_cloud *cloud, const char *id, const char *workgroup)
{
	struct redshift_state *s = redshift_state(cloud);
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (struct redshift_statement *q = s->active; q; q = q->next) {
		if ((id && strcmp(q->id, id) != 0) ||
			(workgroup && strcmp(q->workgroup, workgroup) != 0))
			continue;
		found = true;
		pthread_mutex_lock(&q->lock);
		q->cancelled = true;
		if (q->session)
			redshift_session_cancel(q->session);
		pthread_mutex_unlock(&q->lock);
	}
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return found;
}

bool redshift_wait_change(struct local_cloud *cloud, int64_t until_mono_ms)
{
	struct redshift_state *s = redshift_state(cloud);
	struct timespec until = {
		.tv_sec = until_mono_ms / 1000, .tv_nsec = (until_mono_ms % 1000) * 1000000};
	bool stopping;

	pthread_mutex_lock(&s->lock);
	if (!s->stopping)
		pthread_cond_timedwait(&s->changed, &s->lock, &until);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return !stopping;
}
