/* bronze2silver: a currency's price history and search trend to Parquet, <silver>/<TICKER>_hist/ and <silver>/<TICKER>_trend/. */
#include <stdlib.h>
#include <string.h>
#include "archive_io.h"
#include "crypto.h"
#include "joblog.h"

static const struct job_arg args[] = {
	{"RAW", "bucket or folder that holds the CSVs", JOB_REQUIRED},
	{"SILVER",
		"bucket or folder for <TICKER>_hist/ and <TICKER>_trend/, which must not be there",
		JOB_REQUIRED},
	{"HIST_FILE", "the price history's name: Date (MM/dd/yyyy), Price, …", JOB_REQUIRED},
	{"TREND_FILE", "the search trend's name: date (yyyy-MM-dd), number", JOB_REQUIRED},
	{"TICKER", "names folders and table: a letter, then letters, digits and '_'", JOB_REQUIRED},
	{"DROP", "Y: rows with a price of -1 go; N: it is the last price of the ten rows before",
		JOB_REQUIRED},
	{0},
};

static int read_drop(struct job *job, bool *drop, struct err *err)
{
	const char *text = job_args_get(&job->args, "DROP");

	*drop = strcmp(text, "Y") == 0;
	if (*drop || strcmp(text, "N") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "--DROP '%s' is neither Y nor N", text);
}

static char *locate(struct job *job, const struct place *raw, const char *option, struct err *err)
{
	const char *name = job_args_get(&job->args, option);

	if (*name && !archive_name_escapes(name))
		return place_locate(raw, name);
	err_set(err, ERR_USAGE, "--%s '%s' names no file below '%s'", option, name, raw->shown);
	return NULL;
}

static int make(struct job *job, const struct crypto_places *p, const struct crypto_bronze *in,
	struct err *err)
{
	char *hist = xasprintf("%s_hist", p->ticker), *trend = xasprintf("%s_trend", p->ticker);
	struct publish *out[2] = {NULL, NULL};
	int ret = -1;

	if (place_check_new(job, &p->to, hist, err) != 0 ||
		place_check_new(job, &p->to, trend, err) != 0)
		goto out;
	out[0] = publish_new(job, &p->to, hist, err);
	out[1] = out[0] ? publish_new(job, &p->to, trend, err) : NULL;
	if (!out[1] || crypto_silver(job, in, out[0], out[1], err) != 0)
		goto out;
	ret = publish_commit_new(out, ARRAY_SIZE(out), err);
	out[0] = out[1] = NULL;
	if (ret == 0)
		job_log(JOB_INFO, "written", "to=\"%s%s/\" and=\"%s%s/\"", p->to.shown, hist,
			p->to.shown, trend);
out:
	publish_abort(out[0]);
	publish_abort(out[1]);
	free(hist);
	free(trend);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	struct crypto_places places = CRYPTO_PLACES_INIT;
	struct crypto_bronze in = {0};
	char *hist = NULL, *trend = NULL;
	int ret = -1;

	job_log(JOB_INFO, "start", "text=\"This is bronze2silver script.\"");
	if (crypto_places(job, "RAW", "SILVER", &places, err) == 0 &&
		read_drop(job, &in.drop, err) == 0) {
		in.hist = hist = locate(job, &places.from, "HIST_FILE", err);
		in.trend = trend = hist ? locate(job, &places.from, "TREND_FILE", err) : NULL;
		ret = trend ? make(job, &places, &in, err) : -1;
	}
	crypto_places_release(&places);
	free(hist);
	free(trend);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"bronze2silver", args, run};

	return job_main(&program, argc, argv);
}
