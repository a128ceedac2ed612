/* Operations of AWS STS: flags, and paging as in the published models. */
#include "ops.h"

const struct aws_op sts_get_caller_identity = {
	"sts", "GetCallerIdentity", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op sts_assume_role = {"sts", "AssumeRole", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op sts_assume_role_with_web_identity = {
	"sts", "AssumeRoleWithWebIdentity", AWS_OP_READ | AWS_OP_UNSIGNED, NULL, NULL, NULL};
