#ifndef RESHAPE_H
#define RESHAPE_H

/*
 * A data set as another: its columns by a fieldmap, its files as CSV, JSON lines or Parquet, a file each or one for all (of
 * a partition). What does not convert is ERR_INVALID with file, row, column and value. Rows keep their order where
 * there are at least as many files to write as threads, or little to read.
 */
#include "dataset.h"
#include "fieldmap.h"

struct reshape {
	const struct dataset *from;
	const struct fields *fields; /* resolved */
	enum dataset_format format;
	const char *compression; /* reshape_compression's */
	char delimiter;          /* of CSV */
	bool single;             /* one file, of each partition where these are folders */
	bool flat;               /* partition columns are columns of the files, not folders */
	struct publish *out;
};
struct reshape_counts {
	int64_t rows;
	size_t files;
};

/* DuckDB's word for a compression of the format, NULL being its usual one; ERR_USAGE says which there are. */
const char *reshape_compression(
	enum dataset_format format, const char *name, struct err *err) must_check;
/* Writes to out, which the caller commits. */
int reshape(struct job *job, const struct reshape *r, struct reshape_counts *counts,
	struct err *err) must_check;

#endif
