#include "local_sqltype.h"
#include <ctype.h>

struct plain {
	struct sqltype type;
	const char *trino, *duck, *athena;
	int precision; /* as Athena's ColumnInfo has it */
};

/* By enum sqlkind. */
static const struct plain plains[] = {
	[SQL_UNKNOWN] = {{.kind = SQL_UNKNOWN}, "unknown", "INTEGER", "unknown", 0},
	[SQL_BOOLEAN] = {{.kind = SQL_BOOLEAN}, "boolean", "BOOLEAN", "boolean", 0},
	[SQL_TINYINT] = {{.kind = SQL_TINYINT}, "tinyint", "TINYINT", "tinyint", 3},
	[SQL_SMALLINT] = {{.kind = SQL_SMALLINT}, "smallint", "SMALLINT", "smallint", 5},
	[SQL_INTEGER] = {{.kind = SQL_INTEGER}, "integer", "INTEGER", "integer", 10},
	[SQL_BIGINT] = {{.kind = SQL_BIGINT}, "bigint", "BIGINT", "bigint", 19},
	[SQL_DECIMAL] = {{.kind = SQL_DECIMAL, .p = 38}, "decimal", "DECIMAL", "decimal", 38},
	[SQL_REAL] = {{.kind = SQL_REAL}, "real", "REAL", "float", 17},
	[SQL_DOUBLE] = {{.kind = SQL_DOUBLE}, "double", "DOUBLE", "double", 17},
	[SQL_VARCHAR] = {{.kind = SQL_VARCHAR}, "varchar", "VARCHAR", "varchar", 2147483647},
	[SQL_CHAR] = {{.kind = SQL_CHAR, .p = 1}, "char", "VARCHAR", "char", 1},
	[SQL_VARBINARY] = {{.kind = SQL_VARBINARY}, "varbinary", "BLOB", "varbinary", 1073741824},
	[SQL_DATE] = {{.kind = SQL_DATE}, "date", "DATE", "date", 0},
	[SQL_TIMESTAMP] = {{.kind = SQL_TIMESTAMP}, "timestamp(3)", "TIMESTAMP", "timestamp", 3},
	[SQL_TIMESTAMP_TZ] = {{.kind = SQL_TIMESTAMP_TZ}, "timestamp(3) with time zone",
		"TIMESTAMP", "timestamp with time zone", 3},
	[SQL_INTERVAL_DAY] = {{.kind = SQL_INTERVAL_DAY}, "interval day to second", "INTERVAL",
		"interval day to second", 0},
	[SQL_INTERVAL_MONTH] = {{.kind = SQL_INTERVAL_MONTH}, "interval year to month", "INTERVAL",
		"interval year to month", 0},
	[SQL_ARRAY] = {{.kind = SQL_ARRAY}, "array", "", "array", 0},
	[SQL_MAP] = {{.kind = SQL_MAP}, "map", "", "map", 0},
	[SQL_ROW] = {{.kind = SQL_ROW}, "row", "", "row", 0},
};

/* Hive's names of types without parameters, sorted. */
static const struct {
	const char *name;
	enum sqlkind kind;
} hive_names[] = {
	{"bigint", SQL_BIGINT},
	{"binary", SQL_VARBINARY},
	{"boolean", SQL_BOOLEAN},
	{"date", SQL_DATE},
	{"double", SQL_DOUBLE},
	{"float", SQL_REAL},
	{"int", SQL_INTEGER},
	{"integer", SQL_INTEGER},
	{"smallint", SQL_SMALLINT},
	{"string", SQL_VARCHAR},
	{"timestamp", SQL_TIMESTAMP},
	{"tinyint", SQL_TINYINT},
};

const struct sqltype *sqltype_plain(enum sqlkind kind)
{
	return &plains[kind].type;
}

static struct sqltype *make(struct arena *arena, enum sqlkind kind)
{
	struct sqltype *t = arena_alloc(arena, sizeof(*t));
	t->kind = kind;
	return t;
}

const struct sqltype *sqltype_decimal(struct arena *arena, int p, int s)
{
	struct sqltype *t = make(arena, SQL_DECIMAL);
	t->p = p > 38 ? 38 : p;
	t->s = s;
	return t;
}

const struct sqltype *sqltype_text(struct arena *arena, enum sqlkind kind, int length)
{
	struct sqltype *t = make(arena, kind);
	t->p = length;
	return t;
}

const struct sqltype *sqltype_array(struct arena *arena, const struct sqltype *element)
{
	struct sqltype *t = make(arena, SQL_ARRAY);
	t->a = element;
	return t;
}

/* --- Hive's type names: one recursive parser over a cursor --- */
#define MAX_TYPE_DEPTH 32

struct cursor {
	struct arena *arena;
	const char *at;
	int depth;
};

static const struct sqltype *parse_hive(struct cursor *c);

static void blanks(struct cursor *c)
{
	while (*c->at == ' ')
		c->at++;
}

static bool take(struct cursor *c, char ch)
{
	blanks(c);
	if (*c->at != ch)
		return false;
	c->at++;
	return true;
}

static bool number(struct cursor *c, int *out)
{
	int n = 0, digits = 0;

	blanks(c);
	for (; isdigit((unsigned char)*c->at) && digits < 9; c->at++, digits++)
		n = n * 10 + (*c->at - '0');
	*out = n;
	return digits > 0;
}

/* The word at the cursor, lower case, in the arena. */
static char *word(struct cursor *c)
{
	const char *from;
	char *w;

	blanks(c);
	from = c->at;
	while (isalnum((unsigned char)*c->at) || *c->at == '_')
		c->at++;
	w = arena_strndup(c->arena, from, (size_t)(c->at - from));
	lower_ascii(w);
	return w;
}

static const struct sqltype *parse_decimal(struct cursor *c)
{
	int p = 10, s = 0;

	if (take(c, '(')) {
		if (!number(c, &p) || (take(c, ',') && !number(c, &s)) || !take(c, ')'))
			return NULL;
	}
	return p >= 1 && p <= 38 && s <= p ? sqltype_decimal(c->arena, p, s) : NULL;
}

static const struct sqltype *parse_text(struct cursor *c, enum sqlkind kind)
{
	int n = kind == SQL_CHAR ? 1 : 0;

	if (take(c, '(') && (!number(c, &n) || !take(c, ')') || n < 1))
		return NULL;
	return sqltype_text(c->arena, kind, n);
}

static const struct sqltype *parse_row(struct cursor *c)
{
	enum { MAX_FIELDS = 1024 };
	struct sqltype *t = make(c->arena, SQL_ROW);
	const struct sqltype **fields = NULL;
	const char **names = NULL;
	size_t alloc = 0;

	do {
		const char *from;
		if (t->nr == alloc) {
			size_t more = alloc ? alloc * 2 : 8;
			const struct sqltype **f = arena_alloc(c->arena, more * sizeof(void *));
			const char **n = arena_alloc(c->arena, more * sizeof(void *));
			for (size_t i = 0; i < t->nr; i++) {
				f[i] = fields[i];
				n[i] = names[i];
			}
			fields = f;
			names = n;
			alloc = more;
		}
		blanks(c);
		from = c->at;
		while (*c->at && *c->at != ':' && *c->at != '>' && *c->at != ',')
			c->at++;
		names[t->nr] = arena_strndup(c->arena, from, (size_t)(c->at - from));
		if (!take(c, ':') || !(fields[t->nr] = parse_hive(c)) || ++t->nr > MAX_FIELDS)
			return NULL;
	} while (take(c, ','));
	t->fields = fields;
	t->names = names;
	return take(c, '>') ? t : NULL;
}

static const struct sqltype *parse_nested(struct cursor *c, const char *w)
{
	struct sqltype *t;

	if (!take(c, '<'))
		return NULL;
	if (!strcmp(w, "struct"))
		return parse_row(c);
	t = make(c->arena, !strcmp(w, "array") ? SQL_ARRAY : SQL_MAP);
	if (!(t->a = parse_hive(c)))
		return NULL;
	if (t->kind == SQL_MAP && (!take(c, ',') || !(t->b = parse_hive(c))))
		return NULL;
	return take(c, '>') ? t : NULL;
}

static const struct sqltype *parse_hive(struct cursor *c)
{
	const struct sqltype *t = NULL;
	const char *w;

	if (++c->depth > MAX_TYPE_DEPTH)
		return NULL;
	w = word(c);
	for (size_t i = 0; i < ARRAY_SIZE(hive_names); i++)
		if (!strcmp(hive_names[i].name, w))
			t = sqltype_plain(hive_names[i].kind);
	if (!t && !strcmp(w, "decimal"))
		t = parse_decimal(c);
	else if (!t && (!strcmp(w, "varchar") || !strcmp(w, "char")))
		t = parse_text(c, *w == 'v' ? SQL_VARCHAR : SQL_CHAR);
	else if (!t && (!strcmp(w, "array") || !strcmp(w, "map") || !strcmp(w, "struct")))
		t = parse_nested(c, w);
	c->depth--;
	return t;
}

int sqltype_from_hive(
	struct arena *arena, const char *text, const struct sqltype **out, struct err *err)
{
	struct cursor c = {arena, text, 0};

	*out = parse_hive(&c);
	blanks(&c);
	if (!*out || *c.at)
		return err_set(err, ERR_INVALID, "'%s' is no type", text);
	return 0;
}

/* --- printing --- */
void sqltype_print(const struct sqltype *t, struct strbuf *out)
{
	strbuf_addstr(out, plains[t->kind].trino);
	switch (t->kind) {
	case SQL_DECIMAL:
		strbuf_addf(out, "(%d,%d)", t->p, t->s);
		break;
	case SQL_VARCHAR:
	case SQL_CHAR:
		if (t->p)
			strbuf_addf(out, "(%d)", t->p);
		break;
	case SQL_ARRAY:
	case SQL_MAP:
		strbuf_addch(out, '(');
		sqltype_print(t->a, out);
		if (t->b) {
			strbuf_addstr(out, ", ");
			sqltype_print(t->b, out);
		}
		strbuf_addch(out, ')');
		break;
	case SQL_ROW:
		strbuf_addch(out, '(');
		for (size_t i = 0; i < t->nr; i++) {
			strbuf_addf(out, "%s%s ", i ? ", " : "", t->names[i]);
			sqltype_print(t->fields[i], out);
		}
		strbuf_addch(out, ')');
		break;
	default:
		break;
	}
}

static int hive_struct(const struct sqltype *t, struct strbuf *out)
{
	strbuf_addstr(out, "struct<");
	for (size_t i = 0; i < t->nr; i++) {
		strbuf_addf(out, "%s%s:", i ? "," : "", t->names[i]);
		if (sqltype_hive(t->fields[i], out))
			return -1;
	}
	strbuf_addch(out, '>');
	return 0;
}

int sqltype_hive(const struct sqltype *t, struct strbuf *out)
{
	switch (t->kind) {
	case SQL_ARRAY:
	case SQL_MAP:
		strbuf_addf(out, "%s<", plains[t->kind].trino);
		if (sqltype_hive(t->a, out))
			return -1;
		if (t->b) {
			strbuf_addch(out, ',');
			if (sqltype_hive(t->b, out))
				return -1;
		}
		strbuf_addch(out, '>');
		return 0;
	case SQL_ROW:
		return hive_struct(t, out);
	case SQL_DECIMAL:
		strbuf_addf(out, "decimal(%d,%d)", t->p, t->s);
		return 0;
	case SQL_VARCHAR:
	case SQL_CHAR:
		if (t->p) {
			strbuf_addf(out, "%s(%d)", plains[t->kind].trino, t->p);
			return 0;
		}
		break;
	default:
		break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(hive_names); i++)
		if (hive_names[i].kind == t->kind) {
			strbuf_addstr(out, hive_names[i].name);
			return 0;
		}
	return -1;
}

void sqltype_duck(const struct sqltype *t, struct strbuf *out)
{
	switch (t->kind) {
	case SQL_DECIMAL:
		strbuf_addf(out, "DECIMAL(%d,%d)", t->p, t->s);
		break;
	case SQL_ARRAY:
		sqltype_duck(t->a, out);
		strbuf_addstr(out, "[]");
		break;
	case SQL_MAP:
		strbuf_addstr(out, "MAP(");
		sqltype_duck(t->a, out);
		strbuf_addstr(out, ", ");
		sqltype_duck(t->b, out);
		strbuf_addch(out, ')');
		break;
	case SQL_ROW:
		strbuf_addstr(out, "STRUCT(");
		for (size_t i = 0; i < t->nr; i++) {
			strbuf_addstr(out, i ? ", " : "");
			strbuf_addquoted(out, t->names[i], strlen(t->names[i]), '"');
			strbuf_addch(out, ' ');
			sqltype_duck(t->fields[i], out);
		}
		strbuf_addch(out, ')');
		break;
	default:
		strbuf_addstr(out, plains[t->kind].duck);
	}
}

const char *sqltype_athena(const struct sqltype *t, int *precision, int *scale)
{
	*precision = t->p ? t->p : plains[t->kind].precision;
	*scale = t->kind == SQL_DECIMAL ? t->s : 0;
	return plains[t->kind].athena;
}

/* --- relations between types --- */
bool sqltype_is_integer(const struct sqltype *t)
{
	return t->kind >= SQL_TINYINT && t->kind <= SQL_BIGINT;
}

bool sqltype_is_number(const struct sqltype *t)
{
	return t->kind >= SQL_TINYINT && t->kind <= SQL_DOUBLE;
}

bool sqltype_is_text(const struct sqltype *t)
{
	return t->kind == SQL_VARCHAR || t->kind == SQL_CHAR;
}

bool sqltype_is_time(const struct sqltype *t)
{
	return t->kind >= SQL_DATE && t->kind <= SQL_TIMESTAMP_TZ;
}

bool sqltype_equal(const struct sqltype *a, const struct sqltype *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->p != b->p || a->s != b->s || a->nr != b->nr)
		return false;
	if ((a->a && !sqltype_equal(a->a, b->a)) || (a->b && !sqltype_equal(a->b, b->b)))
		return false;
	for (size_t i = 0; i < a->nr; i++)
		/* DuckDB goes by the fields' names where Trino goes by their places */
		if (!sqltype_equal(a->fields[i], b->fields[i]) ||
			!iequals(a->names[i], b->names[i]))
			return false;
	return true;
}

const struct sqltype *sqltype_as_decimal(struct arena *arena, const struct sqltype *t)
{
	return t->kind == SQL_DECIMAL ? t : sqltype_decimal(arena, plains[t->kind].precision, 0);
}

static const struct sqltype *common_number(
	struct arena *arena, const struct sqltype *a, const struct sqltype *b)
{
	int whole, scale;

	if (a->kind != SQL_DECIMAL && b->kind != SQL_DECIMAL)
		return a->kind > b->kind ? a : b;
	if (a->kind > SQL_DECIMAL || b->kind > SQL_DECIMAL)
		return a->kind > b->kind ? a : b; /* real or double */
	a = sqltype_as_decimal(arena, a);
	b = sqltype_as_decimal(arena, b);
	scale = a->s > b->s ? a->s : b->s;
	whole = a->p - a->s > b->p - b->s ? a->p - a->s : b->p - b->s;
	return sqltype_decimal(arena, whole + scale, scale);
}

const struct sqltype *sqltype_common(
	struct arena *arena, const struct sqltype *a, const struct sqltype *b)
{
	if (sqltype_equal(a, b) || b->kind == SQL_UNKNOWN)
		return a;
	if (a->kind == SQL_UNKNOWN)
		return b;
	if (sqltype_is_number(a) && sqltype_is_number(b))
		return common_number(arena, a, b);
	if (sqltype_is_text(a) && sqltype_is_text(b)) {
		if (a->kind != b->kind)
			return NULL; /* char pads: not ours to guess */
		return !a->p || !b->p ? sqltype_plain(SQL_VARCHAR) : a->p > b->p ? a : b;
	}
	if (sqltype_is_time(a) && sqltype_is_time(b))
		return a->kind > b->kind ? a : b;
	if (a->kind == SQL_ARRAY && b->kind == SQL_ARRAY) {
		const struct sqltype *e = sqltype_common(arena, a->a, b->a);
		return e ? sqltype_array(arena, e) : NULL;
	}
	return NULL;
}
