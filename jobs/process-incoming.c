/*
 * process-incoming: registers what has come into the incoming place as loads of the tables that are active.
 *
 * A table's files lie below its prefix and below the same with "__ct"; both share one mark, the latest time that is registered. What is
 * newer than the mark, of the same second, or up to --LATE_SECONDS older (S3 dates an object by the start of its upload) is registered when
 * that key of that time is not yet: nothing of an equal second is lost, and nothing comes twice. The oldest come first, so that what the
 * limit leaves for the next pass is never behind the mark. Runs at once take their turns at a table.
 */
#include <stdlib.h>
#include <string.h>
#include "joblog.h"
#include "map.h"
#include "placelist.h"
#include "transit_job.h"
#include "transit_keys.h"

#define LIMIT 500
#define LATE_S 3600
#define KEY_MAX 1000

static const struct job_arg args[] = {
	{"INCOMING", "bucket, prefix or folder that holds cubic/", JOB_REQUIRED},
	{"PREFIX", "stands before every key, and in none of the database", JOB_OPTIONAL},
	{"LIMIT", "files that a pass registers of one table (default: 500)", JOB_OPTIONAL},
	{"LATE_SECONDS", "how much older than the latest a new file may be (default: 3600)",
		JOB_OPTIONAL},
	TRANSIT_LOOP_ARGS,
	PG_JOB_ARGS,
	{0},
};

struct table {
	const char *id, *name, *prefix;
	const char *raw;                        /* as the database has it; NULL where that is */
	const char *snapshot_id, *snapshot_key; /* NULL: not of ODS */
	struct strvec prefixes;                 /* with --PREFIX */
};

struct incoming {
	struct job *job;
	struct pg *pg;
	struct place place;
	const char *prefix;
	long long limit, late;
	struct pg_rows rows;
	struct table *tables;
	size_t nr, registered;
};

struct found {
	const char *key; /* without --PREFIX; borrowed */
	int64_t modified, size;
	bool snapshot;
};

/* --- tables and their prefixes --- */

static int read_tables(struct incoming *in, struct err *err)
{
	static const char sql[] =
		"SELECT t.id, t.name, t.s3_prefix, t.is_raw, s.id, s.snapshot_s3_key FROM "
		"cubic_tables t LEFT JOIN LATERAL (SELECT id, snapshot_s3_key FROM "
		"cubic_ods_table_snapshots WHERE table_id = t.id AND deleted_at IS NULL ORDER BY "
		"id LIMIT 1) s ON true WHERE t.is_active AND t.deleted_at IS NULL ORDER BY t.id";

	if (pg_query(in->pg, sql, NULL, 0, &in->rows, err) != 0)
		return -1;
	in->nr = in->rows.nr_rows;
	in->tables = xcalloc(in->nr + 1, sizeof(*in->tables));
	for (size_t i = 0; i < in->nr; i++) {
		char **row = &in->rows.v[i * 6];

		in->tables[i] =
			(struct table){row[0], row[1], row[2], row[3], row[4], row[5], STRVEC_INIT};
	}
	return 0;
}

static int read_prefixes(struct incoming *in, const char *parent, struct err *err)
{
	struct s3_objects found = S3_OBJECTS_INIT;
	char *below = xasprintf("%s%s", in->prefix, parent);
	int ret = place_list(in->job, &in->place, below, true, &found, err);

	for (size_t i = 0; i < found.prefixes.nr && ret == 0; i++) {
		const char *full = found.prefixes.v[i];
		char *own = transit_table_prefix(full + strlen(in->prefix));

		for (size_t t = 0; t < in->nr; t++)
			if (strcmp(in->tables[t].prefix, own) == 0)
				strvec_push(&in->tables[t].prefixes, full);
		free(own);
	}
	s3_objects_release(&found);
	free(below);
	return ret;
}

/* --- one table --- */

static char *known_name(const char *key, int64_t modified)
{
	return xasprintf("%lld %s", (long long)modified, key);
}

/* The mark (0: nothing yet), and the keys from there on, and some before. */
static int read_known(struct incoming *in, const struct table *t, int64_t *mark, struct map *known,
	struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	const char *values[2] = {t->id, NULL};
	char *since = NULL;
	int ret = pg_query(in->pg,
		"SELECT extract(epoch FROM max(s3_modified))::bigint FROM cubic_loads WHERE "
		"table_id = $1::bigint AND deleted_at IS NULL",
		values, 1, &rows, err);

	*mark = ret == 0 ? transit_value(rows.v[0], 0) : 0;
	*mark = *mark > in->late ? *mark - in->late : 0;
	pg_rows_release(&rows);
	values[1] = since = xasprintf("%lld", (long long)*mark);
	if (ret == 0)
		ret = pg_query(in->pg,
			"SELECT s3_key, extract(epoch FROM s3_modified)::bigint FROM cubic_loads "
			"WHERE table_id = $1::bigint AND s3_modified >= to_timestamp($2::bigint) "
			"AT TIME ZONE 'UTC'",
			values, 2, &rows, err);
	for (size_t i = 0; ret == 0 && i < rows.nr_rows; i++) {
		char *name = known_name(rows.v[i * 2], transit_value(rows.v[i * 2 + 1], 0));

		map_put(known, name, name);
	}
	pg_rows_release(&rows);
	free(since);
	return ret;
}

static int by_time(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->modified != y->modified)
		return x->modified < y->modified ? -1 : 1;
	if (x->snapshot != y->snapshot)
		return x->snapshot ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* What of the list is new, the oldest first and the snapshot before others of its second. */
static size_t pick(const struct incoming *in, const struct table *t,
	const struct s3_objects *objects, int64_t mark, const struct map *known, struct found *out)
{
	size_t nr = 0;

	for (size_t i = 0; i < objects->nr; i++) {
		const struct s3_object *o = &objects->v[i];
		struct found f = {.key = o->key + strlen(in->prefix),
			.modified = o->modified_ms / 1000,
			.size = o->size};
		char *name;

		if (!ends_with(f.key, ".csv.gz") || f.modified < mark)
			continue;
		name = known_name(f.key, f.modified);
		f.snapshot = t->snapshot_key && strcmp(t->snapshot_key, f.key) == 0;
		if (strlen(f.key) > KEY_MAX)
			job_log(JOB_WARN, "skipped",
				"table=%s key=\"%s\" reason=\"the name is too long\"", t->name,
				f.key);
		else if (!map_has(known, name))
			out[nr++] = f;
		free(name);
	}
	if (nr)
		qsort(out, nr, sizeof(*out), by_time);
	return nr < (size_t)in->limit ? nr : (size_t)in->limit;
}

/* Of the table, before what is new; -1: none is known. */
static int read_snapshot(
	struct incoming *in, const struct table *t, int64_t *snapshot, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	int ret = 0;

	*snapshot = -1;
	if (!t->snapshot_id)
		return 0;
	ret = pg_query(in->pg,
		"SELECT extract(epoch FROM snapshot)::bigint FROM cubic_ods_table_snapshots WHERE "
		"id = $1::bigint FOR UPDATE",
		&t->snapshot_id, 1, &rows, err);
	if (ret == 0 && rows.nr_rows)
		*snapshot = transit_value(rows.v[0], -1);
	pg_rows_release(&rows);
	return ret;
}

static int write_snapshot(
	struct incoming *in, const struct table *t, int64_t snapshot, struct err *err)
{
	char *text = xasprintf("%lld", (long long)snapshot);
	const char *const values[] = {t->snapshot_id, text};
	int ret = pg_query(in->pg,
		"UPDATE cubic_ods_table_snapshots SET snapshot = to_timestamp($2::bigint) AT TIME "
		"ZONE 'UTC', updated_at = date_trunc('second', now() AT TIME ZONE 'UTC') WHERE id "
		"= $1::bigint",
		values, 2, NULL, err);

	free(text);
	return ret;
}

static struct json *describe(const struct table *t, const struct found *f, int64_t snapshot)
{
	bool ready = f->size > 0 && (!t->snapshot_id || snapshot >= 0);
	struct json *one = json_object();

	json_set_str(one, "k", f->key);
	json_set_i64(one, "m", f->modified);
	json_set_i64(one, "z", f->size);
	json_set_str(one, "s", transit_status_name(ready ? LOAD_READY : LOAD_READY_FOR_ERRORING));
	if (snapshot >= 0)
		json_set_i64(one, "n", snapshot);
	if (!ready)
		job_log(JOB_WARN, "not-ready", "table=%s key=\"%s\" reason=\"%s\"", t->name, f->key,
			f->size > 0 ? "no snapshot is known" : "it is empty");
	return one;
}

static int insert(struct incoming *in, const struct table *t, const struct found *found, size_t nr,
	struct err *err)
{
	static const char sql[] =
		"WITH x AS (SELECT * FROM json_to_recordset($1::json) AS x(k text, m bigint, z "
		"bigint, s text, n bigint)), new AS (INSERT INTO cubic_loads (table_id, status, "
		"s3_key, s3_modified, s3_size, is_raw) SELECT $2::bigint, s, k, to_timestamp(m) AT "
		"TIME ZONE 'UTC', z, $3::boolean FROM x RETURNING id, s3_key, s3_modified) INSERT "
		"INTO cubic_ods_load_snapshots (load_id, snapshot) SELECT new.id, "
		"to_timestamp(x.n) "
		"AT TIME ZONE 'UTC' FROM new JOIN x ON k = s3_key AND to_timestamp(m) AT TIME ZONE "
		"'UTC' = s3_modified WHERE $4::boolean ORDER BY new.id";
	struct json *list = json_array();
	struct strbuf text = STRBUF_INIT;
	int64_t snapshot, before;
	int ret = read_snapshot(in, t, &snapshot, err);

	before = snapshot;
	for (size_t i = 0; i < nr && ret == 0; i++) {
		if (found[i].snapshot && found[i].modified > snapshot)
			snapshot = found[i].modified;
		json_push(list, describe(t, &found[i], snapshot));
	}
	if (ret == 0 && snapshot != before)
		ret = write_snapshot(in, t, snapshot, err);
	json_print(list, &text);
	if (ret == 0) {
		const char *const values[] = {text.buf, t->id, t->raw, t->snapshot_id ? "t" : "f"};

		ret = pg_query(in->pg, sql, values, 4, NULL, err);
	}
	strbuf_release(&text);
	json_free(list);
	return ret;
}

/* Under the table's lock: what another run registered meanwhile is seen. */
static int register_found(struct incoming *in, const struct table *t,
	const struct s3_objects *objects, size_t *registered, struct err *err)
{
	struct found *found = xcalloc(objects->nr + 1, sizeof(*found));
	struct map known = {.free_value = free};
	int64_t mark = 0;
	int ret = pg_begin(in->pg, err);

	*registered = 0;
	if (ret == 0)
		ret = pg_query(in->pg,
			"SELECT 1 FROM cubic_tables WHERE id = $1::bigint FOR UPDATE", &t->id, 1,
			NULL, err);
	if (ret == 0)
		ret = read_known(in, t, &mark, &known, err);
	if (ret == 0)
		*registered = pick(in, t, objects, mark, &known, found);
	if (ret == 0 && *registered)
		ret = insert(in, t, found, *registered, err);
	if (ret == 0)
		ret = pg_commit(in->pg, err);
	if (ret != 0)
		pg_rollback(in->pg);
	map_release(&known);
	free(found);
	return ret;
}

static void take_objects(struct s3_objects *to, struct s3_objects *from)
{
	to->v = xreallocarray(to->v, to->nr + from->nr + 1, sizeof(*to->v));
	if (from->nr)
		memcpy(to->v + to->nr, from->v, from->nr * sizeof(*from->v));
	to->nr += from->nr;
	to->alloc = to->nr + 1;
	from->nr = 0;
	s3_objects_release(from);
}

static int do_table(struct incoming *in, const struct table *t, struct err *err)
{
	struct s3_objects all = S3_OBJECTS_INIT;
	size_t nr = 0;
	int ret = 0;

	for (size_t i = 0; i < t->prefixes.nr && ret == 0; i++) {
		struct s3_objects found = S3_OBJECTS_INIT;

		ret = place_list(in->job, &in->place, t->prefixes.v[i], false, &found, err);
		take_objects(&all, &found);
	}
	if (ret == 0 && all.nr)
		ret = register_found(in, t, &all, &nr, err);
	if (ret != 0)
		err_wrap(err, "table '%s'", t->name);
	else if (nr)
		job_log(JOB_INFO, "registered", "table=%s loads=%zu", t->name, nr);
	in->registered += nr;
	s3_objects_release(&all);
	return ret;
}

static int pass(struct job *job, struct pg *pg, void *payload, struct err *err)
{
	struct incoming *in = payload;
	int ret;

	in->job = job;
	in->pg = pg;
	in->registered = 0;
	ret = read_tables(in, err);
	if (ret == 0)
		ret = read_prefixes(in, "cubic/ods_qlik/", err);
	if (ret == 0)
		ret = read_prefixes(in, "cubic/dmap/", err);
	for (size_t i = 0; i < in->nr && ret == 0; i++)
		ret = do_table(in, &in->tables[i], err);
	for (size_t i = 0; i < in->nr; i++)
		strvec_release(&in->tables[i].prefixes);
	free(in->tables);
	in->tables = NULL;
	in->nr = 0;
	pg_rows_release(&in->rows);
	if (ret == 0)
		job_log(JOB_INFO, "pass", "registered=%zu", in->registered);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	const char *prefix = job_args_get(&job->args, "PREFIX");
	struct incoming in = {.prefix = prefix ? prefix : ""};
	int ret = -1;

	if (transit_number(job, "LIMIT", 1, 1000000, LIMIT, &in.limit, err) == 0 &&
		transit_number(job, "LATE_SECONDS", 0, 31536000, LATE_S, &in.late, err) == 0 &&
		place_parse(job_args_get(&job->args, "INCOMING"), "--INCOMING", &in.place, err) ==
			0)
		ret = transit_loop(job, pass, &in, err);
	place_release(&in.place);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"process-incoming", args, run};

	return job_main(&program, argc, argv);
}
