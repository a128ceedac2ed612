#include "digest_crc.h"

#include <pthread.h>
#include <string.h>

/* The 32-bit one is computed in a 64-bit register, so one routine serves both. */

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
	fill(&crc32c_tables, CRC_POLY_CRC32C);
	fill(&crc64nvme_tables, CRC_POLY_CRC64NVME);
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

/* --- pieces: polynomials over GF(2), x^0 in the highest bit --- */

/* a times b, modulo the polynomial. */
static uint64_t multiply(uint64_t poly, int bits, uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (uint64_t bit = UINT64_C(1) << (bits - 1); bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b & 1 ? b >> 1 ^ poly : b >> 1;
	}
	return product;
}

uint64_t crc_shift(uint64_t poly, int bits, uint64_t crc, uint64_t len)
{
	/* x^8, squared again and again, makes x^(8 len) */
	uint64_t square = UINT64_C(1) << (bits - 1 - 8);

	for (; len && crc; len >>= 1) {
		if (len & 1)
			crc = multiply(poly, bits, crc, square);
		square = multiply(poly, bits, square, square);
	}
	return crc;
}
