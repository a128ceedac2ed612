#include "testing.h"

#include <string.h>
#include <unistd.h>
#include "duck.h"
#include "fs.h"
#include "sales.h"

struct fixture {
	struct job job;
	struct place place;
	struct err err;
};

static void open_fixture(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_ok(job_open(&f->job, "test", &f->err), &f->err);
	assert_ok(place_parse(f->job.tmp, "folder", &f->place, &f->err), &f->err);
	f->job.cpus = 2;
}

static void close_fixture(struct fixture *f)
{
	place_release(&f->place);
	err_release(&f->err);
	job_close(&f->job);
}

struct text {
	const char *all;
	bool breaks;
	const char *at;
	size_t left;
};

static int rewind_text(void *payload, struct err *err)
{
	struct text *t = payload;

	(void)err;
	t->at = t->all;
	t->left = strlen(t->all);
	return 0;
}

static ssize_t read_text(void *payload, const void **block, struct err *err)
{
	struct text *t = payload;
	size_t n = t->left < 1000 ? t->left : 1000;

	if (n == 0 && t->breaks)
		return err_set(err, ERR_IO, "the line went dead");
	*block = t->at;
	t->at += n;
	t->left -= n;
	return (ssize_t)n;
}

static void clean(struct fixture *f, const char *csv, const char *stem, struct sales_counts *counts)
{
	struct text t = {csv, false, NULL, 0};
	const struct sales_source source = {rewind_text, read_text, &t};
	struct publish *out = publish_new(&f->job, &f->place, stem, &f->err);

	assert_non_null(out);
	assert_ok(sales_clean(&f->job, &source, out, counts, &f->err), &f->err);
	assert_ok(publish_commit(out, &f->err), &f->err);
}

/* All values of a query over the job's scratch, as "a|b\n". */
static char *query(struct fixture *f, const char *sql)
{
	struct duck *d = duck_open(&f->job, 50, NULL, &f->err);
	struct duck_rows rows = {0};
	struct strbuf sb = STRBUF_INIT, full = STRBUF_INIT;

	assert_non_null(d);
	strbuf_addstr(&full, sql);
	strbuf_replace(&full, "@", f->job.tmp);
	assert_ok(duck_query(d, full.buf, &rows, &f->err), &f->err);
	for (size_t i = 0; i < rows.nr_rows * rows.nr_columns; i++)
		strbuf_addf(&sb, "%s%c", rows.v[i] ? rows.v[i] : "~",
			(i + 1) % rows.nr_columns ? '|' : '\n');
	duck_rows_release(&rows);
	duck_close(d);
	strbuf_release(&full);
	return strbuf_detach(&sb, NULL);
}

static void check_query(struct fixture *f, const char *sql, const char *want)
{
	char *got = query(f, sql);

	assert_string_equal(got, want);
	free(got);
}

static void test_sales__clean_gives_types_nulls_and_no_duplicates(void **state)
{
	static const char csv[] = "Region,Country,Order Date,Order ID,Units Sold,Unit Price\n"
				  "Asia,Laos,1/31/2014,007,12.7,1.005\n"
				  "Asia,Laos,01/31/2014,007, 12 ,1.0099\n" /* equal once typed */
				  "\"\",,2/29/2015,x,n/a,123456789\n"
				  "a\xff"
				  "b,\xc3\xa4,,,,\n"
				  "short\n";
	struct sales_counts counts = {0};
	struct fixture f;

	(void)state;
	open_fixture(&f);
	clean(&f, csv, "set", &counts);
	assert_int_equal(counts.rows_in, 5);
	assert_int_equal(counts.rows_out, 4);
	check_query(&f,
		"SELECT region, country, order_date, order_id, units_sold, unit_price FROM "
		"read_parquet('@/set/part-00000-*.snappy.parquet') ORDER BY region",
		"|~|~|x|~|~\nAsia|Laos|2014-01-31|007|12|1.01\na\xef\xbf\xbd"
		"b|\xc3\xa4|~|~|~|~\nshort|~|~|~|~|~\n");
	check_query(&f,
		"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "
		"read_parquet('@/set/*.parquet'))",
		"region|VARCHAR\ncountry|VARCHAR\norder_date|DATE\norder_id|VARCHAR\nunits_sold|"
		"INTEGER\n"
		"unit_price|DECIMAL(10,2)\n");
	close_fixture(&f);
}

static void test_sales__clean_replaces_what_was_there(void **state)
{
	struct sales_counts counts;
	struct strvec files = STRVEC_INIT;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	clean(&f, "Country\nA\n", "set", &counts);
	clean(&f, "Country\nB\nC\n", "set", &counts);
	assert_ok(place_parquet_files(&f.job, &f.place, "set", &files, &f.err), &f.err);
	assert_int_equal(files.nr, 1);
	check_query(&f, "SELECT country FROM read_parquet('@/set/*') ORDER BY 1", "B\nC\n");
	strvec_release(&files);
	close_fixture(&f);
}

static int count_files(const char *relative, const char *path, void *payload, struct err *err)
{
	(void)relative;
	(void)path;
	(void)err;
	++*(int *)payload;
	return 0;
}

static void test_sales__clean_leaves_nothing_when_the_stream_breaks(void **state)
{
	struct text t = {"Country\nA\nB\n", true, NULL, 0};
	const struct sales_source source = {rewind_text, read_text, &t};
	struct sales_counts counts = {0};
	struct publish *out;
	struct fixture f;
	int nr = 0;

	(void)state;
	open_fixture(&f);
	out = publish_new(&f.job, &f.place, "set", &f.err);
	assert_int_equal(sales_clean(&f.job, &source, out, &counts, &f.err), -1);
	assert_string_equal(f.err.text, "the line went dead");
	publish_abort(out);
	err_release(&f.err);
	assert_ok(fs_walk(f.job.tmp, count_files, &nr, &f.err), &f.err);
	assert_int_equal(nr, 0);
	close_fixture(&f);
}

static void refuse(const char *csv, const char *why)
{
	struct text t = {csv, false, NULL, 0};
	const struct sales_source source = {rewind_text, read_text, &t};
	struct sales_counts counts = {0};
	struct publish *out;
	struct fixture f;

	open_fixture(&f);
	out = publish_new(&f.job, &f.place, "set", &f.err);
	assert_int_equal(sales_clean(&f.job, &source, out, &counts, &f.err), -1);
	assert_non_null(strstr(f.err.text, why));
	publish_abort(out);
	close_fixture(&f);
}

static void test_sales__clean_refuses_what_is_no_table(void **state)
{
	(void)state;
	refuse("", "it has no header");
	refuse("\n\n", "it has no header");
	refuse("Unit Price,unit_price\n1,2\n", "two columns with the name 'unit_price'");
}

static void test_sales__a_header_alone_is_an_empty_table(void **state)
{
	struct sales_counts counts = {0};
	struct fixture f;

	(void)state;
	open_fixture(&f);
	clean(&f, "Country,Units Sold\n", "set", &counts);
	assert_int_equal(counts.rows_out, 0);
	check_query(&f, "SELECT count(*), count(units_sold) FROM read_parquet('@/set/*')", "0|0\n");
	close_fixture(&f);
}

static void test_sales__repartition_gives_one_file_a_country(void **state)
{
	static const char csv[] =
		"Region,Country,Units Sold\nx,Laos,1\ny,,2\nx,\"\",3\nz,A/B: 100%=?,4\n"
		"x,Laos,5\nx,Cote d'Ivoire,6\n";
	struct strvec files = STRVEC_INIT;
	struct sales_counts counts = {0};
	struct publish *out;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	clean(&f, csv, "silver", &counts);
	assert_ok(place_parquet_files(&f.job, &f.place, "silver", &files, &f.err), &f.err);
	out = publish_new(&f.job, &f.place, "gold/deep", &f.err);
	assert_ok(sales_repartition(&f.job, &files, out, &counts, &f.err), &f.err);
	assert_ok(publish_commit(out, &f.err), &f.err);
	assert_int_equal(counts.files, 4);
	check_query(&f,
		"SELECT split_part(filename, '/', -2), region, units_sold FROM "
		"read_parquet('@/gold/deep/*/part-00000-*.snappy.parquet', filename = true, "
		"hive_partitioning = false) ORDER BY ALL",
		"country=A%2FB%3A 100%25%3D%3F|z|4\ncountry=Cote d%27Ivoire|x|6\ncountry=Laos|x|1\n"
		"country=Laos|x|5\ncountry=__HIVE_DEFAULT_PARTITION__|x|3\n"
		"country=__HIVE_DEFAULT_PARTITION__|y|2\n");
	check_query(&f,
		"SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet('@/gold/deep/*/*', "
		"hive_partitioning = false))",
		"region\nunits_sold\n");
	strvec_release(&files);
	close_fixture(&f);
}

static void test_sales__repartition_needs_a_country(void **state)
{
	struct strvec files = STRVEC_INIT;
	struct sales_counts counts = {0};
	struct publish *out;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	clean(&f, "Region\nx\n", "silver", &counts);
	assert_ok(place_parquet_files(&f.job, &f.place, "silver", &files, &f.err), &f.err);
	out = publish_new(&f.job, &f.place, "gold", &f.err);
	assert_int_equal(sales_repartition(&f.job, &files, out, &counts, &f.err), -1);
	assert_string_equal(f.err.text, "the records have no column 'country'");
	publish_abort(out);
	strvec_release(&files);
	close_fixture(&f);
}

static void test_sales__hive_names(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	hive_add_partition(&sb, "c", "\x01\x1f \"#%'*/:=?\\\x7f{[]^}~,;|\xc3\xa4");
	assert_string_equal(
		sb.buf, "c=%01%1F %22%23%25%27%2A%2F%3A%3D%3F%5C%7F%7B%5B%5D%5E}~,;|\xc3\xa4");
	strbuf_release(&sb);
}

static void test_sales__duckdb_reaches_nothing_outside(void **state)
{
	static const char *const refused[] = {"SELECT * FROM read_csv('/etc/passwd')",
		"COPY (SELECT 1) TO '/tmp/glueproj-test-escape.csv'", "INSTALL httpfs",
		"LOAD httpfs", "SET enable_external_access = true", "SET threads = 64",
		"ATTACH '/tmp/glueproj-test-escape.db'"};
	struct duck *d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	d = duck_open(&f.job, 50, NULL, &f.err);
	assert_non_null(d);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (duck_exec(d, refused[i], NULL, &f.err) == 0)
			fail_msg("'%s' is allowed", refused[i]);
		err_release(&f.err);
	}
	duck_close(d);
	close_fixture(&f);
}
