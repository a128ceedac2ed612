#include "digest.h"

#include <string.h>
#include "testing.h"

/* The CRCs of pieces, joined, are that of the whole; wherever it is cut. */
static void test_digest_join__any_cut(void **state)
{
	static const enum digest_kind kinds[] = {DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME};
	char text[301];
	size_t k, cut;

	(void)state;
	for (k = 0; k < sizeof(text); k++)
		text[k] = (char)(k * 7 + k / 11);
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct strbuf whole = STRBUF_INIT;
		struct digest *d = digest_new(kinds[k]);

		digest_add(d, text, sizeof(text));
		digest_finish(d, &whole);
		assert_int_equal(whole.len, digest_crc_bytes(kinds[k]));
		for (cut = 0; cut <= sizeof(text); cut++) {
			struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;

			d = digest_new(kinds[k]);
			digest_add(d, text, cut);
			digest_finish(d, &a);
			d = digest_new(kinds[k]);
			digest_add(d, text + cut, sizeof(text) - cut);
			digest_finish(d, &b);
			digest_crc_join(kinds[k], (unsigned char *)a.buf, (unsigned char *)b.buf,
				sizeof(text) - cut);
			assert_memory_equal(a.buf, whole.buf, whole.len);
			strbuf_release(&a);
			strbuf_release(&b);
		}
		strbuf_release(&whole);
	}
	assert_int_equal(digest_crc_bytes(DIGEST_SHA512), 0);
}
