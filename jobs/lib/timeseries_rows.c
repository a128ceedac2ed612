/*
 * A row's words: the rank above the day, each number in the order of its kind, then a bit for each number that is null
 * (and 0 in its place), 64 to a word.
 */
#include "timeseries_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "duckstream.h"

#define DAY_BITS 22              /* of the years 1 to 9999 */
#define FIRST_DAY (-719162)      /* 0001-01-01 */
#define EXACT 9007199254740992.0 /* from here on a double is the nearest of several integers */

static size_t null_words(size_t nr)
{
	return (nr + 63) / 64;
}

void timeseries_rows_init(struct timeseries_rows *r, const enum dataset_kind *kinds, size_t nr,
	const char *dir, size_t memory_bytes)
{
	*r = (struct timeseries_rows){.nr = nr};
	r->sort = rowsort_new(dir, 1 + nr + null_words(nr), memory_bytes);
	r->kinds = xcalloc(nr, sizeof(*r->kinds));
	memcpy(r->kinds, kinds, nr * sizeof(*kinds));
	r->seen = xcalloc(nr, sizeof(*r->seen));
}

void timeseries_rows_release(struct timeseries_rows *r)
{
	rowsort_free(r->sort);
	free(r->kinds);
	free(r->seen);
	err_release(&r->err);
	*r = (struct timeseries_rows){0};
}

bool timeseries_rows_whole(const struct timeseries_rows *r, size_t number)
{
	return !r->seen[number].fraction && !r->seen[number].large;
}

/* --- in --- */

struct source {
	void *data;
	uint64_t *validity;
};

static uint64_t word_of(struct timeseries_rows *r, size_t number, const struct source *s, idx_t row)
{
	struct timeseries_seen *seen = &r->seen[number];
	double d;

	if (r->kinds[number] != DATASET_DOUBLE)
		return rowsort_of_int64(((int64_t *)s->data)[row]);
	d = ((double *)s->data)[row] + 0.0; /* no -0.0 */
	if (!(trunc(d) == d) || isinf(d))
		seen->fraction = true;
	if (fabs(d) >= EXACT)
		seen->large = true;
	return rowsort_of_double(d);
}

static int gather_row(
	struct timeseries_rows *r, const struct source *sources, idx_t row, struct err *err)
{
	uint64_t *words = rowsort_add(r->sort, err), *nulls;
	int32_t rank = ((int32_t *)sources[0].data)[row], day = ((int32_t *)sources[1].data)[row];

	if (!words)
		return -1;
	*words++ = (uint64_t)rank << DAY_BITS | (uint64_t)(day - FIRST_DAY);
	nulls = words + r->nr;
	memset(nulls, 0, null_words(r->nr) * sizeof(*nulls));
	for (size_t i = 0; i < r->nr; i++) {
		const struct source *s = &sources[2 + i];

		if (!s->validity || duckdb_validity_row_is_valid(s->validity, row)) {
			words[i] = word_of(r, i, s, row);
		} else {
			words[i] = 0;
			nulls[i / 64] |= UINT64_C(1) << i % 64;
		}
	}
	r->rows++;
	return 0;
}

int timeseries_rows_gather(
	struct timeseries_rows *r, struct duck *d, const char *sql, struct err *err)
{
	struct source *sources = xcalloc(2 + r->nr, sizeof(*sources));
	struct duck_stream *s = duck_stream_open(d, sql, err);
	duckdb_data_chunk chunk;
	int got = -1;

	while (s && (got = duck_stream_next(s, &chunk, err)) > 0) {
		idx_t rows = duckdb_data_chunk_get_size(chunk);

		for (size_t c = 0; c < 2 + r->nr; c++) {
			duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c);

			sources[c].data = duckdb_vector_get_data(vector);
			sources[c].validity = duckdb_vector_get_validity(vector);
		}
		for (idx_t row = 0; row < rows && got > 0; row++)
			if (gather_row(r, sources, row, err) != 0)
				got = -1;
		if (got < 0)
			break;
	}
	duck_stream_close(s);
	free(sources);
	return got == 0 ? rowsort_finish(r->sort, err) : -1;
}

/* --- out --- */

static void give_number(const struct timeseries_rows *r, size_t number, uint64_t word,
	duckdb_vector vector, idx_t row)
{
	void *data = duckdb_vector_get_data(vector);

	if (r->kinds[number] != DATASET_DOUBLE)
		((int64_t *)data)[row] = rowsort_to_int64(word);
	else if (timeseries_rows_whole(r, number))
		((int64_t *)data)[row] = (int64_t)rowsort_to_double(word);
	else
		((double *)data)[row] = rowsort_to_double(word);
}

static void give_row(
	const struct timeseries_rows *r, const uint64_t *words, duckdb_vector *vectors, idx_t row)
{
	const uint64_t *nulls = words + 1 + r->nr;

	((int32_t *)duckdb_vector_get_data(vectors[0]))[row] = (int32_t)(words[0] >> DAY_BITS);
	((int32_t *)duckdb_vector_get_data(vectors[1]))[row] =
		(int32_t)(words[0] & ((1u << DAY_BITS) - 1)) + FIRST_DAY;
	for (size_t i = 0; i < r->nr; i++) {
		if (nulls[i / 64] >> i % 64 & 1) {
			duckdb_vector_ensure_validity_writable(vectors[2 + i]);
			duckdb_validity_set_row_invalid(
				duckdb_vector_get_validity(vectors[2 + i]), row);
		} else {
			give_number(r, i, words[1 + i], vectors[2 + i], row);
		}
	}
}

static void give_rows(duckdb_function_info info, duckdb_data_chunk output)
{
	struct timeseries_rows *r = duckdb_function_get_extra_info(info);
	duckdb_vector *vectors = xcalloc(2 + r->nr, sizeof(duckdb_vector));
	idx_t row = 0, most = duckdb_vector_size();
	const uint64_t *words;
	int got = 1;

	for (size_t c = 0; c < 2 + r->nr; c++)
		vectors[c] = duckdb_data_chunk_get_vector(output, c);
	while (row < most && (got = rowsort_next(r->sort, &words, &r->err)) > 0)
		give_row(r, words, vectors, row++);
	if (got < 0)
		duckdb_function_set_error(info, r->err.text);
	duckdb_data_chunk_set_size(output, row);
	free(vectors);
}

static void add_column(duckdb_bind_info info, const char *name, duckdb_type type)
{
	duckdb_logical_type logical = duckdb_create_logical_type(type);

	duckdb_bind_add_result_column(info, name, logical);
	duckdb_destroy_logical_type(&logical);
}

static void bind(duckdb_bind_info info)
{
	const struct timeseries_rows *r = duckdb_bind_get_extra_info(info);

	add_column(info, "entity", DUCKDB_TYPE_INTEGER);
	add_column(info, "date", DUCKDB_TYPE_DATE);
	for (size_t i = 0; i < r->nr; i++) {
		char *name = xasprintf("s%zu", i);

		add_column(info, name,
			r->kinds[i] == DATASET_DOUBLE && !timeseries_rows_whole(r, i)
				? DUCKDB_TYPE_DOUBLE
				: DUCKDB_TYPE_BIGINT);
		free(name);
	}
}

/* One thread: the rows have an order. */
static void init(duckdb_init_info info)
{
	duckdb_init_set_max_threads(info, 1);
}

int timeseries_rows_register(
	struct timeseries_rows *r, struct duck *d, const char *name, struct err *err)
{
	duckdb_table_function f = duckdb_create_table_function();
	int ret = 0;

	duckdb_table_function_set_name(f, name);
	duckdb_table_function_set_extra_info(f, r, NULL);
	duckdb_table_function_set_bind(f, bind);
	duckdb_table_function_set_init(f, init);
	duckdb_table_function_set_function(f, give_rows);
	if (duckdb_register_table_function(duck_raw(d), f) != DuckDBSuccess)
		ret = err_set(err, ERR_FAILED, "DuckDB refuses the table function '%s'", name);
	duckdb_destroy_table_function(&f);
	return ret;
}
