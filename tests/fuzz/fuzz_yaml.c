#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "strbuf.h"
#include "yaml.h"

static void visit(const struct yaml_node *n, size_t *budget)
{
	if (!*budget)
		return;
	--*budget;
	if (n->line < 1 || n->column < 1)
		abort();
	if (n->kind == YAML_SCALAR && n->text[n->len])
		abort();
	yaml_scalar_type(n);
	for (size_t i = 0; i < n->nr; i++) {
		if (n->kind == YAML_MAPPING && strcmp(n->pairs[i].key->text, "<<") != 0 &&
			yaml_get(n, n->pairs[i].key->text) != n->pairs[i].value)
			abort();
		visit(n->kind == YAML_MAPPING ? n->pairs[i].value : n->items[i], budget);
	}
}

/* Once as a YAML file, once as a .json file, once edited: the edit holds, or is refused. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = {"f.yaml", "f.json"};
	static const char *const values[] = {"x: y", "3.0"};
	const char *text = (const char *)data;
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	for (int i = 0; i < 2; i++) {
		struct yaml_node *n = yaml_parse(&arena, files[i], text, size, &err);
		size_t budget = 20000;
		if (n)
			visit(n, &budget);
		else if (err.code != ERR_USAGE || err.line < 1 || err.column < 1)
			abort();
		err_release(&err);
	}
	struct strbuf out = STRBUF_INIT;
	if (!yaml_edit_set("f.yaml", text, size, "key", values, 2, true, &out, &err)) {
		struct yaml_node *n = yaml_parse(&arena, "f.yaml", out.buf, out.len, NULL);
		if (!n || yaml_get(n, "key")->nr != 2)
			abort();
	}
	err_release(&err);
	strbuf_release(&out);
	arena_release(&arena);
	return 0;
}
