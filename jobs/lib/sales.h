#ifndef SALES_H
#define SALES_H

/*
 * The sales lake's transforms: what `clean` and `repartition` do to data, without knowing where it comes from or goes.
 */
#include "csvscan.h"
#include "partitions.h"
#include "place.h"

/*
 * Raw CSV to typed records: column names with '_' and in lower case; units_sold int, prices, costs and profit
 * decimal(10,2), dates by M/d/yyyy or MM/dd/yyyy, all else text; what does not convert is null; of rows that are equal
 * after that one stays. `out` gets <stem>/part-00000-<id>.snappy.parquet, to be committed by the caller.
 */
struct sales_counts {
	int64_t rows_in, rows_out;
	size_t files;
};
struct sales_source {
	int (*rewind)(void *payload,
		struct err *err); /* to the first byte; called before each read through */
	csv_read_fn *read;
	void *payload;
};
/* When memory does not suffice, the source is read several times. */
int sales_clean(struct job *job, const struct sales_source *source, struct publish *out,
	struct sales_counts *counts, struct err *err) must_check;

/* Parquet files to one file per country, country=<escaped as Hive does>/part-00000-<id>.snappy.parquet; null and empty
 * countries are one partition. `out` is to be committed by the caller. */
int sales_repartition(struct job *job, const struct strvec *files, struct publish *out,
	struct sales_counts *counts, struct err *err) must_check;

#endif
