#ifndef CONVERT_H
#define CONVERT_H

/*
 * Text to values as the sales lake wants them (and Spark's casts give them): false means null. Blanks and control
 * characters around numbers do not count; around dates they do.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [+-]digits[.digits]: the fraction is cut off; beyond 32 bits is null. */
bool convert_int32(const char *s, size_t len, int32_t *out);
/* decimal(10,2) as hundredths: [+-]digits[.digits][e[+-]d{1,3}], rounded half away from zero; 10^8 and beyond is null. */
bool convert_decimal_10_2(const char *s, size_t len, int64_t *out);
/* M/d/yyyy or MM/dd/yyyy as days since 1970-01-01; a day that the calendar has not is null. */
bool convert_date_mdy(const char *s, size_t len, int32_t *out);

#endif
