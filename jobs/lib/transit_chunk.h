#ifndef TRANSIT_CHUNK_H
#define TRANSIT_CHUNK_H

/*
 * Chunks of loads on their way through the ingest job. All state is in cubic_ingest_chunks; who works on a chunk holds an advisory lock of its
 * session, so that a worker that dies leaves its chunks, with their runs, to the next. An attempt is noted before its run is started, and
 * the run is marked with it: a run that nobody noted is found again, and never started twice.
 */
#include "transit_run.h"

struct transit_chunks {
	struct job *job;
	struct pg *pg;
	struct transit_glue glue;
	const struct place *incoming, *springboard;
	const char *prefix;
	char *env;
	long long at_once, max_attempts, timeout_s, retry_s, snooze_s, poll_s;
	/* those that this session works on */
	struct transit_chunk *v;
	size_t nr, alloc;
};
/* Loads that are ready become chunks, up to 1000; *nr tells how many loads. */
int transit_chunks_make(struct transit_chunks *c, size_t *nr, struct err *err) must_check;
/* So do loads that are being ingested by nobody: in no open chunk, and no ingest job holds them. */
int transit_chunks_take_up(struct transit_chunks *c, size_t *nr, struct err *err) must_check;
/* Takes chunks up to at_once, and drives each as far as it goes now. */
int transit_chunks_step(struct transit_chunks *c, struct err *err) must_check;
/* Some are worked on, or wait for anybody. */
int transit_chunks_open(struct transit_chunks *c, bool *open, struct err *err) must_check;
/* Forgets what this session works on; its runs go on. */
void transit_chunks_drop(struct transit_chunks *c);

#endif
