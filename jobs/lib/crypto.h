#ifndef CRYPTO_H
#define CRYPTO_H

/* The transforms of the crypto pipeline, one currency at a time. */
#include <stdbool.h>
#include "place.h"

/* [A-Za-z][A-Za-z0-9_]{0,29}: it becomes a table's name and a part of paths. ERR_USAGE. */
int crypto_check_ticker(const char *ticker, struct err *err) must_check;

/*
 * Bronze to silver, by pricefile.h's rules. `hist`: "Date" date, "Price" float, by date; a price of -1 is missing: with `drop` rows
 * without a price go, else such a price is the last one of the ten rows before, if any. `trend`: "date" date, "g_trend" int, by date.
 * A history without any price and a trend without rows are ERR_INVALID. Both get their one file, to be committed by the caller.
 */
struct crypto_bronze {
	const char *hist, *trend; /* locations */
	bool drop;
};
int crypto_silver(struct job *job, const struct crypto_bronze *in, struct publish *hist,
	struct publish *trend, struct err *err) must_check;

/*
 * Silver to gold: all dates of both, rows of one date times each other; "Date" date, "Price" float (the last one of the two rows before
 * where it is null), "g_trend" int, "PriceMA" double (mean of 14 rows), "TrendMA" double (mean of 7 rows of the trend, a
 * null one taken from the next six rows). Frames count rows by date. `out` gets its one file.
 */
int crypto_gold(struct job *job, const struct place *silver, const char *ticker,
	struct publish *out, struct err *err) must_check;

/* A job's frame: --TICKER is checked, then the two places are there; what they name is for messages. */
struct crypto_places {
	struct place from, to;
	const char *ticker;
};
#define CRYPTO_PLACES_INIT                   \
	{                                    \
		PLACE_INIT, PLACE_INIT, NULL \
	}
int crypto_places(struct job *job, const char *from, const char *to, struct crypto_places *out,
	struct err *err) must_check;
void crypto_places_release(struct crypto_places *p);

#endif
