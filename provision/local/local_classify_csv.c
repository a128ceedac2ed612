#include "local_classify.h"
#include "strbuf.h"
#include "strvec.h"
#include <csv.h>
#include <ctype.h>

/*
 * Glue's CSV classifier: a delimiter that gives each row the same number of columns (two or more), a header when
 * the first row is all text and some column below it is not, types bigint, double and string.
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

static enum column_kind kind_of(const char *s, size_t len)
{
	while (len && *s == ' ') {
		s++;
		len--;
	}
	while (len && s[len - 1] == ' ')
		len--;
	if (!len)
		return KIND_NONE;
	return is_integer(s, len) ? KIND_BIGINT : is_number(s, len) ? KIND_DOUBLE : KIND_STRING;
}

static void on_field(void *text, size_t len, void *payload)
{
	struct table *t = payload;
	enum column_kind kind = text ? kind_of(text, len) : KIND_NONE;
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

static bool read_table(const char *data, size_t len, bool whole, char delimiter, struct table *t)
{
	struct csv_parser p;
	size_t parsed = 0;

	*t = (struct table){.first = STRVEC_INIT};
	if (csv_init(&p, CSV_APPEND_NULL))
		return false;
	csv_set_delim(&p, (unsigned char)delimiter);
	while (parsed < len && !t->full) {
		size_t step = len - parsed < 65536 ? len - parsed : 65536;
		if (csv_parse(&p, data + parsed, step, on_field, on_row, t) != step)
			break;
		parsed += step;
	}
	if (whole && !t->full)
		csv_fini(&p, on_field, on_row, t);
	csv_free(&p);
	return t->rows >= 2 && t->nr_kinds >= 2 && t->nr_kinds < MAX_COLUMNS &&
	       t->even * 10 >= t->rows * 9;
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

static char *column_name(const struct table *t, bool header, size_t i, const struct strvec *taken)
{
	char *name = header && *t->first.v[i] ? xstrdup(t->first.v[i]) : xasprintf("col%zu", i);

	if (!i && starts_with(name, "\xef\xbb\xbf"))
		memmove(name, name + 3, strlen(name) - 2);
	lower_ascii(name);
	while (strvec_has(taken, name)) {
		char *longer = xasprintf("%s_%zu", name, i);
		free(name);
		name = longer;
	}
	return name;
}

static void fill_columns(const struct table *t, struct classified *out)
{
	static const char *const names[] = {"string", "bigint", "double", "string"};
	struct strvec taken = STRVEC_INIT;

	out->columns = json_array();
	for (size_t i = 0; i < t->nr_kinds; i++) {
		struct json *column = json_object();
		enum column_kind kind = t->kinds[i];
		char *name = column_name(t, out->header, i, &taken);
		if (!out->header && t->first_kinds[i] > kind)
			kind = t->first_kinds[i];
		json_set_str(column, "Name", name);
		json_set_str(column, "Type", names[kind]);
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

bool classify_csv(const char *data, size_t len, bool whole, struct classified *out)
{
	static const char delimiters[] = {',', '|', '\t', ';', '\1'};
	struct table best = {.first = STRVEC_INIT}, t;
	char delimiter = '\0';

	if (memchr(data, '\0', len))
		return false;
	for (size_t i = 0; i < sizeof(delimiters); i++) {
		if (read_table(data, len, whole, delimiters[i], &t) && t.nr_kinds > best.nr_kinds) {
			table_release(&best);
			best = t;
			delimiter = delimiters[i];
		} else {
			table_release(&t);
		}
	}
	if (delimiter) {
		out->classification = "csv";
		out->delimiter = delimiter;
		out->header = has_header(&best);
		out->quoted = memchr(data, '"', len) != NULL;
		out->records = (int64_t)count_lines(data, len);
		out->record_size = (int64_t)len / (out->records ? out->records : 1);
		fill_columns(&best, out);
	}
	table_release(&best);
	return delimiter != '\0';
}
