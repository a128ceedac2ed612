/*
 * Resource policies and random passwords. A policy is checked, kept and given back; a denial in it is enforced for
 * roles, an allowance adds nothing to what the role's own policies allow.
 */
#include "local_secrets.h"

#include "digest.h"
#include "local_iam.h"
#include "local_policy.h"
#include "local_services.h"
#include "xalloc.h"

/* --- policies --- */

/* "*" or {"AWS":"*"} without a condition lets everybody in. */
static bool is_public(const struct json *doc)
{
	const struct json *statements = json_get(doc, "Statement"), *s;
	size_t nr = json_is(statements, JSON_ARRAY) ? json_len(statements) : 1;

	for (size_t i = 0; i < nr; i++) {
		s = json_is(statements, JSON_ARRAY) ? json_at(statements, i) : statements;
		const char *effect = json_get_str(s, "Effect");
		const struct json *who = json_get(s, "Principal"), *aws = json_get(who, "AWS"), *e;
		bool any = json_str(who) || (json_str(aws) && !strcmp(json_str(aws), "*"));
		json_each(e, json_is(aws, JSON_ARRAY) ? aws : NULL) any =
			any || (json_str(e) && !strcmp(json_str(e), "*"));
		if (effect && !strcmp(effect, "Allow") && any && !json_get(s, "Condition"))
			return true;
	}
	return false;
}

static int check_policy(const char *text, bool block_public, struct err *err)
{
	struct json *doc = NULL;
	struct err why = ERR_INIT;
	int ret = 0;

	if (!text || !*text || strlen(text) > 20480)
		return secrets_parameter(err, "ResourcePolicy has 1 to 20480 characters.");
	if (policy_check(text, POLICY_RESOURCE, &doc, &why))
		ret = local_fault(err, 400, "MalformedPolicyDocumentException",
			"This resource policy contains an error: %s", why.text);
	else if (block_public && is_public(doc))
		ret = local_fault(err, 400, "PublicPolicyException",
			"You can't attach a resource policy that lets everybody use the secret.");
	err_release(&why);
	json_free(doc);
	return ret;
}

static int put_policy_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	const char *text = json_get_str(k->in, "ResourcePolicy");
	struct secret s = {0};
	int ret = check_policy(text, json_get_truth(k->in, "BlockPublicPolicy", false), err);

	if (!ret)
		ret = secret_usable_tx(cloud, k, &s, err);
	if (!ret)
		ret = sql_run(cloud->db, NULL, err, "UPDATE secret SET policy = ? WHERE id = ?",
			"si", text, s.id);
	if (!ret)
		k->out = secret_names(&s);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(put_policy, put_policy_tx)

static int get_policy_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s = {0};
	int ret = secret_usable_tx(cloud, k, &s, err);

	if (!ret) {
		k->out = secret_names(&s);
		json_set_str(k->out, "ResourcePolicy", s.policy);
	}
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(get_policy, get_policy_tx)

static int delete_policy_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct secret s = {0};
	int ret = secret_usable_tx(cloud, k, &s, err);

	if (!ret)
		ret = sql_run(cloud->db, NULL, err, "UPDATE secret SET policy = NULL WHERE id = ?",
			"i", s.id);
	if (!ret)
		k->out = secret_names(&s);
	secret_release(&s);
	return ret;
}
SECRETS_HANDLER(delete_policy, delete_policy_tx)

static int validate_policy_tx(struct local_cloud *cloud, struct local_call *k, struct err *err)
{
	struct json *errors = json_array(), *e;
	struct secret s = {0};
	struct err why = ERR_INIT;

	if (json_get_str(k->in, "SecretId") && secret_usable_tx(cloud, k, &s, err)) {
		secret_release(&s);
		json_free(errors);
		return -1;
	}
	if (check_policy(json_get_str(k->in, "ResourcePolicy"), true, &why)) {
		e = json_object();
		json_set_str(e, "CheckName", why.aws_code);
		json_set_str(e, "ErrorMessage", why.text);
		json_push(errors, e);
	}
	k->out = json_object();
	json_set_bool(k->out, "PolicyValidationPassed", !json_len(errors));
	json_set(k->out, "ValidationErrors", errors);
	err_release(&why);
	secret_release(&s);
	return 0;
}
SECRETS_HANDLER(validate_policy, validate_policy_tx)

int secret_policy_allows(const struct secret *s, const struct local_call *k, struct err *err)
{
	const struct local_principal *who = k->req->who;
	struct json *doc = NULL;
	struct err ignored = ERR_INIT;
	char *action, *role;
	int ret = 0;

	if (!s->policy || !who || !who->role_name)
		return 0;
	action = xasprintf("secretsmanager:%s", k->req->operation);
	role = xasprintf("arn:aws:iam::%s:role/%s", who->account, who->role_name);
	struct policy_request q = {.action = action,
		.resource = s->arn,
		.account = who->account,
		.caller_arn = who->arn,
		.caller_role = role};
	if (!policy_check(s->policy, POLICY_RESOURCE, &doc, &ignored) &&
		policy_evaluate(doc, &q) == POLICY_DENY)
		ret = local_fault(err, 400, "AccessDeniedException",
			"User: %s is not authorized to perform: %s on resource: %s with an "
			"explicit deny in a resource-based policy",
			who->arn, action, s->arn);
	err_release(&ignored);
	json_free(doc);
	free(action);
	free(role);
	return ret;
}

/* --- passwords --- */

static const struct {
	const char *exclude, *chars;
} kinds[] = {
	{"ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"},
	{"ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{"ExcludeNumbers", "0123456789"},
	{"ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
};

/* Below n, each as likely. */
static size_t draw(size_t n)
{
	const uint32_t end = UINT32_MAX - UINT32_MAX % (uint32_t)n;
	uint32_t x;

	do
		digest_random(&x, sizeof(x));
	while (x >= end);
	return x % n;
}

static void add_allowed(struct strbuf *set, const char *chars, const char *excluded)
{
	for (; *chars; chars++)
		if (!excluded || !strchr(excluded, *chars))
			strbuf_addch(set, *chars);
}

static void shuffle(char *s, size_t len)
{
	for (size_t i = len; i > 1; i--) {
		size_t k = draw(i);
		char c = s[i - 1];
		s[i - 1] = s[k];
		s[k] = c;
	}
}

int secrets_password(const struct json *in, struct strbuf *out, struct err *err)
{
	const char *excluded = json_get_str(in, "ExcludeCharacters");
	int64_t len = json_get_i64(in, "PasswordLength", 32);
	bool each = json_get_truth(in, "RequireEachIncludedType", true);
	struct strbuf all = STRBUF_INIT;
	size_t begin = out->len;
	int ret = 0;

	if (len < 1 || len > 4096)
		return secrets_parameter(err, "PasswordLength must be from 1 to 4096.");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t before = all.len;
		if (json_get_truth(in, kinds[i].exclude, false))
			continue;
		add_allowed(&all, kinds[i].chars, excluded);
		if (each && all.len == before)
			ret = secrets_parameter(err, "ExcludeCharacters leaves none of a type that "
						     "RequireEachIncludedType wants.");
		else if (each)
			strbuf_addch(out, all.buf[before + draw(all.len - before)]);
	}
	if (json_get_truth(in, "IncludeSpace", false))
		add_allowed(&all, " ", excluded);
	if (!ret && !all.len)
		ret = secrets_parameter(err, "No characters are left to make a password of.");
	else if (!ret && out->len - begin > (size_t)len)
		ret = secrets_parameter(
			err, "Password length is too short based on the required types.");
	while (!ret && out->len - begin < (size_t)len)
		strbuf_addch(out, all.buf[draw(all.len)]);
	if (!ret)
		shuffle(out->buf + begin, out->len - begin);
	strbuf_release(&all);
	return ret;
}

static int random_password(struct local_cloud *cloud unused_arg, const struct local_request *req,
	struct json **out, struct err *err)
{
	struct strbuf password = STRBUF_INIT;
	int ret;

	if (secrets_check_length(req->in, "ExcludeCharacters", 0, 4096, err))
		return -1;
	ret = secrets_password(req->in, &password, err);
	if (!ret) {
		*out = json_object();
		json_set_str(*out, "RandomPassword", password.buf);
	}
	if (password.len)
		wipe(password.buf, password.len);
	strbuf_release(&password);
	return ret;
}

static const struct local_route routes[] = {
	{"DeleteResourcePolicy", delete_policy, secrets_arn_of},
	{"GetRandomPassword", random_password, NULL},
	{"GetResourcePolicy", get_policy, secrets_arn_of},
	{"PutResourcePolicy", put_policy, secrets_arn_of},
	{"ValidateResourcePolicy", validate_policy, secrets_arn_of},
};

const struct local_service local_secrets_policy_service = {
	"secretsmanager", routes, ARRAY_SIZE(routes)};
