#ifndef GZIP_WRITE_H
#define GZIP_WRITE_H

/*
 * Gzip by many threads: blocks are packed apart and put together as one member, which every reader takes. The same bytes
 * give the same file, whatever the number of threads.
 */
#include <stddef.h>
#include "err.h"

struct gzip_writer;
/* Takes what is packed, in order; called by the thread that calls write and finish. */
typedef int gzip_sink_fn(void *payload, const void *data, size_t len, struct err *err);
struct gzip_writer *gzip_writer_new(gzip_sink_fn *sink, void *payload, size_t threads);
int gzip_writer_write(
	struct gzip_writer *w, const void *data, size_t len, struct err *err) must_check;
int gzip_writer_finish(struct gzip_writer *w, struct err *err) must_check; /* frees w either way */
void gzip_writer_free(struct gzip_writer *w); /* gives up; NULL is fine */

#endif
