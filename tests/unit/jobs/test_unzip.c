#include "testing.h"

#include <string.h>
#include "fs.h"
#include "unzip.h"

/* --- zips made by hand: stored entries --- */

static void put16(struct strbuf *sb, unsigned n)
{
	strbuf_addch(sb, (char)n);
	strbuf_addch(sb, (char)(n >> 8));
}

static void put32(struct strbuf *sb, uint32_t n)
{
	put16(sb, n & 0xffff);
	put16(sb, n >> 16);
}

static uint32_t crc32_of(const char *s, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= (unsigned char)*s++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

struct entry {
	const char *name, *text;
	unsigned method; /* 0: stored */
};

static void put_common(struct strbuf *sb, const struct entry *e)
{
	uint32_t len = (uint32_t)strlen(e->text);

	put16(sb, 20);
	put16(sb, 0);
	put16(sb, e->method);
	put32(sb, 0);
	put32(sb, crc32_of(e->text, len));
	put32(sb, len);
	put32(sb, len);
	put16(sb, (unsigned)strlen(e->name));
	put16(sb, 0);
}

static void make_zip(struct strbuf *zip, const struct entry *v, size_t nr)
{
	struct strbuf directory = STRBUF_INIT;
	uint32_t at;

	for (size_t i = 0; i < nr; i++) {
		uint32_t offset = (uint32_t)zip->len;

		strbuf_addstr(zip, "PK\3\4");
		put_common(zip, &v[i]);
		strbuf_addstr(zip, v[i].name);
		strbuf_addstr(zip, v[i].text);
		strbuf_addstr(&directory, "PK\1\2");
		put16(&directory, 20);
		put_common(&directory, &v[i]);
		for (int j = 0; j < 5; j++)
			put16(&directory, 0);
		put32(&directory, offset);
		strbuf_addstr(&directory, v[i].name);
	}
	at = (uint32_t)zip->len;
	strbuf_add(zip, directory.buf, directory.len);
	strbuf_addstr(zip, "PK\5\6");
	put32(zip, 0);
	put16(zip, (unsigned)nr);
	put16(zip, (unsigned)nr);
	put32(zip, (uint32_t)directory.len);
	put32(zip, at);
	put16(zip, 0);
	strbuf_release(&directory);
}

struct text {
	const char *at;
	size_t left;
};

static ssize_t read_text(void *payload, const void **block, struct err *err)
{
	struct text *t = payload;
	size_t n = t->left < 64 ? t->left : 64;

	(void)err;
	*block = t->at;
	t->at += n;
	t->left -= n;
	return (ssize_t)n;
}

static int list(const char *relative, const char *path, void *payload, struct err *err)
{
	struct strbuf *out = payload, text = STRBUF_INIT;

	if (fs_read(path, 1 << 20, &text, err) != 0)
		return -1;
	strbuf_addf(out, "%s=%s;", relative, ends_with(relative, ".csv") ? text.buf : "");
	strbuf_release(&text);
	return 0;
}

/* Stores the bytes as big.zip; the target's files as "name=text;", or the error's text. */
static char *store(const char *bytes, size_t len)
{
	struct text t = {bytes, len};
	struct unzip_result result = {0};
	struct place target = PLACE_INIT;
	struct strbuf out = STRBUF_INIT, left = STRBUF_INIT;
	struct err err = ERR_INIT, other = ERR_INIT;
	struct job job;

	assert_ok(job_open(&job, "test", &err), &err);
	assert_ok(place_parse(job.tmp, "folder", &target, &err), &err);
	if (unzip_store(&job, read_text, &t, "source", &target, "big.zip", &result, &err) != 0) {
		assert_ok(fs_walk(job.tmp, list, &left, &other), &other);
		assert_string_equal(left.buf, "");
		strbuf_addstr(&out, err.text);
	} else {
		assert_int_equal(result.zip_bytes, len);
		assert_ok(fs_walk(job.tmp, list, &out, &other), &other);
	}
	free(result.csv_name);
	err_release(&err);
	place_release(&target);
	strbuf_release(&left);
	job_close(&job);
	return strbuf_detach(&out, NULL);
}

static void check(const struct entry *v, size_t nr, const char *want)
{
	struct strbuf zip = STRBUF_INIT;
	char *got;

	make_zip(&zip, v, nr);
	got = store(zip.buf, zip.len);
	if (!strstr(got, want))
		fail_msg("'%s' is not in '%s'", want, got);
	free(got);
	strbuf_release(&zip);
}

static void test_unzip__the_last_csv_of_the_top_level_counts(void **state)
{
	static const struct entry v[] = {{"b 1 x.csv", "right", 0}, {"a.csv", "wrong", 0},
		{"z.CSV", "wrong", 0}, {"dir/z.csv", "wrong", 0}, {"z.csv.txt", "wrong", 0}};

	(void)state;
	check(v, ARRAY_SIZE(v), "b-1-x.csv=right;big.zip=;");
	check(v + 1, 1, "a.csv=wrong;big.zip=;");
}

static void test_unzip__no_csv_and_bad_paths_leave_nothing(void **state)
{
	static const struct entry none[] = {{"a.txt", "x", 0}},
				  up[] = {{"a.csv", "x", 0}, {"../b", "x", 0}},
				  absolute[] = {{"/etc/b.csv", "x", 0}},
				  odd[] = {{"a.csv", "x", 97}};

	(void)state;
	check(none, 1, "has no CSV");
	check(none, 0, "has no CSV");
	check(up, 2, "'../b', which would leave the folder");
	check(absolute, 1, "would leave the folder");
	check(odd, 1, "damaged archive");
}

static void test_unzip__what_is_no_zip_is_told_by_its_beginning(void **state)
{
	static const char html[] = "<!DOCTYPE html><html>404</html>";
	char *got = store(html, strlen(html));

	(void)state;
	assert_string_equal(got, "'source' is no zip: it begins with '<!DOCTYPE html><html>404'");
	free(got);
	got = store("", 0);
	assert_string_equal(got, "'source' is no zip: it is empty");
	free(got);
}

static void test_unzip__a_zip_cut_anywhere_is_refused(void **state)
{
	static const struct entry v[] = {{"a.csv", "some text", 0}, {"b.txt", "more of it", 0}};
	struct strbuf zip = STRBUF_INIT;

	(void)state;
	make_zip(&zip, v, ARRAY_SIZE(v));
	for (size_t len = 0; len < zip.len; len++) {
		char *got = store(zip.buf, len);

		if (strstr(got, "big.zip="))
			fail_msg("%zu of %zu bytes are taken for whole", len, zip.len);
		free(got);
	}
	strbuf_release(&zip);
}

static void test_unzip__wrong_checksum_is_damage(void **state)
{
	static const struct entry v[] = {{"a.csv", "some text", 0}};
	struct strbuf zip = STRBUF_INIT;
	char *got;

	(void)state;
	make_zip(&zip, v, 1);
	zip.buf[30 + 5 + 2] ^= 1;
	got = store(zip.buf, zip.len);
	assert_non_null(strstr(got, "damaged archive"));
	free(got);
	strbuf_release(&zip);
}
