/* What crawlers did: crawls and figures about them. */
#include "local_crawler.h"

/* --- history --- */
static const char *crawl_state(const char *state)
{
	return !strcmp(state, "SUCCEEDED")   ? "COMPLETED"
	       : !strcmp(state, "CANCELLED") ? "STOPPED"
					     : state;
}

struct history {
	const char *name, *after;
	int64_t limit;
	struct json *crawls;
	char *next;
};

static int history_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct history *h = payload;
	struct json *doc = crawler_get_tx(cloud, h->name, err);
	struct sql_stmt *st;
	char *last = NULL;
	int row = -1;

	if (!doc)
		return -1;
	json_free(doc);
	st = sql_query(cloud->db, err,
		"SELECT id, state, started_ms, ended_ms, error, summary, seq FROM crawl WHERE "
		"crawler = ? "
		"AND seq < ? ORDER BY seq DESC",
		"si", h->name, h->after ? strtoll(h->after, NULL, 10) : INT64_MAX);
	while (st && (row = sql_step(st, err)) > 0) {
		struct json *c;
		if ((int64_t)json_len(h->crawls) == h->limit) {
			h->next = local_token_make(last);
			row = 0;
			break;
		}
		free(last);
		last = xasprintf("%lld", (long long)sql_int(st, 6));
		c = json_object();
		json_set_str(c, "CrawlId", sql_text(st, 0));
		json_set_str(c, "State", crawl_state(sql_text(st, 1)));
		glue_set_time(c, "StartTime", sql_int(st, 2));
		glue_set_time(c, "EndTime", sql_int(st, 3));
		json_set_str(c, "ErrorMessage", sql_text(st, 4));
		json_set_str(c, "Summary", sql_text(st, 5));
		json_set_str(c, "LogGroup", CRAWLER_LOG_GROUP);
		json_set_str(c, "LogStream", h->name);
		json_set_str(c, "MessagePrefix", sql_text(st, 0));
		json_push(h->crawls, c);
	}
	sql_done(st);
	free(last);
	return row;
}

static int list_crawls(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const struct glue_field fields[] = {
		{"CrawlerName", GLUE_STRING, true, 1, 255, NULL, NULL},
		{0},
	};
	struct history h = {.name = json_get_str(req->in, "CrawlerName")};
	char *after;
	int r;

	if (glue_check(fields, req->in, err) || glue_page(req->in, 1000, &h.limit, &after, err))
		return -1;
	if (!json_get(req->in, "MaxResults"))
		h.limit = 20;
	h.after = after;
	h.crawls = json_array();
	r = local_tx(cloud, history_tx, &h, err);
	free(after);
	if (r) {
		json_free(h.crawls);
		return -1;
	}
	*out = json_object();
	json_set(*out, "Crawls", h.crawls);
	json_set_str(*out, "NextToken", h.next);
	free(h.next);
	return 0;
}

/* --- metrics --- */
struct metrics {
	const struct json *names;
	struct json *found;
	char *after, *next;
	int64_t limit;
};

static bool wanted(const struct json *names, const char *name)
{
	struct json *n;

	json_each(n, names) if (json_str(n) && !strcmp(json_str(n), name)) return true;
	return !json_len(names);
}

static int metrics_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct metrics *b = payload;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT c.name, (SELECT (ended_ms - started_ms) / 1000.0 FROM crawl WHERE crawler "
		"= c.name "
		"AND ended_ms > 0 ORDER BY seq DESC LIMIT 1), (SELECT d / 1000.0 FROM (SELECT "
		"crawler, "
		"ended_ms - started_ms AS d, row_number() OVER (PARTITION BY crawler ORDER BY "
		"ended_ms - "
		"started_ms) AS n, count(*) OVER (PARTITION BY crawler) AS k FROM crawl WHERE "
		"ended_ms > 0) "
		"WHERE crawler = c.name AND n = (k + 1) / 2), l.created, l.updated, l.deleted, "
		"c.state FROM "
		"crawler c LEFT JOIN crawl l ON l.seq = (SELECT max(seq) FROM crawl WHERE crawler "
		"= c.name) "
		"ORDER BY c.name",
		"");
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		struct json *m;
		if (!wanted(b->names, sql_text(st, 0)) ||
			(b->after && strcmp(sql_text(st, 0), b->after) <= 0))
			continue;
		if ((int64_t)json_len(b->found) == b->limit) {
			b->next = local_token_make(json_get_str(
				json_at(b->found, json_len(b->found) - 1), "CrawlerName"));
			row = 0;
			break;
		}
		m = json_object();
		json_set_str(m, "CrawlerName", sql_text(st, 0));
		json_set_dbl(m, "TimeLeftSeconds", 0);
		json_set_bool(m, "StillEstimating", strcmp(sql_text(st, 6), "READY") != 0);
		json_set_dbl(m, "LastRuntimeSeconds", sql_double(st, 1));
		json_set_dbl(m, "MedianRuntimeSeconds", sql_double(st, 2));
		json_set_i64(m, "TablesCreated", sql_int(st, 3));
		json_set_i64(m, "TablesUpdated", sql_int(st, 4));
		json_set_i64(m, "TablesDeleted", sql_int(st, 5));
		json_push(b->found, m);
	}
	sql_done(st);
	return row;
}

static int get_crawler_metrics(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct metrics b = {.names = json_get(req->in, "CrawlerNameList"), .found = json_array()};
	int result = glue_page(req->in, 1000, &b.limit, &b.after, err) ||
				     local_tx(cloud, metrics_tx, &b, err)
			     ? -1
			     : 0;

	free(b.after);
	if (result) {
		json_free(b.found);
		return -1;
	}
	*out = json_object();
	json_set(*out, "CrawlerMetricsList", b.found);
	json_set_str(*out, "NextToken", b.next);
	free(b.next);
	return 0;
}

static const struct local_route routes[] = {
	{"GetCrawlerMetrics", get_crawler_metrics, NULL},
	{"ListCrawls", list_crawls, crawler_arn},
};

const struct local_service local_crawler_history_service = {"glue", routes, ARRAY_SIZE(routes)};
