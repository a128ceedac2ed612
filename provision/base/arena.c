#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define FIRST_BLOCK_BYTES ((size_t)4 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a)
{
	a->blocks = NULL;
}

void arena_release(struct arena *a)
{
	if (!a)
		return;
	for (struct arena_block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	a->blocks = NULL;
}

static struct arena_block *block_new(size_t size)
{
	struct arena_block *b = xcalloc(1, sizeof(*b) + size);
	b->size = size;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	if (size > SIZE_MAX / 2)
		BUG("arena_alloc of %zu bytes", size);
	size = (size + align - 1) / align * align;
	struct arena_block *b = a->blocks;
	if (b && b->size - b->used >= size) {
		void *p = b->data + b->used;
		b->used += size;
		return p;
	}
	if (b && size > BLOCK_BYTES / 4) {
		/* A big piece gets a block of its own behind the one that is being filled. */
		struct arena_block *own = block_new(size);
		own->used = size;
		own->next = b->next;
		b->next = own;
		return own->data;
	}
	size_t room = b ? BLOCK_BYTES : FIRST_BLOCK_BYTES;
	struct arena_block *fresh = block_new(size > room ? size : room);
	fresh->next = b;
	fresh->used = size;
	a->blocks = fresh;
	return fresh->data;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);
	if (len)
		memcpy(p, s, len);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		BUG("bad format '%s'", fmt);
	char *p = arena_alloc(a, (size_t)len + 1);
	vsnprintf(p, (size_t)len + 1, fmt, again);
	va_end(again);
	return p;
}
