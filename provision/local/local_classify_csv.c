#include "local_classify.h"
#include "strbuf.h"
#include "strvec.h"
#include <csv.h>
#include <ctype.h>

/*
 * Glue's CSV classifier: a delimiter that gives each row the same number of columns (two or more), a header when
 * the first row is all text and some column below it is not, types bigint, double and string. A custom classifier says
 * delimiter, quote, header, names and types, or leaves some of it to the same rules.
 */
#define MAX_ROWS 1000
#define MAX_COLUMNS 4096
#define MAX_HEADER_NAME 150

enum column_kind { KIND_NONE, KIND_BIGINT, KIND_DOUBLE, KIND_STRING };

struct table {
	struct strvec first;     /* the first row's fields */
	enum column_kind *kinds; /* of the rows below it */
	enum column_kind *first_kinds;
	size_t nr_kinds;
	size_t rows, column,
		even; /* rows seen; column of the current one; rows as long as the first */
	bool any;     /* the current row has a field that is not empty */
	bool full;
	bool keep_blanks;
};

static bool is_integer(const char *s, size_t len)
{
	size_t i = len && (*s == '-' || *s == '+');

	if (i == len || len - i > 18)
		return false;
	for (; i < len; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return true;
}

static bool is_number(const char *s, size_t len)
{
	char buf[64], *end;

	if (!len || len >= sizeof(buf))
		return false;
	memcpy(buf, s, len);
	buf[len] = '\0';
	if (strspn(buf, "+-.0123456789eE") != len || !strpbrk(buf, "0123456789"))
		return false;
	strtod(buf, &end);
	return !*end;
}

static enum column_kind kind_of(const char *s, size_t len, bool keep_blanks)
{
	while (!keep_blanks && len && *s == ' ') {
		s++;
		len--;
	}
	while (!keep_blanks && len && s[len - 1] == ' ')
		len--;
	if (!len)
		return KIND_NONE;
	return is_integer(s, len) ? KIND_BIGINT : is_number(s, len) ? KIND_DOUBLE : KIND_STRING;
}

static void on_field(void *text, size_t len, void *payload)
{
	struct table *t = payload;
	enum column_kind kind = text ? kind_of(text, len, t->keep_blanks) : KIND_NONE;
	size_t at = t->column++;

	t->any = t->any || len;
	if (t->full || at >= MAX_COLUMNS)
		return;
	if (!t->rows) {
		strvec_push_take(&t->first, xstrndup(text ? text : "", len));
		t->first_kinds = xreallocarray(t->first_kinds, at + 1, sizeof(*t->first_kinds));
		t->kinds = xreallocarray(t->kinds, at + 1, sizeof(*t->kinds));
		t->first_kinds[at] = kind;
		t->kinds[at] = KIND_NONE;
		t->nr_kinds = at + 1;
	} else if (at < t->nr_kinds && kind > t->kinds[at]) {
		t->kinds[at] = kind;
	}
}

static void on_row(int end unused_arg, void *payload)
{
	struct table *t = payload;

	if (!t->full && (t->any || t->column > 1)) {
		t->rows++;
		t->even += t->column == t->nr_kinds;
	}
	t->full = t->full || t->rows >= MAX_ROWS;
	t->column = 0;
	t->any = false;
}

static void table_release(struct table *t)
{
	strvec_release(&t->first);
	free(t->kinds);
	free(t->first_kinds);
}

static bool fits(const struct table *t, const struct classifier *how)
{
	size_t columns = how && how->single ? 1 : 2;
	size_t rows = how && how->header != HEADER_UNKNOWN ? 1 : 2;

	return t->rows >= rows && t->nr_kinds >= columns && t->nr_kinds < MAX_COLUMNS &&
	       t->even * 10 >= t->rows * 9;
}

static int no_space(unsigned char c unused_arg)
{
	return 0;
}

static bool read_table(const char *data, size_t len, bool whole, char delimiter,
	const struct classifier *how, struct table *t)
{
	struct csv_parser p;
	size_t parsed = 0;

	*t = (struct table){.first = STRVEC_INIT, .keep_blanks = how && how->keep_blanks};
	if (csv_init(&p, CSV_APPEND_NULL))
		return false;
	csv_set_delim(&p, (unsigned char)delimiter);
	if (how && how->quote)
		csv_set_quote(&p, (unsigned char)how->quote);
	if (t->keep_blanks)
		csv_set_space_func(&p, no_space);
	while (parsed < len && !t->full) {
		size_t step = len - parsed < 65536 ? len - parsed : 65536;
		if (csv_parse(&p, data + parsed, step, on_field, on_row, t) != step)
			break;
		parsed += step;
	}
	if (whole && !t->full)
		csv_fini(&p, on_field, on_row, t);
	csv_free(&p);
	return fits(t, how);
}

/* All text, named, short; and something below it is no text. */
static bool has_header(const struct table *t)
{
	bool differs = false;

	for (size_t i = 0; i < t->nr_kinds; i++) {
		bool last = i + 1 == t->nr_kinds;
		if (t->first_kinds[i] != KIND_STRING && !(last && t->first_kinds[i] == KIND_NONE))
			return false;
		if (strlen(t->first.v[i]) >= MAX_HEADER_NAME)
			return false;
		differs = differs || t->kinds[i] == KIND_BIGINT || t->kinds[i] == KIND_DOUBLE;
	}
	return differs;
}

/* Is the first row what the classifier calls the columns? */
static bool is_named_row(const struct table *t, const struct json *names)
{
	struct json *n;
	size_t i = 0;

	json_each(n, names)
	{
		if (i >= t->nr_kinds || !json_str(n) || !iequals(json_str(n), t->first.v[i++]))
			return false;
	}
	return i && i == t->nr_kinds;
}

static bool decide_header(const struct table *t, const struct classifier *how)
{
	if (!how || how->header == HEADER_UNKNOWN)
		return has_header(t) || (how && is_named_row(t, how->names));
	return how->header == HEADER_PRESENT;
}

static char *column_name(const struct table *t, const struct json *names, bool header, size_t i,
	const struct strvec *taken)
{
	const char *given = names ? json_str(json_at(names, i)) : header ? t->first.v[i] : NULL;
	char *name = given && *given ? xstrdup(given) : xasprintf("col%zu", i);

	lower_ascii(name);
	while (strvec_has(taken, name)) {
		char *longer = xasprintf("%s_%zu", name, i);
		free(name);
		name = longer;
	}
	return name;
}

static const char *column_type(
	const struct table *t, const struct json *types, bool header, size_t i)
{
	static const char *const names[] = {"void", "bigint", "double", "string"};
	static const struct {
		const char *given, *hive;
	} other[] = {{"LONG", "bigint"}, {"SHORT", "smallint"}, {"BINARY", "binary"},
		{"BOOLEAN", "boolean"}, {"DATE", "date"}, {"DECIMAL", "decimal"},
		{"DOUBLE", "double"}, {"FLOAT", "float"}, {"INT", "int"}, {"STRING", "string"},
		{"TIMESTAMP", "timestamp"}};
	const char *given = types ? json_str(json_at(types, i)) : NULL;
	enum column_kind kind = t->kinds[i];

	for (size_t k = 0; given && k < ARRAY_SIZE(other); k++)
		if (iequals(given, other[k].given))
			return other[k].hive;
	return names[!header && t->first_kinds[i] > kind ? t->first_kinds[i] : kind];
}

static void fill_columns(
	const struct table *t, const struct classifier *how, struct classified *out)
{
	struct strvec taken = STRVEC_INIT;

	out->columns = json_array();
	for (size_t i = 0; i < t->nr_kinds; i++) {
		struct json *column = json_object();
		char *name = column_name(t, how ? how->names : NULL, out->header, i, &taken);
		json_set_str(column, "Name", name);
		json_set_str(
			column, "Type", column_type(t, how ? how->types : NULL, out->header, i));
		json_push(out->columns, column);
		strvec_push_take(&taken, name);
	}
	strvec_release(&taken);
}

static size_t count_lines(const char *data, size_t len)
{
	size_t lines = 0;
	const char *at = data, *end = data + len;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		lines++;
		at++;
	}
	return lines + (len && data[len - 1] != '\n');
}

/* The delimiter that makes the most columns; '\0': none. */
static char find_delimiter(
	const char *data, size_t len, bool whole, const struct classifier *how, struct table *best)
{
	static const char usual[] = {',', '|', '\t', ';', '\1'};
	char given[1] = {how ? how->delimiter : '\0'}, found = '\0';
	const char *delimiters = *given ? given : usual;
	size_t nr = *given ? 1 : sizeof(usual);

	for (size_t i = 0; i < nr; i++) {
		struct table t;
		if (read_table(data, len, whole, delimiters[i], how, &t) &&
			t.nr_kinds > best->nr_kinds) {
			table_release(best);
			*best = t;
			found = delimiters[i];
		} else {
			table_release(&t);
		}
	}
	return found;
}

bool classify_csv(const char *data, size_t len, bool whole, const struct classifier *how,
	struct classified *out)
{
	struct table t = {.first = STRVEC_INIT};
	char delimiter = memchr(data, '\0', len) ? '\0' : find_delimiter(data, len, whole, how, &t);
	bool known =
		delimiter && (!how || ((!how->names || json_len(how->names) == t.nr_kinds) &&
					      (!how->types || json_len(how->types) == t.nr_kinds)));

	if (known) {
		out->classification = "csv";
		out->delimiter = delimiter;
		out->quote = how ? how->quote : '\0';
		out->open_csv = how && how->open_csv;
		out->header = decide_header(&t, how);
		out->quoted = memchr(data, out->quote ? out->quote : '"', len) != NULL;
		out->records = (int64_t)count_lines(data, len);
		out->record_size = (int64_t)len / (out->records ? out->records : 1);
		fill_columns(&t, how, out);
	}
	table_release(&t);
	return known;
}
