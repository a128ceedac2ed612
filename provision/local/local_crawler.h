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
extern const struct local_service local_crawler_service, local_crawler_history_service;

#define CRAWLER_LOG_GROUP "/aws-glue/crawlers"

/* Of the crawler that a request names. */
void crawler_arn(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);
/* The Crawler document, with state and times; EntityNotFoundException. */
struct json *crawler_get_tx(struct local_cloud *cloud, const char *name, struct err *err);
/* When the schedule says next; 0: none. Wakes the scheduler. */
int crawler_schedule_tx(struct local_cloud *cloud, const char *name, struct err *err) must_check;

/* What a crawl would change, without changing anything: {Crawler, DatabaseName, Changes, Log}. */
int local_crawl_diff(
	struct local_cloud *cloud, const char *name, struct json **out, struct err *err) must_check;

/* --- a crawl's work (local_crawler_run.c) --- */
struct crawl {
	struct local_cloud *cloud;
	char *id, *crawler;
	struct json *doc;                        /* the crawler as it was at the start */
	char *trigger, *workflow, *workflow_run; /* NULL: none */
	struct local_principal who;
	struct strbuf log;
	struct classifiers custom; /* that can be applied, in their order */
	bool dry;                  /* nothing is written; what would be goes to `changes` */
	struct json *changes;
	int64_t created, updated, deleted, partitions_added;
};
bool crawl_stopped(struct crawl *c);
void crawl_log(struct crawl *c, const char *level, const char *fmt, ...) printf_like(3, 4);
/* All of it but the end (local_crawl_read.c); 1: stopped. */
int crawl_work(struct crawl *c, struct err *err) must_check;
/* Writes what was found to the catalog (local_crawler_tables.c). `found`: one for each target. */
int crawl_write(struct crawl *c, struct crawl_tree *const *trees, struct crawl_tables *found,
	size_t nr, struct err *err) must_check;

/* --- documents of the catalog (local_crawl_docs.c) --- */
/* A TableInput; `exclusions` are the target's. */
struct json *crawl_table_input(const struct crawl *c, const struct crawl_tree *tree,
	const struct crawl_table *t, const struct json *exclusions, const char *name);
/* A PartitionInput; `inherit`: with the table's schema instead of its own. */
struct json *crawl_partition_input(const struct crawl *c, const struct crawl_tree *tree,
	const struct crawl_table *t, const struct crawl_partition *part, bool inherit);

/* --- what changes (local_crawl_diff.c) --- */
/* One table: `old` (NULL: new) becomes `input`; partitions before and after. NULL: nothing changes. */
struct json *crawl_table_change(const struct json *old, const struct json *input,
	const struct json *old_partitions, const struct json *partitions);

#endif
