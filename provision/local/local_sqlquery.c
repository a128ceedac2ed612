#include "local_sqlcompile.h"

/* FROM, SELECT, set operations and WITH. Every query's text names its columns c0, c1, …, every relation is r<number>. */

static int fail_type(struct sqlc *c, const struct json *node, const char *what)
{
	return sqlc_refuse(c, node, what);
}

static void scope_add(struct sqlscope *s, struct sqlc *c, const struct sqlcolumn *col)
{
	if (s->nr == s->alloc) {
		size_t alloc = s->alloc ? s->alloc * 2 : 16;
		struct sqlcolumn *v = arena_alloc(c->arena, alloc * sizeof(*v));
		if (s->nr)
			memcpy(v, s->v, s->nr * sizeof(*v));
		s->v = v;
		s->alloc = alloc;
	}
	s->v[s->nr++] = *col;
}

static const char *keep(struct sqlc *c, struct strbuf *sb)
{
	const char *text = arena_strdup(c->arena, sb->buf);

	strbuf_release(sb);
	return text;
}

/* Aliases of FROM t AS x(a, b); false when there are not as many as columns. */
static bool rename_columns(
	struct sqlc *c, const struct json *names, struct sqlscope *s, size_t from)
{
	struct json *name;
	size_t i = from;

	if (!json_len(names))
		return true;
	if (json_len(names) != s->nr - from)
		return false;
	json_each(name, names) s->v[i++].name = sqlc_lower(c, json_str(name));
	return true;
}

static int check_renamed(struct sqlc *c, const struct json *node, struct sqlscope *s, size_t from)
{
	if (rename_columns(c, json_get(node, "column_name_alias"), s, from))
		return 0;
	return sqlc_error(c, node, "SYNTAX_ERROR",
		"Column alias list has %zu entries but relation has %zu columns",
		json_len(json_get(node, "column_name_alias")), s->nr - from);
}

static const char *alias_of(struct sqlc *c, const struct json *node, const char *otherwise)
{
	const char *alias = json_get_str(node, "alias");

	return alias && *alias ? sqlc_lower(c, alias) : otherwise;
}

static void add_columns(struct sqlc *c, struct sqlscope *s, const char *relation,
	const char *schema, const struct sqlplan_column *columns, size_t nr, int id,
	struct sqlplan_scan *scan)
{
	for (size_t i = 0; i < nr; i++)
		scope_add(s, c,
			&(struct sqlcolumn){.relation = relation,
				.schema = schema,
				.name = columns[i].name,
				.type = columns[i].type,
				.sql = arena_printf(c->arena, "r%d.c%zu", id, i),
				.scan = scan,
				.scan_column = i});
}

static const struct sqlcte *find_cte(const struct sqlc *c, const char *name)
{
	for (const struct sqlcte *t = c->ctes; t; t = t->next)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

static int from_table(struct sqlc *c, const struct json *node, struct sqlscope *s, const char **sql)
{
	const char *name = sqlc_lower(c, json_get_str(node, "table_name"));
	const char *schema = json_get_str(node, "schema_name");
	const char *catalog = json_get_str(node, "catalog_name");
	const struct sqlcte *cte = schema && *schema ? NULL : find_cte(c, name);
	size_t from = s->nr;
	int id = c->next_id++;
	struct sqlplan_scan *scan = NULL;
	struct sqlquery view;

	if (json_is(json_get(node, "sample"), JSON_OBJECT) ||
		json_is(json_get(node, "at_clause"), JSON_OBJECT))
		return sqlc_refuse(c, node, "TABLESAMPLE and versions of tables");
	if (cte) {
		add_columns(c, s, alias_of(c, node, name), NULL, cte->columns, cte->nr_columns, id,
			NULL);
		*sql = arena_printf(c->arena, "%s AS r%d", cte->sql_name, id);
		return check_renamed(c, node, s, from);
	}
	if (catalog && *catalog && !iequals(catalog, "awsdatacatalog"))
		return sqlc_error(
			c, node, "CATALOG_NOT_FOUND", "Catalog '%s' does not exist", catalog);
	schema = schema && *schema  ? sqlc_lower(c, schema)
		 : c->env->database ? sqlc_lower(c, c->env->database)
				    : NULL;
	if (!schema)
		return sqlc_error(c, node, "MISSING_SCHEMA_NAME",
			"Schema must be specified when session schema is not set");
	if (sqlc_open_table(c, node, schema, name, &scan, &view))
		return -1;
	if (*json_get_str(node, "alias"))
		schema = NULL;
	if (scan) {
		scan->alias = id;
		add_columns(c, s, alias_of(c, node, name), schema, scan->columns, scan->nr_columns,
			id, scan);
		*sql = arena_printf(c->arena, "t%zu AS r%d", c->plan->nr_scans - 1, id);
	} else {
		add_columns(c, s, alias_of(c, node, name), schema, view.columns, view.nr, id, NULL);
		*sql = arena_printf(c->arena, "(%s) AS r%d", view.sql, id);
	}
	return check_renamed(c, node, s, from);
}

static int from_subquery(
	struct sqlc *c, const struct json *node, struct sqlscope *s, const char **sql)
{
	size_t from = s->nr;
	int id = c->next_id++;
	struct sqlquery q;

	if (sqlc_query(c, json_path(node, "subquery.node"), s->outer, &q))
		return -1;
	add_columns(c, s, alias_of(c, node, NULL), NULL, q.columns, q.nr, id, NULL);
	*sql = arena_printf(c->arena, "(%s) AS r%d", q.sql, id);
	return check_renamed(c, node, s, from);
}

/* --- VALUES --- */
static int values_row(struct sqlc *c, const struct sqlscope *s, const struct json *row,
	struct sqlexpr *v, size_t nr)
{
	struct json *e;
	size_t i = 0;

	if (json_len(row) != nr)
		return sqlc_error(c, json_at(row, 0), "SYNTAX_ERROR",
			"Values rows have mismatched sizes: %zu vs %zu", nr, json_len(row));
	json_each(e, row) if (sqlc_expr(c, s, e, &v[i++])) return -1;
	return 0;
}

static int from_values(
	struct sqlc *c, const struct json *node, struct sqlscope *s, const char **sql)
{
	const struct json *rows = json_get(node, "values");
	size_t nr = json_len(json_at(rows, 0)), nr_rows = json_len(rows), k = 0, from = s->nr;
	struct sqlexpr *v = arena_alloc(c->arena, (nr * nr_rows + 1) * sizeof(*v));
	struct sqlplan_column *columns = arena_alloc(c->arena, (nr + 1) * sizeof(*columns));
	struct strbuf sb = STRBUF_INIT;
	const char *alias = alias_of(c, node, NULL);
	int id = c->next_id++;
	struct json *row;

	json_each(row, rows) if (values_row(c, s, row, &v[nr * k++], nr)) return -1;
	for (size_t i = 0; i < nr; i++) {
		columns[i].name = arena_printf(c->arena, "_col%zu", i);
		columns[i].type = sqltype_plain(SQL_UNKNOWN);
		for (k = 0; k < nr_rows; k++) {
			columns[i].type =
				sqltype_common(c->arena, columns[i].type, v[nr * k + i].type);
			if (!columns[i].type)
				return sqlc_error(c, node, "TYPE_MISMATCH",
					"Values rows have mismatched types");
		}
	}
	for (k = 0; k < nr_rows; k++) {
		strbuf_addstr(&sb, k ? "), (" : "(");
		for (size_t i = 0; i < nr; i++)
			strbuf_addf(&sb, "%s%s", i ? ", " : "",
				sqlc_coerce(c, &v[nr * k + i], columns[i].type));
	}
	strbuf_addf(&sb, ")) AS r%d(", id);
	for (size_t i = 0; i < nr; i++)
		strbuf_addf(&sb, "%sc%zu", i ? ", " : "", i);
	*sql = arena_printf(c->arena, "(VALUES %s)", sb.buf);
	strbuf_release(&sb);
	if (alias && !strcmp(alias, "valueslist"))
		alias = NULL;
	add_columns(c, s, alias, NULL, columns, nr, id, NULL);
	if (json_len(json_get(node, "expected_names"))) {
		if (!rename_columns(c, json_get(node, "expected_names"), s, from))
			return fail_type(c, node, "column aliases of another number");
		return 0;
	}
	return check_renamed(c, node, s, from);
}

/* --- UNNEST --- */
static int from_unnest(
	struct sqlc *c, const struct json *node, struct sqlscope *s, const char **sql)
{
	const struct json *fn = json_get(node, "function");
	const char *name = json_get_str(fn, "function_name"), *piece;
	struct sqlplan_column *columns;
	size_t from = s->nr, nr;
	int id = c->next_id++;

	if (!name || strcmp(name, "unnest") || !json_len(json_get(fn, "children")))
		return sqlc_refuse(c, node, "table functions but UNNEST");
	if (sqlc_unnest(c, s, node, &columns, &nr, &piece))
		return -1;
	*sql = arena_printf(c->arena, "%s AS r%d", piece, id);
	add_columns(c, s, alias_of(c, node, NULL), NULL, columns, nr, id, NULL);
	return check_renamed(c, node, s, from);
}

/* --- joins --- */
static int from_any(
	struct sqlc *c, const struct json *node, struct sqlscope *s, const char **sql, bool *outer);

static const struct {
	const char *type, *sql;
} join_types[] = {
	{"INNER", "JOIN"},
	{"LEFT", "LEFT JOIN"},
	{"OUTER", "FULL JOIN"},
	{"RIGHT", "RIGHT JOIN"},
};

static struct sqlcolumn *using_side(
	struct sqlscope *s, size_t from, size_t to, const char *name, bool *twice)
{
	struct sqlcolumn *found = NULL;

	for (size_t i = from; i < to; i++)
		if (!strcmp(s->v[i].name, name) && !s->v[i].hidden) {
			*twice = *twice || found;
			found = &s->v[i];
		}
	return found;
}

static void mark_used(const struct sqlcolumn *col)
{
	if (col->scan)
		col->scan->columns[col->scan_column].used = true;
}

/* JOIN … USING (k): one column k, of the side that has a value. */
static int using_condition(struct sqlc *c, const struct json *node, const char *type,
	struct sqlscope *s, size_t from, size_t mid, struct strbuf *on)
{
	struct json *u;

	json_each(u, json_get(node, "using_columns"))
	{
		const char *name = sqlc_lower(c, json_str(u));
		bool twice = false;
		struct sqlcolumn *l = using_side(s, from, mid, name, &twice);
		struct sqlcolumn *r = using_side(s, mid, s->nr, name, &twice);
		const struct sqltype *t;
		struct sqlexpr le, re;
		if (!l || !r || twice)
			return sqlc_error(c, node, "SYNTAX_ERROR",
				"Column '%s' is missing from %s side of join", name,
				l ? "right" : "left");
		mark_used(l);
		mark_used(r);
		le = (struct sqlexpr){.type = l->type, .sql = l->sql};
		re = (struct sqlexpr){.type = r->type, .sql = r->sql};
		if (!(t = sqltype_common(c->arena, l->type, r->type)))
			return sqlc_error(c, node, "TYPE_MISMATCH",
				"Column '%s' has two types in USING", name);
		strbuf_addf(on, "%s%s = %s", on->len ? " AND " : "", sqlc_coerce(c, &le, t),
			sqlc_coerce(c, &re, t));
		r->hidden = true;
		if (!strcmp(type, "RIGHT") || !strcmp(type, "OUTER")) {
			l->sql = arena_printf(c->arena, "coalesce(%s, %s)", sqlc_coerce(c, &le, t),
				sqlc_coerce(c, &re, t));
			l->scan = NULL;
		} else {
			l->sql = sqlc_coerce(c, &le, t);
		}
		l->type = t;
		l->relation = NULL;
	}
	return 0;
}

static int join_on(struct sqlc *c, const struct json *node, const char *type, struct sqlscope *s,
	size_t from, size_t mid, const char **on)
{
	struct strbuf sb = STRBUF_INIT;

	if (json_len(json_get(node, "using_columns"))) {
		if (using_condition(c, node, type, s, from, mid, &sb)) {
			strbuf_release(&sb);
			return -1;
		}
		*on = keep(c, &sb);
		return 0;
	}
	return sqlc_boolean(c, s, json_get(node, "condition"), "JOIN ON clause", on);
}

static int from_join(
	struct sqlc *c, const struct json *node, struct sqlscope *s, const char **sql, bool *outer)
{
	const char *type = json_get_str(node, "join_type"), *ref = json_get_str(node, "ref_type");
	const char *left, *right, *on, *words = NULL;
	size_t from = s->nr, mid;

	for (size_t i = 0; type && i < ARRAY_SIZE(join_types); i++)
		if (!strcmp(join_types[i].type, type))
			words = join_types[i].sql;
	if (!words || !ref || (strcmp(ref, "REGULAR") && strcmp(ref, "CROSS")))
		return sqlc_refuse(c, node, "this kind of join");
	if (from_any(c, json_get(node, "left"), s, &left, outer))
		return -1;
	mid = s->nr;
	if (from_any(c, json_get(node, "right"), s, &right, outer))
		return -1;
	if (!strcmp(ref, "CROSS")) {
		*sql = arena_printf(c->arena, "%s CROSS JOIN %s", left, right);
		return 0;
	}
	if (strcmp(type, "INNER"))
		*outer = true;
	if (join_on(c, node, type, s, from, mid, &on))
		return -1;
	*sql = arena_printf(c->arena, "(%s %s %s ON %s)", left, words, right, on);
	return 0;
}

static int from_any(
	struct sqlc *c, const struct json *node, struct sqlscope *s, const char **sql, bool *outer)
{
	const char *type = json_get_str(node, "type");
	int r = -1;

	if (!type || ++c->depth > SQLC_MAX_DEPTH)
		return sqlc_refuse(c, node, "queries nested so deeply");
	if (!strcmp(type, "BASE_TABLE"))
		r = from_table(c, node, s, sql);
	else if (!strcmp(type, "SUBQUERY"))
		r = from_subquery(c, node, s, sql);
	else if (!strcmp(type, "JOIN"))
		r = from_join(c, node, s, sql, outer);
	else if (!strcmp(type, "EXPRESSION_LIST"))
		r = from_values(c, node, s, sql);
	else if (!strcmp(type, "TABLE_FUNCTION"))
		r = from_unnest(c, node, s, sql);
	else
		r = sqlc_refuse(c, node, sqlc_lower(c, type));
	c->depth--;
	return r;
}

/* --- SELECT --- */
struct select {
	struct sqlc *c;
	const struct json *node;
	struct sqlscope scope;
	struct sqlexpr *items; /* what is selected, with names */
	const char **names;
	size_t nr, alloc;
	size_t *origin; /* by position in select_list: first item of it */
	const char *from, *where, *having;
	struct strbuf group, order;
	bool outer_join, grouped;
	bool has_aggregate, distinct;
};

static void add_item(struct select *s, const struct sqlexpr *e, const char *name)
{
	if (s->nr == s->alloc) {
		size_t alloc = s->alloc ? s->alloc * 2 : 32;
		struct sqlexpr *items = arena_alloc(s->c->arena, alloc * sizeof(*items));
		const char **names = arena_alloc(s->c->arena, alloc * sizeof(*names));
		for (size_t i = 0; i < s->nr; i++) {
			items[i] = s->items[i];
			names[i] = s->names[i];
		}
		s->items = items;
		s->names = names;
		s->alloc = alloc;
	}
	s->items[s->nr] = *e;
	s->names[s->nr++] = name;
}

static int select_star(struct select *s, const struct json *star)
{
	const char *relation = json_get_str(star, "relation_name");
	size_t before = s->nr;

	if (json_len(json_get(star, "exclude_list")) || json_len(json_get(star, "replace_list")) ||
		json_len(json_get(star, "rename_list")) ||
		json_len(json_get(star, "qualified_exclude_list")) ||
		json_get_truth(star, "columns", false) ||
		json_is(json_get(star, "expr"), JSON_OBJECT))
		return sqlmap_syntax_error(s->c->env->sql,
			sqlc_location(star) == SIZE_MAX ? 0 : sqlc_location(star),
			"mismatched input after '*'", s->c->err);
	relation = relation && *relation ? sqlc_lower(s->c, relation) : NULL;
	for (size_t i = 0; i < s->scope.nr; i++) {
		const struct sqlcolumn *col = &s->scope.v[i];
		if (relation ? !col->relation || strcmp(col->relation, relation) : col->hidden)
			continue;
		mark_used(col);
		add_item(s, &(struct sqlexpr){.type = col->type, .sql = col->sql}, col->name);
	}
	if (s->nr == before)
		return sqlc_error(s->c, star, "SYNTAX_ERROR",
			relation ? "Unable to resolve reference %s.*"
				 : "SELECT * not allowed in queries without FROM clause",
			relation);
	return 0;
}

/* CURRENT_DATE and the like parse as names but are none. */
static bool names_now(const struct json *names)
{
	const char *name = json_str(json_at(names, 0));

	return json_len(names) == 1 && name &&
	       (iequals(name, "current_date") || iequals(name, "current_timestamp") ||
		       iequals(name, "localtimestamp"));
}

static int select_list(struct select *s)
{
	const struct json *list = json_get(s->node, "select_list");
	struct json *item;
	size_t i = 0;

	s->origin = arena_alloc(s->c->arena, (json_len(list) + 1) * sizeof(size_t));
	json_each(item, list)
	{
		const char *alias = json_get_str(item, "alias");
		const struct json *names = json_get(item, "column_names");
		struct sqlexpr e;
		s->origin[i++] = s->nr;
		if (!strcmp(json_get_str(item, "class") ? json_get_str(item, "class") : "",
			    "STAR")) {
			if (select_star(s, item))
				return -1;
			continue;
		}
		if (sqlc_expr(s->c, &s->scope, item, &e))
			return -1;
		if (alias && *alias)
			alias = sqlc_lower(s->c, alias);
		else if (names && !names_now(names))
			alias = sqlc_lower(s->c, json_str(json_at(names, json_len(names) - 1)));
		else if (!strcmp(json_get_str(item, "type"), "STRUCT_EXTRACT"))
			alias = sqlc_lower(
				s->c, json_str(json_path(item, "children.1.value.value")));
		else
			alias = arena_printf(s->c->arena, "_col%zu", s->nr);
		add_item(s, &e, alias);
	}
	return 0;
}

/* Conditions that only look at partition columns of one table can be asked of the list of its files. */
static int where_clause(struct select *s)
{
	const struct json *where = json_get(s->node, "where_clause");
	const char *class = json_get_str(where, "class"), *type = json_get_str(where, "type");
	bool list = class && !strcmp(class, "CONJUNCTION") && !strcmp(type, "CONJUNCTION_AND");
	struct strbuf sb = STRBUF_INIT;
	struct json *term;
	const char *sql;
	size_t i = 0;

	if (!json_is(where, JSON_OBJECT))
		return 0;
	do {
		term = list ? json_at(json_get(where, "children"), i) : (struct json *)where;
		s->c->refs_scan = NULL;
		s->c->refs_mixed = false;
		if (sqlc_boolean(s->c, &s->scope, term, "WHERE clause", &sql)) {
			strbuf_release(&sb);
			return -1;
		}
		strbuf_addf(&sb, "%s%s", i ? " AND " : "", sql);
		if (s->c->refs_scan && !s->c->refs_mixed && !s->outer_join)
			strvec_push(&s->c->refs_scan->prune, sql);
		i++;
	} while (list && i < json_len(json_get(where, "children")));
	s->where = keep(s->c, &sb);
	return 0;
}

/* The item that GROUP BY 2 or ORDER BY 2 names; -1 when out of range, SIZE_MAX when it is no number. */
static int ordinal(struct select *s, const struct json *e, size_t nr, const char *what, size_t *at)
{
	const char *class = json_get_str(e, "class");
	const char *id = json_str(json_path(e, "value.type.id"));
	int64_t n;

	*at = SIZE_MAX;
	if (!class || strcmp(class, "CONSTANT") || !id || strcmp(id, "INTEGER"))
		return 0;
	n = json_i64(json_path(e, "value.value"), 0);
	if (n < 1 || (size_t)n > nr)
		return sqlc_error(s->c, e, "INVALID_COLUMN_REFERENCE",
			"%s position %lld is not in select list", what, (long long)n);
	*at = (size_t)n - 1;
	return 0;
}

static int group_expression(struct select *s, const struct json *e, const char **sql)
{
	struct sqlexpr x;
	size_t at;

	if (ordinal(s, e, s->nr, "GROUP BY", &at))
		return -1;
	if (at != SIZE_MAX) {
		*sql = s->items[at].sql;
		return 0;
	}
	if (sqlc_expr(s->c, &s->scope, e, &x))
		return -1;
	*sql = x.sql;
	return 0;
}

static int group_by(struct select *s)
{
	const struct json *list = json_get(s->node, "group_expressions");
	const struct json *sets = json_get(s->node, "group_sets");
	const char *handling = json_get_str(s->node, "aggregate_handling");
	const char **sql = arena_alloc(s->c->arena, (json_len(list) + 1) * sizeof(*sql));
	struct json *e, *set;
	bool aggregate = s->c->saw_aggregate;
	size_t n = 0;

	if (handling && strcmp(handling, "STANDARD_HANDLING"))
		return sqlc_refuse(s->c, s->node, "GROUP BY ALL");
	s->grouped = json_len(sets) > 0;
	json_each(e, list) if (group_expression(s, e, &sql[n++])) return -1;
	s->c->saw_aggregate = aggregate;
	if (!s->grouped)
		return 0;
	strbuf_addstr(&s->group, json_len(sets) > 1 ? " GROUP BY GROUPING SETS (" : " GROUP BY ");
	json_each(set, sets)
	{
		struct json *i;
		bool first = true;
		if (set != json_first(sets))
			strbuf_addstr(&s->group, ", ");
		if (json_len(sets) > 1 || !json_len(set))
			strbuf_addch(&s->group, '(');
		json_each(i, set)
		{
			strbuf_addf(&s->group, "%s%s", first ? "" : ", ", sql[json_i64(i, 0)]);
			first = false;
		}
		if (json_len(sets) > 1 || !json_len(set))
			strbuf_addch(&s->group, ')');
	}
	strbuf_addstr(&s->group, json_len(sets) > 1 ? ")" : "");
	return 0;
}

/* Output columns as a scope of names that come first in ORDER BY. */
static void alias_scope(struct select *s, struct sqlscope *aliases)
{
	for (size_t i = 0; i < s->nr; i++) {
		bool twice = false;
		for (size_t k = 0; k < aliases->nr; k++)
			twice = twice || (!strcmp(aliases->v[k].name, s->names[i]) &&
						 !strcmp(aliases->v[k].sql, s->items[i].sql));
		if (!twice)
			scope_add(aliases, s->c,
				&(struct sqlcolumn){.name = s->names[i],
					.type = s->items[i].type,
					.sql = s->items[i].sql});
	}
}

static int order_by(struct select *s, const struct json *orders)
{
	struct sqlscope aliases = {0}, scope = s->scope;
	struct json *order;

	alias_scope(s, &aliases);
	scope.aliases = &aliases;
	json_each(order, orders)
	{
		const struct json *e = json_get(order, "expression");
		const char *type = json_get_str(order, "type");
		const char *nulls = json_get_str(order, "null_order");
		struct sqlexpr x;
		size_t at;
		if (ordinal(s, e, s->nr, "ORDER BY", &at))
			return -1;
		if (at != SIZE_MAX)
			x = s->items[at];
		else if (sqlc_expr(s->c, &scope, e, &x))
			return -1;
		strbuf_addf(&s->order, "%s%s%s NULLS %s", s->order.len ? ", " : " ORDER BY ", x.sql,
			type && !strcmp(type, "DESCENDING") ? " DESC" : " ASC",
			nulls && !strcmp(nulls, "NULLS_FIRST") ? "FIRST" : "LAST");
	}
	return 0;
}

static int limit_number(
	struct sqlc *c, const struct json *node, const char *word, struct strbuf *out)
{
	const char *text = json_scalar_text(json_path(node, "value.value"));
	const char *id = json_str(json_path(node, "value.type.id"));
	long long n;

	if (!json_is(node, JSON_OBJECT) ||
		json_get_truth(json_get(node, "value"), "is_null", false))
		return 0;
	if (!text || !id || (strcmp(id, "INTEGER") && strcmp(id, "BIGINT")) ||
		parse_int64(text, 0, INT64_MAX, &n))
		return sqlc_refuse(c, node, "LIMIT and OFFSET that are no whole number");
	strbuf_addf(out, " %s %lld", word, n);
	return 0;
}

/* ORDER BY, LIMIT and DISTINCT of a node, the last ones' text to `tail`. */
static int modifiers(struct sqlc *c, const struct json *node, const struct json **orders,
	bool *distinct, struct strbuf *tail)
{
	struct json *m;

	json_each(m, json_get(node, "modifiers"))
	{
		const char *type = json_get_str(m, "type");
		if (!strcmp(type, "ORDER_MODIFIER"))
			*orders = json_get(m, "orders");
		else if (!strcmp(type, "DISTINCT_MODIFIER") &&
			 !json_len(json_get(m, "distinct_on_targets")))
			*distinct = true;
		else if (strcmp(type, "LIMIT_MODIFIER"))
			return sqlc_refuse(c, m, "DISTINCT ON and percentages in LIMIT");
		else if (limit_number(c, json_get(m, "limit"), "LIMIT", tail) ||
			 limit_number(c, json_get(m, "offset"), "OFFSET", tail))
			return -1;
	}
	return 0;
}

static void finish(struct sqlc *c, const struct sqlexpr *items, const char *const *names, size_t nr,
	struct sqlquery *out)
{
	out->nr = nr;
	out->columns = arena_alloc(c->arena, (nr + 1) * sizeof(*out->columns));
	for (size_t i = 0; i < nr; i++) {
		out->columns[i].name = names[i];
		out->columns[i].type = items[i].type;
	}
}

static void select_text(struct select *s, const char *tail, struct sqlquery *out)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addstr(&sb, s->distinct ? "SELECT DISTINCT " : "SELECT ");
	for (size_t i = 0; i < s->nr; i++)
		strbuf_addf(&sb, "%s%s AS c%zu", i ? ", " : "", s->items[i].sql, i);
	if (s->from)
		strbuf_addf(&sb, " FROM %s", s->from);
	if (s->where)
		strbuf_addf(&sb, " WHERE %s", s->where);
	strbuf_addstr(&sb, s->group.buf);
	if (s->having)
		strbuf_addf(&sb, " HAVING %s", s->having);
	strbuf_addstr(&sb, s->order.buf);
	strbuf_addstr(&sb, tail);
	out->sql = keep(s->c, &sb);
	finish(s->c, s->items, s->names, s->nr, out);
}

static int select_stages(struct select *s, struct sqlquery *out)
{
	const struct json *from = json_get(s->node, "from_table"), *orders = NULL;
	struct strbuf tail = STRBUF_INIT;
	const char *type = json_get_str(from, "type");
	int r = -1;

	if (json_is(json_get(s->node, "qualify"), JSON_OBJECT) ||
		json_is(json_get(s->node, "sample"), JSON_OBJECT))
		return sqlc_refuse(s->c, s->node, "QUALIFY and SAMPLE");
	if (type && strcmp(type, "EMPTY") &&
		from_any(s->c, from, &s->scope, &s->from, &s->outer_join))
		return -1;
	s->c->saw_aggregate = s->c->saw_window = false;
	if (where_clause(s))
		return -1;
	if (s->c->saw_aggregate || s->c->saw_window)
		return sqlc_error(s->c, json_get(s->node, "where_clause"), "INVALID_WHERE",
			"WHERE clause cannot contain aggregations, window functions or grouping "
			"operations");
	if (modifiers(s->c, s->node, &orders, &s->distinct, &tail) || select_list(s) || group_by(s))
		goto out;
	if (json_is(json_get(s->node, "having"), JSON_OBJECT) &&
		sqlc_boolean(
			s->c, &s->scope, json_get(s->node, "having"), "HAVING clause", &s->having))
		goto out;
	if (order_by(s, orders))
		goto out;
	select_text(s, tail.buf, out);
	r = 0;
out:
	strbuf_release(&tail);
	return r;
}

static int select_node(
	struct sqlc *c, const struct json *node, const struct sqlscope *outer, struct sqlquery *out)
{
	struct select s = {.c = c, .node = node, .group = STRBUF_INIT, .order = STRBUF_INIT};
	bool aggregate = c->saw_aggregate, window = c->saw_window;
	int r;

	s.scope.outer = outer;
	r = select_stages(&s, out);
	c->saw_aggregate = aggregate;
	c->saw_window = window;
	strbuf_release(&s.group);
	strbuf_release(&s.order);
	return r;
}

/* --- UNION and its kin --- */
static const char *side_text(struct sqlc *c, const struct sqlquery *q, const struct sqlexpr *want)
{
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < q->nr; i++) {
		struct sqlexpr e = {
			.type = q->columns[i].type, .sql = arena_printf(c->arena, "s.c%zu", i)};
		strbuf_addf(&sb, "%s%s AS c%zu", i ? ", " : "SELECT ",
			sqlc_coerce(c, &e, want[i].type), i);
	}
	strbuf_addf(&sb, " FROM (%s) AS s", q->sql);
	return keep(c, &sb);
}

static int set_types(struct sqlc *c, const struct json *node, const char *op,
	const struct sqlquery *l, const struct sqlquery *r, struct select *s)
{
	if (l->nr != r->nr)
		return sqlc_error(c, node, "SYNTAX_ERROR",
			"%s query has different number of fields: %zu, %zu", op, l->nr, r->nr);
	for (size_t i = 0; i < l->nr; i++) {
		struct sqlexpr e = {.sql = arena_printf(c->arena, "q.c%zu", i)};
		e.type = sqltype_common(c->arena, l->columns[i].type, r->columns[i].type);
		if (!e.type)
			return sqlc_error(c, node, "TYPE_MISMATCH",
				"column %zu in %s query has incompatible types: %s, %s", i + 1, op,
				sqlc_type_name(c, l->columns[i].type),
				sqlc_type_name(c, r->columns[i].type));
		add_item(s, &e, l->columns[i].name);
	}
	return 0;
}

static int set_sides(struct sqlc *c, const struct json *node, const struct sqlscope *outer,
	struct sqlquery *l, struct sqlquery *r)
{
	const struct json *list = json_get(node, "children");

	if (json_len(list) > 2)
		return sqlc_refuse(c, node, "set operations of so many sides at once");
	return sqlc_query(c, json_len(list) ? json_at(list, 0) : json_get(node, "left"), outer,
		       l) || sqlc_query(c,
				     json_len(list) ? json_at(list, 1) : json_get(node, "right"),
				     outer, r)
		       ? -1
		       : 0;
}

static int set_node(
	struct sqlc *c, const struct json *node, const struct sqlscope *outer, struct sqlquery *out)
{
	const char *op = json_get_str(node, "setop_type");
	struct select s = {.c = c, .node = node, .group = STRBUF_INIT, .order = STRBUF_INIT};
	const struct json *orders = NULL;
	struct strbuf tail = STRBUF_INIT;
	struct sqlquery l, r;
	int result = -1;

	if (!op || (strcmp(op, "UNION") && strcmp(op, "EXCEPT") && strcmp(op, "INTERSECT")))
		return sqlc_refuse(c, node, "this set operation");
	if (set_sides(c, node, outer, &l, &r) || set_types(c, node, op, &l, &r, &s) ||
		modifiers(c, node, &orders, &s.distinct, &tail) || order_by(&s, orders))
		goto out;
	s.from = arena_printf(c->arena, "(%s %s%s %s) AS q", side_text(c, &l, s.items), op,
		json_get_truth(node, "setop_all", false) ? " ALL" : "", side_text(c, &r, s.items));
	s.distinct = false; /* the operation has seen to it */
	select_text(&s, tail.buf, out);
	result = 0;
out:
	strbuf_release(&tail);
	strbuf_release(&s.order);
	return result;
}

/* --- WITH --- */
static int with_one(
	struct sqlc *c, const struct json *entry, const struct sqlscope *outer, struct strbuf *sql)
{
	const struct json *value = json_get(entry, "value"), *aliases = json_get(value, "aliases");
	const struct json *node = json_path(value, "query.node");
	struct sqlcte *cte = arena_alloc(c->arena, sizeof(*cte));
	const char *type = json_get_str(node, "type");
	struct sqlquery q;
	struct json *a;
	size_t i = 0;

	if (type && !strcmp(type, "RECURSIVE_CTE_NODE"))
		return sqlc_refuse(c, node, "WITH RECURSIVE");
	if (sqlc_query(c, node, outer, &q))
		return -1;
	if (json_len(aliases) && json_len(aliases) != q.nr)
		return sqlc_error(c, node, "SYNTAX_ERROR",
			"Column alias list has %zu entries but WITH query has %zu columns",
			json_len(aliases), q.nr);
	json_each(a, aliases) q.columns[i++].name = sqlc_lower(c, json_str(a));
	cte->name = sqlc_lower(c, json_get_str(entry, "key"));
	cte->sql_name = arena_printf(c->arena, "w%d", c->next_id++);
	cte->columns = q.columns;
	cte->nr_columns = q.nr;
	cte->next = c->ctes;
	c->ctes = cte;
	strbuf_addf(sql, "%s%s AS (%s)", sql->len ? ", " : "WITH ", cte->sql_name, q.sql);
	return 0;
}

static int query_node(
	struct sqlc *c, const struct json *node, const struct sqlscope *outer, struct sqlquery *out)
{
	const char *type = json_get_str(node, "type");

	if (type && !strcmp(type, "SELECT_NODE"))
		return select_node(c, node, outer, out);
	if (type && !strcmp(type, "SET_OPERATION_NODE"))
		return set_node(c, node, outer, out);
	if (type && !strcmp(type, "CTE_NODE"))
		return sqlc_query(c, json_get(node, "child"), outer, out);
	return sqlc_refuse(c, node,
		type && !strcmp(type, "RECURSIVE_CTE_NODE") ? "WITH RECURSIVE" : "this query");
}

int sqlc_query(
	struct sqlc *c, const struct json *node, const struct sqlscope *outer, struct sqlquery *out)
{
	const struct sqlcte *around = c->ctes;
	struct strbuf with = STRBUF_INIT;
	struct json *entry;
	int r = -1;

	if (++c->depth > SQLC_MAX_DEPTH) {
		sqlc_refuse(c, node, "queries nested so deeply");
		goto out;
	}
	json_each(entry,
		json_path(node, "cte_map.map")) if (with_one(c, entry, outer, &with)) goto out;
	if (query_node(c, node, outer, out))
		goto out;
	if (with.len)
		out->sql = arena_printf(c->arena, "%s %s", with.buf, out->sql);
	r = 0;
out:
	c->depth--;
	c->ctes = around;
	strbuf_release(&with);
	return r;
}
