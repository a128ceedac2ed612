#include "base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct strbuf *sb, const void *data, size_t len)
{
	const unsigned char *p = data;
	strbuf_grow(sb, (len + 2) / 3 * 4);
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t n = (uint32_t)p[i] << 16;
		if (left > 1)
			n |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			n |= p[i + 2];
		strbuf_addch(sb, alphabet[n >> 18]);
		strbuf_addch(sb, alphabet[n >> 12 & 63]);
		strbuf_addch(sb, left > 1 ? alphabet[n >> 6 & 63] : '=');
		strbuf_addch(sb, left > 2 ? alphabet[n & 63] : '=');
	}
}

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Strict: padded, no blanks, and no stray bits in the last group, so that each text has one reading. */
int base64_decode(struct strbuf *sb, const char *s, size_t len)
{
	size_t before = sb->len, pad = 0;
	if (len % 4)
		return -1;
	while (pad < 2 && pad < len && s[len - 1 - pad] == '=')
		pad++;
	strbuf_grow(sb, len / 4 * 3);
	for (size_t i = 0; i < len; i += 4) {
		size_t digits = i + 4 == len ? 4 - pad : 4;
		uint32_t n = 0;
		for (size_t k = 0; k < 4; k++) {
			int v = k < digits ? value(s[i + k]) : 0;
			if (v < 0)
				goto bad;
			n = n << 6 | (uint32_t)v;
		}
		if ((digits == 2 && n & 0xffff) || (digits == 3 && n & 0xff))
			goto bad;
		strbuf_addch(sb, (char)(n >> 16));
		if (digits > 2)
			strbuf_addch(sb, (char)(n >> 8));
		if (digits > 3)
			strbuf_addch(sb, (char)n);
	}
	return 0;
bad:
	strbuf_setlen(sb, before);
	return -1;
}
