#ifndef ARCHIVE_READ_H
#define ARCHIVE_READ_H

/* What unpacking needs of a reader besides archive_io.h. */
#include "archive_io.h"

struct archive_entry;

/* Of the file behind fd, which stays the caller's; a zip is read by its directory at the end. */
struct archive_reader *archive_reader_of_file(int fd, struct err *err) must_check;
/* The entry that archive_reader_next() came to; borrowed. NULL for a plain gzip's data. */
struct archive_entry *archive_reader_entry(struct archive_reader *r);

#endif
