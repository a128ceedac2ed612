#include "crypto.h"

#include <stdlib.h>
#include "duck.h"
#include "joblog.h"
#include "pricefile.h"

#define MEMORY_PERCENT 60

static void warn_of(const char *location, const char *what, const struct price_counts *c)
{
	if (c->bad)
		job_log(JOB_WARN, "null",
			"file=\"%s\" rows=%lld first_line=%lld value=\"%s\" reason=\"no %s\"",
			location, (long long)c->bad, (long long)c->bad_line, c->bad_value, what);
	if (c->unordered_line)
		job_log(JOB_WARN, "unordered",
			"file=\"%s\" first_line=%lld reason=\"rows are taken by date\"", location,
			(long long)c->unordered_line);
	if (c->repeated)
		job_log(JOB_WARN, "repeated",
			"file=\"%s\" dates=%lld first=%s reason=\"dates that come twice multiply "
			"rows\"",
			location, (long long)c->repeated, c->repeated_day);
}

static int copy(struct duck *d, const char *select, struct publish *out, const char *stem,
	int64_t *rows, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	char *name = publish_new_name(stem);
	const char *path = publish_path(out, name, err);
	int ret = -1;

	if (path) {
		strbuf_addf(&sql, "COPY (%s) TO ", select);
		duck_add_text(&sql, path);
		strbuf_addstr(&sql, " (FORMAT parquet, COMPRESSION snappy)");
		ret = duck_exec(d, sql.buf, rows, err);
	}
	strbuf_release(&sql);
	free(name);
	return ret;
}

/* What is filled looks at what was there, not at what others were filled with. */
static const char dropped[] = "SELECT day AS \"Date\", value AS \"Price\" FROM hist "
			      "WHERE value <> -1 ORDER BY day, line";
static const char filled[] =
	"SELECT day AS \"Date\", CASE WHEN value <> -1 THEN value ELSE "
	"last_value(CASE WHEN value <> -1 THEN value END IGNORE NULLS) OVER "
	"(ORDER BY day, line ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING) END AS \"Price\" "
	"FROM hist ORDER BY day, line";

static int make_hist(struct job *job, struct duck *d, const struct crypto_bronze *in,
	struct publish *out, struct err *err)
{
	struct price_counts c = PRICE_COUNTS_INIT;
	int64_t rows = 0;
	int ret = -1;

	if (price_load(job, d, in->hist, PRICE_HISTORY, "hist", &c, err) != 0)
		goto out;
	warn_of(in->hist, "price", &c);
	if (c.rows == 0) {
		err_set(err, ERR_INVALID, "'%s' has no rows below its header", in->hist);
	} else if (c.missing + c.bad == c.rows) {
		err_set(err, ERR_INVALID,
			"'%s' has no price: of its %lld rows %lld have -1, and %lld no number",
			in->hist, (long long)c.rows, (long long)c.missing, (long long)c.bad);
	} else if (copy(d, in->drop ? dropped : filled, out, "hist", &rows, err) == 0) {
		job_log(JOB_INFO, "hist",
			"from=\"%s\" rows_in=%lld missing=%lld rows_out=%lld drop=%c", in->hist,
			(long long)c.rows, (long long)(c.missing + c.bad), (long long)rows,
			in->drop ? 'Y' : 'N');
		ret = 0;
	}
out:
	price_counts_release(&c);
	return ret;
}

static int make_trend(struct job *job, struct duck *d, const struct crypto_bronze *in,
	struct publish *out, struct err *err)
{
	struct price_counts c = PRICE_COUNTS_INIT;
	int64_t rows = 0;
	int ret = -1;

	if (price_load(job, d, in->trend, PRICE_TREND, "trend", &c, err) != 0)
		goto out;
	warn_of(in->trend, "integer", &c);
	if (c.rows == 0) {
		err_set(err, ERR_INVALID, "'%s' has no rows below its header", in->trend);
	} else if (copy(d,
			   "SELECT day AS \"date\", value AS \"g_trend\" FROM trend "
			   "ORDER BY day, line",
			   out, "trend", &rows, err) == 0) {
		job_log(JOB_INFO, "trend", "from=\"%s\" rows=%lld", in->trend, (long long)rows);
		ret = 0;
	}
out:
	price_counts_release(&c);
	return ret;
}

int crypto_silver(struct job *job, const struct crypto_bronze *in, struct publish *hist,
	struct publish *trend, struct err *err)
{
	struct strvec folders = STRVEC_INIT;
	struct duck *d;
	int ret = -1;

	strvec_push(&folders, publish_dir(hist));
	strvec_push(&folders, publish_dir(trend));
	/* One reader a file, and a window over all rows: nothing to share. */
	d = duck_open_single(job, MEMORY_PERCENT, &folders, err);
	if (d && make_hist(job, d, in, hist, err) == 0)
		ret = make_trend(job, d, in, trend, err);
	duck_close(d);
	strvec_release(&folders);
	return ret;
}
