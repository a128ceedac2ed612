/*
 * DuckDB reads and joins; entities are numbered by their order, so that what is sorted are integers and days, and the sorted
 * rows stream through DuckDB once more, for the text of doubles, into the file. Signals are read as integers; where
 * one does not convert, all is read again as doubles, and a column of which all are whole is written as integers.
 */
#include "timeseries.h"

#include <stdlib.h>
#include <string.h>
#include "csvwrite.h"
#include "timeseries_rows.h"

/* Of the run's memory; the rest is for the readers' and packers' blocks, and for the names. */
#define DUCK_PERCENT 50
#define SORT_PERCENT 30

struct run {
	struct job *job;
	const struct dataset *data, *mapping;
	const char *path;
	struct timeseries_counts *counts;
	enum dataset_kind *kinds; /* of the signals */
	struct timeseries_seen *seen;
	size_t nr; /* signals */

	struct duck *duck;
	struct dataset_reader *data_reader, *mapping_reader;
	struct timeseries_rows rows;
	struct csv_names entities;
};

void timeseries_counts_release(struct timeseries_counts *c)
{
	free(c->example);
	c->example = NULL;
	strvec_release(&c->signals);
}

/* --- columns --- */

static const char *const mapping_columns[] = {"ticker", "market", "entity"};

void timeseries_mapping(const char *location, struct dataset *out)
{
	static const struct csv_dialect semicolon = {';', '"', '\0'};
	size_t nr = ARRAY_SIZE(mapping_columns);

	*out = (struct dataset)DATASET_INIT;
	out->shown = xasprintf("'%s'", location);
	out->format = DATASET_CSV;
	out->dialect = semicolon;
	out->header = true;
	out->columns = xcalloc(nr, sizeof(*out->columns));
	for (; out->nr_columns < nr; out->nr_columns++) {
		struct dataset_column *c = &out->columns[out->nr_columns];

		c->name = xstrdup(mapping_columns[out->nr_columns]);
		c->type = xstrdup("string");
	}
	out->files = xcalloc(1, sizeof(*out->files));
	out->nr_files = out->alloc_files = 1;
	out->files[0].location = xstrdup(location);
	strvec_init(&out->files[0].values);
	out->files[0].storage = (struct dataset_storage){DATASET_CSV, semicolon, true, 0};
}

static bool is_key(const char *name)
{
	return iequals(name, "ticker") || iequals(name, "market") || iequals(name, "date");
}

static int find_signals(struct run *r, struct err *err)
{
	static const char *const keys[] = {"ticker", "market", "date"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!dataset_column(r->data, keys[i]))
			return err_set(
				err, ERR_INVALID, "%s has no column '%s'", r->data->shown, keys[i]);
	for (size_t i = 0; i < r->data->nr_columns; i++) {
		const struct dataset_column *c = &r->data->columns[i];

		if (!c->partition && !is_key(c->name))
			strvec_push(&r->counts->signals, c->name);
	}
	r->nr = r->counts->signals.nr;
	if (r->nr == 0)
		return err_set(err, ERR_INVALID,
			"%s has no column of values beside ticker, market and date",
			r->data->shown);
	r->kinds = xcalloc(r->nr, sizeof(*r->kinds));
	r->seen = xcalloc(r->nr, sizeof(*r->seen));
	for (size_t i = 0; i < r->nr; i++)
		r->kinds[i] = DATASET_INT64;
	return 0;
}

/* --- the mapping --- */

/* A statement that reads a data set: what broke the reading says more than what DuckDB made of it. */
static int exec_reading(struct run *r, struct dataset_reader *reader, const char *sql,
	int64_t *rows, struct err *err)
{
	struct err why = ERR_INIT;
	int ret = duck_exec(r->duck, sql, rows, &why);

	if (ret != 0 && dataset_error(reader, err) == 0)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

/* Table `mapping`: ticker, market and the entity's rank; r->entities: the names by their rank. */
static int load_mapping(struct run *r, struct err *err)
{
	static const struct dataset_want wants[] = {{"ticker", "ticker", DATASET_TEXT},
		{"market", "market", DATASET_TEXT}, {"entity", "entity", DATASET_TEXT}, {0}};

	r->mapping_reader =
		dataset_register(r->job, r->mapping, r->duck, "mapping_rows", wants, err);
	if (!r->mapping_reader)
		return -1;
	if (exec_reading(r, r->mapping_reader,
		    "CREATE TABLE named AS SELECT ticker, market, entity FROM mapping_rows() "
		    "WHERE ticker IS NOT NULL AND market IS NOT NULL AND entity <> ''",
		    &r->counts->mappings, err) != 0)
		return -1;
	if (r->counts->mappings == 0)
		return err_set(err, ERR_NOT_FOUND,
			"%s maps nothing: it has no row with ticker, market and entity",
			r->mapping->shown);
	if (csv_names_query(&r->entities, r->duck,
		    "SELECT DISTINCT entity FROM named ORDER BY entity", ';', err) != 0)
		return -1;
	if (duck_exec(r->duck,
		    "CREATE TABLE mapping AS SELECT ticker, market, "
		    "(dense_rank() OVER (ORDER BY entity) - 1)::INTEGER AS entity FROM named",
		    NULL, err) != 0)
		return -1;
	return duck_exec(r->duck, "DROP TABLE named", NULL, err);
}

/* --- the data --- */

static int register_data(struct run *r, struct err *err)
{
	struct dataset_want *wants = xcalloc(r->nr + 4, sizeof(*wants));
	char **names = xcalloc(r->nr, sizeof(*names));

	wants[0] = (struct dataset_want){"ticker", "ticker", DATASET_TEXT};
	wants[1] = (struct dataset_want){"market", "market", DATASET_TEXT};
	wants[2] = (struct dataset_want){"date", "date", DATASET_DAY};
	for (size_t i = 0; i < r->nr; i++) {
		names[i] = xasprintf("s%zu", i);
		wants[3 + i] =
			(struct dataset_want){r->counts->signals.v[i], names[i], r->kinds[i]};
	}
	r->data_reader = dataset_register(r->job, r->data, r->duck, "data_rows", wants, err);
	for (size_t i = 0; i < r->nr; i++)
		free(names[i]);
	free(names);
	free(wants);
	return r->data_reader ? 0 : -1;
}

/* Table function sorted_rows. */
static int sort_data(struct run *r, struct err *err)
{
	size_t memory_bytes = (size_t)(r->job->memory_mb * SORT_PERCENT / 100) << 20;
	struct strbuf sql = STRBUF_INIT;
	struct err why = ERR_INIT;
	int ret;

	timeseries_rows_init(&r->rows, r->kinds, r->nr, r->job->tmp, memory_bytes);
	strbuf_addstr(&sql, "SELECT m.entity, d.date");
	for (size_t i = 0; i < r->nr; i++)
		strbuf_addf(&sql, ", d.s%zu", i);
	strbuf_addstr(&sql, " FROM data_rows() AS d JOIN mapping AS m "
			    "ON m.ticker = d.ticker AND m.market = d.market");
	ret = timeseries_rows_gather(&r->rows, r->duck, sql.buf, &why);
	/* What broke the reading says more than what DuckDB made of it. */
	if (ret != 0 && dataset_error(r->data_reader, err) == 0)
		err_move(err, &why);
	r->counts->rows_in = dataset_rows(r->data_reader);
	memcpy(r->seen, r->rows.seen, r->nr * sizeof(*r->seen));
	strbuf_release(&sql);
	err_release(&why);
	return ret == 0 ? timeseries_rows_register(&r->rows, r->duck, "sorted_rows", err) : -1;
}

static int check_counts(const struct run *r, struct err *err)
{
	if (r->counts->rows_in == 0)
		return err_set(err, ERR_NOT_FOUND, "%s holds no rows", r->data->shown);
	if (r->rows.rows == 0)
		return err_set(err, ERR_NOT_FOUND,
			"none of the %lld rows of %s has a ticker and market of the %lld rows of "
			"%s",
			(long long)r->counts->rows_in, r->data->shown,
			(long long)r->counts->mappings, r->mapping->shown);
	return 0;
}

static int write_data(struct run *r, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	struct strvec header = STRVEC_INIT;
	struct csv_copy copy = {
		.delimiter = ';', .header = &header, .names = &r->entities, .key_columns = 2};
	struct csv_copied copied = {0};
	struct err why = ERR_INIT;
	int ret;

	strvec_push(&header, "entity");
	strvec_push(&header, "date");
	strbuf_addstr(&sql, "SELECT entity, date");
	for (size_t i = 0; i < r->nr; i++) {
		strvec_push(&header, r->counts->signals.v[i]);
		strbuf_addf(&sql, ", s%zu", i);
		if (r->kinds[i] == DATASET_DOUBLE && !timeseries_rows_whole(&r->rows, i))
			strbuf_addstr(&sql, "::VARCHAR");
	}
	strbuf_addstr(&sql, " FROM sorted_rows()");
	copy.sql = sql.buf;
	ret = csv_copy(r->duck, &copy, r->path, &copied, &why);
	if (ret != 0)
		err_move(err, r->rows.err.code ? &r->rows.err : &why);
	r->counts->rows_out = copied.rows;
	r->counts->repeated = copied.repeated;
	free(r->counts->example);
	r->counts->example = copied.example;
	err_release(&why);
	strvec_release(&header);
	strbuf_release(&sql);
	return ret;
}

/* --- one way through, and the next --- */

static int attempt(struct run *r, struct err *err)
{
	struct strvec folders = STRVEC_INIT;
	int ret = -1;

	dataset_folders(r->job, r->data, &folders);
	dataset_folders(r->job, r->mapping, &folders);
	r->duck = duck_open(r->job, DUCK_PERCENT, &folders, err);
	if (r->duck && load_mapping(r, err) == 0 && register_data(r, err) == 0 &&
		sort_data(r, err) == 0 && check_counts(r, err) == 0)
		ret = write_data(r, err);
	duck_close(r->duck);
	dataset_reader_free(r->data_reader);
	dataset_reader_free(r->mapping_reader);
	r->duck = NULL;
	r->data_reader = r->mapping_reader = NULL;
	timeseries_rows_release(&r->rows);
	csv_names_release(&r->entities);
	strvec_release(&folders);
	return ret;
}

/* Doubles that proved to be whole, but beyond what doubles count exactly: their columns as integers again. */
static bool large_integers(struct run *r)
{
	bool any = false;

	for (size_t i = 0; i < r->nr; i++) {
		if (r->kinds[i] == DATASET_DOUBLE && !r->seen[i].fraction && r->seen[i].large) {
			r->kinds[i] = DATASET_INT64;
			any = true;
		}
	}
	return any;
}

static int attempts(struct run *r, struct err *err)
{
	struct err why = ERR_INIT;
	int ret = attempt(r, &why);
	bool numbers = ret != 0 && why.code == ERR_INVALID;

	if (numbers) {
		err_release(&why);
		for (size_t i = 0; i < r->nr; i++)
			r->kinds[i] = DATASET_DOUBLE;
		ret = attempt(r, &why);
		/* With one column it is known already that it is not of integers. */
		if (ret == 0 && r->nr > 1 && large_integers(r) && attempt(r, &why) != 0) {
			err_release(&why);
			for (size_t i = 0; i < r->nr; i++)
				r->kinds[i] = DATASET_DOUBLE;
			ret = attempt(r, &why);
		}
	}
	if (ret != 0)
		err_move(err, &why);
	err_release(&why);
	return ret;
}

int timeseries_prepare(struct job *job, const struct dataset *data, const struct dataset *mapping,
	const char *path, struct timeseries_counts *counts, struct err *err)
{
	struct run r = {.job = job,
		.data = data,
		.mapping = mapping,
		.path = path,
		.counts = counts,
		.entities = CSV_NAMES_INIT};
	int ret = -1;

	*counts = (struct timeseries_counts)TIMESERIES_COUNTS_INIT;
	if (find_signals(&r, err) == 0)
		ret = attempts(&r, err);
	free(r.kinds);
	free(r.seen);
	return ret;
}
