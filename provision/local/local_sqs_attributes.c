/* Attributes of queues: what each may be, what it is by default, and the counts. */
#include "local_sqs.h"

#include "local_policy.h"
#include "xalloc.h"

enum kind { NUMBER, TRUTH, WORDS, POLICY_TEXT, REDRIVE, REDRIVE_ALLOW };

/* Sorted by name. */
static const struct attribute {
	const char *name;
	enum kind kind;
	int64_t min, max;
	const char *otherwise; /* what it is when nobody set it; NULL: not shown */
	bool fifo;
	const char *const *words;
} attributes[] = {
	{"ContentBasedDeduplication", TRUTH, 0, 0, "false", true, NULL},
	{"DeduplicationScope", WORDS, 0, 0, "queue", true,
		(const char *const[]){"queue", "messageGroup", NULL}},
	{"DelaySeconds", NUMBER, 0, 900, "0", false, NULL},
	{"FifoQueue", TRUTH, 0, 0, NULL, true, NULL},
	{"FifoThroughputLimit", WORDS, 0, 0, "perQueue", true,
		(const char *const[]){"perQueue", "perMessageGroupId", NULL}},
	{"KmsDataKeyReusePeriodSeconds", NUMBER, 60, 86400, NULL, false, NULL},
	{"KmsMasterKeyId", WORDS, 0, 0, NULL, false, NULL},
	{"MaximumMessageSize", NUMBER, 1024, 1048576, "1048576", false, NULL},
	{"MessageRetentionPeriod", NUMBER, 60, 1209600, "345600", false, NULL},
	{"Policy", POLICY_TEXT, 0, 0, NULL, false, NULL},
	{"ReceiveMessageWaitTimeSeconds", NUMBER, 0, 20, "0", false, NULL},
	{"RedriveAllowPolicy", REDRIVE_ALLOW, 0, 0, NULL, false, NULL},
	{"RedrivePolicy", REDRIVE, 0, 0, NULL, false, NULL},
	{"SqsManagedSseEnabled", TRUTH, 0, 0, NULL, false, NULL},
	{"VisibilityTimeout", NUMBER, 0, 43200, "30", false, NULL},
};

static const struct attribute *attribute_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (!strcmp(attributes[i].name, name))
			return &attributes[i];
	return NULL;
}

int64_t sqs_number(const struct sqs_queue *q, const char *attribute)
{
	const struct attribute *a = attribute_find(attribute);
	long long n = 0;

	if (parse_int64(a->otherwise, a->min, a->max, &n))
		BUG("attribute %s has no number", attribute);
	return json_get_i64(q->attrs, attribute, n);
}

bool sqs_true(const struct sqs_queue *q, const char *attribute)
{
	return json_get_truth(q->attrs, attribute, false);
}

const char *sqs_redrive(const struct sqs_queue *q, struct json **doc, int64_t *most)
{
	const char *text = json_get_str(q->attrs, "RedrivePolicy");

	*doc = text ? json_parse(text, strlen(text), NULL) : NULL;
	if (most)
		*most = json_get_i64(*doc, "maxReceiveCount", 0);
	return json_get_str(*doc, "deadLetterTargetArn");
}

/* --- setting --- */

static int bad_value(struct err *err, const char *name, const char *value)
{
	return local_fault(err, 400, "InvalidAttributeValue",
		"Invalid value for the parameter %s.%s%s", name, value ? " Reason: " : "",
		value ? value : "");
}

/* The dead-letter queue is of the same kind, region and account, and lets this queue send to it. */
static int check_redrive_tx(
	struct local_cloud *cloud, const struct sqs_queue *q, const char *value, struct err *err)
{
	struct json *doc = json_parse(value, strlen(value), NULL), *allow = NULL, *e;
	const char *target = json_get_str(doc, "deadLetterTargetArn"), *text, *permission;
	int64_t most = json_get_i64(doc, "maxReceiveCount", 0);
	struct sqs_queue dead = {0};
	struct err why = ERR_INIT;
	bool named = false;
	int ret = -1;

	if (!json_is(doc, JSON_OBJECT) || !target || !json_get(doc, "maxReceiveCount")) {
		sqs_value(err,
			"Value %s for parameter RedrivePolicy is invalid. Reason: Redrive policy "
			"does not contain mandatory attribute: %s.",
			value, target ? "maxReceiveCount" : "deadLetterTargetArn");
	} else if (most < 1 || most > 1000) {
		sqs_value(err,
			"Value %s for parameter RedrivePolicy is invalid. Reason: Invalid value "
			"for "
			"maxReceiveCount: %lld, valid values are from 1 to 1000 both inclusive.",
			value, (long long)most);
	} else if (!strcmp(target, q->arn) || sqs_queue_by_arn_tx(cloud, target, &dead, &why)) {
		sqs_value(err,
			"Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter "
			"target does not exist.",
			value);
	} else if (dead.fifo != q->fifo || strcmp(dead.region, q->region) != 0) {
		sqs_value(err,
			"Value %s for parameter RedrivePolicy is invalid. Reason: Dead-letter "
			"queue "
			"must be same type of queue as the source.",
			value);
	} else {
		text = json_get_str(dead.attrs, "RedriveAllowPolicy");
		allow = text ? json_parse(text, strlen(text), NULL) : NULL;
		permission = json_get_str(allow, "redrivePermission");
		json_each(e, json_get(allow, "sourceQueueArns")) named =
			named || (json_str(e) && !strcmp(json_str(e), q->arn));
		ret = !permission || !strcmp(permission, "allowAll") ||
				      (!strcmp(permission, "byQueue") && named)
			      ? 0
			      : sqs_value(err,
					"Value %s for parameter RedrivePolicy is invalid. Reason: "
					"Dead-letter queue does not allow this queue to use it.",
					value);
	}
	err_release(&why);
	json_free(doc);
	json_free(allow);
	sqs_queue_release(&dead);
	return ret;
}

static int check_allow(const char *value, struct err *err)
{
	static const char *const words[] = {"allowAll", "denyAll", "byQueue"};
	struct json *doc = json_parse(value, strlen(value), NULL);
	const char *permission = json_get_str(doc, "redrivePermission");
	const struct json *sources = json_get(doc, "sourceQueueArns");
	bool good = false, by_queue = permission && !strcmp(permission, "byQueue");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		good = good || (permission && !strcmp(permission, words[i]));
	good = good && (by_queue ? json_len(sources) >= 1 && json_len(sources) <= 10 : !sources);
	json_free(doc);
	return good ? 0
		    : sqs_value(err,
			      "Value %s for parameter RedriveAllowPolicy is invalid. Reason: "
			      "Amazon SQS can't create the redrive allow policy.",
			      value);
}

static int check_policy(const char *value, struct err *err)
{
	struct json *doc = NULL;
	struct err why = ERR_INIT;
	int ret = policy_check(value, POLICY_RESOURCE, &doc, &why);

	if (ret)
		local_fault(err, 400, "InvalidAttributeValue",
			"Invalid value for the parameter Policy.");
	err_release(&why);
	json_free(doc);
	return ret;
}

static int check_value_tx(struct local_cloud *cloud, const struct sqs_queue *q,
	const struct attribute *a, const char *value, struct err *err)
{
	long long n;

	switch (a->kind) {
	case NUMBER:
		return parse_int64(value, a->min, a->max, &n) ? bad_value(err, a->name, NULL) : 0;
	case TRUTH:
		return iequals(value, "true") || iequals(value, "false")
			       ? 0
			       : bad_value(err, a->name, NULL);
	case WORDS:
		for (size_t i = 0; a->words && a->words[i]; i++)
			if (!strcmp(a->words[i], value))
				return 0;
		return a->words ? bad_value(err, a->name, NULL) : 0;
	case POLICY_TEXT:
		return check_policy(value, err);
	case REDRIVE:
		return check_redrive_tx(cloud, q, value, err);
	case REDRIVE_ALLOW:
		return check_allow(value, err);
	}
	return 0;
}

int sqs_attributes_set_tx(struct local_cloud *cloud, struct sqs_queue *q, const struct json *given,
	bool create, struct err *err)
{
	const struct json *e;
	const char *scope, *limit;

	json_each(e, given)
	{
		const struct attribute *a = attribute_find(json_name(e));
		const char *value = json_scalar_text(e),
			   *old = json_get_str(q->attrs, json_name(e));

		if (!a || (a->fifo && !q->fifo) || !value)
			return local_fault(err, 400, "InvalidAttributeName",
				"Unknown Attribute %s.", json_name(e));
		/* an empty text takes it away */
		if (!*value && (a->kind >= POLICY_TEXT || (a->kind == WORDS && !a->words))) {
			json_remove(q->attrs, a->name);
			continue;
		}
		if (check_value_tx(cloud, q, a, value, err))
			return -1;
		if (!strcmp(a->name, "FifoQueue") && !create && (!old || strcmp(old, value) != 0))
			return local_fault(err, 400, "InvalidAttributeName",
				"You can specify the FifoQueue attribute only during queue "
				"creation.");
		if (a->kind == TRUTH)
			value = iequals(value, "true") ? "true" : "false";
		json_set_str(q->attrs, a->name, value);
	}
	/* a key of one's own turns SQS's off, and the other way round */
	if (json_get_str(given, "KmsMasterKeyId") && *json_get_str(given, "KmsMasterKeyId"))
		json_set_str(q->attrs, "SqsManagedSseEnabled", "false");
	else if (json_get_truth(given, "SqsManagedSseEnabled", false))
		json_remove(q->attrs, "KmsMasterKeyId");
	limit = json_get_str(q->attrs, "FifoThroughputLimit");
	scope = json_get_str(q->attrs, "DeduplicationScope");
	if (limit && !strcmp(limit, "perMessageGroupId") &&
		(!scope || strcmp(scope, "messageGroup") != 0))
		return local_fault(err, 400, "InvalidAttributeValue",
			"The perMessageGroupId value is allowed only when the value for "
			"DeduplicationScope is messageGroup.");
	return 0;
}

/* What the queue shows for an attribute; NULL: nothing. */
static const char *shown(const struct sqs_queue *q, const struct attribute *a)
{
	const char *value = json_get_str(q->attrs, a->name);

	if (value || (a->fifo && !q->fifo))
		return value;
	if (!strcmp(a->name, "SqsManagedSseEnabled"))
		return json_get(q->attrs, "KmsMasterKeyId") ? "false" : "true";
	if (!strcmp(a->name, "KmsDataKeyReusePeriodSeconds") &&
		json_get(q->attrs, "KmsMasterKeyId"))
		return "300";
	return a->otherwise;
}

const char *sqs_attributes_differ(const struct sqs_queue *q, const struct json *given)
{
	const struct json *e;

	json_each(e, given)
	{
		const struct attribute *a = attribute_find(json_name(e));
		const char *have = a ? shown(q, a) : NULL, *want = json_scalar_text(e);
		struct json *x, *y;
		bool same;

		if (have && want && iequals(have, want))
			continue;
		if (!have && want && !*want)
			continue;
		/* documents count by what they say */
		x = have ? json_parse(have, strlen(have), NULL) : NULL;
		y = want ? json_parse(want, strlen(want), NULL) : NULL;
		same = a && a->kind >= POLICY_TEXT && x && y && json_equal(x, y);
		json_free(x);
		json_free(y);
		if (!same)
			return json_name(e);
	}
	return NULL;
}

/* --- reading --- */

static int add_counts_tx(
	struct local_cloud *cloud, const struct sqs_queue *q, struct json *all, struct err *err)
{
	static const char *const names[] = {"ApproximateNumberOfMessages",
		"ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"};
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT sum(visible_ms <= ?1), sum(visible_ms > ?1 AND here > 0), sum(visible_ms > "
		"?1 AND here = 0) FROM sqs_message WHERE queue_id = ?2",
		"ii", local_now_ms(cloud), q->id);
	int row = st ? sql_step(st, err) : -1;

	for (int i = 0; row > 0 && i < (int)ARRAY_SIZE(names); i++) {
		char *n = xasprintf("%lld", (long long)sql_int(st, i));

		json_set_str(all, names[i], n);
		free(n);
	}
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static void add_number(struct json *all, const char *name, int64_t n)
{
	char *text = xasprintf("%lld", (long long)n);

	json_set_str(all, name, text);
	free(text);
}

/* Those that are asked for; InvalidAttributeName for one that there is not. */
static int pick(
	const struct json *all, const struct json *names, struct json **out, struct err *err)
{
	const struct json *n;

	*out = json_object();
	json_each(n, names)
	{
		const char *name = json_str(n) ? json_str(n) : "";

		if (!strcmp(name, "All")) {
			json_free(*out);
			*out = json_copy(all);
			return 0;
		}
		if (json_get(all, name)) {
			json_set(*out, name, json_copy(json_get(all, name)));
		} else if (!attribute_find(name)) {
			json_free(*out);
			*out = NULL;
			return local_fault(
				err, 400, "InvalidAttributeName", "Unknown Attribute %s.", name);
		}
	}
	return 0;
}

int sqs_get_attributes_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *all = json_object(), *some = NULL;
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (ret)
		goto out;
	json_set_str(all, "QueueArn", q.arn);
	add_number(all, "CreatedTimestamp", q.created_ms / 1000);
	add_number(all, "LastModifiedTimestamp", q.modified_ms / 1000);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		json_set_str(all, attributes[i].name, shown(&q, &attributes[i]));
	ret = add_counts_tx(cloud, &q, all, err);
	if (!ret)
		ret = pick(all, json_get(k->in, "AttributeNames"), &some, err);
	if (!ret) {
		k->out = json_object();
		if (json_len(some))
			json_set(k->out, "Attributes", json_copy(some));
	}
out:
	json_free(all);
	json_free(some);
	sqs_queue_release(&q);
	return ret;
}
