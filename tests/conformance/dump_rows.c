/*
 * Prints every type, row and attribute as a JSON line each, for test_schema_rows.py and test_properties.py: a row's path in
 * CloudFormation and in the API, kind, flags, allowed values, least and most.
 */
#include <stdio.h>
#include <stdlib.h>
#include "json.h"
#include "strbuf.h"
#include "type.h"
#include "xalloc.h"

static void put(struct json *line)
{
	struct strbuf text = STRBUF_INIT;
	json_print(line, &text);
	puts(text.buf);
	strbuf_release(&text);
	json_free(line);
}

static void dump(const struct field *f, const char *cfn, const char *wire)
{
	for (; f->name; f++) {
		struct json *line = json_object();
		char *a = xasprintf("%s.%s", cfn, f->name);
		char *b = xasprintf("%s/%s", wire, f->wire ? f->wire : f->name);
		json_set_str(line, "row", a);
		json_set_str(line, "wire", b);
		json_set_i64(line, "kind", f->kind);
		json_set_i64(line, "item", f->item);
		json_set_i64(line, "flags", f->flags);
		json_set_i64(line, "min", f->min);
		json_set_i64(line, "max", f->max);
		if (f->values) {
			struct json *values = json_array();
			for (size_t i = 0; f->values[i]; i++)
				json_push(values, json_string(f->values[i]));
			json_set(line, "values", values);
		}
		put(line);
		/* rows of a map's members are no properties of the schema's */
		if (f->fields && f->kind != FIELD_MAP)
			dump(f->fields, a, b);
		free(a);
		free(b);
	}
}

static void dump_type(const struct type_schema *schema)
{
	struct json *line = json_object(), *attributes = json_array();
	json_set_str(line, "type", schema->name);
	for (const struct attribute *a = schema->attributes; a && a->name; a++)
		json_push(attributes, json_string(a->name));
	json_set(line, "attributes", attributes);
	put(line);
	dump(schema->fields, schema->name, "");
}

int main(void)
{
	for (size_t i = 0; resource_types[i]; i++)
		dump_type(&resource_types[i]->schema);
	return 0;
}
