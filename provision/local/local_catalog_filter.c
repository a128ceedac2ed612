/*
 * The Expression of GetPartitions: SQL's WHERE over partition keys with = < > <= >= <> !=, LIKE, IN, BETWEEN,
 * IS NULL, AND, OR, NOT and parentheses ("GetPartitions", AWS Glue Web API Reference). Keys of number types
 * compare as numbers, timestamps whatever the length of their fraction, all others as text; a literal must be one of its key's type.
 */
#include "local_catalog_store.h"
#include <ctype.h>

enum op {
	OP_AND,
	OP_OR,
	OP_NOT,
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_GT,
	OP_LE,
	OP_GE,
	OP_LIKE,
	OP_IN,
	OP_BETWEEN,
	OP_NULL
};

struct node {
	enum op op;
	struct node *a, *b;
	size_t key; /* index into the values */
	const struct kind *kind;
	struct strvec texts;
};

/* --- the types of keys --- */

static bool is_integer(const char *s)
{
	s += *s == '-' || *s == '+';
	return *s && !s[strspn(s, "0123456789")];
}

static bool is_decimal(const char *s)
{
	char *end;

	if (!*s || s[strspn(s, "0123456789+-.eE")])
		return false;
	strtod(s, &end);
	return !*end;
}

/* The length of YYYY-MM-DD at the beginning; 0 when that is no day. */
static size_t date_length(const char *s)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year, month, day, used = 0;

	for (int i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : !isdigit((unsigned char)s[i]))
			return 0;
	if (sscanf(s, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || month < 1 ||
		month > 12 || day < 1 || day > days[month - 1])
		return 0;
	if (month == 2 && day == 29 && (year % 4 || (year % 100 == 0 && year % 400)))
		return 0;
	return (size_t)used;
}

static bool is_date(const char *s)
{
	return date_length(s) == 10 && !s[10];
}

/* YYYY-MM-DD HH:MM:SS with up to nine digits of a fraction. */
static bool is_timestamp(const char *s)
{
	int hour, minute, second, used = 0;
	size_t fraction;

	if (date_length(s) != 10 ||
		sscanf(s + 10, " %2d:%2d:%2d%n", &hour, &minute, &second, &used) != 3 ||
		used != 9 || hour > 23 || minute > 59 || second > 59)
		return false;
	s += 19;
	if (!*s)
		return true;
	fraction = strspn(s + 1, "0123456789");
	return *s == '.' && fraction >= 1 && fraction <= 9 && !s[1 + fraction];
}

static int compare_numbers(const char *value, const char *other)
{
	double a = strtod(value, NULL), b = strtod(other, NULL);

	return a < b ? -1 : a > b;
}

/* As text, but .5 and .500 are the same moment, and so are none and .0. */
static int compare_timestamps(const char *value, const char *other)
{
	for (;; value += *value != '\0', other += *other != '\0') {
		char a = *value, b = *other;

		if (!a && !b)
			return 0;
		if ((!a || !b) && (a == '.' || b == '.'))
			continue;
		a = a ? a : '0';
		b = b ? b : '0';
		if (a != b)
			return a < b ? -1 : 1;
	}
}

static const struct kind {
	const char *types[8], *title, *name; /* as the errors say it */
	bool (*is)(const char *literal);     /* NULL: anything is */
	int (*compare)(const char *value, const char *other);
} kinds[] = {
	{{"bigint", "int", "long", "smallint", "tinyint"}, "Integral", "an integer", is_integer,
		compare_numbers},
	{{"decimal", "double", "float"}, "Decimal", "a decimal", is_decimal, compare_numbers},
	{{"date"}, "Date", "a date", is_date, strcmp},
	{{"timestamp"}, "Timestamp", "a timestamp", is_timestamp, compare_timestamps},
	{{NULL}, "String", "a string", NULL, strcmp},
};

/* "decimal(10,2)" is a decimal; what the table does not name is text. */
static const struct kind *kind_of(const char *type)
{
	size_t len = type ? strcspn(type, "(") : 0;
	const struct kind *k = kinds;

	for (; k->is; k++)
		for (size_t i = 0; i < ARRAY_SIZE(k->types) && k->types[i]; i++)
			if (strlen(k->types[i]) == len && !strncasecmp(k->types[i], type, len))
				return k;
	return k;
}

struct catalog_filter {
	struct node *root;
};

#define MAX_DEPTH 100

struct parser {
	const char *at, *text;
	const struct json *keys;
	struct err *err;
	int depth;
};

static void node_free(struct node *n)
{
	if (!n)
		return;
	node_free(n->a);
	node_free(n->b);
	strvec_release(&n->texts);
	free(n);
}

static struct node *node_new(enum op op, struct node *a, struct node *b)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->op = op;
	n->a = a;
	n->b = b;
	strvec_init(&n->texts);
	return n;
}

static struct node *fail(struct parser *p, struct node *n)
{
	node_free(n);
	if (p->err && !p->err->code)
		err_set(p->err, ERR_INVALID, "Unsupported expression '%s' near '%.20s'", p->text,
			p->at);
	return NULL;
}

static void blanks(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool symbol(struct parser *p, const char *s)
{
	blanks(p);
	if (!starts_with(p->at, s))
		return false;
	p->at += strlen(s);
	return true;
}

static bool word(struct parser *p, const char *w)
{
	size_t len = strlen(w);

	blanks(p);
	if (strncasecmp(p->at, w, len) || isalnum((unsigned char)p->at[len]) || p->at[len] == '_')
		return false;
	p->at += len;
	return true;
}

static bool quoted(struct parser *p, char quote, struct strbuf *out)
{
	for (p->at++; *p->at; p->at++) {
		if (*p->at == quote && p->at[1] != quote) {
			p->at++;
			return true;
		}
		if (*p->at == quote || (*p->at == '\\' && p->at[1] == quote))
			p->at++;
		strbuf_addch(out, *p->at);
	}
	return false;
}

static bool literal(struct parser *p, struct node *n)
{
	struct strbuf sb = STRBUF_INIT;
	const char *from;

	blanks(p);
	if (word(p, "date") || word(p, "timestamp"))
		blanks(p);
	if (*p->at == '\'' || *p->at == '"') {
		if (!quoted(p, *p->at, &sb)) {
			strbuf_release(&sb);
			return false;
		}
	} else {
		from = p->at;
		while (isalnum((unsigned char)*p->at) || (*p->at && strchr("+-._", *p->at)))
			p->at++;
		strbuf_add(&sb, from, (size_t)(p->at - from));
		if (!sb.len) {
			strbuf_release(&sb);
			return false;
		}
	}
	strvec_push_take(&n->texts, strbuf_detach(&sb, NULL));
	return true;
}

static bool key_name(struct parser *p, struct node *n)
{
	struct strbuf name = STRBUF_INIT;
	struct json *k;
	bool found = false;
	size_t i = 0;

	blanks(p);
	if (*p->at == '"' || *p->at == '`') {
		if (!quoted(p, *p->at, &name))
			goto out;
	} else {
		while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '-')
			strbuf_addch(&name, *p->at++);
	}
	json_each(k, p->keys)
	{
		if (!found && name.len && iequals(json_get_str(k, "Name"), name.buf)) {
			found = true;
			n->key = i;
			n->kind = kind_of(json_get_str(k, "Type"));
		}
		i++;
	}
	if (!found)
		err_set(p->err, ERR_INVALID, "'%s' is not a partition key", name.buf);
out:
	strbuf_release(&name);
	return found;
}

static bool in_values(struct parser *p, struct node *n)
{
	if (!symbol(p, "("))
		return false;
	do {
		if (!literal(p, n))
			return false;
	} while (symbol(p, ","));
	return symbol(p, ")");
}

static bool comparison(struct parser *p, struct node *n)
{
	static const struct {
		const char *text;
		enum op op;
	} symbols[] = {{"<=", OP_LE}, {">=", OP_GE}, {"<>", OP_NE}, {"!=", OP_NE}, {"=", OP_EQ},
		{"<", OP_LT}, {">", OP_GT}};

	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
		if (symbol(p, symbols[i].text)) {
			n->op = symbols[i].op;
			return literal(p, n);
		}
	if (word(p, "like")) {
		n->op = OP_LIKE;
		return literal(p, n);
	}
	if (word(p, "in")) {
		n->op = OP_IN;
		return in_values(p, n);
	}
	n->op = OP_BETWEEN;
	return word(p, "between") && literal(p, n) && word(p, "and") && literal(p, n);
}

static bool check_literals(struct parser *p, const struct node *n)
{
	if (n->kind->is && n->op == OP_LIKE) {
		err_set(p->err, ERR_INVALID, "%s data type doesn't support operation 'LIKE'",
			n->kind->title);
		return false;
	}
	for (size_t i = 0; n->kind->is && i < n->texts.nr; i++)
		if (!n->kind->is(n->texts.v[i])) {
			err_set(p->err, ERR_INVALID, "'%s' is not %s", n->texts.v[i],
				n->kind->name);
			return false;
		}
	return true;
}

static struct node *either(struct parser *p);

static struct node *term(struct parser *p)
{
	struct node *n;
	bool negated;

	if (word(p, "not"))
		return (n = term(p)) ? node_new(OP_NOT, n, NULL) : NULL;
	if (symbol(p, "(")) {
		n = either(p);
		return n && !symbol(p, ")") ? fail(p, n) : n;
	}
	n = node_new(OP_EQ, NULL, NULL);
	if (!key_name(p, n))
		return fail(p, n);
	if (word(p, "is")) {
		negated = word(p, "not");
		if (!word(p, "null"))
			return fail(p, n);
		n->op = OP_NULL;
		return negated ? node_new(OP_NOT, n, NULL) : n;
	}
	negated = word(p, "not");
	if (!comparison(p, n) || !check_literals(p, n))
		return fail(p, n);
	return negated ? node_new(OP_NOT, n, NULL) : n;
}

static struct node *both(struct parser *p)
{
	struct node *a = term(p), *b;

	while (a && word(p, "and")) {
		b = term(p);
		if (!b)
			return fail(p, a);
		a = node_new(OP_AND, a, b);
	}
	return a;
}

static struct node *either(struct parser *p)
{
	struct node *a, *b;

	if (++p->depth > MAX_DEPTH)
		return fail(p, NULL);
	a = both(p);
	while (a && word(p, "or")) {
		b = both(p);
		if (!b)
			return fail(p, a);
		a = node_new(OP_OR, a, b);
	}
	p->depth--;
	return a;
}

struct catalog_filter *catalog_filter_new(
	const char *expression, const struct json *keys, struct err *err)
{
	struct parser p = {expression, expression, keys, err, 0};
	struct catalog_filter *f;
	struct node *root;

	if (strlen(expression) > 2048) {
		err_set(err, ERR_INVALID, "the expression is longer than 2048 characters");
		return NULL;
	}
	root = either(&p);
	blanks(&p);
	if (root && *p.at)
		root = fail(&p, root);
	if (!root)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	f->root = root;
	return f;
}

static bool like(const char *pattern, const char *s)
{
	for (; *pattern; pattern++) {
		if (*pattern == '%') {
			while (*pattern == '%')
				pattern++;
			if (!*pattern)
				return true;
			for (; *s; s++)
				if (like(pattern, s))
					return true;
			return false;
		}
		if (!*s || (*pattern != '_' && *pattern != *s))
			return false;
		s++;
	}
	return !*s;
}

static int compare(const struct node *n, const char *value, size_t i)
{
	return n->kind->compare(value, n->texts.v[i]);
}

static bool leaf(const struct node *n, const char *value)
{
	int c;

	if (n->op == OP_NULL)
		return !value || !strcmp(value, "__HIVE_DEFAULT_PARTITION__");
	if (!value)
		return false;
	if (n->op == OP_IN) {
		for (size_t i = 0; i < n->texts.nr; i++)
			if (!compare(n, value, i))
				return true;
		return false;
	}
	if (n->op == OP_LIKE)
		return like(n->texts.v[0], value);
	c = compare(n, value, 0);
	switch (n->op) {
	case OP_EQ:
		return c == 0;
	case OP_NE:
		return c != 0;
	case OP_LT:
		return c < 0;
	case OP_GT:
		return c > 0;
	case OP_LE:
		return c <= 0;
	case OP_GE:
		return c >= 0;
	default: /* OP_BETWEEN */
		return c >= 0 && compare(n, value, 1) <= 0;
	}
}

static bool holds(const struct node *n, const struct json *values)
{
	if (n->op == OP_AND)
		return holds(n->a, values) && holds(n->b, values);
	if (n->op == OP_OR)
		return holds(n->a, values) || holds(n->b, values);
	if (n->op == OP_NOT)
		return !holds(n->a, values);
	return leaf(n, json_str(json_at(values, n->key)));
}

bool catalog_filter_matches(const struct catalog_filter *f, const struct json *values)
{
	return holds(f->root, values);
}

void catalog_filter_free(struct catalog_filter *f)
{
	if (!f)
		return;
	node_free(f->root);
	free(f);
}
