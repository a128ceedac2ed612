/* Operations of CloudWatch Logs: flags, and paging as in the published models. */
#include "ops.h"

const struct aws_op logs_describe_log_groups = {
	"logs", "DescribeLogGroups", AWS_OP_READ, "nextToken", "nextToken", "logGroups"};
const struct aws_op logs_describe_log_streams = {
	"logs", "DescribeLogStreams", AWS_OP_READ, "nextToken", "nextToken", "logStreams"};
const struct aws_op logs_get_log_events = {"logs", "GetLogEvents",
	AWS_OP_READ | AWS_OP_SAME_TOKEN_ENDS, "nextToken", "nextForwardToken", "events"};
const struct aws_op logs_filter_log_events = {
	"logs", "FilterLogEvents", AWS_OP_READ, "nextToken", "nextToken", "events"};
const struct aws_op logs_delete_log_stream = {
	"logs", "DeleteLogStream", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_delete_log_group = {
	"logs", "DeleteLogGroup", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_create_log_group = {"logs", "CreateLogGroup", 0, NULL, NULL, NULL};
const struct aws_op logs_create_log_stream = {"logs", "CreateLogStream", 0, NULL, NULL, NULL};
const struct aws_op logs_put_log_events = {"logs", "PutLogEvents", 0, NULL, NULL, NULL};
const struct aws_op logs_put_retention_policy = {
	"logs", "PutRetentionPolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_delete_retention_policy = {
	"logs", "DeleteRetentionPolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_associate_kms_key = {
	"logs", "AssociateKmsKey", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_disassociate_kms_key = {
	"logs", "DisassociateKmsKey", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_put_log_group_deletion_protection = {
	"logs", "PutLogGroupDeletionProtection", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_tag_resource = {
	"logs", "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_untag_resource = {
	"logs", "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op logs_list_tags_for_resource = {
	"logs", "ListTagsForResource", AWS_OP_READ, NULL, NULL, NULL};
