#include "exabeljob.h"

#include <stdlib.h>
#include <string.h>
#include "csvscan.h"
#include "joblog.h"
#include "runfolder.h"
#include "secret.h"

#define DEFAULT_HOST "data.api.exabel.com"

struct exabel *exabel_job_client(struct job *job, struct err *err)
{
	const char *host = job_args_get(&job->args, "exabel_api_host");
	struct exabel_config config = {.host = host ? host : DEFAULT_HOST, .agent = job->name};

	config.key = secret_api_key(job, err);
	return config.key ? exabel_new(&config, err) : NULL;
}

char *exabel_job_input(struct job *job, const struct place *p, struct err *err)
{
	struct err why = ERR_INIT;
	char *name = NULL, *location = NULL;

	if (runfolder_newest(job, p, job_args_get(&job->args, "input_key"),
		    job_args_get(&job->args, "input_filename"), &name, &why) == 0) {
		location = place_locate(p, name);
		job_log(JOB_INFO, "reading", "from=\"%s\"", location);
	} else if (why.code == ERR_NOT_FOUND) {
		err_set(err, ERR_NOT_FOUND, "Could not find any input files to process: %s",
			why.text);
	} else {
		err_move(err, &why);
	}
	err_release(&why);
	free(name);
	return location;
}

int exabel_job_number(struct job *job, const char *name, long long otherwise, long long least,
	long long most, long long *out, struct err *err)
{
	const char *text = job_args_get(&job->args, name);

	*out = otherwise;
	if (text && parse_int64(text, least, most, out) != 0)
		return err_set(err, ERR_USAGE, "--%s is a whole number from %lld to %lld, not '%s'",
			name, least, most, text);
	return 0;
}

int exabel_job_delimiter(struct job *job, char *out, struct err *err)
{
	const char *text = job_args_get(&job->args, "sep");
	struct csv_dialect dialect = {';', '"', '\0'};

	if (text && strcmp(text, "\\t") == 0)
		text = "\t";
	if (text && strlen(text) != 1)
		return err_set(err, ERR_USAGE, "--sep is one character, not '%s'", text);
	if (text)
		dialect.delimiter = *text;
	if (csv_dialect_check(&dialect, err) != 0) {
		err->code = ERR_USAGE;
		return err_wrap(err, "--sep");
	}
	*out = dialect.delimiter;
	return 0;
}
