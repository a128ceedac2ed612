/*
 * AWS::IAM::Policy: one document put inline into roles, users and groups. It has no tags and no name of its own in
 * IAM: it is there when any of its principals has an inline policy of that name.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "iam.h"
#include "ops.h"

static const struct field policy_fields[] = {
	{.name = "Groups", .kind = FIELD_LIST, .item = FIELD_STRING, .flags = F_UNORDERED},
	{.name = "PolicyDocument", .kind = FIELD_JSON, .flags = F_REQUIRED | F_JSON_TEXT},
	{.name = "PolicyName",
		.kind = FIELD_STRING,
		.flags = F_REQUIRED | F_REPLACES,
		.min = 1,
		.max = 128},
	{.name = "Roles",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED,
		.names = "AWS::IAM::Role"},
	{.name = "Users", .kind = FIELD_LIST, .item = FIELD_STRING, .flags = F_UNORDERED},
	{0},
};

static const struct attribute policy_attributes[] = {
	{.name = "Id", .format = "{name}"},
	{0},
};

/* The three kinds of principals; rows in the order of iam_get_… */
static const struct principal {
	const char *property, *key;
	const struct aws_op *get, *put, *remove;
} principals[] = {
	{"Roles", "RoleName", &iam_get_role_policy, &iam_put_role_policy, &iam_delete_role_policy},
	{"Users", "UserName", &iam_get_user_policy, &iam_put_user_policy, &iam_delete_user_policy},
	{"Groups", "GroupName", &iam_get_group_policy, &iam_put_group_policy,
		&iam_delete_group_policy},
};

static void policy_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const struct json *document = json_get(props, "PolicyDocument");
	if (is_missing(props, "Roles") && is_missing(props, "Users") && is_missing(props, "Groups"))
		lint_error(place, errors, "PolicyName",
			"a policy needs at least one of Roles, Users and Groups");
	if (!document || json_is_unknown(document))
		return;
	struct json *d = json_document(document);
	if (!json_is(d, JSON_OBJECT) || is_missing(d, "Statement"))
		lint_error(place, errors, "PolicyDocument",
			"a policy document is a JSON object with Statement");
	json_free(d);
}

/* Members of this kind that are wanted, or that the record remembers; the caller's. */
static struct json *members(const struct resource *r, const struct principal *p)
{
	struct json *all = json_array();
	const struct json *sides[] = {
		json_get(r->props, p->property), json_get(r->record_props, p->property)};
	const struct json *e;
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
		json_each(e, sides[i])
		{
			if (json_str(e) && !json_has_str(all, json_str(e)))
				json_push_str(all, json_str(e));
		}
	}
	return all;
}

/* One principal: *document NULL when it has no such policy. */
static int get_one(const struct type_ctx *ctx, const struct resource *r, const struct principal *p,
	const char *member, struct json **document, struct err *err)
{
	struct json *in = json_strings(p->key, member, "PolicyName", r->name, NULL), *out = NULL;
	int ret = call_if_there(ctx, p->get, in, &out, err);
	*document = out ? json_document(json_get(out, "PolicyDocument")) : NULL;
	json_free(in);
	json_free(out);
	return ret;
}

/* READ_TAGS stops at the first that has it. The document shown is one that differs from the wanted, if any does. */
static int policy_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	const struct json *wanted = json_get(r->props, "PolicyDocument"), *m;
	struct json *document = NULL;
	int ret = 0;
	if (depth == READ_FULL)
		out->props = json_strings("PolicyName", r->name, NULL);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(principals); i++) {
		struct json *all = members(r, &principals[i]), *have = json_array();
		json_each(m, all)
		{
			struct json *d = NULL;
			if (ret || (depth == READ_TAGS && out->exists))
				continue;
			ret = get_one(ctx, r, &principals[i], json_str(m), &d, err);
			if (!d)
				continue;
			out->exists = true;
			json_push_str(have, json_str(m));
			if (!document || !fields_equal(&policy_fields[1], wanted, d)) {
				json_free(document);
				document = d;
			} else {
				json_free(d);
			}
		}
		if (out->props && json_len(all))
			json_set(out->props, principals[i].property, have);
		else
			json_free(have);
		json_free(all);
	}
	if (out->props && document)
		json_set(out->props, "PolicyDocument", document);
	else
		json_free(document);
	return ret;
}

static int put_all(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	char *text = policy_text(json_get(r->props, "PolicyDocument"));
	const struct json *m;
	int ret = 0;
	for (size_t i = 0; i < ARRAY_SIZE(principals); i++) {
		json_each(m, json_get(r->props, principals[i].property))
		{
			if (!ret && json_str(m))
				ret = iam_call(ctx, principals[i].put, false, err,
					principals[i].key, json_str(m), "PolicyName", r->name,
					"PolicyDocument", text, NULL);
		}
	}
	free(text);
	return ret;
}

/* From every principal that has or had it; `keep` NULL: from all. */
static int drop_from(const struct type_ctx *ctx, const struct resource *r, const struct json *keep,
	struct err *err)
{
	const struct json *m;
	int ret = 0;
	for (size_t i = 0; i < ARRAY_SIZE(principals); i++) {
		struct json *all = members(r, &principals[i]);
		json_each(m, all)
		{
			if (ret ||
				json_has_str(json_get(keep, principals[i].property), json_str(m)))
				continue;
			ret = iam_call(ctx, principals[i].remove, true, err, principals[i].key,
				json_str(m), "PolicyName", r->name, NULL);
		}
		json_free(all);
	}
	return ret;
}

static int policy_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	return put_all(ctx, r, err);
}

static int policy_update(const struct type_ctx *ctx, const struct resource *r,
	unused_arg const struct resource_state *live, struct err *err)
{
	return put_all(ctx, r, err) ? -1 : drop_from(ctx, r, r->props, err);
}

static int policy_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	return drop_from(ctx, r, NULL, err);
}

/* One write at a time to a role; with several roles, the first stands for all. */
static char *policy_serial(const struct resource *r)
{
	const char *role = json_str(json_at(json_get(r->props, "Roles"), 0));
	if (!role)
		role = json_str(json_at(json_get(r->record_props, "Roles"), 0));
	return role ? xasprintf("role/%s", role) : NULL;
}

static const char *const policy_record[] = {"Roles", "Users", "Groups", NULL};

const struct resource_type policy_type = {
	.schema =
		{
			.name = "AWS::IAM::Policy",
			.fields = policy_fields,
			.name_field = "PolicyName",
			.name_case = NAME_LOWER_DASH,
			.name_max = 128,
			.attributes = policy_attributes,
			.name_pattern_hint = "1 to 128 of letters, digits and _+=,.@-",
			.name_ok = iam_name_ok,
			.check = policy_check,
		},
	.flags = T_NO_TAGS,
	.record_fields = policy_record,
	.read = policy_read,
	.create = policy_create,
	.update = policy_update,
	.destroy = policy_destroy,
	.serial = policy_serial,
};
