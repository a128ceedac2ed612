#include "testing.h"
#include "local_sqlmap.h"
#include "local_sqltype.h"

static void assert_prepared(const char *sql, const char *want)
{
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(sqlmap_prepare(sql, &out, &err), 0);
	assert_string_equal(out.buf, want);
	assert_int_equal(out.len, strlen(sql));
	strbuf_release(&out);
}

static void assert_refused(const char *sql, const char *text)
{
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(sqlmap_prepare(sql, &out, &err), -1);
	assert_string_equal(err.text, text);
	err_release(&err);
	strbuf_release(&out);
}

static void test_local_sqlmap__lengths_are_marked_in_place(void **state)
{
	(void)state;
	assert_prepared("cast(a as varchar(10))", "cast(a as varchar_10 )");
	assert_prepared("cast(a as VARCHAR ( 7 ) )", "cast(a as varchar_7     )");
	assert_prepared("timestamp(3)", "timestamp_3 ");
	assert_prepared("decimal '1.5', decimal(3,1)", "decima_ '1.5', decimal(3,1)");
	assert_prepared("select 'varchar(10)', \"char(3)\" -- varchar(1)",
		"select 'varchar(10)', \"char(3)\" -- varchar(1)");
	assert_prepared("select 1 ; -- end", "select 1   -- end");
}

static void test_local_sqlmap__what_trino_does_not_read(void **state)
{
	(void)state;
	assert_refused("select a::int", "SYNTAX_ERROR: line 1:9: mismatched input ':'");
	assert_refused("select\n 7//2", "SYNTAX_ERROR: line 2:4: mismatched input '/'");
	assert_refused("select 2**3", "SYNTAX_ERROR: line 1:10: mismatched input '*'");
	assert_refused("select {'a': 1}", "SYNTAX_ERROR: line 1:8: mismatched input '{'");
	assert_refused("select 'abc", "SYNTAX_ERROR: line 1:8: unterminated quoted text");
	assert_refused("select 1; select 2", "SYNTAX_ERROR: line 1:9: mismatched input ';'. "
					     "Expecting: <EOF>: only one statement is allowed");
	assert_refused("cast(a as array(int))",
		"NOT_SUPPORTED: line 1:11: CAST to array, map and row types");
}

static void test_local_sqlmap__places_count_characters(void **state)
{
	int line, column;

	(void)state;
	sqlmap_place("a\n\xc3\xa9x", 4, &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 2);
}

static const char *printed(const char *hive, struct arena *a, struct strbuf *sb, bool duck)
{
	const struct sqltype *t;
	struct err err = ERR_INIT;

	strbuf_clear(sb);
	assert_int_equal(sqltype_from_hive(a, hive, &t, &err), 0);
	if (duck)
		sqltype_duck(t, sb);
	else
		sqltype_print(t, sb);
	return sb->buf;
}

static void test_local_sqlmap__hive_types(void **state)
{
	struct arena a = ARENA_INIT;
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	assert_string_equal(printed("STRING", &a, &sb, false), "varchar");
	assert_string_equal(printed("decimal(10,2)", &a, &sb, false), "decimal(10,2)");
	assert_string_equal(printed("float", &a, &sb, false), "real");
	assert_string_equal(
		printed("array<map<string,int>>", &a, &sb, false), "array(map(varchar, integer))");
	assert_string_equal(printed("struct<a:int,b:array<date>>", &a, &sb, true),
		"STRUCT(\"a\" INTEGER, \"b\" DATE[])");
	strbuf_release(&sb);
	arena_release(&a);
}

static void test_local_sqlmap__bad_hive_types(void **state)
{
	static const char *const bad[] = {"", "text", "decimal(39,0)", "decimal(2,3)", "array<>",
		"array<int", "map<int>", "struct<a>", "int int"};
	struct arena a = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct sqltype *t;
		struct err err = ERR_INIT;
		assert_int_equal(sqltype_from_hive(&a, bad[i], &t, &err), -1);
		err_release(&err);
	}
	arena_release(&a);
}

static void test_local_sqlmap__common_types(void **state)
{
	struct arena a = ARENA_INIT;
	struct strbuf sb = STRBUF_INIT;
	const struct sqltype *t;

	(void)state;
	t = sqltype_common(&a, sqltype_plain(SQL_BIGINT), sqltype_decimal(&a, 5, 2));
	sqltype_print(t, &sb);
	assert_string_equal(sb.buf, "decimal(21,2)");
	assert_int_equal(
		sqltype_common(&a, sqltype_plain(SQL_REAL), sqltype_decimal(&a, 5, 2))->kind,
		SQL_REAL);
	assert_null(sqltype_common(&a, sqltype_plain(SQL_VARCHAR), sqltype_plain(SQL_INTEGER)));
	assert_null(sqltype_common(&a, sqltype_plain(SQL_BOOLEAN), sqltype_plain(SQL_INTEGER)));
	assert_int_equal(
		sqltype_common(&a, sqltype_plain(SQL_UNKNOWN), sqltype_plain(SQL_DATE))->kind,
		SQL_DATE);
	strbuf_release(&sb);
	arena_release(&a);
}

static int no_table(
	void *payload, const char *db, const char *name, struct json **doc, struct err *err)
{
	(void)payload, (void)db, (void)doc;
	return err_set(err, ERR_NOT_FOUND, "no table %s", name);
}

/* The tree that DuckDB's parser gives for SELECT <call>. */
static int compile(const char *expression, struct sqlplan *plan, struct err *err)
{
	char *text = xasprintf(
		"{\"error\":false,\"statements\":[{\"node\":{\"type\":\"SELECT_NODE\","
		"\"modifiers\":[],\"cte_map\":{\"map\":[]},"
		"\"select_list\":[%s],\"from_table\":{\"type\":\"EMPTY\"},\"where_clause\":null,"
		"\"group_expressions\":[],\"group_sets\":[],\"aggregate_handling\":\"STANDARD_"
		"HANDLING\","
		"\"having\":null,\"sample\":null,\"qualify\":null}}]}",
		expression);
	struct sqlmap_env env = {.sql = "select x", .table = no_table};
	struct json *tree = json_parse(text, strlen(text), err);
	int r;

	assert_non_null(tree);
	sqlplan_init(plan);
	r = sqlmap_compile(tree, &env, plan, err);
	json_free(tree);
	free(text);
	return r;
}

#define INT(n)                                                                                 \
	"{\"class\":\"CONSTANT\",\"type\":\"VALUE_CONSTANT\",\"query_location\":7,\"value\":{" \
	"\"type\":{\"id\":\"INTEGER\"},\"is_null\":false,\"value\":" #n "}}"
#define CALL(f, args)                                                                           \
	"{\"class\":\"FUNCTION\",\"type\":\"FUNCTION\",\"query_location\":7,\"function_name\":" \
	"\"" f "\",\"children\":[" args "],\"filter\":null,"                                    \
	"\"order_bys\":{\"orders\":[]},\"distinct\":false,\"is_operator\":true}"

static void test_local_sqlmap__integer_division(void **state)
{
	struct sqlplan plan;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(compile(CALL("/", INT(7) "," INT(2)), &plan, &err), 0);
	assert_non_null(strstr(plan.sql, "CAST(7 AS INTEGER) // CAST(2 AS INTEGER)"));
	assert_non_null(strstr(plan.sql, "DIVISION_BY_ZERO"));
	assert_int_equal(plan.columns[0].type->kind, SQL_INTEGER);
	assert_string_equal(plan.columns[0].name, "_col0");
	sqlplan_release(&plan);
}

static void test_local_sqlmap__unknown_functions_are_named(void **state)
{
	struct sqlplan plan;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(compile(CALL("list_sort", INT(7)), &plan, &err), -1);
	assert_string_equal(err.text,
		"NOT_SUPPORTED: line 1:8: function 'list_sort' is not known to this Athena");
	err_release(&err);
	sqlplan_release(&plan);
	assert_int_equal(compile("{\"class\":\"LAMBDA\",\"type\":\"LAMBDA\",\"query_location\":7}",
				 &plan, &err),
		-1);
	assert_string_equal(err.text, "NOT_SUPPORTED: line 1:8: lambda expressions");
	err_release(&err);
	sqlplan_release(&plan);
}
