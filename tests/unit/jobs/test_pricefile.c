#include "testing.h"

#include <string.h>
#include "fs.h"
#include "pricefile.h"

struct fixture {
	struct job job;
	struct duck *d;
	char *path;
	struct price_counts counts;
	struct err err;
	int tables;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(job_open(&f->job, "test", &f->err), 0);
	f->d = duck_open_small(&f->job, 256, NULL, &f->err);
	assert_non_null(f->d);
	f->path = fs_join(f->job.tmp, "in.csv");
}

static void end(struct fixture *f)
{
	duck_close(f->d);
	price_counts_release(&f->counts);
	err_release(&f->err);
	free(f->path);
	job_close(&f->job);
}

static int load(struct fixture *f, enum price_kind kind, const char *text, size_t len)
{
	char *table = xasprintf("t%d", ++f->tables);
	int ret;

	price_counts_release(&f->counts);
	err_release(&f->err);
	assert_int_equal(fs_write_atomic(f->path, text, len, 0600, &f->err), 0);
	ret = price_load(&f->job, f->d, f->path, kind, table, &f->counts, &f->err);
	free(table);
	return ret;
}

static void rows_are(struct fixture *f, const char *want)
{
	char *sql = xasprintf("SELECT string_agg(concat_ws(' ', day, coalesce(value::VARCHAR, "
			      "'-'), line), '|' ORDER BY line) FROM t%d",
		f->tables);
	struct duck_rows rows = {0};

	assert_int_equal(duck_query(f->d, sql, &rows, &f->err), 0);
	assert_string_equal(rows.v[0], want);
	duck_rows_release(&rows);
	free(sql);
}

static void test_pricefile__lines_count_as_an_editor_counts_them(void **state)
{
	static const char text[] = "\xef\xbb\xbf\"Date\",\"Price\"\r\n\r\n\"01/02/2024\",\"1,234.5"
				   "\"\r\n , \n,,\n01/03/2024,n/a\n\n\"01/04/2024\",-1";
	struct fixture f;

	(void)state;
	begin(&f);
	/* A row of nothing does not count, whatever number of columns it has. */
	assert_int_equal(load(&f, PRICE_HISTORY, text, sizeof(text) - 1), 0);
	rows_are(&f, "2024-01-02 1234.5 3|2024-01-03 - 6|2024-01-04 -1.0 8");
	assert_int_equal(f.counts.rows, 3);
	assert_int_equal(f.counts.missing, 1);
	assert_int_equal(f.counts.bad, 1);
	assert_int_equal(f.counts.bad_line, 6);
	assert_string_equal(f.counts.bad_value, "n/a");
	assert_true(f.counts.ordered);
	end(&f);
}

static void test_pricefile__a_line_end_in_quotes_is_a_line_too(void **state)
{
	static const char text[] = "a,b,c\n01/02/2024,1,\"x\ny\nz\"\n01/03/2024,\"1.234,5\",\n";
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(load(&f, PRICE_HISTORY, text, sizeof(text) - 1), -1);
	assert_int_equal(f.err.code, ERR_INVALID);
	assert_non_null(strstr(f.err.text, "in.csv' line 5: the price '1.234,5' cannot be told"));
	end(&f);
}

static void test_pricefile__order_and_days_that_come_twice(void **state)
{
	static const char falling[] = "d,n\n2024-01-03,1\n2024-01-02,2\n2024-01-01,3\n";
	static const char twice[] = "d,n\n2024-01-01,1\n2024-01-02,2\n2024-01-02,3\n";
	static const char mixed[] =
		"d,n\n2024-01-01,1\n2024-01-03,2\n2024-01-02,3\n2024-01-03,<1\n";
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(load(&f, PRICE_TREND, falling, sizeof(falling) - 1), 0);
	assert_true(f.counts.ordered);
	assert_int_equal(load(&f, PRICE_TREND, twice, sizeof(twice) - 1), 0);
	assert_int_equal(f.counts.repeated, 1);
	assert_string_equal(f.counts.repeated_day, "2024-01-02");
	assert_int_equal(f.counts.unordered_line, 0);
	assert_int_equal(load(&f, PRICE_TREND, mixed, sizeof(mixed) - 1), 0);
	assert_int_equal(f.counts.unordered_line, 4);
	assert_int_equal(f.counts.repeated, 1);
	assert_string_equal(f.counts.bad_value, "<1");
	end(&f);
}

static void test_pricefile__more_rows_than_a_chunk(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct fixture f;

	(void)state;
	begin(&f);
	strbuf_addstr(&text, "d,n\n");
	for (int i = 0; i < 5000; i++)
		strbuf_addf(&text, "%04d-01-01,%d\n", i + 1, i);
	assert_int_equal(load(&f, PRICE_TREND, text.buf, text.len), 0);
	assert_int_equal(f.counts.rows, 5000);
	assert_true(f.counts.ordered);
	strbuf_release(&text);
	end(&f);
}
