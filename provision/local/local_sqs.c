/* Queues: made, found, listed, tagged, deleted. */
#include "local_sqs.h"

#include "clock.h"
#include "local_internal.h"
#include "policy.h"
#include "xalloc.h"

#define NAME_REST_MS 1000

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS sqs_queue (id INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT NOT "
	"NULL UNIQUE, name TEXT NOT NULL, region TEXT NOT NULL, attrs TEXT NOT NULL, created_ms "
	"INTEGER NOT NULL, modified_ms INTEGER NOT NULL, purged_ms INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS sqs_gone (arn TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) "
	"WITHOUT "
	"ROWID;"
	"CREATE TABLE IF NOT EXISTS sqs_message (id INTEGER PRIMARY KEY AUTOINCREMENT, queue_id "
	"INTEGER NOT NULL REFERENCES sqs_queue (id) ON DELETE CASCADE, message_id TEXT NOT NULL, "
	"body TEXT NOT NULL, attrs TEXT, sender TEXT NOT NULL, trace TEXT, sent_ms INTEGER NOT "
	"NULL, visible_ms INTEGER NOT NULL, first_ms INTEGER NOT NULL DEFAULT 0, count INTEGER NOT "
	"NULL DEFAULT 0, here INTEGER NOT NULL DEFAULT 0, group_id TEXT, dedup_id TEXT, origin "
	"TEXT);"
	"CREATE INDEX IF NOT EXISTS sqs_message_queue ON sqs_message (queue_id, id);"
	"CREATE INDEX IF NOT EXISTS sqs_message_group ON sqs_message (queue_id, group_id, id) "
	"WHERE "
	"group_id IS NOT NULL;"
	"CREATE TABLE IF NOT EXISTS sqs_dedup (queue_id INTEGER NOT NULL REFERENCES sqs_queue (id) "
	"ON DELETE CASCADE, dedup_id TEXT NOT NULL, at_ms INTEGER NOT NULL, message_id TEXT NOT "
	"NULL, seq INTEGER NOT NULL, PRIMARY KEY (queue_id, dedup_id)) WITHOUT ROWID;";

/* --- the part's memory --- */

static void *state_new(void)
{
	struct sqs_state *s = xcalloc(1, sizeof(*s));
	const char *rest = getenv("GLUEPROJ_LOCAL_QUEUE_REST_MS");
	pthread_condattr_t attr;
	long long ms;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->cond, &attr);
	pthread_condattr_destroy(&attr);
	s->name_rest_ms = rest && parse_int64(rest, 0, 3600000, &ms) == 0 ? ms : NAME_REST_MS;
	return s;
}

static void state_free(void *state)
{
	struct sqs_state *s = state;

	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->cond);
	free(s);
}

struct sqs_state *sqs_state(struct local_cloud *cloud)
{
	return local_part_state(cloud, &local_sqs_part);
}

const struct local_part local_sqs_part = {
	.name = "sqs", .schema = schema, .state_new = state_new, .state_free = state_free};

void local_sqs_notify(struct local_cloud *cloud)
{
	struct sqs_state *s = sqs_state(cloud);

	pthread_mutex_lock(&s->lock);
	s->sends++;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->lock);
}

/* --- what clients of the query protocol call the errors --- */

const char *local_sqs_query_code(const char *code)
{
	static const struct {
		const char *code, *query;
	} rows[] = {
		{"AccessDeniedException", "AccessDenied"},
		{"BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
		{"BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"},
		{"EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"},
		{"InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"},
		{"MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"},
		{"PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress"},
		{"QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"},
		{"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"},
		{"QueueNameExists", "QueueAlreadyExists"},
		{"TooManyEntriesInBatchRequest",
			"AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
		{"UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].code, code))
			return rows[i].query;
	return code;
}

/* --- policies of resources --- */

bool local_service_allowed(struct local_cloud *cloud, const char *policy, const char *service,
	const char *action, const char *arn, const char *source_arn)
{
	struct json *doc = policy ? json_parse(policy, strlen(policy), NULL) : NULL;
	struct json *context = json_object();
	bool allowed;

	json_set_str(context, "aws:SourceArn", source_arn);
	json_set_str(context, "aws:SourceAccount", cloud->account);
	json_set_str(context, "aws:PrincipalServiceName", service);
	json_set_str(context, "aws:PrincipalIsAWSService", "true");
	json_set_str(context, "aws:SecureTransport", "true");
	struct policy_request q = {
		.action = action, .resource = arn, .context = context, .service = service};
	allowed = doc && policy_evaluate(doc, &q) == POLICY_ALLOW;
	json_free(doc);
	json_free(context);
	return allowed;
}

int local_resource_denies(struct local_cloud *cloud, const char *policy,
	const struct local_principal *who, const char *action, const char *arn, struct err *err)
{
	struct json *doc, *context;
	char *role;
	int ret = 0;

	if (!policy || !who->role_name)
		return 0;
	doc = json_parse(policy, strlen(policy), NULL);
	role = local_arn(cloud, "iam", "", "role/%s", who->role_name);
	context = json_object();
	json_set_str(context, "aws:PrincipalArn", role);
	json_set_str(context, "aws:PrincipalAccount", cloud->account);
	json_set_str(context, "aws:SecureTransport", "true");
	json_set_str(context, "aws:PrincipalIsAWSService", "false");
	struct policy_request q = {.action = action,
		.resource = arn,
		.context = context,
		.account = who->account,
		.caller_arn = who->arn,
		.caller_role = role};
	if (doc && policy_evaluate(doc, &q) == POLICY_DENY)
		ret = local_denied(who, action, arn, err);
	json_free(doc);
	json_free(context);
	free(role);
	return ret;
}

/* --- finding --- */

void sqs_queue_release(struct sqs_queue *q)
{
	free(q->arn);
	free(q->name);
	free(q->region);
	json_free(q->attrs);
	memset(q, 0, sizeof(*q));
}

char *sqs_url(struct local_cloud *cloud, const struct sqs_queue *q)
{
	return xasprintf("%s/%s/%s", cloud->endpoint, cloud->account, q->name);
}

static int no_queue(struct err *err)
{
	return local_fault(err, 400, "QueueDoesNotExist", "The specified queue does not exist.");
}

int sqs_queue_by_arn_tx(
	struct local_cloud *cloud, const char *arn, struct sqs_queue *q, struct err *err)
{
	struct sql_stmt *st;
	int row;

	memset(q, 0, sizeof(*q));
	st = sql_query(cloud->db, err,
		"SELECT id, name, region, attrs, created_ms, modified_ms, purged_ms FROM sqs_queue "
		"WHERE arn = ?",
		"s", arn);
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		q->id = sql_int(st, 0);
		q->arn = xstrdup(arn);
		q->name = xstrdup(sql_text(st, 1));
		q->region = xstrdup(sql_text(st, 2));
		q->attrs = json_parse(sql_text(st, 3), strlen(sql_text(st, 3)), NULL);
		q->created_ms = sql_int(st, 4);
		q->modified_ms = sql_int(st, 5);
		q->purged_ms = sql_int(st, 6);
		q->fifo = ends_with(q->name, ".fifo");
	}
	sql_done(st);
	if (row < 0)
		return -1;
	if (!row)
		return no_queue(err);
	return sql_run(cloud->db, NULL, err,
		"DELETE FROM sqs_message WHERE queue_id = ? AND sent_ms <= ?", "ii", q->id,
		local_now_ms(cloud) - sqs_number(q, "MessageRetentionPeriod") * 1000);
}

void sqs_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *url = json_get_str(req->in, "QueueUrl"),
		   *slash = url ? strrchr(url, '/') : NULL,
		   *name = json_get_str(req->in, "QueueName"),
		   *source = json_get_str(req->in, "SourceArn");
	char *text;

	if (url)
		name = slash ? slash + 1 : url;
	if (!name && source) {
		strbuf_addstr(arn, source);
		return;
	}
	text = local_arn(cloud, "sqs", req->region, "%s", name ? name : "*");
	strbuf_addstr(arn, text);
	free(text);
}

int sqs_queue_asked_tx(struct local_cloud *cloud, const struct local_request *req,
	struct sqs_queue *q, struct err *err)
{
	struct strbuf arn = STRBUF_INIT;
	char *action;
	int ret;

	memset(q, 0, sizeof(*q));
	if (!json_get_str(req->in, "QueueUrl"))
		return sqs_missing(err, "QueueUrl");
	sqs_arn_of(cloud, req, &arn);
	ret = sqs_queue_by_arn_tx(cloud, arn.buf, q, err);
	if (ret == 0) {
		action = xasprintf("sqs:%.*s",
			(int)(strlen(req->operation) -
				(ends_with(req->operation, "Batch") ? 5 : 0)),
			req->operation);
		ret = local_resource_denies(
			cloud, json_get_str(q->attrs, "Policy"), req->who, action, q->arn, err);
		free(action);
	}
	strbuf_release(&arn);
	return ret;
}

/* --- create, delete --- */

static int check_name(const char *name, const struct json *attributes, struct err *err)
{
	bool fifo = json_get_truth(attributes, "FifoQueue", false);
	size_t len = name ? strlen(name) : 0;
	size_t plain = name && fifo && ends_with(name, ".fifo") ? len - 5 : len;

	if (!name)
		return sqs_missing(err, "QueueName");
	if (len == 0 || len > 80 || plain == 0 || (fifo && plain == len) ||
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") <
			plain)
		return sqs_value(err, "%s",
			fifo ? "The name of a FIFO queue can only include alphanumeric characters, "
			       "hyphens, or underscores, must end with .fifo suffix and be 1 to 80 "
			       "in length."
			     : "Can only include alphanumeric characters, hyphens, or underscores. "
			       "1 to 80 in length");
	return 0;
}

/* A name is free again some time after its queue went. */
static int rested_tx(struct local_cloud *cloud, const char *arn, struct err *err)
{
	int64_t since = local_now_ms(cloud) - sqs_state(cloud)->name_rest_ms;
	int row;

	if (sql_run(cloud->db, NULL, err, "DELETE FROM sqs_gone WHERE at_ms <= ?", "i", since))
		return -1;
	row = sql_exists(cloud->db, err, "SELECT 1 FROM sqs_gone WHERE arn = ?", "s", arn);
	if (row > 0)
		return local_fault(err, 400, "QueueDeletedRecently",
			"You must wait 60 seconds after deleting a queue before you can create "
			"another with the same name.");
	return row;
}

static int insert_tx(
	struct local_cloud *cloud, struct local_call *k, struct sqs_queue *q, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int64_t now = local_now_ms(cloud);
	int ret;

	q->attrs = json_object();
	q->fifo = ends_with(q->name, ".fifo");
	if (rested_tx(cloud, q->arn, err) ||
		sqs_attributes_set_tx(cloud, q, json_get(k->in, "Attributes"), true, err))
		return -1;
	json_print(q->attrs, &text);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO sqs_queue (arn, name, region, attrs, created_ms, modified_ms) VALUES "
		"(?, ?, ?, ?, ?, ?)",
		"ssssii", q->arn, q->name, q->region, text.buf, now, now);
	if (!ret)
		ret = local_tags_set(cloud, q->arn, json_get(k->in, "tags"), err);
	strbuf_release(&text);
	return ret;
}

static int create_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *given = json_get(k->in, "Attributes");
	struct sqs_queue q = {0};
	struct strbuf arn = STRBUF_INIT;
	struct err why = ERR_INIT;
	const char *differs;
	char *url;
	int ret = check_name(json_get_str(k->in, "QueueName"), given, err);

	if (ret)
		return -1;
	sqs_arn_of(cloud, k->req, &arn);
	ret = sqs_queue_by_arn_tx(cloud, arn.buf, &q, &why);
	if (ret && why.aws_code) {
		q.arn = xstrdup(arn.buf);
		q.name = xstrdup(json_get_str(k->in, "QueueName"));
		q.region = xstrdup(k->req->region);
		ret = insert_tx(cloud, k, &q, err);
	} else if (ret) {
		err_move(err, &why);
	} else if ((differs = sqs_attributes_differ(&q, given))) {
		ret = local_fault(err, 400, "QueueNameExists",
			"A queue already exists with the same name and a different value for "
			"attribute %s",
			differs);
	}
	if (!ret) {
		url = sqs_url(cloud, &q);
		k->out = json_object();
		json_set_str(k->out, "QueueUrl", url);
		free(url);
	}
	err_release(&why);
	strbuf_release(&arn);
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(create_queue, create_tx)

static int delete_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret &&
		(sql_run(cloud->db, NULL, err, "DELETE FROM sqs_queue WHERE id = ?", "i", q.id) ||
			local_tags_clear(cloud, q.arn, err) ||
			sql_run(cloud->db, NULL, err,
				"INSERT OR REPLACE INTO sqs_gone (arn, at_ms) VALUES (?, ?)", "si",
				q.arn, local_now_ms(cloud))))
		ret = -1;
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(delete_queue, delete_tx)

static int url_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct strbuf arn = STRBUF_INIT;
	struct sqs_queue q;
	char *url;
	int ret;

	if (!json_get_str(k->in, "QueueName"))
		return sqs_missing(err, "QueueName");
	sqs_arn_of(cloud, k->req, &arn);
	ret = sqs_queue_by_arn_tx(cloud, arn.buf, &q, err);
	if (!ret) {
		url = sqs_url(cloud, &q);
		k->out = json_object();
		json_set_str(k->out, "QueueUrl", url);
		free(url);
	}
	strbuf_release(&arn);
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(get_queue_url, url_tx)

static int purge_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	int64_t now = local_now_ms(cloud);
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret && q.purged_ms && now - q.purged_ms < sqs_state(cloud)->name_rest_ms)
		ret = local_fault(err, 400, "PurgeQueueInProgress",
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name);
	if (!ret && (sql_run(cloud->db, NULL, err, "DELETE FROM sqs_message WHERE queue_id = ?",
			     "i", q.id) ||
			    sql_run(cloud->db, NULL, err,
				    "UPDATE sqs_queue SET purged_ms = ? WHERE id = ?", "ii", now,
				    q.id)))
		ret = -1;
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(purge_queue, purge_tx)

/* --- lists --- */

struct queue_page {
	int64_t most;
	char *after;
	bool given;
};

static int read_page(const struct json *in, struct queue_page *p, struct err *err)
{
	p->given = json_get(in, "MaxResults") != NULL;
	p->most = json_get_i64(in, "MaxResults", 1000);
	p->after = NULL;
	if (p->most < 1 || p->most > 1000)
		return sqs_value(err,
			"Value for parameter MaxResults is invalid. Reason: MaxResults must be an "
			"integer between 1 and 1000.");
	if (!p->given && json_get_str(in, "NextToken"))
		return sqs_value(err, "NextToken needs MaxResults");
	return local_token_read(
		json_get_str(in, "NextToken"), "InvalidParameterValue", &p->after, err);
}

/* URLs of the queues whose (name, attributes) `fits`; the page's rest as NextToken. */
static int list_tx(struct local_cloud *cloud, struct local_call *k, const char *member,
	bool (*fits)(const char *name, const char *attrs, const char *arg), const char *arg,
	struct err *err)
{
	struct json *urls = json_array();
	struct queue_page p;
	struct sql_stmt *st = NULL;
	char *last = NULL;
	int row = -1;

	k->out = json_object();
	if (read_page(k->in, &p, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT name, attrs FROM sqs_queue WHERE region = ? AND name > ? ORDER BY name",
		"ss", k->req->region, p.after ? p.after : "");
	while (st && (row = sql_step(st, err)) > 0) {
		const char *name = sql_text(st, 0);
		struct sqs_queue q = {.name = last};

		if (!fits(name, sql_text(st, 1), arg))
			continue;
		if (json_len(urls) == (size_t)p.most) {
			char *token = local_token_make(q.name);

			if (p.given)
				json_set_str(k->out, "NextToken", token);
			free(token);
			row = 0;
			break;
		}
		free(last);
		last = xstrdup(name);
		q.name = last;
		char *url = sqs_url(cloud, &q);
		json_push_str(urls, url);
		free(url);
	}
	sql_done(st);
	free(p.after);
out:
	free(last);
	if (json_len(urls) || !strcmp(member, "queueUrls"))
		json_set(k->out, member, urls);
	else
		json_free(urls);
	return row < 0 ? -1 : 0;
}

static bool prefix_fits(const char *name, const char *attrs unused_arg, const char *prefix)
{
	return !prefix || starts_with(name, prefix);
}

static int list_queues_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return list_tx(
		cloud, k, "QueueUrls", prefix_fits, json_get_str(k->in, "QueueNamePrefix"), err);
}
LOCAL_HANDLER(list_queues, list_queues_tx)

static bool source_fits(const char *name unused_arg, const char *attrs, const char *arn)
{
	struct sqs_queue q = {.attrs = json_parse(attrs, strlen(attrs), NULL)};
	struct json *doc = NULL;
	const char *target = sqs_redrive(&q, &doc, NULL);
	bool fits = target && !strcmp(target, arn);

	json_free(doc);
	json_free(q.attrs);
	return fits;
}

static int list_sources_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret)
		ret = list_tx(cloud, k, "queueUrls", source_fits, q.arn, err);
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(list_sources, list_sources_tx)

/* --- tags --- */

static int tag_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *tags = json_get(k->in, "Tags"), *t;
	struct json *all = NULL;
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret && !json_len(tags))
		ret = sqs_missing(err, "Tags");
	json_each(t, tags)
	{
		if (!ret && (!*json_name(t) || strlen(json_name(t)) > 128 ||
				    starts_with(json_name(t), "aws:")))
			ret = sqs_value(err, "Tag keys must be between 1 and 128 characters in "
					     "length and not begin with aws:");
	}
	if (!ret && (local_tags_set(cloud, q.arn, tags, err) ||
			    local_tags_get(cloud, q.arn, &all, err)))
		ret = -1;
	if (!ret && json_len(all) > 50)
		ret = sqs_value(err, "Too many tags added for queue %s.", q.name);
	json_free(all);
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(tag_queue, tag_tx)

static int untag_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret && !json_len(json_get(k->in, "TagKeys")))
		ret = local_fault(err, 400, "InvalidParameterValue", "Tag keys cannot be empty.");
	if (!ret)
		ret = local_tags_remove(cloud, q.arn, json_get(k->in, "TagKeys"), err);
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(untag_queue, untag_tx)

static int list_tags_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *tags = NULL;
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret)
		ret = local_tags_get(cloud, q.arn, &tags, err);
	if (!ret) {
		k->out = json_object();
		if (json_len(tags))
			json_set(k->out, "Tags", json_copy(tags));
	}
	json_free(tags);
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(list_tags, list_tags_tx)

LOCAL_HANDLER(get_attributes, sqs_get_attributes_tx)

static int set_attributes_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *given = json_get(k->in, "Attributes");
	struct strbuf text = STRBUF_INIT;
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret && !json_len(given))
		ret = sqs_missing(err, "Attribute.Name");
	if (!ret)
		ret = sqs_attributes_set_tx(cloud, &q, given, false, err);
	if (!ret) {
		json_print(q.attrs, &text);
		ret = sql_run(cloud->db, NULL, err,
			"UPDATE sqs_queue SET attrs = ?, modified_ms = ? WHERE id = ?", "sii",
			text.buf, local_now_ms(cloud), q.id);
	}
	strbuf_release(&text);
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(set_attributes, set_attributes_tx)

static const struct local_route routes[] = {
	{"CreateQueue", create_queue, sqs_arn_of},
	{"DeleteQueue", delete_queue, sqs_arn_of},
	{"GetQueueAttributes", get_attributes, sqs_arn_of},
	{"GetQueueUrl", get_queue_url, sqs_arn_of},
	{"ListDeadLetterSourceQueues", list_sources, sqs_arn_of},
	{"ListQueueTags", list_tags, sqs_arn_of},
	{"ListQueues", list_queues, NULL},
	{"PurgeQueue", purge_queue, sqs_arn_of},
	{"SetQueueAttributes", set_attributes, sqs_arn_of},
	{"TagQueue", tag_queue, sqs_arn_of},
	{"UntagQueue", untag_queue, sqs_arn_of},
};

const struct local_service local_sqs_service = {"sqs", routes, ARRAY_SIZE(routes)};
