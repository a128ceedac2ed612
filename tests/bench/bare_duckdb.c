/*
 * bare_duckdb SQL: DuckDB and nothing else, from the library that the jobs link too, as DuckDB comes (its own number of threads). Its
 * shell is a binary of its own without that library, which loads faster.
 */
#include <duckdb.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	duckdb_database db;
	duckdb_connection con;
	duckdb_result result;
	char *why = NULL;

	if (argc != 2)
		return 2;
	if (duckdb_open_ext(NULL, &db, NULL, &why) != DuckDBSuccess) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	if (duckdb_connect(db, &con) != DuckDBSuccess)
		return 1;
	int failed = duckdb_query(con, argv[1], &result) != DuckDBSuccess;
	if (failed)
		fprintf(stderr, "%s\n", duckdb_result_error(&result));
	duckdb_destroy_result(&result);
	duckdb_disconnect(&con);
	duckdb_close(&db);
	return failed;
}
