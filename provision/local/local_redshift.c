/* The part: tables, what both APIs share, start and end. */
#include "local_redshift.h"

#include "digest.h"
#include "fs.h"
#include "local_glue.h"
#include "local_services.h"
#include "log.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS redshift_namespace (name TEXT PRIMARY KEY, id TEXT NOT NULL, "
	"arn TEXT NOT NULL UNIQUE, region TEXT NOT NULL, doc TEXT NOT NULL, password TEXT, "
	"status TEXT NOT NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS redshift_workgroup (name TEXT PRIMARY KEY, id TEXT NOT NULL, "
	"arn TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, doc TEXT NOT NULL, status TEXT NOT "
	"NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS redshift_statement (seq INTEGER PRIMARY KEY AUTOINCREMENT, id "
	"TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, name TEXT, workgroup TEXT NOT NULL, status "
	"TEXT NOT NULL, doc TEXT NOT NULL, token TEXT, request TEXT, created_ms INTEGER NOT NULL, "
	"updated_ms INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX IF NOT EXISTS redshift_statement_token ON redshift_statement (owner, "
	"token) WHERE token IS NOT NULL;"
	"CREATE TABLE IF NOT EXISTS redshift_snapshot (name TEXT PRIMARY KEY, doc TEXT NOT NULL) "
	"WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS redshift_result (id TEXT PRIMARY KEY, columns TEXT NOT NULL) "
	"WITHOUT ROWID;";

#define KEPT_MS INT64_C(86400000)

struct redshift_state *redshift_state(struct local_cloud *cloud)
{
	return local_part_state(cloud, &local_redshift_part);
}

/* --- the frame --- */

/* What a change's end makes of it: at rest, or gone. */
static int settle_tx(struct local_cloud *cloud, struct err *err)
{
	static const char *const steps[] = {
		"DELETE FROM tag WHERE arn IN (SELECT arn FROM redshift_workgroup WHERE status = "
		"'DELETING' AND until_ms <= ?)",
		"DELETE FROM redshift_workgroup WHERE status = 'DELETING' AND until_ms <= ?",
		"DELETE FROM tag WHERE arn IN (SELECT arn FROM redshift_namespace WHERE status = "
		"'DELETING' AND until_ms <= ?)",
		"DELETE FROM redshift_namespace WHERE status = 'DELETING' AND until_ms <= ?",
		"UPDATE redshift_workgroup SET status = 'AVAILABLE' WHERE status <> 'AVAILABLE' "
		"AND until_ms <= ?",
		"UPDATE redshift_namespace SET status = 'AVAILABLE' WHERE status <> 'AVAILABLE' "
		"AND until_ms <= ?",
	};
	int64_t now = local_now_ms(cloud);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (sql_run(cloud->db, NULL, err, steps[i], "i", now))
			return -1;
	return 0;
}

int redshift_tx(struct local_cloud *cloud, redshift_tx_fn *fn, void *payload, struct err *err)
{
	int r;

	if (local_tx_begin(cloud, err))
		return -1;
	r = settle_tx(cloud, err);
	if (!r)
		r = fn(cloud, payload, err);
	return local_tx_finish(cloud, r, err);
}

void redshift_principal_copy(struct local_principal *to, const struct local_principal *from)
{
	to->account = xstrdup(from->account);
	to->arn = xstrdup(from->arn);
	to->role_name = from->role_name ? xstrdup(from->role_name) : NULL;
	to->access_key_id = from->access_key_id ? xstrdup(from->access_key_id) : NULL;
	to->user_id = from->user_id ? xstrdup(from->user_id) : NULL;
}

/* --- rows --- */

/* The document, with the status that has a column of its own. */
static struct json *read_doc(struct sql_stmt *st, int doc_column, int status_column)
{
	struct json *doc = glue_doc(sql_text(st, doc_column));

	json_set_str(doc, "status", sql_text(st, status_column));
	return doc;
}

char *redshift_doc_text(const struct json *doc)
{
	struct json *kept = json_copy(doc);
	char *text;

	json_remove(kept, "status");
	text = glue_text(kept);
	json_free(kept);
	return text;
}

/* The row of that name, by a query for it; NULL with ResourceNotFoundException. */
static struct sql_stmt *find_row(struct local_cloud *cloud, const char *sql, const char *kind,
	const char *name, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err, sql, "s", name ? name : "");
	int row = st ? sql_step(st, err) : -1;

	if (row > 0)
		return st;
	if (!row)
		redshift_missing(err, "Serverless %s %s not found.", kind, name ? name : "");
	sql_done(st);
	return NULL;
}

void redshift_namespace_release(struct redshift_namespace *n)
{
	free(n->name);
	free(n->id);
	free(n->arn);
	free(n->region);
	free(n->password);
	json_free(n->doc);
	*n = (struct redshift_namespace){0};
}

int redshift_namespace_tx(struct local_cloud *cloud, const char *name,
	struct redshift_namespace *out, struct err *err)
{
	struct sql_stmt *st = find_row(cloud,
		"SELECT name, id, arn, region, doc, status, password FROM redshift_namespace WHERE "
		"name = ?",
		"namespace", name, err);

	if (!st)
		return -1;
	out->name = xstrdup(sql_text(st, 0));
	out->id = xstrdup(sql_text(st, 1));
	out->arn = xstrdup(sql_text(st, 2));
	out->region = xstrdup(sql_text(st, 3));
	out->doc = read_doc(st, 4, 5);
	out->password = sql_text_dup(st, 6);
	sql_done(st);
	return 0;
}

void redshift_workgroup_release(struct redshift_workgroup *w)
{
	free(w->name);
	free(w->id);
	free(w->arn);
	free(w->space);
	json_free(w->doc);
	*w = (struct redshift_workgroup){0};
}

int redshift_workgroup_tx(struct local_cloud *cloud, const char *name,
	struct redshift_workgroup *out, struct err *err)
{
	struct sql_stmt *st = find_row(cloud,
		"SELECT name, id, arn, namespace, doc, status FROM redshift_workgroup WHERE name = "
		"?",
		"workgroup", name, err);

	if (!st)
		return -1;
	out->name = xstrdup(sql_text(st, 0));
	out->id = xstrdup(sql_text(st, 1));
	out->arn = xstrdup(sql_text(st, 2));
	out->space = xstrdup(sql_text(st, 3));
	out->doc = read_doc(st, 4, 5);
	sql_done(st);
	return 0;
}

void redshift_set_date(struct json *doc, const char *name, int64_t ms)
{
	struct strbuf text = STRBUF_INIT;

	clock_add_iso(&text, ms, true);
	json_set_str(doc, name, text.buf);
	strbuf_release(&text);
}

int redshift_at_rest(const struct json *doc, const char *kind, struct err *err)
{
	if (!strcmp(json_get_str(doc, "status"), "AVAILABLE"))
		return 0;
	return redshift_conflict(err,
		"There is an operation running on the %s. Try your request again later.", kind);
}

/* --- input --- */

int redshift_check_name(const struct json *in, const char *member, struct err *err)
{
	const char *name = json_get_str(in, member);
	size_t len = name ? strlen(name) : 0;

	if (!name)
		return redshift_invalid(err,
			"1 validation error detected: Value null at '%s' failed to satisfy "
			"constraint: Member must not be null",
			member);
	if (len < 3 || len > 64)
		return redshift_invalid(err,
			"1 validation error detected: Value '%.100s' at '%s' failed to satisfy "
			"constraint: Member must have length %s than or equal to %d",
			name, member, len < 3 ? "greater" : "less", len < 3 ? 3 : 64);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return redshift_invalid(err,
			"1 validation error detected: Value '%.100s' at '%s' failed to satisfy "
			"constraint: Member must satisfy regular expression pattern: ^[a-z0-9-]+$",
			name, member);
	return 0;
}

int redshift_page(const struct json *in, const char *limit_member, const char *token_member,
	int64_t max, int64_t *limit, char **after, struct err *err)
{
	const char *token = json_get_str(in, token_member);

	*after = NULL;
	*limit = json_get_i64(in, limit_member, max);
	if (*limit < 0 || *limit > max)
		return redshift_invalid(err,
			"1 validation error detected: Value '%lld' at '%s' failed to satisfy "
			"constraint: Member must have value %s than or equal to %lld",
			(long long)*limit, limit_member, *limit < 0 ? "greater" : "less",
			(long long)(*limit < 0 ? 0 : max));
	if (!*limit)
		*limit = max;
	return local_token_read(token && *token ? token : NULL, "ValidationException", after, err);
}

struct list {
	const struct redshift_listing *what;
	const char *pick;
	int64_t limit;
	char *after;
	struct json *out;
};

static int list_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct list *l = payload;
	struct json *all = json_array(), *doc;
	struct sql_stmt *st = sql_query(cloud->db, err, l->what->sql, "ssi",
		l->after ? l->after : "", l->pick, l->limit + 1);
	char *last = NULL, *token;
	int row = -1;

	l->out = json_object();
	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(all) < l->limit) {
		doc = read_doc(st, 1, 2);
		json_push(all, l->what->show ? l->what->show(doc) : json_copy(doc));
		json_free(doc);
		free(last);
		last = xstrdup(sql_text(st, 0));
	}
	sql_done(st);
	json_set(l->out, l->what->member, all);
	if (row > 0) {
		token = local_token_make(last);
		json_set_str(l->out, "nextToken", token);
		free(token);
	}
	free(last);
	return row < 0 ? -1 : 0;
}

int redshift_list(struct local_cloud *cloud, const struct local_request *req,
	const struct redshift_listing *what, const char *pick, struct json **out, struct err *err)
{
	struct list l = {.what = what, .pick = pick};
	int r = redshift_page(req->in, "maxResults", "nextToken", 100, &l.limit, &l.after, err) ||
		redshift_tx(cloud, list_tx, &l, err);

	free(l.after);
	if (r)
		json_free(l.out);
	else
		*out = l.out;
	return r ? -1 : 0;
}

struct json *redshift_tags(const struct json *in, struct err *err)
{
	struct json *map = json_object(), *t;

	json_each(t, json_get(in, "tags"))
	{
		const char *key = json_get_str(t, "key"), *value = json_get_str(t, "value");
		const char *bad = !key || !*key || strlen(key) > 512 ? "key"
				  : !value || strlen(value) > 1024   ? "value"
				  : strncasecmp(key, "aws:", 4) == 0 ? "key"
								     : NULL;
		if (bad) {
			redshift_invalid(err, "Invalid tag: its %s is not valid", bad);
			json_free(map);
			return NULL;
		}
		json_set_str(map, key, value);
	}
	if (json_len(map) <= 50)
		return map;
	json_free(map);
	local_fault(err, 400, "TooManyTagsException", "A resource can have at most 50 tags.");
	return NULL;
}

char *redshift_digest(const char *id, const char *password)
{
	struct strbuf text = STRBUF_INIT, hex = STRBUF_INIT;

	strbuf_addf(&text, "%s:%s", id, password);
	digest_sha256_hex(text.buf, text.len, &hex);
	strbuf_release(&text);
	return strbuf_detach(&hex, NULL);
}

char *redshift_result_path(struct local_cloud *cloud, const char *id)
{
	char *folder = redshift_folder(cloud, "results"), *path = xasprintf("%s/%s", folder, id);

	for (char *p = path; (p = strchr(p, ':'));)
		*p = '.';
	free(folder);
	return path;
}

/* --- start and end --- */

/* Statements of yesterday go with their results; what was under way has failed. */
static int recover_tx(struct local_cloud *cloud, unused_arg void *payload, struct err *err)
{
	int64_t now = local_now_ms(cloud);

	if (sql_run(cloud->db, NULL, err, "DELETE FROM redshift_statement WHERE updated_ms < ?",
		    "i", now - KEPT_MS) ||
		sql_run(cloud->db, NULL, err,
			"DELETE FROM redshift_result WHERE substr(id, 1, 36) NOT IN (SELECT id "
			"FROM redshift_statement)",
			""))
		return -1;
	return sql_run(cloud->db, NULL, err,
		"UPDATE redshift_statement SET status = 'FAILED', updated_ms = ?, doc = "
		"json_set(doc, '$.Error', 'ERROR: the local cloud ended during this statement') "
		"WHERE status IN ('SUBMITTED', 'PICKED', 'STARTED')",
		"i", now);
}

struct keep {
	struct local_cloud *cloud;
	struct strvec gone;
};

/* A result whose statement is forgotten. */
static int look_at_result(
	const char *relative, const char *path, void *payload, unused_arg struct err *err)
{
	struct keep *k = payload;
	struct err ignored = ERR_INIT;
	char *id = xstrndup(relative, 36);

	if (sql_exists(k->cloud->db, &ignored, "SELECT 1 FROM redshift_statement WHERE id = ?", "s",
		    id) == 0)
		strvec_push(&k->gone, path);
	err_release(&ignored);
	free(id);
	return 0;
}

static void clean_results(struct local_cloud *cloud)
{
	struct keep k = {cloud, STRVEC_INIT};
	struct err err = ERR_INIT;
	char *folder = redshift_folder(cloud, "results");

	if (fs_is_dir(folder) && !local_tx_begin(cloud, &err)) {
		if (fs_walk(folder, look_at_result, &k, &err))
			err_release(&err);
		local_tx_end(cloud);
	}
	for (size_t i = 0; i < k.gone.nr; i++)
		remove(k.gone.v[i]);
	strvec_release(&k.gone);
	err_release(&err);
	free(folder);
}

static int recover(struct local_cloud *cloud, struct err *err)
{
	char *folder = redshift_folder(cloud, "results");
	int r = fs_mkdir_p(folder, 0700, err);

	free(folder);
	if (!r)
		r = redshift_tx(cloud, recover_tx, NULL, err);
	if (!r)
		clean_results(cloud);
	return r;
}

static void stop(struct local_cloud *cloud)
{
	struct redshift_state *s = redshift_state(cloud);

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	redshift_engines_stop(s);
}

static void *state_new(void)
{
	struct redshift_state *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

static void state_free(void *state)
{
	struct redshift_state *s = state;

	if (!s)
		return;
	redshift_engines_free(s);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const struct local_part local_redshift_part = {
	.name = "redshift",
	.schema = schema,
	.recover = recover,
	.stop = stop,
	.state_new = state_new,
	.state_free = state_free,
};
