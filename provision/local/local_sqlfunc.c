#include "local_sqlcompile.h"

/*
 * The table of functions: Trino's name, its arguments, its result's type and how DuckDB says it.
 *
 * args: a letter per argument: s text, i integer (bigint), n number, d number as double, b boolean, t date or
 *   timestamp, T timestamp, a anything, A array, C string literal, N integer literal; after '|' optional ones; a last '*' repeats
 *   the one before.
 * result: s varchar, i bigint, I integer, d double, b boolean, D date, T timestamp, Z timestamp with time zone; '1'…'3'
 *   that argument's type; '=' the common type of all; 'e' the element of argument 1; 'A' array of argument 1's type; 'S' array of
 *   varchar; 'u' sum's type and 'v' avg's type of argument 1; 'r' round's.
 * sql: $1… arguments, $* all, $D "DISTINCT " or "", $O " ORDER BY …" or "", $F what follows an aggregate; NULL: `fn` writes it.
 */
struct call {
	struct sqlc *c;
	const struct json *node;
	const char *name;
	struct sqlexpr *args;
	size_t nr;
	const char *distinct, *order, *suffix;
	const struct sqltype *result;
};

typedef int call_fn(struct call *k, struct strbuf *sql);

enum { F_AGGREGATE = 1, F_WINDOW = 2 }; /* an aggregate; a function of windows only */

struct function {
	const char *name, *args, *result, *sql;
	call_fn *fn;
	int flags;
};

static int refuse(struct call *k, const char *why)
{
	return sqlc_error(k->c, k->node, "NOT_SUPPORTED", "%s: %s", k->name, why);
}

/* --- date formats: MySQL's letters in Trino, C's in DuckDB --- */
static const struct {
	char letter;
	const char *format, *parse; /* NULL: refused */
} date_letters[] = {
	{'%', "%%", "%%"},
	{'H', "%H", "%H"},
	{'I', "%I", "%I"},
	{'M', "%B", "%B"},
	{'S', "%S", "%S"},
	{'T', "%H:%M:%S", "%H:%M:%S"},
	{'W', "%A", "%A"},
	{'Y', "%Y", "%Y"},
	{'a', "%a", "%a"},
	{'b', "%b", "%b"},
	{'c', "%-m", "%m"},
	{'d', "%d", "%d"},
	{'e', "%-d", "%d"},
	{'f', "%f", "%f"},
	{'h', "%I", "%I"},
	{'i', "%M", "%M"},
	{'j', "%j", "%j"},
	{'k', "%-H", "%H"},
	{'l', "%-I", "%I"},
	{'m', "%m", "%m"},
	{'p', "%p", "%p"},
	{'r', "%I:%M:%S %p", "%I:%M:%S %p"},
	{'s', "%S", "%S"},
	{'y', "%y", "%y"},
};

static const char *date_pattern(struct call *k, bool parse)
{
	struct strbuf sb = STRBUF_INIT;
	const char *f = k->args[1].literal, *quoted = NULL;

	for (; *f; f++) {
		size_t i = 0;
		if (*f != '%') {
			strbuf_addch(&sb, *f);
			continue;
		}
		f++;
		while (i < ARRAY_SIZE(date_letters) && date_letters[i].letter != *f)
			i++;
		if (!*f || i == ARRAY_SIZE(date_letters)) {
			refuse(k, arena_printf(k->c->arena, "the format %%%c", *f ? *f : '%'));
			goto out;
		}
		strbuf_addstr(&sb, parse ? date_letters[i].parse : date_letters[i].format);
	}
	quoted = sqlc_quote(k->c, sb.buf);
out:
	strbuf_release(&sb);
	return quoted;
}

static int call_date_format(struct call *k, struct strbuf *sql)
{
	const char *pattern = date_pattern(k, false);

	if (!pattern)
		return -1;
	strbuf_addf(sql, "strftime(%s, %s)", k->args[0].sql, pattern);
	return 0;
}

static int call_date_parse(struct call *k, struct strbuf *sql)
{
	const char *pattern = date_pattern(k, true);

	if (!pattern)
		return -1;
	strbuf_addf(sql, "strptime(%s, %s)", k->args[0].sql, pattern);
	return 0;
}

static const char *const units[] = {
	"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"};
enum { FIRST_DATE_UNIT = 4 };

/* The unit that argument 1 names, fit for a value of type `t`. */
static const char *unit_of(struct call *k, const struct sqltype *t)
{
	const char *unit = sqlc_lower(k->c, k->args[0].literal);

	for (size_t i = t->kind == SQL_DATE ? FIRST_DATE_UNIT : 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(units[i], unit))
			return units[i];
	sqlc_error(k->c, k->node, "INVALID_FUNCTION_ARGUMENT", "'%s' is not a valid %s field", unit,
		t->kind == SQL_DATE ? "DATE" : "TIMESTAMP");
	return NULL;
}

static const char *time_name(const struct sqltype *t)
{
	return t->kind == SQL_DATE ? "DATE" : "TIMESTAMP";
}

static int call_date_trunc(struct call *k, struct strbuf *sql)
{
	const char *unit = unit_of(k, k->args[1].type);

	if (!unit)
		return -1;
	strbuf_addf(sql, "CAST(date_trunc('%s', %s) AS %s)", unit, k->args[1].sql,
		time_name(k->args[1].type));
	return 0;
}

static int call_date_add(struct call *k, struct strbuf *sql)
{
	const char *unit = unit_of(k, k->args[2].type);

	if (!unit)
		return -1;
	strbuf_addf(sql, "CAST((%s + CAST(%s AS INTEGER) * INTERVAL 1 %s) AS %s)", k->args[2].sql,
		k->args[1].sql, unit, time_name(k->args[2].type));
	return 0;
}

static int call_date_diff(struct call *k, struct strbuf *sql)
{
	const struct sqltype *t = sqltype_common(k->c->arena, k->args[1].type, k->args[2].type);
	const char *unit = unit_of(k, t);

	if (!unit)
		return -1;
	strbuf_addf(sql, "date_sub('%s', %s, %s)", unit, sqlc_coerce(k->c, &k->args[1], t),
		sqlc_coerce(k->c, &k->args[2], t));
	return 0;
}

/* extract(FIELD FROM x); the fields and how DuckDB counts them as Trino does. */
static const struct {
	const char *field, *sql;
} fields[] = {
	{"day", "day"},
	{"day_of_month", "day"},
	{"day_of_week", "isodow"},
	{"day_of_year", "dayofyear"},
	{"dow", "isodow"},
	{"doy", "dayofyear"},
	{"hour", "hour"},
	{"minute", "minute"},
	{"month", "month"},
	{"quarter", "quarter"},
	{"second", "second"},
	{"week", "week"},
	{"year", "year"},
	{"year_of_week", "isoyear"},
	{"yow", "isoyear"},
};

static int call_extract(struct call *k, struct strbuf *sql)
{
	const char *field = sqlc_lower(k->c, k->args[0].literal);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].field, field)) {
			strbuf_addf(sql, "CAST(%s(%s) AS BIGINT)", fields[i].sql, k->args[1].sql);
			return 0;
		}
	return refuse(k, arena_printf(k->c->arena, "the field %s", field));
}

/* --- text --- */
static int call_concat(struct call *k, struct strbuf *sql)
{
	for (size_t i = 0; i < k->nr; i++)
		strbuf_addf(sql, "%s%s", i ? " || " : "(", k->args[i].sql);
	strbuf_addch(sql, ')');
	return 0;
}

/* `||` joins text, or arrays of one type. */
static int call_join(struct call *k, struct strbuf *sql)
{
	const struct sqltype *a = k->args[0].type, *b = k->args[1].type;

	if (a->kind == SQL_ARRAY || b->kind == SQL_ARRAY) {
		if (!sqltype_equal(a, b))
			return refuse(k, "arrays of two types");
		k->result = a;
	} else if ((!sqltype_is_text(a) && a->kind != SQL_UNKNOWN) ||
		   (!sqltype_is_text(b) && b->kind != SQL_UNKNOWN)) {
		return sqlc_error(k->c, k->node, "TYPE_MISMATCH", "Cannot apply operator: %s || %s",
			sqlc_type_name(k->c, a), sqlc_type_name(k->c, b));
	}
	return call_concat(k, sql);
}

static int call_regexp_replace(struct call *k, struct strbuf *sql)
{
	struct strbuf to = STRBUF_INIT;
	const char *r = k->nr > 2 ? k->args[2].literal : "";

	for (; *r; r++) {
		if (*r == '$' && r[1] >= '0' && r[1] <= '9') {
			strbuf_addf(&to, "\\%c", *++r);
		} else if (*r == '\\' && r[1]) {
			r++;
			strbuf_addstr(&to, *r == '\\' ? "\\\\" : "");
			if (*r != '\\')
				strbuf_addch(&to, *r);
		} else if (*r == '$' || *r == '\\') {
			strbuf_release(&to);
			return refuse(k, "named groups in the replacement");
		} else {
			strbuf_addch(&to, *r);
		}
	}
	strbuf_addf(sql, "regexp_replace(%s, %s, %s, 'g')", k->args[0].sql, k->args[1].sql,
		sqlc_quote(k->c, to.buf));
	strbuf_release(&to);
	return 0;
}

static int call_substr(struct call *k, struct strbuf *sql)
{
	const char *x = k->args[0].sql, *from = k->args[1].sql;

	strbuf_addf(sql, "(CASE WHEN %s IS NULL THEN NULL WHEN %s = 0 OR abs(%s) > length(%s) ", x,
		from, from, x);
	if (k->nr > 2)
		strbuf_addf(sql, "OR %s <= 0 THEN '' ELSE substring(%s, %s, %s) END)",
			k->args[2].sql, x, from, k->args[2].sql);
	else
		strbuf_addf(sql, "THEN '' ELSE substring(%s, %s) END)", x, from);
	return 0;
}

/* --- numbers --- */
/* All arguments as their common type: a null among them makes the result null, which DuckDB's does not. */
static int call_extreme(struct call *k, struct strbuf *sql)
{
	strbuf_addstr(sql, "(CASE WHEN ");
	for (size_t i = 0; i < k->nr; i++)
		strbuf_addf(sql, "%s%s IS NULL", i ? " OR " : "", k->args[i].sql);
	strbuf_addf(sql, " THEN NULL ELSE %s(", k->name);
	for (size_t i = 0; i < k->nr; i++)
		strbuf_addf(sql, "%s%s", i ? ", " : "", sqlc_coerce(k->c, &k->args[i], k->result));
	strbuf_addstr(sql, ") END)");
	return 0;
}

static int call_round(struct call *k, struct strbuf *sql)
{
	const struct sqltype *t = k->args[0].type;

	if (sqltype_is_integer(t) && k->nr > 1)
		return refuse(k, "digits of an integer");
	if (sqltype_is_integer(t)) {
		strbuf_addstr(sql, k->args[0].sql);
		return 0;
	}
	if (k->nr > 1 && !k->args[1].literal)
		return refuse(k, "a number of digits that is no literal");
	if (t->kind == SQL_DECIMAL) {
		int p = k->nr > 1 ? t->p + 1 : t->p - t->s + (t->s > 0);
		k->result = sqltype_decimal(k->c->arena, p < 1 ? 1 : p, k->nr > 1 ? t->s : 0);
	}
	if (t->kind == SQL_DECIMAL)
		strbuf_addf(sql, "CAST(round(%s, %s) AS DECIMAL(%d,%d))", k->args[0].sql,
			k->nr > 1 ? k->args[1].literal : "0", k->result->p, k->result->s);
	else if (k->nr > 1)
		strbuf_addf(sql, "round(%s, %s)", k->args[0].sql, k->args[1].literal);
	else
		strbuf_addf(sql, "round(%s)", k->args[0].sql);
	return 0;
}

static int call_integral(struct call *k, struct strbuf *sql)
{
	const struct sqltype *t = k->args[0].type;

	if (t->kind == SQL_DECIMAL)
		k->result = sqltype_decimal(
			k->c->arena, t->p - t->s + (t->s > 0 && t->p - t->s < 38), 0);
	strbuf_addf(sql, t->kind == SQL_DECIMAL ? "CAST(%s(%s) AS DECIMAL(%d,0))" : "%s(%s)",
		*k->name == 'f' ? "floor" : "ceil", k->args[0].sql, k->result->p);
	return 0;
}

static int call_mod(struct call *k, struct strbuf *sql)
{
	struct sqlexpr out;

	if (sqlc_arithmetic(k->c, k->node, "%", &k->args[0], &k->args[1], &out))
		return -1;
	k->result = out.type;
	strbuf_addstr(sql, out.sql);
	return 0;
}

static int call_date(struct call *k, struct strbuf *sql)
{
	struct sqlexpr out;

	if (sqlc_cast(k->c, k->node, &k->args[0], sqltype_plain(SQL_DATE), false, &out))
		return -1;
	strbuf_addstr(sql, out.sql);
	return 0;
}

static int call_nullif(struct call *k, struct strbuf *sql)
{
	const struct sqltype *t = sqltype_common(k->c->arena, k->args[0].type, k->args[1].type);

	if (!t)
		return sqlc_error(k->c, k->node, "TYPE_MISMATCH",
			"Types are not comparable with NULLIF: %s vs %s",
			sqlc_type_name(k->c, k->args[0].type),
			sqlc_type_name(k->c, k->args[1].type));
	strbuf_addf(sql, "(CASE WHEN %s = %s THEN NULL ELSE %s END)",
		sqlc_coerce(k->c, &k->args[0], t), sqlc_coerce(k->c, &k->args[1], t),
		k->args[0].sql);
	return 0;
}

static int call_typeof(struct call *k, struct strbuf *sql)
{
	strbuf_addstr(sql, sqlc_quote(k->c, sqlc_type_name(k->c, k->args[0].type)));
	return 0;
}

static int call_now(struct call *k, struct strbuf *sql)
{
	static const char name[] = "current_timestamp";
	struct json *ref = json_object(), *names = json_array();
	struct sqlscope empty = {0};
	struct sqlexpr out;
	int r;

	json_push_str(names, name);
	json_set_str(ref, "class", "COLUMN_REF");
	json_set_str(ref, "type", "COLUMN_REF");
	json_set(ref, "column_names", names);
	r = sqlc_expr(k->c, &empty, ref, &out);
	json_free(ref);
	if (!r)
		strbuf_addstr(sql, out.sql);
	return r;
}

/* --- arrays and maps --- */
static int call_cardinality(struct call *k, struct strbuf *sql)
{
	enum sqlkind kind = k->args[0].type->kind;

	if (kind != SQL_ARRAY && kind != SQL_MAP)
		return refuse(k, sqlc_type_name(k->c, k->args[0].type));
	strbuf_addf(sql, "CAST(%s(%s) AS BIGINT)", kind == SQL_ARRAY ? "len" : "cardinality",
		k->args[0].sql);
	return 0;
}

static int call_element_at(struct call *k, struct strbuf *sql)
{
	const struct sqltype *t = k->args[0].type;

	if (t->kind != SQL_ARRAY && t->kind != SQL_MAP)
		return refuse(k, sqlc_type_name(k->c, t));
	if (t->kind == SQL_ARRAY && !sqltype_is_integer(k->args[1].type))
		return refuse(k, "an index that is no integer");
	k->result = t->kind == SQL_ARRAY ? t->a : t->b;
	strbuf_addf(sql, "%s[%s]", k->args[0].sql,
		t->kind == SQL_ARRAY ? k->args[1].sql : sqlc_coerce(k->c, &k->args[1], t->a));
	return 0;
}

static int call_map_part(struct call *k, struct strbuf *sql)
{
	const struct sqltype *t = k->args[0].type;

	if (t->kind != SQL_MAP)
		return refuse(k, sqlc_type_name(k->c, t));
	k->result = sqltype_array(k->c->arena, !strcmp(k->name, "map_keys") ? t->a : t->b);
	strbuf_addf(sql, "%s(%s)", k->name, k->args[0].sql);
	return 0;
}

static int call_contains(struct call *k, struct strbuf *sql)
{
	const struct sqltype *e = sqltype_common(k->c->arena, k->args[0].type->a, k->args[1].type);

	if (!e || !sqltype_equal(e, k->args[0].type->a))
		return refuse(k, "an element of another type");
	strbuf_addf(
		sql, "list_contains(%s, %s)", k->args[0].sql, sqlc_coerce(k->c, &k->args[1], e));
	return 0;
}

static int call_array_join(struct call *k, struct strbuf *sql)
{
	if (!sqltype_is_text(k->args[0].type->a))
		return refuse(k, "elements that are not varchar");
	strbuf_addf(sql, "array_to_string(%s, %s)", k->args[0].sql, k->args[1].sql);
	return 0;
}

/* --- aggregates --- */
static int call_avg(struct call *k, struct strbuf *sql)
{
	const struct sqltype *t = k->args[0].type;
	const char *sum, *count;

	if (t->kind != SQL_DECIMAL) {
		k->result = sqltype_plain(t->kind == SQL_REAL ? SQL_REAL : SQL_DOUBLE);
		strbuf_addf(sql, "CAST(avg(%s%s)%s AS %s)", k->distinct, k->args[0].sql, k->suffix,
			t->kind == SQL_REAL ? "REAL" : "DOUBLE");
		return 0;
	}
	sum = arena_printf(k->c->arena, "sum(%s%s)%s", k->distinct, k->args[0].sql, k->suffix);
	count = arena_printf(
		k->c->arena, "nullif(count(%s%s)%s, 0)", k->distinct, k->args[0].sql, k->suffix);
	k->result = t;
	strbuf_addf(sql, "CAST(%s AS DECIMAL(%d,%d))",
		sqlc_decimal_division(k->c, sum, t->s, count, 0, t->s), t->p, t->s);
	return 0;
}

static int call_sum(struct call *k, struct strbuf *sql)
{
	const struct sqltype *t = k->args[0].type;
	const char *cast = "BIGINT";

	k->result = sqltype_plain(SQL_BIGINT);
	if (t->kind == SQL_REAL || t->kind == SQL_DOUBLE) {
		k->result = t;
		cast = t->kind == SQL_REAL ? "REAL" : "DOUBLE";
	} else if (t->kind == SQL_DECIMAL) {
		k->result = sqltype_decimal(k->c->arena, 38, t->s);
		cast = arena_printf(k->c->arena, "DECIMAL(38,%d)", t->s);
	}
	strbuf_addf(sql, "CAST(sum(%s%s)%s AS %s)", k->distinct, k->args[0].sql, k->suffix, cast);
	return 0;
}

/* Sorted by name. */
static const struct function functions[] = {
	{"!~~", "ss", "b", "(NOT $1 LIKE $2)", NULL, 0},
	{"abs", "n", "1", "abs($1)", NULL, 0},
	{"acos", "d", "d", "acos($1)", NULL, 0},
	{"any_value", "a", "1", "any_value($1)$F", NULL, F_AGGREGATE},
	{"approx_distinct", "a|d", "i", "count(DISTINCT $1)$F", NULL, F_AGGREGATE},
	{"approx_percentile", "nn", "1", "quantile_disc($1, $2)$F", NULL, F_AGGREGATE},
	{"arbitrary", "a", "1", "any_value($1)$F", NULL, F_AGGREGATE},
	{"array_agg", "a", "A", "array_agg($D$1$O)$F", NULL, F_AGGREGATE},
	{"array_distinct", "A", "1", "list_distinct($1)", NULL, 0},
	{"array_join", "As", "s", NULL, call_array_join, 0},
	{"array_max", "A", "e", "list_max($1)", NULL, 0},
	{"array_min", "A", "e", "list_min($1)", NULL, 0},
	{"asin", "d", "d", "asin($1)", NULL, 0},
	{"atan", "d", "d", "atan($1)", NULL, 0},
	{"atan2", "dd", "d", "atan2($1, $2)", NULL, 0},
	{"avg", "n", "v", NULL, call_avg, F_AGGREGATE},
	{"bool_and", "b", "b", "bool_and($1)$F", NULL, F_AGGREGATE},
	{"bool_or", "b", "b", "bool_or($1)$F", NULL, F_AGGREGATE},
	{"cardinality", "a", "i", NULL, call_cardinality, 0},
	{"cbrt", "d", "d", "cbrt($1)", NULL, 0},
	{"ceil", "n", "1", NULL, call_integral, 0},
	{"ceiling", "n", "1", NULL, call_integral, 0},
	{"chr", "i", "s", "chr(CAST($1 AS INTEGER))", NULL, 0},
	{"concat", "ss*", "s", NULL, call_concat, 0},
	{"concat_ws", "ss*", "s", "concat_ws($*)", NULL, 0},
	{"contains", "Aa", "b", NULL, call_contains, 0},
	{"corr", "dd", "d", "corr($1, $2)$F", NULL, F_AGGREGATE},
	{"cos", "d", "d", "cos($1)", NULL, 0},
	{"count", "|a", "i", "count($D$1)$F", NULL, F_AGGREGATE},
	{"count_if", "b", "i", "CAST(count_if($1)$F AS BIGINT)", NULL, F_AGGREGATE},
	{"count_star", "", "i", "count(*)$F", NULL, F_AGGREGATE},
	{"covar_pop", "dd", "d", "covar_pop($1, $2)$F", NULL, F_AGGREGATE},
	{"covar_samp", "dd", "d", "covar_samp($1, $2)$F", NULL, F_AGGREGATE},
	{"cume_dist", "", "d", "cume_dist()$F", NULL, F_WINDOW},
	{"date", "a", "D", NULL, call_date, 0},
	{"date_add", "Cit", "3", NULL, call_date_add, 0},
	{"date_diff", "Ctt", "i", NULL, call_date_diff, 0},
	{"date_format", "tC", "s", NULL, call_date_format, 0},
	{"date_parse", "sC", "T", NULL, call_date_parse, 0},
	{"date_part", "Ct", "i", NULL, call_extract, 0},
	{"date_trunc", "Ct", "2", NULL, call_date_trunc, 0},
	{"day", "t", "i", "CAST(day($1) AS BIGINT)", NULL, 0},
	{"day_of_month", "t", "i", "CAST(day($1) AS BIGINT)", NULL, 0},
	{"day_of_week", "t", "i", "CAST(isodow($1) AS BIGINT)", NULL, 0},
	{"day_of_year", "t", "i", "CAST(dayofyear($1) AS BIGINT)", NULL, 0},
	{"degrees", "d", "d", "degrees($1)", NULL, 0},
	{"dense_rank", "", "i", "dense_rank()$F", NULL, F_WINDOW},
	{"dow", "t", "i", "CAST(isodow($1) AS BIGINT)", NULL, 0},
	{"doy", "t", "i", "CAST(dayofyear($1) AS BIGINT)", NULL, 0},
	{"e", "", "d", "exp(CAST(1 AS DOUBLE))", NULL, 0},
	{"element_at", "aa", "1", NULL, call_element_at, 0},
	{"every", "b", "b", "bool_and($1)$F", NULL, F_AGGREGATE},
	{"exp", "d", "d", "exp($1)", NULL, 0},
	{"first_value", "a", "1", "first_value($1)$F", NULL, F_WINDOW},
	{"floor", "n", "1", NULL, call_integral, 0},
	{"from_iso8601_date", "s", "D", NULL, call_date, 0},
	{"from_unixtime", "d", "Z", "make_timestamp(CAST(round($1 * 1000) * 1000 AS BIGINT))", NULL,
		0},
	{"geometric_mean", "d", "d", "exp(avg(ln($1))$F)", NULL, F_AGGREGATE},
	{"greatest", "aa*", "=", NULL, call_extreme, 0},
	{"hour", "T", "i", "CAST(hour($1) AS BIGINT)", NULL, 0},
	{"infinity", "", "d", "CAST('inf' AS DOUBLE)", NULL, 0},
	{"is_finite", "d", "b", "isfinite($1)", NULL, 0},
	{"is_infinite", "d", "b", "isinf($1)", NULL, 0},
	{"is_nan", "d", "b", "isnan($1)", NULL, 0},
	{"json_extract_scalar", "sC", "s",
		"(CASE WHEN json_valid($1) AND json_type($1, $2) NOT IN ('OBJECT', 'ARRAY', "
		"'NULL') THEN "
		"json_extract_string($1, $2) END)",
		NULL, 0},
	{"lag", "a|Na", "1", "lag($*)$F", NULL, F_WINDOW},
	{"last_day_of_month", "t", "D", "last_day($1)", NULL, 0},
	{"last_value", "a", "1", "last_value($1)$F", NULL, F_WINDOW},
	{"lead", "a|Na", "1", "lead($*)$F", NULL, F_WINDOW},
	{"least", "aa*", "=", NULL, call_extreme, 0},
	{"length", "s", "i", "CAST(length($1) AS BIGINT)", NULL, 0},
	{"levenshtein_distance", "ss", "i", "CAST(levenshtein($1, $2) AS BIGINT)", NULL, 0},
	{"like_escape", "sss", "b", "($1 LIKE $2 ESCAPE $3)", NULL, 0},
	{"ln", "d", "d", "ln($1)", NULL, 0},
	{"log", "dd", "d", "(ln($2) / ln($1))", NULL, 0},
	{"log10", "d", "d", "log10($1)", NULL, 0},
	{"log2", "d", "d", "log2($1)", NULL, 0},
	{"lower", "s", "s", "lower($1)", NULL, 0},
	{"lpad", "sis", "s", "lpad($1, CAST($2 AS INTEGER), $3)", NULL, 0},
	{"ltrim", "s|s", "s", "ltrim($*)", NULL, 0},
	{"map_keys", "a", "1", NULL, call_map_part, 0},
	{"map_values", "a", "1", NULL, call_map_part, 0},
	{"max", "a", "1", "max($1)$F", NULL, F_AGGREGATE},
	{"max_by", "aa", "1", "arg_max_null($1, $2)$F", NULL, F_AGGREGATE},
	{"min", "a", "1", "min($1)$F", NULL, F_AGGREGATE},
	{"min_by", "aa", "1", "arg_min_null($1, $2)$F", NULL, F_AGGREGATE},
	{"minute", "T", "i", "CAST(minute($1) AS BIGINT)", NULL, 0},
	{"mod", "nn", "=", NULL, call_mod, 0},
	{"month", "t", "i", "CAST(month($1) AS BIGINT)", NULL, 0},
	{"nan", "", "d", "CAST('nan' AS DOUBLE)", NULL, 0},
	{"not_like_escape", "sss", "b", "(NOT $1 LIKE $2 ESCAPE $3)", NULL, 0},
	{"now", "", "Z", NULL, call_now, 0},
	{"nth_value", "ai", "1", "nth_value($1, $2)$F", NULL, F_WINDOW},
	{"ntile", "i", "i", "ntile($1)$F", NULL, F_WINDOW},
	{"nullif", "aa", "1", NULL, call_nullif, 0},
	{"percent_rank", "", "d", "percent_rank()$F", NULL, F_WINDOW},
	{"pi", "", "d", "pi()", NULL, 0},
	{"position", "ss", "i", "CAST(strpos($1, $2) AS BIGINT)", NULL, 0},
	{"pow", "dd", "d", "pow($1, $2)", NULL, 0},
	{"power", "dd", "d", "pow($1, $2)", NULL, 0},
	{"quarter", "t", "i", "CAST(quarter($1) AS BIGINT)", NULL, 0},
	{"radians", "d", "d", "radians($1)", NULL, 0},
	{"rand", "", "d", "random()", NULL, 0},
	{"random", "", "d", "random()", NULL, 0},
	{"rank", "", "i", "rank()$F", NULL, F_WINDOW},
	{"regexp_extract", "ss|N", "s",
		"(CASE WHEN regexp_matches($1, $2) THEN regexp_extract($*) END)", NULL, 0},
	{"regexp_like", "ss", "b", "regexp_matches($1, $2)", NULL, 0},
	{"regexp_replace", "ss|C", "s", NULL, call_regexp_replace, 0},
	{"replace", "ss", "s", "replace($1, $2, '')", NULL, 0},
	{"replace", "sss", "s", "replace($1, $2, $3)", NULL, 0},
	{"reverse", "s", "s", "reverse($1)", NULL, 0},
	{"round", "n|N", "1", NULL, call_round, 0},
	{"row_number", "", "i", "row_number()$F", NULL, F_WINDOW},
	{"rpad", "sis", "s", "rpad($1, CAST($2 AS INTEGER), $3)", NULL, 0},
	{"rtrim", "s|s", "s", "rtrim($*)", NULL, 0},
	{"second", "T", "i", "CAST(second($1) AS BIGINT)", NULL, 0},
	{"sign", "n", "1", "sign($1)", NULL, 0},
	{"sin", "d", "d", "sin($1)", NULL, 0},
	{"split", "ss", "S", "string_split($1, $2)", NULL, 0},
	{"split_part", "ssi", "s",
		"(CASE WHEN $3 < 1 THEN raise('INVALID_FUNCTION_ARGUMENT: Index must be greater "
		"than zero') "
		"ELSE string_split($1, $2)[$3] END)",
		NULL, 0},
	{"sqrt", "d", "d", "(CASE WHEN $1 < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt($1) END)", NULL,
		0},
	{"starts_with", "ss", "b", "starts_with($1, $2)", NULL, 0},
	{"stddev", "d", "d", "stddev_samp($D$1)$F", NULL, F_AGGREGATE},
	{"stddev_pop", "d", "d", "stddev_pop($D$1)$F", NULL, F_AGGREGATE},
	{"stddev_samp", "d", "d", "stddev_samp($D$1)$F", NULL, F_AGGREGATE},
	{"strpos", "ss", "i", "CAST(strpos($1, $2) AS BIGINT)", NULL, 0},
	{"substr", "si|i", "s", NULL, call_substr, 0},
	{"substring", "si|i", "s", NULL, call_substr, 0},
	{"sum", "n", "u", NULL, call_sum, F_AGGREGATE},
	{"tan", "d", "d", "tan($1)", NULL, 0},
	{"to_unixtime", "T", "d", "(epoch_us($1) / CAST(1000000 AS DOUBLE))", NULL, 0},
	{"trim", "s|s", "s", "trim($*)", NULL, 0},
	{"truncate", "d", "d", "trunc($1)", NULL, 0},
	{"typeof", "a", "s", NULL, call_typeof, 0},
	{"upper", "s", "s", "upper($1)", NULL, 0},
	{"var_pop", "d", "d", "var_pop($D$1)$F", NULL, F_AGGREGATE},
	{"var_samp", "d", "d", "var_samp($D$1)$F", NULL, F_AGGREGATE},
	{"variance", "d", "d", "var_samp($D$1)$F", NULL, F_AGGREGATE},
	{"week", "t", "i", "CAST(week($1) AS BIGINT)", NULL, 0},
	{"week_of_year", "t", "i", "CAST(week($1) AS BIGINT)", NULL, 0},
	{"year", "t", "i", "CAST(year($1) AS BIGINT)", NULL, 0},
	{"year_of_week", "t", "i", "CAST(isoyear($1) AS BIGINT)", NULL, 0},
	{"yow", "t", "i", "CAST(isoyear($1) AS BIGINT)", NULL, 0},
	{"||", "aa", "s", NULL, call_join, 0},
	{"~~", "ss", "b", "($1 LIKE $2)", NULL, 0},
};

bool sqlfunc_is_aggregate(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (!strcmp(functions[i].name, name))
			return functions[i].flags & F_AGGREGATE;
	return false;
}

/* --- matching arguments --- */
static bool fits(const struct sqlexpr *e, char want)
{
	enum sqlkind kind = e->type->kind;

	if (want == 'C')
		return kind == SQL_VARCHAR && e->literal;
	if (want == 'N')
		return sqltype_is_integer(e->type) && e->literal;
	if (want == 'a')
		return true;
	if (kind == SQL_UNKNOWN)
		return want != 'A';
	switch (want) {
	case 's':
		return kind == SQL_VARCHAR;
	case 'i':
		return sqltype_is_integer(e->type);
	case 'n':
	case 'd':
		return sqltype_is_number(e->type);
	case 'b':
		return kind == SQL_BOOLEAN;
	case 't':
		return sqltype_is_time(e->type);
	case 'T':
		return kind == SQL_TIMESTAMP || kind == SQL_TIMESTAMP_TZ;
	case 'A':
		return kind == SQL_ARRAY;
	default:
		return false;
	}
}

/* Converts an argument to what the function is written for. */
static void adapt(struct sqlc *c, struct sqlexpr *e, char want)
{
	enum sqlkind to = SQL_UNKNOWN;

	switch (want) {
	case 'd':
		to = SQL_DOUBLE;
		break;
	case 'i':
		to = SQL_BIGINT;
		break;
	case 's':
		to = SQL_VARCHAR;
		break;
	case 'b':
		to = SQL_BOOLEAN;
		break;
	case 'n':
		to = e->type->kind == SQL_UNKNOWN ? SQL_BIGINT : SQL_UNKNOWN;
		break;
	case 't':
	case 'T':
		to = e->type->kind == SQL_UNKNOWN ? SQL_TIMESTAMP : SQL_UNKNOWN;
		break;
	default:
		break;
	}
	if (want == 'N' && e->literal)
		e->sql = e->literal;
	if (want == 'N' || to == SQL_UNKNOWN || e->type->kind == to)
		return;
	e->sql = sqlc_coerce(c, e, sqltype_plain(to));
	e->type = sqltype_plain(to);
}

static bool match(const struct function *f, const struct sqlexpr *args, size_t nr)
{
	const char *want = f->args;
	bool optional = false;
	char letter = '\0';

	for (size_t i = 0; i < nr; i++) {
		if (*want == '|') {
			optional = true;
			want++;
		}
		if (*want != '*')
			letter = *want;
		if (!letter || !fits(&args[i], letter))
			return false;
		if (*want != '*')
			want++;
	}
	return !*want || *want == '*' || *want == '|' || optional;
}

static void adapt_all(struct sqlc *c, const struct function *f, struct sqlexpr *args, size_t nr)
{
	const char *want = f->args;

	for (size_t i = 0; i < nr; i++) {
		if (*want == '|')
			want++;
		adapt(c, &args[i], *want == '*' ? want[-1] : *want);
		if (*want != '*')
			want++;
	}
}

/* --- the result's type --- */
static const struct sqltype *result_type(struct call *k, const char *code)
{
	struct sqlc *c = k->c;
	const struct sqltype *t;

	switch (*code) {
	case 's':
		return sqltype_plain(SQL_VARCHAR);
	case 'i':
		return sqltype_plain(SQL_BIGINT);
	case 'I':
		return sqltype_plain(SQL_INTEGER);
	case 'd':
		return sqltype_plain(SQL_DOUBLE);
	case 'b':
		return sqltype_plain(SQL_BOOLEAN);
	case 'D':
		return sqltype_plain(SQL_DATE);
	case 'T':
		return sqltype_plain(SQL_TIMESTAMP);
	case 'Z':
		return sqltype_plain(SQL_TIMESTAMP_TZ);
	case 'S':
		return sqltype_array(c->arena, sqltype_plain(SQL_VARCHAR));
	case 'A':
		return sqltype_array(c->arena, k->args[0].type);
	case 'e':
		return k->args[0].type->a;
	case '=':
		t = k->args[0].type;
		for (size_t i = 1; t && i < k->nr; i++)
			t = sqltype_common(c->arena, t, k->args[i].type);
		return t;
	default:
		return *code >= '1' && *code <= '9' ? k->args[*code - '1'].type
						    : sqltype_plain(SQL_UNKNOWN);
	}
}

static void expand(const struct call *k, const char *template, struct strbuf *sql)
{
	for (const char *t = template; *t; t++) {
		if (*t != '$') {
			strbuf_addch(sql, *t);
			continue;
		}
		t++;
		if (*t == 'D')
			strbuf_addstr(sql, k->distinct);
		else if (*t == 'F')
			strbuf_addstr(sql, k->suffix);
		else if (*t == 'O')
			strbuf_addf(sql, "%s%s", *k->order ? " ORDER BY " : "", k->order);
		else if (*t == '*')
			for (size_t i = 0; i < k->nr; i++)
				strbuf_addf(sql, "%s%s", i ? ", " : "", k->args[i].sql);
		else if ((size_t)(*t - '1') < k->nr)
			strbuf_addstr(sql, k->args[*t - '1'].sql);
		else if (!strcmp(k->name, "count"))
			strbuf_addch(sql, '*'); /* count() */
	}
}

static int no_such(struct sqlc *c, const struct json *node, const char *name, bool known,
	const struct sqlexpr *args, size_t nr)
{
	struct strbuf types = STRBUF_INIT;
	int r;

	if (!known)
		return sqlc_refuse(c, node,
			arena_printf(c->arena, "function '%s' is not known to this Athena", name));
	for (size_t i = 0; i < nr; i++)
		strbuf_addf(&types, "%s%s", i ? ", " : "", sqlc_type_name(c, args[i].type));
	r = sqlc_error(c, node, "FUNCTION_NOT_FOUND", "Unexpected parameters (%s) for function %s",
		types.buf, name);
	strbuf_release(&types);
	return r;
}

static const struct function *look_up(
	const char *name, const struct sqlexpr *args, size_t nr, bool *known)
{
	*known = false;
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (strcmp(functions[i].name, name))
			continue;
		*known = true;
		if (match(&functions[i], args, nr))
			return &functions[i];
	}
	return NULL;
}

static int check_use(const struct function *f, struct call *k, bool window)
{
	bool aggregate = f->flags & F_AGGREGATE;

	if ((f->flags & F_WINDOW) && !window)
		return sqlc_error(k->c, k->node, "MISSING_OVER",
			"Window function %s requires an OVER clause", k->name);
	if (window && !(f->flags & (F_WINDOW | F_AGGREGATE)))
		return sqlc_error(k->c, k->node, "FUNCTION_NOT_WINDOW",
			"OVER clause is not allowed for %s", k->name);
	if (!aggregate && !window && (*k->distinct || *k->order || *k->suffix))
		return sqlc_error(k->c, k->node, "FUNCTION_NOT_AGGREGATE",
			"DISTINCT, ORDER BY and FILTER are only for aggregations, not for %s",
			k->name);
	if (*k->distinct && f->sql && !strstr(f->sql, "$D") && strcmp(k->name, "max") &&
		strcmp(k->name, "min"))
		return refuse(k, "DISTINCT");
	if (*k->order && (!f->sql || !strstr(f->sql, "$O")))
		return refuse(k, "ORDER BY among its arguments");
	return 0;
}

int sqlc_call(struct sqlc *c, const struct json *node, const char *name, struct sqlexpr *args,
	size_t nr, bool distinct, const char *order, const char *suffix, bool window,
	struct sqlexpr *out)
{
	struct call k = {c, node, name, args, nr, distinct ? "DISTINCT " : "", order, suffix, NULL};
	struct strbuf sql = STRBUF_INIT;
	const struct function *f;
	bool known;
	int r = -1;

	f = look_up(name, args, nr, &known);
	if (!f)
		return no_such(c, node, name, known, args, nr);
	if (check_use(f, &k, window))
		return -1;
	adapt_all(c, f, args, nr);
	if (!(k.result = result_type(&k, f->result)))
		return sqlc_error(
			c, node, "TYPE_MISMATCH", "All %s arguments must be the same type", name);
	if (f->fn)
		r = f->fn(&k, &sql);
	else
		expand(&k, f->sql, &sql), r = 0;
	if (!r) {
		if ((f->flags & F_AGGREGATE) && !window)
			c->saw_aggregate = true;
		*out = (struct sqlexpr){.type = k.result, .sql = arena_strdup(c->arena, sql.buf)};
	}
	strbuf_release(&sql);
	return r;
}
