/*
 * Messages on their way out: ReceiveMessage, DeleteMessage, ChangeMessageVisibility.
 *
 *   delayed -> visible -> in flight (received, here > 0) -> deleted
 *                 ^            |
 *                 +------------+ the time is over; after maxReceiveCount such rounds: into the dead-letter queue
 *
 * A FIFO group gives nothing more while one of its messages is in flight.
 */
#include "local_sqs.h"

#include "base64.h"
#include "strvec.h"
#include "xalloc.h"

#define BITE_MS 100
#define SEQUENCE_BASE INT64_C(18849496460467696)

/* --- receipt handles: which message, received for the how-manieth time --- */

static char *handle_make(int64_t id, const char *message_id, int64_t count)
{
	char *plain = xasprintf("%lld %lld %s", (long long)id, (long long)count, message_id);
	struct strbuf sb = STRBUF_INIT;

	base64_encode(&sb, plain, strlen(plain));
	free(plain);
	return strbuf_detach(&sb, NULL);
}

struct handle {
	long long id, count;
	char *message_id;
};

static int handle_read(const char *text, struct handle *h, struct err *err)
{
	struct strbuf plain = STRBUF_INIT;
	struct strvec words = STRVEC_INIT;
	int ret = -1;

	h->message_id = NULL;
	if (!text)
		return sqs_missing(err, "ReceiptHandle");
	if (base64_decode(&plain, text, strlen(text)) == 0 && strlen(plain.buf) == plain.len)
		strvec_split(&words, plain.buf, ' ');
	if (words.nr == 3 && parse_int64(words.v[0], 1, INT64_MAX, &h->id) == 0 &&
		parse_int64(words.v[1], 1, INT64_MAX, &h->count) == 0) {
		h->message_id = xstrdup(words.v[2]);
		ret = 0;
	} else {
		local_fault(err, 400, "ReceiptHandleIsInvalid",
			"The input receipt handle \"%.200s\" is not a valid receipt handle.", text);
	}
	strvec_release(&words);
	strbuf_release(&plain);
	return ret;
}

/* --- dead letters --- */

/* Those that were received often enough move on; their ids are new, so that a FIFO queue has them last. */
static int bury_tx(struct local_cloud *cloud, struct local_call *k, const struct sqs_queue *q,
	int64_t now, struct err *err)
{
	struct sqs_queue dead = {0};
	struct json *doc = NULL;
	int64_t most, moved = 0;
	const char *target = sqs_redrive(q, &doc, &most);
	struct err why = ERR_INIT;
	int ret = 0;

	/* a dead-letter queue that is gone takes nothing: the messages stay */
	if (target && sqs_queue_by_arn_tx(cloud, target, &dead, &why) == 0 &&
		(sql_run(cloud->db, &moved, err,
			 "INSERT INTO sqs_message (queue_id, message_id, body, attrs, sender, "
			 "trace, "
			 "sent_ms, visible_ms, first_ms, count, group_id, dedup_id, origin) SELECT "
			 "?, "
			 "message_id, body, attrs, sender, trace, CASE WHEN ? THEN ? ELSE sent_ms "
			 "END, ?, 0, count, group_id, dedup_id, ? FROM sqs_message WHERE queue_id "
			 "= ? "
			 "AND visible_ms <= ? AND here >= ? ORDER BY id",
			 "iiiisiii", dead.id, (int64_t)q->fifo, now, now, q->arn, q->id, now,
			 most) ||
			sql_run(cloud->db, NULL, err,
				"DELETE FROM sqs_message WHERE queue_id = ? AND visible_ms <= ? "
				"AND "
				"here >= ?",
				"iii", q->id, now, most)))
		ret = -1;
	if (moved > 0)
		k->wake = local_sqs_notify;
	err_release(&why);
	json_free(doc);
	sqs_queue_release(&dead);
	return ret;
}

/* --- receive --- */

static bool wants(const struct json *names, const char *name)
{
	const struct json *n;

	json_each(n, names)
	{
		const char *s = json_str(n) ? json_str(n) : "";
		size_t len = strlen(s);

		if (!strcmp(s, "All") || !strcmp(s, ".*") || !strcmp(s, name))
			return true;
		if (len > 2 && ends_with(s, ".*") && !strncmp(s, name, len - 1))
			return true;
	}
	return false;
}

/* The system attributes of a row, as far as they are asked for; the row's columns as in taken_tx(). */
static struct json *system_of(struct sql_stmt *st, const struct sqs_queue *q,
	const struct json *names, const struct json *more, int64_t now)
{
	static const struct {
		const char *name;
		int column;
		bool fifo;
	} rows[] = {
		{"SenderId", 4, false},
		{"AWSTraceHeader", 5, false},
		{"SentTimestamp", 6, false},
		{"ApproximateFirstReceiveTimestamp", 7, false},
		{"ApproximateReceiveCount", 8, false},
		{"MessageGroupId", 9, false},
		{"MessageDeduplicationId", 10, true},
		{"DeadLetterQueueSourceArn", 11, false},
		{"SequenceNumber", 0, true},
	};
	struct json *out = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t n = sql_int(st, rows[i].column);
		char *text;

		if ((!wants(names, rows[i].name) && !wants(more, rows[i].name)) ||
			(rows[i].fifo && !q->fifo))
			continue;
		if (rows[i].column == 0)
			text = xasprintf("%lld%03lld", (long long)(SEQUENCE_BASE + n),
				(long long)(n % 1000));
		else if (rows[i].column == 7 || rows[i].column == 8)
			text = xasprintf("%lld", (long long)(rows[i].column == 8 ? n + 1
							     : n                 ? n
										 : now));
		else
			text = sql_text_dup(st, rows[i].column);
		json_set_str(out, rows[i].name, text);
		free(text);
	}
	return out;
}

static struct json *message_of(
	struct sql_stmt *st, const struct sqs_queue *q, const struct json *in, int64_t now)
{
	struct json *m = json_object(), *some = json_object(), *system, *all, *a;
	const char *body = sql_text(st, 2), *attrs = sql_text(st, 3);
	char *handle = handle_make(sql_int(st, 0), sql_text(st, 1), sql_int(st, 8) + 1);
	struct strbuf md5 = STRBUF_INIT;

	json_set_str(m, "MessageId", sql_text(st, 1));
	json_set_str(m, "ReceiptHandle", handle);
	sqs_md5_text(body, &md5);
	json_set_str(m, "MD5OfBody", md5.buf);
	json_set_str(m, "Body", body);
	system = system_of(st, q, json_get(in, "AttributeNames"),
		json_get(in, "MessageSystemAttributeNames"), now);
	if (json_len(system))
		json_set(m, "Attributes", json_copy(system));
	all = attrs ? json_parse(attrs, strlen(attrs), NULL) : NULL;
	json_each(a, all)
	{
		if (wants(json_get(in, "MessageAttributeNames"), json_name(a)))
			json_set(some, json_name(a), json_copy(a));
	}
	if (json_len(some)) {
		strbuf_clear(&md5);
		sqs_md5_attributes(some, &md5);
		json_set_str(m, "MD5OfMessageAttributes", md5.buf);
		json_set(m, "MessageAttributes", json_copy(some));
	}
	json_free(some);
	json_free(system);
	json_free(all);
	strbuf_release(&md5);
	free(handle);
	return m;
}

struct receive {
	int64_t most, visible_s, wait_s;
	struct strvec ids;
};

/* Marks what was read as received once more. */
static int taken_tx(struct local_cloud *cloud, const struct sqs_queue *q, struct sql_stmt *st,
	const struct json *in, struct receive *r, struct json *messages, int64_t now,
	struct err *err)
{
	int row, ret;

	while ((row = sql_step(st, err)) > 0) {
		json_push(messages, message_of(st, q, in, now));
		strvec_pushf(&r->ids, "%lld", (long long)sql_int(st, 0));
	}
	sql_done(st);
	ret = row;
	for (size_t i = 0; !ret && i < r->ids.nr; i++)
		ret = sql_run(cloud->db, NULL, err,
			"UPDATE sqs_message SET visible_ms = ?1 + ?2, count = count + 1, here = "
			"here "
			"+ 1, first_ms = CASE first_ms WHEN 0 THEN ?1 ELSE first_ms END WHERE id = "
			"CAST(?3 AS INTEGER)",
			"iis", now, r->visible_s * 1000, r->ids.v[i]);
	return ret;
}

static int receive_tx(
	struct local_cloud *cloud, struct local_call *k, struct receive *r, struct err *err)
{
	int64_t now = local_now_ms(cloud);
	struct json *messages = json_array();
	struct sqs_queue q;
	struct sql_stmt *st = NULL;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (ret || bury_tx(cloud, k, &q, now, err)) {
		ret = -1;
		goto out;
	}
	if (json_get_i64(k->in, "WaitTimeSeconds", -1) < 0)
		r->wait_s = sqs_number(&q, "ReceiveMessageWaitTimeSeconds");
	r->visible_s =
		json_get_i64(k->in, "VisibilityTimeout", sqs_number(&q, "VisibilityTimeout"));
	st = sql_query(cloud->db, err,
		"SELECT id, message_id, body, attrs, sender, trace, sent_ms, first_ms, count, "
		"group_id, dedup_id, origin FROM sqs_message m WHERE queue_id = ?1 AND visible_ms "
		"<= ?2 AND (NOT ?3 OR NOT EXISTS (SELECT 1 FROM sqs_message b WHERE b.queue_id = "
		"m.queue_id AND b.group_id = m.group_id AND b.id < m.id AND b.visible_ms > ?2)) "
		"ORDER BY id LIMIT ?4",
		"iiii", q.id, now, (int64_t)q.fifo, r->most);
	ret = st ? taken_tx(cloud, &q, st, k->in, r, messages, now, err) : -1;
out:
	k->out = json_object();
	if (json_len(messages))
		json_set(k->out, "Messages", messages);
	else
		json_free(messages);
	sqs_queue_release(&q);
	return ret;
}

static int check_receive(const struct json *in, struct receive *r, struct err *err)
{
	int64_t visible = json_get_i64(in, "VisibilityTimeout", 0);

	r->most = json_get_i64(in, "MaxNumberOfMessages", 1);
	r->wait_s = json_get_i64(in, "WaitTimeSeconds", 0);
	if (r->most < 1 || r->most > 10)
		return sqs_value(err,
			"Value %lld for parameter MaxNumberOfMessages is invalid. Reason: Must be "
			"between 1 and 10, if provided.",
			(long long)r->most);
	if (r->wait_s < 0 || r->wait_s > 20)
		return sqs_value(err,
			"Value %lld for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 "
			"and <= 20, if provided.",
			(long long)r->wait_s);
	if (visible < 0 || visible > 43200)
		return sqs_value(err,
			"Value %lld for parameter VisibilityTimeout is invalid. Reason: Must be >= "
			"0 "
			"and <= 43200, if provided.",
			(long long)visible);
	return 0;
}

/* Until somebody sends, a delay is over, or the time is; in bites, for the cloud's clock may be moved. */
static void wait_for_send(struct sqs_state *s, unsigned long *seen)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += BITE_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&s->lock);
	if (s->sends == *seen)
		pthread_cond_timedwait(&s->cond, &s->lock, &until);
	*seen = s->sends;
	pthread_mutex_unlock(&s->lock);
}

static int receive_once(struct local_cloud *cloud, const struct local_request *req,
	struct receive *r, struct json **out, struct err *err)
{
	struct local_call k = {.req = req, .in = req->in};
	int ret;

	if (local_tx_begin(cloud, err))
		return -1;
	ret = receive_tx(cloud, &k, r, err);
	ret = local_tx_finish(cloud, ret, err);
	if (!ret && k.wake)
		k.wake(cloud);
	json_free(*out);
	*out = k.out;
	return ret;
}

static int receive_message(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct sqs_state *s = sqs_state(cloud);
	struct receive r = {.ids = STRVEC_INIT};
	int64_t began = local_now_ms(cloud);
	unsigned long seen;
	int ret = check_receive(req->in, &r, err);

	pthread_mutex_lock(&s->lock);
	seen = s->sends;
	pthread_mutex_unlock(&s->lock);
	while (!ret) {
		ret = receive_once(cloud, req, &r, out, err);
		if (ret || json_get(*out, "Messages") || local_stopping(cloud) ||
			local_now_ms(cloud) >= began + r.wait_s * 1000)
			break;
		wait_for_send(s, &seen);
	}
	strvec_release(&r.ids);
	return ret;
}

/* --- what a handle names --- */

/* 1: the message is in the queue (*current: this handle is its newest and its time is not over); 0: it is gone. */
static int handle_find_tx(struct local_cloud *cloud, const struct sqs_queue *q,
	const struct handle *h, bool *current, bool *in_flight, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT count, visible_ms, here FROM sqs_message WHERE id = ? AND queue_id = ? AND "
		"message_id = ?",
		"iis", (int64_t)h->id, q->id, h->message_id);
	int row = st ? sql_step(st, err) : -1;

	*in_flight = row > 0 && sql_int(st, 1) > local_now_ms(cloud) && sql_int(st, 2) > 0;
	*current = *in_flight && sql_int(st, 0) == h->count;
	sql_done(st);
	return row;
}

/* Any handle of a standard queue's message deletes it; of a FIFO queue's, only one whose time is not over. */
static int delete_entry_tx(struct local_cloud *cloud, struct local_call *k unused_arg,
	const struct sqs_queue *q, const struct json *entry, struct json *done unused_arg,
	struct err *err)
{
	const char *text = json_get_str(entry, "ReceiptHandle");
	struct handle h;
	bool current, in_flight;
	int row, ret = handle_read(text, &h, err);

	if (ret)
		return -1;
	row = handle_find_tx(cloud, q, &h, &current, &in_flight, err);
	if (row > 0 && q->fifo && !current)
		row = sqs_value(err,
			"Value %s for parameter ReceiptHandle is invalid. Reason: The receipt "
			"handle "
			"has expired.",
			text);
	if (row > 0)
		row = sql_run(cloud->db, NULL, err, "DELETE FROM sqs_message WHERE id = ?", "i",
			(int64_t)h.id);
	free(h.message_id);
	/* the next of its group is free */
	if (q->fifo && row == 0)
		k->wake = local_sqs_notify;
	return row < 0 ? -1 : 0;
}

static int change_entry_tx(struct local_cloud *cloud, struct local_call *k,
	const struct sqs_queue *q, const struct json *entry, struct json *done unused_arg,
	struct err *err)
{
	int64_t seconds = json_get_i64(entry, "VisibilityTimeout", -1), now = local_now_ms(cloud);
	struct handle h;
	bool current, in_flight;
	int row;

	if (!json_get(entry, "VisibilityTimeout"))
		return sqs_missing(err, "VisibilityTimeout");
	if (seconds < 0 || seconds > 43200)
		return sqs_value(err,
			"Value %lld for parameter VisibilityTimeout is invalid. Reason: Must be "
			"between 0 and 43200, if provided.",
			(long long)seconds);
	if (handle_read(json_get_str(entry, "ReceiptHandle"), &h, err))
		return -1;
	row = handle_find_tx(cloud, q, &h, &current, &in_flight, err);
	if (!row)
		row = sqs_value(err,
			"Value %s for parameter ReceiptHandle is invalid. Reason: Message does not "
			"exist or is not available for visibility timeout change.",
			json_get_str(entry, "ReceiptHandle"));
	else if (row > 0 && !in_flight)
		row = local_fault(err, 400, "MessageNotInflight",
			"Value %s for parameter ReceiptHandle is invalid. Reason: Message does not "
			"exist or is not available for visibility timeout change.",
			json_get_str(entry, "ReceiptHandle"));
	if (row > 0)
		row = sql_run(cloud->db, NULL, err,
			"UPDATE sqs_message SET visible_ms = ? WHERE id = ?", "ii",
			now + seconds * 1000, (int64_t)h.id);
	if (row == 0 && seconds == 0)
		k->wake = local_sqs_notify;
	free(h.message_id);
	return row < 0 ? -1 : 0;
}

static int single_tx(
	struct local_cloud *cloud, struct local_call *k, sqs_entry_fn *fn, struct err *err)
{
	struct sqs_queue q;
	int ret = sqs_queue_asked_tx(cloud, k->req, &q, err);

	if (!ret)
		ret = fn(cloud, k, &q, k->in, NULL, err);
	sqs_queue_release(&q);
	return ret;
}

static int delete_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return single_tx(cloud, k, delete_entry_tx, err);
}
LOCAL_HANDLER(delete_message, delete_tx)

static int delete_batch_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return sqs_batch_tx(cloud, k, delete_entry_tx, err);
}
LOCAL_HANDLER(delete_batch, delete_batch_tx)

static int change_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return single_tx(cloud, k, change_entry_tx, err);
}
LOCAL_HANDLER(change_visibility, change_tx)

static int change_batch_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return sqs_batch_tx(cloud, k, change_entry_tx, err);
}
LOCAL_HANDLER(change_batch, change_batch_tx)

static const struct local_route routes[] = {
	{"ChangeMessageVisibility", change_visibility, sqs_arn_of},
	{"ChangeMessageVisibilityBatch", change_batch, sqs_arn_of},
	{"DeleteMessage", delete_message, sqs_arn_of},
	{"DeleteMessageBatch", delete_batch, sqs_arn_of},
	{"ReceiveMessage", receive_message, sqs_arn_of},
};

const struct local_service local_sqs_receive_service = {"sqs", routes, ARRAY_SIZE(routes)};
