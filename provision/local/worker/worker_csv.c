#include "worker_json.h"
#include <stdatomic.h>

/* text_scan(n): the n-th scan's files as rows, in a table function. Each thread takes whole files. */

struct field {
	const char *text;
	size_t len;
};

struct global {
	const struct text_scan *scan;
	atomic_size_t next_file;
};

struct local {
	struct line_reader *reader;
	const struct text_file *file;
	int64_t to_skip;
	struct field *fields; /* of the current line, one per column of the file */
	struct strbuf clean;  /* unquoted and unescaped fields of the current line */
	struct json *value;   /* of the current line of JSON */
	struct json *at;      /* in it: json_field() */
	idx_t *columns;       /* projected */
	idx_t nr_columns;
};

/* --- one line into fields --- */
struct splitter {
	const struct text_scan *scan;
	struct local *l;
	size_t nr, max;
};

static void end_field(struct splitter *s, const char *text, size_t len)
{
	if (s->nr < s->max)
		s->l->fields[s->nr] = (struct field){text, len};
	s->nr++;
}

/* No quotes, no escapes: fields are pieces of the line. */
static void split_plain(struct splitter *s, const char *line, size_t len)
{
	const char *end = line + len, *at;

	while (s->nr < s->max && (at = memchr(line, s->scan->delimiter, (size_t)(end - line)))) {
		end_field(s, line, (size_t)(at - line));
		line = at + 1;
	}
	if (s->nr < s->max)
		end_field(s, line, (size_t)(end - line));
}

/* Quotes and escapes: the fields' bytes go to `clean`, which is large enough from the start. */
static void split_quoted(struct splitter *s, const char *line, size_t len)
{
	const struct text_scan *scan = s->scan;
	struct strbuf *clean = &s->l->clean;
	bool quoted = false;
	size_t from;

	strbuf_clear(clean);
	strbuf_grow(clean, len + 1);
	from = 0;
	for (size_t i = 0; i < len; i++) {
		char ch = line[i];
		if (scan->escape && ch == scan->escape && i + 1 < len &&
			(scan->escape != scan->quote || (quoted && line[i + 1] == scan->quote))) {
			strbuf_addch(clean, line[++i]);
		} else if (scan->quote && ch == scan->quote) {
			if (quoted && i + 1 < len && line[i + 1] == scan->quote)
				strbuf_addch(clean, line[++i]);
			else
				quoted = !quoted;
		} else if (ch == scan->delimiter && !quoted) {
			end_field(s, clean->buf + from, clean->len - from);
			from = clean->len;
		} else {
			strbuf_addch(clean, ch);
		}
	}
	end_field(s, clean->buf + from, clean->len - from);
}

static void split(const struct text_scan *scan, struct local *l, const char *line, size_t len)
{
	struct splitter s = {scan, l, 0, scan->nr - scan->nr_keys};

	if (scan->quote || scan->escape)
		split_quoted(&s, line, len);
	else
		split_plain(&s, line, len);
	for (; s.nr < s.max; s.nr++)
		l->fields[s.nr] = (struct field){NULL, 0};
}

/* --- rows --- */
static bool put_key(const struct text_scan *scan, const struct local *l, idx_t column,
	duckdb_vector v, idx_t row)
{
	size_t key = column - (scan->nr - scan->nr_keys);
	const char *text = json_str(json_at(l->file->values, key));

	if (!text || !strcmp(text, "__HIVE_DEFAULT_PARTITION__")) {
		vector_null(v, row);
		return true;
	}
	text_column_put(&scan->columns[column], v, row, text, strlen(text));
	return true;
}

static int put_field(duckdb_function_info info, const struct text_scan *scan, const struct local *l,
	idx_t column, duckdb_vector v, idx_t row)
{
	const struct field *f = &l->fields[column];
	char *message;

	if (!f->text || (scan->null_text && strlen(scan->null_text) == f->len &&
				!memcmp(scan->null_text, f->text, f->len))) {
		vector_null(v, row);
		return 0;
	}
	if (text_column_put(&scan->columns[column], v, row, f->text, f->len) || !scan->strict ||
		!f->len)
		return 0;
	message = xasprintf("HIVE_BAD_DATA: Error parsing field value '%.*s' for field %llu",
		(int)(f->len < 100 ? f->len : 100), f->text, (unsigned long long)column);
	duckdb_function_set_error(info, message);
	free(message);
	return -1;
}

/* The line's value is read even when no column of it is asked for: a bad one fails the query. */
static int read_json(const struct text_scan *scan, struct local *l, const char *line, size_t len,
	struct err *err)
{
	json_free(l->value);
	l->value = l->at = NULL;
	return json_line(&scan->json->options, line, len, &l->value, err);
}

static int put_json(duckdb_function_info info, const struct text_scan *scan, struct local *l,
	idx_t column, duckdb_vector v, idx_t row)
{
	const struct json_scan *j = scan->json;
	const struct json *value = json_field(&j->options, &j->row, column, l->value, &l->at);
	struct err err = ERR_INIT;

	if (!json_put(&j->options, &j->row.children[column], value, v, row, &err))
		return 0;
	duckdb_function_set_error(info, err.text);
	err_release(&err);
	return -1;
}

static int put_row(duckdb_function_info info, const struct text_scan *scan, struct local *l,
	duckdb_data_chunk out, idx_t row)
{
	idx_t nr_fields = scan->nr - scan->nr_keys;

	for (idx_t i = 0; i < l->nr_columns; i++) {
		duckdb_vector v = duckdb_data_chunk_get_vector(out, i);
		idx_t column = l->columns[i];
		if (column >= scan->nr) /* the row's number: only counted */
			((int64_t *)duckdb_vector_get_data(v))[row] = (int64_t)row;
		else if (column >= nr_fields)
			put_key(scan, l, column, v, row);
		else if (scan->json ? put_json(info, scan, l, column, v, row)
				    : put_field(info, scan, l, column, v, row))
			return -1;
	}
	return 0;
}

/* 1: l->reader is at a file with lines to come. */
static int take_file(struct global *g, struct local *l, struct err *err)
{
	size_t i;

	if (l->reader)
		return 1;
	i = atomic_fetch_add(&g->next_file, 1);
	if (i >= g->scan->nr_files)
		return 0;
	l->file = &g->scan->files[i];
	l->reader = line_reader_open(l->file->path, err);
	return l->reader ? 1 : -1;
}

/* 1: a line of data. */
static int next_line(
	struct global *g, struct local *l, const char **line, size_t *len, struct err *err)
{
	bool first;
	int r;

	while ((r = take_file(g, l, err)) > 0) {
		r = line_reader_next(l->reader, line, len, &first, err);
		if (r < 0)
			return -1;
		if (!r) {
			line_reader_free(l->reader);
			l->reader = NULL;
			continue;
		}
		if (first)
			l->to_skip = g->scan->skip_lines;
		if (l->to_skip > 0) {
			l->to_skip--;
			continue;
		}
		return 1;
	}
	return r;
}

static void run(duckdb_function_info info, duckdb_data_chunk out)
{
	struct global *g = duckdb_function_get_init_data(info);
	struct local *l = duckdb_function_get_local_init_data(info);
	idx_t row = 0, max = duckdb_vector_size();
	struct err err = ERR_INIT;
	const char *line;
	size_t len;
	int r = 0;

	while (row < max && (r = next_line(g, l, &line, &len, &err)) > 0) {
		if (!g->scan->json)
			split(g->scan, l, line, len);
		else if ((r = read_json(g->scan, l, line, len, &err)))
			break;
		if (put_row(info, g->scan, l, out, row))
			break;
		row++;
	}
	if (r < 0)
		duckdb_function_set_error(info, err.text);
	err_release(&err);
	duckdb_data_chunk_set_size(out, row);
}

/* --- the table function's stages --- */
static void bind(duckdb_bind_info info)
{
	struct session *s = duckdb_bind_get_extra_info(info);
	duckdb_value v = duckdb_bind_get_parameter(info, 0);
	int64_t n = duckdb_get_int64(v);
	const struct text_scan *scan;

	duckdb_destroy_value(&v);
	if (n < 0 || (size_t)n >= s->nr_scans) {
		duckdb_bind_set_error(info, "no such scan");
		return;
	}
	scan = &s->text_scans[n];
	for (size_t i = 0; i < scan->nr; i++) {
		char *name = xasprintf("c%zu", i);
		bool json = scan->json && i < scan->nr - scan->nr_keys;
		duckdb_logical_type type = json ? scan->json->row.children[i].logical
						: text_column_type(&scan->columns[i]);
		duckdb_bind_add_result_column(info, name, type);
		if (!json)
			duckdb_destroy_logical_type(&type);
		free(name);
	}
	duckdb_bind_set_bind_data(info, (void *)scan, NULL);
}

static void init(duckdb_init_info info)
{
	struct global *g = xcalloc(1, sizeof(*g));

	g->scan = duckdb_init_get_bind_data(info);
	duckdb_init_set_max_threads(info, g->scan->nr_files ? g->scan->nr_files : 1);
	duckdb_init_set_init_data(info, g, free);
}

static void local_free(void *data)
{
	struct local *l = data;

	line_reader_free(l->reader);
	strbuf_release(&l->clean);
	json_free(l->value);
	free(l->fields);
	free(l->columns);
	free(l);
}

static void local_init(duckdb_init_info info)
{
	const struct text_scan *scan = duckdb_init_get_bind_data(info);
	struct local *l = xcalloc(1, sizeof(*l));

	strbuf_init(&l->clean);
	l->fields = xcalloc(scan->nr + 1, sizeof(*l->fields));
	l->nr_columns = duckdb_init_get_column_count(info);
	l->columns = xcalloc(l->nr_columns + 1, sizeof(*l->columns));
	for (idx_t i = 0; i < l->nr_columns; i++)
		l->columns[i] = duckdb_init_get_column_index(info, i);
	duckdb_init_set_init_data(info, l, local_free);
}

int text_scan_register(struct session *s, struct err *err)
{
	duckdb_table_function f = duckdb_create_table_function();
	duckdb_logical_type bigint = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
	duckdb_state state;

	duckdb_table_function_set_name(f, "text_scan");
	duckdb_table_function_add_parameter(f, bigint);
	duckdb_table_function_set_extra_info(f, s, NULL);
	duckdb_table_function_set_bind(f, bind);
	duckdb_table_function_set_init(f, init);
	duckdb_table_function_set_local_init(f, local_init);
	duckdb_table_function_set_function(f, run);
	duckdb_table_function_supports_projection_pushdown(f, true);
	state = duckdb_register_table_function(s->con, f);
	duckdb_destroy_logical_type(&bigint);
	duckdb_destroy_table_function(&f);
	return state == DuckDBSuccess ? 0 : err_set(err, ERR_FAILED, "cannot register text_scan()");
}
