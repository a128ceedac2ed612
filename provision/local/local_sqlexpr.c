#include "local_sqlcompile.h"

/* Expressions: literals, comparisons, CASE, subqueries, windows. Names: local_sqlname.c. Casts and arithmetic: local_sqlcast.c. */

static int set(struct sqlexpr *out, const struct sqltype *type, const char *sql)
{
	*out = (struct sqlexpr){.type = type, .sql = sql};
	return 0;
}

static int set_boolean(struct sqlexpr *out, const char *sql)
{
	return set(out, sqltype_plain(SQL_BOOLEAN), sql);
}

/* --- literals --- */
/* "-125" of scale 2 is -1.25. */
static const char *decimal_literal(struct sqlc *c, const char *unscaled, int scale)
{
	const char *sign = *unscaled == '-' ? "-" : "", *digits = unscaled + strlen(sign);
	int len = (int)strlen(digits);
	struct strbuf sb = STRBUF_INIT;
	const char *text;

	if (len > scale) {
		strbuf_addf(&sb, "%s%.*s", sign, len - scale, digits);
		if (scale)
			strbuf_addf(&sb, ".%s", digits + len - scale);
	} else {
		strbuf_addf(&sb, "%s0.", sign);
		strbuf_addchars(&sb, '0', (size_t)(scale - len));
		strbuf_addstr(&sb, digits);
	}
	text = arena_strdup(c->arena, sb.buf);
	strbuf_release(&sb);
	return text;
}

static int number_literal(struct sqlc *c, const struct json *node, const struct json *value,
	const char *id, struct sqlexpr *out)
{
	const char *text = json_scalar_text(json_get(value, "value"));
	enum sqlkind kind = !strcmp(id, "BIGINT") ? SQL_BIGINT : SQL_INTEGER;
	int p, s;

	if (!text)
		return sqlc_refuse(c, node, "numbers of more than 18 digits");
	if (!strcmp(id, "DOUBLE"))
		return set(out, sqltype_plain(SQL_DOUBLE),
			arena_printf(c->arena, "CAST('%s' AS DOUBLE)", text));
	if (!strcmp(id, "DECIMAL")) {
		p = (int)json_i64(json_path(value, "type.type_info.width"), 0);
		s = (int)json_i64(json_path(value, "type.type_info.scale"), 0);
		return set(out, sqltype_decimal(c->arena, p, s),
			arena_printf(c->arena, "CAST('%s' AS DECIMAL(%d,%d))",
				decimal_literal(c, text, s), p, s));
	}
	set(out, sqltype_plain(kind),
		arena_printf(c->arena, "CAST(%s AS %s)", text,
			kind == SQL_BIGINT ? "BIGINT" : "INTEGER"));
	out->literal = text;
	return 0;
}

static int constant(struct sqlc *c, const struct json *node, struct sqlexpr *out)
{
	const struct json *value = json_get(node, "value");
	const char *id = json_str(json_path(value, "type.id"));

	if (json_get_truth(value, "is_null", false))
		return set(out, sqltype_plain(SQL_UNKNOWN), "NULL");
	if (!id)
		return sqlc_refuse(c, node, "this literal");
	if (!strcmp(id, "VARCHAR")) {
		const char *text = json_get_str(value, "value");
		if (!text)
			return sqlc_refuse(c, node, "this string literal");
		set(out, sqltype_plain(SQL_VARCHAR), sqlc_quote(c, text));
		out->literal = arena_strdup(c->arena, text);
		return 0;
	}
	if (!strcmp(id, "BOOLEAN"))
		return set_boolean(out, json_get_truth(value, "value", false) ? "true" : "false");
	if (!strcmp(id, "INTEGER") || !strcmp(id, "BIGINT") || !strcmp(id, "DECIMAL") ||
		!strcmp(id, "DOUBLE"))
		return number_literal(c, node, value, id, out);
	return sqlc_refuse(c, node, arena_printf(c->arena, "literals of type %s", id));
}

/* --- comparisons --- */
static const struct {
	const char *type, *op;
} comparisons[] = {
	{"COMPARE_DISTINCT_FROM", "IS DISTINCT FROM"},
	{"COMPARE_EQUAL", "="},
	{"COMPARE_GREATERTHAN", ">"},
	{"COMPARE_GREATERTHANOREQUALTO", ">="},
	{"COMPARE_LESSTHAN", "<"},
	{"COMPARE_LESSTHANOREQUALTO", "<="},
	{"COMPARE_NOTEQUAL", "<>"},
	{"COMPARE_NOT_DISTINCT_FROM", "IS NOT DISTINCT FROM"},
};

static const char *comparison_operator(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_SIZE(comparisons); i++)
		if (!strcmp(comparisons[i].type, type))
			return comparisons[i].op;
	return NULL;
}

static int unify(struct sqlc *c, const struct json *node, const char *op, const struct sqlexpr *a,
	const struct sqlexpr *b, const struct sqltype **common)
{
	*common = sqltype_common(c->arena, a->type, b->type);
	if (!*common)
		return sqlc_error(c, node, "TYPE_MISMATCH", "Cannot apply operator: %s %s %s",
			sqlc_type_name(c, a->type), op, sqlc_type_name(c, b->type));
	return 0;
}

static int comparison(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const char *op = comparison_operator(json_get_str(node, "type"));
	const struct sqltype *t;
	struct sqlexpr a, b;

	if (!op)
		return sqlc_refuse(c, node, "this comparison");
	if (sqlc_expr(c, scope, json_get(node, "left"), &a) ||
		sqlc_expr(c, scope, json_get(node, "right"), &b) || unify(c, node, op, &a, &b, &t))
		return -1;
	return set_boolean(out, arena_printf(c->arena, "(%s %s %s)", sqlc_coerce(c, &a, t), op,
					sqlc_coerce(c, &b, t)));
}

static int between(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const struct sqltype *t;
	struct sqlexpr x, lo, hi;

	if (sqlc_expr(c, scope, json_get(node, "input"), &x) ||
		sqlc_expr(c, scope, json_get(node, "lower"), &lo) ||
		sqlc_expr(c, scope, json_get(node, "upper"), &hi) ||
		unify(c, node, "BETWEEN", &x, &lo, &t) ||
		unify(c, node, "BETWEEN", &(struct sqlexpr){.type = t}, &hi, &t))
		return -1;
	return set_boolean(
		out, arena_printf(c->arena, "(%s BETWEEN %s AND %s)", sqlc_coerce(c, &x, t),
			     sqlc_coerce(c, &lo, t), sqlc_coerce(c, &hi, t)));
}

int sqlc_boolean(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	const char *where, const char **sql)
{
	struct sqlexpr e;

	if (sqlc_expr(c, scope, node, &e))
		return -1;
	if (e.type->kind != SQL_BOOLEAN && e.type->kind != SQL_UNKNOWN)
		return sqlc_error(c, node, "TYPE_MISMATCH",
			"%s must evaluate to a boolean: actual type %s", where,
			sqlc_type_name(c, e.type));
	*sql = e.type->kind == SQL_UNKNOWN ? "CAST(NULL AS BOOLEAN)" : e.sql;
	return 0;
}

static int conjunction(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const char *op = !strcmp(json_get_str(node, "type"), "CONJUNCTION_AND") ? " AND " : " OR ";
	struct strbuf sb = STRBUF_INIT;
	struct json *child;
	const char *sql;
	int r = -1;

	json_each(child, json_get(node, "children"))
	{
		if (sqlc_boolean(c, scope, child, "Logical expression term", &sql))
			goto out;
		strbuf_addstr(&sb, sb.len ? op : "(");
		strbuf_addstr(&sb, sql);
	}
	strbuf_addch(&sb, ')');
	r = set_boolean(out, arena_strdup(c->arena, sb.buf));
out:
	strbuf_release(&sb);
	return r;
}

/* The children of a node as expressions in the arena. */
static int children(struct sqlc *c, const struct sqlscope *scope, const struct json *list,
	struct sqlexpr **v, size_t *nr)
{
	struct json *child;

	*nr = 0;
	*v = arena_alloc(c->arena, (json_len(list) + 1) * sizeof(**v));
	json_each(child, list)
	{
		if (sqlc_expr(c, scope, child, &(*v)[*nr]))
			return -1;
		++*nr;
	}
	return 0;
}

static int common_of(struct sqlc *c, const struct json *node, const struct sqlexpr *v, size_t nr,
	const char *what, const struct sqltype **t)
{
	*t = sqltype_plain(SQL_UNKNOWN);
	for (size_t i = 0; i < nr; i++) {
		const struct sqltype *u = sqltype_common(c->arena, *t, v[i].type);
		if (!u)
			return sqlc_error(c, node, "TYPE_MISMATCH",
				"All %s must be the same type: %s, found %s", what,
				sqlc_type_name(c, *t), sqlc_type_name(c, v[i].type));
		*t = u;
	}
	return 0;
}

static int in_list(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	bool negated, struct sqlexpr *out)
{
	struct strbuf sb = STRBUF_INIT;
	const struct sqltype *t;
	struct sqlexpr *v;
	size_t nr;

	if (children(c, scope, json_get(node, "children"), &v, &nr) ||
		common_of(c, node, v, nr, "IN list values", &t))
		return -1;
	strbuf_addf(&sb, "(%s %sIN (", sqlc_coerce(c, &v[0], t), negated ? "NOT " : "");
	for (size_t i = 1; i < nr; i++)
		strbuf_addf(&sb, "%s%s", i > 1 ? ", " : "", sqlc_coerce(c, &v[i], t));
	strbuf_addstr(&sb, "))");
	set_boolean(out, arena_strdup(c->arena, sb.buf));
	strbuf_release(&sb);
	return 0;
}

/* --- CASE and its kin --- */
static int case_expr(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const struct json *checks = json_get(node, "case_checks");
	size_t nr = json_len(checks), i = 0;
	struct sqlexpr *then = arena_alloc(c->arena, (nr + 1) * sizeof(*then));
	const char **when = arena_alloc(c->arena, (nr + 1) * sizeof(*when));
	struct strbuf sb = STRBUF_INIT;
	const struct sqltype *t;
	struct json *check;

	json_each(check, checks)
	{
		if (sqlc_boolean(
			    c, scope, json_get(check, "when_expr"), "CASE WHEN clause", &when[i]) ||
			sqlc_expr(c, scope, json_get(check, "then_expr"), &then[i]))
			return -1;
		i++;
	}
	if (sqlc_expr(c, scope, json_get(node, "else_expr"), &then[nr]) ||
		common_of(c, node, then, nr + 1, "CASE results", &t))
		return -1;
	strbuf_addstr(&sb, "CASE");
	for (i = 0; i < nr; i++)
		strbuf_addf(&sb, " WHEN %s THEN %s", when[i], sqlc_coerce(c, &then[i], t));
	strbuf_addf(&sb, " ELSE %s END", sqlc_coerce(c, &then[nr], t));
	set(out, t, arena_printf(c->arena, "(%s)", sb.buf));
	strbuf_release(&sb);
	return 0;
}

static int coalesce(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	struct strbuf sb = STRBUF_INIT;
	const struct sqltype *t;
	struct sqlexpr *v;
	size_t nr;

	if (children(c, scope, json_get(node, "children"), &v, &nr) ||
		common_of(c, node, v, nr, "COALESCE operands", &t))
		return -1;
	for (size_t i = 0; i < nr; i++)
		strbuf_addf(&sb, "%s%s", i ? ", " : "", sqlc_coerce(c, &v[i], t));
	set(out, t, arena_printf(c->arena, "coalesce(%s)", sb.buf));
	strbuf_release(&sb);
	return 0;
}

static int subscript(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	struct sqlexpr *v;
	size_t nr;

	if (children(c, scope, json_get(node, "children"), &v, &nr))
		return -1;
	if (nr == 2 && v[0].type->kind == SQL_ARRAY && sqltype_is_integer(v[1].type))
		return set(out, v[0].type->a,
			arena_printf(c->arena,
				"(CASE WHEN %s < 1 OR %s > len(%s) THEN "
				"raise('INVALID_FUNCTION_ARGUMENT: Array subscript must be less "
				"than or equal "
				"to array length and at least 1') ELSE %s[%s] END)",
				v[1].sql, v[1].sql, v[0].sql, v[0].sql, v[1].sql));
	if (nr == 2 && v[0].type->kind == SQL_MAP && sqltype_equal(v[1].type, v[0].type->a))
		return set(out, v[0].type->b,
			arena_printf(c->arena,
				"(CASE WHEN NOT map_contains(%s, %s) THEN "
				"raise('INVALID_FUNCTION_ARGUMENT: Key not present in map') ELSE "
				"%s[%s] END)",
				v[0].sql, v[1].sql, v[0].sql, v[1].sql));
	return sqlc_refuse(c, node, "this kind of subscript");
}

static int array_constructor(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	struct strbuf sb = STRBUF_INIT;
	const struct sqltype *t;
	struct sqlexpr *v;
	size_t nr;

	if (children(c, scope, json_get(node, "children"), &v, &nr) ||
		common_of(c, node, v, nr, "ARRAY elements", &t))
		return -1;
	for (size_t i = 0; i < nr; i++)
		strbuf_addf(&sb, "%s%s", i ? ", " : "", sqlc_coerce(c, &v[i], t));
	set(out, sqltype_array(c->arena, t), arena_printf(c->arena, "[%s]", sb.buf));
	strbuf_release(&sb);
	return 0;
}

static int grouping(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	struct strbuf sb = STRBUF_INIT;
	struct sqlexpr *v;
	size_t nr;

	if (children(c, scope, json_get(node, "children"), &v, &nr))
		return -1;
	for (size_t i = 0; i < nr; i++)
		strbuf_addf(&sb, "%s%s", i ? ", " : "", v[i].sql);
	c->saw_aggregate = true;
	set(out, sqltype_plain(SQL_INTEGER),
		arena_printf(c->arena, "CAST(grouping(%s) AS INTEGER)", sb.buf));
	strbuf_release(&sb);
	return 0;
}

static int operator_expr(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const char *type = json_get_str(node, "type");
	const struct json *first = json_at(json_get(node, "children"), 0);
	struct sqlexpr e;
	const char *sql;

	if (!strcmp(type, "COMPARE_IN") || !strcmp(type, "COMPARE_NOT_IN"))
		return in_list(c, scope, node, type[8] == 'N', out);
	if (!strcmp(type, "OPERATOR_COALESCE"))
		return coalesce(c, scope, node, out);
	if (!strcmp(type, "ARRAY_EXTRACT"))
		return subscript(c, scope, node, out);
	if (!strcmp(type, "STRUCT_EXTRACT"))
		return sqlc_field_of(c, scope, node, out);
	if (!strcmp(type, "ARRAY_CONSTRUCTOR"))
		return array_constructor(c, scope, node, out);
	if (!strcmp(type, "GROUPING_FUNCTION"))
		return grouping(c, scope, node, out);
	if (!strcmp(type, "OPERATOR_NOT")) {
		if (sqlc_boolean(c, scope, first, "Value of logical NOT expression", &sql))
			return -1;
		return set_boolean(out, arena_printf(c->arena, "(NOT %s)", sql));
	}
	if (!strcmp(type, "OPERATOR_IS_NULL") || !strcmp(type, "OPERATOR_IS_NOT_NULL")) {
		if (sqlc_expr(c, scope, first, &e))
			return -1;
		return set_boolean(out, arena_printf(c->arena, "(%s IS %sNULL)", e.sql,
						!strcmp(type, "OPERATOR_IS_NULL") ? "" : "NOT "));
	}
	if (!strcmp(type, "OPERATOR_TRY")) {
		if (sqlc_expr(c, scope, first, &e))
			return -1;
		return set(out, e.type, arena_printf(c->arena, "TRY(%s)", e.sql));
	}
	return sqlc_refuse(c, node, arena_printf(c->arena, "operator %s", type));
}

/* --- subqueries --- */
static int quantified(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	const struct sqlquery *q, struct sqlexpr *out)
{
	const char *op = comparison_operator(json_get_str(node, "comparison_type"));
	struct sqlexpr child, column = {.type = q->columns[0].type};
	const struct sqltype *t;
	const char *piece;

	if (!op || q->nr != 1)
		return sqlc_error(c, node, "SYNTAX_ERROR",
			"Multiple columns returned by subquery are not yet supported. Found %zu",
			q->nr);
	if (sqlc_expr(c, scope, json_get(node, "child"), &child) ||
		unify(c, node, op, &child, &column, &t))
		return -1;
	piece = q->sql;
	if (!sqltype_equal(t, column.type)) {
		column.sql = "s.c0";
		piece = arena_printf(
			c->arena, "SELECT %s FROM (%s) AS s", sqlc_coerce(c, &column, t), q->sql);
	}
	return set_boolean(out,
		arena_printf(c->arena, "(%s %s ANY (%s))", sqlc_coerce(c, &child, t), op, piece));
}

static int subquery(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const char *kind = json_get_str(node, "subquery_type");
	bool aggregate = c->saw_aggregate, window = c->saw_window, in = c->in_aggregate;
	struct sqlquery q;
	int r;

	c->in_aggregate = false;
	r = sqlc_query(c, json_path(node, "subquery.node"), scope, &q);
	c->saw_aggregate = aggregate;
	c->saw_window = window;
	c->in_aggregate = in;
	c->refs_mixed = true;
	if (r)
		return -1;
	if (!strcmp(kind, "EXISTS") || !strcmp(kind, "NOT_EXISTS"))
		return set_boolean(out, arena_printf(c->arena, "(%sEXISTS (%s))",
						*kind == 'N' ? "NOT " : "", q.sql));
	if (!strcmp(kind, "ANY"))
		return quantified(c, scope, node, &q, out);
	if (strcmp(kind, "SCALAR"))
		return sqlc_refuse(c, node, "this kind of subquery");
	if (q.nr != 1)
		return sqlc_error(c, node, "SYNTAX_ERROR",
			"Multiple columns returned by subquery are not yet supported. Found %zu",
			q.nr);
	return set(out, q.columns[0].type, arena_printf(c->arena, "(%s)", q.sql));
}

/* --- windows --- */
int sqlc_order(
	struct sqlc *c, const struct sqlscope *scope, const struct json *orders, struct strbuf *out)
{
	struct json *order;

	json_each(order, orders)
	{
		const char *type = json_get_str(order, "type");
		const char *nulls = json_get_str(order, "null_order");
		struct sqlexpr e;
		if (sqlc_expr(c, scope, json_get(order, "expression"), &e))
			return -1;
		strbuf_addf(out, "%s%s%s NULLS %s", out->len ? ", " : "", e.sql,
			type && !strcmp(type, "DESCENDING") ? " DESC" : " ASC",
			nulls && !strcmp(nulls, "NULLS_FIRST") ? "FIRST" : "LAST");
	}
	return 0;
}

static int frame_bound(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	const char *member, const char *expr_member, struct strbuf *out)
{
	const char *bound = json_get_str(node, member);
	struct sqlexpr e;

	if (starts_with(bound, "UNBOUNDED_")) {
		strbuf_addf(out, "UNBOUNDED %s", bound + strlen("UNBOUNDED_"));
		return 0;
	}
	if (starts_with(bound, "CURRENT_ROW")) {
		strbuf_addstr(out, "CURRENT ROW");
		return 0;
	}
	if (!starts_with(bound, "EXPR_"))
		return sqlc_refuse(c, node, "this window frame");
	if (sqlc_expr(c, scope, json_get(node, expr_member), &e))
		return -1;
	if (!ends_with(bound, "_ROWS") || !sqltype_is_integer(e.type))
		return sqlc_refuse(c, node, "RANGE and GROUPS frames with a distance");
	strbuf_addf(out, "%s %s", e.sql, strstr(bound, "PRECEDING") ? "PRECEDING" : "FOLLOWING");
	return 0;
}

/* "" when it is the default frame, which some functions may not name. */
static int frame(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct strbuf *out)
{
	const char *start = json_get_str(node, "start"), *end = json_get_str(node, "end");

	if (!start || !end)
		return sqlc_refuse(c, node, "this window frame");
	if (!strcmp(start, "UNBOUNDED_PRECEDING") && !strcmp(end, "CURRENT_ROW_RANGE"))
		return 0;
	strbuf_addstr(out, ends_with(start, "_ROWS") || ends_with(end, "_ROWS") ? " ROWS BETWEEN "
			   : ends_with(start, "_GROUPS") || ends_with(end, "_GROUPS")
				   ? " GROUPS BETWEEN "
				   : " RANGE BETWEEN ");
	if (frame_bound(c, scope, node, "start", "start_expr", out))
		return -1;
	strbuf_addstr(out, " AND ");
	return frame_bound(c, scope, node, "end", "end_expr", out);
}

static int over(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct strbuf *out)
{
	struct strbuf orders = STRBUF_INIT;
	struct sqlexpr e;
	struct json *child;
	bool first = true;
	int r = -1;

	strbuf_addstr(out, " OVER (");
	json_each(child, json_get(node, "partitions"))
	{
		if (sqlc_expr(c, scope, child, &e))
			goto out;
		strbuf_addf(out, "%s%s", first ? "PARTITION BY " : ", ", e.sql);
		first = false;
	}
	if (sqlc_order(c, scope, json_get(node, "orders"), &orders))
		goto out;
	if (orders.len)
		strbuf_addf(out, " ORDER BY %s", orders.buf);
	if (frame(c, scope, node, out))
		goto out;
	strbuf_addch(out, ')');
	r = 0;
out:
	strbuf_release(&orders);
	return r;
}

static int window(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const char *name = json_get_str(node, "function_name");
	struct strbuf suffix = STRBUF_INIT;
	struct sqlexpr args[8];
	size_t nr = 0;
	struct json *child;
	const char *sql;
	int r = -1;

	if (json_get_truth(node, "ignore_nulls", false) || json_len(json_get(node, "arg_orders")) ||
		strcmp(json_get_str(node, "exclude_clause"), "NO_OTHER"))
		return sqlc_refuse(
			c, node, "IGNORE NULLS, EXCLUDE and ordered arguments of window functions");
	json_each(child, json_get(node, "children"))
	{
		if (nr == 6)
			return sqlc_refuse(c, node, "window functions of so many arguments");
		if (sqlc_expr(c, scope, child, &args[nr++]))
			return -1;
	}
	if (json_is(json_get(node, "offset_expr"), JSON_OBJECT) &&
		sqlc_expr(c, scope, json_get(node, "offset_expr"), &args[nr++]))
		return -1;
	if (json_is(json_get(node, "default_expr"), JSON_OBJECT) &&
		sqlc_expr(c, scope, json_get(node, "default_expr"), &args[nr++]))
		return -1;
	if (json_is(json_get(node, "filter_expr"), JSON_OBJECT)) {
		if (sqlc_boolean(c, scope, json_get(node, "filter_expr"), "FILTER", &sql))
			goto out;
		strbuf_addf(&suffix, " FILTER (WHERE %s)", sql);
	}
	if (over(c, scope, node, &suffix))
		goto out;
	c->saw_window = true;
	r = sqlc_call(c, node, name, args, nr, json_get_truth(node, "distinct", false), "",
		suffix.buf, true, out);
out:
	strbuf_release(&suffix);
	return r;
}

/* --- calls --- */
static const char *const arithmetic[] = {"+", "-", "*", "/", "%"};

static int negate(
	struct sqlc *c, const struct json *node, const struct sqlexpr *a, struct sqlexpr *out)
{
	if (!sqltype_is_number(a->type) && a->type->kind != SQL_INTERVAL_DAY &&
		a->type->kind != SQL_INTERVAL_MONTH)
		return sqlc_error(
			c, node, "TYPE_MISMATCH", "Cannot negate %s", sqlc_type_name(c, a->type));
	return set(out, a->type, arena_printf(c->arena, "(- %s)", a->sql));
}

static int operator_call(struct sqlc *c, const struct json *node, const char *name,
	struct sqlexpr *args, size_t nr, struct sqlexpr *out)
{
	if (nr == 1 && !strcmp(name, "-"))
		return negate(c, node, &args[0], out);
	if (nr == 1 && !strcmp(name, "+")) {
		*out = args[0];
		return 0;
	}
	for (size_t i = 0; nr == 2 && i < ARRAY_SIZE(arithmetic); i++)
		if (!strcmp(arithmetic[i], name))
			return sqlc_arithmetic(c, node, name, &args[0], &args[1], out);
	return sqlc_call(c, node, name, args, nr, false, "", "", false, out);
}

/* DuckDB's tree has INTERVAL '3' MONTH as to_months(cast(trunc(cast('3' as double)) as integer)). */
static const struct {
	const char *function, *unit;
	enum sqlkind kind;
} intervals[] = {
	{"to_days", "DAY", SQL_INTERVAL_DAY},
	{"to_hours", "HOUR", SQL_INTERVAL_DAY},
	{"to_minutes", "MINUTE", SQL_INTERVAL_DAY},
	{"to_months", "MONTH", SQL_INTERVAL_MONTH},
	{"to_seconds", "SECOND", SQL_INTERVAL_DAY},
	{"to_weeks", "WEEK", SQL_INTERVAL_DAY},
	{"to_years", "YEAR", SQL_INTERVAL_MONTH},
};

/* 1: it was one. */
static int interval(struct sqlc *c, const struct json *node, const char *name, struct sqlexpr *out)
{
	const struct json *at = json_at(json_get(node, "children"), 0);
	const char *text;
	long long n;

	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		if (strcmp(intervals[i].function, name))
			continue;
		while (json_is(at, JSON_OBJECT) && !json_get(at, "value"))
			at = json_get(at, "child") ? json_get(at, "child")
						   : json_at(json_get(at, "children"), 0);
		text = json_scalar_text(json_path(at, "value.value"));
		if (!text || parse_int64(text, -1000000000, 1000000000, &n))
			return sqlc_refuse(c, node, "intervals that are no whole number");
		set(out, sqltype_plain(intervals[i].kind),
			arena_printf(c->arena, "INTERVAL (%lld) %s", n, intervals[i].unit));
		return 1;
	}
	return 0;
}

static int function_suffix(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	struct strbuf *order, struct strbuf *suffix)
{
	const char *sql;

	if (json_is(json_get(node, "filter"), JSON_OBJECT)) {
		if (sqlc_boolean(c, scope, json_get(node, "filter"), "FILTER", &sql))
			return -1;
		strbuf_addf(suffix, " FILTER (WHERE %s)", sql);
	}
	return sqlc_order(c, scope, json_path(node, "order_bys.orders"), order);
}

static int function(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const char *name = json_get_str(node, "function_name");
	struct strbuf order = STRBUF_INIT, suffix = STRBUF_INIT;
	bool aggregate, in = c->in_aggregate;
	struct sqlexpr *args;
	size_t nr;
	int r;

	if (!name)
		return sqlc_refuse(c, node, "this function");
	if ((r = interval(c, node, name, out)))
		return r < 0 ? -1 : 0;
	aggregate = sqlfunc_is_aggregate(name);
	if (aggregate && in)
		return sqlc_error(c, node, "NESTED_AGGREGATION",
			"Cannot nest aggregations inside aggregation '%s'", name);
	c->in_aggregate = in || aggregate;
	r = children(c, scope, json_get(node, "children"), &args, &nr) ||
	    function_suffix(c, scope, node, &order, &suffix);
	c->in_aggregate = in;
	if (!r && json_get_truth(node, "is_operator", false))
		r = operator_call(c, node, name, args, nr, out);
	else if (!r)
		r = sqlc_call(c, node, name, args, nr, json_get_truth(node, "distinct", false),
			order.buf, suffix.buf, false, out);
	strbuf_release(&order);
	strbuf_release(&suffix);
	return r ? -1 : 0;
}

typedef int expr_fn(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out);

static int constant_expr(struct sqlc *c, const struct sqlscope *scope unused_arg,
	const struct json *node, struct sqlexpr *out)
{
	return constant(c, node, out);
}

/* By the node's class, sorted. */
static const struct {
	const char *class;
	expr_fn *fn;
} classes[] = {
	{"BETWEEN", between},
	{"CASE", case_expr},
	{"CAST", sqlc_cast_node},
	{"COLUMN_REF", sqlc_column_ref},
	{"COMPARISON", comparison},
	{"CONJUNCTION", conjunction},
	{"CONSTANT", constant_expr},
	{"FUNCTION", function},
	{"OPERATOR", operator_expr},
	{"SUBQUERY", subquery},
	{"WINDOW", window},
};

int sqlc_expr(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const char *class = json_get_str(node, "class");
	int r = -1;

	if (!class || !json_get_str(node, "type"))
		return sqlc_refuse(c, node, "this expression");
	if (++c->depth > SQLC_MAX_DEPTH)
		return sqlc_refuse(c, node, "queries nested so deeply");
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].class, class)) {
			r = classes[i].fn(c, scope, node, out);
			c->depth--;
			return r;
		}
	c->depth--;
	return sqlc_refuse(
		c, node, !strcmp(class, "LAMBDA") ? "lambda expressions" : sqlc_lower(c, class));
}
