#ifndef SERIESLOAD_H
#define SERIESLOAD_H

/*
 * The import of a series file: batches by size, several at a time, each series with its own status. What fails for a time is
 * sent again in rounds, what fails for good is not; when most fails for good the load ends early.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "exabel.h"
#include "seriesfile.h"

/* When points were known, where they do not say so themselves. */
enum series_known {
	SERIES_KNOWN_NOT_SAID, /* the service takes the time of insertion */
	SERIES_KNOWN_NOW,
	SERIES_KNOWN_OFFSET, /* so many days after the point's date */
};

struct series_load_options {
	size_t threads;
	size_t batch_bytes; /* as the vendor estimates: name + 7 + 19 or 27 a point */
	unsigned rounds;    /* for what fails for a time, besides the first */
	enum series_known known;
	int offset_days;
	bool known_time;        /* points carry their own */
	int64_t series, points; /* in the file, for the log */
};

#define SERIES_FAILURES_NAMED 20
struct series_load_result {
	int64_t series_written, points_written, series_failed;
	int64_t batches, series_repeated;
	struct strvec failures; /* "NAME: CODE: message" of the first SERIES_FAILURES_NAMED */
};
#define SERIES_LOAD_RESULT_INIT         \
	{                               \
		.failures = STRVEC_INIT \
	}
void series_load_result_release(struct series_load_result *r);

/* -1 when any series failed, or the load ended early (ERR_DENIED: the key was refused; ERR_IO: nobody answers); `result` then
 * tells what was written. */
int series_load(struct exabel *e, const char *path, const struct series_load_options *options,
	struct series_load_result *result, struct err *err) must_check;

#endif
