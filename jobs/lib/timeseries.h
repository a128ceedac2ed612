#ifndef TIMESERIES_H
#define TIMESERIES_H

/* What timeseries-prepare does to data, without knowing where it goes. */
#include "dataset.h"

struct timeseries_counts {
	int64_t rows_in, mappings, rows_out;
	int64_t repeated; /* rows of an entity and a date that had a row already */
	char *example;    /* the first of them, "entity;date"; NULL; malloc'd */
	struct strvec signals;
};
#define TIMESERIES_COUNTS_INIT         \
	{                              \
		.signals = STRVEC_INIT \
	}
void timeseries_counts_release(struct timeseries_counts *c);

/* One file of entity-mapping as a data set: ';', columns ticker, market and entity among others; whether it has them, the
 * reading tells. */
void timeseries_mapping(const char *location, struct dataset *out);

/*
 * Rows of `data` (ticker, market, date and signals: all other columns of its files) joined by ticker and market, as text,
 * with those of `mapping` (ticker, market, entity), ordered by entity and date: entity;date;signals as one CSV
 * (gzip by the path's name). A signal is written as integers where all of its values are whole, else as the
 * shortest text of doubles; null as nothing. ERR_INVALID names the column that is missing, or file, row and value of what is
 * no date or no number; ERR_NOT_FOUND: no data, no mapping, or no match. A failure leaves no file.
 */
int timeseries_prepare(struct job *job, const struct dataset *data, const struct dataset *mapping,
	const char *path, struct timeseries_counts *counts, struct err *err) must_check;

#endif
