#ifndef PRICEFILE_H
#define PRICEFILE_H

/*
 * The CSVs of the crypto pipeline as tables of DuckDB: a price history (MM/dd/yyyy, price, …) and a search trend
 * (yyyy-MM-dd, integer, …), columns by position, a header before them. Lines of nothing but commas and blanks do not count.
 *
 * ERR_INVALID names file and line: a header of one column, a row with more or fewer columns than the header (an unquoted
 * "65,619.5" is two), a date that is none, a price whose commas are no thousands (price.h). Any other value that does not convert is
 * null and is counted.
 */
#include <stdbool.h>
#include <stdint.h>
#include "duck.h"

enum price_kind { PRICE_HISTORY, PRICE_TREND };

struct price_counts {
	int64_t rows;
	int64_t missing; /* prices of -1 */
	int64_t bad;     /* values that are null */
	int64_t bad_line;
	char *bad_value; /* of that line, as it stands there; malloc'd */
	bool ordered;    /* dates rise or fall from row to row: none comes twice */
	int64_t unordered_line; /* 0, or the first date that is neither behind nor before as those above it */
	int64_t repeated;   /* dates that come more than once */
	char *repeated_day; /* the first; malloc'd */
};
#define PRICE_COUNTS_INIT \
	{                 \
		0         \
	}
void price_counts_release(struct price_counts *c);

/* Makes the table: day DATE, value FLOAT (history; -1 as it is) or INTEGER (trend), line BIGINT. */
int price_load(struct job *job, struct duck *d, const char *location, enum price_kind kind,
	const char *table, struct price_counts *counts, struct err *err) must_check;

#endif
