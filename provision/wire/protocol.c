/* The services' wire facts, one row each; from the published API models. */
#include "protocol.h"

/* Sorted by id. */
static const struct wire_service services[] = {
	{"athena", "ATHENA", "athena", "AmazonAthena.", "2017-05-18", WIRE_JSON_11, false},
	{"events", "EVENTBRIDGE", "events", "AWSEvents.", "2015-10-07", WIRE_JSON_11, false},
	{"glue", "GLUE", "glue", "AWSGlue.", "2017-03-31", WIRE_JSON_11, false},
	{"iam", "IAM", "iam", NULL, "2010-05-08", WIRE_QUERY, true},
	{"kms", "KMS", "kms", "TrentService.", "2014-11-01", WIRE_JSON_11, false},
	{"logs", "CLOUDWATCH_LOGS", "logs", "Logs_20140328.", "2014-03-28", WIRE_JSON_11, false},
	{"monitoring", "CLOUDWATCH", "monitoring", "GraniteServiceVersion20100801.", "2010-08-01",
		WIRE_JSON_10, false},
	{"redshift-data", "REDSHIFT_DATA", "redshift-data", "RedshiftData.", "2019-12-20",
		WIRE_JSON_11, false},
	{"redshift-serverless", "REDSHIFT_SERVERLESS", "redshift-serverless", "RedshiftServerless.",
		"2021-04-21", WIRE_JSON_11, false},
	{"s3", "S3", "s3", NULL, "2006-03-01", WIRE_REST_XML, false},
	{"secretsmanager", "SECRETS_MANAGER", "secretsmanager", "secretsmanager.", "2017-10-17",
		WIRE_JSON_11, false},
	{"sns", "SNS", "sns", NULL, "2010-03-31", WIRE_QUERY, false},
	{"sqs", "SQS", "sqs", "AmazonSQS.", "2012-11-05", WIRE_JSON_10, false},
	{"ssm", "SSM", "ssm", "AmazonSSM.", "2014-11-06", WIRE_JSON_11, false},
	{"states", "SFN", "states", "AWSStepFunctions.", "2016-11-23", WIRE_JSON_10, false},
	{"sts", "STS", "sts", NULL, "2011-06-15", WIRE_QUERY, false},
	{"tagging", "RESOURCE_GROUPS_TAGGING_API", "tagging", "ResourceGroupsTaggingAPI_20170126.",
		"2017-01-26", WIRE_JSON_11, false},
};

const struct wire_service *wire_services(size_t *nr)
{
	*nr = ARRAY_SIZE(services);
	return services;
}

const struct wire_service *wire_service_find(const char *id)
{
	for (size_t i = 0; id && i < ARRAY_SIZE(services); i++)
		if (!strcmp(services[i].id, id))
			return &services[i];
	return NULL;
}

const struct wire_service *wire_service_by_target(const char *x_amz_target)
{
	const struct wire_service *best = NULL;
	size_t best_len = 0;
	for (size_t i = 0; x_amz_target && i < ARRAY_SIZE(services); i++) {
		const char *prefix = services[i].target_prefix;
		if (!prefix || !starts_with(x_amz_target, prefix) || strlen(prefix) <= best_len)
			continue;
		best = &services[i];
		best_len = strlen(prefix);
	}
	return best;
}

const struct wire_service *wire_service_by_signing_name(const char *signing_name)
{
	for (size_t i = 0; signing_name && i < ARRAY_SIZE(services); i++)
		if (!strcmp(services[i].signing_name, signing_name))
			return &services[i];
	return NULL;
}
