/* mapping-prepare: the identities' CSV files as one, <output-key><now>/<output-filename>, for entity-mapping. */
#include "fs.h"
#include "joblog.h"
#include "mapping.h"
#include "runfolder.h"

static const struct job_arg args[] = {
	{"bucket", "bucket or folder that holds all data", JOB_REQUIRED},
	{"input_key", "where the identities' CSV files lie", JOB_REQUIRED},
	{"output_key", "where <now>/<output_filename> goes", JOB_REQUIRED},
	{"output_filename", "the mapping's name; gzip when it ends in .gz", JOB_REQUIRED},
	{0},
};

static int prepare(struct job *job, const struct place *p, struct err *err)
{
	const char *input = job_args_get(&job->args, "input_key");
	const char *filename = job_args_get(&job->args, "output_filename");
	char *folder = runfolder_name(job_args_get(&job->args, "output_key"));
	char *path = fs_join(job->tmp, ends_with(filename, ".gz") ? "mapping.gz" : "mapping");
	struct dataset identities = DATASET_INIT;
	struct mapping_counts counts;
	char *name = NULL;
	int ret = -1;

	job_log(JOB_INFO, "reading", "from=\"%s%s\"", p->shown, input);
	if (dataset_from_prefix(job, p, input, &csv_comma, &identities, err) == 0 &&
		mapping_prepare(job, &identities, path, &counts, err) == 0)
		ret = runfolder_put(job, p, folder, filename, path, &name, err);
	if (ret == 0)
		job_log(JOB_INFO, "written", "to=\"%s%s\" files=%zu rows=%lld", p->shown, name,
			counts.files, (long long)counts.rows);
	dataset_release(&identities);
	free(folder);
	free(path);
	free(name);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	return runfolder_step(job, prepare, err);
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"mapping-prepare", args, run};

	return job_main(&program, argc, argv);
}
