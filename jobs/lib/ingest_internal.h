#ifndef INGEST_INTERNAL_H
#define INGEST_INTERNAL_H

/* What the files of ingest*.c share. */
#include "dataset.h"
#include "ingest.h"

#define INGEST_KEY_PARAMETER "primary_key"
#define INGEST_CHANGES "__ct"

/* The catalog's table of a load's destination; made where it is missing. `source` is read for its columns. The caller's. NULL on error. */
struct json *ingest_destination(struct job *job, const struct ingest_input *in,
	const struct ingest_load *load, const struct dataset *source, bool *made,
	struct err *err) must_check;
/* What that table is made of: the TableInput of glue:CreateTable. The caller's. */
struct json *ingest_table_input(
	struct job *job, const struct ingest_load *load, const struct dataset *source);
/* Tells the catalog of the load's partition, at `location`, where the table is partitioned by the load's columns. */
int ingest_add_partition(struct job *job, const struct ingest_input *in,
	const struct ingest_load *load, const struct json *table, const char *location, bool *made,
	struct err *err) must_check;

#endif
