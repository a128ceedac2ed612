#ifndef LOCAL_SQLMAP_H
#define LOCAL_SQLMAP_H

/*
 * Athena's SQL (Trino's) turned into DuckDB's. DuckDB's own parser reads the statement (in the worker), here its tree is
 * resolved against the catalog, typed by Trino's rules, and written anew as DuckDB SQL in which every difference is spelled
 * out. What has no row in the tables of this module is refused as NOT_SUPPORTED by name: no answer is better than a
 * wrong one. Error texts are Athena's StateChangeReason.
 */
#include <stdbool.h>
#include <stdint.h>
#include "arena.h"
#include "err.h"
#include "json.h"
#include "local_sqltype.h"
#include "strbuf.h"
#include "strvec.h"

/*
 * Before parsing: refuses what DuckDB's grammar takes and Trino's does not, and marks types whose length DuckDB's tree
 * would lose ("varchar(10)" becomes a user type "varchar_10") without moving any other byte. A last ';' is blanked.
 */
int sqlmap_prepare(const char *sql, struct strbuf *out, struct err *err) must_check;

/* The Glue Table of database.table; ERR_NOT_FOUND when there is none. *doc is the caller's. */
typedef int sqlmap_table_fn(
	void *payload, const char *database, const char *table, struct json **doc, struct err *err);

/* The tree of a view's query, the caller's. */
typedef int sqlmap_parse_fn(void *payload, const char *sql, struct json **tree, struct err *err);

struct sqlmap_env {
	const char *sql;      /* as the user wrote it */
	const char *database; /* of the query's context; NULL: none */
	int64_t now_ms;
	sqlmap_table_fn *table;
	sqlmap_parse_fn *parse; /* NULL: views are refused */
	void *payload;
};

struct sqlplan_column {
	const char *name;
	const struct sqltype *type;
	bool used;
};

/* One use of a catalog table: the worker makes a view "t<index>" with columns c0, c1, … (partition keys last). */
struct sqlplan_scan {
	struct json *doc; /* the Glue Table */
	const char *database, *table;
	struct sqlplan_column *columns;
	size_t nr_columns, nr_partition_keys;
	struct strvec
		prune; /* conditions on partition columns of "r<alias>" that may be asked of the file list alone */
	int alias;
};

struct sqlplan {
	struct arena arena;
	char *sql;
	struct sqlplan_column *columns; /* of the result */
	size_t nr_columns;
	struct sqlplan_scan **scans;
	size_t nr_scans, alloc_scans;
	struct strvec
		divisions; /* "s1 s2 s": decimal divisions that the worker must provide as decdiv_s1_s2_s() */
	struct json *kept; /* what the columns' names stand in: trees, views */
};

void sqlplan_init(struct sqlplan *p);
void sqlplan_release(struct sqlplan *p);
/* `tree` is what json_serialize_sql() gave. */
int sqlmap_compile(const struct json *tree, const struct sqlmap_env *env, struct sqlplan *plan,
	struct err *err) must_check;

/* "SYNTAX_ERROR: line 1:8: …" for a parser's message at byte `offset` of the statement. */
int sqlmap_syntax_error(const char *sql, size_t offset, const char *what, struct err *err);
/* Line and column from 1 of a byte offset. */
void sqlmap_place(const char *sql, size_t offset, int *line, int *column);

#endif
