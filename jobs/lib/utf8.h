#ifndef UTF8_H
#define UTF8_H

/* Text that DuckDB and JSON take: UTF-8, whatever the bytes were. */
#include <stddef.h>
#include "strbuf.h"

/* How many bytes from the start are good UTF-8. */
size_t utf8_good_bytes(const char *s, size_t len);
/* Replaces `out` by the text, with U+FFFD for each byte that is no UTF-8. */
void utf8_repair(const char *s, size_t len, struct strbuf *out);

#endif
