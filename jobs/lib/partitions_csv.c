/*
 * The query's rows come in order through one thread, which makes text of them; whole partitions, many small ones in one batch,
 * go to threads that pack and write them. At most MAX_UNDER_WAY batches a thread are under way.
 */
#include "partitions.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "csvwrite.h"
#include "dates.h"
#include "duckstream.h"
#include "fs.h"
#include "packed.h"
#include "thrdpool.h"

#define BATCH_BYTES (256u << 10)
#define BATCH_FILES 256u
#define MAX_UNDER_WAY 4u

struct target {
	const char *path; /* the publish's */
	size_t end;       /* of its text in the batch */
};

struct batch {
	struct strbuf text;
	struct target *files;
	size_t nr, alloc;
};

struct packer {
	struct gzip_packer *gzip;
	struct strbuf packed;
};

struct writer {
	const struct partitions *p;
	struct strbuf header, name, value; /* value: of the partition that is being made */
	bool open, null;                   /* there is one; its value is null */
	struct batch *batch;               /* the one that is being filled */
	struct partitions_counts *counts;
	struct thrdpool *pool;
	struct packer *packers; /* one a thread */
	size_t threads;
	pthread_mutex_t lock; /* under_way, err */
	pthread_cond_t changed;
	size_t under_way;
	struct err err;
};

/* --- a thread --- */

static int write_file(const char *path, const struct strbuf *data, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	ret = fs_write_all(fd, data->buf, data->len, path, err);
	if (close(fd) != 0 && ret == 0)
		ret = err_errno(err, "%s", path);
	return ret;
}

static int write_batch(struct packer *packer, const struct batch *b, struct err *err)
{
	size_t from = 0;

	if (job_check_interrupt(err) != 0)
		return -1;
	for (size_t i = 0; i < b->nr; i++) {
		strbuf_clear(&packer->packed);
		gzip_packer_add(
			packer->gzip, b->text.buf + from, b->files[i].end - from, &packer->packed);
		from = b->files[i].end;
		if (write_file(b->files[i].path, &packer->packed, err) != 0)
			return -1;
	}
	return 0;
}

static void batch_free(struct batch *b)
{
	if (!b)
		return;
	strbuf_release(&b->text);
	free(b->files);
	free(b);
}

static void process(void *item, size_t worker, void *payload)
{
	struct writer *w = payload;
	struct batch *b = item;
	struct err err = ERR_INIT;
	int ret = write_batch(&w->packers[worker], b, &err);

	pthread_mutex_lock(&w->lock);
	if (ret != 0 && !w->err.code)
		err_move(&w->err, &err);
	w->under_way--;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	err_release(&err);
	batch_free(b);
}

/* --- the thread that has the rows --- */

static struct batch *batch_new(void)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	strbuf_init(&b->text);
	return b;
}

/* Hands the batch on; waits while enough are under way. */
static int hand_on(struct writer *w, struct err *err)
{
	struct batch *b = w->batch;
	int ret = 0;

	w->batch = batch_new();
	pthread_mutex_lock(&w->lock);
	while (w->under_way >= MAX_UNDER_WAY * w->threads)
		pthread_cond_wait(&w->changed, &w->lock);
	if (w->err.code) {
		err_move(err, &w->err);
		ret = -1;
	} else {
		w->under_way++;
	}
	pthread_mutex_unlock(&w->lock);
	if (ret == 0)
		thrdpool_add(w->pool, b);
	else
		batch_free(b);
	return ret;
}

static int end_partition(struct writer *w, struct err *err)
{
	struct batch *b = w->batch;
	const char *path;

	if (!w->open)
		return 0;
	w->open = false;
	strbuf_clear(&w->name);
	hive_add_partition(&w->name, w->p->column, w->null ? NULL : w->value.buf);
	strbuf_addf(&w->name, "/%s", w->p->file_name);
	path = publish_path(w->p->out, w->name.buf, err);
	if (!path)
		return -1;
	ALLOC_GROW(b->files, b->nr, b->alloc);
	b->files[b->nr++] = (struct target){path, b->text.len};
	w->counts->files++;
	return b->text.len >= BATCH_BYTES || b->nr >= BATCH_FILES ? hand_on(w, err) : 0;
}

struct column {
	duckdb_type type;
	void *data;
	uint64_t *validity;
};

static bool is_null(const struct column *c, idx_t row)
{
	return c->validity && !duckdb_validity_row_is_valid(c->validity, row);
}

static void add_value(struct strbuf *sb, const struct column *c, idx_t row)
{
	duckdb_string_t *text = (duckdb_string_t *)c->data + row;

	if (is_null(c, row))
		return;
	if (c->type == DUCKDB_TYPE_VARCHAR)
		csv_add_field(sb, ',', duckdb_string_t_data(text), duckdb_string_t_length(*text));
	else if (c->type == DUCKDB_TYPE_DATE)
		dates_add(sb, ((int32_t *)c->data)[row]);
	else
		strbuf_addf(sb, "%lld", (long long)((int64_t *)c->data)[row]);
}

/* Null and "" are one partition, and stand together only when the query makes them one. */
static int turn_to(struct writer *w, const struct column *c, idx_t row, struct err *err)
{
	duckdb_string_t *text = (duckdb_string_t *)c->data + row;
	const char *value = is_null(c, row) ? "" : duckdb_string_t_data(text);
	size_t len = is_null(c, row) ? 0 : duckdb_string_t_length(*text);

	if (w->open && len == w->value.len && memcmp(value, w->value.buf, len) == 0)
		return 0;
	if (end_partition(w, err) != 0)
		return -1;
	strbuf_clear(&w->value);
	strbuf_add(&w->value, value, len);
	w->open = true;
	w->null = len == 0;
	strbuf_add(&w->batch->text, w->header.buf, w->header.len);
	return 0;
}

static int add_chunk(struct writer *w, struct column *columns, size_t nr, duckdb_data_chunk chunk,
	struct err *err)
{
	idx_t rows = duckdb_data_chunk_get_size(chunk);

	for (size_t c = 0; c < nr; c++) {
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c);

		columns[c].data = duckdb_vector_get_data(vector);
		columns[c].validity = duckdb_vector_get_validity(vector);
	}
	for (idx_t row = 0; row < rows; row++) {
		struct strbuf *text;

		if (turn_to(w, &columns[0], row, err) != 0)
			return -1;
		text = &w->batch->text;
		for (size_t c = 1; c < nr; c++) {
			if (c > 1)
				strbuf_addch(text, ',');
			add_value(text, &columns[c], row);
		}
		strbuf_addch(text, '\n');
	}
	w->counts->rows += (int64_t)rows;
	return 0;
}

static int write_rows(struct writer *w, struct duck_stream *s, size_t nr_names, struct err *err)
{
	size_t nr = duck_stream_columns(s);
	struct column *columns = xcalloc(nr, sizeof(*columns));
	duckdb_data_chunk chunk;
	int got = -1;

	for (size_t c = 0; c < nr; c++) {
		columns[c].type = duck_stream_type(s, c);
		if (columns[c].type != DUCKDB_TYPE_VARCHAR &&
			(c == 0 || (columns[c].type != DUCKDB_TYPE_DATE &&
					   columns[c].type != DUCKDB_TYPE_BIGINT)))
			BUG("column %zu is to be cast", c);
	}
	if (nr != nr_names + 1)
		BUG("%zu columns, %zu names", nr, nr_names);
	while ((got = duck_stream_next(s, &chunk, err)) > 0)
		if (add_chunk(w, columns, nr, chunk, err) != 0) {
			got = -1;
			break;
		}
	free(columns);
	if (got == 0)
		got = end_partition(w, err);
	return got == 0 && w->batch->nr ? hand_on(w, err) : got;
}

static void writer_init(struct writer *w, struct duck *d, const struct strvec *header)
{
	static const struct thrdpool_ops ops = {process, NULL};

	strbuf_init(&w->header);
	strbuf_init(&w->name);
	strbuf_init(&w->value);
	for (size_t i = 0; i < header->nr; i++) {
		if (i)
			strbuf_addch(&w->header, ',');
		csv_add_field(&w->header, ',', header->v[i], strlen(header->v[i]));
	}
	strbuf_addch(&w->header, '\n');
	w->batch = batch_new();
	w->threads = duck_threads(d);
	w->packers = xcalloc(w->threads, sizeof(*w->packers));
	for (size_t i = 0; i < w->threads; i++) {
		w->packers[i].gzip = gzip_packer_new();
		strbuf_init(&w->packers[i].packed);
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->pool = thrdpool_new(w->threads, &ops, w);
}

/* All batches are through; the first error of the threads, where there is none yet. */
static int writer_end(struct writer *w, int ret, struct err *err)
{
	thrdpool_wait(w->pool);
	thrdpool_free(w->pool);
	if (ret == 0 && w->err.code) {
		err_move(err, &w->err);
		ret = -1;
	}
	for (size_t i = 0; i < w->threads; i++) {
		gzip_packer_free(w->packers[i].gzip);
		strbuf_release(&w->packers[i].packed);
	}
	free(w->packers);
	batch_free(w->batch);
	strbuf_release(&w->header);
	strbuf_release(&w->name);
	strbuf_release(&w->value);
	err_release(&w->err);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	return ret;
}

int partitions_write_csv(struct duck *d, const struct partitions *p, const char *query,
	const struct strvec *header, struct partitions_counts *counts, struct err *err)
{
	struct duck_stream *s = duck_stream_open(d, query, err);
	struct writer w = {.p = p, .counts = counts};
	int ret = -1;

	*counts = (struct partitions_counts){0};
	writer_init(&w, d, header);
	if (s)
		ret = write_rows(&w, s, header->nr, err);
	duck_stream_close(s);
	return writer_end(&w, ret, err);
}
