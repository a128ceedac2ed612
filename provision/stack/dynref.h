#ifndef DYNREF_H
#define DYNREF_H

/*
 * Dynamic references: {{resolve:ssm:name[:version]}}, {{resolve:ssm-secure:name[:version]}} and
 * {{resolve:secretsmanager:id[:SecretString[:json-key[:version-stage[:version-id]]]]}} as a text or in one. What comes of
 * a secret is hidden as a NoEcho value is.
 */
#include "intrinsics.h"

/* Puts what they stand for into all texts of *v; an unknown value where it is not known yet. The path in `ev` is *v's own;
 * `r` gives places of properties, else `at` does. Errors as eval_node tells them. */
int references_resolve(struct evaluation *ev, const struct stack_resource *r,
	const struct yaml_node *at, struct json **v, struct err *err) must_check;

#endif
