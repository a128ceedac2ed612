/* One delivery to one target, by what its ARN names. */
#include "local_events_internal.h"

#include "local_glue.h"
#include "local_iam.h"
#include "local_logs.h"
#include "local_sns.h"
#include "log.h"
#include "xalloc.h"

#define BATCH_WINDOW_S 900

typedef int send_fn(struct local_cloud *cloud, const struct events_delivery *d,
	const struct local_principal *who, const char *input, struct err *err);

static const char *target_arn(const struct events_delivery *d)
{
	return json_get_str(d->target, "Arn");
}

/* Behind the fifth colon. */
static const char *arn_rest(const char *arn)
{
	for (int i = 0; i < 5 && arn; i++) {
		arn = strchr(arn, ':');
		arn = arn ? arn + 1 : NULL;
	}
	return arn ? arn : "";
}

/* What stands behind "workflow/" and the like; kind_of() has seen that it is there. */
static const char *arn_name(const char *arn, const char *prefix)
{
	const char *at = strstr(arn, prefix);

	return at ? at + strlen(prefix) : arn;
}

/* --- queues and topics: as the target's role, or as EventBridge, whom their policies must allow --- */

static int send_sqs(struct local_cloud *cloud, const struct events_delivery *d,
	const struct local_principal *who, const char *input, struct err *err)
{
	const char *arn = target_arn(d),
		   *group = json_get_str(json_get(d->target, "SqsParameters"), "MessageGroupId");
	struct local_sqs_message m = {
		.body = input, .group = group, .dedup = json_get_str(d->event, "id")};
	struct json *in, *out = NULL;
	int ret;

	if (who) {
		char *url = xasprintf("%s/%s/%s", cloud->endpoint, cloud->account, arn_rest(arn));

		in = json_object();
		json_set_str(in, "QueueUrl", url);
		json_set_str(in, "MessageBody", input);
		json_set_str(in, "MessageGroupId", group);
		/* sent again after a crash it is the same message */
		json_set_str(in, "MessageDeduplicationId", group ? m.dedup : NULL);
		free(url);
		ret = local_invoke(cloud, who, "sqs", "SendMessage", in, &out, err);
		json_free(in);
		json_free(out);
		return ret;
	}
	if (local_tx_begin(cloud, err))
		return -1;
	ret = local_sqs_send_tx(cloud, arn, EVENTS, d->rule_arn, &m, err);
	ret = local_tx_finish(cloud, ret, err);
	if (!ret)
		local_sqs_notify(cloud);
	return ret;
}

static int send_sns(struct local_cloud *cloud, const struct events_delivery *d,
	const struct local_principal *who, const char *input, struct err *err)
{
	struct json *in, *out = NULL;
	int ret;

	if (!who)
		return local_sns_publish(cloud, target_arn(d), EVENTS, d->rule_arn, input, err);
	in = json_object();
	json_set_str(in, "TopicArn", target_arn(d));
	json_set_str(in, "Message", input);
	ret = local_invoke(cloud, who, "sns", "Publish", in, &out, err);
	json_free(in);
	json_free(out);
	return ret;
}

/* --- the others --- */

static int send_states(struct local_cloud *cloud, const struct events_delivery *d,
	const struct local_principal *who, const char *input, struct err *err)
{
	struct json *in = json_object(), *out = NULL;
	int ret;

	/* the same event is the same execution, however often it is tried */
	char *name = xasprintf("%s_%lld", json_get_str(d->event, "id"), (long long)d->id);
	json_set_str(in, "stateMachineArn", target_arn(d));
	json_set_str(in, "name", name);
	json_set_str(in, "input", input);
	ret = local_invoke(cloud, who, "states", "StartExecution", in, &out, err);
	free(name);
	json_free(in);
	json_free(out);
	return ret;
}

static int send_logs(struct local_cloud *cloud, const struct events_delivery *d,
	const struct local_principal *who unused_arg, const char *input, struct err *err)
{
	const char *group = arn_name(target_arn(d), ":log-group:");
	size_t len = strlen(group);
	char *name, *stream = local_uuid();
	int ret;

	if (ends_with(group, ":*"))
		len -= 2;
	name = xstrndup(group, len);
	ret = local_logs_append(
		cloud, name, stream, local_now_ms(cloud), input, strlen(input), err);
	free(name);
	free(stream);
	return ret;
}

/* To the rules of another bus; from there it goes to no third. */
static int send_bus(struct local_cloud *cloud, const struct events_delivery *d,
	const struct local_principal *who unused_arg, const char *input unused_arg, struct err *err)
{
	const char *arn = target_arn(d), *region = arn + strlen("arn:aws:events:");
	char *bus = events_bus_name(arn), *where = xstrndup(region, strcspn(region, ":"));
	int ret;

	if (d->hops > 0)
		ret = local_fault(err, 400, "ValidationException",
			"an event that came from another bus is not sent on to a third");
	else
		ret = local_tx_begin(cloud, err);
	if (!ret && !d->hops) {
		ret = events_bus_need_tx(cloud, where, bus, err);
		if (!ret)
			ret = events_route_tx(cloud, where, bus, d->event, 1, err);
		ret = local_tx_finish(cloud, ret, err);
	}
	free(bus);
	free(where);
	return ret;
}

/* --- Glue workflows: their EVENT trigger says how many events make a run --- */

struct notify {
	struct local_cloud *cloud;
	const char *workflow, *event; /* event NULL: the time of a batch is over */
	struct local_launch launch;
};

static int event_trigger_tx(struct local_cloud *cloud, const char *workflow, int64_t *size,
	int64_t *window_s, struct err *err)
{
	struct json *found = local_workflow_get_tx(cloud, workflow, err), *triggers = NULL, *t;
	const char *type;
	int ret;

	if (!found)
		return -1;
	json_free(found);
	*size = 0;
	ret = local_triggers_list_tx(cloud, workflow, &triggers, err);
	json_each(t, triggers)
	{
		type = json_get_str(t, "Type");
		if (strcmp(type, "EVENT") != 0)
			continue;
		*size = json_get_i64(json_get(t, "EventBatchingCondition"), "BatchSize", 1);
		*window_s = json_get_i64(
			json_get(t, "EventBatchingCondition"), "BatchWindow", BATCH_WINDOW_S);
	}
	json_free(triggers);
	if (!ret && !*size)
		ret = local_fault(err, 400, "EntityNotFoundException",
			"Workflow %s has no starting trigger of type EVENT", workflow);
	return ret;
}

static int start_run_tx(struct notify *n, const struct json *ids, struct err *err)
{
	struct json *properties = json_object();
	struct strbuf text = STRBUF_INIT;
	char *run = NULL;
	int ret;

	json_print(ids, &text);
	json_set_str(properties, "aws:eventIds", text.buf);
	ret = local_workflow_start_tx(
		n->cloud, n->workflow, properties, false, &n->launch, &run, err);
	if (!ret)
		ret = sql_run(n->cloud->db, NULL, err,
			"DELETE FROM events_batch WHERE workflow = ?", "s", n->workflow);
	free(run);
	strbuf_release(&text);
	json_free(properties);
	return ret;
}

static int notify_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct notify *n = payload;
	struct json *ids = NULL;
	struct strbuf text = STRBUF_INIT;
	struct sql_stmt *st;
	int64_t size = 1, window_s = BATCH_WINDOW_S;
	int row, ret = event_trigger_tx(cloud, n->workflow, &size, &window_s, err);

	if (ret)
		return -1;
	st = sql_query(cloud->db, err, "SELECT events FROM events_batch WHERE workflow = ?", "s",
		n->workflow);
	row = st ? sql_step(st, err) : -1;
	ids = row > 0 ? json_parse(sql_text(st, 0), strlen(sql_text(st, 0)), NULL) : json_array();
	sql_done(st);
	if (n->event)
		json_push_str(ids, n->event);
	if (row < 0) {
		ret = -1;
	} else if (!n->event || json_len(ids) >= (size_t)size) {
		ret = start_run_tx(n, ids, err);
	} else {
		json_print(ids, &text);
		ret = sql_run(cloud->db, NULL, err,
			"INSERT INTO events_batch (workflow, events, due_ms) VALUES (?, ?, ?) ON "
			"CONFLICT (workflow) DO UPDATE SET events = excluded.events",
			"ssi", n->workflow, text.buf, local_now_ms(cloud) + window_s * 1000);
	}
	strbuf_release(&text);
	json_free(ids);
	return ret;
}

static int notify(
	struct local_cloud *cloud, const char *workflow, const char *event, struct err *err)
{
	struct notify n = {
		.cloud = cloud, .workflow = workflow, .event = event, .launch = LOCAL_LAUNCH_INIT};
	int ret = local_tx(cloud, notify_tx, &n, err);

	if (!ret)
		local_launch_go(cloud, &n.launch);
	local_launch_release(&n.launch);
	return ret;
}

static int send_glue(struct local_cloud *cloud, const struct events_delivery *d,
	const struct local_principal *who, const char *input unused_arg, struct err *err)
{
	const char *arn = target_arn(d);

	if (!local_iam_allows(cloud, who, "glue:notifyEvent", arn))
		return local_fault(err, 400, "AccessDeniedException",
			"User: %s is not authorized to perform: glue:NotifyEvent on resource: %s",
			who->arn, arn);
	return notify(cloud, arn_name(arn, ":workflow/"), json_get_str(d->event, "id"), err);
}

int events_batch_over(struct local_cloud *cloud, const char *workflow, struct err *err)
{
	struct err bad = ERR_INIT;

	if (!notify(cloud, workflow, NULL, err))
		return 0;
	/* a workflow that is full, or gone, is asked again in a minute */
	if (local_tx_begin(cloud, &bad) == 0 &&
		!sql_run(cloud->db, NULL, &bad,
			"UPDATE events_batch SET due_ms = ? WHERE workflow = ?", "is",
			local_now_ms(cloud) + 60000, workflow) &&
		local_tx_commit(cloud, &bad))
		log_warn("%s", bad.text);
	local_tx_end(cloud);
	err_release(&bad);
	return -1;
}

/* --- which --- */

static const struct kind {
	const char *service, *prefix; /* of the ARN's rest */
	bool role;                    /* needs one */
	send_fn *send;
} kinds[] = {
	{"events", "event-bus/", false, send_bus},
	{"glue", "workflow/", true, send_glue},
	{"logs", "log-group:", false, send_logs},
	{"sns", "", false, send_sns},
	{"sqs", "", false, send_sqs},
	{"states", "stateMachine:", true, send_states},
};

static const struct kind *kind_of(const char *arn)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char *start = xasprintf("arn:aws:%s:", kinds[i].service);
		bool it = starts_with(arn, start) && starts_with(arn_rest(arn), kinds[i].prefix);

		free(start);
		if (it)
			return &kinds[i];
	}
	return NULL;
}

int events_check_arn(const struct json *target, struct err *err)
{
	const char *arn = json_get_str(target, "Arn");
	const struct kind *kind = kind_of(arn);

	if (!kind)
		return events_invalid(err,
			"Parameter %s is not valid. Reason: the local cloud delivers to queues, "
			"topics, state machines, Glue workflows, log groups and event buses only.",
			arn);
	if (kind->role && !json_get_str(target, "RoleArn"))
		return events_invalid(err, "RoleArn is required for target %s.", arn);
	if (json_get(target, "SqsParameters") && !ends_with(arn, ".fifo"))
		return events_invalid(err,
			"Parameter(s) SqsParameters must be specified only for FIFO SQS target: "
			"%s.",
			arn);
	if (!json_get(target, "SqsParameters") && !strcmp(kind->service, "sqs") &&
		ends_with(arn, ".fifo"))
		return events_invalid(
			err, "Parameter(s) SqsParameters must be specified for target: %s.", arn);
	return 0;
}

int events_send(
	struct local_cloud *cloud, const struct events_delivery *d, bool *again, struct err *err)
{
	static const char *const busy[] = {"ConcurrentRunsExceededException", "ThrottlingException",
		"ExecutionLimitExceeded", "ConcurrentModificationException"};
	const char *role = json_get_str(d->target, "RoleArn");
	const struct kind *kind = kind_of(target_arn(d));
	struct local_principal who = {0};
	struct strbuf input = STRBUF_INIT;
	char *name = NULL;
	int ret = 0;

	*again = false;
	if (role && (local_iam_role_for_service(cloud, role, EVENTS, &name, err) ||
			    local_iam_role_principal(cloud, name, "EventBridge", &who, err))) {
		char *text = xstrdup(err->text);

		ret = local_fault(err, 403, "AccessDenied", "%s", text);
		free(text);
	}
	events_input(d->target, d->event, d->rule_arn, &input);
	if (!ret)
		ret = kind->send(cloud, d, role ? &who : NULL, input.buf, err);
	for (size_t i = 0; ret && err->aws_code && i < ARRAY_SIZE(busy); i++)
		*again = *again || !strcmp(err->aws_code, busy[i]);
	if (ret && (!err->aws_code || err->http_status >= 500))
		*again = true;
	if (role)
		local_principal_release(&who);
	strbuf_release(&input);
	free(name);
	return ret;
}
