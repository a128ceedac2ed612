#ifndef ARENA_H
#define ARENA_H

/*
 * Memory that is freed all at once. Everything that comes out of an arena stays valid
 * until arena_release(); single pieces cannot be freed. Not for use by two threads at once.
 */
#include <stddef.h>
#include "xalloc.h"

struct arena_block;
struct arena {
	struct arena_block *blocks;
};

#define ARENA_INIT   \
	{            \
		NULL \
	}

void arena_init(struct arena *a);
void arena_release(struct arena *a);

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);

#endif
