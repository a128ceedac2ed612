#ifndef ENDPOINT_H
#define ENDPOINT_H

/* Where a service is, and under which region requests to it are signed. */
#include <stdbool.h>
#include "err.h"
#include "strbuf.h"

struct wire_service;

/* "aws", "aws-cn", "aws-us-gov"; static. */
const char *endpoint_partition(const char *region);
/* Letters, digits and dashes, as it becomes part of a host name. */
bool endpoint_region_valid(const char *region);
/* The region that a service signs for when the client's is `region`; static or `region` itself. */
const char *endpoint_signing_region(const struct wire_service *svc, const char *region);
/* Appends AWS's own address, "https://glue.eu-west-1.amazonaws.com"; `bucket` (may be NULL) comes before the host. */
void endpoint_default(
	const struct wire_service *svc, const char *region, const char *bucket, struct strbuf *url);
/* AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL; NULL when neither is set or they are to be ignored. */
const char *endpoint_from_environment(const struct wire_service *svc);
/* http or https with a host, and no query. */
int endpoint_check(const char *url, const char *origin, struct err *err) must_check;

#endif
