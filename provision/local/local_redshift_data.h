#ifndef LOCAL_REDSHIFT_DATA_H
#define LOCAL_REDSHIFT_DATA_H

/* Where a request of the Data API goes, and as which user of the database: from WorkgroupName and SecretArn. */
#include "local_redshift.h"

struct redshift_place {
	struct redshift_workgroup workgroup;
	struct redshift_namespace space;
	char *user;
	char *failed; /* the database does not let the user in: what it says */
};
void redshift_place_release(struct redshift_place *p);
/* ValidationException, or AccessDeniedException without the right to GetCredentials or to the secret. */
int redshift_place_find(struct local_cloud *cloud, const struct local_request *req,
	struct redshift_place *out, struct err *err) must_check;
/* For routes: the ARN of the request's workgroup. */
void redshift_workgroup_arn(
	struct local_cloud *cloud, const struct local_request *req, struct strbuf *arn);

#endif
