/* Roles that jobs and crawlers run as: who may take them, and what they may do. */
#include <stdlib.h>
#include <string.h>
#include "fields.h"
#include "lint_rights.h"
#include "policy.h"

static bool is(const char *s, const char *what)
{
	return s && strcmp(s, what) == 0;
}

static bool uses_role(const struct lint_resource *r)
{
	return lint_is(r, TYPE_JOB) || lint_is(r, TYPE_CRAWLER);
}

static const char *kind_word(const struct lint_resource *r)
{
	return lint_is(r, TYPE_JOB) ? "job" : "crawler";
}

static const char *shown_name(const struct lint_resource *r)
{
	return r->name ? r->name : r->decl->template->logical_id;
}

/* The role of a job or crawler, where it is one of the project's. */
static const struct lint_resource *role_of(const struct lint *l, const struct lint_resource *r)
{
	return uses_role(r) ? lint_find(l, TYPE_ROLE, known_str(r->props, "Role")) : NULL;
}

/* The first job or crawler that runs as the role; NULL: none. */
static const struct lint_resource *user_of(const struct lint *l, const struct lint_resource *role)
{
	const struct lint_resource *r;

	lint_each(r, l) if (role_of(l, r) == role) return r;
	return NULL;
}

/* --- trust --- */

static bool is_everyone(const struct json *principal)
{
	const struct json *aws = json_get(principal, "AWS"), *e;

	if (is(json_str(principal), "*") || is(json_str(aws), "*"))
		return true;
	if (json_is(aws, JSON_ARRAY))
		json_each(e, aws) if (is(json_str(e), "*")) return true;
	return false;
}

/* Without its condition, which nobody can judge before Glue asks. */
static bool statement_trusts(const struct json *statement, const char *service)
{
	const struct policy_request q = {
		.action = "sts:AssumeRole", .resource = "*", .service = service};
	struct json *alone = json_copy(statement), *doc = json_object();
	bool trusts;

	json_remove(alone, "Condition");
	json_set(doc, "Statement", alone);
	trusts = json_has_unknown(alone) || policy_evaluate(doc, &q) == POLICY_ALLOW ||
		 (is(json_get_str(alone, "Effect"), "Allow") &&
			 is_everyone(json_get(alone, "Principal")));
	json_free(doc);
	return trusts;
}

static bool trusts(const struct lint_resource *role, const char *service)
{
	const struct json *v = json_get(role->props, "AssumeRolePolicyDocument"), *statements, *s;
	struct json *doc;
	bool found;

	if (!v || json_is_unknown(v))
		return true;
	doc = json_document(v);
	statements = json_get(doc, "Statement");
	found = json_is_unknown(statements) ||
		(json_is(statements, JSON_OBJECT) && statement_trusts(statements, service));
	if (json_is(statements, JSON_ARRAY))
		json_each(s, statements) found = found || statement_trusts(s, service);
	json_free(doc);
	return found;
}

void lint_trust(struct lint *l)
{
	const struct lint_resource *r, *user;

	lint_each(r, l)
	{
		if (!lint_is(r, TYPE_ROLE) || trusts(r, "glue.amazonaws.com"))
			continue;
		user = user_of(l, r);
		if (!user)
			continue;
		lint_say(l, r, "AssumeRolePolicyDocument",
			"%s '%s' runs as role '%s', whose trust policy lacks glue.amazonaws.com: "
			"AWS refuses it",
			kind_word(user), shown_name(user), shown_name(r));
		lint_hint(l, r,
			"add {Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: "
			"sts:AssumeRole}");
	}
}

/* --- programs --- */

static void check_object(struct lint *l, const struct lint_resource *r,
	const struct lint_resource *role, const struct rights *rights, const char *path,
	const char *uri, bool exact)
{
	char *resource = xasprintf("s3:::%s", uri + strlen("s3://"));

	if (!rights_allow(rights, l->in->partition, "s3:GetObject", resource, exact)) {
		lint_say(l, r, path,
			"role '%s' has no right to read the program: s3:GetObject on "
			"%s%s",
			shown_name(role), uri, exact ? "" : "*");
		lint_hint(l, r, "allow it in a policy of the role, on arn:%s:%s%s",
			l->in->partition, resource, exact ? "" : "*");
	}
	free(resource);
}

void lint_program_right(struct lint *l)
{
	const struct lint_resource *r;

	lint_each(r, l)
	{
		const struct lint_resource *role = role_of(l, r);
		const char *script = known_str(r->props, "Command.ScriptLocation");
		const char *path = "Command.ScriptLocation";
		struct rights rights;

		if (!role || !lint_is(r, TYPE_JOB) || !script)
			continue;
		rights_of_role(l, role, &rights);
		if (starts_with(script, "s3://"))
			check_object(l, r, role, &rights, path, script, true);
		else if (!strstr(script, "://") && l->in->artifacts)
			check_object(l, r, role, &rights, path, l->in->artifacts, false);
		rights_release(&rights);
	}
}

/* --- data --- */

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_SOME };

/* What an argument's name says of the place that it names. */
static enum access access_of(const char *name)
{
	static const char *const writes[] = {
		"target", "dest", "output", "sink", "tempdir", "spark-event-logs-path", "result"};
	static const char *const reads[] = {
		"source", "input", "src", "extra-py-files", "extra-jars", "extra-files"};
	char *lower = xstrdup(name);
	enum access access = ACCESS_SOME;

	lower_ascii(lower);
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		if (strstr(lower, reads[i]))
			access = ACCESS_READ;
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		if (strstr(lower, writes[i]))
			access = access == ACCESS_READ ? ACCESS_SOME : ACCESS_WRITE;
	free(lower);
	return access;
}

static void check_place(struct lint *l, const struct lint_resource *r,
	const struct lint_resource *role, const struct rights *rights, const char *path,
	const char *place, enum access access)
{
	static const char *const actions[] = {
		"s3:GetObject", "s3:PutObject", "s3:GetObject or s3:PutObject"};
	static const char *const does[] = {"read", "write", "read or write"};
	const char *p = l->in->partition;
	char *resource = xasprintf("s3:::%s%s", place, strchr(place, '/') ? "" : "/");
	bool may;

	may = (access != ACCESS_WRITE &&
		      rights_allow(rights, p, "s3:GetObject", resource, false)) ||
	      (access != ACCESS_READ && rights_allow(rights, p, "s3:PutObject", resource, false));
	if (!may) {
		lint_say(l, r, path, "role '%s' has no right to %s s3://%s: %s", shown_name(role),
			does[access], place, actions[access]);
		lint_hint(l, r, "allow it in a policy of the role, on arn:%s:%s*", p, resource);
	}
	free(resource);
}

/* What a crawl finds it writes to the catalog; a table that is there may only need UpdateTable. */
static void check_tables(struct lint *l, const struct lint_resource *r,
	const struct lint_resource *role, const struct rights *rights)
{
	const char *p = l->in->partition;

	if (rights_allow(rights, p, "glue:CreateTable", "glue:", false) ||
		rights_allow(rights, p, "glue:UpdateTable", "glue:", false))
		return;
	lint_say(l, r, "DatabaseName", "role '%s' has no right to make tables: glue:CreateTable",
		shown_name(role));
	lint_hint(l, r,
		"attach arn:%s:iam::aws:policy/service-role/AWSGlueServiceRole, or allow "
		"glue:*Table, glue:*Partition and glue:GetDatabase",
		p);
}

/* "s3://bucket/key", several with commas, or the name of one of the project's buckets. */
static void check_argument(struct lint *l, const struct lint_resource *r,
	const struct lint_resource *role, const struct rights *rights, const struct json *v)
{
	const char *value = json_scalar_text(v), *name = json_name(v);
	char *path = xasprintf("DefaultArguments.%s", name);
	struct strvec parts = STRVEC_INIT;

	if (value)
		strvec_split(&parts, value, ',');
	for (size_t i = 0; i < parts.nr; i++)
		if (starts_with(parts.v[i], "s3://") && parts.v[i][5])
			check_place(l, r, role, rights, path, parts.v[i] + 5, access_of(name));
	if (value && lint_find(l, "AWS::S3::Bucket", value) && strcasestr(name, "bucket"))
		check_place(l, r, role, rights, path, value, access_of(name));
	strvec_release(&parts);
	free(path);
}

static void check_targets(struct lint *l, const struct lint_resource *r,
	const struct lint_resource *role, const struct rights *rights)
{
	const struct json *t;
	size_t i = 0;

	json_each(t, json_path(r->props, "Targets.S3Targets"))
	{
		char *path = xasprintf("Targets.S3Targets.%zu.Path", i++), *bucket, *resource;
		const char *uri = known_str(t, "Path");

		if (uri && starts_with(uri, "s3://") && uri[5]) {
			check_place(l, r, role, rights, path, uri + 5, ACCESS_READ);
			bucket = xstrndup(uri + 5, strcspn(uri + 5, "/"));
			resource = xasprintf("s3:::%s", bucket);
			if (!rights_allow(
				    rights, l->in->partition, "s3:ListBucket", resource, true))
				lint_say(l, r, path,
					"role '%s' has no right to list bucket '%s': s3:ListBucket",
					shown_name(role), bucket);
			free(resource);
			free(bucket);
		}
		free(path);
	}
}

void lint_data_right(struct lint *l)
{
	const struct lint_resource *r;

	lint_each(r, l)
	{
		const struct lint_resource *role = role_of(l, r);
		const struct json *arguments = json_get(r->props, "DefaultArguments"), *v;
		struct rights rights;

		if (!role)
			continue;
		rights_of_role(l, role, &rights);
		if (lint_is(r, TYPE_CRAWLER)) {
			check_targets(l, r, role, &rights);
			check_tables(l, r, role, &rights);
		} else if (json_is(arguments, JSON_OBJECT) && !json_is_unknown(arguments))
			json_each(v, arguments) check_argument(l, r, role, &rights, v);
		rights_release(&rights);
	}
}

/* --- logs --- */

void lint_log_right(struct lint *l)
{
	const struct lint_resource *r;

	lint_each(r, l)
	{
		const struct lint_resource *user = lint_is(r, TYPE_ROLE) ? user_of(l, r) : NULL;
		struct rights rights;

		if (!user)
			continue;
		rights_of_role(l, r, &rights);
		if (!rights_allow(&rights, l->in->partition, "logs:PutLogEvents", "logs:", false)) {
			lint_say(l, r, "",
				"role '%s' has no right to write logs: runs of %s '%s' leave none",
				shown_name(r), kind_word(user), shown_name(user));
			lint_hint(l, r,
				"allow logs:CreateLogGroup, logs:CreateLogStream and "
				"logs:PutLogEvents on arn:%s:logs:*:*:log-group:/aws-glue/*",
				l->in->partition);
		}
		rights_release(&rights);
	}
}

/* --- PassRole --- */

/* The first statement of a document, of one or of many; json_next goes on. */
static struct json *first_statement(const struct json *doc)
{
	struct json *statements = json_get(doc, "Statement");

	return json_is(statements, JSON_ARRAY) ? json_first(statements) : statements;
}

static struct json *next_statement(const struct json *doc, const struct json *s)
{
	return json_is(json_get(doc, "Statement"), JSON_ARRAY) ? json_next(s) : NULL;
}

/* Is a call that hands a role to Glue named by itself? "glue:*" is not: most who have it only start what is there. */
static const char *passing_action(const struct json *doc)
{
	static const char *const passing[] = {"glue:CreateJob", "glue:UpdateJob",
		"glue:CreateCrawler", "glue:UpdateCrawler", "glue:CreateSession",
		"glue:CreateDevEndpoint"};

	for (const struct json *s = first_statement(doc); s; s = next_statement(doc, s)) {
		const struct json *actions = json_get(s, "Action"), *a;

		if (!is(json_get_str(s, "Effect"), "Allow"))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(passing); i++) {
			if (json_str(actions) && iequals(json_str(actions), passing[i]))
				return passing[i];
			if (!json_is(actions, JSON_ARRAY))
				continue;
			json_each(
				a, actions) if (json_str(a) &&
						iequals(json_str(a), passing[i])) return passing[i];
		}
	}
	return NULL;
}

/* Does a condition let roles pass to other services only? */
static bool passes_to_others(const struct json *statement)
{
	const struct json *operator, * services = NULL, *e;

	json_each(operator, json_get(statement, "Condition"))
	{
		if (is(json_name(operator), "StringEquals") ||
			is(json_name(operator), "StringLike"))
			services = json_get(operator, "iam:PassedToService");
	}
	if (!services || json_has_unknown(services))
		return false;
	if (json_str(services))
		return !policy_match(json_str(services), "glue.amazonaws.com", true);
	json_each(e, services) if (json_str(e) && policy_match(json_str(e), "glue.amazonaws.com",
							  true)) return false;
	return true;
}

/* What is allowed for other services is no right to pass a role to Glue. */
static void forget_others(struct rights *rights)
{
	for (size_t i = 0; i < rights->nr; i++) {
		const struct json *doc = rights->docs[i];

		for (struct json *s = first_statement(doc); s; s = next_statement(doc, s))
			if (passes_to_others(s))
				json_set_str(s, "Effect", "None");
	}
}

void lint_pass_role(struct lint *l)
{
	const struct lint_resource *r;

	lint_each(r, l)
	{
		const char *action = NULL;
		struct rights rights;

		if (!lint_is(r, TYPE_ROLE))
			continue;
		rights_of_role(l, r, &rights);
		for (size_t i = 0; i < rights.nr && !action; i++)
			action = rights.of_aws[i] ? NULL : passing_action(rights.docs[i]);
		forget_others(&rights);
		if (action &&
			!rights_allow(&rights, l->in->partition, "iam:PassRole", "iam:", false)) {
			lint_say(l, r, "",
				"role '%s' may call %s, but has no right to pass the role that "
				"this "
				"call names: iam:PassRole",
				shown_name(r), action);
			lint_hint(l, r,
				"allow iam:PassRole on the ARNs of these roles, with the condition "
				"iam:PassedToService: glue.amazonaws.com");
		}
		rights_release(&rights);
	}
}
