#include "local_policy.h"

#include <ctype.h>
#include "local_cloud.h"
#include "xalloc.h"

/* --- checking --- */

/* The i-th of a string or an array of strings; NULL behind the end. */
static const char *one_of(const struct json *v, size_t i)
{
	if (json_is(v, JSON_ARRAY))
		return json_str(json_at(v, i));
	return i ? NULL : json_scalar_text(v);
}

#define malformed(err, ...) local_fault(err, 400, "MalformedPolicyDocument", __VA_ARGS__)

static bool is_strings(const struct json *v)
{
	struct json *e;

	if (json_is(v, JSON_STRING))
		return true;
	if (!json_is(v, JSON_ARRAY) || !json_len(v))
		return false;
	json_each(e, v) if (!json_is(e, JSON_STRING)) return false;
	return true;
}

static int check_actions(const struct json *v, struct err *err)
{
	const char *action;
	size_t i;

	for (i = 0; (action = one_of(v, i)); i++)
		if (strcmp(action, "*") && !strchr(action, ':'))
			return malformed(err,
				"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, "
				"ec2, etc.");
	return 0;
}

static int check_resources(const struct json *v, struct err *err)
{
	const char *resource;
	size_t i;

	for (i = 0; (resource = one_of(v, i)); i++)
		if (strcmp(resource, "*") && !starts_with(resource, "arn:"))
			return malformed(
				err, "Resource %s must be in ARN format or \"*\".", resource);
	return 0;
}

static int check_members(const struct json *s, struct err *err)
{
	static const char *const known[] = {"Sid", "Effect", "Action", "NotAction", "Resource",
		"NotResource", "Principal", "NotPrincipal", "Condition"};
	struct json *m;
	size_t i;

	json_each(m, s)
	{
		for (i = 0; i < ARRAY_SIZE(known); i++)
			if (!strcmp(json_name(m), known[i]))
				break;
		if (i == ARRAY_SIZE(known))
			return malformed(err, "Syntax errors in policy.");
	}
	return 0;
}

static int check_effect(const struct json *s, struct err *err)
{
	const char *effect = json_get_str(s, "Effect");

	if (!effect)
		return malformed(err, "Missing required field Effect");
	if (strcmp(effect, "Allow") && strcmp(effect, "Deny"))
		return malformed(err, "Invalid effect: %s", effect);
	return 0;
}

static int check_pair(const struct json *s, const char *name, const char *not_name,
	const char *missing, const struct json **out, struct err *err)
{
	const struct json *a = json_get(s, name), *b = json_get(s, not_name);

	if (!a && !b)
		return malformed(err, "%s", missing);
	if ((a && b) || !is_strings(a ? a : b))
		return malformed(err, "Syntax errors in policy.");
	*out = a ? a : b;
	return 0;
}

static int check_principal(const struct json *s, enum policy_kind kind, struct err *err)
{
	const struct json *p = json_get(s, "Principal"), *n = json_get(s, "NotPrincipal");
	struct json *m;

	if (kind == POLICY_IDENTITY)
		return p || n ? malformed(err, "Policy document should not specify a principal.")
			      : 0;
	if (!p && !n)
		return malformed(err, "Missing required field Principal");
	if (json_is(p, JSON_STRING) && !strcmp(json_str(p), "*"))
		return 0;
	p = p ? p : n;
	if (!json_is(p, JSON_OBJECT) || !json_len(p))
		return malformed(err, "Invalid principal in policy");
	json_each(m, p)
	{
		const char *type = json_name(m);

		if ((strcmp(type, "AWS") && strcmp(type, "Service") && strcmp(type, "Federated") &&
			    strcmp(type, "CanonicalUser")) ||
			!is_strings(m))
			return malformed(err, "Invalid principal in policy");
	}
	return 0;
}

static int check_statement(const struct json *s, enum policy_kind kind, struct err *err)
{
	const struct json *actions, *resources, *conditions = json_get(s, "Condition");

	if (!json_is(s, JSON_OBJECT))
		return malformed(err, "Syntax errors in policy.");
	if (check_members(s, err) || check_effect(s, err) ||
		check_pair(s, "Action", "NotAction", "Policy statement must contain actions.",
			&actions, err) ||
		check_actions(actions, err) || check_principal(s, kind, err))
		return -1;
	if (conditions && !json_is(conditions, JSON_OBJECT))
		return malformed(err, "Syntax errors in policy.");
	if (kind == POLICY_TRUST) {
		if (json_get(s, "Resource") || json_get(s, "NotResource"))
			return malformed(err, "Has prohibited field Resource");
		return 0;
	}
	if (check_pair(s, "Resource", "NotResource", "Policy statement must contain resources.",
		    &resources, err))
		return -1;
	return check_resources(resources, err);
}

static int check_sid(
	const struct json *statements, const struct json *s, enum policy_kind kind, struct err *err)
{
	const char *sid = json_get_str(s, "Sid"), *c;
	struct json *other;

	if (!sid || !*sid)
		return 0;
	for (c = sid; *c && kind == POLICY_IDENTITY; c++)
		if (!isalnum((unsigned char)*c))
			return malformed(err,
				"Statement IDs (SID) must be alpha-numeric. Check that your input "
				"satisfies the regular expression [0-9A-Za-z]*");
	json_each(other, statements)
	{
		const char *its = json_get_str(other, "Sid");

		if (other == s)
			break;
		if (its && !strcmp(its, sid))
			return malformed(
				err, "Statement IDs (SID) in a single policy must be unique.");
	}
	return 0;
}

static int check_document(const struct json *doc, enum policy_kind kind, struct err *err)
{
	const struct json *statements = json_get(doc, "Statement");
	const char *version = json_get_str(doc, "Version");
	struct json *m;

	if (!json_is(doc, JSON_OBJECT))
		return malformed(err, "Syntax errors in policy.");
	json_each(m, doc) if (strcmp(json_name(m), "Version") &&
			      strcmp(json_name(m), "Statement") &&
			      strcmp(json_name(m), "Id")) return malformed(err,
		"Syntax errors in policy.");
	if (json_get(doc, "Version") &&
		(!version || (strcmp(version, "2012-10-17") && strcmp(version, "2008-10-17"))))
		return malformed(err, "Syntax errors in policy.");
	if (json_is(statements, JSON_OBJECT))
		return check_statement(statements, kind, err);
	if (!json_is(statements, JSON_ARRAY) || !json_len(statements))
		return malformed(err, "Syntax errors in policy.");
	json_each(m, statements) if (check_statement(m, kind, err) ||
				     check_sid(statements, m, kind, err)) return -1;
	return 0;
}

int policy_check(const char *text, enum policy_kind kind, struct json **doc, struct err *err)
{
	*doc = text ? json_parse(text, strlen(text), NULL) : NULL;
	if (!*doc)
		return malformed(err, "This policy contains invalid Json");
	if (!check_document(*doc, kind, err))
		return 0;
	json_free(*doc);
	*doc = NULL;
	return -1;
}
