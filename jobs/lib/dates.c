#include "dates.h"

#include <duckdb.h>
#include <stdlib.h>
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

static int add_function(struct duck *d, const char *name, duckdb_scalar_function_t run,
	struct dates_trap *trap, struct err *err)
{
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	duckdb_logical_type date = duckdb_create_logical_type(DUCKDB_TYPE_DATE);
	duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
	int ret = 0;

	duckdb_scalar_function_set_name(f, name);
	duckdb_scalar_function_add_parameter(f, text);
	if (trap) {
		duckdb_scalar_function_add_parameter(f, number);
		duckdb_scalar_function_set_extra_info(f, trap, NULL);
		duckdb_scalar_function_set_volatile(f);
	}
	duckdb_scalar_function_set_return_type(f, date);
	duckdb_scalar_function_set_special_handling(f); /* nulls are ours */
	duckdb_scalar_function_set_function(f, run);
	if (duckdb_register_scalar_function(duck_raw(d), f) != DuckDBSuccess)
		ret = err_set(err, ERR_FAILED, "DuckDB refuses the function '%s'", name);
	duckdb_destroy_logical_type(&text);
	duckdb_destroy_logical_type(&date);
	duckdb_destroy_logical_type(&number);
	duckdb_destroy_scalar_function(&f);
	return ret;
}

int dates_register(struct duck *d, struct err *err)
{
	return add_function(d, FUNCTION, to_date, NULL, err);
}

void dates_add_sql(struct strbuf *sql, const char *expression)
{
	strbuf_addf(sql, FUNCTION "(%s)", expression);
}

/* --- the trap --- */

void dates_trap_init(struct dates_trap *t)
{
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
}

void dates_trap_release(struct dates_trap *t)
{
	pthread_mutex_destroy(&t->lock);
	free(t->text);
	t->text = NULL;
}

/* Of several threads' rows the one with the smaller number stays. */
static void keep_bad(struct dates_trap *t, duckdb_data_chunk input, idx_t row)
{
	duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
	duckdb_string_t *text = (duckdb_string_t *)duckdb_vector_get_data(column) + row;
	uint64_t *validity = duckdb_vector_get_validity(column);
	bool null = validity && !duckdb_validity_row_is_valid(validity, row);
	const int64_t *ids = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));

	pthread_mutex_lock(&t->lock);
	if (!t->caught || ids[row] < t->row_id) {
		t->caught = true;
		t->row_id = ids[row];
		free(t->text);
		t->text =
			null ? NULL
			     : xstrndup(duckdb_string_t_data(text), duckdb_string_t_length(*text));
	}
	pthread_mutex_unlock(&t->lock);
}

static void to_date_or_break(
	duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	idx_t rows = duckdb_data_chunk_get_size(input);
	duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
	duckdb_date *dates = duckdb_vector_get_data(output);

	for (idx_t i = 0; i < rows; i++) {
		if (parse_at(column, i, &dates[i].days))
			continue;
		keep_bad(duckdb_scalar_function_get_extra_info(info), input, i);
		duckdb_scalar_function_set_error(info, "a text is no date");
		return;
	}
}

int dates_trap_register(struct dates_trap *t, struct duck *d, const char *name, struct err *err)
{
	return add_function(d, name, to_date_or_break, t, err);
}
