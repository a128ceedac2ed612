#include "transit_job.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "joblog.h"

static int one_pass(struct job *job, transit_pass_fn *pass, void *payload, struct err *err)
{
	struct pg *pg = transit_db_open(job, err);
	int ret = pg ? pass(job, pg, payload, err) : -1;

	pg_close(pg);
	return ret;
}

int transit_loop(struct job *job, transit_pass_fn *pass, void *payload, struct err *err)
{
	const struct clock *clock = clock_system();
	long long every = 0;
	int ret;

	if (transit_number(job, "EVERY", 1, 86400, 0, &every, err) != 0)
		return -1;
	if (every && job_args_flag(&job->args, "ONCE"))
		return err_set(err, ERR_USAGE, "--EVERY and --ONCE: one of the two is wanted");
	if (!every)
		return one_pass(job, pass, payload, err);
	for (;;) {
		struct err why = ERR_INIT;

		ret = one_pass(job, pass, payload, &why);
		if (ret != 0 && why.code != ERR_USAGE && why.code != ERR_INTERRUPTED) {
			char *text = err_format(&why);

			job_log(JOB_ERROR, "pass-failed", "error=\"%s\"%s%s", text,
				why.hint ? " hint=" : "", why.hint ? why.hint : "");
			free(text);
			ret = 0;
		}
		if (ret != 0)
			err_move(err, &why);
		err_release(&why);
		if (ret != 0)
			return -1;
		(void)clock->sleep_ms(clock, every * 1000);
		if (job_check_interrupt(err) != 0)
			return -1;
	}
}

int transit_number(struct job *job, const char *name, long long min, long long max,
	long long otherwise, long long *out, struct err *err)
{
	const char *text = job_args_get(&job->args, name);

	*out = otherwise;
	if (text && parse_int64(text, min, max, out) != 0)
		return err_set(err, ERR_USAGE, "--%s '%s': a number from %lld to %lld is wanted",
			name, text, min, max);
	return 0;
}

int transit_yes(struct job *job, const char *name, bool otherwise, bool *out, struct err *err)
{
	const char *text = job_args_get(&job->args, name);

	*out = text ? strcmp(text, "Y") == 0 : otherwise;
	if (!text || *out || strcmp(text, "N") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "--%s '%s' is neither Y nor N", name, text);
}

int64_t transit_value(const char *text, int64_t otherwise)
{
	long long n;

	return text && parse_int64(text, INT64_MIN, INT64_MAX, &n) == 0 ? n : otherwise;
}

int transit_set_status(struct pg *pg, const char *ids, enum transit_status from,
	enum transit_status to, int64_t *changed, struct err *err)
{
	const char *const values[] = {ids, transit_status_name(from), transit_status_name(to)};
	struct pg_rows rows = PG_ROWS_INIT;
	int ret;

	if (!transit_status_follows(from, to))
		BUG("a load never goes from '%s' to '%s'", values[1], values[2]);
	if (changed)
		*changed = 0;
	if (!*ids)
		return 0;
	ret = pg_query(pg,
		"UPDATE cubic_loads SET status = $3, updated_at = date_trunc('second', now() AT "
		"TIME ZONE 'UTC') WHERE id = ANY ($1::bigint[]) AND status = $2 AND deleted_at IS "
		"NULL",
		values, 3, &rows, err);
	if (changed)
		*changed = rows.affected;
	pg_rows_release(&rows);
	return ret;
}
