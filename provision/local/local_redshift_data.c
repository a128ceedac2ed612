/* Statements of the Redshift Data API: started, described, listed, cancelled, their results read. */
#include "digest.h"
#include "local_glue.h"
#include "local_redshift.h"
#include "local_redshift_data.h"
#include "local_redshift_sql.h"
#include "local_services.h"

#define MAX_ACTIVE 500
#define MAX_SQL (100 * 1024)
#define PAGE_ROWS 1000
#define PAGE_BYTES (1024 * 1024)

/* --- whom a statement belongs to, and what it runs in --- */

static const char *owner_of(const struct local_principal *who)
{
	return who->role_name ? who->role_name : "";
}

struct place_call {
	const char *name;
	struct redshift_place *out;
};

/* A name, or the ARN as the workgroup has it. */
static int workgroup_name_tx(
	struct local_cloud *cloud, const char *given, char **name, struct err *err)
{
	struct sql_stmt *st;
	int row;

	if (!starts_with(given, "arn:")) {
		*name = xstrdup(given);
		return 0;
	}
	st = sql_query(
		cloud->db, err, "SELECT name FROM redshift_workgroup WHERE arn = ?", "s", given);
	row = st ? sql_step(st, err) : -1;
	*name = row > 0 ? sql_text_dup(st, 0) : NULL;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int place_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct place_call *c = payload;
	struct err why = ERR_INIT;
	char *name = NULL;
	const char *status;
	int r = workgroup_name_tx(cloud, c->name, &name, err);

	if (r)
		return -1;
	if (!name || redshift_workgroup_tx(cloud, name, &c->out->workgroup, &why) ||
		redshift_namespace_tx(cloud, c->out->workgroup.space, &c->out->space, &why))
		r = redshift_invalid(err, "Redshift endpoint doesn't exist in this region.");
	err_release(&why);
	free(name);
	if (r)
		return -1;
	status = json_get_str(c->out->workgroup.doc, "status");
	if (strcmp(status, "CREATING") == 0 || strcmp(status, "DELETING") == 0)
		return redshift_invalid(err, "Redshift endpoint is not available.");
	return 0;
}

void redshift_place_release(struct redshift_place *p)
{
	redshift_workgroup_release(&p->workgroup);
	redshift_namespace_release(&p->space);
	free(p->user);
	free(p->failed);
}

/* The secret's user and password are those of the administrator. */
static int use_secret(struct local_cloud *cloud, const struct local_request *req,
	struct redshift_place *p, const char *arn, struct err *err)
{
	struct json *in = json_object(), *out = NULL, *value = NULL;
	struct err why = ERR_INIT;
	const char *text, *user = NULL, *password;
	char *digest = NULL;
	int r;

	json_set_str(in, "SecretId", arn);
	r = local_invoke(cloud, req->who, "secretsmanager", "GetSecretValue", in, &out, err);
	text = json_get_str(out, "SecretString");
	if (!r && text)
		value = json_parse(text, strlen(text), &why);
	user = json_get_str(value, "username");
	password = json_get_str(value, "password");
	if (!r && (!user || !password))
		r = redshift_invalid(err, "The secret %s has no username and password.", arn);
	if (!r) {
		digest = redshift_digest(p->space.id, password);
		p->user = xstrdup(user);
		if (strcmp(user, json_get_str(p->space.doc, "adminUsername")) != 0 ||
			!p->space.password || strcmp(digest, p->space.password) != 0)
			p->failed = xasprintf(
				"FATAL: password authentication failed for user \"%s\"", user);
	}
	free(digest);
	err_release(&why);
	json_free(in);
	json_free(out);
	json_free(value);
	return r;
}

static int use_identity(struct local_cloud *cloud, const struct local_request *req,
	struct redshift_place *p, struct err *err)
{
	static const char action[] = "redshift-serverless:GetCredentials";

	if (req->who->role_name && !local_iam_allows(cloud, req->who, action, p->workgroup.arn))
		return local_fault(err, 400, "AccessDeniedException",
			"User: %s is not authorized to perform: %s on resource: %s because no "
			"identity-based policy allows the %s action",
			req->who->arn, action, p->workgroup.arn, action);
	p->user = req->who->role_name ? xasprintf("IAMR:%s", req->who->role_name)
				      : xstrdup("IAM:root");
	return 0;
}

int redshift_place_find(struct local_cloud *cloud, const struct local_request *req,
	struct redshift_place *out, struct err *err)
{
	const char *name = json_get_str(req->in, "WorkgroupName"),
		   *secret = json_get_str(req->in, "SecretArn");
	struct place_call c = {name, out};

	if (json_get_str(req->in, "ClusterIdentifier"))
		return redshift_invalid(err, "Redshift endpoint doesn't exist in this region.");
	if (!name || !*name)
		return redshift_invalid(
			err, "Either ClusterIdentifier or WorkgroupName needs to be specified.");
	if (redshift_tx(cloud, place_tx, &c, err))
		return -1;
	return secret ? use_secret(cloud, req, out, secret, err)
		      : use_identity(cloud, req, out, err);
}

void redshift_workgroup_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	struct redshift_place p = {0};
	const char *name = json_get_str(req->in, "WorkgroupName");
	struct place_call c = {name ? name : "", &p};
	struct err none = ERR_INIT;

	if (redshift_tx(cloud, place_tx, &c, &none))
		err_release(&none);
	strbuf_addstr(arn, p.workgroup.arn ? p.workgroup.arn : "");
	redshift_place_release(&p);
}

/* --- input --- */

static int check_text(const char *sql, const char *member, struct err *err)
{
	if (!sql || !*sql)
		return redshift_invalid(err,
			"1 validation error detected: Value null at '%s' failed to satisfy "
			"constraint: Member must not be null",
			member);
	if (strlen(sql) > MAX_SQL)
		return redshift_invalid(
			err, "The query string is longer than the limit of 100 KB.");
	return 0;
}

static int check_sqls(const struct json *in, bool batch, struct err *err)
{
	const struct json *sqls = json_get(in, "Sqls"), *e;
	size_t nr = json_len(sqls);

	if (!batch)
		return check_text(json_get_str(in, "Sql"), "sql", err);
	if (!json_is(sqls, JSON_ARRAY) || !nr)
		return check_text(NULL, "sqls", err);
	if (nr > 40)
		return redshift_invalid(err,
			"1 validation error detected: Value at 'sqls' failed to satisfy "
			"constraint: Member must have length less than or equal to 40");
	json_each(e, sqls) if (check_text(json_str(e), "sqls", err)) return -1;
	return 0;
}

static int check_parameters(const struct json *parameters, struct err *err)
{
	const struct json *p;

	json_each(p, parameters)
	{
		const char *name = json_get_str(p, "name"), *value = json_get_str(p, "value");
		if (!name || !*name ||
			name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789_")])
			return redshift_invalid(err, "The parameter's name is not valid.");
		if (!value || !*value)
			return redshift_invalid(err, "The parameter '%s' has no value.", name);
	}
	return 0;
}

/* Every parameter is used, in one of the statements. */
static int check_used(const struct json *sqls, const struct json *parameters, struct err *err)
{
	struct strbuf all = STRBUF_INIT;
	const struct json *e;
	const char *unused;

	json_each(e, sqls) strbuf_addf(&all, "%s\n", json_str(e));
	unused = rs_unused_parameter(all.buf, parameters);
	strbuf_release(&all);
	if (!unused)
		return 0;
	return redshift_invalid(
		err, "Parameters list contains unused parameters. Unused parameters: [%s]", unused);
}

static int check_format(const struct json *in, struct err *err)
{
	const char *format = json_get_str(in, "ResultFormat"),
		   *mode = json_get_str(in, "ExecutionMode");
	int64_t wait = json_get_i64(in, "WaitTimeSeconds", 1);

	if (format && strcmp(format, "JSON") != 0 && strcmp(format, "CSV") != 0)
		return redshift_invalid(err,
			"1 validation error detected: Value '%.40s' at 'resultFormat' failed to "
			"satisfy constraint: Member must satisfy enum value set: [JSON, CSV]",
			format);
	if (mode && strcmp(mode, "TRANSACTION") != 0 && strcmp(mode, "AUTO_COMMIT") != 0)
		return redshift_invalid(err,
			"1 validation error detected: Value '%.40s' at 'executionMode' failed to "
			"satisfy constraint: Member must satisfy enum value set: [TRANSACTION, "
			"AUTO_COMMIT]",
			mode);
	if (wait < 1 || wait > 30)
		return redshift_invalid(err, "WaitTimeSeconds must be from 1 to 30.");
	return 0;
}

static int check_request(const struct json *in, bool batch, struct err *err)
{
	static const char *const refused[] = {"SessionId", "SessionKeepAliveSeconds"};
	const char *token = json_get_str(in, "ClientToken"),
		   *name = json_get_str(in, "StatementName");

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (json_get(in, refused[i]) && !json_is(json_get(in, refused[i]), JSON_NULL))
			return redshift_invalid(err,
				"The local cloud does not support sessions of the Data API: %s.",
				refused[i]);
	if (check_sqls(in, batch, err) || check_parameters(json_get(in, "Parameters"), err) ||
		check_format(in, err))
		return -1;
	if (token && (!*token || strlen(token) > 64))
		return redshift_invalid(err,
			"1 validation error detected: Value at 'clientToken' failed to satisfy "
			"constraint: Member must have length between 1 and 64");
	if (name && strlen(name) > 2048)
		return redshift_invalid(err,
			"1 validation error detected: Value at 'statementName' failed to satisfy "
			"constraint: Member must have length less than or equal to 2048");
	if (!json_get_str(in, "Database") || !*json_get_str(in, "Database"))
		return redshift_invalid(err, "Database needs to be specified.");
	return 0;
}

/* --- start --- */

struct start {
	const struct local_request *req;
	bool batch, again;
	struct redshift_place place;
	char *id, *digest;
	struct json *doc;
	int64_t now_ms;
};

/* The document of DescribeStatement, but for status and times. */
static void new_doc(struct start *s)
{
	const struct json *in = s->req->in;
	const char *format = json_get_str(in, "ResultFormat");
	struct json *doc = json_object();
	uint32_t pid;

	digest_random(&pid, sizeof(pid));
	s->doc = doc;
	json_set_str(doc, "Database", json_get_str(in, "Database"));
	json_set_str(doc, "DbUser", s->place.user);
	json_set_i64(doc, "Duration", -1);
	json_set_bool(doc, "HasResultSet", false);
	json_set_str(doc, "Id", s->id);
	if (!s->batch)
		json_set_str(doc, "QueryString", json_get_str(in, "Sql"));
	else
		json_set(doc, "_Sqls", json_copy(json_get(in, "Sqls")));
	if (json_len(json_get(in, "Parameters")))
		json_set(doc, "QueryParameters", json_copy(json_get(in, "Parameters")));
	json_set_i64(doc, "RedshiftPid", (int64_t)(1073741824u | (pid & 0x3fffffff)));
	json_set_i64(doc, "RedshiftQueryId", s->batch ? 0 : -1);
	json_set_str(doc, "ResultFormat", format ? format : "JSON");
	json_set_i64(doc, "ResultRows", -1);
	json_set_i64(doc, "ResultSize", -1);
	json_set_str(doc, "SecretArn", json_get_str(in, "SecretArn"));
	json_set_str(doc, "WorkgroupName", json_get_str(in, "WorkgroupName"));
	json_set_str(doc, "ExecutionMode", json_get_str(in, "ExecutionMode"));
}

static int seen_tx(struct local_cloud *cloud, struct start *s, struct err *err)
{
	const char *token = json_get_str(s->req->in, "ClientToken");
	struct sql_stmt *st;
	int row, r = 0;

	if (!token)
		return 0;
	st = sql_query(cloud->db, err,
		"SELECT id, request FROM redshift_statement WHERE owner = ? AND token = ?", "ss",
		owner_of(s->req->who), token);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		s->again = true;
		free(s->id);
		s->id = sql_text_dup(st, 0);
		if (strcmp(sql_text(st, 1), s->digest) != 0)
			r = redshift_invalid(
				err, "The client token was used for another request before.");
	}
	sql_done(st);
	return row < 0 ? -1 : r;
}

static int insert_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct start *s = payload;
	char *text;
	int r;

	if (seen_tx(cloud, s, err))
		return -1;
	if (s->again)
		return 0;
	text = glue_text(s->doc);
	r = sql_run(cloud->db, NULL, err,
		"INSERT INTO redshift_statement (id, owner, name, workgroup, status, doc, token, "
		"request, created_ms, updated_ms) VALUES (?, ?, ?, ?, 'SUBMITTED', ?, ?, ?, ?, ?)",
		"sssssssii", s->id, owner_of(s->req->who),
		json_get_str(s->req->in, "StatementName"), s->place.workgroup.name, text,
		json_get_str(s->req->in, "ClientToken"), s->digest, s->now_ms, s->now_ms);
	free(text);
	return r;
}

static char *request_digest(const struct json *in)
{
	struct strbuf text = STRBUF_INIT, hex = STRBUF_INIT;

	json_print_canonical(in, &text);
	digest_sha256_hex(text.buf, text.len, &hex);
	strbuf_release(&text);
	return strbuf_detach(&hex, NULL);
}

static struct redshift_statement *new_statement(struct local_cloud *cloud, const struct start *s)
{
	const struct json *in = s->req->in;
	const char *database = json_get_str(in, "Database"),
		   *mode = json_get_str(in, "ExecutionMode"),
		   *format = json_get_str(in, "ResultFormat");
	struct redshift_statement *q = xcalloc(1, sizeof(*q));

	pthread_mutex_init(&q->lock, NULL);
	q->cloud = cloud;
	q->id = xstrdup(s->id);
	q->namespace_id = xstrdup(s->place.space.id);
	q->namespace_name = xstrdup(s->place.space.name);
	q->workgroup = xstrdup(s->place.workgroup.name);
	q->database = xstrdup(database);
	q->region = xstrdup(s->place.space.region);
	q->workgroup_arn = xstrdup(s->place.workgroup.arn);
	q->name = json_get_str(in, "StatementName") ? xstrdup(json_get_str(in, "StatementName"))
						    : NULL;
	q->batch = s->batch;
	q->auto_commit = mode && !strcmp(mode, "AUTO_COMMIT");
	q->with_event = json_get_truth(in, "WithEvent", false);
	q->format = format && !strcmp(format, "CSV") ? "CSV" : "JSON";
	if (s->batch) {
		q->sqls = json_copy(json_get(in, "Sqls"));
	} else {
		q->sqls = json_array();
		json_push_str(q->sqls, json_get_str(in, "Sql"));
	}
	q->parameters = json_copy(json_get(in, "Parameters"));
	redshift_principal_copy(&q->who, s->req->who);
	if (s->place.failed)
		q->failed = xstrdup(s->place.failed);
	else if (strcmp(database, json_get_str(s->place.space.doc, "dbName")) != 0)
		q->failed = xasprintf("FATAL: database \"%s\" does not exist", database);
	return q;
}

static struct json *started_reply(const struct start *s)
{
	struct json *out = json_object();

	glue_set_time(out, "CreatedAt", s->now_ms);
	json_set_str(out, "Database", json_get_str(s->req->in, "Database"));
	json_set_str(out, "DbUser", s->place.user);
	json_set_str(out, "Id", s->id);
	json_set_str(out, "SecretArn", json_get_str(s->req->in, "SecretArn"));
	json_set_str(out, "WorkgroupName", json_get_str(s->req->in, "WorkgroupName"));
	return out;
}

static bool is_final(const char *status)
{
	return !strcmp(status, "FINISHED") || !strcmp(status, "FAILED") ||
	       !strcmp(status, "ABORTED");
}

struct find {
	const struct local_request *req;
	const char *id;
	struct json *doc;
	struct json *columns;
	int64_t now_ms;
};

/* A statement of the caller's, by its own id or that of one of its parts. */
static int find_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct find *f = payload;
	size_t len = strcspn(f->id, ":");
	char *id = xstrndup(f->id, len);
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, status, created_ms, updated_ms, name FROM redshift_statement WHERE id "
		"= ?1 AND (?2 = '' OR owner = ?2) AND updated_ms >= ?3",
		"ssi", id, owner_of(f->req->who), local_now_ms(cloud) - INT64_C(86400000));
	int row = st ? sql_step(st, err) : -1;

	if (row > 0) {
		f->doc = glue_doc(sql_text(st, 0));
		json_set_str(f->doc, "Status", sql_text(st, 1));
		glue_set_time(f->doc, "CreatedAt", sql_int(st, 2));
		glue_set_time(f->doc, "UpdatedAt", sql_int(st, 3));
	}
	sql_done(st);
	free(id);
	if (!row)
		return redshift_missing(err, "Query does not exist.");
	if (row < 0)
		return -1;
	st = sql_query(
		cloud->db, err, "SELECT columns FROM redshift_result WHERE id = ?", "s", f->id);
	row = st ? sql_step(st, err) : -1;
	if (row > 0)
		f->columns = glue_doc(sql_text(st, 0));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int check_id(const char *id, struct err *err)
{
	size_t len = id ? strcspn(id, ":") : 0;

	if (id && len == 36 && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
		strlen(id) <= 39)
		return 0;
	return redshift_invalid(err,
		"1 validation error detected: Value '%.100s' at 'id' failed to satisfy constraint: "
		"Member must satisfy regular expression pattern: "
		"[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\\d{0,2})?",
		id ? id : "null");
}

/* With WaitTimeSeconds, once it is over or that long from now. */
static int find(struct local_cloud *cloud, struct find *f, struct err *err)
{
	const struct clock *clock = clock_system();
	int64_t until =
		clock->mono_ms(clock) + 1000 * json_get_i64(f->req->in, "WaitTimeSeconds", 0);

	if (check_id(f->id, err) || check_format(f->req->in, err))
		return -1;
	for (;;) {
		json_free(f->doc);
		json_free(f->columns);
		f->doc = f->columns = NULL;
		if (redshift_tx(cloud, find_tx, f, err))
			return -1;
		if (is_final(json_get_str(f->doc, "Status")) || clock->mono_ms(clock) >= until ||
			!redshift_wait_change(cloud, until))
			return 0;
	}
}

static void find_release(struct find *f)
{
	json_free(f->doc);
	json_free(f->columns);
}

static int wait_for_it(
	struct local_cloud *cloud, const struct start *s, struct json *out, struct err *err)
{
	struct find f = {.req = s->req, .id = s->id};
	int r;

	if (!json_get(s->req->in, "WaitTimeSeconds"))
		return 0;
	r = find(cloud, &f, err);
	if (!r) {
		json_set_str(out, "Status", json_get_str(f.doc, "Status"));
		json_set_bool(out, "HasResultSet", json_get_truth(f.doc, "HasResultSet", false));
	}
	find_release(&f);
	return r;
}

static int begin(struct local_cloud *cloud, struct start *s, struct err *err)
{
	struct redshift_state *state = redshift_state(cloud);
	bool full;

	pthread_mutex_lock(&state->lock);
	full = state->nr_active >= MAX_ACTIVE;
	pthread_mutex_unlock(&state->lock);
	if (full)
		return local_fault(err, 400, "ActiveStatementsExceededException",
			"The number of active statements exceeds the limit of %d.", MAX_ACTIVE);
	if (redshift_tx(cloud, insert_tx, s, err))
		return -1;
	if (!s->again)
		redshift_launch(cloud, new_statement(cloud, s));
	return 0;
}

static int start(struct local_cloud *cloud, const struct local_request *req, bool batch,
	struct json **out, struct err *err)
{
	struct start s = {.req = req, .batch = batch, .now_ms = local_now_ms(cloud)};
	struct json *one = json_array();
	int r = -1;

	json_push_str(one, json_get_str(req->in, "Sql"));
	if (check_request(req->in, batch, err) ||
		check_used(batch ? json_get(req->in, "Sqls") : one, json_get(req->in, "Parameters"),
			err) ||
		redshift_place_find(cloud, req, &s.place, err))
		goto out;
	s.id = local_uuid();
	s.digest = request_digest(req->in);
	new_doc(&s);
	if (begin(cloud, &s, err))
		goto out;
	*out = started_reply(&s);
	r = wait_for_it(cloud, &s, *out, err);
out:
	if (r) {
		json_free(*out);
		*out = NULL;
	}
	json_free(one);
	json_free(s.doc);
	free(s.id);
	free(s.digest);
	redshift_place_release(&s.place);
	return r;
}

static int execute(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	return start(cloud, req, false, out, err);
}

static int batch_execute(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return start(cloud, req, true, out, err);
}

/* --- state --- */

struct change {
	struct redshift_statement *q;
	const char *status;
	const struct json *changes;
};

static int state_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct change *c = payload;
	struct sql_stmt *st = sql_query(
		cloud->db, err, "SELECT doc FROM redshift_statement WHERE id = ?", "s", c->q->id);
	int row = st ? sql_step(st, err) : -1, r = -1;
	struct json *doc = row > 0 ? glue_doc(sql_text(st, 0)) : NULL;
	const struct json *e;
	char *text;

	sql_done(st);
	if (!doc)
		return row < 0 ? -1 : 0;
	json_each(e, c->changes) json_set(doc, json_name(e), json_copy(e));
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err,
		"UPDATE redshift_statement SET doc = ?, status = ?, updated_ms = ? WHERE id = ?",
		"ssis", text, c->status, local_now_ms(cloud), c->q->id);
	free(text);
	json_free(doc);
	return r;
}

int redshift_store_state(
	struct redshift_statement *q, const char *status, struct json *changes, struct err *err)
{
	struct change c = {q, status, changes};

	return redshift_tx(q->cloud, state_tx, &c, err);
}

/* --- describe and cancel --- */

static int describe(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct find f = {.req = req, .id = json_get_str(req->in, "Id")};
	int r = find(cloud, &f, err);

	if (!r) {
		json_remove(f.doc, "_Sqls");
		*out = f.doc;
		f.doc = NULL;
	}
	find_release(&f);
	return r;
}

static int cancel(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct find f = {.req = req, .id = json_get_str(req->in, "Id")};
	const char *status;
	int r = check_id(f.id, err) || redshift_tx(cloud, find_tx, &f, err);

	if (!r) {
		status = json_get_str(f.doc, "Status");
		if (is_final(status) || !redshift_cancel(cloud, f.id, NULL))
			r = redshift_invalid(err,
				"Could not cancel a query that is already in %s state with ID: %s",
				is_final(status) ? status : "FINISHED", f.id);
	}
	find_release(&f);
	if (r)
		return -1;
	*out = json_object();
	json_set_bool(*out, "Status", true);
	return 0;
}

/* --- results --- */

/* Lines of the file from *offset on, as many as a page holds; *offset 0 at the end. */
static int read_page(const char *path, bool csv, int64_t *offset, struct json *records,
	struct strbuf *text, struct err *err)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0, bytes = 0, rows = 0;
	ssize_t len = 0;
	bool odd = false; /* inside of a quoted field of a CSV, which may hold line ends */
	int r = 0;

	if (!f || fseeko(f, (off_t)*offset, SEEK_SET)) {
		if (f)
			fclose(f);
		return redshift_missing(err, "Query does not have result. Please check query "
					     "status with DescribeStatement.");
	}
	while (!r && (odd || (rows < PAGE_ROWS && bytes < PAGE_BYTES)) &&
		(len = getline(&line, &size, f)) > 0) {
		rows++;
		bytes += (size_t)len;
		if (csv) {
			strbuf_add(text, line, (size_t)len);
			for (ssize_t i = 0; i < len; i++)
				odd ^= line[i] == '"';
			continue;
		}
		struct json *row = json_parse(line, (size_t)len, err);
		if (row)
			json_push(records, row);
		else
			r = -1;
	}
	*offset = len > 0 ? (int64_t)ftello(f) : 0;
	if (*offset && getc(f) == EOF)
		*offset = 0;
	free(line);
	fclose(f);
	return r;
}

static int result_page(struct local_cloud *cloud, const struct find *f, bool v2, const char *after,
	struct json **out, struct err *err)
{
	const char *format = json_get_str(f->doc, "ResultFormat");
	bool csv = !strcmp(format, "CSV");
	int64_t offset = after ? strtoll(after, NULL, 10) : 0, rows;
	struct json *records = json_array(), *one;
	struct strbuf text = STRBUF_INIT;
	char *path = redshift_result_path(cloud, f->id);
	const char *colon = strchr(f->id, ':');
	int r = read_page(path, csv, &offset, records, &text, err);

	if (r)
		goto out;
	rows = json_get_i64(colon ? json_at(json_get(f->doc, "SubStatements"),
					    (size_t)strtoul(colon + 1, NULL, 10) - 1)
				  : f->doc,
		"ResultRows", 0);
	if (csv) {
		one = json_object();
		json_set_str(one, "CSVRecords", text.buf);
		json_push(records, one);
	}
	*out = json_object();
	json_set(*out, "ColumnMetadata", json_copy(f->columns));
	json_set(*out, "Records", records);
	json_set_i64(*out, "TotalNumRows", rows);
	if (v2)
		json_set_str(*out, "ResultFormat", format);
	if (offset) {
		char *at = xasprintf("%lld", (long long)offset), *token = local_token_make(at);
		json_set_str(*out, "NextToken", token);
		free(token);
		free(at);
	}
	records = NULL;
out:
	json_free(records);
	strbuf_release(&text);
	free(path);
	return r;
}

static int get_result(struct local_cloud *cloud, const struct local_request *req, bool v2,
	struct json **out, struct err *err)
{
	struct find f = {.req = req, .id = json_get_str(req->in, "Id")};
	const char *token = json_get_str(req->in, "NextToken"), *format;
	char *after = NULL;
	int r = find(cloud, &f, err);

	if (!r)
		r = local_token_read(
			token && *token ? token : NULL, "ValidationException", &after, err);
	format = json_get_str(f.doc, "ResultFormat");
	if (!r && (!f.columns || strcmp(json_get_str(f.doc, "Status"), "FINISHED") != 0))
		r = redshift_missing(err, "Query does not have result. Please check query status "
					  "with DescribeStatement.");
	if (!r && v2 != !strcmp(format, "CSV"))
		r = redshift_invalid(err,
			"The result of the query is in %s format: use GetStatementResult%s.",
			format, v2 ? "" : "V2");
	if (!r)
		r = result_page(cloud, &f, v2, after, out, err);
	free(after);
	find_release(&f);
	return r;
}

static int result(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	return get_result(cloud, req, false, out, err);
}

static int result_v2(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	return get_result(cloud, req, true, out, err);
}

/* --- list --- */

struct list {
	const struct local_request *req;
	int64_t limit;
	char *after, *prefix;
	struct json *out;
};

static struct json *summary(struct sql_stmt *st)
{
	static const char *const members[] = {
		"Id", "QueryParameters", "QueryString", "ResultFormat", "SecretArn"};
	struct json *doc = glue_doc(sql_text(st, 0)), *one = json_object(), *sqls;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		json_set(one, members[i], json_copy(json_get(doc, members[i])));
	sqls = json_get(doc, "_Sqls");
	json_set_bool(one, "IsBatchStatement", sqls != NULL);
	json_set(one, "QueryStrings", json_copy(sqls));
	json_set_str(one, "Status", sql_text(st, 1));
	glue_set_time(one, "CreatedAt", sql_int(st, 2));
	glue_set_time(one, "UpdatedAt", sql_int(st, 3));
	json_set_str(one, "StatementName", sql_text(st, 4));
	json_free(doc);
	return one;
}

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct list *l = payload;
	const char *status = json_get_str(l->req->in, "Status"),
		   *workgroup = json_get_str(l->req->in, "WorkgroupName"),
		   *database = json_get_str(l->req->in, "Database");
	struct json *all = json_array();
	int64_t last = 0;
	int row = -1;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT doc, status, created_ms, updated_ms, name, seq FROM redshift_statement "
		"WHERE (?1 = '' OR owner = ?1) AND seq < ?2 AND (?3 IS NULL OR status = ?3) AND "
		"(?4 IS NULL OR substr(name, 1, length(?4)) = ?4) AND (?5 IS NULL OR workgroup = "
		"?5) AND (?6 IS NULL OR json_extract(doc, '$.Database') = ?6) AND updated_ms >= ?7 "
		"ORDER BY seq DESC LIMIT ?8",
		"sissssii", owner_of(l->req->who),
		l->after ? strtoll(l->after, NULL, 10) : INT64_MAX,
		status && strcmp(status, "ALL") != 0 ? status : NULL,
		json_get_str(l->req->in, "StatementName"), workgroup, database,
		local_now_ms(cloud) - INT64_C(86400000), l->limit + 1);

	l->out = json_object();
	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(all) < l->limit) {
		json_push(all, summary(st));
		last = sql_int(st, 5);
	}
	sql_done(st);
	json_set(l->out, "Statements", all);
	if (row > 0) {
		char *key = xasprintf("%lld", (long long)last), *token = local_token_make(key);
		json_set_str(l->out, "NextToken", token);
		free(token);
		free(key);
	}
	return row < 0 ? -1 : 0;
}

static int list_statements(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const char *const known[] = {
		"SUBMITTED", "PICKED", "STARTED", "FINISHED", "ABORTED", "FAILED", "ALL"};
	const char *status = json_get_str(req->in, "Status");
	struct list l = {.req = req};
	bool ok = !status;
	int r;

	for (size_t i = 0; status && i < ARRAY_SIZE(known); i++)
		ok |= !strcmp(known[i], status);
	if (!ok)
		return redshift_invalid(err,
			"1 validation error detected: Value '%.40s' at 'status' failed to satisfy "
			"constraint: Member must satisfy enum value set: [SUBMITTED, PICKED, "
			"STARTED, FINISHED, ABORTED, FAILED, ALL]",
			status);
	r = redshift_page(req->in, "MaxResults", "NextToken", 100, &l.limit, &l.after, err) ||
	    redshift_tx(cloud, list_tx, &l, err);
	free(l.after);
	if (r)
		json_free(l.out);
	else
		*out = l.out;
	return r ? -1 : 0;
}

static const struct local_route routes[] = {
	{"BatchExecuteStatement", batch_execute, redshift_workgroup_arn},
	{"CancelStatement", cancel, NULL},
	{"DescribeStatement", describe, NULL},
	{"ExecuteStatement", execute, redshift_workgroup_arn},
	{"GetStatementResult", result, NULL},
	{"GetStatementResultV2", result_v2, NULL},
	{"ListStatements", list_statements, NULL},
};

const struct local_service local_redshift_data_service = {
	"redshift-data", routes, ARRAY_SIZE(routes)};
