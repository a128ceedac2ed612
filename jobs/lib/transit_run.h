#ifndef TRANSIT_RUN_H
#define TRANSIT_RUN_H

/* Runs of the ingest job on Glue. Pages: "StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun". */
#include "transit_load.h"

struct transit_glue {
	struct job *job;
	const char *name; /* of the Glue job */
};
/* `attempt` marks the run, so that one of which no answer came is found again. *busy instead of an error: Glue is not able to now, and
 * nothing was started. *run_id is malloc'd. */
int transit_run_start(const struct transit_glue *g, const char *env, const char *input,
	const char *attempt, char **run_id, bool *busy, struct err *err) must_check;
/* Glue is not able to now: too many runs or calls. */
bool transit_run_is_busy(const struct err *err);
/* NULL where there is none among the latest. */
int transit_run_find(const struct transit_glue *g, const char *attempt, char **run_id,
	struct err *err) must_check;
/* RUN_WAITS: Glue has queued it, and not begun. */
enum transit_run_state { RUN_GOES_ON, RUN_WAITS, RUN_SUCCEEDED, RUN_FAILED };
/* An answer that does not come counts as going on. `why` (malloc'd) for one that failed. */
enum transit_run_state transit_run_state(
	const struct transit_glue *g, const char *run_id, char **why);
/* Errors are only logged. */
void transit_run_stop(const struct transit_glue *g, const char *run_id);

#endif
