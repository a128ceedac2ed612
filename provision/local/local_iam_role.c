/* Roles: "CreateRole", "UpdateAssumeRolePolicy", "TagRole"… (IAM API Reference). */
#include "local_iam_store.h"
#include "local_services.h"
#include "xalloc.h"

#define MAX_TRUST 2048
#define MAX_SESSION_S 43200

struct json *local_iam_entity_json(const struct iam_entity *e, bool with_details)
{
	struct json *out = json_object();
	const char *title = local_iam_kind_title(e->kind);
	char *id_name = xasprintf("%sId", title), *name = xasprintf("%sName", title);

	json_set_str(out, "Path", e->path);
	json_set_str(out, name, e->name);
	json_set_str(out, id_name, e->id);
	json_set_str(out, "Arn", e->arn);
	local_iam_set_time(out, "CreateDate", e->created_ms);
	if (e->trust) {
		char *encoded = local_iam_encode_document(e->trust);

		json_set_str(out, "AssumeRolePolicyDocument", encoded);
		json_set_str(out, "Description", e->description);
		json_set_i64(out, "MaxSessionDuration", e->max_session_s);
		free(encoded);
	}
	if (with_details && e->boundary) {
		struct json *b = json_object();

		json_set_str(b, "PermissionsBoundaryType", "Policy");
		json_set_str(b, "PermissionsBoundaryArn", e->boundary);
		json_set(out, "PermissionsBoundary", b);
	}
	free(id_name);
	free(name);
	return out;
}

/* NotPrincipal, which other policies may have. */
static int check_not_principal(const struct json *doc, struct err *err)
{
	const struct json *statements = json_get(doc, "Statement"), *s;
	bool alone = json_is(statements, JSON_OBJECT), any = false, allow = false;

	for (size_t i = 0; alone ? i < 1 : i < json_len(statements); i++) {
		s = alone ? statements : json_at(statements, i);
		if (!json_get(s, "NotPrincipal"))
			continue;
		any = true;
		allow = allow || !strcmp(json_get_str(s, "Effect"), "Allow");
	}
	return !any ? 0
		    : local_fault(err, 400, "MalformedPolicyDocument",
			      allow ? "Allow with NotPrincipal is not allowed."
				    : "AssumeRole policy must not contain NotPrincipal field.");
}

static int check_trust(const char *text, struct err *err)
{
	struct json *doc = NULL;
	int result;

	if (policy_check(text, POLICY_TRUST, &doc, err))
		return -1;
	result = check_not_principal(doc, err);
	if (!result && local_iam_policy_size(text) > MAX_TRUST)
		result = local_fault(err, 409, "LimitExceeded",
			"Cannot exceed quota for ACLSizePerRole: %d", MAX_TRUST);
	json_free(doc);
	return result;
}

/* 1 when the role is there, 0 when not. */
static int role_found(struct local_cloud *cloud, const char *name, struct err *err)
{
	struct iam_entity role = {0};
	int found = local_tx_begin(cloud, err)
			    ? -1
			    : local_iam_entity_find(cloud, "role", name, &role, err);

	local_tx_end(cloud);
	local_iam_entity_release(&role);
	return found;
}

/* What is there already is said before what is wrong with the document. */
static int check_new_trust(
	struct local_cloud *cloud, const char *name, const char *trust, struct err *err)
{
	struct err why = ERR_INIT;
	int found;

	if (!check_trust(trust, &why))
		return 0;
	found = name ? role_found(cloud, name, err) : 0;
	if (found > 0)
		local_fault(
			err, 409, "EntityAlreadyExists", "Role with name %s already exists.", name);
	else if (found == 0)
		err_move(err, &why);
	err_release(&why);
	return -1;
}

static int check_session_s(const struct local_request *req, int64_t *out, struct err *err)
{
	*out = json_get_i64(req->in, "MaxSessionDuration", 3600);
	if (*out >= 3600 && *out <= MAX_SESSION_S)
		return 0;
	return local_fault(err, 400, "ValidationError",
		"1 validation error detected: Value '%lld' at 'maxSessionDuration' failed to "
		"satisfy constraint: Member must be between 3600 and %d",
		(long long)*out, MAX_SESSION_S);
}

/* A boundary must be a policy that there is. */
static int check_boundary(struct local_cloud *cloud, const char *arn, struct err *err)
{
	char *document = NULL;
	int found;

	if (!arn)
		return 0;
	found = local_iam_policy_document(cloud, arn, &document, err);
	free(document);
	if (found)
		return found < 0 ? -1 : 0;
	return local_iam_no_such(err, "Scope ARN: %s does not exist or is not attachable.", arn);
}

/* Adds the row; the tags go to the common table. In a transaction. */
static int insert_entity(
	struct local_cloud *cloud, struct iam_entity *e, const struct json *tags, struct err *err)
{
	struct err detail = ERR_INIT;

	if (check_boundary(cloud, e->boundary, err))
		return -1;
	if (sql_run(cloud->db, NULL, &detail,
		    "INSERT INTO iam_entity(kind, name, path, id, arn, created_ms, trust, "
		    "description, max_session_s, boundary) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		    "sssssissis", e->kind, e->name, e->path, e->id, e->arn, e->created_ms, e->trust,
		    e->description, e->max_session_s, e->boundary)) {
		if (detail.code == ERR_EXISTS)
			local_fault(err, 409, "EntityAlreadyExists",
				"%s with name %s already exists.", local_iam_kind_title(e->kind),
				e->name);
		else
			err_move(err, &detail);
		err_release(&detail);
		return -1;
	}
	return local_tags_set(cloud, e->arn, tags, err);
}

static char *new_id(const char *prefix)
{
	char *id = local_id(prefix, 17), *c;

	for (c = id; *c; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
	return id;
}

static int create_entity(struct local_cloud *cloud, const struct local_request *req,
	struct iam_entity *e, size_t max_name, struct json **out, struct err *err)
{
	const char *title = local_iam_kind_title(e->kind), *path = json_get_str(req->in, "Path"),
		   *name;
	char *name_name = xasprintf("%sName", title);
	struct json *tags = NULL;
	int result = -1;

	if (local_iam_need(req, name_name, &name, err) ||
		local_iam_check_name(name_name, name, max_name, err) ||
		local_iam_check_path(&path, err) ||
		local_iam_tags_read(json_get(req->in, "Tags"), &tags, err))
		goto out;
	e->name = xstrdup(name);
	e->path = xstrdup(path);
	e->boundary = xstrdup(json_get_str(req->in, "PermissionsBoundary"));
	e->arn = local_arn(cloud, "iam", "", "%s%s%s", e->kind, path, name);
	e->created_ms = local_now_ms(cloud);
	if (local_tx_begin(cloud, err) || insert_entity(cloud, e, tags, err) ||
		local_tx_commit(cloud, err))
		goto out;
	*out = json_object();
	json_set(*out, title, local_iam_entity_json(e, true));
	if (json_len(tags))
		json_set(json_get(*out, title), "Tags", local_iam_tags_list(tags));
	result = 0;
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	json_free(tags);
	free(name_name);
	return result;
}

int local_iam_create_role(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct iam_entity e = {.kind = xstrdup("role"), .id = new_id("AROA")};
	const char *trust, *path = json_get_str(req->in, "Path"),
			   *name = json_get_str(req->in, "RoleName");
	int result = -1;

	if (local_iam_need(req, "AssumeRolePolicyDocument", &trust, err) ||
		check_session_s(req, &e.max_session_s, err))
		goto out;
	if ((path && starts_with(path, "/aws-service-role/")) ||
		(name && starts_with(name, "AWSServiceRole"))) {
		local_fault(err, 400, "InvalidInput",
			"The name or path of '%s' is reserved for service-linked roles. Use "
			"CreateServiceLinkedRole",
			name ? name : "");
		goto out;
	}
	if (check_new_trust(cloud, name, trust, err))
		goto out;
	e.trust = xstrdup(trust);
	e.description = xstrdup(json_get_str(req->in, "Description"));
	result = create_entity(cloud, req, &e, 64, out, err);
out:
	local_iam_entity_release(&e);
	return result;
}

int local_iam_create_user(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct iam_entity e = {.kind = xstrdup("user"), .id = new_id("AIDA")};
	int result = create_entity(cloud, req, &e, 64, out, err);

	local_iam_entity_release(&e);
	return result;
}

int local_iam_create_group(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct iam_entity e = {.kind = xstrdup("group"), .id = new_id("AGPA")};
	int result = create_entity(cloud, req, &e, 128, out, err);

	local_iam_entity_release(&e);
	return result;
}

static int get_with_tags(struct local_cloud *cloud, const char *kind, const char *name,
	struct json **out, struct err *err)
{
	struct iam_entity e = {0};
	struct json *tags = NULL, *doc;
	int result = -1;

	if (local_tx_begin(cloud, err) || local_iam_entity_get(cloud, kind, name, &e, err) ||
		local_tags_get(cloud, e.arn, &tags, err))
		goto out;
	doc = local_iam_entity_json(&e, true);
	if (json_len(tags))
		json_set(doc, "Tags", local_iam_tags_list(tags));
	if (!strcmp(kind, "role"))
		json_set(doc, "RoleLastUsed", json_object());
	*out = json_object();
	json_set(*out, local_iam_kind_title(kind), doc);
	result = 0;
out:
	local_tx_end(cloud);
	json_free(tags);
	local_iam_entity_release(&e);
	return result;
}

int local_iam_get_role(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *name;

	if (local_iam_need(req, "RoleName", &name, err))
		return -1;
	return get_with_tags(cloud, "role", name, out, err);
}

int local_iam_get_user(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *name = json_get_str(req->in, "UserName");
	struct json *user;

	if (name)
		return get_with_tags(cloud, "user", name, out, err);
	/* without a name: who asks */
	user = json_object();
	json_set_str(user, "Path", "/");
	json_set_str(user, "UserId", req->who->user_id);
	json_set_str(user, "Arn", req->who->arn);
	local_iam_set_time(user, "CreateDate", 0);
	*out = json_object();
	json_set(*out, "User", user);
	return 0;
}

/* --- lists --- */

static int list_rows(struct local_cloud *cloud, const char *kind, const char *prefix,
	const struct iam_page *page, struct json *list, bool *more, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT name, path, id, arn, trust, description, created_ms, max_session_s "
		"FROM iam_entity WHERE kind = ? AND name > ? AND substr(path, 1, length(?3)) = ?3 "
		"ORDER BY name LIMIT ?",
		"sssi", kind, page->after ? page->after : "", prefix, page->max + 1);
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0) {
		struct iam_entity e = {.kind = (char *)kind,
			.name = (char *)sql_text(st, 0),
			.path = (char *)sql_text(st, 1),
			.id = (char *)sql_text(st, 2),
			.arn = (char *)sql_text(st, 3),
			.trust = (char *)sql_text(st, 4),
			.description = (char *)sql_text(st, 5),
			.created_ms = sql_int(st, 6),
			.max_session_s = sql_int(st, 7)};

		if (json_len(list) == (size_t)page->max) {
			*more = true;
			row = 0;
			break;
		}
		json_push(list, local_iam_entity_json(&e, false));
	}
	sql_done(st);
	return row;
}

static int list_entities(struct local_cloud *cloud, const struct local_request *req,
	const char *kind, struct json **out, struct err *err)
{
	const char *title = local_iam_kind_title(kind),
		   *prefix = json_get_str(req->in, "PathPrefix");
	char *plural = xasprintf("%ss", title), *name = xasprintf("%sName", title);
	struct json *list = json_array();
	struct iam_page page = {0};
	bool more = false;
	int result = -1;

	if (local_iam_page_read(req, &page, err) || local_tx_begin(cloud, err))
		goto out;
	result = list_rows(cloud, kind, prefix ? prefix : "/", &page, list, &more, err);
	local_tx_end(cloud);
	if (result)
		goto out;
	*out = json_object();
	local_iam_page_close(*out, more,
		json_len(list) ? json_get_str(json_at(list, json_len(list) - 1), name) : "");
	json_set(*out, plural, list);
	list = NULL;
out:
	json_free(list);
	local_iam_page_release(&page);
	free(plural);
	free(name);
	return result;
}

int local_iam_list_roles(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return list_entities(cloud, req, "role", out, err);
}

int local_iam_list_users(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return list_entities(cloud, req, "user", out, err);
}

int local_iam_list_groups(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return list_entities(cloud, req, "group", out, err);
}

/* --- changes --- */

static int update_role(struct local_cloud *cloud, const struct local_request *req,
	const char *column_sql, const char *text, int64_t number, bool is_number, struct err *err)
{
	struct iam_entity e = {0};
	const char *name;
	int result = -1;

	if (local_iam_need(req, "RoleName", &name, err) || local_tx_begin(cloud, err) ||
		local_iam_entity_get(cloud, "role", name, &e, err))
		goto out;
	if (is_number ? sql_run(cloud->db, NULL, err, column_sql, "is", number, name)
		      : sql_run(cloud->db, NULL, err, column_sql, "ss", text, name))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	local_iam_entity_release(&e);
	if (!result)
		local_iam_changed(cloud);
	return result;
}

#define SET_DESCRIPTION "UPDATE iam_entity SET description = ? WHERE kind = 'role' AND name = ?"
#define SET_SESSION "UPDATE iam_entity SET max_session_s = ? WHERE kind = 'role' AND name = ?"
/* Finds out whether there is such a role. */
#define KEEP_SESSION                                                                           \
	"UPDATE iam_entity SET max_session_s = max_session_s + 0 * ? WHERE kind = 'role' AND " \
	"name = ?"
#define SET_TRUST "UPDATE iam_entity SET trust = ? WHERE kind = 'role' AND name = ?"

int local_iam_update_role(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *description = json_get_str(req->in, "Description");
	int64_t seconds;

	if (check_session_s(req, &seconds, err) ||
		(description &&
			update_role(cloud, req, SET_DESCRIPTION, description, 0, false, err)))
		return -1;
	if (json_get(req->in, "MaxSessionDuration") || !description) {
		bool given = json_get(req->in, "MaxSessionDuration") != NULL;

		if (update_role(cloud, req, given ? SET_SESSION : KEEP_SESSION, NULL, seconds, true,
			    err))
			return -1;
	}
	*out = json_object();
	return 0;
}

int local_iam_update_role_description(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *description, *name;

	if (local_iam_need(req, "Description", &description, err) ||
		local_iam_need(req, "RoleName", &name, err) ||
		update_role(cloud, req, SET_DESCRIPTION, description, 0, false, err))
		return -1;
	return get_with_tags(cloud, "role", name, out, err);
}

int local_iam_update_assume_role_policy(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *trust, *name = json_get_str(req->in, "RoleName");
	int found;

	if (local_iam_need(req, "PolicyDocument", &trust, err))
		return -1;
	found = name ? role_found(cloud, name, err) : 1;
	/* update_role() says that there is none */
	if (found < 0 || (found > 0 && check_trust(trust, err)))
		return -1;
	return update_role(cloud, req, SET_TRUST, trust, 0, false, err);
}

/* --- tags: to IAM a key is the same in any case, and the last spelling stays --- */

static int forget_key_tx(
	struct local_cloud *cloud, const char *arn, const char *key, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"DELETE FROM tag WHERE arn = ? AND key = ? COLLATE NOCASE", "ss", arn, key);
}

static int replace_tags_tx(
	struct local_cloud *cloud, const char *arn, const struct json *tags, struct err *err)
{
	const struct json *e;

	json_each(e, tags)
	{
		if (forget_key_tx(cloud, arn, json_name(e), err))
			return -1;
	}
	return local_tags_set(cloud, arn, tags, err);
}

static int remove_tags_tx(
	struct local_cloud *cloud, const char *arn, const struct json *keys, struct err *err)
{
	const struct json *e;

	json_each(e, keys)
	{
		if (forget_key_tx(cloud, arn, json_str(e), err))
			return -1;
	}
	return 0;
}

int local_iam_tag_role(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *kind = local_iam_kind(req->operation), *name;
	char *name_name = xasprintf("%sName", local_iam_kind_title(kind));
	struct iam_entity e = {0};
	struct json *tags = NULL, *all = NULL;
	int result = -1;

	if (local_iam_need(req, name_name, &name, err) ||
		local_iam_tags_read(json_get(req->in, "Tags"), &tags, err) ||
		local_tx_begin(cloud, err) || local_iam_entity_get(cloud, kind, name, &e, err) ||
		replace_tags_tx(cloud, e.arn, tags, err) || local_tags_get(cloud, e.arn, &all, err))
		goto out;
	if (json_len(all) > 50) {
		local_fault(err, 409, "LimitExceeded",
			"The number of tags has reached the maximum limit of 50");
		goto out;
	}
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	json_free(tags);
	json_free(all);
	local_iam_entity_release(&e);
	free(name_name);
	return result;
}

int local_iam_untag_role(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *kind = local_iam_kind(req->operation), *name;
	char *name_name = xasprintf("%sName", local_iam_kind_title(kind));
	struct iam_entity e = {0};
	int result = -1;

	if (local_iam_need(req, name_name, &name, err) ||
		local_iam_tag_keys_check(json_get(req->in, "TagKeys"), err) ||
		local_tx_begin(cloud, err) || local_iam_entity_get(cloud, kind, name, &e, err) ||
		remove_tags_tx(cloud, e.arn, json_get(req->in, "TagKeys"), err))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	local_iam_entity_release(&e);
	free(name_name);
	return result;
}

int local_iam_list_role_tags(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *kind = local_iam_kind(req->operation), *name;
	char *name_name = xasprintf("%sName", local_iam_kind_title(kind));
	struct iam_entity e = {0};
	struct json *tags = NULL;
	int result = -1;

	if (local_iam_need(req, name_name, &name, err) || local_tx_begin(cloud, err) ||
		local_iam_entity_get(cloud, kind, name, &e, err) ||
		local_tags_get(cloud, e.arn, &tags, err))
		goto out;
	*out = json_object();
	json_set(*out, "Tags", local_iam_tags_list(tags));
	result = local_iam_page_cut(req, *out, err);
out:
	local_tx_end(cloud);
	json_free(tags);
	local_iam_entity_release(&e);
	free(name_name);
	return result;
}

int local_iam_list_instance_profiles_for_role(struct local_cloud *cloud,
	const struct local_request *req, struct json **out, struct err *err)
{
	struct iam_entity e = {0};
	const char *name;
	int result;

	if (local_iam_need(req, "RoleName", &name, err) || local_tx_begin(cloud, err))
		return -1;
	result = local_iam_entity_get(cloud, "role", name, &e, err);
	local_tx_end(cloud);
	local_iam_entity_release(&e);
	if (result)
		return -1;
	/* the local cloud makes no instance profiles */
	*out = json_object();
	json_set(*out, "InstanceProfiles", json_array());
	json_set_bool(*out, "IsTruncated", false);
	return 0;
}

/* --- boundary --- */

static int set_boundary(struct local_cloud *cloud, const struct local_request *req,
	const char *boundary, struct err *err)
{
	const char *kind = local_iam_kind(req->operation), *name;
	char *name_name = xasprintf("%sName", local_iam_kind_title(kind));
	struct iam_entity e = {0};
	int result = -1;

	if (local_iam_need(req, name_name, &name, err) || local_tx_begin(cloud, err) ||
		local_iam_entity_get(cloud, kind, name, &e, err) ||
		check_boundary(cloud, boundary, err))
		goto out;
	if (!boundary && !e.boundary) {
		local_iam_no_such(err, "%s %s does not have a permissions boundary",
			local_iam_kind_title(kind), e.name);
		goto out;
	}
	if (sql_run(cloud->db, NULL, err,
		    "UPDATE iam_entity SET boundary = ? WHERE kind = ? AND name = ?", "sss",
		    boundary, kind, name))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	local_iam_entity_release(&e);
	free(name_name);
	return result;
}

int local_iam_put_boundary(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	const char *boundary;

	if (local_iam_need(req, "PermissionsBoundary", &boundary, err))
		return -1;
	return set_boundary(cloud, req, boundary, err);
}

int local_iam_delete_boundary(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return set_boundary(cloud, req, NULL, err);
}

/* --- routes --- */

static void entity_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *kind = local_iam_kind(req->operation);
	char *name_name = xasprintf("%sName", local_iam_kind_title(kind));
	const char *name = json_get_str(req->in, name_name), *path = json_get_str(req->in, "Path");
	struct iam_entity e = {0};

	if (name && !local_tx_begin(cloud, NULL) &&
		local_iam_entity_find(cloud, kind, name, &e, NULL) > 0)
		strbuf_addstr(arn, e.arn);
	else
		strbuf_addf(arn, "arn:aws:iam::%s:%s%s%s", cloud->account, kind, path ? path : "/",
			name ? name : "");
	local_tx_end(cloud);
	local_iam_entity_release(&e);
	free(name_name);
}

static const struct local_route routes[] = {
	{"AddUserToGroup", local_iam_add_user_to_group, entity_arn},
	{"AttachGroupPolicy", local_iam_attach, entity_arn},
	{"AttachRolePolicy", local_iam_attach, entity_arn},
	{"AttachUserPolicy", local_iam_attach, entity_arn},
	{"CreateGroup", local_iam_create_group, entity_arn},
	{"CreateRole", local_iam_create_role, entity_arn},
	{"CreateUser", local_iam_create_user, entity_arn},
	{"DeleteGroup", local_iam_delete_entity, entity_arn},
	{"DeleteGroupPolicy", local_iam_delete_inline, entity_arn},
	{"DeleteRole", local_iam_delete_entity, entity_arn},
	{"DeleteRolePermissionsBoundary", local_iam_delete_boundary, entity_arn},
	{"DeleteRolePolicy", local_iam_delete_inline, entity_arn},
	{"DeleteUser", local_iam_delete_entity, entity_arn},
	{"DeleteUserPermissionsBoundary", local_iam_delete_boundary, entity_arn},
	{"DeleteUserPolicy", local_iam_delete_inline, entity_arn},
	{"DetachGroupPolicy", local_iam_detach, entity_arn},
	{"DetachRolePolicy", local_iam_detach, entity_arn},
	{"DetachUserPolicy", local_iam_detach, entity_arn},
	{"GetGroup", local_iam_get_group, entity_arn},
	{"GetGroupPolicy", local_iam_get_inline, entity_arn},
	{"GetRole", local_iam_get_role, entity_arn},
	{"GetRolePolicy", local_iam_get_inline, entity_arn},
	{"GetUser", local_iam_get_user, entity_arn},
	{"GetUserPolicy", local_iam_get_inline, entity_arn},
	{"ListAttachedGroupPolicies", local_iam_list_attached, entity_arn},
	{"ListAttachedRolePolicies", local_iam_list_attached, entity_arn},
	{"ListAttachedUserPolicies", local_iam_list_attached, entity_arn},
	{"ListGroupPolicies", local_iam_list_inline, entity_arn},
	{"ListGroups", local_iam_list_groups, NULL},
	{"ListGroupsForUser", local_iam_list_groups_for_user, NULL},
	{"ListInstanceProfilesForRole", local_iam_list_instance_profiles_for_role, entity_arn},
	{"ListRolePolicies", local_iam_list_inline, entity_arn},
	{"ListRoleTags", local_iam_list_role_tags, entity_arn},
	{"ListRoles", local_iam_list_roles, NULL},
	{"ListUserPolicies", local_iam_list_inline, entity_arn},
	{"ListUserTags", local_iam_list_role_tags, entity_arn},
	{"ListUsers", local_iam_list_users, NULL},
	{"PutGroupPolicy", local_iam_put_inline, entity_arn},
	{"PutRolePermissionsBoundary", local_iam_put_boundary, entity_arn},
	{"PutRolePolicy", local_iam_put_inline, entity_arn},
	{"PutUserPermissionsBoundary", local_iam_put_boundary, entity_arn},
	{"PutUserPolicy", local_iam_put_inline, entity_arn},
	{"RemoveUserFromGroup", local_iam_remove_user_from_group, entity_arn},
	{"TagRole", local_iam_tag_role, entity_arn},
	{"TagUser", local_iam_tag_role, entity_arn},
	{"UntagRole", local_iam_untag_role, entity_arn},
	{"UntagUser", local_iam_untag_role, entity_arn},
	{"UpdateAssumeRolePolicy", local_iam_update_assume_role_policy, entity_arn},
	{"UpdateRole", local_iam_update_role, entity_arn},
	{"UpdateRoleDescription", local_iam_update_role_description, entity_arn},
};
const struct local_service local_iam_role_service = {"iam", routes, ARRAY_SIZE(routes)};
