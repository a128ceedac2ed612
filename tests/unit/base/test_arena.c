#include "testing.h"

#include <string.h>
#include "arena.h"

static void test_arena__aligned_zeroed_and_apart(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	static const size_t sizes[] = {0, 1, 7, 16, 4000, 5000, 70000, 3, 200000, 16};
	unsigned char *last = NULL;
	size_t last_size = 0;
	for (size_t i = 0; i < ARRAY_SIZE(sizes) * 20; i++) {
		size_t size = sizes[i % ARRAY_SIZE(sizes)];
		unsigned char *p = arena_alloc(&a, size);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, size);
		for (size_t k = 0; k < last_size; k++)
			assert_int_equal(last[k], 0xff);
		last = p;
		last_size = size;
	}
	arena_release(&a);
	arena_release(&a);
}

static void test_arena__strings(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	assert_null(arena_strdup(&a, NULL));
	assert_string_equal(arena_strdup(&a, "abc"), "abc");
	assert_memory_equal(arena_strndup(&a, "a\0b", 3), "a\0b\0", 4);
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 42), "x-42");
	arena_release(&a);
}
