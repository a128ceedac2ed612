#include "testing.h"
#include "fs.h"
#include "handrun.h"

static void same(const char *dir, const char *path)
{
	struct strbuf made = STRBUF_INIT, want = STRBUF_INIT;
	char *here = fs_join(dir, path), *there = fs_join("provision/package/handrun", path);
	struct err err = ERR_INIT;

	assert_ok(fs_read(here, 1 << 20, &made, &err), &err);
	assert_ok(fs_read(there, 1 << 20, &want, &err), &err);
	assert_true(want.len > 0);
	assert_string_equal(made.buf, want.buf);
	strbuf_release(&made);
	strbuf_release(&want);
	free(here);
	free(there);
}

static void test_handrun__all_its_files_are_written(void **state)
{
	struct strvec files = STRVEC_INIT, made = STRVEC_INIT;
	struct err err = ERR_INIT;
	char *dir = fs_mkdtemp("/tmp", "test-handrun-", &err);

	(void)state;
	assert_non_null(dir);
	assert_ok(handrun_write(dir, &err), &err);
	assert_ok(fs_glob("provision/package/handrun", "**/*.py", &files, &err), &err);
	assert_ok(fs_glob(dir, "**/*.py", &made, &err), &err);
	assert_true(files.nr >= 8);
	assert_int_equal(files.nr, made.nr);
	for (size_t i = 0; i < made.nr; i++)
		same(dir, made.v[i] + (starts_with(made.v[i], dir) ? strlen(dir) + 1 : 0));
	assert_ok(fs_remove_tree(dir, &err), &err);
	free(dir);
	strvec_release(&files);
	strvec_release(&made);
}

static void test_handrun__a_folder_that_is_not_there(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(handrun_write("/dev/null/nothing", &err), -1);
	assert_non_null(strstr(err.text, "/dev/null"));
	err_release(&err);
}
