#include "json_lex.h"
#include "yaml_tree.h"

/* A JSON file as YAML nodes: libyaml knows neither tabs everywhere nor surrogate pairs. */

struct reader {
	struct yaml_builder *b;
	struct json_lex lex;
	int depth;
};

static struct yaml_node *read_value(struct reader *r);

static int advance(struct reader *r)
{
	return json_lex_next(&r->lex, r->b->err);
}

static struct yaml_node *node_here(struct reader *r, enum yaml_kind kind)
{
	return yaml_node_new(r->b, kind, r->lex.token_line, r->lex.token_column);
}

static struct yaml_node *scalar_here(struct reader *r)
{
	static const char *const words[] = {[JSON_TOKEN_TRUE] = "true",
		[JSON_TOKEN_FALSE] = "false",
		[JSON_TOKEN_NULL] = "null"};
	struct yaml_node *n = node_here(r, YAML_SCALAR);
	n->plain = r->lex.kind != JSON_TOKEN_STRING;
	if (r->lex.kind == JSON_TOKEN_STRING || r->lex.kind == JSON_TOKEN_NUMBER)
		yaml_node_text(r->b, n, r->lex.value.buf, r->lex.value.len);
	else
		yaml_node_text(r->b, n, words[r->lex.kind], strlen(words[r->lex.kind]));
	return n;
}

static int read_item(struct reader *r, struct yaml_children *c)
{
	struct yaml_node *n = read_value(r);
	if (!n)
		return -1;
	yaml_children_add_item(c, n);
	return advance(r);
}

static int read_pair(struct reader *r, struct yaml_children *c)
{
	if (r->lex.kind != JSON_TOKEN_STRING)
		return json_lex_unexpected(&r->lex, "a member's name in quotes", r->b->err);
	struct yaml_node *key = scalar_here(r);
	if (advance(r))
		return -1;
	if (r->lex.kind != JSON_TOKEN_COLON)
		return json_lex_unexpected(&r->lex, "':'", r->b->err);
	if (advance(r))
		return -1;
	struct yaml_node *value = read_value(r);
	if (!value || yaml_children_add_pair(r->b, c, key, value))
		return -1;
	return advance(r);
}

static int read_children(struct reader *r, struct yaml_children *c, bool array)
{
	enum json_token_kind close = array ? JSON_TOKEN_CLOSE_ARRAY : JSON_TOKEN_CLOSE_OBJECT;
	if (advance(r))
		return -1;
	if (r->lex.kind == close)
		return 0;
	for (;;) {
		if (array ? read_item(r, c) : read_pair(r, c))
			return -1;
		if (r->lex.kind == close)
			return 0;
		if (r->lex.kind != JSON_TOKEN_COMMA)
			return json_lex_unexpected(
				&r->lex, array ? "',' or ']'" : "',' or '}'", r->b->err);
		if (advance(r))
			return -1;
	}
}

static struct yaml_node *read_container(struct reader *r)
{
	struct yaml_children c = {0};
	bool array = r->lex.kind == JSON_TOKEN_OPEN_ARRAY;
	struct yaml_node *n = node_here(r, array ? YAML_SEQUENCE : YAML_MAPPING);
	if (r->depth >= YAML_MAX_DEPTH) {
		json_lex_error(&r->lex, r->b->err, "nested deeper than %d", YAML_MAX_DEPTH);
		return NULL;
	}
	r->depth++;
	if (read_children(r, &c, array) || yaml_children_finish(r->b, &c, n))
		n = NULL;
	r->depth--;
	yaml_children_release(&c);
	return n;
}

static struct yaml_node *read_value(struct reader *r)
{
	switch (r->lex.kind) {
	case JSON_TOKEN_OPEN_OBJECT:
	case JSON_TOKEN_OPEN_ARRAY:
		return read_container(r);
	case JSON_TOKEN_STRING:
	case JSON_TOKEN_NUMBER:
	case JSON_TOKEN_TRUE:
	case JSON_TOKEN_FALSE:
	case JSON_TOKEN_NULL:
		return scalar_here(r);
	default:
		json_lex_unexpected(&r->lex, "a value", r->b->err);
		return NULL;
	}
}

struct yaml_node *yaml_parse_json(struct yaml_builder *b, const char *text, size_t len)
{
	struct reader r = {.b = b};
	struct yaml_node *root = NULL;
	json_lex_init(&r.lex, b->file, text, len);
	if (!advance(&r))
		root = read_value(&r);
	if (root && advance(&r))
		root = NULL;
	if (root && r.lex.kind != JSON_TOKEN_END) {
		json_lex_unexpected(&r.lex, "the end of the file", b->err);
		root = NULL;
	}
	json_lex_release(&r.lex);
	return root;
}
