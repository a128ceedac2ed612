#ifndef EXEC_HISTORY_H
#define EXEC_HISTORY_H

/*
 * What an execution of a state machine did, out of its events ("HistoryEvent", AWS Step Functions API Reference). Each event
 * follows another (previousEventId), which tells in what branch or iteration it is; so a state that is entered knows what it
 * lies in, and one name may be entered many times. Events are taken once each, in the order of their ids.
 *
 * A visit is in → failed (an attempt; it may be tried again, which makes it in) → left, or closed from outside.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "json.h"

enum visit_state {
	VISIT_IN,
	VISIT_SUCCEEDED,
	VISIT_FAILED,
	VISIT_ABORTED, /* what it lies in ended without it */
	VISIT_TIMED_OUT,
};

#define NO_VISIT SIZE_MAX

struct visit {
	char *name, *type;           /* "Task", "Parallel", … */
	size_t parent;               /* the Parallel or Map that it lies in, or NO_VISIT */
	size_t depth;                /* number of these */
	int64_t branch, iteration;   /* of the parent, from 0; -1: of no such kind */
	int64_t entered_ms, left_ms; /* left 0: it is still in */
	enum visit_state state;
	bool failed;         /* its last attempt did */
	bool late_error;     /* what it failed with was seen only when it was caught */
	char *input;         /* of a Parallel or Map that goes on */
	bool caught;         /* it failed, and the execution went on */
	int64_t attempts;    /* of a task: that were scheduled */
	char *error, *cause; /* of the last attempt that failed */
	size_t next;         /* where it went after that; NO_VISIT */
	char *resource;      /* "glue:startJobRun.sync"; NULL */
	char *job,
		*run_id; /* of a Glue task: job's name; run_id also of nested executions and map runs */
	size_t branches, items; /* that it has begun; that it has */
};

enum happening_kind {
	HAPPENED_ENTERED,
	HAPPENED_FAILED, /* an attempt */
	HAPPENED_AGAIN,  /* the next one */
	HAPPENED_LEFT,   /* also what was closed from outside */
};
struct happening {
	enum happening_kind kind;
	size_t visit;
	int64_t ms, attempt;
	char *error, *cause; /* HAPPENED_FAILED */
};

/* A job run that a task began: an attempt each. */
struct job_run {
	char *job, *id;
};

struct exec_history {
	struct visit *visits;
	size_t nr, alloc;
	struct happening *happenings; /* since they were last dropped */
	size_t nr_happenings, alloc_happenings;
	struct job_run *runs; /* in the order in which they began */
	size_t nr_runs, alloc_runs;
	struct lane *lanes; /* by event id */
	size_t alloc_lanes;
	int64_t last_id, started_ms, ended_ms;
	size_t last_failed;
	char *state, *error, *cause; /* how it ended ("SUCCEEDED"); NULL while it runs */
};

void exec_history_init(struct exec_history *h);
void exec_history_release(struct exec_history *h);
/* Events that were taken already are passed over. */
void exec_history_take(struct exec_history *h, const struct json *event);
void exec_history_drop_happenings(struct exec_history *h);
/* What is still in ends with the execution, when its history does not say so. */
void exec_history_close(struct exec_history *h, const char *state, int64_t ms);

const char *visit_state_name(enum visit_state state);
bool visit_is_container(const struct visit *v);
/* A failure in words: what is meant by a cause that is itself a document (a job run, an execution, an exception), in one line; malloc'd. */
char *cause_in_words(const char *cause);

#endif
