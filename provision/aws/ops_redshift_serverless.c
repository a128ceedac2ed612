/* Operations of Redshift Serverless: flags, and paging as in the published models. */
#include "ops.h"

#define ID "redshift-serverless"

const struct aws_op redshift_create_namespace = {ID, "CreateNamespace", 0, NULL, NULL, NULL};
const struct aws_op redshift_get_namespace = {ID, "GetNamespace", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op redshift_list_namespaces = {
	ID, "ListNamespaces", AWS_OP_READ, "nextToken", "nextToken", "namespaces"};
const struct aws_op redshift_update_namespace = {
	ID, "UpdateNamespace", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op redshift_delete_namespace = {
	ID, "DeleteNamespace", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op redshift_create_workgroup = {ID, "CreateWorkgroup", 0, NULL, NULL, NULL};
const struct aws_op redshift_get_workgroup = {ID, "GetWorkgroup", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op redshift_list_workgroups = {
	ID, "ListWorkgroups", AWS_OP_READ, "nextToken", "nextToken", "workgroups"};
const struct aws_op redshift_update_workgroup = {
	ID, "UpdateWorkgroup", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op redshift_delete_workgroup = {
	ID, "DeleteWorkgroup", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op redshift_tag_resource = {
	ID, "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op redshift_untag_resource = {
	ID, "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op redshift_list_tags_for_resource = {
	ID, "ListTagsForResource", AWS_OP_READ, NULL, NULL, NULL};
