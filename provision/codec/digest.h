#ifndef DIGEST_H
#define DIGEST_H

/* Hashes, MACs, checksums and random bytes. OpenSSL is inside; the CRCs are zlib's and ours. */
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "strbuf.h"

#define SHA256_BYTES 32
#define MD5_BYTES 16

void digest_sha256(const void *data, size_t len, unsigned char out[SHA256_BYTES]);
void digest_sha256_hex(const void *data, size_t len, struct strbuf *out);
void digest_md5(const void *data, size_t len, unsigned char out[MD5_BYTES]);
void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[SHA256_BYTES]);
/* Cryptographic; aborts when the system has none. */
void digest_random(void *out, size_t len);
/* Equal in constant time. */
int digest_equal(const void *a, const void *b, size_t len);

/* Incremental, for streams. */
enum digest_kind {
	DIGEST_MD5,
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_SHA384,
	DIGEST_SHA512,
	DIGEST_CRC32,
	DIGEST_CRC32C,
	DIGEST_CRC64NVME
};
struct digest;
struct digest *digest_new(enum digest_kind kind);
void digest_add(struct digest *d, const void *data, size_t len);
/* Appends the raw bytes (CRCs big-endian) and frees d. */
void digest_finish(struct digest *d, struct strbuf *out);
/* The size of a CRC's raw bytes; 0: the kind is none. */
size_t digest_crc_bytes(enum digest_kind kind);
/* From the CRCs of A and of B (raw bytes, as digest_finish gives them), a becomes that of A with B behind it. */
void digest_crc_join(
	enum digest_kind kind, unsigned char *a, const unsigned char *b, uint64_t b_len);
void digest_free(struct digest *d); /* without finishing; NULL is fine */

/* Raw bytes of the file's digest appended to out. */
int digest_file(enum digest_kind kind, const char *path, struct strbuf *out, uint64_t *size,
	struct err *err) must_check;

#endif
