/* History events, as GetExecutionHistory has them ("HistoryEvent", AWS Step Functions API Reference). */
#include "local_asl_run.h"

#include <string.h>
#include "strbuf.h"

struct json *asl_printed(const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;
	struct json *out;

	json_print(v, &sb);
	out = json_string_n(sb.buf, sb.len);
	strbuf_release(&sb);
	return out;
}

struct json *asl_failure(const char *error, const char *cause, bool capitals)
{
	struct json *o = json_object();

	json_set_str(o, capitals ? "Error" : "error", error);
	json_set_str(o, capitals ? "Cause" : "cause", cause);
	return o;
}

static void set_payload(struct json *details, const char *name, const struct json *value)
{
	struct json *d = json_object();
	char *details_name = xasprintf("%sDetails", name);

	json_set(details, name, asl_printed(value));
	json_set_bool(d, "truncated", false);
	json_set(details, details_name, d);
	free(details_name);
}

static size_t told_bytes(const struct json *v)
{
	const char *text = json_scalar_text(v);
	size_t n = text ? strlen(text) : 0;
	const struct json *e;

	json_each(e, v) n += told_bytes(e);
	return n;
}

int64_t asl_event(struct asl_run *run, struct json *f, const char *type, const char *details_name,
	struct json *details)
{
	int64_t id = json_get_i64(run->doc, "lastEvent", 0) + 1;
	struct json *e = json_object();

	json_set_i64(e, "timestamp", asl_now(&run->host));
	json_set_str(e, "type", type);
	json_set_i64(e, "id", id);
	json_set_i64(e, "previousEventId", f ? json_get_i64(f, "last", 0) : id - 1);
	if (details)
		json_set(e, details_name, details);
	run->told += told_bytes(e);
	json_push(run->events, e);
	json_set_i64(run->doc, "lastEvent", id);
	if (f)
		json_set_i64(f, "last", id);
	if (id == ASL_EVENTS_MAX - 1 && asl_running(run))
		asl_run_end(run, ASL_FAILED, ASL_RUNTIME,
			"The execution reached the maximum number of history events (25000).");
	return id;
}

static const char *type_of(const struct asl_flow *flow)
{
	const char *type = json_get_str(flow->def, "Type");

	return type ? type : "Pass";
}

int64_t asl_event_entered(struct asl_run *run, struct asl_flow *flow)
{
	char *type = xasprintf("%sStateEntered", type_of(flow));
	struct json *d = json_object();
	int64_t id;

	json_set_str(d, "name", json_get_str(flow->f, "state"));
	set_payload(d, "input", json_get(flow->f, "input"));
	id = asl_event(run, flow->f, type, "stateEnteredEventDetails", d);
	free(type);
	return id;
}

int64_t asl_event_exited(struct asl_run *run, struct asl_flow *flow, const struct json *output,
	const struct json *assigned)
{
	char *type = xasprintf("%sStateExited", type_of(flow));
	struct json *d = json_object(), *vars, *details;
	const struct json *e;
	int64_t id;

	json_set_str(d, "name", json_get_str(flow->f, "state"));
	set_payload(d, "output", output);
	if (json_len(assigned)) {
		vars = json_object();
		json_each(e, assigned) json_set(vars, json_name(e), asl_printed(e));
		json_set(d, "assignedVariables", vars);
		details = json_object();
		json_set_bool(details, "truncated", false);
		json_set(d, "assignedVariablesDetails", details);
	}
	id = asl_event(run, flow->f, type, "stateExitedEventDetails", d);
	free(type);
	return id;
}

int64_t asl_event_state(
	struct asl_run *run, struct json *f, const char *state_type, const char *what)
{
	char *type = xasprintf("%sState%s", state_type, what);
	int64_t id = asl_event(run, f, type, NULL, NULL);

	free(type);
	return id;
}

int64_t asl_event_iteration(
	struct asl_run *run, struct json *f, const char *what, const char *map_name, int64_t index)
{
	char *type = xasprintf("MapIteration%s", what);
	char *name = xasprintf("mapIteration%sEventDetails", what);
	struct json *d = json_object();
	int64_t id;

	json_set_str(d, "name", map_name);
	json_set_i64(d, "index", index);
	id = asl_event(run, f, type, name, d);
	free(type);
	free(name);
	return id;
}

/* --- tasks: three families of events, by the resource --- */

enum family { FAMILY_TASK, FAMILY_LAMBDA, FAMILY_ACTIVITY };
static const char *const families[] = {"Task", "LambdaFunction", "Activity"};
static const char *const happenings[] = {
	"Scheduled", "Started", "Submitted", "Succeeded", "Failed", "TimedOut"};

static enum family family_of(const char *resource)
{
	if (starts_with(resource, "arn:aws:states:::"))
		return FAMILY_TASK;
	if (strstr(resource, ":activity:"))
		return FAMILY_ACTIVITY;
	return strstr(resource, ":lambda:") ? FAMILY_LAMBDA : FAMILY_TASK;
}

/* arn:aws:states:::aws-sdk:glue:startCrawler: the type is aws-sdk:glue, the resource startCrawler. */
static void set_resource(struct json *d, const char *resource)
{
	const char *rest = resource, *last = NULL;
	struct json *type;

	if (starts_with(rest, "arn:aws:states:::"))
		rest += strlen("arn:aws:states:::");
	/* the number of startExecution.sync:2 belongs to it */
	for (const char *c = strchr(rest, ':'); c; c = strchr(c + 1, ':'))
		if (c[1] < '0' || c[1] > '9')
			last = c;
	type = last ? json_string_n(rest, (size_t)(last - rest)) : json_string(rest);
	json_set(d, "resourceType", type);
	json_set_str(d, "resource", last ? last + 1 : rest);
}

static void set_schedule(
	const struct asl_run *run, const struct asl_flow *flow, enum family family, struct json *d)
{
	static const char *const limits[][2] = {
		{"timeout", "timeoutInSeconds"}, {"heartbeat", "heartbeatInSeconds"}};
	const struct json *parameters = json_get(flow->f, "parameters");

	if (family == FAMILY_TASK) {
		json_set_str(d, "region", run->host.region ? run->host.region : "us-east-1");
		json_set(d, "parameters", asl_printed(parameters));
	} else {
		json_set_str(d, "resource", json_get_str(flow->f, "resource"));
		set_payload(d, "input", parameters);
	}
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (json_get(flow->f, limits[i][0]))
			json_set_i64(d, limits[i][1], json_get_i64(flow->f, limits[i][0], 0));
	}
}

void asl_event_task(
	struct asl_run *run, struct asl_flow *flow, enum asl_task_event what, struct json *extra)
{
	const char *resource = json_get_str(flow->f, "resource");
	enum family family = family_of(resource);
	char *type = xasprintf("%s%s", families[family], happenings[what]);
	char *name = xasprintf("%sEventDetails", type);
	struct json *d = json_object();
	const struct json *e;

	name[0] = (char)(name[0] + ('a' - 'A'));
	if (family == FAMILY_TASK)
		set_resource(d, resource);
	if (what == ASL_TASK_SCHEDULED)
		set_schedule(run, flow, family, d);
	json_each(e, extra)
	{
		if (!strcmp(json_name(e), "output"))
			set_payload(d, "output", e);
		else
			json_set(d, json_name(e), json_copy(e));
	}
	json_free(extra);
	if (!json_len(d)) {
		json_free(d);
		d = NULL;
	}
	asl_event(run, flow->f, type, name, d);
	free(type);
	free(name);
}
