/*
 * Duplicates are found by DuckDB's DISTINCT, which spills. Where even that does not find room (it keeps blocks of all of
 * its partitions in memory), the source is read again in passes, each for the rows of a part of all hashes; the parts
 * are gathered in a table, whose blocks spill without conditions.
 */
#include "sales.h"

#include "csvtable.h"
#include "joblog.h"

static const struct csv_rule sales_rules[] = {
	{"units_sold", CSV_INT32},
	{"unit_price", CSV_DECIMAL_10_2},
	{"unit_cost", CSV_DECIMAL_10_2},
	{"total_revenue", CSV_DECIMAL_10_2},
	{"total_cost", CSV_DECIMAL_10_2},
	{"total_profit", CSV_DECIMAL_10_2},
	{"order_date", CSV_DATE_MDY},
	{"ship_date", CSV_DATE_MDY},
	{0},
};

#define MEMORY_PERCENT 60
static const size_t passes_tried[] = {1, 8, 64};

/* One read through the source; `sql` has the table function's name in place of '@'. */
static int run_pass(struct duck *d, const struct sales_source *source, const char *sql, size_t pass,
	struct sales_counts *counts, struct err *err)
{
	struct strbuf full = STRBUF_INIT;
	struct csv_table *table = NULL;
	char *name = xasprintf("sales%zu", pass);
	int ret = -1;

	if (source->rewind(source->payload, err) != 0)
		goto out;
	table = csv_table_open(source->read, source->payload, sales_rules, err);
	if (!table || csv_table_register(table, d, name, err) != 0)
		goto out;
	strbuf_addstr(&full, sql);
	strbuf_replace(&full, "@", name);
	ret = duck_exec(d, full.buf, pass == 0 ? &counts->rows_out : NULL, err);
	/* What broke the stream says more than what DuckDB made of it. */
	if (csv_table_error(table, err) != 0)
		ret = -1;
	counts->rows_in = csv_table_rows(table);
out:
	csv_table_free(table);
	strbuf_release(&full);
	free(name);
	return ret;
}

static void add_target(struct strbuf *sql, const char *path)
{
	strbuf_addstr(sql, " TO ");
	duck_add_text(sql, path);
	strbuf_addstr(sql, " (FORMAT parquet, COMPRESSION snappy)");
}

static int in_one_pass(struct duck *d, const struct sales_source *source, const char *path,
	struct sales_counts *counts, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret;

	strbuf_addstr(&sql, "COPY (SELECT DISTINCT * FROM @())");
	add_target(&sql, path);
	ret = run_pass(d, source, sql.buf, 0, counts, err);
	strbuf_release(&sql);
	return ret;
}

static int in_passes(struct duck *d, size_t passes, const struct sales_source *source,
	const char *path, struct sales_counts *counts, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; i < passes && ret == 0; i++) {
		strbuf_clear(&sql);
		strbuf_addf(&sql, "%s SELECT DISTINCT * FROM @() AS t WHERE hash(t) %% %zu = %zu",
			i ? "INSERT INTO kept" : "CREATE TABLE kept AS", passes, i);
		ret = run_pass(d, source, sql.buf, i, counts, err);
	}
	strbuf_clear(&sql);
	strbuf_addstr(&sql, "COPY kept");
	add_target(&sql, path);
	if (ret == 0)
		ret = duck_exec(d, sql.buf, &counts->rows_out, err);
	strbuf_release(&sql);
	return ret;
}

static int try_clean(struct job *job, size_t passes, const struct sales_source *source,
	struct publish *out, const char *path, struct sales_counts *counts, struct err *err)
{
	struct strvec folders = STRVEC_INIT;
	struct duck *d;
	int ret = -1;

	strvec_push(&folders, publish_dir(out));
	d = duck_open(job, MEMORY_PERCENT, &folders, err);
	if (d && passes == 1)
		ret = in_one_pass(d, source, path, counts, err);
	else if (d)
		ret = in_passes(d, passes, source, path, counts, err);
	duck_close(d);
	strvec_release(&folders);
	return ret;
}

int sales_clean(struct job *job, const struct sales_source *source, struct publish *out,
	struct sales_counts *counts, struct err *err)
{
	char *id = job_new_id(), *name = xasprintf("part-00000-%s.snappy.parquet", id);
	const char *path = publish_path(out, name, err);
	struct err why = ERR_INIT;
	int ret = -1;

	for (size_t i = 0; path && i < ARRAY_SIZE(passes_tried); i++) {
		err_release(&why);
		ret = try_clean(job, passes_tried[i], source, out, path, counts, &why);
		if (ret == 0 || !duck_is_out_of_memory(&why))
			break;
		job_log(JOB_WARN, "memory", "passes=%zu error=\"%s\"", passes_tried[i], why.text);
	}
	if (path && ret != 0)
		err_move(err, &why);
	err_release(&why);
	counts->files = 1;
	free(id);
	free(name);
	return ret;
}
