/* Inline and attached policies of roles, users and groups; members of groups; the end of each. */
#include "local_iam_store.h"
#include "xalloc.h"

#define MAX_ATTACHED 10

static const struct inline_limit {
	const char *kind;
	size_t bytes;
} inline_limits[] = {{"role", 10240}, {"user", 2048}, {"group", 5120}};

/* Begins a transaction and finds the entity that the request names; the caller ends both. */
static int begin_owner(struct local_cloud *cloud, const struct local_request *req,
	struct iam_entity *e, struct err *err)
{
	const char *kind = local_iam_kind(req->operation), *name;
	char *name_name = xasprintf("%sName", local_iam_kind_title(kind));
	int result = -1;

	if (!local_iam_need(req, name_name, &name, err) && !local_tx_begin(cloud, err))
		result = local_iam_entity_get(cloud, kind, name, e, err);
	free(name_name);
	return result;
}

/* --- inline policies --- */

static int check_inline_size(struct local_cloud *cloud, const struct iam_entity *e, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT document FROM iam_inline WHERE kind = ? AND owner = ?", "ss", e->kind,
		e->name);
	size_t size = 0, limit = 0, i;
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0)
		size += local_iam_policy_size(sql_text(st, 0));
	sql_done(st);
	if (row < 0)
		return -1;
	for (i = 0; i < ARRAY_SIZE(inline_limits); i++)
		if (!strcmp(inline_limits[i].kind, e->kind))
			limit = inline_limits[i].bytes;
	if (size <= limit)
		return 0;
	return local_fault(err, 409, "LimitExceeded",
		"Maximum policy size of %zu bytes exceeded for %s %s", limit, e->kind, e->name);
}

int local_iam_put_inline(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct iam_entity e = {0};
	const char *policy, *document;
	struct json *doc = NULL;
	int result = -1;

	if (local_iam_need(req, "PolicyName", &policy, err) ||
		local_iam_need(req, "PolicyDocument", &document, err) ||
		local_iam_check_name("PolicyName", policy, 128, err) ||
		begin_owner(cloud, req, &e, err) ||
		policy_check(document, POLICY_IDENTITY, &doc, err) ||
		sql_run(cloud->db, NULL, err,
			"INSERT INTO iam_inline(kind, owner, name, document) VALUES(?, ?, ?, ?) "
			"ON CONFLICT DO UPDATE SET document = excluded.document",
			"ssss", e.kind, e.name, policy, document) ||
		check_inline_size(cloud, &e, err))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	json_free(doc);
	local_iam_entity_release(&e);
	return result;
}

static int no_inline(const struct iam_entity *e, const char *policy, struct err *err)
{
	return local_iam_no_such(
		err, "The %s policy with name %s cannot be found.", e->kind, policy);
}

int local_iam_get_inline(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct iam_entity e = {0};
	struct sql_stmt *st = NULL;
	const char *policy;
	char *encoded, *name_name;
	int row, result = -1;

	if (local_iam_need(req, "PolicyName", &policy, err) || begin_owner(cloud, req, &e, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT document FROM iam_inline WHERE kind = ? AND owner = ? AND name = ?", "sss",
		e.kind, e.name, policy);
	if (!st || (row = sql_step(st, err)) < 0)
		goto out;
	if (!row) {
		no_inline(&e, policy, err);
		goto out;
	}
	encoded = local_iam_encode_document(sql_text(st, 0));
	name_name = xasprintf("%sName", local_iam_kind_title(e.kind));
	*out = json_object();
	json_set_str(*out, name_name, e.name);
	json_set_str(*out, "PolicyName", policy);
	json_set_str(*out, "PolicyDocument", encoded);
	free(encoded);
	free(name_name);
	result = 0;
out:
	sql_done(st);
	local_tx_end(cloud);
	local_iam_entity_release(&e);
	return result;
}

int local_iam_delete_inline(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct iam_entity e = {0};
	const char *policy;
	int64_t changed = 0;
	int result = -1;

	if (local_iam_need(req, "PolicyName", &policy, err) || begin_owner(cloud, req, &e, err) ||
		sql_run(cloud->db, &changed, err,
			"DELETE FROM iam_inline WHERE kind = ? AND owner = ? AND name = ?", "sss",
			e.kind, e.name, policy))
		goto out;
	if (!changed)
		no_inline(&e, policy, err);
	else
		result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	local_iam_entity_release(&e);
	return result;
}

/* One page of a list whose rows have one text column, asked for in order after the page's key. */
static int list_names(struct local_cloud *cloud, const char *sql, const struct iam_entity *e,
	const struct iam_page *page, struct strvec *names, bool *more, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err, sql, "sssi", e->kind, e->name,
		page->after ? page->after : "", page->max + 1);
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0) {
		if (names->nr == (size_t)page->max) {
			*more = true;
			row = 0;
			break;
		}
		strvec_push(names, sql_text(st, 0));
	}
	sql_done(st);
	return row;
}

static struct json *attached_json(const char *arn)
{
	struct json *p = json_object();

	json_set_str(p, "PolicyName", strrchr(arn, '/') + 1);
	json_set_str(p, "PolicyArn", arn);
	return p;
}

static int list_owned(struct local_cloud *cloud, const struct local_request *req, const char *sql,
	bool attached, struct json **out, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	struct iam_entity e = {0};
	struct iam_page page = {0};
	struct json *list;
	bool more = false;
	size_t i;
	int result = -1;

	if (local_iam_page_read(req, &page, err) || begin_owner(cloud, req, &e, err) ||
		list_names(cloud, sql, &e, &page, &names, &more, err))
		goto out;
	list = json_array();
	for (i = 0; i < names.nr; i++)
		if (attached)
			json_push(list, attached_json(names.v[i]));
		else
			json_push_str(list, names.v[i]);
	*out = json_object();
	json_set(*out, attached ? "AttachedPolicies" : "PolicyNames", list);
	local_iam_page_close(*out, more, names.nr ? names.v[names.nr - 1] : "");
	result = 0;
out:
	local_tx_end(cloud);
	strvec_release(&names);
	local_iam_page_release(&page);
	local_iam_entity_release(&e);
	return result;
}

int local_iam_list_inline(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return list_owned(cloud, req,
		"SELECT name FROM iam_inline WHERE kind = ? AND owner = ? AND name > ? "
		"ORDER BY name LIMIT ?",
		false, out, err);
}

int local_iam_list_attached(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	return list_owned(cloud, req,
		"SELECT arn FROM iam_attached WHERE kind = ? AND owner = ? AND arn > ? "
		"ORDER BY arn LIMIT ?",
		true, out, err);
}

/* --- attached policies --- */

static int count_rows(struct local_cloud *cloud, const char *sql, const struct iam_entity *e,
	int64_t *count, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err, sql, "ss", e->kind, e->name);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		*count = sql_int(st, 0);
	sql_done(st);
	return row < 0 ? -1 : 0;
}

#define COUNT_ATTACHED "SELECT count(*) FROM iam_attached WHERE kind = ? AND owner = ?"
#define COUNT_INLINE "SELECT count(*) FROM iam_inline WHERE kind = ? AND owner = ?"
#define COUNT_MEMBERS "SELECT count(*) FROM iam_member WHERE ? = 'group' AND grp = ?"
#define COUNT_GROUPS "SELECT count(*) FROM iam_member WHERE ? = 'user' AND user = ?"

int local_iam_attach(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct iam_entity e = {0};
	char *document = NULL;
	const char *arn;
	int64_t count = 0;
	int found, result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || begin_owner(cloud, req, &e, err))
		goto out;
	found = local_iam_policy_document(cloud, arn, &document, err);
	if (found < 0)
		goto out;
	if (!found) {
		local_iam_no_such(err, "Policy %s does not exist or is not attachable.", arn);
		goto out;
	}
	if (sql_run(cloud->db, NULL, err,
		    "INSERT OR IGNORE INTO iam_attached(kind, owner, arn) VALUES(?, ?, ?)", "sss",
		    e.kind, e.name, arn) ||
		count_rows(cloud, COUNT_ATTACHED, &e, &count, err))
		goto out;
	if (count > MAX_ATTACHED)
		local_fault(err, 409, "LimitExceeded", "Cannot exceed quota for PoliciesPer%s: %d",
			local_iam_kind_title(e.kind), MAX_ATTACHED);
	else
		result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	free(document);
	local_iam_entity_release(&e);
	return result;
}

int local_iam_detach(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct iam_entity e = {0};
	const char *arn;
	int64_t changed = 0;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || begin_owner(cloud, req, &e, err) ||
		sql_run(cloud->db, &changed, err,
			"DELETE FROM iam_attached WHERE kind = ? AND owner = ? AND arn = ?", "sss",
			e.kind, e.name, arn))
		goto out;
	if (!changed)
		local_iam_no_such(err, "Policy %s was not found.", arn);
	else
		result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	local_iam_entity_release(&e);
	return result;
}

/* --- the end --- */

static int check_bare(struct local_cloud *cloud, const struct iam_entity *e, struct err *err)
{
	static const struct {
		const char *sql, *text;
	} ties[] = {
		{COUNT_ATTACHED, "Cannot delete entity, must detach all policies first."},
		{COUNT_INLINE, "Cannot delete entity, must delete policies first."},
		{COUNT_MEMBERS, "Cannot delete entity, must remove users from group first."},
		{COUNT_GROUPS, "Cannot delete entity, must remove user from all groups first."},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ties); i++) {
		int64_t count = 0;

		if (count_rows(cloud, ties[i].sql, e, &count, err))
			return -1;
		if (count)
			return local_fault(err, 409, "DeleteConflict", "%s", ties[i].text);
	}
	return 0;
}

int local_iam_delete_entity(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct iam_entity e = {0};
	int result = -1;

	if (begin_owner(cloud, req, &e, err) || check_bare(cloud, &e, err) ||
		local_tags_clear(cloud, e.arn, err) ||
		sql_run(cloud->db, NULL, err, "DELETE FROM iam_entity WHERE kind = ? AND name = ?",
			"ss", e.kind, e.name))
		goto out;
	/* a role's sessions die with it, also for a later role of that name */
	if (!strcmp(e.kind, "role") &&
		sql_run(cloud->db, NULL, err, "DELETE FROM iam_session WHERE role = ?", "s",
			e.name))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	local_iam_entity_release(&e);
	return result;
}

/* --- groups --- */

static int change_member(struct local_cloud *cloud, const struct local_request *req,
	const char *sql, struct err *err)
{
	struct iam_entity group = {0}, user = {0};
	const char *group_name, *user_name;
	int result = -1;

	if (local_iam_need(req, "GroupName", &group_name, err) ||
		local_iam_need(req, "UserName", &user_name, err) || local_tx_begin(cloud, err) ||
		local_iam_entity_get(cloud, "group", group_name, &group, err) ||
		local_iam_entity_get(cloud, "user", user_name, &user, err) ||
		sql_run(cloud->db, NULL, err, sql, "ss", group.name, user.name))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	local_iam_entity_release(&group);
	local_iam_entity_release(&user);
	return result;
}

int local_iam_add_user_to_group(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return change_member(
		cloud, req, "INSERT OR IGNORE INTO iam_member(grp, user) VALUES(?, ?)", err);
}

int local_iam_remove_user_from_group(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return change_member(cloud, req, "DELETE FROM iam_member WHERE grp = ? AND user = ?", err);
}

static int list_entities_of(struct local_cloud *cloud, const char *kind, const char *sql,
	const char *name, struct json *list, struct err *err)
{
	struct strvec names = STRVEC_INIT;
	struct sql_stmt *st = sql_query(cloud->db, err, sql, "s", name);
	size_t i;
	int row = -1;

	if (st)
		while ((row = sql_step(st, err)) > 0)
			strvec_push(&names, sql_text(st, 0));
	sql_done(st);
	for (i = 0; !row && i < names.nr; i++) {
		struct iam_entity e = {0};

		row = local_iam_entity_get(cloud, kind, names.v[i], &e, err);
		if (!row)
			json_push(list, local_iam_entity_json(&e, false));
		local_iam_entity_release(&e);
	}
	strvec_release(&names);
	return row;
}

int local_iam_get_group(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *users = json_array();
	struct iam_entity e = {0};
	int result = -1;

	if (begin_owner(cloud, req, &e, err) ||
		list_entities_of(cloud, "user",
			"SELECT user FROM iam_member WHERE grp = ? ORDER BY user", e.name, users,
			err))
		goto out;
	*out = json_object();
	json_set(*out, "Group", local_iam_entity_json(&e, true));
	json_set(*out, "Users", users);
	users = NULL;
	result = local_iam_page_cut(req, *out, err);
out:
	local_tx_end(cloud);
	json_free(users);
	local_iam_entity_release(&e);
	return result;
}

int local_iam_list_groups_for_user(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *groups = json_array();
	struct iam_entity e = {0};
	const char *name;
	int result = -1;

	if (local_iam_need(req, "UserName", &name, err) || local_tx_begin(cloud, err) ||
		local_iam_entity_get(cloud, "user", name, &e, err) ||
		list_entities_of(cloud, "group",
			"SELECT grp FROM iam_member WHERE user = ? ORDER BY grp", e.name, groups,
			err))
		goto out;
	*out = json_object();
	json_set(*out, "Groups", groups);
	groups = NULL;
	result = local_iam_page_cut(req, *out, err);
out:
	local_tx_end(cloud);
	json_free(groups);
	local_iam_entity_release(&e);
	return result;
}
