#include "ingest_event.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
static int find_table(struct ingest_event *e, struct state *s, struct err *err)
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

	if (ret == 0 && !s->table.nr_rows)
		ret = err_set(err, ERR_NOT_FOUND, "no active table has the prefix '%s'", prefix);
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

/* Its lock is this session's until that ends; another's means that it is under way there. */
static int lock(struct ingest_event *e, const struct state *s, bool *free_to_take, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	const char *const values[] = {s->load.v[0]};
	int ret = pg_query(e->pg,
		"SELECT pg_try_advisory_lock(hashtext('ingest load'), ($1::bigint % "
		"2147483647)::int) AND NOT EXISTS (SELECT 1 FROM cubic_ingest_chunks WHERE state "
		"IN ('available', 'executing') AND $1::bigint = ANY (load_ids))",
		values, 1, &rows, err);

	*free_to_take = ret == 0 && rows.v[0] && *rows.v[0] == 't';
	pg_rows_release(&rows);
	return ret;
}

static int take(struct ingest_event *e, struct state *s, bool *claimed, struct err *err)
{
	int status = transit_status_parse(s->load.v[1]);
	const char *const values[] = {s->load.v[0], transit_status_name(LOAD_INGESTING)};
	int ret = 0;

	*claimed = status == LOAD_READY || status == LOAD_READY_FOR_INGESTING ||
		   status == LOAD_INGESTING;
	if (*claimed)
		ret = lock(e, s, claimed, err);
	if (ret == 0 && !*claimed)
		job_log(JOB_INFO, "known", "load=%s status=%s key=\"%s\"", s->load.v[0],
			s->load.v[1], e->key);
	if (ret != 0 || !*claimed)
		return ret;
	return pg_query(e->pg,
		"UPDATE cubic_loads SET status = $2, updated_at = date_trunc('second', now()" UTC
		") WHERE id = $1::bigint",
		values, 2, NULL, err);
}

/* In one transaction. *bad: registered, but not to be ingested; why is in err. */
static int claim(struct ingest_event *e, struct state *s, bool *claimed, bool *bad, struct err *err)
{
	int ret = find_table(e, s, err);

	if (ret == 0)
		ret = find_load(e, s, err);
	if (ret == 0 && s->load.nr_rows)
		return take(e, s, claimed, err);
	if (ret == 0 && s->ods)
		ret = find_snapshot(e, s, err);
	*bad = ret == 0 && (s->size == 0 || (s->ods && s->snapshot < 0));
	if (ret == 0)
		ret = insert(e, s, !*bad, err);
	if (ret == 0 && !*bad)
		ret = take(e, s, claimed, err);
	return ret;
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

int ingest_event_claim(struct ingest_event *e, bool *claimed, struct err *err)
{
	struct state s = {.table = PG_ROWS_INIT, .load = PG_ROWS_INIT, .snapshot = -1};
	bool bad = false;
	int ret = head(e, e->key, &s.size, &s.modified, err);

	*claimed = false;
	s.modified_text = xasprintf("%lld", (long long)s.modified);
	if (ret == 0)
		ret = pg_begin(e->pg, err);
	if (ret == 0) {
		ret = claim(e, &s, claimed, &bad, err);
		if (ret == 0)
			ret = pg_commit(e->pg, err);
		if (ret != 0)
			pg_rollback(e->pg);
	}
	if (ret == 0 && bad)
		ret = err_set(err, ERR_INVALID, "load %s, '%s': %s", s.load.v[0], e->key,
			s.size ? "no snapshot is known" : "it is empty");
	if (ret == 0 && *claimed)
		fill(e, &s);
	state_release(&s);
	return ret;
}

int ingest_tell(struct pg *pg, const char *id, const struct err *why, struct err *err)
{
	struct strbuf ids = STRBUF_INIT;
	int ret;

	if (why && why->code != ERR_INVALID && why->code != ERR_NOT_FOUND)
		return 0;
	strbuf_addf(&ids, "{%s}", id);
	ret = transit_set_status(pg, ids.buf, LOAD_INGESTING,
		why ? LOAD_READY_FOR_ERRORING : LOAD_READY_FOR_ARCHIVING, NULL, err);
	strbuf_release(&ids);
	return ret;
}
