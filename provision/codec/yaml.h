/* The guard is not YAML_H: that is libyaml's own. */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

/*
 * YAML (and JSON) files as a tree of nodes with places, in the caller's arena. libyaml is inside.
 * Anchors and merge keys (<<) are resolved; aliases share nodes; a cyclic alias is an error, and so are
 * duplicate keys, more than one document, nesting over 100 and alias expansion over a million nodes.
 * Scalars keep the text that was written. Line and column count from 1.
 */
#include <stdbool.h>
#include <stddef.h>
#include "arena.h"
#include "err.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_pair;
struct yaml_node {
	enum yaml_kind kind;
	const char *tag;  /* "!Ref", "!Sub", … as written for local tags; NULL where none */
	const char *text; /* YAML_SCALAR: the text */
	size_t len;       /* of text, which may hold NUL */
	bool plain;       /* scalar without quotes or block style: may be a number, bool or null */
	struct yaml_node **items; /* YAML_SEQUENCE */
	struct yaml_pair *pairs;  /* YAML_MAPPING, in written order */
	size_t nr;                /* items or pairs */
	int line, column;
};

struct yaml_pair {
	struct yaml_node *key; /* always a scalar */
	struct yaml_node *value;
};

/*
 * `file` is the name for errors, borrowed for the arena's life. A file that starts with '{' or '[' is read as JSON:
 * same tree, tabs and \u surrogate pairs included, `plain` only on numbers, true, false, null.
 * What is no JSON is then tried as YAML's flow style, unless the file's name ends in .json.
 * An empty document gives a mapping with no pairs.
 */
struct yaml_node *yaml_parse(struct arena *arena, const char *file, const char *text, size_t len,
	struct err *err) must_check;
/* The file, at most max_bytes. */
struct yaml_node *yaml_load(
	struct arena *arena, const char *path, size_t max_bytes, struct err *err) must_check;

/* The value under a key of a mapping; NULL where there is none or n is no mapping. */
struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);

/* What a plain scalar means by the YAML 1.1 rules that CloudFormation follows; a quoted one is a string. */
enum yaml_type { YAML_T_NULL, YAML_T_BOOL, YAML_T_INT, YAML_T_FLOAT, YAML_T_STRING };
/*
 * A bool is true, false, yes, no, on or off in lower case, capitalized or in upper case; `y` and `yEs` are strings, and so
 * is a JSON file's "yes". A number is what is also a JSON number, so its text can go into JSON as it stands; 012, 0x1f,
 * 1_000, 1:30, +1 and .5 stay strings.
 */
enum yaml_type yaml_scalar_type(const struct yaml_node *n);
/* What a scalar of YAML_T_BOOL says. */
bool yaml_truth(const struct yaml_node *n);

/*
 * Sets `key` (a dotted-free top-level key) of a YAML mapping file's text to a value, keeping comments, order
 * and everything else byte for byte; appends the key when it is new. `values` with nr > 1 or `list` makes a flow
 * list. The new text goes to `out`. Values are quoted when they need to be.
 */
struct strbuf;
int yaml_edit_set(const char *file, const char *text, size_t len, const char *key,
	const char *const *values, size_t nr, bool list, struct strbuf *out,
	struct err *err) must_check;

#endif
