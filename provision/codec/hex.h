#ifndef HEX_H
#define HEX_H

#include <stddef.h>
#include "strbuf.h"

void hex_encode(struct strbuf *sb, const void *data, size_t len);        /* lower case */
int hex_decode(struct strbuf *sb, const char *s, size_t len) must_check; /* -1: not hex */

#endif
