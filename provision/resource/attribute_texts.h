#ifndef ATTRIBUTE_TEXTS_H
#define ATTRIBUTE_TEXTS_H

/* Queues, topics and subscriptions keep their properties as attributes: names with texts, documents as JSON text. */
#include "fields.h"

/* The properties that have a row which is no F_LOCAL and no tags, as texts. The caller's. */
struct json *attribute_texts(const struct field *fields, const struct json *props);
/* The other way: live attributes to properties, as the rows want them. The caller's. */
struct json *attribute_props(const struct field *fields, const struct json *texts);
/* The texts that an update must set: what the diff names, gone ones (no longer in `wanted`) by their default. The caller's. */
struct json *attribute_changes(const struct field *fields, const struct json *wanted,
	const struct json *live, const struct field_default *defaults);

#endif
