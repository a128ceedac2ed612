/* What a target gets: the event, a fixed text, a part of the event, or a template filled from it. */
#include "local_events_internal.h"

#include "clock.h"
#include "xalloc.h"

/* --- paths: $.detail.state, $.resources[0] --- */

/* One step of a path; 0 at the end, -1 for what is none. `name` gets a member's name, or *index an element's. */
static int path_step(const char **p, struct strbuf *name, long long *index)
{
	const char *s = *p;
	size_t len;

	strbuf_clear(name);
	*index = -1;
	if (!*s)
		return 0;
	if (*s == '.') {
		len = strcspn(++s, ".[");
		strbuf_add(name, s, len);
		*p = s + len;
		return len ? 1 : -1;
	}
	if (*s != '[')
		return -1;
	len = strcspn(++s, "]");
	if (s[len] != ']' || !len)
		return -1;
	strbuf_add(name, s, len);
	*p = s + len + 1;
	if (*name->buf == '\'' || *name->buf == '"') {
		if (len < 3 || name->buf[len - 1] != *name->buf)
			return -1;
		strbuf_setlen(name, len - 1);
		strbuf_remove(name, 0, 1);
		return 1;
	}
	return parse_int64(name->buf, 0, 100000, index) ? -1 : 1;
}

static bool path_ok(const char *path)
{
	struct strbuf name = STRBUF_INIT;
	long long index;
	int step = -1;

	if (*path++ == '$')
		while ((step = path_step(&path, &name, &index)) > 0)
			;
	strbuf_release(&name);
	return step == 0;
}

static const struct json *path_get(const struct json *doc, const char *path)
{
	struct strbuf name = STRBUF_INIT;
	long long index;

	path++;
	while (doc && path_step(&path, &name, &index) > 0) {
		if (index >= 0)
			doc = json_is(doc, JSON_ARRAY) ? json_at(doc, (size_t)index) : NULL;
		else
			doc = json_get(doc, name.buf);
	}
	strbuf_release(&name);
	return doc;
}

/* --- templates: <name> in a text or between JSON --- */

/* The contents of a JSON string for a text: without the quotes. */
static void add_inside(struct strbuf *out, const char *text)
{
	struct json *v = json_string(text);
	struct strbuf printed = STRBUF_INIT;

	json_print(v, &printed);
	strbuf_add(out, printed.buf + 1, printed.len - 2);
	strbuf_release(&printed);
	json_free(v);
}

static void add_value(struct strbuf *out, const struct json *value, bool quoted)
{
	struct strbuf printed = STRBUF_INIT;

	if (!value)
		return;
	if (!quoted) {
		json_print(value, out);
		return;
	}
	if (json_is(value, JSON_STRING)) {
		add_inside(out, json_str(value));
		return;
	}
	json_print(value, &printed);
	add_inside(out, printed.buf);
	strbuf_release(&printed);
}

/* aws.events.rule-arn and its like; the caller's, NULL: no such thing. */
static struct json *predefined(const char *name, const struct json *event, const char *rule_arn)
{
	const char *slash = strrchr(rule_arn, '/');

	if (!strcmp(name, "aws.events.rule-arn"))
		return json_string(rule_arn);
	if (!strcmp(name, "aws.events.rule-name"))
		return json_string(slash ? slash + 1 : rule_arn);
	if (!strcmp(name, "aws.events.event.ingestion-time"))
		return json_copy(json_get(event, "time"));
	if (!strcmp(name, "aws.events.event.json"))
		return json_copy(event);
	if (!strcmp(name, "aws.events.event")) {
		struct json *copy = json_copy(event);

		json_remove(copy, "detail");
		return copy;
	}
	return NULL;
}

static void fill(const struct json *transformer, const struct json *event, const char *rule_arn,
	struct strbuf *out)
{
	const struct json *paths = json_get(transformer, "InputPathsMap");
	const char *p = json_get_str(transformer, "InputTemplate");
	struct strbuf name = STRBUF_INIT;
	bool quoted = false;

	for (; *p; p++) {
		size_t len = *p == '<' ? strcspn(p + 1, "<>\" \n") : 0;
		const char *path;

		if (*p == '\\' && p[1]) {
			strbuf_add(out, p++, 2);
			continue;
		}
		if (*p == '"')
			quoted = !quoted;
		if (!len || p[1 + len] != '>') {
			strbuf_addch(out, *p);
			continue;
		}
		strbuf_clear(&name);
		strbuf_add(&name, p + 1, len);
		path = json_get_str(paths, name.buf);
		struct json *own = path ? NULL : predefined(name.buf, event, rule_arn);
		add_value(out, path ? path_get(event, path) : own, quoted);
		json_free(own);
		p += len + 1;
	}
	strbuf_release(&name);
}

/* --- both --- */

void events_input(const struct json *target, const struct json *event, const char *rule_arn,
	struct strbuf *out)
{
	const char *input = json_get_str(target, "Input"),
		   *path = json_get_str(target, "InputPath");
	const struct json *transformer = json_get(target, "InputTransformer"), *part;

	if (input && *input) {
		strbuf_addstr(out, input);
	} else if (transformer) {
		fill(transformer, event, rule_arn, out);
	} else {
		part = path && *path ? path_get(event, path) : event;
		if (part)
			json_print(part, out);
		else
			strbuf_addstr(out, "{}");
	}
}

int events_check_input(const struct json *target, struct err *err)
{
	const char *id = json_get_str(target, "Id"), *input = json_get_str(target, "Input"),
		   *path = json_get_str(target, "InputPath");
	const struct json *transformer = json_get(target, "InputTransformer"), *p;
	const char *template = json_get_str(transformer, "InputTemplate");
	struct err ignored = ERR_INIT;
	struct json *doc;
	bool good;

	if ((input != NULL) + (path != NULL) + (transformer != NULL) > 1)
		return events_invalid(err,
			"Only one of Input, InputPath, or InputTransformer must be provided for "
			"target %s.",
			id);
	if (input && *input) {
		doc = json_parse(input, strlen(input), &ignored);
		good = doc != NULL;
		json_free(doc);
		err_release(&ignored);
		if (!good)
			return events_invalid(err, "JSON syntax error in input for target %s", id);
	}
	if (path && *path && !path_ok(path))
		return events_invalid(err, "Invalid InputPath for target %s.", id);
	if (!transformer)
		return 0;
	if (!template || !*template || strlen(template) > 8192)
		return events_invalid(
			err, "InputTemplate for target %s has 1 to 8192 characters.", id);
	if (json_len(json_get(transformer, "InputPathsMap")) > 100)
		return events_invalid(
			err, "InputPathsMap for target %s has more than 100 members.", id);
	json_each(p, json_get(transformer, "InputPathsMap"))
	{
		if (!json_str(p) || !path_ok(json_str(p)) || starts_with(json_name(p), "AWS"))
			return events_invalid(err,
				"Invalid InputTransformer for target %s : [Invalid path for '%s'].",
				id, json_name(p));
	}
	return 0;
}
