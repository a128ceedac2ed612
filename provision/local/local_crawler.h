#ifndef LOCAL_CRAWLER_H
#define LOCAL_CRAWLER_H

/*
 * Crawlers inside the local Glue. A crawler is READY, RUNNING or STOPPING; a crawl RUNNING, then SUCCEEDED, FAILED or
 * CANCELLED. One task thread runs each crawl; StopCrawler sets STOPPING, which the task sees between files.
 */
#include "local_crawl_plan.h"
#include "local_glue.h"
#include "local_workflow.h"

extern const struct local_part local_crawler_part;
extern const struct local_service local_crawler_service;

#define CRAWLER_LOG_GROUP "/aws-glue/crawlers"

/* The Crawler document, with state and times; EntityNotFoundException. */
struct json *crawler_get_tx(struct local_cloud *cloud, const char *name, struct err *err);
/* When the schedule says next; 0: none. Wakes the scheduler. */
int crawler_schedule_tx(struct local_cloud *cloud, const char *name, struct err *err) must_check;

/* --- a crawl's work (local_crawler_run.c) --- */
struct crawl {
	struct local_cloud *cloud;
	char *id, *crawler;
	struct json *doc;                        /* the crawler as it was at the start */
	char *trigger, *workflow, *workflow_run; /* NULL: none */
	struct local_principal who;
	struct strbuf log;
	int64_t created, updated, deleted, partitions_added;
};
bool crawl_stopped(struct crawl *c);
void crawl_log(struct crawl *c, const char *level, const char *fmt, ...) printf_like(3, 4);
/* Writes what was found to the catalog (local_crawler_tables.c). `found`: one for each target. */
int crawl_write(struct crawl *c, struct crawl_tree *const *trees, struct crawl_tables *found,
	size_t nr, struct err *err) must_check;

#endif
