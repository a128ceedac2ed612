#include "transit_chunk.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "joblog.h"
#include "transit_keys.h"

#define FIRST_POLL_MS 250
#define NOW "(now() AT TIME ZONE 'UTC')"
#define TOUCHED ", updated_at = date_trunc('second', now() AT TIME ZONE 'UTC')"
/* Of two numbers: ours, and the chunk's. */
#define LOCK "(29810, (id % 2147483647)::int)"
#define TAKE_UP "(29812, 0)"

struct transit_chunk {
	char *id, *load_ids, *run_id;
	long long attempts, max_attempts;
	bool adopted;                        /* its run may be there already */
	int64_t until_ms, next_ms, pause_ms; /* of the monotonic clock */
};

static int64_t now_ms(void)
{
	const struct clock *clock = clock_system();

	return clock->mono_ms(clock);
}

static void release(struct transit_chunk *k)
{
	free(k->id);
	free(k->load_ids);
	free(k->run_id);
}

void transit_chunks_drop(struct transit_chunks *c)
{
	for (size_t i = 0; i < c->nr; i++)
		release(&c->v[i]);
	free(c->v);
	c->v = NULL;
	c->nr = c->alloc = 0;
}

/* --- loads to chunks --- */

static int add_chunk(
	struct transit_chunks *c, const char *load_ids, long long max_attempts, struct err *err)
{
	char *max = xasprintf("%lld", max_attempts);
	const char *const values[] = {load_ids, max};
	int ret = pg_query(c->pg,
		"INSERT INTO cubic_ingest_chunks (state, load_ids, max_attempts) VALUES "
		"('available', $1::bigint[], $2::int)",
		values, 2, NULL, err);

	free(max);
	return ret;
}

/* Rows: id and size, in order. */
static int chunk_up(struct transit_chunks *c, const struct pg_rows *rows,
	enum transit_status from_status, struct err *err)
{
	int64_t *sizes = xcalloc(rows->nr_rows + 1, sizeof(*sizes));
	struct strbuf all = STRBUF_INIT;
	size_t from = 0;
	int ret = 0;

	for (size_t i = 0; i < rows->nr_rows; i++)
		sizes[i] = transit_value(rows->v[i * 2 + 1], 0);
	while (from < rows->nr_rows && ret == 0) {
		size_t end = transit_chunk_end(sizes, rows->nr_rows, from);
		struct strbuf ids = STRBUF_INIT;

		for (; from < end; from++) {
			transit_add_id(&ids, rows->v[from * 2]);
			transit_add_id(&all, rows->v[from * 2]);
		}
		ret = add_chunk(c, ids.buf, c->max_attempts, err);
		strbuf_release(&ids);
	}
	if (ret == 0 && from_status != LOAD_INGESTING)
		ret = transit_set_status(c->pg, all.buf, from_status, LOAD_INGESTING, NULL, err);
	strbuf_release(&all);
	free(sizes);
	return ret;
}

static int make(struct transit_chunks *c, const char *sql, enum transit_status from, size_t *nr,
	struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	int ret = pg_begin(c->pg, err);

	/* Loads that are taken up are not changed: only the next statement of who waits here sees another's chunks. */
	if (ret == 0 && from == LOAD_INGESTING)
		ret = pg_exec(c->pg, "SELECT pg_advisory_xact_lock" TAKE_UP, err);
	if (ret == 0)
		ret = pg_query(c->pg, sql, NULL, 0, &rows, err);
	*nr = rows.nr_rows;
	if (ret == 0 && rows.nr_rows)
		ret = chunk_up(c, &rows, from, err);
	if (ret == 0)
		ret = pg_commit(c->pg, err);
	if (ret != 0)
		pg_rollback(c->pg);
	if (ret == 0 && *nr)
		job_log(JOB_INFO, from == LOAD_INGESTING ? "taken-up" : "ingesting", "loads=%zu",
			*nr);
	pg_rows_release(&rows);
	return ret;
}

#define LOADS                                                                                 \
	"SELECT l.id, l.s3_size FROM cubic_loads l JOIN cubic_tables t ON t.id = l.table_id " \
	"WHERE "                                                                              \
	"l.deleted_at IS NULL AND l.status = "
#define IN_ORDER " ORDER BY l.s3_modified, l.s3_key, l.id LIMIT 1000 FOR UPDATE OF l SKIP LOCKED"

int transit_chunks_make(struct transit_chunks *c, size_t *nr, struct err *err)
{
	return make(c, LOADS "'ready_for_ingesting'" IN_ORDER, LOAD_READY_FOR_INGESTING, nr, err);
}

int transit_chunks_take_up(struct transit_chunks *c, size_t *nr, struct err *err)
{
	/* The lock is that of an ingest job which was started for the one load (ingest_event.c). */
	static const char sql[] =
		"WITH lost AS MATERIALIZED (" LOADS
		"'ingesting' AND NOT EXISTS (SELECT 1 FROM cubic_ingest_chunks WHERE state IN "
		"('available', 'executing') AND l.id = ANY (load_ids))" IN_ORDER
		") SELECT id, s3_size FROM lost WHERE pg_try_advisory_xact_lock(hashtext('ingest "
		"load'), (id % 2147483647)::int)";

	return make(c, sql, LOAD_INGESTING, nr, err);
}

/* --- chunks to work on --- */

static void take(struct transit_chunks *c, char **row)
{
	int64_t now = now_ms();

	ALLOC_GROW(c->v, c->nr + 1, c->alloc);
	c->v[c->nr++] = (struct transit_chunk){.id = xstrdup(row[0]),
		.load_ids = xstrdup(row[1]),
		.attempts = transit_value(row[2], 0),
		.max_attempts = transit_value(row[3], 1),
		.run_id = xstrdup(row[4]),
		.until_ms = now + c->timeout_s * 1000 - transit_value(row[5], 0) * 1000,
		.next_ms = now,
		.pause_ms = FIRST_POLL_MS};
}

static bool is_ours(const struct transit_chunks *c, const char *id)
{
	for (size_t i = 0; i < c->nr; i++)
		if (strcmp(c->v[i].id, id) == 0)
			return true;
	return false;
}

/* A lock of the session's own is had again when it is asked for again: then there are two to give back. */
static int try_lock(struct transit_chunks *c, const char *id, bool *got, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	int ret;

	*got = false;
	if (is_ours(c, id))
		return 0;
	ret = pg_query(c->pg,
		"SELECT pg_try_advisory_lock" LOCK " FROM (SELECT $1::bigint AS id) x", &id, 1,
		&rows, err);
	*got = ret == 0 && *rows.v[0] == 't';
	pg_rows_release(&rows);
	return ret;
}

static int adopt(struct transit_chunk *k)
{
	k->adopted = true;
	job_log(JOB_WARN, "adopted", "chunk=%s run=%s", k->id, k->run_id ? k->run_id : "-");
	return 0;
}

static int begin_attempt(struct transit_chunks *c, struct transit_chunk *k, struct err *err)
{
	const char *id = k->id;

	k->attempts++;
	k->until_ms = now_ms() + c->timeout_s * 1000;
	free(k->run_id);
	k->run_id = NULL;
	return pg_query(c->pg,
		"UPDATE cubic_ingest_chunks SET state = 'executing', attempts = attempts + 1, "
		"run_id = NULL, attempted_at = " NOW TOUCHED " WHERE id = $1::bigint",
		&id, 1, NULL, err);
}

/* Of a state, those that nobody works on. Under the row's lock its owner has noted how it ended before the lock is had. */
static int take_state(struct transit_chunks *c, const char *where, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	char *sql = xasprintf(
		"SELECT id, load_ids, attempts, max_attempts, run_id, extract(epoch FROM " NOW
		" - attempted_at)::bigint, state FROM cubic_ingest_chunks WHERE %s ORDER BY "
		"scheduled_at, id LIMIT 100 FOR UPDATE SKIP LOCKED",
		where);
	int ret = pg_begin(c->pg, err);

	if (ret == 0)
		ret = pg_query(c->pg, sql, NULL, 0, &rows, err);
	for (size_t i = 0; ret == 0 && i < rows.nr_rows && c->nr < (size_t)c->at_once; i++) {
		char **row = &rows.v[i * 7];
		const char *id = row[0];
		bool got;

		ret = try_lock(c, id, &got, err);
		if (ret != 0 || !got)
			continue;
		take(c, row);
		ret = strcmp(row[6], "executing") == 0 ? adopt(&c->v[c->nr - 1])
						       : begin_attempt(c, &c->v[c->nr - 1], err);
	}
	if (ret == 0)
		ret = pg_commit(c->pg, err);
	if (ret != 0)
		pg_rollback(c->pg);
	pg_rows_release(&rows);
	free(sql);
	return ret;
}

static int take_some(struct transit_chunks *c, struct err *err)
{
	if (c->nr < (size_t)c->at_once && take_state(c, "state = 'executing'", err) != 0)
		return -1;
	if (c->nr < (size_t)c->at_once &&
		take_state(c, "state = 'available' AND scheduled_at <= " NOW, err) != 0)
		return -1;
	return 0;
}

/* --- one chunk --- */

static void pause_for(const struct transit_chunks *c, struct transit_chunk *k)
{
	k->next_ms = now_ms() + k->pause_ms;
	k->pause_ms *= 2;
	if (k->pause_ms > c->poll_s * 1000)
		k->pause_ms = c->poll_s * 1000;
}

static int set_state(struct transit_chunks *c, const struct transit_chunk *k, const char *state,
	long long in_s, const char *error, struct err *err)
{
	char *wait = xasprintf("%lld seconds", in_s), *attempts = xasprintf("%lld", k->attempts);
	const char *const values[] = {k->id, state, wait, error, attempts};
	int ret = pg_query(c->pg,
		"UPDATE cubic_ingest_chunks SET state = $2, scheduled_at = " NOW
		" + $3::interval, error = $4, attempts = $5::int" TOUCHED " WHERE id = $1::bigint",
		values, 5, NULL, err);

	free(wait);
	free(attempts);
	return ret;
}

static int unlock(struct transit_chunks *c, const struct transit_chunk *k, struct err *err)
{
	const char *id = k->id;

	return pg_query(c->pg, "SELECT pg_advisory_unlock" LOCK " FROM (SELECT $1::bigint AS id) x",
		&id, 1, NULL, err);
}

/* The loads that are still to be ingested, each by itself: one that cannot be shall not take others along. */
static int part(struct transit_chunks *c, const struct transit_loads *l, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < l->nr && ret == 0; i++) {
		struct strbuf id = STRBUF_INIT;

		transit_add_id(&id, l->v[i].id);
		if (l->v[i].status == LOAD_INGESTING)
			ret = add_chunk(c, id.buf, 1, err);
		strbuf_release(&id);
	}
	return ret;
}

static size_t count_ingesting(const struct transit_loads *l)
{
	size_t nr = 0;

	for (size_t i = 0; i < l->nr; i++)
		nr += l->v[i].status == LOAD_INGESTING;
	return nr;
}

static int discard(
	struct transit_chunks *c, const struct transit_chunk *k, const char *why, struct err *err)
{
	struct transit_loads l = TRANSIT_LOADS_INIT;
	int ret = transit_loads_read(c->pg, k->load_ids, &l, err);
	size_t left = count_ingesting(&l);

	if (ret == 0 && left > 1)
		ret = part(c, &l, err);
	else if (ret == 0)
		ret = transit_set_status(
			c->pg, k->load_ids, LOAD_INGESTING, LOAD_READY_FOR_ERRORING, NULL, err);
	if (ret == 0)
		ret = set_state(c, k, "discarded", 0, why, err);
	for (size_t i = 0; ret == 0 && left == 1 && i < l.nr; i++)
		if (l.v[i].status == LOAD_INGESTING)
			job_log(JOB_WARN, "not-ingested", "load=%s key=\"%s\" reason=\"%s\"",
				l.v[i].id, l.v[i].key, why);
	transit_loads_release(&l);
	return ret;
}

static int complete(struct transit_chunks *c, const struct transit_chunk *k, struct err *err)
{
	int ret = transit_set_status(
		c->pg, k->load_ids, LOAD_INGESTING, LOAD_READY_FOR_ARCHIVING, NULL, err);

	return ret == 0 ? set_state(c, k, "completed", 0, NULL, err) : ret;
}

enum end { END_COMPLETED, END_FAILED, END_SNOOZED };

/* Notes an attempt's end and gives the chunk out of hand. */
static int end_attempt(struct transit_chunks *c, struct transit_chunk *k, enum end how,
	const char *why, struct err *err)
{
	int ret = pg_begin(c->pg, err);

	if (how == END_SNOOZED)
		k->attempts--;
	if (ret == 0 && how == END_COMPLETED)
		ret = complete(c, k, err);
	else if (ret == 0 && how == END_FAILED && k->attempts >= k->max_attempts)
		ret = discard(c, k, why, err);
	else if (ret == 0)
		ret = set_state(
			c, k, "available", how == END_FAILED ? c->retry_s : c->snooze_s, why, err);
	if (ret == 0)
		ret = pg_commit(c->pg, err);
	if (ret == 0)
		ret = unlock(c, k, err);
	if (ret != 0) {
		pg_rollback(c->pg);
		return -1;
	}
	if (how == END_FAILED)
		job_log(JOB_WARN, "attempt-failed", "chunk=%s attempt=%lld of=%lld reason=\"%s\"",
			k->id, k->attempts, k->max_attempts, why);
	else
		job_log(JOB_INFO, how == END_COMPLETED ? "ingested" : "snoozed", "chunk=%s run=%s",
			k->id, k->run_id ? k->run_id : "-");
	release(k);
	*k = (struct transit_chunk){0};
	return 0;
}

/* Its time counts from when it runs. */
static int put_off(struct transit_chunks *c, struct transit_chunk *k, struct err *err)
{
	const char *id = k->id;

	k->until_ms = now_ms() + c->timeout_s * 1000;
	return pg_query(c->pg,
		"UPDATE cubic_ingest_chunks SET attempted_at = " NOW TOUCHED " WHERE id = "
		"$1::bigint",
		&id, 1, NULL, err);
}

static int note_run(struct transit_chunks *c, const struct transit_chunk *k, struct err *err)
{
	const char *const values[] = {k->id, k->run_id};

	return pg_query(c->pg,
		"UPDATE cubic_ingest_chunks SET run_id = $2" TOUCHED " WHERE id = $1::bigint",
		values, 2, NULL, err);
}

/* There may be a run already: another is started when it is known that there is none. */
static int look_for_it_later(
	const struct transit_chunks *c, struct transit_chunk *k, const struct err *why)
{
	job_log(JOB_WARN, "unsure", "chunk=%s attempt=%lld error=\"%s\"", k->id, k->attempts,
		why->text);
	k->adopted = true;
	pause_for(c, k);
	return 0;
}

static int start(struct transit_chunks *c, struct transit_chunk *k, const struct transit_loads *l,
	struct err *err)
{
	char *attempt = xasprintf("%s.%lld", k->id, k->attempts);
	bool unsure = false;
	char *input =
		transit_payload_input(l, LOAD_INGESTING, c->incoming, c->springboard, c->prefix);
	struct err why = ERR_INIT;
	bool busy = false;
	int ret = 0;

	if (k->adopted) {
		ret = transit_run_find(&c->glue, attempt, &k->run_id, &why);
		unsure = ret != 0;
	}
	if (ret == 0 && !k->run_id) {
		ret = transit_run_start(&c->glue, c->env, input, attempt, &k->run_id, &busy, &why);
		unsure = ret != 0 && why.code == ERR_AMBIGUOUS;
		if (ret == 0 && !busy)
			ret = put_off(c, k, &why);
	}
	if (why.code == ERR_INTERRUPTED) {
		err_move(err, &why);
		ret = -1;
	} else if (unsure && (transit_run_is_busy(&why) || now_ms() < k->until_ms)) {
		ret = look_for_it_later(c, k, &why);
	} else if (busy || transit_run_is_busy(&why)) {
		ret = end_attempt(c, k, END_SNOOZED, "the job cannot be started now", err);
	} else if (ret != 0) {
		char *text = err_format(&why);

		ret = end_attempt(c, k, END_FAILED, text, err);
		free(text);
	} else {
		ret = note_run(c, k, err);
		job_log(JOB_INFO, "started", "chunk=%s attempt=%lld loads=%zu run=%s", k->id,
			k->attempts, count_ingesting(l), k->run_id);
	}
	err_release(&why);
	free(attempt);
	free(input);
	return ret;
}

static int begin(struct transit_chunks *c, struct transit_chunk *k, struct err *err)
{
	struct transit_loads l = TRANSIT_LOADS_INIT;
	int ret = transit_loads_read(c->pg, k->load_ids, &l, err);

	if (ret == 0 && count_ingesting(&l) == 0)
		ret = end_attempt(c, k, END_COMPLETED, NULL, err); /* ingest has noted all */
	else if (ret == 0)
		ret = start(c, k, &l, err);
	transit_loads_release(&l);
	return ret;
}

static int look(struct transit_chunks *c, struct transit_chunk *k, struct err *err)
{
	char *why = NULL;
	enum transit_run_state state = transit_run_state(&c->glue, k->run_id, &why);
	int ret = job_check_interrupt(err);

	if (ret == 0 && state == RUN_WAITS)
		ret = put_off(c, k, err);
	if (ret == 0 && state == RUN_SUCCEEDED) {
		ret = end_attempt(c, k, END_COMPLETED, NULL, err);
	} else if (ret == 0 && state == RUN_FAILED) {
		ret = end_attempt(c, k, END_FAILED, why, err);
	} else if (ret == 0 && now_ms() > k->until_ms) {
		transit_run_stop(&c->glue, k->run_id);
		ret = end_attempt(c, k, END_FAILED, "the run took too long", err);
	} else if (ret == 0) {
		pause_for(c, k);
	}
	free(why);
	return ret;
}

int transit_chunks_step(struct transit_chunks *c, struct err *err)
{
	size_t kept = 0;
	int ret = take_some(c, err);

	for (size_t i = 0; i < c->nr && ret == 0; i++) {
		struct transit_chunk *k = &c->v[i];

		if (now_ms() >= k->next_ms)
			ret = k->run_id ? look(c, k, err) : begin(c, k, err);
	}
	for (size_t i = 0; i < c->nr; i++)
		if (c->v[i].id)
			c->v[kept++] = c->v[i];
	c->nr = kept;
	return ret;
}

int transit_chunks_open(struct transit_chunks *c, bool *open, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	int ret = pg_query(c->pg,
		"SELECT EXISTS (SELECT 1 FROM cubic_ingest_chunks WHERE state = 'available')", NULL,
		0, &rows, err);

	*open = c->nr || (ret == 0 && *rows.v[0] == 't');
	pg_rows_release(&rows);
	return ret;
}
