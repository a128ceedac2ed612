/* Any dialect, any bytes: the fields of all rows are the same wherever the stream is cut. The first four bytes choose. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "csvscan.h"

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

static void add_rows(const struct csv_dialect *d, char *at, char *end, struct strbuf *out)
{
	struct csv_field fields[5];
	size_t nr;

	while ((nr = csv_read_row(d, &at, end, fields, 5))) {
		for (size_t i = 0; i < nr && i < 5; i++) {
			strbuf_addf(out, "%d%zu:", fields[i].null, fields[i].len);
			strbuf_add(out, fields[i].text, fields[i].len);
		}
		strbuf_addf(out, "=%zu\n", nr);
	}
}

static void read_all(const struct csv_dialect *d, const uint8_t *data, size_t size, size_t step,
	size_t chunk_bytes, struct strbuf *out)
{
	struct bytes b = {(const char *)data, size, step};
	struct strbuf chunk = STRBUF_INIT;
	struct err err = ERR_INIT;
	struct csv_cutter c;
	int64_t offset, given = 0;

	csv_cutter_init(&c, d, read_bytes, &b);
	c.chunk_bytes = chunk_bytes;
	while (csv_cutter_take(&c, &chunk, &offset, &err) > 0) {
		if (offset != given)
			abort();
		given += (int64_t)chunk.len;
		add_rows(&c.dialect, chunk.buf, chunk.buf + chunk.len, out);
	}
	if (err.code)
		abort();
	csv_cutter_release(&c);
	strbuf_release(&chunk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf whole = STRBUF_INIT, cut = STRBUF_INIT;
	struct csv_dialect d;

	if (size < 4 || size > 1 << 16)
		return 0;
	d = (struct csv_dialect){(char)data[0], (char)data[1], (char)data[2]};
	if (csv_dialect_check(&d, NULL) != 0)
		return 0;
	read_all(&d, data + 4, size - 4, size, 1 << 20, &whole);
	read_all(&d, data + 4, size - 4, 1 + data[3] % 16, 1 + data[3] / 16, &cut);
	if (whole.len != cut.len || memcmp(whole.buf, cut.buf, cut.len) != 0)
		abort();
	strbuf_release(&whole);
	strbuf_release(&cut);
	return 0;
}
