/* Custom classifiers as they are applied: from the API's documents. */
#include "local_classify.h"
#include "local_grok.h"
#include "strbuf.h"

static char first_char(const struct json *doc, const char *name)
{
	const char *s = json_get_str(doc, name);

	return s ? *s : '\0';
}

static void init_csv(struct classifier *c, const struct json *doc)
{
	const char *header = json_get_str(doc, "ContainsHeader");
	const char *serde = json_get_str(doc, "Serde");

	c->delimiter = first_char(doc, "Delimiter");
	c->quote = first_char(doc, "QuoteSymbol");
	if (header && !strcmp(header, "PRESENT"))
		c->header = HEADER_PRESENT;
	else if (header && !strcmp(header, "ABSENT"))
		c->header = HEADER_ABSENT;
	if (json_len(json_get(doc, "Header")))
		c->names = json_copy(json_get(doc, "Header"));
	if (json_get_truth(doc, "CustomDatatypeConfigured", false) &&
		json_len(json_get(doc, "CustomDatatypes")))
		c->types = json_copy(json_get(doc, "CustomDatatypes"));
	c->keep_blanks = json_get_truth(doc, "DisableValueTrimming", true);
	c->single = json_get_truth(doc, "AllowSingleColumn", false);
	c->open_csv = serde && !strcmp(serde, "OpenCSVSerDe");
}

static int init_grok(struct classifier *c, const struct json *doc, struct err *err)
{
	const char *pattern = json_get_str(doc, "GrokPattern");
	const char *custom = json_get_str(doc, "CustomPatterns");

	c->grok = grok_compile(pattern ? pattern : "", custom, err);
	if (!c->grok)
		return err_wrap(err, "Classifier %s cannot be applied", json_get_str(doc, "Name"));
	c->name = xstrdup(json_get_str(doc, "Name"));
	c->classification = xstrdup(json_get_str(doc, "Classification"));
	c->grok_pattern = xstrdup(pattern);
	c->grok_custom = xstrdup(custom);
	return 0;
}

static void init_xml(struct classifier *c, const struct json *doc)
{
	const char *row = json_get_str(doc, "RowTag");

	c->name = xstrdup(json_get_str(doc, "Name"));
	c->classification = xstrdup(json_get_str(doc, "Classification"));
	c->row_tag = xstrdup(row ? row : "");
}

int classifier_init(struct classifier *c, const struct json *doc, struct err *err)
{
	const struct json *csv = json_get(doc, "CsvClassifier");
	const struct json *json = json_get(doc, "JsonClassifier");
	const struct json *grok = json_get(doc, "GrokClassifier");
	const struct json *xml = json_get(doc, "XMLClassifier");
	const char *path = json_get_str(json, "JsonPath");

	*c = (struct classifier){0};
	if (csv) {
		init_csv(c, csv);
	} else if (grok) {
		return init_grok(c, grok, err);
	} else if (xml) {
		init_xml(c, xml);
	} else {
		c->is_json = true;
		if (json_path_parse(&c->path, path ? path : "", err))
			return -1;
		c->path_text = xstrdup(path);
	}
	if (!c->name)
		c->name = xstrdup(json_get_str(csv ? csv : json, "Name"));
	return 0;
}

void classifier_release(struct classifier *c)
{
	free(c->name);
	free(c->path_text);
	grok_free(c->grok);
	free(c->grok_pattern);
	free(c->grok_custom);
	free(c->row_tag);
	free(c->classification);
	json_path_release(&c->path);
	json_free(c->names);
	json_free(c->types);
	*c = (struct classifier){0};
}
