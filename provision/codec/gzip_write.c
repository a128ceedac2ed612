/*
 * The ring: blocks [head, tail) are being packed or wait to be written, block `tail` is being filled. A block ends in a
 * sync flush, on a byte's border, so that packed blocks can stand one behind another; an empty last block and the
 * checksum of all, combined from the blocks', end the member.
 */
#include "gzip_write.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include "thrdpool.h"

#define BLOCK (512u << 10)
/* Half the time of zlib's usual 6, and files a tenth larger. */
#define LEVEL 4

struct block {
	unsigned char *in, *out;
	size_t in_len, out_len;
	uLong crc;
	bool packed;
};

struct gzip_writer {
	gzip_sink_fn *sink;
	void *payload;
	struct thrdpool *pool;
	z_stream *z; /* one a thread */
	size_t threads;
	struct block *ring;
	size_t nr, head, tail; /* head, tail: counters, modulo nr */
	pthread_mutex_t lock;  /* packed */
	pthread_cond_t changed;
	uLong crc;
	uint64_t total;
	bool begun;
};

static uLong out_size(void)
{
	/* Deflate's worst case with the flush behind it. */
	return compressBound(BLOCK) + 64;
}

/* --- a thread --- */

static void pack(void *item, size_t worker, void *payload)
{
	struct gzip_writer *w = payload;
	struct block *b = item;
	z_stream *z = &w->z[worker];

	deflateReset(z);
	z->next_in = b->in;
	z->avail_in = (uInt)b->in_len;
	z->next_out = b->out;
	z->avail_out = (uInt)out_size();
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in || !z->avail_out)
		BUG("a block of %zu bytes does not fit", b->in_len);
	b->out_len = out_size() - z->avail_out;
	b->crc = crc32(crc32(0, NULL, 0), b->in, (uInt)b->in_len);
	pthread_mutex_lock(&w->lock);
	b->packed = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* --- the writing side --- */

struct gzip_writer *gzip_writer_new(gzip_sink_fn *sink, void *payload, size_t threads)
{
	static const struct thrdpool_ops ops = {pack, NULL};
	struct gzip_writer *w = xcalloc(1, sizeof(*w));

	w->sink = sink;
	w->payload = payload;
	w->threads = threads ? threads : 1;
	w->nr = 2 * w->threads + 1;
	w->ring = xcalloc(w->nr, sizeof(*w->ring));
	for (size_t i = 0; i < w->nr; i++) {
		w->ring[i].in = xmalloc(BLOCK);
		w->ring[i].out = xmalloc(out_size());
	}
	w->z = xcalloc(w->threads, sizeof(*w->z));
	for (size_t i = 0; i < w->threads; i++)
		if (deflateInit2(&w->z[i], LEVEL, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
			Z_OK)
			BUG("zlib cannot start");
	w->crc = crc32(0, NULL, 0);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->pool = thrdpool_new(w->threads, &ops, w);
	return w;
}

static int begin(struct gzip_writer *w, struct err *err)
{
	/* No name, no time; made on Unix. */
	static const unsigned char header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

	if (w->begun)
		return 0;
	w->begun = true;
	return w->sink(w->payload, header, sizeof(header), err);
}

/* Waits for the oldest block and hands it over. */
static int write_head(struct gzip_writer *w, struct err *err)
{
	struct block *b = &w->ring[w->head % w->nr];

	pthread_mutex_lock(&w->lock);
	while (!b->packed)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	w->crc = crc32_combine(w->crc, b->crc, (z_off_t)b->in_len);
	w->total += b->in_len;
	w->head++;
	b->packed = false;
	b->in_len = 0;
	return begin(w, err) == 0 ? w->sink(w->payload, b->out, b->out_len, err) : -1;
}

static int pass_on(struct gzip_writer *w, struct err *err)
{
	thrdpool_add(w->pool, &w->ring[w->tail % w->nr]);
	w->tail++;
	return w->tail - w->head == w->nr ? write_head(w, err) : 0;
}

int gzip_writer_write(struct gzip_writer *w, const void *data, size_t len, struct err *err)
{
	const unsigned char *p = data;

	while (len) {
		struct block *b = &w->ring[w->tail % w->nr];
		size_t n = BLOCK - b->in_len;

		if (n > len)
			n = len;
		memcpy(b->in + b->in_len, p, n);
		b->in_len += n;
		p += n;
		len -= n;
		if (b->in_len == BLOCK && pass_on(w, err) != 0)
			return -1;
	}
	return 0;
}

static int end(struct gzip_writer *w, struct err *err)
{
	unsigned char trailer[10] = {3, 0}; /* an empty block that is the last */

	for (int i = 0; i < 4; i++) {
		trailer[2 + i] = (unsigned char)(w->crc >> (8 * i));
		trailer[6 + i] = (unsigned char)(w->total >> (8 * i));
	}
	return begin(w, err) == 0 ? w->sink(w->payload, trailer, sizeof(trailer), err) : -1;
}

int gzip_writer_finish(struct gzip_writer *w, struct err *err)
{
	int ret = 0;

	if (w->ring[w->tail % w->nr].in_len)
		ret = pass_on(w, err);
	while (ret == 0 && w->head != w->tail)
		ret = write_head(w, err);
	if (ret == 0)
		ret = end(w, err);
	gzip_writer_free(w);
	return ret;
}

void gzip_writer_free(struct gzip_writer *w)
{
	if (!w)
		return;
	thrdpool_free(w->pool);
	for (size_t i = 0; i < w->threads; i++)
		deflateEnd(&w->z[i]);
	for (size_t i = 0; i < w->nr; i++) {
		free(w->ring[i].in);
		free(w->ring[i].out);
	}
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w->ring);
	free(w->z);
	free(w);
}
