#ifndef LOCAL_WORKFLOW_H
#define LOCAL_WORKFLOW_H

/*
 * Where job runs, crawls and triggers meet. The trigger engine (local_triggers.c) starts jobs and crawlers for
 * triggers; runner and crawler tell it when one has ended. A `cause` says who started a run.
 */
#include "local_cloud.h"

struct local_cause {
	const char *trigger_name;    /* NULL: started from outside */
	const char *workflow_name;   /* NULL: not in a workflow run */
	const char *workflow_run_id; /* NULL: not in a workflow run */
};

/* Starts a crawl for a trigger; *crawl_id malloc'd. Faults as StartCrawler's (CrawlerRunningException…). (crawler part) */
int local_crawler_start(struct local_cloud *cloud, const char *name,
	const struct local_cause *cause, char **crawl_id, struct err *err) must_check;
/* Asks it to stop; fine when it does not run. (crawler part) */
int local_crawler_stop(struct local_cloud *cloud, const char *name, struct err *err) must_check;
/* {"State","StartedOn","CompletedOn","ErrorMessage","LogGroup","LogStream"} of one crawl, as workflow graphs show it. (crawler part) */
int local_crawl_describe(struct local_cloud *cloud, const char *crawl_id, struct json **out,
	struct err *err) must_check;

/* Tells the trigger engine that a crawl or job run has come to rest. Not inside a transaction. (triggers part) */
void local_workflow_job_ended(struct local_cloud *cloud, const char *job, const char *run_id,
	const char *state, const struct local_cause *cause);
void local_workflow_crawl_ended(struct local_cloud *cloud, const char *crawler,
	const char *crawl_id, const char *state, const struct local_cause *cause);

/* Next time after `after_ms` that a Glue/EventBridge schedule "cron(…)" or "rate(…)" fires, UTC; -1 with ERR_INVALID when it is none. */
int local_schedule_next(
	const char *expression, int64_t after_ms, int64_t *next_ms, struct err *err) must_check;

#endif
