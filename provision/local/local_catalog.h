#ifndef LOCAL_CATALOG_H
#define LOCAL_CATALOG_H

/* The Glue Data Catalog as crawler and Athena use it: documents in the shape of Glue's API (Table, Partition).
 * Transactions of their own. Names are lower-cased here. */
#include "local_cloud.h"

int local_catalog_database(struct local_cloud *cloud, const char *database, struct json **out,
	struct err *err) must_check;
int local_catalog_table(struct local_cloud *cloud, const char *database, const char *table,
	struct json **out, struct err *err) must_check;
/* From a DatabaseInput; AlreadyExistsException. */
int local_catalog_create_database(
	struct local_cloud *cloud, const struct json *input, struct err *err) must_check;
/* With all its tables; EntityNotFoundException. */
int local_catalog_delete_database(
	struct local_cloud *cloud, const char *database, struct err *err) must_check;
/* All tables of a database as an array, or all databases' when database is NULL. */
int local_catalog_tables(struct local_cloud *cloud, const char *database, struct json **out,
	struct err *err) must_check;
/* All partitions of a table, by values, as an array. */
int local_catalog_partitions(struct local_cloud *cloud, const char *database, const char *table,
	struct json **out, struct err *err) must_check;
/* Creates or replaces from a TableInput; `partitions` (array of PartitionInput or NULL) become all there are. */
int local_catalog_put_table(struct local_cloud *cloud, const char *database,
	const struct json *table_input, const struct json *partitions, struct err *err) must_check;
int local_catalog_delete_table(struct local_cloud *cloud, const char *database, const char *table,
	struct err *err) must_check;

#endif
