/* Operations of the Redshift Data API: flags, and paging as in the published models. */
#include "ops.h"

#define ID "redshift-data"
/* The token makes a repeated statement one statement. */
#define ONCE (AWS_OP_IDEMPOTENT | AWS_OP_CLIENT_TOKEN)

const struct aws_op redshift_data_execute_statement = {
	ID, "ExecuteStatement", ONCE, NULL, NULL, NULL};
const struct aws_op redshift_data_batch_execute_statement = {
	ID, "BatchExecuteStatement", ONCE, NULL, NULL, NULL};
const struct aws_op redshift_data_describe_statement = {
	ID, "DescribeStatement", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op redshift_data_get_statement_result = {
	ID, "GetStatementResult", AWS_OP_READ, "NextToken", "NextToken", "Records"};
const struct aws_op redshift_data_cancel_statement = {
	ID, "CancelStatement", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op redshift_data_list_statements = {
	ID, "ListStatements", AWS_OP_READ, "NextToken", "NextToken", "Statements"};
const struct aws_op redshift_data_list_tables = {
	ID, "ListTables", AWS_OP_READ, "NextToken", "NextToken", "Tables"};
