#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "fs.h"
#include "hex.h"

/* The check values of the catalogues and of the RFCs: the digest of "123456789" and of nothing. */
static const struct {
	enum digest_kind kind;
	const char *check, *empty;
} known[] = {
	{DIGEST_MD5, "25f9e794323b453885f5181f1b624d0b", "d41d8cd98f00b204e9800998ecf8427e"},
	{DIGEST_SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709"},
	{DIGEST_SHA256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{DIGEST_CRC32, "cbf43926", "00000000"},
	{DIGEST_CRC32C, "e3069283", "00000000"},
	{DIGEST_CRC64NVME, "ae8b14860a799888", "0000000000000000"},
};

static void assert_hex(const struct strbuf *raw, const char *want)
{
	struct strbuf hex = STRBUF_INIT;
	hex_encode(&hex, raw->buf, raw->len);
	assert_string_equal(hex.buf, want);
	strbuf_release(&hex);
}

static void test_digest__check_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct strbuf raw = STRBUF_INIT;
		struct digest *d = digest_new(known[i].kind);
		digest_add(d, "123456789", 9);
		digest_finish(d, &raw);
		assert_hex(&raw, known[i].check);
		strbuf_clear(&raw);
		digest_finish(digest_new(known[i].kind), &raw);
		assert_hex(&raw, known[i].empty);
		digest_free(digest_new(known[i].kind));
		strbuf_release(&raw);
	}
	digest_free(NULL);
}

/* Pieces of all sizes give what the whole gives: the fast path and the rest of it agree. */
static void test_digest__in_pieces(void **state)
{
	(void)state;
	unsigned char data[1000];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 3);
	for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
		struct strbuf whole = STRBUF_INIT, pieces = STRBUF_INIT;
		struct digest *d = digest_new(known[k].kind);
		digest_add(d, data, sizeof(data));
		digest_finish(d, &whole);
		d = digest_new(known[k].kind);
		for (size_t at = 0, size = 0; at < sizeof(data); at += size, size++) {
			size_t left = sizeof(data) - at;
			digest_add(d, data + at, size < left ? size : left);
		}
		digest_finish(d, &pieces);
		assert_int_equal(whole.len, pieces.len);
		assert_memory_equal(whole.buf, pieces.buf, whole.len);
		strbuf_release(&whole);
		strbuf_release(&pieces);
	}
}

/* RFC 3720, appendix B.4: 32 bytes of zeros, of ones, rising. */
static void test_digest__crc32c_of_iscsi(void **state)
{
	(void)state;
	static const char *const want[] = {"8a9136aa", "62a8ab43", "46dd794e"};
	for (int k = 0; k < 3; k++) {
		unsigned char data[32];
		for (int i = 0; i < 32; i++)
			data[i] = (unsigned char)(k == 0 ? 0 : k == 1 ? 0xff : i);
		struct strbuf raw = STRBUF_INIT;
		struct digest *d = digest_new(DIGEST_CRC32C);
		digest_add(d, data, 32);
		digest_finish(d, &raw);
		assert_hex(&raw, want[k]);
		strbuf_release(&raw);
	}
}

/* RFC 4231, cases 2 and 6. */
static void test_digest__hmac(void **state)
{
	(void)state;
	unsigned char out[SHA256_BYTES], key[131];
	struct strbuf hex = STRBUF_INIT;
	const char *data = "what do ya want for nothing?";
	digest_hmac_sha256("Jefe", 4, data, strlen(data), out);
	hex_encode(&hex, out, sizeof(out));
	assert_string_equal(
		hex.buf, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	data = "Test Using Larger Than Block-Size Key - Hash Key First";
	digest_hmac_sha256(key, sizeof(key), data, strlen(data), out);
	strbuf_clear(&hex);
	hex_encode(&hex, out, sizeof(out));
	assert_string_equal(
		hex.buf, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	digest_hmac_sha256(NULL, 0, "", 0, out);
	strbuf_clear(&hex);
	hex_encode(&hex, out, sizeof(out));
	assert_string_equal(
		hex.buf, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	strbuf_release(&hex);
}

static void test_digest__files(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct strbuf raw = STRBUF_INIT;
	uint64_t size = 0;
	char *dir = fs_mkdtemp(NULL, "test-digest-", &err), *path = fs_join(dir, "f");
	assert_ok(fs_write_atomic(path, "123456789", 9, 0644, &err), &err);
	assert_ok(digest_file(DIGEST_CRC32, path, &raw, &size, &err), &err);
	assert_int_equal(size, 9);
	assert_hex(&raw, "cbf43926");
	assert_int_equal(digest_file(DIGEST_MD5, dir, &raw, &size, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_ok(fs_remove_tree(dir, &err), &err);
	assert_int_equal(digest_file(DIGEST_MD5, path, &raw, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	err_release(&err);
	strbuf_release(&raw);
	free(path);
	free(dir);
}

static void test_digest__random_and_equal(void **state)
{
	(void)state;
	unsigned char a[32] = {0}, b[32] = {0};
	assert_true(digest_equal(a, b, 32));
	digest_random(a, 32);
	digest_random(b, 32);
	assert_false(digest_equal(a, b, 32));
	assert_true(digest_equal(a, b, 0));
}
