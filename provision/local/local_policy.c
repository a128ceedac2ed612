#include "local_policy.h"

#include <ctype.h>
#include <strings.h>
#include "local_cloud.h"
#include "local_policy_internal.h"
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

static bool is_identity(enum policy_kind kind)
{
	return kind == POLICY_IDENTITY || kind == POLICY_MANAGED;
}

static int check_action(const char *action, struct err *err)
{
	const char *colon = strchr(action, ':'), *c;

	if (!strcmp(action, "*"))
		return 0;
	if (!colon)
		return malformed(err,
			"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, "
			"ec2, etc.");
	if (strchr(colon + 1, ':'))
		return malformed(err, "Actions/Condition can contain only one colon.");
	for (c = action; c < colon; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-.", *c))
			return malformed(
				err, "Vendor %.*s is not valid", (int)(colon - action), action);
	return 0;
}

static int check_actions(const struct json *v, struct err *err)
{
	const char *action;
	size_t i;

	for (i = 0; (action = one_of(v, i)); i++)
		if (check_action(action, err))
			return -1;
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

/* The words of bucket policies; IAM's own come with check_syntax() and check_legacy(). */
static int check_effect(const struct json *s, enum policy_kind kind, struct err *err)
{
	const char *effect = json_get_str(s, "Effect");

	if (is_identity(kind))
		return 0;
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

	if ((!a && !b) || (json_is(a ? a : b, JSON_ARRAY) && !json_len(a ? a : b)))
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

	if (is_identity(kind))
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
	const struct json *actions, *resources;

	if (check_effect(s, kind, err) ||
		check_pair(s, "Action", "NotAction", "Policy statement must contain actions.",
			&actions, err) ||
		check_actions(actions, err) || check_principal(s, kind, err))
		return -1;
	if (kind == POLICY_TRUST) {
		if (json_get(s, "Resource") || json_get(s, "NotResource"))
			return malformed(err, "Has prohibited field Resource");
		return 0;
	}
	if (check_pair(s, "Resource", "NotResource", "Policy statement must contain resources.",
		    &resources, err))
		return -1;
	return policy_check_resources(resources, is_identity(kind), err);
}

static int check_sid(
	const struct json *statements, const struct json *s, enum policy_kind kind, struct err *err)
{
	const char *sid = json_get_str(s, "Sid"), *c;
	struct json *other;

	if (!sid || !*sid)
		return 0;
	for (c = sid; *c && is_identity(kind); c++)
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

/* A condition is {operator: {key: value or values}}. */
static int check_condition(const struct json *conditions, struct err *err)
{
	struct json *operator, * key, *value;

	if (!conditions)
		return 0;
	if (!json_is(conditions, JSON_OBJECT))
		return malformed(err, "Syntax errors in policy.");
	json_each(operator, conditions)
	{
		if (json_is(operator, JSON_OBJECT) && !json_len(operator))
			continue;
		if (!policy_operator_known(json_name(operator)) || !json_is(operator, JSON_OBJECT))
			return malformed(err, "Syntax errors in policy.");
		json_each(key, operator)
		{
			if (json_is(key, JSON_OBJECT))
				return malformed(err, "Syntax errors in policy.");
			if (!json_is(key, JSON_ARRAY))
				continue;
			json_each(value, key) if (!json_scalar_text(value)) return malformed(
				err, "Syntax errors in policy.");
		}
	}
	return 0;
}

/* First of all: is everything of a kind that may stand where it stands? */
static int check_syntax(const struct json *s, enum policy_kind kind, struct err *err)
{
	static const char *const lists[] = {"Action", "NotAction", "Resource", "NotResource"};
	const struct json *sid = json_get(s, "Sid");
	const char *effect = json_get_str(s, "Effect");
	size_t i;

	if (!json_is(s, JSON_OBJECT) || (sid && !json_is(sid, JSON_STRING)))
		return malformed(err, "Syntax errors in policy.");
	if (check_members(s, err))
		return -1;
	if (is_identity(kind) &&
		(!effect || (strcasecmp(effect, "Allow") != 0 && strcasecmp(effect, "Deny") != 0)))
		return malformed(err, "Syntax errors in policy.");
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct json *v = json_get(s, lists[i]);

		if (v && i % 2 && json_get(s, lists[i - 1]))
			return malformed(err, "Syntax errors in policy.");
		if (v && !is_strings(v) && !(json_is(v, JSON_ARRAY) && !json_len(v)))
			return malformed(err, "Syntax errors in policy.");
	}
	return check_condition(json_get(s, "Condition"), err);
}

/* What the older of IAM's parsers refuses, with one text for everything. */
static int check_legacy(const struct json *s, enum policy_kind kind, struct err *err)
{
	const char *effect = json_get_str(s, "Effect");
	const struct json *resources = json_get(s, "Resource");

	if (!is_identity(kind))
		return 0;
	if ((strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0) ||
		!policy_dates_parse(json_get(s, "Condition")) ||
		!policy_resources_parse(resources ? resources : json_get(s, "NotResource")))
		return malformed(err, "The policy failed legacy parsing");
	return 0;
}

static int check_envelope(const struct json *doc, struct err *err)
{
	const struct json *id = json_get(doc, "Id");
	const char *version = json_get_str(doc, "Version");
	struct json *m;

	if (!json_is(doc, JSON_OBJECT) || (id && !json_is(id, JSON_STRING)))
		return malformed(err, "Syntax errors in policy.");
	json_each(m, doc) if (strcmp(json_name(m), "Version") &&
			      strcmp(json_name(m), "Statement") &&
			      strcmp(json_name(m), "Id")) return malformed(err,
		"Syntax errors in policy.");
	if (json_get(doc, "Version") &&
		(!version || (strcmp(version, "2012-10-17") && strcmp(version, "2008-10-17"))))
		return malformed(err, "Syntax errors in policy.");
	return 0;
}

typedef int check_fn(const struct json *statement, enum policy_kind kind, struct err *err);

static int each_statement(
	const struct json *statements, check_fn *check, enum policy_kind kind, struct err *err)
{
	struct json *s;

	if (json_is(statements, JSON_OBJECT))
		return check(statements, kind, err);
	json_each(s, statements) if (check(s, kind, err)) return -1;
	return 0;
}

/* IAM goes over the whole document once for each kind of fault: this is their order. */
static int check_document(const struct json *doc, enum policy_kind kind, struct err *err)
{
	const struct json *statements = json_get(doc, "Statement");
	const char *version = json_get_str(doc, "Version");
	struct json *s;

	if (check_envelope(doc, err))
		return -1;
	if (!json_is(statements, JSON_OBJECT) &&
		(!json_is(statements, JSON_ARRAY) || !json_len(statements)))
		return malformed(err, "Syntax errors in policy.");
	if (each_statement(statements, check_syntax, kind, err))
		return -1;
	if (kind == POLICY_MANAGED && (!version || strcmp(version, "2012-10-17") != 0))
		return malformed(err, "Policy document must be version 2012-10-17 or greater.");
	if (each_statement(statements, check_legacy, kind, err))
		return -1;
	if (json_is(statements, JSON_ARRAY))
		json_each(s, statements) if (check_sid(statements, s, kind, err)) return -1;
	return each_statement(statements, check_statement, kind, err);
}

int policy_check(const char *text, enum policy_kind kind, struct json **doc, struct err *err)
{
	*doc = text ? json_parse(text, strlen(text), NULL) : NULL;
	if (!*doc)
		return malformed(err, "%s",
			kind == POLICY_MANAGED ? "Syntax errors in policy."
					       : "This policy contains invalid Json");
	if (!check_document(*doc, kind, err))
		return 0;
	json_free(*doc);
	*doc = NULL;
	return -1;
}
