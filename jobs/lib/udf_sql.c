#include <duckdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "duck.h"
#include "udf.h"
#include "utf8.h"

#define MAX_SHOWN 100

struct udf_session {
	pthread_mutex_t lock; /* has_bad, bad: threads of DuckDB meet them */
	bool has_bad;
	struct udf_bad bad;
};

/* A call's vectors. */
struct call {
	duckdb_function_info info;
	struct udf_session *session;
	duckdb_string_t *texts;
	uint64_t *text_validity, *validity;
	duckdb_vector output;
	void *data;
	const int64_t *row_ids;
	const int32_t *columns;
};

static void set_null(struct call *c, idx_t row)
{
	if (!c->validity) {
		duckdb_vector_ensure_validity_writable(c->output);
		c->validity = duckdb_vector_get_validity(c->output);
	}
	duckdb_validity_set_row_invalid(c->validity, row);
}

static void keep_bad(struct call *c, idx_t row, const char *text, size_t len, const char *why)
{
	struct udf_session *s = c->session;
	struct strbuf value = STRBUF_INIT;
	size_t shown = len;

	/* Not through a letter. */
	while (shown > MAX_SHOWN || (shown < len && (text[shown] & 0xc0) == 0x80))
		shown--;
	strbuf_add(&value, text, shown);
	if (shown < len)
		strbuf_addstr(&value, "...");
	pthread_mutex_lock(&s->lock);
	/* Threads meet them in any order: the first of those that are met is the one to tell. */
	if (!s->has_bad || c->row_ids[row] < s->bad.row_id) {
		free(s->bad.value);
		s->bad = (struct udf_bad){
			c->row_ids[row], (size_t)c->columns[row], strbuf_detach(&value, NULL), why};
		s->has_bad = true;
	}
	pthread_mutex_unlock(&s->lock);
	strbuf_release(&value);
	duckdb_scalar_function_set_error(c->info, why);
}

static enum udf_result convert(enum udf_type type, struct call *c, idx_t row, const char *text,
	size_t len, const char **why)
{
	switch (type) {
	case UDF_STRING:
		((bool *)c->data)[row] = udf_is_blank(text, len);
		return UDF_OK;
	case UDF_LONG:
		return udf_long(text, len, (int64_t *)c->data + row, why);
	case UDF_DOUBLE:
		return udf_double(text, len, (double *)c->data + row, why);
	case UDF_DATE:
		return udf_date(text, len, (int32_t *)c->data + row, why);
	case UDF_TIMESTAMP:
		return udf_timestamp(text, len, (int64_t *)c->data + row, why);
	}
	return UDF_BAD;
}

static inline __attribute__((always_inline)) void call(enum udf_type type,
	duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	struct call c = {.info = info, .output = output, .data = duckdb_vector_get_data(output)};
	duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
	idx_t rows = duckdb_data_chunk_get_size(input);

	c.session = duckdb_scalar_function_get_extra_info(info);
	c.texts = duckdb_vector_get_data(texts);
	c.text_validity = duckdb_vector_get_validity(texts);
	if (type != UDF_STRING) {
		c.row_ids = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
		c.columns = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 2));
	}
	for (idx_t i = 0; i < rows; i++) {
		const char *why = NULL, *text;
		enum udf_result result;
		size_t len;

		if (c.text_validity && !duckdb_validity_row_is_valid(c.text_validity, i)) {
			set_null(&c, i);
			continue;
		}
		text = duckdb_string_t_data(&c.texts[i]);
		len = duckdb_string_t_length(c.texts[i]);
		result = convert(type, &c, i, text, len, &why);
		if (result == UDF_NULL)
			set_null(&c, i);
		else if (result == UDF_BAD) {
			keep_bad(&c, i, text, len, why);
			return;
		}
	}
}

static void is_blank(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	call(UDF_STRING, info, input, output);
}

static void as_long(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	call(UDF_LONG, info, input, output);
}

static void as_double(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	call(UDF_DOUBLE, info, input, output);
}

static void as_date(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	call(UDF_DATE, info, input, output);
}

static void as_timestamp(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	call(UDF_TIMESTAMP, info, input, output);
}

static const struct {
	const char *name;
	duckdb_type type;
	duckdb_scalar_function_t function;
} functions[] = {
	[UDF_STRING] = {"udf_is_blank", DUCKDB_TYPE_BOOLEAN, is_blank},
	[UDF_LONG] = {"udf_long", DUCKDB_TYPE_BIGINT, as_long},
	[UDF_DOUBLE] = {"udf_double", DUCKDB_TYPE_DOUBLE, as_double},
	[UDF_DATE] = {"udf_date", DUCKDB_TYPE_DATE, as_date},
	[UDF_TIMESTAMP] = {"udf_timestamp", DUCKDB_TYPE_TIMESTAMP, as_timestamp},
};

static void add_parameter(duckdb_scalar_function f, duckdb_type id)
{
	duckdb_logical_type type = duckdb_create_logical_type(id);

	duckdb_scalar_function_add_parameter(f, type);
	duckdb_destroy_logical_type(&type);
}

static int register_one(struct duck *d, enum udf_type which, struct udf_session *s, struct err *err)
{
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_logical_type type = duckdb_create_logical_type(functions[which].type);
	int ret = 0;

	duckdb_scalar_function_set_name(f, functions[which].name);
	add_parameter(f, DUCKDB_TYPE_VARCHAR);
	if (which != UDF_STRING) {
		add_parameter(f, DUCKDB_TYPE_BIGINT);
		add_parameter(f, DUCKDB_TYPE_INTEGER);
	}
	duckdb_scalar_function_set_return_type(f, type);
	duckdb_scalar_function_set_special_handling(f); /* nulls are ours */
	duckdb_scalar_function_set_extra_info(f, s, NULL);
	duckdb_scalar_function_set_function(f, functions[which].function);
	if (duckdb_register_scalar_function(duck_raw(d), f) != DuckDBSuccess)
		ret = err_set(
			err, ERR_FAILED, "DuckDB refuses the function '%s'", functions[which].name);
	duckdb_destroy_logical_type(&type);
	duckdb_destroy_scalar_function(&f);
	return ret;
}

struct udf_session *udf_register(struct duck *d, struct err *err)
{
	struct udf_session *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (register_one(d, (enum udf_type)i, s, err) != 0) {
			udf_session_free(s);
			return NULL;
		}
	}
	return s;
}

void udf_session_free(struct udf_session *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->bad.value);
	free(s);
}

const struct udf_bad *udf_session_bad(const struct udf_session *s)
{
	return s->has_bad ? &s->bad : NULL;
}

void udf_add_sql(
	struct strbuf *sql, enum udf_type type, const char *text, const char *row_id, size_t column)
{
	if (type == UDF_STRING)
		strbuf_addf(sql, "CASE WHEN %s(%s) THEN NULL ELSE %s END", functions[type].name,
			text, text);
	else
		strbuf_addf(sql, "%s(%s, %s, %zu::INTEGER)", functions[type].name, text, row_id,
			column);
}
