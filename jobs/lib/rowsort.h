#ifndef ROWSORT_H
#define ROWSORT_H

/*
 * Rows of some 64-bit words each, sorted word by word as unsigned numbers, within a memory limit: full buffers are sorted and
 * written to a folder as runs, which are merged while they are read. DuckDB's sort is at the mercy of its
 * memory limit with millions of rows; this one needs what it is given.
 */
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct rowsort;
/* `words` a row, at least 1. The first word is sorted by its digits: few bits that differ make it fast. */
struct rowsort *rowsort_new(const char *dir, size_t words, size_t memory_bytes);
/* The place for one more row, to be filled before the next call; NULL on error. */
uint64_t *rowsort_add(struct rowsort *s, struct err *err) must_check;
/* After the last row. */
int rowsort_finish(struct rowsort *s, struct err *err) must_check;
/* 1 and the next row, borrowed until the next call; 0 at the end, -1. */
int rowsort_next(struct rowsort *s, const uint64_t **row, struct err *err) must_check;
void rowsort_free(struct rowsort *s); /* NULL is fine */

/* Numbers as words of the same order. */
uint64_t rowsort_of_int64(int64_t n);
int64_t rowsort_to_int64(uint64_t word);
uint64_t rowsort_of_double(double d);
double rowsort_to_double(uint64_t word);

#endif
