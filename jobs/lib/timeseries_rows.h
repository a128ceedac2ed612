#ifndef TIMESERIES_ROWS_H
#define TIMESERIES_ROWS_H

/* Rows of an entity's rank, a day and numbers on their way through a sort; part of timeseries.c. */
#include <stdbool.h>
#include "dataset.h"
#include "rowsort.h"

/* What the doubles of a column are; of integers nothing is asked. */
struct timeseries_seen {
	bool fraction; /* one is not whole */
	bool large;    /* one may stand for several integers */
};

struct timeseries_rows {
	struct rowsort *sort;
	size_t nr; /* numbers a row */
	enum dataset_kind *kinds;
	struct timeseries_seen *seen;
	int64_t rows;
	struct err err; /* why rows could not be given out */
};
/* `kinds` is copied. */
void timeseries_rows_init(struct timeseries_rows *r, const enum dataset_kind *kinds, size_t nr,
	const char *dir, size_t memory_bytes);
void timeseries_rows_release(struct timeseries_rows *r); /* after the session is closed */
/* Takes all rows of a query: INTEGER (from 0), DATE, then BIGINT or DOUBLE by the kinds. */
int timeseries_rows_gather(
	struct timeseries_rows *r, struct duck *d, const char *sql, struct err *err) must_check;
/* Doubles that are whole throughout are given out as integers. */
bool timeseries_rows_whole(const struct timeseries_rows *r, size_t number);
/* Makes `SELECT entity, date, s0, s1… FROM name()` possible, once, in order of entity, date and numbers. */
int timeseries_rows_register(
	struct timeseries_rows *r, struct duck *d, const char *name, struct err *err) must_check;

#endif
