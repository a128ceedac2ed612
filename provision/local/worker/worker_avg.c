/* AVG as Redshift has it: of whole numbers a whole one, cut off; of all else a double. */
#include "worker_resident.h"

/* DuckDB places it at multiples of eight; an __int128 alone would be taken to stand at one of sixteen. */
struct __attribute__((packed, aligned(8))) avg_state {
	__int128 whole;
	double real;
	uint64_t rows;
};

static idx_t avg_size(unused_arg duckdb_function_info info)
{
	return sizeof(struct avg_state);
}

static void avg_init(unused_arg duckdb_function_info info, duckdb_aggregate_state state)
{
	memset(state, 0, sizeof(struct avg_state));
}

static bool row_at(uint64_t *valid, idx_t row)
{
	return !valid || duckdb_validity_row_is_valid(valid, row);
}

static void avg_add_whole(unused_arg duckdb_function_info info, duckdb_data_chunk input,
	duckdb_aggregate_state *states)
{
	duckdb_vector v = duckdb_data_chunk_get_vector(input, 0);
	const int64_t *data = duckdb_vector_get_data(v);
	uint64_t *valid = duckdb_vector_get_validity(v);

	for (idx_t i = 0; i < duckdb_data_chunk_get_size(input); i++) {
		struct avg_state *s = (void *)states[i];
		if (!row_at(valid, i))
			continue;
		s->whole += data[i];
		s->rows++;
	}
}

static void avg_add_real(unused_arg duckdb_function_info info, duckdb_data_chunk input,
	duckdb_aggregate_state *states)
{
	duckdb_vector v = duckdb_data_chunk_get_vector(input, 0);
	const double *data = duckdb_vector_get_data(v);
	uint64_t *valid = duckdb_vector_get_validity(v);

	for (idx_t i = 0; i < duckdb_data_chunk_get_size(input); i++) {
		struct avg_state *s = (void *)states[i];
		if (!row_at(valid, i))
			continue;
		s->real += data[i];
		s->rows++;
	}
}

static void avg_combine(unused_arg duckdb_function_info info, duckdb_aggregate_state *from,
	duckdb_aggregate_state *to, idx_t count)
{
	for (idx_t i = 0; i < count; i++) {
		const struct avg_state *a = (const void *)from[i];
		struct avg_state *b = (void *)to[i];
		b->whole += a->whole;
		b->real += a->real;
		b->rows += a->rows;
	}
}

static void avg_whole(unused_arg duckdb_function_info info, duckdb_aggregate_state *from,
	duckdb_vector result, idx_t count, idx_t offset)
{
	int64_t *data = duckdb_vector_get_data(result);

	for (idx_t i = 0; i < count; i++) {
		const struct avg_state *s = (const void *)from[i];
		if (s->rows)
			data[offset + i] = (int64_t)(s->whole / (__int128)s->rows);
		else
			vector_null(result, offset + i);
	}
}

static void avg_real(unused_arg duckdb_function_info info, duckdb_aggregate_state *from,
	duckdb_vector result, idx_t count, idx_t offset)
{
	double *data = duckdb_vector_get_data(result);

	for (idx_t i = 0; i < count; i++) {
		const struct avg_state *s = (const void *)from[i];
		if (s->rows)
			data[offset + i] = s->real / (double)s->rows;
		else
			vector_null(result, offset + i);
	}
}

static int add(duckdb_aggregate_function_set set, duckdb_type type, bool whole, struct err *err)
{
	duckdb_aggregate_function f = duckdb_create_aggregate_function();
	duckdb_logical_type logical = duckdb_create_logical_type(type);
	int r = 0;

	duckdb_aggregate_function_set_name(f, "glueproj_avg");
	duckdb_aggregate_function_add_parameter(f, logical);
	duckdb_aggregate_function_set_return_type(f, logical);
	duckdb_aggregate_function_set_functions(f, avg_size, avg_init,
		whole ? avg_add_whole : avg_add_real, avg_combine, whole ? avg_whole : avg_real);
	if (duckdb_add_aggregate_function_to_set(set, f) == DuckDBError)
		r = err_set(err, ERR_FAILED, "DuckDB does not take a function");
	duckdb_destroy_logical_type(&logical);
	duckdb_destroy_aggregate_function(&f);
	return r;
}

int resident_functions(duckdb_connection con, struct err *err)
{
	duckdb_aggregate_function_set set = duckdb_create_aggregate_function_set("glueproj_avg");
	int r = add(set, DUCKDB_TYPE_BIGINT, true, err) || add(set, DUCKDB_TYPE_DOUBLE, false, err)
			? -1
			: 0;

	if (!r && duckdb_register_aggregate_function_set(con, set) == DuckDBError)
		r = err_set(err, ERR_FAILED, "DuckDB does not take AVG");
	duckdb_destroy_aggregate_function_set(&set);
	return r;
}
