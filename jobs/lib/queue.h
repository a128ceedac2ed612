#ifndef QUEUE_H
#define QUEUE_H

/*
 * Work that waits in an SQS queue, ten messages at a time. While they are held their visibility is extended by a thread, however long the work
 * takes; what its holder does not delete, or a holder that died, comes again. API pages: "ReceiveMessage", "DeleteMessageBatch",
 * "ChangeMessageVisibilityBatch", "GetQueueAttributes".
 */
#include <stdbool.h>
#include "job.h"

#define QUEUE_MOST 10

struct queue_message {
	char *id, *handle, *body;
	bool held; /* its visibility is extended */
	bool done; /* queue_settle deletes it */
};
struct queue;
/* By its URL or its name. Asks for its visibility timeout; ERR_NOT_FOUND when there is no such queue. NULL on error. */
struct queue *queue_open(struct job *job, const char *queue, struct err *err) must_check;
void queue_close(struct queue *q); /* NULL is fine; what is held comes again */
int queue_visibility_s(const struct queue *q);

/* Waits up to `wait_s` for messages; *out is borrowed until queue_settle. */
int queue_receive(struct queue *q, long long wait_s, struct queue_message **out, size_t *nr,
	struct err *err) must_check;
/* The message comes again when its visibility timeout has passed. */
void queue_leave(struct queue *q, struct queue_message *m);
/* Deletes those that are done, and lets go of all. A message that SQS does not delete is told, and comes again. */
int queue_settle(struct queue *q, struct err *err) must_check;
/* About how many messages somebody holds, this session too. */
int queue_in_flight(struct queue *q, int64_t *nr, struct err *err) must_check;

#endif
