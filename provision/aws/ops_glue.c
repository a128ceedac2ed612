/* Operations of AWS Glue: flags, and paging as in the published models. StartTrigger is not marked as repeatable:
 * it fires an ON_DEMAND trigger. */
#include "ops.h"

const struct aws_op glue_create_database = {"glue", "CreateDatabase", 0, NULL, NULL, NULL};
const struct aws_op glue_get_database = {"glue", "GetDatabase", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_get_databases = {
	"glue", "GetDatabases", AWS_OP_READ, "NextToken", "NextToken", "DatabaseList"};
const struct aws_op glue_update_database = {
	"glue", "UpdateDatabase", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_delete_database = {
	"glue", "DeleteDatabase", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_create_table = {"glue", "CreateTable", 0, NULL, NULL, NULL};
const struct aws_op glue_get_table = {"glue", "GetTable", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_get_tables = {
	"glue", "GetTables", AWS_OP_READ, "NextToken", "NextToken", "TableList"};
const struct aws_op glue_update_table = {
	"glue", "UpdateTable", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_delete_table = {
	"glue", "DeleteTable", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_batch_delete_table = {
	"glue", "BatchDeleteTable", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_get_partitions = {
	"glue", "GetPartitions", AWS_OP_READ, "NextToken", "NextToken", "Partitions"};
const struct aws_op glue_get_partition = {"glue", "GetPartition", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_create_partition = {"glue", "CreatePartition", 0, NULL, NULL, NULL};
const struct aws_op glue_batch_create_partition = {
	"glue", "BatchCreatePartition", 0, NULL, NULL, NULL};
const struct aws_op glue_delete_partition = {
	"glue", "DeletePartition", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_batch_delete_partition = {
	"glue", "BatchDeletePartition", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_create_crawler = {"glue", "CreateCrawler", 0, NULL, NULL, NULL};
const struct aws_op glue_get_crawler = {"glue", "GetCrawler", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_get_crawlers = {
	"glue", "GetCrawlers", AWS_OP_READ, "NextToken", "NextToken", "Crawlers"};
const struct aws_op glue_update_crawler = {
	"glue", "UpdateCrawler", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_delete_crawler = {
	"glue", "DeleteCrawler", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_start_crawler = {"glue", "StartCrawler", 0, NULL, NULL, NULL};
const struct aws_op glue_stop_crawler = {
	"glue", "StopCrawler", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_list_crawls = {
	"glue", "ListCrawls", AWS_OP_READ, "NextToken", "NextToken", "Crawls"};
const struct aws_op glue_get_crawler_metrics = {
	"glue", "GetCrawlerMetrics", AWS_OP_READ, "NextToken", "NextToken", "CrawlerMetricsList"};
const struct aws_op glue_create_job = {"glue", "CreateJob", 0, NULL, NULL, NULL};
const struct aws_op glue_get_job = {"glue", "GetJob", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_get_jobs = {
	"glue", "GetJobs", AWS_OP_READ, "NextToken", "NextToken", "Jobs"};
const struct aws_op glue_update_job = {"glue", "UpdateJob", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_delete_job = {"glue", "DeleteJob", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_start_job_run = {"glue", "StartJobRun", AWS_OP_STARTS, NULL, NULL, NULL};
const struct aws_op glue_get_job_run = {"glue", "GetJobRun", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_get_job_runs = {
	"glue", "GetJobRuns", AWS_OP_READ, "NextToken", "NextToken", "JobRuns"};
const struct aws_op glue_batch_stop_job_run = {
	"glue", "BatchStopJobRun", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_create_trigger = {"glue", "CreateTrigger", 0, NULL, NULL, NULL};
const struct aws_op glue_get_trigger = {"glue", "GetTrigger", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_get_triggers = {
	"glue", "GetTriggers", AWS_OP_READ, "NextToken", "NextToken", "Triggers"};
const struct aws_op glue_update_trigger = {
	"glue", "UpdateTrigger", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_delete_trigger = {
	"glue", "DeleteTrigger", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_start_trigger = {"glue", "StartTrigger", 0, NULL, NULL, NULL};
const struct aws_op glue_stop_trigger = {
	"glue", "StopTrigger", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_create_workflow = {"glue", "CreateWorkflow", 0, NULL, NULL, NULL};
const struct aws_op glue_get_workflow = {"glue", "GetWorkflow", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_list_workflows = {
	"glue", "ListWorkflows", AWS_OP_READ, "NextToken", "NextToken", "Workflows"};
const struct aws_op glue_update_workflow = {
	"glue", "UpdateWorkflow", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_delete_workflow = {
	"glue", "DeleteWorkflow", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_start_workflow_run = {
	"glue", "StartWorkflowRun", AWS_OP_STARTS, NULL, NULL, NULL};
const struct aws_op glue_get_workflow_run = {
	"glue", "GetWorkflowRun", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_get_workflow_runs = {
	"glue", "GetWorkflowRuns", AWS_OP_READ, "NextToken", "NextToken", "Runs"};
const struct aws_op glue_stop_workflow_run = {
	"glue", "StopWorkflowRun", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_resume_workflow_run = {
	"glue", "ResumeWorkflowRun", AWS_OP_STARTS, NULL, NULL, NULL};
const struct aws_op glue_tag_resource = {
	"glue", "TagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_untag_resource = {
	"glue", "UntagResource", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_get_tags = {"glue", "GetTags", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_create_connection = {"glue", "CreateConnection", 0, NULL, NULL, NULL};
const struct aws_op glue_get_connection = {"glue", "GetConnection", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_update_connection = {
	"glue", "UpdateConnection", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_delete_connection = {
	"glue", "DeleteConnection", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_create_classifier = {"glue", "CreateClassifier", 0, NULL, NULL, NULL};
const struct aws_op glue_get_classifier = {"glue", "GetClassifier", AWS_OP_READ, NULL, NULL, NULL};
const struct aws_op glue_update_classifier = {
	"glue", "UpdateClassifier", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
const struct aws_op glue_delete_classifier = {
	"glue", "DeleteClassifier", AWS_OP_IDEMPOTENT, NULL, NULL, NULL};
/* The local cloud's own, which AWS does not have. */
const struct aws_op glue_crawl_diff = {"glue", "GlueprojCrawlDiff", AWS_OP_READ, NULL, NULL, NULL};
