#ifndef INGEST_EVENT_H
#define INGEST_EVENT_H

/*
 * One object that has come, by its key: its load is found or registered in the metadata as process-incoming does it, claimed (ingesting) under
 * an advisory lock of the session, and told (ready_for_archiving, ready_for_erroring) when it is done. Whoever comes for an object of the same
 * time while it is under way, or later, leaves it alone; a run that died leaves its load to the next one with that key.
 */
#include "ingest.h"
#include "pg.h"
#include "place.h"

struct ingest_event {
	struct job *job;
	struct pg *pg;
	struct place incoming, springboard;
	const char *prefix;     /* before every key of the places, and in none of the database */
	const char *key;        /* as the database has it */
	struct ingest_input in; /* names of the databases; its one load is filled by _claim */
};
/* *claimed: false when there is nothing to do, which is logged. ERR_NOT_FOUND: no active table has the key's prefix, or no such object;
 * ERR_INVALID: the object is empty, or no snapshot is known (it is registered as ready_for_erroring). */
int ingest_event_claim(struct ingest_event *e, bool *claimed, struct err *err) must_check;

/* What became of a load that is ingesting, by its id: `why` NULL: ready_for_archiving; what the data are to blame for: ready_for_erroring; what
 * may pass stays ingesting. */
int ingest_tell(struct pg *pg, const char *id, const struct err *why, struct err *err) must_check;

#endif
