/* CloudWatch Logs: describing and reading (DescribeLogGroups, DescribeLogStreams, GetLogEvents, FilterLogEvents). */
#include "local_logs_store.h"

#include "strvec.h"

#define PAGE_BYTES (1024 * 1024)

/* --- filter patterns --- */

struct logs_pattern {
	struct strvec all, none, any;
};

void logs_pattern_free(struct logs_pattern *p)
{
	if (!p)
		return;
	strvec_release(&p->all);
	strvec_release(&p->none);
	strvec_release(&p->any);
	free(p);
}

/* One term: an optional sign, then a "phrase" or a word. Returns what follows; NULL when a quote stays open. */
static const char *read_term(struct logs_pattern *p, const char *at)
{
	struct strvec *to = *at == '-' ? &p->none : *at == '?' ? &p->any : &p->all;
	struct strbuf term = STRBUF_INIT;

	if (to != &p->all)
		at++;
	if (*at == '"') {
		for (at++; *at && *at != '"'; at++) {
			if (*at == '\\' && at[1])
				at++;
			strbuf_addch(&term, *at);
		}
		at = *at ? at + 1 : NULL;
	} else {
		while (*at && *at != ' ')
			strbuf_addch(&term, *at++);
	}
	if (at && term.len)
		strvec_push(to, term.buf);
	strbuf_release(&term);
	return at;
}

struct logs_pattern *logs_pattern_new(const char *text, struct err *err)
{
	struct logs_pattern *p = xcalloc(1, sizeof(*p));
	const char *at = text ? text : "";

	strvec_init(&p->all);
	strvec_init(&p->none);
	strvec_init(&p->any);
	while (*at == ' ')
		at++;
	if (*at == '{' || *at == '[' || *at == '%') {
		logs_invalid(err,
			"Filter patterns for JSON, fields and regular expressions are not "
			"supported "
			"by the local cloud: '%s'",
			text);
		logs_pattern_free(p);
		return NULL;
	}
	while (at && *at) {
		at = read_term(p, at);
		while (at && *at == ' ')
			at++;
	}
	if (!at) {
		logs_invalid(err, "Invalid filter pattern: '%s'", text);
		logs_pattern_free(p);
		return NULL;
	}
	return p;
}

bool logs_pattern_matches(const struct logs_pattern *p, const char *message)
{
	bool any = p->any.nr == 0;

	for (size_t i = 0; i < p->all.nr; i++) {
		if (!strstr(message, p->all.v[i]))
			return false;
	}
	for (size_t i = 0; i < p->none.nr; i++) {
		if (strstr(message, p->none.v[i]))
			return false;
	}
	for (size_t i = 0; i < p->any.nr; i++)
		any = any || strstr(message, p->any.v[i]);
	return any;
}

/* --- frame --- */

struct read_call {
	const struct local_request *req;
	struct json *out;
	struct strbuf group;
};

typedef int read_tx_fn(struct local_cloud *cloud, struct read_call *c, struct err *err);

static int run_tx(struct local_cloud *cloud, const struct local_request *req, read_tx_fn *fn,
	struct json **out, struct err *err)
{
	struct read_call c = {.req = req, .group = STRBUF_INIT};
	int ret = local_tx_begin(cloud, err);

	if (ret == 0) {
		ret = fn(cloud, &c, err);
		ret = local_tx_finish(cloud, ret, err);
	}
	if (ret == 0)
		*out = c.out;
	else
		json_free(c.out);
	strbuf_release(&c.group);
	return ret;
}

/* What the group keeps no longer is gone before anybody reads it. */
static int open_group(struct local_cloud *cloud, struct read_call *c, int64_t *id, struct err *err)
{
	const char *name = logs_request_group(cloud, c->req, &c->group, err);

	if (!name || logs_group_tx(cloud, name, id, err) != 0)
		return -1;
	return logs_purge_tx(cloud, *id, err);
}

/* LIKE pattern for a prefix, with its own wildcards escaped by '\'. */
static char *like_prefix(const char *prefix, bool anywhere)
{
	struct strbuf sb = STRBUF_INIT;

	if (anywhere)
		strbuf_addch(&sb, '%');
	for (; prefix && *prefix; prefix++) {
		if (strchr("%_\\", *prefix))
			strbuf_addch(&sb, '\\');
		strbuf_addch(&sb, *prefix);
	}
	strbuf_addch(&sb, '%');
	return strbuf_detach(&sb, NULL);
}

static void set_token(struct json *out, const char *key)
{
	char *token = local_token_make(key);

	json_set_str(out, "nextToken", token);
	free(token);
}

/* --- describing --- */

static struct json *row_group(struct local_cloud *cloud, struct sql_stmt *st)
{
	struct json *g = json_object();
	char *arn = local_arn(cloud, "logs", sql_text(st, 4), "log-group:%s", sql_text(st, 0));
	char *star = xasprintf("%s:*", arn);

	json_set_str(g, "logGroupName", sql_text(st, 0));
	json_set_i64(g, "creationTime", sql_int(st, 1));
	if (!sql_is_null(st, 2))
		json_set_i64(g, "retentionInDays", sql_int(st, 2));
	json_set_i64(g, "metricFilterCount", 0);
	json_set_str(g, "arn", star);
	json_set_i64(g, "storedBytes", sql_int(st, 3));
	json_set_str(g, "kmsKeyId", sql_text(st, 6));
	json_set_str(g, "logGroupClass", sql_text(st, 5) ? sql_text(st, 5) : "STANDARD");
	json_set_str(g, "logGroupArn", arn);
	json_set_bool(g, "deletionProtectionEnabled", sql_int(st, 7));
	free(arn);
	free(star);
	return g;
}

static int describe_groups_tx(struct local_cloud *cloud, struct read_call *c, struct err *err)
{
	const struct json *in = c->req->in;
	const char *prefix = json_get_str(in, "logGroupNamePrefix"),
		   *pattern = json_get_str(in, "logGroupNamePattern");
	struct json *list = json_array(), *last = NULL;
	char *after = NULL, *like = NULL;
	struct sql_stmt *st;
	int64_t limit, n = 0;
	int row = -1, ret = -1;

	c->out = json_object();
	json_set(c->out, "logGroups", list);
	if (prefix && pattern) {
		logs_invalid(err, "LogGroup name prefix and LogGroup name pattern are mutually "
				  "exclusive parameters.");
		goto out;
	}
	if (logs_limit(in, 50, &limit, err) != 0 ||
		local_token_read(json_get_str(in, "nextToken"), "InvalidParameterException", &after,
			err) != 0)
		goto out;
	like = like_prefix(pattern ? pattern : prefix, pattern != NULL);
	st = sql_query(cloud->db, err,
		"SELECT name, created_ms, retention, (SELECT ifnull(sum(bytes), 0) FROM log_stream "
		"s "
		"WHERE s.group_id = g.id), region, class, kms, EXISTS (SELECT 1 FROM log_protected "
		"p WHERE p.group_id = g.id) FROM "
		"log_group g WHERE name LIKE ?1 "
		"ESCAPE '\\' AND (?2 = '' OR instr(name, ?2) > 0) AND name > ?3 ORDER BY name "
		"LIMIT "
		"?4",
		"sssi", like,
		pattern  ? pattern
		: prefix ? prefix
			 : "",
		after ? after : "", limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && n++ < limit) {
		last = row_group(cloud, st);
		json_push(list, last);
	}
	sql_done(st);
	if (row > 0 && last)
		set_token(c->out, json_get_str(last, "logGroupName"));
	ret = row < 0 ? -1 : 0;
out:
	free(after);
	free(like);
	return ret;
}

static struct json *row_stream(
	struct local_cloud *cloud, const struct read_call *c, struct sql_stmt *st)
{
	struct json *s = json_object();
	char *arn = local_arn(cloud, "logs", c->req->region, "log-group:%s:log-stream:%s",
		c->group.buf, sql_text(st, 0));

	json_set_str(s, "logStreamName", sql_text(st, 0));
	json_set_i64(s, "creationTime", sql_int(st, 1));
	if (!sql_is_null(st, 2)) {
		json_set_i64(s, "firstEventTimestamp", sql_int(st, 2));
		json_set_i64(s, "lastEventTimestamp", sql_int(st, 3));
		json_set_i64(s, "lastIngestionTime", sql_int(st, 4));
	}
	json_set_str(s, "uploadSequenceToken",
		"49039859546655555555555555555555555555555555555555555555");
	json_set_str(s, "arn", arn);
	json_set_i64(s, "storedBytes", sql_int(st, 5));
	free(arn);
	return s;
}

/* The token is the number of streams already shown: names and times may both be the order. */
static int describe_streams_tx(struct local_cloud *cloud, struct read_call *c, struct err *err)
{
	static const char *const queries[] = {
#define STREAMS(order)                                                                           \
	"SELECT name, created_ms, first_ms, last_ms, ingested_ms, bytes FROM log_stream WHERE "  \
	"group_id = ?1 AND name LIKE ?2 ESCAPE '\\' AND (?3 = '' OR instr(name, ?3) = 1) ORDER " \
	"BY " order " LIMIT ?4 OFFSET ?5"
		STREAMS("name"),
		STREAMS("name DESC"),
		STREAMS("last_ms, name"),
		STREAMS("last_ms DESC, name"),
	};
	const struct json *in = c->req->in;
	const char *prefix = json_get_str(in, "logStreamNamePrefix"),
		   *order = json_get_str(in, "orderBy");
	bool by_time = order && strcmp(order, "LastEventTime") == 0;
	struct json *list = json_array();
	char *after = NULL, *like = NULL, *key;
	long long skip = 0;
	int64_t group, limit, n = 0;
	struct sql_stmt *st;
	int row = -1, ret = -1;

	c->out = json_object();
	json_set(c->out, "logStreams", list);
	if (order && !by_time && strcmp(order, "LogStreamName") != 0) {
		logs_invalid(err,
			"1 validation error detected: Value '%s' at 'orderBy' failed to satisfy "
			"constraint: Member must satisfy enum value set: [LogStreamName, "
			"LastEventTime]",
			order);
		goto out;
	}
	if (by_time && prefix) {
		logs_invalid(err, "Cannot order by LastEventTime with a logStreamNamePrefix.");
		goto out;
	}
	if (open_group(cloud, c, &group, err) != 0 || logs_limit(in, 50, &limit, err) != 0 ||
		local_token_read(json_get_str(in, "nextToken"), "InvalidParameterException", &after,
			err) != 0)
		goto out;
	if (after && parse_int64(after, 0, INT64_MAX, &skip) != 0) {
		logs_invalid(err, "The specified nextToken is invalid.");
		goto out;
	}
	like = like_prefix(prefix, false);
	st = sql_query(cloud->db, err,
		queries[2 * by_time + json_get_truth(in, "descending", false)], "issii", group,
		like, prefix ? prefix : "", limit + 1, (int64_t)skip);
	while (st && (row = sql_step(st, err)) > 0 && n < limit) {
		json_push(list, row_stream(cloud, c, st));
		n++;
	}
	sql_done(st);
	if (row > 0) {
		key = xasprintf("%lld", skip + (long long)n);
		set_token(c->out, key);
		free(key);
	}
	ret = row < 0 ? -1 : 0;
out:
	free(after);
	free(like);
	return ret;
}

/* --- GetLogEvents --- */

/* A place between two events of a stream; tokens are "f/TIME:SEQ" and "b/TIME:SEQ". */
struct place {
	long long time_ms, seq;
};

static int read_place(const char *token, char *direction, struct place *p, struct err *err)
{
	int used = 0;

	if (sscanf(token, "%c/%lld:%lld%n", direction, &p->time_ms, &p->seq, &used) != 3 ||
		token[used] || (*direction != 'f' && *direction != 'b'))
		return logs_invalid(err, "The specified nextToken is invalid.");
	return 0;
}

struct page {
	struct json *events; /* in the order of the query */
	struct place first, last;
	size_t bytes;
};

static struct json *row_event(struct sql_stmt *st)
{
	struct json *e = json_object();

	json_set_i64(e, "timestamp", sql_int(st, 0));
	json_set_str(e, "message", sql_text(st, 3));
	json_set_i64(e, "ingestionTime", sql_int(st, 2));
	return e;
}

static int read_page(struct sql_stmt *st, int64_t limit, struct page *page, struct err *err)
{
	int row = -1;

	while (st && (int64_t)json_len(page->events) < limit && page->bytes < PAGE_BYTES &&
		(row = sql_step(st, err)) > 0) {
		struct place at = {sql_int(st, 0), sql_int(st, 1)};

		if (json_len(page->events) == 0)
			page->first = at;
		page->last = at;
		page->bytes += strlen(sql_text(st, 3)) + 26;
		json_push(page->events, row_event(st));
	}
	sql_done(st);
	return !st || row < 0 ? -1 : 0;
}

#define EVENTS "SELECT time_ms, seq, ingested_ms, message FROM log_event WHERE stream_id = ? AND "

static struct sql_stmt *query_events(struct local_cloud *cloud, int64_t stream,
	const struct json *in, bool forward, const struct place *from, int64_t limit,
	struct err *err)
{
	int64_t start = json_get_i64(in, "startTime", 0),
		end = json_get_i64(in, "endTime", INT64_MAX);

	if (forward)
		return sql_query(cloud->db, err,
			EVENTS "(time_ms, seq) > (?, ?) AND time_ms >= ? AND time_ms < ? ORDER BY "
			       "time_ms, seq LIMIT ?",
			"iiiiii", stream, (int64_t)from->time_ms, (int64_t)from->seq, start, end,
			limit);
	return sql_query(cloud->db, err,
		EVENTS "(time_ms, seq) < (?, ?) AND time_ms >= ? AND time_ms < ? ORDER BY time_ms "
		       "DESC, seq DESC LIMIT ?",
		"iiiiii", stream, (int64_t)from->time_ms, (int64_t)from->seq, start, end, limit);
}

static struct json *reversed(struct json *list)
{
	struct json *out = json_array();

	for (size_t i = json_len(list); i-- > 0;)
		json_push(out, json_copy(json_at(list, i)));
	json_free(list);
	return out;
}

static void set_place(struct json *out, const char *member, char direction, const struct place *p)
{
	char *token = xasprintf("%c/%020lld:%lld", direction, p->time_ms, p->seq);

	json_set_str(out, member, token);
	free(token);
}

/* A token that is given back unchanged says that there was nothing more in its direction. */
static int get_events_tx(struct local_cloud *cloud, struct read_call *c, struct err *err)
{
	const struct json *in = c->req->in;
	const char *token = json_get_str(in, "nextToken"),
		   *name = json_get_str(in, "logStreamName");
	bool forward = json_get_truth(in, "startFromHead", false);
	struct place from = {0, 0};
	struct page page = {.events = NULL};
	int64_t group, stream, limit;
	char direction;

	if (!name)
		return logs_invalid(err, "logStreamName must be given");
	if (open_group(cloud, c, &group, err) != 0 ||
		logs_stream_tx(cloud, group, name, &stream, err) != 0 ||
		logs_limit(in, 10000, &limit, err) != 0)
		return -1;
	if (token) {
		if (read_place(token, &direction, &from, err) != 0)
			return -1;
		forward = direction == 'f';
	} else if (!forward) {
		from.time_ms = from.seq = INT64_MAX;
	}
	page.events = json_array();
	page.first = page.last = from;
	if (!token)
		page.first = page.last = (struct place){0, 0};
	if (read_page(query_events(cloud, stream, in, forward, &from, limit, err), limit, &page,
		    err) != 0) {
		json_free(page.events);
		return -1;
	}
	if (!forward) {
		struct place swap = page.first;

		page.first = page.last;
		page.last = swap;
		page.events = reversed(page.events);
	}
	c->out = json_object();
	json_set(c->out, "events", page.events);
	set_place(c->out, "nextForwardToken", 'f', &page.last);
	set_place(c->out, "nextBackwardToken", 'b', &page.first);
	return 0;
}

/* --- FilterLogEvents --- */

struct filter {
	struct logs_pattern *pattern;
	const struct json *names;
	const char *prefix;
	long long time_ms, stream, seq; /* after this event */
	int64_t limit;
	size_t bytes;
	struct json *events;
	bool more;
};

static bool stream_wanted(const struct filter *f, const char *name)
{
	struct json *n;

	if (f->prefix && !starts_with(name, f->prefix))
		return false;
	if (!f->names)
		return true;
	json_each(n, f->names)
	{
		if (json_str(n) && strcmp(json_str(n), name) == 0)
			return true;
	}
	return false;
}

static struct json *row_filtered(struct sql_stmt *st)
{
	struct json *e = json_object();
	char *id = xasprintf("%020lld%018lld%018lld", (long long)sql_int(st, 0),
		(long long)sql_int(st, 4), (long long)sql_int(st, 1));

	json_set_str(e, "logStreamName", sql_text(st, 5));
	json_set_i64(e, "timestamp", sql_int(st, 0));
	json_set_str(e, "message", sql_text(st, 3));
	json_set_i64(e, "ingestionTime", sql_int(st, 2));
	json_set_str(e, "eventId", id);
	free(id);
	return e;
}

static int run_filter(struct local_cloud *cloud, int64_t group, const struct json *in,
	struct filter *f, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT e.time_ms, e.seq, e.ingested_ms, e.message, s.id, s.name FROM log_stream s "
		"JOIN log_event e ON e.stream_id = s.id WHERE s.group_id = ? AND e.time_ms >= ? "
		"AND "
		"e.time_ms <= ? AND (e.time_ms, s.id, e.seq) > (?, ?, ?) ORDER BY e.time_ms, s.id, "
		"e.seq",
		"iiiiii", group, json_get_i64(in, "startTime", 0),
		json_get_i64(in, "endTime", INT64_MAX), (int64_t)f->time_ms, (int64_t)f->stream,
		(int64_t)f->seq);
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		if (!stream_wanted(f, sql_text(st, 5)) ||
			!logs_pattern_matches(f->pattern, sql_text(st, 3)))
			continue;
		if ((int64_t)json_len(f->events) >= f->limit || f->bytes >= PAGE_BYTES) {
			f->more = true;
			break;
		}
		f->time_ms = sql_int(st, 0);
		f->seq = sql_int(st, 1);
		f->stream = sql_int(st, 4);
		f->bytes += strlen(sql_text(st, 3)) + 26;
		json_push(f->events, row_filtered(st));
	}
	sql_done(st);
	return !st || row < 0 ? -1 : 0;
}

static int filter_events_tx(struct local_cloud *cloud, struct read_call *c, struct err *err)
{
	const struct json *in = c->req->in;
	struct filter f = {.names = json_get(in, "logStreamNames"),
		.prefix = json_get_str(in, "logStreamNamePrefix"),
		.time_ms = -1};
	char *after = NULL, *key;
	int64_t group;
	int ret = -1;

	if (f.names && f.prefix)
		return logs_invalid(err, "logStreamNames and logStreamNamePrefix are mutually "
					 "exclusive parameters.");
	f.pattern = logs_pattern_new(json_get_str(in, "filterPattern"), err);
	if (!f.pattern || open_group(cloud, c, &group, err) != 0 ||
		logs_limit(in, 10000, &f.limit, err) != 0 ||
		local_token_read(json_get_str(in, "nextToken"), "InvalidParameterException", &after,
			err) != 0)
		goto out;
	if (after && sscanf(after, "%lld:%lld:%lld", &f.time_ms, &f.stream, &f.seq) != 3) {
		logs_invalid(err, "The specified nextToken is invalid.");
		goto out;
	}
	f.events = json_array();
	c->out = json_object();
	json_set(c->out, "events", f.events);
	json_set(c->out, "searchedLogStreams", json_array());
	ret = run_filter(cloud, group, in, &f, err);
	if (ret == 0 && f.more) {
		key = xasprintf("%lld:%lld:%lld", f.time_ms, f.stream, f.seq);
		set_token(c->out, key);
		free(key);
	}
out:
	logs_pattern_free(f.pattern);
	free(after);
	return ret;
}

static int describe_log_groups(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return run_tx(cloud, req, describe_groups_tx, out, err);
}

static int describe_log_streams(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return run_tx(cloud, req, describe_streams_tx, out, err);
}

static int get_log_events(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return run_tx(cloud, req, get_events_tx, out, err);
}

static int filter_log_events(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return run_tx(cloud, req, filter_events_tx, out, err);
}

static void group_arn_of(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "logGroupName");
	char *text = local_arn(cloud, "logs", req->region, "log-group:%s:*", name ? name : "*");

	strbuf_addstr(arn, text);
	free(text);
}

static const struct local_route routes[] = {
	{"DescribeLogGroups", describe_log_groups, NULL},
	{"DescribeLogStreams", describe_log_streams, group_arn_of},
	{"FilterLogEvents", filter_log_events, group_arn_of},
	{"GetLogEvents", get_log_events, group_arn_of},
};

const struct local_service local_logs_read_service = {"logs", routes, ARRAY_SIZE(routes)};
