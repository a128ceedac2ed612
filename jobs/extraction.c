/* extraction: sums per ticker and day, and the tickers, out of the three crawled tables; both data sets are replaced as a whole. */
#include <stdlib.h>
#include "bookmark.h"
#include "clock.h"
#include "joblog.h"
#include "series.h"

#define IDENTITIES "data/etl-output/mapping/identities"
#define SUMS "data/etl-output/time-series/extracted"

static const struct job_arg args[] = {
	{"bucket", "bucket or folder for " IDENTITIES "/ and " SUMS "/", JOB_REQUIRED},
	{"database_name", "the catalog's database that holds the tables", JOB_REQUIRED},
	{"database_table_prefix",
		"what stands before chain_tickers, chain_venues and data_set in the tables' names",
		JOB_REQUIRED},
	{"signal_columns", "columns of data_set to sum up, with ',' (default: dwell)",
		JOB_OPTIONAL},
	{"job_bookmark_option",
		"job-bookmark-enable: nothing to do when nothing changed; -disable, -pause",
		JOB_OPTIONAL},
	{"JOB_NAME", "names the bookmark (default: extraction)", JOB_OPTIONAL},
	{0},
};

struct extraction {
	struct place place;
	struct dataset tickers, venues, data;
	struct strvec signals;
	struct series_source source;
	enum bookmark_mode mode;
	struct bookmark *bookmark;
};

static int read_signals(struct job *job, struct extraction *e, struct err *err)
{
	const char *text = job_args_get(&job->args, "signal_columns");

	strvec_split(&e->signals, text ? text : "dwell", ',');
	for (size_t i = 0; i < e->signals.nr; i++) {
		struct strbuf name = STRBUF_INIT;

		strbuf_addstr(&name, e->signals.v[i]);
		strbuf_trim(&name);
		lower_ascii(name.buf);
		free(e->signals.v[i]);
		e->signals.v[i] = strbuf_detach(&name, NULL);
		if (!*e->signals.v[i])
			return err_set(
				err, ERR_USAGE, "--signal_columns '%s' has an empty name", text);
	}
	return 0;
}

static int find_table(struct job *job, const char *name, struct dataset *out, struct err *err)
{
	const char *database = job_args_get(&job->args, "database_name");
	const char *prefix = job_args_get(&job->args, "database_table_prefix");
	char *table = xasprintf("%s%s", prefix, name);
	int ret = dataset_from_table(job, database, table, out, err);

	if (ret == 0)
		job_log(JOB_INFO, "reading", "table=\"%s.%s\" files=%zu", database, table,
			out->nr_files);
	free(table);
	return ret;
}

static int find_tables(struct job *job, struct extraction *e, struct err *err)
{
	e->source = (struct series_source){&e->tickers, &e->venues, &e->data, &e->signals};
	if (find_table(job, "chain_tickers", &e->tickers, err) != 0 ||
		find_table(job, "chain_venues", &e->venues, err) != 0 ||
		find_table(job, "data_set", &e->data, err) != 0)
		return -1;
	return series_check(&e->source, job_args_get(&job->args, "signal_columns") != NULL, err);
}

static int open_bookmark(struct job *job, struct extraction *e, bool *current, struct err *err)
{
	const char *name = job_args_get(&job->args, "JOB_NAME");

	e->bookmark = bookmark_new(job, &e->place, e->mode, name ? name : job->name);
	bookmark_add(e->bookmark, "program", "extraction 1");
	bookmark_add(e->bookmark, "place", e->place.shown);
	for (size_t i = 0; i < e->signals.nr; i++)
		bookmark_add(e->bookmark, "signal", e->signals.v[i]);
	bookmark_add_dataset(e->bookmark, &e->tickers);
	bookmark_add_dataset(e->bookmark, &e->venues);
	bookmark_add_dataset(e->bookmark, &e->data);
	return bookmark_is_current(e->bookmark, current, err);
}

static void log_counts(const struct extraction *e, const struct series_counts *n)
{
	if (n->unnamed)
		job_log(JOB_WARN, "unnamed", "rows_without_ticker=%lld", (long long)n->unnamed);
	job_log(JOB_INFO, "joined", "chain_tickers=%lld chain_venues=%lld data_set=%lld rows=%lld",
		(long long)n->tickers, (long long)n->venues, (long long)n->rows,
		(long long)n->joined);
	job_log(JOB_INFO, "writing", "to=\"%s" IDENTITIES "/\" tickers=%lld", e->place.shown,
		(long long)n->identities);
	job_log(JOB_INFO, "writing", "to=\"%s" SUMS "/\" series=%zu rows=%lld", e->place.shown,
		n->series, (long long)n->sums);
}

/* Both data sets are whole before the first of them shows. */
static int extract(struct job *job, struct extraction *e, struct err *err)
{
	const struct clock *clock = clock_system();
	char *file_name = xasprintf("run-%lld-part-r-00000.gz", (long long)clock->now_ms(clock));
	struct publish *identities = publish_new(job, &e->place, IDENTITIES, err);
	struct publish *sums = identities ? publish_new(job, &e->place, SUMS, err) : NULL;
	struct series_counts counts = {0};
	int ret = -1;

	if (!sums ||
		series_extract(job, &e->source, file_name, identities, sums, &counts, err) != 0)
		goto out;
	log_counts(e, &counts);
	ret = publish_commit(sums, err);
	sums = NULL;
	if (ret == 0) {
		ret = publish_commit(identities, err);
		identities = NULL;
	}
	bookmark_add_output(e->bookmark, IDENTITIES "/", file_name, 1);
	bookmark_add_output(e->bookmark, SUMS "/", file_name, counts.series);
	if (ret == 0)
		ret = bookmark_save(e->bookmark, err);
out:
	publish_abort(identities);
	publish_abort(sums);
	free(file_name);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	struct extraction e = {.place = PLACE_INIT, .signals = STRVEC_INIT};
	bool current = false;
	int ret = -1;

	if (place_parse(job_args_get(&job->args, "bucket"), "--bucket", &e.place, err) == 0 &&
		bookmark_mode_parse(
			job_args_get(&job->args, "job_bookmark_option"), &e.mode, err) == 0 &&
		read_signals(job, &e, err) == 0 && find_tables(job, &e, err) == 0 &&
		open_bookmark(job, &e, &current, err) == 0) {
		if (current)
			job_log(JOB_INFO, "nothing new", "since=\"the last run\"");
		ret = current ? 0 : extract(job, &e, err);
	}
	bookmark_free(e.bookmark);
	dataset_release(&e.tickers);
	dataset_release(&e.venues);
	dataset_release(&e.data);
	strvec_release(&e.signals);
	place_release(&e.place);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"extraction", args, run};

	return job_main(&program, argc, argv);
}
