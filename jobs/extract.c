/* extract: downloads a zip, and stores it and its CSV in the raw bucket. */
#include <stdlib.h>
#include <string.h>
#include "joblog.h"
#include "stream.h"
#include "unzip.h"

static const struct job_arg args[] = {
	{"url", "the zip: https://, http://, s3://, file:// or a path", JOB_REQUIRED},
	{"s3_destination_bucket", "bucket or folder for the zip and its CSV", JOB_REQUIRED},
	{0},
};

/* What stands behind the last '/', without a query; malloc'd. */
static char *name_of_url(const char *url, struct err *err)
{
	bool web = starts_with(url, "http://") || starts_with(url, "https://");
	size_t len = web ? strcspn(url, "?#") : strlen(url), from = len;
	const char *host = strstr(url, "://");

	while (from && url[from - 1] != '/')
		from--;
	if (from < len && !(web && url + from == host + 3) && strcmp(url + from, "..") != 0)
		return xstrndup(url + from, len - from);
	err_set(err, ERR_USAGE, "--url: '%.*s' names no file", (int)len, url);
	return NULL;
}

static int extract(struct job *job, const char *url, const struct place *target, struct err *err)
{
	struct unzip_result result = {0};
	struct stream *stream = NULL;
	char *name = name_of_url(url, err), *shown;
	int ret = -1;

	if (!name)
		return -1;
	shown = xstrndup(url, starts_with(url, "http") ? strcspn(url, "?#") : strlen(url));
	job_log(JOB_INFO, "reading", "from=\"%s\"", shown);
	stream = stream_open(job, url, err);
	if (stream)
		ret = unzip_store(job, stream_read, stream, shown, target, name, &result, err);
	stream_close(stream);
	if (ret == 0)
		job_log(JOB_INFO, "stored",
			"to=\"%s\" zip=\"%s\" zip_bytes=%lld csv=\"%s\" csv_bytes=%lld",
			target->shown, name, (long long)result.zip_bytes, result.csv_name,
			(long long)result.csv_bytes);
	free(result.csv_name);
	free(name);
	free(shown);
	return ret;
}

static int run(struct job *job, struct err *err)
{
	struct place target = PLACE_INIT;
	int ret = -1;

	if (place_parse(job_args_get(&job->args, "s3_destination_bucket"),
		    "--s3_destination_bucket", &target, err) == 0)
		ret = extract(job, job_args_get(&job->args, "url"), &target, err);
	place_release(&target);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct job_program program = {"extract", args, run};

	return job_main(&program, argc, argv);
}
