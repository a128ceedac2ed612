#ifndef WORKER_JSON_H
#define WORKER_JSON_H

/*
 * Lines of JSON as rows, as the two JSON SerDes that Athena documents read them ("Hive JSON SerDe", "OpenX JSON SerDe",
 * Amazon Athena User Guide). Keys of objects are matched with columns and with the fields of structs by name.
 *
 * OpenX: a key's case does not count unless "case.insensitive" is false; "mapping.COLUMN" names another key, "dots.in.keys" lets
 * a_b stand for "a.b"; a line that is no object or array is a row of nulls, one that is malformed is HIVE_CURSOR_ERROR, or
 * a row of nulls with "ignore.malformed.json"; an array's elements are the columns by position; what follows the value is passed over.
 * Hive: the name's case does not count, keys of maps are kept, a value must have its type's JSON form.
 * Both: no key twice in an object; a value that is none of its type is HIVE_BAD_DATA; null and missing keys are null.
 */
#include "worker.h"

struct json_options {
	bool hive;                  /* org.apache.hive.hcatalog.data.JsonSerDe */
	bool fold;                  /* case does not count */
	bool dots;                  /* dots.in.keys */
	bool ignore;                /* ignore.malformed.json */
	const struct json *mapping; /* name, lower case -> key; borrowed */
};

/* The line's value, the caller's; NULL: a row of nulls. */
int json_line(const struct json_options *o, const char *line, size_t len, struct json **out,
	struct err *err) must_check;

/* A column or what is inside it: the tree of its type. A row is a struct of its columns. */
struct json_type {
	duckdb_type id;
	duckdb_logical_type logical; /* of columns */
	struct text_column scalar;
	bool supported; /* with all that is inside */
	size_t column;  /* its column's number, for messages */
	char **names;   /* of a struct's fields: the keys to look for */
	bool *mapped;
	struct json_type *children; /* element; key and value; fields */
	size_t nr;
};

struct json_scan {
	struct json_options options;
	struct json_type row;
};
/* The request's "json": {"hive","fold","dots","ignore","mapping"}; borrowed, as are the columns. The first `nr` are the files'. */
struct json_scan *json_scan_new(struct session *s, const struct json *options,
	const struct json *columns, size_t nr, struct err *err) must_check;
void json_scan_free(struct json_scan *j);

/*
 * The i-th field of an object (or element of an array), NULL when there is none. `at` remembers where the last key was
 * found, NULL at a value's start: most lines have their keys in the columns' order.
 */
const struct json *json_field(const struct json_options *o, const struct json_type *t, size_t i,
	const struct json *v, struct json **at);
/* Writes a value (NULL: null) to a row of a vector. */
int json_put(const struct json_options *o, const struct json_type *t, const struct json *v,
	duckdb_vector vector, idx_t row, struct err *err) must_check;

#endif
