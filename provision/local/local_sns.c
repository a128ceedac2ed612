/* Topics: made, described, changed, listed, tagged, deleted. */
#include "local_sns.h"

#include "local_internal.h"
#include "local_policy.h"
#include "xalloc.h"

#define PAGE 100

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS sns_topic (arn TEXT PRIMARY KEY, name TEXT NOT NULL, region "
	"TEXT NOT NULL, attrs TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS sns_subscription (arn TEXT PRIMARY KEY, topic TEXT NOT NULL, "
	"region TEXT NOT NULL, protocol TEXT NOT NULL, endpoint TEXT NOT NULL, attrs TEXT NOT "
	"NULL, "
	"token TEXT) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS sns_subscription_topic ON sns_subscription (topic, arn);"
	"CREATE TABLE IF NOT EXISTS sns_dedup (topic TEXT NOT NULL, dedup_id TEXT NOT NULL, at_ms "
	"INTEGER NOT NULL, message_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (topic, "
	"dedup_id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS sns_message (seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT "
	"NOT NULL);";

const struct local_part local_sns_part = {.name = "sns", .schema = schema};

void sns_topic_release(struct sns_topic *t)
{
	free(t->arn);
	free(t->name);
	free(t->region);
	json_free(t->attrs);
	memset(t, 0, sizeof(*t));
}

int sns_topic_find_tx(
	struct local_cloud *cloud, const char *arn, struct sns_topic *t, struct err *err)
{
	struct sql_stmt *st;
	int row;

	memset(t, 0, sizeof(*t));
	st = sql_query(cloud->db, err, "SELECT name, region, attrs FROM sns_topic WHERE arn = ?",
		"s", arn);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		t->arn = xstrdup(arn);
		t->name = xstrdup(sql_text(st, 0));
		t->region = xstrdup(sql_text(st, 1));
		t->attrs = json_parse(sql_text(st, 2), strlen(sql_text(st, 2)), NULL);
		t->fifo = ends_with(t->name, ".fifo");
	}
	sql_done(st);
	if (!row)
		return local_fault(err, 404, "NotFound", "Topic does not exist");
	return row < 0 ? -1 : 0;
}

int sns_topic_asked_tx(struct local_cloud *cloud, const struct local_request *req, const char *arn,
	struct sns_topic *t, struct err *err)
{
	const char *operation = req->operation;
	size_t len = strlen(operation);
	char *action;
	int ret;

	memset(t, 0, sizeof(*t));
	if (!arn || !starts_with(arn, "arn:aws:sns:") || !strchr(arn + strlen("arn:aws:sns:"), ':'))
		return sns_invalid(err, "Invalid parameter: TopicArn%s%s",
			arn ? " Reason: An ARN must have at least 6 elements, not " : "",
			arn ? arn : "");
	ret = sns_topic_find_tx(cloud, arn, t, err);
	if (ret)
		return -1;
	action = xasprintf(
		"sns:%.*s", (int)(ends_with(operation, "Batch") ? len - 5 : len), operation);
	ret = local_resource_denies(
		cloud, json_get_str(t->attrs, "Policy"), req->who, action, arn, err);
	if (ret) {
		free(err->aws_code);
		err->aws_code = xstrdup("AuthorizationError");
	}
	free(action);
	return ret;
}

void sns_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	static const char *const members[] = {
		"TopicArn", "ResourceArn", "SubscriptionArn", "TargetArn"};
	char *made;

	for (size_t i = 0; i < ARRAY_SIZE(members) && !arn->len; i++)
		if (json_get_str(req->in, members[i]))
			strbuf_addstr(arn, json_get_str(req->in, members[i]));
	if (!arn->len && json_get_str(req->in, "Name")) {
		made = local_arn(cloud, "sns", req->region, "%s", json_get_str(req->in, "Name"));
		strbuf_addstr(arn, made);
		free(made);
	}
}

int sns_list_tx(struct local_cloud *cloud, struct local_call *k, const char *member,
	const char *sql, const char *arg, sns_row_fn *row_of, struct err *err)
{
	const char *given = json_get_str(k->in, "NextToken");
	struct json *list = json_array();
	char *after = NULL, *last = NULL, *token;
	struct sql_stmt *st = NULL;
	int row = -1;

	if (local_token_read(given && *given ? given : NULL, "InvalidParameter", &after, err))
		goto out;
	st = sql_query(cloud->db, err, sql, "ss", arg, after ? after : "");
	k->out = json_object();
	json_set(k->out, member, list);
	while (st && (row = sql_step(st, err)) > 0) {
		if (json_len(list) == PAGE) {
			token = local_token_make(last);
			json_set_str(k->out, "NextToken", token);
			free(token);
			row = 0;
			break;
		}
		free(last);
		last = xstrdup(sql_text(st, 0));
		json_push(list, row_of(st));
	}
	list = NULL;
out:
	sql_done(st);
	json_free(list);
	free(after);
	free(last);
	return row < 0 ? -1 : 0;
}

/* --- attributes --- */

enum kind { TEXT, TRUTH, POLICY_TEXT, JSON_TEXT, DIGIT };

static const struct attribute {
	const char *name;
	enum kind kind;
	bool fifo;
} attributes[] = {
	{"ArchivePolicy", JSON_TEXT, true},
	{"ContentBasedDeduplication", TRUTH, true},
	{"DataProtectionPolicy", JSON_TEXT, false},
	{"DeliveryPolicy", JSON_TEXT, false},
	{"DisplayName", TEXT, false},
	{"FifoThroughputScope", TEXT, true},
	{"FifoTopic", TRUTH, false},
	{"KmsMasterKeyId", TEXT, false},
	{"Policy", POLICY_TEXT, false},
	{"SignatureVersion", DIGIT, false},
	{"TracingConfig", TEXT, false},
};

/* "SQSSuccessFeedbackRoleArn" and the like: where deliveries would be logged. Kept. */
static bool is_feedback(const char *name)
{
	return ends_with(name, "FeedbackRoleArn") || ends_with(name, "FeedbackSampleRate");
}

static int check_value(const struct attribute *a, const char *value, struct err *err)
{
	struct json *doc = NULL;
	struct err why = ERR_INIT;
	bool good = true;

	if (a->kind == POLICY_TEXT)
		good = policy_check(value, POLICY_RESOURCE, &doc, &why) == 0;
	else if (a->kind == JSON_TEXT)
		good = !*value ||
		       json_is(doc = json_parse(value, strlen(value), &why), JSON_OBJECT);
	else if (a->kind == TRUTH)
		good = iequals(value, "true") || iequals(value, "false");
	else if (a->kind == DIGIT)
		good = !strcmp(value, "1") || !strcmp(value, "2");
	else if (!strcmp(a->name, "DisplayName"))
		good = strlen(value) <= 100;
	else if (!strcmp(a->name, "TracingConfig"))
		good = !strcmp(value, "PassThrough") || !strcmp(value, "Active");
	json_free(doc);
	err_release(&why);
	if (!good)
		return sns_invalid(err, "Invalid parameter: %s%s", a->name,
			a->kind == POLICY_TEXT ? " Error: Policy statement is not valid" : "");
	return 0;
}

static int set_attribute(
	struct sns_topic *t, const char *name, const char *value, bool create, struct err *err)
{
	const struct attribute *a = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (!strcmp(attributes[i].name, name))
			a = &attributes[i];
	if (!value)
		value = "";
	if (!a && is_feedback(name)) {
		json_set_str(t->attrs, name, value);
		return 0;
	}
	if (!a || (a->fifo && !t->fifo) || (!create && !strcmp(name, "FifoTopic")))
		return sns_invalid(err, "Invalid parameter: AttributeName");
	/* an empty text takes it away: the default policy, no display name */
	if (!*value && a->kind != TRUTH && a->kind != DIGIT) {
		json_remove(t->attrs, name);
		return 0;
	}
	if (check_value(a, value, err))
		return -1;
	if (a->kind == TRUTH)
		value = iequals(value, "true") ? "true" : "false";
	json_set_str(t->attrs, name, value);
	return 0;
}

/* What a topic has until somebody sets another: the account's own may do all. */
static char *default_policy(const char *account, const char *arn)
{
	return xasprintf(
		"{\"Version\":\"2008-10-17\",\"Id\":\"__default_policy_ID\",\"Statement\":[{"
		"\"Sid\":\"__default_statement_ID\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
		"\"*\"},\"Action\":[\"SNS:GetTopicAttributes\",\"SNS:SetTopicAttributes\","
		"\"SNS:AddPermission\",\"SNS:RemovePermission\",\"SNS:DeleteTopic\",\"SNS:"
		"Subscribe\",\"SNS:ListSubscriptionsByTopic\",\"SNS:Publish\"],\"Resource\":\"%s\","
		"\"Condition\":{\"StringEquals\":{\"AWS:SourceOwner\":\"%s\"}}}]}",
		arn, account);
}

static const char effective_delivery[] =
	"{\"http\":{\"defaultHealthyRetryPolicy\":{\"minDelayTarget\":20,\"maxDelayTarget\":20,"
	"\"numRetries\":3,\"numMaxDelayRetries\":0,\"numNoDelayRetries\":0,\"numMinDelayRetries\":"
	"0,"
	"\"backoffFunction\":\"linear\"},\"disableSubscriptionOverrides\":false,"
	"\"defaultRequestPolicy\":{\"headerContentType\":\"text/plain; charset=UTF-8\"}}}";

/* --- operations --- */

static int check_name(const char *name, bool fifo, struct err *err)
{
	size_t len = name ? strlen(name) : 0;
	size_t plain = name && fifo && ends_with(name, ".fifo") ? len - 5 : len;

	if (len == 0 || len > 256 || plain == 0 || (fifo && plain == len) ||
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") <
			plain)
		return sns_invalid(err, fifo ? "Invalid parameter: Fifo Topic names must end with "
					       ".fifo and must be made up of only uppercase and "
					       "lowercase ASCII letters, numbers, underscores, and "
					       "hyphens, and must be between 1 and 256 characters "
					       "long."
					     : "Invalid parameter: Topic Name");
	return 0;
}

/* [{Key,Value}] as {k: v}; *out the caller's. */
static int read_tags(const struct json *list, struct json **out, struct err *err)
{
	const struct json *t;

	*out = json_object();
	json_each(t, list)
	{
		const char *key = json_get_str(t, "Key"), *value = json_get_str(t, "Value");

		if (!key || !*key || strlen(key) > 128 || starts_with(key, "aws:") ||
			(value && strlen(value) > 256))
			return sns_invalid(err, "Invalid parameter: Tags Reason: a tag's key has 1 "
						"to 128 characters and does not begin with aws:");
		if (json_get(*out, key))
			return sns_invalid(err,
				"Invalid parameter: Tags Reason: Duplicated keys are not allowed.");
		json_set_str(*out, key, value ? value : "");
	}
	return 0;
}

static int store_tx(struct local_cloud *cloud, const struct sns_topic *t, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int ret;

	json_print(t->attrs, &text);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO sns_topic (arn, name, region, attrs) VALUES (?, ?, ?, ?) ON CONFLICT "
		"(arn) DO UPDATE SET attrs = excluded.attrs",
		"ssss", t->arn, t->name, t->region, text.buf);
	strbuf_release(&text);
	return ret;
}

/* The same once more is fine; with other attributes or tags it is not. */
static int check_same_tx(struct local_cloud *cloud, const struct sns_topic *have,
	const struct sns_topic *want, const struct json *given, const struct json *tags,
	struct err *err)
{
	struct json *live = NULL;
	const struct json *e;
	int ret = 0;

	json_each(e, given)
	{
		const char *a = json_get_str(have->attrs, json_name(e)),
			   *b = json_get_str(want->attrs, json_name(e));

		if (!ret && strcmp(a ? a : "", b ? b : "") != 0)
			ret = sns_invalid(err,
				"Invalid parameter: Attributes Reason: Topic already "
				"exists with different attributes");
	}
	if (!ret)
		ret = local_tags_get(cloud, have->arn, &live, err);
	if (!ret && json_len(tags) && !json_equal(live, tags))
		ret = sns_invalid(err,
			"Invalid parameter: Tags Reason: Topic already exists with different tags");
	json_free(live);
	return ret;
}

static int create_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *given = json_get(k->in, "Attributes"), *e;
	const char *protection = json_get_str(k->in, "DataProtectionPolicy");
	bool fifo = json_get_truth(given, "FifoTopic", false);
	struct sns_topic t = {.attrs = json_object(), .fifo = fifo}, old = {0};
	struct json *tags = NULL;
	struct err why = ERR_INIT;
	int ret = check_name(json_get_str(k->in, "Name"), fifo, err);

	json_each(e, given)
	{
		if (!ret)
			ret = set_attribute(&t, json_name(e), json_str(e), true, err);
	}
	if (!ret && protection)
		ret = set_attribute(&t, "DataProtectionPolicy", protection, true, err);
	if (!ret)
		ret = read_tags(json_get(k->in, "Tags"), &tags, err);
	if (ret)
		goto out;
	t.name = xstrdup(json_get_str(k->in, "Name"));
	t.region = xstrdup(k->req->region);
	t.arn = local_arn(cloud, "sns", k->req->region, "%s", t.name);
	ret = sns_topic_find_tx(cloud, t.arn, &old, &why);
	if (ret && !why.aws_code)
		err_move(err, &why);
	else if (ret)
		ret = store_tx(cloud, &t, err) || local_tags_set(cloud, t.arn, tags, err) ? -1 : 0;
	else
		ret = check_same_tx(cloud, &old, &t, given, tags, err);
	if (!ret) {
		k->out = json_object();
		json_set_str(k->out, "TopicArn", t.arn);
	}
out:
	err_release(&why);
	json_free(tags);
	sns_topic_release(&old);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(create_topic, create_tx)

/* With its subscriptions; one that is not there is fine. */
static int delete_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *arn = json_get_str(k->in, "TopicArn");
	struct err why = ERR_INIT;
	struct sns_topic t;
	int ret = sns_topic_asked_tx(cloud, k->req, arn, &t, &why);

	if (!ret)
		ret = sql_run(cloud->db, NULL, err, "DELETE FROM sns_subscription WHERE topic = ?",
			      "s", arn) ||
				      sql_run(cloud->db, NULL, err,
					      "DELETE FROM sns_topic WHERE arn = ?", "s", arn) ||
				      local_tags_clear(cloud, arn, err)
			      ? -1
			      : 0;
	else if (why.aws_code && !strcmp(why.aws_code, "NotFound"))
		ret = 0;
	else
		err_move(err, &why);
	err_release(&why);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(delete_topic, delete_tx)

static int count_tx(
	struct local_cloud *cloud, const struct sns_topic *t, struct json *out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT sum(token IS NULL), sum(token IS NOT NULL) FROM sns_subscription WHERE "
		"topic "
		"= ?",
		"s", t->arn);
	int row = st ? sql_step(st, err) : -1;
	static const char *const names[] = {"SubscriptionsConfirmed", "SubscriptionsPending"};

	for (int i = 0; row > 0 && i < 2; i++) {
		char *n = xasprintf("%lld", (long long)sql_int(st, i));

		json_set_str(out, names[i], n);
		free(n);
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int get_attributes_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct sns_topic t;
	struct json *all;
	char *policy;
	int ret = sns_topic_asked_tx(cloud, k->req, json_get_str(k->in, "TopicArn"), &t, err);

	if (!ret) {
		policy = default_policy(cloud->account, t.arn);
		all = json_object();
		json_set_str(all, "TopicArn", t.arn);
		json_set_str(all, "Owner", cloud->account);
		json_set_str(all, "Policy", policy);
		json_set_str(all, "DisplayName", "");
		json_set_str(all, "EffectiveDeliveryPolicy", effective_delivery);
		json_set_str(all, "SubscriptionsDeleted", "0");
		for (struct json *e = json_first(t.attrs); e; e = json_next(e))
			json_set(all, json_name(e), json_copy(e));
		ret = count_tx(cloud, &t, all, err);
		k->out = json_object();
		json_set(k->out, "Attributes", all);
		free(policy);
	}
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(get_attributes, get_attributes_tx)

static int set_attributes_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *name = json_get_str(k->in, "AttributeName");
	struct sns_topic t;
	int ret = sns_topic_asked_tx(cloud, k->req, json_get_str(k->in, "TopicArn"), &t, err);

	if (!ret && !name)
		ret = sns_invalid(err, "Invalid parameter: AttributeName");
	if (!ret)
		ret = set_attribute(&t, name, json_get_str(k->in, "AttributeValue"), false, err);
	if (!ret)
		ret = store_tx(cloud, &t, err);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(set_attributes, set_attributes_tx)

static struct json *topic_row(struct sql_stmt *st)
{
	struct json *t = json_object();

	json_set_str(t, "TopicArn", sql_text(st, 0));
	return t;
}

static int list_topics_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return sns_list_tx(cloud, k, "Topics",
		"SELECT arn FROM sns_topic WHERE region = ? AND arn > ? ORDER BY arn",
		k->req->region, topic_row, err);
}
LOCAL_HANDLER(list_topics, list_topics_tx)

/* --- tags --- */

/* Only topics have tags; a missing one is ResourceNotFound here. */
static int tagged_tx(
	struct local_cloud *cloud, struct local_call *k, struct sns_topic *t, struct err *err)
{
	struct err why = ERR_INIT;
	int ret = sns_topic_asked_tx(cloud, k->req, json_get_str(k->in, "ResourceArn"), t, &why);

	if (ret && why.aws_code && !strcmp(why.aws_code, "NotFound"))
		local_fault(err, 404, "ResourceNotFound", "Resource does not exist");
	else if (ret)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

static int tag_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *tags = NULL, *all = NULL;
	struct sns_topic t;
	int ret = tagged_tx(cloud, k, &t, err);

	if (!ret)
		ret = read_tags(json_get(k->in, "Tags"), &tags, err);
	if (!ret)
		ret = local_tags_set(cloud, t.arn, tags, err);
	if (!ret)
		ret = local_tags_get(cloud, t.arn, &all, err);
	if (!ret && json_len(all) > 50)
		ret = local_fault(err, 400, "TagLimitExceeded",
			"Could not complete request: tag quota of per resource exceeded");
	if (!ret)
		k->out = json_object();
	json_free(tags);
	json_free(all);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(tag_resource, tag_tx)

static int untag_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct sns_topic t;
	int ret = tagged_tx(cloud, k, &t, err);

	if (!ret)
		ret = local_tags_remove(cloud, t.arn, json_get(k->in, "TagKeys"), err);
	if (!ret)
		k->out = json_object();
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(untag_resource, untag_tx)

static int list_tags_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *tags = NULL, *list, *one, *e;
	struct sns_topic t;
	int ret = tagged_tx(cloud, k, &t, err);

	if (!ret)
		ret = local_tags_get(cloud, t.arn, &tags, err);
	if (!ret) {
		list = json_array();
		json_each(e, tags)
		{
			one = json_object();
			json_set_str(one, "Key", json_name(e));
			json_set_str(one, "Value", json_str(e));
			json_push(list, one);
		}
		k->out = json_object();
		json_set(k->out, "Tags", list);
	}
	json_free(tags);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(list_tags, list_tags_tx)

static const struct local_route routes[] = {
	{"CreateTopic", create_topic, sns_arn_of},
	{"DeleteTopic", delete_topic, sns_arn_of},
	{"GetTopicAttributes", get_attributes, sns_arn_of},
	{"ListTagsForResource", list_tags, sns_arn_of},
	{"ListTopics", list_topics, NULL},
	{"SetTopicAttributes", set_attributes, sns_arn_of},
	{"TagResource", tag_resource, sns_arn_of},
	{"UntagResource", untag_resource, sns_arn_of},
};

const struct local_service local_sns_service = {"sns", routes, ARRAY_SIZE(routes)};
