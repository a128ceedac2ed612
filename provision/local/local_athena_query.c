/* Query executions ("StartQueryExecution" and its kin, Amazon Athena API Reference). */
#include "local_athena.h"
#include "local_objects.h"
#include "local_states.h"
#include "log.h"
#include "uri.h"
#include <unistd.h>

#define MAX_AT_ONCE 4

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS athena_group (name TEXT PRIMARY KEY, doc TEXT NOT NULL, "
	"created_ms "
	"INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS athena_query (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT "
	"NOT NULL "
	"UNIQUE, workgroup TEXT NOT NULL, state TEXT NOT NULL, doc TEXT NOT NULL, columns TEXT, "
	"token "
	"TEXT, submitted_ms INTEGER NOT NULL, completed_ms INTEGER NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX IF NOT EXISTS athena_query_token ON athena_query (token) WHERE token "
	"IS NOT "
	"NULL;"
	"CREATE INDEX IF NOT EXISTS athena_query_group ON athena_query (workgroup, seq);"
	"CREATE TABLE IF NOT EXISTS athena_named (id TEXT PRIMARY KEY, workgroup TEXT NOT NULL, "
	"doc TEXT "
	"NOT NULL) WITHOUT ROWID;"
	"INSERT OR IGNORE INTO athena_group (name, doc, created_ms) VALUES ('primary', "
	"'{\"Name\":\"primary\",\"State\":\"ENABLED\",\"Configuration\":{\"ResultConfiguration\":{}"
	","
	"\"EnforceWorkGroupConfiguration\":false,\"PublishCloudWatchMetricsEnabled\":false,"
	"\"RequesterPaysEnabled\":false,\"EngineVersion\":{\"SelectedEngineVersion\":\"AUTO\","
	"\"EffectiveEngineVersion\":\"Athena engine version 3\"},"
	"\"EnableMinimumEncryptionConfiguration\":false},\"Description\":\"\"}', "
	"1500000000000);";

struct athena_state {
	pthread_mutex_t lock;
	pthread_cond_t slot;
	int running;
	struct athena_query *active;
};

static struct athena_state *state_of(struct local_cloud *cloud)
{
	return local_part_state(cloud, &local_athena_part);
}

static void query_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "WorkGroup");
	char *text = athena_group_arn(cloud, req->region, name ? name : "primary");

	strbuf_addstr(arn, text);
	free(text);
}

/* --- the document --- */
static bool is_ddl(char statement)
{
	return statement == 'D' || statement == 'V';
}

static struct json *new_doc(const struct json *in, const char *id, const char *group,
	const char *location, char statement)
{
	struct json *doc = json_object(), *result = json_object(), *reuse = json_object(),
		    *off = json_object(), *version = json_object();
	const struct json *context = json_get(in, "QueryExecutionContext");

	json_set_str(doc, "QueryExecutionId", id);
	json_set_str(doc, "Query", json_get_str(in, "QueryString"));
	json_set_str(doc, "StatementType", is_ddl(statement) ? "DDL" : "DML");
	json_set_str(result, "OutputLocation", location);
	json_set(doc, "ResultConfiguration", result);
	json_set_bool(off, "Enabled", false);
	json_set(reuse, "ResultReuseByAgeConfiguration", off);
	json_set(doc, "ResultReuseConfiguration", reuse);
	json_set(doc, "QueryExecutionContext", context ? json_copy(context) : json_object());
	json_set_str(doc, "WorkGroup", group);
	json_set_str(version, "SelectedEngineVersion", "AUTO");
	json_set_str(version, "EffectiveEngineVersion", "Athena engine version 3");
	json_set(doc, "EngineVersion", version);
	json_set_str(doc, "SubstatementType", statement == 'S' ? "SELECT" : "");
	return doc;
}

static struct json *read_doc(struct sql_stmt *st)
{
	struct json *doc = glue_doc(sql_text(st, 0)), *status = json_get(doc, "Status");

	if (!status) {
		status = json_object();
		json_set(doc, "Status", status);
	}
	json_set_str(status, "State", sql_text(st, 1));
	glue_set_time(status, "SubmissionDateTime", sql_int(st, 2));
	glue_set_time(status, "CompletionDateTime", sql_int(st, 3));
	if (!json_get(doc, "Statistics"))
		json_set(doc, "Statistics", json_object());
	return doc;
}

static int find_tx(struct local_cloud *cloud, const char *id, struct json **doc,
	struct json **columns, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, state, submitted_ms, completed_ms, columns FROM athena_query WHERE id "
		"= ?",
		"s", id ? id : "");
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		*doc = read_doc(st);
		if (columns)
			*columns = sql_text(st, 4) ? glue_doc(sql_text(st, 4)) : NULL;
	}
	sql_done(st);
	if (row == 0)
		return athena_invalid(err, "QueryExecution %s was not found", id ? id : "");
	return row > 0 ? 0 : -1;
}

/* --- the task --- */
const struct local_principal *athena_who(const struct athena_query *q)
{
	return q->as_root ? NULL : &q->who;
}

bool athena_cancelled(struct athena_query *q)
{
	bool yes;

	pthread_mutex_lock(&q->lock);
	yes = q->cancelled;
	pthread_mutex_unlock(&q->lock);
	return yes || local_stopping(q->cloud);
}

int athena_may(struct athena_query *q, const char *action, const char *arn, struct err *err)
{
	if (q->as_root || local_iam_allows(q->cloud, &q->who, action, arn))
		return 0;
	return err_set(err, ERR_DENIED,
		"PERMISSION_DENIED: User: %s is not authorized to perform: %s on resource: %s",
		q->who.arn, action, arn);
}

static int put_result(struct athena_query *q, const char *path, struct err *err)
{
	struct strbuf meta = STRBUF_INIT;
	char *key = xasprintf("%s.metadata", q->key);
	int r;

	json_print(q->columns, &meta);
	r = local_object_put_file(q->cloud, athena_who(q), q->bucket, q->key, path,
		    "application/octet-stream", err) ||
	    local_object_put(q->cloud, athena_who(q), q->bucket, key, meta.buf, meta.len,
		    "application/octet-stream", err);
	if (r) {
		char *why = xstrdup(err->text);
		err_set(err, ERR_FAILED, "Unable to verify/create output bucket %s: %s", q->bucket,
			why);
		free(why);
	}
	strbuf_release(&meta);
	free(key);
	return r ? -1 : 0;
}

static int execute(struct athena_query *q, struct err *err)
{
	char *path = local_scratch_path(q->cloud, ".csv");
	int r = q->ddl ? athena_run_ddl(q, path, err) : athena_run_select(q, path, err);

	if (!r)
		r = put_result(q, path, err);
	unlink(path); /* gone already when it was put */
	free(path);
	return r;
}

struct change {
	struct athena_query *q;
	const char *state, *reason;
};

static void set_statistics(struct json *doc, const struct athena_query *q, int64_t now)
{
	struct json *s = json_object(), *reuse = json_object();
	int64_t started = q->started_ms ? q->started_ms : now;

	json_set_i64(s, "EngineExecutionTimeInMillis", now - started);
	json_set_i64(s, "DataScannedInBytes", q->scanned);
	json_set_i64(s, "TotalExecutionTimeInMillis", now - q->submitted_ms);
	json_set_i64(s, "QueryQueueTimeInMillis", started - q->submitted_ms);
	json_set_i64(s, "ServicePreProcessingTimeInMillis", 0);
	json_set_i64(s, "QueryPlanningTimeInMillis", 0);
	json_set_i64(s, "ServiceProcessingTimeInMillis", 0);
	json_set_bool(reuse, "ReusedPreviousResult", false);
	json_set(s, "ResultReuseInformation", reuse);
	json_set(doc, "Statistics", s);
}

static void set_status(struct json *doc, const struct change *c)
{
	struct json *status = json_object(), *error;

	json_set_str(status, "StateChangeReason", c->reason);
	if (!strcmp(c->state, "FAILED")) {
		error = json_object();
		json_set_i64(error, "ErrorCategory",
			c->reason && starts_with(c->reason, "GENERIC_INTERNAL_ERROR") ? 1 : 2);
		json_set_bool(error, "Retryable", false);
		json_set_str(error, "ErrorMessage", c->reason);
		json_set(status, "AthenaError", error);
	}
	json_set(doc, "Status", status);
}

static int change_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct change *c = payload;
	struct json *doc = NULL;
	char *text, *columns = c->q->columns ? glue_text(c->q->columns) : NULL;
	bool over = strcmp(c->state, "RUNNING") != 0;
	int64_t now = local_now_ms(cloud);
	int r = find_tx(cloud, c->q->id, &doc, NULL, err);

	if (!r) {
		set_statistics(doc, c->q, now);
		set_status(doc, c);
		text = glue_text(doc);
		r = sql_run(cloud->db, NULL, err,
			"UPDATE athena_query SET state = ?, doc = ?, columns = ?, completed_ms = ? "
			"WHERE id = "
			"? AND state IN ('QUEUED', 'RUNNING')",
			"sssis", c->state, text, columns, over ? now : 0, c->q->id);
		free(text);
	}
	json_free(doc);
	free(columns);
	return r;
}

static void change(struct athena_query *q, const char *state, const char *reason)
{
	struct change c = {q, state, reason};
	struct err err = ERR_INIT;

	if (local_tx(q->cloud, change_tx, &c, &err))
		log_warn("query %s: %s", q->id, err.text);
	if (strcmp(state, "RUNNING") != 0)
		states_nudge(q->cloud, "athena", q->id);
	err_release(&err);
}

static void query_free(struct athena_query *q)
{
	free(q->id);
	free(q->sql);
	free(q->database);
	free(q->bucket);
	free(q->key);
	local_principal_release(&q->who);
	json_free(q->columns);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void enter(struct athena_query *q)
{
	struct athena_state *s = state_of(q->cloud);

	pthread_mutex_lock(&s->lock);
	while (s->running >= MAX_AT_ONCE)
		pthread_cond_wait(&s->slot, &s->lock);
	s->running++;
	pthread_mutex_unlock(&s->lock);
}

static void leave(struct athena_query *q)
{
	struct athena_state *s = state_of(q->cloud);
	struct athena_query **p;

	pthread_mutex_lock(&s->lock);
	s->running--;
	pthread_cond_signal(&s->slot);
	for (p = &s->active; *p; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			break;
		}
	pthread_mutex_unlock(&s->lock);
}

static void query_task(struct local_cloud *cloud, void *payload)
{
	struct athena_query *q = payload;
	struct err err = ERR_INIT;
	int r = -1;

	enter(q);
	if (!athena_cancelled(q)) {
		q->started_ms = local_now_ms(cloud);
		change(q, "RUNNING", NULL);
		r = execute(q, &err);
	}
	if (!r)
		change(q, "SUCCEEDED", NULL);
	else if (local_stopping(cloud))
		; /* recovery says how it ended */
	else if (athena_cancelled(q))
		change(q, "CANCELLED", "Query cancelled by user");
	else
		change(q, "FAILED", err.text);
	leave(q);
	err_release(&err);
	query_free(q);
}

/* --- start --- */
struct start {
	const struct local_request *req;
	const char *group, *token;
	char statement;
	char *id, *location;
	bool again; /* the token was used before */
};

static char *output_location(const struct json *group, const struct json *in)
{
	const char *ours =
		json_str(json_path(group, "Configuration.ResultConfiguration.OutputLocation"));
	const char *theirs = json_str(json_path(in, "ResultConfiguration.OutputLocation"));
	bool enforced =
		json_truth(json_path(group, "Configuration.EnforceWorkGroupConfiguration"), false);
	const char *base = theirs && *theirs && !(enforced && ours && *ours) ? theirs : ours;

	return xstrdup(base);
}

static int seen_token_tx(struct local_cloud *cloud, struct start *s, struct err *err)
{
	struct sql_stmt *st;
	struct json *doc;
	int row, r = 0;

	if (!s->token)
		return 0;
	st = sql_query(
		cloud->db, err, "SELECT id, doc FROM athena_query WHERE token = ?", "s", s->token);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		doc = glue_doc(sql_text(st, 1));
		s->again = true;
		s->id = xstrdup(sql_text(st, 0));
		if (strcmp(json_get_str(doc, "Query"), json_get_str(s->req->in, "QueryString")) ||
			strcmp(json_get_str(doc, "WorkGroup"), s->group))
			r = athena_invalid(err, "Idempotent parameters do not match");
		json_free(doc);
	}
	sql_done(st);
	return row < 0 ? -1 : r;
}

static int insert_tx(struct local_cloud *cloud, struct start *s, struct err *err)
{
	struct json *doc = new_doc(s->req->in, s->id, s->group, s->location, s->statement);
	char *text = glue_text(doc);
	int r = sql_run(cloud->db, NULL, err,
		"INSERT INTO athena_query (id, workgroup, state, doc, token, submitted_ms) VALUES "
		"(?, ?, "
		"'QUEUED', ?, ?, ?)",
		"ssssi", s->id, s->group, text, s->token, local_now_ms(cloud));

	free(text);
	json_free(doc);
	return r;
}

static int start_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct start *s = payload;
	struct json *group;
	char *base;
	int r;

	if (seen_token_tx(cloud, s, err) || s->again)
		return s->again && !err->code ? 0 : -1;
	if (!(group = athena_group_tx(cloud, s->group, err)))
		return -1;
	if (strcmp(json_get_str(group, "State"), "ENABLED")) {
		json_free(group);
		return athena_invalid(err, "WorkGroup %s is disabled.", s->group);
	}
	base = output_location(group, s->req->in);
	json_free(group);
	if (!base || !starts_with(base, "s3://")) {
		free(base);
		return athena_invalid(err,
			"No output location provided. An output location is required either "
			"through the "
			"Workgroup result configuration setting or as an API input.");
	}
	s->id = local_uuid();
	s->location = xasprintf("%s%s%s.%s", base, ends_with(base, "/") ? "" : "/", s->id,
		is_ddl(s->statement) ? "txt" : "csv");
	free(base);
	r = insert_tx(cloud, s, err);
	return r;
}

static void copy_principal(struct athena_query *q, const struct local_principal *who)
{
	q->as_root = !who || !who->role_name;
	if (!who)
		return;
	q->who.account = xstrdup(who->account);
	q->who.arn = xstrdup(who->arn);
	q->who.role_name = xstrdup(who->role_name);
	q->who.access_key_id = xstrdup(who->access_key_id);
	q->who.user_id = xstrdup(who->user_id);
}

static int launch(struct local_cloud *cloud, const struct start *s, struct err *err)
{
	struct athena_query *q = xcalloc(1, sizeof(*q));
	const char *db = json_str(json_path(s->req->in, "QueryExecutionContext.Database"));
	struct athena_state *state = state_of(cloud);

	pthread_mutex_init(&q->lock, NULL);
	q->cloud = cloud;
	if (s3_uri_split(s->location, &q->bucket, &q->key, err)) {
		query_free(q);
		return athena_invalid(err, "outputLocation is not a valid S3 path.");
	}
	q->id = xstrdup(s->id);
	q->sql = xstrdup(json_get_str(s->req->in, "QueryString"));
	q->database = db && *db ? xstrdup(db) : NULL;
	q->ddl = is_ddl(s->statement);
	q->view = s->statement == 'V';
	q->submitted_ms = local_now_ms(cloud);
	copy_principal(q, s->req->who);
	pthread_mutex_lock(&state->lock);
	q->next = state->active;
	state->active = q;
	pthread_mutex_unlock(&state->lock);
	local_task_spawn(cloud, query_task, q);
	return 0;
}

static int start_query(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *sql = json_get_str(req->in, "QueryString");
	struct start s = {.req = req,
		.group = json_get_str(req->in, "WorkGroup"),
		.token = json_get_str(req->in, "ClientRequestToken")};
	int r = -1;

	if (!sql || !*sql || strlen(sql) > ATHENA_MAX_QUERY)
		return athena_invalid(err, "1 validation error detected: Value at 'queryString' "
					   "failed to satisfy constraint: Member "
					   "must have length between 1 and 262144");
	if (s.token && (strlen(s.token) < 32 || strlen(s.token) > 128))
		return athena_invalid(err,
			"1 validation error detected: Value '%s' at 'clientRequestToken' failed to "
			"satisfy "
			"constraint: Member must have length greater than or equal to 32",
			s.token);
	if (json_len(json_get(req->in, "ExecutionParameters")))
		return athena_invalid(
			err, "Execution parameters are not supported by the local cloud.");
	s.group = s.group && *s.group ? s.group : "primary";
	s.statement = athena_statement(sql, NULL);
	if (local_tx(cloud, start_tx, &s, err))
		goto out;
	if (!s.again && launch(cloud, &s, err))
		goto out;
	*out = json_object();
	json_set_str(*out, "QueryExecutionId", s.id);
	r = 0;
out:
	free(s.id);
	free(s.location);
	return r;
}

/* --- stop --- */
static bool cancel(struct local_cloud *cloud, const char *id)
{
	struct athena_state *s = state_of(cloud);
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (struct athena_query *q = s->active; q; q = q->next) {
		if (strcmp(q->id, id))
			continue;
		found = true;
		pthread_mutex_lock(&q->lock);
		q->cancelled = true;
		if (q->worker)
			local_worker_kill(q->worker);
		pthread_mutex_unlock(&q->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

struct find {
	const char *id;
	struct json *doc, *columns;
};

static int find_only_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct find *f = payload;

	return find_tx(cloud, f->id, &f->doc, &f->columns, err);
}

static int stop_query(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct find f = {.id = json_get_str(req->in, "QueryExecutionId")};

	if (local_tx(cloud, find_only_tx, &f, err))
		return -1;
	json_free(f.doc);
	json_free(f.columns);
	cancel(cloud, f.id);
	return 0;
}

/* --- reading --- */
static int get_query(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct find f = {.id = json_get_str(req->in, "QueryExecutionId")};

	if (local_tx(cloud, find_only_tx, &f, err))
		return -1;
	json_free(f.columns);
	*out = json_object();
	json_set(*out, "QueryExecution", f.doc);
	return 0;
}

static int batch_get(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err unused_arg)
{
	struct json *found = json_array(), *missing = json_array(), *id;

	json_each(id, json_get(req->in, "QueryExecutionIds"))
	{
		struct find f = {.id = json_str(id)};
		struct err why = ERR_INIT;
		struct json *m;
		if (!local_tx(cloud, find_only_tx, &f, &why)) {
			json_free(f.columns);
			json_push(found, f.doc);
			continue;
		}
		m = json_object();
		json_set_str(m, "QueryExecutionId", f.id);
		json_set_str(m, "ErrorCode", "INVALID_QUERY_EXECUTION_ID");
		json_set_str(m, "ErrorMessage", why.text);
		json_push(missing, m);
		err_release(&why);
	}
	*out = json_object();
	json_set(*out, "QueryExecutions", found);
	json_set(*out, "UnprocessedQueryExecutionIds", missing);
	return 0;
}

static int list_rows(struct local_cloud *cloud, const char *group, const char *after, int64_t limit,
	struct json *out, struct err *err)
{
	struct json *ids = json_array();
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id, seq FROM athena_query WHERE workgroup = ? AND seq < ? ORDER BY seq "
		"DESC LIMIT ?",
		"sii", group, after ? strtoll(after, NULL, 10) : INT64_MAX, limit + 1);
	int64_t last = 0;
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(ids) < limit) {
		json_push_str(ids, sql_text(st, 0));
		last = sql_int(st, 1);
	}
	sql_done(st);
	if (row > 0) {
		char *key = xasprintf("%lld", (long long)last), *token = local_token_make(key);
		json_set_str(out, "NextToken", token);
		free(token);
		free(key);
	}
	json_set(out, "QueryExecutionIds", ids);
	return row < 0 ? -1 : 0;
}

static int list_queries(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *group = json_get_str(req->in, "WorkGroup");
	struct json *doc;
	int64_t limit;
	char *after;
	int r = -1;

	if (athena_page(req->in, 50, &limit, &after, err))
		return -1;
	group = group ? group : "primary";
	if (!local_tx_begin(cloud, err)) {
		*out = json_object();
		doc = athena_group_tx(cloud, group, err);
		r = doc ? list_rows(cloud, group, after, limit, *out, err) : -1;
		json_free(doc);
		local_tx_end(cloud);
	}
	free(after);
	if (r) {
		json_free(*out);
		*out = NULL;
	}
	return r;
}

/* --- results --- */
static int result_page(struct local_cloud *cloud, const struct local_request *req,
	const struct find *f, int64_t limit, const char *after, struct json **out, struct err *err)
{
	const char *location = json_str(json_path(f->doc, "ResultConfiguration.OutputLocation"));
	int64_t offset = after ? strtoll(after, NULL, 10) : 0;
	struct json *set = json_object(), *meta = json_object(), *rows = NULL;
	struct local_object object = {0};
	struct err gone = ERR_INIT;
	char *bucket = NULL, *key = NULL;
	bool lines = ends_with(location, ".txt");
	int r = -1;

	if (s3_uri_split(location, &bucket, &key, &gone) ||
		local_object_head(cloud, req->who && req->who->role_name ? req->who : NULL, bucket,
			key, &object, &gone) ||
		athena_result_rows(object.path, lines, limit, &offset, &rows, &gone)) {
		athena_invalid(err, "Could not find results");
		goto out;
	}
	*out = json_object();
	json_set(set, "Rows", rows);
	json_set(meta, "ColumnInfo", f->columns ? json_copy(f->columns) : json_array());
	json_set(set, "ResultSetMetadata", meta);
	json_set(*out, "ResultSet", set);
	json_set_i64(*out, "UpdateCount", 0);
	if (offset) {
		char *at = xasprintf("%lld", (long long)offset), *token = local_token_make(at);
		json_set_str(*out, "NextToken", token);
		free(token);
		free(at);
	}
	r = 0;
out:
	if (r) {
		json_free(set);
		json_free(meta);
	}
	local_object_release(&object);
	err_release(&gone);
	free(bucket);
	free(key);
	return r;
}

static int get_results(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct find f = {.id = json_get_str(req->in, "QueryExecutionId")};
	char *after;
	const char *state;
	int64_t limit;
	int r = -1;

	if (athena_page(req->in, 1000, &limit, &after, err))
		return -1;
	if (local_tx(cloud, find_only_tx, &f, err))
		goto out;
	state = json_str(json_path(f.doc, "Status.State"));
	if (!strcmp(state, "SUCCEEDED"))
		r = result_page(cloud, req, &f, limit, after, out, err);
	else if (!strcmp(state, "FAILED") || !strcmp(state, "CANCELLED"))
		athena_invalid(
			err, "Query did not finish successfully. Final query state: %s", state);
	else
		athena_invalid(err, "Query has not yet finished. Current state: %s", state);
out:
	json_free(f.doc);
	json_free(f.columns);
	free(after);
	return r;
}

static const struct local_route routes[] = {
	{"BatchGetQueryExecution", batch_get, query_arn},
	{"GetQueryExecution", get_query, query_arn},
	{"GetQueryResults", get_results, query_arn},
	{"ListQueryExecutions", list_queries, query_arn},
	{"StartQueryExecution", start_query, query_arn},
	{"StopQueryExecution", stop_query, query_arn},
};

const struct local_service local_athena_query_service = {"athena", routes, ARRAY_SIZE(routes)};

/* --- the part --- */
static int recover_tx(struct local_cloud *cloud, void *payload unused_arg, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"UPDATE athena_query SET state = 'FAILED', completed_ms = ?, doc = json_set(doc, "
		"'$.Status', json_object('StateChangeReason', 'GENERIC_INTERNAL_ERROR: the local "
		"cloud "
		"ended during this query')) WHERE state IN ('QUEUED', 'RUNNING')",
		"i", local_now_ms(cloud));
}

static int recover(struct local_cloud *cloud, struct err *err)
{
	return local_tx(cloud, recover_tx, NULL, err);
}

static void stop(struct local_cloud *cloud)
{
	struct athena_state *s = state_of(cloud);

	pthread_mutex_lock(&s->lock);
	for (struct athena_query *q = s->active; q; q = q->next) {
		pthread_mutex_lock(&q->lock);
		q->cancelled = true;
		if (q->worker)
			local_worker_kill(q->worker);
		pthread_mutex_unlock(&q->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

static void *state_new(void)
{
	struct athena_state *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->slot, NULL);
	return s;
}

static void state_free(void *state)
{
	struct athena_state *s = state;

	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->slot);
	free(s);
}

const struct local_part local_athena_part = {
	.name = "athena",
	.schema = schema,
	.recover = recover,
	.stop = stop,
	.state_new = state_new,
	.state_free = state_free,
};
