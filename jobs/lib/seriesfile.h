#ifndef SERIESFILE_H
#define SERIESFILE_H

/*
 * Time series as they are to be sent, in a scratch file: sorted and checked before the first is sent, then read from front to
 * end, or again at some place. Memory does not depend on how many there are.
 *
 * A series is one entity's and one signal's. Series come in the order in which entities come first in the CSV, and signals as
 * they are named; points by date, then by known time. A long series is several parts.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "csvscan.h"
#include "job.h"

struct series_options {
	char delimiter;
	const struct strvec *signals; /* "signals/ns.name", one for each column of values */
	bool skip_validation;         /* points with one date may come twice */
	size_t part_points;           /* at most; 0: 50000 */
};

struct series_counts {
	int64_t rows, series, points;
	int64_t missing;  /* empty values, which are no points */
	int64_t repeated; /* points that were there already, with the same value */
	bool known_time;  /* points have their own */
};

/*
 * From a CSV with a header: entity (a resource name, entityTypes/X/entities/Y), date (by dates.h), then values; a column named
 * known_time among those is when the row's values were known (a date, or a time in ISO 8601). Other names do not count.
 * ERR_INVALID, with the row (the header is row 1), for what is no entity, date or number, for rows and signals of another
 * number, and for two values of one series with one date (and known time).
 */
int series_file_make(struct job *job, csv_read_fn *read, void *payload,
	const struct series_options *options, const char *path, struct series_counts *counts,
	struct err *err) must_check;

struct series_point {
	int64_t known_s; /* since 1970; 0 where the file has no known times */
	double value;
	int32_t days, unused;
};

struct series_part {
	char *name; /* "entityTypes/X/entities/Y/signals/ns.name" */
	struct series_point *points;
	size_t nr_points;
	int64_t series; /* its number, from 0 */
	bool last;      /* of the series */
	int64_t offset; /* for series_file_at */
};
#define SERIES_PART_INIT \
	{                \
		0        \
	}
void series_part_release(struct series_part *p);

struct series_file;
struct series_file *series_file_open(const char *path, struct err *err) must_check;
/* 1 and a part, the caller's; 0 at the end; -1. */
int series_file_next(struct series_file *f, struct series_part *part, struct err *err) must_check;
/* The next one that is read is that at `offset`. */
int series_file_at(struct series_file *f, int64_t offset, struct err *err) must_check;
void series_file_close(struct series_file *f); /* NULL is fine */

#endif
