#include "testing.h"

#include <string.h>
#include "csvwrite.h"
#include "fs.h"
#include "stream.h"
#include "timeseries.h"

struct fixture {
	struct job job;
	struct place place;
	struct err err;
	struct dataset data, mapping;
	struct timeseries_counts counts;
	char *out;
};

static const struct csv_dialect comma = CSV_DIALECT_COMMA;

static void open_fixture(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_ok(job_open(&f->job, "test", &f->err), &f->err);
	assert_ok(place_parse(f->job.tmp, "place", &f->place, &f->err), &f->err);
	f->job.cpus = 2;
	/* Not the machine's: a sanitizer marks each byte of what is allocated, used or not. */
	f->job.memory_mb = 256;
	f->out = fs_join(f->job.tmp, "out.csv.gz");
}

static void close_fixture(struct fixture *f)
{
	dataset_release(&f->data);
	dataset_release(&f->mapping);
	timeseries_counts_release(&f->counts);
	place_release(&f->place);
	free(f->out);
	err_release(&f->err);
	job_close(&f->job);
}

static char *put(struct fixture *f, const char *name, const char *text)
{
	char *path = fs_join(f->job.tmp, name), *dir = fs_dirname(path);
	struct csv_file *out;

	assert_ok(fs_mkdir_p(dir, 0777, &f->err), &f->err);
	out = csv_file_new(path, 1, &f->err);
	assert_non_null(out);
	assert_ok(csv_file_write(out, text, strlen(text), &f->err), &f->err);
	assert_ok(csv_file_finish(out, &f->err), &f->err);
	free(dir);
	return path;
}

static void put_data(struct fixture *f, const char *name, const char *text)
{
	free(put(f, name, text));
}

static void put_mapping(struct fixture *f, const char *text)
{
	char *path = put(f, "mapping/now/map.csv", text);

	timeseries_mapping(path, &f->mapping);
	free(path);
}

static int prepare(struct fixture *f)
{
	if (dataset_from_prefix(&f->job, &f->place, "data", &comma, &f->data, &f->err) != 0)
		return -1;
	return timeseries_prepare(&f->job, &f->data, &f->mapping, f->out, &f->counts, &f->err);
}

static void check(struct fixture *f, const char *want)
{
	struct strbuf sb = STRBUF_INIT;
	struct stream *s;
	const void *block;
	ssize_t n;

	assert_ok(prepare(f), &f->err);
	s = stream_open_unpacked(&f->job, f->out, &f->err);
	assert_non_null(s);
	while ((n = stream_read(s, &block, &f->err)) > 0)
		strbuf_add(&sb, block, (size_t)n);
	assert_int_equal(n, 0);
	stream_close(s);
	assert_string_equal(sb.buf, want);
	strbuf_release(&sb);
}

static void check_refused(struct fixture *f, enum err_code code, const char *why)
{
	assert_int_equal(prepare(f), -1);
	if (!strstr(f->err.text, why))
		fail_msg("'%s' does not tell '%s'", f->err.text, why);
	assert_int_equal(f->err.code, code);
	assert_false(fs_exists(f->out));
}

/* One file of data for ticker C that maps to 'e'; the columns behind `date` are the caller's. */
static void check_values(const char *columns, const char *rows, const char *want)
{
	struct strbuf text = STRBUF_INIT;
	struct fixture f;

	open_fixture(&f);
	strbuf_addf(&text, "date,%s,market\n%s", columns, rows);
	put_data(&f, "data/ticker=C/a.gz", text.buf);
	put_mapping(&f, "ticker;market;entity\nC;US;e\n");
	check(&f, want);
	strbuf_release(&text);
	close_fixture(&f);
}

static void refuse_values(const char *columns, const char *rows, const char *why)
{
	struct strbuf text = STRBUF_INIT;
	struct fixture f;

	open_fixture(&f);
	strbuf_addf(&text, "date,%s,market\n%s", columns, rows);
	put_data(&f, "data/ticker=C/a.gz", text.buf);
	put_mapping(&f, "ticker;market;entity\nC;US;e\n");
	check_refused(&f, ERR_INVALID, why);
	strbuf_release(&text);
	close_fixture(&f);
}

static void test_timeseries_prepare__rows_of_entities_in_order(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	put_data(&f, "data/ticker=C/run-1-part-r-00000.gz",
		"date,signal1,market\n2020-06-13,4736,US\n2020-06-12,448,US\n2020-06-12,1,CA\n");
	put_data(&f, "data/ticker=NA/run-1-part-r-00001.gz",
		"date,signal1,market\n2020/06/02,-7,US\n20200601,,US\n");
	put_data(&f, "data/ticker=007/run-1-part-r-00002.gz",
		"date,signal1,market\n2020-06-01T00:00:00Z,9223372036854775807,US\n");
	put_data(&f, "data/ticker=7/run-1-part-r-00003.gz",
		"date,signal1,market\n2020-06-01,7,US\n");
	put_data(&f, "data/ticker=a%2Fb/run-1-part-r-00004.gz",
		"date,signal1,market\n2020-06-01,8,US\n");
	put_data(&f, "data/ticker=C/run-1-part-r-00005.gz", "");
	put_mapping(&f, "isin;entity;market;ticker\n"
			"US1;z/\xc3\x84;US;C\n"
			"US2;\"a;b\";US;NA\n"
			"US3;m;US;007\n"
			"US4;unseen;US;X\n"
			";;US;7\n"
			";\"\";US;7\n"
			";k;US;a/b\n"
			";\"\"\"Q\"\"\";CA;C\n");
	check(&f, "entity;date;signal1\n"
		  "\"\"\"Q\"\"\";2020-06-12;1\n"
		  "\"a;b\";2020-06-01;\n"
		  "\"a;b\";2020-06-02;-7\n"
		  "k;2020-06-01;8\n"
		  "m;2020-06-01;9223372036854775807\n"
		  "z/\xc3\x84;2020-06-12;448\n"
		  "z/\xc3\x84;2020-06-13;4736\n");
	assert_int_equal(f.counts.rows_in, 8);
	assert_int_equal(f.counts.mappings, 6);
	assert_int_equal(f.counts.rows_out, 7);
	assert_int_equal(f.counts.repeated, 0);
	close_fixture(&f);
}

static void test_timeseries_prepare__two_tickers_of_one_entity_are_counted(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	put_data(&f, "data/ticker=A/a.gz",
		"date,signal1,market\n2020-06-01,2,US\n2020-06-02,3,US\n");
	put_data(&f, "data/ticker=B/b.gz",
		"date,signal1,market\n2020-06-01,1,US\n2020-06-03,4,US\n");
	put_mapping(&f, "ticker;market;entity\nA;US;e\nB;US;e\n");
	check(&f, "entity;date;signal1\ne;2020-06-01;1\ne;2020-06-01;2\ne;2020-06-02;3\n"
		  "e;2020-06-03;4\n");
	assert_int_equal(f.counts.repeated, 1);
	assert_string_equal(f.counts.example, "e;2020-06-01");
	close_fixture(&f);
}

static void test_timeseries_prepare__numbers_keep_their_kind(void **state)
{
	(void)state;
	check_values("signal1", "2020-06-01,1.5,US\n2020-06-02,2,US\n2020-06-03,,US\n",
		"entity;date;signal1\ne;2020-06-01;1.5\ne;2020-06-02;2.0\ne;2020-06-03;\n");
	check_values("signal1",
		"2020-06-01,0.1,US\n2020-06-02,163.3984835905267,US\n"
		"2020-06-03,1e300,US\n2020-06-04,-2.5e-7,US\n",
		"entity;date;signal1\ne;2020-06-01;0.1\ne;2020-06-02;163.3984835905267\n"
		"e;2020-06-03;1e+300\ne;2020-06-04;-2.5e-07\n");
	/* Whole, however they are written. */
	check_values("signal1", "2020-06-01,1.0,US\n2020-06-02,-0.0,US\n2020-06-03,2e3,US\n",
		"entity;date;signal1\ne;2020-06-01;1\ne;2020-06-02;0\ne;2020-06-03;2000\n");
	/* Beyond 64 bits. */
	check_values("signal1", "2020-06-01,99999999999999999999,US\n2020-06-02,1,US\n",
		"entity;date;signal1\ne;2020-06-01;1e+20\ne;2020-06-02;1.0\n");
}

static void test_timeseries_prepare__several_signals(void **state)
{
	(void)state;
	check_values("dwell,Score,visits", "2020-06-02,2,0.5,,US\n2020-06-01,1,2,3,US\n",
		"entity;date;dwell;score;visits\ne;2020-06-01;1;2.0;3\ne;2020-06-02;2;0.5;\n");
	/* An integer that no double holds, beside a column of doubles. */
	check_values("a,b", "2020-06-01,9007199254740993,0.5,US\n2020-06-02,1,1,US\n",
		"entity;date;a;b\ne;2020-06-01;9007199254740993;0.5\ne;2020-06-02;1;1.0\n");
	/* One that even 64 bits do not hold, which shows only then. */
	check_values("a,b", "2020-06-01,9007199254740993,0.5,US\n2020-06-02,1e19,1,US\n",
		"entity;date;a;b\ne;2020-06-01;9007199254740992.0;0.5\ne;2020-06-02;1e+19;1.0\n");
}

static void test_timeseries_prepare__bad_values_are_named(void **state)
{
	(void)state;
	refuse_values("signal1", "2020-06-01,1,US\n2020-06-02,x,US\n", "a.gz' row 3");
	refuse_values("signal1", "2020-06-01,1,US\n2020-06-02,x,US\n", "'x' is not a number");
	refuse_values("signal1", "2020-06-01,1,US\n06/02/2020,1,US\n", "a.gz' row 3");
	refuse_values("signal1", "2020-06-01,1,US\n06/02/2020,1,US\n", "'06/02/2020'");
	refuse_values("signal1", "2020-06-01T12:00:00,1,US\n", "'2020-06-01T12:00:00'");
	refuse_values("signal1", ",1,US\n", "row 2");
	/* Also where nothing maps, and behind a column of doubles. */
	refuse_values("signal1", "2020-06-01,1,US\n2020-02-30,1,CA\n", "'2020-02-30'");
	refuse_values("signal1", "2020-06-01,1,US\n2020-06-01,1 2,CA\n", "'1 2'");
	refuse_values("a,b", "2020-06-01,1,1.5,US\n2020-06-01,1,2.5.1,US\n", "'2.5.1'");
}

/* One file of data (none: NULL) and a mapping, in a place of their own. */
static void refuse(const char *name, const char *data, const char *mapping, enum err_code code,
	const char *why)
{
	struct fixture f;

	open_fixture(&f);
	if (data)
		put_data(&f, name, data);
	put_mapping(&f, mapping);
	check_refused(&f, code, why);
	close_fixture(&f);
}

static void test_timeseries_prepare__missing_columns_are_named(void **state)
{
	(void)state;
	refuse("data/a.gz", "ticker,date,signal1\nC,2020-06-01,1\n",
		"ticker;market;entity\nC;US;e\n", ERR_INVALID, "has no column 'market'");
	refuse("data/a.gz", "ticker,date,market\nC,2020-06-01,US\n",
		"ticker;market;entity\nC;US;e\n", ERR_INVALID, "no column of values");
	refuse("data/ticker=C/a.gz", "date,signal1,market\n2020-06-01,1,US\n",
		"ticker;market;isin\nC;US;e\n", ERR_INVALID, "map.csv' has no column 'entity'");
}

static void test_timeseries_prepare__nothing_to_do_fails(void **state)
{
	static const char in[] = "data/ticker=C/a.gz";

	(void)state;
	refuse(in, NULL, "ticker;market;entity\nC;US;e\n", ERR_NOT_FOUND, "data/'");
	refuse(in, "date,signal1,market\n", "ticker;market;entity\nC;US;e\n", ERR_NOT_FOUND,
		"holds no rows");
	refuse(in, "date,signal1,market\n2020-06-01,1,US\n2020-06-02,1.5,US\n",
		"ticker;market;entity\nD;US;e\nC;CA;f\n", ERR_NOT_FOUND, "none of the 2 rows");
	refuse(in, "date,signal1,market\n2020-06-01,1,US\n", "ticker;market;entity\nC;US;\n",
		ERR_NOT_FOUND, "maps nothing");
	refuse(in, "date,signal1,market\n2020-06-01,1,US\n", "", ERR_NOT_FOUND, "maps nothing");
}

static void test_timeseries_prepare__a_cut_gzip_is_named(void **state)
{
	struct strbuf all = STRBUF_INIT;
	struct fixture f;
	char *path;

	(void)state;
	open_fixture(&f);
	path = put(&f, "data/ticker=C/cut.gz", "date,signal1,market\n2020-06-01,1,US\n");
	assert_ok(fs_read(path, 10000, &all, &f.err), &f.err);
	assert_ok(fs_write_atomic(path, all.buf, all.len - 5, 0666, &f.err), &f.err);
	put_data(&f, "data/ticker=B/good.gz", "date,signal1,market\n2020-06-01,1,US\n");
	put_mapping(&f, "ticker;market;entity\nC;US;e\n");
	check_refused(&f, ERR_INVALID, "cut.gz");
	strbuf_release(&all);
	free(path);
	close_fixture(&f);
}

/* More than fits into what the sort may use: it spills, and the order stays. Sanitizers make this slow: fewer rows there. */
#ifdef __SANITIZE_ADDRESS__
#define ROWS_OF_A_FILE 100000
#else
#define ROWS_OF_A_FILE 700000
#endif
static void test_timeseries_prepare__many_rows_in_little_memory(void **state)
{
	struct strbuf text = STRBUF_INIT, last = STRBUF_INIT;
	struct fixture f;
	struct stream *s;
	const void *block;
	int64_t lines = 0;
	ssize_t n;

	(void)state;
	open_fixture(&f);
	f.job.memory_mb = 128;
	for (int file = 0; file < 3; file++) {
		char *name = xasprintf("data/ticker=T%d/a.gz", file);

		strbuf_clear(&text);
		strbuf_addstr(&text, "date,signal1,market\n");
		for (int i = 0; i < ROWS_OF_A_FILE; i++)
			strbuf_addf(&text, "%04d-%02d-%02d,%d,US\n", 2000 + i % 1000,
				1 + i / 1000 % 12, 1 + i / 12000 % 28, i);
		put_data(&f, name, text.buf);
		free(name);
	}
	put_mapping(&f, "ticker;market;entity\nT0;US;e2\nT1;US;e1\nT2;US;e0\n");
	assert_ok(prepare(&f), &f.err);
	assert_int_equal(f.counts.rows_out, 3 * ROWS_OF_A_FILE);
	s = stream_open_unpacked(&f.job, f.out, &f.err);
	strbuf_clear(&text);
	while ((n = stream_read(s, &block, &f.err)) > 0) {
		char *at, *end;

		strbuf_add(&text, block, (size_t)n);
		for (at = text.buf; (end = strchr(at, '\n')); at = end + 1) {
			/* entity;date is of one width: the key is the line's beginning. */
			if (lines++ > 1 && memcmp(last.buf, at, 13) > 0)
				fail_msg("'%.20s' comes after '%s'", at, last.buf);
			strbuf_clear(&last);
			strbuf_add(&last, at, 13);
		}
		strbuf_remove(&text, 0, (size_t)(at - text.buf));
	}
	assert_int_equal(n, 0);
	assert_int_equal(lines, 3 * ROWS_OF_A_FILE + 1);
	stream_close(s);
	strbuf_release(&text);
	strbuf_release(&last);
	close_fixture(&f);
}
