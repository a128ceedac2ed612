/*
 * ready -> ready_for_ingesting -> ingesting -> ready_for_archiving -> archiving -> archived | archived_unknown
 * ready | ingesting -> ready_for_erroring -> erroring -> errored | errored_unknown
 * A retry takes archiving, archived_unknown, erroring and errored_unknown to archiving or erroring again. A load that is registered is
 * ready, or ready_for_erroring at once.
 */
#include "transit_status.h"

#include <string.h>

#define TO(status) (1u << (status))

static const struct {
	const char *name;
	unsigned next;
} statuses[LOAD_NR_STATUSES] = {
	[LOAD_READY] = {"ready", TO(LOAD_READY_FOR_INGESTING) | TO(LOAD_READY_FOR_ERRORING)},
	[LOAD_READY_FOR_INGESTING] = {"ready_for_ingesting", TO(LOAD_INGESTING)},
	[LOAD_INGESTING] = {"ingesting",
		TO(LOAD_READY_FOR_ARCHIVING) | TO(LOAD_READY_FOR_ERRORING)},
	[LOAD_READY_FOR_ARCHIVING] = {"ready_for_archiving", TO(LOAD_ARCHIVING)},
	[LOAD_ARCHIVING] = {"archiving",
		TO(LOAD_ARCHIVED) | TO(LOAD_ARCHIVED_UNKNOWN) | TO(LOAD_ARCHIVING)},
	[LOAD_ARCHIVED] = {"archived", 0},
	[LOAD_ARCHIVED_UNKNOWN] = {"archived_unknown", TO(LOAD_ARCHIVING)},
	[LOAD_READY_FOR_ERRORING] = {"ready_for_erroring", TO(LOAD_ERRORING)},
	[LOAD_ERRORING] = {"erroring",
		TO(LOAD_ERRORED) | TO(LOAD_ERRORED_UNKNOWN) | TO(LOAD_ERRORING)},
	[LOAD_ERRORED] = {"errored", 0},
	[LOAD_ERRORED_UNKNOWN] = {"errored_unknown", TO(LOAD_ERRORING)},
};

const char *transit_status_name(enum transit_status s)
{
	return statuses[s].name;
}

int transit_status_parse(const char *text)
{
	for (int i = 0; i < LOAD_NR_STATUSES; i++)
		if (strcmp(statuses[i].name, text) == 0)
			return i;
	return -1;
}

bool transit_status_follows(enum transit_status from, enum transit_status to)
{
	return statuses[from].next & TO(to);
}
