#ifndef XML_H
#define XML_H

/*
 * XML replies (S3, IAM, STS) and bodies. libxml2 is inside, without network, entities or DTDs.
 * Namespaces are dropped from names. Nodes are borrowed from the document.
 */
#include <stddef.h>
#include "err.h"
#include "strbuf.h"

struct xml_doc;
struct xml_node;

struct xml_doc *xml_parse(const char *text, size_t len, struct err *err) must_check;
void xml_free(struct xml_doc *doc);
struct xml_node *xml_root(const struct xml_doc *doc);
const char *xml_name(const struct xml_node *n);
/* Child elements. */
struct xml_node *xml_first(const struct xml_node *n);
struct xml_node *xml_next(const struct xml_node *n);
struct xml_node *xml_child(
	const struct xml_node *n, const char *name); /* the first of that name, or NULL */
/* The element's text, borrowed from the document; "" for an empty one; NULL for NULL. */
const char *xml_text(const struct xml_node *n);
const char *xml_child_text(
	const struct xml_node *n, const char *name); /* NULL where there is no such child */
/* An attribute's value without regard to namespace ("type" for xsi:type), or NULL. */
const char *xml_attr(const struct xml_node *n, const char *name);
/* The i-th attribute's value, and its name; NULL behind the last. */
const char *xml_attr_at(const struct xml_node *n, size_t i, const char **name);
#define xml_each(c, n) for ((c) = xml_first(n); (c); (c) = xml_next(c))

/* Writing: plain text with &, <, >, ", CR and control characters escaped. */
void xml_add_escaped(struct strbuf *sb, const char *s);
void xml_add_element(struct strbuf *sb, const char *name,
	const char *text); /* <name>text</name>; NULL text: nothing */

#endif
