/* Rules: made, changed, switched, listed, deleted. */
#include "local_events_internal.h"

#include "local_events_pattern.h"
#include "local_workflow.h"
#include "xalloc.h"

const char events_schema[] =
	"CREATE TABLE IF NOT EXISTS events_bus (region TEXT NOT NULL, name TEXT NOT NULL, doc TEXT "
	"NOT NULL, PRIMARY KEY (region, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS events_rule (arn TEXT PRIMARY KEY, region TEXT NOT NULL, bus "
	"TEXT NOT NULL, name TEXT NOT NULL, doc TEXT NOT NULL, fire_ms INTEGER NOT NULL DEFAULT 0) "
	"WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS events_rule_bus ON events_rule (region, bus, name);"
	"CREATE TABLE IF NOT EXISTS events_target (rule_arn TEXT NOT NULL REFERENCES events_rule "
	"(arn) ON DELETE CASCADE, id TEXT NOT NULL, target_arn TEXT NOT NULL, doc TEXT NOT NULL, "
	"PRIMARY KEY (rule_arn, id)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS events_target_arn ON events_target (target_arn);"
	"CREATE TABLE IF NOT EXISTS events_delivery (id INTEGER PRIMARY KEY AUTOINCREMENT, "
	"rule_arn "
	"TEXT NOT NULL, target TEXT NOT NULL, event TEXT NOT NULL, attempts INTEGER NOT NULL "
	"DEFAULT 0, first_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, hops INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS events_delivery_due ON events_delivery (due_ms);"
	"CREATE TABLE IF NOT EXISTS events_batch (workflow TEXT PRIMARY KEY, events TEXT NOT "
	"NULL, due_ms INTEGER NOT NULL) WITHOUT ROWID;";

void events_rule_release(struct events_rule *r)
{
	free(r->arn);
	free(r->name);
	free(r->bus);
	free(r->region);
	json_free(r->doc);
	memset(r, 0, sizeof(*r));
}

static bool is_enabled(const struct json *doc)
{
	const char *state = json_get_str(doc, "State");

	return !state || strcmp(state, "DISABLED") != 0;
}

/* 1 found, 0 not. */
static int find_tx(
	struct local_cloud *cloud, const char *arn, struct events_rule *r, struct err *err)
{
	struct sql_stmt *st;
	int row;

	memset(r, 0, sizeof(*r));
	st = sql_query(cloud->db, err,
		"SELECT name, bus, region, doc FROM events_rule WHERE arn = ?", "s", arn);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		r->arn = xstrdup(arn);
		r->name = xstrdup(sql_text(st, 0));
		r->bus = xstrdup(sql_text(st, 1));
		r->region = xstrdup(sql_text(st, 2));
		r->doc = json_parse(sql_text(st, 3), strlen(sql_text(st, 3)), NULL);
		r->enabled = is_enabled(r->doc);
	}
	sql_done(st);
	return row;
}

int events_rule_find_tx(
	struct local_cloud *cloud, const char *arn, struct events_rule *r, struct err *err)
{
	int found = find_tx(cloud, arn, r, err);

	if (!found)
		return events_not_found(err, "Rule %s does not exist.", arn);
	return found < 0 ? -1 : 0;
}

/* The rule that the request names; 1, 0, -1. Its bus must be there. */
static int asked_tx(struct local_cloud *cloud, const struct local_call *k, const char *member,
	char **bus, struct events_rule *r, struct err *err)
{
	const char *name = json_get_str(k->in, member);
	char *arn;
	int found;

	memset(r, 0, sizeof(*r));
	*bus = events_bus_name(json_get_str(k->in, "EventBusName"));
	if (events_check_name(strcmp(member, "Rule") ? "name" : "rule", name, 64, false, err) ||
		events_bus_need_tx(cloud, k->req->region, *bus, err))
		return -1;
	arn = events_rule_arn(cloud, k->req->region, *bus, name);
	found = find_tx(cloud, arn, r, err);
	free(arn);
	return found;
}

int events_rule_need_tx(struct local_cloud *cloud, const struct local_call *k, const char *member,
	struct events_rule *r, struct err *err)
{
	char *bus;
	int found = asked_tx(cloud, k, member, &bus, r, err);

	if (!found)
		events_not_found(err, "Rule %s does not exist on EventBus %s.",
			json_get_str(k->in, member), bus);
	free(bus);
	return found > 0 ? 0 : -1;
}

int events_schedule_tx(struct local_cloud *cloud, const struct events_rule *r, struct err *err)
{
	const char *schedule = json_get_str(r->doc, "ScheduleExpression");
	struct err why = ERR_INIT;
	int64_t next = 0;

	if (schedule && r->enabled &&
		local_schedule_next(schedule, local_now_ms(cloud), &next, &why) != 0)
		next = 0; /* its last time is over */
	err_release(&why);
	return sql_run(cloud->db, NULL, err, "UPDATE events_rule SET fire_ms = ? WHERE arn = ?",
		"is", next, r->arn);
}

/* --- PutRule --- */

static int check_expressions(const struct json *in, const char *bus, struct err *err)
{
	const char *pattern = json_get_str(in, "EventPattern"),
		   *schedule = json_get_str(in, "ScheduleExpression");
	struct err why = ERR_INIT;
	struct json *doc = NULL;
	int64_t next;
	int ret = 0;

	if ((!pattern || !*pattern) && (!schedule || !*schedule))
		return events_invalid(
			err, "Parameter(s) EventPattern or ScheduleExpression must be specified.");
	if (pattern && *pattern) {
		doc = events_pattern_parse(pattern, &why);
		if (!doc)
			ret = local_fault(err, 400, "InvalidEventPatternException",
				"Event pattern is not valid. Reason: %s", why.text);
	}
	json_free(doc);
	if (!ret && schedule && *schedule && strcmp(bus, EVENTS_DEFAULT) != 0)
		ret = events_invalid(
			err, "ScheduleExpression is supported only on the default event bus.");
	/* one that has only times that are over is none either, but it is well-formed */
	if (!ret && schedule && *schedule &&
		(strlen(schedule) > 256 || local_schedule_next(schedule, 0, &next, &why)))
		ret = events_invalid(err, "Parameter ScheduleExpression is not valid.");
	err_release(&why);
	return ret;
}

static int check_rule(const struct json *in, const char *bus, struct err *err)
{
	static const char *const states[] = {
		"ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"};
	const char *state = json_get_str(in, "State"), *text = json_get_str(in, "Description"),
		   *role = json_get_str(in, "RoleArn");
	bool good = !state;

	for (size_t i = 0; state && i < ARRAY_SIZE(states); i++)
		good = good || !strcmp(state, states[i]);
	if (!good)
		return events_invalid(err,
			"1 validation error detected: Value '%s' at 'state' failed to satisfy "
			"constraint: Member must satisfy enum value set: [ENABLED, DISABLED, "
			"ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]",
			state);
	if (text && strlen(text) > 512)
		return events_invalid(err,
			"1 validation error detected: Value at 'description' failed to satisfy "
			"constraint: Member must have length less than or equal to 512");
	if (role && !starts_with(role, "arn:"))
		return events_invalid(err, "Parameter RoleArn is not valid.");
	return check_expressions(in, bus, err);
}

static int put_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	static const char *const kept[] = {
		"EventPattern", "ScheduleExpression", "State", "Description", "RoleArn"};
	struct json *doc = json_object(), *tags = NULL;
	struct strbuf text = STRBUF_INIT;
	struct events_rule r;
	char *bus;
	int found = asked_tx(cloud, k, "Name", &bus, &r, err), ret = found < 0 ? -1 : 0;

	if (!ret)
		ret = check_rule(k->in, bus, err);
	if (!ret)
		ret = events_read_tags(json_get(k->in, "Tags"), &tags, err);
	if (ret)
		goto out;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const char *value = json_get_str(k->in, kept[i]);

		if (value && *value)
			json_set_str(doc, kept[i], value);
	}
	if (!json_get(doc, "State"))
		json_set_str(doc, "State", "ENABLED");
	if (!found) {
		r.name = xstrdup(json_get_str(k->in, "Name"));
		r.arn = events_rule_arn(cloud, k->req->region, bus, r.name);
	}
	json_free(r.doc);
	r.doc = doc;
	doc = NULL;
	r.enabled = is_enabled(r.doc);
	json_print(r.doc, &text);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO events_rule (arn, region, bus, name, doc) VALUES (?, ?, ?, ?, ?) ON "
		"CONFLICT (arn) DO UPDATE SET doc = excluded.doc",
		"sssss", r.arn, k->req->region, bus, r.name, text.buf);
	if (!ret && !found)
		ret = local_tags_set(cloud, r.arn, tags, err);
	if (!ret)
		ret = events_schedule_tx(cloud, &r, err);
	k->wake = local_events_kick;
	k->out = json_object();
	json_set_str(k->out, "RuleArn", r.arn);
out:
	json_free(doc);
	json_free(tags);
	strbuf_release(&text);
	events_rule_release(&r);
	free(bus);
	return ret;
}
LOCAL_HANDLER(put_rule, put_tx)

/* --- the others --- */

static struct json *describe(const struct events_rule *r)
{
	struct json *out = json_copy(r->doc);

	json_set_str(out, "Name", r->name);
	json_set_str(out, "Arn", r->arn);
	json_set_str(out, "EventBusName", r->bus);
	return out;
}

static int describe_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct events_rule r;
	int ret = events_rule_need_tx(cloud, k, "Name", &r, err);

	if (!ret) {
		k->out = describe(&r);
		json_set_str(k->out, "CreatedBy", cloud->account);
	}
	events_rule_release(&r);
	return ret;
}
LOCAL_HANDLER(describe_rule, describe_tx)

static int switch_tx(
	struct local_cloud *cloud, struct local_call *k, const char *state, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct events_rule r;
	int ret = events_rule_need_tx(cloud, k, "Name", &r, err);

	if (!ret) {
		json_set_str(r.doc, "State", state);
		r.enabled = is_enabled(r.doc);
		json_print(r.doc, &text);
		ret = sql_run(cloud->db, NULL, err, "UPDATE events_rule SET doc = ? WHERE arn = ?",
			"ss", text.buf, r.arn);
	}
	if (!ret)
		ret = events_schedule_tx(cloud, &r, err);
	k->wake = local_events_kick;
	strbuf_release(&text);
	events_rule_release(&r);
	return ret;
}

static int enable_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return switch_tx(cloud, k, "ENABLED", err);
}
LOCAL_HANDLER(enable_rule, enable_tx)

static int disable_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	return switch_tx(cloud, k, "DISABLED", err);
}
LOCAL_HANDLER(disable_rule, disable_tx)

/* One that is not there is fine; one with targets is not. */
static int delete_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct events_rule r;
	char *bus;
	int row, found = asked_tx(cloud, k, "Name", &bus, &r, err), ret = found < 0 ? -1 : 0;

	if (found > 0) {
		row = sql_exists(cloud->db, err, "SELECT 1 FROM events_target WHERE rule_arn = ?",
			"s", r.arn);
		if (row > 0)
			ret = events_invalid(err, "Rule can't be deleted since it has targets.");
		else if (row < 0 ||
			 sql_run(cloud->db, NULL, err, "DELETE FROM events_rule WHERE arn = ?", "s",
				 r.arn) ||
			 local_tags_clear(cloud, r.arn, err))
			ret = -1;
	}
	events_rule_release(&r);
	free(bus);
	return ret;
}
LOCAL_HANDLER(delete_rule, delete_tx)

static int list_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *prefix = json_get_str(k->in, "NamePrefix");
	char *bus = events_bus_name(json_get_str(k->in, "EventBusName")), *after = NULL, *token;
	struct json *list = json_array();
	struct sql_stmt *st = NULL;
	int64_t limit;
	int row = -1;

	k->out = json_object();
	json_set(k->out, "Rules", list);
	if (events_page(k->in, &limit, &after, err) ||
		events_bus_need_tx(cloud, k->req->region, bus, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT name, arn, doc FROM events_rule WHERE region = ? AND bus = ? AND name > ? "
		"AND substr(name, 1, length(?4)) = ?4 ORDER BY name LIMIT ?",
		"ssssi", k->req->region, bus, after ? after : "", prefix ? prefix : "", limit + 1);
	while (st && (row = sql_step(st, err)) > 0) {
		if (json_len(list) == (size_t)limit) {
			token = local_token_make(
				json_get_str(json_at(list, json_len(list) - 1), "Name"));
			json_set_str(k->out, "NextToken", token);
			free(token);
			row = 0;
			break;
		}
		struct events_rule r = {.name = xstrdup(sql_text(st, 0)),
			.arn = xstrdup(sql_text(st, 1)),
			.bus = xstrdup(bus),
			.doc = json_parse(sql_text(st, 2), strlen(sql_text(st, 2)), NULL)};
		json_push(list, describe(&r));
		events_rule_release(&r);
	}
	sql_done(st);
out:
	free(after);
	free(bus);
	return row < 0 ? -1 : 0;
}
LOCAL_HANDLER(list_rules, list_tx)

static const struct local_route routes[] = {
	{"DeleteRule", delete_rule, events_arn_of},
	{"DescribeRule", describe_rule, events_arn_of},
	{"DisableRule", disable_rule, events_arn_of},
	{"EnableRule", enable_rule, events_arn_of},
	{"ListRuleNamesByTarget", local_events_list_rules_by_target, NULL},
	{"ListRules", list_rules, events_arn_of},
	{"ListTargetsByRule", local_events_list_targets, events_arn_of},
	{"PutRule", put_rule, events_arn_of},
	{"PutTargets", local_events_put_targets, events_arn_of},
	{"RemoveTargets", local_events_remove_targets, events_arn_of},
};

const struct local_service local_events_service = {"events", routes, ARRAY_SIZE(routes)};
