/*
 * migrate: brings the metadata's tables up to the migrations of a place, or takes them back, or tells how it stands. Each migration is one
 * transaction with its row in schema_migrations; one run at a time works on a database (an advisory lock). A migration that was
 * applied and has changed since, or is gone, stops up and down before anything happens.
 */
#include <stdlib.h>
#include <string.h>
#include "joblog.h"
#include "placelist.h"
#include "transit_db.h"
#include "transit_migration.h"

#define FILE_MAX (4u << 20)
#define LOCK_TIMEOUT_S 60

static const struct job_arg args[] = {
	{"MIGRATIONS", "bucket, prefix or folder with files 0001_name.sql", JOB_REQUIRED},
	{"ACTION", "up, down or status", JOB_REQUIRED},
	{"TO", "the last migration that is applied afterwards (up: all; down: one less)",
		JOB_OPTIONAL},
	PG_JOB_ARGS,
	{0},
};

struct applied {
	int version;
	const char *name, *checksum, *at;
};

struct migrate {
	struct job *job;
	struct pg *pg;
	struct migrations files;
	struct pg_rows rows;
	struct applied *applied; /* by version; texts are the rows' */
	size_t nr_applied;
	int to; /* -1: not given */
};

/* --- what there is --- */

static int read_files(struct migrate *m, struct err *err)
{
	struct place place = PLACE_INIT;
	struct s3_objects found = S3_OBJECTS_INIT;
	int ret =
		place_parse(job_args_get(&m->job->args, "MIGRATIONS"), "--MIGRATIONS", &place, err);

	if (ret == 0)
		ret = place_list(m->job, &place, "", true, &found, err);
	for (size_t i = 0; i < found.nr && ret == 0; i++) {
		struct strbuf text = STRBUF_INIT;

		if (!ends_with(found.v[i].key, ".sql"))
			continue;
		ret = place_read(m->job, &place, found.v[i].key, FILE_MAX, &text, err);
		if (ret == 0)
			ret = migrations_add(&m->files, found.v[i].key, text.buf, text.len, err);
		strbuf_release(&text);
	}
	if (ret == 0 && m->files.nr == 0)
		ret = err_set(
			err, ERR_NOT_FOUND, "there is no migration (*.sql) in %s", place.shown);
	if (ret == 0)
		ret = migrations_sort(&m->files, err);
	s3_objects_release(&found);
	place_release(&place);
	return ret;
}

static int read_applied(struct migrate *m, struct err *err)
{
	static const char sql[] = "SELECT version, name, checksum, to_char(applied_at AT TIME ZONE "
				  "'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM schema_migrations "
				  "ORDER BY version";
	struct err why = ERR_INIT;
	int ret = pg_query(m->pg, sql, NULL, 0, &m->rows, &why);

	if (ret != 0 && pg_is_state(&why, "42P01"))
		ret = 0; /* never migrated */
	else if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	m->nr_applied = m->rows.nr_rows;
	m->applied = xcalloc(m->nr_applied + 1, sizeof(*m->applied));
	for (size_t i = 0; i < m->nr_applied && ret == 0; i++) {
		char **row = &m->rows.v[i * 4];
		long long version = 0;

		if (!row[0] || parse_int64(row[0], 1, 999999999, &version) != 0)
			ret = err_set(err, ERR_INVALID, "schema_migrations has a version '%s'",
				row[0] ? row[0] : "");
		m->applied[i] = (struct applied){(int)version, row[1], row[2], row[3]};
	}
	return ret;
}

static const struct applied *find_applied(const struct migrate *m, int version)
{
	for (size_t i = 0; i < m->nr_applied; i++)
		if (m->applied[i].version == version)
			return &m->applied[i];
	return NULL;
}

/* NULL: as it should be. */
static const char *trouble_of(const struct migrate *m, const struct applied *a)
{
	const struct migration *file = migrations_find(&m->files, a->version);

	if (!file)
		return "missing";
	return strcmp(file->checksum, a->checksum) != 0 ? "changed" : NULL;
}

static int check_applied(const struct migrate *m, struct err *err)
{
	for (size_t i = 0; i < m->nr_applied; i++) {
		const struct applied *a = &m->applied[i];
		const char *trouble = trouble_of(m, a);

		if (trouble) {
			err_set(err, ERR_CONFLICT,
				"the migration %d '%s' was applied at %s and is %s since",
				a->version, a->name, a->at, trouble);
			return err_hint(err, "bring the file back as it was; what is to differ "
					     "is a migration of its own");
		}
	}
	return 0;
}

/* --- steps --- */

static int transaction_id(struct pg *pg, char **id, struct err *err)
{
	struct pg_rows rows = PG_ROWS_INIT;
	int ret = pg_query(pg, "SELECT txid_current()", NULL, 0, &rows, err);

	*id = ret == 0 ? xstrdup(rows.v[0]) : NULL;
	pg_rows_release(&rows);
	return ret;
}

/* The script must leave the transaction as it found it. */
static int run_script(struct pg *pg, const char *sql, struct err *err)
{
	char *before = NULL, *after = NULL;
	int ret = -1;

	if (transaction_id(pg, &before, err) == 0 && pg_script(pg, sql, err) == 0 &&
		transaction_id(pg, &after, err) == 0)
		ret = strcmp(before, after) == 0
			      ? 0
			      : err_set(err, ERR_INVALID,
					"it ends its transaction by itself: what it did before "
					"that stays, and it is not noted as done");
	free(before);
	free(after);
	return ret;
}

static int note(struct pg *pg, const struct migration *f, bool up, struct err *err)
{
	char *version = xasprintf("%d", f->version);
	const char *const values[] = {version, f->name, f->checksum};
	int ret = up ? pg_query(pg,
			       "INSERT INTO schema_migrations (version, name, checksum) VALUES "
			       "($1::bigint, $2, $3)",
			       values, 3, NULL, err)
		     : pg_query(pg, "DELETE FROM schema_migrations WHERE version = $1::bigint",
			       values, 1, NULL, err);

	free(version);
	return ret;
}

static int step(struct migrate *m, const struct migration *f, bool up, struct err *err)
{
	int ret = pg_begin(m->pg, err);

	if (ret == 0)
		ret = run_script(m->pg, up ? f->up : f->down, err);
	if (ret == 0)
		ret = note(m->pg, f, up, err);
	if (ret == 0)
		ret = pg_commit(m->pg, err);
	if (ret != 0) {
		pg_rollback(m->pg);
		return err_wrap(
			err, "migration %d '%s' %s", f->version, f->name, up ? "up" : "down");
	}
	job_log(JOB_INFO, up ? "applied" : "taken-back", "version=%d name=%s", f->version, f->name);
	return 0;
}

static int go_up(struct migrate *m, struct err *err)
{
	int last = m->nr_applied ? m->applied[m->nr_applied - 1].version : 0;

	if (m->to > (int)m->files.nr)
		return err_set(
			err, ERR_USAGE, "--TO %d: the last migration is %zu", m->to, m->files.nr);
	for (size_t i = 0; i < m->files.nr; i++) {
		const struct migration *f = &m->files.v[i];

		if (m->to >= 0 && f->version > m->to)
			break;
		if (find_applied(m, f->version))
			continue;
		if (f->version < last)
			return err_set(err, ERR_CONFLICT,
				"the migration %d '%s' is not applied, but %d is", f->version,
				f->name, last);
		if (step(m, f, true, err) != 0)
			return -1;
	}
	return 0;
}

static int go_down(struct migrate *m, struct err *err)
{
	int to = m->to;

	if (to < 0 && m->nr_applied)
		to = m->applied[m->nr_applied - 1].version - 1;
	for (size_t i = m->nr_applied; i-- > 0 && m->applied[i].version > to;) {
		const struct migration *f = migrations_find(&m->files, m->applied[i].version);

		if (!f)
			BUG("checked before");
		if (step(m, f, false, err) != 0)
			return -1;
	}
	return 0;
}

/* --- actions --- */

static void show(const struct migrate *m, int version, const char *name)
{
	const struct applied *a = find_applied(m, version);
	const char *trouble = a ? trouble_of(m, a) : NULL;

	job_log(trouble ? JOB_WARN : JOB_INFO, "migration", "version=%d name=%s state=%s at=%s",
		version, name,
		trouble ? trouble
		: a     ? "applied"
			: "pending",
		a ? a->at : "-");
}

static int status(struct migrate *m, struct err *err)
{
	for (size_t i = 0; i < m->files.nr; i++)
		show(m, m->files.v[i].version, m->files.v[i].name);
	for (size_t i = 0; i < m->nr_applied; i++)
		if (!migrations_find(&m->files, m->applied[i].version))
			show(m, m->applied[i].version, m->applied[i].name);
	return check_applied(m, err);
}

static int prepare(struct migrate *m, struct err *err)
{
	struct err why = ERR_INIT;

	/* Its number is "transit" in bytes. */
	static const char lock[] = "SELECT pg_advisory_lock(x'007472616e736974'::bigint)";
	static const char table[] =
		"CREATE TABLE IF NOT EXISTS schema_migrations (version bigint PRIMARY KEY, name "
		"varchar(255) NOT NULL, checksum char(64) NOT NULL, applied_at timestamptz NOT "
		"NULL DEFAULT now())";
	char *timeout = xasprintf("SET lock_timeout = '%ds'", LOCK_TIMEOUT_S);
	int ret = pg_exec(m->pg, timeout, &why);

	if (ret == 0)
		ret = pg_exec(m->pg, lock, &why);
	if (ret == 0)
		ret = pg_exec(m->pg, table, &why);
	if (ret != 0 && pg_is_state(&why, "55P03"))
		ret = err_set(err, ERR_CONFLICT, "%s: another migrate is at work since %d seconds",
			pg_shown(m->pg), LOCK_TIMEOUT_S);
	else if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	free(timeout);
	return ret;
}

static int act(struct migrate *m, const char *action, struct err *err)
{
	bool up = strcmp(action, "up") == 0;

	if (strcmp(action, "status") == 0)
		return read_applied(m, err) != 0 ? -1 : status(m, err);
	if (prepare(m, err) != 0 || read_applied(m, err) != 0 || check_applied(m, err) != 0)
		return -1;
	return up ? go_up(m, err) : go_down(m, err);
}

static int run(struct job *job, struct err *err)
{
	struct migrate m = {.job = job, .to = -1};
	const char *action = job_args_get(&job->args, "ACTION");
	const char *to = job_args_get(&job->args, "TO");
	long long n = -1;
	int ret = -1;

	if (strcmp(action, "up") != 0 && strcmp(action, "down") != 0 &&
		strcmp(action, "status") != 0)
		return err_set(err, ERR_USAGE, "--ACTION '%s' is none of up, down, status", action);
	if (to && (strcmp(action, "status") == 0 || parse_int64(to, 0, 999999999, &n) != 0))
		return err_set(err, ERR_USAGE,
			"--TO '%s': a migration's number is wanted, with "
			"up or down",
			to);
	m.to = (int)n;
	if (read_files(&m, err) == 0 && (m.pg = transit_db_connect(job, err)))
		ret = act(&m, action, err);
	pg_close(m.pg);
	pg_rows_release(&m.rows);
	free(m.applied);
	migrations_release(&m.files);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"migrate", args, run};

	return job_main(&program, argc, argv);
}
