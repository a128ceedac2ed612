#include "testing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "archive_io.h"
#include "fs.h"
#include "strbuf.h"

static char *dir;
static struct err err;

static void begin(void)
{
	dir = fs_mkdtemp(NULL, "test-archive-", &err);
	assert_non_null(dir);
}

static void end(void)
{
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	err_release(&err);
}

static char *in_dir(const char *name)
{
	return fs_join(dir, name);
}

static void slurp(const char *name, struct strbuf *sb)
{
	char *path = in_dir(name);
	assert_ok(fs_read(path, 1 << 26, sb, &err), &err);
	free(path);
}

static void put(const char *name, const void *data, size_t len)
{
	char *path = in_dir(name);
	assert_ok(fs_write_atomic(path, data, len, 0644, &err), &err);
	free(path);
}

/* --- archives made by hand, for what no honest writer makes --- */

static void add_le(struct strbuf *sb, uint32_t n, int bytes)
{
	for (; bytes; bytes--, n >>= 8)
		strbuf_addch(sb, (char)n);
}

/* One stored zip entry with its header; crc as given. */
static void add_zip_entry(struct strbuf *sb, const char *name, const char *data, uint32_t crc)
{
	strbuf_add(sb, "PK\3\4\x14\0\0\x08\0\0\0\0\x21\0", 14);
	add_le(sb, crc, 4);
	add_le(sb, (uint32_t)strlen(data), 4);
	add_le(sb, (uint32_t)strlen(data), 4);
	add_le(sb, (uint32_t)strlen(name), 2);
	add_le(sb, 0, 2);
	strbuf_addstr(sb, name);
	strbuf_addstr(sb, data);
}

static void add_zip_directory(struct strbuf *sb, const char *name, const char *data, uint32_t crc)
{
	uint32_t start = (uint32_t)sb->len;
	strbuf_add(sb, "PK\1\2\x14\3\x14\0\0\x08\0\0\0\0\x21\0", 16);
	add_le(sb, crc, 4);
	add_le(sb, (uint32_t)strlen(data), 4);
	add_le(sb, (uint32_t)strlen(data), 4);
	add_le(sb, (uint32_t)strlen(name), 2);
	add_le(sb, 0, 8);
	add_le(sb, 0100644u << 16, 4);
	add_le(sb, 0, 4);
	strbuf_addstr(sb, name);
	uint32_t size = (uint32_t)sb->len - start;
	strbuf_add(sb, "PK\5\6\0\0\0\0\1\0\1\0", 12);
	add_le(sb, size, 4);
	add_le(sb, start, 4);
	add_le(sb, 0, 2);
}

static uint32_t crc_of(const char *data)
{
	return (uint32_t)crc32(0, (const Bytef *)data, (uInt)strlen(data));
}

static void make_zip(struct strbuf *sb, const char *name, const char *data, uint32_t crc)
{
	strbuf_clear(sb);
	add_zip_entry(sb, name, data, crc);
	add_zip_directory(sb, name, data, crc);
}

/* One ustar entry; type '0' file, '1' hard link, '2' symbolic link, '5' folder, '6' pipe. */
static void add_tar_entry(
	struct strbuf *sb, char type, const char *name, const char *target, const char *data)
{
	unsigned char h[512] = {0};
	unsigned sum = 0;
	size_t len = strlen(data);
	memcpy(h, name, strlen(name));
	snprintf((char *)h + 100, 8, "%07o", 0644u);
	snprintf((char *)h + 108, 8, "%07o", 0u);
	snprintf((char *)h + 116, 8, "%07o", 0u);
	snprintf((char *)h + 124, 12, "%011o", (unsigned)(len & 0xffff));
	snprintf((char *)h + 136, 12, "%011o", 0u);
	memset(h + 148, ' ', 8);
	h[156] = (unsigned char)type;
	memcpy(h + 157, target, strlen(target));
	memcpy(h + 257,
		"ustar\0"
		"00",
		8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	strbuf_add(sb, h, sizeof(h));
	strbuf_add(sb, data, len);
	strbuf_addchars(sb, '\0', (512 - len % 512) % 512);
}

static void add_gzip(struct strbuf *sb, const void *data, size_t len)
{
	z_stream z = {0};
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
	size_t room = deflateBound(&z, len) + 64;
	strbuf_grow(sb, room);
	z.next_in = (z_const Bytef *)data;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)sb->buf + sb->len;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	strbuf_setlen(sb, sb->len + room - z.avail_out);
	deflateEnd(&z);
}

/* --- a stream in blocks of a given size --- */

struct stream {
	const char *data;
	size_t len, at, block;
	bool fail;
};

static ssize_t read_block(void *payload, const void **block, struct err *e)
{
	struct stream *s = payload;
	size_t left = s->len - s->at;
	if (!left && s->fail)
		return err_set(e, ERR_TRANSIENT, "the line is dead");
	size_t n = left < s->block ? left : s->block;
	*block = s->data + s->at;
	s->at += n;
	return (ssize_t)n;
}

/* "name=data;" for each entry, folders as "name/"; -1 on an error. */
static int read_stream(struct stream *s, bool raw_ok, struct strbuf *out)
{
	struct archive_reader *r = archive_reader_new(read_block, s, raw_ok, &err);
	const char *name = NULL;
	bool is_file = false;
	int64_t size = 0;
	int rc = r ? 1 : -1;
	while (rc > 0 && (rc = archive_reader_next(r, &name, &is_file, &size, &err)) > 0) {
		char buf[100];
		ssize_t n = 0;
		strbuf_addf(out, is_file ? "%s=" : "%s", name);
		while (is_file && (n = archive_reader_read(r, buf, sizeof(buf), &err)) > 0)
			strbuf_add(out, buf, (size_t)n);
		if (n < 0)
			rc = -1;
		strbuf_addch(out, ';');
	}
	archive_reader_free(r);
	return rc;
}

static int read_text(const struct strbuf *in, bool raw_ok, size_t block, struct strbuf *out)
{
	struct stream s = {in->buf, in->len, 0, block, false};
	strbuf_clear(out);
	return read_stream(&s, raw_ok, out);
}

/* --- tests --- */

static void write_sample(const char *name)
{
	char *path = in_dir(name), *file = in_dir("input"), *long_name = xmalloc(301);
	memset(long_name, 'n', 300);
	long_name[150] = '/';
	long_name[300] = '\0';
	struct archive_writer *w = archive_writer_new(path, &err);
	assert_non_null(w);
	assert_ok(archive_writer_add_bytes(w, "b/a", "hello", 5, 0755, &err), &err);
	assert_ok(archive_writer_add_file(w, "b/in", file, 0644, &err), &err);
	assert_ok(archive_writer_add_symlink(w, "b/link", "a", &err), &err);
	assert_ok(archive_writer_add_bytes(w, "\xc3\xa4 \xe2\x82\xac", "", 0, 0600, &err), &err);
	assert_ok(archive_writer_add_bytes(w, long_name, "l", 1, 0644, &err), &err);
	assert_ok(archive_writer_finish(w, &err), &err);
	free(path);
	free(file);
	free(long_name);
}

static void test_archive_io__same_input_same_bytes(void **state)
{
	(void)state;
	struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
	struct timespec old[2] = {{1000000, 0}, {1000000, 0}};
	begin();
	put("input", "data\n", 5);
	write_sample("a.tar.gz");
	char *file = in_dir("input");
	assert_int_equal(utimensat(AT_FDCWD, file, old, 0), 0);
	assert_int_equal(chmod(file, 0600), 0);
	free(file);
	write_sample("b.tar.gz");
	slurp("a.tar.gz", &a);
	slurp("b.tar.gz", &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.buf, b.buf, a.len);
	assert_memory_equal(a.buf + 4, "\0\0\0\0", 4); /* no time in the gzip header */
	strbuf_release(&a);
	strbuf_release(&b);
	end();
}

static void test_archive_io__round_trip(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	struct stat st;
	char target[16] = "";
	begin();
	put("input", "data\n", 5);
	write_sample("a.tar.gz");
	char *path = in_dir("a.tar.gz"), *out = in_dir("out/deep"), *file = in_dir("out/deep/b/a");
	char *link = in_dir("out/deep/b/link");
	assert_ok(archive_unpack(path, out, 11, &err), &err);
	assert_int_equal(archive_unpack(path, out, 10, &err), -1);
	assert_non_null(strstr(err.text, "more than 10 bytes"));
	assert_ok(archive_unpack(path, out, 11, &err), &err); /* over what is there */
	slurp("out/deep/b/in", &sb);
	slurp("out/deep/\xc3\xa4 \xe2\x82\xac", &sb);
	assert_string_equal(sb.buf, "data\n");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(readlink(link, target, sizeof(target)), 1);
	assert_string_equal(target, "a");
	free(path);
	free(out);
	free(file);
	free(link);
	strbuf_release(&sb);
	end();
}

static void test_archive_io__giving_up_leaves_no_file(void **state)
{
	(void)state;
	begin();
	char *path = in_dir("a.tar.gz");
	struct archive_writer *w = archive_writer_new(path, &err);
	assert_int_equal(archive_writer_add_file(w, "x", "/nonexistent", 0644, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(archive_writer_add_file(w, "x", dir, 0644, &err), -1);
	archive_writer_free(w);
	archive_writer_free(NULL);
	struct strvec files = STRVEC_INIT;
	assert_ok(fs_glob(dir, "**", &files, &err), &err);
	assert_int_equal(files.nr, 0);
	assert_null(archive_writer_new("/nonexistent/a.tar.gz", &err));
	strvec_release(&files);
	free(path);
	end();
}

static void test_archive_io__names_that_escape(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool escapes;
	} cases[] = {{"a", false}, {"a/b", false}, {"./a", false}, {"..a", false}, {"a..", false},
		{"...", false}, {"", true}, {"/a", true}, {"..", true}, {"../a", true},
		{"a/../b", true}, {"a/..", true}, {"a//..", true}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (archive_name_escapes(cases[i].name) != cases[i].escapes)
			fail_msg("'%s'", cases[i].name);
}

static void assert_unpack(const struct strbuf *bytes, bool good, const char *part)
{
	put("x", bytes->buf, bytes->len);
	char *path = in_dir("x"), *out = in_dir("out"), *evil = in_dir("evil");
	int ret = archive_unpack(path, out, 1000, &err);
	if (ret != (good ? 0 : -1))
		fail_msg("%s: %s", part, ret ? err.text : "was unpacked");
	if (ret && !strstr(err.text, part))
		fail_msg("%s", err.text);
	assert_false(fs_exists(evil));
	err_release(&err);
	assert_ok(fs_remove_tree(out, &err), &err);
	free(path);
	free(out);
	free(evil);
}

static void test_archive_io__zip_slip(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	begin();
	make_zip(&sb, "good/f", "data", crc_of("data"));
	assert_unpack(&sb, true, "");
	static const char *const bad[] = {"../evil", "a/../../evil", "/tmp/evil-of-test-archive"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		make_zip(&sb, bad[i], "data", crc_of("data"));
		assert_unpack(&sb, false, "would leave the folder");
		strbuf_clear(&sb);
		add_tar_entry(&sb, '0', bad[i], "", "data");
		strbuf_addchars(&sb, '\0', 1024);
		assert_unpack(&sb, false, "would leave the folder");
	}
	assert_false(fs_exists("/tmp/evil-of-test-archive"));
	strbuf_release(&sb);
	end();
}

static void test_archive_io__links_that_leave(void **state)
{
	(void)state;
	static const struct {
		const char *entries[4][3]; /* type, name, target */
		bool good;
		const char *part;
	} cases[] = {
		{{{"2", "l", "/etc"}}, false, "leaves the folder"},
		{{{"2", "l", ".."}}, false, "leaves the folder"},
		{{{"2", "l", "a/../../x"}}, false, "leaves the folder"},
		{{{"2", "d/l", "../.."}}, false, "leaves the folder"},
		{{{"2", "d/l", "../x"}}, true, ""},
		{{{"2", "d/l", ".."}}, true, ""},
		{{{"2", "d/l", ".."}, {"2", "x", "d/l/../.."}}, false, "leaves the folder"},
		{{{"2", "d/l", ".."}, {"0", "d/l/evil", ""}}, false, "goes through a link"},
		{{{"2", "d/e/l", "../.."}, {"1", "x", "d/e/l"}}, false, "no file of the archive"},
		{{{"0", "f", ""}, {"1", "x", "f"}}, true, ""},
		{{{"1", "x", "../f"}}, false, "leaves the folder"},
		{{{"1", "x", "/etc/passwd"}}, false, "leaves the folder"},
		{{{"1", "x", "none"}}, false, "no file of the archive"},
		{{{"6", "pipe", ""}}, false, "neither a file"},
		{{{"0", "f", ""}, {"0", "f/x", ""}}, false, "goes through a link or a file"},
		{{{"5", "d", ""}, {"5", "./d", ""}, {"0", "d/f", ""}}, true, ""},
	};
	struct strbuf sb = STRBUF_INIT;
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		strbuf_clear(&sb);
		for (size_t k = 0; k < 4 && cases[i].entries[k][0]; k++)
			add_tar_entry(&sb, *cases[i].entries[k][0], cases[i].entries[k][1],
				cases[i].entries[k][2], "");
		strbuf_addchars(&sb, '\0', 1024);
		assert_unpack(&sb, cases[i].good, cases[i].part);
	}
	strbuf_release(&sb);
	end();
}

static void test_archive_io__streams(void **state)
{
	(void)state;
	struct strbuf in = STRBUF_INIT, out = STRBUF_INIT, tar = STRBUF_INIT;
	static const size_t blocks[] = {1, 7, 100, 100000};
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		make_zip(&in, "a.csv", "x,y\n", crc_of("x,y\n"));
		assert_int_equal(read_text(&in, false, blocks[i], &out), 0);
		assert_string_equal(out.buf, "a.csv=x,y\n;");
		strbuf_clear(&tar);
		add_tar_entry(&tar, '5', "d/", "", "");
		add_tar_entry(&tar, '0', "d/f", "", "text");
		add_tar_entry(&tar, '0', "e", "", "");
		strbuf_addchars(&tar, '\0', 1024);
		assert_int_equal(read_text(&tar, true, blocks[i], &out), 0);
		assert_string_equal(out.buf, "d/;d/f=text;e=;");
		strbuf_clear(&in);
		add_gzip(&in, tar.buf, tar.len);
		assert_int_equal(read_text(&in, true, blocks[i], &out), 0);
		assert_string_equal(out.buf, "d/;d/f=text;e=;");
	}
	strbuf_release(&in);
	strbuf_release(&out);
	strbuf_release(&tar);
	err_release(&err);
}

static void test_archive_io__plain_gzip(void **state)
{
	(void)state;
	struct strbuf in = STRBUF_INIT, out = STRBUF_INIT;
	add_gzip(&in, "a,b\n", 4);
	assert_int_equal(read_text(&in, true, 3, &out), 0);
	assert_string_equal(out.buf, "data=a,b\n;");
	assert_int_equal(read_text(&in, false, 3, &out), -1);
	add_gzip(&in, "c,d\n", 4); /* a second member goes on where the first one ended */
	strbuf_addchars(&in, '\0', 5);
	assert_int_equal(read_text(&in, true, 3, &out), 0);
	assert_string_equal(out.buf, "data=a,b\nc,d\n;");
	strbuf_clear(&in);
	add_gzip(&in, "", 0);
	assert_int_equal(read_text(&in, true, 100, &out), 0);
	assert_string_equal(out.buf, "data=;");
	strbuf_clear(&in);
	strbuf_addstr(&in, "a,b\n1,2\n");
	assert_int_equal(read_text(&in, true, 100, &out), -1); /* no archive at all */
	strbuf_release(&in);
	strbuf_release(&out);
	err_release(&err);
}

/* Cut anywhere, each of the formats is an error, never a shorter success. */
static void test_archive_io__cut_streams(void **state)
{
	(void)state;
	struct strbuf zip = STRBUF_INIT, tar = STRBUF_INIT, tgz = STRBUF_INIT, gz = STRBUF_INIT;
	struct strbuf out = STRBUF_INIT;
	add_zip_entry(&zip, "a", "1234567890", crc_of("1234567890"));
	add_zip_entry(&zip, "b", "12345", crc_of("12345"));
	size_t zip_entries = zip.len;
	add_zip_directory(&zip, "a", "1234567890", crc_of("1234567890"));
	add_tar_entry(&tar, '0', "f", "", "text");
	add_tar_entry(&tar, '0', "g", "", "");
	size_t tar_entries = tar.len;
	strbuf_addchars(&tar, '\0', 1024);
	add_gzip(&tgz, tar.buf, tar.len);
	add_gzip(&gz, "some data that is not so short", 30);
	for (size_t cut = 0; cut < zip_entries; cut++) {
		struct stream s = {zip.buf, cut, 0, 9, false};
		if (read_stream(&s, false, &out) >= 0)
			fail_msg("zip cut at %zu", cut);
	}
	for (size_t cut = 1; cut <= tar_entries; cut++) {
		struct stream s = {tar.buf, cut, 0, 200, false};
		if (read_stream(&s, false, &out) >= 0)
			fail_msg("tar cut at %zu of %zu", cut, tar_entries);
	}
	for (size_t cut = 1; cut < tgz.len; cut++) {
		struct stream s = {tgz.buf, cut, 0, 50, false};
		if (read_stream(&s, true, &out) >= 0)
			fail_msg("tar.gz cut at %zu of %zu", cut, tgz.len);
	}
	for (size_t cut = 1; cut < gz.len; cut++) {
		struct stream s = {gz.buf, cut, 0, 50, false};
		if (read_stream(&s, true, &out) >= 0)
			fail_msg("gzip cut at %zu of %zu", cut, gz.len);
	}
	strbuf_release(&zip);
	strbuf_release(&tar);
	strbuf_release(&tgz);
	strbuf_release(&gz);
	strbuf_release(&out);
	err_release(&err);
}

static void test_archive_io__wrong_checksums(void **state)
{
	(void)state;
	struct strbuf in = STRBUF_INIT, out = STRBUF_INIT, tar = STRBUF_INIT;
	make_zip(&in, "a", "data", 0x12345678);
	assert_int_equal(read_text(&in, false, 100, &out), -1);
	assert_int_equal(err.code, ERR_INVALID);
	strbuf_clear(&in);
	add_gzip(&in, "data", 4);
	in.buf[in.len - 6] ^= 1; /* in the CRC */
	assert_int_equal(read_text(&in, true, 100, &out), -1);
	add_tar_entry(&tar, '0', "f", "", "text");
	strbuf_addchars(&tar, '\0', 1024);
	strbuf_clear(&in);
	add_gzip(&in, tar.buf, tar.len);
	in.buf[in.len - 2] ^= 1; /* in the length */
	assert_int_equal(read_text(&in, true, 100, &out), -1);
	strbuf_release(&in);
	strbuf_release(&out);
	strbuf_release(&tar);
	err_release(&err);
}

static void test_archive_io__the_readers_error_comes_through(void **state)
{
	(void)state;
	struct strbuf zip = STRBUF_INIT, gz = STRBUF_INIT, out = STRBUF_INIT;
	make_zip(&zip, "a", "data", crc_of("data"));
	add_gzip(&gz, "data", 4);
	const struct strbuf *both[] = {&zip, &gz};
	for (size_t i = 0; i < 2; i++) {
		for (size_t len = 0; len < 20; len++) {
			struct stream s = {both[i]->buf, len, 0, 5, true};
			assert_int_equal(read_stream(&s, true, &out), -1);
			assert_int_equal(err.code, ERR_TRANSIENT);
			assert_string_equal(err.text, "the line is dead");
		}
	}
	strbuf_release(&zip);
	strbuf_release(&gz);
	strbuf_release(&out);
	err_release(&err);
}

static void test_archive_io__no_archive(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	begin();
	strbuf_addstr(&sb, "this is no archive, whatever it is called");
	assert_unpack(&sb, false, "cannot unpack");
	strbuf_clear(&sb);
	assert_unpack(&sb, false, "cannot unpack");
	assert_int_equal(archive_unpack("/nonexistent.zip", dir, 1, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	strbuf_release(&sb);
	end();
}
