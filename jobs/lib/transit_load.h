#ifndef TRANSIT_LOAD_H
#define TRANSIT_LOAD_H

/* Loads as ingest and moves need them. */
#include "transit_job.h"

struct transit_load {
	const char *id, *key, *table;     /* of the rows */
	int64_t size, modified, snapshot; /* seconds; snapshot -1: none */
	bool raw, ods;
	enum transit_status status;
};
struct transit_loads {
	struct transit_load *v;
	size_t nr;
	struct pg_rows rows;
};
#define TRANSIT_LOADS_INIT            \
	{                             \
		NULL, 0, PG_ROWS_INIT \
	}
void transit_loads_release(struct transit_loads *l);
/* Those of `ids` that live, in the order in which they came. */
int transit_loads_read(
	struct pg *pg, const char *ids, struct transit_loads *out, struct err *err) must_check;

/* Arguments of the ingest job: where tables are, and what to do with which load. Malloc'd JSON. */
char *transit_payload_env(const char *incoming_database, const char *springboard_database);
/* `status` picks the loads; `prefix` stands before keys. */
char *transit_payload_input(const struct transit_loads *l, enum transit_status status,
	const struct place *incoming, const struct place *springboard, const char *prefix);

/* Where loads' files go when all is done with them. */
struct transit_places {
	struct place incoming, archive, error;
	const char *prefix;
};
/* The file, and for ODS its description: to the archive or to the errors. What is there already is only removed at the source; another
 * of that name stays, and this one goes to a folder timestamp=… beside it. ERR_NOT_FOUND when a file is in neither place, ERR_CONFLICT when there
 * is another in that folder too. */
int transit_move(struct job *job, const struct transit_places *places,
	const struct transit_load *load, bool archive, struct err *err) must_check;

#endif
