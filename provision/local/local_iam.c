/* Principals, sessions and the verdict on their requests. */
#include "local_iam.h"

#include <ctype.h>
#include <pthread.h>
#include "local_iam_store.h"
#include "map.h"
#include "xalloc.h"

/* Parsed policies by role name; thrown away as a whole at every change. */
struct iam_state {
	pthread_mutex_t lock;
	struct map roles; /* struct role_policies * */
	unsigned long generation;
};

struct role_policies {
	struct json *identity; /* array of documents */
	struct json *boundary; /* or NULL */
};

static void role_policies_free(void *p)
{
	struct role_policies *r = p;

	json_free(r->identity);
	json_free(r->boundary);
	free(r);
}

static void *state_new(void)
{
	struct iam_state *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	map_init(&s->roles, role_policies_free);
	return s;
}

static void state_free(void *state)
{
	struct iam_state *s = state;

	map_release(&s->roles);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int recover(struct local_cloud *cloud, struct err *err)
{
	int result = -1;

	if (local_tx_begin(cloud, err))
		return -1;
	if (!sql_run(cloud->db, NULL, err, "DELETE FROM iam_session WHERE expires_ms < ?", "i",
		    local_now_ms(cloud)) &&
		!local_tx_commit(cloud, err))
		result = 0;
	local_tx_end(cloud);
	return result;
}

const struct local_part local_iam_part = {
	.name = "iam",
	.schema = "CREATE TABLE IF NOT EXISTS iam_entity(kind TEXT NOT NULL,"
		  " name TEXT NOT NULL COLLATE NOCASE, path TEXT NOT NULL, id TEXT NOT NULL,"
		  " arn TEXT NOT NULL, created_ms INTEGER NOT NULL, trust TEXT, description TEXT,"
		  " max_session_s INTEGER NOT NULL DEFAULT 3600, boundary TEXT,"
		  " PRIMARY KEY(kind, name)) WITHOUT ROWID;"
		  "CREATE TABLE IF NOT EXISTS iam_inline(kind TEXT NOT NULL,"
		  " owner TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL, document TEXT NOT NULL,"
		  " PRIMARY KEY(kind, owner, name)) WITHOUT ROWID;"
		  "CREATE TABLE IF NOT EXISTS iam_attached(kind TEXT NOT NULL,"
		  " owner TEXT NOT NULL COLLATE NOCASE, arn TEXT NOT NULL,"
		  " PRIMARY KEY(kind, owner, arn)) WITHOUT ROWID;"
		  "CREATE INDEX IF NOT EXISTS iam_attached_arn ON iam_attached(arn);"
		  "CREATE TABLE IF NOT EXISTS iam_policy(arn TEXT PRIMARY KEY,"
		  " name TEXT NOT NULL UNIQUE COLLATE NOCASE, path TEXT NOT NULL, id TEXT NOT NULL,"
		  " description TEXT, default_version INTEGER NOT NULL,"
		  " next_version INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
		  " updated_ms INTEGER NOT NULL) WITHOUT ROWID;"
		  "CREATE TABLE IF NOT EXISTS iam_policy_version(arn TEXT NOT NULL,"
		  " version INTEGER NOT NULL, document TEXT NOT NULL, created_ms INTEGER NOT NULL,"
		  " PRIMARY KEY(arn, version)) WITHOUT ROWID;"
		  "CREATE TABLE IF NOT EXISTS iam_member(grp TEXT NOT NULL COLLATE NOCASE,"
		  " user TEXT NOT NULL COLLATE NOCASE, PRIMARY KEY(grp, user)) WITHOUT ROWID;"
		  "CREATE TABLE IF NOT EXISTS iam_session(access_key_id TEXT PRIMARY KEY,"
		  " secret TEXT NOT NULL, token TEXT NOT NULL, role TEXT, name TEXT,"
		  " expires_ms INTEGER NOT NULL) WITHOUT ROWID;"
		  "CREATE INDEX IF NOT EXISTS iam_session_expires ON iam_session(expires_ms);",
	.recover = recover,
	.state_new = state_new,
	.state_free = state_free,
};

void local_iam_changed(struct local_cloud *cloud)
{
	struct iam_state *s = local_part_state(cloud, &local_iam_part);

	pthread_mutex_lock(&s->lock);
	map_release(&s->roles);
	map_init(&s->roles, role_policies_free);
	s->generation++;
	pthread_mutex_unlock(&s->lock);
}

/* --- principals --- */

void local_principal_release(struct local_principal *p)
{
	if (!p)
		return;
	free(p->account);
	free(p->arn);
	free(p->role_name);
	free(p->access_key_id);
	free(p->user_id);
	*p = (struct local_principal){0};
}

void local_principal_root(
	struct local_cloud *cloud, const char *access_key_id, struct local_principal *out)
{
	out->account = xstrdup(cloud->account);
	out->arn = local_arn(cloud, "iam", "", "root");
	out->access_key_id = xstrdup(access_key_id);
	out->user_id = xstrdup(cloud->account);
}

int local_principal_role(struct local_cloud *cloud, const char *role_name, const char *session_name,
	const char *access_key_id, struct local_principal *out, struct err *err)
{
	struct iam_entity role = {0};
	int found;

	if (local_tx_begin(cloud, err))
		return -1;
	found = local_iam_entity_find(cloud, "role", role_name, &role, err);
	local_tx_end(cloud);
	if (found > 0) {
		out->account = xstrdup(cloud->account);
		out->arn =
			local_arn(cloud, "sts", "", "assumed-role/%s/%s", role.name, session_name);
		out->role_name = xstrdup(role.name);
		out->access_key_id = xstrdup(access_key_id);
		out->user_id = xasprintf("%s:%s", role.id, session_name);
	} else if (!found)
		err_set(err, ERR_NOT_FOUND, "role '%s' does not exist", role_name);
	local_iam_entity_release(&role);
	return found > 0 ? 0 : -1;
}

int local_iam_role_principal(struct local_cloud *cloud, const char *role_name,
	const char *session_name, struct local_principal *out, struct err *err)
{
	return local_principal_role(cloud, role_name, session_name, NULL, out, err);
}

/* --- sessions --- */

void local_session_release(struct local_session *s)
{
	free_secret(s->secret);
	free_secret(s->token);
	free(s->role_name);
	free(s->session_name);
	*s = (struct local_session){0};
}

int local_session_find(struct local_cloud *cloud, const char *access_key_id,
	struct local_session *out, struct err *err)
{
	struct sql_stmt *st;
	int row = -1;

	if (local_tx_begin(cloud, err))
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT secret, token, role, name, expires_ms FROM iam_session "
		"WHERE access_key_id = ?",
		"s", access_key_id);
	if (st && (row = sql_step(st, err)) > 0) {
		out->secret = xstrdup(sql_text(st, 0));
		out->token = xstrdup(sql_text(st, 1));
		out->role_name = xstrdup(sql_text(st, 2));
		out->session_name = xstrdup(sql_text(st, 3));
		out->expires_ms = sql_int(st, 4);
	}
	sql_done(st);
	local_tx_end(cloud);
	return row;
}

static void upper_ascii(char *s)
{
	for (; *s; s++)
		*s = (char)toupper((unsigned char)*s);
}

int local_iam_session_new(struct local_cloud *cloud, const char *role_name,
	const char *session_name, int64_t seconds, char **access_key_id, char **secret,
	char **token, struct err *err)
{
	int result = -1;

	*access_key_id = local_id("ASIA", 16);
	upper_ascii(*access_key_id);
	*secret = local_id("", 40);
	*token = local_id("FwoGZXIvYXdzE", 128);
	if (!local_tx_begin(cloud, err) &&
		!sql_run(cloud->db, NULL, err, "DELETE FROM iam_session WHERE expires_ms < ?", "i",
			local_now_ms(cloud) - 86400000) &&
		!sql_run(cloud->db, NULL, err,
			"INSERT INTO iam_session(access_key_id, secret, token, role, name, "
			"expires_ms) VALUES(?, ?, ?, ?, ?, ?)",
			"sssssi", *access_key_id, *secret, *token, role_name, session_name,
			local_now_ms(cloud) + seconds * 1000) &&
		!local_tx_commit(cloud, err))
		result = 0;
	local_tx_end(cloud);
	if (!result)
		return 0;
	free(*access_key_id);
	free_secret(*secret);
	free_secret(*token);
	*access_key_id = *secret = *token = NULL;
	return -1;
}

int local_iam_principal(struct local_cloud *cloud, const char *access_key_id,
	struct local_principal *out, struct err *err)
{
	struct local_session session = {0};
	int found, result = -1;

	if (!strcmp(access_key_id, cloud->private->access_key_id)) {
		local_principal_root(cloud, access_key_id, out);
		return 0;
	}
	found = local_session_find(cloud, access_key_id, &session, err);
	if (!found)
		err_set(err, ERR_NOT_FOUND, "access key '%s' is unknown", access_key_id);
	else if (found > 0 && session.expires_ms <= local_now_ms(cloud))
		err_set(err, ERR_DENIED, "the session of '%s' has expired", access_key_id);
	else if (found > 0 && !session.role_name) {
		local_principal_root(cloud, access_key_id, out);
		result = 0;
	} else if (found > 0)
		result = local_principal_role(
			cloud, session.role_name, session.session_name, access_key_id, out, err);
	local_session_release(&session);
	return result;
}

/* --- trust --- */

/* The name behind "arn:aws:iam::A:role/path/NAME", or the name itself. */
static const char *role_name_of(const char *role)
{
	const char *slash = starts_with(role, "arn:") ? strrchr(role, '/') : NULL;

	return slash ? slash + 1 : role;
}

int local_iam_role_for_service(struct local_cloud *cloud, const char *role, const char *service,
	char **name, struct err *err)
{
	struct policy_request q = {.action = "sts:AssumeRole", .service = service};
	struct iam_entity e = {0};
	struct json *trust = NULL;
	int found, result = -1;

	*name = NULL;
	if (local_tx_begin(cloud, err))
		return -1;
	found = local_iam_entity_find(cloud, "role", role_name_of(role), &e, err);
	local_tx_end(cloud);
	if (found < 0)
		goto out;
	if (!found || (starts_with(role, "arn:") && strcmp(role, e.arn))) {
		err_set(err, ERR_NOT_FOUND, "role '%s' does not exist", role);
		goto out;
	}
	trust = json_parse(e.trust, strlen(e.trust), err);
	if (!trust)
		goto out;
	if (policy_evaluate(trust, &q) != POLICY_ALLOW) {
		err_set(err, ERR_DENIED,
			"the trust policy of role '%s' does not let '%s' assume it", e.name,
			service);
		goto out;
	}
	*name = xstrdup(e.name);
	result = 0;
out:
	json_free(trust);
	local_iam_entity_release(&e);
	return result;
}

/* --- verdict --- */

static int push_documents(struct local_cloud *cloud, const char *sql, const char *role,
	struct json *to, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err, sql, "s", role);
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0) {
		const char *text = sql_text(st, 0);

		json_push(to, json_parse(text, strlen(text), NULL));
	}
	sql_done(st);
	return row;
}

static void push_managed(struct json *to, const char *arn)
{
	const struct policy_managed *p = policy_managed_find(arn);

	if (p)
		json_push(to, json_parse(p->document, strlen(p->document), NULL));
}

static int push_aws_managed(
	struct local_cloud *cloud, const char *role, struct json *to, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT arn FROM iam_attached WHERE kind = 'role' AND owner = ? "
		"AND arn LIKE 'arn:aws:iam::aws:policy/%'",
		"s", role);
	int row;

	if (!st)
		return -1;
	while ((row = sql_step(st, err)) > 0)
		push_managed(to, sql_text(st, 0));
	sql_done(st);
	return row;
}

static int load_boundary(
	struct local_cloud *cloud, const char *role, struct json **out, struct err *err)
{
	struct iam_entity e = {0};
	char *text = NULL;
	int result = -1;

	if (local_iam_entity_get(cloud, "role", role, &e, err))
		return -1;
	if (e.boundary && local_iam_policy_document(cloud, e.boundary, &text, err) < 0)
		goto out;
	if (e.boundary)
		*out = text ? json_parse(text, strlen(text), NULL) : json_object();
	result = 0;
out:
	free(text);
	local_iam_entity_release(&e);
	return result;
}

/* Everything that decides for a role; NULL when it cannot be read (which denies). */
static struct role_policies *load_policies(struct local_cloud *cloud, const char *role)
{
	struct role_policies *r = xcalloc(1, sizeof(*r));
	struct err err = ERR_INIT;
	bool ok = false;

	r->identity = json_array();
	if (!local_tx_begin(cloud, &err))
		ok = !push_documents(cloud,
			     "SELECT document FROM iam_inline WHERE kind = 'role' AND owner = ?",
			     role, r->identity, &err) &&
		     !push_documents(cloud,
			     "SELECT v.document FROM iam_attached a JOIN iam_policy p "
			     "ON p.arn = a.arn JOIN iam_policy_version v ON v.arn = p.arn "
			     "AND v.version = p.default_version "
			     "WHERE a.kind = 'role' AND a.owner = ?",
			     role, r->identity, &err) &&
		     !push_aws_managed(cloud, role, r->identity, &err) &&
		     !load_boundary(cloud, role, &r->boundary, &err);
	local_tx_end(cloud);
	err_release(&err);
	if (ok)
		return r;
	role_policies_free(r);
	return NULL;
}

static bool policies_allow(const struct role_policies *r, const struct policy_request *q)
{
	bool allowed = false;
	struct json *doc;

	json_each(doc, r->identity)
	{
		enum policy_effect effect = policy_evaluate(doc, q);

		if (effect == POLICY_DENY)
			return false;
		allowed |= effect == POLICY_ALLOW;
	}
	return allowed && (!r->boundary || policy_evaluate(r->boundary, q) == POLICY_ALLOW);
}

static bool decide(struct local_cloud *cloud, const char *role, const struct policy_request *q)
{
	struct iam_state *s = local_part_state(cloud, &local_iam_part);
	struct role_policies *r;
	unsigned long generation;
	bool allowed;

	pthread_mutex_lock(&s->lock);
	r = map_get(&s->roles, role);
	allowed = r && policies_allow(r, q);
	generation = s->generation;
	pthread_mutex_unlock(&s->lock);
	if (r)
		return allowed;
	r = load_policies(cloud, role);
	if (!r)
		return false;
	allowed = policies_allow(r, q);
	pthread_mutex_lock(&s->lock);
	if (generation == s->generation)
		map_put(&s->roles, role, r);
	else
		role_policies_free(r);
	pthread_mutex_unlock(&s->lock);
	return allowed;
}

static struct json *context_of(struct local_cloud *cloud, const struct local_principal *who)
{
	struct json *c = json_object();
	struct strbuf now = STRBUF_INIT;
	int64_t now_ms = local_now_ms(cloud);
	char *role_arn = local_arn(cloud, "iam", "", "role/%s", who->role_name);

	clock_add_iso(&now, now_ms, false);
	json_set_str(c, "aws:CurrentTime", now.buf);
	json_set_i64(c, "aws:EpochTime", now_ms / 1000);
	json_set_str(c, "aws:PrincipalAccount", who->account);
	json_set_str(c, "aws:ResourceAccount", cloud->account);
	json_set_str(c, "aws:PrincipalArn", role_arn);
	json_set_str(c, "aws:PrincipalType", "AssumedRole");
	json_set_str(c, "aws:userid", who->user_id);
	/* what comes over loopback is as private as TLS */
	json_set_str(c, "aws:SecureTransport", "true");
	json_set_str(c, "aws:SourceIp", "127.0.0.1");
	strbuf_release(&now);
	free(role_arn);
	return c;
}

bool local_iam_allows_with(struct local_cloud *cloud, const struct local_principal *who,
	const char *action, const char *arn, const struct json *more)
{
	struct policy_request q = {.action = action, .resource = arn};
	struct json *context, *e;
	bool allowed;

	if (!who || !who->role_name)
		return true;
	context = context_of(cloud, who);
	json_each(e, more) json_set(context, json_name(e), json_copy(e));
	q.context = context;
	allowed = decide(cloud, who->role_name, &q);
	json_free(context);
	return allowed;
}

bool local_iam_allows(struct local_cloud *cloud, const struct local_principal *who,
	const char *action, const char *arn)
{
	return local_iam_allows_with(cloud, who, action, arn, NULL);
}
