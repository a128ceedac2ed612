/* silver2gold: a currency's prices and trend joined by date, with moving averages, <gold>/<TICKER>/. */
#include "crypto.h"
#include "joblog.h"

static const struct job_arg args[] = {
	{"SILVER", "bucket or folder with <TICKER>_hist/ and <TICKER>_trend/", JOB_REQUIRED},
	{"GOLD", "bucket or folder for <TICKER>/, which must not be there", JOB_REQUIRED},
	{"TICKER", "names the folders: a letter, then letters, digits and '_'", JOB_REQUIRED},
	{0},
};

static int run(struct job *job, struct err *err)
{
	struct crypto_places p = CRYPTO_PLACES_INIT;
	struct publish *out = NULL;
	int ret = -1;

	job_log(JOB_INFO, "start", "text=\"This is silver2gold script.\"");
	if (crypto_places(job, "SILVER", "GOLD", &p, err) == 0 &&
		place_check_new(job, &p.to, p.ticker, err) == 0)
		out = publish_new(job, &p.to, p.ticker, err);
	if (out && crypto_gold(job, &p.from, p.ticker, out, err) == 0) {
		ret = publish_commit_new(&out, 1, err);
		out = NULL;
	}
	if (ret == 0)
		job_log(JOB_INFO, "written", "to=\"%s%s/\"", p.to.shown, p.ticker);
	publish_abort(out);
	crypto_places_release(&p);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"silver2gold", args, run};

	return job_main(&program, argc, argv);
}
