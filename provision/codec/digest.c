#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include "digest_crc.h"
#include "hex.h"

struct digest {
	enum digest_kind kind;
	EVP_MD_CTX *ctx; /* NULL for the CRCs */
	uint64_t crc;
};

static const EVP_MD *md_of(enum digest_kind kind)
{
	switch (kind) {
	case DIGEST_MD5:
		return EVP_md5();
	case DIGEST_SHA1:
		return EVP_sha1();
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA384:
		return EVP_sha384();
	case DIGEST_SHA512:
		return EVP_sha512();
	case DIGEST_CRC32:
	case DIGEST_CRC32C:
	case DIGEST_CRC64NVME:
		break;
	}
	return NULL;
}

static void hash_at_once(const EVP_MD *md, const void *data, size_t len, unsigned char *out)
{
	if (!EVP_Digest(data, len, out, NULL, md, NULL))
		BUG("OpenSSL cannot hash");
}

void digest_sha256(const void *data, size_t len, unsigned char out[SHA256_BYTES])
{
	hash_at_once(EVP_sha256(), data, len, out);
}

void digest_sha256_hex(const void *data, size_t len, struct strbuf *out)
{
	unsigned char hash[SHA256_BYTES];
	digest_sha256(data, len, hash);
	hex_encode(out, hash, sizeof(hash));
}

void digest_md5(const void *data, size_t len, unsigned char out[MD5_BYTES])
{
	hash_at_once(EVP_md5(), data, len, out);
}

void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[SHA256_BYTES])
{
	/* A NULL key means "the last one" to OpenSSL. */
	if (!HMAC(EVP_sha256(), key ? key : "", (int)key_len, data, len, out, NULL))
		BUG("OpenSSL cannot compute an HMAC");
}

void digest_random(void *out, size_t len)
{
	if (RAND_bytes(out, (int)len) != 1)
		BUG("the system has no random bytes");
}

int digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

struct digest *digest_new(enum digest_kind kind)
{
	struct digest *d = xcalloc(1, sizeof(*d));
	const EVP_MD *md = md_of(kind);
	d->kind = kind;
	if (md) {
		d->ctx = EVP_MD_CTX_new();
		if (!d->ctx || !EVP_DigestInit_ex(d->ctx, md, NULL))
			BUG("OpenSSL cannot hash");
	}
	return d;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	if (!len)
		return;
	if (d->ctx) {
		if (!EVP_DigestUpdate(d->ctx, data, len))
			BUG("OpenSSL cannot hash");
	} else if (d->kind == DIGEST_CRC32) {
		d->crc = crc32_z(d->crc, data, len);
	} else if (d->kind == DIGEST_CRC32C) {
		d->crc = crc32c_add((uint32_t)d->crc, data, len);
	} else {
		d->crc = crc64nvme_add(d->crc, data, len);
	}
}

void digest_finish(struct digest *d, struct strbuf *out)
{
	if (d->ctx) {
		unsigned char hash[EVP_MAX_MD_SIZE];
		unsigned len = 0;
		if (!EVP_DigestFinal_ex(d->ctx, hash, &len))
			BUG("OpenSSL cannot hash");
		strbuf_add(out, hash, len);
	} else {
		for (size_t left = digest_crc_bytes(d->kind); left--;)
			strbuf_addch(out, (char)(d->crc >> 8 * left));
	}
	digest_free(d);
}

size_t digest_crc_bytes(enum digest_kind kind)
{
	if (kind == DIGEST_CRC64NVME)
		return 8;
	return kind == DIGEST_CRC32 || kind == DIGEST_CRC32C ? 4 : 0;
}

static uint64_t big_endian(const unsigned char *p, size_t len)
{
	uint64_t n = 0;
	for (size_t i = 0; i < len; i++)
		n = n << 8 | p[i];
	return n;
}

void digest_crc_join(
	enum digest_kind kind, unsigned char *a, const unsigned char *b, uint64_t b_len)
{
	size_t len = digest_crc_bytes(kind);
	uint64_t poly = kind == DIGEST_CRC32    ? CRC_POLY_CRC32
			: kind == DIGEST_CRC32C ? CRC_POLY_CRC32C
						: CRC_POLY_CRC64NVME;
	if (!len)
		BUG("only CRCs can be joined");
	uint64_t joined =
		crc_shift(poly, 8 * (int)len, big_endian(a, len), b_len) ^ big_endian(b, len);
	for (size_t i = 0; i < len; i++)
		a[i] = (unsigned char)(joined >> 8 * (len - 1 - i));
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

int digest_file(enum digest_kind kind, const char *path, struct strbuf *out, uint64_t *size,
	struct err *err)
{
	unsigned char block[65536];
	struct digest *d = digest_new(kind);
	uint64_t total = 0;
	int ret = -1, fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, "cannot open '%s'", path);
		goto out;
	}
	for (;;) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(err, "cannot read '%s'", path);
			goto out;
		}
		if (n == 0)
			break;
		digest_add(d, block, (size_t)n);
		total += (uint64_t)n;
	}
	digest_finish(d, out);
	d = NULL;
	if (size)
		*size = total;
	ret = 0;
out:
	digest_free(d);
	if (fd >= 0)
		close(fd);
	return ret;
}
