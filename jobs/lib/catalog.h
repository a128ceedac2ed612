#ifndef CATALOG_H
#define CATALOG_H

/* Tables of the Glue Data Catalog, as far as reading their data needs them. Pages: "GetTable", "GetPartitions", "SerDeInfo". */
#include "client.h"
#include "dataset.h"

/* glue:GetTable; *table is the reply's Table, the caller's. ERR_NOT_FOUND says whether the table or the database is missing,
 * with a hint. */
int catalog_table(struct aws_client *aws, const char *database, const char *table,
	struct json **out, struct err *err) must_check;
/* glue:GetPartitions, all pages: an array; the caller's. */
int catalog_partitions(struct aws_client *aws, const char *database, const char *table,
	struct json **out, struct err *err) must_check;

/*
 * How to read what a StorageDescriptor describes, with the parameters of its table or partition: format by
 * `classification`, else by the SerDe; for CSV field.delim, separatorChar, quoteChar, escapeChar and
 * skip.header.line.count (the first skipped row holds the names). ERR_INVALID: what cannot be read, with the reason.
 */
int catalog_storage(const struct json *descriptor, const struct json *parameters,
	struct dataset_storage *out, struct err *err) must_check;

#endif
