#include "yaml.h"

#include <string.h>
#include <yaml.h>
#include "strbuf.h"
#include "yaml_tree.h"

#define STANDARD_TAG "tag:yaml.org,2002:"

struct reader {
	struct yaml_builder *b;
	const char *text;
	yaml_parser_t parser;
	yaml_event_t event;
	bool have_event;
	struct map anchors; /* name -> node */
	size_t merged;      /* pairs that merge keys brought in so far */
	int depth;
};

static struct yaml_node *read_node(struct reader *r);

static int line_of(yaml_mark_t m)
{
	return (int)m.line + 1;
}

static int column_of(yaml_mark_t m)
{
	return (int)m.column + 1;
}

/* libyaml reads ahead in blocks; for bytes that it cannot read it tells only the offset. */
static yaml_mark_t mark_of_byte(const struct reader *r, size_t offset)
{
	yaml_mark_t at = {0};
	for (size_t i = 0; i < offset; i++) {
		unsigned char c = (unsigned char)r->text[i];
		if (c == '\n') {
			at.line++;
			at.column = 0;
		} else if ((c & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

/* libyaml's problem, with where the construct began when that is another line. */
static int parser_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	yaml_mark_t at = p->problem_mark;
	const char *problem = p->problem ? p->problem : "cannot be read";
	if (p->error == YAML_READER_ERROR)
		at = mark_of_byte(r, p->problem_offset);
	if (p->context && p->context_mark.line != at.line)
		return err_at(r->b->err, r->b->file, line_of(at), column_of(at), NULL,
			"%s (%s that starts on line %d)", problem, p->context,
			line_of(p->context_mark));
	return err_at(r->b->err, r->b->file, line_of(at), column_of(at), NULL, "%s%s%s", problem,
		p->context ? " " : "", p->context ? p->context : "");
}

/* The next event becomes the current one. */
static int advance(struct reader *r)
{
	if (r->have_event)
		yaml_event_delete(&r->event);
	r->have_event = yaml_parser_parse(&r->parser, &r->event) == 1;
	return r->have_event ? 0 : parser_error(r);
}

static int error_here(struct reader *r, const char *text)
{
	yaml_mark_t at = r->event.start_mark;
	return err_at(r->b->err, r->b->file, line_of(at), column_of(at), NULL, "%s", text);
}

static struct yaml_node *node_here(struct reader *r, enum yaml_kind kind)
{
	yaml_mark_t at = r->event.start_mark;
	return yaml_node_new(r->b, kind, line_of(at), column_of(at));
}

/* Local tags are kept; the standard ones only say whether a scalar is a string. */
static int set_tag(struct reader *r, struct yaml_node *n, const yaml_char_t *tag)
{
	static const char *const known[] = {
		"str", "int", "float", "bool", "null", "seq", "map", "timestamp", "merge"};
	const char *name = (const char *)tag;
	if (!name)
		return 0;
	if (!strcmp(name, "!")) {
		n->plain = false;
		return 0;
	}
	if (*name == '!') {
		n->tag = arena_strdup(r->b->arena, name);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known) && starts_with(name, STANDARD_TAG); i++) {
		if (!strcmp(name + strlen(STANDARD_TAG), known[i])) {
			n->plain = n->kind == YAML_SCALAR && i != 0;
			return 0;
		}
	}
	return err_at(
		r->b->err, r->b->file, n->line, n->column, NULL, "unsupported tag '%s'", name);
}

static void set_anchor(struct reader *r, struct yaml_node *n, const yaml_char_t *anchor)
{
	if (anchor)
		map_put(&r->anchors, (const char *)anchor, n);
}

static struct yaml_node *read_scalar(struct reader *r)
{
	struct yaml_node *n = node_here(r, YAML_SCALAR);
	yaml_node_text(
		r->b, n, (const char *)r->event.data.scalar.value, r->event.data.scalar.length);
	n->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	set_anchor(r, n, r->event.data.scalar.anchor);
	return set_tag(r, n, r->event.data.scalar.tag) ? NULL : n;
}

static struct yaml_node *read_alias(struct reader *r)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	struct yaml_node *n = map_get(&r->anchors, name);
	yaml_mark_t at = r->event.start_mark;
	r->b->aliases = true;
	if (n && !yaml_box(n)->open)
		return n;
	err_at(r->b->err, r->b->file, line_of(at), column_of(at), NULL,
		n ? "alias '*%s' stands within what it stands for" : "unknown alias '*%s'", name);
	return NULL;
}

static int read_items(struct reader *r, struct yaml_children *c)
{
	for (;;) {
		if (advance(r))
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		struct yaml_node *item = read_node(r);
		if (!item)
			return -1;
		yaml_children_add_item(c, item);
	}
}

static struct yaml_node *read_sequence(struct reader *r)
{
	struct yaml_children c = {0};
	struct yaml_node *n = node_here(r, YAML_SEQUENCE);
	set_anchor(r, n, r->event.data.sequence_start.anchor);
	if (set_tag(r, n, r->event.data.sequence_start.tag))
		return NULL;
	yaml_box(n)->open = true;
	if (read_items(r, &c) || yaml_children_finish(r->b, &c, n))
		n = NULL;
	else
		yaml_box(n)->open = false;
	yaml_children_release(&c);
	return n;
}

static bool is_merge(const struct yaml_node *key)
{
	return key->kind == YAML_SCALAR && key->plain && !key->tag && !strcmp(key->text, "<<");
}

/* Merge pairs are set aside with a NULL key until all written keys are known. */
static int read_pairs(struct reader *r, struct yaml_children *c, bool *merges)
{
	for (;;) {
		if (advance(r))
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		struct yaml_node *key = read_node(r);
		if (!key || advance(r))
			return -1;
		struct yaml_node *value = read_node(r);
		if (!value)
			return -1;
		if (is_merge(key)) {
			*merges = true;
			yaml_children_append(c, NULL, value);
		} else if (yaml_children_add_pair(r->b, c, key, value)) {
			return -1;
		}
	}
}

/* The pairs of `from` that are not there yet. */
static int merge_one(
	struct reader *r, struct yaml_children *to, struct map *keys, const struct yaml_node *from)
{
	if (from->kind != YAML_MAPPING)
		return err_at(r->b->err, r->b->file, from->line, from->column, NULL,
			"a merge key ('<<') wants a mapping or a list of mappings");
	r->merged += from->nr;
	if (r->merged > YAML_MAX_EXPANDED)
		return err_at(r->b->err, r->b->file, from->line, from->column, NULL,
			"merge keys stand for more than %d nodes", YAML_MAX_EXPANDED);
	for (size_t i = 0; i < from->nr; i++) {
		const struct yaml_pair *p = &from->pairs[i];
		if (map_has(keys, p->key->text))
			continue;
		map_put(keys, p->key->text, p->key);
		yaml_children_append(to, p->key, p->value);
	}
	return 0;
}

/* Puts what is merged in its place among the written pairs; written keys win, then earlier merges. */
static int merge_all(struct reader *r, struct yaml_children *c)
{
	struct yaml_children out = {0};
	int ret = -1;
	for (size_t i = 0; i < c->nr; i++) {
		struct yaml_node *value = c->pairs[i].value;
		if (c->pairs[i].key) {
			yaml_children_append(&out, c->pairs[i].key, value);
			continue;
		}
		bool list = value->kind == YAML_SEQUENCE;
		for (size_t k = 0; k < (list ? value->nr : 1); k++)
			if (merge_one(r, &out, &c->by_key, list ? value->items[k] : value))
				goto out;
	}
	struct yaml_children t = *c;
	*c = out;
	out = t;
	ret = 0;
out:
	yaml_children_release(&out);
	return ret;
}

static struct yaml_node *read_mapping(struct reader *r)
{
	struct yaml_children c = {0};
	bool merges = false;
	struct yaml_node *n = node_here(r, YAML_MAPPING);
	set_anchor(r, n, r->event.data.mapping_start.anchor);
	if (set_tag(r, n, r->event.data.mapping_start.tag))
		return NULL;
	yaml_box(n)->open = true;
	if (read_pairs(r, &c, &merges) || (merges && merge_all(r, &c)) ||
		yaml_children_finish(r->b, &c, n))
		n = NULL;
	else
		yaml_box(n)->open = false;
	yaml_children_release(&c);
	return n;
}

/* The node that starts with the current event; its last event is current afterwards. */
static struct yaml_node *read_node(struct reader *r)
{
	struct yaml_node *n = NULL;
	if (r->event.type == YAML_SCALAR_EVENT)
		return read_scalar(r);
	if (r->event.type == YAML_ALIAS_EVENT)
		return read_alias(r);
	if (r->depth >= YAML_MAX_DEPTH) {
		err_at(r->b->err, r->b->file, line_of(r->event.start_mark),
			column_of(r->event.start_mark), NULL, "nested deeper than %d",
			YAML_MAX_DEPTH);
		return NULL;
	}
	r->depth++;
	if (r->event.type == YAML_SEQUENCE_START_EVENT)
		n = read_sequence(r);
	else if (r->event.type == YAML_MAPPING_START_EVENT)
		n = read_mapping(r);
	else
		BUG("unexpected YAML event %d", (int)r->event.type);
	r->depth--;
	return n;
}

/* A document of nothing is an empty mapping. */
static struct yaml_node *read_document(struct reader *r)
{
	if (advance(r) || advance(r)) /* stream start; document start */
		return NULL;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return yaml_node_new(r->b, YAML_MAPPING, 1, 1);
	if (advance(r))
		return NULL;
	struct yaml_node *root = read_node(r);
	if (!root || advance(r) || advance(r)) /* document end; stream end */
		return NULL;
	if (r->event.type != YAML_STREAM_END_EVENT) {
		error_here(r, "a second document begins here; only one is allowed");
		return NULL;
	}
	if (root->kind == YAML_SCALAR && !root->tag && yaml_scalar_type(root) == YAML_T_NULL) {
		root->kind = YAML_MAPPING;
		root->nr = 0;
	}
	return root;
}

static struct yaml_node *parse_yaml(struct yaml_builder *b, const char *text, size_t len)
{
	struct reader r = {.b = b, .text = text};
	if (!yaml_parser_initialize(&r.parser))
		BUG("out of memory");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	struct yaml_node *root = read_document(&r);
	if (r.have_event)
		yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	map_release(&r.anchors);
	return root;
}

/* Of what both readers say, the one that came further knows better. */
static struct err *further(struct err *a, struct err *b)
{
	if (a->code == ERR_NONE || b->code == ERR_NONE)
		return a->code == ERR_NONE ? b : a;
	if (a->line != b->line)
		return a->line > b->line ? a : b;
	return a->column >= b->column ? a : b;
}

struct yaml_node *yaml_parse(
	struct arena *arena, const char *file, const char *text, size_t len, struct err *err)
{
	struct err json_err = ERR_INIT, yaml_err = ERR_INIT;
	struct yaml_builder b = {.arena = arena, .file = file, .err = &json_err};
	struct yaml_node *root = NULL;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	size_t blanks = 0;
	while (blanks < len && memchr(" \t\r\n", text[blanks], 4))
		blanks++;
	bool json = blanks < len && (text[blanks] == '{' || text[blanks] == '[');
	if (json)
		root = yaml_parse_json(&b, text, len);
	if (!root && (!json || !file || !ends_with(file, ".json"))) {
		b.err = &yaml_err;
		root = parse_yaml(&b, text, len);
	}
	if (!root)
		err_move(err, further(&json_err, &yaml_err));
	err_release(&json_err);
	err_release(&yaml_err);
	return root;
}
