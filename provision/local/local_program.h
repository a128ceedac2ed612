#ifndef LOCAL_PROGRAM_H
#define LOCAL_PROGRAM_H

/*
 * What a job run executes: a program out of a bundle, a Python script, a Spark script. Fetches what is needed with
 * the rights of the job's role and makes command line and environment.
 */
#include "local_cloud.h"
#include "local_glue.h"
#include "strvec.h"

struct local_program {
	struct strvec argv, env;
	char *dir;         /* the run's own folder */
	int64_t memory_mb; /* what the run may use */
	int64_t timeout_ms;
	int arguments; /* the words of a bundled program, which argv does not hold; -1: argv holds all */
};
#define LOCAL_PROGRAM_INIT                               \
	{                                                \
		STRVEC_INIT, STRVEC_INIT, NULL, 0, 0, -1 \
	}
void local_program_release(struct local_program *p);

/* The error's text is what GetJobRun shows as ErrorMessage. */
int local_program_prepare(struct local_cloud *cloud, const struct local_run *run,
	struct local_program *p, struct err *err) must_check;
/* Half-unpacked bundles of a server that died. */
void local_program_clean(struct local_cloud *cloud);
/* DPUs to MB and CPUs, bounded by this machine. */
int64_t local_program_memory_mb(double dpu);
int64_t local_program_cpus(double dpu);

#endif
