#ifndef UNZIP_H
#define UNZIP_H

/*
 * A zip in one pass: its bytes go to the target under the zip's own name, and its CSV beside them under the CSV's name,
 * blanks as '-'. The CSV is the last name ending in ".csv" in the order of names, of the top level only. Nothing of both
 * shows before the whole zip was read and found good; memory does not depend on sizes.
 */
#include "csvscan.h"
#include "place.h"

struct unzip_result {
	char *csv_name; /* as stored; malloc'd */
	int64_t zip_bytes, csv_bytes;
};
/* `read` gives the zip's bytes; `source` is its name for messages. ERR_INVALID when it is no zip, is cut off or damaged,
 * has no CSV, or a name that would leave the folder. */
int unzip_store(struct job *job, csv_read_fn *read, void *payload, const char *source,
	const struct place *target, const char *zip_name, struct unzip_result *result,
	struct err *err) must_check;

#endif
