/*
 * Secrets in plain where everyone sees them who may look at a job, trigger or workflow. stack/ tells of NoEcho values
 * by their way through the template; here it is names and values themselves. No value is ever shown.
 */
#include "lint_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *type, *path, *each; /* each: the map is in the elements of the list at `path` */
} places[] = {
	{TYPE_JOB, "DefaultArguments", NULL},
	{TYPE_JOB, "NonOverridableArguments", NULL},
	{TYPE_TRIGGER, "Actions", "Arguments"},
	{TYPE_WORKFLOW, "DefaultRunProperties", NULL},
};

/* The words of "--dbPassword", "--api_key", "--db.password"; lower case. */
static void split_name(const char *name, struct strvec *out)
{
	struct strbuf word = STRBUF_INIT;
	char before = 0;

	for (;; name++) {
		bool new_word = isupper((unsigned char)*name) && islower((unsigned char)before);

		if (word.len && (!isalnum((unsigned char)*name) || new_word)) {
			strvec_push(out, word.buf);
			strbuf_setlen(&word, 0);
		}
		if (!*name)
			break;
		if (isalnum((unsigned char)*name))
			strbuf_addch(&word, (char)tolower((unsigned char)*name));
		before = *name;
	}
	strbuf_release(&word);
}

static bool among(const char *s, const char *const *list, size_t nr)
{
	for (size_t i = 0; s && i < nr; i++)
		if (!strcmp(s, list[i]))
			return true;
	return false;
}

enum suspicion { NO_SECRET, MAYBE_A_NAME, A_SECRET };

/* "--db-secret" may hold a secret or say which one; "--api-key-secret" says in which secret the key is. */
static enum suspicion suspect_name(const char *name)
{
	static const char *const secrets[] = {"password", "passwd", "pwd", "passphrase", "token",
		"apikey", "secretkey", "accesskey", "privatekey"};
	static const char *const of_keys[] = {
		"api", "secret", "private", "account", "encryption", "access"};
	static const char *const in_doubt[] = {"secret", "credential", "credentials"};
	static const char *const of_secrets[] = {
		"client", "shared", "consumer", "app", "signing", "webhook"};
	struct strvec w = STRVEC_INIT;
	enum suspicion s = NO_SECRET;
	const char *last, *before;

	split_name(name, &w);
	last = w.nr ? w.v[w.nr - 1] : NULL;
	before = w.nr > 1 ? w.v[w.nr - 2] : NULL;
	if (among(last, secrets, ARRAY_SIZE(secrets)))
		s = A_SECRET;
	else if (last && !strcmp(last, "key") && among(before, of_keys, ARRAY_SIZE(of_keys)))
		s = A_SECRET;
	else if (among(last, in_doubt, ARRAY_SIZE(in_doubt)))
		s = among(before, of_secrets, ARRAY_SIZE(of_secrets)) ? A_SECRET : MAYBE_A_NAME;
	if (s == MAYBE_A_NAME && before &&
		(!strcmp(before, "key") || among(before, secrets, ARRAY_SIZE(secrets))))
		s = NO_SECRET;
	strvec_release(&w);
	return s;
}

/* Words with '-', '_', '/' or '.' between: "prod/db-login". */
static bool looks_like_name(const char *value)
{
	size_t words = 0;

	for (; *value; words++) {
		size_t len = 0;

		while (isalnum((unsigned char)value[len]))
			len++;
		if (!len)
			return false;
		value += len;
		if (*value && !strchr("-_/.", *value++))
			return false;
	}
	return words > 1;
}

/* A name, place or switch, from which nobody learns a secret. */
static bool is_harmless(const struct lint *l, const char *value)
{
	static const char *const starts[] = {"arn:", "s3://", "http://", "https://",
		"{{resolve:", "ssm:", "secretsmanager:", "/"};
	static const char *const words[] = {
		"", "true", "false", "none", "null", "yes", "no", "****", "changeme"};
	size_t digits = strspn(value, "0123456789");

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (starts_with(value, starts[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (iequals(value, words[i]))
			return true;
	if (!value[digits] && digits < 6)
		return true;
	return lint_find(l, "AWS::SecretsManager::Secret", value) != NULL;
}

/* "AKIA" or "ASIA" and sixteen more capitals or digits. */
static bool has_access_key(const char *value)
{
	for (; *value; value++) {
		if (!starts_with(value, "AKIA") && !starts_with(value, "ASIA"))
			continue;
		size_t len = strspn(value + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
		if (len == 16)
			return true;
		value += 3;
	}
	return false;
}

/* "postgres://user:pass@host", "jdbc:…;password=pass" */
static bool has_password(const char *value)
{
	const char *host = strstr(value, "://"), *at, *colon, *p;

	if (host) {
		host += 3;
		at = strchr(host, '@');
		colon = strchr(host, ':');
		if (at && colon && colon + 1 < at && strcspn(host, "/ ") > (size_t)(at - host))
			return true;
	}
	for (p = value; (p = strcasestr(p, "password=")); p++)
		if (p[9] && !strchr(";&$ {", p[9]))
			return true;
	return false;
}

static bool told_already(const struct lint_resource *r, const char *path)
{
	for (size_t i = 0; r->secret_paths && i < r->secret_paths->nr; i++) {
		const char *s = r->secret_paths->v[i];
		size_t len = strlen(s);

		if (!strncmp(s, path, len) && (!path[len] || path[len] == '.'))
			return true;
	}
	return false;
}

static void check_map(
	struct lint *l, const struct lint_resource *r, const char *base, const struct json *map)
{
	const struct json *v;

	json_each(v, map)
	{
		const char *name = json_name(v), *value = json_scalar_text(v), *why = NULL;
		enum suspicion suspicion = suspect_name(name);
		char *path;

		if (!value || !json_is(map, JSON_OBJECT) || json_is_unknown(map))
			continue;
		if (has_access_key(value))
			why = "holds an AWS access key";
		else if (suspicion != NO_SECRET && !is_harmless(l, value) &&
			 !(suspicion == MAYBE_A_NAME && looks_like_name(value)))
			why = "is a secret by its name";
		else if (has_password(value))
			why = "holds a password";
		path = xasprintf("%s.%s", base, name);
		if (why && !told_already(r, path)) {
			lint_say(l, r, path,
				"%s %s, and stands in plain: whoever may look at the %s sees it",
				name, why, strrchr(r->decl->template->type, ':') + 1);
			lint_hint(l, r,
				"put it into an AWS::SecretsManager::Secret and give the job the "
				"secret's name");
		}
		free(path);
	}
}

void lint_plain_secret(struct lint *l)
{
	const struct lint_resource *r;

	lint_each(r, l) for (size_t i = 0; i < ARRAY_SIZE(places); i++)
	{
		const struct json *v = json_path(r->props, places[i].path), *e;
		size_t k = 0;

		if (!lint_is(r, places[i].type) || !v)
			continue;
		if (!places[i].each) {
			check_map(l, r, places[i].path, v);
			continue;
		}
		json_each(e, v)
		{
			char *path = xasprintf("%s.%zu.%s", places[i].path, k++, places[i].each);
			check_map(l, r, path, json_get(e, places[i].each));
			free(path);
		}
	}
}
