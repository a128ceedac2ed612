#ifndef BOOKMARK_H
#define BOOKMARK_H

/*
 * What a job read when it last succeeded: <place>/etl/bookmarks/<job name>.json holds a fingerprint over arguments, tables and
 * all input objects (location, size, ETag), and which files its outputs had. A job whose fingerprint is the same
 * and whose outputs are still there has nothing to do.
 *
 * Glue's own bookmarks give a job only the objects that are new. Sums per ticker and day need all rows of that day, so
 * here a run reads everything or nothing.
 *
 * Written after the outputs were committed: a crash in between only makes the next run do it again.
 */
#include <stdbool.h>
#include "dataset.h"
#include "place.h"

enum bookmark_mode {
	BOOKMARK_DISABLE,
	BOOKMARK_ENABLE,
	BOOKMARK_PAUSE, /* looked at, not moved */
};
/* job-bookmark-enable, job-bookmark-disable or job-bookmark-pause; NULL is disable. ERR_USAGE. */
int bookmark_mode_parse(const char *text, enum bookmark_mode *out, struct err *err) must_check;

struct bookmark;
/* All borrowed until it is freed. */
struct bookmark *bookmark_new(
	struct job *job, const struct place *place, enum bookmark_mode mode, const char *job_name);
/* What the fingerprint is made of, in order. */
void bookmark_add(struct bookmark *b, const char *what, const char *value);
void bookmark_add_dataset(struct bookmark *b, const struct dataset *d);
/* *current: the last run read the same, and what it wrote is there. An object that is damaged is none, with a warning. */
int bookmark_is_current(struct bookmark *b, bool *current, struct err *err) must_check;
/* This run has written so many files below a prefix, all with that name. */
void bookmark_add_output(
	struct bookmark *b, const char *prefix, const char *file_name, size_t files);
/* With BOOKMARK_ENABLE only. */
int bookmark_save(struct bookmark *b, struct err *err) must_check;
void bookmark_free(struct bookmark *b); /* NULL is fine */

#endif
