#include "convert.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void trim(const char **s, size_t *len)
{
	while (*len && (unsigned char)**s <= ' ') {
		(*s)++;
		(*len)--;
	}
	while (*len && (unsigned char)(*s)[*len - 1] <= ' ')
		(*len)--;
}

static size_t count_digits(const char *s, const char *end)
{
	const char *from = s;

	while (s < end && is_digit(*s))
		s++;
	return (size_t)(s - from);
}

bool convert_int32(const char *s, size_t len, int32_t *out)
{
	bool negative = false;
	int64_t n = 0;
	const char *end;
	size_t digits;

	trim(&s, &len);
	end = s + len;
	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	digits = count_digits(s, end);
	if (digits == 0)
		return false;
	for (; digits; digits--) {
		n = n * 10 + (*s++ - '0');
		if (n > (int64_t)INT32_MAX + 1)
			n = (int64_t)INT32_MAX + 2; /* stays too large */
	}
	if (s < end && *s == '.')
		s += 1 + count_digits(s + 1, end);
	if (negative)
		n = -n;
	if (s != end || n > INT32_MAX || n < INT32_MIN)
		return false;
	*out = (int32_t)n;
	return true;
}

/* A decimal in pieces: whole digits, fraction digits, exponent. */
struct pieces {
	const char *whole, *fraction;
	size_t whole_len, fraction_len;
	int exponent;
	bool negative;
};

static bool read_exponent(const char **s, const char *end, int *exponent)
{
	bool negative = false;
	size_t digits;

	if (*s == end || (**s != 'e' && **s != 'E'))
		return true;
	(*s)++;
	if (*s < end && (**s == '-' || **s == '+'))
		negative = *(*s)++ == '-';
	digits = count_digits(*s, end);
	if (digits < 1 || digits > 3)
		return false;
	for (; digits; digits--)
		*exponent = *exponent * 10 + (*(*s)++ - '0');
	if (negative)
		*exponent = -*exponent;
	return true;
}

static bool read_pieces(const char *s, size_t len, struct pieces *p)
{
	const char *end = s + len;

	memset(p, 0, sizeof(*p));
	if (s < end && (*s == '-' || *s == '+'))
		p->negative = *s++ == '-';
	p->whole = s;
	p->whole_len = count_digits(s, end);
	s += p->whole_len;
	if (s < end && *s == '.') {
		p->fraction = ++s;
		p->fraction_len = count_digits(s, end);
		s += p->fraction_len;
	}
	if (p->whole_len + p->fraction_len == 0)
		return false;
	return read_exponent(&s, end, &p->exponent) && s == end;
}

/* The i-th digit of whole and fraction written together; 0 beyond. */
static int digit_at(const struct pieces *p, size_t i)
{
	if (i < p->whole_len)
		return p->whole[i] - '0';
	i -= p->whole_len;
	return i < p->fraction_len ? p->fraction[i] - '0' : 0;
}

bool convert_decimal_10_2(const char *s, size_t len, int64_t *out)
{
	static const int64_t limit = INT64_C(10000000000);
	struct pieces p;
	int64_t n = 0, keep;

	trim(&s, &len);
	if (!read_pieces(s, len, &p))
		return false;
	/* So many leading digits make the hundredths; the next one rounds. */
	keep = (int64_t)p.whole_len + p.exponent + 2;
	for (int64_t i = 0; i < keep; i++) {
		n = n * 10 + digit_at(&p, (size_t)i);
		if (n >= limit)
			return false;
		if (n == 0 && (size_t)i >= p.whole_len + p.fraction_len)
			break;
	}
	if (keep >= 0 && digit_at(&p, (size_t)keep) >= 5)
		n++;
	if (n >= limit)
		return false;
	*out = p.negative ? -n : n;
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, also before its time. */
static int32_t days_of(int year, int month, int day)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int last = year - 1;
	int days = last * 365 + last / 4 - last / 100 + last / 400 + before[month - 1] + day - 1;

	if (month > 2 && is_leap(year))
		days++;
	return days - 719162;
}

/* One or two digits before a slash. */
static bool read_small(const char **s, const char *end, int *n)
{
	size_t digits = count_digits(*s, end);

	if (digits < 1 || digits > 2 || *s + digits == end || (*s)[digits] != '/')
		return false;
	*n = (*s)[0] - '0';
	if (digits == 2)
		*n = *n * 10 + (*s)[1] - '0';
	*s += digits + 1;
	return true;
}

bool convert_date_mdy(const char *s, size_t len, int32_t *out)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const char *end = s + len;
	int year = 0, month, day;

	if (!read_small(&s, end, &month) || !read_small(&s, end, &day))
		return false;
	if (end - s != 4 || count_digits(s, end) != 4)
		return false;
	for (int i = 0; i < 4; i++)
		year = year * 10 + s[i] - '0';
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
		day > month_days[month - 1] + (month == 2 && is_leap(year)))
		return false;
	*out = days_of(year, month, day);
	return true;
}
