/* Rules of one crawler alone (CreateCrawler, "Setting crawler configuration options"), and of names in the catalog. */
#include "lint_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "fields.h"

void lint_targets(struct lint *l, const struct lint_resource *r)
{
	const struct json *targets = json_get(r->props, "Targets"), *t;
	size_t nr = 0, i = 0;

	if (json_is(targets, JSON_OBJECT) && !json_is_unknown(targets)) {
		json_each(t, targets) nr += json_is(t, JSON_OBJECT) ? 1 : json_len(t);
		if (!nr)
			lint_say(l, r, "Targets", "a crawler needs at least one target");
	}
	json_each(t, json_get(targets, "S3Targets"))
	{
		char *path = xasprintf("Targets.S3Targets.%zu", i++);
		const char *uri = known_str(t, "Path");

		if (is_missing(t, "Path"))
			lint_say(l, r, path, "an S3 target needs Path");
		free(path);
		/* "bucket/folder" is what the console shows, and Glue takes it */
		if (uri && strstr(uri, "://") && !starts_with(uri, "s3://"))
			lint_say(l, r, "Targets", "'%s' is no s3:// address", uri);
	}
}

void lint_crawler_schedule(struct lint *l, const struct lint_resource *r)
{
	const char *cron = known_str(r->props, "Schedule.ScheduleExpression");
	const char *problem = cron && *cron ? cron_problem(cron) : NULL;

	if (problem)
		lint_say(l, r, "Schedule.ScheduleExpression", "schedule '%s' %s", cron, problem);
}

/* --- Configuration --- */

/* The document; NULL where there is none, or none that is known. The caller's. */
static struct json *configuration(const struct lint_resource *r)
{
	const struct json *v = json_get(r->props, "Configuration");

	if (!v || json_has_unknown(v) || (json_str(v) && !*json_str(v)))
		return NULL;
	return json_document(v);
}

void lint_configuration(struct lint *l, const struct lint_resource *r)
{
	struct json *doc = configuration(r);
	const struct json *policy = json_path(doc, "Grouping.TableGroupingPolicy");
	const struct json *level = json_path(doc, "Grouping.TableLevelConfiguration");

	if (doc && !json_is(doc, JSON_OBJECT))
		lint_say(l, r, "Configuration", "Configuration is no JSON object");
	if (policy && (!json_str(policy) || strcmp(json_str(policy), "CombineCompatibleSchemas")))
		lint_say(l, r, "Configuration",
			"Grouping.TableGroupingPolicy can only be CombineCompatibleSchemas");
	if (level && json_i64(level, 0) < 1)
		lint_say(l, r, "Configuration",
			"Grouping.TableLevelConfiguration is a number from 1, the bucket");
	json_free(doc);
}

void lint_new_folders_only(struct lint *l, const struct lint_resource *r)
{
	static const char *const names[] = {"UpdateBehavior", "DeleteBehavior"};
	const char *recrawl = known_str(r->props, "RecrawlPolicy.RecrawlBehavior");

	if (!recrawl || strcmp(recrawl, "CRAWL_NEW_FOLDERS_ONLY") != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *path = xasprintf("SchemaChangePolicy.%s", names[i]);
		const char *v = known_str(r->props, path);

		if (v && strcmp(v, "LOG") != 0)
			lint_say(l, r, path,
				"CRAWL_NEW_FOLDERS_ONLY goes with %s: LOG only, not %s", names[i],
				v);
		free(path);
	}
}

/* --- targets --- */

static const char *without_scheme(const char *uri)
{
	return starts_with(uri, "s3://") ? uri + 5 : uri;
}

/* The bucket is level 1, its folders level 2. */
static int64_t level_of(const char *uri)
{
	int64_t level = 0;

	for (const char *p = without_scheme(uri); *p; p += strspn(p, "/")) {
		level++;
		p += strcspn(p, "/");
	}
	return level;
}

void lint_table_level(struct lint *l, const struct lint_resource *r)
{
	struct json *doc = configuration(r);
	int64_t level = json_i64(json_path(doc, "Grouping.TableLevelConfiguration"), 0);
	const struct json *t;

	json_each(t, json_path(r->props, "Targets.S3Targets"))
	{
		const char *uri = known_str(t, "Path");

		if (!uri || level < 1 || level >= level_of(uri))
			continue;
		lint_say(l, r, "Configuration",
			"TableLevelConfiguration %lld is above target '%s', which is at level "
			"%lld: "
			"no table is made there",
			(long long)level, uri, (long long)level_of(uri));
		lint_hint(l, r, "the bucket is level 1, its folders level 2");
	}
	json_free(doc);
}

void lint_crawled_bucket(struct lint *l, const struct lint_resource *r)
{
	const struct json *t;
	size_t i = 0;

	json_each(t, json_path(r->props, "Targets.S3Targets"))
	{
		char *path = xasprintf("Targets.S3Targets.%zu.Path", i++);
		const char *uri = known_str(t, "Path");

		if (uri && (!strstr(uri, "://") || starts_with(uri, "s3://"))) {
			const char *rest = without_scheme(uri);
			char *bucket = xstrndup(rest, strcspn(rest, "/"));

			if (!bucket_name_ok(bucket) && !starts_with(bucket, "arn:"))
				lint_say(l, r, path,
					"there can be no bucket '%s': the crawl finds nothing",
					bucket);
			free(bucket);
		}
		free(path);
	}
}

/* --- names --- */

static void check_lower(struct lint *l, const struct lint_resource *r, const char *path)
{
	const char *name = known_str(r->props, path);
	char *lower = xstrdup(name);

	if (lower)
		lower_ascii(lower);
	if (name && strcmp(name, lower) != 0) {
		lint_say(l, r, path, "AWS Glue keeps the database name '%s' as '%s'", name, lower);
		lint_hint(l, r, "write it in lower case, as Athena does");
	}
	free(lower);
}

void lint_lower_case(struct lint *l)
{
	const struct lint_resource *r;

	lint_each(r, l)
	{
		if (lint_is(r, TYPE_DATABASE))
			check_lower(l, r, "DatabaseInput.Name");
		else if (lint_is(r, TYPE_CRAWLER))
			check_lower(l, r, "DatabaseName");
	}
}
