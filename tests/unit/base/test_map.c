#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include "map.h"
#include "xalloc.h"

static void test_map__empty(void **state)
{
	(void)state;
	struct map m = MAP_INIT;
	struct map_entry *e;
	assert_null(map_get(&m, "a"));
	assert_false(map_has(&m, ""));
	assert_false(map_remove(&m, "a"));
	map_for_each(&m, e) fail();
	map_release(&m);
	map_release(NULL);
}

static void test_map__order_of_insertion(void **state)
{
	(void)state;
	struct map m = MAP_INIT;
	struct map_entry *e;
	static const char *const keys[] = {"z", "a", "m", ""};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		map_put(&m, keys[i], (void *)(uintptr_t)(i + 1));
	map_put(&m, "a", (void *)(uintptr_t)9);
	size_t i = 0;
	map_for_each(&m, e) assert_string_equal(e->key, keys[i++]);
	assert_int_equal(i, 4);
	assert_int_equal((uintptr_t)map_get(&m, "a"), 9);
	assert_true(map_has(&m, ""));
	map_release(&m);
}

static void test_map__null_values_are_there(void **state)
{
	(void)state;
	struct map m = MAP_INIT;
	map_put(&m, "a", NULL);
	assert_true(map_has(&m, "a"));
	assert_null(map_get(&m, "a"));
	map_release(&m);
}

static void test_map__many_with_removals(void **state)
{
	(void)state;
	struct map m = MAP_INIT;
	char key[32];
	map_init(&m, free);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 5000; i++) {
			snprintf(key, sizeof(key), "key-%d", i);
			map_put(&m, key, xasprintf("%d", i + round));
		}
		for (int i = 0; i < 5000; i += 2) {
			snprintf(key, sizeof(key), "key-%d", i);
			assert_true(map_remove(&m, key));
			assert_false(map_remove(&m, key));
		}
	}
	assert_int_equal(m.nr, 2500);
	for (int i = 1; i < 5000; i += 2) {
		snprintf(key, sizeof(key), "key-%d", i);
		assert_int_equal(strtol(map_get(&m, key), NULL, 10), i + 2);
	}
	map_release(&m);
	assert_int_equal(m.nr, 0);
}

/* Slots of removed entries must not make a search endless or the table full. */
static void test_map__put_and_remove_for_ever(void **state)
{
	(void)state;
	struct map m = MAP_INIT;
	char key[32];
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		map_put(&m, key, NULL);
		assert_true(map_remove(&m, key));
	}
	assert_int_equal(m.nr, 0);
	assert_true(m.nr_slots < 1000);
	map_release(&m);
}
