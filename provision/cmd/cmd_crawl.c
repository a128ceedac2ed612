/* crawl: a crawler's crawl, followed to its end; or what it would change, which only the local cloud can tell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ops.h"
#include "run_parts.h"

#define CRAWLER "AWS::Glue::Crawler"

/* A job or workflow may have the same name; here it is the crawler that counts. */
static int find_crawler(struct session *s, char **name, struct err *err)
{
	const char *typed = s->operands.v[0], *type = NULL;
	struct err why = ERR_INIT;
	struct json *out = NULL;
	int ret = find_runnable(s, typed, &type, name, err);

	if (ret || !strcmp(type, CRAWLER))
		return ret;
	free(*name);
	*name = NULL;
	ret = call_with(s, &glue_get_crawler, &out, &why, "Name", typed, NULL);
	json_free(out);
	err_release(&why);
	if (ret)
		return err_set(err, ERR_NOT_FOUND, "'%s' is no crawler but %s", typed, type);
	*name = xstrdup(typed);
	return 0;
}

/* --- the document --- */
static void copy_lower(
	struct json *to, const char *name, const struct json *from, const char *member)
{
	char *text = json_get_str(from, member) ? xstrdup(json_get_str(from, member)) : NULL;

	if (text)
		lower_ascii(text);
	json_set_str(to, name, text);
	free(text);
}

static struct json *columns_of(const struct json *change)
{
	struct json *list = json_array(), *c;

	json_each(c, json_get(change, "Columns"))
	{
		struct json *j = json_object();
		copy_lower(j, "action", c, "Action");
		json_set_str(j, "name", json_get_str(c, "Name"));
		json_set_str(j, "before", json_get_str(c, "OldType"));
		json_set_str(j, "after", json_get_str(c, "NewType"));
		json_push(list, j);
	}
	return list;
}

/* {added: {count, values}, …}; null where no partition changes. */
static struct json *partitions_of(const struct json *change)
{
	const struct json *parts = json_get(change, "Partitions");
	struct json *out = parts ? json_object() : json_null(), *p;

	json_each(p, parts)
	{
		struct json *j = json_object();
		char *name = xstrdup(json_name(p));
		lower_ascii(name);
		json_set_i64(j, "count", json_get_i64(p, "Count", 0));
		json_set(j, "values", json_copy(json_get(p, "Values")));
		json_set(out, name, j);
		free(name);
	}
	return out;
}

static struct json *document(const struct json *diff)
{
	struct json *doc = json_object(), *changes = json_array(), *c;

	json_set_str(doc, "crawler", json_get_str(diff, "Crawler"));
	json_set_str(doc, "database", json_get_str(diff, "DatabaseName"));
	json_each(c, json_get(diff, "Changes"))
	{
		struct json *j = json_object();
		copy_lower(j, "action", c, "Action");
		json_set_str(j, "table", json_get_str(c, "Table"));
		json_set_str(j, "location", json_get_str(c, "Location"));
		json_set_str(j, "classification", json_get_str(c, "Classification"));
		json_set(j, "columns", columns_of(c));
		json_set(j, "partitions", partitions_of(c));
		json_push(changes, j);
	}
	json_set(doc, "changes", changes);
	json_set(doc, "log", json_copy(json_get(diff, "Log")));
	return doc;
}

/* --- for people --- */
static void print_values(char sign, const struct json *tally, const char *what)
{
	enum { SHOWN = 10 };
	int64_t count = json_get_i64(tally, "count", 0);
	struct json *values, *v;
	int shown = 0;

	json_each(values, json_get(tally, "values"))
	{
		if (shown++ == SHOWN)
			break;
		printf("    %c partition", sign);
		json_each(v, values) printf("%c%s", v == json_first(values) ? ' ' : '/',
			json_str(v) ? json_str(v) : "");
		printf("%s%s\n", *what ? " " : "", what);
	}
	if (count > SHOWN)
		printf("    %c and %lld more partitions\n", sign, (long long)count - SHOWN);
}

static void print_change(const struct json *change)
{
	static const struct {
		const char *action;
		char sign;
	} signs[] = {{"create", '+'}, {"add", '+'}, {"update", '~'}, {"change", '~'},
		{"delete", '-'}, {"remove", '-'}, {"deprecate", '!'}};
	const struct json *parts = json_get(change, "partitions");
	struct json *c;
	char sign = ' ';

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (!strcmp(signs[i].action, json_get_str(change, "action")))
			sign = signs[i].sign;
	printf("%c %s table %s", sign, json_get_str(change, "action"),
		json_get_str(change, "table"));
	if (json_get_str(change, "classification"))
		printf("  %s", json_get_str(change, "classification"));
	printf("  %s\n", json_get_str(change, "location"));
	json_each(c, json_get(change, "columns"))
	{
		const char *before = json_get_str(c, "before"), *after = json_get_str(c, "after");
		for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
			if (!strcmp(signs[i].action, json_get_str(c, "action")))
				sign = signs[i].sign;
		printf("    %c column %s %s%s%s\n", sign, json_get_str(c, "name"),
			before ? before : "", before && after ? " -> " : "", after ? after : "");
	}
	print_values('+', json_get(parts, "added"), "");
	print_values('~', json_get(parts, "changed"), "");
	print_values('!', json_get(parts, "deprecated"), "(deprecated)");
	print_values('-', json_get(parts, "removed"), "");
}

static void print_diff(const struct json *doc)
{
	struct json *e;

	json_each(e, json_get(doc, "log"))
	{
		if (strstr(json_str(e), "] ERROR :") || strstr(json_str(e), "] WARN :"))
			fprintf(stderr, "%s\n", strchr(json_str(e), ']') + 2);
	}
	json_each(e, json_get(doc, "changes")) print_change(e);
	if (!json_len(json_get(doc, "changes")))
		printf("nothing would change in database %s\n", json_get_str(doc, "database"));
}

static int show_diff(struct session *s, const char *name, struct err *err)
{
	struct json *diff = NULL, *doc;

	if (call_with(s, &glue_crawl_diff, &diff, err, "Name", name, NULL))
		return -1;
	doc = document(diff);
	json_free(diff);
	if (!s->json)
		print_diff(doc);
	json_set(s->doc, "crawl", doc);
	return 0;
}

int cmd_crawl(struct session *s)
{
	struct err err = ERR_INIT;
	char *name = NULL;
	int ret;

	if (s->o.diff && !service_is_near(s, "glue")) {
		err_set(&err, ERR_USAGE, "--diff needs the local cloud: AWS cannot try a crawl");
		err_hint(&err, "with --local it looks at what lies in the local cloud");
		return session_fail(s, &err);
	}
	ret = find_crawler(s, &name, &err);
	if (!ret && !s->o.diff) {
		s->o.follow = true;
		return run_named(s, CRAWLER, name);
	}
	if (!ret)
		ret = show_diff(s, name, &err);
	free(name);
	return ret ? session_fail(s, &err) : 0;
}
