#ifndef EXABELJOB_H
#define EXABELJOB_H

/* What the two jobs that speak to Exabel share: their options, and the file that they start from. */
#include <stddef.h>
#include "exabel.h"
#include "job.h"
#include "place.h"

/* For the table of arguments. */
#define EXABEL_JOB_ARGS                                                                         \
	{"exabel_api_key_secret", "name of the secret that is the API key", JOB_OPTIONAL},      \
		{"exabel_api_key", "the API key itself, for all to see", JOB_OPTIONAL},         \
		{"exabel_api_host", "host[:port] of the API, or its address", JOB_OPTIONAL},    \
		{"bucket", "bucket or folder of the keys below", JOB_REQUIRED},                 \
		{"input_key", "prefix of the input, whose newest file is taken", JOB_REQUIRED}, \
		{"input_filename", "what that file's name contains", JOB_REQUIRED},             \
		{"sep", "what stands between fields, ';' if not given", JOB_OPTIONAL},          \
	{                                                                                       \
		"threads", "calls at a time", JOB_OPTIONAL                                      \
	}

/* The client by --exabel_api_host and the key. The key leaves the job's arguments. */
struct exabel *exabel_job_client(struct job *job, struct err *err) must_check;
/* The newest file; ERR_NOT_FOUND "Could not find any input files to process". Malloc'd location for stream_open. */
char *exabel_job_input(struct job *job, const struct place *p, struct err *err) must_check;
/* A whole number in [least, most]; ERR_USAGE. */
int exabel_job_number(struct job *job, const char *name, long long otherwise, long long least,
	long long most, long long *out, struct err *err) must_check;
int exabel_job_delimiter(struct job *job, char *out, struct err *err) must_check;

#endif
