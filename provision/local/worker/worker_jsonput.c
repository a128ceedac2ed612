#include "worker_json.h"
#include <ctype.h>

/* Values of JSON in DuckDB's vectors, and the types that say how. */

/* --- types --- */
static int build(struct json_type *t, const struct json_options *o, duckdb_logical_type type,
	size_t column, struct err *err);

static void set_name(struct json_type *t, const struct json_options *o, size_t i, const char *name)
{
	char *lower = xstrdup(name);
	const char *key;

	lower_ascii(lower);
	key = json_get_str(o->mapping, lower);
	free(lower);
	t->mapped[i] = key != NULL;
	t->names[i] = xstrdup(key ? key : name);
}

static void make_children(struct json_type *t, size_t nr)
{
	t->nr = nr;
	t->children = xcalloc(nr + 1, sizeof(*t->children));
	t->names = xcalloc(nr + 1, sizeof(*t->names));
	t->mapped = xcalloc(nr + 1, sizeof(*t->mapped));
}

/* Takes `type`. */
static int child(struct json_type *t, const struct json_options *o, size_t i,
	duckdb_logical_type type, struct err *err)
{
	int r = build(&t->children[i], o, type, t->column, err);

	t->supported = t->supported && t->children[i].supported;
	duckdb_destroy_logical_type(&type);
	return r;
}

static int build_struct(struct json_type *t, const struct json_options *o, duckdb_logical_type type,
	struct err *err)
{
	int r = 0;

	make_children(t, duckdb_struct_type_child_count(type));
	for (size_t i = 0; !r && i < t->nr; i++) {
		char *name = duckdb_struct_type_child_name(type, i);
		set_name(t, o, i, name);
		duckdb_free(name);
		r = child(t, o, i, duckdb_struct_type_child_type(type, i), err);
	}
	return r;
}

/* What text_column_init() knows a type by. */
static const char *scalar_name(duckdb_logical_type type, char *buf, size_t size)
{
	static const struct {
		duckdb_type id;
		const char *name;
	} names[] = {
		{DUCKDB_TYPE_BIGINT, "BIGINT"},
		{DUCKDB_TYPE_BOOLEAN, "BOOLEAN"},
		{DUCKDB_TYPE_DATE, "DATE"},
		{DUCKDB_TYPE_DOUBLE, "DOUBLE"},
		{DUCKDB_TYPE_FLOAT, "REAL"},
		{DUCKDB_TYPE_INTEGER, "INTEGER"},
		{DUCKDB_TYPE_SMALLINT, "SMALLINT"},
		{DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP"},
		{DUCKDB_TYPE_TINYINT, "TINYINT"},
		{DUCKDB_TYPE_VARCHAR, "VARCHAR"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].id == duckdb_get_type_id(type))
			return names[i].name;
	if (duckdb_get_type_id(type) != DUCKDB_TYPE_DECIMAL)
		return NULL;
	snprintf(buf, size, "DECIMAL(%d,%d)", duckdb_decimal_width(type),
		duckdb_decimal_scale(type));
	return buf;
}

static int build(struct json_type *t, const struct json_options *o, duckdb_logical_type type,
	size_t column, struct err *err)
{
	const char *name;
	char buf[40];
	int r;

	t->id = duckdb_get_type_id(type);
	t->column = column;
	t->supported = true;
	switch (t->id) {
	case DUCKDB_TYPE_STRUCT:
		return build_struct(t, o, type, err);
	case DUCKDB_TYPE_LIST:
		make_children(t, 1);
		return child(t, o, 0, duckdb_list_type_child_type(type), err);
	case DUCKDB_TYPE_MAP:
		make_children(t, 2);
		r = child(t, o, 0, duckdb_map_type_key_type(type), err);
		return r ? r : child(t, o, 1, duckdb_map_type_value_type(type), err);
	default:
		name = scalar_name(type, buf, sizeof(buf));
		t->supported = name != NULL;
		return name ? text_column_init(&t->scalar, name, err) : 0;
	}
}

static void release(struct json_type *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		release(&t->children[i]);
		free(t->names[i]);
	}
	free(t->children);
	free(t->names);
	free(t->mapped);
	if (t->logical)
		duckdb_destroy_logical_type(&t->logical);
}

/* The type as DuckDB has it, of its name. */
static int add_column(struct json_scan *j, struct session *s, const struct json *column, size_t i,
	struct err *err)
{
	const char *name = json_get_str(column, "name"), *type = json_get_str(column, "type");
	char *sql = xasprintf("SELECT CAST(NULL AS %s)", type);
	struct json_type *t = &j->row.children[i];
	duckdb_result result;
	int r = session_query(s, sql, &result, err);

	free(sql);
	if (r)
		return -1;
	set_name(&j->row, &j->options, i, name);
	t->logical = duckdb_column_logical_type(&result, 0);
	duckdb_destroy_result(&result);
	if (build(t, &j->options, t->logical, i, err))
		return -1;
	if (!t->supported && json_get_truth(column, "used", false))
		return err_set(err, ERR_INVALID,
			"NOT_SUPPORTED: column '%s' of type %s in JSON files", name, type);
	return 0;
}

struct json_scan *json_scan_new(struct session *s, const struct json *options,
	const struct json *columns, size_t nr, struct err *err)
{
	struct json_scan *j = xcalloc(1, sizeof(*j));
	struct json *c;
	size_t i = 0;

	j->options = (struct json_options){
		.hive = json_get_truth(options, "hive", false),
		.fold = json_get_truth(options, "fold", true),
		.dots = json_get_truth(options, "dots", false),
		.ignore = json_get_truth(options, "ignore", false),
		.mapping = json_get(options, "mapping"),
	};
	make_children(&j->row, nr);
	json_each(c, columns)
	{
		if (i == nr)
			break;
		if (add_column(j, s, c, i++, err)) {
			json_scan_free(j);
			return NULL;
		}
	}
	return j;
}

void json_scan_free(struct json_scan *j)
{
	if (!j)
		return;
	release(&j->row);
	free(j);
}

/* --- values --- */
/* A null struct's fields are null too: DuckDB looks at those alone. */
static void put_null(const struct json_type *t, duckdb_vector vector, idx_t row)
{
	vector_null(vector, row);
	if (t->id == DUCKDB_TYPE_STRUCT)
		for (size_t i = 0; i < t->nr; i++)
			put_null(&t->children[i], duckdb_struct_vector_get_child(vector, i), row);
	else if (t->id == DUCKDB_TYPE_LIST || t->id == DUCKDB_TYPE_MAP)
		((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] = (duckdb_list_entry){
			.offset = duckdb_list_vector_get_size(vector), .length = 0};
}

static int bad(const struct json_type *t, const struct json *v, const char *why, struct err *err)
{
	const char *text = json_scalar_text(v);
	struct strbuf sb = STRBUF_INIT;

	if (text)
		strbuf_addstr(&sb, text);
	else
		json_print(v, &sb);
	err_set(err, ERR_INVALID,
		"HIVE_BAD_DATA: Error parsing field value '%.*s' for field %zu: %s%.*s%s",
		(int)(sb.len < 100 ? sb.len : 100), sb.buf, t->column,
		why ? why : "For input string: \"", why ? 0 : (int)(sb.len < 100 ? sb.len : 100),
		sb.buf, why ? "" : "\"");
	strbuf_release(&sb);
	return -1;
}

/* What the value is in Java, for the words of a failed cast. */
static const char *java_class(const struct json *v)
{
	switch (json_kind(v)) {
	case JSON_OBJECT:
		return "org.openx.data.jsonserde.json.JSONObject";
	case JSON_ARRAY:
		return "org.openx.data.jsonserde.json.JSONArray";
	case JSON_BOOL:
		return "java.lang.Boolean";
	case JSON_NUMBER:
		return "java.lang.Number";
	default:
		return "java.lang.String";
	}
}

static int bad_class(
	const struct json_type *t, const struct json *v, const char *class, struct err *err)
{
	char *why = xasprintf("%s cannot be cast to %s", java_class(v), class);

	bad(t, v, why, err);
	free(why);
	return -1;
}

static bool is_blank(const struct json *v)
{
	const char *text = json_str(v);

	return text && !text[strspn(text, " \t\r\n")];
}

/* Keys in lower case, as OpenX keeps them. */
static struct json *folded(const struct json *v)
{
	struct json *out, *e;

	if (!json_is(v, JSON_OBJECT) && !json_is(v, JSON_ARRAY))
		return json_copy(v);
	out = json_is(v, JSON_OBJECT) ? json_object() : json_array();
	json_each(e, v)
	{
		char *name = json_is(v, JSON_OBJECT) ? xstrdup(json_name(e)) : NULL;
		if (name) {
			lower_ascii(name);
			json_append(out, name, folded(e));
			free(name);
		} else {
			json_push(out, folded(e));
		}
	}
	return out;
}

/* Any value as text; OpenX has fractions as Java's doubles. */
static int text_of(const struct json_options *o, const struct json_type *t, const struct json *v,
	struct strbuf *out, struct err *err)
{
	const char *text = json_scalar_text(v);
	struct json *lower;

	if (!text) {
		if (o->hive)
			return bad(t, v, "a JSON object or array is no string", err);
		lower = o->fold ? folded(v) : NULL;
		json_print(lower ? lower : v, out);
		json_free(lower);
		return 0;
	}
	if (json_is(v, JSON_NUMBER) && !o->hive && strpbrk(text, ".eE"))
		format_double(out, json_dbl(v, 0));
	else
		strbuf_addstr(out, text);
	return 0;
}

/* "1.5e3" without exponent: "1500". What is none stays. */
static void without_exponent(const char *text, struct strbuf *out)
{
	const char *e = strpbrk(text, "eE"), *digits = text + (*text == '-' || *text == '+');
	long exponent = e ? strtol(e + 1, NULL, 10) : 0, point = 0, nr = 0;
	struct strbuf all = STRBUF_INIT;
	bool fraction = false;

	if (!e || exponent > 400 || exponent < -400) {
		strbuf_addstr(out, text);
		return;
	}
	for (const char *p = digits; p < e; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		strbuf_addch(&all, *p);
		nr++;
		point += !fraction;
	}
	point += exponent;
	strbuf_addstr(out, *text == '-' ? "-0" : "0");
	for (long i = 0; i < point; i++)
		strbuf_addch(out, i < nr ? all.buf[i] : '0');
	strbuf_addch(out, '.');
	for (long i = point; i < nr; i++)
		strbuf_addch(out, i < 0 ? '0' : all.buf[i]);
	strbuf_addch(out, '0');
	strbuf_release(&all);
}

/* --- times --- */
/* "+0130", "-01:30" or "Z" at the end: its minutes, and cut off. False: no zone. */
static bool cut_zone(struct strbuf *s, int *minutes)
{
	const char *at;
	int hour, minute;
	size_t digits;

	*minutes = 0;
	if (s->len && (s->buf[s->len - 1] == 'Z' || s->buf[s->len - 1] == 'z')) {
		strbuf_setlen(s, s->len - 1);
		return true;
	}
	at = s->len > 11 ? strpbrk(s->buf + 11, "+-") : NULL;
	digits = at ? strspn(at + 1, "0123456789:") : 0;
	if (!at || at[1 + digits] || digits < 4 ||
		sscanf(at + 1, at[3] == ':' ? "%2d:%2d" : "%2d%2d", &hour, &minute) != 2)
		return false;
	*minutes = (hour * 60 + minute) * (*at == '-' ? -1 : 1);
	strbuf_setlen(s, (size_t)(at - s->buf));
	return true;
}

/* Seconds, of 13 digits and more milliseconds; with a point seconds and milliseconds. */
static bool epoch(const char *text, duckdb_timestamp *out)
{
	const char *point = strchr(text, '.');
	bool minus = *text == '-';
	int64_t fraction = 0, unit = 100;
	long long n;
	char *whole;
	bool ok;

	whole = xstrndup(text, point ? (size_t)(point - text) : strlen(text));
	ok = !parse_int64(whole, -9000000000000, 9000000000000, &n);
	free(whole);
	if (!ok)
		return false;
	for (const char *p = point ? point + 1 : ""; *p; p++, unit /= 10) {
		if (!isdigit((unsigned char)*p))
			return false;
		fraction += (*p - '0') * unit;
	}
	n = !point && strlen(text) >= 13 ? n : n * 1000;
	if (n > 9000000000000000 || n < -9000000000000000)
		return false;
	out->micros = ((int64_t)n + (minus ? -fraction : fraction)) * 1000;
	return true;
}

static bool put_timestamp(const struct json_options *o, const struct json_type *t,
	const struct json *v, duckdb_vector vector, idx_t row)
{
	duckdb_timestamp *data = duckdb_vector_get_data(vector);
	const char *text = json_scalar_text(v);
	struct strbuf s = STRBUF_INIT;
	int minutes = 0;
	bool ok;

	if (!o->hive && !strchr(text, ':'))
		return epoch(text, &data[row]);
	strbuf_addstr(&s, text);
	if (!o->hive) {
		cut_zone(&s, &minutes);
		if (s.len > 10 && (s.buf[10] == 'T' || s.buf[10] == 't'))
			s.buf[10] = ' ';
		if (s.len == strlen("2020-01-01 10:00"))
			strbuf_addstr(&s, ":00");
	}
	ok = text_column_put(&t->scalar, vector, row, s.buf, s.len);
	if (ok)
		data[row].micros -= (int64_t)minutes * 60 * 1000000;
	strbuf_release(&s);
	return ok;
}

/* --- plain values --- */
static bool is_time(const struct json_type *t)
{
	return t->id == DUCKDB_TYPE_DATE || t->id == DUCKDB_TYPE_TIMESTAMP;
}

static bool is_numeric(const struct json_type *t)
{
	return t->id != DUCKDB_TYPE_VARCHAR && t->id != DUCKDB_TYPE_BOOLEAN && !is_time(t);
}

static int put_boolean(const struct json_options *o, const struct json_type *t,
	const struct json *v, duckdb_vector vector, idx_t row, struct err *err)
{
	bool *data = duckdb_vector_get_data(vector);

	if (json_is(v, JSON_BOOL))
		data[row] = json_truth(v, false);
	else if (json_is(v, JSON_STRING) && !o->hive) /* Boolean.parseBoolean() */
		data[row] = iequals(json_str(v), "true");
	else
		return bad_class(t, v, "java.lang.Boolean", err);
	return 0;
}

/* Hive's reader goes by the token's kind. */
static int check_token(const struct json_type *t, const struct json *v, struct err *err)
{
	if (is_numeric(t) && !json_is(v, JSON_NUMBER))
		return err_set(err, ERR_INVALID,
			"HIVE_CURSOR_ERROR: Current token (%s) not numeric, can not use numeric "
			"value accessors",
			json_is(v, JSON_STRING) ? "VALUE_STRING"
			: json_truth(v, false)  ? "VALUE_TRUE"
						: "VALUE_FALSE");
	if (is_time(t) && !json_is(v, JSON_STRING))
		return bad(t, v, NULL, err);
	return 0;
}

static int put_plain(const struct json_options *o, const struct json_type *t, const struct json *v,
	duckdb_vector vector, idx_t row, struct err *err)
{
	struct strbuf s = STRBUF_INIT;
	int r = -1;
	bool ok;

	if (t->id == DUCKDB_TYPE_BOOLEAN)
		return put_boolean(o, t, v, vector, row, err);
	if (t->id != DUCKDB_TYPE_VARCHAR && !json_scalar_text(v))
		return bad_class(t, v, "a plain value", err);
	if (o->hive && json_scalar_text(v) && check_token(t, v, err))
		return -1;
	if (t->id == DUCKDB_TYPE_TIMESTAMP) {
		ok = put_timestamp(o, t, v, vector, row);
		return ok ? 0 : bad(t, v, NULL, err);
	}
	if (t->id == DUCKDB_TYPE_DECIMAL)
		without_exponent(json_scalar_text(v), &s);
	else if (t->id != DUCKDB_TYPE_VARCHAR)
		strbuf_addstr(&s, json_scalar_text(v));
	else if (text_of(o, t, v, &s, err))
		goto out;
	if (t->id == DUCKDB_TYPE_DATE && !o->hive && strchr(s.buf, ' '))
		strbuf_setlen(&s, strcspn(s.buf, " "));
	ok = text_column_put(&t->scalar, vector, row, s.buf, s.len);
	r = ok ? 0 : bad(t, v, NULL, err);
out:
	strbuf_release(&s);
	return r;
}

/* --- nested values --- */
static duckdb_vector grow(duckdb_vector vector, idx_t row, size_t nr, idx_t *base)
{
	*base = duckdb_list_vector_get_size(vector);
	((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] =
		(duckdb_list_entry){.offset = *base, .length = nr};
	if (duckdb_list_vector_reserve(vector, *base + nr) == DuckDBError ||
		duckdb_list_vector_set_size(vector, *base + nr) == DuckDBError)
		BUG("a list of DuckDB does not grow");
	return duckdb_list_vector_get_child(vector);
}

static int put_list(const struct json_options *o, const struct json_type *t, const struct json *v,
	duckdb_vector vector, idx_t row, struct err *err)
{
	duckdb_vector child;
	struct json *e;
	idx_t base;

	if (!json_is(v, JSON_ARRAY)) {
		if (o->hive)
			return bad_class(t, v, "org.openx.data.jsonserde.json.JSONArray", err);
		child = grow(vector, row, 1, &base); /* one value stands for an array of it */
		return json_put(o, &t->children[0], v, child, base, err);
	}
	child = grow(vector, row, json_len(v), &base);
	json_each(e, v) if (json_put(o, &t->children[0], e, child, base++, err)) return -1;
	return 0;
}

static int put_map(const struct json_options *o, const struct json_type *t, const struct json *v,
	duckdb_vector vector, idx_t row, struct err *err)
{
	duckdb_vector pair;
	struct json *e;
	idx_t base;

	if (!json_is(v, JSON_OBJECT))
		return bad_class(t, v, "org.openx.data.jsonserde.json.JSONObject", err);
	pair = grow(vector, row, json_len(v), &base);
	json_each(e, v)
	{
		struct json *key = json_string(json_name(e)), *lower;
		int r;
		if (o->fold && !o->hive) {
			char *name = xstrdup(json_name(e));
			lower_ascii(name);
			lower = json_string(name);
			free(name);
			json_free(key);
			key = lower;
		}
		r = json_put(&(struct json_options){0}, &t->children[0], key,
			    duckdb_struct_vector_get_child(pair, 0), base, err) ||
		    json_put(o, &t->children[1], e, duckdb_struct_vector_get_child(pair, 1), base,
			    err);
		json_free(key);
		if (r)
			return -1;
		base++;
	}
	return 0;
}

static int put_struct(const struct json_options *o, const struct json_type *t, const struct json *v,
	duckdb_vector vector, idx_t row, struct err *err)
{
	struct json *at = NULL;

	if (!json_is(v, JSON_OBJECT) && (o->hive || !json_is(v, JSON_ARRAY)))
		return bad_class(t, v, "org.openx.data.jsonserde.json.JSONObject", err);
	for (size_t i = 0; i < t->nr; i++)
		if (json_put(o, &t->children[i], json_field(o, t, i, v, &at),
			    duckdb_struct_vector_get_child(vector, i), row, err))
			return -1;
	return 0;
}

int json_put(const struct json_options *o, const struct json_type *t, const struct json *v,
	duckdb_vector vector, idx_t row, struct err *err)
{
	bool nested = t->nr || t->id == DUCKDB_TYPE_STRUCT;

	if (!t->supported || !v || json_is(v, JSON_NULL) || (nested && !o->hive && is_blank(v))) {
		put_null(t, vector, row);
		return 0;
	}
	switch (t->id) {
	case DUCKDB_TYPE_LIST:
		return put_list(o, t, v, vector, row, err);
	case DUCKDB_TYPE_MAP:
		return put_map(o, t, v, vector, row, err);
	case DUCKDB_TYPE_STRUCT:
		return put_struct(o, t, v, vector, row, err);
	default:
		return put_plain(o, t, v, vector, row, err);
	}
}
