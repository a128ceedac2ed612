/*
 * validate-incoming: what is ready goes on to be ingested. A load of ODS waits until its table's snapshot is there, and its file's
 * description (.dfm) must name the columns of the catalog's table, or it goes the way of errors, with the reason in the log.
 *
 * Only what is known of the load decides: where the catalog or the place does not answer, or the table is not in the catalog yet, the
 * load stays ready, the other tables go on, and the pass fails at its end.
 */
#include <stdlib.h>
#include <string.h>
#include "catalog.h"
#include "joblog.h"
#include "placelist.h"
#include "transit_dfm.h"
#include "transit_job.h"
#include "transit_keys.h"

#define LIMIT 100
#define DFM_MAX (16u << 20)

static const struct job_arg args[] = {
	{"INCOMING", "bucket, prefix or folder that holds cubic/", JOB_REQUIRED},
	{"PREFIX", "stands before every key, and in none of the database", JOB_OPTIONAL},
	{"INCOMING_DATABASE", "the catalog's database of the incoming tables (with --DFM Y)",
		JOB_OPTIONAL},
	{"DFM", "N: descriptions of ODS files are not looked at (default: Y)", JOB_OPTIONAL},
	{"LIMIT", "loads that a pass takes of one table (default: 100)", JOB_OPTIONAL},
	TRANSIT_LOOP_ARGS,
	PG_JOB_ARGS,
	{0},
};

struct columns {
	bool read;
	struct strvec names;
};

struct validation {
	struct job *job;
	struct pg *pg;
	struct place place;
	const char *prefix, *database;
	bool dfm;
	char *limit;
	/* the present table */
	const char *id, *table, *snapshot_key; /* snapshot_key NULL: not of ODS */
	struct columns columns[2];             /* of its own, and of __ct */
	size_t good, bad;
};

static int read_columns(
	struct validation *v, const char *table, struct columns *out, struct err *err)
{
	struct aws_client *aws = job_aws(v->job, err);
	struct json *found = NULL, *c;

	if (!aws || catalog_table(aws, v->database, table, &found, err) != 0)
		return -1;
	json_each(c, json_path(found, "StorageDescriptor.Columns"))
	{
		const char *name = json_get_str(c, "Name");

		strvec_push(&out->names, name ? name : "");
	}
	out->read = true;
	json_free(found);
	return 0;
}

/* *reason is set (malloc'd) where the load is bad; -1 where that cannot be told. */
static int check_dfm(struct validation *v, const char *key, char **reason, struct err *err)
{
	struct columns *columns = &v->columns[transit_is_ct(key)];
	char *table = transit_source_table(v->table, key), *dfm = transit_dfm_key(key);
	char *name = xasprintf("%s%s", v->prefix, dfm);
	struct strvec names = STRVEC_INIT;
	struct strbuf text = STRBUF_INIT;
	struct err why = ERR_INIT;
	int ret = columns->read ? 0 : read_columns(v, table, columns, err);

	if (ret == 0 && (place_read(v->job, &v->place, name, DFM_MAX, &text, &why) != 0 ||
				transit_dfm_columns(text.buf, text.len, &names, &why) != 0 ||
				transit_dfm_compare(&names, &columns->names, table, &why) != 0)) {
		if (why.code == ERR_NOT_FOUND || why.code == ERR_INVALID) {
			*reason = xasprintf("%s: %s", dfm,
				why.code == ERR_NOT_FOUND ? "it is missing" : why.text);
		} else {
			err_move(err, &why);
			ret = -1;
		}
	}
	strvec_release(&names);
	strbuf_release(&text);
	err_release(&why);
	free(table);
	free(dfm);
	free(name);
	return ret;
}

static int ready_loads(struct validation *v, struct pg_rows *rows, struct err *err)
{
	const char *const values[] = {v->id, v->limit, v->snapshot_key};
	static const char sql[] =
		"SELECT id, s3_key FROM cubic_loads WHERE table_id = $1::bigint AND status = "
		"'ready' AND deleted_at IS NULL AND ($3::text IS NULL OR s3_modified >= (SELECT "
		"max(s3_modified) FROM cubic_loads WHERE table_id = $1::bigint AND s3_key = $3 AND "
		"deleted_at IS NULL)) ORDER BY s3_modified, s3_key, id LIMIT $2::bigint";

	return pg_query(v->pg, sql, values, 3, rows, err);
}

static int move_on(
	struct validation *v, const struct strbuf *good, const struct strbuf *bad, struct err *err)
{
	int64_t moved = 0, failed = 0;
	int ret = transit_set_status(
		v->pg, good->buf, LOAD_READY, LOAD_READY_FOR_INGESTING, &moved, err);

	if (ret == 0)
		ret = transit_set_status(
			v->pg, bad->buf, LOAD_READY, LOAD_READY_FOR_ERRORING, &failed, err);
	v->good += (size_t)moved;
	v->bad += (size_t)failed;
	return ret;
}

/* What was decided is written also when a later load could not be looked at. */
static int do_table(struct validation *v, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	struct strbuf good = STRBUF_INIT, bad = STRBUF_INIT;
	bool unknown = false;
	int ret = ready_loads(v, &rows, err);

	for (size_t i = 0; i < rows.nr_rows && ret == 0 && !unknown; i++) {
		const char *id = rows.v[i * 2], *key = rows.v[i * 2 + 1];
		char *reason = NULL;

		if (job_check_interrupt(err) != 0 ||
			(v->dfm && v->snapshot_key && check_dfm(v, key, &reason, err) != 0))
			unknown = true;
		else
			transit_add_id(reason ? &bad : &good, id);
		if (reason)
			job_log(JOB_WARN, "invalid", "table=%s load=%s key=\"%s\" reason=\"%s\"",
				v->table, id, key, reason);
		free(reason);
	}
	if (ret == 0)
		ret = move_on(v, &good, &bad, unknown ? NULL : err);
	if (unknown)
		ret = -1;
	strbuf_release(&good);
	strbuf_release(&bad);
	pg_rows_release(&rows);
	return ret;
}

static int one_table(struct validation *v, struct err *err)
{
	struct err why = ERR_INIT;
	int ret = do_table(v, &why);

	for (size_t i = 0; i < ARRAY_SIZE(v->columns); i++) {
		strvec_release(&v->columns[i].names);
		v->columns[i] = (struct columns){false, STRVEC_INIT};
	}
	if (ret != 0) {
		err_wrap(&why, "table '%s'", v->table);
		job_log(JOB_WARN, "stopped", "table=%s error=\"%s\"", v->table, why.text);
		if (!err->code || why.code == ERR_INTERRUPTED)
			err_move(err, &why);
	}
	err_release(&why);
	return ret;
}

static int pass(struct job *job, struct pg *pg, void *payload, struct err *err)
{
	static const char sql[] =
		"SELECT t.id, t.name, s.snapshot_s3_key FROM cubic_tables t LEFT JOIN LATERAL "
		"(SELECT snapshot_s3_key FROM cubic_ods_table_snapshots WHERE table_id = t.id AND "
		"deleted_at IS NULL ORDER BY id LIMIT 1) s ON true WHERE t.deleted_at IS NULL "
		"ORDER BY t.id";
	struct validation *v = payload;
	struct pg_rows rows = PG_ROWS_INIT;
	struct err first = ERR_INIT;
	int ret;

	v->job = job;
	v->pg = pg;
	v->good = v->bad = 0;
	ret = pg_query(pg, sql, NULL, 0, &rows, &first);
	for (size_t i = 0; i < rows.nr_rows && first.code != ERR_INTERRUPTED; i++) {
		v->id = rows.v[i * 3];
		v->table = rows.v[i * 3 + 1];
		v->snapshot_key = rows.v[i * 3 + 2];
		if (one_table(v, &first) != 0)
			ret = -1;
	}
	pg_rows_release(&rows);
	job_log(JOB_INFO, "pass", "ready_for_ingesting=%zu ready_for_erroring=%zu", v->good,
		v->bad);
	if (ret != 0)
		err_move(err, &first);
	err_release(&first);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	const char *prefix = job_args_get(&job->args, "PREFIX");
	struct validation v = {.prefix = prefix ? prefix : "",
		.database = job_args_get(&job->args, "INCOMING_DATABASE"),
		.columns = {{false, STRVEC_INIT}, {false, STRVEC_INIT}}};
	long long limit = 0;
	int ret = -1;

	if (transit_number(job, "LIMIT", 1, 1000000, LIMIT, &limit, err) != 0 ||
		transit_yes(job, "DFM", true, &v.dfm, err) != 0)
		return -1;
	if (v.dfm && !v.database)
		return err_set(err, ERR_USAGE,
			"--INCOMING_DATABASE is missing, which the check of descriptions needs "
			"(--DFM N: none)");
	v.limit = xasprintf("%lld", limit);
	if (place_parse(job_args_get(&job->args, "INCOMING"), "--INCOMING", &v.place, err) == 0)
		ret = transit_loop(job, pass, &v, err);
	place_release(&v.place);
	free(v.limit);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"validate-incoming", args, run};

	return job_main(&program, argc, argv);
}
