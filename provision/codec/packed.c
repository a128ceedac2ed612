#include "packed.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "archive_source.h"
#include "strbuf.h"

#define PACK_BLOCK 4096u
/* Half the time of zlib's usual 6, and files a tenth larger. */
#define GZIP_LEVEL 4

static const struct {
	const char *ending, *shown;
	enum packed_kind kind;
	int filter; /* libarchive's */
} kinds[] = {
	{".gz", "gzip", PACKED_GZIP, ARCHIVE_FILTER_GZIP},
	{".bz2", "bzip2", PACKED_BZIP2, ARCHIVE_FILTER_BZIP2},
	{".xz", "xz", PACKED_XZ, ARCHIVE_FILTER_XZ},
	{".zst", "zstd", PACKED_ZSTD, ARCHIVE_FILTER_ZSTD},
};

enum packed_kind packed_kind_of(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i].ending);

		if (len >= n && iequals(name + len - n, kinds[i].ending))
			return kinds[i].kind;
	}
	return PACKED_NONE;
}

/* --- reading --- */

struct unpacker {
	enum packed_kind kind;
	bool started, ended;
	struct archive_source source; /* takes off gzip itself, and gives libarchive the rest */
	struct archive *raw;
};

static const char *shown(const struct unpacker *u)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == u->kind)
			return kinds[i].shown;
	return "plain";
}

struct unpacker *unpacker_new(enum packed_kind kind, packed_read_fn *read, void *payload)
{
	struct unpacker *u = xcalloc(1, sizeof(*u));

	u->kind = kind;
	archive_source_init(&u->source, read, payload);
	u->source.strict = true;
	return u;
}

void unpacker_free(struct unpacker *u)
{
	if (!u)
		return;
	archive_read_free(u->raw);
	archive_source_release(&u->source);
	free(u);
}

static int fail(struct unpacker *u, struct err *err)
{
	const char *why;

	if (u->source.err.code != ERR_NONE) {
		err_copy(err, &u->source.err);
		return -1;
	}
	why = u->raw ? archive_error_string(u->raw) : NULL;
	return err_set(
		err, ERR_INVALID, "damaged %s data: %s", shown(u), why ? why : "unknown error");
}

static la_ssize_t give_block(struct archive *raw, void *payload, const void **block)
{
	struct unpacker *u = payload;
	ssize_t n = archive_source_next(&u->source, block);

	if (n < 0)
		archive_set_error(raw, EIO, "cannot read");
	return n;
}

static int open_raw(struct unpacker *u, struct err *err)
{
	struct archive_entry *entry;
	int filter = 0, rc;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == u->kind)
			filter = kinds[i].filter;
	u->raw = archive_read_new();
	if (!u->raw)
		BUG("out of memory");
	if (archive_read_support_filter_by_code(u->raw, filter) == ARCHIVE_FATAL)
		return fail(u, err);
	archive_read_support_format_raw(u->raw);
	archive_read_support_format_empty(u->raw);
	archive_read_set_read_callback(u->raw, give_block);
	archive_read_set_callback_data(u->raw, u);
	if (archive_read_open1(u->raw) != ARCHIVE_OK)
		return fail(u, err);
	if (archive_filter_code(u->raw, 0) != filter)
		return u->source.err.code ? fail(u, err)
					  : err_set(err, ERR_INVALID, "no %s data", shown(u));
	rc = archive_read_next_header(u->raw, &entry);
	u->ended = rc == ARCHIVE_EOF;
	return rc == ARCHIVE_OK || rc == ARCHIVE_EOF ? 0 : fail(u, err);
}

static int start(struct unpacker *u, struct err *err)
{
	u->started = true;
	if (u->kind == PACKED_NONE)
		return 0;
	if (archive_source_start(&u->source) != 0)
		return fail(u, err);
	if (u->kind == PACKED_GZIP)
		return u->source.gzip ? 0 : err_set(err, ERR_INVALID, "no gzip data");
	if (u->source.gzip)
		return err_set(err, ERR_INVALID, "no %s data, but gzip", shown(u));
	return open_raw(u, err);
}

ssize_t unpacker_read(struct unpacker *u, const void **block, struct err *err)
{
	ssize_t n = 0;

	if (!u->started && start(u, err) != 0)
		return -1;
	if (!u->raw) {
		n = archive_source_next(&u->source, block);
		return n < 0 ? fail(u, err) : n;
	}
	while (!u->ended && n == 0) {
		la_int64_t offset;
		size_t len = 0;
		int rc = archive_read_data_block(u->raw, block, &len, &offset);

		if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
			return fail(u, err);
		u->ended = rc == ARCHIVE_EOF;
		n = u->ended ? 0 : (ssize_t)len;
	}
	return u->source.err.code != ERR_NONE ? fail(u, err) : n;
}

/* --- packing --- */

struct gzip_packer {
	z_stream z;
};

struct gzip_packer *gzip_packer_new(void)
{
	struct gzip_packer *p = xcalloc(1, sizeof(*p));

	if (deflateInit2(&p->z, GZIP_LEVEL, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		BUG("zlib cannot start");
	return p;
}

void gzip_packer_free(struct gzip_packer *p)
{
	if (!p)
		return;
	deflateEnd(&p->z);
	free(p);
}

static void pack(struct gzip_packer *p, int how, struct strbuf *out)
{
	int rc;

	do {
		strbuf_grow(out, PACK_BLOCK);
		p->z.next_out = (Bytef *)out->buf + out->len;
		p->z.avail_out = PACK_BLOCK;
		rc = deflate(&p->z, how);
		if (rc == Z_STREAM_ERROR)
			BUG("zlib's state is broken");
		strbuf_setlen(out, out->len + PACK_BLOCK - p->z.avail_out);
	} while (how == Z_FINISH ? rc != Z_STREAM_END : p->z.avail_in > 0);
}

void gzip_packer_add(struct gzip_packer *p, const void *data, size_t len, struct strbuf *out)
{
	const unsigned char *at = data;

	if (deflateReset(&p->z) != Z_OK)
		BUG("zlib cannot start again");
	while (len) {
		uInt n = len > 1u << 30 ? 1u << 30 : (uInt)len;

		p->z.next_in = (z_const Bytef *)at;
		p->z.avail_in = n;
		pack(p, Z_NO_FLUSH, out);
		at += n;
		len -= n;
	}
	pack(p, Z_FINISH, out);
}
