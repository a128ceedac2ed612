#ifndef DIGEST_CRC_H
#define DIGEST_CRC_H

/* The two CRCs that zlib has not. Start with 0; feed the result back in to go on. */
#include <stddef.h>
#include <stdint.h>

uint32_t crc32c_add(uint32_t crc, const void *data, size_t len);
uint64_t crc64nvme_add(uint64_t crc, const void *data, size_t len);

#endif
