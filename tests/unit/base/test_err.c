#include "testing.h"

#include <errno.h>
#include <stdlib.h>
#include "err.h"

static void assert_line(const struct err *e, const char *want)
{
	char *got = err_format(e);
	assert_string_equal(got, want);
	free(got);
}

static void test_err__input_errors(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	assert_int_equal(err_at(&e, "t.yaml", 3, 7, NULL, "bad '%s'", "x"), -1);
	assert_line(&e, "t.yaml:3:7: error: bad 'x'");
	assert_int_equal(err_exit_code(&e), 2);
	err_at(&e, "t.yaml", 0, 0, "Resources.Job", "missing");
	assert_line(&e, "t.yaml: error: Resources.Job: missing");
	assert_string_equal(err_name(&e), "Usage");
	err_release(&e);
}

static void test_err__failed_calls(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	err_set(&e, ERR_NOT_FOUND, "no such job");
	err_in(&e, "jobs", "Clean");
	e.operation = xstrdup("GetJob");
	e.aws_code = xstrdup("EntityNotFoundException");
	e.request_id = xstrdup("r-1");
	assert_line(&e, "jobs/Clean: GetJob: EntityNotFoundException: no such job (request r-1)");
	assert_string_equal(err_name(&e), "EntityNotFoundException");
	err_named(&e, "Mine");
	assert_string_equal(err_name(&e), "Mine");
	err_set(&e, ERR_FAILED, "plain");
	assert_line(&e, "plain");
	err_set(&e, ERR_NOT_OWNED, "bucket 'b' is not ours");
	assert_line(&e, "NotOwned: bucket 'b' is not ours");
	err_release(&e);
}

/* The arguments may point into the error that is replaced. */
static void test_err__set_from_itself(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	err_set(&e, ERR_IO, "inner");
	err_set(&e, ERR_FAILED, "outer(%s)", e.text);
	assert_string_equal(e.text, "outer(inner)");
	err_wrap(&e, "create %s", "Job");
	assert_string_equal(e.text, "create Job: outer(inner)");
	err_at(&e, "f", 1, 1, "p", "%s", e.text);
	err_at(&e, e.file, 2, 1, e.path, "%s", e.text);
	assert_line(&e, "f:2:1: error: p: create Job: outer(inner)");
	err_hint(&e, "hint %d", 1);
	err_hint(&e, "[%s]", e.hint);
	assert_string_equal(e.hint, "[hint 1]");
	err_release(&e);
}

static void test_err__errno(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	errno = ENOENT;
	err_errno(&e, "cannot open '%s'", "x");
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_string_equal(e.text, "cannot open 'x': No such file or directory");
	errno = EACCES;
	err_errno(&e, "cannot open '%s'", "x");
	assert_int_equal(e.code, ERR_IO);
	err_release(&e);
}

static void test_err__null_is_fine(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_IO, "x"), -1);
	assert_int_equal(err_errno(NULL, "x"), -1);
	assert_int_equal(err_at(NULL, "f", 1, 1, NULL, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
	assert_int_equal(err_hint(NULL, "x"), -1);
	err_in(NULL, "a", "b");
	struct err e = ERR_INIT;
	err_set(&e, ERR_IO, "x");
	err_move(NULL, &e);
	assert_null(e.text);
	err_release(NULL);
}

static void test_err__move_copy_and_list(void **state)
{
	(void)state;
	struct err a = ERR_INIT, b = ERR_INIT;
	struct err_list l = ERR_LIST_INIT;
	err_at(&a, "f", 1, 2, "p", "t");
	err_copy(&b, &a);
	assert_line(&b, "f:1:2: error: p: t");
	assert_ptr_not_equal(a.text, b.text);
	for (int i = 0; i < 20; i++) {
		err_copy(&b, &a);
		err_list_take(&l, &b);
		assert_null(b.text);
	}
	assert_int_equal(l.nr, 20);
	err_move(&b, &l.v[3]);
	assert_line(&b, "f:1:2: error: p: t");
	err_list_release(&l);
	err_release(&a);
	err_release(&b);
}

static void test_err__one_text_at_one_place_is_one_error(void **state)
{
	(void)state;
	static const struct {
		const char *file, *path, *text;
		int line;
	} told[] = {{"f", "a", "t", 1}, {"f", "b", "t", 1}, {"f", "a", "u", 1}, {"f", "a", "t", 2},
		{"g", "a", "t", 1}, {"f", "c", "t", 1}, {NULL, "a", "t", 1}, {NULL, "a", "t", 1}};
	struct err_list l = ERR_LIST_INIT;
	struct err e = ERR_INIT;
	for (size_t from = 0; from < 2; from++) {
		for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
			err_at(&e, told[i].file, told[i].line, 1, told[i].path, "%s", told[i].text);
			err_list_take(&l, &e);
		}
		err_list_unique(&l, from);
		assert_int_equal(l.nr, from ? 7 : 6);
		assert_string_equal(l.v[0].path, "a");
		assert_string_equal(l.v[1].text, from ? "t" : "u");
		if (!from) {
			err_list_release(&l);
			continue;
		}
		assert_string_equal(l.v[1].path, "b");
	}
	err_list_release(&l);
	err_list_unique(&l, 0);
	err_list_unique(NULL, 0);
}

static void test_err__exit_codes(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	assert_int_equal(err_exit_code(&e), 0);
	e.code = ERR_LEASE;
	assert_int_equal(err_exit_code(&e), 4);
	e.code = ERR_INTERRUPTED;
	assert_int_equal(err_exit_code(&e), 130);
	e.code = ERR_TIMEOUT;
	assert_int_equal(err_exit_code(&e), 1);
	assert_string_equal(err_name(&e), "Timeout");
}
