/* Statements of Redshift's SQL as DuckDB's: which kind it is, and the rewritings inside of expressions. */
#include "local_redshift_sql.h"

void rs_plan_release(struct rs_plan *p)
{
	strvec_release(&p->sql);
	free(p->copy.schema);
	free(p->copy.table);
	json_free(p->copy.columns);
	free(p->copy.place);
	free(p->copy.role);
	free(p->copy.region);
	json_free(p->copy.options);
	*p = (struct rs_plan)RS_PLAN_INIT;
}

void rs_name(struct strbuf *out, const char *name)
{
	strbuf_addquoted(out, name, strlen(name), '"');
}

void rs_literal(struct strbuf *out, const char *text)
{
	strbuf_addquoted(out, text, strlen(text), '\'');
}

/* --- parameters --- */

static const char *parameter(const struct json *parameters, const char *name)
{
	const struct json *p;

	json_each(p, parameters)
	{
		const char *given = json_get_str(p, "name");
		if (given && !strcmp(given, name))
			return json_get_str(p, "value");
	}
	return NULL;
}

const char *rs_unused_parameter(const char *sql, const struct json *parameters)
{
	struct rs_tokens t = {0};
	struct err ignored = ERR_INIT;
	const struct json *p;
	const char *unused = NULL;

	if (json_len(parameters) && !rs_tokenize(sql, &t, &ignored)) {
		json_each(p, parameters)
		{
			const char *name = json_get_str(p, "name");
			bool used = false;
			for (size_t i = 0; name && i < t.nr; i++)
				used |= t.v[i].kind == RS_PARAM && !strcmp(t.v[i].text, name);
			if (!used && !unused)
				unused = name;
		}
	}
	rs_tokens_release(&t);
	err_release(&ignored);
	return unused;
}

/* --- types --- */

static const struct type_row {
	const char *name, *second, *duck;
	int64_t length; /* of a text without one; 0: no text */
} types[] = {
	{"smallint", NULL, "SMALLINT", 0},
	{"int2", NULL, "SMALLINT", 0},
	{"integer", NULL, "INTEGER", 0},
	{"int", NULL, "INTEGER", 0},
	{"int4", NULL, "INTEGER", 0},
	{"bigint", NULL, "BIGINT", 0},
	{"int8", NULL, "BIGINT", 0},
	{"decimal", NULL, "DECIMAL", 0},
	{"numeric", NULL, "DECIMAL", 0},
	{"real", NULL, "FLOAT", 0},
	{"float4", NULL, "FLOAT", 0},
	{"double", "precision", "DOUBLE", 0},
	{"float8", NULL, "DOUBLE", 0},
	{"float", NULL, "DOUBLE", 0},
	{"boolean", NULL, "BOOLEAN", 0},
	{"bool", NULL, "BOOLEAN", 0},
	{"character", "varying", "VARCHAR", 256},
	{"char", NULL, "VARCHAR", 1},
	{"character", NULL, "VARCHAR", 1},
	{"nchar", NULL, "VARCHAR", 1},
	{"bpchar", NULL, "VARCHAR", 256},
	{"varchar", NULL, "VARCHAR", 256},
	{"nvarchar", NULL, "VARCHAR", 256},
	{"text", NULL, "VARCHAR", 256},
	{"date", NULL, "DATE", 0},
	{"timestamptz", NULL, "TIMESTAMP WITH TIME ZONE", 0},
	{"timestamp", NULL, "TIMESTAMP", 0},
	{"time", NULL, "TIME", 0},
};

static const char *const unsupported_types[] = {"super", "geometry", "geography", "hllsketch",
	"varbyte", "varbinary", "timetz", "interval"};

static int decimal_type(struct rs_writer *w, size_t at, size_t to, size_t *next)
{
	const struct rs_tokens *t = w->t;
	long long precision = 18, scale = 0;
	size_t close;

	*next = at;
	if (at < to && rs_is(t, at, "(")) {
		close = rs_past_bracket(t, at, to);
		if (close - at != 3 && close - at != 5)
			return rs_syntax(t, at, w->err);
		if (parse_int64(t->v[at + 1].text, 1, 38, &precision) ||
			(close - at == 5 && parse_int64(t->v[at + 3].text, 0, precision, &scale)))
			return err_set(w->err, ERR_INVALID,
				"ERROR: DECIMAL precision %s must be between 1 and 38",
				t->v[at + 1].text);
		*next = close;
	}
	strbuf_addf(w->out, "DECIMAL(%lld, %lld)", precision, scale);
	return 0;
}

/* "(n)" or "(max)"; nothing: what the type has. */
static int text_length(struct rs_writer *w, size_t at, size_t to, size_t *next, int64_t *length)
{
	long long n;

	*next = at;
	if (at >= to || !rs_is(w->t, at, "("))
		return 0;
	*next = rs_past_bracket(w->t, at, to);
	if (*next - at != 3)
		return rs_syntax(w->t, at, w->err);
	if (rs_is(w->t, at + 1, "max"))
		n = 65535;
	else if (parse_int64(w->t->v[at + 1].text, 1, 65535, &n))
		return err_set(w->err, ERR_INVALID,
			"ERROR: length for type varchar must be between 1 and 65535");
	*length = n;
	return 0;
}

/* "with time zone" and "without time zone" behind a time. */
static bool zone_words(const struct rs_tokens *t, size_t at, const char *first)
{
	return rs_is(t, at, first) && rs_is(t, at + 1, "time") && rs_is(t, at + 2, "zone");
}

static int finish_type(struct rs_writer *w, const struct type_row *row, size_t at, size_t to,
	size_t *next, int64_t *length, bool column)
{
	long long digits;

	*next = at;
	if (!strcmp(row->duck, "DECIMAL"))
		return decimal_type(w, at, to, next);
	if (row->length) {
		*length = column ? row->length : 0;
		strbuf_addstr(w->out, row->duck);
		return text_length(w, at, to, next, length);
	}
	if (!strcmp(row->name, "float") && rs_is(w->t, at, "(")) {
		*next = rs_past_bracket(w->t, at, to);
		if (*next - at != 3 || parse_int64(w->t->v[at + 1].text, 1, 53, &digits))
			return rs_syntax(w->t, at, w->err);
		strbuf_addstr(w->out, digits <= 24 ? "FLOAT" : "DOUBLE");
		return 0;
	}
	if (!strcmp(row->duck, "TIMESTAMP") && zone_words(w->t, at, "with")) {
		strbuf_addstr(w->out, "TIMESTAMP WITH TIME ZONE");
		*next = at + 3;
		return 0;
	}
	if (zone_words(w->t, at, "without"))
		*next = at + 3;
	strbuf_addstr(w->out, row->duck);
	return 0;
}

int rs_write_type(
	struct rs_writer *w, size_t at, size_t to, size_t *next, int64_t *length, bool column)
{
	const struct rs_tokens *t = w->t;
	const char *name = at < to ? t->v[at].text : "";

	*length = 0;
	if (at >= to || (t->v[at].kind != RS_WORD && t->v[at].kind != RS_QUOTED))
		return rs_syntax(t, at, w->err);
	for (size_t i = 0; i < ARRAY_SIZE(unsupported_types); i++)
		if (!strcmp(name, unsupported_types[i]))
			return err_set(w->err, ERR_INVALID,
				"ERROR: type \"%s\" is not supported by the local warehouse", name);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct type_row *row = &types[i];
		if (strcmp(name, row->name) != 0 || (row->second && !rs_is(t, at + 1, row->second)))
			continue;
		return finish_type(w, row, at + (row->second ? 2 : 1), to, next, length, column);
	}
	return err_set(w->err, ERR_INVALID, "ERROR: type \"%s\" does not exist", name);
}

/* --- functions --- */

typedef int function_fn(struct rs_writer *w, size_t at, size_t close, size_t *next);

/* The date part at `at`, as DuckDB's name; NULL when it is none. */
static const char *date_part(const struct rs_token *token)
{
	static const struct {
		const char *name, *part;
	} parts[] = {
		{"year", "year"},
		{"years", "year"},
		{"y", "year"},
		{"yr", "year"},
		{"yrs", "year"},
		{"quarter", "quarter"},
		{"quarters", "quarter"},
		{"qtr", "quarter"},
		{"qtrs", "quarter"},
		{"month", "month"},
		{"months", "month"},
		{"mon", "month"},
		{"mons", "month"},
		{"week", "week"},
		{"weeks", "week"},
		{"w", "week"},
		{"day", "day"},
		{"days", "day"},
		{"d", "day"},
		{"hour", "hour"},
		{"hours", "hour"},
		{"h", "hour"},
		{"hr", "hour"},
		{"hrs", "hour"},
		{"minute", "minute"},
		{"minutes", "minute"},
		{"m", "minute"},
		{"min", "minute"},
		{"mins", "minute"},
		{"second", "second"},
		{"seconds", "second"},
		{"s", "second"},
		{"sec", "second"},
		{"secs", "second"},
		{"dow", "dow"},
		{"dayofweek", "dow"},
		{"weekday", "dow"},
		{"doy", "doy"},
		{"dayofyear", "doy"},
		{"yearday", "doy"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (token->kind != RS_OP && iequals(token->text, parts[i].name))
			return parts[i].part;
	return NULL;
}

/* The next comma on this level; `close` when there is none. */
static size_t next_comma(const struct rs_tokens *t, size_t at, size_t close)
{
	while (at < close && !rs_is(t, at, ","))
		at = rs_is(t, at, "(") ? rs_past_bracket(t, at, close) : at + 1;
	return at;
}

/* A lone string where a time is wanted is one. */
static int write_time(struct rs_writer *w, size_t from, size_t to)
{
	if (to - from == 1 && w->t->v[from].kind == RS_STRING)
		strbuf_addstr(w->out, "TIMESTAMP ");
	return rs_write(w, from, to);
}

/* DATEADD(part, n, time): a function for each part. at: the name; close: the bracket's last. */
static int fn_dateadd(struct rs_writer *w, size_t at, size_t close, size_t *next)
{
	const struct rs_tokens *t = w->t;
	size_t first = next_comma(t, at + 2, close), second = next_comma(t, first + 1, close);
	const char *part = at + 2 < close ? date_part(&t->v[at + 2]) : NULL;

	if (!part || first != at + 3 || second >= close || !strncmp(part, "do", 2))
		return rs_syntax(t, at + 2, w->err);
	strbuf_addf(w->out, "glueproj_rs.add_%s(", part);
	if (rs_write(w, first + 1, second))
		return -1;
	strbuf_addstr(w->out, ", ");
	if (write_time(w, second + 1, close))
		return -1;
	strbuf_addch(w->out, ')');
	*next = close + 1;
	return 0;
}

static int fn_datediff(struct rs_writer *w, size_t at, size_t close, size_t *next)
{
	const struct rs_tokens *t = w->t;
	size_t first = next_comma(t, at + 2, close), second = next_comma(t, first + 1, close);
	const char *part = at + 2 < close ? date_part(&t->v[at + 2]) : NULL;

	if (!part || first != at + 3 || second >= close || !strncmp(part, "do", 2))
		return rs_syntax(t, at + 2, w->err);
	if (!strcmp(part, "week"))
		return rs_refuse(w->err, "DATEDIFF of weeks");
	strbuf_addf(w->out, "date_diff('%s', ", part);
	if (write_time(w, first + 1, second))
		return -1;
	strbuf_addstr(w->out, ", ");
	if (write_time(w, second + 1, close))
		return -1;
	strbuf_addch(w->out, ')');
	*next = close + 1;
	return 0;
}

/* DATE_PART(part, time) and DATE_TRUNC('part', time): the first one's name may stand without quotes. */
static int fn_part(struct rs_writer *w, size_t at, size_t close, size_t *next)
{
	const struct rs_tokens *t = w->t;
	size_t comma = next_comma(t, at + 2, close);
	const char *part = at + 2 < close ? date_part(&t->v[at + 2]) : NULL;

	if (!part || comma != at + 3)
		return rs_syntax(t, at + 2, w->err);
	strbuf_addf(w->out, "%s('%s', ",
		strcmp(t->v[at].text, "date_trunc") ? "date_part" : "glueproj_rs.trunc_time", part);
	if (write_time(w, comma + 1, close))
		return -1;
	strbuf_addch(w->out, ')');
	*next = close + 1;
	return 0;
}

/* LISTAGG([DISTINCT] x [, 'delimiter']) [WITHIN GROUP (ORDER BY …)] */
static int fn_listagg(struct rs_writer *w, size_t at, size_t close, size_t *next)
{
	const struct rs_tokens *t = w->t;
	size_t comma = next_comma(t, at + 2, close), after = close + 1;

	strbuf_addstr(w->out, "string_agg(");
	if (rs_write(w, at + 2, close))
		return -1;
	if (comma == close)
		strbuf_addstr(w->out, ", ''");
	if (rs_is(t, after, "within") && rs_is(t, after + 1, "group") && rs_is(t, after + 2, "(")) {
		size_t end = rs_past_bracket(t, after + 2, t->nr);
		strbuf_addch(w->out, ' ');
		if (rs_write(w, after + 3, end - 1))
			return -1;
		after = end;
	}
	strbuf_addch(w->out, ')');
	*next = after;
	return 0;
}

/* CAST(x AS varchar(3)) cuts, and CAST to a type whose name means something else here. */
static int fn_cast(struct rs_writer *w, size_t at, size_t close, size_t *next)
{
	const struct rs_tokens *t = w->t;
	struct strbuf type = STRBUF_INIT, *out = w->out;
	size_t as = at + 2, end;
	int64_t length;
	int r;

	while (as < close && !rs_is(t, as, "as"))
		as = rs_is(t, as, "(") ? rs_past_bracket(t, as, close) : as + 1;
	if (as >= close)
		return rs_syntax(t, close, w->err);
	w->out = &type;
	r = rs_write_type(w, as + 1, close, &end, &length, false);
	w->out = out;
	if (!r && end != close)
		r = rs_syntax(t, end, w->err);
	if (!r) {
		strbuf_addstr(out, length ? "left(CAST(" : "CAST(");
		r = rs_write(w, at + 2, as);
	}
	if (!r && length)
		strbuf_addf(out, " AS %s), %lld)", type.buf, (long long)length);
	else if (!r)
		strbuf_addf(out, " AS %s)", type.buf);
	strbuf_release(&type);
	*next = close + 1;
	return r;
}

/* Words before a bracket: another name, a rule, or a refusal ("!"). */
static const struct function {
	const char *name, *instead;
	function_fn *write;
} functions[] = {
	{"avg", "glueproj_avg", NULL},
	{"cast", NULL, fn_cast},
	{"convert", "!", NULL},
	{"date_diff", NULL, fn_datediff},
	{"date_part", NULL, fn_part},
	{"date_trunc", NULL, fn_part},
	{"dateadd", NULL, fn_dateadd},
	{"date_add", NULL, fn_dateadd},
	{"datediff", NULL, fn_datediff},
	{"datepart", NULL, fn_part},
	{"decode", "!", NULL},
	{"getdate", "glueproj_rs.getdate", NULL},
	{"isnull", "coalesce", NULL},
	{"listagg", NULL, fn_listagg},
	{"nvl", "coalesce", NULL},
	{"nvl2", "glueproj_rs.nvl2", NULL},
	{"pg_get_late_binding_view_cols", "!", NULL},
	{"query", "!", NULL},
	{"query_table", "!", NULL},
	{"regexp_replace", "!", NULL},
	{"regexp_substr", "!", NULL},
	{"to_char", "!", NULL},
	{"to_date", "!", NULL},
	{"to_timestamp", "!", NULL},
	{"try_cast", "!", NULL},
	{"version", "!", NULL},
};

static const struct function *function_of(const struct rs_tokens *t, size_t i)
{
	if (t->v[i].kind != RS_WORD || !rs_is(t, i + 1, "(") || (i && rs_is(t, i - 1, ".")))
		return NULL;
	for (size_t k = 0; k < ARRAY_SIZE(functions); k++)
		if (!strcmp(functions[k].name, t->v[i].text))
			return &functions[k];
	return NULL;
}

/* --- words --- */

/* Where a value stands by a word alone, and what the views of the catalog are called. */
static const struct {
	const char *name, *instead;
} words[] = {
	{"pg_table_def", "glueproj_rs.pg_table_def"},
	{"svv_tables", "glueproj_rs.svv_tables"},
	{"sysdate", "current_localtimestamp()"},
};

static const char *const system_prefixes[] = {"stl_", "stv_", "svl_", "svcs_", "sys_", "svv_"};

static int write_word(struct rs_writer *w, size_t i)
{
	const struct rs_tokens *t = w->t;
	const char *text = t->v[i].text;
	bool after_dot = i && rs_is(t, i - 1, ".");

	for (size_t k = 0; !after_dot && k < ARRAY_SIZE(words); k++)
		if (!strcmp(words[k].name, text)) {
			strbuf_addstr(w->out, words[k].instead);
			return 0;
		}
	for (size_t k = 0; !after_dot && k < ARRAY_SIZE(system_prefixes); k++)
		if (starts_with(text, system_prefixes[k]) && i &&
			(rs_is(t, i - 1, "from") || rs_is(t, i - 1, "join"))) {
			char *what = xasprintf("the system view %s", text);
			rs_refuse(w->err, what);
			free(what);
			return -1;
		}
	if (!strcmp(text, "similar"))
		return rs_refuse(w->err, "SIMILAR TO");
	if (!after_dot && (!strcmp(text, "current_user") || !strcmp(text, "session_user") ||
				  !strcmp(text, "user")))
		return rs_refuse(w->err, "the database's user in a query");
	/* "glueproj_rs" and its like are not the user's */
	strbuf_addstr(w->out, text);
	return 0;
}

static int write_parameter(struct rs_writer *w, size_t i)
{
	const char *value = parameter(w->parameters, w->t->v[i].text);

	if (!value)
		return err_set(w->err, ERR_INVALID,
			"ERROR: syntax error at or near \":\"\n  Position: %zu", w->t->v[i].at + 1);
	rs_literal(w->out, value);
	return 0;
}

/* A string; a pattern's backslash escapes, which DuckDB wants to be told. */
static void write_string(struct rs_writer *w, size_t i)
{
	const struct rs_tokens *t = w->t;
	bool pattern = i && (rs_is(t, i - 1, "like") || rs_is(t, i - 1, "ilike"));

	rs_literal(w->out, t->v[i].text);
	if (pattern && strchr(t->v[i].text, '\\') && !rs_is(t, i + 1, "escape"))
		strbuf_addstr(w->out, " ESCAPE '\\'");
}

/* "::type" */
static int write_short_cast(struct rs_writer *w, size_t i, size_t to, size_t *next)
{
	int64_t length;

	strbuf_addstr(w->out, "::");
	if (rs_write_type(w, i + 1, to, next, &length, false))
		return -1;
	if (length)
		return rs_refuse(w->err, "a cast with '::' to a text of limited length (CAST is)");
	return 0;
}

static int write_function(
	struct rs_writer *w, const struct function *f, size_t i, size_t to, size_t *next)
{
	size_t end = rs_past_bracket(w->t, i + 1, to);

	if (f->instead && !strcmp(f->instead, "!")) {
		char *what = xasprintf("function %s", f->name);
		rs_refuse(w->err, what);
		free(what);
		return -1;
	}
	if (f->instead) {
		strbuf_addstr(w->out, f->instead);
		*next = i + 1;
		return 0;
	}
	if (!rs_is(w->t, end - 1, ")"))
		return rs_syntax(w->t, end, w->err);
	return f->write(w, i, end - 1, next);
}

/* Whether a blank must stand before the token: never inside of "a.b" and "f(", else always. */
static bool is_tight(const struct rs_tokens *t, size_t i, size_t from)
{
	return i == from || rs_is(t, i, ".") || rs_is(t, i - 1, ".") || rs_is(t, i, ",") ||
	       rs_is(t, i, ")") || rs_is(t, i - 1, "(") || rs_is(t, i, "::") ||
	       (rs_is(t, i, "(") && t->v[i - 1].kind == RS_WORD &&
		       t->v[i - 1].at + t->v[i - 1].len == t->v[i].at);
}

/* --- division: by zero it is an error, where DuckDB gives null --- */

/* Past one operand without signs: a value, a name with its dots, a call, a bracket; `at` itself when it is none of these. */
static size_t past_operand(const struct rs_tokens *t, size_t at, size_t to)
{
	size_t i = at;

	if (i >= to || rs_is(t, i, "case") || (t->v[i].kind == RS_OP && !rs_is(t, i, "(")))
		return at;
	if (rs_is(t, i, "("))
		return rs_past_bracket(t, i, to);
	if (t->v[i].kind != RS_WORD && t->v[i].kind != RS_QUOTED)
		return i + 1;
	for (i++; i + 1 < to && rs_is(t, i, ".");)
		i += 2;
	if (i < to && rs_is(t, i, "("))
		i = rs_past_bracket(t, i, to);
	while (i + 1 < to && (rs_is(t, i, "over") || rs_is(t, i, "filter")) && rs_is(t, i + 1, "("))
		i = rs_past_bracket(t, i + 1, to);
	return i;
}

/* "/ x" and "% x" behind the operator's place; *next == i + 1 when the operand is left to DuckDB. */
static int write_divisor(struct rs_writer *w, size_t i, size_t to, size_t *next)
{
	const struct rs_tokens *t = w->t;
	size_t end = past_operand(t, i + 1, to), type_end;
	struct strbuf cast = STRBUF_INIT, *out = w->out;
	int r = 0;

	strbuf_addstr(w->out, t->v[i].text);
	if (end == i + 1 || (end < to && (rs_is(t, end, "^") || rs_is(t, end, "over"))) ||
		(end == i + 2 && end < to && t->v[end].kind == RS_STRING))
		return 0;
	strbuf_addstr(w->out, " glueproj_rs.divisor(");
	r = rs_write(w, i + 1, end);
	while (!r && end < to && rs_is(t, end, "::")) {
		w->out = &cast;
		r = write_short_cast(w, end, to, &type_end);
		w->out = out;
		strbuf_addstr(out, cast.buf);
		strbuf_clear(&cast);
		end = type_end;
	}
	strbuf_addch(w->out, ')');
	strbuf_release(&cast);
	*next = end;
	return r;
}

int rs_write(struct rs_writer *w, size_t from, size_t to)
{
	const struct rs_tokens *t = w->t;
	size_t i = from;

	while (i < to) {
		const struct function *f = function_of(t, i);
		size_t next = i + 1;
		int r = 0;

		if (!is_tight(t, i, from))
			strbuf_addch(w->out, ' ');
		if (f)
			r = write_function(w, f, i, to, &next);
		else if (rs_is(t, i, "::"))
			r = write_short_cast(w, i, to, &next);
		else if (rs_is(t, i, "/") || rs_is(t, i, "%"))
			r = write_divisor(w, i, to, &next);
		else if (t->v[i].kind == RS_WORD)
			r = write_word(w, i);
		else if (t->v[i].kind == RS_QUOTED)
			rs_name(w->out, t->v[i].text);
		else if (t->v[i].kind == RS_STRING)
			write_string(w, i);
		else if (t->v[i].kind == RS_PARAM)
			r = write_parameter(w, i);
		else
			strbuf_addstr(w->out, t->v[i].text);
		if (r)
			return -1;
		i = next;
	}
	return 0;
}

/* --- statements --- */

static int push(struct rs_writer *w, struct rs_plan *plan, size_t from, size_t to)
{
	struct strbuf sql = STRBUF_INIT;
	int r;

	w->out = &sql;
	r = rs_write(w, from, to);
	if (!r)
		strvec_push(&plan->sql, sql.buf);
	strbuf_release(&sql);
	return r;
}

static int st_plain(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	plan->what = RS_RUN;
	return push(w, plan, 0, to);
}

/* SELECT TOP n … has the limit in front. */
static int st_select(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	struct strbuf sql = STRBUF_INIT;
	size_t top = rs_is(w->t, 1, "distinct") ? 2 : 1;
	int r;

	if (!rs_is(w->t, top, "top") || top + 1 >= to || w->t->v[top + 1].kind != RS_NUMBER)
		return st_plain(w, to, plan);
	for (size_t i = top; i < to; i = rs_is(w->t, i, "(") ? rs_past_bracket(w->t, i, to) : i + 1)
		if (rs_is(w->t, i, "union") || rs_is(w->t, i, "limit") ||
			rs_is(w->t, i, "intersect") || rs_is(w->t, i, "except"))
			return rs_refuse(w->err, "TOP with UNION, INTERSECT, EXCEPT or LIMIT");
	plan->what = RS_RUN;
	w->out = &sql;
	strbuf_addstr(&sql, top == 2 ? "select distinct " : "select ");
	r = rs_write(w, top + 2, to);
	strbuf_addf(&sql, " LIMIT %s", w->t->v[top + 1].text);
	if (!r)
		strvec_push(&plan->sql, sql.buf);
	strbuf_release(&sql);
	return r;
}

/* FROM may be left out. */
static int st_delete(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	struct strbuf sql = STRBUF_INIT;
	int r;

	if (rs_is(w->t, 1, "from"))
		return st_plain(w, to, plan);
	plan->what = RS_RUN;
	w->out = &sql;
	strbuf_addstr(&sql, "delete from ");
	r = rs_write(w, 1, to);
	if (!r)
		strvec_push(&plan->sql, sql.buf);
	strbuf_release(&sql);
	return r;
}

static bool is_table_word(const struct rs_tokens *t, size_t *at)
{
	if (rs_is(t, *at, "local"))
		++*at;
	if (rs_is(t, *at, "temp") || rs_is(t, *at, "temporary"))
		++*at;
	return rs_is(t, *at, "table");
}

static int st_create(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	static const char *const plain[] = {"schema", "view"};
	size_t at = 1;

	if (is_table_word(w->t, &at))
		return rs_create_table(w, to, plan);
	at = rs_is(w->t, 1, "or") && rs_is(w->t, 2, "replace") ? 3 : 1;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		if (!rs_is(w->t, at, plain[i]))
			continue;
		for (size_t k = at; k < to; k++)
			if (rs_is(w->t, k, "authorization") || rs_is(w->t, k, "quota") ||
				(rs_is(w->t, k, "schema") && rs_is(w->t, k + 1, "binding")))
				return rs_refuse(w->err, "AUTHORIZATION, QUOTA or SCHEMA BINDING");
		return st_plain(w, to, plan);
	}
	return at < to ? rs_refuse(w->err, "this kind of CREATE") : rs_syntax(w->t, at, w->err);
}

static int st_drop(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	if (rs_is(w->t, 1, "table") || rs_is(w->t, 1, "view") || rs_is(w->t, 1, "schema"))
		return st_plain(w, to, plan);
	return to > 1 ? rs_refuse(w->err, "this kind of DROP") : rs_syntax(w->t, 1, w->err);
}

static int st_nothing(
	unused_arg struct rs_writer *w, unused_arg size_t to, unused_arg struct rs_plan *plan)
{
	return 0;
}

static int st_begin(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	plan->what = RS_BEGIN;
	return rs_is(w->t, 0, "start") && !rs_is(w->t, 1, "transaction")
		       ? rs_syntax(w->t, to > 1 ? 1 : to, w->err)
		       : 0;
}

static int st_commit(unused_arg struct rs_writer *w, unused_arg size_t to, struct rs_plan *plan)
{
	plan->what = RS_COMMIT;
	return 0;
}

static int st_rollback(unused_arg struct rs_writer *w, unused_arg size_t to, struct rs_plan *plan)
{
	plan->what = RS_ROLLBACK;
	return 0;
}

/* SET search_path {TO | =} a, b: the one setting that changes what a statement means. */
static int st_set(struct rs_writer *w, size_t to, struct rs_plan *plan)
{
	struct strbuf sql = STRBUF_INIT, list = STRBUF_INIT;

	if (!rs_is(w->t, 1, "search_path"))
		return rs_refuse(w->err, "SET of anything but search_path");
	if (!rs_is(w->t, 2, "to") && !rs_is(w->t, 2, "="))
		return rs_syntax(w->t, 2, w->err);
	for (size_t i = 3; i < to; i++)
		if (!rs_is(w->t, i, ",") && strcmp(w->t->v[i].text, "$user") != 0)
			strbuf_addf(&list, "%s%s", list.len ? "," : "", w->t->v[i].text);
	strbuf_addstr(&sql, "SET search_path = ");
	rs_literal(&sql, list.buf);
	strvec_push(&plan->sql, sql.buf);
	plan->what = RS_RUN;
	strbuf_release(&sql);
	strbuf_release(&list);
	return 0;
}

static int st_refused(struct rs_writer *w, unused_arg size_t to, unused_arg struct rs_plan *plan)
{
	char *word = xstrdup(w->t->v[0].text);

	for (char *p = word; *p; p++)
		*p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
	rs_refuse(w->err, word);
	free(word);
	return -1;
}

/* By the first word, sorted. */
static const struct {
	const char *word;
	int (*plan)(struct rs_writer *w, size_t to, struct rs_plan *plan);
} statements[] = {
	{"(", st_plain},
	{"abort", st_rollback},
	{"alter", rs_alter_table},
	{"analyse", st_nothing},
	{"analyze", st_nothing},
	{"begin", st_begin},
	{"call", st_refused},
	{"close", st_refused},
	{"comment", st_plain},
	{"commit", st_commit},
	{"copy", rs_copy},
	{"create", st_create},
	{"deallocate", st_refused},
	{"declare", st_refused},
	{"delete", st_delete},
	{"describe", st_refused},
	{"drop", st_drop},
	{"end", st_commit},
	{"execute", st_refused},
	{"explain", st_refused},
	{"fetch", st_refused},
	{"grant", st_refused},
	{"insert", st_plain},
	{"lock", st_refused},
	{"merge", st_plain},
	{"prepare", st_refused},
	{"refresh", st_refused},
	{"reset", st_refused},
	{"revoke", st_refused},
	{"rollback", st_rollback},
	{"select", st_select},
	{"set", st_set},
	{"show", st_refused},
	{"start", st_begin},
	{"truncate", st_plain},
	{"unload", rs_unload},
	{"update", st_plain},
	{"use", st_refused},
	{"vacuum", st_nothing},
	{"with", st_plain},
};

/* What lies behind the schema of our own is not for the user to see or to change. */
static int check_names(const struct rs_tokens *t, struct err *err)
{
	for (size_t i = 0; i < t->nr; i++)
		if ((t->v[i].kind == RS_WORD || t->v[i].kind == RS_QUOTED) &&
			starts_with(t->v[i].text, "glueproj_rs"))
			return err_set(err, ERR_INVALID, "ERROR: permission denied for schema %s",
				t->v[i].text);
	/* FROM 'file' would be a file's name */
	for (size_t i = 1; i < t->nr; i++)
		if (t->v[i].kind == RS_STRING && !rs_is(t, 0, "copy") &&
			(rs_is(t, i - 1, "join") || rs_is(t, i - 1, "into")))
			return rs_syntax(t, i, err);
	return 0;
}

static int plan_tokens(const struct rs_tokens *t, const struct json *parameters,
	struct rs_plan *out, struct err *err)
{
	struct rs_writer w = {t, parameters, NULL, err};
	size_t to = t->nr;

	while (to && rs_is(t, to - 1, ";"))
		to--;
	if (!to)
		return err_set(err, ERR_INVALID, "ERROR: syntax error at end of input");
	for (size_t i = 0; i < to; i++)
		if (rs_is(t, i, ";"))
			return err_set(err, ERR_INVALID,
				"ERROR: cannot insert multiple commands into a prepared statement");
	if (check_names(t, err))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
		if (rs_is(t, 0, statements[i].word))
			return statements[i].plan(&w, to, out);
	return rs_syntax(t, 0, err);
}

int rs_plan(const char *sql, const struct json *parameters, struct rs_plan *out, struct err *err)
{
	struct rs_tokens t = {0};
	int r = rs_tokenize(sql, &t, err);

	if (!r)
		r = plan_tokens(&t, parameters, out, err);
	rs_tokens_release(&t);
	return r;
}
