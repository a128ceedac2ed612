#ifndef DATES_H
#define DATES_H

/*
 * The one rule for dates in the time series jobs: YYYY-MM-DD, YYYY/MM/DD or YYYYMMDD, alone or with midnight behind it (T or a
 * blank, 00:00[:00[.0…]], then nothing, Z or +00:00); years 0001 to 9999 of the Gregorian calendar. All else is none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "strbuf.h"

struct duck;
struct err;

/* *days since 1970-01-01. */
bool dates_parse(const char *text, size_t len, int32_t *days);
/* Appends YYYY-MM-DD, for years 0001 to 9999. */
void dates_add(struct strbuf *sb, int32_t days);

/* The same rule in SQL: the expression that is appended turns `expression` (VARCHAR) into a DATE, or NULL where there is
 * none. dates_register makes it known to a session and its further connections, once. */
int dates_register(struct duck *d, struct err *err) must_check;
void dates_add_sql(struct strbuf *sql, const char *expression);

#endif
