#ifndef SERIES_H
#define SERIES_H

/*
 * The extraction's transform: visits to venues (data) become sums per ticker and day, by the venues' chains and the chains'
 * tickers; and the tickers are the identities. Null keys never match, what is many on both sides multiplies, tickers
 * that are null or empty name no series and are left out. The market is always 'US'.
 */
#include "dataset.h"
#include "place.h"

struct series_source {
	const struct dataset *tickers; /* chainid, ticker */
	const struct dataset *venues;  /* venueid, chainid */
	const struct dataset *data;    /* venueid, utc_date, and the signals */
	const struct strvec *signals;  /* columns of data; they become signal1, signal2, … */
};
/* The columns are there and of types that make sense: strings (or other plain types) for keys, string, date, timestamp or an
 * integer for utc_date, integers for signals, and with `doubles` other numbers too. ERR_INVALID names table,
 * column and type. */
int series_check(const struct series_source *s, bool doubles, struct err *err) must_check;

struct series_counts {
	int64_t tickers, venues, rows; /* of the three tables */
	int64_t unnamed;               /* rows of tickers without a ticker */
	int64_t joined, identities, sums;
	size_t series; /* files of `sums` */
};
/*
 * Writes <file_name> into `identities` (ticker,market) and ticker=<T>/<file_name> into `sums` (date,signal1,…,market; by
 * date). Both are complete when it returns, to be committed by the caller. Sums of integers that do not fit 64 bits,
 * of other numbers that are not finite, values that do not convert, and a join without rows are errors.
 */
int series_extract(struct job *job, const struct series_source *s, const char *file_name,
	struct publish *identities, struct publish *sums, struct series_counts *counts,
	struct err *err) must_check;

#endif
