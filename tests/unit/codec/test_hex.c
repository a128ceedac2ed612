#include "testing.h"

#include "hex.h"

static void test_hex__round_trip(void **state)
{
	(void)state;
	struct strbuf text = STRBUF_INIT, back = STRBUF_INIT;
	unsigned char all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	hex_encode(&text, all, sizeof(all));
	assert_int_equal(text.len, 512);
	assert_memory_equal(text.buf + 508, "feff", 4);
	assert_int_equal(hex_decode(&back, text.buf, text.len), 0);
	assert_memory_equal(back.buf, all, 256);
	strbuf_clear(&back);
	assert_int_equal(hex_decode(&back, "aBFf", 4), 0);
	assert_memory_equal(back.buf, "\xab\xff", 2);
	strbuf_release(&text);
	strbuf_release(&back);
}

static void test_hex__refuses(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	strbuf_addstr(&sb, "x");
	assert_int_equal(hex_decode(&sb, "abc", 3), -1);
	assert_int_equal(hex_decode(&sb, "00gg", 4), -1);
	assert_int_equal(hex_decode(&sb, "0 ", 2), -1);
	assert_string_equal(sb.buf, "x");
	assert_int_equal(hex_decode(&sb, "", 0), 0);
	strbuf_release(&sb);
}
