/*
 * isoparse() of dateutil, piece by piece as it reads: first YYYY[-MM[-DD]] or YYYYMMDD, then, where that does not read, weeks and days of
 * the year. Its pieces of two digits are read by int(), which takes blanks and signs too; what it takes is taken.
 */
#include <string.h>
#include "udf.h"
#include "udf_internal.h"

#define DAY_US INT64_C(86400000000)

struct text {
	const char *s;
	size_t len;
};

struct parts {
	int year, month, day;
	int time[4]; /* hour, minute, second, microsecond */
	int offset;  /* minutes east of UTC */
	bool has_offset;
};

static const char bad_date[] = "no date of ISO 8601", no_day[] = "no day of the calendar",
		  bad_time[] = "its time is none of ISO 8601", no_time[] = "no time of the clock",
		  bad_offset[] = "its offset is none",
		  out_of_range[] = "out of the years 1 to 9999";

/* int(text[at:at+count]): what stands beyond the end is not there. */
static bool read_int(const struct text *t, size_t at, size_t count, int *n)
{
	const char *s, *end;
	bool negative = false;

	if (at >= t->len)
		return false;
	if (count > t->len - at)
		count = t->len - at;
	s = t->s + at;
	end = s + count;
	while (s < end && udf_ascii_space(*s))
		s++;
	while (s < end && udf_ascii_space(end[-1]))
		end--;
	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	if (s == end)
		return false;
	*n = 0;
	for (const char *from = s; s < end; s++) {
		if (*s == '_' && s > from && s[-1] != '_' && s + 1 < end)
			continue;
		if (*s < '0' || *s > '9')
			return false;
		*n = *n * 10 + (*s - '0');
	}
	if (negative)
		*n = -*n;
	return true;
}

static bool has(const struct text *t, size_t at, char c)
{
	return at < t->len && t->s[at] == c;
}

/* --- the calendar --- */

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_before_month(int year, int month)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

	return before[month - 1] + (month > 2 && is_leap(year));
}

/* Days since 1970-01-01 of the first day of a year from 1 on. */
static int64_t days_of_year(int year)
{
	int64_t last = year - 1;

	return last * 365 + last / 4 - last / 100 + last / 400 - 719162;
}

static int64_t days_of(const struct parts *p)
{
	return days_of_year(p->year) + days_before_month(p->year, p->month) + p->day - 1;
}

static bool in_years(int64_t days)
{
	return days >= days_of_year(1) && days < days_of_year(10000);
}

/* A date of days since 1970, of the years 1 to 9999. */
static void set_days(struct parts *p, int64_t days)
{
	int at = 12;

	p->year = (int)((days + 719162) * 400 / 146097) + 1;
	while (days < days_of_year(p->year))
		p->year--;
	while (days >= days_of_year(p->year + 1))
		p->year++;
	days -= days_of_year(p->year);
	while (days < days_before_month(p->year, at))
		at--;
	p->month = at;
	p->day = (int)days - days_before_month(p->year, at) + 1;
}

/* --- dates --- */

static bool read_common(const struct text *t, struct parts *p, size_t *pos)
{
	bool separated;

	p->month = p->day = 1;
	if (t->len < 4 || !read_int(t, 0, 4, &p->year))
		return false;
	*pos = 4;
	if (t->len == 4)
		return true;
	separated = has(t, 4, '-');
	*pos += separated;
	if (t->len - *pos < 2 || !read_int(t, *pos, 2, &p->month))
		return false;
	*pos += 2;
	if (*pos >= t->len)
		return separated;
	if (separated && !has(t, (*pos)++, '-'))
		return false;
	if (*pos > t->len || t->len - *pos < 2 || !read_int(t, *pos, 2, &p->day))
		return false;
	*pos += 2;
	return true;
}

/* YYYY[-]Www[[-]D], behind the W. */
static const char *read_week(const struct text *t, struct parts *p, bool separated, size_t *pos)
{
	int week, day = 1;
	int64_t fourth, monday;

	if (!read_int(t, *pos, 2, &week))
		return bad_date;
	*pos += 2;
	if (t->len > *pos) {
		if (has(t, *pos, '-') != separated)
			return bad_date;
		*pos += separated;
		if (!read_int(t, *pos, 1, &day))
			return bad_date;
		(*pos)++;
	}
	if (week < 1 || week > 53 || day < 1 || day > 7)
		return no_day;
	if (p->year < 1 || p->year > 9999)
		return out_of_range;
	/* January 4th is in week 1; 1970-01-01 was a Thursday. */
	fourth = days_of_year(p->year) + 3;
	monday = fourth - (fourth + 719162 + 7) % 7;
	monday += (week - 1) * 7 + day - 1;
	if (!in_years(monday))
		return out_of_range;
	set_days(p, monday);
	return NULL;
}

static const char *read_uncommon(const struct text *t, struct parts *p, size_t *pos)
{
	bool separated = has(t, 4, '-');
	int day;

	if (t->len < 4 || !read_int(t, 0, 4, &p->year))
		return bad_date;
	*pos = 4 + separated;
	if (has(t, *pos, 'W')) {
		(*pos)++;
		return read_week(t, p, separated, pos);
	}
	if (t->len < *pos + 3 || !read_int(t, *pos, 3, &day))
		return bad_date;
	*pos += 3;
	if (p->year < 1 || p->year > 9999)
		return out_of_range;
	if (day < 1 || day > 365 + is_leap(p->year))
		return no_day;
	set_days(p, days_of_year(p->year) + day - 1);
	return NULL;
}

/* --- times --- */

static const char *read_offset(const struct text *t, size_t pos, struct parts *p)
{
	size_t len = t->len - pos;
	int hours, minutes = 0, sign;

	p->has_offset = true;
	p->offset = 0;
	if (len == 1 && (has(t, pos, 'Z') || has(t, pos, 'z')))
		return NULL;
	if ((len != 3 && len != 5 && len != 6) || (!has(t, pos, '-') && !has(t, pos, '+')))
		return bad_offset;
	sign = has(t, pos, '-') ? -1 : 1;
	if (!read_int(t, pos + 1, 2, &hours))
		return bad_offset;
	if (len > 3 && !read_int(t, pos + (has(t, pos + 3, ':') ? 4 : 3), len, &minutes))
		return bad_offset;
	if (minutes > 59 || hours > 23)
		return bad_offset;
	p->offset = sign * (hours * 60 + minutes);
	return NULL;
}

static bool is_offset(char c)
{
	return c == '-' || c == '+' || c == 'Z' || c == 'z';
}

/* [.,]digits, of which six count; what is none stays for what comes next. */
static void read_fraction(const struct text *t, size_t *pos, int *micros)
{
	size_t at = *pos + 1, digits = 0;

	if (!has(t, *pos, '.') && !has(t, *pos, ','))
		return;
	for (; at < t->len && t->s[at] >= '0' && t->s[at] <= '9'; at++, digits++)
		if (digits < 6)
			*micros = *micros * 10 + (t->s[at] - '0');
	for (size_t i = digits; digits && i < 6; i++)
		*micros *= 10;
	if (digits)
		*pos = at;
}

static const char *read_time(const struct text *t, size_t pos, struct parts *p)
{
	bool separated = false;

	if (t->len < pos + 2)
		return bad_time;
	for (int at = 0; pos < t->len && at <= 5; at++) {
		if (is_offset(t->s[pos])) {
			const char *why = read_offset(t, pos, p);

			if (why)
				return why;
			pos = t->len;
			break;
		}
		if (at == 1 && has(t, pos, ':')) {
			separated = true;
			pos++;
		} else if (at == 2 && separated && !has(t, pos++, ':')) {
			return bad_time;
		}
		if (at < 3) {
			if (!read_int(t, pos, 2, &p->time[at]))
				return bad_time;
			pos += 2;
		}
		if (at == 3)
			read_fraction(t, &pos, &p->time[3]);
	}
	if (pos < t->len)
		return bad_time;
	if (p->time[0] == 24 && (p->time[1] || p->time[2] || p->time[3]))
		return no_time;
	return NULL;
}

static const char *check(const struct parts *p)
{
	int last;

	if (p->year < 1 || p->year > 9999)
		return out_of_range;
	if (p->month < 1 || p->month > 12)
		return no_day;
	last = p->month == 12 ? 31
			      : days_before_month(p->year, p->month + 1) -
					days_before_month(p->year, p->month);
	if (p->day < 1 || p->day > last)
		return no_day;
	if (p->time[0] < 0 || p->time[0] > 24 || p->time[1] < 0 || p->time[1] > 59 ||
		p->time[2] < 0 || p->time[2] > 59)
		return no_time;
	return NULL;
}

/* NULL, or why not. *days and *micros of the date and time as written. */
static const char *parse(const char *s, size_t len, struct parts *p, int64_t *days, int64_t *micros)
{
	const struct text t = {s, len};
	const char *why = NULL;
	size_t pos = 0;

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return bad_date;
	if (!read_common(&t, p, &pos))
		why = read_uncommon(&t, p, &pos);
	if (!why && len > pos)
		why = read_time(&t, pos + 1, p);
	if (!why)
		why = check(p);
	if (why)
		return why;
	/* 24:00 is a day more and no hour. */
	*days = days_of(p) + p->time[0] / 24;
	if (!in_years(*days))
		return out_of_range;
	*micros = ((p->time[0] % 24 * 60 + p->time[1]) * INT64_C(60) + p->time[2]) * 1000000 +
		  p->time[3];
	return NULL;
}

enum udf_result udf_date(const char *s, size_t len, int32_t *days, const char **why)
{
	struct parts p;
	int64_t day, micros;
	const char *bad = parse(s, len, &p, &day, &micros);

	if (!bad) {
		*days = (int32_t)day;
		return UDF_OK;
	}
	if (udf_is_blank(s, len))
		return UDF_NULL;
	*why = bad;
	return UDF_BAD;
}

enum udf_result udf_timestamp(const char *s, size_t len, int64_t *out, const char **why)
{
	struct parts p;
	int64_t days, micros;
	const char *bad = parse(s, len, &p, &days, &micros);

	if (!bad) {
		*out = days * DAY_US + micros - p.offset * INT64_C(60000000);
		if (*out >= days_of_year(1) * DAY_US && *out < days_of_year(10000) * DAY_US)
			return UDF_OK;
		bad = out_of_range;
	}
	if (udf_is_blank(s, len))
		return UDF_NULL;
	*why = bad;
	return UDF_BAD;
}
