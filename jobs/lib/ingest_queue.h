#ifndef INGEST_QUEUE_H
#define INGEST_QUEUE_H

/*
 * The objects that a queue's messages tell of, until it is empty. A message is deleted when all that it tells of has been ingested, told as
 * bad in the metadata, or is nothing of ours; what may pass leaves it to come again. The last to leave waits, for one visibility
 * timeout, for what others hold: a run that died leaves its messages to it.
 */
#include "ingest_event.h"

struct ingest_queue_options {
	const char *queue; /* URL or name */
	long long wait_s;  /* for messages, before the queue is taken as empty */
	struct ingest_options load;
};
/* `e` has all but its key. ERR_FAILED when messages were left, after all others; any other error ends at once. */
int ingest_queue_run(struct ingest_event *e, const struct ingest_queue_options *opts,
	struct err *err) must_check;

#endif
