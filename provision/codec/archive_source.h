#ifndef ARCHIVE_SOURCE_H
#define ARCHIVE_SOURCE_H

/*
 * Bytes for libarchive from a reader's function, with gzip taken off here: libarchive checks neither
 * the CRC nor the length at a gzip file's end. Used by archive_read.c and packed.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <zlib.h>
#include "archive_io.h"
#include "err.h"
#include "strbuf.h"

#define ARCHIVE_SOURCE_BLOCK 65536
#define ARCHIVE_TAIL 512

struct archive_source {
	archive_read_fn *read;
	void *payload;
	struct err err; /* what read or inflate said; libarchive cannot carry it */

	const void *first; /* a block that was looked at before it was wanted */
	size_t first_len;
	struct strbuf head; /* owns them when the first blocks were too small to tell */

	bool strict; /* behind a gzip member comes another one, or padding: all else is damage */
	bool gzip, inflating, between_members;
	z_stream z;
	unsigned char *out;

	bool ended;
	uint64_t total;                   /* bytes given */
	unsigned char tail[ARCHIVE_TAIL]; /* the last ones of them */
};

void archive_source_init(struct archive_source *s, archive_read_fn *read, void *payload);
void archive_source_release(struct archive_source *s);
/* Looks whether it is gzip. */
int archive_source_start(struct archive_source *s) must_check;
/* The next bytes; 0 at the end, -1 with s->err set. */
ssize_t archive_source_next(struct archive_source *s, const void **block) must_check;
/* True when at least 512 bytes were given and the last 512 were all zero, as a tar ends. */
bool archive_source_ends_in_zeros(const struct archive_source *s);

#endif
