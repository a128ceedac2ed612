#ifndef ARCHIVE_IO_H
#define ARCHIVE_IO_H

/* Zip and tar.gz, streaming. libarchive is inside. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "err.h"

/* --- writing a reproducible tar.gz: entries in the order given, time 0, owner 0, no names --- */
struct archive_writer;
struct archive_writer *archive_writer_new(const char *path, struct err *err) must_check;
int archive_writer_add_file(struct archive_writer *w, const char *name, const char *path,
	mode_t mode, struct err *err) must_check;
int archive_writer_add_bytes(struct archive_writer *w, const char *name, const void *data,
	size_t len, mode_t mode, struct err *err) must_check;
int archive_writer_add_symlink(
	struct archive_writer *w, const char *name, const char *target, struct err *err) must_check;
int archive_writer_finish(
	struct archive_writer *w, struct err *err) must_check; /* frees w either way */
void archive_writer_free(struct archive_writer *w); /* gives up, removes the file; NULL is fine */

/* --- unpacking a tar(.gz) or zip file into a folder; absolute paths, "..", and links that leave it are refused --- */
int archive_unpack(
	const char *path, const char *dir, uint64_t max_bytes, struct err *err) must_check;

/*
 * --- reading from a stream ---
 * `read` gives the next bytes (0 at the end, -1 with err); the entries come one after another. Also unwraps plain
 * gzip when `raw_ok` (one entry with the name "data"). Not seekable: a zip is read by its local headers.
 */
typedef ssize_t archive_read_fn(void *payload, const void **block, struct err *err);
struct archive_reader;
struct archive_reader *archive_reader_new(
	archive_read_fn *read, void *payload, bool raw_ok, struct err *err) must_check;
/* 1: an entry, 0: no more, -1. `name` is borrowed until the next call; size -1 when unknown. */
int archive_reader_next(struct archive_reader *r, const char **name, bool *is_file, int64_t *size,
	struct err *err) must_check;
/* The current entry's next bytes; 0 at its end, -1. A wrong CRC or a cut stream is an error. */
ssize_t archive_reader_read(
	struct archive_reader *r, void *buf, size_t len, struct err *err) must_check;
void archive_reader_free(struct archive_reader *r);
/* True when the name is absolute, empty, or has a ".." part: it would leave the folder. */
bool archive_name_escapes(const char *name);

#endif
