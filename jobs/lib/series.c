#include "series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "csvwrite.h"
#include "duck.h"
#include "partitions.h"

#define MEMORY_PERCENT 50
#define MARKET "US"

/* --- columns --- */

enum type_set { TYPE_KEY, TYPE_DAY, TYPE_INTEGER, TYPE_NUMBER };

static bool is_one_of(const char *type, const char *const *names)
{
	/* "decimal(10,2)", "varchar(3)" */
	size_t len = strcspn(type, "(");

	for (; *names; names++)
		if (strlen(*names) == len && strncasecmp(*names, type, len) == 0)
			return true;
	return false;
}

static bool fits(const char *type, enum type_set set)
{
	static const char *const texts[] = {"string", "varchar", "char", NULL};
	static const char *const days[] = {"date", "timestamp", NULL};
	static const char *const integers[] = {
		"bigint", "int", "integer", "smallint", "tinyint", "long", "short", "byte", NULL};
	static const char *const numbers[] = {"double", "float", "real", "decimal", NULL};

	if (is_one_of(type, integers))
		return true;
	switch (set) {
	case TYPE_KEY:
		return is_one_of(type, texts) || is_one_of(type, days) || is_one_of(type, numbers);
	case TYPE_DAY:
		return is_one_of(type, texts) || is_one_of(type, days);
	case TYPE_INTEGER:
		return false;
	case TYPE_NUMBER:
		return is_one_of(type, numbers);
	}
	return false;
}

static int check_column(
	const struct dataset *d, const char *name, enum type_set set, struct err *err)
{
	static const char *const wanted[] = {"a string", "a string, a date or a timestamp",
		"an integer", "an integer or a double"};
	const struct dataset_column *c = dataset_column(d, name);

	if (!c)
		return err_set(err, ERR_INVALID, "%s has no column '%s'", d->shown, name);
	if (!fits(c->type, set))
		return err_set(err, ERR_INVALID, "%s: column '%s' is of type '%s', and is to be %s",
			d->shown, name, c->type, wanted[set]);
	return 0;
}

int series_check(const struct series_source *s, bool doubles, struct err *err)
{
	if (check_column(s->tickers, "chainid", TYPE_KEY, err) != 0 ||
		check_column(s->tickers, "ticker", TYPE_KEY, err) != 0 ||
		check_column(s->venues, "venueid", TYPE_KEY, err) != 0 ||
		check_column(s->venues, "chainid", TYPE_KEY, err) != 0 ||
		check_column(s->data, "venueid", TYPE_KEY, err) != 0 ||
		check_column(s->data, "utc_date", TYPE_DAY, err) != 0)
		return -1;
	for (size_t i = 0; i < s->signals->nr; i++)
		if (check_column(s->data, s->signals->v[i], doubles ? TYPE_NUMBER : TYPE_INTEGER,
			    err) != 0)
			return -1;
	return 0;
}

/* --- the work --- */

struct work {
	struct job *job;
	const struct series_source *source;
	struct duck *duck;
	struct dataset_reader *tickers, *venues, *data;
	struct strvec names; /* signal1, … */
	bool *is_integer;
	struct series_counts *counts;
};

static void work_release(struct work *w)
{
	duck_close(w->duck);
	dataset_reader_free(w->tickers);
	dataset_reader_free(w->venues);
	dataset_reader_free(w->data);
	strvec_release(&w->names);
	free(w->is_integer);
}

static struct dataset_reader *register_data(struct work *w, struct err *err)
{
	const struct strvec *signals = w->source->signals;
	struct dataset_want *wants = xcalloc(signals->nr + 3, sizeof(*wants));
	struct dataset_reader *r;

	wants[0] = (struct dataset_want){"venueid", "venueid", DATASET_TEXT};
	wants[1] = (struct dataset_want){"utc_date", "day", DATASET_DAY};
	w->is_integer = xcalloc(signals->nr, sizeof(*w->is_integer));
	for (size_t i = 0; i < signals->nr; i++) {
		const char *name = strvec_pushf(&w->names, "signal%zu", i + 1);

		w->is_integer[i] =
			fits(dataset_column(w->source->data, signals->v[i])->type, TYPE_INTEGER);
		wants[2 + i] = (struct dataset_want){
			signals->v[i], name, w->is_integer[i] ? DATASET_INT64 : DATASET_DOUBLE};
	}
	r = dataset_register(w->job, w->source->data, w->duck, "data", wants, err);
	free(wants);
	return r;
}

static int open_all(struct work *w, const struct publish *identities, const struct publish *sums,
	struct err *err)
{
	static const struct dataset_want ticker_wants[] = {
		{"chainid", "chainid", DATASET_TEXT}, {"ticker", "ticker", DATASET_TEXT}, {0}};
	static const struct dataset_want venue_wants[] = {
		{"venueid", "venueid", DATASET_TEXT}, {"chainid", "chainid", DATASET_TEXT}, {0}};
	const struct series_source *s = w->source;
	struct strvec folders = STRVEC_INIT;
	int ret = -1;

	strvec_push(&folders, publish_dir(identities));
	strvec_push(&folders, publish_dir(sums));
	dataset_folders(w->job, s->tickers, &folders);
	dataset_folders(w->job, s->venues, &folders);
	dataset_folders(w->job, s->data, &folders);
	w->duck = duck_open(w->job, MEMORY_PERCENT, &folders, err);
	if (w->duck &&
		(w->tickers = dataset_register(
			 w->job, s->tickers, w->duck, "ticker_rows", ticker_wants, err)) &&
		(w->venues = dataset_register(
			 w->job, s->venues, w->duck, "venue_rows", venue_wants, err)) &&
		(w->data = register_data(w, err)))
		ret = 0;
	strvec_release(&folders);
	return ret;
}

/* What broke a reader says more than what DuckDB made of it. */
static int run(struct work *w, const char *sql, int64_t *rows, struct err *err)
{
	struct dataset_reader *readers[] = {w->tickers, w->venues, w->data};
	int ret = duck_exec(w->duck, sql, rows, err);

	for (size_t i = 0; i < ARRAY_SIZE(readers) && ret != 0; i++)
		if (dataset_error(readers[i], err) != 0)
			break;
	return ret;
}

static int count_unnamed(struct work *w, struct err *err)
{
	struct duck_rows rows = {0};
	long long n = 0;

	if (duck_query(w->duck, "SELECT count(*) FROM tickers WHERE coalesce(ticker, '') = ''",
		    &rows, err) != 0)
		return -1;
	if (parse_int64(rows.v[0], 0, INT64_MAX, &n) == 0)
		w->counts->unnamed = n;
	duck_rows_release(&rows);
	return 0;
}

/* Chains are few beside visits: both tables and their join are kept. */
static int load_chains(struct work *w, struct err *err)
{
	struct series_counts *n = w->counts;

	if (run(w, "CREATE TABLE tickers AS SELECT chainid, ticker FROM ticker_rows()", &n->tickers,
		    err) != 0 ||
		run(w, "CREATE TABLE venues AS SELECT venueid, chainid FROM venue_rows()",
			&n->venues, err) != 0 ||
		count_unnamed(w, err) != 0)
		return -1;
	return run(w,
		"CREATE TABLE pairs AS SELECT venueid, ticker FROM venues JOIN tickers "
		"USING (chainid) WHERE ticker <> '' AND venueid IS NOT NULL",
		NULL, err);
}

static int sum_up(struct work *w, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret;

	strbuf_addstr(&sql, "CREATE TABLE sums AS SELECT ticker, day, count(*) AS joined");
	for (size_t i = 0; i < w->names.nr; i++)
		strbuf_addf(&sql, ", %s(%s) AS %s", w->is_integer[i] ? "sum" : "fsum",
			w->names.v[i], w->names.v[i]);
	strbuf_addstr(&sql, " FROM data() JOIN pairs USING (venueid) GROUP BY ticker, day");
	ret = run(w, sql.buf, &w->counts->sums, err);
	w->counts->rows = dataset_rows(w->data);
	strbuf_release(&sql);
	return ret;
}

static int no_rows(const struct work *w, struct err *err)
{
	const struct series_source *s = w->source;
	const struct series_counts *n = w->counts;

	if (!n->tickers || !n->venues || !n->rows) {
		const struct dataset *d = !n->tickers  ? s->tickers
					  : !n->venues ? s->venues
						       : s->data;

		err_set(err, ERR_INVALID, "%s is empty: %s", d->shown,
			d->nr_files ? "its files have no rows" : "there are no files");
		return err_hint(
			err, "check what lies at the table's location, and run the crawler");
	}
	err_set(err, ERR_INVALID,
		"no row of %s belongs to a ticker: %lld rows there, %lld in %s, %lld in %s",
		s->data->shown, (long long)n->rows, (long long)n->venues, s->venues->shown,
		(long long)n->tickers, s->tickers->shown);
	return err_hint(err, "venueid must be equal in the first two, chainid in the last two");
}

/* The first sum, by ticker and day, that is none. */
static int check_signal(struct work *w, size_t i, struct err *err)
{
	const char *name = w->names.v[i];
	struct duck_rows rows = {0};
	struct strbuf sql = STRBUF_INIT;
	int ret;

	strbuf_addf(&sql,
		"SELECT ticker, CAST(day AS VARCHAR), CAST(%s AS VARCHAR) FROM sums WHERE "
		"%s IS NOT NULL AND ",
		name, name);
	strbuf_addf(&sql, w->is_integer[i] ? "TRY_CAST(%s AS BIGINT) IS NULL" : "NOT isfinite(%s)",
		name);
	strbuf_addstr(&sql, " ORDER BY ticker, day LIMIT 1");
	ret = duck_query(w->duck, sql.buf, &rows, err);
	if (ret == 0 && rows.nr_rows)
		ret = err_set(err, ERR_INVALID,
			"the sum of '%s' for ticker '%s' on %s is %s, which is no %s",
			w->source->signals->v[i], rows.v[0], rows.v[1], rows.v[2],
			w->is_integer[i] ? "integer of 64 bits" : "number");
	duck_rows_release(&rows);
	strbuf_release(&sql);
	return ret;
}

static int check_sums(struct work *w, struct err *err)
{
	struct duck_rows rows = {0};
	long long joined = 0;
	int ret = duck_query(
		w->duck, "SELECT coalesce(sum(joined), 0)::BIGINT FROM sums", &rows, err);

	if (ret == 0 && parse_int64(rows.v[0], 0, INT64_MAX, &joined) == 0)
		w->counts->joined = joined;
	duck_rows_release(&rows);
	for (size_t i = 0; i < w->names.nr && ret == 0; i++)
		ret = check_signal(w, i, err);
	return ret;
}

static int rename_file(const char *from, const char *to, struct err *err)
{
	return rename(from, to) == 0 ? 0 : err_errno(err, "%s", to);
}

static int write_identities(
	struct work *w, const char *file_name, struct publish *out, struct err *err)
{
	struct strvec header = STRVEC_INIT;
	const struct csv_copy copy = {
		.sql = "SELECT DISTINCT ticker, '" MARKET "' AS market FROM tickers WHERE "
		       "ticker <> '' ORDER BY ticker",
		.delimiter = ',',
		.header = &header,
	};
	struct csv_copied copied = {0};
	const char *path = publish_path(out, file_name, err);
	char *scratch = xasprintf("%s/.identities.gz", publish_dir(out));
	int ret = -1;

	strvec_push(&header, "ticker");
	strvec_push(&header, "market");
	/* Its name must end in .gz, which scratch files of a publish need not. */
	if (path && csv_copy(w->duck, &copy, scratch, &copied, err) == 0)
		ret = rename_file(scratch, path, err);
	w->counts->identities = copied.rows;
	csv_copied_release(&copied);
	strvec_release(&header);
	free(scratch);
	return ret;
}

static int write_sums(struct work *w, const char *file_name, struct publish *out, struct err *err)
{
	const struct partitions p = {"ticker", file_name, out};
	struct partitions_counts written = {0};
	struct strvec header = STRVEC_INIT;
	struct strbuf sql = STRBUF_INIT;
	int ret;

	strvec_push(&header, "date");
	strbuf_addstr(&sql, "SELECT ticker, day");
	for (size_t i = 0; i < w->names.nr; i++) {
		strvec_push(&header, w->names.v[i]);
		strbuf_addf(&sql, ", CAST(%s AS %s)", w->names.v[i],
			w->is_integer[i] ? "BIGINT" : "VARCHAR");
	}
	strvec_push(&header, "market");
	strbuf_addstr(&sql, ", '" MARKET "' FROM sums ORDER BY ticker, day");
	ret = partitions_write_csv(w->duck, &p, sql.buf, &header, &written, err);
	w->counts->series = written.files;
	strvec_release(&header);
	strbuf_release(&sql);
	return ret;
}

int series_extract(struct job *job, const struct series_source *s, const char *file_name,
	struct publish *identities, struct publish *sums, struct series_counts *counts,
	struct err *err)
{
	struct work w = {.job = job, .source = s, .names = STRVEC_INIT, .counts = counts};
	int ret = -1;

	*counts = (struct series_counts){0};
	if (open_all(&w, identities, sums, err) != 0 || load_chains(&w, err) != 0 ||
		sum_up(&w, err) != 0)
		goto out;
	if (counts->sums == 0) {
		no_rows(&w, err);
		goto out;
	}
	if (check_sums(&w, err) != 0 || write_identities(&w, file_name, identities, err) != 0 ||
		write_sums(&w, file_name, sums, err) != 0)
		goto out;
	ret = 0;
out:
	work_release(&w);
	return ret;
}
