/* Managed policies and their versions: "CreatePolicy", "CreatePolicyVersion"… (IAM API Reference). */
#include <ctype.h>
#include "local_iam_store.h"
#include "local_services.h"
#include "xalloc.h"

#define MAX_MANAGED 6144
#define MAX_VERSIONS 5
#define AWS_PREFIX "arn:aws:iam::aws:policy/"

struct policy_row {
	char *arn, *name, *path, *id, *description;
	int64_t version, created_ms, updated_ms, attached;
};

static void policy_row_release(struct policy_row *p)
{
	free(p->arn);
	free(p->name);
	free(p->path);
	free(p->id);
	free(p->description);
	*p = (struct policy_row){0};
}

#define SELECT_POLICY                                                            \
	"SELECT arn, name, path, id, description, default_version, created_ms, " \
	"updated_ms, (SELECT count(*) FROM iam_attached a WHERE a.arn = p.arn) " \
	"FROM iam_policy p "

static void policy_row_read(struct sql_stmt *st, struct policy_row *p)
{
	p->arn = xstrdup(sql_text(st, 0));
	p->name = xstrdup(sql_text(st, 1));
	p->path = xstrdup(sql_text(st, 2));
	p->id = xstrdup(sql_text(st, 3));
	p->description = xstrdup(sql_text(st, 4));
	p->version = sql_int(st, 5);
	p->created_ms = sql_int(st, 6);
	p->updated_ms = sql_int(st, 7);
	p->attached = sql_int(st, 8);
}

static void managed_read(const struct policy_managed *m, struct policy_row *p)
{
	const char *slash = strrchr(m->name, '/');

	p->arn = xasprintf(AWS_PREFIX "%s", m->name);
	p->name = xstrdup(slash ? slash + 1 : m->name);
	p->path = slash ? xasprintf("/%.*s/", (int)(slash - m->name), m->name) : xstrdup("/");
	p->id = xstrdup(m->id);
	p->version = 1;
	p->created_ms = p->updated_ms = 1423000000000;
}

static int no_policy(const char *arn, struct err *err)
{
	return local_iam_no_such(err, "Policy %s was not found.", arn);
}

static int policy_get(
	struct local_cloud *cloud, const char *arn, struct policy_row *p, struct err *err)
{
	const struct policy_managed *managed = policy_managed_find(arn);
	struct sql_stmt *st;
	int row;

	if (managed) {
		managed_read(managed, p);
		return 0;
	}
	st = sql_query(cloud->db, err, SELECT_POLICY "WHERE p.arn = ?", "s", arn);
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		policy_row_read(st, p);
	sql_done(st);
	return row > 0 ? 0 : row < 0 ? -1 : no_policy(arn, err);
}

/* As policy_get, for what callers may change. */
static int policy_get_own(
	struct local_cloud *cloud, const char *arn, struct policy_row *p, struct err *err)
{
	if (starts_with(arn, AWS_PREFIX))
		return local_fault(err, 403, "AccessDenied",
			"The policy %s is AWS-managed and cannot be changed", arn);
	return policy_get(cloud, arn, p, err);
}

int local_iam_policy_document(
	struct local_cloud *cloud, const char *arn, char **document, struct err *err)
{
	const struct policy_managed *managed = policy_managed_find(arn);
	struct sql_stmt *st;
	int row;

	*document = managed ? xstrdup(managed->document) : NULL;
	if (managed)
		return 1;
	st = sql_query(cloud->db, err,
		"SELECT v.document FROM iam_policy p JOIN iam_policy_version v ON v.arn = p.arn "
		"AND v.version = p.default_version WHERE p.arn = ?",
		"s", arn);
	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0)
		*document = xstrdup(sql_text(st, 0));
	sql_done(st);
	return row;
}

static struct json *policy_json(const struct policy_row *p)
{
	struct json *out = json_object();
	char *version = xasprintf("v%lld", (long long)p->version);

	json_set_str(out, "PolicyName", p->name);
	json_set_str(out, "PolicyId", p->id);
	json_set_str(out, "Arn", p->arn);
	json_set_str(out, "Path", p->path);
	json_set_str(out, "DefaultVersionId", version);
	json_set_i64(out, "AttachmentCount", p->attached);
	json_set_i64(out, "PermissionsBoundaryUsageCount", 0);
	json_set_bool(out, "IsAttachable", true);
	json_set_str(out, "Description", p->description);
	local_iam_set_time(out, "CreateDate", p->created_ms);
	local_iam_set_time(out, "UpdateDate", p->updated_ms);
	free(version);
	return out;
}

/* The description is GetPolicy's alone. */
static struct json *policy_summary(const struct policy_row *p)
{
	struct json *out = policy_json(p);

	json_remove(out, "Description");
	return out;
}

static int check_document(const char *text, struct err *err)
{
	struct json *doc = NULL;

	if (policy_check(text, POLICY_MANAGED, &doc, err))
		return -1;
	json_free(doc);
	if (local_iam_policy_size(text) <= MAX_MANAGED)
		return 0;
	return local_fault(
		err, 409, "LimitExceeded", "Cannot exceed quota for PolicySize: %d", MAX_MANAGED);
}

static int insert_policy(struct local_cloud *cloud, const struct policy_row *p,
	const char *document, struct err *err)
{
	struct err detail = ERR_INIT;

	if (sql_run(cloud->db, NULL, &detail,
		    "INSERT INTO iam_policy(arn, name, path, id, description, default_version, "
		    "next_version, created_ms, updated_ms) VALUES(?, ?, ?, ?, ?, 1, 2, ?, ?)",
		    "sssssii", p->arn, p->name, p->path, p->id, p->description, p->created_ms,
		    p->created_ms)) {
		if (detail.code == ERR_EXISTS)
			local_fault(err, 409, "EntityAlreadyExists",
				"A policy called %s already exists. Duplicate names are not "
				"allowed.",
				p->name);
		else
			err_move(err, &detail);
		err_release(&detail);
		return -1;
	}
	return sql_run(cloud->db, NULL, err,
		"INSERT INTO iam_policy_version(arn, version, document, created_ms) "
		"VALUES(?, 1, ?, ?)",
		"ssi", p->arn, document, p->created_ms);
}

static int create_policy(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *name, *document, *path = json_get_str(req->in, "Path");
	struct policy_row p = {.version = 1};
	struct json *tags = NULL;
	char *c;
	int result = -1;

	if (local_iam_need(req, "PolicyName", &name, err) ||
		local_iam_need(req, "PolicyDocument", &document, err) ||
		local_iam_check_name("PolicyName", name, 128, err) ||
		local_iam_check_path(&path, err) || check_document(document, err) ||
		local_iam_tags_read(json_get(req->in, "Tags"), &tags, err))
		goto out;
	p.name = xstrdup(name);
	p.path = xstrdup(path);
	p.id = local_id("ANPA", 17);
	for (c = p.id; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	p.arn = local_arn(cloud, "iam", "", "policy%s%s", path, name);
	p.description = xstrdup(json_get_str(req->in, "Description"));
	p.created_ms = p.updated_ms = local_now_ms(cloud);
	if (local_tx_begin(cloud, err) || insert_policy(cloud, &p, document, err) ||
		local_tags_set(cloud, p.arn, tags, err) || local_tx_commit(cloud, err))
		goto out;
	*out = json_object();
	json_set(*out, "Policy", policy_summary(&p));
	if (json_len(tags))
		json_set(json_get(*out, "Policy"), "Tags", local_iam_tags_list(tags));
	result = 0;
out:
	local_tx_end(cloud);
	json_free(tags);
	policy_row_release(&p);
	return result;
}

static int get_policy(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	struct policy_row p = {0};
	struct json *tags = NULL;
	const char *arn;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || local_tx_begin(cloud, err) ||
		policy_get(cloud, arn, &p, err) || local_tags_get(cloud, arn, &tags, err))
		goto out;
	*out = json_object();
	json_set(*out, "Policy", policy_json(&p));
	json_set(json_get(*out, "Policy"), "Tags", local_iam_tags_list(tags));
	result = 0;
out:
	local_tx_end(cloud);
	json_free(tags);
	policy_row_release(&p);
	return result;
}

static int delete_policy(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct policy_row p = {0};
	struct sql_stmt *st = NULL;
	const char *arn;
	int64_t versions = 0;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || local_tx_begin(cloud, err) ||
		policy_get_own(cloud, arn, &p, err))
		goto out;
	if (p.attached) {
		local_fault(
			err, 409, "DeleteConflict", "Cannot delete a policy attached to entities.");
		goto out;
	}
	st = sql_query(
		cloud->db, err, "SELECT count(*) FROM iam_policy_version WHERE arn = ?", "s", arn);
	if (!st || sql_step(st, err) < 0)
		goto out;
	versions = sql_int(st, 0);
	sql_done(st);
	st = NULL;
	if (versions > 1) {
		local_fault(err, 409, "DeleteConflict",
			"This policy has more than one version. Before you delete a policy, you "
			"must delete the policy's versions. The default version is deleted with "
			"the policy.");
		goto out;
	}
	if (sql_run(cloud->db, NULL, err, "DELETE FROM iam_policy_version WHERE arn = ?", "s",
		    arn) ||
		sql_run(cloud->db, NULL, err, "DELETE FROM iam_policy WHERE arn = ?", "s", arn) ||
		local_tags_clear(cloud, arn, err))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	sql_done(st);
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	policy_row_release(&p);
	return result;
}

/* --- lists --- */

static int list_own(struct local_cloud *cloud, const char *prefix, bool only_attached,
	struct json *list, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		SELECT_POLICY "WHERE substr(path, 1, length(?1)) = ?1 ORDER BY name", "s", prefix);
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0) {
		struct policy_row p = {0};

		policy_row_read(st, &p);
		if (!only_attached || p.attached)
			json_push(list, policy_summary(&p));
		policy_row_release(&p);
	}
	sql_done(st);
	return row;
}

static void list_managed(const char *prefix, struct json *list)
{
	size_t i;

	for (i = 0; i < policy_nr_managed; i++) {
		struct policy_row p = {0};

		managed_read(&policy_managed[i], &p);
		if (starts_with(p.path, prefix))
			json_push(list, policy_summary(&p));
		policy_row_release(&p);
	}
}

/* Cuts the page out of the whole list. */
static void cut_page(struct json *all, const struct iam_page *page, struct json *out)
{
	struct json *list = json_array(), *e;
	bool seen = !page->after, more = false;

	json_each(e, all)
	{
		if (!seen) {
			seen = !strcmp(json_get_str(e, "Arn"), page->after);
			continue;
		}
		if ((more = json_len(list) == (size_t)page->max))
			break;
		json_push(list, json_copy(e));
	}
	local_iam_page_close(out, more,
		json_len(list) ? json_get_str(json_at(list, json_len(list) - 1), "Arn") : "");
	json_set(out, "Policies", list);
}

static int list_policies(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *scope = json_get_str(req->in, "Scope"),
		   *prefix = json_get_str(req->in, "PathPrefix");
	bool only_attached = json_get_truth(req->in, "OnlyAttached", false);
	struct json *all = json_array();
	struct iam_page page = {0};
	int result = -1;

	if (local_iam_page_read(req, &page, err) || local_tx_begin(cloud, err))
		goto out;
	if ((!scope || strcmp(scope, "AWS")) &&
		list_own(cloud, prefix ? prefix : "/", only_attached, all, err))
		goto out;
	if ((!scope || strcmp(scope, "Local")) && !only_attached)
		list_managed(prefix ? prefix : "/", all);
	*out = json_object();
	cut_page(all, &page, *out);
	result = 0;
out:
	local_tx_end(cloud);
	json_free(all);
	local_iam_page_release(&page);
	return result;
}

static int list_entities_for_policy(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *roles = json_array(), *users = json_array(), *groups = json_array();
	struct sql_stmt *st = NULL;
	struct policy_row p = {0};
	const char *arn;
	int row = -1, result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || local_tx_begin(cloud, err) ||
		policy_get(cloud, arn, &p, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT e.kind, e.name, e.id FROM iam_attached a JOIN iam_entity e "
		"ON e.kind = a.kind AND e.name = a.owner WHERE a.arn = ? ORDER BY e.name",
		"s", arn);
	while (st && (row = sql_step(st, err)) > 0) {
		const char *kind = sql_text(st, 0), *title = local_iam_kind_title(kind);
		char *name_name = xasprintf("%sName", title), *id_name = xasprintf("%sId", title);
		struct json *e = json_object();

		json_set_str(e, name_name, sql_text(st, 1));
		json_set_str(e, id_name, sql_text(st, 2));
		json_push(!strcmp(kind, "role")   ? roles
			  : !strcmp(kind, "user") ? users
						  : groups,
			e);
		free(name_name);
		free(id_name);
	}
	if (row < 0)
		goto out;
	*out = json_object();
	json_set(*out, "PolicyGroups", groups);
	json_set(*out, "PolicyUsers", users);
	json_set(*out, "PolicyRoles", roles);
	roles = users = groups = NULL;
	result = local_iam_page_cut(req, *out, err);
out:
	sql_done(st);
	local_tx_end(cloud);
	json_free(roles);
	json_free(users);
	json_free(groups);
	policy_row_release(&p);
	return result;
}

/* --- versions --- */

static int read_version(const struct local_request *req, int64_t *version, struct err *err)
{
	const char *id;
	long long number;

	if (local_iam_need(req, "VersionId", &id, err))
		return -1;
	if (*id == 'v' && !parse_int64(id + 1, 1, 1000000000, &number)) {
		*version = number;
		return 0;
	}
	return local_fault(err, 400, "ValidationError",
		"Value '%s' at 'versionId' failed to satisfy constraint: Member must satisfy "
		"regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?",
		id);
}

static struct json *version_json(
	int64_t version, bool is_default, int64_t created_ms, const char *document)
{
	struct json *v = json_object();
	char *id = xasprintf("v%lld", (long long)version);

	if (document) {
		char *encoded = local_iam_encode_document(document);

		json_set_str(v, "Document", encoded);
		free(encoded);
	}
	json_set_str(v, "VersionId", id);
	json_set_bool(v, "IsDefaultVersion", is_default);
	local_iam_set_time(v, "CreateDate", created_ms);
	free(id);
	return v;
}

static int count_versions(
	struct local_cloud *cloud, const char *arn, int64_t *count, int64_t *next, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT next_version, (SELECT count(*) FROM iam_policy_version v "
		"WHERE v.arn = p.arn) FROM iam_policy p WHERE arn = ?",
		"s", arn);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		*next = sql_int(st, 0);
		*count = sql_int(st, 1);
	}
	sql_done(st);
	return row > 0 ? 0 : -1;
}

static int create_version(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	bool is_default = json_get_truth(req->in, "SetAsDefault", false);
	int64_t count = 0, next = 0, now = local_now_ms(cloud);
	struct policy_row p = {0};
	const char *arn, *document;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) ||
		local_iam_need(req, "PolicyDocument", &document, err) ||
		check_document(document, err) || local_tx_begin(cloud, err) ||
		policy_get_own(cloud, arn, &p, err) ||
		count_versions(cloud, arn, &count, &next, err))
		goto out;
	if (count >= MAX_VERSIONS) {
		local_fault(err, 409, "LimitExceeded",
			"A managed policy can have up to %d versions. Before you create a new "
			"version, you must delete an existing version.",
			MAX_VERSIONS);
		goto out;
	}
	if (sql_run(cloud->db, NULL, err,
		    "INSERT INTO iam_policy_version(arn, version, document, created_ms) "
		    "VALUES(?, ?, ?, ?)",
		    "sisi", arn, next, document, now) ||
		sql_run(cloud->db, NULL, err,
			"UPDATE iam_policy SET next_version = next_version + 1, updated_ms = ?, "
			"default_version = ? WHERE arn = ?",
			"iis", now, is_default ? next : p.version, arn) ||
		local_tx_commit(cloud, err))
		goto out;
	*out = json_object();
	json_set(*out, "PolicyVersion", version_json(next, is_default, now, NULL));
	result = 0;
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	policy_row_release(&p);
	return result;
}

static int no_version(const char *arn, int64_t version, struct err *err)
{
	return local_iam_no_such(err,
		"Policy %s version v%lld does not exist or is not attachable.", arn,
		(long long)version);
}

static int get_version(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const struct policy_managed *managed;
	struct policy_row p = {0};
	struct sql_stmt *st = NULL;
	const char *arn;
	int64_t version;
	int row, result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || read_version(req, &version, err) ||
		local_tx_begin(cloud, err) || policy_get(cloud, arn, &p, err))
		goto out;
	managed = policy_managed_find(arn);
	if (managed && version == 1) {
		*out = json_object();
		json_set(*out, "PolicyVersion",
			version_json(1, true, p.created_ms, managed->document));
		result = 0;
		goto out;
	}
	st = sql_query(cloud->db, err,
		"SELECT document, created_ms FROM iam_policy_version WHERE arn = ? AND version = ?",
		"si", arn, version);
	if (!st || (row = sql_step(st, err)) < 0)
		goto out;
	if (!row) {
		no_version(arn, version, err);
		goto out;
	}
	*out = json_object();
	json_set(*out, "PolicyVersion",
		version_json(version, version == p.version, sql_int(st, 1), sql_text(st, 0)));
	result = 0;
out:
	sql_done(st);
	local_tx_end(cloud);
	policy_row_release(&p);
	return result;
}

static int list_versions(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *list = json_array();
	struct policy_row p = {0};
	struct sql_stmt *st = NULL;
	const char *arn;
	int row = -1, result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || local_tx_begin(cloud, err) ||
		policy_get(cloud, arn, &p, err))
		goto out;
	if (policy_managed_find(arn))
		json_push(list, version_json(1, true, p.created_ms, NULL));
	st = sql_query(cloud->db, err,
		"SELECT version, created_ms FROM iam_policy_version WHERE arn = ? "
		"ORDER BY version DESC",
		"s", arn);
	while (st && (row = sql_step(st, err)) > 0)
		json_push(list, version_json(sql_int(st, 0), sql_int(st, 0) == p.version,
					sql_int(st, 1), NULL));
	if (row < 0)
		goto out;
	*out = json_object();
	json_set(*out, "Versions", list);
	list = NULL;
	result = local_iam_page_cut(req, *out, err);
out:
	sql_done(st);
	local_tx_end(cloud);
	json_free(list);
	policy_row_release(&p);
	return result;
}

static int delete_version(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct policy_row p = {0};
	int64_t version, changed = 0;
	const char *arn;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || read_version(req, &version, err) ||
		local_tx_begin(cloud, err) || policy_get_own(cloud, arn, &p, err))
		goto out;
	if (version == p.version) {
		local_fault(err, 409, "DeleteConflict",
			"Cannot delete the default version of a policy.");
		goto out;
	}
	if (sql_run(cloud->db, &changed, err,
		    "DELETE FROM iam_policy_version WHERE arn = ? AND version = ?", "si", arn,
		    version))
		goto out;
	result = changed ? local_tx_commit(cloud, err) : no_version(arn, version, err);
out:
	local_tx_end(cloud);
	policy_row_release(&p);
	return result;
}

static int set_default_version(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct policy_row p = {0};
	int64_t version, changed = 0;
	const char *arn;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || read_version(req, &version, err) ||
		local_tx_begin(cloud, err) || policy_get_own(cloud, arn, &p, err) ||
		sql_run(cloud->db, &changed, err,
			"UPDATE iam_policy SET default_version = ?2 WHERE arn = ?1 AND "
			"EXISTS(SELECT 1 "
			"FROM iam_policy_version v WHERE v.arn = ?1 AND v.version = ?2)",
			"si", arn, version))
		goto out;
	result = changed ? local_tx_commit(cloud, err) : no_version(arn, version, err);
out:
	local_tx_end(cloud);
	if (!result)
		local_iam_changed(cloud);
	policy_row_release(&p);
	return result;
}

/* --- tags --- */

static int tag_policy(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct json *tags = NULL;
	struct policy_row p = {0};
	const char *arn;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) ||
		local_iam_tags_read(json_get(req->in, "Tags"), &tags, err) ||
		local_tx_begin(cloud, err) || policy_get_own(cloud, arn, &p, err) ||
		local_tags_set(cloud, arn, tags, err))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	json_free(tags);
	policy_row_release(&p);
	return result;
}

static int untag_policy(struct local_cloud *cloud, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	struct policy_row p = {0};
	const char *arn;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) ||
		local_iam_tag_keys_check(json_get(req->in, "TagKeys"), err) ||
		local_tx_begin(cloud, err) || policy_get_own(cloud, arn, &p, err) ||
		local_tags_remove(cloud, arn, json_get(req->in, "TagKeys"), err))
		goto out;
	result = local_tx_commit(cloud, err);
out:
	local_tx_end(cloud);
	policy_row_release(&p);
	return result;
}

static int list_policy_tags(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct policy_row p = {0};
	struct json *tags = NULL;
	const char *arn;
	int result = -1;

	if (local_iam_need(req, "PolicyArn", &arn, err) || local_tx_begin(cloud, err) ||
		policy_get(cloud, arn, &p, err) || local_tags_get(cloud, arn, &tags, err))
		goto out;
	*out = json_object();
	json_set(*out, "Tags", local_iam_tags_list(tags));
	result = local_iam_page_cut(req, *out, err);
out:
	local_tx_end(cloud);
	json_free(tags);
	policy_row_release(&p);
	return result;
}

static void policy_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *given = json_get_str(req->in, "PolicyArn"),
		   *path = json_get_str(req->in, "Path"),
		   *name = json_get_str(req->in, "PolicyName");

	if (given)
		strbuf_addstr(arn, given);
	else
		strbuf_addf(arn, "arn:aws:iam::%s:policy%s%s", cloud->account, path ? path : "/",
			name ? name : "");
}

static const struct local_route routes[] = {
	{"CreatePolicy", create_policy, policy_arn},
	{"CreatePolicyVersion", create_version, policy_arn},
	{"DeletePolicy", delete_policy, policy_arn},
	{"DeletePolicyVersion", delete_version, policy_arn},
	{"GetPolicy", get_policy, policy_arn},
	{"GetPolicyVersion", get_version, policy_arn},
	{"ListEntitiesForPolicy", list_entities_for_policy, policy_arn},
	{"ListPolicies", list_policies, NULL},
	{"ListPolicyTags", list_policy_tags, policy_arn},
	{"ListPolicyVersions", list_versions, policy_arn},
	{"SetDefaultPolicyVersion", set_default_version, policy_arn},
	{"TagPolicy", tag_policy, policy_arn},
	{"UntagPolicy", untag_policy, policy_arn},
};
const struct local_service local_iam_policy_service = {"iam", routes, ARRAY_SIZE(routes)};
