#ifndef OBJECT_EVENT_H
#define OBJECT_EVENT_H

/*
 * Messages that tell of objects that have come to S3, in the forms in which a queue gets them: EventBridge's "Object Created", EventBridge's
 * "AWS API Call via CloudTrail" (detail.requestParameters), and S3's own notification (Records). Pure. Pages: "EventBridge: Amazon S3 events",
 * "Event message structure", "CloudTrail record contents".
 */
#include <stddef.h>
#include "err.h"

struct object_name {
	char *bucket, *key; /* UTF-8, never empty */
};
struct object_event {
	struct object_name *v;
	size_t nr, alloc;
	char *what; /* nr 0: what it tells of instead ("s3:TestEvent", "Object Deleted") */
};
#define OBJECT_EVENT_INIT        \
	{                        \
		NULL, 0, 0, NULL \
	}
/* ERR_INVALID: no JSON, or none of these forms; *out is then empty. What tells of something else than a new object has none. */
int object_event_parse(
	const char *text, size_t len, struct object_event *out, struct err *err) must_check;
void object_event_release(struct object_event *e);

#endif
