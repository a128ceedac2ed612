#ifndef LOCAL_STATES_H
#define LOCAL_STATES_H

/*
 * Step Functions inside the local cloud: what holds executions over the engine of local_asl.h, and what its tasks call.
 *
 * A live execution is in memory, driven by one of a few threads at a time: it takes what others told it (states_task_…), lets
 * the engine go on, and writes the engine's document, the new history events and the new tasks in one transaction. Only then
 * tasks are started, each on a thread of a second pool, where it may block for as long as a call takes. A task that is followed
 * (.sync, a token, an activity) holds no thread: it records what it waits for by states_task_follow(), and whoever sees the end
 * of that tells the task. After a restart every task in flight is started again with `again` set and with what it recorded.
 *
 * Functions whose name ends in _tx want to be called inside a transaction, all others outside of one.
 */
#include "local_asl.h"
#include "local_cloud.h"

extern const struct local_part local_states_part;
extern const struct local_service local_states_machine_service, local_states_execution_service,
	local_states_activity_service, local_states_task_service, local_states_tag_service,
	local_states_version_service, local_states_start_service, local_states_redrive_service,
	local_states_alias_service;

/* --- tasks --- */

/* A task that is to be started; everything is borrowed for the time of the call. */
struct states_task {
	struct local_cloud *cloud;
	int64_t execution; /* with `id`, what answers go by */
	const char *id;
	const struct json
		*action; /* the engine's: {id, state, resource, parameters, taskToken?, …} */
	const char *resource;
	const struct json *parameters;
	const char *token; /* NULL: none */
	const char *execution_arn, *machine_arn, *role_arn;
	bool express;
	bool again;       /* the local cloud was ended since the task was first started */
	const char *kind; /* what states_task_follow() recorded; NULL: nothing */
	const char *ref;
	int64_t called_ms; /* when it was first started */
};

/* What can stand in Resource, by its exact text (without arn:aws:states:::) or, if it ends with ':', by its beginning. */
struct states_integration {
	const char *resource;
	/* Ends in one of states_task_succeeded, _failed, or _follow with somebody who will tell the task. */
	void (*start)(const struct states_task *t);
	/* Nobody waits for the task any more: end what it started. NULL: nothing to end. `ref` as recorded. */
	void (*cancel)(const struct states_task *t);
};
/* The distributed Map's (local_states_map.c). */
extern const struct states_integration local_states_map_integration;

/* The role's principal, whose policies are asked. -1: the role is gone, or does not trust Step Functions any more. */
int states_principal(
	const struct states_task *t, struct local_principal *who, struct err *err) must_check;
/* TaskStarted, TaskSubmitted in the history; `output` is copied. */
void states_task_started(const struct states_task *t);
void states_task_submitted(const struct states_task *t, const struct json *output);
/* Recorded under `kind` ("glue", "athena", "execution", "map", …) before this returns; unique by kind and ref. */
int states_task_follow(
	const struct states_task *t, const char *kind, const char *ref, struct err *err) must_check;
/* From any thread, also when the task is long gone. `output` is taken; error and cause may be NULL. */
void states_task_succeeded(
	struct local_cloud *cloud, int64_t execution, const char *id, struct json *output);
void states_task_failed(struct local_cloud *cloud, int64_t execution, const char *id,
	const char *error, const char *cause);
/* Who waits for that; false: nobody does. *id is malloc'd. */
bool states_follower(struct local_cloud *cloud, const char *kind, const char *ref,
	int64_t *execution, char **id);

/* --- executions --- */

struct states_start {
	const char *machine_arn; /* may be a version's or an alias's */
	const char *name;        /* NULL: a new one */
	const struct json *input;
	const char *trace; /* NULL: none */
	/* A child of a map run: `definition` is its own, machine and role are the parent's. All but `map_run_arn` are set then. */
	const char *map_run_arn; /* NULL: none */
	const char *label;       /* the child's ARN is …:execution:MACHINE/LABEL:NAME */
	const struct json *definition;
	const char *role_arn;
	bool express;
	int64_t items; /* how many items a batch has; 0: no batch */
};
/* Idempotent by name and input, as StartExecution. *arn malloc'd, *started_ms; both may be NULL. */
int states_start(struct local_cloud *cloud, const struct states_start *s, char **arn,
	int64_t *started_ms, struct err *err) must_check;
/* StopExecution. */
int states_stop(struct local_cloud *cloud, const char *arn, const char *error, const char *cause,
	int64_t *stopped_ms, struct err *err) must_check;
/* DescribeExecution's document. NULL: ExecutionDoesNotExist. */
struct json *states_describe(
	struct local_cloud *cloud, const char *arn, struct err *err) must_check;

/*
 * An execution is over; called after that was committed, on one of the driving threads, so do not block. The distributed Map's
 * is called for executions with a map run only. A crash in between: the parent's task is started again, with `again`.
 */
struct states_end {
	const char *arn, *map_run_arn, *status;
	const struct json *output; /* of SUCCEEDED */
	const char *error, *cause; /* NULL: none */
};
/* A job's run, a query, an execution has ended, or may have: who follows it looks. Any thread, also inside a transaction. */
void states_nudge(struct local_cloud *cloud, const char *kind, const char *ref);
void local_states_map_ended(struct local_cloud *cloud, const struct states_end *end);

/*
 * The table, for who lists them:
 *   states_execution(id INTEGER PRIMARY KEY, arn, name, machine_arn, revision, express, status, input, output, error, cause,
 *     started_ms, stopped_ms, map_run_arn, items, redrive_count, redrive_ms, …); an index on map_run_arn, id.
 */

#endif
