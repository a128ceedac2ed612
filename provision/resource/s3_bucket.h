#ifndef S3_BUCKET_H
#define S3_BUCKET_H

/* The bucket's properties: rows, and the sub-resource ("?lifecycle") that each is in S3's API. */
#include "fields.h"
#include "type.h"

struct bucket_part {
	const char *property; /* CloudFormation's; an object with rows */
	const char *sub;      /* of the URL */
	const char *root;     /* of the XML */
	const struct field *fields;
	/* What a bucket has when nobody set it, as JSON in CloudFormation's shape; "{}": nothing. */
	const char *usual;
	bool erase; /* DELETE puts the usual back; else the usual is PUT */
	/* The document between the rows and S3, changed in place; NULL: it is as the rows say. */
	void (*to_wire)(struct json *doc);
	void (*from_wire)(struct json *doc);
};

extern const struct field bucket_fields[];
extern const struct field_default bucket_defaults[]; /* the parts' `usual`, for plans */
extern const struct bucket_part
	bucket_parts[]; /* {0}-terminated, in the order in which they are put */

/* The part's document for this value (an object of the property's shape); malloc'd. */
char *bucket_part_xml(const struct bucket_part *p, const struct json *value);
/* And back. The caller's. */
struct json *bucket_part_parse(
	const struct bucket_part *p, const char *xml, size_t len, struct err *err) must_check;

#endif
