#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>
#include "strbuf.h"

void base64_encode(struct strbuf *sb, const void *data, size_t len);
int base64_decode(struct strbuf *sb, const char *s, size_t len) must_check; /* -1: not base64 */

#endif
