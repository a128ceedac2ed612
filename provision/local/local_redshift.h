#ifndef LOCAL_REDSHIFT_H
#define LOCAL_REDSHIFT_H

/*
 * Redshift Serverless and its Data API inside the local cloud (Amazon Redshift Serverless API Reference, Amazon Redshift Data API
 * Reference). A namespace is a DuckDB file under the data folder; a workgroup lets statements at it. A statement goes
 * SUBMITTED -> PICKED -> STARTED -> FINISHED | FAILED | ABORTED; a task thread runs it in the namespace's process
 * (worker/worker_resident.h), several side by side. What a crash leaves unfinished is FAILED at the next start.
 *
 * Functions that end in _tx want to be called inside a transaction, all others outside of one.
 */
#include "local_cloud.h"
#include "local_iam.h"

extern const struct local_part local_redshift_part;
extern const struct local_service local_redshift_namespace_service,
	local_redshift_workgroup_service, local_redshift_data_service, local_redshift_meta_service;

#define redshift_invalid(err, ...) local_fault(err, 400, "ValidationException", __VA_ARGS__)
#define redshift_missing(err, ...) local_fault(err, 400, "ResourceNotFoundException", __VA_ARGS__)
#define redshift_conflict(err, ...) local_fault(err, 400, "ConflictException", __VA_ARGS__)

/* --- what both APIs share (local_redshift.c) --- */
typedef int redshift_tx_fn(struct local_cloud *cloud, void *payload, struct err *err);
/* fn between begin and commit; what has been deleted for long enough is gone before. */
int redshift_tx(
	struct local_cloud *cloud, redshift_tx_fn *fn, void *payload, struct err *err) must_check;
/* A copy, all strings of its own. */
void redshift_principal_copy(struct local_principal *to, const struct local_principal *from);

struct redshift_namespace {
	char *name, *id, *arn, *region;
	struct json *doc; /* the API's, with its status as of now */
	char *password;   /* digest of the administrator's; NULL: none was given */
};
void redshift_namespace_release(struct redshift_namespace *n);
/* ResourceNotFoundException. */
int redshift_namespace_tx(struct local_cloud *cloud, const char *name,
	struct redshift_namespace *out, struct err *err) must_check;
struct redshift_workgroup {
	char *name, *id, *arn, *space;
	struct json *doc;
};
void redshift_workgroup_release(struct redshift_workgroup *w);
int redshift_workgroup_tx(struct local_cloud *cloud, const char *name,
	struct redshift_workgroup *out, struct err *err) must_check;
/* What the column "doc" holds: all but the status. Malloc'd. */
char *redshift_doc_text(const struct json *doc);
/* ISO 8601 text, as this service writes times. */
void redshift_set_date(struct json *doc, const char *name, int64_t ms);
/* ConflictException while a change is under way. `kind` is "namespace" or "workgroup". */
int redshift_at_rest(const struct json *doc, const char *kind, struct err *err) must_check;
/* A name of 3 to 64 of [a-z0-9-]. */
int redshift_check_name(const struct json *in, const char *member, struct err *err) must_check;
int redshift_page(const struct json *in, const char *limit_member, const char *token_member,
	int64_t max, int64_t *limit, char **after, struct err *err) must_check;
/* What a List… of Redshift Serverless answers. */
struct redshift_listing {
	const char *member; /* "namespaces" */
	/* Name, document and status of those whose name is behind ?1 and that ?2 picks, by name, at most ?3. */
	const char *sql;
	struct json *(*show)(const struct json *doc); /* NULL: as it is */
};
int redshift_list(struct local_cloud *cloud, const struct local_request *req,
	const struct redshift_listing *what, const char *pick, struct json **out,
	struct err *err) must_check;
/* [{"key","value"}] of a request as a map; NULL with err set. */
struct json *redshift_tags(const struct json *in, struct err *err);
/* Hex digest of a password; malloc'd. */
char *redshift_digest(const char *id, const char *password);
/* How long a change takes. */
#define REDSHIFT_CHANGE_MS 150

/* --- the process of a namespace (local_redshift_engine.c) --- */
struct redshift_session;
/* Starts the namespace's process when it does not run; the session is the caller's to close. */
struct redshift_session *redshift_session_open(struct local_cloud *cloud, const char *namespace_id,
	const char *database, struct err *err) must_check;
/* `request` is taken. A reply with "ok": false is a failure with its "error" as text. `reply` may be NULL. */
int redshift_session_call(struct redshift_session *s, struct json *request, struct json **reply,
	struct err *err) must_check;
/* From any thread: what runs in it ends. */
void redshift_session_cancel(struct redshift_session *s);
void redshift_session_close(struct redshift_session *s);
/* Ends the namespace's process; its files become a snapshot's, or (NULL) are removed. */
void redshift_engine_drop(
	struct local_cloud *cloud, const char *namespace_id, const char *snapshot);
/* `namespace_id` NULL: the folder of them all. Malloc'd. */
char *redshift_folder(struct local_cloud *cloud, const char *namespace_id);

/* --- snapshots (local_redshift_snapshot.c): what DeleteNamespace leaves behind when it is asked to --- */
/* Inside a transaction; ConflictException when the name is taken. */
int redshift_snapshot_tx(struct local_cloud *cloud, const struct redshift_namespace *n,
	const char *name, int64_t days, struct err *err) must_check;

/* --- statements (local_redshift_data.c, local_redshift_run.c) --- */
struct redshift_statement {
	struct local_cloud *cloud;
	char *id, *namespace_id, *namespace_name, *workgroup, *database, *region, *workgroup_arn,
		*name;
	struct json *sqls, *parameters; /* parameters NULL: none */
	bool batch, auto_commit, with_event;
	const char *format; /* "JSON", "CSV" */
	struct local_principal who;
	char *failed;         /* it fails with this, without being run; NULL */
	pthread_mutex_t lock; /* session, cancelled */
	struct redshift_session *session;
	bool cancelled;
	struct redshift_statement *next;
};
/* Its life as a task; takes it. */
void redshift_run(struct local_cloud *cloud, void *payload);
/* The rows' file of a statement or sub-statement. Malloc'd. */
char *redshift_result_path(struct local_cloud *cloud, const char *id);
struct rs_copy;
/* COPY and UNLOAD with the rights of their role (local_redshift_s3.c). */
int redshift_run_copy(struct redshift_statement *q, struct redshift_session *s,
	const struct rs_copy *copy, struct json **reply, struct err *err) must_check;
int redshift_run_unload(struct redshift_statement *q, struct redshift_session *s,
	const struct rs_copy *copy, const char *sql, struct json **reply,
	struct err *err) must_check;
bool redshift_cancelled(struct redshift_statement *q);
/* Puts it on the list of those under way and starts it; takes it. */
void redshift_launch(struct local_cloud *cloud, struct redshift_statement *q);
void redshift_statement_free(struct redshift_statement *q);
/* Of one workgroup (or all: NULL). */
bool redshift_cancel(struct local_cloud *cloud, const char *id, const char *workgroup);
/* A change of its state happened, or a time-out; true while the cloud lives. */
bool redshift_wait_change(struct local_cloud *cloud, int64_t until_mono_ms);
/* Sets members of its document, and its status. */
int redshift_store_state(struct redshift_statement *q, const char *status, struct json *changes,
	struct err *err) must_check;

/* The part's memory. */
struct redshift_state {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct redshift_engine *engines;
	struct redshift_statement *active;
	int running, nr_active;
	bool stopping;
};
struct redshift_state *redshift_state(struct local_cloud *cloud);
void redshift_engines_stop(struct redshift_state *s);
void redshift_engines_free(struct redshift_state *s);

#endif
