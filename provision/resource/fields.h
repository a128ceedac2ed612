#ifndef FIELDS_H
#define FIELDS_H

/*
 * The table engine: field rows (schema.h) between CloudFormation's properties and the API's documents.
 * `wire` of a row may be a path ("Expiration/Days"): the value stands that deep in the document. Rows of tags and
 * rows with F_LOCAL are not part of documents; tags.h does tags. What no row names is passed through as it stands.
 */
#include <stdbool.h>
#include "json.h"
#include "schema.h"

/* What a property is when nobody set it, and what puts it back to that when it is gone from the template. */
struct field_default {
	const char *name;  /* top-level property */
	const char *value; /* JSON text, in CloudFormation's shape */
};

/* Properties to the API's document; scalars become what the row says, JSON texts are printed. The caller's. */
struct json *fields_to_api(const struct field *fields, const struct json *props);
/*
 * The API's reply to properties. Scalars of any spelling become what the row says (query and XML replies have only
 * text); a single value where a list belongs becomes a list. `wanted` (may be NULL): its members that no row names
 * are taken from the reply by the same name. The caller's.
 */
struct json *fields_from_api(
	const struct field *fields, const struct json *reply, const struct json *wanted);
/*
 * What differs: an array of {"path","before","after","effect":"update"|"replace"}. Only what is written in `wanted` is
 * compared, and what is gone from it where `defaults` ({0}-terminated, may be NULL) has a row and the live value is
 * not that default. F_WRITE_ONLY and F_LOCAL rows are not compared unless the live side has them. The caller's.
 */
struct json *fields_diff(const struct field *fields, const struct json *wanted,
	const struct json *live, const struct field_default *defaults);
/*
 * For updates: as fields_diff, and also the top-level properties in which the live side has something inside that the
 * wanted no longer has. That may be AWS's own filling in, so it is no difference to show, but a reason to send.
 */
struct json *fields_changes(const struct field *fields, const struct json *wanted,
	const struct json *live, const struct field_default *defaults);
/* Whether two values of one row mean the same: whatever `wanted` has written, live has too. */
bool fields_equal(const struct field *field, const struct json *wanted, const struct json *live);
/* Whether a diff has a change at or below this property. */
bool fields_changed(const struct json *diff, const char *property);

/* A value that is JSON, or text that holds JSON, perhaps URL-encoded as IAM answers: the caller's copy as a value. */
struct json *json_document(const struct json *v);

/* Members by path with '/'; setting makes the objects between and takes `value`. */
struct json *wire_get(const struct json *doc, const char *path);
void wire_set(struct json *doc, const char *path, struct json *value);

#endif
