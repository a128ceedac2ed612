#include "types_internal.h"

#include <ctype.h>
#include "strbuf.h"
#include "strvec.h"

const struct attribute no_attributes[] = {{0}};

bool glue_name_ok(const char *name)
{
	size_t len = strlen(name);
	if (!len || len > 255)
		return false;
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
			return false;
	return true;
}

bool iam_name_ok(const char *name)
{
	size_t len = strlen(name);
	if (!len || len > 128)
		return false;
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (!(*p < 0x80 && (isalnum(*p) || strchr("_+=,.@-", *p))))
			return false;
	return true;
}

bool athena_name_ok(const char *name)
{
	size_t len = strlen(name);
	if (!len || len > 128)
		return false;
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (!(*p < 0x80 && (isalnum(*p) || strchr("._-", *p))))
			return false;
	return true;
}

static bool looks_like_ip(const char *s)
{
	size_t dots = 0;
	for (; *s; s++) {
		if (*s == '.')
			dots++;
		else if (!isdigit((unsigned char)*s))
			return false;
	}
	return dots == 3;
}

/* "General purpose bucket naming rules" of the S3 user guide. */
bool bucket_name_ok(const char *name)
{
	static const char *const bad_starts[] = {"xn--", "sthree-", "amzn-s3-demo-"};
	static const char *const bad_ends[] = {
		"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"};
	size_t len = strlen(name);
	if (len < 3 || len > 63 || looks_like_ip(name) || strstr(name, ".."))
		return false;
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (!(islower(*p) || isdigit(*p) || *p == '.' || *p == '-') || *p >= 0x80)
			return false;
	if (!isalnum((unsigned char)name[0]) || !isalnum((unsigned char)name[len - 1]))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(bad_starts); i++)
		if (starts_with(name, bad_starts[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(bad_ends); i++)
		if (ends_with(name, bad_ends[i]))
			return false;
	return true;
}

const char *known_str(const struct json *v, const char *path)
{
	return json_scalar_text(json_path(v, path));
}

bool is_given(const struct json *v, const char *path)
{
	return json_path(v, path) != NULL;
}

bool is_missing(const struct json *v, const char *path)
{
	return json_is(v, JSON_OBJECT) && !json_is_unknown(v) && !json_path(v, path);
}

static bool cron_field_ok(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("*?,-/#", *s))
			return false;
	return true;
}

const char *cron_problem(const char *expression)
{
	struct strvec words = STRVEC_INIT, fields = STRVEC_INIT;
	const char *problem = NULL;
	size_t len = strlen(expression);
	if (!starts_with(expression, "cron(") || !ends_with(expression, ")"))
		return "must look like cron(15 12 * * ? *)";
	char *inner = xstrndup(expression + 5, len - 6);
	strvec_split(&words, inner, ' ');
	for (size_t i = 0; i < words.nr; i++)
		if (*words.v[i])
			strvec_push(&fields, words.v[i]);
	if (fields.nr != 6)
		problem = "must have six fields: minutes, hours, day of month, month, day of week, "
			  "year";
	for (size_t i = 0; !problem && i < fields.nr; i++)
		if (!cron_field_ok(fields.v[i]))
			problem = "has a field with characters that cron expressions do not know";
	if (!problem && (strcmp(fields.v[2], "?") == 0) == (strcmp(fields.v[4], "?") == 0))
		problem = "must have '?' as exactly one of day of month and day of week";
	for (size_t i = 0; !problem && i < fields.nr; i++)
		if (i != 2 && i != 4 && strchr(fields.v[i], '?'))
			problem = "may have '?' only as day of month or day of week";
	strvec_release(&words);
	strvec_release(&fields);
	free(inner);
	return problem;
}
