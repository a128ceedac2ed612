/* CloudWatch Logs: groups, streams and writing (Amazon CloudWatch Logs API Reference). Reading is local_logs_read.c. */
#include "local_logs.h"

#include <ctype.h>
#include "local_logs_store.h"
#include "strvec.h"

#define MESSAGE_MAX_BYTES (1024 * 1024)
#define BATCH_MAX_EVENTS 10000
#define HOUR_MS INT64_C(3600000)

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS log_group (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
	"region TEXT NOT NULL, created_ms INTEGER NOT NULL, retention INTEGER, class TEXT, kms "
	"TEXT);"
	"CREATE TABLE IF NOT EXISTS log_stream (id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL "
	"REFERENCES log_group(id) ON DELETE CASCADE, name TEXT NOT NULL, created_ms INTEGER NOT "
	"NULL, first_ms INTEGER, last_ms INTEGER, ingested_ms INTEGER, bytes INTEGER NOT NULL "
	"DEFAULT 0, next_seq INTEGER NOT NULL DEFAULT 1, UNIQUE (group_id, name));"
	"CREATE TABLE IF NOT EXISTS log_event (stream_id INTEGER NOT NULL REFERENCES "
	"log_stream(id) "
	"ON DELETE CASCADE, time_ms INTEGER NOT NULL, seq INTEGER NOT NULL, ingested_ms INTEGER "
	"NOT "
	"NULL, message TEXT NOT NULL, PRIMARY KEY (stream_id, time_ms, seq)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS log_protected (group_id INTEGER PRIMARY KEY REFERENCES "
	"log_group(id) ON DELETE CASCADE);";

/* --- lookups --- */

static int one_id(struct sql_stmt *st, int64_t *id, struct err *err)
{
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	*id = row > 0 ? sql_int(st, 0) : 0;
	sql_done(st);
	return row;
}

int logs_group_tx(struct local_cloud *cloud, const char *name, int64_t *id, struct err *err)
{
	int row = one_id(
		sql_query(cloud->db, err, "SELECT id FROM log_group WHERE name = ?", "s", name), id,
		err);

	if (row == 0)
		return local_fault(err, 400, "ResourceNotFoundException",
			"The specified log group does not exist.");
	return row < 0 ? -1 : 0;
}

int logs_stream_tx(
	struct local_cloud *cloud, int64_t group, const char *name, int64_t *id, struct err *err)
{
	int row = one_id(sql_query(cloud->db, err,
				 "SELECT id FROM log_stream WHERE group_id = ? AND name = ?", "is",
				 group, name),
		id, err);

	if (row == 0)
		return local_fault(err, 400, "ResourceNotFoundException",
			"The specified log stream does not exist.");
	return row < 0 ? -1 : 0;
}

/* A name or an ARN, which is the one without ":*" and this account's in this region. */
static int read_identifier(struct local_cloud *cloud, const struct local_request *req,
	const char *identifier, struct strbuf *name, struct err *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_#+=/:,.@-";
	char *prefix;
	int ret = 0;

	if (identifier[strspn(identifier, letters)])
		return logs_invalid(err,
			"1 validation error detected: Value at 'logGroupIdentifier' failed to "
			"satisfy constraint: Member must satisfy regular expression pattern: "
			"[\\w#+=/:,.@-]*");
	if (!starts_with(identifier, "arn:")) {
		strbuf_addstr(name, identifier);
		return 0;
	}
	prefix = local_arn(cloud, "logs", req->region, "log-group:");
	if (starts_with(identifier, prefix))
		strbuf_addstr(name, identifier + strlen(prefix));
	else
		ret = local_fault(err, 400, "ResourceNotFoundException",
			"The specified log group does not exist.");
	free(prefix);
	return ret;
}

const char *logs_request_group(struct local_cloud *cloud, const struct local_request *req,
	struct strbuf *scratch, struct err *err)
{
	const char *name = json_get_str(req->in, "logGroupName"),
		   *identifier = json_get_str(req->in, "logGroupIdentifier");

	if (!name == !identifier) {
		logs_invalid(
			err, "Exactly one of logGroupName and logGroupIdentifier must be given");
		return NULL;
	}
	strbuf_clear(scratch);
	if (name)
		strbuf_addstr(scratch, name);
	if (identifier && read_identifier(cloud, req, identifier, scratch, err) != 0)
		return NULL;
	return scratch->buf;
}

int logs_limit(const struct json *in, int64_t max, int64_t *limit, struct err *err)
{
	*limit = json_get_i64(in, "limit", max);
	if (*limit < 1 || *limit > max)
		return logs_invalid(err,
			"1 validation error detected: Value '%lld' at 'limit' failed to satisfy "
			"constraint: Member must have value %s than or equal to %lld",
			(long long)*limit, *limit < 1 ? "greater" : "less",
			*limit < 1 ? 1 : (long long)max);
	return 0;
}

/* --- writing events --- */

/* Bytes that are no UTF-8, and NULs, become U+FFFD: the API speaks JSON. */
static void add_clean(struct strbuf *sb, const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		unsigned char c = (unsigned char)text[i];
		size_t n = c < 0x80                ? 1
			   : c >= 0xc2 && c < 0xe0 ? 2
			   : c >= 0xe0 && c < 0xf0 ? 3
			   : c >= 0xf0 && c < 0xf5 ? 4
						   : 0;
		bool good = n > 0 && c != 0 && i + n <= len;

		for (size_t k = 1; good && k < n; k++)
			good = ((unsigned char)text[i + k] & 0xc0) == 0x80;
		/* overlong forms, surrogates, and what lies beyond Unicode */
		if (good && n > 2) {
			unsigned char d = (unsigned char)text[i + 1];

			good = !(c == 0xe0 && d < 0xa0) && !(c == 0xed && d > 0x9f) &&
			       !(c == 0xf0 && d < 0x90) && !(c == 0xf4 && d > 0x8f);
		}
		if (good) {
			strbuf_add(sb, text + i, n);
			i += n;
		} else {
			strbuf_addstr(sb, "\xef\xbf\xbd");
			i++;
		}
	}
}

int logs_writer_open_tx(
	struct logs_writer *w, struct local_cloud *cloud, int64_t stream, struct err *err)
{
	memset(w, 0, sizeof(*w));
	w->cloud = cloud;
	w->stream = stream;
	w->now = local_now_ms(cloud);
	return one_id(sql_query(cloud->db, err, "SELECT next_seq FROM log_stream WHERE id = ?", "i",
			      stream),
		       &w->seq, err) < 0
		       ? -1
		       : 0;
}

int logs_writer_add_tx(
	struct logs_writer *w, int64_t time_ms, const char *text, size_t len, struct err *err)
{
	struct strbuf clean = STRBUF_INIT;
	int ret;

	add_clean(&clean, text, len);
	ret = sql_run(w->cloud->db, NULL, err,
		"INSERT INTO log_event (stream_id, time_ms, seq, ingested_ms, message) VALUES "
		"(?, ?, ?, ?, ?)",
		"iiiis", w->stream, time_ms, w->seq++, w->now, clean.buf);
	if (w->first == 0 || time_ms < w->first)
		w->first = time_ms;
	if (time_ms > w->last)
		w->last = time_ms;
	w->bytes += (int64_t)clean.len + 26; /* what CloudWatch counts for an event */
	strbuf_release(&clean);
	return ret;
}

int logs_writer_close_tx(struct logs_writer *w, struct err *err)
{
	if (w->first == 0)
		return 0;
	return sql_run(w->cloud->db, NULL, err,
		"UPDATE log_stream SET next_seq = ?, bytes = bytes + ?, ingested_ms = ?, first_ms "
		"= "
		"min(ifnull(first_ms, ?4), ?4), last_ms = max(ifnull(last_ms, ?5), ?5) WHERE id = "
		"?6",
		"iiiiii", w->seq, w->bytes, w->now, w->first, w->last, w->stream);
}

static int append_tx(struct local_cloud *cloud, const char *group, const char *stream,
	int64_t time_ms, const char *text, size_t len, struct err *err)
{
	int64_t now = local_now_ms(cloud), group_id, stream_id;
	struct logs_writer w;
	const char *end = text + len;

	if (sql_run(cloud->db, NULL, err,
		    "INSERT OR IGNORE INTO log_group (name, region, created_ms) VALUES (?, ?, ?)",
		    "ssi", group, cloud->region, now) != 0 ||
		logs_group_tx(cloud, group, &group_id, err) != 0 ||
		sql_run(cloud->db, NULL, err,
			"INSERT OR IGNORE INTO log_stream (group_id, name, created_ms) VALUES "
			"(?, ?, ?)",
			"isi", group_id, stream, now) != 0 ||
		logs_stream_tx(cloud, group_id, stream, &stream_id, err) != 0 ||
		logs_writer_open_tx(&w, cloud, stream_id, err) != 0)
		return -1;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = stop ? stop : end;
		size_t line = (size_t)(line_end - text);

		if (line > 0 && text[line - 1] == '\r')
			line--;
		/* CloudWatch knows no empty event */
		if (line > 0 && logs_writer_add_tx(&w, time_ms, text, line, err) != 0)
			return -1;
		text = stop ? stop + 1 : end;
	}
	return logs_writer_close_tx(&w, err);
}

int local_logs_append(struct local_cloud *cloud, const char *group, const char *stream,
	int64_t time_ms, const char *text, size_t len, struct err *err)
{
	int ret;

	if (local_tx_begin(cloud, err) != 0)
		return -1;
	ret = append_tx(cloud, group, stream, time_ms, text, len, err);
	ret = local_tx_finish(cloud, ret, err);
	return ret;
}

/* --- names --- */

static int check_group_name(const char *name, struct err *err)
{
	if (name && strlen(name) > 512)
		return logs_invalid(err,
			"1 validation error detected: Value '%s' at 'logGroupName' failed to "
			"satisfy constraint: Member must have length less than or equal to 512",
			name);
	if (!name || !*name ||
		name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "._/#-")])
		return logs_invalid(err,
			"1 validation error detected: Value '%s' at 'logGroupName' failed to "
			"satisfy "
			"constraint: Member must satisfy regular expression pattern: "
			"[\\.\\-_/#A-Za-z0-9]+",
			name ? name : "null");
	return 0;
}

static int check_stream_name(const char *name, struct err *err)
{
	if (!name || !*name || strlen(name) > 512 || strpbrk(name, ":*"))
		return logs_invalid(err,
			"1 validation error detected: Value '%s' at 'logStreamName' failed to "
			"satisfy constraint: Member must satisfy regular expression pattern: "
			"[^:*]*",
			name ? name : "null");
	return 0;
}

static int check_class(const char *class, struct err *err)
{
	static const char *const classes[] = {"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (!class || !strcmp(class, classes[i]))
			return 0;
	return logs_invalid(err,
		"1 validation error detected: Value '%s' at 'logGroupClass' failed to satisfy "
		"constraint: Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, "
		"DELIVERY]",
		class);
}

static char *group_arn(struct local_cloud *cloud, const char *region, const char *name)
{
	return local_arn(cloud, "logs", region, "log-group:%s", name);
}

/* --- operations that write; each runs inside a transaction --- */

struct logs_call {
	const struct local_request *req;
	const char *group, *stream;
	struct json *out;
};

typedef int logs_tx_fn(struct local_cloud *cloud, struct logs_call *c, struct err *err);

static int run_tx(struct local_cloud *cloud, const struct local_request *req, logs_tx_fn *fn,
	struct json **out, struct err *err)
{
	struct logs_call c = {.req = req,
		.group = json_get_str(req->in, "logGroupName"),
		.stream = json_get_str(req->in, "logStreamName")};
	int ret;

	if (local_tx_begin(cloud, err) != 0)
		return -1;
	ret = fn(cloud, &c, err);
	ret = local_tx_finish(cloud, ret, err);
	if (ret == 0)
		*out = c.out;
	else
		json_free(c.out);
	return ret;
}

static int protect_tx(struct local_cloud *cloud, int64_t group, bool on, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		on ? "INSERT OR IGNORE INTO log_protected (group_id) VALUES (?)"
		   : "DELETE FROM log_protected WHERE group_id = ?",
		"i", group);
}

/* 1: it must not be deleted. */
static int is_protected_tx(struct local_cloud *cloud, int64_t group, struct err *err)
{
	int64_t id;

	return one_id(sql_query(cloud->db, err,
			      "SELECT group_id FROM log_protected WHERE group_id = ?", "i", group),
		&id, err);
}

static int create_group_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	const struct json *in = c->req->in;
	const char *class = json_get_str(in, "logGroupClass");
	struct err sql = ERR_INIT;
	char *arn = NULL;
	int ret;

	if (check_group_name(c->group, err) != 0 || check_class(class, err) != 0)
		return -1;
	ret = sql_run(cloud->db, NULL, &sql,
		"INSERT INTO log_group (name, region, created_ms, class, kms) VALUES "
		"(?, ?, ?, ?, ?)",
		"ssiss", c->group, c->req->region, local_now_ms(cloud), class ? class : "STANDARD",
		json_get_str(in, "kmsKeyId"));
	if (ret != 0 && sql.code == ERR_EXISTS)
		local_fault(err, 400, "ResourceAlreadyExistsException",
			"The specified log group already exists");
	else if (ret != 0)
		err_move(err, &sql);
	err_release(&sql);
	if (ret != 0)
		return -1;
	if (json_get_truth(in, "deletionProtectionEnabled", false) &&
		protect_tx(cloud, sql_last_rowid(cloud->db), true, err) != 0)
		return -1;
	arn = group_arn(cloud, c->req->region, c->group);
	ret = local_tags_set(cloud, arn, json_get(in, "tags"), err);
	free(arn);
	return ret;
}

static int put_protection_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	struct strbuf name = STRBUF_INIT;
	int64_t group;
	int ret = -1;

	if (!json_get(c->req->in, "deletionProtectionEnabled"))
		logs_invalid(err,
			"1 validation error detected: Value null at "
			"'deletionProtectionEnabled' failed to satisfy constraint: Member "
			"must not be null");
	else if (logs_request_group(cloud, c->req, &name, err) &&
		 logs_group_tx(cloud, name.buf, &group, err) == 0)
		ret = protect_tx(cloud, group,
			json_get_truth(c->req->in, "deletionProtectionEnabled", false), err);
	strbuf_release(&name);
	return ret;
}

/* By logGroupName, or resourceIdentifier, which is the group's ARN. */
static int change_key_tx(
	struct local_cloud *cloud, struct logs_call *c, const char *key, struct err *err)
{
	const char *resource = json_get_str(c->req->in, "resourceIdentifier"), *name = c->group;
	struct strbuf text = STRBUF_INIT;
	int64_t group;
	int ret = -1;

	if (!name == !resource) {
		logs_invalid(
			err, "Exactly one of logGroupName and resourceIdentifier must be given");
		return -1;
	}
	if (resource && read_identifier(cloud, c->req, resource, &text, err) != 0)
		goto out;
	if (resource) {
		if (ends_with(text.buf, ":*"))
			strbuf_setlen(&text, text.len - 2);
		name = text.buf;
	}
	if (check_group_name(name, err) == 0 && logs_group_tx(cloud, name, &group, err) == 0)
		ret = sql_run(cloud->db, NULL, err, "UPDATE log_group SET kms = ? WHERE id = ?",
			"si", key, group);
out:
	strbuf_release(&text);
	return ret;
}

static int associate_key_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	const char *key = json_get_str(c->req->in, "kmsKeyId");

	if (!key || !starts_with(key, "arn:") || !strstr(key, ":kms:") || strlen(key) > 256)
		return logs_invalid(
			err, "The specified KMS key '%s' is no ARN of a key", key ? key : "null");
	return change_key_tx(cloud, c, key, err);
}

static int disassociate_key_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	return change_key_tx(cloud, c, NULL, err);
}

static int delete_group_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	struct sql_stmt *st;
	int64_t id;
	char *arn = NULL;
	int row, ret;

	if (check_group_name(c->group, err) != 0 || logs_group_tx(cloud, c->group, &id, err) != 0)
		return -1;
	row = is_protected_tx(cloud, id, err);
	if (row > 0)
		local_fault(err, 400, "ValidationException",
			"The log group '%s' has deletion protection enabled and cannot be deleted",
			c->group);
	if (row != 0)
		return -1;
	st = sql_query(cloud->db, err, "SELECT region FROM log_group WHERE id = ?", "i", id);
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		arn = group_arn(cloud, sql_text(st, 0), c->group);
	sql_done(st);
	ret = row < 0 ? -1
		      : sql_run(cloud->db, NULL, err, "DELETE FROM log_group WHERE id = ?", "i",
				id);
	if (ret == 0)
		ret = local_tags_clear(cloud, arn, err);
	free(arn);
	return ret;
}

static int create_stream_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	struct err sql = ERR_INIT;
	int64_t group;
	int ret;

	if (check_group_name(c->group, err) != 0 || check_stream_name(c->stream, err) != 0 ||
		logs_group_tx(cloud, c->group, &group, err) != 0)
		return -1;
	ret = sql_run(cloud->db, NULL, &sql,
		"INSERT INTO log_stream (group_id, name, created_ms) VALUES (?, ?, ?)", "isi",
		group, c->stream, local_now_ms(cloud));
	if (ret != 0 && sql.code == ERR_EXISTS)
		local_fault(err, 400, "ResourceAlreadyExistsException",
			"The specified log stream already exists");
	else if (ret != 0)
		err_move(err, &sql);
	err_release(&sql);
	return ret;
}

static int delete_stream_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	int64_t group, stream;

	if (check_group_name(c->group, err) != 0 || check_stream_name(c->stream, err) != 0 ||
		logs_group_tx(cloud, c->group, &group, err) != 0 ||
		logs_stream_tx(cloud, group, c->stream, &stream, err) != 0)
		return -1;
	return sql_run(cloud->db, NULL, err, "DELETE FROM log_stream WHERE id = ?", "i", stream);
}

int logs_purge_tx(struct local_cloud *cloud, int64_t group, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"DELETE FROM log_event WHERE (stream_id, time_ms, seq) IN (SELECT e.stream_id, "
		"e.time_ms, e.seq FROM log_group g JOIN log_stream s ON s.group_id = g.id JOIN "
		"log_event e ON e.stream_id = s.id AND e.time_ms < ?1 - g.retention * 86400000 "
		"WHERE g.retention IS NOT NULL AND (?2 = 0 OR g.id = ?2))",
		"ii", local_now_ms(cloud), group);
}

static int put_retention_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	static const int allowed[] = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
		1096, 1827, 2192, 2557, 2922, 3288, 3653};
	int64_t days = json_get_i64(c->req->in, "retentionInDays", 0), group;
	bool good = false;

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		good = good || allowed[i] == days;
	if (!good)
		return logs_invalid(
			err, "%lld is no valid number of days to keep a log", (long long)days);
	if (check_group_name(c->group, err) != 0 ||
		logs_group_tx(cloud, c->group, &group, err) != 0 ||
		sql_run(cloud->db, NULL, err, "UPDATE log_group SET retention = ? WHERE id = ?",
			"ii", days, group) != 0)
		return -1;
	return logs_purge_tx(cloud, group, err);
}

static int delete_retention_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	int64_t group;

	if (check_group_name(c->group, err) != 0 ||
		logs_group_tx(cloud, c->group, &group, err) != 0)
		return -1;
	return sql_run(cloud->db, NULL, err, "UPDATE log_group SET retention = NULL WHERE id = ?",
		"i", group);
}

static int check_events(const struct json *events, struct err *err)
{
	int64_t last = INT64_MIN;
	struct json *e;

	if (json_len(events) == 0 || json_len(events) > BATCH_MAX_EVENTS)
		return logs_invalid(
			err, "logEvents must hold between 1 and %d events", BATCH_MAX_EVENTS);
	json_each(e, events)
	{
		const char *message = json_get_str(e, "message");
		int64_t time_ms = json_get_i64(e, "timestamp", -1);

		if (!message || !*message || strlen(message) > MESSAGE_MAX_BYTES || time_ms < 0)
			return logs_invalid(err, "An event has no valid timestamp or message");
		if (time_ms < last)
			return logs_invalid(err,
				"Log events in a single PutLogEvents request must be in "
				"chronological order.");
		last = time_ms;
	}
	return 0;
}

/* Events more than two hours ahead or fourteen days old are not taken, and said so. */
static int put_events_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	const struct json *events = json_get(c->req->in, "logEvents");
	int64_t now = local_now_ms(cloud), group, stream, index = 0, old = -1, new = -1;
	struct json *e, *rejected = json_object();
	struct logs_writer w;
	int ret = -1;

	if (check_group_name(c->group, err) != 0 || check_stream_name(c->stream, err) != 0 ||
		check_events(events, err) != 0 ||
		logs_group_tx(cloud, c->group, &group, err) != 0 ||
		logs_stream_tx(cloud, group, c->stream, &stream, err) != 0 ||
		logs_writer_open_tx(&w, cloud, stream, err) != 0)
		goto out;
	json_each(e, events)
	{
		const char *message = json_get_str(e, "message");
		int64_t time_ms = json_get_i64(e, "timestamp", 0);

		if (time_ms < now - 14 * 24 * HOUR_MS)
			old = index + 1;
		else if (time_ms > now + 2 * HOUR_MS && new < 0)
			new = index;
		else if (new < 0 &&
			 logs_writer_add_tx(&w, time_ms, message, strlen(message), err) != 0)
			goto out;
		index++;
	}
	ret = logs_writer_close_tx(&w, err);
	if (old >= 0)
		json_set_i64(rejected, "tooOldLogEventEndIndex", old);
	if (new >= 0)
		json_set_i64(rejected, "tooNewLogEventStartIndex", new);
	c->out = json_object();
	json_set_str(c->out, "nextSequenceToken",
		"49039859546655555555555555555555555555555555555555555555");
	if (json_len(rejected) > 0)
		json_set(c->out, "rejectedLogEventsInfo", json_copy(rejected));
out:
	json_free(rejected);
	return ret;
}

/* --- tags, by ARN or by name --- */

/* arn:aws:logs:REGION:ACCOUNT:log-group:NAME of a group that exists; malloc'd. */
static int tagged_arn_tx(
	struct local_cloud *cloud, const struct logs_call *c, char **arn, struct err *err)
{
	const char *given = json_get_str(c->req->in, "resourceArn"), *name = c->group;
	struct strbuf plain = STRBUF_INIT;
	int64_t id;
	int ret = -1;

	*arn = NULL;
	if (given) {
		strbuf_addstr(&plain, given);
		if (ends_with(plain.buf, ":*"))
			strbuf_setlen(&plain, plain.len - 2);
		name = strstr(plain.buf, ":log-group:");
		name = name ? name + strlen(":log-group:") : NULL;
	}
	if (!name)
		logs_invalid(err, "The ARN of a log group is expected");
	else if (logs_group_tx(cloud, name, &id, err) == 0)
		ret = 0;
	if (ret == 0)
		*arn = given ? xstrdup(plain.buf) : group_arn(cloud, c->req->region, name);
	strbuf_release(&plain);
	return ret;
}

static int tag_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	char *arn;
	int ret = tagged_arn_tx(cloud, c, &arn, err);

	if (ret == 0)
		ret = local_tags_set(cloud, arn, json_get(c->req->in, "tags"), err);
	free(arn);
	return ret;
}

static int untag_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	const struct json *keys = json_get(c->req->in, "tagKeys");
	char *arn;
	int ret = tagged_arn_tx(cloud, c, &arn, err);

	if (ret == 0)
		ret = local_tags_remove(
			cloud, arn, keys ? keys : json_get(c->req->in, "tags"), err);
	free(arn);
	return ret;
}

static int list_tags_tx(struct local_cloud *cloud, struct logs_call *c, struct err *err)
{
	struct json *tags = NULL;
	char *arn;
	int ret = tagged_arn_tx(cloud, c, &arn, err);

	if (ret == 0)
		ret = local_tags_get(cloud, arn, &tags, err);
	if (ret == 0) {
		c->out = json_object();
		json_set(c->out, "tags", tags);
	}
	free(arn);
	return ret;
}

#define OPERATION(name, fn)                                                         \
	static int name(struct local_cloud *cloud, const struct local_request *req, \
		struct json **out, struct err *err)                                 \
	{                                                                           \
		return run_tx(cloud, req, fn, out, err);                            \
	}
OPERATION(create_log_group, create_group_tx)
OPERATION(delete_log_group, delete_group_tx)
OPERATION(create_log_stream, create_stream_tx)
OPERATION(delete_log_stream, delete_stream_tx)
OPERATION(put_retention_policy, put_retention_tx)
OPERATION(delete_retention_policy, delete_retention_tx)
OPERATION(put_deletion_protection, put_protection_tx)
OPERATION(associate_kms_key, associate_key_tx)
OPERATION(disassociate_kms_key, disassociate_key_tx)
OPERATION(put_log_events, put_events_tx)
OPERATION(tag_resource, tag_tx)
OPERATION(untag_resource, untag_tx)
OPERATION(list_tags, list_tags_tx)

static void group_arn_of(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *name = json_get_str(req->in, "logGroupName"),
		   *stream = json_get_str(req->in, "logStreamName"),
		   *given = json_get_str(req->in, "resourceArn");
	char *text;

	if (!name && !given) {
		name = json_get_str(req->in, "logGroupIdentifier");
		name = name ? name : json_get_str(req->in, "resourceIdentifier");
		given = name && starts_with(name, "arn:") ? name : NULL;
	}
	text = group_arn(cloud, req->region, name ? name : "*");
	if (given)
		strbuf_addstr(arn, given);
	else
		strbuf_addf(
			arn, "%s:%s%s", text, stream ? "log-stream:" : "*", stream ? stream : "");
	free(text);
}

static const struct local_route routes[] = {
	{"AssociateKmsKey", associate_kms_key, group_arn_of},
	{"CreateLogGroup", create_log_group, group_arn_of},
	{"CreateLogStream", create_log_stream, group_arn_of},
	{"DeleteLogGroup", delete_log_group, group_arn_of},
	{"DeleteLogStream", delete_log_stream, group_arn_of},
	{"DeleteRetentionPolicy", delete_retention_policy, group_arn_of},
	{"DisassociateKmsKey", disassociate_kms_key, group_arn_of},
	{"ListTagsForResource", list_tags, group_arn_of},
	{"ListTagsLogGroup", list_tags, group_arn_of},
	{"PutLogEvents", put_log_events, group_arn_of},
	{"PutLogGroupDeletionProtection", put_deletion_protection, group_arn_of},
	{"PutRetentionPolicy", put_retention_policy, group_arn_of},
	{"TagLogGroup", tag_resource, group_arn_of},
	{"TagResource", tag_resource, group_arn_of},
	{"UntagLogGroup", untag_resource, group_arn_of},
	{"UntagResource", untag_resource, group_arn_of},
};

const struct local_service local_logs_service = {"logs", routes, ARRAY_SIZE(routes)};

static int recover(struct local_cloud *cloud, struct err *err)
{
	int ret;

	if (local_tx_begin(cloud, err) != 0)
		return -1;
	ret = logs_purge_tx(cloud, 0, err);
	ret = local_tx_finish(cloud, ret, err);
	return ret;
}

const struct local_part local_logs_part = {.name = "logs", .schema = schema, .recover = recover};
