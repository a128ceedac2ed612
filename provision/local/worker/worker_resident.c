/* The resident mode: frames in, a thread for each request, sessions. See worker_resident.h. */
#include "worker_resident.h"

#include <pthread.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;    /* sessions, open */
	pthread_mutex_t writing; /* a frame goes out whole */
	duckdb_database warehouse, loader;
	bool open;
	struct resident_session *sessions;
} here = {.lock = PTHREAD_MUTEX_INITIALIZER, .writing = PTHREAD_MUTEX_INITIALIZER};

int resident_exec(duckdb_connection con, const char *sql, duckdb_result *result, struct err *err)
{
	duckdb_result own;
	duckdb_result *r = result ? result : &own;

	if (duckdb_query(con, sql, r) == DuckDBError) {
		const char *why = duckdb_result_error(r);
		err_set(err, ERR_INVALID, "%s", why ? why : "the statement failed");
		duckdb_destroy_result(r);
		return -1;
	}
	if (!result)
		duckdb_destroy_result(r);
	return 0;
}

int resident_query(
	struct resident_session *s, const char *sql, duckdb_result *result, struct err *err)
{
	duckdb_prepared_statement st = NULL;
	duckdb_pending_result pending = NULL;
	int r = -1;

	if (duckdb_prepare(s->con, sql, &st) == DuckDBError) {
		err_set(err, ERR_INVALID, "%s", duckdb_prepare_error(st));
	} else if (duckdb_pending_prepared_streaming(st, &pending) == DuckDBError) {
		err_set(err, ERR_INVALID, "%s", duckdb_pending_error(pending));
	} else if (duckdb_execute_pending(pending, result) == DuckDBError) {
		const char *why = duckdb_result_error(result);
		err_set(err, ERR_INVALID, "%s", why ? why : "the statement failed");
		duckdb_destroy_result(result);
	} else {
		r = 0;
	}
	duckdb_destroy_pending(&pending);
	duckdb_destroy_prepare(&st);
	return r;
}

/* --- opening --- */

/* What Redshift has and DuckDB lacks, out of the user's sight in a schema of its own. */
static const char prelude[] =
	"CREATE SCHEMA IF NOT EXISTS public;"
	"CREATE SCHEMA IF NOT EXISTS glueproj_rs;"
	"CREATE OR REPLACE MACRO glueproj_rs.getdate() AS date_trunc('second', "
	"current_localtimestamp());"
	"CREATE OR REPLACE MACRO glueproj_rs.divisor(x) AS CASE WHEN x = 0 THEN error('Division by "
	"zero') ELSE x END;"
	"CREATE OR REPLACE MACRO glueproj_rs.nvl2(a, b, c) AS CASE WHEN a IS NOT NULL THEN b ELSE "
	"c END;"
	"CREATE OR REPLACE MACRO glueproj_rs.trunc_time(p, d) AS date_trunc(p, d + INTERVAL 0 "
	"SECOND) + INTERVAL 0 SECOND;"
	"CREATE OR REPLACE MACRO glueproj_rs.add_year(n, d) AS d + to_years(CAST(n AS INTEGER));"
	"CREATE OR REPLACE MACRO glueproj_rs.add_quarter(n, d) AS d + to_months(3 * CAST(n AS "
	"INTEGER));"
	"CREATE OR REPLACE MACRO glueproj_rs.add_month(n, d) AS d + to_months(CAST(n AS INTEGER));"
	"CREATE OR REPLACE MACRO glueproj_rs.add_week(n, d) AS d + to_days(7 * CAST(n AS INTEGER));"
	"CREATE OR REPLACE MACRO glueproj_rs.add_day(n, d) AS d + to_days(CAST(n AS INTEGER));"
	"CREATE OR REPLACE MACRO glueproj_rs.add_hour(n, d) AS d + to_hours(CAST(n AS BIGINT));"
	"CREATE OR REPLACE MACRO glueproj_rs.add_minute(n, d) AS d + to_minutes(CAST(n AS BIGINT));"
	"CREATE OR REPLACE MACRO glueproj_rs.add_second(n, d) AS d + to_seconds(CAST(n AS BIGINT));"
	"CREATE OR REPLACE VIEW glueproj_rs.svv_tables AS SELECT table_catalog, table_schema, "
	"table_name, CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type, "
	"CAST(NULL AS VARCHAR) AS remarks FROM information_schema.tables WHERE table_catalog = "
	"current_database() AND table_schema NOT IN ('glueproj_rs', 'main');"
	"CREATE OR REPLACE VIEW glueproj_rs.pg_table_def AS SELECT schema_name AS schemaname, "
	"table_name AS tablename, column_name AS \"column\", CASE data_type WHEN 'VARCHAR' THEN "
	"'character varying' WHEN 'FLOAT' THEN 'real' WHEN 'DOUBLE' THEN 'double precision' WHEN "
	"'TIMESTAMP' THEN 'timestamp without time zone' ELSE lower(data_type) END AS \"type\", "
	"'none' AS \"encoding\", false AS distkey, 0 AS sortkey, NOT is_nullable AS \"notnull\" "
	"FROM duckdb_columns() WHERE database_name = current_database() AND schema_name NOT IN "
	"('glueproj_rs', 'main');";

static int settings(duckdb_config config, const struct json *req, bool loader, struct err *err)
{
	const char *temp = json_get_str(req, "temp_dir");
	char memory[40], threads[20];

	snprintf(memory, sizeof(memory), "%lldMB", (long long)json_get_i64(req, "memory_mb", 512));
	snprintf(threads, sizeof(threads), "%lld", (long long)json_get_i64(req, "threads", 2));
	if (worker_set_config(config, "memory_limit", memory, err) ||
		worker_set_config(config, "threads", threads, err) ||
		worker_set_config(config, "autoinstall_known_extensions", "false", err) ||
		worker_set_config(config, "autoload_known_extensions", "false", err) ||
		(temp && worker_set_config(config, "temp_directory", temp, err)))
		return -1;
	if (loader)
		return 0;
	/* 7 / 2 is 3, and nulls sort as if they were large, as in Redshift */
	return worker_set_config(config, "integer_division", "true", err) ||
			       worker_set_config(config, "default_null_order",
				       "nulls_last_on_asc_first_on_desc", err)
		       ? -1
		       : 0;
}

static int open_one(const struct json *req, const char *path, duckdb_database *db, struct err *err)
{
	duckdb_config config;
	char *why = NULL;
	int r = -1;

	if (duckdb_create_config(&config) == DuckDBError)
		return err_set(err, ERR_FAILED, "DuckDB gives no configuration");
	if (settings(config, req, !path, err))
		goto out;
	/* A process of an earlier server may hold the file for another moment. */
	for (int tries = 0;; tries++) {
		if (duckdb_open_ext(path, db, config, &why) != DuckDBError)
			break;
		if (tries == 100 || !why || !strstr(why, "lock")) {
			err_set(err, ERR_FAILED, "the database does not open: %s", why ? why : "?");
			goto out;
		}
		duckdb_free(why);
		why = NULL;
		usleep(50000);
	}
	r = 0;
out:
	duckdb_free(why);
	duckdb_destroy_config(&config);
	return r;
}

/* `dirs` NULL: no file at all but those that are open. */
static int lock_down(
	duckdb_database db, const char *first, const struct json *dirs, struct err *err)
{
	struct strbuf sql = STRBUF_INIT;
	duckdb_connection con;
	const struct json *d;
	int r = -1;

	if (duckdb_connect(db, &con) == DuckDBError)
		return err_set(err, ERR_FAILED, "the database gives no connection");
	strbuf_addstr(&sql, "SET TimeZone = 'UTC';");
	if (dirs) {
		strbuf_addstr(&sql, "SET allowed_directories = [");
		json_each(d, dirs)
		{
			strbuf_addstr(&sql, d == json_first(dirs) ? "" : ", ");
			sql_literal(&sql, json_str(d));
		}
		strbuf_addstr(&sql, "];");
	}
	strbuf_addstr(&sql, "SET enable_external_access = false; SET lock_configuration = true;");
	if (!first || (!resident_exec(con, first, NULL, err) && !resident_functions(con, err)))
		r = resident_exec(con, sql.buf, NULL, err);
	strbuf_release(&sql);
	duckdb_disconnect(&con);
	return r;
}

static int open_all(const struct json *req, struct err *err)
{
	if (here.open)
		return err_set(err, ERR_INVALID, "the database is open");
	if (open_one(req, json_get_str(req, "path"), &here.warehouse, err) ||
		lock_down(here.warehouse, prelude, NULL, err) ||
		open_one(req, NULL, &here.loader, err) ||
		lock_down(here.loader, NULL, json_get(req, "dirs"), err))
		return -1;
	here.open = true;
	return 0;
}

int resident_loader(duckdb_connection *con, struct err *err)
{
	if (duckdb_connect(here.loader, con) == DuckDBError)
		return err_set(err, ERR_FAILED, "the loader gives no connection");
	return 0;
}

/* --- sessions --- */

static struct resident_session *session_find(int64_t id)
{
	struct resident_session *s = here.sessions;

	while (s && s->id != id)
		s = s->next;
	return s;
}

static struct resident_session *session_get(int64_t id, struct err *err)
{
	struct resident_session *s;
	bool fresh = false;

	pthread_mutex_lock(&here.lock);
	s = here.open ? session_find(id) : NULL;
	if (!s && here.open) {
		s = xcalloc(1, sizeof(*s));
		s->id = id;
		if (duckdb_connect(here.warehouse, &s->con) == DuckDBError) {
			free(s);
			s = NULL;
		} else {
			s->next = here.sessions;
			here.sessions = s;
			fresh = true;
		}
	}
	pthread_mutex_unlock(&here.lock);
	if (!s)
		err_set(err, ERR_FAILED, "the database gives no session");
	else if (fresh && resident_exec(s->con, "SET schema = 'public'", NULL, err))
		return NULL;
	return s;
}

static void session_end(int64_t id)
{
	struct resident_session **p, *s = NULL;

	pthread_mutex_lock(&here.lock);
	for (p = &here.sessions; *p; p = &(*p)->next)
		if ((*p)->id == id) {
			s = *p;
			*p = s->next;
			break;
		}
	pthread_mutex_unlock(&here.lock);
	if (!s)
		return;
	duckdb_disconnect(&s->con);
	free(s);
}

static void session_cancel(int64_t id)
{
	struct resident_session *s;

	pthread_mutex_lock(&here.lock);
	s = session_find(id);
	if (s) {
		atomic_store(&s->cancelled, true);
		duckdb_interrupt(s->con);
	}
	pthread_mutex_unlock(&here.lock);
}

/* --- requests --- */

static int run(
	struct resident_session *s, const struct json *req, struct json *reply, struct err *err)
{
	duckdb_result result;
	int r;

	if (resident_query(s, json_get_str(req, "sql"), &result, err))
		return -1;
	switch (duckdb_result_return_type(result)) {
	case DUCKDB_RESULT_TYPE_QUERY_RESULT:
		r = record_result(&result, req, &s->cancelled, reply, err);
		break;
	case DUCKDB_RESULT_TYPE_CHANGED_ROWS:
		json_set_i64(reply, "rows", (int64_t)duckdb_rows_changed(&result));
		r = 0;
		break;
	default:
		r = 0;
	}
	duckdb_destroy_result(&result);
	return r;
}

static int dispatch(const struct json *req, struct json *reply, struct err *err)
{
	const char *op = json_get_str(req, "op");
	int64_t id = json_get_i64(req, "session", 0);
	struct resident_session *s;

	if (op && !strcmp(op, "close")) {
		session_end(id);
		return 0;
	}
	s = session_get(id, err);
	if (!s)
		return -1;
	if (atomic_load(&s->cancelled))
		return err_set(err, ERR_FAILED, "INTERRUPT Error: Interrupted!");
	if (op && !strcmp(op, "run"))
		return run(s, req, reply, err);
	if (op && !strcmp(op, "load"))
		return resident_load(s, req, reply, err);
	if (op && !strcmp(op, "unload"))
		return resident_unload(s, req, reply, err);
	return err_set(err, ERR_INVALID, "no such request");
}

static void answer(const struct json *req, struct json *reply, int failed, struct err *err)
{
	struct err fatal = ERR_INIT;

	json_set_i64(reply, "session", json_get_i64(req, "session", 0));
	json_set_bool(reply, "ok", !failed);
	if (failed)
		json_set_str(reply, "error", err->text);
	pthread_mutex_lock(&here.writing);
	if (worker_write_frame(reply, &fatal))
		_exit(1);
	pthread_mutex_unlock(&here.writing);
	json_free(reply);
}

static void *request_thread(void *payload)
{
	struct json *req = payload, *reply = json_object();
	struct err err = ERR_INIT;
	int r = dispatch(req, reply, &err);

	answer(req, reply, r, &err);
	err_release(&err);
	json_free(req);
	return NULL;
}

static void start(struct json *req)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 4 * 1024 * 1024);
	if (pthread_create(&thread, &attr, request_thread, req))
		request_thread(req);
	pthread_attr_destroy(&attr);
}

int resident_main(void)
{
	struct err err = ERR_INIT;
	struct json *req;

	while ((req = worker_read_frame(&err))) {
		const char *op = json_get_str(req, "op");
		if (op && !strcmp(op, "cancel")) {
			session_cancel(json_get_i64(req, "session", 0));
			json_free(req);
		} else if (op && !strcmp(op, "open")) {
			struct err why = ERR_INIT;
			int r = open_all(req, &why);
			answer(req, json_object(), r, &why);
			err_release(&why);
			json_free(req);
		} else {
			start(req);
		}
	}
	_exit(0);
}
