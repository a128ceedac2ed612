#ifndef ENTITYMAP_H
#define ENTITYMAP_H

/*
 * From a customer's identifiers to Exabel's entities: each row of a CSV whose identifier belongs to exactly one entity comes
 * out again, in its order, with that entity's resource name as one more column.
 *
 * The identifiers are the columns ticker and market (a MIC, or "US": XNAS, XNYS, XASE, the first with a hit), else the first
 * column that is named isin, factset_identifier, bloomberg_ticker, figi or cusip. Rows that are equal to one before do not
 * count. Rows without an entity, or with several, are told of in the log and left out.
 */
#include <stdint.h>
#include "csvscan.h"
#include "exabel.h"

struct entity_map_options {
	const char *entity_type; /* "entityTypes/company" */
	char delimiter;          /* of both CSVs */
	size_t threads;          /* look-ups at a time */
};

struct entity_map_counts {
	size_t rows_in; /* without the header, and without repeated ones */
	size_t rows_out;
	size_t ids;                       /* different ones, each searched once */
	size_t found, ambiguous, missing; /* of ids */
	size_t empty;                     /* rows without an identifier */
};

/* `read` gives the CSV's bytes; `path` is written, and only once everything is known. ERR_NOT_FOUND: none of the identifiers
 * has an entity; ERR_INVALID: the CSV has no identifier, or a row of another width; else what exabel_search says. The
 * counts are filled as far as it came. */
int entity_map(struct exabel *e, csv_read_fn *read, void *payload,
	const struct entity_map_options *options, const char *path,
	struct entity_map_counts *counts, struct err *err) must_check;

#endif
