#include "testing.h"

#include <string.h>
#include "dataset.h"
#include "fs.h"
#include "packed.h"

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
	f->job.memory_mb = 2000;
}

static void close_fixture(struct fixture *f)
{
	place_release(&f->place);
	err_release(&f->err);
	job_close(&f->job);
}

static void put_bytes(struct fixture *f, const char *name, const void *data, size_t len)
{
	char *path = fs_join(f->job.tmp, name), *dir = fs_dirname(path);

	assert_ok(fs_mkdir_p(dir, 0777, &f->err), &f->err);
	assert_ok(fs_write_atomic(path, data, len, 0600, &f->err), &f->err);
	free(path);
	free(dir);
}

static void put(struct fixture *f, const char *name, const char *text)
{
	struct gzip_packer *packer;
	struct strbuf packed = STRBUF_INIT;

	if (!ends_with(name, ".gz")) {
		put_bytes(f, name, text, strlen(text));
		return;
	}
	packer = gzip_packer_new();
	gzip_packer_add(packer, text, strlen(text), &packed);
	put_bytes(f, name, packed.buf, packed.len);
	gzip_packer_free(packer);
	strbuf_release(&packed);
}

/* All values of a query over data(), as "a|b\n", null as "~"; NULL when it failed, with f->err. */
static char *read_all(struct fixture *f, const struct dataset *d, const struct dataset_want *wants,
	const char *sql)
{
	struct strvec folders = STRVEC_INIT;
	struct duck *duck;
	struct duck_rows rows = {0};
	struct strbuf sb = STRBUF_INIT;
	struct dataset_reader *r;
	int ret = -1;

	dataset_folders(&f->job, d, &folders);
	duck = duck_open(&f->job, 50, &folders, &f->err);
	assert_non_null(duck);
	r = dataset_register(&f->job, d, duck, "data", wants, &f->err);
	if (r) {
		ret = duck_query(duck, sql, &rows, &f->err);
		if (dataset_error(r, &f->err) != 0)
			assert_int_equal(ret, -1);
	}
	for (size_t i = 0; i < rows.nr_rows * rows.nr_columns; i++)
		strbuf_addf(&sb, "%s%c", rows.v[i] ? rows.v[i] : "~",
			(i + 1) % rows.nr_columns ? '|' : '\n');
	duck_rows_release(&rows);
	duck_close(duck);
	dataset_reader_free(r);
	strvec_release(&folders);
	if (ret == 0)
		return strbuf_detach(&sb, NULL);
	strbuf_release(&sb);
	return NULL;
}

static void check(struct fixture *f, const struct dataset *d, const struct dataset_want *wants,
	const char *sql, const char *want)
{
	char *got = read_all(f, d, wants, sql);

	if (!got)
		fail_msg("%s", f->err.text);
	assert_string_equal(got, want);
	free(got);
}

static void refuse(struct fixture *f, const struct dataset *d, const struct dataset_want *wants,
	const char *const *words)
{
	char *got = read_all(f, d, wants, "SELECT * FROM data()");

	if (got)
		fail_msg("'%s' is read", got);
	assert_int_equal(f->err.code, ERR_INVALID);
	for (; *words; words++)
		if (!strstr(f->err.text, *words))
			fail_msg("'%s' is not in '%s'", *words, f->err.text);
	err_release(&f->err);
}

static const struct csv_dialect semicolon = {';', '"', '\0'};

static void test_dataset__columns_are_found_by_name_in_every_file(void **state)
{
	static const struct dataset_want wants[] = {{"ID", "id", DATASET_TEXT},
		{"n", "n", DATASET_INT64}, {"d", "d", DATASET_DOUBLE}, {"day", "day", DATASET_DAY},
		{0}};
	struct dataset d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	put(&f, "set/a.csv", "\xef\xbb\xbfid;N;d;day\r\nx;1;1.5;2020-06-02\r\n;;;2020/06/03 00:00");
	put(&f, "set/deep/b.csv.gz",
		"other;day;d;n;id\no;20200604;-2e3; -7 ;\"a;\"\"b\"\n"
		"o;20200604;;;\"\"\n");
	put(&f, "set/c.csv", "id;n;d;day\n");
	put(&f, "set/_hidden", "rubbish\n");
	put(&f, "set/.x/y", "rubbish\n");
	put(&f, "set/empty", "");
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set", &semicolon, &d, &f.err), &f.err);
	assert_int_equal(d.nr_files, 3);
	assert_int_equal(d.nr_columns, 4);
	check(&f, &d, wants, "SELECT id, n, d, day FROM data() ORDER BY ALL NULLS LAST",
		"|~|~|2020-06-04\na;\"b|-7|-2000.0|2020-06-04\nx|1|1.5|2020-06-02\n~|~|~|2020-06-"
		"03\n");
	check(&f, &d, wants, "SELECT count(*), sum(n) FROM data()", "4|-6\n");
	check(&f, &d, wants, "SELECT count(*) FROM data()", "4\n");
	check(&f, &d, wants,
		"SELECT count(*) FROM data() a JOIN data() b ON a.\"row id\" = b.\"row id\"",
		"4\n");
	dataset_release(&d);
	close_fixture(&f);
}

static void test_dataset__partitions_come_from_the_path(void **state)
{
	static const struct dataset_want wants[] = {
		{"v", "v", DATASET_INT64}, {"ticker", "ticker", DATASET_TEXT}, {0}};
	struct dataset d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	put(&f, "set/ticker=HM-B/a.gz", "date,v\nx,1\n");
	put(&f, "set/ticker=A%2FB%25/a.gz", "date,v\nx,2\nx,3\n");
	put(&f, "set/ticker=NA/a.gz", "v,date\n5,x\n");
	put(&f, "set/ticker=100%/a.gz", "v\n6\n");
	put(&f, "set/ticker=__HIVE_DEFAULT_PARTITION__/a.gz", "date,v\nx,4\n");
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set/", &csv_comma, &d, &f.err), &f.err);
	assert_true(dataset_column(&d, "TICKER")->partition);
	check(&f, &d, wants, "SELECT ticker, v FROM data() ORDER BY v",
		"HM-B|1\nA/B%|2\nA/B%|3\n~|4\nNA|5\n100%|6\n");
	dataset_release(&d);
	put(&f, "set/x/a.gz", "date,v\nx,1\n");
	assert_int_equal(dataset_from_prefix(&f.job, &f.place, "set/", &csv_comma, &d, &f.err), -1);
	assert_int_equal(f.err.code, ERR_INVALID);
	close_fixture(&f);
}

static void test_dataset__what_does_not_convert_is_named(void **state)
{
	static const struct dataset_want ints[] = {{"n", "n", DATASET_INT64}, {0}},
					 days[] = {{"day", "n", DATASET_DAY}, {0}};
	static const char *const int_words[] = {
		"/set/b.csv.gz' row 5: column 'n': '12.5' is not an integer", NULL};
	static const char *const day_words[] = {
		"/set/b.csv.gz' row 3: column 'day': '06/02/2020' is not a date", NULL};
	static const char *const empty_words[] = {
		"/set/c.csv' row 3: column 'day': '' is not a date", NULL};
	struct dataset d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	put(&f, "set/a.csv", "n,day\n1,2020-01-01\n");
	put(&f, "set/b.csv.gz",
		"n,day\n\n1,2020-01-01\n2,06/02/2020\n\r\n\n\"3\n\"\"\",\n12.5,x\n");
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set", &csv_comma, &d, &f.err), &f.err);
	refuse(&f, &d, days, day_words);
	dataset_release(&d);
	put(&f, "set/b.csv.gz", "n,day\n\n1,2020-01-01\n2,06/02/2020\n\r\n\n,\"\n\"\"\"\n12.5,x\n");
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set", &csv_comma, &d, &f.err), &f.err);
	refuse(&f, &d, ints, int_words);
	dataset_release(&d);
	put(&f, "set/b.csv.gz", "n,day\n");
	put(&f, "set/c.csv", "n,day\n1,2020-01-01\n2,\n");
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set", &csv_comma, &d, &f.err), &f.err);
	refuse(&f, &d, days, empty_words);
	dataset_release(&d);
	close_fixture(&f);
}

static void test_dataset__many_chunks_of_many_files(void **state)
{
	static const struct dataset_want wants[] = {{"n", "n", DATASET_INT64}, {0}};
	static const char *const words[] = {"/set/big.gz' row 200002: column 'n': 'x'", NULL};
	struct strbuf text = STRBUF_INIT;
	struct dataset d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (int i = 0; i < 100; i++) {
		char *name = xasprintf("set/%03d.csv", i);

		put(&f, name, "pad;n\nx;1\ny;2\n");
		free(name);
	}
	strbuf_addstr(&text, "pad;n\n");
	for (int i = 0; i < 200000; i++)
		strbuf_addf(&text, "some padding to fill chunks;%d\n", i % 10);
	put(&f, "set/big.gz", text.buf);
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set", &semicolon, &d, &f.err), &f.err);
	check(&f, &d, wants, "SELECT count(*), sum(n), count(DISTINCT \"row id\") FROM data()",
		"200200|900300|200200\n");
	dataset_release(&d);
	strbuf_addstr(&text, "y;x\ny;1\n");
	put(&f, "set/big.gz", text.buf);
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set", &semicolon, &d, &f.err), &f.err);
	refuse(&f, &d, wants, words);
	dataset_release(&d);
	strbuf_release(&text);
	close_fixture(&f);
}

static void test_dataset__damage_names_the_file(void **state)
{
	static const struct dataset_want wants[] = {{"n", "n", DATASET_INT64}, {0}},
					 absent[] = {{"m", "m", DATASET_TEXT}, {0}};
	static const char *const cut[] = {"/set/b.csv.gz'", "cut off", NULL};
	static const char *const header[] = {"/set/b.csv' has no column 'n'", NULL};
	static const char *const unknown[] = {"/set/' has no column 'm'", NULL};
	struct gzip_packer *packer = gzip_packer_new();
	struct strbuf packed = STRBUF_INIT;
	struct dataset d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	assert_int_equal(dataset_from_prefix(&f.job, &f.place, "set", &csv_comma, &d, &f.err), -1);
	assert_int_equal(f.err.code, ERR_NOT_FOUND);
	err_release(&f.err);
	put(&f, "set/a.csv", "n\n1\n");
	gzip_packer_add(packer, "n\n1\n2\n3\n4\n", 10, &packed);
	put_bytes(&f, "set/b.csv.gz", packed.buf, packed.len - 5);
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set", &csv_comma, &d, &f.err), &f.err);
	refuse(&f, &d, wants, cut);
	refuse(&f, &d, absent, unknown);
	dataset_release(&d);
	put(&f, "set/b.csv.gz", "n\n");
	put(&f, "set/b.csv", "nn;n\n");
	assert_ok(dataset_from_prefix(&f.job, &f.place, "set", &csv_comma, &d, &f.err), &f.err);
	refuse(&f, &d, wants, header);
	dataset_release(&d);
	gzip_packer_free(packer);
	strbuf_release(&packed);
	close_fixture(&f);
}

/* A data set as a table of the catalog gives it. */
static void describe(struct fixture *f, struct dataset *d, enum dataset_format format,
	const char *name, const char *const *columns)
{
	char *path = fs_join(f->job.tmp, name);

	*d = (struct dataset){.shown = xstrdup("table 'db.t'"), .format = format, .nr_files = 1};
	d->files = xcalloc(1, sizeof(*d->files));
	d->files[0].location = path;
	d->files[0].storage.format = format;
	strvec_init(&d->files[0].values);
	strvec_push(&d->files[0].values, "A'B");
	for (; *columns; columns++) {
		d->columns = xreallocarray(d->columns, d->nr_columns + 1, sizeof(*d->columns));
		d->columns[d->nr_columns++] = (struct dataset_column){
			xstrdup(*columns), xstrdup("string"), strcmp(*columns, "part") == 0, NULL};
	}
}

static const char *const names[] = {"id", "n", "day", "part", NULL};
static const struct dataset_want wanted[] = {{"id", "id", DATASET_TEXT}, {"n", "n", DATASET_INT64},
	{"day", "day", DATASET_DAY}, {"part", "part", DATASET_TEXT}, {0}};

static void test_dataset__without_a_header_columns_go_by_position(void **state)
{
	struct dataset d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	put(&f, "x", "skipped\na\0012\00120200101\001more\nb\0013\00120200102\n");
	describe(&f, &d, DATASET_CSV, "x", names);
	d.files[0].storage.dialect = (struct csv_dialect){'\1', '\0', '\0'};
	d.files[0].storage.skip = 1;
	check(&f, &d, wanted, "SELECT id, n, day, part FROM data() ORDER BY ALL",
		"a|2|2020-01-01|A'B\nb|3|2020-01-02|A'B\n");
	dataset_release(&d);
	close_fixture(&f);
}

static void test_dataset__json_lines(void **state)
{
	static const char *const broken[] = {"/x' line 2, character 2: no JSON object", NULL};
	static const char *const bad[] = {"/x' row 3: column 'n': '1.5' is not an integer", NULL};
	struct dataset d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	put(&f, "x",
		"{\"id\": \"q\\\"\\u00e4\", \"N\": 12, \"day\": \"2020-01-01\"}\r\n"
		"{\"day\": \"20200102\", \"id\": null, \"N\": \"-5\"}\n\n"
		"{\"day\": \"20200103\", \"id\": {\"a\": 1}}");
	describe(&f, &d, DATASET_JSON, "x", names);
	d.files[0].storage.dialect = (struct csv_dialect){'\1', '\0', '\0'};
	d.columns[1].source = xstrdup("N");
	check(&f, &d, wanted, "SELECT id, n, day, part FROM data() ORDER BY day",
		"q\"\xc3\xa4|12|2020-01-01|A'B\n~|-5|2020-01-02|A'B\n{\"a\":1}|~|2020-01-03|A'B\n");
	put(&f, "x", "{\"day\": \"2020-01-01\"}\n[1]\n");
	refuse(&f, &d, wanted, broken);
	put(&f, "x",
		"{\"day\": \"2020-01-01\"}\n{\"day\": \"2020-01-01\"}\n"
		"{\"day\": \"2020-01-01\", \"N\": 1.5}\n");
	refuse(&f, &d, wanted, bad);
	dataset_release(&d);
	close_fixture(&f);
}

static void test_dataset__parquet(void **state)
{
	static const char *const bad[] = {
		"/x.parquet' row 2: column 'day': '2020-01-02 10:00:00' is not a date", NULL};
	struct strvec folders = STRVEC_INIT;
	struct duck *duck;
	struct dataset d;
	struct fixture f;
	char *sql;

	(void)state;
	open_fixture(&f);
	duck = duck_open(&f.job, 50, &folders, &f.err);
	sql = xasprintf("COPY (SELECT 'a' AS id, 7 AS N, DATE '2020-01-02' AS day) TO "
			"'%s/x.parquet' (FORMAT parquet)",
		f.job.tmp);
	assert_ok(duck_exec(duck, sql, NULL, &f.err), &f.err);
	free(sql);
	describe(&f, &d, DATASET_PARQUET, "x.parquet", names);
	check(&f, &d, wanted, "SELECT id, n, day, part, \"row id\" FROM data()",
		"a|7|2020-01-02|A'B|0\n");
	sql = xasprintf("COPY (FROM (VALUES ('a', 7, TIMESTAMP '2020-01-02'), ('b', NULL, "
			"TIMESTAMP '2020-01-02 10:00')) t(id, n, day)) TO '%s/x.parquet'",
		f.job.tmp);
	assert_ok(duck_exec(duck, sql, NULL, &f.err), &f.err);
	free(sql);
	duck_close(duck);
	refuse(&f, &d, wanted, bad);
	dataset_release(&d);
	close_fixture(&f);
}

static void test_dataset__no_files_are_no_rows(void **state)
{
	struct dataset d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	describe(&f, &d, DATASET_CSV, "x", names);
	free(d.files[0].location);
	strvec_release(&d.files[0].values);
	d.nr_files = 0;
	check(&f, &d, wanted, "SELECT count(*) FROM data()", "0\n");
	dataset_release(&d);
	close_fixture(&f);
}
