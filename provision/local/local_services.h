#ifndef LOCAL_SERVICES_H
#define LOCAL_SERVICES_H

/* The services and parts that other files define; local_services.c puts them into the two tables. */
struct local_part;
struct local_service;

extern const struct local_service local_sts_service, local_iam_role_service,
	local_iam_policy_service, local_tagging_service;

#endif
