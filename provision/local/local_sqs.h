#ifndef LOCAL_SQS_H
#define LOCAL_SQS_H

/*
 * Queues inside the local cloud (Amazon SQS API Reference, JSON protocol). A message is a row; it is visible, delayed or
 * in flight by its time `visible_ms` on the cloud's clock. What is older than its queue keeps it goes with the next
 * call that looks at the queue. Functions that end in _tx want to be called inside a transaction.
 *
 * A queue's policy is evaluated for the services that send to it (SNS, EventBridge): without an allowance nothing
 * arrives, as on AWS. For roles a denial in it counts; an allowance adds nothing to what the role may do.
 */
#include "local_cloud.h"

extern const struct local_part local_sqs_part;
extern const struct local_service local_sqs_service, local_sqs_message_service,
	local_sqs_receive_service;

#define sqs_value(err, ...) local_fault(err, 400, "InvalidParameterValue", __VA_ARGS__)
#define sqs_missing(err, name) \
	local_fault(           \
		err, 400, "MissingParameter", "The request must contain the parameter " name ".")

/* --- for the other services --- */
struct local_sqs_message {
	const char *body;
	const struct json
		*attributes; /* {"name": {"DataType", "StringValue"|"BinaryValue"}}; NULL: none */
	const char *group, *dedup; /* FIFO; NULL else */
};
/*
 * Sends as `service` ("sns.amazonaws.com") for `source_arn`, which the queue's policy must allow; NULL: nobody asks it.
 * Faults: QueueDoesNotExist, AccessDenied, InvalidParameterValue. Wakes nobody: local_sqs_notify() after the commit.
 */
int local_sqs_send_tx(struct local_cloud *cloud, const char *queue_arn, const char *service,
	const char *source_arn, const struct local_sqs_message *m, struct err *err) must_check;
void local_sqs_notify(struct local_cloud *cloud);
/* Does a resource's own policy (its text, or NULL) let the service do it? */
bool local_service_allowed(struct local_cloud *cloud, const char *policy, const char *service,
	const char *action, const char *arn, const char *source_arn);
/* AccessDenied when the resource's own policy denies it to the caller of the request. */
int local_resource_denies(struct local_cloud *cloud, const char *policy,
	const struct local_principal *who, const char *action, const char *arn,
	struct err *err) must_check;
/* The code that clients of the old query protocol know (header x-amzn-query-error): "AWS.SimpleQueueService.NonExistentQueue". */
const char *local_sqs_query_code(const char *code);

/* --- one queue --- */
struct sqs_queue {
	int64_t id, created_ms, modified_ms, purged_ms;
	char *arn, *name, *region;
	struct json *attrs; /* what was set, texts */
	bool fifo;
};
void sqs_queue_release(struct sqs_queue *q);
/* By the request's QueueUrl; QueueDoesNotExist. Drops what is too old. The queue's own policy may deny. */
int sqs_queue_asked_tx(struct local_cloud *cloud, const struct local_request *req,
	struct sqs_queue *q, struct err *err) must_check;
int sqs_queue_by_arn_tx(struct local_cloud *cloud, const char *arn, struct sqs_queue *q,
	struct err *err) must_check;
/* An attribute's number, set or by default. */
int64_t sqs_number(const struct sqs_queue *q, const char *attribute);
bool sqs_true(const struct sqs_queue *q, const char *attribute);
/* "http://127.0.0.1:PORT/ACCOUNT/NAME"; malloc'd. */
char *sqs_url(struct local_cloud *cloud, const struct sqs_queue *q);
/* The ARN that policies are matched against: of QueueUrl or QueueName. */
void sqs_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);

/* One entry of a batch: fills `done`, or fails. */
typedef int sqs_entry_fn(struct local_cloud *cloud, struct local_call *k, const struct sqs_queue *q,
	const struct json *entry, struct json *done, struct err *err);
/* Ids, number and size of a batch are checked; then each entry for itself. */
int sqs_batch_tx(struct local_cloud *cloud, struct local_call *k, sqs_entry_fn *fn,
	struct err *err) must_check;

/* --- attributes (local_sqs_attributes.c) --- */
/* Checks what is given against what each attribute may be, and merges it into q->attrs. */
int sqs_attributes_set_tx(struct local_cloud *cloud, struct sqs_queue *q, const struct json *given,
	bool create, struct err *err) must_check;
/* Is there one among `given` that differs from the queue's? Its name, or NULL. */
const char *sqs_attributes_differ(const struct sqs_queue *q, const struct json *given);
int sqs_get_attributes_tx(
	struct local_cloud *cloud, struct local_call *k, struct err *err) must_check;
/* deadLetterTargetArn (borrowed from *doc, the caller's) and maxReceiveCount; NULL without such a policy. */
const char *sqs_redrive(const struct sqs_queue *q, struct json **doc, int64_t *most);

/* --- digests (local_sqs_send.c): MD5 as clients check it, appended in hex --- */
void sqs_md5_text(const char *text, struct strbuf *out);
void sqs_md5_attributes(const struct json *attributes, struct strbuf *out);
int sqs_check_attributes(const struct json *attributes, int64_t *bytes, struct err *err) must_check;

/* --- the part's memory --- */
struct sqs_state {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned long sends;
	int64_t name_rest_ms; /* how long a deleted queue's name rests */
};
struct sqs_state *sqs_state(struct local_cloud *cloud);

#endif
