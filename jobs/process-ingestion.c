/*
 * process-ingestion: hands loads that are ready to the ingest job, in chunks, sees its runs to their end, and moves files to the archive or
 * to the errors. A pass goes on until nothing is left to do. Any number of workers may be at work: a load is claimed under its row's lock,
 * what is under way is held by locks of the worker's session.
 */
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "joblog.h"
#include "thrdpool.h"
#include "transit_chunk.h"

#define MOVES "100"
#define MOVE_THREADS 8
#define PAUSE_MS 250
/* Of two numbers: ours, and the load's. */
#define LOCK "(29811, (id % 2147483647)::int)"

static const struct job_arg args[] = {
	{"INCOMING", "bucket, prefix or folder that holds cubic/", JOB_REQUIRED},
	{"ARCHIVE", "where files go that were ingested", JOB_REQUIRED},
	{"ERROR", "where files go that were not", JOB_REQUIRED},
	{"SPRINGBOARD", "where ingest writes", JOB_REQUIRED},
	{"PREFIX", "stands before every key, and in none of the database", JOB_OPTIONAL},
	{"INCOMING_DATABASE", "the catalog's database of the incoming tables", JOB_REQUIRED},
	{"SPRINGBOARD_DATABASE", "the catalog's database of what ingest writes", JOB_REQUIRED},
	{"INGEST_JOB", "the Glue job that ingests", JOB_REQUIRED},
	{"RETRY", "moves that failed, and what a worker left behind, are tried again", JOB_FLAG},
	{"AT_ONCE", "runs of the ingest job at once (default: 5)", JOB_OPTIONAL},
	{"ATTEMPTS", "runs for a chunk of loads (default: 3)", JOB_OPTIONAL},
	{"RUN_TIMEOUT", "seconds for a run (default: 900)", JOB_OPTIONAL},
	{"RETRY_SECONDS", "pause after a failed run (default: 15)", JOB_OPTIONAL},
	{"SNOOZE_SECONDS", "pause when Glue has no room for a run (default: 60)", JOB_OPTIONAL},
	{"POLL_SECONDS", "the longest pause between looks at a run (default: 30)", JOB_OPTIONAL},
	TRANSIT_LOOP_ARGS,
	PG_JOB_ARGS,
	{0},
};

struct ingestion {
	struct transit_places places;
	struct place springboard;
	struct transit_chunks chunks;
	struct job *job;
	struct pg *pg;
	struct strbuf tried; /* loads whose moves this pass has had in hand */
};

/* --- moves --- */

static const struct {
	enum transit_status from;
	bool archive, retry;
} moves[] = {
	{LOAD_READY_FOR_ARCHIVING, true, false},
	{LOAD_READY_FOR_ERRORING, false, false},
	{LOAD_ARCHIVING, true, true},
	{LOAD_ARCHIVED_UNKNOWN, true, true},
	{LOAD_ERRORING, false, true},
	{LOAD_ERRORED_UNKNOWN, false, true},
};

static bool is_archive(enum transit_status s)
{
	return s == LOAD_READY_FOR_ARCHIVING || s == LOAD_ARCHIVING || s == LOAD_ARCHIVED_UNKNOWN;
}

static void add_statuses(const struct ingestion *in, struct strbuf *list)
{
	bool retry = job_args_flag(&in->job->args, "RETRY");

	for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
		if (retry || !moves[i].retry)
			transit_add_id(list, transit_status_name(moves[i].from));
}

/* Each load's lock, where no other session has it, in the order of the rows. */
static int lock_loads(struct ingestion *in, const char *ids, struct strbuf *got, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	int ret = pg_query(in->pg,
		"SELECT id, pg_try_advisory_lock" LOCK " FROM unnest($1::bigint[]) id", &ids, 1,
		&rows, err);

	for (size_t i = 0; i < rows.nr_rows; i++)
		if (*rows.v[i * 2 + 1] == 't')
			transit_add_id(got, rows.v[i * 2]);
	pg_rows_release(&rows);
	return ret;
}

static int unlock_loads(struct ingestion *in, const char *ids, struct err *err)
{
	return pg_query(in->pg, "SELECT pg_advisory_unlock" LOCK " FROM unnest($1::bigint[]) id",
		&ids, 1, NULL, err);
}

/* Rows under lock; every one of them counts as tried. While a newer load of the same key is to be ingested, the object is that one's. */
static int find_moves(struct ingestion *in, struct strbuf *ids, struct err *err)
{
	static const char sql[] =
		"SELECT l.id FROM cubic_loads l JOIN cubic_tables t ON t.id = l.table_id WHERE "
		"l.status = ANY ($1::text[]) AND l.deleted_at IS NULL AND l.id <> ALL "
		"($2::bigint[]) AND NOT EXISTS (SELECT 1 FROM cubic_loads n WHERE n.s3_key = "
		"l.s3_key AND n.s3_modified > l.s3_modified AND n.deleted_at IS NULL AND n.status "
		"IN ('ready', 'ready_for_ingesting', 'ingesting')) ORDER BY l.s3_modified, "
		"l.s3_key, l.id LIMIT $3::bigint FOR UPDATE OF l SKIP LOCKED";
	struct strbuf statuses = STRBUF_INIT;
	struct pg_rows rows = PG_ROWS_INIT;
	const char *values[3];
	int ret;

	add_statuses(in, &statuses);
	values[0] = statuses.buf;
	values[1] = in->tried.len ? in->tried.buf : "{}";
	values[2] = MOVES;
	ret = pg_query(in->pg, sql, values, 3, &rows, err);
	for (size_t i = 0; i < rows.nr_rows; i++) {
		transit_add_id(ids, rows.v[i]);
		transit_add_id(&in->tried, rows.v[i]);
	}
	strbuf_release(&statuses);
	pg_rows_release(&rows);
	return ret;
}

static int set_moving(struct ingestion *in, const struct transit_loads *l, struct err *err)
{
	int ret = 0;

	for (size_t m = 0; m < ARRAY_SIZE(moves) && ret == 0; m++) {
		struct strbuf ids = STRBUF_INIT;

		for (size_t i = 0; i < l->nr; i++)
			if (l->v[i].status == moves[m].from)
				transit_add_id(&ids, l->v[i].id);
		ret = transit_set_status(in->pg, ids.buf, moves[m].from,
			moves[m].archive ? LOAD_ARCHIVING : LOAD_ERRORING, NULL, err);
		strbuf_release(&ids);
	}
	return ret;
}

/* *any: there were loads, though none may be ours. */
static int claim_moves(struct ingestion *in, struct transit_loads *out, bool *any, struct err *err)
{
	struct strbuf ids = STRBUF_INIT, got = STRBUF_INIT;
	int ret = pg_begin(in->pg, err);

	*out = (struct transit_loads)TRANSIT_LOADS_INIT;
	if (ret == 0)
		ret = find_moves(in, &ids, err);
	*any = ids.len > 0;
	if (ret == 0 && ids.len)
		ret = lock_loads(in, ids.buf, &got, err);
	if (ret == 0)
		ret = transit_loads_read(in->pg, got.buf, out, err);
	if (ret == 0)
		ret = set_moving(in, out, err);
	if (ret == 0)
		ret = pg_commit(in->pg, err);
	if (ret != 0)
		pg_rollback(in->pg);
	strbuf_release(&ids);
	strbuf_release(&got);
	return ret;
}

struct move {
	struct ingestion *in;
	const struct transit_load *load;
	struct err err;
};

static void do_move(void *item, unused_arg size_t worker, unused_arg void *payload)
{
	struct move *m = item;

	if (job_check_interrupt(&m->err) == 0)
		(void)!transit_move(
			m->in->job, &m->in->places, m->load, is_archive(m->load->status), &m->err);
}

static int note_moves(struct ingestion *in, const struct move *done, size_t nr, struct err *err)
{
	static const enum transit_status ends[2][2] = {
		{LOAD_ERRORED, LOAD_ERRORED_UNKNOWN}, {LOAD_ARCHIVED, LOAD_ARCHIVED_UNKNOWN}};
	struct strbuf ids[2][2] = {{STRBUF_INIT, STRBUF_INIT}, {STRBUF_INIT, STRBUF_INIT}};
	struct strbuf all = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct move *m = &done[i];

		transit_add_id(&all, m->load->id);
		if (m->err.code == ERR_INTERRUPTED)
			continue; /* it stays under way, for a retry */
		transit_add_id(&ids[is_archive(m->load->status)][m->err.code != 0], m->load->id);
		if (m->err.code)
			job_log(JOB_WARN, "not-moved", "load=%s key=\"%s\" error=\"%s\"",
				m->load->id, m->load->key, m->err.text);
	}
	for (int a = 0; a < 2; a++)
		for (int failed = 0; failed < 2; failed++) {
			if (ret == 0)
				ret = transit_set_status(in->pg, ids[a][failed].buf,
					a ? LOAD_ARCHIVING : LOAD_ERRORING, ends[a][failed], NULL,
					err);
			if (ret == 0 && ids[a][failed].len)
				job_log(JOB_INFO, transit_status_name(ends[a][failed]),
					"loads=\"%s\"", ids[a][failed].buf);
			strbuf_release(&ids[a][failed]);
		}
	if (ret == 0)
		ret = unlock_loads(in, all.buf, err);
	strbuf_release(&all);
	return ret;
}

static int move_some(struct ingestion *in, bool *any, struct err *err)
{
	struct transit_loads l;
	struct move *done;
	void **items;
	int ret = claim_moves(in, &l, any, err);

	done = xcalloc(l.nr + 1, sizeof(*done));
	items = xcalloc(l.nr + 1, sizeof(*items));
	for (size_t i = 0; i < l.nr; i++) {
		done[i] = (struct move){in, &l.v[i], ERR_INIT};
		items[i] = &done[i];
	}
	if (ret == 0 && l.nr) {
		thrdpool_each(items, l.nr, MOVE_THREADS, do_move, NULL);
		ret = note_moves(in, done, l.nr, err);
	}
	for (size_t i = 0; i < l.nr; i++)
		err_release(&done[i].err);
	free(done);
	free(items);
	transit_loads_release(&l);
	return ret;
}

/* --- passes --- */

static int go_on(struct ingestion *in, struct err *err)
{
	const struct clock *clock = clock_system();
	size_t taken;

	if (job_args_flag(&in->job->args, "RETRY") &&
		transit_chunks_take_up(&in->chunks, &taken, err) != 0)
		return -1;
	for (;;) {
		bool moved = false, open = false;
		size_t made = 0;

		if (job_check_interrupt(err) != 0 ||
			transit_chunks_make(&in->chunks, &made, err) != 0 ||
			transit_chunks_step(&in->chunks, err) != 0 ||
			move_some(in, &moved, err) != 0 ||
			transit_chunks_open(&in->chunks, &open, err) != 0)
			return -1;
		if (!made && !moved && !open)
			return 0;
		if (!made && !moved)
			(void)clock->sleep_ms(clock, PAUSE_MS);
	}
}

static int pass(struct job *job, struct pg *pg, void *payload, struct err *err)
{
	struct ingestion *in = payload;
	int ret;

	in->job = in->chunks.job = in->chunks.glue.job = job;
	in->pg = in->chunks.pg = pg;
	ret = go_on(in, err);
	transit_chunks_drop(&in->chunks);
	strbuf_clear(&in->tried);
	return ret;
}

static int read_numbers(struct job *job, struct transit_chunks *c, struct err *err)
{
	const struct {
		const char *name;
		long long min, max, otherwise, *out;
	} numbers[] = {
		{"AT_ONCE", 1, 1000, 5, &c->at_once},
		{"ATTEMPTS", 1, 100, 3, &c->max_attempts},
		{"RUN_TIMEOUT", 1, 604800, 900, &c->timeout_s},
		{"RETRY_SECONDS", 0, 86400, 15, &c->retry_s},
		{"SNOOZE_SECONDS", 0, 86400, 60, &c->snooze_s},
		{"POLL_SECONDS", 1, 3600, 30, &c->poll_s},
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (transit_number(job, numbers[i].name, numbers[i].min, numbers[i].max,
			    numbers[i].otherwise, numbers[i].out, err) != 0)
			return -1;
	return 0;
}

static int read_places(struct job *job, struct ingestion *in, struct err *err)
{
	const struct {
		const char *name;
		struct place *out;
	} places[] = {
		{"INCOMING", &in->places.incoming},
		{"ARCHIVE", &in->places.archive},
		{"ERROR", &in->places.error},
		{"SPRINGBOARD", &in->springboard},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *what = xasprintf("--%s", places[i].name);
		int ret = place_parse(
			job_args_get(&job->args, places[i].name), what, places[i].out, err);

		free(what);
		if (ret != 0)
			return -1;
		for (size_t j = 0; j < i && j < 3 && i < 3; j++)
			if (strcmp(places[j].out->shown, places[i].out->shown) == 0)
				return err_set(err, ERR_USAGE, "--%s and --%s are one place, '%s'",
					places[j].name, places[i].name, places[i].out->shown);
	}
	return 0;
}

static int run(struct job *job, struct err *err)
{
	const char *prefix = job_args_get(&job->args, "PREFIX");
	struct ingestion in = {.tried = STRBUF_INIT};
	int ret = -1;

	in.chunks.prefix = in.places.prefix = prefix ? prefix : "";
	in.chunks.incoming = &in.places.incoming;
	in.chunks.springboard = &in.springboard;
	in.chunks.glue.name = job_args_get(&job->args, "INGEST_JOB");
	in.chunks.env = transit_payload_env(job_args_get(&job->args, "INCOMING_DATABASE"),
		job_args_get(&job->args, "SPRINGBOARD_DATABASE"));
	if (read_numbers(job, &in.chunks, err) == 0 && read_places(job, &in, err) == 0)
		ret = transit_loop(job, pass, &in, err);
	place_release(&in.places.incoming);
	place_release(&in.places.archive);
	place_release(&in.places.error);
	place_release(&in.springboard);
	strbuf_release(&in.tried);
	free(in.chunks.env);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"process-ingestion", args, run};

	return job_main(&program, argc, argv);
}
