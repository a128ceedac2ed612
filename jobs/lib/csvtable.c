#include "csvtable.h"

#include <duckdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "convert.h"
#include "dates.h"
#include "number.h"
#include "utf8.h"

#define MAX_SHOWN 100

struct csv_table {
	struct strvec columns;
	enum csv_type *types;
	const struct csv_feed_ops *ops;
	void *payload;
	size_t nr_inputs, threads;
	struct csv_part *only; /* of csv_table_open: until the first scan takes it */
	int64_t expected;      /* rows; 0: unknown */
	_Atomic int64_t rows;
	pthread_mutex_t lock; /* err, bad */
	struct err err;
	struct csv_bad_value bad;
	bool has_bad;
};

void csv_rename(struct strbuf *name)
{
	strbuf_replace(name, " ", "_");
	lower_ascii(name->buf);
}

/* --- the table --- */

static struct csv_table *table_new(const struct csv_feed_ops *ops, void *payload, size_t nr_inputs)
{
	struct csv_table *t = xcalloc(1, sizeof(*t));

	t->ops = ops;
	t->payload = payload;
	t->nr_inputs = nr_inputs;
	strvec_init(&t->columns);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct csv_table *csv_table_new(const struct csv_feed_ops *ops, void *payload, size_t nr_inputs,
	const struct csv_column *columns, size_t nr_columns)
{
	struct csv_table *t = table_new(ops, payload, nr_inputs);

	if (nr_inputs > CSV_MAX_INPUTS)
		BUG("%zu inputs", nr_inputs);
	t->types = xcalloc(nr_columns + 1, sizeof(*t->types));
	for (size_t i = 0; i < nr_columns; i++) {
		strvec_push(&t->columns, columns[i].name);
		t->types[i] = columns[i].type;
	}
	return t;
}

void csv_table_free(struct csv_table *t)
{
	if (!t)
		return;
	csv_part_free(t->only);
	strvec_release(&t->columns);
	err_release(&t->err);
	free(t->bad.value);
	pthread_mutex_destroy(&t->lock);
	free(t->types);
	free(t);
}

const struct strvec *csv_table_columns(const struct csv_table *t)
{
	return &t->columns;
}

void csv_table_expect(struct csv_table *t, int64_t rows)
{
	t->expected = rows;
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

const struct csv_bad_value *csv_table_bad_value(const struct csv_table *t)
{
	return t->has_bad ? &t->bad : NULL;
}

/* --- one stream, whose header says what the columns are --- */

static enum csv_type type_of(const struct csv_rule *rules, const char *name)
{
	for (; rules->name; rules++)
		if (strcmp(rules->name, name) == 0)
			return rules->type;
	return CSV_TEXT;
}

static int take_header(struct csv_table *t, const struct strvec *names,
	const struct csv_rule *rules, struct err *err)
{
	struct csv_part *p = t->only;
	struct strbuf name = STRBUF_INIT;
	int ret = 0;

	t->types = xcalloc(names->nr, sizeof(*t->types));
	p->positions = xcalloc(names->nr, sizeof(*p->positions));
	p->nr_positions = p->width = names->nr;
	for (size_t i = 0; i < names->nr && ret == 0; i++) {
		strbuf_clear(&name);
		strbuf_addstr(&name, names->v[i]);
		csv_rename(&name);
		if (!name.len)
			strbuf_addf(&name, "_c%zu", i);
		if (strvec_has(&t->columns, name.buf))
			ret = err_set(err, ERR_INVALID,
				"the CSV has two columns with the name '%s'", name.buf);
		t->types[i] = type_of(rules, name.buf);
		p->positions[i] = i;
		strvec_push(&t->columns, name.buf);
	}
	strbuf_release(&name);
	return ret;
}

struct csv_table *csv_table_open(
	csv_read_fn *read, void *payload, const struct csv_rule *rules, struct err *err)
{
	const struct csv_input in = {
		.read = read, .payload = payload, .dialect = CSV_DIALECT_COMMA, .header = true};
	struct csv_table *t = table_new(NULL, NULL, 1);
	struct strvec names = STRVEC_INIT;
	int got, ret = -1;

	t->only = csv_part_new(0, &in);
	got = csv_part_start(t->only, &names, err);
	if (got == 0)
		err_set(err, ERR_INVALID, "the CSV is empty: it has no header");
	else if (got > 0)
		ret = take_header(t, &names, rules, err);
	strvec_release(&names);
	if (ret == 0)
		return t;
	csv_table_free(t);
	return NULL;
}

/* --- a scan of a query --- */

struct scan {
	struct csv_table *t;
	struct csv_feed *feed; /* NULL: the only part */
	size_t *asked,
		nr_asked; /* columns, as the output has them; what is beyond the row id nobody reads */
};

static void scan_free(void *payload)
{
	struct scan *s = payload;

	csv_feed_free(s->feed);
	free(s->asked);
	free(s);
}

static int scan_take(struct scan *s, struct csv_part **part, struct strbuf *chunk, int64_t *offset)
{
	struct csv_table *t = s->t;
	struct err err = ERR_INIT;
	int got;

	if (s->feed) {
		got = csv_feed_take(s->feed, part, chunk, offset, &err);
	} else {
		*part = t->only;
		got = csv_part_take(*part, chunk, offset, &err);
	}
	if (got >= 0)
		return got;
	pthread_mutex_lock(&t->lock);
	if (!t->err.code)
		err_move(&t->err, &err);
	pthread_mutex_unlock(&t->lock);
	err_release(&err);
	return got;
}

/* --- what a thread of DuckDB holds --- */

struct reader {
	struct csv_table *t;
	struct csv_part *part;
	struct strbuf chunk, repaired;
	char *at; /* in chunk */
	int64_t offset;
	struct csv_field *fields;
	size_t nr_fields;
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
	size_t nr = t->columns.nr + 1;

	r->t = t;
	strbuf_init(&r->chunk);
	strbuf_init(&r->repaired);
	r->at = r->chunk.buf;
	r->vectors = xcalloc(nr, sizeof(duckdb_vector));
	r->data = xcalloc(nr, sizeof(*r->data));
	r->validity = xcalloc(nr, sizeof(*r->validity));
	return r;
}

/* 1: more rows, 0: the end, -1: the table's err says why. */
static int next_chunk(struct reader *r, struct scan *s)
{
	int got = scan_take(s, &r->part, &r->chunk, &r->offset);

	r->at = r->chunk.buf;
	if (got <= 0) {
		strbuf_clear(&r->chunk);
		return got;
	}
	if (r->part->width > r->nr_fields) {
		r->nr_fields = r->part->width;
		r->fields = xreallocarray(r->fields, r->nr_fields, sizeof(*r->fields));
	}
	return 1;
}

static void set_null(struct reader *r, size_t out, idx_t row)
{
	if (!r->validity[out]) {
		duckdb_vector_ensure_validity_writable(r->vectors[out]);
		r->validity[out] = duckdb_vector_get_validity(r->vectors[out]);
	}
	duckdb_validity_set_row_invalid(r->validity[out], row);
}

static void put_text(struct reader *r, size_t out, idx_t row, const struct csv_field *f)
{
	if (utf8_good_bytes(f->text, f->len) == f->len) {
		duckdb_vector_assign_string_element_len(r->vectors[out], row, f->text, f->len);
		return;
	}
	utf8_repair(f->text, f->len, &r->repaired);
	duckdb_vector_assign_string_element_len(
		r->vectors[out], row, r->repaired.buf, r->repaired.len);
}

/* False for what a strict type does not take. */
static bool put(struct reader *r, size_t column, size_t out, idx_t row, const struct csv_field *f)
{
	enum number_result number = NUMBER_EMPTY;
	bool ok = !f->null;

	switch (r->t->types[column]) {
	case CSV_TEXT:
		if (ok)
			put_text(r, out, row, f);
		break;
	case CSV_INT32:
		ok = ok && convert_int32(f->text, f->len, (int32_t *)r->data[out] + row);
		break;
	case CSV_DECIMAL_10_2:
		ok = ok && convert_decimal_10_2(f->text, f->len, (int64_t *)r->data[out] + row);
		break;
	case CSV_DATE_MDY:
		ok = ok && convert_date_mdy(f->text, f->len, (int32_t *)r->data[out] + row);
		break;
	case CSV_INT64:
		if (ok)
			number = number_int64(f->text, f->len, (int64_t *)r->data[out] + row);
		ok = number == NUMBER_OK;
		break;
	case CSV_DOUBLE:
		if (ok)
			number = number_double(f->text, f->len, (double *)r->data[out] + row);
		ok = number == NUMBER_OK;
		break;
	case CSV_DAY:
		if (!ok || !dates_parse(f->text, f->len, (int32_t *)r->data[out] + row))
			return false;
	}
	if (!ok)
		set_null(r, out, row);
	return number != NUMBER_BAD;
}

static void keep_bad(struct reader *r, int64_t row_id, size_t column, const struct csv_field *f)
{
	struct csv_table *t = r->t;
	size_t len = f->len > MAX_SHOWN ? MAX_SHOWN : f->len;

	utf8_repair(f->text, len, &r->repaired);
	if (len < f->len)
		strbuf_addstr(&r->repaired, "...");
	pthread_mutex_lock(&t->lock);
	if (!t->has_bad)
		t->bad = (struct csv_bad_value){row_id, column, xstrdup(r->repaired.buf)};
	t->has_bad = true;
	pthread_mutex_unlock(&t->lock);
}

/* One column of the row in r->fields, of which there are `got`. */
static bool put_column(
	struct reader *r, size_t column, size_t out, idx_t row, size_t got, int64_t row_id)
{
	static const struct csv_field nothing = {"", 0, true};
	struct csv_field fixed;
	const struct csv_field *f = &nothing;
	size_t position;

	if (column == r->t->columns.nr) {
		((int64_t *)r->data[out])[row] = row_id;
		return true;
	}
	if (column > r->t->columns.nr)
		return true;
	position = r->part->positions[column];
	if (position < got) {
		f = &r->fields[position];
	} else if (position >= CSV_FIXED && r->part->in.values[position - CSV_FIXED]) {
		fixed.text = r->part->in.values[position - CSV_FIXED];
		fixed.len = strlen(fixed.text);
		fixed.null = false;
		f = &fixed;
	}
	if (put(r, column, out, row, f))
		return true;
	keep_bad(r, row_id, column, f);
	return false;
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk output)
{
	struct reader *r = duckdb_function_get_local_init_data(info);
	struct scan *s = duckdb_function_get_init_data(info);
	idx_t row = 0, most = duckdb_vector_size();
	bool ok = true;

	for (size_t o = 0; o < s->nr_asked; o++) {
		r->vectors[o] = duckdb_data_chunk_get_vector(output, o);
		r->data[o] = duckdb_vector_get_data(r->vectors[o]);
		r->validity[o] = NULL;
	}
	while (row < most && ok) {
		char *from = r->at;
		size_t got = 0;
		int64_t row_id;

		if (from < r->chunk.buf + r->chunk.len)
			got = csv_read_row(&r->part->in.dialect, &r->at,
				r->chunk.buf + r->chunk.len, r->fields, r->part->width);
		if (got == 0) {
			int more = next_chunk(r, s);

			ok = more >= 0;
			if (more <= 0)
				break;
			continue;
		}
		row_id = ((int64_t)r->part->index << 40) | (r->offset + (from - r->chunk.buf));
		for (size_t o = 0; o < s->nr_asked && ok; o++)
			ok = put_column(r, s->asked[o], o, row, got, row_id);
		row++;
	}
	if (!ok)
		duckdb_function_set_error(info, "the CSV cannot be read");
	atomic_fetch_add(&r->t->rows, (int64_t)row);
	duckdb_data_chunk_set_size(output, row);
}

/* --- for DuckDB --- */

static duckdb_logical_type logical_type(enum csv_type type)
{
	switch (type) {
	case CSV_INT32:
		return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
	case CSV_DECIMAL_10_2:
		return duckdb_create_decimal_type(10, 2);
	case CSV_DATE_MDY:
	case CSV_DAY:
		return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
	case CSV_INT64:
		return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
	case CSV_DOUBLE:
		return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
	case CSV_TEXT:
		break;
	}
	return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
}

static void bind(duckdb_bind_info info)
{
	struct csv_table *t = duckdb_bind_get_extra_info(info);

	for (size_t c = 0; c < t->columns.nr + (t->ops != NULL); c++) {
		bool own = c < t->columns.nr;
		duckdb_logical_type type = logical_type(own ? t->types[c] : CSV_INT64);

		duckdb_bind_add_result_column(info, own ? t->columns.v[c] : CSV_ROW_ID, type);
		duckdb_destroy_logical_type(&type);
	}
	if (t->expected)
		duckdb_bind_set_cardinality(info, (idx_t)t->expected, false);
}

static void init(duckdb_init_info info)
{
	struct csv_table *t = duckdb_init_get_extra_info(info);
	struct scan *s = xcalloc(1, sizeof(*s));

	s->t = t;
	s->nr_asked = duckdb_init_get_column_count(info);
	s->asked = xcalloc(s->nr_asked + 1, sizeof(*s->asked));
	for (size_t i = 0; i < s->nr_asked; i++)
		s->asked[i] = duckdb_init_get_column_index(info, i);
	if (t->ops)
		s->feed = csv_feed_new(t->ops, t->payload, t->nr_inputs, t->columns.nr);
	duckdb_init_set_init_data(info, s, scan_free);
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
	duckdb_table_function_supports_projection_pushdown(f, true);
	if (duckdb_register_table_function(duck_raw(d), f) != DuckDBSuccess)
		ret = err_set(err, ERR_FAILED, "DuckDB refuses the table function '%s'", name);
	duckdb_destroy_table_function(&f);
	return ret;
}
