#include "testing.h"

#include <string.h>
#include "csvwrite.h"
#include "fs.h"
#include "mapping.h"
#include "stream.h"

struct fixture {
	struct job job;
	struct err err;
	struct dataset identities;
	struct dataset_file files[4];
	char *out;
	struct mapping_counts counts;
};

static char shown[] = "'s3://b/ids/'";

static void open_fixture(struct fixture *f, const char *out)
{
	memset(f, 0, sizeof(*f));
	assert_ok(job_open(&f->job, "test", &f->err), &f->err);
	f->job.cpus = 2;
	f->out = fs_join(f->job.tmp, out);
	f->identities = (struct dataset){
		.shown = shown, .dialect = CSV_DIALECT_COMMA, .header = true, .files = f->files};
}

static void close_fixture(struct fixture *f)
{
	for (size_t i = 0; i < f->identities.nr_files; i++) {
		free(f->files[i].location);
		strvec_release(&f->files[i].values);
	}
	free(f->out);
	err_release(&f->err);
	job_close(&f->job);
}

/* One more input file; without its last `cut` bytes. */
static void add_file(struct fixture *f, const char *name, const char *text, size_t cut)
{
	struct dataset_file *file = &f->files[f->identities.nr_files++];
	struct csv_file *out;
	struct strbuf all = STRBUF_INIT;

	file->location = fs_join(f->job.tmp, name);
	strvec_init(&file->values);
	file->storage = (struct dataset_storage){.dialect = CSV_DIALECT_COMMA, .header = true};
	out = csv_file_new(file->location, 1, &f->err);
	assert_non_null(out);
	assert_ok(csv_file_write(out, text, strlen(text), &f->err), &f->err);
	assert_ok(csv_file_finish(out, &f->err), &f->err);
	assert_ok(fs_read(file->location, 1u << 20, &all, &f->err), &f->err);
	assert_ok(fs_write_atomic(file->location, all.buf, all.len - cut, 0666, &f->err), &f->err);
	strbuf_release(&all);
}

static void check(struct fixture *f, const char *want, int64_t rows)
{
	struct strbuf sb = STRBUF_INIT;
	struct stream *s;
	const void *block;
	ssize_t n;

	assert_ok(mapping_prepare(&f->job, &f->identities, f->out, &f->counts, &f->err), &f->err);
	s = stream_open_unpacked(&f->job, f->out, &f->err);
	assert_non_null(s);
	while ((n = stream_read(s, &block, &f->err)) > 0)
		strbuf_add(&sb, block, (size_t)n);
	assert_int_equal(n, 0);
	stream_close(s);
	assert_string_equal(sb.buf, want);
	assert_int_equal(f->counts.rows, rows);
	strbuf_release(&sb);
}

static void check_refused(struct fixture *f, enum err_code code, const char *why)
{
	assert_int_equal(mapping_prepare(&f->job, &f->identities, f->out, &f->counts, &f->err), -1);
	assert_int_equal(f->err.code, code);
	if (!strstr(f->err.text, why))
		fail_msg("'%s' does not tell '%s'", f->err.text, why);
	assert_false(fs_exists(f->out));
	err_release(&f->err);
}

static void test_mapping_prepare__all_files_in_their_order(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, "out.csv.gz");
	add_file(&f, "a.gz", "ticker,market\nNA,US\nC,US\n\"a;b\",US\n\"q\"\"q\",\"x,y\"\nC,US\n",
		0);
	add_file(&f, "b.csv",
		"\xef\xbb\xbfMarket,extra,TICKER\r\nUS,1,\xc3\x85\xf0\x9f\x98\x80\r\n,,\r\n"
		"\"\",2,007\r\nUS\r\nUS,3,last,4",
		0);
	add_file(&f, "empty.gz", "", 0);
	add_file(&f, "header.gz", "ticker,market\n", 0);
	check(&f,
		"ticker;market\nNA;US\nC;US\n\"a;b\";US\n\"q\"\"q\";x,y\nC;US\n"
		"\xc3\x85\xf0\x9f\x98\x80;US\n;\n007;\"\"\n;US\nlast;US\n",
		10);
	assert_int_equal(f.counts.files, 4);
	close_fixture(&f);
}

static void test_mapping_prepare__a_plain_file_by_its_name(void **state)
{
	struct strbuf sb = STRBUF_INIT;
	struct fixture f;

	(void)state;
	open_fixture(&f, "out.csv");
	add_file(&f, "a.gz", "ticker,market\n\"two\nlines\",US\n", 0);
	check(&f, "ticker;market\n\"two\nlines\";US\n", 1);
	assert_ok(fs_read(f.out, 100, &sb, &f.err), &f.err);
	assert_string_equal(sb.buf, "ticker;market\n\"two\nlines\";US\n");
	strbuf_release(&sb);
	close_fixture(&f);
}

static void test_mapping_prepare__a_column_from_the_folders(void **state)
{
	static char ticker[] = "ticker", year[] = "year", market[] = "market", type[] = "string";
	struct dataset_column columns[] = {
		{ticker, type, false, NULL}, {year, type, true, NULL}, {market, type, true, NULL}};
	struct fixture f;

	(void)state;
	open_fixture(&f, "out.csv.gz");
	f.identities.columns = columns;
	f.identities.nr_columns = ARRAY_SIZE(columns);
	add_file(&f, "a.gz", "ticker\nC\n", 0);
	strvec_push(&f.files[0].values, "2020");
	strvec_push(&f.files[0].values, "U;S");
	add_file(&f, "b.gz", "ticker\nD\n", 0);
	strvec_push(&f.files[1].values, "2020");
	strvec_push_take(&f.files[1].values, NULL);
	check(&f, "ticker;market\nC;\"U;S\"\nD;\n", 2);
	close_fixture(&f);
}

static void test_mapping_prepare__bad_input_is_named(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, "out.csv.gz");
	check_refused(&f, ERR_NOT_FOUND, "'s3://b/ids/' holds no rows");
	add_file(&f, "header.gz", "ticker,market\n", 0);
	check_refused(&f, ERR_NOT_FOUND, "'s3://b/ids/' holds no rows");
	add_file(&f, "good.gz", "ticker,market\nC,US\n", 0);
	add_file(&f, "cut.gz", "ticker,market\nC,US\nD,US\n", 6);
	check_refused(&f, ERR_INVALID, "cut.gz");
	close_fixture(&f);
	open_fixture(&f, "out.csv.gz");
	add_file(&f, "good.gz", "ticker,market\nC,US\n", 0);
	add_file(&f, "other.gz", "symbol,market\nC,US\n", 0);
	check_refused(&f, ERR_INVALID, "other.gz': there is no column 'ticker'");
	free(f.files[1].location);
	f.files[1].location = fs_join(f.job.tmp, "gone.gz");
	check_refused(&f, ERR_NOT_FOUND, "gone.gz");
	close_fixture(&f);
}

static void test_mapping_prepare__many_rows_pass_through(void **state)
{
	struct strbuf in = STRBUF_INIT, want = STRBUF_INIT;
	struct fixture f;

	(void)state;
	open_fixture(&f, "out.csv.gz");
	strbuf_addstr(&in, "ticker,market\n");
	strbuf_addstr(&want, "ticker;market\n");
	for (int i = 0; i < 200000; i++) {
		strbuf_addf(&in, "T%d,US\n", i);
		strbuf_addf(&want, "T%d;US\n", i);
	}
	add_file(&f, "a.gz", in.buf, 0);
	check(&f, want.buf, 200000);
	strbuf_release(&in);
	strbuf_release(&want);
	close_fixture(&f);
}
