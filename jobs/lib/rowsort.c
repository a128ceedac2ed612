/*
 * A buffer is sorted by the first word with a radix sort (11 bits at a time, digits that are the same in all rows left
 * out), then rows with one first word among themselves. Runs lie one behind another in one file; merging keeps a
 * block of each and a heap of their first rows. When all rows fit into the buffer there is no file.
 */
#include "rowsort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fs.h"

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
#define MIN_ROWS 1024
#define MIN_BLOCK_ROWS 64

struct run {
	int64_t at, end; /* bytes of the file that are still to be read */
	uint64_t *block; /* of s->block_rows */
	size_t row, rows;
};

struct rowsort {
	char *dir, *path;
	int fd; /* of the runs; -1: none yet */
	int64_t written;
	size_t words, max_rows, rows;
	uint64_t *buffer, *other; /* each of max_rows; other: for the sort */
	struct run *runs;
	size_t nr_runs, alloc_runs;
	/* While rows are read: */
	size_t block_rows, next;
	struct run **heap; /* the least first */
	size_t heap_nr;
	struct run *given; /* its row was given last */
};

uint64_t rowsort_of_int64(int64_t n)
{
	return (uint64_t)n ^ (UINT64_C(1) << 63);
}

int64_t rowsort_to_int64(uint64_t word)
{
	return (int64_t)(word ^ (UINT64_C(1) << 63));
}

uint64_t rowsort_of_double(double d)
{
	uint64_t word;

	memcpy(&word, &d, sizeof(word));
	return word >> 63 ? ~word : word ^ (UINT64_C(1) << 63);
}

double rowsort_to_double(uint64_t word)
{
	double d;

	word = word >> 63 ? word ^ (UINT64_C(1) << 63) : ~word;
	memcpy(&d, &word, sizeof(d));
	return d;
}

struct rowsort *rowsort_new(const char *dir, size_t words, size_t memory_bytes)
{
	struct rowsort *s = xcalloc(1, sizeof(*s));

	s->dir = xstrdup(dir);
	s->fd = -1;
	s->words = words;
	s->max_rows = memory_bytes / 2 / (words * sizeof(uint64_t));
	if (s->max_rows < MIN_ROWS)
		s->max_rows = MIN_ROWS;
	/* Pages that no row reaches are never touched. */
	s->buffer = xmalloc(s->max_rows * words * sizeof(uint64_t));
	s->other = xmalloc(s->max_rows * words * sizeof(uint64_t));
	return s;
}

static void free_buffers(struct rowsort *s)
{
	free(s->buffer);
	free(s->other);
	s->buffer = s->other = NULL;
}

void rowsort_free(struct rowsort *s)
{
	if (!s)
		return;
	free_buffers(s);
	for (size_t i = 0; i < s->nr_runs; i++)
		free(s->runs[i].block);
	if (s->fd >= 0)
		close(s->fd);
	free(s->runs);
	free(s->heap);
	free(s->dir);
	free(s->path);
	free(s);
}

/* --- sorting the buffer --- */

static int compare(const uint64_t *a, const uint64_t *b, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int compare_rows(const void *a, const void *b, void *payload)
{
	return compare(a, b, ((const struct rowsort *)payload)->words);
}

static void copy_row(uint64_t *to, const uint64_t *from, size_t words)
{
	for (size_t i = 0; i < words; i++)
		to[i] = from[i];
}

/* One pass by the digit at `shift`: into `other`, which then is the buffer. */
static void sort_digit(struct rowsort *s, unsigned shift)
{
	size_t starts[DIGITS] = {0}, words = s->words, sum = 0;
	uint64_t *swap = s->buffer;

	for (size_t i = 0; i < s->rows; i++)
		starts[s->buffer[i * words] >> shift & (DIGITS - 1)]++;
	for (size_t d = 0; d < DIGITS; d++) {
		size_t count = starts[d];

		starts[d] = sum;
		sum += count;
	}
	for (size_t i = 0; i < s->rows; i++) {
		const uint64_t *row = s->buffer + i * words;
		size_t to = starts[*row >> shift & (DIGITS - 1)]++;

		copy_row(s->other + to * words, row, words);
	}
	s->buffer = s->other;
	s->other = swap;
}

static void sort_buffer(struct rowsort *s)
{
	uint64_t differs = 0;
	size_t words = s->words, from = 0;

	for (size_t i = 1; i < s->rows; i++)
		differs |= s->buffer[0] ^ s->buffer[i * words];
	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS)
		if (differs >> shift & (DIGITS - 1))
			sort_digit(s, shift);
	for (size_t i = 1; words > 1 && i <= s->rows; i++) {
		if (i < s->rows && s->buffer[i * words] == s->buffer[from * words])
			continue;
		if (i - from > 1)
			qsort_r(s->buffer + from * words, i - from, words * sizeof(uint64_t),
				compare_rows, s);
		from = i;
	}
}

/* --- runs --- */

/* Without a name from the start: whatever happens, nothing is left. */
static int open_file(struct rowsort *s, struct err *err)
{
	s->path = xasprintf("%s/sort-XXXXXX", s->dir);
	s->fd = mkostemp(s->path, O_CLOEXEC);
	if (s->fd < 0)
		return err_errno(err, "%s", s->path);
	unlink(s->path);
	return 0;
}

static int write_run(struct rowsort *s, struct err *err)
{
	size_t bytes = s->rows * s->words * sizeof(uint64_t);

	if (s->fd < 0 && open_file(s, err) != 0)
		return -1;
	sort_buffer(s);
	if (fs_write_all(s->fd, s->buffer, bytes, s->path, err) != 0)
		return -1;
	ALLOC_GROW(s->runs, s->nr_runs, s->alloc_runs);
	s->runs[s->nr_runs++] = (struct run){.at = s->written, .end = s->written + (int64_t)bytes};
	s->written += (int64_t)bytes;
	s->rows = 0;
	return 0;
}

uint64_t *rowsort_add(struct rowsort *s, struct err *err)
{
	if (s->rows == s->max_rows && write_run(s, err) != 0)
		return NULL;
	return s->buffer + s->rows++ * s->words;
}

/* --- reading --- */

/* The run's next block: 1, 0 at its end, -1. */
static int read_block(struct rowsort *s, struct run *r, struct err *err)
{
	size_t row_bytes = s->words * sizeof(uint64_t), want = s->block_rows * row_bytes, got = 0;

	if ((int64_t)want > r->end - r->at)
		want = (size_t)(r->end - r->at);
	while (got < want) {
		ssize_t n = pread(s->fd, (char *)r->block + got, want - got, r->at + (int64_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "%s", s->path);
		if (n == 0)
			return err_set(err, ERR_IO, "%s: it became shorter", s->path);
		got += (size_t)n;
	}
	r->at += (int64_t)got;
	r->row = 0;
	r->rows = got / row_bytes;
	return r->rows > 0;
}

static bool is_less(const struct rowsort *s, const struct run *a, const struct run *b)
{
	return compare(a->block + a->row * s->words, b->block + b->row * s->words, s->words) < 0;
}

static void sift_down(struct rowsort *s, size_t i)
{
	for (;;) {
		size_t least = i;
		struct run *swap = s->heap[i];

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->heap_nr; child++)
			if (is_less(s, s->heap[child], s->heap[least]))
				least = child;
		if (least == i)
			return;
		s->heap[i] = s->heap[least];
		s->heap[least] = swap;
		i = least;
	}
}

int rowsort_finish(struct rowsort *s, struct err *err)
{
	size_t bytes = 2 * s->max_rows * s->words * sizeof(uint64_t);

	if (s->nr_runs == 0) {
		sort_buffer(s);
		free(s->other);
		s->other = NULL;
		return 0;
	}
	if (s->rows && write_run(s, err) != 0)
		return -1;
	free_buffers(s);
	/* Half of the memory is enough for few runs, all is there for many. */
	s->block_rows = bytes / 2 / s->nr_runs / (s->words * sizeof(uint64_t));
	if (s->block_rows > (1u << 20) / sizeof(uint64_t) / s->words)
		s->block_rows = (1u << 20) / sizeof(uint64_t) / s->words;
	if (s->block_rows < MIN_BLOCK_ROWS)
		s->block_rows = MIN_BLOCK_ROWS;
	s->heap = xcalloc(s->nr_runs, sizeof(struct run *));
	for (size_t i = 0; i < s->nr_runs; i++) {
		s->runs[i].block = xmalloc(s->block_rows * s->words * sizeof(uint64_t));
		if (read_block(s, &s->runs[i], err) < 0)
			return -1;
		s->heap[s->heap_nr++] = &s->runs[i];
	}
	for (size_t i = s->heap_nr; i-- > 0;)
		sift_down(s, i);
	return 0;
}

static int advance(struct rowsort *s, struct err *err)
{
	struct run *r = s->heap[0];
	int more = 1;

	if (++r->row == r->rows)
		more = read_block(s, r, err);
	if (more < 0)
		return -1;
	if (more == 0)
		s->heap[0] = s->heap[--s->heap_nr];
	if (s->heap_nr)
		sift_down(s, 0);
	return 0;
}

int rowsort_next(struct rowsort *s, const uint64_t **row, struct err *err)
{
	if (s->nr_runs == 0) {
		if (s->next == s->rows)
			return 0;
		*row = s->buffer + s->next++ * s->words;
		return 1;
	}
	/* The row that was given last stays where it is until now. */
	if (s->given && advance(s, err) != 0)
		return -1;
	s->given = s->heap_nr ? s->heap[0] : NULL;
	if (!s->given)
		return 0;
	*row = s->given->block + s->given->row * s->words;
	return 1;
}
