#ifndef LOCAL_IAM_H
#define LOCAL_IAM_H

/* Roles, policies and sessions as the other services use them. Transactions of their own, unless said otherwise. */
#include "local_cloud.h"

/* Does a role of that ARN or name exist, and does its trust policy let `service` ("glue.amazonaws.com") assume it?
 * Fault codes are the caller's to map; err->code is ERR_NOT_FOUND or ERR_DENIED. *name is malloc'd. */
int local_iam_role_for_service(struct local_cloud *cloud, const char *role, const char *service,
	char **name, struct err *err) must_check;
/* Keys for a session of that role (ASIA…), valid for `seconds`; strings malloc'd. The principal too when asked. */
int local_iam_session_new(struct local_cloud *cloud, const char *role_name,
	const char *session_name, int64_t seconds, char **access_key_id, char **secret,
	char **token, struct err *err) must_check;
/* The principal of an access key; ERR_NOT_FOUND (unknown), ERR_DENIED (expired). */
int local_iam_principal(struct local_cloud *cloud, const char *access_key_id,
	struct local_principal *out, struct err *err) must_check;
/* A principal for a role without keys: what a crawler acts as. */
int local_iam_role_principal(struct local_cloud *cloud, const char *role_name,
	const char *session_name, struct local_principal *out, struct err *err) must_check;
void local_principal_release(struct local_principal *p);
/* Identity policies (inline, managed, AWS-managed by a table of the well-known ones), boundary, explicit deny,
 * wildcards, NotAction/NotResource, and the condition operators that pipelines use; an unknown condition denies. */
bool local_iam_allows(struct local_cloud *cloud, const struct local_principal *who,
	const char *action, const char *arn);

#endif
