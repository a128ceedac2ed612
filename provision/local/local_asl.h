#ifndef LOCAL_ASL_H
#define LOCAL_ASL_H

/*
 * The Amazon States Language (query language JSONPath) as a pure engine: no sockets, no threads, no store. The host
 * starts what the engine asks for and tells it what came of it; between two calls an execution is one JSON document
 * (asl_run_state), so that it can be stored after each call and go on in another process (asl_run_restore).
 *
 *	definition = asl_parse(text, …)                      CreateStateMachine, ValidateStateMachineDefinition (asl.h)
 *	run = asl_run_start(definition, input, context, …)   StartExecution
 *	loop:
 *		asl_run_take_events(run)   append to the history   GetExecutionHistory
 *		asl_run_take_actions(run)  start or cancel tasks
 *		asl_run_state(run)         store; all three in one transaction
 *		asl_run_due(run)           sleep until then at most, then asl_run_tick(run)
 *		asl_task_…(run, id, …)     when something is known of a task
 *	until asl_run_status(run) is none of ASL_RUNNING
 *
 * A run is used by one thread at a time and borrows its definition.
 */
#include "asl.h"

enum asl_status { ASL_RUNNING, ASL_SUCCEEDED, ASL_FAILED, ASL_TIMED_OUT, ASL_ABORTED };
const char *asl_status_name(enum asl_status status); /* RUNNING, …, as DescribeExecution has them */

struct asl_run;

/*
 * Begins an execution. `context` is the context object's {Execution: {Id, Name, RoleArn, StartTime}, StateMachine: {Id,
 * Name}}; Execution.Input is put in. Both are copied; `host`'s members are copied, its payload and region are borrowed.
 */
struct asl_run *asl_run_start(const struct json *definition, const struct json *input,
	const struct json *context, const struct asl_host *host);
/* From asl_run_state's document, which is copied. NULL: it is none (ERR_INVALID). Tasks in flight: asl_run_tasks. */
struct asl_run *asl_run_restore(const struct json *definition, const struct json *state,
	const struct asl_host *host, struct err *err) must_check;
void asl_run_free(struct asl_run *run);

/* Borrowed, good until the next call that changes the run. Holds payloads of the execution: treat it as they are treated. */
const struct json *asl_run_state(const struct asl_run *run);
enum asl_status asl_run_status(const struct asl_run *run);
const struct json *asl_run_output(const struct asl_run *run); /* of ASL_SUCCEEDED; borrowed */
const char *asl_run_error(const struct asl_run *run);         /* NULL: none; borrowed */
const char *asl_run_cause(const struct asl_run *run);

/*
 * History events since the last call, as GetExecutionHistory has them: {id, previousEventId, type, timestamp (ms since
 * 1970, a number), …EventDetails}. An array, the caller's.
 */
struct json *asl_run_take_events(struct asl_run *run);
/*
 * What the host has to do since the last call, in this order; an array, the caller's:
 *   {action: "start", id, state, resource, parameters, timeoutSeconds?, heartbeatSeconds?, taskToken?}
 *       taskToken: of resources that end in .waitForTaskToken, and of activities.
 *   {action: "cancel", id}  nobody waits for this task any more
 * Time-outs and heartbeats are the engine's (asl_run_tick).
 */
struct json *asl_run_take_actions(struct asl_run *run);
/* The tasks in flight, as "start" actions with `started` (was asl_task_started called?): for a host that was restarted. */
struct json *asl_run_tasks(const struct asl_run *run);
/* When asl_run_tick has something to do; 0: at once, it stopped to be written; -1: nothing is waiting for time. */
int64_t asl_run_due(const struct asl_run *run);
void asl_run_tick(struct asl_run *run);

/*
 * What came of a task. False: no such task is in flight (any more), and nothing happens. `output` is copied. The worker's
 * name is for activities, else NULL. `submitted` is for .sync and .waitForTaskToken: the call's own answer.
 */
bool asl_task_started(struct asl_run *run, const char *id, const char *worker);
bool asl_task_submitted(struct asl_run *run, const char *id, const struct json *output);
bool asl_task_heartbeat(struct asl_run *run, const char *id);
bool asl_task_succeeded(struct asl_run *run, const char *id, const struct json *output);
/* `error` and `cause` may be NULL. */
bool asl_task_failed(struct asl_run *run, const char *id, const char *error, const char *cause);
/* StopExecution. `error` and `cause` may be NULL. False: it is over already. */
bool asl_run_abort(struct asl_run *run, const char *error, const char *cause);

/*
 * RedriveExecution: an execution that is FAILED, TIMED_OUT or ABORTED goes on from the states that did not succeed; what
 * succeeded within a Parallel or Map is kept, retriers and the machine's time-out count anew. False: it may not, and *why
 * (may be NULL; static) says it as DescribeExecution's redriveStatusReason does. Of a restored run; then as after a start.
 */
bool asl_run_redrive(struct asl_run *run, const char **why);
/* NULL: it may be redriven, as far as the engine knows (the host knows its age, its type and its machine). */
const char *asl_run_not_redrivable(const struct asl_run *run);
int64_t asl_run_redrives(const struct asl_run *run); /* redriveCount */

/*
 * Map in mode DISTRIBUTED. The engine evaluates the state's settings; reading items, child executions and writing results are the
 * host's (local_states_map.h). The action, which asl_run_tasks gives too:
 *   {action: "map", id, state, label?, executionType: STANDARD or EXPRESS, maxConcurrency (0: none is asked for),
 *    toleratedFailureCount?, toleratedFailurePercentage? (neither: no failure is tolerated),
 *    items: [..], or reader: {resource, parameters?, config?: {InputType, …, MaxItems?}},
 *    selector?, scope: {input, context, variables}, batcher?: {maxItems?, maxBytes?, input?},
 *    writer?: {resource?, parameters?, config?}, mapRunArn?, redrive?: true}
 * mapRunArn: what asl_map_started told; redrive: that map run is to be redriven, not a new one to be made. The host answers with
 * asl_map_started, then asl_task_succeeded or asl_task_failed, and hears "cancel" of the id as for tasks.
 */
/* MapRunStarted, or MapRunRedriven when the action had redrive; told once. */
bool asl_map_started(
	struct asl_run *run, const char *id, const char *map_run_arn, int64_t redrives);
/* What the children of the map state `state` run: its ItemProcessor, good for asl_run_start. Borrowed; NULL: there is none. */
const struct json *asl_map_definition(const struct json *definition, const char *state);
/* What item number `index` is to its child: ItemSelector over the action's scope. NULL: err, with the error's name. */
struct json *asl_map_item(const struct json *action, const struct json *item, int64_t index,
	struct err *err) must_check;
/*
 * ItemBatcher over asl_map_item's results: an array of {input, items: how many}, one for each child execution. Without a batcher
 * each is a child of its own. Takes `inputs`.
 */
struct json *asl_map_children(const struct json *action, struct json *inputs);

#endif
