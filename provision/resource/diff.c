/* A type's differences as a plan shows them. */
#include "fields.h"
#include "type.h"

void resource_diff(const struct resource_type *type, const struct json *wanted,
	const struct json *live, struct json *changes)
{
	struct json *diff = fields_diff(type->schema.fields, wanted, live, type->defaults);
	const struct json *change;

	json_each(change, diff) json_push(changes, json_copy(change));
	json_free(diff);
}
