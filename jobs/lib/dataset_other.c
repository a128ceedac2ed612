/*
 * JSON lines are CSV with one column that ends at the line's end, whose members DuckDB takes out; so they are read as streams.
 * Parquet needs whole files, which are staged. Either is a macro `name()` over what reads it. What does not convert calls
 * error() with MARK|row id|want|value, which dataset_other_error makes readable.
 */
#include "dataset_read.h"

#include <stdlib.h>
#include <string.h>
#include "csvtable.h"
#include "dates.h"
#include "fs.h"
#include "s3.h"
#include "stream.h"
#include "thrdpool.h"
#include "uri.h"

#define MARK "value of a data set"
#define STAGE_THREADS 8

/* --- SQL --- */

static void add_error(struct strbuf *sql, size_t want, const char *text)
{
	strbuf_addf(sql, "error('" MARK "|' || \"" CSV_ROW_ID "\" || '|%zu|' || coalesce(%s, ''))",
		want, text);
}

/* The wanted value of an expression that gives text. */
static void add_value(struct strbuf *sql, const struct reader_want *w, size_t i, const char *text)
{
	static const char *const types[] = {NULL, "BIGINT", "DOUBLE", "DATE", NULL};

	if (!types[w->kind]) {
		strbuf_addstr(sql, text);
	} else if (w->kind == DATASET_DAY) {
		strbuf_addstr(sql, "coalesce(");
		dates_add_sql(sql, text);
		strbuf_addstr(sql, ", CAST(");
		add_error(sql, i, text);
		strbuf_addstr(sql, " AS DATE))");
	} else {
		strbuf_addf(sql,
			"CASE WHEN coalesce(trim(%s), '') = '' THEN NULL WHEN TRY_CAST(%s AS %s) "
			"IS NOT NULL",
			text, text, types[w->kind]);
		if (w->kind == DATASET_INT64)
			strbuf_addf(sql, " AND regexp_full_match(trim(%s), '[+-]?[0-9]+')", text);
		strbuf_addf(sql, " THEN CAST(%s AS %s) ELSE CAST(", text, types[w->kind]);
		add_error(sql, i, text);
		strbuf_addf(sql, " AS %s) END", types[w->kind]);
	}
	strbuf_addstr(sql, " AS ");
	duck_add_name(sql, w->as);
}

static int make_macro(struct dataset_reader *r, struct duck *duck, const char *name,
	const struct strvec *texts, const char *from, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	int ret;

	/* A session that knows the rule for dates already refuses it, which does no harm. */
	ret = dates_register(duck, NULL);
	strbuf_addstr(&sql, "CREATE MACRO ");
	duck_add_name(&sql, name);
	strbuf_addstr(&sql, "() AS TABLE SELECT ");
	for (size_t i = 0; i < r->nr; i++) {
		add_value(&sql, &r->wants[i], i, texts->v[i]);
		strbuf_addstr(&sql, ", ");
	}
	strbuf_addf(&sql, "\"" CSV_ROW_ID "\" FROM (%s)", from);
	ret = duck_exec(duck, sql.buf, NULL, err);
	strbuf_release(&sql);
	return ret;
}

int dataset_other_error(struct dataset_reader *r, struct err *err)
{
	const char *at = err->text ? strstr(err->text, MARK "|") : NULL;
	char *id, *want, *value, *copy;
	long long row_id = 0, index = 0;
	int ret = 0;

	if (!at)
		return 0;
	copy = xstrdup(at + strlen(MARK "|"));
	id = copy;
	want = strchr(id, '|');
	value = want ? strchr(want + 1, '|') : NULL;
	if (value) {
		*want++ = *value++ = '\0';
		if (parse_int64(id, 0, INT64_MAX, &row_id) == 0 &&
			parse_int64(want, 0, (long long)r->nr, &index) == 0)
			ret = dataset_bad_value(r, row_id, (size_t)index, value, err);
	}
	free(copy);
	return ret;
}

/* --- JSON --- */

static int map_lines(void *payload, struct csv_part *part, unused_arg const struct strvec *names,
	unused_arg struct err *err)
{
	const struct dataset_reader *r = payload;
	size_t place = 1;

	part->width = 1;
	for (size_t i = 0; i < r->nr; i++)
		if (r->wants[i].column->partition)
			part->positions[place++] =
				dataset_place(r->d, r->wants[i].column) + CSV_FIXED;
	return 0;
}

static const struct csv_feed_ops line_ops = {dataset_open_input, dataset_close_input, map_lines};

/* A member's JSON pointer, as SQL's text. */
static void add_pointer(struct strbuf *sql, const struct dataset_column *column)
{
	struct strbuf pointer = STRBUF_INIT;

	strbuf_addstr(&pointer, column->source ? column->source : column->name);
	strbuf_replace(&pointer, "~", "~0");
	strbuf_replace(&pointer, "/", "~1");
	strbuf_insert(&pointer, 0, "/", 1);
	duck_add_text(sql, pointer.buf);
	strbuf_release(&pointer);
}

static int register_json(
	struct dataset_reader *r, struct duck *duck, const char *name, struct err *err)
{
	struct csv_column *columns = xcalloc(r->nr + 1, sizeof(*columns));
	struct strbuf from = STRBUF_INIT, source = STRBUF_INIT, pointers = STRBUF_INIT;
	struct strvec texts = STRVEC_INIT, names = STRVEC_INIT;
	size_t nr = 0, members = 0;
	int ret;

	columns[nr++] = (struct csv_column){"line", CSV_TEXT};
	for (size_t i = 0; i < r->nr; i++) {
		if (r->wants[i].column->partition) {
			strvec_pushf(&names, "partition %zu", i);
			strvec_pushf(&texts, "\"partition %zu\"", i);
			columns[nr++] = (struct csv_column){names.v[names.nr - 1], CSV_TEXT};
		} else {
			strbuf_addstr(&pointers, members ? ", " : "");
			add_pointer(&pointers, r->wants[i].column);
			strvec_pushf(&texts, "members[%zu]", ++members);
		}
	}
	strbuf_addf(&source, "lines of %s", name);
	/* All members at once, for each extraction parses the line. */
	if (members)
		strbuf_addf(&from, "SELECT *, json_extract_string(line, [%s]) AS members FROM (",
			pointers.buf);
	strbuf_addstr(&from,
		"SELECT * REPLACE (CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN "
		"line ELSE CAST(");
	add_error(&from, r->nr, "line[:100]");
	strbuf_addstr(&from, " AS VARCHAR) END AS line) FROM ");
	duck_add_name(&from, source.buf);
	strbuf_addstr(&from, members ? "())" : "()");
	r->csv = csv_table_new(&line_ops, r, r->d->nr_files, columns, nr);
	csv_table_expect(r->csv, dataset_expected_rows(r->d));
	ret = csv_table_register(r->csv, duck, source.buf, err);
	if (ret == 0)
		ret = make_macro(r, duck, name, &texts, from.buf, err);
	free(columns);
	strvec_release(&texts);
	strvec_release(&names);
	strbuf_release(&from);
	strbuf_release(&source);
	strbuf_release(&pointers);
	return ret;
}

/* --- Parquet --- */

struct staged {
	struct job *job;
	const struct dataset_file *file;
	const char *path;
	struct err err;
};

static void stage_one(void *item, unused_arg size_t worker, unused_arg void *payload)
{
	struct staged *s = item;
	struct aws_client *aws = job_aws(s->job, &s->err);
	char *bucket = NULL, *key = NULL;

	if (aws && job_check_interrupt(&s->err) == 0 &&
		s3_uri_split(s->file->location, &bucket, &key, &s->err) == 0 &&
		s3_get_file(aws, bucket, key, s->path, &s->err) != 0)
		err_wrap(&s->err, "'%s'", s->file->location);
	free(bucket);
	free(key);
}

/* Local paths of all files, in their order. */
static int stage(struct dataset_reader *r, struct strvec *paths, struct err *err)
{
	size_t nr = r->d->nr_files, nr_items = 0;
	struct staged *staged = xcalloc(nr, sizeof(*staged));
	void **items = xcalloc(nr, sizeof(*items));
	char *dir = fs_mkdtemp(r->job->tmp, "in-", err);
	int ret = dir ? 0 : -1;

	for (size_t i = 0; dir && i < nr; i++) {
		const struct dataset_file *f = &r->d->files[i];

		if (!starts_with(f->location, "s3://")) {
			strvec_push(paths, f->location);
			continue;
		}
		staged[i] = (struct staged){
			r->job, f, strvec_pushf(paths, "%s/%06zu.parquet", dir, i), ERR_INIT};
		items[nr_items++] = &staged[i];
	}
	thrdpool_each(items, nr_items, STAGE_THREADS, stage_one, NULL);
	for (size_t i = 0; i < nr; i++) {
		if (staged[i].err.code && ret == 0) {
			err_move(err, &staged[i].err);
			ret = -1;
		}
		err_release(&staged[i].err);
	}
	free(staged);
	free(items);
	free(dir);
	return ret;
}

/* One of the files' values, by a file's index; as SQL. */
static char *partition_text(const struct dataset_reader *r, size_t place)
{
	struct strbuf sql = STRBUF_INIT;

	strbuf_addch(&sql, '[');
	for (size_t i = 0; i < r->d->nr_files; i++) {
		const char *value = r->d->files[i].values.v[place];

		strbuf_addstr(&sql, i ? ", " : "");
		if (value)
			duck_add_text(&sql, value);
		else
			strbuf_addstr(&sql, "NULL");
	}
	strbuf_addstr(&sql, "][(\"" CSV_ROW_ID "\" >> 40) + 1]");
	return strbuf_detach(&sql, NULL);
}

static int count_rows(
	struct dataset_reader *r, struct duck *duck, const char *files, struct err *err)
{
	struct duck_rows rows = {0};
	char *sql = xasprintf("SELECT count(*) FROM read_parquet(%s)", files);
	long long n = 0;
	int ret = duck_query(duck, sql, &rows, err);

	if (ret == 0 && parse_int64(rows.v[0], 0, INT64_MAX, &n) == 0)
		r->rows = n;
	duck_rows_release(&rows);
	free(sql);
	return ret;
}

static bool is_nested(const char *type)
{
	return starts_with(type, "struct<") || starts_with(type, "array<") ||
	       starts_with(type, "map<");
}

static void add_parquet_text(
	struct strbuf *sql, const struct dataset_column *column, enum dataset_kind kind)
{
	bool nested = is_nested(column->type), cast = nested || kind != DATASET_AS_IS;

	strbuf_addstr(sql, cast ? "CAST(" : "");
	strbuf_addstr(sql, nested ? "to_json(" : "");
	duck_add_name(sql, column->name);
	strbuf_addstr(sql, nested ? ")" : "");
	strbuf_addstr(sql, cast ? " AS VARCHAR)" : "");
}

static int register_parquet(
	struct dataset_reader *r, struct duck *duck, const char *name, struct err *err)
{
	struct strbuf files = STRBUF_INIT, from = STRBUF_INIT;
	struct strvec paths = STRVEC_INIT, texts = STRVEC_INIT;
	int ret = stage(r, &paths, err);

	r->direct = true;
	duck_add_list(&files, &paths);
	if (ret == 0)
		ret = count_rows(r, duck, files.buf, err);
	for (size_t i = 0; i < r->nr; i++) {
		const struct dataset_column *column = r->wants[i].column;
		struct strbuf text = STRBUF_INIT;

		if (column->partition) {
			strvec_push_take(&texts, partition_text(r, dataset_place(r->d, column)));
			continue;
		}
		add_parquet_text(&text, column, r->wants[i].kind);
		strvec_push_take(&texts, strbuf_detach(&text, NULL));
	}
	strbuf_addf(&from,
		"SELECT *, ((list_position(%s, filename) - 1)::BIGINT << 40) | "
		"file_row_number AS \"" CSV_ROW_ID "\" FROM read_parquet(%s, union_by_name = true, "
		"hive_partitioning = false, filename = true, file_row_number = true)",
		files.buf, files.buf);
	if (ret == 0)
		ret = make_macro(r, duck, name, &texts, from.buf, err);
	strbuf_release(&files);
	strbuf_release(&from);
	strvec_release(&paths);
	strvec_release(&texts);
	return ret;
}

int dataset_register_other(struct dataset_reader *r, enum dataset_format format, struct duck *duck,
	const char *name, struct err *err)
{
	return format == DATASET_JSON ? register_json(r, duck, name, err)
				      : register_parquet(r, duck, name, err);
}
