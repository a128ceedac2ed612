#ifndef LOCAL_POLICY_H
#define LOCAL_POLICY_H

/*
 * IAM policy documents ("Policy evaluation logic" and "IAM JSON policy element reference", IAM User Guide): checking
 * and evaluating, without a store. Wildcards, NotAction, NotResource, NotPrincipal, policy variables, conditions.
 */
#include <stdbool.h>
#include <stddef.h>
#include "err.h"
#include "json.h"

enum policy_kind { POLICY_IDENTITY, POLICY_TRUST, POLICY_RESOURCE };
enum policy_effect { POLICY_NONE, POLICY_ALLOW, POLICY_DENY };

struct policy_request {
	const char *action;   /* "glue:GetTable" */
	const char *resource; /* an ARN or "*"; not looked at in trust policies */
	const struct json *
		context; /* {"aws:username": "…", "s3:prefix": …}: strings or arrays; may be NULL */
	/* Who asks, for policies with principals; either may be NULL. */
	const char *service;     /* "glue.amazonaws.com" */
	const char *account;     /* of the caller */
	const char *caller_arn;  /* arn:aws:sts::A:assumed-role/R/S, arn:aws:iam::A:root */
	const char *caller_role; /* arn:aws:iam::A:role/R when the caller is a role's session */
};

/* What one document says; an explicit deny beats an allow. A condition that is not understood never allows and
 * always denies. */
enum policy_effect policy_evaluate(const struct json *doc, const struct policy_request *q);
/* MalformedPolicyDocument (400) in AWS's words; *doc is the caller's. */
int policy_check(
	const char *text, enum policy_kind kind, struct json **doc, struct err *err) must_check;
/* `*` and `?` over the whole string. */
bool policy_match(const char *pattern, const char *s, bool ignore_case);

#endif
