/* Redshift's SQL as DuckDB's: what is rewritten, what is refused by name, what COPY's options become. */
#include "local_redshift_sql.h"
#include "testing.h"

/* The DuckDB statements of a statement, joined by '|'; or the error. */
static char *planned(const char *sql, const struct json *parameters)
{
	struct rs_plan plan = RS_PLAN_INIT;
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;

	if (rs_plan(sql, parameters, &plan, &err))
		strbuf_addstr(&out, err.text);
	for (size_t i = 0; i < plan.sql.nr; i++)
		strbuf_addf(&out, "%s%s", i ? "|" : "", plan.sql.v[i]);
	rs_plan_release(&plan);
	err_release(&err);
	return strbuf_detach(&out, NULL);
}

static void same(const char *sql, const char *wanted)
{
	char *got = planned(sql, NULL);

	assert_string_equal(got, wanted);
	free(got);
}

static struct json *one_parameter(struct json *list, const char *name, const char *value)
{
	struct json *p = json_object();

	json_set_str(p, "name", name);
	json_set_str(p, "value", value);
	json_push(list, p);
	return list;
}

static void test_local_redshift_sql__names_fold(void **state)
{
	(void)state;
	same("SELECT \"A\", B FROM Market_Data.BTC;", "select \"a\", b from market_data.btc");
	same("select 1 /* a /* nested */ comment */ -- and one more\n", "select 1");
}

static void test_local_redshift_sql__strings(void **state)
{
	(void)state;
	same("select 'it''s', 'it\\'s', 'a\\nb', 'a\\\\b'",
		"select 'it''s', 'it''s', 'a\nb', 'a\\b'");
	same("select 1 where a like 'x\\\\_%'", "select 1 where a like 'x\\_%' ESCAPE '\\'");
}

static void test_local_redshift_sql__parameters(void **state)
{
	struct json *p = one_parameter(one_parameter(json_array(), "id", "1"), "n", "O'Hara");
	char *got = planned("select :id::int, :n where a = ':id'", p);

	(void)state;
	assert_string_equal(got, "select '1'::INTEGER, 'O''Hara' where a = ':id'");
	free(got);
	got = planned("select :other", p);
	assert_non_null(strstr(got, "ERROR: syntax error at or near \":\""));
	free(got);
	assert_string_equal(rs_unused_parameter("select :id", p), "n");
	assert_null(rs_unused_parameter("select :id, :n", p));
	json_free(p);
}

/* A value never ends its literal, whatever is in it. */
static void test_local_redshift_sql__parameters_inject_nothing(void **state)
{
	struct json *p = one_parameter(json_array(), "v", "'; drop table t; --\\");
	char *got = planned("insert into t values (:v)", p);

	(void)state;
	assert_string_equal(got, "insert into t values ('''; drop table t; --\\')");
	free(got);
	json_free(p);
}

static void test_local_redshift_sql__functions(void **state)
{
	static const char *const cases[][2] = {
		{"select getdate()", "select glueproj_rs.getdate()"},
		{"select a / b.c::float + 1", "select a / glueproj_rs.divisor(b.c::DOUBLE) + 1"},
		{"select a % (b + 1)", "select a % glueproj_rs.divisor((b + 1))"},
		{"select a / sum(b) over (order by c)",
			"select a / glueproj_rs.divisor(sum(b) over (order by c))"},
		{"select avg(a)", "select glueproj_avg(a)"},
		{"select sysdate", "select current_localtimestamp()"},
		{"select NVL(a, 1)", "select coalesce(a, 1)"},
		{"select nvl2(a, 1, 2)", "select glueproj_rs.nvl2(a, 1, 2)"},
		{"select dateadd(month, 1, d)", "select glueproj_rs.add_month(1, d)"},
		{"select dateadd('day', -1, '2020-01-01')",
			"select glueproj_rs.add_day(- 1, TIMESTAMP '2020-01-01')"},
		{"select datediff(days, a, b)", "select date_diff('day', a, b)"},
		{"select date_part(dow, d)", "select date_part('dow', d)"},
		{"select date_trunc('month', d)", "select glueproj_rs.trunc_time('month', d)"},
		{"select listagg(a, ', ') within group (order by b desc) from t",
			"select string_agg(a, ', ' order by b desc) from t"},
		{"select listagg(a) from t", "select string_agg(a, '') from t"},
		{"select cast(a as varchar(3))", "select left(CAST(a AS VARCHAR), 3)"},
		{"select cast(a as float)", "select CAST(a AS DOUBLE)"},
		{"select a::decimal", "select a::DECIMAL(18, 0)"},
		{"select a::float4, b::double precision", "select a::FLOAT, b::DOUBLE"},
		{"select top 5 a from t order by a", "select a from t order by a LIMIT 5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		same(cases[i][0], cases[i][1]);
}

static void test_local_redshift_sql__refused_by_name(void **state)
{
	static const char *const cases[][2] = {
		{"select a ~ 'b'", "operator ~"},
		{"select a similar to 'b'", "SIMILAR TO"},
		{"select to_char(a, 'YYYY')", "function to_char"},
		{"select decode(a, 1, 2)", "function decode"},
		{"select datediff(week, a, b)", "DATEDIFF of weeks"},
		{"select a::varchar(3)", "'::'"},
		{"select current_user", "the database's user"},
		{"grant select on t to u", "GRANT"},
		{"set datestyle to iso", "SET of anything but search_path"},
		{"select * from stl_query", "the system view stl_query"},
		{"create database d", "this kind of CREATE"},
		{"create table t (a super)", "type \"super\""},
		{"copy t from 's3://b/k' iam_role default format orc", "this FORMAT"},
		{"copy t from 's3://b/k' iam_role default fixedwidth 'a:1'", "FIXEDWIDTH"},
		{"copy t from 's3://b/k' iam_role default json 's3://b/paths'", "'auto'"},
		{"copy t from 's3://b/k' access_key_id 'x'", "ACCESS_KEY_ID"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = planned(cases[i][0], NULL);
		if (!strstr(got, cases[i][1]) || !strstr(got, "not supported"))
			fail_msg("%s: %s", cases[i][0], got);
		free(got);
	}
}

/* What DuckDB alone has never reaches it. */
static void test_local_redshift_sql__no_way_around(void **state)
{
	static const char *const cases[] = {"attach 'x.db'", "pragma database_list", "install json",
		"load json", "export database 'x'", "checkpoint", "copy t to 'x.csv'",
		"select * from glueproj_rs.svv_tables", "drop schema \"GLUEPROJ_RS\" cascade",
		"select 1; select 2", "select $1", "select [1, 2]", "from t", "summarize t",
		"select 7 // 2", "select 1 == 1", "select {'a': 1}", ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = planned(cases[i], NULL);
		if (!starts_with(got, "ERROR: "))
			fail_msg("%s: %s", cases[i], got);
		free(got);
	}
}

static void test_local_redshift_sql__create_table(void **state)
{
	(void)state;
	same("CREATE TABLE IF NOT EXISTS Market.T (a INTEGER NOT NULL ENCODE az64 DISTKEY, b "
	     "VARCHAR(10) SORTKEY DEFAULT 'x', c NUMERIC, d CHAR, e DOUBLE PRECISION, f TIMESTAMP "
	     "WITH TIME ZONE, PRIMARY KEY (b), FOREIGN KEY (a) REFERENCES u (a)) BACKUP NO "
	     "DISTSTYLE "
	     "KEY COMPOUND SORTKEY (a, b)",
		"CREATE TABLE IF NOT EXISTS \"market\".\"t\" (\"a\" INTEGER NOT NULL, \"b\" "
		"VARCHAR "
		"DEFAULT ('x') NOT NULL CHECK (strlen(\"b\") <= 10), \"c\" DECIMAL(18, 0), \"d\" "
		"VARCHAR CHECK (strlen(\"d\") <= 1), \"e\" DOUBLE, \"f\" TIMESTAMP WITH TIME "
		"ZONE)");
	same("create temp table t diststyle all as select 1 as a",
		"CREATE TEMP TABLE \"t\" as select 1 as a");
	same("create table s (like market.t including defaults)",
		"CREATE TABLE \"s\" AS SELECT * FROM market.t WHERE false");
	same("create table t (id bigint identity(5, 2))",
		"CREATE OR REPLACE SEQUENCE glueproj_rs.\"identity_public_t_id\" START 5 INCREMENT "
		"2|CREATE TABLE \"t\" (\"id\" BIGINT DEFAULT "
		"nextval('glueproj_rs.\"identity_public_t_id\"'))");
	same("create table t (a int, b blob)", "ERROR: type \"blob\" does not exist");
	same("create table t (a int check (a > 1))",
		"ERROR: syntax error at or near \"check\"\n  Position: 23");
	same("create table t ()", "ERROR: syntax error at or near \")\"\n  Position: 17");
	same("create table t (a int) sideways", "ERROR: syntax error at or near \"sideways\"\n  "
						"Position: 24");
}

static void test_local_redshift_sql__alter_table(void **state)
{
	(void)state;
	same("alter table a.t rename to u", "ALTER TABLE \"a\".\"t\" rename to u");
	same("alter table t append from s",
		"INSERT INTO \"t\" BY NAME SELECT * FROM s|DELETE FROM s");
	same("alter table t add column b varchar(5) encode lzo default 'x'",
		"ALTER TABLE \"t\" ADD COLUMN \"b\" VARCHAR DEFAULT ('x')");
	same("alter table t alter distkey a", "");
	same("vacuum t", "");
}

static void copied(const char *sql, const char *format, const char *role, const char *options)
{
	struct rs_plan plan = RS_PLAN_INIT;
	struct err err = ERR_INIT;
	struct strbuf got = STRBUF_INIT;

	if (rs_plan(sql, NULL, &plan, &err))
		fail_msg("%s: %s", sql, err.text);
	assert_int_equal(plan.what, RS_COPY);
	assert_string_equal(plan.copy.format, format);
	if (role)
		assert_string_equal(plan.copy.role, role);
	else
		assert_null(plan.copy.role);
	json_print_canonical(plan.copy.options, &got);
	assert_string_equal(got.buf, options);
	strbuf_release(&got);
	rs_plan_release(&plan);
	err_release(&err);
}

static void test_local_redshift_sql__copy(void **state)
{
	(void)state;
	copied("COPY Market_data.BTC (Date, price) FROM 's3://gold/BTC/' IAM_ROLE "
	       "'arn:aws:iam::1:role/r' "
	       "FORMAT AS PARQUET",
		"PARQUET", "arn:aws:iam::1:role/r",
		"{\"delimiter\":\"|\",\"escape\":\"\",\"null\":\"\\\\N\",\"quote\":\"\"}");
	copied("copy t from 's3://b/k' iam_role default csv ignoreheader 1 gzip region 'us-east-1' "
	       "compupdate off",
		"CSV", NULL,
		"{\"delimiter\":\",\",\"escape\":\"\\\"\",\"gzip\":true,\"ignoreheader\":1,"
		"\"null\":"
		"\"\\\\N\",\"quote\":\"\\\"\"}");
	copied("copy t from 's3://b/k' credentials 'aws_iam_role=arn:x' delimiter as ';' null as "
	       "'NA' "
	       "emptyasnull",
		"TEXT", "arn:x",
		"{\"delimiter\":\";\",\"emptyasnull\":true,\"escape\":\"\",\"null\":\"NA\","
		"\"quote\":"
		"\"\"}");
	same("copy t from 's3://b/k' format parquet", "ERROR: CREDENTIALS argument is required");
	same("copy t from 's3://b/k' iam_role default parquet ignoreheader 1",
		"ERROR: IGNOREHEADER argument is not supported for PARQUET based COPY");
	same("copy t from '/etc/passwd' iam_role default csv",
		"ERROR: The location '/etc/passwd' is not supported: an s3:// one is");
	same("unload ('select ''a'' from T') to 's3://b/p' iam_role default parquet",
		"select 'a' from t");
	same("unload ('drop table t; select 1') to 's3://b/p' iam_role default parquet",
		"ERROR: cannot insert multiple commands into a prepared statement");
}

static void test_local_redshift_sql__errors(void **state)
{
	static const char *const cases[][3] = {
		{"Catalog Error: Table with name btc does not exist!\nDid you mean \"x\"?",
			"select * from market_data.BTC",
			"ERROR: relation \"market_data.btc\" does not exist"},
		{"Catalog Error: Table with name btc does not exist!", "select * from btc",
			"ERROR: relation \"btc\" does not exist"},
		{"Catalog Error: Table with name \"btc\" already exists!",
			"create table btc (a int)", "ERROR: Relation \"btc\" already exists"},
		{"Binder Error: Referenced column \"x\" not found in FROM clause!",
			"select x from t", "ERROR: column \"x\" does not exist"},
		{"Conversion Error: Could not convert string 'a' to INT32", "select 'a'::int",
			"ERROR: invalid input syntax for integer: \"a\""},
		{"Constraint Error: CHECK constraint failed on table t",
			"insert into t values ('x')", "ERROR: Value too long for character type"},
		{"ERROR: as it is", "", "ERROR: as it is"},
		{"Binder Error: something new\nLINE 1", "", "ERROR: something new"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = rs_error(cases[i][0], cases[i][1]);
		assert_string_equal(got, cases[i][2]);
		free(got);
	}
}
