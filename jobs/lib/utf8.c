#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* The length of a well-formed character at p, 0 where there is none. */
static size_t character_length(const unsigned char *p, size_t len)
{
	size_t need = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (need <= 1)
		return need;
	if (p[0] > 0xf4 || need > len)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return need;
}

/* ASCII eight at a time. */
size_t utf8_good_bytes(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint64_t word;
		size_t n;

		if (len - i >= sizeof(word)) {
			memcpy(&word, s + i, sizeof(word));
			if (!(word & UINT64_C(0x8080808080808080))) {
				i += sizeof(word);
				continue;
			}
		}
		n = character_length((const unsigned char *)s + i, len - i);
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

void utf8_repair(const char *s, size_t len, struct strbuf *out)
{
	strbuf_clear(out);
	while (len) {
		size_t good = utf8_good_bytes(s, len);

		strbuf_add(out, s, good);
		s += good;
		len -= good;
		if (len) {
			strbuf_addstr(out, "\xef\xbf\xbd");
			s++;
			len--;
		}
	}
}
