/*
 * Parquet: all rows are sorted by the column into a table in DuckDB (which spills when memory ends); then each partition is a
 * range of rows that one COPY writes to one file, several at a time. DuckDB's own PARTITION_BY would escape names
 * as URLs do, and write a file for each thread.
 */
#include "partitions.h"

#include "thrdpool.h"

#define DEFAULT_PARTITION "__HIVE_DEFAULT_PARTITION__"

void hive_add_partition(struct strbuf *out, const char *column, const char *value)
{
	strbuf_addf(out, "%s=", column);
	if (!value || !*value) {
		strbuf_addstr(out, DEFAULT_PARTITION);
		return;
	}
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c < 0x20 || strchr("\"#%'*/:=?\\\x7f{[]^", c))
			strbuf_addf(out, "%%%02X", c);
		else
			strbuf_addch(out, *value);
	}
}

/* --- one file --- */

struct part {
	struct duck **connections;
	char *sql; /* COPY … */
	struct err err;
};

static void write_part(void *item, size_t worker, unused_arg void *payload)
{
	struct part *p = item;

	if (job_check_interrupt(&p->err) != 0)
		return;
	if (duck_exec(p->connections[worker], p->sql, NULL, &p->err) != 0)
		return;
}

static char *copy_range(const char *columns, const char *from, const char *to, const char *path)
{
	struct strbuf sql = STRBUF_INIT;

	strbuf_addf(&sql, "COPY (SELECT %s FROM sorted WHERE rowid BETWEEN %s AND %s) TO ", columns,
		from, to);
	duck_add_text(&sql, path);
	strbuf_addstr(&sql, " (FORMAT parquet, COMPRESSION snappy)");
	return strbuf_detach(&sql, NULL);
}

/* --- all files --- */

struct work {
	struct duck *main, **connections;
	size_t nr_connections;
	struct part *parts;
	size_t nr_parts;
	char *columns; /* all but the partition's, quoted */
	const struct partitions *p;
	const char *source;
};

static void work_release(struct work *w)
{
	for (size_t i = 0; i < w->nr_connections; i++)
		duck_close(w->connections[i]);
	for (size_t i = 0; i < w->nr_parts; i++) {
		free(w->parts[i].sql);
		err_release(&w->parts[i].err);
	}
	free(w->connections);
	free(w->parts);
	free(w->columns);
}

static int read_columns(struct work *w, struct err *err)
{
	struct duck_rows rows = {0};
	struct strbuf sql = STRBUF_INIT, columns = STRBUF_INIT;
	bool found = false;
	int ret;

	strbuf_addf(&sql, "SELECT column_name FROM (DESCRIBE SELECT * FROM %s)", w->source);
	ret = duck_query(w->main, sql.buf, &rows, err);
	for (size_t i = 0; i < rows.nr_rows; i++) {
		if (iequals(rows.v[i], w->p->column)) {
			found = true;
			continue;
		}
		strbuf_addstr(&columns, columns.len ? ", " : "");
		duck_add_name(&columns, rows.v[i]);
	}
	if (ret == 0 && !found)
		ret = err_set(err, ERR_INVALID, "the records have no column '%s'", w->p->column);
	else if (ret == 0 && !columns.len)
		ret = err_set(
			err, ERR_INVALID, "the records have no column but '%s'", w->p->column);
	w->columns = strbuf_detach(&columns, NULL);
	duck_rows_release(&rows);
	strbuf_release(&sql);
	return ret;
}

static int sort_records(struct work *w, int64_t *rows, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret;

	strbuf_addf(&sql, "CREATE TABLE sorted AS SELECT %s, nullif(CAST(", w->columns);
	duck_add_name(&sql, w->p->column);
	strbuf_addf(&sql, " AS VARCHAR), '') AS \"partition of\" FROM %s ORDER BY \"partition of\"",
		w->source);
	ret = duck_exec(w->main, sql.buf, rows, err);
	strbuf_release(&sql);
	return ret;
}

static int plan_parts(struct work *w, struct err *err)
{
	struct duck_rows rows = {0};
	struct strbuf name = STRBUF_INIT;
	int ret = duck_query(w->main,
		"SELECT \"partition of\", min(rowid), max(rowid), "
		"max(rowid) - min(rowid) + 1 - count(*) FROM sorted GROUP BY 1 ORDER BY 2",
		&rows, err);

	w->parts = xcalloc(rows.nr_rows + 1, sizeof(*w->parts));
	for (size_t i = 0; i < rows.nr_rows && ret == 0; i++) {
		char **row = rows.v + i * rows.nr_columns;
		const char *path;

		if (strcmp(row[3], "0") != 0)
			BUG("the sorted table has rows of '%s' in two places", row[0]);
		strbuf_clear(&name);
		hive_add_partition(&name, w->p->column, row[0]);
		strbuf_addf(&name, "/%s", w->p->file_name);
		path = publish_path(w->p->out, name.buf, err);
		if (!path) {
			ret = -1;
			break;
		}
		w->parts[i].sql = copy_range(w->columns, row[1], row[2], path);
		w->parts[i].connections = w->connections;
		w->nr_parts++;
	}
	strbuf_release(&name);
	duck_rows_release(&rows);
	return ret;
}

static int connect_all(struct work *w, struct err *err)
{
	size_t threads = duck_threads(w->main);

	w->connections = xcalloc(threads, sizeof(struct duck *));
	for (size_t i = 0; i < threads; i++) {
		w->connections[i] = duck_connect(w->main, err);
		if (!w->connections[i])
			return -1;
		w->nr_connections++;
	}
	return 0;
}

static int write_parts(struct work *w, struct err *err)
{
	void **items = xcalloc(w->nr_parts + 1, sizeof(*items));
	int ret = 0;

	for (size_t i = 0; i < w->nr_parts; i++)
		items[i] = &w->parts[i];
	thrdpool_each(items, w->nr_parts, w->nr_connections, write_part, NULL);
	for (size_t i = 0; i < w->nr_parts && ret == 0; i++) {
		if (w->parts[i].err.code) {
			err_move(err, &w->parts[i].err);
			ret = -1;
		}
	}
	free(items);
	return ret;
}

int partitions_write_parquet(struct duck *d, const struct partitions *p, const char *source,
	struct partitions_counts *counts, struct err *err)
{
	struct work w = {.main = d, .p = p, .source = source};
	int ret = -1;

	if (read_columns(&w, err) == 0 && connect_all(&w, err) == 0 &&
		sort_records(&w, &counts->rows, err) == 0 && plan_parts(&w, err) == 0)
		ret = write_parts(&w, err);
	counts->files = w.nr_parts;
	work_release(&w);
	return ret;
}
