#include "xml_doc.h"

static void add_member(struct strbuf *sb, const char *name, const struct json *v);

static void add_members(struct strbuf *sb, const struct json *doc)
{
	const struct json *v;
	json_each(v, doc) add_member(sb, json_name(v), v);
}

static void add_member(struct strbuf *sb, const char *name, const struct json *v)
{
	const struct json *e;
	if (json_is(v, JSON_ARRAY)) {
		json_each(e, v) add_member(sb, name, e);
		return;
	}
	strbuf_addf(sb, "<%s>", name);
	if (json_is(v, JSON_OBJECT))
		add_members(sb, v);
	else if (json_scalar_text(v))
		xml_add_escaped(sb, json_scalar_text(v));
	strbuf_addf(sb, "</%s>", name);
}

void xml_from_json(struct strbuf *sb, const char *root, const struct json *doc)
{
	strbuf_addf(sb, "<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", root);
	add_members(sb, doc);
	strbuf_addf(sb, "</%s>", root);
}

struct json *xml_to_json(const struct xml_node *n)
{
	struct xml_node *c;
	if (!xml_first(n))
		return json_string(xml_text(n) ? xml_text(n) : "");
	struct json *out = json_object();
	xml_each(c, n)
	{
		struct json *v = xml_to_json(c), *old = json_get(out, xml_name(c));
		if (json_is(old, JSON_ARRAY)) {
			json_push(old, v);
		} else if (old) {
			struct json *list = json_array();
			json_push(list, json_detach(out, xml_name(c)));
			json_push(list, v);
			json_set(out, xml_name(c), list);
		} else {
			json_set(out, xml_name(c), v);
		}
	}
	return out;
}
