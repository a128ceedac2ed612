#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define MS_PER_DAY INT64_C(86400000)

/* --- the system's clock --- */

/* Written once by clock_interrupt() and never read empty: every poll on it returns at once from then on. */
static atomic_int wake_fd = -1;
static atomic_bool interrupted;
static pthread_once_t wake_once = PTHREAD_ONCE_INIT;

static void open_wake_fd(void)
{
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static int64_t read_clock(clockid_t id)
{
	struct timespec ts = {0};
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_now(unused_arg const struct clock *c)
{
	return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(unused_arg const struct clock *c)
{
	return read_clock(CLOCK_MONOTONIC);
}

static int system_sleep(unused_arg const struct clock *c, int64_t ms)
{
	pthread_once(&wake_once, open_wake_fd);
	int fd = wake_fd;
	int64_t end = read_clock(CLOCK_MONOTONIC) + ms;
	for (;;) {
		if (interrupted)
			return -1;
		int64_t left = end - read_clock(CLOCK_MONOTONIC);
		if (left <= 0)
			return 0;
		/* Without the descriptor the flag is looked at ten times a second. */
		int64_t most = fd < 0 ? 100 : 3600000;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		poll(&p, fd < 0 ? 0 : 1, (int)(left < most ? left : most));
	}
}

const struct clock *clock_system(void)
{
	static const struct clock system_clock = {system_now, system_mono, system_sleep, NULL};
	pthread_once(&wake_once, open_wake_fd);
	return &system_clock;
}

void clock_interrupt(void)
{
	int saved = errno, fd = wake_fd;
	uint64_t one = 1;
	interrupted = true;
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		errno = EAGAIN; /* full means that it is readable already */
	errno = saved;
}

bool clock_interrupted(void)
{
	return interrupted;
}

/* --- the calendar: days since 1970-01-01 and back, by eras of 400 years that start in March --- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	year += floor_div(month - 1, 12);
	month = month - 12 * floor_div(month - 1, 12);
	year -= month <= 2;
	int64_t era = floor_div(year, 400), of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void utc_from_ms(int64_t ms, struct utc *out)
{
	int64_t days = floor_div(ms, MS_PER_DAY), rest = ms - days * MS_PER_DAY;
	int64_t z = days + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t mp = (5 * of_year + 2) / 153;
	out->day = (int)(of_year - (153 * mp + 2) / 5 + 1);
	out->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	out->year = (int)(year + era * 400 + (out->month <= 2));
	out->hour = (int)(rest / 3600000);
	out->minute = (int)(rest / 60000 % 60);
	out->second = (int)(rest / 1000 % 60);
	out->ms = (int)(rest % 1000);
	out->weekday = (int)((days % 7 + 11) % 7);
}

int64_t utc_to_ms(const struct utc *u)
{
	int64_t days = days_from_civil(u->year, u->month, u->day);
	return days * MS_PER_DAY + (int64_t)u->hour * 3600000 + (int64_t)u->minute * 60000 +
	       (int64_t)u->second * 1000 + u->ms;
}

/* --- writing --- */

void clock_add_iso(struct strbuf *sb, int64_t ms, bool with_ms)
{
	struct utc u;
	utc_from_ms(ms, &u);
	strbuf_addf(sb, "%04d-%02d-%02dT%02d:%02d:%02d", u.year, u.month, u.day, u.hour, u.minute,
		u.second);
	if (with_ms)
		strbuf_addf(sb, ".%03d", u.ms);
	strbuf_addch(sb, 'Z');
}

void clock_add_amz(struct strbuf *sb, int64_t ms)
{
	struct utc u;
	utc_from_ms(ms, &u);
	strbuf_addf(sb, "%04d%02d%02dT%02d%02d%02dZ", u.year, u.month, u.day, u.hour, u.minute,
		u.second);
}

static const char day_names[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char month_names[][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void clock_add_http(struct strbuf *sb, int64_t ms)
{
	struct utc u;
	utc_from_ms(ms, &u);
	strbuf_addf(sb, "%s, %02d %s %04d %02d:%02d:%02d GMT", day_names[u.weekday], u.day,
		month_names[u.month - 1], u.year, u.hour, u.minute, u.second);
}

/* --- reading --- */

/* Exactly `count` digits at *p. */
static int read_digits(const char **p, int count, int *out)
{
	int n = 0;
	for (int i = 0; i < count; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		n = n * 10 + (**p - '0');
	}
	*out = n;
	return 0;
}

static int read_char(const char **p, char c)
{
	if (**p != c)
		return -1;
	(*p)++;
	return 0;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

/* A leap second (60) counts as the first of the next minute. */
static bool utc_valid(const struct utc *u)
{
	return u->month >= 1 && u->month <= 12 && u->day >= 1 &&
	       u->day <= days_in_month(u->year, u->month) && u->hour <= 23 && u->minute <= 59 &&
	       u->second <= 60;
}

static int read_hms(const char **p, struct utc *u)
{
	if (read_digits(p, 2, &u->hour) || read_char(p, ':') || read_digits(p, 2, &u->minute))
		return -1;
	if (**p != ':')
		return 0;
	(*p)++;
	return read_digits(p, 2, &u->second);
}

/* ".123456": as many digits as there are; what is below a millisecond is cut off. */
static int read_fraction(const char **p, struct utc *u)
{
	if (**p != '.' && **p != ',')
		return 0;
	(*p)++;
	if (**p < '0' || **p > '9')
		return -1;
	for (int scale = 100; **p >= '0' && **p <= '9'; scale /= 10, (*p)++)
		u->ms += (**p - '0') * scale;
	return 0;
}

/* Z, +hh:mm, +hhmm, +hh, or nothing, which is UTC. */
static int read_offset(const char **p, int *minutes)
{
	int sign = 1, hours = 0, rest = 0;
	*minutes = 0;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return 0;
	}
	if (**p != '+' && **p != '-')
		return 0;
	sign = **p == '-' ? -1 : 1;
	(*p)++;
	if (read_digits(p, 2, &hours))
		return -1;
	bool colon = **p == ':';
	if (colon)
		(*p)++;
	if ((colon || **p) && read_digits(p, 2, &rest))
		return -1;
	if (hours > 23 || rest > 59)
		return -1;
	*minutes = sign * (hours * 60 + rest);
	return 0;
}

static int parse_iso(const char *p, int64_t *ms)
{
	struct utc u = {0};
	int offset = 0;
	if (read_digits(&p, 4, &u.year) || read_char(&p, '-') || read_digits(&p, 2, &u.month) ||
		read_char(&p, '-') || read_digits(&p, 2, &u.day))
		return -1;
	if (*p == 'T' || *p == 't' || *p == ' ') {
		p++;
		if (read_hms(&p, &u) || read_fraction(&p, &u) || read_offset(&p, &offset))
			return -1;
	}
	if (*p || !utc_valid(&u))
		return -1;
	*ms = utc_to_ms(&u) - (int64_t)offset * 60000;
	return 0;
}

/* 20261121T092605Z */
static int parse_amz(const char *p, int64_t *ms)
{
	struct utc u = {0};
	if (read_digits(&p, 4, &u.year) || read_digits(&p, 2, &u.month) ||
		read_digits(&p, 2, &u.day) || read_char(&p, 'T') || read_digits(&p, 2, &u.hour) ||
		read_digits(&p, 2, &u.minute) || read_digits(&p, 2, &u.second) ||
		read_char(&p, 'Z') || *p || !utc_valid(&u))
		return -1;
	*ms = utc_to_ms(&u);
	return 0;
}

static int read_name(const char **p, const char (*names)[4], size_t nr, int *index)
{
	for (size_t i = 0; i < nr; i++) {
		if (!strncmp(*p, names[i], 3)) {
			*p += 3;
			*index = (int)i;
			return 0;
		}
	}
	return -1;
}

static int parse_http(const char *p, int64_t *ms)
{
	struct utc u = {0};
	if (read_name(&p, day_names, ARRAY_SIZE(day_names), &u.weekday) || read_char(&p, ',') ||
		read_char(&p, ' ') || read_digits(&p, 2, &u.day) || read_char(&p, ' ') ||
		read_name(&p, month_names, ARRAY_SIZE(month_names), &u.month) ||
		read_char(&p, ' ') || read_digits(&p, 4, &u.year) || read_char(&p, ' ') ||
		read_digits(&p, 2, &u.hour) || read_char(&p, ':') ||
		read_digits(&p, 2, &u.minute) || read_char(&p, ':') ||
		read_digits(&p, 2, &u.second) || strcmp(p, " GMT") != 0)
		return -1;
	u.month++;
	if (!utc_valid(&u))
		return -1;
	*ms = utc_to_ms(&u);
	return 0;
}

int clock_parse(const char *text, int64_t *ms)
{
	if (!parse_iso(text, ms) || !parse_amz(text, ms) || !parse_http(text, ms))
		return 0;
	return -1;
}
