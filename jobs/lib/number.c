#include "number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 800 /* of a double; longer ones are no number that anybody wrote */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void trim(const char **s, const char **end)
{
	while (*s < *end && is_blank(**s))
		(*s)++;
	while (*s < *end && is_blank((*end)[-1]))
		(*end)--;
}

enum number_result number_int64(const char *s, size_t len, int64_t *out)
{
	const char *end = s + len;
	uint64_t n = 0, most = INT64_MAX;
	bool negative;

	trim(&s, &end);
	if (s == end)
		return NUMBER_EMPTY;
	negative = *s == '-';
	if (negative || *s == '+')
		s++;
	if (s == end)
		return NUMBER_BAD;
	most += negative;
	for (; s < end; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (!is_digit(*s) || n > most / 10 || n * 10 > most - digit)
			return NUMBER_BAD;
		n = n * 10 + digit;
	}
	*out = (int64_t)(negative ? 0 - n : n);
	return NUMBER_OK;
}

/* Digits and at most one point, of 2^53 at most and with up to 22 places: exact with one division. */
static bool simple_double(const char *s, const char *end, double *out)
{
	static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	uint64_t n = 0;
	size_t digits = 0, places = 0;
	bool point = false, negative = *s == '-';

	if (negative || *s == '+')
		s++;
	for (; s < end; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (!is_digit(*s) || ++digits > 19 || n > (UINT64_C(1) << 53) / 10)
			return false;
		n = n * 10 + (unsigned)(*s - '0');
		places += point;
	}
	if (!digits || n > UINT64_C(1) << 53)
		return false;
	*out = (double)n / powers[places];
	if (negative)
		*out = -*out;
	return true;
}

static locale_t c_locale;

static void make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* No hexadecimal, which strtod takes. */
static bool may_be_double(const char *s)
{
	for (; *s; s++)
		if (!is_digit(*s) && !strchr("+-.eEnaifty", *s | ((*s >= 'A' && *s <= 'Z') << 5)))
			return false;
	return true;
}

enum number_result number_double(const char *s, size_t len, double *out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *end = s + len;
	char text[MAX_TEXT + 1], *stop;

	trim(&s, &end);
	if (s == end)
		return NUMBER_EMPTY;
	if (simple_double(s, end, out))
		return NUMBER_OK;
	len = (size_t)(end - s);
	if (len > MAX_TEXT || memchr(s, '\0', len))
		return NUMBER_BAD;
	memcpy(text, s, len);
	text[len] = '\0';
	if (!may_be_double(text))
		return NUMBER_BAD;
	pthread_once(&once, make_locale);
	*out = strtod_l(text, &stop, c_locale);
	if (*stop || stop == text)
		return NUMBER_BAD;
	return isinf(*out) && is_digit(end[-1]) ? NUMBER_BAD : NUMBER_OK;
}
