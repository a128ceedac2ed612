/* timeseries-prepare: series by ticker and market as series by entity, <output-key><now>/<output-filename>. */
#include "fs.h"
#include "joblog.h"
#include "runfolder.h"
#include "timeseries.h"

static const struct job_arg args[] = {
	{"bucket", "bucket or folder that holds all data", JOB_REQUIRED},
	{"data_key", "where the extracted series lie", JOB_REQUIRED},
	{"mapping_key", "where the runs of entity-mapping lie", JOB_REQUIRED},
	{"mapping_filename", "the mapping's name; its newest run counts", JOB_REQUIRED},
	{"output_key", "where <now>/<output_filename> goes", JOB_REQUIRED},
	{"output_filename", "the series' name; gzip when it ends in .gz", JOB_REQUIRED},
	{0},
};

/* The order is the original's: what lacks data does not ask for a mapping. */
static int open_input(struct job *job, const struct place *p, struct dataset *data,
	struct dataset *mapping, struct err *err)
{
	const char *data_key = job_args_get(&job->args, "data_key");
	struct err why = ERR_INIT;
	char *name = NULL, *location = NULL;
	int ret;

	job_log(JOB_INFO, "reading", "data=\"%s%s\"", p->shown, data_key);
	if (dataset_from_prefix(job, p, data_key, &csv_comma, data, err) != 0)
		return -1;
	ret = runfolder_newest(job, p, job_args_get(&job->args, "mapping_key"),
		job_args_get(&job->args, "mapping_filename"), &name, &why);
	if (ret != 0 && why.code == ERR_NOT_FOUND)
		err_set(err, ERR_USAGE, "Could not find any mapping files to process: %s",
			why.text);
	else if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	if (ret == 0) {
		job_log(JOB_INFO, "reading", "mapping=\"%s%s\"", p->shown, name);
		location = place_locate(p, name);
		timeseries_mapping(location, mapping);
	}
	free(location);
	free(name);
	return ret;
}

static void tell(const struct timeseries_counts *counts, const char *to)
{
	char *signals = strvec_join(&counts->signals, ",");

	if (counts->repeated)
		job_log(JOB_WARN, "repeated",
			"rows=%lld example=\"%s\" reason=\"several tickers of one entity, or rows "
			"that are there twice: the loader decides\"",
			(long long)counts->repeated, counts->example);
	job_log(JOB_INFO, "written",
		"to=\"%s\" rows_in=%lld mappings=%lld rows_out=%lld signals=%s", to,
		(long long)counts->rows_in, (long long)counts->mappings,
		(long long)counts->rows_out, signals);
	free(signals);
}

static int prepare(struct job *job, const struct place *p, struct err *err)
{
	const char *filename = job_args_get(&job->args, "output_filename");
	char *folder = runfolder_name(job_args_get(&job->args, "output_key"));
	char *path = fs_join(job->tmp, ends_with(filename, ".gz") ? "series.gz" : "series");
	struct dataset data = DATASET_INIT, mapping = DATASET_INIT;
	struct timeseries_counts counts = TIMESERIES_COUNTS_INIT;
	char *name = NULL, *to = NULL;
	int ret = -1;

	if (open_input(job, p, &data, &mapping, err) == 0 &&
		timeseries_prepare(job, &data, &mapping, path, &counts, err) == 0)
		ret = runfolder_put(job, p, folder, filename, path, &name, err);
	if (ret == 0) {
		to = place_locate(p, name);
		tell(&counts, to);
	}
	timeseries_counts_release(&counts);
	dataset_release(&data);
	dataset_release(&mapping);
	free(folder);
	free(path);
	free(name);
	free(to);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	return runfolder_step(job, prepare, err);
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"timeseries-prepare", args, run};

	return job_main(&program, argc, argv);
}
