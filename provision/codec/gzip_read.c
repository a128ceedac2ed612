#include "gzip_read.h"

#include <stdint.h>
#include <zlib.h>

static int run(z_stream *z, size_t max_bytes, struct strbuf *out, struct err *err)
{
	unsigned char piece[16384];
	size_t total = 0;
	int rc;

	do {
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		rc = inflate(z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END)
			return err_set(err, ERR_INVALID, "the gzip stream is damaged or cut off");
		total += sizeof(piece) - z->avail_out;
		if (total > max_bytes)
			return err_set(err, ERR_INVALID,
				"the gzip stream holds more than %zu bytes", max_bytes);
		strbuf_add(out, piece, sizeof(piece) - z->avail_out);
	} while (rc != Z_STREAM_END);
	return z->avail_in ? err_set(err, ERR_INVALID, "bytes after the gzip stream") : 0;
}

int gzip_inflate(
	const void *data, size_t len, size_t max_bytes, struct strbuf *out, struct err *err)
{
	z_stream z = {0};
	int ret;

	if (len > UINT32_MAX || inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return err_set(err, ERR_INVALID, "the gzip stream cannot be read");
	z.next_in = (unsigned char *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	ret = run(&z, max_bytes, out, err);
	inflateEnd(&z);
	return ret;
}
