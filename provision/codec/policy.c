/* What a policy document says of a request. */
#include "policy.h"

#include <ctype.h>
#include <string.h>
#include "policy_internal.h"
#include "xalloc.h"

/* --- matching --- */

static bool same(char a, char b, bool ignore_case)
{
	if (!ignore_case)
		return a == b;
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

bool policy_match(const char *pattern, const char *s, bool ignore_case)
{
	const char *star = NULL, *back = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			back = s;
		} else if (*pattern && (*pattern == '?' || same(*pattern, *s, ignore_case))) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++back;
		} else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* The i-th of a string or an array of strings; NULL behind the end. */
static const char *one_of(const struct json *v, size_t i)
{
	if (json_is(v, JSON_ARRAY))
		return json_str(json_at(v, i));
	return i ? NULL : json_scalar_text(v);
}

static bool matches_any(
	const struct json *patterns, const char *s, bool ignore_case, const struct json *context)
{
	const char *pattern;
	size_t i;

	for (i = 0; (pattern = one_of(patterns, i)); i++) {
		struct strbuf full = STRBUF_INIT;
		bool match = policy_expand(pattern, context, &full) &&
			     policy_match(full.buf, s, ignore_case);

		strbuf_release(&full);
		if (match)
			return true;
	}
	return false;
}

/* --- principals --- */

static bool is_account_of(const char *pattern, const char *account)
{
	struct strbuf root = STRBUF_INIT;
	bool match;

	if (!account)
		return false;
	strbuf_addf(&root, "arn:aws:iam::%s:root", account);
	match = !strcmp(pattern, account) || !strcmp(pattern, root.buf);
	strbuf_release(&root);
	return match;
}

static bool aws_principal_matches(const struct json *patterns, const struct policy_request *q)
{
	const char *p;
	size_t i;

	for (i = 0; (p = one_of(patterns, i)); i++) {
		if (!q->caller_arn)
			continue;
		if (!strcmp(p, "*") || is_account_of(p, q->account) || !strcmp(p, q->caller_arn))
			return true;
		if (q->caller_role && !strcmp(p, q->caller_role))
			return true;
	}
	return false;
}

static bool principal_matches(const struct json *principal, const struct policy_request *q)
{
	const char *all = json_str(principal);

	if (all)
		return !strcmp(all, "*");
	if (q->service && matches_any(json_get(principal, "Service"), q->service, true, NULL))
		return true;
	return aws_principal_matches(json_get(principal, "AWS"), q);
}

/* --- evaluation --- */

static bool statement_names(const struct json *s, const struct policy_request *q)
{
	const struct json *v;

	if ((v = json_get(s, "Action")) && !matches_any(v, q->action, true, NULL))
		return false;
	if ((v = json_get(s, "NotAction")) && matches_any(v, q->action, true, NULL))
		return false;
	if ((v = json_get(s, "Resource")) && !matches_any(v, q->resource, false, q->context))
		return false;
	if ((v = json_get(s, "NotResource")) && matches_any(v, q->resource, false, q->context))
		return false;
	if ((v = json_get(s, "Principal")) && !principal_matches(v, q))
		return false;
	if ((v = json_get(s, "NotPrincipal")) && principal_matches(v, q))
		return false;
	return true;
}

static enum policy_effect statement_evaluate(const struct json *s, const struct policy_request *q)
{
	const char *effect = json_get_str(s, "Effect");
	bool deny = effect && !strcmp(effect, "Deny");
	enum policy_truth truth;

	if (!statement_names(s, q))
		return POLICY_NONE;
	truth = policy_conditions(json_get(s, "Condition"), q->context);
	if (truth == POLICY_FALSE || (truth == POLICY_UNKNOWN && !deny))
		return POLICY_NONE;
	return deny ? POLICY_DENY : POLICY_ALLOW;
}

enum policy_effect policy_evaluate(const struct json *doc, const struct policy_request *q)
{
	const struct json *statements = json_get(doc, "Statement");
	enum policy_effect result = POLICY_NONE;
	struct json *s;

	if (json_is(statements, JSON_OBJECT))
		return statement_evaluate(statements, q);
	json_each(s, statements)
	{
		enum policy_effect effect = statement_evaluate(s, q);

		if (effect == POLICY_DENY)
			return POLICY_DENY;
		if (effect == POLICY_ALLOW)
			result = POLICY_ALLOW;
	}
	return result;
}
