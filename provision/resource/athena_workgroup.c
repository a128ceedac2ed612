#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"

static const struct field kms_required_fields[] = {
	{.name = "KmsKey", .kind = FIELD_STRING, .flags = F_REQUIRED},
	{0},
};
static const struct field kms_fields[] = {
	{.name = "KmsKey", .kind = FIELD_STRING},
	{0},
};
static const struct field classification_fields[] = {
	{.name = "Name", .kind = FIELD_STRING},
	{.name = "Properties", .kind = FIELD_MAP},
	{0},
};
static const struct field engine_fields[] = {
	{.name = "AdditionalConfigs", .kind = FIELD_MAP},
	{.name = "Classifications",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.fields = classification_fields},
	{.name = "CoordinatorDpuSize", .kind = FIELD_INTEGER},
	{.name = "DefaultExecutorDpuSize", .kind = FIELD_INTEGER},
	{.name = "MaxConcurrentDpus", .kind = FIELD_INTEGER},
	{.name = "SparkProperties", .kind = FIELD_MAP},
	{0},
};
/* "AUTO" becomes a version; EffectiveEngineVersion is Athena's answer, never a wish. */
static const struct field engine_version_fields[] = {
	{.name = "EffectiveEngineVersion", .kind = FIELD_STRING, .flags = F_LOCAL},
	{.name = "SelectedEngineVersion", .kind = FIELD_STRING},
	{0},
};
static const struct field managed_results_fields[] = {
	{.name = "Enabled", .kind = FIELD_BOOL},
	{.name = "EncryptionConfiguration", .kind = FIELD_OBJECT, .fields = kms_fields},
	{0},
};
static const struct field cloudwatch_logging_fields[] = {
	{.name = "Enabled", .kind = FIELD_BOOL},
	{.name = "LogGroup", .kind = FIELD_STRING},
	{.name = "LogStreamNamePrefix", .kind = FIELD_STRING},
	{.name = "LogTypes", .kind = FIELD_JSON},
	{0},
};
static const struct field managed_logging_fields[] = {
	{.name = "Enabled", .kind = FIELD_BOOL},
	{.name = "KmsKey", .kind = FIELD_STRING},
	{0},
};
static const struct field s3_logging_fields[] = {
	{.name = "Enabled", .kind = FIELD_BOOL},
	{.name = "KmsKey", .kind = FIELD_STRING},
	{.name = "LogLocation", .kind = FIELD_STRING, .names = "AWS::S3::Bucket"},
	{0},
};
static const struct field monitoring_fields[] = {
	{.name = "CloudWatchLoggingConfiguration",
		.kind = FIELD_OBJECT,
		.fields = cloudwatch_logging_fields},
	{.name = "ManagedLoggingConfiguration",
		.kind = FIELD_OBJECT,
		.fields = managed_logging_fields},
	{.name = "S3LoggingConfiguration", .kind = FIELD_OBJECT, .fields = s3_logging_fields},
	{0},
};
static const char *const acl_values[] = {"BUCKET_OWNER_FULL_CONTROL", NULL};
static const struct field acl_fields[] = {
	{.name = "S3AclOption", .kind = FIELD_STRING, .flags = F_REQUIRED, .values = acl_values},
	{0},
};
static const char *const encryption_values[] = {"SSE_S3", "SSE_KMS", "CSE_KMS", NULL};
static const struct field encryption_fields[] = {
	{.name = "EncryptionOption",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED,
		.values = encryption_values},
	{.name = "KmsKey", .kind = FIELD_STRING},
	{0},
};
static const struct field result_fields[] = {
	{.name = "AclConfiguration", .kind = FIELD_OBJECT, .fields = acl_fields},
	{.name = "EncryptionConfiguration", .kind = FIELD_OBJECT, .fields = encryption_fields},
	{.name = "ExpectedBucketOwner", .kind = FIELD_STRING},
	{.name = "OutputLocation", .kind = FIELD_STRING, .names = "AWS::S3::Bucket"},
	{0},
};
static const struct field configuration_fields[] = {
	{.name = "AdditionalConfiguration", .kind = FIELD_STRING},
	{.name = "BytesScannedCutoffPerQuery",
		.kind = FIELD_INTEGER,
		.min = 10000000,
		.max = INT64_MAX},
	{.name = "CustomerContentEncryptionConfiguration",
		.kind = FIELD_OBJECT,
		.fields = kms_required_fields},
	{.name = "EnforceWorkGroupConfiguration", .kind = FIELD_BOOL},
	{.name = "EngineConfiguration", .kind = FIELD_OBJECT, .fields = engine_fields},
	{.name = "EngineVersion", .kind = FIELD_OBJECT, .fields = engine_version_fields},
	{.name = "ExecutionRole", .kind = FIELD_STRING, .names = "AWS::IAM::Role"},
	{.name = "ManagedQueryResultsConfiguration",
		.kind = FIELD_OBJECT,
		.fields = managed_results_fields},
	{.name = "MonitoringConfiguration", .kind = FIELD_OBJECT, .fields = monitoring_fields},
	{.name = "PublishCloudWatchMetricsEnabled", .kind = FIELD_BOOL},
	{.name = "RequesterPaysEnabled", .kind = FIELD_BOOL},
	{.name = "ResultConfiguration", .kind = FIELD_OBJECT, .fields = result_fields},
	{0},
};
static const char *const state_values[] = {"ENABLED", "DISABLED", NULL};
static const struct field workgroup_fields[] = {
	{.name = "Description", .kind = FIELD_STRING, .max = 1024},
	{.name = "Name",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 128},
	{.name = "RecursiveDeleteOption", .kind = FIELD_BOOL, .flags = F_LOCAL},
	{.name = "State", .kind = FIELD_STRING, .values = state_values},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{.name = "WorkGroupConfiguration",
		.wire = "Configuration",
		.kind = FIELD_OBJECT,
		.fields = configuration_fields},
	/* CloudFormation has replaced it by WorkGroupConfiguration */
	{.name = "WorkGroupConfigurationUpdates", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{0},
};

static const struct attribute workgroup_attributes[] = {
	{.name = "CreationTime"},
	{.name = "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion"},
	{0},
};

static const struct field_default workgroup_defaults[] = {
	{"Description", "\"\""},
	{"State", "\"ENABLED\""},
	{0},
};

/* Athena has no code for it: InvalidRequestException, "WorkGroup X is not found." or "… does not exist". */
static bool workgroup_missing(const struct err *err)
{
	return err->aws_code && err->text &&
	       strcmp(err->aws_code, "InvalidRequestException") == 0 &&
	       (strcasestr(err->text, "not found") || strcasestr(err->text, "not exist"));
}

static void workgroup_look(unused_arg const struct resource *r, const struct json *definition,
	struct resource_state *out)
{
	const struct json *created = json_get(definition, "CreationTime");
	const struct json *version =
		json_path(definition, "Configuration.EngineVersion.EffectiveEngineVersion");
	out->attrs = json_object();
	if (created) {
		char *text = xasprintf("%lld", (long long)json_dbl(created, 0));
		json_set_str(out->attrs, "CreationTime", text);
		free(text);
	}
	if (version)
		json_set(out->attrs, workgroup_attributes[1].name, json_copy(version));
}

/* --- create: always ENABLED; DISABLED is a second call --- */

static bool workgroup_unfinished(const struct resource *r)
{
	const char *state = json_get_str(r->props, "State");
	return state && strcmp(state, "DISABLED") == 0;
}

static void workgroup_to_create(unused_arg const struct resource *r, struct json *in)
{
	json_remove(in, "State");
}

static int workgroup_finish(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = json_strings("WorkGroup", r->name, "State", "DISABLED", NULL);
	int ret = aws_call(ctx->aws, &athena_update_work_group, in, NULL, err);
	json_free(in);
	return ret;
}

/* --- update: ConfigurationUpdates has other names, and flags for what is gone --- */

static const struct {
	const char *inside, *member, *flag;
} removals[] = {
	{NULL, "BytesScannedCutoffPerQuery", "RemoveBytesScannedCutoffPerQuery"},
	{NULL, "CustomerContentEncryptionConfiguration",
		"RemoveCustomerContentEncryptionConfiguration"},
	{"ResultConfiguration", "OutputLocation", "RemoveOutputLocation"},
	{"ResultConfiguration", "EncryptionConfiguration", "RemoveEncryptionConfiguration"},
	{"ResultConfiguration", "ExpectedBucketOwner", "RemoveExpectedBucketOwner"},
	{"ResultConfiguration", "AclConfiguration", "RemoveAclConfiguration"},
	{"ManagedQueryResultsConfiguration", "EncryptionConfiguration",
		"RemoveEncryptionConfiguration"},
};

static const struct json *within(const struct json *v, const char *name)
{
	return name ? json_get(v, name) : v;
}

/* What lives in the configuration and is no longer wanted, as "Remove…" flags in the shape of the updates. */
static bool add_removals(const struct json *wanted, const struct json *live, struct json *updates)
{
	bool any = false;
	for (size_t i = 0; i < ARRAY_SIZE(removals); i++) {
		const char *inside = removals[i].inside, *member = removals[i].member;
		if (!json_get(within(live, inside), member) ||
			json_get(within(wanted, inside), member))
			continue;
		char *path = inside ? xasprintf("%s/%s", inside, removals[i].flag)
				    : xstrdup(removals[i].flag);
		wire_set(updates, path, json_bool(true));
		free(path);
		any = true;
	}
	return any;
}

static void rename_member(struct json *obj, const char *from, const char *to)
{
	struct json *v = json_detach(obj, from);
	if (v)
		json_set(obj, to, v);
}

static void workgroup_to_update(const struct resource *r, const struct json *live,
	unused_arg const struct json *diff, struct json *in)
{
	struct json *updates = json_detach(in, "Configuration");
	const struct json *wanted = json_get(r->props, "WorkGroupConfiguration");
	bool given = updates != NULL;
	if (!updates)
		updates = json_object();
	if (add_removals(wanted, json_get(live, "WorkGroupConfiguration"), updates) || given) {
		rename_member(updates, "ResultConfiguration", "ResultConfigurationUpdates");
		rename_member(updates, "ManagedQueryResultsConfiguration",
			"ManagedQueryResultsConfigurationUpdates");
		json_set(in, "ConfigurationUpdates", updates);
	} else {
		json_free(updates);
	}
}

/* A removal alone is no difference to the table engine: say so to it by name. */
static int workgroup_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *updates = json_object(), *in;
	const struct json *wanted = json_get(r->props, "WorkGroupConfiguration");
	struct json *diff =
		fields_changes(workgroup_fields, r->props, live->props, workgroup_defaults);
	const struct json *c;
	bool more = add_removals(wanted, json_get(live->props, "WorkGroupConfiguration"), updates);
	int ret = 0;
	json_each(c, diff) more = more && strcmp(json_get_str(c, "path"), "Tags") == 0;
	if (more) {
		in = json_strings("WorkGroup", r->name, NULL);
		workgroup_to_update(r, live->props, diff, in);
		ret = aws_call(ctx->aws, &athena_update_work_group, in, NULL, err);
		json_free(in);
	}
	json_free(updates);
	json_free(diff);
	return ret ? ret : json_type_update(ctx, r, live, err);
}

static int workgroup_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = json_strings("WorkGroup", r->name, NULL);
	struct err why = ERR_INIT;
	/* named queries and prepared statements go with it; `primary` cannot go */
	json_set_bool(in, "RecursiveDeleteOption", true);
	int ret = aws_call(ctx->aws, &athena_delete_work_group, in, NULL, &why);
	if (ret && workgroup_missing(&why))
		ret = 0;
	if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	return ret;
}

const struct json_type athena_workgroup = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Athena::WorkGroup",
					.fields = workgroup_fields,
					.name_field = "Name",
					.name_case = NAME_LOWER_DASH,
					.name_max = 128,
					.attributes = workgroup_attributes,
					.name_pattern_hint =
						"1 to 128 of letters, digits, '.', '_' and '-'",
					.name_ok = athena_name_ok,
				},
			.flags = T_WHOLE,
			.defaults = workgroup_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = workgroup_update,
			.tag = json_type_tag,
			.destroy = workgroup_destroy,
		},
	.create = &athena_create_work_group,
	.get = &athena_get_work_group,
	.update = &athena_update_work_group,
	.remove = &athena_delete_work_group,
	.get_out = "WorkGroup",
	.create_name = "Name",
	.get_name = "WorkGroup",
	.update_name = "WorkGroup",
	.remove_name = "WorkGroup",
	.arn = "arn:{partition}:athena:{region}:{account}:workgroup/{name}",
	.tagging = &athena_tagging,
	.missing = workgroup_missing,
	.look = workgroup_look,
	.unfinished = workgroup_unfinished,
	.finish = workgroup_finish,
	.to_create = workgroup_to_create,
	.to_update = workgroup_to_update,
};
