/* "GetCallerIdentity", "AssumeRole", "GetSessionToken", "GetAccessKeyInfo" (STS API Reference). */
#include "local_iam_store.h"
#include "local_services.h"
#include "xalloc.h"

static int get_caller_identity(struct local_cloud *cloud unused_arg,
	const struct local_request *req, struct json **out, struct err *err unused_arg)
{
	*out = json_object();
	json_set_str(*out, "UserId", req->who->user_id);
	json_set_str(*out, "Account", req->who->account);
	json_set_str(*out, "Arn", req->who->arn);
	return 0;
}

#define ACCOUNT_SIZE 24
#define KEY_ID_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/* Key ids of today hold their account: forty bits in base 32 after a one. False for older ones and for what is none. */
static bool account_in_key(const char *id, char account[ACCOUNT_SIZE])
{
	const char *at;
	uint64_t bits = 0;

	if ((!starts_with(id, "AKIA") && !starts_with(id, "ASIA")) || strlen(id) > 25)
		return false;
	for (int i = 0; i < 9; i++) {
		at = strchr(KEY_ID_LETTERS, id[4 + i]);
		bits = bits << 5 | (at ? (uint64_t)(at - KEY_ID_LETTERS) : 0);
	}
	if (!(bits >> 44))
		return false;
	snprintf(account, ACCOUNT_SIZE, "%012llu",
		(unsigned long long)(bits >> 4 & ((UINT64_C(1) << 40) - 1)));
	return true;
}

static bool is_ours(struct local_cloud *cloud, const char *id)
{
	struct local_principal who = {0};
	struct err why = ERR_INIT;
	bool ours = !local_iam_principal(cloud, id, &who, &why) || why.code == ERR_DENIED;

	local_principal_release(&who);
	err_release(&why);
	return ours;
}

static int check_key_id(const char *id, struct err *err)
{
	static const char pattern[] = "Member must satisfy regular expression pattern: [\\w]*";
	const char *length = strlen(id) < 16    ? "greater than or equal to 16"
			     : strlen(id) > 128 ? "less than or equal to 128"
						: NULL;
	bool word =
		!id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")];
	struct strbuf text = STRBUF_INIT;

	if (word && !length)
		return 0;
	if (!word)
		strbuf_addf(&text, "Value '%s' at 'accessKeyId' failed to satisfy constraint: %s%s",
			id, pattern, length ? "; " : "");
	if (length)
		strbuf_addf(&text,
			"Value '%s' at 'accessKeyId' failed to satisfy constraint: Member must "
			"have length %s",
			id, length);
	local_fault(err, 400, "ValidationError", "%d validation error%s detected: %s",
		!word + !!length, !word && length ? "s" : "", text.buf);
	strbuf_release(&text);
	return -1;
}

static int get_access_key_info(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *id = json_get_str(req->in, "AccessKeyId");
	char account[ACCOUNT_SIZE];

	if (!id)
		return local_fault(err, 400, "ValidationError",
			"1 validation error detected: Value null at 'accessKeyId' failed to "
			"satisfy "
			"constraint: Member must not be null");
	/* those that were given out here are known, whatever they look like */
	if (is_ours(cloud, id))
		snprintf(account, sizeof(account), "%s", cloud->account);
	else if (check_key_id(id, err))
		return -1;
	else if (!account_in_key(id, account))
		return local_fault(err, 400, "ValidationError", "Access key ID is not valid.");
	*out = json_object();
	json_set_str(*out, "Account", account);
	return 0;
}

static int read_seconds(const struct local_request *req, int64_t otherwise, int64_t max,
	int64_t *out, struct err *err)
{
	*out = json_get_i64(req->in, "DurationSeconds", otherwise);
	if (*out < 900 || *out > 129600)
		return local_fault(err, 400, "ValidationError",
			"1 validation error detected: Value '%lld' at 'durationSeconds' failed to "
			"satisfy constraint: Member must be between 900 and %lld",
			(long long)*out, (long long)max);
	if (*out > max)
		return local_fault(err, 400, "ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this "
			"role.");
	return 0;
}

static int new_credentials(struct local_cloud *cloud, const char *role, const char *session,
	int64_t seconds, struct json *out, struct err *err)
{
	char *id = NULL, *secret = NULL, *token = NULL;
	struct json *c;

	if (local_iam_session_new(cloud, role, session, seconds, &id, &secret, &token, err))
		return -1;
	c = json_object();
	json_set_str(c, "AccessKeyId", id);
	json_set_str(c, "SecretAccessKey", secret);
	json_set_str(c, "SessionToken", token);
	local_iam_set_time(c, "Expiration", local_now_ms(cloud) + seconds * 1000);
	json_set(out, "Credentials", c);
	free(id);
	free_secret(secret);
	free_secret(token);
	return 0;
}

static int get_session_token(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct json *reply;
	int64_t seconds;

	if (read_seconds(req, 43200, 129600, &seconds, err))
		return -1;
	if (req->who->role_name || starts_with(req->who->access_key_id, "ASIA"))
		return local_fault(err, 403, "AccessDenied",
			"Cannot call GetSessionToken with session credentials");
	reply = json_object();
	if (new_credentials(cloud, NULL, NULL, seconds, reply, err)) {
		json_free(reply);
		return -1;
	}
	*out = reply;
	return 0;
}

static int assume_denied(const struct local_request *req, const char *arn, struct err *err)
{
	return local_fault(err, 403, "AccessDenied",
		"User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
		req->who->arn, arn);
}

/* arn:aws:iam::ACCOUNT:role/[PATH/]NAME */
static bool is_role_arn(const char *arn)
{
	static const char head[] = "arn:aws:iam::", kind[] = ":role/", digits[] = "0123456789";
	const char *account = arn + strlen(head), *name;

	if (!starts_with(arn, head) || strspn(account, digits) != 12 ||
		!starts_with(account + 12, kind))
		return false;
	/* a path may have colons, a name not */
	name = strrchr(arn, '/') + 1;
	return *name &&
	       !name[strspn(name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-")];
}

/* The role behind the ARN, if its trust policy lets the caller in. An unknown role looks like a refusal. */
static int find_role(struct local_cloud *cloud, const struct local_request *req, const char *arn,
	struct iam_entity *role, struct err *err)
{
	const char *slash = strrchr(arn, '/');
	struct policy_request q = {.action = "sts:AssumeRole",
		.account = req->who->account,
		.caller_arn = req->who->arn};
	struct json *trust, *context = json_object();
	char *caller_role = NULL;
	int found = 0, result = -1;

	if (!is_role_arn(arn)) {
		local_fault(err, 400, "ValidationError", "%s is invalid", arn);
		goto out;
	}
	if (!local_tx_begin(cloud, err))
		found = local_iam_entity_find(cloud, "role", slash + 1, role, err);
	else
		found = -1;
	local_tx_end(cloud);
	if (found < 0)
		goto out;
	if (!found || strcmp(role->arn, arn)) {
		assume_denied(req, arn, err);
		goto out;
	}
	if (req->who->role_name)
		q.caller_role = caller_role =
			local_arn(cloud, "iam", "", "role/%s", req->who->role_name);
	json_set_str(context, "sts:ExternalId", json_get_str(req->in, "ExternalId"));
	json_set_str(context, "aws:PrincipalAccount", req->who->account);
	json_set_str(context, "aws:PrincipalArn", caller_role ? caller_role : req->who->arn);
	q.context = context;
	trust = json_parse(role->trust, strlen(role->trust), err);
	if (trust)
		result = policy_evaluate(trust, &q) == POLICY_ALLOW ? 0
								    : assume_denied(req, arn, err);
	json_free(trust);
out:
	free(caller_role);
	json_free(context);
	return result;
}

static int check_session_length(const char *name, struct err *err)
{
	if (strlen(name) <= 64)
		return 0;
	return local_fault(err, 400, "ValidationError",
		"1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy "
		"constraint: Member must have length less than or equal to 64",
		name);
}

static int assume_role(struct local_cloud *cloud, const struct local_request *req,
	struct json **out, struct err *err)
{
	const char *arn, *session;
	struct iam_entity role = {0};
	struct json *reply = json_object(), *user;
	int64_t seconds;
	char *text;
	int result = -1;

	if (local_iam_need(req, "RoleArn", &arn, err) ||
		local_iam_need(req, "RoleSessionName", &session, err) ||
		check_session_length(session, err) ||
		local_iam_check_name("RoleSessionName", session, 64, err))
		goto out;
	if (json_get(req->in, "Policy") || json_len(json_get(req->in, "PolicyArns"))) {
		local_fault(err, 501, "NotImplemented",
			"the local cloud has no session policies (Policy, PolicyArns)");
		goto out;
	}
	if (find_role(cloud, req, arn, &role, err) ||
		read_seconds(req, 3600, role.max_session_s, &seconds, err) ||
		new_credentials(cloud, role.name, session, seconds, reply, err))
		goto out;
	user = json_object();
	text = xasprintf("%s:%s", role.id, session);
	json_set_str(user, "AssumedRoleId", text);
	free(text);
	text = local_arn(cloud, "sts", "", "assumed-role/%s/%s", role.name, session);
	json_set_str(user, "Arn", text);
	free(text);
	json_set(reply, "AssumedRoleUser", user);
	*out = reply;
	reply = NULL;
	result = 0;
out:
	json_free(reply);
	local_iam_entity_release(&role);
	return result;
}

static void role_arn(
	struct local_cloud *cloud unused_arg, const struct local_request *req, struct strbuf *arn)
{
	const char *given = json_get_str(req->in, "RoleArn");

	if (given)
		strbuf_addstr(arn, given);
}

static const struct local_route routes[] = {
	{"AssumeRole", assume_role, role_arn},
	{"GetAccessKeyInfo", get_access_key_info, NULL},
	{"GetCallerIdentity", get_caller_identity, NULL},
	{"GetSessionToken", get_session_token, NULL},
};
const struct local_service local_sts_service = {"sts", routes, ARRAY_SIZE(routes)};
