#ifndef WAREHOUSE_H
#define WAREHOUSE_H

/*
 * One currency's gold as a table of a warehouse, SCHEMA.TICKER in lower case, as unquoted names are there. The rows go into a table
 * of another name, which takes the place of the old one in the same transaction: readers see all old rows or all new ones,
 * and what fails or is killed leaves nothing.
 */
#include <stdbool.h>
#include <stdint.h>
#include "place.h"

struct warehouse_table {
	char *schema, *name;
	char *staging; /* of this run alone */
	bool create_schema;
};
#define WAREHOUSE_TABLE_INIT \
	{                    \
		0            \
	}
/* ERR_USAGE for names that are none: a letter (schemas: or '_'), then letters, digits and '_'. */
int warehouse_table_init(struct warehouse_table *t, const char *schema, const char *ticker,
	bool create_schema, struct err *err) must_check;
void warehouse_table_release(struct warehouse_table *t);

/* The columns' definitions, in gold's order; they are C.6's. */
extern const char warehouse_columns[];

/* By the Redshift Data API: COPY … FORMAT AS PARQUET in the role's name, so gold is to be in a bucket. A signal cancels what runs. */
struct warehouse_redshift {
	const char *workgroup, *database, *copy_role;
	const char *secret_arn; /* NULL: with the caller's own identity */
};
int warehouse_load_redshift(struct job *job, const struct warehouse_redshift *r,
	const struct warehouse_table *t, const struct place *gold, const char *ticker,
	struct err *err) must_check;

/* By a session of pg.h. Locks are waited for so long, then ERR_CONFLICT. */
struct pg;
int warehouse_load_postgres(struct job *job, struct pg *pg, const struct warehouse_table *t,
	const struct place *gold, const char *ticker, int lock_timeout_s, int64_t *rows,
	struct err *err) must_check;

#endif
