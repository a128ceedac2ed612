#ifndef AWSCHUNKED_H
#define AWSCHUNKED_H

/* "aws-chunked" bodies of S3, with or without chunk signatures and trailers ("Signature calculations for the
 * Authorization header: Transferring payload in multiple chunks", S3 API Reference). A push decoder. */
#include "err.h"
#include "sigv4.h"
#include "strbuf.h"

struct awschunked;
/* `claim` and `secret` (borrowed) check chunk signatures; both NULL for the unsigned kind. */
struct awschunked *awschunked_new(
	const char *payload_hash, const struct sigv4_claim *claim, const char *secret);
void awschunked_free(struct awschunked *d);
/* Feeds raw bytes; decoded payload is appended to out. ERR_INVALID names SignatureDoesNotMatch or IncompleteBody. */
int awschunked_feed(struct awschunked *d, const void *data, size_t len, struct strbuf *out,
	struct err *err) must_check;
/* After the last byte: complete? The trailers as "name:value\n" lines, lower case names. */
int awschunked_finish(struct awschunked *d, struct strbuf *trailers, struct err *err) must_check;

#endif
