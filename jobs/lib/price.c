#include "price.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* More digits than any price has; what is longer is none. */
#define MAX_PRICE 100

static size_t count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* Of text without commas. */
static bool is_number(const char *s)
{
	size_t whole, fraction = 0;

	s += *s == '-' || *s == '+';
	whole = count_digits(s);
	s += whole;
	if (*s == '.') {
		fraction = count_digits(++s);
		s += fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		if (!count_digits(s))
			return false;
		s += count_digits(s);
	}
	return !*s;
}

/* One to three digits, then groups of ",ddd". */
static bool are_thousands(const char *s)
{
	size_t first;

	s += *s == '-' || *s == '+';
	first = count_digits(s);
	if (first < 1 || first > 3)
		return false;
	for (s += first; *s == ','; s += 4)
		if (count_digits(s + 1) != 3)
			return false;
	return !strchr(s, ',');
}

enum price_result price_parse(const char *s, size_t len, float *out)
{
	char text[MAX_PRICE + 1], plain[MAX_PRICE + 1];
	size_t nr = 0;

	while (len && (unsigned char)*s <= ' ') {
		s++;
		len--;
	}
	while (len && (unsigned char)s[len - 1] <= ' ')
		len--;
	if (len > MAX_PRICE || memchr(s, '\0', len))
		return PRICE_NONE;
	memcpy(text, s, len);
	text[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (text[i] != ',')
			plain[nr++] = text[i];
	plain[nr] = '\0';
	if (nr < len && !are_thousands(text) && strspn(plain, "+-.0123456789") == nr &&
		count_digits(plain + strcspn(plain, "0123456789")))
		return PRICE_COMMAS;
	if (!is_number(plain))
		return PRICE_NONE;
	*out = strtof(plain, NULL);
	return isfinite(*out) ? PRICE_OK : PRICE_NONE;
}
