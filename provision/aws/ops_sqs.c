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
