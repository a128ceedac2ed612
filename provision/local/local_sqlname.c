#include "local_sqlcompile.h"
#include "clock.h"

/* Names of columns, fields of rows, and UNNEST, which makes columns of both. */

static int set(struct sqlexpr *out, const struct sqltype *type, const char *sql)
{
	*out = (struct sqlexpr){.type = type, .sql = sql};
	return 0;
}

/* --- names --- */
static const char *timestamp_text(struct sqlc *c)
{
	struct utc u;

	utc_from_ms(c->env->now_ms, &u);
	return arena_printf(c->arena, "TIMESTAMP '%04d-%02d-%02d %02d:%02d:%02d.%03d'", u.year,
		u.month, u.day, u.hour, u.minute, u.second, u.ms);
}

static bool now_name(struct sqlc *c, const char *name, struct sqlexpr *out)
{
	if (!strcmp(name, "current_date"))
		set(out, sqltype_plain(SQL_DATE),
			arena_printf(c->arena, "CAST(%s AS DATE)", timestamp_text(c)));
	else if (!strcmp(name, "current_timestamp"))
		set(out, sqltype_plain(SQL_TIMESTAMP_TZ), timestamp_text(c));
	else if (!strcmp(name, "localtimestamp"))
		set(out, sqltype_plain(SQL_TIMESTAMP), timestamp_text(c));
	else
		return false;
	return true;
}

static bool matches(
	const struct sqlcolumn *col, const char *schema, const char *relation, const char *name)
{
	if (strcmp(col->name, name))
		return false;
	if (relation && (!col->relation || strcmp(col->relation, relation)))
		return false;
	return !schema || (col->schema && !strcmp(col->schema, schema));
}

static void note_reference(struct sqlc *c, const struct sqlcolumn *col)
{
	struct sqlplan_scan *scan = col->scan;

	if (scan)
		scan->columns[col->scan_column].used = true;
	if (!scan || col->scan_column < scan->nr_columns - scan->nr_partition_keys ||
		(c->refs_scan && c->refs_scan != scan))
		c->refs_mixed = true;
	else
		c->refs_scan = scan;
}

/* 1: found, 0: not, -1: more than one. */
static int find(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	const char *schema, const char *relation, const char *name, const struct sqlcolumn **found)
{
	*found = NULL;
	for (size_t i = 0; i < scope->nr; i++) {
		const struct sqlcolumn *col = &scope->v[i];
		if (!matches(col, schema, relation, name) || (col->hidden && !relation))
			continue;
		if (*found)
			return sqlc_error(
				c, node, "SYNTAX_ERROR", "Column '%s' is ambiguous", name);
		*found = col;
	}
	return *found != NULL;
}

static int find_outward(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	const char *schema, const char *relation, const char *name, const struct sqlcolumn **found)
{
	int r = 0;

	for (const struct sqlscope *s = scope; s && !r; s = s->outer) {
		if (s->aliases && !relation)
			r = find(c, s->aliases, node, NULL, NULL, name, found);
		if (!r)
			r = find(c, s, node, schema, relation, name, found);
		if (r > 0 && s != scope)
			c->refs_mixed = true;
	}
	return r;
}

/* --- fields of rows --- */
static bool take_field(struct sqlc *c, const char *name, struct sqlexpr *e)
{
	for (size_t i = 0; i < e->type->nr; i++)
		if (iequals(e->type->names[i], name)) {
			set(e, e->type->fields[i],
				arena_printf(c->arena, "struct_extract(%s, %s)", e->sql,
					sqlc_quote(c, e->type->names[i])));
			return true;
		}
	return false;
}

int sqlc_field_of(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const struct json *children = json_get(node, "children");
	const char *name = json_str(json_path(json_at(children, 1), "value.value"));

	if (!name)
		return sqlc_refuse(c, node, "this kind of field");
	if (sqlc_expr(c, scope, json_at(children, 0), out))
		return -1;
	if (out->type->kind != SQL_ROW)
		return sqlc_error(c, node, "TYPE_MISMATCH", "Expression is not of type ROW");
	if (!take_field(c, name, out))
		return sqlc_error(c, node, "SYNTAX_ERROR", "Column '%s' cannot be resolved", name);
	return 0;
}

/* --- references --- */
enum { MAX_PARTS = 32 };

static const char *joined(struct sqlc *c, const char *const *part, size_t nr)
{
	const char *text = part[0];

	for (size_t i = 1; i < nr; i++)
		text = arena_printf(c->arena, "%s.%s", text, part[i]);
	return text;
}

/* schema.table.name, table.name or name, whichever is first found; *used: the parts that it took. */
static int find_name(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	const char *const *part, size_t nr, const struct sqlcolumn **col, size_t *used)
{
	for (*used = nr < 3 ? nr : 3; *used; --*used) {
		size_t n = *used;
		int r = find_outward(c, scope, node, n > 2 ? part[0] : NULL,
			n > 1 ? part[n - 2] : NULL, part[n - 1], col);
		if (r)
			return r;
	}
	return 0;
}

/* name, table.name, schema.table.name, and fields of rows behind them. */
int sqlc_column_ref(
	struct sqlc *c, const struct sqlscope *scope, const struct json *node, struct sqlexpr *out)
{
	const struct json *names = json_get(node, "column_names");
	const char *parts[MAX_PARTS] = {0}, *const *part = parts;
	const struct sqlcolumn *col = NULL;
	size_t nr = json_len(names), used;
	int r;

	if (nr > MAX_PARTS)
		return sqlc_refuse(c, node, "names of so many parts");
	for (size_t i = 0; i < nr; i++)
		parts[i] = sqlc_lower(
			c, json_str(json_at(names, i)) ? json_str(json_at(names, i)) : "");
	if (nr >= 4 && !strcmp(part[0], "awsdatacatalog")) {
		part++;
		nr--;
	}
	r = find_name(c, scope, node, part, nr, &col, &used);
	if (r < 0)
		return -1;
	if (!col && nr == 1 && now_name(c, part[0], out))
		return 0;
	if (!col)
		return sqlc_error(c, node, "SYNTAX_ERROR", "Column '%s' cannot be resolved",
			joined(c, part, nr));
	note_reference(c, col);
	set(out, col->type, col->sql);
	for (; used < nr; used++)
		if (!take_field(c, part[used], out))
			return sqlc_error(c, node, "SYNTAX_ERROR", "Column '%s' cannot be resolved",
				joined(c, part, nr));
	return 0;
}

/* --- UNNEST --- */
struct unnest {
	struct sqlc *c;
	struct strbuf inner, outer, length;
	struct sqlplan_column *columns;
	size_t nr;
};

static void add_column(
	struct unnest *u, const char *name, const struct sqltype *type, const char *sql)
{
	strbuf_addf(&u->outer, "%s%s AS c%zu", u->nr ? ", " : "", sql, u->nr);
	u->columns[u->nr].name =
		name ? sqlc_lower(u->c, name) : arena_printf(u->c->arena, "_col%zu", u->nr);
	u->columns[u->nr++].type = type;
}

/* An array of rows gives a column for each of their fields. */
static void add_array(struct unnest *u, size_t i, const struct sqlexpr *e)
{
	const struct sqltype *of = e->type->a;
	const char *x = arena_printf(u->c->arena, "u.x%zu", i);

	strbuf_addf(&u->inner, "unnest(%s) AS x%zu", e->sql, i);
	strbuf_addf(&u->length, "coalesce(len(%s), 0)", e->sql);
	if (of->kind != SQL_ROW)
		add_column(u, NULL, of, x);
	for (size_t k = 0; k < of->nr; k++)
		add_column(u, of->names[k], of->fields[k],
			arena_printf(u->c->arena, "struct_extract(%s, %s)", x,
				sqlc_quote(u->c, of->names[k])));
}

static void add_map(struct unnest *u, size_t i, const struct sqlexpr *e)
{
	strbuf_addf(&u->inner, "unnest(map_keys(%s)) AS k%zu, unnest(map_values(%s)) AS v%zu",
		e->sql, i, e->sql, i);
	strbuf_addf(&u->length, "coalesce(len(map_keys(%s)), 0)", e->sql);
	add_column(u, NULL, e->type->a, arena_printf(u->c->arena, "u.k%zu", i));
	add_column(u, NULL, e->type->b, arena_printf(u->c->arena, "u.v%zu", i));
}

static size_t columns_of(const struct sqltype *t)
{
	if (t->kind == SQL_MAP)
		return 2;
	return t->kind != SQL_ARRAY ? 0 : t->a->kind == SQL_ROW ? t->a->nr : 1;
}

static const char *unnest_text(struct unnest *u, size_t nr_args, bool numbered)
{
	if (numbered) {
		strbuf_addf(&u->inner, ", unnest(range(1, %s(%s) + 1)) AS n",
			nr_args > 1 ? "greatest" : "", u->length.buf);
		add_column(u, NULL, sqltype_plain(SQL_BIGINT), "u.n");
	}
	return arena_printf(u->c->arena, "LATERAL (SELECT %s FROM (SELECT %s) AS u)", u->outer.buf,
		u->inner.buf);
}

int sqlc_unnest(struct sqlc *c, const struct sqlscope *scope, const struct json *node,
	struct sqlplan_column **columns, size_t *nr, const char **sql)
{
	const struct json *args = json_path(node, "function.children");
	const char *ordinality = json_get_str(node, "with_ordinality");
	bool numbered = ordinality && !strcmp(ordinality, "WITH_ORDINALITY");
	struct sqlexpr *v = arena_alloc(c->arena, (json_len(args) + 1) * sizeof(*v));
	struct unnest u = {
		.c = c, .inner = STRBUF_INIT, .outer = STRBUF_INIT, .length = STRBUF_INIT};
	size_t n = 0, total = 1;
	struct json *arg;

	json_each(arg, args)
	{
		if (sqlc_expr(c, scope, arg, &v[n]))
			return -1;
		if (!columns_of(v[n].type))
			return sqlc_error(c, node, "TYPE_MISMATCH", "Cannot unnest type: %s",
				sqlc_type_name(c, v[n].type));
		total += columns_of(v[n++].type);
	}
	u.columns = arena_alloc(c->arena, total * sizeof(*u.columns));
	for (size_t i = 0; i < n; i++) {
		strbuf_addstr(&u.inner, i ? ", " : "");
		strbuf_addstr(&u.length, i ? ", " : "");
		if (v[i].type->kind == SQL_MAP)
			add_map(&u, i, &v[i]);
		else
			add_array(&u, i, &v[i]);
	}
	*sql = unnest_text(&u, n, numbered);
	*columns = u.columns;
	*nr = u.nr;
	strbuf_release(&u.inner);
	strbuf_release(&u.outer);
	strbuf_release(&u.length);
	return 0;
}
