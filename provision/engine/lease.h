#ifndef LEASE_H
#define LEASE_H

/*
 * One run at a time may change a project: an object in the project's home that is taken by a conditional
 * write, kept alive by a heartbeat thread, and given back at the end. A lease whose time is over, or whose process
 * on this very machine is dead, is taken over.
 */
#include "clock.h"
#include "store.h"

struct lease;

#define LEASE_TTL_MS (90 * 1000)

/* ERR_LEASE names the holder, since when, and when it ends. `what` is the command, for the holder's line. */
struct lease *lease_acquire(struct record_store *store, const struct clock *clock,
	const char *project, const char *what, struct err *err) must_check;
/* True when a heartbeat found that the lease was lost: stop starting work. */
bool lease_lost(const struct lease *l);
/* The same as an error; an engine_opts.stop for a payload that is the place of a lease (which may be NULL). */
int lease_check(const struct lease *l, struct err *err) must_check;
bool lease_stop(void *place);
/* Gives it back and frees it. NULL is fine. Failures only delay the next run: they are logged. */
void lease_release(struct lease *l);

#endif
