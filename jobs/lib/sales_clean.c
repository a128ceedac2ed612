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

static int copy_distinct(
	struct csv_table *table, struct duck *d, const char *path, int64_t *rows, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret = csv_table_register(table, d, "sales", err);

	strbuf_addstr(&sql, "COPY (SELECT DISTINCT * FROM sales()) TO ");
	duck_add_text(&sql, path);
	strbuf_addstr(&sql, " (FORMAT parquet, COMPRESSION snappy)");
	if (ret == 0)
		ret = duck_exec(d, sql.buf, rows, err);
	strbuf_release(&sql);
	return ret;
}

int sales_clean(struct job *job, csv_read_fn *read, void *payload, struct publish *out,
	struct sales_counts *counts, struct err *err)
{
	struct csv_table *table = csv_table_open(read, payload, sales_rules, err);
	struct strvec folders = STRVEC_INIT;
	struct duck *d = NULL;
	char *id = job_new_id(), *name = xasprintf("part-00000-%s.snappy.parquet", id);
	const char *path = table ? publish_path(out, name, err) : NULL;
	int ret = -1;

	if (!path)
		goto out;
	job_log(JOB_INFO, "converting", "columns=%zu", csv_table_columns(table)->nr);
	strvec_push(&folders, publish_dir(out));
	d = duck_open(job, &folders, err);
	if (!d)
		goto out;
	ret = copy_distinct(table, d, path, &counts->rows_out, err);
	/* What broke the stream says more than what DuckDB made of it. */
	if (csv_table_error(table, err) != 0)
		ret = -1;
	counts->rows_in = csv_table_rows(table);
	counts->files = 1;
out:
	duck_close(d);
	csv_table_free(table);
	strvec_release(&folders);
	free(id);
	free(name);
	return ret;
}
