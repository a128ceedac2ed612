#ifndef LOCAL_CATALOG_STORE_H
#define LOCAL_CATALOG_STORE_H

/*
 * The catalog's rows, inside transactions (names end in _tx), shared by local_catalog*.c. Database and table names are
 * lower case here. Documents are Glue's Database, Table and Partition; times come from columns.
 */
#include "local_catalog.h"
#include "local_glue.h"

extern const struct local_part local_catalog_part;
extern const struct local_service local_catalog_service, local_catalog_table_service,
	local_catalog_partition_service;

/* The name that a member of the input gives, lower case; malloc'd, InvalidInputException when missing or bad. */
char *catalog_name(const struct json *in, const char *member, struct err *err);
int catalog_check_name(const char *name, const char *what, struct err *err) must_check;

/* EntityNotFoundException when there is none; the document is the caller's. */
int catalog_database_tx(
	struct local_cloud *cloud, const char *name, struct json **out, struct err *err) must_check;
int catalog_table_tx(struct local_cloud *cloud, const char *database, const char *table,
	struct json **out, struct err *err) must_check;
int catalog_tables_tx(struct local_cloud *cloud, const char *database, const char *after,
	int64_t limit, struct json *array, struct err *err) must_check;
int catalog_partition_tx(struct local_cloud *cloud, const char *database, const char *table,
	const struct json *values, struct json **out, struct err *err) must_check;

/* Creates (AlreadyExistsException) or replaces (a new version, unless skip_archive). */
int catalog_table_create_tx(struct local_cloud *cloud, const char *database,
	const struct json *input, const char *created_by, struct err *err) must_check;
int catalog_table_update_tx(struct local_cloud *cloud, const char *database,
	const struct json *input, bool skip_archive, struct err *err) must_check;
int catalog_table_delete_tx(struct local_cloud *cloud, const char *database, const char *table,
	struct err *err) must_check;
/* `replace` false: AlreadyExistsException. `old` (NULL: the input's own) are the values it had. */
int catalog_partition_put_tx(struct local_cloud *cloud, const char *database, const char *table,
	const struct json *input, const struct json *old, bool replace, struct err *err) must_check;
int catalog_partition_delete_tx(struct local_cloud *cloud, const char *database, const char *table,
	const struct json *values, struct err *err) must_check;

/* --- GetPartitions' Expression (local_catalog_filter.c) --- */
struct catalog_filter;
/* `keys`: the table's PartitionKeys. InvalidInputException-worthy text in err. */
struct catalog_filter *catalog_filter_new(
	const char *expression, const struct json *keys, struct err *err) must_check;
bool catalog_filter_matches(const struct catalog_filter *f, const struct json *values);
void catalog_filter_free(struct catalog_filter *f);

#endif
