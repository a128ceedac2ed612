#include "testing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fs.h"

/* A new folder in *state for each test that calls it; removed by leave(). */
static char *enter(void)
{
	struct err err = ERR_INIT;
	char *dir = fs_mkdtemp(NULL, "test-fs-", &err);
	assert_non_null(dir);
	return dir;
}

static void leave(char *dir)
{
	struct err err = ERR_INIT;
	assert_ok(fs_remove_tree(dir, &err), &err);
	assert_false(fs_exists(dir));
	free(dir);
}

static void put(const char *dir, const char *name)
{
	struct err err = ERR_INIT;
	char *path = fs_join(dir, name), *folder = fs_dirname(path);
	assert_ok(fs_mkdir_p(folder, 0755, &err), &err);
	assert_ok(fs_write_atomic(path, name, strlen(name), 0644, &err), &err);
	free(path);
	free(folder);
}

static void test_fs__write_and_read(void **state)
{
	(void)state;
	char *dir = enter(), *path = fs_join(dir, "f");
	struct err err = ERR_INIT;
	struct strbuf sb = STRBUF_INIT;
	struct stat st;
	strbuf_addstr(&sb, "before ");
	assert_ok(fs_write_atomic(path, "old", 3, 0600, &err), &err);
	assert_ok(fs_write_atomic(path, "a\0b", 3, 0640, &err), &err);
	assert_ok(fs_read(path, 3, &sb, &err), &err);
	assert_int_equal(sb.len, 10);
	assert_memory_equal(sb.buf, "before a\0b", 10);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fs_read(path, 2, &sb, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(sb.len, 10);
	free(path);
	path = fs_join(dir, "none");
	assert_int_equal(fs_read(path, 2, &sb, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, path));
	free(path);
	err_release(&err);
	strbuf_release(&sb);
	leave(dir);
}

static void test_fs__no_trace_of_a_failed_write(void **state)
{
	(void)state;
	char *dir = enter(), *path = fs_join(dir, "d");
	struct err err = ERR_INIT;
	struct strvec files = STRVEC_INIT;
	put(dir, "d/f");
	assert_int_equal(fs_write_atomic(path, "x", 1, 0644, &err), -1); /* it is a folder */
	assert_ok(fs_glob(dir, "**", &files, &(struct err){0}), &err);
	assert_int_equal(files.nr, 1);
	strvec_release(&files);
	err_release(&err);
	free(path);
	leave(dir);
}

/* What reads endlessly, as a pipe or device may, is cut at the limit. */
static void test_fs__limit_of_an_endless_file(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct strbuf sb = STRBUF_INIT;
	assert_int_equal(fs_read("/dev/zero", 100000, &sb, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(sb.len, 0);
	strbuf_release(&sb);
	err_release(&err);
}

static void test_fs__paths(void **state)
{
	(void)state;
	static const struct {
		const char *path, *dir, *base;
	} cases[] = {{"a", ".", "a"}, {"a/b", "a", "b"}, {"/a", "/", "a"}, {"/", "/", ""},
		{"a//b", "a", "b"}, {"a/b/", "a", ""}, {"", ".", ""}, {"//a", "/", "a"}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *dir = fs_dirname(cases[i].path);
		assert_string_equal(dir, cases[i].dir);
		assert_string_equal(fs_basename(cases[i].path), cases[i].base);
		free(dir);
	}
	static const char *const joins[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"},
		{"a", "/b", "/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
	for (size_t i = 0; i < ARRAY_SIZE(joins); i++) {
		char *path = fs_join(joins[i][0], joins[i][1]);
		assert_string_equal(path, joins[i][2]);
		free(path);
	}
}

static void test_fs__mkdir_p(void **state)
{
	(void)state;
	char *dir = enter(), *path = fs_join(dir, "a//b/c/");
	struct err err = ERR_INIT;
	assert_ok(fs_mkdir_p(path, 0755, &err), &err);
	assert_ok(fs_mkdir_p(path, 0755, &err), &err);
	assert_true(fs_is_dir(path));
	put(dir, "file");
	free(path);
	path = fs_join(dir, "file/x");
	assert_int_equal(fs_mkdir_p(path, 0755, &err), -1);
	err_release(&err);
	free(path);
	leave(dir);
}

static void test_fs__remove_does_not_follow_links(void **state)
{
	(void)state;
	char *dir = enter(), *inside = fs_join(dir, "in"), *link = fs_join(dir, "in/link");
	struct err err = ERR_INIT;
	put(dir, "in/deep/er/f");
	put(dir, "out/keep");
	char *out = fs_join(dir, "out"), *kept = fs_join(dir, "out/keep");
	assert_int_equal(symlink(out, link), 0);
	assert_ok(fs_remove_tree(inside, &err), &err);
	assert_false(fs_exists(inside));
	assert_true(fs_exists(kept));
	assert_ok(fs_remove_tree(inside, &err), &err);
	free(inside);
	free(link);
	free(out);
	free(kept);
	leave(dir);
}

static void assert_glob(const char *dir, const char *pattern, const char *want)
{
	struct strvec files = STRVEC_INIT;
	struct strbuf names = STRBUF_INIT;
	struct err err = ERR_INIT;
	assert_ok(fs_glob(dir, pattern, &files, &err), &err);
	for (size_t i = 0; i < files.nr; i++) {
		assert_true(starts_with(files.v[i], dir));
		strbuf_addf(&names, "%s ", files.v[i] + strlen(dir) + 1);
	}
	strbuf_trim(&names);
	assert_string_equal(names.buf, want);
	strbuf_release(&names);
	strvec_release(&files);
}

static void test_fs__glob(void **state)
{
	(void)state;
	char *dir = enter();
	static const char *const names[] = {"a.csv", "data/b.csv", "data/a.csv", "data/x/c.csv",
		"data/x/d.txt", "data/[odd]/e.csv"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put(dir, names[i]);
	assert_glob(dir, "data/*.csv", "data/a.csv data/b.csv");
	assert_glob(dir, "./data/*.csv", "data/a.csv data/b.csv");
	assert_glob(dir, "*.csv", "a.csv");
	assert_glob(dir, "**/*.csv", "a.csv data/[odd]/e.csv data/a.csv data/b.csv data/x/c.csv");
	assert_glob(dir, "data/*/*", "data/[odd]/e.csv data/x/c.csv data/x/d.txt");
	assert_glob(dir, "data/a.csv", "data/a.csv");
	assert_glob(dir, "data/\\[odd]/*", "data/[odd]/e.csv");
	assert_glob(dir, "data/none.csv", "");
	assert_glob(dir, "none/*.csv", "");
	char *absolute = fs_join(dir, "data/x/*");
	assert_glob(dir, absolute, "data/x/c.csv data/x/d.txt");
	free(absolute);
	leave(dir);
}

static int stop_at_second(const char *relative, const char *path, void *payload, struct err *err)
{
	struct strvec *seen = payload;
	assert_true(ends_with(path, relative));
	strvec_push(seen, relative);
	return seen->nr == 2 ? err_set(err, ERR_FAILED, "stop") : 0;
}

static void test_fs__walk(void **state)
{
	(void)state;
	char *dir = enter();
	struct strvec seen = STRVEC_INIT;
	struct err err = ERR_INIT;
	put(dir, "b/2");
	put(dir, "a/1");
	put(dir, "c");
	assert_int_equal(fs_walk(dir, stop_at_second, &seen, &err), -1);
	assert_string_equal(err.text, "stop");
	assert_int_equal(seen.nr, 2);
	assert_string_equal(seen.v[0], "a/1");
	assert_string_equal(seen.v[1], "b/2");
	err_release(&err);
	strvec_release(&seen);
	leave(dir);
}

/* A folder that holds itself by a link ends the walk with an error, not with the stack. */
static void test_fs__walk_in_a_circle(void **state)
{
	(void)state;
	char *dir = enter(), *link = fs_join(dir, "again");
	struct strvec files = STRVEC_INIT;
	struct err err = ERR_INIT;
	assert_int_equal(symlink(".", link), 0);
	assert_int_equal(fs_glob(dir, "**/x", &files, &err), -1);
	assert_ok(fs_glob(dir, "*/x", &files, &err), &err);
	strvec_release(&files);
	err_release(&err);
	free(link);
	leave(dir);
}

static void test_fs__own_folder_and_space(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	char *dir = fs_program_dir(&err);
	uint64_t bytes = 0;
	assert_non_null(dir);
	assert_true(fs_is_dir(dir));
	assert_ok(fs_free_bytes(dir, &bytes, &err), &err);
	assert_true(bytes > 0);
	free(dir);
}
