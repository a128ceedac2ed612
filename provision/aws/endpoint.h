#ifndef ENDPOINT_H
#define ENDPOINT_H

/* Where a service is, and under which region requests to it are signed: AWS's own addresses, by table. */
#include <stdbool.h>
#include "err.h"
#include "strbuf.h"

struct wire_service;

/* "aws", "aws-cn", "aws-us-gov", …; static. */
const char *endpoint_partition(const char *region);
/* Letters, digits and dashes, as it becomes part of a host name. */
bool endpoint_region_valid(const char *region);

enum endpoint_variant {
	ENDPOINT_FIPS = 1 << 0,
	ENDPOINT_DUALSTACK = 1 << 1,
	/* The one host of old: s3.amazonaws.com for us-east-1, sts.amazonaws.com for the first regions. */
	ENDPOINT_GLOBAL = 1 << 2,
	/* The bucket stands in the path, whatever its name. */
	ENDPOINT_PATH_STYLE = 1 << 3,
};
struct endpoint_query {
	const char *region;
	const char *bucket; /* S3; NULL: none */
	unsigned variants;  /* enum endpoint_variant */
};
/* Appends "https://glue.eu-west-1.amazonaws.com"; with a bucket it is in the host, or in the path where its name is
 * none for a host. *signing_region is static or q->region. ERR_USAGE where AWS has no such address. */
int endpoint_resolve(const struct wire_service *svc, const struct endpoint_query *q,
	struct strbuf *url, const char **signing_region, struct err *err) must_check;
/* The region that requests to AWS's own address are signed for; static or `region` itself. */
const char *endpoint_signing_region(const struct wire_service *svc, const char *region);
/* Lower case, digits and dashes, 3 to 63: one label, which a certificate covers. */
bool endpoint_bucket_in_host(const char *bucket);

/* http or https with a host, and no query. `origin` names where it was set. */
int endpoint_check(const char *url, const char *origin, struct err *err) must_check;
/* "fips-us-east-1", "us-east-1-fips" as older tools wrote it: the region without, malloc'd; NULL when it is none of those. */
char *endpoint_fips_region(const char *region);

#endif
