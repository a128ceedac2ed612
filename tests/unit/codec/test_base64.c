#include "testing.h"

#include <string.h>
#include "base64.h"

static void test_base64__rfc_4648(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfd", "//79"}, {"\xfb\xff", "+/8="}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strbuf text = STRBUF_INIT, back = STRBUF_INIT;
		base64_encode(&text, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(text.buf, cases[i][1]);
		assert_int_equal(base64_decode(&back, text.buf, text.len), 0);
		assert_string_equal(back.buf, cases[i][0]);
		strbuf_release(&text);
		strbuf_release(&back);
	}
}

static void test_base64__refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9 ",
		"Zm-_", "Zh==", "Zm9=", "=Zg=", "Zg==\n"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct strbuf sb = STRBUF_INIT;
		strbuf_addstr(&sb, "x");
		if (!base64_decode(&sb, bad[i], strlen(bad[i])))
			fail_msg("'%s' was taken", bad[i]);
		assert_string_equal(sb.buf, "x");
		strbuf_release(&sb);
	}
}
