#ifndef PARTITIONS_H
#define PARTITIONS_H

/*
 * Rows to one file for each value of a column: <column>=<value, escaped as Hive does>/<file name> below a publish, to be
 * committed by the caller. Null and empty values are one partition. Memory does not depend on the number of rows.
 */
#include "duck.h"
#include "place.h"

/* "column=value" as Hive and Spark name a partition's folder, appended: bytes stay but for those that Hive escapes as
 * %XX; NULL and "" are __HIVE_DEFAULT_PARTITION__. */
void hive_add_partition(struct strbuf *out, const char *column, const char *value);

struct partitions {
	const char *column;    /* of the source, in any case; stands in the path only */
	const char *file_name; /* of each partition's file */
	struct publish *out;
};
struct partitions_counts {
	int64_t rows;
	size_t files;
};

/* Parquet with Snappy, by DuckDB, a file a thread: for some thousands of partitions. `source`: what stands behind FROM.
 * ERR_INVALID when it lacks the column, or has no other. */
int partitions_write_parquet(struct duck *d, const struct partitions *p, const char *source,
	struct partitions_counts *counts, struct err *err) must_check;

/*
 * CSV with gzip, ',' and a header: for millions of partitions, each of which is put together in memory. `query` gives the
 * partition's value as its first column, and is ordered by it; what follows are VARCHAR, DATE and BIGINT columns for the
 * header's names.
 */
int partitions_write_csv(struct duck *d, const struct partitions *p, const char *query,
	const struct strvec *header, struct partitions_counts *counts, struct err *err) must_check;

#endif
