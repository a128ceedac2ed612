/* What all IAM operations share: entities, names, documents, tags, paging. */
#include <ctype.h>
#include <stdarg.h>
#include "local_iam_store.h"
#include "uri.h"
#include "xalloc.h"

#define MAX_TAGS 50

void local_iam_entity_release(struct iam_entity *e)
{
	free(e->kind);
	free(e->name);
	free(e->path);
	free(e->id);
	free(e->arn);
	free(e->trust);
	free(e->description);
	free(e->boundary);
	*e = (struct iam_entity){0};
}

int local_iam_entity_find(struct local_cloud *cloud, const char *kind, const char *name,
	struct iam_entity *out, struct err *err)
{
	struct sql_stmt *st = sql_query(cloud->db, err,
		"SELECT name, path, id, arn, trust, description, boundary, created_ms, "
		"max_session_s FROM iam_entity WHERE kind = ? AND name = ?",
		"ss", kind, name);
	int row;

	if (!st)
		return -1;
	row = sql_step(st, err);
	if (row > 0) {
		out->kind = xstrdup(kind);
		out->name = xstrdup(sql_text(st, 0));
		out->path = xstrdup(sql_text(st, 1));
		out->id = xstrdup(sql_text(st, 2));
		out->arn = xstrdup(sql_text(st, 3));
		out->trust = xstrdup(sql_text(st, 4));
		out->description = xstrdup(sql_text(st, 5));
		out->boundary = xstrdup(sql_text(st, 6));
		out->created_ms = sql_int(st, 7);
		out->max_session_s = sql_int(st, 8);
	}
	sql_done(st);
	return row;
}

int local_iam_entity_get(struct local_cloud *cloud, const char *kind, const char *name,
	struct iam_entity *out, struct err *err)
{
	int found = local_iam_entity_find(cloud, kind, name, out, err);

	if (found)
		return found < 0 ? -1 : 0;
	return local_iam_no_such(err, "The %s with name %s cannot be found.", kind, name);
}

int local_iam_no_such(struct err *err, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	local_fault(err, 404, "NoSuchEntity", "%s", text.buf);
	strbuf_release(&text);
	return -1;
}

int local_iam_need(
	const struct local_request *req, const char *name, const char **out, struct err *err)
{
	*out = json_get_str(req->in, name);
	if (*out)
		return 0;
	return local_fault(err, 400, "ValidationError",
		"1 validation error detected: Value at '%c%s' failed to satisfy constraint: "
		"Member must not be null",
		tolower((unsigned char)*name), name + 1);
}

int local_iam_check_name(const char *what, const char *name, size_t max, struct err *err)
{
	const char *c;

	for (c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("+=,.@_-", *c))
			break;
	if (*name && !*c && strlen(name) <= max)
		return 0;
	if (!*c && *name)
		return local_fault(err, 400, "ValidationError",
			"1 validation error detected: Value at '%c%s' failed to satisfy "
			"constraint: Member must have length less than or equal to %zu",
			tolower((unsigned char)*what), what + 1, max);
	return local_fault(err, 400, "ValidationError",
		"The specified value for %c%s is invalid. It must contain only alphanumeric "
		"characters and/or the following: +=,.@_-",
		tolower((unsigned char)*what), what + 1);
}

int local_iam_check_path(const char **path, struct err *err)
{
	const char *p = *path;
	size_t len;

	if (!p) {
		*path = "/";
		return 0;
	}
	len = strlen(p);
	if (len && len <= 512 && p[0] == '/' && p[len - 1] == '/')
		return 0;
	return local_fault(err, 400, "ValidationError",
		"The specified value for path is invalid. It must begin and end with / and contain "
		"only alphanumeric characters and/or / characters.");
}

const char *local_iam_kind(const char *operation)
{
	if (strstr(operation, "Role"))
		return "role";
	return strstr(operation, "Group") ? "group" : "user";
}

const char *local_iam_kind_title(const char *kind)
{
	if (!strcmp(kind, "role"))
		return "Role";
	return strcmp(kind, "group") ? "User" : "Group";
}

char *local_iam_encode_document(const char *document)
{
	struct strbuf sb = STRBUF_INIT;

	uri_encode(&sb, document, strlen(document), false);
	return strbuf_detach(&sb, NULL);
}

void local_iam_set_time(struct json *obj, const char *name, int64_t ms)
{
	struct strbuf sb = STRBUF_INIT;

	clock_add_iso(&sb, ms, false);
	json_set_str(obj, name, sb.buf);
	strbuf_release(&sb);
}

/* Characters, not bytes. */
static size_t utf8_len(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Letters, digits and white space of any script, and "_.:/=+-@". */
static bool tag_characters(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x80 && !isalnum((unsigned char)*s) &&
			!strchr(" _.:/=+-@", *s))
			return false;
	return true;
}

static int check_tag_text(const char *text, size_t min, size_t max, const char *list, size_t i,
	const char *member, struct err *err)
{
	size_t len = utf8_len(text);

	if (len > max || len < min)
		return local_fault(err, 400, "ValidationError",
			"1 validation error detected: Value '%.300s' at '%s.%zu.member%s' failed "
			"to "
			"satisfy constraint: Member must have length %s than or equal to %zu.",
			text, list, i, member, len > max ? "less" : "greater",
			len > max ? max : min);
	if (!tag_characters(text))
		return local_fault(err, 400, "ValidationError",
			"1 validation error detected: Value '%.300s' at '%s.%zu.member%s' failed "
			"to "
			"satisfy constraint: Member must satisfy regular expression pattern: "
			"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]%c",
			text, list, i, member, min ? '+' : '*');
	return 0;
}

static int check_tag_count(size_t nr, const char *list, struct err *err)
{
	if (nr <= MAX_TAGS)
		return 0;
	return local_fault(err, 400, "ValidationError",
		"1 validation error detected: Value at '%s' failed to satisfy constraint: Member "
		"must have length less than or equal to %d.",
		list, MAX_TAGS);
}

static int check_tag(const struct json *tag, size_t i, const struct json *before, struct err *err)
{
	const char *key = json_get_str(tag, "Key"), *value = json_get_str(tag, "Value");
	struct json *other;

	if (!key || !value)
		return local_fault(err, 400, "ValidationError",
			"1 validation error detected: Value at 'tags.%zu.member.%s' failed to "
			"satisfy constraint: Member must not be null",
			i, key ? "value" : "key");
	if (check_tag_text(key, 1, 128, "tags", i, ".key", err) ||
		check_tag_text(value, 0, 256, "tags", i, ".value", err))
		return -1;
	if (!strncasecmp(key, "aws:", 4))
		return local_fault(err, 400, "InvalidInput",
			"Tag keys that start with 'aws:' are reserved for system use");
	json_each(other, before) if (!strcasecmp(json_name(other), key)) return local_fault(err,
		400, "InvalidInput",
		"Duplicate tag keys found. Please note that Tag keys are case insensitive.");
	return 0;
}

int local_iam_tags_read(const struct json *list, struct json **out, struct err *err)
{
	struct json *e;
	size_t i = 1;

	*out = json_object();
	if (check_tag_count(json_len(list), "tags", err))
		goto fail;
	json_each(e, list)
	{
		if (check_tag(e, i++, *out, err))
			goto fail;
		json_set_str(*out, json_get_str(e, "Key"), json_get_str(e, "Value"));
	}
	return 0;
fail:
	json_free(*out);
	*out = NULL;
	return -1;
}

int local_iam_tag_keys_check(const struct json *keys, struct err *err)
{
	struct json *e;
	size_t i = 1;

	if (check_tag_count(json_len(keys), "tagKeys", err))
		return -1;
	json_each(e, keys)
	{
		const char *key = json_str(e);

		if (check_tag_text(key ? key : "", 1, 128, "tagKeys", i++, "", err))
			return -1;
	}
	return 0;
}

struct json *local_iam_tags_list(const struct json *tags)
{
	struct json *list = json_array(), *e;

	json_each(e, tags)
	{
		struct json *tag = json_object();

		json_set_str(tag, "Key", json_name(e));
		json_set_str(tag, "Value", json_str(e));
		json_push(list, tag);
	}
	return list;
}

size_t local_iam_policy_size(const char *document)
{
	size_t size = 0;

	for (; *document; document++)
		size += !isspace((unsigned char)*document);
	return size;
}

int local_iam_page_read(const struct local_request *req, struct iam_page *page, struct err *err)
{
	page->max = json_get_i64(req->in, "MaxItems", 100);
	if (page->max < 1 || page->max > 1000)
		return local_fault(err, 400, "ValidationError",
			"1 validation error detected: Value at 'maxItems' failed to satisfy "
			"constraint: Member must be between 1 and 1000");
	return local_token_read(
		json_get_str(req->in, "Marker"), "ValidationError", &page->after, err);
}

void local_iam_page_release(struct iam_page *page)
{
	free(page->after);
	page->after = NULL;
}

void local_iam_page_close(struct json *out, bool more, const char *last)
{
	json_set_bool(out, "IsTruncated", more);
	if (more) {
		char *token = local_token_make(last);

		json_set_str(out, "Marker", token);
		free(token);
	}
}

int local_iam_page_cut(const struct local_request *req, struct json *out, struct err *err)
{
	struct iam_page page = {0};
	struct json *all, *list, *e, *kept = json_object();
	char last[24];
	long long skip = 0;
	int64_t at = 0;
	int result = -1;

	if (local_iam_page_read(req, &page, err))
		goto out;
	if (page.after && parse_int64(page.after, 0, INT64_MAX, &skip)) {
		local_fault(err, 400, "ValidationError", "Invalid Marker.");
		goto out;
	}
	json_each(all, out)
	{
		if (!json_is(all, JSON_ARRAY))
			continue;
		list = json_array();
		json_each(e, all)
		{
			if (at >= skip && at - skip < page.max)
				json_push(list, json_copy(e));
			at++;
		}
		json_set(kept, json_name(all), list);
	}
	json_each(list, kept) json_set(out, json_name(list), json_copy(list));
	snprintf(last, sizeof(last), "%lld", skip + (long long)page.max);
	local_iam_page_close(out, at - skip > page.max, last);
	result = 0;
out:
	json_free(kept);
	local_iam_page_release(&page);
	return result;
}
