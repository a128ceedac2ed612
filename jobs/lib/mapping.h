#ifndef MAPPING_H
#define MAPPING_H

/* What mapping-prepare does to data, without knowing where it goes. */
#include "dataset.h"

struct mapping_counts {
	int64_t rows;
	size_t files;
};
/* The columns ticker and market of all files, in the order of files and rows, with their duplicates and nulls, as one CSV with
 * ';' (gzip by the path's name); columns are found by each file's own header, then by the folders' names. Bytes stay as
 * they are. ERR_INVALID names the file that lacks a column or is damaged, ERR_NOT_FOUND: no rows at all. A
 * failure leaves no file. */
int mapping_prepare(struct job *job, const struct dataset *identities, const char *path,
	struct mapping_counts *counts, struct err *err) must_check;

#endif
