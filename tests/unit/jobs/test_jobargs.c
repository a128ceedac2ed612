#include "testing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "job.h"
#include "jobargs.h"

static const struct job_arg wanted[] = {{"source_bucket", "", JOB_REQUIRED},
	{"url", "", JOB_REQUIRED}, {"limit", "", JOB_OPTIONAL}, {"dry_run", "", JOB_FLAG}, {0}};

static int parse(const char *words, struct job_args *args, struct err *err)
{
	struct strvec v = STRVEC_INIT;
	int ret;

	strvec_split(&v, words, ' ');
	ret = job_args_parse(wanted, (int)v.nr, v.v, args, err);
	strvec_release(&v);
	return ret;
}

static void test_jobargs__both_forms_and_both_spellings(void **state)
{
	struct job_args args = JOB_ARGS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(
		parse("--source-bucket raw --url=http://x/?a=b --source_bucket last", &args, &err),
		&err);
	assert_string_equal(job_args_get(&args, "source_bucket"), "last");
	assert_string_equal(job_args_get(&args, "url"), "http://x/?a=b");
	assert_null(job_args_get(&args, "limit"));
	assert_int_equal(args.ignored.nr, 0);
	job_args_release(&args);
}

static void test_jobargs__unknown_ones_are_ignored_by_name_only(void **state)
{
	struct job_args args = JOB_ARGS_INIT;
	struct err err = ERR_INIT;
	char *ignored;

	(void)state;
	assert_ok(parse("--url u --own-metrics --own-option disable --source_bucket=s "
			"--api-key=secret stray",
			  &args, &err),
		&err);
	ignored = strvec_join(&args.ignored, " ");
	assert_null(strstr(ignored, "secret"));
	assert_null(strstr(ignored, "disable"));
	assert_non_null(strstr(ignored, "--own-option"));
	assert_non_null(strstr(ignored, "--own-metrics"));
	free(ignored);
	job_args_release(&args);
}

static void test_jobargs__what_every_run_carries_is_not_told(void **state)
{
	struct job_args args = JOB_ARGS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(parse("--JOB_NAME j --url u --JOB_RUN_ID=jr_1 --WORKFLOW_NAME w "
			"--WORKFLOW_RUN_ID wr_1 "
			"--glueproj-bundle s3://b/k --glueproj-program p --source_bucket s "
			"--TempDir t --job-language python --enable-spark-ui true --enable-metrics "
			"--class GlueApp --spark-event-logs-path s3://b/ --extra-py-files x "
			"--tempdir u",
			  &args, &err),
		&err);
	assert_int_equal(args.ignored.nr, 1);
	assert_string_equal(args.ignored.v[0], "--tempdir");
	job_args_release(&args);
}

static void test_jobargs__all_missing_ones_are_named(void **state)
{
	struct job_args args = JOB_ARGS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse("--url --source_bucket=", &args, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.text, "missing arguments: --source_bucket, --url");
	err_release(&err);
	job_args_release(&args);
}

static void test_jobargs__a_stem_is_the_name_up_to_its_first_dot(void **state)
{
	static const char *const bad[] = {"", ".csv", "../x.csv", "/x.csv", "/.csv"};
	struct err err = ERR_INIT;
	char *stem = job_stem("2m-Sales-Records.v2.csv", &err);

	(void)state;
	assert_string_equal(stem, "2m-Sales-Records");
	free(stem);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(job_stem(bad[i], &err));
		assert_int_equal(err.code, ERR_USAGE);
		err_release(&err);
	}
}

static void test_jobargs__flags(void **state)
{
	static const struct {
		const char *words;
		int on; /* -1: refused */
	} cases[] = {{"", 0}, {"--dry-run", 1}, {"--dry-run --limit 3", 1}, {"--dry_run true", 1},
		{"--dry-run=false", 0}, {"--dry-run maybe", -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct job_args args = JOB_ARGS_INIT;
		struct err err = ERR_INIT;
		char *words = xasprintf("--source_bucket b --url u %s", cases[i].words);
		int ret = parse(words, &args, &err);

		assert_int_equal(ret, cases[i].on < 0 ? -1 : 0);
		if (ret == 0)
			assert_int_equal(job_args_flag(&args, "dry_run"), cases[i].on);
		else
			assert_int_equal(err.code, ERR_USAGE);
		err_release(&err);
		job_args_release(&args);
		free(words);
	}
}

/* A descriptor that holds these bytes; what `--glueproj-arguments-fd` would name. */
static int holding(const char *bytes, size_t len, char *number, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd > 2);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	snprintf(number, size, "%d", fd);
	return fd;
}

static void test_jobargs__inherited_words_are_arguments_like_any(void **state)
{
	static const char held[] =
		"--source_bucket\0raw bucket\0--url=\0--url\0http://x\n\0\0--dry_run";
	char number[16],
		*argv[] = {(char[]){"it"}, (char[]){"--glueproj-arguments-fd"}, number, NULL};
	int fd = holding(held, sizeof(held), number, sizeof(number));
	struct strvec words = STRVEC_INIT;
	struct job_args args = JOB_ARGS_INIT;
	struct err err = ERR_INIT;
	bool given = false;

	(void)state;
	assert_ok(job_args_inherited(3, argv, &words, &given, &err), &err);
	assert_true(given);
	assert_int_equal(words.nr, 7);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_ok(job_args_parse(wanted, (int)words.nr, words.v, &args, &err), &err);
	assert_string_equal(job_args_get(&args, "source_bucket"), "raw bucket");
	assert_string_equal(job_args_get(&args, "url"), "http://x\n");
	assert_true(job_args_flag(&args, "dry_run"));
	job_args_release(&args);
	strvec_release(&words);
}

static void test_jobargs__no_words_at_all_and_a_pipe(void **state)
{
	char number[16],
		*argv[] = {(char[]){"it"}, (char[]){"--glueproj-arguments-fd"}, number, NULL};
	struct strvec words = STRVEC_INIT;
	struct err err = ERR_INIT;
	bool given = false;
	int fds[2];

	(void)state;
	holding("", 0, number, sizeof(number));
	assert_ok(job_args_inherited(3, argv, &words, &given, &err), &err);
	assert_true(given);
	assert_int_equal(words.nr, 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "--a\0", 4), 4);
	close(fds[1]);
	snprintf(number, sizeof(number), "%d", fds[0]);
	assert_ok(job_args_inherited(3, argv, &words, &given, &err), &err);
	assert_string_equal(words.v[0], "--a");
	strvec_release(&words);
}

static void test_jobargs__a_command_line_by_hand_stays_one(void **state)
{
	char *argv[] = {(char[]){"it"}, (char[]){"--glueproj-arguments-fd"}, (char[]){"9"},
		(char[]){"--url"}};
	struct strvec words = STRVEC_INIT;
	struct err err = ERR_INIT;
	bool given = true;

	(void)state;
	assert_ok(job_args_inherited(1, argv, &words, &given, &err), &err);
	assert_false(given);
	assert_ok(job_args_inherited(2, argv, &words, &given, &err), &err);
	assert_false(given);
	assert_ok(job_args_inherited(4, argv, &words, &given, &err), &err);
	assert_false(given);
	assert_int_equal(words.nr, 0);
}

static void test_jobargs__a_descriptor_that_holds_none_is_refused(void **state)
{
	static const char *const bad[] = {"9999", "x", "", "-1", "0", "3x"};
	char number[16],
		*argv[] = {(char[]){"it"}, (char[]){"--glueproj-arguments-fd"}, number, NULL};
	struct strvec words = STRVEC_INIT;
	struct err err = ERR_INIT;
	bool given;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(number, sizeof(number), "%s", bad[i]);
		assert_int_equal(job_args_inherited(3, argv, &words, &given, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		err_release(&err);
	}
	holding("--key\0cut", 9, number, sizeof(number));
	assert_int_equal(job_args_inherited(3, argv, &words, &given, &err), -1);
	assert_null(strstr(err.text, "cut"));
	err_release(&err);
	assert_int_equal(words.nr, 0);
}
