#ifndef PACKED_H
#define PACKED_H

/* One text, compressed: pulled out of gzip, bzip2, xz or zstd, and put into gzip. libarchive and zlib are inside. */
#include <stddef.h>
#include <sys/types.h>
#include "err.h"
#include "strbuf.h"

enum packed_kind { PACKED_NONE, PACKED_GZIP, PACKED_BZIP2, PACKED_XZ, PACKED_ZSTD };
/* By the ending, in any case: .gz, .bz2, .xz, .zst. */
enum packed_kind packed_kind_of(const char *name);

/*
 * --- reading ---
 * `read` gives the next bytes (0 at the end, -1 with err). Several members or frames are one text. What is of another kind,
 * cut short or damaged is ERR_INVALID; the text names no file. Nothing is read before the first unpacker_read.
 */
typedef ssize_t packed_read_fn(void *payload, const void **block, struct err *err);
struct unpacker;
struct unpacker *unpacker_new(enum packed_kind kind, packed_read_fn *read, void *payload);
/* The next bytes, valid until the next call; 0 at the end, -1. */
ssize_t unpacker_read(struct unpacker *u, const void **block, struct err *err) must_check;
void unpacker_free(struct unpacker *u); /* NULL is fine */

/*
 * --- packing many small texts ---
 * Each call appends one whole gzip member; several of them behind one another are a gzip file too. The packer keeps its memory
 * between calls. No name and no time are in it: equal texts give equal bytes. One thread at a time.
 */
struct gzip_packer;
struct gzip_packer *gzip_packer_new(void);
void gzip_packer_add(struct gzip_packer *p, const void *data, size_t len, struct strbuf *out);
void gzip_packer_free(struct gzip_packer *p); /* NULL is fine */

#endif
