#ifndef JOB_H
#define JOB_H

/*
 * The frame of a job program: arguments, limits, a folder for scratch, the AWS client, signals, exit codes
 * (0 done, 1 the work failed, 2 bad arguments). A program's main is `return job_main(&program, argc, argv);`.
 */
#include <pthread.h>
#include <stdint.h>
#include "client.h"
#include "jobargs.h"

struct job {
	const char *name;
	struct job_args args;
	char *tmp;         /* private folder in TMPDIR, removed at the end */
	int64_t memory_mb; /* what the run may use: GLUEPROJ_MEMORY_MB, else this machine's */
	size_t cpus;       /* GLUEPROJ_CPUS, else this machine's */
	pthread_mutex_t lock;
	struct aws_client *aws; /* by job_aws */
};

typedef int job_run_fn(struct job *job, struct err *err);
struct job_program {
	const char *name;
	const struct job_arg *args; /* {0}-terminated */
	job_run_fn *run;
};

int job_main(const struct job_program *program, int argc, char **argv);
/* For job_main and tests: with limits and scratch, without arguments. */
int job_open(struct job *job, const char *name, struct err *err) must_check;
void job_close(struct job *job);
/* The client, made when first asked for: what reads and writes no S3 needs no credentials. Borrowed. NULL on error. */
struct aws_client *job_aws(struct job *job, struct err *err) must_check;
/* ERR_INTERRUPTED after SIGTERM or SIGINT, else 0. */
int job_check_interrupt(struct err *err) must_check;
/* 32 hex digits, another each time: the <id> of part-00000-<id>.snappy.parquet. */
char *job_new_id(void);
/* The text up to the first '.', as in s3://bucket/<stem>/; ERR_USAGE when nothing is left. Malloc'd. */
char *job_stem(const char *raw_object_name, struct err *err) must_check;

#endif
