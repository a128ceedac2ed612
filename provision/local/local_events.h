#ifndef LOCAL_EVENTS_H
#define LOCAL_EVENTS_H

/*
 * EventBridge inside the local cloud (Amazon EventBridge API Reference): buses, rules, targets, schedules. An event
 * that fits a rule is a row for each of the rule's targets, written before PutEvents answers; a thread delivers
 * the rows, retries what may come right, and gives up into the target's dead-letter queue. So a crash loses no event.
 */
#include "local_cloud.h"

extern const struct local_part local_events_part;
extern const struct local_service local_events_service, local_events_bus_service,
	local_events_put_service;

/*
 * An event of one of the cloud's own services ("aws.glue", "Glue Job State Change", ["arn:…"], {…}) on the default bus of
 * the cloud's region. `resources` is an array or NULL; both documents stay the caller's. Trouble is logged: the
 * service's own work does not fail for it. The second form is for callers that are inside a transaction.
 */
void local_event_put(struct local_cloud *cloud, const char *source, const char *detail_type,
	const struct json *resources, const struct json *detail);
int local_event_put_tx(struct local_cloud *cloud, const char *source, const char *detail_type,
	const struct json *resources, const struct json *detail, struct err *err) must_check;
/* The deliverer looks again, as soon as it gets the database. */
void local_events_kick(struct local_cloud *cloud);

/* --- what Glue and S3 tell of themselves (local_events_own.c); inside a transaction --- */
/* "Glue Job State Change" of a run that has come to rest. `error` may be NULL. */
int local_event_job_tx(struct local_cloud *cloud, const char *job, const char *run_id,
	const char *state, const char *error, struct err *err) must_check;
/* "Glue Crawler State Change"; state as ListCrawls has it. */
int local_event_crawl_tx(struct local_cloud *cloud, const char *crawler, const char *state,
	struct err *err) must_check;
/* "Object Created" or "Object Deleted", where the bucket's notification configuration wants it. */
struct local_event_object {
	const char *bucket, *key, *etag, *version; /* etag NULL: it was deleted */
	const char *reason;                        /* "PutObject" */
	int64_t size;
	bool marker; /* a delete marker came */
};
int local_event_object_tx(
	struct local_cloud *cloud, const struct local_event_object *o, struct err *err) must_check;

#endif
