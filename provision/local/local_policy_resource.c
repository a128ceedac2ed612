/* Resources, conditions' operators and dates of IAM policy documents: which of them IAM refuses. */
#include <ctype.h>
#include "local_cloud.h"
#include "local_policy_internal.h"
#include "strvec.h"
#include "xalloc.h"

#define malformed(err, ...) local_fault(err, 400, "MalformedPolicyDocument", __VA_ARGS__)
#define ARN_PARTS 6

/* --- operators --- */

static const char *const operators[] = {"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike",
	"BinaryEquals", "Bool", "DateEquals", "DateGreaterThan", "DateGreaterThanEquals",
	"DateLessThan", "DateLessThanEquals", "DateNotEquals", "IpAddress", "NotIpAddress", "Null",
	"NumericEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "NumericLessThan",
	"NumericLessThanEquals", "NumericNotEquals", "StringEquals", "StringEqualsIgnoreCase",
	"StringLike", "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike"};

/* Behind "ForAnyValue:" or "ForAllValues:". */
static const char *bare_operator(const char *name)
{
	static const char *const sets[] = {"ForAnyValue:", "ForAllValues:"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sets); i++)
		if (starts_with(name, sets[i]))
			return name + strlen(sets[i]);
	return name;
}

bool policy_operator_known(const char *name)
{
	const char *bare = bare_operator(name);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operators); i++) {
		size_t len = strlen(operators[i]);

		if (!strncmp(bare, operators[i], len) &&
			(!bare[len] || !strcmp(bare + len, "IfExists")))
			return true;
	}
	return false;
}

/* --- dates --- */

static bool digits(const char **s, size_t min, size_t max)
{
	size_t n = 0;

	while (isdigit((unsigned char)(*s)[n]) && n < max)
		n++;
	*s += n;
	return n >= min;
}

static bool take(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* "hh:mm:ss[.fraction]" and "Z", "+hh", "+hh:mm". */
static bool time_parses(const char **s)
{
	if (!digits(s, 1, 2) || !take(s, ':') || !digits(s, 2, 2))
		return false;
	if (take(s, ':') && (!digits(s, 2, 2) || (take(s, '.') && !digits(s, 1, 9))))
		return false;
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return true;
	}
	if (!take(s, '+') && !take(s, '-'))
		return !**s;
	return digits(s, 2, 2) && (!take(s, ':') || digits(s, 2, 2));
}

/* An ISO 8601 date or date and time, or seconds since 1970 in 64 bits. */
static bool date_parses(const char *s)
{
	const char *c = s + (*s == '-' || *s == '+');
	size_t len = strspn(c, "0123456789");

	if (strchr(s, '$')) /* a variable */
		return true;
	if (len && !c[len])
		return len < 19 || (len == 19 && strcmp(c, "9223372036854775807") <= 0);
	c = s;
	if (!digits(&c, 4, 9))
		return false;
	if (!take(&c, '-'))
		return !*c;
	if (!digits(&c, 2, 2))
		return false;
	if (take(&c, '-') && !digits(&c, 2, 2))
		return false;
	if (*c == 'T' || *c == 't' || *c == ' ') {
		c++;
		if (!time_parses(&c))
			return false;
	}
	return !*c;
}

static bool dates_of_key_parse(const struct json *values)
{
	struct json *v;

	if (json_is(values, JSON_ARRAY)) {
		json_each(v, values) if (!date_parses(json_scalar_text(v))) return false;
		return true;
	}
	return !json_scalar_text(values) || date_parses(json_scalar_text(values));
}

bool policy_dates_parse(const struct json *conditions)
{
	struct json *operator, * key;

	json_each(operator, conditions)
	{
		if (!starts_with(bare_operator(json_name(operator)), "Date"))
			continue;
		json_each(key, operator) if (!dates_of_key_parse(key)) return false;
	}
	return true;
}

/* --- resources --- */

struct arn {
	struct strvec parts; /* the last may hold colons */
	size_t given;
};

static void arn_split(const char *text, struct arn *a)
{
	const char *colon;

	while (a->parts.nr + 1 < ARN_PARTS && (colon = strchr(text, ':'))) {
		strvec_pushf(&a->parts, "%.*s", (int)(colon - text), text);
		text = colon + 1;
	}
	strvec_push(&a->parts, text);
	a->given = a->parts.nr;
	while (a->parts.nr < ARN_PARTS)
		strvec_push(&a->parts, "*");
}

static bool partition_known(const char *name)
{
	static const char *const known[] = {"*", "aws", "aws-cn", "aws-us-gov", "aws-iso",
		"aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(name, known[i]))
			return true;
	return false;
}

/* Four or five parts, or no service: false. What is no ARN at all, or in no partition, gets a message of its own later. */
static bool resource_parses(const char *text, bool *stop)
{
	struct arn a = {.parts = STRVEC_INIT};
	bool ok = true;

	arn_split(text, &a);
	if (a.given < 2 || !partition_known(a.parts.v[1]))
		*stop = true;
	else if (a.given > 3)
		ok = a.given == ARN_PARTS && *a.parts.v[2];
	strvec_release(&a.parts);
	return ok;
}

/* The i-th of a string or an array of strings; NULL behind the end. */
static const char *resource_at(const struct json *v, size_t i)
{
	if (json_is(v, JSON_ARRAY))
		return json_str(json_at(v, i));
	return i ? NULL : json_str(v);
}

bool policy_resources_parse(const struct json *resources)
{
	const char *text;
	bool stop = false;
	size_t i;

	for (i = 0; !stop && (text = resource_at(resources, i)); i++)
		if (strcmp(text, "*") != 0 && !resource_parses(text, &stop))
			return false;
	return true;
}

static int check_region(const char *text, const struct arn *a, struct err *err)
{
	static const char *const iam_paths[] = {"user/", "federated-user/", "role/", "group/",
		"instance-profile/", "mfa/", "server-certificate/", "policy/", "sms-mfa/",
		"saml-provider/", "oidc-provider/", "report/", "access-report/"};
	const char *service = a->parts.v[2], *region = a->parts.v[3], *path = a->parts.v[5];
	size_t i;

	if (!strcmp(service, "s3") && *region && strcmp(region, "*") != 0 &&
		!starts_with(path, "accesspoint"))
		return malformed(err, "Resource %s can not contain region information.", text);
	if (strcmp(service, "iam") != 0)
		return 0;
	if (*region)
		return malformed(err, "IAM resource %s cannot contain region information.", text);
	for (i = 0; i < ARRAY_SIZE(iam_paths); i++)
		if (starts_with(path, iam_paths[i]))
			return 0;
	if (!strcmp(path, "*"))
		return 0;
	return malformed(err,
		"IAM resource path must either be \"*\" or start with user/, federated-user/, "
		"role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, "
		"saml-provider/, oidc-provider/, report/, access-report/.");
}

static int check_resource(const char *text, struct err *err)
{
	struct arn a = {.parts = STRVEC_INIT};
	const char *const *p;
	int result;

	arn_split(text, &a);
	p = (const char *const *)a.parts.v;
	if (a.given < 2)
		result = malformed(err, "Resource %s must be in ARN format or \"*\".", text);
	else if (!partition_known(p[1]))
		result = malformed(err,
			"Partition \"%s\" is not valid for resource \"arn:%s:%s:%s:%s:%s\".", p[1],
			p[1], p[2], p[3], p[4], p[5]);
	else if (strcmp(p[0], "arn") != 0)
		result = malformed(err, "Resource %s must be in ARN format or \"*\".", text);
	else if (a.given < 3 || strpbrk(p[2], "*?"))
		result = malformed(
			err, "Resource vendor must be fully qualified and cannot contain regexes.");
	else
		result = check_region(text, &a, err);
	strvec_release(&a.parts);
	return result;
}

int policy_check_resources(const struct json *resources, bool identity, struct err *err)
{
	const char *text;
	size_t i;

	for (i = 0; (text = resource_at(resources, i)); i++) {
		if (!strcmp(text, "*"))
			continue;
		if (identity && check_resource(text, err))
			return -1;
		if (!identity && !starts_with(text, "arn:"))
			return malformed(err, "Resource %s must be in ARN format or \"*\".", text);
	}
	return 0;
}
