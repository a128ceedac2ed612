#ifndef CMD_H
#define CMD_H

/*
 * What all subcommands share. main() finds the command in commands[], session_open() does what its flags ask
 * for (options, project, cloud), the command fills session->doc and prints its text, session_close() prints the document
 * of `--output json` and gives the exit code.
 */
#include <stdbool.h>
#include "client.h"
#include "engine.h"
#include "err.h"
#include "json.h"
#include "opt.h"
#include "package.h"
#include "project.h"
#include "server.h"
#include "type.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CHANGES = 3, /* plan --detailed-exitcode */
	EXIT_LEASE = 4,
	EXIT_SIGINT = 130,
	EXIT_SIGTERM = 143,
};

/* Every option of every command; a command's table says which it takes. {0} is "not given". */
struct options {
	/* everywhere */
	const char *project, *config, *region, *profile, *endpoint_url, *local, *output;
	struct strvec sets;
	long long parallel;
	bool quiet, verbose, no_color, help, version;
	/* of some commands */
	const char *template, *parameters, *database, *workgroup, *run_id, *dir, *account;
	struct strvec allow_data_loss, args;
	bool list_rules;
	bool yes, dry_run, keep_data, detailed_exitcode, drift, follow, csv, foreground,
		well_known_keys, force, warehouse, diff;
	const char *to, *credentials, *secret, *format, *input, *out;
	long long timeout_s, port, idle_s;
};

struct session;

enum command_flags {
	CMD_PROJECT = 1 << 0,       /* a project file must be there */
	CMD_MAYBE_PROJECT = 1 << 1, /* read when there is one */
	CMD_BIND = 1 << 2,          /* templates loaded and bound */
	CMD_CLOUD = 1 << 3,         /* an AWS client */
	CMD_NO_PACKAGE = 1 << 4,    /* the engine without bundles */
	CMD_TEMPLATE = 1 << 5,      /* without a project it needs a template */
	CMD_NO_VALUES = 1 << 7,     /* only where the project is: its config file is not read */
	CMD_BY_RECORD = 1 << 6,     /* without a project the record will do */
	CMD_NO_SECRETS = 1 << 8,    /* goes on without the values of NoEcho parameters */
	CMD_OWN_CLOUD =
		1 << 10, /* with CMD_CLOUD: it calls session_cloud() itself, after its own checks */
	CMD_LINT = 1 << 9, /* what is wrong with the pipeline is told, too */
};

struct command {
	const char *name;
	int (*run)(struct session *s); /* 0, or -1 with errors in s->errors, or an exit code > 0 */
	unsigned flags;                /* enum command_flags */
	const struct opt *opts;        /* {0}-terminated; NULL: none of its own */
	const char *operands;          /* for usage: "NAME" */
	size_t min_operands, max_operands;
	const char *help;
	const char *examples; /* lines, each indented by two blanks */
};
extern const struct command commands[]; /* {0}-terminated */
/* The command in argv[1…], which common options may stand before; the words without it go to `rest` (an array with room
 * for argc). NULL after a message on stderr, or the document of `--output json`. */
const struct command *command_find(int argc, char **argv, char **rest, int *nr_rest);

struct session {
	const struct command *command;
	struct options o;
	struct strvec operands;
	bool json;
	struct json *doc; /* of --output json */
	struct err_list errors, warnings;

	struct project_opts project_opts;
	struct project *project;        /* NULL: none */
	struct local_server_info local; /* with --local */
	struct aws_client *aws;
	struct type_ctx ctx;
	char *account, *home_bucket, *artifacts;
	struct record_store *store;
	struct package *package;
	struct json *imports;   /* exports of other projects, once read; NULL */
	struct json *looked_up; /* what cloud_knowledge was told, by what it asked; NULL */
	int64_t began_ms;
};

/* prompt.c: the user's terminal, whatever stdin is */
bool prompt_possible(void);
aws_prompt_fn prompt_hidden;

/* session.c */
int session_open(struct session *s, const struct command *c, int argc, char **argv) must_check;
/* Opens the cloud, for CMD_OWN_CLOUD; whose the keys are is not asked, so that a service of S3 alone will do. */
int session_cloud(struct session *s) must_check;
/* Once more, as that command would: the project with its values, the cloud where its flags ask for one. For `local run`. */
int session_reopen(struct session *s, const struct command *c) must_check;
/* local_run.c: one job by hand; `dir` is the local cloud's folder. 0, -1, or the job's exit code. */
int local_run(struct session *s, const char *dir, const char *job, struct err *err) must_check;
/* Prints errors (text) or the document (json); returns the process's exit code. */
int session_close(struct session *s, int result);
/* Prints the document of --output json. */
void session_print_document(struct session *s, int code);
/* .glueproj/local beside the project; malloc'd. */
char *session_local_dir(const struct session *s);
/* Plans that are made of the project: bundles, uploads and crawler starts as nodes. NULL with s->errors. Borrowed options:
 * `opts` members that cmd_engine does not fill (only_stack, …) are the caller's. */
struct engine *session_engine(struct session *s, struct engine_opts *opts, bool for_teardown);
/* Moves err to s->errors; returns -1. */
int session_fail(struct session *s, struct err *err);
/* True when the project is only a name and what its record says. */
bool session_by_record(const struct session *s);
double session_seconds(const struct session *s);
/* Before options are read: does the caller read a document? */
bool wants_json(int argc, char **argv);
extern const struct opt common_opts[];
void usage_print(const struct command *c); /* NULL: all commands */

/* home.c: the record's store in the home bucket */
struct record_store *home_store_new(
	struct aws_client *aws, const char *bucket, const char *account);
void home_store_free(struct record_store *s);
/* Removes what this project has in its home besides records: bundles. */
int home_remove_artifacts(struct record_store *s, const char *project, struct err *err) must_check;

/* An engine_import_fn: exports of all stacks that have a record in this home; payload is the session. */
int home_import(void *session, const char *name, char **value, struct err *err) must_check;

/* cloud_knowledge.c: an engine_external_fn; payload is the session. Each value is asked for once. */
int cloud_knowledge(void *session, const struct eval_external *what, struct json **out,
	struct err *err) must_check;

/* lint_project.c: what Glue lint finds, to s->errors and s->warnings; -1 when there are errors */
int lint_project(struct session *s, struct engine *e) must_check;
/* `validate --list-rules` */
int lint_list_rules(struct session *s);

/* extras.c: uploads, bundles and crawler starts as nodes */
struct extras {
	struct engine_extra *v;
	size_t nr, alloc;
	struct strvec texts; /* owns the strings */
	const char ***needs; /* owned arrays */
	size_t nr_needs, alloc_needs;
};
int extras_collect(
	struct session *s, struct engine *resolver, struct extras *out, struct err *err) must_check;
void extras_release(struct extras *x); /* props that were not taken too */
/* Where a file of an upload's pattern goes: below a target that ends in '/', or to the target itself; malloc'd. */
char *upload_key(const struct project_upload *u, const char *file, const char *key);

/* cmd_plan.c: plan's changes as text; `title` NULL: the action */
void plan_print(const struct json *list, const char *title);

/* secrets.c: hides in plan's changes what NoEcho parameters hold, or held under another condition */
void plan_hide_secrets(const struct session *s, const struct json *changes);

/* progress.c */
struct progress;
struct progress *progress_new(const struct session *s);
void progress_event(void *progress, const struct engine_event *ev);
/* For type_ctx.note. */
void progress_note(void *progress, const char *stack, const char *logical_id, const char *text);
void progress_free(struct progress *p); /* clears the live part */

/* table.c: aligned columns on stdout */
struct table;
struct table *table_new(size_t columns);
void table_row(struct table *t, const char *const *cells); /* copies; NULL cell: empty */
void table_print(struct table *t, bool header); /* header: the first row is underlined; frees t */
size_t text_width(const char *utf8);

/* signal.c */
void signals_install(void);
/* SIGINT, SIGTERM, or 0. */
int signals_got(void);

/* crawls.c: before a workflow of the project starts, the crawls that set-up started and did not wait for must have ended. Waits
 * for them with the caller's poll; a last crawl that failed is a warning. */
struct poll;
int await_crawls(
	struct session *s, const char *workflow, struct poll *p, struct err *err) must_check;

/* Poll pauses that grow from 50 ms to `max_ms`; -1 when interrupted or over. */
struct poll {
	int64_t next_ms, max_ms, deadline_ms; /* deadline on the monotonic clock; 0: none */
};
int poll_wait(struct session *s, struct poll *p, struct err *err) must_check;
/* Is the service asked on this machine? */
bool service_is_near(const struct session *s, const char *service);
/* `service`: the one that is asked ("glue"); where it is on this machine, pauses stay short. */
void poll_start(struct session *s, struct poll *p, const char *service, int64_t timeout_s);
void poll_soon(struct poll *p); /* short pauses again; the deadline stays */

/* follow.c: job runs' log lines as they come */
struct log_tail;
struct log_tail *log_tail_new(struct session *s);
void log_tail_free(struct log_tail *t);
/* Is the job a Python shell job? Asked once for each. */
bool log_tail_is_python(struct log_tail *t, const char *job);
/* Reads what is new in the streams of a job run (both groups of its kind) and prints it behind "node | "; with --output json it
 * goes to `events` instead when that is given. Failures are silent: logs never block the status. */
void log_tail_read(struct log_tail *t, const char *node, const char *run_id, bool pythonshell,
	struct json *events);

/* query_warehouse.c: asks Redshift Serverless; *id (malloc'd) is set as soon as the statement has one. Rows as text or null, columns as
 * {name, type} are pushed. */
int query_warehouse(struct session *s, const char *sql, char **id, struct json *columns,
	struct json *rows, struct err *err) must_check;

/* The last lines (at most `max`) of a job run, as `logs` has them; none where there are none or they cannot be read. The caller's. */
struct json *log_last(
	struct session *s, const char *node, const char *run_id, bool pythonshell, size_t max);
/* Appends copies of events to `events`, in the order of time. */
void log_push_sorted(struct json *events, const struct json *more);
/* The job runs that an execution of a state machine began (`run_id` NULL: the newest execution): pushes {"JobName","Id"}. */
int states_job_runs(struct session *s, const char *machine, const char *run_id, struct json *runs,
	bool *running, struct err *err) must_check;

/* man.c */
void man_print(void); /* the manual page, out of the same tables */

/* the commands */
int cmd_setup(struct session *s);
int cmd_teardown(struct session *s);
int cmd_create(struct session *s);
int cmd_delete(struct session *s);
int cmd_deploy(struct session *s);
int cmd_plan(struct session *s);
int cmd_status(struct session *s);
int cmd_outputs(struct session *s);
int cmd_graph(struct session *s);
int cmd_validate(struct session *s);
int cmd_run(struct session *s);
int cmd_logs(struct session *s);
int cmd_tables(struct session *s);
int cmd_query(struct session *s);
int cmd_crawl(struct session *s);
int cmd_config(struct session *s);
int cmd_whoami(struct session *s);
int cmd_upload(struct session *s);
int cmd_package(struct session *s);
int cmd_init(struct session *s);
int cmd_local(struct session *s);

/* lookup.c: names of the project's resources for run, logs, tables, query */
/* Physical names of the project's resources of a type; logical ids are understood by name_of. */
void project_names(struct session *s, const char *type, struct strvec *names);
/* The crawlers that AfterSetup starts, when the workflow is one of the project's; else none. */
int project_crawls(struct session *s, const char *workflow, struct strvec *crawlers,
	struct err *err) must_check;
/* One call with a few members: pairs of name and text, "#Name" and a number, "+Name" alone for true; NULL ends them. Whatever
 * the texts hold. */
int call_with(struct session *s, const struct aws_op *op, struct json **out, struct err *err,
	...) must_check;
/* The ARN of a state machine's name (an ARN stays as it is); malloc'd. */
char *machine_arn(const struct session *s, const char *name);
/* NAME as typed (physical name or logical id) to type ("AWS::Glue::Workflow"…) and physical name; malloc'd. Asks the cloud when
 * the project does not know it; the project's name itself is its one workflow or machine, when nothing else is called so.
 * ERR_NOT_FOUND names the runnable ones. */
int find_runnable(struct session *s, const char *typed, const char **type, char **name,
	struct err *err) must_check;

#endif
