#include "yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include "fs.h"
#include "json_lex.h"

struct yaml_node *yaml_node_new(struct yaml_builder *b, enum yaml_kind kind, int line, int column)
{
	struct yaml_box *box = arena_alloc(b->arena, sizeof(*box));
	box->node.kind = kind;
	box->node.line = line;
	box->node.column = column;
	box->expanded = 1;
	return &box->node;
}

void yaml_node_text(struct yaml_builder *b, struct yaml_node *n, const char *text, size_t len)
{
	n->text = arena_strndup(b->arena, text, len);
	n->len = len;
}

struct yaml_box *yaml_box(struct yaml_node *n)
{
	return (struct yaml_box *)n;
}

void yaml_children_release(struct yaml_children *c)
{
	free(c->items);
	free(c->pairs);
	map_release(&c->by_key);
	*c = (struct yaml_children){0};
}

void yaml_children_add_item(struct yaml_children *c, struct yaml_node *item)
{
	ALLOC_GROW(c->items, c->nr, c->alloc);
	c->items[c->nr++] = item;
}

void yaml_children_append(struct yaml_children *c, struct yaml_node *key, struct yaml_node *value)
{
	ALLOC_GROW(c->pairs, c->nr, c->alloc);
	c->pairs[c->nr++] = (struct yaml_pair){key, value};
}

static int check_key(struct yaml_builder *b, struct yaml_children *c, const struct yaml_node *key)
{
	if (key->kind != YAML_SCALAR)
		return err_at(b->err, b->file, key->line, key->column, NULL,
			"a mapping's key must be a scalar");
	if (strlen(key->text) != key->len)
		return err_at(b->err, b->file, key->line, key->column, NULL,
			"a mapping's key may not hold a NUL character");
	const struct yaml_node *first = map_get(&c->by_key, key->text);
	if (first)
		return err_at(b->err, b->file, key->line, key->column, NULL,
			"duplicate key '%s' (first on line %d)", key->text, first->line);
	return 0;
}

int yaml_children_add_pair(struct yaml_builder *b, struct yaml_children *c, struct yaml_node *key,
	struct yaml_node *value)
{
	if (check_key(b, c, key))
		return -1;
	map_put(&c->by_key, key->text, key);
	yaml_children_append(c, key, value);
	return 0;
}

int yaml_children_finish(struct yaml_builder *b, struct yaml_children *c, struct yaml_node *n)
{
	struct yaml_box *box = yaml_box(n);
	n->nr = c->nr;
	if (n->kind == YAML_SEQUENCE) {
		n->items = arena_alloc(b->arena, c->nr * sizeof(*c->items));
		if (c->nr)
			memcpy(n->items, c->items, c->nr * sizeof(*c->items));
	} else {
		n->pairs = arena_alloc(b->arena, c->nr * sizeof(*c->pairs));
		if (c->nr)
			memcpy(n->pairs, c->pairs, c->nr * sizeof(*c->pairs));
	}
	for (size_t i = 0; i < c->nr; i++) {
		struct yaml_node *child =
			n->kind == YAML_SEQUENCE ? n->items[i] : n->pairs[i].value;
		box->expanded += yaml_box(child)->expanded;
		if (b->aliases && box->expanded > YAML_MAX_EXPANDED)
			return err_at(b->err, b->file, n->line, n->column, NULL,
				"aliases stand for more than %d nodes", YAML_MAX_EXPANDED);
	}
	return 0;
}

struct yaml_node *yaml_load(
	struct arena *arena, const char *path, size_t max_bytes, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct yaml_node *root = NULL;
	if (!fs_read(path, max_bytes, &text, err))
		root = yaml_parse(arena, path, text.buf, text.len, err);
	strbuf_release(&text);
	return root;
}

struct yaml_node *yaml_get(const struct yaml_node *n, const char *key)
{
	if (!n || n->kind != YAML_MAPPING)
		return NULL;
	for (size_t i = 0; i < n->nr; i++)
		if (!strcmp(n->pairs[i].key->text, key))
			return n->pairs[i].value;
	return NULL;
}

bool yaml_truth(const struct yaml_node *n)
{
	return iequals(n->text, "true") || iequals(n->text, "yes") || iequals(n->text, "on");
}

/* "word", "Word" or "WORD" */
static bool is_usual_case(const char *word)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
	size_t len = strlen(word), low = strspn(word + 1, lower);
	return low + 1 == len || (!strchr(lower, *word) && !low && !strpbrk(word, lower));
}

enum yaml_type yaml_scalar_type(const struct yaml_node *n)
{
	static const struct {
		const char *text;
		enum yaml_type type;
	} words[] = {{"null", YAML_T_NULL}, {"true", YAML_T_BOOL}, {"false", YAML_T_BOOL},
		{"yes", YAML_T_BOOL}, {"no", YAML_T_BOOL}, {"on", YAML_T_BOOL},
		{"off", YAML_T_BOOL}};
	if (!n || n->kind != YAML_SCALAR || !n->plain)
		return YAML_T_STRING;
	if (!*n->text || !strcmp(n->text, "~"))
		return YAML_T_NULL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (iequals(n->text, words[i].text) && is_usual_case(n->text))
			return words[i].type;
	if (json_number_len(n->text, n->len) != n->len)
		return YAML_T_STRING;
	return n->text[strcspn(n->text, ".eE")] ? YAML_T_FLOAT : YAML_T_INT;
}
