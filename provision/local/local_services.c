/* What the local cloud is made of: one row for each part and for each table of routes. */
#include "local_services.h"

#include <stddef.h>
#include "local_cloud.h"
#include "local_internal.h"

const struct local_part *const local_parts[] = {
	&local_core_part,
	&local_s3_part,
	&local_iam_part,
	NULL,
};

const struct local_service *const local_services[] = {
	&local_sts_service,
	&local_iam_role_service,
	&local_iam_policy_service,
	&local_tagging_service,
	NULL,
};
