#ifndef GZIP_READ_H
#define GZIP_READ_H

/* RFC 1952: a gzip stream that is in memory whole, as clients compress the bodies of requests. */
#include <stddef.h>
#include "err.h"
#include "strbuf.h"

/* Appends what it holds, at most `max_bytes`; ERR_INVALID for what is none, is cut off, or is longer. */
int gzip_inflate(const void *data, size_t len, size_t max_bytes, struct strbuf *out,
	struct err *err) must_check;

#endif
