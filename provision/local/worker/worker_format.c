#include "worker.h"
#include <math.h>

/* Values as text, the way Athena writes them into its result files. */

/* Shortest digits that read back as the same number: "d.ddde±xx" into buf. */
static void shortest(char *buf, size_t size, double d, bool single)
{
	int from = single ? 5 : 14, to = single ? 8 : 16;

	for (int p = from; p <= to; p++) {
		snprintf(buf, size, "%.*e", p, d);
		if (single ? strtof(buf, NULL) == (float)d : strtod(buf, NULL) == d)
			return;
	}
}

static void plain_form(struct strbuf *out, const char *digits, int nr, int exponent)
{
	if (exponent < 0) {
		strbuf_addstr(out, "0.");
		strbuf_addchars(out, '0', (size_t)(-exponent - 1));
		strbuf_add(out, digits, (size_t)nr);
		return;
	}
	for (int i = 0; i <= exponent; i++)
		strbuf_addch(out, i < nr ? digits[i] : '0');
	strbuf_addch(out, '.');
	if (nr > exponent + 1)
		strbuf_add(out, digits + exponent + 1, (size_t)(nr - exponent - 1));
	else
		strbuf_addch(out, '0');
}

static void format_real(struct strbuf *out, double d, bool single)
{
	char buf[40], digits[24];
	int nr = 0, exponent;
	const char *e;

	if (isnan(d) || isinf(d)) {
		strbuf_addstr(out, isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity");
		return;
	}
	if (signbit(d))
		strbuf_addch(out, '-');
	d = fabs(d);
	if (d == 0) {
		strbuf_addstr(out, "0.0");
		return;
	}
	shortest(buf, sizeof(buf), d, single);
	e = strchr(buf, 'e');
	exponent = (int)strtol(e + 1, NULL, 10);
	for (const char *p = buf; p < e; p++)
		if (*p != '.')
			digits[nr++] = *p;
	while (nr > 1 && digits[nr - 1] == '0')
		nr--;
	if (d >= 1e-3 && d < 1e7) {
		plain_form(out, digits, nr, exponent);
		return;
	}
	strbuf_addf(out, "%c.", digits[0]);
	strbuf_add(out, nr > 1 ? digits + 1 : "0", nr > 1 ? (size_t)(nr - 1) : 1);
	strbuf_addf(out, "E%d", exponent);
}

void format_double(struct strbuf *out, double d)
{
	format_real(out, d, false);
}

void format_float(struct strbuf *out, float f)
{
	format_real(out, (double)f, true);
}

static __int128 hugeint(const duckdb_hugeint *h)
{
	return ((__int128)h->upper << 64) | (__int128)(unsigned __int128)h->lower;
}

static void format_int128(struct strbuf *out, __int128 v, int scale)
{
	unsigned __int128 u =
		v < 0 ? (unsigned __int128)0 - (unsigned __int128)v : (unsigned __int128)v;
	char buf[64];
	int at = (int)sizeof(buf), digits = 0;

	do {
		buf[--at] = (char)('0' + (int)(u % 10));
		u /= 10;
		if (++digits == scale)
			buf[--at] = '.';
	} while (u || digits <= scale);
	if (scale == 0 && buf[at] == '.')
		at++;
	if (v < 0)
		strbuf_addch(out, '-');
	strbuf_add(out, buf + at, sizeof(buf) - (size_t)at);
}

static void format_decimal(
	struct strbuf *out, const void *data, duckdb_logical_type type, idx_t row)
{
	int scale = duckdb_decimal_scale(type);
	__int128 v = 0;

	switch (duckdb_decimal_internal_type(type)) {
	case DUCKDB_TYPE_SMALLINT:
		v = ((const int16_t *)data)[row];
		break;
	case DUCKDB_TYPE_INTEGER:
		v = ((const int32_t *)data)[row];
		break;
	case DUCKDB_TYPE_BIGINT:
		v = ((const int64_t *)data)[row];
		break;
	default:
		v = hugeint(&((const duckdb_hugeint *)data)[row]);
	}
	format_int128(out, v, scale);
}

static void format_date(struct strbuf *out, duckdb_date date)
{
	duckdb_date_struct d = duckdb_from_date(date);

	strbuf_addf(out, "%04d-%02d-%02d", d.year, d.month, d.day);
}

static void format_timestamp(struct strbuf *out, duckdb_timestamp ts, bool zoned)
{
	duckdb_timestamp_struct t = duckdb_from_timestamp(ts);

	strbuf_addf(out, "%04d-%02d-%02d %02d:%02d:%02d.%03d%s", t.date.year, t.date.month,
		t.date.day, t.time.hour, t.time.min, t.time.sec, t.time.micros / 1000,
		zoned ? " UTC" : "");
}

static void format_blob(struct strbuf *out, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		strbuf_addf(out, "%s%02x", i ? " " : "", (unsigned char)data[i]);
}

static void format_string(struct strbuf *out, const void *data, idx_t row, bool blob)
{
	duckdb_string_t s = ((const duckdb_string_t *)data)[row];
	const char *text = duckdb_string_t_data(&s);

	if (blob)
		format_blob(out, text, duckdb_string_t_length(s));
	else
		strbuf_add(out, text, duckdb_string_t_length(s));
}

static void nested(struct strbuf *out, duckdb_vector vector, duckdb_logical_type type, idx_t row)
{
	if (!format_value(out, vector, type, row, false))
		strbuf_addstr(out, "null");
}

static void format_list(
	struct strbuf *out, duckdb_vector vector, duckdb_logical_type type, idx_t row)
{
	duckdb_list_entry e = ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row];
	duckdb_vector child = duckdb_list_vector_get_child(vector);
	duckdb_logical_type of = duckdb_list_type_child_type(type);

	strbuf_addch(out, '[');
	for (idx_t i = 0; i < e.length; i++) {
		strbuf_addstr(out, i ? ", " : "");
		nested(out, child, of, e.offset + i);
	}
	strbuf_addch(out, ']');
	duckdb_destroy_logical_type(&of);
}

static void format_struct(
	struct strbuf *out, duckdb_vector vector, duckdb_logical_type type, idx_t row)
{
	idx_t nr = duckdb_struct_type_child_count(type);

	strbuf_addch(out, '{');
	for (idx_t i = 0; i < nr; i++) {
		char *name = duckdb_struct_type_child_name(type, i);
		duckdb_logical_type of = duckdb_struct_type_child_type(type, i);
		strbuf_addf(out, "%s%s=", i ? ", " : "", name);
		nested(out, duckdb_struct_vector_get_child(vector, i), of, row);
		duckdb_free(name);
		duckdb_destroy_logical_type(&of);
	}
	strbuf_addch(out, '}');
}

/* A map is kept as a list of pairs. */
static void format_map(
	struct strbuf *out, duckdb_vector vector, duckdb_logical_type type, idx_t row)
{
	duckdb_list_entry e = ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row];
	duckdb_vector pair = duckdb_list_vector_get_child(vector);
	duckdb_logical_type key = duckdb_map_type_key_type(type);
	duckdb_logical_type value = duckdb_map_type_value_type(type);

	strbuf_addch(out, '{');
	for (idx_t i = 0; i < e.length; i++) {
		strbuf_addstr(out, i ? ", " : "");
		nested(out, duckdb_struct_vector_get_child(pair, 0), key, e.offset + i);
		strbuf_addch(out, '=');
		nested(out, duckdb_struct_vector_get_child(pair, 1), value, e.offset + i);
	}
	strbuf_addch(out, '}');
	duckdb_destroy_logical_type(&key);
	duckdb_destroy_logical_type(&value);
}

bool format_value(
	struct strbuf *out, duckdb_vector vector, duckdb_logical_type type, idx_t row, bool zoned)
{
	const void *data = duckdb_vector_get_data(vector);
	uint64_t *validity = duckdb_vector_get_validity(vector);
	duckdb_type id = duckdb_get_type_id(type);

	if (validity && !duckdb_validity_row_is_valid(validity, row))
		return false;
	switch (id) {
	case DUCKDB_TYPE_BOOLEAN:
		strbuf_addstr(out, ((const bool *)data)[row] ? "true" : "false");
		break;
	case DUCKDB_TYPE_TINYINT:
		strbuf_addf(out, "%d", ((const int8_t *)data)[row]);
		break;
	case DUCKDB_TYPE_SMALLINT:
		strbuf_addf(out, "%d", ((const int16_t *)data)[row]);
		break;
	case DUCKDB_TYPE_INTEGER:
		strbuf_addf(out, "%d", ((const int32_t *)data)[row]);
		break;
	case DUCKDB_TYPE_BIGINT:
		strbuf_addf(out, "%lld", (long long)((const int64_t *)data)[row]);
		break;
	case DUCKDB_TYPE_HUGEINT:
		format_int128(out, hugeint(&((const duckdb_hugeint *)data)[row]), 0);
		break;
	case DUCKDB_TYPE_FLOAT:
		format_float(out, ((const float *)data)[row]);
		break;
	case DUCKDB_TYPE_DOUBLE:
		format_double(out, ((const double *)data)[row]);
		break;
	case DUCKDB_TYPE_DECIMAL:
		format_decimal(out, data, type, row);
		break;
	case DUCKDB_TYPE_DATE:
		format_date(out, ((const duckdb_date *)data)[row]);
		break;
	case DUCKDB_TYPE_TIMESTAMP:
		format_timestamp(out, ((const duckdb_timestamp *)data)[row], zoned);
		break;
	case DUCKDB_TYPE_VARCHAR:
	case DUCKDB_TYPE_BLOB:
		format_string(out, data, row, id == DUCKDB_TYPE_BLOB);
		break;
	case DUCKDB_TYPE_LIST:
		format_list(out, vector, type, row);
		break;
	case DUCKDB_TYPE_STRUCT:
		format_struct(out, vector, type, row);
		break;
	case DUCKDB_TYPE_MAP:
		format_map(out, vector, type, row);
		break;
	default:
		strbuf_addf(out, "<type %d>", (int)id);
	}
	return true;
}
