#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "strbuf.h"

static const char *const permission_values[] = {"ALL", "ALTER", "CREATE_DATABASE", "CREATE_TABLE",
	"DATA_LOCATION_ACCESS", "DELETE", "DROP", "INSERT", "SELECT", NULL};

static const struct field principal_fields[] = {
	{.name = "DataLakePrincipalIdentifier", .kind = FIELD_STRING, .min = 1, .max = 255},
	{0},
};
static const struct field permission_fields[] = {
	{.name = "Permissions",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED,
		.values = permission_values},
	{.name = "Principal", .kind = FIELD_OBJECT, .fields = principal_fields},
	{0},
};
static const struct field federated_fields[] = {
	{.name = "ConnectionName", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "Identifier", .kind = FIELD_STRING, .min = 1, .max = 512},
	{0},
};
static const struct field target_fields[] = {
	{.name = "CatalogId", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "DatabaseName", .kind = FIELD_STRING, .min = 1, .max = 255},
	{.name = "Region", .kind = FIELD_STRING, .min = 1, .max = 255},
	{0},
};
static const struct field database_input_fields[] = {
	{.name = "CreateTableDefaultPermissions",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = permission_fields},
	{.name = "Description", .kind = FIELD_STRING, .max = 2048},
	{.name = "FederatedDatabase", .kind = FIELD_OBJECT, .fields = federated_fields},
	{.name = "LocationUri",
		.kind = FIELD_STRING,
		.names = "AWS::S3::Bucket",
		.min = 1,
		.max = 1024},
	{.name = "Name", .kind = FIELD_STRING, .flags = F_REPLACES | F_LOWER, .min = 1, .max = 255},
	{.name = "Parameters", .kind = FIELD_MAP},
	{.name = "TargetDatabase", .kind = FIELD_OBJECT, .fields = target_fields},
	{0},
};
static const struct field database_fields[] = {
	{.name = "CatalogId",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES,
		.min = 1,
		.max = 255},
	{.name = "DatabaseInput",
		.kind = FIELD_OBJECT,
		.flags = F_REQUIRED,
		.fields = database_input_fields},
	{.name = "DatabaseName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOWER | F_LOCAL,
		.min = 1,
		.max = 255},
	{0},
};

static void database_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const char *inner = known_str(props, "DatabaseInput.Name");
	const char *outer = known_str(props, "DatabaseName");
	if (inner && outer && !iequals(inner, outer))
		lint_error(place, errors, "DatabaseName",
			"DatabaseName '%s' and DatabaseInput.Name '%s' differ", outer, inner);
	else if (outer && is_missing(json_get(props, "DatabaseInput"), "Name"))
		lint_error(place, errors, "DatabaseInput",
			"DatabaseInput needs Name when DatabaseName is given");
}

/* GetDatabase answers with DatabaseInput's members beside CatalogId. */
static struct json *database_reshape(const struct json *definition)
{
	struct json *out = json_object();
	json_set(out, "DatabaseInput", json_copy(definition));
	json_set_str(out, "CatalogId", json_get_str(definition, "CatalogId"));
	return out;
}

/* UpdateDatabase replaces all: what AWS filled in at creation goes back unless the template says otherwise. */
static void database_to_update(const struct resource *r, const struct json *live,
	unused_arg const struct json *diff, struct json *in)
{
	struct json *input = json_get(in, "DatabaseInput");
	const struct json *kept = json_path(live, "DatabaseInput.CreateTableDefaultPermissions");
	if (!json_get(input, "CreateTableDefaultPermissions") && kept)
		json_set(input, "CreateTableDefaultPermissions", json_copy(kept));
	json_set_str(input, "Name", r->name);
}

/* --- tables --- */

static int tables_of(
	const struct type_ctx *ctx, const struct resource *r, struct json **tables, struct err *err)
{
	struct json *in = json_strings("DatabaseName", r->name, NULL);
	int ret = list_if_there(ctx, &glue_get_tables, in, tables, err);
	json_free(in);
	return ret;
}

int delete_tables(
	const struct type_ctx *ctx, const char *database, const struct json *names, struct err *err)
{
	const struct json *name = json_first(names), *e;
	while (name) {
		struct json *in = json_strings("DatabaseName", database, NULL), *out = NULL;
		struct json *batch = json_array();
		for (size_t i = 0; name && i < 100; i++, name = json_next(name))
			json_push_str(batch, json_str(name));
		json_set(in, "TablesToDelete", batch);
		int ret = aws_call(ctx->aws, &glue_batch_delete_table, in, &out, err);
		json_each(e, json_get(out, "Errors"))
		{
			const char *code = json_str(json_path(e, "ErrorDetail.ErrorCode"));
			const char *text = json_str(json_path(e, "ErrorDetail.ErrorMessage"));
			if (ret || (code && strcmp(code, "EntityNotFoundException") == 0))
				continue;
			ret = err_set(err, ERR_FAILED,
				"table '%s' in '%s' cannot be deleted: %s: %s",
				json_get_str(e, "TableName"), database, code ? code : "unknown",
				text ? text : "");
		}
		json_free(in);
		json_free(out);
		if (ret)
			return -1;
	}
	return 0;
}

static const char *crawler_of(const struct json *table)
{
	return json_str(json_path(table, "Parameters.UPDATED_BY_CRAWLER"));
}

/* A crawler of this project's; asked once per crawler, remembered in `known` {"name":bool}. */
static bool crawler_is_ours(const struct type_ctx *ctx, const char *crawler, struct json *known)
{
	struct json *tags = NULL;
	struct err ignored = ERR_INIT;
	if (json_get(known, crawler))
		return json_get_truth(known, crawler, false);
	char *arn = xasprintf(
		"arn:%s:glue:%s:%s:crawler/%s", ctx->partition, ctx->region, ctx->account, crawler);
	bool ours = false;
	if (json_tags_get(ctx, &glue_tagging, arn, &tags, &ignored) == 0) {
		const char *project = json_get_str(tags, TAG_PROJECT);
		ours = project && strcmp(project, ctx->project) == 0;
	}
	json_set_bool(known, crawler, ours);
	err_release(&ignored);
	json_free(tags);
	free(arn);
	return ours;
}

static int database_content(const struct type_ctx *ctx, const struct resource *r, bool *has,
	char **what, struct err *err)
{
	struct json *tables = NULL, *known = json_object(), *t;
	const char *first = NULL;
	size_t nr = 0;
	int ret = tables_of(ctx, r, &tables, err);
	json_each(t, tables)
	{
		const char *crawler = crawler_of(t);
		if (crawler && crawler_is_ours(ctx, crawler, known))
			continue;
		if (!nr++)
			first = json_get_str(t, "Name");
	}
	*has = nr > 0;
	if (nr == 1)
		*what = xasprintf("table '%s'", first ? first : "");
	else if (nr)
		*what = xasprintf("%zu tables, '%s' first", nr, first ? first : "");
	json_free(tables);
	json_free(known);
	return ret;
}

static int database_empty(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *tables = NULL, *names = json_array(), *t;
	int ret = tables_of(ctx, r, &tables, err);
	json_each(t, tables) json_push_str(names, json_get_str(t, "Name"));
	if (!ret && json_len(names)) {
		type_note(ctx, r, "deleting %zu table%s", json_len(names),
			json_len(names) == 1 ? "" : "s");
		ret = delete_tables(ctx, r->name, names, err);
	}
	json_free(tables);
	json_free(names);
	return ret;
}

static int database_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	int ret = json_type_destroy(ctx, r, err);
	if (ret && err && err->text && strcasestr(err->text, "Lake Formation"))
		err_hint(err,
			"Lake Formation guards database '%s': grant DROP on it and on its tables "
			"to "
			"the identity that runs glueproj, or remove it from Lake Formation",
			r->name);
	return ret;
}

static const char *const database_busy[] = {"ConcurrentModificationException", NULL};

const struct json_type glue_database = {
	.type =
		{
			.schema =
				{
					.name = "AWS::Glue::Database",
					.fields = database_fields,
					.name_field = "DatabaseInput.Name",
					.name_case = NAME_LOWER_UNDERSCORE,
					.name_max = 255,
					.attributes = no_attributes,
					.name_pattern_hint =
						"1 to 255 characters without control characters",
					.name_ok = glue_name_ok,
					.check = database_check,
				},
			.flags = T_WHOLE | T_DATA,
			.read = json_type_read,
			.create = json_type_create,
			.update = json_type_update,
			.tag = json_type_tag,
			.destroy = database_destroy,
			.content = database_content,
			.empty = database_empty,
		},
	.create = &glue_create_database,
	.get = &glue_get_database,
	.update = &glue_update_database,
	.remove = &glue_delete_database,
	.get_out = "Database",
	.create_name = "DatabaseInput/Name",
	.get_name = "Name",
	.update_name = "Name",
	.remove_name = "Name",
	.arn = "arn:{partition}:glue:{region}:{account}:database/{name}",
	.tagging = &glue_tagging,
	.flags = JSON_UPDATE_WHOLE,
	.busy = database_busy,
	.reshape = database_reshape,
	.to_update = database_to_update,
};
