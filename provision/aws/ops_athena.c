/* Operations of Amazon Athena: flags, and paging as in the published models. */
#include "ops.h"

const struct aws_op athena_create_work_group = {"athena", "CreateWorkGroup", 0, NULL, NULL, NULL};
const struct aws_op athena_get_work_group = {
	"athena", "GetWorkGroup", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op athena_list_work_groups = {
	"athena", "ListWorkGroups", AWS_OP_READ, "NextToken", "NextToken", "WorkGroups"};
const struct aws_op athena_update_work_group = {
	"athena", "UpdateWorkGroup", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op athena_delete_work_group = {
	"athena", "DeleteWorkGroup", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op athena_start_query_execution = {
	"athena", "StartQueryExecution", AWS_OP_IDEMPOTENT | AWS_OP_CLIENT_TOKEN, NULL, NULL, NULL};
const struct aws_op athena_get_query_execution = {
	"athena", "GetQueryExecution", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op athena_get_query_results = {
	"athena", "GetQueryResults", AWS_OP_READ, "NextToken", "NextToken", "ResultSet.Rows"};
const struct aws_op athena_stop_query_execution = {
	"athena", "StopQueryExecution", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op athena_list_query_executions = {"athena", "ListQueryExecutions", AWS_OP_READ,
	"NextToken", "NextToken", "QueryExecutionIds"};
const struct aws_op athena_list_named_queries = {
	"athena", "ListNamedQueries", AWS_OP_READ, "NextToken", "NextToken", "NamedQueryIds"};
const struct aws_op athena_tag_resource = {
	"athena", "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op athena_untag_resource = {
	"athena", "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op athena_list_tags_for_resource = {
	"athena", "ListTagsForResource", AWS_OP_READ, "NextToken", "NextToken", "Tags"};
