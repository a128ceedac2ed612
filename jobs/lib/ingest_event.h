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
enum ingest_found {
	INGEST_FAILED,  /* it cannot be told; err says why */
	INGEST_CLAIMED, /* ours */
	INGEST_KNOWN,   /* it was ingested, or a chunk has it; logged */
	INGEST_BUSY,    /* another session is at it; logged */
	INGEST_BAD, /* ERR_INVALID: it is empty, or no snapshot is known: registered as ready_for_erroring */
	INGEST_NO_TABLE, /* ERR_NOT_FOUND: no active table has the key's prefix */
	INGEST_GONE,     /* ERR_NOT_FOUND: there is no such object */
};
/* 0 for CLAIMED, KNOWN and BUSY, else -1 with the error. A load of an earlier claim is let go. */
int ingest_event_claim(
	struct ingest_event *e, enum ingest_found *found, struct err *err) must_check;
/* After INGEST_GONE: the object's loads that wait, or that a run which died has left, are ready_for_erroring. *known: it has loads at all. */
int ingest_event_gone(
	struct ingest_event *e, bool *known, int64_t *erroring, struct err *err) must_check;
/* A claim is given up, or its end is told: another session may have the load. */
int ingest_event_unlock(struct ingest_event *e, struct err *err) must_check;

enum ingest_end {
	INGEST_DONE,
	INGEST_ERRORED, /* the data are to blame: ready_for_erroring */
	INGEST_AGAIN,   /* what may pass: it stays ingesting */
};
/* Runs one load, logs its line, and tells the database what became of it (`pg` NULL: nobody is told). -1: a signal, or the database. */
int ingest_load_tell(struct job *job, struct pg *pg, const struct ingest_input *in,
	const struct ingest_load *load, const struct ingest_options *opts, enum ingest_end *end,
	struct err *err) must_check;

#endif
