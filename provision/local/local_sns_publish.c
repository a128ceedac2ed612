/* Publish and PublishBatch: checked, filtered, put into the subscribed queues. */
#include "local_sns.h"

#include "base64.h"
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "xalloc.h"

#define MESSAGE_MAX_BYTES 262144
#define DEDUP_MS (5 * 60 * 1000)
#define SEQUENCE_BASE INT64_C(10000000000000000)
#define SNS "sns.amazonaws.com"

struct notice {
	const char *message, *subject, *structure, *group, *dedup;
	const struct json *attributes;
	struct json *by_protocol; /* MessageStructure json */
	char *hash;               /* the id of a content-based duplicate */
	char *id;
	int64_t seq;
};

static void notice_release(struct notice *n)
{
	json_free(n->by_protocol);
	free(n->hash);
	free(n->id);
}

/* --- checking --- */

static int check_structure(struct notice *n, struct err *err)
{
	const struct json *e;

	if (!n->structure)
		return 0;
	if (strcmp(n->structure, "json") != 0)
		return sns_invalid(err, "Invalid parameter: MessageStructure");
	n->by_protocol = json_parse(n->message, strlen(n->message), NULL);
	if (!json_is(n->by_protocol, JSON_OBJECT))
		return sns_invalid(err, "Invalid parameter: Message Structure - JSON message body "
					"failed to parse");
	if (!json_get_str(n->by_protocol, "default"))
		return sns_invalid(err,
			"Invalid parameter: Message Structure - No default entry in "
			"JSON message body");
	json_each(e, n->by_protocol)
	{
		if (!json_is(e, JSON_STRING))
			return sns_invalid(err,
				"Invalid parameter: Message Structure - JSON message "
				"body failed to parse");
	}
	return 0;
}

static bool subject_ok(const char *s)
{
	size_t chars = 0;

	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return false;
		chars += (*p & 0xc0) != 0x80;
	}
	return chars >= 1 && chars <= 100 && *s != ' ';
}

static int check_fifo(const struct sns_topic *t, struct notice *n, struct err *err)
{
	struct strbuf hash = STRBUF_INIT;

	if (!t->fifo)
		return n->dedup ? sns_invalid(err,
					  "Invalid parameter: MessageDeduplicationId Reason: The "
					  "request includes MessageDeduplicationId parameter that "
					  "is "
					  "not valid for this topic type")
				: 0;
	if (!n->group || !*n->group)
		return sns_invalid(err,
			"Invalid parameter: The MessageGroupId parameter is required "
			"for FIFO topics");
	if (n->dedup)
		return 0;
	if (!json_get_truth(t->attrs, "ContentBasedDeduplication", false))
		return sns_invalid(err,
			"Invalid parameter: The topic should either have ContentBasedDeduplication "
			"enabled or MessageDeduplicationId provided explicitly");
	digest_sha256_hex(n->message, strlen(n->message), &hash);
	n->dedup = n->hash = strbuf_detach(&hash, NULL);
	return 0;
}

static int check_notice(const struct sns_topic *t, struct notice *n, struct err *err)
{
	struct err why = ERR_INIT;
	int64_t bytes = n->message ? (int64_t)strlen(n->message) : 0;

	if (bytes == 0)
		return sns_invalid(err, "Invalid parameter: Empty message");
	if (sqs_check_attributes(n->attributes, &bytes, &why)) {
		/* its code here is not the queues' */
		local_fault(err, 400, "ParameterValueInvalid", "%s", why.text);
		err_release(&why);
		return -1;
	}
	if (bytes > MESSAGE_MAX_BYTES)
		return sns_invalid(err, "Invalid parameter: Message too long");
	if (n->subject && !subject_ok(n->subject))
		return sns_invalid(err, "Invalid parameter: Subject");
	return check_structure(n, err) || check_fifo(t, n, err) ? -1 : 0;
}

/* --- delivery --- */

/* Attributes as the envelope has them: {"name": {"Type", "Value"}}. */
static struct json *envelope_attributes(const struct json *attributes)
{
	struct json *out = json_object(), *one;
	const struct json *a;

	json_each(a, attributes)
	{
		const char *text = json_get_str(a, "StringValue");

		one = json_object();
		json_set_str(one, "Type", json_get_str(a, "DataType"));
		json_set_str(one, "Value", text ? text : json_get_str(a, "BinaryValue"));
		json_set(out, json_name(a), one);
	}
	return out;
}

/* Nobody's signature: there is no certificate to check it by. */
static void envelope(struct local_cloud *cloud, const struct sns_topic *t, const struct notice *n,
	const char *subscription, const char *message, struct strbuf *out)
{
	const char *version = json_get_str(t->attrs, "SignatureVersion");
	struct json *doc = json_object();
	struct strbuf time = STRBUF_INIT;
	char *text;

	clock_add_iso(&time, local_now_ms(cloud), true);
	json_set_str(doc, "Type", "Notification");
	json_set_str(doc, "MessageId", n->id);
	if (t->fifo) {
		text = xasprintf("%lld000", (long long)(SEQUENCE_BASE + n->seq));
		json_set_str(doc, "SequenceNumber", text);
		free(text);
	}
	json_set_str(doc, "TopicArn", t->arn);
	json_set_str(doc, "Subject", n->subject);
	json_set_str(doc, "Message", message);
	json_set_str(doc, "Timestamp", time.buf);
	if (!t->fifo) {
		json_set_str(doc, "SignatureVersion", version ? version : "1");
		json_set_str(doc, "Signature", "bG9jYWw=");
		text = xasprintf("%s/SimpleNotificationService-local.pem", cloud->endpoint);
		json_set_str(doc, "SigningCertURL", text);
		free(text);
	}
	text = xasprintf(
		"%s/?Action=Unsubscribe&SubscriptionArn=%s", cloud->endpoint, subscription);
	json_set_str(doc, "UnsubscribeURL", text);
	free(text);
	if (json_len(n->attributes))
		json_set(doc, "MessageAttributes", envelope_attributes(n->attributes));
	json_print(doc, out);
	json_free(doc);
	strbuf_release(&time);
}

struct target {
	char *arn, *endpoint;
	struct json *attrs;
};

/* Into the queue, or, when that cannot be, into the subscription's dead-letter queue. Only the database fails. */
static int deliver_tx(struct local_cloud *cloud, const struct sns_topic *t, const struct notice *n,
	const struct target *to, struct err *err)
{
	const char *message = n->message, *special = json_get_str(n->by_protocol, "sqs"),
		   *redrive = json_get_str(to->attrs, "RedrivePolicy");
	bool raw = json_get_truth(to->attrs, "RawMessageDelivery", false);
	struct json *doc = redrive ? json_parse(redrive, strlen(redrive), NULL) : NULL;
	const char *dead = json_get_str(doc, "deadLetterTargetArn");
	struct strbuf body = STRBUF_INIT;
	struct err why = ERR_INIT;
	int ret;

	if (n->by_protocol)
		message = special ? special : json_get_str(n->by_protocol, "default");
	if (raw)
		strbuf_addstr(&body, message);
	else
		envelope(cloud, t, n, to->arn, message, &body);
	struct local_sqs_message m = {.body = body.buf,
		.attributes = raw ? n->attributes : NULL,
		.group = n->group,
		.dedup = n->dedup};
	ret = local_sqs_send_tx(cloud, to->endpoint, SNS, t->arn, &m, &why);
	if (ret && why.aws_code) {
		log_warn("topic '%s' cannot deliver to '%s': %s", t->name, to->endpoint, why.text);
		err_release(&why);
		ret = dead ? local_sqs_send_tx(cloud, dead, SNS, t->arn, &m, &why) : 0;
		if (ret && why.aws_code) {
			log_warn("dead-letter queue '%s': %s", dead, why.text);
			ret = 0;
		}
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(doc);
	strbuf_release(&body);
	return ret;
}

static bool wanted(const struct target *to, const struct notice *n)
{
	const char *text = json_get_str(to->attrs, "FilterPolicy"),
		   *scope = json_get_str(to->attrs, "FilterPolicyScope");
	bool by_body = scope && !strcmp(scope, "MessageBody"), fits;
	struct json *policy;
	struct err why = ERR_INIT;

	if (!text)
		return true;
	policy = sns_filter_parse(text, by_body, &why);
	fits = policy && sns_filter_match(policy, by_body, n->attributes, n->message);
	json_free(policy);
	err_release(&why);
	return fits;
}

static int fan_out_tx(struct local_cloud *cloud, const struct sns_topic *t, const struct notice *n,
	struct err *err)
{
	struct target *targets = NULL;
	size_t nr = 0, alloc = 0;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT arn, endpoint, attrs FROM sns_subscription WHERE topic = ? AND protocol = "
		"'sqs' AND token IS NULL ORDER BY arn",
		"s", t->arn);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		ALLOC_GROW(targets, nr, alloc);
		targets[nr++] = (struct target){xstrdup(sql_text(st, 0)), xstrdup(sql_text(st, 1)),
			json_parse(sql_text(st, 2), strlen(sql_text(st, 2)), NULL)};
	}
	sql_done(st);
	for (size_t i = 0; i < nr; i++) {
		if (!row && wanted(&targets[i], n))
			row = deliver_tx(cloud, t, n, &targets[i], err);
		free(targets[i].arn);
		free(targets[i].endpoint);
		json_free(targets[i].attrs);
	}
	free(targets);
	return row;
}

/* A FIFO topic takes the same message once in five minutes. 1: it had it. */
static int duplicate_tx(
	struct local_cloud *cloud, const struct sns_topic *t, struct notice *n, struct err *err)
{
	struct sql_stmt *st;
	int row;

	if (sql_run(cloud->db, NULL, err, "DELETE FROM sns_dedup WHERE at_ms <= ?", "i",
		    local_now_ms(cloud) - DEDUP_MS))
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT message_id, seq FROM sns_dedup WHERE topic = ? AND dedup_id = ?", "ss",
		t->arn, n->dedup);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		n->id = xstrdup(sql_text(st, 0));
		n->seq = sql_int(st, 1);
	}
	sql_done(st);
	return row;
}

static int publish_tx(
	struct local_cloud *cloud, const struct sns_topic *t, struct notice *n, struct err *err)
{
	int found = t->fifo ? duplicate_tx(cloud, t, n, err) : 0;

	if (found)
		return found < 0 ? -1 : 0;
	n->id = local_uuid();
	if (t->fifo) {
		if (sql_run(cloud->db, NULL, err, "INSERT INTO sns_message (topic) VALUES (?)", "s",
			    t->arn))
			return -1;
		n->seq = sql_last_rowid(cloud->db);
		/* only the number counts */
		if (sql_run(cloud->db, NULL, err, "DELETE FROM sns_message WHERE seq < ?", "i",
			    n->seq) ||
			sql_run(cloud->db, NULL, err,
				"INSERT INTO sns_dedup (topic, dedup_id, at_ms, message_id, seq) "
				"VALUES (?, ?, ?, ?, ?)",
				"ssisi", t->arn, n->dedup, local_now_ms(cloud), n->id, n->seq))
			return -1;
	}
	return fan_out_tx(cloud, t, n, err);
}

/* --- the API --- */

static int publish_entry_tx(struct local_cloud *cloud, struct local_call *k,
	const struct sns_topic *t, const struct json *entry, struct json *done, struct err *err)
{
	struct notice n = {.message = json_get_str(entry, "Message"),
		.subject = json_get_str(entry, "Subject"),
		.structure = json_get_str(entry, "MessageStructure"),
		.group = json_get_str(entry, "MessageGroupId"),
		.dedup = json_get_str(entry, "MessageDeduplicationId"),
		.attributes = json_get(entry, "MessageAttributes")};
	int ret = check_notice(t, &n, err);
	char *seq;

	if (!ret)
		ret = publish_tx(cloud, t, &n, err);
	if (!ret) {
		k->wake = local_sqs_notify;
		json_set_str(done, "MessageId", n.id);
		if (t->fifo) {
			seq = xasprintf("%lld000", (long long)(SEQUENCE_BASE + n.seq));
			json_set_str(done, "SequenceNumber", seq);
			free(seq);
		}
	}
	notice_release(&n);
	return ret;
}

static int publish_one_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *topic = json_get_str(k->in, "TopicArn"),
		   *target = json_get_str(k->in, "TargetArn");
	struct sns_topic t;
	int ret;

	if (json_get(k->in, "PhoneNumber"))
		return sns_invalid(err,
			"Invalid parameter: PhoneNumber Reason: the local cloud sends "
			"no text messages");
	if (!topic && !target)
		return sns_invalid(err,
			"Invalid parameter: TopicArn or TargetArn Reason: no value for "
			"required parameter");
	ret = sns_topic_asked_tx(cloud, k->req, topic ? topic : target, &t, err);
	k->out = json_object();
	if (!ret)
		ret = publish_entry_tx(cloud, k, &t, k->in, k->out, err);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(publish, publish_one_tx)

static int check_batch(const struct json *entries, struct err *err)
{
	const struct json *e, *other;
	size_t bytes = 0;

	if (json_len(entries) == 0)
		return local_fault(err, 400, "EmptyBatchRequest",
			"The batch request doesn't contain any entries.");
	if (json_len(entries) > 10)
		return local_fault(err, 400, "TooManyEntriesInBatchRequest",
			"The batch request contains more entries than permissible.");
	json_each(e, entries)
	{
		const char *id = json_get_str(e, "Id"), *message = json_get_str(e, "Message");

		if (!id || !*id || strlen(id) > 80 ||
			id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"
				      "89_-")])
			return local_fault(err, 400, "InvalidBatchEntryId",
				"The Id of a batch entry in a batch request doesn't abide by the "
				"specification.");
		json_each(other, entries)
		{
			if (other == e)
				break;
			if (!strcmp(json_get_str(other, "Id"), id))
				return local_fault(err, 400, "BatchEntryIdsNotDistinct",
					"Two or more batch entries in the request have the same "
					"Id.");
		}
		bytes += message ? strlen(message) : 0;
	}
	if (bytes > MESSAGE_MAX_BYTES)
		return local_fault(err, 400, "BatchRequestTooLong",
			"The length of all the batch messages put together is more than the "
			"limit.");
	return 0;
}

static int batch_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *entries = json_get(k->in, "PublishBatchRequestEntries"), *e;
	struct json *good = json_array(), *bad = json_array();
	struct sns_topic t;
	int ret = sns_topic_asked_tx(cloud, k->req, json_get_str(k->in, "TopicArn"), &t, err);

	if (!ret)
		ret = check_batch(entries, err);
	for (e = ret ? NULL : json_first(entries); e && !ret; e = json_next(e)) {
		struct json *done = json_object();
		struct err why = ERR_INIT;

		json_set_str(done, "Id", json_get_str(e, "Id"));
		if (publish_entry_tx(cloud, k, &t, e, done, &why) == 0) {
			json_push(good, done);
		} else if (why.aws_code) {
			json_set_str(done, "Code", why.aws_code);
			json_set_str(done, "Message", why.text);
			json_set_bool(done, "SenderFault", true);
			json_push(bad, done);
		} else {
			err_move(err, &why);
			json_free(done);
			ret = -1;
		}
		err_release(&why);
	}
	k->out = json_object();
	json_set(k->out, "Successful", good);
	json_set(k->out, "Failed", bad);
	sns_topic_release(&t);
	return ret;
}
LOCAL_HANDLER(publish_batch, batch_tx)

int local_sns_publish(struct local_cloud *cloud, const char *topic_arn, const char *service,
	const char *source_arn, const char *message, struct err *err)
{
	struct notice n = {.message = message};
	struct sns_topic t;
	int ret;

	if (local_tx_begin(cloud, err))
		return -1;
	ret = sns_topic_find_tx(cloud, topic_arn, &t, err);
	if (!ret && !local_service_allowed(cloud, json_get_str(t.attrs, "Policy"), service,
			    "sns:Publish", topic_arn, source_arn))
		ret = local_fault(err, 403, "AuthorizationError",
			"the policy of topic %s does not let %s publish to it", t.name, service);
	if (!ret)
		ret = check_notice(&t, &n, err);
	if (!ret)
		ret = publish_tx(cloud, &t, &n, err);
	ret = local_tx_finish(cloud, ret, err);
	if (!ret)
		local_sqs_notify(cloud);
	notice_release(&n);
	sns_topic_release(&t);
	return ret;
}

static const struct local_route routes[] = {
	{"Publish", publish, sns_arn_of},
	{"PublishBatch", publish_batch, sns_arn_of},
};

const struct local_service local_sns_publish_service = {"sns", routes, ARRAY_SIZE(routes)};
