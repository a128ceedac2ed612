/* Operations of EventBridge: flags, and paging as in the published models. */
#include "ops.h"

const struct aws_op events_put_rule = {"events", "PutRule", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op events_describe_rule = {
	"events", "DescribeRule", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op events_disable_rule = {
	"events", "DisableRule", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op events_delete_rule = {
	"events", "DeleteRule", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op events_put_targets = {
	"events", "PutTargets", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op events_remove_targets = {
	"events", "RemoveTargets", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op events_list_targets_by_rule = {
	"events", "ListTargetsByRule", AWS_OP_READ, "NextToken", "NextToken", "Targets"};
const struct aws_op events_tag_resource = {
	"events", "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op events_untag_resource = {
	"events", "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op events_list_tags_for_resource = {
	"events", "ListTagsForResource", AWS_OP_READ, NULL, NULL, "Tags"};
