#ifndef TRANSIT_JOB_H
#define TRANSIT_JOB_H

/* What the platform's programs share: one pass or a loop, small arguments, changes of status. */
#include "place.h"
#include "transit_db.h"
#include "transit_status.h"

/* Rows of a program's arguments. */
#define TRANSIT_LOOP_ARGS                                                                \
	{"EVERY", "runs again every so many seconds (default: one pass)", JOB_OPTIONAL}, \
	{                                                                                \
		"ONCE", "one pass, which is what happens without --EVERY too", JOB_FLAG  \
	}

/*
 * Once, or again and again by --EVERY until a signal comes. A pass gets an open database, which a pass that fails loses: the next one, after
 * the same pause, has another. Only the arguments' errors and what failed in the one pass end the program.
 */
typedef int transit_pass_fn(struct job *job, struct pg *pg, void *payload, struct err *err);
int transit_loop(struct job *job, transit_pass_fn *pass, void *payload, struct err *err) must_check;

/* A whole number from min to max, else ERR_USAGE; `otherwise` where it is not given. */
int transit_number(struct job *job, const char *name, long long min, long long max,
	long long otherwise, long long *out, struct err *err) must_check;
/* Y or N. */
int transit_yes(
	struct job *job, const char *name, bool otherwise, bool *out, struct err *err) must_check;
/* A number column of seconds or sizes; `otherwise` for NULL. */
int64_t transit_value(const char *text, int64_t otherwise);

/*
 * Loads by ids ("{1,2}") from a status to one that may follow it (BUG otherwise); those that are in another meanwhile stay. *changed may
 * be NULL.
 */
int transit_set_status(struct pg *pg, const char *ids, enum transit_status from,
	enum transit_status to, int64_t *changed, struct err *err) must_check;

#endif
