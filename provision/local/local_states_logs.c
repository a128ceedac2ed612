/* Histories in CloudWatch Logs ("Using CloudWatch Logs to log execution history", AWS Step Functions Developer Guide). */
#include "local_states_live.h"

#include "local_glue.h"
#include "local_iam.h"
#include "local_logs.h"
#include "local_logs_store.h"
#include "log.h"
#include "xalloc.h"

static const char *const levels[] = {"OFF", "FATAL", "ERROR", "ALL"};

/* -1: none */
static int level_of(const char *name)
{
	for (int i = 0; i < (int)ARRAY_SIZE(levels); i++)
		if (name && !strcmp(levels[i], name))
			return i;
	return -1;
}

/* "arn:aws:logs:R:A:log-group:NAME:*" gives NAME, malloc'd; NULL: none. */
static char *group_of(const char *arn)
{
	const char *name = arn ? strstr(arn, ":log-group:") : NULL, *end;

	if (!name || !starts_with(arn, "arn:"))
		return NULL;
	name += strlen(":log-group:");
	end = strchr(name, ':');
	return *name && end && !strcmp(end, ":*") ? xstrndup(name, (size_t)(end - name)) : NULL;
}

static const char *destination_of(const struct json *logging)
{
	return json_str(json_path(logging, "destinations.0.cloudWatchLogsLogGroup.logGroupArn"));
}

struct group {
	char *name;
	int64_t id;
};

static int find_group_tx(struct local_cloud *cloud, void *payload, struct err *err)
{
	struct group *g = payload;

	return logs_group_tx(cloud, g->name, &g->id, err);
}

#define bad_logging(err, text) \
	local_fault(err, 400, "InvalidLoggingConfiguration", "Invalid Logging Configuration: " text)

/* Does the group exist, and may the role deliver to it? */
static int check_destination(
	struct local_cloud *cloud, const char *arn, const char *role, struct err *err)
{
	const char *slash = role ? strrchr(role, '/') : NULL;
	struct local_principal who = {0};
	struct group g = {.name = group_of(arn)};
	struct err why = ERR_INIT;
	int ret = 0;

	if (!g.name)
		return bad_logging(
			err, "Log Destination must be an ARN of a log group that ends with ':*'");
	if (local_tx(cloud, find_group_tx, &g, &why))
		ret = bad_logging(err, "Log Destination not found");
	else if (local_iam_role_principal(cloud, slash ? slash + 1 : role, "check", &who, &why) ||
		 !local_iam_allows(cloud, &who, "logs:CreateLogDelivery", "*"))
		ret = local_fault(err, 400, "AccessDeniedException",
			"The state machine IAM Role is not authorized to access the Log "
			"Destination");
	local_principal_release(&who);
	err_release(&why);
	free(g.name);
	return ret;
}

int states_logging_check(struct local_cloud *cloud, const struct json *in, const char *role,
	struct json **out, struct err *err)
{
	const char *level = json_get_str(in, "level");
	size_t nr = json_len(json_get(in, "destinations"));

	*out = NULL;
	if (!json_is(in, JSON_OBJECT))
		return 0;
	if (level && level_of(level) < 0)
		return states_invalid(err,
			"1 validation error detected: Value '%s' at 'loggingConfiguration.level' "
			"failed to "
			"satisfy constraint: Member must satisfy enum value set: [ALL, ERROR, "
			"FATAL, OFF]",
			level);
	if (nr > 1)
		return bad_logging(err, "The number of Log Destinations must be 1");
	if (level && level_of(level) > 0 && !nr)
		return bad_logging(err,
			"Must specify exactly one Log Destination when the log level is not OFF");
	if (nr && check_destination(cloud, destination_of(in) ? destination_of(in) : "", role, err))
		return -1;
	*out = json_object();
	json_set_str(*out, "level", level ? level : "OFF");
	json_set_bool(
		*out, "includeExecutionData", json_get_truth(in, "includeExecutionData", false));
	if (nr)
		json_set(*out, "destinations", json_copy(json_get(in, "destinations")));
	return 0;
}

/* --- writing --- */

static int level_of_event(const char *type)
{
	if (!strcmp(type, "ExecutionFailed") || !strcmp(type, "ExecutionAborted") ||
		!strcmp(type, "ExecutionTimedOut"))
		return 1;
	if (ends_with(type, "Failed") || ends_with(type, "TimedOut") || ends_with(type, "Aborted"))
		return 2;
	return 3;
}

static void add_number(struct json *o, const char *name, int64_t n)
{
	char *text = xasprintf("%lld", (long long)n);

	json_set_str(o, name, text);
	free(text);
}

static struct json *log_line(const struct states_exec *x, const struct json *e, bool data)
{
	static const char *const payloads[] = {"input", "output", "parameters", "inputDetails",
		"outputDetails", "assignedVariables", "assignedVariablesDetails"};
	struct json *o = json_object(), *details = NULL;
	const struct json *d;

	add_number(o, "id", json_get_i64(e, "id", 0));
	json_set_str(o, "type", json_get_str(e, "type"));
	json_each(d, e) if (json_is(d, JSON_OBJECT)) details = json_copy(d);
	for (size_t i = 0; !data && i < ARRAY_SIZE(payloads); i++)
		json_remove(details, payloads[i]);
	json_set(o, "details", details ? details : json_object());
	add_number(o, "redrive_count", x->redrives);
	add_number(o, "previous_event_id", json_get_i64(e, "previousEventId", 0));
	add_number(o, "event_timestamp", json_get_i64(e, "timestamp", 0));
	json_set_str(o, "execution_arn", x->arn);
	return o;
}

static void open_stream(struct states_exec *x, int64_t now)
{
	const char *machine = strrchr(x->revision->machine_arn, ':') + 1;
	char *id = local_id("", 8);
	struct utc utc;

	if (!x->log_stream) {
		utc_from_ms(now, &utc);
		x->log_stream = xasprintf("states/%s/%04d-%02d-%02d-%02d-%02d/%s", machine,
			utc.year, utc.month, utc.day, utc.hour, utc.minute, id);
	}
	free(id);
}

void states_log_events(struct local_cloud *cloud, struct states_exec *x, const struct json *events)
{
	const struct json *logging = x->revision->logging, *e;
	int level = level_of(json_get_str(logging, "level"));
	bool data = json_get_truth(logging, "includeExecutionData", false);
	struct group g = {0};
	struct strbuf text = STRBUF_INIT;
	struct err err = ERR_INIT;
	int64_t now = local_now_ms(cloud);

	if (level <= 0)
		return;
	json_each(e, events)
	{
		struct json *line;

		if (level_of_event(json_get_str(e, "type")) > level)
			continue;
		line = log_line(x, e, data);
		json_print(line, &text);
		strbuf_addch(&text, '\n');
		json_free(line);
	}
	g.name = group_of(destination_of(logging));
	/* a group that is gone is not made again */
	if (text.len && g.name && !local_tx(cloud, find_group_tx, &g, &err)) {
		open_stream(x, now);
		if (local_logs_append(cloud, g.name, x->log_stream, now, text.buf, text.len, &err))
			log_warn("the log of %s: %s", x->arn, err.text);
	}
	free(g.name);
	strbuf_release(&text);
	err_release(&err);
}
