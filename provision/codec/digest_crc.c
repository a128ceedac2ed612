#include "digest_crc.h"

#include <pthread.h>
#include <string.h>

/* Both reflected. The 32-bit one is computed in a 64-bit register, so one routine serves both. */
#define POLY_CRC32C UINT64_C(0x82f63b78)
#define POLY_CRC64NVME UINT64_C(0x9a6c9329ac4bc9b5) /* 0xad93d23594c93659, bits in reverse */

/* Slicing by 8: table[k][b] is what byte b does when k more bytes follow it. */
struct crc_tables {
	uint64_t table[8][256];
};

static struct crc_tables crc32c_tables, crc64nvme_tables;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void fill(struct crc_tables *t, uint64_t poly)
{
	for (unsigned b = 0; b < 256; b++) {
		uint64_t c = b;
		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ poly : c >> 1;
		t->table[0][b] = c;
	}
	for (unsigned k = 1; k < 8; k++) {
		for (unsigned b = 0; b < 256; b++) {
			uint64_t c = t->table[k - 1][b];
			t->table[k][b] = c >> 8 ^ t->table[0][c & 0xff];
		}
	}
}

static void fill_all(void)
{
	fill(&crc32c_tables, POLY_CRC32C);
	fill(&crc64nvme_tables, POLY_CRC64NVME);
}

static uint64_t little_endian(const unsigned char *p)
{
	uint64_t n;
	memcpy(&n, p, sizeof(n));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	n = __builtin_bswap64(n);
#endif
	return n;
}

static uint64_t add(const struct crc_tables *t, uint64_t c, const unsigned char *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		c ^= little_endian(p);
		c = t->table[7][c & 0xff] ^ t->table[6][c >> 8 & 0xff] ^
		    t->table[5][c >> 16 & 0xff] ^ t->table[4][c >> 24 & 0xff] ^
		    t->table[3][c >> 32 & 0xff] ^ t->table[2][c >> 40 & 0xff] ^
		    t->table[1][c >> 48 & 0xff] ^ t->table[0][c >> 56];
	}
	for (; len; p++, len--)
		c = c >> 8 ^ t->table[0][(c ^ *p) & 0xff];
	return c;
}

uint32_t crc32c_add(uint32_t crc, const void *data, size_t len)
{
	pthread_once(&tables_once, fill_all);
	return ~(uint32_t)add(&crc32c_tables, (uint32_t)~crc, data, len);
}

uint64_t crc64nvme_add(uint64_t crc, const void *data, size_t len)
{
	pthread_once(&tables_once, fill_all);
	return ~add(&crc64nvme_tables, ~crc, data, len);
}
