#ifndef DATASET_INTERNAL_H
#define DATASET_INTERNAL_H

/* What the files of dataset*.c share. */
#include "dataset.h"

/* "_…" and "." names, but "_a=b" of a partition: each piece of a path below the data set's root. */
bool dataset_is_hidden(const char *relative);
/* All objects at or below a location, with its end, sorted by location, without hidden and empty ones: appended. `location` is
 * "s3://bucket/prefix", "file://…" or a path; a folder with or without its '/'. Nothing there is no error. */
int dataset_list(
	struct job *job, const char *location, struct dataset *out, struct err *err) must_check;
/* Lower case; empty and repeated names as the crawler has them: col<position>, <name>_<position>. */
void dataset_name_columns(struct strvec *names);
struct dataset_column *dataset_add_column(
	struct dataset *d, const char *name, const char *type, bool partition);
void dataset_file_release(struct dataset_file *f);
/* %XX of Hive undone; NULL for __HIVE_DEFAULT_PARTITION__; malloc'd. */
char *dataset_partition_value(const char *text, size_t len);

#endif
