#include "testing.h"

#include <stdatomic.h>
#include "clock.h"
#include "thrdpool.h"

struct counts {
	atomic_int processed, running, most;
	int done; /* under the pool's lock */
	int again;
	struct thrdpool *pool;
	bool seen_worker[8];
};

static void process(void *item, size_t worker, void *payload)
{
	struct counts *c = payload;
	int *n = item;
	int now = atomic_fetch_add(&c->running, 1) + 1, most = c->most;
	while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now))
		;
	assert_true(worker < 4);
	c->seen_worker[worker] = true; /* each worker writes its own */
	*n += 1;
	c->processed++;
	c->running--;
}

static void done(void *item, void *payload)
{
	struct counts *c = payload;
	c->done++;
	if (c->again > 0) {
		c->again--;
		thrdpool_add(c->pool, item);
	}
}

static void test_thrdpool__runs_each_item_once(void **state)
{
	(void)state;
	static const struct thrdpool_ops ops = {process, done};
	static int items[5000];
	struct counts c = {0};
	c.pool = thrdpool_new(4, &ops, &c);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		thrdpool_add(c.pool, &items[i]);
	thrdpool_wait(c.pool);
	assert_int_equal(c.done, 5000);
	assert_int_equal(c.processed, 5000);
	assert_true(c.most <= 4);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		assert_int_equal(items[i], 1);
	thrdpool_wait(c.pool);
	thrdpool_free(c.pool);
}

static void test_thrdpool__add_from_done(void **state)
{
	(void)state;
	static const struct thrdpool_ops ops = {process, done};
	int item = 0;
	struct counts c = {.again = 300};
	c.pool = thrdpool_new(2, &ops, &c);
	thrdpool_add(c.pool, &item);
	thrdpool_wait(c.pool);
	assert_int_equal(item, 301);
	assert_int_equal(c.done, 301);
	thrdpool_free(c.pool);
}

static void process_slow(void *item, size_t worker, void *payload)
{
	(void)worker;
	(void)payload;
	clock_system()->sleep_ms(clock_system(), 30);
	*(int *)item = 1;
}

static void test_thrdpool__free_drops_what_is_queued(void **state)
{
	(void)state;
	static const struct thrdpool_ops ops = {process_slow, NULL};
	int items[50] = {0}, ran = 0;
	struct thrdpool *p = thrdpool_new(1, &ops, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		thrdpool_add(p, &items[i]);
	clock_system()->sleep_ms(clock_system(), 5);
	thrdpool_free(p);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		ran += items[i];
	assert_true(ran < 50);
	thrdpool_free(NULL);
}

static void count_one(void *item, size_t worker, void *payload)
{
	(void)worker;
	*(int *)item += 1;
	atomic_fetch_add((atomic_int *)payload, 1);
}

static void test_thrdpool__each(void **state)
{
	(void)state;
	int items[100] = {0};
	void *list[100];
	for (size_t i = 0; i < 100; i++)
		list[i] = &items[i];
	for (size_t threads = 0; threads < 6; threads++) {
		atomic_int total = 0;
		thrdpool_each(list, 100, threads, count_one, &total);
		assert_int_equal(total, 100);
	}
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(items[i], 6);
	thrdpool_each(NULL, 0, 4, count_one, NULL);
}
