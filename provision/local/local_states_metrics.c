#include "local_states_metrics.h"

#include "local_alarms.h"

static struct json *dimensions_of(const char *machine_arn)
{
	struct json *list = json_array(), *one = json_object();

	json_set_str(one, "Name", "StateMachineArn");
	json_set_str(one, "Value", machine_arn);
	json_push(list, one);
	return list;
}

int states_metric_started_tx(struct local_cloud *cloud, const char *machine_arn, struct err *err)
{
	struct json *dimensions = dimensions_of(machine_arn);
	int ret = local_metric_put_tx(
		cloud, "AWS/States", "ExecutionsStarted", dimensions, 1, "Count", err);

	json_free(dimensions);
	return ret;
}

int states_metric_ended_tx(struct local_cloud *cloud, const char *machine_arn,
	enum asl_status status, int64_t took_ms, struct err *err)
{
	static const char *const names[] = {[ASL_SUCCEEDED] = "ExecutionsSucceeded",
		[ASL_FAILED] = "ExecutionsFailed",
		[ASL_TIMED_OUT] = "ExecutionsTimedOut",
		[ASL_ABORTED] = "ExecutionsAborted"};
	struct json *dimensions = dimensions_of(machine_arn);
	int ret = 0;

	if (names[status])
		ret = local_metric_put_tx(
			cloud, "AWS/States", names[status], dimensions, 1, "Count", err);
	if (!ret && names[status])
		ret = local_metric_put_tx(cloud, "AWS/States", "ExecutionTime", dimensions,
			(double)took_ms, "Milliseconds", err);
	json_free(dimensions);
	return ret;
}
