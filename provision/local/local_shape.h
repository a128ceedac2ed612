#ifndef LOCAL_SHAPE_H
#define LOCAL_SHAPE_H

/*
 * The shape of values: a Hive type as a tree that values and other types are merged into, by the rules of Glue's crawler.
 * Numbers widen (int, bigint, double); structs are merged member by member; arrays by what is in them; what is null says
 * nothing; all else that differs becomes string. A shape has one owner.
 */
#include "json.h"

struct shape;

struct shape *shape_new(void); /* that of null: "void" */
void shape_free(struct shape *s);
/* "struct<a:int>" as a shape; what is no known type is kept as it stands. */
struct shape *shape_parse(const char *type);
/* Merges a JSON value; names of an outermost object's members are lower-cased when `lower`. */
void shape_add_value(struct shape *s, const struct json *v, bool lower);
void shape_add(struct shape *into, const struct shape *from);
void shape_print(const struct shape *s, struct strbuf *out);

bool shape_is_struct(const struct shape *s);
bool shape_is_array(const struct shape *s);
/* A struct's members as columns, [{"Name","Type"}], and "Path" where the member's name is in another case; an array otherwise
 * empty. */
struct json *shape_columns(const struct shape *s);

/* What two sources call by one name: `into` gets the columns of `from`. */
void columns_merge(struct json *into, const struct json *from);
/* Columns in which nothing was ever seen are strings, at any depth. */
void columns_settle(struct json *columns);

#endif
