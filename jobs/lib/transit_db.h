#ifndef TRANSIT_DB_H
#define TRANSIT_DB_H

/*
 * The transit platform's metadata in PostgreSQL. What its tables are stands in stacks/transit-platform/migrations; the job `migrate`
 * applies them, and whoever opens the database is told when it is behind.
 */
#include "pgjob.h"

/* The last migration that the programs rely on. Later ones (rows of tables, feeds) are no matter of theirs. */
#define TRANSIT_SCHEMA_VERSION 2

/* By the job's arguments (PG_JOB_ARGS); in UTC. ERR_CONFLICT, with a hint, for a database without migrations or behind on them. */
struct pg *transit_db_open(struct job *job, struct err *err) must_check;
/* As transit_db_open, whatever the version: for `migrate`. */
struct pg *transit_db_connect(struct job *job, struct err *err) must_check;

/* Grows a list of ids as SQL's `ANY ($1::bigint[])` takes it: "{1,2}". */
void transit_add_id(struct strbuf *ids, const char *id);

#endif
