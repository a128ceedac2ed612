#include "worker.h"

/* Functions that DuckDB lacks: Java's text of floating numbers, and exact division of decimals. */

static void java_text(duckdb_function_info info unused_arg, duckdb_data_chunk in, duckdb_vector out)
{
	duckdb_vector v = duckdb_data_chunk_get_vector(in, 0);
	duckdb_logical_type type = duckdb_vector_get_column_type(v);
	idx_t nr = duckdb_data_chunk_get_size(in);
	struct strbuf sb = STRBUF_INIT;

	for (idx_t i = 0; i < nr; i++) {
		strbuf_clear(&sb);
		if (format_value(&sb, v, type, i, false))
			duckdb_vector_assign_string_element_len(out, i, sb.buf, sb.len);
		else
			vector_null(out, i);
	}
	strbuf_release(&sb);
	duckdb_destroy_logical_type(&type);
}

static int register_java(struct session *s, const char *name, duckdb_type type, struct err *err)
{
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_logical_type arg = duckdb_create_logical_type(type);
	duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	duckdb_state state;

	duckdb_scalar_function_set_name(f, name);
	duckdb_scalar_function_add_parameter(f, arg);
	duckdb_scalar_function_set_return_type(f, text);
	duckdb_scalar_function_set_function(f, java_text);
	state = duckdb_register_scalar_function(s->con, f);
	duckdb_destroy_logical_type(&arg);
	duckdb_destroy_logical_type(&text);
	duckdb_destroy_scalar_function(&f);
	return state == DuckDBSuccess ? 0 : err_set(err, ERR_FAILED, "cannot register %s()", name);
}

/* --- decimals --- */
struct division {
	int sa, sb, scale;
};

static __int128 hugeint(duckdb_hugeint h)
{
	return ((__int128)h.upper << 64) | (__int128)(unsigned __int128)h.lower;
}

static unsigned __int128 magnitude(__int128 v)
{
	return v < 0 ? (unsigned __int128)0 - (unsigned __int128)v : (unsigned __int128)v;
}

/*
 * a / b with `shift` more decimal digits (or fewer, when negative), rounded half away from zero, digit by
 * digit so that nothing larger than 10 * b appears. False when it does not fit 38 digits.
 */
static bool divide(unsigned __int128 a, unsigned __int128 b, int shift, unsigned __int128 *out)
{
	const unsigned __int128 limit =
		(unsigned __int128)10000000000000000000ull * 10000000000000000000ull; /* 10^38 */
	const unsigned __int128 max = ~(unsigned __int128)0;
	unsigned __int128 q, r;

	for (; shift < 0; shift++) {
		if (b > max / 10)
			return *out = 0, true;
		b *= 10;
	}
	q = a / b;
	r = a % b;
	for (; shift > 0; shift--) {
		if (r > max / 10 || q > limit / 10)
			return false;
		r *= 10;
		q = q * 10 + r / b;
		r %= b;
	}
	if (r >= b - r)
		q++;
	*out = q;
	return q < limit;
}

static const char *divide_row(
	const struct division *d, duckdb_hugeint ha, duckdb_hugeint hb, duckdb_hugeint *out)
{
	__int128 a = hugeint(ha), b = hugeint(hb), v;
	unsigned __int128 q;

	if (b == 0)
		return "DIVISION_BY_ZERO: Division by zero";
	if (!divide(magnitude(a), magnitude(b), d->scale + d->sb - d->sa, &q))
		return "NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow";
	v = (a < 0) != (b < 0) ? -(__int128)q : (__int128)q;
	*out = (duckdb_hugeint){.lower = (uint64_t)v, .upper = (int64_t)(v >> 64)};
	return NULL;
}

static bool is_null(duckdb_vector v, idx_t row)
{
	uint64_t *validity = duckdb_vector_get_validity(v);

	return validity && !duckdb_validity_row_is_valid(validity, row);
}

static void decimal_division(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
	const struct division *d = duckdb_scalar_function_get_extra_info(info);
	duckdb_vector a = duckdb_data_chunk_get_vector(in, 0);
	duckdb_vector b = duckdb_data_chunk_get_vector(in, 1);
	const duckdb_hugeint *x = duckdb_vector_get_data(a), *y = duckdb_vector_get_data(b);
	duckdb_hugeint *z = duckdb_vector_get_data(out);
	idx_t nr = duckdb_data_chunk_get_size(in);

	for (idx_t i = 0; i < nr; i++) {
		const char *error;
		if (is_null(a, i) || is_null(b, i)) {
			vector_null(out, i);
			continue;
		}
		if ((error = divide_row(d, x[i], y[i], &z[i]))) {
			duckdb_scalar_function_set_error(info, error);
			return;
		}
	}
}

static int register_division(struct session *s, const char *spec, struct err *err)
{
	struct division *d = xcalloc(1, sizeof(*d));
	duckdb_scalar_function f;
	duckdb_logical_type types[3];
	duckdb_state state;
	char *name;

	if (sscanf(spec, "%d %d %d", &d->sa, &d->sb, &d->scale) != 3) {
		free(d);
		return err_set(err, ERR_INVALID, "'%s' is no division", spec);
	}
	f = duckdb_create_scalar_function();
	name = xasprintf("decdiv_%d_%d_%d", d->sa, d->sb, d->scale);
	types[0] = duckdb_create_decimal_type(38, (uint8_t)d->sa);
	types[1] = duckdb_create_decimal_type(38, (uint8_t)d->sb);
	types[2] = duckdb_create_decimal_type(38, (uint8_t)d->scale);
	duckdb_scalar_function_set_name(f, name);
	duckdb_scalar_function_add_parameter(f, types[0]);
	duckdb_scalar_function_add_parameter(f, types[1]);
	duckdb_scalar_function_set_return_type(f, types[2]);
	duckdb_scalar_function_set_extra_info(f, d, free);
	duckdb_scalar_function_set_function(f, decimal_division);
	state = duckdb_register_scalar_function(s->con, f);
	for (int i = 0; i < 3; i++)
		duckdb_destroy_logical_type(&types[i]);
	duckdb_destroy_scalar_function(&f);
	free(name);
	return state == DuckDBSuccess ? 0 : err_set(err, ERR_FAILED, "cannot register a division");
}

/*
 * raise(text): fails with the text; null in, null out. DuckDB's own error() is volatile, which TRY() refuses.
 */
static void raise_error(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
	duckdb_vector v = duckdb_data_chunk_get_vector(in, 0);
	duckdb_logical_type type = duckdb_vector_get_column_type(v);
	idx_t nr = duckdb_data_chunk_get_size(in);
	struct strbuf sb = STRBUF_INIT;

	for (idx_t i = 0; i < nr; i++) {
		if (format_value(&sb, v, type, i, false)) {
			duckdb_scalar_function_set_error(info, sb.buf);
			break;
		}
		vector_null(out, i);
	}
	strbuf_release(&sb);
	duckdb_destroy_logical_type(&type);
}

static int register_raise(struct session *s, struct err *err)
{
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	duckdb_logical_type null = duckdb_create_logical_type(DUCKDB_TYPE_SQLNULL);
	duckdb_state state;

	duckdb_scalar_function_set_name(f, "raise");
	duckdb_scalar_function_add_parameter(f, text);
	duckdb_scalar_function_set_return_type(f, null);
	duckdb_scalar_function_set_function(f, raise_error);
	state = duckdb_register_scalar_function(s->con, f);
	duckdb_destroy_logical_type(&text);
	duckdb_destroy_logical_type(&null);
	duckdb_destroy_scalar_function(&f);
	return state == DuckDBSuccess ? 0 : err_set(err, ERR_FAILED, "cannot register raise()");
}

int functions_register(struct session *s, const struct json *divisions, struct err *err)
{
	struct json *d;

	if (register_raise(s, err) || register_java(s, "java_double", DUCKDB_TYPE_DOUBLE, err) ||
		register_java(s, "java_float", DUCKDB_TYPE_FLOAT, err))
		return -1;
	json_each(d, divisions) if (register_division(s, json_str(d), err)) return -1;
	return 0;
}
