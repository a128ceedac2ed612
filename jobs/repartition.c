/* repartition: Parquet of s3://<source>/<stem>/ by country to s3://<target>/<stem>/country=…/. */
#include "joblog.h"
#include "sales.h"

static const struct job_arg args[] = {
	{"raw_object_name", "name that the data set has up to its first '.'", JOB_REQUIRED},
	{"source_bucket", "bucket or folder that holds the data set", JOB_REQUIRED},
	{"target_bucket", "bucket or folder for the partitions", JOB_REQUIRED},
	{0},
};

static int repartition(struct job *job, const struct place *source, const struct place *target,
	const char *stem, struct err *err)
{
	struct sales_counts counts = {0};
	struct strvec files = STRVEC_INIT;
	struct publish *out = NULL;
	int ret = -1;

	job_log(JOB_INFO, "reading", "from=\"%s%s/\"", source->shown, stem);
	if (place_parquet_files(job, source, stem, &files, err) == 0 &&
		(out = publish_new(job, target, stem, err)))
		ret = sales_repartition(job, &files, out, &counts, err);
	strvec_release(&files);
	if (ret != 0) {
		publish_abort(out);
		return -1;
	}
	job_log(JOB_INFO, "writing", "to=\"%s%s/\" rows=%lld partitions=%zu", target->shown, stem,
		(long long)counts.rows_out, counts.files);
	return publish_commit(out, err);
}

static int run(struct job *job, struct err *err)
{
	struct place source = PLACE_INIT, target = PLACE_INIT;
	char *stem = job_stem(job_args_get(&job->args, "raw_object_name"), err);
	int ret = -1;

	if (stem &&
		place_parse(job_args_get(&job->args, "source_bucket"), "--source_bucket", &source,
			err) == 0 &&
		place_parse(job_args_get(&job->args, "target_bucket"), "--target_bucket", &target,
			err) == 0)
		ret = repartition(job, &source, &target, stem, err);
	place_release(&source);
	place_release(&target);
	free(stem);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"repartition", args, run};

	return job_main(&program, argc, argv);
}
