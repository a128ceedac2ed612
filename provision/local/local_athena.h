#ifndef LOCAL_ATHENA_H
#define LOCAL_ATHENA_H

/*
 * Athena inside the local cloud. A query goes QUEUED -> RUNNING -> SUCCEEDED | FAILED | CANCELLED; a task thread runs it, in a
 * worker process for anything but SHOW and DESCRIBE. What a crash leaves unfinished is FAILED at the next start.
 */
#include "local_glue.h"
#include "local_iam.h"
#include "local_sqlmap.h"
#include "local_worker.h"
#include "strvec.h"

extern const struct local_part local_athena_part;
extern const struct local_service local_athena_group_service, local_athena_query_service,
	local_athena_named_service, local_athena_catalog_service;

#define ATHENA_MAX_QUERY 262144
#define athena_invalid(err, ...) local_fault(err, 400, "InvalidRequestException", __VA_ARGS__)

/* "workgroup/NAME" */
char *athena_group_arn(struct local_cloud *cloud, const char *region, const char *name);
/* NULL with InvalidRequestException. */
struct json *athena_group_tx(struct local_cloud *cloud, const char *name, struct err *err);
/* MaxResults and NextToken; *after malloc'd. */
int athena_page(const struct json *in, int64_t max, int64_t *limit, char **after,
	struct err *err) must_check;

/* --- a query's run --- */
struct athena_query {
	struct local_cloud *cloud;
	char *id, *sql, *database; /* database NULL: none */
	char *bucket, *key;        /* of the result */
	struct local_principal who;
	bool as_root;
	pthread_mutex_t lock; /* worker, cancelled */
	struct local_worker *worker;
	bool cancelled;
	struct athena_query *next;
	/* what came out */
	struct json *columns; /* ColumnInfo[] */
	int64_t scanned, rows, submitted_ms, started_ms;
	bool ddl, view; /* view: CREATE VIEW, which is ddl too */
};
const struct local_principal *athena_who(const struct athena_query *q);
bool athena_cancelled(struct athena_query *q);
/* Writes the result's file (header and rows as CSV, or lines of text) to `path`. */
int athena_run_select(struct athena_query *q, const char *path, struct err *err) must_check;
/* SHOW, DESCRIBE, CREATE and DROP, also of views. */
int athena_run_ddl(struct athena_query *q, const char *path, struct err *err) must_check;
/* The TableInput of a view of that query, with the columns that it gives. */
int athena_view_input(struct athena_query *q, const char *name, const char *sql,
	struct json **input, struct err *err) must_check;
/* A query's plan, by the worker that is hired for it and dismissed by athena_dismiss (also after an error). */
int athena_compile(
	struct athena_query *q, const char *sql, struct sqlplan *plan, struct err *err) must_check;
void athena_dismiss(struct athena_query *q);
/* 'D': SHOW, DESCRIBE, CREATE and DROP; 'V': CREATE VIEW; 'S': a query; 'N': known, not served (*name says what); 0: none of these. */
char athena_statement(const char *sql, char **name);
/* May the caller do that? AccessDenied in err. */
int athena_may(
	struct athena_query *q, const char *action, const char *arn, struct err *err) must_check;
struct json *athena_column(const char *name, const char *type, int precision, int scale);
/* The files of a scan, with partition values: [{"path","size","values"}] (local_athena_files.c). */
int athena_files(struct athena_query *q, const struct json *table, struct json **files,
	struct err *err) must_check;

/* --- results (local_athena_results.c): pure --- */
/* Rows of a CSV result from byte *offset on, at most `max`: [{"Data":[{"VarCharValue"}]}]; *offset 0 at the end. `lines`: each
 * line is one value. */
int athena_result_rows(const char *path, bool lines, int64_t max, int64_t *offset,
	struct json **rows, struct err *err) must_check;

#endif
