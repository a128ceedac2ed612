/*
 * Rows are kept as the lines that they will be in the output, identifiers once each; a row knows the number of its
 * identifier. Look-ups run in parallel, what is said about rows is said afterwards, in their order.
 */
#include "entitymap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "csvwrite.h"
#include "job.h"
#include "joblog.h"
#include "map.h"
#include "thrdpool.h"

#define MAX_COLUMNS 1000
#define WRITE_BYTES (64u << 10)
#define NO_ID SIZE_MAX

struct id {
	char *value, *market; /* market: NULL where there is none */
	size_t found;         /* entities */
	const char *mic;      /* where they were found; borrowed */
	char *entity;         /* when found is 1 */
};

struct row {
	char *line; /* without the entity and line end */
	size_t len, id, number;
};

struct mapping {
	struct exabel *exabel;
	const struct entity_map_options *options;
	struct strbuf header; /* as a line */
	struct strvec columns;
	size_t value_column, market_column; /* market_column: NO_ID where there is none */
	struct row *rows;
	size_t nr_rows, alloc_rows;
	struct id *ids;
	size_t nr_ids, alloc_ids;
	struct map lines;    /* those that have been seen */
	struct map id_index; /* key to 1 + number of an id */
	pthread_mutex_t lock;
	struct err err; /* the first of all look-ups */
	atomic_bool failed;
};

static void mapping_release(struct mapping *m)
{
	for (size_t i = 0; i < m->nr_rows; i++)
		free(m->rows[i].line);
	for (size_t i = 0; i < m->nr_ids; i++) {
		free(m->ids[i].value);
		free(m->ids[i].market);
		free(m->ids[i].entity);
	}
	free(m->rows);
	free(m->ids);
	map_release(&m->lines);
	map_release(&m->id_index);
	strvec_release(&m->columns);
	strbuf_release(&m->header);
	err_release(&m->err);
	pthread_mutex_destroy(&m->lock);
}

/* --- header --- */

static size_t find_column(const struct mapping *m, const char *name)
{
	for (size_t i = 0; i < m->columns.nr; i++)
		if (strcmp(m->columns.v[i], name) == 0)
			return i;
	return NO_ID;
}

static bool is_identifier(const char *name)
{
	static const char *const names[] = {
		"isin", "factset_identifier", "bloomberg_ticker", "figi", "cusip"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int choose_columns(struct mapping *m, struct err *err)
{
	m->value_column = find_column(m, "ticker");
	m->market_column = find_column(m, "market");
	if (find_column(m, "entity") != NO_ID)
		return err_set(err, ERR_INVALID, "the input file has a column 'entity' already");
	if (m->value_column != NO_ID && m->market_column != NO_ID)
		return 0;
	m->market_column = NO_ID;
	for (size_t i = 0; i < m->columns.nr; i++) {
		m->value_column = i;
		if (is_identifier(m->columns.v[i]))
			return 0;
	}
	err_set(err, ERR_INVALID, "The input file does not have a valid id to map from.");
	err_hint(err, "its header names ticker and market, or one of isin, factset_identifier, "
		      "bloomberg_ticker, figi and cusip");
	return -1;
}

static void add_line(struct strbuf *line, char delimiter, const struct csv_field *fields, size_t nr,
	size_t width)
{
	for (size_t i = 0; i < width; i++) {
		if (i)
			strbuf_addch(line, delimiter);
		if (i < nr && fields[i].len)
			csv_add_field(line, delimiter, fields[i].text, fields[i].len);
	}
}

static int read_header(
	struct mapping *m, const struct csv_field *fields, size_t nr, struct err *err)
{
	if (nr > MAX_COLUMNS)
		return err_set(err, ERR_INVALID, "the header has %zu columns, more than %d", nr,
			MAX_COLUMNS);
	for (size_t i = 0; i < nr; i++) {
		strvec_push_take(&m->columns, xstrndup(fields[i].text, fields[i].len));
		if (find_column(m, m->columns.v[i]) != i)
			return err_set(err, ERR_INVALID,
				"the header has two columns with the name '%s'", m->columns.v[i]);
	}
	add_line(&m->header, m->options->delimiter, fields, nr, nr);
	return choose_columns(m, err);
}

/* --- rows --- */

static bool is_blank(const struct csv_field *f)
{
	for (size_t i = 0; i < f->len; i++)
		if (f->text[i] != ' ' && f->text[i] != '\t')
			return false;
	return true;
}

static size_t intern_id(
	struct mapping *m, const struct csv_field *value, const struct csv_field *market)
{
	char *v = xstrndup(value->text, value->len);
	char *k = market ? xstrndup(market->text, market->len) : NULL;
	/* The length in front keeps "a" + "bc" and "ab" + "c" apart. */
	char *key = xasprintf("%zu:%s%s", strlen(v), v, k ? k : "");
	size_t id = (size_t)(uintptr_t)map_get(&m->id_index, key);

	if (id) {
		free(v);
		free(k);
	} else {
		ALLOC_GROW(m->ids, m->nr_ids, m->alloc_ids);
		m->ids[m->nr_ids++] = (struct id){.value = v, .market = k};
		id = m->nr_ids;
		map_put(&m->id_index, key, (void *)(uintptr_t)id);
	}
	free(key);
	return id - 1;
}

static int read_row(struct mapping *m, const struct csv_field *fields, size_t nr, size_t number,
	struct err *err)
{
	static const struct csv_field nothing = {"", 0, true};
	struct strbuf line = STRBUF_INIT;
	const struct csv_field *value, *market;
	struct row row = {.id = NO_ID, .number = number};

	if (nr > m->columns.nr)
		return err_set(err, ERR_INVALID, "row %zu has %zu fields, the header %zu", number,
			nr, m->columns.nr);
	add_line(&line, m->options->delimiter, fields, nr, m->columns.nr);
	if (map_has(&m->lines, line.buf)) {
		strbuf_release(&line);
		return 0;
	}
	map_put(&m->lines, line.buf, NULL);
	value = m->value_column < nr ? &fields[m->value_column] : &nothing;
	market = m->market_column == NO_ID ? NULL
		 : m->market_column < nr   ? &fields[m->market_column]
					   : &nothing;
	if (!is_blank(value) && (!market || !is_blank(market)))
		row.id = intern_id(m, value, market);
	row.line = strbuf_detach(&line, &row.len);
	ALLOC_GROW(m->rows, m->nr_rows, m->alloc_rows);
	m->rows[m->nr_rows++] = row;
	return 0;
}

static int read_chunk(struct mapping *m, const struct csv_dialect *dialect, struct strbuf *chunk,
	struct csv_field *fields, size_t *number, struct err *err)
{
	char *at = chunk->buf, *end = chunk->buf + chunk->len;
	size_t nr;
	int ret = 0;

	while (ret == 0 && (nr = csv_read_row(dialect, &at, end, fields, MAX_COLUMNS)) > 0) {
		++*number;
		ret = *number == 1 ? read_header(m, fields, nr, err)
				   : read_row(m, fields, nr, *number, err);
	}
	return ret;
}

static int read_all(struct mapping *m, csv_read_fn *read, void *payload, struct err *err)
{
	const struct csv_dialect dialect = {m->options->delimiter, '"', '\0'};
	struct csv_field *fields = xcalloc(MAX_COLUMNS, sizeof(*fields));
	struct strbuf chunk = STRBUF_INIT;
	struct csv_cutter cutter;
	size_t number = 0;
	int more = 1, ret = 0;

	csv_cutter_init(&cutter, &dialect, read, payload);
	while (ret == 0 && (more = csv_cutter_take(&cutter, &chunk, NULL, err)) > 0) {
		ret = job_check_interrupt(err);
		if (ret == 0)
			ret = read_chunk(m, &dialect, &chunk, fields, &number, err);
	}
	if (more < 0)
		ret = -1;
	else if (ret == 0 && number == 0)
		ret = err_set(err, ERR_INVALID, "the input file is empty: it has no header");
	csv_cutter_release(&cutter);
	strbuf_release(&chunk);
	free(fields);
	return ret;
}

/* --- look-ups --- */

static int search_ticker(struct mapping *m, struct id *id, struct err *err)
{
	static const char *const american[] = {"XNAS", "XNYS", "XASE"};
	bool us = strcmp(id->market, "US") == 0;
	size_t nr = us ? ARRAY_SIZE(american) : 1;

	for (size_t i = 0; i < nr && id->found == 0; i++) {
		struct exabel_term terms[] = {
			{"mic", us ? american[i] : id->market}, {"ticker", id->value}};

		id->mic = terms[0].query;
		if (exabel_search(m->exabel, m->options->entity_type, terms, ARRAY_SIZE(terms),
			    &id->entity, &id->found, err) != 0)
			return -1;
	}
	return 0;
}

static int search_id(struct mapping *m, struct id *id, struct err *err)
{
	const struct exabel_term term = {m->columns.v[m->value_column], id->value};

	if (job_check_interrupt(err) != 0)
		return -1;
	if (id->market)
		return search_ticker(m, id, err);
	return exabel_search(
		m->exabel, m->options->entity_type, &term, 1, &id->entity, &id->found, err);
}

static void search_one(void *item, unused_arg size_t worker, void *payload)
{
	struct mapping *m = payload;
	struct id *id = item;
	struct err err = ERR_INIT;

	if (atomic_load(&m->failed))
		return;
	if (search_id(m, id, &err) != 0) {
		pthread_mutex_lock(&m->lock);
		if (!atomic_exchange(&m->failed, true)) {
			err_wrap(&err, "'%s'", id->value);
			err_move(&m->err, &err);
		}
		pthread_mutex_unlock(&m->lock);
	}
	err_release(&err);
}

static int search_all(struct mapping *m, struct err *err)
{
	void **items = xcalloc(m->nr_ids + 1, sizeof(*items));

	for (size_t i = 0; i < m->nr_ids; i++)
		items[i] = &m->ids[i];
	thrdpool_each(items, m->nr_ids, m->options->threads, search_one, m);
	free(items);
	if (!atomic_load(&m->failed))
		return 0;
	err_move(err, &m->err);
	return -1;
}

/* --- what became of it --- */

static void tell(const struct mapping *m, const struct row *row, const struct id *id)
{
	const char *type = m->columns.v[m->value_column];

	if (!id)
		job_log(JOB_WARN, "dropped",
			"message=\"Row %zu has no %s - dropping from mapping\"", row->number,
			m->market_column == NO_ID ? type : "ticker and market");
	else if (id->market && id->found > 1)
		job_log(JOB_WARN, "dropped",
			"message=\"Found %zu entities when searching for %s on market %s - drop "
			"from mapping\"",
			id->found, id->value, id->mic);
	else if (id->market)
		job_log(JOB_WARN, "dropped",
			"message=\"Did not find entity for %s in any market - dropping from "
			"mapping\"",
			id->value);
	else if (id->found > 1)
		job_log(JOB_WARN, "dropped",
			"message=\"Found %zu entities when searching for '%s' of type '%s' - drop "
			"from mapping\"",
			id->found, id->value, type);
	else
		job_log(JOB_WARN, "dropped",
			"message=\"Did not find entity for '%s' of type '%s' - dropping from "
			"mapping\"",
			id->value, type);
}

static void add_row(
	const struct mapping *m, const struct row *row, const char *entity, struct strbuf *out)
{
	strbuf_add(out, row->line, row->len);
	strbuf_addch(out, m->options->delimiter);
	csv_add_field(out, m->options->delimiter, entity, strlen(entity));
	strbuf_addch(out, '\n');
}

static int flush(struct strbuf *text, size_t least, struct csv_file *out, struct err *err)
{
	int ret = text->len > least ? csv_file_write(out, text->buf, text->len, err) : 0;

	if (text->len > least)
		strbuf_clear(text);
	return ret;
}

static int write_all(struct mapping *m, const char *path, struct err *err)
{
	const struct row header = {m->header.buf, m->header.len, NO_ID, 1};
	struct csv_file *out = csv_file_new(path, 1, err);
	struct strbuf text = STRBUF_INIT;
	int ret = out ? 0 : -1;

	add_row(m, &header, "entity", &text);
	for (size_t i = 0; i < m->nr_rows && ret == 0; i++) {
		const struct row *row = &m->rows[i];

		if (row->id != NO_ID && m->ids[row->id].found == 1)
			add_row(m, row, m->ids[row->id].entity, &text);
		ret = flush(&text, WRITE_BYTES, out, err);
	}
	if (ret == 0)
		ret = flush(&text, 0, out, err);
	if (ret == 0)
		ret = csv_file_finish(out, err);
	else
		csv_file_abort(out);
	strbuf_release(&text);
	return ret;
}

static void count(const struct mapping *m, struct entity_map_counts *counts)
{
	counts->rows_in = m->nr_rows;
	counts->ids = m->nr_ids;
	for (size_t i = 0; i < m->nr_ids; i++) {
		counts->found += m->ids[i].found == 1;
		counts->ambiguous += m->ids[i].found > 1;
		counts->missing += m->ids[i].found == 0;
	}
	for (size_t i = 0; i < m->nr_rows; i++) {
		const struct id *id = m->rows[i].id == NO_ID ? NULL : &m->ids[m->rows[i].id];

		counts->rows_out += id && id->found == 1;
		counts->empty += !id;
		if (!id || id->found != 1)
			tell(m, &m->rows[i], id);
	}
}

int entity_map(struct exabel *e, csv_read_fn *read, void *payload,
	const struct entity_map_options *options, const char *path,
	struct entity_map_counts *counts, struct err *err)
{
	struct mapping m = {.exabel = e,
		.options = options,
		.header = STRBUF_INIT,
		.columns = STRVEC_INIT,
		.lines = MAP_INIT,
		.id_index = MAP_INIT};
	int ret = -1;

	*counts = (struct entity_map_counts){0};
	pthread_mutex_init(&m.lock, NULL);
	if (read_all(&m, read, payload, err) == 0 && search_all(&m, err) == 0) {
		count(&m, counts);
		ret = 0;
	}
	if (ret == 0 && counts->rows_in == 0)
		ret = err_set(err, ERR_NOT_FOUND, "the input file has no ids");
	else if (ret == 0 && counts->rows_out == 0)
		ret = err_set(
			err, ERR_NOT_FOUND, "none of %zu ids was found", m.nr_ids + counts->empty);
	if (ret == 0)
		ret = write_all(&m, path, err);
	mapping_release(&m);
	return ret;
}
