/* Messages on their way in: SendMessage, batches, other services; and the digests that clients check. */
#include "local_sqs.h"

#include "base64.h"
#include "digest.h"
#include "hex.h"
#include "strvec.h"
#include "xalloc.h"

#define DEDUP_MS (5 * 60 * 1000)
#define BATCH_MAX_BYTES 1048576
#define SEQUENCE_BASE INT64_C(18849496460467696)

/* --- digests --- */

static void md5_hex(const struct strbuf *bytes, struct strbuf *out)
{
	unsigned char raw[MD5_BYTES];

	digest_md5(bytes->buf, bytes->len, raw);
	hex_encode(out, raw, sizeof(raw));
}

void sqs_md5_text(const char *text, struct strbuf *out)
{
	unsigned char raw[MD5_BYTES];

	digest_md5(text, strlen(text), raw);
	hex_encode(out, raw, sizeof(raw));
}

static void add_sized(struct strbuf *sb, const void *data, size_t len)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		strbuf_addch(sb, (char)(len >> shift & 0xff));
	strbuf_add(sb, data, len);
}

/* "Calculating the MD5 message digest for message attributes": by name; name, type, kind of value, value. */
void sqs_md5_attributes(const struct json *attributes, struct strbuf *out)
{
	struct strvec names = STRVEC_INIT;
	struct strbuf bytes = STRBUF_INIT, raw = STRBUF_INIT;
	const struct json *a;

	json_each(a, attributes) strvec_push(&names, json_name(a));
	strvec_sort(&names);
	for (size_t i = 0; i < names.nr; i++) {
		const struct json *one = json_get(attributes, names.v[i]);
		const char *type = json_get_str(one, "DataType"),
			   *text = json_get_str(one, "StringValue"),
			   *binary = json_get_str(one, "BinaryValue");

		add_sized(&bytes, names.v[i], strlen(names.v[i]));
		add_sized(&bytes, type, strlen(type));
		strbuf_addch(&bytes, starts_with(type, "Binary") ? 2 : 1);
		strbuf_clear(&raw);
		if (starts_with(type, "Binary")) {
			/* it was checked when it came */
			if (binary && base64_decode(&raw, binary, strlen(binary)))
				strbuf_clear(&raw);
			add_sized(&bytes, raw.buf, raw.len);
		} else {
			add_sized(&bytes, text ? text : "", text ? strlen(text) : 0);
		}
	}
	md5_hex(&bytes, out);
	strvec_release(&names);
	strbuf_release(&bytes);
	strbuf_release(&raw);
}

/* --- checking --- */

/* The characters that XML may have. */
static bool text_ok(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 && !strchr("\t\n\r", *p))
			return false;
		/* U+FFFE and U+FFFF */
		if (p[0] == 0xef && p[1] == 0xbf && (p[2] == 0xbe || p[2] == 0xbf))
			return false;
	}
	return true;
}

static int check_attribute(const struct json *a, int64_t *bytes, struct err *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	const char *name = json_name(a), *type = json_get_str(a, "DataType"),
		   *text = json_get_str(a, "StringValue"), *binary = json_get_str(a, "BinaryValue");
	struct strbuf raw = STRBUF_INIT;
	size_t word = type ? strcspn(type, ".") : 0, len;
	bool is_binary = type && word == 6 && !strncmp(type, "Binary", 6);
	int ret;

	if (!*name || strlen(name) > 256 || name[strspn(name, letters)] || *name == '.' ||
		ends_with(name, ".") || strstr(name, "..") || !strncasecmp(name, "aws.", 4) ||
		!strncasecmp(name, "amazon.", 7))
		return sqs_value(err,
			"Message attribute name '%.260s' is invalid. It can contain letters, "
			"digits, "
			"hyphens, underscores and periods.",
			name);
	if (!type || !*type)
		return sqs_value(err,
			"The message attribute '%s' must contain non-empty message attribute type.",
			name);
	if (!is_binary &&
		!(word == 6 && (starts_with(type, "String") || starts_with(type, "Number"))))
		return sqs_value(err,
			"The message attribute '%s' has an invalid message attribute type, the set "
			"of supported type prefixes is Binary, Number, and String.",
			name);
	ret = is_binary && binary ? base64_decode(&raw, binary, strlen(binary)) : 0;
	len = is_binary ? raw.len : text ? strlen(text) : 0;
	strbuf_release(&raw);
	if (ret || len == 0)
		return sqs_value(err,
			"The message attribute '%s' must contain non-empty message attribute value "
			"for message attribute type '%s'.",
			name, is_binary ? "Binary" : "String");
	if (!is_binary && !text_ok(text))
		return local_fault(err, 400, "InvalidMessageContents",
			"The message contains characters outside the allowed set.");
	*bytes += (int64_t)(strlen(name) + strlen(type) + len);
	return 0;
}

int sqs_check_attributes(const struct json *attributes, int64_t *bytes, struct err *err)
{
	const struct json *a;

	if (json_len(attributes) > 10)
		return sqs_value(err,
			"Number of message attributes [%zu] exceeds the allowed maximum [10].",
			json_len(attributes));
	json_each(a, attributes)
	{
		if (check_attribute(a, bytes, err))
			return -1;
	}
	return 0;
}

static int check_ids(const char *name, const char *id, struct err *err)
{
	size_t len = id ? strlen(id) : 1;
	bool good = len > 0 && len <= 128;

	for (const char *p = id; p && *p; p++)
		good = good && *p > 0x20 && *p < 0x7f;
	return good ? 0
		    : sqs_value(err,
			      "Value %s for parameter %s is invalid. Reason: %s can only include "
			      "alphanumeric and punctuation characters. 1 to 128 in length.",
			      id, name, name);
}

static int wrong_kind(struct err *err, const char *value, const char *name)
{
	return sqs_value(err,
		"Value %s for parameter %s is invalid. Reason: The request include parameter that "
		"is not valid for this queue type",
		value, name);
}

struct outgoing {
	const char *body;
	const struct json *attributes;
	const char *group, *dedup, *trace, *sender;
	int64_t delay; /* seconds; -1: the queue's */
	char *hash;    /* the id of a content-based duplicate; malloc'd */
	char *message_id;
	int64_t seq;
};

static int check_fifo(const struct sqs_queue *q, struct outgoing *o, struct err *err)
{
	struct strbuf hash = STRBUF_INIT;

	if (check_ids("MessageGroupId", o->group, err) ||
		check_ids("MessageDeduplicationId", o->dedup, err))
		return -1;
	if (!q->fifo)
		return o->dedup ? wrong_kind(err, o->dedup, "MessageDeduplicationId") : 0;
	if (!o->group)
		return sqs_missing(err, "MessageGroupId");
	if (o->delay > 0)
		return sqs_value(err,
			"Value %lld for parameter DelaySeconds is invalid. Reason: The request "
			"include parameter that is not valid for this queue type.",
			(long long)o->delay);
	if (o->dedup)
		return 0;
	if (!sqs_true(q, "ContentBasedDeduplication"))
		return sqs_value(err, "The queue should either have ContentBasedDeduplication "
				      "enabled or MessageDeduplicationId provided explicitly");
	digest_sha256_hex(o->body, strlen(o->body), &hash);
	o->dedup = o->hash = strbuf_detach(&hash, NULL);
	return 0;
}

static int check_message(const struct sqs_queue *q, struct outgoing *o, struct err *err)
{
	int64_t bytes;

	if (!o->body)
		return sqs_missing(err, "MessageBody");
	bytes = (int64_t)strlen(o->body);
	if (bytes == 0)
		return sqs_missing(err, "MessageBody");
	if (!text_ok(o->body))
		return local_fault(err, 400, "InvalidMessageContents",
			"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
			"#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF");
	if (sqs_check_attributes(o->attributes, &bytes, err))
		return -1;
	if (bytes > sqs_number(q, "MaximumMessageSize"))
		return sqs_value(err,
			"One or more parameters are invalid. Reason: Message must be shorter than "
			"%lld bytes.",
			(long long)sqs_number(q, "MaximumMessageSize"));
	if (o->delay < -1 || o->delay > 900)
		return sqs_value(err,
			"Value %lld for parameter DelaySeconds is invalid. Reason: DelaySeconds "
			"must "
			"be >= 0 and <= 900.",
			(long long)o->delay);
	return check_fifo(q, o, err);
}

/* --- rows --- */

/* 1: the same came within five minutes; its ids then. */
static int duplicate_tx(struct local_cloud *cloud, const struct sqs_queue *q, struct outgoing *o,
	const char *key, struct err *err)
{
	struct sql_stmt *st;
	int row;

	if (sql_run(cloud->db, NULL, err, "DELETE FROM sqs_dedup WHERE queue_id = ? AND at_ms <= ?",
		    "ii", q->id, local_now_ms(cloud) - DEDUP_MS))
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT message_id, seq FROM sqs_dedup WHERE queue_id = ? AND dedup_id = ?", "is",
		q->id, key);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		o->message_id = xstrdup(sql_text(st, 0));
		o->seq = sql_int(st, 1);
	}
	sql_done(st);
	return row;
}

static int insert_tx(
	struct local_cloud *cloud, const struct sqs_queue *q, struct outgoing *o, struct err *err)
{
	int64_t now = local_now_ms(cloud);
	int64_t delay = o->delay >= 0 && !q->fifo ? o->delay : sqs_number(q, "DelaySeconds");
	struct strbuf attrs = STRBUF_INIT;
	int ret;

	if (json_len(o->attributes))
		json_print(o->attributes, &attrs);
	o->message_id = local_uuid();
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO sqs_message (queue_id, message_id, body, attrs, sender, trace, "
		"sent_ms, visible_ms, group_id, dedup_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"isssssiiss", q->id, o->message_id, o->body, attrs.len ? attrs.buf : NULL,
		o->sender, o->trace, now, now + delay * 1000, o->group, o->dedup);
	if (!ret)
		o->seq = sql_last_rowid(cloud->db);
	strbuf_release(&attrs);
	return ret;
}

static int put_tx(
	struct local_cloud *cloud, const struct sqs_queue *q, struct outgoing *o, struct err *err)
{
	const char *scope = json_get_str(q->attrs, "DeduplicationScope");
	char *key = NULL;
	int found = 0, ret;

	if (q->fifo) {
		key = scope && !strcmp(scope, "messageGroup")
			      ? xasprintf("%s\n%s", o->group, o->dedup)
			      : xstrdup(o->dedup);
		found = duplicate_tx(cloud, q, o, key, err);
	}
	ret = found < 0 ? -1 : found ? 0 : insert_tx(cloud, q, o, err);
	if (!ret && !found && q->fifo)
		ret = sql_run(cloud->db, NULL, err,
			"INSERT INTO sqs_dedup (queue_id, dedup_id, at_ms, message_id, seq) VALUES "
			"(?, ?, ?, ?, ?)",
			"isisi", q->id, key, local_now_ms(cloud), o->message_id, o->seq);
	free(key);
	return ret;
}

static void outgoing_release(struct outgoing *o)
{
	free(o->hash);
	free(o->message_id);
}

/* --- the API --- */

static void say_sent(const struct sqs_queue *q, const struct outgoing *o, const struct json *system,
	struct json *out)
{
	struct strbuf md5 = STRBUF_INIT;
	char *seq;

	json_set_str(out, "MessageId", o->message_id);
	sqs_md5_text(o->body, &md5);
	json_set_str(out, "MD5OfMessageBody", md5.buf);
	if (json_len(o->attributes)) {
		strbuf_clear(&md5);
		sqs_md5_attributes(o->attributes, &md5);
		json_set_str(out, "MD5OfMessageAttributes", md5.buf);
	}
	if (json_len(system)) {
		strbuf_clear(&md5);
		sqs_md5_attributes(system, &md5);
		json_set_str(out, "MD5OfMessageSystemAttributes", md5.buf);
	}
	if (q->fifo) {
		seq = xasprintf("%lld%03lld", (long long)(SEQUENCE_BASE + o->seq),
			(long long)(o->seq % 1000));
		json_set_str(out, "SequenceNumber", seq);
		free(seq);
	}
	strbuf_release(&md5);
}

static int check_system(const struct json *system, struct err *err)
{
	const struct json *a;
	int64_t bytes = 0;

	json_each(a, system)
	{
		if (strcmp(json_name(a), "AWSTraceHeader") != 0)
			return sqs_value(err, "Message system attribute name '%s' is invalid.",
				json_name(a));
		if (check_attribute(a, &bytes, err))
			return -1;
	}
	return 0;
}

static int send_entry_tx(struct local_cloud *cloud, struct local_call *k, const struct sqs_queue *q,
	const struct json *entry, struct json *done, struct err *err)
{
	const struct json *system = json_get(entry, "MessageSystemAttributes");
	struct outgoing o = {.body = json_get_str(entry, "MessageBody"),
		.attributes = json_get(entry, "MessageAttributes"),
		.group = json_get_str(entry, "MessageGroupId"),
		.dedup = json_get_str(entry, "MessageDeduplicationId"),
		.trace = json_get_str(json_get(system, "AWSTraceHeader"), "StringValue"),
		.sender = k->req->who->user_id ? k->req->who->user_id : k->req->who->account,
		.delay = json_get_i64(entry, "DelaySeconds", -1)};
	int ret = check_system(system, err);

	if (!ret)
		ret = check_message(q, &o, err);
	if (!ret)
		ret = put_tx(cloud, q, &o, err);
	if (!ret)
		say_sent(q, &o, system, done);
	if (!ret)
		k->wake = local_sqs_notify;
	outgoing_release(&o);
	return ret;
}

static int send_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	k->out = json_object();
	if (!ret)
		ret = send_entry_tx(cloud, k, &q, k->in, k->out, err);
	sqs_queue_release(&q);
	return ret;
}
LOCAL_HANDLER(send_message, send_tx)

/* --- batches --- */

static int check_batch(const struct json *entries, struct err *err)
{
	const struct json *e, *other;
	int64_t bytes = 0;

	if (json_len(entries) == 0)
		return local_fault(err, 400, "EmptyBatchRequest",
			"There should be at least one SendMessageBatchRequestEntry in the "
			"request.");
	if (json_len(entries) > 10)
		return local_fault(err, 400, "TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are 10. You have sent %zu.",
			json_len(entries));
	json_each(e, entries)
	{
		const char *id = json_get_str(e, "Id"), *body = json_get_str(e, "MessageBody");

		if (!id || !*id || strlen(id) > 80 ||
			id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"
				      "89_-")])
			return local_fault(err, 400, "InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, "
				"hyphens "
				"and underscores. It can be at most 80 letters long.");
		json_each(other, entries)
		{
			if (other == e)
				break;
			if (!strcmp(json_get_str(other, "Id"), id))
				return local_fault(err, 400, "BatchEntryIdsNotDistinct",
					"Id %s repeated.", id);
		}
		bytes += body ? (int64_t)strlen(body) : 0;
	}
	if (bytes > BATCH_MAX_BYTES)
		return local_fault(err, 400, "BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes. You have sent %lld bytes.",
			BATCH_MAX_BYTES, (long long)bytes);
	return 0;
}

int sqs_batch_tx(struct local_cloud *cloud, struct local_call *k, sqs_entry_fn *fn, struct err *err)
{
	const struct json *entries = json_get(k->in, "Entries"), *e;
	struct json *good = json_array(), *bad = json_array();
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret)
		ret = check_batch(entries, err);
	json_each(e, entries)
	{
		struct json *done = json_object();
		struct err why = ERR_INIT;

		if (ret) {
			json_free(done);
			break;
		}
		json_set_str(done, "Id", json_get_str(e, "Id"));
		if (fn(cloud, k, &q, e, done, &why) == 0) {
			json_push(good, done);
			done = NULL;
		} else if (why.aws_code) {
			json_set_str(done, "Code", local_sqs_query_code(why.aws_code));
			json_set_str(done, "Message", why.text);
			json_set_bool(done, "SenderFault", true);
			json_push(bad, done);
			done = NULL;
		} else {
			err_move(err, &why);
			ret = -1;
		}
		json_free(done);
		err_release(&why);
	}
	sqs_queue_release(&q);
	if (ret) {
		json_free(good);
		json_free(bad);
		return -1;
	}
	k->out = json_object();
	json_set(k->out, "Successful", good);
	json_set(k->out, "Failed", bad);
	return 0;
}

static int send_batch_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return sqs_batch_tx(cloud, k, send_entry_tx, err);
}
LOCAL_HANDLER(send_batch, send_batch_tx)

/* --- other services --- */

int local_sqs_send_tx(struct local_cloud *cloud, const char *queue_arn, const char *service,
	const char *source_arn, const struct local_sqs_message *m, struct err *err)
{
	struct outgoing o = {.body = m->body,
		.attributes = m->attributes,
		.group = m->group,
		.dedup = m->dedup,
		.sender = service ? service : cloud->account,
		.delay = -1};
	struct sqs_queue q;
	int ret = sqs_queue_by_arn_tx(cloud, queue_arn, &q, err);

	if (!ret && service &&
		!local_service_allowed(cloud, json_get_str(q.attrs, "Policy"), service,
			"sqs:SendMessage", queue_arn, source_arn))
		ret = local_fault(err, 403, "AccessDenied",
			"the policy of queue %s does not let %s send to it for %s", q.name, service,
			source_arn ? source_arn : "anything");
	if (!ret && !q.fifo)
		o.dedup = NULL;
	if (!ret)
		ret = check_message(&q, &o, err);
	if (!ret)
		ret = put_tx(cloud, &q, &o, err);
	outgoing_release(&o);
	sqs_queue_release(&q);
	return ret;
}

static const struct local_route routes[] = {
	{"SendMessage", send_message, sqs_arn_of},
	{"SendMessageBatch", send_batch, sqs_arn_of},
};

const struct local_service local_sqs_message_service = {"sqs", routes, ARRAY_SIZE(routes)};
