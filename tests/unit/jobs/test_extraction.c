#include "testing.h"

#include <string.h>
#include "fs.h"
#include "partitions.h"
#include "series.h"
#include "stream.h"

struct fixture {
	struct job job;
	struct place place;
	struct dataset tickers, venues, data;
	struct strvec signals;
	struct series_source source;
	struct series_counts counts;
	struct err err;
};

static void put(struct fixture *f, const char *name, const char *text)
{
	char *path = fs_join(f->job.tmp, name), *dir = fs_dirname(path);

	assert_ok(fs_mkdir_p(dir, 0777, &f->err), &f->err);
	assert_ok(fs_write_atomic(path, text, strlen(text), 0600, &f->err), &f->err);
	free(path);
	free(dir);
}

static void load(struct fixture *f, const char *name, const char *text, struct dataset *d)
{
	static const struct csv_dialect semicolon = {';', '"', '\0'};
	char *file = xasprintf("%s/f.csv", name);

	put(f, file, text);
	free(file);
	dataset_release(d);
	assert_ok(dataset_from_prefix(&f->job, &f->place, name, &semicolon, d, &f->err), &f->err);
}

static void set_type(struct dataset *d, const char *column, const char *type)
{
	for (size_t i = 0; i < d->nr_columns; i++) {
		if (strcmp(d->columns[i].name, column) != 0)
			continue;
		free(d->columns[i].type);
		d->columns[i].type = xstrdup(type);
	}
}

static void open_fixture(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_ok(job_open(&f->job, "test", &f->err), &f->err);
	assert_ok(place_parse(f->job.tmp, "folder", &f->place, &f->err), &f->err);
	f->job.cpus = 2;
	f->job.memory_mb = 2000;
	strvec_init(&f->signals);
	strvec_push(&f->signals, "dwell");
	f->source = (struct series_source){&f->tickers, &f->venues, &f->data, &f->signals};
	load(f, "t", "chainid;ticker\nc1;C\nc2;HM-B\nc3;NA\n;X\nc4;\nc5;C\n", &f->tickers);
	load(f, "v", "venueid;chainid\nv1;c1\nv2;c2\nv3;c3\nv4;\n;c1\nv5;c4\nv6;c5\nv6;c2\n",
		&f->venues);
}

static void load_data(struct fixture *f, const char *text)
{
	load(f, "d", text, &f->data);
	set_type(&f->data, "dwell", "bigint");
	set_type(&f->data, "score", "double");
}

static void close_fixture(struct fixture *f)
{
	dataset_release(&f->tickers);
	dataset_release(&f->venues);
	dataset_release(&f->data);
	strvec_release(&f->signals);
	place_release(&f->place);
	err_release(&f->err);
	job_close(&f->job);
}

static int extract(struct fixture *f)
{
	struct publish *identities = publish_new(&f->job, &f->place, "identities", &f->err);
	struct publish *sums = publish_new(&f->job, &f->place, "sums", &f->err);
	int ret;

	assert_non_null(identities);
	assert_non_null(sums);
	ret = series_check(&f->source, f->signals.nr > 1, &f->err);
	if (ret == 0)
		ret = series_extract(
			&f->job, &f->source, "run.gz", identities, sums, &f->counts, &f->err);
	if (ret != 0) {
		publish_abort(identities);
		publish_abort(sums);
		return -1;
	}
	assert_ok(publish_commit(identities, &f->err), &f->err);
	assert_ok(publish_commit(sums, &f->err), &f->err);
	return 0;
}

static int add_file(const char *relative, const char *path, void *payload, struct err *err)
{
	struct strbuf *all = payload;
	struct stream *s;
	const void *block;
	struct job job = {0};
	ssize_t n = 0;

	s = stream_open_unpacked(&job, path, err);
	strbuf_addf(all, "%s:\n", relative);
	while (s && (n = stream_read(s, &block, err)) > 0)
		strbuf_add(all, block, (size_t)n);
	stream_close(s);
	return s && n == 0 ? 0 : -1;
}

static void check_files(struct fixture *f, const char *name, const char *want)
{
	char *dir = fs_join(f->job.tmp, name);
	struct strbuf all = STRBUF_INIT;

	assert_ok(fs_walk(dir, add_file, &all, &f->err), &f->err);
	assert_string_equal(all.buf, want);
	strbuf_release(&all);
	free(dir);
}

static void refuse(struct fixture *f, const char *why)
{
	struct strvec left = STRVEC_INIT;

	assert_int_equal(extract(f), -1);
	assert_int_equal(f->err.code, ERR_INVALID);
	if (!strstr(f->err.text, why))
		fail_msg("'%s' is not in '%s'", why, f->err.text);
	err_release(&f->err);
	assert_ok(fs_glob(f->job.tmp, "**/run.gz", &left, &f->err), &f->err);
	assert_int_equal(left.nr, 0);
	strvec_release(&left);
}

static void test_extraction__sums_by_ticker_and_day(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	load_data(&f, "venueid;utc_date;gender;dwell\n"
		      "v1;2020-06-02;M;326\nv1;2020/06/02;F;187\nv1;20200603;F;-3\n"
		      "v2;2020-06-02T00:00:00Z;F;\nv3;2020-06-02;F;4\nv3;2020-06-02;F;4\n"
		      "v4;2020-06-02;F;5\n;2020-06-02;F;6\nv5;2020-06-02;F;7\nv9;2020-06-02;F;8\n"
		      "v6;2020-06-04;F;10\n");
	assert_ok(extract(&f), &f.err);
	check_files(&f, "identities", "run.gz:\nticker,market\nC,US\nHM-B,US\nNA,US\nX,US\n");
	check_files(&f, "sums",
		"ticker=C/run.gz:\ndate,signal1,market\n2020-06-02,513,US\n2020-06-03,-3,US\n"
		"2020-06-04,10,US\n"
		"ticker=HM-B/run.gz:\ndate,signal1,market\n2020-06-02,,US\n2020-06-04,10,US\n"
		"ticker=NA/run.gz:\ndate,signal1,market\n2020-06-02,8,US\n");
	assert_int_equal(f.counts.joined, 8);
	assert_int_equal(f.counts.unnamed, 1);
	assert_int_equal(f.counts.identities, 4);
	assert_int_equal(f.counts.series, 3);
	assert_int_equal(f.counts.sums, 6);
	close_fixture(&f);
}

static void test_extraction__what_is_many_on_both_sides_multiplies(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	load(&f, "t", "ticker;chainid\n\"A,\"\"B\";c\n\"A,\"\"B\";c\nB/C;c\n", &f.tickers);
	load(&f, "v", "venueid;chainid\nv;c\nv;c\n", &f.venues);
	load_data(&f, "venueid;utc_date;dwell\nv;2020-01-01;1\nv;2020-01-01;2\n");
	assert_ok(extract(&f), &f.err);
	check_files(&f, "identities", "run.gz:\nticker,market\n\"A,\"\"B\",US\nB/C,US\n");
	check_files(&f, "sums",
		"ticker=A,%22B/run.gz:\ndate,signal1,market\n2020-01-01,12,US\n"
		"ticker=B%2FC/run.gz:\ndate,signal1,market\n2020-01-01,6,US\n");
	close_fixture(&f);
}

static void test_extraction__several_signals(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	strvec_push(&f.signals, "score");
	load_data(&f, "venueid;utc_date;dwell;score\nv1;2020-01-01;1;0.5\nv1;2020-01-01;2;1e3\n");
	assert_ok(extract(&f), &f.err);
	check_files(&f, "sums",
		"ticker=C/run.gz:\ndate,signal1,signal2,market\n2020-01-01,3,1000.5,US\n");
	load_data(&f, "venueid;utc_date;dwell;score\nv1;2020-01-01;1;nan\n");
	{
		char *dir = fs_join(f.job.tmp, "sums"), *other = fs_join(f.job.tmp, "identities");

		assert_ok(fs_remove_tree(dir, &f.err), &f.err);
		assert_ok(fs_remove_tree(other, &f.err), &f.err);
		free(dir);
		free(other);
	}
	refuse(&f, "the sum of 'score' for ticker 'C' on 2020-01-01 is nan");
	close_fixture(&f);
}

static void test_extraction__bad_values_name_file_and_row(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	load_data(&f, "venueid;utc_date;dwell\nv1;2020-01-01;1\nv1;06/02/2020;2\n");
	refuse(&f, "/d/f.csv' row 3: column 'utc_date': '06/02/2020' is not a date");
	load_data(&f, "venueid;utc_date;dwell\nv1;;1\n");
	refuse(&f, "/d/f.csv' row 2: column 'utc_date': ''");
	load_data(&f, "venueid;utc_date;dwell\nv1;2020-01-01 10:00:00;1\n");
	refuse(&f, "'2020-01-01 10:00:00' is not a date");
	load_data(&f, "venueid;utc_date;dwell\nv1;2020-01-01;1.5\n");
	refuse(&f, "row 2: column 'dwell': '1.5' is not an integer");
	load_data(&f, "venueid;utc_date;dwell\nv1;2020-01-01;9223372036854775807\n"
		      "v2;2020-01-01;1\nv1;2020-01-01;1\n");
	refuse(&f, "the sum of 'dwell' for ticker 'C' on 2020-01-01 is 9223372036854775808");
	close_fixture(&f);
}

static void test_extraction__nothing_to_join_says_what_there_is(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	load_data(&f, "venueid;utc_date;dwell\nother;2020-01-01;1\n");
	refuse(&f, "belongs to a ticker: 1 rows there, 8 in");
	load_data(&f, "venueid;utc_date;dwell\n");
	refuse(&f, "/d/' is empty: its files have no rows");
	close_fixture(&f);
}

static void test_extraction__columns_and_types_are_checked(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	load_data(&f, "venueid;utc_date;dwell\nv1;2020-01-01;1\n");
	set_type(&f.data, "dwell", "double");
	refuse(&f, "column 'dwell' is of type 'double', and is to be an integer");
	set_type(&f.data, "dwell", "int");
	set_type(&f.data, "utc_date", "double");
	refuse(&f, "column 'utc_date' is of type 'double'");
	set_type(&f.data, "utc_date", "bigint");
	set_type(&f.venues, "chainid", "array<string>");
	refuse(&f, "column 'chainid' is of type 'array<string>'");
	set_type(&f.venues, "chainid", "varchar(24)");
	assert_ok(series_check(&f.source, false, &f.err), &f.err);
	load(&f, "t", "chain;ticker\nc1;C\n", &f.tickers);
	refuse(&f, "/t/' has no column 'chainid'");
	close_fixture(&f);
}

static void test_extraction__thousands_of_partitions(void **state)
{
	struct strvec header = STRVEC_INIT;
	struct partitions_counts counts;
	struct partitions p = {"ticker", "f.gz", NULL};
	struct strvec folders = STRVEC_INIT;
	struct duck *d;
	struct fixture f;

	(void)state;
	open_fixture(&f);
	p.out = publish_new(&f.job, &f.place, "many", &f.err);
	strvec_push(&folders, publish_dir(p.out));
	strvec_push(&header, "n");
	d = duck_open(&f.job, 50, &folders, &f.err);
	assert_non_null(d);
	assert_ok(partitions_write_csv(d, &p,
			  "SELECT CASE WHEN i < 9 THEN NULL ELSE 'T' || (i // 3) END, i FROM "
			  "range(9000) t(i) ORDER BY 1, 2",
			  &header, &counts, &f.err),
		&f.err);
	assert_int_equal(counts.files, 2998);
	assert_int_equal(counts.rows, 9000);
	assert_ok(publish_commit(p.out, &f.err), &f.err);
	check_files(&f, "many/ticker=T2999", "f.gz:\nn\n8997\n8998\n8999\n");
	check_files(&f, "many/ticker=__HIVE_DEFAULT_PARTITION__",
		"f.gz:\nn\n0\n1\n2\n3\n4\n5\n6\n7\n8\n");
	duck_close(d);
	strvec_release(&header);
	strvec_release(&folders);
	close_fixture(&f);
}
