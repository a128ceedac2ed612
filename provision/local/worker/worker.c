#include "worker.h"
#include "fs.h"
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MAX_FRAME (256u * 1024 * 1024)

/* --- frames --- */
static int read_all(void *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(STDIN_FILENO, (char *)buf + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		got += (size_t)n;
	}
	return 0;
}

struct json *worker_read_frame(struct err *err)
{
	unsigned char head[4];
	struct json *doc = NULL;
	uint32_t len;
	char *body;

	if (read_all(head, sizeof(head))) {
		err_set(err, ERR_IO, "the server is gone");
		return NULL;
	}
	len = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	if (len > MAX_FRAME) {
		err_set(err, ERR_INVALID, "a request of %u bytes", len);
		return NULL;
	}
	body = xmalloc((size_t)len + 1);
	if (read_all(body, len))
		err_set(err, ERR_IO, "the request was cut off");
	else
		doc = json_parse(body, len, err);
	free(body);
	return doc;
}

int worker_write_frame(const struct json *doc, struct err *err)
{
	struct strbuf sb = STRBUF_INIT;
	size_t len;
	int r;

	strbuf_addstr(&sb, "0000");
	json_print(doc, &sb);
	len = sb.len - 4;
	sb.buf[0] = (char)(len >> 24);
	sb.buf[1] = (char)(len >> 16);
	sb.buf[2] = (char)(len >> 8);
	sb.buf[3] = (char)len;
	r = fs_write_all(STDOUT_FILENO, sb.buf, sb.len, "the server", err);
	strbuf_release(&sb);
	return r;
}

/* --- errors: DuckDB's families as Athena's codes --- */
static const struct {
	const char *duck, *code;
} families[] = {
	{"Binder Error: ", "SYNTAX_ERROR: "},
	{"Conversion Error: ", "INVALID_CAST_ARGUMENT: "},
	{"Invalid Input Error: ", "INVALID_FUNCTION_ARGUMENT: "},
	{"Invalid Error: ", "INVALID_FUNCTION_ARGUMENT: "},
	{"IO Error: ", "HIVE_CURSOR_ERROR: "},
	{"Out of Memory Error: ", "EXCEEDED_LOCAL_MEMORY_LIMIT: "},
	{"Out of Range Error: ", "NUMERIC_VALUE_OUT_OF_RANGE: "},
};

/* "CODE: " in front, as this program's own errors have it. */
static bool has_code(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

	return n > 3 && starts_with(text + n, ": ");
}

static int duck_error(const char *text, struct err *err)
{
	const char *code = "GENERIC_INTERNAL_ERROR: ";
	size_t len;

	if (!text)
		text = "the query failed";
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (starts_with(text, families[i].duck)) {
			text += strlen(families[i].duck);
			code = families[i].code;
			break;
		}
	len = strcspn(text, "\n");
	if (strstr(text, "must appear in the GROUP BY clause"))
		return err_set(err, ERR_INVALID,
			"EXPRESSION_NOT_AGGREGATE: every selected expression must be an aggregate "
			"expression "
			"or appear in GROUP BY clause");
	return err_set(err, ERR_INVALID, "%s%.*s", has_code(text) ? "" : code, (int)len, text);
}

int session_query(struct session *s, const char *sql, duckdb_result *result, struct err *err)
{
	duckdb_result own;
	duckdb_result *r = result ? result : &own;

	if (duckdb_query(s->con, sql, r) == DuckDBError) {
		duck_error(duckdb_result_error(r), err);
		duckdb_destroy_result(r);
		return -1;
	}
	if (!result)
		duckdb_destroy_result(r);
	return 0;
}

/* --- the session: nothing but the given folders, no extensions, no way back --- */
int worker_set_config(duckdb_config config, const char *name, const char *value, struct err *err)
{
	if (duckdb_set_config(config, name, value) == DuckDBError)
		return err_set(err, ERR_FAILED, "DuckDB refuses %s = %s", name, value);
	return 0;
}

static int configure(duckdb_config config, const struct json *req, struct err *err)
{
	char memory[40], threads[20];
	int64_t mb = json_get_i64(req, "memory_mb", 0), n = json_get_i64(req, "threads", 0);
	const char *temp = json_get_str(req, "temp_dir");

	snprintf(memory, sizeof(memory), "%lldMB", (long long)(mb ? mb : 512));
	snprintf(threads, sizeof(threads), "%lld", (long long)(n ? n : 1));
	return worker_set_config(config, "memory_limit", memory, err) ||
			       worker_set_config(config, "threads", threads, err) ||
			       worker_set_config(
				       config, "autoinstall_known_extensions", "false", err) ||
			       worker_set_config(
				       config, "autoload_known_extensions", "false", err) ||
			       (temp && worker_set_config(config, "temp_directory", temp, err))
		       ? -1
		       : 0;
}

static int lock_down(struct session *s, const struct json *dirs, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	struct json *d;
	int r;

	strbuf_addstr(&sql, "SET TimeZone = 'UTC'; SET preserve_insertion_order = true; "
			    "SET parquet_metadata_cache = true; SET allowed_directories = [");
	json_each(d, dirs)
	{
		strbuf_addstr(&sql, d == json_first(dirs) ? "" : ", ");
		sql_literal(&sql, json_str(d));
	}
	strbuf_addstr(&sql, "]; SET enable_external_access = false; SET lock_configuration = true");
	r = session_query(s, sql.buf, NULL, err);
	strbuf_release(&sql);
	return r;
}

static int session_open(struct session *s, const struct json *req, struct err *err)
{
	duckdb_config config;
	char *why = NULL;
	int r = -1;

	if (duckdb_create_config(&config) == DuckDBError)
		return err_set(err, ERR_FAILED, "DuckDB gives no configuration");
	if (configure(config, req, err))
		goto out;
	if (duckdb_open_ext(NULL, &s->db, config, &why) == DuckDBError ||
		duckdb_connect(s->db, &s->con) == DuckDBError) {
		err_set(err, ERR_FAILED, "DuckDB does not open: %s", why ? why : "no connection");
		goto out;
	}
	r = lock_down(s, json_get(req, "dirs"), err);
out:
	duckdb_free(why);
	duckdb_destroy_config(&config);
	return r;
}

static void session_close(struct session *s)
{
	duckdb_disconnect(&s->con);
	duckdb_close(&s->db);
	scans_release(s);
}

/* --- parse --- */
static int parse(const struct json *req, struct json *reply, struct err *err)
{
	struct session s = {0};
	duckdb_prepared_statement st = NULL;
	duckdb_result result;
	char *text;
	int r = -1;

	if (session_open(&s, req, err))
		return -1;
	if (duckdb_prepare(s.con, "SELECT json_serialize_sql(CAST($1 AS VARCHAR))", &st) ==
			DuckDBError ||
		duckdb_bind_varchar(st, 1, json_get_str(req, "sql")) == DuckDBError) {
		err_set(err, ERR_FAILED, "DuckDB cannot parse: %s", duckdb_prepare_error(st));
		goto out;
	}
	if (duckdb_execute_prepared(st, &result) == DuckDBError) {
		duck_error(duckdb_result_error(&result), err);
		duckdb_destroy_result(&result);
		goto out;
	}
	text = duckdb_value_varchar(&result, 0, 0);
	json_set_str(reply, "tree", text);
	duckdb_free(text);
	duckdb_destroy_result(&result);
	r = 0;
out:
	duckdb_destroy_prepare(&st);
	session_close(&s);
	return r;
}

/* --- run: the result goes to a file as Athena writes it --- */
static int write_out(FILE *f, struct strbuf *sb, struct err *err)
{
	if (sb->len && fwrite(sb->buf, 1, sb->len, f) != sb->len)
		return err_errno(err, "write the result");
	strbuf_clear(sb);
	return 0;
}

static int write_chunk(
	duckdb_data_chunk chunk, const struct json *columns, FILE *f, struct err *err)
{
	idx_t nr = duckdb_data_chunk_get_column_count(chunk);
	duckdb_logical_type *types = xcalloc(nr + 1, sizeof(*types));
	bool *zoned = xcalloc(nr + 1, sizeof(*zoned));
	struct strbuf line = STRBUF_INIT, value = STRBUF_INIT;
	int r = 0;

	for (idx_t i = 0; i < nr; i++) {
		const char *type = json_get_str(json_at(columns, i), "type");
		types[i] = duckdb_vector_get_column_type(duckdb_data_chunk_get_vector(chunk, i));
		zoned[i] = type && strstr(type, "with time zone");
	}
	for (idx_t row = 0; !r && row < duckdb_data_chunk_get_size(chunk); row++) {
		for (idx_t i = 0; i < nr; i++) {
			strbuf_clear(&value);
			if (i)
				strbuf_addch(&line, ',');
			if (format_value(&value, duckdb_data_chunk_get_vector(chunk, i), types[i],
				    row, zoned[i]))
				strbuf_addquoted(&line, value.buf, value.len, '"');
		}
		strbuf_addch(&line, '\n');
		if (line.len > 65536)
			r = write_out(f, &line, err);
	}
	if (!r)
		r = write_out(f, &line, err);
	for (idx_t i = 0; i < nr; i++)
		duckdb_destroy_logical_type(&types[i]);
	free(types);
	free(zoned);
	strbuf_release(&line);
	strbuf_release(&value);
	return r;
}

static int write_header(const struct json *columns, FILE *f, struct err *err)
{
	struct strbuf line = STRBUF_INIT;
	struct json *c;
	int r;

	json_each(c, columns)
	{
		const char *name = json_get_str(c, "name");
		strbuf_addstr(&line, c == json_first(columns) ? "" : ",");
		strbuf_addquoted(&line, name, strlen(name), '"');
	}
	strbuf_addch(&line, '\n');
	r = write_out(f, &line, err);
	strbuf_release(&line);
	return r;
}

static int write_rows(
	duckdb_result *result, const struct json *columns, FILE *f, int64_t *rows, struct err *err)
{
	duckdb_data_chunk chunk;
	int r = write_header(columns, f, err);

	while (!r && (chunk = duckdb_fetch_chunk(*result))) {
		if (!duckdb_data_chunk_get_size(chunk)) {
			duckdb_destroy_data_chunk(&chunk);
			break;
		}
		*rows += (int64_t)duckdb_data_chunk_get_size(chunk);
		r = write_chunk(chunk, columns, f, err);
		duckdb_destroy_data_chunk(&chunk);
	}
	if (!r && duckdb_result_error(result))
		r = duck_error(duckdb_result_error(result), err);
	return r;
}

static int stream(
	struct session *s, const struct json *req, FILE *f, int64_t *rows, struct err *err)
{
	duckdb_prepared_statement st = NULL;
	duckdb_pending_result pending = NULL;
	duckdb_result result;
	int r = -1;

	if (duckdb_prepare(s->con, json_get_str(req, "sql"), &st) == DuckDBError) {
		duck_error(duckdb_prepare_error(st), err);
		goto out;
	}
	if (duckdb_pending_prepared_streaming(st, &pending) == DuckDBError) {
		duck_error(duckdb_pending_error(pending), err);
		goto out;
	}
	if (duckdb_execute_pending(pending, &result) == DuckDBError) {
		duck_error(duckdb_result_error(&result), err);
		duckdb_destroy_result(&result);
		goto out;
	}
	r = write_rows(&result, json_get(req, "columns"), f, rows, err);
	duckdb_destroy_result(&result);
out:
	duckdb_destroy_pending(&pending);
	duckdb_destroy_prepare(&st);
	return r;
}

static int run(const struct json *req, struct json *reply, struct err *err)
{
	const char *path = json_get_str(req, "output");
	struct session s = {0};
	int64_t rows = 0;
	FILE *f = NULL;
	int r = -1;

	if (session_open(&s, req, err) || functions_register(&s, json_get(req, "divisions"), err) ||
		text_scan_register(&s, err) || scans_open(&s, json_get(req, "scans"), err))
		goto out;
	f = fopen(path, "we");
	if (!f) {
		err_errno(err, "write '%s'", path);
		goto out;
	}
	if (stream(&s, req, f, &rows, err))
		goto out;
	if (fclose(f)) {
		f = NULL;
		err_errno(err, "write '%s'", path);
		goto out;
	}
	f = NULL;
	json_set_i64(reply, "rows", rows);
	json_set_i64(reply, "scanned", (int64_t)s.scanned);
	r = 0;
out:
	if (f)
		fclose(f);
	session_close(&s);
	return r;
}

static int serve_one(const struct json *req, struct err *fatal)
{
	const char *op = json_get_str(req, "op");
	struct json *reply = json_object();
	struct err err = ERR_INIT;
	int r;

	if (op && !strcmp(op, "parse"))
		r = parse(req, reply, &err);
	else if (op && !strcmp(op, "run"))
		r = run(req, reply, &err);
	else
		r = err_set(&err, ERR_INVALID, "GENERIC_INTERNAL_ERROR: no such request");
	json_set_bool(reply, "ok", !r);
	if (r)
		json_set_str(reply, "error", err.text);
	err_release(&err);
	r = worker_write_frame(reply, fatal);
	json_free(reply);
	return r;
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct json *req;
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "--resident"))
		return resident_main();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!r && (req = worker_read_frame(&err))) {
		r = serve_one(req, &err);
		json_free(req);
	}
	err_release(&err);
	return r ? 1 : 0;
}
