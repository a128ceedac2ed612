#ifndef QUOTED_JSON_H
#define QUOTED_JSON_H

/* JSON in tests of layers that see codec/. */
#include "json.h"
#include "testing.h"

/* Single quotes for double ones, so that JSON reads well in C. The caller's. */
static inline struct json *js(const char *text)
{
	struct strbuf sb = STRBUF_INIT;
	struct err err = ERR_INIT;
	strbuf_addstr(&sb, text);
	strbuf_replace(&sb, "'", "\"");
	struct json *v = json_parse(sb.buf, sb.len, &err);
	if (!v)
		fail_msg("%s: %s", text, err.text);
	strbuf_release(&sb);
	return v;
}

#endif
