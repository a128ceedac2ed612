/*
 * Condition blocks: {OPERATOR: {KEY: VALUES}}. All operators and all keys must hold; of several values one is
 * enough (none may hold for the negated operators). OPERATOR is [ForAllValues:|ForAnyValue:]NAME[IfExists].
 */
#include <arpa/inet.h>
#include <string.h>
#include "clock.h"
#include "policy_internal.h"
#include "xalloc.h"

enum how { EQUAL, EQUAL_NOCASE, LIKE, NUMBER, DATE, BOOLEAN, ADDRESS, ARN };
enum order { EQ, LT, LE, GT, GE };

struct cond_operator {
	const char *name;
	enum how how;
	bool negated;
	enum order order;
};

static const struct cond_operator operators[] = {
	{"ArnEquals", ARN, false, EQ},
	{"ArnLike", ARN, false, EQ},
	{"ArnNotEquals", ARN, true, EQ},
	{"ArnNotLike", ARN, true, EQ},
	{"BinaryEquals", EQUAL, false, EQ},
	{"Bool", BOOLEAN, false, EQ},
	{"DateEquals", DATE, false, EQ},
	{"DateGreaterThan", DATE, false, GT},
	{"DateGreaterThanEquals", DATE, false, GE},
	{"DateLessThan", DATE, false, LT},
	{"DateLessThanEquals", DATE, false, LE},
	{"DateNotEquals", DATE, true, EQ},
	{"IpAddress", ADDRESS, false, EQ},
	{"NotIpAddress", ADDRESS, true, EQ},
	{"NumericEquals", NUMBER, false, EQ},
	{"NumericGreaterThan", NUMBER, false, GT},
	{"NumericGreaterThanEquals", NUMBER, false, GE},
	{"NumericLessThan", NUMBER, false, LT},
	{"NumericLessThanEquals", NUMBER, false, LE},
	{"NumericNotEquals", NUMBER, true, EQ},
	{"StringEquals", EQUAL, false, EQ},
	{"StringEqualsIgnoreCase", EQUAL_NOCASE, false, EQ},
	{"StringLike", LIKE, false, EQ},
	{"StringNotEquals", EQUAL, true, EQ},
	{"StringNotEqualsIgnoreCase", EQUAL_NOCASE, true, EQ},
	{"StringNotLike", LIKE, true, EQ},
};

/* --- single values --- */

static bool in_order(enum order order, double a, double b)
{
	switch (order) {
	case EQ:
		return !(a < b) && !(a > b);
	case LT:
		return a < b;
	case LE:
		return a <= b;
	case GT:
		return a > b;
	case GE:
		return a >= b;
	}
	return false;
}

static bool number_of(const char *s, double *out)
{
	char *end;

	*out = strtod(s, &end);
	return end != s && !*end;
}

static bool date_of(const char *s, double *out)
{
	int64_t ms;

	if (number_of(s, out)) {
		*out *= 1000;
		return true;
	}
	if (clock_parse(s, &ms))
		return false;
	*out = (double)ms;
	return true;
}

static bool in_network(const char *network, const char *address)
{
	unsigned char net[16], addr[16];
	char text[64];
	const char *slash = strchr(network, '/');
	size_t len = slash ? (size_t)(slash - network) : strlen(network);
	int family = strchr(network, ':') ? AF_INET6 : AF_INET, i;
	long long bits = family == AF_INET ? 32 : 128;

	if (len >= sizeof(text) || (slash && parse_int64(slash + 1, 0, bits, &bits)))
		return false;
	memcpy(text, network, len);
	text[len] = '\0';
	if (inet_pton(family, text, net) != 1 || inet_pton(family, address, addr) != 1)
		return false;
	for (i = 0; bits > 0; i++, bits -= 8) {
		unsigned mask = bits >= 8 ? 0xff : 0xff00u >> bits & 0xff;

		if ((net[i] & mask) != (addr[i] & mask))
			return false;
	}
	return true;
}

static bool holds(const struct cond_operator *op, const char *wanted, const char *actual)
{
	double a, b;

	switch (op->how) {
	case EQUAL:
		return !strcmp(wanted, actual);
	case EQUAL_NOCASE:
	case BOOLEAN:
		return iequals(wanted, actual);
	case LIKE:
	case ARN:
		return policy_match(wanted, actual, false);
	case NUMBER:
		return number_of(actual, &a) && number_of(wanted, &b) && in_order(op->order, a, b);
	case DATE:
		return date_of(actual, &a) && date_of(wanted, &b) && in_order(op->order, a, b);
	case ADDRESS:
		return in_network(wanted, actual);
	}
	return false;
}

static const char *value_at(const struct json *v, size_t i)
{
	if (json_is(v, JSON_ARRAY))
		return json_scalar_text(json_at(v, i));
	return i ? NULL : json_scalar_text(v);
}

/* Does one of the wanted values fit? For negated operators: does none of them? */
static bool fits(const struct cond_operator *op, const struct json *wanted, const char *actual,
	const struct json *context)
{
	const char *w;
	size_t i;

	for (i = 0; (w = value_at(wanted, i)); i++) {
		struct strbuf full = STRBUF_INIT;
		bool hit = policy_expand(w, context, &full) && holds(op, full.buf, actual);

		strbuf_release(&full);
		if (hit)
			return !op->negated;
	}
	return op->negated;
}

/* --- one key --- */

/* Condition keys are not case-sensitive. */
static const struct json *context_get(const struct json *context, const char *key)
{
	struct json *e;

	json_each(e, context) if (iequals(json_name(e), key)) return e;
	return NULL;
}

struct mode {
	const struct cond_operator *op;
	bool for_all, for_any, if_exists;
};

static bool key_holds(const struct mode *m, const struct json *wanted, const char *key,
	const struct json *context)
{
	const struct json *actual = context_get(context, key);
	const char *a;
	size_t i;

	if (!actual || (json_is(actual, JSON_ARRAY) && !json_len(actual)))
		return m->if_exists || m->for_all || (m->op->negated && !m->for_any);
	for (i = 0; (a = value_at(actual, i)); i++) {
		bool fit = fits(m->op, wanted, a, context);

		if (fit && !m->for_all)
			return true;
		if (!fit && m->for_all)
			return false;
	}
	return m->for_all;
}

static bool null_holds(const struct json *wanted, const char *key, const struct json *context)
{
	return (context_get(context, key) == NULL) == json_truth(wanted, false);
}

/* --- blocks --- */

static bool read_operator(const char *text, struct mode *m)
{
	char *name;
	size_t i;

	*m = (struct mode){0};
	if (starts_with(text, "ForAllValues:"))
		m->for_all = true;
	else if (starts_with(text, "ForAnyValue:"))
		m->for_any = true;
	name = xstrdup(m->for_all || m->for_any ? strchr(text, ':') + 1 : text);
	if (ends_with(name, "IfExists")) {
		m->if_exists = true;
		name[strlen(name) - strlen("IfExists")] = '\0';
	}
	for (i = 0; i < ARRAY_SIZE(operators); i++)
		if (iequals(operators[i].name, name))
			m->op = &operators[i];
	free(name);
	return m->op != NULL;
}

enum policy_truth policy_conditions(const struct json *block, const struct json *context)
{
	enum policy_truth result = POLICY_TRUE;
	struct json *line, *key;

	json_each(line, block)
	{
		bool is_null = iequals(json_name(line), "Null");
		struct mode m = {0};

		if (!is_null && !read_operator(json_name(line), &m)) {
			result = POLICY_UNKNOWN;
			continue;
		}
		json_each(key, line)
		{
			bool hold = is_null ? null_holds(key, json_name(key), context)
					    : key_holds(&m, key, json_name(key), context);

			if (!hold)
				return POLICY_FALSE;
		}
	}
	return result;
}

bool policy_expand(const char *text, const struct json *context, struct strbuf *out)
{
	const char *open, *close, *value;

	while ((open = strstr(text, "${")) && (close = strchr(open, '}'))) {
		char *name = xstrndup(open + 2, (size_t)(close - open - 2));

		strbuf_add(out, text, (size_t)(open - text));
		/* ${*}, ${?} and ${$} are the characters themselves; '?' is near enough to them in a pattern */
		if (!strcmp(name, "*") || !strcmp(name, "?") || !strcmp(name, "$"))
			value = !strcmp(name, "$") ? "$" : "?";
		else
			value = value_at(context_get(context, name), 0);
		if (value)
			strbuf_addstr(out, value);
		free(name);
		if (!value)
			return false;
		text = close + 1;
	}
	strbuf_addstr(out, text);
	return true;
}
