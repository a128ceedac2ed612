/* Redshift's SQL in tokens. Comments and blanks go; what the two dialects read differently is refused here. */
#include "local_redshift_sql.h"

#include <ctype.h>

struct scan {
	const char *sql;
	size_t at;
	struct rs_tokens *out;
	struct err *err;
};

void rs_tokens_release(struct rs_tokens *t)
{
	for (size_t i = 0; i < t->nr; i++)
		free(t->v[i].text);
	free(t->v);
	*t = (struct rs_tokens){0};
}

static void add(struct scan *s, enum rs_kind kind, size_t from, char *text)
{
	struct rs_tokens *t = s->out;

	if (t->nr == t->alloc) {
		t->alloc = t->alloc ? t->alloc * 2 : 32;
		t->v = xrealloc(t->v, t->alloc * sizeof(*t->v));
	}
	t->v[t->nr++] = (struct rs_token){kind, text, from, s->at - from};
}

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Comments nest, as in PostgreSQL. */
static int skip_comment(struct scan *s)
{
	int depth = 0;

	do {
		if (s->sql[s->at] == '/' && s->sql[s->at + 1] == '*') {
			depth++;
			s->at += 2;
		} else if (s->sql[s->at] == '*' && s->sql[s->at + 1] == '/') {
			depth--;
			s->at += 2;
		} else if (s->sql[s->at]) {
			s->at++;
		} else {
			return err_set(s->err, ERR_INVALID, "ERROR: unterminated /* comment");
		}
	} while (depth);
	return 0;
}

static int skip_blank(struct scan *s)
{
	for (;;) {
		if (isspace((unsigned char)s->sql[s->at])) {
			s->at++;
		} else if (s->sql[s->at] == '-' && s->sql[s->at + 1] == '-') {
			while (s->sql[s->at] && s->sql[s->at] != '\n')
				s->at++;
		} else if (s->sql[s->at] == '/' && s->sql[s->at + 1] == '*') {
			if (skip_comment(s))
				return -1;
		} else {
			return 0;
		}
	}
}

static char escaped(char c)
{
	static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *at = strchr(letters, c);

	return c && at ? values[at - letters] : c;
}

/* A backslash escapes, and a quote is doubled. */
static int take_string(struct scan *s)
{
	struct strbuf text = STRBUF_INIT;
	size_t from = s->at++;

	for (;; s->at++) {
		char c = s->sql[s->at];
		if (!c) {
			strbuf_release(&text);
			return err_set(s->err, ERR_INVALID,
				"ERROR: unterminated quoted string at or near \"%.40s\"",
				s->sql + from);
		}
		if (c == '\'') {
			if (s->sql[s->at + 1] != '\'')
				break;
			s->at++;
		} else if (c == '\\' && s->sql[s->at + 1]) {
			c = escaped(s->sql[++s->at]);
		}
		strbuf_addch(&text, c);
	}
	s->at++;
	add(s, RS_STRING, from, strbuf_detach(&text, NULL));
	return 0;
}

/* Names are the same in any case, quoted ones too. */
static int take_quoted(struct scan *s)
{
	struct strbuf text = STRBUF_INIT;
	size_t from = s->at++;
	char *name;

	for (; s->sql[s->at] != '"' || s->sql[s->at + 1] == '"'; s->at++) {
		if (!s->sql[s->at]) {
			strbuf_release(&text);
			return err_set(s->err, ERR_INVALID,
				"ERROR: unterminated quoted identifier at or near \"%.40s\"",
				s->sql + from);
		}
		if (s->sql[s->at] == '"')
			s->at++;
		strbuf_addch(&text, s->sql[s->at]);
	}
	s->at++;
	if (!text.len) {
		strbuf_release(&text);
		return err_set(s->err, ERR_INVALID, "ERROR: zero-length delimited identifier");
	}
	name = strbuf_detach(&text, NULL);
	lower_ascii(name);
	add(s, RS_QUOTED, from, name);
	return 0;
}

static void take_word(struct scan *s)
{
	size_t from = s->at;
	char *text;

	while (word_char(s->sql[s->at]))
		s->at++;
	text = xstrndup(s->sql + from, s->at - from);
	lower_ascii(text);
	add(s, RS_WORD, from, text);
}

static void take_number(struct scan *s)
{
	const char *sql = s->sql;
	size_t from = s->at;

	while (isdigit((unsigned char)sql[s->at]))
		s->at++;
	if (sql[s->at] == '.') {
		s->at++;
		while (isdigit((unsigned char)sql[s->at]))
			s->at++;
	}
	if (sql[s->at] == 'e' || sql[s->at] == 'E') {
		size_t sign = sql[s->at + 1] == '+' || sql[s->at + 1] == '-';
		if (isdigit((unsigned char)sql[s->at + 1 + sign])) {
			s->at += 1 + sign;
			while (isdigit((unsigned char)sql[s->at]))
				s->at++;
		}
	}
	add(s, RS_NUMBER, from, xstrndup(sql + from, s->at - from));
}

/* ":name", but not the second half of "::". */
static void take_parameter(struct scan *s)
{
	size_t from = s->at++;

	while (word_char(s->sql[s->at]))
		s->at++;
	add(s, RS_PARAM, from, xstrndup(s->sql + from + 1, s->at - from - 1));
}

/* Longest first. What else PostgreSQL has ("~", "#", "@") DuckDB reads differently. */
static const char *const operators[] = {"::", "<>", "!=", "<=", ">=", "||", "<<", ">>", "=", "<",
	">", "+", "-", "*", "/", "%", "^", "&", "|", "(", ")", ",", ".", ";"};

static int take_operator(struct scan *s)
{
	size_t from = s->at;
	char c = s->sql[from];

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		if (starts_with(s->sql + from, operators[i])) {
			s->at += strlen(operators[i]);
			/* "//", "**", "==": operators of DuckDB's own */
			if (strchr("=*/", c) && s->sql[s->at] == c)
				break;
			add(s, RS_OP, from, xstrdup(operators[i]));
			return 0;
		}
	if (c == '~' || c == '!' || c == '@' || c == '#')
		return err_set(s->err, ERR_INVALID,
			"ERROR: operator %c is not supported by the local warehouse", c);
	return err_set(s->err, ERR_INVALID,
		"ERROR: syntax error at or near \"%c\"\n  Position: %zu",
		isprint((unsigned char)c) ? c : '?', from + 1);
}

static int take(struct scan *s)
{
	char c = s->sql[s->at], next = s->sql[s->at + 1];

	if (c == '\'')
		return take_string(s);
	if (c == '"')
		return take_quoted(s);
	if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)next)))
		take_number(s);
	else if (c == '$')
		return rs_refuse(s->err, "dollar-quoted text");
	else if (word_char(c))
		take_word(s);
	else if (c == ':' && (isalnum((unsigned char)next) || next == '_'))
		take_parameter(s);
	else
		return take_operator(s);
	return 0;
}

int rs_tokenize(const char *sql, struct rs_tokens *out, struct err *err)
{
	struct scan s = {.sql = sql, .out = out, .err = err};

	for (;;) {
		if (skip_blank(&s))
			return -1;
		if (!sql[s.at])
			return 0;
		if (take(&s))
			return -1;
	}
}

bool rs_is(const struct rs_tokens *t, size_t i, const char *word)
{
	return i < t->nr && (t->v[i].kind == RS_WORD || t->v[i].kind == RS_OP) &&
	       !strcmp(t->v[i].text, word);
}

size_t rs_past_bracket(const struct rs_tokens *t, size_t i, size_t nr)
{
	int depth = 0;

	for (; i < nr; i++) {
		depth += rs_is(t, i, "(");
		depth -= rs_is(t, i, ")");
		if (!depth)
			return i + 1;
	}
	return nr;
}

int rs_syntax(const struct rs_tokens *t, size_t i, struct err *err)
{
	if (i >= t->nr)
		return err_set(err, ERR_INVALID, "ERROR: syntax error at end of input");
	return err_set(err, ERR_INVALID, "ERROR: syntax error at or near \"%s\"\n  Position: %zu",
		t->v[i].text, t->v[i].at + 1);
}

int rs_refuse(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "ERROR: %s is not supported by the local warehouse", what);
}
