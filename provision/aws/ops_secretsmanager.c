/* Operations of AWS Secrets Manager: flags, and paging as in the published models. */
#include "ops.h"

#define ID "secretsmanager"
/* The token becomes the version's id, so that a repeat with the same value is the same version. */
#define ONCE (AWS_OP_IDEMPOTENT | AWS_OP_CLIENT_TOKEN)

const struct aws_op secretsmanager_get_secret_value = {
	ID, "GetSecretValue", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op secretsmanager_create_secret = {ID, "CreateSecret", ONCE, NULL, NULL, NULL};
const struct aws_op secretsmanager_put_secret_value = {
	ID, "PutSecretValue", ONCE, NULL, NULL, NULL};
const struct aws_op secretsmanager_update_secret = {ID, "UpdateSecret", ONCE, NULL, NULL, NULL};
const struct aws_op secretsmanager_describe_secret = {
	ID, "DescribeSecret", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op secretsmanager_delete_secret = {
	ID, "DeleteSecret", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op secretsmanager_restore_secret = {
	ID, "RestoreSecret", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op secretsmanager_tag_resource = {
	ID, "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op secretsmanager_untag_resource = {
	ID, "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op secretsmanager_list_secrets = {
	ID, "ListSecrets", AWS_OP_READ, "NextToken", "NextToken", "SecretList"};
const struct aws_op secretsmanager_get_random_password = {
	ID, "GetRandomPassword", AWS_OP_READ, NULL, NULL, NULL};
