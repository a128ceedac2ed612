#ifndef CIDR_H
#define CIDR_H

/* Blocks of addresses, for Fn::Cidr. */
#include <stddef.h>

struct cidr {
	unsigned char address[16]; /* network order; IPv4 in the first four; host bits are 0 */
	size_t size;               /* 4 or 16 */
	unsigned prefix;
};

/* "10.0.0.0/16", "2001:db8::/56"; -1 when it is none. Host bits that are set are cleared. */
int cidr_parse(const char *text, struct cidr *out);
/* Block number `i` of those with `bits` host bits in `all`; *text is malloc'd. -1 when there are not so many. */
int cidr_part(const struct cidr *all, unsigned bits, unsigned long i, char **text);

#endif
