#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include "archive_io.h"
#include "gzip_write.h"
#include "strbuf.h"

static int append(void *payload, const void *data, size_t len, struct err *err)
{
	(void)err;
	strbuf_add(payload, data, len);
	return 0;
}

static void pack(const struct strbuf *text, size_t threads, size_t piece, struct strbuf *packed)
{
	struct gzip_writer *w = gzip_writer_new(append, packed, threads);
	struct err err = ERR_INIT;

	for (size_t at = 0; at < text->len; at += piece) {
		size_t n = text->len - at < piece ? text->len - at : piece;

		assert_ok(gzip_writer_write(w, text->buf + at, n, &err), &err);
	}
	assert_ok(gzip_writer_finish(w, &err), &err);
}

static ssize_t read_once(void *payload, const void **block, struct err *err)
{
	struct strbuf *left = payload;
	ssize_t n = (ssize_t)left->len;

	(void)err;
	*block = left->buf;
	left->len = 0;
	return n;
}

static void unpack(const struct strbuf *packed, struct strbuf *text)
{
	struct strbuf left = *packed; /* borrowed */
	struct archive_reader *r;
	struct err err = ERR_INIT;
	const char *name;
	char buf[5000];
	int64_t size;
	bool is_file;
	ssize_t n;

	r = archive_reader_new(read_once, &left, true, &err);
	assert_non_null(r);
	if (archive_reader_next(r, &name, &is_file, &size, &err) != 1)
		fail_msg("%s", err.text);
	while ((n = archive_reader_read(r, buf, sizeof(buf), &err)) > 0)
		strbuf_add(text, buf, (size_t)n);
	if (n < 0)
		fail_msg("%s", err.text);
	archive_reader_free(r);
}

/* Text that packs well, and bytes that do not. */
static void fill(struct strbuf *text, size_t len)
{
	uint32_t seed = 7;

	while (text->len < len) {
		if (text->len / 100000 % 2) {
			seed = seed * 1664525u + 1013904223u;
			strbuf_addch(text, (char)(seed >> 24));
		} else {
			strbuf_addf(text, "entityTypes/company/entities/F_%zu;2020\n", text->len);
		}
	}
}

static void test_gzip_write__what_goes_in_comes_out(void **state)
{
	static const size_t lens[] = {
		0, 1, (512u << 10) - 100, 512u << 10, (512u << 10) + 1, 6000000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct strbuf text = STRBUF_INIT, packed = STRBUF_INIT, back = STRBUF_INIT;

		fill(&text, lens[i]);
		pack(&text, 2, 70001, &packed);
		unpack(&packed, &back);
		assert_int_equal(back.len, text.len);
		assert_memory_equal(back.buf, text.buf, text.len);
		strbuf_release(&text);
		strbuf_release(&packed);
		strbuf_release(&back);
	}
}

static void test_gzip_write__threads_and_pieces_do_not_show(void **state)
{
	struct strbuf text = STRBUF_INIT, one = STRBUF_INIT, other = STRBUF_INIT;

	(void)state;
	fill(&text, 3000000);
	pack(&text, 1, 3000000, &one);
	pack(&text, 4, 999, &other);
	assert_int_equal(one.len, other.len);
	assert_memory_equal(one.buf, other.buf, one.len);
	assert_true(one.len < text.len * 3 / 4);
	strbuf_release(&text);
	strbuf_release(&one);
	strbuf_release(&other);
}

static int refuse(void *payload, const void *data, size_t len, struct err *err)
{
	int *left = payload;

	(void)data;
	(void)len;
	return --*left < 0 ? err_set(err, ERR_IO, "no room") : 0;
}

static void test_gzip_write__a_full_disk_is_told(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	fill(&text, 4000000);
	for (int room = 0; room < 10; room++) {
		int left = room;
		struct gzip_writer *w = gzip_writer_new(refuse, &left, 2);
		struct err err = ERR_INIT;

		if (gzip_writer_write(w, text.buf, text.len, &err) != 0)
			gzip_writer_free(w);
		else
			assert_int_equal(gzip_writer_finish(w, &err), -1);
		assert_string_equal(err.text, "no room");
		err_release(&err);
	}
	strbuf_release(&text);
}
