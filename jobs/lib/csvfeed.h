#ifndef CSVFEED_H
#define CSVFEED_H

/*
 * CSV inputs given out to threads in chunks of whole rows. Every thread takes an input of its own while there are any, and
 * helps with another's when there are none left; the next inputs are opened ahead, so that what comes over a network is
 * under way before it is wanted.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "csvscan.h"
#include "strvec.h"

struct csv_input {
	csv_read_fn *read;
	void *payload;
	const char *shown; /* for errors; borrowed; NULL: not named */
	struct csv_dialect dialect;
	size_t skip;   /* rows before the header, or before the data */
	bool header;   /* the next row holds names */
	char **values; /* what holds for all rows (CSV_FIXED); borrowed */
};

/* Where a column of a row comes from: its position, or one of the input's values. */
#define CSV_FIXED (SIZE_MAX / 2)
#define CSV_MAX_COLUMNS 10000

struct csv_part {
	struct csv_input in;
	size_t index;
	/* Of each column, by map(); `width` is 1 + the highest position. */
	size_t *positions, nr_positions, width;
	/* The feed's own: */
	struct csv_cutter cutter;
	pthread_mutex_t lock;                   /* started, dead, first */
	bool started, dead, first_taken, ended; /* dead: cannot be started */
	struct strbuf first; /* what stands behind the header in the first chunk */
	int64_t first_offset;
	size_t users;
	struct csv_part *next;
};

struct csv_feed_ops {
	/* Begins to read input `index`; does not wait for bytes. */
	int (*open)(void *payload, size_t index, struct csv_input *in, struct err *err);
	void (*close)(void *payload, struct csv_input *in);
	/* Fills part->positions (of nr_positions) and width, once for each input that has rows. `names`: the header's; none
	 * without a header. */
	int (*map)(
		void *payload, struct csv_part *part, const struct strvec *names, struct err *err);
};

/* One input's first chunk, with the rows before the data taken off. */
struct csv_part *csv_part_new(size_t index, const struct csv_input *in);
/* The header's names, as UTF-8. 1, 0: there is no row at all (no header, where one is to be), -1. */
int csv_part_start(struct csv_part *part, struct strvec *names, struct err *err) must_check;
/* As csv_cutter_take, of a part that was started. */
int csv_part_take(
	struct csv_part *part, struct strbuf *chunk, int64_t *offset, struct err *err) must_check;
void csv_part_free(struct csv_part *part); /* its input is to be closed before; NULL is fine */

struct csv_feed;
struct csv_feed *csv_feed_new(
	const struct csv_feed_ops *ops, void *payload, size_t nr_inputs, size_t nr_columns);
/* The next chunk for a thread: 1, 0 at the end of all, -1. *part is the one that the thread had before (NULL at first), and
 * the one that the chunk is of. */
int csv_feed_take(struct csv_feed *f, struct csv_part **part, struct strbuf *chunk, int64_t *offset,
	struct err *err) must_check;
void csv_feed_free(struct csv_feed *f); /* no thread is in it any more; NULL is fine */

#endif
