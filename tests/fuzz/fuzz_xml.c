#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "xml.h"

static void visit(const struct xml_node *n)
{
	struct xml_node *c;
	if (!*xml_name(n) || !xml_text(n))
		abort();
	xml_attr(n, "type");
	xml_each(c, n) visit(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct xml_doc *doc = xml_parse((const char *)data, size, &err);
	if (doc)
		visit(xml_root(doc));
	else if (err.code != ERR_INVALID)
		abort();
	err_release(&err);
	xml_free(doc);
	return 0;
}
