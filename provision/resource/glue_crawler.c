#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "lint_internal.h"
#include "ops.h"
#include "strbuf.h"

static const struct field s3_target_fields[] = {
	{.name = "ConnectionName", .kind = FIELD_STRING, .names = "AWS::Glue::Connection"},
	{.name = "DlqEventQueueArn", .kind = FIELD_STRING},
	{.name = "EventQueueArn", .kind = FIELD_STRING},
	{.name = "Exclusions", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "Path", .kind = FIELD_STRING, .names = "AWS::S3::Bucket"},
	{.name = "SampleSize", .kind = FIELD_INTEGER},
	{0},
};
static const char *const metadata_values[] = {"COMMENTS", "RAWTYPES", NULL};
static const struct field jdbc_target_fields[] = {
	{.name = "ConnectionName", .kind = FIELD_STRING, .names = "AWS::Glue::Connection"},
	{.name = "EnableAdditionalMetadata",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED,
		.values = metadata_values},
	{.name = "Exclusions", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "Path", .kind = FIELD_STRING},
	{0},
};
static const struct field mongodb_target_fields[] = {
	{.name = "ConnectionName", .kind = FIELD_STRING, .names = "AWS::Glue::Connection"},
	{.name = "Path", .kind = FIELD_STRING},
	{0},
};
static const struct field dynamodb_target_fields[] = {
	{.name = "Path", .kind = FIELD_STRING},
	{.name = "ScanAll", .wire = "scanAll", .kind = FIELD_BOOL},
	{.name = "ScanRate", .wire = "scanRate", .kind = FIELD_NUMBER},
	{0},
};
static const struct field catalog_target_fields[] = {
	{.name = "ConnectionName", .kind = FIELD_STRING, .names = "AWS::Glue::Connection"},
	{.name = "DatabaseName",
		.kind = FIELD_STRING,
		.flags = F_LOWER,
		.names = "AWS::Glue::Database",
		.min = 1,
		.max = 255},
	{.name = "DlqEventQueueArn", .kind = FIELD_STRING},
	{.name = "EventQueueArn", .kind = FIELD_STRING},
	{.name = "Tables", .kind = FIELD_LIST, .item = FIELD_STRING, .flags = F_UNORDERED},
	{0},
};
static const struct field delta_target_fields[] = {
	{.name = "ConnectionName", .kind = FIELD_STRING, .names = "AWS::Glue::Connection"},
	{.name = "CreateNativeDeltaTable", .kind = FIELD_BOOL},
	{.name = "DeltaTables", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "WriteManifest", .kind = FIELD_BOOL},
	{0},
};
static const struct field table_format_target_fields[] = {
	{.name = "ConnectionName", .kind = FIELD_STRING, .names = "AWS::Glue::Connection"},
	{.name = "Exclusions", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "MaximumTraversalDepth", .kind = FIELD_INTEGER},
	{.name = "Paths", .kind = FIELD_LIST, .item = FIELD_STRING},
	{0},
};

#define TARGETS(n, rows)                                                            \
	{                                                                           \
		.name = n, .kind = FIELD_LIST, .item = FIELD_OBJECT, .fields = rows \
	}
static const struct field targets_fields[] = {
	TARGETS("CatalogTargets", catalog_target_fields),
	TARGETS("DeltaTargets", delta_target_fields),
	TARGETS("DynamoDBTargets", dynamodb_target_fields),
	TARGETS("HudiTargets", table_format_target_fields),
	TARGETS("IcebergTargets", table_format_target_fields),
	TARGETS("JdbcTargets", jdbc_target_fields),
	TARGETS("MongoDBTargets", mongodb_target_fields),
	TARGETS("S3Targets", s3_target_fields),
	{0},
};

static const struct field lake_formation_fields[] = {
	{.name = "AccountId", .kind = FIELD_STRING, .max = 12},
	{.name = "UseLakeFormationCredentials", .kind = FIELD_BOOL},
	{0},
};
static const char *const recrawl_values[] = {
	"CRAWL_EVENT_MODE", "CRAWL_EVERYTHING", "CRAWL_NEW_FOLDERS_ONLY", NULL};
static const struct field recrawl_fields[] = {
	{.name = "RecrawlBehavior", .kind = FIELD_STRING, .values = recrawl_values},
	{0},
};
static const struct field schedule_fields[] = {
	{.name = "ScheduleExpression", .kind = FIELD_STRING},
	{0},
};
static const char *const delete_behaviors[] = {
	"DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE", "LOG", NULL};
static const char *const update_behaviors[] = {"LOG", "UPDATE_IN_DATABASE", NULL};
static const struct field schema_change_fields[] = {
	{.name = "DeleteBehavior", .kind = FIELD_STRING, .values = delete_behaviors},
	{.name = "UpdateBehavior", .kind = FIELD_STRING, .values = update_behaviors},
	{0},
};

static const struct field crawler_fields[] = {
	{.name = "Classifiers",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.names = "AWS::Glue::Classifier"},
	{.name = "Configuration", .kind = FIELD_JSON, .flags = F_JSON_TEXT},
	{.name = "CrawlerSecurityConfiguration", .kind = FIELD_STRING, .max = 128},
	{.name = "DatabaseName",
		.kind = FIELD_STRING,
		.flags = F_LOWER,
		.names = "AWS::Glue::Database"},
	{.name = "Description", .kind = FIELD_STRING, .max = 2048},
	{.name = "LakeFormationConfiguration",
		.kind = FIELD_OBJECT,
		.fields = lake_formation_fields},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES | F_LOCAL, .min = 1, .max = 255},
	{.name = "RecrawlPolicy", .kind = FIELD_OBJECT, .fields = recrawl_fields},
	{.name = "Role",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_NAME_OR_ARN,
		.names = "AWS::IAM::Role"},
	{.name = "Schedule", .kind = FIELD_OBJECT, .fields = schedule_fields},
	{.name = "SchemaChangePolicy", .kind = FIELD_OBJECT, .fields = schema_change_fields},
	{.name = "TablePrefix", .kind = FIELD_STRING, .max = 128},
	{.name = "Tags", .kind = FIELD_TAG_MAP},
	{.name = "Targets", .kind = FIELD_OBJECT, .flags = F_REQUIRED, .fields = targets_fields},
	{0},
};

static const struct field_default crawler_defaults[] = {
	{"Classifiers", "[]"},
	{"Configuration", "\"\""},
	{"CrawlerSecurityConfiguration", "\"\""},
	{"Description", "\"\""},
	{"LakeFormationConfiguration",
		"{\"UseLakeFormationCredentials\":false,\"AccountId\":\"\"}"},
	{"RecrawlPolicy", "{\"RecrawlBehavior\":\"CRAWL_EVERYTHING\"}"},
	{"Schedule", "{\"ScheduleExpression\":\"\"}"},
	{"SchemaChangePolicy",
		"{\"UpdateBehavior\":\"UPDATE_IN_DATABASE\",\"DeleteBehavior\":\"DEPRECATE_IN_"
		"DATABASE\"}"},
	{"TablePrefix", "\"\""},
	{0},
};

/* The requests have Schedule as text, the reply as an object. */
static void crawler_schedule(struct json *in)
{
	const struct json *schedule = json_get(in, "Schedule");
	if (!json_is(schedule, JSON_OBJECT))
		return;
	const char *text = json_get_str(schedule, "ScheduleExpression");
	json_set(in, "Schedule", json_string(text ? text : ""));
}

static void crawler_to_create(unused_arg const struct resource *r, struct json *in)
{
	crawler_schedule(in);
}

static void crawler_to_update(unused_arg const struct resource *r,
	unused_arg const struct json *live, unused_arg const struct json *diff, struct json *in)
{
	crawler_schedule(in);
}

static void crawler_look(unused_arg const struct resource *r, const struct json *definition,
	struct resource_state *out)
{
	const struct json *expression = json_path(definition, "Schedule.ScheduleExpression");
	const char *state = json_str(json_path(definition, "Schedule.State"));
	/* a schedule that was taken away stays as NOT_SCHEDULED */
	if (out->props && (!expression || (state && strcmp(state, "NOT_SCHEDULED") == 0 &&
						  !json_path(r->props, "Schedule"))))
		json_remove(out->props, "Schedule");
}

/* --- stopping --- */

static int crawler_quiesce(const struct type_ctx *ctx, const struct resource *r,
	unused_arg bool going, unused_arg struct json **resume, struct err *err)
{
	static const char *const idle[] = {"CrawlerNotRunningException", "CrawlerStoppingException",
		"EntityNotFoundException", NULL};
	struct json *in = json_strings("Name", r->name, NULL), *live = NULL;
	struct wait w;
	int ret = 0;
	wait_begin(&w, ctx, WAIT_LONG_MS);
	for (;;) {
		struct err why = ERR_INIT;
		ret = json_type_get(ctx, r, &live, err);
		const char *state = json_get_str(live, "State");
		if (ret || !live || !state || strcmp(state, "READY") == 0)
			break;
		if (strcmp(state, "RUNNING") == 0 &&
			aws_call(ctx->aws, &glue_stop_crawler, in, NULL, &why) &&
			!err_is_any(&why, idle)) {
			err_move(err, &why);
			ret = -1;
			break;
		}
		err_release(&why);
		json_free(live);
		live = NULL;
		ret = wait_pause(&w, err, "crawler '%s' to stop", r->name);
		if (ret)
			break;
	}
	json_free(in);
	json_free(live);
	return ret;
}

static int crawler_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct err why = ERR_INIT;
	struct wait w;
	int ret;
	wait_begin(&w, ctx, WAIT_LONG_MS);
	/* somebody, or its schedule, may start it again between our look and the delete */
	while ((ret = json_type_destroy(ctx, r, &why)) &&
		err_is_aws(&why, "CrawlerRunningException")) {
		if (crawler_quiesce(ctx, r, true, NULL, &why) ||
			wait_pause(&w, &why, "crawler '%s' to stop", r->name))
			break;
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

/* --- what it made --- */

static bool is_catalog_target(const struct json *crawler, const char *database, const char *table)
{
	const struct json *t, *name;
	json_each(t, json_path(crawler, "Targets.CatalogTargets"))
	{
		const char *db = json_get_str(t, "DatabaseName");
		if (!db || !iequals(db, database))
			continue;
		json_each(name, json_get(t, "Tables"))
		{
			if (json_str(name) && iequals(json_str(name), table))
				return true;
		}
	}
	return false;
}

/* Proof: the crawler's mark on the table, and that it is no older than the crawler. */
static bool made_by(const struct json *crawler, const char *database, const struct json *table)
{
	const char *mark = json_str(json_path(table, "Parameters.UPDATED_BY_CRAWLER"));
	const char *name = json_get_str(crawler, "Name"), *t = json_get_str(table, "Name");
	double born = json_dbl(json_get(crawler, "CreationTime"), -1);
	double made = json_dbl(json_get(table, "CreateTime"), -1);
	return mark && name && t && strcmp(mark, name) == 0 && born >= 0 && made >= born &&
	       !is_catalog_target(crawler, database, t);
}

static int sweep_tables(
	const struct type_ctx *ctx, const struct json *crawler, struct json *gone, struct err *err)
{
	const char *database = json_get_str(crawler, "DatabaseName");
	struct json *in = json_strings("DatabaseName", database, NULL), *tables = NULL;
	struct json *names = json_array(), *t;
	int ret = database ? list_if_there(ctx, &glue_get_tables, in, &tables, err) : 0;
	json_each(t, tables)
	{
		if (made_by(crawler, database, t))
			json_push_str(names, json_get_str(t, "Name"));
	}
	if (!ret && json_len(names))
		ret = delete_tables(ctx, database, names, err);
	json_each(t, names)
	{
		char *id = xasprintf("%s.%s", database, json_str(t));
		if (!ret)
			json_push(gone,
				json_strings("type", "AWS::Glue::Table", "physical_id", id, NULL));
		free(id);
	}
	json_free(in);
	json_free(tables);
	json_free(names);
	return ret;
}

static int crawler_sweep(
	const struct type_ctx *ctx, const struct resource *r, struct json *gone, struct err *err)
{
	struct json *live = NULL;
	int ret = json_type_get(ctx, r, &live, err);
	if (!ret && live)
		ret = sweep_tables(ctx, live, gone, err);
	if (!ret && live)
		ret = sweep_log_streams(ctx, "/aws-glue/crawlers", r->name, true, gone, err);
	json_free(live);
	return ret;
}

static const char *const crawler_busy[] = {
	"SchedulerTransitioningException", "ConcurrentModificationException", NULL};

const struct json_type glue_crawler = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Glue::Crawler",
					.fields = crawler_fields,
					.name_field = "Name",
					.name_case = NAME_LOWER_DASH,
					.name_max = 255,
					.attributes = no_attributes,
					.name_pattern_hint =
						"1 to 255 characters without control characters",
					.name_ok = glue_name_ok,
					.check = lint_check_crawler,
				},
			.flags = T_WHOLE,
			.defaults = crawler_defaults,
			.read = json_type_read,
			.create = json_type_create,
			.update = json_type_update,
			.tag = json_type_tag,
			.destroy = crawler_destroy,
			.quiesce = crawler_quiesce,
			.sweep = crawler_sweep,
		},
	.create = &glue_create_crawler,
	.get = &glue_get_crawler,
	.update = &glue_update_crawler,
	.remove = &glue_delete_crawler,
	.get_out = "Crawler",
	.create_name = "Name",
	.get_name = "Name",
	.update_name = "Name",
	.remove_name = "Name",
	.arn = "arn:{partition}:glue:{region}:{account}:crawler/{name}",
	.tagging = &glue_tagging,
	.role = "Role",
	.busy = crawler_busy,
	.to_create = crawler_to_create,
	.to_update = crawler_to_update,
	.look = crawler_look,
};
