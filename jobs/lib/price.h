#ifndef PRICE_H
#define PRICE_H

/* Prices as market sites write them: "65,619.5", "133.290", "-1". */
#include <stddef.h>

enum price_result {
	PRICE_OK,
	PRICE_NONE, /* no number at all: null */
	PRICE_COMMAS, /* a number but for its commas, which stand where no thousands end: "1.234,5", "12,5" */
};
/*
 * [+-]digits[.digits][e[+-]digits], thousands parted by ',' or not at all; blanks around it do not count. To the nearest
 * 32-bit float; what such a float cannot hold is none.
 */
enum price_result price_parse(const char *s, size_t len, float *out);

#endif
