#ifndef CLOCK_H
#define CLOCK_H

/*
 * Time behind a table, so that tests pass one of their own. `now_ms` is UTC wall time since
 * 1970, `mono_ms` never goes back, `sleep_ms` returns early with -1 when interrupted by clock_interrupt().
 */
#include <stdbool.h>
#include <stdint.h>
#include "strbuf.h"

struct clock {
	int64_t (*now_ms)(const struct clock *c);
	int64_t (*mono_ms)(const struct clock *c);
	int (*sleep_ms)(const struct clock *c, int64_t ms);
	void *payload;
};

/* The system's clock; static. */
const struct clock *clock_system(void);
/* Wakes every sleeper of the system clock, now and from now on (Ctrl-C). Safe in a signal handler. */
void clock_interrupt(void);
bool clock_interrupted(void);

/* Broken-down UTC without the library's static state. */
struct utc {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second, ms;
	int weekday; /* 0 = Sunday */
};
void utc_from_ms(int64_t ms, struct utc *out);
int64_t utc_to_ms(const struct utc *u); /* fields may be out of range, as with timegm */

/* Appends 2026-11-21T09:26:05Z; with ms: 2026-11-21T09:26:05.123Z. */
void clock_add_iso(struct strbuf *sb, int64_t ms, bool with_ms);
/* Appends 20261121T092605Z, as SigV4 has it. */
void clock_add_amz(struct strbuf *sb, int64_t ms);
/* Appends Sat, 21 Nov 2026 09:26:05 GMT. */
void clock_add_http(struct strbuf *sb, int64_t ms);
/* ISO 8601 (date, or date and time with Z or offset, fraction allowed) or RFC 7231 date; -1 when it is none. */
int clock_parse(const char *text, int64_t *ms) must_check;

#endif
