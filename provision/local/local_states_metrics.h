#ifndef LOCAL_STATES_METRICS_H
#define LOCAL_STATES_METRICS_H

/* What Step Functions says of executions in CloudWatch ("Monitoring Step Functions metrics": namespace AWS/States, by
 * StateMachineArn). Inside a transaction; local_metric_arrived() after its commit has the alarms judged. */
#include "local_asl.h"
#include "local_cloud.h"

/* ExecutionsStarted. */
int states_metric_started_tx(
	struct local_cloud *cloud, const char *machine_arn, struct err *err) must_check;
/* ExecutionsSucceeded, …Failed, …TimedOut or …Aborted, and ExecutionTime. */
int states_metric_ended_tx(struct local_cloud *cloud, const char *machine_arn,
	enum asl_status status, int64_t took_ms, struct err *err) must_check;

#endif
