/*
 * Schedules as Glue and EventBridge write them ("Time-based schedules for jobs and crawlers", AWS Glue Developer
 * Guide): cron(minutes hours day-of-month month day-of-week year) in UTC, and rate(value unit).
 */
#include "local_workflow.h"

#include "clock.h"
#include "strbuf.h"
#include "strvec.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define YEAR_MIN 1970
#define YEAR_MAX 2199

struct cron {
	uint64_t minutes;
	uint32_t hours, days, months;  /* bit n = value n */
	uint32_t weekdays;             /* bit 1 = Sunday … bit 7 = Saturday */
	unsigned char nth[8];          /* by weekday: bit n = the n-th of the month; FRI#2 */
	unsigned char last_of_weekday; /* bit n = the last such weekday of the month; 6L */
	bool any_day, any_weekday;     /* '?' or '*' */
	bool last_day, last_workday;   /* L, LW */
	uint32_t near_workday;         /* bit n: the working day nearest to the n-th; 15W */
	bool years[YEAR_MAX - YEAR_MIN + 1];
};

static const char *const month_names[] = {
	"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", NULL};
static const char *const day_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL};

/* A number or one of the names (the first of which stands for 1). */
static int read_value(const char *text, const char *const *names, int min, int max, int *out)
{
	long long n;

	for (int i = 0; names && names[i]; i++) {
		if (iequals(text, names[i])) {
			*out = i + 1;
			return 0;
		}
	}
	if (parse_int64(text, min, max, &n) != 0)
		return -1;
	*out = (int)n;
	return 0;
}

typedef void set_fn(struct cron *c, int value);

/* One of the comma-separated parts: "*", "n", "a-b", each with "/step". */
static int read_range(
	char *part, const char *const *names, int min, int max, set_fn *set, struct cron *c)
{
	char *slash = strchr(part, '/'), *dash;
	int from, to, step = 1;

	if (slash) {
		*slash = '\0';
		if (read_value(slash + 1, NULL, 1, max - min + 1, &step) != 0)
			return -1;
	}
	dash = strchr(part, '-');
	if (strcmp(part, "*") == 0) {
		from = min;
		to = max;
	} else if (dash) {
		*dash = '\0';
		if (read_value(part, names, min, max, &from) != 0 ||
			read_value(dash + 1, names, min, max, &to) != 0 || from > to)
			return -1;
	} else {
		if (read_value(part, names, min, max, &from) != 0)
			return -1;
		to = slash ? max : from;
	}
	for (int v = from; v <= to; v += step)
		set(c, v);
	return 0;
}

static void set_minute(struct cron *c, int v)
{
	c->minutes |= UINT64_C(1) << v;
}

static void set_hour(struct cron *c, int v)
{
	c->hours |= 1u << v;
}

static void set_day(struct cron *c, int v)
{
	c->days |= 1u << v;
}

static void set_month(struct cron *c, int v)
{
	c->months |= 1u << v;
}

static void set_weekday(struct cron *c, int v)
{
	c->weekdays |= 1u << v;
}

static void set_year(struct cron *c, int v)
{
	c->years[v - YEAR_MIN] = true;
}

/* L, LW and 15W; 1 when it was one of them. */
static int special_day(char *part, struct cron *c)
{
	size_t len = strlen(part);
	long long n;

	if (iequals(part, "L")) {
		c->last_day = true;
		return 1;
	}
	if (iequals(part, "LW")) {
		c->last_workday = true;
		return 1;
	}
	if (len < 2 || (part[len - 1] != 'W' && part[len - 1] != 'w'))
		return 0;
	part[len - 1] = '\0';
	if (parse_int64(part, 1, 31, &n) != 0)
		return -1;
	c->near_workday |= 1u << n;
	return 1;
}

/* L (Saturday), 6L, FRI#2; 1 when it was one of them. */
static int special_weekday(char *part, struct cron *c)
{
	char *hash = strchr(part, '#');
	size_t len = strlen(part);
	int day, nth;

	if (iequals(part, "L")) {
		set_weekday(c, 7);
		return 1;
	}
	if (hash) {
		*hash = '\0';
		if (read_value(part, day_names, 1, 7, &day) != 0 ||
			read_value(hash + 1, NULL, 1, 5, &nth) != 0)
			return -1;
		c->nth[day] |= (unsigned char)(1u << nth);
		return 1;
	}
	if (len < 2 || (part[len - 1] != 'L' && part[len - 1] != 'l'))
		return 0;
	part[len - 1] = '\0';
	if (read_value(part, day_names, 1, 7, &day) != 0)
		return -1;
	c->last_of_weekday |= (unsigned char)(1u << day);
	return 1;
}

struct cron_field {
	const char *name;
	const char *const *names;
	int min, max;
	set_fn *set;
	int (*special)(char *part, struct cron *c);
};

static const struct cron_field cron_fields[] = {
	{"minutes", NULL, 0, 59, set_minute, NULL},
	{"hours", NULL, 0, 23, set_hour, NULL},
	{"day-of-month", NULL, 1, 31, set_day, special_day},
	{"month", month_names, 1, 12, set_month, NULL},
	{"day-of-week", day_names, 1, 7, set_weekday, special_weekday},
	{"year", NULL, YEAR_MIN, YEAR_MAX, set_year, NULL},
};

static int read_field(const struct cron_field *f, const char *text, struct cron *c, struct err *err)
{
	struct strvec parts = STRVEC_INIT;
	int ret = -1;

	strvec_split(&parts, text, ',');
	for (size_t i = 0; i < parts.nr; i++) {
		int special = f->special ? f->special(parts.v[i], c) : 0;

		if (special < 0 || (special == 0 && read_range(parts.v[i], f->names, f->min, f->max,
							    f->set, c) != 0)) {
			err_set(err, ERR_INVALID, "'%s' is no valid %s field", text, f->name);
			goto out;
		}
	}
	ret = 0;
out:
	strvec_release(&parts);
	return ret;
}

static int read_cron(const char *inner, struct cron *c, struct err *err)
{
	struct strvec all = STRVEC_INIT, words = STRVEC_INIT;
	int ret = -1;

	strvec_split(&all, inner, ' ');
	for (size_t i = 0; i < all.nr; i++) {
		if (*all.v[i])
			strvec_push(&words, all.v[i]);
	}
	if (words.nr != ARRAY_SIZE(cron_fields)) {
		err_set(err, ERR_INVALID, "a cron schedule has six fields, not %zu", words.nr);
		goto out;
	}
	c->any_day = strcmp(words.v[2], "?") == 0;
	c->any_weekday = strcmp(words.v[4], "?") == 0;
	if (c->any_day == c->any_weekday) {
		err_set(err, ERR_INVALID,
			"one of day-of-month and day-of-week must be '?', the other not");
		goto out;
	}
	for (size_t i = 0; i < words.nr; i++) {
		if ((i == 2 && c->any_day) || (i == 4 && c->any_weekday))
			continue;
		if (read_field(&cron_fields[i], words.v[i], c, err) != 0)
			goto out;
	}
	ret = 0;
out:
	strvec_release(&all);
	strvec_release(&words);
	return ret;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* The weekday (1 = Sunday) of another day in the same month. */
static int weekday_of(const struct utc *u, int day)
{
	return ((u->weekday + day - u->day) % 7 + 7) % 7 + 1;
}

/* The working day nearest to `day` without leaving the month. */
static int nearest_workday(const struct utc *u, int day, int last)
{
	int weekday;

	if (day > last)
		return -1;
	weekday = weekday_of(u, day);
	if (weekday == 7)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 1)
		return day < last ? day + 1 : day - 2;
	return day;
}

static bool day_matches(const struct cron *c, const struct utc *u)
{
	int last = days_in_month(u->year, u->month), weekday = u->weekday + 1;

	if (u->year < YEAR_MIN || u->year > YEAR_MAX || !c->years[u->year - YEAR_MIN] ||
		!(c->months >> u->month & 1))
		return false;
	if (c->any_day)
		return (c->weekdays >> weekday & 1) ||
		       (c->nth[weekday] >> ((u->day - 1) / 7 + 1) & 1) ||
		       ((c->last_of_weekday >> weekday & 1) && u->day + 7 > last);
	if ((c->days >> u->day & 1) || (c->last_day && u->day == last) ||
		(c->last_workday && u->day == nearest_workday(u, last, last)))
		return true;
	for (int day = 1; day <= 31; day++) {
		if ((c->near_workday >> day & 1) && u->day == nearest_workday(u, day, last))
			return true;
	}
	return false;
}

static int next_cron(const struct cron *c, int64_t after_ms, int64_t *next_ms, struct err *err)
{
	int64_t t = (after_ms / MINUTE_MS + 1) * MINUTE_MS;
	struct utc u;

	for (;;) {
		utc_from_ms(t, &u);
		if (u.year > YEAR_MAX)
			return err_set(err, ERR_INVALID, "the schedule has no time to come");
		if (!c->years[u.year - YEAR_MIN]) {
			struct utc first = {.year = u.year + 1, .month = 1, .day = 1};

			t = utc_to_ms(&first);
			continue;
		}
		if (!day_matches(c, &u)) {
			t = (t / DAY_MS + 1) * DAY_MS;
			continue;
		}
		if ((c->hours >> u.hour & 1) && (c->minutes >> u.minute & 1)) {
			*next_ms = t;
			return 0;
		}
		t += MINUTE_MS;
	}
}

static int next_rate(const char *inner, int64_t after_ms, int64_t *next_ms, struct err *err)
{
	static const struct {
		const char *one, *many;
		int64_t ms;
	} units[] = {
		{"minute", "minutes", MINUTE_MS},
		{"hour", "hours", 60 * MINUTE_MS},
		{"day", "days", DAY_MS},
	};
	char *copy = xstrdup(inner), *blank = strchr(copy, ' ');
	long long n;
	int ret = -1;

	if (blank)
		*blank++ = '\0';
	for (size_t i = 0; blank && i < ARRAY_SIZE(units); i++) {
		if (parse_int64(copy, 1, 1000000, &n) != 0 ||
			strcmp(blank, n == 1 ? units[i].one : units[i].many) != 0)
			continue;
		*next_ms = after_ms + n * units[i].ms;
		ret = 0;
	}
	if (ret != 0)
		err_set(err, ERR_INVALID, "'rate(%s)' is no valid rate", inner);
	free(copy);
	return ret;
}

int local_schedule_next(const char *expression, int64_t after_ms, int64_t *next_ms, struct err *err)
{
	bool rate = starts_with(expression, "rate(");
	size_t len = strlen(expression);
	struct cron *c;
	char *inner;
	int ret;

	if ((!rate && !starts_with(expression, "cron(")) || expression[len - 1] != ')')
		return err_set(err, ERR_INVALID, "'%s' is neither cron(…) nor rate(…)", expression);
	inner = xstrndup(expression + 5, len - 6);
	if (rate) {
		ret = next_rate(inner, after_ms, next_ms, err);
	} else {
		c = xcalloc(1, sizeof(*c));
		ret = read_cron(inner, c, err);
		if (ret == 0)
			ret = next_cron(c, after_ms < 0 ? 0 : after_ms, next_ms, err);
		free(c);
	}
	free(inner);
	return ret;
}
