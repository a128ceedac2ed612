/* The classifiers of text and of Parquet footers, JSON paths and types: any bytes, and what they say of themselves holds. */
#include <stddef.h>
#include <stdint.h>
#include "local_classify.h"
#include "local_grok.h"
#include "local_shape.h"
#include "strbuf.h"

static void custom(const char *text, size_t size)
{
	struct classifier how[] = {{.is_json = true, .path_text = (char[]){"$[*].a"}},
		{.delimiter = ';', .quote = '\'', .single = true, .header = HEADER_PRESENT}};
	struct classifier xml = {
		.name = (char[]){"x"}, .row_tag = (char[]){"r"}, .classification = (char[]){"xml"}};
	struct classifiers both = {how, ARRAY_SIZE(how), 0}, rows = {&xml, 1, 0};
	struct classified c = CLASSIFIED_INIT;
	struct err err = ERR_INIT;

	if (json_path_parse(&how[0].path, how[0].path_text, &err))
		BUG("a path is refused: %s", err.text);
	if (classify_text(text, size, size & 1, &both, &c) && !json_len(c.columns))
		BUG("a table without columns");
	classified_release(&c);
	if (classify_text(text, size, size & 1, &rows, &c) && !json_len(c.columns))
		BUG("a table without columns");
	classified_release(&c);
	json_path_release(&how[0].path);
}

/* A pattern and the line that follows it. */
static void grok(const char *text)
{
	struct err err = ERR_INIT;
	char *pattern = xstrndup(text, strcspn(text, "\n"));
	struct grok *g = grok_compile(pattern, NULL, &err);

	if (g && !json_len(grok_columns(g)))
		BUG("a pattern without columns");
	if (g)
		grok_match(g, text + strlen(pattern));
	grok_free(g);
	free(pattern);
	err_release(&err);
}

static void path(const char *text)
{
	struct json_path p;
	struct err err = ERR_INIT;

	if (!json_path_parse(&p, text, &err))
		json_path_release(&p);
	err_release(&err);
}

/* What is printed is read as the same; a type merged with itself stays. */
static void type(const char *text)
{
	struct shape *a = shape_parse(text), *b;
	struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;

	shape_print(a, &first);
	b = shape_parse(first.buf);
	shape_add(b, a);
	shape_print(b, &second);
	if (strcmp(first.buf, second.buf))
		BUG("'%s' becomes '%s'", first.buf, second.buf);
	shape_free(a);
	shape_free(b);
	strbuf_release(&first);
	strbuf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct classified c = CLASSIFIED_INIT;
	char *text = xstrndup((const char *)data, size);

	if (classify_csv((const char *)data, size, true, NULL, &c) && json_len(c.columns) < 2)
		BUG("a CSV table of %zu columns", json_len(c.columns));
	classified_release(&c);
	if (classify_json((const char *)data, size, size & 1, NULL, &c) && !json_len(c.columns))
		BUG("a JSON table without columns");
	classified_release(&c);
	if (classify_parquet(data, size, &c) && c.records < 0)
		BUG("fewer than no rows");
	classified_release(&c);
	custom((const char *)data, size);
	path(text);
	grok(text);
	type(text);
	free(text);
	return 0;
}
