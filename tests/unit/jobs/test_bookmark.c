#include "testing.h"

#include <string.h>
#include "bookmark.h"
#include "fs.h"

struct fixture {
	struct job job;
	struct place place;
	struct dataset d;
	struct err err;
};

static void open_fixture(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_ok(job_open(&f->job, "test", &f->err), &f->err);
	assert_ok(place_parse(f->job.tmp, "folder", &f->place, &f->err), &f->err);
	f->d.shown = xstrdup("table 'db.t'");
	f->d.columns = xcalloc(1, sizeof(*f->d.columns));
	f->d.columns[f->d.nr_columns++] =
		(struct dataset_column){xstrdup("c"), xstrdup("string"), false, NULL};
	f->d.files = xcalloc(1, sizeof(*f->d.files));
	f->d.files[f->d.nr_files++] =
		(struct dataset_file){.location = xstrdup("s3://b/k"), .etag = xstrdup("\"1\"")};
	strvec_init(&f->d.files[0].values);
}

static void close_fixture(struct fixture *f)
{
	dataset_release(&f->d);
	place_release(&f->place);
	err_release(&f->err);
	job_close(&f->job);
}

static void put(struct fixture *f, const char *name, const char *text)
{
	char *path = fs_join(f->job.tmp, name), *dir = fs_dirname(path);

	assert_ok(fs_mkdir_p(dir, 0777, &f->err), &f->err);
	assert_ok(fs_write_atomic(path, text, strlen(text), 0600, &f->err), &f->err);
	free(path);
	free(dir);
}

static struct bookmark *make(struct fixture *f, enum bookmark_mode mode, const char *argument)
{
	struct bookmark *b = bookmark_new(&f->job, &f->place, mode, "my/job");

	bookmark_add(b, "argument", argument);
	bookmark_add_dataset(b, &f->d);
	return b;
}

static void run(struct fixture *f, enum bookmark_mode mode)
{
	struct bookmark *b = make(f, mode, "x");

	bookmark_add_output(b, "out/", "run-1.gz", 2);
	assert_ok(bookmark_save(b, &f->err), &f->err);
	bookmark_free(b);
	put(f, "out/a/run-1.gz", "1");
	put(f, "out/b/run-1.gz", "1");
}

static bool current(struct fixture *f, enum bookmark_mode mode, const char *argument)
{
	struct bookmark *b = make(f, mode, argument);
	bool is = false;

	assert_ok(bookmark_is_current(b, &is, &f->err), &f->err);
	bookmark_free(b);
	return is;
}

static void test_bookmark__the_same_input_is_nothing_new(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	run(&f, BOOKMARK_ENABLE);
	assert_true(current(&f, BOOKMARK_ENABLE, "x"));
	assert_true(current(&f, BOOKMARK_PAUSE, "x"));
	assert_false(current(&f, BOOKMARK_DISABLE, "x"));
	assert_false(current(&f, BOOKMARK_ENABLE, "y"));
	assert_false(current(&f, BOOKMARK_ENABLE, NULL));
	close_fixture(&f);
}

static void test_bookmark__what_changes_in_the_input_counts(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	run(&f, BOOKMARK_ENABLE);
	f.d.files[0].etag[1] = '2';
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	f.d.files[0].etag[1] = '1';
	f.d.files[0].size++;
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	f.d.files[0].size--;
	f.d.files[0].storage.dialect.delimiter = ';';
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	f.d.files[0].storage.dialect.delimiter = '\0';
	f.d.columns[0].partition = true;
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	f.d.columns[0].partition = false;
	strvec_push_take(&f.d.files[0].values, NULL);
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	strvec_clear(&f.d.files[0].values);
	assert_true(current(&f, BOOKMARK_ENABLE, "x"));
	close_fixture(&f);
}

static void test_bookmark__the_output_must_be_there(void **state)
{
	struct fixture f;
	char *path;

	(void)state;
	open_fixture(&f);
	run(&f, BOOKMARK_ENABLE);
	path = fs_join(f.job.tmp, "out/b");
	assert_ok(fs_remove_tree(path, &f.err), &f.err);
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	put(&f, "out/b/run-2.gz", "1");
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	assert_ok(fs_remove_tree(path, &f.err), &f.err);
	put(&f, "out/b/run-1.gz", "1");
	assert_true(current(&f, BOOKMARK_ENABLE, "x"));
	put(&f, "out/c/run-1.gz", "1");
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	free(path);
	close_fixture(&f);
}

static void test_bookmark__only_enable_writes(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	run(&f, BOOKMARK_PAUSE);
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	run(&f, BOOKMARK_DISABLE);
	assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	run(&f, BOOKMARK_ENABLE);
	assert_true(current(&f, BOOKMARK_ENABLE, "x"));
	close_fixture(&f);
}

static void test_bookmark__a_damaged_one_is_none(void **state)
{
	static const char *const damaged[] = {"", "{\"version\":1,", "[]", "{\"version\":1}",
		"{\"version\":2,\"fingerprint\":\"x\"}", "\xff\xfe"};
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		run(&f, BOOKMARK_ENABLE);
		assert_true(current(&f, BOOKMARK_ENABLE, "x"));
		put(&f, "etl/bookmarks/my%2Fjob.json", damaged[i]);
		assert_false(current(&f, BOOKMARK_ENABLE, "x"));
	}
	close_fixture(&f);
}

static void test_bookmark__options(void **state)
{
	enum bookmark_mode mode = BOOKMARK_PAUSE;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(bookmark_mode_parse(NULL, &mode, &err), &err);
	assert_int_equal(mode, BOOKMARK_DISABLE);
	assert_ok(bookmark_mode_parse("job-bookmark-enable", &mode, &err), &err);
	assert_int_equal(mode, BOOKMARK_ENABLE);
	assert_ok(bookmark_mode_parse("job-bookmark-pause", &mode, &err), &err);
	assert_int_equal(mode, BOOKMARK_PAUSE);
	assert_int_equal(bookmark_mode_parse("enable", &mode, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	err_release(&err);
}
