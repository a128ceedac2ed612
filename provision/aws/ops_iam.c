/* Operations of IAM: flags, and paging as in the published models. */
#include "ops.h"

const struct aws_op iam_create_role = {"iam", "CreateRole", 0, NULL, NULL, NULL};
const struct aws_op iam_get_role = {"iam", "GetRole", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op iam_update_role = {"iam", "UpdateRole", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_update_role_description = {
	"iam", "UpdateRoleDescription", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_delete_role = {"iam", "DeleteRole", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_list_roles = {"iam", "ListRoles", AWS_OP_READ, "Marker", "Marker", "Roles"};
const struct aws_op iam_update_assume_role_policy = {
	"iam", "UpdateAssumeRolePolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_tag_role = {"iam", "TagRole", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_untag_role = {"iam", "UntagRole", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_list_role_tags = {
	"iam", "ListRoleTags", AWS_OP_READ, "Marker", "Marker", "Tags"};
const struct aws_op iam_put_role_policy = {
	"iam", "PutRolePolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_get_role_policy = {"iam", "GetRolePolicy", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op iam_delete_role_policy = {
	"iam", "DeleteRolePolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_list_role_policies = {
	"iam", "ListRolePolicies", AWS_OP_READ, "Marker", "Marker", "PolicyNames"};
const struct aws_op iam_attach_role_policy = {
	"iam", "AttachRolePolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_detach_role_policy = {
	"iam", "DetachRolePolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_list_attached_role_policies = {
	"iam", "ListAttachedRolePolicies", AWS_OP_READ, "Marker", "Marker", "AttachedPolicies"};
const struct aws_op iam_put_role_permissions_boundary = {
	"iam", "PutRolePermissionsBoundary", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_delete_role_permissions_boundary = {
	"iam", "DeleteRolePermissionsBoundary", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_list_instance_profiles_for_role = {
	"iam", "ListInstanceProfilesForRole", AWS_OP_READ, "Marker", "Marker", "InstanceProfiles"};
const struct aws_op iam_remove_role_from_instance_profile = {
	"iam", "RemoveRoleFromInstanceProfile", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_create_policy = {"iam", "CreatePolicy", 0, NULL, NULL, NULL};
const struct aws_op iam_get_policy = {"iam", "GetPolicy", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op iam_delete_policy = {
	"iam", "DeletePolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_list_policies = {
	"iam", "ListPolicies", AWS_OP_READ, "Marker", "Marker", "Policies"};
const struct aws_op iam_create_policy_version = {"iam", "CreatePolicyVersion", 0, NULL, NULL, NULL};
const struct aws_op iam_get_policy_version = {
	"iam", "GetPolicyVersion", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op iam_delete_policy_version = {
	"iam", "DeletePolicyVersion", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_list_policy_versions = {
	"iam", "ListPolicyVersions", AWS_OP_READ, "Marker", "Marker", "Versions"};
const struct aws_op iam_list_entities_for_policy = {
	"iam", "ListEntitiesForPolicy", AWS_OP_READ, "Marker", "Marker", NULL};
const struct aws_op iam_tag_policy = {"iam", "TagPolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_untag_policy = {"iam", "UntagPolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_list_policy_tags = {
	"iam", "ListPolicyTags", AWS_OP_READ, "Marker", "Marker", "Tags"};
const struct aws_op iam_put_user_policy = {
	"iam", "PutUserPolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_delete_user_policy = {
	"iam", "DeleteUserPolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_get_user_policy = {"iam", "GetUserPolicy", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op iam_put_group_policy = {
	"iam", "PutGroupPolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_delete_group_policy = {
	"iam", "DeleteGroupPolicy", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op iam_get_group_policy = {"iam", "GetGroupPolicy", AWS_OP_READ, NULL, NULL, NULL};
