#include "local_sqlmap.h"
#include <ctype.h>

/* A cursor over the statement; `prev` is the token before, for the few rules that look back. */
struct scan {
	const char *sql;
	size_t at, from; /* the token is sql[from, at) */
	struct strbuf *out;
	struct err *err;
	int depth;
};

void sqlmap_place(const char *sql, size_t offset, int *line, int *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset && sql[i]; i++) {
		if (sql[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)sql[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

int sqlmap_syntax_error(const char *sql, size_t offset, const char *what, struct err *err)
{
	int line, column;

	sqlmap_place(sql, offset, &line, &column);
	return err_set(err, ERR_INVALID, "SYNTAX_ERROR: line %d:%d: %s", line, column, what);
}

static int mismatched(struct scan *s, const char *why)
{
	char *what = xasprintf("mismatched input '%.*s'%s%s", (int)(s->at - s->from),
		s->sql + s->from, *why ? ". " : "", why);
	int r = sqlmap_syntax_error(s->sql, s->from, what, s->err);

	free(what);
	return r;
}

static bool word_char(char ch)
{
	return isalnum((unsigned char)ch) || ch == '_' || (unsigned char)ch >= 0x80;
}

static int skip_quoted(struct scan *s, char quote)
{
	for (s->at++; s->sql[s->at]; s->at++) {
		if (s->sql[s->at] != quote)
			continue;
		if (s->sql[s->at + 1] != quote) {
			s->at++;
			return 0;
		}
		s->at++;
	}
	return sqlmap_syntax_error(s->sql, s->from, "unterminated quoted text", s->err);
}

/* Past blanks and comments. */
static int skip_blank(struct scan *s)
{
	const char *sql = s->sql;

	for (;;) {
		if (isspace((unsigned char)sql[s->at])) {
			s->at++;
		} else if (sql[s->at] == '-' && sql[s->at + 1] == '-') {
			while (sql[s->at] && sql[s->at] != '\n')
				s->at++;
		} else if (sql[s->at] == '/' && sql[s->at + 1] == '*') {
			const char *end = strstr(sql + s->at + 2, "*/");
			if (!end)
				return sqlmap_syntax_error(
					sql, s->at, "unterminated comment", s->err);
			s->at = (size_t)(end + 2 - sql);
		} else {
			return 0;
		}
	}
}

/* Trino's operators, longest first; DuckDB has many more. */
static const char *const operators[] = {"<>", "!=", "<=", ">=", "||", "->", "=>", "=", "<", ">",
	"+", "-", "*", "/", "%", "(", ")", "[", "]", ",", ".", "?", ";"};

static int take_operator(struct scan *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (!starts_with(s->sql + s->at, operators[i]))
			continue;
		s->at += strlen(operators[i]);
		/* 7//2, a**b, a==b would read as two operators: Trino's next token cannot start so */
		if (strchr("=*/%", operators[i][0]) && !operators[i][1] &&
			(s->sql[s->at] == operators[i][0])) {
			s->from = s->at++;
			return mismatched(s, "");
		}
		return 0;
	}
	s->at++;
	if (s->sql[s->from] == '`')
		return sqlmap_syntax_error(s->sql, s->from,
			"backquoted identifiers are not supported; use double quotes to quote "
			"identifiers",
			s->err);
	return mismatched(s, "");
}

static void take_number(struct scan *s)
{
	const char *sql = s->sql;

	while (isdigit((unsigned char)sql[s->at]))
		s->at++;
	if (sql[s->at] == '.')
		for (s->at++; isdigit((unsigned char)sql[s->at]);)
			s->at++;
	if ((sql[s->at] | 0x20) == 'e') {
		size_t e = s->at + 1;
		if (sql[e] == '+' || sql[e] == '-')
			e++;
		if (isdigit((unsigned char)sql[e]))
			for (s->at = e; isdigit((unsigned char)sql[s->at]);)
				s->at++;
	}
}

static bool token_is(const struct scan *s, const char *w)
{
	size_t len = strlen(w);

	return s->at - s->from == len && !strncasecmp(s->sql + s->from, w, len);
}

/* "varchar ( 10 )" at the token: keeps the length in the name, padded to the same bytes. */
static void mark_length(struct scan *s, const char *name)
{
	size_t at = s->at, digits, end;
	char mark[64];
	int n;

	while (isspace((unsigned char)s->sql[at]))
		at++;
	if (s->sql[at++] != '(')
		return;
	while (isspace((unsigned char)s->sql[at]))
		at++;
	digits = at;
	while (isdigit((unsigned char)s->sql[at]))
		at++;
	end = at;
	while (isspace((unsigned char)s->sql[at]))
		at++;
	if (digits == end || end - digits > 9 || s->sql[at] != ')')
		return;
	n = snprintf(mark, sizeof(mark), "%s_%.*s", name, (int)(end - digits), s->sql + digits);
	memset(s->out->buf + s->from, ' ', at + 1 - s->from);
	memcpy(s->out->buf + s->from, mark, (size_t)n);
	s->at = at + 1;
}

/* DECIMAL '1.5' takes its precision from the text in Trino: "decima_" keeps DuckDB from setting (18,3). */
static void mark_decimal(struct scan *s)
{
	size_t at = s->at;

	while (isspace((unsigned char)s->sql[at]))
		at++;
	if (s->sql[at] == '\'')
		memcpy(s->out->buf + s->from, "decima_", 7);
}

static int refuse(struct scan *s, const char *what)
{
	int line, column;

	sqlmap_place(s->sql, s->from, &line, &column);
	return err_set(s->err, ERR_INVALID, "NOT_SUPPORTED: line %d:%d: %s", line, column, what);
}

/* CAST (… AS array(…)): DuckDB's grammar spells them otherwise. */
static int after_as(struct scan *s)
{
	size_t at = s->at;

	while (isspace((unsigned char)s->sql[at]))
		at++;
	if (s->sql[at] == '(' && (token_is(s, "array") || token_is(s, "map") || token_is(s, "row")))
		return refuse(s, "CAST to array, map and row types");
	return 0;
}

static int take_word(struct scan *s, bool after_as_word)
{
	while (word_char(s->sql[s->at]) || s->sql[s->at] == '$')
		s->at++;
	if (after_as_word && after_as(s))
		return -1;
	if (s->at - s->from == 1 && s->sql[s->at] == '\'' && strchr("bBeEnN", s->sql[s->from]))
		return mismatched(s, "");
	if (token_is(s, "varchar"))
		mark_length(s, "varchar");
	else if (token_is(s, "char"))
		mark_length(s, "char");
	else if (token_is(s, "timestamp"))
		mark_length(s, "timestamp");
	else if (token_is(s, "decimal"))
		mark_decimal(s);
	else if (token_is(s, "qualify") || token_is(s, "pivot") || token_is(s, "asof"))
		return mismatched(s, "");
	return 0;
}

static int take_token(struct scan *s, bool after_as_word)
{
	char ch = s->sql[s->at];

	s->from = s->at;
	if (ch == '\'' || ch == '"')
		return skip_quoted(s, ch);
	if (isdigit((unsigned char)ch) ||
		(ch == '.' && isdigit((unsigned char)s->sql[s->at + 1]))) {
		take_number(s);
		return 0;
	}
	if (word_char(ch))
		return take_word(s, after_as_word);
	return take_operator(s);
}

/* A ';' that ends the statement is blanked; anything behind it is a second statement. */
static int end_statement(struct scan *s)
{
	s->out->buf[s->from] = ' ';
	if (skip_blank(s))
		return -1;
	if (!s->sql[s->at])
		return 0;
	return sqlmap_syntax_error(s->sql, s->from,
		"mismatched input ';'. Expecting: <EOF>: only one statement is allowed", s->err);
}

int sqlmap_prepare(const char *sql, struct strbuf *out, struct err *err)
{
	struct scan s = {.sql = sql, .out = out, .err = err};
	bool as = false;

	strbuf_clear(out);
	strbuf_addstr(out, sql);
	for (;;) {
		bool was_as = as;
		if (skip_blank(&s))
			return -1;
		if (!sql[s.at])
			return 0;
		if (take_token(&s, was_as))
			return -1;
		as = token_is(&s, "as");
		if (token_is(&s, ";") && end_statement(&s))
			return -1;
	}
}
