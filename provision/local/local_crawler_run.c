/*
 * Crawls: a task for each. READY -> RUNNING (StartCrawler, trigger or schedule) -> [STOPPING ->] READY; the crawl's row
 * goes RUNNING -> SUCCEEDED | FAILED | CANCELLED. What a crash leaves RUNNING is FAILED at the next start.
 */
#include "local_crawler.h"
#include "local_iam.h"
#include "local_logs.h"
#include "log.h"

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
			     "CREATE INDEX IF NOT EXISTS crawl_of ON crawl (crawler, seq);"
			     "CREATE TABLE IF NOT EXISTS crawl_folder (crawler TEXT NOT NULL, "
			     "location TEXT NOT NULL, PRIMARY KEY (crawler, location)) WITHOUT "
			     "ROWID;";

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

	if (c->dry)
		return stopped;
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

	if (local_tx(cloud, start_tx, &s, err)) {
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
	for (size_t i = 0; i < c->custom.nr; i++)
		classifier_release(&c->custom.v[i]);
	free(c->custom.v);
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
	if (local_tx(c->cloud, finish_tx, &f, &bad))
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
	r = crawl_work(c, &err);
	crawl_end(c, r, &err);
	err_release(&err);
	crawl_free(c);
}

/* --- what a crawl would do --- */
static struct json *log_lines(const struct strbuf *log)
{
	struct json *lines = json_array();
	const char *at = log->buf, *nl;

	for (; log->len && (nl = strchr(at, '\n')); at = nl + 1)
		json_push(lines, json_string_n(at, (size_t)(nl - at)));
	return lines;
}

int local_crawl_diff(
	struct local_cloud *cloud, const char *name, struct json **out, struct err *err)
{
	struct crawl *c = xcalloc(1, sizeof(*c));
	struct json *changes = json_array();
	struct err why = ERR_INIT;
	int r;

	c->cloud = cloud;
	c->id = local_uuid();
	c->crawler = xstrdup(name);
	c->dry = true;
	c->changes = changes;
	strbuf_init(&c->log);
	r = crawl_work(c, &why);
	if (r > 0)
		err_set(&why, ERR_FAILED, "the local cloud is stopping");
	if (!r) {
		*out = json_object();
		json_set_str(*out, "Crawler", name);
		json_set_str(*out, "DatabaseName", json_get_str(c->doc, "DatabaseName"));
		json_set(*out, "Changes", changes);
		json_set(*out, "Log", log_lines(&c->log));
	} else {
		json_free(changes);
		if (why.aws_code)
			err_move(err, &why);
		else
			glue_invalid(err, "%s", why.text);
		err_release(&why);
	}
	crawl_free(c);
	return r ? -1 : 0;
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

	if (local_tx(cloud, reschedule_tx, name, &err) ||
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
	return local_tx(cloud, recover_tx, NULL, err);
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
	return local_any(
		cloud, "SELECT 1 FROM crawler WHERE state <> 'READY' OR next_ms > 0 LIMIT 1");
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
