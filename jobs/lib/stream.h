#ifndef STREAM_H
#define STREAM_H

/*
 * Bytes to be pulled out of s3://, http(s)://, file:// or a path. A download runs in a thread of its own, a few blocks
 * ahead; memory stays bounded. An S3 transfer that breaks is resumed, an HTTP one fails: all bytes or an error.
 */
#include <sys/types.h>
#include "job.h"

struct stream;
/* ERR_USAGE for an address of another kind. The first bytes may still be under way. */
struct stream *stream_open(struct job *job, const char *location, struct err *err) must_check;
/* As stream_open, with the compression undone that the name's ending tells (.gz, .bz2, .xz, .zst; several gzip members are
 * one text). Data that is cut short or damaged is ERR_INVALID and names the location. */
struct stream *stream_open_unpacked(
	struct job *job, const char *location, struct err *err) must_check;
/* The next bytes, valid until the next call; 0 at the end, -1. Has the form of archive_read_fn and csv_read_fn. */
ssize_t stream_read(void *stream, const void **block, struct err *err) must_check;
/* Gives up what is still under way. NULL is fine. */
void stream_close(struct stream *s);

#endif
