#ifndef LOCAL_SQLTYPE_H
#define LOCAL_SQLTYPE_H

/*
 * SQL types as Athena (Trino) has them, from the names that the Glue catalog gives (Hive's), and as DuckDB spells
 * them. Types live in the caller's arena; the scalar ones without parameters are static.
 */
#include <stdbool.h>
#include <stddef.h>
#include "arena.h"
#include "err.h"
#include "strbuf.h"

enum sqlkind {
	SQL_UNKNOWN, /* of a bare NULL */
	SQL_BOOLEAN,
	SQL_TINYINT,
	SQL_SMALLINT,
	SQL_INTEGER,
	SQL_BIGINT,
	SQL_DECIMAL,
	SQL_REAL,
	SQL_DOUBLE,
	SQL_VARCHAR,
	SQL_CHAR,
	SQL_VARBINARY,
	SQL_DATE,
	SQL_TIMESTAMP,
	SQL_TIMESTAMP_TZ, /* kept as a timestamp in UTC */
	SQL_INTERVAL_DAY,
	SQL_INTERVAL_MONTH,
	SQL_ARRAY,
	SQL_MAP,
	SQL_ROW,
};

struct sqltype {
	enum sqlkind kind;
	int p, s;                            /* decimal(p,s); varchar(p) and char(p), 0: no limit */
	const struct sqltype *a, *b;         /* array's element; map's key and value */
	const struct sqltype *const *fields; /* row's */
	const char *const *names;
	size_t nr;
};

const struct sqltype *sqltype_plain(enum sqlkind kind);
const struct sqltype *sqltype_decimal(struct arena *arena, int p, int s);
const struct sqltype *sqltype_text(struct arena *arena, enum sqlkind kind, int length);
const struct sqltype *sqltype_array(struct arena *arena, const struct sqltype *element);

/* "decimal(10,2)", "array<struct<a:int,b:string>>"; ERR_INVALID for what is no Hive type. */
int sqltype_from_hive(struct arena *arena, const char *text, const struct sqltype **out,
	struct err *err) must_check;
/* As Trino prints it: "decimal(10,2)", "timestamp(3)". */
void sqltype_print(const struct sqltype *t, struct strbuf *out);
/* As the catalog names it; -1: it has no name for it (intervals, times with a zone). */
int sqltype_hive(const struct sqltype *t, struct strbuf *out) must_check;
/* As DuckDB's SQL names it. */
void sqltype_duck(const struct sqltype *t, struct strbuf *out);
/* "varchar", "integer", … with precision and scale, as Athena's ColumnInfo gives them. */
const char *sqltype_athena(const struct sqltype *t, int *precision, int *scale);

bool sqltype_is_integer(const struct sqltype *t);
bool sqltype_is_number(const struct sqltype *t);
bool sqltype_is_text(const struct sqltype *t);
bool sqltype_is_time(const struct sqltype *t); /* date or timestamp */
bool sqltype_equal(const struct sqltype *a, const struct sqltype *b);
/* The type that both convert to without being asked, or NULL. */
const struct sqltype *sqltype_common(
	struct arena *arena, const struct sqltype *a, const struct sqltype *b);
/* Of an integer type, its decimal(p,0); of a decimal, itself. */
const struct sqltype *sqltype_as_decimal(struct arena *arena, const struct sqltype *t);

#endif
