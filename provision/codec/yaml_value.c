#include "yaml_value.h"

#include "arena.h"
#include "yaml.h"

static struct json *convert(const char *file, const struct yaml_node *n, struct err *err);

static struct json *scalar(const struct yaml_node *n)
{
	switch (yaml_scalar_type(n)) {
	case YAML_T_NULL:
		return json_null();
	case YAML_T_BOOL:
		return json_bool(yaml_truth(n));
	case YAML_T_INT:
	case YAML_T_FLOAT:
		return json_number_text(n->text);
	case YAML_T_STRING:
		break;
	}
	return json_string_n(n->text, n->len);
}

static struct json *mapping(const char *file, const struct yaml_node *n, struct err *err)
{
	struct json *out = json_object(), *v;

	for (size_t i = 0; i < n->nr; i++) {
		v = convert(file, n->pairs[i].value, err);
		if (!v) {
			json_free(out);
			return NULL;
		}
		json_set(out, n->pairs[i].key->text, v);
	}
	return out;
}

static struct json *sequence(const char *file, const struct yaml_node *n, struct err *err)
{
	struct json *out = json_array(), *v;

	for (size_t i = 0; i < n->nr; i++) {
		v = convert(file, n->items[i], err);
		if (!v) {
			json_free(out);
			return NULL;
		}
		json_push(out, v);
	}
	return out;
}

static struct json *convert(const char *file, const struct yaml_node *n, struct err *err)
{
	if (n->tag) {
		err_at(err, file, n->line, n->column, NULL, "'%s' has no meaning here", n->tag);
		return NULL;
	}
	if (n->kind == YAML_SCALAR)
		return scalar(n);
	return n->kind == YAML_MAPPING ? mapping(file, n, err) : sequence(file, n, err);
}

struct json *yaml_value(const char *file, const char *text, size_t len, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct yaml_node *root = yaml_parse(&arena, file, text, len, err);
	struct json *out = root ? convert(file, root, err) : NULL;

	arena_release(&arena);
	return out;
}
