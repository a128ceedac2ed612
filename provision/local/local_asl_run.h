#ifndef LOCAL_ASL_RUN_H
#define LOCAL_ASL_RUN_H

/*
 * An execution in memory. All that must survive is in `doc`:
 *
 *   {status, input, context, startedAt, lastEvent, counter, output | error, cause, root: FLOW}
 *   FLOW = {state, phase, input, vars, last, entered, enteredEvent, attempt, retries, …}
 *
 * A flow is one line of states: the machine's own, a branch of a Parallel, an iteration of a Map. Its phase:
 *   enter   the state named in `state` is to be entered with `input`; such a flow is on the ready list
 *   task    {task, resource, parameters, token, started, taskDue, beatDue, beat}: until the host tells; of a Map in mode
 *           DISTRIBUTED {task, map: ACTION, started}
 *   wait    {due}: a Wait
 *   retry   {due}: the pause before the next attempt
 *   fork    {kids: {INDEX: FLOW}, next, total, done, failed, results, items}: a Parallel or Map over flows of its own; when it
 *           failed, {rest: {INDEX: FLOW}}: the kids that did not succeed
 *   work    {redrivable}: none of these (the state has failed, or is just being worked on)
 *   again   it is redriven, and its state is about to be worked on
 * What is in braces is there in that phase only. A kid is {…, index, item}.
 * A flow's name is its place: r, r.0, r.0.3; a task's is FLOW#N, and N is never used again.
 */
#include "asl_internal.h"
#include "local_asl.h"
#include "strvec.h"

#define ASL_EVENTS_MAX 25000             /* of a history */
#define TOLD_BYTES_MAX (8 * 1024 * 1024) /* of events that are not taken yet */

struct asl_run {
	const struct json *definition;
	struct asl_host host;
	struct json *doc;
	struct json *events, *actions; /* since they were last taken */
	size_t told;                   /* bytes of payloads in `events` */
	struct strvec ready;           /* flows in phase enter */
};

/* A flow and where it stands. `gone`: the flow is no more, look at nothing else. */
struct asl_flow {
	struct json *f;               /* in doc */
	const struct json *container; /* holds StartAt and States */
	const struct json *def;       /* of the current state; NULL: none */
	struct asl_vars vars;
	struct asl_flow *outer;
	char *id;
	bool gone;
};

/* One state's work: what its paths are evaluated against. */
struct asl_visit {
	struct asl_run *run;
	struct asl_flow *flow;
	const struct json *effective; /* the input behind InputPath; may be the flow's own */
	struct json *made;            /* what `effective` is otherwise */
	struct asl_scope scope;
	const struct json *item; /* of the iteration that is being made; NULL: the flow's own */
	int64_t index;
};

/* Engine */
bool asl_running(const struct asl_run *run);
struct asl_flow *asl_flow_find(const struct asl_run *run, const char *id); /* NULL: it is gone */
void asl_flow_free(struct asl_flow *flow);
int asl_visit_begin(struct asl_visit *v, struct asl_run *run, struct asl_flow *flow,
	struct err *err) must_check;
void asl_visit_end(struct asl_visit *v);
/* The value of NAME or, by its path, of NAMEPath: a whole number of at least `min`; `otherwise` where neither stands. */
int asl_visit_number(struct asl_visit *v, const struct json *def, const char *name, int64_t min,
	int64_t otherwise, int64_t *out, struct err *err) must_check;
/* As that, of a number between 0 and 100; -1: there is none. */
int asl_visit_percentage(struct asl_visit *v, const struct json *def, const char *name, double *out,
	struct err *err) must_check;
/* Parameters, or the effective input. */
struct json *asl_visit_parameters(struct asl_visit *v, struct err *err) must_check;
/* The state's result is `result` (taken): on to the next state, or the flow's end. */
void asl_state_done(struct asl_run *run, struct asl_flow *flow, struct json *result);
/* The state failed: retry, catch, or the flow fails. */
void asl_state_failed(
	struct asl_run *run, struct asl_flow *flow, const char *error, const char *cause);
/* As that, with what the engine itself found wrong. */
void asl_state_error(struct asl_run *run, struct asl_flow *flow, const struct err *err);
void asl_run_end(struct asl_run *run, enum asl_status status, const char *error, const char *cause);
void asl_enter(struct asl_run *run, struct asl_flow *flow);
/* The work of the state that the flow has entered: once, and again for each retry. */
void asl_work(struct asl_run *run, struct asl_flow *flow);
/* A task's "start" action. */
struct json *asl_start_action(const struct json *f);
void asl_phase(struct asl_flow *flow, const char *phase); /* and drops what the last one held */
void asl_ready(struct asl_run *run, const char *flow_id);
size_t asl_printed_bytes(const struct json *v); /* as JSON */
bool asl_too_big(const struct json *v);         /* or too deep */

/* A task's new name; malloc'd. */
char *asl_task_id(struct asl_run *run, const struct asl_flow *flow);
struct asl_flow *asl_task_find(
	const struct asl_run *run, const char *id); /* NULL: it is not in flight */
/* The machine's TimeoutSeconds, from now on. */
void asl_set_time_out(struct asl_run *run);
/* Enters states until every flow waits for something, or there is enough to write for now: asl_run_due is 0 then. */
void asl_settle(struct asl_run *run);

/* Parallel and Map */
int asl_parallel(struct asl_visit *v, struct err *err) must_check;
int asl_map(struct asl_visit *v, struct err *err) must_check;
/* The definition of kid number `index` of the Parallel or Map `def`. */
const struct json *asl_kid_container(const struct json *def, size_t index);
/* `kid` is gone afterwards; it has an outer flow. */
void asl_kid_done(struct asl_run *run, struct asl_flow *kid, struct json *output);
void asl_kid_failed(
	struct asl_run *run, struct asl_flow *kid, const char *error, const char *cause);
/* What ItemsPath names, an array; NULL: err. */
struct json *asl_items(struct asl_visit *v, struct err *err) must_check;
/* A redriven Map begins the iterations that there were none of yet. */
void asl_fork_again(struct asl_run *run, struct asl_flow *flow);
/* Ends all that is under way in `f` and beneath it. */
void asl_drop(struct asl_run *run, struct json *f, const struct json *container, bool tell);

/* Map in mode DISTRIBUTED */
int asl_map_distributed(struct asl_visit *v, struct err *err) must_check;
void asl_map_succeeded(struct asl_run *run, struct asl_flow *flow, const struct json *output);
void asl_map_failed(
	struct asl_run *run, struct asl_flow *flow, const char *error, const char *cause);

/* History; details are taken, NULL: none. All give the event's id. */
int64_t asl_event(struct asl_run *run, struct json *f, const char *type, const char *details_name,
	struct json *details);
int64_t asl_event_entered(struct asl_run *run, struct asl_flow *flow);
int64_t asl_event_exited(struct asl_run *run, struct asl_flow *flow, const struct json *output,
	const struct json *assigned);
int64_t asl_event_state(
	struct asl_run *run, struct json *f, const char *state_type, const char *what);
int64_t asl_event_iteration(
	struct asl_run *run, struct json *f, const char *what, const char *map_name, int64_t index);
enum asl_task_event {
	ASL_TASK_SCHEDULED,
	ASL_TASK_STARTED,
	ASL_TASK_SUBMITTED,
	ASL_TASK_SUCCEEDED,
	ASL_TASK_FAILED,
	ASL_TASK_TIMED_OUT
};
/* `extra` holds members of the details (taken; may be NULL). */
void asl_event_task(
	struct asl_run *run, struct asl_flow *flow, enum asl_task_event what, struct json *extra);
struct json *asl_failure(const char *error, const char *cause, bool capitals);
struct json *asl_printed(const struct json *v); /* a string with v as JSON */

#endif
