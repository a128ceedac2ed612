/* Results as the Redshift Data API has them: a line of JSON fields for each row, or CSV. */
#include "worker_resident.h"

#include <math.h>
#include <stdio.h>

/* Precision and scale as the API tells them; -1: of the type itself. */
static const struct kind {
	duckdb_type type;
	const char *name, *member;
	int precision, scale;
	bool is_signed;
} kinds[] = {
	{DUCKDB_TYPE_BOOLEAN, "bool", "booleanValue", 1, 0, false},
	{DUCKDB_TYPE_TINYINT, "int2", "longValue", 5, 0, true},
	{DUCKDB_TYPE_SMALLINT, "int2", "longValue", 5, 0, true},
	{DUCKDB_TYPE_INTEGER, "int4", "longValue", 10, 0, true},
	{DUCKDB_TYPE_BIGINT, "int8", "longValue", 19, 0, true},
	{DUCKDB_TYPE_HUGEINT, "int8", "longValue", 19, 0, true},
	{DUCKDB_TYPE_UTINYINT, "int2", "longValue", 5, 0, true},
	{DUCKDB_TYPE_USMALLINT, "int4", "longValue", 10, 0, true},
	{DUCKDB_TYPE_UINTEGER, "int8", "longValue", 19, 0, true},
	{DUCKDB_TYPE_UBIGINT, "int8", "longValue", 19, 0, true},
	{DUCKDB_TYPE_FLOAT, "float4", "doubleValue", 8, 8, true},
	{DUCKDB_TYPE_DOUBLE, "float8", "doubleValue", 17, 17, true},
	{DUCKDB_TYPE_DECIMAL, "numeric", "stringValue", -1, -1, true},
	{DUCKDB_TYPE_VARCHAR, "varchar", "stringValue", 65535, 0, false},
	{DUCKDB_TYPE_DATE, "date", "stringValue", 13, 0, false},
	{DUCKDB_TYPE_TIME, "time", "stringValue", 15, 6, false},
	{DUCKDB_TYPE_TIMESTAMP, "timestamp", "stringValue", 29, 6, false},
	{DUCKDB_TYPE_TIMESTAMP_TZ, "timestamptz", "stringValue", 35, 6, false},
	{DUCKDB_TYPE_BLOB, "varbyte", "stringValue", 65535, 0, false},
	{DUCKDB_TYPE_SQLNULL, "unknown", "stringValue", 0, 0, false},
};

static const struct kind *kind_of(duckdb_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

const char *record_type_name(duckdb_logical_type type)
{
	const struct kind *k = kind_of(duckdb_get_type_id(type));

	return k ? k->name : NULL;
}

struct column {
	const struct kind *kind;
	duckdb_logical_type type;
};

struct record {
	struct column *columns;
	idx_t nr;
	bool csv;
	FILE *file;
	int64_t rows, bytes, max_bytes;
};

/* A column without a name has its function's, or none: "count" and "?column?". */
static char *result_name(const char *duck)
{
	size_t word = strspn(duck, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.$");
	char *name, *dot;

	if (strspn(duck, "0123456789.") == strlen(duck) || *duck == '(' || *duck == '\'' ||
		!strncmp(duck, "CAST(", 5) || !strcmp(duck, "NULL"))
		return xstrdup("?column?");
	if (duck[word] != '(' || !word)
		return xstrdup(duck);
	if (!strcmp(duck, "count_star()"))
		return xstrdup("count");
	name = xstrndup(duck, word);
	dot = strrchr(name, '.');
	if (dot)
		memmove(name, dot + 1, strlen(dot));
	lower_ascii(name);
	if (!strcmp(name, "glueproj_avg"))
		memmove(name, "avg", sizeof("avg"));
	return name;
}

static int describe(duckdb_result *result, struct record *r, struct json *list, struct err *err)
{
	for (idx_t i = 0; i < r->nr; i++) {
		struct column *c = &r->columns[i];
		struct json *meta = json_object();
		char *name = result_name(duckdb_column_name(result, i));
		int precision, scale;

		c->type = duckdb_column_logical_type(result, i);
		c->kind = kind_of(duckdb_get_type_id(c->type));
		json_push(list, meta);
		if (!c->kind) {
			err_set(err, ERR_INVALID,
				"ERROR: column \"%s\" has a type that the local warehouse does not "
				"support",
				name);
			free(name);
			return -1;
		}
		precision = c->kind->precision >= 0 ? c->kind->precision
						    : duckdb_decimal_width(c->type);
		scale = c->kind->scale >= 0 ? c->kind->scale : duckdb_decimal_scale(c->type);
		json_set_bool(meta, "isCaseSensitive", c->kind->type == DUCKDB_TYPE_VARCHAR);
		json_set_bool(meta, "isCurrency", false);
		json_set_bool(meta, "isSigned", c->kind->is_signed);
		json_set_str(meta, "label", name);
		json_set_i64(meta, "length", 0);
		json_set_str(meta, "name", name);
		json_set_i64(meta, "nullable", 1);
		json_set_i64(meta, "precision", precision);
		json_set_i64(meta, "scale", scale);
		json_set_str(meta, "schemaName", "");
		json_set_str(meta, "tableName", "");
		json_set_str(meta, "typeName", c->kind->name);
		free(name);
	}
	return 0;
}

static void add_fraction(struct strbuf *out, int micros)
{
	char text[16];
	size_t len = 7;

	if (!micros)
		return;
	snprintf(text, sizeof(text), ".%06d", micros);
	while (text[len - 1] == '0')
		len--;
	strbuf_add(out, text, len);
}

static void add_date(struct strbuf *out, duckdb_date_struct d)
{
	strbuf_addf(out, "%04d-%02d-%02d", d.year, d.month, d.day);
}

static void add_timestamp(struct strbuf *out, duckdb_timestamp ts, bool zoned)
{
	duckdb_timestamp_struct t = duckdb_from_timestamp(ts);

	add_date(out, t.date);
	strbuf_addf(out, " %02d:%02d:%02d", t.time.hour, t.time.min, t.time.sec);
	add_fraction(out, t.time.micros);
	if (zoned)
		strbuf_addstr(out, "+00");
}

/* The shortest text that reads back as the same number; what JSON has no number for becomes a string. */
static void add_real(struct strbuf *out, double d, bool single, bool json)
{
	char text[40];

	if (!isfinite(d)) {
		const char *word = isnan(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity";
		strbuf_addf(out, json ? "\"%s\"" : "%s", word);
		return;
	}
	for (int digits = single ? 6 : 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (single && !json ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d)
			break;
	}
	strbuf_addstr(out, text);
}

/* The value as text; numbers as JSON numbers. */
static int add_value(struct strbuf *out, const struct column *c, duckdb_vector vector, idx_t row,
	bool json, struct err *err)
{
	const void *data = duckdb_vector_get_data(vector);
	duckdb_time_struct t;

	switch (c->kind->type) {
	case DUCKDB_TYPE_BOOLEAN:
		strbuf_addstr(out, ((const bool *)data)[row] ? "true" : "false");
		return 0;
	case DUCKDB_TYPE_FLOAT:
		add_real(out, (double)((const float *)data)[row], true, json);
		return 0;
	case DUCKDB_TYPE_DOUBLE:
		add_real(out, ((const double *)data)[row], false, json);
		return 0;
	case DUCKDB_TYPE_DATE:
		add_date(out, duckdb_from_date(((const duckdb_date *)data)[row]));
		return 0;
	case DUCKDB_TYPE_TIME:
		t = duckdb_from_time(((const duckdb_time *)data)[row]);
		strbuf_addf(out, "%02d:%02d:%02d", t.hour, t.min, t.sec);
		add_fraction(out, t.micros);
		return 0;
	case DUCKDB_TYPE_TIMESTAMP:
	case DUCKDB_TYPE_TIMESTAMP_TZ:
		add_timestamp(out, ((const duckdb_timestamp *)data)[row],
			c->kind->type == DUCKDB_TYPE_TIMESTAMP_TZ);
		return 0;
	case DUCKDB_TYPE_HUGEINT: {
		duckdb_hugeint h = ((const duckdb_hugeint *)data)[row];
		if (h.upper != ((int64_t)h.lower < 0 ? -1 : 0))
			return err_set(err, ERR_INVALID, "ERROR: Numeric data overflow");
		strbuf_addf(out, "%lld", (long long)(int64_t)h.lower);
		return 0;
	}
	default:
		format_value(out, vector, c->type, row, false);
		return 0;
	}
}

static void add_json_string(struct strbuf *out, const char *text, size_t len)
{
	struct json *v = json_string_n(text, len);

	json_print(v, out);
	json_free(v);
}

static void add_csv_field(struct strbuf *out, const char *text, size_t len)
{
	if (len && !memchr(text, ',', len) && !memchr(text, '"', len) && !memchr(text, '\n', len) &&
		!memchr(text, '\r', len)) {
		strbuf_add(out, text, len);
		return;
	}
	strbuf_addquoted(out, text, len, '"');
}

static int add_field(struct record *r, const struct column *c, duckdb_vector vector, idx_t row,
	struct strbuf *line, struct strbuf *value, struct err *err)
{
	uint64_t *valid = duckdb_vector_get_validity(vector);
	bool null = c->kind->type == DUCKDB_TYPE_SQLNULL ||
		    (valid && !duckdb_validity_row_is_valid(valid, row));

	strbuf_clear(value);
	if (null) {
		strbuf_addstr(line, r->csv ? "" : "{\"isNull\":true}");
		return 0;
	}
	if (add_value(value, c, vector, row, !r->csv, err))
		return -1;
	if (r->csv) {
		add_csv_field(line, value->buf, value->len);
		return 0;
	}
	strbuf_addf(line, "{\"%s\":", c->kind->member);
	if (!strcmp(c->kind->member, "stringValue"))
		add_json_string(line, value->buf, value->len);
	else
		strbuf_add(line, value->buf, value->len);
	strbuf_addch(line, '}');
	return 0;
}

static int flush(struct record *r, struct strbuf *line, struct err *err)
{
	r->bytes += (int64_t)line->len;
	if (r->bytes > r->max_bytes)
		return err_set(err, ERR_INVALID,
			"ERROR: The result of the query is larger than the limit of %lld MB",
			(long long)(r->max_bytes / (1024 * 1024)));
	if (line->len && fwrite(line->buf, 1, line->len, r->file) != line->len)
		return err_errno(err, "write the result");
	strbuf_clear(line);
	return 0;
}

static int add_chunk(struct record *r, duckdb_data_chunk chunk, struct err *err)
{
	struct strbuf line = STRBUF_INIT, value = STRBUF_INIT;
	idx_t rows = duckdb_data_chunk_get_size(chunk);
	int ret = 0;

	for (idx_t row = 0; !ret && row < rows; row++) {
		strbuf_addstr(&line, r->csv ? "" : "[");
		for (idx_t i = 0; !ret && i < r->nr; i++) {
			strbuf_addstr(&line, i ? "," : "");
			ret = add_field(r, &r->columns[i], duckdb_data_chunk_get_vector(chunk, i),
				row, &line, &value, err);
		}
		strbuf_addstr(&line, r->csv ? "\r\n" : "]\n");
		if (!ret && line.len > 65536)
			ret = flush(r, &line, err);
	}
	if (!ret)
		ret = flush(r, &line, err);
	r->rows += (int64_t)rows;
	strbuf_release(&line);
	strbuf_release(&value);
	return ret;
}

static int add_rows(
	duckdb_result *result, struct record *r, const atomic_bool *cancelled, struct err *err)
{
	duckdb_data_chunk chunk;
	int ret = 0;

	while (!ret && (chunk = duckdb_fetch_chunk(*result))) {
		idx_t size = duckdb_data_chunk_get_size(chunk);
		if (size)
			ret = add_chunk(r, chunk, err);
		duckdb_destroy_data_chunk(&chunk);
		if (!size)
			break;
		if (!ret && atomic_load(cancelled))
			ret = err_set(err, ERR_FAILED, "INTERRUPT Error: Interrupted!");
	}
	if (!ret && duckdb_result_error(result))
		ret = err_set(err, ERR_INVALID, "%s", duckdb_result_error(result));
	return ret;
}

int record_result(duckdb_result *result, const struct json *req, const atomic_bool *cancelled,
	struct json *reply, struct err *err)
{
	const char *path = json_get_str(req, "output"), *format = json_get_str(req, "format");
	struct record r = {.nr = duckdb_column_count(result),
		.csv = format && !strcmp(format, "CSV"),
		.max_bytes = json_get_i64(req, "max_bytes", INT64_MAX)};
	struct json *list = json_array();
	int ret = -1;

	r.columns = xcalloc(r.nr + 1, sizeof(*r.columns));
	if (describe(result, &r, list, err))
		goto out;
	r.file = fopen(path ? path : "/dev/null", "we");
	if (!r.file) {
		err_errno(err, "write '%s'", path);
		goto out;
	}
	ret = add_rows(result, &r, cancelled, err);
	if (fclose(r.file) && !ret)
		ret = err_errno(err, "write '%s'", path);
	json_set(reply, "columns", list);
	json_set_i64(reply, "rows", r.rows);
	json_set_i64(reply, "bytes", r.bytes);
	list = NULL;
out:
	for (idx_t i = 0; i < r.nr; i++)
		duckdb_destroy_logical_type(&r.columns[i].type);
	free(r.columns);
	json_free(list);
	return ret;
}
