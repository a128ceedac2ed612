/* CREATE TABLE and ALTER TABLE: Redshift's columns and table attributes as what DuckDB keeps of them. */
#include "local_redshift_sql.h"

/* The statement under way: where its sequences go, and what its key columns must be. */
struct ddl {
	struct rs_writer *w;
	const struct rs_tokens *t;
	size_t to;
	char *schema, *table; /* schema NULL: the session's */
	struct strvec keys;   /* columns of a PRIMARY KEY clause */
	struct rs_plan *plan;
};

static bool is_name(const struct rs_tokens *t, size_t i)
{
	return i < t->nr && (t->v[i].kind == RS_WORD || t->v[i].kind == RS_QUOTED);
}

/* [schema.]table; names of three parts go through as they stand. */
static int table_name(struct ddl *d, size_t *at, struct strbuf *out)
{
	const char *parts[3];
	size_t nr = 0;

	for (;;) {
		if (!is_name(d->t, *at) || nr == 3)
			return rs_syntax(d->t, *at, d->w->err);
		parts[nr++] = d->t->v[(*at)++].text;
		rs_name(out, parts[nr - 1]);
		if (!rs_is(d->t, *at, "."))
			break;
		strbuf_addch(out, '.');
		++*at;
	}
	d->table = xstrdup(parts[nr - 1]);
	d->schema = nr > 1 ? xstrdup(parts[nr - 2]) : NULL;
	return 0;
}

/* --- table attributes: checked and left out --- */

static int bracketed(const struct ddl *d, size_t *at)
{
	if (!rs_is(d->t, *at, "("))
		return rs_syntax(d->t, *at, d->w->err);
	*at = rs_past_bracket(d->t, *at, d->to);
	return 0;
}

static int one_of(const struct ddl *d, size_t *at, const char *const *words)
{
	for (; *words; words++)
		if (rs_is(d->t, *at, *words)) {
			++*at;
			return 0;
		}
	return rs_syntax(d->t, *at, d->w->err);
}

static int sort_key(const struct ddl *d, size_t *at)
{
	if (rs_is(d->t, *at, "auto")) {
		++*at;
		return 0;
	}
	return bracketed(d, at);
}

/* Moves *at past one attribute; 1: there is none. */
static int table_attribute(const struct ddl *d, size_t *at)
{
	static const char *const yes_no[] = {"yes", "no", NULL},
				 *const styles[] = {"auto", "even", "key", "all", NULL},
				 *const automatic[] = {"auto", NULL};
	size_t i = *at;

	++*at;
	if (rs_is(d->t, i, "backup"))
		return one_of(d, at, yes_no);
	if (rs_is(d->t, i, "diststyle"))
		return one_of(d, at, styles);
	if (rs_is(d->t, i, "distkey"))
		return bracketed(d, at);
	if (rs_is(d->t, i, "sortkey"))
		return sort_key(d, at);
	if (rs_is(d->t, i, "encode"))
		return one_of(d, at, automatic);
	if ((rs_is(d->t, i, "compound") || rs_is(d->t, i, "interleaved")) &&
		rs_is(d->t, i + 1, "sortkey")) {
		++*at;
		return sort_key(d, at);
	}
	*at = i;
	return 1;
}

static int table_attributes(const struct ddl *d, size_t *at)
{
	int r = 0;

	while (!r && *at < d->to)
		r = table_attribute(d, at);
	return r < 0 ? -1 : 0;
}

/* --- columns --- */

static bool is_attribute(const struct rs_tokens *t, size_t i)
{
	static const char *const words[] = {"default", "identity", "generated", "encode", "distkey",
		"sortkey", "null", "not", "primary", "unique", "references", "collate"};

	for (size_t k = 0; k < ARRAY_SIZE(words); k++)
		if (rs_is(t, i, words[k]))
			return true;
	return false;
}

/* IDENTITY(seed, step): a sequence of its own, which its table's default draws from. */
static int identity(struct ddl *d, const char *column, size_t *at, struct strbuf *out)
{
	const struct rs_tokens *t = d->t;
	struct strbuf sequence = STRBUF_INIT, sql = STRBUF_INIT;
	long long seed, step;
	size_t open = *at, close = rs_past_bracket(t, open, d->to);

	*at = close;
	if (!rs_is(t, open, "(") || close - open != 5 ||
		parse_int64(t->v[open + 1].text, INT32_MIN, INT32_MAX, &seed) ||
		parse_int64(t->v[open + 3].text, INT32_MIN, INT32_MAX, &step) || !step)
		return rs_syntax(t, open, d->w->err);
	strbuf_addf(
		&sequence, "identity_%s_%s_%s", d->schema ? d->schema : "public", d->table, column);
	strbuf_addstr(&sql, "CREATE OR REPLACE SEQUENCE glueproj_rs.");
	rs_name(&sql, sequence.buf);
	strbuf_addf(&sql, " START %lld INCREMENT %lld", seed, step);
	strvec_push(&d->plan->sql, sql.buf);
	strbuf_clear(&sql);
	strbuf_addstr(&sql, "glueproj_rs.");
	rs_name(&sql, sequence.buf);
	strbuf_addstr(out, " DEFAULT nextval(");
	rs_literal(out, sql.buf);
	strbuf_addch(out, ')');
	strbuf_release(&sequence);
	strbuf_release(&sql);
	return 0;
}

static int default_value(struct ddl *d, size_t *at, size_t end, struct strbuf *out)
{
	size_t from = *at;

	while (*at < end && (*at == from || !is_attribute(d->t, *at)))
		*at = rs_is(d->t, *at, "(") ? rs_past_bracket(d->t, *at, end) : *at + 1;
	if (*at == from)
		return rs_syntax(d->t, from, d->w->err);
	strbuf_addstr(out, " DEFAULT (");
	d->w->out = out;
	if (rs_write(d->w, from, *at))
		return -1;
	strbuf_addch(out, ')');
	return 0;
}

/* REFERENCES t [(c)]: Redshift does not check it. */
static int references(struct ddl *d, size_t *at)
{
	if (!is_name(d->t, *at))
		return rs_syntax(d->t, *at, d->w->err);
	++*at;
	while (rs_is(d->t, *at, ".") && is_name(d->t, *at + 1))
		*at += 2;
	if (rs_is(d->t, *at, "("))
		*at = rs_past_bracket(d->t, *at, d->to);
	return 0;
}

static int column_attribute(struct ddl *d, const char *column, size_t *at, size_t end,
	struct strbuf *out, bool *not_null)
{
	const struct rs_tokens *t = d->t;
	size_t i = (*at)++;

	if (rs_is(t, i, "default"))
		return default_value(d, at, end, out);
	if (rs_is(t, i, "identity"))
		return identity(d, column, at, out);
	if (rs_is(t, i, "generated") && rs_is(t, i + 1, "by") && rs_is(t, i + 2, "default") &&
		rs_is(t, i + 3, "as") && rs_is(t, i + 4, "identity")) {
		*at = i + 5;
		return identity(d, column, at, out);
	}
	if (rs_is(t, i, "encode") && is_name(t, i + 1)) {
		++*at;
		return 0;
	}
	if (rs_is(t, i, "collate"))
		return rs_refuse(d->w->err, "COLLATE");
	if (rs_is(t, i, "not") && rs_is(t, i + 1, "null")) {
		++*at;
		*not_null = true;
		return 0;
	}
	if (rs_is(t, i, "primary") && rs_is(t, i + 1, "key")) {
		++*at;
		*not_null = true;
		return 0;
	}
	if (rs_is(t, i, "references"))
		return references(d, at);
	if (rs_is(t, i, "distkey") || rs_is(t, i, "sortkey") || rs_is(t, i, "null") ||
		rs_is(t, i, "unique"))
		return 0;
	return rs_syntax(t, i, d->w->err);
}

/* A text of limited length is one with a check on its bytes. */
static int column(struct ddl *d, size_t from, size_t end, struct strbuf *out)
{
	const char *name = d->t->v[from].text;
	size_t at = from + 1;
	bool not_null = false;
	int64_t length;

	if (!is_name(d->t, from))
		return rs_syntax(d->t, from, d->w->err);
	rs_name(out, name);
	strbuf_addch(out, ' ');
	d->w->out = out;
	if (rs_write_type(d->w, at, end, &at, &length, true))
		return -1;
	while (at < end)
		if (column_attribute(d, name, &at, end, out, &not_null))
			return -1;
	for (size_t i = 0; i < d->keys.nr; i++)
		not_null |= !strcmp(d->keys.v[i], name);
	strbuf_addstr(out, not_null ? " NOT NULL" : "");
	if (length) {
		strbuf_addstr(out, " CHECK (strlen(");
		rs_name(out, name);
		strbuf_addf(out, ") <= %lld)", (long long)length);
	}
	return 0;
}

static size_t item_end(const struct ddl *d, size_t at, size_t close)
{
	while (at < close && !rs_is(d->t, at, ","))
		at = rs_is(d->t, at, "(") ? rs_past_bracket(d->t, at, close) : at + 1;
	return at;
}

static bool is_constraint(const struct rs_tokens *t, size_t i)
{
	return rs_is(t, i, "primary") || rs_is(t, i, "unique") || rs_is(t, i, "foreign") ||
	       rs_is(t, i, "constraint") || rs_is(t, i, "check");
}

/* The columns of a PRIMARY KEY clause; other clauses say nothing that Redshift checks. */
static void collect_keys(struct ddl *d, size_t from, size_t end)
{
	size_t at = rs_is(d->t, from, "constraint") ? from + 2 : from;

	if (!rs_is(d->t, at, "primary"))
		return;
	for (at += 2; at < end; at++)
		if (is_name(d->t, at))
			strvec_push(&d->keys, d->t->v[at].text);
}

static int columns(struct ddl *d, size_t open, size_t close, struct strbuf *out)
{
	bool any = false;
	size_t end;

	for (size_t at = open + 1; at < close; at = end + 1) {
		end = item_end(d, at, close);
		collect_keys(d, at, end);
	}
	strbuf_addstr(out, " (");
	for (size_t at = open + 1; at < close; at = end + 1) {
		end = item_end(d, at, close);
		if (rs_is(d->t, at, "check"))
			return err_set(d->w->err, ERR_INVALID,
				"ERROR: CHECK constraints are not supported");
		if (rs_is(d->t, at, "like"))
			return rs_refuse(d->w->err, "LIKE beside other columns");
		if (is_constraint(d->t, at))
			continue;
		strbuf_addstr(out, any ? ", " : "");
		any = true;
		if (end == at)
			return rs_syntax(d->t, at, d->w->err);
		if (column(d, at, end, out))
			return -1;
	}
	strbuf_addch(out, ')');
	return any ? 0 : rs_syntax(d->t, close, d->w->err);
}

/* (LIKE parent [INCLUDING DEFAULTS]): its columns, empty. */
static int like(struct ddl *d, size_t at, size_t close, struct strbuf *out)
{
	size_t end = at;

	while (end < close && !rs_is(d->t, end, "including") && !rs_is(d->t, end, "excluding"))
		end++;
	strbuf_addstr(out, " AS SELECT * FROM ");
	d->w->out = out;
	if (rs_write(d->w, at, end))
		return -1;
	strbuf_addstr(out, " WHERE false");
	return 0;
}

static int table_body(struct ddl *d, size_t at, struct strbuf *out)
{
	const struct rs_tokens *t = d->t;

	if (rs_is(t, at, "(") && !rs_is(t, at + 1, "select") && !rs_is(t, at + 1, "with")) {
		size_t close = rs_past_bracket(t, at, d->to) - 1;
		bool copy = rs_is(t, at + 1, "like");
		/* (a, b) AS SELECT …: names alone */
		if (!copy && (rs_is(t, at + 2, ",") || rs_is(t, at + 2, ")"))) {
			d->w->out = out;
			strbuf_addch(out, ' ');
			if (rs_write(d->w, at, close + 1))
				return -1;
		} else if (copy ? like(d, at + 2, close, out) : columns(d, at, close, out)) {
			return -1;
		}
		at = close + 1;
	}
	if (table_attributes(d, &at))
		return -1;
	if (at == d->to)
		return 0;
	if (!rs_is(t, at, "as"))
		return rs_syntax(t, at, d->w->err);
	strbuf_addch(out, ' ');
	d->w->out = out;
	return rs_write(d->w, at, d->to);
}

static void release(struct ddl *d)
{
	free(d->schema);
	free(d->table);
	strvec_release(&d->keys);
}

int rs_create_table(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	struct ddl d = {.w = w, .t = w->t, .to = to, .plan = plan};
	struct strbuf sql = STRBUF_INIT;
	size_t at = 1;
	int r = -1;

	strbuf_addstr(&sql, "CREATE ");
	if (rs_is(w->t, at, "local"))
		at++;
	if (rs_is(w->t, at, "temp") || rs_is(w->t, at, "temporary")) {
		strbuf_addstr(&sql, "TEMP ");
		at++;
	}
	strbuf_addstr(&sql, "TABLE ");
	at++;
	if (rs_is(w->t, at, "if") && rs_is(w->t, at + 1, "not") && rs_is(w->t, at + 2, "exists")) {
		strbuf_addstr(&sql, "IF NOT EXISTS ");
		at += 3;
	}
	if (table_name(&d, &at, &sql) || table_body(&d, at, &sql))
		goto out;
	plan->what = RS_RUN;
	strvec_push(&plan->sql, sql.buf);
	r = 0;
out:
	release(&d);
	strbuf_release(&sql);
	return r;
}

/* --- ALTER TABLE --- */

/* APPEND FROM source: its rows move. */
static int append(struct ddl *d, const char *table, size_t at)
{
	struct strbuf source = STRBUF_INIT;
	char *sql;
	size_t end = at;
	int r;

	while (end < d->to && !rs_is(d->t, end, "ignoreextra") && !rs_is(d->t, end, "filltarget"))
		end++;
	if (end < d->to)
		return rs_refuse(d->w->err, "ALTER TABLE APPEND with IGNOREEXTRA or FILLTARGET");
	d->w->out = &source;
	r = rs_write(d->w, at, end);
	if (!r) {
		sql = xasprintf("INSERT INTO %s BY NAME SELECT * FROM %s", table, source.buf);
		strvec_push(&d->plan->sql, sql);
		free(sql);
		sql = xasprintf("DELETE FROM %s", source.buf);
		strvec_push(&d->plan->sql, sql);
		free(sql);
		d->plan->what = RS_RUN;
	}
	strbuf_release(&source);
	return r;
}

static int add_column(struct ddl *d, const char *table, size_t at)
{
	struct strbuf sql = STRBUF_INIT;
	int r;

	if (rs_is(d->t, at, "column"))
		at++;
	if (is_constraint(d->t, at))
		return 0; /* a key: Redshift does not check it either */
	strbuf_addf(&sql, "ALTER TABLE %s ADD COLUMN ", table);
	r = column(d, at, d->to, &sql);
	if (!r && strstr(sql.buf, " CHECK (")) /* DuckDB adds no column with a check */
		strbuf_setlen(&sql, (size_t)(strstr(sql.buf, " CHECK (") - sql.buf));
	if (!r) {
		strvec_push(&d->plan->sql, sql.buf);
		d->plan->what = RS_RUN;
	}
	strbuf_release(&sql);
	return r;
}

/* What changes how Redshift stores a table, and nothing else. */
static bool is_layout(const struct rs_tokens *t, size_t at)
{
	static const char *const words[] = {
		"diststyle", "distkey", "sortkey", "compound", "encode", "owner"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (rs_is(t, at, words[i]) || rs_is(t, at + 1, words[i]))
			return true;
	return rs_is(t, at, "alter") && rs_is(t, at + 3, "encode");
}

int rs_alter_table(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	struct ddl d = {.w = w, .t = w->t, .to = to, .plan = plan};
	struct strbuf table = STRBUF_INIT, sql = STRBUF_INIT;
	size_t at = 2;
	int r = -1;

	if (!rs_is(w->t, 1, "table") && !rs_is(w->t, 1, "schema"))
		return rs_refuse(w->err, "this kind of ALTER");
	if (rs_is(w->t, 1, "schema"))
		return rs_refuse(w->err, "ALTER SCHEMA");
	if (table_name(&d, &at, &table))
		goto out;
	if (rs_is(w->t, at, "append") && rs_is(w->t, at + 1, "from")) {
		r = append(&d, table.buf, at + 2);
	} else if (rs_is(w->t, at, "add")) {
		r = add_column(&d, table.buf, at + 1);
	} else if (is_layout(w->t, at)) {
		r = 0;
	} else {
		strbuf_addf(&sql, "ALTER TABLE %s ", table.buf);
		w->out = &sql;
		r = rs_write(w, at, to);
		strvec_push(&plan->sql, sql.buf);
		plan->what = RS_RUN;
	}
out:
	release(&d);
	strbuf_release(&table);
	strbuf_release(&sql);
	return r;
}
