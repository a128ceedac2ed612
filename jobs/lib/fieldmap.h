#ifndef FIELDMAP_H
#define FIELDMAP_H

/*
 * Which columns of a data set go where, and as what: Glue's ApplyMapping. Names of types are Glue's and Hive's
 * ("long" and "bigint"). A source is a column, or a member of a struct by a dotted name; what it becomes is always a
 * column of its own, also where its name has dots. Pages: "ApplyMapping class", Hive's "LanguageManual Types".
 */
#include "err.h"
#include "strbuf.h"
#include "strvec.h"

struct dataset;
struct dataset_column;

enum field_kind {
	FIELD_STRING,
	FIELD_BOOLEAN,
	FIELD_BYTE,
	FIELD_SHORT,
	FIELD_INT,
	FIELD_LONG,
	FIELD_FLOAT,
	FIELD_DOUBLE,
	FIELD_DECIMAL,
	FIELD_DATE,
	FIELD_TIMESTAMP,
	FIELD_NESTED, /* struct, array and map: JSON text */
};
struct field_type {
	enum field_kind kind;
	int precision, scale; /* of a decimal */
};

struct field {
	char *source; /* as messages show it */
	char *to;
	struct field_type from_type, to_type;
	const struct dataset_column *column; /* by fields_resolve; borrowed from the data set */
	struct strvec members;               /* below the column; empty: the column itself */
};

struct fields {
	struct field *v;
	size_t nr, alloc;
};
#define FIELDS_INIT        \
	{                  \
		NULL, 0, 0 \
	}
void fields_release(struct fields *f);

/* ERR_INVALID for a type that is not known, or cannot be converted (binary). */
int field_type_parse(const char *text, struct field_type *out, struct err *err) must_check;
/* DuckDB's type: "BIGINT"; JSON text is VARCHAR. Appended. */
void field_type_add_sql(struct strbuf *sql, const struct field_type *type);
/* Glue's name of it. */
const char *field_kind_name(enum field_kind kind);

/*
 * "from:fromType:toName:toType", several with ',' (those inside brackets do not count), or a JSON list of such texts or of
 * lists of four, as Glue's scripts have them. Names with '.', ':' or ',' in them may stand in backquotes. ERR_USAGE for anything
 * else, two targets with one name, and types that cannot become each other.
 */
int fields_parse(const char *mapping, struct fields *out, struct err *err) must_check;
/* Finds each source in the data set: ERR_INVALID names the column or the member that is not there. */
int fields_resolve(struct fields *f, const struct dataset *d, struct err *err) must_check;
/* All columns as they are, structs flattened, arrays and maps as text. Resolved. */
int fields_of_dataset(const struct dataset *d, struct fields *out, struct err *err) must_check;

#endif
