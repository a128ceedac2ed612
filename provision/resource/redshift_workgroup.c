#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "redshift.h"
#include "strbuf.h"

static const struct field parameter_fields[] = {
	{.name = "ParameterKey", .wire = "parameterKey", .kind = FIELD_STRING, .max = 255},
	{.name = "ParameterValue", .wire = "parameterValue", .kind = FIELD_STRING, .max = 15000},
	{0},
};
static const char *const target_values[] = {"ENABLED", "DISABLED", NULL};
static const struct field target_fields[] = {
	{.name = "Level", .wire = "level", .kind = FIELD_INTEGER, .min = 1, .max = 100},
	{.name = "Status", .wire = "status", .kind = FIELD_STRING, .values = target_values},
	{0},
};
static const struct field workgroup_fields[] = {
	{.name = "BaseCapacity", .wire = "baseCapacity", .kind = FIELD_INTEGER},
	{.name = "ConfigParameters",
		.wire = "configParameters",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED,
		.fields = parameter_fields},
	{.name = "EnhancedVpcRouting", .wire = "enhancedVpcRouting", .kind = FIELD_BOOL},
	{.name = "MaxCapacity", .wire = "maxCapacity", .kind = FIELD_INTEGER},
	{.name = "NamespaceName",
		.wire = "namespaceName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES,
		.names = "AWS::RedshiftServerless::Namespace",
		.min = 3,
		.max = 64,
		.pattern = "[a-z0-9-]+"},
	{.name = "Port", .wire = "port", .kind = FIELD_INTEGER},
	{.name = "PricePerformanceTarget",
		.wire = "pricePerformanceTarget",
		.kind = FIELD_OBJECT,
		.fields = target_fields},
	{.name = "PubliclyAccessible", .wire = "publiclyAccessible", .kind = FIELD_BOOL},
	/* restoring is another call, and not repeatable */
	{.name = "RecoveryPointId", .kind = FIELD_STRING, .flags = F_UNSUPPORTED},
	{.name = "SecurityGroupIds",
		.wire = "securityGroupIds",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED},
	{.name = "SnapshotArn", .kind = FIELD_STRING, .flags = F_UNSUPPORTED},
	{.name = "SnapshotName", .kind = FIELD_STRING, .flags = F_UNSUPPORTED},
	{.name = "SnapshotOwnerAccount", .kind = FIELD_STRING, .flags = F_UNSUPPORTED},
	{.name = "SubnetIds",
		.wire = "subnetIds",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{.name = "TrackName",
		.wire = "trackName",
		.kind = FIELD_STRING,
		.min = 1,
		.max = 256,
		.pattern = "[a-zA-Z0-9_]+"},
	{.name = "WorkgroupName",
		.wire = "workgroupName",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES | F_LOCAL,
		.min = 3,
		.max = 64},
	{0},
};

static const struct attribute workgroup_attributes[] = {
	{.name = "Workgroup.BaseCapacity"},
	{.name = "Workgroup.ConfigParameters"},
	{.name = "Workgroup.CreationDate"},
	{.name = "Workgroup.Endpoint.Address"},
	{.name = "Workgroup.Endpoint.Port"},
	{.name = "Workgroup.EnhancedVpcRouting"},
	{.name = "Workgroup.MaxCapacity"},
	{.name = "Workgroup.NamespaceName"},
	{.name = "Workgroup.PubliclyAccessible"},
	{.name = "Workgroup.SecurityGroupIds"},
	{.name = "Workgroup.Status"},
	{.name = "Workgroup.SubnetIds"},
	{.name = "Workgroup.TrackName"},
	{.name = "Workgroup.WorkgroupArn"},
	{.name = "Workgroup.WorkgroupId"},
	{.name = "Workgroup.WorkgroupName"},
	{0},
};

static const struct field_default workgroup_defaults[] = {
	{"EnhancedVpcRouting", "false"},
	{"Port", "5439"},
	{"PubliclyAccessible", "false"},
	{0},
};

static const struct redshift_kind kind = {
	.create = &redshift_create_workgroup,
	.get = &redshift_get_workgroup,
	.update = &redshift_update_workgroup,
	.remove = &redshift_delete_workgroup,
	.out = "workgroup",
	.name = "workgroupName",
	.arn = "workgroupArn",
	.title = "Workgroup",
	.fields = workgroup_fields,
	.defaults = workgroup_defaults,
};

static void workgroup_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const struct json *port = json_get(props, "Port");
	int64_t n = json_i64(port, 5439), base = json_get_i64(props, "BaseCapacity", 0),
		max = json_get_i64(props, "MaxCapacity", INT64_MAX);

	if (is_missing(props, "NamespaceName"))
		lint_error(place, errors, NULL, "a workgroup needs NamespaceName");
	if (!((n >= 5431 && n <= 5455) || (n >= 8191 && n <= 8215)))
		lint_error(place, errors, "Port", "Port is 5431 to 5455 or 8191 to 8215");
	if (base > max)
		lint_error(
			place, errors, "MaxCapacity", "MaxCapacity is smaller than BaseCapacity");
}

/* --- read: of the parameters, those that are wanted --- */

static struct json *find_parameter(const struct json *list, const char *key)
{
	struct json *p;

	json_each(p, list)
	{
		const char *its = json_get_str(p, "ParameterKey");
		if (its && key && !strcmp(its, key))
			return p;
	}
	return NULL;
}

/* AWS fills in all it has; what the template does not name is AWS's. */
static void keep_wanted(const struct resource *r, struct json *props)
{
	const struct json *live = json_get(props, "ConfigParameters"), *w;
	struct json *some = json_array();

	json_each(w, json_get(r->props, "ConfigParameters"))
	{
		const struct json *p = find_parameter(live, json_get_str(w, "ParameterKey"));
		if (p)
			json_push(some, json_copy(p));
	}
	if (json_len(some))
		json_set(props, "ConfigParameters", some);
	else {
		json_free(some);
		json_remove(props, "ConfigParameters");
	}
}

static int workgroup_read(const struct type_ctx *ctx, const struct resource *r,
	enum read_depth depth, struct resource_state *out, struct err *err)
{
	int ret = redshift_read(ctx, &kind, r, depth, out, NULL, err);

	if (!ret && out->props)
		keep_wanted(r, out->props);
	return ret;
}

static int workgroup_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = fields_to_api(workgroup_fields, r->props);
	int ret = redshift_create(ctx, &kind, r, in, NULL, err);

	json_free(in);
	return ret;
}

/* --- update: UpdateWorkgroup takes one parameter a call --- */

static int update_one(
	const struct type_ctx *ctx, const struct resource *r, const char *name, struct err *err)
{
	const struct json *v = json_get(r->props, name);
	struct json *some = json_object(), *in;
	struct err ignored = ERR_INIT;
	int ret = 0;

	if (v)
		json_set(some, name, json_copy(v));
	for (const struct field_default *d = workgroup_defaults; !v && d->name; d++)
		if (!strcmp(d->name, name))
			json_set(some, name, json_parse(d->value, strlen(d->value), &ignored));
	err_release(&ignored);
	in = fields_to_api(workgroup_fields, some);
	if (json_len(in)) {
		json_set_str(in, "workgroupName", r->name);
		ret = redshift_call(ctx, r, &redshift_update_workgroup, in, NULL, err);
		if (!ret)
			ret = redshift_settle(ctx, &kind, r, false, err);
	}
	json_free(some);
	json_free(in);
	return ret;
}

static bool is_part_of_update(const char *name)
{
	return strcmp(name, "Tags") != 0 && strcmp(name, "BaseCapacity") != 0 &&
	       strcmp(name, "MaxCapacity") != 0;
}

/* The base may not be above the most, before, between or after. */
static int update_capacity(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, const struct json *diff, struct err *err)
{
	bool base = fields_changed(diff, "BaseCapacity"),
	     most = fields_changed(diff, "MaxCapacity");
	bool most_first = json_get_i64(r->props, "BaseCapacity", 0) >
			  json_get_i64(live->props, "MaxCapacity", INT64_MAX);
	int ret = 0;

	if (most && most_first)
		ret = update_one(ctx, r, "MaxCapacity", err);
	if (!ret && base)
		ret = update_one(ctx, r, "BaseCapacity", err);
	if (!ret && most && !most_first)
		ret = update_one(ctx, r, "MaxCapacity", err);
	return ret;
}

static int workgroup_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *diff =
		fields_changes(workgroup_fields, r->props, live->props, workgroup_defaults);
	int ret = update_capacity(ctx, r, live, diff, err);

	for (const struct field *f = workgroup_fields; !ret && f->name; f++)
		if (is_part_of_update(f->name) && fields_changed(diff, f->name))
			ret = update_one(ctx, r, f->name, err);
	if (!ret)
		ret = redshift_bring_tags(ctx, &kind, r, live, err);
	json_free(diff);
	return ret;
}

static int workgroup_tag(const struct type_ctx *ctx, const struct resource *r,
	const struct json *tags, struct err *err)
{
	return redshift_tag(ctx, &kind, r, tags, err);
}

/* --- end --- */

static int workgroup_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	return redshift_destroy(ctx, &kind, r, NULL, err);
}

static int workgroup_settle(
	const struct type_ctx *ctx, const struct resource *r, bool gone, struct err *err)
{
	return redshift_settle(ctx, &kind, r, gone, err);
}

/* Cancels the statements in one state; *nr is how many there were. Without the right to look there are none to see. */
static int cancel_statements(const struct type_ctx *ctx, const struct resource *r,
	const char *status, size_t *nr, struct err *err)
{
	struct json *in = json_strings("WorkgroupName", r->name, "Status", status, NULL),
		    *found = NULL, *s;
	struct err why = ERR_INIT;
	int ret = aws_call_all(ctx->aws, &redshift_data_list_statements, in, &found, &why);

	if (ret && why.code == ERR_INTERRUPTED)
		err_move(err, &why);
	else
		ret = 0;
	json_each(s, found)
	{
		struct json *one = json_strings("Id", json_get_str(s, "Id"), NULL);
		struct err over = ERR_INIT;
		/* it may have ended by itself */
		if (aws_call(ctx->aws, &redshift_data_cancel_statement, one, NULL, &over))
			err_release(&over);
		++*nr;
		json_free(one);
	}
	err_release(&why);
	json_free(found);
	json_free(in);
	return ret;
}

/* Statements of the Data API under way are cancelled before their workgroup goes. */
static int workgroup_quiesce(const struct type_ctx *ctx, const struct resource *r, bool going,
	unused_arg struct json **resume, struct err *err)
{
	static const char *const states[] = {"SUBMITTED", "PICKED", "STARTED"};
	struct wait w;
	struct err late = ERR_INIT;
	size_t nr;

	if (!going)
		return 0;
	wait_begin(&w, ctx, 30 * 1000);
	do {
		nr = 0;
		for (size_t i = 0; i < ARRAY_SIZE(states); i++)
			if (cancel_statements(ctx, r, states[i], &nr, err))
				return -1;
	} while (nr && !wait_pause(&w, &late, "statements of '%s'", r->name));
	if (late.code == ERR_INTERRUPTED) {
		err_move(err, &late);
		return -1;
	}
	err_release(&late);
	return 0;
}

const struct resource_type redshift_workgroup_type = {
	.schema =
		{
			.name = "AWS::RedshiftServerless::Workgroup",
			.fields = workgroup_fields,
			.name_field = "WorkgroupName",
			.name_case = NAME_LOWER_DASH,
			.name_max = 64,
			.attributes = workgroup_attributes,
			.name_pattern_hint = "3 to 64 lower-case letters of ASCII, digits and '-'",
			.name_ok = redshift_name_ok,
			.check = workgroup_check,
		},
	.flags = T_WHOLE,
	.defaults = workgroup_defaults,
	.read = workgroup_read,
	.create = workgroup_create,
	.update = workgroup_update,
	.tag = workgroup_tag,
	.destroy = workgroup_destroy,
	.settle = workgroup_settle,
	.quiesce = workgroup_quiesce,
};
