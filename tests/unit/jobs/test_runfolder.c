#include "testing.h"

#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "aws/scripted.h"
#include "fs.h"
#include "runfolder.h"

struct fixture {
	struct job job;
	struct place place;
	struct err err;
	char *name;
};

static void open_fixture(struct fixture *f, const char *place)
{
	memset(f, 0, sizeof(*f));
	assert_ok(job_open(&f->job, "test", &f->err), &f->err);
	assert_ok(place_parse(place ? place : f->job.tmp, "place", &f->place, &f->err), &f->err);
}

static void close_fixture(struct fixture *f)
{
	free(f->name);
	place_release(&f->place);
	err_release(&f->err);
	job_close(&f->job);
}

static void put_file(struct fixture *f, const char *relative, long modified_ms)
{
	const struct timespec times[2] = {
		{0, UTIME_OMIT}, {modified_ms / 1000, modified_ms % 1000 * 1000000}};
	char *path = fs_join(f->job.tmp, relative), *dir = fs_dirname(path);

	assert_ok(fs_mkdir_p(dir, 0777, &f->err), &f->err);
	assert_ok(fs_write_atomic(path, relative, strlen(relative), 0666, &f->err), &f->err);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	free(dir);
	free(path);
}

static void check_newest(
	struct fixture *f, const char *prefix, const char *filename, const char *want)
{
	free(f->name);
	f->name = NULL;
	if (!want) {
		assert_int_equal(
			runfolder_newest(&f->job, &f->place, prefix, filename, &f->name, &f->err),
			-1);
		assert_int_equal(f->err.code, ERR_NOT_FOUND);
		assert_null(f->name);
		err_release(&f->err);
		return;
	}
	assert_ok(
		runfolder_newest(&f->job, &f->place, prefix, filename, &f->name, &f->err), &f->err);
	assert_string_equal(f->name, want);
}

static void test_runfolder__newest_in_a_folder(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, NULL);
	check_newest(&f, "out/", "x.csv", NULL);
	put_file(&f, "out/2026-01-01_00:00:00/x.csv", 1000000);
	put_file(&f, "out/2026-01-02_00:00:00/x.csv.gz", 3000100);
	put_file(&f, "out/2026-01-03_00:00:00/x.csv", 2000000);
	put_file(&f, "out/2026-01-04_00:00:00/other", 9000000);
	put_file(&f, "out/x.csv-in-the-path/other", 9000000);
	put_file(&f, "out/2026-01-05_00:00:00/.x.csv.0123", 9000000); /* being written */
	put_file(&f, "outside/x.csv", 8000000);
	check_newest(&f, "out/", "x.csv", "out/2026-01-02_00:00:00/x.csv.gz");
	check_newest(&f, "/out/", "x.csv", "out/2026-01-02_00:00:00/x.csv.gz");
	check_newest(&f, "out", "x.csv", "outside/x.csv");
	check_newest(&f, "out/2026-01-03", "x.csv", "out/2026-01-03_00:00:00/x.csv");
	check_newest(&f, "out/", "y.csv", NULL);
	check_newest(&f, "nothing/here/", "x.csv", NULL);
	check_newest(&f, "", "x.csv", "outside/x.csv");
	/* In one second: the greater name, whatever the fraction says. */
	put_file(&f, "out/2026-01-01_00:00:01/x.csv", 3000900);
	check_newest(&f, "out/", "x.csv", "out/2026-01-02_00:00:00/x.csv.gz");
	put_file(&f, "out/2026-01-06_00:00:00/x.csv", 3000000);
	check_newest(&f, "out/", "x.csv", "out/2026-01-06_00:00:00/x.csv");
	close_fixture(&f);
}

#define OBJECT(key, time)                                                                     \
	"<Contents><Key>" key "</Key><LastModified>" time "</LastModified><ETag>\"e\"</ETag>" \
	"<Size>1</Size></Contents>"

static void test_runfolder__newest_over_all_pages_of_a_bucket(void **state)
{
	SCRIPT(s,
		{200, NULL,
			"<ListBucketResult><IsTruncated>true</IsTruncated>"
			"<NextContinuationToken>more</NextContinuationToken>" OBJECT(
				"home/m/2026-01-01_00:00:00/", "2026-05-05T00:00:09.000Z")
				OBJECT("home/m/2026-01-01_00:00:00/map.csv",
					"2026-05-05T00:00:01.000Z") OBJECT("home/m/map.csv/other",
					"2026-05-05T00:00:09.000Z") "</ListBucketResult>"},
		{200, NULL,
			"<ListBucketResult><IsTruncated>false</IsTruncated>" OBJECT(
				"home/m/2026-01-02_00:00:00/map.csv", "2026-05-05T00:00:02.000Z")
				OBJECT("home/m/2026-01-02_00:00:01/map.csv",
					"2026-05-05T00:00:02.000Z") OBJECT("home/m/map.csv/",
					"2026-05-05T00:00:09.000Z") "</ListBucketResult>"});
	struct fixture f;

	(void)state;
	open_fixture(&f, "s3://bucket/home");
	f.job.aws = script_client(&s, "us-west-2", "http://127.0.0.1:4566");
	check_newest(&f, "m/", "map.csv", "m/2026-01-02_00:00:01/map.csv");
	assert_int_equal(s.at, 2);
	assert_non_null(strstr(s.sent.v[0], "prefix=home%2Fm%2F"));
	close_fixture(&f);
	script_release(&s);
}

static void test_runfolder__only_a_marker_is_not_found(void **state)
{
	SCRIPT(s, {200, NULL,
			  "<ListBucketResult><IsTruncated>false</IsTruncated>" OBJECT(
				  "m/map.csv/", "2026-05-05T00:00:09.000Z") "</ListBucketResult>"});
	struct fixture f;

	(void)state;
	open_fixture(&f, "s3://bucket");
	f.job.aws = script_client(&s, "us-west-2", "http://127.0.0.1:4566");
	check_newest(&f, "m/", "map.csv", NULL);
	close_fixture(&f);
	script_release(&s);
}

static void test_runfolder__names(void **state)
{
	static const char *const keys[] = {"a/b/", "a/b", "/a/b//"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char *name = runfolder_name(keys[i]);
		unsigned n[6];
		int end = 0;

		assert_int_equal(sscanf(name, "a/b/%4u-%2u-%2u_%2u:%2u:%2u/%n", &n[0], &n[1], &n[2],
					 &n[3], &n[4], &n[5], &end),
			6);
		assert_int_equal(end, strlen("a/b/2026-11-21_18:00:00/"));
		assert_int_equal(name[end], '\0');
		free(name);
	}
	char *name = runfolder_name("");

	assert_int_equal(strlen(name), strlen("2026-11-21_18:00:00/"));
	free(name);
}

static void test_runfolder__put_in_a_folder(void **state)
{
	struct strbuf sb = STRBUF_INIT;
	struct fixture f;
	char *path, *back;

	(void)state;
	open_fixture(&f, NULL);
	put_file(&f, "scratch.csv", 1000);
	path = fs_join(f.job.tmp, "scratch.csv");
	assert_ok(runfolder_put(&f.job, &f.place, "a/2026-11-21_18:00:00/", "x.csv", path, &f.name,
			  &f.err),
		&f.err);
	assert_string_equal(f.name, "a/2026-11-21_18:00:00/x.csv");
	back = place_locate(&f.place, f.name);
	assert_ok(fs_read(back, 100, &sb, &f.err), &f.err);
	assert_string_equal(sb.buf, "scratch.csv");
	free(back);
	/* Without a file there is nothing, not even a folder. */
	free(path);
	path = fs_join(f.job.tmp, "missing.csv");
	assert_int_equal(runfolder_put(&f.job, &f.place, "b/", "x.csv", path, NULL, &f.err), -1);
	back = place_locate(&f.place, "b");
	assert_false(fs_exists(back));
	free(back);
	free(path);
	strbuf_release(&sb);
	close_fixture(&f);
}

static void test_runfolder__put_in_a_bucket_marks_the_folder_first(void **state)
{
	SCRIPT(s, {200, "etag: \"a\"", NULL}, {200, "etag: \"b\"", NULL});
	struct fixture f;
	char *path;

	(void)state;
	open_fixture(&f, "s3://bucket/home");
	f.job.aws = script_client(&s, "us-west-2", "http://127.0.0.1:4566");
	put_file(&f, "scratch.csv", 1000);
	path = fs_join(f.job.tmp, "scratch.csv");
	assert_ok(
		runfolder_put(&f.job, &f.place, "a/now/", "x.csv", path, &f.name, &f.err), &f.err);
	assert_string_equal(f.name, "a/now/x.csv");
	assert_int_equal(s.at, 2);
	assert_string_equal(s.sent.v[0], "PUT http://127.0.0.1:4566/bucket/home/a/now/");
	assert_string_equal(s.bodies.v[0], "");
	assert_string_equal(s.sent.v[1], "PUT http://127.0.0.1:4566/bucket/home/a/now/x.csv");
	free(path);
	close_fixture(&f);
	script_release(&s);
}

static void test_runfolder__a_refused_file_takes_its_marker_along(void **state)
{
	SCRIPT(s, {200, "etag: \"a\"", NULL},
		{403, NULL, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"},
		{204, NULL, NULL});
	struct fixture f;
	char *path;

	(void)state;
	open_fixture(&f, "s3://bucket");
	f.job.aws = script_client(&s, "us-west-2", "http://127.0.0.1:4566");
	put_file(&f, "scratch.csv", 1000);
	path = fs_join(f.job.tmp, "scratch.csv");
	assert_int_equal(
		runfolder_put(&f.job, &f.place, "a/now/", "x.csv", path, &f.name, &f.err), -1);
	assert_int_equal(f.err.code, ERR_DENIED);
	assert_non_null(strstr(f.err.text, "s3://bucket/a/now/x.csv"));
	assert_int_equal(s.at, 3);
	assert_string_equal(s.sent.v[2], "DELETE http://127.0.0.1:4566/bucket/a/now/");
	free(path);
	close_fixture(&f);
	script_release(&s);
}
