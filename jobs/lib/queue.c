#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "joblog.h"
#include "ops.h"

/* Of a queue that has none: every message would come again at once. */
#define VISIBILITY_S 30
#define POLL_S 2

struct queue {
	struct aws_client *aws;
	char *url;
	int visibility_s;
	pthread_t thread;
	pthread_mutex_t lock; /* stop, v, nr: the thread reads them */
	pthread_cond_t wake;
	bool runs, stop;
	struct queue_message v[QUEUE_MOST];
	size_t nr;
};

static struct json *request(const struct queue *q)
{
	struct json *in = json_object();

	json_set_str(in, "QueueUrl", q->url);
	return in;
}

static int attribute(struct queue *q, const char *name, int64_t *out, struct err *err)
{
	struct json *in = request(q), *names = json_array(), *reply = NULL;
	int ret;

	json_push_str(names, name);
	json_set(in, "AttributeNames", names);
	ret = aws_call(q->aws, &sqs_get_queue_attributes, in, &reply, err);
	*out = json_get_i64(json_get(reply, "Attributes"), name, 0);
	json_free(in);
	json_free(reply);
	return ret;
}

int queue_in_flight(struct queue *q, int64_t *nr, struct err *err)
{
	return attribute(q, "ApproximateNumberOfMessagesNotVisible", nr, err);
}

/* --- what many messages at once are told --- */

/* Those that `pick` takes; NULL for none. `q->v` is not changed meanwhile. */
static struct json *entries_of(struct queue *q, bool done, int visibility_s)
{
	struct json *in = request(q), *entries = json_array();

	for (size_t i = 0; i < q->nr; i++) {
		struct json *entry;
		char id[32];

		if (done ? !q->v[i].done : !q->v[i].held)
			continue;
		entry = json_object();
		snprintf(id, sizeof(id), "%zu", i);
		json_set_str(entry, "Id", id);
		json_set_str(entry, "ReceiptHandle", q->v[i].handle);
		if (!done)
			json_set_i64(entry, "VisibilityTimeout", visibility_s);
		json_push(entries, entry);
	}
	if (json_len(entries)) {
		json_set(in, "Entries", entries);
		return in;
	}
	json_free(entries);
	json_free(in);
	return NULL;
}

static int send_entries(struct queue *q, const struct aws_op *op, struct json *in, struct err *err)
{
	struct json *out = NULL, *failed;
	int ret = in ? aws_call(q->aws, op, in, &out, err) : 0;

	json_each(failed, json_get(out, "Failed"))
	{
		const char *code = json_get_str(failed, "Code");
		const char *text = json_get_str(failed, "Message");

		job_log(JOB_WARN, "queue", "call=%s code=%s error=\"%s\"", op->name,
			code ? code : "-", text ? text : "-");
	}
	json_free(in);
	json_free(out);
	return ret;
}

/* --- the thread --- */

static void extend(struct queue *q)
{
	struct json *in = entries_of(q, false, q->visibility_s);
	struct err err = ERR_INIT;

	pthread_mutex_unlock(&q->lock);
	if (send_entries(q, &sqs_change_message_visibility_batch, in, &err) != 0 &&
		err.code != ERR_INTERRUPTED)
		job_log(JOB_WARN, "queue", "error=\"%s\"", err.text);
	err_release(&err);
	pthread_mutex_lock(&q->lock);
}

static void *keep(void *arg)
{
	struct queue *q = arg;
	int64_t pause_ms = (int64_t)q->visibility_s * 1000 / 3;

	pthread_mutex_lock(&q->lock);
	while (!q->stop) {
		struct timespec until;
		int ret = 0;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += pause_ms / 1000;
		until.tv_nsec += pause_ms % 1000 * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		while (!q->stop && ret != ETIMEDOUT)
			ret = pthread_cond_timedwait(&q->wake, &q->lock, &until);
		if (!q->stop)
			extend(q);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* --- life --- */

/* By its name, or as it is. */
static int find_url(struct queue *q, const char *queue, struct err *err)
{
	struct json *in, *reply = NULL;
	int ret;

	if (strstr(queue, "://")) {
		q->url = xstrdup(queue);
		return 0;
	}
	in = json_object();
	json_set_str(in, "QueueName", queue);
	ret = aws_call(q->aws, &sqs_get_queue_url, in, &reply, err);
	q->url = xstrdup(json_get_str(reply, "QueueUrl"));
	json_free(in);
	json_free(reply);
	if (ret == 0 && !q->url)
		ret = err_set(err, ERR_FAILED, "GetQueueUrl gives no QueueUrl");
	return ret;
}

struct queue *queue_open(struct job *job, const char *queue, struct err *err)
{
	struct queue *q = xcalloc(1, sizeof(*q));
	pthread_condattr_t attr;
	int64_t visibility_s = 0;

	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &attr);
	pthread_condattr_destroy(&attr);
	q->aws = job_aws(job, err);
	if (!q->aws || find_url(q, queue, err) != 0 ||
		attribute(q, "VisibilityTimeout", &visibility_s, err) != 0) {
		if (q->aws)
			err_wrap(err, "queue '%s'", queue);
		queue_close(q);
		return NULL;
	}
	q->visibility_s = visibility_s > 0 ? (int)visibility_s : VISIBILITY_S;
	q->runs = pthread_create(&q->thread, NULL, keep, q) == 0;
	if (!q->runs) {
		err_set(err, ERR_FAILED, "cannot start the queue's thread");
		queue_close(q);
		return NULL;
	}
	return q;
}

static void forget(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < q->nr; i++) {
		free(q->v[i].id);
		free(q->v[i].handle);
		free(q->v[i].body);
		q->v[i] = (struct queue_message){0};
	}
	q->nr = 0;
	pthread_mutex_unlock(&q->lock);
}

void queue_close(struct queue *q)
{
	if (!q)
		return;
	if (q->runs) {
		pthread_mutex_lock(&q->lock);
		q->stop = true;
		pthread_cond_signal(&q->wake);
		pthread_mutex_unlock(&q->lock);
		pthread_join(q->thread, NULL);
	}
	forget(q);
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	free(q->url);
	free(q);
}

int queue_visibility_s(const struct queue *q)
{
	return q->visibility_s;
}

/* --- messages --- */

static int receive(struct queue *q, long long wait_s, struct err *err)
{
	struct json *in = request(q), *reply = NULL, *m;
	int ret;

	json_set_i64(in, "MaxNumberOfMessages", QUEUE_MOST);
	json_set_i64(in, "WaitTimeSeconds", wait_s);
	json_set_i64(in, "VisibilityTimeout", q->visibility_s);
	ret = aws_call(q->aws, &sqs_receive_message, in, &reply, err);
	pthread_mutex_lock(&q->lock);
	json_each(m, json_get(reply, "Messages"))
	{
		const char *id = json_get_str(m, "MessageId");
		const char *handle = json_get_str(m, "ReceiptHandle"),
			   *body = json_get_str(m, "Body");

		if (id && handle && q->nr < QUEUE_MOST)
			q->v[q->nr++] = (struct queue_message){.id = xstrdup(id),
				.handle = xstrdup(handle),
				.body = xstrdup(body ? body : ""),
				.held = true};
	}
	pthread_mutex_unlock(&q->lock);
	json_free(in);
	json_free(reply);
	return ret;
}

int queue_receive(
	struct queue *q, long long wait_s, struct queue_message **out, size_t *nr, struct err *err)
{
	int ret;

	/* A signal is heard between the polls, and no message is taken after it. */
	do {
		long long one_s = wait_s < POLL_S ? wait_s : POLL_S;

		ret = job_check_interrupt(err);
		if (ret == 0)
			ret = receive(q, one_s, err);
		wait_s -= one_s;
	} while (ret == 0 && !q->nr && wait_s > 0);
	*out = q->v;
	*nr = q->nr;
	return ret;
}

void queue_leave(struct queue *q, struct queue_message *m)
{
	pthread_mutex_lock(&q->lock);
	m->held = false;
	pthread_mutex_unlock(&q->lock);
}

int queue_settle(struct queue *q, struct err *err)
{
	int ret = send_entries(q, &sqs_delete_message_batch, entries_of(q, true, 0), err);

	forget(q);
	return ret;
}
