#ifndef OPS_H
#define OPS_H

/* The operations that glueproj calls, service by service; definitions (flags, paging) in ops_<service>.c. */
#include "client.h"

/* STS */
extern const struct aws_op sts_get_caller_identity, sts_assume_role,
	sts_assume_role_with_web_identity;
/* IAM */
extern const struct aws_op iam_create_role, iam_get_role, iam_update_role,
	iam_update_role_description, iam_delete_role, iam_list_roles, iam_update_assume_role_policy,
	iam_tag_role, iam_untag_role, iam_list_role_tags, iam_put_role_policy, iam_get_role_policy,
	iam_delete_role_policy, iam_list_role_policies, iam_attach_role_policy,
	iam_detach_role_policy, iam_list_attached_role_policies, iam_put_role_permissions_boundary,
	iam_delete_role_permissions_boundary, iam_list_instance_profiles_for_role,
	iam_remove_role_from_instance_profile, iam_create_policy, iam_get_policy, iam_delete_policy,
	iam_list_policies, iam_create_policy_version, iam_get_policy_version,
	iam_delete_policy_version, iam_list_policy_versions, iam_list_entities_for_policy,
	iam_tag_policy, iam_untag_policy, iam_list_policy_tags, iam_put_user_policy,
	iam_delete_user_policy, iam_get_user_policy, iam_put_group_policy, iam_delete_group_policy,
	iam_get_group_policy;
/* Glue */
extern const struct aws_op glue_create_database, glue_get_database, glue_get_databases,
	glue_update_database, glue_delete_database, glue_create_table, glue_get_table,
	glue_get_tables, glue_update_table, glue_delete_table, glue_batch_delete_table,
	glue_get_partitions, glue_get_partition, glue_create_partition, glue_batch_create_partition,
	glue_delete_partition, glue_batch_delete_partition, glue_create_crawler, glue_get_crawler,
	glue_get_crawlers, glue_update_crawler, glue_delete_crawler, glue_start_crawler,
	glue_stop_crawler, glue_list_crawls, glue_get_crawler_metrics, glue_create_job,
	glue_get_job, glue_get_jobs, glue_update_job, glue_delete_job, glue_start_job_run,
	glue_get_job_run, glue_get_job_runs, glue_batch_stop_job_run, glue_create_trigger,
	glue_get_trigger, glue_get_triggers, glue_update_trigger, glue_delete_trigger,
	glue_start_trigger, glue_stop_trigger, glue_create_workflow, glue_get_workflow,
	glue_list_workflows, glue_update_workflow, glue_delete_workflow, glue_start_workflow_run,
	glue_get_workflow_run, glue_get_workflow_runs, glue_stop_workflow_run,
	glue_resume_workflow_run, glue_tag_resource, glue_untag_resource, glue_get_tags,
	glue_create_connection, glue_get_connection, glue_update_connection, glue_delete_connection,
	glue_create_classifier, glue_get_classifier, glue_update_classifier, glue_delete_classifier,
	glue_crawl_diff;
/* Athena */
extern const struct aws_op athena_create_work_group, athena_get_work_group, athena_list_work_groups,
	athena_update_work_group, athena_delete_work_group, athena_start_query_execution,
	athena_get_query_execution, athena_get_query_results, athena_stop_query_execution,
	athena_list_query_executions, athena_list_named_queries, athena_tag_resource,
	athena_untag_resource, athena_list_tags_for_resource;
/* CloudWatch Logs */
extern const struct aws_op logs_describe_log_groups, logs_describe_log_streams, logs_get_log_events,
	logs_filter_log_events, logs_delete_log_stream, logs_delete_log_group,
	logs_create_log_group, logs_create_log_stream, logs_put_log_events,
	logs_put_retention_policy, logs_delete_retention_policy, logs_associate_kms_key,
	logs_disassociate_kms_key, logs_put_log_group_deletion_protection, logs_tag_resource,
	logs_untag_resource, logs_list_tags_for_resource;
/* Secrets Manager */
extern const struct aws_op ssm_get_parameter;
extern const struct aws_op secretsmanager_get_secret_value, secretsmanager_create_secret,
	secretsmanager_put_secret_value, secretsmanager_update_secret,
	secretsmanager_describe_secret, secretsmanager_delete_secret, secretsmanager_restore_secret,
	secretsmanager_tag_resource, secretsmanager_untag_resource, secretsmanager_list_secrets,
	secretsmanager_get_random_password;
/* Redshift Serverless */
extern const struct aws_op redshift_create_namespace, redshift_get_namespace,
	redshift_list_namespaces, redshift_update_namespace, redshift_delete_namespace,
	redshift_create_workgroup, redshift_get_workgroup, redshift_list_workgroups,
	redshift_update_workgroup, redshift_delete_workgroup, redshift_tag_resource,
	redshift_untag_resource, redshift_list_tags_for_resource;
/* Redshift Data API */
extern const struct aws_op redshift_data_execute_statement, redshift_data_batch_execute_statement,
	redshift_data_describe_statement, redshift_data_get_statement_result,
	redshift_data_cancel_statement, redshift_data_list_statements, redshift_data_list_tables;
/* CloudWatch */
extern const struct aws_op monitoring_put_metric_alarm, monitoring_describe_alarms,
	monitoring_delete_alarms, monitoring_tag_resource, monitoring_untag_resource,
	monitoring_list_tags_for_resource;
/* Step Functions */
extern const struct aws_op states_create_state_machine, states_describe_state_machine,
	states_update_state_machine, states_delete_state_machine, states_list_state_machines,
	states_list_executions, states_stop_execution, states_start_execution,
	states_describe_execution, states_get_execution_history, states_create_activity,
	states_describe_activity, states_delete_activity, states_tag_resource,
	states_untag_resource, states_list_tags_for_resource;
/* SQS */
extern const struct aws_op sqs_create_queue, sqs_get_queue_url, sqs_get_queue_attributes,
	sqs_set_queue_attributes, sqs_delete_queue, sqs_tag_queue, sqs_untag_queue,
	sqs_list_queue_tags, sqs_receive_message, sqs_delete_message_batch,
	sqs_change_message_visibility_batch;
/* SNS */
extern const struct aws_op sns_create_topic, sns_get_topic_attributes, sns_set_topic_attributes,
	sns_delete_topic, sns_subscribe, sns_unsubscribe, sns_get_subscription_attributes,
	sns_set_subscription_attributes, sns_list_subscriptions_by_topic, sns_tag_resource,
	sns_untag_resource, sns_list_tags_for_resource;
/* EventBridge */
extern const struct aws_op events_put_rule, events_describe_rule, events_disable_rule,
	events_delete_rule, events_put_targets, events_remove_targets, events_list_targets_by_rule,
	events_tag_resource, events_untag_resource, events_list_tags_for_resource;
/* Resource Groups Tagging */
extern const struct aws_op tagging_get_resources;

#endif
