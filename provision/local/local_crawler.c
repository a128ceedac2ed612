/* Crawlers ("Crawlers and classifiers", AWS Glue Web API Reference): definitions and what one can ask of them. */
#include "local_crawler.h"
#include "local_iam.h"
#include "local_objects.h"
#include "uri.h"

static const char *const update_behaviors[] = {"LOG", "UPDATE_IN_DATABASE", NULL};
static const char *const delete_behaviors[] = {
	"LOG", "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE", NULL};
static const char *const recrawl_behaviors[] = {
	"CRAWL_EVERYTHING", "CRAWL_NEW_FOLDERS_ONLY", "CRAWL_EVENT_MODE", NULL};
static const char *const lineage_settings[] = {"ENABLE", "DISABLE", NULL};

static const struct glue_field schema_fields[] = {
	{"UpdateBehavior", GLUE_STRING, false, 0, 0, update_behaviors, NULL},
	{"DeleteBehavior", GLUE_STRING, false, 0, 0, delete_behaviors, NULL},
	{0},
};
static const struct glue_field recrawl_fields[] = {
	{"RecrawlBehavior", GLUE_STRING, false, 0, 0, recrawl_behaviors, NULL},
	{0},
};
static const struct glue_field lineage_fields[] = {
	{"CrawlerLineageSettings", GLUE_STRING, false, 0, 0, lineage_settings, NULL},
	{0},
};
static const struct glue_field s3_fields[] = {
	{"Path", GLUE_STRING, true, 1, 2000, NULL, NULL},
	{"Exclusions", GLUE_LIST, false, 0, 100, NULL, NULL},
	{"ConnectionName", GLUE_STRING, false, 0, 0, NULL, NULL},
	{"SampleSize", GLUE_INT, false, 1, 249, NULL, NULL},
	{0},
};
static const struct glue_field target_fields[] = {
	{"S3Targets", GLUE_LIST, false, 0, 1000, NULL, s3_fields},
	{0},
};

#define CRAWLER_FIELDS(required)                                                          \
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},                                  \
		{"Role", GLUE_STRING, required, 1, 2048, NULL, NULL},                     \
		{"DatabaseName", GLUE_STRING, false, 0, 255, NULL, NULL},                 \
		{"Description", GLUE_STRING, false, 0, 2048, NULL, NULL},                 \
		{"Targets", GLUE_OBJECT, required, 0, 0, NULL, target_fields},            \
		{"Schedule", GLUE_STRING, false, 0, 0, NULL, NULL},                       \
		{"Classifiers", GLUE_LIST, false, 0, 0, NULL, NULL},                      \
		{"TablePrefix", GLUE_STRING, false, 0, 128, NULL, NULL},                  \
		{"SchemaChangePolicy", GLUE_OBJECT, false, 0, 0, NULL, schema_fields},    \
		{"RecrawlPolicy", GLUE_OBJECT, false, 0, 0, NULL, recrawl_fields},        \
		{"LineageConfiguration", GLUE_OBJECT, false, 0, 0, NULL, lineage_fields}, \
		{"LakeFormationConfiguration", GLUE_OBJECT, false, 0, 0, NULL, NULL},     \
		{"Configuration", GLUE_STRING, false, 0, 65536, NULL, NULL},              \
		{"CrawlerSecurityConfiguration", GLUE_STRING, false, 0, 128, NULL, NULL}, \
	{                                                                                 \
		0                                                                         \
	}

static const struct glue_field create_fields[] = {CRAWLER_FIELDS(true)};
static const struct glue_field update_fields[] = {CRAWLER_FIELDS(false)};
static const struct glue_field name_fields[] = {
	{"Name", GLUE_STRING, true, 1, 255, NULL, NULL},
	{0},
};

void crawler_arn(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "Name");

	glue_arn(cloud, req->region, "crawler", name ? name : json_get_str(req->in, "CrawlerName"),
		arn);
}

/* --- the document --- */
static void set_default(struct json *doc, const char *name, const char *member, const char *value)
{
	struct json *o = json_get(doc, name);

	if (!json_is(o, JSON_OBJECT)) {
		o = json_object();
		json_set(doc, name, o);
	}
	if (!json_get(o, member))
		json_set_str(o, member, value);
}

static void set_defaults(struct json *doc)
{
	static const char *const targets[] = {"S3Targets", "JdbcTargets", "MongoDBTargets",
		"DynamoDBTargets", "CatalogTargets", "DeltaTargets", "IcebergTargets",
		"HudiTargets"};
	struct json *t;

	if (!json_get(doc, "Classifiers"))
		json_set(doc, "Classifiers", json_array());
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (!json_get(json_get(doc, "Targets"), targets[i]))
			json_set(json_get(doc, "Targets"), targets[i], json_array());
	json_each(t, json_path(doc, "Targets.S3Targets")) if (!json_get(t, "Exclusions"))
		json_set(t, "Exclusions", json_array());
	set_default(doc, "SchemaChangePolicy", "UpdateBehavior", "UPDATE_IN_DATABASE");
	set_default(doc, "SchemaChangePolicy", "DeleteBehavior", "DEPRECATE_IN_DATABASE");
	set_default(doc, "RecrawlPolicy", "RecrawlBehavior", "CRAWL_EVERYTHING");
	set_default(doc, "LineageConfiguration", "CrawlerLineageSettings", "DISABLE");
	if (!json_get(doc, "LakeFormationConfiguration")) {
		struct json *lf = json_object();
		json_set_bool(lf, "UseLakeFormationCredentials", false);
		json_set_str(lf, "AccountId", "");
		json_set(doc, "LakeFormationConfiguration", lf);
	}
}

static struct json *crawler_doc(struct local_cloud *cloud, struct sql_stmt *st)
{
	struct json *doc = glue_doc(sql_text(st, 0)), *last;
	const char *schedule = json_get_str(doc, "Schedule");
	int64_t started = sql_int(st, 6), now = local_now_ms(cloud);

	if (schedule && *schedule) {
		struct json *s = json_object();
		json_set_str(s, "ScheduleExpression", schedule);
		json_set_str(s, "State", sql_text(st, 2));
		json_set(doc, "Schedule", s);
	} else {
		json_remove(doc, "Schedule");
	}
	json_set_str(doc, "State", sql_text(st, 1));
	json_set_i64(doc, "Version", sql_int(st, 3));
	glue_set_time(doc, "CreationTime", sql_int(st, 4));
	glue_set_time(doc, "LastUpdated", sql_int(st, 5));
	json_set_i64(doc, "CrawlElapsedTime",
		strcmp(sql_text(st, 1), "READY") && started ? now - started : 0);
	if (sql_text(st, 7)) {
		last = glue_doc(sql_text(st, 7));
		json_set(doc, "LastCrawl", last);
	}
	return doc;
}

#define CRAWLER_COLUMNS                                                                         \
	"doc, state, schedule_state, version, created_ms, updated_ms, started_ms, last_crawl, " \
	"name, "                                                                                \
	"region"

struct json *crawler_get_tx(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT " CRAWLER_COLUMNS " FROM crawler WHERE name = ?", "s", name);
	int row = st ? sql_step(st, err) : -1;
	struct json *doc = row > 0 ? crawler_doc(cloud, st) : NULL;

	sql_done(st);
	if (row == 0) {
		glue_not_found(err, "Crawler with name %s does not exist", name);
		err->code = ERR_NOT_FOUND;
	}
	return doc;
}

/* --- checks --- */
static int check_target(struct local_cloud *cloud, const struct json *target, struct err *err)
{
	const char *path = json_get_str(target, "Path");
	char *uri = starts_with(path, "s3://") ? xstrdup(path) : xasprintf("s3://%s", path);
	char *bucket = NULL, *key = NULL;
	struct err bad = ERR_INIT;
	int r = 0;

	if (s3_uri_split(uri, &bucket, &key, &bad))
		r = glue_invalid(err, "The following S3 path is not valid: %s", path);
	else if (!local_bucket_exists(cloud, bucket))
		r = glue_invalid(err, "S3 bucket %s does not exist", bucket);
	err_release(&bad);
	free(uri);
	free(bucket);
	free(key);
	return r;
}

/* All kinds of targets are kept; what is no folder of S3 fails when it is crawled. */
static int check_targets(struct local_cloud *cloud, const struct json *targets, struct err *err)
{
	struct json *t;
	size_t nr = 0;

	json_each(t, targets) nr += json_len(t);
	if (!nr)
		return glue_invalid(err, "At least one target must be specified");
	json_each(t, json_get(targets, "S3Targets")) if (check_target(cloud, t, err)) return -1;
	return 0;
}

static int check_role(struct local_cloud *cloud, const struct local_request *req, const char *role,
	struct err *err)
{
	struct err why = ERR_INIT;
	char *name = NULL;
	int r;

	if (glue_pass_role(cloud, req, role, err))
		return -1;
	r = local_iam_role_for_service(cloud, role, "glue.amazonaws.com", &name, &why);
	if (r && (why.code == ERR_NOT_FOUND || why.code == ERR_DENIED)) {
		glue_invalid(err,
			"Service is unable to assume provided role. Please verify role's "
			"TrustPolicy "
			"(Service: AWSGlue; Status Code: 400; Error Code: InvalidInputException; "
			"Request "
			"ID: %s)",
			req->request_id ? req->request_id : "");
		err_release(&why);
	} else if (r) {
		err_move(err, &why);
	}
	free(name);
	return r;
}

/* What the document may say, as far as crawls go by it. */
static int check_settings(const struct json *doc, struct err *err)
{
	static const struct {
		const char *path, *value;
	} words[] = {{"Grouping.TableGroupingPolicy", "CombineCompatibleSchemas"},
		{"CrawlerOutput.Partitions.AddOrUpdateBehavior", "InheritFromTable"},
		{"CrawlerOutput.Tables.AddOrUpdateBehavior", "MergeNewColumns"}};
	static const char *const numbers[] = {
		"Grouping.TableLevelConfiguration", "CrawlerOutput.Tables.TableThreshold"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct json *v = json_path(doc, words[i].path);

		if (v && (!json_str(v) || strcmp(json_str(v), words[i].value) != 0))
			return glue_invalid(err, "Crawler configuration: %s can only be %s",
				words[i].path, words[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct json *v = json_path(doc, numbers[i]);

		if (v && json_i64(v, 0) < 1)
			return glue_invalid(
				err, "Crawler configuration: %s is a number from 1", numbers[i]);
	}
	return 0;
}

static int check_configuration(const char *text, struct err *err)
{
	struct err bad = ERR_INIT;
	struct json *doc;
	int64_t version;
	int r;

	if (!text || !*text)
		return 0;
	doc = json_parse(text, strlen(text), &bad);
	if (!json_is(doc, JSON_OBJECT)) {
		glue_invalid(err, "Crawler configuration is not valid JSON: %s",
			bad.text ? bad.text : "not an object");
		err_release(&bad);
		json_free(doc);
		return -1;
	}
	/* 1, 1.0 and "1.0" are all seen in the wild */
	text = json_scalar_text(json_get(doc, "Version"));
	version = text ? (int64_t)strtod(text, NULL) : 0;
	r = version == 1 ? check_settings(doc, err)
			 : glue_invalid(err, "Crawler configuration needs \"Version\": 1.0");
	json_free(doc);
	return r;
}

static int check_schedule(struct local_cloud *cloud, const char *schedule, struct err *err)
{
	struct err bad = ERR_INIT;
	int64_t next;

	if (!schedule || !*schedule)
		return 0;
	if (!starts_with(schedule, "cron(") ||
		local_schedule_next(schedule, local_now_ms(cloud), &next, &bad)) {
		err_release(&bad);
		return glue_invalid(err, "Schedule expression '%s' is not valid", schedule);
	}
	return 0;
}

static int check_crawler(struct local_cloud *cloud, const struct local_request *req,
	const struct glue_field *fields, struct err *err)
{
	const struct json *in = req->in;
	const char *role = json_get_str(in, "Role");

	if (glue_check(fields, in, err) || glue_check_tags(json_get(in, "Tags"), err) ||
		check_configuration(json_get_str(in, "Configuration"), err) ||
		check_schedule(cloud, json_get_str(in, "Schedule"), err))
		return -1;
	if (json_get(in, "Targets") && check_targets(cloud, json_get(in, "Targets"), err))
		return -1;
	return role ? check_role(cloud, req, role, err) : 0;
}

/* arn:aws:iam::A:role/x is shown as x. */
static void shorten_role(struct json *doc)
{
	const char *role = json_get_str(doc, "Role");
	const char *name = role && starts_with(role, "arn:") ? strstr(role, ":role/") : NULL;
	char *copy;

	if (!name)
		return;
	copy = xstrdup(name + strlen(":role/"));
	json_set_str(doc, "Role", copy);
	free(copy);
}

/* What only the whole definition shows. */
static int check_recrawl(const struct json *doc, struct err *err)
{
	const char *recrawl = json_str(json_path(doc, "RecrawlPolicy.RecrawlBehavior"));
	const struct json *policy = json_get(doc, "SchemaChangePolicy");

	if (strcmp(recrawl, "CRAWL_NEW_FOLDERS_ONLY") ||
		(!strcmp(json_get_str(policy, "UpdateBehavior"), "LOG") &&
			!strcmp(json_get_str(policy, "DeleteBehavior"), "LOG")))
		return 0;
	return glue_invalid(err, "The SchemaChangePolicy for \"Crawl new folders only\" Amazon S3 "
				 "target can have only LOG DeleteBehavior value and LOG "
				 "UpdateBehavior value.");
}

/* --- create, update, delete --- */
int crawler_schedule_tx(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct json *doc = crawler_get_tx(cloud, name, err);
	const char *expression = json_str(json_path(doc, "Schedule.ScheduleExpression"));
	const char *state = json_str(json_path(doc, "Schedule.State"));
	int64_t next = 0;
	int r = doc ? 0 : -1;

	if (!r && expression && state && !strcmp(state, "SCHEDULED"))
		r = local_schedule_next(expression, local_now_ms(cloud), &next, err);
	if (!r)
		r = sql_run(cloud->db, NULL, err, "UPDATE crawler SET next_ms = ? WHERE name = ?",
			"is", next, name);
	json_free(doc);
	return r;
}

static int create_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct local_request *req = payload;
	const char *name = json_get_str(req->in, "Name");
	struct json *doc = glue_pick(create_fields, req->in);
	struct strbuf arn = STRBUF_INIT;
	int64_t now = local_now_ms(cloud);
	char *text;
	int r;

	shorten_role(doc);
	set_defaults(doc);
	if (check_recrawl(doc, err)) {
		json_free(doc);
		return -1;
	}
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err,
		"INSERT INTO crawler (name, region, doc, state, schedule_state, version, "
		"created_ms, "
		"updated_ms) VALUES (?, ?, ?, 'READY', 'SCHEDULED', 1, ?, ?)",
		"sssii", name, req->region, text, now, now);
	if (r && err->code == ERR_EXISTS)
		local_fault(err, 400, "AlreadyExistsException",
			"Crawler with name %s already exists", name);
	glue_arn(cloud, req->region, "crawler", name, &arn);
	if (!r)
		r = crawler_schedule_tx(cloud, name, err) ||
		    local_tags_set(cloud, arn.buf, json_get(req->in, "Tags"), err);
	strbuf_release(&arn);
	free(text);
	json_free(doc);
	return r ? -1 : 0;
}

static int create_crawler(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	int r = check_crawler(cloud, req, create_fields, err)
			? -1
			: local_tx(cloud, create_tx, (void *)req, err);

	local_wake_all(cloud);
	return r;
}

static int refuse_running(const struct json *doc, struct err *err)
{
	const char *state = json_get_str(doc, "State");

	if (state && strcmp(state, "READY"))
		return local_fault(err, 400, "CrawlerRunningException",
			"Crawler with name %s is currently running", json_get_str(doc, "Name"));
	return 0;
}

/* The stored document, without what crawler_doc() adds. */
static struct json *stored_doc(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct sql_stmt *st =
		sql_query(cloud->db, err, "SELECT doc FROM crawler WHERE name = ?", "s", name);
	struct json *doc = st && sql_step(st, err) > 0 ? glue_doc(sql_text(st, 0)) : NULL;

	sql_done(st);
	return doc;
}

static int update_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct local_request *req = payload;
	const char *name = json_get_str(req->in, "Name");
	struct json *now = crawler_get_tx(cloud, name, err), *doc = NULL, *changes, *m;
	char *text = NULL;
	int r = -1;

	if (!now || refuse_running(now, err) || !(doc = stored_doc(cloud, name, err)))
		goto out;
	changes = glue_pick(update_fields, req->in);
	json_each(m, changes) json_set(doc, json_name(m), json_copy(m));
	json_free(changes);
	shorten_role(doc);
	set_defaults(doc);
	if (check_recrawl(doc, err))
		goto out;
	text = glue_text(doc);
	r = sql_run(cloud->db, NULL, err,
		"UPDATE crawler SET doc = ?, version = version + 1, updated_ms = ? WHERE name = ?",
		"sis", text, local_now_ms(cloud), name);
	if (!r)
		r = crawler_schedule_tx(cloud, name, err);
out:
	free(text);
	json_free(now);
	json_free(doc);
	return r;
}

static int update_crawler(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	int r = check_crawler(cloud, req, update_fields, err)
			? -1
			: local_tx(cloud, update_tx, (void *)req, err);

	local_wake_all(cloud);
	return r;
}

static int delete_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct local_request *req = payload;
	const char *name = json_get_str(req->in, "Name");
	struct json *doc = crawler_get_tx(cloud, name, err);
	struct strbuf arn = STRBUF_INIT;
	int r = !doc || refuse_running(doc, err) ? -1 : 0;

	json_free(doc);
	if (r)
		return -1;
	glue_arn(cloud, req->region, "crawler", name, &arn);
	r = sql_run(cloud->db, NULL, err, "DELETE FROM crawler WHERE name = ?", "s", name) ||
	    sql_run(cloud->db, NULL, err, "DELETE FROM crawl_folder WHERE crawler = ?", "s",
		    name) ||
	    sql_run(cloud->db, NULL, err,
		    "DELETE FROM crawl WHERE crawler = ? AND workflow_run IS NULL", "s", name) ||
	    local_tags_clear(cloud, arn.buf, err);
	strbuf_release(&arn);
	return r ? -1 : 0;
}

static int delete_crawler(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return glue_check(name_fields, req->in, err) ? -1
						     : local_tx(cloud, delete_tx, (void *)req, err);
}

/* --- reading --- */

static int get_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *doc = glue_check(name_fields, k->in, err)
				   ? NULL
				   : crawler_get_tx(cloud, json_get_str(k->in, "Name"), err);

	if (!doc)
		return -1;
	k->out = json_object();
	json_set(k->out, "Crawler", doc);
	return 0;
}
LOCAL_HANDLER(get_crawler, get_tx)

/* Has it got the tags that the request asks for? */
static int wanted_tx(struct local_cloud *cloud, const struct local_call *k, const char *name,
	bool *match, struct err *err)
{
	struct strbuf arn = STRBUF_INIT;
	int r;

	glue_arn(cloud, NULL, "crawler", name, &arn);
	r = glue_tags_match_tx(cloud, arn.buf, json_get(k->in, "Tags"), match, err);
	strbuf_release(&arn);
	return r;
}

/* The page of those among `all` that are wanted. */
static int pick_tx(struct local_cloud *cloud, struct local_call *k, const struct json *all,
	bool names, int64_t limit, struct err *err)
{
	struct json *found = json_array(), *doc;
	const char *last = NULL;

	k->out = json_object();
	json_set(k->out, names ? "CrawlerNames" : "Crawlers", found);
	json_each(doc, all)
	{
		const char *name = json_get_str(doc, "Name");
		bool match;
		if (wanted_tx(cloud, k, name, &match, err))
			return -1;
		if (!match)
			continue;
		if ((int64_t)json_len(found) == limit) {
			char *token = local_token_make(last);
			json_set_str(k->out, "NextToken", token);
			free(token);
			return 0;
		}
		last = name;
		json_push(found, names ? json_string(name) : json_copy(doc));
	}
	return 0;
}

static int list_tx(struct local_cloud *cloud, struct local_call *k, bool names, struct err *err)
{
	struct json *all = json_array();
	struct sql_stmt *st = NULL;
	char *after = NULL;
	int64_t limit;
	int row = -1;

	if (glue_page(k->in, 1000, &limit, &after, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT " CRAWLER_COLUMNS " FROM crawler WHERE name > ? ORDER BY name", "s",
		after ? after : "");
	while (st && (row = sql_step(st, err)) > 0)
		json_push(all, crawler_doc(cloud, st));
	if (!row)
		row = pick_tx(cloud, k, all, names, limit, err);
out:
	sql_done(st);
	json_free(all);
	free(after);
	return row;
}

static int get_all_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return list_tx(cloud, k, false, err);
}
LOCAL_HANDLER(get_crawlers, get_all_tx)

static int list_names_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return list_tx(cloud, k, true, err);
}
LOCAL_HANDLER(list_crawlers, list_names_tx)

static int batch_tx(struct local_cloud *cloud, struct local_call *k, struct err *err unused_arg)
{
	struct json *found = json_array(), *missing = json_array(), *n;

	k->out = json_object();
	json_set(k->out, "Crawlers", found);
	json_set(k->out, "CrawlersNotFound", missing);
	json_each(n, json_get(k->in, "CrawlerNames"))
	{
		struct err none = ERR_INIT;
		struct json *doc = crawler_get_tx(cloud, json_str(n) ? json_str(n) : "", &none);
		if (doc)
			json_push(found, doc);
		else
			json_push(missing, json_copy(n));
		err_release(&none);
	}
	return 0;
}
LOCAL_HANDLER(batch_get_crawlers, batch_tx)

/* --- starting, stopping, schedules --- */
static int start_crawler(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct local_cause cause = {0};
	char *id = NULL;
	int r;

	if (glue_check(name_fields, req->in, err))
		return -1;
	r = local_crawler_start(cloud, json_get_str(req->in, "Name"), &cause, &id, err);
	free(id);
	return r;
}

/* Not AWS's: what a crawl would change. `glueproj crawl --diff` asks. */
static int crawl_diff(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	return glue_check(name_fields, req->in, err)
		       ? -1
		       : local_crawl_diff(cloud, json_get_str(req->in, "Name"), out, err);
}

static int stop_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const char *name = payload, *state;
	struct json *doc = crawler_get_tx(cloud, name, err);
	int r = -1;

	if (!doc)
		return -1;
	state = json_get_str(doc, "State");
	if (!strcmp(state, "STOPPING"))
		local_fault(err, 400, "CrawlerStoppingException",
			"Crawler with name %s is stopping", name);
	else if (!strcmp(state, "READY"))
		local_fault(err, 400, "CrawlerNotRunningException",
			"Crawler with name %s is not running", name);
	else
		r = sql_run(cloud->db, NULL, err,
			"UPDATE crawler SET state = 'STOPPING' WHERE name = ?", "s", name);
	json_free(doc);
	return r;
}

static int stop_crawler(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return glue_check(name_fields, req->in, err)
		       ? -1
		       : local_tx(cloud, stop_tx, (void *)json_get_str(req->in, "Name"), err);
}

int local_crawler_stop(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct err why = ERR_INIT;
	int r = local_tx(cloud, stop_tx, (void *)name, &why);

	if (r && why.aws_code &&
		(!strcmp(why.aws_code, "CrawlerStoppingException") ||
			!strcmp(why.aws_code, "CrawlerNotRunningException"))) {
		err_release(&why);
		return 0;
	}
	if (r)
		err_move(err, &why);
	return r;
}

struct schedule {
	const char *name, *expression, *state;
};

static int schedule_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	const struct schedule *s = payload;
	struct json *doc = crawler_get_tx(cloud, s->name, err), *stored;
	const char *now = json_str(json_path(doc, "Schedule.State"));
	char *text;
	int r = -1;

	if (!doc)
		return -1;
	if (s->state && !now)
		r = local_fault(
			err, 400, "NoScheduleException", "Crawler %s has no schedule", s->name);
	else if (s->state && !strcmp(now, s->state))
		r = local_fault(err, 400,
			!strcmp(now, "SCHEDULED") ? "SchedulerRunningException"
						  : "SchedulerNotRunningException",
			"The schedule of crawler %s is %s", s->name, now);
	else if (s->state)
		r = sql_run(cloud->db, NULL, err,
			"UPDATE crawler SET schedule_state = ? WHERE name = ?", "ss", s->state,
			s->name);
	else if ((stored = stored_doc(cloud, s->name, err))) {
		json_set_str(stored, "Schedule", s->expression ? s->expression : "");
		text = glue_text(stored);
		r = sql_run(cloud->db, NULL, err, "UPDATE crawler SET doc = ? WHERE name = ?", "ss",
			text, s->name);
		free(text);
		json_free(stored);
	}
	json_free(doc);
	return r ? -1 : crawler_schedule_tx(cloud, s->name, err);
}

static int change_schedule(struct local_cloud *cloud, const struct local_request *req,
	const char *state, struct err *err)
{
	static const struct glue_field fields[] = {
		{"CrawlerName", GLUE_STRING, true, 1, 255, NULL, NULL},
		{"Schedule", GLUE_STRING, false, 0, 0, NULL, NULL},
		{0},
	};
	struct schedule s = {
		json_get_str(req->in, "CrawlerName"), json_get_str(req->in, "Schedule"), state};
	int r;

	if (glue_check(fields, req->in, err) || check_schedule(cloud, s.expression, err))
		return -1;
	r = local_tx(cloud, schedule_tx, &s, err);
	local_wake_all(cloud);
	return r;
}

static int start_schedule(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return change_schedule(cloud, req, "SCHEDULED", err);
}

static int stop_schedule(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return change_schedule(cloud, req, "NOT_SCHEDULED", err);
}

static int update_schedule(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return change_schedule(cloud, req, NULL, err);
}

static const struct local_route routes[] = {
	{"BatchGetCrawlers", batch_get_crawlers, NULL},
	{"CreateCrawler", create_crawler, crawler_arn},
	{"DeleteCrawler", delete_crawler, crawler_arn},
	{"GetCrawler", get_crawler, crawler_arn},
	{"GetCrawlers", get_crawlers, NULL},
	{"GlueprojCrawlDiff", crawl_diff, crawler_arn},
	{"ListCrawlers", list_crawlers, NULL},
	{"StartCrawler", start_crawler, crawler_arn},
	{"StartCrawlerSchedule", start_schedule, crawler_arn},
	{"StopCrawler", stop_crawler, crawler_arn},
	{"StopCrawlerSchedule", stop_schedule, crawler_arn},
	{"UpdateCrawler", update_crawler, crawler_arn},
	{"UpdateCrawlerSchedule", update_schedule, crawler_arn},
};

const struct local_service local_crawler_service = {"glue", routes, ARRAY_SIZE(routes)};
