/*
 * SHOW and DESCRIBE over the catalog, CREATE and DROP of databases and views, DROP of tables, and the names of the statements that the local
 * Athena does not run. Hive's forms, results as lines of text.
 */
#include "local_athena.h"
#include "fs.h"
#include "local_catalog.h"
#include <ctype.h>

/* --- words --- */
struct words {
	const char *at;
	struct strbuf word; /* lower case; quotes taken off */
	bool quoted;
};

/* False at the end. '.' and punctuation are words of their own. */
static bool next(struct words *w)
{
	strbuf_clear(&w->word);
	w->quoted = false;
	for (;;) {
		while (isspace((unsigned char)*w->at))
			w->at++;
		if (w->at[0] == '-' && w->at[1] == '-')
			w->at += strcspn(w->at, "\n");
		else if (w->at[0] == '/' && w->at[1] == '*')
			w->at = strstr(w->at + 2, "*/") ? strstr(w->at + 2, "*/") + 2
							: w->at + strlen(w->at);
		else
			break;
	}
	if (!*w->at)
		return false;
	if (strchr("`\"'", *w->at)) {
		char quote = *w->at++;
		w->quoted = true;
		while (*w->at && *w->at != quote)
			strbuf_addch(&w->word, *w->at++);
		w->at += *w->at == quote;
	} else if (isalnum((unsigned char)*w->at) || *w->at == '_' ||
		   (unsigned char)*w->at >= 0x80) {
		while (isalnum((unsigned char)*w->at) || *w->at == '_' || *w->at == '-' ||
			(unsigned char)*w->at >= 0x80)
			strbuf_addch(&w->word, *w->at++);
		lower_ascii(w->word.buf);
	} else {
		strbuf_addch(&w->word, *w->at++);
	}
	return true;
}

static bool is(const struct words *w, const char *s)
{
	return !w->quoted && !strcmp(w->word.buf, s);
}

/* What a statement that is not run begins with. */
static const char *const refused[] = {"alter", "analyze", "call", "deallocate", "delete", "execute",
	"explain", "grant", "insert", "merge", "msck", "optimize", "prepare", "revoke", "truncate",
	"unload", "update", "use", "vacuum"};

static const char *const shown[] = {
	"columns", "databases", "partitions", "schemas", "tables", "views"};
static const char *const created[] = {"database", "schema"};
static const char *const dropped[] = {"database", "schema", "table", "view"};

/* The verbs that run when one of these words follows. */
static const struct {
	const char *verb;
	const char *const *objects;
	size_t nr_objects;
} defined[] = {
	{"show", shown, ARRAY_SIZE(shown)},
	{"create", created, ARRAY_SIZE(created)},
	{"drop", dropped, ARRAY_SIZE(dropped)},
};

/* At a verb: 'D' when its object is served, else 'N' and the word becomes both. */
static char defined_kind(struct words *w, size_t i)
{
	size_t o;

	next(w);
	for (o = 0; o < defined[i].nr_objects; o++)
		if (is(w, defined[i].objects[o]))
			return 'D';
	strbuf_insert(&w->word, 0, " ", 1);
	strbuf_insert(&w->word, 0, defined[i].verb, strlen(defined[i].verb));
	return 'N';
}

/* "CREATE [OR REPLACE] VIEW" */
static bool makes_view(const char *sql)
{
	struct words w = {.at = sql, .word = STRBUF_INIT};
	bool view = next(&w) && is(&w, "create") && next(&w);

	if (view && is(&w, "or"))
		view = next(&w) && is(&w, "replace") && next(&w);
	view = view && is(&w, "view");
	strbuf_release(&w.word);
	return view;
}

char athena_statement(const char *sql, char **name)
{
	struct words w = {.at = sql, .word = STRBUF_INIT};
	char kind = 'S';
	bool any = next(&w);

	if (any && (is(&w, "describe") || is(&w, "desc")))
		kind = 'D';
	if (makes_view(sql)) {
		strbuf_release(&w.word);
		return 'V';
	}
	for (size_t i = 0; any && i < ARRAY_SIZE(refused); i++)
		if (is(&w, refused[i]))
			kind = 'N';
	for (size_t i = 0; any && i < ARRAY_SIZE(defined); i++)
		if (is(&w, defined[i].verb)) {
			kind = defined_kind(&w, i);
			break;
		}
	if (name && kind == 'N') {
		*name = xstrdup(w.word.buf);
		for (char *c = *name; *c; c++)
			*c = (char)toupper((unsigned char)*c);
	}
	strbuf_release(&w.word);
	return kind;
}

/* --- running --- */
struct ddl {
	struct athena_query *q;
	struct words w;
	struct strbuf out;
	char *database, *table;
};

static int unexpected(struct ddl *d, struct err *err)
{
	return err_set(err, ERR_INVALID, "FAILED: ParseException line 1:%zu mismatched input '%s'",
		(size_t)(d->w.at - d->q->sql) - d->w.word.len,
		d->w.word.len ? d->w.word.buf : "<EOF>");
}

static bool at_end(struct ddl *d)
{
	return !next(&d->w) || (is(&d->w, ";") && !next(&d->w));
}

/* name, or database.name, at the current word; moves behind it. */
static int table_name(struct ddl *d, struct err *err)
{
	if (!d->w.word.len)
		return unexpected(d, err);
	d->table = xstrdup(d->w.word.buf);
	if (*d->w.at == '.') {
		next(&d->w);
		if (!next(&d->w))
			return unexpected(d, err);
		free(d->database);
		d->database = d->table;
		d->table = xstrdup(d->w.word.buf);
	}
	return 0;
}

static int may_see(struct ddl *d, const char *action, struct err *err)
{
	char *arn = d->table ? local_arn(d->q->cloud, "glue", d->q->cloud->region, "table/%s/%s",
				       d->database ? d->database : "*", d->table)
			     : local_arn(d->q->cloud, "glue", d->q->cloud->region, "database/%s",
				       d->database ? d->database : "*");
	int r = athena_may(d->q, action, arn, err);

	free(arn);
	return r;
}

static int find_table(struct ddl *d, struct json **doc, struct err *err)
{
	if (!d->database)
		return err_set(err, ERR_INVALID, "FAILED: SemanticException no database is given");
	if (may_see(d, "glue:GetTable", err))
		return -1;
	if (!local_catalog_table(d->q->cloud, d->database, d->table, doc, err))
		return 0;
	return err_set(err, ERR_INVALID, "FAILED: SemanticException table not found %s", d->table);
}

/* Hive's pattern: '*' and '|'. */
static bool matches(const char *pattern, const char *name)
{
	struct strvec parts = STRVEC_INIT;
	bool any = !pattern;

	if (pattern)
		strvec_split(&parts, pattern, '|');
	for (size_t i = 0; i < parts.nr; i++) {
		struct strbuf glob = STRBUF_INIT;
		strbuf_addstr(&glob, parts.v[i]);
		strbuf_replace(&glob, ".*", "*");
		any = any || glob_match(glob.buf, name);
		strbuf_release(&glob);
	}
	strvec_release(&parts);
	return any;
}

static void columns(struct ddl *d, const char *first, const char *second, const char *third)
{
	const char *names[] = {first, second, third};

	d->q->columns = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i])
			json_push(d->q->columns, athena_column(names[i], "string", 0, 0));
}

static int show_databases(struct ddl *d, struct err *err)
{
	char *pattern = NULL;
	struct sql_stmt *st;
	int row = -1;

	if (next(&d->w) && is(&d->w, "like"))
		next(&d->w);
	if (d->w.quoted)
		pattern = xstrdup(d->w.word.buf);
	if (may_see(d, "glue:GetDatabases", err) || local_tx_begin(d->q->cloud, err)) {
		free(pattern);
		return -1;
	}
	st = sql_query(d->q->cloud->db, err, "SELECT name FROM catalog_database ORDER BY name", "");
	while (st && (row = sql_step(st, err)) > 0)
		if (matches(pattern, sql_text(st, 0)))
			strbuf_addf(&d->out, "%s\n", sql_text(st, 0));
	sql_done(st);
	local_tx_end(d->q->cloud);
	free(pattern);
	columns(d, "database_name", NULL, NULL);
	return row;
}

static int show_tables(struct ddl *d, bool views, struct err *err)
{
	struct json *tables, *db, *t;
	char *pattern = NULL;
	bool more = next(&d->w);

	if (more && (is(&d->w, "in") || is(&d->w, "from"))) {
		if (!next(&d->w))
			return unexpected(d, err);
		free(d->database);
		d->database = xstrdup(d->w.word.buf);
		more = next(&d->w);
	}
	if (more && is(&d->w, "like"))
		more = next(&d->w);
	if (!d->database)
		return err_set(err, ERR_INVALID, "FAILED: SemanticException no database is given");
	if (may_see(d, "glue:GetTables", err))
		return -1;
	if (local_catalog_database(d->q->cloud, d->database, &db, err))
		return err_set(err, ERR_INVALID,
			"FAILED: SemanticException [Error 10072]: Database does not exist: %s",
			d->database);
	json_free(db);
	if (local_catalog_tables(d->q->cloud, d->database, &tables, err))
		return -1;
	if (more && d->w.quoted)
		pattern = d->w.word.buf;
	json_each(t, tables)
	{
		const char *type = json_get_str(t, "TableType");
		bool view = type && !strcmp(type, "VIRTUAL_VIEW");
		if ((!views || view) && matches(pattern, json_get_str(t, "Name")))
			strbuf_addf(&d->out, "%s\n", json_get_str(t, "Name"));
	}
	json_free(tables);
	columns(d, views ? "views" : "tab_name", NULL, NULL);
	return 0;
}

/* SHOW COLUMNS FROM t [FROM db]; SHOW PARTITIONS t. */
static int named_table(struct ddl *d, struct json **doc, struct err *err)
{
	if (!next(&d->w))
		return unexpected(d, err);
	if ((is(&d->w, "from") || is(&d->w, "in")) && !next(&d->w))
		return unexpected(d, err);
	if (table_name(d, err))
		return -1;
	if (next(&d->w) && (is(&d->w, "from") || is(&d->w, "in")) && next(&d->w)) {
		free(d->database);
		d->database = xstrdup(d->w.word.buf);
	}
	return find_table(d, doc, err);
}

static int show_columns(struct ddl *d, struct err *err)
{
	struct json *doc, *c;

	if (named_table(d, &doc, err))
		return -1;
	json_each(c, json_path(doc, "StorageDescriptor.Columns"))
		strbuf_addf(&d->out, "%-20s\n", json_get_str(c, "Name"));
	json_each(c, json_get(doc, "PartitionKeys"))
		strbuf_addf(&d->out, "%-20s\n", json_get_str(c, "Name"));
	json_free(doc);
	columns(d, "field", NULL, NULL);
	return 0;
}

static int show_partitions(struct ddl *d, struct err *err)
{
	struct json *doc, *partitions, *p, *v, *key;

	if (named_table(d, &doc, err))
		return -1;
	if (!json_len(json_get(doc, "PartitionKeys"))) {
		json_free(doc);
		return err_set(err, ERR_INVALID,
			"FAILED: Execution Error: Table %s is not a partitioned table", d->table);
	}
	if (local_catalog_partitions(d->q->cloud, d->database, d->table, &partitions, err)) {
		json_free(doc);
		return -1;
	}
	json_each(p, partitions)
	{
		key = json_first(json_get(doc, "PartitionKeys"));
		json_each(v, json_get(p, "Values"))
		{
			strbuf_addf(&d->out, "%s%s=%s",
				v == json_first(json_get(p, "Values")) ? "" : "/",
				json_get_str(key, "Name"), json_str(v));
			key = json_next(key);
		}
		strbuf_addch(&d->out, '\n');
	}
	json_free(partitions);
	json_free(doc);
	columns(d, "partition", NULL, NULL);
	return 0;
}

static void describe_columns(struct ddl *d, const struct json *list)
{
	struct json *c;

	json_each(c, list)
	{
		const char *comment = json_get_str(c, "Comment");
		strbuf_addf(&d->out, "%-20s\t%-20s\t%-20s\n", json_get_str(c, "Name"),
			json_get_str(c, "Type") ? json_get_str(c, "Type") : "string",
			comment ? comment : "");
	}
}

static int describe(struct ddl *d, struct err *err)
{
	const struct json *keys;
	struct json *doc;

	if (!next(&d->w))
		return unexpected(d, err);
	if (is(&d->w, "extended") || is(&d->w, "formatted"))
		return err_set(err, ERR_INVALID, "NOT_SUPPORTED: DESCRIBE %s", d->w.word.buf);
	if (table_name(d, err))
		return -1;
	if (!at_end(d))
		return unexpected(d, err);
	if (find_table(d, &doc, err))
		return -1;
	keys = json_get(doc, "PartitionKeys");
	describe_columns(d, json_path(doc, "StorageDescriptor.Columns"));
	describe_columns(d, keys);
	if (json_len(keys)) {
		strbuf_addf(&d->out, "%-20s\t%-20s\t%-20s\n", "", "", "");
		strbuf_addf(&d->out, "%-20s\t%-20s\t%-20s\n", "# Partition Information", "", "");
		strbuf_addf(&d->out, "%-20s\t%-20s\t%-20s\n", "# col_name", "data_type", "comment");
		strbuf_addf(&d->out, "%-20s\t%-20s\t%-20s\n", "", "", "");
		describe_columns(d, keys);
	}
	json_free(doc);
	columns(d, "col_name", "data_type", "comment");
	return 0;
}

/* --- databases and tables made and dropped --- */

/* "IF NOT EXISTS", "IF EXISTS": *found false and the word stays when there is none. */
static int if_exists(struct ddl *d, bool negated, bool *found, struct err *err)
{
	*found = false;
	if (!next(&d->w))
		return unexpected(d, err);
	if (!is(&d->w, "if"))
		return 0;
	if (negated && (!next(&d->w) || !is(&d->w, "not")))
		return unexpected(d, err);
	if (!next(&d->w) || !is(&d->w, "exists") || !next(&d->w))
		return unexpected(d, err);
	*found = true;
	return 0;
}

/* ('key'='value', …) */
static int properties(struct ddl *d, struct json *to, struct err *err)
{
	char *key;

	if (!next(&d->w) || !is(&d->w, "("))
		return unexpected(d, err);
	do {
		if (!next(&d->w) || !d->w.quoted)
			return unexpected(d, err);
		key = xstrdup(d->w.word.buf);
		if (!next(&d->w) || !is(&d->w, "=") || !next(&d->w) || !d->w.quoted) {
			free(key);
			return unexpected(d, err);
		}
		json_set_str(to, key, d->w.word.buf);
		free(key);
		if (!next(&d->w))
			return unexpected(d, err);
	} while (is(&d->w, ","));
	return is(&d->w, ")") ? 0 : unexpected(d, err);
}

/* [COMMENT '…'] [LOCATION '…'] [WITH DBPROPERTIES (…)] */
static int database_clauses(struct ddl *d, struct json *input, struct err *err)
{
	while (!at_end(d)) {
		const char *member = is(&d->w, "comment")    ? "Description"
				     : is(&d->w, "location") ? "LocationUri"
							     : NULL;

		if (member) {
			if (!next(&d->w) || !d->w.quoted)
				return unexpected(d, err);
			json_set_str(input, member, d->w.word.buf);
		} else if (is(&d->w, "with") && next(&d->w) && is(&d->w, "dbproperties")) {
			json_set(input, "Parameters", json_object());
			if (properties(d, json_get(input, "Parameters"), err))
				return -1;
		} else {
			return unexpected(d, err);
		}
	}
	return 0;
}

/* Forgives a fault of that code; others become the query's error. */
static int settle(int r, bool forgiving, const char *code, struct err *err)
{
	char *text;

	if (!r || !err->aws_code)
		return r;
	if (forgiving && !strcmp(err->aws_code, code)) {
		err_release(err);
		return 0;
	}
	text = xasprintf("FAILED: Execution Error, return code 1 from "
			 "org.apache.hadoop.hive.ql.exec.DDLTask. %s(message:%s)",
		err->aws_code, err->text);
	err_release(err);
	err_set(err, ERR_INVALID, "%s", text);
	free(text);
	return -1;
}

/* The statement's own name is what rights are asked for. */
static void name_database(struct ddl *d)
{
	free(d->database);
	d->database = xstrdup(d->w.word.buf);
	lower_ascii(d->database);
}

static int create_database(struct ddl *d, struct err *err)
{
	struct json *input = json_object();
	bool forgiving;
	int r = -1;

	if (if_exists(d, true, &forgiving, err))
		goto out;
	name_database(d);
	json_set_str(input, "Name", d->database);
	if (database_clauses(d, input, err) || may_see(d, "glue:CreateDatabase", err))
		goto out;
	r = settle(local_catalog_create_database(d->q->cloud, input, err), forgiving,
		"AlreadyExistsException", err);
out:
	json_free(input);
	return r;
}

/* RESTRICT, Hive's default, keeps a database that has tables. */
static int drop_database(struct ddl *d, struct err *err)
{
	struct json *tables = NULL;
	bool forgiving, cascade = false, empty;

	if (if_exists(d, false, &forgiving, err))
		return -1;
	name_database(d);
	if (!at_end(d)) {
		cascade = is(&d->w, "cascade");
		if ((!cascade && !is(&d->w, "restrict")) || !at_end(d))
			return unexpected(d, err);
	}
	if (may_see(d, "glue:DeleteDatabase", err))
		return -1;
	if (!cascade && !local_catalog_tables(d->q->cloud, d->database, &tables, err)) {
		empty = !json_len(tables);
		json_free(tables);
		if (!empty)
			return err_set(err, ERR_INVALID,
				"FAILED: Execution Error, return code 1 from "
				"org.apache.hadoop.hive.ql.exec.DDLTask. "
				"InvalidOperationException(message:Database %s is not empty. One "
				"or "
				"more tables exist.)",
				d->database);
	}
	err_release(err);
	return settle(local_catalog_delete_database(d->q->cloud, d->database, err), forgiving,
		"EntityNotFoundException", err);
}

/* -1 with what Athena says when DROP VIEW meets a table or DROP TABLE a view; what is not there is no matter of this. */
static int check_kind(struct ddl *d, bool view, struct err *err)
{
	struct json *doc = NULL;
	struct err missing = ERR_INIT;
	const char *type;
	bool fits = true;

	if (!local_catalog_table(d->q->cloud, d->database, d->table, &doc, &missing)) {
		type = json_get_str(doc, "TableType");
		fits = (type && !strcmp(type, "VIRTUAL_VIEW")) == view;
	}
	err_release(&missing);
	json_free(doc);
	if (fits)
		return 0;
	return err_set(err, ERR_INVALID,
		"FAILED: SemanticException [Error %s]: Cannot drop a %s with DROP %s",
		view ? "10129" : "10128", view ? "base table" : "view", view ? "VIEW" : "TABLE");
}

/* The objects under an external table's location stay, as in Athena. */
static int drop_table(struct ddl *d, bool view, struct err *err)
{
	bool forgiving;

	if (if_exists(d, false, &forgiving, err) || table_name(d, err))
		return -1;
	if (!at_end(d))
		return unexpected(d, err);
	if (!d->database)
		return err_set(err, ERR_INVALID, "FAILED: SemanticException no database is given");
	if (may_see(d, "glue:DeleteTable", err) || check_kind(d, view, err))
		return -1;
	return settle(local_catalog_delete_table(d->q->cloud, d->database, d->table, err),
		forgiving, "EntityNotFoundException", err);
}

static int define(struct ddl *d, struct err *err)
{
	bool create = is(&d->w, "create");

	d->q->columns = json_array();
	next(&d->w);
	if (is(&d->w, "table") || is(&d->w, "view"))
		return drop_table(d, is(&d->w, "view"), err);
	return create ? create_database(d, err) : drop_database(d, err);
}

/* --- views --- */

/* CREATE [OR REPLACE] VIEW name AS: *query is what follows, the caller's. */
static int view_header(struct ddl *d, bool *replace, char **query, struct err *err)
{
	const char *text;
	size_t len;

	next(&d->w);
	next(&d->w);
	*replace = is(&d->w, "or");
	if (*replace) {
		next(&d->w);
		next(&d->w);
	}
	next(&d->w);
	if (table_name(d, err))
		return -1;
	if (!next(&d->w) || !is(&d->w, "as"))
		return unexpected(d, err);
	text = d->w.at + strspn(d->w.at, " \t\r\n");
	len = strlen(text);
	while (len && (isspace((unsigned char)text[len - 1]) || text[len - 1] == ';'))
		len--;
	*query = xstrndup(text, len);
	return 0;
}

static int put_view(struct ddl *d, bool replace, const char *query, struct err *err)
{
	struct json *old = NULL, *input = NULL;
	struct err missing = ERR_INIT;
	const char *type;
	int r = -1;

	if (!local_catalog_table(d->q->cloud, d->database, d->table, &old, &missing)) {
		type = json_get_str(old, "TableType");
		if (!type || strcmp(type, "VIRTUAL_VIEW") != 0 || !replace) {
			err_set(err, ERR_INVALID,
				"FAILED: line 1:1: %s already exists: 'awsdatacatalog.%s.%s'",
				type && !strcmp(type, "VIRTUAL_VIEW") ? "View" : "Table",
				d->database, d->table);
			goto out;
		}
	}
	if (may_see(d, old ? "glue:UpdateTable" : "glue:CreateTable", err) ||
		athena_view_input(d->q, d->table, query, &input, err))
		goto out;
	r = settle(local_catalog_put_table(d->q->cloud, d->database, input, NULL, err), false, "",
		err);
out:
	err_release(&missing);
	json_free(old);
	json_free(input);
	return r;
}

static int create_view(struct ddl *d, struct err *err)
{
	char *query = NULL;
	bool replace;
	int r = view_header(d, &replace, &query, err);

	if (!r && !d->database)
		r = err_set(err, ERR_INVALID,
			"MISSING_SCHEMA_NAME: line 1:1: Schema must be specified when session "
			"schema is not set");
	if (!r) {
		lower_ascii(d->database);
		lower_ascii(d->table);
		r = put_view(d, replace, query, err);
	}
	free(query);
	return r;
}

static int statement(struct ddl *d, struct err *err)
{
	if (d->q->view) {
		d->q->columns = json_array();
		return create_view(d, err);
	}
	next(&d->w);
	if (is(&d->w, "create") || is(&d->w, "drop"))
		return define(d, err);
	if (!is(&d->w, "show"))
		return describe(d, err);
	next(&d->w);
	if (is(&d->w, "databases") || is(&d->w, "schemas"))
		return show_databases(d, err);
	if (is(&d->w, "tables") || is(&d->w, "views"))
		return show_tables(d, is(&d->w, "views"), err);
	return is(&d->w, "columns") ? show_columns(d, err) : show_partitions(d, err);
}

int athena_run_ddl(struct athena_query *q, const char *path, struct err *err)
{
	struct ddl d = {.q = q, .w = {.at = q->sql, .word = STRBUF_INIT}, .out = STRBUF_INIT};
	int r;

	d.database = xstrdup(q->database);
	if (d.database)
		lower_ascii(d.database);
	r = statement(&d, err);
	if (!r)
		r = fs_write_atomic(path, d.out.buf, d.out.len, 0600, err);
	strbuf_release(&d.w.word);
	strbuf_release(&d.out);
	free(d.database);
	free(d.table);
	return r;
}
