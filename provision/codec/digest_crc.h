#ifndef DIGEST_CRC_H
#define DIGEST_CRC_H

/* The two CRCs that zlib has not, and sums of pieces. All are reflected. */
#include <stddef.h>
#include <stdint.h>

#define CRC_POLY_CRC32 UINT64_C(0xedb88320)
#define CRC_POLY_CRC32C UINT64_C(0x82f63b78)
#define CRC_POLY_CRC64NVME UINT64_C(0x9a6c9329ac4bc9b5) /* 0xad93d23594c93659, bits in reverse */

/* Start with 0; feed the result back in to go on. */
uint32_t crc32c_add(uint32_t crc, const void *data, size_t len);
uint64_t crc64nvme_add(uint64_t crc, const void *data, size_t len);

/* What is left of a CRC when `len` bytes follow; with the CRC of those bytes XORed on, it is that of both. */
uint64_t crc_shift(uint64_t poly, int bits, uint64_t crc, uint64_t len);

#endif
