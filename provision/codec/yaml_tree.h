#ifndef YAML_TREE_H
#define YAML_TREE_H

/* Building the nodes of yaml.h, for the two readers of this layer (YAML and JSON). */
#include "arena.h"
#include "err.h"
#include "map.h"
#include "yaml.h"

#define YAML_MAX_DEPTH 100
#define YAML_MAX_EXPANDED 1000000

/* A node with what only its maker needs. */
struct yaml_box {
	struct yaml_node node;
	size_t expanded; /* nodes in it, with each alias counted as what it stands for */
	bool open;       /* still being read: an alias to it would be a cycle */
};

struct yaml_builder {
	struct arena *arena;
	const char *file;
	struct err *err;
	bool aliases; /* some were used */
};

struct yaml_node *yaml_node_new(struct yaml_builder *b, enum yaml_kind kind, int line, int column);
void yaml_node_text(struct yaml_builder *b, struct yaml_node *n, const char *text, size_t len);
struct yaml_box *yaml_box(struct yaml_node *n);

/* The children of a sequence or mapping while they are gathered; {0} is empty. */
struct yaml_children {
	struct yaml_node **items;
	struct yaml_pair *pairs;
	size_t nr, alloc;
	struct map by_key; /* key -> its node */
};
void yaml_children_release(struct yaml_children *c);
void yaml_children_add_item(struct yaml_children *c, struct yaml_node *item);
/* An error at the key's place when it is there already. */
int yaml_children_add_pair(struct yaml_builder *b, struct yaml_children *c, struct yaml_node *key,
	struct yaml_node *value) must_check;
/* Without an error or a check: a merged pair, or a merge key itself. */
void yaml_children_append(struct yaml_children *c, struct yaml_node *key, struct yaml_node *value);
/* Moves them into the node. An error when the aliases below it stand for too much. */
int yaml_children_finish(
	struct yaml_builder *b, struct yaml_children *c, struct yaml_node *n) must_check;

/* yaml_json.c: the text as JSON. */
struct yaml_node *yaml_parse_json(struct yaml_builder *b, const char *text, size_t len) must_check;

#endif
