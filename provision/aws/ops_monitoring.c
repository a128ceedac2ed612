/* Operations of Amazon CloudWatch: flags, and paging as in the published models. */
#include "ops.h"

/* A put: what stands under the name is overwritten. */
const struct aws_op monitoring_put_metric_alarm = {
	"monitoring", "PutMetricAlarm", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op monitoring_describe_alarms = {
	"monitoring", "DescribeAlarms", AWS_OP_READ, "NextToken", "NextToken", "MetricAlarms"};
const struct aws_op monitoring_delete_alarms = {
	"monitoring", "DeleteAlarms", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op monitoring_tag_resource = {
	"monitoring", "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op monitoring_untag_resource = {
	"monitoring", "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op monitoring_list_tags_for_resource = {
	"monitoring", "ListTagsForResource", AWS_OP_READ, NULL, NULL, "Tags"};
