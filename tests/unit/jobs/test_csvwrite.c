#include "testing.h"

#include <string.h>
#include "archive_io.h"
#include "csvwrite.h"
#include "fs.h"
#include "stream.h"

struct fixture {
	struct job job;
	struct duck *duck;
	struct err err;
	char *path;
	struct strvec header;
};

static void open_fixture(struct fixture *f, const char *name, const char *header)
{
	memset(f, 0, sizeof(*f));
	assert_ok(job_open(&f->job, "test", &f->err), &f->err);
	f->job.cpus = 2;
	f->duck = duck_open(&f->job, 50, NULL, &f->err);
	assert_non_null(f->duck);
	f->path = fs_join(f->job.tmp, name);
	strvec_init(&f->header);
	strvec_split(&f->header, header, ' ');
}

static void close_fixture(struct fixture *f)
{
	duck_close(f->duck);
	err_release(&f->err);
	free(f->path);
	strvec_release(&f->header);
	job_close(&f->job);
}

/* The first bytes of a file, its gzip undone. */
static char *content(struct fixture *f, size_t max)
{
	struct stream *s = stream_open_unpacked(&f->job, f->path, &f->err);
	struct strbuf sb = STRBUF_INIT;
	const void *block;
	ssize_t n;

	assert_non_null(s);
	while ((n = stream_read(s, &block, &f->err)) > 0)
		strbuf_add(&sb, block, (size_t)n);
	if (n < 0)
		fail_msg("%s", f->err.text);
	stream_close(s);
	assert_true(sb.len <= max);
	return strbuf_detach(&sb, NULL);
}

static void check_content(struct fixture *f, const char *want)
{
	char *got = content(f, 1000000);

	assert_string_equal(got, want);
	free(got);
}

static void test_csvwrite__fields_have_quotes_where_needed(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"a", "a"},
		{"", "\"\""},
		{"a;b", "\"a;b\""},
		{"a,b", "a,b"},
		{"a\"b", "\"a\"\"b\""},
		{"\"", "\"\"\"\""},
		{"a\nb", "\"a\nb\""},
		{"a\rb", "\"a\rb\""},
		{" #\t'\xc3\xa4 ", " #\t'\xc3\xa4 "},
		{"NA", "NA"},
	};
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		strbuf_clear(&sb);
		csv_add_field(&sb, ';', cases[i].text, strlen(cases[i].text));
		assert_string_equal(sb.buf, cases[i].want);
	}
	strbuf_release(&sb);
}

static void test_csvwrite__all_types_as_text(void **state)
{
	struct csv_copy copy = {
		.sql = "SELECT * FROM (VALUES "
		       "('x;y', DATE '0001-01-01', 1::INTEGER, 2::BIGINT), "
		       "('', DATE '1969-12-31', -2147483648, -9223372036854775808), "
		       "(NULL, NULL, NULL, NULL), "
		       "('NA', DATE '9999-12-31', 0, 9223372036854775807)) AS t",
		.delimiter = ';'};
	struct csv_copied out;
	struct fixture f;

	(void)state;
	open_fixture(&f, "out.csv", "a b;c d e");
	copy.header = &f.header;
	assert_ok(csv_copy(f.duck, &copy, f.path, &out, &f.err), &f.err);
	assert_int_equal(out.rows, 4);
	assert_int_equal(out.repeated, 0);
	check_content(&f, "a;\"b;c\";d;e\n\"x;y\";0001-01-01;1;2\n"
			  "\"\";1969-12-31;-2147483648;-9223372036854775808\n;;;\n"
			  "NA;9999-12-31;0;9223372036854775807\n");
	csv_copied_release(&out);
	close_fixture(&f);
}

static void test_csvwrite__names_and_repeated_keys(void **state)
{
	struct csv_names names = CSV_NAMES_INIT;
	struct csv_copy copy = {.sql = "SELECT i::INTEGER, d, n::BIGINT FROM (VALUES "
				       "(0, DATE '2020-01-01', 5), (0, DATE '2020-01-02', 5), "
				       "(1, DATE '2020-01-02', 6), (1, DATE '2020-01-02', 7), "
				       "(1, DATE '2020-01-02', 7), (2, DATE '2020-01-02', 8)) "
				       "AS t(i, d, n) ORDER BY ALL",
		.delimiter = ';',
		.names = &names,
		.key_columns = 2};
	struct csv_copied out;
	struct fixture f;

	(void)state;
	open_fixture(&f, "out.csv.gz", "entity date n");
	copy.header = &f.header;
	assert_ok(csv_names_query(&names, f.duck, "SELECT unnest(['e', 'b;d', 'z'])", ';', &f.err),
		&f.err);
	assert_int_equal(names.nr, 3);
	assert_ok(csv_copy(f.duck, &copy, f.path, &out, &f.err), &f.err);
	assert_int_equal(out.rows, 6);
	assert_int_equal(out.repeated, 2);
	assert_string_equal(out.example, "\"b;d\";2020-01-02");
	check_content(&f, "entity;date;n\ne;2020-01-01;5\ne;2020-01-02;5\n\"b;d\";2020-01-02;6\n"
			  "\"b;d\";2020-01-02;7\n\"b;d\";2020-01-02;7\nz;2020-01-02;8\n");
	csv_copied_release(&out);
	csv_names_release(&names);
	close_fixture(&f);
}

static void test_csvwrite__order_stays_over_many_rows(void **state)
{
	struct csv_copy copy = {.sql = "SELECT (i * 7919 % 300007)::BIGINT AS n FROM "
				       "range(300007) AS r(i) ORDER BY n",
		.delimiter = ';'};
	struct csv_copied out;
	struct fixture f;
	char *got, *at;

	(void)state;
	open_fixture(&f, "out.csv.gz", "n");
	copy.header = &f.header;
	assert_ok(csv_copy(f.duck, &copy, f.path, &out, &f.err), &f.err);
	assert_int_equal(out.rows, 300007);
	got = at = content(&f, 3000000);
	assert_memory_equal(at, "n\n", 2);
	at += 2;
	for (long i = 0; i < 300007; i++)
		if (strtol(at, &at, 10) != i || *at++ != '\n')
			fail_msg("row %ld", i);
	assert_int_equal(*at, '\0');
	free(got);
	csv_copied_release(&out);
	close_fixture(&f);
}

static void test_csvwrite__a_failure_leaves_no_file(void **state)
{
	static const struct {
		const char *sql, *why;
		enum err_code code;
	} cases[] = {
		{"SELECT 1::BIGINT WHERE false", "there are no rows", ERR_NOT_FOUND},
		{"SELECT error('broken')::BIGINT", "broken", ERR_FAILED},
		{"SELECT CASE WHEN i = 900000 THEN error('late') ELSE i END::BIGINT FROM "
		 "range(1000000) AS r(i)",
			"late", ERR_FAILED},
		{"SELECT nothing", "nothing", ERR_FAILED},
	};
	struct csv_copied out;
	struct fixture f;

	(void)state;
	open_fixture(&f, "out.csv.gz", "n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct csv_copy copy = {.sql = cases[i].sql, .delimiter = ';', .header = &f.header};

		assert_int_equal(csv_copy(f.duck, &copy, f.path, &out, &f.err), -1);
		assert_non_null(strstr(f.err.text, cases[i].why));
		assert_int_equal(f.err.code, cases[i].code);
		assert_false(fs_exists(f.path));
		err_release(&f.err);
	}
	close_fixture(&f);
}
