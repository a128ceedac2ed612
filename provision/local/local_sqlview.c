#include "local_sqlcompile.h"
#include "base64.h"

/* Views of the catalog as Athena keeps them: JSON in base64, in a comment. Whoever asks a view needs the rights on what lies behind it. */

#define PREFIX "/* Presto View: "
#define SUFFIX " */"
#define MAX_DEPTH 32
#define MAX_USED 256

static struct json *read_view(const struct json *doc)
{
	const char *text = json_get_str(doc, "ViewOriginalText");
	struct strbuf plain = STRBUF_INIT;
	struct err ignored = ERR_INIT;
	struct json *view = NULL;

	if (text && starts_with(text, PREFIX) && ends_with(text, SUFFIX)) {
		size_t len = strlen(text) - strlen(PREFIX) - strlen(SUFFIX);

		if (!base64_decode(&plain, text + strlen(PREFIX), len))
			view = json_parse(plain.buf, plain.len, &ignored);
	}
	err_release(&ignored);
	strbuf_release(&plain);
	return view;
}

/* Its query, with the view's text in the place of the user's. */
static int compile_view(
	struct sqlc *c, const struct json *view, const char *database, struct sqlquery *out)
{
	const struct sqlmap_env *around = c->env;
	const struct sqlcte *ctes = c->ctes;
	const char *schema = json_get_str(view, "schema");
	struct sqlmap_env *env = arena_alloc(c->arena, sizeof(*env));
	struct json *tree = NULL;
	int r;

	*env = *around;
	env->sql = json_get_str(view, "originalSql");
	env->database = schema ? schema : database;
	c->env = env;
	c->ctes = NULL;
	r = env->parse(env->payload, env->sql, &tree, c->err);
	if (tree)
		json_push(c->plan->kept, tree);
	if (!r)
		r = sqlc_statement(c, tree, out);
	c->env = around;
	c->ctes = ctes;
	return r;
}

/* The query still gives what the view promised. */
static int check_columns(struct sqlc *c, const struct json *node, const char *database,
	const char *name, const struct json *view, struct sqlquery *q)
{
	const struct json *columns = json_get(view, "columns");
	bool stale = json_len(columns) != q->nr;
	size_t i = 0;
	struct json *col;

	json_each(col, columns)
	{
		const char *type = json_get_str(col, "type");

		if (stale)
			break;
		/* Texts of any length are one kind to who reads them. */
		stale = !type || (strcmp(type, sqlc_type_name(c, q->columns[i].type)) != 0 &&
					 !(starts_with(type, "varchar") &&
						 sqltype_is_text(q->columns[i].type)));
		q->columns[i++].name = sqlc_lower(c, json_get_str(col, "name"));
	}
	if (!stale)
		return 0;
	return sqlc_error(c, node, "VIEW_IS_STALE",
		"View 'awsdatacatalog.%s.%s' is stale or in invalid state: its query gives other "
		"columns than it did when the view was made",
		database, name);
}

int sqlc_open_view(struct sqlc *c, const struct json *node, const char *database, const char *name,
	const struct json *doc, struct sqlquery *out)
{
	struct json *view = read_view(doc);
	int r;

	if (view)
		json_push(c->plan->kept, view);
	if (!view || !json_get_str(view, "originalSql") || !c->env->parse)
		return sqlc_refuse(c, node, "a view that is none of Athena's");
	if (c->views == MAX_DEPTH)
		return sqlc_error(c, node, "VIEW_IS_RECURSIVE",
			"View 'awsdatacatalog.%s.%s' is recursive, or nested deeper than %d",
			database, name, MAX_DEPTH);
	if (++c->views_used > MAX_USED)
		return sqlc_refuse(c, node, "a query of so many views");
	c->views++;
	r = compile_view(c, view, database, out);
	c->views--;
	if (r) {
		char *why = xstrdup(c->err->text);

		if (c->err->code == ERR_INVALID && !starts_with(why, "INVALID_VIEW")) {
			err_release(c->err);
			sqlc_error(c, node, "INVALID_VIEW",
				"Failed analyzing stored view 'awsdatacatalog.%s.%s': %s", database,
				name, why);
		}
		free(why);
		return -1;
	}
	return check_columns(c, node, database, name, view, out);
}
