/* Secrets as such: made, described, changed, scheduled for deletion, restored, tagged. Values are in local_secrets_value.c. */
#include "local_secrets.h"

#include "digest.h"
#include "local_glue.h"
#include "local_services.h"
#include "strvec.h"

#define DAY_MS INT64_C(86400000)
#define TAGS_MAX 50

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY, region TEXT NOT NULL, name "
	"TEXT NOT NULL, arn TEXT NOT NULL UNIQUE, description TEXT, kms_key TEXT, policy TEXT, "
	"created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, accessed_ms INTEGER, "
	"deletion_ms INTEGER, purge_ms INTEGER, UNIQUE (region, name));"
	"CREATE TABLE IF NOT EXISTS secret_version (id INTEGER PRIMARY KEY, secret_id INTEGER NOT "
	"NULL REFERENCES secret(id) ON DELETE CASCADE, version TEXT NOT NULL, text TEXT, binary "
	"TEXT, created_ms INTEGER NOT NULL, accessed_ms INTEGER, UNIQUE (secret_id, version));"
	"CREATE TABLE IF NOT EXISTS secret_stage (secret_id INTEGER NOT NULL REFERENCES "
	"secret(id) "
	"ON DELETE CASCADE, stage TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (secret_id, "
	"stage)) WITHOUT ROWID;"
	/* had tags once: it has a list of tags from then on, be it empty */
	"CREATE TABLE IF NOT EXISTS secret_tagged (secret_id INTEGER PRIMARY KEY REFERENCES "
	"secret(id) ON DELETE CASCADE);";

#define COLUMNS                                                                        \
	"SELECT id, name, arn, description, kms_key, policy, created_ms, changed_ms, " \
	"accessed_ms, deletion_ms FROM secret WHERE region = ? AND "

/* --- the frame --- */

static int remove_tx(struct local_cloud *cloud, int64_t id, const char *arn, struct err *err)
{
	if (local_tags_clear(cloud, arn, err))
		return -1;
	return sql_run(cloud->db, NULL, err, "DELETE FROM secret WHERE id = ?", "i", id);
}

/* One whose window has ended: 1, or 0 when there is none. */
static int purge_one_tx(struct local_cloud *cloud, int64_t now_ms, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT id, arn FROM secret WHERE purge_ms <= ? LIMIT 1", "i", now_ms);
	int row = st ? sql_step(st, err) : -1;
	int64_t id = row > 0 ? sql_int(st, 0) : 0;
	char *arn = row > 0 ? xstrdup(sql_text(st, 1)) : NULL;

	sql_done(st);
	if (row > 0 && remove_tx(cloud, id, arn, err))
		row = -1;
	free(arn);
	return row;
}

/* A transaction of its own, so that they are gone also when the call at hand fails. */
static int purge(struct local_cloud *cloud, int64_t now_ms, struct err *err)
{
	int row;

	do {
		if (local_tx_begin(cloud, err))
			return -1;
		row = purge_one_tx(cloud, now_ms, err);
		if (row > 0 && local_tx_commit(cloud, err))
			row = -1;
		local_tx_end(cloud);
	} while (row > 0);
	return row;
}

int secrets_run(struct local_cloud *cloud, const struct local_request *req, local_call_fn *fn,
	struct json **out, struct err *err)
{
	return purge(cloud, local_now_ms(cloud), err) ? -1
						      : local_call_run(cloud, req, fn, out, err);
}

/* --- input --- */

int secrets_check_length(
	const struct json *in, const char *member, int64_t min, int64_t max, struct err *err)
{
	const struct json *v = json_get(in, member);
	const char *text = json_str(v);
	char *name = xstrdup(member);
	int64_t len = 0;
	int ret = 0;

	if (!v || json_is(v, JSON_NULL)) {
		free(name);
		return 0;
	}
	if (*name >= 'A' && *name <= 'Z')
		*name = (char)(*name - 'A' + 'a');
	for (const char *p = text; p && *p; p++)
		len += ((unsigned char)*p & 0xc0) != 0x80;
	if (!text)
		ret = local_fault(
			err, 400, "SerializationException", "'%s' is not a string", member);
	else if (len < min || len > max)
		ret = secrets_invalid(err,
			"1 validation error detected: Value at '%s' failed to satisfy constraint: "
			"Member must have length %s than or equal to %lld",
			name, len < min ? "greater" : "less", (long long)(len < min ? min : max));
	free(name);
	return ret;
}

int secrets_page(const struct json *in, int64_t max, int64_t *limit, char **after, struct err *err)
{
	const char *token = json_get_str(in, "NextToken");

	*limit = json_get_i64(in, "MaxResults", max);
	*after = NULL;
	if (*limit < 1 || *limit > max)
		return secrets_invalid(err,
			"1 validation error detected: Value '%lld' at 'maxResults' failed to "
			"satisfy "
			"constraint: Member must have value %s than or equal to %lld",
			(long long)*limit, *limit < 1 ? "greater" : "less",
			(long long)(*limit < 1 ? 1 : max));
	return local_token_read(
		token && *token ? token : NULL, "InvalidNextTokenException", after, err);
}

static int check_name(const char *name, struct err *err)
{
	if (!name || !*name)
		return secrets_parameter(err, "You must provide a Name.");
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			      "/_+=.@!-")])
		return secrets_invalid(err,
			"Invalid name. Must be a valid name containing alphanumeric characters, or "
			"any of the following: -/_+=.@!");
	return 0;
}

/* [{"Key","Value"}] as a map; NULL with err set when they are bad. */
static struct json *tag_map(const struct json *list, struct err *err)
{
	struct json *map = json_object(), *t;
	int bad = 0;

	if (list && !json_is(list, JSON_ARRAY))
		bad = secrets_parameter(err, "Tags must be a list of Key and Value.");
	json_each(t, list)
	{
		const char *key = json_get_str(t, "Key"), *value = json_get_str(t, "Value");
		if (bad)
			break;
		if (!key || !*key || strlen(key) > 128 * 4 || (value && strlen(value) > 256 * 4))
			bad = secrets_parameter(err,
				"A tag's key has 1 to 128 characters and its value up to 256.");
		else if (!strncasecmp(key, "aws:", 4))
			bad = secrets_parameter(err,
				"The tag key %s is invalid: keys that start with aws: are "
				"reserved.",
				key);
		else
			json_set_str(map, key, value ? value : "");
	}
	if (!bad)
		return map;
	json_free(map);
	return NULL;
}

static int set_tags_tx(
	struct local_cloud *cloud, const char *arn, const struct json *list, struct err *err)
{
	struct json *map = tag_map(list, err), *all = NULL;
	int ret = map ? local_tags_set(cloud, arn, map, err) : -1;

	if (!ret)
		ret = local_tags_get(cloud, arn, &all, err);
	if (!ret && json_len(all) > TAGS_MAX)
		ret = secrets_parameter(
			err, "A secret can have at most %d tags attached to it.", TAGS_MAX);
	if (!ret && json_len(all))
		ret = sql_run(cloud->db, NULL, err,
			"INSERT OR IGNORE INTO secret_tagged (secret_id) SELECT id FROM secret "
			"WHERE arn = ?",
			"s", arn);
	json_free(map);
	json_free(all);
	return ret;
}

/* --- looking up --- */

void secret_release(struct secret *s)
{
	free(s->name);
	free(s->arn);
	free(s->description);
	free(s->kms_key);
	free(s->policy);
	*s = (struct secret){0};
}

static int read_secret(struct sql_stmt *st, struct secret *out, struct err *err)
{
	int row = st ? sql_step(st, err) : -1;

	if (row > 0)
		*out = (struct secret){
			.id = sql_int(st, 0),
			.name = xstrdup(sql_text(st, 1)),
			.arn = xstrdup(sql_text(st, 2)),
			.description = sql_text_dup(st, 3),
			.kms_key = sql_text_dup(st, 4),
			.policy = sql_text_dup(st, 5),
			.created_ms = sql_int(st, 6),
			.changed_ms = sql_int(st, 7),
			.accessed_ms = sql_int(st, 8),
			.deletion_ms = sql_int(st, 9),
		};
	sql_done(st);
	return row;
}

/* 1 found, 0 not. */
static int look_up(struct local_cloud *cloud, const char *region, const char *id,
	struct secret *out, struct err *err)
{
	int row;

	*out = (struct secret){0};
	if (!starts_with(id, "arn:"))
		return read_secret(
			sql_query(cloud->db, err, COLUMNS "name = ?", "ss", region, id), out, err);
	row = read_secret(sql_query(cloud->db, err, COLUMNS "arn = ?", "ss", region, id), out, err);
	if (row)
		return row;
	return read_secret(
		sql_query(cloud->db, err,
			COLUMNS "substr(arn, 1, length(arn) - 7) = ? ORDER BY id LIMIT 1", "ss",
			region, id),
		out, err);
}

int secret_find_tx(struct local_cloud *cloud, const char *region, const char *id,
	struct secret *out, struct err *err)
{
	int row;

	*out = (struct secret){0};
	if (!id || !*id)
		return secrets_parameter(err, "You must provide a SecretId.");
	row = look_up(cloud, region, id, out, err);
	if (row == 0)
		return secrets_not_found(err, "Secrets Manager can't find the specified secret.");
	return row < 0 ? -1 : 0;
}

int secret_asked_tx(
	struct local_cloud *cloud, const struct local_call *k, struct secret *out, struct err *err)
{
	if (secret_find_tx(cloud, k->req->region, json_get_str(k->in, "SecretId"), out, err))
		return -1;
	return secret_policy_allows(out, k, err);
}

int secret_usable_tx(
	struct local_cloud *cloud, const struct local_call *k, struct secret *out, struct err *err)
{
	if (secret_asked_tx(cloud, k, out, err))
		return -1;
	if (out->deletion_ms)
		return secrets_request(err,
			"You can't perform this operation on the secret because it was marked for "
			"deletion.");
	return 0;
}

void secrets_arn_of(struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn)
{
	const char *id = json_get_str(req->in, "SecretId"), *name = json_get_str(req->in, "Name");
	struct err ignored = ERR_INIT;
	struct secret s = {0};
	char *text;

	if (id && !local_tx_begin(cloud, &ignored)) {
		if (look_up(cloud, req->region, id, &s, &ignored) > 0)
			strbuf_addstr(arn, s.arn);
		secret_release(&s);
		local_tx_end(cloud);
	}
	err_release(&ignored);
	if (arn->len)
		return;
	if (id && starts_with(id, "arn:")) {
		strbuf_addstr(arn, id);
		return;
	}
	/* one that is to be made: its random characters are not drawn yet, policies see some */
	text = local_arn(cloud, "secretsmanager", req->region, "secret:%s%s",
		id ? id : (name ? name : "*"), id || !name ? "" : "-XXXXXX");
	strbuf_addstr(arn, text);
	free(text);
}

struct json *secret_names(const struct secret *s)
{
	struct json *out = json_object();

	json_set_str(out, "ARN", s->arn);
	json_set_str(out, "Name", s->name);
	return out;
}

/* --- describe --- */

static int tag_list_tx(
	struct local_cloud *cloud, const char *arn, struct json **list, struct err *err)
{
	struct json *tags = NULL, *e;

	*list = NULL;
	if (local_tags_get(cloud, arn, &tags, err))
		return -1;
	*list = json_array();
	json_each(e, tags)
	{
		struct json *t = json_object();
		json_set_str(t, "Key", json_name(e));
		json_set_str(t, "Value", json_str(e));
		json_push(*list, t);
	}
	json_free(tags);
	return 0;
}

/* NULL for a secret that never had tags. */
static int shown_tags_tx(
	struct local_cloud *cloud, const struct secret *s, struct json **list, struct err *err)
{
	int row;

	if (tag_list_tx(cloud, s->arn, list, err))
		return -1;
	if (json_len(*list))
		return 0;
	row = sql_exists(
		cloud->db, err, "SELECT 1 FROM secret_tagged WHERE secret_id = ?", "i", s->id);
	if (row <= 0) {
		json_free(*list);
		*list = NULL;
	}
	return row < 0 ? -1 : 0;
}

/* {"version":["AWSCURRENT"]}: those with a label. */
static int staged_tx(struct local_cloud *cloud, int64_t id, struct json **out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT version, stage FROM secret_stage WHERE secret_id = ? ORDER BY version, "
		"stage",
		"i", id);
	struct json *map = json_object();
	int row = -1;

	while (st && (row = sql_step(st, err)) > 0) {
		const char *version = sql_text(st, 0);
		if (!json_get(map, version))
			json_set(map, version, json_array());
		json_push_str(json_get(map, version), sql_text(st, 1));
	}
	sql_done(st);
	if (row < 0) {
		json_free(map);
		map = NULL;
	}
	*out = map;
	return row < 0 ? -1 : 0;
}

int secret_describe_tx(struct local_cloud *cloud, const struct secret *s, const char *versions,
	struct json **out, struct err *err)
{
	struct json *doc = secret_names(s), *tags = NULL, *staged = NULL;

	*out = NULL;
	if (shown_tags_tx(cloud, s, &tags, err) || staged_tx(cloud, s->id, &staged, err)) {
		json_free(doc);
		json_free(tags);
		return -1;
	}
	json_set_str(doc, "Description", s->description);
	json_set_str(doc, "KmsKeyId", s->kms_key);
	glue_set_time(doc, "LastChangedDate", s->changed_ms);
	/* a date without a time, as AWS has it */
	glue_set_time(doc, "LastAccessedDate", s->accessed_ms - s->accessed_ms % DAY_MS);
	glue_set_time(doc, "DeletedDate", s->deletion_ms);
	if (tags)
		json_set(doc, "Tags", tags);
	if (json_len(staged))
		json_set(doc, versions, staged);
	else
		json_free(staged);
	glue_set_time(doc, "CreatedDate", s->created_ms);
	*out = doc;
	return 0;
}

static int describe_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s;
	int ret = secret_asked_tx(cloud, k, &s, err);

	if (!ret)
		ret = secret_describe_tx(cloud, &s, "VersionIdsToStages", &k->out, err);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(describe_secret, describe_tx)

/* --- create --- */

static void add_random_tail(struct strbuf *arn)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char c;

	strbuf_addch(arn, '-');
	for (int i = 0; i < 6;) {
		digest_random(&c, 1);
		if (c >= 248) /* 4 * 62: all letters alike */
			continue;
		strbuf_addch(arn, letters[c % 62]);
		i++;
	}
}

static int check_create(const struct local_call *k, bool *value, struct err *err)
{
	if (check_name(json_get_str(k->in, "Name"), err) ||
		secrets_check_length(k->in, "Name", 1, 512, err) ||
		secrets_check_length(k->in, "Description", 0, 2048, err) ||
		secrets_check_length(k->in, "KmsKeyId", 0, 2048, err) ||
		secrets_check_value(k->in, value, err))
		return -1;
	if (json_len(json_get(k->in, "AddReplicaRegions")))
		return secrets_request(
			err, "The local cloud has one region: AddReplicaRegions is not served.");
	if (json_get_str(k->in, "Type"))
		return secrets_request(
			err, "The local cloud does not serve external secrets: Type is refused.");
	return 0;
}

/* The name is taken: fine when this very request made it. */
static int there_already_tx(struct local_cloud *cloud, struct local_call *k, const struct secret *s,
	bool value, struct err *err)
{
	struct err other = ERR_INIT;
	int same;

	if (s->deletion_ms)
		return secrets_request(err,
			"You can't create this secret because a secret with this name is already "
			"scheduled for deletion.");
	same = value ? secrets_same_tx(cloud, k, s, &other) : 0;
	if (same < 0) {
		err_move(err, &other);
		return -1;
	}
	if (same == 0)
		return secrets_exists(
			err, "The operation failed because the secret %s already exists.", s->name);
	k->out = secret_names(s);
	json_set_str(k->out, "VersionId", json_get_str(k->in, "ClientRequestToken"));
	return 0;
}

static int insert_tx(struct local_cloud *cloud, struct local_call *k, struct secret *s, bool value,
	struct err *err)
{
	struct strbuf arn = STRBUF_INIT;
	const char *name = json_get_str(k->in, "Name"), *region = k->req->region;
	char *plain = local_arn(cloud, "secretsmanager", region, "secret:%s", name),
	     *version = NULL;
	int ret;

	strbuf_addstr(&arn, plain);
	add_random_tail(&arn);
	ret = sql_run(cloud->db, NULL, err,
		"INSERT INTO secret (region, name, arn, description, kms_key, created_ms, "
		"changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
		"sssssii", region, name, arn.buf, json_get_str(k->in, "Description"),
		json_get_str(k->in, "KmsKeyId"), k->now_ms, k->now_ms);
	if (!ret)
		ret = set_tags_tx(cloud, arn.buf, json_get(k->in, "Tags"), err);
	if (!ret)
		ret = secret_find_tx(cloud, region, name, s, err);
	if (!ret && value)
		ret = secrets_put_tx(cloud, k, s, NULL, &version, err);
	if (!ret) {
		k->out = secret_names(s);
		json_set_str(k->out, "VersionId", version);
	}
	free(version);
	free(plain);
	strbuf_release(&arn);
	return ret;
}

static int create_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s = {0};
	bool value;
	int row, ret = -1;

	if (check_create(k, &value, err))
		return -1;
	row = look_up(cloud, k->req->region, json_get_str(k->in, "Name"), &s, err);
	if (row > 0)
		ret = there_already_tx(cloud, k, &s, value, err);
	else if (row == 0)
		ret = insert_tx(cloud, k, &s, value, err);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(create_secret, create_tx)

/* --- update --- */

static int update_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s = {0};
	char *version = NULL;
	bool value;
	int ret = -1;

	if (secrets_check_length(k->in, "Description", 0, 2048, err) ||
		secrets_check_length(k->in, "KmsKeyId", 0, 2048, err) ||
		secrets_check_value(k->in, &value, err) || secret_usable_tx(cloud, k, &s, err))
		goto out;
	if (sql_run(cloud->db, NULL, err,
		    "UPDATE secret SET description = ifnull(?, description), kms_key = ifnull(?, "
		    "kms_key), changed_ms = ? WHERE id = ?",
		    "ssii", json_get_str(k->in, "Description"), json_get_str(k->in, "KmsKeyId"),
		    k->now_ms, s.id))
		goto out;
	if (value && secrets_put_tx(cloud, k, &s, NULL, &version, err))
		goto out;
	k->out = secret_names(&s);
	json_set_str(k->out, "VersionId", version);
	ret = 0;
out:
	free(version);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(update_secret, update_tx)

/* --- delete, restore --- */

static int check_delete(const struct json *in, bool *force, int64_t *days, struct err *err)
{
	const struct json *window = json_get(in, "RecoveryWindowInDays");

	*force = json_get_truth(in, "ForceDeleteWithoutRecovery", false);
	*days = json_i64(window, 30);
	if (*days < 7 || *days > 30)
		return secrets_parameter(err,
			"The RecoveryWindowInDays value must be between 7 and 30 days "
			"(inclusive).");
	if (*force && window && !json_is(window, JSON_NULL))
		return secrets_parameter(err,
			"You can't use ForceDeleteWithoutRecovery in conjunction with "
			"RecoveryWindowInDays.");
	return 0;
}

/* Without recovery, what is not there is deleted already. */
static int delete_missing(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *id = json_get_str(k->in, "SecretId");
	char *arn;

	err_release(err);
	k->out = json_object();
	arn = starts_with(id, "arn:")
		      ? xstrdup(id)
		      : local_arn(cloud, "secretsmanager", k->req->region, "secret:%s", id);
	json_set_str(k->out, "ARN", arn);
	json_set_str(k->out, "Name", strrchr(arn, ':') + 1);
	glue_set_time(k->out, "DeletionDate", k->now_ms);
	free(arn);
	return 0;
}

static int delete_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s = {0};
	struct err why = ERR_INIT;
	int64_t days, end;
	bool force;
	int ret;

	if (check_delete(k->in, &force, &days, err))
		return -1;
	if (secret_find_tx(cloud, k->req->region, json_get_str(k->in, "SecretId"), &s, &why)) {
		if (force && why.aws_code && !strcmp(why.aws_code, "ResourceNotFoundException"))
			return delete_missing(cloud, k, &why);
		err_move(err, &why);
		return -1;
	}
	if (secret_policy_allows(&s, k, err)) {
		secret_release(&s);
		return -1;
	}
	end = force ? k->now_ms : k->now_ms + days * DAY_MS;
	if (force)
		ret = remove_tx(cloud, s.id, s.arn, err);
	else if (s.deletion_ms)
		ret = secrets_request(err,
			"You tried to perform the operation on a secret that's currently marked "
			"deleted.");
	else
		ret = sql_run(cloud->db, NULL, err,
			"UPDATE secret SET deletion_ms = ?, purge_ms = ? WHERE id = ?", "iii",
			k->now_ms, end, s.id);
	if (!ret) {
		k->out = secret_names(&s);
		glue_set_time(k->out, "DeletionDate", end);
	}
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(delete_secret, delete_tx)

static int restore_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s;
	int ret = secret_asked_tx(cloud, k, &s, err);

	if (!ret)
		ret = sql_run(cloud->db, NULL, err,
			"UPDATE secret SET deletion_ms = NULL, purge_ms = NULL WHERE id = ?", "i",
			s.id);
	if (!ret)
		k->out = secret_names(&s);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(restore_secret, restore_tx)

/* --- tags --- */

static int tag_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s = {0};
	int ret = secret_usable_tx(cloud, k, &s, err);

	if (!ret && !json_len(json_get(k->in, "Tags")))
		ret = secrets_parameter(err, "You must provide Tags.");
	if (!ret)
		ret = set_tags_tx(cloud, s.arn, json_get(k->in, "Tags"), err);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(tag_resource, tag_tx)

static int untag_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s = {0};
	int ret = secret_usable_tx(cloud, k, &s, err);

	if (!ret)
		ret = local_tags_remove(cloud, s.arn, json_get(k->in, "TagKeys"), err);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(untag_resource, untag_tx)

/* --- what is not served --- */

static int no_rotation(struct local_cloud *cloud unused_arg, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return secrets_request(
		err, "The local cloud does not rotate secrets: %s is not served.", req->operation);
}

static int no_replicas(struct local_cloud *cloud unused_arg, const struct local_request *req,
	struct json **out unused_arg, struct err *err)
{
	return secrets_request(
		err, "The local cloud has one region: %s is not served.", req->operation);
}

static const struct local_route routes[] = {
	{"CancelRotateSecret", no_rotation, secrets_arn_of},
	{"CreateSecret", create_secret, secrets_arn_of},
	{"DeleteSecret", delete_secret, secrets_arn_of},
	{"DescribeSecret", describe_secret, secrets_arn_of},
	{"RemoveRegionsFromReplication", no_replicas, secrets_arn_of},
	{"ReplicateSecretToRegions", no_replicas, secrets_arn_of},
	{"RestoreSecret", restore_secret, secrets_arn_of},
	{"RotateSecret", no_rotation, secrets_arn_of},
	{"StopReplicationToReplica", no_replicas, secrets_arn_of},
	{"TagResource", tag_resource, secrets_arn_of},
	{"UntagResource", untag_resource, secrets_arn_of},
	{"UpdateSecret", update_secret, secrets_arn_of},
};

const struct local_service local_secrets_service = {"secretsmanager", routes, ARRAY_SIZE(routes)};

const struct local_part local_secrets_part = {.name = "secrets", .schema = schema};
