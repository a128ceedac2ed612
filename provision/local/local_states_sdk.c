/* Names of AWS's SDK, as Task states have them (resource arn:aws:states:::aws-sdk:SERVICE:ACTION): pure. */
#include "local_states_live.h"

#include <ctype.h>
#include "xalloc.h"

/* Sorted by name. */
static const struct states_sdk sdks[] = {
	{"athena", "athena", "Athena", false},
	{"cloudwatch", "monitoring", "CloudWatch", false},
	{"cloudwatchlogs", "logs", "CloudWatchLogs", true},
	{"eventbridge", "events", "EventBridge", false},
	{"glue", "glue", "Glue", false},
	{"iam", "iam", "Iam", false},
	{"redshiftdata", "redshift-data", "RedshiftData", false},
	{"redshiftserverless", "redshift-serverless", "RedshiftServerless", true},
	{"resourcegroupstaggingapi", "tagging", "ResourceGroupsTaggingApi", false},
	{"s3", "s3", "S3", false},
	{"secretsmanager", "secretsmanager", "SecretsManager", false},
	{"sfn", "states", "Sfn", true},
	{"sns", "sns", "Sns", false},
	{"sqs", "sqs", "Sqs", false},
	{"ssm", "ssm", "Ssm", false},
	{"sts", "sts", "Sts", false},
};

const struct states_sdk *states_sdk_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(sdks); i++)
		if (strlen(sdks[i].name) == len && !strncasecmp(sdks[i].name, name, len))
			return &sdks[i];
	return NULL;
}

/* Maps whose keys are the user's. */
static bool is_map(const char *name)
{
	static const char *const maps[] = {"tags", "Tags", "messageAttributes", "variables"};

	for (size_t i = 0; name && i < ARRAY_SIZE(maps); i++)
		if (!strcmp(maps[i], name))
			return true;
	return false;
}

static char *recased(const char *name, bool lower)
{
	char *copy = xstrdup(name);

	*copy = (char)(lower ? tolower((unsigned char)*copy) : toupper((unsigned char)*copy));
	return copy;
}

typedef struct json *leaf_fn(const char *name, const struct json *v);

static struct json *walk(
	const struct json *v, const char *name, bool recase, bool lower, leaf_fn *leaf)
{
	const struct json *e;
	struct json *out;
	char *member;

	if (json_is(v, JSON_ARRAY)) {
		out = json_array();
		json_each(e, v) json_push(out, walk(e, name, recase, lower, leaf));
		return out;
	}
	if (!json_is(v, JSON_OBJECT))
		return leaf ? leaf(name, v) : json_copy(v);
	out = json_object();
	json_each(e, v)
	{
		member = recase && !is_map(name) ? recased(json_name(e), lower)
						 : xstrdup(json_name(e));
		json_set(out, member, walk(e, json_name(e), recase, lower, leaf));
		free(member);
	}
	return out;
}

struct json *states_sdk_request(const struct states_sdk *sdk, const struct json *in)
{
	struct json *out = walk(in, NULL, sdk->lower, true, NULL);

	if (json_is(out, JSON_OBJECT))
		return out;
	json_free(out);
	return json_object();
}

/* Members that are times in the APIs that are served here; all are seconds there. */
static bool is_time(const char *name)
{
	static const char *const times[] = {"CompletedOn", "CompletionDateTime", "CreateDate",
		"CreateTime", "CreatedAt", "CreatedDate", "CreatedOn", "CreationDate",
		"CreationTime", "DeletedDate", "DeletionDate", "EndTime", "LastAccessTime",
		"LastAccessedDate", "LastAnalyzedTime", "LastChangedDate", "LastModifiedDate",
		"LastModifiedOn", "LastModifiedTime", "LastRotatedDate", "LastUpdated",
		"LastUsedDate", "NextRotationDate", "RedriveDate", "StartDate", "StartTime",
		"StartedOn", "StateUpdatedTimestamp", "StopDate", "SubmissionDateTime", "Timestamp",
		"UpdateDate", "UpdateTime", "UpdatedAt"};
	char *capital;
	bool found = false;

	if (!name)
		return false;
	capital = recased(name, false);
	for (size_t i = 0; !found && i < ARRAY_SIZE(times); i++)
		found = !strcmp(times[i], capital);
	free(capital);
	return found;
}

static struct json *time_as_text(const char *name, const struct json *v)
{
	struct strbuf sb = STRBUF_INIT;
	double seconds = json_dbl(v, 0);
	struct json *out;

	/* milliseconds, as CloudWatch Logs has them, are numbers for the SDK too */
	if (!json_is(v, JSON_NUMBER) || !is_time(name) || seconds < 1e6 || seconds > 1e11)
		return json_copy(v);
	clock_add_iso(&sb, (int64_t)(seconds * 1000 + 0.5), true);
	out = json_string_n(sb.buf, sb.len);
	strbuf_release(&sb);
	return out;
}

struct json *states_sdk_reply(const struct states_sdk *sdk, const struct json *out)
{
	return out ? walk(out, NULL, sdk->lower, false, time_as_text) : json_object();
}

static struct json *time_as_ms(const char *name, const struct json *v)
{
	double seconds = json_dbl(v, 0);

	if (!json_is(v, JSON_NUMBER) || !is_time(name) || seconds < 1e6 || seconds > 1e11)
		return json_copy(v);
	return json_int((int64_t)(seconds * 1000 + 0.5));
}

struct json *states_sdk_document(const struct json *out)
{
	return out ? walk(out, NULL, true, false, time_as_ms) : json_object();
}

char *states_sdk_error(const char *prefix, const char *code)
{
	const char *dot = strrchr(code, '.');

	/* AWS.SimpleQueueService.NonExistentQueue */
	if (dot)
		code = dot + 1;
	return xasprintf("%s.%s%s", prefix, code, ends_with(code, "Exception") ? "" : "Exception");
}

bool states_sdk_reads(const char *operation)
{
	static const char *const begins[] = {"Get", "List", "Describe", "Head", "BatchGet",
		"Search", "Query", "Filter", "Lookup", "Simulate", "Test", "Validate", "Scan"};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (starts_with(operation, begins[i]))
			return strcmp(operation, "GetActivityTask") != 0;
	return false;
}
