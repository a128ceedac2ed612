#ifndef LOCAL_POLICY_H
#define LOCAL_POLICY_H

/* Which IAM policy documents AWS refuses. What they say is policy.h's. */
#include "err.h"
#include "policy.h"

/* POLICY_IDENTITY is an inline policy, POLICY_MANAGED one of its own: only that must say its version. */
enum policy_kind { POLICY_IDENTITY, POLICY_MANAGED, POLICY_TRUST, POLICY_RESOURCE };

/* MalformedPolicyDocument (400) in AWS's words; *doc is the caller's. */
int policy_check(
	const char *text, enum policy_kind kind, struct json **doc, struct err *err) must_check;

#endif
