/* What DuckDB says, in Redshift's words: the first line, without the family's name, and the wording where programs look at it. */
#include "local_redshift_sql.h"

/* The text between two marks of a message; NULL when they are not there. Malloc'd. */
static char *between(const char *text, const char *before, const char *after)
{
	const char *from = strstr(text, before), *to;

	if (!from)
		return NULL;
	from += strlen(before);
	to = *after ? strstr(from, after) : from + strcspn(from, "\n");
	return to ? xstrndup(from, (size_t)(to - from)) : NULL;
}

static char *bare(char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len > 2 && name[0] == '"' && name[len - 1] == '"') {
		memmove(name, name + 1, len - 2);
		name[len - 2] = '\0';
	}
	return name;
}

/* The name as the statement has it, with its schema. */
static char *qualified(const char *name, const char *sql)
{
	struct rs_tokens t = {0};
	struct err ignored = ERR_INIT;
	char *found = NULL;

	if (!rs_tokenize(sql, &t, &ignored))
		for (size_t i = 2; i < t.nr && !found; i++)
			if (!strcmp(t.v[i].text, name) && rs_is(&t, i - 1, ".") &&
				(t.v[i - 2].kind == RS_WORD || t.v[i - 2].kind == RS_QUOTED))
				found = xasprintf("%s.%s", t.v[i - 2].text, name);
	rs_tokens_release(&t);
	err_release(&ignored);
	return found ? found : xstrdup(name);
}

/* Marks around what the message names, and Redshift's sentence about it. */
static const struct {
	const char *has, *before, *after, *format;
	bool qualify;
} sentences[] = {
	{"Table with name", "Table with name \"", "\" already exists",
		"ERROR: Relation \"%s\" already exists", false},
	{"Table with name", "Table with name ", " does not exist",
		"ERROR: relation \"%s\" does not exist", true},
	{"View with name", "View with name \"", "\" already exists",
		"ERROR: Relation \"%s\" already exists", false},
	{"View with name", "View with name ", " does not exist",
		"ERROR: relation \"%s\" does not exist", true},
	{"Schema with name", "Schema with name \"", "\" already exists",
		"ERROR: schema \"%s\" already exists", false},
	{"Schema with name", "Schema with name ", " does not exist",
		"ERROR: schema \"%s\" does not exist", false},
	{"already exists", "Schema \"", "\" already exists", "ERROR: schema \"%s\" already exists",
		false},
	{"Function with name", "Function with name ", " does not exist",
		"ERROR: function %s does not exist", false},
	{"Referenced column", "Referenced column \"", "\" not found",
		"ERROR: column \"%s\" does not exist", false},
	{"Referenced update column", "Referenced update column ", " not found",
		"ERROR: column \"%s\" does not exist", false},
	{"does not have a column", "does not have a column named \"", "\"",
		"ERROR: column \"%s\" does not exist", false},
	{"Referenced table", "Referenced table \"", "\" not found",
		"ERROR: missing FROM-clause entry for table \"%s\"", false},
	{"to INT", "Could not convert string '", "' to INT",
		"ERROR: invalid input syntax for integer: \"%s\"", false},
	{"Could not convert string", "Could not convert string '", "' to ",
		"ERROR: invalid input syntax: \"%s\"", false},
	{"invalid date field", "invalid date field format: \"", "\"",
		"ERROR: invalid input syntax for type date: \"%s\"", false},
	{"invalid timestamp field", "invalid timestamp field format: \"", "\"",
		"ERROR: invalid input syntax for type timestamp: \"%s\"", false},
	{"NOT NULL constraint failed", "NOT NULL constraint failed: ", "",
		"ERROR: Cannot insert a NULL value into column %s", false},
	{"must appear in the GROUP BY", "column ", " must appear in the GROUP BY",
		"ERROR: column %s must appear in the GROUP BY clause or be used in an aggregate "
		"function",
		false},
	{"syntax error at or near", "syntax error at or near \"", "\"",
		"ERROR: syntax error at or near \"%s\"", false},
	{"entries that depend on it", "Cannot drop entry \"", "\"",
		"ERROR: cannot drop schema %s because other objects depend on it", false},
};

static const struct {
	const char *has, *text;
} fixed[] = {
	{"CHECK constraint failed", "ERROR: Value too long for character type"},
	{"Division by zero", "ERROR: Division by zero"},
	{"INTERRUPT Error", "ERROR: Query cancelled on user's request"},
	{"syntax error at end of input", "ERROR: syntax error at end of input"},
	{"is out of range", "ERROR: Numeric data overflow (result precision)"},
	{"out of range for the destination", "ERROR: Numeric data overflow (result precision)"},
	{"Overflow in", "ERROR: Numeric data overflow (result precision)"},
	{"Out of Memory Error", "ERROR: out of memory"},
};

static char *plain(const char *duck)
{
	const char *colon = strstr(duck, "Error: ");
	const char *text = colon && colon - duck < 40 ? colon + strlen("Error: ") : duck;

	return xasprintf("ERROR: %.*s", (int)strcspn(text, "\n"), text);
}

char *rs_error(const char *duck, const char *sql)
{
	if (starts_with(duck, "ERROR: "))
		return xstrdup(duck);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (strstr(duck, fixed[i].has))
			return xstrdup(fixed[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
		char *name, *whole, *out;
		if (!strstr(duck, sentences[i].has))
			continue;
		name = bare(between(duck, sentences[i].before, sentences[i].after));
		if (!name)
			continue;
		whole = sentences[i].qualify ? qualified(name, sql) : xstrdup(name);
		out = xasprintf(sentences[i].format, whole);
		free(whole);
		free(name);
		return out;
	}
	return plain(duck);
}
