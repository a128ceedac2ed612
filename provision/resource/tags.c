#include "tags.h"

#include "strbuf.h"

static const struct field *tags_row(const struct type_schema *schema)
{
	for (const struct field *f = schema->fields; f->name; f++)
		if (f->kind == FIELD_TAGS || f->kind == FIELD_TAG_MAP)
			return f;
	return NULL;
}

const char *tags_field(const struct type_schema *schema)
{
	const struct field *f = tags_row(schema);
	return f ? f->name : NULL;
}

static bool reserved(const char *key)
{
	return starts_with(key, "aws:") || starts_with(key, "glueproj:");
}

struct json *tags_from_list(const struct json *list)
{
	struct json *map = json_object();
	const struct json *t;
	json_each(t, list)
	{
		const char *key = json_scalar_text(json_get(t, "Key"));
		const char *value = json_scalar_text(json_get(t, "Value"));
		if (key)
			json_set_str(map, key, value ? value : "");
	}
	return map;
}

struct json *tags_to_list(const struct json *map)
{
	struct json *list = json_array();
	const struct json *v;
	json_each(v, map)
	{
		struct json *t = json_object();
		json_set_str(t, "Key", json_name(v));
		json_set_str(t, "Value", json_scalar_text(v) ? json_scalar_text(v) : "");
		json_push(list, t);
	}
	return list;
}

struct json *tags_merge(const struct json *onto, const struct json *more)
{
	struct json *map = json_is(onto, JSON_OBJECT) ? json_copy(onto) : json_object();
	const struct json *v;
	json_each(v, more)
	{
		const char *text = json_scalar_text(v);
		json_set_str(map, json_name(v), text ? text : "");
	}
	return map;
}

struct json *tags_wanted(const struct resource *r, bool with_digest)
{
	const struct field *f = tags_row(&r->type->schema);
	const struct json *given = f ? json_get(r->props, f->name) : NULL;
	struct json *own =
		json_is(given, JSON_ARRAY) ? tags_from_list(given) : tags_merge(NULL, given);
	struct json *all = tags_merge(own, r->owner_tags);
	json_free(own);
	if (!with_digest)
		json_remove(all, TAG_DIGEST);
	return all;
}

struct json *tags_property(const struct type_schema *schema, const struct json *live)
{
	const struct field *f = tags_row(schema);
	const struct json *v;
	if (!f)
		return NULL;
	struct json *map = json_object();
	json_each(v, live)
	{
		if (!reserved(json_name(v)))
			json_set(map, json_name(v), json_copy(v));
	}
	if (f->kind == FIELD_TAG_MAP)
		return map;
	struct json *list = tags_to_list(map);
	json_free(map);
	return list;
}

void tags_diff(
	const struct json *wanted, const struct json *live, struct json **set, struct json **unset)
{
	const struct json *v;
	*set = json_object();
	*unset = json_array();
	json_each(v, wanted)
	{
		const char *is = json_scalar_text(json_get(live, json_name(v)));
		const char *want = json_scalar_text(v);
		if (want && (!is || strcmp(is, want) != 0))
			json_set_str(*set, json_name(v), want);
	}
	json_each(v, live)
	{
		if (!reserved(json_name(v)) && !json_get(wanted, json_name(v)))
			json_push_str(*unset, json_name(v));
	}
}

bool tags_own(const struct json *live, const struct resource *r)
{
	const char *is = json_get_str(live, TAG_PROJECT);
	const char *want = json_get_str(r->owner_tags, TAG_PROJECT);
	return is && want && strcmp(is, want) == 0;
}
