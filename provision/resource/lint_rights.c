#include "lint_rights.h"

#include <stdlib.h>
#include <string.h>
#include "fields.h"
#include "policy.h"

/* --- one document --- */

/* The i-th of a value or a list of values; NULL behind the end. */
static const struct json *one_of(const struct json *v, size_t i)
{
	if (json_is(v, JSON_ARRAY))
		return json_at(v, i);
	return i ? NULL : v;
}

/* Is there a text that begins with `s` and that the pattern matches? */
static bool may_go_on(const char *pattern, const char *s)
{
	for (; *s; pattern++, s++) {
		if (*pattern == '*')
			return true;
		if (!*pattern || (*pattern != '?' && *pattern != *s))
			return false;
	}
	return true;
}

static bool names_action(const struct json *v, const char *action, bool in_doubt)
{
	const struct json *e;

	for (size_t i = 0; (e = one_of(v, i)); i++) {
		const char *pattern = json_str(e);

		if (pattern ? policy_match(pattern, action, true) : in_doubt)
			return true;
	}
	return false;
}

static bool may_name_resource(const struct json *v, const char *arn, bool exact)
{
	const struct json *e;

	for (size_t i = 0; (e = one_of(v, i)); i++) {
		const char *pattern = json_str(e);

		if (!pattern || strstr(pattern, "${"))
			return true;
		if (exact ? policy_match(pattern, arn, false) : may_go_on(pattern, arn))
			return true;
	}
	return false;
}

/* All that begins with the ARN, not just some of it. */
static bool covers_resource(const struct json *v, const char *arn, bool exact)
{
	const struct json *e;

	for (size_t i = 0; (e = one_of(v, i)); i++) {
		const char *pattern = json_str(e);

		if (pattern && (exact || ends_with(pattern, "*")) &&
			policy_match(pattern, arn, false))
			return true;
	}
	return false;
}

static bool has_effect(const struct json *statement, const char *effect)
{
	const char *s = json_get_str(statement, "Effect");

	return s ? !strcmp(s, effect) : !strcmp(effect, "Allow") && json_get(statement, "Effect");
}

static bool statement_allows(const struct json *s, const char *action, const char *arn, bool exact)
{
	const struct json *v;

	if (json_is_unknown(s))
		return true;
	if (!has_effect(s, "Allow"))
		return false;
	v = json_get(s, "Action");
	if (v && !names_action(v, action, true))
		return false;
	v = json_get(s, "NotAction");
	if (v && names_action(v, action, false))
		return false;
	v = json_get(s, "Resource");
	return !v || may_name_resource(v, arn, exact);
}

static bool statement_denies(const struct json *s, const char *action, const char *arn, bool exact)
{
	return has_effect(s, "Deny") && !json_get(s, "Condition") &&
	       names_action(json_get(s, "Action"), action, false) &&
	       covers_resource(json_get(s, "Resource"), arn, exact);
}

typedef bool statement_fn(const struct json *s, const char *action, const char *arn, bool exact);

static bool any_statement(
	const struct json *doc, statement_fn *fn, const char *action, const char *arn, bool exact)
{
	const struct json *statements = json_get(doc, "Statement"), *s;

	if (json_is(statements, JSON_OBJECT))
		return fn(statements, action, arn, exact);
	json_each(s, statements) if (fn(s, action, arn, exact)) return true;
	return false;
}

bool rights_doc_allows(const struct json *doc, const char *action, const char *arn, bool exact)
{
	return json_is_unknown(doc) || any_statement(doc, statement_allows, action, arn, exact);
}

bool rights_doc_denies(const struct json *doc, const char *action, const char *arn, bool exact)
{
	return any_statement(doc, statement_denies, action, arn, exact);
}

/* --- a role's documents --- */

static void add(struct rights *r, struct json *doc, bool of_aws)
{
	if (!doc) {
		r->open = true;
		return;
	}
	ALLOC_GROW(r->docs, r->nr, r->alloc);
	if (r->nr >= r->alloc_of_aws) {
		r->alloc_of_aws = r->alloc;
		r->of_aws = xrealloc(r->of_aws, r->alloc_of_aws * sizeof(*r->of_aws));
	}
	r->of_aws[r->nr] = of_aws;
	r->docs[r->nr++] = doc;
}

static void add_property(struct rights *r, const struct json *props, const char *name)
{
	const struct json *v = json_get(props, name);

	if (json_is_unknown(v) || !v)
		r->open = true;
	else
		add(r, json_document(v), false);
}

static void add_managed(const struct lint *l, struct rights *r, const char *arn)
{
	const struct policy_managed *managed = policy_managed_find(arn);
	const struct lint_resource *own = lint_find(l, "AWS::IAM::ManagedPolicy", arn);

	if (managed)
		add(r, json_parse(managed->document, strlen(managed->document), NULL), true);
	else if (own)
		add_property(r, own->props, "PolicyDocument");
	else
		r->open = true;
}

/* 1 when the policy names the role (NULL: its name is not known yet), 0 when not; -1: who knows. */
static int names_role(const struct lint_resource *policy, const char *role)
{
	const struct json *roles = json_get(policy->props, "Roles"), *e;
	bool doubt = json_is_unknown(roles);

	json_each(e, roles)
	{
		const char *name = json_str(e);

		if (name && role && !strcmp(name, role))
			return 1;
		doubt = doubt || !name || !role;
	}
	return doubt ? -1 : 0;
}

void rights_of_role(const struct lint *l, const struct lint_resource *role, struct rights *out)
{
	const struct json *policies = json_get(role->props, "Policies"), *p;
	const struct json *arns = json_get(role->props, "ManagedPolicyArns");
	const struct lint_resource *r;

	*out = (struct rights){.open = json_is_unknown(policies) || json_is_unknown(arns) ||
				       json_is_unknown(role->props)};
	if (json_is(policies, JSON_ARRAY))
		json_each(p, policies) add_property(out, p, "PolicyDocument");
	if (json_is(arns, JSON_ARRAY))
		json_each(p, arns)
		{
			if (json_str(p))
				add_managed(l, out, json_str(p));
			else
				out->open = true;
		}
	lint_each(r, l)
	{
		int named;

		if (!lint_is(r, "AWS::IAM::Policy") && !lint_is(r, "AWS::IAM::ManagedPolicy"))
			continue;
		named = names_role(r, role->name);
		if (named > 0)
			add_property(out, r->props, "PolicyDocument");
		out->open = out->open || named < 0;
	}
}

void rights_release(struct rights *r)
{
	for (size_t i = 0; i < r->nr; i++)
		json_free(r->docs[i]);
	free(r->docs);
	free(r->of_aws);
	*r = (struct rights){0};
}

bool rights_allow(const struct rights *r, const char *partition, const char *action,
	const char *resource, bool exact)
{
	bool allowed = r->open;

	for (size_t i = 0; i < r->nr; i++) {
		char *arn = xasprintf("arn:%s:%s", r->of_aws[i] ? "aws" : partition, resource);
		bool denied = rights_doc_denies(r->docs[i], action, arn, exact);

		allowed = allowed || rights_doc_allows(r->docs[i], action, arn, exact);
		free(arn);
		if (denied)
			return false;
	}
	return allowed;
}
