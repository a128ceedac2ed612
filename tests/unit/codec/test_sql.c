#include "testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fs.h"
#include "sql.h"

static char *dir, *path;

static struct sql_db *begin(void)
{
	struct err err = ERR_INIT;
	dir = fs_mkdtemp(NULL, "test-sql-", &err);
	assert_non_null(dir);
	path = fs_join(dir, "db");
	struct sql_db *db = sql_open(path, &err);
	if (!db)
		fail_msg("%s", err.text);
	assert_ok(sql_exec(db,
			  "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, d "
			  "REAL, b BLOB);"
			  "CREATE TABLE c(id INTEGER REFERENCES t(id))",
			  &err),
		&err);
	return db;
}

static void end(struct sql_db *db)
{
	struct err err = ERR_INIT;
	sql_close(db);
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	free(path);
}

static void test_sql__types(void **state)
{
	(void)state;
	struct sql_db *db = begin();
	struct err err = ERR_INIT;
	int64_t changed = 0;
	size_t len = 0;
	assert_ok(sql_run(db, &changed, &err, "INSERT INTO t VALUES(?,?,?,?)", "isdb", INT64_MAX,
			  "na'me", 0.5, "a\0b", (size_t)3),
		&err);
	assert_int_equal(changed, 1);
	assert_true(sql_last_rowid(db) == INT64_MAX);
	assert_ok(sql_run(db, NULL, &err, "INSERT INTO t VALUES(?,?,?,?)", "isnb", INT64_C(1), "x",
			  NULL, (size_t)0),
		&err);
	struct sql_stmt *st = sql_query(db, &err, "SELECT * FROM t ORDER BY id DESC", "");
	assert_non_null(st);
	assert_int_equal(sql_step(st, &err), 1);
	assert_true(sql_int(st, 0) == INT64_MAX);
	assert_string_equal(sql_text(st, 1), "na'me");
	assert_true(sql_double(st, 2) > 0.49 && sql_double(st, 2) < 0.51);
	assert_memory_equal(sql_blob(st, 3, &len), "a\0b", 3);
	assert_int_equal(len, 3);
	assert_int_equal(sql_step(st, &err), 1);
	assert_true(sql_is_null(st, 2));
	assert_null(sql_text(st, 2));
	assert_false(sql_is_null(st, 3)); /* an empty blob is no null */
	assert_int_equal(sql_step(st, &err), 0);
	sql_done(st);
	sql_done(NULL);
	end(db);
}

static void test_sql__constraints(void **state)
{
	(void)state;
	struct sql_db *db = begin();
	struct err err = ERR_INIT;
	const char *insert = "INSERT INTO t(id,name) VALUES(?,?)";
	assert_ok(sql_run(db, NULL, &err, insert, "is", INT64_C(1), "a"), &err);
	assert_int_equal(sql_run(db, NULL, &err, insert, "is", INT64_C(2), "a"), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_int_equal(sql_run(db, NULL, &err, insert, "is", INT64_C(1), "b"), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_int_equal(sql_run(db, NULL, &err, insert, "is", INT64_C(3), NULL), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(sql_run(db, NULL, &err, "INSERT INTO c VALUES(?)", "i", INT64_C(9)), -1);
	assert_int_equal(err.code, ERR_CONFLICT); /* foreign keys are on */
	assert_ok(sql_run(db, NULL, &err, insert, "is", INT64_C(2), "b"), &err);
	assert_int_equal(sql_exec(db, "SELEC", &err), -1);
	assert_null(sql_query(db, &err, "SELECT nothing FROM nowhere", ""));
	err_release(&err);
	end(db);
}

static void test_sql__exists(void **state)
{
	(void)state;
	struct sql_db *db = begin();
	struct err err = ERR_INIT;
	const char *query = "SELECT 1 FROM t WHERE name = ?";
	assert_int_equal(sql_exists(db, &err, query, "s", "a"), 0);
	assert_ok(
		sql_run(db, NULL, &err, "INSERT INTO t(id,name) VALUES(1,'a'),(2,'b')", ""), &err);
	assert_int_equal(sql_exists(db, &err, query, "s", "a"), 1);
	assert_int_equal(sql_exists(db, &err, "SELECT 1 FROM t", ""), 1); /* and more than one */
	assert_int_equal(sql_exists(db, &err, query, "s", NULL), 0);
	assert_int_equal(err.code, 0);
	assert_int_equal(sql_exists(db, &err, "SELECT nothing FROM nowhere", ""), -1);
	assert_int_not_equal(err.code, 0);
	err_release(&err);
	end(db);
}

static void test_sql__one_text_twice_at_once(void **state)
{
	(void)state;
	struct sql_db *db = begin();
	struct err err = ERR_INIT;
	assert_ok(sql_exec(db, "INSERT INTO t(name) VALUES('a'),('b')", &err), &err);
	const char *select = "SELECT name FROM t WHERE name >= ? ORDER BY name";
	struct sql_stmt *outer = sql_query(db, &err, select, "s", "a");
	assert_int_equal(sql_step(outer, &err), 1);
	struct sql_stmt *inner = sql_query(db, &err, select, "s", "b");
	assert_ptr_not_equal(outer, inner);
	assert_int_equal(sql_step(inner, &err), 1);
	assert_string_equal(sql_text(inner, 0), "b");
	sql_done(inner);
	assert_int_equal(sql_step(outer, &err), 1);
	assert_string_equal(sql_text(outer, 0), "b");
	sql_done(outer);
	struct sql_stmt *again = sql_query(db, &err, select, "s", "a");
	assert_ptr_equal(again, outer);
	sql_done(again);
	end(db);
}

static int64_t count(struct sql_db *db)
{
	struct err err = ERR_INIT;
	struct sql_stmt *st = sql_query(db, &err, "SELECT count(*) FROM t", NULL);
	assert_int_equal(sql_step(st, &err), 1);
	int64_t n = sql_int(st, 0);
	sql_done(st);
	return n;
}

static void test_sql__transactions(void **state)
{
	(void)state;
	struct sql_db *db = begin();
	struct err err = ERR_INIT;
	sql_rollback(db);
	assert_ok(sql_begin(db, &err), &err);
	assert_ok(sql_exec(db, "INSERT INTO t(name) VALUES('a')", &err), &err);
	sql_rollback(db);
	assert_int_equal(count(db), 0);
	assert_ok(sql_begin(db, &err), &err);
	assert_int_equal(sql_begin(db, &err), -1);
	assert_ok(sql_exec(db, "INSERT INTO t(name) VALUES('a')", &err), &err);
	assert_ok(sql_commit(db, &err), &err);
	assert_int_equal(count(db), 1);
	err_release(&err);
	end(db);
}

static void test_sql__what_is_committed_survives_a_kill(void **state)
{
	(void)state;
	struct sql_db *db = begin();
	struct err err = ERR_INIT;
	int pipes[2];
	char c = 0;
	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct sql_db *mine = sql_open(path, NULL);
		if (!mine || sql_exec(mine, "INSERT INTO t(name) VALUES('kept')", NULL) ||
			sql_begin(mine, NULL) ||
			sql_exec(mine, "INSERT INTO t(name) VALUES('lost')", NULL))
			_exit(1);
		if (write(pipes[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(pipes[0], &c, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	struct sql_stmt *st = sql_query(db, &err, "SELECT name FROM t", "");
	assert_int_equal(sql_step(st, &err), 1);
	assert_string_equal(sql_text(st, 0), "kept");
	assert_int_equal(sql_step(st, &err), 0);
	sql_done(st);
	end(db);
}

static void test_sql__full_disk(void **state)
{
	(void)state;
	struct sql_db *db = begin();
	struct err err = ERR_INIT;
	assert_ok(sql_exec(db, "PRAGMA max_page_count=8", &err), &err);
	assert_int_equal(sql_exec(db,
				 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
				 "WHERE i<10000)"
				 "INSERT INTO t(name) SELECT 'name-' || i FROM n",
				 &err),
		-1);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.text, "disk is full"));
	err_release(&err);
	end(db);
}

static void test_sql__open_errors_name_the_file(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	assert_null(sql_open("/nonexistent/dir/db", &err));
	assert_non_null(strstr(err.text, "/nonexistent/dir/db"));
	err_release(&err);
	sql_close(NULL);
}
