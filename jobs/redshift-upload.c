/* redshift-upload: a currency's gold as the table <SCHEMA>.<ticker> of Redshift Serverless or of any PostgreSQL. */
#include <stdlib.h>
#include <string.h>
#include "joblog.h"
#include "pgjob.h"
#include "warehouse.h"

#define LOCK_TIMEOUT_S 60

static const struct job_arg args[] = {
	{"GOLD", "bucket (PostgreSQL: or folder) that holds <TICKER>/", JOB_REQUIRED},
	{"TICKER", "names folder and table: a letter, then letters, digits and '_'", JOB_REQUIRED},
	{"SCHEMA", "the table's schema", JOB_REQUIRED},
	{"CREATE_SCHEMA", "Y: makes the schema where it is missing (default: N)", JOB_OPTIONAL},
	{"WORKGROUP", "Redshift Serverless: the workgroup", JOB_OPTIONAL},
	{"DATABASE", "Redshift Serverless: the database", JOB_OPTIONAL},
	{"COPY_ROLE", "Redshift Serverless: ARN of the role that reads GOLD, or 'default'",
		JOB_OPTIONAL},
	{"SECRET_ARN", "Redshift Serverless: a secret with user and password (default: IAM)",
		JOB_OPTIONAL},
	PG_JOB_ARGS,
	{"LOCK_TIMEOUT", "PostgreSQL: seconds to wait for a lock (default: 60)", JOB_OPTIONAL},
	{0},
};

struct upload {
	struct job *job;
	struct place gold;
	struct warehouse_table table;
	const char *ticker;
};

static const char *get(const struct upload *u, const char *name)
{
	return job_args_get(&u->job->args, name);
}

static int read_flag(struct job *job, const char *name, bool *out, struct err *err)
{
	const char *text = job_args_get(&job->args, name);

	*out = text && strcmp(text, "Y") == 0;
	if (!text || *out || strcmp(text, "N") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "--%s '%s' is neither Y nor N", name, text);
}

/* --- Redshift --- */

static int to_redshift(struct upload *u, struct err *err)
{
	const struct warehouse_redshift r = {
		get(u, "WORKGROUP"), get(u, "DATABASE"), get(u, "COPY_ROLE"), get(u, "SECRET_ARN")};

	if (!r.database || !r.copy_role)
		return err_set(err, ERR_USAGE, "--WORKGROUP wants --DATABASE and --COPY_ROLE");
	if (strcmp(r.copy_role, "default") != 0 && !starts_with(r.copy_role, "arn:"))
		return err_set(err, ERR_USAGE,
			"--COPY_ROLE '%s' is neither the ARN of a role nor 'default'", r.copy_role);
	if (warehouse_load_redshift(u->job, &r, &u->table, &u->gold, u->ticker, err) != 0)
		return err_wrap(err, "workgroup '%s'", r.workgroup);
	job_log(JOB_INFO, "loaded", "table=%s.%s workgroup=%s", u->table.schema, u->table.name,
		r.workgroup);
	return 0;
}

/* --- PostgreSQL --- */

static int read_lock_timeout(const struct upload *u, int *seconds, struct err *err)
{
	const char *text = get(u, "LOCK_TIMEOUT");
	long long n = LOCK_TIMEOUT_S;

	if (text && parse_int64(text, 1, 86400, &n) != 0)
		return err_set(
			err, ERR_USAGE, "--LOCK_TIMEOUT '%s': 1 to 86400 seconds are wanted", text);
	*seconds = (int)n;
	return 0;
}

static int to_postgres(struct upload *u, struct err *err)
{
	int64_t rows = 0;
	struct pg *pg;
	int seconds = LOCK_TIMEOUT_S, ret;

	if (read_lock_timeout(u, &seconds, err) != 0)
		return -1;
	pg = pg_connect_job(u->job, err);
	if (!pg)
		return -1;
	ret = warehouse_load_postgres(
		u->job, pg, &u->table, &u->gold, u->ticker, seconds, &rows, err);
	if (ret == 0)
		job_log(JOB_INFO, "loaded", "table=%s.%s rows=%lld server=\"%s\"", u->table.schema,
			u->table.name, (long long)rows, pg_shown(pg));
	pg_close(pg);
	return ret;
}

static int check_target(const struct upload *u, struct err *err)
{
	int nr = (get(u, "WORKGROUP") != NULL) + (get(u, "POSTGRES_SECRET") != NULL) +
		 (get(u, "POSTGRES") != NULL);

	if (nr == 1)
		return 0;
	return err_set(err, ERR_USAGE,
		"one of --WORKGROUP, --POSTGRES_SECRET and --POSTGRES is wanted, %s given",
		nr ? "several are" : "none is");
}

static int run(struct job *job, struct err *err)
{
	struct upload u = {.job = job};
	bool create;
	int ret = -1;

	u.ticker = get(&u, "TICKER");
	if (check_target(&u, err) == 0 && read_flag(job, "CREATE_SCHEMA", &create, err) == 0 &&
		warehouse_table_init(&u.table, get(&u, "SCHEMA"), u.ticker, create, err) == 0 &&
		place_parse(get(&u, "GOLD"), "--GOLD", &u.gold, err) == 0)
		ret = get(&u, "WORKGROUP") ? to_redshift(&u, err) : to_postgres(&u, err);
	warehouse_table_release(&u.table);
	place_release(&u.gold);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"redshift-upload", args, run};

	return job_main(&program, argc, argv);
}
