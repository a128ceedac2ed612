#ifndef UDF_H
#define UDF_H

/*
 * Text to values by the rules of the transit platform's first ingestion, which were Python's: int(), float() and dateutil's isoparse().
 * Nothing, and text that is all white space (Unicode's), is null. What these take is taken here, with the same value; what they refuse
 * is bad, with a reason that follows the value in messages. Text is UTF-8.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "strbuf.h"

struct duck;
struct err;

enum udf_result { UDF_OK, UDF_NULL, UDF_BAD };

/* No letter but white space. */
bool udf_is_blank(const char *s, size_t len);
/* White space around it, a sign, digits of any script, single '_' between digits; within 64 bits. *why is static. */
enum udf_result udf_long(const char *s, size_t len, int64_t *out, const char **why);
/* As above, with point and exponent; inf, infinity, nan in any case. To the nearest double, which is infinite for what is too large. */
enum udf_result udf_double(const char *s, size_t len, double *out, const char **why);
/*
 * ISO 8601: YYYY, YYYY-MM, YYYY-MM-DD, YYYYMMDD, weeks and days of a year; any one letter; hh, hhmm, hh:mm, hhmmss, hh:mm:ss, with a fraction
 * behind '.' or ',', of which six digits count; 24:00 is the next day's start; Z or an offset. A date is the date as it is written.
 */
enum udf_result udf_date(const char *s, size_t len, int32_t *days, const char **why);
/* The same, in microseconds since 1970 of UTC; without an offset it is taken as UTC. */
enum udf_result udf_timestamp(const char *s, size_t len, int64_t *micros, const char **why);

/* --- in SQL --- */
enum udf_type { UDF_STRING, UDF_LONG, UDF_DOUBLE, UDF_DATE, UDF_TIMESTAMP };

/* The first bad value that a session met. */
struct udf_bad {
	int64_t row_id;
	size_t column;
	char *value; /* cut where it is long */
	const char *why;
};
struct udf_session;
/* Makes the functions known to the session, once; to be freed after the session is closed. NULL on error. */
struct udf_session *udf_register(struct duck *d, struct err *err) must_check;
void udf_session_free(struct udf_session *s); /* NULL is fine */
/* Appends an expression that turns `text` (VARCHAR) into the type; `row_id` (BIGINT) and `column` are for udf_session_bad. */
void udf_add_sql(struct strbuf *sql, enum udf_type type, const char *text, const char *row_id,
	size_t column);
/* Why a statement failed, if a value did it: the one that was met first; else NULL. Borrowed. */
const struct udf_bad *udf_session_bad(const struct udf_session *s);

#endif
