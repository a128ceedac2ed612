/*
 * Crawls: a task for each. READY -> RUNNING (StartCrawler, trigger or schedule) -> [STOPPING ->] READY; the crawl's row
 * goes RUNNING -> SUCCEEDED | FAILED | CANCELLED. What a crash leaves RUNNING is FAILED at the next start.
 */
#include "local_crawler.h"
#include "local_catalog.h"
#include "local_iam.h"
#include "local_logs.h"
#include "local_objects.h"
#include "log.h"
#include "uri.h"

static const char schema[] = "CREATE TABLE IF NOT EXISTS crawler (name TEXT PRIMARY KEY, region "
			     "TEXT NOT NULL, doc TEXT NOT "
			     "NULL, state TEXT NOT NULL, schedule_state TEXT NOT NULL, next_ms "
			     "INTEGER NOT NULL DEFAULT 0, "
			     "version INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms "
			     "INTEGER NOT NULL, started_ms "
			     "INTEGER NOT NULL DEFAULT 0, last_crawl TEXT);"
			     "CREATE TABLE IF NOT EXISTS crawl (seq INTEGER PRIMARY KEY "
			     "AUTOINCREMENT, id TEXT NOT NULL UNIQUE, "
			     "crawler TEXT NOT NULL, state TEXT NOT NULL, started_ms INTEGER NOT "
			     "NULL, ended_ms INTEGER NOT "
			     "NULL DEFAULT 0, error TEXT, summary TEXT, created INTEGER NOT NULL "
			     "DEFAULT 0, updated INTEGER NOT "
			     "NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0, trigger_name "
			     "TEXT, workflow TEXT, workflow_run "
			     "TEXT);"
			     "CREATE INDEX IF NOT EXISTS crawl_of ON crawl (crawler, seq);";

struct scheduler {
	pthread_t thread;
	bool runs;
};

/* --- the crawl's voice --- */
void crawl_log(struct crawl *c, const char *level, const char *fmt, ...)
{
	va_list ap;

	strbuf_addf(&c->log, "[%s] %s : ", c->id, level);
	va_start(ap, fmt);
	strbuf_vaddf(&c->log, fmt, ap);
	va_end(ap);
	strbuf_addch(&c->log, '\n');
}

static void flush_log(struct crawl *c)
{
	struct err err = ERR_INIT;

	if (c->log.len && local_logs_append(c->cloud, CRAWLER_LOG_GROUP, c->crawler,
				  local_now_ms(c->cloud), c->log.buf, c->log.len, &err))
		log_warn("crawler '%s': log: %s", c->crawler, err.text);
	err_release(&err);
	strbuf_clear(&c->log);
}

bool crawl_stopped(struct crawl *c)
{
	struct err err = ERR_INIT;
	struct sql_stmt *st;
	bool stopped = local_stopping(c->cloud);

	if (stopped || local_tx_begin(c->cloud, &err)) {
		err_release(&err);
		return true;
	}
	st = sql_query(
		c->cloud->db, &err, "SELECT state FROM crawler WHERE name = ?", "s", c->crawler);
	stopped = !st || sql_step(st, &err) <= 0 || strcmp(sql_text(st, 0), "RUNNING");
	sql_done(st);
	local_tx_end(c->cloud);
	err_release(&err);
	return stopped;
}

/* --- start --- */
struct start {
	const char *name;
	const struct local_cause *cause;
	char *id;
};

static int start_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct start *s = payload;
	struct json *doc = crawler_get_tx(cloud, s->name, err);
	int64_t now = local_now_ms(cloud);
	int r = -1;

	if (!doc)
		return -1;
	if (strcmp(json_get_str(doc, "State"), "READY")) {
		json_free(doc);
		return local_fault(err, 400, "CrawlerRunningException",
			"Crawler with name %s has already started", s->name);
	}
	s->id = local_uuid();
	r = sql_run(cloud->db, NULL, err,
		    "INSERT INTO crawl (id, crawler, state, started_ms, trigger_name, workflow, "
		    "workflow_run) VALUES (?, ?, 'RUNNING', ?, ?, ?, ?)",
		    "ssisss", s->id, s->name, now, s->cause->trigger_name, s->cause->workflow_name,
		    s->cause->workflow_run_id) ||
	    sql_run(cloud->db, NULL, err,
		    "UPDATE crawler SET state = 'RUNNING', started_ms = ? WHERE name = ?", "is",
		    now, s->name);
	json_free(doc);
	return r ? -1 : 0;
}

static void crawl_task(struct local_cloud *cloud, void *payload);

int local_crawler_start(struct local_cloud *cloud, const char *name,
	const struct local_cause *cause, char **crawl_id, struct err *err)
{
	struct start s = {name, cause, NULL};
	struct crawl *c;

	if (glue_tx(cloud, start_tx, &s, err)) {
		free(s.id);
		return -1;
	}
	c = xcalloc(1, sizeof(*c));
	c->cloud = cloud;
	c->id = xstrdup(s.id);
	c->crawler = xstrdup(name);
	c->trigger = xstrdup(cause->trigger_name);
	c->workflow = xstrdup(cause->workflow_name);
	c->workflow_run = xstrdup(cause->workflow_run_id);
	strbuf_init(&c->log);
	*crawl_id = s.id;
	local_task_spawn(cloud, crawl_task, c);
	return 0;
}

/* --- the work --- */
static int not_allowed(struct crawl *c, const char *bucket, const char *key, struct err *err)
{
	return err_set(err, ERR_DENIED,
		"Insufficient permissions: Access Denied (Service: Amazon S3; Status Code: 403; "
		"Error Code: "
		"AccessDenied) for role %s at s3://%s/%s",
		json_get_str(c->doc, "Role"), bucket, key);
}

/* Reading is asked of IAM once a folder. */
static bool may_read(
	struct crawl *c, const char *bucket, const char *key, struct strbuf *folder, bool *last)
{
	const char *slash = strrchr(key, '/');
	size_t len = slash ? (size_t)(slash - key) + 1 : 0;
	char *arn;

	if (folder->len == len + 1 && !strncmp(folder->buf + 1, key, len))
		return *last;
	strbuf_clear(folder);
	strbuf_addch(folder, '=');
	strbuf_add(folder, key, len);
	arn = xasprintf("arn:aws:s3:::%s/%s", bucket, key);
	*last = local_iam_allows(c->cloud, &c->who, "s3:GetObject", arn);
	free(arn);
	return *last;
}

/* Markers of folders and jobs, and what Hive does not see. */
static bool ignored(const struct local_object *o)
{
	const char *slash = strrchr(o->key, '/');
	const char *name = slash ? slash + 1 : o->key;

	return !o->size || !*name || *name == '_' || *name == '.' || ends_with(name, "_$folder$");
}

static int take_object(struct crawl_tree *tree, const struct local_object *o,
	const struct json *exclusions, struct err *err)
{
	struct classified found = CLASSIFIED_INIT;
	struct err gone = ERR_INIT;

	if (crawl_excluded(exclusions, o->key + strlen(tree->prefix)))
		return 0;
	if (classify_file(o->path, o->size, &found, &gone)) {
		/* deleted since it was listed */
		bool missing = gone.code == ERR_NOT_FOUND;
		if (!missing)
			err_move(err, &gone);
		err_release(&gone);
		return missing ? 0 : -1;
	}
	crawl_tree_add(tree, o->key, o->size, &found);
	return 0;
}

/* 1: stopped. */
static int take_page(struct crawl *c, struct crawl_tree *tree, const struct local_object_list *page,
	const struct json *exclusions, struct strbuf *folder, bool *allowed, struct err *err)
{
	enum { ASK_EVERY = 100 };

	for (size_t i = 0; i < page->nr; i++) {
		const struct local_object *o = &page->v[i];
		if (i % ASK_EVERY == 0 && crawl_stopped(c))
			return 1;
		if (ignored(o))
			continue;
		if (!may_read(c, tree->bucket, o->key, folder, allowed))
			return not_allowed(c, tree->bucket, o->key, err);
		if (take_object(tree, o, exclusions, err))
			return -1;
	}
	return 0;
}

/* All objects below the prefix; 1: stopped. */
static int read_target(
	struct crawl *c, struct crawl_tree *tree, const struct json *exclusions, struct err *err)
{
	enum { PAGE = 1000 };
	struct strbuf folder = STRBUF_INIT;
	bool allowed = false;
	char *after = NULL;
	size_t nr = PAGE;
	int r = 0;

	while (!r && nr == PAGE) {
		struct local_object_list page = LOCAL_OBJECT_LIST_INIT;
		r = local_object_list(
			c->cloud, &c->who, tree->bucket, tree->prefix, after, PAGE, &page, err);
		if (r && err->code == ERR_DENIED)
			not_allowed(c, tree->bucket, tree->prefix, err);
		nr = page.nr;
		free(after);
		after = nr ? xstrdup(page.v[nr - 1].key) : NULL;
		if (!r)
			r = take_page(c, tree, &page, exclusions, &folder, &allowed, err);
		local_object_list_release(&page);
	}
	free(after);
	strbuf_release(&folder);
	return r;
}

/* The include path as a tree: a folder, or one object by its full name. 1: stopped. */
static int open_target(
	struct crawl *c, const struct json *target, struct crawl_tree **tree, struct err *err)
{
	const char *path = json_get_str(target, "Path");
	char *uri = starts_with(path, "s3://") ? xstrdup(path) : xasprintf("s3://%s", path);
	struct local_object one = {0};
	struct err none = ERR_INIT;
	char *bucket = NULL, *key = NULL, *folder = NULL;
	const char *slash;
	int r = -1;

	if (s3_uri_split(uri, &bucket, &key, err))
		goto out;
	if (!local_bucket_exists(c->cloud, bucket)) {
		err_set(err, ERR_NOT_FOUND, "S3 bucket %s does not exist", bucket);
		goto out;
	}
	if (*key && !ends_with(key, "/") &&
		!local_object_head(c->cloud, &c->who, bucket, key, &one, &none)) {
		struct strbuf seen = STRBUF_INIT;
		bool allowed;
		slash = strrchr(key, '/');
		folder = xstrndup(key, slash ? (size_t)(slash - key) + 1 : 0);
		*tree = crawl_tree_new(bucket, folder);
		r = may_read(c, bucket, key, &seen, &allowed) ? take_object(*tree, &one, NULL, err)
							      : not_allowed(c, bucket, key, err);
		strbuf_release(&seen);
		goto out;
	}
	folder = xasprintf("%s%s", key, !*key || ends_with(key, "/") ? "" : "/");
	*tree = crawl_tree_new(bucket, folder);
	r = read_target(c, *tree, json_get(target, "Exclusions"), err);
out:
	local_object_release(&one);
	err_release(&none);
	free(uri);
	free(bucket);
	free(key);
	free(folder);
	return r;
}

static void read_options(const struct crawl *c, struct crawl_options *o)
{
	const char *text = json_get_str(c->doc, "Configuration");
	struct err bad = ERR_INIT;
	struct json *doc = text && *text ? json_parse(text, strlen(text), &bad) : NULL;
	const char *policy = json_str(json_path(doc, "Grouping.TableGroupingPolicy"));

	o->combine = policy && !strcmp(policy, "CombineCompatibleSchemas");
	o->table_level = (int)json_i64(json_path(doc, "Grouping.TableLevelConfiguration"), 0);
	json_free(doc);
	err_release(&bad);
}

static int crawl_targets(struct crawl *c, struct err *err)
{
	const struct json *targets = json_path(c->doc, "Targets.S3Targets");
	struct crawl_tree **trees = xcalloc(json_len(targets) + 1, sizeof(*trees));
	struct crawl_tables *found = xcalloc(json_len(targets) + 1, sizeof(*found));
	struct crawl_options options;
	struct json *target;
	size_t nr = 0;
	int r = 0;

	read_options(c, &options);
	json_each(target, targets)
	{
		if ((r = open_target(c, target, &trees[nr++], err)))
			break;
		crawl_plan(trees[nr - 1], &options, &found[nr - 1]);
	}
	if (!r && crawl_stopped(c))
		r = 1;
	if (!r) {
		crawl_log(c, "BENCHMARK", "Classification complete, writing results to database %s",
			json_get_str(c->doc, "DatabaseName"));
		r = crawl_write(c, trees, found, nr, err);
	}
	for (size_t i = 0; i < nr; i++) {
		crawl_tables_release(&found[i]);
		crawl_tree_free(trees[i]);
	}
	free(trees);
	free(found);
	return r;
}

/* What a definition may have, but the local cloud does not crawl. */
static int check_crawlable(const struct crawl *c, struct err *err)
{
	struct json *t;

	json_each(t, json_get(c->doc, "Targets"))
	{
		if (strcmp(json_name(t), "S3Targets") && json_len(t))
			return err_set(err, ERR_INVALID, "%s are not crawled by the local cloud",
				json_name(t));
	}
	if (json_len(json_get(c->doc, "Classifiers")))
		return err_set(err, ERR_INVALID,
			"custom classifiers are not supported by the local cloud");
	return 0;
}

static int prepare(struct crawl *c, struct err *err)
{
	const char *database, *role, *slash;
	struct json *db;
	char *name = NULL;

	if (local_tx_begin(c->cloud, err))
		return -1;
	c->doc = crawler_get_tx(c->cloud, c->crawler, err);
	local_tx_end(c->cloud);
	if (!c->doc || check_crawlable(c, err))
		return -1;
	database = json_get_str(c->doc, "DatabaseName");
	role = json_get_str(c->doc, "Role");
	slash = strrchr(role, '/');
	if (local_iam_role_for_service(
		    c->cloud, slash ? slash + 1 : role, "glue.amazonaws.com", &name, err))
		return err_wrap(err, "Service Principal: glue.amazonaws.com is not authorized to "
				     "assume the role");
	if (local_iam_role_principal(c->cloud, name, "AWS-Crawler", &c->who, err)) {
		free(name);
		return -1;
	}
	free(name);
	if (!database || !*database)
		return err_set(err, ERR_INVALID, "Database name is missing in the crawler");
	if (local_catalog_database(c->cloud, database, &db, err))
		return -1;
	json_free(db);
	return 0;
}

/* --- the end --- */
struct finish {
	struct crawl *c;
	const char *state, *error;
};

static int finish_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct finish *f = payload;
	struct crawl *c = f->c;
	struct json *last = json_object();
	int64_t started = 0;
	struct sql_stmt *st =
		sql_query(cloud->db, err, "SELECT started_ms FROM crawl WHERE id = ?", "s", c->id);
	char *summary, *text;
	int r;

	if (st && sql_step(st, err) > 0)
		started = sql_int(st, 0);
	sql_done(st);
	json_set_str(last, "Status", f->state);
	json_set_str(last, "ErrorMessage", f->error);
	json_set_str(last, "LogGroup", CRAWLER_LOG_GROUP);
	json_set_str(last, "LogStream", c->crawler);
	json_set_str(last, "MessagePrefix", c->id);
	glue_set_time(last, "StartTime", started);
	text = glue_text(last);
	summary = xasprintf(
		"{\"TABLE\":\"{\\\"Details\\\":{\\\"CREATE\\\":{\\\"Count\\\":%lld},"
		"\\\"UPDATE\\\":{\\\"Count\\\":%lld},\\\"DELETE\\\":{\\\"Count\\\":%lld}}}\"}",
		(long long)c->created, (long long)c->updated, (long long)c->deleted);
	r = sql_run(cloud->db, NULL, err,
		    "UPDATE crawl SET state = ?, ended_ms = ?, error = ?, summary = ?, created = "
		    "?, updated = "
		    "?, deleted = ? WHERE id = ?",
		    "sissiiis", f->state, local_now_ms(cloud), f->error, summary, c->created,
		    c->updated, c->deleted, c->id) ||
	    sql_run(cloud->db, NULL, err,
		    "UPDATE crawler SET state = 'READY', last_crawl = ? WHERE name = ?", "ss", text,
		    c->crawler);
	free(summary);
	free(text);
	json_free(last);
	return r ? -1 : 0;
}

static void crawl_free(struct crawl *c)
{
	free(c->id);
	free(c->crawler);
	free(c->trigger);
	free(c->workflow);
	free(c->workflow_run);
	json_free(c->doc);
	local_principal_release(&c->who);
	strbuf_release(&c->log);
	free(c);
}

static void crawl_end(struct crawl *c, int result, struct err *err)
{
	struct finish f = {c,
		result < 0 ? "FAILED"
		: result   ? "CANCELLED"
			   : "SUCCEEDED",
		result < 0 ? err->text : NULL};
	struct local_cause cause = {c->trigger, c->workflow, c->workflow_run};
	struct err bad = ERR_INIT;

	if (result < 0)
		crawl_log(c, "ERROR", "%s", err->text);
	else if (!result)
		crawl_log(c, "BENCHMARK", "Finished writing to Catalog");
	crawl_log(c, "BENCHMARK", "Crawler has finished running and is in state READY");
	flush_log(c);
	if (local_stopping(c->cloud))
		return; /* recovery says how it ended */
	if (glue_tx(c->cloud, finish_tx, &f, &bad))
		log_warn("crawler '%s': %s", c->crawler, bad.text);
	err_release(&bad);
	local_workflow_crawl_ended(c->cloud, c->crawler, c->id, f.state, &cause);
}

static void crawl_task(struct local_cloud *cloud unused_arg, void *payload)
{
	struct crawl *c = payload;
	struct err err = ERR_INIT;
	int r;

	crawl_log(c, "BENCHMARK", "Running Start Crawl for Crawler %s", c->crawler);
	flush_log(c);
	r = prepare(c, &err);
	if (!r)
		r = crawl_targets(c, &err);
	crawl_end(c, r, &err);
	err_release(&err);
	crawl_free(c);
}

/* --- one crawl, for workflow graphs --- */
int local_crawl_describe(
	struct local_cloud *cloud, const char *crawl_id, struct json **out, struct err *err)
{
	struct sql_stmt *st;
	int row;

	if (local_tx_begin(cloud, err))
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT state, started_ms, ended_ms, error, crawler FROM crawl WHERE id = ?", "s",
		crawl_id);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		*out = json_object();
		json_set_str(*out, "State", sql_text(st, 0));
		glue_set_time(*out, "StartedOn", sql_int(st, 1));
		glue_set_time(*out, "CompletedOn", sql_int(st, 2));
		json_set_str(*out, "ErrorMessage", sql_text(st, 3));
		json_set_str(*out, "LogGroup", CRAWLER_LOG_GROUP);
		json_set_str(*out, "LogStream", sql_text(st, 4));
	}
	sql_done(st);
	local_tx_end(cloud);
	if (row == 0)
		return err_set(err, ERR_NOT_FOUND, "no crawl '%s'", crawl_id);
	return row > 0 ? 0 : -1;
}

/* --- schedules --- */
static int64_t next_due(struct local_cloud *cloud, struct strvec *due)
{
	int64_t now = local_now_ms(cloud), next = now + 3600 * 1000;
	struct err err = ERR_INIT;
	struct sql_stmt *st;

	if (local_tx_begin(cloud, &err)) {
		err_release(&err);
		return now + 1000;
	}
	st = sql_query(cloud->db, &err, "SELECT name, next_ms FROM crawler WHERE next_ms > 0", "");
	while (st && sql_step(st, &err) > 0) {
		if (sql_int(st, 1) <= now)
			strvec_push(due, sql_text(st, 0));
		else if (sql_int(st, 1) < next)
			next = sql_int(st, 1);
	}
	sql_done(st);
	local_tx_end(cloud);
	err_release(&err);
	return next;
}

static int reschedule_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	return crawler_schedule_tx(cloud, payload, err);
}

static void fire(struct local_cloud *cloud, char *name)
{
	struct local_cause cause = {0};
	struct err err = ERR_INIT;
	char *id = NULL;

	if (glue_tx(cloud, reschedule_tx, name, &err) ||
		local_crawler_start(cloud, name, &cause, &id, &err))
		log_warn("schedule of crawler '%s': %s", name, err.text);
	err_release(&err);
	free(id);
}

static void *scheduler(void *payload)
{
	struct local_cloud *cloud = payload;
	struct strvec due = STRVEC_INIT;
	int64_t next;

	do {
		strvec_clear(&due);
		next = next_due(cloud, &due);
		for (size_t i = 0; i < due.nr && !local_stopping(cloud); i++)
			fire(cloud, due.v[i]);
		if (due.nr)
			next = 0;
	} while (!local_stopping(cloud) &&
		 local_wait_until(cloud, next ? next : local_now_ms(cloud)));
	strvec_release(&due);
	return NULL;
}

/* --- the part --- */
static int recover_tx(struct local_cloud *cloud, void *payload unused_arg, struct err *err)
{
	static const char why[] =
		"Internal Service Exception: the local cloud ended during this crawl";
	struct json *last = json_object();
	char *text;
	int r;

	json_set_str(last, "Status", "FAILED");
	json_set_str(last, "ErrorMessage", why);
	json_set_str(last, "LogGroup", CRAWLER_LOG_GROUP);
	text = glue_text(last);
	r = sql_run(cloud->db, NULL, err,
		    "UPDATE crawl SET state = 'FAILED', ended_ms = ?, error = ? WHERE state = "
		    "'RUNNING'",
		    "is", local_now_ms(cloud), why) ||
	    sql_run(cloud->db, NULL, err,
		    "UPDATE crawler SET state = 'READY', last_crawl = json_set(?, '$.LogStream', "
		    "name, "
		    "'$.StartTime', started_ms / 1000) WHERE state <> 'READY'",
		    "s", text);
	free(text);
	json_free(last);
	return r ? -1 : 0;
}

static int recover(struct local_cloud *cloud, struct err *err)
{
	return glue_tx(cloud, recover_tx, NULL, err);
}

static void *state_new(void)
{
	return xcalloc(1, sizeof(struct scheduler));
}

static int start(struct local_cloud *cloud, struct err *err)
{
	struct scheduler *s = local_part_state(cloud, &local_crawler_part);

	if (pthread_create(&s->thread, NULL, scheduler, cloud))
		return err_set(err, ERR_FAILED, "cannot start the crawlers' scheduler");
	s->runs = true;
	return 0;
}

static void stop(struct local_cloud *cloud)
{
	struct scheduler *s = local_part_state(cloud, &local_crawler_part);

	if (s->runs)
		pthread_join(s->thread, NULL);
	s->runs = false;
}

static bool busy(struct local_cloud *cloud)
{
	struct err err = ERR_INIT;
	struct sql_stmt *st;
	bool any;

	if (local_tx_begin(cloud, &err)) {
		err_release(&err);
		return true;
	}
	st = sql_query(cloud->db, &err,
		"SELECT 1 FROM crawler WHERE state <> 'READY' OR next_ms > 0 LIMIT 1", "");
	any = st && sql_step(st, &err) > 0;
	sql_done(st);
	local_tx_end(cloud);
	err_release(&err);
	return any;
}

const struct local_part local_crawler_part = {
	.name = "crawler",
	.schema = schema,
	.recover = recover,
	.start = start,
	.stop = stop,
	.busy = busy,
	.state_new = state_new,
	.state_free = free,
};
