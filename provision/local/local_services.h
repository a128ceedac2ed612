#ifndef LOCAL_SERVICES_H
#define LOCAL_SERVICES_H

/* The services and parts that other files define; local_services.c puts them into the two tables. */
struct local_part;
struct local_service;

extern const struct local_part local_core_part, local_s3_part, local_iam_part, local_logs_part,
	local_catalog_part, local_crawler_part, local_athena_part, local_glue_part,
	local_secrets_part, local_ssm_part, local_sqs_part, local_sns_part, local_events_part,
	local_redshift_part;
extern const struct local_service local_sts_service, local_iam_role_service,
	local_iam_policy_service, local_tagging_service, local_logs_service,
	local_logs_read_service, local_catalog_service, local_catalog_table_service,
	local_catalog_partition_service, local_crawler_service, local_athena_group_service,
	local_athena_query_service, local_athena_named_service, local_athena_catalog_service,
	local_glue_tags_service, local_glue_jobs_service, local_glue_runs_service,
	local_glue_triggers_service, local_glue_workflows_service, local_glue_workflow_runs_service,
	local_secrets_service, local_secrets_list_service, local_secrets_policy_service,
	local_secrets_value_service, local_ssm_service, local_ssm_list_service,
	local_ssm_put_service, local_ssm_tags_service, local_sqs_service, local_sqs_message_service,
	local_sqs_receive_service, local_sns_service, local_sns_subscription_service,
	local_sns_publish_service, local_events_service, local_events_bus_service,
	local_events_put_service;

/* CloudWatch: local_alarms.h; connections: local_glue_connection.h */
extern const struct local_part local_alarms_part, local_glue_connection_part;
extern const struct local_service local_alarms_service, local_metrics_service,
	local_metrics_read_service, local_glue_connection_service;

/* Step Functions: local_states.h, local_states_map.h */
extern const struct local_part local_states_part, local_states_map_part;
extern const struct local_service local_states_machine_service, local_states_alias_service,
	local_states_execution_service, local_states_start_service, local_states_redrive_service,
	local_states_activity_service, local_states_task_service, local_states_tag_service,
	local_states_version_service, local_states_map_service, local_redshift_namespace_service,
	local_redshift_workgroup_service, local_redshift_data_service, local_redshift_meta_service,
	local_redshift_snapshot_service;
/* Crawlers' history: local_crawler.h; classifiers: local_classifiers.h */
extern const struct local_part local_classifiers_part;
extern const struct local_service local_crawler_history_service, local_classifiers_service;

#endif
