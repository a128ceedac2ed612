/*
 * The query of a conversion has three layers: what the reader gives (v<i>: text, or Parquet's own type), the same as the
 * type that the mapping says it has (f<i>), and that as the wanted type, under the wanted name. What does not convert
 * calls error() with MARK|row id|field|value.
 */
#include "reshape_internal.h"

#include <stdlib.h>
#include <string.h>
#include "csvtable.h"

#define MARK "value to convert"

static bool is_integer(enum field_kind kind)
{
	return kind >= FIELD_BYTE && kind <= FIELD_LONG;
}

static bool has_fraction(enum field_kind kind)
{
	return kind >= FIELD_FLOAT && kind <= FIELD_DECIMAL;
}

enum dataset_kind reshape_kind(const struct field *f, enum dataset_format format)
{
	if (format == DATASET_PARQUET || f->column->partition || f->members.nr)
		return DATASET_AS_IS;
	if (is_integer(f->from_type.kind))
		return DATASET_INT64;
	return f->from_type.kind == FIELD_DOUBLE ? DATASET_DOUBLE : DATASET_AS_IS;
}

/* NULL stays, what `cast` makes NULL is an error; `given` says whether there is a value at all. */
static void add_or_error(struct strbuf *sql, const char *cast, const char *given, const char *value,
	size_t i, const struct field_type *type)
{
	strbuf_addf(sql, "coalesce(%s, CASE WHEN %s THEN CAST(", cast, given);
	strbuf_addf(sql,
		"error('" MARK "|' || \"" CSV_ROW_ID
		"\" || '|%zu|' || left(CAST(%s AS VARCHAR), 100))",
		i, value);
	strbuf_addstr(sql, " AS ");
	field_type_add_sql(sql, type);
	strbuf_addstr(sql, ") END)");
}

static char *try_cast(const char *value, const struct field_type *type)
{
	struct strbuf sql = STRBUF_INIT;

	strbuf_addf(&sql, "TRY_CAST(%s AS ", value);
	field_type_add_sql(&sql, type);
	strbuf_addch(&sql, ')');
	return strbuf_detach(&sql, NULL);
}

/* Text as a type; blanks are null. DuckDB would round what is no integer. */
static void add_of_text(
	struct strbuf *sql, const char *value, size_t i, const struct field_type *to)
{
	char *cast, *given;

	if (to->kind == FIELD_STRING || to->kind == FIELD_NESTED) {
		strbuf_addstr(sql, value);
		return;
	}
	cast = try_cast(value, to);
	given = xasprintf("trim(%s) <> ''", value);
	if (is_integer(to->kind)) {
		char *whole = xasprintf(
			"CASE WHEN regexp_full_match(trim(%s), '[+-]?[0-9]+') THEN %s END", value,
			cast);

		free(cast);
		cast = whole;
	}
	add_or_error(sql, cast, given, value, i, to);
	free(cast);
	free(given);
}

static bool same_type(const struct field_type *a, const struct field_type *b)
{
	return a->kind == b->kind && a->precision == b->precision && a->scale == b->scale;
}

/* A typed value as another type; fractions are cut off, as Spark's casts do it. */
static void add_of_type(struct strbuf *sql, const char *value, size_t i,
	const struct field_type *from, const struct field_type *to)
{
	char *whole = xasprintf("trunc(%s)", value), *cast, *given;

	if (from->kind == FIELD_STRING || from->kind == FIELD_NESTED) {
		add_of_text(sql, value, i, to);
	} else if (to->kind == FIELD_STRING) {
		strbuf_addf(sql, "CAST(%s AS VARCHAR)", value);
	} else if (same_type(from, to)) {
		strbuf_addstr(sql, value);
	} else {
		bool cut = has_fraction(from->kind) && is_integer(to->kind);

		cast = try_cast(cut ? whole : value, to);
		given = xasprintf("%s IS NOT NULL", value);
		add_or_error(sql, cast, given, value, i, to);
		free(cast);
		free(given);
	}
	free(whole);
}

/* The member by JSON pointer, of what the reader gives for its column. */
static void add_member(struct strbuf *sql, const struct field *f, size_t want)
{
	struct strbuf pointer = STRBUF_INIT;

	for (size_t i = 0; i < f->members.nr; i++) {
		struct strbuf piece = STRBUF_INIT;

		strbuf_addstr(&piece, f->members.v[i]);
		strbuf_replace(&piece, "~", "~0");
		strbuf_replace(&piece, "/", "~1");
		strbuf_addf(&pointer, "/%s", piece.buf);
		strbuf_release(&piece);
	}
	if (pointer.len) {
		strbuf_addf(sql, "json_extract_string(\"w%zu\", ", want);
		duck_add_text(sql, pointer.buf);
		strbuf_addch(sql, ')');
	} else {
		strbuf_addf(sql, "\"w%zu\"", want);
	}
	strbuf_release(&pointer);
}

/* The type that a Parquet file's column has comes from the catalog, whatever the mapping calls it. */
static struct field_type own_type(const struct field *f, enum dataset_format format)
{
	struct field_type type = f->from_type, own = {0};
	struct err why = ERR_INIT;

	if (format == DATASET_PARQUET && !f->column->partition && !f->members.nr &&
		field_type_parse(f->column->type, &own, &why) == 0)
		type = own;
	err_release(&why);
	return type;
}

static void add_typed(
	struct strbuf *sql, const struct field *f, size_t i, enum dataset_format format)
{
	static const struct field_type wide = {.kind = FIELD_LONG};
	struct field_type type = own_type(f, format);
	char *value = xasprintf("v%zu", i), *given = xasprintf("v%zu IS NOT NULL", i), *cast;
	enum dataset_kind kind = reshape_kind(f, format);

	if (kind == DATASET_INT64) {
		add_of_type(sql, value, i, &wide, &type);
	} else if (kind == DATASET_DOUBLE) {
		strbuf_addstr(sql, value);
	} else if (format == DATASET_PARQUET && !f->column->partition && !f->members.nr) {
		cast = try_cast(value, &type);
		add_or_error(sql, cast, given, value, i, &type);
		free(cast);
	} else {
		add_of_text(sql, value, i, &type);
	}
	free(value);
	free(given);
}

void reshape_add_query(struct strbuf *sql, const struct reshape *r, const struct strvec *names,
	const size_t *wants, const char *table)
{
	enum dataset_format format =
		r->from->nr_files ? r->from->files[0].storage.format : r->from->format;
	bool first = true;

	strbuf_addstr(sql, "SELECT ");
	for (size_t i = 0; i < r->fields->nr; i++) {
		const struct field *f = &r->fields->v[i];
		struct field_type from = own_type(f, format);
		char *value = xasprintf("f%zu", i);

		if (!reshape_is_folder(r, f)) {
			strbuf_addstr(sql, first ? "" : ", ");
			add_of_type(sql, value, i, &from, &f->to_type);
			strbuf_addstr(sql, " AS ");
			duck_add_name(sql, names->v[i]);
			first = false;
		}
		free(value);
	}
	strbuf_addstr(sql, " FROM (SELECT ");
	for (size_t i = 0; i < r->fields->nr; i++) {
		if (reshape_is_folder(r, &r->fields->v[i]))
			continue;
		add_typed(sql, &r->fields->v[i], i, format);
		strbuf_addf(sql, " AS f%zu, ", i);
	}
	strbuf_addstr(sql, "\"" CSV_ROW_ID "\" FROM (SELECT ");
	for (size_t i = 0; i < r->fields->nr; i++) {
		if (reshape_is_folder(r, &r->fields->v[i]))
			continue;
		add_member(sql, &r->fields->v[i], wants[i]);
		strbuf_addf(sql, " AS v%zu, ", i);
	}
	strbuf_addf(sql, "\"" CSV_ROW_ID "\" FROM %s()))", table);
}

/* --- what did not convert --- */

static int bad_value(const struct reshape *r, struct dataset_reader *reader, int64_t row_id,
	size_t index, const char *value, struct err *err)
{
	const struct field *f = &r->fields->v[index];
	char *where = dataset_locate(reader, row_id, NULL);
	const char *from = field_kind_name(f->from_type.kind);
	const char *to = field_kind_name(f->to_type.kind);
	int ret;

	ret = err_set(err, ERR_INVALID, "%s: column '%s': '%s' cannot become %s%s%s%s",
		where ? where : r->from->shown, f->source, value,
		strcmp(from, to) != 0 && f->from_type.kind != FIELD_STRING ? from : "",
		strcmp(from, to) != 0 && f->from_type.kind != FIELD_STRING ? " and " : "", to,
		f->to_type.kind == FIELD_STRING ? ", as the mapping reads it" : "");
	free(where);
	return ret;
}

int reshape_error(const struct reshape *r, struct dataset_reader *reader, struct err *err)
{
	const char *at = err->text ? strstr(err->text, MARK "|") : NULL;
	char *copy, *field, *value;
	long long row_id = 0, index = 0;

	if (dataset_error(reader, err) != 0 || !at)
		return -1;
	copy = xstrdup(at + strlen(MARK "|"));
	field = strchr(copy, '|');
	value = field ? strchr(field + 1, '|') : NULL;
	if (value) {
		*field++ = *value++ = '\0';
		if (parse_int64(copy, 0, INT64_MAX, &row_id) == 0 &&
			parse_int64(field, 0, (long long)r->fields->nr - 1, &index) == 0)
			bad_value(r, reader, row_id, (size_t)index, value, err);
	}
	free(copy);
	return -1;
}
