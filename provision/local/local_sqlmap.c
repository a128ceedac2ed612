#include "local_sqlcompile.h"

void sqlplan_init(struct sqlplan *p)
{
	*p = (struct sqlplan){0};
	arena_init(&p->arena);
	strvec_init(&p->divisions);
	p->kept = json_array();
}

void sqlplan_release(struct sqlplan *p)
{
	for (size_t i = 0; i < p->nr_scans; i++) {
		json_free(p->scans[i]->doc);
		strvec_release(&p->scans[i]->prune);
	}
	free(p->scans);
	strvec_release(&p->divisions);
	json_free(p->kept);
	arena_release(&p->arena);
	*p = (struct sqlplan){0};
}

/* Where in the statement a node stands; SIZE_MAX where DuckDB does not say. */
size_t sqlc_location(const struct json *node)
{
	const char *text = json_scalar_text(json_get(node, "query_location"));
	long long at;

	if (!text || parse_int64(text, 0, 1LL << 40, &at)) {
		struct json *child;
		json_each(child, json_get(node, "children"))
		{
			size_t loc = sqlc_location(child);
			if (loc != SIZE_MAX)
				return loc;
		}
		return SIZE_MAX;
	}
	return (size_t)at;
}

int sqlc_error(struct sqlc *c, const struct json *node, const char *code, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	size_t at = sqlc_location(node);
	int line, column, r;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (at == SIZE_MAX) {
		r = err_set(c->err, ERR_INVALID, "%s: %s", code, text.buf);
	} else {
		sqlmap_place(c->env->sql, at, &line, &column);
		r = err_set(
			c->err, ERR_INVALID, "%s: line %d:%d: %s", code, line, column, text.buf);
	}
	strbuf_release(&text);
	return r;
}

int sqlc_refuse(struct sqlc *c, const struct json *node, const char *what)
{
	return sqlc_error(c, node, "NOT_SUPPORTED", "%s", what);
}

const char *sqlc_type_name(struct sqlc *c, const struct sqltype *t)
{
	struct strbuf sb = STRBUF_INIT;
	const char *name;

	sqltype_print(t, &sb);
	name = arena_strdup(c->arena, sb.buf);
	strbuf_release(&sb);
	return name;
}

const char *sqlc_lower(struct sqlc *c, const char *s)
{
	char *copy = arena_strdup(c->arena, s);

	lower_ascii(copy);
	return copy;
}

const char *sqlc_quote(struct sqlc *c, const char *text)
{
	struct strbuf sb = STRBUF_INIT;
	const char *quoted;

	strbuf_addquoted(&sb, text, strlen(text), '\'');
	quoted = arena_strdup(c->arena, sb.buf);
	strbuf_release(&sb);
	return quoted;
}

/* DuckDB's parser found nothing to stand on: its words, in Athena's form. */
static int parser_error(const struct json *tree, const struct sqlmap_env *env, struct err *err)
{
	const char *message = json_get_str(tree, "error_message");
	int64_t at = json_get_i64(tree, "position", 0);
	struct strbuf what = STRBUF_INIT;
	const char *near = message ? strstr(message, "near \"") : NULL;
	int r;

	if (near && ends_with(near, "\""))
		strbuf_addf(&what, "mismatched input '%.*s'", (int)strlen(near) - 7, near + 6);
	else if (message && strstr(message, "end of input"))
		strbuf_addstr(&what, "mismatched input '<EOF>'");
	else
		strbuf_addstr(&what, message ? message : "cannot be read");
	r = sqlmap_syntax_error(env->sql, at > 0 ? (size_t)at : 0, what.buf, err);
	strbuf_release(&what);
	return r;
}

int sqlc_statement(struct sqlc *c, const struct json *tree, struct sqlquery *query)
{
	const struct json *statements = json_get(tree, "statements");
	struct err *err = c->err;

	if (json_get_truth(tree, "error", false)) {
		const char *message = json_get_str(tree, "error_message");
		if (message && strstr(message, "Only SELECT statements"))
			return err_set(err, ERR_INVALID,
				"NOT_SUPPORTED: only queries, SHOW and DESCRIBE run here");
		return parser_error(tree, c->env, err);
	}
	if (json_len(statements) != 1)
		return err_set(
			err, ERR_INVALID, "SYNTAX_ERROR: line 1:1: one statement is expected");
	return sqlc_query(c, json_get(json_at(statements, 0), "node"), NULL, query);
}

int sqlmap_compile(const struct json *tree, const struct sqlmap_env *env, struct sqlplan *plan,
	struct err *err)
{
	struct sqlc c = {.env = env, .plan = plan, .arena = &plan->arena, .err = err};
	struct sqlquery query;

	if (sqlc_statement(&c, tree, &query))
		return -1;
	plan->sql = arena_strdup(&plan->arena, query.sql);
	plan->columns = query.columns;
	plan->nr_columns = query.nr;
	return 0;
}
