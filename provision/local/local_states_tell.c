/*
 * What Step Functions tells of executions: events ("Step Functions Execution Status Change") and metrics ("AWS/States"). Both go with
 * the change itself, in one transaction.
 */
#include "local_states_live.h"

#include "local_alarms.h"
#include "local_events.h"
#include "xalloc.h"

static struct json *included(void)
{
	struct json *o = json_object();

	json_set_bool(o, "included", true);
	return o;
}

static void set_or_null(struct json *o, const char *name, const char *text)
{
	json_set(o, name, json_string(text));
}

static struct json *detail_of(const struct states_exec *x, enum asl_status status, int64_t now)
{
	struct json *d = json_object();
	char *output = status == ASL_SUCCEEDED ? states_print(asl_run_output(x->run)) : NULL;

	json_set_str(d, "executionArn", x->arn);
	json_set_str(d, "stateMachineArn", x->revision->machine_arn);
	json_set_str(d, "name", x->name);
	json_set_str(d, "status", asl_status_name(status));
	json_set_i64(d, "startDate", x->started_ms);
	json_set(d, "stopDate", status == ASL_RUNNING ? json_null() : json_int(now));
	set_or_null(d, "input", x->input);
	set_or_null(d, "output", output);
	json_set(d, "inputDetails", included());
	json_set(d, "outputDetails", output ? included() : json_null());
	set_or_null(d, "error", asl_run_error(x->run));
	set_or_null(d, "cause", asl_run_cause(x->run));
	json_set_i64(d, "redriveCount", x->redrives);
	free(output);
	return d;
}

static int put_event_tx(struct local_cloud *cloud, const struct states_exec *x,
	enum asl_status status, int64_t now, struct err *err)
{
	struct json *detail = detail_of(x, status, now), *resources = json_array();
	int ret;

	json_push_str(resources, x->arn);
	ret = local_event_put_tx(cloud, "aws.states", "Step Functions Execution Status Change",
		resources, detail, err);
	json_free(detail);
	json_free(resources);
	return ret;
}

static int put_metrics_tx(struct local_cloud *cloud, const struct states_exec *x,
	enum asl_status status, int64_t now, struct err *err)
{
	static const char *const names[] = {[ASL_RUNNING] = "ExecutionsStarted",
		[ASL_SUCCEEDED] = "ExecutionsSucceeded",
		[ASL_FAILED] = "ExecutionsFailed",
		[ASL_TIMED_OUT] = "ExecutionsTimedOut",
		[ASL_ABORTED] = "ExecutionsAborted"};
	struct json *dimensions = json_array(), *d = json_object();
	int ret;

	json_set_str(d, "Name", "StateMachineArn");
	json_set_str(d, "Value", x->revision->machine_arn);
	json_push(dimensions, d);
	ret = local_metric_put_tx(cloud, "AWS/States", names[status], dimensions, 1, "Count", err);
	if (!ret && status != ASL_RUNNING)
		ret = local_metric_put_tx(cloud, "AWS/States", "ExecutionTime", dimensions,
			(double)(now - x->started_ms), "Milliseconds", err);
	json_free(dimensions);
	return ret;
}

int states_tell_tx(struct local_cloud *cloud, const struct states_exec *x, enum asl_status status,
	int64_t now, struct err *err)
{
	/* a map run's children are its own business */
	if (x->map_run_arn)
		return 0;
	if (put_metrics_tx(cloud, x, status, now, err))
		return -1;
	return x->express ? 0 : put_event_tx(cloud, x, status, now, err);
}

void states_told(struct local_cloud *cloud, const struct states_exec *x)
{
	if (x->map_run_arn)
		return;
	local_metric_arrived(cloud);
	if (!x->express)
		local_events_kick(cloud);
}
