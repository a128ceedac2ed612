#include "worker.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>

/* Fields of text as values, by the rules of Hive's LazySimpleSerDe: what does not parse is null. */

static const struct {
	const char *name;
	duckdb_type type;
} types[] = {
	{"BIGINT", DUCKDB_TYPE_BIGINT},
	{"BOOLEAN", DUCKDB_TYPE_BOOLEAN},
	{"DATE", DUCKDB_TYPE_DATE},
	{"DOUBLE", DUCKDB_TYPE_DOUBLE},
	{"INTEGER", DUCKDB_TYPE_INTEGER},
	{"REAL", DUCKDB_TYPE_FLOAT},
	{"SMALLINT", DUCKDB_TYPE_SMALLINT},
	{"TIMESTAMP", DUCKDB_TYPE_TIMESTAMP},
	{"TINYINT", DUCKDB_TYPE_TINYINT},
	{"VARCHAR", DUCKDB_TYPE_VARCHAR},
};

int text_column_init(struct text_column *c, const char *duck_type, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, duck_type)) {
			c->type = types[i].type;
			return 0;
		}
	if (sscanf(duck_type, "DECIMAL(%d,%d)", &c->width, &c->scale) == 2) {
		c->type = DUCKDB_TYPE_DECIMAL;
		c->store = c->width <= 4    ? DUCKDB_TYPE_SMALLINT
			   : c->width <= 9  ? DUCKDB_TYPE_INTEGER
			   : c->width <= 18 ? DUCKDB_TYPE_BIGINT
					    : DUCKDB_TYPE_HUGEINT;
		return 0;
	}
	return err_set(
		err, ERR_INVALID, "NOT_SUPPORTED: columns of type %s in text files", duck_type);
}

duckdb_logical_type text_column_type(const struct text_column *c)
{
	return c->type == DUCKDB_TYPE_DECIMAL
		       ? duckdb_create_decimal_type((uint8_t)c->width, (uint8_t)c->scale)
		       : duckdb_create_logical_type(c->type);
}

void vector_null(duckdb_vector vector, idx_t row)
{
	duckdb_vector_ensure_validity_writable(vector);
	duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}

static bool parse_integer(const char *text, size_t len, int64_t min, int64_t max, int64_t *out)
{
	bool minus = len && *text == '-';
	uint64_t n = 0;
	size_t i = len && (*text == '-' || *text == '+');

	if (i == len)
		return false;
	for (; i < len; i++) {
		unsigned digit = (unsigned)(text[i] - '0');
		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - n) : (int64_t)n;
	return *out >= min && *out <= max;
}

static bool parse_double(const char *text, size_t len, double *out)
{
	char buf[400], *end;

	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (!len || len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (strpbrk(buf, "xXpP"))
		return false;
	end = buf + (*buf == '-' || *buf == '+');
	if (isalpha((unsigned char)*end) && strcmp(end, "NaN") && strcmp(end, "Infinity"))
		return false;
	*out = strtod(buf, &end);
	if (*end && strchr("fFdD", *end))
		end++;
	return !*end && end != buf;
}

/* Digits and a point, rounded half away from zero to the scale; false when too wide. */
static bool parse_decimal(const struct text_column *c, const char *text, size_t len, __int128 *out)
{
	__int128 v = 0, limit = 1;
	bool minus = len && *text == '-', point = false, any = false, round = false;
	int scale = 0;
	size_t i = len && (*text == '-' || *text == '+');

	for (int k = 0; k < c->width; k++)
		limit *= 10;
	for (; i < len; i++) {
		if (text[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)text[i]))
			return false;
		any = true;
		if (point && scale == c->scale) {
			round = text[i] >= '5';
			for (i++; i < len; i++)
				if (!isdigit((unsigned char)text[i]))
					return false;
			break;
		}
		v = v * 10 + (text[i] - '0');
		scale += point;
		if (v >= limit)
			return false;
	}
	for (; scale < c->scale && v < limit; scale++)
		v *= 10;
	v += round;
	*out = minus ? -v : v;
	return any && v < limit;
}

static bool number(const char **at, const char *end, int min_digits, int max_digits, int *out)
{
	int digits = 0;

	*out = 0;
	for (; *at < end && digits < max_digits && isdigit((unsigned char)**at); ++*at, digits++)
		*out = *out * 10 + (**at - '0');
	return digits >= min_digits;
}

static bool expect(const char **at, const char *end, char ch)
{
	if (*at == end || **at != ch)
		return false;
	++*at;
	return true;
}

static bool parse_date(const char **at, const char *end, duckdb_date_struct *d)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int month, day;

	if (!number(at, end, 4, 4, &d->year) || !expect(at, end, '-') ||
		!number(at, end, 1, 2, &month) || !expect(at, end, '-') ||
		!number(at, end, 1, 2, &day))
		return false;
	d->month = (int8_t)month;
	d->day = (int8_t)day;
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	return month != 2 || day < 29 ||
	       (d->year % 4 == 0 && (d->year % 100 != 0 || d->year % 400 == 0));
}

static bool parse_timestamp(const char *at, const char *end, duckdb_timestamp *out)
{
	duckdb_timestamp_struct t = {0};
	int hour, minute, second, micros = 0, unit = 100000;

	if (!parse_date(&at, end, &t.date) || !expect(&at, end, ' ') ||
		!number(&at, end, 1, 2, &hour) || !expect(&at, end, ':') ||
		!number(&at, end, 1, 2, &minute) || !expect(&at, end, ':') ||
		!number(&at, end, 1, 2, &second))
		return false;
	if (at < end && *at == '.')
		for (at++; at < end && isdigit((unsigned char)*at); at++, unit /= 10)
			micros += (*at - '0') * unit;
	if (at != end || hour > 23 || minute > 59 || second > 59)
		return false;
	t.time.hour = (int8_t)hour;
	t.time.min = (int8_t)minute;
	t.time.sec = (int8_t)second;
	t.time.micros = micros;
	*out = duckdb_to_timestamp(t);
	return true;
}

static bool put_integer(duckdb_type type, void *data, idx_t row, const char *text, size_t len)
{
	int64_t n;

	switch (type) {
	case DUCKDB_TYPE_TINYINT:
		if (!parse_integer(text, len, INT8_MIN, INT8_MAX, &n))
			return false;
		((int8_t *)data)[row] = (int8_t)n;
		return true;
	case DUCKDB_TYPE_SMALLINT:
		if (!parse_integer(text, len, INT16_MIN, INT16_MAX, &n))
			return false;
		((int16_t *)data)[row] = (int16_t)n;
		return true;
	case DUCKDB_TYPE_INTEGER:
		if (!parse_integer(text, len, INT32_MIN, INT32_MAX, &n))
			return false;
		((int32_t *)data)[row] = (int32_t)n;
		return true;
	default:
		if (!parse_integer(text, len, INT64_MIN, INT64_MAX, &n))
			return false;
		((int64_t *)data)[row] = n;
		return true;
	}
}

static bool put_decimal(
	const struct text_column *c, void *data, idx_t row, const char *text, size_t len)
{
	__int128 v;

	if (!parse_decimal(c, text, len, &v))
		return false;
	switch (c->store) {
	case DUCKDB_TYPE_SMALLINT:
		((int16_t *)data)[row] = (int16_t)v;
		break;
	case DUCKDB_TYPE_INTEGER:
		((int32_t *)data)[row] = (int32_t)v;
		break;
	case DUCKDB_TYPE_BIGINT:
		((int64_t *)data)[row] = (int64_t)v;
		break;
	default:
		((duckdb_hugeint *)data)[row] =
			(duckdb_hugeint){.lower = (uint64_t)v, .upper = (int64_t)(v >> 64)};
	}
	return true;
}

static bool put_time(duckdb_type type, void *data, idx_t row, const char *text, size_t len)
{
	const char *end = text + len;
	duckdb_date_struct d;

	if (type == DUCKDB_TYPE_TIMESTAMP)
		return parse_timestamp(text, end, &((duckdb_timestamp *)data)[row]);
	if (!parse_date(&text, end, &d) || text != end)
		return false;
	((duckdb_date *)data)[row] = duckdb_to_date(d);
	return true;
}

static bool put_boolean(void *data, idx_t row, const char *text, size_t len)
{
	bool yes = len == 4 && !strncasecmp(text, "true", 4);

	((bool *)data)[row] = yes;
	return yes || (len == 5 && !strncasecmp(text, "false", 5));
}

/* Bytes of the UTF-8 character at text; 0 when it is none. */
static size_t utf8_length(const unsigned char *text, size_t len)
{
	size_t n = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;

	if (!n || *text > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] > 0x9f) ||
		(*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] > 0x8f))
		return 0;
	return n;
}

/* DuckDB takes only UTF-8: what is none becomes U+FFFD, as in Java. */
static void put_text(duckdb_vector vector, idx_t row, const char *text, size_t len)
{
	struct strbuf mended = STRBUF_INIT;
	size_t i = 0, n;

	while (i < len && (n = utf8_length((const unsigned char *)text + i, len - i)))
		i += n;
	if (i == len) {
		duckdb_vector_assign_string_element_len(vector, row, text, len);
		return;
	}
	for (i = 0; i < len; i += n ? n : 1) {
		n = utf8_length((const unsigned char *)text + i, len - i);
		if (n)
			strbuf_add(&mended, text + i, n);
		else
			strbuf_addstr(&mended, "\xef\xbf\xbd");
	}
	duckdb_vector_assign_string_element_len(vector, row, mended.buf, mended.len);
	strbuf_release(&mended);
}

static bool put(
	const struct text_column *c, duckdb_vector vector, idx_t row, const char *text, size_t len)
{
	void *data = duckdb_vector_get_data(vector);
	double d;

	switch (c->type) {
	case DUCKDB_TYPE_VARCHAR:
		put_text(vector, row, text, len);
		return true;
	case DUCKDB_TYPE_BOOLEAN:
		return put_boolean(data, row, text, len);
	case DUCKDB_TYPE_FLOAT:
	case DUCKDB_TYPE_DOUBLE:
		if (!parse_double(text, len, &d))
			return false;
		if (c->type == DUCKDB_TYPE_FLOAT)
			((float *)data)[row] = (float)d;
		else
			((double *)data)[row] = d;
		return true;
	case DUCKDB_TYPE_DECIMAL:
		return put_decimal(c, data, row, text, len);
	case DUCKDB_TYPE_DATE:
	case DUCKDB_TYPE_TIMESTAMP:
		return put_time(c->type, data, row, text, len);
	default:
		return put_integer(c->type, data, row, text, len);
	}
}

bool text_column_put(
	const struct text_column *c, duckdb_vector vector, idx_t row, const char *text, size_t len)
{
	if (put(c, vector, row, text, len))
		return true;
	vector_null(vector, row);
	return false;
}
