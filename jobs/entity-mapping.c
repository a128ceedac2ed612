/* entity-mapping: identifiers of companies to Exabel's entities, <output_key><time>/<output_filename>. */
#include <stdlib.h>
#include <string.h>
#include "entitymap.h"
#include "exabeljob.h"
#include "fs.h"
#include "joblog.h"
#include "runfolder.h"
#include "stream.h"

static const struct job_arg args[] = {
	EXABEL_JOB_ARGS,
	{"output_key", "prefix of the output", JOB_REQUIRED},
	{"output_filename", "name of the mapping below <output_key><time>/", JOB_REQUIRED},
	{"entity_type", "what is searched, entityTypes/company if not given", JOB_OPTIONAL},
	{0},
};

#define DEFAULT_THREADS 8
#define MAX_THREADS 100

static int read_options(struct job *job, struct entity_map_options *o, struct err *err)
{
	const char *type = job_args_get(&job->args, "entity_type");
	long long threads;

	o->entity_type = type ? type : "entityTypes/company";
	if (!starts_with(o->entity_type, "entityTypes/") || !o->entity_type[12] ||
		strchr(o->entity_type + 12, '/'))
		return err_set(err, ERR_USAGE, "--entity_type is entityTypes/NAME, not '%s'",
			o->entity_type);
	if (exabel_job_number(job, "threads", DEFAULT_THREADS, 1, MAX_THREADS, &threads, err) != 0)
		return -1;
	o->threads = (size_t)threads;
	return exabel_job_delimiter(job, &o->delimiter, err);
}

static int publish(struct job *job, const struct place *place, const char *path, struct err *err)
{
	char *folder = runfolder_name(job_args_get(&job->args, "output_key")), *name = NULL;
	int ret = runfolder_put(
		job, place, folder, job_args_get(&job->args, "output_filename"), path, &name, err);

	if (ret == 0)
		job_log(JOB_INFO, "written", "to=\"%s%s\"", place->shown, name);
	free(folder);
	free(name);
	return ret;
}

static void summarize(const struct entity_map_counts *c, const struct exabel *e)
{
	job_log(JOB_INFO, "mapped",
		"ids=%zu found=%zu ambiguous=%zu missing=%zu rows_in=%zu rows_out=%zu "
		"rows_without_id=%zu requests=%llu",
		c->ids, c->found, c->ambiguous, c->missing, c->rows_in, c->rows_out, c->empty,
		(unsigned long long)exabel_requests(e));
}

static int map(struct job *job, struct exabel *e, const struct place *place,
	const struct entity_map_options *options, struct err *err)
{
	char *from = exabel_job_input(job, place, err);
	/* Whatever its name is to be, a plain CSV. */
	char *path = fs_join(job->tmp, "mapping.csv");
	struct stream *in = from ? stream_open_unpacked(job, from, err) : NULL;
	struct entity_map_counts counts;
	int ret = -1;

	if (in) {
		ret = entity_map(e, stream_read, in, options, path, &counts, err);
		if (ret == 0 || counts.found + counts.ambiguous + counts.missing > 0)
			summarize(&counts, e);
		if (ret != 0)
			err_wrap(err, "%s", from);
	}
	stream_close(in);
	if (ret == 0)
		ret = publish(job, place, path, err);
	free(from);
	free(path);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	struct entity_map_options options;
	struct place place = PLACE_INIT;
	struct exabel *e = NULL;
	int ret = -1;

	if (read_options(job, &options, err) == 0 &&
		place_parse(job_args_get(&job->args, "bucket"), "--bucket", &place, err) == 0 &&
		(e = exabel_job_client(job, err)))
		ret = map(job, e, &place, &options, err);
	exabel_free(e);
	place_release(&place);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"entity-mapping", args, run};

	return job_main(&program, argc, argv);
}
