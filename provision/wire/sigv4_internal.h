#ifndef SIGV4_INTERNAL_H
#define SIGV4_INTERNAL_H

/* Shared by the rooms of SigV4, not for other layers. */
#include "sigv4.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_TERMINATOR "aws4_request"

/* As sigv4_canonical_request, leaving the query parameter `skip_query` (may be NULL) out. */
void sigv4_canonical(struct sigv4_state *s, const struct sigv4_request *req,
	const char *const *only, const char *skip_query);
/* Decoded, encoded once and sorted; `skip` (may be NULL) is left out. */
void sigv4_add_canonical_query(struct strbuf *out, const char *query, const char *skip);
/* "20261121/eu-west-1/glue/aws4_request" */
void sigv4_add_scope(struct strbuf *out, const struct sigv4_scope *scope);

#endif
