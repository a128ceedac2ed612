#ifndef THRDPOOL_H
#define THRDPOOL_H

/*
 * Worker threads. `process` runs outside the lock on one item and cannot fail: an item's error
 * lives in the item. `done` runs under the pool's lock, one at a time. Items are given by
 * thrdpool_add from any thread (also from `done`); they are borrowed until `done` is called.
 */
#include <stddef.h>
#include "err.h"

struct thrdpool;

struct thrdpool_ops {
	void (*process)(void *item, size_t worker, void *payload); /* worker: 0 … threads-1 */
	void (*done)(void *item, void *payload);                   /* may be NULL */
};

struct thrdpool *thrdpool_new(size_t threads, const struct thrdpool_ops *ops, void *payload);
void thrdpool_add(struct thrdpool *p, void *item);
/* Waits until nothing is queued or running. */
void thrdpool_wait(struct thrdpool *p);
/* Waits for what runs, then ends the threads; what is still queued is dropped (done is not called). NULL is fine. */
void thrdpool_free(struct thrdpool *p);

/* The simple form: fn(items[i]) for all, at most `threads` at a time; returns when all are done. */
typedef void thrdpool_each_fn(void *item, size_t worker, void *payload);
void thrdpool_each(void **items, size_t nr, size_t threads, thrdpool_each_fn *fn, void *payload);

#endif
