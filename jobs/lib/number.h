#ifndef NUMBER_H
#define NUMBER_H

/* Text to numbers, strictly: the whole text or nothing; blanks around it do not count. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum number_result { NUMBER_OK, NUMBER_EMPTY, NUMBER_BAD };
/* [+-]digits within 64 bits. */
enum number_result number_int64(const char *s, size_t len, int64_t *out);
/* [+-]digits[.digits][e[+-]digits], "nan", "inf", "infinity" in any case; to the nearest double. What is too large is bad. */
enum number_result number_double(const char *s, size_t len, double *out);

#endif
