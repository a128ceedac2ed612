#include "types_internal.h"

/* Sorted by name; the pseudo types come last, and templates do not see them. */
const struct resource_type *const resource_types[] = {
	&athena_workgroup.type,
	&cloudwatch_alarm.type,
	&events_rule_type,
	&glue_classifier.type,
	&glue_connection.type,
	&glue_crawler.type,
	&glue_database.type,
	&glue_job.type,
	&glue_table.type,
	&glue_trigger.type,
	&glue_workflow.type,
	&managed_policy_type,
	&policy_type,
	&role_type,
	&logs_log_group.type,
	&redshift_namespace_type,
	&redshift_workgroup_type,
	&bucket_type,
	&sns_subscription_type,
	&sns_topic_type,
	&sns_topic_policy.type,
	&sqs_queue_type,
	&sqs_queue_policy.type,
	&secret_type,
	&stepfunctions_activity.type,
	&stepfunctions_state_machine.type,
	&crawl_type,
	&upload_type,
	NULL,
};

static const struct type_schema *const schemas[] = {
	&athena_workgroup.type.schema,
	&cloudwatch_alarm.type.schema,
	&events_rule_type.schema,
	&glue_classifier.type.schema,
	&glue_connection.type.schema,
	&glue_crawler.type.schema,
	&glue_database.type.schema,
	&glue_job.type.schema,
	&glue_table.type.schema,
	&glue_trigger.type.schema,
	&glue_workflow.type.schema,
	&managed_policy_type.schema,
	&policy_type.schema,
	&role_type.schema,
	&logs_log_group.type.schema,
	&redshift_namespace_type.schema,
	&redshift_workgroup_type.schema,
	&bucket_type.schema,
	&sns_subscription_type.schema,
	&sns_topic_type.schema,
	&sns_topic_policy.type.schema,
	&sqs_queue_type.schema,
	&sqs_queue_policy.type.schema,
	&secret_type.schema,
	&stepfunctions_activity.type.schema,
	&stepfunctions_state_machine.type.schema,
};

const struct schema_set *resource_schemas(void)
{
	static const struct schema_set set = {schemas, ARRAY_SIZE(schemas)};
	return &set;
}

const struct resource_type *resource_type_find(const char *name)
{
	size_t low = 0, high = ARRAY_SIZE(resource_types) - 1;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(name, resource_types[mid]->schema.name);
		if (!order)
			return resource_types[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
