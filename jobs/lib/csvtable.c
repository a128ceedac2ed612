#include "csvtable.h"

#include <duckdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "convert.h"

#define MAX_COLUMNS 10000

struct csv_table {
	struct csv_cutter cutter;
	struct strvec columns;
	enum csv_type *types;
	size_t threads;
	struct strbuf first; /* the first chunk behind the header, until a thread takes it */
	bool first_taken;
	_Atomic int64_t rows;
	pthread_mutex_t lock; /* first, err */
	struct err err;
};

void csv_rename(struct strbuf *name)
{
	strbuf_replace(name, " ", "_");
	lower_ascii(name->buf);
}

/* --- UTF-8 --- */

/* The length of a well-formed character at p, 0 where there is none. */
static size_t character_length(const unsigned char *p, size_t len)
{
	size_t need = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (need <= 1)
		return need;
	if (p[0] > 0xf4 || need > len)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return need;
}

/* How many bytes from the start are good; ASCII eight at a time. */
static size_t good_bytes(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint64_t word;
		size_t n;

		if (len - i >= sizeof(word)) {
			memcpy(&word, s + i, sizeof(word));
			if (!(word & UINT64_C(0x8080808080808080))) {
				i += sizeof(word);
				continue;
			}
		}
		n = character_length((const unsigned char *)s + i, len - i);
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

static void repair(const char *s, size_t len, struct strbuf *out)
{
	strbuf_clear(out);
	while (len) {
		size_t good = good_bytes(s, len);

		strbuf_add(out, s, good);
		s += good;
		len -= good;
		if (len) {
			strbuf_addstr(out, "\xef\xbf\xbd");
			s++;
			len--;
		}
	}
}

/* --- header --- */

static enum csv_type type_of(const struct csv_rule *rules, const char *name)
{
	for (; rules->name; rules++)
		if (strcmp(rules->name, name) == 0)
			return rules->type;
	return CSV_TEXT;
}

static int take_header(struct csv_table *t, const struct csv_field *fields, size_t nr,
	const struct csv_rule *rules, struct err *err)
{
	struct strbuf name = STRBUF_INIT;
	int ret = 0;

	t->types = xcalloc(nr, sizeof(*t->types));
	for (size_t i = 0; i < nr && ret == 0; i++) {
		repair(fields[i].text, fields[i].len, &name);
		csv_rename(&name);
		if (!name.len)
			strbuf_addf(&name, "_c%zu", i);
		if (strvec_has(&t->columns, name.buf))
			ret = err_set(err, ERR_INVALID,
				"the CSV has two columns with the name '%s'", name.buf);
		t->types[i] = type_of(rules, name.buf);
		strvec_push(&t->columns, name.buf);
	}
	strbuf_release(&name);
	return ret;
}

static int read_header(struct csv_table *t, const struct csv_rule *rules, struct err *err)
{
	struct csv_field *fields = xcalloc(MAX_COLUMNS, sizeof(*fields));
	size_t nr = 0;
	char *at = NULL;
	int got = 1, ret = -1;

	while (nr == 0 && got > 0) {
		got = csv_cutter_take(&t->cutter, &t->first, NULL, err);
		at = t->first.buf;
		if (got > 0)
			nr = csv_read_row(
				&csv_comma, &at, t->first.buf + t->first.len, fields, MAX_COLUMNS);
	}
	if (got == 0)
		err_set(err, ERR_INVALID, "the CSV is empty: it has no header");
	else if (nr > MAX_COLUMNS)
		err_set(err, ERR_INVALID, "the CSV has %zu columns, more than %d", nr, MAX_COLUMNS);
	else if (got > 0)
		ret = take_header(t, fields, nr, rules, err);
	if (ret == 0)
		strbuf_remove(&t->first, 0, (size_t)(at - t->first.buf));
	free(fields);
	return ret;
}

struct csv_table *csv_table_open(
	csv_read_fn *read, void *payload, const struct csv_rule *rules, struct err *err)
{
	struct csv_table *t = xcalloc(1, sizeof(*t));

	csv_cutter_init(&t->cutter, &csv_comma, read, payload);
	strvec_init(&t->columns);
	strbuf_init(&t->first);
	pthread_mutex_init(&t->lock, NULL);
	if (read_header(t, rules, err) == 0)
		return t;
	csv_table_free(t);
	return NULL;
}

void csv_table_free(struct csv_table *t)
{
	if (!t)
		return;
	csv_cutter_release(&t->cutter);
	strvec_release(&t->columns);
	strbuf_release(&t->first);
	err_release(&t->err);
	pthread_mutex_destroy(&t->lock);
	free(t->types);
	free(t);
}

const struct strvec *csv_table_columns(const struct csv_table *t)
{
	return &t->columns;
}

int64_t csv_table_rows(const struct csv_table *t)
{
	return atomic_load(&t->rows);
}

int csv_table_error(struct csv_table *t, struct err *err)
{
	if (!t->err.code)
		return 0;
	err_move(err, &t->err);
	return -1;
}

/* --- what a thread of DuckDB holds --- */

struct reader {
	struct csv_table *t;
	struct strbuf chunk, repaired;
	char *at; /* in chunk */
	struct csv_field *fields;
	duckdb_vector *vectors;
	void **data;
	uint64_t **validity;
};

static void reader_free(void *payload)
{
	struct reader *r = payload;

	strbuf_release(&r->chunk);
	strbuf_release(&r->repaired);
	free(r->fields);
	free(r->vectors);
	free(r->data);
	free(r->validity);
	free(r);
}

static struct reader *reader_new(struct csv_table *t)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	size_t nr = t->columns.nr;

	r->t = t;
	strbuf_init(&r->chunk);
	strbuf_init(&r->repaired);
	r->at = r->chunk.buf;
	r->fields = xcalloc(nr, sizeof(*r->fields));
	r->vectors = xcalloc(nr, sizeof(duckdb_vector));
	r->data = xcalloc(nr, sizeof(*r->data));
	r->validity = xcalloc(nr, sizeof(*r->validity));
	return r;
}

/* 1: more rows, 0: the end, -1: the table's err says why. */
static int next_chunk(struct reader *r)
{
	struct csv_table *t = r->t;
	struct err err = ERR_INIT;
	int got = 0;

	pthread_mutex_lock(&t->lock);
	if (!t->first_taken) {
		t->first_taken = true;
		strbuf_swap(&r->chunk, &t->first);
		got = r->chunk.len > 0;
	}
	pthread_mutex_unlock(&t->lock);
	if (!got)
		got = csv_cutter_take(&t->cutter, &r->chunk, NULL, &err);
	if (got < 0) {
		pthread_mutex_lock(&t->lock);
		if (!t->err.code)
			err_move(&t->err, &err);
		pthread_mutex_unlock(&t->lock);
		err_release(&err);
	}
	r->at = r->chunk.buf;
	return got;
}

static void set_null(struct reader *r, size_t column, idx_t row)
{
	if (!r->validity[column]) {
		duckdb_vector_ensure_validity_writable(r->vectors[column]);
		r->validity[column] = duckdb_vector_get_validity(r->vectors[column]);
	}
	duckdb_validity_set_row_invalid(r->validity[column], row);
}

static void put_text(struct reader *r, size_t column, idx_t row, const struct csv_field *f)
{
	if (good_bytes(f->text, f->len) == f->len) {
		duckdb_vector_assign_string_element_len(r->vectors[column], row, f->text, f->len);
		return;
	}
	repair(f->text, f->len, &r->repaired);
	duckdb_vector_assign_string_element_len(
		r->vectors[column], row, r->repaired.buf, r->repaired.len);
}

static void put(struct reader *r, size_t column, idx_t row, const struct csv_field *f)
{
	bool ok = !f->null;

	switch (r->t->types[column]) {
	case CSV_TEXT:
		if (ok)
			put_text(r, column, row, f);
		break;
	case CSV_INT32:
		ok = ok && convert_int32(f->text, f->len, (int32_t *)r->data[column] + row);
		break;
	case CSV_DECIMAL_10_2:
		ok = ok && convert_decimal_10_2(f->text, f->len, (int64_t *)r->data[column] + row);
		break;
	case CSV_DATE_MDY:
		ok = ok && convert_date_mdy(f->text, f->len, (int32_t *)r->data[column] + row);
		break;
	}
	if (!ok)
		set_null(r, column, row);
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk output)
{
	struct reader *r = duckdb_function_get_local_init_data(info);
	size_t nr = r->t->columns.nr;
	idx_t row = 0, most = duckdb_vector_size();

	for (size_t c = 0; c < nr; c++) {
		r->vectors[c] = duckdb_data_chunk_get_vector(output, c);
		r->data[c] = duckdb_vector_get_data(r->vectors[c]);
		r->validity[c] = NULL;
	}
	while (row < most) {
		size_t got = csv_read_row(
			&csv_comma, &r->at, r->chunk.buf + r->chunk.len, r->fields, nr);

		if (got == 0) {
			int more = row ? 0 : next_chunk(r);

			if (more < 0)
				duckdb_function_set_error(info, "the CSV cannot be read");
			if (more <= 0)
				break;
			continue;
		}
		for (size_t c = 0; c < nr; c++) {
			if (c < got)
				put(r, c, row, &r->fields[c]);
			else
				set_null(r, c, row);
		}
		row++;
	}
	atomic_fetch_add(&r->t->rows, (int64_t)row);
	duckdb_data_chunk_set_size(output, row);
}

static duckdb_logical_type logical_type(enum csv_type type)
{
	switch (type) {
	case CSV_INT32:
		return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
	case CSV_DECIMAL_10_2:
		return duckdb_create_decimal_type(10, 2);
	case CSV_DATE_MDY:
		return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
	case CSV_TEXT:
		break;
	}
	return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
}

static void bind(duckdb_bind_info info)
{
	struct csv_table *t = duckdb_bind_get_extra_info(info);

	for (size_t c = 0; c < t->columns.nr; c++) {
		duckdb_logical_type type = logical_type(t->types[c]);

		duckdb_bind_add_result_column(info, t->columns.v[c], type);
		duckdb_destroy_logical_type(&type);
	}
}

static void init(duckdb_init_info info)
{
	struct csv_table *t = duckdb_init_get_extra_info(info);

	duckdb_init_set_max_threads(info, t->threads);
}

static void init_thread(duckdb_init_info info)
{
	duckdb_init_set_init_data(info, reader_new(duckdb_init_get_extra_info(info)), reader_free);
}

int csv_table_register(struct csv_table *t, struct duck *d, const char *name, struct err *err)
{
	duckdb_table_function f = duckdb_create_table_function();
	int ret = 0;

	t->threads = duck_threads(d);
	duckdb_table_function_set_name(f, name);
	duckdb_table_function_set_extra_info(f, t, NULL);
	duckdb_table_function_set_bind(f, bind);
	duckdb_table_function_set_init(f, init);
	duckdb_table_function_set_local_init(f, init_thread);
	duckdb_table_function_set_function(f, scan_rows);
	if (duckdb_register_table_function(duck_raw(d), f) != DuckDBSuccess)
		ret = err_set(err, ERR_FAILED, "DuckDB refuses the table function '%s'", name);
	duckdb_destroy_table_function(&f);
	return ret;
}
