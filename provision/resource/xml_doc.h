#ifndef XML_DOC_H
#define XML_DOC_H

/* The API's documents as S3 writes them: members are elements, lists are elements that come again. */
#include "json.h"
#include "strbuf.h"
#include "xml.h"

/* <ROOT xmlns="http://s3.amazonaws.com/doc/2006-03-01/">…</ROOT> appended. */
void xml_from_json(struct strbuf *sb, const char *root, const struct json *doc);
/* All text as strings; an element that comes again becomes an array; an empty one "". The caller's. */
struct json *xml_to_json(const struct xml_node *n);

#endif
