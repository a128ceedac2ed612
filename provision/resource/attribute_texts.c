#include "attribute_texts.h"

#include "strbuf.h"

struct json *attribute_texts(const struct field *fields, const struct json *props)
{
	struct json *doc = fields_to_api(fields, props), *out = json_object();
	const struct json *e;
	struct strbuf text = STRBUF_INIT;

	json_each(e, doc)
	{
		if (json_scalar_text(e)) {
			json_set_str(out, json_name(e), json_scalar_text(e));
			continue;
		}
		strbuf_clear(&text);
		json_print_canonical(e, &text);
		json_set_str(out, json_name(e), text.buf);
	}
	strbuf_release(&text);
	json_free(doc);
	return out;
}

struct json *attribute_props(const struct field *fields, const struct json *texts)
{
	struct json *doc = json_object(), *out;
	const struct json *e;

	json_each(e, texts)
	{
		const char *text = json_str(e);
		struct err ignored = ERR_INIT;
		const struct field *f = schema_field(fields, json_name(e));
		bool document = f && (f->kind == FIELD_JSON || f->kind == FIELD_OBJECT);

		/* an attribute that is not set is an empty text */
		if (!f || !text || !*text)
			continue;
		if (document)
			json_set(doc, json_name(e), json_parse(text, strlen(text), &ignored));
		else
			json_set_str(doc, json_name(e), text);
		err_release(&ignored);
	}
	out = fields_from_api(fields, doc, NULL);
	json_free(doc);
	return out;
}

struct json *attribute_changes(const struct field *fields, const struct json *wanted,
	const struct json *live, const struct field_default *defaults)
{
	struct json *diff = fields_changes(fields, wanted, live, defaults), *some = json_object(),
		    *out;
	const struct json *c;

	json_each(c, diff)
	{
		const char *path = json_get_str(c, "path");
		char *top = xstrndup(path, strcspn(path, "."));
		const struct json *w = json_get(wanted, top);
		const struct field *f = schema_field(fields, top);
		bool tags = f && (f->kind == FIELD_TAGS || f->kind == FIELD_TAG_MAP);

		if (w && !tags)
			json_set(some, top, json_copy(w));
		free(top);
	}
	out = attribute_texts(fields, some);
	json_each(c, diff)
	{
		const char *path = json_get_str(c, "path");
		char *top = xstrndup(path, strcspn(path, "."));

		for (const struct field_default *d = defaults; d && d->name; d++) {
			struct err ignored = ERR_INIT;
			struct json *v = strcmp(d->name, top) == 0 && !json_get(wanted, top)
						 ? json_parse(d->value, strlen(d->value), &ignored)
						 : NULL;

			if (v)
				json_set_str(out, top, json_scalar_text(v));
			json_free(v);
			err_release(&ignored);
		}
		free(top);
	}
	json_free(some);
	json_free(diff);
	return out;
}
