/*
 * XML by its row tag: each element of that name is a record. Its attributes are columns _NAME, its child elements
 * columns by their names (several of one name: an array), text beside either is _VALUE, as Glue reads XML. Rows are cut out of the text one by
 * one, so that a file's first megabyte says enough. A row that closes itself is none, as in Glue.
 */
#include "local_classify.h"
#include "local_shape.h"
#include "map.h"
#include "strbuf.h"
#include "xml.h"
#include <ctype.h>

#define MAX_ROWS 1000
#define MAX_NESTING 64
/* libxml2 compares each attribute of a tag with all before it. */
#define MAX_TAG (64 * 1024)

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

		if (close - p > MAX_TAG)
			return false;
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

/* What is known of the child elements of one name. */
struct member {
	size_t nr;
	struct json *list; /* of several: where they are gathered, the record's */
};

/* By name, as an element may have a hundred thousand children; the map's owner releases it. */
static void count_children(const struct xml_node *n, struct map *members)
{
	struct xml_node *c;

	map_init(members, free);
	xml_each(c, n)
	{
		struct member *m = map_get(members, xml_name(c));

		if (!m) {
			m = xcalloc(1, sizeof(*m));
			map_put(members, xml_name(c), m);
		}
		m->nr++;
	}
}

static void add_child(struct json *to, struct member *m, const char *name, struct json *v)
{
	if (m->nr == 1) {
		json_append(to, name, v);
		return;
	}
	if (!m->list) {
		m->list = json_array();
		json_append(to, name, m->list);
	}
	json_push(m->list, v);
}

/* An element that is called as an attribute would be has the name for itself. */
static void add_attributes(struct json *to, const struct map *members, const struct xml_node *n)
{
	const char *name, *attribute;

	for (size_t i = 0; (attribute = xml_attr_at(n, i, &name)); i++) {
		char *prefixed = xasprintf("_%s", name);

		if (!map_has(members, prefixed))
			json_set(to, prefixed, scalar(attribute));
		free(prefixed);
	}
}

static struct json *value_of(const struct xml_node *n, bool row, int depth)
{
	struct json *v = json_object();
	struct map members;
	struct xml_node *c;
	const char *text = xml_text(n);

	count_children(n, &members);
	add_attributes(v, &members, n);
	xml_each(c, n)
	{
		if (depth < MAX_NESTING)
			add_child(v, map_get(&members, xml_name(c)), xml_name(c),
				value_of(c, false, depth + 1));
	}
	map_release(&members);
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
