#ifndef LOCAL_GLUE_H
#define LOCAL_GLUE_H

/*
 * What the local Glue's jobs, runs, triggers and workflows share. One part (local_glue_part) owns their tables.
 *
 * Names: functions that end in _tx want to be called inside a transaction, all others outside of one.
 * Runs and crawls that a transaction decides on are collected in a local_launch and started after its commit.
 */
#include "local_cloud.h"
#include "local_workflow.h"
#include "strvec.h"

extern const struct local_part local_glue_part;
extern const struct local_service local_glue_jobs_service, local_glue_runs_service,
	local_glue_triggers_service, local_glue_workflows_service, local_glue_workflow_runs_service,
	local_glue_tags_service;

/* --- faults, as Glue answers them --- */
#define glue_invalid(err, ...) local_fault(err, 400, "InvalidInputException", __VA_ARGS__)
#define glue_not_found(err, ...) local_fault(err, 400, "EntityNotFoundException", __VA_ARGS__)

/* --- input --- */
enum glue_kind { GLUE_STRING, GLUE_INT, GLUE_DOUBLE, GLUE_BOOL, GLUE_MAP, GLUE_OBJECT, GLUE_LIST };

/* One member of a structure. min and max bound a string's length in characters, a number's value, or a list's or
 * map's size; max 0: unbounded. `fields` are those of an object or of a list's elements; a list without is one of strings. */
struct glue_field {
	const char *name;
	enum glue_kind kind;
	bool required;
	int64_t min, max;
	const char *const *values; /* NULL-terminated enumeration */
	const struct glue_field *fields;
};

/* `fields` ends with an entry without a name. Members that it does not know are left alone, as Glue does. */
int glue_check(const struct glue_field *fields, const struct json *in, struct err *err) must_check;
/* A copy of the known members that are not null. */
struct json *glue_pick(const struct glue_field *fields, const struct json *in);
/* MaxResults and NextToken: *after malloc'd, NULL for the first page. */
int glue_page(const struct json *in, int64_t max, int64_t *limit, char **after,
	struct err *err) must_check;
/* Seconds with fraction, as the JSON protocols write times; nothing when ms is 0. */
void glue_set_time(struct json *obj, const char *name, int64_t ms);
/* The text of a document column; BUG when it is broken. */
struct json *glue_doc(const char *text);
char *glue_text(const struct json *doc); /* malloc'd */
/* Fails with AccessDeniedException when the caller may not pass this role. */
int glue_pass_role(struct local_cloud *cloud, const struct local_request *req, const char *role,
	struct err *err) must_check;
/* A role's name or ARN as an ARN; malloc'd. */
char *glue_role_arn(struct local_cloud *cloud, const char *role);
/* Checks the caller's "Tags". */
int glue_check_tags(const struct json *tags, struct err *err) must_check;
/* Appends arn:aws:glue:REGION:ACCOUNT:KIND/NAME. */
void glue_arn(struct local_cloud *cloud, const char *region, const char *kind, const char *name,
	struct strbuf *arn);
/* Do the tags of `arn` hold all of `want`? */
int glue_tags_match_tx(struct local_cloud *cloud, const char *arn, const struct json *want,
	bool *match, struct err *err) must_check;
/* Does a thing exist? Asked through Glue's own reading operation, whoever serves it. Not inside a transaction. */
bool glue_exists(
	struct local_cloud *cloud, const char *operation, const char *member, const char *name);
/* Transaction frame of the handlers: fn between begin and commit. */

/* --- jobs (local_jobs.c) --- */
/* The Job without times; NULL with EntityNotFoundException. */
struct json *local_job_get_tx(
	struct local_cloud *cloud, const char *name, char **region, struct err *err) must_check;
/* Capacity rules that CreateJob, UpdateJob and StartJobRun share; fills in MaxCapacity and AllocatedCapacity. */
int local_job_capacity(struct json *doc, const char *command, struct err *err) must_check;
extern const char *const local_worker_types[];

/* --- what a transaction decided to start --- */
struct local_launch_crawl {
	char *crawler, *trigger, *workflow,
		*workflow_run; /* workflow and run NULL outside of one */
	int64_t action;
};
struct local_launch {
	struct strvec runs; /* job run ids */
	struct local_launch_crawl *crawls;
	size_t nr, alloc;
	struct strvec stop_runs, stop_crawlers;
};
#define LOCAL_LAUNCH_INIT                                         \
	{                                                         \
		STRVEC_INIT, NULL, 0, 0, STRVEC_INIT, STRVEC_INIT \
	}
void local_launch_release(struct local_launch *l);
/* After commit; empties it. Crawlers that cannot be started become ERROR in their workflow run. */
void local_launch_go(struct local_cloud *cloud, struct local_launch *l);

/* --- job runs (local_runs.c) --- */
struct local_run_request {
	const char *job;
	const char *region;           /* NULL: the job's */
	const struct json *overrides; /* StartJobRun's input or a trigger's action; may be NULL */
	const struct json *predecessors; /* [{JobName,RunId}] or NULL */
	struct local_cause cause;
};
/* Inserts a run (STARTING, or WAITING when the job queues) and puts it into `launch`. *id malloc'd. */
int local_run_start_tx(struct local_cloud *cloud, const struct local_run_request *req,
	struct local_launch *launch, char **id, struct err *err) must_check;
/* A run in state ERROR: what a trigger leaves behind when Glue refused to start its job. */
int local_run_error_tx(struct local_cloud *cloud, const struct local_run_request *req,
	const char *message, char **id, struct err *err) must_check;
/* Runs of a workflow run that belong to `job`, retries too, as GetJobRun shows them. */
int local_run_list_tx(struct local_cloud *cloud, const char *workflow_run, const char *job,
	const char *extra_id, struct json *array, struct err *err) must_check;
/* Asks for a stop: 0 with *state (malloc'd) as it was before; ERR_NOT_FOUND. Live ones go into launch->stop_runs. */
int local_run_stop_tx(struct local_cloud *cloud, const char *job, const char *id,
	struct local_launch *launch, char **state, struct err *err) must_check;
bool local_run_state_final(const char *state);
bool local_run_state_active(const char *state);

/* What a runner needs to know of its run; strings malloc'd. */
struct local_run {
	char *id, *job, *state, *region, *log_group;
	char *trigger, *workflow, *workflow_run; /* NULL: none */
	struct json *doc, *spec; /* the JobRun; what the job was at the start (Role, Command, …) */
	int64_t started_ms, attempt;
};
void local_run_release(struct local_run *r);
int local_run_load(struct local_cloud *cloud, const char *id, struct local_run *out,
	struct err *err) must_check;
/* STARTING -> RUNNING, with the process group and its birth time for the next start's clean-up. */
int local_run_running(struct local_cloud *cloud, const char *id, int64_t pgid, const char *born,
	struct err *err) must_check;
/* The end of a run: retry or rest, waiting runs, triggers, workflow; all in one transaction. */
void local_run_end(struct local_cloud *cloud, const struct local_run *run, const char *state,
	const char *error, int64_t executed_ms);
int local_runs_recover(struct local_cloud *cloud, struct err *err) must_check;
int local_runs_start_waiting_tx(struct local_cloud *cloud, const char *job,
	struct local_launch *launch, struct err *err) must_check;

/* --- the runner (local_runner.c): a thread and a process tree for each run --- */
struct local_runner;
struct local_runner *local_runner_new(void);
void local_runner_free(struct local_runner *r);
struct local_runner *local_runner_of(struct local_cloud *cloud);
void local_runner_launch(struct local_cloud *cloud, const char *id);
void local_runner_stop(struct local_cloud *cloud, const char *id); /* fine when it does not run */
/* Kills what an earlier server left behind; removes the runs' folders. */
void local_runner_kill_leftover(int64_t pgid, const char *born);
void local_runner_clean(struct local_cloud *cloud);

/* --- triggers (local_triggers.c, local_trigger_engine.c) --- */
/* All triggers as API documents (Name, Type, State, …) in an array; workflow NULL: all; "": those outside of workflows. */
int local_triggers_list_tx(struct local_cloud *cloud, const char *workflow, struct json **out,
	struct err *err) must_check;
/* Moves states whose pause is over. */
int local_triggers_settle_tx(struct local_cloud *cloud, struct err *err) must_check;
/* Marks a workflow as being written for as long as a trigger's call takes; false: another call holds it. */
bool local_workflow_hold(struct local_cloud *cloud, const char *workflow);
void local_workflow_let_go(struct local_cloud *cloud, const char *workflow);
void local_trigger_pause(struct local_cloud *cloud);
/* The rules of a definition (local_trigger_check.c). The second: do the actions' jobs and crawlers exist? */
extern const struct glue_field local_trigger_create_fields[], local_trigger_update_fields[];
int local_trigger_check(const struct json *doc, struct err *err) must_check;
int local_trigger_check_targets(
	struct local_cloud *cloud, const struct json *doc, struct err *err) must_check;
/* Starts a trigger's actions, in a workflow run or (both NULL) outside of one. `only` (NULL: all)
 * says which actions. `strict`: one that cannot be started is a fault; else it becomes an ERROR run. */
int local_engine_fire_tx(struct local_cloud *cloud, const struct json *trigger, const bool *only,
	bool strict, const char *workflow, const char *workflow_run,
	const struct json *predecessors, struct local_launch *launch, struct err *err) must_check;
struct local_engine_event {
	bool crawl;
	const char *name, *ref, *state; /* job or crawler; run or crawl id; its last state */
	struct local_cause cause;
};
int local_engine_ended_tx(struct local_cloud *cloud, const struct local_engine_event *ev,
	struct local_launch *launch, struct err *err) must_check;
/* After a crash: starts what was decided and not started, ends runs that have nothing left. */
int local_engine_recover(struct local_cloud *cloud, struct err *err) must_check;

/* Pure rules, for the engine and its tests. `met` has an entry for each condition. */
bool local_predicate_met(const struct json *predicate, const bool *met);
bool local_condition_matches(const struct json *condition, const struct local_engine_event *ev);

/* --- workflows (local_workflows.c, local_workflow_runs.c, local_workflow_graph.c) --- */
struct json *local_workflow_get_tx(
	struct local_cloud *cloud, const char *name, struct err *err) must_check;
/* Starts a run by its start trigger. `overrun` true: a full workflow leaves a run in ERROR instead of a fault. */
int local_workflow_start_tx(struct local_cloud *cloud, const char *name,
	const struct json *properties, bool overrun, struct local_launch *launch, char **id,
	struct err *err) must_check;
/* COMPLETED or STOPPED when nothing runs any more. */
int local_workflow_check_end_tx(
	struct local_cloud *cloud, const char *workflow_run, struct err *err) must_check;
/* The WorkflowRun document. */
int local_workflow_run_describe_tx(struct local_cloud *cloud, const char *id, bool graph,
	struct json **out, struct err *err) must_check;
/* Nodes and edges of these triggers; details of jobs and crawlers are left empty. */
struct json *local_graph_make(const char *workflow, const struct json *triggers);
char *local_graph_node_id(const char *workflow, const char *type, const char *name); /* malloc'd */
/* Ids of all nodes that can be reached from those in `from`, without them unless a cycle leads back. */
void local_graph_downstream(
	const struct json *graph, const struct strvec *from, struct strvec *out);
/* Counts of an action's state. */
void local_statistics_count(struct json *statistics, const char *state);
struct json *local_statistics_new(size_t total);

/* The part's memory. */
struct local_glue_state {
	struct local_runner *runner;
	pthread_mutex_t lock;
	struct strvec held; /* workflows being written */
	int64_t pause_ms;
	pthread_t scheduler;
	bool scheduler_runs;
};
struct local_glue_state *local_glue_state(struct local_cloud *cloud);

#endif
