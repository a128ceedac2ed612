#include "xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

struct xml_doc {
	xmlDoc doc;
};
struct xml_node {
	xmlNode node;
};

static pthread_once_t parser_once = PTHREAD_ONCE_INIT;

/* libxml2 chats on stderr otherwise. */
static void silent(unused_arg void *ctx, unused_arg const char *fmt, ...)
{
}

/* What went wrong, without libxml2's line end; the document's own text is not repeated. */
static int fail(const xmlParserCtxt *ctxt, struct err *err)
{
	const xmlError *e = &ctxt->lastError;
	struct strbuf text = STRBUF_INIT;
	strbuf_addstr(&text, e->message ? e->message : "no document");
	strbuf_trim(&text);
	strbuf_replace(&text, "\n", " ");
	err_set(err, ERR_INVALID, "invalid XML at line %d: %s", e->line, text.buf);
	if (err) {
		err->line = e->line;
		err->column = e->int2;
	}
	strbuf_release(&text);
	return -1;
}

/* A document type is where entities come from: refused before any of it is read. */
static void refuse_doctype(void *ctx, unused_arg const xmlChar *name,
	unused_arg const xmlChar *external_id, unused_arg const xmlChar *system_id)
{
	xmlParserCtxt *ctxt = ctx;
	ctxt->_private = ctxt;
	xmlStopParser(ctxt);
}

struct xml_doc *xml_parse(const char *text, size_t len, struct err *err)
{
	struct xml_doc *doc = NULL;
	xmlParserCtxt *ctxt = NULL;
	pthread_once(&parser_once, xmlInitParser);
	if (len > INT_MAX / 2) {
		err_set(err, ERR_INVALID, "invalid XML: more than %d bytes", INT_MAX / 2);
		return NULL;
	}
	ctxt = xmlNewParserCtxt();
	if (!ctxt)
		BUG("out of memory");
	ctxt->sax->internalSubset = refuse_doctype;
	/* Without nodes for comments and instructions all text between two tags is one node. */
	ctxt->sax->comment = NULL;
	ctxt->sax->processingInstruction = NULL;
	ctxt->sax->error = ctxt->sax->warning = silent;
	ctxt->sax->serror = NULL;
	xmlDoc *raw = xmlCtxtReadMemory(ctxt, len ? text : "", (int)len, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			XML_PARSE_COMPACT);
	bool doctype = ctxt->_private != NULL;
	if (doctype)
		err_set(err, ERR_INVALID, "invalid XML: a document type is not allowed");
	else if (!raw || !xmlDocGetRootElement(raw))
		fail(ctxt, err);
	else
		doc = (struct xml_doc *)raw;
	if (!doc)
		xmlFreeDoc(raw);
	xmlFreeParserCtxt(ctxt);
	return doc;
}

void xml_free(struct xml_doc *doc)
{
	if (doc)
		xmlFreeDoc(&doc->doc);
}

static struct xml_node *element_from(xmlNode *n)
{
	while (n && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return (struct xml_node *)n;
}

struct xml_node *xml_root(const struct xml_doc *doc)
{
	return doc ? (struct xml_node *)xmlDocGetRootElement(&doc->doc) : NULL;
}

const char *xml_name(const struct xml_node *n)
{
	return n ? (const char *)n->node.name : NULL;
}

struct xml_node *xml_first(const struct xml_node *n)
{
	return n ? element_from(n->node.children) : NULL;
}

struct xml_node *xml_next(const struct xml_node *n)
{
	return n ? element_from(n->node.next) : NULL;
}

struct xml_node *xml_child(const struct xml_node *n, const char *name)
{
	struct xml_node *c;
	xml_each(c, n)
	{
		if (!strcmp(xml_name(c), name))
			return c;
	}
	return NULL;
}

const char *xml_text(const struct xml_node *n)
{
	if (!n)
		return NULL;
	for (const xmlNode *c = n->node.children; c; c = c->next)
		if (c->type == XML_TEXT_NODE && c->content)
			return (const char *)c->content;
	return "";
}

const char *xml_child_text(const struct xml_node *n, const char *name)
{
	return xml_text(xml_child(n, name));
}

const char *xml_attr_at(const struct xml_node *n, size_t i, const char **name)
{
	const xmlAttr *a = n ? n->node.properties : NULL;

	for (; a && i; i--)
		a = a->next;
	if (!a)
		return NULL;
	*name = (const char *)a->name;
	return a->children && a->children->content ? (const char *)a->children->content : "";
}

const char *xml_attr(const struct xml_node *n, const char *name)
{
	if (!n)
		return NULL;
	for (const xmlAttr *a = n->node.properties; a; a = a->next)
		if (!strcmp((const char *)a->name, name))
			return a->children && a->children->content
				       ? (const char *)a->children->content
				       : "";
	return NULL;
}

static const char *entity_for(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

void xml_add_escaped(struct strbuf *sb, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		const char *entity = entity_for(*s);
		if (entity)
			strbuf_addstr(sb, entity);
		else if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
			strbuf_addf(sb, "&#x%x;", c);
		else
			strbuf_addch(sb, *s);
	}
}

void xml_add_element(struct strbuf *sb, const char *name, const char *text)
{
	if (!text)
		return;
	strbuf_addf(sb, "<%s>", name);
	xml_add_escaped(sb, text);
	strbuf_addf(sb, "</%s>", name);
}
