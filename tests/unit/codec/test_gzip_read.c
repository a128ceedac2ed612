#include "gzip_read.h"
#include "strbuf.h"
#include "testing.h"

/* printf 'hello hello hello' | gzip -n */
static const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
	0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x90, 0x00, 0x80, 0x88, 0xf9, 0xe5, 0x11,
	0x00, 0x00, 0x00};

static int inflated(const void *data, size_t len, size_t max, struct strbuf *out)
{
	struct err err = ERR_INIT;
	int ret = gzip_inflate(data, len, max, out, &err);

	if (ret)
		assert_int_equal(err.code, ERR_INVALID);
	err_release(&err);
	return ret;
}

static void test_gzip_read__whole(void **state)
{
	struct strbuf out = STRBUF_INIT;
	(void)state;

	assert_int_equal(inflated(packed, sizeof(packed), 17, &out), 0);
	assert_string_equal(out.buf, "hello hello hello");
	strbuf_release(&out);
}

static void test_gzip_read__refused(void **state)
{
	struct strbuf out = STRBUF_INIT;
	unsigned char more[sizeof(packed) + 1] = {0};
	(void)state;

	memcpy(more, packed, sizeof(packed));
	assert_int_equal(inflated(packed, sizeof(packed), 16, &out), -1); /* too long */
	assert_int_equal(inflated(more, sizeof(more), 100, &out), -1);    /* something behind it */
	for (size_t len = 0; len < sizeof(packed); len++)
		assert_int_equal(inflated(packed, len, 100, &out), -1);
	more[12] ^= 1;
	assert_int_equal(inflated(more, sizeof(packed), 100, &out), -1);
	strbuf_release(&out);
}
