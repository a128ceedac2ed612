#include "crypto.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "duck.h"
#include "joblog.h"

#define MEMORY_PERCENT 60
#define SHOWN_ROWS "20"
/* Below, one thread is faster than several. */
#define SMALL_BYTES (8 << 20)

/* A silver data set: its two columns, whose names count in any case, and the types that they may have. */
struct silver_column {
	const char *name, *as, *to;
	const char *types; /* DuckDB's, with ' ' around each */
};
struct silver_set {
	const char *suffix, *table;
	struct silver_column columns[2];
};
static const struct silver_set sets[] = {
	{"_hist", "hist",
		{{"Date", "day", "DATE", " DATE TIMESTAMP "},
			{"Price", "price", "FLOAT", " FLOAT DOUBLE "}}},
	{"_trend", "trend",
		{{"date", "day", "DATE", " DATE TIMESTAMP "},
			{"g_trend", "g", "INTEGER", " TINYINT SMALLINT INTEGER BIGINT "}}},
};

static int check_column(const struct duck_rows *found, const struct silver_column *c,
	const char *shown, struct err *err)
{
	for (size_t i = 0; i < found->nr_rows; i++) {
		const char *name = found->v[i * found->nr_columns];
		const char *type = found->v[i * found->nr_columns + 1];
		char *word;
		bool fits;

		if (!iequals(name, c->name))
			continue;
		word = xasprintf(" %s ", type);
		fits = strstr(c->types, word) != NULL;
		free(word);
		if (fits)
			return 0;
		return err_set(err, ERR_INVALID, "'%s': its column '%s' is %s, not %s", shown, name,
			type, c->to);
	}
	return err_set(err, ERR_INVALID, "'%s' has no column '%s'", shown, c->name);
}

static int check_columns(struct duck *d, const struct silver_set *set, const struct strvec *paths,
	const char *shown, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	struct duck_rows found = {0};
	int ret;

	strbuf_addstr(&sql, "DESCRIBE SELECT * FROM read_parquet(");
	duck_add_list(&sql, paths);
	strbuf_addstr(&sql, ", hive_partitioning = false)");
	ret = duck_query(d, sql.buf, &found, err);
	strbuf_release(&sql);
	if (ret != 0)
		return err_wrap(err, "'%s'", shown);
	for (size_t i = 0; i < ARRAY_SIZE(set->columns) && ret == 0; i++)
		ret = check_column(&found, &set->columns[i], shown, err);
	duck_rows_release(&found);
	return ret;
}

/* "(SELECT …) hist": the set with names and types of ours. A date is a must, or rows would match none and not be missed. */
static void add_set(struct strbuf *sql, const struct silver_set *set, const struct strvec *paths)
{
	const struct silver_column *day = &set->columns[0], *value = &set->columns[1];

	strbuf_addf(sql,
		"(SELECT coalesce(CAST(\"%s\" AS %s), error('a row has no date')) AS %s, "
		"CAST(\"%s\" AS %s) AS %s, file_row_number AS at FROM read_parquet(",
		day->name, day->to, day->as, value->name, value->to, value->as);
	duck_add_list(sql, paths);
	strbuf_addf(sql, ", file_row_number = true, hive_partitioning = false)) %s", set->table);
}

/* A hint names the step that makes what is missing. */
static int find(struct job *job, const struct place *silver, const char *stem, struct strvec *paths,
	struct err *err)
{
	if (place_parquet_files(job, silver, stem, paths, err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND)
		err_hint(err, "bronze2silver writes them");
	return -1;
}

struct inputs {
	char *shown[ARRAY_SIZE(sets)];
	struct strvec paths[ARRAY_SIZE(sets)];
	int64_t bytes;
};

static int find_inputs(struct job *job, const struct place *silver, const char *ticker,
	struct inputs *in, struct strvec *folders, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		char *stem = xasprintf("%s%s", ticker, sets[i].suffix);
		int ret = find(job, silver, stem, &in->paths[i], err);
		struct stat st;

		in->shown[i] = xasprintf("%s%s/", silver->shown, stem);
		if (!silver->bucket)
			strvec_pushf(folders, "%s%s", silver->shown, stem);
		free(stem);
		if (ret != 0)
			return -1;
		for (size_t p = 0; p < in->paths[i].nr; p++)
			if (stat(in->paths[i].v[p], &st) == 0)
				in->bytes += st.st_size;
		job_log(JOB_INFO, "reading", "from=\"%s\"", in->shown[i]);
	}
	return 0;
}

/* --- the joined rows --- */

/*
 * All dates of both, in their order (n); what has one date keeps the order of the files. `again`: the row before has the same.
 */
static void add_join(struct strbuf *sql, const struct inputs *in)
{
	strbuf_addstr(sql, "CREATE TABLE joined AS SELECT *, row_number() OVER w AS n, "
			   "coalesce(lag(day) OVER w = day, false) AS again FROM (SELECT "
			   "coalesce(hist.day, trend.day) AS day, price, g, hist.at AS h, trend.at "
			   "AS t FROM ");
	add_set(sql, &sets[0], &in->paths[0]);
	strbuf_addstr(sql, " FULL JOIN ");
	add_set(sql, &sets[1], &in->paths[1]);
	strbuf_addstr(
		sql, " ON hist.day = trend.day) WINDOW w AS (ORDER BY day, h NULLS FIRST, t)");
}

static int join(struct duck *d, const struct inputs *in, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sets) && ret == 0; i++)
		ret = check_columns(d, &sets[i], &in->paths[i], in->shown[i], err);
	add_join(&sql, in);
	if (ret == 0) {
		ret = duck_exec(d, sql.buf, NULL, err);
		if (ret != 0)
			err_wrap(err, "'%s' and '%s'", in->shown[0], in->shown[1]);
	}
	strbuf_release(&sql);
	return ret;
}

/* The first rows, as the original printed them; each tells how many rows and dates there are in all. */
static int show_joined(struct duck *d, struct err *err)
{
	struct duck_rows rows = {0};

	if (duck_query(d,
		    "SELECT day, price, g, rows, dates FROM joined, (SELECT count(*) AS rows, "
		    "count(*) FILTER (NOT again) AS dates FROM joined) "
		    "WHERE n <= " SHOWN_ROWS " ORDER BY n",
		    &rows, err) != 0)
		return -1;
	for (size_t i = 0; i < rows.nr_rows; i++) {
		char **v = rows.v + i * rows.nr_columns;

		job_log(JOB_INFO, "joined", "date=%s price=%s g_trend=%s", v[0],
			v[1] ? v[1] : "null", v[2] ? v[2] : "null");
	}
	if (rows.nr_rows && strcmp(rows.v[3], rows.v[4]) != 0)
		job_log(JOB_WARN, "repeated",
			"dates=%s rows=%s reason=\"dates that come twice multiply rows\"",
			rows.v[4], rows.v[3]);
	duck_rows_release(&rows);
	return 0;
}

#define BY_DATE "(ORDER BY n ROWS BETWEEN "
static const char gold[] =
	"SELECT day AS \"Date\", price AS \"Price\", g AS \"g_trend\", "
	"avg(price) OVER " BY_DATE "13 PRECEDING AND CURRENT ROW) AS \"PriceMA\", "
	"avg(g_cont) OVER " BY_DATE "6 PRECEDING AND CURRENT ROW) AS \"TrendMA\" "
	"FROM (SELECT day, n, g, coalesce(price, "
	"last_value(price IGNORE NULLS) OVER " BY_DATE "2 PRECEDING AND 1 PRECEDING)) AS price, "
	"coalesce(g, first_value(g IGNORE NULLS) OVER " BY_DATE
	"1 FOLLOWING AND 6 FOLLOWING)) AS g_cont FROM joined) ORDER BY n";

static int write_gold(struct duck *d, const char *ticker, struct publish *out, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	char *name = publish_new_name(ticker);
	const char *path = publish_path(out, name, err);
	int64_t rows = 0;
	int ret = -1;

	if (path) {
		strbuf_addf(&sql, "COPY (%s) TO ", gold);
		duck_add_text(&sql, path);
		strbuf_addstr(&sql, " (FORMAT parquet, COMPRESSION snappy)");
		ret = duck_exec(d, sql.buf, &rows, err);
	}
	if (ret == 0)
		job_log(JOB_INFO, "gold", "ticker=%s rows=%lld", ticker, (long long)rows);
	strbuf_release(&sql);
	free(name);
	return ret;
}

int crypto_gold(struct job *job, const struct place *silver, const char *ticker,
	struct publish *out, struct err *err)
{
	struct strvec folders = STRVEC_INIT;
	struct inputs in = {{NULL}, {STRVEC_INIT, STRVEC_INIT}, 0};
	struct duck *d = NULL;
	int ret = -1;

	strvec_push(&folders, publish_dir(out));
	if (find_inputs(job, silver, ticker, &in, &folders, err) == 0)
		d = in.bytes < SMALL_BYTES ? duck_open_single(job, MEMORY_PERCENT, &folders, err)
					   : duck_open(job, MEMORY_PERCENT, &folders, err);
	if (d && join(d, &in, err) == 0 && show_joined(d, err) == 0)
		ret = write_gold(d, ticker, out, err);
	duck_close(d);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		free(in.shown[i]);
		strvec_release(&in.paths[i]);
	}
	strvec_release(&folders);
	return ret;
}
