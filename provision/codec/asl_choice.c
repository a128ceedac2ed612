/* Choice rules: a table of comparators over one value, and And, Or, Not over rules. */
#include "asl_internal.h"

#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "strbuf.h"

enum relation { EQ, LT, LE, GT, GE, MATCHES };
enum test { IS_BOOLEAN, IS_NULL, IS_NUMERIC, IS_PRESENT, IS_STRING, IS_TIMESTAMP };

struct comparator {
	struct asl_comparator public;
	int what; /* a relation, or a test for ASL_OP_TEST */
};

#define COMPARE(name, operand, relation)         \
	{                                        \
		{name, operand, false}, relation \
	}
#define COMPARE_PATH(name, operand, relation)          \
	{                                              \
		{name "Path", operand, true}, relation \
	}
#define BOTH(name, operand, relation) \
	COMPARE(name, operand, relation), COMPARE_PATH(name, operand, relation)

/* Sorted by name. */
static const struct comparator comparators[] = {
	BOTH("BooleanEquals", ASL_OP_BOOLEAN, EQ),
	COMPARE("IsBoolean", ASL_OP_TEST, IS_BOOLEAN),
	COMPARE("IsNull", ASL_OP_TEST, IS_NULL),
	COMPARE("IsNumeric", ASL_OP_TEST, IS_NUMERIC),
	COMPARE("IsPresent", ASL_OP_TEST, IS_PRESENT),
	COMPARE("IsString", ASL_OP_TEST, IS_STRING),
	COMPARE("IsTimestamp", ASL_OP_TEST, IS_TIMESTAMP),
	BOTH("NumericEquals", ASL_OP_NUMBER, EQ),
	COMPARE("NumericGreaterThan", ASL_OP_NUMBER, GT),
	BOTH("NumericGreaterThanEquals", ASL_OP_NUMBER, GE),
	COMPARE_PATH("NumericGreaterThan", ASL_OP_NUMBER, GT),
	COMPARE("NumericLessThan", ASL_OP_NUMBER, LT),
	BOTH("NumericLessThanEquals", ASL_OP_NUMBER, LE),
	COMPARE_PATH("NumericLessThan", ASL_OP_NUMBER, LT),
	BOTH("StringEquals", ASL_OP_STRING, EQ),
	COMPARE("StringGreaterThan", ASL_OP_STRING, GT),
	BOTH("StringGreaterThanEquals", ASL_OP_STRING, GE),
	COMPARE_PATH("StringGreaterThan", ASL_OP_STRING, GT),
	COMPARE("StringLessThan", ASL_OP_STRING, LT),
	BOTH("StringLessThanEquals", ASL_OP_STRING, LE),
	COMPARE_PATH("StringLessThan", ASL_OP_STRING, LT),
	COMPARE("StringMatches", ASL_OP_STRING, MATCHES),
	BOTH("TimestampEquals", ASL_OP_TIMESTAMP, EQ),
	COMPARE("TimestampGreaterThan", ASL_OP_TIMESTAMP, GT),
	BOTH("TimestampGreaterThanEquals", ASL_OP_TIMESTAMP, GE),
	COMPARE_PATH("TimestampGreaterThan", ASL_OP_TIMESTAMP, GT),
	COMPARE("TimestampLessThan", ASL_OP_TIMESTAMP, LT),
	BOTH("TimestampLessThanEquals", ASL_OP_TIMESTAMP, LE),
	COMPARE_PATH("TimestampLessThan", ASL_OP_TIMESTAMP, LT),
};

static int by_name(const void *key, const void *element)
{
	return strcmp(key, ((const struct comparator *)element)->public.name);
}

static const struct comparator *find(const char *name)
{
	return bsearch(name, comparators, ARRAY_SIZE(comparators), sizeof(*comparators), by_name);
}

const struct asl_comparator *asl_comparator(const char *name)
{
	const struct comparator *c = find(name);

	return c ? &c->public : NULL;
}

const char *asl_comparators(void)
{
	return "And, Or, Not, BooleanEquals, IsBoolean, IsNull, IsNumeric, IsPresent, IsString, "
	       "IsTimestamp, NumericEquals, NumericGreaterThan, NumericGreaterThanEquals, "
	       "NumericLessThan, NumericLessThanEquals, StringEquals, StringGreaterThan, "
	       "StringGreaterThanEquals, StringLessThan, StringLessThanEquals, StringMatches, "
	       "TimestampEquals, TimestampGreaterThan, TimestampGreaterThanEquals, "
	       "TimestampLessThan, TimestampLessThanEquals, and their Path forms";
}

int asl_timestamp(const char *text, int64_t *ms)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	const char *p = text;

	for (size_t i = 0; shape[i]; i++, p++) {
		if (shape[i] == 'd' ? *p < '0' || *p > '9' : *p != shape[i])
			return -1;
	}
	if (*p == '.') {
		size_t digits = strspn(++p, "0123456789");

		if (!digits)
			return -1;
		p += digits;
	}
	if (!(p[0] == 'Z' && !p[1]) && ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':'))
		return -1;
	return clock_parse(text, ms);
}

/* `*` stands for any bytes, \* for itself. */
static bool matches(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
			continue;
		}
		if (!*text && !*pattern)
			return true;
		if (*pattern && *text) {
			size_t skip = *pattern == '\\' && pattern[1];

			if (pattern[skip] == *text) {
				pattern += skip + 1;
				text++;
				continue;
			}
		}
		if (!star || !*from)
			return false;
		pattern = star;
		text = ++from;
	}
}

static int related(int relation, int order)
{
	switch (relation) {
	case EQ:
		return order == 0;
	case LT:
		return order < 0;
	case LE:
		return order <= 0;
	case GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static int compare(const struct comparator *c, const struct json *v, const struct json *with)
{
	const char *a = json_str(v), *b = json_str(with);
	double x = json_dbl(v, 0), y = json_dbl(with, 0);
	int64_t s, t;

	switch (c->public.operand) {
	case ASL_OP_BOOLEAN:
		return json_is(v, JSON_BOOL) && json_is(with, JSON_BOOL) &&
		       json_truth(v, false) == json_truth(with, false);
	case ASL_OP_NUMBER:
		return json_is(v, JSON_NUMBER) && json_is(with, JSON_NUMBER) &&
		       related(c->what, (x > y) - (x < y));
	case ASL_OP_STRING:
		if (!a || !b)
			return 0;
		return c->what == MATCHES ? matches(b, a) : related(c->what, strcmp(a, b));
	case ASL_OP_TIMESTAMP:
		if (!a || !b || asl_timestamp(a, &s) != 0 || asl_timestamp(b, &t) != 0)
			return 0;
		return related(c->what, (s > t) - (s < t));
	case ASL_OP_TEST:
		break;
	}
	return 0;
}

static bool is(int test, const struct json *v)
{
	int64_t ms;

	switch (test) {
	case IS_BOOLEAN:
		return json_is(v, JSON_BOOL);
	case IS_NULL:
		return v && json_is(v, JSON_NULL);
	case IS_NUMERIC:
		return json_is(v, JSON_NUMBER);
	case IS_PRESENT:
		return v != NULL;
	case IS_STRING:
		return json_is(v, JSON_STRING);
	default:
		return json_is(v, JSON_STRING) && asl_timestamp(json_str(v), &ms) == 0;
	}
}

static struct json *value_at(const char *path, struct asl_scope *s, struct err *err)
{
	struct json *v = asl_path_get(path ? path : "", s, NULL);

	if (!v)
		asl_fail(err, ASL_RUNTIME,
			"Invalid path '%s': The choice state's condition path references an "
			"invalid "
			"value.",
			path ? path : "");
	return v;
}

static int test_rule(const struct comparator *c, const struct json *rule, const struct json *want,
	struct asl_scope *s, struct err *err)
{
	const char *path = json_get_str(rule, "Variable");
	struct json *v, *with = NULL;
	int rc;

	if (c->public.operand == ASL_OP_TEST && c->what == IS_PRESENT) {
		v = asl_path_get(path ? path : "", s, NULL);
		rc = is(IS_PRESENT, v) == json_truth(want, false);
		json_free(v);
		return rc;
	}
	v = value_at(path, s, err);
	if (v && c->public.path)
		with = value_at(json_str(want), s, err);
	if (!v || (c->public.path && !with))
		rc = -1;
	else if (c->public.operand == ASL_OP_TEST)
		rc = is(c->what, v) == json_truth(want, false);
	else
		rc = compare(c, v, with ? with : want);
	json_free(v);
	json_free(with);
	return rc;
}

/* And, Or: the first rule that decides does; the others are not looked at. */
static int several(const struct json *rules, int decides, struct asl_scope *s, struct err *err)
{
	const struct json *e;
	int rc;

	json_each(e, rules)
	{
		rc = asl_choice(e, s, err);
		if (rc < 0 || rc == decides)
			return rc;
	}
	return !decides;
}

int asl_choice(const struct json *rule, struct asl_scope *s, struct err *err)
{
	const struct comparator *c;
	const struct json *e;
	int rc;

	json_each(e, rule)
	{
		if (!strcmp(json_name(e), "And"))
			return several(e, 0, s, err);
		if (!strcmp(json_name(e), "Or"))
			return several(e, 1, s, err);
		if (!strcmp(json_name(e), "Not")) {
			rc = asl_choice(e, s, err);
			return rc < 0 ? rc : !rc;
		}
		c = find(json_name(e));
		if (c)
			return test_rule(c, rule, e, s, err);
	}
	return 0;
}
