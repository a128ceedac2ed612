#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "fs.h"
#include "packed.h"

/* Gives bytes in pieces of `step`. */
struct bytes {
	const char *at;
	size_t left, step;
};

static ssize_t read_bytes(void *payload, const void **block, struct err *err)
{
	struct bytes *b = payload;
	size_t n = b->left < b->step ? b->left : b->step;

	(void)err;
	*block = b->at;
	b->at += n;
	b->left -= n;
	return (ssize_t)n;
}

static int unpack(enum packed_kind kind, const struct strbuf *in, size_t step, struct strbuf *out,
	struct err *err)
{
	struct bytes b = {in->buf, in->len, step};
	struct unpacker *u = unpacker_new(kind, read_bytes, &b);
	const void *block = NULL;
	ssize_t n;

	strbuf_clear(out);
	while ((n = unpacker_read(u, &block, err)) > 0)
		strbuf_add(out, block, (size_t)n);
	unpacker_free(u);
	return (int)n;
}

/* What a tool of the system makes of the text. */
static void pack_with(const char *tool, const char *text, size_t len, struct strbuf *out)
{
	struct err err = ERR_INIT;
	char *dir = fs_mkdtemp(NULL, "packed-", &err), *plain = fs_join(dir, "plain"),
	     *packed = fs_join(dir, "packed"),
	     *command = xasprintf("%s -c <%s >%s", tool, plain, packed);

	assert_ok(fs_write_atomic(plain, text, len, 0600, &err), &err);
	if (system(command) != 0)
		fail_msg("'%s' cannot be run", tool);
	strbuf_clear(out);
	assert_ok(fs_read(packed, 1 << 24, out, &err), &err);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	free(plain);
	free(packed);
	free(command);
}

static void fill(struct strbuf *text)
{
	for (unsigned i = 0; i < 40000; i++)
		strbuf_addf(text, "%u;%u\n", i, i * 2654435761u);
}

static const struct {
	const char *tool;
	enum packed_kind kind;
} tools[] = {{"gzip", PACKED_GZIP}, {"bzip2", PACKED_BZIP2}, {"xz", PACKED_XZ}};

static void test_packed__endings(void **state)
{
	(void)state;
	assert_int_equal(packed_kind_of("a/b.csv.gz"), PACKED_GZIP);
	assert_int_equal(packed_kind_of("B.GZ"), PACKED_GZIP);
	assert_int_equal(packed_kind_of("b.bz2"), PACKED_BZIP2);
	assert_int_equal(packed_kind_of("b.xz"), PACKED_XZ);
	assert_int_equal(packed_kind_of("b.csv.zst"), PACKED_ZSTD);
	assert_int_equal(packed_kind_of("b.gz.csv"), PACKED_NONE);
	assert_int_equal(packed_kind_of("gz"), PACKED_NONE);
}

static void test_packed__several_members_are_one_text(void **state)
{
	struct strbuf text = STRBUF_INIT, packed = STRBUF_INIT, twice = STRBUF_INIT,
		      out = STRBUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	fill(&text);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		pack_with(tools[i].tool, text.buf, text.len, &packed);
		strbuf_clear(&twice);
		strbuf_add(&twice, packed.buf, packed.len);
		strbuf_add(&twice, packed.buf, packed.len);
		assert_ok(unpack(tools[i].kind, &twice, 1000, &out, &err), &err);
		assert_int_equal(out.len, 2 * text.len);
		assert_memory_equal(out.buf, text.buf, text.len);
		assert_memory_equal(out.buf + text.len, text.buf, text.len);
	}
	assert_ok(unpack(PACKED_NONE, &text, 7, &out, &err), &err);
	assert_string_equal(out.buf, text.buf);
	strbuf_release(&text);
	strbuf_release(&packed);
	strbuf_release(&twice);
	strbuf_release(&out);
}

static void refuse(enum packed_kind kind, const struct strbuf *in, struct strbuf *out)
{
	struct err err = ERR_INIT;

	if (unpack(kind, in, 4096, out, &err) != -1)
		fail_msg("kind %d: %zu damaged bytes are read", (int)kind, in->len);
	assert_int_equal(err.code, ERR_INVALID);
	err_release(&err);
}

static void test_packed__what_is_cut_or_damaged_is_an_error(void **state)
{
	struct strbuf text = STRBUF_INIT, packed = STRBUF_INIT, out = STRBUF_INIT;

	(void)state;
	fill(&text);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		size_t whole;

		pack_with(tools[i].tool, text.buf, text.len, &packed);
		whole = packed.len;
		for (size_t less = 1; less < whole; less = less * 3 + 1) {
			strbuf_setlen(&packed, whole - less);
			refuse(tools[i].kind, &packed, &out);
		}
		pack_with(tools[i].tool, text.buf, text.len, &packed);
		packed.buf[packed.len / 2] ^= 0x55;
		refuse(tools[i].kind, &packed, &out);
		refuse(tools[i].kind, &text, &out);
	}
	strbuf_clear(&packed);
	refuse(PACKED_GZIP, &packed, &out);
	pack_with("gzip", "x", 1, &packed);
	strbuf_addstr(&packed, "what is this");
	refuse(PACKED_GZIP, &packed, &out);
	strbuf_release(&text);
	strbuf_release(&packed);
	strbuf_release(&out);
}

static void test_packed__members_that_are_packed_come_out_as_one_text(void **state)
{
	struct strbuf text = STRBUF_INIT, packed = STRBUF_INIT, again = STRBUF_INIT,
		      out = STRBUF_INIT;
	struct gzip_packer *p = gzip_packer_new();
	struct err err = ERR_INIT;

	(void)state;
	fill(&text);
	for (size_t len = 0; len <= text.len; len = len * 7 + 1) {
		strbuf_clear(&packed);
		gzip_packer_add(p, text.buf, len / 2, &packed);
		gzip_packer_add(p, text.buf + len / 2, len - len / 2, &packed);
		assert_ok(unpack(PACKED_GZIP, &packed, 4096, &out, &err), &err);
		assert_int_equal(out.len, len);
		assert_memory_equal(out.buf, text.buf, len);
	}
	strbuf_clear(&packed);
	gzip_packer_add(p, text.buf, text.len, &packed);
	gzip_packer_add(p, text.buf, text.len, &again);
	assert_int_equal(packed.len, again.len);
	assert_memory_equal(packed.buf, again.buf, again.len);
	gzip_packer_free(p);
	strbuf_release(&text);
	strbuf_release(&packed);
	strbuf_release(&again);
	strbuf_release(&out);
}
