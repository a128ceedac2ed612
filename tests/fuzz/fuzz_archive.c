#include <stdint.h>
#include <stdlib.h>
#include "archive_io.h"

/* The first byte says how the rest comes: in blocks of that size. */
struct stream {
	const uint8_t *data;
	size_t left, block;
};

static ssize_t read_block(void *payload, const void **block, struct err *err)
{
	struct stream *s = payload;
	(void)err;
	size_t n = s->left < s->block ? s->left : s->block;
	*block = s->data;
	s->data += n;
	s->left -= n;
	return (ssize_t)n;
}

/* A small input may stand for gigabytes; so much of it is enough. */
#define MOST_BYTES (1 << 20)

static void read_all(struct archive_reader *r, struct err *err)
{
	static char buf[4096];
	const char *name = NULL;
	bool is_file = false;
	int64_t size = 0;
	size_t total = 0;
	while (archive_reader_next(r, &name, &is_file, &size, err) > 0) {
		ssize_t n = 0;
		archive_name_escapes(name);
		do {
			n = archive_reader_read(r, buf, sizeof(buf), err);
			total += n > 0 ? (size_t)n : 1;
		} while (n > 0 && total < MOST_BYTES);
		if (n < 0 || total >= MOST_BYTES)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	if (!size)
		return 0;
	for (int raw_ok = 0; raw_ok < 2; raw_ok++) {
		struct stream s = {data + 1, size - 1, (size_t)data[0] * 4 + 1};
		struct archive_reader *r = archive_reader_new(read_block, &s, raw_ok, &err);
		if (r)
			read_all(r, &err);
		else if (err.code == ERR_NONE)
			abort();
		archive_reader_free(r);
		err_release(&err);
	}
	return 0;
}
