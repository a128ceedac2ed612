#include "cidr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "strbuf.h"

int cidr_parse(const char *text, struct cidr *out)
{
	const char *slash = strchr(text, '/');
	long long prefix;
	if (!slash)
		return -1;
	char *address = xstrndup(text, (size_t)(slash - text));
	*out = (struct cidr){.size = strchr(address, ':') ? 16 : 4};
	int ok = inet_pton(out->size == 16 ? AF_INET6 : AF_INET, address, out->address);
	free(address);
	if (ok != 1 || parse_int64(slash + 1, 0, (long long)out->size * 8, &prefix))
		return -1;
	out->prefix = (unsigned)prefix;
	for (size_t bit = out->prefix; bit < out->size * 8; bit++)
		out->address[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	return 0;
}

int cidr_part(const struct cidr *all, unsigned bits, unsigned long i, char **text)
{
	unsigned total = (unsigned)all->size * 8;
	unsigned char address[16];
	char shown[INET6_ADDRSTRLEN];
	if (bits > total || total - bits < all->prefix)
		return -1;
	unsigned room = total - bits - all->prefix;
	if (room < 32 && i >> room)
		return -1;
	memcpy(address, all->address, sizeof(address));
	for (unsigned bit = 0; bit < 32 && i >> bit; bit++) {
		if (!(i >> bit & 1))
			continue;
		unsigned at = total - bits - 1 - bit;
		address[at / 8] |= (unsigned char)(0x80 >> at % 8);
	}
	inet_ntop(all->size == 16 ? AF_INET6 : AF_INET, address, shown, sizeof(shown));
	*text = xasprintf("%s/%u", shown, total - bits);
	return 0;
}
