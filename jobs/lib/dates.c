#include "dates.h"

#include <duckdb.h>
#include <string.h>
#include "clock.h"
#include "duck.h"

#define FUNCTION "date_of_text"
#define DAY_MS INT64_C(86400000)

/* Exactly `count` digits. */
static bool read_digits(const char **s, const char *end, int count, int *n)
{
	*n = 0;
	if (end - *s < count)
		return false;
	for (; count; count--) {
		char c = *(*s)++;

		if (c < '0' || c > '9')
			return false;
		*n = *n * 10 + (c - '0');
	}
	return true;
}

static bool skip(const char **s, const char *end, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(end - *s) < len || memcmp(*s, text, len) != 0)
		return false;
	*s += len;
	return true;
}

/* What may stand behind the day. */
static bool is_midnight(const char *s, const char *end)
{
	if (s == end)
		return true;
	if ((*s != 'T' && *s != ' ') || (s++, !skip(&s, end, "00:00")))
		return false;
	if (skip(&s, end, ":00") && s < end && *s == '.') {
		const char *fraction = ++s;

		while (s < end && *s == '0')
			s++;
		if (s == fraction)
			return false;
	}
	if (!skip(&s, end, "Z"))
		(void)skip(&s, end, "+00:00");
	return s == end;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool dates_parse(const char *text, size_t len, int32_t *days)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const char *s = text, *end = text + len;
	struct utc utc = {0};
	int year, month, day;
	char separator;

	if (!read_digits(&s, end, 4, &year) || s == end)
		return false;
	separator = *s == '-' || *s == '/' ? *s++ : '\0';
	if (!read_digits(&s, end, 2, &month))
		return false;
	if (separator && (s == end || *s++ != separator))
		return false;
	if (!read_digits(&s, end, 2, &day) || !is_midnight(s, end))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
		day > month_days[month - 1] + (month == 2 && is_leap(year)))
		return false;
	utc.year = year;
	utc.month = month;
	utc.day = day;
	*days = (int32_t)(utc_to_ms(&utc) / DAY_MS);
	return true;
}

void dates_add(struct strbuf *sb, int32_t days)
{
	struct utc utc;

	utc_from_ms(days * DAY_MS, &utc);
	strbuf_addf(sb, "%04d-%02d-%02d", utc.year, utc.month, utc.day);
}

/* --- in SQL --- */

/* False where there is none. */
static bool parse_at(duckdb_vector column, idx_t row, int32_t *days)
{
	duckdb_string_t *text = (duckdb_string_t *)duckdb_vector_get_data(column) + row;
	uint64_t *validity = duckdb_vector_get_validity(column);

	if (validity && !duckdb_validity_row_is_valid(validity, row))
		return false;
	return dates_parse(duckdb_string_t_data(text), duckdb_string_t_length(*text), days);
}

static void to_date(
	unused_arg duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	idx_t rows = duckdb_data_chunk_get_size(input);
	duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
	duckdb_date *dates = duckdb_vector_get_data(output);
	uint64_t *valid = NULL;

	for (idx_t i = 0; i < rows; i++) {
		if (parse_at(column, i, &dates[i].days))
			continue;
		if (!valid) {
			duckdb_vector_ensure_validity_writable(output);
			valid = duckdb_vector_get_validity(output);
		}
		duckdb_validity_set_row_invalid(valid, i);
	}
}

int dates_register(struct duck *d, struct err *err)
{
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	duckdb_logical_type date = duckdb_create_logical_type(DUCKDB_TYPE_DATE);
	int ret = 0;

	duckdb_scalar_function_set_name(f, FUNCTION);
	duckdb_scalar_function_add_parameter(f, text);
	duckdb_scalar_function_set_return_type(f, date);
	duckdb_scalar_function_set_special_handling(f); /* nulls are ours */
	duckdb_scalar_function_set_function(f, to_date);
	if (duckdb_register_scalar_function(duck_raw(d), f) != DuckDBSuccess)
		ret = err_set(err, ERR_FAILED, "DuckDB refuses the function '" FUNCTION "'");
	duckdb_destroy_logical_type(&text);
	duckdb_destroy_logical_type(&date);
	duckdb_destroy_scalar_function(&f);
	return ret;
}

void dates_add_sql(struct strbuf *sql, const char *expression)
{
	strbuf_addf(sql, FUNCTION "(%s)", expression);
}
