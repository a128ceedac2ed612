#ifndef TAGS_H
#define TAGS_H

/*
 * Tags as one map {"key":"value"}: who owns a resource, what the template wants, what must change. Keys that start
 * with "aws:" are AWS's and are never touched; those with "glueproj:" are never taken away.
 */
#include "json.h"
#include "type.h"

/* The template's tags (either shape) and the owner's; the digest only when asked. The caller's. */
struct json *tags_wanted(const struct resource *r, bool with_digest);
/* [{Key,Value}] and back. The caller's. */
struct json *tags_to_list(const struct json *map);
struct json *tags_from_list(const struct json *list);
/* In the shape that the type's row of tags has, without reserved keys; NULL when the type has none. The caller's. */
struct json *tags_property(const struct type_schema *schema, const struct json *live);
/* The name of the type's tags property, or NULL. */
const char *tags_field(const struct type_schema *schema);
/* What to set (a map) and what to take away (an array of keys) to get from live to wanted. The caller's. */
void tags_diff(
	const struct json *wanted, const struct json *live, struct json **set, struct json **unset);
/* Whether the live tags name this resource's project: then it is the project's to complete or to take over under a
 * new logical id (the engine has refused what another declared resource owns). */
bool tags_own(const struct json *live, const struct resource *r);
/* `onto` with the members of `more` on top. The caller's. */
struct json *tags_merge(const struct json *onto, const struct json *more);

#endif
