#ifndef INGEST_INTERNAL_H
#define INGEST_INTERNAL_H

/* What the files of ingest*.c share. */
#include "dataset.h"
#include "ingest.h"
#include "strbuf.h"

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

/* The .dfm beside the load's object. *location is the caller's, also on error. ERR_NOT_FOUND: there is none. */
int ingest_dfm_read(struct job *job, const struct ingest_load *load, char **location,
	struct strbuf *text, struct err *err) must_check;
/* That .dfm, where the load is of a snapshot and it is there, names the columns of the incoming table, in order: else ERR_INVALID. */
int ingest_dfm_check(struct job *job, const struct ingest_load *load, const struct dataset *source,
	struct err *err) must_check;

#endif
