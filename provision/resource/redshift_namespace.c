#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "ops.h"
#include "redshift.h"
#include "strbuf.h"

static const char *const log_values[] = {"useractivitylog", "userlog", "connectionlog", NULL};

static const struct field namespace_fields[] = {
	{.name = "AdminPasswordSecretKmsKeyId",
		.wire = "adminPasswordSecretKmsKeyId",
		.kind = FIELD_STRING},
	{.name = "AdminUserPassword",
		.wire = "adminUserPassword",
		.kind = FIELD_STRING,
		.flags = F_SECRET | F_WRITE_ONLY,
		.min = 8,
		.max = 64},
	{.name = "AdminUsername",
		.wire = "adminUsername",
		.kind = FIELD_STRING,
		.pattern = "[a-zA-Z][a-zA-Z_0-9+.@-]*"},
	{.name = "DbName",
		.wire = "dbName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES,
		.max = 127,
		.pattern = "[a-zA-Z][a-zA-Z_0-9+.@-]*"},
	{.name = "DefaultIamRoleArn",
		.wire = "defaultIamRoleArn",
		.kind = FIELD_STRING,
		.names = "AWS::IAM::Role"},
	/* of DeleteNamespace */
	{.name = "FinalSnapshotName",
		.kind = FIELD_STRING,
		.flags = F_LOCAL,
		.max = 255,
		.pattern = "[a-z][a-z0-9]*(-[a-z0-9]+)*"},
	{.name = "FinalSnapshotRetentionPeriod", .kind = FIELD_INTEGER, .flags = F_LOCAL},
	{.name = "IamRoles",
		.wire = "iamRoles",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED,
		.names = "AWS::IAM::Role"},
	{.name = "KmsKeyId", .wire = "kmsKeyId", .kind = FIELD_STRING},
	{.name = "LogExports",
		.wire = "logExports",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED,
		.values = log_values},
	{.name = "ManageAdminPassword",
		.wire = "manageAdminPassword",
		.kind = FIELD_BOOL,
		.flags = F_WRITE_ONLY},
	{.name = "NamespaceName",
		.wire = "namespaceName",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES | F_LOCAL,
		.min = 3,
		.max = 64},
	/* needs calls of its own */
	{.name = "NamespaceResourcePolicy", .kind = FIELD_JSON, .flags = F_UNSUPPORTED},
	{.name = "RedshiftIdcApplicationArn",
		.wire = "redshiftIdcApplicationArn",
		.kind = FIELD_STRING,
		.flags = F_WRITE_ONLY,
		.min = 1,
		.max = 1024},
	{.name = "SnapshotCopyConfigurations",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNSUPPORTED},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{0},
};

static const struct attribute namespace_attributes[] = {
	{.name = "Namespace"},
	{.name = "Namespace.AdminUsername"},
	{.name = "Namespace.CreationDate"},
	{.name = "Namespace.DbName"},
	{.name = "Namespace.DefaultIamRoleArn"},
	{.name = "Namespace.IamRoles"},
	{.name = "Namespace.KmsKeyId"},
	{.name = "Namespace.LogExports"},
	{.name = "Namespace.NamespaceArn"},
	{.name = "Namespace.NamespaceId"},
	{.name = "Namespace.NamespaceName"},
	{.name = "Namespace.Status"},
	/* documented, and missing in the schema's list */
	{.name = "Namespace.AdminPasswordSecretArn"},
	{.name = "Namespace.AdminPasswordSecretKmsKeyId"},
	{0},
};

static const struct field_default namespace_defaults[] = {
	{"AdminUsername", "\"admin\""},
	{"DbName", "\"dev\""},
	{"DefaultIamRoleArn", "\"\""},
	{"IamRoles", "[]"},
	{"LogExports", "[]"},
	{0},
};

static const char *const kept[] = {"FinalSnapshotName", "FinalSnapshotRetentionPeriod", NULL};

static const struct redshift_kind kind = {
	.create = &redshift_create_namespace,
	.get = &redshift_get_namespace,
	.update = &redshift_update_namespace,
	.remove = &redshift_delete_namespace,
	.out = "namespace",
	.name = "namespaceName",
	.arn = "namespaceArn",
	.title = "Namespace",
	.fields = namespace_fields,
	.defaults = namespace_defaults,
};

static void namespace_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const struct json *manage = json_get(props, "ManageAdminPassword");

	if (json_truth(manage, false) && is_given(props, "AdminUserPassword"))
		lint_error(place, errors, "AdminUserPassword",
			"AdminUserPassword does not go with ManageAdminPassword");
	if (is_given(props, "DefaultIamRoleArn") && is_missing(props, "IamRoles"))
		lint_error(place, errors, "DefaultIamRoleArn",
			"DefaultIamRoleArn must be one of IamRoles, and there are none");
	if (is_given(props, "FinalSnapshotRetentionPeriod") &&
		is_missing(props, "FinalSnapshotName"))
		lint_error(place, errors, "FinalSnapshotRetentionPeriod",
			"FinalSnapshotRetentionPeriod needs FinalSnapshotName");
}

static int namespace_read(const struct type_ctx *ctx, const struct resource *r,
	enum read_depth depth, struct resource_state *out, struct err *err)
{
	return redshift_read(ctx, &kind, r, depth, out, NULL, err);
}

/* The role whose news takes longest is any of them; the first stands for all. */
static const char *first_role(const struct json *props)
{
	return json_str(json_first(json_get(props, "IamRoles")));
}

static int namespace_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = fields_to_api(namespace_fields, r->props);
	int ret = redshift_create(ctx, &kind, r, in, first_role(r->props), err);

	json_free(in);
	return ret;
}

/* --- update: what belongs together in a call, and calls one after the other --- */

static const char *const admin_group[] = {
	"AdminUsername", "AdminUserPassword", "ManageAdminPassword", "AdminPasswordSecretKmsKeyId"};
static const char *const role_group[] = {"IamRoles", "DefaultIamRoleArn"};
static const char *const log_group[] = {"LogExports"};
static const char *const key_group[] = {"KmsKeyId"};
static const struct {
	const char *const *names;
	size_t nr;
} groups[] = {
	{admin_group, ARRAY_SIZE(admin_group)},
	{role_group, ARRAY_SIZE(role_group)},
	{log_group, ARRAY_SIZE(log_group)},
	{key_group, ARRAY_SIZE(key_group)},
};

/* The property as wanted, or what it is when nobody says; the caller's. NULL: nothing to say. */
static struct json *wanted(const struct resource *r, const char *name)
{
	const struct json *v = json_get(r->props, name);
	struct err ignored = ERR_INIT;
	struct json *out = v ? json_copy(v) : NULL;

	for (const struct field_default *d = namespace_defaults; !out && d->name; d++)
		if (!strcmp(d->name, name))
			out = json_parse(d->value, strlen(d->value), &ignored);
	err_release(&ignored);
	return out;
}

static bool is_secret_managed(const struct resource_state *live)
{
	return json_get_str(live->attrs, "Namespace.AdminPasswordSecretArn") != NULL;
}

/* A password cannot be compared: it is sent with every update. Whether it is managed, the secret's ARN tells. */
static bool group_changed(const struct resource *r, const struct resource_state *live,
	const struct json *diff, size_t group)
{
	bool changed = false;

	for (size_t i = 0; i < groups[group].nr; i++)
		changed |= fields_changed(diff, groups[group].names[i]);
	if (groups[group].names != admin_group)
		return changed;
	return changed || json_get(r->props, "AdminUserPassword") ||
	       (json_get(r->props, "ManageAdminPassword") &&
		       json_get_truth(r->props, "ManageAdminPassword", false) !=
			       is_secret_managed(live));
}

static int update_group(
	const struct type_ctx *ctx, const struct resource *r, size_t group, struct err *err)
{
	struct json *some = json_object(), *in;
	const char *role = NULL;
	int ret;

	for (size_t i = 0; i < groups[group].nr; i++)
		json_set(some, groups[group].names[i], wanted(r, groups[group].names[i]));
	/* a user's name goes with its password only */
	if (groups[group].names == admin_group && !json_get(r->props, "AdminUserPassword") &&
		!json_get(r->props, "AdminUsername"))
		json_remove(some, "AdminUsername");
	if (groups[group].names == role_group)
		role = first_role(r->props);
	in = fields_to_api(namespace_fields, some);
	json_set_str(in, "namespaceName", r->name);
	ret = redshift_call(ctx, r, &redshift_update_namespace, in, role, err);
	if (!ret)
		ret = redshift_settle(ctx, &kind, r, false, err);
	json_free(some);
	json_free(in);
	return ret;
}

static int namespace_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *diff =
		fields_changes(namespace_fields, r->props, live->props, namespace_defaults);
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(groups); i++)
		if (group_changed(r, live, diff, i))
			ret = update_group(ctx, r, i, err);
	if (!ret)
		ret = redshift_bring_tags(ctx, &kind, r, live, err);
	json_free(diff);
	return ret;
}

static int namespace_tag(const struct type_ctx *ctx, const struct resource *r,
	const struct json *tags, struct err *err)
{
	return redshift_tag(ctx, &kind, r, tags, err);
}

/* --- end --- */

static int namespace_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	const struct json *from = r->props ? r->props : r->record_props;
	const char *snapshot = json_get_str(from, "FinalSnapshotName");
	const struct json *days = json_get(from, "FinalSnapshotRetentionPeriod");
	struct json *more = json_object();
	int ret;

	json_set_str(more, "finalSnapshotName", snapshot);
	if (snapshot && days)
		json_set_i64(more, "finalSnapshotRetentionPeriod", json_i64(days, -1));
	ret = redshift_destroy(ctx, &kind, r, more, err);
	json_free(more);
	return ret;
}

static int namespace_settle(
	const struct type_ctx *ctx, const struct resource *r, bool gone, struct err *err)
{
	return redshift_settle(ctx, &kind, r, gone, err);
}

static int count_tables(const struct type_ctx *ctx, const char *workgroup, const char *database,
	int64_t *nr, struct err *err)
{
	struct json *in = json_strings("WorkgroupName", workgroup, "Database", database, NULL),
		    *tables = NULL, *t;
	int ret = aws_call_all(ctx->aws, &redshift_data_list_tables, in, &tables, err);

	*nr = 0;
	json_each(t, tables)
	{
		const char *schema = json_get_str(t, "schema"), *type = json_get_str(t, "type");
		if (schema && !starts_with(schema, "pg_") &&
			strcmp(schema, "information_schema") != 0 &&
			!(type && starts_with(type, "SYSTEM")))
			++*nr;
	}
	json_free(in);
	json_free(tables);
	return ret;
}

/* Its tables, seen through its workgroup. What cannot be looked at counts as data. */
static int namespace_content(const struct type_ctx *ctx, const struct resource *r, bool *has,
	char **what, struct err *err)
{
	struct json *live = NULL;
	struct resource_state state = RESOURCE_STATE_INIT;
	struct err why = ERR_INIT;
	char *workgroup = NULL;
	int64_t nr = 0;
	int ret = redshift_read(ctx, &kind, r, READ_TAGS, &state, &live, err);

	*has = false;
	if (ret || !state.exists || state.going)
		goto out;
	if (redshift_workgroup_of(ctx, r->name, &workgroup, &why) || !workgroup) {
		*has = true;
		*what = xstrdup("a warehouse without a workgroup to look at its tables through");
	} else if (count_tables(ctx, workgroup, json_get_str(live, "dbName"), &nr, &why)) {
		*has = true;
		*what = xasprintf("tables that could not be looked at: %s",
			why.text ? why.text : "no answer");
	} else if (nr) {
		*has = true;
		*what = xasprintf("%lld tables", (long long)nr);
	}
out:
	err_release(&why);
	json_free(live);
	resource_state_release(&state);
	free(workgroup);
	return ret;
}

/* Its tables go with it. */
static int namespace_empty(unused_arg const struct type_ctx *ctx,
	unused_arg const struct resource *r, unused_arg struct err *err)
{
	return 0;
}

const struct resource_type redshift_namespace_type = {
	.schema =
		{
			.name = "AWS::RedshiftServerless::Namespace",
			.fields = namespace_fields,
			.name_field = "NamespaceName",
			.name_case = NAME_LOWER_DASH,
			.name_max = 64,
			.attributes = namespace_attributes,
			.name_pattern_hint = "3 to 64 lower-case letters of ASCII, digits and '-'",
			.name_ok = redshift_name_ok,
			.check = namespace_check,
		},
	.flags = T_WHOLE | T_DATA,
	.record_fields = kept,
	.defaults = namespace_defaults,
	.read = namespace_read,
	.create = namespace_create,
	.update = namespace_update,
	.tag = namespace_tag,
	.destroy = namespace_destroy,
	.settle = namespace_settle,
	.content = namespace_content,
	.empty = namespace_empty,
};
