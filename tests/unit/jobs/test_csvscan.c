#include "testing.h"

#include <string.h>
#include "csvscan.h"
#include "strvec.h"

/* Gives a text in pieces of `step` bytes. */
struct text {
	const char *at;
	size_t left, step;
};

static ssize_t read_text(void *payload, const void **block, struct err *err)
{
	struct text *t = payload;
	size_t n = t->left < t->step ? t->left : t->step;

	(void)err;
	*block = t->at;
	t->at += n;
	t->left -= n;
	return (ssize_t)n;
}

/* Rows as "a|b\n", null as "~". */
static void show(const struct csv_dialect *d, char *at, char *end, struct strbuf *out)
{
	struct csv_field fields[4];
	size_t nr;

	while ((nr = csv_read_row(d, &at, end, fields, 4))) {
		for (size_t i = 0; i < nr && i < 4; i++) {
			if (i)
				strbuf_addch(out, '|');
			if (fields[i].null)
				strbuf_addch(out, '~');
			strbuf_add(out, fields[i].text, fields[i].len);
		}
		if (nr > 4)
			strbuf_addf(out, "+%zu", nr - 4);
		strbuf_addch(out, '\n');
	}
}

static void check_dialect(const struct csv_dialect *d, const char *csv, const char *want)
{
	size_t len = strlen(csv);

	for (size_t step = 1; step <= len + 1; step++) {
		for (size_t chunk_bytes = 1; chunk_bytes <= len; chunk_bytes += 3) {
			struct text t = {csv, len, step};
			struct strbuf chunk = STRBUF_INIT, got = STRBUF_INIT;
			struct err err = ERR_INIT;
			struct csv_cutter c;
			int64_t offset = -1, given = 0;

			csv_cutter_init(&c, d, read_text, &t);
			c.chunk_bytes = chunk_bytes;
			while (csv_cutter_take(&c, &chunk, &offset, &err) > 0) {
				assert_int_equal(offset, given);
				given += (int64_t)chunk.len;
				show(d, chunk.buf, chunk.buf + chunk.len, &got);
			}
			assert_int_equal(err.code, ERR_NONE);
			assert_string_equal(got.buf, want);
			csv_cutter_release(&c);
			strbuf_release(&chunk);
			strbuf_release(&got);
		}
	}
}

static void check(const char *csv, const char *want)
{
	check_dialect(&csv_comma, csv, want);
}

static void test_csvscan__rows_do_not_depend_on_where_the_stream_is_cut(void **state)
{
	(void)state;
	check("a,b\n1,2\n", "a|b\n1|2\n");
	check("a,b\r\n1,2\r\n", "a|b\n1|2\n");
	check("a,b\n1,2", "a|b\n1|2\n");
	check("a,\n,b\n,\n", "a|~\n~|b\n~|~\n");
	check("a,", "a|~\n");
	check("\n\r\n\na\n\n", "a\n");
	check("\"\",x\n\"\"\n", "|x\n\n");
	check("\"a\nb\",\"c,d\"\n\"e\"\"f\",g\n", "a\nb|c,d\ne\"f|g\n");
	check("\"\"\"\",\"\"\"\"\"\"\n1\n", "\"|\"\"\n1\n");
	check("5\" pipe,it \"is\"\nx,y\n", "5\" pipe|it \"is\"\nx|y\n");
	check("\"a\"b,\"c\" \"d\"\nx\n", "ab|c \"d\"\nx\n");
	check("\"a\"\r\n\"b\r\"\r\n", "a\nb\r\n");
	check("a\rb,c\n", "a\rb|c\n");
	check("\"open,\nnever closed", "open,\nnever closed\n");
	check("1,2,3,4,5,6\n1\n", "1|2|3|4+2\n1\n");
	check("\xef\xbb\xbf\"a,b\",c\n1,2\n", "a,b|c\n1|2\n");
}

static void test_csvscan__dialects(void **state)
{
	static const struct csv_dialect semicolon = {';', '"', '\0'}, open_csv = {',', '\'', '\\'},
					hive = {'\1', '\0', '\0'}, tab = {'\t', '"', '"'};

	(void)state;
	check_dialect(&semicolon, "a;b,c\r\n\"x;\"\"y\";\"\"\n;\n", "a|b,c\nx;\"y|\n~|~\n");
	check_dialect(
		&open_csv, "'it\\'s','a\\\\','b\\n'\n\\'a,\"b\"\n", "it's|a\\|b\\n\n\\'a|\"b\"\n");
	check_dialect(&open_csv, "'two\\'\nlines','x''y'\n'ends\\", "two'\nlines|x'y\nends\\\n");
	check_dialect(&hive, "\"a\1b\"\nc,\1\n", "\"a|b\"\nc,|~\n");
	check_dialect(&tab, "a\t\"b\"\"\tc\"\n\t\t\n", "a|b\"\tc\n~|~|~\n");
}

static void test_csvscan__letters_that_are_no_dialect(void **state)
{
	static const struct csv_dialect bad[] = {{'\0', '"', '\0'}, {'\n', '"', '\0'},
		{',', '\r', '\0'}, {',', ',', '\0'}, {',', '"', ','}};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(csv_dialect_check(&csv_comma, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(csv_dialect_check(&bad[i], &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		err_release(&err);
	}
}

static void test_csvscan__a_row_without_end_is_refused(void **state)
{
	struct text t = {"a\n\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n\n\n\n\n\n\n\n", 46, 4};
	struct strbuf chunk = STRBUF_INIT;
	struct err err = ERR_INIT;
	struct csv_cutter c;

	(void)state;
	csv_cutter_init(&c, &csv_comma, read_text, &t);
	c.chunk_bytes = 2;
	c.max_row = 16;
	assert_int_equal(csv_cutter_take(&c, &chunk, NULL, &err), 1);
	assert_int_equal(csv_cutter_take(&c, &chunk, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	csv_cutter_release(&c);
	strbuf_release(&chunk);
	err_release(&err);
}
