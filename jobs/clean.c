/* clean: a raw CSV of sales records to typed Parquet without duplicates, s3://<target>/<stem>/. */
#include "joblog.h"
#include "sales.h"
#include "stream.h"

static const struct job_arg args[] = {
	{"raw_object_name", "the CSV's name in the source bucket", JOB_REQUIRED},
	{"source_bucket", "bucket or folder that holds the CSV", JOB_REQUIRED},
	{"target_bucket", "bucket or folder for <name up to the first '.'>/", JOB_REQUIRED},
	{0},
};

struct source {
	struct job *job;
	const char *from;
	struct stream *stream;
};

static int rewind_source(void *payload, struct err *err)
{
	struct source *s = payload;

	stream_close(s->stream);
	s->stream = stream_open(s->job, s->from, err);
	return s->stream ? 0 : -1;
}

static ssize_t read_source(void *payload, const void **block, struct err *err)
{
	struct source *s = payload;

	return stream_read(s->stream, block, err);
}

static int clean(
	struct job *job, const char *from, struct place *target, const char *stem, struct err *err)
{
	struct source source = {job, from, NULL};
	const struct sales_source pull = {rewind_source, read_source, &source};
	struct sales_counts counts = {0};
	struct publish *out = publish_new(job, target, stem, err);
	int ret;

	if (!out)
		return -1;
	job_log(JOB_INFO, "reading", "from=\"%s\"", from);
	ret = sales_clean(job, &pull, out, &counts, err);
	stream_close(source.stream);
	if (ret != 0) {
		publish_abort(out);
		return -1;
	}
	job_log(JOB_INFO, "writing", "to=\"%s%s/\" rows_in=%lld rows_out=%lld", target->shown, stem,
		(long long)counts.rows_in, (long long)counts.rows_out);
	return publish_commit(out, err);
}

static int run(struct job *job, struct err *err)
{
	struct place source = PLACE_INIT, target = PLACE_INIT;
	const char *name = job_args_get(&job->args, "raw_object_name");
	char *stem = job_stem(name, err), *from = NULL;
	int ret = -1;

	if (stem &&
		place_parse(job_args_get(&job->args, "source_bucket"), "--source_bucket", &source,
			err) == 0 &&
		place_parse(job_args_get(&job->args, "target_bucket"), "--target_bucket", &target,
			err) == 0) {
		from = place_locate(&source, name);
		ret = clean(job, from, &target, stem, err);
	}
	place_release(&source);
	place_release(&target);
	free(stem);
	free(from);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"clean", args, run};

	return job_main(&program, argc, argv);
}
