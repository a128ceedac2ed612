#ifndef DATASET_JSON_H
#define DATASET_JSON_H

/*
 * JSON of any layout as a stream of records, one a line: objects on lines of their own, over many lines or behind one another,
 * arrays of objects, and what a path leads to ("$.rows[*]", the catalog's jsonPath). Without a path, the
 * elements of an outermost array are records, but where the table has a column "array": Glue's crawler calls the
 * whole by that name when it has no classifier with a path. Records that are no objects are the column "record".
 *
 * Members are called as the data set has them, whatever their case: a record with two spellings of one name is refused. Lines
 * that call everything by its name, as the first 64 KB do, are passed on as they are. Memory holds one record.
 */
#include <stdbool.h>
#include "csvscan.h"

struct json_feed_how {
	const char *path;   /* to the records; NULL: none */
	const char **names; /* of the columns, as their members are to be called */
	size_t nr_names;
	bool whole_arrays; /* there is the column "array" */
};
struct json_feed;
/* `read` gives the bytes; `shown` names them in errors. All is borrowed. ERR_INVALID for the path. */
struct json_feed *json_feed_new(const struct json_feed_how *how, csv_read_fn *read, void *payload,
	const char *shown, struct err *err) must_check;
/* Has the form of csv_read_fn. ERR_INVALID says where JSON that is cut or broken stands. */
ssize_t json_feed_read(void *feed, const void **block, struct err *err) must_check;
/* What json_feed_new was given to read from. */
void *json_feed_payload(const struct json_feed *f);
void json_feed_free(struct json_feed *f); /* NULL is fine */

#endif
