#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "protocol.h"

/* A decoded form, encoded and decoded again, is the same document. */
static void round_trip(struct json *doc)
{
	struct strbuf form = STRBUF_INIT;
	struct json *back = NULL;
	json_remove(doc, "Action");
	json_remove(doc, "Version");
	query_encode(wire_service_find("iam"), "A", doc, &form);
	if (query_decode(form.buf, form.len, &back, NULL) < 0)
		abort();
	json_remove(back, "Action");
	json_remove(back, "Version");
	if (!json_equal(doc, back))
		abort();
	json_free(back);
	strbuf_release(&form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct json *doc = NULL;
	struct strbuf xml = STRBUF_INIT;
	struct err err = ERR_INIT;
	if (query_decode(text, size, &doc, &err) == 0)
		round_trip(doc);
	else if (err.code != ERR_INVALID)
		abort();
	json_free(doc);
	doc = NULL;
	if (query_reply_parse(text, size, &doc, NULL) == 0)
		query_reply_print(wire_service_find("iam"), "GetRole", doc, "r", &xml);
	json_free(doc);
	strbuf_release(&xml);
	err_release(&err);
	return 0;
}
