#ifndef TRANSIT_STATUS_H
#define TRANSIT_STATUS_H

/* The statuses of a load, and which may follow which: one table, and one statement that changes them. */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

enum transit_status {
	LOAD_READY,
	LOAD_READY_FOR_INGESTING,
	LOAD_INGESTING,
	LOAD_READY_FOR_ARCHIVING,
	LOAD_ARCHIVING,
	LOAD_ARCHIVED,
	LOAD_ARCHIVED_UNKNOWN,
	LOAD_READY_FOR_ERRORING,
	LOAD_ERRORING,
	LOAD_ERRORED,
	LOAD_ERRORED_UNKNOWN,
	LOAD_NR_STATUSES,
};

/* As the database has it. */
const char *transit_status_name(enum transit_status s);
/* -1: no status. */
int transit_status_parse(const char *text);
bool transit_status_follows(enum transit_status from, enum transit_status to);

#endif
