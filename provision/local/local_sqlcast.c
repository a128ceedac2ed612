#include "local_sqlcompile.h"

/* Casts, implicit conversions and arithmetic: where Trino and DuckDB agree on the words and not on the result. */

static int set(struct sqlexpr *out, const struct sqltype *type, const char *sql)
{
	*out = (struct sqlexpr){.type = type, .sql = sql};
	return 0;
}

static const char *duck_name(struct sqlc *c, const struct sqltype *t)
{
	struct strbuf sb = STRBUF_INIT;
	const char *name;

	sqltype_duck(t, &sb);
	name = arena_strdup(c->arena, sb.buf);
	strbuf_release(&sb);
	return name;
}

static const char *plain_cast(struct sqlc *c, const char *sql, const struct sqltype *to)
{
	return arena_printf(c->arena, "CAST(%s AS %s)", sql, duck_name(c, to));
}

const char *sqlc_coerce(struct sqlc *c, const struct sqlexpr *e, const struct sqltype *to)
{
	if (sqltype_equal(e->type, to) || (sqltype_is_text(e->type) && sqltype_is_text(to)))
		return e->sql;
	if (e->type->kind == SQL_TIMESTAMP && to->kind == SQL_TIMESTAMP_TZ)
		return e->sql;
	return plain_cast(c, e->sql, to);
}

/* --- casts from text: Trino takes less than DuckDB does --- */
static const struct {
	enum sqlkind kind;
	const char *pattern, *name;
} text_forms[] = {
	{SQL_TINYINT, "[+-]?[0-9]+", "TINYINT"},
	{SQL_SMALLINT, "[+-]?[0-9]+", "SMALLINT"},
	{SQL_INTEGER, "[+-]?[0-9]+", "INT"},
	{SQL_BIGINT, "[+-]?[0-9]+", "BIGINT"},
	{SQL_DECIMAL, "\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?\\s*", "DECIMAL"},
	{SQL_REAL,
		"\\s*[+-]?(NaN|Infinity|([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?)[fFdD]?\\s*",
		"REAL"},
	{SQL_DOUBLE,
		"\\s*[+-]?(NaN|Infinity|([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?)[fFdD]?\\s*",
		"DOUBLE"},
	{SQL_BOOLEAN, "(?i)t|true|1|f|false|0", "BOOLEAN"},
	{SQL_DATE, "\\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\\s*", "DATE"},
	{SQL_TIMESTAMP,
		"\\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( "
		"+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,12})?)?)?\\s*",
		"TIMESTAMP"},
};

static int cast_from_text(struct sqlc *c, const struct json *node, const struct sqlexpr *from,
	const struct sqltype *to, struct sqlexpr *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(text_forms); i++) {
		if (text_forms[i].kind != to->kind)
			continue;
		return set(out, to,
			arena_printf(c->arena,
				"CAST(CASE WHEN regexp_full_match(%s, %s) THEN trim(%s) ELSE "
				"raise('INVALID_CAST_ARGUMENT: Cannot cast ''' || %s || ''' to "
				"%s') END AS %s)",
				from->sql, sqlc_quote(c, text_forms[i].pattern), from->sql,
				from->sql, text_forms[i].name, duck_name(c, to)));
	}
	return sqlc_error(c, node, "TYPE_MISMATCH", "Cannot cast %s to %s",
		sqlc_type_name(c, from->type), sqlc_type_name(c, to));
}

/* --- casts to text: Java's forms --- */
static const char *text_of(struct sqlc *c, const struct sqlexpr *from)
{
	switch (from->type->kind) {
	case SQL_DOUBLE:
		return arena_printf(c->arena, "java_double(%s)", from->sql);
	case SQL_REAL:
		return arena_printf(c->arena, "java_float(%s)", from->sql);
	case SQL_TIMESTAMP:
		return arena_printf(
			c->arena, "strftime(%s, '%%Y-%%m-%%d %%H:%%M:%%S.%%g')", from->sql);
	case SQL_TIMESTAMP_TZ:
		return arena_printf(
			c->arena, "strftime(%s, '%%Y-%%m-%%d %%H:%%M:%%S.%%g UTC')", from->sql);
	case SQL_BOOLEAN:
	case SQL_TINYINT:
	case SQL_SMALLINT:
	case SQL_INTEGER:
	case SQL_BIGINT:
	case SQL_DECIMAL:
	case SQL_DATE:
		return arena_printf(c->arena, "CAST(%s AS VARCHAR)", from->sql);
	case SQL_VARCHAR:
		return from->sql;
	default:
		return NULL;
	}
}

static int cast_to_text(struct sqlc *c, const struct json *node, const struct sqlexpr *from,
	const struct sqltype *to, struct sqlexpr *out)
{
	const char *text = text_of(c, from);

	if (!text)
		return sqlc_refuse(c, node,
			arena_printf(c->arena, "CAST from %s to varchar",
				sqlc_type_name(c, from->type)));
	if (!to->p)
		return set(out, to, text);
	if (sqltype_is_text(from->type))
		return set(out, to, arena_printf(c->arena, "left(%s, %d)", text, to->p));
	return set(out, to,
		arena_printf(c->arena,
			"(CASE WHEN length(%s) > %d THEN raise('INVALID_CAST_ARGUMENT: Value ' || "
			"%s || "
			"' cannot be represented as varchar(%d)') ELSE %s END)",
			text, to->p, text, to->p, text));
}

static int cast_number(struct sqlc *c, const struct json *node, const struct sqlexpr *from,
	const struct sqltype *to, struct sqlexpr *out)
{
	bool real = from->type->kind == SQL_REAL || from->type->kind == SQL_DOUBLE;

	if (sqltype_is_integer(to) && real) /* half away from zero, DuckDB rounds half to even */
		return set(
			out, to, plain_cast(c, arena_printf(c->arena, "round(%s)", from->sql), to));
	if (sqltype_is_number(to) || to->kind == SQL_BOOLEAN)
		return set(out, to, plain_cast(c, from->sql, to));
	return sqlc_error(c, node, "TYPE_MISMATCH", "Cannot cast %s to %s",
		sqlc_type_name(c, from->type), sqlc_type_name(c, to));
}

static int cast_any(struct sqlc *c, const struct json *node, const struct sqlexpr *from,
	const struct sqltype *to, struct sqlexpr *out)
{
	const struct sqltype *f = from->type;

	if (f->kind == SQL_UNKNOWN)
		return set(out, to, plain_cast(c, "NULL", to));
	if (sqltype_equal(f, to))
		return set(out, to, from->sql);
	if (f->kind == SQL_CHAR)
		return sqlc_refuse(c, node, "CAST from char");
	if (sqltype_is_text(to))
		return cast_to_text(c, node, from, to, out);
	if (sqltype_is_text(f))
		return cast_from_text(c, node, from, to, out);
	if (sqltype_is_number(f))
		return cast_number(c, node, from, to, out);
	if (f->kind == SQL_BOOLEAN && sqltype_is_number(to))
		return set(out, to, plain_cast(c, from->sql, to));
	if (sqltype_is_time(f) && sqltype_is_time(to))
		return set(out, to,
			f->kind != SQL_DATE && to->kind != SQL_DATE ? from->sql
								    : plain_cast(c, from->sql, to));
	return sqlc_error(c, node, "TYPE_MISMATCH", "Cannot cast %s to %s", sqlc_type_name(c, f),
		sqlc_type_name(c, to));
}

int sqlc_cast(struct sqlc *c, const struct json *node, const struct sqlexpr *from,
	const struct sqltype *to, bool try_cast, struct sqlexpr *out)
{
	if (cast_any(c, node, from, to, out))
		return -1;
	if (try_cast)
		out->sql = arena_printf(c->arena, "TRY(%s)", out->sql);
	return 0;
}

/* --- casts: the type that DuckDB's tree names --- */
static const struct {
	const char *duck;
	enum sqlkind kind;
} cast_types[] = {
	{"BIGINT", SQL_BIGINT},
	{"BLOB", SQL_VARBINARY},
	{"BOOLEAN", SQL_BOOLEAN},
	{"DATE", SQL_DATE},
	{"DOUBLE", SQL_DOUBLE},
	{"FLOAT", SQL_REAL},
	{"INTEGER", SQL_INTEGER},
	{"SMALLINT", SQL_SMALLINT},
	{"TIMESTAMP", SQL_TIMESTAMP},
	{"TIMESTAMP WITH TIME ZONE", SQL_TIMESTAMP_TZ},
	{"TINYINT", SQL_TINYINT},
	{"VARCHAR", SQL_VARCHAR},
};

/* decimal '12.50' is decimal(4,2). */
static const struct sqltype *decimal_of_literal(struct sqlc *c, const char *text)
{
	int digits = 0, scale = 0;
	bool point = false;

	for (; text && *text; text++) {
		if (*text == '.')
			point = true;
		else if (*text >= '0' && *text <= '9') {
			digits++;
			scale += point;
		}
	}
	return sqltype_decimal(c->arena, digits ? digits : 1, scale);
}

static const struct sqltype *user_type(struct sqlc *c, const char *name, const struct json *child)
{
	const char *under = strrchr(name, '_');
	long long n;

	if (!strcmp(name, "decima_"))
		return decimal_of_literal(c, json_scalar_text(json_path(child, "value.value")));
	if (!under || parse_int64(under + 1, 0, 2147483647, &n))
		return NULL;
	if (starts_with(name, "varchar_"))
		return sqltype_text(c->arena, SQL_VARCHAR, (int)n);
	if (starts_with(name, "timestamp_") && n == 3)
		return sqltype_plain(SQL_TIMESTAMP);
	return NULL;
}

static const struct sqltype *cast_type(
	struct sqlc *c, const struct json *type, const struct json *child)
{
	const char *id = json_get_str(type, "id");
	const char *user = json_str(json_path(type, "type_info.user_type_name"));

	for (size_t i = 0; id && i < ARRAY_SIZE(cast_types); i++)
		if (!strcmp(cast_types[i].duck, id))
			return sqltype_plain(cast_types[i].kind);
	if (id && !strcmp(id, "DECIMAL"))
		return sqltype_decimal(c->arena,
			(int)json_i64(json_path(type, "type_info.width"), 38),
			(int)json_i64(json_path(type, "type_info.scale"), 0));
	return user ? user_type(c, sqlc_lower(c, user), child) : NULL;
}

int sqlc_cast_node(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const struct json *child = json_get(node, "child");
	const struct sqltype *to = cast_type(c, json_get(node, "cast_type"), child);
	const char *user = json_str(json_path(node, "cast_type.type_info.user_type_name"));
	struct sqlexpr from;

	if (!to)
		return sqlc_refuse(c, node,
			arena_printf(c->arena, "CAST to %s",
				user ? user : json_str(json_path(node, "cast_type.id"))));
	if (sqlc_expr(c, scope, child, &from))
		return -1;
	return sqlc_cast(c, node, &from, to, json_get_truth(node, "try_cast", false), out);
}

/* --- arithmetic --- */
const char *sqlc_decimal_division(
	struct sqlc *c, const char *a, int sa, const char *b, int sb, int scale)
{
	const char *name = arena_printf(c->arena, "%d %d %d", sa, sb, scale);

	if (!strvec_has(&c->plan->divisions, name))
		strvec_push(&c->plan->divisions, name);
	return arena_printf(c->arena,
		"decdiv_%d_%d_%d(CAST(%s AS DECIMAL(38,%d)), CAST(%s AS DECIMAL(38,%d)))", sa, sb,
		scale, a, sa, b, sb);
}

static int max_of(int a, int b)
{
	return a > b ? a : b;
}

static int decimal_arithmetic(struct sqlc *c, const struct json *node, char op, struct sqlexpr *ea,
	struct sqlexpr *eb, struct sqlexpr *out)
{
	const struct sqltype *a = sqltype_as_decimal(c->arena, ea->type);
	const struct sqltype *b = sqltype_as_decimal(c->arena, eb->type);
	int scale = max_of(a->s, b->s), p = 0;
	const char *x = plain_cast(c, ea->sql, a), *y = plain_cast(c, eb->sql, b), *sql;

	switch (op) {
	case '+':
	case '-':
		p = max_of(a->p - a->s, b->p - b->s) + scale + 1;
		break;
	case '*':
		scale = a->s + b->s;
		p = a->p + b->p;
		break;
	case '/':
		p = a->p + b->s + max_of(b->s - a->s, 0);
		break;
	default:
		p = (a->p - a->s < b->p - b->s ? a->p - a->s : b->p - b->s) + scale;
	}
	if (scale > 38)
		return sqlc_error(c, node, "INVALID_FUNCTION_ARGUMENT",
			"DECIMAL scale must be in range [0, precision (38)]: %d", scale);
	if (op == '/')
		sql = sqlc_decimal_division(c, x, a->s, y, b->s, scale);
	else if (op == '%')
		sql = arena_printf(c->arena,
			"(CASE WHEN %s = 0 THEN raise('DIVISION_BY_ZERO: Division by zero') ELSE "
			"%s %% %s END)",
			y, x, y);
	else if (op != '*' && p > 38) /* so that both reach DuckDB with room to add */
		sql = arena_printf(c->arena,
			"(CAST(%s AS DECIMAL(38,%d)) %c CAST(%s AS DECIMAL(38,%d)))", x, scale, op,
			y, scale);
	else
		sql = arena_printf(c->arena, "(%s %c %s)", x, op, y);
	out->literal = NULL;
	out->type = sqltype_decimal(c->arena, p, scale);
	out->sql = plain_cast(c, sql, out->type);
	return 0;
}

static int number_arithmetic(struct sqlc *c, const struct json *node, char op, struct sqlexpr *a,
	struct sqlexpr *b, struct sqlexpr *out)
{
	const struct sqltype *t = sqltype_common(c->arena, a->type, b->type);
	const char *x, *y;

	if (t->kind == SQL_UNKNOWN)
		t = sqltype_plain(SQL_INTEGER);
	if (t->kind == SQL_DECIMAL)
		return decimal_arithmetic(c, node, op, a->type->kind == SQL_UNKNOWN ? b : a,
			b->type->kind == SQL_UNKNOWN ? a : b, out);
	x = sqlc_coerce(c, a, t);
	y = sqlc_coerce(c, b, t);
	if (sqltype_is_integer(t) && (op == '/' || op == '%'))
		return set(out, t,
			arena_printf(c->arena,
				"(CASE WHEN %s = 0 THEN raise('DIVISION_BY_ZERO: Division by "
				"zero') "
				"ELSE %s %s %s END)",
				y, x, op == '/' ? "//" : "%", y));
	return set(out, t, arena_printf(c->arena, "(%s %c %s)", x, op, y));
}

static bool is_interval(const struct sqltype *t)
{
	return t->kind == SQL_INTERVAL_DAY || t->kind == SQL_INTERVAL_MONTH;
}

/* date + interval stays a date in Trino, DuckDB makes a timestamp of it. */
static int time_arithmetic(struct sqlc *c, const struct json *node, char op,
	const struct sqlexpr *a, const struct sqlexpr *b, struct sqlexpr *out)
{
	const struct sqlexpr *time = sqltype_is_time(a->type) ? a : b;
	const struct sqlexpr *step = time == a ? b : a;

	if (!is_interval(step->type) || (op == '-' && time != a) || (op != '+' && op != '-'))
		return sqlc_error(c, node, "TYPE_MISMATCH", "Cannot apply operator: %s %c %s",
			sqlc_type_name(c, a->type), op, sqlc_type_name(c, b->type));
	if (time->type->kind == SQL_DATE &&
		(strstr(step->sql, " HOUR") || strstr(step->sql, " MINUTE") ||
			strstr(step->sql, " SECOND")))
		return sqlc_error(c, node, "INVALID_FUNCTION_ARGUMENT",
			"Cannot add hour, minutes or seconds to a date");
	return set(out, time->type,
		plain_cast(c, arena_printf(c->arena, "(%s %c %s)", time->sql, op, step->sql),
			time->type));
}

int sqlc_arithmetic(struct sqlc *c, const struct json *node, const char *op, struct sqlexpr *a,
	struct sqlexpr *b, struct sqlexpr *out)
{
	bool a_number = sqltype_is_number(a->type) || a->type->kind == SQL_UNKNOWN;
	bool b_number = sqltype_is_number(b->type) || b->type->kind == SQL_UNKNOWN;

	if (a_number && b_number)
		return number_arithmetic(c, node, *op, a, b, out);
	if (sqltype_is_time(a->type) || sqltype_is_time(b->type))
		return time_arithmetic(c, node, *op, a, b, out);
	return sqlc_error(c, node, "TYPE_MISMATCH", "Cannot apply operator: %s %s %s",
		sqlc_type_name(c, a->type), op, sqlc_type_name(c, b->type));
}
