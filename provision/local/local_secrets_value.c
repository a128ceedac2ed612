/* Values: versions and their staging labels. A version never changes; labels move. */
#include "local_secrets.h"

#include "base64.h"
#include "local_glue.h"
#include "local_iam.h"
#include "local_services.h"

#define VALUE_MAX 65536
#define VERSIONS_MAX 100

/* --- input --- */

int secrets_check_value(const struct json *in, bool *given, struct err *err)
{
	const struct json *text = json_get(in, "SecretString"),
			  *bytes = json_get(in, "SecretBinary");
	struct strbuf plain = STRBUF_INIT;
	int ret = 0;

	*given = json_str(text) || json_str(bytes);
	if (json_str(text) && json_str(bytes))
		return secrets_parameter(err,
			"You can't specify both a binary secret value and a string secret value in "
			"the same secret.");
	if (json_str(text) && strlen(json_str(text)) > VALUE_MAX)
		return secrets_invalid(err,
			"1 validation error detected: Value at 'secretString' failed to satisfy "
			"constraint: Member must have length less than or equal to %d",
			VALUE_MAX);
	if (secrets_check_length(in, "SecretString", 1, VALUE_MAX, err) ||
		secrets_check_length(in, "ClientRequestToken", 32, 64, err))
		return -1;
	if (!json_str(bytes))
		return 0;
	if (base64_decode(&plain, json_str(bytes), strlen(json_str(bytes))))
		ret = local_fault(
			err, 400, "SerializationException", "'SecretBinary' is not Base64");
	else if (!plain.len || plain.len > VALUE_MAX)
		ret = secrets_invalid(err,
			"1 validation error detected: Value at 'secretBinary' failed to satisfy "
			"constraint: Member must have length between 1 and %d",
			VALUE_MAX);
	wipe(plain.buf, plain.len);
	strbuf_release(&plain);
	return ret;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : !a && !b;
}

int secrets_same_tx(struct local_cloud *cloud, const struct local_call *k, const struct secret *s,
	struct err *err)
{
	const char *token = json_get_str(k->in, "ClientRequestToken");
	struct sql_stmt *st;
	int row, same = 0;

	if (!token)
		return 0;
	st = sql_query(cloud->db, err,
		"SELECT text, binary FROM secret_version WHERE secret_id = ? AND version = ?", "is",
		s->id, token);
	row = st ? sql_step(st, err) : -1;
	if (row > 0)
		same = same_text(sql_text(st, 0), json_get_str(k->in, "SecretString")) &&
				       same_text(
					       sql_text(st, 1), json_get_str(k->in, "SecretBinary"))
			       ? 1
			       : -1;
	sql_done(st);
	if (row < 0)
		return -1;
	if (same < 0)
		secrets_exists(err,
			"You can't use ClientRequestToken %s because that value is already in use "
			"for a version of secret %s.",
			token, s->arn);
	return same;
}

/* --- labels --- */

int secrets_stages_tx(struct local_cloud *cloud, int64_t secret, const char *version,
	struct json **stages, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT stage FROM secret_stage WHERE secret_id = ? AND version = ? ORDER BY stage",
		"is", secret, version);
	int row = -1;

	*stages = json_array();
	while (st && (row = sql_step(st, err)) > 0)
		json_push_str(*stages, sql_text(st, 0));
	sql_done(st);
	return row < 0 ? -1 : 0;
}

/* The version that a label points to; *version NULL: none. Malloc'd. */
static int staged_version_tx(struct local_cloud *cloud, int64_t secret, const char *stage,
	char **version, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT version FROM secret_stage WHERE secret_id = ? AND stage = ?", "is", secret,
		stage);
	int row = st ? sql_step(st, err) : -1;

	*version = row > 0 ? xstrdup(sql_text(st, 0)) : NULL;
	sql_done(st);
	return row < 0 ? -1 : 0;
}

static int point_tx(struct local_cloud *cloud, int64_t secret, const char *stage,
	const char *version, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"INSERT INTO secret_stage (secret_id, stage, version) VALUES (?, ?, ?) ON CONFLICT "
		"DO "
		"UPDATE SET version = excluded.version",
		"iss", secret, stage, version);
}

/* Where AWSCURRENT leaves a version, AWSPREVIOUS comes to it. */
static int move_stage_tx(struct local_cloud *cloud, int64_t secret, const char *stage,
	const char *version, struct err *err)
{
	char *before = NULL;
	int ret = 0;

	if (!strcmp(stage, SECRETS_CURRENT)) {
		ret = staged_version_tx(cloud, secret, stage, &before, err);
		if (!ret && before && strcmp(before, version) != 0)
			ret = point_tx(cloud, secret, SECRETS_PREVIOUS, before, err);
		/* a version is not both */
		if (!ret)
			ret = sql_run(cloud->db, NULL, err,
				"DELETE FROM secret_stage WHERE secret_id = ? AND stage = ? AND "
				"version = ?",
				"iss", secret, SECRETS_PREVIOUS, version);
	}
	if (!ret)
		ret = point_tx(cloud, secret, stage, version, err);
	free(before);
	return ret;
}

/* --- put --- */

/* What has no label goes, oldest first, once there are more than a hundred. */
static int drop_deprecated_tx(struct local_cloud *cloud, int64_t secret, struct err *err)
{
	return sql_run(cloud->db, NULL, err,
		"DELETE FROM secret_version WHERE secret_id = ?1 AND version NOT IN (SELECT "
		"version "
		"FROM secret_stage WHERE secret_id = ?1) AND id NOT IN (SELECT id FROM "
		"secret_version WHERE secret_id = ?1 ORDER BY id DESC LIMIT ?2)",
		"ii", secret, (int64_t)VERSIONS_MAX);
}

static int check_stages(const struct json *stages, struct err *err)
{
	const struct json *e;

	if (!stages || json_is(stages, JSON_NULL))
		return 0;
	if (!json_is(stages, JSON_ARRAY) || !json_len(stages) || json_len(stages) > 20)
		return secrets_parameter(err, "VersionStages needs 1 to 20 staging labels.");
	json_each(e, stages)
	{
		const char *s = json_str(e);
		if (!s || !*s || strlen(s) > 256)
			return secrets_parameter(err, "A staging label has 1 to 256 characters.");
	}
	return 0;
}

static int label_new_tx(struct local_cloud *cloud, int64_t secret, const struct json *stages,
	const char *version, struct err *err)
{
	const struct json *e;
	char *current = NULL;
	int ret = staged_version_tx(cloud, secret, SECRETS_CURRENT, &current, err);

	json_each(e, stages) if (!ret) ret =
		move_stage_tx(cloud, secret, json_str(e), version, err);
	/* the first version is the current one, whatever else it is */
	if (!ret && (!current || !json_len(stages)))
		ret = move_stage_tx(cloud, secret, SECRETS_CURRENT, version, err);
	free(current);
	return ret;
}

int secrets_put_tx(struct local_cloud *cloud, const struct local_call *k, const struct secret *s,
	const struct json *stages, char **version, struct err *err)
{
	const char *token = json_get_str(k->in, "ClientRequestToken");
	int same = secrets_same_tx(cloud, k, s, err);

	if (same < 0)
		return -1;
	*version = token ? xstrdup(token) : local_uuid();
	if (same > 0)
		return 0;
	if (sql_run(cloud->db, NULL, err,
		    "INSERT INTO secret_version (secret_id, version, text, binary, created_ms) "
		    "VALUES (?, ?, ?, ?, ?)",
		    "isssi", s->id, *version, json_get_str(k->in, "SecretString"),
		    json_get_str(k->in, "SecretBinary"), k->now_ms) ||
		label_new_tx(cloud, s->id, stages, *version, err) ||
		drop_deprecated_tx(cloud, s->id, err))
		return -1;
	return sql_run(cloud->db, NULL, err, "UPDATE secret SET changed_ms = ? WHERE id = ?", "ii",
		k->now_ms, s->id);
}

static bool has_string(const struct json *list, const char *s)
{
	const struct json *e;

	json_each(e, list)
	{
		if (json_str(e) && !strcmp(json_str(e), s))
			return true;
	}
	return false;
}

/* The labels a version has, those that were asked for first and in that order. */
static struct json *as_asked(const struct json *asked, const struct json *labels)
{
	struct json *out = json_array();
	const struct json *e;

	json_each(e, asked)
	{
		if (has_string(labels, json_str(e)) && !has_string(out, json_str(e)))
			json_push_str(out, json_str(e));
	}
	json_each(e, labels)
	{
		if (!has_string(out, json_str(e)))
			json_push_str(out, json_str(e));
	}
	return out;
}

static int put_value_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const struct json *stages = json_get(k->in, "VersionStages");
	struct json *now = NULL;
	struct secret s = {0};
	char *version = NULL;
	bool value;
	int ret = -1;

	if (secrets_check_value(k->in, &value, err) || check_stages(stages, err))
		goto out;
	if (!value) {
		secrets_request(err, "You must provide either SecretString or SecretBinary.");
		goto out;
	}
	if (secret_usable_tx(cloud, k, &s, err))
		goto out;
	if (secrets_put_tx(cloud, k, &s, stages, &version, err) ||
		secrets_stages_tx(cloud, s.id, version, &now, err))
		goto out;
	k->out = secret_names(&s);
	json_set_str(k->out, "VersionId", version);
	json_set(k->out, "VersionStages", as_asked(stages, now));
	ret = 0;
out:
	json_free(now);
	free(version);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(put_secret_value, put_value_tx)

/* --- get --- */

/* The version that is asked for; malloc'd. NULL with err. */
static char *asked_version_tx(struct local_cloud *cloud, const struct local_call *k,
	const struct secret *s, struct err *err)
{
	const char *version = json_get_str(k->in, "VersionId");
	const char *stage = json_get_str(k->in, "VersionStage");
	char *found = NULL;

	if (version && !stage)
		return xstrdup(version);
	if (staged_version_tx(cloud, s->id, stage ? stage : SECRETS_CURRENT, &found, err))
		return NULL;
	if (version && (!found || strcmp(found, version) != 0)) {
		secrets_request(err,
			"You provided a VersionStage that is not associated to the provided "
			"VersionId.");
		free(found);
		return NULL;
	}
	if (!found)
		secrets_not_found(err,
			"Secrets Manager can't find the specified secret value for staging label: "
			"%s",
			stage ? stage : SECRETS_CURRENT);
	return found;
}

static int mark_access_tx(struct local_cloud *cloud, int64_t secret, const char *version,
	int64_t now, struct err *err)
{
	/* by the day: not every reading is a writing */
	if (sql_run(cloud->db, NULL, err,
		    "UPDATE secret SET accessed_ms = ?1 WHERE id = ?2 AND ifnull(accessed_ms, 0) < "
		    "?1 - ?1 % 86400000",
		    "ii", now, secret))
		return -1;
	return sql_run(cloud->db, NULL, err,
		"UPDATE secret_version SET accessed_ms = ?1 WHERE secret_id = ?2 AND version = ?3 "
		"AND ifnull(accessed_ms, 0) < ?1 - ?1 % 86400000",
		"iis", now, secret, version);
}

static int value_of_tx(struct local_cloud *cloud, const struct local_call *k,
	const struct secret *s, struct json **out, struct err *err)
{
	char *version = asked_version_tx(cloud, k, s, err);
	struct json *doc = NULL, *stages = NULL;
	struct sql_stmt *st;
	int row, ret = -1;

	*out = NULL;
	if (!version)
		return -1;
	st = sql_query(cloud->db, err,
		"SELECT text, binary, created_ms FROM secret_version WHERE secret_id = ? AND "
		"version = ?",
		"is", s->id, version);
	row = st ? sql_step(st, err) : -1;
	if (row > 0) {
		doc = secret_names(s);
		json_set_str(doc, "VersionId", version);
		json_set_str(doc, "SecretString", sql_text(st, 0));
		json_set_str(doc, "SecretBinary", sql_text(st, 1));
		glue_set_time(doc, "CreatedDate", sql_int(st, 2));
	}
	sql_done(st);
	if (row == 0)
		secrets_not_found(err,
			"Secrets Manager can't find the specified secret value for VersionId: %s",
			version);
	if (row <= 0 || secrets_stages_tx(cloud, s->id, version, &stages, err) ||
		mark_access_tx(cloud, s->id, version, k->now_ms, err))
		goto out;
	json_set(doc, "VersionStages", stages);
	stages = NULL;
	*out = doc;
	doc = NULL;
	ret = 0;
out:
	json_free(doc);
	json_free(stages);
	free(version);
	return ret;
}

static int get_value_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s = {0};
	int ret = secret_usable_tx(cloud, k, &s, err);

	if (!ret)
		ret = value_of_tx(cloud, k, &s, &k->out, err);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(get_secret_value, get_value_tx)

/* --- versions --- */

static struct json *version_entry(struct sql_stmt *st)
{
	struct json *v = json_object();

	json_set_str(v, "VersionId", sql_text(st, 1));
	glue_set_time(v, "LastAccessedDate", sql_int(st, 3) - sql_int(st, 3) % 86400000);
	glue_set_time(v, "CreatedDate", sql_int(st, 2));
	return v;
}

static int add_stages_tx(
	struct local_cloud *cloud, int64_t secret, struct json *versions, struct err *err)
{
	struct json *v, *stages;

	json_each(v, versions)
	{
		if (secrets_stages_tx(cloud, secret, json_get_str(v, "VersionId"), &stages, err)) {
			json_free(stages);
			return -1;
		}
		if (json_len(stages))
			json_set(v, "VersionStages", stages);
		else
			json_free(stages);
	}
	return 0;
}

static int list_versions_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	bool all = json_get_truth(k->in, "IncludeDeprecated", false);
	struct json *versions = json_array();
	struct sql_stmt *st = NULL;
	struct secret s = {0};
	char *after = NULL, *token = NULL, last[24] = "0";
	int64_t limit;
	int row = -1, ret = -1;

	if (secret_asked_tx(cloud, k, &s, err) || secrets_page(k->in, 100, &limit, &after, err))
		goto out;
	st = sql_query(cloud->db, err,
		"SELECT id, version, created_ms, accessed_ms FROM secret_version v WHERE secret_id "
		"= ?1 AND id > ?2 AND (?3 OR EXISTS (SELECT 1 FROM secret_stage g WHERE "
		"g.secret_id "
		"= ?1 AND g.version = v.version)) ORDER BY id LIMIT ?4",
		"iiii", s.id, (int64_t)strtoll(after ? after : "0", NULL, 10), (int64_t)all,
		limit + 1);
	while (st && (row = sql_step(st, err)) > 0 && (int64_t)json_len(versions) < limit) {
		snprintf(last, sizeof(last), "%lld", (long long)sql_int(st, 0));
		json_push(versions, version_entry(st));
	}
	sql_done(st);
	if (row < 0 || add_stages_tx(cloud, s.id, versions, err))
		goto out;
	token = row > 0 ? local_token_make(last) : NULL;
	k->out = secret_names(&s);
	json_set(k->out, "Versions", versions);
	json_set_str(k->out, "NextToken", token);
	versions = NULL;
	ret = 0;
out:
	json_free(versions);
	free(after);
	free(token);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(list_versions, list_versions_tx)

struct stage_move {
	const char *stage, *from, *to;
	char *at; /* where it is now */
};

static int check_move(const struct stage_move *m, struct err *err)
{
	if (!m->from && !m->to)
		return secrets_parameter(
			err, "You must provide RemoveFromVersionId, MoveToVersionId, or both.");
	if (m->from && (!m->at || strcmp(m->at, m->from) != 0))
		return secrets_parameter(err,
			"Staging label %s is not attached to version %s, which "
			"RemoveFromVersionId names.",
			m->stage, m->from);
	if (!m->to && !strcmp(m->stage, SECRETS_CURRENT))
		return secrets_parameter(err,
			"You can only move staging label AWSCURRENT to a different secret version. "
			"It can't be completely removed.");
	if (m->to && !m->from && m->at && strcmp(m->at, m->to) != 0)
		return secrets_parameter(err,
			"The parameter RemoveFromVersionId can't be empty. Staging label %s is "
			"currently attached to version %s, so you must explicitly reference that "
			"version in RemoveFromVersionId.",
			m->stage, m->at);
	return 0;
}

static int version_exists_tx(
	struct local_cloud *cloud, int64_t secret, const char *version, struct err *err)
{
	int row = sql_exists(cloud->db, err,
		"SELECT 1 FROM secret_version WHERE secret_id = ? AND version = ?", "is", secret,
		version);

	if (row == 0)
		return secrets_not_found(err,
			"Secrets Manager can't find the specified secret version: %s.", version);
	return row < 0 ? -1 : 0;
}

static int move_label_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct stage_move m = {json_get_str(k->in, "VersionStage"),
		json_get_str(k->in, "RemoveFromVersionId"), json_get_str(k->in, "MoveToVersionId"),
		NULL};
	struct secret s = {0};
	int ret = -1;

	if (!m.stage || !*m.stage)
		return secrets_parameter(err, "You must provide a VersionStage.");
	if (secret_usable_tx(cloud, k, &s, err) ||
		staged_version_tx(cloud, s.id, m.stage, &m.at, err) || check_move(&m, err) ||
		(m.to && version_exists_tx(cloud, s.id, m.to, err)))
		goto out;
	ret = m.to ? move_stage_tx(cloud, s.id, m.stage, m.to, err)
		   : sql_run(cloud->db, NULL, err,
			     "DELETE FROM secret_stage WHERE secret_id = ? AND stage = ?", "is",
			     s.id, m.stage);
	if (!ret)
		ret = sql_run(cloud->db, NULL, err, "UPDATE secret SET changed_ms = ? WHERE id = ?",
			"ii", k->now_ms, s.id);
	if (!ret)
		k->out = secret_names(&s);
out:
	free(m.at);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(update_stage, move_label_tx)

/* --- several at once --- */

static void push_error(struct json *errors, const char *id, const struct err *why)
{
	struct json *e = json_object();

	json_set_str(e, "SecretId", id);
	json_set_str(e, "ErrorCode", why->aws_code ? why->aws_code : "InternalServiceError");
	json_set_str(e, "Message", why->text);
	json_push(errors, e);
}

/* Each secret is its own decision; the caller must be allowed to read each. */
static void get_one(struct local_cloud *cloud, const struct local_request *req, const char *id,
	struct json *values, struct json *errors)
{
	struct json *in = json_object(), *value = NULL;
	struct local_request one = *req;
	struct strbuf arn = STRBUF_INIT;
	struct err why = ERR_INIT;

	json_set_str(in, "SecretId", id);
	one.in = in;
	one.operation = "GetSecretValue";
	secrets_arn_of(cloud, &one, &arn);
	if (req->who->role_name &&
		!local_iam_allows(cloud, req->who, "secretsmanager:GetSecretValue", arn.buf)) {
		local_fault(&why, 400, "AccessDeniedException",
			"User: %s is not authorized to perform: secretsmanager:GetSecretValue on "
			"resource: %s",
			req->who->arn, arn.buf);
		push_error(errors, id, &why);
	} else if (secrets_run(cloud, &one, get_value_tx, &value, &why)) {
		push_error(errors, id, &why);
	} else {
		json_push(values, value);
	}
	err_release(&why);
	strbuf_release(&arn);
	json_free(in);
}

static int batch_get(struct local_cloud *cloud, const struct local_request *req, struct json **out,
	struct err *err)
{
	const struct json *ids = json_get(req->in, "SecretIdList"),
			  *filters = json_get(req->in, "Filters");
	struct json *page = NULL, *values, *errors, *e;

	if (!json_len(ids) == !json_len(filters))
		return secrets_parameter(
			err, "Either 'SecretIdList' or 'Filters' must be provided, but not both.");
	if (json_len(ids) > SECRETS_BATCH_MAX)
		return secrets_parameter(
			err, "SecretIdList can have at most %d secrets.", SECRETS_BATCH_MAX);
	if (json_len(ids) && (json_get(req->in, "MaxResults") || json_get(req->in, "NextToken")))
		return secrets_parameter(err,
			"'Filters' not specified. 'Filters' must also be specified when '%s' is "
			"provided.",
			json_get(req->in, "MaxResults") ? "MaxResults" : "NextToken");
	if (json_len(filters) && secrets_list_batch(cloud, req, &page, err))
		return -1;
	values = json_array();
	errors = json_array();
	json_each(e, ids) get_one(cloud, req, json_str(e) ? json_str(e) : "", values, errors);
	json_each(e, json_get(page, "SecretList"))
		get_one(cloud, req, json_get_str(e, "ARN"), values, errors);
	*out = json_object();
	json_set(*out, "SecretValues", values);
	json_set(*out, "Errors", errors);
	json_set_str(*out, "NextToken", json_get_str(page, "NextToken"));
	json_free(page);
	return 0;
}

static const struct local_route routes[] = {
	{"BatchGetSecretValue", batch_get, NULL},
	{"GetSecretValue", get_secret_value, secrets_arn_of},
	{"ListSecretVersionIds", list_versions, secrets_arn_of},
	{"PutSecretValue", put_secret_value, secrets_arn_of},
	{"UpdateSecretVersionStage", update_stage, secrets_arn_of},
};

const struct local_service local_secrets_value_service = {
	"secretsmanager", routes, ARRAY_SIZE(routes)};
