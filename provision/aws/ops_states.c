/* Operations of AWS Step Functions: flags, and paging as in the published models. */
#include "ops.h"

/* The same name and definition again is the same machine. */
const struct aws_op states_create_state_machine = {
	"states", "CreateStateMachine", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_describe_state_machine = {
	"states", "DescribeStateMachine", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op states_update_state_machine = {
	"states", "UpdateStateMachine", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_delete_state_machine = {
	"states", "DeleteStateMachine", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_list_state_machines = {
	"states", "ListStateMachines", AWS_OP_READ, "nextToken", "nextToken", "stateMachines"};
const struct aws_op states_list_executions = {
	"states", "ListExecutions", AWS_OP_READ, "nextToken", "nextToken", "executions"};
const struct aws_op states_stop_execution = {
	"states", "StopExecution", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_create_activity = {
	"states", "CreateActivity", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_describe_activity = {
	"states", "DescribeActivity", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op states_delete_activity = {
	"states", "DeleteActivity", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_tag_resource = {
	"states", "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_untag_resource = {
	"states", "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_list_tags_for_resource = {
	"states", "ListTagsForResource", AWS_OP_READ, NULL, NULL, "tags"};
/* Executions: a name that was given makes a repeated start the same execution. */
const struct aws_op states_start_execution = {
	"states", "StartExecution", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op states_describe_execution = {
	"states", "DescribeExecution", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op states_get_execution_history = {
	"states", "GetExecutionHistory", AWS_OP_READ, "nextToken", "nextToken", "events"};
