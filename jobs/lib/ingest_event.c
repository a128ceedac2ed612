#include "ingest_event.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "clock.h"
#include "joblog.h"
#include "s3.h"
#include "transit_job.h"
#include "transit_keys.h"

#define UTC " AT TIME ZONE 'UTC'"

/* What the database knows, and the bucket. */
struct state {
	struct pg_rows table; /* id, name, is_raw, snapshots' id, snapshot, key of the snapshot */
	struct pg_rows load;  /* id, status, is_raw, snapshot */
	int64_t size, modified, snapshot; /* snapshot: -1: none is known */
	char *modified_text;
	bool ods;
};

static void state_release(struct state *s)
{
	pg_rows_release(&s->table);
	pg_rows_release(&s->load);
	free(s->modified_text);
}

/* Seconds, as S3 has them. */
static int head(
	struct ingest_event *e, const char *key, int64_t *size, int64_t *modified, struct err *err)
{
	char *full =
		xasprintf("%s%s%s", e->incoming.bucket ? e->incoming.root : "", e->prefix, key);
	char *path = e->incoming.bucket ? NULL : place_locate(&e->incoming, full);
	struct aws_client *aws = e->incoming.bucket ? job_aws(e->job, err) : NULL;
	struct s3_head found = S3_HEAD_INIT;
	struct stat st;
	int ret = -1;

	if (aws)
		ret = s3_head_object(aws, e->incoming.bucket, full, NULL, &found, err);
	else if (path && stat(path, &st) == 0)
		ret = 0;
	else if (path)
		err_errno(err, "cannot read it");
	if (ret == 0) {
		*size = aws ? found.size : st.st_size;
		*modified = aws ? found.modified_ms / 1000 : st.st_mtim.tv_sec;
	} else {
		err_wrap(err, "'%s%s%s'", e->incoming.shown, e->prefix, key);
	}
	s3_head_release(&found);
	free(full);
	free(path);
	return ret;
}

/* The table's row is locked until the transaction ends, as process-incoming does it. */
static int find_table(
	struct ingest_event *e, struct state *s, enum ingest_found *found, struct err *err)
{
	static const char sql[] =
		"SELECT t.id, t.name, t.is_raw, s.id, extract(epoch FROM s.snapshot)::bigint, "
		"s.snapshot_s3_key FROM cubic_tables t LEFT JOIN LATERAL (SELECT id, snapshot, "
		"snapshot_s3_key FROM cubic_ods_table_snapshots WHERE table_id = t.id AND "
		"deleted_at IS NULL ORDER BY id LIMIT 1) s ON true WHERE t.s3_prefix = $1 AND "
		"t.is_active AND t.deleted_at IS NULL FOR UPDATE OF t";
	char *folder = transit_folder(e->key), *with_slash = xasprintf("%s/", folder);
	char *prefix = transit_table_prefix(with_slash);
	const char *const values[] = {prefix};
	int ret = pg_query(e->pg, sql, values, 1, &s->table, err);

	if (ret == 0 && !s->table.nr_rows) {
		*found = INGEST_NO_TABLE;
		ret = err_set(err, ERR_NOT_FOUND, "no active table has the prefix '%s'", prefix);
	}
	if (ret == 0) {
		s->ods = s->table.v[3] != NULL;
		s->snapshot = transit_value(s->table.v[4], -1);
	}
	free(folder);
	free(with_slash);
	free(prefix);
	return ret;
}

static int find_load(struct ingest_event *e, struct state *s, struct err *err)
{
	const char *const values[] = {s->table.v[0], e->key, s->modified_text};

	return pg_query(e->pg,
		"SELECT l.id, l.status, l.is_raw, (SELECT extract(epoch FROM n.snapshot)::bigint "
		"FROM cubic_ods_load_snapshots n WHERE n.load_id = l.id AND n.deleted_at IS NULL "
		"ORDER BY n.id DESC LIMIT 1) FROM cubic_loads l WHERE l.table_id = $1::bigint AND "
		"l.s3_key = $2 AND l.s3_modified = to_timestamp($3::bigint)" UTC
		" AND l.deleted_at IS NULL ORDER BY l.id LIMIT 1 FOR UPDATE",
		values, 3, &s->load, err);
}

/* --- a load that is new --- */

/* Events come in any order: the snapshot's own may be behind this one's. */
static int find_snapshot(struct ingest_event *e, struct state *s, struct err *err)
{
	const char *key = s->table.v[5];
	int64_t size, modified = s->modified;
	char *text;
	int ret = 0;

	if (strcmp(key, e->key) != 0) {
		struct err why = ERR_INIT;

		if (head(e, key, &size, &modified, &why) != 0 && why.code != ERR_NOT_FOUND)
			ret = -1, err_move(err, &why);
		else if (why.code || modified > s->modified)
			modified = -1;
		err_release(&why);
	}
	if (ret != 0 || modified <= s->snapshot)
		return ret;
	s->snapshot = modified;
	text = xasprintf("%lld", (long long)modified);
	{
		const char *const values[] = {s->table.v[3], text};

		ret = pg_query(e->pg,
			"UPDATE cubic_ods_table_snapshots SET snapshot = "
			"to_timestamp($2::bigint)" UTC
			", updated_at = date_trunc('second', now()" UTC ") WHERE id = $1::bigint",
			values, 2, NULL, err);
	}
	free(text);
	return ret;
}

static int insert(struct ingest_event *e, struct state *s, bool ready, struct err *err)
{
	static const char sql[] =
		"WITH new AS (INSERT INTO cubic_loads (table_id, status, s3_key, s3_modified, "
		"s3_size, is_raw) VALUES ($1::bigint, $2, $3, to_timestamp($4::bigint)" UTC
		", $5::bigint, $6::boolean) RETURNING id, status, is_raw), snap AS (INSERT INTO "
		"cubic_ods_load_snapshots (load_id, snapshot) SELECT id, "
		"to_timestamp($7::bigint)" UTC " FROM new WHERE $8::boolean) SELECT id, status, "
		"is_raw, $7::bigint FROM new";
	char *size = xasprintf("%lld", (long long)s->size);
	char *snapshot = s->snapshot < 0 ? NULL : xasprintf("%lld", (long long)s->snapshot);
	const char *const values[] = {s->table.v[0],
		transit_status_name(ready ? LOAD_READY_FOR_INGESTING : LOAD_READY_FOR_ERRORING),
		e->key, s->modified_text, size, s->table.v[2], snapshot, s->ods ? "t" : "f"};
	int ret;

	pg_rows_release(&s->load);
	ret = pg_query(e->pg, sql, values, 8, &s->load, err);
	free(size);
	free(snapshot);
	return ret;
}

/* --- a claim --- */

#define LOCK "(hashtext('ingest load'), ($1::bigint % 2147483647)::int)"

/* Its lock is this session's until it is given back; another's means that it is under way there. A chunk is process-ingestion's. */
static int lock(
	struct ingest_event *e, const struct state *s, enum ingest_found *found, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	const char *const values[] = {s->load.v[0]};
	int ret = pg_query(e->pg,
		"SELECT CASE WHEN EXISTS (SELECT 1 FROM cubic_ingest_chunks WHERE state IN "
		"('available', 'executing') AND $1::bigint = ANY (load_ids)) THEN NULL ELSE "
		"pg_try_advisory_lock" LOCK " END",
		values, 1, &rows, err);

	*found = INGEST_KNOWN;
	if (ret == 0 && rows.v[0])
		*found = *rows.v[0] == 't' ? INGEST_CLAIMED : INGEST_BUSY;
	pg_rows_release(&rows);
	return ret;
}

static int take(struct ingest_event *e, struct state *s, enum ingest_found *found, struct err *err)
{
	int status = transit_status_parse(s->load.v[1]);
	const char *const values[] = {s->load.v[0], transit_status_name(LOAD_INGESTING)};
	int ret = 0;

	*found = INGEST_KNOWN;
	if (status == LOAD_READY || status == LOAD_READY_FOR_INGESTING || status == LOAD_INGESTING)
		ret = lock(e, s, found, err);
	if (ret == 0 && *found != INGEST_CLAIMED)
		job_log(JOB_INFO, "known", "load=%s status=%s key=\"%s\"", s->load.v[0],
			s->load.v[1], e->key);
	if (ret != 0 || *found != INGEST_CLAIMED)
		return ret;
	return pg_query(e->pg,
		"UPDATE cubic_loads SET status = $2, updated_at = date_trunc('second', now()" UTC
		") WHERE id = $1::bigint",
		values, 2, NULL, err);
}

/* In one transaction. INGEST_BAD: registered, but not to be ingested. */
static int claim(struct ingest_event *e, struct state *s, enum ingest_found *found, struct err *err)
{
	bool bad;

	if (find_table(e, s, found, err) != 0 || find_load(e, s, err) != 0)
		return -1;
	if (s->load.nr_rows)
		return take(e, s, found, err);
	if (s->ods && find_snapshot(e, s, err) != 0)
		return -1;
	bad = s->size == 0 || (s->ods && s->snapshot < 0);
	if (insert(e, s, !bad, err) != 0)
		return -1;
	*found = INGEST_BAD;
	return bad ? 0 : take(e, s, found, err);
}

static void fill(struct ingest_event *e, const struct state *s)
{
	bool raw = s->load.v[2] && *s->load.v[2] == 't';
	const char *name = strrchr(e->key, '/');
	char *folder = transit_folder(e->key), *full = xasprintf("%s%s", e->prefix, e->key);
	char *to = xasprintf("%s%s%s", e->prefix, raw ? "raw/" : "", folder);
	struct ingest_load *l;

	e->in.loads = xcalloc(1, sizeof(*e->in.loads));
	e->in.nr = 1;
	l = e->in.loads;
	strvec_init(&l->partition_names);
	strvec_init(&l->partition_values);
	l->id = xstrdup(s->load.v[0]);
	l->key = xstrdup(e->key);
	l->source_table = transit_source_table(s->table.v[1], e->key);
	l->destination_table = transit_destination_table(s->table.v[1], e->key, raw);
	l->source = place_locate(&e->incoming, full);
	l->destination = place_locate(&e->springboard, to);
	if (s->ods) {
		strvec_push(&l->partition_names, "snapshot");
		strvec_push_take(&l->partition_values,
			s->load.v[3] ? transit_stamp(transit_value(s->load.v[3], 0)) : NULL);
	}
	strvec_push(&l->partition_names, "identifier");
	strvec_push(&l->partition_values, name ? name + 1 : e->key);
	free(folder);
	free(full);
	free(to);
}

/* S3's times are in seconds: while the object's own is not over, it may change under the same time. Then it is looked at again. */
static int head_of_past(struct ingest_event *e, int64_t *size, int64_t *modified, struct err *err)
{
	const struct clock *clock = clock_system();
	int64_t left_ms;
	int ret = head(e, e->key, size, modified, err);

	if (ret != 0 || !e->incoming.bucket)
		return ret;
	left_ms = (*modified + 1) * 1000 - aws_client_now_ms(job_aws(e->job, NULL));
	if (left_ms <= 0 || left_ms > 1000)
		return 0;
	(void)clock->sleep_ms(clock, left_ms);
	if (job_check_interrupt(err) != 0)
		return -1;
	return head(e, e->key, size, modified, err);
}

int ingest_event_claim(struct ingest_event *e, enum ingest_found *found, struct err *err)
{
	struct state s = {.table = PG_ROWS_INIT, .load = PG_ROWS_INIT, .snapshot = -1};
	struct err why = ERR_INIT;
	int ret = head_of_past(e, &s.size, &s.modified, &why);

	ingest_loads_release(&e->in);
	*found = why.code == ERR_NOT_FOUND ? INGEST_GONE : INGEST_FAILED;
	if (ret != 0)
		err_move(err, &why);
	s.modified_text = xasprintf("%lld", (long long)s.modified);
	if (ret == 0)
		ret = pg_begin(e->pg, err);
	if (ret == 0) {
		ret = claim(e, &s, found, err);
		if (ret == 0 && pg_commit(e->pg, err) != 0) {
			*found = INGEST_FAILED;
			ret = -1;
		}
		if (ret != 0)
			pg_rollback(e->pg);
	}
	if (ret == 0 && *found == INGEST_BAD)
		ret = err_set(err, ERR_INVALID, "load %s, '%s': %s", s.load.v[0], e->key,
			s.size ? "no snapshot is known" : "it is empty");
	if (ret == 0 && *found == INGEST_CLAIMED)
		fill(e, &s);
	state_release(&s);
	return ret;
}

int ingest_event_unlock(struct ingest_event *e, struct err *err)
{
	const char *const values[] = {e->in.nr ? e->in.loads[0].id : NULL};

	return e->in.nr ? pg_query(e->pg, "SELECT pg_advisory_unlock" LOCK, values, 1, NULL, err)
			: 0;
}

/* --- an object that is gone --- */

/* Under their locks; those of chunks stay theirs. */
static int find_waiting(
	struct ingest_event *e, enum transit_status status, struct strbuf *ids, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	const char *const values[] = {e->key, transit_status_name(status)};
	int ret = pg_query(e->pg,
		"WITH waiting AS MATERIALIZED (SELECT id FROM cubic_loads l WHERE s3_key = $1 AND "
		"status = $2 AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM "
		"cubic_ingest_chunks WHERE state IN ('available', 'executing') AND l.id = ANY "
		"(load_ids)) ORDER BY id FOR UPDATE) SELECT id FROM waiting WHERE "
		"pg_try_advisory_xact_lock(hashtext('ingest load'), (id % 2147483647)::int)",
		values, 2, &rows, err);

	for (size_t i = 0; i < rows.nr_rows; i++)
		transit_add_id(ids, rows.v[i]);
	pg_rows_release(&rows);
	return ret;
}

static int give_up(
	struct ingest_event *e, enum transit_status status, int64_t *erroring, struct err *err)
{
	struct strbuf ids = STRBUF_INIT;
	int64_t changed = 0;
	int ret = find_waiting(e, status, &ids, err);

	if (ret == 0 && status == LOAD_READY_FOR_INGESTING) {
		ret = transit_set_status(e->pg, ids.buf, status, LOAD_INGESTING, NULL, err);
		status = LOAD_INGESTING;
	}
	if (ret == 0)
		ret = transit_set_status(
			e->pg, ids.buf, status, LOAD_READY_FOR_ERRORING, &changed, err);
	*erroring += changed;
	strbuf_release(&ids);
	return ret;
}

int ingest_event_gone(struct ingest_event *e, bool *known, int64_t *erroring, struct err *err)
{
	static const enum transit_status waits[] = {
		LOAD_READY, LOAD_READY_FOR_INGESTING, LOAD_INGESTING};
	struct pg_rows rows = PG_ROWS_INIT;
	int ret = pg_begin(e->pg, err);

	*erroring = 0;
	if (ret != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(waits) && ret == 0; i++)
		ret = give_up(e, waits[i], erroring, err);
	if (ret == 0)
		ret = pg_query(e->pg,
			"SELECT 1 FROM cubic_loads WHERE s3_key = $1 AND deleted_at IS NULL LIMIT "
			"1",
			&e->key, 1, &rows, err);
	*known = rows.nr_rows > 0;
	pg_rows_release(&rows);
	if (ret == 0)
		ret = pg_commit(e->pg, err);
	if (ret != 0)
		pg_rollback(e->pg);
	return ret;
}

/* --- the load --- */

static void log_failed(const struct ingest_load *load, const struct err *err)
{
	char *text = err_format(err);

	for (char *c = text; *c; c++)
		if (*c == '"')
			*c = '\'';
	if (err->hint)
		job_log(JOB_ERROR, "load",
			"id=%s status=failed from=\"%s\" error=\"%s\" hint=\"%s\"", load->id,
			load->source, text, err->hint);
	else
		job_log(JOB_ERROR, "load", "id=%s status=failed from=\"%s\" error=\"%s\"", load->id,
			load->source, text);
	free(text);
}

static int tell(struct pg *pg, const char *id, enum ingest_end end, struct err *err)
{
	struct strbuf ids = STRBUF_INIT;
	int ret = 0;

	transit_add_id(&ids, id);
	if (end != INGEST_AGAIN)
		ret = transit_set_status(pg, ids.buf, LOAD_INGESTING,
			end == INGEST_DONE ? LOAD_READY_FOR_ARCHIVING : LOAD_READY_FOR_ERRORING,
			NULL, err);
	strbuf_release(&ids);
	return ret;
}

int ingest_load_tell(struct job *job, struct pg *pg, const struct ingest_input *in,
	const struct ingest_load *load, const struct ingest_options *opts, enum ingest_end *end,
	struct err *err)
{
	struct ingest_counts counts = {0};
	struct err why = ERR_INIT;
	int ret = 0;

	*end = INGEST_DONE;
	if (ingest_load_run(job, in, load, opts, &counts, &why) != 0)
		*end = why.code == ERR_INVALID || why.code == ERR_NOT_FOUND ? INGEST_ERRORED
									    : INGEST_AGAIN;
	if (*end == INGEST_DONE) {
		job_log(JOB_INFO, "load", "id=%s status=ingested from=\"%s\" to=%s.%s rows=%lld",
			load->id, load->source, in->springboard, load->destination_table,
			(long long)counts.rows);
	} else if (why.code == ERR_INTERRUPTED) {
		err_move(err, &why);
		ret = -1;
	} else {
		log_failed(load, &why);
	}
	if (ret == 0 && pg)
		ret = tell(pg, load->id, *end, err);
	err_release(&why);
	return ret;
}
