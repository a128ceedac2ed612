/* Targets of rules: put, removed, listed. What each kind needs is checked when it is put. */
#include "local_events_internal.h"

#include "local_iam.h"
#include "xalloc.h"

#define TARGETS_MAX 5 /* a rule's; the quota that accounts begin with */
#define CALL_MAX 100

/* --- checking --- */

static int missing_member(struct err *err, int at, const char *member)
{
	return events_invalid(err,
		"1 validation error detected: Value null at 'targets.%d.member.%s' failed to "
		"satisfy constraint: Member must not be null",
		at, member);
}

static int check_target(const struct json *target, int at, struct err *err)
{
	const char *id = json_get_str(target, "Id"), *arn = json_get_str(target, "Arn");
	const struct json *retry = json_get(target, "RetryPolicy");
	int64_t attempts = json_get_i64(retry, "MaximumRetryAttempts", 185),
		age = json_get_i64(retry, "MaximumEventAgeInSeconds", 86400);
	const char *dead = json_get_str(json_get(target, "DeadLetterConfig"), "Arn");

	if (!id || !arn)
		return missing_member(err, at, id ? "arn" : "id");
	if (events_check_name("id", id, 64, false, err) || events_check_input(target, err))
		return -1;
	if (!starts_with(arn, "arn:") || !strchr(arn + 4, ':'))
		return events_invalid(err,
			"Parameter %s is not valid. Reason: Provided Arn is not in correct format.",
			arn);
	if (attempts < 0 || attempts > 185 || age < 60 || age > 86400)
		return events_invalid(err, "RetryPolicy: MaximumRetryAttempts is from 0 to 185, "
					   "MaximumEventAgeInSeconds from 60 to 86400");
	if (dead && (!starts_with(dead, "arn:aws:sqs:") || ends_with(dead, ".fifo")))
		return events_invalid(err,
			"Parameter %s is not valid. Reason: a dead-letter queue is a standard "
			"SQS queue.",
			dead);
	return events_check_arn(target, err);
}

/* Who puts a target with a role must be allowed to pass it on. */
static int check_roles(struct local_cloud *cloud, const struct local_request *req,
	const struct json *targets, struct err *err)
{
	const struct json *t;
	int at = 0;

	if (!json_is(targets, JSON_ARRAY) || json_len(targets) < 1 || json_len(targets) > CALL_MAX)
		return events_invalid(err,
			"1 validation error detected: Value at 'targets' failed to satisfy "
			"constraint: Member must have length between 1 and %d",
			CALL_MAX);
	json_each(t, targets)
	{
		const char *role = json_get_str(t, "RoleArn");

		if (check_target(t, ++at, err))
			return -1;
		if (role && !local_iam_allows(cloud, req->who, "iam:PassRole", role))
			return local_fault(err, 400, "AccessDeniedException",
				"User: %s is not authorized to perform: iam:PassRole on resource: "
				"%s",
				req->who->arn, role);
	}
	return 0;
}

/* --- put, remove --- */

static int put_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *t;
	struct sql_stmt *st = NULL;
	struct events_rule r;
	int row = -1, ret = events_rule_need_tx(cloud, k, "Rule", &r, err);

	json_each(t, json_get(k->in, "Targets"))
	{
		struct strbuf text = STRBUF_INIT;

		if (ret)
			break;
		json_print(t, &text);
		ret = sql_run(cloud->db, NULL, err,
			"INSERT OR REPLACE INTO events_target (rule_arn, id, target_arn, doc) "
			"VALUES "
			"(?, ?, ?, ?)",
			"ssss", r.arn, json_get_str(t, "Id"), json_get_str(t, "Arn"), text.buf);
		strbuf_release(&text);
	}
	if (!ret)
		st = sql_query(cloud->db, err,
			"SELECT count(*) FROM events_target WHERE rule_arn = ?", "s", r.arn);
	if (st)
		row = sql_step(st, err);
	if (row > 0 && sql_int(st, 0) > TARGETS_MAX)
		row = local_fault(err, 400, "LimitExceededException",
			"The requested resource exceeds the maximum number allowed.");
	sql_done(st);
	if (!ret && row > 0) {
		k->out = json_object();
		json_set_i64(k->out, "FailedEntryCount", 0);
		json_set(k->out, "FailedEntries", json_array());
	}
	events_rule_release(&r);
	return row > 0 ? ret : -1;
}

int local_events_put_targets(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	if (check_roles(cloud, req, json_get(req->in, "Targets"), err))
		return -1;
	return local_call_run(cloud, req, put_tx, out, err);
}

static int remove_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *ids = json_get(k->in, "Ids"), *id;
	struct json *failed = json_array(), *f;
	struct events_rule r;
	int ret = events_rule_need_tx(cloud, k, "Rule", &r, err);

	if (!ret && (json_len(ids) < 1 || json_len(ids) > CALL_MAX))
		ret = events_invalid(err,
			"1 validation error detected: Value at 'ids' failed to satisfy constraint: "
			"Member must have length between 1 and %d",
			CALL_MAX);
	json_each(id, ids)
	{
		int64_t gone = 0;

		if (ret)
			break;
		ret = sql_run(cloud->db, &gone, err,
			"DELETE FROM events_target WHERE rule_arn = ? AND id = ?", "ss", r.arn,
			json_str(id));
		if (gone)
			continue;
		f = json_object();
		json_set_str(f, "TargetId", json_str(id));
		json_set_str(f, "ErrorCode", "ResourceNotFoundException");
		json_set_str(f, "ErrorMessage", "Target does not exist.");
		json_push(failed, f);
	}
	k->out = json_object();
	json_set_i64(k->out, "FailedEntryCount", (int64_t)json_len(failed));
	json_set(k->out, "FailedEntries", failed);
	events_rule_release(&r);
	return ret;
}

int local_events_remove_targets(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return local_call_run(cloud, req, remove_tx, out, err);
}

/* --- lists --- */

static int list_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *list = json_array(), *t;
	struct sql_stmt *st = NULL;
	struct events_rule r;
	char *after = NULL, *token;
	int64_t limit;
	int row = -1;

	k->out = json_object();
	json_set(k->out, "Targets", list);
	if (events_rule_need_tx(cloud, k, "Rule", &r, err) ||
		events_page(k->in, &limit, &after, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT id, doc FROM events_target WHERE rule_arn = ? AND id > ? ORDER BY id LIMIT "
		"?",
		"ssi", r.arn, after ? after : "", limit + 1);
	while (st && (row = sql_step(st, err)) > 0) {
		if (json_len(list) == (size_t)limit) {
			t = json_at(list, json_len(list) - 1);
			token = local_token_make(json_get_str(t, "Id"));
			json_set_str(k->out, "NextToken", token);
			free(token);
			row = 0;
			break;
		}
		json_push(list, json_parse(sql_text(st, 1), strlen(sql_text(st, 1)), NULL));
	}
	sql_done(st);
out:
	free(after);
	events_rule_release(&r);
	return row < 0 ? -1 : 0;
}

int local_events_list_targets(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return local_call_run(cloud, req, list_tx, out, err);
}

static int by_target_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *target = json_get_str(k->in, "TargetArn"), *last = NULL;
	char *bus = events_bus_name(json_get_str(k->in, "EventBusName")), *after = NULL, *token;
	struct json *list = json_array();
	struct sql_stmt *st = NULL;
	int64_t limit;
	int row = -1;

	k->out = json_object();
	json_set(k->out, "RuleNames", list);
	if (!target) {
		events_invalid(err, "TargetArn is missing");
		goto out;
	}
	if (events_page(k->in, &limit, &after, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT DISTINCT r.name FROM events_target t JOIN events_rule r ON r.arn = "
		"t.rule_arn WHERE t.target_arn = ? AND r.region = ? AND r.bus = ? AND r.name > ? "
		"ORDER BY r.name LIMIT ?",
		"ssssi", target, k->req->region, bus, after ? after : "", limit + 1);
	while (st && (row = sql_step(st, err)) > 0) {
		if (json_len(list) == (size_t)limit) {
			last = json_str(json_at(list, json_len(list) - 1));
			token = local_token_make(last);
			json_set_str(k->out, "NextToken", token);
			free(token);
			row = 0;
			break;
		}
		json_push_str(list, sql_text(st, 0));
	}
	sql_done(st);
out:
	free(after);
	free(bus);
	return row < 0 ? -1 : 0;
}

int local_events_list_rules_by_target(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return local_call_run(cloud, req, by_target_tx, out, err);
}
