/* Events on their way in: PutEvents, TestEventPattern, the cloud's own services; and which rules they fit. */
#include "local_events_internal.h"

#include "clock.h"
#include "local_events_pattern.h"
#include "local_iam.h"
#include "log.h"
#include "strvec.h"
#include "xalloc.h"

#define ENTRIES_MAX 10
#define REQUEST_MAX_BYTES 1048576

struct json *events_new(struct local_cloud *cloud, const char *region, const char *source,
	const char *detail_type, int64_t time_ms, struct json *resources, struct json *detail)
{
	struct json *event = json_object();
	struct strbuf time = STRBUF_INIT;
	char *id = local_uuid();

	clock_add_iso(&time, time_ms, false);
	json_set_str(event, "version", "0");
	json_set_str(event, "id", id);
	json_set_str(event, "detail-type", detail_type);
	json_set_str(event, "source", source);
	json_set_str(event, "account", cloud->account);
	json_set_str(event, "time", time.buf);
	json_set_str(event, "region", region);
	json_set(event, "resources", resources ? resources : json_array());
	json_set(event, "detail", detail ? detail : json_object());
	strbuf_release(&time);
	free(id);
	return event;
}

int events_fire_tx(struct local_cloud *cloud, const struct events_rule *r, const struct json *event,
	int64_t hops, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int64_t now = local_now_ms(cloud);
	int ret;

	json_print(event, &text);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO events_delivery (rule_arn, target, event, first_ms, due_ms, hops) "
		"SELECT rule_arn, doc, ?, ?, ?, ? FROM events_target WHERE rule_arn = ? ORDER BY "
		"id",
		"siiis", text.buf, now, now, hops, r->arn);
	strbuf_release(&text);
	return ret;
}

static bool fits(const struct events_rule *r, const struct json *event)
{
	const char *text = json_get_str(r->doc, "EventPattern");
	struct err ignored = ERR_INIT;
	struct json *pattern = text ? events_pattern_parse(text, &ignored) : NULL;
	bool match = pattern && events_pattern_match(pattern, event);

	json_free(pattern);
	err_release(&ignored);
	return match;
}

int events_route_tx(struct local_cloud *cloud, const char *region, const char *bus,
	const struct json *event, int64_t hops, struct err *err)
{
	struct strvec arns = STRVEC_INIT;
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT arn FROM events_rule WHERE region = ? AND bus = ? ORDER BY name", "ss",
		region, bus);
	int ret = -1;

	while (st && (ret = sql_step(st, err)) > 0)
		strvec_push(&arns, sql_text(st, 0));
	sql_done(st);
	for (size_t i = 0; !ret && i < arns.nr; i++) {
		struct events_rule r;

		ret = events_rule_find_tx(cloud, arns.v[i], &r, err);
		if (!ret && r.enabled && fits(&r, event))
			ret = events_fire_tx(cloud, &r, event, hops, err);
		events_rule_release(&r);
	}
	strvec_release(&arns);
	return ret;
}

/* --- the cloud's own services --- */

int local_event_put_tx(struct local_cloud *cloud, const char *source, const char *detail_type,
	const struct json *resources, const struct json *detail, struct err *err)
{
	struct json *event = events_new(cloud, cloud->region, source, detail_type,
		local_now_ms(cloud), json_copy(resources), json_copy(detail));
	int ret = events_route_tx(cloud, cloud->region, EVENTS_DEFAULT, event, 0, err);

	json_free(event);
	/* the deliverer needs the database, which is ours until the commit */
	local_events_kick(cloud);
	return ret;
}

void local_event_put(struct local_cloud *cloud, const char *source, const char *detail_type,
	const struct json *resources, const struct json *detail)
{
	struct err err = ERR_INIT;
	int ret = local_tx_begin(cloud, &err);

	if (!ret)
		ret = local_event_put_tx(cloud, source, detail_type, resources, detail, &err);
	if (!ret)
		ret = local_tx_commit(cloud, &err);
	local_tx_end(cloud);
	if (ret)
		log_warn("event '%s' of %s is lost: %s", detail_type, source, err.text);
	err_release(&err);
}

/* --- PutEvents --- */

/* -1 with the entry's own error. */
static int bad_entry(struct json *done, const char *code, const char *fmt, ...) printf_like(3, 4);
static int bad_entry(struct json *done, const char *code, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	json_set_str(done, "ErrorCode", code);
	json_set_str(done, "ErrorMessage", text.buf);
	strbuf_release(&text);
	return -1;
}

static int check_entry(struct local_cloud *cloud, const struct local_request *req,
	const struct json *entry, const char *bus, struct json *done)
{
	static const char *const members[] = {"Source", "DetailType", "Detail"};
	char *arn;
	bool allowed;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!json_get_str(entry, members[i]) || !*json_get_str(entry, members[i]))
			return bad_entry(done, "InvalidArgument",
				"Parameter %s is not valid. Reason: %s is a required argument.",
				members[i], members[i]);
	if (starts_with(json_get_str(entry, "Source"), "aws."))
		return bad_entry(
			done, "NotAuthorizedForSourceException", "Not authorized for the source.");
	arn = local_arn(cloud, "events", req->region, "event-bus/%s", bus);
	allowed = local_iam_allows(cloud, req->who, "events:PutEvents", arn);
	free(arn);
	if (!allowed)
		return bad_entry(done, "AccessDeniedException",
			"User: %s is not authorized to perform: events:PutEvents", req->who->arn);
	return 0;
}

/* Seconds as a number, with a fraction, or the JSON protocol's other forms. */
static int64_t entry_time(struct local_cloud *cloud, const struct json *entry)
{
	const struct json *time = json_get(entry, "Time");
	int64_t ms;

	if (json_is(time, JSON_NUMBER))
		return (int64_t)(json_dbl(time, 0) * 1000);
	return json_str(time) && clock_parse(json_str(time), &ms) == 0 ? ms : local_now_ms(cloud);
}

static int put_entry_tx(struct local_cloud *cloud, struct local_call *k, const struct json *entry,
	struct json *done, struct err *err)
{
	const char *text = json_get_str(entry, "Detail");
	char *bus = events_bus_name(json_get_str(entry, "EventBusName"));
	struct json *detail = NULL, *event;
	struct err why = ERR_INIT;
	int ret = 0;

	if (check_entry(cloud, k->req, entry, bus, done))
		goto out;
	if (events_bus_need_tx(cloud, k->req->region, bus, &why)) {
		if (why.aws_code) {
			bad_entry(done, "InvalidArgument", "%s", why.text);
		} else {
			err_move(err, &why);
			ret = -1;
		}
		goto out;
	}
	detail = json_parse(text, strlen(text), &why);
	if (!json_is(detail, JSON_OBJECT)) {
		bad_entry(done, "MalformedDetail", "Detail is malformed.");
		goto out;
	}
	event = events_new(cloud, k->req->region, json_get_str(entry, "Source"),
		json_get_str(entry, "DetailType"), entry_time(cloud, entry),
		json_copy(json_get(entry, "Resources")), detail);
	detail = NULL;
	json_set_str(done, "EventId", json_get_str(event, "id"));
	ret = events_route_tx(cloud, k->req->region, bus, event, 0, err);
	json_free(event);
out:
	err_release(&why);
	json_free(detail);
	free(bus);
	return ret;
}

static int put_events_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *entries = json_get(k->in, "Entries"), *e;
	struct strbuf all = STRBUF_INIT;
	struct json *done, *list;
	int64_t failed = 0;
	bool big;

	if (!json_is(entries, JSON_ARRAY) || json_len(entries) < 1 ||
		json_len(entries) > ENTRIES_MAX)
		return events_invalid(err,
			"1 validation error detected: Value '%zu' at 'entries' failed to satisfy "
			"constraint: Member must have length %s than or equal to %d",
			json_len(entries), json_len(entries) ? "less" : "greater",
			json_len(entries) ? ENTRIES_MAX : 1);
	if (json_get(k->in, "EndpointId"))
		return events_invalid(err, "the local cloud has no global endpoints");
	json_print(entries, &all);
	big = all.len > REQUEST_MAX_BYTES;
	strbuf_release(&all);
	if (big)
		return events_invalid(
			err, "Total size of the entries in the request is over the limit.");
	list = json_array();
	k->out = json_object();
	json_set(k->out, "Entries", list);
	json_each(e, entries)
	{
		done = json_object();
		json_push(list, done);
		if (put_entry_tx(cloud, k, e, done, err))
			return -1;
		failed += json_get(done, "ErrorCode") != NULL;
	}
	json_set_i64(k->out, "FailedEntryCount", failed);
	k->wake = local_events_kick;
	return 0;
}
LOCAL_HANDLER(put_events, put_events_tx)

/* --- TestEventPattern --- */

static int test_pattern(struct local_cloud *cloud unused_arg, const struct local_request *req,
	struct json **out, struct err *err)
{
	static const char *const members[] = {
		"id", "detail-type", "source", "account", "time", "region", "resources"};
	const char *pattern_text = json_get_str(req->in, "EventPattern"),
		   *event_text = json_get_str(req->in, "Event");
	struct json *pattern = NULL, *event = NULL;
	struct err why = ERR_INIT;
	int ret = 0;

	if (!pattern_text || !event_text)
		return events_invalid(err, "EventPattern and Event must be given");
	event = json_parse(event_text, strlen(event_text), &why);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(members); i++)
		if (!json_get(event, members[i]))
			ret = events_invalid(err, "Parameter Event is not valid.");
	if (!ret && !(pattern = events_pattern_parse(pattern_text, &why)))
		ret = local_fault(err, 400, "InvalidEventPatternException",
			"Event pattern is not valid. Reason: %s", why.text);
	if (!ret) {
		*out = json_object();
		json_set_bool(*out, "Result", events_pattern_match(pattern, event));
	}
	err_release(&why);
	json_free(pattern);
	json_free(event);
	return ret;
}

/* The bus of the first entry; the others' are asked about one by one. */
static void bus_arn_of(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	char *bus = events_bus_name(
		json_get_str(json_at(json_get(req->in, "Entries"), 0), "EventBusName"));
	char *text = local_arn(cloud, "events", req->region, "event-bus/%s", bus);

	strbuf_addstr(arn, text);
	free(text);
	free(bus);
}

static const struct local_route routes[] = {
	{"PutEvents", put_events, bus_arn_of},
	{"TestEventPattern", test_pattern, NULL},
};

const struct local_service local_events_put_service = {"events", routes, ARRAY_SIZE(routes)};
