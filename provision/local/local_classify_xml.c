/*
 * XML by its row tag: each element of that name is a record. Its attributes are columns _NAME, its child elements
 * columns by their names (several of one name: an array), text beside either is _VALUE, as Glue reads XML. Rows are cut out of the text one by
 * one, so that a file's first megabyte says enough. A row that closes itself is none, as in Glue.
 */
#include "local_classify.h"
#include "local_shape.h"
#include "strbuf.h"
#include "xml.h"
#include <ctype.h>

#define MAX_ROWS 1000
#define MAX_NESTING 64

static const char *skip_past(const char *at, const char *end, const char *what)
{
	const char *found = memmem(at, (size_t)(end - at), what, strlen(what));

	return found ? found + strlen(what) : end;
}

/* The next '<' of a tag: comments, CDATA and instructions are passed over. NULL: none. */
static const char *next_tag(const char *at, const char *end)
{
	while (at < end && (at = memchr(at, '<', (size_t)(end - at)))) {
		size_t left = (size_t)(end - at);

		if (left > 3 && !strncmp(at, "<!--", 4))
			at = skip_past(at + 4, end, "-->");
		else if (left > 8 && !strncmp(at, "<![CDATA[", 9))
			at = skip_past(at + 9, end, "]]>");
		else if (left > 1 && at[1] == '?')
			at = skip_past(at + 2, end, "?>");
		else
			return at;
	}
	return NULL;
}

/* Is the tag at '<' one of that name? `close`: </name. */
static bool is_tag(const char *at, const char *end, const char *name, bool close)
{
	size_t len = strlen(name);

	at += 1 + close;
	return (close ? at[-1] == '/' : true) && (size_t)(end - at) > len &&
	       !strncmp(at, name, len) &&
	       (isspace((unsigned char)at[len]) || at[len] == '>' || at[len] == '/');
}

/* The '>' of the tag at `at`, attributes' quotes minded; NULL: cut. */
static const char *tag_end(const char *at, const char *end)
{
	char quote = '\0';

	for (; at < end; at++) {
		if (quote)
			quote = *at == quote ? '\0' : quote;
		else if (*at == '"' || *at == '\'')
			quote = *at;
		else if (*at == '>')
			return at;
	}
	return NULL;
}

/* The next row from *at on: its text, with *at behind it. False: none that is whole. */
static bool next_row(const char **at, const char *end, const char *name, const char **row)
{
	const char *p = *at, *close;
	size_t depth = 0;

	while ((p = next_tag(p, end)) && (close = tag_end(p, end))) {
		bool itself = close[-1] == '/';

		if (is_tag(p, end, name, false) && !itself) {
			if (!depth++)
				*row = p;
		} else if (depth && p[1] == '/' && is_tag(p, end, name, true) && !--depth) {
			*at = close + 1;
			return true;
		}
		p = close + 1;
	}
	return false;
}

/* --- an element as a value --- */

static struct json *scalar(const char *text)
{
	size_t len = strlen(text);
	struct json *v;

	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (!len)
		return json_string(NULL);
	v = *text == '"' || *text == '{' || *text == '[' ? NULL : json_parse(text, len, NULL);
	return v ? v : json_string_n(text, len);
}

static void add_member(struct json *to, const char *name, struct json *v, bool many)
{
	struct json *have = json_get(to, name), *list;

	if (!many) {
		json_set(to, name, v);
	} else if (have) {
		json_push(have, v);
	} else {
		list = json_array();
		json_push(list, v);
		json_set(to, name, list);
	}
}

static bool stands_twice(const struct xml_node *n, const char *name)
{
	struct xml_node *c;
	size_t nr = 0;

	xml_each(c, n) nr += strcmp(xml_name(c), name) == 0;
	return nr > 1;
}

static struct json *value_of(const struct xml_node *n, bool row, int depth)
{
	struct json *v = json_object();
	struct xml_node *c;
	const char *name, *text = xml_text(n), *attribute;

	for (size_t i = 0; (attribute = xml_attr_at(n, i, &name)); i++) {
		char *prefixed = xasprintf("_%s", name);
		json_set(v, prefixed, scalar(attribute));
		free(prefixed);
	}
	xml_each(c, n)
	{
		if (depth < MAX_NESTING)
			add_member(v, xml_name(c), value_of(c, false, depth + 1),
				stands_twice(n, xml_name(c)));
	}
	if (!json_len(v) && !row) {
		json_free(v);
		return scalar(text);
	}
	if (text[strspn(text, " \t\r\n")])
		json_set(v, "_VALUE", scalar(text));
	return v;
}

bool classify_xml(const char *data, size_t len, bool whole unused_arg, const struct classifier *how,
	struct classified *out)
{
	const char *at = data, *end = data + len, *row = NULL, *from = NULL;
	struct shape *shape = shape_new();
	int64_t rows = 0;

	while (rows < MAX_ROWS && next_row(&at, end, how->row_tag, &row)) {
		struct err bad = ERR_INIT;
		struct xml_doc *doc = xml_parse(row, (size_t)(at - row), &bad);
		struct json *v = doc ? value_of(xml_root(doc), true, 0) : NULL;

		err_release(&bad);
		xml_free(doc);
		if (!v)
			break;
		from = from ? from : row;
		shape_add_value(shape, v, true);
		json_free(v);
		rows++;
	}
	out->columns = shape_columns(shape);
	shape_free(shape);
	if (!json_len(out->columns)) {
		json_free(out->columns);
		out->columns = NULL;
		return false;
	}
	out->classification = how->classification;
	out->how = how;
	out->record_size = (at - from) / rows;
	out->records = rows < MAX_ROWS ? rows : (int64_t)len / out->record_size;
	return true;
}
