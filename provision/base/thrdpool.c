#include "thrdpool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * queue[head … nr) holds what waits. `running` counts items between taking and the end of `done`.
 * Everything below `lock` is touched with it held only.
 */
struct thrdpool {
	const struct thrdpool_ops *ops;
	void *payload;
	pthread_t *threads;
	size_t nr_threads;

	pthread_mutex_t lock;
	pthread_cond_t work; /* something was queued, or stop */
	pthread_cond_t idle; /* nothing is queued or running */
	void **queue;
	size_t head, nr, alloc;
	size_t running;
	size_t next_worker;
	bool stop;
};

static void enqueue(struct thrdpool *p, void *item)
{
	if (p->head && p->nr == p->alloc) {
		memmove(p->queue, p->queue + p->head, (p->nr - p->head) * sizeof(*p->queue));
		p->nr -= p->head;
		p->head = 0;
	}
	ALLOC_GROW(p->queue, p->nr, p->alloc);
	p->queue[p->nr++] = item;
}

/* Under the lock: the next item, or false when the thread is to end. */
static bool take(struct thrdpool *p, void **item)
{
	while (!p->stop && p->head == p->nr)
		pthread_cond_wait(&p->work, &p->lock);
	if (p->stop)
		return false;
	*item = p->queue[p->head++];
	p->running++;
	return true;
}

/* Under the lock. `done` runs in it; thrdpool_add() from there must not lock again. */
static __thread struct thrdpool *in_done_of;

static void give_back(struct thrdpool *p, void *item)
{
	if (p->ops->done) {
		struct thrdpool *outer = in_done_of;
		in_done_of = p;
		p->ops->done(item, p->payload);
		in_done_of = outer;
	}
	p->running--;
	if (!p->running && p->head == p->nr)
		pthread_cond_broadcast(&p->idle);
}

static void *work(void *arg)
{
	struct thrdpool *p = arg;
	void *item = NULL;
	pthread_mutex_lock(&p->lock);
	size_t worker = p->next_worker++;
	while (take(p, &item)) {
		pthread_mutex_unlock(&p->lock);
		p->ops->process(item, worker, p->payload);
		pthread_mutex_lock(&p->lock);
		give_back(p, item);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct thrdpool *thrdpool_new(size_t threads, const struct thrdpool_ops *ops, void *payload)
{
	struct thrdpool *p = xcalloc(1, sizeof(*p));
	if (!threads)
		threads = 1;
	p->ops = ops;
	p->payload = payload;
	p->threads = xcalloc(threads, sizeof(*p->threads));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->idle, NULL);
	/* Fewer threads than asked for still get the work done; none at all do not. */
	while (p->nr_threads < threads &&
		!pthread_create(&p->threads[p->nr_threads], NULL, work, p))
		p->nr_threads++;
	if (!p->nr_threads)
		BUG("cannot start a thread");
	return p;
}

void thrdpool_add(struct thrdpool *p, void *item)
{
	bool locked = in_done_of == p;
	if (!locked)
		pthread_mutex_lock(&p->lock);
	enqueue(p, item);
	pthread_cond_signal(&p->work);
	if (!locked)
		pthread_mutex_unlock(&p->lock);
}

void thrdpool_wait(struct thrdpool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->running || p->head < p->nr)
		pthread_cond_wait(&p->idle, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void thrdpool_free(struct thrdpool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->nr_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->idle);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p->queue);
	free(p->threads);
	free(p);
}

struct each {
	thrdpool_each_fn *fn;
	void *payload;
};

static void process_each(void *item, size_t worker, void *payload)
{
	struct each *each = payload;
	each->fn(item, worker, each->payload);
}

void thrdpool_each(void **items, size_t nr, size_t threads, thrdpool_each_fn *fn, void *payload)
{
	static const struct thrdpool_ops ops = {.process = process_each};
	struct each each = {fn, payload};
	if (threads > nr)
		threads = nr;
	if (threads <= 1) {
		for (size_t i = 0; i < nr; i++)
			fn(items[i], 0, payload);
		return;
	}
	struct thrdpool *p = thrdpool_new(threads, &ops, &each);
	for (size_t i = 0; i < nr; i++)
		thrdpool_add(p, items[i]);
	thrdpool_wait(p);
	thrdpool_free(p);
}
