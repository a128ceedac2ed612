/* Customer managed policies: versions (5 at most, the oldest goes), attachments, tags. */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "iam.h"
#include "ops.h"
#include "strbuf.h"
#include "tags.h"

static const struct field managed_fields[] = {
	{.name = "Description", .kind = FIELD_STRING, .flags = F_REPLACES, .max = 1000},
	{.name = "Groups",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED | F_UNSUPPORTED},
	{.name = "ManagedPolicyName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 128},
	{.name = "Path",
		.kind = FIELD_STRING,
		.flags = F_REPLACES,
		.min = 1,
		.max = 512,
		.pattern = "(/[A-Za-z0-9.,+@=_-]+)*/"},
	{.name = "PolicyDocument", .kind = FIELD_JSON, .flags = F_REQUIRED | F_JSON_TEXT},
	{.name = "Roles",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED | F_LOCAL,
		.names = "AWS::IAM::Role"},
	{.name = "Users",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED | F_UNSUPPORTED},
	{0},
};

static const struct field_default managed_defaults[] = {
	{"Description", "\"\""},
	{"Path", "\"/\""},
	{0},
};

static const struct attribute managed_attributes[] = {{.name = "PolicyArn"}, {.name = "PolicyId"},
	{.name = "DefaultVersionId"}, {.name = "CreateDate"}, {.name = "UpdateDate"},
	{.name = "AttachmentCount"}, {.name = "IsAttachable"},
	{.name = "PermissionsBoundaryUsageCount"}, {0}};

static const char *path_of(const struct resource *r)
{
	const char *path = json_get_str(r->props, "Path");
	if (!path)
		path = json_get_str(r->record_props, "Path");
	return path ? path : "/";
}

/* Where it stood when it was last put in place, if that is elsewhere: a new path makes a new policy under the same name. */
static char *former_arn(const struct type_ctx *ctx, const struct resource *r)
{
	const char *path = json_get_str(r->record_props, "Path");
	if (!r->record_props || !strcmp(path ? path : "/", path_of(r)))
		return NULL;
	return xasprintf("arn:%s:iam::%s:policy%s%s", ctx->partition, ctx->account,
		path ? path : "/", r->name);
}

static char *arn_of(const struct type_ctx *ctx, const struct resource *r)
{
	return xasprintf(
		"arn:%s:iam::%s:policy%s%s", ctx->partition, ctx->account, path_of(r), r->name);
}

static int roles_of(
	const struct type_ctx *ctx, const char *arn, struct json **names, struct err *err)
{
	struct json *in = json_strings("PolicyArn", arn, "EntityFilter", "Role", NULL), *out = NULL;
	struct json *e;
	*names = json_array();
	int ret = aws_call(ctx->aws, &iam_list_entities_for_policy, in, &out, err);
	json_each(e, json_get(out, "PolicyRoles"))
		json_push_str(*names, json_get_str(e, "RoleName"));
	json_free(in);
	json_free(out);
	return ret;
}

static int read_document(const struct type_ctx *ctx, const char *arn, const char *version,
	struct json *props, struct err *err)
{
	struct json *in = json_strings("PolicyArn", arn, "VersionId", version, NULL), *out = NULL;
	int ret = aws_call(ctx->aws, &iam_get_policy_version, in, &out, err);
	if (!ret)
		json_set(props, "PolicyDocument",
			json_document(json_path(out, "PolicyVersion.Document")));
	json_free(in);
	json_free(out);
	return ret;
}

static int read_full(const struct type_ctx *ctx, const struct resource *r, const char *arn,
	const struct json *policy, struct resource_state *out, struct err *err)
{
	struct json *roles = NULL;
	out->props = fields_from_api(managed_fields, policy, NULL);
	json_set_str(out->props, "ManagedPolicyName", r->name);
	if (read_document(ctx, arn, json_get_str(policy, "DefaultVersionId"), out->props, err) ||
		roles_of(ctx, arn, &roles, err)) {
		json_free(roles);
		return -1;
	}
	json_set(out->props, "Roles", roles);
	return 0;
}

static void read_attributes(const char *arn, const struct json *policy, struct json *attrs)
{
	json_set_str(attrs, "PolicyArn", arn);
	for (const struct attribute *a = managed_attributes + 1; a->name; a++)
		json_set_str(attrs, a->name, json_scalar_text(json_get(policy, a->name)));
}

static int managed_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	char *arn = arn_of(ctx, r), *former = former_arn(ctx, r);
	struct json *in = json_strings("PolicyArn", arn, NULL), *reply = NULL;
	int ret = call_if_there(ctx, &iam_get_policy, in, &reply, err);
	if (!ret && !reply && former) {
		free(arn);
		arn = former;
		former = NULL;
		json_set_str(in, "PolicyArn", arn);
		ret = call_if_there(ctx, &iam_get_policy, in, &reply, err);
	}
	const struct json *policy = json_get(reply, "Policy");
	if (reply) {
		out->exists = true;
		out->tags = tags_from_list(json_get(policy, "Tags"));
		out->attrs = json_object();
		read_attributes(arn, policy, out->attrs);
		if (depth == READ_FULL)
			ret = read_full(ctx, r, arn, policy, out, err);
	}
	json_free(in);
	json_free(reply);
	free(arn);
	free(former);
	return ret;
}

static int attach(const struct type_ctx *ctx, const char *arn, const struct json *wanted,
	const struct json *live, struct err *err)
{
	const struct json *role;
	json_each(role, wanted)
	{
		if (!json_str(role) || json_has_str(live, json_str(role)))
			continue;
		if (iam_call(ctx, &iam_attach_role_policy, false, err, "RoleName", json_str(role),
			    "PolicyArn", arn, NULL))
			return -1;
	}
	return 0;
}

static int managed_tag(const struct type_ctx *ctx, const struct resource *r,
	const struct json *tags, struct err *err)
{
	char *arn = arn_of(ctx, r);
	int ret = iam_set_tags(ctx, &iam_tag_policy, "PolicyArn", arn, tags, err);
	free(arn);
	return ret;
}

static int tag_digest(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *tags = json_strings(TAG_DIGEST, json_get_str(r->owner_tags, TAG_DIGEST), NULL);
	int ret = managed_tag(ctx, r, tags, err);
	json_free(tags);
	return ret;
}

static int managed_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	bool more = json_len(json_get(r->props, "Roles"));
	char *arn = arn_of(ctx, r);
	struct json *in = fields_to_api(managed_fields, r->props), *tags = tags_wanted(r, !more);
	struct resource_state live = RESOURCE_STATE_INIT;
	struct err why = ERR_INIT;
	json_set_str(in, "PolicyName", r->name);
	json_set(in, "Tags", tags_to_list(tags));
	int ret = iam_send(ctx, &iam_create_policy, in, false, &why);
	if (ret && err_is_there(&why)) {
		why.code = ERR_EXISTS;
		ret = managed_read(ctx, r, READ_FULL, &live, err);
		if (!ret && !tags_own(live.tags, r)) {
			err_move(err, &why);
			ret = -1;
		}
		if (!ret)
			ret = r->type->update(ctx, r, &live, err);
		if (!ret)
			ret = tag_digest(ctx, r, err);
	} else if (ret) {
		err_move(err, &why);
	} else if (more) {
		ret = attach(ctx, arn, json_get(r->props, "Roles"), NULL, err);
		if (!ret)
			ret = tag_digest(ctx, r, err);
	}
	resource_state_release(&live);
	err_release(&why);
	json_free(in);
	json_free(tags);
	free(arn);
	return ret;
}

/* --- versions --- */

/* Deletes non-default versions: all, or the oldest while there are five. The list is newest first. */
static int prune_versions(const struct type_ctx *ctx, const char *arn, bool all, struct err *err)
{
	struct json *versions = NULL;
	int ret = iam_list(ctx, &iam_list_policy_versions, "PolicyArn", arn, &versions, err);
	size_t nr = json_len(versions);
	for (size_t i = nr; !ret && i-- > 0 && (all || nr >= 5);) {
		const struct json *v = json_at(versions, i);
		if (json_get_truth(v, "IsDefaultVersion", false))
			continue;
		ret = iam_call(ctx, &iam_delete_policy_version, true, err, "PolicyArn", arn,
			"VersionId", json_get_str(v, "VersionId"), NULL);
		if (!all)
			break;
	}
	json_free(versions);
	return ret;
}

static int new_version(
	const struct type_ctx *ctx, const char *arn, const struct json *document, struct err *err)
{
	char *text = policy_text(document);
	struct json *in = json_strings("PolicyArn", arn, "PolicyDocument", text, NULL);
	json_set_bool(in, "SetAsDefault", true);
	int ret = prune_versions(ctx, arn, false, err);
	if (!ret)
		ret = iam_send(ctx, &iam_create_policy_version, in, false, err);
	json_free(in);
	free(text);
	return ret;
}

/* Roles that the record knows as ours and the template no longer has; what others attached stays. */
static int detach_stale(
	const struct type_ctx *ctx, const struct resource *r, const char *arn, struct err *err)
{
	const struct json *role;
	json_each(role, json_get(r->record_props, "Roles"))
	{
		if (json_has_str(json_get(r->props, "Roles"), json_str(role)))
			continue;
		if (iam_call(ctx, &iam_detach_role_policy, true, err, "RoleName", json_str(role),
			    "PolicyArn", arn, NULL))
			return -1;
	}
	return 0;
}

static int managed_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	char *arn = arn_of(ctx, r);
	struct json *diff = fields_changes(managed_fields, r->props, live->props, NULL);
	struct json *wanted = tags_wanted(r, false), *set = NULL, *unset = NULL;
	int ret = 0;
	if (fields_changed(diff, "PolicyDocument"))
		ret = new_version(ctx, arn, json_get(r->props, "PolicyDocument"), err);
	if (!ret)
		ret = attach(
			ctx, arn, json_get(r->props, "Roles"), json_get(live->props, "Roles"), err);
	if (!ret)
		ret = detach_stale(ctx, r, arn, err);
	tags_diff(wanted, live->tags, &set, &unset);
	if (!ret)
		ret = iam_set_tags(ctx, &iam_tag_policy, "PolicyArn", arn, set, err);
	json_free(diff);
	json_free(wanted);
	json_free(set);
	json_free(unset);
	free(arn);
	return ret;
}

/* From every role, whoever attached it. */
static int detach_all(const struct type_ctx *ctx, const char *arn, struct err *err)
{
	struct json *in = json_strings("PolicyArn", arn, NULL), *out = NULL, *e;
	int ret = call_if_there(ctx, &iam_list_entities_for_policy, in, &out, err);
	json_each(e, json_get(out, "PolicyRoles"))
	{
		if (!ret)
			ret = iam_call(ctx, &iam_detach_role_policy, true, err, "RoleName",
				json_get_str(e, "RoleName"), "PolicyArn", arn, NULL);
	}
	json_free(in);
	json_free(out);
	return ret;
}

/* Detached, old versions gone, then the policy. */
static int destroy_at(
	const struct type_ctx *ctx, const struct resource *r, const char *arn, struct err *err)
{
	struct err why = ERR_INIT;
	struct wait w;
	int ret;
	wait_begin(&w, ctx, 60 * 1000);
	for (;;) {
		ret = detach_all(ctx, arn, &why);
		if (!ret)
			ret = prune_versions(ctx, arn, true, &why);
		if (!ret)
			ret = iam_call(ctx, &iam_delete_policy, true, &why, "PolicyArn", arn, NULL);
		if (!ret || !err_is_aws(&why, "DeleteConflict"))
			break;
		struct err late = ERR_INIT;
		int stop = wait_pause(&w, &late, "policy '%s' to be free", r->name);
		err_release(&late);
		if (stop)
			break;
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

static int managed_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	char *arn = arn_of(ctx, r), *former = former_arn(ctx, r);
	int ret = former ? destroy_at(ctx, r, former, err) : 0;
	if (!ret)
		ret = destroy_at(ctx, r, arn, err);
	free(arn);
	free(former);
	return ret;
}

static const char *const managed_record[] = {"Path", "Roles", NULL};

const struct resource_type managed_policy_type = {
	.schema =
		{
			.name = "AWS::IAM::ManagedPolicy",
			.fields = managed_fields,
			.name_field = "ManagedPolicyName",
			.name_case = NAME_LOWER_DASH,
			.name_max = 128,
			.attributes = managed_attributes,
			.ref_format = "arn:{partition}:iam::{account}:policy{Path|/}{name}",
			.name_pattern_hint = "1 to 128 of letters, digits and _+=,.@-",
			.name_ok = iam_name_ok,
		},
	.flags = T_WHOLE,
	.record_fields = managed_record,
	.defaults = managed_defaults,
	.read = managed_read,
	.create = managed_create,
	.update = managed_update,
	.tag = managed_tag,
	.destroy = managed_destroy,
};
