#include "testing.h"
#include "local_crawl_plan.h"
#include "strbuf.h"

static void add(struct crawl_tree *t, const char *key, const char *column, const char *compression)
{
	struct classified c = {.classification = "csv",
		.compression = compression,
		.columns = json_array(),
		.records = 10,
		.record_size = 5,
		.delimiter = ','};

	for (const char *p = column; *p; p++) {
		struct json *col = json_object();
		char name[2] = {*p, '\0'};
		json_set_str(col, "Name", name);
		json_set_str(col, "Type", *p == 'n' ? "bigint" : "string");
		json_push(c.columns, col);
	}
	crawl_tree_add(t, key, 100, &c);
}

/* One line a table: "name location keys [partition values]…". */
static void assert_plan(const struct crawl_tree *t, bool combine, int level, const char *want)
{
	struct crawl_options o = {combine, level, 0};
	struct crawl_tables tables = {0};
	struct strbuf sb = STRBUF_INIT;

	crawl_plan(t, &o, &tables);
	for (size_t i = 0; i < tables.nr; i++) {
		char *keys = strvec_join(&tables.v[i].keys, ",");
		strbuf_addf(&sb, "%s %s %s", tables.v[i].name, tables.v[i].location, keys);
		free(keys);
		for (size_t k = 0; k < tables.v[i].nr; k++) {
			char *values = strvec_join(&tables.v[i].partitions[k].values, ",");
			strbuf_addf(&sb, " [%s]", values);
			free(values);
		}
		strbuf_addch(&sb, '\n');
	}
	assert_string_equal(sb.buf, want);
	strbuf_release(&sb);
	crawl_tables_release(&tables);
}

static void test_local_crawl_plan__bucket_root_with_partitions(void **state)
{
	struct crawl_tree *t = crawl_tree_new("My-Bucket", "");

	(void)state;
	add(t, "sales/country=C%C3%B4te/p", "ab", "none");
	add(t, "sales/country=Peru/p", "ab", "none");
	assert_plan(t, false, 0,
		"my_bucket s3://My-Bucket/ partition_0,country [sales,C\xc3\xb4te] [sales,Peru]\n");
	assert_plan(t, false, 2, "sales s3://My-Bucket/sales/ country [C\xc3\xb4te] [Peru]\n");
	crawl_tree_free(t);
}

static void test_local_crawl_plan__files_that_differ(void **state)
{
	struct crawl_tree *t = crawl_tree_new("raw", "");

	(void)state;
	add(t, "2m-Sales.csv", "ab", "none");
	add(t, "2m-Sales.zip", "ab", "zip");
	assert_plan(t, true, 0,
		"2m_sales_csv s3://raw/2m-Sales.csv \n2m_sales_zip s3://raw/2m-Sales.zip \n");
	crawl_tree_free(t);
}

static void test_local_crawl_plan__similar_columns_or_combined(void **state)
{
	struct crawl_tree *t = crawl_tree_new("b", "in/");

	(void)state;
	add(t, "in/x/1", "abcde", "none");
	add(t, "in/y/1", "abfgh", "none");
	assert_plan(t, false, 0, "x s3://b/in/x/ \ny s3://b/in/y/ \n");
	assert_plan(t, true, 0, "in s3://b/in/ partition_0 [x] [y]\n");
	crawl_tree_free(t);
}

static void test_local_crawl_plan__depths_and_keys_that_mix(void **state)
{
	struct crawl_tree *t = crawl_tree_new("b", "in/");

	(void)state;
	add(t, "in/top", "ab", "none");
	add(t, "in/x/a=1/1", "ab", "none");
	add(t, "in/x/b=1/1", "ab", "none");
	assert_plan(t, true, 0, "top s3://b/in/top \nx s3://b/in/x/ partition_0 [a=1] [b=1]\n");
	crawl_tree_free(t);
}

static void test_local_crawl_plan__columns_of_all_files(void **state)
{
	struct crawl_tree *t = crawl_tree_new("b", "in/");
	struct crawl_options o = {true, 0, 0};
	struct crawl_tables tables = {0};

	(void)state;
	add(t, "in/1", "an", "none");
	add(t, "in/2", "anx", "none");
	crawl_plan(t, &o, &tables);
	assert_int_equal(tables.nr, 1);
	assert_int_equal(json_len(tables.v[0].columns), 3);
	assert_int_equal(tables.v[0].size, 200);
	assert_int_equal(tables.v[0].objects, 2);
	assert_int_equal(tables.v[0].records, 20);
	crawl_tables_release(&tables);
	crawl_tree_free(t);
}

static void add_broken(struct crawl_tree *t, const char *key)
{
	struct classified c = {.classification = "UNKNOWN",
		.compression = "none",
		.columns = json_array(),
		.problem = xstrdup("cut")};

	crawl_tree_add(t, key, 100, &c);
}

static void test_local_crawl_plan__broken_files_are_left_out(void **state)
{
	struct crawl_tree *t = crawl_tree_new("b", "in/");

	(void)state;
	add_broken(t, "in/d=0/0");
	add_broken(t, "in/d=1/0");
	add(t, "in/d=1/1", "ab", "none");
	assert_plan(t, false, 0, "in s3://b/in/ d [1]\n");
	crawl_tree_free(t);
	t = crawl_tree_new("b", "in/");
	add_broken(t, "in/d=0/0");
	assert_plan(t, false, 0, "in s3://b/in/ d [0]\n");
	crawl_tree_free(t);
}

static void test_local_crawl_plan__files_that_are_not_looked_into(void **state)
{
	struct crawl_tree *t = crawl_tree_new("b", "in/");
	struct crawl_options o = {false, 0, 0};
	struct crawl_tables tables = {0};

	(void)state;
	assert_false(crawl_tree_add_alike(t, "in/x", 100));
	add(t, "in/1", "an", "none");
	assert_true(crawl_tree_add_alike(t, "in/2", 500));
	crawl_plan(t, &o, &tables);
	assert_int_equal(tables.nr, 1);
	assert_int_equal(tables.v[0].size, 600);
	assert_int_equal(tables.v[0].records, 110);
	assert_int_equal(tables.v[0].objects, 2);
	crawl_tables_release(&tables);
	crawl_tree_free(t);
}

static void test_local_crawl_plan__exclusions(void **state)
{
	static const struct {
		const char *pattern, *key;
		bool out;
	} cases[] = {
		{"tmp/**", "tmp/a/b", true},
		{"tmp/*", "tmp/a/b", false},
		{"*.{log,bak}", "a.bak", true},
		{"*.{log,bak}", "a.csv", false},
		{"**.log", "x/y.log", true},
		{"/x", "x", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *patterns = json_array();
		json_push_str(patterns, cases[i].pattern);
		assert_int_equal(crawl_excluded(patterns, cases[i].key), cases[i].out);
		json_free(patterns);
	}
}

static void test_local_crawl_plan__unescape(void **state)
{
	static const char *const cases[][2] = {{"a%27b", "a'b"}, {"100%", "100%"}, {"%zz", "%zz"},
		{"%2", "%2"}, {"%00x", "%00x"}, {"%2F%3A", "/:"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *s = crawl_unescape(cases[i][0]);
		assert_string_equal(s, cases[i][1]);
		free(s);
	}
}
