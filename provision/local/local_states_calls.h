#ifndef LOCAL_STATES_CALLS_H
#define LOCAL_STATES_CALLS_H

/* How tasks call operations: requests as the integrations take them, replies as they show them. */
#include "local_states_live.h"

/* A text that is the task's own, however often it is asked for: a name or token that makes its call idempotent. Malloc'd. */
char *states_task_idea(const struct states_task *t);
/* A job run that this task may have started before the local cloud was ended. Malloc'd; NULL: none. */
char *states_find_job_run(const struct states_task *t);
/* The task's parameters as the operation takes them; all are the caller's. */
struct json *states_query_request(const struct states_task *t);     /* StartQueryExecution */
struct json *states_execution_request(const struct states_task *t); /* StartExecution */
/* StartExecution, also when the task did so before the local cloud was ended. */
int states_start_child(const struct states_task *t, const struct json *in, struct json **out,
	struct err *err) must_check;
/* A reply as the first SDK shows it, with SdkHttpMetadata and SdkResponseMetadata. The caller's. */
struct json *states_with_metadata(const struct json *out);
/* Does the task want what it follows with its output as JSON (.sync:2)? */
bool states_follows_as_json(const struct states_task *t);

#endif
