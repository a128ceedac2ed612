#ifndef LOCAL_STATES_LIVE_H
#define LOCAL_STATES_LIVE_H

/*
 * What the files of the local Step Functions share: rows, executions in memory, calls under way.
 *
 * Locks: states_state.lock guards everything in memory and is held for moments only; whoever holds it begins no transaction.
 * A live execution's `run` belongs to the thread that took it from the ready list (`busy`), and to nobody else.
 */
#include <pthread.h>
#include "local_states.h"
#include "map.h"
#include "strvec.h"

/* --- faults --- */
#define states_invalid(err, ...) local_fault(err, 400, "ValidationException", __VA_ARGS__)
#define states_bad_arn(err, ...) local_fault(err, 400, "InvalidArn", __VA_ARGS__)

/* --- names: pure (local_states_names.c) --- */
struct states_arn {
	char *region;
	char *kind;      /* stateMachine, execution, express, activity, mapRun */
	char *machine;   /* or the activity's name */
	char *label;     /* of MACHINE/LABEL; NULL */
	char *qualifier; /* stateMachine: version or alias; execution: its name; NULL */
	char *rest;      /* express: the last piece; NULL */
};
void states_arn_release(struct states_arn *a);
/* `kinds`: "stateMachine" or "execution|express". InvalidArn. */
int states_arn_parse(
	const char *text, const char *kinds, struct states_arn *out, struct err *err) must_check;
/* InvalidName. */
int states_check_name(const char *name, struct err *err) must_check;
/* A required string of 1 to `max` characters; a given one too when it is not required. ValidationException. */
int states_check_string(const struct json *in, const char *member, bool required, int64_t min,
	int64_t max, struct err *err) must_check;
/* maxResults (0: 100) and nextToken, which is a number; first page. `scope` is what else the question says, in
 * one text (NULL: nothing): a token of another question is InvalidToken. */
int states_page(const struct json *in, const char *scope, int64_t *limit, int64_t *after,
	struct err *err) must_check;
void states_set_token(struct json *out, const char *scope, int64_t last);

/* --- machines (local_states_store.c) --- */
struct states_machine {
	char *arn, *name, *type, *status, *revision; /* status ACTIVE, DELETING */
	char *definition, *role;
	struct json *logging, *encryption; /* NULL: none */
	bool tracing;
	int64_t created_ms, updated_ms;
	char *description;             /* of a version; NULL */
	char *version_arn, *alias_arn; /* by which it was looked up; NULL */
};
void states_machine_release(struct states_machine *m);
/* By a machine's, a version's or an alias's ARN. StateMachineDoesNotExist. */
int states_machine_find_tx(struct local_cloud *cloud, const char *arn, struct states_machine *out,
	struct err *err) must_check;
bool states_is_express(const struct states_machine *m);
/* Removes a DELETING machine when none of its executions runs any more. */
int states_machine_reap_tx(
	struct local_cloud *cloud, const char *machine_arn, struct err *err) must_check;

/* What an execution runs: as it was when it started. Shared, never changed. */
struct states_revision {
	char *id, *role_arn, *machine_arn, *label; /* label NULL: no map run's */
	struct json *definition, *logging;         /* logging NULL: none */
	char *definition_text;
	bool tracing;
	int64_t created_ms;
	int users;
};
/* Given back by states_revision_done. */
struct states_revision *states_revision_get_tx(
	struct local_cloud *cloud, const char *id, struct err *err) must_check;
void states_revision_done(struct local_cloud *cloud, struct states_revision *r);

/* Seconds with fraction; nothing when 0. */
void states_set_time(struct json *obj, const char *name, int64_t ms);
char *states_print(const struct json *v); /* malloc'd; NULL gives NULL */
/* NULL for NULL and for what is none. */
struct json *states_parse(const char *text);

/* --- live executions (local_states_live.c) --- */
enum states_tell {
	STATES_TICK,
	STATES_STARTED,
	STATES_WORKER, /* STATES_STARTED, at once */
	STATES_SUBMITTED,
	STATES_SUCCEEDED,
	STATES_FAILED,
	STATES_HEARTBEAT,
	STATES_ABORT,
	STATES_MAP_STARTED, /* `error` is the map run's ARN, `number` its redrives */
};
/* Somebody waits for what came of a message; under the state's lock. */
struct states_wait {
	bool done, result;
};
struct states_message {
	enum states_tell tell;
	char *task, *error, *cause, *worker;
	struct json *output;
	int64_t number;
	struct states_wait *wait;
	struct states_message *next;
};
struct states_exec {
	int64_t id;
	char *arn, *name;
	bool express;
	struct states_revision *revision;
	struct asl_run *run; /* NULL: not begun */
	struct asl_host host;
	char *region;
	struct states_message *messages, **last;
	struct states_exec *next_ready;
	bool queued, busy, begun, ended;
	bool doomed; /* its machine is being deleted: aborted by the next transition */
	int64_t due; /* -1: waits for no time */
	char *log_stream;
	/* what the row holds that a start needs */
	char *map_run_arn, *trace, *input;
	int64_t started_ms, redrives;
};

/* A call for a thread of the second pool. */
struct states_call {
	void (*run)(struct local_cloud *cloud, struct states_call *call);
	int64_t execution;
	char *id, *ref, *kind;
	struct json *action;
	char *execution_arn, *machine_arn, *role_arn;
	bool express, again;
	int64_t called_ms;
	struct states_call *next;
};

struct states_state {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* the driving threads': ready, stopping */
	pthread_cond_t calls; /* the calling threads' */
	pthread_cond_t told;  /* who waits for a message, an execution's end, an activity's task */
	struct map live;      /* id as text -> states_exec */
	struct map revisions; /* id -> states_revision */
	struct states_exec *ready, **ready_last;
	struct states_call *call, **call_last;
	size_t nr_calling, nr_callers, nr_threads;
	pthread_t threads[16], timer;
	bool timer_runs, stopping;
	int64_t timer_until;
};
struct states_state *states_state(struct local_cloud *cloud);

#define STATES_DRIVERS 2
#define STATES_CALLERS 6

/* Makes the row's execution live and has it driven. `again`: after a restart. */
int states_live_add(struct local_cloud *cloud, int64_t id, bool again, struct err *err) must_check;
/* Waits for its first turn: what it does at once is in its history then. */
void states_live_begun(struct local_cloud *cloud, int64_t id);
/* Waits until the execution, which has ended, is no longer live. False: the cloud is stopping. */
bool states_live_gone(struct local_cloud *cloud, int64_t id);
/* Takes the message's members. Nobody live: they are freed. STATES_STARTED waits for the next one to be acted on. */
void states_post(struct local_cloud *cloud, int64_t execution, const struct states_message *m);
/* Waits until it was applied and committed; false: there was nobody to take it, or it came too late. */
bool states_ask(struct local_cloud *cloud, int64_t execution, const struct states_message *m);
/* All live executions of the machine end with their next transition. */
void states_doom(struct local_cloud *cloud, const char *machine_arn);
void states_call_add(struct local_cloud *cloud, struct states_call *call);
void states_call_free(struct states_call *call);
/* Threads (local_states_part.c calls these). */
void states_live_clear(struct local_cloud *cloud); /* after they have ended: frees what is live */
void *states_driver_main(void *cloud);
void *states_caller_main(void *cloud);
void *states_timer_main(void *cloud);

/* --- tasks (local_states_tasks.c) --- */
/* What the engine wants started or ended; after commit. Taken. */
void states_act(struct local_cloud *cloud, const struct states_exec *x, struct json *action,
	const char *kind, const char *ref, int64_t called_ms, bool again);
/* Looks at everything that is followed, in case that an end was missed. */
void states_nudge_all(struct local_cloud *cloud);

/* --- what tasks call (local_states_sync.c, local_states_s3.c, local_states_sdk.c) --- */
extern const struct states_integration states_plain_integrations[], states_sync_integrations[];
/* Looks at what the task follows; tells it when that is over. */
void states_check_followed(const struct states_task *t);
/* Ends what the task follows. */
void states_cancel_followed(const struct states_task *t);
/* The role's call of an operation. Faults have AWS's code. */
int states_invoke(const struct states_task *t, const char *service, const char *operation,
	const struct json *in, struct json **out, struct err *err) must_check;
/* Fails the task with what the call said: "Glue.EntityNotFoundException" in the words of AWS's SDK. `aws-sdk` tasks have those
 * of the second SDK. */
void states_fail_call(const struct states_task *t, const struct err *err);
/* An S3 operation ("getObject"). ERR_INVALID with UnknownOperationException for one that is not served. */
int states_s3_call(const struct states_task *t, const char *operation, const struct json *in,
	struct json **out, struct err *err) must_check;

/* Names of the SDK: pure. */
struct states_sdk {
	const char *name;    /* in Resource: aws-sdk:NAME:… */
	const char *service; /* wire_service's */
	const char *error;   /* before the dot of an error's name */
	bool lower;          /* the API's members begin in lower case */
};
const struct states_sdk *states_sdk_find(const char *name, size_t len); /* NULL: none */
/* Members' first letters, all levels; those within maps of the user's own stay. */
struct json *states_sdk_request(const struct states_sdk *sdk, const struct json *in);
/* And times as text: 2026-11-21T09:26:05.123Z. */
struct json *states_sdk_reply(const struct states_sdk *sdk, const struct json *out);
/* As the first SDK has a reply, which the older integrations show: capitals, times in milliseconds. */
struct json *states_sdk_document(const struct json *out);
/* "EntityNotFound" and "EntityNotFoundException" are both Glue.EntityNotFoundException; malloc'd. */
char *states_sdk_error(const char *prefix, const char *code);
/* Is it asked again without harm? By the operation's name. */
bool states_sdk_reads(const char *operation);

/* --- what is told of an execution (local_states_tell.c) --- */
/* It has this status from now on. After the commit: states_told. */
int states_tell_tx(struct local_cloud *cloud, const struct states_exec *x, enum asl_status status,
	int64_t now, struct err *err) must_check;
void states_told(struct local_cloud *cloud, const struct states_exec *x);

/* --- logging (local_states_logs.c) --- */
/* loggingConfiguration: *out a copy without its empty members, NULL: off. InvalidLoggingConfiguration. */
int states_logging_check(struct local_cloud *cloud, const struct json *in, const char *role,
	struct json **out, struct err *err) must_check;
void states_log_events(struct local_cloud *cloud, struct states_exec *x, const struct json *events);

#endif
