/*
 * AWS::Glue::Table: a table whose schema the template says. Tables carry no tags: one is ours by the record, and in a
 * database that is ours. What is live is compared with the template, and an update replaces the whole input, as
 * CloudFormation's does. Its data lies elsewhere; what goes with it is its partitions.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"

#define SHORT_NAME(n)                                                 \
	{                                                             \
		.name = n, .kind = FIELD_STRING, .min = 1, .max = 255 \
	}
#define SCHEMA_NAME(n)                                                 \
	{                                                              \
		.name = n, .kind = FIELD_STRING, .min = 1, .max = 255, \
		.pattern = "[a-zA-Z0-9_$#.-]+"                         \
	}
#define VIEW_TEXT(n, f)                                                    \
	{                                                                  \
		.name = n, .kind = FIELD_STRING, .flags = f, .max = 409600 \
	}

static const struct field column_fields[] = {
	{.name = "Comment", .kind = FIELD_STRING, .max = 255},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REQUIRED, .min = 1, .max = 255},
	{.name = "Type", .kind = FIELD_STRING, .max = 131072},
	{0},
};
static const struct field schema_id_fields[] = {
	SCHEMA_NAME("RegistryName"),
	{.name = "SchemaArn",
		.kind = FIELD_STRING,
		.min = 1,
		.max = 10240,
		.pattern = "arn:aws(-(cn|us-gov|iso(-[bef])?))?:glue:.*"},
	SCHEMA_NAME("SchemaName"),
	{0},
};
static const struct field schema_reference_fields[] = {
	{.name = "SchemaId", .kind = FIELD_OBJECT, .fields = schema_id_fields},
	{.name = "SchemaVersionId",
		.kind = FIELD_STRING,
		.min = 36,
		.max = 36,
		.pattern = "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"},
	{.name = "SchemaVersionNumber", .kind = FIELD_INTEGER, .min = 1, .max = 100000},
	{0},
};
static const struct field serde_fields[] = {
	SHORT_NAME("Name"),
	{.name = "Parameters", .kind = FIELD_MAP},
	SHORT_NAME("SerializationLibrary"),
	{0},
};
static const struct field skewed_fields[] = {
	{.name = "SkewedColumnNames", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "SkewedColumnValueLocationMaps", .kind = FIELD_MAP},
	{.name = "SkewedColumnValues", .kind = FIELD_LIST, .item = FIELD_STRING},
	{0},
};
static const struct field sort_fields[] = {
	{.name = "Column", .kind = FIELD_STRING, .flags = F_REQUIRED, .min = 1, .max = 255},
	{.name = "SortOrder", .kind = FIELD_INTEGER, .flags = F_REQUIRED, .min = 0, .max = 1},
	{0},
};
static const struct field storage_fields[] = {
	{.name = "BucketColumns", .kind = FIELD_LIST, .item = FIELD_STRING},
	{.name = "Columns", .kind = FIELD_LIST, .item = FIELD_OBJECT, .fields = column_fields},
	{.name = "Compressed", .kind = FIELD_BOOL},
	{.name = "InputFormat", .kind = FIELD_STRING, .max = 128},
	{.name = "Location", .kind = FIELD_STRING, .names = "AWS::S3::Bucket", .max = 2056},
	{.name = "NumberOfBuckets", .kind = FIELD_INTEGER},
	{.name = "OutputFormat", .kind = FIELD_STRING, .max = 128},
	{.name = "Parameters", .kind = FIELD_MAP},
	{.name = "SchemaReference", .kind = FIELD_OBJECT, .fields = schema_reference_fields},
	{.name = "SerdeInfo", .kind = FIELD_OBJECT, .fields = serde_fields},
	{.name = "SkewedInfo", .kind = FIELD_OBJECT, .fields = skewed_fields},
	{.name = "SortColumns", .kind = FIELD_LIST, .item = FIELD_OBJECT, .fields = sort_fields},
	{.name = "StoredAsSubDirectories", .kind = FIELD_BOOL},
	{0},
};
static const struct field target_fields[] = {
	SHORT_NAME("CatalogId"),
	SHORT_NAME("DatabaseName"),
	SHORT_NAME("Name"),
	SHORT_NAME("Region"),
	{0},
};
static const char *const dialects[] = {"ATHENA", "REDSHIFT", "SPARK", NULL};
static const struct field representation_fields[] = {
	{.name = "Dialect", .kind = FIELD_STRING, .values = dialects},
	SHORT_NAME("DialectVersion"),
	{.name = "ValidationConnection",
		.kind = FIELD_STRING,
		.flags = F_WRITE_ONLY,
		.min = 1,
		.max = 255},
	VIEW_TEXT("ViewExpandedText", F_WRITE_ONLY),
	VIEW_TEXT("ViewOriginalText", F_WRITE_ONLY),
	{0},
};
static const struct field view_fields[] = {
	{.name = "Definer", .kind = FIELD_STRING, .min = 20, .max = 2048},
	{.name = "IsProtected", .kind = FIELD_BOOL},
	{.name = "Representations",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.fields = representation_fields},
	{.name = "SubObjects", .kind = FIELD_LIST, .item = FIELD_STRING, .flags = F_WRITE_ONLY},
	{0},
};
static const struct field table_input_fields[] = {
	{.name = "Description", .kind = FIELD_STRING, .max = 2048},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES | F_LOWER, .min = 1, .max = 255},
	SHORT_NAME("Owner"),
	{.name = "Parameters", .kind = FIELD_MAP},
	{.name = "PartitionKeys",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.fields = column_fields},
	{.name = "Retention", .kind = FIELD_INTEGER},
	{.name = "StorageDescriptor", .kind = FIELD_OBJECT, .fields = storage_fields},
	{.name = "TableType", .kind = FIELD_STRING, .max = 255},
	{.name = "TargetTable", .kind = FIELD_OBJECT, .fields = target_fields},
	{.name = "ViewDefinition", .kind = FIELD_OBJECT, .fields = view_fields},
	VIEW_TEXT("ViewExpandedText", 0),
	VIEW_TEXT("ViewOriginalText", 0),
	{0},
};
static const struct field table_fields[] = {
	{.name = "CatalogId",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES,
		.min = 1,
		.max = 255},
	{.name = "DatabaseName",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES | F_LOWER,
		.names = "AWS::Glue::Database",
		.min = 1,
		.max = 255},
	{.name = "Name",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOWER | F_LOCAL,
		.min = 1,
		.max = 255},
	{.name = "OpenTableFormatInput", .kind = FIELD_OBJECT, .flags = F_UNSUPPORTED},
	{.name = "TableInput", .kind = FIELD_OBJECT, .fields = table_input_fields},
	{0},
};

static void table_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const char *inner = known_str(props, "TableInput.Name"), *outer = known_str(props, "Name");
	if (is_missing(props, "TableInput") && !is_given(props, "OpenTableFormatInput"))
		lint_error(place, errors, "", "a table needs TableInput");
	else if (inner && outer && !iequals(inner, outer))
		lint_error(place, errors, "Name", "Name '%s' and TableInput.Name '%s' differ",
			outer, inner);
	else if (outer && is_missing(json_get(props, "TableInput"), "Name"))
		lint_error(place, errors, "TableInput", "TableInput needs Name when Name is given");
}

/* --- where it stands --- */

static const char *database_now(const struct resource *r)
{
	return json_get_str(r->props, "DatabaseName");
}

/* Where the record has it; NULL: the same, or unknown. */
static const char *database_before(const struct resource *r)
{
	const char *then = json_get_str(r->record_props, "DatabaseName"), *now = database_now(r);
	return then && now && iequals(then, now) ? NULL : then;
}

static int get_in(const struct type_ctx *ctx, const struct resource *r, const char *database,
	struct json **out, struct err *err)
{
	struct json *in = json_strings("DatabaseName", database, "Name", r->name, NULL);
	struct json *reply = NULL;
	int ret = call_if_there(ctx, &glue_get_table, in, &reply, err);
	*out = reply ? json_detach(reply, "Table") : NULL;
	json_free(in);
	json_free(reply);
	return ret;
}

/* One that the template moves to another database is first found in the old one. */
static int table_fetch(
	const struct type_ctx *ctx, const struct resource *r, struct json **out, struct err *err)
{
	const char *before = database_before(r), *now = database_now(r);
	*out = NULL;
	if (before && get_in(ctx, r, before, out, err))
		return -1;
	return *out || !now ? 0 : get_in(ctx, r, now, out, err);
}

/* --- what is live --- */

static struct json *table_reshape(const struct json *definition)
{
	struct json *out = json_object();
	json_set(out, "TableInput", json_copy(definition));
	json_set_str(out, "CatalogId", json_get_str(definition, "CatalogId"));
	json_set_str(out, "DatabaseName", json_get_str(definition, "DatabaseName"));
	return out;
}

/* What a service writes for "not set". */
static bool says_nothing(const struct json *v)
{
	const char *text = json_str(v);
	const struct json *e;
	if (json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY)) {
		json_each(e, v) if (!says_nothing(e)) return false;
		return true;
	}
	return json_is(v, JSON_NULL) || (text && !*text) || !json_truth(v, true) ||
	       (json_is(v, JSON_NUMBER) && json_dbl(v, 0) <= 0);
}

/* Without tags there is no digest to show what is gone from the template; so what is live and not wanted does. */
static bool has_more(const struct json *live, const struct json *wanted)
{
	const struct json *l;
	if (!json_is(live, JSON_OBJECT) || !json_is(wanted, JSON_OBJECT))
		return false;
	json_each(l, live)
	{
		const struct json *w = json_get(wanted, json_name(l));
		if (w ? has_more(l, w) : !says_nothing(l))
			return true;
	}
	return false;
}

/* A crawler notes things of its own in the table, which are not ours to take away by and by. */
static bool crawled(const struct json *definition)
{
	return json_path(definition, "Parameters.UPDATED_BY_CRAWLER") ||
	       json_path(definition, "Parameters.CrawlerSchemaSerializerVersion");
}

/* Leaves of live parameters those that are wanted. */
static void forget_notes(struct json *live, const struct json *wanted, const char *path)
{
	struct json *notes = json_path(live, path);
	const struct json *w = json_path(wanted, path), *n;
	struct strvec names = STRVEC_INIT;
	json_each(n, notes) if (!json_get(w, json_name(n))) strvec_push(&names, json_name(n));
	for (size_t i = 0; i < names.nr; i++)
		json_remove(notes, names.v[i]);
	strvec_release(&names);
}

static void table_look(
	const struct resource *r, const struct json *definition, struct resource_state *out)
{
	static const char *const notes[] = {"Parameters", "StorageDescriptor.Parameters",
		"StorageDescriptor.SerdeInfo.Parameters"};
	struct json *live = json_get(out->props, "TableInput");
	const struct json *wanted = json_get(r->props, "TableInput"), *part;
	bool more = false, by_crawler = crawled(definition);
	if (!live || !wanted)
		return;
	for (size_t i = 0; by_crawler && i < ARRAY_SIZE(notes); i++)
		forget_notes(live, wanted, notes[i]);
	json_each(part, live)
	{
		const char *name = json_name(part);
		const struct json *w = json_get(wanted, name);
		bool filled_in = (by_crawler && strcmp(name, "StorageDescriptor") == 0) ||
				 (!w && strcmp(name, "Owner") == 0);
		/* the name is given or derived */
		if (!filled_in && strcmp(name, "Name") != 0)
			more = more || (w ? has_more(part, w) : !says_nothing(part));
	}
	/* a difference that the comparison of what is written sees */
	if (more)
		json_remove(out->props, "TableInput");
}

/* --- calls --- */

static struct json *whole_input(const struct resource *r)
{
	struct json *in = fields_to_api(table_fields, r->props);
	wire_set(in, "TableInput/Name", json_string(r->name));
	return in;
}

static int table_update(const struct type_ctx *ctx, const struct resource *r,
	unused_arg const struct resource_state *live, struct err *err)
{
	static const char *const busy[] = {"ConcurrentModificationException", NULL};
	struct json *in = whole_input(r);
	int ret = call_unless_busy(ctx, &glue_update_table, in, busy, 60 * 1000, NULL, err);
	json_free(in);
	return ret;
}

static int table_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = whole_input(r);
	struct err why = ERR_INIT;
	int ret = aws_call(ctx->aws, &glue_create_table, in, NULL, &why);
	if (ret && err_is_there(&why)) /* an answer that did not come, or a crawl that was first */
		ret = table_update(ctx, r, NULL, err);
	else if (ret)
		err_move(err, &why);
	err_release(&why);
	json_free(in);
	return ret;
}

/* The live one's database; *database malloc'd, NULL when it is gone. */
static int live_database(
	const struct type_ctx *ctx, const struct resource *r, char **database, struct err *err)
{
	struct json *live = NULL;
	int ret = table_fetch(ctx, r, &live, err);
	const char *name = json_get_str(live, "DatabaseName");
	*database = name ? xstrdup(name) : NULL;
	json_free(live);
	return ret;
}

static int table_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct err why = ERR_INIT;
	char *database = NULL;
	int ret = live_database(ctx, r, &database, err);
	if (!ret && database) {
		struct json *in = json_strings("DatabaseName", database, "Name", r->name, NULL);
		ret = aws_call(ctx->aws, &glue_delete_table, in, NULL, &why);
		if (ret && err_is_missing(&why))
			ret = 0;
		if (ret)
			err_move(err, &why);
		json_free(in);
	}
	err_release(&why);
	free(database);
	return ret;
}

/* --- its partitions --- */

static int partitions_of(const struct type_ctx *ctx, const struct resource *r, const char *database,
	struct json **out, struct err *err)
{
	struct json *in = json_strings("DatabaseName", database, "TableName", r->name, NULL);
	json_set_bool(in, "ExcludeColumnSchema", true);
	int ret = list_if_there(ctx, &glue_get_partitions, in, out, err);
	json_free(in);
	return ret;
}

static int table_content(const struct type_ctx *ctx, const struct resource *r, bool *has,
	char **what, struct err *err)
{
	struct json *partitions = NULL;
	char *database = NULL;
	int ret = live_database(ctx, r, &database, err);
	if (!ret && database)
		ret = partitions_of(ctx, r, database, &partitions, err);
	size_t nr = json_len(partitions);
	*has = nr > 0;
	if (nr)
		*what = xasprintf("%zu partition%s", nr, nr == 1 ? "" : "s");
	json_free(partitions);
	free(database);
	return ret;
}

/* Glue would take the partitions away by and by; this way a new table of that name has none of them. */
static int table_empty(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *partitions = NULL;
	char *database = NULL;
	int ret = live_database(ctx, r, &database, err);
	if (!ret && database)
		ret = partitions_of(ctx, r, database, &partitions, err);
	const struct json *p = json_first(partitions);
	while (!ret && p) {
		struct json *in =
			json_strings("DatabaseName", database, "TableName", r->name, NULL);
		struct json *batch = json_array();
		for (size_t i = 0; p && i < 25; i++, p = json_next(p)) {
			struct json *values = json_object();
			json_set(values, "Values", json_copy(json_get(p, "Values")));
			json_push(batch, values);
		}
		json_set(in, "PartitionsToDelete", batch);
		ret = aws_call(ctx->aws, &glue_batch_delete_partition, in, NULL, err);
		json_free(in);
	}
	json_free(partitions);
	free(database);
	return ret;
}

static const char *const table_record[] = {"DatabaseName", NULL};

const struct json_type glue_table = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Glue::Table",
					.fields = table_fields,
					.name_field = "TableInput.Name",
					.name_case = NAME_LOWER_UNDERSCORE,
					.name_max = 255,
					.attributes = no_attributes,
					.name_pattern_hint =
						"1 to 255 characters without control characters",
					.name_ok = glue_name_ok,
					.check = table_check,
				},
			.flags = T_NO_TAGS | T_WHOLE | T_DATA,
			.record_fields = table_record,
			.read = json_type_read,
			.create = table_create,
			.update = table_update,
			.destroy = table_destroy,
			.content = table_content,
			.empty = table_empty,
		},
	.arn = "arn:{partition}:glue:{region}:{account}:table/{DatabaseName}/{name}",
	.fetch = table_fetch,
	.reshape = table_reshape,
	.look = table_look,
};
