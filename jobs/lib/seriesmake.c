/*
 * The CSV is read once, row by row, and checked on the way, so that whatever is wrong is named with its row. What is left are
 * numbers: DuckDB keeps and sorts them on disk. Entities' names do not pass through the sort: each stretch of rows with one
 * entity (a "run") has a number, names gives each entity the first of its runs, and the sorted points meet the names, in
 * the same order, when they are written.
 */
#include "seriesfile_internal.h"

#include <duckdb.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "dates.h"
#include "duck.h"
#include "duckstream.h"
#include "joblog.h"
#include "number.h"

#define MEMORY_MB 96
#define MAX_COLUMNS 1000
#define MAX_ENTITY 1000
#define PART_POINTS 50000
#define DAY_S INT64_C(86400)
#define NO_COLUMN SIZE_MAX

struct maker {
	const struct series_options *options;
	struct series_counts *counts;
	size_t width;        /* columns of the CSV */
	size_t known_column; /* NO_COLUMN where there is none */
	size_t *values;      /* the columns that hold values, one for each signal */
	struct strvec names; /* of those, for messages */
	duckdb_appender runs, points;
	int64_t run;          /* number of the last one */
	struct strbuf entity; /* of the last row */
	struct strbuf shown;  /* a value, for messages */
};

/* --- rows --- */

static const char *show(struct maker *m, const struct csv_field *f)
{
	strbuf_clear(&m->shown);
	strbuf_add(&m->shown, f->text, f->len < 100 ? f->len : 100);
	for (size_t i = 0; i < m->shown.len; i++)
		if ((unsigned char)m->shown.buf[i] < ' ')
			m->shown.buf[i] = ' ';
	return m->shown.buf;
}

/* entityTypes/X/entities/Y */
static bool is_entity(const char *s, size_t len)
{
	static const char *const words[] = {"entityTypes/", "entities/"};
	const char *end = s + len;

	if (len > MAX_ENTITY)
		return false;
	for (const char *c = s; c < end; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);
		const char *slash;

		if ((size_t)(end - s) <= n || memcmp(s, words[i], n) != 0)
			return false;
		s += n;
		slash = memchr(s, '/', (size_t)(end - s));
		if (slash == s || (slash != NULL) != (i == 0))
			return false;
		if (slash)
			s = slash + 1;
	}
	return true;
}

/* What stands for no value, as the vendor's loader has it. */
static bool is_missing(const struct csv_field *f)
{
	static const char *const texts[] = {"NaN", "nan", "NA", "N/A", "n/a", "NULL", "null",
		"None", "-nan", "-NaN", "<NA>", "#N/A"};

	if (f->len == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strlen(texts[i]) == f->len && memcmp(texts[i], f->text, f->len) == 0)
			return true;
	return false;
}

static int read_known(
	struct maker *m, const struct csv_field *f, int64_t row, int64_t *seconds, struct err *err)
{
	char *text = xstrndup(f->text, f->len);
	int64_t ms;
	int32_t days;
	int ret = 0;

	if (dates_parse(f->text, f->len, &days))
		*seconds = days * DAY_S;
	else if (clock_parse(text, &ms) == 0)
		*seconds = ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
	else
		ret = err_set(err, ERR_INVALID, "row %lld: known_time '%s' is no date or time",
			(long long)row, show(m, f));
	free(text);
	return ret;
}

static int append_failed(duckdb_appender appender, struct err *err)
{
	const char *why = duckdb_appender_error(appender);

	return err_set(err, ERR_FAILED, "cannot keep a row: %s", why ? why : "unknown error");
}

static int append_point(struct maker *m, size_t signal, int32_t days, int64_t known, int64_t row,
	double value, struct err *err)
{
	m->counts->points++;
	if (duckdb_append_int64(m->points, m->run) == DuckDBSuccess &&
		duckdb_append_int32(m->points, (int32_t)signal) == DuckDBSuccess &&
		duckdb_append_int32(m->points, days) == DuckDBSuccess &&
		duckdb_append_int64(m->points, known) == DuckDBSuccess &&
		duckdb_append_int64(m->points, row) == DuckDBSuccess &&
		duckdb_append_double(m->points, value) == DuckDBSuccess &&
		duckdb_appender_end_row(m->points) == DuckDBSuccess)
		return 0;
	return append_failed(m->points, err);
}

static int take_entity(struct maker *m, const struct csv_field *f, int64_t row, struct err *err)
{
	if (m->run >= 0 && f->len == m->entity.len && memcmp(f->text, m->entity.buf, f->len) == 0)
		return 0;
	if (f->len == 0)
		return err_set(err, ERR_INVALID, "row %lld has no entity", (long long)row);
	if (!is_entity(f->text, f->len))
		return err_set(err, ERR_INVALID,
			"row %lld: '%s' is no entity (entityTypes/TYPE/entities/NAME)",
			(long long)row, show(m, f));
	strbuf_clear(&m->entity);
	strbuf_add(&m->entity, f->text, f->len);
	m->run++;
	if (duckdb_append_int64(m->runs, m->run) == DuckDBSuccess &&
		duckdb_append_varchar_length(m->runs, f->text, f->len) == DuckDBSuccess &&
		duckdb_appender_end_row(m->runs) == DuckDBSuccess)
		return 0;
	return append_failed(m->runs, err);
}

static int take_value(struct maker *m, size_t signal, const struct csv_field *f, int32_t days,
	int64_t known, int64_t row, struct err *err)
{
	double value;

	if (is_missing(f)) {
		m->counts->missing++;
		return 0;
	}
	switch (number_double(f->text, f->len, &value)) {
	case NUMBER_EMPTY:
		m->counts->missing++;
		return 0;
	case NUMBER_OK:
		if (isfinite(value))
			return append_point(m, signal, days, known, row, value, err);
		break;
	case NUMBER_BAD:
		break;
	}
	return err_set(err, ERR_INVALID, "row %lld: '%s' of column '%s' (%s) is no number",
		(long long)row, show(m, f), m->names.v[signal], m->options->signals->v[signal]);
}

static int take_row(
	struct maker *m, const struct csv_field *fields, size_t nr, int64_t row, struct err *err)
{
	static const struct csv_field nothing = {"", 0, true};
	int64_t known = 0;
	int32_t days;

	m->counts->rows++;
	if (nr != m->width)
		return err_set(err, ERR_INVALID, "row %lld has %zu fields, the header %zu",
			(long long)row, nr, m->width);
	if (take_entity(m, &fields[0], row, err) != 0)
		return -1;
	if (!dates_parse(fields[1].text, fields[1].len, &days))
		return err_set(err, ERR_INVALID, "row %lld: '%s' is no date (YYYY-MM-DD)",
			(long long)row, show(m, &fields[1]));
	if (m->known_column != NO_COLUMN &&
		read_known(m, &fields[m->known_column], row, &known, err) != 0)
		return -1;
	for (size_t i = 0; i < m->names.nr; i++) {
		const struct csv_field *f = m->values[i] < nr ? &fields[m->values[i]] : &nothing;

		if (take_value(m, i, f, days, known, row, err) != 0)
			return -1;
	}
	return 0;
}

/* --- header --- */

static int check_signals(struct maker *m, struct err *err)
{
	char *names;
	size_t wanted = m->options->signals->nr;

	if (m->names.nr == wanted)
		return 0;
	names = strvec_join(&m->names, ", ");
	err_set(err, ERR_INVALID,
		"the file has %zu column%s of values (%s), and %zu signal%s named", m->names.nr,
		m->names.nr == 1 ? "" : "s", names, wanted, wanted == 1 ? " is" : "s are");
	free(names);
	return -1;
}

static int take_header(struct maker *m, const struct csv_field *fields, size_t nr, struct err *err)
{
	if (nr < 3 || nr > MAX_COLUMNS)
		return err_set(err, ERR_INVALID,
			"the header has %zu column%s: an entity, a date and values are wanted", nr,
			nr == 1 ? "" : "s");
	m->width = nr;
	m->values = xcalloc(nr, sizeof(*m->values));
	for (size_t i = 2; i < nr; i++) {
		char *name = xstrndup(fields[i].text, fields[i].len);

		if (iequals(name, "known_time") && m->known_column != NO_COLUMN) {
			free(name);
			return err_set(err, ERR_INVALID, "the header has known_time twice");
		}
		if (iequals(name, "known_time")) {
			m->known_column = i;
			m->counts->known_time = true;
			free(name);
		} else {
			m->values[m->names.nr] = i;
			strvec_push_take(&m->names, name);
		}
	}
	return check_signals(m, err);
}

static int read_chunk(struct maker *m, const struct csv_dialect *dialect, struct strbuf *chunk,
	struct csv_field *fields, int64_t *row, struct err *err)
{
	char *at = chunk->buf, *end = chunk->buf + chunk->len;
	size_t nr;
	int ret = 0;

	while (ret == 0 && (nr = csv_read_row(dialect, &at, end, fields, MAX_COLUMNS)) > 0) {
		++*row;
		ret = *row == 1 ? take_header(m, fields, nr, err)
				: take_row(m, fields, nr, *row, err);
	}
	return ret;
}

static int read_csv(struct maker *m, csv_read_fn *read, void *payload, struct err *err)
{
	const struct csv_dialect dialect = {m->options->delimiter, '"', '\0'};
	struct csv_field *fields = xcalloc(MAX_COLUMNS, sizeof(*fields));
	struct strbuf chunk = STRBUF_INIT;
	struct csv_cutter cutter;
	int64_t row = 0;
	int more = 1, ret = 0;

	csv_cutter_init(&cutter, &dialect, read, payload);
	while (ret == 0 && (more = csv_cutter_take(&cutter, &chunk, NULL, err)) > 0) {
		ret = job_check_interrupt(err);
		if (ret == 0)
			ret = read_chunk(m, &dialect, &chunk, fields, &row, err);
	}
	if (more < 0)
		ret = -1;
	else if (ret == 0 && row == 0)
		ret = err_set(err, ERR_INVALID, "the input file is empty: it has no header");
	csv_cutter_release(&cutter);
	strbuf_release(&chunk);
	free(fields);
	return ret;
}

/* --- into DuckDB --- */

static int end_appender(duckdb_appender *appender, int ret, struct err *err)
{
	if (*appender && ret == 0 && duckdb_appender_close(*appender) != DuckDBSuccess)
		ret = append_failed(*appender, err);
	duckdb_appender_destroy(appender);
	return ret;
}

static int fill(struct maker *m, struct duck *d, csv_read_fn *read, void *payload, struct err *err)
{
	int ret = -1;

	if (duck_exec(d, "CREATE TABLE runs (run BIGINT, entity VARCHAR)", NULL, err) != 0 ||
		duck_exec(d,
			"CREATE TABLE points (run BIGINT, signal INTEGER, days INTEGER, known "
			"BIGINT, row BIGINT, value DOUBLE)",
			NULL, err) != 0)
		return -1;
	if (duckdb_appender_create(duck_raw(d), NULL, "runs", &m->runs) != DuckDBSuccess ||
		duckdb_appender_create(duck_raw(d), NULL, "points", &m->points) != DuckDBSuccess)
		err_set(err, ERR_FAILED, "DuckDB takes no rows");
	else
		ret = read_csv(m, read, payload, err);
	ret = end_appender(&m->runs, ret, err);
	return end_appender(&m->points, ret, err);
}

/* Which entity each run belongs to, as the first run of that entity. */
static int name_entities(struct maker *m, struct duck *d, bool *again, struct err *err)
{
	int64_t entities = 0;

	if (duck_exec(d,
		    "CREATE TABLE names AS SELECT entity, min(run) AS first FROM runs GROUP BY "
		    "entity",
		    &entities, err) != 0)
		return -1;
	*again = entities != m->run + 1;
	if (!*again)
		return 0;
	return duck_exec(d,
		"CREATE TABLE firsts AS SELECT run, first FROM runs JOIN names USING (entity)",
		NULL, err);
}

/* --- out of DuckDB --- */

struct writer {
	struct maker *m;
	const char *path;
	FILE *out;
	struct duck_stream *names;
	duckdb_data_chunk chunk; /* of names */
	idx_t at, nr;            /* in chunk */
	int64_t first;           /* whose name is in `name` */
	struct strbuf entity;
	int32_t signal;
	struct series_point *points;
	int64_t *rows; /* of the points, for messages */
	size_t nr_points, max_points;
	int64_t series; /* its number */
	bool open;      /* there is a series */
};

static int write_part(struct writer *w, bool last, struct err *err)
{
	struct strbuf name = STRBUF_INIT;
	struct part_header header = {0};
	bool ok;

	strbuf_addf(&name, "%s/%s", w->entity.buf, w->m->options->signals->v[w->signal]);
	header.name_len = (uint32_t)name.len;
	header.nr_points = (uint32_t)w->nr_points;
	header.series = w->series;
	header.last = last;
	ok = fwrite(&header, sizeof(header), 1, w->out) == 1 &&
	     fwrite(name.buf, 1, name.len, w->out) == name.len &&
	     fwrite(w->points, sizeof(*w->points), w->nr_points, w->out) == w->nr_points;
	strbuf_release(&name);
	w->nr_points = 0;
	return ok ? 0 : err_errno(err, "%s", w->path);
}

static int end_series(struct writer *w, struct err *err)
{
	int ret = w->open ? write_part(w, true, err) : 0;

	w->open = false;
	return ret;
}

/* Names come in the order of `first`, as the points do; some have no points. */
static int find_name(struct writer *w, int64_t first, struct err *err)
{
	while (w->first != first) {
		const int64_t *firsts;
		duckdb_string_t *entities;

		if (w->at == w->nr) {
			int more = duck_stream_next(w->names, &w->chunk, err);

			if (more <= 0)
				return more < 0 ? -1
						: err_set(err, ERR_FAILED, "an entity was lost");
			w->at = 0;
			w->nr = duckdb_data_chunk_get_size(w->chunk);
		}
		firsts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(w->chunk, 0));
		entities = duckdb_vector_get_data(duckdb_data_chunk_get_vector(w->chunk, 1));
		w->first = firsts[w->at];
		strbuf_clear(&w->entity);
		strbuf_add(&w->entity, duckdb_string_t_data(&entities[w->at]),
			duckdb_string_t_length(entities[w->at]));
		w->at++;
	}
	return 0;
}

static int begin_series(struct writer *w, int64_t first, int32_t signal, struct err *err)
{
	if (end_series(w, err) != 0 || find_name(w, first, err) != 0)
		return -1;
	w->signal = signal;
	w->series = w->m->counts->series++;
	w->open = true;
	return 0;
}

static int refuse_second(struct writer *w, const struct series_point *p, int64_t row,
	const struct series_point *q, int64_t other_row, struct err *err)
{
	struct strbuf date = STRBUF_INIT;

	dates_add(&date, p->days);
	err_set(err, ERR_INVALID,
		"duplicate data points for '%s/%s': %s has the values %.15g (row %lld) and %.15g "
		"(row %lld)",
		w->entity.buf, w->m->options->signals->v[w->signal], date.buf, q->value,
		(long long)other_row, p->value, (long long)row);
	strbuf_release(&date);
	return -1;
}

static int add_point(struct writer *w, const struct series_point *p, int64_t row, struct err *err)
{
	size_t last = w->nr_points - 1;

	if (w->nr_points && !w->m->options->skip_validation && w->points[last].days == p->days &&
		w->points[last].known_s == p->known_s) {
		if (w->points[last].value != p->value)
			return refuse_second(w, p, row, &w->points[last], w->rows[last], err);
		if (w->m->counts->repeated++ == 0)
			job_log(JOB_WARN, "repeated", "series=\"%s/%s\" rows=\"%lld, %lld\"",
				w->entity.buf, w->m->options->signals->v[w->signal],
				(long long)w->rows[last], (long long)row);
		w->m->counts->points--;
		return 0;
	}
	/* The last point stays behind for the next part, to be compared with. */
	if (w->nr_points == w->max_points) {
		struct series_point keep = w->points[last];
		int64_t keep_row = w->rows[last];

		w->nr_points--;
		if (write_part(w, false, err) != 0)
			return -1;
		w->points[0] = keep;
		w->rows[0] = keep_row;
		w->nr_points = 1;
	}
	w->points[w->nr_points] = *p;
	w->rows[w->nr_points++] = row;
	return 0;
}

static int write_chunk(struct writer *w, duckdb_data_chunk chunk, struct err *err)
{
	idx_t nr = duckdb_data_chunk_get_size(chunk);
	const void *v[6];
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, i));
	for (idx_t i = 0; i < nr && ret == 0; i++) {
		const struct series_point p = {
			.days = ((const int32_t *)v[2])[i],
			.known_s = ((const int64_t *)v[3])[i],
			.value = ((const double *)v[5])[i],
		};
		int64_t first = ((const int64_t *)v[0])[i];
		int32_t signal = ((const int32_t *)v[1])[i];

		if (!w->open || first != w->first || signal != w->signal)
			ret = begin_series(w, first, signal, err);
		if (ret == 0)
			ret = add_point(w, &p, ((const int64_t *)v[4])[i], err);
	}
	return ret;
}

static int write_points(struct writer *w, struct duck *d, bool again, struct err *err)
{
	/* Stretches of one entity are rarely torn apart: then their numbers need no looking up. */
	static const char straight[] = "SELECT run, signal, days, known, row, value FROM points "
				       "ORDER BY run, signal, days, known, row";
	static const char joined[] =
		"SELECT first, signal, days, known, row, value FROM points JOIN firsts USING (run) "
		"ORDER BY first, signal, days, known, row";
	struct duck_stream *points = duck_stream_open(d, again ? joined : straight, err);
	duckdb_data_chunk chunk;
	int more = -1;

	while (points && (more = duck_stream_next(points, &chunk, err)) > 0) {
		if (write_chunk(w, chunk, err) == 0)
			continue;
		more = -1;
		break;
	}
	duck_stream_close(points);
	return more == 0 ? end_series(w, err) : -1;
}

static int write_file(
	struct maker *m, struct duck *d, bool again, const char *path, struct err *err)
{
	struct writer w = {.m = m, .path = path, .first = -1, .entity = STRBUF_INIT};
	struct duck *other = duck_connect(d, err);
	int ret = -1;

	w.max_points = m->options->part_points ? m->options->part_points : PART_POINTS;
	w.max_points = w.max_points < 2 ? 2 : w.max_points;
	w.points = xcalloc(w.max_points, sizeof(*w.points));
	w.rows = xcalloc(w.max_points, sizeof(*w.rows));
	if (other)
		w.names = duck_stream_open(
			other, "SELECT first, entity FROM names ORDER BY first", err);
	if (w.names)
		w.out = fopen(path, "wbe");
	if (w.names && !w.out)
		err_errno(err, "%s", path);
	if (w.out)
		ret = write_points(&w, d, again, err);
	if (w.out && fclose(w.out) != 0 && ret == 0)
		ret = err_errno(err, "%s", path);
	duck_stream_close(w.names);
	duck_close(other);
	strbuf_release(&w.entity);
	free(w.points);
	free(w.rows);
	return ret;
}

int series_file_make(struct job *job, csv_read_fn *read, void *payload,
	const struct series_options *options, const char *path, struct series_counts *counts,
	struct err *err)
{
	struct maker m = {.options = options,
		.counts = counts,
		.known_column = NO_COLUMN,
		.names = STRVEC_INIT,
		.run = -1,
		.entity = STRBUF_INIT,
		.shown = STRBUF_INIT};
	struct duck *d = duck_open_small(job, MEMORY_MB, NULL, err);
	bool again = false;
	int ret = -1;

	*counts = (struct series_counts){0};
	if (d && fill(&m, d, read, payload, err) == 0 && name_entities(&m, d, &again, err) == 0)
		ret = write_file(&m, d, again, path, err);
	duck_close(d);
	strvec_release(&m.names);
	strbuf_release(&m.entity);
	strbuf_release(&m.shown);
	free(m.values);
	return ret;
}
