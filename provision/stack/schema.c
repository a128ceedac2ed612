#include "schema.h"

#include <string.h>
#include "json.h"
#include "strbuf.h"

const struct type_schema *schema_find(const struct schema_set *set, const char *type)
{
	for (size_t i = 0; set && i < set->nr; i++)
		if (!strcmp(set->v[i]->name, type))
			return set->v[i];
	return NULL;
}

const struct field *schema_field(const struct field *fields, const char *name)
{
	for (const struct field *f = fields; f && f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

const struct field *schema_field_at(const struct field *fields, const char *path)
{
	const struct field *f = NULL;

	while (fields && *path) {
		size_t len = strcspn(path, ".");
		char *name = xstrndup(path, len);
		f = schema_field(fields, name);
		free(name);
		fields = f ? f->fields : NULL;
		path += len + (path[len] == '.');
	}
	return *path ? NULL : f;
}

char *schema_name_path(const struct type_schema *schema, const struct json *props)
{
	const char *at = schema->name_field, *found = at;

	while (at) {
		char *top = xstrndup(at, strcspn(at, ".|"));
		bool there = json_get(props, top) != NULL;
		free(top);
		if (there)
			found = at;
		at = there ? NULL : strchr(at, '|');
		at = at ? at + 1 : NULL;
	}
	return found ? xstrndup(found, strcspn(found, "|")) : NULL;
}

char *schema_format(const char *format, const char *partition, const char *region,
	const char *account, const char *name, const struct json *props)
{
	const struct {
		const char *name, *value;
	} known[] = {
		{"partition", partition}, {"region", region}, {"account", account}, {"name", name}};
	struct strbuf out = STRBUF_INIT;

	while (*format) {
		size_t plain = strcspn(format, "{");
		strbuf_add(&out, format, plain);
		format += plain;
		const char *end = strchr(format, '}');
		if (!*format || !end) {
			strbuf_addstr(&out, format);
			break;
		}
		char *key = xstrndup(format + 1, (size_t)(end - format - 1)),
		     *bar = strchr(key, '|');
		const char *value = NULL;
		bool is_known = false;
		if (bar)
			*bar++ = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (!strcmp(known[i].name, key)) {
				value = known[i].value;
				is_known = true;
			}
		if (!is_known)
			value = json_scalar_text(json_path(props, key));
		strbuf_addstr(&out, value ? value : bar ? bar : "");
		free(key);
		format = end + 1;
	}
	return strbuf_detach(&out, NULL);
}
