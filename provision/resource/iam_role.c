/*
 * IAM roles. A role has parts: inline policies and attached managed policies. Others put parts on it too (an
 * AWS::IAM::Policy of the same stack, a person), so the role's tag "glueproj:parts" keeps a short hash of each part
 * that its own template entry put there; an update takes away only those. The tag is written before parts change
 * (old and new together) and after (new alone), so a crash leaves nothing that is not listed.
 */
#include "types_internal.h"

#include "calls.h"
#include "client.h"
#include "digest.h"
#include "iam.h"
#include "ops.h"
#include "strbuf.h"
#include "strvec.h"
#include "tags.h"

#define TAG_PARTS "glueproj:parts"
#define PARTS_A_TAG 28 /* 8 digits and a colon each, 256 in a tag's value */

static const struct field inline_fields[] = {
	{.name = "PolicyDocument", .kind = FIELD_JSON, .flags = F_REQUIRED | F_JSON_TEXT},
	{.name = "PolicyName", .kind = FIELD_STRING, .flags = F_REQUIRED, .min = 1, .max = 128},
	{0},
};

static const struct field role_fields[] = {
	{.name = "AssumeRolePolicyDocument", .kind = FIELD_JSON, .flags = F_REQUIRED | F_JSON_TEXT},
	{.name = "Description",
		.kind = FIELD_STRING,
		.max = 1000,
		.pattern = "[\\t\\n\\r -~\\u00a1-\\u00ff]*"},
	{.name = "ManagedPolicyArns",
		.kind = FIELD_LIST,
		.item = FIELD_STRING,
		.flags = F_UNORDERED | F_LOCAL,
		.names = "AWS::IAM::ManagedPolicy"},
	{.name = "MaxSessionDuration", .kind = FIELD_INTEGER, .min = 3600, .max = 43200},
	{.name = "Path", .kind = FIELD_STRING, .flags = F_REPLACES, .min = 1, .max = 512},
	{.name = "PermissionsBoundary",
		.wire = "PermissionsBoundary",
		.kind = FIELD_STRING,
		.min = 20,
		.max = 2048},
	{.name = "Policies",
		.kind = FIELD_LIST,
		.item = FIELD_OBJECT,
		.flags = F_UNORDERED | F_LOCAL,
		.fields = inline_fields},
	{.name = "RoleName",
		.kind = FIELD_STRING,
		.flags = F_REPLACES | F_LOCAL,
		.min = 1,
		.max = 64},
	{.name = "Tags", .kind = FIELD_TAGS, .flags = F_UNORDERED},
	{0},
};

static const struct attribute role_attributes[] = {{.name = "Arn"}, {.name = "RoleId"}, {0}};

static const struct field_default role_defaults[] = {
	{"Description", "\"\""},
	{"ManagedPolicyArns", "[]"},
	{"MaxSessionDuration", "3600"},
	{"Path", "\"/\""},
	{"PermissionsBoundary", "\"\""},
	{"Policies", "[]"},
	{0},
};

/* --- checks --- */

static void check_document(const struct json *document, const char *path,
	const struct lint_place *place, struct err_list *errors)
{
	struct json *d;
	if (!document || json_is_unknown(document))
		return;
	d = json_document(document);
	if (!json_is(d, JSON_OBJECT))
		lint_error(place, errors, path, "a policy document is a JSON object");
	else if (is_missing(d, "Statement"))
		lint_error(place, errors, path, "a policy document needs Statement");
	json_free(d);
}

static void role_check(
	const struct json *props, const struct lint_place *place, struct err_list *errors)
{
	const char *path = known_str(props, "Path");
	const struct json *p, *q;
	size_t i = 0;
	if (path && (path[0] != '/' || !ends_with(path, "/")))
		lint_error(place, errors, "Path", "Path '%s' must begin and end with '/'", path);
	check_document(json_get(props, "AssumeRolePolicyDocument"), "AssumeRolePolicyDocument",
		place, errors);
	json_each(p, json_get(props, "Policies"))
	{
		const char *name = known_str(p, "PolicyName");
		char *at = xasprintf("Policies.%zu", i++);
		check_document(json_get(p, "PolicyDocument"), at, place, errors);
		if (name && !iam_name_ok(name))
			lint_error(place, errors, at,
				"PolicyName '%s' may have letters, digits and _+=,.@- only", name);
		for (q = json_next(p); q && name; q = json_next(q)) {
			const char *other = known_str(q, "PolicyName");
			if (other && strcmp(name, other) == 0)
				lint_error(place, errors, at, "two inline policies are named '%s'",
					name);
		}
		free(at);
	}
}

static bool role_name_ok(const char *name)
{
	return strlen(name) <= 64 && iam_name_ok(name);
}

/* --- parts --- */

static char *part_hash(const char *kind, const char *id)
{
	struct strbuf hex = STRBUF_INIT;
	char *key = xasprintf("%s:%s", kind, id);
	digest_sha256_hex(key, strlen(key), &hex);
	strbuf_setlen(&hex, 8);
	free(key);
	return strbuf_detach(&hex, NULL);
}

static void add_part(struct strvec *parts, const char *kind, const char *id)
{
	char *hash = id ? part_hash(kind, id) : NULL;
	if (hash && !strvec_has(parts, hash))
		strvec_push(parts, hash);
	free(hash);
}

static void wanted_parts(const struct resource *r, struct strvec *parts)
{
	const struct json *v;
	json_each(v, json_get(r->props, "Policies"))
		add_part(parts, "inline", json_get_str(v, "PolicyName"));
	json_each(v, json_get(r->props, "ManagedPolicyArns"))
		add_part(parts, "managed", json_str(v));
	strvec_sort(parts);
}

static void live_parts(const struct json *tags, struct strvec *parts)
{
	const struct json *v;
	json_each(v, tags)
	{
		if (starts_with(json_name(v), TAG_PARTS) && json_str(v))
			strvec_split(parts, json_str(v), ':');
	}
}

static bool has_part(const struct strvec *parts, const char *kind, const char *id)
{
	char *hash = part_hash(kind, id);
	bool has = strvec_has(parts, hash);
	free(hash);
	return has;
}

/* "glueproj:parts", "glueproj:parts-2", … onto a map of tags. */
static void put_parts(struct json *tags, const struct strvec *parts)
{
	struct strbuf value = STRBUF_INIT;
	for (size_t i = 0; i < parts->nr; i++) {
		if (value.len)
			strbuf_addch(&value, ':');
		strbuf_addstr(&value, parts->v[i]);
		if (i + 1 < parts->nr && (i + 1) % PARTS_A_TAG)
			continue;
		char *key = i < PARTS_A_TAG ? xstrdup(TAG_PARTS)
					    : xasprintf("%s-%zu", TAG_PARTS, i / PARTS_A_TAG + 1);
		json_set_str(tags, key, value.buf);
		free(key);
		strbuf_clear(&value);
	}
	strbuf_release(&value);
}

/* Sets the tags so that they list exactly these parts. */
static int write_parts(const struct type_ctx *ctx, const struct resource *r,
	const struct json *live, const struct strvec *parts, struct err *err)
{
	struct json *tags = json_object(), *stale = json_array(), *set = NULL, *unset = NULL;
	const struct json *v;
	put_parts(tags, parts);
	tags_diff(tags, live, &set, &unset);
	json_each(v, live)
	{
		if (starts_with(json_name(v), TAG_PARTS) && !json_get(tags, json_name(v)))
			json_push_str(stale, json_name(v));
	}
	int ret = iam_set_tags(ctx, &iam_tag_role, "RoleName", r->name, set, err);
	if (!ret)
		ret = iam_unset_tags(ctx, &iam_untag_role, "RoleName", r->name, stale, err);
	json_free(tags);
	json_free(stale);
	json_free(set);
	json_free(unset);
	return ret;
}

static bool put_inline(const struct type_ctx *ctx, const struct resource *r,
	const struct json *policy, struct err *err)
{
	char *text = policy_text(json_get(policy, "PolicyDocument"));
	int ret = iam_call(ctx, &iam_put_role_policy, false, err, "RoleName", r->name, "PolicyName",
		json_get_str(policy, "PolicyName"), "PolicyDocument", text, NULL);
	free(text);
	return ret == 0;
}

static const struct json *inline_named(const struct json *policies, const char *name)
{
	const struct json *p;
	json_each(p, policies)
	{
		const char *other = json_get_str(p, "PolicyName");
		if (other && name && strcmp(other, name) == 0)
			return p;
	}
	return NULL;
}

/* Puts what is wanted and not yet so; `live` NULL: nothing is known to be there. */
static int put_parts_on(const struct type_ctx *ctx, const struct resource *r,
	const struct json *live, struct err *err)
{
	const struct json *p, *arn;
	json_each(p, json_get(r->props, "Policies"))
	{
		const struct json *is =
			inline_named(json_get(live, "Policies"), json_get_str(p, "PolicyName"));
		if (is && fields_equal(&inline_fields[0], json_get(p, "PolicyDocument"),
				  json_get(is, "PolicyDocument")))
			continue;
		if (!put_inline(ctx, r, p, err))
			return -1;
	}
	json_each(arn, json_get(r->props, "ManagedPolicyArns"))
	{
		if (!json_str(arn) ||
			json_has_str(json_get(live, "ManagedPolicyArns"), json_str(arn)))
			continue;
		if (iam_call(ctx, &iam_attach_role_policy, false, err, "RoleName", r->name,
			    "PolicyArn", json_str(arn), NULL))
			return -1;
	}
	return 0;
}

/* live.props lists only parts that are ours or wanted: what is not wanted of it goes. */
static int drop_parts(const struct type_ctx *ctx, const struct resource *r, const struct json *live,
	struct err *err)
{
	const struct json *p;
	json_each(p, json_get(live, "Policies"))
	{
		const char *name = json_get_str(p, "PolicyName");
		if (inline_named(json_get(r->props, "Policies"), name))
			continue;
		if (iam_call(ctx, &iam_delete_role_policy, true, err, "RoleName", r->name,
			    "PolicyName", name, NULL))
			return -1;
	}
	json_each(p, json_get(live, "ManagedPolicyArns"))
	{
		if (json_has_str(json_get(r->props, "ManagedPolicyArns"), json_str(p)))
			continue;
		if (iam_call(ctx, &iam_detach_role_policy, true, err, "RoleName", r->name,
			    "PolicyArn", json_str(p), NULL))
			return -1;
	}
	return 0;
}

/* --- read --- */

static int read_inline(const struct type_ctx *ctx, const struct resource *r,
	const struct strvec *parts, struct json *props, struct err *err)
{
	struct json *names = NULL, *list = json_array(), *n;
	int ret = iam_list(ctx, &iam_list_role_policies, "RoleName", r->name, &names, err);
	json_each(n, names)
	{
		struct json *in, *out = NULL, *policy;
		const char *name = json_str(n);
		if (ret || !name ||
			(!has_part(parts, "inline", name) &&
				!inline_named(json_get(r->props, "Policies"), name)))
			continue;
		in = json_strings("RoleName", r->name, "PolicyName", name, NULL);
		ret = aws_call(ctx->aws, &iam_get_role_policy, in, &out, err);
		if (!ret) {
			policy = json_strings("PolicyName", name, NULL);
			json_set(policy, "PolicyDocument",
				json_document(json_get(out, "PolicyDocument")));
			json_push(list, policy);
		}
		json_free(in);
		json_free(out);
	}
	json_free(names);
	json_set(props, "Policies", list);
	return ret;
}

static int read_managed(const struct type_ctx *ctx, const struct resource *r,
	const struct strvec *parts, struct json *props, struct err *err)
{
	struct json *attached = NULL, *list = json_array(), *a;
	int ret = iam_list(
		ctx, &iam_list_attached_role_policies, "RoleName", r->name, &attached, err);
	json_each(a, attached)
	{
		const char *arn = json_get_str(a, "PolicyArn");
		if (arn && (has_part(parts, "managed", arn) ||
				   json_has_str(json_get(r->props, "ManagedPolicyArns"), arn)))
			json_push_str(list, arn);
	}
	json_free(attached);
	json_set(props, "ManagedPolicyArns", list);
	return ret;
}

static int read_full(const struct type_ctx *ctx, const struct resource *r, const struct json *role,
	struct resource_state *out, struct err *err)
{
	struct strvec parts = STRVEC_INIT;
	const char *boundary =
		json_str(json_path(role, "PermissionsBoundary.PermissionsBoundaryArn"));
	int ret;
	live_parts(out->tags, &parts);
	out->props = fields_from_api(role_fields, role, NULL);
	json_remove(out->props, "PermissionsBoundary");
	json_set_str(out->props, "PermissionsBoundary", boundary);
	json_set_str(out->props, "RoleName", r->name);
	json_set(out->props, "Tags", tags_property(&r->type->schema, out->tags));
	ret = read_inline(ctx, r, &parts, out->props, err);
	if (!ret)
		ret = read_managed(ctx, r, &parts, out->props, err);
	strvec_release(&parts);
	return ret;
}

static int role_read(const struct type_ctx *ctx, const struct resource *r, enum read_depth depth,
	struct resource_state *out, struct err *err)
{
	struct json *in = json_strings("RoleName", r->name, NULL), *reply = NULL;
	int ret = call_if_there(ctx, &iam_get_role, in, &reply, err);
	const struct json *role = json_get(reply, "Role");
	if (!reply)
		goto out;
	out->exists = true;
	out->tags = tags_from_list(json_get(role, "Tags"));
	out->attrs = json_strings(
		"Arn", json_get_str(role, "Arn"), "RoleId", json_get_str(role, "RoleId"), NULL);
	if (depth == READ_FULL)
		ret = read_full(ctx, r, role, out, err);
out:
	json_free(in);
	json_free(reply);
	return ret;
}

/* --- create --- */

static bool has_parts(const struct resource *r)
{
	return json_len(json_get(r->props, "Policies")) ||
	       json_len(json_get(r->props, "ManagedPolicyArns"));
}

static int role_tag(const struct type_ctx *ctx, const struct resource *r, const struct json *tags,
	struct err *err)
{
	return iam_set_tags(ctx, &iam_tag_role, "RoleName", r->name, tags, err);
}

static int tag_digest(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *tags = json_strings(TAG_DIGEST, json_get_str(r->owner_tags, TAG_DIGEST), NULL);
	int ret = role_tag(ctx, r, tags, err);
	json_free(tags);
	return ret;
}

static int complete_role(
	const struct type_ctx *ctx, const struct resource *r, struct err *there, struct err *err)
{
	struct resource_state live = RESOURCE_STATE_INIT;
	int ret = role_read(ctx, r, READ_FULL, &live, err);
	if (!ret && !tags_own(live.tags, r)) {
		there->code = ERR_EXISTS;
		err_move(err, there);
		ret = -1;
	}
	if (!ret)
		ret = r->type->update(ctx, r, &live, err);
	if (!ret)
		ret = tag_digest(ctx, r, err);
	resource_state_release(&live);
	return ret;
}

static int role_create(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct json *in = fields_to_api(role_fields, r->props);
	struct json *tags = tags_wanted(r, !has_parts(r));
	struct strvec parts = STRVEC_INIT;
	struct err why = ERR_INIT;
	int ret;
	wanted_parts(r, &parts);
	put_parts(tags, &parts);
	json_set_str(in, "RoleName", r->name);
	json_set(in, "Tags", tags_to_list(tags));
	ret = iam_send(ctx, &iam_create_role, in, false, &why);
	if (ret && err_is_there(&why)) {
		ret = complete_role(ctx, r, &why, err);
	} else if (ret) {
		err_move(err, &why);
	} else if (has_parts(r)) {
		ret = put_parts_on(ctx, r, NULL, err);
		if (!ret)
			ret = tag_digest(ctx, r, err);
	}
	err_release(&why);
	strvec_release(&parts);
	json_free(tags);
	json_free(in);
	return ret;
}

/* --- update --- */

static int update_role_itself(const struct type_ctx *ctx, const struct resource *r,
	const struct json *diff, struct err *err)
{
	if (!fields_changed(diff, "Description") && !fields_changed(diff, "MaxSessionDuration"))
		return 0;
	struct json *in = json_strings("RoleName", r->name, NULL);
	const char *description = json_get_str(r->props, "Description");
	/* UpdateRole leaves alone what is not sent */
	json_set_str(in, "Description", description ? description : "");
	json_set_i64(in, "MaxSessionDuration", json_get_i64(r->props, "MaxSessionDuration", 3600));
	int ret = iam_send(ctx, &iam_update_role, in, false, err);
	json_free(in);
	return ret;
}

static int update_trust(const struct type_ctx *ctx, const struct resource *r,
	const struct json *diff, struct err *err)
{
	if (!fields_changed(diff, "AssumeRolePolicyDocument"))
		return 0;
	char *text = policy_text(json_get(r->props, "AssumeRolePolicyDocument"));
	int ret = iam_call(ctx, &iam_update_assume_role_policy, false, err, "RoleName", r->name,
		"PolicyDocument", text, NULL);
	free(text);
	return ret;
}

static int update_boundary(const struct type_ctx *ctx, const struct resource *r,
	const struct json *diff, struct err *err)
{
	const char *arn = json_get_str(r->props, "PermissionsBoundary");
	if (!fields_changed(diff, "PermissionsBoundary"))
		return 0;
	if (!arn)
		return iam_call(ctx, &iam_delete_role_permissions_boundary, true, err, "RoleName",
			r->name, NULL);
	return iam_call(ctx, &iam_put_role_permissions_boundary, false, err, "RoleName", r->name,
		"PermissionsBoundary", arn, NULL);
}

static int update_parts(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, const struct json *diff, struct err *err)
{
	struct strvec now = STRVEC_INIT, both = STRVEC_INIT;
	struct json *between = NULL;
	int ret = 0;
	wanted_parts(r, &now);
	live_parts(live->tags, &both);
	for (size_t i = 0; i < now.nr; i++)
		if (!strvec_has(&both, now.v[i]))
			strvec_push(&both, now.v[i]);
	if (!fields_changed(diff, "Policies") && !fields_changed(diff, "ManagedPolicyArns") &&
		both.nr == now.nr)
		goto out;
	between = json_copy(live->tags);
	put_parts(between, &both);
	ret = write_parts(ctx, r, live->tags, &both, err);
	if (!ret)
		ret = put_parts_on(ctx, r, live->props, err);
	if (!ret)
		ret = drop_parts(ctx, r, live->props, err);
	if (!ret)
		ret = write_parts(ctx, r, between, &now, err);
out:
	strvec_release(&now);
	strvec_release(&both);
	json_free(between);
	return ret;
}

static int update_tags(const struct type_ctx *ctx, const struct resource *r,
	const struct json *live, struct err *err)
{
	struct json *wanted = tags_wanted(r, false), *set = NULL, *unset = NULL;
	tags_diff(wanted, live, &set, &unset);
	int ret = iam_unset_tags(ctx, &iam_untag_role, "RoleName", r->name, unset, err);
	if (!ret)
		ret = iam_set_tags(ctx, &iam_tag_role, "RoleName", r->name, set, err);
	json_free(wanted);
	json_free(set);
	json_free(unset);
	return ret;
}

static int role_update(const struct type_ctx *ctx, const struct resource *r,
	const struct resource_state *live, struct err *err)
{
	struct json *diff = fields_changes(role_fields, r->props, live->props, role_defaults);
	int ret = update_trust(ctx, r, diff, err);
	if (!ret)
		ret = update_role_itself(ctx, r, diff, err);
	if (!ret)
		ret = update_boundary(ctx, r, diff, err);
	if (!ret)
		ret = update_parts(ctx, r, live, diff, err);
	if (!ret)
		ret = update_tags(ctx, r, live->tags, err);
	json_free(diff);
	return ret;
}

/* --- destroy: instance profiles, attached, inline, then the role; all of them, whoever put them there --- */

static int strip_role(const struct type_ctx *ctx, const char *name, struct err *err)
{
	struct json *list = NULL, *e;
	int ret = iam_list(ctx, &iam_list_instance_profiles_for_role, "RoleName", name, &list, err);
	json_each(e, list)
	{
		if (!ret)
			ret = iam_call(ctx, &iam_remove_role_from_instance_profile, true, err,
				"RoleName", name, "InstanceProfileName",
				json_get_str(e, "InstanceProfileName"), NULL);
	}
	json_free(list);
	list = NULL;
	if (!ret)
		ret = iam_list(ctx, &iam_list_attached_role_policies, "RoleName", name, &list, err);
	json_each(e, list)
	{
		if (!ret)
			ret = iam_call(ctx, &iam_detach_role_policy, true, err, "RoleName", name,
				"PolicyArn", json_get_str(e, "PolicyArn"), NULL);
	}
	json_free(list);
	list = NULL;
	if (!ret)
		ret = iam_list(ctx, &iam_list_role_policies, "RoleName", name, &list, err);
	json_each(e, list)
	{
		if (!ret)
			ret = iam_call(ctx, &iam_delete_role_policy, true, err, "RoleName", name,
				"PolicyName", json_str(e), NULL);
	}
	json_free(list);
	return ret;
}

static int role_destroy(const struct type_ctx *ctx, const struct resource *r, struct err *err)
{
	struct err why = ERR_INIT;
	struct wait w;
	int ret;
	wait_begin(&w, ctx, 60 * 1000);
	for (;;) {
		ret = strip_role(ctx, r->name, &why);
		if (ret)
			break;
		ret = iam_call(ctx, &iam_delete_role, true, &why, "RoleName", r->name, NULL);
		/* what was just taken off may count for seconds more */
		if (!ret || !err_is_aws(&why, "DeleteConflict"))
			break;
		struct err late = ERR_INIT;
		int stop = wait_pause(&w, &late, "role '%s' to be free", r->name);
		if (stop && late.code == ERR_INTERRUPTED)
			err_move(&why, &late);
		err_release(&late);
		if (stop)
			break;
	}
	if (ret)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

static char *role_serial(const struct resource *r)
{
	return xasprintf("role/%s", r->name);
}

const struct resource_type role_type = {
	.schema =
		{
			.name = "AWS::IAM::Role",
			.fields = role_fields,
			.name_field = "RoleName",
			.name_case = NAME_LOWER_DASH,
			.name_max = 64,
			.attributes = role_attributes,
			.name_pattern_hint = "1 to 64 of letters, digits and _+=,.@-",
			.name_ok = role_name_ok,
			.check = role_check,
		},
	.flags = T_WHOLE | T_ROLE,
	.defaults = role_defaults,
	.read = role_read,
	.create = role_create,
	.update = role_update,
	.tag = role_tag,
	.destroy = role_destroy,
	.serial = role_serial,
};
