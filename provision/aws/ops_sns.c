/* Operations of SNS: flags, and paging as in the published models. */
#include "ops.h"

/* Idempotent by their parameters: the same once more answers with the same ARN. */
const struct aws_op sns_create_topic = {"sns", "CreateTopic", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sns_subscribe = {"sns", "Subscribe", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sns_get_topic_attributes = {
	"sns", "GetTopicAttributes", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op sns_set_topic_attributes = {
	"sns", "SetTopicAttributes", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sns_delete_topic = {"sns", "DeleteTopic", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sns_unsubscribe = {"sns", "Unsubscribe", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sns_get_subscription_attributes = {
	"sns", "GetSubscriptionAttributes", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op sns_set_subscription_attributes = {
	"sns", "SetSubscriptionAttributes", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sns_list_subscriptions_by_topic = {
	"sns", "ListSubscriptionsByTopic", AWS_OP_READ, "NextToken", "NextToken", "Subscriptions"};
const struct aws_op sns_tag_resource = {"sns", "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sns_untag_resource = {
	"sns", "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sns_list_tags_for_resource = {
	"sns", "ListTagsForResource", AWS_OP_READ, NULL, NULL, "Tags"};
