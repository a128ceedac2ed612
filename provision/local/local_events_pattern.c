#include "local_events_pattern.h"

#include <arpa/inet.h>
#include <strings.h>
#include "strbuf.h"
#include "xalloc.h"

#define PATTERN_MAX_BYTES 4096
#define PATTERN_MAX_DEPTH 50

/* --- the operators --- */

/* `*` over the whole text; a backslash takes the next byte as it is. */
static bool wildcard_match(const char *p, const char *s)
{
	const char *star = NULL, *again = NULL;

	while (*s) {
		const char *literal = *p == '\\' && p[1] ? p + 1 : p;

		if (literal == p && *p == '*') {
			star = ++p;
			again = s;
		} else if (*literal && *literal == *s) {
			p = literal + 1;
			s++;
		} else if (star) {
			p = star;
			s = ++again;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

static bool prefix_match(const char *prefix, const char *s, bool ignore_case)
{
	size_t len = strlen(prefix);

	return strlen(s) >= len && !(ignore_case ? strncasecmp : strncmp)(s, prefix, len);
}

static bool suffix_match(const char *suffix, const char *s, bool ignore_case)
{
	size_t len = strlen(suffix), whole = strlen(s);

	return whole >= len && !(ignore_case ? strcasecmp : strcmp)(s + whole - len, suffix);
}

/* "10.0.0.0/24" or "2001:db8::/32". */
static int cidr_parse(const char *text, unsigned char bytes[16], int *family, long long *bits)
{
	const char *slash = strchr(text, '/');
	char *host = slash ? xstrndup(text, (size_t)(slash - text)) : xstrdup(text);
	int ret = -1;

	*family = strchr(host, ':') ? AF_INET6 : AF_INET;
	*bits = *family == AF_INET ? 32 : 128;
	if (inet_pton(*family, host, bytes) == 1 &&
		(!slash || parse_int64(slash + 1, 0, *bits, bits) == 0))
		ret = 0;
	free(host);
	return ret;
}

static bool cidr_match(const char *cidr, const char *s)
{
	unsigned char net[16], host[16];
	int net_family, host_family;
	long long bits, unused;

	if (strchr(s, '/') || cidr_parse(cidr, net, &net_family, &bits) ||
		cidr_parse(s, host, &host_family, &unused) || net_family != host_family)
		return false;
	for (long long i = 0; i < bits; i++)
		if ((net[i / 8] ^ host[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool compare(const char *sign, double a, double b)
{
	if (!strcmp(sign, "="))
		return !(a < b) && !(a > b);
	if (!strcmp(sign, "<"))
		return a < b;
	if (!strcmp(sign, "<="))
		return a <= b;
	return !strcmp(sign, ">") ? a > b : a >= b;
}

static bool numeric_match(const struct json *tests, const struct json *value)
{
	for (size_t i = 0; i + 1 < json_len(tests); i += 2)
		if (!json_is(value, JSON_NUMBER) ||
			!compare(json_str(json_at(tests, i)), json_dbl(value, 0),
				json_dbl(json_at(tests, i + 1), 0)))
			return false;
	return json_is(value, JSON_NUMBER);
}

/* As written: 300 and 3.0e2 are two things, as with AWS. */
static bool equal_match(const struct json *rule, const struct json *value)
{
	const char *a = json_scalar_text(rule), *b = json_scalar_text(value);

	if (json_kind(rule) != json_kind(value))
		return false;
	return json_is(rule, JSON_NULL) || (a && b && !strcmp(a, b));
}

/* A text operator whose operand is a text, a list of texts, or {"equals-ignore-case": text}. */
static bool text_match(const char *name, const struct json *operand, const char *s)
{
	const struct json *e;
	const char *text = json_str(operand),
		   *ignoring = json_get_str(operand, "equals-ignore-case");

	if (json_is(operand, JSON_ARRAY)) {
		json_each(e, operand) if (text_match(name, e, s)) return true;
		return false;
	}
	if (!s || (!text && !ignoring))
		return false;
	if (!strcmp(name, "prefix"))
		return prefix_match(text ? text : ignoring, s, !text);
	if (!strcmp(name, "suffix"))
		return suffix_match(text ? text : ignoring, s, !text);
	if (!text)
		return false;
	if (!strcmp(name, "equals-ignore-case"))
		return strcasecmp(text, s) == 0;
	if (!strcmp(name, "wildcard"))
		return wildcard_match(text, s);
	return cidr_match(text, s);
}

/* What "anything-but" forbids. */
static bool forbidden(const struct json *operand, const struct json *value)
{
	const struct json *e = json_first(operand);

	if (json_is(operand, JSON_OBJECT))
		return text_match(json_name(e), e, json_str(value));
	if (!json_is(operand, JSON_ARRAY))
		return equal_match(operand, value);
	json_each(e, operand) if (equal_match(e, value)) return true;
	return false;
}

bool events_rule_match(const struct json *rule, const struct json *value)
{
	const struct json *operand = json_first(rule);
	const char *name;

	if (!json_is(rule, JSON_OBJECT))
		return value && equal_match(rule, value);
	name = json_name(operand);
	if (!strcmp(name, "exists"))
		return json_truth(operand, true) == (value != NULL);
	if (!value)
		return false;
	if (!strcmp(name, "anything-but"))
		return !forbidden(operand, value);
	if (!strcmp(name, "numeric"))
		return numeric_match(operand, value);
	return text_match(name, operand, json_str(value));
}

/* --- checking --- */

#define invalid(err, ...) err_set(err, ERR_INVALID, __VA_ARGS__)

static bool is_text_operator(const char *name)
{
	static const char *const names[] = {
		"prefix", "suffix", "equals-ignore-case", "wildcard", "cidr"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static int check_wildcard(const char *text, struct err *err)
{
	for (const char *p = text; *p; p++) {
		if (p[0] == '*' && p[1] == '*')
			return invalid(err, "Consecutive wildcard characters at pos %zu",
				(size_t)(p - text));
		if (*p == '\\' && *++p != '*' && *p != '\\')
			return invalid(
				err, "Invalid escape character at pos %zu", (size_t)(p - text) - 1);
	}
	return 0;
}

static int check_text(const char *name, const struct json *operand, bool lists, struct err *err)
{
	const struct json *e, *inner = json_first(operand);
	unsigned char bytes[16];
	long long bits;
	int family;

	if (lists && json_is(operand, JSON_ARRAY)) {
		if (!json_len(operand))
			return invalid(err, "Empty arrays are not allowed");
		json_each(e, operand) if (check_text(name, e, false, err)) return -1;
		return 0;
	}
	if (json_is(operand, JSON_OBJECT) && (!strcmp(name, "prefix") || !strcmp(name, "suffix")) &&
		json_len(operand) == 1 && !strcmp(json_name(inner), "equals-ignore-case") &&
		json_is(inner, JSON_STRING))
		return 0;
	if (!json_is(operand, JSON_STRING))
		return invalid(err, "%s match pattern must be a string", name);
	if (!strcmp(name, "wildcard"))
		return check_wildcard(json_str(operand), err);
	if (!strcmp(name, "cidr") && cidr_parse(json_str(operand), bytes, &family, &bits))
		return invalid(err, "Malformed CIDR, one '/' required");
	return 0;
}

static int check_numeric(const struct json *tests, struct err *err)
{
	static const char *const signs[] = {"=", "<", "<=", ">", ">="};
	size_t nr = json_len(tests), k;

	if (!json_is(tests, JSON_ARRAY) || nr == 0)
		return invalid(err, "Value of numeric must be an array.");
	for (size_t i = 0; i < nr; i += 2) {
		const char *sign = json_str(json_at(tests, i));

		for (k = 0; sign && k < ARRAY_SIZE(signs); k++)
			if (!strcmp(signs[k], sign))
				break;
		if (!sign || k == ARRAY_SIZE(signs))
			return invalid(err, "Unrecognized numeric range operator: %s",
				sign ? sign : "null");
		if (!json_is(json_at(tests, i + 1), JSON_NUMBER))
			return invalid(err, "Value of %s must be numeric", sign);
	}
	return nr > 4 ? invalid(err, "Too many elements in numeric expression") : 0;
}

static int check_but(const struct json *operand, struct err *err)
{
	const struct json *e = json_first(operand);
	enum json_kind kind = json_kind(json_is(operand, JSON_ARRAY) ? e : operand);

	if (json_is(operand, JSON_OBJECT)) {
		if (json_len(operand) != 1 || !is_text_operator(json_name(e)) ||
			!strcmp(json_name(e), "cidr"))
			return invalid(
				err, "Unsupported anything-but pattern: %s", e ? json_name(e) : "");
		return check_text(json_name(e), e, true, err);
	}
	if (kind != JSON_STRING && kind != JSON_NUMBER)
		return invalid(err,
			"Value of anything-but must be an array or single string/number value.");
	if (!json_is(operand, JSON_ARRAY))
		return 0;
	json_each(e, operand)
	{
		if (json_kind(e) != kind)
			return invalid(err, "Inside anything but list, either all values are "
					    "number or string, mixed type is not supported");
	}
	return 0;
}

int events_rule_check(const struct json *rule, struct err *err)
{
	const struct json *operand = json_first(rule);
	const char *name;

	if (json_is(rule, JSON_ARRAY))
		return invalid(err, "Array inside array is not allowed in pattern");
	if (!json_is(rule, JSON_OBJECT))
		return 0;
	if (json_len(rule) != 1)
		return invalid(err, "Only one key allowed in match expression");
	name = json_name(operand);
	if (!strcmp(name, "exists"))
		return json_is(operand, JSON_BOOL)
			       ? 0
			       : invalid(err, "exists match pattern must be either true or false.");
	if (!strcmp(name, "numeric"))
		return check_numeric(operand, err);
	if (!strcmp(name, "anything-but"))
		return check_but(operand, err);
	if (is_text_operator(name))
		return check_text(name, operand, false, err);
	return invalid(err, "Unrecognized match type %s", name);
}

static int check_object(const struct json *pattern, int depth, struct err *err)
{
	const struct json *m, *e;

	if (!json_len(pattern))
		return invalid(err, depth ? "Empty objects are not allowed"
					  : "Rule must contain at least one field");
	if (depth > PATTERN_MAX_DEPTH)
		return invalid(err, "The pattern is too deep");
	json_each(m, pattern)
	{
		bool either = !strcmp(json_name(m), "$or") && json_is(m, JSON_ARRAY) &&
			      json_is(json_first(m), JSON_OBJECT) && json_len(m) > 1;

		if (json_is(m, JSON_OBJECT)) {
			if (check_object(m, depth + 1, err))
				return -1;
			continue;
		}
		if (!json_is(m, JSON_ARRAY))
			return invalid(err, "\"%s\" must be an object or an array", json_name(m));
		if (!json_len(m))
			return invalid(err, "Empty arrays are not allowed");
		json_each(e, m)
		{
			if (either && !json_is(e, JSON_OBJECT))
				return invalid(err, "\"$or\" must be an array of objects");
			if (either ? check_object(e, depth + 1, err) : events_rule_check(e, err))
				return -1;
		}
	}
	return 0;
}

int events_pattern_check(const struct json *pattern, struct err *err)
{
	if (!json_is(pattern, JSON_OBJECT))
		return invalid(err, "Filter is not an object");
	return check_object(pattern, 0, err);
}

struct json *events_pattern_parse(const char *text, struct err *err)
{
	struct json *pattern;

	if (strlen(text) > PATTERN_MAX_BYTES) {
		invalid(err, "Event pattern is longer than %d characters", PATTERN_MAX_BYTES);
		return NULL;
	}
	pattern = json_parse(text, strlen(text), err);
	if (pattern && events_pattern_check(pattern, err) == 0)
		return pattern;
	json_free(pattern);
	return NULL;
}

/* --- matching --- */

static bool match_object(const struct json *pattern, const struct json *node);

/* Any of the rules with any of the values; an empty list is no value at all. */
static bool match_leaf(const struct json *rules, const struct json *value)
{
	const struct json *r, *v;

	/* an object is no leaf */
	if (json_is(value, JSON_OBJECT) || (json_is(value, JSON_ARRAY) && !json_len(value)))
		value = NULL;
	json_each(r, rules)
	{
		if (!json_is(value, JSON_ARRAY)) {
			if (events_rule_match(r, value))
				return true;
			continue;
		}
		json_each(v, value) if (events_rule_match(r, v)) return true;
	}
	return false;
}

static bool match_either(const struct json *choices, const struct json *node)
{
	const struct json *c;

	json_each(c, choices) if (match_object(c, node)) return true;
	return false;
}

static bool match_object(const struct json *pattern, const struct json *node)
{
	const struct json *m, *e;

	if (json_is(node, JSON_ARRAY)) {
		json_each(e, node) if (match_object(pattern, e)) return true;
		return false;
	}
	json_each(m, pattern)
	{
		const struct json *value = json_get(node, json_name(m));
		bool fits;

		if (!strcmp(json_name(m), "$or") && json_is(json_first(m), JSON_OBJECT) &&
			json_len(m) > 1)
			fits = match_either(m, node);
		else if (json_is(m, JSON_OBJECT))
			fits = match_object(m, value);
		else
			fits = match_leaf(m, value);
		if (!fits)
			return false;
	}
	return true;
}

bool events_pattern_match(const struct json *pattern, const struct json *event)
{
	return match_object(pattern, event);
}
