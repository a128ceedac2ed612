/* Operations of SQS: flags, and paging as in the published models. */
#include "ops.h"

/* Idempotent by its parameters: the same once more answers with the same URL. */
const struct aws_op sqs_create_queue = {"sqs", "CreateQueue", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sqs_get_queue_url = {"sqs", "GetQueueUrl", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op sqs_get_queue_attributes = {
	"sqs", "GetQueueAttributes", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op sqs_set_queue_attributes = {
	"sqs", "SetQueueAttributes", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sqs_delete_queue = {"sqs", "DeleteQueue", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sqs_tag_queue = {"sqs", "TagQueue", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sqs_untag_queue = {"sqs", "UntagQueue", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sqs_list_queue_tags = {"sqs", "ListQueueTags", AWS_OP_READ, NULL, NULL, NULL};
/* What an answer that was lost had in it comes again, as all messages that are received and not deleted. */
const struct aws_op sqs_receive_message = {"sqs", "ReceiveMessage", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op sqs_delete_message_batch = {
	"sqs", "DeleteMessageBatch", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op sqs_change_message_visibility_batch = {
	"sqs", "ChangeMessageVisibilityBatch", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
