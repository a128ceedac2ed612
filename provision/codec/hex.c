#include "hex.h"

void hex_encode(struct strbuf *sb, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;
	strbuf_grow(sb, 2 * len);
	for (size_t i = 0; i < len; i++) {
		strbuf_addch(sb, digits[p[i] >> 4]);
		strbuf_addch(sb, digits[p[i] & 15]);
	}
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(struct strbuf *sb, const char *s, size_t len)
{
	size_t before = sb->len;
	if (len % 2)
		return -1;
	for (size_t i = 0; i < len; i += 2) {
		int high = digit(s[i]), low = digit(s[i + 1]);
		if (high < 0 || low < 0) {
			strbuf_setlen(sb, before);
			return -1;
		}
		strbuf_addch(sb, (char)(high * 16 + low));
	}
	return 0;
}
