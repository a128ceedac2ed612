/*
 * Entities pass through join and sort as their rank among all entities: what is sorted is an integer and a day, and its
 * rows stream from the sort into the file. Signals are read as integers; where one does not convert, all is read
 * again as doubles, which are watched on their way: as long as all of a column are whole it is written as integers.
 */
#include "timeseries.h"

#include <duckdb.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "csvwrite.h"

/* Beside DuckDB there are the readers' and the packers' blocks, and what the sort's merge does not count. */
#define MEMORY_PERCENT 55

/* Doubles of a column; see watch_register. */
struct watch {
	atomic_bool broken; /* one was not whole */
	atomic_bool large;  /* one may stand for several integers */
};

struct run {
	struct job *job;
	const struct dataset *data, *mapping;
	const char *path;
	struct timeseries_counts *counts;
	enum dataset_kind *kinds; /* of the signals */
	struct watch *watches;
	bool *whole; /* of the columns that are written */
	size_t nr;   /* signals */

	struct duck *duck;
	struct dataset_reader *data_reader, *mapping_reader;
	struct csv_names entities;
};

void timeseries_counts_release(struct timeseries_counts *c)
{
	free(c->example);
	c->example = NULL;
	strvec_release(&c->signals);
}

/* --- doubles on their way --- */

static void watch_doubles(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	struct watch *watch = duckdb_scalar_function_get_extra_info(info);
	idx_t rows = duckdb_data_chunk_get_size(input);
	duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
	const double *in = duckdb_vector_get_data(column);
	double *out = duckdb_vector_get_data(output);
	uint64_t *given = duckdb_vector_get_validity(column), *valid = NULL;
	bool broken = false, large = false;

	for (idx_t i = 0; i < rows; i++) {
		if (given && !duckdb_validity_row_is_valid(given, i)) {
			if (!valid) {
				duckdb_vector_ensure_validity_writable(output);
				valid = duckdb_vector_get_validity(output);
			}
			duckdb_validity_set_row_invalid(valid, i);
			continue;
		}
		out[i] = in[i] + 0.0; /* no -0.0 */
		broken |= !(trunc(in[i]) == in[i]) || isinf(in[i]);
		large |= fabs(in[i]) >= 9007199254740992.0;
	}
	if (broken)
		atomic_store(&watch->broken, true);
	if (large)
		atomic_store(&watch->large, true);
}

static int watch_register(struct watch *watch, struct duck *d, const char *name, struct err *err)
{
	duckdb_scalar_function f = duckdb_create_scalar_function();
	duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
	int ret = 0;

	duckdb_scalar_function_set_name(f, name);
	duckdb_scalar_function_add_parameter(f, number);
	duckdb_scalar_function_set_return_type(f, number);
	duckdb_scalar_function_set_extra_info(f, watch, NULL);
	duckdb_scalar_function_set_volatile(f);
	duckdb_scalar_function_set_special_handling(f); /* nulls are ours */
	duckdb_scalar_function_set_function(f, watch_doubles);
	if (duckdb_register_scalar_function(duck_raw(d), f) != DuckDBSuccess)
		ret = err_set(err, ERR_FAILED, "DuckDB refuses the function '%s'", name);
	duckdb_destroy_logical_type(&number);
	duckdb_destroy_scalar_function(&f);
	return ret;
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
	r->watches = xcalloc(r->nr, sizeof(*r->watches));
	r->whole = xcalloc(r->nr + 2, sizeof(*r->whole));
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
	int ret;

	wants[0] = (struct dataset_want){"ticker", "ticker", DATASET_TEXT};
	wants[1] = (struct dataset_want){"market", "market", DATASET_TEXT};
	wants[2] = (struct dataset_want){"date", "date", DATASET_DAY};
	for (size_t i = 0; i < r->nr; i++) {
		names[i] = xasprintf("s%zu", i);
		wants[3 + i] =
			(struct dataset_want){r->counts->signals.v[i], names[i], r->kinds[i]};
	}
	r->data_reader = dataset_register(r->job, r->data, r->duck, "data_rows", wants, err);
	ret = r->data_reader ? 0 : -1;
	for (size_t i = 0; i < r->nr; i++) {
		free(names[i]);
		names[i] = xasprintf("watch%zu", i);
		if (ret == 0 && r->kinds[i] == DATASET_DOUBLE)
			ret = watch_register(&r->watches[i], r->duck, names[i], err);
		free(names[i]);
	}
	free(names);
	free(wants);
	return ret;
}

static char *data_sql(const struct run *r)
{
	struct strbuf sql = STRBUF_INIT;

	strbuf_addstr(&sql, "SELECT entity, date");
	for (size_t i = 0; i < r->nr; i++)
		strbuf_addf(&sql, r->kinds[i] == DATASET_DOUBLE ? ", s%zu::VARCHAR" : ", s%zu", i);
	strbuf_addstr(&sql, " FROM (SELECT m.entity, d.date");
	for (size_t i = 0; i < r->nr; i++)
		strbuf_addf(&sql, ", d.s%zu", i);
	strbuf_addstr(&sql, " FROM (SELECT ticker, market, date");
	for (size_t i = 0; i < r->nr; i++) {
		if (r->kinds[i] == DATASET_DOUBLE)
			strbuf_addf(&sql, ", watch%zu(s%zu) AS s%zu", i, i, i);
		else
			strbuf_addf(&sql, ", s%zu", i);
	}
	strbuf_addstr(&sql, " FROM data_rows()) AS d JOIN mapping AS m "
			    "ON m.ticker = d.ticker AND m.market = d.market "
			    "ORDER BY m.entity, d.date");
	for (size_t i = 0; i < r->nr; i++)
		strbuf_addf(&sql, ", d.s%zu", i);
	strbuf_addch(&sql, ')');
	return strbuf_detach(&sql, NULL);
}

/* Why the copying failed, from who knows best. */
static void explain(struct run *r, struct err *why, struct err *err)
{
	if (dataset_error(r->data_reader, err) != 0)
		return;
	if (why->code != ERR_NOT_FOUND)
		err_move(err, why);
	else if (r->counts->rows_in == 0)
		err_set(err, ERR_NOT_FOUND, "%s holds no rows", r->data->shown);
	else
		err_set(err, ERR_NOT_FOUND,
			"none of the %lld rows of %s has a ticker and market of the %lld rows of "
			"%s",
			(long long)r->counts->rows_in, r->data->shown,
			(long long)r->counts->mappings, r->mapping->shown);
}

static void find_whole(void *payload)
{
	struct run *r = payload;

	for (size_t i = 0; i < r->nr; i++)
		r->whole[2 + i] = r->kinds[i] == DATASET_DOUBLE &&
				  !atomic_load(&r->watches[i].broken) &&
				  !atomic_load(&r->watches[i].large);
}

static int write_data(struct run *r, struct err *err)
{
	char *sql = data_sql(r);
	struct strvec header = STRVEC_INIT;
	struct csv_copied copied = {0};
	const struct csv_copy copy = {.sql = sql,
		.delimiter = ';',
		.header = &header,
		.names = &r->entities,
		.key_columns = 2,
		.begun = find_whole,
		.payload = r,
		.whole = r->whole};
	struct err why = ERR_INIT;
	int ret;

	strvec_push(&header, "entity");
	strvec_push(&header, "date");
	for (size_t i = 0; i < r->nr; i++)
		strvec_push(&header, r->counts->signals.v[i]);
	ret = csv_copy(r->duck, &copy, r->path, &copied, &why);
	r->counts->rows_in = dataset_rows(r->data_reader);
	if (ret != 0)
		explain(r, &why, err);
	r->counts->rows_out = copied.rows;
	r->counts->repeated = copied.repeated;
	free(r->counts->example);
	r->counts->example = copied.example;
	copied.example = NULL;
	csv_copied_release(&copied);
	err_release(&why);
	strvec_release(&header);
	free(sql);
	return ret;
}

/* --- one way through, and the next --- */

static int attempt(struct run *r, struct err *err)
{
	struct strvec folders = STRVEC_INIT;
	int ret = -1;

	for (size_t i = 0; i < r->nr; i++) {
		atomic_init(&r->watches[i].broken, false);
		atomic_init(&r->watches[i].large, false);
	}
	dataset_folders(r->job, r->data, &folders);
	dataset_folders(r->job, r->mapping, &folders);
	r->duck = duck_open(r->job, MEMORY_PERCENT, &folders, err);
	if (r->duck && load_mapping(r, err) == 0 && register_data(r, err) == 0)
		ret = write_data(r, err);
	duck_close(r->duck);
	dataset_reader_free(r->data_reader);
	dataset_reader_free(r->mapping_reader);
	r->duck = NULL;
	r->data_reader = r->mapping_reader = NULL;
	csv_names_release(&r->entities);
	strvec_release(&folders);
	return ret;
}

/* Doubles that proved to be whole, but beyond what doubles count exactly: their columns as integers again. */
static bool large_integers(struct run *r)
{
	bool any = false;

	for (size_t i = 0; i < r->nr; i++) {
		if (r->kinds[i] == DATASET_DOUBLE && !atomic_load(&r->watches[i].broken) &&
			atomic_load(&r->watches[i].large)) {
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
	free(r.watches);
	free(r.whole);
	return ret;
}
