#include "testing.h"

#include <unistd.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fs.h"
#include "rowsort.h"

static int by_words(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	for (int i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static uint64_t noise(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 20;
}

/* Rows of three words, first words below `keys`, in `memory` bytes, against the C library's sort. */
static void check(size_t rows, uint64_t keys, size_t memory)
{
	uint64_t *want = xcalloc(rows + 1, 3 * sizeof(*want)), seed = 5;
	char *dir = fs_mkdtemp(NULL, "test-", NULL);
	struct rowsort *s = rowsort_new(dir, 3, memory);
	struct err err = ERR_INIT;
	const uint64_t *row;

	for (size_t i = 0; i < rows; i++) {
		uint64_t *to = rowsort_add(s, &err);

		assert_non_null(to);
		to[0] = noise(&seed) % keys;
		if (keys > 1000000)
			to[0] = to[0] << 40 | to[0];
		to[1] = noise(&seed) % 5;
		to[2] = i;
		memcpy(want + 3 * i, to, 3 * sizeof(*to));
	}
	qsort(want, rows, 3 * sizeof(*want), by_words);
	assert_ok(rowsort_finish(s, &err), &err);
	for (size_t i = 0; i < rows; i++) {
		assert_int_equal(rowsort_next(s, &row, &err), 1);
		if (memcmp(row, want + 3 * i, 3 * sizeof(*row)) != 0)
			fail_msg("row %zu of %zu", i, rows);
	}
	assert_int_equal(rowsort_next(s, &row, &err), 0);
	assert_int_equal(rowsort_next(s, &row, &err), 0);
	rowsort_free(s);
	/* Empty: no file is left. */
	assert_int_equal(rmdir(dir), 0);
	free(dir);
	free(want);
}

static void test_rowsort__in_memory(void **state)
{
	(void)state;
	check(0, 1, 1u << 20);
	check(1, 1, 1u << 20);
	check(2, 2, 1u << 20);
	check(10000, 1, 1u << 20);
	check(10000, 7, 1u << 20);
	check(10000, UINT64_C(1) << 24, 1u << 20);
}

static void test_rowsort__in_runs(void **state)
{
	(void)state;
	/* 1024 rows a run, the least that there is: exactly one, one and a row, many. */
	check(1024, 100, 0);
	check(1025, 100, 0);
	check(2048, 100, 0);
	check(300000, 100, 0);
	check(300000, UINT64_C(1) << 24, 0);
	check(300000, 1, 1u << 20);
}

static void test_rowsort__gives_up_at_any_time(void **state)
{
	char *dir = fs_mkdtemp(NULL, "test-", NULL);
	struct err err = ERR_INIT;
	const uint64_t *row;

	(void)state;
	for (int step = 0; step < 4; step++) {
		struct rowsort *s = rowsort_new(dir, 2, 0);

		for (uint64_t i = 0; step > 0 && i < 5000; i++) {
			uint64_t *to = rowsort_add(s, &err);

			assert_non_null(to);
			to[0] = to[1] = 5000 - i;
		}
		if (step > 1)
			assert_ok(rowsort_finish(s, &err), &err);
		if (step > 2) {
			assert_int_equal(rowsort_next(s, &row, &err), 1);
			assert_int_equal(row[0], 1);
		}
		rowsort_free(s);
	}
	rowsort_free(NULL);
	assert_int_equal(rmdir(dir), 0);
	free(dir);
}

static void test_rowsort__a_folder_that_is_gone_is_told(void **state)
{
	struct rowsort *s = rowsort_new("/nonexistent/folder", 1, 0);
	struct err err = ERR_INIT;
	uint64_t *to = NULL;

	(void)state;
	for (uint64_t i = 0; i < 1025; i++) {
		to = rowsort_add(s, &err);
		if (to)
			*to = i;
	}
	assert_null(to);
	assert_non_null(strstr(err.text, "/nonexistent/folder/sort-"));
	err_release(&err);
	rowsort_free(s);
}

static void test_rowsort__numbers_keep_their_order(void **state)
{
	static const int64_t ints[] = {INT64_MIN, -2, -1, 0, 1, INT64_MAX};
	const double doubles[] = {
		-INFINITY, -1e300, -1.5, -1e-300, 0.0, 1e-300, 1.5, 1e300, INFINITY};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ints); i++) {
		assert_true(rowsort_to_int64(rowsort_of_int64(ints[i])) == ints[i]);
		if (i)
			assert_true(rowsort_of_int64(ints[i - 1]) < rowsort_of_int64(ints[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(doubles); i++) {
		assert_true(rowsort_to_double(rowsort_of_double(doubles[i])) == doubles[i]);
		if (i)
			assert_true(
				rowsort_of_double(doubles[i - 1]) < rowsort_of_double(doubles[i]));
	}
	assert_true(isnan(rowsort_to_double(rowsort_of_double(NAN))));
}
