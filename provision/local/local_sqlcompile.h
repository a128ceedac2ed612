#ifndef LOCAL_SQLCOMPILE_H
#define LOCAL_SQLCOMPILE_H

/*
 * Inside the SQL compiler (local_sqlmap.h): its state, scopes and expressions, shared by
 * local_sqlquery.c (FROM, SELECT, set operations), local_sqlview.c (views of the catalog), local_sqlexpr.c (expressions),
 * local_sqlname.c (columns, fields of rows, UNNEST) and local_sqlfunc.c (the table).
 * All memory is the plan's arena; SQL texts are pieces that can stand as an operand anywhere.
 */
#include "local_sqlmap.h"

struct sqlexpr {
	const struct sqltype *type;
	const char *sql;
	const char *literal; /* a string literal's value, or an integer literal's digits */
};

struct sqlcolumn {
	const char *relation; /* its table's alias or name, lower case; NULL: none */
	const char *schema;   /* of a table used without alias */
	const char *name;     /* lower case */
	const struct sqltype *type;
	const char *sql;
	struct sqlplan_scan *scan; /* where it comes straight from the catalog */
	size_t scan_column;
	bool hidden; /* the right side of USING: not in `*` */
};

struct sqlscope {
	struct sqlcolumn *v;
	size_t nr, alloc;
	const struct sqlscope *outer;   /* of the query around, for correlated ones */
	const struct sqlscope *aliases; /* output names that come before the columns (ORDER BY) */
};

struct sqlcte {
	const char *name, *sql_name;
	struct sqlplan_column *columns;
	size_t nr_columns;
	const struct sqlcte *next;
};

struct sqlc {
	const struct sqlmap_env *env;
	struct sqlplan *plan;
	struct arena *arena;
	struct err *err;
	const struct sqlcte *ctes;
	int next_id;
	int depth, views;               /* how deep in queries, in views */
	int views_used;                 /* of all: views of views twice over grow without end */
	bool saw_aggregate, saw_window; /* since last reset */
	bool in_aggregate;
	/* What the piece being compiled refers to, for pruning by partition. */
	struct sqlplan_scan *refs_scan;
	bool refs_mixed;
};

/* The result of a query: text of a SELECT whose columns are named c0, c1, … */
struct sqlquery {
	const char *sql;
	struct sqlplan_column *columns;
	size_t nr;
};

#define SQLC_MAX_DEPTH 100

size_t sqlc_location(const struct json *node);
/* CODE: line L:C: text. Returns -1. */
int sqlc_error(struct sqlc *c, const struct json *node, const char *code, const char *fmt, ...)
	printf_like(4, 5);
int sqlc_refuse(struct sqlc *c, const struct json *node, const char *what);
const char *sqlc_type_name(struct sqlc *c, const struct sqltype *t);
const char *sqlc_lower(struct sqlc *c, const char *s);
const char *sqlc_quote(struct sqlc *c, const char *text); /* 'it''s' */

int sqlc_query(struct sqlc *c, const struct json *node, const struct sqlscope *outer,
	struct sqlquery *out) must_check;
int sqlc_expr(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	struct sqlexpr *out) must_check;
int sqlc_order(struct sqlc *c, const struct sqlscope *scope, const struct json *order,
	struct strbuf *out) must_check;
/* Converts without being asked, as far as Trino does; the caller has checked that it may. */
const char *sqlc_coerce(struct sqlc *c, const struct sqlexpr *e, const struct sqltype *to);
int sqlc_boolean(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	const char *where, const char **sql) must_check;
int sqlc_cast(struct sqlc *c, const struct json *node, const struct sqlexpr *from,
	const struct sqltype *to, bool try_cast, struct sqlexpr *out) must_check;
/* A COLUMN_REF and a STRUCT_EXTRACT node of the tree. */
int sqlc_column_ref(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	struct sqlexpr *out) must_check;
int sqlc_field_of(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	struct sqlexpr *out) must_check;
/* UNNEST of arrays and maps in FROM: its columns c0, c1, … and the text of a relation without name. */
int sqlc_unnest(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	struct sqlplan_column **columns, size_t *nr, const char **sql) must_check;
/* A CAST node of the tree. */
int sqlc_cast_node(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	struct sqlexpr *out) must_check;
/* The one statement of a tree. */
int sqlc_statement(struct sqlc *c, const struct json *tree, struct sqlquery *query) must_check;
/* Adds a scan of database.table to the plan; of a view (*out NULL) its query, compiled where it stands, with the view's columns. */
int sqlc_open_table(struct sqlc *c, const struct json *node, const char *database,
	const char *table, struct sqlplan_scan **out, struct sqlquery *view) must_check;
/* The query of a catalog's view; `doc` is its Glue Table. */
int sqlc_open_view(struct sqlc *c, const struct json *node, const char *database, const char *name,
	const struct json *doc, struct sqlquery *out) must_check;
/* Arithmetic: + - * / % by Trino's rules. */
int sqlc_arithmetic(struct sqlc *c, const struct json *node, const char *op, struct sqlexpr *a,
	struct sqlexpr *b, struct sqlexpr *out) must_check;
/* A call by the function table. `suffix` is what follows an aggregate: " FILTER (…)" and " OVER (…)". */
int sqlc_call(struct sqlc *c, const struct json *node, const char *name, struct sqlexpr *args,
	size_t nr, bool distinct, const char *order, const char *suffix, bool window,
	struct sqlexpr *out) must_check;
bool sqlfunc_is_aggregate(const char *name);
const char *sqlc_decimal_division(
	struct sqlc *c, const char *a, int sa, const char *b, int sb, int scale);

#endif
